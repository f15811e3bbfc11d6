/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A move as JSON: there and back, every field missing or of another kind, values that do not go together. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/model/move.h"
#include "move_maker.h"

static json_t *load(void)
{
	json_t *json = json_loads(move_sample, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	return json;
}

static void test_round_trip(void **state)
{
	(void)state;
	json_auto_t *json = load();
	vn_automove *move = NULL;
	vn_autoerror err = {0};
	int r = vn_move_from_json(json, "a.move", &move, &err);
	if (r < 0)
		print_message("%s: %s\n", err.problems[0].key, err.problems[0].text);
	assert_int_equal(r, 0);
	assert_int_equal(err.n, 0);
	assert_string_equal(move->name, "db");
	assert_int_equal(move->process.pid, 4711);
	assert_int_equal(move->manager, VN_MANAGER_LIBVIRT);
	assert_string_equal(move->boot, MAKER_BOOT);
	assert_int_equal(move->phase, VN_MOVE_THREADS_MOVED);
	assert_int_equal(move->n_homes, 2);
	assert_int_equal(move->homes[0], 2);
	assert_int_equal(move->thread_list[1].tid, 4721);
	assert_true(hwloc_bitmap_isset(move->thread_list[1].after, 65535));
	assert_int_equal(move->thread_list[2].vnode, -1);
	assert_true(move->thread_list[2].of_kernel);
	assert_int_equal(move->blocks[0].address, 0);
	assert_int_equal(move->blocks[0].policy, VN_MODE_UNKNOWN);
	assert_int_equal(move->blocks[1].n_before, 2);
	assert_int_equal(move->blocks[1].before[1].node, 10);
	assert_int_equal(move->blocks[2].page, 2097152);
	assert_int_equal(move->ranges[2].node, 0);
	assert_int_equal(move->irqs[0].number, 33);
	assert_int_equal(move->n_guest_settings, 2);
	assert_string_equal(move->guest_settings[0].path, "/sys/class/net/eth0/queues/tx-1/xps_cpus");
	assert_true(hwloc_bitmap_iszero(move->guest_settings[0].before));
	assert_true(hwloc_bitmap_isset(move->guest_settings[1].after, 2));
	assert_null(move->guest_settings[0].earlier);
	assert_true(hwloc_bitmap_isset(move->guest_settings[1].earlier, 3));
	assert_string_equal(move->cpusets[0].path, "/machine.slice/machine-qemu\\x2d1\\x2ddb.scope");
	assert_string_equal(move->numatune.domain, MAKER_BOOT);
	assert_true(hwloc_bitmap_isset(move->numatune.during, 0));
	assert_false(move->limits.has_reserve);
	assert_true(move->limits.pressure == 10.5);
	assert_true(move->order_known && move->order == VN_ORDER_IDLENESS);
	assert_int_equal(move->progress.stayed[VN_STAYED_UNKNOWN], 7);
	assert_string_equal(move->notes.v[0].code, "policy-stays");
	json_auto_t *again = vn_move_to_json(move);
	assert_true(json_equal(json, again));
}

static void test_unknown_is_null(void **state)
{
	(void)state;
	json_auto_t *json = load();
	json_object_set_new(json, "order", json_null());
	json_object_set_new(json_object_get(json, "process"), "exe", json_null());
	json_object_set_new(json_object_get(json, "limits"), "reserve", json_integer(5));
	vn_automove *move = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_move_from_json(json, "a.move", &move, &err), 0);
	assert_false(move->order_known);
	assert_null(move->process.exe);
	assert_true(move->limits.has_reserve && move->limits.reserve == 5);
	json_auto_t *again = vn_move_to_json(move);
	assert_true(json_equal(json, again));
}

/* What is not written down yet, and sets without end, are null: not read back, but no crash. */
static void test_empty_move(void **state)
{
	(void)state;
	vn_automove *move = vn_move_new();
	struct vn_move *back = NULL;
	vn_autoerror err = {0};
	move->thread_list = calloc(1, sizeof(*move->thread_list));
	move->thread_list->after = hwloc_bitmap_alloc_full();
	move->n_threads = 1;
	json_auto_t *json = vn_move_to_json(move);
	assert_non_null(json);
	assert_true(json_is_null(json_object_get(json, "boot")));
	assert_int_equal(vn_move_from_json(json, "a.move", &back, &err), -EINVAL);
	assert_null(back);
}

/* One problem, of that key. */
static void assert_refused(const json_t *json, const char *key)
{
	struct vn_move *move = NULL;
	vn_autoerror err = {0};
	int r = vn_move_from_json(json, "a.move", &move, &err);
	if (r != -EINVAL || err.n != 1 || !err.problems[0].key || strcmp(err.problems[0].key, key) != 0) {
		print_message("%s: status %d, %zu problems\n", key, r, err.n);
		for (size_t i = 0; i < err.n; i++)
			print_message("  %s: %s\n", err.problems[i].key, err.problems[i].text);
		fail();
	}
	assert_null(move);
	assert_true(err.input);
	assert_string_equal(err.problems[0].file, "a.move");
}

static unsigned damaged; /* fields tried */

static void damage(const json_t *root, json_t *inner, const char *path);

/* The field missing, then of a kind that no field has. What it is the count of nodes of may be missing. */
static void damage_field(const json_t *root, json_t *object, const char *key, const char *path)
{
	vn_autofree char *named = *path ? vn_format("%s.%s", path, key) : strdup(key);
	json_auto_t *old = json_incref(json_object_get(object, key));
	size_t length = strlen(path);
	if (length < 6 || strcmp(path + length - 6, "before") != 0) {
		json_object_del(object, key);
		assert_refused(root, named);
	}
	json_object_set_new(object, key, json_is_boolean(old) ? json_integer(1) : json_true());
	assert_refused(root, named);
	json_object_set(object, key, old);
	damaged++;
	damage(root, old, named);
}

static void damage(const json_t *root, json_t *inner, const char *path)
{
	if (json_is_object(inner)) {
		size_t n = 0;
		char keys[32][32];
		const char *key;
		json_t *value;
		json_object_foreach (inner, key, value)
			snprintf(keys[n++], sizeof(keys[0]), "%s", key);
		for (size_t i = 0; i < n; i++)
			damage_field(root, inner, keys[i], path);
	}
	for (size_t i = 0; i < json_array_size(inner); i++) {
		vn_autofree char *named = vn_format("%s[%zu]", path, i);
		json_auto_t *old = json_incref(json_array_get(inner, i));
		json_array_set_new(inner, i, json_true());
		assert_refused(root, json_is_object(old) ? named : path);
		json_array_set(inner, i, old);
		if (json_is_object(old))
			damage(root, old, named);
	}
}

static void test_every_field(void **state)
{
	(void)state;
	json_auto_t *json = load();
	damage(json, json, "");
	assert_in_range(damaged, 110, 200); /* it did walk */
	struct vn_move *move = NULL;
	assert_int_equal(vn_move_from_json(json, "a.move", &move, NULL), 0); /* and left it as it was */
	vn_move_free(move);
}

/* `value` in place of what `path`, "threads.0.tid", leads to. */
static void assert_bad(const char *path, json_t *value, const char *key)
{
	json_auto_t *json = load();
	vn_autofree char *copy = strdup(path);
	char *rest = copy, *part, *last = NULL;
	json_t *object = json, *outer = NULL;
	while ((part = strsep(&rest, "."))) {
		outer = object;
		last = part;
		object = json_is_array(outer) ? json_array_get(outer, strtoul(part, NULL, 10))
					      : json_object_get(outer, part);
	}
	if (json_is_array(outer))
		json_array_set_new(outer, strtoul(last, NULL, 10), value);
	else
		json_object_set_new(outer, last, value);
	assert_refused(json, key);
}

static json_t *parsed(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(json);
	return json;
}

static void test_wrong_values(void **state)
{
	(void)state;
	static const struct {
		const char *path, *value, *key;
	} cases[] = {
		{"schema", "\"vnuma.move/2\"", "schema"},
		{"name", "\"\"", "name"},
		{"name", "null", "name"},
		{"name", "\"a\\u001bb\"", "name"},
		{"process.pid", "0", "process.pid"},
		{"process.pid", "-1", "process.pid"},
		{"process.pid", "4294967297", "process.pid"},
		{"process.exe", "\"qemu\"", "process.exe"},
		{"process.start_time", "-5", "process.start_time"},
		{"boot", "\"01234567-89ab-cdef-0123-456789abcde\"", "boot"},
		{"boot", "\"01234567-89ab-cdef-0123-456789abcdef0\"", "boot"},
		{"boot", "\"01234567-89AB-cdef-0123-456789abcdef\"", "boot"},
		{"boot", "\"01234567089ab-cdef-0123-456789abcdef\"", "boot"},
		{"boot", "null", "boot"},
		{"phase", "\"begun\"", "phase"},
		{"manager", "\"xen\"", "manager"},
		{"homes", "[]", "homes"},
		{"homes.0", "1024", "homes"},
		{"homes.0", "-1", "homes"},
		{"threads.0.tid", "0", "threads[0].tid"},
		{"threads.0.tid", "-1", "threads[0].tid"},
		{"threads.0.before", "[]", "threads[0].before"},
		{"threads.0.after", "[]", "threads[0].after"},
		{"threads.0.after", "null", "threads[0].after"},
		{"threads.0.after", "[65536]", "threads[0].after"},
		{"threads.0.after", "[1, 1]", "threads[0].after"},
		{"threads.0.index", "-1", "threads[0].index"},
		{"threads.0.vnode", "32", "threads[0].vnode"},
		{"threads.0.vnode", "2", "threads"},
		{"threads.1.tid", "4720", "threads"},
		{"threads.1.index", "0", "threads"},
		{"threads.2.kind", "\"vcpu\"", "threads"},
		{"blocks.1.address", "1", "blocks[1].address"},
		{"blocks.2.address", "140001151029248", "blocks[2].address"},
		{"blocks.1.size", "100", "blocks[1].size"},
		{"blocks.1.size", "4097", "blocks[1].size"},
		{"blocks.1.size", "1181116006400", "blocks"},
		{"blocks.1.vnode", "3", "blocks"},
		{"blocks.2.page", "4097", "blocks[2].page"},
		{"blocks.2.page", "0", "blocks[2].page"},
		{"blocks.1.before", "{\"1024\": 1}", "blocks[1].before.1024"},
		{"blocks.1.before", "{\"01\": 1}", "blocks[1].before.01"},
		{"blocks.1.before", "{\"-1\": 1}", "blocks[1].before.-1"},
		{"blocks.1.before", "{\"1\": -1}", "blocks[1].before.1"},
		{"blocks.1.policy_nodes", "[1024]", "blocks[1].policy_nodes"},
		{"ranges.0.address", "0", "ranges[0].address"},
		{"ranges.0.address", "140000000000001", "ranges[0].address"},
		{"ranges.0.address", "140000000004096", "ranges"},
		{"ranges.0.address", "9223372036854771712", "ranges[0].size"},
		{"ranges.0.size", "536875008", "ranges"},
		{"ranges.2.size", "4096", "ranges[2].size"},
		{"ranges.0.node", "1024", "ranges[0].node"},
		{"ranges.0.vnode", "2", "ranges"},
		{"irqs.0.number", "-1", "irqs[0].number"},
		{"irqs.0.number", "34", "irqs"},
		{"irqs.0.before", "[]", "irqs[0].before"},
		{"guest_settings.0.path", "\"/sys/class/net/../queues/tx-1/xps_cpus\"",
			"guest_settings[0].path"},
		{"guest_settings.0.path", "\"/sys/class/net/a/b/queues/tx-1/xps_cpus\"",
			"guest_settings[0].path"},
		{"guest_settings.0.path", "\"/sys/class/net/eth0/queues/tx-01/xps_cpus\"",
			"guest_settings[0].path"},
		{"guest_settings.0.path", "\"/sys/class/net/eth0/queues/tx-/xps_cpus\"",
			"guest_settings[0].path"},
		{"guest_settings.0.path", "\"/sys/class/net/eth0/queues/tx-1/rps_cpus\"",
			"guest_settings[0].path"},
		{"guest_settings.0.path", "\"/sys/class/net/abcdefghijklmnop/queues/tx-1/xps_cpus\"",
			"guest_settings[0].path"},
		{"guest_settings.0.path", "\"/etc/passwd\"", "guest_settings[0].path"},
		{"guest_settings.0.path", "\"/proc/irq/-1/smp_affinity\"", "guest_settings[0].path"},
		{"guest_settings.0.path", "\"/proc/irq/smp_affinity\"", "guest_settings[0].path"},
		{"guest_settings.0.path", "\"/proc/irq/2147483648/smp_affinity\"", "guest_settings[0].path"},
		{"guest_settings.0.path", "\"/proc/irq/27/smp_affinity\"", "guest_settings"},
		{"guest_settings.0.before", "null", "guest_settings[0].before"},
		{"guest_settings.0.before", "[1024]", "guest_settings[0].before"},
		{"guest_settings.0.after", "[]", "guest_settings[0].after"},
		{"guest_settings.1.earlier", "[1024]", "guest_settings[1].earlier"},
		{"guest_settings.0.nic", "-1", "guest_settings[0].nic"},
		{"guest_settings.1.queue", "65536", "guest_settings[1].queue"},
		{"mems_during", "null", "mems_during"},
		{"mems_after", "[]", "mems_after"},
		{"mems_after", "[5]", "mems_after"},
		{"cpusets.0.path", "\"machine.slice\"", "cpusets[0].path"},
		{"cpusets.0.path", "\"/\"", "cpusets[0].path"},
		{"cpusets.0.path", "\"/a/../..\"", "cpusets[0].path"},
		{"cpusets.0.path", "\"/a//b\"", "cpusets[0].path"},
		{"cpusets.0.path", "\"/a/\"", "cpusets[0].path"},
		{"cpusets.0.path", "\"/a/./b\"", "cpusets[0].path"},
		{"cpusets.0.during", "[0, 2]", "cpusets"},
		{"cpusets.0.during", "[1, 2]", "cpusets"},
		{"numatune", "7", "numatune"},
		{"numatune.domain", "\"db\"", "numatune.domain"},
		{"numatune.domain", "null", "numatune.domain"},
		{"numatune.before", "null", "numatune.before"},
		{"numatune.after", "[]", "numatune.after"},
		{"numatune.during", "[0, 2]", "numatune.during"},
		{"numatune.during", "[1, 2]", "numatune.during"},
		{"limits.stall_us", "0", "limits.stall_us"},
		{"limits.rate", "-1", "limits.rate"},
		{"limits.pressure", "100.5", "limits.pressure"},
		{"limits.pressure", "-1", "limits.pressure"},
		{"order", "\"random\"", "order"},
		{"progress.moved", "-1", "progress.moved"},
		{"progress.stayed.pinned", "1.0", "progress.stayed.pinned"},
		{"notes.0.text", "\"a\\nb\"", "notes[0].text"},
		{"notes.0.code", "\"a-code-that-is-longer-than-31-bytes\"", "notes[0].code"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].key)
			assert_bad(cases[i].path, parsed(cases[i].value), cases[i].key);
	}
}

static void test_what_is_allowed(void **state)
{
	(void)state;
	json_auto_t *json = load();
	/* a cgroup may have dots in its name, blocks that were not found are anywhere in the list */
	json_t *cpuset = json_array_get(json_object_get(json, "cpusets"), 0);
	json_object_set_new(cpuset, "path", json_string("/..a/b../..."));
	json_array_append(
		json_object_get(json, "blocks"), json_array_get(json_object_get(json, "blocks"), 0));
	struct vn_move *move = NULL;
	assert_int_equal(vn_move_from_json(json, "a.move", &move, NULL), 0);
	vn_move_free(move);
}

static void test_all_problems_are_told(void **state)
{
	(void)state;
	json_auto_t *json = json_object(), *list = json_array();
	struct vn_move *move = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_move_from_json(json, "a.move", &move, &err), -EINVAL);

	json_auto_t *sample = load();
	vn_autofree char *more = vn_format("%zu more problems", json_object_size(sample) - 20);
	assert_int_equal(err.n, 21); /* one for each field, of which 20 are told */
	assert_string_equal(err.problems[20].text, more);
	vn_error_clear(&err);
	assert_int_equal(vn_move_from_json(list, "a.move", &move, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_null(move);
}

/* What vnuma io sets: no memory, and so no homes of it; vnodes as the guest has them. */
static void test_threads_alone(void **state)
{
	(void)state;
	json_auto_t *json = load();
	vn_automove *move = NULL;
	json_array_clear(json_object_get(json, "homes"));
	assert_refused(json, "homes");
	json_array_clear(json_object_get(json, "ranges"));
	assert_refused(json, "homes"); /* memory is to be moved, and there is none to say where to */
	json_object_set_new(json, "moves_memory", json_false());
	json_object_set_new(json, "manager", json_string("libvirt-session"));
	assert_int_equal(vn_move_from_json(json, "a.move", &move, NULL), 0);
	assert_int_equal(move->n_homes, 0);
	assert_int_equal(move->thread_list[1].vnode, 1);
	assert_int_equal(move->manager, VN_MANAGER_LIBVIRT_SESSION);
	json_auto_t *again = vn_move_to_json(move);
	assert_true(json_equal(json, again));
}

/* More than the limit, each of them well formed. */
static void test_too_many(void **state)
{
	(void)state;
	json_auto_t *json = load();
	json_t *cpusets = json_object_get(json, "cpusets");
	while (json_array_size(cpusets) <= 8192)
		json_array_append(cpusets, json_array_get(cpusets, 0));
	assert_refused(json, "cpusets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_unknown_is_null),
		cmocka_unit_test(test_empty_move),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_what_is_allowed),
		cmocka_unit_test(test_all_problems_are_told),
		cmocka_unit_test(test_threads_alone),
		cmocka_unit_test(test_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
