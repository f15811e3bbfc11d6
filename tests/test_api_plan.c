/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Planning as others see it: this file includes the public header alone. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../include/vnuma.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Two nodes of 4 GiB and two cores of two threads, 21 apart; a device near the second; huge pages on the first. */
static const char two_nodes[] =
	"{\"nodes\": ["
	"{\"id\": 2, \"memory_total\": 4294967296, \"memory_free\": 4294967296, \"cpus\": [0, 1, 2, 3],"
	" \"hugepages\": [{\"size\": 2097152, \"total\": 512, \"free\": 512, \"surplus\": 0}],"
	" \"distances\": {\"2\": 10, \"9\": 21}},"
	"{\"id\": 9, \"memory_total\": 4294967296, \"memory_free\": 4294967296, \"cpus\": [4, 5, 6, 7],"
	" \"distances\": {\"2\": 21, \"9\": 10}, \"devices\": [{\"address\": \"0000:3b:00.0\"}]}],"
	"\"cpus\": [{\"id\": 0, \"siblings\": [0, 1]}, {\"id\": 1, \"siblings\": [0, 1]},"
	" {\"id\": 2, \"siblings\": [2, 3]}, {\"id\": 3, \"siblings\": [2, 3]},"
	" {\"id\": 4, \"siblings\": [4, 5]}, {\"id\": 5, \"siblings\": [4, 5]},"
	" {\"id\": 6, \"siblings\": [6, 7]}, {\"id\": 7, \"siblings\": [6, 7]}]}";

static const char one_node[] =
	"{\"nodes\": [{\"id\": 0, \"memory_total\": 8589934592, \"cpus\": [0, 1], \"distances\": {\"0\": 10}}],"
	"\"cpus\": [{\"id\": 0, \"siblings\": [0]}, {\"id\": 1, \"siblings\": [1]}]}";

static struct vn_host *open_host(const char *document)
{
	char path[] = "/tmp/vnuma-api-plan-XXXXXX", source[64];
	struct vn_host *host = NULL;
	struct vn_error *err = vn_error_new();
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, document, strlen(document)), strlen(document));
	close(fd);
	snprintf(source, sizeof(source), "json:%s", path);
	if (vn_host_open(source, &host, err) < 0)
		fail_msg("%s: %s", vn_error_key(err, 0), vn_error_text(err, 0));
	unlink(path);
	vn_error_free(err);
	return host;
}

static struct vn_guest *make_guest(const char *name, uint64_t memory, unsigned vcpus)
{
	struct vn_guest *guest = vn_guest_new();
	assert_non_null(guest);
	assert_int_equal(vn_guest_set_name(guest, name), 0);
	assert_int_equal(vn_guest_set_memory(guest, memory), 0);
	assert_int_equal(vn_guest_set_vcpus(guest, vcpus), 0);
	return guest;
}

static struct vn_plan *plan_with(
	const struct vn_host *host, const struct vn_guest *guest, const struct vn_plan_options *options)
{
	struct vn_plan *plan = NULL;
	struct vn_error *err = vn_error_new();
	if (vn_plan_guest(host, guest, options, &plan, err) < 0)
		fail_msg("%s: %s", vn_error_key(err, 0), vn_error_text(err, 0));
	assert_int_equal(vn_error_count(err), 0);
	assert_non_null(plan);
	vn_error_free(err);
	return plan;
}

/* The same set: exactly these ids. */
static void assert_set(int n, const unsigned *ids, int want, const unsigned *wanted)
{
	assert_int_equal(n, want);
	for (int i = 0; i < want; i++)
		assert_int_equal(ids[i], wanted[i]);
}
#define SET(...)                                                                                             \
	(int)(sizeof((unsigned[]){__VA_ARGS__}) / sizeof(unsigned)), (unsigned[])                            \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}

/* Two vnodes crosswise: vCPU 0 is on vnode 1, which lives on node 2. */
static struct vn_guest *make_crosswise(void)
{
	struct vn_guest *guest = vn_guest_new();
	assert_int_equal(vn_guest_set_name(guest, "cross"), 0);
	assert_int_equal(vn_guest_add_vnode(guest, GIB, (const unsigned[]){1, 3}, 2, 9), 0);
	assert_int_equal(vn_guest_add_vnode(guest, 2 * GIB, (const unsigned[]){0, 2}, 2, 2), 1);
	return guest;
}

/* ---- guests ---- */

static void test_setters(void **state)
{
	(void)state;
	struct vn_guest *guest = vn_guest_new();
	const unsigned twice[] = {1, 1}, far[] = {1024}, ids[] = {0, 1};
	char long_name[65];
	memset(long_name, 'a', 64);
	long_name[64] = 0;
	assert_null(vn_guest_name(guest));
	assert_int_equal(vn_guest_set_name(guest, ""), -EINVAL);
	assert_int_equal(vn_guest_set_name(guest, "a\"\nmemory = 1"), -EINVAL);
	assert_int_equal(vn_guest_set_name(guest, "-a"), -EINVAL);
	assert_int_equal(vn_guest_set_name(guest, long_name), -EINVAL);
	assert_int_equal(vn_guest_set_name(guest, long_name + 1), 0);
	assert_int_equal(vn_guest_set_name(guest, "b"), 0);
	assert_string_equal(vn_guest_name(guest), "b");
	assert_int_equal(vn_guest_set_memory(guest, 0), -EINVAL);
	assert_int_equal(vn_guest_set_memory(guest, MIB + 1), -EINVAL);
	assert_int_equal(vn_guest_set_memory(guest, UINT64_MAX), -EINVAL);
	assert_int_equal(vn_guest_set_memory(guest, (UINT64_C(1) << 46) + MIB), -EINVAL);
	assert_int_equal(vn_guest_set_memory(guest, UINT64_C(1) << 46), 0);
	assert_int_equal(vn_guest_set_vcpus(guest, 0), -EINVAL);
	assert_int_equal(vn_guest_set_vcpus(guest, 1025), -EINVAL);
	assert_int_equal(vn_guest_set_vcpus(guest, 1024), 0);
	assert_int_equal(vn_guest_set_threads(guest, 0), -EINVAL);
	assert_int_equal(vn_guest_set_threads(guest, 9), -EINVAL);
	assert_int_equal(vn_guest_set_threads(guest, 8), 0);
	assert_int_equal(vn_guest_set_hugepages(guest, 4096), -EINVAL);
	assert_int_equal(vn_guest_set_hugepages(guest, 3 * MIB), -EINVAL);
	assert_int_equal(vn_guest_set_hugepages(guest, 32 * GIB), -EINVAL);
	assert_int_equal(vn_guest_set_hugepages(guest, 16 * GIB), 0);
	assert_int_equal(vn_guest_set_hugepages(guest, 0), 0);
	assert_int_equal(vn_guest_set_exclusive_cores(guest, 2), 0);
	assert_int_equal(vn_guest_set_policy(guest, "spread"), 0);
	assert_int_equal(vn_guest_set_policy(guest, "Pack"), -EINVAL);
	assert_int_equal(vn_guest_set_policy(guest, ""), -EINVAL);
	assert_int_equal(vn_guest_set_numa(guest, "off"), 0);
	assert_int_equal(vn_guest_set_numa(guest, "yes"), -EINVAL);
	assert_int_equal(vn_guest_set_cpus(guest, twice, 2), -EINVAL);
	assert_int_equal(vn_guest_set_cpus(guest, (const unsigned[]){65536}, 1), -EINVAL);
	assert_int_equal(vn_guest_set_cpus(guest, ids, 2), 0);
	assert_int_equal(vn_guest_set_cpus(guest, NULL, 0), 0);
	assert_int_equal(vn_guest_add_vnode(guest, MIB - 1, NULL, 0, -1), -EINVAL);
	assert_int_equal(vn_guest_add_vnode(guest, MIB, NULL, 0, -2), -EINVAL);
	assert_int_equal(vn_guest_add_vnode(guest, MIB, NULL, 0, 1024), -EINVAL);
	assert_int_equal(vn_guest_add_vnode(guest, MIB, twice, 2, -1), -EINVAL);
	assert_int_equal(vn_guest_add_vnode(guest, MIB, far, 1, -1), -EINVAL);
	assert_int_equal(vn_guest_add_vnode(guest, MIB, ids, 2, -1), 0);
	assert_int_equal(vn_guest_add_vnode(guest, MIB, ids + 1, 1, -1), -EINVAL); /* vCPU 1 has one */
	for (int i = 1; i < 32; i++)
		assert_int_equal(vn_guest_add_vnode(guest, MIB, NULL, 0, -1), i);
	assert_int_equal(vn_guest_add_vnode(guest, MIB, NULL, 0, -1), -E2BIG);
	assert_int_equal(vn_guest_add_device(guest, "3b:00.0", 0), -EINVAL);
	assert_int_equal(vn_guest_add_device(guest, "", 0), -EINVAL);
	assert_int_equal(vn_guest_add_device(guest, "0000:3b:00.0", 32), -EINVAL);
	assert_int_equal(vn_guest_add_device(guest, "0000:3b:00.0", 31), 0);
	assert_int_equal(vn_guest_add_device(guest, "0000:3b:00.0", 0), -EEXIST);
	vn_guest_free(guest);
	vn_guest_free(NULL);
}

/* Plans what cannot be: -EINVAL with this many problems, the first of this key; no plan. */
static void assert_refused(
	const struct vn_host *host, const struct vn_guest *guest, size_t problems, const char *key)
{
	struct vn_plan *plan = NULL;
	struct vn_error *err = vn_error_new();
	assert_int_equal(vn_plan_guest(host, guest, NULL, &plan, err), -EINVAL);
	assert_null(plan);
	assert_int_equal(vn_error_is_input(err), 1);
	if (vn_error_count(err) != problems || strcmp(vn_error_key(err, 0), key) != 0)
		fail_msg("%zu problems; %s: %s", vn_error_count(err), vn_error_key(err, 0),
			vn_error_text(err, 0));
	for (size_t i = 0; i < problems; i++) {
		assert_int_equal(vn_error_line(err, i), 0); /* of no text that anybody saw */
		assert_null(vn_error_file(err, i));
	}
	assert_int_equal(vn_plan_guest(host, guest, NULL, &plan, NULL), -EINVAL);
	assert_null(plan);
	vn_error_free(err);
}

static void test_drafts_that_do_not_hang_together(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	const unsigned ids[] = {0, 1, 2, 3};
	struct vn_guest *guest = vn_guest_new();
	assert_refused(host, guest, 2, "name"); /* and memory */
	vn_guest_free(guest);
	guest = make_guest("g", GIB, 4); /* vCPUs 2 and 3 on no vnode, vCPU 9 that is none */
	assert_int_equal(vn_guest_add_vnode(guest, GIB, ids, 2, -1), 0);
	assert_refused(host, guest, 1, "vnuma_vcpumap");
	assert_int_equal(vn_guest_add_vnode(guest, GIB, (const unsigned[]){9}, 1, -1), 1);
	assert_refused(host, guest, 2, "vnuma_vcpumap");
	vn_guest_free(guest);
	guest = make_guest("g", GIB, 4); /* more in the vnode than in all */
	assert_int_equal(vn_guest_add_vnode(guest, 2 * GIB, ids, 4, -1), 0);
	assert_refused(host, guest, 1, "vnumamem");
	vn_guest_free(guest);
	guest = make_guest("g", GIB + MIB, 3); /* no whole pages, no whole cores */
	assert_int_equal(vn_guest_set_hugepages(guest, 2 * MIB), 0);
	assert_int_equal(vn_guest_set_threads(guest, 2), 0);
	assert_refused(host, guest, 2, "threads");
	vn_guest_free(guest);
	guest = make_crosswise(); /* vnodes for a guest that is to be told of none; a device of one that is not there */
	assert_int_equal(vn_guest_set_numa(guest, "off"), 0);
	assert_int_equal(vn_guest_add_device(guest, "0000:3b:00.0", 2), 0);
	assert_refused(host, guest, 2, "guest_numa");
	vn_guest_free(guest);
	guest = make_guest("g", GIB, 1); /* what this host does not have */
	assert_int_equal(vn_guest_add_vnode(guest, GIB, ids, 1, 3), 0);
	assert_int_equal(vn_guest_set_cpus(guest, (const unsigned[]){99}, 1), 0);
	assert_refused(host, guest, 2, "cpus");
	vn_guest_free(guest);
	guest = vn_guest_new(); /* 32 vnodes of 64 TiB */
	assert_int_equal(vn_guest_set_name(guest, "huge"), 0);
	for (int i = 0; i < 32; i++)
		assert_true(vn_guest_add_vnode(guest, UINT64_C(1) << 46, ids, i == 0, -1) == i);
	assert_refused(host, guest, 1, "memory");
	vn_guest_free(guest);
	vn_host_free(host);
}

static void test_text(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guest = NULL;
	struct vn_error *err = vn_error_new();
	assert_int_equal(
		vn_guest_from_text("name = \"t\"\nmemory = x\nvcpus = 0\n", "a file", &guest, err), -EINVAL);
	assert_null(guest);
	assert_int_equal(vn_error_count(err), 2);
	assert_string_equal(vn_error_file(err, 0), "a file");
	assert_int_equal(vn_error_line(err, 0), 2);
	assert_string_equal(vn_error_key(err, 1), "vcpus");
	assert_int_equal(vn_guest_from_text("", NULL, &guest, NULL), -EINVAL);
	assert_int_equal(vn_guest_from_text("\x01\x02[[[[\"", NULL, &guest, NULL), -EINVAL);
	char *longest = malloc((1u << 20) + 2);
	memset(longest, '#', (1u << 20) + 1);
	longest[(1u << 20) + 1] = 0;
	vn_error_clear(err);
	assert_int_equal(vn_guest_from_text(longest, "long", &guest, err), -EINVAL);
	assert_string_equal(vn_error_text(err, 0), "is longer than 1048576 bytes; expected a config");
	assert_string_equal(vn_error_file(err, 0), "long");
	free(longest);
	assert_null(guest);
	assert_int_equal(
		vn_guest_from_text("name = \"t\"\nmemory = 64\nvnodes = 1\nvnuma_vnodemap = [9]\nvnc = 1\n"
				   "disk = [\"/d,qcow2,vda,rw\"]\nvif = [\"bridge=br0\"]\nkernel = \"/k\"\n"
				   "pci = [\"0000:3b:00.0\"]\n",
			"f", &guest, NULL),
		0);
	assert_string_equal(vn_guest_name(guest), "t");
	assert_int_equal(vn_guest_note_count(guest), 1);
	assert_string_equal(vn_guest_note_code(guest, 0), "keys-unused");
	assert_non_null(strstr(vn_guest_note_text(guest, 0), "vnc"));
	assert_null(vn_guest_note_code(guest, 1));
	assert_null(vn_guest_note_text(guest, (size_t)-1));
	assert_int_equal(vn_guest_set_memory(guest, GIB), -EPERM);
	assert_int_equal(vn_guest_set_name(guest, "u"), -EPERM);
	assert_int_equal(vn_guest_add_vnode(guest, GIB, NULL, 0, -1), -EPERM);
	assert_int_equal(vn_guest_add_device(guest, "0000:3b:00.1", 0), -EPERM);
	assert_int_equal(vn_guest_set_cpus(guest, NULL, 0), -EPERM);
	struct vn_plan *plan = plan_with(host, guest, NULL);
	assert_int_equal(vn_plan_vnode_home(plan, 0), 9);
	assert_string_equal(vn_plan_warning_code(plan, 0), "keys-unused");
	vn_guest_free(guest); /* the plan does not need it, nor the host */
	vn_host_free(host);
	char *json = vn_plan_json(plan);
	assert_non_null(strstr(json, "\"guest\": \"t\""));
	assert_non_null(strstr(json, "keys-unused"));
	free(json);
	vn_plan_free(plan);
	vn_error_free(err);
}

/* A home that is not there: the place in the user's own text. */
static void test_places_in_a_text(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guest = NULL;
	struct vn_plan *plan = NULL;
	struct vn_error *err = vn_error_new();
	assert_int_equal(vn_guest_from_text("name = \"t\"\nmemory = 64\nvnodes = 1\nvnuma_vnodemap = [3]\n"
					    "cpus = \"77\"\n",
				 "t.cfg", &guest, NULL),
		0);
	assert_int_equal(vn_plan_guest(host, guest, NULL, &plan, err), -EINVAL);
	assert_null(plan);
	assert_int_equal(vn_error_count(err), 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(vn_error_file(err, i), "t.cfg");
	assert_int_equal(vn_error_line(err, 0), 5);
	assert_int_equal(vn_error_line(err, 1), 4);
	vn_error_free(err);
	vn_guest_free(guest);
	vn_host_free(host);
}

/* ---- a plan ---- */

static void test_placement(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guest = make_crosswise();
	struct vn_plan *plan = plan_with(host, guest, NULL);
	unsigned ids[8] = {99, 99, 99};
	assert_string_equal(vn_plan_guest_name(plan), "cross");
	assert_int_equal(vn_plan_is_feasible(plan), 1);
	assert_int_equal(vn_plan_is_optimal(plan), 1);
	assert_string_equal(vn_plan_memory_policy(plan), "preferred");
	assert_int_equal(vn_plan_vnode_count(plan), 2);
	assert_int_equal(vn_plan_vnode_home(plan, 0), 9);
	assert_int_equal(vn_plan_vnode_home(plan, 1), 2);
	assert_int_equal(vn_plan_vnode_memory(plan, 0), GIB);
	assert_int_equal(vn_plan_vnode_memory(plan, 1), 2 * GIB);
	assert_int_equal(vn_plan_vnode_memory_on(plan, 1, 2), 2 * GIB);
	assert_int_equal(vn_plan_vnode_memory_on(plan, 1, 9), 0);
	assert_int_equal(vn_plan_vnode_memory_on(plan, 1, 77), 0);
	assert_set(vn_plan_vnode_nodes(plan, 0, ids, 8), ids, SET(9));
	assert_set(vn_plan_vnode_vcpus(plan, 0, ids, 8), ids, SET(1, 3));
	assert_set(vn_plan_vnode_cpus(plan, 0, ids, 8), ids, SET(4, 5, 6, 7));
	assert_int_equal(vn_plan_vnode_cpus(plan, 1, NULL, 0), 4);
	ids[2] = 99;
	assert_int_equal(vn_plan_vnode_cpus(plan, 1, ids, 2), 4); /* there are more than were asked for */
	assert_int_equal(ids[1], 1);
	assert_int_equal(ids[2], 99);
	assert_int_equal(vn_plan_vcpu_count(plan), 4);
	assert_int_equal(vn_plan_vcpu_vnode(plan, 0), 1);
	assert_int_equal(vn_plan_vcpu_vnode(plan, 3), 0);
	assert_set(vn_plan_vcpu_cpus(plan, 0, ids, 8), ids, SET(0, 1, 2, 3));
	assert_int_equal(vn_plan_emulator_cpus(plan, ids, 8), 8);
	/* Linux meets vnode 1 first, with vCPU 0 */
	assert_int_equal(vn_plan_view_node_count(plan), 2);
	assert_int_equal(vn_plan_view_node_vnode(plan, 0), 1);
	assert_int_equal(vn_plan_view_node_vnode(plan, 1), 0);
	assert_int_equal(vn_plan_view_node_memory(plan, 0), 2 * GIB);
	assert_set(vn_plan_view_node_cpus(plan, 0, ids, 8), ids, SET(0, 2));
	assert_int_equal(vn_plan_view_distance(plan, 0, 0), 10);
	assert_int_equal(vn_plan_view_distance(plan, 0, 1), 20);
	vn_plan_free(plan);
	vn_plan_free(NULL);
	vn_guest_free(guest);
	vn_host_free(host);
}

static void test_cost(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guest = make_crosswise();
	struct vn_plan *plan = plan_with(host, guest, NULL);
	/* 2 vCPUs to 1 GiB and to 2 GiB: half of it at 10, half at 21 */
	assert_int_equal(vn_plan_cost(plan, VN_PLAN_SPILL), 0);
	assert_int_equal(vn_plan_cost(plan, VN_PLAN_SQUEEZE), 0);
	assert_int_equal(vn_plan_cost(plan, VN_PLAN_DISTANCE),
		2 * 1024 * 10 + 2 * 2048 * 21 + 2 * 2048 * 10 + 2 * 1024 * 21);
	assert_int_equal(vn_plan_cost(plan, VN_PLAN_LOAD_VCPUS), 2);
	assert_int_equal(vn_plan_cost(plan, VN_PLAN_LOAD_CORES), 2);
	assert_int_equal(vn_plan_cost(plan, VN_PLAN_FRAGMENTATION), 3072 * 3072 + 2048 * 2048);
	assert_int_equal(vn_plan_cost(plan, (enum vn_plan_figure)6), -EINVAL);
	assert_true(fabs(vn_plan_mean_distance(plan) - 15.5) < 1e-9);
	assert_null(vn_plan_open_level(plan));
	assert_int_equal(vn_plan_bound(plan, VN_PLAN_DISTANCE), -ENODATA);
	assert_int_equal(vn_plan_bound(plan, (enum vn_plan_figure) - 1), -EINVAL);
	assert_int_equal(vn_plan_runner_up_home(plan, 0), -ENODATA); /* not asked for */
	assert_int_equal(vn_plan_runner_up_cost(plan, VN_PLAN_SPILL), -ENODATA);
	assert_int_equal(vn_plan_runner_up_cost(plan, (enum vn_plan_figure)17), -EINVAL);
	assert_null(vn_plan_runner_up_level(plan));
	assert_int_equal(vn_plan_reason_count(plan), 0);
	assert_null(vn_plan_reason_code(plan, 0));
	assert_null(vn_plan_warning_text(plan, vn_plan_warning_count(plan)));
	for (size_t i = 0; i < vn_plan_warning_count(plan); i++) {
		assert_non_null(vn_plan_warning_code(plan, i));
		assert_true(strlen(vn_plan_warning_text(plan, i)) > 0);
	}
	char *json = vn_plan_json(plan);
	assert_non_null(strstr(json, "\"schema\": \"vnuma.plan/1\""));
	assert_non_null(strstr(json, "\"mean_distance\": 15.5"));
	free(json);
	vn_plan_free(plan);
	vn_guest_free(guest);
	vn_host_free(host);
}

/* Vnode 0 does not fit its home: the rest goes to the other node. */
static void test_spill(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guest = vn_guest_new();
	unsigned ids[4];
	assert_int_equal(vn_guest_set_name(guest, "s"), 0);
	assert_int_equal(vn_guest_add_vnode(guest, 5 * GIB, (const unsigned[]){0, 1, 2}, 3, 9), 0);
	struct vn_plan *plan = plan_with(host, guest, NULL);
	assert_int_equal(vn_plan_cost(plan, VN_PLAN_SPILL), GIB);
	assert_int_equal(vn_plan_cost(plan, VN_PLAN_SQUEEZE), 1);
	assert_set(vn_plan_vnode_nodes(plan, 0, ids, 4), ids, SET(2, 9));
	assert_int_equal(vn_plan_vnode_memory_on(plan, 0, 9), 4 * GIB);
	assert_int_equal(vn_plan_vnode_memory_on(plan, 0, 2), GIB);
	assert_true(vn_plan_warning_count(plan) > 0);
	vn_plan_free(plan);
	vn_guest_free(guest);
	guest = make_guest("o", 5 * GIB, 1);
	assert_int_equal(vn_guest_set_numa(guest, "off"), 0);
	plan = plan_with(host, guest, NULL);
	assert_int_equal(vn_plan_vnode_count(plan), 1);
	assert_string_equal(vn_plan_memory_policy(plan), "interleave");
	vn_plan_free(plan);
	vn_guest_free(guest);
	vn_host_free(host);
}

static void test_wishes(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	unsigned ids[8];
	struct vn_guest *guest = make_guest("w", GIB, 2);
	struct vn_plan *plan = plan_with(host, guest, NULL);
	assert_int_equal(vn_plan_vnode_home(plan, 0), 2); /* the first where nothing decides */
	vn_plan_free(plan);
	assert_int_equal(vn_guest_add_device(guest, "0000:3b:00.0", 0), 0);
	plan = plan_with(host, guest, NULL);
	assert_int_equal(vn_plan_vnode_home(plan, 0), 9); /* pulled by the device */
	vn_plan_free(plan);
	assert_int_equal(vn_guest_set_hugepages(guest, 2 * MIB), 0);
	plan = plan_with(host, guest, NULL);
	assert_int_equal(vn_plan_vnode_home(plan, 0), 2); /* where the pages are */
	assert_string_equal(vn_plan_memory_policy(plan), "strict");
	assert_true(fabs(vn_plan_mean_distance(plan) - 10) < 1e-9); /* to memory: the device is 21 away */
	assert_true(vn_plan_cost(plan, VN_PLAN_DISTANCE) > 2 * 1024 * 10);
	vn_plan_free(plan);
	vn_guest_free(guest);
	guest = make_guest("x", GIB, 2);
	assert_int_equal(vn_guest_set_exclusive_cores(guest, 1), 0);
	assert_int_equal(vn_guest_set_threads(guest, 2), 0);
	assert_int_equal(vn_guest_set_cpus(guest, (const unsigned[]){7, 6}, 2), 0);
	assert_int_equal(vn_guest_set_policy(guest, "spread"), 0);
	plan = plan_with(host, guest, NULL);
	assert_int_equal(vn_plan_vnode_home(plan, 0), 9); /* the one core that it may use */
	assert_set(vn_plan_vnode_cpus(plan, 0, ids, 8), ids, SET(6, 7));
	char *json = vn_plan_json(plan);
	assert_non_null(strstr(json, "\"policy\": \"spread\""));
	assert_non_null(strstr(json, "\"threads\": 2"));
	free(json);
	vn_plan_free(plan);
	vn_guest_free(guest);
	vn_host_free(host);
}

/* Vnodes left open: made for the host at hand, each time anew, and the guest stays as it is. */
static void test_shape(void **state)
{
	(void)state;
	struct vn_host *two = open_host(two_nodes), *one = open_host(one_node);
	struct vn_guest *drafted = make_guest("g", 6 * GIB, 4), *read = NULL;
	assert_int_equal(
		vn_guest_from_text("name = \"g\"\nmemory = 6144\nvcpus = 4\n", NULL, &read, NULL), 0);
	for (int i = 0; i < 2; i++) {
		const struct vn_guest *guest = i ? read : drafted;
		struct vn_plan *plan = plan_with(two, guest, NULL);
		assert_int_equal(vn_plan_vnode_count(plan), 2);
		assert_int_equal(vn_plan_vnode_memory(plan, 0), 3 * GIB);
		assert_int_equal(vn_plan_view_distance(plan, 0, 1), 21); /* as between the homes */
		vn_plan_free(plan);
		plan = plan_with(one, guest, NULL);
		assert_int_equal(vn_plan_vnode_count(plan), 1);
		assert_int_equal(vn_plan_cost(plan, VN_PLAN_SQUEEZE), 2);
		vn_plan_free(plan);
	}
	vn_guest_free(drafted);
	vn_guest_free(read);
	vn_host_free(two);
	vn_host_free(one);
}

static void test_infeasible(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guest = make_guest("big", UINT64_C(1) << 46, 1024);
	struct vn_plan *plan = plan_with(host, guest, NULL);
	unsigned ids[1];
	assert_int_equal(vn_plan_is_feasible(plan), 0);
	assert_int_equal(vn_plan_is_optimal(plan), 1); /* that there is none is proven */
	assert_true(vn_plan_reason_count(plan) >= 1);
	for (size_t i = 0; i < vn_plan_reason_count(plan); i++) {
		assert_non_null(vn_plan_reason_code(plan, i));
		assert_true(strlen(vn_plan_reason_text(plan, i)) > 0);
	}
	assert_null(vn_plan_reason_text(plan, vn_plan_reason_count(plan)));
	assert_int_equal(vn_plan_vnode_count(plan), 0);
	assert_int_equal(vn_plan_vnode_home(plan, 0), -ERANGE);
	assert_int_equal(vn_plan_vcpu_count(plan), 0);
	assert_int_equal(vn_plan_emulator_cpus(plan, ids, 1), -ENODATA);
	assert_int_equal(vn_plan_cost(plan, VN_PLAN_SPILL), -ENODATA);
	assert_int_equal(vn_plan_bound(plan, VN_PLAN_SPILL), -ENODATA);
	assert_null(vn_plan_open_level(plan));
	assert_true(vn_plan_mean_distance(plan) == -ENODATA);
	assert_null(vn_plan_memory_policy(plan));
	assert_int_equal(vn_plan_view_node_count(plan), 1);
	char *json = vn_plan_json(plan);
	assert_non_null(strstr(json, "\"feasible\": false"));
	assert_non_null(strstr(json, "\"reasons\""));
	struct vn_plan *again = NULL;
	assert_int_equal(vn_plan_from_text(json, NULL, host, &again, NULL), -EINVAL);
	assert_null(again);
	free(json);
	struct vn_occupied *occupied = vn_occupied_new(host);
	assert_int_equal(vn_occupied_add_plan(occupied, host, plan), -EINVAL);
	assert_int_equal(vn_occupied_node_memory(occupied, 0, 0), 0);
	vn_occupied_free(occupied);
	vn_plan_free(plan);
	vn_guest_free(guest);
	vn_host_free(host);
}

static void test_no_such_index(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guest = make_crosswise();
	struct vn_plan *plan = plan_with(host, guest, NULL);
	const size_t none[] = {2, (size_t)-1};
	unsigned ids[1];
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vn_plan_vnode_home(plan, none[i]), -ERANGE);
		assert_int_equal(vn_plan_vnode_memory(plan, none[i]), -ERANGE);
		assert_int_equal(vn_plan_vnode_memory_on(plan, none[i], 2), -ERANGE);
		assert_int_equal(vn_plan_vnode_nodes(plan, none[i], ids, 1), -ERANGE);
		assert_int_equal(vn_plan_vnode_vcpus(plan, none[i], ids, 1), -ERANGE);
		assert_int_equal(vn_plan_vnode_cpus(plan, none[i], ids, 1), -ERANGE);
		assert_int_equal(vn_plan_view_node_vnode(plan, none[i]), -ERANGE);
		assert_int_equal(vn_plan_view_node_memory(plan, none[i]), -ERANGE);
		assert_int_equal(vn_plan_view_node_cpus(plan, none[i], ids, 1), -ERANGE);
		assert_int_equal(vn_plan_view_distance(plan, none[i], 0), -ERANGE);
		assert_int_equal(vn_plan_view_distance(plan, 0, none[i]), -ERANGE);
	}
	assert_int_equal(vn_plan_vcpu_vnode(plan, 4), -ERANGE);
	assert_int_equal(vn_plan_vcpu_cpus(plan, none[1], ids, 1), -ERANGE);
	assert_null(vn_plan_warning_code(plan, none[1]));
	assert_null(vn_plan_reason_code(plan, none[1]));
	vn_plan_free(plan);
	vn_guest_free(guest);
	vn_host_free(host);
}

/* ---- options, and what is occupied ---- */

static void test_options(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes), *other = open_host(one_node);
	struct vn_plan_options *options = vn_plan_options_new();
	struct vn_guest *guest = make_guest("g", GIB, 2);
	assert_int_equal(vn_guest_add_device(guest, "0000:3b:00.0", 0), 0);
	vn_plan_options_set_deadline(options, 0);
	vn_plan_options_set_runner_up(options, 1);
	struct vn_plan *plan = plan_with(host, guest, options);
	assert_int_equal(vn_plan_is_optimal(plan), 1);
	assert_int_equal(vn_plan_vnode_home(plan, 0), 9);
	assert_int_equal(vn_plan_runner_up_home(plan, 0), 2);
	assert_int_equal(vn_plan_runner_up_home(plan, 1), -ERANGE);
	assert_string_equal(vn_plan_runner_up_level(plan), "distance");
	assert_true(vn_plan_runner_up_cost(plan, VN_PLAN_DISTANCE) > vn_plan_cost(plan, VN_PLAN_DISTANCE));
	vn_plan_free(plan);
	struct vn_occupied *occupied = vn_occupied_new(other);
	struct vn_error *err = vn_error_new();
	vn_plan_options_set_occupied(options, occupied);
	plan = NULL;
	assert_int_equal(vn_plan_guest(host, guest, options, &plan, err), -EINVAL);
	assert_int_equal(vn_error_count(err), 1);
	assert_int_equal(vn_plan_guests(host, &guest, 1, options, &plan, err), -EINVAL);
	assert_null(plan);
	vn_plan_options_set_occupied(options, NULL);
	assert_int_equal(vn_plan_guest(host, guest, options, &plan, NULL), 0);
	vn_plan_free(plan);
	vn_error_free(err);
	vn_occupied_free(occupied);
	vn_occupied_free(NULL);
	vn_plan_options_free(options);
	vn_plan_options_free(NULL);
	vn_guest_free(guest);
	vn_host_free(host);
	vn_host_free(other);
}

static void test_occupied(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes), *other = open_host(one_node);
	struct vn_occupied *occupied = vn_occupied_new(host);
	struct vn_plan_options *options = vn_plan_options_new();
	struct vn_guest *guest = make_guest("g", 3 * GIB, 2), *mine = make_guest("mine", GIB, 1);
	unsigned ids[8];
	assert_int_equal(vn_guest_set_exclusive_cores(mine, 1), 0);
	vn_plan_options_set_occupied(options, occupied);
	struct vn_plan *first = plan_with(host, guest, options);
	assert_int_equal(vn_plan_vnode_home(first, 0), 2);
	assert_int_equal(vn_occupied_add_plan(occupied, host, first), 0);
	assert_int_equal(vn_occupied_node_memory(occupied, 0, 0), 3 * GIB);
	assert_int_equal(vn_occupied_node_memory(occupied, 0, 2 * MIB), 0);
	assert_int_equal(vn_occupied_node_load(occupied, 0), 2);
	assert_int_equal(vn_occupied_node_load(occupied, 2), -ERANGE);
	assert_int_equal(vn_occupied_node_memory(occupied, (size_t)-1, 0), -ERANGE);
	assert_int_equal(vn_occupied_claimed_cpus(occupied, ids, 8), 0);
	struct vn_plan *second = plan_with(host, guest, options);
	assert_int_equal(vn_plan_vnode_home(second, 0), 9); /* where there is room left */
	assert_int_equal(vn_occupied_add_plan(occupied, host, second), 0);
	struct vn_plan *third = plan_with(host, guest, options);
	assert_int_equal(vn_plan_is_feasible(third), 0);
	assert_int_equal(vn_occupied_remove_plan(occupied, host, third), -EINVAL);
	assert_int_equal(vn_occupied_add_plan(occupied, other, first), -EINVAL);
	assert_int_equal(vn_occupied_remove_plan(occupied, other, first), -EINVAL);
	assert_int_equal(vn_occupied_remove_plan(occupied, host, first), 0);
	assert_int_equal(vn_occupied_remove_plan(occupied, host, second), 0);
	assert_int_equal(vn_occupied_node_memory(occupied, 0, 0), 0);
	assert_int_equal(vn_occupied_node_load(occupied, 1), 0);
	struct vn_plan *claim = plan_with(host, mine, options);
	assert_int_equal(vn_occupied_add_plan(occupied, host, claim), 0);
	assert_int_equal(vn_occupied_claimed_cpus(occupied, ids, 8), 2); /* the whole core */
	assert_int_equal(vn_occupied_remove_plan(occupied, host, claim), 0);
	assert_int_equal(vn_occupied_claimed_cpus(occupied, ids, 8), 0);
	struct vn_occupied *small = vn_occupied_new(other); /* a plan of another host */
	assert_int_equal(vn_occupied_add_plan(small, other, first), -EINVAL);
	assert_int_equal(vn_occupied_node_memory(small, 0, 0), 0);
	vn_occupied_free(small);
	vn_plan_free(first);
	vn_plan_free(second);
	vn_plan_free(third);
	vn_plan_free(claim);
	vn_guest_free(guest);
	vn_guest_free(mine);
	vn_plan_options_free(options);
	vn_occupied_free(occupied);
	vn_host_free(host);
	vn_host_free(other);
}

/* ---- several guests ---- */

static void test_joint(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guests[3] = {
		make_guest("a", 3 * GIB, 2), make_guest("b", 3 * GIB, 2), make_guest("c", 3 * GIB, 1)};
	struct vn_plan *plans[3] = {NULL, NULL, NULL};
	assert_int_equal(vn_plan_guests(host, guests, 2, NULL, plans, NULL), 0);
	assert_null(plans[2]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vn_plan_is_feasible(plans[i]), 1);
		assert_int_equal(vn_plan_cost(plans[i], VN_PLAN_SPILL), 0);
		assert_int_equal(vn_plan_vnode_count(plans[i]), 1);
		assert_string_equal(vn_plan_guest_name(plans[i]), i ? "b" : "a");
	}
	assert_int_not_equal(vn_plan_vnode_home(plans[0], 0), vn_plan_vnode_home(plans[1], 0));
	vn_plan_free(plans[0]);
	vn_plan_free(plans[1]);
	assert_int_equal(vn_plan_guests(host, guests, 3, NULL, plans, NULL), 0); /* no room for all: none */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(vn_plan_is_feasible(plans[i]), 0);
		assert_true(vn_plan_reason_count(plans[i]) > 0);
		assert_string_equal(vn_plan_reason_text(plans[i], 0), vn_plan_reason_text(plans[0], 0));
	}
	for (int i = 0; i < 3; i++)
		vn_plan_free(plans[i]);
	/* b is shaped beside a, which fills half of each node: two vnodes, where one would spill */
	vn_guest_free(guests[0]);
	guests[0] = vn_guest_new();
	assert_int_equal(vn_guest_set_name(guests[0], "a"), 0);
	assert_int_equal(vn_guest_add_vnode(guests[0], 2 * GIB, (const unsigned[]){0}, 1, 2), 0);
	assert_int_equal(vn_guest_add_vnode(guests[0], 2 * GIB, (const unsigned[]){1}, 1, 9), 1);
	assert_int_equal(vn_plan_guests(host, guests, 2, NULL, plans, NULL), 0);
	assert_int_equal(vn_plan_vnode_count(plans[1]), 2);
	assert_int_equal(vn_plan_cost(plans[1], VN_PLAN_SPILL), 0);
	vn_plan_free(plans[0]);
	vn_plan_free(plans[1]);
	for (int i = 0; i < 3; i++)
		vn_guest_free(guests[i]);
	vn_host_free(host);
}

static void test_joint_refused(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *good[65], *bad = vn_guest_new(), *guests[65];
	struct vn_plan *plans[65] = {NULL};
	struct vn_error *err = vn_error_new();
	for (int i = 0; i < 65; i++) {
		char name[8];
		snprintf(name, sizeof(name), "g%d", i);
		good[i] = make_guest(name, 32 * MIB, 1);
		guests[i] = i % 2 && i < 4 ? bad : good[i];
	}
	assert_int_equal(vn_plan_guests(host, guests, 0, NULL, plans, err), -EINVAL);
	assert_int_equal(vn_plan_guests(host, guests, 65, NULL, plans, err), -EINVAL);
	assert_int_equal(vn_plan_guests(host, guests, (size_t)-1, NULL, plans, err), -EINVAL);
	assert_int_equal(vn_error_count(err), 3);
	assert_int_equal(vn_error_is_input(err), 1);
	vn_error_clear(err);
	assert_int_equal(vn_plan_guests(host, guests, 4, NULL, plans, err), -EINVAL);
	assert_int_equal(vn_error_count(err), 4); /* name and memory of both that have none */
	for (int i = 0; i < 65; i++)
		assert_null(plans[i]);
	assert_int_equal(vn_plan_guests(host, guests + 4, 61, NULL, plans, err), 0);
	for (int i = 0; i < 61; i++)
		vn_plan_free(plans[i]);
	for (int i = 0; i < 65; i++)
		vn_guest_free(good[i]);
	vn_error_free(err);
	vn_guest_free(bad);
	vn_host_free(host);
}

/* Two plans of one name, of which the second would be taken for the first; and a device that goes through to one QEMU only. */
static void test_joint_twins(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guests[] = {
		make_guest("a", GIB, 1), make_guest("b", GIB, 1), make_guest("a", GIB, 2)};
	struct vn_plan *plans[3] = {NULL, NULL, NULL};
	struct vn_error *err = vn_error_new();
	assert_int_equal(vn_plan_guests(host, guests, 3, NULL, plans, err), -EINVAL);
	assert_int_equal(vn_error_count(err), 1);
	assert_string_equal(vn_error_key(err, 0), "name");
	assert_non_null(strstr(vn_error_text(err, 0), "'a' is the name of another guest"));
	vn_error_clear(err);
	assert_int_equal(
		vn_plan_guests(host, (struct vn_guest *[]){guests[1], guests[1]}, 2, NULL, plans, err),
		-EINVAL);
	vn_error_clear(err);
	assert_int_equal(vn_guest_add_device(guests[0], "0000:3b:00.0", 0), 0);
	assert_int_equal(vn_guest_add_device(guests[1], "0000:3b:00.1", 0), 0);
	assert_int_equal(vn_plan_guests(host, guests, 2, NULL, plans, err), 0); /* another function of it */
	struct vn_occupied *occupied = vn_occupied_new(host);
	struct vn_plan_options *options = vn_plan_options_new();
	struct vn_plan *plan = NULL;
	vn_plan_options_set_occupied(options, occupied);
	assert_int_equal(vn_occupied_add_plan(occupied, host, plans[0]), 0);
	assert_int_equal(vn_occupied_add_plan(occupied, host, plans[1]), 0);
	assert_int_equal(vn_guest_add_device(guests[1], "0000:3b:00.0", 0), 0);
	assert_int_equal(vn_plan_guests(host, guests, 2, NULL, plans + 1, err), -EINVAL);
	assert_int_equal(vn_error_count(err), 1);
	assert_string_equal(vn_error_key(err, 0), "pci");
	assert_non_null(strstr(vn_error_text(err, 0), "0000:3b:00.0 is that of another guest, 'a', too"));
	plan = plan_with(host, guests[1], options);
	assert_int_equal(vn_plan_is_feasible(plan), 0);
	assert_int_equal(vn_plan_reason_count(plan), 1);
	assert_string_equal(vn_plan_reason_code(plan, 0), "device-taken");
	vn_plan_free(plan);
	assert_int_equal(vn_occupied_remove_plan(occupied, host, plans[0]), 0);
	plan = plan_with(host, guests[1], options); /* its own device, 3b:00.1, is no other's */
	assert_int_equal(vn_plan_is_feasible(plan), 1);
	vn_plan_free(plan);
	vn_plan_free(plans[0]);
	vn_plan_free(plans[1]);
	for (int i = 0; i < 3; i++)
		vn_guest_free(guests[i]);
	vn_plan_options_free(options);
	vn_occupied_free(occupied);
	vn_error_free(err);
	vn_host_free(host);
}

/* ---- JSON ---- */

/* `text` with `old` put as `new`; a new string. */
static char *replace(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	char *changed = NULL;
	assert_non_null(at);
	assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)) > 0);
	return changed;
}

/* A host like another, with one text of its document, or two, replaced. */
static struct vn_host *open_changed(
	const char *document, const char *old, const char *new, const char *old2, const char *new2)
{
	char *once = replace(document, old, new), *twice = replace(once, old2, new2);
	struct vn_host *host = open_host(twice);
	free(once);
	free(twice);
	return host;
}

/* Of another host with as many nodes and CPUs; and of the same one with less memory free and a CPU offline. */
static void test_whose_occupied(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes),
		       *farther = open_changed(two_nodes, "21", "31", "21", "31"),
		       *busy = open_changed(
			       two_nodes, "free\": 4294967296", "free\": 1", "\"free\": 512", "\"free\": 0"),
		       *halted = open_changed(two_nodes, "[4, 5, 6, 7]", "[4, 5, 6]", "{\"id\": 7, ",
			       "{\"id\": 7, \"online\": false, \"node\": 9, ");
	struct vn_guest *guest = make_guest("g", GIB, 2);
	struct vn_plan *plan = plan_with(host, guest, NULL), *far = NULL, *again = NULL;
	struct vn_occupied *occupied = vn_occupied_new(host);
	struct vn_plan_options *options = vn_plan_options_new();
	char *json = vn_plan_json(plan);
	vn_plan_options_set_occupied(options, occupied);
	assert_int_equal(vn_occupied_add_plan(occupied, farther, plan), -EINVAL);
	assert_int_equal(vn_plan_guest(farther, guest, options, &far, NULL), -EINVAL);
	far = plan_with(farther, guest, NULL);
	assert_int_equal(vn_occupied_add_plan(occupied, host, far), -EINVAL);
	assert_int_equal(vn_occupied_remove_plan(occupied, host, far), -EINVAL);
	assert_int_equal(vn_plan_from_text(json, NULL, farther, &again, NULL), -EINVAL);
	assert_int_equal(vn_occupied_add_plan(occupied, host, plan), 0);
	assert_int_equal(vn_occupied_remove_plan(occupied, busy, plan), 0);
	assert_int_equal(vn_occupied_add_plan(occupied, halted, plan), 0);
	free(json);
	vn_plan_free(plan);
	vn_plan_free(far);
	vn_occupied_free(occupied);
	vn_plan_options_free(options);
	vn_guest_free(guest);
	vn_host_free(host);
	vn_host_free(farther);
	vn_host_free(busy);
	vn_host_free(halted);
}

static void test_json(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes), *other = open_host(one_node);
	struct vn_guest *guest = make_crosswise();
	struct vn_plan *plan = plan_with(host, guest, NULL), *again = NULL;
	struct vn_error *err = vn_error_new();
	char *json = vn_plan_json(plan), *list = NULL;
	assert_int_equal(vn_plan_from_text(json, "p", host, &again, err), 0);
	char *same = vn_plan_json(again);
	assert_string_equal(json, same);
	struct vn_occupied *occupied =
		vn_occupied_new(host); /* what was read back counts, and is taken back */
	assert_int_equal(vn_occupied_add_plan(occupied, host, again), 0);
	assert_int_equal(vn_occupied_remove_plan(occupied, host, plan), 0);
	assert_int_equal(vn_occupied_node_memory(occupied, 1, 0), 0);
	vn_plan_free(again);
	free(same);
	again = NULL;
	assert_int_equal(vn_plan_from_text(json, "p", other, &again, err), -EINVAL);
	assert_true(vn_error_count(err) > 0);
	assert_string_equal(vn_error_file(err, 0), "p");
	vn_error_clear(err);
	assert_int_equal(vn_plan_from_text("[]", NULL, host, &again, err), -EINVAL);
	assert_int_equal(vn_plan_from_text("", NULL, host, &again, err), -EINVAL);
	assert_int_equal(vn_plan_from_text("{\"schema\": 7, \033[2J", NULL, host, &again, err), -EINVAL);
	assert_int_equal(vn_error_count(err), 3);
	assert_null(strchr(vn_error_text(err, 2), '\033'));
	char *renamed = replace(json, "\"guest\": \"cross\"", "\"guest\": \"d\"");
	assert_true(asprintf(&list, "[%s, %s]", json, renamed) > 0);
	vn_error_clear(err);
	assert_int_equal(vn_plan_from_text(list, "p", host, &again, err), -EINVAL);
	assert_string_equal(vn_error_text(err, 0), "2 plans seen; expected one");
	assert_null(again);
	free(list);
	free(renamed);
	free(json);
	vn_error_free(err);
	vn_occupied_free(occupied);
	vn_plan_free(plan);
	vn_guest_free(guest);
	vn_host_free(host);
	vn_host_free(other);
}

/* A plan that was not proven, read back: the level that is open, and its bound alone. */
static void test_bound(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_guest *guest = make_crosswise();
	struct vn_plan *plan = plan_with(host, guest, NULL), *open = NULL;
	char *json = vn_plan_json(plan);
	char *text = replace(json, "\"optimal\": true",
		"\"optimal\": false, \"bound\": {\"level\": \"distance\", \"value\": 1000}");
	assert_int_equal(vn_plan_from_text(text, NULL, host, &open, NULL), 0);
	assert_int_equal(vn_plan_is_feasible(open), 1);
	assert_int_equal(vn_plan_is_optimal(open), 0);
	assert_string_equal(vn_plan_open_level(open), "distance");
	assert_int_equal(vn_plan_bound(open, VN_PLAN_DISTANCE), 1000);
	assert_int_equal(vn_plan_bound(open, VN_PLAN_SPILL), -ENODATA);
	assert_int_equal(vn_plan_bound(open, VN_PLAN_LOAD_CORES), -ENODATA);
	free(text);
	free(json);
	vn_plan_free(open);
	vn_plan_free(plan);
	vn_guest_free(guest);
	vn_host_free(host);
}

/* ---- any draft at all: told what is wrong, or a plan whose parts agree with each other ---- */

static unsigned pick(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

static struct vn_guest *draft_anything(unsigned *seed)
{
	struct vn_guest *guest = vn_guest_new();
	const unsigned vcpus = 1 + pick(seed, 8), vnodes = pick(seed, 4);
	static const char *const policies[] = {"pack", "spread"}, *const modes[] = {"auto", "on", "off"};
	vn_guest_set_name(guest, "any");
	if (pick(seed, 4) > 0)
		vn_guest_set_memory(guest, (1 + pick(seed, 6)) * 512 * MIB);
	if (pick(seed, 4) > 0)
		vn_guest_set_vcpus(guest, vcpus);
	vn_guest_set_threads(guest, 1 + pick(seed, 2));
	vn_guest_set_hugepages(guest, pick(seed, 3) ? 0 : 2 * MIB);
	vn_guest_set_exclusive_cores(guest, pick(seed, 4) == 0);
	vn_guest_set_policy(guest, policies[pick(seed, 2)]);
	vn_guest_set_numa(guest, modes[pick(seed, 3)]);
	if (pick(seed, 4) == 0)
		vn_guest_set_cpus(guest, (const unsigned[]){pick(seed, 4), 4 + pick(seed, 5)}, 2);
	for (unsigned v = 0, next = 0; v < vnodes; v++) {
		unsigned ids[8], n = 0;
		while (next < vcpus && n < (vcpus + vnodes - 1) / vnodes)
			ids[n++] = next++;
		vn_guest_add_vnode(guest, pick(seed, 5) * 512 * MIB, ids, n,
			pick(seed, 3) ? -1 : (int)pick(seed, 3) * 7 + 2);
	}
	if (pick(seed, 4) == 0)
		vn_guest_add_device(guest, "0000:3b:00.0", pick(seed, 2));
	return guest;
}

static void check_parts(const struct vn_host *host, const struct vn_plan *plan)
{
	size_t vcpus = 0;
	for (size_t v = 0; v < vn_plan_vnode_count(plan); v++) {
		unsigned ids[8];
		int64_t sum = 0;
		assert_true(vn_host_node_index(host, (unsigned)vn_plan_vnode_home(plan, v)) >= 0);
		int n = vn_plan_vnode_nodes(plan, v, ids, 8);
		for (int i = 0; i < n; i++)
			sum += vn_plan_vnode_memory_on(plan, v, ids[i]);
		assert_int_equal(sum, vn_plan_vnode_memory(plan, v));
		vcpus += (size_t)vn_plan_vnode_vcpus(plan, v, NULL, 0);
	}
	assert_int_equal(vcpus, vn_plan_vcpu_count(plan));
	for (size_t i = 0; i < vcpus; i++)
		assert_true(vn_plan_vcpu_cpus(plan, i, NULL, 0) > 0);
	assert_true(vn_plan_cost(plan, VN_PLAN_LOAD_CORES) > 0);
}

static void test_any_draft(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	unsigned seed = 1, feasible = 0, refused = 0, infeasible = 0;
	for (int i = 0; i < 2000; i++) {
		struct vn_guest *guest = draft_anything(&seed);
		struct vn_plan *plan = NULL, *again = NULL;
		struct vn_error *err = vn_error_new();
		int r = vn_plan_guest(host, guest, NULL, &plan, err);
		assert_true(
			(r == 0 && vn_error_count(err) == 0) || (r == -EINVAL && vn_error_count(err) > 0));
		refused += r < 0;
		for (size_t k = 0; k < vn_error_count(err); k++)
			assert_non_null(vn_error_key(err, k)); /* by the config's keys, never by its syntax */
		if (plan && vn_plan_is_feasible(plan)) {
			check_parts(host, plan);
			char *json = vn_plan_json(plan);
			assert_int_equal(vn_plan_from_text(json, NULL, host, &again, err), 0);
			free(json);
			feasible++;
		} else if (plan) {
			assert_true(vn_plan_reason_count(plan) > 0);
			infeasible++;
		}
		vn_plan_free(plan);
		vn_plan_free(again);
		vn_error_free(err);
		vn_guest_free(guest);
	}
	assert_true(feasible > 200 && infeasible > 20 && refused > 200); /* that all was seen */
	vn_host_free(host);
}

/* ---- threads: all share the host, the guests, the options and what is occupied ---- */

#define THREADS 4
#define ROUNDS 20

struct shared {
	const struct vn_host *host;
	struct vn_guest *guests[2];
	const struct vn_plan_options *options;
	char *alone
		[3]; /* the plans as one thread made them: of each guest, and of the second beside the first */
	pthread_barrier_t start;
};

static bool plan_all(const struct shared *shared, char **ret_json)
{
	struct vn_plan *plans[2] = {NULL, NULL}, *alone = NULL;
	bool done = true;
	for (int i = 0; i < 2; i++) {
		done &= vn_plan_guest(shared->host, shared->guests[i], shared->options, &alone, NULL) == 0;
		ret_json[i] = vn_plan_json(alone);
		vn_plan_free(alone);
	}
	done &= vn_plan_guests(shared->host, shared->guests, 2, shared->options, plans, NULL) == 0;
	ret_json[2] = vn_plan_json(plans[1]);
	vn_plan_free(plans[0]);
	vn_plan_free(plans[1]);
	return done;
}

/* NULL when each plan was the same. No assertion of cmocka's: it jumps, and only in the thread that it runs in. */
static void *plan_often(void *data)
{
	struct shared *shared = data;
	bool same = true;
	pthread_barrier_wait(&shared->start);
	for (int round = 0; round < ROUNDS && same; round++) {
		char *json[3] = {NULL, NULL, NULL};
		same = plan_all(shared, json);
		for (int i = 0; i < 3; i++) {
			same &= json[i] && strcmp(json[i], shared->alone[i]) == 0;
			free(json[i]);
		}
	}
	return same ? NULL : data;
}

static void test_threads(void **state)
{
	(void)state;
	struct vn_host *host = open_host(two_nodes);
	struct vn_occupied *occupied = vn_occupied_new(host);
	struct vn_plan_options *options = vn_plan_options_new();
	struct shared shared = {.host = host, .options = options};
	pthread_t threads[THREADS];
	vn_plan_options_set_deadline(options, 0);
	vn_plan_options_set_occupied(options, occupied);
	shared.guests[0] = make_guest("a", 3 * GIB, 2); /* a draft, and one that is complete */
	assert_int_equal(
		vn_guest_from_text("name = \"b\"\nmemory = 3072\nvcpus = 3\n", "b", &shared.guests[1], NULL),
		0);
	assert_true(plan_all(&shared, shared.alone));
	assert_int_equal(pthread_barrier_init(&shared.start, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, plan_often, &shared), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed = &shared;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	pthread_barrier_destroy(&shared.start);
	for (int i = 0; i < 3; i++)
		free(shared.alone[i]);
	vn_guest_free(shared.guests[0]);
	vn_guest_free(shared.guests[1]);
	vn_plan_options_free(options);
	vn_occupied_free(occupied);
	vn_host_free(host);
}

/* ---- the example ---- */

/* Runs it, which lies beside the folder of this program; its status and what it printed. */
static int run_example(const char *arguments, char *ret_text, size_t size)
{
	char self[4096], command[8192];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	assert_true(n > 0);
	self[n] = '\0';
	for (int i = 0; i < 2; i++)
		*strrchr(self, '/') = '\0';
	snprintf(command, sizeof(command), "cd '%s' && '%s/examples/plan_guest' %s 2>&1",
		getenv("SRCDIR") ? getenv("SRCDIR") : ".", self, arguments);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t length = fread(ret_text, 1, size - 1, pipe);
	ret_text[length] = '\0';
	int status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_example(void **state)
{
	(void)state;
	char text[8192];
	assert_int_equal(run_example("", text, sizeof(text)), 2);
	assert_non_null(strstr(text, "usage: plan_guest"));
	assert_int_equal(run_example("live 0 1", text, sizeof(text)), 2);
	assert_int_equal(run_example("live -1 1", text, sizeof(text)), 2);
	assert_int_equal(run_example("live 1 1x", text, sizeof(text)), 2);
	assert_int_equal(run_example("live 1 1025", text, sizeof(text)), 2);
	assert_int_equal(run_example("nowhere 1 1", text, sizeof(text)), 2);
	assert_non_null(strstr(text, "plan_guest: --host: 'nowhere' is no source"));
	/* node 0 of the fixture has no CPUs beside its own two, 431 MiB are free there, on node 1 215 */
	assert_int_equal(
		run_example("tar:tests/fixtures/hosts/devices.tar.bz2 256 2", text, sizeof(text)), 0);
	assert_string_equal(text, "vnode 0: node 0, 256 of 256 MiB there, 2 vCPUs on CPUs 0,1\n"
				  "mean distance 10.0, proven to be the best\n");
	assert_int_equal(
		run_example("tar:tests/fixtures/hosts/devices.tar.bz2 512 2", text, sizeof(text)), 0);
	assert_non_null(strstr(text, "vnode 0: node 0, "));
	assert_non_null(strstr(text, "vnode 1: node 1, "));
	assert_int_equal(
		run_example("tar:tests/fixtures/hosts/devices.tar.bz2 100000 2", text, sizeof(text)), 1);
	assert_non_null(strstr(text, "no plan: the guest needs 97.7 GiB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_setters),
		cmocka_unit_test(test_drafts_that_do_not_hang_together),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_places_in_a_text),
		cmocka_unit_test(test_placement),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_spill),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_infeasible),
		cmocka_unit_test(test_no_such_index),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_occupied),
		cmocka_unit_test(test_whose_occupied),
		cmocka_unit_test(test_joint),
		cmocka_unit_test(test_joint_refused),
		cmocka_unit_test(test_joint_twins),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_any_draft),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_example),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
