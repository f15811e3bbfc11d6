/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where a running VM is to live: what --to, --vnode, --plan and --best ask for, as a plan. */

#include "../model/plan.h"
#include "../model/sample.h"
#include "../realize/state.h"
#include "cli.h"

/* For the table of options. */
/* clang-format off: it would put each piece of text on a line of its own */
#define VN_OPTIONS_TARGET                                                                                    \
	{"to", "NODES", "live on these nodes of the host: 2, or 0-1"},                                       \
		{"vnode", "V=NODE,...", "homes of single vnodes; the others stay where they are at home"},   \
		{"plan", "FILE", "the homes and CPUs of a plan that 'vnuma plan --json' printed"},           \
	{                                                                                                    \
		"best", NULL, "ask the planner, with the host as it is now (the default)"                    \
	}
/* clang-format on */

/* More than one of the options is a problem of the input. */
int vn_target_check_options(const struct vn_args *args, struct vn_error *err);

/*
 * The plan for sample->vms[vm]; the options were checked. A problem of the input are nodes that do not exist, have no memory
 * or no CPUs. The VM's own memory and vCPUs count as free. A plan that is not feasible is returned, too: its reasons say why.
 * `homes`, n_vnodes of them, are where the audit sees its vnodes at home now; -1: not known.
 */
int vn_target_plan(const struct vn_args *args, const struct vn_state *state, const struct vn_sample *sample,
	size_t vm, const int *homes, size_t n_homes, struct vn_plan **ret_plan, struct vn_error *err);
