/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What `vnuma resize` asks, checks and tells, of a VM of vnuma's (resize.c) and of a domain of libvirt's (resize_domain.c) alike. */

#include "../realize/resize.h"
#include "../realize/state.h"
#include "cli.h"

#define VN_RESIZE_LOCK_MS 30000

struct vn_resize_request {
	bool has_vnode, has_wish;
	unsigned vnode;
	struct vn_resize_wish wish;
	int timeout_ms;
	bool force, all_or_nothing;
};

/* A vnode's memory; bytes. */
struct vn_resize_row {
	size_t vnode;
	uint64_t least, size, requested, most;
	int home; /* -1: none */
	const char *device; /* NULL: none */
};

int vn_resizing_print(const struct vn_args *args, const char *name, const struct vn_resize_row *rows,
	size_t n, struct vn_error *err);

/*
 * Whether the nodes that a vnode's new memory comes to (NULL: any) have it, in pages of `page` (0: ordinary ones): 0, 1 (no, told), or a
 * negative errno.
 */
int vn_resizing_check_room(const struct vn_state *state, hwloc_const_bitmap_t nodes, uint64_t page,
	unsigned vnode, uint64_t more, struct vn_error *err);

/*
 * Tells why the guest has not what it is to have: `before` is what it had, `why` what the wait ended with: -ETIMEDOUT, -ECANCELED. The exit
 * status: 0 where it was not to be waited for.
 */
int vn_resizing_fall_short(const struct vn_resize_request *request, const struct vn_memory_device *device,
	uint64_t before, int why, bool paused);

/*
 * The whole verb for a domain of libvirt's. The exit status, or a negative errno: -ENOENT, there was none of that name that ran, or no libvirt
 * to ask, when we came; -ESRCH, it ended meanwhile.
 */
int vn_resize_domain(
	const struct vn_args *args, const struct vn_resize_request *request, struct vn_error *err);
