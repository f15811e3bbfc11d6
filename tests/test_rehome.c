/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a move has to do, case by case; test_rehome_random.c has what holds of all. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/model/host_copy.h"
#include "../src/rehome/as_if_gone.h"
#include "plan_random.h"
#include "rehome_asserts.h"

/* ---- samples and plans ---- */

/* The plan of a guest like `guest`, with these homes. */
static struct vn_plan *plan_at(const struct vn_host *host, const struct vn_guest *guest, const int *homes)
{
	vn_autoguest *copy = vn_guest_copy(guest);

	for (size_t v = 0; v < copy->n_vnodes; v++)
		copy->vnodes[v].home = homes[v];
	struct vn_plan *plan = plan_of(host, copy);
	assert_non_null(plan);
	assert_true(plan->feasible);
	return plan;
}

/* Its two vnodes change places. */
static struct vn_plan *swapped(const struct vn_sample *sample)
{
	return plan_at(sample->host, sample->vms[0].guest, (const int[]){1, 0});
}

static struct vn_sample *pair(size_t nodes)
{
	struct vn_sample *sample = make_plain_sample(nodes);

	add_healthy_pair(sample, "vm", 100);
	return sample;
}

static struct vn_move *reckon(
	const struct vn_sample *sample, const struct vn_plan *plan, const struct vn_rehome_wish *wish)
{
	struct vn_move *move = NULL;
	vn_autoerror err = {0};

	if (vn_rehome(sample, 0, plan, wish ? wish : &whole_wish, &move, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	assert_int_equal(err.n, 0);
	return move;
}

/* Refused, with exactly these problems, in this order, each by a piece of its text. */
static void assert_refused(const struct vn_sample *sample, const struct vn_plan *plan,
	const struct vn_rehome_wish *wish, bool input, size_t n, const char *const *pieces)
{
	struct vn_move *move = NULL;
	vn_autoerror err = {0};

	assert_int_equal(vn_rehome(sample, 0, plan, wish ? wish : &whole_wish, &move, &err), -EINVAL);
	assert_null(move);
	assert_int_equal(err.n, n);
	assert_int_equal(err.input, input);
	for (size_t i = 0; i < n; i++) {
		if (!strstr(err.problems[i].text, pieces[i]))
			fail_msg("'%s' is not in '%s'", pieces[i], err.problems[i].text);
	}
}
#define REFUSED(sample, plan, wish, ...)                                                                     \
	assert_refused(sample, plan, wish, true, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),     \
		(const char *[]){__VA_ARGS__})

static void assert_set(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *list = set ? vn_set_text(set) : NULL;

	assert_string_equal(list ? list : "(none)", expected);
}

static const struct vn_move_thread *moved(const struct vn_move *move, pid_t tid)
{
	for (size_t i = 0; i < move->n_threads; i++) {
		if (move->thread_list[i].tid == tid)
			return &move->thread_list[i];
	}
	fail_msg("thread %d is not in it", tid);
	return NULL;
}

static void assert_note(const struct vn_move *move, const char *code, const char *piece)
{
	for (size_t i = 0; i < move->notes.n; i++) {
		if (strcmp(move->notes.v[i].code, code) == 0 && strstr(move->notes.v[i].text, piece))
			return;
	}
	fail_msg("no note %s with '%s'", code, piece);
}

static void assert_no_notes_but(const struct vn_move *move, const char *code)
{
	for (size_t i = 0; i < move->notes.n; i++) {
		if (strcmp(move->notes.v[i].code, code) != 0)
			fail_msg("%s: %s", move->notes.v[i].code, move->notes.v[i].text);
	}
}

static void assert_range(const struct vn_move *move, size_t at, uint64_t address, uint64_t mib, unsigned node)
{
	assert_true(at < move->n_ranges);
	assert_int_equal(move->ranges[at].address, address);
	assert_int_equal(move->ranges[at].size, mib * VN_MIB);
	assert_int_equal(move->ranges[at].node, node);
}

/* ---- whether a plan fits ---- */

static void refuses_plans_of_others(void **state)
{
	(void)state;
	vn_autosample *sample = pair(2);
	vn_autoplan *plan = swapped(sample);
	struct vn_guest *guest = sample->vms[0].guest;

	plan->host = 1;
	sample->host->identity = 2;
	plan->n_vnodes = 1; /* what else does not fit follows from it */
	REFUSED(sample, plan, NULL, "one of another host, 0000000000000001");
	sample->host->identity = 1;
	plan->n_vcpus--;
	REFUSED(sample, plan, NULL, "the plan has 1 vnode; the VM has 2",
		"the plan has 3 vCPUs; the VM has 4");
	plan->n_vnodes = 2;
	plan->n_vcpus++;
	plan->planned = vn_guest_copy(guest);
	hwloc_bitmap_clr(plan->planned->vnodes[0].vcpus, 1);
	hwloc_bitmap_set(plan->planned->vnodes[1].vcpus, 1);
	REFUSED(sample, plan, NULL, "vCPU 1 is of vnode 1 in the plan; the VM has it in vnode 0");
	hwloc_bitmap_set(plan->planned->vnodes[0].vcpus, 1);
	plan->homes[1] = plan->vnodes[1].home = plan->vnodes[1].shares[0].pnode = 7;
	sample->host->nodes[1].memory_total = 0;
	REFUSED(sample, plan, NULL, "vnode 0 is to have memory on node 1, which has none",
		"vnode 1 is to be on node 7; the host has 2 nodes");
	sample->host->offline_nodes = maker_set("7");
	sample->host->nodes[1].memory_total = VN_MIB;
	REFUSED(sample, plan, NULL, "node 7, which is offline");
	plan->feasible = false;
	vn_notes_add(&plan->reasons, "memory", "too little of it");
	REFUSED(sample, plan, NULL, "none that can be carried out: too little of it");
	plan->feasible = true;
	plan->homes[1] = plan->vnodes[1].shares[0].pnode = 0;
	const struct vn_rehome_wish none = {.irqs = true};
	REFUSED(sample, plan, &none, "neither threads nor memory");
}

/* ---- threads ---- */

static void threads_follow_those_they_work_for(void **state)
{
	(void)state;
	vn_autosample *sample = pair(3);
	struct vn_vm_sample *vm = &sample->vms[0];
	vn_autoplan *plan = swapped(sample);

	vm->process.start_time = 77;
	vm->process.exe = strdup("/usr/bin/qemu");
	sample_thread(sample, vm, VN_THREAD_IOTHREAD, 1, "0", 0, 0, 0)->tid = 201; /* of vnode 1, we know */
	sample_thread(sample, vm, VN_THREAD_IOTHREAD, 0, "1", 1, 0, 0)->tid = 202; /* of nobody knows whom */
	sample_thread(sample, vm, VN_THREAD_VHOST, 0, "4", 4, 0, 0)->tid = 203; /* vnode 0's queue */
	sample_nic(vm, 0, 0, 2, (ptrdiff_t)vm->n_threads - 1);
	sample_thread(sample, vm, VN_THREAD_VHOST, 1, "0-3", 0, 0, 0)->tid = 204; /* both use it alike */
	sample_nic(vm, -1, 1, 2, (ptrdiff_t)vm->n_threads - 1);
	sample_thread(sample, vm, VN_THREAD_VHOST, 2, "0-3", 0, 0, 0)->tid = 205; /* whose is not known */
	sample_thread(sample, vm, VN_THREAD_EMULATOR, 0, "0-2", 0, 0, 0)->tid = 100;
	sample_thread(sample, vm, VN_THREAD_OTHER, -1, "0", 0, 0, 0)->tid = 206; /* made by thread 201 */
	sample_thread(sample, vm, VN_THREAD_OTHER, -1, "0-2", 0, 0, 0)->tid = 207;
	sample_thread(sample, vm, VN_THREAD_MIGRATION, -1, "0-2", 0, 0, 0)->tid = 208;
	vm->threads[vm->n_threads - 1].of_kernel = true;
	vm->record = vn_vm_new();
	vm->record->n_threads = 1;
	vm->record->threads = (struct vn_vm_thread *)maker_alloc(1, sizeof(*vm->record->threads));
	vm->record->threads[0] = (struct vn_vm_thread){VN_THREAD_IOTHREAD, 1, 201, maker_set("0")};

	vn_automove *move = reckon(sample, plan, NULL);
	assert_string_equal(move->name, "vm");
	assert_int_equal(move->process.pid, 100);
	assert_int_equal(move->process.start_time, 77);
	assert_string_equal(move->process.exe, "/usr/bin/qemu");
	assert_int_equal(move->phase, VN_MOVE_PLANNED);
	assert_true(move->threads && move->memory);
	assert_int_equal(move->n_homes, 2);
	assert_int_equal(move->homes[0], 1);
	assert_int_equal(move->n_threads, vm->n_threads);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(move->thread_list[i].kind, VN_THREAD_VCPU);
		assert_int_equal(move->thread_list[i].vnode, i / 2);
		assert_set(move->thread_list[i].after, i < 2 ? "4-7,16-19" : "0-3,12-15");
	}
	assert_set(move->thread_list[2].before, "4");
	assert_set(moved(move, 201)->after, "0-3,12-15");
	assert_int_equal(moved(move, 201)->vnode, 1);
	assert_set(moved(move, 202)->after, "0-7,12-19");
	assert_set(moved(move, 203)->after, "4-7,16-19");
	assert_int_equal(moved(move, 203)->vnode, 0);
	assert_set(moved(move, 204)->after, "0-7,12-19");
	assert_int_equal(moved(move, 204)->vnode, -1);
	assert_set(moved(move, 205)->after, "0-7,12-19");
	assert_set(moved(move, 100)->after, "0-7,12-19");
	assert_set(moved(move, 206)->after, "0-3,12-15");
	assert_set(moved(move, 207)->after, "0-7,12-19");
	assert_set(moved(move, 208)->after, "0-7,12-19");
	assert_true(moved(move, 208)->of_kernel);
}

/* Each vCPU has a core; `spare` is left to QEMU's other threads. */
static void worker_goes(const char *spare, const char *expected, const char *note)
{
	vn_autosample *sample = pair(2);
	struct vn_vm_sample *vm = &sample->vms[0];
	vn_autoplan *plan = swapped(sample);
	static const char *const cpus[] = {"4", "5", "0", "1"};

	for (unsigned i = 0; i < 4; i++) {
		hwloc_bitmap_free(plan->vcpu_cpus[i]);
		plan->vcpu_cpus[i] = maker_set(cpus[i]);
	}
	hwloc_bitmap_free(plan->emulator_cpus);
	plan->emulator_cpus = maker_set(spare);
	sample_thread(sample, vm, VN_THREAD_VHOST, 0, "0", 0, 0, 0)->tid = 203;
	sample_nic(vm, 0, 0, 1, (ptrdiff_t)vm->n_threads - 1); /* vCPU 0 kicks it */
	vn_automove *move = reckon(sample, plan, NULL);
	assert_set(moved(move, 203)->after, expected);
	if (note)
		assert_note(move, note, "thread 203");
	else
		assert_false(vn_notes_has(&move->notes, "workers-on-vcpus") ||
			     vn_notes_has(&move->notes, "workers-off-home"));
}

static void workers_keep_off_those_who_kick_them(void **state)
{
	(void)state;
	worker_goes("2,3,6,7", "6-7", NULL);
	worker_goes("2,4,7", "7", NULL); /* not vCPU 0's CPU 4 */
	worker_goes("2,5", "5", NULL); /* vCPU 1 does not kick it */
	worker_goes("2-3", "5", "workers-on-vcpus");
	worker_goes("2,4", "5", "workers-on-vcpus");
}

static void workers_leave_home_rather_than_block_their_vcpu(void **state)
{
	(void)state;
	struct maker_node nodes[] = {{2, 8192}, {1, 8192}};
	struct maker_vnode vnode[] = {{64, 1, 1}, {64, 1, 0}};
	vn_autosample *sample = make_sample(make_host(2, nodes, 1, 20));
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(2, vnode));
	vn_autoplan *plan = plan_of(sample->host, vm->guest);

	sample_block(vm, 0, 64, 0);
	sample_vcpu(sample, vm, 0, 0, 0);
	sample_vcpu(sample, vm, 1, 1, 0);
	sample_thread(sample, vm, VN_THREAD_VHOST, 0, "0", 0, 0, 0)->tid = 203;
	sample_nic(vm, 0, 0, 1, 2);
	vn_automove *move = reckon(sample, plan, NULL);
	assert_set(move->thread_list[0].after, "2");
	assert_set(moved(move, 203)->after, "0-1");
	assert_note(move, "workers-off-home", "thread 203");
	/* with nowhere else to be */
	hwloc_bitmap_only(plan->emulator_cpus, 2);
	vm->cpus = maker_set("1,2");
	vn_automove *again = reckon(sample, plan, NULL);
	assert_set(moved(again, 203)->after, "2");
}

static void cpusets_and_offline_cpus_are_heeded(void **state)
{
	(void)state;
	vn_autosample *sample = pair(2);
	struct vn_vm_sample *vm = &sample->vms[0];
	vn_autoplan *plan = swapped(sample);

	vm->cpus = maker_set("0-5");
	hwloc_bitmap_clr(sample->host->nodes[0].cpus, 3);
	sample->host->cpus[3].online = false;
	vn_automove *move = reckon(sample, plan, NULL);
	assert_set(move->thread_list[0].after, "4-5");
	assert_set(move->thread_list[2].after, "0-2");
	assert_note(move, "cpus-forbidden", "CPUs 6-15 of the plan");
	assert_note(move, "cpus-offline", "CPUs 3 of the plan");
	hwloc_bitmap_clr_range(vm->cpus, 4, 5);
	REFUSED(sample, plan, NULL,
		"thread 101 (vcpu0) is to be on CPUs 4-7,12-15; those that are online, and that its cpuset allows: 0-2",
		"thread 102 (vcpu1)");
}

static void unnamed_vcpus_have_one_home_or_none(void **state)
{
	(void)state;
	vn_autosample *sample = pair(2);
	struct vn_vm_sample *vm = &sample->vms[0];
	vn_autoplan *plan = swapped(sample);
	vn_autoplan *one = plan_at(sample->host, vm->guest, (const int[]){1, 1});
	const struct vn_rehome_wish memory = {.memory = true};

	sample_thread(sample, vm, VN_THREAD_OTHER, -1, "0", 0, 0, 0)->tid = 207;
	vm->threads[2].index = -1;
	hwloc_bitmap_free(one->emulator_cpus);
	one->emulator_cpus = maker_set("7");
	REFUSED(sample, plan, NULL, "debug-threads=on");
	vn_automove *only = reckon(sample, plan, &memory);
	assert_int_equal(only->n_threads, 0);
	assert_false(only->threads);
	vn_automove *move = reckon(sample, one, NULL);
	assert_note(move, "vcpus-unnamed", "which vCPU is not known");
	assert_set(move->thread_list[2].after, "4-7,12-15");
	assert_set(moved(move, 207)->after, "4-7,12-15"); /* may be one of them */
	/* none is known at all */
	for (size_t i = 0; i < 4; i++)
		vm->threads[i].kind = VN_THREAD_OTHER;
	REFUSED(sample, plan, NULL, "debug-threads=on");
	vn_automove *blind = reckon(sample, one, NULL);
	assert_set(blind->thread_list[0].after, "4-7,12-15");
	size_t n = vm->n_threads;
	vm->n_threads = 0;
	REFUSED(sample, one, NULL, "threads could not be read");
	vm->n_threads = n;
}

static void threads_without_a_way_back_stay(void **state)
{
	(void)state;
	vn_autosample *sample = pair(2);
	struct vn_vm_sample *vm = &sample->vms[0];
	vn_autoplan *plan = swapped(sample);
	struct vn_thread_sample *thread = sample_thread(sample, vm, VN_THREAD_EMULATOR, 0, "0", 0, 0, 0);

	hwloc_bitmap_free(thread->cpus);
	thread->cpus = NULL;
	vn_automove *move = reckon(sample, plan, NULL);
	assert_int_equal(move->n_threads, 4);
	assert_note(move, "threads-left", "is left alone");
	hwloc_bitmap_free(vm->threads[1].cpus);
	vm->threads[1].cpus = NULL;
	REFUSED(sample, plan, NULL, "vCPU 1 (thread 102): which CPUs it may use could not be read");
}

/* ---- memory ---- */

/* A guest of one vnode of 64 MiB, of which the plan has 3 on node 1, 21 on node 0 and the rest on node 2. */
static struct vn_plan *split_plan(struct vn_sample *sample, struct vn_vm_sample **ret_vm)
{
	struct maker_vnode vnode = {64, 1, 1};
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(1, &vnode));
	struct vn_plan *plan = plan_of(sample->host, vm->guest);

	sample_vcpu(sample, vm, 0, 0, 0);
	free(plan->vnodes[0].shares);
	plan->vnodes[0].shares = (struct vn_share *)maker_alloc(3, sizeof(struct vn_share));
	plan->vnodes[0].n_shares = 3;
	plan->vnodes[0].shares[0] = (struct vn_share){1, 3 * VN_MIB};
	plan->vnodes[0].shares[1] = (struct vn_share){0, 21 * VN_MIB};
	plan->vnodes[0].shares[2] = (struct vn_share){2, 40 * VN_MIB};
	*ret_vm = vm;
	return plan;
}

static void shares_are_dealt_over_blocks(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(3);
	struct vn_vm_sample *vm;
	vn_autoplan *plan = split_plan(sample, &vm);
	struct vn_block_sample *low = sample_block(vm, -1, 9, 0), *high = sample_block(vm, 0, 57, 0);
	uint64_t a = low->address, b = high->address;

	low->shared = true;
	block_policy(low, VN_MODE_PREFER, "1");
	block_also_on(high, 2, 25);
	vn_automove *move = reckon(sample, plan, NULL);
	assert_int_equal(move->n_ranges, 4);
	assert_range(move, 0, a, 2, 1);
	assert_range(move, 1, a + 2 * VN_MIB, 7, 0);
	assert_range(move, 2, b, 14, 0); /* 24 MiB into the vnode, down to a multiple of 2 */
	assert_range(move, 3, b + 14 * VN_MIB, 43, 2); /* with what QEMU made it larger */
	assert_int_equal(move->progress.total, 66 * VN_MIB);
	assert_int_equal(move->n_blocks, 2);
	assert_string_equal(move->blocks[0].id, "ram0");
	assert_true(move->blocks[0].shared && move->blocks[0].vnode == 0);
	assert_int_equal(move->blocks[0].policy, VN_MODE_PREFER);
	assert_set(move->blocks[0].policy_nodes, "1");
	assert_null(move->blocks[1].policy_nodes);
	assert_int_equal(move->blocks[1].n_before, 2);
	assert_int_equal(move->blocks[1].before[1].node, 2);
	assert_int_equal(move->blocks[1].before[1].bytes, 57 * VN_MIB / 4);
	assert_false(vn_notes_has(&move->notes, "sizes-differ"));
	high->size = 80 * VN_MIB;
	vn_automove *more = reckon(sample, plan, NULL);
	assert_note(more, "sizes-differ", "vnode 0 has 89 MiB, and 64 MiB in the plan");
	assert_range(more, 3, b + 14 * VN_MIB, 66, 2);
	high->size = 5 * VN_MIB; /* less than planned: the last share gets nothing */
	vn_automove *less = reckon(sample, plan, NULL);
	assert_int_equal(less->n_ranges, 3);
	assert_range(less, 2, b, 5, 0);
}

static void cuts_leave_huge_pages_whole(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(3);
	struct vn_vm_sample *vm;
	vn_autoplan *plan = split_plan(sample, &vm);
	struct vn_block_sample *low = sample_block(vm, 0, 32, 0), *high = sample_block(vm, 0, 32, 0);

	low->page = 16 * VN_MIB;
	low->address += 16 * VN_MIB;
	high->address += VN_MIB; /* cuts are where the pages end, not where the block's parts would */
	vn_automove *move = reckon(sample, plan, NULL);
	assert_int_equal(move->n_ranges, 3);
	assert_range(move, 0, low->address, 16, 0);
	assert_range(move, 1, low->address + 16 * VN_MIB, 16, 2);
	assert_range(move, 2, high->address, 32, 2);
	assert_int_equal(move->ranges[0].page, 16 * VN_MIB);
	plan->vnodes[0].shares[0].memory = 40 * VN_MIB;
	vn_automove *again = reckon(sample, plan, NULL);
	assert_range(again, 0, low->address, 32, 1);
	assert_range(again, 1, high->address, 7, 1);
	assert_range(again, 2, high->address + 7 * VN_MIB, 22,
		0); /* 61 MiB - 32, from 1 MiB past a multiple of 2 */
}

static void what_is_no_vnodes_or_dealt_out_stays(void **state)
{
	(void)state;
	vn_autosample *sample = pair(2);
	struct vn_vm_sample *vm = &sample->vms[0];
	vn_autoplan *plan = swapped(sample);
	const struct vn_rehome_wish memory = {.memory = true};

	sample_block(vm, -1, 16, 0); /* video memory */
	vn_automove *move = reckon(sample, plan, NULL);
	assert_int_equal(move->n_ranges, 2);
	assert_int_equal(move->n_blocks, 2);
	assert_int_equal(move->ranges[0].node, 1);
	assert_int_equal(move->ranges[1].node, 0);
	vm->guest->vnodes[0].has_binding = true;
	vm->guest->vnodes[0].binding = VN_BINDING_INTERLEAVE;
	vn_automove *one = reckon(sample, plan, NULL); /* over one node: that is where all of it should be */
	assert_int_equal(one->n_ranges, 2);
	plan->vnodes[0].shares =
		(struct vn_share *)reallocarray(plan->vnodes[0].shares, 2, sizeof(struct vn_share));
	plan->vnodes[0].shares[1] = (struct vn_share){0, VN_MIB};
	plan->vnodes[0].n_shares = 2;
	vn_automove *dealt = reckon(sample, plan, NULL);
	assert_int_equal(dealt->n_ranges, 1);
	assert_int_equal(dealt->n_blocks, 1);
	assert_note(dealt, "interleaved-left", "vnode 0");
	vm->blocks[1].address = 0;
	vn_automove *lost = reckon(sample, plan, NULL);
	assert_int_equal(lost->n_ranges, 0);
	assert_note(lost, "block-not-found", "2 GiB of vnode 1 (ram1)");
	vm->guest->vnodes[0].has_binding = false;
	vm->blocks[0].address = 0;
	vn_notes_add(&vm->gaps, "maps-unreadable", "run as root");
	assert_refused(sample, plan, &memory, false, 1,
		(const char *[]){"where QEMU has the guest's memory is not known: run as root"});
	vn_notes_clear(&vm->gaps);
	REFUSED(sample, plan, &memory, "where QEMU has the guest's memory is not known");
}

/* ---- room ---- */

static void targets_have_to_hold_it(void **state)
{
	(void)state;
	struct vn_rehome_wish wish = {.threads = true, .memory = true};
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
	vn_autoplan *plan = plan_at(sample->host, vm->guest, (const int[]){1});
	struct vn_host_node *to = &sample->host->nodes[1];

	wish.limits.has_reserve = true;
	vn_automove *fits = reckon(sample, plan, &wish);
	assert_no_notes_but(fits, "policy-keeps-old-node");
	to->memory_free = 3072 * VN_MIB;
	REFUSED(sample, plan, &wish,
		"node 1 is to have 4 GiB (4294967296 bytes) of its memory; it has 3 GiB (3221225472 bytes) free");
	to->memory_reclaimable = 1024 * VN_MIB; /* page cache makes room */
	wish.limits.reserve = 256 * VN_MIB;
	vn_automove *short_of = reckon(sample, plan, &wish);
	assert_note(
		short_of, "memory-short", "256 MiB are kept in reserve: up to 256 MiB of what is to come");
	wish.limits.has_reserve = false; /* 2% of 16 GiB is less than 512 MiB */
	vn_automove *usual = reckon(sample, plan, &wish);
	assert_note(usual, "memory-short", "up to 512 MiB of what is to come");
	to->memory_reclaimable = 0;
	block_absent(&vm->blocks[0], 40); /* nobody touched it: it takes nothing yet */
	wish.limits.has_reserve = true;
	wish.limits.reserve = 0;
	vn_automove *sparse = reckon(sample, plan, &wish);
	assert_false(vn_notes_has(&sparse->notes, "memory-short"));
	vm->blocks[0].residency.absent = 0;
	vm->blocks[0].residency.nodes[0].pages = MAKER_PAGES;
	block_also_on(&vm->blocks[0], 1, 40); /* own pages there stay there */
	vn_automove *half = reckon(sample, plan, &wish);
	assert_false(vn_notes_has(&half->notes, "memory-short"));
	to->memory_free = 0;
	REFUSED(sample, plan, &wish, "free, and 1.6 GiB");
	wish.memory = false; /* who moves threads only is told */
	vn_automove *threads = reckon(sample, plan, &wish);
	assert_true(vn_notes_has(&threads->notes, "memory-short") && !threads->memory);
	assert_int_equal(threads->n_ranges, 1);
	to->has_memory_free = false;
	wish.memory = true;
	vn_automove *unknown = reckon(sample, plan, &wish);
	assert_false(vn_notes_has(&unknown->notes, "memory-short"));
}

static void give_pool(struct vn_host_node *node, uint64_t total, uint64_t idle)
{
	free(node->hugepools);
	node->hugepools = (struct vn_hugepool *)maker_alloc(1, sizeof(*node->hugepools));
	node->hugepools[0] = (struct vn_hugepool){2 * VN_MIB, total, idle, 0};
	node->n_hugepools = 1;
}

static void pools_have_to_hold_it(void **state)
{
	(void)state;
	vn_autosample *sample = pair(2);
	struct vn_vm_sample *vm = &sample->vms[0];
	vn_autoplan *plan = plan_at(sample->host, vm->guest, (const int[]){1, 1});

	vm->blocks[0].page = 2 * VN_MIB;
	vn_automove *unknown = reckon(sample, plan, NULL);
	assert_false(vn_notes_has(&unknown->notes, "hugepages-short"));
	give_pool(&sample->host->nodes[0], 1024, 0);
	vn_automove *none = reckon(sample, plan, NULL);
	assert_note(none, "hugepages-short",
		"node 1 has 0 free huge pages of 2 MiB, and 1024 are to come there: 2048 MiB stay");
	give_pool(&sample->host->nodes[1], 1000, 1000);
	vn_automove *few = reckon(sample, plan, NULL);
	assert_note(few, "hugepages-short", "48 MiB stay");
	block_also_on(&vm->blocks[0], 1, 50);
	vn_automove *own = reckon(sample, plan, NULL);
	assert_false(vn_notes_has(&own->notes, "hugepages-short"));
}

/* ---- what outlasts it ---- */

static void keeps(enum vn_policy_mode mode, const char *nodes, bool told)
{
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
	vn_autoplan *plan = plan_at(sample->host, vm->guest, (const int[]){1});

	block_policy(&vm->blocks[0], mode, nodes);
	vn_automove *move = reckon(sample, plan, NULL);
	assert_int_equal(vn_notes_has(&move->notes, "policy-keeps-old-node"), told);
}

static void policies_that_stay_are_told(void **state)
{
	(void)state;
	keeps(VN_MODE_BIND, "0", true);
	keeps(VN_MODE_BIND, "0-1", false);
	keeps(VN_MODE_PREFER, "0", true);
	keeps(VN_MODE_PREFER, "1", false);
	keeps(VN_MODE_PREFER, "", false); /* of old kernels: local */
	keeps(VN_MODE_PREFER_MANY, "0", true);
	keeps(VN_MODE_INTERLEAVE, "0-1", true);
	keeps(VN_MODE_WEIGHTED_INTERLEAVE, "0", true);
	keeps(VN_MODE_INTERLEAVE, "1", false);
	keeps(VN_MODE_LOCAL, "", false);
	keeps(VN_MODE_DEFAULT, "", false);
	keeps(VN_MODE_UNKNOWN, "0", false);
}

static void the_kernel_and_devices_are_told_of(void **state)
{
	(void)state;
	vn_autosample *sample = pair(2);
	struct vn_vm_sample *vm = &sample->vms[0];
	vn_autoplan *plan = swapped(sample);

	sample->host->numa_balancing = 1;
	vn_automove *bound = reckon(sample, plan, NULL);
	assert_no_notes_but(bound, "policy-keeps-old-node");
	block_policy(&vm->blocks[1], VN_MODE_DEFAULT, "");
	sample_device(vm, "0000:3b:00.0", 0, 1);
	vn_automove *move = reckon(sample, plan, NULL);
	assert_note(move, "kernel-balancing-may-undo", "numa_balancing=0");
	assert_note(move, "devices-pin-memory", "1 device of the host, from 0000:3b:00.0");
	assert_note(move, "devices-pin-memory", "; its threads leave it behind");
	sample->host->numa_balancing = 2; /* tiering alone */
	vn_automove *tiers = reckon(sample, plan, NULL);
	assert_false(vn_notes_has(&tiers->notes, "kernel-balancing-may-undo"));
}

static void cpusets_are_widened(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(4);
	struct vn_vm_sample *vm = add_healthy_pair(sample, "vm", 100);
	vn_autoplan *plan = plan_at(sample->host, vm->guest, (const int[]){2, 1});
	const struct vn_rehome_wish threads = {.threads = true};

	vm->mems = maker_set("0-2");
	vn_automove *allowed = reckon(sample, plan, NULL);
	assert_null(allowed->mems_during);
	hwloc_bitmap_free(vm->mems);
	vm->mems = maker_set("0-1");
	REFUSED(sample, plan, NULL, "its cpuset allows memory of nodes 0-1 only; it is to have nodes 1-2");
	vn_automove *later = reckon(sample, plan, &threads);
	assert_note(later, "cpuset-unknown", "cannot go to 1-2");
	snprintf(vm->cgroup, sizeof(vm->cgroup), "/machine.slice/vm\xe2\x80\xa6"); /* cut short */
	REFUSED(sample, plan, NULL, "which cgroup");
	snprintf(vm->cgroup, sizeof(vm->cgroup), "/machine.slice/vm.scope");
	vn_automove *move = reckon(sample, plan, NULL);
	assert_set(move->mems_during, "0-2");
	assert_set(move->mems_after, "1-2");
	assert_note(move, "cpuset-widened",
		"allows memory of nodes 0-1 only: it is to allow 0-2 in step, and 1-2");
	assert_false(vn_notes_has(&move->notes, "libvirt-owns-cpuset"));
	sample_block(vm, -1, 16, 0); /* stays, and so does the node it is on */
	block_also_on(&vm->blocks[0], 3, 10); /* from before somebody narrowed it */
	vn_automove *others = reckon(sample, plan, NULL);
	assert_set(others->mems_during, "0-3");
	assert_set(others->mems_after, "0-2");
	vm->blocks[2].has_residency = false; /* may be anywhere */
	vn_automove *unknown = reckon(sample, plan, NULL);
	assert_set(unknown->mems_after, "0-2");
	vm->manager = VN_MANAGER_LIBVIRT;
	snprintf(vm->uuid, sizeof(vm->uuid), "01234567-89ab-cdef-0123-456789abcdef");
	assert_string_equal(unknown->numatune.domain, "");
	vn_automove *domain = reckon(sample, plan, NULL);
	assert_note(domain, "libvirt-owns-cpuset", "is told of these nodes");
	assert_string_equal(domain->numatune.domain, vm->uuid);
}

/* ---- interrupts ---- */

static void interrupts_go_home(void **state)
{
	(void)state;
	vn_autosample *sample = pair(2);
	struct vn_vm_sample *vm = &sample->vms[0];
	vn_autoplan *plan = swapped(sample);
	const struct vn_rehome_wish without = {.threads = true, .memory = true};
	struct vn_device_sample *first = sample_device(vm, "0000:3b:00.0", 0, 0),
				*second = sample_device(vm, "0000:3c:00.0", 0, -1);

	sample_irq(first, 50, "0-3", 1);
	sample_irq(first, 51, "0", 1)->managed = true;
	hwloc_bitmap_t *unread = &sample_irq(first, 52, "0", 1)->cpus;
	hwloc_bitmap_free(*unread);
	*unread = NULL;
	sample_irq(second, 40, "1", 1);
	sample->host->isolated_cpus = maker_set("4,5,12-13");
	vn_automove *none = reckon(sample, plan, &without);
	assert_int_equal(none->n_irqs, 0);
	vn_automove *move = reckon(sample, plan, NULL);
	assert_int_equal(move->n_irqs, 2);
	assert_int_equal(move->irqs[0].number, 40);
	assert_set(move->irqs[0].before, "1");
	assert_set(move->irqs[0].after, "0-3,6-11,14-15");
	assert_int_equal(move->irqs[1].number, 50);
	assert_string_equal(move->irqs[1].name, "vfio-50");
	assert_set(move->irqs[1].before, "0-3");
	assert_set(move->irqs[1].after, "6-7,14-15");
	assert_note(move, "irqs-managed", "1 interrupt of device 0000:3b:00.0");
	assert_note(move, "irqs-left", "1 interrupt of device 0000:3b:00.0");
}

/* ---- as if it were gone ---- */

static void its_own_pages_count_as_free(void **state)
{
	(void)state;
	vn_autosample *sample = pair(2);
	struct vn_vm_sample *vm = &sample->vms[0];
	struct vn_host_node *nodes = sample->host->nodes;
	vn_autohost *host = NULL, *again = NULL;

	nodes[0].memory_free = nodes[1].memory_free = 1024 * VN_MIB;
	block_also_on(&vm->blocks[0], 1, 25);
	vm->blocks[1].page = 2 * VN_MIB;
	give_pool(&nodes[1], 1500, 100);
	assert_int_equal(vn_rehome_host(sample, 0, &host, NULL), 0);
	assert_int_equal(host->nodes[0].memory_free, (1024 + 1536) * VN_MIB);
	assert_int_equal(host->nodes[1].memory_free, (1024 + 512) * VN_MIB);
	assert_int_equal(host->nodes[1].hugepools[0].free, 100 + 1024);
	assert_int_equal(nodes[1].hugepools[0].free, 100); /* the first is what it was */
	assert_int_equal(nodes[0].memory_free, 1024 * VN_MIB);
	/* never more than there could be */
	nodes[0].memory_free = (16384 - 512) * VN_MIB;
	nodes[0].memory_reclaimable = 256 * VN_MIB;
	nodes[1].memory_free = 13000 * VN_MIB; /* of 13384 that are in no pool */
	nodes[1].hugepools[0].free = 1000;
	assert_int_equal(vn_rehome_host(sample, 0, &again, NULL), 0);
	assert_int_equal(again->nodes[0].memory_free, (16384 - 256) * VN_MIB);
	assert_int_equal(again->nodes[1].memory_free, 13384 * VN_MIB);
	assert_int_equal(again->nodes[1].hugepools[0].free, 1500);
}

/* What a host says of itself is the same of its copy, also once the first is gone. */
static void copies_are_whole(void **state)
{
	(void)state;
	uint64_t seed = 7;

	for (unsigned trial = 0; trial < 200; trial++) {
		struct vn_host *host = random_host(&seed, 1, 6);
		struct vn_host_device *device = &host->devices[0];
		vn_autohost *copy = NULL;
		host->source = strdup("live");
		hwloc_bitmap_free(host->allowed_nodes); /* may be without end */
		host->allowed_nodes = maker_set("0-1");
		host->offline_nodes = maker_set("9");
		vn_notes_add(&host->notes, "odd", "but real");
		device->driver = strdup("vfio-pci");
		device->names = (char **)maker_alloc(2, sizeof(char *));
		device->names[0] = strdup("ens1");
		device->n_names = 1;
		device->irqs = (struct vn_host_irq *)maker_alloc(2, sizeof(*device->irqs));
		device->irqs[0] = (struct vn_host_irq){.number = 40, .cpus = maker_set("0-1")};
		device->n_irqs = 1;
		json_t *before = vn_host_to_json(host);
		assert_int_equal(vn_host_copy(host, &copy), 0);
		vn_host_free(host);
		json_t *after = vn_host_to_json(copy);
		assert_true(json_equal(before, after));
		assert_string_equal(copy->devices[0].driver, "vfio-pci");
		json_decref(before);
		json_decref(after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_plans_of_others),
		cmocka_unit_test(threads_follow_those_they_work_for),
		cmocka_unit_test(workers_keep_off_those_who_kick_them),
		cmocka_unit_test(workers_leave_home_rather_than_block_their_vcpu),
		cmocka_unit_test(cpusets_and_offline_cpus_are_heeded),
		cmocka_unit_test(unnamed_vcpus_have_one_home_or_none),
		cmocka_unit_test(threads_without_a_way_back_stay),
		cmocka_unit_test(shares_are_dealt_over_blocks),
		cmocka_unit_test(cuts_leave_huge_pages_whole),
		cmocka_unit_test(what_is_no_vnodes_or_dealt_out_stays),
		cmocka_unit_test(targets_have_to_hold_it),
		cmocka_unit_test(pools_have_to_hold_it),
		cmocka_unit_test(policies_that_stay_are_told),
		cmocka_unit_test(the_kernel_and_devices_are_told_of),
		cmocka_unit_test(cpusets_are_widened),
		cmocka_unit_test(interrupts_go_home),
		cmocka_unit_test(its_own_pages_count_as_free),
		cmocka_unit_test(copies_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
