/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: what Xen makes of a config beyond what its keys say. Some of it Xen would refuse, mostly only when it builds the
 * guest, and is refused here; the rest is told in notes. What can be told from the guest alone is in target_xen.c; here is what depends
 * on the text, and on whether Xen is told of vnodes at all.
 *
 * A vnode's memory comes from its pnode alone: tools/libs/guest/xg_dom_x86.c, meminit_hvm(), asks for XENMEMF_exact_node. Seen on Xen 4.17:
 * where the node has not enough, `xl create` fails with "Out of memory". It is so since 4.6 (tools/libxc/xc_hvm_build_x86.c).
 *
 * Video memory is part of a guest's memory, and is taken out of vnode 0: libxl_vnuma.c, libxl__vnuma_build_vmemrange_hvm(), since 4.6. How
 * much: libxl_create.c, libxl__domain_build_info_setdefault(); xl's part of it in xl_parse.c, parse_config_data().
 */
#include "emit_xl_part.h"

#include <inttypes.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

/* ---- what is refused ---- */

/* Xen's words for the type of a guest: `type`, and `builder` of old. Without either it is HVM, as we write then. */
static int check_type(const struct vn_xl_job *job, const char *key, struct vn_error *err)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(job->cfg, key);

	if (!entry || !entry->value.text || strcmp(entry->value.text, "hvm") == 0)
		return 0;
	struct vn_where where = {job->guest->file, entry->line, entry->key};
	return vn_error_input(err, &where,
		"\"%s\" seen; expected \"hvm\", as Xen has vNUMA for no other guests (guest_numa = \"off\" is told of none)",
		entry->value.text);
}

/* A domain that Xen is to boot in a way of its own. */
static int check_os(const struct vn_xl_job *job, struct vn_error *err)
{
	const char *os = job->guest->machine.os;
	char seen[VN_QUOTE_MAX];

	if (!os || !job->vnodes)
		return 0;
	return vn_error_input(err, &(struct vn_where){job->guest->file, 0, "os/type"},
		"'%s' seen; expected hvm, as Xen has vNUMA for no other guests", vn_quote(os, seen));
}

/* Bare words: the second dialect has them, which is not written. */
static bool has_word(const struct vn_cfg_value *value)
{
	bool found = value->type == VN_CFG_WORD;

	for (size_t i = 0; i < value->n && !found; i++)
		found = has_word(&value->items[i]);
	return found;
}

/* What is passed on unread must at least be of xl's syntax: tools/libs/util/libxlu_cfg_y.y has numbers, strings and lists. */
static int check_words(const struct vn_xl_job *job, struct vn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < job->cfg->n; i++) {
		const struct vn_cfg_entry *entry = &job->cfg->entries[i];
		if (vn_xl_is_replaced(entry->key) || !has_word(&entry->value))
			continue;
		vn_autofree char *seen = vn_cfg_value_text(&entry->value);
		struct vn_where where = {job->guest->file, entry->line, entry->key};
		r = vn_error_input(
			err, &where, "%s seen; expected quotes, as xl takes no bare words", seen ? seen : "");
	}
	return r;
}

static uint64_t number_of(const struct vn_cfg *cfg, const char *key, uint64_t fallback)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(cfg, key);
	uint64_t number = fallback;

	if (entry && entry->value.type == VN_CFG_NUMBER)
		number = entry->value.number;
	else if (entry && entry->value.type == VN_CFG_STRING &&
		 vn_parse_u64(entry->value.text, UINT64_MAX, &number) < 0)
		number = fallback;
	return number;
}

static bool says(const struct vn_cfg *cfg, const char *key, const char *value)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(cfg, key);

	return entry && entry->value.type == VN_CFG_STRING && strcmp(entry->value.text, value) == 0;
}

/* MiB that its emulated graphics want, at least and by default. */
static uint64_t least_video(const struct vn_cfg *cfg)
{
	bool old = says(cfg, "device_model_version", "qemu-xen-traditional");
	bool stdvga = vn_cfg_find(cfg, "vga") ? says(cfg, "vga", "stdvga") : number_of(cfg, "stdvga", 0) != 0;

	if (says(cfg, "vga", "none"))
		return 0;
	if (says(cfg, "vga", "qxl"))
		return 128;
	return (stdvga ? 16 : 8) / (old ? 2 : 1);
}

static uint64_t video(const struct vn_cfg *cfg)
{
	return number_of(cfg, "videoram", least_video(cfg));
}

static int check_video(const struct vn_xl_job *job, struct vn_error *err)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(job->cfg, "videoram");
	struct vn_where where = {job->guest->file, entry ? entry->line : 0, entry ? "videoram" : NULL};
	uint64_t seen = video(job->cfg), least = least_video(job->cfg);
	uint64_t has = job->guest->vnodes[0].memory / VN_MIB;

	if (seen < least)
		return vn_error_input(err, &where,
			"%" PRIu64 " MiB seen; expected at least %" PRIu64
			", which libxl wants for these graphics",
			seen, least);
	if (has < seen)
		return vn_error_input(err, &where,
			"vnode 0 has %" PRIu64 " MiB; expected at least the %" PRIu64
			" of the video memory, which libxl takes from there (vga = \"none\" has none)",
			has, seen);
	return 0;
}

static uint64_t elsewhere(const struct vn_plan_vnode *planned)
{
	uint64_t memory = 0;

	for (size_t i = 0; i < planned->n_shares; i++)
		memory += planned->shares[i].pnode == planned->home ? 0 : planned->shares[i].memory;
	return memory;
}

/* Memory that is elsewhere because the user wants it there: interleaved, or on a node without CPUs. */
static int refuse_wish(const struct vn_xl_job *job, size_t v, struct vn_error *err)
{
	vn_autofree char *nodes = vn_set_text(job->guest->vnodes[v].nodes);

	return vn_error_input(err, &(struct vn_where){job->guest->file, 0, NULL},
		"vnode %zu: its memory is wanted on nodes %s; expected it on its home, node %u, alone, where Xen takes a vnode's memory "
		"('--rehome' leaves it to the plan)",
		v, nodes ? nodes : "?", job->plan->vnodes[v].home);
}

static bool is_wished(const struct vn_vnode *vnode, unsigned home)
{
	return vnode->nodes && vnode->has_binding &&
	       (vnode->binding == VN_BINDING_INTERLEAVE || !hwloc_bitmap_isset(vnode->nodes, home));
}

/* What is elsewhere has no room at home, or is not to be there. */
static int check_homes(const struct vn_xl_job *job, struct vn_error *err)
{
	int r = 0;

	for (size_t v = 0; v < job->plan->n_vnodes; v++) {
		const struct vn_plan_vnode *planned = &job->plan->vnodes[v];
		uint64_t memory = elsewhere(planned);
		if (memory > 0 && is_wished(&job->guest->vnodes[v], planned->home))
			r = refuse_wish(job, v, err);
		else if (memory > 0)
			r = vn_error_input(err, &(struct vn_where){job->guest->file, 0, NULL},
				"vnode %zu has %" PRIu64
				" MiB for which node %u, its home, has no room; expected room for all, as Xen takes a vnode's memory from one "
				"node alone (more vnodes, or guest_numa = \"off\", may have it)",
				v, (memory + VN_MIB - 1) / VN_MIB, planned->home);
	}
	return r;
}

int vn_xl_check(const struct vn_xl_job *job, struct vn_error *err)
{
	int r = check_words(job, err);

	if (!job->vnodes)
		return r;
	int checked[] = {check_type(job, "type", err), check_type(job, "builder", err), check_os(job, err),
		check_video(job, err), check_homes(job, err)};
	for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]) && r == 0; i++)
		r = checked[i];
	return r;
}

/* ---- what is told ---- */

static int note_video(const struct vn_xl_job *job, struct vn_notes *notes)
{
	uint64_t taken = video(job->cfg), has = job->guest->vnodes[0].memory / VN_MIB;

	if (!job->vnodes || taken == 0)
		return 0;
	return vn_notes_add(notes, "xl-video",
		"libxl takes %" PRIu64 " MiB of vnode 0 for video memory, which leaves it %" PRIu64
		" MiB of RAM; vga = \"none\" leaves it all",
		taken, has - taken);
}

/* Memory that is wished on several nodes. */
static int note_nodes(const struct vn_xl_job *job, struct vn_notes *notes)
{
	int r = 0;

	for (size_t v = 0; v < job->guest->n_vnodes && r >= 0; v++) {
		const struct vn_vnode *vnode = &job->guest->vnodes[v];
		vn_autofree char *nodes = vnode->nodes ? vn_set_text(vnode->nodes) : NULL;
		if (!vnode->has_binding || !vnode->nodes || hwloc_bitmap_weight(vnode->nodes) == 1)
			continue;
		if (!nodes)
			return -ENOMEM;
		if (job->vnodes)
			r = vn_notes_add(notes, "xl-nodes",
				"vnode %zu: its memory is wanted on nodes %s; a vnode of Xen's has one, and all of it is on node %u",
				v, nodes, job->plan->homes[v]);
		else
			r = vn_notes_add(notes, "xl-nodes",
				"its memory is wanted on nodes %s; without vnodes Xen takes it where its vCPUs may run",
				nodes);
	}
	return r;
}

static int note_page(const struct vn_xl_job *job, struct vn_notes *notes)
{
	for (size_t v = 0; v < job->guest->n_vnodes; v++) {
		if (vn_vnode_page(job->guest, v) != 0)
			return vn_notes_add(notes, "xl-hugepages",
				"xl.cfg has no key for huge pages: Xen takes the largest that it finds free, by itself");
	}
	return 0;
}

static bool has_return(const struct vn_xl_job *job)
{
	return memchr(job->text, '\r', job->size);
}

static bool has_virtio_mem(const struct vn_guest *guest)
{
	bool has = false;

	for (size_t i = 0; i < guest->n_vnodes; i++)
		has |= guest->vnodes[i].virtio_mem > 0;
	return has;
}

int vn_xl_note_losses(const struct vn_xl_job *job, struct vn_notes *notes)
{
	const struct vn_guest *guest = job->guest;
	int r = note_page(job, notes);

	if (r >= 0 && !job->vnodes && job->plan->cost.spill > 0)
		r = vn_notes_add(notes, "xl-spill",
			"Xen itself decides where the memory goes that its node has no room for");
	if (r >= 0)
		r = note_nodes(job, notes);
	if (r >= 0)
		r = note_video(job, notes);
	if (r >= 0 && (guest->threads > 1 || guest->topology.sockets > 1 || guest->topology.threads > 1))
		r = vn_notes_add(notes, "xl-threads",
			"xl.cfg has no keys for sockets, cores and threads: this guest is told of none");
	if (r >= 0 && has_virtio_mem(guest))
		r = vn_notes_add(notes, "xl-growth",
			"vnumamem_min and vnumamem_max are left out: Xen has no virtio-mem, and its balloon knows no vnodes");
	if (r >= 0 && guest->hmat)
		r = vn_notes_add(notes, "xl-hmat",
			"Xen has no HMAT for guests: latencies and bandwidths are not told");
	if (r >= 0 && has_return(job))
		r = vn_notes_add(notes, "xl-line-ends",
			"xl takes no carriage returns: the lines end as they do on Unix");
	if (r >= 0 && job->vnodes)
		r = vn_notes_add(
			notes, "xl-no-migration", "Xen neither saves nor migrates a guest that has vnuma");
	return r;
}
