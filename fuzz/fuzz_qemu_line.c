/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command lines of QEMU's: any bytes give a guest or problems, never both, never neither; a guest hangs together. The values of
 * options read back equal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/keyval.h"
#include "../src/base/words.h"
#include "../src/guest/guest_qemu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_whole(const struct vn_guest *guest, size_t i)
{
	const struct vn_vnode *vnode = &guest->vnodes[i];
	uint64_t page = vn_vnode_page(guest, i);

	must(vnode->memory % VN_MIB == 0 && vnode->plugged % VN_MIB == 0 && vnode->plugged <= vnode->memory);
	must(!page || vnode->memory % page == 0);
	must(vnode->memory || hwloc_bitmap_first(vnode->vcpus) >= 0);
	must(!vn_binding_lacks_nodes(vnode));
	must(vnode->home < 0 || !vnode->nodes || hwloc_bitmap_isset(vnode->nodes, (unsigned)vnode->home));
	for (size_t j = 0; j < guest->n_vnodes; j++)
		must(i == j ? vnode->distances[j] == 10
			    : vnode->distances[j] > 10 && vnode->distances[j] <= 255);
}

static void must_hang_together(const struct vn_guest *guest)
{
	uint64_t sum = 0;
	unsigned vcpus = 0;

	must(guest->name && vn_guest_name_is_good(guest->name));
	must(guest->n_vnodes >= 1 && guest->n_vnodes <= VN_MAX_VNODES &&
		(!guest->vnodes_open || guest->n_vnodes == 1));
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		must_be_whole(guest, i);
		sum += guest->vnodes[i].memory;
		vcpus += vn_set_weight(guest->vnodes[i].vcpus);
	}
	must(sum == guest->memory && guest->maxmem >= sum && sum <= VN_MAX_MEMORY);
	must(vcpus == guest->maxvcpus && guest->vcpus >= 1 && guest->vcpus <= vcpus && vcpus <= VN_MAX_VCPUS);
	must(guest->threads >= 1 && guest->threads <= VN_MAX_THREADS && guest->vcpus % guest->threads == 0);
	for (unsigned i = 0; i < guest->maxvcpus; i++)
		must(vn_guest_vnode_of(guest, i) >= 0 &&
			vn_guest_vnode_of(guest, i) == vn_guest_vnode_of(guest, i - i % guest->threads));
	for (size_t i = 0; i < guest->n_hostdevs; i++)
		must(guest->hostdevs[i].vnode < guest->n_vnodes);
	for (size_t i = 0; i < guest->n_disks; i++)
		must(guest->disks[i].path && guest->disks[i].vnode < (int)guest->n_vnodes);
	for (size_t i = 0; i < guest->n_vifs; i++)
		must(guest->vifs[i].queues >= 1 && guest->vifs[i].vnode < (int)guest->n_vnodes);
}

static void must_read_back(const char *text)
{
	vn_autokeyval once = {0}, twice = {0};

	if (vn_keyval_parse(text, "first", NULL, &once, NULL) < 0)
		return;
	vn_autofree char *printed = vn_keyval_text(&once);
	must(printed && vn_keyval_parse(printed, "first", NULL, &twice, NULL) == 0);
	must(once.n == twice.n);
	for (size_t i = 0; i < once.n; i++)
		must(strcmp(once.v[i].key, twice.v[i].key) == 0 &&
			strcmp(once.v[i].value, twice.v[i].value) == 0 && once.v[i].flag == twice.v[i].flag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = malloc(size + 1);
	vn_autoguest *guest = NULL;
	vn_autoerror err = {0};
	vn_autowords words = {0};

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	int r = vn_guest_from_qemu(text, size, "fuzz.args", &guest, &err);
	must((r == 0) == (guest != NULL) && (r == 0) == (err.n == 0));
	if (guest)
		must_hang_together(guest);
	if (vn_words_parse(text, size, "fuzz.args", &words, NULL) == 0) {
		for (size_t i = 0; i < words.n; i++)
			must_read_back(words.v[i].text);
	}
	return 0;
}
