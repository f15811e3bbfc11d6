/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of a host's CPUs. */
#include "api.h"

static const struct vn_host_cpu *cpu_at(const struct vn_host *host, size_t index)
{
	return index < host->n_cpus ? &host->cpus[index] : NULL;
}

size_t vn_host_cpu_count(const struct vn_host *host)
{
	return host->n_cpus;
}

int vn_host_cpu_id(const struct vn_host *host, size_t cpu)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	return c ? (int)c->id : -ERANGE;
}

int vn_host_cpu_index(const struct vn_host *host, unsigned id)
{
	const struct vn_host_cpu *c = vn_host_cpu(host, id);
	return c ? (int)(c - host->cpus) : -ENOENT;
}

int vn_host_cpu_node(const struct vn_host *host, size_t cpu)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	return c ? vn_api_id(c->node) : -ERANGE;
}

int vn_host_cpu_package(const struct vn_host *host, size_t cpu)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	return c ? vn_api_id(c->package) : -ERANGE;
}

int vn_host_cpu_die(const struct vn_host *host, size_t cpu)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	return c ? vn_api_id(c->die) : -ERANGE;
}

int vn_host_cpu_cluster(const struct vn_host *host, size_t cpu)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	return c ? vn_api_id(c->cluster) : -ERANGE;
}

int vn_host_cpu_core(const struct vn_host *host, size_t cpu)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	return c ? vn_api_id(c->core) : -ERANGE;
}

int vn_host_cpu_l3(const struct vn_host *host, size_t cpu)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	return c ? vn_api_id(c->l3) : -ERANGE;
}

int vn_host_cpu_online(const struct vn_host *host, size_t cpu)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	return c ? c->online : -ERANGE;
}

static int is_member(const struct vn_host *host, size_t cpu, hwloc_const_bitmap_t set)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	if (!c)
		return -ERANGE;
	return set ? hwloc_bitmap_isset(set, c->id) : -ENODATA;
}

int vn_host_cpu_isolated(const struct vn_host *host, size_t cpu)
{
	return is_member(host, cpu, host->isolated_cpus);
}

int vn_host_cpu_nohz_full(const struct vn_host *host, size_t cpu)
{
	return is_member(host, cpu, host->nohz_full_cpus);
}

int vn_host_cpu_siblings(const struct vn_host *host, size_t cpu, unsigned *ret_ids, size_t max)
{
	const struct vn_host_cpu *c = cpu_at(host, cpu);
	return c ? vn_api_set(c->siblings, ret_ids, max) : -ERANGE;
}
