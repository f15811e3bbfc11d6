/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record of a VM: there and back, and every field missing or wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/model/vm.h"

static const char sample[] =
	"{\"schema\": \"vnuma.vm/1\", \"name\": \"a.b-c+d_1\", \"phase\": \"started\","
	" \"process\": {\"pid\": 4711, \"start_time\": 1234567890123, \"exe\": "
	"\"/usr/bin/qemu-system-x86_64\"},"
	" \"accel\": \"kvm\", \"qmp_path\": \"/run/vnuma/a.qmp\", \"log_path\": \"/run/vnuma/a.log\","
	" \"started\": 1700000000, \"memory\": 2147483648, \"vcpus\": 4,"
	" \"backends\": [{\"vnode\": 0, \"id\": \"ram0\", \"memory\": 1073741824, \"binding\": \"preferred\","
	"  \"policy_nodes\": [1], \"nodes\": [1, 3], \"address\": 140737488289792},"
	"  {\"vnode\": 1, \"id\": \"ram1\", \"memory\": 1073741824, \"binding\": \"interleave\","
	"  \"policy_nodes\": [0, 2], \"nodes\": [0, 2], \"address\": 0}],"
	" \"threads\": [{\"kind\": \"vcpu\", \"index\": 3, \"tid\": 4720, \"cpus\": [4, 5, 2000]},"
	"  {\"kind\": \"iothread\", \"index\": 1, \"tid\": 4721, \"cpus\": [1]},"
	"  {\"kind\": \"vhost\", \"index\": 2, \"tid\": 4722, \"cpus\": [2]},"
	"  {\"kind\": \"emulator\", \"index\": 0, \"tid\": 4711, \"cpus\": [0, 1]}],"
	" \"channels\": [{\"name\": \"org.qemu.guest_agent.0\", \"path\": \"/run/vnuma/a.qga\"}],"
	" \"plan\": {\"schema\": \"vnuma.plan/1\", \"homes\": [1, 0]}}";

static json_t *load(void)
{
	json_t *json = json_loads(sample, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	return json;
}

static void test_round_trip(void **state)
{
	(void)state;
	json_auto_t *json = load();
	vn_autovm *vm = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_vm_from_json(json, "a.json", &vm, &err), 0);
	assert_int_equal(err.n, 0);
	assert_string_equal(vm->name, "a.b-c+d_1");
	assert_int_equal(vm->phase, VN_VM_STARTED);
	assert_int_equal(vm->process.pid, 4711);
	assert_true(vm->process.start_time == 1234567890123);
	assert_int_equal(vm->n_backends, 2);
	assert_int_equal(vm->backends[1].binding, VN_BINDING_INTERLEAVE);
	assert_true(hwloc_bitmap_isset(vm->backends[0].nodes, 3));
	assert_true(vm->backends[0].address == 140737488289792);
	assert_int_equal(vm->n_threads, 4);
	assert_int_equal(vm->threads[0].index, 3);
	assert_int_equal(vm->n_channels, 1);
	assert_string_equal(vm->channels[0].path, "/run/vnuma/a.qga");
	assert_true(hwloc_bitmap_isset(vm->threads[0].cpus, 2000));
	json_auto_t *again = vn_vm_to_json(vm);
	assert_true(json_equal(json, again));
}

/* Memory of a device: there and back, and what it becomes when the guest is to have more. */
static void test_device_memory(void **state)
{
	(void)state;
	json_auto_t *json = load();
	vn_autovm *vm = NULL;
	vn_autoerror err = {0};
	json_t *backend = json_array_get(json_object_get(json, "backends"), 1);
	json_object_set_new(backend, "device", json_string("vmem1"));
	json_object_set_new(backend, "requested", json_integer(512 << 20));
	json_object_set_new(json, "plan",
		json_loads(
			"{\"vnodes\": [{\"id\": 0, \"memory\": 7}, {\"id\": 1, \"memory\": 1000, \"shares\": [{\"pnode\": 0, \"memory\": 1000}]}],"
			"\"guest_view\": {\"nodes\": [{\"id\": 0, \"vnode\": 1, \"memory\": 1000}]}}",
			0, NULL));
	assert_int_equal(vn_vm_from_json(json, "a.json", &vm, &err), 0);
	assert_null(vn_vm_device_of(vm, 0));
	assert_ptr_equal(vn_vm_device_of(vm, 1), &vm->backends[1]);
	assert_true(vn_vm_fixed_memory(vm, 0) == 1 << 30 && vn_vm_fixed_memory(vm, 1) == 0);
	assert_true(vm->backends[0].requested == 1 << 30 && vm->backends[1].requested == 512 << 20);
	json_auto_t *again = vn_vm_to_json(vm);
	assert_true(json_equal(json, again));

	assert_int_equal(vn_vm_resized(vm, &vm->backends[1], (512 << 20) + 24), 0);
	assert_true(vm->memory == UINT64_C(2147483648) + 24);
	assert_true(vm->backends[1].requested == (512 << 20) + 24);
	json_auto_t *plan = json_loads(
		"{\"vnodes\": [{\"id\": 0, \"memory\": 7}, {\"id\": 1, \"memory\": 1024, \"shares\": [{\"pnode\": 0, \"memory\": 1024}]}],"
		"\"guest_view\": {\"nodes\": [{\"id\": 0, \"vnode\": 1, \"memory\": 1024}]}}",
		0, NULL);
	assert_true(json_equal(vm->plan, plan));
	assert_false(
		json_equal(json_object_get(json, "plan"), plan)); /* whoever else has the old one keeps it */

	vn_autovm *none = NULL;
	json_object_set_new(backend, "requested", json_integer((1 << 30) + 1)); /* more than there is */
	assert_int_equal(vn_vm_from_json(json, "a.json", &none, &err), -EINVAL);
	json_object_set_new(backend, "requested", json_integer(0));
	json_object_set_new(backend, "device", json_string("0123456789abcdef"));
	assert_int_equal(vn_vm_from_json(json, "a.json", &none, &err), -EINVAL);
	assert_int_equal(err.n, 2);
}

/* A vnode of three shares, and a VM whose device's request changes by `change`. */
static void assert_shares(int change, const char *pnodes, const char *shares)
{
	json_auto_t *json = load();
	json_auto_t *want_pnodes = json_loads(pnodes, 0, NULL), *want_shares = json_loads(shares, 0, NULL);
	vn_autovm *vm = NULL;
	json_t *backend = json_array_get(json_object_get(json, "backends"), 1);
	json_object_set_new(backend, "device", json_string("vmem1"));
	json_object_set_new(backend, "requested", json_integer(700));
	json_object_set_new(json, "plan",
		json_loads(
			"{\"vnodes\": [{\"id\": 1, \"memory\": 1000, \"pnodes\": [2, 0, 1], \"shares\": [{\"pnode\": 2, \"memory\": 300}, "
			"{\"pnode\": 0, \"memory\": 200}, {\"pnode\": 1, \"memory\": 500}]}]}",
			0, NULL));
	assert_int_equal(vn_vm_from_json(json, "a.json", &vm, NULL), 0);
	assert_int_equal(vn_vm_resized(vm, &vm->backends[1], (uint64_t)(700 + change)), 0);
	const json_t *vnode = json_array_get(json_object_get(vm->plan, "vnodes"), 0);
	assert_int_equal(json_integer_value(json_object_get(vnode, "memory")), 1000 + change);
	assert_true(json_equal(json_object_get(vnode, "pnodes"), want_pnodes));
	assert_true(json_equal(json_object_get(vnode, "shares"), want_shares));
}

/* They stay what a plan's are: their sum is the vnode's memory, none is empty, and `pnodes` names theirs. */
static void test_several_shares(void **state)
{
	(void)state;
	assert_shares(50, "[2, 0, 1]",
		"[{\"pnode\": 2, \"memory\": 350}, {\"pnode\": 0, \"memory\": 200}, {\"pnode\": 1, \"memory\": 500}]");
	assert_shares(-299, "[2, 0, 1]",
		"[{\"pnode\": 2, \"memory\": 1}, {\"pnode\": 0, \"memory\": 200}, {\"pnode\": 1, \"memory\": 500}]");
	assert_shares(-300, "[0, 1]", "[{\"pnode\": 0, \"memory\": 200}, {\"pnode\": 1, \"memory\": 500}]");
	assert_shares(-350, "[0, 1]", "[{\"pnode\": 0, \"memory\": 150}, {\"pnode\": 1, \"memory\": 500}]");
	assert_shares(-700, "[1]", "[{\"pnode\": 1, \"memory\": 300}]");
}

static void test_exe_may_be_unknown(void **state)
{
	(void)state;
	json_auto_t *json = load();
	json_object_set_new(json_object_get(json, "process"), "exe", json_null());
	vn_autovm *vm = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_vm_from_json(json, "a.json", &vm, &err), 0);
	assert_null(vm->process.exe);
	json_auto_t *again = vn_vm_to_json(vm);
	assert_true(json_equal(json, again));
}

/* Sets (or with NULL removes) what `path` leads to ("backends", "0", "id") in a fresh sample, and wants one
 * problem for it. */
static void assert_refused(const char *outer, int index, const char *key, json_t *value, const char *named)
{
	json_auto_t *json = load();
	json_t *object = json;
	if (outer)
		object = json_object_get(object, outer);
	if (index >= 0)
		object = json_array_get(object, (size_t)index);
	assert_true(json_is_object(object));
	if (value)
		json_object_set_new(object, key, value);
	else
		json_object_del(object, key);
	struct vn_vm *vm = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_vm_from_json(json, "a.json", &vm, &err), -EINVAL);
	assert_null(vm);
	assert_true(err.input);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].file, "a.json");
	assert_string_equal(err.problems[0].key, named);
}

static void test_missing_fields(void **state)
{
	(void)state;
	static const struct {
		const char *outer;
		int index;
		const char *key, *named;
	} fields[] = {
		{NULL, -1, "schema", "schema"},
		{NULL, -1, "name", "name"},
		{NULL, -1, "phase", "phase"},
		{NULL, -1, "process", "process"},
		{NULL, -1, "accel", "accel"},
		{NULL, -1, "qmp_path", "qmp_path"},
		{NULL, -1, "log_path", "log_path"},
		{NULL, -1, "started", "started"},
		{NULL, -1, "memory", "memory"},
		{NULL, -1, "vcpus", "vcpus"},
		{NULL, -1, "backends", "backends"},
		{NULL, -1, "threads", "threads"},
		{NULL, -1, "plan", "plan"},
		{"process", -1, "pid", "process.pid"},
		{"process", -1, "start_time", "process.start_time"},
		{"process", -1, "exe", "process.exe"},
		{"backends", 1, "vnode", "backends[1].vnode"},
		{"backends", 1, "id", "backends[1].id"},
		{"backends", 1, "memory", "backends[1].memory"},
		{"backends", 1, "binding", "backends[1].binding"},
		{"backends", 1, "policy_nodes", "backends[1].policy_nodes"},
		{"backends", 1, "nodes", "backends[1].nodes"},
		{"backends", 1, "address", "backends[1].address"},
		{"threads", 0, "kind", "threads[0].kind"},
		{"threads", 0, "index", "threads[0].index"},
		{"threads", 0, "tid", "threads[0].tid"},
		{"threads", 0, "cpus", "threads[0].cpus"},
		{"channels", 0, "name", "channels[0].name"},
		{"channels", 0, "path", "channels[0].path"},
	};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		assert_refused(fields[i].outer, fields[i].index, fields[i].key, NULL, fields[i].named);
		/* true is a value that no field has */
		assert_refused(fields[i].outer, fields[i].index, fields[i].key, json_true(), fields[i].named);
	}
}

static void test_wrong_values(void **state)
{
	(void)state;
	assert_refused(NULL, -1, "schema", json_string("vnuma.vm/2"), "schema");
	assert_refused(NULL, -1, "name", json_string("../../etc/passwd"), "name");
	assert_refused(NULL, -1, "phase", json_string("stopped"), "phase");
	assert_refused(NULL, -1, "accel", json_string("hvf"), "accel");
	assert_refused(NULL, -1, "qmp_path", json_string("relative"), "qmp_path");
	assert_refused(NULL, -1, "memory", json_integer(0), "memory");
	assert_refused(NULL, -1, "memory", json_integer(-1), "memory");
	assert_refused(NULL, -1, "vcpus", json_integer(100000), "vcpus");
	assert_refused(NULL, -1, "backends", json_object(), "backends");
	assert_refused(NULL, -1, "channels", json_object(), "channels");
	assert_refused("channels", 0, "path", json_string("run/a"), "channels[0].path");
	assert_refused("channels", 0, "path", json_string("/run/"), "channels[0].path");
	assert_refused("process", -1, "pid", json_integer(0), "process.pid");
	assert_refused("process", -1, "pid", json_integer(-1), "process.pid");
	assert_refused("process", -1, "pid", json_integer(1LL << 32), "process.pid");
	assert_refused("process", -1, "pid", json_real(4711.0), "process.pid");
	assert_refused("process", -1, "exe", json_string("qemu"), "process.exe");
	assert_refused("backends", 0, "id", json_string("ram00000000000000000"), "backends[0].id");
	assert_refused("backends", 0, "nodes", json_array(), "backends[0].nodes");
	assert_refused("backends", 0, "nodes", json_pack("[i]", -1), "backends[0].nodes");
	assert_refused("backends", 0, "nodes", json_pack("[s]", "1"), "backends[0].nodes");
	assert_refused("threads", 3, "cpus", json_pack("[i]", 65536), "threads[3].cpus");
	assert_refused("threads", 3, "tid", json_integer(0), "threads[3].tid");
}

static void test_all_problems_are_told(void **state)
{
	(void)state;
	json_auto_t *json = json_object();
	struct vn_vm *vm = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_vm_from_json(json, "a.json", &vm, &err), -EINVAL);
	assert_int_equal(err.n, 13);
	vn_error_clear(&err);
	json_auto_t *list = json_pack("[]");
	assert_int_equal(vn_vm_from_json(list, "a.json", &vm, &err), -EINVAL);
	assert_null(vm);
}

static void test_names(void **state)
{
	(void)state;
	static const char *const good[] = {"a", "_", "0", "a.b", "A-1+x_y.z",
		"a23456789012345678901234567890123456789012345678901234567890123"};
	static const char *const bad[] = {"", ".", "..", "-a", ".a", "+a", "a/b", "a b", "a,b", "a=b", "a\n",
		"\xc3\xa4", "a234567890123456789012345678901234567890123456789012345678901234"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(vn_vm_name_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(vn_vm_name_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_device_memory),
		cmocka_unit_test(test_several_shares),
		cmocka_unit_test(test_exe_may_be_unknown),
		cmocka_unit_test(test_missing_fields),
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_all_problems_are_told),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
