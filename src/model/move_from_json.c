/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A move read back from its JSON. What is in it is done to threads, interrupts, cgroups and memory of a process, as root: each field is
 * checked for itself, then, when all are sound, against each other (nothing is there twice, nothing overlaps, every vnode is one of the
 * VM's). move_lists_from_json.c has the lists.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <string.h>

#include "move_reader.h"

#define MAX_RATE INT64_MAX
#define MAX_STALL_US 60000000u
#define MAX_NOTES 4096u
#define MAX_NOTE ((size_t)64 << 10) /* bytes */
#define MAX_CODE (sizeof(((struct vn_note *)NULL)->code) - 1)

uint64_t vn_move_number(
	const struct vn_json_reader *in, const char *key, uint64_t min, uint64_t max, const char *expected)
{
	uint64_t number = min;

	vn_json_number(in, key, min, max, expected, &number);
	return number;
}

uint64_t vn_move_maybe_number(
	const struct vn_json_reader *in, const char *key, uint64_t min, uint64_t max, const char *expected)
{
	uint64_t number = 0;

	if (json_object_get(in->object, key))
		vn_json_maybe_number(in, key, min, max, expected, &number);
	else
		vn_json_wrong(in, key, expected);
	return number;
}

bool vn_move_bool(const struct vn_json_reader *in, const char *key)
{
	bool value = false;

	if (vn_json_told(in, key))
		vn_json_maybe_bool(in, key, &value);
	else
		vn_json_wrong(in, key, "true or false");
	return value;
}

hwloc_bitmap_t vn_move_set(const struct vn_json_reader *in, const char *key, unsigned max)
{
	if (json_array_size(json_object_get(in->object, key)) > 0)
		return vn_json_maybe_set(in, key, max);
	vn_json_wrong(in, key, "a list of one or more numbers");
	return NULL;
}

void vn_move_text(
	const struct vn_json_reader *in, const char *key, bool may_be_null, char ret[VN_SAMPLE_TEXT])
{
	static const char expected[] = "a text of at most 127 bytes that can be printed";
	vn_autofree char *text = vn_json_maybe_text(in, key, VN_SAMPLE_TEXT - 1, expected);

	if (text && *text)
		memcpy(ret, text, strlen(text) + 1);
	else if (text || !json_object_get(in->object, key) || (!may_be_null && !vn_json_told(in, key)))
		vn_json_wrong(in, key, expected);
}

/* ---- parts that the journal's files of progress have, too ---- */

void vn_process_read(const struct vn_json_reader *in, const char *key, struct vn_process *ret_process)
{
	static const char expected[] = "an absolute path or null";
	struct vn_json_reader inner;

	if (!vn_json_object(in, key, &inner))
		return;
	ret_process->pid = (pid_t)vn_move_number(&inner, "pid", 1, INT_MAX, "a process id");
	ret_process->start_time =
		vn_move_number(&inner, "start_time", 0, INT64_MAX, "clock ticks since boot");
	ret_process->exe = vn_json_maybe_text(&inner, "exe", PATH_MAX, expected);
	if (ret_process->exe ? *ret_process->exe != '/' : !json_object_get(inner.object, "exe"))
		vn_json_wrong(&inner, "exe", expected);
}

static uint64_t figure(const struct vn_json_reader *in, const char *key)
{
	return vn_move_number(in, key, 0, INT64_MAX, "a figure, not negative");
}

void vn_move_progress_read(
	const struct vn_json_reader *in, const char *key, struct vn_move_progress *ret_progress)
{
	struct vn_json_reader inner, stayed;

	if (!vn_json_object(in, key, &inner))
		return;
	ret_progress->total = figure(&inner, "total");
	ret_progress->there = figure(&inner, "there");
	ret_progress->moved = figure(&inner, "moved");
	ret_progress->absent = figure(&inner, "absent");
	ret_progress->left = figure(&inner, "left");
	ret_progress->calls = figure(&inner, "calls");
	ret_progress->longest_ns = figure(&inner, "longest_ns");
	ret_progress->elapsed_ns = figure(&inner, "elapsed_ns");
	ret_progress->paused_ns = figure(&inner, "paused_ns");
	ret_progress->passes = (unsigned)vn_move_number(&inner, "passes", 0, INT_MAX, "a number of passes");
	if (!vn_json_object(&inner, "stayed", &stayed))
		return;
	for (unsigned reason = 0; reason < VN_STAYED_N; reason++)
		ret_progress->stayed[reason] = figure(&stayed, vn_stayed_name((enum vn_stayed)reason));
}

enum vn_move_phase vn_move_phase_read(const struct vn_json_reader *in, const char *key)
{
	const char *names[VN_N_MOVE_PHASES];

	for (unsigned i = 0; i < VN_N_MOVE_PHASES; i++)
		names[i] = vn_move_phase_name((enum vn_move_phase)i);
	return (enum vn_move_phase)vn_json_choice(
		in, key, names, VN_N_MOVE_PHASES, "planned, threads-moved, done, stopped or undoing");
}

void vn_move_order_read(const struct vn_json_reader *in, const char *key, struct vn_move *move)
{
	const char *names[VN_N_MOVE_ORDERS];

	for (unsigned i = 0; i < VN_N_MOVE_ORDERS; i++)
		names[i] = vn_move_order_name((enum vn_move_order)i);
	move->order_known = !json_is_null(json_object_get(in->object, key));
	if (move->order_known)
		move->order = (enum vn_move_order)vn_json_choice(
			in, key, names, VN_N_MOVE_ORDERS, "address, idleness, damon or null");
}

/* ---- the rest that is no list ---- */

/* As the kernel and libvirt write it: 8-4-4-4-12 digits. */
static bool is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i = 0;

	for (; form[i]; i++) {
		if (form[i] == '-' ? text[i] != '-' : !text[i] || !strchr("0123456789abcdef", text[i]))
			return false;
	}
	return text[i] == '\0';
}

static void read_identity(const struct vn_json_reader *in, struct vn_move *move)
{
	static const char *const managers[] = {"none", "vnuma", "libvirt", "proxmox", "libvirt-session"};
	const char *schema = json_string_value(json_object_get(in->object, "schema"));
	const char *boot = json_string_value(json_object_get(in->object, "boot"));

	if (!schema || strcmp(schema, VN_MOVE_SCHEMA) != 0)
		vn_json_wrong(in, "schema", "\"" VN_MOVE_SCHEMA "\"");
	vn_move_text(in, "name", false, move->name);
	vn_process_read(in, "process", &move->process);
	move->manager = (enum vn_manager)vn_json_choice(in, "manager", managers,
		VN_MANAGER_LIBVIRT_SESSION + 1, "none, vnuma, libvirt, proxmox or libvirt-session");
	if (boot && is_uuid(boot))
		memcpy(move->boot, boot, sizeof(move->boot));
	else
		vn_json_wrong(in, "boot", "a boot id: 32 digits, 0-9 and a-f, and hyphens");
	move->begun = (int64_t)vn_move_number(in, "begun", 0, INT64_MAX, "seconds since 1970");
	move->phase = vn_move_phase_read(in, "phase");
	move->threads = vn_move_bool(in, "moves_threads");
	move->memory = vn_move_bool(in, "moves_memory");
}

static void read_limits(const struct vn_json_reader *in, struct vn_move_limits *limits)
{
	struct vn_json_reader inner;

	if (!vn_json_object(in, "limits", &inner))
		return;
	limits->rate = vn_move_number(&inner, "rate", 0, MAX_RATE, "bytes a second, or 0");
	limits->stall_us =
		(unsigned)vn_move_number(&inner, "stall_us", 1, MAX_STALL_US, "1 to 60000000 microseconds");
	limits->has_reserve = vn_json_told(&inner, "reserve");
	limits->reserve = vn_move_maybe_number(&inner, "reserve", 0, VN_MAX_AMOUNT, "bytes, or null");
	const json_t *pressure = json_object_get(inner.object, "pressure");
	double percent = json_number_value(pressure);
	if (json_is_number(pressure) && percent >= 0 && percent <= 100)
		limits->pressure = percent;
	else
		vn_json_wrong(&inner, "pressure", "percent, 0 to 100");
}

/* Of the three sets none is null, or all are: libvirt is told, or not. What is taken away is moved by the kernel, as of a cpuset. */
static void read_numatune(const struct vn_json_reader *in, struct vn_move_numatune *numatune)
{
	static const char *const keys[] = {"before", "during", "after"};
	hwloc_bitmap_t *sets[] = {&numatune->before, &numatune->during, &numatune->after};
	struct vn_json_reader inner;
	unsigned told = 0;

	if (json_is_null(json_object_get(in->object, "numatune")) || !vn_json_object(in, "numatune", &inner))
		return;
	const char *domain = json_string_value(json_object_get(inner.object, "domain"));
	if (domain && is_uuid(domain))
		memcpy(numatune->domain, domain, sizeof(numatune->domain));
	else
		vn_json_wrong(&inner, "domain", "a domain's uuid: 32 digits, 0-9 and a-f, and hyphens");
	for (unsigned i = 0; i < 3; i++)
		told += vn_json_told(&inner, keys[i]);
	for (unsigned i = 0; i < 3; i++) {
		if (told > 0 || !json_object_get(inner.object, keys[i]))
			*sets[i] = vn_move_set(&inner, keys[i], VN_MAX_NODES - 1);
	}
	if (numatune->before && numatune->during && numatune->after &&
		(!hwloc_bitmap_isincluded(numatune->before, numatune->during) ||
			!hwloc_bitmap_isincluded(numatune->after, numatune->during)))
		vn_json_wrong(&inner, "during", "the nodes of 'before' and 'after'");
}

static void read_note(const struct vn_json_reader *in, struct vn_notes *notes)
{
	static const char code_expected[] = "a code of at most 31 characters";
	static const char text_expected[] = "a text that can be printed";
	vn_autofree char *code = vn_json_maybe_text(in, "code", MAX_CODE, code_expected);
	vn_autofree char *text = vn_json_maybe_text(in, "text", MAX_NOTE, text_expected);

	if (!vn_json_told(in, "code"))
		vn_json_wrong(in, "code", code_expected);
	if (!vn_json_told(in, "text"))
		vn_json_wrong(in, "text", text_expected);
	if (code && text && vn_notes_add(notes, code, "%s", text) < 0)
		vn_json_no_memory(in);
}

static void read_notes(const struct vn_json_reader *in, struct vn_move *move)
{
	const json_t *list = vn_json_list(in, "notes", MAX_NOTES);

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct vn_json_reader note;
		if (vn_json_member(in, "notes", list, i, &note))
			read_note(&note, &move->notes);
	}
}

int vn_move_from_json(const json_t *json, const char *file, struct vn_move **ret_move, struct vn_error *err)
{
	vn_automove *move = vn_move_new();
	struct vn_json_document document = {.file = file, .err = err};
	struct vn_json_reader in = {&document, NULL, NULL, -1, json};

	if (!move)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (!json_is_object(json)) {
		vn_json_wrong(&in, NULL, "an object");
		return vn_json_finish(&document);
	}
	read_identity(&in, move);
	vn_move_lists_read(&in, move);
	read_numatune(&in, &move->numatune);
	read_limits(&in, &move->limits);
	vn_move_order_read(&in, "order", move);
	vn_move_progress_read(&in, "progress", &move->progress);
	read_notes(&in, move);
	if (document.status == 0)
		vn_move_lists_check(&in, move);
	int r = vn_json_finish(&document);
	if (r < 0)
		return r;
	*ret_move = vn_steal(move);
	return 0;
}
