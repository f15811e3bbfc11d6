/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What launching reads from QEMU's monitor, and children that wait to be told. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../src/base/text.h"
#include "../src/emit/target.h"
#include "../src/realize/move_irqs.h"
#include "../src/realize/move_threads.h"
#include "../src/realize/backend.h"
#include "../src/realize/launch.h"
#include "../src/realize/pin.h"
#include "../src/realize/qemu_version.h"
#include "../src/realize/spawn.h"
#include "../src/realize/sys.h"
#include "../src/realize/tap.h"

/* Cut from QEMU 7.2, q35, two backends, the second above and below 4 GiB; CRLF as its monitor sends it. */
static const char mtree[] =
	"FlatView #0\r\n"
	" AS \"cpu-smm-0\", root: mem-container-smram\r\n"
	" Root memory region: mem-container-smram\r\n"
	"  0000000000000000-00000000000bffff (prio 0, ram): ram1 @0000000000100000 KVM\r\n"
	"\r\n"
	"FlatView #1\r\n"
	" AS \"memory\", root: system\r\n"
	" AS \"cpu-memory-0\", root: system\r\n"
	" Root memory region: system\r\n"
	"  0000000000000000-000000000009ffff (prio 0, ram): ram0 KVM\r\n"
	"  00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem\r\n"
	"  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom KVM\r\n"
	"  0000000000100000-000000003fffffff (prio 0, ram): ram0 @0000000000100000 KVM\r\n"
	"  0000000040000000-000000007fffffff (prio 0, ram): /objects/ram1 KVM\r\n"
	"  0000000100000000-000000013fffffff (prio 0, ram): /objects/ram1 @0000000040000000 KVM\r\n"
	"  00000001c0000000-00000001ffffffff (prio 0, ram): ram10 KVM\r\n"
	"\r\n"
	"FlatView #2\r\n"
	" AS \"I/O\", root: io\r\n"
	"  0000000000000000-0000000000000007 (prio 0, ram): ram0 @0000000000000123\r\n";

static void test_mtree(void **state)
{
	(void)state;
	struct vn_mtree_range r[4];
	assert_int_equal(vn_mtree_ranges(mtree, "ram0", r, 4), 2);
	assert_true(r[0].first == 0 && r[0].last == 0x9ffff && r[0].offset == 0);
	assert_true(r[1].first == 0x100000 && r[1].last == 0x3fffffff && r[1].offset == 0x100000);
	assert_int_equal(vn_mtree_ranges(mtree, "ram1", r, 4), 2);
	assert_true(r[1].first == 0x100000000 && r[1].offset == 0x40000000);
	assert_int_equal(vn_mtree_ranges(mtree, "ram1", r, 1), 1);
	assert_int_equal(vn_mtree_ranges(mtree, "ram2", r, 4), 0);
	assert_int_equal(vn_mtree_ranges(mtree, "pc.rom", r, 4), 0);
	assert_int_equal(vn_mtree_ranges("", "ram0", r, 4), 0);
}

static void test_hva(void **state)
{
	(void)state;
	uint64_t address = 7;
	assert_int_equal(vn_hva_parse("Host virtual address for 0x100000 (ram0) is 0x7f7dabc00000\r\n",
				 "ram0", &address),
		0);
	assert_true(address == 0x7f7dabc00000);
	static const char *const wrong[] = {"", "No memory is mapped at address 0x0\r\n",
		"Memory at address 0xa0000 is not RAM\r\n",
		"Host virtual address for 0x0 (pc.rom) is 0x7f7dabc00000\r\n",
		"Host virtual address for 0x0 (ram0) is (nil)\r\n",
		"Host virtual address for 0x0 (ram0) is 0x0\r\n"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(vn_hva_parse(wrong[i], "ram0", &address), -EPROTO);
	assert_true(address == 0x7f7dabc00000);
}

static void assert_ifname(const char *text, const char *id, const char *expected)
{
	vn_autofree char *name = vn_tap_ifname(text, id);
	if (expected)
		assert_string_equal(name, expected);
	else
		assert_null(name);
}

static void test_tap_names(void **state)
{
	(void)state;
	static const char info[] =
		"virtio-net-pci.0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56\r\n"
		" \\ net1: index=0,type=tap,ifname=tap7,script=no,downscript=no\r\n"
		"net10: index=0,type=tap,ifname=other,script=no\r\n"
		"net2: index=0,type=user,net=10.0.2.0,restrict=off\r\n";
	assert_ifname(info, "net1", "tap7");
	assert_ifname(info, "net10", "other");
	assert_ifname(info, "net2", NULL);
	assert_ifname(info, "net0", NULL);
}

static void test_vhost_names(void **state)
{
	(void)state;
	pid_t owner = 0;
	assert_true(vn_is_vhost("vhost-4711", &owner));
	assert_int_equal(owner, 4711);
	assert_false(vn_is_vhost("vhost-", &owner));
	assert_false(vn_is_vhost("vhost-x", &owner));
	assert_false(vn_is_vhost("vhostd", &owner));
	assert_false(vn_is_vhost("CPU 0/KVM", &owner));
}

static char *read_whole(int fd)
{
	static char text[256];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_child_waits_for_its_word(void **state)
{
	(void)state;
	int out[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"},
		(char[]){"ls -l /proc/self/fd | wc -l; cat; exit 3"}, NULL};
	struct vn_child child = {0};
	vn_autoerror err = {0};
	assert_int_equal(vn_spawn(argv, out[1], &child, &err), 0);
	close(out[1]);
	struct pollfd said = {out[0], POLLIN, 0};
	assert_int_equal(poll(&said, 1, 100), 0);
	assert_null(vn_spawn_ending(&child));
	assert_int_equal(vn_spawn_go(&child, argv[0], &err), 0);
	struct pollfd ended = {child.pidfd, POLLIN, 0};
	assert_int_equal(poll(&ended, 1, 5000), 1);
	vn_autofree char *how = vn_spawn_ending(&child);
	assert_string_equal(how, "exit status 3");
	assert_string_equal(read_whole(out[0]), "5\n"); /* "total", 0, 1, 2, and ls's own */
	close(out[0]);
	vn_spawn_kill(&child);
	assert_int_equal(child.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* reaped */
}

static void test_child_ends_with_its_parent(void **state)
{
	(void)state;
	char *argv[] = {(char[]){"/bin/echo"}, (char[]){"ran"}, NULL};
	struct vn_child child = {0};
	int out[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(vn_spawn(argv, out[1], &child, NULL), 0);
	close(out[1]);
	close(child.go_fd); /* what the parent's death does */
	child.go_fd = -1;
	struct pollfd ended = {child.pidfd, POLLIN, 0};
	assert_int_equal(poll(&ended, 1, 5000), 1);
	assert_string_equal(read_whole(out[0]), "");
	close(out[0]);
	vn_spawn_kill(&child);
}

static void test_program_that_cannot_run(void **state)
{
	(void)state;
	char *argv[] = {(char[]){"/nonexistent/qemu"}, NULL};
	struct vn_child child = {0};
	vn_autoerror err = {0};
	assert_int_equal(vn_spawn(argv, 2, &child, &err), 0);
	assert_int_equal(vn_spawn_go(&child, argv[0], &err), -ENOENT);
	assert_string_equal(
		err.problems[0].text, "/nonexistent/qemu: cannot be run: No such file or directory");
	vn_spawn_kill(&child);
}

static void test_qemu_is_looked_for(void **state)
{
	(void)state;
	vn_autofree char *old = strdup(getenv("PATH")), *path = NULL;
	vn_autoerror err = {0};
	setenv("VNUMA_QEMU", "/nonexistent/qemu", 1);
	assert_int_equal(vn_qemu_find(&path, &err), -ENOENT);
	setenv("VNUMA_QEMU", "/etc/passwd", 1); /* there, but no program */
	assert_int_equal(vn_qemu_find(&path, &err), -ENOENT);
	setenv("VNUMA_QEMU", "sh", 1);
	assert_int_equal(vn_qemu_find(&path, &err), 0);
	assert_non_null(strstr(path, "/sh"));
	unsetenv("VNUMA_QEMU");
	setenv("PATH", "/nonexistent:relative:", 1);
	vn_error_clear(&err);
	if (access("/usr/libexec/qemu-kvm", X_OK) != 0) {
		assert_int_equal(vn_qemu_find(&path, &err), -ENOENT);
		assert_non_null(strstr(err.problems[0].text, "qemu-system-x86"));
		assert_false(err.input);
	}
	setenv("PATH", old, 1);
}

static void test_versions(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned version; /* 0: none */
	} cases[] = {
		{"QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003-2022\n",
			VN_TARGET_VERSION(7, 2, 22)},
		{"QEMU emulator version 9.1.0 (qemu-kvm-9.1.0-15.el9)\n", VN_TARGET_VERSION(9, 1, 0)},
		{"QEMU emulator version 2.11.1(Debian 1:2.11+dfsg-1ubuntu7.42)\n",
			VN_TARGET_VERSION(2, 11, 1)},
		{"QEMU emulator version 2.0.0, Copyright (c) 2003-2008\n", VN_TARGET_VERSION(2, 0, 0)},
		{"QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\r\n", VN_TARGET_VERSION(10, 0, 2)},
		{"QEMU emulator version 9.1.50 (v9.1.0-803-g05adb38839)\n", VN_TARGET_VERSION(9, 1, 50)},
		{"QEMU emulator version 8.2.0-rc1", VN_TARGET_VERSION(8, 2, 0)},
		{"QEMU emulator version 9.0", VN_TARGET_VERSION(9, 0, 0)},
		{"wrapper: warning\nQEMU emulator version 9.0.1\n", VN_TARGET_VERSION(9, 0, 1)},
		{"", 0},
		{"QEMU emulator version ", 0},
		{"QEMU emulator version 9", 0},
		{"QEMU emulator version 9.\n", 0},
		{"QEMU emulator version .2.0\n", 0},
		{"QEMU emulator version 9.0.\n", 0},
		{"QEMU emulator version 9.0.1.2\n", 0},
		{"QEMU emulator version 9.0x\n", 0},
		{"QEMU emulator version 9.1000\n", 0},
		{"QEMU emulator version 0.15.1\n", 0},
		{"QEMU emulator version 99999999999999999999.0\n", 0},
		{"a QEMU emulator version 9.0\n", 0},
		{"qemu-img version 7.2.22 (Debian 1:7.2+dfsg-7)\n", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned version = 0;
		int r = vn_qemu_version_parse(cases[i].text, &version);
		if (version != cases[i].version || (r == 0) != (version != 0))
			fail_msg("case %zu: %d, %u", i, r, version);
	}
}

/* A program that answers so, for vn_qemu_version(). */
static char *make_script(const char *text)
{
	char path[] = "/tmp/vnuma-qemu-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0 && fchmod(fd, 0700) == 0);
	assert_true(dprintf(fd, "#!/bin/sh\n%s\n", text) > 0);
	close(fd);
	return strdup(path);
}

static int ask_script(const char *text, int abort_fd, unsigned *version, struct vn_error *err)
{
	vn_autofree char *path = make_script(text);
	int r = vn_qemu_version(path, abort_fd, version, err);

	unlink(path);
	return r;
}

static void test_qemu_is_asked(void **state)
{
	(void)state;
	unsigned version = 17;
	vn_autoerror err = {0};

	assert_int_equal(ask_script("[ \"$*\" = -version ] && echo QEMU emulator version 9.2.1 '(x)'", -1,
				 &version, &err),
		0);
	assert_int_equal(version, VN_TARGET_VERSION(9, 2, 1));
	assert_int_equal(ask_script("echo hello; exit 3", -1, &version, &err), -EPROTO);
	assert_non_null(strstr(err.problems[0].text, "answers 'hello"));
	assert_false(err.input);
	vn_error_clear(&err);
	assert_int_equal(ask_script("yes", -1, &version, &err), -EFBIG);
	vn_error_clear(&err);
	assert_int_equal(vn_qemu_version("/nonexistent/qemu", -1, &version, &err), -ENOENT);
	assert_int_equal(version, VN_TARGET_VERSION(9, 2, 1));
}

static void test_asking_is_given_up(void **state)
{
	(void)state;
	unsigned version = 17;
	vn_autoerror err = {0};
	int stop[2];

	assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
	assert_int_equal(write(stop[1], "x", 1), 1);
	assert_int_equal(ask_script("exec sleep 1000", stop[0], &version, &err), -ECANCELED);
	assert_int_equal(version, 17);
	close(stop[0]);
	close(stop[1]);
}

/* What it has started ends with it: all of that has the pipe's other end. */
static void test_asking_leaves_nothing(void **state)
{
	(void)state;
	char folder[] = "/tmp/vnuma-qemu-XXXXXX";
	unsigned version = 17;

	assert_non_null(mkdtemp(folder));
	vn_autofree char *path = vn_format("%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	struct pollfd end = {open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), POLLIN, 0};
	vn_autofree char *text = vn_format("exec 3>%s; sleep 1000 & exec yes", path);
	assert_int_equal(ask_script(text, -1, &version, NULL), -EFBIG);
	assert_int_equal(poll(&end, 1, 5000), 1);
	assert_int_equal(end.revents, POLLHUP);
	close(end.fd);
	unlink(path);
	rmdir(folder);
}

static void test_affinity(void **state)
{
	(void)state;
	vn_autoset before = hwloc_bitmap_alloc(), one = hwloc_bitmap_alloc(), now = hwloc_bitmap_alloc();
	assert_int_equal(vn_sys_get_affinity(0, before), 0);
	assert_true(hwloc_bitmap_weight(before) > 0);
	hwloc_bitmap_only(one, (unsigned)hwloc_bitmap_last(before));
	assert_int_equal(vn_sys_set_affinity(0, one), 0);
	assert_int_equal(vn_sys_get_affinity(0, now), 0);
	assert_true(hwloc_bitmap_isequal(now, one));
	assert_int_equal(vn_sys_set_affinity(0, before), 0);
	/* A CPU this machine does not have: the kernel would take the rest without a word. */
	hwloc_bitmap_set(one, 65000);
	assert_int_equal(vn_sys_set_affinity(0, one), -ENODEV);
	assert_int_equal(vn_sys_set_affinity(0, before), 0);
	hwloc_bitmap_zero(one);
	assert_int_equal(vn_sys_set_affinity(0, one), -EINVAL);
	hwloc_bitmap_fill(one);
	assert_int_equal(vn_sys_set_affinity(0, one), -EINVAL);
}

static hwloc_bitmap_t set_of(const char *list)
{
	hwloc_bitmap_t set = NULL;
	assert_int_equal(vn_set_parse(list, &set), 0);
	return set;
}

/* Threads 10, 11, ... and interrupts 40, 41, ... that were on `before` and are to be on `after`. */
static struct vn_move *move_of(size_t n, uint64_t start_time, const char *before, const char *after)
{
	struct vn_move *move = vn_move_new();
	assert_non_null(move);
	move->thread_list = calloc(n, sizeof(*move->thread_list));
	move->irqs = calloc(n, sizeof(*move->irqs));
	assert_true(move->thread_list && move->irqs);
	for (move->n_threads = 0; move->n_threads < n; move->n_threads++)
		move->thread_list[move->n_threads] =
			(struct vn_move_thread){.tid = 10 + (pid_t)move->n_threads,
				.kind = VN_THREAD_VHOST,
				.start_time = start_time,
				.before = set_of(before),
				.after = set_of(after)};
	for (move->n_irqs = 0; move->n_irqs < n; move->n_irqs++)
		move->irqs[move->n_irqs] = (struct vn_move_irq){.number = 40 + (unsigned)move->n_irqs,
			.name = "vfio",
			.before = set_of(before),
			.after = set_of(after)};
	return move;
}

static void assert_cpus(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *list = vn_set_text(set);
	assert_string_equal(list, expected);
}

/* What was before the first move stays on record, whatever comes later; a number that is another's by now begins anew. */
static void test_moves_are_joined(void **state)
{
	(void)state;
	vn_automove *first = move_of(2, 7, "0-1", "4"), *more = move_of(3, 7, "4", "5"),
		    *reused = move_of(1, 8, "6", "7");

	assert_int_equal(vn_move_threads_join(first, more), 0);
	assert_int_equal(vn_move_irqs_join(first, more), 0);
	assert_int_equal(first->n_threads, 3);
	assert_int_equal(first->n_irqs, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_cpus(first->thread_list[i].before, i < 2 ? "0-1" : "4");
		assert_cpus(first->thread_list[i].after, "5");
		assert_cpus(first->irqs[i].before, i < 2 ? "0-1" : "4");
		assert_cpus(first->irqs[i].after, "5");
	}
	snprintf(reused->irqs[0].name, sizeof(reused->irqs[0].name), "another");
	assert_int_equal(vn_move_threads_join(first, reused), 0);
	assert_int_equal(vn_move_irqs_join(first, reused), 0);
	assert_int_equal(first->n_threads, 3);
	assert_int_equal(first->thread_list[0].start_time, 8);
	assert_cpus(first->thread_list[0].before, "6");
	assert_cpus(first->irqs[0].before, "6");
	assert_cpus(first->thread_list[1].before, "0-1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mtree),
		cmocka_unit_test(test_hva),
		cmocka_unit_test(test_tap_names),
		cmocka_unit_test(test_vhost_names),
		cmocka_unit_test(test_child_waits_for_its_word),
		cmocka_unit_test(test_child_ends_with_its_parent),
		cmocka_unit_test(test_program_that_cannot_run),
		cmocka_unit_test(test_qemu_is_looked_for),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_qemu_is_asked),
		cmocka_unit_test(test_asking_is_given_up),
		cmocka_unit_test(test_asking_leaves_nothing),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_moves_are_joined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
