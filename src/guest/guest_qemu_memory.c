/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory of a QEMU command line: how much, in what pages, tied to which nodes of the host.
 *
 * Theory of operation: each -object memory-backend-* becomes an entry that one user may take, as with QEMU: a node, a DIMM, or all
 * of the guest. A node's memory has the entry's binding and pages. Memory at start is counted in bytes until it has been compared
 * with -m, which QEMU demands to be the same; then each vnode's is made whole MiB.
 *
 * Sources: QEMU's backends/hostmem.c, backends/hostmem-file.c, hw/core/machine.c, hw/core/numa.c.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "guest_qemu_part.h"

#define DEFAULT_RAM (128 * VN_MIB) /* QEMU's, of most machines */
#define USUAL_HUGE (UINT64_C(2) << 20) /* the system's default huge page of x86 and of arm64 with 4K pages */
#define PAGE_MIN (UINT64_C(64) << 10)
#define PAGE_MAX (UINT64_C(16) << 30)

static bool page_is_good(uint64_t page)
{
	return page >= PAGE_MIN && page <= PAGE_MAX && (page & (page - 1)) == 0;
}

/* ---- pages ---- */

/* The size in `hugepages-1048576kB`, `hugepages1G`, `hugepages-2M`; 0: none that is one. */
static uint64_t named_page(const char *name, size_t n)
{
	static const char digits[] = "0123456789";
	size_t at = 0;
	uint64_t number = 0;

	while (at < n && !strchr(digits, name[at]))
		at++;
	for (; at < n && strchr(digits, name[at]) && number < PAGE_MAX; at++)
		number = number * 10 + (unsigned)(name[at] - '0');
	char unit = at < n ? name[at] : 0;
	uint64_t page = unit == 'k' || unit == 'K'   ? number << 10
			: unit == 'm' || unit == 'M' ? number << 20
			: unit == 'g' || unit == 'G' ? number << 30
						     : 0;
	return number < PAGE_MAX >> 10 && page_is_good(page) ? page : 0;
}

/* Whether a folder of the path is named after huge pages; *ret_page is their size, 0 when no name tells it. */
static bool path_names_pages(const char *path, uint64_t *ret_page)
{
	bool huge = false;

	*ret_page = 0;
	for (size_t n; *path; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (n < 4 || strncmp(path, "huge", 4) != 0)
			continue;
		huge = true;
		if (!*ret_page)
			*ret_page = named_page(path, n);
	}
	return huge;
}

/* Pages of a file under `path`. Which file system is mounted there only its host can tell: what the path does not say is noted. */
static uint64_t page_of_path(
	struct qemu_reader *r, const struct qemu_option *option, const char *path, uint64_t size)
{
	char seen[VN_QUOTE_MAX];
	uint64_t page;

	if (!path_names_pages(path, &page)) {
		if (strncmp(path, "/dev/shm", 8) != 0)
			qemu_note(r, option, "qemu-page-size-unknown",
				"the path %s does not tell of huge pages; ordinary ones are planned with",
				vn_quote(path, seen));
		return 0;
	}
	if (page)
		return page;
	bool fits = size % USUAL_HUGE == 0;
	qemu_note(r, option, "qemu-page-size-assumed",
		"the path %s does not tell the size of its huge pages; %s", vn_quote(path, seen),
		fits ? "2 MiB is assumed" : "ordinary ones are planned with");
	return fits ? USUAL_HUGE : 0;
}

/* Of memory-backend-memfd: huge pages of a size that is told, or the system's default. */
static uint64_t page_of_memfd(struct qemu_reader *r, const struct qemu_option *option)
{
	uint64_t page = 0;

	if (!qemu_switch(r, option, "hugetlb", false))
		return 0;
	if (!vn_keyval_get(&option->keys, "hugetlbsize")) {
		qemu_note(
			r, option, "qemu-page-size-assumed", "hugetlb without hugetlbsize; 2 MiB is assumed");
		return USUAL_HUGE;
	}
	if (!qemu_bytes(r, option, "hugetlbsize", 1, &page))
		return 0;
	if (page && !page_is_good(page))
		qemu_problem(r, option,
			"hugetlbsize=%llu seen; expected the size of a huge page such as 2M or 1G",
			(unsigned long long)page);
	return page_is_good(page) ? page : USUAL_HUGE;
}

/* ---- backends ---- */

/* host-nodes and policy: QEMU wants both, or neither. */
static void read_policy(struct qemu_reader *r, struct qemu_backend *backend)
{
	static const char *const policies[] = {"default", "preferred", "bind", "interleave", NULL};
	const struct qemu_option *option = backend->option;
	int policy = qemu_choice(r, option, "policy", policies, 0);

	backend->nodes = qemu_set(r, option, "host-nodes", QEMU_MAX_NODES - 1);
	bool any = backend->nodes && !hwloc_bitmap_iszero(backend->nodes);
	if (policy == 0 && any)
		qemu_problem(r, option,
			"host-nodes without a policy; expected policy=bind, preferred or interleave with it");
	else if (policy > 0 && !vn_keyval_get(&option->keys, "host-nodes"))
		qemu_problem(r, option, "policy=%s without host-nodes; expected the host's nodes with it",
			policies[policy]);
	backend->binding = policy == 3   ? VN_BINDING_INTERLEAVE
			   : policy == 2 ? VN_BINDING_STRICT
					 : VN_BINDING_PREFERRED;
	if (!any || policy <= 0) {
		hwloc_bitmap_free(backend->nodes);
		backend->nodes = NULL;
	}
}

static struct qemu_backend *find_backend(struct qemu_reader *r, const char *id)
{
	for (size_t i = 0; i < r->n_backends; i++) {
		if (strcmp(r->backends[i].id, id) == 0)
			return &r->backends[i];
	}
	return NULL;
}

/* QEMU 9.0 and later refuse it at once; before, the guest has less than what is taken from the host. */
static void check_backend_pages(struct qemu_reader *r, const struct qemu_backend *backend)
{
	char size[VN_SIZE_TEXT], page[VN_SIZE_TEXT];

	if (!backend->page || backend->size % backend->page == 0)
		return;
	r->pages_told = true;
	qemu_problem(r, backend->option, "%s of memory; expected a multiple of its huge pages, %s",
		vn_size_text_exact(backend->size, size), vn_size_text_exact(backend->page, page));
}

static void read_backend(struct qemu_reader *r, const struct qemu_option *option, const char *kind)
{
	const char *id = vn_keyval_get(&option->keys, "id"), *path = vn_keyval_get(&option->keys, "mem-path");
	char seen[VN_QUOTE_MAX];

	if (!id || !*id) {
		qemu_problem(r, option, "no id; expected one that -numa or -machine can name");
		return;
	}
	if (find_backend(r, id)) {
		qemu_problem(r, option, "id=%s seen twice; expected each object once", vn_quote(id, seen));
		return;
	}
	struct qemu_backend *backend = qemu_append(r, &r->backends, &r->n_backends, sizeof(*backend));
	if (!backend)
		return;
	backend->option = option;
	backend->id = id;
	if (!vn_keyval_get(&option->keys, "size"))
		qemu_problem(r, option, "%s has no size", vn_quote(id, seen));
	else if (qemu_bytes(r, option, "size", 1, &backend->size) && backend->size == 0)
		qemu_problem(r, option, "size=0 seen; expected memory");
	read_policy(r, backend);
	if (strcmp(kind, "memfd") == 0)
		backend->page = page_of_memfd(r, option);
	else if (strcmp(kind, "file") == 0 && path)
		backend->page = page_of_path(r, option, path, backend->size);
	else if (strcmp(kind, "file") == 0)
		qemu_problem(r, option, "%s has no mem-path", vn_quote(id, seen));
	check_backend_pages(r, backend);
}

void qemu_read_backends(struct qemu_reader *r)
{
	static const char prefix[] = "memory-backend-";

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-object", option));) {
		const char *type = vn_keyval_get(&option->keys, "qom-type");
		if (!type && !option->unread)
			qemu_problem(r, option, "no qom-type; expected such as memory-backend-ram");
		if (type && strncmp(type, prefix, sizeof(prefix) - 1) == 0 &&
			strcmp(type, "memory-backend-epc") != 0)
			read_backend(r, option, type + sizeof(prefix) - 1);
	}
}

struct qemu_backend *qemu_take_backend(
	struct qemu_reader *r, const struct qemu_option *option, const char *key)
{
	const char *id = vn_keyval_get(&option->keys, key);
	struct qemu_backend *backend = id ? find_backend(r, id) : NULL;
	char seen[VN_QUOTE_MAX];

	if (!id)
		return NULL;
	if (!backend) {
		qemu_problem(r, option, "%s=%s seen; no -object memory-backend-* has that id", key,
			vn_quote(id, seen));
		return NULL;
	}
	if (backend->user) {
		qemu_problem(r, option, "%s=%s seen, which %s has, too; expected memory of its own", key,
			vn_quote(id, seen), backend->user);
		return NULL;
	}
	backend->user = option->name;
	return backend;
}

/* ---- all of the guest ---- */

/* -machine memory-backend=ID is the size when -m says none. */
static void read_main_backend(struct qemu_reader *r)
{
	const struct qemu_option *option = qemu_last(r, "-machine", "memory-backend");
	char told[VN_SIZE_TEXT], size[VN_SIZE_TEXT];

	struct qemu_backend *backend = option ? qemu_take_backend(r, option, "memory-backend") : NULL;
	if (!backend || !backend->size)
		return;
	if (!r->ram_told) {
		r->ram = backend->size;
	} else if (r->ram_known && r->ram != backend->size) {
		qemu_problem(r, option, "%s of memory, but -m says %s; expected the same",
			vn_size_text_exact(backend->size, size), vn_size_text_exact(r->ram, told));
	}
}

void qemu_read_ram(struct qemu_reader *r)
{
	const struct qemu_option *size = qemu_last(r, "-m", "size"), *max = qemu_last(r, "-m", "maxmem");
	uint64_t bytes = 0, maxmem = 0;
	size_t problems = r->problems;

	r->ram = DEFAULT_RAM;
	if (qemu_bytes(r, size, "size", VN_MIB, &bytes) && bytes) { /* -m 0 is the default, too */
		r->ram_told = true;
		r->ram = (bytes + QEMU_RAM_ALIGN - 1) / QEMU_RAM_ALIGN * QEMU_RAM_ALIGN;
	}
	qemu_bytes(r, max, "maxmem", 1, &maxmem);
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-m", option));)
		r->ram_told |= option->unread;
	r->ram_known = r->problems == problems && (!r->ram_told || bytes);
	r->guest->maxmem = r->maxmem = maxmem;
	read_main_backend(r);
	if (r->ram_known && max && maxmem < r->ram) {
		char seen[VN_SIZE_TEXT], least[VN_SIZE_TEXT];
		qemu_problem(r, max, "maxmem=%s seen; expected at least the %s at start",
			vn_size_text_exact(maxmem, seen), vn_size_text_exact(r->ram, least));
	}
}

void qemu_bind_vnode(struct qemu_reader *r, struct vn_vnode *vnode, const struct qemu_backend *backend)
{
	vnode->has_page = true;
	vnode->page = backend->page;
	vnode->shared = qemu_backend_is_shared(r, backend);
	if (!backend->nodes)
		return;
	bool one = hwloc_bitmap_weight(backend->nodes) == 1;
	vnode->has_binding = true;
	vnode->binding = backend->binding;
	if (!one || backend->binding != VN_BINDING_PREFERRED) { /* else some may lie elsewhere */
		vnode->nodes = hwloc_bitmap_dup(backend->nodes);
		r->short_of_memory |= !vnode->nodes;
	}
	if (one) {
		vnode->home = hwloc_bitmap_first(backend->nodes);
		vnode->home_where = (struct vn_where){r->guest->file, backend->option->line, "-object"};
	}
}

void qemu_bind_all(struct qemu_reader *r)
{
	struct vn_guest *guest = r->guest;
	const struct qemu_option *machine = qemu_last(r, "-machine", "memory-backend"), *path = NULL;
	const struct qemu_backend *backend =
		machine ? find_backend(r, vn_keyval_get(&machine->keys, "memory-backend")) : NULL;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-mem-path", option));)
		path = option;
	bool own = false; /* memory of the vnodes' own */
	for (size_t i = 0; i < guest->n_vnodes; i++)
		own |= guest->vnodes[i].has_page;
	if (!backend && !own && path && path->value)
		guest->hugepages = page_of_path(r, path, path->value, r->ram);
	for (size_t i = 0; backend && i < guest->n_vnodes; i++)
		qemu_bind_vnode(r, &guest->vnodes[i], backend);
	if (backend && backend->nodes)
		guest->vnodes_open =
			false; /* how its memory lies is said: it is not to be cut up otherwise */
}

/* ---- DIMMs ---- */

/* Memory at start of virtio-mem is what is asked for of it, that of a DIMM all. */
static void read_dimm(struct qemu_reader *r, const struct qemu_option *option, const char *driver)
{
	int vnode = qemu_vnode(r, option, "node", false);
	struct qemu_backend *backend = qemu_take_backend(r, option, "memdev");
	uint64_t size = backend ? backend->size : 0;

	if (!vn_keyval_get(&option->keys, "memdev"))
		qemu_problem(r, option, "no memdev; expected the memory of the device");
	if (vnode < 0 && vn_keyval_get(&option->keys, "node"))
		return; /* told */
	if (strncmp(driver, "nvdimm", 6) == 0) {
		qemu_note(r, option, "qemu-nvdimm", "its memory is where its file is; it is not counted");
		return;
	}
	if (strncmp(driver, "virtio-mem", 10) == 0) {
		uint64_t asked = 0;
		qemu_bytes(r, option, "requested-size", 1, &asked);
		if (backend && size && asked > size)
			qemu_problem(r, option, "requested-size is above the size of its memdev");
		qemu_note(
			r, option, "qemu-virtio-mem", "memory is counted as far as it is requested at start");
		size = asked;
	}
	if (!backend || !r->guest->n_vnodes)
		return;
	struct vn_vnode *at = &r->guest->vnodes[vnode < 0 ? 0 : vnode];
	bool virtio = strncmp(driver, "virtio-mem", 10) == 0;
	if (backend->nodes && !(at->nodes && hwloc_bitmap_isequal(at->nodes, backend->nodes)))
		qemu_note(r, option, "qemu-dimm-apart",
			"its memory is tied to other nodes of the host than that of its vnode; it is planned with its vnode");
	if (backend->size > VN_MAX_MEMORY - (at->virtio_mem ? at->virtio_mem : at->plugged)) {
		qemu_problem(r, option, "more memory than a guest can have");
		return;
	}
	if (virtio || at->virtio_mem) /* a DIMM beside one counts as a part of it that is always asked for */
		at->virtio_mem = vn_vnode_device(at) + backend->size;
	at->plugged += size;
	r->guest->vnodes_open = false;
}

void qemu_read_dimms(struct qemu_reader *r)
{
	static const char *const drivers[] = {
		"pc-dimm", "nvdimm", "virtio-mem-pci", "virtio-mem", "virtio-mem-device", NULL};

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-device", option));) {
		const char *driver = vn_keyval_get(&option->keys, "driver");
		for (size_t i = 0; driver && drivers[i]; i++) {
			if (strcmp(driver, drivers[i]) == 0)
				read_dimm(r, option, driver);
		}
	}
}

/* ---- sums ---- */

static uint64_t whole_mib(uint64_t bytes)
{
	return (bytes + VN_MIB - 1) / VN_MIB * VN_MIB;
}

/* What is left to check once DIMMs are in: backends have been, each by itself. */
static void check_pages(struct qemu_reader *r, size_t i)
{
	const struct vn_vnode *vnode = &r->guest->vnodes[i];
	uint64_t page = vn_vnode_page(r->guest, i);
	char memory[VN_SIZE_TEXT], size[VN_SIZE_TEXT];

	if (page && vnode->memory % page && !r->pages_told)
		qemu_problem(r, qemu_next(r, "-mem-path", NULL),
			"node %zu gets %s; expected a multiple of its huge pages, %s", i,
			vn_size_text_exact(vnode->memory, memory), vn_size_text_exact(page, size));
}

/* One size of pages for all is the guest's. */
static void share_page(struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		if (!guest->vnodes[i].has_page || guest->vnodes[i].page != guest->vnodes[0].page)
			return;
	}
	if (guest->n_vnodes == 0)
		return;
	guest->hugepages = guest->vnodes[0].page;
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		guest->vnodes[i].has_page = false;
		guest->vnodes[i].page = 0;
	}
}

void qemu_settle_memory(struct qemu_reader *r)
{
	struct vn_guest *guest = r->guest;
	uint64_t sum = 0, rounded = 0;
	char seen[VN_SIZE_TEXT], most[VN_SIZE_TEXT];

	share_page(guest);
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		struct vn_vnode *vnode = &guest->vnodes[i];
		uint64_t start = whole_mib(vnode->memory), plugged = whole_mib(vnode->plugged);
		rounded += start - vnode->memory + plugged - vnode->plugged;
		vnode->plugged = plugged;
		if (vnode->virtio_mem)
			vnode->virtio_mem = whole_mib(vnode->virtio_mem) > plugged
						    ? whole_mib(vnode->virtio_mem)
						    : plugged;
		vnode->memory = start + plugged;
		sum += vnode->memory;
		check_pages(r, i);
	}
	if (rounded && vn_notes_add(&guest->notes, "qemu-memory-rounded",
			       "memory is planned in whole MiB: %s more than the command line says",
			       vn_size_text_exact(rounded, seen)) < 0)
		r->short_of_memory = true;
	if (sum > VN_MAX_MEMORY)
		qemu_problem(r, NULL, "%s of memory in all; expected at most %s", vn_size_text(sum, seen),
			vn_size_text(VN_MAX_MEMORY, most));
	const struct qemu_option *max = qemu_last(r, "-m", "maxmem");
	if (max && r->ram_known && sum - rounded > guest->maxmem && guest->maxmem >= r->ram)
		qemu_problem(r, max, "maxmem=%s seen; expected at least %s, with the memory of devices",
			vn_size_text_exact(guest->maxmem, seen), vn_size_text_exact(sum - rounded, most));
	guest->memory = sum;
	guest->maxmem = whole_mib(guest->maxmem) > sum ? whole_mib(guest->maxmem) : sum;
}
