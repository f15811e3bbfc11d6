/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who a process is: /proc/PID/stat with an odd name, real processes alive, ended, and not the one that was
 * meant. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/base/cleanup.h"
#include "../src/base/process.h"

#define TAIL " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654321 20 21\n" /* fields 4 to 21, 22, … */

static void test_stat_with_odd_names(void **state)
{
	(void)state;
	static const char *const names[] = {"(cat)", "(a b)", "())", "(x) R 1 2 (y)", "(a\nb)"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[256];
		uint64_t start = 0;
		snprintf(text, sizeof(text), "42 %s S" TAIL, names[i]);
		assert_int_equal(vn_stat_parse(text, &start), 0);
		assert_int_equal(start, 987654321);
	}
}

static void test_stat_that_is_none(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "42", "42 (cat", "42 (cat)", "42 (cat) ", "42 (cat) S",
		"42 (cat) S 1 2 3", "42 (cat) SS" TAIL,
		"42 (cat) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -5 20"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint64_t start = 5;
		assert_int_equal(vn_stat_parse(wrong[i], &start), -EINVAL);
		assert_int_equal(start, 5);
	}
	uint64_t start = 5;
	assert_int_equal(vn_stat_parse("42 (cat) Z" TAIL, &start), -ESRCH);
	assert_int_equal(vn_stat_parse("42 (cat) X" TAIL, &start), -ESRCH);
	assert_int_equal(start, 5);
}

static void test_a_real_process(void **state)
{
	(void)state;
	uint64_t start = 0, mine = 0;
	vn_autofree char *exe = NULL;
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(vn_process_start_time(child, &start), 0);
	assert_int_equal(vn_process_start_time(getpid(), &mine), 0);
	assert_true(mine > 0 && start >= mine);
	assert_int_equal(vn_process_exe(child, &exe), 0);
	assert_non_null(strstr(exe, "test_process"));

	assert_int_equal(vn_process_match(child, start, exe), VN_PROCESS_SAME);
	assert_int_equal(vn_process_match(child, start, NULL), VN_PROCESS_SAME);
	assert_int_equal(vn_process_match(child, start + 1, exe), VN_PROCESS_STRANGER);
	assert_int_equal(vn_process_match(child, start, "/bin/other"), VN_PROCESS_STRANGER);
	assert_int_equal(vn_process_open(child, start + 1, exe), -ESRCH);

	vn_autoclose int fd = vn_process_open(child, start, exe);
	assert_true(fd >= 0);
	assert_int_equal(vn_process_signal(fd, SIGKILL), 0);
	struct pollfd ended = {fd, POLLIN, 0};
	assert_int_equal(poll(&ended, 1, 5000), 1);
	assert_int_equal(vn_process_match(child, start, exe), VN_PROCESS_GONE); /* a zombie */
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(vn_process_match(child, start, exe), VN_PROCESS_GONE);
	assert_int_equal(vn_process_open(child, start, exe), -ESRCH);
	assert_int_equal(vn_process_signal(fd, SIGKILL), -ESRCH);
}

static void test_what_is_pinned(void **state)
{
	(void)state;
	static char memory[1 << 20] __attribute__((aligned(4096)));
	uint64_t before = 0, after = 0;
	assert_int_equal(vn_process_pinned(getpid(), &before), 0);
	if (syscall(SYS_mlock, memory, sizeof(memory)) <
		0) /* that of the C library is the sanitizer's, and does nothing */
		skip();
	assert_int_equal(vn_process_pinned(getpid(), &after), 0);
	assert_int_equal(after - before, sizeof(memory));
	assert_int_equal(syscall(SYS_munlock, memory, sizeof(memory)), 0);
	assert_int_equal(vn_process_pinned(0x7fffffff, &after), -ESRCH);
}

static void test_exe_of_a_replaced_program(void **state)
{
	(void)state;
	char replaced[] = "/usr/bin/kvm (deleted)", twice[] = "/kvm (deleted) (deleted)",
	     bare[] = " (deleted)";
	vn_exe_trim(replaced);
	assert_string_equal(replaced, "/usr/bin/kvm");
	vn_exe_trim(twice);
	assert_string_equal(twice, "/kvm (deleted)");
	vn_exe_trim(bare);
	assert_string_equal(bare, " (deleted)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat_with_odd_names),
		cmocka_unit_test(test_stat_that_is_none),
		cmocka_unit_test(test_what_is_pinned),
		cmocka_unit_test(test_exe_of_a_replaced_program),
		cmocka_unit_test(test_a_real_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
