/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is written for Xen reads back: a guest from any config, given back with a plan in it, is the same guest in the third dialect, and
 * is written the same again.
 */
#include <stdint.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/emit/emit_xl.h"
#include "../src/emit/target.h"
#include "../src/guest/guest_read.h"
#include "simple_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NULL: Xen has no words for it. */
static char *written(const struct vn_guest *guest)
{
	struct vn_target target = {VN_TARGET_XEN, VN_TARGET_XEN_VERSION};
	vn_autoplan *plan = plan_of(guest);
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};
	char *text = NULL;

	if (vn_target_check(plan, guest, &target, NULL) == 0)
		vn_emit_xl(plan, guest, &target, &notes, &text, NULL);
	return text;
}

static struct vn_guest *read_back(const char *text)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};

	if (vn_guest_read(text, strlen(text), "again.cfg", false, &guest, &err) < 0) {
		fprintf(stderr, "%s%s: %s\n", text, err.problems[0].key ? err.problems[0].key : "",
			err.problems[0].text);
		abort();
	}
	return guest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = malloc(size + 1);
	vn_autoguest *guest = NULL;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (vn_guest_form_of(text, size) != VN_FORM_CFG ||
		vn_guest_read(text, size, "fuzz.cfg", false, &guest, NULL) < 0)
		return 0;
	vn_autofree char *once = written(guest);
	if (!once)
		return 0;
	vn_autoguest *again = read_back(once);
	must(guest->memory == again->memory && guest->vcpus == again->vcpus &&
		guest->maxvcpus == again->maxvcpus);
	must(guest->guest_numa == VN_GUEST_NUMA_OFF || guest->n_vnodes == again->n_vnodes);
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		const struct vn_vnode *a = &guest->vnodes[v], *b = &again->vnodes[v];
		must(a->memory == b->memory && hwloc_bitmap_isequal(a->vcpus, b->vcpus));
		must(memcmp(a->distances, b->distances, guest->n_vnodes * sizeof(*a->distances)) == 0);
		must(a->home < 0 || a->home == b->home || guest->n_vnodes == 1);
	}
	must(guest->n_channels == again->n_channels);
	vn_autofree char *twice = written(again);
	must(twice && strcmp(once, twice) == 0);
	return 0;
}
