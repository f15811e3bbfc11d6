/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose I/O threads are and where they belong, on samples made by hand; and that what goes home is at home then. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../src/model/io.h"
#include "../src/model/io_users.h"
#include "../src/rehome/io.h"
#include "rehome_asserts.h"

/* Nodes of 4 cores: 0-3,8-11 and 4-7,12-15 on a host of two. */
static struct vn_audit *audit_of(const struct vn_sample *sample)
{
	struct vn_audit *audit = NULL;

	assert_int_equal(vn_judge(sample, VN_THRESHOLD_DEFAULT, &audit), 0);
	return audit;
}

static struct vn_io *look(const struct vn_sample *sample)
{
	vn_autoaudit *audit = audit_of(sample);
	struct vn_io *io = NULL;

	for (size_t i = 0; i < audit->n_vms; i++) {
		if (audit->vms[i].vm == &sample->vms[0])
			assert_int_equal(vn_io_find(sample, &audit->vms[i], &io), 0);
	}
	assert_non_null(io);
	return io;
}

static struct vn_move *to_be_set(const struct vn_io *io)
{
	const struct vn_io_wish wish = {.threads = true, .irqs = true};
	struct vn_move *move = NULL;
	vn_autoerror err = {0};

	if (vn_io_move(io, &wish, &move, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	return move;
}

static void assert_list(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *list = set ? vn_set_text(set) : NULL;

	assert_string_equal(list ? list : "(none)", expected);
}

/* What `after` a thread has in a move; NULL: it is not in it. */
static hwloc_const_bitmap_t after(const struct vn_move *move, pid_t tid)
{
	for (size_t i = 0; i < move->n_threads; i++) {
		if (move->thread_list[i].tid == tid)
			return move->thread_list[i].after;
	}
	return NULL;
}

static const struct vn_io_queue *queue(const struct vn_io *io, size_t i)
{
	assert_true(io->n_nics > 0 && i < io->nics[0].n_queues);
	return &io->nics[0].queues[i];
}

static void assert_queue(const struct vn_io *io, size_t i, const char *vcpus, int vnode, const char *home,
	enum vn_io_verdict verdict)
{
	const struct vn_io_queue *seen = queue(io, i);

	assert_list(seen->vcpus, vcpus);
	assert_int_equal(seen->place.vnode, vnode);
	assert_list(seen->place.home, home);
	assert_string_equal(vn_io_verdict_name(seen->place.verdict), vn_io_verdict_name(verdict));
}

static unsigned count_notes(const struct vn_notes *notes, const char *code)
{
	unsigned n = 0;

	for (size_t i = 0; i < notes->n; i++)
		n += strcmp(notes->v[i].code, code) == 0;
	return n;
}

/* An interface with `n` queues, each with its worker, of a guest with the vCPUs of `vm`; workers may use `cpus` and are threads 300, 301... */
static struct vn_nic_sample *add_nic(
	struct vn_sample *sample, struct vn_vm_sample *vm, unsigned n, const char *const *cpus)
{
	struct vn_nic_sample *nic = sample_nic(vm, -1, 0, 0, -1);

	free(nic->queues);
	nic->queues = (struct vn_queue_sample *)maker_alloc(n, sizeof(*nic->queues));
	nic->n_queues = n;
	for (unsigned q = 0; q < n; q++) {
		struct vn_queue_sample *to = &nic->queues[q];
		*to = (struct vn_queue_sample){.queue = q, .vnode = -1, .worker = -1};
		vn_queue_vcpus(vm->guest->vcpus, n, q, &to->first_vcpu, &to->n_vcpus);
		if (vm->guest->n_vnodes <= 1)
			to->vnode = 0;
		for (unsigned v = 0; vm->guest->n_vnodes > 1 && v < vm->guest->n_vnodes; v++) {
			bool all = true;
			for (unsigned i = 0; i < to->n_vcpus; i++)
				all &= hwloc_bitmap_isset(vm->guest->vnodes[v].vcpus, to->first_vcpu + i) !=
				       0;
			to->vnode = all ? (int)v : to->vnode;
		}
		if (!cpus[q])
			continue;
		to->worker = (ptrdiff_t)vm->n_threads;
		struct vn_thread_sample *worker =
			sample_thread(sample, vm, VN_THREAD_VHOST, (int)q, cpus[q], 0, 0, 0);
		worker->tid = 300 + (pid_t)q;
		worker->cpu = hwloc_bitmap_first(worker->cpus);
	}
	return nic;
}

/* Two vnodes of two vCPUs each, at home on nodes 0 and 1 of two: CPUs 0, 1 and 4, 5 (tests/judge_asserts.h). */
static struct vn_vm_sample *pair(struct vn_sample **ret_sample, size_t nodes)
{
	*ret_sample = make_plain_sample(nodes);
	return add_healthy_pair(*ret_sample, "vm", 100);
}

static struct vn_thread_sample *add_main(struct vn_sample *sample, struct vn_vm_sample *vm, const char *cpus)
{
	struct vn_thread_sample *thread = sample_thread(sample, vm, VN_THREAD_EMULATOR, 0, cpus, 0, 0, 0);

	thread->tid = vm->process.pid;
	return thread;
}

/* ---- queues ---- */

static void each_worker_belongs_to_the_vcpus_of_its_queue(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {"2-3", "0-15", "6-7", "2"};

	add_nic(sample, vm, 4, cpus);
	add_main(sample, vm, "0-15");
	vn_autoio *io = look(sample);
	assert_queue(io, 0, "0", 0, "0", VN_IO_HOME);
	assert_queue(io, 1, "1", 0, "0", VN_IO_FLOATS);
	assert_queue(io, 2, "2", 1, "1", VN_IO_HOME);
	assert_queue(io, 3, "3", 1, "1", VN_IO_ELSEWHERE);
	assert_list(queue(io, 3)->place.nodes, "0");
	struct vn_io_count counts = vn_io_counts(io);
	assert_int_equal(counts.home, 2);
	assert_int_equal(counts.away, 2);
	assert_int_equal(counts.mended, 2);

	/* only those that are wrong, and not to CPUs that any vCPU is tied to */
	vn_automove *move = to_be_set(io);
	assert_int_equal(move->n_threads, 2);
	assert_int_equal(move->n_homes, 0);
	assert_int_equal(move->n_ranges, 0);
	assert_true(move->threads && !move->memory);
	assert_list(after(move, 301), "2-3,8-11");
	assert_list(after(move, 303), "6-7,12-15");
	carry_out(sample, 0, move, false);
	vn_autoio *again = look(sample);
	assert_int_equal(vn_io_counts(again).home, 4);
	vn_automove *nothing = to_be_set(again);
	assert_int_equal(nothing->n_threads, 0);
}

static void fewer_queues_than_vcpus_share(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {"4-7", "4-7"};

	add_nic(sample, vm, 2, cpus);
	vn_autoio *io = look(sample);
	assert_queue(io, 0, "0-1", 0, "0", VN_IO_ELSEWHERE);
	assert_queue(io, 1, "2-3", 1, "1", VN_IO_HOME);

	/* vCPUs 1 and 2 of a queue are of both vnodes, alike: it belongs to both */
	sample->vms[0].nics[0].queues[0].first_vcpu = 1;
	sample->vms[0].nics[0].queues[0].vnode = -1;
	vn_autoio *both = look(sample);
	assert_queue(both, 0, "1-2", -1, "0-1", VN_IO_HOME);
}

/* Vnode 0 has vCPUs 0 and 2, vnode 1 the others: each of two queues is of both, each of four of one. */
static void interleaved_vcpus(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 3);
	static const char *const two[] = {"0-11", "8"}, *const four[] = {"0", "4-7", "4", "1"};

	for (unsigned i = 0; i < 4; i++) {
		hwloc_bitmap_clr(vm->guest->vnodes[0].vcpus, i);
		hwloc_bitmap_clr(vm->guest->vnodes[1].vcpus, i);
		hwloc_bitmap_set(vm->guest->vnodes[i % 2].vcpus, i);
		hwloc_bitmap_only(vm->threads[i].cpus, i % 2 ? 4 + i / 2 : i / 2);
	}
	add_nic(sample, vm, 2, two);
	vn_autoio *io = look(sample);
	assert_queue(io, 0, "0-1", -1, "0-1", VN_IO_FLOATS);
	assert_queue(io, 1, "2-3", -1, "0-1", VN_IO_ELSEWHERE);
	assert_list(queue(io, 1)->place.nodes, "2");
	vn_automove *move = to_be_set(io);
	assert_list(after(move, 300), "2-3,6-7,12-19");

	vm->n_nics = 0;
	struct vn_nic_sample *old = &vm->nics[0];
	free(old->queues);
	for (size_t i = 4; i < vm->n_threads; i++)
		vn_thread_sample_clear(&vm->threads[i]);
	vm->n_threads = 4;
	add_nic(sample, vm, 4, four);
	vn_autoio *each = look(sample);
	assert_queue(each, 0, "0", 0, "0", VN_IO_ON_VCPU);
	assert_queue(each, 1, "1", 1, "1", VN_IO_HOME);
	assert_queue(each, 2, "2", 0, "0", VN_IO_ELSEWHERE);
	assert_queue(each, 3, "3", 1, "1", VN_IO_ELSEWHERE);
}

static void one_vnode_is_home_to_all(void **state)
{
	(void)state;
	struct maker_vnode vnode[] = {{1024, 4, 0}};
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(1, vnode));
	static const char *const cpus[] = {"0-3", "0-7", "4-7"};

	sample_block(vm, 0, 1024, 0);
	for (unsigned i = 0; i < 4; i++)
		sample_vcpu(sample, vm, (int)i, i, 500);
	add_nic(sample, vm, 3, cpus);
	vn_autoio *io = look(sample);
	assert_queue(io, 0, "0-1", 0, "0", VN_IO_HOME);
	assert_queue(io, 1, "2", 0, "0", VN_IO_FLOATS);
	assert_queue(io, 2, "3", 0, "0", VN_IO_ELSEWHERE);
	vn_automove *move = to_be_set(io);
	assert_list(after(move, 301), "8-11");
	/* another VM's vCPU has one of those alone */
	struct vn_vm_sample *other = sample_vm(sample, "other", 200, NULL);
	sample_vcpu(sample, other, 0, 9, 0);
	vn_autoio *crowded = look(sample);
	vn_automove *beside = to_be_set(crowded);
	assert_list(after(beside, 302), "8,10-11");
}

static void a_worker_that_is_not_known_is_told(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {NULL, NULL};
	struct vn_nic_sample *nic = add_nic(sample, vm, 2, cpus);

	sample_thread(sample, vm, VN_THREAD_VHOST, 0, "0-15", 0, 0, 0)->tid = 300;
	vn_notes_add(&vm->gaps, "workers-unknown", "1 vhost workers for 2 queue pairs");
	vn_autoio *io = look(sample);
	assert_queue(io, 0, "0-1", 0, "0", VN_IO_UNKNOWN);
	assert_string_equal(queue(io, 0)->place.why, "its worker");
	assert_null(queue(io, 0)->worker);
	assert_int_equal(count_notes(&io->notes, "workers-unknown"), 1);
	/* nor is whose it is: it belongs to all */
	assert_int_equal(io->n_threads, 1);
	assert_int_equal(io->threads[0].place.vnode, -1);
	assert_int_equal(io->threads[0].place.verdict, VN_IO_HOME);
	assert_int_equal(vn_io_counts(io).unknown, 2);
	/* without vhost there is none, and nothing that could be wrong */
	nic->vhost = false;
	vn_autoio *none = look(sample);
	assert_int_equal(vn_io_counts(none).unknown, 0);
	assert_string_equal(queue(none, 0)->place.why, "QEMU's main thread serves it");
}

static void homes_that_are_not_known_are_told(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {"0-15", "0-15"};

	add_nic(sample, vm, 2, cpus);
	for (size_t i = 0; i < 2; i++) { /* vCPUs anywhere, no page looked at */
		hwloc_bitmap_set_range(vm->threads[i].cpus, 0, 15);
		vm->threads[i].run_ns = 0;
		vm->threads[i].n_times = 0;
		vm->threads[i].cpu = -1;
	}
	vm->blocks[0].has_residency = false;
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	vn_autoio *io = look(sample);
	assert_queue(io, 0, "0-1", 0, "", VN_IO_UNKNOWN);
	assert_string_equal(queue(io, 0)->place.why, "home of vnode 0");
	assert_queue(io, 1, "2-3", 1, "1", VN_IO_FLOATS);
	vn_automove *move = to_be_set(io);
	assert_int_equal(move->n_threads, 1);
	/* and CPUs that could not be read */
	hwloc_bitmap_free(vm->threads[5].cpus);
	vm->threads[5].cpus = NULL;
	vn_autoio *blind = look(sample);
	assert_queue(blind, 1, "2-3", 1, "1", VN_IO_UNKNOWN);
	assert_string_equal(queue(blind, 1)->place.why, "its CPUs");
}

/* Memory that is dealt out over nodes on purpose has no home, and what works for it is nowhere wrong. */
static void who_spans_nodes_has_no_home(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {"4-7", "4-7"};

	add_nic(sample, vm, 2, cpus);
	block_policy(&vm->blocks[0], VN_MODE_INTERLEAVE, "0-1");
	vn_autoio *io = look(sample);
	assert_queue(io, 0, "0-1", 0, "", VN_IO_UNKNOWN);
	assert_string_equal(queue(io, 0)->place.why, "vnode 0 spans nodes");
	assert_int_equal(vn_io_counts(io).away, 0);
}

/* ---- CPUs ---- */

static void a_worker_leaves_its_vcpus_cpu(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {"0", "1", "4", "4"};

	add_nic(sample, vm, 4, cpus);
	vn_autoio *io = look(sample);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(queue(io, i)->place.verdict, VN_IO_ON_VCPU);
	assert_int_equal(queue(io, 3)->place.verdict, VN_IO_HOME); /* vCPU 2 does not wake it */
	vn_automove *move = to_be_set(io);
	assert_list(after(move, 300), "2-3,8-11");
	assert_list(after(move, 302), "6-7,12-15");
	/* where the VM may use no others than its vCPUs', that of another one */
	vm->cpus = maker_set("0-1,4-5");
	vn_autoio *tight = look(sample);
	vn_automove *shared = to_be_set(tight);
	assert_list(after(shared, 300), "1");
	assert_list(after(shared, 301), "0");
	assert_list(after(shared, 302), "5");
	assert_int_equal(count_notes(&shared->notes, "workers-on-vcpus"), 3);
	carry_out(sample, 0, shared, false);
	vn_autoio *done = look(sample);
	assert_int_equal(vn_io_counts(done).away, 0);
	/* with nowhere to go it stays, and that is no promise of ours */
	hwloc_bitmap_only(vm->threads[4].cpus, 0);
	hwloc_bitmap_only(vm->cpus, 0);
	hwloc_bitmap_set(vm->cpus, 4);
	vn_autoio *stuck = look(sample);
	assert_int_equal(queue(stuck, 0)->place.verdict, VN_IO_ON_VCPU);
}

static void cpus_left_to_the_emulator_come_first(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {"4", "0"};
	struct vn_thread_sample *main_thread;

	add_nic(sample, vm, 2, cpus);
	main_thread = add_main(sample, vm, "1-2,10");
	vn_autoio *io = look(sample);
	vn_automove *move = to_be_set(io);
	assert_list(after(move, 300), "2,10"); /* vCPU 1 has CPU 1 */
	assert_list(after(move, 301), "6-7,12-15"); /* the emulator has none there */
	hwloc_bitmap_set_range(main_thread->cpus, 0, 15);
	sample->host->isolated_cpus = maker_set("2-3,8");
	vn_autoio *isolated = look(sample);
	vn_automove *spared = to_be_set(isolated);
	assert_list(after(spared, 300), "9-11");
}

static void a_cpuset_that_forbids_home_keeps_them_away(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {"0-3", "0-3"};

	add_nic(sample, vm, 2, cpus);
	vm->cpus = maker_set("0-3");
	vn_autoio *io = look(sample);
	assert_int_equal(queue(io, 1)->place.verdict, VN_IO_ELSEWHERE);
	assert_int_equal(count_notes(&io->notes, "no-cpu-at-home"), 1);
	assert_int_equal(vn_io_counts(io).mended, 0);
	vn_automove *move = to_be_set(io);
	assert_int_equal(move->n_threads, 0);
	hwloc_bitmap_set(vm->cpus, 7);
	vn_autoio *wider = look(sample);
	vn_automove *one = to_be_set(wider);
	assert_list(after(one, 301), "7");
}

/* ---- iothreads, interrupts ---- */

static void iothreads_belong_to_their_disks(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	struct vn_guest *guest = vm->guest;

	snprintf(sample_thread(sample, vm, VN_THREAD_IOTHREAD, 0, "4-7", 4, 0, 0)->name, VN_SAMPLE_TEXT,
		"io0");
	snprintf(sample_thread(sample, vm, VN_THREAD_IOTHREAD, 1, "4-7", 4, 0, 0)->name, VN_SAMPLE_TEXT,
		"IO an-iothread-");
	snprintf(sample_thread(sample, vm, VN_THREAD_IOTHREAD, 2, "4-7", 4, 0, 0)->name, VN_SAMPLE_TEXT,
		"IO x");
	guest->disks = (struct vn_disk *)maker_alloc(3, sizeof(*guest->disks));
	guest->n_disks = 3;
	guest->disks[0] = (struct vn_disk){.path = strdup("/a"), .vnode = 0, .iothread = "io0"};
	guest->disks[1] = (struct vn_disk){.path = strdup("/b"), .vnode = 0, .iothread = "io0"};
	guest->disks[2] =
		(struct vn_disk){.path = strdup("/\033c"), .vnode = 1, .iothread = "an-iothread-of-some"};
	vn_autoio *io = look(sample);
	assert_int_equal(io->n_threads, 3);
	assert_int_equal(io->threads[0].place.vnode, 0);
	assert_int_equal(io->threads[0].place.verdict, VN_IO_ELSEWHERE);
	assert_string_equal(io->threads[0].disks, "/a /b");
	assert_int_equal(io->threads[1].place.vnode, 1);
	assert_int_equal(io->threads[1].place.verdict, VN_IO_HOME);
	assert_string_equal(io->threads[1].disks, "/\\x1bc");
	assert_int_equal(io->threads[2].place.vnode, -1); /* no disk names it: it is of all */
	assert_list(io->threads[2].place.home, "0-1");
	assert_null(io->threads[2].disks);
	/* disks of several vnodes, or of one that is not told */
	guest->disks[1].vnode = 1;
	vn_autoio *both = look(sample);
	assert_int_equal(both->threads[0].place.vnode, -1);
	guest->disks[1].vnode = -1;
	vn_autoio *any = look(sample);
	assert_int_equal(any->threads[0].place.vnode, -1);
	/* our own record knows better */
	vm->record = vn_vm_new();
	vm->record->n_threads = 1;
	vm->record->threads = (struct vn_vm_thread *)maker_alloc(1, sizeof(*vm->record->threads));
	vm->record->threads[0] =
		(struct vn_vm_thread){VN_THREAD_IOTHREAD, 1, io->threads[0].thread->tid, maker_set("0")};
	vn_autoio *ours = look(sample);
	assert_int_equal(ours->threads[0].place.vnode, 1);
}

static void interrupts_follow_but_those_of_the_kernel(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	struct vn_device_sample *device = sample_device(vm, "0000:3b:00.0", 1, 1);

	sample_irq(device, 40, "0", 10);
	sample_irq(device, 41, "5", 10);
	sample_irq(device, 42, "1", 10)->managed = true;
	struct vn_irq_sample *wide = sample_irq(device, 43, "0-15", 10);
	hwloc_bitmap_only(wide->effective, 6);
	vn_autoio *io = look(sample);
	static const enum vn_io_verdict verdicts[] = {
		VN_IO_ELSEWHERE, VN_IO_HOME, VN_IO_ELSEWHERE, VN_IO_HOME};
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(io->devices[0].irqs[i].place.verdict, verdicts[i]);
	assert_int_equal(vn_io_counts(io).irqs, 1);
	vn_automove *move = to_be_set(io);
	assert_int_equal(move->n_irqs, 1);
	assert_int_equal(move->irqs[0].number, 40);
	assert_list(move->irqs[0].after, "4-7,12-15");
	device->posted = true;
	vn_autoio *posted = look(sample);
	assert_int_equal(posted->devices[0].irqs[0].place.verdict, VN_IO_UNKNOWN);
}

/* ---- by hand ---- */

static void put_by_hand(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {"0-3", "0-3", "6", NULL};
	struct vn_io_hand hands[] = {{"tap0", 0, maker_set("1")}, {"tap0", 2, maker_set("0-1")}};
	const struct vn_io_wish wish = {.n_hands = 2, .hands = hands};
	struct vn_move *refused = NULL;
	vn_automove *move = NULL;
	vn_autoerror err = {0};

	add_nic(sample, vm, 4, cpus);
	vn_autoio *io = look(sample);
	assert_int_equal(vn_io_move(io, &wish, &move, &err), 0);
	assert_int_equal(move->n_threads, 2);
	assert_list(after(move, 300), "6-7,12-15");
	assert_list(after(move, 302), "2-3,6-15");

	struct vn_io_hand wrong[] = {
		{"tap1", 0, maker_set("0")}, {"tap0", 4, maker_set("7")}, {"tap0", 3, maker_set("0")}};
	const struct vn_io_wish wrongs = {.n_hands = 3, .hands = wrong};
	assert_int_equal(vn_io_move(io, &wrongs, &refused, &err), -EINVAL);
	assert_null(refused);
	assert_int_equal(err.n, 4);
	assert_non_null(
		strstr(err.problems[0].text, "interface 'tap1' seen; expected one of the VM's: tap0"));
	assert_non_null(strstr(err.problems[1].text, "queue 4 of tap0 seen; expected one of its 4, from 0"));
	assert_non_null(strstr(err.problems[2].text, "node 7 seen, which this host has not"));
	assert_non_null(strstr(err.problems[3].text, "which thread is its worker is not known"));
	vn_error_clear(&err);
	vm->cpus = maker_set("0-3");
	vn_autoio *caged = look(sample);
	assert_int_equal(vn_io_move(caged, &wish, &refused, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_non_null(
		strstr(err.problems[0].text, "tap0:0 is to be on node 1, of which the VM may use no CPU"));
	for (size_t i = 0; i < 2; i++)
		hwloc_bitmap_free(hands[i].nodes);
	for (size_t i = 0; i < 3; i++)
		hwloc_bitmap_free(wrong[i].nodes);
}

/* ---- forms ---- */

static char *text_of(const struct vn_io *io)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	vn_io_print(io, "vm", out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void as_text_and_json(void **state)
{
	(void)state;
	vn_autosample *sample = NULL;
	struct vn_vm_sample *vm = pair(&sample, 2);
	static const char *const cpus[] = {"2-3", "0-15", "2", NULL};

	add_nic(sample, vm, 4, cpus);
	snprintf(vm->nics[0].physical, VN_SAMPLE_TEXT, "eth0");
	vm->nics[0].node = 1;
	vn_autoio *io = look(sample);
	vn_autofree char *text = text_of(io);
	assert_string_equal(text,
		"vm (process 100)\n\n"
		"network interface tap0: vhost, on eth0 of node 1\n"
		"  queue  vCPUs  vnode  home  worker  CPUs  nodes  ran on  verdict\n"
		"  0      0      0      0     300     2-3   0      2       home\n"
		"  1      1      0      0     301     0-15  0-1    0       floats (nodes 0-1)\n"
		"  2      2      1      1     302     2     0      2       elsewhere (node 0)\n"
		"  3      3      1      1     -       -     -      -       unknown: its worker\n\n"
		"1 of 4 at home, 1 not known.\n"
		"'vnuma io vm --set' brings 2 threads home.\n");
	json_auto_t *json = vn_io_to_json(io);
	const json_t *nic = json_array_get(json_object_get(json, "nics"), 0);
	const json_t *second = json_array_get(json_object_get(nic, "queues"), 1),
		     *last = json_array_get(json_object_get(nic, "queues"), 3);
	assert_string_equal(json_string_value(json_object_get(json, "schema")), "vnuma.io/1");
	assert_int_equal(json_integer_value(json_object_get(nic, "node")), 1);
	assert_true(json_is_null(json_object_get(nic, "vnode")));
	assert_int_equal(json_integer_value(json_object_get(second, "home")), 0);
	assert_string_equal(json_string_value(json_object_get(second, "verdict")), "floats");
	assert_int_equal(json_array_size(json_object_get(json_object_get(second, "worker"), "cpus")), 16);
	assert_true(json_is_null(json_object_get(last, "worker")));
	assert_int_equal(json_array_size(json_object_get(json, "iothreads")), 0);
	/* nothing at all */
	vm->n_nics = 0;
	for (size_t i = 4; i < vm->n_threads; i++)
		vn_thread_sample_clear(&vm->threads[i]);
	vm->n_threads = 4;
	vn_autoio *none = look(sample);
	vn_autofree char *empty = text_of(none);
	assert_non_null(strstr(empty, "No vhost workers, iothreads or interrupts"));
	free(vm->nics[0].queues);
	vm->nics[0].queues = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_worker_belongs_to_the_vcpus_of_its_queue),
		cmocka_unit_test(fewer_queues_than_vcpus_share),
		cmocka_unit_test(interleaved_vcpus),
		cmocka_unit_test(one_vnode_is_home_to_all),
		cmocka_unit_test(a_worker_that_is_not_known_is_told),
		cmocka_unit_test(homes_that_are_not_known_are_told),
		cmocka_unit_test(who_spans_nodes_has_no_home),
		cmocka_unit_test(a_worker_leaves_its_vcpus_cpu),
		cmocka_unit_test(cpus_left_to_the_emulator_come_first),
		cmocka_unit_test(a_cpuset_that_forbids_home_keeps_them_away),
		cmocka_unit_test(iothreads_belong_to_their_disks),
		cmocka_unit_test(interrupts_follow_but_those_of_the_kernel),
		cmocka_unit_test(put_by_hand),
		cmocka_unit_test(as_text_and_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
