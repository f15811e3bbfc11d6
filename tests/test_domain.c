/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the live XML of a domain promises, and what is there of it: a process that looks like libvirt's QEMU is this program itself, run
 * anew under a name of QEMU's. With libvirt it is tried in the lab (tests/lab/libvirt.t).
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/base/text.h"
#include "../src/observe/domain.h"

#define UUID "<uuid>9f4b6512-e73a-4a25-93e8-5307802821ce</uuid>"

static struct vn_vm *read_good(const char *body)
{
	vn_autofree char *xml = vn_format("<domain type='kvm' id='3'>" UUID "%s</domain>", body),
			 *uuid = NULL;
	struct vn_vm *vm = NULL;
	vn_autoerror err = {0};

	int r = vn_domain_promises(xml, "d", &vm, &uuid, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%s\n", err.problems[i].text);
	assert_int_equal(r, 0);
	assert_string_equal(uuid, "9f4b6512-e73a-4a25-93e8-5307802821ce");
	return vm;
}

static void assert_set(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *text = vn_set_text(set);

	assert_string_equal(text, expected);
}

static void test_cells(void **unused)
{
	(void)unused;
	vn_autovm *vm = read_good(
		"<memory unit='KiB'>3145728</memory><cpu><numa>"
		"<cell id='0' cpus='0' memory='1048576' unit='KiB'/><cell id='1' cpus='1' memory='1048577' unit='KiB'/>"
		"<cell id='2' cpus='2' memory='1048576' unit='KiB'/></numa></cpu><numatune>"
		"<memory mode='interleave' nodeset='0-1,4'/><memnode cellid='1' mode='strict' nodeset='2'/>"
		"<memnode cellid='2' mode='restrictive' nodeset='1'/></numatune>");
	assert_int_equal(vm->n_backends, 2); /* of the third cell the kernel tells nothing */
	assert_int_equal(vm->backends[0].binding, VN_BINDING_INTERLEAVE);
	assert_set(vm->backends[0].nodes, "0-1,4");
	assert_int_equal(vm->backends[1].vnode, 1);
	assert_int_equal(vm->backends[1].binding, VN_BINDING_STRICT);
	assert_int_equal(vm->backends[1].memory, 1025 * VN_MIB); /* QEMU gets whole MiB */
	assert_set(vm->backends[1].policy_nodes, "2");
	assert_int_equal(vm->n_threads, 0);
	assert_int_equal(vm->phase, VN_VM_STARTED);
}

static void test_pins(void **unused)
{
	(void)unused;
	vn_autovm *vm =
		read_good("<memory unit='KiB'>1048576</memory><cputune><vcpupin vcpu='0' cpuset='0-1'/>"
			  "<vcpupin vcpu='3' cpuset='4'/><iothreadpin iothread='1' cpuset='5'/>"
			  "<emulatorpin cpuset='0-3'/></cputune>");
	assert_int_equal(vm->n_backends, 0);
	assert_int_equal(vm->n_threads, 4);
	assert_int_equal(vm->threads[1].kind, VN_THREAD_VCPU);
	assert_int_equal(vm->threads[1].index, 3);
	assert_set(vm->threads[1].cpus, "4");
	assert_int_equal(vm->threads[2].kind, VN_THREAD_IOTHREAD);
	assert_int_equal(vm->threads[2].index, 1);
	assert_int_equal(vm->threads[3].kind, VN_THREAD_EMULATOR);
	assert_set(vm->threads[3].cpus, "0-3");
}

static void test_all_memory(void **unused)
{
	(void)unused;
	vn_autovm *vm =
		read_good("<memory unit='KiB'>2048</memory><numatune><memory nodeset='1'/></numatune>");
	assert_int_equal(vm->n_backends, 1);
	assert_int_equal(vm->backends[0].memory, 2 * VN_MIB);
	assert_int_equal(vm->backends[0].binding, VN_BINDING_STRICT);
}

static void assert_refused(const char *xml, const char *expected)
{
	struct vn_vm *vm = NULL;
	char *uuid = NULL;
	vn_autoerror err = {0};

	assert_int_equal(vn_domain_promises(xml, "d", &vm, &uuid, &err), -EINVAL);
	assert_null(vm);
	assert_null(uuid);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].text, expected);
}

static void test_refused(void **unused)
{
	(void)unused;
	assert_refused("<domain>" UUID "<memory>1024</memory></domain>",
		"domain 'd' says nothing of where its memory and threads belong; 'vnuma plan' with '--to libvirt' gives it a "
		"plan");
	assert_refused("<domain><memory>1024</memory></domain>",
		"what libvirt tells of 'd' is no domain with a uuid");
	assert_refused("<network>" UUID "</network>", "what libvirt tells of 'd' is no domain with a uuid");
	assert_refused("<domain>" UUID "<memory unit='GiB'>1</memory></domain>",
		"expected an amount in KiB, as libvirt tells of a running domain");
	assert_refused("<domain>" UUID
		       "<memory>1</memory><cputune><vcpupin vcpu='a' cpuset='1'/></cputune></domain>",
		"expected a number, as libvirt tells of a running domain");
	assert_refused("<domain>" UUID "<memory>1</memory><cputune><emulatorpin/></cputune></domain>",
		"expected a list such as 0-3,8, as libvirt tells of a running domain");
	assert_refused("<domain>" UUID "</domain>",
		"expected an element memory, as libvirt tells of a running domain");
}

/* ---- what is there ---- */

#define BACKEND (24 * VN_MIB)

/* What the process that plays QEMU tells of itself. */
struct told {
	uint64_t lower, upper; /* where two pieces of BACKEND bytes are */
	pid_t vcpu, iothread;
	bool bound; /* the upper one has a policy, of node 0 */
};

struct named {
	const char *name;
	pid_t *tid;
	pthread_barrier_t *barrier;
};

static void *play_thread(void *argument)
{
	struct named *named = argument;
	pthread_barrier_t *barrier = named->barrier;

	prctl(PR_SET_NAME, named->name);
	*named->tid = gettid();
	pthread_barrier_wait(barrier);
	for (;;)
		pause();
	return NULL;
}

/* Memory between pages that cannot be read, as QEMU maps it. */
static uint64_t play_memory(void)
{
	char *place = mmap(NULL, BACKEND + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (place == MAP_FAILED || mprotect(place + 4096, BACKEND, PROT_READ | PROT_WRITE) < 0)
		_exit(1);
	return (uint64_t)(uintptr_t)place + 4096;
}

static int play_qemu(void)
{
	struct told told = {.lower = play_memory(), .upper = play_memory()};
	pthread_barrier_t barrier;
	pthread_t thread;
	struct named threads[] = {
		{"CPU 3/KVM", &told.vcpu, &barrier}, {"IO iothread1", &told.iothread, &barrier}};
	unsigned long node = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (told.lower > told.upper) {
		uint64_t upper = told.lower;
		told.lower = told.upper;
		told.upper = upper;
	}
	told.bound = access("/proc/self/numa_maps", R_OK) == 0 &&
		     syscall(SYS_mbind, told.upper, BACKEND, MPOL_BIND, &node, 8, 0) == 0;
	pthread_barrier_init(&barrier, NULL, 3);
	for (size_t i = 0; i < 2; i++)
		pthread_create(&thread, NULL, play_thread, &threads[i]);
	pthread_barrier_wait(&barrier);
	if (write(STDOUT_FILENO, &told, sizeof(told)) != sizeof(told))
		return 1;
	for (;;)
		pause();
}

static void copy_program(const char *to)
{
	vn_autoclose int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	vn_autoclose int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	assert_int_equal(n, 0);
}

/* This program under a name of QEMU's; *ret_pid runs until it is killed. */
static struct told start_qemu(const char *folder, pid_t *ret_pid)
{
	vn_autofree char *program = vn_format("%s/kvm", folder);
	struct told told;
	int ends[2];

	copy_program(program);
	assert_int_equal(pipe(ends), 0);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(program, program, "-uuid", "9f4b6512-e73a-4a25-93e8-530780282abc", "-m", "48", NULL);
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
	close(ends[0]);
	return told;
}

static void test_found(void **unused)
{
	(void)unused;
	char folder[] = "/tmp/vnuma-domain-XXXXXX";
	vn_autoerror err = {0};
	pid_t pid;
	assert_non_null(mkdtemp(folder));
	vn_autovm *vm =
		read_good("<cpu><numa><cell id='0' cpus='0' memory='24576' unit='KiB'/>"
			  "<cell id='1' cpus='1' memory='24576' unit='KiB'/>"
			  "<cell id='2' cpus='2' memory='36864' unit='KiB'/></numa></cpu>"
			  "<numatune><memory mode='strict' nodeset='1'/>"
			  "<memnode cellid='1' mode='strict' nodeset='0'/></numatune>"
			  "<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='3' cpuset='2'/>"
			  "<iothreadpin iothread='1' cpuset='0'/><iothreadpin iothread='2' cpuset='0'/>"
			  "<emulatorpin cpuset='0'/></cputune>");

	struct told told = start_qemu(folder, &pid);
	int found = vn_domain_find(vm, "9f4b6512-e73a-4a25-93e8-530780282abc", &err);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	vn_autofree char *program = vn_format("%s/kvm", folder);
	unlink(program);
	rmdir(folder);

	assert_int_equal(found, 0);
	assert_int_equal(vm->process.pid, pid);
	assert_string_equal(vm->process.exe, program);
	assert_true(vm->process.start_time > 0);
	if (told.bound) {
		assert_int_equal(vm->backends[0].address, told.lower);
		assert_int_equal(vm->backends[1].address, told.upper);
	} else {
		assert_int_equal(vm->backends[0].address + vm->backends[1].address, told.lower + told.upper);
	}
	assert_int_equal(vm->backends[2].address, 0); /* none of its mappings is as large */
	assert_int_equal(vm->n_threads, 4); /* vCPU 0 has no thread */
	assert_int_equal(vm->threads[0].index, 3);
	assert_int_equal(vm->threads[0].tid, told.vcpu);
	assert_int_equal(vm->threads[1].tid, told.iothread);
	assert_int_equal(vm->threads[2].tid, 0);
	assert_int_equal(vm->threads[3].tid, pid);
}

static void test_not_found(void **unused)
{
	(void)unused;
	vn_autoerror err = {0};
	vn_autovm *vm =
		read_good("<memory unit='KiB'>2048</memory><numatune><memory nodeset='1'/></numatune>");

	assert_int_equal(vn_domain_find(vm, "9f4b6512-e73a-4a25-93e8-530780282abc", &err), -ESRCH);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].text,
		"'d': no process here was started with -uuid 9f4b6512-e73a-4a25-93e8-530780282abc, or it may not be looked at");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "-uuid") == 0)
		return play_qemu();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_all_memory),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_not_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
