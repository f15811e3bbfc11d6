/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is worth knowing before the guest is launched: things that work, and will disappoint. */
#include "warn.h"

#include "../base/text.h"

/* Bytes that the vnodes on a place want there. */
static uint64_t wanted_on(const struct vn_instance *in, size_t pool, const size_t *homes, size_t i)
{
	uint64_t bytes = vn_dealt_on(in, pool, i);

	for (size_t v = 0; v < in->n_parts; v++)
		bytes += homes[v] == i && in->parts[v].pool == pool ? in->parts[v].memory : 0;
	return bytes;
}

/* How to reserve pages that are missing on a node: all of them, as many as it has memory for, or not at all. */
static char *reserve_words(const struct vn_host *host, const struct vn_plan_options *options, uint64_t page,
	size_t i, uint64_t missing)
{
	const struct vn_host_node *node = &host->nodes[i];
	uint64_t more = vn_reservable(host, options, i) / page, total = 0;

	if (host->allowed_nodes && !hwloc_bitmap_isset(host->allowed_nodes, node->id))
		return vn_copy(
			"The cpuset allows no memory of this node, so reserving more there would not help");
	if (more == 0)
		return vn_copy(
			"More cannot be reserved there: the node has no memory free to make a page of");
	for (size_t k = 0; k < node->n_hugepools; k++)
		total += node->hugepools[k].size == page ? node->hugepools[k].total : 0;
	vn_autofree char *lead =
		more < missing ? vn_format("The node has memory free for %llu more of the %llu missing",
					 (unsigned long long)more, (unsigned long long)missing)
			       : vn_format("To reserve the %llu missing", (unsigned long long)missing);
	uint64_t reserve = total + vn_min(more, missing);
	if (!lead)
		return NULL;
	return vn_format(
		"%s: echo %llu > /sys/devices/system/node/node%u/hugepages/hugepages-%llukB/nr_hugepages",
		lead, (unsigned long long)reserve, node->id, (unsigned long long)(page / 1024));
}

static int warn_pool(const struct vn_instance *in, size_t pool, const struct vn_host *host,
	const struct vn_guest *guest, const struct vn_plan_options *options, const size_t *homes,
	struct vn_notes *warnings)
{
	uint64_t page = in->pages[pool];

	for (size_t i = 0; i < in->n_places && page > 0; i++) {
		uint64_t wanted = wanted_on(in, pool, homes, i) / page,
			 there = vn_whole_room(in, pool, i) / page;
		char size[VN_SIZE_TEXT];
		if (wanted <= there)
			continue;
		vn_autofree char *reserve = reserve_words(host, options, page, i, wanted - there);
		if (!reserve)
			return -ENOMEM;
		int r = vn_notes_add(warnings, "hugepages-short",
			"node %u: the guest wants %llu huge page%s of %s there and %llu %s free; %s. %s",
			host->nodes[i].id, (unsigned long long)wanted, wanted == 1 ? "" : "s",
			vn_size_text(page, size), (unsigned long long)there, there == 1 ? "is" : "are",
			guest->memory_policy == VN_MEMORY_STRICT
				? "the rest is bound to the other nodes that the plan names, and to nothing else (memory_policy strict)"
				: "the rest comes from other nodes",
			reserve);
		if (r < 0)
			return r;
	}
	return 0;
}

static int warn_hugepages(const struct vn_instance *in, const struct vn_host *host,
	const struct vn_guest *guest, const struct vn_plan_options *options, const size_t *homes,
	struct vn_notes *warnings)
{
	int r = 0;

	for (size_t k = 0; k < in->n_pools && r >= 0; k++)
		r = warn_pool(in, k, host, guest, options, homes, warnings);
	return r;
}

/*
 * The kernel's balancing leaves hugetlb pages alone, and areas with a policy of their own, be it binding, preferring or
 * interleaving (Linux: task_numa_work() in kernel/sched/fair.c asks vma_policy_mof() in mm/mempolicy.c; mbind(2) sets no
 * MPOL_F_MOF unless it is given MPOL_F_NUMA_BALANCING, which QEMU does not). What has none is moved: all of QEMU that is not
 * guest memory, and guest memory where whoever starts it leaves the policy out or takes it off. Only a preferred one is worth a
 * word: who binds or deals out pages by hand has set a policy on purpose.
 */
static int warn_balancing(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan *plan, struct vn_notes *warnings)
{
	bool on = host->numa_balancing > 0 && (host->numa_balancing & 1) != 0;

	if (!on || host->n_nodes < 2 || guest->hugepages > 0 || plan->binding != VN_BINDING_PREFERRED)
		return 0;
	return vn_notes_add(warnings, "numa-balancing",
		"the kernel's own NUMA balancing is on (kernel.numa_balancing = %d). It leaves memory alone that has a "
		"policy of its own, as this plan's has, preferred or bound; guest memory that is started without one, "
		"or loses it to another tool, is scanned and moved about, which can stall a large guest. sysctl "
		"kernel.numa_balancing=0 turns it off",
		host->numa_balancing);
}

/* A device whose node is known: far when no vnode lives there, nor anywhere as near as local memory. */
static int warn_far(const struct vn_instance *in, const size_t *homes, const struct vn_hostdev *hostdev,
	size_t at, struct vn_notes *warnings)
{
	size_t nearest = 0;

	for (size_t v = 0; v < in->n_parts; v++) {
		if (homes[v] == at)
			return 0;
		if (vn_distance(in, homes[v], at) < vn_distance(in, homes[nearest], at))
			nearest = v;
	}
	return vn_notes_add(warnings, "device-far",
		"device %s is behind node %u, where no vnode of this guest lives: the nearest is vnode %zu on node "
		"%u, at distance %u",
		hostdev->address, in->places[at].id, nearest, in->places[homes[nearest]].id,
		vn_distance(in, homes[nearest], at));
}

static int warn_devices(const struct vn_instance *in, const struct vn_host *host,
	const struct vn_guest *guest, const size_t *homes, struct vn_notes *warnings)
{
	int r = 0;

	for (size_t i = 0; i < guest->n_hostdevs && host->n_nodes > 1 && r >= 0; i++) {
		const struct vn_hostdev *hostdev = &guest->hostdevs[i];
		const struct vn_host_device *device = vn_host_device(host, hostdev->address);
		int at = device && device->node >= 0 ? vn_host_node_index(host, (unsigned)device->node) : -1;
		if (at >= 0)
			r = warn_far(in, homes, hostdev, (size_t)at, warnings);
		else
			r = vn_notes_add(warnings, "device-node-unknown",
				"device %s: %s, so it was not taken into account where vnode %u lives best",
				hostdev->address,
				device ? "the firmware does not say which node it is behind"
				       : "what is known of this host does not name it",
				hostdev->vnode);
	}
	return r;
}

/* Isolated CPUs come in only where `cpus` names them (instance.c). */
static int warn_isolated(const struct vn_host *host, const struct vn_guest *guest, const struct vn_plan *plan,
	struct vn_notes *warnings)
{
	vn_autoset used = hwloc_bitmap_alloc();

	if (!used)
		return -ENOMEM;
	for (size_t v = 0; v < plan->n_vnodes && host->isolated_cpus && !guest->exclusive_cores; v++) {
		if (hwloc_bitmap_or(used, used, plan->vnodes[v].cpus) < 0)
			return -ENOMEM;
	}
	if (host->isolated_cpus && hwloc_bitmap_and(used, used, host->isolated_cpus) < 0)
		return -ENOMEM;
	if (hwloc_bitmap_iszero(used))
		return 0;
	vn_autofree char *list = vn_set_text(used);
	if (!list)
		return -ENOMEM;
	return vn_notes_add(warnings, "isolated-shared",
		"CPUs %s are isolated: the scheduler does not spread threads over them, so several vCPUs may stay on "
		"one CPU while others idle. exclusive_cores = 1 gives each a CPU of its own",
		list);
}

/* A cgroup's quota of CPU time: all threads stop when it is used up, until the next period. */
static int warn_quota(const struct vn_host *host, const struct vn_guest *guest, struct vn_notes *warnings)
{
	if (host->cgroup_millicpus == 0 || (uint64_t)guest->vcpus * 1000 <= host->cgroup_millicpus)
		return 0;
	return vn_notes_add(warnings, "cgroup-cpu",
		"the guest has %u vCPUs, and the cpu.max of the cgroups of %s allows it the time of %.3g CPUs: when more "
		"of them are busy, all are stopped for a part of each period. Raise that limit (systemd: CPUQuota=), or start "
		"the guest from a cgroup without one",
		guest->vcpus, host->live ? "this process" : "the process that read the host",
		(double)host->cgroup_millicpus / 1000);
}

int vn_warn_launch(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *guest, const struct vn_plan_options *options, const size_t *homes,
	struct vn_plan *plan)
{
	struct vn_notes *warnings = &plan->warnings;
	int r = warn_hugepages(instance, host, guest, options, homes, warnings);

	if (r >= 0)
		r = warn_balancing(host, guest, plan, warnings);
	if (r >= 0)
		r = warn_devices(instance, host, guest, homes, warnings);
	if (r >= 0)
		r = warn_isolated(host, guest, plan, warnings);
	if (r >= 0)
		r = warn_quota(host, guest, warnings);
	return r;
}
