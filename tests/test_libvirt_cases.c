/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's own test cases: a domain and, beside it, the command line that libvirt makes of it (.args) or the error it has for it (.err).
 * A case each: what we read means the same for NUMA as the command line, or is refused, too. What the domain leaves to numad is in no
 * domain, and so not compared. The data are not ours to keep: without $VNUMA_SHARED or ../shared there is nothing to do.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/rootfs.h"
#include "../src/base/text.h"
#include "../src/guest/guest_read.h"
#include "../src/plan/plan_make.h"
#include "host_maker.h"

#define MOST 64

/* What the command line says. */
struct args_node {
	hwloc_bitmap_t cpus;
	char memdev[64];
};

struct args {
	size_t n_nodes;
	struct args_node nodes[MOST];
	uint32_t distances[MOST][MOST];
	size_t n_distances, n_hmat;
	size_t n_objects;
	json_t *objects[MOST]; /* memory backends */
	uint64_t memory; /* -m */
	unsigned vcpus, maxvcpus;
};

static char *read_text(const char *file)
{
	char *text = NULL;
	size_t size = 0;
	vn_autoerror err = {0};
	return vn_file_read_bytes(file, 1 << 20, &text, &size, &err) == 0 ? text : NULL;
}

static void args_clear(struct args *args)
{
	for (size_t i = 0; i < args->n_nodes; i++)
		hwloc_bitmap_free(args->nodes[i].cpus);
	for (size_t i = 0; i < args->n_objects; i++)
		json_decref(args->objects[i]);
}

static void parse_numa(struct args *args, char *text)
{
	unsigned from, to, value;
	if (sscanf(text, "dist,src=%u,dst=%u,val=%u", &from, &to, &value) == 3) {
		assert_true(from < MOST && to < MOST);
		args->distances[from][to] = value;
		args->n_distances++;
		return;
	}
	if (strncmp(text, "hmat", 4) == 0) {
		args->n_hmat++;
		return;
	}
	assert_memory_equal(text, "node,", 5);
	assert_true(args->n_nodes < MOST);
	struct args_node *node = &args->nodes[args->n_nodes++];
	node->cpus = hwloc_bitmap_alloc();
	char *part;
	while ((part = strsep(&text, ","))) {
		vn_autoset some = NULL;
		if (sscanf(part, "nodeid=%u", &value) == 1)
			assert_int_equal(value, args->n_nodes - 1);
		else if (strncmp(part, "memdev=", 7) == 0)
			snprintf(node->memdev, sizeof(node->memdev), "%s", part + 7);
		else if (strncmp(part, "cpus=", 5) == 0 && vn_set_parse(part + 5, &some) == 0)
			hwloc_bitmap_or(node->cpus, node->cpus, some);
	}
}

static void parse_line(struct args *args, char *line)
{
	unsigned long long kib;
	char *end = strstr(line, " \\");
	if (end)
		*end = 0;
	if (strncmp(line, "-numa ", 6) == 0) {
		parse_numa(args, line + 6);
	} else if (sscanf(line, "-m size=%lluk", &kib) == 1) {
		args->memory = kib << 10;
	} else if (strncmp(line, "-smp ", 5) == 0) {
		const char *most = strstr(line, "maxcpus=");
		args->vcpus = args->maxvcpus = (unsigned)strtoul(line + 5, NULL, 10);
		if (most)
			args->maxvcpus = (unsigned)strtoul(most + 8, NULL, 10);
	} else if (strncmp(line, "-object '{\"qom-type\":\"memory-backend", 36) == 0) {
		json_t *object = json_loads(line + 9, JSON_DISABLE_EOF_CHECK, NULL);
		assert_non_null(object);
		assert_true(args->n_objects < MOST);
		args->objects[args->n_objects++] = object;
	}
}

static void parse_args(struct args *args, char *text)
{
	char *line;
	while ((line = strsep(&text, "\n")))
		parse_line(args, line);
}

static const json_t *object_of(const struct args *args, const char *id)
{
	for (size_t i = 0; i < args->n_objects; i++) {
		if (strcmp(json_string_value(json_object_get(args->objects[i], "id")), id) == 0)
			return args->objects[i];
	}
	fail_msg("no backend '%s'", id);
	return NULL;
}

/* ---- comparing ---- */

static hwloc_bitmap_t nodes_of(const json_t *object)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	size_t i;
	json_t *node;
	json_array_foreach (json_object_get(object, "host-nodes"), i, node)
		hwloc_bitmap_set(set, (unsigned)json_integer_value(node));
	return set;
}

/* The policy that the domain fixes: of the vnode, or of all. */
static void compare_policy(const struct vn_guest *guest, size_t v, const json_t *object)
{
	static const char *const names[] = {[VN_BINDING_PREFERRED] = "preferred",
		[VN_BINDING_STRICT] = "bind",
		[VN_BINDING_INTERLEAVE] = "interleave"};
	const struct vn_vnode *vnode = &guest->vnodes[v];
	const char *policy = json_string_value(json_object_get(object, "policy"));
	vn_autoset home = hwloc_bitmap_alloc();
	if (vnode->home >= 0)
		hwloc_bitmap_set(home, (unsigned)vnode->home);
	hwloc_const_bitmap_t ours = vnode->nodes ? vnode->nodes : vnode->has_binding ? home : guest->nodes;
	vn_autoset theirs = nodes_of(object);
	enum vn_binding binding = vnode->has_binding                         ? vnode->binding
				  : guest->memory_policy == VN_MEMORY_STRICT ? VN_BINDING_STRICT
									     : VN_BINDING_PREFERRED;

	if (!ours)
		return; /* the planner's, or numad's */
	if (!hwloc_bitmap_isequal(ours, theirs))
		fail_msg("cell %zu: other host-nodes", v);
	assert_string_equal(policy, names[binding]);
}

static void compare_page(const struct vn_guest *guest, size_t v, const json_t *object)
{
	const char *path = json_string_value(json_object_get(object, "mem-path"));
	uint64_t page = vn_vnode_page(guest, v);
	assert_int_equal(page, !path ? 0 : strstr(path, "/hugepages1G/") ? 1 << 30 : 2 << 20);
}

static void compare_node(const struct vn_guest *guest, const struct args *args, size_t v)
{
	const struct vn_vnode *vnode = &guest->vnodes[v];
	const json_t *object = object_of(args, args->nodes[v].memdev);

	if (!hwloc_bitmap_isequal(vnode->vcpus, args->nodes[v].cpus))
		fail_msg("cell %zu: other vCPUs", v);
	assert_int_equal(vnode->memory - vnode->plugged, json_integer_value(json_object_get(object, "size")));
	compare_policy(guest, v, object);
	compare_page(guest, v, object);
	for (size_t k = 0; k < args->n_nodes; k++)
		assert_int_equal(vnode->distances[k], args->n_distances ? args->distances[v][k]
						      : v == k          ? 10
									: 20);
}

static void compare(const struct vn_guest *guest, const struct args *args)
{
	assert_int_equal(guest->memory, args->memory);
	assert_int_equal(guest->vcpus, args->vcpus);
	assert_int_equal(guest->maxvcpus, args->maxvcpus);
	assert_true(!guest->hmat &&
		    args->n_hmat == 0); /* no case has one; one that had would have to be compared */
	if (args->n_nodes == 0) {
		assert_true(guest->n_vnodes == 1 && args->n_objects <= 1);
		if (args->n_objects == 1)
			compare_policy(guest, 0, args->objects[0]);
		return;
	}
	assert_int_equal(guest->n_vnodes, args->n_nodes);
	for (size_t v = 0; v < guest->n_vnodes; v++)
		compare_node(guest, args, v);
}

/* ---- a case ---- */

static void tell(const char *what, const char *text)
{
	print_message("# %s: %.*s\n", what, (int)strcspn(text, "\n"), text);
}

/* Nodes that the host has not are the planner's to refuse. */
static void assert_refused_by_planner(struct vn_guest *guest)
{
	static const struct maker_node nodes[] = {{8, 16384}, {8, 16384}, {8, 16384}, {8, 16384}};
	vn_autohost *host = make_host(4, nodes, 1, 21);
	vn_autoplan *plan = NULL;
	vn_autoerror err = {0};
	struct vn_plan_options options = {0};
	assert_int_equal(vn_plan_auto(host, guest, &options, &plan, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	tell("vnuma, planning", err.problems[0].text);
}

static void run_refused(const char *text, const char *theirs)
{
	vn_autoguest *guest = NULL;
	vn_autoerror err = {0};
	tell("libvirt", theirs);
	if (vn_guest_read(text, strlen(text), "domain.xml", false, &guest, &err) == 0) {
		assert_refused_by_planner(guest);
		return;
	}
	assert_true(err.input);
	assert_int_equal(err.n, 1); /* one thing is wrong in each */
	vn_autofree char *told =
		vn_format("line %u: %s: %s", err.problems[0].line, err.problems[0].key, err.problems[0].text);
	tell("vnuma", told);
}

static void run_read(const char *text, char *args_text)
{
	struct args args = {0};
	vn_autoguest *guest = NULL;
	vn_autoerror err = {0};
	int r = vn_guest_read(text, strlen(text), "domain.xml", false, &guest, &err);
	for (size_t i = 0; i < err.n; i++)
		tell("vnuma", err.problems[i].text);
	assert_int_equal(r, 0);
	if (!args_text)
		return; /* Xen's has a config beside it */
	parse_args(&args, args_text);
	compare(guest, &args);
	size_t fixed = 0;
	for (size_t v = 0; v < guest->n_vnodes; v++)
		fixed += guest->vnodes[v].has_binding || guest->nodes;
	vn_autofree char *told =
		vn_format("%zu -numa node, %zu dist, %zu policies fixed by the domain: the same",
			args.n_nodes, args.n_distances, fixed);
	tell("vnuma", told);
	args_clear(&args);
}

static void run_case(void **state)
{
	const char *file = *state;
	vn_autofree char *text = read_text(file);
	vn_autofree char *stem = strndup(file, strlen(file) - 4);
	vn_autofree char *args_name = vn_format("%s.x86_64-latest.args", stem),
			 *err_name = vn_format("%s.x86_64-latest.err", stem);
	vn_autofree char *args = read_text(args_name), *theirs = read_text(err_name);

	assert_non_null(text);
	if (theirs)
		run_refused(text, theirs);
	else
		run_read(text, args);
}

int main(void)
{
	const char *folder = getenv("VNUMA_SHARED"), *source = getenv("SRCDIR");
	vn_autofree char *pattern =
		folder ? vn_format("%s/data/libvirt/*.xml", folder)
		       : vn_format("%s/../shared/data/libvirt/*.xml", source ? source : ".");
	struct CMUnitTest tests[MOST] = {0};
	glob_t files = {0};

	if (glob(pattern, 0, NULL, &files) != 0) {
		printf("1..1\nok 1 - libvirt's own cases # SKIP none at %s: set VNUMA_SHARED to read them\n",
			pattern);
		return 0;
	}
	size_t n = files.gl_pathc < MOST ? files.gl_pathc : MOST;
	for (size_t i = 0; i < n; i++) {
		const char *slash = strrchr(files.gl_pathv[i], '/');
		tests[i] = (struct CMUnitTest){
			.name = slash + 1, .test_func = run_case, .initial_state = files.gl_pathv[i]};
	}
	int failed = _cmocka_run_group_tests("libvirt_cases", tests, n, NULL, NULL);
	globfree(&files);
	return failed;
}
