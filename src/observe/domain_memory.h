/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The virtio-mem devices of a running domain, as its live XML has them, and the XML that libvirt takes for a change of one
 * (virDomainUpdateDeviceFlags(), as `virsh update-memory-device` uses it): the device's own, with another size requested. libvirt finds the
 * device by its address, and refuses when anything but that size differs.
 */

#include <hwloc.h>
#include <stdint.h>

#include "../base/error.h"

struct vn_domain_memory {
	unsigned cell;
	char alias[32]; /* libvirt's name of it, "virtiomem0" */
	uint64_t block, most; /* bytes: of a block; that it can have */
	uint64_t requested, current; /* bytes that the guest is to have; that it has */
	hwloc_bitmap_t
		nodes; /* of the host that its memory is bound to (<nodemask>); owned; NULL: those of its cell */
	char *xml; /* the element, owned; in it ... */
	size_t requested_begin, requested_end; /* ... <requested> */
};

struct vn_domain_memories {
	size_t n;
	struct vn_domain_memory *v; /* owned; in the order of the XML */
};

/*
 * Reads them. -EINVAL, with a problem each for what libvirt would not tell of a running domain so; -ENOENT (no libxml2), -ENOMEM.
 * *ret is to be cleared.
 */
int vn_domain_memories_read(const char *xml, struct vn_domain_memories *ret, struct vn_error *err);
void vn_domain_memories_clear(struct vn_domain_memories *memories);
#define vn_automemories vn_cleanup(vn_domain_memories_clear) struct vn_domain_memories

/* The only one of a cell; NULL: it has none, or several (*ret_n tells). */
const struct vn_domain_memory *vn_domain_memory_of(
	const struct vn_domain_memories *memories, unsigned cell, size_t *ret_n);

/* Its XML with so many bytes requested, whole KiB. New; NULL when memory is short. */
char *vn_domain_memory_xml(const struct vn_domain_memory *memory, uint64_t requested);
