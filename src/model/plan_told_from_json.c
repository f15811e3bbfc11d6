/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plan tells beside homes and CPUs. Nothing is counted by it, so a plan without may be read; what is there must be right. */
#define _GNU_SOURCE
#include <string.h>

#include "plan_names.h"
#include "plan_reader.h"

#define FIGURE "a figure, not negative"
#define MAX_WARNINGS 4096u
#define MAX_CODE (sizeof(((struct vn_note *)NULL)->code) - 1)
#define MAX_WARNING ((size_t)512 << 10) /* bytes; one may list every other one of 65536 CPUs */
#define MAX_LOAD 1e9 /* vCPUs for each core */
#define LOAD_UNIT 1000000u /* the load of a bound is told with six digits */

static uint64_t figure(const struct vn_json_reader *in, const char *key)
{
	uint64_t number = 0;

	vn_json_number(in, key, 0, INT64_MAX, FIGURE, &number);
	return number;
}

static void read_cost(const struct vn_json_reader *in, const char *key, struct vn_cost *cost)
{
	struct vn_json_reader inner;
	bool saturated = false;

	cost->load_cores = 1;
	if (!vn_json_told(in, key) || !vn_json_object(in, key, &inner))
		return;
	cost->spill = figure(&inner, "spill");
	cost->squeeze = figure(&inner, "squeeze");
	cost->distance = figure(&inner, "distance");
	cost->load_vcpus = figure(&inner, "load_vcpus");
	vn_json_number(&inner, "load_cores", 1, INT64_MAX, "a figure above 0", &cost->load_cores);
	cost->fragmentation = figure(&inner, "fragmentation");
	vn_json_maybe_bool(&inner, "fragmentation_saturated", &saturated);
	if (saturated) /* more than JSON can tell: how much more is lost */
		cost->fragmentation += 1;
}

/* The one level of a bound that means anything. */
static void read_bound_value(const struct vn_json_reader *in, enum vn_level level, struct vn_cost *bound)
{
	const json_t *value = json_object_get(in->object, "value");
	double load = json_number_value(value);

	switch (level) {
	case VN_LEVEL_SPILL:
		bound->spill = figure(in, "value");
		break;
	case VN_LEVEL_SQUEEZE:
		bound->squeeze = figure(in, "value");
		break;
	case VN_LEVEL_DISTANCE:
		bound->distance = figure(in, "value");
		break;
	case VN_LEVEL_LOAD:
		if (!json_is_number(value) || !(load >= 0 && load <= MAX_LOAD)) {
			vn_json_wrong(in, "value", "vCPUs for each core");
			break;
		}
		bound->load_vcpus = (uint64_t)(load * LOAD_UNIT + 0.5);
		bound->load_cores = LOAD_UNIT;
		break;
	case VN_LEVEL_FRAGMENTATION:
		bound->fragmentation = figure(in, "value");
		break;
	case VN_LEVEL_TIES:
		break;
	}
}

static void read_mean(struct vn_plan_reader *p)
{
	const json_t *value = json_object_get(p->in.object, "mean_distance");
	double mean = json_number_value(value);

	if (!vn_json_told(&p->in, "mean_distance"))
		return;
	if (!json_is_number(value) || !(mean >= 0 && mean <= VN_DISTANCE_UNREACHABLE))
		vn_json_wrong(&p->in, "mean_distance", "a distance, 0 to 255");
	else
		p->plan->mean_distance = mean;
}

static void read_bound(struct vn_plan_reader *p)
{
	struct vn_json_reader in;

	p->plan->bound.load_cores = 1;
	p->plan->open_level = VN_LEVEL_TIES;
	if (!vn_json_told(&p->in, "bound") || !vn_json_object(&p->in, "bound", &in))
		return;
	p->plan->open_level = (enum vn_level)vn_json_choice(
		&in, "level", vn_level_names, VN_N_LEVELS, "a level of the objective");
	read_bound_value(&in, p->plan->open_level, &p->plan->bound);
}

static void read_runner_up(struct vn_plan_reader *p)
{
	struct vn_json_reader in;
	size_t n = p->plan->n_vnodes;

	if (!vn_json_told(&p->in, "runner_up") || !vn_json_object(&p->in, "runner_up", &in))
		return;
	const json_t *homes = vn_json_list(&in, "homes", VN_MAX_VNODES);
	p->plan->runner_up_homes = calloc(n + 1, sizeof(*p->plan->runner_up_homes));
	if (!p->plan->runner_up_homes) {
		vn_json_no_memory(&in);
		return;
	}
	if (homes && json_array_size(homes) != n)
		vn_json_wrong(&in, "homes", "a node for each vnode");
	for (size_t i = 0; i < json_array_size(homes) && i < n; i++) {
		const json_t *home = json_array_get(homes, i);
		json_int_t id = json_integer_value(home);
		if (!json_is_integer(home) || id < 0 || id >= VN_MAX_NODES)
			vn_json_problem(&in, "homes", "member %zu is no node's number", i);
		else
			p->plan->runner_up_homes[i] = (unsigned)id;
	}
	if (!vn_json_told(&in, "cost"))
		vn_json_wrong(&in, "cost", "an object");
	read_cost(&in, "cost", &p->plan->runner_up_cost);
	p->plan->decided_by = (enum vn_level)vn_json_choice(
		&in, "decided_by", vn_level_names, VN_N_LEVELS, "a level of the objective");
	p->plan->has_runner_up = true;
}

/* ---- the guest's view ---- */

static void read_view_distances(const struct vn_json_reader *in, size_t n, uint32_t *distances)
{
	const json_t *list = vn_json_list(in, "distances", VN_MAX_VNODES);

	if (list && json_array_size(list) != n)
		vn_json_problem(in, "distances", "a list of %zu; expected %zu, one per node",
			json_array_size(list), n);
	for (size_t j = 0; j < json_array_size(list) && j < n; j++) {
		const json_t *distance = json_array_get(list, j);
		json_int_t told = json_integer_value(distance);
		if (!json_is_integer(distance) || told < 0 || told > VN_DISTANCE_UNREACHABLE)
			vn_json_problem(in, "distances", "member %zu is no number from 0 to 255", j);
		else
			distances[j] = (uint32_t)told;
	}
}

static void read_view_node(struct vn_plan_reader *p, const struct vn_json_reader *in, size_t i, size_t n)
{
	struct vn_view_node *node = &p->plan->view.nodes[i];
	uint64_t id = i, vnode = 0;

	if (vn_json_number(in, "id", 0, VN_MAX_VNODES - 1, "a node of the guest", &id) && id != i)
		vn_json_problem(in, "id", "%u; expected %zu, its place in the list", (unsigned)id, i);
	vn_json_number(in, "vnode", 0, n - 1, "one of the vnodes", &vnode);
	vn_json_number(in, "memory", 0, VN_MAX_MEMORY, "bytes", &node->memory);
	node->id = (unsigned)i;
	node->vnode = (unsigned)vnode;
	node->cpus = vn_json_maybe_set(in, "cpus", VN_MAX_VCPUS - 1);
	node->distances = calloc(n, sizeof(*node->distances));
	if (!vn_json_told(in, "cpus"))
		vn_json_wrong(in, "cpus", "a list of vCPUs");
	if (node->distances)
		read_view_distances(in, n, node->distances);
	else
		vn_json_no_memory(in);
}

static void read_view(struct vn_plan_reader *p)
{
	struct vn_json_reader in;
	struct vn_view *view = &p->plan->view;

	if (!vn_json_told(&p->in, "guest_view") || !vn_json_object(&p->in, "guest_view", &in))
		return;
	const json_t *list = vn_json_list(&in, "nodes", VN_MAX_VNODES);
	size_t n = json_array_size(list);
	if (n > 0 && n != p->plan->n_vnodes) /* an empty one is none */
		vn_json_problem(
			&in, "nodes", "a list of %zu; expected %zu, one per vnode", n, p->plan->n_vnodes);
	view->nodes = calloc(n + 1, sizeof(*view->nodes));
	if (!view->nodes) {
		vn_json_no_memory(&in);
		return;
	}
	for (view->n_nodes = 0; view->n_nodes < n; view->n_nodes++) {
		struct vn_json_reader node;
		if (vn_json_member(&in, "nodes", list, view->n_nodes, &node))
			read_view_node(p, &node, view->n_nodes, n);
	}
}

static void read_warnings(struct vn_plan_reader *p)
{
	const json_t *list = vn_json_maybe_list(&p->in, "warnings", MAX_WARNINGS);

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct vn_json_reader in;
		if (!vn_json_member(&p->in, "warnings", list, i, &in))
			continue;
		vn_autofree char *code =
			vn_json_maybe_text(&in, "code", MAX_CODE, "a code of at most 31 characters");
		vn_autofree char *text =
			vn_json_maybe_text(&in, "text", MAX_WARNING, "a text that can be printed");
		if (!vn_json_told(&in, "code") || !vn_json_told(&in, "text"))
			vn_json_wrong(&in, NULL, "a code and a text");
		if (code && text && vn_notes_add(&p->plan->warnings, code, "%s", text) < 0)
			vn_json_no_memory(&in);
	}
}

/* Plans of earlier versions, and those that somebody wrote, do not tell. */
static void read_host(struct vn_plan_reader *p)
{
	static const char expected[] = "16 digits, 0-9 and a-f: the host it is for";
	vn_autofree char *text = vn_json_maybe_text(&p->in, "host", VN_PLAN_HOST_DIGITS, expected);
	uint64_t host = 0;

	if (!text && !vn_json_told(&p->in, "host"))
		return;
	size_t n = text ? strspn(text, "0123456789abcdef") : 0;
	for (size_t i = 0; i < n; i++)
		host = host << 4 | (unsigned)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
	if (text && (n != VN_PLAN_HOST_DIGITS || text[n] || host == 0))
		vn_json_wrong(&p->in, "host", expected);
	p->plan->host = host;
}

void vn_plan_read_told(struct vn_plan_reader *p)
{
	read_host(p);
	read_cost(&p->in, "cost", &p->plan->cost);
	read_mean(p);
	read_bound(p);
	read_runner_up(p);
	read_view(p);
	read_warnings(p);
}
