/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A plan: where each vnode lives, which CPUs each thread may use, and what the guest will see. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "guest.h"
#include "host.h"

typedef __int128 vn_i128;

/* The levels of the objective, most important first (DESIGN section 4). */
enum vn_level {
	VN_LEVEL_SPILL,
	VN_LEVEL_SQUEEZE,
	VN_LEVEL_DISTANCE,
	VN_LEVEL_LOAD,
	VN_LEVEL_FRAGMENTATION,
	VN_LEVEL_TIES
};

struct vn_cost {
	uint64_t
		spill; /* bytes of vnodes that their home has no room for: on other nodes, as are more of interleaved memory */
	uint64_t squeeze; /* vCPUs that must share a core */
	vn_i128 distance; /* sum over v, w of vcpus(v) * MiB(w) * D(home v, home w) */
	uint64_t load_vcpus, load_cores; /* the highest (load + vCPUs) / cores over the nodes; 0/1 when no
					    vCPU is placed */
	vn_i128 fragmentation; /* sum over nodes of (free MiB after)^2 */
};

/* Memory of one vnode on one pnode. */
struct vn_share {
	unsigned pnode; /* id */
	uint64_t memory; /* bytes */
};

struct vn_plan_vnode {
	unsigned home; /* pnode id */
	size_t n_shares;
	struct vn_share *shares; /* home first (when it holds any), then spill, nearest first */
	hwloc_bitmap_t cpus; /* pCPUs its vCPUs may use; owned */
};

/* One node as the guest's own kernel will number it. */
struct vn_view_node {
	unsigned id, vnode;
	hwloc_bitmap_t cpus; /* vCPUs online at start; owned */
	uint64_t memory; /* bytes as given; the guest's kernel keeps some for itself */
	uint32_t *distances; /* by guest node id */
};

struct vn_view {
	size_t n_nodes;
	struct vn_view_node *nodes; /* by id */
};

struct vn_plan {
	char *guest; /* name */
	bool feasible;
	bool optimal; /* proven */
	enum vn_level open_level; /* feasible but not optimal: the first level at which better was not ruled
				     out, … */
	struct vn_cost
		bound; /* … and no plan is better at that level than this; the levels below it mean nothing */
	unsigned *homes; /* pnode id of vnode i; n_vnodes */
	uint64_t host; /* identity of the host it is for; 0: not told */
	struct vn_cost cost;
	double mean_distance; /* of an access from a vCPU to its guest's memory where the shares have it, 10 when all is local; NAN
				 without a vCPU or memory */
	enum vn_binding
		binding; /* of all vnodes but those whose wish has one of its own: vn_plan_binding() */
	size_t n_vnodes;
	struct vn_plan_vnode *vnodes;
	unsigned n_vcpus; /* maxvcpus */
	hwloc_bitmap_t *vcpu_cpus; /* n_vcpus, owned */
	hwloc_bitmap_t emulator_cpus; /* pCPUs of all homes: QEMU's other threads; owned */
	struct vn_view view;
	bool has_runner_up; /* the best plan found that costs more: one that costs the same would explain
			       nothing */
	unsigned *runner_up_homes;
	struct vn_cost runner_up_cost;
	enum vn_level decided_by; /* the level at which the runner-up loses */
	struct vn_notes warnings;
	struct vn_notes reasons; /* when infeasible */
	struct vn_guest *
		planned; /* the guest with the vnodes that it was planned with; owned; NULL: whoever planned it has it */
};

struct vn_plan *vn_plan_new(void);
void vn_plan_free(struct vn_plan *plan);
static inline void vn_plan_freep(struct vn_plan **plan)
{
	vn_plan_free(*plan);
}
#define vn_autoplan vn_cleanup(vn_plan_freep) struct vn_plan

/* How a vnode's memory is tied: as the user fixed it, or else as the plan has it for all. */
static inline enum vn_binding vn_plan_binding(
	const struct vn_plan *plan, const struct vn_guest *guest, size_t vnode)
{
	return guest->vnodes[vnode].has_binding ? guest->vnodes[vnode].binding : plan->binding;
}

void vn_view_clear(struct vn_view *view);

/* Negative, 0 or positive as `a` is better than, equal to or worse than `b`; *ret_level (may be NULL) is the
 * deciding level. */
int vn_cost_compare(
	const struct vn_cost *a, const struct vn_cost *b, enum vn_policy policy, enum vn_level *ret_level);

/* How far the level is above (of pack's fragmentation: below) its bound, in percent of the bound; negative: no such figure, the bound
 * is 0 or the level has none. */
double vn_cost_gap(const struct vn_cost *cost, enum vn_level level, const struct vn_cost *bound);

/*
 * Says of a plan that is not proven best how far it is: "at most 1.25% more distance than the best possible". Behind a colon or in
 * brackets.
 */
void vn_gap_print(
	const struct vn_cost *cost, enum vn_level open_level, const struct vn_cost *bound, FILE *out);

/* `"schema": "vnuma.plan/1"`. plan_from_json.h reads it back. */
json_t *vn_plan_to_json(const struct vn_plan *plan, const struct vn_guest *guest);

/* A cost as plans tell it. NULL when memory is short. */
json_t *vn_cost_to_json(const struct vn_cost *cost);

/* Notes as a list of a code and a text each, then those of `second` (may be NULL). NULL when memory is short. */
json_t *vn_notes_to_json(const struct vn_notes *first, const struct vn_notes *second);

/* The level and what no plan can be better than at it. NULL when memory is short. */
json_t *vn_bound_to_json(enum vn_level level, const struct vn_cost *bound);
void vn_plan_print(const struct vn_plan *plan, const struct vn_guest *guest, FILE *out);

/* The view in the form of `numactl --hardware`, sizes in MB as given (no free lines). */
void vn_view_print_numactl(const struct vn_view *view, FILE *out);
