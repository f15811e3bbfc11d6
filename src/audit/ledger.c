/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ledger.h"

#include "case.h"

#define ROUNDING 1e-9

double vn_ledger_demand(const struct vn_sample *sample, const struct vn_thread_sample *thread)
{
	double demand = thread->has_times && sample->interval_ns > 0
				? (double)(thread->run_ns + thread->wait_ns) / (double)sample->interval_ns
				: 0;

	return demand < 1 ? demand : 1;
}

/* CPUs of a node for all: without isolated ones, where others are left. NULL when memory is short. */
static hwloc_bitmap_t common_cpus(const struct vn_host *host, const struct vn_host_node *node)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_dup(node->cpus);

	if (cpus && host->isolated_cpus && !hwloc_bitmap_isincluded(cpus, host->isolated_cpus) &&
		hwloc_bitmap_andnot(cpus, cpus, host->isolated_cpus) < 0) {
		hwloc_bitmap_free(cpus);
		return NULL;
	}
	return cpus;
}

/* CPUs that are the first of their core in a set, which are as many as it has cores. */
double vn_ledger_cores(const struct vn_host *host, hwloc_const_bitmap_t cpus)
{
	unsigned cpu;
	double n = 0;

	hwloc_bitmap_foreach_begin (cpu, cpus) {
		const struct vn_host_cpu *c = vn_host_cpu(host, cpu);
		bool first = true;
		for (int other = c && host->cores_known && c->siblings ? hwloc_bitmap_first(c->siblings) : -1;
			other >= 0 && other < (int)cpu; other = hwloc_bitmap_next(c->siblings, other))
			first &= !hwloc_bitmap_isset(cpus, (unsigned)other);
		n += first;
	}
	hwloc_bitmap_foreach_end();
	return n;
}

static int add_work(
	const struct vn_sample *sample, const struct vn_thread_sample *thread, struct vn_ledger *ledger)
{
	vn_autoset nodes = hwloc_bitmap_alloc();

	if (!nodes || vn_case_nodes(sample->host, thread->cpus, nodes) < 0)
		return -ENOMEM;
	if (thread->kind != VN_THREAD_VCPU || hwloc_bitmap_weight(nodes) != 1)
		return 0;
	int at = hwloc_bitmap_first(nodes);
	vn_autoset cpus = common_cpus(sample->host, &sample->host->nodes[at]);
	if (!cpus)
		return -ENOMEM;
	if (hwloc_bitmap_intersects(cpus, thread->cpus))
		ledger->nodes[at].work += vn_ledger_demand(sample, thread);
	return 0;
}

int vn_ledger_make(const struct vn_sample *sample, struct vn_ledger *ret_ledger)
{
	const struct vn_host *host = sample->host;
	vn_autoledger ledger = {.sample = sample,
		.n = host->n_nodes,
		.nodes = calloc(host->n_nodes + 1, sizeof(*ledger.nodes))};

	for (size_t i = 0; i < ledger.n && ledger.nodes; i++) {
		vn_autoset cpus = common_cpus(host, &host->nodes[i]);
		ledger.nodes[i].taken = calloc(host->nodes[i].n_hugepools + 1, sizeof(uint64_t));
		if (!cpus || !ledger.nodes[i].taken)
			return -ENOMEM;
		ledger.nodes[i].cores = vn_ledger_cores(host, cpus);
	}
	for (size_t i = 0; i < sample->n_vms && ledger.nodes; i++) {
		const struct vn_vm_sample *vm = &sample->vms[i];
		for (size_t k = 0; k < vm->n_threads; k++) {
			if (add_work(sample, &vm->threads[k], &ledger) < 0)
				return -ENOMEM;
		}
	}
	if (!ledger.nodes)
		return -ENOMEM;
	*ret_ledger = ledger;
	ledger = (struct vn_ledger){0};
	return 0;
}

void vn_ledger_clear(struct vn_ledger *ledger)
{
	for (size_t i = 0; i < ledger->n && ledger->nodes; i++)
		free(ledger->nodes[i].taken);
	free(ledger->nodes);
	*ledger = (struct vn_ledger){0};
}

bool vn_ledger_has_cores(const struct vn_ledger *ledger, hwloc_const_bitmap_t nodes, double cpus)
{
	double room = 0;

	for (size_t i = 0; i < ledger->n; i++) {
		if (hwloc_bitmap_isset(nodes, (unsigned)i))
			room += ledger->nodes[i].cores - ledger->nodes[i].work;
	}
	return cpus <= 0 || cpus <= room + ROUNDING;
}

void vn_ledger_take_cores(struct vn_ledger *ledger, hwloc_const_bitmap_t nodes, double cpus)
{
	struct vn_ledger_node *most = NULL;

	for (size_t i = 0; i < ledger->n; i++) {
		struct vn_ledger_node *node = &ledger->nodes[i];
		if (hwloc_bitmap_isset(nodes, (unsigned)i) &&
			(!most || node->cores - node->work > most->cores - most->work))
			most = node;
	}
	if (most)
		most->work += cpus;
}

uint64_t vn_ledger_memory(const struct vn_ledger *ledger, int node)
{
	const struct vn_host_node *of = &ledger->sample->host->nodes[node];
	uint64_t idle = of->memory_free + of->memory_reclaimable;

	if (!of->has_memory_free)
		return UINT64_MAX;
	return idle > ledger->nodes[node].promised ? idle - ledger->nodes[node].promised : 0;
}

uint64_t vn_ledger_huge(const struct vn_ledger *ledger, int node, uint64_t page)
{
	const struct vn_host_node *of = &ledger->sample->host->nodes[node];

	for (size_t i = 0; i < of->n_hugepools; i++) {
		uint64_t taken = ledger->nodes[node].taken[i];
		if (of->hugepools[i].size == page)
			return of->hugepools[i].free > taken ? of->hugepools[i].free - taken : 0;
	}
	return 0;
}

void vn_ledger_take_huge(struct vn_ledger *ledger, int node, uint64_t page, uint64_t pages)
{
	const struct vn_host_node *of = &ledger->sample->host->nodes[node];

	for (size_t i = 0; i < of->n_hugepools; i++) {
		if (of->hugepools[i].size == page)
			ledger->nodes[node].taken[i] += pages;
	}
}
