/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host from JSON: what vn_host_to_json() printed, on this machine or another, or what somebody wrote by hand.
 *
 * Theory of operation: the document is checked part by part, each problem told with its path, before vn_host_check() sorts
 * the parts, so that the order of members in a list does not matter. Three things are told twice in a document (a CPU's
 * node, a node's number of cores, a device's first name): they must agree, else it would be luck which one counts. What is
 * printed again is byte for byte what was read, if vnuma of the same version printed it; keys that this version does not
 * know are passed over (the schema allows to add keys) and are then missing.
 */
#define _GNU_SOURCE
#include "host_from_json.h"

#include <limits.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/rootfs.h"
#include "../base/text.h"
#include "discover.h"

#define SCHEMA "vnuma.topology/1"
#define FILE_MAX_BYTES ((size_t)64 << 20) /* 1024 nodes with all distances, indented, are 20 MiB */
#define MAX_CACHES 64u
#define AT_MOST " up to 2^60" /* VN_JSON_MAX_AMOUNT */
#define PAGE_EXPECTED "bytes a page: a power of two, at least 4096"
#define PAGES_EXPECTED "a number of pages" AT_MOST
#define MAX_SOURCE 8192u
#define MAX_NOTE ((size_t)512 << 10) /* a note may list every other one of 65536 CPUs */

struct loader {
	struct vn_json_reader top;
	struct vn_host *host;
	const json_t *nodes; /* host->nodes is in its order */
	int index_of[VN_MAX_NODES]; /* [node id], index in host->nodes; -1 */
	int node_of[VN_SET_MAX + 1]; /* [CPU id], the node that names it; -1 */
};

/* ---- nodes ---- */

/* The same as vn_hugepool_is_sound() asks, told one by one. */
static void check_pool(const struct vn_json_reader *in, const struct vn_hugepool *pool)
{
	if (pool->free > pool->total)
		vn_json_problem(in, "free", "%llu; expected at most the %llu of 'total'",
			(unsigned long long)pool->free, (unsigned long long)pool->total);
	if (pool->surplus > pool->total)
		vn_json_problem(in, "surplus", "%llu; expected at most the %llu of 'total'",
			(unsigned long long)pool->surplus, (unsigned long long)pool->total);
	if (pool->size < VN_MIN_PAGE || (pool->size & (pool->size - 1)))
		vn_json_wrong(in, "size", PAGE_EXPECTED);
	else if (pool->total > VN_MAX_AMOUNT / pool->size)
		vn_json_problem(in, "total", "%llu pages of %llu bytes; expected at most 2^60 bytes",
			(unsigned long long)pool->total, (unsigned long long)pool->size);
}

static void read_pool(const struct vn_json_reader *in, struct vn_host_node *node)
{
	struct vn_hugepool pool = {0};

	bool told = vn_json_number(in, "size", 0, VN_JSON_MAX_AMOUNT, PAGE_EXPECTED, &pool.size);
	told &= vn_json_number(in, "total", 0, VN_JSON_MAX_AMOUNT, PAGES_EXPECTED, &pool.total);
	told &= vn_json_number(in, "free", 0, VN_JSON_MAX_AMOUNT, PAGES_EXPECTED, &pool.free);
	vn_json_maybe_number(in, "surplus", 0, VN_JSON_MAX_AMOUNT, PAGES_EXPECTED, &pool.surplus);
	if (told)
		check_pool(in, &pool);
	for (size_t i = 0; i < node->n_hugepools; i++) {
		if (node->hugepools[i].size == pool.size)
			vn_json_problem(in, "size", "%llu is there twice; expected once",
				(unsigned long long)pool.size);
	}
	node->hugepools[node->n_hugepools++] = pool;
}

static void read_pools(const struct vn_json_reader *in, struct vn_host_node *node)
{
	const json_t *list = vn_json_maybe_list(in, "hugepages", VN_MAX_POOLS);
	size_t n = json_array_size(list);

	if (n == 0)
		return;
	node->hugepools = calloc(n, sizeof(*node->hugepools));
	if (!node->hugepools) {
		vn_json_no_memory(in);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct vn_json_reader pool;
		if (vn_json_member(in, "hugepages", list, i, &pool))
			read_pool(&pool, node);
	}
}

static void read_kind(const struct vn_json_reader *in, struct vn_host_node *node)
{
	const char *text = json_string_value(json_object_get(in->object, "memory_kind"));
	const char *name;
	vn_autofree char *expected = vn_copy("null");

	if (!vn_json_told(in, "memory_kind"))
		return;
	for (enum vn_memory_kind kind = VN_MEMORY_UNKNOWN + 1; (name = vn_memory_kind_text(kind)); kind++) {
		vn_autofree char *before = vn_steal(expected);
		if (text && strcmp(text, name) == 0) {
			node->memory_kind = kind;
			return;
		}
		expected = before ? vn_format("%s, %s", before, name) : NULL;
	}
	vn_json_wrong(in, "memory_kind", expected ? expected : "a kind of memory");
}

static void read_access(const struct vn_json_reader *in, struct vn_host_node *node)
{
	static const char latency[] = "nanoseconds above 0" AT_MOST ", or null",
			  bandwidth[] = "MB/s above 0" AT_MOST ", or null";
	uint64_t class = 0;

	if (!vn_json_number(in, "class", 0, VN_ACCESS_CLASSES - 1, "0 or 1", &class))
		return;
	struct vn_memory_access *access = &node->access[class];
	if (access->initiators) {
		vn_json_problem(in, "class", "%u is there twice; expected once", (unsigned)class);
		return;
	}
	access->initiators = vn_json_maybe_set(in, "initiators", VN_MAX_NODES - 1);
	if (!vn_json_told(in, "initiators"))
		vn_json_wrong(in, "initiators", "a list of nodes");
	uint64_t most = VN_JSON_MAX_AMOUNT;
	vn_json_maybe_number(in, "read_latency", 1, most, latency, &access->read_latency);
	vn_json_maybe_number(in, "write_latency", 1, most, latency, &access->write_latency);
	vn_json_maybe_number(in, "read_bandwidth", 1, most, bandwidth, &access->read_bandwidth);
	vn_json_maybe_number(in, "write_bandwidth", 1, most, bandwidth, &access->write_bandwidth);
}

/* A number that is -1 when it is not told. */
static void read_id(const struct vn_json_reader *in, const char *key, unsigned min, unsigned max,
	const char *expected, int *ret)
{
	uint64_t number;

	if (vn_json_maybe_number(in, key, min, max, expected, &number))
		*ret = (int)number;
}

static void read_cache(const struct vn_json_reader *in, struct vn_host_node *node)
{
	struct vn_memory_cache cache = {.indexing = -1, .write_policy = -1};
	uint64_t level = 0;

	vn_json_number(in, "level", 0, INT_MAX, "a cache level", &level);
	cache.level = (unsigned)level;
	vn_json_maybe_number(
		in, "size", 1, VN_JSON_MAX_AMOUNT, "bytes above 0" AT_MOST ", or null", &cache.size);
	vn_json_maybe_number(in, "line_size", 1, VN_JSON_MAX_AMOUNT, "bytes above 0" AT_MOST ", or null",
		&cache.line_size);
	read_id(in, "indexing", 0, INT_MAX, "0, 1, 2 or null", &cache.indexing);
	read_id(in, "write_policy", 0, INT_MAX, "0, 1, 2 or null", &cache.write_policy);
	for (size_t i = 0; i < node->n_memory_caches; i++) {
		if (node->memory_caches[i].level == cache.level)
			vn_json_problem(in, "level", "%u is there twice; expected once", cache.level);
	}
	node->memory_caches[node->n_memory_caches++] = cache;
}

static void read_quality(const struct vn_json_reader *in, struct vn_host_node *node)
{
	const json_t *accesses = vn_json_maybe_list(in, "memory_access", VN_ACCESS_CLASSES);
	const json_t *caches = vn_json_maybe_list(in, "memory_side_caches", MAX_CACHES);
	struct vn_json_reader member;

	read_kind(in, node);
	read_id(in, "memory_tier", 0, INT_MAX, "a tier's number, or null", &node->memory_tier);
	read_id(in, "interleave_weight", 1, VN_MAX_WEIGHT, "1 to 255, or null", &node->interleave_weight);
	for (size_t i = 0; i < json_array_size(accesses); i++) {
		if (vn_json_member(in, "memory_access", accesses, i, &member))
			read_access(&member, node);
	}
	node->memory_caches = calloc(json_array_size(caches) + 1, sizeof(*node->memory_caches));
	if (!node->memory_caches)
		vn_json_no_memory(in);
	for (size_t i = 0; node->memory_caches && i < json_array_size(caches); i++) {
		if (vn_json_member(in, "memory_side_caches", caches, i, &member))
			read_cache(&member, node);
	}
}

/* A CPU is in one node at most. */
static void claim_cpus(struct loader *l, const struct vn_json_reader *in, const struct vn_host_node *node)
{
	for (int id = node->cpus ? hwloc_bitmap_first(node->cpus) : -1; id >= 0;
		id = hwloc_bitmap_next(node->cpus, id)) {
		if (l->node_of[id] >= 0)
			vn_json_problem(in, "cpus", "CPU %d is in node %d too; expected one node", id,
				l->node_of[id]);
		l->node_of[id] = (int)node->id;
	}
}

static void read_node(struct loader *l, const struct vn_json_reader *in, size_t index)
{
	struct vn_host_node *node = &l->host->nodes[index];
	uint64_t id, most = VN_JSON_MAX_AMOUNT;
	bool has_id = vn_json_number(in, "id", 0, VN_MAX_NODES - 1, "a node number below 1024", &id);

	bool has_total = vn_json_number(in, "memory_total", 0, most, "bytes" AT_MOST, &node->memory_total);
	node->has_memory_free = vn_json_maybe_number(
		in, "memory_free", 0, most, "bytes" AT_MOST ", or null", &node->memory_free);
	node->has_memory_reclaimable = vn_json_maybe_number(
		in, "memory_reclaimable", 0, most, "bytes" AT_MOST ", or null", &node->memory_reclaimable);
	if (has_total && node->has_memory_free && node->memory_free > node->memory_total)
		vn_json_problem(in, "memory_free", "%llu; expected at most the %llu of 'memory_total'",
			(unsigned long long)node->memory_free, (unsigned long long)node->memory_total);
	if (!has_total)
		node->memory_total = most; /* told above: no other figure is wrong beside it */
	read_pools(in, node);
	read_quality(in, node);
	node->cpus = vn_json_maybe_set(in, "cpus", VN_SET_MAX);
	if (!vn_json_told(in, "cpus"))
		vn_json_wrong(in, "cpus", "a list of CPU numbers");
	if (!has_id)
		return;
	node->id = (unsigned)id;
	if (l->index_of[id] >= 0)
		vn_json_problem(in, "id", "node %u is there twice; expected once", node->id);
	l->index_of[id] = (int)index;
	claim_cpus(l, in, node);
}

static void read_nodes(struct loader *l)
{
	struct vn_host *host = l->host;
	size_t n;

	l->nodes = vn_json_list(&l->top, "nodes", VN_MAX_NODES);
	n = json_array_size(l->nodes);
	if (l->nodes && n == 0)
		vn_json_problem(&l->top, "nodes", "no nodes; expected at least one");
	host->nodes = calloc(n + 1, sizeof(*host->nodes));
	if (!host->nodes) {
		vn_json_no_memory(&l->top);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct vn_json_reader node;
		host->nodes[host->n_nodes++] = vn_host_node_init(0);
		if (vn_json_member(&l->top, "nodes", l->nodes, i, &node))
			read_node(l, &node, i);
	}
}

/* ---- distances: when all nodes are known ---- */

/* Index of the node whose id is `text`, as the kernel would write it; -1. */
static int node_named(const struct loader *l, const char *text)
{
	uint64_t id;

	if (vn_parse_u64(text, VN_MAX_NODES - 1, &id) < 0 || (text[0] == '0' && text[1]))
		return -1;
	return l->index_of[id];
}

static void read_row(struct loader *l, const struct vn_json_reader *in, json_t *object, uint32_t *row)
{
	struct vn_json_reader distances = {in->document, in, "distances", -1, object};
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		uint64_t distance;
		int to = node_named(l, key);
		if (to < 0)
			vn_json_problem(
				&distances, key, "the host has no such node; expected one of its own");
		if (vn_json_maybe_number(&distances, key, 1, VN_DISTANCE_UNREACHABLE,
			    "a distance of 1 to 255, or null", &distance) &&
			to >= 0)
			row[to] = (uint32_t)distance;
	}
}

static void read_distances(struct loader *l)
{
	struct vn_host *host = l->host;

	for (size_t i = 0; i < host->n_nodes; i++) {
		struct vn_json_reader in = {
			l->top.document, &l->top, "nodes", (long)i, json_array_get(l->nodes, i)};
		json_t *object = json_object_get(in.object, "distances");
		if (!vn_json_told(&in, "distances"))
			continue;
		if (!json_is_object(object)) {
			vn_json_wrong(&in, "distances", "an object of node number and distance");
			continue;
		}
		host->nodes[i].distances = calloc(host->n_nodes, sizeof(uint32_t));
		if (host->nodes[i].distances)
			read_row(l, &in, object, host->nodes[i].distances);
		else
			vn_json_no_memory(&in);
	}
}

/* ---- CPUs ---- */

/* Where a CPU is and whether it is online is told by the nodes' sets, too. */
static void check_cpu(struct loader *l, const struct vn_json_reader *in, struct vn_host_cpu *cpu)
{
	const json_t *told = json_object_get(in->object, "node");
	int node = -1, in_set = l->node_of[cpu->id];
	char names[16] = "no node";

	read_id(in, "node", 0, VN_MAX_NODES - 1, "a node number, or null", &node);
	if (in_set >= 0)
		snprintf(names, sizeof(names), "node %d", in_set);
	if (!cpu->online && in_set < 0 && node >= 0) { /* told by nobody else */
		if (l->index_of[node] < 0)
			vn_json_wrong(in, "node", "a node of 'nodes'");
		cpu->node = node;
		return;
	}
	if (told && (node >= 0 || json_is_null(told)) && node != in_set)
		vn_json_wrong(in, "node", "the node that has this CPU among its 'cpus'");
	if (!cpu->online && in_set >= 0)
		vn_json_problem(in, "online",
			"false, but %s has CPU %u among its 'cpus'; expected only CPUs that are online there",
			names, cpu->id);
}

static void read_cpu(struct loader *l, const struct vn_json_reader *in, hwloc_bitmap_t known)
{
	static const char a_number[] = "a number, or null";
	uint64_t id;

	if (!vn_json_number(in, "id", 0, VN_SET_MAX, "a CPU number below 65536", &id))
		return;
	struct vn_host_cpu *cpu = &l->host->cpus[l->host->n_cpus++];
	*cpu = vn_host_cpu_init((unsigned)id);
	cpu->online = true;
	vn_json_maybe_bool(in, "online", &cpu->online);
	read_id(in, "package", 0, INT_MAX, a_number, &cpu->package);
	read_id(in, "die", 0, INT_MAX, a_number, &cpu->die);
	read_id(in, "cluster", 0, INT_MAX, a_number, &cpu->cluster);
	read_id(in, "core", 0, INT_MAX, a_number, &cpu->core);
	read_id(in, "l3", 0, INT_MAX, a_number, &cpu->l3);
	cpu->siblings = vn_json_maybe_set(in, "siblings", VN_SET_MAX);
	check_cpu(l, in, cpu);
	if (hwloc_bitmap_isset(known, cpu->id))
		vn_json_problem(in, "id", "CPU %u is there twice; expected once", cpu->id);
	else if (hwloc_bitmap_set(known, cpu->id) < 0)
		vn_json_no_memory(in);
}

/* No list of CPUs: those of the nodes are all there are. */
static void make_cpus(struct loader *l)
{
	struct vn_host *host = l->host;

	for (unsigned id = 0; id <= VN_SET_MAX; id++) {
		if (l->node_of[id] < 0)
			continue;
		host->cpus[host->n_cpus] = vn_host_cpu_init(id);
		host->cpus[host->n_cpus++].online = true;
	}
}

/* Nodes may name only CPUs that the list has. */
static void check_members(struct loader *l, hwloc_const_bitmap_t known)
{
	vn_autoset missing = hwloc_bitmap_alloc();

	for (size_t i = 0; missing && i < l->host->n_nodes; i++) {
		struct vn_json_reader in = {
			l->top.document, &l->top, "nodes", (long)i, json_array_get(l->nodes, i)};
		hwloc_const_bitmap_t cpus = l->host->nodes[i].cpus;
		if (!cpus)
			continue;
		if (hwloc_bitmap_andnot(missing, cpus, known) < 0)
			vn_json_no_memory(&in);
		vn_autofree char *text = hwloc_bitmap_iszero(missing) ? NULL : vn_set_text(missing);
		if (text)
			vn_json_problem(
				&in, "cpus", "%.60s; expected CPUs that 'cpus' of the host lists", text);
	}
	if (!missing)
		vn_json_no_memory(&l->top);
}

static void read_cpus(struct loader *l)
{
	const json_t *list = vn_json_maybe_list(&l->top, "cpus", VN_SET_MAX + 1);
	bool told = vn_json_told(&l->top, "cpus");
	size_t room = told ? json_array_size(list) : VN_SET_MAX + 1;
	vn_autoset known = hwloc_bitmap_alloc();

	l->host->cpus = calloc(room + 1, sizeof(*l->host->cpus));
	if (!known || !l->host->cpus) {
		vn_json_no_memory(&l->top);
		return;
	}
	if (!told)
		make_cpus(l);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct vn_json_reader cpu;
		if (vn_json_member(&l->top, "cpus", list, i, &cpu))
			read_cpu(l, &cpu, known);
	}
	if (list)
		check_members(l, known);
}

/* ---- the host ---- */

/* Cores are known when it says so, or, where that is left out, when each CPU that is online tells its siblings. */
static void read_cores_known(struct loader *l)
{
	struct vn_host *host = l->host;

	host->cores_known = host->n_cpus > 0;
	for (size_t i = 0; i < host->n_cpus; i++)
		host->cores_known &= !host->cpus[i].online || host->cpus[i].siblings;
	vn_json_maybe_bool(&l->top, "cores_known", &host->cores_known);
}

/* The number of cores follows from the CPUs' siblings. */
static void check_cores(struct loader *l)
{
	for (size_t i = 0; i < l->host->n_nodes; i++) {
		struct vn_json_reader in = {
			l->top.document, &l->top, "nodes", (long)i, json_array_get(l->nodes, i)};
		const json_t *told = json_object_get(in.object, "cores");
		char expected[64] = "null, as the host's 'cores_known' is false";
		unsigned cores = vn_host_cores(l->host, l->host->nodes[i].cpus);
		if (!told)
			continue;
		if (l->host->cores_known)
			snprintf(expected, sizeof(expected), "%u, by the siblings of its CPUs", cores);
		if (l->host->cores_known ? !json_is_integer(told) || json_integer_value(told) != cores
					 : !json_is_null(told))
			vn_json_wrong(&in, "cores", expected);
	}
}

/* Who shares a core must say so of each other. */
static void check_siblings(struct loader *l)
{
	const json_t *list = json_object_get(l->top.object, "cpus");
	vn_autoset wrong = hwloc_bitmap_alloc();

	if (!wrong || vn_host_wrong_siblings(l->host, wrong) < 0) {
		vn_json_no_memory(&l->top);
		return;
	}
	for (size_t i = 0; i < l->host->n_cpus; i++) {
		struct vn_json_reader in = {
			l->top.document, &l->top, "cpus", (long)i, json_array_get(list, i)};
		if (hwloc_bitmap_isset(wrong, l->host->cpus[i].id))
			vn_json_wrong(&in, "siblings",
				"this CPU among them, and the same list from each CPU of the list");
	}
}

static void read_offline_nodes(struct loader *l)
{
	hwloc_bitmap_t offline = vn_json_maybe_set(&l->top, "offline_nodes", VN_MAX_NODES - 1);

	l->host->offline_nodes = offline;
	for (int id = offline ? hwloc_bitmap_first(offline) : -1; id >= 0;
		id = hwloc_bitmap_next(offline, id)) {
		if (l->index_of[id] >= 0)
			vn_json_problem(&l->top, "offline_nodes", "%d; expected no node of 'nodes'", id);
	}
}

static void read_note(const struct vn_json_reader *in, struct vn_notes *notes)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	vn_autofree char *code = vn_json_maybe_text(
		in, "code", sizeof(notes->v->code) - 1, "a code of lower case letters, digits and hyphens");
	vn_autofree char *text = vn_json_maybe_text(in, "text", MAX_NOTE, "a sentence");

	if (!vn_json_told(in, "code") || (code && (!*code || code[strspn(code, letters)])))
		vn_json_wrong(in, "code", "a code of lower case letters, digits and hyphens");
	if (!vn_json_told(in, "text"))
		vn_json_wrong(in, "text", "a sentence");
	if (code && text && vn_notes_add(notes, code, "%s", text) < 0)
		vn_json_no_memory(in);
}

static void read_notes(struct loader *l)
{
	const json_t *list = vn_json_maybe_list(&l->top, "warnings", VN_JSON_MAX_ITEMS);

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct vn_json_reader note;
		if (vn_json_member(&l->top, "warnings", list, i, &note))
			read_note(&note, &l->host->notes);
	}
}

static void read_host(struct loader *l)
{
	const struct vn_json_reader *top = &l->top;
	struct vn_host *host = l->host;

	read_nodes(l);
	read_distances(l);
	read_cpus(l);
	read_cores_known(l);
	if (top->document->status == 0)
		check_siblings(l);
	if (top->document->status == 0)
		check_cores(l); /* of sets that are wrong the number would be wrong too */
	host->allowed_cpus = vn_json_maybe_set(top, "allowed_cpus", VN_SET_MAX);
	host->allowed_nodes = vn_json_maybe_set(top, "allowed_nodes", VN_SET_MAX);
	host->isolated_cpus = vn_json_maybe_set(top, "isolated_cpus", VN_SET_MAX);
	host->nohz_full_cpus = vn_json_maybe_set(top, "nohz_full_cpus", VN_SET_MAX);
	read_offline_nodes(l);
	host->has_cgroup_memory = vn_json_maybe_number(top, "cgroup_memory", 0, VN_JSON_MAX_AMOUNT,
		"bytes" AT_MOST ", or null", &host->cgroup_memory);
	vn_json_maybe_number(top, "cgroup_millicpus", 1, VN_JSON_MAX_AMOUNT,
		"thousandths of a CPU above 0" AT_MOST ", or null", &host->cgroup_millicpus);
	vn_json_maybe_bool(top, "live", &host->was_live);
	uint64_t balancing;
	if (vn_json_maybe_number(top, "numa_balancing", 0, 3, "a number from 0 to 3, or null", &balancing))
		host->numa_balancing = (int)balancing;
	vn_json_hmat(top, host);
	vn_json_devices(top, l->nodes, host);
	read_notes(l);
}

/* What a document of another schema lacks is not worth a list. */
static bool has_schema(const struct vn_json_reader *top)
{
	const json_t *schema = json_object_get(top->object, "schema");

	if (!json_is_object(top->object))
		vn_json_wrong(top, NULL, "an object");
	else if (schema && (!json_is_string(schema) || strcmp(json_string_value(schema), SCHEMA) != 0))
		vn_json_wrong(top, "schema", "\"" SCHEMA "\"");
	else
		return true;
	return false;
}

static int finish(struct loader *l, struct vn_error *err)
{
	const struct vn_json_reader *top = &l->top;
	vn_autofree char *source = vn_json_maybe_text(top, "source", MAX_SOURCE, "a source's name, or null");
	const char *file = top->document->file;
	int r = vn_json_finish(top->document);

	if (r < 0)
		return r;
	if (!json_object_get(top->object, "source"))
		source = vn_format("json:%s", file);
	l->host->source = vn_copy(file); /* problems are this file's, wherever the host was read */
	if (!l->host->source || (!source && !json_object_get(top->object, "source")))
		return vn_error_environment(err, -ENOMEM, "out of memory");
	r = vn_json_told(top, "warnings") ? vn_host_check(l->host, err) : vn_host_finish(l->host, err);
	free(l->host->source);
	l->host->source = vn_steal(source);
	return r;
}

static int read_document(const json_t *json, const char *file, struct vn_host *host, struct vn_error *err)
{
	struct vn_json_document document = {.file = file, .err = err};
	struct loader *l = calloc(1, sizeof(*l));

	if (!l)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	l->top = (struct vn_json_reader){&document, NULL, NULL, -1, json};
	l->host = host;
	memset(l->index_of, 0xff, sizeof(l->index_of));
	memset(l->node_of, 0xff, sizeof(l->node_of));
	if (has_schema(&l->top))
		read_host(l);
	int r = finish(l, err);
	free(l);
	return r;
}

static int load(const json_t *json, const char *file, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autohost *host = vn_host_new();
	int r = host ? read_document(json, file, host, err)
		     : vn_error_environment(err, -ENOMEM, "out of memory");

	if (r == 0)
		*ret_host = vn_steal(host);
	return r;
}

int vn_discover_json_text(const char *text, const char *file, struct vn_host **ret_host, struct vn_error *err)
{
	json_error_t wrong;
	json_auto_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &wrong);

	if (json)
		return load(json, file, ret_host, err);
	if (json_error_code(&wrong) == json_error_out_of_memory)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (char *p = wrong.text; *p; p++) {
		if (*p < 0x20 || *p >= 0x7f)
			*p = '?';
	}
	struct vn_where where = {file, wrong.line > 0 ? (unsigned)wrong.line : 0, NULL};
	return vn_error_input(err, &where, "%s; expected JSON", wrong.text);
}

int vn_discover_json(const char *file, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autofree char *text = NULL;
	int r = vn_file_read(file, FILE_MAX_BYTES, &text, err);
	return r < 0 ? r : vn_discover_json_text(text, file, ret_host, err);
}
