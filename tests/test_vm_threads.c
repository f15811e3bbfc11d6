/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads of VMs: of a /proc written here, and of real QEMUs, whose monitor says what is true. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "fake_root.h"
#include "host_maker.h"
#include "live_qemu.h"
#include "../src/base/clock.h"
#include "../src/observe/kvm_vcpus.h"
#include "../src/observe/monitor_facts.h"
#include "../src/observe/thread_kind.h"
#include "../src/observe/thread_times.h"
#include "../src/observe/vm_threads.h"

/* ---- parsers ---- */

static void test_names(void **state)
{
	static const struct {
		const char *comm;
		enum vn_thread_kind kind;
		int index;
	} names[] = {{"CPU 0/KVM", VN_THREAD_VCPU, 0}, {"CPU 127/TCG", VN_THREAD_VCPU, 127},
		{"ALL CPUs/TCG", VN_THREAD_VCPU, -1}, {"CPU x/KVM", VN_THREAD_OTHER, -1},
		{"CPU 0/XYZ", VN_THREAD_OTHER, -1}, {"IO iothread0", VN_THREAD_IOTHREAD, -1},
		{"IO mon_iothread", VN_THREAD_OTHER, -1}, {"vhost-1234", VN_THREAD_VHOST, -1},
		{"vhost-", VN_THREAD_OTHER, -1}, {"vhost-12a", VN_THREAD_OTHER, -1},
		{"live_migration", VN_THREAD_MIGRATION, -1}, {"mig/src/main", VN_THREAD_MIGRATION, -1},
		{"multifdsend_3", VN_THREAD_MIGRATION, -1}, {"worker", VN_THREAD_OTHER, -1},
		{"SPICE Worker", VN_THREAD_OTHER, -1}, {"vnc_worker", VN_THREAD_OTHER, -1},
		{"call_rcu", VN_THREAD_OTHER, -1}, {"qemu-system-x86", VN_THREAD_OTHER, -1},
		{"", VN_THREAD_OTHER, -1}};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int index = 77;
		assert_int_equal(vn_thread_kind_of(names[i].comm, &index), names[i].kind);
		assert_int_equal(index, names[i].index);
	}
}

#define STAT_OF(state, start, cpu)                                                                           \
	"77 (a ) b) " state " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 " start                           \
	" 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 " cpu " 40 41 42\n"

static void test_times(void **state)
{
	uint64_t start = 0, run = 0, wait = 0;
	int cpu = -2;

	(void)state;
	assert_int_equal(vn_thread_stat_parse(STAT_OF("S", "4711", "5"), &start, &cpu), 0);
	assert_int_equal(start, 4711);
	assert_int_equal(cpu, 5);
	assert_int_equal(vn_thread_stat_parse(STAT_OF("Z", "4711", "5"), &start, &cpu), -ESRCH);
	assert_int_equal(vn_thread_stat_parse("77 (x) S 1 2", &start, &cpu), -EINVAL);
	assert_int_equal(vn_thread_stat_parse("", &start, &cpu), -EINVAL);
	assert_int_equal(vn_schedstat_parse("123 45 6\n", &run, &wait), 0);
	assert_int_equal(run, 123);
	assert_int_equal(wait, 45);
	assert_int_equal(vn_schedstat_parse("123\n", &run, &wait), -EINVAL);
	assert_int_equal(vn_schedstat_parse("-1 2 3\n", &run, &wait), -EINVAL);
}

/* ---- a /proc written here ---- */

static void put_thread(const struct fake_root *fake, const char *folder, int tid, const char *comm,
	const char *cpus, uint64_t start, uint64_t run, int cpu)
{
	char path[96], text[512];

	snprintf(path, sizeof(path), "%s/status", folder);
	snprintf(text, sizeof(text), "Name:\t%s\nNSpid:\t%d\t%d\nCpus_allowed_list:\t%s\n", comm, tid,
		tid - 100, cpus);
	fake_put(fake, path, text);
	snprintf(path, sizeof(path), "%s/stat", folder);
	snprintf(text, sizeof(text),
		"%d (%s) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %llu 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 %d 40\n",
		tid, comm, (unsigned long long)start, cpu);
	fake_put(fake, path, text);
	snprintf(path, sizeof(path), "%s/schedstat", folder);
	snprintf(text, sizeof(text), "%llu %llu 9\n", (unsigned long long)run, (unsigned long long)run / 2);
	fake_put(fake, path, text);
}

/* A thread of process 100. */
static void put_task(const struct fake_root *fake, int tid, const char *comm, const char *cpus,
	uint64_t start, uint64_t run, int cpu)
{
	char folder[64];

	snprintf(folder, sizeof(folder), "proc/100/task/%d", tid);
	put_thread(fake, folder, tid, comm, cpus, start, run, cpu);
}

static struct vn_guest *guest_of(const char *line)
{
	struct vn_guest *guest = NULL;

	assert_int_equal(vn_guest_from_qemu(line, strlen(line), "line", &guest, NULL), 0);
	return guest;
}

static void find(const struct fake_root *fake, const struct vn_monitor_facts *facts, struct vn_vm_sample *vm)
{
	struct vn_survey survey = live_survey(&fake->root);

	vm->process.pid = 100;
	assert_int_equal(vn_vm_threads_find(&survey, facts, vm), 0);
}

static void assert_thread(const struct vn_vm_sample *vm, size_t i, enum vn_thread_kind kind, int index,
	pid_t tid, enum vn_told_by by)
{
	assert_true(i < vm->n_threads);
	assert_int_equal(vm->threads[i].kind, kind);
	assert_int_equal(vm->threads[i].index, index);
	assert_int_equal(vm->threads[i].tid, tid);
	assert_int_equal(vm->threads[i].by, by);
}

static void test_named_threads(void **state)
{
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {
		.accel = "kvm", .guest = guest_of("kvm -smp 2")};

	(void)state;
	fake_make(&fake);
	put_task(&fake, 100, "qemu-system-x86", "0-7", 10, 5, 1);
	put_task(&fake, 110, "CPU 1/KVM", "4", 12, 5, 4);
	put_task(&fake, 109, "CPU 0/KVM", "2-3", 12, 5, 2);
	put_task(&fake, 105, "IO b", "0-7", 11, 5, 1);
	put_task(&fake, 104, "IO a", "0-7", 11, 5, 1);
	put_task(&fake, 120, "worker", "0-7", 50, 5, 1);
	put_task(&fake, 121, "live_migration", "0-7", 60, 5, 1);
	put_task(&fake, 119, "vhost-100", "0-7", 15, 5, 6);
	fake_put(&fake, "proc/100/task/130/status", "nonsense");
	/* of the kernel's: one of this VM's, one of another's, and a process that only has such a name */
	fake_put(&fake, "proc/90/comm", "vhost-100\n");
	fake_put(&fake, "proc/90/cmdline", "");
	put_thread(&fake, "proc/90", 90, "vhost-100", "0-7", 14, 5, 6);
	fake_put(&fake, "proc/91/comm", "vhost-200\n");
	fake_put(&fake, "proc/91/cmdline", "");
	fake_put(&fake, "proc/92/comm", "vhost-100\n");
	fake_put(&fake, "proc/92/cmdline", "sh");
	put_thread(&fake, "proc/92", 92, "vhost-100", "0-7", 14, 5, 6);
	find(&fake, NULL, &vm);
	assert_int_equal(vm.n_threads, 9);
	assert_thread(&vm, 0, VN_THREAD_VCPU, 0, 109, VN_TOLD_BY_NAME);
	assert_thread(&vm, 1, VN_THREAD_VCPU, 1, 110, VN_TOLD_BY_NAME);
	assert_thread(&vm, 2, VN_THREAD_IOTHREAD, 0, 104, VN_TOLD_BY_NAME);
	assert_thread(&vm, 3, VN_THREAD_IOTHREAD, 1, 105, VN_TOLD_BY_NAME);
	assert_thread(&vm, 4, VN_THREAD_VHOST, 0, 90, VN_TOLD_BY_KERNEL);
	assert_thread(&vm, 5, VN_THREAD_VHOST, 1, 119, VN_TOLD_BY_KERNEL);
	assert_thread(&vm, 6, VN_THREAD_EMULATOR, 0, 100, VN_TOLD_BY_KERNEL);
	assert_thread(&vm, 7, VN_THREAD_MIGRATION, -1, 121, VN_TOLD_BY_NAME);
	assert_thread(&vm, 8, VN_THREAD_OTHER, -1, 120, VN_TOLD_BY_NOTHING);
	assert_true(vm.threads[4].of_kernel && !vm.threads[5].of_kernel);
	assert_true(hwloc_bitmap_isset(vm.threads[0].cpus, 3) && !hwloc_bitmap_isset(vm.threads[0].cpus, 4));
	assert_int_equal(vm.threads[1].cpu, 4);
	assert_int_equal(vm.gaps.n, 0);
}

static void put_kvm(const struct fake_root *fake, int tid, const char *syscall)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/100/task/%d/syscall", tid);
	fake_put(fake, path, syscall);
}

/* Three cores: APIC ids 0, 1, 2 are threads 101 to 103; then with a gap, as of 3 cores in 2 sockets. */
static void test_kvm_run(void **state)
{
	(void)state;
	for (unsigned gap = 0; gap < 2; gap++) {
		vn_cleanup(fake_clear) struct fake_root fake;
		vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {
			.accel = "kvm", .guest = guest_of("kvm -smp 3")};
		char run[64], other[64];
		fake_make(&fake);
		put_task(&fake, 100, "qemu-system-x86", "0-7", 10, 5, 1);
		put_task(&fake, 101, "qemu-system-x86", "0-7", 11, 5, 1);
		put_task(&fake, 102, "qemu-system-x86", "0-7", 11, 5, 1);
		put_task(&fake, 103, "qemu-system-x86", "0-7", 11, 5, 1);
		put_task(&fake, 104, "qemu-system-x86", "0-7", 11, 5, 1);
		fake_link(&fake, "proc/100/fd/12", "anon_inode:kvm-vm");
		fake_link(&fake, "proc/100/fd/20", "anon_inode:kvm-vcpu:0");
		fake_link(&fake, "proc/100/fd/19", gap ? "anon_inode:kvm-vcpu:4" : "anon_inode:kvm-vcpu:1");
		fake_link(&fake, "proc/100/fd/22", gap ? "anon_inode:kvm-vcpu:5" : "anon_inode:kvm-vcpu:2");
		snprintf(run, sizeof(run), "%d 0x13 0x%lx 0x0 0x0 0x0 0x0 0x7f 0x7f\n", SYS_ioctl,
			(unsigned long)KVM_RUN);
		put_kvm(&fake, 101, run);
		put_kvm(&fake, 102, "running\n");
		snprintf(other, sizeof(other), "%d 0x14 0x1234 0x0 0x0 0x0 0x0 0x7f 0x7f\n", SYS_ioctl);
		put_kvm(&fake, 104, other);
		fake_put(&fake,
			gap ? "sys/kernel/debug/kvm/100-12/vcpu5/pid"
			    : "sys/kernel/debug/kvm/100-12/vcpu2/pid",
			"103\n");
		find(&fake, NULL, &vm);
		assert_thread(&vm, 0, VN_THREAD_VCPU, 1, 101, VN_TOLD_BY_KERNEL);
		assert_thread(&vm, 1, VN_THREAD_VCPU, 2, 103, VN_TOLD_BY_KERNEL);
		assert_int_equal(vm.threads[3].kind, VN_THREAD_OTHER);

		/* the third waits by now */
		vn_autohost *host = make_host(1, (struct maker_node[]){{8, 64}}, 1, 20);
		struct vn_survey survey = live_survey(&fake.root);
		struct vn_looks *looks = NULL;
		assert_int_equal(vn_looks_begin(&survey, host, &vm, 1, &looks), 0);
		snprintf(run, sizeof(run), "%d 0x14 0x%lx 0x0\n", SYS_ioctl, (unsigned long)KVM_RUN);
		put_kvm(&fake, 102, run);
		assert_int_equal(vn_looks_take(looks), 0);
		const struct vn_thread_sample *late = vn_sample_thread(&vm, VN_THREAD_VCPU, 0);
		assert_non_null(late);
		assert_int_equal(late->tid, 102);
		vn_looks_free(looks);
	}
}

/* All were busy in the guest at first: what could not be told then is taken back when it can be; not of a VM that stays busy. */
static void test_late_vcpus(void **state)
{
	static const char *const accels[] = {"kvm", ""};
	vn_autohost *host = make_host(1, (struct maker_node[]){{8, 64}}, 1, 20);
	char run[64];

	(void)state;
	snprintf(run, sizeof(run), "%d 0x13 0x%lx 0x0\n", SYS_ioctl, (unsigned long)KVM_RUN);
	for (unsigned i = 0; i < 4; i++) {
		vn_cleanup(fake_clear) struct fake_root fake;
		vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {.guest = guest_of("kvm -smp 2")};
		struct vn_looks *looks = NULL;
		bool waits = i / 2;
		strcpy(vm.accel, accels[i % 2]);
		fake_make(&fake);
		put_task(&fake, 100, "qemu-system-x86", "0-7", 10, 5, 1);
		put_task(&fake, 101, "qemu-system-x86", "0-7", 11, 5, 1);
		put_task(&fake, 102, "qemu-system-x86", "0-7", 11, 5, 1);
		fake_link(&fake, "proc/100/fd/19", "anon_inode:kvm-vcpu:0");
		fake_link(&fake, "proc/100/fd/20", "anon_inode:kvm-vcpu:1");
		put_kvm(&fake, 101, "running\n");
		put_kvm(&fake, 102, "running\n");
		find(&fake, NULL, &vm);
		assert_true(vn_notes_has(&vm.gaps, VN_GAP_VCPUS));
		assert_int_equal(vn_notes_add(&vm.gaps, "other", "stays"), 0);
		struct vn_survey survey = live_survey(&fake.root);
		assert_int_equal(vn_looks_begin(&survey, host, &vm, 1, &looks), 0);
		if (waits)
			put_kvm(&fake, 101, run);
		assert_int_equal(vn_looks_take(looks), 0);
		assert_int_equal(vn_notes_has(&vm.gaps, VN_GAP_VCPUS), !waits);
		assert_int_equal(vn_sample_thread(&vm, VN_THREAD_VCPU, 0) != NULL, waits);
		assert_true(vn_notes_has(&vm.gaps, "other"));
		vn_looks_free(looks);
	}
}

/* More vCPUs than at start, and ids with gaps: they are vCPUs, but which is not known. */
static void test_kvm_ids_that_prove_nothing(void **state)
{
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_autokvm vcpus = {.vm_fd = -1};

	(void)state;
	fake_make(&fake);
	fake_link(&fake, "proc/100/fd/20", "anon_inode:kvm-vcpu:0");
	fake_link(&fake, "proc/100/fd/21", "anon_inode:kvm-vcpu:4");
	fake_link(&fake, "proc/100/fd/22", "anon_inode:kvm-vcpu:99999999999");
	assert_int_equal(vn_kvm_vcpus_read(&fake.root, 100, 1, &vcpus), 0);
	assert_int_equal(vcpus.n, 2);
	assert_int_equal(vcpus.v[1].index, -1);
	vn_kvm_vcpus_clear(&vcpus);
	assert_int_equal(vn_kvm_vcpus_read(&fake.root, 100, 2, &vcpus), 0);
	assert_int_equal(vcpus.v[1].index, 1);
	vn_kvm_vcpus_clear(&vcpus);
	assert_int_equal(vn_kvm_vcpus_read(&fake.root, 101, 2, &vcpus), -ESRCH);
}

#define MS UINT64_C(1000000)

static void test_guess(void **state)
{
	static const struct {
		uint64_t main, run[5];
		int first; /* 0: none */
	} cases[] = {{100 * MS, {1 * MS, 2 * MS, 900 * MS, 700 * MS, 5 * MS}, 103},
		{100 * MS, {900 * MS, 2 * MS, 900 * MS, 700 * MS, 5 * MS},
			103}, /* the oldest is none, whatever it does */
		{100 * MS, {1 * MS, 400 * MS, 900 * MS, 700 * MS, 5 * MS}, 0},
		{100 * MS, {1 * MS, 2 * MS, 900 * MS, 3 * MS, 5 * MS}, 0}, /* the other is idle */
		{1000 * MS, {5 * MS, 1 * MS, 900 * MS, 700 * MS, 1 * MS},
			0}, /* the start of QEMU took longer */
		{1 * MS, {1 * MS, 1 * MS, 2 * MS, 2 * MS, 1 * MS}, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_cleanup(fake_clear) struct fake_root fake;
		vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {
			.accel = "tcg", .guest = guest_of("kvm -smp 2")};
		fake_make(&fake);
		put_task(&fake, 100, "qemu-system-x86", "0-7", 10, cases[i].main, 1);
		for (int k = 0; k < 5; k++)
			put_task(&fake, 101 + k, "qemu-system-x86", "0-7", 11, cases[i].run[k], 1);
		find(&fake, NULL, &vm);
		assert_int_equal(vn_notes_has(&vm.gaps, "vcpus-unknown"), cases[i].first == 0);
		if (cases[i].first == 0) {
			assert_int_equal(vm.threads[0].kind, VN_THREAD_EMULATOR);
			continue;
		}
		assert_thread(&vm, 0, VN_THREAD_VCPU, -1, cases[i].first, VN_TOLD_BY_BEHAVIOUR);
		assert_thread(&vm, 1, VN_THREAD_VCPU, -1, cases[i].first + 1, VN_TOLD_BY_BEHAVIOUR);
	}
}

/* Record and monitor; the monitor's numbers are those of another pid namespace. */
static void test_record_and_facts(void **state)
{
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {.accel = "kvm", .other_pids = true};
	struct vn_monitor_thread known[] = {{VN_THREAD_VCPU, 1, "", 2}, {VN_THREAD_IOTHREAD, -1, "disk", 3}};
	struct vn_monitor_facts facts = {.n_threads = 2, .threads = known};

	(void)state;
	fake_make(&fake);
	for (int tid = 100; tid < 105; tid++)
		put_task(&fake, tid, "qemu-system-x86", "0-7", 10, 5, 1);
	vm.record = vn_vm_new();
	vm.record->threads = calloc(2, sizeof(*vm.record->threads));
	vm.record->n_threads = 2;
	vm.record->threads[0] = (struct vn_vm_thread){.kind = VN_THREAD_VCPU, .index = 0, .tid = 101};
	vm.record->threads[1] = (struct vn_vm_thread){
		.kind = VN_THREAD_VHOST, .index = 0, .tid = 104}; /* its id is another's now */
	find(&fake, &facts, &vm);
	assert_thread(&vm, 0, VN_THREAD_VCPU, 0, 101, VN_TOLD_BY_RECORD);
	assert_thread(&vm, 1, VN_THREAD_VCPU, 1, 102, VN_TOLD_BY_QMP);
	assert_thread(&vm, 2, VN_THREAD_IOTHREAD, 0, 103, VN_TOLD_BY_QMP);
	assert_string_equal(vm.threads[2].name, "disk");
	assert_thread(&vm, 3, VN_THREAD_EMULATOR, 0, 100, VN_TOLD_BY_KERNEL);
}

static void test_gone(void **state)
{
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {.process.pid = 100};

	(void)state;
	fake_make(&fake);
	struct vn_survey survey = live_survey(&fake.root);
	assert_int_equal(vn_vm_threads_find(&survey, NULL, &vm), -ESRCH);
	fake_put(&fake, "proc/100/task/x", "");
	assert_int_equal(vn_vm_threads_find(&survey, NULL, &vm), -ESRCH);
}

/* CPUs 0-3 are node 0's, 4-7 node 1's. */
static void test_looks(void **state)
{
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {
		.accel = "kvm", .guest = guest_of("kvm -smp 2")};
	vn_autohost *host = make_host(2, (struct maker_node[]){{4, 64}, {4, 64}}, 1, 20);
	struct vn_looks *looks = NULL;

	(void)state;
	fake_make(&fake);
	put_task(&fake, 100, "qemu-system-x86", "0-7", 10, 500, 1);
	put_task(&fake, 101, "CPU 0/KVM", "0-7", 11, 1000, 1);
	put_task(&fake, 102, "CPU 1/KVM", "0-7", 11, 1000, 1);
	find(&fake, NULL, &vm);
	struct vn_survey survey = live_survey(&fake.root);
	assert_int_equal(vn_looks_begin(&survey, host, &vm, 1, &looks), 0);
	assert_false(vm.threads[0].has_times);
	put_task(&fake, 101, "CPU 0/KVM", "0-7", 11, 1600, 2);
	put_task(&fake, 102, "CPU 1/KVM", "0-7", 99, 5000, 6); /* another thread by now */
	assert_int_equal(vn_looks_take(looks), 0);
	put_task(&fake, 101, "CPU 0/KVM", "0-7", 11, 2000, 5);
	assert_int_equal(vn_looks_take(looks), 0);
	put_task(
		&fake, 101, "CPU 0/KVM", "0-7", 11, 2000, 7); /* it did not run: where it is does not count */
	assert_int_equal(vn_looks_take(looks), 0);
	vn_looks_free(looks);
	const struct vn_thread_sample *vcpu = &vm.threads[0], *other = &vm.threads[1], *idle = &vm.threads[2];
	assert_true(vcpu->has_times && idle->has_times && !other->has_times);
	assert_int_equal(vcpu->run_ns, 1000);
	assert_int_equal(vcpu->wait_ns, 500);
	assert_int_equal(vcpu->n_times, 2);
	assert_int_equal(vcpu->times[0].node, 0);
	assert_int_equal(vcpu->times[0].ns, 600);
	assert_int_equal(vcpu->times[1].node, 1);
	assert_int_equal(vcpu->times[1].ns, 400);
	assert_int_equal(vcpu->migrations, 1);
	assert_int_equal(vcpu->cpu, 5);
	assert_int_equal(hwloc_bitmap_weight(vcpu->ran_on), 2);
	assert_int_equal(idle->run_ns, 0);
	assert_int_equal(idle->n_times, 0);
	assert_int_equal(idle->cpu, 1);
	assert_int_equal(hwloc_bitmap_weight(idle->ran_on), 0);
}

/* ---- live ---- */

static void *spin(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		;
	return NULL;
}

/* Of this process: a thread that spins, and one (this) that waits for its first look to find that it ran. */
static void test_ourselves(void **state)
{
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {.process.pid = getpid()};
	vn_autohost *host = make_host(1, (struct maker_node[]){{64, 64}}, 1, 20);
	vn_autoroot root = {.fd = -1};
	struct vn_looks *looks = NULL;
	pthread_t thread;
	int stop = 0, tries = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, spin, &stop), 0);
	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = live_survey(&root);
	assert_int_equal(vn_vm_threads_find(&survey, NULL, &vm), 0);
	assert_true(vm.n_threads >= 2);
	assert_int_equal(vm.threads[0].kind, VN_THREAD_EMULATOR);
	assert_int_equal(vn_looks_begin(&survey, host, &vm, 1, &looks), 0);
	do
		assert_int_equal(vn_looks_take(looks), 0);
	while (vm.threads[1].run_ns == 0 && tries++ < 100000);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(vm.threads[1].run_ns > 0);
	assert_int_equal(vm.threads[1].n_times, 1);
	assert_int_equal(vm.threads[1].times[0].ns, vm.threads[1].run_ns);
	assert_true(hwloc_bitmap_isset(vm.threads[1].ran_on, (unsigned)vm.threads[1].cpu));
	assert_int_equal(vn_looks_take(looks), 0); /* one of the two is gone now */
	vn_looks_free(looks);
}

/* A KVM that opens, but cannot run a guest, stops it. */
static bool is_running(struct live_qemu *q)
{
	json_auto_t *status = NULL;

	assert_int_equal(vn_qmp_execute(q->qmp, "query-status", NULL, &status, NULL), 0);
	return json_is_true(json_object_get(status, "running"));
}

/* All threads whose kind is known are what the monitor says, and with `all` every vCPU is known. */
static void check_live(const char *words, bool all, enum vn_told_by by)
{
	vn_cleanup(live_stop) struct live_qemu q;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {0};
	vn_autohost *host = make_host(1, (struct maker_node[]){{64, 64}}, 1, 20);
	vn_autoroot root = {.fd = -1};
	json_auto_t *cpus = NULL;
	struct vn_looks *looks = NULL;
	json_t *cpu;
	size_t i;
	unsigned known = 0;

	if (!live_start(&q, words))
		skip();
	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = live_survey(&root);
	live_sample(&q, &vm);
	assert_int_equal(vn_qmp_execute(q.qmp, "query-cpus-fast", NULL, &cpus, NULL), 0);
	assert_int_equal(vn_vm_threads_find(&survey, NULL, &vm), 0);
	assert_int_equal(vn_looks_begin(&survey, host, &vm, 1, &looks), 0);
	/* vCPUs of KVM are known once they wait for the first time */
	for (int64_t end = vn_now_ms() + 20000; all && vn_now_ms() < end;) {
		unsigned n = 0;
		for (size_t k = 0; k < vm.n_threads; k++)
			n += vm.threads[k].kind == VN_THREAD_VCPU;
		if (n + 1 >= json_array_size(cpus) || !is_running(&q))
			break;
		usleep(10000);
		assert_int_equal(vn_looks_take(looks), 0);
	}
	vn_looks_free(looks);
	json_array_foreach (cpus, i, cpu) {
		const struct vn_thread_sample *thread = vn_sample_thread(&vm, VN_THREAD_VCPU, (int)i);
		if (!thread)
			continue;
		known++;
		assert_int_equal(thread->tid, json_integer_value(json_object_get(cpu, "thread-id")));
		assert_int_equal(thread->by, by);
	}
	if (by == VN_TOLD_BY_KERNEL) /* the first may be busy for ever; others wait to be started */
		assert_in_range(known, is_running(&q) ? json_array_size(cpus) - 1 : 0, json_array_size(cpus));
	else
		assert_int_equal(known, all ? json_array_size(cpus) : 0);
	assert_non_null(vn_sample_thread(&vm, VN_THREAD_EMULATOR, 0));
}

static void test_live_named(void **state)
{
	(void)state;
	check_live("-S -accel tcg -smp 2 -name x,debug-threads=on -object iothread,id=io7", true,
		VN_TOLD_BY_NAME);
}

static void test_live_unnamed(void **state)
{
	(void)state;
	check_live("-S -accel tcg -smp 2", false, VN_TOLD_BY_NOTHING);
}

/* Sockets of 3 cores: APIC ids 0 1 2 4 5 6. */
static void test_live_kvm(void **state)
{
	(void)state;
	if (access("/dev/kvm", R_OK | W_OK) != 0)
		skip();
	check_live("-accel kvm -m 64 -smp 6,sockets=2,cores=3", true, VN_TOLD_BY_KERNEL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_named_threads),
		cmocka_unit_test(test_kvm_run),
		cmocka_unit_test(test_late_vcpus),
		cmocka_unit_test(test_kvm_ids_that_prove_nothing),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_record_and_facts),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_ourselves),
		cmocka_unit_test(test_live_named),
		cmocka_unit_test(test_live_unnamed),
		cmocka_unit_test(test_live_kvm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
