/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "host.h"

#include <string.h>

#define MAX_DEVICE_NOTES 16 /* each names one; the rest is counted */

struct vn_host *vn_host_new(void)
{
	struct vn_host *host = calloc(1, sizeof(*host));

	if (host)
		host->numa_balancing = -1;
	return host;
}

struct vn_host_node vn_host_node_init(unsigned id)
{
	return (struct vn_host_node){.id = id, .memory_tier = -1, .interleave_weight = -1};
}

struct vn_host_cpu vn_host_cpu_init(unsigned id)
{
	return (struct vn_host_cpu){
		.id = id, .node = -1, .package = -1, .die = -1, .cluster = -1, .core = -1, .l3 = -1};
}

struct vn_host_device vn_host_device_init(void)
{
	return (struct vn_host_device){.node = -1, .class_code = -1, .vendor = -1, .device = -1};
}

static void free_nodes(struct vn_host *host)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		struct vn_host_node *node = &host->nodes[i];
		hwloc_bitmap_free(node->cpus);
		for (size_t c = 0; c < VN_ACCESS_CLASSES; c++)
			hwloc_bitmap_free(node->access[c].initiators);
		free(node->memory_caches);
		free(node->hugepools);
		free(node->distances);
	}
	free(host->nodes);
}

static void free_devices(struct vn_host *host)
{
	for (size_t i = 0; i < host->n_devices; i++) {
		struct vn_host_device *device = &host->devices[i];
		hwloc_bitmap_free(device->local_cpus);
		for (size_t k = 0; k < device->n_names; k++)
			free(device->names[k]);
		for (size_t k = 0; k < device->n_irqs; k++) {
			hwloc_bitmap_free(device->irqs[k].cpus);
			hwloc_bitmap_free(device->irqs[k].effective);
		}
		free(device->names);
		free(device->irqs);
		free(device->driver);
	}
	free(host->devices);
}

void vn_host_free(struct vn_host *host)
{
	if (!host)
		return;
	free_nodes(host);
	for (size_t i = 0; i < host->n_cpus; i++)
		hwloc_bitmap_free(host->cpus[i].siblings);
	free(host->cpus);
	free_devices(host);
	hwloc_bitmap_free(host->allowed_cpus);
	hwloc_bitmap_free(host->allowed_nodes);
	hwloc_bitmap_free(host->offline_nodes);
	hwloc_bitmap_free(host->isolated_cpus);
	hwloc_bitmap_free(host->nohz_full_cpus);
	vn_hmat_free(host->hmat);
	vn_notes_clear(&host->notes);
	free(host->source);
	free(host->root);
	free(host);
}

bool vn_hugepool_is_sound(const struct vn_hugepool *pool)
{
	bool is_size = pool->size >= VN_MIN_PAGE && (pool->size & (pool->size - 1)) == 0;
	return is_size && pool->total <= VN_MAX_AMOUNT / pool->size && pool->free <= pool->total &&
	       pool->surplus <= pool->total;
}

static int compare_unsigned(unsigned a, unsigned b)
{
	return (a > b) - (a < b);
}

static int compare_cpus(const void *a, const void *b)
{
	return compare_unsigned(((const struct vn_host_cpu *)a)->id, ((const struct vn_host_cpu *)b)->id);
}

static int compare_pools(const void *a, const void *b)
{
	uint64_t x = ((const struct vn_hugepool *)a)->size, y = ((const struct vn_hugepool *)b)->size;
	return (x > y) - (x < y);
}

static int compare_caches(const void *a, const void *b)
{
	return compare_unsigned(
		((const struct vn_memory_cache *)a)->level, ((const struct vn_memory_cache *)b)->level);
}

int vn_compare_irqs(const void *a, const void *b)
{
	return compare_unsigned(
		((const struct vn_host_irq *)a)->number, ((const struct vn_host_irq *)b)->number);
}

static int compare_devices(const void *a, const void *b)
{
	return vn_pci_compare(
		((const struct vn_host_device *)a)->address, ((const struct vn_host_device *)b)->address);
}

static int compare_nodes(const void *a, const void *b, void *nodes)
{
	const struct vn_host_node *all = nodes;
	return compare_unsigned(all[*(const size_t *)a].id, all[*(const size_t *)b].id);
}

/* One node's row in the new order of columns; rows that no source filled become rows of unknown distances. */
static int permute_row(struct vn_host_node *node, const size_t *order, size_t n)
{
	uint32_t *row = calloc(n, sizeof(*row));
	if (!row)
		return -ENOMEM;
	for (size_t j = 0; node->distances && j < n; j++)
		row[j] = node->distances[order[j]];
	free(node->distances);
	node->distances = row;
	return 0;
}

static int sort_nodes(struct vn_host *host)
{
	size_t n = host->n_nodes;
	vn_autofree size_t *order = calloc(n, sizeof(*order));
	vn_autofree struct vn_host_node *sorted = calloc(n, sizeof(*sorted));

	if (!order || !sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), compare_nodes, host->nodes);
	for (size_t i = 0; i < n; i++) {
		int r = permute_row(&host->nodes[i], order, n);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++)
		sorted[i] = host->nodes[order[i]];
	memcpy(host->nodes, sorted, n * sizeof(*sorted));
	if (n == 1 && host->nodes[0].distances[0] == VN_DISTANCE_UNKNOWN)
		host->nodes[0].distances[0] =
			VN_DISTANCE_LOCAL; /* by the SLIT's definition, not by measurement */
	return 0;
}

static int check_ids(const struct vn_host *host, struct vn_error *err)
{
	struct vn_where where = {host->source, 0, NULL};
	int r = 0;

	for (size_t i = 0; i < host->n_nodes; i++) {
		unsigned id = host->nodes[i].id;
		if (id >= VN_MAX_NODES)
			r = vn_error_input(
				err, &where, "node %u; expected a node number below %u", id, VN_MAX_NODES);
		if (i > 0 && id == host->nodes[i - 1].id)
			r = vn_error_input(err, &where, "node %u is there twice; expected once", id);
	}
	for (size_t i = 1; i < host->n_cpus; i++) {
		if (host->cpus[i].id == host->cpus[i - 1].id)
			r = vn_error_input(
				err, &where, "CPU %u is there twice; expected once", host->cpus[i].id);
	}
	for (size_t i = 1; i < host->n_devices; i++) {
		if (strcmp(host->devices[i].address, host->devices[i - 1].address) == 0)
			r = vn_error_input(err, &where, "device %s is there twice; expected once",
				host->devices[i].address);
	}
	return r;
}

/* Adds a problem that names the members of `set`, if there are any. */
static int refuse_cpus(const struct vn_host *host, const struct vn_host_node *node, hwloc_const_bitmap_t set,
	const char *what, struct vn_error *err)
{
	struct vn_where where = {host->source, 0, NULL};
	if (hwloc_bitmap_iszero(set))
		return 0;
	vn_autofree char *text = vn_set_text(set);
	return vn_error_input(err, &where, "node %u: CPU %s %s", node->id, text ? text : "?", what);
}

/* Each CPU a node names must exist, and be in no other node. */
static int check_cpus(const struct vn_host *host, struct vn_error *err)
{
	vn_autoset known = hwloc_bitmap_alloc(), taken = hwloc_bitmap_alloc(), wrong = hwloc_bitmap_alloc();
	int status = 0;

	if (!known || !taken || !wrong)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < host->n_cpus; i++)
		hwloc_bitmap_set(known, host->cpus[i].id);
	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		hwloc_bitmap_andnot(wrong, node->cpus, known);
		int missing = refuse_cpus(host, node, wrong, "is not a CPU of the host", err);
		hwloc_bitmap_and(wrong, node->cpus, taken);
		int twice = refuse_cpus(host, node, wrong, "is in another node too; expected one node", err);
		hwloc_bitmap_or(taken, taken, node->cpus);
		if (missing < 0 || twice < 0)
			status = -EINVAL;
	}
	return status;
}

static struct vn_host_cpu *find_cpu(const struct vn_host *host, unsigned id)
{
	struct vn_host_cpu key = {.id = id};
	return host->n_cpus ? bsearch(&key, host->cpus, host->n_cpus, sizeof(key), compare_cpus) : NULL;
}

/* The nodes' sets are the one truth of where a CPU is that is online; each learns its node from them. Of an offline one the
 * source may have told it; a node that is not online itself is none of the host's. */
static void assign_cpus(struct vn_host *host)
{
	for (size_t i = 0; i < host->n_cpus; i++) {
		struct vn_host_cpu *cpu = &host->cpus[i];
		if (cpu->online || (cpu->node >= 0 && vn_host_node_index(host, (unsigned)cpu->node) < 0))
			cpu->node = -1;
	}
	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		for (int id = hwloc_bitmap_first(node->cpus); id >= 0; id = hwloc_bitmap_next(node->cpus, id))
			find_cpu(host, (unsigned)id)->node = (int)node->id;
	}
}

bool vn_host_has_offline_cpus(const struct vn_host *host, const struct vn_host_node *node)
{
	for (size_t i = 0; i < host->n_cpus; i++) {
		if (!host->cpus[i].online && host->cpus[i].node == (int)node->id)
			return true;
	}
	return false;
}

/* What the matrix of distances is like. */
struct matrix {
	bool unknown, below_local, self_not_local, asymmetric;
	uint32_t nearest_remote, farthest; /* 0: none told */
};

static struct matrix look_at_distances(const struct vn_host *host)
{
	struct matrix m = {0};

	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t j = 0; j < host->n_nodes; j++) {
			uint32_t d = host->nodes[i].distances[j], back = host->nodes[j].distances[i];
			if (d == VN_DISTANCE_UNKNOWN) {
				m.unknown = true;
				continue;
			}
			m.below_local |= d < VN_DISTANCE_LOCAL;
			m.self_not_local |= i == j && d != VN_DISTANCE_LOCAL;
			m.asymmetric |= back != VN_DISTANCE_UNKNOWN && d != back;
			if (i != j && (m.nearest_remote == 0 || d < m.nearest_remote))
				m.nearest_remote = d;
			if (d > m.farthest)
				m.farthest = d;
		}
	}
	return m;
}

static int note_distances(struct vn_host *host)
{
	struct matrix m = look_at_distances(host);
	struct vn_notes *notes = &host->notes;
	int r = 0;

	if (m.unknown)
		r |= vn_notes_add(notes, "distances-missing",
			"the source does not tell all distances between nodes: near and far cannot be told "
			"apart");
	if (host->n_nodes > 1 && !m.unknown && m.farthest == VN_DISTANCE_LOCAL)
		r |= vn_notes_add(notes, "distances-flat",
			"every distance is 10, as if remote memory were local: firmware or emulation that "
			"does not "
			"know, or nodes made by numa=fake");
	else if (m.nearest_remote && m.nearest_remote <= VN_DISTANCE_LOCAL && !m.below_local)
		r |= vn_notes_add(notes, "distances-remote-local",
			"some distances between different nodes are 10, as if that memory were local");
	if (m.below_local)
		r |= vn_notes_add(notes, "distances-below-local",
			"some distances are below 10, which ACPI reserves: they are not relative to local "
			"memory");
	if (m.self_not_local)
		r |= vn_notes_add(notes, "distances-self",
			"some node's distance to itself is not 10: the table is not relative to local "
			"memory");
	if (m.asymmetric)
		r |= vn_notes_add(notes, "distances-asymmetric",
			"some distances differ by direction: each is used as told, from the CPUs' node to "
			"the memory's");
	return r;
}

static int note_set(struct vn_notes *notes, hwloc_const_bitmap_t ids, const char *code, const char *what,
	const char *means)
{
	if (hwloc_bitmap_iszero(ids))
		return 0;
	vn_autofree char *text = vn_set_text(ids);
	if (!text)
		return -ENOMEM;
	return vn_notes_add(
		notes, code, "%s%s %s %s", what, hwloc_bitmap_weight(ids) == 1 ? "" : "s", text, means);
}

static int note_members(struct vn_host *host)
{
	vn_autoset bare = hwloc_bitmap_alloc(), stray = hwloc_bitmap_alloc();
	vn_autoset asleep = hwloc_bitmap_alloc();

	if (!bare || !stray || !asleep)
		return -ENOMEM;
	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		if (hwloc_bitmap_iszero(node->cpus) && node->memory_total)
			hwloc_bitmap_set(vn_host_has_offline_cpus(host, node) ? asleep : bare, node->id);
	}
	for (size_t i = 0; i < host->n_cpus; i++) {
		if (host->cpus[i].online && host->cpus[i].node < 0)
			hwloc_bitmap_set(stray, host->cpus[i].id);
	}
	return note_set(&host->notes, bare, "node-without-cpus", "node", "without CPUs: memory only") |
	       note_set(&host->notes, asleep, "node-cpus-offline", "node", "with CPUs, none of them online") |
	       note_set(&host->notes, stray, "cpu-without-node", "online CPU", "in no node");
}

static int note_memory(const struct vn_host *host, struct vn_notes *notes)
{
	vn_autoset empty = hwloc_bitmap_alloc(), bare = hwloc_bitmap_alloc(), full = hwloc_bitmap_alloc();

	if (!empty || !bare || !full)
		return -ENOMEM;
	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		if (node->memory_total == 0)
			hwloc_bitmap_set(hwloc_bitmap_iszero(node->cpus) ? bare : empty, node->id);
		for (size_t p = 0; p < node->n_hugepools; p++) {
			if (node->hugepools[p].total > node->memory_total / node->hugepools[p].size)
				hwloc_bitmap_set(full, node->id);
		}
	}
	/* seen where hotplugged memory is not counted for its node: not refused, but told */
	int r = note_set(notes, full, "hugepages-above-memory", "node", "with more huge pages than memory");
	if (r == 0)
		r = note_set(notes, bare, "node-empty", "node", "with neither CPUs online nor memory");
	return r < 0 ? r
		     : note_set(notes, empty, "node-without-memory", "node",
			       hwloc_bitmap_weight(empty) == 1
				       ? "without memory: all memory is remote to its CPUs"
				       : "without memory: all memory is remote to their CPUs");
}

/* Whether the note speaks of figures that change. */
static bool is_of_memory(const struct vn_note *note)
{
	static const char *const codes[] = {"node-without-memory", "node-empty", "hugepages-above-memory",
		"memory-uncounted", "free-memory-left-out", "hugepages-left-out"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(note->code, codes[i]) == 0)
			return true;
	}
	return false;
}

/* The notes that stay keep their texts where they are: somebody may hold them. */
int vn_host_renew_notes(struct vn_host *host, const struct vn_notes *of_source)
{
	struct vn_notes fresh = {0}, kept = {0};
	int r = note_memory(host, &fresh);

	if (r == 0)
		r = vn_notes_copy(&fresh, of_source);
	kept.v = r == 0 ? calloc(host->notes.n + fresh.n + 1, sizeof(*kept.v)) : NULL;
	if (!kept.v) {
		vn_notes_clear(&fresh);
		return -ENOMEM;
	}
	for (size_t i = 0; i < host->notes.n; i++) {
		if (is_of_memory(&host->notes.v[i]))
			free(host->notes.v[i].text);
		else
			kept.v[kept.n++] = host->notes.v[i];
	}
	for (size_t i = 0; i < fresh.n; i++)
		kept.v[kept.n++] = fresh.v[i];
	free(host->notes.v);
	free(fresh.v);
	host->notes = kept;
	return 0;
}

/* Firmware may name a node that is not online: then where the device is, is not known. Where the nodes are hidden all counts
 * as node 0, devices too. */
static int place_devices(struct vn_host *host)
{
	size_t told = 0, more = 0;
	bool hidden = vn_notes_has(&host->notes, "kernel-without-numa");
	int r = 0;

	for (size_t i = 0; i < host->n_devices; i++) {
		struct vn_host_device *device = &host->devices[i];
		if (hidden && device->node > 0)
			device->node = 0;
		if (device->node < 0 || vn_host_node_index(host, (unsigned)device->node) >= 0)
			continue;
		if (told == MAX_DEVICE_NOTES)
			more++;
		else if (++told)
			r |= vn_notes_add(&host->notes, "device-without-node",
				"device %s names node %d, which the host does not have", device->address,
				device->node);
		device->node = -1;
	}
	if (more)
		r |= vn_notes_add(&host->notes, "device-without-node",
			"%zu more devices name nodes that the host does not have", more);
	return r;
}

static int add_notes(struct vn_host *host)
{
	int r = note_distances(host) | note_members(host) | place_devices(host);
	if (!host->cores_known)
		r |= vn_notes_add(&host->notes, "cores-unknown",
			"the source does not tell cores from threads: each CPU counts as a core");
	return r | note_memory(host, &host->notes);
}

/* Every node has a set, if an empty one, so that nobody has to ask. */
static int complete_sets(struct vn_host *host)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (!host->nodes[i].cpus)
			host->nodes[i].cpus = hwloc_bitmap_alloc();
		if (!host->nodes[i].cpus)
			return -ENOMEM;
	}
	return 0;
}

static int sort_parts(struct vn_host *host)
{
	if (complete_sets(host) < 0 || sort_nodes(host) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < host->n_nodes; i++) {
		struct vn_host_node *node = &host->nodes[i];
		if (node->n_hugepools)
			qsort(node->hugepools, node->n_hugepools, sizeof(struct vn_hugepool), compare_pools);
		if (node->n_memory_caches)
			qsort(node->memory_caches, node->n_memory_caches, sizeof(struct vn_memory_cache),
				compare_caches);
	}
	if (host->n_cpus)
		qsort(host->cpus, host->n_cpus, sizeof(*host->cpus), compare_cpus);
	if (host->n_devices)
		qsort(host->devices, host->n_devices, sizeof(*host->devices), compare_devices);
	for (size_t i = 0; i < host->n_devices; i++) {
		struct vn_host_device *device = &host->devices[i];
		if (device->n_irqs)
			qsort(device->irqs, device->n_irqs, sizeof(*device->irqs), vn_compare_irqs);
	}
	return 0;
}

/* FNV-1a, Fowler, Noll and Vo: draft-eastlake-fnv. Four bytes of each number, the lowest first, whatever the machine. */
static void mix(uint64_t *sum, size_t number)
{
	for (int shift = 0; shift < 32; shift += 8)
		*sum = (*sum ^ (number >> shift & 0xff)) * UINT64_C(0x100000001b3);
}

static uint64_t identity_of(const struct vn_host *host)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	mix(&sum, host->n_nodes);
	for (size_t i = 0; i < host->n_nodes; i++) {
		mix(&sum, host->nodes[i].id);
		for (size_t j = 0; j < host->n_nodes; j++)
			mix(&sum, host->nodes[i].distances[j]);
	}
	mix(&sum, host->n_cpus);
	for (size_t i = 0; i < host->n_cpus; i++)
		mix(&sum, host->cpus[i].id);
	return sum ? sum : 1; /* 0 is for "not known" */
}

int vn_host_check(struct vn_host *host, struct vn_error *err)
{
	struct vn_where where = {host->source, 0, NULL};

	if (host->n_nodes == 0)
		return vn_error_input(err, &where, "no nodes; expected at least one");
	if (host->n_nodes > VN_MAX_NODES)
		return vn_error_input(
			err, &where, "%zu nodes; expected at most %u", host->n_nodes, VN_MAX_NODES);
	if (sort_parts(host) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	host->ordered = true;
	int r = check_ids(host, err);
	int s = check_cpus(host, err);
	if (r < 0 || s < 0)
		return r < 0 ? r : s;
	assign_cpus(host);
	host->identity = identity_of(host);
	return 0;
}

int vn_host_finish(struct vn_host *host, struct vn_error *err)
{
	int r = vn_host_check(host, err);
	if (r < 0)
		return r;
	return add_notes(host) ? vn_error_environment(err, -ENOMEM, "out of memory") : 0;
}

const char *vn_memory_kind_text(enum vn_memory_kind kind)
{
	static const char *const texts[] = {NULL, "dram", "hbm", "cxl", "persistent", "gpu", "slow"};
	return kind < sizeof(texts) / sizeof(texts[0]) ? texts[kind] : NULL;
}

int vn_host_node_index(const struct vn_host *host, unsigned id)
{
	size_t low = 0, high = host->n_nodes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (host->nodes[middle].id == id)
			return (int)middle;
		if (host->nodes[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return -ENOENT;
}

const struct vn_host_cpu *vn_host_cpu(const struct vn_host *host, unsigned id)
{
	return find_cpu(host, id);
}

const struct vn_host_device *vn_host_device(const struct vn_host *host, const char *address)
{
	for (size_t i = 0; i < host->n_devices; i++) {
		if (strcmp(host->devices[i].address, address) == 0)
			return &host->devices[i];
	}
	return NULL;
}

/* What vn_host_wrong_siblings() goes by: CPUs by id, those that count, and how many tell the same as the lowest of their core. */
struct siblings {
	const struct vn_host_cpu *cpus[VN_SET_MAX + 1];
	unsigned agree[VN_SET_MAX + 1]; /* [lowest CPU] */
	hwloc_bitmap_t telling, own, first; /* owned */
};

static void free_siblings(struct siblings *s)
{
	hwloc_bitmap_free(s->telling);
	hwloc_bitmap_free(s->own);
	hwloc_bitmap_free(s->first);
	free(s);
}

static struct siblings *new_siblings(const struct vn_host *host)
{
	struct siblings *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->telling = hwloc_bitmap_alloc();
	s->own = hwloc_bitmap_alloc();
	s->first = hwloc_bitmap_alloc();
	bool ok = s->telling && s->own && s->first;
	for (size_t i = 0; ok && i < host->n_cpus; i++) {
		const struct vn_host_cpu *cpu = &host->cpus[i];
		if (!cpu->online || !cpu->siblings || cpu->id > VN_SET_MAX)
			continue;
		s->cpus[cpu->id] = cpu;
		ok = hwloc_bitmap_set(s->telling, cpu->id) == 0;
	}
	if (ok)
		return s;
	free_siblings(s);
	return NULL;
}

/* The lowest CPU of the core, if it tells the same set; -1 if not. s->own is the set of those that count. */
static int first_of_core(struct siblings *s, const struct vn_host_cpu *cpu)
{
	if (hwloc_bitmap_and(s->own, cpu->siblings, s->telling) < 0)
		return -ENOMEM;
	int first = hwloc_bitmap_first(s->own);
	if (first < 0 || !hwloc_bitmap_isset(s->own, cpu->id))
		return -1;
	if (hwloc_bitmap_and(s->first, s->cpus[first]->siblings, s->telling) < 0)
		return -ENOMEM;
	return hwloc_bitmap_isequal(s->own, s->first) ? first : -1;
}

/*
 * Not each CPU with each of its siblings, which a hostile host of 65536 CPUs would make long: a core's lists agree when each
 * is the one of its lowest CPU, and as many CPUs say so as that list has members.
 */
int vn_host_wrong_siblings(const struct vn_host *host, hwloc_bitmap_t ret)
{
	struct siblings *s = new_siblings(host);
	int r = s ? 0 : -ENOMEM;

	for (int pass = 0; pass < 2 && r == 0; pass++) {
		for (int id = hwloc_bitmap_first(s->telling); id >= 0 && r == 0;
			id = hwloc_bitmap_next(s->telling, id)) {
			int first = first_of_core(s, s->cpus[id]);
			bool wrong = first < 0 || (pass > 0 && s->agree[first] != vn_set_weight(s->own));
			r = first == -ENOMEM ? -ENOMEM : 0;
			if (pass == 0 && first >= 0)
				s->agree[first]++;
			else if (pass > 0 && wrong && hwloc_bitmap_set(ret, (unsigned)id) < 0)
				r = -ENOMEM;
		}
	}
	if (s)
		free_siblings(s);
	return r;
}

/* Whether this CPU is the lowest of its core's threads among `cpus`: the one that is counted. */
static bool stands_for_core(const struct vn_host_cpu *cpu, hwloc_const_bitmap_t cpus)
{
	for (int s = hwloc_bitmap_first(cpu->siblings); s >= 0 && (unsigned)s < cpu->id;
		s = hwloc_bitmap_next(cpu->siblings, s)) {
		if (hwloc_bitmap_isset(cpus, (unsigned)s))
			return false;
	}
	return true;
}

/* A CPU that counts: the lowest of its core's threads in the set. By siblings, never by core id: the same core id comes back in
 * each package, or each die of one. */
static bool is_a_core(const struct vn_host *host, const struct vn_host_cpu *cpu, hwloc_const_bitmap_t cpus)
{
	return !host->cores_known || !cpu->siblings || stands_for_core(cpu, cpus);
}

unsigned vn_host_cores(const struct vn_host *host, hwloc_const_bitmap_t cpus)
{
	unsigned cores = 0;

	if (!cpus || host->n_cpus == 0)
		return 0;
	if (!host->ordered) { /* while it is being read */
		for (size_t i = 0; i < host->n_cpus; i++)
			cores += hwloc_bitmap_isset(cpus, host->cpus[i].id) &&
				 is_a_core(host, &host->cpus[i], cpus);
		return cores;
	}
	int last = (int)host->cpus[host->n_cpus - 1].id; /* the set may be one without end */
	for (int id = hwloc_bitmap_first(cpus); id >= 0 && id <= last; id = hwloc_bitmap_next(cpus, id)) {
		const struct vn_host_cpu *cpu = find_cpu(host, (unsigned)id);
		cores += cpu && is_a_core(host, cpu, cpus);
	}
	return cores;
}

unsigned vn_host_threads(const struct vn_host *host)
{
	unsigned most = 0;

	for (size_t i = 0; i < host->n_cpus && host->cores_known; i++) {
		const struct vn_host_cpu *cpu = &host->cpus[i];
		unsigned threads = cpu->siblings ? (unsigned)hwloc_bitmap_weight(cpu->siblings) : 1;
		most = threads > most ? threads : most;
	}
	return most;
}
