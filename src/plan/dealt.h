/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Memory whose nodes its user has settled, wherever the vCPUs live: dealt out over several, or where there are no CPUs. */

#include "instance.h"

/* Whether a vnode's memory is interleaved over several nodes, as its user wants it. */
bool vn_is_dealt(const struct vn_vnode *vnode);

/* Whether nothing says where a vnode's memory is but the nodes of its guest, and these are of memory alone: libvirt's <numatune>. */
bool vn_is_kept(const struct vn_guest *guest, const struct vn_vnode *vnode);

/* Whether a vnode's memory prefers its home, and goes elsewhere when that is full. */
bool vn_prefers_home(const struct vn_vnode *vnode);

/*
 * Deals such memory out: fills `dealt` and takes it out of the rooms, adds to `pulls`, and leaves the parts without memory. Where
 * parts must not live must be known (`barred`); a part whose nodes have no CPUs may live elsewhere afterwards. 0 or -ENOMEM.
 */
int vn_deal(struct vn_instance *instance, const struct vn_host *host, const struct vn_guest *const *guests);

/* Bytes of a part that its nodes have no room for, 0 of one whose memory is for its home to hold. */
uint64_t vn_deal_lacks(const struct vn_instance *instance, size_t part);

/* Whether that is so of any part: there is no plan then. */
bool vn_deal_fails(const struct vn_instance *instance);

/* What the distance level has of dealt memory: its share of the pulls, as those of devices are the rest. */
vn_i128 vn_dealt_distance(const struct vn_instance *instance, const size_t *homes);
