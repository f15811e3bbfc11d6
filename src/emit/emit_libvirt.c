/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The guest keeps the text that it was read from. It is read again as a list of elements with their places, each part below notes what
 * is to be changed, and the text is given out with these changes alone: comments, order, quotes, white space and elements that we know
 * nothing of stay as they are. A guest of another form is written down as a plain domain first and then goes the same way.
 *
 * What comes out says all that was planned, so planning it again on the same host changes nothing: cells and <memnode> fix the homes,
 * pins are replaced by the same pins, every disk has its iothread and every device its address.
 */
#define _GNU_SOURCE
#include "emit_libvirt.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "emit_libvirt_part.h"

bool domain_block_open(struct domain_writer *w, struct domain_block *block)
{
	*block = (struct domain_block){0};
	block->out = open_memstream(&block->text, &block->size);
	w->edit.short_of_memory |= !block->out;
	return block->out;
}

/* Each line one step deeper. */
void domain_put_wrapped(FILE *out, const char *block)
{
	for (bool start = true; *block; block++) {
		if (start)
			fputc('\t', out);
		start = *block == '\n';
		fputc(*block, out);
	}
}

void domain_block_put(struct domain_writer *w, struct domain_block *block, size_t parent, const char *wrapper,
	const char *const *anchors)
{
	vn_autofree char *text = NULL;

	if (fclose(block->out) != 0)
		w->edit.short_of_memory = true;
	text = vn_steal(block->text);
	size_t n = text ? strlen(text) : 0;
	if (n == 0)
		return;
	if (text[n - 1] == '\n')
		text[n - 1] = 0;
	if (parent != VN_MARKUP_NONE) {
		vn_xml_edit_inside(&w->edit, parent, text);
		return;
	}
	size_t anchor = VN_MARKUP_NONE;
	for (size_t i = vn_markup_child(w->doc, 0, NULL); i != VN_MARKUP_NONE;
		i = vn_markup_next(w->doc, i, NULL)) {
		for (size_t k = 0; anchors[k]; k++)
			anchor = strcmp(w->doc->elements[i].name, anchors[k]) == 0 ? i : anchor;
	}
	struct domain_block whole;
	if (!domain_block_open(w, &whole))
		return;
	fprintf(whole.out, "<%s>\n", wrapper);
	domain_put_wrapped(whole.out, text);
	fprintf(whole.out, "\n</%s>", wrapper);
	if (fclose(whole.out) != 0)
		w->edit.short_of_memory = true;
	else if (anchor == VN_MARKUP_NONE)
		vn_xml_edit_inside(&w->edit, 0, whole.text);
	else
		vn_xml_edit_after(&w->edit, anchor, whole.text);
	free(whole.text);
}

/* What a text of the domain's means as a set; NULL when it is none, or memory is short. */
static hwloc_bitmap_t set_of(const char *text)
{
	hwloc_bitmap_t set = NULL;

	return text && vn_set_parse_libvirt(text, &set) == 0 ? set : NULL;
}

void domain_set_set(struct domain_writer *w, size_t element, const char *name, hwloc_const_bitmap_t set)
{
	vn_autoset old = set_of(vn_markup_get(w->doc, element, name));
	vn_autofree char *text = vn_set_text(set);

	if (!old || !hwloc_bitmap_isequal(old, set))
		vn_xml_edit_set(&w->edit, element, name, text);
}

size_t domain_numbered(const struct domain_writer *w, size_t parent, const char *name, const char *attribute,
	uint64_t number)
{
	for (size_t i = vn_markup_child(w->doc, parent, name); i != VN_MARKUP_NONE;
		i = vn_markup_next(w->doc, i, name)) {
		const char *text = vn_markup_get(w->doc, i, attribute);
		uint64_t seen;
		if (text && vn_parse_u64(text, UINT32_MAX, &seen) == 0 && seen == number)
			return i;
	}
	return VN_MARKUP_NONE;
}

bool domain_has(const struct domain_writer *w, size_t element, const char *attribute, const char *value)
{
	const char *seen = vn_markup_get(w->doc, element, attribute);

	return seen && strcmp(seen, value) == 0;
}

/* What libvirt cannot say: a vnode without memory at start. QEMU takes no backend of 0 bytes, and libvirt would ask for one. */
static int check_carried(const struct vn_guest *guest, struct vn_error *err)
{
	int r = 0;

	for (size_t v = 0; v < guest->n_vnodes && guest->n_vnodes > 1; v++) {
		if (guest->vnodes[v].memory > guest->vnodes[v].plugged)
			continue;
		r = vn_error_input(err, &(struct vn_where){guest->file, 0, "--to"},
			"vnode %zu has no memory at start; expected some, as each cell of libvirt's has", v);
	}
	return r;
}

static void find_busy(struct domain_writer *w)
{
	for (size_t v = 0; v < w->guest->n_vnodes && v < VN_MAX_VNODES; v++) {
		if (!hwloc_bitmap_iszero(w->guest->vnodes[v].vcpus))
			w->busy[w->n_busy++] = (unsigned)v;
	}
}

static int edit_domain(struct domain_writer *w, char **ret_text)
{
	find_busy(w);
	domain_write_cells(w);
	domain_write_iothreads(w);
	domain_write_pins(w);
	domain_write_numatune(w);
	domain_write_expanders(w);
	char *text = vn_xml_edit_result(&w->edit);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

int vn_emit_libvirt(const struct vn_plan *plan, const struct vn_guest *guest, const struct vn_target *target,
	struct vn_notes *notes, char **ret_text, struct vn_error *err)
{
	bool given = guest->form == VN_FORM_LIBVIRT && guest->text;
	vn_autofree char *skeleton = given ? NULL : domain_skeleton(guest, notes);
	vn_automarkup *doc = NULL;

	if (!given && !skeleton)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = check_carried(guest, err);
	if (r == 0)
		r = vn_markup_read(given ? guest->text : skeleton, guest->file, &doc, err);
	if (r < 0)
		return r;
	struct domain_writer w = {
		.plan = plan, .guest = guest, .doc = doc, .notes = notes, .version = target->version};
	vn_xml_edit_init(&w.edit, doc);
	r = edit_domain(&w, ret_text);
	vn_xml_edit_clear(&w.edit);
	free(w.queue_vnodes);
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}
