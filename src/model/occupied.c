/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "occupied.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vn_occupied *vn_occupied_new(const struct vn_host *host)
{
	vn_autooccupied *occupied = calloc(1, sizeof(*occupied));

	if (!occupied)
		return NULL;
	occupied->nodes = calloc(host->n_nodes + 1, sizeof(*occupied->nodes));
	occupied->l3_load = calloc(host->n_cpus + 1, sizeof(*occupied->l3_load));
	occupied->sharing = calloc(host->n_cpus + 1, sizeof(*occupied->sharing));
	occupied->claimed = hwloc_bitmap_alloc();
	occupied->wanted = hwloc_bitmap_alloc();
	if (!occupied->nodes || !occupied->l3_load || !occupied->sharing || !occupied->claimed ||
		!occupied->wanted)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return NULL;
	occupied->host = host->identity;
	occupied->n_nodes = host->n_nodes;
	occupied->n_cpus = host->n_cpus;
	return vn_steal(occupied);
}

struct vn_occupied *vn_occupied_copy(const struct vn_occupied *from, const struct vn_host *host)
{
	vn_autooccupied *copy = vn_occupied_new(host);

	if (!copy || !from)
		return vn_steal(copy);
	if (hwloc_bitmap_copy(copy->claimed, from->claimed) < 0 ||
		hwloc_bitmap_copy(copy->wanted, from->wanted) < 0)
		return NULL;
	if (from->n_given > 0) {
		copy->given = calloc(from->n_given, sizeof(*copy->given));
		if (!copy->given)
			return NULL;
		memcpy(copy->given, from->given, from->n_given * sizeof(*copy->given));
		copy->n_given = from->n_given;
	}
	memcpy(copy->nodes, from->nodes, from->n_nodes * sizeof(*copy->nodes));
	memcpy(copy->l3_load, from->l3_load, from->n_cpus * sizeof(*copy->l3_load));
	memcpy(copy->sharing, from->sharing, from->n_cpus * sizeof(*copy->sharing));
	return vn_steal(copy);
}

void vn_occupied_free(struct vn_occupied *occupied)
{
	if (!occupied)
		return;
	free(occupied->nodes);
	free(occupied->l3_load);
	free(occupied->sharing);
	free(occupied->given);
	hwloc_bitmap_free(occupied->claimed);
	hwloc_bitmap_free(occupied->wanted);
	free(occupied);
}

static struct vn_promised *find_promised(struct vn_occupied_node *node, uint64_t page)
{
	for (size_t i = 0; i < node->n_promised; i++) {
		if (node->promised[i].page == page)
			return &node->promised[i];
	}
	return NULL;
}

uint64_t vn_occupied_promised(const struct vn_occupied_node *node, uint64_t page)
{
	for (size_t i = 0; i < node->n_promised; i++) {
		if (node->promised[i].page == page)
			return node->promised[i].memory;
	}
	return 0;
}

uint64_t vn_occupied_left(
	const struct vn_host_node *node, const struct vn_occupied_node *occupied, uint64_t page)
{
	uint64_t bytes = 0, promised = vn_occupied_promised(occupied, page);

	if (page == 0)
		bytes = node->has_memory_free ? node->memory_free + node->memory_reclaimable
					      : node->memory_total;
	for (size_t i = 0; page > 0 && i < node->n_hugepools; i++)
		bytes += node->hugepools[i].size == page ? node->hugepools[i].free * page : 0;
	return bytes > promised ? bytes - promised : 0;
}

int vn_occupied_promise(struct vn_occupied_node *node, uint64_t page, uint64_t memory)
{
	struct vn_promised *promised = find_promised(node, page);

	if (!promised && node->n_promised == VN_MAX_PAGE_SIZES)
		return -EINVAL;
	if (!promised) {
		promised = &node->promised[node->n_promised++];
		*promised = (struct vn_promised){.page = page};
	}
	uint64_t left = (uint64_t)INT64_MAX - promised->memory;
	promised->memory += memory < left ? memory : left;
	return 0;
}

/* Whether all that the plan names is there to be counted. */
static bool is_countable(const struct vn_occupied *occupied, const struct vn_host *host,
	const struct vn_guest *guest, const struct vn_plan *plan)
{
	if (!plan->feasible || plan->n_vnodes != guest->n_vnodes || plan->n_vcpus != guest->maxvcpus)
		return false;
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		const struct vn_plan_vnode *vnode = &plan->vnodes[v];
		if (vn_host_node_index(host, vnode->home) < 0)
			return false;
		for (size_t k = 0; k < vnode->n_shares; k++) {
			int i = vn_host_node_index(host, vnode->shares[k].pnode);
			if (i < 0)
				return false;
			const struct vn_occupied_node *node = &occupied->nodes[i];
			bool known = false;
			for (size_t p = 0; p < node->n_promised; p++)
				known |= node->promised[p].page == vn_vnode_page(guest, v);
			if (!known && node->n_promised == VN_MAX_PAGE_SIZES)
				return false;
		}
	}
	return true;
}

static void count_memory(struct vn_occupied *occupied, const struct vn_host *host,
	const struct vn_guest *guest, const struct vn_plan *plan, bool add)
{
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		const struct vn_plan_vnode *vnode = &plan->vnodes[v];
		for (size_t k = 0; k < vnode->n_shares; k++) {
			const struct vn_share *share = &vnode->shares[k];
			struct vn_occupied_node *node =
				&occupied->nodes[vn_host_node_index(host, share->pnode)];
			struct vn_promised *promised = find_promised(node, vn_vnode_page(guest, v));
			if (add)
				vn_occupied_promise(node, vn_vnode_page(guest, v), share->memory);
			else if (promised)
				promised->memory -=
					share->memory < promised->memory ? share->memory : promised->memory;
		}
	}
}

static void count(uint64_t *load, bool add)
{
	if (add)
		++*load;
	else if (*load > 0)
		--*load;
}

/* The L3 group that holds all of `cpus`, as an index of host->cpus; SIZE_MAX when none does. */
static size_t group_of(const struct vn_host *host, hwloc_const_bitmap_t cpus)
{
	int l3 = -1;
	unsigned id;

	hwloc_bitmap_foreach_begin (id, cpus) {
		const struct vn_host_cpu *cpu = vn_host_cpu(host, id);
		if (!cpu || cpu->l3 < 0 || (l3 >= 0 && cpu->l3 != l3))
			return SIZE_MAX;
		l3 = cpu->l3;
	}
	hwloc_bitmap_foreach_end();
	const struct vn_host_cpu *first = l3 < 0 ? NULL : vn_host_cpu(host, (unsigned)l3);
	return first ? (size_t)(first - host->cpus) : SIZE_MAX;
}

/* The vCPUs of a vnode, a guest core at a time: by the first vCPU of each. */
static void count_vcpus(struct vn_occupied *occupied, const struct vn_host *host,
	const struct vn_guest *guest, const struct vn_plan *plan, size_t v, bool add)
{
	struct vn_occupied_node *node = &occupied->nodes[vn_host_node_index(host, plan->vnodes[v].home)];
	unsigned vcpu, n = 0, threads = guest->threads ? guest->threads : 1;

	hwloc_bitmap_foreach_begin (vcpu, guest->vnodes[v].vcpus) {
		if (n++ % threads != 0)
			continue;
		count(&node->load, add);
		size_t group = group_of(host, plan->vcpu_cpus[vcpu]);
		if (group != SIZE_MAX)
			count(&occupied->l3_load[group], add);
	}
	hwloc_bitmap_foreach_end();
}

static void count_sharing(
	struct vn_occupied *occupied, const struct vn_host *host, hwloc_const_bitmap_t cpus, bool add)
{
	unsigned id;

	hwloc_bitmap_foreach_begin (id, cpus) {
		const struct vn_host_cpu *cpu = vn_host_cpu(host, id);
		if (cpu)
			count(&occupied->sharing[cpu - host->cpus], add);
	}
	hwloc_bitmap_foreach_end();
}

/* The whole core of each CPU: what is left of one that somebody has for himself is of no use to others. */
static int claim(
	struct vn_occupied *occupied, const struct vn_host *host, hwloc_const_bitmap_t cpus, bool add)
{
	unsigned id;

	hwloc_bitmap_foreach_begin (id, cpus) {
		const struct vn_host_cpu *cpu = vn_host_cpu(host, id);
		hwloc_const_bitmap_t core = cpu && host->cores_known && cpu->siblings ? cpu->siblings : cpus;
		if ((add ? hwloc_bitmap_or(occupied->claimed, occupied->claimed, core)
			 : hwloc_bitmap_andnot(occupied->claimed, occupied->claimed, core)) < 0)
			return -ENOMEM;
	}
	hwloc_bitmap_foreach_end();
	return 0;
}

const char *vn_occupied_device(const struct vn_occupied *occupied, const char *address, const char *but)
{
	for (size_t i = 0; i < occupied->n_given; i++) {
		const struct vn_given *given = &occupied->given[i];
		if (strcmp(given->address, address) == 0 && (!but || strcmp(given->guest, but) != 0))
			return given->guest;
	}
	return NULL;
}

static int give_devices(struct vn_occupied *occupied, const struct vn_guest *guest)
{
	if (guest->n_hostdevs == 0)
		return 0;
	struct vn_given *grown = reallocarray(
		occupied->given, occupied->n_given + guest->n_hostdevs, sizeof(*occupied->given));
	if (!grown)
		return -ENOMEM;
	occupied->given = grown;
	for (size_t i = 0; i < guest->n_hostdevs; i++) {
		struct vn_given *given = &grown[occupied->n_given++];
		memcpy(given->address, guest->hostdevs[i].address, sizeof(given->address));
		snprintf(given->guest, sizeof(given->guest), "%s", guest->name ? guest->name : "?");
	}
	return 0;
}

static void take_devices(struct vn_occupied *occupied, const struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_hostdevs; i++) {
		for (size_t k = 0; k < occupied->n_given; k++) {
			struct vn_given *given = &occupied->given[k];
			if (strcmp(given->address, guest->hostdevs[i].address) != 0 ||
				strcmp(given->guest, guest->name ? guest->name : "?") != 0)
				continue;
			*given = occupied->given[--occupied->n_given];
			break;
		}
	}
}

static int count_plan(struct vn_occupied *occupied, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan *plan, bool add)
{
	for (unsigned i = 0; guest->exclusive_cores && i < plan->n_vcpus; i++) {
		int r = claim(occupied, host, plan->vcpu_cpus[i], add);
		if (r < 0)
			return r;
	}
	if (add && give_devices(occupied, guest) < 0)
		return -ENOMEM;
	if (!add)
		take_devices(occupied, guest);
	count_memory(occupied, host, guest, plan, add);
	for (size_t v = 0; !guest->exclusive_cores && v < plan->n_vnodes; v++) {
		count_vcpus(occupied, host, guest, plan, v, add);
		if (plan->vnodes[v].cpus)
			count_sharing(occupied, host, plan->vnodes[v].cpus, add);
	}
	return 0;
}

int vn_occupied_add(struct vn_occupied *occupied, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan *plan)
{
	return is_countable(occupied, host, guest, plan) ? count_plan(occupied, host, guest, plan, true)
							 : -EINVAL;
}

int vn_occupied_remove(struct vn_occupied *occupied, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan *plan)
{
	return is_countable(occupied, host, guest, plan) ? count_plan(occupied, host, guest, plan, false)
							 : -EINVAL;
}
