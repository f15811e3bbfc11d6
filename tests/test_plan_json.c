/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans read back from JSON: what was printed is read and prints the same; what was changed is found, all of it; plans of
 * several guests, counted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/guest/guest_cfg.h"
#include "../src/model/plan_from_json.h"
#include "../src/model/tenants.h"
#include "../src/plan/plan_make.h"
#include "host_maker.h"

#define TWO "name='two'\nmemory=4096\nvcpus=4\nvnodes=2\n"

/* Two nodes of 4 cores with 2 threads and 8 GiB each: CPUs 0-3,8-11 and 4-7,12-15. */
static struct vn_host *two_nodes(void)
{
	static const struct maker_node nodes[] = {{4, 8192}, {4, 8192}};
	struct vn_host *host = make_host(2, nodes, 2, 21);
	for (size_t i = 0; i < 2; i++) {
		host->nodes[i].hugepools = maker_alloc(1, sizeof(struct vn_hugepool));
		host->nodes[i].hugepools[0] =
			(struct vn_hugepool){.size = 2 * VN_MIB, .total = 2048, .free = 1024};
		host->nodes[i].n_hugepools = 1;
	}
	return host;
}

static json_t *plan_json(const struct vn_host *host, const char *cfg)
{
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;
	vn_autoerror err = {0};
	struct vn_plan_options options = {.runner_up = true};
	assert_int_equal(vn_guest_from_cfg(cfg, "g.cfg", false, &guest, &err), 0);
	assert_int_equal(vn_plan_make(host, guest, &options, &plan, &err), 0);
	assert_true(plan->feasible);
	json_t *json = vn_plan_to_json(plan, guest);
	assert_non_null(json);
	return json;
}

static int read_back(const json_t *json, const struct vn_host *host, struct vn_guest **ret_guest,
	struct vn_plan **ret_plan, struct vn_error *err)
{
	struct vn_where where = {"p.json", 0, NULL};
	return vn_plan_from_json(json, host, &where, ret_guest, ret_plan, err);
}

static void assert_same_again(const json_t *json, const struct vn_host *host)
{
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;
	vn_autoerror err = {0};
	int r = read_back(json, host, &guest, &plan, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%s: %s\n", err.problems[i].key, err.problems[i].text);
	assert_int_equal(r, 0);
	json_auto_t *again = vn_plan_to_json(plan, guest);
	vn_autofree char *was = json_dumps(json, JSON_INDENT(1)), *is = json_dumps(again, JSON_INDENT(1));
	assert_string_equal(was, is);
}

static void test_what_was_printed_reads_back(void **state)
{
	(void)state;
	static const char *const cfgs[] = {
		TWO,
		TWO "vnumamem=[0,4096]\n",
		TWO "vnuma_vnodemap=[1,0]\npolicy='spread'\nmemory_policy='strict'\n",
		TWO "vnuma_vcpumap=[1,0,1,0]\nvdistance=[[10,30],[40,10]]\ncap=50\n",
		TWO "hugepages='2M'\nmemory_policy='preferred'\nmaxvcpus=6\n",
		TWO "cpus='0-1,4-7'\n",
		TWO "cpus='all,^0,^4'\n",
		"name='one'\nmemory=100\n",
		"name='x'\nmemory=1024\nvcpus=4\nthreads=2\npci=['3b:00.0']\n",
		"name='y'\nmemory=1024\nvcpus=4\nvnodes=2\nexclusive_cores=1\npci=['3b:00.0,vnode=1','3b:00.1']\n",
		"name='spills'\nmemory=12288\nvcpus=4\n",
		"name='old'\nmemory=12288\nvcpus=2\nguest_numa='off'\n",
		"name='squeezed'\nmemory=2048\nvcpus=40\nacpi=1\n",
	};
	vn_autohost *host = two_nodes();
	for (size_t i = 0; i < sizeof(cfgs) / sizeof(cfgs[0]); i++) {
		json_auto_t *json = plan_json(host, cfgs[i]);
		assert_same_again(json, host);
	}
}

static void test_what_the_guest_wanted_is_read(void **state)
{
	(void)state;
	vn_autohost *host = two_nodes();
	json_auto_t *json = plan_json(host,
		"name='y'\nmemory=1024\nvcpus=4\nmaxvcpus=8\nvnodes=2\nexclusive_cores=1\nthreads=2\npolicy='spread'\n"
		"memory_policy='preferred'\nhugepages='2M'\nguest_numa='on'\nvnuma_vnodemap=[1,0]\ncpus='all,^0'\n"
		"pci=['3b:00.0,vnode=1']\n");
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;
	assert_int_equal(read_back(json, host, &guest, &plan, NULL), 0);
	assert_string_equal(guest->name, "y");
	assert_string_equal(guest->file, "p.json");
	assert_int_equal(guest->memory, 1024 * VN_MIB);
	assert_int_equal(guest->maxmem, guest->memory);
	assert_int_equal(guest->vcpus, 4);
	assert_int_equal(guest->maxvcpus, 8);
	assert_true(guest->exclusive_cores);
	assert_false(guest->vnodes_open);
	assert_int_equal(guest->threads, 2);
	assert_int_equal(guest->policy, VN_POLICY_SPREAD);
	assert_int_equal(guest->memory_policy, VN_MEMORY_PREFERRED);
	assert_int_equal(guest->guest_numa, VN_GUEST_NUMA_ON);
	assert_int_equal(guest->hugepages, 2 * VN_MIB);
	assert_int_equal(guest->vnodes[0].home, 1);
	assert_false(hwloc_bitmap_isset(guest->cpus, 0));
	assert_true(hwloc_bitmap_isset(guest->cpus, 5000));
	assert_string_equal(guest->hostdevs[0].address, "0000:3b:00.0");
	assert_int_equal(guest->hostdevs[0].vnode, 1);
	assert_int_equal(plan->homes[1], 0);

	/* It can be planned again, to the same end. */
	vn_autoplan *again = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_plan_make(host, guest, NULL, &again, &err), 0);
	assert_int_equal(again->homes[0], plan->homes[0]);
	assert_int_equal(vn_cost_compare(&again->cost, &plan->cost, guest->policy, NULL), 0);
}

static void test_plans_of_earlier_versions_are_read(void **state)
{
	(void)state;
	static const char *const later[] = {"memory_policy_wanted", "guest_numa", "policy", "exclusive_cores",
		"threads", "cpus_allowed", "cpus_excluded", "hostdevs", "runner_up", "cost", "guest_view",
		"warnings", "emulator_cpus", "optimal"};
	vn_autohost *host = two_nodes();
	json_auto_t *json = plan_json(host, TWO "hugepages='2M'\n");
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		json_object_del(json, later[i]);
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;
	assert_int_equal(read_back(json, host, &guest, &plan, NULL), 0);
	assert_int_equal(guest->memory_policy, VN_MEMORY_STRICT); /* as its memory is bound */
	assert_int_equal(guest->guest_numa, VN_GUEST_NUMA_AUTO);
	assert_int_equal(guest->threads, 1);
	assert_null(guest->cpus);
	json_auto_t *again = vn_plan_to_json(plan, guest);
	assert_non_null(again);
}

/* The first problems as "KEY: TEXT" lines. */
static char *problems_of(const json_t *json, const struct vn_host *host)
{
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;
	vn_autoerror err = {0};
	char *all = vn_copy("");
	assert_int_equal(read_back(json, host, &guest, &plan, &err), -EINVAL);
	assert_null(guest);
	assert_null(plan);
	assert_true(err.input);
	for (size_t i = 0; i < err.n; i++) {
		assert_string_equal(err.problems[i].file, "p.json");
		char *more = vn_format("%s%s: %s\n", all, err.problems[i].key ? err.problems[i].key : "-",
			err.problems[i].text);
		free(all);
		all = more;
	}
	return all;
}

static json_t *at(json_t *json, const char *list, size_t i)
{
	json_t *member = json_array_get(json_object_get(json, list), i);
	assert_non_null(member);
	return member;
}

/* A change to the plan of TWO on two nodes, and the one problem it must be. */
struct wrong {
	const char *list; /* NULL: the plan itself */
	size_t i;
	const char *key, *value; /* JSON; NULL: the key is taken away */
	const char *expected;
};

static void test_each_wrong_field_is_told(void **state)
{
	(void)state;
	static const struct wrong wrongs[] = {
		{NULL, 0, "schema", "\"vnuma.plan/2\"",
			"schema: \"vnuma.plan/2\"; expected \"vnuma.plan/1\"\n"},
		{NULL, 0, "feasible", "false",
			"feasible: false; expected true: only a plan that can be had takes anything\n"},
		{NULL, 0, "optimal", "1", "optimal: 1; expected true or false\n"},
		{NULL, 0, "guest", "\"../x\"",
			"guest: \"../x\"; expected a guest's name: letters, digits and ._+-, at most 63\n"},
		{NULL, 0, "guest", NULL,
			"guest: missing; expected a guest's name: letters, digits and ._+-, at most 63\n"},
		{NULL, 0, "hugepages", "3",
			"hugepages: 3; expected a power of two of at least 4096, or 0 for ordinary pages\n"},
		{NULL, 0, "hugepages", "-1",
			"hugepages: -1; expected bytes a page, or 0 for ordinary ones\n"},
		{NULL, 0, "memory_policy", "\"lax\"",
			"memory_policy: \"lax\"; expected preferred, strict or interleave\n"},
		{NULL, 0, "threads", "9", "threads: 9; expected 1 to 8 threads of a core\n"},
		{NULL, 0, "threads", "4", "threads: 4; but vCPUs 0 and 2 are on different vnodes\n"},
		{NULL, 0, "threads", "3",
			"threads: 3; expected a number that divides the 4 vCPUs, of which 4 are online\n"
			"threads: 3; but vCPUs 0 and 2 are on different vnodes\n"},
		{NULL, 0, "exclusive_cores", "true",
			"exclusive_cores: true; but vCPU 1 may use CPUs of an earlier core's\n"
			"exclusive_cores: true; but vCPU 2 may use CPUs of an earlier core's\n"
			"exclusive_cores: true; but vCPU 3 may use CPUs of an earlier core's\n"},
		{NULL, 0, "cpus_allowed", "[]",
			"cpus_allowed: a list of 0; expected one CPU at least, or null for all\n"},
		{NULL, 0, "cpus_allowed", "[3,3]",
			"cpus_allowed: 3; expected a list of numbers from 0 to 65535, each once\n"},
		{NULL, 0, "hostdevs", "[{\"address\":\"3b:00.0\",\"vnode\":2}]",
			"hostdevs[0].address: \"3b:00.0\"; expected a PCI address like 0000:3b:00.0\n"
			"hostdevs[0].vnode: 2; expected one of the vnodes\n"},
		{NULL, 0, "homes", "[0]", "homes: a list of 1; expected 2, one per vnode\n"},
		{NULL, 0, "homes", "[1,0]", "homes: member 0 is not the home of vnode 0, 0\n"},
		{NULL, 0, "vnodes", "[]", "vnodes: a list of 0; expected one vnode at least\n"},
		{NULL, 0, "emulator_cpus", "[0,99]",
			"emulator_cpus: the host has no CPU 99: is it a plan of another host?\n"},
		{NULL, 0, "guest_view", "{\"nodes\":1}", "guest_view.nodes: 1; expected a list\n"},
		{NULL, 0, "warnings", "[{\"code\":\"a\\u001b\",\"text\":\"b\"}]",
			"warnings[0].code: \"a\\u001B\"; expected a code of at most 31 characters\n"},
		{"vnodes", 1, "id", "0", "vnodes[1].id: 0; expected 1, its place in the list\n"},
		{"vnodes", 1, "home", "7", "homes: member 1 is not the home of vnode 1, 7\n"},
		{"vnodes", 1, "home_wanted", "1",
			"vnodes[1].home_wanted: 1; expected the vnode's home, 0, or null\n"},
		{"vnodes", 1, "memory", "1",
			"vnodes[1].memory: 1; expected whole MiB\n"
			"vnodes[1].shares: the sum is 2147483648 bytes; expected 1, which is 'memory'\n"},
		{"vnodes", 1, "memory", "4611686018427387904",
			"vnodes[1].memory: 4611686018427387904; expected bytes, up to 2^46\n"},
		{"vnodes", 0, "vcpus", "[0,1,2]", "vnodes: vCPU 2 is on vnodes 0 and 1; expected one\n"},
		{"vnodes", 1, "vcpus", "[2,3,4]",
			"vnodes: vnode 1 has vCPU 4, which 'vcpus' does not list\n"},
		{"vnodes", 1, "vcpus", "[2]",
			"vcpus[3].vnode: 1; expected the vnode that has vCPU 3 among its 'vcpus'\n"},
		{"vnodes", 1, "distances", "[20,20]",
			"vnodes[1].distances: member 1 is no number from 10 to 10\n"},
		{"vnodes", 1, "distances", "[10,10]",
			"vnodes[1].distances: member 0 is no number from 11 to 255\n"},
		{"vnodes", 1, "cpus", "[0]",
			"vnodes[1].cpus: not the CPUs that its vCPUs may use, taken together\n"},
		{"vnodes", 1, "pnodes", "[1]",
			"vnodes[1].pnodes: a list of 1; expected the nodes of 'shares'\n"},
		{"vnodes", 1, "shares", "[{\"pnode\":0,\"memory\":0}]",
			"vnodes[1].shares[0].memory: 0; expected bytes above 0\n"},
		{"vnodes", 1, "shares",
			"[{\"pnode\":0,\"memory\":1073741824},{\"pnode\":0,\"memory\":1073741824}]",
			"vnodes[1].shares: node 0 is there twice; expected once\nvnodes[1].pnodes: a list of 1; expected the nodes of "
			"'shares'\n"},
		{"vcpus", 2, "id", "3", "vcpus[2].id: 3; expected 2, its place in the list\n"},
		{"vcpus", 2, "vnode", "0",
			"vcpus[2].vnode: 0; expected the vnode that has vCPU 2 among its 'vcpus'\n"},
		{"vcpus", 2, "vnode", "31",
			"vcpus[2].vnode: 31; expected the vnode that has vCPU 2 among its 'vcpus'\n"},
		{"vcpus", 2, "online", "false",
			"vcpus[3].online: true; expected false, as vCPU 2 before it is not online\n"},
		{"vcpus", 2, "cpus", "[]", "vcpus[2].cpus: a list of 0; expected one CPU at least\n"},
		{"vcpus", 2, "cpus", "[0,1,2,3,8,9,10,99]",
			"vnodes[1].cpus: not the CPUs that its vCPUs may use, taken together\n"},
	};
	vn_autohost *host = two_nodes();
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		json_auto_t *json = plan_json(host, TWO);
		json_t *object = w->list ? at(json, w->list, w->i) : json;
		if (w->value)
			assert_int_equal(json_object_set_new(
						 object, w->key, json_loads(w->value, JSON_DECODE_ANY, NULL)),
				0);
		else
			assert_int_equal(json_object_del(object, w->key), 0);
		vn_autofree char *seen = problems_of(json, host);
		assert_string_equal(seen, w->expected);
	}
}

/* The host that the plan was made for has more of what the plan needs. */
static void test_plans_of_another_host(void **state)
{
	(void)state;
	static const struct maker_node small_nodes[] = {{1, 1024}, {4, 8192}}, one_node[] = {{16, 65536}};
	vn_autohost *host = two_nodes(), *small = make_host(2, small_nodes, 2, 21),
		    *one = make_host(1, one_node, 1, 10);
	json_auto_t *json = plan_json(host, TWO "vnuma_vnodemap=[0,1]\n");
	vn_autofree char *seen = problems_of(json, one);
	assert_string_equal(seen,
		"vnodes[1].home: the host has no node 1: is it a plan of another host?\n"
		"vnodes[1].shares: the host has no node 1: is it a plan of another host?\n");
	vn_autofree char *fewer = problems_of(json, small);
	assert_string_equal(fewer,
		"vcpus[0].cpus: CPU 1 is not on node 0 of the host: is it a plan of another host?\n"
		"vcpus[1].cpus: CPU 1 is not on node 0 of the host: is it a plan of another host?\n"
		"vcpus[2].cpus: CPU 5 is not on node 1 of the host: is it a plan of another host?\n"
		"vcpus[3].cpus: CPU 5 is not on node 1 of the host: is it a plan of another host?\n"
		"emulator_cpus: the host has no CPU 10: is it a plan of another host?\n"
		"vnodes: 2 GiB on node 0, which has 1 GiB in all: is it a plan of another host?\n");
}

static void test_a_cpu_that_went_offline_is_still_the_nodes(void **state)
{
	(void)state;
	vn_autohost *host = two_nodes();
	json_auto_t *json = plan_json(host, TWO);
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;
	hwloc_bitmap_clr(host->nodes[0].cpus, 8);
	host->cpus[8].online = false;
	host->cpus[8].node = -1;
	assert_int_equal(read_back(json, host, &guest, &plan, NULL), 0);
}

/* ---- several ---- */

static char *list_text(const struct vn_host *host, const char *format, const char *a, const char *b)
{
	json_auto_t *first = plan_json(host, a), *second = plan_json(host, b);
	vn_autofree char *one = json_dumps(first, 0), *two = json_dumps(second, 0);
	char *text = malloc(strlen(format) + strlen(one) + strlen(two) + 1);
	const char *x = strchr(format, 'A'), *y = strchr(format, 'B');
	sprintf(text, "%.*s%s%.*s%s%s", (int)(x - format), format, one, (int)(y - x - 1), x + 1, two, y + 1);
	return text;
}

static void test_lists_of_plans(void **state)
{
	(void)state;
	static const char *const forms[] = {
		"[A, B]", "{\"schema\":\"vnuma.plans/1\",\"plans\":[A,B],\"cost\":{}}", "{\"plans\":[A,B]}"};
	vn_autohost *host = two_nodes();
	for (size_t i = 0; i < 3; i++) {
		vn_autotenants tenants = {0};
		vn_autoerror err = {0};
		vn_autofree char *text = list_text(host, forms[i], TWO, "name='one'\nmemory=100\n");
		assert_int_equal(vn_tenants_read(text, "f", host, &tenants, &err), 0);
		assert_int_equal(tenants.n, 2);
		assert_string_equal(tenants.guests[0]->name, "two");
		assert_string_equal(tenants.plans[1]->guest, "one");
		assert_int_equal(vn_tenants_find(&tenants, "one"), 1);
		assert_int_equal(vn_tenants_find(&tenants, "x"), -ENOENT);
		vn_tenants_drop(&tenants, 0);
		assert_int_equal(tenants.n, 1);
		assert_int_equal(vn_tenants_find(&tenants, "one"), 0);
	}
	json_auto_t *single = plan_json(host, TWO);
	vn_autofree char *text = json_dumps(single, 0);
	vn_autotenants one = {0}, none = {0}, empty = {0};
	assert_int_equal(vn_tenants_read(text, "f", host, &one, NULL), 0);
	assert_int_equal(one.n, 1);
	assert_int_equal(vn_tenants_read("[]", "f", host, &none, NULL), 0);
	assert_int_equal(none.n, 0);
	assert_int_equal(vn_tenants_read("{\"plans\":[]}", "f", host, &empty, NULL), 0);
}

static void assert_list_problems(const struct vn_host *host, const char *text, const char *expected)
{
	struct vn_tenants tenants = {0};
	vn_autoerror err = {0};
	vn_autofree char *all = vn_copy("");
	assert_int_equal(vn_tenants_read(text, "f", host, &tenants, &err), -EINVAL);
	assert_int_equal(tenants.n, 0);
	for (size_t i = 0; i < err.n; i++) {
		char *more = vn_format("%s%u %s: %s\n", all, err.problems[i].line,
			err.problems[i].key ? err.problems[i].key : "-", err.problems[i].text);
		free(all);
		all = more;
	}
	assert_string_equal(all, expected);
}

static void test_wrong_lists(void **state)
{
	(void)state;
	vn_autohost *host = two_nodes();
	vn_autofree char *twice = list_text(host, "[A,B]", TWO, "name='two'\nmemory=100\n");
	assert_list_problems(host, twice, "0 plans[1].guest: 'two' is there twice; expected once\n");
	vn_autofree char *claims = list_text(host, "[A,B]", "name='a'\nmemory=100\nexclusive_cores=1\n",
		"name='b'\nmemory=100\nexclusive_cores=1\n");
	assert_list_problems(host, claims,
		"0 plans[1].exclusive_cores: true; but vCPU 0 has CPUs that an earlier guest of this file has for itself\n");
	vn_autofree char *schema = list_text(
		host, "{\"schema\":\"vnuma.plan/1\",\"plans\":[A,B,3]}", TWO, "name='b'\nmemory=100\n");
	assert_list_problems(host, schema,
		"0 schema: \"vnuma.plan/1\"; expected \"vnuma.plans/1\"\n"
		"0 plans[2]: 3; expected an object\n");
	assert_list_problems(host, "{}", "0 schema: missing; expected \"vnuma.plan/1\"\n");
	assert_list_problems(host, "{\"plans\":7}", "0 plans: 7; expected a list\n");
	assert_list_problems(host, "[1,\n",
		"2 -: ']' expected near end of file; expected plans as 'vnuma plan --json' "
		"prints them\n");
	assert_list_problems(host, "3",
		"1 -: '[' or '{' expected near '3'; expected plans as 'vnuma plan --json' prints "
		"them\n");
}

static void test_tenants_are_counted(void **state)
{
	(void)state;
	vn_autohost *host = two_nodes();
	vn_autofree char *text = list_text(host, "[A,B]", TWO "vnuma_vnodemap=[0,1]\n",
		"name='b'\nmemory=2048\nvcpus=2\nhugepages='2M'\nexclusive_cores=1\nvnodes=1\nvnuma_vnodemap=[1]\n");
	vn_autotenants tenants = {0};
	vn_autooccupied *occupied = vn_occupied_new(host);
	struct vn_notes warnings = {0};
	assert_int_equal(vn_tenants_read(text, "f", host, &tenants, NULL), 0);
	assert_int_equal(vn_tenants_occupy(&tenants, host, occupied, &warnings, NULL), 0);
	assert_int_equal(warnings.n, 0);
	assert_int_equal(vn_occupied_promised(&occupied->nodes[0], 0), 2048 * VN_MIB);
	assert_int_equal(vn_occupied_promised(&occupied->nodes[1], 0), 2048 * VN_MIB);
	assert_int_equal(vn_occupied_promised(&occupied->nodes[1], 2 * VN_MIB), 2048 * VN_MIB);
	assert_int_equal(occupied->nodes[0].load, 2);
	vn_autofree char *claimed = vn_set_text(occupied->claimed);
	assert_string_equal(claimed, "4-5,12-13");

	/* Once more of each, and with less free than when they were planned: told by whom, where and how much */
	host->nodes[0].memory_free = 3072 * VN_MIB;
	assert_int_equal(vn_tenants_occupy(&tenants, host, occupied, &warnings, NULL), 0);
	assert_int_equal(warnings.n, 2);
	assert_string_equal(warnings.v[0].code, "occupied-short");
	assert_string_equal(
		warnings.v[0].text, "'two' does not fit any more: node 0 lacks 1 GiB of memory for it");
	assert_string_equal(warnings.v[1].text,
		"'b' does not fit any more: node 1 lacks 2 GiB of huge pages of 2 MiB for it");
	vn_notes_clear(&warnings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_printed_reads_back),
		cmocka_unit_test(test_what_the_guest_wanted_is_read),
		cmocka_unit_test(test_plans_of_earlier_versions_are_read),
		cmocka_unit_test(test_each_wrong_field_is_told),
		cmocka_unit_test(test_plans_of_another_host),
		cmocka_unit_test(test_a_cpu_that_went_offline_is_still_the_nodes),
		cmocka_unit_test(test_lists_of_plans),
		cmocka_unit_test(test_wrong_lists),
		cmocka_unit_test(test_tenants_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
