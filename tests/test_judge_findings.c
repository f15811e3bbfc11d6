/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each finding: a sample that has it, with its command, and one that nearly has it. The rules are docs/findings.md's. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "judge_asserts.h"

#define SECOND UINT64_C(1000000000)

/* The sample and its one VM, healthy until changed. */
static struct vn_vm_sample *healthy(struct vn_sample **ret_sample)
{
	*ret_sample = make_plain_sample(2);
	return add_healthy(*ret_sample, "vm", 100, 0);
}

static struct vn_vm_sample *healthy_pair(struct vn_sample **ret_sample)
{
	*ret_sample = make_plain_sample(2);
	return add_healthy_pair(*ret_sample, "vm", 100);
}

static void idle(struct vn_vm_sample *vm)
{
	for (size_t i = 0; i < vm->n_threads; i++)
		vm->threads[i].run_ns = vm->threads[i].n_times = 0;
}

static void memory_remote(void **state)
{
	(void)state;
	struct vn_sample *sample;
	healthy(&sample)->blocks[0].residency.nodes[0].node = 1;
	assert_vm_finding(sample, "memory-remote", "vnuma move vm --vnode 0=0");
	/* one page in ten is no more than the threshold allows */
	block_also_on(&healthy(&sample)->blocks[0], 1, 10);
	assert_vm_codes(sample, "");
	/* so few pages that it may be as well */
	struct vn_vm_sample *vm = healthy(&sample);
	vm->blocks[0].residency.asked = vm->blocks[0].residency.nodes[0].pages = 100;
	block_also_on(&vm->blocks[0], 1, 15);
	assert_vm_codes(sample, "");
}

static void memory_of_several_vnodes_is_one_finding(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy_pair(&sample);
	vm->blocks[0].residency.nodes[0].node = 1;
	vm->blocks[1].residency.nodes[0].node = 0;
	assert_vm_finding(sample, "memory-remote", "vnuma move vm --vnode 0=0,1=1");
}

/* A command that would fail is none. */
static void memory_that_has_no_room_is_not_moved(void **state)
{
	(void)state;
	struct vn_sample *sample;
	healthy(&sample)->blocks[0].residency.nodes[0].node = 1;
	sample->host->nodes[0].memory_free = 1024 * VN_MIB;
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);
	const struct vn_finding *found = finding(&audit->vms[0].findings, "memory-remote");

	assert_null(found->fix);
	assert_non_null(strstr(found->text, "node 0 has 1 GiB free, not 4 GiB"));
	assert_non_null(strstr(
		found->text, "0% (99% interval 0% to 0%) of its 4 GiB present is there: 100% on node 1"));
}

static void memory_spread(void **state)
{
	(void)state;
	struct vn_sample *sample;
	block_also_on(&healthy(&sample)->blocks[0], 1, 30);
	assert_vm_finding(sample, "memory-spread", "vnuma move vm --vnode 0=0");
	/* interleaved on purpose */
	struct vn_vm_sample *vm = healthy(&sample);
	block_also_on(&vm->blocks[0], 1, 50);
	block_policy(&vm->blocks[0], VN_MODE_INTERLEAVE, "0-1");
	assert_vm_codes(sample, "memory-interleaved");
	/* by a plan of ours */
	vm = healthy(&sample);
	block_also_on(&vm->blocks[0], 1, 50);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	vm->record = vn_vm_new();
	vm->record->backends = (struct vn_vm_backend *)maker_alloc(1, sizeof(*vm->record->backends));
	vm->record->backends[0].binding = VN_BINDING_INTERLEAVE;
	vm->record->n_backends = 1;
	assert_vm_codes(sample, "memory-interleaved");
}

static void vnode_unbound(void **state)
{
	(void)state;
	struct vn_sample *sample;
	block_policy(&healthy(&sample)->blocks[0], VN_MODE_DEFAULT, "");
	assert_vm_finding(sample, "vnode-unbound", NULL);
	/* the process's policy, or its cpuset, binds it */
	struct vn_vm_sample *vm = healthy(&sample);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	vn_mem_policy_clear(&vm->policy);
	vm->policy = (struct vn_mem_policy){.mode = VN_MODE_PREFER, .nodes = maker_set("0")};
	assert_vm_codes(sample, "");
	vm = healthy(&sample);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	vm->mems = maker_set("0");
	assert_vm_codes(sample, "");
	/* not known */
	vm = healthy(&sample);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	vm->blocks[0].policy_by = VN_TOLD_BY_NOTHING;
	assert_vm_codes(sample, "");
	/* the pages are what is to be mended first */
	vm = healthy(&sample);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	vm->blocks[0].residency.nodes[0].node = 1;
	assert_vm_codes(sample, "memory-remote");
}

static void vcpu_off_home(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	keep_on(sample, &vm->threads[2], "4");
	assert_vm_finding(sample, "vcpu-off-home", "taskset -pc 0-3,8-11 103");
	vm = healthy(&sample);
	vm->manager = VN_MANAGER_LIBVIRT;
	keep_on(sample, &vm->threads[2], "4-5");
	assert_vm_finding(sample, "vcpu-off-home", "virsh -c qemu:///system vcpupin vm 2 0-3,8-11 --live");
	/* another virsh would find another domain of that name, or none */
	vm = healthy(&sample);
	vm->manager = VN_MANAGER_LIBVIRT_SESSION;
	keep_on(sample, &vm->threads[2], "4");
	assert_vm_finding(sample, "vcpu-off-home", "taskset -pc 0-3,8-11 103");
	/* as wide as home */
	vm = healthy(&sample);
	keep_on(sample, &vm->threads[2], "2,8-11");
	assert_vm_codes(sample, "");
	/* all of a vnode on another node than its memory: it is the memory that is remote */
	vm = healthy(&sample);
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &vm->threads[i], "4-7");
	assert_vm_finding(sample, "memory-remote", "vnuma move vm --vnode 0=1");
}

static void vcpu_floating(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &vm->threads[i], "0-15");
	assert_vm_finding(sample, "vcpu-floating",
		"(for n in 101 102 103 104; do taskset -pc 0-3,8-11 $n || exit 1; done)");
	/* where it ran does not matter for what it is called, only for what it costs */
	vm = healthy(&sample);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	for (size_t i = 0; i < 4; i++) {
		keep_on(sample, &vm->threads[i], "4-15");
		hwloc_bitmap_set_range(vm->threads[i].cpus, 0, 3);
	}
	vm->manager = VN_MANAGER_LIBVIRT;
	assert_vm_finding(sample, "vcpu-floating",
		"(for n in 0 1 2 3; do virsh -c qemu:///system vcpupin vm $n 0-3,8-11 --live || exit 1; done)");
	/* CPUs of one node only */
	vm = healthy(&sample);
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &vm->threads[i], "0-3,8-11");
	assert_vm_codes(sample, "");
}

/* Nothing tells where home is: it may be said, but no command given. */
static void floating_without_a_home(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	vm->blocks[0].has_residency = false;
	vm->blocks[0].policy_by = VN_TOLD_BY_NOTHING;
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &vm->threads[i], i < 2 ? "0-15" : "4-15");
	assert_vm_finding(sample, "vcpu-floating", NULL);
}

static void floating_costs_what_is_lost(void **state)
{
	(void)state;
	for (int away = 0; away < 2; away++) {
		vn_autosample *sample = make_plain_sample(2);
		struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
		for (size_t i = 0; i < 4; i++) {
			keep_on(sample, &vm->threads[i], away ? "4-7" : "0-3");
			hwloc_bitmap_set_range(vm->threads[i].cpus, 0, 15);
		}
		vn_autoaudit *audit = judge(sample);
		const struct vn_finding *found = finding(&audit->vms[0].findings, "vcpu-floating");
		assert_true(found->cost > (away ? 1.79 : -0.01) && found->cost < (away ? 1.81 : 0.01));
		assert_int_equal(found->severity, away ? VN_SEVERITY_HIGH : VN_SEVERITY_NOTICE);
	}
}

/* A VM with one busy vCPU that may run anywhere, and was on `cpu`; its memory is on node 0 and not bound. */
static struct vn_vm_sample *add_floating(struct vn_sample *sample, const char *name, pid_t pid, unsigned cpu)
{
	struct maker_vnode vnode = {512, 1, -1};
	struct vn_vm_sample *vm = sample_vm(sample, name, pid, make_guest(1, &vnode));

	sample_block(vm, 0, 512, 0);
	sample_thread(sample, vm, VN_THREAD_VCPU, 0, "0-3", cpu, 900, 0);
	return vm;
}

static struct vn_sample *make_narrow_sample(void)
{
	static const struct maker_node nodes[] = {{2, 16384}, {2, 16384}};

	return make_sample(make_host(2, nodes, 1, 20));
}

/* Four VMs float and have their memory on a node of two CPUs: two go there, the memory of the others follows them. */
static void a_full_node_gets_no_more_vcpus(void **state)
{
	(void)state;
	vn_autosample *sample = make_narrow_sample();
	static const char *const fixes[] = {"taskset -pc 0-1 101", "taskset -pc 0-1 201",
		"vnuma move c --vnode 0=1", "vnuma move d --vnode 0=1"};
	for (unsigned i = 0; i < 4; i++)
		add_floating(sample, (const char[][2]){"a", "b", "c", "d"}[i], 100 * ((pid_t)i + 1), i);
	vn_autoaudit *audit = judge(sample);

	for (size_t i = 0; i < 4; i++) {
		const struct vn_findings *found =
			&judged(audit, (const char[][2]){"a", "b", "c", "d"}[i])->findings;
		assert_codes(found, "vcpu-floating");
		assert_string_equal(found->v[0].fix, fixes[i]);
		assert_true((i >= 2) == !!strstr(found->v[0].text,
						"; node 0 cannot take them: 2 cores, 1.8 CPUs of work"));
	}
}

/* As above, with work that is kept there; memory that is bound, or has no room, does not follow. */
static void a_full_node_without_a_way_out(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		vn_autosample *sample = make_narrow_sample();
		struct vn_vm_sample *kept = add_floating(sample, "kept", 200, 0);
		keep_on(sample, &kept->threads[0], "0-1");
		sample_thread(sample, kept, VN_THREAD_VCPU, 1, i == 2 ? "2" : "1", i == 2 ? 2 : 1, 900, 0);
		struct vn_vm_sample *vm = add_floating(sample, "vm", 100, 2);
		if (i == 0)
			block_policy(&vm->blocks[0], VN_MODE_PREFER, "0");
		if (i == 1)
			sample->host->nodes[1].memory_free = 100 * VN_MIB;
		vn_autoaudit *audit = judge(sample);
		const struct vn_finding *found = finding(&judged(audit, "vm")->findings, "vcpu-floating");
		assert_true(!!found->fix == (i == 2));
	}
}

/* Each has room, both have not. */
static void memory_is_given_once(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	for (int i = 0; i < 2; i++) {
		struct maker_vnode vnode = {700, 1, -1};
		struct vn_vm_sample *vm =
			sample_vm(sample, i ? "b" : "a", 100 * (i + 1), make_guest(1, &vnode));
		block_policy(sample_block(vm, 0, 700, 1), VN_MODE_PREFER, "0");
		sample_vcpu(sample, vm, 0, (unsigned)i, 900);
	}
	sample->host->nodes[0].memory_free = 1170 * VN_MIB;
	vn_autoaudit *audit = judge(sample);
	const struct vn_finding *a = finding(&judged(audit, "a")->findings, "memory-remote"),
				*b = finding(&judged(audit, "b")->findings, "memory-remote");

	assert_string_equal(a->fix, "vnuma move a --vnode 0=0");
	assert_null(b->fix);
	assert_non_null(strstr(b->text, "node 0 has 470 MiB free beside what other commands here bring"));
}

/* A record says on which CPUs each vCPU was promised to be. */
static void promises_are_kept(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	vm->record = vn_vm_new();
	vm->record->plan = json_pack("{s:[i]}", "homes", 0);
	vm->record->threads = (struct vn_vm_thread *)maker_alloc(1, sizeof(*vm->record->threads));
	vm->record->threads[0] =
		(struct vn_vm_thread){.kind = VN_THREAD_VCPU, .tid = 101, .cpus = maker_set("3")};
	vm->record->n_threads = 1;
	keep_on(sample, &vm->threads[0], "0-15");
	assert_vm_finding(sample, "vcpu-floating", "taskset -pc 3 101");
}

static void vcpu_squeezed_by_waiting(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	vm->threads[1].run_ns = SECOND * 8 / 10;
	vm->threads[1].wait_ns = SECOND * 2 / 10;
	vm->threads[1].cpus = (hwloc_bitmap_only(vm->threads[1].cpus, 1), vm->threads[1].cpus);
	idle(vm);
	vm->threads[1].run_ns = SECOND * 8 / 10;
	assert_vm_finding(sample, "vcpu-squeezed", "taskset -pc 8 102");
	/* a tenth of its time */
	vm = healthy(&sample);
	vm->threads[1].run_ns = SECOND * 9 / 10;
	vm->threads[1].wait_ns = SECOND / 10;
	assert_vm_codes(sample, "");
	/* half of the time, but of next to nothing */
	vm = healthy(&sample);
	vm->threads[1].run_ns = vm->threads[1].wait_ns = SECOND / 100;
	assert_vm_codes(sample, "");
}

static void vcpu_squeezed_by_others(void **state)
{
	(void)state;
	/* another VM's busy vCPU on the core's other CPU: both are told, and sent to cores of their own */
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
	struct vn_vm_sample *other = add_healthy(sample, "other", 200, 0);
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &other->threads[i], i == 0 ? "8" : "9-11");
	for (size_t i = 1; i < 4; i++)
		vm->threads[i].run_ns = other->threads[i].run_ns = SECOND / 10;
	vn_autoaudit *audit = judge(sample);
	const struct vn_finding *ours = finding(&judged(audit, "vm")->findings, "vcpu-squeezed");
	const struct vn_finding *theirs = finding(&judged(audit, "other")->findings, "vcpu-squeezed");
	assert_string_equal(ours->fix, "taskset -pc 9 101");
	assert_string_equal(theirs->fix, "taskset -pc 10 201");
	assert_true(ours->cost > 0.32 && ours->cost < 0.33); /* 0.4 * 0.9 * 0.9 */
	assert_non_null(strstr(ours->text, "other"));
}

/* Naming a VM does not change what is judged of it: the other is not told of, but counts. */
static void squeezed_by_one_aside(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
	struct vn_vm_sample *other = add_healthy(sample, "other", 200, 0);
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &other->threads[i], i == 0 ? "8" : "9-11");
	for (size_t i = 1; i < 4; i++)
		vm->threads[i].run_ns = other->threads[i].run_ns = SECOND / 10;
	other->aside = true;
	other->blocks[0].residency.nodes[0].node = 1; /* and below the threshold */
	vn_autoaudit *audit = judge(sample);
	assert_int_equal(audit->n_vms, 1);
	assert_int_equal(audit->n_below, 0);
	assert_non_null(strstr(finding(&judged(audit, "vm")->findings, "vcpu-squeezed")->text, "other"));
}

static void vcpu_not_squeezed_by_others(void **state)
{
	(void)state;
	/* the other is not busy */
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	struct vn_vm_sample *other = add_healthy(sample, "other", 200, 0);
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &other->threads[i], "8");
	idle(other);
	assert_vm_codes(sample, "");
	/* it is the VM's own */
	vm = healthy(&sample);
	keep_on(sample, &vm->threads[1], "8");
	assert_vm_codes(sample, "");
	/* it was there at some look, and elsewhere at others */
	healthy(&sample);
	other = add_healthy(sample, "other", 200, 0);
	for (size_t i = 0; i < 4; i++) {
		keep_on(sample, &other->threads[i], "8-11");
		hwloc_bitmap_set_range(other->threads[i].ran_on, 8, 9);
	}
	assert_vm_codes(sample, "");
}

/* One that may go elsewhere stayed where it is at all looks: of one or two that says nothing. */
static void vcpus_that_stay(void **state)
{
	(void)state;
	for (unsigned looks = 2; looks <= 3; looks++) {
		struct vn_sample *sample;
		healthy(&sample);
		struct vn_vm_sample *other = add_healthy(sample, "other", 200, 0);
		for (size_t i = 0; i < 4; i++)
			keep_on(sample, &other->threads[i], "8-11");
		for (size_t i = 1; i < 4; i++)
			other->threads[i].run_ns = other->threads[i].n_times = 0;
		sample->looks = looks;
		/* all cores of home are in use: no command */
		if (looks < 3)
			assert_vm_codes(sample, "");
		else
			assert_vm_finding(sample, "vcpu-squeezed", NULL);
	}
}

static void vcpus_on_one_cpu(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	keep_on(sample, &vm->threads[1], "0");
	vm->threads[0].run_ns = vm->threads[1].run_ns = vm->threads[0].wait_ns = vm->threads[1].wait_ns =
		SECOND / 2;
	vm->threads[2].run_ns = vm->threads[3].run_ns = 0;
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);
	const struct vn_finding *found = finding(&audit->vms[0].findings, "vcpu-squeezed");

	assert_int_equal(audit->vms[0].findings.n, 1);
	assert_string_equal(found->fix, "taskset -pc 1 101 && taskset -pc 10 102");
	assert_true(found->cost > 0.99 && found->cost < 1.01);
	assert_non_null(strstr(found->text, "is kept on CPU 0, as is busy vCPU"));
}

/* CPUs on which others are kept are theirs, even of a VM that is paused, an iothread or a vhost worker. */
static void cpus_of_others_are_not_given(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		vn_autosample *sample = make_plain_sample(2);
		struct maker_vnode one = {512, 1, -1};
		struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
		for (size_t i = 0; i < 4; i++)
			keep_on(sample, &vm->threads[i], i < 2 ? "0" : "8");
		vm->threads[2].run_ns = vm->threads[3].run_ns = 0;
		struct vn_vm_sample *paused = sample_vm(sample, "paused", 200, make_guest(1, &one));
		sample_vcpu(sample, paused, 0, 1, 0);
		sample_thread(sample, paused, VN_THREAD_IOTHREAD, 1, "2", 2, 0, 0);
		sample_thread(sample, paused, VN_THREAD_VHOST, 0, "3", 3, 0, 0);
		for (unsigned i = 1; i < 4 && full; i++)
			sample_vcpu(sample, paused, (int)i, 8 + i, 0);
		vn_autoaudit *audit = judge(sample);
		const struct vn_finding *found = finding(&judged(audit, "vm")->findings, "vcpu-squeezed");
		if (full)
			assert_null(found->fix);
		else
			assert_string_equal(found->fix, "taskset -pc 9 101 && taskset -pc 10 102");
	}
}

/* A worker on the second node, kept there, for vCPUs on the first. */
static struct vn_vm_sample *with_worker(
	struct vn_sample **ret_sample, const char *cpus, unsigned cpu, unsigned run_ms)
{
	struct vn_vm_sample *vm = healthy(ret_sample);

	sample_thread(*ret_sample, vm, VN_THREAD_VHOST, 0, cpus, cpu, run_ms, 0);
	sample_nic(vm, 0, 0, 4, 4);
	return vm;
}

static void vhost_remote(void **state)
{
	(void)state;
	struct vn_sample *sample;
	with_worker(&sample, "4-7", 4, 400);
	assert_vm_finding(sample, "vhost-remote", "taskset -pc 0-3,8-11 105");
	with_worker(&sample, "0-15", 4, 400);
	assert_vm_finding(sample, "vhost-remote", "taskset -pc 0-3,8-11 105");
	/* libvirt's, one home: all of the emulator, once */
	struct vn_vm_sample *vm = with_worker(&sample, "4-7", 4, 400);
	sample_thread(sample, vm, VN_THREAD_VHOST, 1, "4-7", 5, 400, 0);
	vm->manager = VN_MANAGER_LIBVIRT;
	assert_vm_finding(sample, "vhost-remote", "virsh -c qemu:///system emulatorpin vm 0-3,8-11 --live");
	/* it may be at home, and did next to nothing where it was last */
	with_worker(&sample, "0-15", 4, 1);
	assert_vm_codes(sample, "");
	with_worker(&sample, "8-11", 8, 400);
	assert_vm_codes(sample, "");
	/* its vCPUs float, and were on the second node, too: it goes with them */
	vm = with_worker(&sample, "0-15", 4, 400);
	for (size_t i = 0; i < 4; i++) {
		keep_on(sample, &vm->threads[i], "4-7");
		hwloc_bitmap_set_range(vm->threads[i].cpus, 0, 15);
	}
	assert_vm_codes(sample, "vcpu-floating");
}

static void vhost_on_kicking_cpu(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = with_worker(&sample, "2", 2, 400);
	vm->threads[2].run_ns = SECOND / 2;
	vm->threads[2].wait_ns = SECOND * 3 / 10;
	assert_vm_finding(sample, "vhost-on-kicking-cpu", "taskset -pc 8-11 105");
	/* other VMs' are kept on two of the CPUs that are left */
	vm = with_worker(&sample, "2", 2, 400);
	vm->threads[2].run_ns = SECOND / 2;
	vm->threads[2].wait_ns = SECOND * 3 / 10;
	struct vn_vm_sample *other = sample_vm(sample, "other", 200, NULL);
	sample_vcpu(sample, other, 0, 8, 0);
	sample_vcpu(sample, other, 1, 9, 0);
	assert_vm_finding(sample, "vhost-on-kicking-cpu", "taskset -pc 10-11 105");
	/* of another vCPU's queue */
	vm = with_worker(&sample, "2", 2, 400);
	vm->nics[0].queues[0].n_vcpus = 2;
	assert_vm_codes(sample, "");
	/* beside it */
	with_worker(&sample, "8-11", 10, 400);
	assert_vm_codes(sample, "");
}

static void iothread_remote(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	sample_thread(sample, vm, VN_THREAD_IOTHREAD, 1, "4-7", 5, 300, 0);
	vm->manager = VN_MANAGER_LIBVIRT;
	assert_vm_finding(
		sample, "iothread-remote", "virsh -c qemu:///system iothreadpin vm 1 0-3,8-11 --live");
	/* asleep since it was kept away: where it was last says nothing any more */
	vm = healthy(&sample);
	sample_thread(sample, vm, VN_THREAD_IOTHREAD, 1, "4-7", 1, 0, 0);
	vm->manager = VN_MANAGER_LIBVIRT;
	assert_vm_finding(
		sample, "iothread-remote", "virsh -c qemu:///system iothreadpin vm 1 0-3,8-11 --live");
	vm = healthy(&sample);
	sample_thread(sample, vm, VN_THREAD_IOTHREAD, 1, "8-11", 9, 300, 0);
	assert_vm_codes(sample, "");
	/* of a guest on both nodes it is at home on either */
	vm = healthy_pair(&sample);
	sample_thread(sample, vm, VN_THREAD_IOTHREAD, 1, "6", 6, 300, 0);
	assert_vm_codes(sample, "");
}

static void irq_remote(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_device_sample *device = sample_device(healthy(&sample), "0000:3b:00.0", 0, -1);
	sample_irq(device, 40, "4", 5000);
	sample_irq(device, 41, "0", 5000);
	assert_vm_finding(sample, "irq-remote", "echo 0-3,8-11 > /proc/irq/40/smp_affinity_list");
	device = sample_device(healthy(&sample), "0000:3b:00.0", 0, -1);
	sample_irq(device, 40, "4", 5000);
	sample_irq(device, 41, "5", 5000);
	assert_vm_finding(sample, "irq-remote",
		"(for n in 40 41; do echo 0-3,8-11 > /proc/irq/$n/smp_affinity_list || exit 1; done)");
	/* the kernel's own, which it does not let go */
	device = sample_device(healthy(&sample), "0000:3b:00.0", 0, -1);
	sample_irq(device, 40, "4", 5000)->managed = true;
	assert_vm_finding(sample, "irq-remote", NULL);
	/* one that never came; one that reaches the vCPU by itself */
	device = sample_device(healthy(&sample), "0000:3b:00.0", 0, -1);
	sample_irq(device, 40, "4", 0);
	assert_vm_codes(sample, "");
	device = sample_device(healthy(&sample), "0000:3b:00.0", 0, -1);
	sample_irq(device, 40, "4", 5000);
	device->posted = true;
	assert_vm_codes(sample, "");
}

static void device_remote(void **state)
{
	(void)state;
	struct vn_sample *sample;
	/* with its interrupts where it is: one cause */
	sample_irq(sample_device(healthy(&sample), "0000:3b:00.0", 1, -1), 40, "4", 5000);
	assert_vm_finding(sample, "device-remote", NULL);
	struct vn_vm_sample *vm = healthy(&sample);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	sample_device(vm, "0000:3b:00.0", 1, -1);
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);
	assert_codes(&audit->vms[0].findings, "device-remote vnode-unbound");
	/* its memory would stay behind */
	assert_null(finding(&audit->vms[0].findings, "device-remote")->fix);
	/* nobody knows where it is; a guest on both nodes */
	sample_device(healthy(&sample), "0000:3b:00.0", -1, -1);
	assert_vm_codes(sample, "");
	sample_device(healthy_pair(&sample), "0000:3b:00.0", 1, -1);
	assert_vm_codes(sample, "");
	/* behind the other vnode */
	sample_device(healthy_pair(&sample), "0000:3b:00.0", 1, 0);
	assert_vm_finding(sample, "device-remote", NULL);
}

static void give_pool(struct vn_sample *sample, size_t node, uint64_t total, uint64_t unused)
{
	struct vn_host_node *of = &sample->host->nodes[node];

	of->hugepools = (struct vn_hugepool *)maker_alloc(1, sizeof(*of->hugepools));
	of->hugepools[0] = (struct vn_hugepool){2 * VN_MIB, total, unused, 0};
	of->n_hugepools = 1;
}

static void hugepages_uneven(void **state)
{
	(void)state;
	struct vn_sample *sample;
	/* 2048 pages on node 1, and home has 48 free */
	struct vn_vm_sample *vm = healthy(&sample);
	vm->blocks[0].page = 2 * VN_MIB;
	vm->blocks[0].residency.nodes[0].node = 1;
	give_pool(sample, 0, 48, 48);
	give_pool(sample, 1, 4096, 2048);
	assert_vm_finding(sample, "hugepages-uneven",
		"echo 2048 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages && "
		"vnuma move vm --vnode 0=0");
	/* room enough: it is memory that is remote */
	vm = healthy(&sample);
	vm->blocks[0].page = 2 * VN_MIB;
	vm->blocks[0].residency.nodes[0].node = 1;
	give_pool(sample, 0, 2048, 2048);
	give_pool(sample, 1, 4096, 2048);
	assert_vm_finding(sample, "memory-remote", "vnuma move vm --vnode 0=0");
	/* at home, but the pool was made smaller since */
	vm = healthy(&sample);
	vm->blocks[0].page = 2 * VN_MIB;
	give_pool(sample, 0, 1000, 0);
	assert_vm_finding(sample, "hugepages-uneven",
		"echo 2048 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
	vm = healthy(&sample);
	vm->blocks[0].page = 2 * VN_MIB;
	give_pool(sample, 0, 2048, 0);
	assert_vm_codes(sample, "");
}

/* Free huge pages are given once; a pool that is too small is set once, with those. */
static void huge_pages_are_given_once(void **state)
{
	(void)state;
	for (int grow = 0; grow < 2; grow++) {
		vn_autosample *sample = make_plain_sample(2);
		for (int i = 0; i < 3; i++) {
			struct vn_vm_sample *vm =
				add_healthy(sample, (const char[][2]){"a", "b", "c"}[i], 100 * (i + 1), 0);
			vm->blocks[0].page = 2 * VN_MIB;
			vm->blocks[0].residency.nodes[0].node = 1;
		}
		give_pool(sample, 0, grow ? 3000 : 9000, grow ? 3000 : 6144);
		give_pool(sample, 1, 9000, 0);
		vn_autoaudit *audit = judge(sample);
		assert_string_equal(finding(&judged(audit, "a")->findings, "memory-remote")->fix,
			"vnuma move a --vnode 0=0");
		const char *const code = grow ? "hugepages-uneven" : "memory-remote";
		assert_string_equal(finding(&judged(audit, "b")->findings, code)->fix,
			grow ? "echo 4096 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages && "
			       "vnuma move b --vnode 0=0"
			     : "vnuma move b --vnode 0=0");
		assert_true(!!finding(&judged(audit, "c")->findings, code)->fix == !grow);
	}
}

/* Two vnodes at home on one node: one pool, set once, for both. */
static void one_pool_for_two_vnodes(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy_pair(&sample);
	for (size_t i = 0; i < 2; i++) {
		vm->blocks[i].page = 2 * VN_MIB;
		vm->blocks[i].residency.nodes[0].node = 1;
		block_policy(&vm->blocks[i], VN_MODE_PREFER, "0");
	}
	keep_on(sample, &vm->threads[2], "2");
	keep_on(sample, &vm->threads[3], "3");
	give_pool(sample, 0, 1100, 100);
	give_pool(sample, 1, 2048, 0);
	assert_vm_finding(sample, "hugepages-uneven",
		"echo 3048 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages && "
		"vnuma move vm --vnode 0=0,1=0");
}

/* A vnode without vCPUs is held against what somebody decided, and costs nothing; without that it is well anywhere. */
static void memory_of_no_vcpus(void **state)
{
	(void)state;
	for (int decided = 0; decided < 2; decided++) {
		struct vn_sample *sample = make_plain_sample(2);
		struct maker_vnode vnodes[] = {{1024, 1, -1}, {1024, 0, -1}};
		struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(2, vnodes));
		block_policy(sample_block(vm, 0, 1024, 0), VN_MODE_BIND, "0");
		struct vn_block_sample *block = sample_block(vm, 1, 1024, 0);
		block_also_on(block, 1, 40);
		if (decided)
			block_policy(block, VN_MODE_PREFER, "1");
		sample_vcpu(sample, vm, 0, 0, 900);
		if (decided)
			assert_vm_finding(sample, "memory-remote", "vnuma move vm --vnode 1=1");
		else
			assert_vm_codes(sample, "");
	}
}

static void guest_without_vnuma(void **state)
{
	(void)state;
	/* 24 GiB on nodes of 16 */
	struct vn_sample *sample = make_plain_sample(2);
	struct maker_vnode large = {24576, 4, -1};
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(1, &large));
	block_also_on(sample_block(vm, 0, 24576, 0), 1, 40);
	for (unsigned i = 0; i < 4; i++)
		sample_thread(sample, vm, VN_THREAD_VCPU, (int)i, "0-15", 4 * (i % 2) + i, 900, 0);
	assert_vm_finding(sample, "guest-without-vnuma", NULL);
	/* two vCPUs are kept here, two there */
	vm = healthy(&sample);
	keep_on(sample, &vm->threads[2], "6");
	keep_on(sample, &vm->threads[3], "7");
	assert_vm_finding(sample, "guest-without-vnuma", NULL);
	/* told of both */
	healthy_pair(&sample);
	assert_vm_codes(sample, "");
	/* what it is told is not known */
	vm = healthy(&sample);
	vn_guest_free(vm->guest);
	vm->guest = NULL;
	keep_on(sample, &vm->threads[2], "6");
	keep_on(sample, &vm->threads[3], "7");
	assert_vm_codes(sample, "");
}

static void vnuma_lies(void **state)
{
	(void)state;
	/* told near, lives far */
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy_pair(&sample);
	vm->guest->vnodes[0].distances[1] = vm->guest->vnodes[1].distances[0] = 11;
	assert_vm_finding(sample, "vnuma-lies", NULL);
	/* told 20 where it is 31: in order, and nobody's harm */
	healthy_pair(&sample);
	sample->host->nodes[0].distances[1] = sample->host->nodes[1].distances[0] = 31;
	assert_vm_codes(sample, "");
	/* not told by the host */
	vm = healthy_pair(&sample);
	vm->guest->vnodes[0].distances[1] = vm->guest->vnodes[1].distances[0] = 11;
	sample->host->nodes[0].distances[1] = sample->host->nodes[1].distances[0] = VN_DISTANCE_UNKNOWN;
	assert_vm_codes(sample, "");
}

/* Three vnodes: which is nearer to 0, 1 or 2, is told the wrong way round, or right. */
static void vnuma_lies_about_order(void **state)
{
	(void)state;
	for (int right = 0; right < 3; right++) { /* 2: all live as far apart */
		struct vn_sample *sample = make_plain_sample(3);
		struct maker_vnode vnodes[] = {{1024, 1, -1}, {1024, 1, -1}, {1024, 1, -1}};
		struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(3, vnodes));
		for (unsigned v = 0; v < 3; v++) {
			char node[2] = {(char)('0' + v), 0};
			block_policy(sample_block(vm, (int)v, 1024, v), VN_MODE_BIND, node);
			sample_vcpu(sample, vm, (int)v, 4 * v, 900);
		}
		unsigned far = right ? 2 : 1;
		sample->host->nodes[0].distances[2] = sample->host->nodes[2].distances[0] =
			right == 2 ? 20 : 40;
		vm->guest->vnodes[0].distances[far] = vm->guest->vnodes[far].distances[0] = 30;
		assert_vm_codes(sample, right ? "" : "vnuma-lies");
	}
}

static void cpuset_forbids_home(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	vm->blocks[0].residency.nodes[0].node = 1;
	vm->mems = maker_set("1");
	strcpy(vm->unit, "machine-qemu\\x2d1\\x2dvm.scope");
	assert_vm_finding(sample, "cpuset-forbids-home",
		"systemctl set-property --runtime 'machine-qemu\\x2d1\\x2dvm.scope' AllowedMemoryNodes=0-1 && "
		"vnuma move vm --vnode 0=0");
	/* no unit, no way; and no move without it */
	vm = healthy(&sample);
	vm->blocks[0].residency.nodes[0].node = 1;
	vm->mems = maker_set("1");
	strcpy(vm->unit, "a'b.scope");
	assert_vm_finding(sample, "cpuset-forbids-home", NULL);
	vm = healthy(&sample);
	vm->manager = VN_MANAGER_LIBVIRT;
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	vm->blocks[0].residency.nodes[0].node = 1;
	vm->mems = maker_set("1");
	assert_vm_finding(sample, "cpuset-forbids-home",
		"virsh -c qemu:///system numatune vm --mode restrictive --nodeset 0-1 --live && vnuma move vm --vnode 0=0");
	/* strict: libvirt takes no change of a running domain */
	vm = healthy(&sample);
	vm->manager = VN_MANAGER_LIBVIRT;
	block_policy(&vm->blocks[0], VN_MODE_BIND, "1");
	vm->blocks[0].residency.nodes[0].node = 1;
	vm->mems = maker_set("1");
	assert_vm_finding(sample, "cpuset-forbids-home", NULL);
	healthy(&sample)->mems = maker_set("0-1");
	assert_vm_codes(sample, "");
}

/* What a cpuset does not allow the kernel refuses: commands name what is left of home, or let the cpuset have it first. */
static void cpus_of_a_cpuset(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm;
	for (int few = 0; few < 2; few++) {
		vm = healthy(&sample);
		vm->cpus = maker_set(few ? "0-1,4-7" : "0-2,4-11");
		keep_on(sample, &vm->threads[2], "4");
		/* vCPU 3 is where it no longer may be; 4 vCPUs want 3.6 CPUs */
		assert_vm_finding(sample, "vcpu-off-home", few ? NULL : "taskset -pc 0-2,8-11 103");
	}
	for (int i = 0; i < 3; i++) {
		vm = healthy(&sample);
		vm->record = vn_vm_new();
		vm->record->plan = json_pack("{s:[i]}", "homes", 0);
		vm->cpus = maker_set("4-5");
		strcpy(vm->unit, i == 1 ? "" : "docker-1.scope");
		vm->manager = i == 2 ? VN_MANAGER_LIBVIRT : VN_MANAGER_NONE;
		for (size_t k = 0; k < 4; k++) {
			keep_on(sample, &vm->threads[k], "4-5");
			vm->threads[k].run_ns = SECOND / 10;
		}
		assert_vm_finding(sample, "cpuset-forbids-home",
			i ? NULL
			  : "systemctl set-property --runtime 'docker-1.scope' AllowedCPUs=0-5,8-11 && "
			    "(for n in 101 102 103 104; do taskset -pc 0-3,8-11 $n || exit 1; done)");
	}
}

/* A cpuset of one CPU: there is no other. */
static void one_cpu_for_all(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	vm->cpus = maker_set("0");
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &vm->threads[i], "0");
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);
	const struct vn_finding *found = finding(&audit->vms[0].findings, "vcpu-squeezed");

	assert_null(found->fix);
	assert_non_null(strstr(
		found->text, "vCPU 0 (thread 101) may use CPU 0 only by its cpuset, as may busy vCPU"));
}

static void memory_swapped(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	block_absent(&vm->blocks[0], 5);
	vm->blocks[0].residency.swapped = 100;
	assert_vm_finding(sample, "memory-swapped", NULL);
	vm = healthy(&sample);
	block_absent(&vm->blocks[0], 5);
	vm->blocks[0].residency.swapped = 39;
	assert_vm_codes(sample, "");
}

static void node_nearly_full(void **state)
{
	(void)state;
	struct vn_sample *sample;
	block_absent(&healthy(&sample)->blocks[0], 50);
	sample->host->nodes[0].memory_free = 100 * VN_MIB;
	assert_host_codes(sample, "node-nearly-full");
	/* all of it is there already */
	healthy(&sample);
	sample->host->nodes[0].memory_free = 100 * VN_MIB;
	assert_host_codes(sample, "");
	/* on the other node; and where page cache can go */
	block_absent(&healthy(&sample)->blocks[0], 50);
	sample->host->nodes[1].memory_free = 100 * VN_MIB;
	assert_host_codes(sample, "");
	block_absent(&healthy(&sample)->blocks[0], 50);
	sample->host->nodes[0].memory_free = 100 * VN_MIB;
	sample->host->nodes[0].memory_reclaimable = 4096 * VN_MIB;
	assert_host_codes(sample, "");
}

static void kernel_balancing_fights(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	block_policy(&vm->blocks[0], VN_MODE_PREFER, "0");
	sample->host->numa_balancing = 1;
	sample->settings.has_faults = true;
	sample->settings.hint_faults = 20000;
	sample->settings.migrated_pages = 10000;
	{
		vn_autosample *gone = sample;
		vn_autoaudit *audit = judge(sample);
		const struct vn_finding *found = finding(&audit->host, "kernel-balancing-fights");
		assert_string_equal(found->fix, "sysctl kernel.numa_balancing=0");
		assert_true(found->cost > 0.0499 && found->cost < 0.0501);
		assert_codes(&audit->vms[0].findings, "");
	}
	/* bound memory is left alone; tiering moves nothing between equal nodes; nothing happened; a VM that nobody placed is helped */
	for (int near_miss = 0; near_miss < 4; near_miss++) {
		vm = healthy(&sample);
		if (near_miss != 0)
			block_policy(&vm->blocks[0], VN_MODE_PREFER, "0");
		for (size_t i = 0; i < 4 && near_miss == 3; i++)
			keep_on(sample, &vm->threads[i], "0-15");
		sample->host->numa_balancing = near_miss == 1 ? 2 : 1;
		sample->settings.has_faults = true;
		sample->settings.hint_faults = near_miss == 2 ? 0 : 20000;
		assert_host_codes(sample, "");
	}
}

static void settings_of_the_host(void **state)
{
	(void)state;
	for (int ordinary = 0; ordinary < 2; ordinary++) {
		struct vn_sample *sample;
		struct vn_vm_sample *vm = healthy(&sample);
		if (ordinary)
			block_policy(&vm->blocks[0], VN_MODE_PREFER, "0");
		else
			vm->blocks[0].page = 2 * VN_MIB;
		sample->settings.ksm = sample->settings.ksm_merges_nodes = sample->settings.zone_reclaim = 1;
		assert_host_codes(sample, ordinary ? "ksm-merges-nodes zone-reclaim" : "");
	}
	/* off, and of another kind */
	struct vn_sample *sample;
	block_policy(&healthy(&sample)->blocks[0], VN_MODE_PREFER, "0");
	sample->settings.ksm = 0;
	sample->settings.ksm_merges_nodes = 1;
	sample->settings.zone_reclaim = 2;
	assert_host_codes(sample, "");
}

/* What merging saved has to be free on each node; whatever fails, KSM is not left stopped. */
static void ksm_is_parted_where_there_is_room(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct vn_sample *sample;
		block_policy(&healthy(&sample)->blocks[0], VN_MODE_PREFER, "0");
		vn_autosample *gone = sample;
		sample->settings.ksm = sample->settings.ksm_merges_nodes = 1;
		sample->settings.has_ksm_sharing = i < 2;
		sample->settings.ksm_sharing = 2048 * VN_MIB;
		sample->host->nodes[1].memory_free = (i == 1 ? 2047 : 2048) * VN_MIB;
		vn_autoaudit *audit = judge(sample);
		const struct vn_finding *found = finding(&audit->host, "ksm-merges-nodes");
		if (i == 0)
			assert_string_equal(found->fix,
				"(echo 2 > /sys/kernel/mm/ksm/run && echo 0 > /sys/kernel/mm/ksm/merge_across_nodes; r=$?; "
				"echo 1 > /sys/kernel/mm/ksm/run && exit $r)");
		else
			assert_null(found->fix);
		assert_true((i == 1) == !!strstr(found->text, "up to 2 GiB, and node 1 has "));
		assert_true((i == 2) == !!strstr(found->text, "not known"));
	}
}

static void numad_runs(void **state)
{
	(void)state;
	for (int placed = 0; placed < 2; placed++) {
		struct vn_sample *sample;
		struct vn_vm_sample *vm = healthy(&sample);
		for (size_t i = 0; i < 4 && !placed; i++)
			keep_on(sample, &vm->threads[i], "0-15");
		sample->settings.numad = 1;
		assert_host_codes(sample, placed ? "numad-runs" : "");
	}
}

/* Names that a shell, virsh or we could take for something else never stand in a command. */
static void hostile_names(void **state)
{
	(void)state;
	static const struct {
		const char *name, *uuid;
		bool plain;
		const char *fix, *pin;
	} cases[] = {
		{"db-1", "", true, "vnuma move db-1 --vnode 0=0",
			"virsh -c qemu:///system vcpupin db-1 2 0-3,8-11 --live"},
		{"a; reboot", "", false, "vnuma move 100 --vnode 0=0", NULL},
		{"$(reboot)", "6e4f0b9a-0c5a-4a3e-9a55-0123456789ab", false,
			"vnuma move 6e4f0b9a-0c5a-4a3e-9a55-0123456789ab --vnode 0=0",
			"virsh -c qemu:///system vcpupin 6e4f0b9a-0c5a-4a3e-9a55-0123456789ab 2 0-3,8-11 --live"},
		{"x\ny", "; rm -rf / ;aaaaaaaaaaaaaaaaaaaaaaaa", false, "vnuma move 100 --vnode 0=0", NULL},
		{"--live", "", true, "vnuma move 100 --vnode 0=0", NULL},
		{"17", "", true, "vnuma move 100 --vnode 0=0", NULL},
		{"", "", true, "vnuma move 100 --vnode 0=0", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		vn_autosample *sample = make_plain_sample(2);
		struct vn_vm_sample *vm = add_healthy(sample, cases[i].name, 100, 0);
		vm->name_is_plain = cases[i].plain;
		vm->manager = VN_MANAGER_LIBVIRT;
		strcpy(vm->uuid, cases[i].uuid);
		vm->blocks[0].residency.nodes[0].node = 1;
		keep_on(sample, &vm->threads[2], "4");
		block_policy(&vm->blocks[0], VN_MODE_PREFER, "0");
		vn_autoaudit *audit = judge(sample);
		const struct vn_findings *found = &audit->vms[0].findings;
		const char *pin = finding(found, "vcpu-off-home")->fix;
		assert_string_equal(finding(found, "memory-remote")->fix, cases[i].fix);
		if (cases[i].pin)
			assert_string_equal(pin, cases[i].pin);
		else
			assert_null(pin);
	}
}

static void two_of_a_name_go_by_pid(void **state)
{
	(void)state;
	struct vn_sample *sample;
	healthy(&sample)->blocks[0].residency.nodes[0].node = 1;
	add_healthy(sample, "vm", 200, 1);
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);

	assert_string_equal(audit->vms[0].findings.v[0].fix, "vnuma move 100 --vnode 0=0");
}

static void assert_says_pinned(struct vn_sample *sample, const char *code, const char *fix)
{
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);
	const struct vn_finding *found = finding(&judged(audit, "vm")->findings, code);

	assert_true(!found->fix == !fix);
	if (fix)
		assert_string_equal(found->fix, fix);
	assert_non_null(strstr(found->text, "comes home only when the VM is started anew"));
}

/* No command moves what the kernel will not. */
static void what_a_device_has_pinned_is_not_moved(void **state)
{
	(void)state;
	struct vn_sample *sample;
	for (int huge = 0; huge < 2; huge++) {
		struct vn_vm_sample *vm = healthy(&sample);
		sample_device(vm, "0000:3b:00.0", 0, -1);
		vm->blocks[0].residency.nodes[0].node = 1;
		vm->blocks[0].page = huge ? 2 * VN_MIB : 0;
		give_pool(sample, 0, 48, 48); /* more of them would not help */
		assert_says_pinned(sample, "memory-remote", NULL);
	}
	struct vn_vm_sample *vm = healthy(&sample);
	sample_device(vm, "0000:3b:00.0", 0, -1);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	vm->blocks[0].residency.nodes[0].node = 1;
	vm->mems = maker_set("1");
	strcpy(vm->unit, "vm.scope");
	assert_says_pinned(sample, "cpuset-forbids-home",
		"systemctl set-property --runtime 'vm.scope' AllowedMemoryNodes=0-1");
	/* vCPUs for which home has no cores left, see a_full_node_gets_no_more_vcpus() */
	sample = make_narrow_sample();
	for (unsigned i = 0; i < 2; i++)
		add_floating(sample, i ? "b" : "a", 100 * ((pid_t)i + 1), i);
	sample_device(add_floating(sample, "vm", 300, 2), "0000:3b:00.0", 0, -1);
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);
	assert_null(finding(&judged(audit, "vm")->findings, "vcpu-floating")->fix);
}

/* Everything wrong at once: all commands name the same home, and nothing is told twice. */
static void fixes_of_one_vm_agree(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	block_policy(&vm->blocks[0], VN_MODE_PREFER, "0");
	block_also_on(&vm->blocks[0], 1, 60);
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &vm->threads[i], i < 2 ? "4-7" : "0-15");
	sample_thread(sample, vm, VN_THREAD_VHOST, 0, "4-7", 4, 400, 0);
	sample_nic(vm, 0, 0, 4, 4);
	sample_thread(sample, vm, VN_THREAD_IOTHREAD, 1, "4-7", 5, 300, 0);
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);
	const struct vn_findings *found = &audit->vms[0].findings;

	/* what works beside vCPUs that are off home comes home with them */
	assert_codes(found, "memory-remote vcpu-floating vcpu-off-home");
	for (size_t i = 0; i < found->n; i++) {
		const char *fix = found->v[i].fix;
		assert_non_null(fix);
		assert_true(strstr(fix, "--vnode 0=0") || strstr(fix, "-pc 0-3,8-11 "));
		assert_null(strstr(fix, "--to"));
	}
	/* what both lose is told once: all that could be won is what the VM loses */
	double cost = 0;
	for (size_t i = 0; i < found->n; i++)
		cost += found->v[i].cost;
	assert_true(cost > 0 && cost <= 3.6 * 0.5 + 1e-9);
}

static void isolated_cpus_are_left_out(void **state)
{
	(void)state;
	struct vn_sample *sample;
	struct vn_vm_sample *vm = healthy(&sample);
	keep_on(sample, &vm->threads[2], "4");
	sample->host->isolated_cpus = maker_set("2-3,10-11");
	vm->threads[0].run_ns = vm->threads[0].n_times = 0; /* or the two cores that are left had no room */
	assert_vm_finding(sample, "vcpu-off-home", "taskset -pc 0-1,8-9 103");
}

/* A thread that is a vCPU, and nobody told which. */
static void vcpus_without_a_number(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
	for (size_t i = 0; i < 4; i++)
		vm->threads[i].index = -1;
	keep_on(sample, &vm->threads[1], "0");
	vm->threads[2].wait_ns = SECOND;
	keep_on(sample, &vm->threads[3], "4");
	vn_autoaudit *audit = judge(sample);
	const char *squeezed = finding(&audit->vms[0].findings, "vcpu-squeezed")->text;

	assert_non_null(
		strstr(squeezed, "a vCPU (thread 101) is kept on CPU 0, as is a busy vCPU (thread 102)"));
	assert_non_null(strstr(squeezed, "a vCPU (thread 103) waited"));
	assert_null(strstr(squeezed, "-1"));
	assert_non_null(strstr(
		finding(&audit->vms[0].findings, "vcpu-off-home")->text, "a vCPU (thread 104) of vnode 0"));
}

/* More parts than can be read are counted. */
static void many_parts_are_counted(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(1);
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, NULL);
	for (int i = 0; i < 8; i++)
		sample_thread(sample, vm, VN_THREAD_VCPU, i, "0-7", 0, 400, 600);
	vn_autoaudit *audit = judge(sample);
	const struct vn_finding *found = finding(&audit->vms[0].findings, "vcpu-squeezed");

	assert_non_null(strstr(found->text, "; and 4 more of the kind"));
	assert_true(found->cost > 4.79 && found->cost < 4.81);
}

static char *read_file(const char *path)
{
	char full[512], *text = NULL;
	size_t length = 0;

	snprintf(full, sizeof(full), "%s/%s", getenv("SRCDIR") ? getenv("SRCDIR") : ".", path);
	FILE *in = fopen(full, "r");
	assert_non_null(in);
	assert_true(getdelim(&text, &length, '\0', in) > 0);
	fclose(in);
	return text;
}

/* Each code behind `mark` in one text stands in the other between `before` and `after`. */
static void check_codes(const char *text, const char *mark, char end, const char *in, const char *before,
	const char *after, size_t *n)
{
	for (const char *at = strstr(text, mark); at; at = strstr(at, mark)) {
		char code[64], wanted[96];
		at += strlen(mark);
		size_t length = (size_t)(strchr(at, end) - at);
		assert_true(length > 0 && length < 32);
		snprintf(code, sizeof(code), "%.*s", (int)length, at);
		snprintf(wanted, sizeof(wanted), "%s%s%s", before, code, after);
		if (!strstr(in, wanted))
			fail_msg("%s is not to be found", wanted);
		++*n;
	}
}

/* Every code that the source gives has its section in docs/findings.md, and every section its code. */
static void all_codes_are_documented(void **state)
{
	(void)state;
	static const char *const sources[] = {"src/audit/find_vcpus.c", "src/audit/find_memory.c",
		"src/audit/find_io.c", "src/audit/find_squeezed.c", "src/audit/find_devices.c",
		"src/audit/find_told.c", "src/audit/find_host.c"};
	vn_autofree char *docs = read_file("docs/findings.md");
	vn_autofree char *all = strdup("");
	size_t in_source = 0, in_docs = 0;

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		vn_autofree char *source = read_file(sources[i]), *before = all;
		all = NULL;
		assert_true(asprintf(&all, "%s%s", before, source) > 0);
	}
	check_codes(all, ".code = \"", '"', docs, "\n### ", "\n", &in_source);
	check_codes(docs, "\n### ", '\n', all, ".code = \"", "\"", &in_docs);
	assert_true(in_source == in_docs && in_docs >= 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_remote),
		cmocka_unit_test(memory_of_several_vnodes_is_one_finding),
		cmocka_unit_test(memory_that_has_no_room_is_not_moved),
		cmocka_unit_test(memory_spread),
		cmocka_unit_test(vnode_unbound),
		cmocka_unit_test(vcpu_off_home),
		cmocka_unit_test(vcpu_floating),
		cmocka_unit_test(floating_without_a_home),
		cmocka_unit_test(floating_costs_what_is_lost),
		cmocka_unit_test(a_full_node_gets_no_more_vcpus),
		cmocka_unit_test(a_full_node_without_a_way_out),
		cmocka_unit_test(memory_is_given_once),
		cmocka_unit_test(promises_are_kept),
		cmocka_unit_test(vcpu_squeezed_by_waiting),
		cmocka_unit_test(vcpu_squeezed_by_others),
		cmocka_unit_test(squeezed_by_one_aside),
		cmocka_unit_test(vcpu_not_squeezed_by_others),
		cmocka_unit_test(vcpus_that_stay),
		cmocka_unit_test(vcpus_on_one_cpu),
		cmocka_unit_test(cpus_of_others_are_not_given),
		cmocka_unit_test(vhost_remote),
		cmocka_unit_test(vhost_on_kicking_cpu),
		cmocka_unit_test(iothread_remote),
		cmocka_unit_test(irq_remote),
		cmocka_unit_test(device_remote),
		cmocka_unit_test(what_a_device_has_pinned_is_not_moved),
		cmocka_unit_test(hugepages_uneven),
		cmocka_unit_test(huge_pages_are_given_once),
		cmocka_unit_test(one_pool_for_two_vnodes),
		cmocka_unit_test(memory_of_no_vcpus),
		cmocka_unit_test(guest_without_vnuma),
		cmocka_unit_test(vnuma_lies),
		cmocka_unit_test(vnuma_lies_about_order),
		cmocka_unit_test(cpuset_forbids_home),
		cmocka_unit_test(cpus_of_a_cpuset),
		cmocka_unit_test(one_cpu_for_all),
		cmocka_unit_test(memory_swapped),
		cmocka_unit_test(node_nearly_full),
		cmocka_unit_test(kernel_balancing_fights),
		cmocka_unit_test(settings_of_the_host),
		cmocka_unit_test(ksm_is_parted_where_there_is_room),
		cmocka_unit_test(numad_runs),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(two_of_a_name_go_by_pid),
		cmocka_unit_test(fixes_of_one_vm_agree),
		cmocka_unit_test(isolated_cpus_are_left_out),
		cmocka_unit_test(vcpus_without_a_number),
		cmocka_unit_test(many_parts_are_counted),
		cmocka_unit_test(all_codes_are_documented),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
