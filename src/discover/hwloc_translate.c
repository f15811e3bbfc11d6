/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * hwloc trusts its XML: its import has a remark that sets ought to be checked, its core has assertions that end the process,
 * and it prints on stderr when objects are out of order. A file from somebody else must do none of this to us. So nothing of
 * a file reaches hwloc as it is: this module reads the elements that matter, checks that they hang together, and writes a new
 * text of only these. What is written:
 *
 *   - objects, with sets that are nested as hwloc's core expects: a PU is its own CPU, the CPUs of an object are those of the
 *     PUs below it, siblings share none and come in order, each NUMA node is there once, the root has them all;
 *   - the distances of NUMA nodes, and the memory attributes that have a name of hwloc's own, with a set of CPUs as initiator;
 *   - no infos, user data, CPU kinds, Misc objects: we do not look at them.
 *
 * The new text is of version 2.0, which hwloc 2 and 3 both read, so there is one way for all. What hwloc 3 writes differently:
 * the type of an OS device is a set of bits instead of a number (hwloc 3, hwloc.h: hwloc_obj_osdev_type_e; topology-xml.c maps
 * the old numbers); infos of the topology beside the root; `memtier`, `pci_locality`, a programming interface behind the PCI
 * type. No page types: huge pages are told by version 2 only. Version 1 is refused: its NUMA nodes were parents of their CPUs,
 * hwloc 3 does not read it any more, and hwloc 2 converts it.
 *
 * The form is that of hwloc's parser without libxml2 (topology-xml-nolibxml.c), which Debian's library uses when its plugins
 * are not installed: one blank before the attributes, five escapes, `length` that tells the exact length of what follows.
 */
#define _GNU_SOURCE
#include "hwloc_translate.h"

#include <hwloc.h>
#include <inttypes.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/set.h"
#include "../model/host.h"

/* Bits of a matrix's kind; versions 2 and 3 of hwloc name them differently. */
#define KIND_FROM_OS (1 << 0)
#define KIND_LATENCY (1 << 2)

#define MAX_PROBLEMS 20
#define MAX_TEXT 256 /* of a name or subtype */
#define MAX_BYTES VN_MAX_AMOUNT /* what our JSON holds */

enum category { NORMAL, MEMORY, IO, MISC };

struct type {
	const char *name;
	enum category category;
	unsigned depth,
		cache_type; /* of caches; cache_type as in hwloc_obj_cache_type_e: 0 unified, 1 data, 2 instruction */
};

static const struct type types[] = {{"Machine", NORMAL}, {"Package", NORMAL}, {"Die", NORMAL},
	{"Core", NORMAL}, {"PU", NORMAL}, {"Group", NORMAL}, {"L1Cache", NORMAL, 1, 1},
	{"L2Cache", NORMAL, 2, 0}, {"L3Cache", NORMAL, 3, 0}, {"L4Cache", NORMAL, 4, 0},
	{"L5Cache", NORMAL, 5, 0}, {"L1iCache", NORMAL, 1, 2}, {"L2iCache", NORMAL, 2, 2},
	{"L3iCache", NORMAL, 3, 2}, {"NUMANode", MEMORY}, {"MemCache", MEMORY}, {"Bridge", IO},
	{"PCIDev", IO}, {"OSDev", IO}, {"Misc", MISC}};

struct sets {
	hwloc_bitmap_t cpus, complete, nodes, complete_nodes;
};

struct translation {
	const char *file;
	struct vn_error *err;
	size_t problems;
	unsigned major;
	FILE *out;
	hwloc_bitmap_t pus, nodes; /* seen so far */
	uint64_t *gp; /* all gp_index seen */
	size_t n_gp;
	uint64_t node_gp[VN_MAX_NODES]; /* by os_index, where `nodes` has it */
	unsigned devices_left_out;
};

static void free_sets(struct sets *sets)
{
	hwloc_bitmap_free(sets->cpus);
	hwloc_bitmap_free(sets->complete);
	hwloc_bitmap_free(sets->nodes);
	hwloc_bitmap_free(sets->complete_nodes);
}

static int problem(struct translation *t, const struct vn_element *e, const char *key, const char *format,
	...) __attribute__((format(printf, 4, 5)));
static int problem(
	struct translation *t, const struct vn_element *e, const char *key, const char *format, ...)
{
	struct vn_where where = {t->file, e->line, key};
	va_list args;

	if (++t->problems > MAX_PROBLEMS)
		return -EINVAL;
	va_start(args, format);
	vn_error_input_list(t->err, &where, format, args);
	va_end(args);
	return -EINVAL;
}

static int no_memory(struct translation *t)
{
	t->problems++;
	return vn_error_environment(t->err, -ENOMEM, "out of memory");
}

static const struct type *find_type(const char *name)
{
	for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	}
	return NULL;
}

static bool is(const struct type *type, const char *name)
{
	return strcmp(type->name, name) == 0;
}

/* ---- values ---- */

/* A number that must be there. */
static int number(
	struct translation *t, const struct vn_element *e, const char *key, uint64_t max, uint64_t *ret)
{
	const char *text = vn_element_get(e, key);

	if (text && vn_parse_u64(text, max, ret) == 0)
		return 0;
	if (text)
		problem(t, e, key, "'%.40s'; expected a number up to %" PRIu64, text, max);
	else
		problem(t, e, key, "is missing; expected a number");
	return -EINVAL;
}

/*
 * Words of 32 bits, the highest first, `0x0000000f,,0x00000001`; an empty one is 0. (hwloc_bitmap_sscanf has an assertion that
 * a word of more digits breaks.) -EINVAL, -ENOMEM.
 */
static int parse_words(const char *text, hwloc_bitmap_t words)
{
	unsigned n = 1;

	for (const char *at = text; *at; at++)
		n += *at == ',';
	if (n > (VN_SET_MAX + 1) / 32)
		return -EINVAL;
	while (n-- > 0) {
		text += strncmp(text, "0x", 2) == 0 ? 2 : 0;
		size_t digits = strspn(text, "0123456789abcdefABCDEF");
		unsigned long word = digits ? strtoul(text, NULL, 16) : 0;
		if (digits > 8 || text[digits] != (n ? ',' : '\0'))
			return -EINVAL;
		for (unsigned bit = 0; bit < 32; bit++) {
			if (word & 1ul << bit && hwloc_bitmap_set(words, n * 32 + bit) < 0)
				return -ENOMEM;
		}
		text += digits + 1;
	}
	return 0;
}

static int set(struct translation *t, const struct vn_element *e, const char *key, hwloc_bitmap_t *ret)
{
	const char *text = vn_element_get(e, key);
	vn_autoset read = hwloc_bitmap_alloc();

	if (!text)
		return problem(t, e, key, "is missing; expected a set, such as 0x000000ff");
	/* the form with "..." that stands for an endless set has no place in a file */
	int r = !read ? -ENOMEM : *text ? parse_words(text, read) : -EINVAL;
	if (r == -ENOMEM)
		return no_memory(t);
	if (r < 0)
		return problem(t, e, key, "'%.40s'; expected a set, such as 0x000000ff, of numbers up to %u",
			text, VN_SET_MAX);
	*ret = vn_steal(read);
	return 0;
}

static void write_set(struct translation *t, const char *key, hwloc_const_bitmap_t value)
{
	vn_autofree char *text = NULL;

	if (hwloc_bitmap_asprintf(&text, value) >= 0)
		fprintf(t->out, " %s=\"%s\"", key, text);
}

static void write_number(struct translation *t, const char *key, uint64_t value)
{
	fprintf(t->out, " %s=\"%" PRIu64 "\"", key, value);
}

/* A name or a subtype, when there is one. */
static void write_text(struct translation *t, const struct vn_element *e, const char *key)
{
	const char *text = vn_element_get(e, key);

	if (!text)
		return;
	if (strlen(text) > MAX_TEXT || !vn_text_is_printable(text)) {
		problem(t, e, key, "expected at most %d printable characters", MAX_TEXT);
		return;
	}
	fprintf(t->out, " %s=\"", key);
	for (const char *p = text; *p; p++) {
		const char *escaped = *p == '&'   ? "&amp;"
				      : *p == '<' ? "&lt;"
				      : *p == '>' ? "&gt;"
				      : *p == '"' ? "&quot;"
						  : NULL;
		if (escaped)
			fputs(escaped, t->out);
		else
			fputc(*p, t->out);
	}
	fputc('"', t->out);
}

/* A number that may be missing. */
static void copy_number(struct translation *t, const struct vn_element *e, const char *key, uint64_t max)
{
	uint64_t value;

	if (vn_element_get(e, key) && number(t, e, key, max, &value) == 0)
		write_number(t, key, value);
}

/* ---- objects ---- */

static void object(struct translation *t, const struct vn_element *e, const struct type *type,
	const struct type *type_above, const struct sets *sets_above);

static int read_sets(struct translation *t, const struct vn_element *e, struct sets *ret)
{
	int r = set(t, e, "cpuset", &ret->cpus) | set(t, e, "complete_cpuset", &ret->complete) |
		set(t, e, "nodeset", &ret->nodes) | set(t, e, "complete_nodeset", &ret->complete_nodes);

	if (r)
		return -EINVAL;
	if (!hwloc_bitmap_isincluded(ret->cpus, ret->complete))
		return problem(
			t, e, "cpuset", "has CPUs that complete_cpuset has not; expected fewer or the same");
	if (!hwloc_bitmap_isincluded(ret->nodes, ret->complete_nodes))
		return problem(t, e, "nodeset",
			"has nodes that complete_nodeset has not; expected fewer or the same");
	return 0;
}

static bool is_single(hwloc_const_bitmap_t set, uint64_t member)
{
	return hwloc_bitmap_weight(set) == 1 && hwloc_bitmap_isset(set, (unsigned)member);
}

static int check_pu(struct translation *t, const struct vn_element *e, const struct sets *sets)
{
	uint64_t id;

	if (number(t, e, "os_index", VN_SET_MAX, &id) != 0)
		return -EINVAL;
	if (!is_single(sets->cpus, id) || !is_single(sets->complete, id))
		return problem(t, e, "cpuset",
			"is not the PU's os_index, %" PRIu64 "; expected CPU %" PRIu64 " alone", id, id);
	if (hwloc_bitmap_isset(t->pus, (unsigned)id))
		return problem(t, e, "os_index", "PU %" PRIu64 " is there twice; expected once", id);
	return hwloc_bitmap_set(t->pus, (unsigned)id) < 0 ? no_memory(t) : 0;
}

static int check_node(struct translation *t, const struct vn_element *e, const struct sets *sets)
{
	uint64_t id;

	if (number(t, e, "os_index", VN_MAX_NODES - 1, &id) != 0)
		return -EINVAL;
	if (!is_single(sets->nodes, id) || !is_single(sets->complete_nodes, id))
		return problem(t, e, "nodeset",
			"is not the node's os_index, %" PRIu64 "; expected node %" PRIu64 " alone", id, id);
	if (hwloc_bitmap_isset(t->nodes, (unsigned)id))
		return problem(t, e, "os_index", "NUMA node %" PRIu64 " is there twice; expected once", id);
	if (hwloc_bitmap_set(t->nodes, (unsigned)id) < 0)
		return no_memory(t);
	const char *gp = vn_element_get(e, "gp_index");
	if (!gp || vn_parse_u64(gp, INT64_MAX, &t->node_gp[id]) < 0)
		return -EINVAL; /* remember_gp() has told it */
	return 0;
}

/* What may stand below what; hwloc's own rules, in 2.x and 3.x alike. */
static bool may_hold(const struct type *above, const struct type *type)
{
	if (!above)
		return is(type, "Machine");
	if (is(type, "Machine"))
		return false;
	switch (type->category) {
	case NORMAL:
		return above->category == NORMAL && !is(above, "PU");
	case MEMORY:
		return (above->category == NORMAL && !is(above, "PU")) || is(above, "MemCache");
	case IO:
		if (above->category == NORMAL)
			return true;
		return is(above, "Bridge") || (is(type, "OSDev") && above->category == IO);
	case MISC:
		return true;
	}
	return false;
}

static int check_sets(struct translation *t, const struct vn_element *e, const struct type *type,
	const struct sets *sets, const struct sets *above)
{
	if (above && (!hwloc_bitmap_isincluded(sets->cpus, above->cpus) ||
			     !hwloc_bitmap_isincluded(sets->complete, above->complete)))
		return problem(t, e, "cpuset",
			"has CPUs that the object around it has not; expected fewer or the same");
	if (above && !hwloc_bitmap_isincluded(sets->complete_nodes, above->complete_nodes))
		return problem(t, e, "nodeset",
			"has nodes that the object around it has not; expected fewer or the same");
	return is(type, "PU") ? check_pu(t, e, sets) : is(type, "NUMANode") ? check_node(t, e, sets) : 0;
}

/* Normal children share no CPU and come in the order of their first one: hwloc complains on stderr otherwise. */
static int check_order(struct translation *t, const struct vn_element *e, const struct sets *sets,
	hwloc_bitmap_t taken, hwloc_bitmap_t last)
{
	if (hwloc_bitmap_intersects(taken, sets->complete))
		return problem(
			t, e, "complete_cpuset", "has CPUs that an object beside it has too; expected none");
	if (!hwloc_bitmap_iszero(taken) && hwloc_bitmap_compare_first(sets->complete, last) < 0)
		return problem(t, e, "complete_cpuset",
			"comes before that of the object above it; expected an ascending order");
	if (hwloc_bitmap_or(taken, taken, sets->complete) < 0 || hwloc_bitmap_copy(last, sets->complete) < 0)
		return no_memory(t);
	return 0;
}

/* The set of one normal child, for check_order; read once more rather than carried around. */
static void check_children(struct translation *t, const struct vn_element *e)
{
	vn_autoset taken = hwloc_bitmap_alloc(), last = hwloc_bitmap_alloc();

	if (!taken || !last) {
		no_memory(t);
		return;
	}
	for (const struct vn_element *child = e->first_child; child; child = child->next) {
		const struct type *type =
			strcmp(child->name, "object") == 0 ? find_type(vn_element_get(child, "type")) : NULL;
		struct sets sets = {0};
		if (!type || type->category != NORMAL)
			continue;
		if (set(t, child, "complete_cpuset", &sets.complete) == 0)
			check_order(t, child, &sets, taken, last);
		free_sets(&sets);
	}
}

/* ---- attributes by type ---- */

static void write_cache(struct translation *t, const struct vn_element *e, const struct type *type)
{
	uint64_t depth = 0, kind = 0;

	if (number(t, e, "depth", 8, &depth) < 0 || number(t, e, "cache_type", 2, &kind) < 0)
		return;
	/* L1 and L2 may be unified or for data alike */
	bool instruction = type->cache_type == 2;
	if (type->depth && (depth != type->depth || instruction != (kind == 2))) {
		problem(t, e, "depth", "%" PRIu64 " and cache_type %" PRIu64 " do not make an %s", depth,
			kind, type->name);
		return;
	}
	write_number(t, "depth", depth);
	write_number(t, "cache_type", kind);
	copy_number(t, e, "cache_size", MAX_BYTES);
	copy_number(t, e, "cache_linesize", UINT16_MAX);
	const char *ways = vn_element_get(e, "cache_associativity");
	if (ways && strcmp(ways, "-1") != 0) /* -1: fully associative */
		copy_number(t, e, "cache_associativity", UINT16_MAX);
}

struct pci_id {
	unsigned domain, bus, device, function;
};

/* Of sscanf it is true that it does not tell of overflow; here no field is wide enough for one. NOLINTBEGIN(cert-err34-c) */

/* `0000:3b:00.0`. hwloc's own reading is a sscanf that takes less. */
static int pci_id(struct translation *t, const struct vn_element *e, struct pci_id *ret)
{
	const char *text = vn_element_get(e, "pci_busid");
	struct pci_id id = {0};
	int end = 0;

	if (!text || strspn(text, "0123456789abcdef:.") != strlen(text) ||
		sscanf(text, "%8x:%2x:%2x.%1x%n", &id.domain, &id.bus, &id.device, &id.function, &end) != 4 ||
		text[end] || id.device > 0x1f || id.function > 7)
		return problem(t, e, "pci_busid", "'%.40s'; expected a PCI address, such as 0000:3b:00.0",
			text ? text : "");
	*ret = id;
	return 0;
}

static int write_pci(struct translation *t, const struct vn_element *e)
{
	const char *text = vn_element_get(e, "pci_type");
	unsigned class_id, vendor, device, subvendor, subdevice, revision;
	struct pci_id id = {0};

	if (pci_id(t, e, &id) < 0)
		return -EINVAL;
	if (!text || strspn(text, "0123456789abcdef:[] ") != strlen(text) ||
		sscanf(text, "%4x [%4x:%4x] [%4x:%4x] %2x", &class_id, &vendor, &device, &subvendor,
			&subdevice, &revision) != 6)
		return problem(t, e, "pci_type", "'%.60s'; expected such as 0200 [8086:1572] [0000:0000] 01",
			text ? text : "");
	fprintf(t->out, " pci_busid=\"%04x:%02x:%02x.%01x\"", id.domain, id.bus, id.device, id.function);
	fprintf(t->out, " pci_type=\"%04x [%04x:%04x] [%04x:%04x] %02x\" pci_link_speed=\"0.000000\"",
		class_id, vendor, device, subvendor, subdevice, revision);
	return 0;
}

static int write_bridge(struct translation *t, const struct vn_element *e)
{
	const char *kind = vn_element_get(e, "bridge_type"), *buses = vn_element_get(e, "bridge_pci");
	unsigned domain, first, last;
	int end = 0;

	/* upstream 0: the host, 1: PCI; downstream always PCI. hwloc asserts that there is nothing else. */
	if (!kind || (strcmp(kind, "0-1") != 0 && strcmp(kind, "1-1") != 0))
		return problem(t, e, "bridge_type", "'%.20s'; expected 0-1 or 1-1", kind ? kind : "");
	if (!buses || strspn(buses, "0123456789abcdef:[]-") != strlen(buses) ||
		sscanf(buses, "%8x:[%2x-%2x]%n", &domain, &first, &last, &end) != 3 || end == 0 || buses[end])
		return problem(
			t, e, "bridge_pci", "'%.40s'; expected such as 0000:[3a-3f]", buses ? buses : "");
	fprintf(t->out, " bridge_type=\"%s\" bridge_pci=\"%04x:[%02x-%02x]\"", kind, domain, first, last);
	return kind[0] == '1' ? write_pci(t, e) : 0;
}

/* NOLINTEND(cert-err34-c) */

/* The bits of version 3 as the number of version 2. Only two of them matter to us, but hwloc reads them all. */
static uint64_t old_device_type(uint64_t bits)
{
	static const struct {
		uint64_t bit, old;
	} map[] = {{32, 3 /* OpenFabrics, network as well */}, {16, 2 /* network */},
		{8, 5 /* co-processor */}, {4, 1 /* GPU */}, {64, 4 /* DMA */}};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (bits & map[i].bit)
			return map[i].old;
	}
	return 0; /* storage, or memory */
}

static void write_os_device(struct translation *t, const struct vn_element *e)
{
	uint64_t type;

	if (!vn_element_get(e, "name"))
		problem(t, e, "name", "is missing; expected the name of the device");
	if (number(t, e, "osdev_type", 0xffff, &type) == 0)
		write_number(t, "osdev_type", t->major >= 3 ? old_device_type(type) : type > 5 ? 0 : type);
}

static void write_details(struct translation *t, const struct vn_element *e, const struct type *type)
{
	uint64_t bytes;

	if (type->category == NORMAL || is(type, "NUMANode"))
		copy_number(t, e, "os_index", UINT32_MAX - 1);
	if (type->depth || is(type, "MemCache"))
		write_cache(t, e, type);
	else if (is(type, "NUMANode") && vn_element_get(e, "local_memory") &&
		 number(t, e, "local_memory", MAX_BYTES, &bytes) == 0)
		write_number(t, "local_memory", bytes);
	else if (is(type, "Group")) {
		copy_number(t, e, "kind", UINT32_MAX);
		copy_number(t, e, "subkind", UINT32_MAX);
		fputs(" dont_merge=\"1\"", t->out); /* what is written is told, even if it groups nothing */
	} else if (is(type, "Bridge"))
		write_bridge(t, e);
	else if (is(type, "PCIDev"))
		write_pci(t, e);
	else if (is(type, "OSDev"))
		write_os_device(t, e);
}

/* ---- one object ---- */

static int remember_gp(struct translation *t, const struct vn_element *e)
{
	uint64_t gp;

	if (number(t, e, "gp_index", INT64_MAX, &gp) < 0)
		return -EINVAL;
	if ((t->n_gp & (t->n_gp - 1)) == 0) { /* full at each power of two */
		uint64_t *grown = reallocarray(t->gp, t->n_gp ? t->n_gp * 2 : 1, sizeof(*grown));
		if (!grown)
			return no_memory(t);
		t->gp = grown;
	}
	t->gp[t->n_gp++] = gp;
	write_number(t, "gp_index", gp);
	return 0;
}

/* Behind a volume management device the domain is 10000 and above. */
static bool is_beyond_hwloc(const struct vn_element *e, const struct type *type)
{
	const char *address = vn_element_get(e, "pci_busid"), *buses = vn_element_get(e, "bridge_pci");
	unsigned domain = 0, below = 0;

	if (type->category != IO)
		return false;
	/* NOLINTBEGIN(cert-err34-c): eight digits do not overflow */
	return (address && sscanf(address, "%8x:", &domain) == 1 && domain > 0xffff) ||
	       (buses && sscanf(buses, "%8x:", &below) == 1 && below > 0xffff);
	/* NOLINTEND(cert-err34-c) */
}

/* The elements below an object that are not objects: only page types matter, and those come first. */
static void page_types(struct translation *t, const struct vn_element *e)
{
	for (const struct vn_element *child = e->first_child; child; child = child->next) {
		uint64_t size, count = 0;
		if (strcmp(child->name, "page_type") != 0 ||
			number(t, child, "size", UINT32_MAX * 1024ull, &size) < 0)
			continue;
		if (vn_element_get(child, "count") &&
			number(t, child, "count", UINT32_MAX * 256ull, &count) < 0)
			continue;
		fprintf(t->out, "<page_type size=\"%" PRIu64 "\" count=\"%" PRIu64 "\"/>\n", size, count);
	}
}

static void children(
	struct translation *t, const struct vn_element *e, const struct type *type, const struct sets *sets)
{
	check_children(t, e);
	if (is(type, "NUMANode"))
		page_types(t, e);
	for (const struct vn_element *child = e->first_child; child; child = child->next) {
		if (strcmp(child->name, "object") != 0)
			continue;
		const char *name = vn_element_get(child, "type");
		const struct type *below = find_type(name);
		if (!below)
			problem(t, child, "type", "'%.40s'; expected a type of object that hwloc knows",
				name ? name : "");
		else
			object(t, child, below, type, sets);
	}
}

/* The CPUs of a normal object are those of its PUs: `before` are the PUs seen when it began. */
static void check_pus(struct translation *t, const struct vn_element *e, const struct sets *sets,
	hwloc_const_bitmap_t before)
{
	vn_autoset below = hwloc_bitmap_alloc();

	if (!below || hwloc_bitmap_andnot(below, t->pus, before) < 0)
		no_memory(t);
	else if (t->problems == 0 && !hwloc_bitmap_isequal(below, sets->cpus))
		problem(t, e, "cpuset",
			"is not what the PUs below make; expected one PU for each CPU, and no other");
}

static void placed_object(struct translation *t, const struct vn_element *e, const struct type *type,
	struct sets *sets, const struct sets *sets_above)
{
	vn_autoset before = hwloc_bitmap_dup(t->pus);

	if (!before) {
		no_memory(t);
		return;
	}
	if (read_sets(t, e, sets) < 0 || check_sets(t, e, type, sets, sets_above) < 0)
		return;
	write_set(t, "cpuset", sets->cpus);
	write_set(t, "complete_cpuset", sets->complete);
	write_set(t, "nodeset", sets->nodes);
	write_set(t, "complete_nodeset", sets->complete_nodes);
	write_details(t, e, type);
	fputs(">\n", t->out);
	children(t, e, type, sets);
	if (type->category == NORMAL)
		check_pus(t, e, sets, before);
}

static void object(struct translation *t, const struct vn_element *e, const struct type *type,
	const struct type *type_above, const struct sets *sets_above)
{
	struct sets sets = {0};

	if (!may_hold(type_above, type)) {
		problem(t, e, "type", "%s below %s; expected %s", type->name,
			type_above ? type_above->name : "the topology",
			type_above ? "what hwloc puts there" : "a Machine");
		return;
	}
	if (type->category == MISC)
		return;
	if (is_beyond_hwloc(e, type)) {
		t->devices_left_out++;
		return;
	}
	fprintf(t->out, "<object type=\"%s\"", type->name);
	remember_gp(t, e);
	write_text(t, e, "name");
	write_text(t, e, "subtype");
	if (type->category != IO) {
		placed_object(t, e, type, &sets, sets_above);
	} else {
		if (vn_element_get(e, "cpuset") || vn_element_get(e, "nodeset"))
			problem(t, e, "cpuset", "%s with a set; expected none, as it is no place",
				type->name);
		write_details(t, e, type);
		fputs(">\n", t->out);
		children(t, e, type, sets_above);
	}
	fputs("</object>\n", t->out);
	free_sets(&sets);
}

/* ---- distances ---- */

/* Reads the numbers of all `name` elements below, as many as there must be. */
static int numbers(
	struct translation *t, const struct vn_element *e, const char *name, size_t n, uint64_t *ret)
{
	size_t count = 0;

	for (const struct vn_element *child = e->first_child; child; child = child->next) {
		char *rest = NULL;
		if (strcmp(child->name, name) != 0 || !child->text)
			continue;
		for (char *word = strtok_r(child->text, " \n\t\r", &rest); word;
			word = strtok_r(NULL, " \n\t\r", &rest)) {
			uint64_t value;
			if (vn_parse_u64(word, UINT64_MAX, &value) < 0)
				return problem(t, child, name, "'%.40s'; expected a number", word);
			if (count < n)
				ret[count] = value;
			count++;
		}
	}
	return count == n ? 0 : problem(t, e, name, "%zu numbers; expected %zu", count, n);
}

static void write_numbers(struct translation *t, const char *name, const uint64_t *values, size_t n)
{
	vn_autofree char *text = NULL;
	size_t length = 0;
	vn_autofclose FILE *out = open_memstream(&text, &length);

	if (!out) {
		no_memory(t);
		return;
	}
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%" PRIu64 " ", values[i]);
	if (fflush(out) != 0)
		no_memory(t);
	else
		fprintf(t->out, "<%s length=\"%zu\">%s</%s>\n", name, length, text, name);
}

static int check_indexes(struct translation *t, const struct vn_element *e, const uint64_t *indexes, size_t n)
{
	vn_autoset seen = hwloc_bitmap_alloc();

	if (!seen)
		return no_memory(t);
	for (size_t i = 0; i < n; i++) {
		if (indexes[i] >= VN_MAX_NODES || !hwloc_bitmap_isset(t->nodes, (unsigned)indexes[i]))
			return problem(t, e, "indexes", "%" PRIu64 "; expected a NUMA node of the topology",
				indexes[i]);
		if (hwloc_bitmap_isset(seen, (unsigned)indexes[i]))
			return problem(t, e, "indexes", "node %" PRIu64 " is there twice; expected once",
				indexes[i]);
		if (hwloc_bitmap_set(seen, (unsigned)indexes[i]) < 0)
			return no_memory(t);
	}
	return 0;
}

/* Only latencies between NUMA nodes; hwloc has bandwidths and matrices of other objects as well. */
static bool is_node_latency(const struct vn_element *e)
{
	const char *type = vn_element_get(e, "type"), *indexing = vn_element_get(e, "indexing");
	const char *name = vn_element_get(e, "name");

	return type && strcmp(type, "NUMANode") == 0 && indexing && strcmp(indexing, "os") == 0 &&
	       (!name || strcmp(name, "NUMALatency") == 0);
}

static void distances(struct translation *t, const struct vn_element *e)
{
	uint64_t n, kind;

	if (!is_node_latency(e))
		return;
	if (number(t, e, "nbobjs", VN_MAX_NODES, &n) < 0 || number(t, e, "kind", UINT32_MAX, &kind) < 0)
		return;
	if (n < 2 || !(kind & KIND_LATENCY))
		return;
	vn_autofree uint64_t *indexes = calloc(n, sizeof(*indexes)), *values = calloc(n * n, sizeof(*values));
	if (!indexes || !values) {
		no_memory(t);
		return;
	}
	if (numbers(t, e, "indexes", n, indexes) < 0 || numbers(t, e, "u64values", n * n, values) < 0 ||
		check_indexes(t, e, indexes, n) < 0)
		return;
	fprintf(t->out,
		"<distances2 type=\"NUMANode\" nbobjs=\"%" PRIu64
		"\" kind=\"%d\" name=\"NUMALatency\" indexing=\"os\">\n",
		n, KIND_FROM_OS | KIND_LATENCY);
	write_numbers(t, "indexes", indexes, n);
	write_numbers(t, "u64values", values, n * n);
	fputs("</distances2>\n", t->out);
}

/* ---- memory attributes ---- */

static bool is_node_gp(const struct translation *t, uint64_t gp)
{
	for (int id = hwloc_bitmap_first(t->nodes); id >= 0; id = hwloc_bitmap_next(t->nodes, id)) {
		if (t->node_gp[id] == gp)
			return true;
	}
	return false;
}

static void attribute_value(struct translation *t, const struct vn_element *e)
{
	const char *type = vn_element_get(e, "target_obj_type");
	vn_autoset cpus = NULL;
	uint64_t gp, value;

	/* an initiator may also be an object, and the target may be one without memory: nothing that Linux tells */
	if (!type || strcmp(type, "NUMANode") != 0 || !vn_element_get(e, "initiator_cpuset"))
		return;
	if (number(t, e, "target_obj_gp_index", INT64_MAX, &gp) < 0 ||
		number(t, e, "value", MAX_BYTES, &value) < 0 || set(t, e, "initiator_cpuset", &cpus) < 0)
		return;
	if (!is_node_gp(t, gp)) {
		problem(t, e, "target_obj_gp_index", "%" PRIu64 "; expected the gp_index of a NUMANode", gp);
		return;
	}
	if (hwloc_bitmap_iszero(cpus) || !hwloc_bitmap_isincluded(cpus, t->pus))
		return; /* CPUs that are not there (offline) start nothing */
	fprintf(t->out,
		"<memattr_value target_obj_type=\"NUMANode\" target_obj_gp_index=\"%" PRIu64
		"\" value=\"%" PRIu64 "\"",
		gp, value);
	write_set(t, "initiator_cpuset", cpus);
	fputs("/>\n", t->out);
}

/* Those of hwloc's own that need an initiator. With flags that are not theirs hwloc would take them for others. */
static void attribute(struct translation *t, const struct vn_element *e)
{
	static const char *const names[] = {
		"Bandwidth", "ReadBandwidth", "WriteBandwidth", "Latency", "ReadLatency", "WriteLatency"};
	const char *name = vn_element_get(e, "name"), *flags = vn_element_get(e, "flags");

	for (size_t i = 0; name && flags && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) != 0 || strcmp(flags, i < 3 ? "5" : "6") != 0)
			continue;
		fprintf(t->out, "<memattr name=\"%s\" flags=\"%s\">\n", name, flags);
		for (const struct vn_element *child = e->first_child; child; child = child->next) {
			if (strcmp(child->name, "memattr_value") == 0)
				attribute_value(t, child);
		}
		fputs("</memattr>\n", t->out);
	}
}

/* ---- the whole ---- */

static int check_version(struct translation *t, const struct vn_element *root)
{
	const char *version = vn_element_get(root, "version");

	if (strcmp(root->name, "topology") != 0)
		return problem(t, root, NULL,
			"<%.40s> is the root element; expected <topology> (hwloc's lstopo FILE.xml)",
			root->name);
	if (version && (strncmp(version, "2.", 2) == 0 || strncmp(version, "3.", 2) == 0)) {
		t->major = (unsigned)(version[0] - '0');
		return 0;
	}
	if (!version || version[0] == '1')
		return problem(t, root, "version",
			"'%.20s' is that of hwloc 1; expected 2.x or 3.x (hwloc 2 converts it: lstopo -i OLD.xml NEW.xml)",
			version ? version : "");
	return problem(t, root, "version", "'%.20s'; expected 2.x or 3.x", version);
}

static int compare_gp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void check_whole(struct translation *t, const struct vn_element *machine)
{
	vn_autoset nodes = NULL;

	if (t->problems)
		return;
	if (hwloc_bitmap_iszero(t->pus))
		problem(t, machine, NULL, "no PU; expected at least one");
	if (hwloc_bitmap_iszero(t->nodes))
		problem(t, machine, NULL, "no NUMANode; expected at least one");
	if (set(t, machine, "nodeset", &nodes) == 0 && !hwloc_bitmap_isequal(nodes, t->nodes))
		problem(t, machine, "nodeset",
			"is not what the NUMANodes make; expected one for each, and no other");
	if (t->n_gp)
		qsort(t->gp, t->n_gp, sizeof(*t->gp), compare_gp);
	for (size_t i = 1; i < t->n_gp; i++) {
		if (t->gp[i] == t->gp[i - 1])
			problem(t, machine, "gp_index", "%" PRIu64 " is there twice; expected once",
				t->gp[i]);
	}
}

static void topology(struct translation *t, const struct vn_element *root)
{
	const struct vn_element *machine = NULL;

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<topology version=\"2.0\">\n", t->out);
	for (const struct vn_element *child = root->first_child; child; child = child->next) {
		const struct type *type = find_type(vn_element_get(child, "type"));
		if (strcmp(child->name, "object") != 0)
			continue;
		if (machine || !type || !may_hold(NULL, type)) {
			problem(t, child, "type", "expected one Machine around all other objects");
			return;
		}
		machine = child;
		object(t, child, type, NULL, NULL);
	}
	if (!machine) {
		problem(t, root, NULL, "holds no object; expected a Machine");
		return;
	}
	check_whole(t, machine);
	for (const struct vn_element *child = root->first_child; child && t->problems == 0;
		child = child->next) {
		if (strcmp(child->name, "distances2") == 0)
			distances(t, child);
		else if (strcmp(child->name, "memattr") == 0)
			attribute(t, child);
	}
	fputs("</topology>\n", t->out);
}

int vn_hwloc_translate(
	const struct vn_element *root, const char *file, struct vn_hwloc_text *ret_text, struct vn_error *err)
{
	vn_autofree char *xml = NULL;
	vn_autofree struct translation *t = calloc(1, sizeof(*t));
	vn_autoset pus = hwloc_bitmap_alloc(), nodes = hwloc_bitmap_alloc();
	size_t length = 0;

	if (!t || !pus || !nodes)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*t = (struct translation){.file = file, .err = err, .pus = pus, .nodes = nodes};
	if (check_version(t, root) < 0)
		return -EINVAL;
	t->out = open_memstream(&xml, &length);
	if (!t->out)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	topology(t, root);
	bool failed = ferror(t->out);
	failed |= fclose(t->out) != 0;
	free(t->gp);
	if (t->problems > MAX_PROBLEMS)
		vn_error_input(err, &(struct vn_where){file, 0, NULL}, "and %zu more problems",
			t->problems - MAX_PROBLEMS);
	if (t->problems)
		return -EINVAL;
	if (failed)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_text = (struct vn_hwloc_text){vn_steal(xml), length + 1, t->devices_left_out};
	return 0;
}
