/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the text becomes words (base/words.c), words become options with their keys (guest_qemu_options.c), and each
 * part of the guest takes what it understands, in an order in which a later part may look at what an earlier one found: vCPUs,
 * memory, nodes, devices. A wrong option adds a problem and leaves something harmless, so that one run finds every problem; the
 * guest is handed out only when there was none. The command line itself is kept by the guest: what is not read here is not lost.
 */
#define _GNU_SOURCE
#include "guest_qemu.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "guest_qemu_part.h"

#define DEFAULT_WEIGHT 256 /* xl.cfg(5), cpu_weight: what a guest has that nobody spoke of */

static const char name_letters[] = "._+-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* ---- the name ---- */

/* A name that a file may have, of what the user called it: '-' for each byte that is none. NULL on want of memory. */
static char *good_name(const char *text)
{
	while (*text && (!strchr(name_letters, *text) || strchr("._+-", *text)))
		text++;
	char *name = strndup(*text ? text : "qemu", VN_NAME_MAX);
	for (char *p = name; p && *p; p++)
		*p = strchr(name_letters, *p) ? *p : '-';
	return name;
}

/* `web` of dir/web.args; `qemu-17` of /proc/17/cmdline. New string, or NULL. */
static char *name_of_file(const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL, *base = slash  ? slash + 1
								      : file ? file
									     : "qemu";

	if (slash && strcmp(base, "cmdline") == 0) {
		const char *folder = slash;
		while (folder > file && folder[-1] != '/')
			folder--;
		vn_autofree char *pid = strndup(folder, (size_t)(slash - folder));
		return pid ? vn_format("qemu-%s", pid) : NULL;
	}
	const char *dot = strrchr(base, '.');
	return dot && dot > base ? strndup(base, (size_t)(dot - base)) : vn_copy(base);
}

static void read_name(struct qemu_reader *r)
{
	const struct qemu_option *option = qemu_last(r, "-name", "guest");
	const char *told = option ? vn_keyval_get(&option->keys, "guest") : NULL;
	char seen[VN_QUOTE_MAX];

	if (told && !vn_text_is_printable(told)) {
		qemu_problem(r, option, "guest=%s seen; expected UTF-8 without control characters",
			vn_quote(told, seen));
		return;
	}
	vn_autofree char *text = told && *told ? vn_copy(told) : name_of_file(r->guest->file);
	r->guest->name = text ? good_name(text) : NULL;
	if (!r->guest->name)
		r->short_of_memory = true;
	else if (told && *told && strcmp(told, r->guest->name) != 0)
		qemu_note(r, option, "name-changed", "the guest is called '%s' here instead of '%s'",
			r->guest->name, vn_quote(told, seen));
}

/* ---- single options ---- */

/* The value of the last such option, as a new string; NULL: none. */
static char *last_value(struct qemu_reader *r, const char *name)
{
	const char *value = NULL;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, name, option));)
		value = option->value ? option->value : value;
	char *copy = vn_copy(value);
	r->short_of_memory |= value && !copy;
	return copy;
}

static void read_boot(struct qemu_reader *r)
{
	static const char *const needy[] = {"-initrd", "-append"};

	r->guest->kernel = last_value(r, "-kernel");
	r->guest->ramdisk = last_value(r, "-initrd");
	r->guest->extra = last_value(r, "-append");
	for (size_t i = 0; i < 2 && !qemu_next(r, "-kernel", NULL); i++) {
		const struct qemu_option *option = qemu_next(r, needy[i], NULL);
		if (option)
			qemu_problem(r, option, "given without -kernel; it goes with a kernel only");
	}
}

/* Options behind which there is more than the command line says. */
static void read_others(struct qemu_reader *r)
{
	static const char *const questions[] = {"-h", "-help", "-version", "-audio-help"};
	const struct qemu_option *option = NULL;

	while ((option = qemu_next(r, "-readconfig", option)))
		qemu_problem(r, option,
			"more options are in a file that is not read here; expected them on the command line");
	while ((option = qemu_next(r, "-set", option)))
		qemu_note(r, option, "qemu-option-not-followed",
			"changes an option; what it changes is read as it stands");
	if ((option = qemu_next(r, "-preconfig", NULL)))
		qemu_note(r, option, "qemu-preconfig",
			"nodes that are set up through QMP before the start are not seen");
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		if ((option = qemu_next(r, questions[i], NULL)))
			qemu_problem(
				r, option, "QEMU answers and ends; expected the command line of a guest");
	}
}

/* ---- all ---- */

/* Kernels before 4.2 tell the first page of a command line, and no more. */
static void check_whole(struct qemu_reader *r, size_t size)
{
	if (r->words.cut && size == VN_CMDLINE_CUT)
		qemu_problem(r, NULL,
			"cut after %u bytes, which is all that Linux before 4.2 tells of a command line; expected all of it",
			VN_CMDLINE_CUT);
	else if (r->words.cut)
		qemu_problem(r, NULL,
			"no NUL byte behind the last word: it is cut; expected all of /proc/PID/cmdline");
	else if (
		r->words.zeros && size == VN_CMDLINE_CUT &&
		vn_notes_add(&r->guest->notes, "qemu-line-of-a-page",
			"the command line has exactly %u bytes, which is all that Linux before 4.2 tells: words may be missing",
			VN_CMDLINE_CUT) < 0)
		r->short_of_memory = true;
}

static void read_guest(struct qemu_reader *r, size_t size)
{
	struct vn_guest *guest = r->guest;

	check_whole(r, size);
	qemu_split_options(r);
	if (r->words.n == r->words.n_assignments)
		qemu_problem(r, NULL, "no program; expected qemu-system-...");
	guest->weight = DEFAULT_WEIGHT;
	qemu_read_type(r);
	read_name(r);
	qemu_read_smp(r);
	qemu_read_backends(r);
	qemu_read_ram(r);
	qemu_read_numa(r);
	qemu_read_distances(r);
	qemu_read_hmat(r);
	qemu_settle_threads(r);
	qemu_settle_memory(r);
	qemu_check_type(r);
	qemu_check_slots(r);
	guest->memory_policy = guest->hugepages ? VN_MEMORY_STRICT : VN_MEMORY_PREFERRED;
	qemu_read_machine(r);
	qemu_read_devices(r);
	qemu_read_disks(r);
	qemu_read_channels(r);
	read_boot(r);
	read_others(r);
}

static void clear(struct qemu_reader *r)
{
	for (size_t i = 0; i < r->n_options; i++)
		vn_keyval_clear(&r->options[i].keys);
	free(r->options);
	for (size_t i = 0; i < r->n_backends; i++)
		hwloc_bitmap_free(r->backends[i].nodes);
	free(r->backends);
	vn_words_clear(&r->words);
}

int vn_guest_from_qemu(
	const char *text, size_t size, const char *file, struct vn_guest **ret_guest, struct vn_error *err)
{
	vn_autoguest *guest = vn_guest_new();
	vn_autoerror problems = {0};
	struct qemu_reader r = {.guest = guest, .err = &problems};

	if (guest)
		guest->file = vn_copy(file);
	if (!guest || (file && !guest->file))
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int status = vn_words_parse(text, size, guest->file, &r.words, err);
	if (status < 0)
		return status;
	read_guest(&r, size);
	if (r.problems > QEMU_MAX_PROBLEMS)
		vn_error_input(&problems, &(struct vn_where){guest->file, 0, NULL}, "%zu more problems",
			r.problems - QEMU_MAX_PROBLEMS);
	clear(&r);
	if (r.short_of_memory)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (r.problems > 0) {
		if (err)
			vn_error_move(err, &problems);
		return -EINVAL;
	}
	*ret_guest = vn_steal(guest);
	return 0;
}
