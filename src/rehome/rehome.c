/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: that the plan is one of this VM is checked first, and ends it. All other parts add to the move, to its notes, and to
 * the problems, so that all of these are told at once; with any of them there is no move. What each part decides, and why, is told at its
 * head: threads.c, memory.c, room.c, policies.c, cpuset.c, irqs.c.
 */
#include "rehome.h"

#include <string.h>

#include "../base/text.h"
#include "../model/near_nodes.h"
#include "part.h"

static void rehoming_clear(struct vn_rehoming *the)
{
	hwloc_bitmap_free(the->usable);
	hwloc_bitmap_free(the->lost);
	free(the->homes);
}

int vn_rehome_near(const struct vn_rehoming *the, hwloc_const_bitmap_t vnodes, hwloc_bitmap_t ret)
{
	vn_autoset nodes = hwloc_bitmap_alloc();

	if (!nodes || vn_io_homes(the->host, the->vm, the->homes, vnodes, nodes) < 0)
		return -ENOMEM;
	return vn_near_cpus(the->host, nodes, ret);
}

int vn_rehome_usable(const struct vn_host *host, const struct vn_vm_sample *vm, hwloc_bitmap_t ret)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (hwloc_bitmap_or(ret, ret, host->nodes[i].cpus) < 0)
			return -ENOMEM;
	}
	return vm->cpus && hwloc_bitmap_and(ret, ret, vm->cpus) < 0 ? -ENOMEM : 0;
}

int vn_rehome_not_isolated(const struct vn_host *host, hwloc_bitmap_t cpus)
{
	hwloc_const_bitmap_t isolated = host->isolated_cpus;

	return isolated && !hwloc_bitmap_isincluded(cpus, isolated) &&
			       hwloc_bitmap_andnot(cpus, cpus, isolated) < 0
		       ? -ENOMEM
		       : 0;
}

static int open_cpus(struct vn_rehoming *the)
{
	the->usable = hwloc_bitmap_alloc();
	the->lost = hwloc_bitmap_alloc();
	the->homes = calloc(the->plan->n_vnodes + 1, sizeof(*the->homes));
	if (!the->usable || !the->lost || !the->homes)
		return -ENOMEM;
	for (size_t v = 0; v < the->plan->n_vnodes; v++)
		the->homes[v] = (int)the->plan->homes[v];
	return vn_rehome_usable(the->host, the->vm, the->usable);
}

int vn_rehome_identity(const struct vn_vm_sample *vm, struct vn_move *move)
{
	memcpy(move->name, vm->name, sizeof(move->name));
	move->process = (struct vn_process){.pid = vm->process.pid, .start_time = vm->process.start_time};
	move->process.exe = vn_copy(vm->process.exe);
	move->manager = vm->manager;
	move->phase = VN_MOVE_PLANNED;
	return vm->process.exe && !move->process.exe ? -ENOMEM : 0;
}

static int open_move(struct vn_rehoming *the)
{
	struct vn_move *move = the->move;

	move->threads = the->wish->threads;
	move->memory = the->wish->memory;
	move->limits = the->wish->limits;
	move->homes = calloc(the->plan->n_vnodes + 1, sizeof(*move->homes));
	if (!move->homes || vn_rehome_identity(the->vm, move) < 0)
		return -ENOMEM;
	move->n_homes = the->plan->n_vnodes;
	memcpy(move->homes, the->plan->homes, move->n_homes * sizeof(*move->homes));
	return 0;
}

static int run(struct vn_rehoming *the)
{
	static int (*const parts[])(struct vn_rehoming *) = {vn_rehome_threads, vn_rehome_memory,
		vn_rehome_room, vn_rehome_policies, vn_rehome_cpuset, vn_rehome_irqs};
	int r = open_move(the);

	if (r == 0)
		r = open_cpus(the);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && r == 0; i++)
		r = parts[i](the);
	return r;
}

int vn_rehome(const struct vn_sample *sample, size_t vm, const struct vn_plan *plan,
	const struct vn_rehome_wish *wish, struct vn_move **ret_move, struct vn_error *err)
{
	const struct vn_vm_sample *of = &sample->vms[vm];
	vn_automove *move = vn_move_new();
	vn_autoerror problems = {0};
	vn_cleanup(rehoming_clear) struct vn_rehoming the = {.sample = sample,
		.host = sample->host,
		.vm = of,
		.plan = plan,
		.wish = wish,
		.n_vnodes = vn_io_vnodes(of),
		.move = move,
		.problems = &problems};

	int r = move ? vn_rehome_fits(&the) : -ENOMEM;
	if (r == 0 && problems.n == 0)
		r = run(&the);
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	if (problems.n > 0) {
		vn_error_move(err, &problems);
		return -EINVAL;
	}
	*ret_move = vn_steal(move);
	return 0;
}
