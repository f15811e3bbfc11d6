/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Samples and audits built by hand, for the tests of what shows them. The audit is reckoned in the simplest way that is consistent: a
 * vnode's home is where its vCPUs ran. Everything that fails asserts.
 */

#include "../src/base/text.h"
#include "../src/model/audit.h"
#include "host_maker.h"

#define GIB (UINT64_C(1) << 30)
#define MADE_VNODES 4u
#define MADE_NODES 4u

/* A VM as the tests want it: its vnodes are alike. */
struct made_vm {
	const char *name;
	int pid;
	enum vn_manager manager;
	unsigned n_vnodes, vcpus, gib; /* vCPUs, memory of each vnode */
	unsigned ran_on[MADE_VNODES]; /* node where the vnode's vCPUs ran */
	unsigned percent[MADE_VNODES]
			[MADE_NODES]; /* of the vnode's memory on each node; the rest is absent */
	double busy; /* of each vCPU, 0 to 1 */
	bool blind; /* nothing of it could be read */
	bool nic, device;
};

#define MADE_INTERVAL UINT64_C(1000000000)
#define MADE_PAGES 4096u

/* ---- the sample ---- */

static inline struct vn_block_sample made_block(const struct made_vm *made, unsigned v)
{
	struct vn_block_sample block = {.vnode = (int)v,
		.address = UINT64_C(0x7f0000000000) + v * (UINT64_C(1) << 36),
		.size = made->gib * GIB,
		.shared = v % 2,
		.tied_by = VN_TOLD_BY_COMMAND,
		.policy_by = VN_TOLD_BY_KERNEL,
		.policy = {.mode = VN_MODE_DEFAULT, .text = "default", .nodes = hwloc_bitmap_alloc()},
		.has_residency = true,
		.residency = {.asked = MADE_PAGES}};
	uint64_t present = 0;

	snprintf(block.id, sizeof(block.id), "ram%u", v);
	block.residency.nodes = maker_alloc(MADE_NODES, sizeof(struct vn_node_count));
	for (unsigned n = 0; n < MADE_NODES; n++) {
		uint64_t pages = MADE_PAGES * made->percent[v][n] / 100;
		if (pages)
			block.residency.nodes[block.residency.n_nodes++] = (struct vn_node_count){n, pages};
		present += pages;
	}
	block.residency.absent = MADE_PAGES - present;
	return block;
}

static inline struct vn_thread_sample made_thread(
	const struct vn_host *host, enum vn_thread_kind kind, int index, unsigned node, double busy)
{
	struct vn_thread_sample thread = {.kind = kind,
		.index = index,
		.by = VN_TOLD_BY_NAME,
		.tid = 1000 + index,
		.cpus = hwloc_bitmap_dup(host->nodes[node].cpus),
		.ran_on = hwloc_bitmap_alloc(),
		.cpu = hwloc_bitmap_first(host->nodes[node].cpus),
		.has_times = true,
		.run_ns = (uint64_t)(busy * (double)MADE_INTERVAL),
		.wait_ns = (uint64_t)(busy * 0.03 * (double)MADE_INTERVAL),
		.n_times = 1,
		.times = maker_alloc(1, sizeof(struct vn_node_time)),
		.migrations = index % 3 == 2};

	hwloc_bitmap_set(thread.ran_on, (unsigned)thread.cpu);
	thread.times[0] = (struct vn_node_time){node, thread.run_ns};
	if (kind == VN_THREAD_VCPU)
		snprintf(thread.name, sizeof(thread.name), "CPU %d/KVM", index);
	else
		snprintf(thread.name, sizeof(thread.name), "%s",
			kind == VN_THREAD_VHOST ? "vhost-1234" : "qemu-kvm");
	return thread;
}

static inline void made_io(const struct made_vm *made, struct vn_vm_sample *vm)
{
	if (made->nic) {
		vm->n_nics = 1;
		vm->nics = maker_alloc(1, sizeof(*vm->nics));
		*vm->nics = (struct vn_nic_sample){.name = "vnet3",
			.bridge = "br0",
			.physical = "ens1f0",
			.address = "0000:3b:00.0",
			.node = 1,
			.vhost = true,
			.vnode = -1,
			.n_queues = 1};
		vm->nics->queues = maker_alloc(1, sizeof(*vm->nics->queues));
		*vm->nics->queues = (struct vn_queue_sample){
			.vnode = 0, .n_vcpus = made->vcpus, .worker = (ptrdiff_t)vm->n_threads - 1};
	}
	if (made->device) {
		vm->n_devices = 1;
		vm->devices = maker_alloc(1, sizeof(*vm->devices));
		*vm->devices = (struct vn_device_sample){
			.address = "0000:af:00.1", .node = 1, .vnode = -1, .n_irqs = 1};
		vm->devices->irqs = maker_alloc(1, sizeof(*vm->devices->irqs));
		*vm->devices->irqs = (struct vn_irq_sample){.number = 142,
			.name = "vfio-msix[0]",
			.count = 48211,
			.cpus = hwloc_bitmap_alloc(),
			.effective = hwloc_bitmap_alloc(),
			.chip = "IR-PCI-MSIX"};
		hwloc_bitmap_set_range(vm->devices->irqs->cpus, 0, 15);
		hwloc_bitmap_set(vm->devices->irqs->effective, 9);
	}
}

static inline void made_sample_vm(
	const struct vn_host *host, const struct made_vm *made, struct vn_vm_sample *vm)
{
	struct maker_vnode vnodes[MADE_VNODES];

	*vm = (struct vn_vm_sample){.manager = made->manager, .process = {.pid = made->pid, .start_time = 1}};
	vm->name_is_plain = vn_sample_text(made->name, strlen(made->name), vm->name, sizeof(vm->name));
	if (made->blind) {
		vn_notes_add(&vm->gaps, "memory-unread",
			"where pages are could not be read: run as root, or give vnuma CAP_SYS_PTRACE");
		return;
	}
	snprintf(vm->accel, sizeof(vm->accel), "kvm");
	if (made->manager == VN_MANAGER_LIBVIRT)
		snprintf(vm->unit, sizeof(vm->unit), "machine-qemu\\x2d1\\x2d%.40s.scope", made->name);
	for (unsigned v = 0; v < made->n_vnodes; v++)
		vnodes[v] = (struct maker_vnode){made->gib * 1024, made->vcpus, -1};
	vm->guest = make_guest(made->n_vnodes, vnodes);
	vm->n_blocks = made->n_vnodes;
	vm->blocks = maker_alloc(vm->n_blocks, sizeof(*vm->blocks));
	vm->n_threads = (size_t)made->n_vnodes * made->vcpus + 1 + made->nic;
	vm->threads = maker_alloc(vm->n_threads, sizeof(*vm->threads));
	size_t t = 0;
	for (unsigned v = 0; v < made->n_vnodes; v++) {
		vm->blocks[v] = made_block(made, v);
		for (unsigned c = 0; c < made->vcpus; c++, t++)
			vm->threads[t] =
				made_thread(host, VN_THREAD_VCPU, (int)t, made->ran_on[v], made->busy);
	}
	vm->threads[t++] = made_thread(host, VN_THREAD_EMULATOR, -1, made->ran_on[0], 0.02);
	if (made->nic)
		vm->threads[t++] = made_thread(host, VN_THREAD_VHOST, 0, 1, 0.31);
	made_io(made, vm);
}

static inline struct vn_sample *make_sample(struct vn_host *host, const struct made_vm *made, size_t n)
{
	struct vn_sample *sample = vn_sample_new();

	assert(sample);
	sample->host = host;
	sample->taken = 1795294800;
	sample->interval_ns = MADE_INTERVAL;
	sample->looks = 4;
	sample->pages = MADE_PAGES;
	sample->seed = 7;
	host->numa_balancing = 1;
	sample->settings.irqbalance = 1;
	snprintf(sample->settings.thp, sizeof(sample->settings.thp), "madvise");
	sample->n_vms = n;
	sample->vms = maker_alloc(n, sizeof(*sample->vms));
	for (size_t i = 0; i < n; i++)
		made_sample_vm(host, &made[i], &sample->vms[i]);
	return sample;
}

/* ---- the audit ---- */

/* An interval that looks like one: how it is reckoned is not what is tested with it. */
static inline struct vn_share_interval made_interval(double share)
{
	return (struct vn_share_interval){
		share, share > 0.02 ? share - 0.02 : 0, share < 0.985 ? share + 0.015 : 1};
}

static inline void add_finding(struct vn_findings *findings, const char *code, enum vn_severity severity,
	double cost, char *text, char *fix)
{
	findings->v = reallocarray(findings->v, findings->n + 1, sizeof(*findings->v));
	assert(findings->v && text);
	struct vn_finding *finding = &findings->v[findings->n++];
	*finding = (struct vn_finding){
		.severity = severity, .cost = cost, .vnode = -1, .text = text, .fix = fix};
	snprintf(finding->code, sizeof(finding->code), "%s", code);
}

static inline struct vn_vnode_audit audit_vnode(
	const struct vn_vm_sample *vm, const struct vn_host *host, size_t v)
{
	const struct vn_block_sample *block = &vm->blocks[v];
	struct vn_vnode_audit vnode = {.home_by = VN_HOME_BY_TIME, .size = block->size};
	uint64_t hits = 0, present = block->residency.asked - block->residency.absent;
	unsigned vcpus = vm->guest->vcpus / (unsigned)vm->guest->n_vnodes;

	vnode.home = (int)vm->threads[v * vcpus].times[0].node;
	assert(vn_block_bytes(block, &vnode.memory, &vnode.n_memory) == 0);
	for (size_t i = 0; i < block->residency.n_nodes; i++) {
		const struct vn_node_count *count = &block->residency.nodes[i];
		double d = host->nodes[vnode.home].distances[count->node];
		hits += count->node == (unsigned)vnode.home ? count->pages : 0;
		vnode.mean_distance += d * (double)count->pages / (double)(present ? present : 1);
	}
	vnode.has_local = present > 0;
	vnode.local = made_interval((double)hits / (double)(present ? present : 1));
	for (unsigned c = 0; c < vcpus; c++)
		vnode.cpus += (double)vm->threads[v * vcpus + c].run_ns / (double)MADE_INTERVAL;
	return vnode;
}

static inline void audit_findings(struct vn_vm_audit *vm)
{
	char size[VN_SIZE_TEXT];

	for (size_t v = 0; v < vm->n_vnodes; v++) {
		const struct vn_vnode_audit *vnode = &vm->vnodes[v];
		if (!vnode->has_local || vnode->local.share >= 0.9)
			continue;
		uint64_t away = 0;
		for (size_t i = 0; i < vnode->n_memory; i++)
			away += vnode->memory[i].node == (unsigned)vnode->home ? 0 : vnode->memory[i].bytes;
		add_finding(&vm->findings, vnode->local.share < 0.5 ? "memory-remote" : "memory-spread",
			vnode->local.share < 0.5 ? VN_SEVERITY_HIGH : VN_SEVERITY_MEDIUM,
			(1 - vnode->local.share) * vnode->cpus * 0.3,
			vn_format(
				"%s of vnode %zu's memory is not on node %d, where its vCPUs run: an access takes "
				"%.0f%% longer than it could.",
				vn_size_text(away, size), v, vnode->home, 10 * (vnode->mean_distance - 10)),
			vn_format("vnuma move %s --to %d", vm->vm->name_is_plain ? vm->vm->name : "1234",
				vnode->home));
	}
	if (vm->vm->n_nics)
		add_finding(&vm->findings, "vhost-remote", VN_SEVERITY_LOW, 0.04,
			vn_format("The vhost worker of %s runs on node %d, the vCPUs that use it on node 0.",
				vm->vm->nics->name, vm->vm->nics->node),
			strdup("taskset -pc 0-7,16-23 51234 && virsh emulatorpin db1 0-7,16-23 --live && virsh numatune "
			       "db1 --nodeset 0 --live"));
}

static inline void audit_vm(
	const struct vn_sample *sample, const struct vn_vm_sample *from, struct vn_vm_audit *vm)
{
	double time = 0, local = 0;

	*vm = (struct vn_vm_audit){.vm = from, .n_vnodes = from->guest ? from->guest->n_vnodes : 1};
	vm->vnodes = maker_alloc(vm->n_vnodes, sizeof(*vm->vnodes));
	vm->memory = maker_alloc(MADE_NODES, sizeof(*vm->memory));
	if (!from->guest) {
		vm->vnodes[0].home = -1;
		return;
	}
	for (size_t v = 0; v < vm->n_vnodes; v++) {
		struct vn_vnode_audit *vnode = &vm->vnodes[v];
		*vnode = audit_vnode(from, sample->host, v);
		vm->cpus += vnode->cpus;
		vm->waited += vnode->cpus * 0.03;
		vm->mean_distance += vnode->mean_distance / (double)vm->n_vnodes;
		time += vnode->cpus;
		local += vnode->cpus * vnode->local.share;
		for (size_t i = 0; i < vnode->n_memory; i++) {
			vm->present += vnode->memory[i].bytes;
			vm->remote +=
				vnode->memory[i].node == (unsigned)vnode->home ? 0 : vnode->memory[i].bytes;
		}
	}
	for (unsigned n = 0; n < MADE_NODES; n++) {
		uint64_t bytes = 0;
		for (size_t v = 0; v < vm->n_vnodes; v++)
			for (size_t i = 0; i < vm->vnodes[v].n_memory; i++)
				bytes +=
					vm->vnodes[v].memory[i].node == n ? vm->vnodes[v].memory[i].bytes : 0;
		if (bytes)
			vm->memory[vm->n_memory++] = (struct vn_node_bytes){n, bytes};
	}
	vm->has_locality = time > 0;
	double share = time > 0 ? local / time : 0;
	vm->locality = made_interval(share);
	vm->migrations = from->guest->vcpus / 3;
	vm->reach = 1;
	audit_findings(vm);
}

static inline int by_worst(const void *a, const void *b)
{
	const struct vn_vm_audit *x = a, *y = b;
	double p = 0, q = 0;

	for (size_t i = 0; i < x->findings.n; i++)
		p += x->findings.v[i].cost;
	for (size_t i = 0; i < y->findings.n; i++)
		q += y->findings.v[i].cost;
	return p > q ? -1 : p < q ? 1 : x->vm->process.pid - y->vm->process.pid;
}

static inline struct vn_audit *make_audit(const struct vn_sample *sample, double threshold)
{
	struct vn_audit *audit = vn_audit_new();

	assert(audit);
	audit->sample = sample;
	audit->threshold = threshold;
	audit->n_vms = sample->n_vms;
	audit->vms = maker_alloc(audit->n_vms, sizeof(*audit->vms));
	for (size_t i = 0; i < audit->n_vms; i++) {
		audit_vm(sample, &sample->vms[i], &audit->vms[i]);
		audit->vms[i].below = audit->vms[i].has_locality && audit->vms[i].locality.high < threshold;
		audit->n_below += audit->vms[i].below;
	}
	qsort(audit->vms, audit->n_vms, sizeof(*audit->vms), by_worst);
	return audit;
}

/* ---- cases ---- */

static inline struct vn_host *made_host(void)
{
	static const struct maker_node nodes[] = {
		{8, 128 << 10}, {8, 128 << 10}, {8, 128 << 10}, {8, 128 << 10}};
	struct vn_host *host = make_host(2, nodes, 2, 21);

	for (size_t i = 0; i < host->n_nodes; i++)
		host->nodes[i].memory_free = (i ? 71 : 12) * GIB;
	host->live = true;
	return host;
}

static const struct made_vm made_vms[] = {{.name = "db1",
						  .pid = 20110,
						  .manager = VN_MANAGER_LIBVIRT,
						  .n_vnodes = 2,
						  .vcpus = 4,
						  .gib = 16,
						  .ran_on = {0, 1},
						  .percent = {{30, 65}, {2, 97}},
						  .busy = 0.82,
						  .nic = true,
						  .device = true},
	{.name = "web-frontend",
		.pid = 20245,
		.manager = VN_MANAGER_PROXMOX,
		.n_vnodes = 1,
		.vcpus = 4,
		.gib = 8,
		.ran_on = {1},
		.percent = {{15, 70}},
		.busy = 0.4},
	{.name = "build",
		.pid = 30999,
		.manager = VN_MANAGER_VNUMA,
		.n_vnodes = 1,
		.vcpus = 2,
		.gib = 4,
		.ran_on = {0},
		.percent = {{80, 0}},
		.busy = 0.1}};

static inline struct vn_sample *made_three(void)
{
	struct vn_sample *sample = make_sample(made_host(), made_vms, 3);

	vn_notes_add(&sample->gaps, "irqs-unread", "where interrupts go could not be read: run as root");
	return sample;
}

static inline struct vn_sample *made_calm(void)
{
	return make_sample(made_host(), &made_vms[2], 1);
}

static inline struct vn_sample *made_sixty(void)
{
	static const char *const kinds[] = {"web", "db", "cache", "build", "mail", "desktop"};
	struct made_vm vms[60];
	char names[60][32];

	memset(vms, 0, sizeof(vms));
	for (unsigned i = 0; i < 60; i++) {
		unsigned node = i * 7 % 2, away = i % 5 == 0 ? 60 : i % 7 == 0 ? 20 : 0;
		snprintf(names[i], sizeof(names[i]), "%s-%02u", kinds[i % 6], i);
		vms[i] = (struct made_vm){.name = names[i],
			.pid = (int)(20000 + 13 * i),
			.manager = (enum vn_manager)(i % 4),
			.n_vnodes = 1 + i % 9 / 8,
			.vcpus = 1 + i % 4,
			.gib = 1 + i % 3,
			.ran_on = {node, 1 - node},
			.busy = 0.05 + i % 11 * 0.06,
			.blind = i == 33};
		vms[i].percent[0][node] = 90 - away;
		vms[i].percent[0][1 - node] = away;
		vms[i].percent[1][1 - node] = 90;
	}
	struct vn_host *host = made_host();
	struct vn_sample *sample = make_sample(host, vms, 60);
	sample->seed = UINT64_MAX; /* the longest */
	return sample;
}

/* One vCPU on node 0, and percents of its memory there and on node 1. */
static inline struct made_vm made_small(const char *name, int pid, unsigned here, unsigned there, bool nic)
{
	return (struct made_vm){.name = name,
		.pid = pid,
		.n_vnodes = 1,
		.vcpus = 1,
		.gib = 1,
		.percent = {{here, there}},
		.busy = 0.5,
		.nic = nic};
}

static inline struct vn_sample *made_hostile(void)
{
	static char longest[65536];
	const struct made_vm vms[] = {
		made_small("\033]0;owned\007\033[2J<script>alert(1)</script>", 1, 10, 80, true),
		made_small("a\"b\\c'd&e\nf{vm=\"x\"} 1", 2, 10, 80, false),
		made_small(longest, 3, 10, 80, false),
		made_small("\xff\xfe\xc3(\xe2\x82 \xe2\x80\xae", 4, 10, 80, false),
		made_small("日本語の仮想マシンは名前が長い", 5, 10, 80, false),
		made_small("twice", 6, 90, 0, false), made_small("twice", 7, 90, 0, false)};

	memset(longest, 'x', sizeof(longest) - 1);
	struct vn_sample *sample = make_sample(made_host(), vms, sizeof(vms) / sizeof(vms[0]));
	vn_notes_add(&sample->vms[0].gaps, "qmp-garbage", "%s: its monitor's answer is no JSON",
		sample->vms[0].name);
	return sample;
}

/* Nothing could be read of VMs nor host. */
static inline struct vn_sample *made_unknown(void)
{
	static const struct made_vm vms[] = {{.name = "qemu-4711", .pid = 4711, .blind = true},
		{.name = "qemu-4712", .pid = 4712, .blind = true}};
	struct vn_sample *sample = make_sample(made_host(), vms, 2);

	sample->settings.irqbalance = -1;
	sample->settings.thp[0] = 0;
	sample->interval_ns = 0;
	sample->host->numa_balancing = -1;
	for (size_t i = 0; i < sample->host->n_nodes; i++)
		sample->host->nodes[i].has_memory_free = false;
	return sample;
}

static inline struct vn_sample *made_none(void)
{
	return make_sample(made_host(), NULL, 0);
}

static const struct made_case {
	const char *name;
	struct vn_sample *(*make)(void);
} made_cases[] = {{"three", made_three}, {"calm", made_calm}, {"sixty", made_sixty},
	{"hostile", made_hostile}, {"unknown", made_unknown}, {"none", made_none}};

#define N_MADE_CASES (sizeof(made_cases) / sizeof(made_cases[0]))
