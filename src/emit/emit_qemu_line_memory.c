/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a guest's own command line: emit_qemu_line.c says what becomes of it. */
#define _GNU_SOURCE
#include "emit_qemu_line_part.h"

#include <string.h>

#include "../base/parse.h"

#define DEFAULT_RAM (128 * VN_MIB) /* QEMU's, of most machines */

/* ---- keys ---- */

static bool is_on(const char *value)
{
	static const char *const words[] = {"on", "yes", "true", "y"};

	for (size_t i = 0; value && i < 4; i++) {
		if (strcmp(value, words[i]) == 0)
			return true;
	}
	return false;
}

/* The members of a set as JSON, one by one. */
static json_t *members(hwloc_const_bitmap_t set)
{
	json_t *list = json_array();

	for (int i = hwloc_bitmap_first(set); list && i >= 0; i = hwloc_bitmap_next(set, i)) {
		if (json_array_append_new(list, json_integer(i)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Gives a key a set of numbers: a list in JSON, else repeated, which is more than vn_keyval_set() does. Last of all changes. */
static void set_numbers(
	struct vn_own_line *own, struct vn_own_option *option, const char *key, hwloc_const_bitmap_t set)
{
	vn_autofree char *ranges = vn_qemu_ranges(key, set);
	char *text = NULL;

	vn_own_set(own, option, key, NULL);
	if (option->keys.json) {
		json_t *list = members(set);
		if (list && json_object_set_new(option->keys.json, key, list) == 0)
			text = vn_keyval_text(&option->keys);
	} else if (ranges && option->text) {
		text = vn_format("%s%s", option->text, ranges);
	}
	own->line.argv->short_of_memory |= !text;
	free(option->text);
	option->text = text;
}

/* ---- binding ---- */

/* `name` with the vnode's number, or another that no object has. New string, or NULL. */
static char *free_id(struct vn_own_line *own, const char *name, size_t vnode)
{
	char *id = vn_format("%s%zu", name, vnode);

	while (id && vn_own_object(own, id)) {
		char *longer = vn_format("vn-%s", id);
		free(id);
		id = longer;
	}
	return id;
}

/* Whether an object made here has that id already. */
static bool is_made(const struct vn_own_line *own, const char *start)
{
	size_t length = strlen(start);

	for (size_t i = 0; i < own->line.argv->n; i++) {
		const char *word = own->line.argv->v[i];
		if (strncmp(word, start, length) == 0 && (word[length] == ',' || word[length] == 0))
			return true;
	}
	return false;
}

/* A backend that takes its pages at start does so with threads of the vnode's home. Two backends of a vnode share the context. */
static void bind_context(struct vn_own_line *own, struct vn_own_option *backend, size_t vnode)
{
	hwloc_const_bitmap_t cpus = own->line.plan->vnodes[vnode].cpus;
	unsigned vcpus = vn_set_weight(own->line.guest->vnodes[vnode].vcpus), threads = vn_set_weight(cpus);

	vn_own_set(own, backend, "prealloc-context", NULL);
	if (own->line.version < VN_QEMU_HAS_THREAD_CONTEXT || threads == 0)
		return;
	vn_autofree char *id = free_id(own, "tc", vnode), *affinity = vn_qemu_ranges("cpu-affinity", cpus);
	vn_autofree char *word = id ? vn_format("thread-context,id=%s", id) : NULL;
	vn_autofree char *count = vn_format("%u", vcpus && vcpus < threads ? vcpus : threads);
	if (!word || !affinity || !count) {
		own->line.argv->short_of_memory = true;
		return;
	}
	if (!is_made(own, word)) {
		vn_argv_add(own->line.argv, "-object");
		vn_argv_add(own->line.argv, "%s%s", word, affinity);
	}
	if (vn_keyval_set(&backend->keys, "prealloc-threads",
		    json_integer(vcpus && vcpus < threads ? vcpus : threads)) < 0)
		own->line.argv->short_of_memory = true;
	vn_own_set(own, backend, "prealloc-context", id);
}

/* Binds a backend to what the plan has for a vnode, unless the command line itself binds it and that is still meant. */
static void bind(struct vn_own_line *own, struct vn_own_option *backend, size_t vnode)
{
	const struct vn_qemu_line *line = &own->line;
	vn_autoset nodes = hwloc_bitmap_alloc();

	if (vn_keyval_get(&backend->keys, "host-nodes") && !line->guest->rehomed)
		return;
	if (!nodes || vn_policy_nodes(line->plan, line->guest, vnode, nodes) < 0) {
		line->argv->short_of_memory = true;
		return;
	}
	if (is_on(vn_keyval_get(&backend->keys, "prealloc")))
		bind_context(own, backend, vnode);
	vn_own_set(own, backend, "policy", vn_qemu_policy(line, vnode));
	set_numbers(own, backend, "host-nodes", nodes);
}

/* The folder of -mem-path, the last one; NULL: none. */
static const char *mem_path(struct vn_own_line *own)
{
	const char *path = NULL;

	for (struct vn_own_option *option = NULL; (option = vn_own_next(own, "-mem-path", option));)
		path = option->of.value ? option->of.value : path;
	return path;
}

/* A backend that was not there: memory as the command line had it, bound. */
static void add_backend(struct vn_own_line *own, size_t vnode, const char *id)
{
	const struct vn_qemu_line *line = &own->line;
	unsigned long long mib = vn_qemu_memory_at_start(line->guest, vnode) / VN_MIB;
	vn_autofree char *nodes = vn_qemu_host_nodes(line, vnode);
	vn_autofree char *path = mem_path(own) ? vn_qemu_escape(mem_path(own)) : vn_copy("");
	const char *policy = vn_qemu_policy(line, vnode);

	line->argv->short_of_memory |= !nodes || !path;
	vn_argv_add(line->argv, "-object");
	vn_argv_add(line->argv, "memory-backend-%s,id=%s,size=%lluM%s%s%s,policy=%s",
		mem_path(own) ? "file" : "ram", id, mib, mem_path(own) ? ",mem-path=" : "", path ? path : "",
		nodes ? nodes : "", policy);
}

/* ---- size ---- */

/* Whether a size as -m has it, in MiB without a suffix, is that of `bytes`. */
static bool is_size(const char *text, uint64_t bytes)
{
	static const char suffixes[] = "bkmgt";
	size_t digits = text ? strspn(text, "0123456789") : 0;
	vn_autofree char *number = digits ? strndup(text, digits) : NULL;
	uint64_t value = 0;

	if (!number || vn_parse_u64(number, VN_MAX_MEMORY, &value) < 0)
		return false;
	const char *suffix = text + digits;
	const char *at = *suffix ? strchr(suffixes, *suffix | 0x20) : suffixes + 2;
	if (!at || (*suffix && suffix[1]))
		return false;
	uint64_t unit = UINT64_C(1) << 10 * (at - suffixes);
	return value <= UINT64_MAX / unit && value * unit == bytes;
}

/* Backends that are new have whole MiB, as planned: -m says what they sum to. */
static void settle_size(struct vn_own_line *own)
{
	struct vn_own_option *size = vn_own_last(own, "-m", "size");
	uint64_t at_start = 0;

	for (size_t i = 0; i < own->line.guest->n_vnodes; i++)
		at_start += vn_qemu_memory_at_start(own->line.guest, i);
	if (size ? is_size(vn_keyval_get(&size->keys, "size"), at_start) : at_start == DEFAULT_RAM)
		return;
	vn_autofree char *mib = vn_format("%lluM", (unsigned long long)(at_start / VN_MIB));
	if (size && mib) {
		vn_own_set(own, size, "size", mib);
		return;
	}
	own->line.argv->short_of_memory |= !mib;
	vn_argv_add(own->line.argv, "-m");
	vn_argv_add(own->line.argv, "size=%s", mib ? mib : "");
}

static void drop_all(struct vn_own_line *own, const char *name)
{
	for (struct vn_own_option *option = NULL; (option = vn_own_next(own, name, option));)
		option->drop = true;
}

/* ---- nodes ---- */

/* The vnode that an option names with `key`; `unsaid` where it does not; -1 beyond all. */
static int named_vnode(
	const struct vn_own_line *own, const struct vn_own_option *option, const char *key, uint64_t unsaid)
{
	const char *text = vn_keyval_get(&option->keys, key);
	uint64_t number = unsaid;

	if (text && vn_qemu_number(text, VN_MAX_VNODES, &number) < 0)
		return -1;
	return number < own->line.guest->n_vnodes ? (int)number : -1;
}

/* Nodes that it has: their backends are bound, and mem= becomes one. */
static void bind_nodes(struct vn_own_line *own)
{
	uint64_t before = 0;
	bool made = false;

	for (struct vn_own_option *option = NULL; (option = vn_own_next(own, "-numa", option));) {
		const char *type = vn_keyval_get(&option->keys, "type"),
			   *memdev = vn_keyval_get(&option->keys, "memdev");
		if (!type || strcmp(type, "node") != 0)
			continue;
		int vnode = named_vnode(own, option, "nodeid", before++);
		struct vn_own_option *backend = memdev ? vn_own_object(own, memdev) : NULL;
		if (vnode < 0)
			continue;
		if (backend)
			bind(own, backend, (size_t)vnode);
		if (!vn_keyval_get(&option->keys, "mem"))
			continue;
		vn_own_set(own, option, "mem", NULL);
		if (vn_qemu_memory_at_start(own->line.guest, (size_t)vnode) == 0)
			continue;
		vn_autofree char *id = free_id(own, "ram", (size_t)vnode);
		own->line.argv->short_of_memory |= !id;
		add_backend(own, (size_t)vnode, id ? id : "");
		vn_own_set(own, option, "memdev", id ? id : "");
		made = true;
	}
	if (made) {
		settle_size(own);
		drop_all(own, "-mem-path");
	}
}

/* One vnode, and no nodes: the guest's memory as a whole. */
static void bind_whole(struct vn_own_line *own)
{
	struct vn_own_option *machine = vn_own_last(own, "-machine", "memory-backend"), *last = NULL;
	struct vn_own_option *backend =
		machine ? vn_own_object(own, vn_keyval_get(&machine->keys, "memory-backend")) : NULL;

	if (backend)
		bind(own, backend, 0);
	if (machine)
		return;
	vn_autofree char *id = free_id(own, "ram", 0);
	own->line.argv->short_of_memory |= !id;
	add_backend(own, 0, id ? id : "");
	settle_size(own);
	drop_all(own, "-mem-path");
	for (struct vn_own_option *option = NULL; (option = vn_own_next(own, "-machine", option));)
		last = option;
	if (last) {
		vn_own_set(own, last, "memory-backend", id ? id : "");
		return;
	}
	vn_argv_add(own->line.argv, "-machine");
	vn_argv_add(own->line.argv, "memory-backend=%s", id ? id : "");
}

/* A backend like the one that all memory had, for one vnode. */
static void add_like(struct vn_own_line *own, struct vn_own_option *model, size_t vnode)
{
	vn_autofree char *id = vn_format(VN_QEMU_RAM_ID, vnode), *text = vn_keyval_text(&model->keys);
	uint64_t bytes = vn_qemu_memory_at_start(own->line.guest, vnode);
	struct vn_own_option like = {0};

	if (!id || !text || vn_keyval_parse(text, model->of.implied, NULL, &like.keys, own->line.err) < 0) {
		own->line.argv->short_of_memory = true;
		return;
	}
	/* in JSON a size is a number, of bytes; in text that is a size too */
	if (vn_keyval_set(&like.keys, "size", json_integer((json_int_t)bytes)) < 0)
		own->line.argv->short_of_memory = true;
	vn_own_set(own, &like, "id", id);
	bind(own, &like, vnode);
	vn_argv_add(own->line.argv, "-object");
	vn_argv_add(own->line.argv, "%s", like.text ? like.text : "");
	vn_keyval_clear(&like.keys);
	free(like.text);
}

/* Several vnodes, and no nodes: what it had for all becomes the model of each, and goes. */
static void bind_parts(struct vn_own_line *own)
{
	struct vn_own_option *machine = vn_own_last(own, "-machine", "memory-backend");
	struct vn_own_option *model =
		machine ? vn_own_object(own, vn_keyval_get(&machine->keys, "memory-backend")) : NULL;

	if (model && vn_keyval_get(&model->keys, "mem-path"))
		VN_QEMU_NOTE(&own->line, "mem-path-shared",
			"each vnode's memory is a file of its own below %s: that must be a folder",
			vn_keyval_get(&model->keys, "mem-path"));
	for (size_t i = 0; i < own->line.guest->n_vnodes; i++) {
		vn_autofree char *id = vn_format(VN_QEMU_RAM_ID, i);
		own->line.argv->short_of_memory |= !id;
		if (vn_qemu_memory_at_start(own->line.guest, i) == 0)
			continue;
		if (model)
			add_like(own, model, i);
		else
			add_backend(own, i, id ? id : "");
	}
	if (model)
		model->drop = true;
	if (machine)
		vn_own_set(own, machine, "memory-backend", NULL);
	settle_size(own);
	drop_all(own, "-mem-path");
}

/* ---- memory devices, contexts ---- */

static void bind_devices(struct vn_own_line *own)
{
	static const char *const drivers[] = {"pc-dimm", "virtio-mem-pci", "virtio-mem", "virtio-mem-device"};

	for (struct vn_own_option *option = NULL; (option = vn_own_next(own, "-device", option));) {
		const char *driver = vn_keyval_get(&option->keys, "driver"),
			   *memdev = vn_keyval_get(&option->keys, "memdev");
		struct vn_own_option *backend = memdev ? vn_own_object(own, memdev) : NULL;
		int vnode = named_vnode(own, option, "node", 0);
		for (size_t i = 0; i < 4 && driver && backend && vnode >= 0; i++) {
			if (strcmp(driver, drivers[i]) == 0)
				bind(own, backend, (size_t)vnode);
		}
	}
}

/* Whether some object that is written takes its pages with that context. */
static bool is_used(struct vn_own_line *own, const char *id)
{
	for (struct vn_own_option *option = NULL; (option = vn_own_next(own, "-object", option));) {
		const char *context = option->drop ? NULL : vn_keyval_get(&option->keys, "prealloc-context");
		if (context && strcmp(context, id) == 0)
			return true;
	}
	return false;
}

/* The thread context behind `previous` (NULL: the first), or NULL. */
static struct vn_own_option *next_context(struct vn_own_line *own, struct vn_own_option *previous)
{
	struct vn_own_option *option = previous;

	while ((option = vn_own_next(own, "-object", option))) {
		const char *type = vn_keyval_get(&option->keys, "qom-type");
		if (type && strcmp(type, "thread-context") == 0 && vn_keyval_get(&option->keys, "id"))
			return option;
	}
	return NULL;
}

/* Contexts that lost their backends go. One that had none is for something else, and stays. */
static void drop_contexts(struct vn_own_line *own)
{
	char seen[VN_QUOTE_MAX];

	for (struct vn_own_option *option = NULL; (option = next_context(own, option));) {
		const char *id = vn_keyval_get(&option->keys, "id");
		if (!option->used || is_used(own, id))
			continue;
		option->drop = true;
		VN_QEMU_NOTE(&own->line, "thread-context-replaced",
			"thread context '%s' is left out: the memory that was taken with it is taken by threads on the CPUs of its new home",
			vn_quote(id, seen));
	}
}

void vn_own_bind(struct vn_own_line *own)
{
	for (struct vn_own_option *option = NULL; (option = next_context(own, option));)
		option->used = is_used(own, vn_keyval_get(&option->keys, "id"));
	if (vn_own_next(own, "-numa", NULL))
		bind_nodes(own);
	else if (own->line.guest->n_vnodes == 1)
		bind_whole(own);
	else
		bind_parts(own);
	bind_devices(own);
	drop_contexts(own);
}
