/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the format wants all samples of a metric together, so each metric is a walk over all VMs of its own; the table
 * below says which. Samples of a metric must differ in their labels: VMs of one name are told apart by their pid.
 */
#define _GNU_SOURCE
#include "audit_prometheus.h"

#include <inttypes.h>
#include <string.h>

#include "../base/text.h"
#include "../model/audit_known.h"

struct metrics {
	const struct vn_audit *audit;
	char **names; /* labels of the VMs, in the audit's order; owned */
	FILE *out;
};

/* In quotes; backslash, quote and newline are escaped. */
static void put_label(const struct metrics *metrics, const char *name, const char *value)
{
	fprintf(metrics->out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", metrics->out);
		else if (*value == '\\' || *value == '"')
			fprintf(metrics->out, "\\%c", *value);
		else
			fputc(*value, metrics->out);
	}
	fputc('"', metrics->out);
}

static void put_number(const struct metrics *metrics, double value)
{
	fprintf(metrics->out, "} %.12g\n", value);
}

static void put_bytes(const struct metrics *metrics, uint64_t value)
{
	fprintf(metrics->out, "} %" PRIu64 "\n", value);
}

/* ---- a VM ---- */

struct metric {
	const char *name, *help;
	void (*put)(const struct metrics *metrics, const struct metric *metric, size_t vm);
};

static void begin(const struct metrics *metrics, const struct metric *metric, size_t vm)
{
	fprintf(metrics->out, "%s{", metric->name);
	put_label(metrics, "vm", metrics->names[vm]);
}

static void put_info(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	const struct vn_vm_sample *vm = metrics->audit->vms[i].vm;

	begin(metrics, metric, i);
	fprintf(metrics->out, ",pid=\"%d\",", (int)vm->process.pid);
	put_label(metrics, "uuid", vm->uuid);
	fputc(',', metrics->out);
	put_label(metrics, "manager", vn_manager_name(vm->manager));
	fputc(',', metrics->out);
	put_label(metrics, "accel", vm->accel);
	fputs("} 1\n", metrics->out);
}

static void put_locality(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	const struct vn_vm_audit *vm = &metrics->audit->vms[i];

	if (!vm->has_locality)
		return;
	begin(metrics, metric, i);
	put_number(metrics, strstr(metric->name, "_lower_")   ? vm->locality.low
			    : strstr(metric->name, "_upper_") ? vm->locality.high
							      : vm->locality.share);
}

static void put_distance(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	if (metrics->audit->vms[i].mean_distance <= 0)
		return;
	begin(metrics, metric, i);
	put_number(metrics, metrics->audit->vms[i].mean_distance);
}

/* Every node of the host: one that a VM left has 0, not the sample of before. */
static void put_memory(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	const struct vn_vm_audit *vm = &metrics->audit->vms[i];
	const struct vn_host *host = metrics->audit->sample->host;

	for (size_t k = 0; vn_vm_has_pages(vm->vm) && k < host->n_nodes; k++) {
		begin(metrics, metric, i);
		fprintf(metrics->out, ",node=\"%u\"", host->nodes[k].id);
		put_bytes(metrics, vn_bytes_on(vm->memory, vm->n_memory, host->nodes[k].id));
	}
}

static void put_remote(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	if (!metrics->audit->vms[i].has_locality)
		return;
	begin(metrics, metric, i);
	put_bytes(metrics, metrics->audit->vms[i].remote);
}

static void put_cpus(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	const struct vn_vm_audit *vm = &metrics->audit->vms[i];

	if (!vn_vm_has_times(vm->vm))
		return;
	begin(metrics, metric, i);
	put_number(metrics, strstr(metric->name, "_busy_") ? vm->cpus : vm->waited);
}

static void put_migrations(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	if (!vn_vm_has_times(metrics->audit->vms[i].vm))
		return;
	begin(metrics, metric, i);
	put_bytes(metrics, metrics->audit->vms[i].migrations);
}

static void put_vnode(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	const struct vn_vm_audit *vm = &metrics->audit->vms[i];
	bool home = strstr(metric->name, "_home_") != NULL;

	for (size_t k = 0; k < vm->n_vnodes; k++) {
		const struct vn_vnode_audit *vnode = &vm->vnodes[k];
		if (home ? vnode->home < 0 : !vnode->has_local)
			continue;
		begin(metrics, metric, i);
		fprintf(metrics->out, ",vnode=\"%zu\"", k);
		put_number(metrics, home ? vnode->home : vnode->local.share);
	}
}

/* Of one code, as one sample: how many, or what all cost. */
static void put_codes(const struct metrics *metrics, const struct metric *metric,
	const struct vn_findings *findings, const char *vm)
{
	bool cost = strstr(metric->name, "_cost_") != NULL;

	for (size_t k = 0; k < findings->n; k++) {
		const struct vn_finding *finding = &findings->v[k];
		double sum = 0;
		bool seen = false;
		for (size_t j = 0; j < findings->n; j++) {
			const struct vn_finding *other = &findings->v[j];
			bool same = strcmp(other->code, finding->code) == 0 &&
				    other->severity == finding->severity;
			seen |= same && j < k;
			sum += same ? cost ? other->cost : 1 : 0;
		}
		if (seen)
			continue;
		fprintf(metrics->out, "%s{", metric->name);
		if (vm)
			put_label(metrics, "vm", vm);
		fputs(vm ? "," : "", metrics->out);
		put_label(metrics, "code", finding->code);
		fputc(',', metrics->out);
		put_label(metrics, "severity", vn_severity_name(finding->severity));
		put_number(metrics, sum);
	}
}

static void put_findings(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	put_codes(metrics, metric, &metrics->audit->vms[i].findings, metrics->names[i]);
}

static void put_gaps(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	begin(metrics, metric, i);
	put_bytes(metrics, metrics->audit->vms[i].vm->gaps.n);
}

static void put_moved(const struct metrics *metrics, const struct metric *metric, size_t i)
{
	const struct vn_moved *moved = &metrics->audit->vms[i].vm->moved;

	if (!moved->known)
		return;
	begin(metrics, metric, i);
	put_bytes(metrics, vn_was_moved(moved));
}

static const struct metric of_vms[] = {
	{"vnuma_vm_info", "A VM that runs; always 1.", put_info},
	{"vnuma_vm_locality_ratio", "Share of its vCPUs' time and memory that meet on one node.",
		put_locality},
	{"vnuma_vm_locality_lower_ratio", "Lower end of the 99% interval of vnuma_vm_locality_ratio.",
		put_locality},
	{"vnuma_vm_locality_upper_ratio", "Upper end of the 99% interval of vnuma_vm_locality_ratio.",
		put_locality},
	{"vnuma_vm_mean_distance", "Mean distance of an access to memory; 10 is local.", put_distance},
	{"vnuma_vm_memory_bytes", "Guest memory that is present on a node of the host.", put_memory},
	{"vnuma_vm_memory_remote_bytes", "Guest memory that is not on the node of the vCPUs that use it.",
		put_remote},
	{"vnuma_vm_vcpu_busy_cpus", "CPUs' worth of time that its vCPUs ran.", put_cpus},
	{"vnuma_vm_vcpu_waiting_cpus", "CPUs' worth of time that its vCPUs waited for a CPU.", put_cpus},
	{"vnuma_vm_vcpu_node_changes", "Moves of vCPUs from node to node that were seen during the interval.",
		put_migrations},
	{"vnuma_vm_vnode_home_node", "Node of the host that is the home of a vnode.", put_vnode},
	{"vnuma_vm_vnode_locality_ratio", "Share of a vnode's memory on the nodes where its vCPUs ran.",
		put_vnode},
	{"vnuma_vm_findings", "Findings of a code, see docs/findings.md.", put_findings},
	{"vnuma_vm_finding_cost_cpus", "CPUs' worth of time that is lost to findings of a code.",
		put_findings},
	{"vnuma_vm_moved", "Whether vnuma moved it, and nobody undid that.", put_moved},
	{"vnuma_vm_gaps", "Things about the VM that could not be read.", put_gaps},
};

static void put_help(const struct metrics *metrics, const char *name, const char *help)
{
	fprintf(metrics->out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* ---- the host ---- */

static void put_plain(const struct metrics *metrics, const char *name, const char *help, double value)
{
	put_help(metrics, name, help);
	fprintf(metrics->out, "%s %.12g\n", name, value);
}

static void put_nodes(const struct metrics *metrics)
{
	const struct vn_host *host = metrics->audit->sample->host;

	put_help(metrics, "vnuma_node_memory_bytes", "Memory of a node of the host.");
	for (size_t i = 0; i < host->n_nodes; i++)
		fprintf(metrics->out, "vnuma_node_memory_bytes{node=\"%u\"} %" PRIu64 "\n", host->nodes[i].id,
			host->nodes[i].memory_total);
	put_help(metrics, "vnuma_node_memory_free_bytes", "Free memory of a node of the host.");
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (host->nodes[i].has_memory_free)
			fprintf(metrics->out, "vnuma_node_memory_free_bytes{node=\"%u\"} %" PRIu64 "\n",
				host->nodes[i].id, host->nodes[i].memory_free);
	}
	put_help(metrics, "vnuma_node_hugepages_free", "Free huge pages of a size on a node of the host.");
	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t k = 0; k < host->nodes[i].n_hugepools; k++)
			fprintf(metrics->out,
				"vnuma_node_hugepages_free{node=\"%u\",size_bytes=\"%" PRIu64 "\"} %" PRIu64
				"\n",
				host->nodes[i].id, host->nodes[i].hugepools[k].size,
				host->nodes[i].hugepools[k].free);
	}
}

static void put_host(const struct metrics *metrics)
{
	const struct vn_audit *audit = metrics->audit;
	const struct metric findings = {
		"vnuma_host_findings", "Findings of a code that are of no VM, see docs/findings.md.", NULL};

	put_plain(metrics, "vnuma_audit_time_seconds", "When this was looked at, since the epoch.",
		(double)audit->sample->taken);
	put_plain(metrics, "vnuma_audit_interval_seconds", "How long threads were looked at.",
		(double)audit->sample->interval_ns / 1e9);
	put_plain(metrics, "vnuma_audit_threshold_ratio", "Locality below which a VM counts as remote.",
		audit->threshold);
	put_plain(metrics, "vnuma_audit_vms", "VMs that were looked at.", (double)audit->n_vms);
	put_plain(metrics, "vnuma_audit_vms_below_threshold", "VMs with less locality than the threshold.",
		(double)audit->n_below);
	if (audit->sample->host->numa_balancing >= 0)
		put_plain(metrics, "vnuma_host_numa_balancing",
			"Kernel setting numa_balancing: 0 off, 1 on, 2 tiering, 3 both.",
			audit->sample->host->numa_balancing);
	put_help(metrics, findings.name, findings.help);
	put_codes(metrics, &findings, &audit->host, NULL);
	put_nodes(metrics);
}

/* ---- all ---- */

static void metrics_clear(struct metrics *metrics)
{
	for (size_t i = 0; metrics->names && i < metrics->audit->n_vms; i++)
		free(metrics->names[i]);
	free(metrics->names);
}

static bool is_twice(const struct vn_audit *audit, size_t i)
{
	for (size_t k = 0; k < audit->n_vms; k++) {
		if (k != i && strcmp(audit->vms[k].vm->name, audit->vms[i].vm->name) == 0)
			return true;
	}
	return false;
}

static int name_vms(struct metrics *metrics)
{
	const struct vn_audit *audit = metrics->audit;

	metrics->names = calloc(audit->n_vms + 1, sizeof(*metrics->names));
	for (size_t i = 0; metrics->names && i < audit->n_vms; i++) {
		const struct vn_vm_sample *vm = audit->vms[i].vm;
		metrics->names[i] = is_twice(audit, i)
					    ? vn_format("%s (pid %d)", vm->name, (int)vm->process.pid)
					    : vn_copy(vm->name);
		if (!metrics->names[i])
			return -ENOMEM;
	}
	return metrics->names ? 0 : -ENOMEM;
}

int vn_audit_print_prometheus(const struct vn_audit *audit, FILE *out)
{
	vn_cleanup(metrics_clear) struct metrics metrics = {.audit = audit, .out = out};
	int r = name_vms(&metrics);

	if (r < 0)
		return r;
	put_host(&metrics);
	for (size_t m = 0; m < sizeof(of_vms) / sizeof(of_vms[0]); m++) {
		put_help(&metrics, of_vms[m].name, of_vms[m].help);
		for (size_t i = 0; i < audit->n_vms; i++)
			of_vms[m].put(&metrics, &of_vms[m], i);
	}
	return 0;
}
