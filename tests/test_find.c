/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which processes are VMs and who they are, as a /proc written here shows them: managers, namespaces, hostile names, what is none. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../src/base/parse.h"
#include "../src/guest/guest_qemu.h"
#include "../src/observe/find.h"
#include "fake_root.h"

#define UUID "0a1b2c3d-0000-4000-8000-00000000beef"

/* A process: its program, and its words with '|' between them. */
static void put_process(const struct fake_root *fake, int pid, const char *exe, const char *words)
{
	char path[64], stat[256], *line = strdup(words);
	size_t size = strlen(words);

	for (char *p = line; *p; p++)
		*p = *p == '|' ? '\0' : *p;
	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	fake_put_bytes(fake, path, line, size + 1);
	free(line);
	snprintf(path, sizeof(path), "proc/%d/exe", pid);
	fake_link(fake, path, exe);
	snprintf(path, sizeof(path), "proc/%d/stat", pid);
	snprintf(stat, sizeof(stat),
		"%d (odd) name) S 1 1 1 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 1 0 %d 1 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 17 1 0\n",
		pid, pid * 100);
	fake_put(fake, path, stat);
	snprintf(path, sizeof(path), "proc/%d/status", pid);
	fake_put(fake, path,
		"Name:\tx\nUid:\t107\t107\t107\t107\nMems_allowed:\tf\nMems_allowed_list:\t0-1,3\n");
}

struct found {
	struct fake_root fake;
	struct vn_vm_sample *vms;
	size_t n;
	struct vn_notes gaps;
	struct vn_error err;
};

static int find(struct found *f, const char *const *names, size_t n_names)
{
	struct vn_survey survey = {
		.root = &f->fake.root, .read_guest = vn_guest_from_qemu, .names = names, .n_names = n_names};

	return vn_vms_find(&survey, &f->vms, &f->n, &f->gaps, &f->err);
}

static void clear(struct found *f)
{
	for (size_t i = 0; i < f->n; i++)
		vn_vm_sample_clear(&f->vms[i]);
	free(f->vms);
	vn_notes_clear(&f->gaps);
	vn_error_clear(&f->err);
	fake_clear(&f->fake);
}

static void test_who_is_a_vm(void **state)
{
	struct found f = {0};

	(void)state;
	fake_make(&f.fake);
	put_process(&f.fake, 1, "/sbin/init", "/sbin/init");
	put_process(&f.fake, 9, "/usr/bin/qemu-system-x86_64", "qemu-system-x86_64|-name|plain|-m|64");
	put_process(&f.fake, 10, "/usr/libexec/qemu-kvm (deleted)", "/usr/libexec/qemu-kvm|-m|64");
	put_process(&f.fake, 11, "/nix/store/x/bin/.qemu-system-x86_64-wrapped",
		"qemu-system-x86_64|-m|64|-enable-kvm");
	put_process(&f.fake, 12, "/bin/bash", "/bin/bash|/root/qemu-system-x86_64|-m|64");
	put_process(&f.fake, 13, "/usr/bin/qemu-img", "qemu-img|create|x|1G");
	put_process(&f.fake, 14, "/usr/bin/qemu-system-x86_64",
		"qemu-system-x86_64|-machine|none,accel=kvm:tcg|-S");
	put_process(&f.fake, 15, "/usr/bin/qemu-x86_64", "qemu-x86_64|/bin/true");
	put_process(&f.fake, 100, "/usr/bin/kvm", "kvm|-m|64|-accel|kvm|-accel|tcg");
	fake_put(
		&f.fake, "proc/16/comm", "qemu-system-x86\n"); /* a process that has ended but for its name */
	fake_put(&f.fake, "proc/meminfo", "");
	assert_int_equal(find(&f, NULL, 0), 0);
	assert_int_equal(f.n, 4);
	assert_int_equal(f.vms[0].process.pid, 9);
	assert_string_equal(f.vms[0].name, "plain");
	assert_true(f.vms[0].name_is_plain);
	assert_string_equal(f.vms[0].accel, "tcg");
	assert_int_equal(f.vms[0].process.start_time, 900);
	assert_int_equal(f.vms[0].uid, 107);
	assert_int_equal(hwloc_bitmap_weight(f.vms[0].mems), 3);
	assert_int_equal(f.vms[0].guest->memory, 64 * VN_MIB);
	assert_int_equal(f.vms[0].gaps.n, 0);
	assert_string_equal(f.vms[1].name, "qemu-10");
	assert_string_equal(f.vms[1].process.exe, "/usr/libexec/qemu-kvm");
	assert_string_equal(f.vms[1].accel, "kvm");
	assert_string_equal(f.vms[2].accel, "kvm");
	assert_int_equal(f.vms[3].process.pid, 100);
	assert_string_equal(f.vms[3].accel, ""); /* whichever of two worked */
	clear(&f);
}

/* Where the program may not be looked at, its name and its own first word have to do. */
static void test_unreadable_programs(void **state)
{
	struct found f = {0};

	(void)state;
	fake_make(&f.fake);
	for (int pid = 20; pid < 24; pid++) {
		char path[64];
		put_process(&f.fake, pid, "x",
			pid == 20 || pid == 23 ? "/usr/bin/qemu-system-arm|-m|64" : "/bin/sh|/tmp/kvm");
		snprintf(path, sizeof(path), "%s/proc/%d/exe", f.fake.path, pid);
		remove(path);
		snprintf(path, sizeof(path), "proc/%d/comm", pid);
		fake_put(&f.fake, path,
			pid == 20   ? "qemu-system-arm\n"
			: pid == 21 ? "kvm\n"
			: pid == 23 ? "foo\n" /* -name process=foo */
				    : "kvm-irqfd-clean\n");
	}
	assert_int_equal(find(&f, NULL, 0), 0);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.vms[0].process.pid, 20);
	assert_null(f.vms[0].process.exe);
	assert_int_equal(f.vms[1].process.pid, 23);
	clear(&f);
}

/* A program of QEMU's name with one thread is none, and one line says so. */
static void test_one_thread(void **state)
{
	struct found f = {0};

	(void)state;
	fake_make(&f.fake);
	for (int pid = 24; pid < 27; pid++)
		put_process(&f.fake, pid, "/tmp/kvm", "./kvm|-name|guest=foo");
	fake_put(&f.fake, "proc/24/status", "Name:\tkvm\nUid:\t107\t107\t107\t107\nThreads:\t1\n");
	fake_put(&f.fake, "proc/25/status", "Name:\tkvm\nUid:\t107\t107\t107\t107\nThreads:\t2\n");
	fake_put(&f.fake, "proc/26/status", "Name:\tkvm\nThreads:\t1\n");
	assert_int_equal(find(&f, NULL, 0), 0);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.vms[0].process.pid, 25);
	assert_int_equal(f.gaps.n, 1);
	assert_string_equal(f.gaps.v[0].code, "not-qemu");
	clear(&f);
}

static void test_managers(void **state)
{
	struct found f = {0};

	(void)state;
	fake_make(&f.fake);
	put_process(&f.fake, 30, "/usr/bin/qemu-system-x86_64",
		"/usr/bin/qemu-system-x86_64|-name|guest=db one,debug-threads=on|-S|-object|"
		"{\"qom-type\":\"secret\",\"id\":\"masterKey0\",\"format\":\"raw\",\"file\":\"/var/lib/libvirt/qemu/domain-1-db/k\"}|"
		"-accel|kvm|-m|64|-uuid|0A1B2C3D-0000-4000-8000-00000000BEEF");
	fake_put(&f.fake, "proc/30/cgroup",
		"0::/machine.slice/machine-qemu\\x2d1\\x2ddb.scope/libvirt/emulator\n");
	put_process(&f.fake, 31, "/usr/bin/qemu-system-x86_64",
		"/usr/bin/kvm|-name|mail,debug-threads=on|-chardev|"
		"socket,id=qmp,path=/var/run/qemu-server/104.qmp,server=on,wait=off|-mon|chardev=qmp,mode=control|-m|64");
	/* the cpuset of all of libvirt's threads, not of the main thread alone; of v1, and of a cgroup further up */
	fake_put(&f.fake,
		"sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2ddb.scope/libvirt/emulator/cpuset.cpus.effective",
		"3\n");
	fake_put(&f.fake, "sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2ddb.scope/cpuset.cpus.effective",
		"0-3\n");
	fake_put(&f.fake, "sys/fs/cgroup/cpuset.cpus.effective", "0-7\n");
	fake_put(&f.fake, "sys/fs/cgroup/cpuset/qemu.slice/104.scope/cpuset.effective_cpus", "4-5\n");
	fake_put(&f.fake, "proc/31/cgroup", "12:cpuset:/qemu.slice/104.scope\n0::/elsewhere\n");
	fake_put(&f.fake, "run/libvirt/qemu/db one.pid", "30\n");
	fake_put(&f.fake, "run/qemu-server/104.pid", "31\n");
	fake_link(&f.fake, "var/run", "/run");
	fake_link(&f.fake, "proc/31/ns/mnt", "mnt:[2]");
	fake_link(&f.fake, "proc/31/ns/pid", "pid:[4026531836]");
	fake_link(&f.fake, "proc/self/ns/mnt", "mnt:[1]");
	fake_link(&f.fake, "proc/self/ns/pid", "pid:[4026531836]");
	fake_put(&f.fake, "proc/32/cgroup", "0::/user.slice/of none\n");
	put_process(&f.fake, 32, "/usr/bin/qemu-system-x86_64",
		"qemu-system-x86_64|-pidfile|/run/qemu-server/x9.pid|-uuid|nonsense|-name|a,,b|-m|64");
	assert_int_equal(find(&f, NULL, 0), 0);
	assert_int_equal(f.n, 3);
	assert_int_equal(f.vms[0].manager, VN_MANAGER_LIBVIRT);
	assert_string_equal(f.vms[0].name, "db one");
	assert_false(f.vms[0].name_is_plain);
	assert_string_equal(f.vms[0].uuid, UUID);
	assert_string_equal(f.vms[0].unit, "machine-qemu\\x2d1\\x2ddb.scope");
	assert_string_equal(
		f.vms[0].cgroup, "/machine.slice/machine-qemu\\x2d1\\x2ddb.scope/libvirt/emulator");
	assert_int_equal(f.vms[1].manager, VN_MANAGER_PROXMOX);
	assert_string_equal(f.vms[1].id, "104");
	assert_string_equal(f.vms[1].name, "mail");
	assert_string_equal(f.vms[1].unit, "104.scope");
	assert_true(f.vms[1].other_mounts);
	assert_false(f.vms[1].other_pids);
	assert_string_equal(f.vms[1].accel, "kvm");
	assert_int_equal(f.vms[2].manager, VN_MANAGER_NONE);
	assert_true(f.vms[0].cpus && hwloc_bitmap_weight(f.vms[0].cpus) == 4);
	assert_true(f.vms[1].cpus && hwloc_bitmap_weight(f.vms[1].cpus) == 2);
	assert_true(f.vms[2].cpus && hwloc_bitmap_weight(f.vms[2].cpus) == 8);
	assert_string_equal(f.vms[2].name, "a,b");
	assert_string_equal(f.vms[2].uuid, "");
	clear(&f);
}

/* Who only says that libvirt or Proxmox looks after it must not direct a command at the VM that they do have. */
static void test_claims(void **state)
{
	static const char libvirt[] =
		"kvm|-m|64|-name|guest=%s|-uuid|" UUID "|-pidfile|/tmp/libvirt/qemu/A.pid",
			  proxmox[] = "kvm|-m|64|-name|mail|-pidfile|/tmp/run/qemu-server/104.pid";
	static const char *const names[] = {"prod-db", "unknown", "../../../tmp/x", "own", "garbled"};
	struct found f = {0};
	char words[256];

	(void)state;
	fake_make(&f.fake);
	for (int i = 0; i < 5; i++) {
		snprintf(words, sizeof(words), libvirt, names[i]);
		put_process(&f.fake, 30 + i, "/usr/bin/kvm", words);
	}
	put_process(&f.fake, 35, "/usr/bin/kvm", proxmox);
	fake_put(&f.fake, "run/libvirt/qemu/prod-db.pid", "4711"); /* another process's */
	fake_put(&f.fake, "tmp/x.pid", "32");
	fake_put(&f.fake, "run/user/107/libvirt/qemu/run/own.pid", "33\n");
	fake_put(&f.fake, "run/libvirt/qemu/garbled.pid", "34 ");
	fake_put(&f.fake, "run/qemu-server/104.pid", "4712\n");
	if (geteuid() == 0) { /* the user's, whose the process is; and a user's where root's should be */
		char path[256];
		fake_put(&f.fake, "run/libvirt/qemu/unknown.pid", "31");
		snprintf(path, sizeof(path), "%s/run/libvirt/qemu/unknown.pid", f.fake.path);
		assert_int_equal(chown(path, 107, 107), 0);
		snprintf(path, sizeof(path), "%s/run/user/107/libvirt/qemu/run/own.pid", f.fake.path);
		assert_int_equal(chown(path, 107, 107), 0);
	}
	assert_int_equal(find(&f, NULL, 0), 0);
	assert_int_equal(f.n, 6);
	for (size_t i = 0; i < 6; i++) {
		bool session = i == 3 && geteuid() == 0;
		assert_int_equal(f.vms[i].manager, session ? VN_MANAGER_LIBVIRT_SESSION : VN_MANAGER_NONE);
		assert_int_equal(f.vms[i].claims_manager, !session);
		assert_int_equal(vn_notes_has(&f.vms[i].gaps, "manager-not-confirmed"), !session);
		assert_string_equal(f.vms[i].id, "");
	}
	clear(&f);
}

/* Whatever a name holds, it is short, well-formed, and nothing that a terminal would act on. */
static void test_hostile_names(void **state)
{
	struct found f = {0};
	char *huge = malloc(70000);

	(void)state;
	fake_make(&f.fake);
	put_process(&f.fake, 40, "/usr/bin/kvm",
		"kvm|-m|64|-name|\033[2J\033]0;own\007\nx\302\233y\377\342\200\256z");
	memset(huge, 'A', 69999);
	huge[69999] = 0;
	memcpy(huge, "kvm|-m|64|-name|", 16);
	put_process(&f.fake, 41, "/usr/bin/kvm", huge);
	put_process(&f.fake, 42, "/usr/bin/kvm", "kvm|-m|64|-name|gr\303\274n-\346\240\252");
	put_process(&f.fake, 43, "/usr/bin/kvm", "kvm|-m|nonsense|-name|broken|-uuid|" UUID);
	free(huge);
	assert_int_equal(find(&f, NULL, 0), 0);
	assert_int_equal(f.n, 4);
	assert_string_equal(f.vms[0].name, "\\x1b[2J\\x1b]0;own\\x07\\x0ax\\xc2\\x9by\\xff\\xe2\\x80\\xaez");
	assert_false(f.vms[0].name_is_plain);
	assert_true(strlen(f.vms[1].name) < VN_SAMPLE_TEXT && strlen(f.vms[1].name) > 100);
	assert_true(vn_text_is_printable(f.vms[1].name));
	assert_false(f.vms[1].name_is_plain);
	assert_string_equal(f.vms[2].name, "gr\303\274n-\346\240\252");
	assert_string_equal(f.vms[3].name, "broken");
	assert_string_equal(f.vms[3].uuid, UUID);
	assert_null(f.vms[3].guest);
	assert_true(vn_notes_has(&f.vms[3].gaps, "command-not-followed"));
	assert_non_null(f.vms[0].guest); /* a name does not hide what it is the name of */
	assert_int_equal(f.vms[0].guest->memory, 64 * VN_MIB);
	assert_true(vn_notes_has(&f.vms[0].gaps, "name-not-followed"));
	assert_false(vn_notes_has(&f.vms[0].gaps, "command-not-followed"));
	assert_int_equal(f.vms[2].gaps.n, 0);
	clear(&f);
}

static void test_names_that_are_asked_for(void **state)
{
	static const char *const good[] = {"two", "50"}, *const bad[] = {"two", "none", "\033[31m"},
				 *const empty[] = {""};
	struct found f = {0};

	(void)state;
	fake_make(&f.fake);
	put_process(&f.fake, 50, "/usr/bin/kvm", "kvm|-m|64|-name|one");
	put_process(&f.fake, 51, "/usr/bin/kvm", "kvm|-m|64|-name|two");
	put_process(&f.fake, 52, "/usr/bin/kvm", "kvm|-m|64|-name|two");
	put_process(&f.fake, 53, "/usr/bin/kvm", "kvm|-m|64|-name|three");
	assert_int_equal(find(&f, good, 2), 0);
	assert_int_equal(f.n, 4); /* all of them, for what one gets depends on the others */
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(f.vms[i].aside, i == 3);
	struct found g = {.fake = f.fake};
	assert_int_equal(find(&g, bad, 3), -ENOENT);
	assert_int_equal(g.err.n, 2);
	assert_true(g.err.input);
	assert_string_equal(g.err.problems[0].text,
		"no VM runs here that is called 'none', nor has that pid, uuid or id; 'vnuma audit' without names lists them");
	assert_null(strchr(g.err.problems[1].text, '\033'));
	vn_error_clear(&g.err);
	assert_int_equal(find(&g, empty, 1), -ENOENT); /* no VM has no uuid */
	vn_error_clear(&g.err);
	struct vn_survey later = {.root = &f.fake.root, .names = bad, .n_names = 2, .names_known = true};
	assert_int_equal(vn_vms_find(&later, &g.vms, &g.n, &g.gaps, &g.err), 0);
	assert_int_equal(g.n, 4);
	assert_int_equal(g.gaps.n, 1);
	assert_string_equal(g.gaps.v[0].text, "VM none has ended");
	for (size_t i = 0; i < g.n; i++)
		vn_vm_sample_clear(&g.vms[i]);
	free(g.vms);
	vn_notes_clear(&g.gaps);
	clear(&f);
}

/* Of 1000 processes that are no QEMU nothing is asked but the program: they have nothing else here that could be read. */
static void test_many_processes(void **state)
{
	struct found f = {0};
	char path[64];

	(void)state;
	fake_make(&f.fake);
	for (int pid = 2; pid < 1002; pid++) {
		snprintf(path, sizeof(path), "proc/%d/exe", pid);
		fake_link(&f.fake, path, pid % 2 ? "/usr/bin/sleep" : "/usr/lib/qemu/virtiofsd");
	}
	put_process(&f.fake, 20000, "/usr/bin/kvm", "kvm|-m|64|-name|one");
	assert_int_equal(find(&f, NULL, 0), 0);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.vms[0].name, "one");
	assert_int_equal(f.vms[0].gaps.n, 0);
	assert_int_equal(f.gaps.n, 0);
	clear(&f);
}

/* A record is of the process that it names by pid and start time, not of a later one with the pid. */
static void test_records(void **state)
{
	struct found f = {0};
	vn_autovm *of_it = vn_vm_new(), *of_another = vn_vm_new();

	(void)state;
	fake_make(&f.fake);
	put_process(&f.fake, 60, "/usr/bin/kvm", "kvm|-m|64|-name|told");
	put_process(&f.fake, 61, "/usr/bin/kvm", "kvm|-m|64|-name|other");
	of_it->name = strdup("recorded");
	of_it->process = (struct vn_process){.pid = 60, .start_time = 6000};
	of_another->name = strdup("stale");
	of_another->process = (struct vn_process){.pid = 61, .start_time = 6000};
	const struct vn_vm *const records[] = {of_another, of_it};
	struct vn_survey survey = {
		.root = &f.fake.root, .read_guest = vn_guest_from_qemu, .records = records, .n_records = 2};
	assert_int_equal(vn_vms_find(&survey, &f.vms, &f.n, &f.gaps, &f.err), 0);
	assert_string_equal(f.vms[0].name, "recorded");
	assert_int_equal(f.vms[0].manager, VN_MANAGER_VNUMA);
	assert_string_equal(f.vms[0].record->name, "recorded");
	assert_string_equal(f.vms[1].name, "other");
	assert_null(f.vms[1].record);
	clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_a_vm),
		cmocka_unit_test(test_unreadable_programs),
		cmocka_unit_test(test_one_thread),
		cmocka_unit_test(test_managers),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_names_that_are_asked_for),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_many_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
