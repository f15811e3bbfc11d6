/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: dialect 2 has three keys of which each lists something of all vnodes, dialect 3 one key that lists vnodes.
 * Both end in the same table, a row a vnode, in which what was not said, or was wrong, is marked as not said. The table is read
 * before the guest's size, as its sums may be that size, and applied after the vnodes got their defaults.
 *
 * Sources: dialect 2 is of a thread of 2007 (xen-devel, "Xen NUMA guests"); dialect 3 is xl.cfg(5), `vnuma`, and what libxl checks
 * (tools/libs/light/libxl_vnuma.c).
 */
#define _GNU_SOURCE
#include "guest_told.h"

#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "../model/host.h"
#include "guest_reader.h"

/* Where a problem is: a key's entry, and one of its vnodes. */
struct spot {
	struct guest_reader *r;
	const struct vn_cfg_entry *entry;
	size_t vnode;
	unsigned line; /* of a long list, the one with this vnode */
	const char *key; /* of the entry, as a literal: it outlives the config */
};

static void wrong_at(const struct spot *at, const char *value, const char *expected)
{
	char seen[VN_QUOTE_MAX];

	guest_wrong_line(at->r, at->entry, at->line, "vnode %zu: '%s'; expected %s", at->vnode,
		vn_quote(value, seen), expected);
}

static bool read_mib(const struct spot *at, const char *text, struct guest_told_vnode *vnode)
{
	if (vn_parse_u64(text, VN_MAX_MEMORY / VN_MIB, &vnode->mib) < 0) {
		wrong_at(at, text, "MiB as a number");
		return false;
	}
	vnode->has_memory = true;
	return true;
}

static bool read_vcpus(const struct spot *at, const char *text, struct guest_told_vnode *vnode)
{
	vn_autoset set = NULL;

	if (vn_set_parse(text, &set) < 0 || hwloc_bitmap_last(set) >= VN_MAX_VCPUS) {
		wrong_at(at, text, "vCPUs such as 0-3,8, up to 1023");
		return false;
	}
	if (vnode->vcpus && !hwloc_bitmap_isequal(vnode->vcpus, set)) {
		wrong_at(at, text, "its vCPUs once");
		return false;
	}
	hwloc_bitmap_free(vnode->vcpus);
	vnode->vcpus = vn_steal(set);
	return true;
}

static bool read_home(const struct spot *at, const char *text, struct guest_told_vnode *vnode)
{
	uint64_t home;

	if (vn_parse_u64(text, VN_MAX_NODES - 1, &home) < 0) {
		wrong_at(at, text, "a node of the host");
		return false;
	}
	if (vnode->home >= 0 && vnode->home != (int)home) { /* of dialect 2: `memory` is read after `vcpu` */
		guest_wrong_line(at->r, at->entry, at->line,
			"vnode %zu: its memory on node %d; expected node %d, where '%s' has its vCPUs (line %u): a vnode has one home",
			at->vnode, (int)home, vnode->home, vnode->home_key, vnode->home_line);
		return false;
	}
	vnode->home = (int)home;
	vnode->home_line = at->line;
	vnode->home_key = at->key;
	return true;
}

/* ---- dialect 2: `vcpu = [0-1:0, 2-3:1]`, `memory = [128:0, 128:1]` ---- */

/* One `what:pnode`; the pnode may be left out, the planner chooses then. */
static void read_pair(
	const struct spot *at, const struct vn_cfg_value *value, bool memory, struct guest_told_vnode *vnode)
{
	bool is_text =
		value->type == VN_CFG_WORD || value->type == VN_CFG_STRING || value->type == VN_CFG_NUMBER;
	vn_autofree char *copy = is_text ? vn_copy(value->text) : vn_cfg_value_text(value);

	if (!copy) {
		at->r->short_of_memory = true;
		return;
	}
	if (!is_text) {
		wrong_at(at, copy,
			memory ? "MiB, a colon, and the host's node" : "vCPUs, a colon, and the host's node");
		return;
	}
	char *rest = copy, *what = strsep(&rest, ":");
	if (rest)
		read_home(at, rest, vnode);
	if (memory)
		read_mib(at, what, vnode);
	else
		read_vcpus(at, what, vnode);
}

static void read_pairs(struct guest_reader *r, const char *key, bool memory, struct guest_told *told)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, key);

	if (!entry || (memory && entry->value.type != VN_CFG_LIST))
		return;
	if (entry->value.type != VN_CFG_LIST || entry->value.n != told->n) {
		guest_wrong(r, entry, "expected a list of %zu, one for each vnode, such as [%s]", told->n,
			memory ? "128:0, 128:1" : "0-1:0, 2-3:1");
		return;
	}
	for (size_t i = 0; i < told->n; i++) {
		struct spot at = {r, entry, i, entry->value.items[i].line, key};
		told->vnodes[i].line = entry->value.items[i].line;
		read_pair(&at, &entry->value.items[i], memory, &told->vnodes[i]);
	}
}

/* `vnode = N`, or else as many as the lists have. */
static size_t count_second(struct guest_reader *r)
{
	const struct vn_cfg_entry *count = vn_cfg_find(r->cfg, "vnode");
	uint64_t n = 0;

	if (count && guest_value_number(&count->value, VN_MAX_VNODES, &n) && n >= 1)
		return (size_t)n;
	if (count) {
		guest_wrong(r, count, "expected the number of vnodes, 1 to %d", VN_MAX_VNODES);
		return 0;
	}
	const struct vn_cfg_entry *list = vn_cfg_find(r->cfg, "vcpu");
	if (!list)
		list = vn_cfg_find(r->cfg, "memory");
	if (list->value.type == VN_CFG_LIST && list->value.n >= 1 && list->value.n <= VN_MAX_VNODES)
		return list->value.n;
	guest_wrong(r, list, "expected a list of 1 to %d, one for each vnode", VN_MAX_VNODES);
	return 0;
}

/* ---- dialect 3: `vnuma = [["pnode=0", "size=2048", "vcpus=0,2", "vdistances=10,20"], …]` ---- */

static void read_vdistances(const struct spot *at, char *text, struct guest_told_vnode *vnode, size_t n)
{
	char *rest = text, *part;
	size_t k = 0;

	for (; (part = strsep(&rest, ",")); k++) {
		uint64_t number = 0;
		bool good = vn_parse_u64(part, VN_DISTANCE_UNREACHABLE, &number) == 0 &&
			    (k == at->vnode ? number == VN_DISTANCE_LOCAL : number > VN_DISTANCE_LOCAL);
		if (!good) {
			wrong_at(at, part, k == at->vnode ? "10 to itself" : "11 to 255 to another vnode");
			return;
		}
		if (k < n)
			vnode->distances[k] = (uint32_t)number;
	}
	if (k != n) /* libxl does not look: more overrun its array, and fewer leave 0 */
		guest_wrong_line(at->r, at->entry, at->line,
			"vnode %zu: %zu vdistances; expected %zu, one to each vnode", at->vnode, k, n);
	else
		vnode->n_distances = n;
}

static void read_setting(const struct spot *at, char *text, struct guest_told_vnode *vnode, size_t n)
{
	char *value = strchr(text, '=');

	if (value)
		*value++ = 0;
	if (value && strcmp(text, "pnode") == 0)
		read_home(at, value, vnode);
	else if (value && strcmp(text, "size") == 0)
		read_mib(at, value, vnode);
	else if (value && strcmp(text, "vcpus") == 0)
		read_vcpus(at, value, vnode);
	else if (value && strcmp(text, "vdistances") == 0)
		read_vdistances(at, value, vnode, n);
	else
		wrong_at(at, text, "pnode=, size=, vcpus= or vdistances=");
}

static bool named_before(const struct vn_cfg_value *list, size_t k)
{
	size_t n = strcspn(list->items[k].text, "=");

	for (size_t i = 0; i < k; i++) {
		if (list->items[i].type == VN_CFG_STRING && strcspn(list->items[i].text, "=") == n &&
			memcmp(list->items[i].text, list->items[k].text, n) == 0)
			return true;
	}
	return false;
}

static void read_vnode(
	const struct spot *at, const struct vn_cfg_value *list, struct guest_told_vnode *vnode, size_t n)
{
	vnode->line = list->line;
	if (list->type != VN_CFG_LIST) {
		vn_autofree char *text = vn_cfg_value_text(list);
		wrong_at(at, text ? text : "",
			"a list of strings such as [\"pnode=0\", \"size=2048\", \"vcpus=0-1\"]");
		return;
	}
	for (size_t k = 0; k < list->n; k++) {
		const struct vn_cfg_value *item = &list->items[k];
		struct spot here = {at->r, at->entry, at->vnode, item->line, at->key};
		vn_autofree char *copy =
			item->type == VN_CFG_STRING ? vn_copy(item->text) : vn_cfg_value_text(item);
		if (!copy)
			at->r->short_of_memory = true;
		else if (item->type != VN_CFG_STRING)
			wrong_at(&here, copy, "a string such as \"size=2048\"");
		else if (named_before(list, k))
			wrong_at(&here, copy, "each setting once");
		else
			read_setting(&here, copy, vnode, n);
	}
	if (!vnode->has_memory && !at->r->defaults)
		guest_problem(at->r, list->line, at->entry->key, "vnode %zu: no size; expected \"size=MIB\"",
			at->vnode);
}

/* ---- both ---- */

/* vCPUs on two vnodes; on none is told when the number of vCPUs is known. */
static void check_overlap(struct guest_reader *r, const char *key, struct guest_told *told)
{
	for (size_t w = 0; w < told->n; w++) {
		for (size_t v = 0; v < w && told->vnodes[w].vcpus; v++) {
			if (!told->vnodes[v].vcpus ||
				!hwloc_bitmap_intersects(told->vnodes[v].vcpus, told->vnodes[w].vcpus))
				continue;
			vn_autoset both = hwloc_bitmap_dup(told->vnodes[v].vcpus);
			if (both)
				hwloc_bitmap_and(both, both, told->vnodes[w].vcpus);
			vn_autofree char *text = both ? vn_set_text(both) : NULL;
			guest_wrong(r, vn_cfg_find(r->cfg, key),
				"vCPU %s is on vnode %zu and on vnode %zu; expected each on one",
				text ? text : "", v, w);
			hwloc_bitmap_free(told->vnodes[w].vcpus);
			told->vnodes[w].vcpus = NULL;
		}
	}
}

static void sum_up(struct guest_told *told)
{
	bool all = told->n > 0;

	for (size_t i = 0; i < told->n; i++) {
		int last = told->vnodes[i].vcpus ? hwloc_bitmap_last(told->vnodes[i].vcpus) : -1;
		told->vcpus = last >= (int)told->vcpus ? (unsigned)last + 1 : told->vcpus;
		told->mib += told->vnodes[i].mib;
		all &= told->vnodes[i].has_memory;
	}
	if (!all)
		told->mib = 0;
}

static bool make_rows(struct guest_reader *r, struct guest_told *told, size_t n)
{
	told->vnodes = calloc(n + 1, sizeof(*told->vnodes));
	if (!told->vnodes) {
		r->short_of_memory = true;
		return false;
	}
	told->n = n;
	for (size_t i = 0; i < n; i++)
		told->vnodes[i].home = -1;
	return true;
}

static void read_third(struct guest_reader *r, const struct vn_cfg_entry *entry, struct guest_told *told)
{
	const struct vn_cfg_value *list = &entry->value;

	if (list->type != VN_CFG_LIST || list->n < 1 || list->n > VN_MAX_VNODES) {
		guest_wrong(r, entry, "expected a list of 1 to %d lists, one for each vnode", VN_MAX_VNODES);
		told->broken = true;
		return;
	}
	if (!make_rows(r, told, list->n))
		return;
	for (size_t i = 0; i < list->n; i++) {
		struct spot at = {r, entry, i, list->items[i].line, "vnuma"};
		read_vnode(&at, &list->items[i], &told->vnodes[i], list->n);
	}
	check_overlap(r, "vnuma", told);
}

void guest_read_told(struct guest_reader *r, struct guest_told *ret_told)
{
	const struct vn_cfg_entry *third = vn_cfg_find(r->cfg, "vnuma"),
				  *memory = vn_cfg_find(r->cfg, "memory");
	struct guest_told told = {0};

	if (third) {
		told.key = "vnuma";
		read_third(r, third, &told);
	} else if (vn_cfg_find(r->cfg, "vnode") || vn_cfg_find(r->cfg, "vcpu") ||
		   (memory && memory->value.type == VN_CFG_LIST)) {
		told.key = "vnode";
		size_t n = count_second(r);
		told.broken = n == 0;
		if (n > 0 && make_rows(r, &told, n)) {
			read_pairs(r, "vcpu", false, &told);
			read_pairs(r, "memory", true, &told);
			check_overlap(r, "vcpu", &told);
		}
	}
	sum_up(&told);
	*ret_told = told;
}

/* The vCPUs, when all that were told make a whole. */
static void apply_vcpus(struct guest_reader *r, const struct guest_told *told)
{
	struct vn_guest *guest = r->guest;
	const struct vn_cfg_entry *entry =
		vn_cfg_find(r->cfg, strcmp(told->key, "vnuma") == 0 ? "vnuma" : "vcpu");
	vn_autoset all = hwloc_bitmap_alloc();

	for (size_t i = 0; i < told->n && all; i++) {
		if (told->vnodes[i].vcpus)
			hwloc_bitmap_or(all, all, told->vnodes[i].vcpus);
	}
	if (!all) {
		r->short_of_memory = true;
		return;
	}
	if (hwloc_bitmap_iszero(all) || !r->vcpus_known || !entry)
		return;
	vn_autoset wanted = hwloc_bitmap_alloc();
	if (!wanted || hwloc_bitmap_set_range(wanted, 0, (int)guest->maxvcpus - 1) < 0) {
		r->short_of_memory = true;
		return;
	}
	if (!hwloc_bitmap_isequal(all, wanted)) {
		vn_autofree char *seen = vn_set_text(all);
		guest_wrong(r, entry, "vCPUs %s are on vnodes; expected each of the %u%s", seen ? seen : "",
			guest->maxvcpus, guest->maxvcpus == 1 ? ", which is 0" : ", from 0 on");
		return;
	}
	vn_autofree uint64_t *vnodes = calloc(guest->maxvcpus, sizeof(*vnodes));
	for (unsigned i = 0; i < guest->maxvcpus && vnodes; i++)
		while (!told->vnodes[vnodes[i]].vcpus ||
			!hwloc_bitmap_isset(told->vnodes[vnodes[i]].vcpus, i))
			vnodes[i]++;
	if (vnodes)
		guest_apply_vcpumap(r, entry, vnodes);
	r->short_of_memory |= !vnodes;
}

void guest_apply_told(struct guest_reader *r, const struct guest_told *told)
{
	struct vn_guest *guest = r->guest;
	const struct vn_cfg_entry *entry =
		vn_cfg_find(r->cfg, strcmp(told->key, "vnuma") == 0 ? "vnuma" : "memory");
	bool sized = told->mib > 0 && r->memory_known;

	if (sized && told->mib != guest->memory / VN_MIB) {
		guest_wrong(r, entry, "the vnodes have %llu MiB; expected %llu MiB, which is 'memory'",
			(unsigned long long)told->mib, (unsigned long long)(guest->memory / VN_MIB));
		sized = false;
	}
	for (size_t i = 0; i < told->n; i++) {
		const struct guest_told_vnode *from = &told->vnodes[i];
		struct vn_vnode *vnode = &guest->vnodes[i];
		if (sized)
			vnode->memory = from->mib * VN_MIB;
		vnode->home = from->home;
		vnode->home_where = (struct vn_where){
			guest->file, from->home_line, from->home_key ? from->home_key : told->key};
		if (from->n_distances > 0)
			memcpy(vnode->distances, from->distances, told->n * sizeof(uint32_t));
	}
	apply_vcpus(r, told);
}

void guest_told_clear(struct guest_told *told)
{
	for (size_t i = 0; i < told->n; i++)
		hwloc_bitmap_free(told->vnodes[i].vcpus);
	free(told->vnodes);
	*told = (struct guest_told){0};
}
