/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * -numa node and -numa cpu: the vnodes, their memory and vCPUs.
 *
 * Theory of operation: nodes may be told in any order, so a first pass finds their numbers and a second, once all vnodes are
 * there, what each has. A wrong option is told and left out; sums and gaps are only told when no option was wrong, since what
 * is missing then may well be in it.
 *
 * Sources: QEMU's hw/core/numa.c (nodes, memory), hw/core/machine.c (machine_set_cpu_numa_node(), vCPUs left out), hw/i386/x86.c
 * (numbers of sockets and cores, the default node of a vCPU); asked of QEMU in tests/qemu_line.t.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "../model/host.h"
#include "guest_qemu_part.h"

#define DEFAULT_REMOTE 20 /* of ACPI and Linux without a SLIT: QEMU makes none without -numa dist */

/* ---- the vnodes ---- */

static bool is_type(const struct qemu_option *option, const char *type)
{
	const char *seen = vn_keyval_get(&option->keys, "type");
	return seen && strcmp(seen, type) == 0;
}

/* The number of a -numa node: as told, or that of nodes before it. -1 when it is wrong. */
static int node_number(struct qemu_reader *r, const struct qemu_option *option, size_t before)
{
	uint64_t number = before;

	if (vn_keyval_get(&option->keys, "nodeid") &&
		!qemu_number(r, option, "nodeid", 0, QEMU_MAX_NODES - 1, &number))
		return -1;
	return number < QEMU_MAX_NODES ? (int)number : -1;
}

/* Numbers of all nodes, each once and without a gap; how many they are. 0 when something is wrong, or none is told. */
static size_t count_nodes(struct qemu_reader *r)
{
	const struct qemu_option *seen[QEMU_MAX_NODES] = {0}, *last = NULL;
	size_t n = 0, problems = r->problems;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		int number = is_type(option, "node") ? node_number(r, option, n) : -1;
		if (!is_type(option, "node"))
			continue;
		n++;
		last = option;
		if (number >= 0 && seen[number])
			qemu_problem(r, option, "node %d is told on line %u, too; expected each once", number,
				seen[number]->line);
		else if (number >= 0)
			seen[number] = option;
	}
	for (size_t i = 0; problems == r->problems && i < n && i < QEMU_MAX_NODES; i++) {
		if (!seen[i])
			qemu_problem(r, last, "node %zu is missing; expected nodes 0 to %zu without a gap", i,
				n - 1);
	}
	if (n > VN_MAX_VNODES)
		qemu_problem(r, last, "%zu nodes; expected at most %d", n, VN_MAX_VNODES);
	return problems == r->problems ? n : 0;
}

static bool make_vnodes(struct qemu_reader *r, size_t n)
{
	bool made = vn_guest_make_vnodes(r->guest, n, DEFAULT_REMOTE) == 0;

	r->short_of_memory |= !made;
	return made;
}

int qemu_vnode(struct qemu_reader *r, const struct qemu_option *option, const char *key, bool must)
{
	size_t n = r->guest->n_vnodes;
	uint64_t number = 0;

	if (!vn_keyval_get(&option->keys, key)) {
		if (must)
			qemu_problem(r, option, "no %s; expected a node", key);
		return -1;
	}
	if (!qemu_number(r, option, key, 0, QEMU_MAX_NODES - 1, &number))
		return -1;
	if (number >= n && n > 0) /* 0: the nodes themselves were wrong */
		qemu_problem(r, option, "%s=%llu seen; expected one of the nodes, 0 to %zu", key,
			(unsigned long long)number, n - 1);
	else if (n > 0 && strcmp(option->name, "-numa") == 0 && !is_type(option, "node") &&
		 r->nodes[number] > option) /* they are in the order of the words */
		qemu_problem(r, option,
			"%s=%llu seen before that node is told, on %s %u; expected the node first", key,
			(unsigned long long)number, r->words.zeros ? "word" : "line", r->nodes[number]->line);
	return number < n ? (int)number : -1;
}

/* ---- memory ---- */

static void read_node_memory(struct qemu_reader *r, const struct qemu_option *option, struct vn_vnode *vnode)
{
	bool has_memdev = vn_keyval_get(&option->keys, "memdev"),
	     has_mem = vn_keyval_get(&option->keys, "mem");

	if (has_memdev && has_mem)
		qemu_problem(r, option, "memdev and mem seen; expected one of them");
	if (has_memdev) {
		const struct qemu_backend *backend = qemu_take_backend(r, option, "memdev");
		if (!backend)
			return;
		vnode->memory = backend->size;
		qemu_bind_vnode(r, vnode, backend);
	} else {
		qemu_bytes(r, option, "mem", VN_MIB, &vnode->memory);
	}
}

/* mem= of some nodes, memdev= of others; memdev= beside memory for all. */
static void check_mixture(struct qemu_reader *r)
{
	const struct qemu_option *mem = NULL, *memdev = qemu_last(r, "-numa", "memdev"),
				 *all = qemu_last(r, "-machine", "memory-backend");

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		if (is_type(option, "node") && vn_keyval_get(&option->keys, "mem") &&
			!vn_keyval_get(&option->keys, "memdev"))
			mem = option;
	}
	if (mem && memdev)
		qemu_problem(r, mem, "mem seen, but memdev on line %u; expected one of them for all nodes",
			memdev->line);
	if (all && memdev)
		qemu_problem(r, all, "memory-backend seen, but -numa memdev on line %u; expected one of them",
			memdev->line);
}

static void check_sum(struct qemu_reader *r, size_t problems)
{
	const struct qemu_option *size = qemu_last(r, "-m", "size"), *node = NULL;
	char seen[VN_SIZE_TEXT], told[VN_SIZE_TEXT];
	uint64_t sum = 0;

	for (size_t i = 0; i < r->guest->n_vnodes; i++)
		sum += r->guest->vnodes[i].memory;
	if (sum == r->ram || !r->ram_known || r->problems != problems)
		return;
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));)
		node = is_type(option, "node") ? option : node;
	if (sum == 0)
		qemu_problem(r, node, "no node has memory; expected memdev=ID of each that has");
	else
		qemu_problem(r, size ? size : node,
			"the memory of the nodes sums to %s; expected %s, which is %s",
			vn_size_text_exact(sum, seen), vn_size_text_exact(r->ram, told),
			size ? "-m" : "QEMU's default without -m");
}

/* ---- vCPUs ---- */

/* Gives vCPUs to a vnode; those that another has are told. */
static void assign(
	struct qemu_reader *r, const struct qemu_option *option, int to, hwloc_const_bitmap_t vcpus)
{
	struct vn_guest *guest = r->guest;

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		if (i == (size_t)to || !hwloc_bitmap_intersects(guest->vnodes[i].vcpus, vcpus))
			continue;
		vn_autoset both = hwloc_bitmap_dup(vcpus);
		if (both)
			hwloc_bitmap_and(both, both, guest->vnodes[i].vcpus);
		vn_autofree char *text = both ? vn_set_text(both) : NULL;
		qemu_problem(r, option, "vCPU %s is in node %zu already; expected each in one node",
			text ? text : "?", i);
		return;
	}
	if (hwloc_bitmap_or(guest->vnodes[to].vcpus, guest->vnodes[to].vcpus, vcpus) < 0)
		r->short_of_memory = true;
}

static void read_node_vcpus(struct qemu_reader *r, const struct qemu_option *option, int number)
{
	vn_autoset vcpus = qemu_set(r, option, "cpus", VN_SET_MAX);
	unsigned most = r->guest->maxvcpus;

	if (!vcpus || !r->vcpus_known)
		return;
	if (hwloc_bitmap_last(vcpus) >= (int)most) {
		vn_autofree char *text = vn_set_text(vcpus);
		qemu_problem(r, option, "cpus=%.40s seen; expected vCPUs from 0 to %u, as -smp has them",
			text ? text : "?", most - 1);
		return;
	}
	assign(r, option, number, vcpus);
}

/* How a level of -smp is called in -numa cpu, and how many of it there are in the next one. */
struct level {
	const char *key;
	unsigned n;
};

/*
 * vCPUs are numbered thread by thread, core by core, die by die, socket by socket. A level that is not told is any.
 */
static void read_cpu(struct qemu_reader *r, const struct qemu_option *option)
{
	const struct vn_guest *guest = r->guest;
	const struct level levels[] = {{"thread-id", guest->threads}, {"core-id", guest->topology.cores},
		{"cluster-id", guest->topology.clusters}, {"die-id", guest->topology.dies},
		{"socket-id", guest->topology.sockets}};
	const size_t n = sizeof(levels) / sizeof(levels[0]);
	uint64_t told[5] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
	int to = qemu_vnode(r, option, "node-id", true);
	size_t problems = r->problems;

	for (size_t k = 0; k < n && r->vcpus_known; k++)
		qemu_number(r, option, levels[k].key, 0, levels[k].n - 1, &told[k]);
	if (to < 0 || !r->vcpus_known || problems != r->problems)
		return;
	vn_autoset vcpus = hwloc_bitmap_alloc();
	for (unsigned i = 0; vcpus && i < guest->maxvcpus; i++) {
		unsigned rest = i;
		bool match = true;
		for (size_t k = 0; k < n; rest /= levels[k++].n)
			match &= told[k] == UINT64_MAX || told[k] == rest % levels[k].n;
		if (match && hwloc_bitmap_set(vcpus, i) < 0)
			r->short_of_memory = true;
	}
	if (vcpus)
		assign(r, option, to, vcpus);
	r->short_of_memory |= !vcpus;
}

/* vCPUs that no option named: without any, sockets take turns; else node 0 has them, which QEMU warns of. */
static void place_the_rest(struct qemu_reader *r)
{
	struct vn_guest *guest = r->guest;
	unsigned per_socket =
		guest->topology.sockets ? guest->maxvcpus / guest->topology.sockets : guest->maxvcpus;
	bool none = true;

	if (guest->n_vnodes == 0)
		return;
	vn_autoset rest = hwloc_bitmap_alloc();
	if (!rest || hwloc_bitmap_set_range(rest, 0, (int)guest->maxvcpus - 1) < 0) {
		r->short_of_memory = true;
		return;
	}
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		none &= hwloc_bitmap_iszero(guest->vnodes[i].vcpus);
		hwloc_bitmap_andnot(rest, rest, guest->vnodes[i].vcpus);
	}
	for (int i = hwloc_bitmap_first(rest); i >= 0; i = hwloc_bitmap_next(rest, i)) {
		size_t to = none ? (unsigned)i / per_socket % guest->n_vnodes : 0;
		if (hwloc_bitmap_set(guest->vnodes[to].vcpus, (unsigned)i) < 0)
			r->short_of_memory = true;
	}
	if (none || hwloc_bitmap_iszero(rest))
		return;
	vn_autofree char *text = vn_set_text(rest);
	qemu_note(r, qemu_next(r, "-numa", NULL), "qemu-vcpus-left-out",
		"no node has vCPU %s; as QEMU does, with a warning, node 0 is taken", text ? text : "?");
}

/* ---- all ---- */

static void check_types(struct qemu_reader *r, bool nodes)
{
	static const char *const types[] = {"node", "cpu", "dist", "hmat-lb", "hmat-cache", NULL};

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		if (option->unread)
			continue;
		int type = qemu_choice(r, option, "type", types, -2);
		if (type == -2)
			qemu_problem(r, option, "no type; expected node, cpu, dist, hmat-lb or hmat-cache");
		else if (type > 0 && !nodes)
			qemu_problem(r, option, "%s without any -numa node; expected the nodes first",
				types[type]);
	}
}

/* A node needs memory, or a vCPU at start: Linux does not bring another one online, and the guest's nodes are fewer. */
static void check_empty(struct qemu_reader *r)
{
	const struct vn_guest *guest = r->guest;

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		int first = hwloc_bitmap_first(guest->vnodes[i].vcpus);
		if (guest->vnodes[i].memory + guest->vnodes[i].plugged == 0 &&
			(first < 0 || (unsigned)first >= guest->vcpus))
			qemu_problem(r, qemu_next(r, "-numa", NULL),
				"node %zu has neither memory nor a vCPU at start; expected one of them", i);
	}
}

static void read_nodes(struct qemu_reader *r)
{
	size_t before = 0, problems = r->problems;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		if (!is_type(option, "node"))
			continue;
		int number = node_number(r, option, before++);
		if (number < 0 || (size_t)number >= r->guest->n_vnodes)
			continue;
		r->nodes[number] = option;
		read_node_memory(r, option, &r->guest->vnodes[number]);
		read_node_vcpus(r, option, number);
	}
	check_mixture(r);
	check_sum(r, problems);
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		if (is_type(option, "cpu"))
			read_cpu(r, option);
	}
}

void qemu_read_numa(struct qemu_reader *r)
{
	struct vn_guest *guest = r->guest;
	const struct qemu_option *numa = qemu_next(r, "-numa", NULL);
	bool nodes = false;
	size_t problems = r->problems;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));)
		nodes |= is_type(option, "node");
	check_types(r, nodes);
	size_t n = count_nodes(r);
	if (numa && !n)
		return; /* nothing is checked against wrong nodes */
	if (!make_vnodes(r, n ? n : 1))
		return;
	if (n) {
		read_nodes(r);
	} else {
		guest->vnodes[0].memory = r->ram;
		guest->vnodes_open = true;
	}
	place_the_rest(r);
	qemu_bind_all(r);
	qemu_read_dimms(r);
	if (problems == r->problems && r->vcpus_known)
		check_empty(r);
}
