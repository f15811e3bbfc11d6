/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Samples built by hand, for tests of what is made of them. Everything that fails asserts. CPUs and nodes are given as lists ("0-3,8"),
 * times in milliseconds of an interval of one second. Arrays have room for MAKER_ROOM; whoever adds more asserts.
 */

#include "../src/model/sample.h"
#include "host_maker.h"

#define MAKER_ROOM 64u
#define MAKER_PAGES 4000u /* drawn of a block */

static inline hwloc_bitmap_t maker_set(const char *list)
{
	hwloc_bitmap_t set = NULL;
	int r = vn_set_parse(list, &set);

	assert(r == 0 && set);
	return set;
}

/* Takes the host over. */
static inline struct vn_sample *make_sample(struct vn_host *host)
{
	struct vn_sample *sample = vn_sample_new();

	assert(sample);
	sample->host = host;
	sample->interval_ns = UINT64_C(1000000000);
	sample->looks = 5;
	sample->pages = MAKER_PAGES;
	sample->vms = (struct vn_vm_sample *)maker_alloc(MAKER_ROOM, sizeof(*sample->vms));
	return sample;
}

/* n nodes of 4 cores (2 CPUs each: node i has CPUs 4i..4i+3 and their siblings 4(n+i)..) and 16 GiB, distances 10 and 20. */
static inline struct vn_sample *make_plain_sample(size_t n)
{
	struct maker_node nodes[8];

	assert(n <= 8);
	for (size_t i = 0; i < n; i++)
		nodes[i] = (struct maker_node){4, 16384};
	return make_sample(make_host(n, nodes, 2, 20));
}

/* Takes the guest over; NULL: its command line could not be read. */
static inline struct vn_vm_sample *sample_vm(
	struct vn_sample *sample, const char *name, pid_t pid, struct vn_guest *guest)
{
	struct vn_vm_sample *vm = &sample->vms[sample->n_vms];

	assert(sample->n_vms < MAKER_ROOM);
	sample->n_vms++;
	*vm = (struct vn_vm_sample){.name_is_plain = true, .process = {.pid = pid}, .guest = guest};
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	snprintf(vm->accel, sizeof(vm->accel), "kvm");
	vm->blocks = (struct vn_block_sample *)maker_alloc(MAKER_ROOM, sizeof(*vm->blocks));
	vm->threads = (struct vn_thread_sample *)maker_alloc(MAKER_ROOM, sizeof(*vm->threads));
	vm->nics = (struct vn_nic_sample *)maker_alloc(MAKER_ROOM, sizeof(*vm->nics));
	vm->devices = (struct vn_device_sample *)maker_alloc(MAKER_ROOM, sizeof(*vm->devices));
	vm->has_policy = true;
	vm->policy.nodes = maker_set("");
	return vm;
}

/* All of it present on `node`; no policy of its own. */
static inline struct vn_block_sample *sample_block(
	struct vn_vm_sample *vm, int vnode, uint64_t mib, unsigned node)
{
	struct vn_block_sample *block = &vm->blocks[vm->n_blocks];

	assert(vm->n_blocks < MAKER_ROOM);
	*block = (struct vn_block_sample){.vnode = vnode,
		.address = UINT64_C(0x7f0000000000) + (vm->n_blocks << 36),
		.size = mib * VN_MIB,
		.tied_by = VN_TOLD_BY_QMP,
		.policy_by = VN_TOLD_BY_KERNEL,
		.policy = {.mode = VN_MODE_DEFAULT, .text = "default", .nodes = maker_set("")},
		.has_residency = true,
		.residency = {.asked = MAKER_PAGES, .has_details = true, .n_nodes = 1}};
	snprintf(block->id, sizeof(block->id), "ram%zu", vm->n_blocks++);
	block->residency.nodes = (struct vn_node_count *)maker_alloc(8, sizeof(*block->residency.nodes));
	block->residency.nodes[0] = (struct vn_node_count){node, MAKER_PAGES};
	return block;
}

/* Percent of its pages on another node, which is higher than those that have some. Taken from the first. */
static inline void block_also_on(struct vn_block_sample *block, unsigned node, unsigned percent)
{
	struct vn_residency *residency = &block->residency;
	uint64_t pages = residency->asked * percent / 100;

	assert(residency->n_nodes < 8 && residency->nodes[0].pages >= pages);
	assert(residency->nodes[residency->n_nodes - 1].node < node);
	residency->nodes[0].pages -= pages;
	residency->nodes[residency->n_nodes++] = (struct vn_node_count){node, pages};
}

/* Percent of its pages were never touched. */
static inline void block_absent(struct vn_block_sample *block, unsigned percent)
{
	uint64_t pages = block->residency.asked * percent / 100;

	block->residency.absent += pages;
	block->residency.nodes[0].pages -= pages;
}

static inline void block_policy(struct vn_block_sample *block, enum vn_policy_mode mode, const char *nodes)
{
	vn_mem_policy_clear(&block->policy);
	block->policy = (struct vn_mem_policy){.mode = mode, .nodes = maker_set(nodes)};
}

/* Allowed on `cpus`, seen on `cpu` only, where it ran and waited. */
static inline struct vn_thread_sample *sample_thread(struct vn_sample *sample, struct vn_vm_sample *vm,
	enum vn_thread_kind kind, int index, const char *cpus, unsigned cpu, unsigned run_ms,
	unsigned wait_ms)
{
	struct vn_thread_sample *thread = &vm->threads[vm->n_threads];
	const struct vn_host_cpu *at = vn_host_cpu(sample->host, cpu);

	assert(vm->n_threads < MAKER_ROOM && at);
	*thread = (struct vn_thread_sample){.kind = kind,
		.index = index,
		.by = VN_TOLD_BY_QMP,
		.tid = vm->process.pid + 1 + (pid_t)vm->n_threads,
		.cpus = maker_set(cpus),
		.cpu = (int)cpu,
		.ran_on = hwloc_bitmap_alloc(),
		.has_times = true,
		.run_ns = run_ms * UINT64_C(1000000),
		.wait_ns = wait_ms * UINT64_C(1000000)};
	vm->n_threads++;
	snprintf(thread->name, sizeof(thread->name), "%s%d",
		kind == VN_THREAD_IOTHREAD ? "IO iothread" : vn_thread_kind_name(kind), index);
	thread->times = (struct vn_node_time *)maker_alloc(8, sizeof(*thread->times));
	if (run_ms > 0) {
		hwloc_bitmap_set(thread->ran_on, cpu);
		thread->times[thread->n_times++] = (struct vn_node_time){(unsigned)at->node, thread->run_ns};
	}
	return thread;
}

/* Some of its time it was on another CPU, of a higher node. */
static inline void thread_also_on(
	struct vn_sample *sample, struct vn_thread_sample *thread, unsigned cpu, unsigned ms)
{
	const struct vn_host_cpu *at = vn_host_cpu(sample->host, cpu);

	assert(at && thread->n_times == 1 && thread->times[0].ns >= ms * UINT64_C(1000000));
	assert(thread->times[0].node < (unsigned)at->node);
	thread->times[0].ns -= ms * UINT64_C(1000000);
	thread->times[thread->n_times++] = (struct vn_node_time){(unsigned)at->node, ms * UINT64_C(1000000)};
	hwloc_bitmap_set(thread->ran_on, cpu);
	thread->migrations++;
}

/* A vCPU kept on one CPU, busy for so many milliseconds. */
static inline struct vn_thread_sample *sample_vcpu(
	struct vn_sample *sample, struct vn_vm_sample *vm, int index, unsigned cpu, unsigned run_ms)
{
	char list[16];

	snprintf(list, sizeof(list), "%u", cpu);
	return sample_thread(sample, vm, VN_THREAD_VCPU, index, list, cpu, run_ms, 0);
}

/* One queue pair, used by vCPUs `first`..`first + n - 1`; `worker` is an index of vm->threads. */
static inline struct vn_nic_sample *sample_nic(
	struct vn_vm_sample *vm, int vnode, unsigned first, unsigned n, ptrdiff_t worker)
{
	struct vn_nic_sample *nic = &vm->nics[vm->n_nics];

	assert(vm->n_nics < MAKER_ROOM);
	*nic = (struct vn_nic_sample){.node = -1, .vhost = true, .vnode = vnode, .n_queues = 1};
	snprintf(nic->name, sizeof(nic->name), "tap%zu", vm->n_nics++);
	nic->queues = (struct vn_queue_sample *)maker_alloc(1, sizeof(*nic->queues));
	nic->queues[0] =
		(struct vn_queue_sample){.vnode = vnode, .first_vcpu = first, .n_vcpus = n, .worker = worker};
	return nic;
}

static inline struct vn_device_sample *sample_device(
	struct vn_vm_sample *vm, const char *address, int node, int vnode)
{
	struct vn_device_sample *device = &vm->devices[vm->n_devices];

	assert(vm->n_devices < MAKER_ROOM);
	vm->n_devices++;
	*device = (struct vn_device_sample){.node = node, .vnode = vnode};
	snprintf(device->address, sizeof(device->address), "%s", address);
	device->irqs = (struct vn_irq_sample *)maker_alloc(8, sizeof(*device->irqs));
	return device;
}

static inline struct vn_irq_sample *sample_irq(
	struct vn_device_sample *device, unsigned number, const char *cpus, uint64_t count)
{
	struct vn_irq_sample *irq = &device->irqs[device->n_irqs];

	assert(device->n_irqs < 8);
	device->n_irqs++;
	*irq = (struct vn_irq_sample){
		.number = number, .cpus = maker_set(cpus), .effective = maker_set(cpus), .count = count};
	snprintf(irq->name, sizeof(irq->name), "vfio-%u", number);
	return irq;
}
