/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "guest_queues.h"

#include <string.h>

#include "../base/text.h"

/* ---- dealing out ---- */

/* A vnode's share: the vCPUs that it has from the start, and its queues. */
struct share {
	int vnode;
	hwloc_bitmap_t vcpus; /* owned */
	unsigned n_vcpus, n_queues;
};

struct shares {
	size_t n;
	struct share v[VN_MAX_VNODES];
};

static void shares_clear(struct shares *shares)
{
	for (size_t i = 0; i < shares->n; i++)
		hwloc_bitmap_free(shares->v[i].vcpus);
}

static int by_first_vcpu(const void *a, const void *b)
{
	const struct share *x = a, *y = b;
	return hwloc_bitmap_first(x->vcpus) - hwloc_bitmap_first(y->vcpus);
}

/* vCPUs that are plugged in later have no place yet: Linux deals out what is online. */
static int open_shares(const struct vn_guest *guest, struct shares *shares)
{
	for (size_t v = 0; v < guest->n_vnodes && v < VN_MAX_VNODES; v++) {
		vn_autoset vcpus = hwloc_bitmap_dup(guest->vnodes[v].vcpus);
		if (!vcpus || hwloc_bitmap_clr_range(vcpus, guest->vcpus, -1) < 0)
			return -ENOMEM;
		unsigned n = vn_set_weight(vcpus);
		if (n > 0)
			shares->v[shares->n++] = (struct share){(int)v, vn_steal(vcpus), n, 0};
	}
	qsort(shares->v, shares->n, sizeof(shares->v[0]), by_first_vcpu);
	return 0;
}

/* One for each; then each to the vnode that has most vCPUs for a queue, while there is one with several. */
static void deal(struct shares *shares, unsigned n)
{
	for (size_t i = 0; i < shares->n; i++)
		shares->v[i].n_queues = 1;
	for (unsigned left = n - (unsigned)shares->n; left > 0; left--) {
		struct share *most = NULL;
		for (size_t i = 0; i < shares->n; i++) {
			struct share *share = &shares->v[i];
			if (share->n_queues < share->n_vcpus &&
				(!most || share->n_vcpus * most->n_queues > most->n_vcpus * share->n_queues))
				most = share;
		}
		if (!most)
			return;
		most->n_queues++;
	}
}

/* The vCPUs of a share in order, the first queues getting one more where it does not come out even. */
static int fill_queues(const struct share *share, struct vn_guest_queue *queues)
{
	int vcpu = -1;

	for (unsigned q = 0; q < share->n_queues; q++) {
		unsigned count = share->n_vcpus / share->n_queues + (q < share->n_vcpus % share->n_queues);
		queues[q].vnode = share->vnode;
		while (count-- > 0) {
			vcpu = hwloc_bitmap_next(share->vcpus, vcpu);
			if (vcpu < 0 || hwloc_bitmap_set(queues[q].vcpus, (unsigned)vcpu) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

int vn_guest_queues_deal(
	const struct vn_guest *guest, unsigned n, struct vn_guest_queue **ret_queues, unsigned *ret_vnodes)
{
	vn_cleanup(shares_clear) struct shares shares = {0};
	int r = open_shares(guest, &shares);

	if (r < 0)
		return r;
	if (shares.n > n || shares.n == 0) {
		*ret_vnodes = (unsigned)shares.n;
		return -ERANGE;
	}
	struct vn_guest_queue *queues = calloc(n, sizeof(*queues)), *next = queues;
	for (unsigned q = 0; queues && q < n && r == 0; q++) {
		queues[q] = (struct vn_guest_queue){-1, hwloc_bitmap_alloc()};
		r = queues[q].vcpus ? 0 : -ENOMEM;
	}
	if (!queues || r < 0) {
		vn_guest_queues_free(queues, n);
		return -ENOMEM;
	}
	deal(&shares, n);
	for (size_t i = 0; i < shares.n && r == 0; i++) {
		r = fill_queues(&shares.v[i], next);
		next += shares.v[i].n_queues;
	}
	if (r < 0) {
		vn_guest_queues_free(queues, n);
		return r;
	}
	*ret_queues = queues;
	return 0;
}

void vn_guest_queues_free(struct vn_guest_queue *queues, unsigned n)
{
	for (unsigned q = 0; queues && q < n; q++)
		hwloc_bitmap_free(queues[q].vcpus);
	free(queues);
}

/* ---- the sample ---- */

/* That these vCPUs, of this vnode, use the queue from now on; none: nobody knows of any. */
static int use(struct vn_queue_sample *queue, int vnode, hwloc_const_bitmap_t vcpus)
{
	int first = hwloc_bitmap_first(vcpus), last = hwloc_bitmap_last(vcpus);
	unsigned weight = vn_set_weight(vcpus);
	hwloc_bitmap_t copy = weight > 0 ? hwloc_bitmap_dup(vcpus) : NULL;

	if (weight > 0 && !copy)
		return -ENOMEM;
	hwloc_bitmap_free(queue->vcpus);
	queue->vcpus = copy;
	queue->vnode = vnode;
	queue->first_vcpu = queue->n_vcpus = 0;
	if (weight > 0 && (unsigned)(last - first) + 1 == weight) {
		queue->first_vcpu = (unsigned)first;
		queue->n_vcpus = weight;
	}
	return 0;
}

/* The vnode that has all of these vCPUs; -1: there is no such one. */
static int vnode_of(const struct vn_guest *guest, hwloc_const_bitmap_t vcpus)
{
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		if (hwloc_bitmap_isincluded(vcpus, guest->vnodes[v].vcpus))
			return (int)v;
	}
	return -1;
}

int vn_guest_queues_apply(struct vn_vm_sample *vm, const struct vn_guest_setting *settings, size_t n_settings)
{
	for (size_t i = 0; i < n_settings && vm->guest; i++) {
		const struct vn_guest_setting *setting = &settings[i];
		if (!vn_guest_path_is_xps(setting->path) || setting->nic >= vm->n_nics ||
			setting->queue >= vm->nics[setting->nic].n_queues)
			continue;
		struct vn_queue_sample *queue = &vm->nics[setting->nic].queues[setting->queue];
		int vnode = vm->guest->n_vnodes < 2 ? queue->vnode : vnode_of(vm->guest, setting->after);
		if (use(queue, vnode, setting->after) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- what is to be set ---- */

/* Whether the guest's nodes have the CPUs that they should; else a note says what differs. */
static int check_view(const struct vn_view *view, struct vn_guest_inside *inside, bool *ret_same)
{
	*ret_same = false;
	for (size_t i = 0; i < view->n_nodes; i++) {
		hwloc_const_bitmap_t seen = i < inside->n_nodes ? inside->nodes[i] : NULL;
		if (seen && hwloc_bitmap_isequal(seen, view->nodes[i].cpus))
			continue;
		vn_autofree char *is = seen ? vn_set_text(seen) : vn_copy("none"),
				 *should = vn_set_text(view->nodes[i].cpus);
		if (!is || !should)
			return -ENOMEM;
		return vn_notes_add(&inside->notes, "guest-view-differs",
			"its queues are left as they are: the guest's node %zu has CPUs %s, and %s are foretold, so its CPUs cannot be "
			"told from each other",
			i, *is ? is : "none", *should ? should : "none");
	}
	*ret_same = true;
	return 0;
}

/* The XPS of a queue; NULL: not read. */
static const struct vn_guest_setting *xps_of(
	const struct vn_guest_inside *inside, unsigned nic, unsigned queue)
{
	for (size_t i = 0; i < inside->n_settings; i++) {
		const struct vn_guest_setting *setting = &inside->settings[i];
		if (setting->nic == nic && setting->queue == queue && vn_guest_path_is_xps(setting->path))
			return setting;
	}
	return NULL;
}

/* Whether what the guest has is as good as what was dealt out: each vCPU in one queue, each queue of one vnode, and as many of each. */
static bool is_good(const struct vn_guest *guest, const struct vn_guest_inside *inside,
	const struct vn_guest_nic *nic, const struct vn_guest_queue *dealt, hwloc_bitmap_t seen)
{
	int more[VN_MAX_VNODES] = {0};

	for (unsigned q = 0; q < nic->n_queues; q++) {
		const struct vn_guest_setting *setting = xps_of(inside, nic->nic, q);
		int vnode = setting ? vnode_of(guest, setting->before) : -1;
		if (vnode < 0 || dealt[q].vnode < 0 || hwloc_bitmap_iszero(setting->before) ||
			hwloc_bitmap_intersects(seen, setting->before) ||
			hwloc_bitmap_or(seen, seen, setting->before) < 0)
			return false;
		more[vnode]++;
		more[dealt[q].vnode]--;
	}
	for (unsigned v = 0; v < VN_MAX_VNODES; v++) {
		if (more[v] != 0)
			return false;
	}
	return hwloc_bitmap_weight(seen) == (int)guest->vcpus;
}

/* Puts what the guest has in the place of what was dealt out, if it is as good: what is right is not changed. */
static int keep_good(const struct vn_guest *guest, const struct vn_guest_inside *inside,
	const struct vn_guest_nic *nic, struct vn_guest_queue *queues)
{
	vn_autoset seen = hwloc_bitmap_alloc();

	if (!seen)
		return -ENOMEM;
	if (!is_good(guest, inside, nic, queues, seen))
		return 0;
	for (unsigned q = 0; q < nic->n_queues; q++) {
		const struct vn_guest_setting *setting = xps_of(inside, nic->nic, q);
		queues[q].vnode = vnode_of(guest, setting->before);
		if (hwloc_bitmap_copy(queues[q].vcpus, setting->before) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int set_nic(struct vn_vm_sample *vm, const struct vn_guest_nic *nic, struct vn_guest_inside *inside)
{
	struct vn_guest_queue *queues = NULL;
	unsigned vnodes = 0;
	int r = vn_guest_queues_deal(vm->guest, nic->n_queues, &queues, &vnodes);

	if (r == -ERANGE)
		return vn_notes_add(&inside->notes, "guest-queues-too-few",
			"network device %u of the guest is left as it is: it uses %u queue pair%s, and %u vnodes have vCPUs",
			nic->nic, nic->n_queues, nic->n_queues == 1 ? "" : "s", vnodes);
	if (r == 0)
		r = keep_good(vm->guest, inside, nic, queues);
	for (size_t i = 0; i < inside->n_settings && r == 0; i++) {
		struct vn_guest_setting *setting = &inside->settings[i];
		if (setting->nic != nic->nic || setting->queue >= nic->n_queues ||
			hwloc_bitmap_iszero(queues[setting->queue].vcpus))
			continue;
		setting->after = hwloc_bitmap_dup(queues[setting->queue].vcpus);
		r = setting->after ? 0 : -ENOMEM;
	}
	for (unsigned q = 0; q < nic->n_queues && r == 0; q++) {
		if (q < vm->nics[nic->nic].n_queues)
			r = use(&vm->nics[nic->nic].queues[q], queues[q].vnode, queues[q].vcpus);
	}
	vn_guest_queues_free(queues, nic->n_queues);
	return r;
}

static void drop_unset(struct vn_guest_inside *inside)
{
	size_t kept = 0;

	for (size_t i = 0; i < inside->n_settings; i++) {
		if (inside->settings[i].after)
			inside->settings[kept++] = inside->settings[i];
		else
			vn_guest_setting_clear(&inside->settings[i]);
	}
	inside->n_settings = kept;
}

/* Whether there is anything to ask of the guest; else a word for what it lacks. */
static const char *what_lacks(const struct vn_vm_sample *vm)
{
	bool several = false;

	for (size_t i = 0; i < vm->n_nics; i++)
		several |= vm->nics[i].n_queues > 1;
	if (!vm->guest || vm->guest->n_vnodes < 2)
		return "no vnodes to tell apart";
	return several ? NULL : "no network device with several queues";
}

int vn_guest_queues_reckon(
	struct vn_vm_sample *vm, const struct vn_view *view, struct vn_guest_inside *inside)
{
	const char *lacks = what_lacks(vm);
	bool same = false;
	int r = 0;

	if (lacks)
		r = vn_notes_add(&inside->notes, "guest-nothing-to-set",
			"nothing is set inside the guest: it has %s", lacks);
	else if (inside->n_nics > 0) /* where there is none, a note says why of each */
		r = check_view(view, inside, &same);
	for (size_t i = 0; i < inside->n_nics && r == 0 && same; i++) {
		if (inside->nics[i].nic < vm->n_nics)
			r = set_nic(vm, &inside->nics[i], inside);
	}
	drop_unset(inside);
	return r;
}

bool vn_guest_queues_left_out(const struct vn_guest_inside *inside)
{
	static const char *const codes[] = {
		"guest-nic-unknown", "guest-queues-unknown", "guest-queues-too-few", "guest-irqs-left"};

	if (vn_notes_has(&inside->notes, "guest-nothing-to-set"))
		return false;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (vn_notes_has(&inside->notes, codes[i]))
			return true;
	}
	return inside->n_settings == 0;
}
