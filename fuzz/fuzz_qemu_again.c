/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is written reads back: a guest from any command line, given back as that command line with a plan in it and as the recipe, both
 * through a shell's quoting, is the same guest.
 */
#include <stdint.h>
#include <string.h>

#include "../src/base/qemu_options.h"
#include "../src/emit/emit_qemu.h"
#include "../src/emit/left_out.h"
#include "../src/guest/guest_qemu.h"

#define MAX_VCPUS 64u /* the recipe has a word for each */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* All on node 0, but for what the guest binds itself. */
static struct vn_plan *plan_of(const struct vn_guest *guest)
{
	struct vn_plan *plan = vn_plan_new();

	must(plan && (plan->vnodes = calloc(guest->n_vnodes, sizeof(*plan->vnodes))));
	plan->feasible = true;
	plan->binding = VN_BINDING_STRICT;
	plan->n_vnodes = guest->n_vnodes;
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		struct vn_plan_vnode *v = &plan->vnodes[i];
		v->shares = calloc(1, sizeof(*v->shares));
		v->cpus = hwloc_bitmap_alloc();
		must(v->shares && v->cpus);
		v->n_shares = 1;
		v->shares[0] = (struct vn_share){0, guest->vnodes[i].memory};
		hwloc_bitmap_set_range(v->cpus, 0, 3);
	}
	return plan;
}

static bool same_set(hwloc_const_bitmap_t a, hwloc_const_bitmap_t b)
{
	return (!a && !b) || (a && b && hwloc_bitmap_isequal(a, b));
}

static void must_be_the_same(const struct vn_guest *before, const struct vn_guest *after)
{
	must(before->n_vnodes == after->n_vnodes && before->memory == after->memory);
	must(before->maxmem == after->maxmem);
	must(before->vcpus == after->vcpus && before->maxvcpus == after->maxvcpus);
	must(before->n_disks == after->n_disks && before->n_vifs == after->n_vifs);
	must(before->n_channels == after->n_channels);
	for (size_t i = 0; i < before->n_channels; i++)
		must(strcmp(before->channels[i].name, after->channels[i].name) == 0 &&
			strcmp(before->channels[i].path, after->channels[i].path) == 0);
	must(!before->hmat == !after->hmat);
	for (size_t i = 0; i < before->n_vnodes; i++) {
		const struct vn_vnode *a = &before->vnodes[i], *b = &after->vnodes[i];
		must(a->memory == b->memory && a->plugged == b->plugged);
		must(vn_vnode_page(before, i) == vn_vnode_page(after, i));
		must(hwloc_bitmap_isequal(a->vcpus, b->vcpus));
		must(memcmp(a->distances, b->distances, before->n_vnodes * sizeof(*a->distances)) == 0);
		must(!a->has_binding ||
			(b->has_binding && a->binding == b->binding && same_set(a->nodes, b->nodes)));
	}
}

static struct vn_guest *read_back(const struct vn_argv *argv)
{
	vn_autofree char *text = NULL;
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	must(out);
	vn_argv_print(argv, out);
	fclose(out);
	if (vn_guest_from_qemu(text, size, "again.args", &guest, &err) < 0) {
		fprintf(stderr, "%s%s: %s\n", text, err.problems[0].key ? err.problems[0].key : "",
			err.problems[0].text);
		abort();
	}
	return guest;
}

/* A running process is read whatever it calls itself; as text for a shell it reads back only under a name of QEMU's. */
static bool names_qemu(const char *text, size_t size)
{
	struct vn_words words = {0};
	bool named = false;

	if (vn_words_parse(text, size, NULL, &words, NULL) == 0 && words.n > words.n_assignments) {
		const char *program = words.v[words.n_assignments].text;
		named = vn_qemu_program_of(program, strlen(program)) == VN_QEMU_VM;
	}
	vn_words_clear(&words);
	return named;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = malloc(size + 1);
	vn_autoguest *guest = NULL;
	struct vn_qemu_options options = {.accel = "kvm"};
	vn_autoerror err = {0};

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (!names_qemu(text, size) || vn_guest_from_qemu(text, size, "fuzz.args", &guest, NULL) < 0 ||
		guest->maxvcpus > MAX_VCPUS)
		return 0;
	must(vn_guest_set_text(guest, VN_FORM_QEMU, text, size) == 0);
	struct vn_notes notes = {0};
	must(vn_note_left_out(guest, VN_TARGET_LIBVIRT, &notes, NULL) == 0);
	must(vn_note_left_out(guest, VN_TARGET_XEN, &notes, NULL) == 0 && notes.n <= 2);
	vn_notes_clear(&notes);
	vn_autoplan *plan = plan_of(guest);
	vn_autoargv own = {0}, recipe = {0};
	must(vn_emit_qemu_line(plan, guest, &options, &own, &err) == 0);
	vn_autoguest *again = read_back(&own);
	must_be_the_same(guest, again);
	if (vn_emit_qemu(plan, guest, &options, &recipe, &err) == 0) {
		vn_autoguest *anew = read_back(&recipe);
		must_be_the_same(guest, anew);
	}
	return 0;
}
