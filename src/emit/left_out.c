/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation. A guest that becomes another form is written anew from what the model has of it, and that is less than its text
 * may say. So the text is read once more, by what it is made of and not by what it means: elements and attributes of a domain, options and
 * keys of a command line, keys of a config. Each is looked up in a table of what the writers of the forms carry over (or replace by the
 * plan's); whatever is in no table is told. That way a thing that nobody here has heard of is told, too. When a writer learns to carry
 * more, its line goes into the table.
 *
 * Disks, interfaces, functions of the host and channels are told by their place: those that the reader took into the guest were given theirs.
 */
#include "left_out_part.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/text.h"
#include "convert.h"
#include "emit_xl.h"

void vn_left_add(struct vn_left_out *left, unsigned line, const char *format, ...)
{
	struct vn_left_kind *kind = NULL;
	va_list args;

	va_start(args, format);
	vn_autofree char *name = vn_format_list(format, args);
	va_end(args);
	left->short_of_memory |= !name;
	for (size_t i = 0; name && i < left->n && !kind; i++)
		kind = strcmp(left->kinds[i].name, name) == 0 ? &left->kinds[i] : NULL;
	if (!name || (!kind && left->n == VN_LEFT_KINDS)) {
		left->more++;
		return;
	}
	if (!kind) {
		kind = &left->kinds[left->n++];
		*kind = (struct vn_left_kind){.name = vn_steal(name)};
	}
	if (kind->n < VN_LEFT_LINES)
		kind->lines[kind->n] = line;
	kind->n++;
}

bool vn_left_has_value(const struct vn_left_rule *rule, const char *value)
{
	size_t n = value ? strlen(value) : 0;

	if (!rule->values)
		return true;
	for (const char *at = rule->values; n > 0 && (at = strstr(at, value)); at++) {
		if (at > rule->values && at[-1] == '|' && at[n] == '|')
			return true;
	}
	return false;
}

bool vn_left_is_carried_device(const struct vn_left_out *left, size_t place)
{
	const struct vn_guest *guest = left->guest;

	for (size_t i = 0; i < guest->n_disks; i++) {
		if (guest->disks[i].place == place)
			return !guest->disks[i].foreign;
	}
	for (size_t i = 0; i < guest->n_vifs; i++) {
		if (guest->vifs[i].place == place)
			return !guest->vifs[i].foreign;
	}
	for (size_t i = 0; i < guest->n_hostdevs; i++) {
		if (guest->hostdevs[i].place == place)
			return true;
	}
	for (size_t i = 0; i < guest->n_channels; i++) {
		if (guest->channels[i].place == place)
			return !(left->to & TO_XEN) || vn_channel_fits_xl(&guest->channels[i]);
	}
	return false;
}

bool vn_left_is_tied_to(const struct vn_left_out *left, uint64_t vnode, hwloc_const_bitmap_t nodes)
{
	const struct vn_vnode *of = vnode < left->guest->n_vnodes ? &left->guest->vnodes[vnode] : NULL;

	if (!of || of->nodes)
		return of && hwloc_bitmap_isequal(of->nodes, nodes);
	return of->home >= 0 && hwloc_bitmap_weight(nodes) == 1 && hwloc_bitmap_first(nodes) == of->home;
}

/* ---- the note ---- */

/* "os/loader (line 12), devices/serial (lines 20, 24 and 2 more)" */
static void print_kind(const struct vn_left_out *left, const struct vn_left_kind *kind, FILE *out)
{
	fprintf(out, "%s (%s%s ", kind->name, left->place, kind->n > 1 ? "s" : "");
	for (size_t i = 0; i < kind->n && i < VN_LEFT_LINES; i++)
		fprintf(out, "%s%u", i ? ", " : "", kind->lines[i]);
	if (kind->n > VN_LEFT_LINES)
		fprintf(out, " and %zu more", kind->n - VN_LEFT_LINES);
	putc(')', out);
}

static char *list(const struct vn_left_out *left)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < left->n; i++) {
		fputs(i ? ", " : "", out);
		print_kind(left, &left->kinds[i], out);
	}
	if (left->more)
		fprintf(out, ", and %zu more", left->more);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static int add_note(const struct vn_left_out *left, enum vn_target_kind target, struct vn_notes *notes)
{
	static const char *const into[] = {[VN_TARGET_QEMU] = "command line",
		[VN_TARGET_LIBVIRT] = "domain",
		[VN_TARGET_XEN] = "config"};

	if (left->n == 0)
		return 0;
	vn_autofree char *text = list(left);
	return text ? vn_notes_add(notes, "conversion-leaves-out", "not carried over into the %s: %s",
			      into[target], text)
		    : -ENOMEM;
}

static void clear(struct vn_left_out *left)
{
	for (size_t i = 0; i < left->n; i++)
		free(left->kinds[i].name);
}

int vn_note_left_out(const struct vn_guest *guest, enum vn_target_kind target, struct vn_notes *notes,
	struct vn_error *err)
{
	vn_cleanup(clear) struct vn_left_out left = {.guest = guest, .to = 1u << target, .place = "line"};
	int r = 0;

	if (!guest->text || vn_form_is_own(guest->form, target))
		return 0;
	switch (guest->form) {
	case VN_FORM_LIBVIRT:
		r = vn_left_domain(&left, err);
		break;
	case VN_FORM_QEMU:
		r = vn_left_line(&left, err);
		break;
	case VN_FORM_CFG:
		r = vn_left_config(&left, err);
		break;
	case VN_FORM_NONE:
		break;
	}
	if (r < 0)
		return r;
	if (left.short_of_memory || add_note(&left, target, notes) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return 0;
}
