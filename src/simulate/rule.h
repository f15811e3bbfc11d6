/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The rules by which a guest gets its place. All of them see the same stock and the same guests; what they keep of their own
 * they are told of: each guest that departs.
 */

#include "stock.h"
#include "trace.h"

struct vn_rule {
	const char *name;
	const char *about; /* a line for people */
	/* *ret_self is the policy's own, or NULL. */
	int (*open)(const struct vn_stock *stock, uint64_t seed, void **ret_self);
	void (*close)(void *self);
	/*
	 * 0 with a placement, -ENOSPC when the rule has no place for the guest, another negative errno. Nothing of the placement
	 * is taken from the stock yet.
	 */
	int (*place)(void *self, const struct vn_stock *stock, const struct vn_trace_guest *guest,
		struct vn_placement *ret_placement);
	/* What place() put into `kept` is given back; may be NULL. */
	void (*depart)(void *self, struct vn_placement *placement);
	/* How many plans were not proven to be the best before the deadline; may be NULL. */
	size_t (*unproven)(const void *self);
};

/* The planner, with what it placed counted as occupied (rule_ours.c). */
extern const struct vn_rule vn_rule_ours;
/* OpenStack Nova's rule (rule_first_fit.c). */
extern const struct vn_rule vn_rule_first_fit;
/* libxl's rule (rule_fewest_nodes.c). */
extern const struct vn_rule vn_rule_fewest_nodes;
/* Any node that fits (rule_random.c). */
extern const struct vn_rule vn_rule_random;

/* All of them, in this order, ending in NULL. */
extern const struct vn_rule *const vn_rules[];
