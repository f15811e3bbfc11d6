/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A vCPU may use every usable CPU of its home, and the host's scheduler finds it one; with `exclusive_cores`
 * it gets one core. What else runs on a node is known by number only. Where n vCPUs run already, the first n
 * cores are left alone: guests planned one after the other, each counted in the load of the next, then do not
 * meet on the first cores.
 */
#include "pin.h"

/* The core of a CPU, as far as it is usable. */
static int core_of(const struct vn_host *host, unsigned cpu, hwloc_const_bitmap_t usable, hwloc_bitmap_t core)
{
	const struct vn_host_cpu *that = vn_host_cpu(host, cpu);

	if (!that || !that->siblings || !host->cores_known)
		return hwloc_bitmap_only(core, cpu);
	if (hwloc_bitmap_and(core, that->siblings, usable) < 0)
		return -ENOMEM;
	return hwloc_bitmap_set(core, cpu);
}

/* Takes the next core from `left`, as a new set. */
static int take_core(const struct vn_host *host, hwloc_bitmap_t left, hwloc_bitmap_t *ret_core)
{
	int cpu = hwloc_bitmap_first(left);
	vn_autoset core = hwloc_bitmap_alloc();

	if (!core || cpu < 0)
		return -ENOMEM;
	if (core_of(host, (unsigned)cpu, left, core) < 0 || hwloc_bitmap_andnot(left, left, core) < 0)
		return -ENOMEM;
	*ret_core = vn_steal(core);
	return 0;
}

/* The usable CPUs of each place that no vCPU has been given yet. */
static int skip_loaded(const struct vn_host *host, uint64_t load, hwloc_bitmap_t left)
{
	for (uint64_t i = 0; i < load; i++) {
		vn_autoset core = NULL;
		int r = take_core(host, left, &core);
		if (r < 0)
			return r;
	}
	return 0;
}

static int give_cores(const struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	const size_t *homes, size_t place, struct vn_plan *plan)
{
	vn_autoset left = hwloc_bitmap_dup(in->groups[0].cpus[place]);

	if (!left)
		return -ENOMEM;
	int r = skip_loaded(host, in->places[place].load, left);
	for (unsigned vcpu = 0; vcpu < plan->n_vcpus && r >= 0; vcpu++) {
		int vnode = vn_guest_vnode_of(guest, vcpu);
		if (vnode >= 0 && homes[vnode] == place)
			r = take_core(host, left, &plan->vcpu_cpus[vcpu]);
	}
	return r;
}

static int give_exclusive(const struct vn_instance *in, const struct vn_host *host,
	const struct vn_guest *guest, const size_t *homes, struct vn_plan *plan)
{
	for (size_t i = 0; i < in->n_places; i++) {
		bool lived_in = false;
		for (size_t v = 0; v < in->n_parts; v++)
			lived_in |= homes[v] == i && in->parts[v].vcpus > 0;
		if (!lived_in)
			continue;
		int r = give_cores(in, host, guest, homes, i, plan);
		if (r < 0)
			return r;
	}
	return 0;
}

static int give_homes(
	const struct vn_instance *in, const struct vn_guest *guest, const size_t *homes, struct vn_plan *plan)
{
	for (unsigned vcpu = 0; vcpu < plan->n_vcpus; vcpu++) {
		int vnode = vn_guest_vnode_of(guest, vcpu);
		plan->vcpu_cpus[vcpu] =
			vnode < 0 ? hwloc_bitmap_alloc() : hwloc_bitmap_dup(in->groups[0].cpus[homes[vnode]]);
		if (!plan->vcpu_cpus[vcpu])
			return -ENOMEM;
	}
	return 0;
}

/* A vnode's CPUs are those of its vCPUs; QEMU's other threads may use all of the homes' CPUs. */
static int join_sets(
	const struct vn_instance *in, const struct vn_guest *guest, const size_t *homes, struct vn_plan *plan)
{
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		plan->vnodes[v].cpus = hwloc_bitmap_alloc();
		if (!plan->vnodes[v].cpus)
			return -ENOMEM;
		if (in->parts[v].vcpus > 0 && hwloc_bitmap_or(plan->emulator_cpus, plan->emulator_cpus,
						      in->groups[0].cpus[homes[v]]) < 0)
			return -ENOMEM;
	}
	for (unsigned vcpu = 0; vcpu < plan->n_vcpus; vcpu++) {
		int vnode = vn_guest_vnode_of(guest, vcpu);
		if (vnode < 0)
			continue;
		hwloc_bitmap_t cpus = plan->vnodes[vnode].cpus;
		if (hwloc_bitmap_or(cpus, cpus, plan->vcpu_cpus[vcpu]) < 0)
			return -ENOMEM;
	}
	return 0;
}

int vn_pin_plan(const struct vn_instance *instance, const struct vn_host *host, const struct vn_guest *guest,
	const size_t *homes, struct vn_plan *plan)
{
	plan->vcpu_cpus = calloc(guest->maxvcpus, sizeof(hwloc_bitmap_t));
	plan->emulator_cpus = hwloc_bitmap_alloc();
	if (!plan->vcpu_cpus || !plan->emulator_cpus)
		return -ENOMEM;
	plan->n_vcpus = guest->maxvcpus;
	int r = guest->exclusive_cores ? give_exclusive(instance, host, guest, homes, plan)
				       : give_homes(instance, guest, homes, plan);
	return r < 0 ? r : join_sets(instance, guest, homes, plan);
}
