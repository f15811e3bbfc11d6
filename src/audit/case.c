/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "case.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../model/near_nodes.h"
#include "cost.h"

int vn_case_index(const struct vn_host *host, unsigned id)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (host->nodes[i].id == id)
			return (int)i;
	}
	return -1;
}

double vn_case_distance(const struct vn_case *the, size_t from, size_t to, bool *known)
{
	const uint32_t *row = the->host->nodes[from].distances;

	if (from == to)
		return VN_DISTANCE_LOCAL;
	if (row && row[to] > VN_DISTANCE_LOCAL)
		return row[to];
	*known = false;
	return VN_COST_DISTANCE;
}

int vn_case_nodes(const struct vn_host *host, hwloc_const_bitmap_t cpus, hwloc_bitmap_t ret)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (cpus && hwloc_bitmap_intersects(host->nodes[i].cpus, cpus) &&
			hwloc_bitmap_set(ret, (unsigned)i) < 0)
			return -ENOMEM;
	}
	return 0;
}

int vn_case_near(const struct vn_case *the, int home, hwloc_bitmap_t ret)
{
	return vn_near_nodes(the->host, (size_t)home, ret);
}

char *vn_case_ids(const struct vn_case *the, hwloc_const_bitmap_t nodes)
{
	vn_autoset ids = hwloc_bitmap_alloc();
	unsigned node;

	if (!ids)
		return NULL;
	hwloc_bitmap_foreach_begin (node, nodes) {
		if (hwloc_bitmap_set(ids, the->host->nodes[node].id) < 0)
			return NULL;
	}
	hwloc_bitmap_foreach_end();
	return vn_set_text(ids);
}

const char *vn_case_vcpu_name(
	const struct vn_thread_sample *thread, const char *kind, char buffer[static VN_CASE_NAME])
{
	if (thread->index >= 0)
		snprintf(buffer, VN_CASE_NAME, "%svCPU %d (thread %d)", kind, thread->index, thread->tid);
	else
		snprintf(buffer, VN_CASE_NAME, "a %svCPU (thread %d)", kind, thread->tid);
	return buffer;
}

static int node_of_cpu(const struct vn_host *host, int cpu)
{
	for (size_t i = 0; cpu >= 0 && i < host->n_nodes; i++) {
		if (hwloc_bitmap_isset(host->nodes[i].cpus, (unsigned)cpu))
			return (int)i;
	}
	return -1;
}

/* Each node's part of the CPUs. False: there are none. */
static bool spread(const struct vn_host *host, hwloc_const_bitmap_t cpus, double *on)
{
	double sum = 0;

	for (size_t i = 0; cpus && i < host->n_nodes; i++) {
		for (int cpu = hwloc_bitmap_first(host->nodes[i].cpus); cpu >= 0;
			cpu = hwloc_bitmap_next(host->nodes[i].cpus, cpu))
			on[i] += hwloc_bitmap_isset(cpus, (unsigned)cpu) != 0;
		sum += on[i];
	}
	for (size_t i = 0; i < host->n_nodes && sum > 0; i++)
		on[i] /= sum;
	return sum > 0;
}

bool vn_case_place(const struct vn_host *host, const struct vn_thread_sample *thread, double *on)
{
	double sum = 0;

	for (size_t i = 0; i < thread->n_times; i++) {
		int node = vn_case_index(host, thread->times[i].node);
		if (node < 0)
			continue;
		on[node] += (double)thread->times[i].ns;
		sum += (double)thread->times[i].ns;
	}
	for (size_t i = 0; i < host->n_nodes && sum > 0; i++)
		on[i] /= sum;
	if (sum > 0)
		return true;
	int node = node_of_cpu(host, thread->cpu);
	if (node >= 0 && (!thread->cpus || hwloc_bitmap_isset(thread->cpus, (unsigned)thread->cpu)))
		on[node] = 1;
	else
		node = spread(host, thread->cpus, on) ? 0 : -1;
	return node >= 0;
}

double vn_case_mean(const struct vn_case *the, const double *on, const double *memory, bool *known)
{
	size_t n = the->host->n_nodes;
	double sum = 0, weights = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n && on[i] > 0; j++) {
			if (memory[j] <= 0)
				continue;
			sum += on[i] * memory[j] * vn_case_distance(the, i, j, known);
			weights += on[i] * memory[j];
		}
	}
	return weights > 0 ? sum / weights : 0;
}

/* Of a guest with one vnode, or none, all is that one's. */
static int vnode_of(const struct vn_case *the, int told)
{
	if (the->n_vnodes == 1)
		return 0;
	return told >= 0 && (size_t)told < the->n_vnodes ? told : -1;
}

static int open_vcpus(struct vn_case *the, double *shares)
{
	const struct vn_vm_sample *vm = the->vm;
	double total = 0;

	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vn_thread_sample *thread = &vm->threads[i];
		if (thread->kind != VN_THREAD_VCPU)
			continue;
		struct vn_case_vcpu *vcpu = &the->vcpus[the->n_vcpus];
		*vcpu = (struct vn_case_vcpu){.thread = thread,
			.on = shares + the->n_vcpus * the->host->n_nodes,
			.may = hwloc_bitmap_alloc()};
		the->n_vcpus++;
		int told = vm->guest && thread->index >= 0
				   ? vn_guest_vnode_of(vm->guest, (unsigned)thread->index)
				   : -1;
		vcpu->vnode = vnode_of(the, told);
		vcpu->cpus = thread->has_times ? vn_case_cpus(the, thread->run_ns) : 0;
		vcpu->weight = thread->has_times ? (double)thread->run_ns : 0;
		vcpu->has_place = vn_case_place(the->host, thread, vcpu->on);
		if (!vcpu->may || vn_case_nodes(the->host, thread->cpus, vcpu->may) < 0)
			return -ENOMEM;
		total += vcpu->weight;
	}
	for (size_t i = 0; i < the->n_vcpus; i++) {
		struct vn_case_vcpu *vcpu = &the->vcpus[i];
		vcpu->weight = total > 0 ? vcpu->weight / total : 1 / (double)the->n_vcpus;
		the->has_strays |= vcpu->weight > 0 && vcpu->vnode < 0;
	}
	return 0;
}

static int add_policy(struct vn_case *the, const struct vn_block_sample *block, struct vn_case_vnode *vnode)
{
	const struct vn_mem_policy *policy = vn_sample_policy(the->vm, block);

	if (!policy) {
		vnode->has_policy = false;
		return 0;
	}
	vnode->bound &= policy->mode == VN_MODE_BIND && !block->policies_differ;
	vnode->dealt |= policy->mode == VN_MODE_INTERLEAVE || policy->mode == VN_MODE_WEIGHTED_INTERLEAVE;
	for (size_t i = 0; policy->nodes && i < the->host->n_nodes; i++) {
		if (hwloc_bitmap_isset(policy->nodes, the->host->nodes[i].id) &&
			hwloc_bitmap_set(vnode->policy, (unsigned)i) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void add_pages(struct vn_case *the, const struct vn_block_sample *block, struct vn_case_vnode *vnode)
{
	const struct vn_residency *residency = &block->residency;

	if (!block->has_residency || residency->asked == 0) {
		vnode->has_memory = false;
		return;
	}
	for (size_t i = 0; i < residency->n_nodes; i++) {
		int node = vn_case_index(the->host, residency->nodes[i].node);
		double bytes =
			(double)block->size * (double)residency->nodes[i].pages / (double)residency->asked;
		if (node < 0)
			continue;
		vnode->memory[node] += bytes;
		vnode->present += bytes;
	}
}

/* A cpuset with one node binds whatever has no policy that says more. */
static int add_cpuset(struct vn_case *the, struct vn_case_vnode *vnode)
{
	hwloc_const_bitmap_t mems = the->vm->mems;
	int only = mems && hwloc_bitmap_weight(mems) == 1
			   ? vn_case_index(the->host, (unsigned)hwloc_bitmap_first(mems))
			   : -1;

	if (only < 0)
		return 0;
	vnode->has_policy = vnode->bound = true;
	vnode->dealt = false;
	return hwloc_bitmap_only(vnode->policy, (unsigned)only) < 0 ? -ENOMEM : 0;
}

static int open_memory(struct vn_case *the)
{
	const struct vn_vm_sample *vm = the->vm;

	for (size_t i = 0; i < vm->n_blocks; i++) {
		const struct vn_block_sample *block = &vm->blocks[i];
		int at = vnode_of(the, block->vnode);
		if (at < 0) {
			the->has_strays = true;
			continue;
		}
		struct vn_case_vnode *vnode = &the->vnodes[at];
		vnode->page = block->page > vnode->page ? block->page : vnode->page;
		if (vnode->n_blocks++ == 0)
			vnode->has_memory = vnode->has_policy = vnode->bound = true;
		add_pages(the, block, vnode);
		if (add_policy(the, block, vnode) < 0)
			return -ENOMEM;
	}
	for (size_t v = 0; v < the->n_vnodes; v++) {
		struct vn_case_vnode *vnode = &the->vnodes[v];
		vnode->bound &= vnode->has_policy;
		if (vnode->n_blocks > 0 && add_cpuset(the, vnode) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Bytes that the guest is told of; of one whose command line could not be read what was found. */
static void open_sizes(struct vn_case *the)
{
	const struct vn_guest *guest = the->vm->guest;

	for (size_t v = 0; v < the->n_vnodes && guest && guest->n_vnodes > 0; v++)
		the->vnodes[v].size = guest->vnodes[v].memory;
	if (guest && guest->n_vnodes == 0)
		the->vnodes[0].size = guest->memory;
	for (size_t i = 0; i < the->vm->n_blocks && !guest; i++)
		the->vnodes[0].size += the->vm->blocks[i].size - the->vm->blocks[i].unplugged;
}

/* What is true of a vnode's vCPUs taken together. Where none of them ran, they were where they were last, each as much as the others. */
static void join_vcpus(struct vn_case *the, struct vn_case_vnode *vnode, int at)
{
	double sum = 0;

	vnode->kept = -1;
	vnode->has_place = true;
	for (size_t i = 0; i < the->n_vcpus; i++) {
		const struct vn_case_vcpu *vcpu = &the->vcpus[i];
		if (vcpu->vnode != at)
			continue;
		int on = hwloc_bitmap_weight(vcpu->may) == 1 ? hwloc_bitmap_first(vcpu->may) : -1;
		vnode->kept = vnode->n_vcpus == 0 || vnode->kept == on ? on : -1;
		vnode->n_vcpus++;
		vnode->weight += vcpu->weight;
	}
	for (size_t i = 0; i < the->n_vcpus; i++) {
		const struct vn_case_vcpu *vcpu = &the->vcpus[i];
		double weight = vcpu->vnode != at ? 0 : vnode->weight > 0 ? vcpu->weight : 1;
		vnode->has_place &= weight <= 0 || vcpu->has_place;
		sum += weight;
		for (size_t n = 0; n < the->host->n_nodes; n++)
			vnode->on[n] += weight * vcpu->on[n];
	}
	vnode->has_place &= vnode->n_vcpus > 0;
	for (size_t n = 0; n < the->host->n_nodes && sum > 0; n++)
		vnode->on[n] /= sum;
}

int vn_case_open(const struct vn_sample *sample, const struct vn_vm_sample *vm, struct vn_crowd *crowd,
	struct vn_ledger *ledger, struct vn_vm_audit *audit, struct vn_case *ret_case)
{
	size_t nodes = sample->host->n_nodes,
	       n_vnodes = vm->guest && vm->guest->n_vnodes > 1 ? vm->guest->n_vnodes : 1, n_vcpus = 0;

	for (size_t i = 0; i < vm->n_threads; i++)
		n_vcpus += vm->threads[i].kind == VN_THREAD_VCPU;
	*ret_case = (struct vn_case){.sample = sample,
		.host = sample->host,
		.vm = vm,
		.crowd = crowd,
		.ledger = ledger,
		.audit = audit,
		.vcpus = calloc(n_vcpus + 1, sizeof(*ret_case->vcpus)),
		.vnodes = calloc(n_vnodes, sizeof(*ret_case->vnodes)),
		.shares = calloc((n_vcpus + 2 * n_vnodes) * nodes + 1, sizeof(double))};
	if (!ret_case->vcpus || !ret_case->vnodes || !ret_case->shares)
		return -ENOMEM;
	ret_case->n_vnodes = n_vnodes;
	for (size_t v = 0; v < n_vnodes; v++) {
		struct vn_case_vnode *vnode = &ret_case->vnodes[v];
		vnode->home = vnode->goes = -1;
		vnode->memory = ret_case->shares + (n_vcpus + 2 * v) * nodes;
		vnode->on = vnode->memory + nodes;
		vnode->policy = hwloc_bitmap_alloc();
		if (!vnode->policy)
			return -ENOMEM;
	}
	open_sizes(ret_case);
	int r = open_vcpus(ret_case, ret_case->shares);
	if (r == 0)
		r = open_memory(ret_case);
	for (size_t v = 0; v < n_vnodes && r == 0; v++)
		join_vcpus(ret_case, &ret_case->vnodes[v], (int)v);
	return r;
}

void vn_case_close(struct vn_case *the)
{
	for (size_t i = 0; i < the->n_vcpus; i++)
		hwloc_bitmap_free(the->vcpus[i].may);
	for (size_t v = 0; v < the->n_vnodes; v++)
		hwloc_bitmap_free(the->vnodes[v].policy);
	free(the->vcpus);
	free(the->vnodes);
	free(the->shares);
	*the = (struct vn_case){0};
}
