/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The NUMA options of dialect 1 (the others: guest_told.c), and what is filled in where they are missing. Where none is there, the vnodes are left open:
 * the planner makes them once it knows the host, and until then there is one.
 *
 * Theory of operation: every vnode first gets its defaults (memory in even parts of whole MiB with the rest
 * on vnode 0, vCPUs in equal runs, distances 10/20, no home). Each option is then read into a scratch copy
 * and replaces the default only when all of it is right; so a wrong one, with --defaults, leaves the default
 * in place and a note that names it. What memory may become while the guest runs is read behind all of it (guest_growth.c).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "../base/text.h"
#include "../model/host.h"
#include "guest_reader.h"

#define DEFAULT_REMOTE 20 /* ACPI's and QEMU's default distance between nodes */

/* The options an early patch series called otherwise (background: xen-devel, "vNUMA introduction"). */
static const struct {
	const char *old, *today;
} renamed[] = {{"vnuma_distance", "vdistance"}, {"vcpu_to_vnode", "vnuma_vcpumap"}};

static void wrong_list(struct guest_reader *r, const struct vn_cfg_entry *entry, unsigned line,
	const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static void wrong_list(struct guest_reader *r, const struct vn_cfg_entry *entry, unsigned line,
	const char *format, va_list args)
{
	vn_autofree char *value = vn_cfg_value_text(&entry->value), *text = vn_format_list(format, args);

	if (!text || !value) {
		r->short_of_memory = true;
		return;
	}
	if (r->defaults && entry->value.type != VN_CFG_BROKEN)
		vn_notes_add(&r->guest->notes, "option-replaced",
			"line %u: %s: %s seen; %s; its default is used", line, entry->key, value, text);
	else
		guest_problem(r, line, entry->key, "%s seen; %s", value, text);
}

void guest_wrong(struct guest_reader *r, const struct vn_cfg_entry *entry, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	wrong_list(r, entry, entry->line, format, args);
	va_end(args);
}

void guest_wrong_line(
	struct guest_reader *r, const struct vn_cfg_entry *entry, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	wrong_list(r, entry, line, format, args);
	va_end(args);
}

uint64_t *guest_numbers(struct guest_reader *r, const struct vn_cfg_entry *entry, size_t want, uint64_t max,
	const char *expected)
{
	const struct vn_cfg_value *list = &entry->value;

	if (list->type != VN_CFG_LIST || list->n != want) {
		guest_wrong(r, entry, "expected %s", expected);
		return NULL;
	}
	uint64_t *numbers = calloc(want, sizeof(*numbers));
	if (!numbers) {
		r->short_of_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < want; i++) {
		if (!guest_value_number(&list->items[i], max, &numbers[i])) {
			vn_autofree char *text = vn_cfg_value_text(&list->items[i]);
			guest_wrong(r, entry, "entry %zu is %s; expected %s", i, text, expected);
			free(numbers);
			return NULL;
		}
	}
	return numbers;
}

static void read_memory(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "vnumamem");
	char expected[64];
	uint64_t sum = 0, total = guest->memory / VN_MIB;

	if (!entry)
		return;
	snprintf(expected, sizeof(expected), "%zu number%s of MiB, one per vnode", guest->n_vnodes,
		guest->n_vnodes == 1 ? "" : "s");
	vn_autofree uint64_t *mib =
		guest_numbers(r, entry, guest->n_vnodes, VN_MAX_MEMORY / VN_MIB, expected);
	r->sizes_known &= mib || r->defaults;
	if (!mib)
		return;
	for (size_t i = 0; i < guest->n_vnodes; i++)
		sum += mib[i];
	if (r->memory_known && sum != total) {
		r->sizes_known &= r->defaults;
		guest_wrong(r, entry, "the sum is %llu MiB; expected %llu MiB, which is 'memory'",
			(unsigned long long)sum, (unsigned long long)total);
		return;
	}
	for (size_t i = 0; i < guest->n_vnodes; i++)
		guest->vnodes[i].memory = mib[i] * VN_MIB;
}

/* Checks one distance; adds what is wrong with it. Bounds: ACPI SLIT, QEMU's -numa dist, Linux
 * (facts/KERNEL.md). */
static bool distance_is_good(struct guest_reader *r, const struct vn_cfg_entry *entry, size_t from, size_t to,
	const struct vn_cfg_value *value, uint32_t *ret)
{
	uint64_t number = 0;
	bool is_number = guest_value_number(value, UINT64_MAX, &number);

	if (is_number && number <= VN_DISTANCE_UNREACHABLE &&
		(from == to ? number == VN_DISTANCE_LOCAL : number > VN_DISTANCE_LOCAL)) {
		*ret = (uint32_t)number;
		return true;
	}
	vn_autofree char *text = vn_cfg_value_text(value);
	if (from == to)
		guest_wrong(r, entry, "vnode %zu to itself is %s; expected 10", from, text);
	else
		guest_wrong(r, entry,
			"vnode %zu to %zu is %s; expected 11 to 255 (with 10 or less Linux drops the whole "
			"table)",
			from, to, text);
	return false;
}

/* The value for (from, to) in any of the three forms; NULL when the form is none of them. */
static const struct vn_cfg_value *distance_at(
	const struct vn_cfg_value *list, size_t n, size_t from, size_t to)
{
	if (list->type != VN_CFG_LIST)
		return NULL;
	if (list->n == n && n > 0 && list->items[0].type == VN_CFG_LIST) {
		const struct vn_cfg_value *row = &list->items[from];
		return row->type == VN_CFG_LIST && row->n == n ? &row->items[to] : NULL;
	}
	if (list->n == 2 && n != 2 && list->items[0].type != VN_CFG_LIST)
		return &list->items[from != to];
	if (list->n == 2 && n == 2)
		return list->items[0].type != VN_CFG_LIST ? &list->items[from != to] : NULL;
	return list->n == n * n ? &list->items[from * n + to] : NULL;
}

static void read_distances(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "vdistance");
	size_t n = guest->n_vnodes;

	if (!entry)
		return;
	vn_autofree uint32_t *matrix = calloc(n * n, sizeof(*matrix));
	if (!matrix) {
		r->short_of_memory = true;
		return;
	}
	for (size_t i = 0; i < n * n; i++) {
		const struct vn_cfg_value *value = distance_at(&entry->value, n, i / n, i % n);
		if (!value) {
			guest_wrong(r, entry,
				"expected 2 values (same node, other node) or %zu (%zu x %zu, flat or in "
				"rows)",
				n * n, n, n);
			return;
		}
		if (!distance_is_good(r, entry, i / n, i % n, value, &matrix[i]))
			return;
	}
	for (size_t i = 0; i < n; i++)
		memcpy(guest->vnodes[i].distances, matrix + i * n, n * sizeof(*matrix));
}

/* The threads of a core share its caches: a guest that finds them on two nodes believes neither. */
static bool cores_are_whole(struct guest_reader *r, const struct vn_cfg_entry *entry, const uint64_t *vnodes)
{
	unsigned threads = r->guest->threads;

	for (unsigned i = 0; i < r->guest->maxvcpus; i++) {
		unsigned first = i - i % threads;
		if (vnodes[i] == vnodes[first])
			continue;
		guest_wrong(r, entry,
			"vCPUs %u and %u are threads of one core, on vnodes %u and %u; expected one vnode ('threads' is %u)",
			first, i, (unsigned)vnodes[first], (unsigned)vnodes[i], threads);
		return false;
	}
	return true;
}

static void read_vcpumap(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "vnuma_vcpumap");
	char expected[96];

	if (!entry)
		return;
	if (!r->vcpus_known)
		return;
	snprintf(expected, sizeof(expected), "%u vnode number%s (0 to %zu), one per %svCPU", guest->maxvcpus,
		guest->maxvcpus == 1 ? "" : "s", guest->n_vnodes - 1,
		guest->maxvcpus > guest->vcpus ? "possible " : "");
	vn_autofree uint64_t *vnodes =
		guest_numbers(r, entry, guest->maxvcpus, guest->n_vnodes - 1, expected);
	if (vnodes)
		guest_apply_vcpumap(r, entry, vnodes);
}

void guest_apply_vcpumap(struct guest_reader *r, const struct vn_cfg_entry *entry, const uint64_t *vnodes)
{
	struct vn_guest *guest = r->guest;

	if (!cores_are_whole(r, entry, vnodes))
		return;
	for (size_t i = 0; i < guest->n_vnodes; i++)
		hwloc_bitmap_zero(guest->vnodes[i].vcpus);
	for (unsigned i = 0; i < guest->maxvcpus; i++)
		hwloc_bitmap_set(guest->vnodes[vnodes[i]].vcpus, i);
}

static void read_vnodemap(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "vnuma_vnodemap");
	char expected[64];

	if (!entry)
		return;
	snprintf(expected, sizeof(expected), "%zu node number%s of the host, one per vnode", guest->n_vnodes,
		guest->n_vnodes == 1 ? "" : "s");
	vn_autofree uint64_t *homes = guest_numbers(r, entry, guest->n_vnodes, VN_MAX_NODES - 1, expected);
	if (!homes)
		return;
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		guest->vnodes[i].home = (int)homes[i];
		guest->vnodes[i].home_where = (struct vn_where){guest->file, entry->line, "vnuma_vnodemap"};
	}
}

/* The options under their old names are wrong as they are written, whatever they say. */
static void read_renamed(struct guest_reader *r)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
		const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, renamed[i].old);
		if (!entry)
			continue;
		size_t n = r->guest->n_vnodes;
		const char *also = "";
		if (strcmp(renamed[i].today, "vdistance") == 0 &&
			!distance_at(&entry->value, n, n - 1, n - 1))
			also = ", and its values are too few or too many for that";
		guest_wrong(r, entry, "no option of this name; it is called '%s'%s", renamed[i].today, also);
	}
}

/* Memory parts are whole huge pages where the guest has them, whole MiB otherwise. */
static void default_memory(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;
	uint64_t unit = guest->hugepages > VN_MIB ? guest->hugepages : VN_MIB;
	uint64_t part = guest->memory / unit / guest->n_vnodes * unit;

	for (size_t i = 0; i < guest->n_vnodes; i++)
		guest->vnodes[i].memory = part;
	guest->vnodes[0].memory += guest->memory - part * guest->n_vnodes;
}

/* Runs of equal length, in whole cores; the first ones are longer by one when it does not come out even. */
static void default_vcpus(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;
	unsigned n = (unsigned)guest->n_vnodes, cores = guest->maxvcpus / guest->threads, each = cores / n,
		 longer = cores % n, next = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned run = (each + (i < longer)) * guest->threads;
		if (run)
			hwloc_bitmap_set_range(guest->vnodes[i].vcpus, next, (int)(next + run - 1));
		next += run;
	}
}

static int make_vnodes(struct guest_reader *r, size_t n)
{
	int status = vn_guest_make_vnodes(r->guest, n, DEFAULT_REMOTE);

	if (status < 0)
		return status;
	default_memory(r);
	default_vcpus(r);
	return 0;
}

/* `vnodes`: 0 when it is wrong, so that nothing is checked against it. */
static size_t read_count(struct guest_reader *r)
{
	static const char *const depend[] = {
		"vnumamem", "vnumamem_min", "vnumamem_max", "vdistance", "vnuma_vcpumap", "vnuma_vnodemap"};
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "vnodes");
	uint64_t most = r->memory_known && r->guest->memory / VN_MIB < VN_MAX_VNODES
				? r->guest->memory / VN_MIB
				: VN_MAX_VNODES;
	uint64_t n;

	if (entry && guest_value_number(&entry->value, most, &n) && n >= 1)
		return (size_t)n;
	if (entry) {
		guest_wrong(r, entry, "expected 1 to %llu%s", (unsigned long long)most,
			most < VN_MAX_VNODES ? " (each vnode needs 1 MiB)" : "");
		return r->defaults ? 1 : 0;
	}
	for (size_t i = 0; i < sizeof(depend) / sizeof(depend[0]); i++) {
		const struct vn_cfg_entry *other = vn_cfg_find(r->cfg, depend[i]);
		if (other) {
			guest_wrong(r, other, "'vnodes' is missing, which it goes with");
			return r->defaults ? 1 : 0;
		}
	}
	return 1;
}

/* The first vnode that cannot do without the memory it lacks, or -1: one without a vCPU that is online at start; any, when
 * nobody asked for 0. */
static int find_empty(const struct vn_guest *guest, bool asked)
{
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		int first = hwloc_bitmap_first(guest->vnodes[i].vcpus);
		if (guest->vnodes[i].memory == 0 && (!asked || first < 0 || (unsigned)first >= guest->vcpus))
			return (int)i;
	}
	return -1;
}

/* What tells the memory of each vnode, in any dialect; NULL: nothing does. */
static const struct vn_cfg_entry *memory_entry(const struct guest_reader *r)
{
	if (!r->told.key)
		return vn_cfg_find(r->cfg, "vnumamem");
	if (r->told.mib == 0)
		return NULL;
	const struct vn_cfg_entry *third = vn_cfg_find(r->cfg, "vnuma");
	return third ? third : vn_cfg_find(r->cfg, "memory");
}

/*
 * A vnode without memory works, even vnode 0 (QEMU leaves it out of the SRAT's memory entries, Linux 6.12 makes a memory-less
 * node of it), as long as a vCPU of it is online: else Linux does not bring the node online, and the guest's nodes are fewer.
 */
static void check_empty(struct guest_reader *r)
{
	const struct vn_cfg_entry *given = memory_entry(r), *count = vn_cfg_find(r->cfg, "vnodes");
	int empty = r->vcpus_known && r->memory_known ? find_empty(r->guest, given) : -1;

	if (empty >= 0 && given) {
		guest_wrong(r, given, "vnode %d has neither memory nor a vCPU at start; expected one of them",
			empty);
		r->sizes_known &= r->defaults;
		default_memory(r);
		empty = r->defaults ? find_empty(r->guest, false) : -1;
	}
	if (empty >= 0 && count)
		guest_problem(r, count->line, "vnodes",
			"vnode %d gets no memory; expected at most as many vnodes as the memory has huge pages",
			empty);
}

static void check_vnodes(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;
	const struct vn_cfg_entry *numa = vn_cfg_find(r->cfg, "guest_numa");

	if (guest->guest_numa == VN_GUEST_NUMA_OFF && guest->n_vnodes > 1)
		guest_problem(r, numa->line, "guest_numa", "\"off\" seen with %zu vnodes; expected one vnode",
			guest->n_vnodes);
	for (size_t i = 0; guest->hugepages && r->memory_known && i < guest->n_vnodes; i++) {
		if (guest->vnodes[i].memory % guest->hugepages == 0)
			continue;
		const struct vn_cfg_entry *entry = memory_entry(r);
		if (!entry)
			entry = vn_cfg_find(r->cfg, "memory");
		char memory[VN_SIZE_TEXT], page[VN_SIZE_TEXT];
		guest_problem(r, entry->line, entry->key,
			"vnode %zu gets %s; expected a multiple of its huge pages, %s", i,
			vn_size_text_exact(guest->vnodes[i].memory, memory),
			vn_size_text(guest->hugepages, page));
	}
	if (vn_guest_distances_asymmetric(guest))
		vn_notes_add(&guest->notes, "vdistance-asymmetric",
			"vdistance differs by direction: QEMU is given every pair both ways and passes the "
			"table on as it is; "
			"a Linux guest shows it so, but its scheduler groups nodes as if the way there and "
			"back were one");
}

/* Whether a key is one of the first dialect's, also under its old name. */
static bool is_of_first(const char *key)
{
	static const char *const options[] = {"vnodes", "vnumamem", "vnumamem_min", "vnumamem_max",
		"vdistance", "vnuma_vcpumap", "vnuma_vnodemap"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(key, options[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
		if (strcmp(key, renamed[i].old) == 0)
			return true;
	}
	return false;
}

/* Whether any of the options is there, under whatever name, right or wrong. */
static bool tells_of_vnodes(const struct guest_reader *r)
{
	for (size_t i = 0; i < r->cfg->n; i++) {
		if (is_of_first(r->cfg->entries[i].key))
			return true;
	}
	return r->told.key;
}

static void read_first(struct guest_reader *r)
{
	read_memory(r);
	read_distances(r);
	read_vcpumap(r);
	read_vnodemap(r);
	read_renamed(r);
}

/* One dialect at a time: of two, neither can be what was meant. */
static void check_dialects(struct guest_reader *r)
{
	const struct vn_cfg_entry *first = NULL, *second = NULL, *third = vn_cfg_find(r->cfg, "vnuma");

	for (size_t i = 0; i < r->cfg->n; i++) {
		const struct vn_cfg_entry *entry = &r->cfg->entries[i];
		bool memory = strcmp(entry->key, "memory") == 0 && entry->value.type == VN_CFG_LIST;
		if (!first && is_of_first(entry->key))
			first = entry;
		if (!second &&
			(memory || strcmp(entry->key, "vnode") == 0 || strcmp(entry->key, "vcpu") == 0))
			second = entry;
	}
	const struct vn_cfg_entry *told = third ? third : second, *other = third ? second : first;
	if (third && !second)
		other = first;
	if (told && other)
		guest_problem(r, other->line, other->key,
			"seen beside '%s' of line %u; expected vnodes in one way: vnodes and vn…, or vnode and vcpu, or vnuma",
			told->key, told->line);
}

void guest_read_numa(struct guest_reader *r)
{
	size_t n = r->told.broken ? 0 : r->told.key ? r->told.n : read_count(r);

	check_dialects(r);
	if (make_vnodes(r, n ? n : 1) < 0) {
		r->short_of_memory = true;
		return;
	}
	r->vnodes_known = n > 0;
	r->sizes_known = r->memory_known;
	if (n == 0)
		return;
	r->guest->vnodes_open = r->guest->guest_numa != VN_GUEST_NUMA_OFF && !tells_of_vnodes(r);
	if (r->told.key)
		guest_apply_told(r, &r->told);
	else
		read_first(r);
	check_empty(r);
	if (!r->told.key)
		guest_read_growth(r);
	check_vnodes(r);
}
