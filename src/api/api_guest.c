/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of a guest: read from a text, or a draft made by setters (guest_draft.c). vn_guest_new() and vn_guest_free()
 * are the model's own. */
#include "api.h"

#include <string.h>

#include "../base/text.h"
#include "../guest/guest_read.h"
#include "../model/plan_names.h"

#define MIN_HUGEPAGE (UINT64_C(64) << 10) /* as in a config */
#define MAX_HUGEPAGE (UINT64_C(16) << 30)

int vn_guest_from_bytes(
	const char *bytes, size_t size, const char *file, struct vn_guest **ret_guest, struct vn_error *err)
{
	vn_autoerror collected = {0};
	struct vn_where where = {file, 0, NULL};
	/* the readers want a 0 behind the text, which the caller's bytes need not have */
	vn_autofree char *text = size > VN_GUEST_TEXT_MAX ? NULL : malloc(size + 1);
	int r;

	if (size > VN_GUEST_TEXT_MAX) {
		r = vn_error_input(&collected, &where, "longer than %u bytes", VN_GUEST_TEXT_MAX);
	} else if (!text) {
		r = vn_error_environment(&collected, -ENOMEM, "out of memory");
	} else {
		memcpy(text, bytes, size);
		text[size] = 0;
		r = vn_guest_read(text, size, file, false, ret_guest, &collected);
	}
	return vn_api_settle(r, &collected, err);
}

int vn_guest_from_text(const char *text, const char *file, struct vn_guest **ret_guest, struct vn_error *err)
{
	return vn_guest_from_bytes(text, strnlen(text, VN_GUEST_TEXT_MAX + 1), file, ret_guest, err);
}

/* 0, or -EPERM for a guest that was read from a text: it is complete, and its parts agree with each other. */
static int writable(const struct vn_guest *guest, bool value_is_good)
{
	return !vn_api_guest_is_draft(guest) ? -EPERM : value_is_good ? 0 : -EINVAL;
}

int vn_guest_set_name(struct vn_guest *guest, const char *name)
{
	int r = writable(guest, vn_guest_name_is_good(name));
	vn_autofree char *copy = r < 0 ? NULL : vn_copy(name);

	if (r < 0 || !copy)
		return r < 0 ? r : -ENOMEM;
	free(guest->name);
	guest->name = vn_steal(copy);
	return 0;
}

static bool is_memory(uint64_t bytes)
{
	return bytes % VN_MIB == 0 && bytes <= VN_MAX_MEMORY;
}

int vn_guest_set_memory(struct vn_guest *guest, uint64_t bytes)
{
	int r = writable(guest, bytes > 0 && is_memory(bytes));
	if (r == 0)
		guest->memory = bytes;
	return r;
}

int vn_guest_set_vcpus(struct vn_guest *guest, unsigned vcpus)
{
	int r = writable(guest, vcpus >= 1 && vcpus <= VN_MAX_VCPUS);
	if (r == 0)
		guest->vcpus = vcpus;
	return r;
}

int vn_guest_set_threads(struct vn_guest *guest, unsigned threads)
{
	int r = writable(guest, threads >= 1 && threads <= VN_MAX_THREADS);
	if (r == 0)
		guest->threads = threads;
	return r;
}

int vn_guest_set_hugepages(struct vn_guest *guest, uint64_t bytes)
{
	int r = writable(guest,
		bytes == 0 || (bytes >= MIN_HUGEPAGE && bytes <= MAX_HUGEPAGE && (bytes & (bytes - 1)) == 0));
	if (r == 0)
		guest->hugepages = bytes;
	return r;
}

int vn_guest_set_exclusive_cores(struct vn_guest *guest, int exclusive)
{
	int r = writable(guest, true);
	if (r == 0)
		guest->exclusive_cores = exclusive != 0;
	return r;
}

/* Index of `word` among `n` names, or `n`. */
static unsigned find_word(const char *word, const char *const *names, unsigned n)
{
	unsigned i = 0;

	while (i < n && strcmp(word, names[i]) != 0)
		i++;
	return i;
}

int vn_guest_set_policy(struct vn_guest *guest, const char *policy)
{
	unsigned i = find_word(policy, vn_policy_names, VN_N_POLICIES);
	int r = writable(guest, i < VN_N_POLICIES);
	if (r == 0)
		guest->policy = (enum vn_policy)i;
	return r;
}

int vn_guest_set_numa(struct vn_guest *guest, const char *mode)
{
	unsigned i = find_word(mode, vn_guest_numa_names, VN_N_GUEST_NUMA);
	int r = writable(guest, i < VN_N_GUEST_NUMA);
	if (r == 0)
		guest->guest_numa = (enum vn_guest_numa)i;
	return r;
}

/* A new set of these numbers, each below `end`; -EINVAL for one that is not, or that is there twice. */
static int make_set(const unsigned *ids, size_t n, unsigned end, hwloc_bitmap_t *ret_set)
{
	vn_autoset set = hwloc_bitmap_alloc();

	if (!set)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (ids[i] >= end || hwloc_bitmap_isset(set, ids[i]))
			return -EINVAL;
		if (hwloc_bitmap_set(set, ids[i]) < 0)
			return -ENOMEM;
	}
	*ret_set = vn_steal(set);
	return 0;
}

int vn_guest_set_cpus(struct vn_guest *guest, const unsigned *ids, size_t n)
{
	vn_autoset set = NULL;
	int r = writable(guest, true);

	if (r == 0 && n > 0)
		r = make_set(ids, n, VN_SET_MAX + 1, &set);
	if (r < 0)
		return r;
	hwloc_bitmap_free(guest->cpus);
	guest->cpus = vn_steal(set);
	return 0;
}

int vn_guest_add_vnode(struct vn_guest *guest, uint64_t bytes, const unsigned *vcpus, size_t n, int home_id)
{
	vn_autoset set = NULL;
	int r = writable(guest, is_memory(bytes) && home_id >= -1 && home_id < VN_MAX_NODES);

	if (r == 0 && guest->n_vnodes == VN_MAX_VNODES)
		r = -E2BIG;
	if (r == 0)
		r = make_set(vcpus, n, VN_MAX_VCPUS, &set);
	for (size_t v = 0; r == 0 && v < guest->n_vnodes; v++)
		r = hwloc_bitmap_intersects(guest->vnodes[v].vcpus, set) ? -EINVAL : 0;
	if (r < 0)
		return r;
	struct vn_vnode *vnodes = reallocarray(guest->vnodes, guest->n_vnodes + 1, sizeof(*vnodes));
	if (!vnodes)
		return -ENOMEM;
	guest->vnodes = vnodes;
	vnodes[guest->n_vnodes] = (struct vn_vnode){.memory = bytes, .vcpus = vn_steal(set), .home = home_id};
	return (int)guest->n_vnodes++;
}

int vn_guest_add_device(struct vn_guest *guest, const char *address, unsigned vnode)
{
	size_t length = strlen(address);
	int r = writable(guest, vn_pci_is_address(address, length) && vnode < VN_MAX_VNODES);

	for (size_t i = 0; r == 0 && i < guest->n_hostdevs; i++)
		r = strcmp(guest->hostdevs[i].address, address) == 0 ? -EEXIST : 0;
	if (r < 0)
		return r;
	struct vn_hostdev *hostdevs = reallocarray(guest->hostdevs, guest->n_hostdevs + 1, sizeof(*hostdevs));
	if (!hostdevs)
		return -ENOMEM;
	guest->hostdevs = hostdevs;
	struct vn_hostdev *hostdev = &hostdevs[guest->n_hostdevs++];
	*hostdev = (struct vn_hostdev){.vnode = vnode};
	memcpy(hostdev->address, address, length + 1);
	return 0;
}

const char *vn_guest_name(const struct vn_guest *guest)
{
	return guest->name;
}

size_t vn_guest_note_count(const struct vn_guest *guest)
{
	return guest->notes.n;
}

const char *vn_guest_note_code(const struct vn_guest *guest, size_t note)
{
	return vn_api_note_code(&guest->notes, note);
}

const char *vn_guest_note_text(const struct vn_guest *guest, size_t note)
{
	return vn_api_note_text(&guest->notes, note);
}
