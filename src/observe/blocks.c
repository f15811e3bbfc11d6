/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: told_blocks.h knows which blocks a VM has, memory_areas.h what QEMU has mapped; here they are brought together.
 * A block whose address QEMU or the record told is there. Any other is where a mapping is as large. Of several that are as large
 * it is the one with the policy that was asked for; and where that does not tell them apart, the order decides: QEMU makes blocks in
 * the order they are told, and Linux gives each the highest room that is left (arch_get_unmapped_area_topdown()). Seen so with
 * QEMU 7.2 on Linux 6.18; but room that somebody gave back may be given again, so this is a guess, and said to be one.
 *
 * What it costs must not grow with the VM: numa_maps is read whole only of a process with little memory there (huge pages of
 * hugetlbfs do not count into statm, and are walked fast), or where every page is to be counted anyway. Otherwise a block's policy
 * is what QEMU was told to ask for.
 */
#define _GNU_SOURCE
#include "blocks.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/process.h"
#include "../base/text.h"
#include "memory_areas.h"
#include "not_permitted.h"
#include "page_sample.h"
#include "told_blocks.h"

#define WALK_MOST (UINT64_C(256) << 20) /* bytes of memory of which numa_maps is read whole: 0.9 ms */

struct finder {
	const struct vn_survey *survey;
	struct vn_vm_sample *vm;
	struct vn_told_blocks told;
	struct vn_areas areas;
	struct vn_numa_lines lines; /* none: not read */
};

static void finder_clear(struct finder *f)
{
	vn_told_blocks_clear(&f->told);
	vn_areas_clear(&f->areas);
	vn_numa_lines_clear(&f->lines);
}

/* A gap for what could not be read. 0, or a status that ends the search: -ENOMEM, -ESRCH. */
static int tell_gap(struct vn_vm_sample *vm, const char *code, const char *what, int status)
{
	if (status == 0 || status == -ENOMEM || status == -ESRCH)
		return status;
	if (status == -EACCES || status == -EPERM) {
		vn_autofree char *unread = vn_format("%s could not be read", what);
		return unread ? vn_tell_not_permitted(vm, code, unread, "CAP_SYS_PTRACE") : -ENOMEM;
	}
	return vn_notes_add(&vm->gaps, code, "%s could not be read: %s", what, strerror(-status));
}

/* ---- where ---- */

/* What is known of a place where a block may be. */
struct place {
	uint64_t address;
	bool taken;
	bool has_policy;
	struct vn_mem_policy policy;
};

struct places {
	size_t n;
	struct place *v; /* highest first */
};

static void places_clear(struct places *places)
{
	for (size_t i = 0; i < places->n; i++)
		vn_mem_policy_clear(&places->v[i].policy);
	free(places->v);
}

static bool is_told(const struct finder *f, uint64_t address)
{
	for (size_t i = 0; i < f->told.n; i++) {
		if (f->told.v[i].address == address)
			return true;
	}
	return false;
}

static int find_places(const struct finder *f, uint64_t size, struct places *places)
{
	uint64_t addresses[VN_CANDIDATES_MAX];
	size_t n = vn_areas_candidates(&f->areas, size, addresses);
	int r = 0;

	places->v = calloc(n + 1, sizeof(*places->v));
	if (!places->v)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct place *place = &places->v[places->n];
		bool differ;
		if (is_told(f, addresses[i]))
			continue;
		places->n++;
		place->address = addresses[i];
		r = vn_numa_lines_policy(&f->lines, &f->areas, addresses[i], size, &place->policy, &differ);
		place->has_policy = r == 0;
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

/* Whether memory of the block would look like that. A block without a policy of its own has the process's. */
static bool fits(const struct finder *f, const struct vn_told_block *block, const struct place *place)
{
	const struct vn_mem_policy *wanted = block->policy_by    ? &block->policy
					     : f->vm->has_policy ? &f->vm->policy
								 : NULL;

	if (!place->has_policy || !wanted)
		return true;
	bool prefers = place->policy.mode == VN_MODE_PREFER || place->policy.mode == VN_MODE_PREFER_MANY;
	return hwloc_bitmap_isequal(place->policy.nodes, wanted->nodes) &&
	       (place->policy.mode == wanted->mode || (prefers && wanted->mode == VN_MODE_PREFER));
}

static size_t count_fitting(
	const struct finder *f, const struct vn_told_block *block, const struct places *places)
{
	size_t n = 0;

	for (size_t i = 0; i < places->n; i++)
		n += fits(f, block, &places->v[i]);
	return n;
}

/* Blocks that are as large as told.v[first] and are looked for. */
static bool is_alike(const struct finder *f, size_t first, size_t i)
{
	return f->told.v[i].size == f->told.v[first].size && f->told.v[i].address == 0;
}

/* Whether it is certain where the block is: one place, or as many as there are blocks that are all the same vnode's. */
static bool is_certain(const struct finder *f, size_t i, size_t first, const struct places *places)
{
	size_t alike = 0;
	bool same = true;

	for (size_t k = first; k < f->told.n; k++) {
		if (is_alike(f, first, k)) {
			alike++;
			same &= f->told.v[k].vnode == f->told.v[i].vnode;
		}
	}
	return count_fitting(f, &f->told.v[i], places) == 1 || (same && alike == places->n);
}

/* The first place that fits, or, with `any`, that is left. */
static struct place *choose(
	const struct finder *f, const struct vn_told_block *block, const struct places *places, bool any)
{
	for (size_t i = 0; i < places->n; i++) {
		if (!places->v[i].taken && (any || fits(f, block, &places->v[i])))
			return &places->v[i];
	}
	return NULL;
}

/* All blocks of one size. `found` and `by` are indexed as told.v. */
static int find_alike(const struct finder *f, size_t first, uint64_t *found, enum vn_told_by *by)
{
	vn_cleanup(places_clear) struct places places = {0};
	int r = find_places(f, f->told.v[first].size, &places);

	for (unsigned any = 0; any < 2 && r == 0; any++) {
		for (size_t i = first; i < f->told.n; i++) {
			struct place *place = is_alike(f, first, i) && found[i] == 0
						      ? choose(f, &f->told.v[i], &places, any)
						      : NULL;
			if (!place)
				continue;
			by[i] = !any && is_certain(f, i, first, &places) ? f->told.v[i].by
									 : VN_TOLD_BY_BEHAVIOUR;
			found[i] = place->address;
			place->taken = true;
		}
	}
	return r;
}

static bool is_first_of_size(const struct finder *f, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (is_alike(f, i, k))
			return false;
	}
	return f->told.v[i].address == 0;
}

static int find_addresses(struct finder *f)
{
	vn_autofree uint64_t *found = calloc(f->told.n + 1, sizeof(*found));
	vn_autofree enum vn_told_by *by = calloc(f->told.n + 1, sizeof(*by));
	int r = found && by ? 0 : -ENOMEM;

	for (size_t i = 0; i < f->told.n && r == 0; i++) {
		if (is_first_of_size(f, i))
			r = find_alike(f, i, found, by);
	}
	for (size_t i = 0; i < f->told.n && r == 0; i++) {
		if (found[i]) {
			f->told.v[i].address = found[i];
			f->told.v[i].by = by[i];
		}
	}
	return r;
}

/* ---- samples ---- */

static int copy_policy(const struct vn_mem_policy *from, enum vn_told_by by, struct vn_block_sample *block)
{
	block->policy = *from;
	block->policy.nodes = hwloc_bitmap_dup(from->nodes);
	block->policy_by = by;
	return block->policy.nodes ? 0 : -ENOMEM;
}

static int find_policy(
	const struct finder *f, const struct vn_told_block *told, struct vn_block_sample *block)
{
	int r = -ENOENT;

	if (block->address)
		r = vn_numa_lines_policy(&f->lines, &f->areas, block->address, block->size, &block->policy,
			&block->policies_differ);
	if (r == 0)
		block->policy_by = VN_TOLD_BY_KERNEL;
	if (r != -ENOENT)
		return r;
	if (told->policy_by)
		return copy_policy(&told->policy, told->policy_by, block);
	if (f->vm->has_policy && told->by != VN_TOLD_BY_QMP) /* plugged in later: nobody told its policy */
		return copy_policy(&f->vm->policy, VN_TOLD_BY_COMMAND, block);
	block->policy.mode = VN_MODE_UNKNOWN;
	return 0;
}

static int add_block(
	struct finder *f, const struct vn_told_block *told, int vnode, uint64_t offset, uint64_t size)
{
	struct vn_vm_sample *vm = f->vm;
	struct vn_block_sample *grown = reallocarray(vm->blocks, vm->n_blocks + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	vm->blocks = grown;
	struct vn_block_sample *block = &grown[vm->n_blocks++];
	*block = (struct vn_block_sample){.vnode = vnode,
		.address = told->address ? told->address + offset : 0,
		.size = size,
		.unplugged = told->unplugged < size ? told->unplugged : size,
		.page = told->page,
		.tied_by = vnode < 0 ? VN_TOLD_BY_NOTHING : told->by};
	memcpy(block->id, told->id, sizeof(block->id));
	const struct vn_area *area = vn_area_at(&f->areas, block->address);
	block->shared = area && area->shared;
	uint64_t huge = vn_numa_lines_huge(&f->lines, block->address, size);
	block->page = huge ? huge : block->page;
	return find_policy(f, told, block);
}

/* Memory of all vnodes, one behind another, is a block for each. */
static int add_blocks(struct finder *f, const struct vn_told_block *told)
{
	const struct vn_guest *guest = f->vm->guest;
	uint64_t offset = 0;
	int r = 0;

	if (!told->all_vnodes || !guest)
		return add_block(f, told, told->vnode, 0, told->size);
	for (size_t i = 0; i < guest->n_vnodes && r == 0; i++) {
		uint64_t size = vn_vnode_at_start(&guest->vnodes[i]);
		size = size < told->size - offset ? size : told->size - offset;
		if (size)
			r = add_block(f, told, (int)i, offset, size);
		offset += size;
	}
	return r;
}

static int compare_blocks(const void *a, const void *b)
{
	const struct vn_block_sample *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->vnode - y->vnode;
}

static int tell_lost(struct vn_vm_sample *vm)
{
	int r = 0;

	for (size_t i = 0; i < vm->n_blocks && r == 0; i++) {
		const struct vn_block_sample *block = &vm->blocks[i];
		char size[VN_SIZE_TEXT];
		if (block->address == 0)
			r = vn_notes_add(&vm->gaps, "memory-not-found",
				"%s of its memory%s%s is none of its mappings by size: where its pages are was not looked at",
				vn_size_text(block->size, size), *block->id ? ", " : "", block->id);
	}
	return r;
}

/* ---- reading ---- */

/* Bytes of the process that are there, but for pages of hugetlbfs (fs/proc/task_mmu.c, task_statm()). */
static uint64_t resident(const struct vn_root *root, pid_t pid)
{
	vn_autofree char *text = NULL;
	char path[64], number[24];
	uint64_t pages;

	snprintf(path, sizeof(path), "proc/%d/statm", pid);
	if (vn_root_read(root, path, &text) < 0)
		return UINT64_MAX;
	const char *second = text + strcspn(text, " ");
	second += strspn(second, " ");
	snprintf(number, sizeof(number), "%.*s", (int)strspn(second, "0123456789"), second);
	return vn_parse_u64(number, UINT64_MAX >> 16, &pages) == 0 ? pages * (uint64_t)sysconf(_SC_PAGESIZE)
								   : UINT64_MAX;
}

static int read_process(struct finder *f)
{
	const struct vn_root *root = f->survey->root;
	struct vn_vm_sample *vm = f->vm;
	pid_t pid = vm->process.pid;

	int r = tell_gap(vm, "maps-unreadable", "where its memory is mapped (/proc/PID/maps)",
		vn_areas_read(root, pid, &f->areas));
	if (r < 0 || f->areas.n == 0)
		return r;
	r = vn_process_policy(root, pid, &vm->policy);
	vm->has_policy = r == 0;
	if (r == -ENODATA || r == -ENOENT)
		r = 0; /* a kernel without NUMA has no policies to show */
	if (r == 0 && vm->has_policy && (f->survey->exact || resident(root, pid) <= WALK_MOST))
		r = vn_numa_lines_read(root, pid, &f->lines);
	return tell_gap(vm, "policies-unreadable", "the policies of its memory (/proc/PID/numa_maps)", r);
}

/*
 * Memory that grew or shrank since the start: the command line has what a virtio-mem device was asked for then, its monitor and the
 * record what it is asked for now. From here on the guest is what it is now.
 */
static void settle_guest(struct vn_vm_sample *vm)
{
	struct vn_guest *guest = vm->guest;

	for (size_t v = 0; guest && v < guest->n_vnodes; v++) {
		struct vn_vnode *vnode = &guest->vnodes[v];
		uint64_t fixed = vn_vnode_at_start(vnode), now = 0;
		for (size_t i = 0; i < vm->n_blocks; i++) {
			const struct vn_block_sample *block = &vm->blocks[i];
			now += block->vnode == (int)v ? block->size - block->unplugged : 0;
		}
		if (vnode->virtio_mem == 0 || now < fixed || now > fixed + vnode->virtio_mem || now % VN_MIB)
			continue;
		guest->memory += now - vnode->memory;
		vnode->memory = now;
		vnode->plugged = now - fixed;
	}
}

int vn_blocks_find(
	const struct vn_survey *survey, const struct vn_monitor_facts *facts, struct vn_vm_sample *vm)
{
	vn_cleanup(finder_clear) struct finder f = {.survey = survey, .vm = vm};
	int r = vn_told_blocks_read(vm, facts, &f.told);

	if (r == 0)
		r = read_process(&f);
	if (r == 0 && f.areas.n > 0)
		r = find_addresses(&f);
	for (size_t i = 0; i < f.told.n && r == 0; i++)
		r = add_blocks(&f, &f.told.v[i]);
	if (r < 0)
		return r;
	settle_guest(vm);
	if (vm->n_blocks)
		qsort(vm->blocks, vm->n_blocks, sizeof(*vm->blocks), compare_blocks);
	return f.areas.n > 0 ? tell_lost(vm) : 0;
}

/* ---- pages ---- */

/* Each block by itself, so that which pages are drawn of one does not depend on what others there are. */
static uint64_t seed_of(const struct vn_survey *survey, size_t block)
{
	return survey->seed + (uint64_t)block * UINT64_C(0xd1342543de82ef95);
}

static int look(const struct vn_survey *survey, const struct finder *f, size_t i)
{
	struct vn_block_sample *block = &f->vm->blocks[i];
	pid_t pid = f->vm->process.pid;
	unsigned pages = survey->exact ? 0 : survey->pages;
	uint64_t seed = seed_of(survey, i);
	int r = -ENOENT;

	if (survey->exact)
		r = vn_numa_lines_count(&f->lines, &f->areas, block->address, block->size, &block->residency);
	if (r == -ENOENT)
		r = vn_residency_sample(
			pid, block->address, block->size, pages, seed, &block->residency, NULL);
	if (r < 0)
		return r;
	block->has_residency = true;
	vn_residency_details(pid, block->address, block->size, pages, seed, &block->residency);
	return 0;
}

int vn_blocks_look(const struct vn_survey *survey, struct vn_vm_sample *vm)
{
	vn_cleanup(finder_clear) struct finder f = {.survey = survey, .vm = vm};
	int r = 0;

	if (!survey->root->live || (survey->pages == 0 && !survey->exact) || vm->n_blocks == 0)
		return 0;
	if (survey->exact) {
		r = vn_areas_read(survey->root, vm->process.pid, &f.areas);
		if (r == 0)
			r = vn_numa_lines_read(survey->root, vm->process.pid, &f.lines);
	}
	for (size_t i = 0; i < vm->n_blocks && r == 0; i++) {
		if (vm->blocks[i].address)
			r = look(survey, &f, i);
	}
	if (r == 0 && vn_process_match(vm->process.pid, vm->process.start_time, NULL) != VN_PROCESS_SAME)
		r = -ESRCH; /* what was looked at may be another's */
	return tell_gap(vm, "pages-unreadable", "on which nodes its pages are", r);
}
