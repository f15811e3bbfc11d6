/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Promise against fact: the readers of the kernel's texts, sampling, the interval, and each mismatch alone. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "../src/base/text.h"
#include "../src/observe/page_sample.h"
#include "../src/observe/verify.h"

static void assert_policy(const char *line, enum vn_policy_mode mode, const char *text, const char *nodes)
{
	vn_autopolicy policy = {0};
	uint64_t address = 0;
	assert_int_equal(vn_numa_maps_line(line, &address, &policy), 0);
	assert_true(address == 0x7f7daa400000);
	assert_int_equal(policy.mode, mode);
	assert_string_equal(policy.text, text);
	vn_autofree char *list = vn_set_text(policy.nodes);
	assert_string_equal(list, nodes);
}

#define AT "7f7daa400000 "

static void test_policies_of_numa_maps(void **state)
{
	(void)state;
	assert_policy(AT "default anon=512 N0=512\n", VN_MODE_DEFAULT, "default", "");
	assert_policy(AT "default\n", VN_MODE_DEFAULT, "default", "");
	assert_policy(AT "prefer:1 anon=2\n", VN_MODE_PREFER, "prefer:1", "1");
	assert_policy(
		AT "bind:0-1,3 file=/memfd:x\\040(deleted) N0=1\n", VN_MODE_BIND, "bind:0-1,3", "0-1,3");
	assert_policy(AT "interleave:0-1\n", VN_MODE_INTERLEAVE, "interleave:0-1", "0-1");
	assert_policy(AT "local\n", VN_MODE_LOCAL, "local", "");
	assert_policy(AT "prefer (many):1,2 N0=1\n", VN_MODE_PREFER_MANY, "prefer (many):1,2", "1-2");
	assert_policy(AT "weighted interleave:0-3\n", VN_MODE_WEIGHTED_INTERLEAVE, "weighted interleave:0-3",
		"0-3");
	assert_policy(AT "bind=static:2\n", VN_MODE_BIND, "bind=static:2", "2");
	assert_policy(AT "bind=static|balancing:2\n", VN_MODE_BIND, "bind=static|balancing:2", "2");
	assert_policy(AT "novel:2\n", VN_MODE_UNKNOWN, "novel:2", "2");
}

static void test_no_lines_of_numa_maps(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "\n", "xyz default\n", "7f7daa400000", "7f7daa400000 \n",
		"7f7daa400000 bind:1-\n", "7f7daa400000 bind:a\n", "fffffffffffffffff default\n",
		"-1 default\n"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct vn_mem_policy policy = {0};
		uint64_t address;
		assert_int_equal(vn_numa_maps_line(wrong[i], &address, &policy), -EINVAL);
		assert_null(policy.nodes);
	}
}

static void test_status(void **state)
{
	(void)state;
	struct vn_thread_seen thread = {0};
	assert_int_equal(
		vn_status_parse("Name:\tCPU 0/KVM\nState:\tS\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,8\n",
			&thread),
		0);
	assert_string_equal(thread.comm, "CPU 0/KVM");
	vn_autofree char *list = vn_set_text(thread.cpus);
	assert_string_equal(list, "0-3,8");
	hwloc_bitmap_free(thread.cpus);
	assert_int_equal(vn_status_parse("Name:\tx\n", &thread), -EINVAL);
	assert_int_equal(vn_status_parse("Cpus_allowed_list:\t0\n", &thread), -EINVAL);
	assert_int_equal(vn_status_parse("Name:\tx\nCpus_allowed_list:\tall\n", &thread), -EINVAL);
}

static bool near_to(double a, double b)
{
	return fabs(a - b) < 0.000001;
}

/* Figures from the formula, worked out by another program. */
static void test_interval(void **state)
{
	(void)state;
	struct vn_share_interval of = vn_share_interval(128, 4096, false);
	assert_true(near_to(of.share, 0.03125) && near_to(of.low, 0.0246736) && near_to(of.high, 0.0389402));
	of = vn_share_interval(0, 4096, false);
	assert_true(of.low == 0 && near_to(of.high, 0.0012927));
	of = vn_share_interval(1, 4096, false);
	assert_true(of.low > 0);
	of = vn_share_interval(4096, 4096, false);
	assert_true(of.high == 1 && of.low > 0.998);
	of = vn_share_interval(1, 4, true);
	assert_true(of.low == 0.25 && of.high == 0.25);
	of = vn_share_interval(0, 0, false);
	assert_true(of.low == 0 && of.high == 1);
}

static void test_sampling_ourselves(void **state)
{
	(void)state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 8192;
	char *memory = mmap(NULL, n * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	madvise(memory, n * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < n / 4; i++)
		memory[i * page] = 1;
	struct vn_residency some = {0}, again = {0}, all = {0};
	vn_autoerror err = {0};
	uint64_t address = (uint64_t)(uintptr_t)memory;
	assert_int_equal(vn_residency_sample(getpid(), address, n * page, 2000, 7, &some, &err), 0);
	assert_int_equal(vn_residency_sample(getpid(), address, n * page, 2000, 7, &again, &err), 0);
	assert_int_equal(vn_residency_sample(getpid(), address, n * page, 0, 7, &all, &err), 0);
	assert_false(some.exact);
	assert_int_equal(some.asked, 2000);
	assert_int_equal(some.absent, again.absent); /* the seed alone decides */
	assert_true(
		some.absent > 1400 && some.absent < 1600); /* 1500 expected, 5 standard deviations are 97 */
	assert_true(all.exact);
	assert_int_equal(all.asked, n);
	assert_int_equal(all.absent, n - n / 4);
	uint64_t present = 0;
	for (size_t i = 0; i < all.n_nodes; i++)
		present += all.nodes[i].pages;
	assert_int_equal(present, n / 4);
	vn_residency_clear(&some);
	vn_residency_clear(&again);
	vn_residency_clear(&all);
	munmap(memory, n * page);
	assert_int_equal(vn_residency_sample(0x3ffffff0, address, page, 0, 1, &all, &err), -ESRCH);
}

static void test_our_own_policy_and_threads(void **state)
{
	(void)state;
	static char place[1];
	struct vn_mem_policy_list policies = {0};
	vn_autothreads threads = {0};
	vn_autoerror err = {0};
	if (access("/proc/self/numa_maps", R_OK) == 0) {
		assert_int_equal(vn_policies_read(getpid(), (uint64_t)(uintptr_t)place & ~UINT64_C(4095),
					 4096, &policies, &err),
			0);
		assert_int_equal(policies.n, 1);
		assert_string_equal(policies.v[0].text, "default");
		vn_mem_policy_list_clear(&policies);
	}
	assert_int_equal(vn_threads_read(getpid(), &threads, &err), 0);
	assert_true(threads.n >= 1);
	assert_int_equal(threads.v[0].tid, getpid());
	assert_string_equal(threads.v[0].comm, "test_verify");
	assert_true(hwloc_bitmap_weight(threads.v[0].cpus) > 0);
}

/* A VM of two vnodes on nodes 1 and 0, two vCPUs, an iothread, a vhost worker, and facts that match it. */
struct fixture {
	struct vn_vm *vm;
	struct vn_vm_seen seen;
};

static hwloc_bitmap_t set_of(const char *text)
{
	hwloc_bitmap_t set = NULL;
	assert_int_equal(vn_set_parse(text, &set), 0);
	return set;
}

static void see_thread(struct fixture *f, pid_t tid, const char *comm, const char *cpus)
{
	struct vn_threads_seen *threads = &f->seen.threads;
	threads->v = reallocarray(threads->v, threads->n + 1, sizeof(*threads->v));
	struct vn_thread_seen *thread = &threads->v[threads->n++];
	*thread = (struct vn_thread_seen){.tid = tid, .cpus = set_of(cpus)};
	strcpy(thread->comm, comm);
}

static void see_memory(struct fixture *f, size_t i, const char *policy, unsigned node, uint64_t pages)
{
	struct vn_backend_seen *seen = &f->seen.backends[i];
	char line[128];
	uint64_t address;
	if (policy) {
		snprintf(line, sizeof(line), "7f0000000000 %s N0=1\n", policy);
		seen->policies.v =
			reallocarray(seen->policies.v, seen->policies.n + 1, sizeof(*seen->policies.v));
		assert_int_equal(vn_numa_maps_line(line, &address, &seen->policies.v[seen->policies.n++]), 0);
	}
	struct vn_residency *residency = &seen->residency;
	residency->nodes = reallocarray(residency->nodes, residency->n_nodes + 1, sizeof(*residency->nodes));
	residency->nodes[residency->n_nodes++] = (struct vn_node_count){node, pages};
	residency->asked += pages;
}

static int set_up(void **state)
{
	static const struct {
		enum vn_thread_kind kind;
		unsigned index;
		pid_t tid;
		const char *cpus, *comm;
	} threads[] = {
		{VN_THREAD_VCPU, 0, 101, "2-3", "CPU 0/KVM"},
		{VN_THREAD_VCPU, 1, 102, "0-1", "CPU 1/KVM"},
		{VN_THREAD_IOTHREAD, 1, 103, "0-1", "IO io1"},
		{VN_THREAD_VHOST, 0, 104, "2-3", "vhost-100"},
		{VN_THREAD_EMULATOR, 0, 100, "0-3", "qemu-system-x86"},
	};
	struct fixture *f = calloc(1, sizeof(*f));
	f->vm = vn_vm_new();
	f->vm->process.pid = 100;
	f->vm->n_backends = f->seen.n_backends = 2;
	f->vm->backends = calloc(2, sizeof(*f->vm->backends));
	f->seen.backends = calloc(2, sizeof(*f->seen.backends));
	for (unsigned i = 0; i < 2; i++) {
		f->vm->backends[i] = (struct vn_vm_backend){.vnode = i,
			.memory = UINT64_C(1) << 31,
			.binding = VN_BINDING_PREFERRED,
			.policy_nodes = set_of(i ? "0" : "1"),
			.nodes = set_of(i ? "0" : "1"),
			.address = 0x7f0000000000};
		see_memory(f, i, i ? "prefer:0" : "prefer:1", i ? 0 : 1, 4000);
	}
	f->vm->n_threads = sizeof(threads) / sizeof(threads[0]);
	f->vm->threads = calloc(f->vm->n_threads, sizeof(*f->vm->threads));
	for (size_t i = 0; i < f->vm->n_threads; i++) {
		f->vm->threads[i] = (struct vn_vm_thread){
			threads[i].kind, threads[i].index, threads[i].tid, set_of(threads[i].cpus)};
		see_thread(f, threads[i].tid, threads[i].comm, threads[i].cpus);
	}
	see_thread(f, 105, "worker", "0-3");
	see_thread(f, 106, "worker", "1");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	vn_vm_free(f->vm);
	vn_vm_seen_clear(&f->seen);
	free(f);
	return 0;
}

/* Exactly these mismatches: code, text, …, NULL. */
static void assert_mismatches(struct fixture *f, ...)
{
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};
	va_list args;
	size_t n = 0;
	assert_int_equal(vn_vm_compare(f->vm, &f->seen, &notes), 0);
	va_start(args, f);
	for (const char *code; (code = va_arg(args, const char *)); n++) {
		assert_true(n < notes.n);
		assert_string_equal(notes.v[n].code, code);
		assert_string_equal(notes.v[n].text, va_arg(args, const char *));
	}
	va_end(args);
	assert_int_equal(notes.n, n);
}

static void test_match(void **state)
{
	assert_mismatches(*state, NULL);
}

static void test_pages_elsewhere(void **state)
{
	struct fixture *f = *state;
	see_memory(f, 0, NULL, 3, 128);
	f->seen.backends[0].residency.asked += 96;
	f->seen.backends[0].residency.absent = 96;
	assert_mismatches(f, "pages-elsewhere",
		"vnode 0: 3.1% of its present pages (about 62.1 MiB, 99% interval 49.0 MiB .. 77.3 MiB) are on node 3; "
		"planned: node 1",
		NULL);
}

static void test_one_page_is_a_fact(void **state)
{
	struct fixture *f = *state;
	see_memory(f, 1, NULL, 1, 1);
	f->seen.backends[1].residency.exact = true;
	f->vm->backends[1].memory = 4001 * 4096;
	assert_mismatches(f, "pages-elsewhere",
		"vnode 1: 0.025% of its present pages (4 KiB) are on node 1; planned: node 0", NULL);
}

static void test_spill_is_planned(void **state)
{
	struct fixture *f = *state;
	see_memory(f, 1, NULL, 1, 100);
	hwloc_bitmap_set(f->vm->backends[1].nodes, 1);
	assert_mismatches(f, NULL);
}

static void test_policies(void **state)
{
	struct fixture *f = *state;
	see_memory(f, 0, "default", 1, 1);
	assert_mismatches(f, "policy-differs",
		"vnode 0: some of its memory has policy default; planned: prefer:1", NULL);
	f->vm->backends[1].binding = VN_BINDING_STRICT;
	assert_mismatches(f, "policy-differs",
		"vnode 0: some of its memory has policy default; planned: prefer:1", "policy-differs",
		"vnode 1: its memory has policy prefer:0; planned: bind:0", NULL);
}

static void test_policy_of_newer_qemus(void **state)
{
	struct fixture *f = *state;
	see_memory(f, 0, "prefer (many):1", 1, 1);
	assert_mismatches(f, NULL);
	see_memory(f, 0, "prefer (many):0-1", 1, 1);
	assert_mismatches(f, "policy-differs",
		"vnode 0: some of its memory has policy prefer (many):0-1; planned: prefer:1", NULL);
}

static void test_affinities(void **state)
{
	struct fixture *f = *state;
	hwloc_bitmap_set_range(f->seen.threads.v[0].cpus, 0, 7);
	hwloc_bitmap_only(f->seen.threads.v[3].cpus, 2); /* fewer than promised differs too */
	assert_mismatches(f, "affinity-differs", "vCPU 0 (tid 101): may run on CPUs 0-7; planned: 2-3",
		"affinity-differs", "vhost worker 0 (tid 104): may run on CPUs 2; planned: 2-3", NULL);
}

static void test_thread_gone(void **state)
{
	struct fixture *f = *state;
	f->seen.threads.v[2].tid = 999;
	assert_mismatches(f, "thread-gone", "iothread 1 (tid 103): is gone; planned: on CPUs 0-1", NULL);
}

static void test_stray_worker(void **state)
{
	struct fixture *f = *state;
	hwloc_bitmap_set(f->seen.threads.v[6].cpus, 4);
	assert_mismatches(f, "stray-thread",
		"thread 'worker' (tid 106): may run on CPUs 1,4; planned for all but the placed ones: 0-3",
		NULL);
}

static void test_unknown_address(void **state)
{
	struct fixture *f = *state;
	f->vm->backends[1].address = 0;
	assert_mismatches(f, "address-unknown",
		"vnode 1: where its memory is mapped is not on record, so it was not looked at", NULL);
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies_of_numa_maps),
		cmocka_unit_test(test_no_lines_of_numa_maps),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_sampling_ourselves),
		cmocka_unit_test(test_our_own_policy_and_threads),
		WITH(test_match),
		WITH(test_pages_elsewhere),
		WITH(test_one_page_is_a_fact),
		WITH(test_spill_is_planned),
		WITH(test_policies),
		WITH(test_policy_of_newer_qemus),
		WITH(test_affinities),
		WITH(test_thread_gone),
		WITH(test_stray_worker),
		WITH(test_unknown_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
