/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state directory: records, broken ones, a full file system, the lock, sweeping. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../src/base/text.h"
#include "../src/realize/state.h"

static char directory[] = "/tmp/vnuma-state.XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/vnuma-state.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	vn_autofree char *command = vn_format("rm -rf '%s'", directory);
	return system(command);
}

static struct vn_vm *new_vm(const char *name, pid_t pid)
{
	struct vn_vm *vm = vn_vm_new();
	vm->name = strdup(name);
	vm->process = (struct vn_process){pid, 5, strdup("/usr/bin/qemu")};
	strcpy(vm->accel, "tcg");
	vm->qmp_path = vn_format("%s/%s.qmp", directory, name);
	vm->log_path = vn_format("%s/%s.log", directory, name);
	vm->memory = 1 << 20;
	vm->vcpus = 1;
	vm->plan = json_object();
	return vm;
}

static void put_file(const char *name, const char *text)
{
	vn_autofree char *path = vn_format("%s/%s", directory, name);
	vn_autofclose FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
}

static unsigned count_files(void)
{
	unsigned n = 0;
	DIR *d = opendir(directory);
	for (struct dirent *entry; (entry = readdir(d));)
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		     strcmp(entry->d_name, "lock");
	closedir(d);
	return n;
}

static void test_write_read_list(void **unused)
{
	(void)unused;
	vn_autostate state = {.fd = -1};
	vn_autoerror err = {0}, broken = {0};
	vn_autovm *a = new_vm("a10", 10), *b = new_vm("a9", 11), *seen = NULL;
	vn_autovmlist list = {0};
	assert_int_equal(vn_state_open_at(directory, &state, &err), 0);
	assert_int_equal(vn_state_write(&state, a, &err), 0);
	assert_int_equal(vn_state_write(&state, b, &err), 0);
	assert_int_equal(vn_state_read(&state, "a10", &seen, &err), 0);
	assert_int_equal(seen->process.pid, 10);
	assert_int_equal(vn_state_list(&state, &list, &broken, &err), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0]->name, "a9"); /* by number, as people count */
	assert_string_equal(list.v[1]->name, "a10");
	assert_int_equal(broken.n, 0);
	assert_int_equal(count_files(), 2);
}

static void test_no_such_vm(void **unused)
{
	(void)unused;
	vn_autostate state = {.fd = -1};
	vn_autoerror err = {0};
	struct vn_vm *vm = NULL;
	assert_int_equal(vn_state_open_at(directory, &state, &err), 0);
	assert_int_equal(vn_state_read(&state, "nobody", &vm, &err), -ENOENT);
	assert_true(err.input);
	assert_non_null(strstr(err.problems[0].text, "'nobody'"));
	vn_error_clear(&err);
	assert_int_equal(vn_state_read(&state, "../x", &vm, &err), -EINVAL);
	assert_null(vm);
}

static void test_broken_records_do_not_hide_others(void **unused)
{
	(void)unused;
	vn_autostate state = {.fd = -1};
	vn_autoerror err = {0}, broken = {0};
	vn_autovm *good = new_vm("good", 10);
	vn_autovmlist list = {0};
	assert_int_equal(vn_state_open_at(directory, &state, &err), 0);
	assert_int_equal(vn_state_write(&state, good, &err), 0);
	put_file("half.json", "{\"schema\": \"vnuma.vm/1\",");
	put_file("empty.json", "");
	put_file(".good.123", "a start that was killed while it wrote");
	put_file("notes.txt", "not ours");
	vn_autofree char *command = vn_format("cp %s/good.json %s/other.json", directory, directory);
	assert_int_equal(system(command), 0);
	vn_autofree char *path = vn_format("%s/dir.json", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(vn_state_list(&state, &list, &broken, &err), 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0]->name, "good");
	assert_int_equal(broken.n, 4); /* dir, empty, half, other */
	assert_int_equal(err.n, 0);
	assert_non_null(strstr(broken.problems[3].file, "other.json"));
	assert_non_null(strstr(broken.problems[3].text, "'good'"));
}

/* EFBIG stands in for ENOSPC, which wants a file system of its own: both fail a write half way. */
static void test_full_leaves_the_old_record(void **unused)
{
	(void)unused;
	vn_autostate state = {.fd = -1};
	vn_autoerror err = {0};
	vn_autovm *vm = new_vm("full", 10), *seen = NULL;
	struct rlimit old, tiny;
	assert_int_equal(vn_state_open_at(directory, &state, &err), 0);
	assert_int_equal(vn_state_write(&state, vm, &err), 0);
	vm->process.pid = 11;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	tiny = old;
	tiny.rlim_cur = 100;
	setrlimit(RLIMIT_FSIZE, &tiny);
	int r = vn_state_write(&state, vm, &err);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(err.n, 1);
	assert_false(err.input);
	assert_int_equal(count_files(), 1);
	assert_int_equal(vn_state_read(&state, "full", &seen, &err), 0);
	assert_int_equal(seen->process.pid, 10);
}

static void test_sweep_spares_a_successor(void **unused)
{
	(void)unused;
	vn_autostate state = {.fd = -1};
	vn_autoerror err = {0};
	vn_autovm *old = new_vm("s", 10), *successor = new_vm("s", 11);
	assert_int_equal(vn_state_open_at(directory, &state, &err), 0);
	put_file("s.qmp", "");
	put_file("s.log", "");
	put_file("s2.log", "");
	assert_int_equal(vn_state_write(&state, successor, &err), 0);
	assert_int_equal(vn_state_sweep(&state, old, &err), 0);
	assert_int_equal(count_files(), 4);
	assert_int_equal(vn_state_sweep(&state, successor, &err), 0);
	assert_int_equal(count_files(), 1);
	assert_int_equal(vn_state_sweep(&state, successor, &err), 0);
	assert_int_equal(err.n, 0);
}

static void test_lock_keeps_a_second_out(void **unused)
{
	(void)unused;
	vn_autostate state = {.fd = -1};
	vn_autoerror err = {0};
	int first = -1, second = -1;
	assert_int_equal(vn_state_open_at(directory, &state, &err), 0);
	assert_int_equal(vn_state_lock(&state, 0, &first, &err), 0);
	assert_int_equal(vn_state_lock(&state, 50, &second, &err), -ETIMEDOUT);
	assert_int_equal(second, -1);
	close(first);
	assert_int_equal(vn_state_lock(&state, 0, &second, &err), 0);
	close(second);
}

static void test_directory_of_others_is_refused(void **unused)
{
	(void)unused;
	struct vn_state state = {.fd = -1};
	vn_autoerror err = {0};
	assert_int_equal(chmod(directory, 0777), 0);
	assert_int_equal(vn_state_open_at(directory, &state, &err), -EPERM);
	assert_int_equal(vn_state_open_at("relative", &state, &err), -EINVAL);
	assert_int_equal(vn_state_open_at("/nonexistent/a/b", &state, &err), -ENOENT);
	assert_null(state.path);
	assert_false(err.input);
}

static void test_directory_from_the_environment(void **unused)
{
	(void)unused;
	vn_autostate state = {.fd = -1};
	vn_autoerror err = {0};
	vn_autofree char *path = vn_format("%s/inner", directory);
	struct stat st;
	setenv("VNUMA_STATE_DIR", path, 1);
	assert_int_equal(vn_state_open(&state, &err), 0);
	assert_string_equal(state.path, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_write_read_list),
		TEST(test_no_such_vm),
		TEST(test_broken_records_do_not_hide_others),
		TEST(test_full_leaves_the_old_record),
		TEST(test_sweep_spares_a_successor),
		TEST(test_lock_keeps_a_second_out),
		TEST(test_directory_of_others_is_refused),
		TEST(test_directory_from_the_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
