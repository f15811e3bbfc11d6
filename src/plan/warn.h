/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a plan's reader should know: warnings of a plan, reasons for there being none. */

#include "instance.h"

/* Notes on what was assumed about the host and on what is wished for; they hold whether or not there is a
 * plan. */
int vn_warn_input(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *guest, struct vn_notes *warnings);

/* Notes on the plan itself. `homes`: indices. */
int vn_warn_plan(const struct vn_instance *instance, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const size_t *homes, struct vn_plan *plan);

/* A note when CPUs that the plan gives to its guest alone are those of guests that were counted before. */
int vn_warn_disturbed(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, struct vn_plan *plan);

/* Of those the ones about what the host will do with a guest that fits: huge pages, balancing, devices, isolated CPUs. */
int vn_warn_launch(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *guest, const struct vn_plan_options *options, const size_t *homes,
	struct vn_plan *plan);

/* Of those the ones about memory whose nodes its user has settled: nodes too full for an even part, vCPUs that cannot live there. */
int vn_warn_dealt(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *guest, const size_t *homes, struct vn_notes *warnings);

/* The reasons 'nodes-short' of group `g`: such memory that its nodes have no room for. */
int vn_reason_dealt(
	const struct vn_instance *instance, size_t g, const struct vn_guest *guest, struct vn_notes *reasons);

/* Bytes of a node's ordinary memory of which huge pages could be made; 0 where the cpuset forbids them. `i`: an index. */
uint64_t vn_reservable(const struct vn_host *host, const struct vn_plan_options *options, size_t i);

/* The smallest huge page size above `from` that a node tells of; 0: there is none. */
uint64_t vn_next_page(const struct vn_host *host, uint64_t from);

/* Whether the host may have pages of that size: it tells of them, or its source tells of none of any size. */
bool vn_page_known(const struct vn_host *host, uint64_t page);

/* What would make room for what `need` bytes of a pool are short of the `have` there are: as sentences, "What would help: …".
 * `guest`: any of those planned. NULL: memory is short. */
char *vn_memory_help(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *guest, const struct vn_plan_options *options, size_t pool, uint64_t need,
	uint64_t have);

/* Adds a reason for each thing that makes a plan impossible before any search. `guests`: one per group; `options` may be NULL. */
int vn_reason_resources(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *const *guests, const struct vn_plan_options *options,
	struct vn_notes *reasons);

/*
 * Of those the reasons that no room for the guests would help against: 'cgroup-memory', when they together want more ordinary memory
 * than the cgroups of this process leave it (a QEMU that `vnuma run` starts stays in them; what VMs that run have not touched yet is
 * not counted, they may be in others), and 'device-taken', a device that another guest has.
 */
int vn_reason_refused(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_occupied *occupied, struct vn_notes *reasons);

/* Says why the search found no plan: exclusive cores cannot be had (`proven`), or its time was up. */
int vn_reason_not_found(const struct vn_instance *instance, bool proven, struct vn_notes *reasons);
