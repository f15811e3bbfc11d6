/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The guests that a host has been promised to: their plans, as a file lists them. */

#include "occupied.h"

#define VN_MAX_TENANTS 4096u

struct vn_tenants {
	size_t n;
	struct vn_guest **guests; /* no two of one name; owned */
	struct vn_plan **plans; /* plans[i] is that of guests[i]; owned */
};

void vn_tenants_clear(struct vn_tenants *tenants);
#define vn_autotenants vn_cleanup(vn_tenants_clear) struct vn_tenants

/*
 * Reads plans for `host` from JSON: one vnuma.plan/1 object, a list of them (an empty one is no error), or an object with the list
 * `plans`. Each is checked as vn_plan_from_json() does; two of one guest, or two that have the same CPU for themselves, are
 * problems too. `file` is for messages. All problems are told; *ret_tenants is untouched then.
 */
int vn_tenants_read(const char *text, const char *file, const struct vn_host *host,
	struct vn_tenants *ret_tenants, struct vn_error *err);

/* Index of the guest of that name, or -ENOENT. */
int vn_tenants_find(const struct vn_tenants *tenants, const char *name);

/* Forgets one; those behind it move up. */
void vn_tenants_drop(struct vn_tenants *tenants, size_t i);

/*
 * Adds all of them to `occupied`. More than a node has free of a page size is a note 'occupied-short' that names the first guest
 * that does not fit, the node and by how much; it is counted all the same. -EINVAL with a problem when there are too many page
 * sizes; -ENOMEM.
 */
int vn_tenants_occupy(const struct vn_tenants *tenants, const struct vn_host *host,
	struct vn_occupied *occupied, struct vn_notes *warnings, struct vn_error *err);
