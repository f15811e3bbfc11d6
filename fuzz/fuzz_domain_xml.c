/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt domains: any text gives a guest or problems, never both, never neither. A guest is planned in the simplest way and written
 * back, for a libvirt with or without iothreads for queues; what is written reads back to the same guest, and is written the same again. A
 * text is not changed when nothing of it is. What it loses as another form can always be told.
 */
#include <stdint.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/emit/emit_libvirt.h"
#include "../src/emit/left_out.h"
#include "../src/emit/xml_edit.h"
#include "../src/guest/guest_read.h"
#include "../src/observe/domain_memory.h"
#include "simple_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *written(const struct vn_guest *guest, unsigned version)
{
	struct vn_target target = {VN_TARGET_LIBVIRT, version};
	vn_autoplan *plan = plan_of(guest);
	vn_autoerror err = {0};
	struct vn_notes notes = {0};
	char *text = NULL;
	int r = vn_emit_libvirt(plan, guest, &target, &notes, &text, &err);
	vn_notes_clear(&notes);
	must((r == 0) == (text != NULL) && (r == 0) == (err.n == 0));
	return text;
}

static void must_be_alike(const struct vn_guest *a, const struct vn_guest *b)
{
	must(a->n_vnodes == b->n_vnodes && a->maxvcpus == b->maxvcpus && a->vcpus == b->vcpus);
	must(a->memory == b->memory && a->maxmem == b->maxmem && strcmp(a->name, b->name) == 0);
	must(a->n_disks == b->n_disks && a->n_vifs == b->n_vifs && a->n_hostdevs == b->n_hostdevs);
	must(a->n_channels == b->n_channels);
	for (size_t v = 0; v < a->n_vnodes; v++) {
		must(a->vnodes[v].memory == b->vnodes[v].memory &&
			a->vnodes[v].plugged == b->vnodes[v].plugged);
		must(hwloc_bitmap_isequal(a->vnodes[v].vcpus, b->vnodes[v].vcpus));
		must(vn_vnode_page(a, v) == vn_vnode_page(b, v));
		for (size_t k = 0; k < a->n_vnodes; k++)
			must(a->vnodes[v].distances[k] == b->vnodes[v].distances[k]);
	}
}

static void lose(const struct vn_guest *guest)
{
	struct vn_notes notes = {0};
	must(vn_note_left_out(guest, VN_TARGET_QEMU, &notes, NULL) == 0);
	must(vn_note_left_out(guest, VN_TARGET_XEN, &notes, NULL) == 0 && notes.n <= 2);
	vn_notes_clear(&notes);
	must(vn_note_left_out(guest, VN_TARGET_LIBVIRT, &notes, NULL) == 0 && notes.n == 0);
}

static void round_trip(const struct vn_guest *guest, unsigned version)
{
	uint64_t sum = 0;
	for (size_t v = 0; v < guest->n_vnodes; v++)
		sum += guest->vnodes[v].memory;
	must(sum == guest->memory);
	vn_autofree char *once = written(guest, version);
	if (!once)
		return; /* libvirt has no words for it */
	vn_autoguest *back = NULL;
	vn_autoerror err = {0};
	int r = vn_guest_read(once, strlen(once), "written.xml", false, &back, &err);
	for (size_t i = 0; i < err.n; i++)
		fprintf(stderr, "%u: %s: %s\n", err.problems[i].line, err.problems[i].key,
			err.problems[i].text);
	must(r == 0);
	must_be_alike(guest, back);
	vn_autofree char *twice = written(back, version);
	must(twice && strcmp(once, twice) == 0);
}

/* Its virtio-mem devices: what is asked of one reads as that, and all else of it as before. */
static void ask_for_memory(const char *text)
{
	vn_automemories memories = {0};
	vn_autoerror err = {0};
	int r = vn_domain_memories_read(text, &memories, &err);

	must((r == 0) == (err.n == 0) && (r == 0 || memories.n == 0));
	for (size_t i = 0; i < memories.n; i++) {
		const struct vn_domain_memory *memory = &memories.v[i];
		must(memory->block > 0 && memory->requested <= memory->most &&
			memory->current <= memory->most);
		vn_autofree char *device = vn_domain_memory_xml(memory, memory->most);
		vn_autofree char *domain = vn_format("<domain><devices>%s</devices></domain>", device);
		vn_automemories back = {0};
		vn_autoerror problems = {0};
		if (vn_domain_memories_read(domain, &back, &problems) < 0)
			continue; /* a name space declared further out, say */
		must(back.n == 1 && back.v[0].requested == memory->most && back.v[0].cell == memory->cell);
		must(back.v[0].most == memory->most && strcmp(back.v[0].alias, memory->alias) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);
	vn_automarkup *doc = NULL;
	vn_autoerror err = {0};

	if (vn_guest_form_of(text, strlen(text)) != VN_FORM_LIBVIRT)
		return 0;
	int r = vn_markup_read(text, "fuzz.xml", &doc, &err);
	must((r == 0) == (doc != NULL) && (r == 0) == (err.n == 0));
	if (r < 0)
		return 0;
	vn_autoxmledit edit = {0};
	vn_xml_edit_init(&edit, doc);
	vn_autofree char *same = vn_xml_edit_result(&edit);
	must(same && strcmp(same, text) == 0);
	ask_for_memory(text);

	vn_autoguest *guest = NULL;
	r = vn_guest_read(text, strlen(text), "fuzz.xml", false, &guest, &err);
	must((r == 0) == (guest != NULL) && (r == 0) == (err.n == 0));
	if (!guest)
		return 0;
	round_trip(guest, VN_TARGET_LIBVIRT_VERSION);
	round_trip(guest, VN_TARGET_VERSION(10, 0, 0));
	lose(guest);
	return 0;
}
