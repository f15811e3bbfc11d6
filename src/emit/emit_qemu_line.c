/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation. A guest that was read from a QEMU command line is given back as that command line: its words, in their order, with
 * options that nobody here has heard of; only what NUMA is about is different. How much is, depends on what it said:
 *
 *   it has -numa nodes     they stay to the letter, and so do vCPUs, distances and latencies, which the plan does not change. What the
 *                          plan adds is where the memory lies: each node's backend gets host-nodes and policy. A node with mem= has no
 *                          backend; it gets one
 *   it has none, and is    its backend is bound; where it has none it gets one, as -machine memory-backend
 *   planned as one vnode
 *   it has none, and is    as many nodes, backends (made like its own, if it had one), vCPUs and distances as the plan has vnodes. vCPUs
 *   planned as several     are told by their numbers, so that whatever -smp says holds
 *
 * Memory that the command line itself binds is never bound otherwise. Pages that are taken at start are taken by threads of the home
 * (emit_qemu_memory.c says why); a thread context that nobody uses any more goes, with a note.
 *
 * Devices stay where they are: behind a bridge of its vnode a device would have another PCI address, and an installed guest knows its
 * interfaces and disks by that.
 */
#define _GNU_SOURCE
#include "emit_qemu_line_part.h"

#include <string.h>

struct vn_own_option *vn_own_next(struct vn_own_line *own, const char *name, struct vn_own_option *previous)
{
	for (size_t i = previous ? (size_t)(previous - own->v) + 1 : 0; i < own->n; i++) {
		if (strcmp(own->v[i].of.name, name) == 0)
			return &own->v[i];
	}
	return NULL;
}

struct vn_own_option *vn_own_last(struct vn_own_line *own, const char *name, const char *key)
{
	struct vn_own_option *last = NULL;

	for (struct vn_own_option *option = NULL; (option = vn_own_next(own, name, option));) {
		if (vn_keyval_get(&option->keys, key))
			last = option;
	}
	return last;
}

struct vn_own_option *vn_own_object(struct vn_own_line *own, const char *id)
{
	for (struct vn_own_option *option = NULL; (option = vn_own_next(own, "-object", option));) {
		const char *seen = vn_keyval_get(&option->keys, "id");
		if (seen && strcmp(seen, id) == 0)
			return option;
	}
	return NULL;
}

void vn_own_set(struct vn_own_line *own, struct vn_own_option *option, const char *key, const char *value)
{
	json_t *set = value ? json_string(value) : NULL;

	if ((value && !set) || vn_keyval_set(&option->keys, key, set) < 0)
		own->line.argv->short_of_memory = true;
	free(option->text);
	option->text = vn_keyval_text(&option->keys);
	own->line.argv->short_of_memory |= !option->text;
}

/* ---- taking apart ---- */

static int split(struct vn_own_line *own)
{
	const struct vn_guest *guest = own->line.guest;
	struct vn_where where = {guest->file, 0, NULL};

	int r = vn_words_parse(guest->text, guest->text_size, guest->file, &own->words, own->line.err);
	if (r < 0)
		return r;
	own->v = calloc(own->words.n + 1, sizeof(*own->v));
	if (!own->v)
		return -ENOMEM;
	for (size_t at = own->words.n_assignments + 1; at < own->words.n;) {
		struct vn_own_option *option = &own->v[own->n++];
		option->first = at;
		at = option->behind = vn_qemu_option_at(&own->words, at, &option->of);
		if (!option->of.keyed || !option->of.value)
			continue;
		where.line = own->words.v[option->first].line;
		r = vn_keyval_parse(
			option->of.value, option->of.implied, &where, &option->keys, own->line.err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void clear(struct vn_own_line *own)
{
	for (size_t i = 0; i < own->n; i++) {
		vn_keyval_clear(&own->v[i].keys);
		free(own->v[i].text);
	}
	free(own->v);
	vn_words_clear(&own->words);
}

/* ---- nodes that it did not have ---- */

static bool has_nodes(struct vn_own_line *own)
{
	return vn_own_next(own, "-numa", NULL);
}

static void add_nodes(struct vn_own_line *own)
{
	const struct vn_guest *guest = own->line.guest;
	struct vn_argv *argv = own->line.argv;

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		vn_autofree char *cpus = vn_qemu_ranges("cpus", guest->vnodes[i].vcpus);
		vn_autofree char *memdev =
			guest->vnodes[i].memory ? vn_format(",memdev=" VN_QEMU_RAM_ID, i) : vn_copy("");
		argv->short_of_memory |= !cpus || !memdev;
		vn_argv_add(argv, "-numa");
		vn_argv_add(argv, "node,nodeid=%zu%s%s", i, cpus ? cpus : "", memdev ? memdev : "");
	}
	vn_qemu_add_distances(&own->line);
}

/* ---- putting together ---- */

/* Where new words go: before the first of the words that are about NUMA; else behind those that size the guest; else last. */
static size_t place_of_new(struct vn_own_line *own)
{
	static const char *const sizes[] = {"-m", "-smp", "-machine"};
	size_t behind = 0;

	for (size_t i = 0; i < own->n; i++) {
		const struct vn_own_option *option = &own->v[i];
		if (strcmp(option->of.name, "-numa") == 0 ||
			(strcmp(option->of.name, "-object") == 0 && (option->text || option->drop)))
			return i;
		for (size_t k = 0; k < 3; k++)
			behind = strcmp(option->of.name, sizes[k]) == 0 ? i + 1 : behind;
	}
	return behind ? behind : own->n;
}

/* The words of an option, the last of which is its value. */
static void add_option(
	const struct vn_own_line *own, const struct vn_own_option *option, struct vn_argv *argv)
{
	for (size_t i = option->first; i < option->behind && !option->drop; i++) {
		bool value = i + 1 == option->behind && option->text;
		vn_argv_add(argv, "%s", value ? option->text : own->words.v[i].text);
	}
}

static void join(struct vn_own_line *own, struct vn_argv *argv)
{
	const struct vn_argv *fresh = own->line.argv;
	size_t at = place_of_new(own);

	argv->n_assignments = own->words.n_assignments;
	for (size_t i = 0; i <= own->words.n_assignments && i < own->words.n; i++)
		vn_argv_add(argv, "%s", own->words.v[i].text);
	for (size_t i = 0; i <= own->n; i++) {
		for (size_t k = 0; i == at && k < fresh->n; k++)
			vn_argv_add(argv, "%s", fresh->v[k]);
		if (i < own->n)
			add_option(own, &own->v[i], argv);
	}
	argv->short_of_memory |= fresh->short_of_memory;
}

int vn_emit_qemu_line(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_qemu_options *options, struct vn_argv *ret_argv, struct vn_error *err)
{
	vn_autoargv argv = {0}, fresh = {0};
	vn_cleanup(clear) struct vn_own_line own = {
		.line = {plan, guest, options, options->version ? options->version : VN_TARGET_QEMU_VERSION,
			&fresh, err}};

	int r = split(&own);
	if (r < 0)
		return r == -ENOMEM ? vn_error_environment(err, r, "out of memory") : r;
	vn_own_bind(&own);
	if (!has_nodes(&own) && guest->n_vnodes > 1) {
		add_nodes(&own);
		vn_qemu_note_sockets(&own.line);
	}
	if (guest->n_vnodes > 1)
		VN_QEMU_NOTE(&own.line, "devices-kept",
			"devices stay on their buses, where the guest is not told of their node: behind a pxb-pcie of their vnode they would "
			"have other PCI addresses, by which an installed guest knows them");
	join(&own, &argv);
	if (argv.short_of_memory)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_argv = argv;
	argv = (struct vn_argv){0};
	return 0;
}
