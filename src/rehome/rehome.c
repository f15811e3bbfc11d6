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
}

int vn_rehome_vcpus(const struct vn_rehoming *the, size_t vnode, hwloc_bitmap_t ret)
{
	const struct vn_guest *guest = the->vm->guest;

	if (guest && vnode < guest->n_vnodes)
		return hwloc_bitmap_or(ret, ret, guest->vnodes[vnode].vcpus) < 0 ? -ENOMEM : 0;
	return the->plan->n_vcpus > 0 && hwloc_bitmap_set_range(ret, 0, (int)the->plan->n_vcpus - 1) < 0
		       ? -ENOMEM
		       : 0;
}

int vn_rehome_near(const struct vn_rehoming *the, hwloc_const_bitmap_t vnodes, hwloc_bitmap_t ret)
{
	vn_autoset nodes = hwloc_bitmap_alloc(), idle = hwloc_bitmap_alloc();
	unsigned vnode;

	if (!nodes || !idle)
		return -ENOMEM;
	hwloc_bitmap_foreach_begin (vnode, vnodes) {
		vn_autoset vcpus = hwloc_bitmap_alloc();
		size_t home = (size_t)vn_host_node_index(the->host, the->plan->homes[vnode]);
		if (!vcpus || vn_rehome_vcpus(the, vnode, vcpus) < 0 ||
			vn_near_nodes(the->host, home, hwloc_bitmap_iszero(vcpus) ? idle : nodes) < 0)
			return -ENOMEM;
	}
	hwloc_bitmap_foreach_end();
	return vn_near_cpus(the->host, hwloc_bitmap_iszero(nodes) ? idle : nodes, ret);
}

static int open_cpus(struct vn_rehoming *the)
{
	the->usable = hwloc_bitmap_alloc();
	the->lost = hwloc_bitmap_alloc();
	if (!the->usable || !the->lost)
		return -ENOMEM;
	for (size_t i = 0; i < the->host->n_nodes; i++) {
		if (hwloc_bitmap_or(the->usable, the->usable, the->host->nodes[i].cpus) < 0)
			return -ENOMEM;
	}
	return the->vm->cpus && hwloc_bitmap_and(the->usable, the->usable, the->vm->cpus) < 0 ? -ENOMEM : 0;
}

static int open_move(struct vn_rehoming *the)
{
	struct vn_move *move = the->move;
	const struct vn_process *process = &the->vm->process;

	memcpy(move->name, the->vm->name, sizeof(move->name));
	move->process = (struct vn_process){.pid = process->pid, .start_time = process->start_time};
	move->process.exe = vn_copy(process->exe);
	move->manager = the->vm->manager;
	move->phase = VN_MOVE_PLANNED;
	move->threads = the->wish->threads;
	move->memory = the->wish->memory;
	move->limits = the->wish->limits;
	move->homes = calloc(the->plan->n_vnodes + 1, sizeof(*move->homes));
	if (!move->homes || (process->exe && !move->process.exe))
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
		.n_vnodes = of->guest && of->guest->n_vnodes > 1 ? of->guest->n_vnodes : 1,
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
