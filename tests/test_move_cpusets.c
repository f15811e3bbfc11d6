/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cgroups of a domain that a move changes, with the libvirt of fake/fake_libvirt.h. The calls that reach for tasks and cgroups are
 * led into a folder (the linker's --wrap): `task` is the /proc/PID/task of the VM, `cgroup` the root of all cgroups.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>

#include "fake_root.h"

#include "../src/base/process.h"
#include "../src/base/text.h"
#include "../src/realize/move_cpusets.h"
#include "../src/realize/sys.h"

#define UUID "01234567-89ab-cdef-0123-456789abcdef"
#define PID 4242
#define TASKS "/proc/4242/task"
#define SCOPE "/machine.slice/db.scope"

static struct fake_root fake;

/* ---- led into the folder ---- */

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
int __real_vn_proc_read(const char *path, char **ret_text);
int __wrap_vn_proc_read(const char *path, char **ret_text);
int __wrap_vn_sys_set_cpuset_mems(const char *cgroup, hwloc_const_bitmap_t nodes);

static char *led(const char *path)
{
	if (strncmp(path, TASKS, strlen(TASKS)) == 0)
		return vn_format("%s/task%s", fake.path, path + strlen(TASKS));
	if (strncmp(path, VN_CGROUP_MOUNT, strlen(VN_CGROUP_MOUNT)) == 0)
		return vn_format("%s/cgroup%s", fake.path, path + strlen(VN_CGROUP_MOUNT));
	return strdup(path);
}

DIR *__wrap_opendir(const char *path)
{
	vn_autofree char *to = led(path);

	return __real_opendir(to);
}

int __wrap_vn_proc_read(const char *path, char **ret_text)
{
	vn_autofree char *to = led(path);

	return __real_vn_proc_read(to, ret_text);
}

static void put_mems(const char *cgroup, const char *nodes)
{
	vn_autofree char *file = vn_format("cgroup%s/cpuset.mems", cgroup), *line = vn_format("%s\n", nodes);

	fake_put(&fake, file, line);
}

int __wrap_vn_sys_set_cpuset_mems(const char *cgroup, hwloc_const_bitmap_t nodes)
{
	vn_autofree char *list = vn_set_text(nodes);

	put_mems(cgroup, list);
	return 0;
}

/* ---- a domain ---- */

/* A task in a cgroup of nodes, and nobody else there. */
static void put_task(int tid, const char *cgroup, const char *nodes)
{
	vn_autofree char *task = vn_format("task/%d/cgroup", tid), *line = vn_format("0::%s\n", cgroup),
			 *threads = vn_format("cgroup%s/cgroup.threads", cgroup);

	fake_put(&fake, task, line);
	fake_put(&fake, threads, "");
	put_mems(cgroup, nodes);
}

/* Of libvirt's nodes 0: one vCPU that somebody gave more by hand, and one that has none of its own. */
static int begin(void **state)
{
	(void)state;
	fake_make(&fake);
	setenv("VNUMA_FAKE_LIBVIRT", fake.path, 1);
	fake_put(&fake, "xml", "<domain/>");
	fake_put(&fake, "uuid", UUID);
	fake_put(&fake, "nodes", "0");
	fake_put(&fake, "cgroups",
		"cgroup" SCOPE "/emulator/cpuset.mems\n"
		"cgroup" SCOPE "/vcpu0/cpuset.mems\n");
	put_mems("/machine.slice", "");
	put_mems(SCOPE, "");
	put_task(PID, SCOPE "/emulator", "0");
	put_task(PID + 1, SCOPE "/vcpu0", "0-1");
	put_task(PID + 2, SCOPE "/vcpu1", "");
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_clear(&fake);
	return 0;
}

/* Of its memory, from node 0 to 1. */
static struct vn_move *new_move(void)
{
	struct vn_move *move = vn_move_new();

	memcpy(move->numatune.domain, UUID, sizeof(UUID));
	move->process.pid = PID;
	move->memory = true;
	assert_int_equal(vn_set_parse("0-1", &move->mems_during), 0);
	assert_int_equal(vn_set_parse("1", &move->mems_after), 0);
	return move;
}

static void find(struct vn_move *move, const struct vn_move *first)
{
	vn_autoerror err = {0};

	assert_int_equal(vn_move_cpusets_find(move, first, &err), 0);
}

static void set(struct vn_move *move, enum vn_cpuset_step step)
{
	vn_autoerror err = {0};

	assert_int_equal(vn_move_cpusets_set(move, step, &err), 0);
}

static void assert_file(const char *file, const char *expected)
{
	vn_autofree char *path = vn_format("%s/%s", fake.path, file), *text = NULL;

	assert_int_equal(__real_vn_proc_read(path, &text), 0);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, expected);
}

/* What libvirt has, and what two of its cgroups have. */
static void assert_nodes(const char *libvirt, const char *emulator, const char *vcpu0)
{
	assert_file("nodes", libvirt);
	assert_file("cgroup" SCOPE "/emulator/cpuset.mems", emulator);
	assert_file("cgroup" SCOPE "/vcpu0/cpuset.mems", vcpu0);
	assert_file("cgroup" SCOPE "/vcpu1/cpuset.mems", "");
	assert_file("cgroup" SCOPE "/cpuset.mems", "");
}

static void assert_note(const struct vn_move *move, const char *code, const char *text)
{
	for (size_t i = 0; i < move->notes.n; i++) {
		if (strcmp(move->notes.v[i].code, code) == 0 && strstr(move->notes.v[i].text, text))
			return;
	}
	fail_msg("no note %s with '%s'", code, text);
}

/* ---- tests ---- */

/* libvirt narrows what lacked nothing, too: undo is to know it. */
static void test_undo_brings_back_what_lacked_nothing(void **state)
{
	(void)state;
	vn_automove *move = new_move(), *second = new_move();

	find(move, NULL);
	assert_int_equal(move->n_cpusets, 2);
	set(move, VN_CPUSET_WIDEN);
	assert_nodes("0-1", "0-1", "0-1");
	set(move, VN_CPUSET_NARROW);
	assert_nodes("1", "1", "1");
	assert_int_equal(move->notes.n, 0);
	find(second, move);
	set(second, VN_CPUSET_WIDEN);
	set(second, VN_CPUSET_NARROW);
	assert_nodes("1", "1", "1");
	set(second, VN_CPUSET_BACK);
	assert_nodes("0", "0", "0-1");
	assert_note(second, "libvirt-left-cpuset", "written directly is " SCOPE "/vcpu0");
}

/* Nor for a moment: what the kernel would move then, it would move at once. */
static void test_widening_takes_no_node_away(void **state)
{
	(void)state;
	vn_automove *move = new_move(), *threads = vn_move_new();

	put_mems(SCOPE "/vcpu0", "0-2");
	find(move, NULL);
	set(move, VN_CPUSET_WIDEN);
	assert_file("log", "nodes 0-2");
	assert_nodes("0-2", "0-1", "0-2");
	assert_note(move, "libvirt-left-cpuset", SCOPE "/emulator");
	set(move, VN_CPUSET_NARROW);
	assert_nodes("1", "1", "1");
	/* undo widens first, also if only threads were moved last */
	threads->process.pid = PID;
	find(threads, move);
	set(threads, VN_CPUSET_WIDEN);
	assert_file("nodes", "0-2");
	set(threads, VN_CPUSET_BACK);
	assert_nodes("0", "0", "0-2");
}

static void test_libvirt_is_not_told(void **state)
{
	(void)state;
	vn_automove *other = new_move(), *unasked = new_move(), *idle = new_move();

	*other->numatune.domain = '\0';
	find(other, NULL);
	assert_int_equal(other->n_cpusets, 1); /* what lacks a node, alone */
	assert_string_equal(other->cpusets[0].path, SCOPE "/emulator");
	set(other, VN_CPUSET_WIDEN);
	set(other, VN_CPUSET_NARROW);
	assert_nodes("0", "1", "0-1");
	set(other, VN_CPUSET_BACK);
	assert_nodes("0", "0", "0-1");
	assert_int_equal(other->notes.n, 0);
	fake_put(&fake, "crash", "");
	find(unasked, NULL);
	assert_int_equal(unasked->n_cpusets, 1);
	assert_note(unasked, "libvirt-not-told", "nodes 1, ");
	put_mems(SCOPE "/emulator", "0-1"); /* none lacks any: nobody is asked */
	find(idle, NULL);
	assert_int_equal(idle->n_cpusets + idle->notes.n, 0);
}

/* It says yes, and its cgroups are what they were. */
static void test_libvirt_leaves_cpusets(void **state)
{
	(void)state;
	vn_automove *move = new_move();

	fake_put(&fake, "cgroups", "unused");
	find(move, NULL);
	set(move, VN_CPUSET_WIDEN);
	assert_nodes("0-1", "0-1", "0-1");
	assert_note(move, "libvirt-left-cpuset", "written directly is " SCOPE "/emulator");
	set(move, VN_CPUSET_NARROW);
	assert_nodes("1", "1", "1");
	assert_note(move, "libvirt-left-cpuset", " and others");
	assert_int_equal(move->notes.n, 1);
	set(move, VN_CPUSET_BACK);
	assert_nodes("0", "0", "0-1");
	assert_file("log", "nodes 0-1"); /* the first of what it was told */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_undo_brings_back_what_lacked_nothing, begin, end),
		cmocka_unit_test_setup_teardown(test_widening_takes_no_node_away, begin, end),
		cmocka_unit_test_setup_teardown(test_libvirt_is_not_told, begin, end),
		cmocka_unit_test_setup_teardown(test_libvirt_leaves_cpusets, begin, end),
	};
	/* loaded, it is what this name means */
	if (!dlopen(FAKE_LIBVIRT, RTLD_NOW)) {
		print_error("%s\n", dlerror());
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
