/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A plan read back from JSON: one that vnuma printed earlier, or that somebody edited. */

#include "json_reader.h"
#include "plan.h"

/*
 * Reads one feasible vnuma.plan/1 object for the host that it is to be counted on. Every field is checked: the parts of the plan
 * must agree with each other, and nothing in it may be unknown to the host (a node, a CPU, more memory than a node has). What
 * the guest asked for is taken from keys that earlier versions did not print; where they are missing, its default is.
 * `where->file` is named in problems.
 *
 * vn_plan_to_json() of the two prints what was read, but for what it reckons itself and what no longer fits into JSON; all
 * warnings are the plan's.
 */
int vn_plan_from_json(const json_t *json, const struct vn_host *host, const struct vn_where *where,
	struct vn_guest **ret_guest, struct vn_plan **ret_plan, struct vn_error *err);

/* The same for a plan within a document: its problems are the document's. Both outputs are set, or none when there were any. */
void vn_plan_read(const struct vn_json_reader *in, const struct vn_host *host, struct vn_guest **ret_guest,
	struct vn_plan **ret_plan);
