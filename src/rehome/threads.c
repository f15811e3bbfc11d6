/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: whom a thread works for decides where it goes, and that is found as the audit finds it (model/io_users.h), so that
 * nothing is left for it to find.
 *
 *  - A vCPU is told by its number. Where numbers are not known, no vCPU can be told from another: each may use all CPUs of the guest, which
 *    is right as long as these are of one home, and refused otherwise. Where not even all of its vCPUs are known, any other thread may be
 *    one, and must not be kept off the CPUs that the plan has for them.
 *  - A vhost worker or an iothread goes where io_cpus.c says.
 *  - QEMU's pool of threads for files makes each from the thread that needs it, so it starts with that one's CPUs: a thread that has the CPUs
 *    of an iothread, and not the main thread's, goes where the iothread goes.
 *  - All else goes with the emulator.
 */
#include <string.h>

#include "part.h"

void vn_rehome_put_thread(struct vn_move *move, const struct vn_thread_sample *thread, int vnode,
	hwloc_bitmap_t before, hwloc_bitmap_t after)
{
	struct vn_move_thread *to = &move->thread_list[move->n_threads++];

	*to = (struct vn_move_thread){.kind = thread->kind,
		.index = thread->index,
		.tid = thread->tid,
		.of_kernel = thread->of_kernel,
		.vnode = vnode,
		.before = before,
		.after = after};
	memcpy(to->name, thread->name, sizeof(to->name));
}

static int left_alone(struct vn_rehoming *the, const struct vn_thread_sample *thread)
{
	if (thread->kind != VN_THREAD_VCPU)
		return vn_notes_add(&the->move->notes, "threads-left",
			"thread %d (%s) is left alone: which CPUs it may use could not be read", thread->tid,
			thread->name);
	vn_error_input(the->problems, NULL,
		"vCPU %d (thread %d): which CPUs it may use could not be read, so there would be no way back",
		thread->index, thread->tid);
	return 0;
}

/* Adds a thread that may use `cpus`, as far as it can. */
static int add_thread(
	struct vn_rehoming *the, const struct vn_thread_sample *thread, int vnode, hwloc_const_bitmap_t cpus)
{
	struct vn_move *move = the->move;
	vn_autoset before = thread->cpus ? hwloc_bitmap_dup(thread->cpus) : NULL,
		   after = hwloc_bitmap_alloc(), lost = hwloc_bitmap_alloc();

	if (!thread->cpus)
		return left_alone(the, thread);
	if (!before || !after || !lost || hwloc_bitmap_and(after, cpus, the->usable) < 0 ||
		hwloc_bitmap_andnot(lost, cpus, the->usable) < 0 ||
		hwloc_bitmap_or(the->lost, the->lost, lost) < 0)
		return -ENOMEM;
	if (hwloc_bitmap_iszero(after)) {
		vn_autofree char *wanted = vn_set_text(cpus), *usable = vn_set_text(the->usable);
		vn_error_input(the->problems, NULL,
			"thread %d (%s) is to be on CPUs %s; those that are online, and that its cpuset allows: %s",
			thread->tid, thread->name, wanted && *wanted ? wanted : "(none)",
			usable && *usable ? usable : "(none)");
		return 0;
	}
	vn_rehome_put_thread(move, thread, vnode, vn_steal(before), vn_steal(after));
	return 0;
}

/* ---- vCPUs ---- */

/* vCPUs that have a number. */
static unsigned count_known(const struct vn_rehoming *the)
{
	unsigned n = 0;

	for (size_t i = 0; i < the->vm->n_threads; i++)
		n += the->vm->threads[i].kind == VN_THREAD_VCPU && the->vm->threads[i].index >= 0;
	return n;
}

static bool all_known(const struct vn_rehoming *the)
{
	for (size_t i = 0; i < the->vm->n_threads; i++) {
		if (the->vm->threads[i].kind == VN_THREAD_VCPU && the->vm->threads[i].index < 0)
			return false;
	}
	return count_known(the) > 0 && (!the->vm->guest || count_known(the) >= the->vm->guest->vcpus);
}

/* Whether all vnodes with vCPUs have one home. */
static int has_one_home(const struct vn_rehoming *the, bool *ret_one)
{
	int home = -1;

	*ret_one = true;
	for (size_t v = 0; v < the->n_vnodes; v++) {
		vn_autoset vcpus = hwloc_bitmap_alloc();
		if (!vcpus || vn_io_vcpus(the->vm, v, vcpus) < 0)
			return -ENOMEM;
		if (hwloc_bitmap_iszero(vcpus))
			continue;
		*ret_one &= home < 0 || home == (int)the->plan->homes[v];
		home = (int)the->plan->homes[v];
	}
	return 0;
}

/* All CPUs that the plan gives any thread. */
static int all_cpus(const struct vn_rehoming *the, hwloc_bitmap_t ret)
{
	if (hwloc_bitmap_copy(ret, the->plan->emulator_cpus) < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < the->plan->n_vcpus; i++) {
		if (hwloc_bitmap_or(ret, ret, the->plan->vcpu_cpus[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* 1: go on. */
static int check_known(struct vn_rehoming *the)
{
	bool one;

	if (all_known(the))
		return 1;
	if (has_one_home(the, &one) < 0)
		return -ENOMEM;
	if (one)
		return vn_notes_add(&the->move->notes, "vcpus-unnamed",
			       "which of its threads is which vCPU is not known: all may use all CPUs that the plan has for it") <
				       0
			       ? -ENOMEM
			       : 1;
	vn_error_input(the->problems, NULL,
		"which of its threads is which vCPU is not known, so vnodes with homes of their own cannot have theirs: start it with "
		"-name debug-threads=on, or let vnuma ask its monitor (QMP); or move all vnodes to one node");
	return 0;
}

static int add_vcpu(struct vn_rehoming *the, const struct vn_thread_sample *thread, hwloc_const_bitmap_t all)
{
	int vnode = the->n_vnodes == 1 ? 0 : -1;

	if (thread->index < 0)
		return add_thread(the, thread, vnode, all);
	if ((unsigned)thread->index >= the->plan->n_vcpus) {
		vn_error_input(the->problems, NULL, "thread %d is vCPU %d; the plan has %u", thread->tid,
			thread->index, the->plan->n_vcpus);
		return 0;
	}
	if (the->n_vnodes > 1)
		vnode = vn_guest_vnode_of(the->vm->guest, (unsigned)thread->index);
	return add_thread(the, thread, vnode, the->plan->vcpu_cpus[thread->index]);
}

/* ---- I/O ---- */

/* CPUs that vCPUs among these are tied to. */
static int tied_cpus(const struct vn_rehoming *the, hwloc_const_bitmap_t vcpus, hwloc_bitmap_t ret)
{
	for (unsigned i = 0; i < the->plan->n_vcpus; i++) {
		vn_autoset cpus = hwloc_bitmap_alloc();
		if (!cpus || hwloc_bitmap_and(cpus, the->plan->vcpu_cpus[i], the->usable) < 0)
			return -ENOMEM;
		if (hwloc_bitmap_isset(vcpus, i) && hwloc_bitmap_weight(cpus) == 1 &&
			hwloc_bitmap_or(ret, ret, cpus) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_io(
	struct vn_rehoming *the, const struct vn_thread_sample *thread, const struct vn_io_users *users)
{
	vn_autoset near = hwloc_bitmap_alloc(), tied = hwloc_bitmap_alloc(), all = hwloc_bitmap_alloc(),
		   left = hwloc_bitmap_dup(the->plan->emulator_cpus), cpus = hwloc_bitmap_alloc();
	size_t way;

	if (!near || !tied || !all || !left || !cpus || vn_rehome_near(the, users->vnodes, near) < 0 ||
		tied_cpus(the, users->vcpus, tied) < 0 || all_cpus(the, all) < 0)
		return -ENOMEM;
	/* what is not usable is told of the emulator's CPUs; it must not be what is left */
	if (hwloc_bitmap_and(all, all, the->usable) < 0 || hwloc_bitmap_and(left, left, the->usable) < 0)
		return -ENOMEM;
	const struct vn_io_room room = {left, all, near, tied};
	int r = vn_rehome_io_cpus(&room, cpus, &way);
	if (r > 0)
		r = vn_rehome_tell_io(&the->move->notes, thread, way, cpus) < 0 ? -ENOMEM : 1;
	if (r < 0)
		return r;
	return add_thread(the, thread, users->vnode, r > 0 ? cpus : the->plan->emulator_cpus);
}

static int add_worker(struct vn_rehoming *the, size_t at)
{
	vn_autoiousers users = {0};
	int r = vn_io_users_of(the->vm, at, &users);

	return r == 0 ? add_io(the, &the->vm->threads[at], &users) : r;
}

/* ---- all others ---- */

/* The iothread, already added, that made a thread of the pool; NULL: none, as far as that can be told. */
static const struct vn_move_thread *maker_of(
	const struct vn_rehoming *the, const struct vn_thread_sample *thread)
{
	const struct vn_thread_sample *main = NULL;

	for (size_t i = 0; i < the->vm->n_threads && !main; i++)
		main = the->vm->threads[i].tid == the->vm->process.pid ? &the->vm->threads[i] : NULL;
	if (!thread->cpus || !main || !main->cpus || hwloc_bitmap_isequal(main->cpus, thread->cpus))
		return NULL;
	for (size_t i = 0; i < the->move->n_threads; i++) {
		const struct vn_move_thread *other = &the->move->thread_list[i];
		if (other->kind == VN_THREAD_IOTHREAD && hwloc_bitmap_isequal(other->before, thread->cpus))
			return other;
	}
	return NULL;
}

static int add_other(struct vn_rehoming *the, const struct vn_thread_sample *thread, hwloc_const_bitmap_t all)
{
	const struct vn_move_thread *maker = thread->kind == VN_THREAD_OTHER ? maker_of(the, thread) : NULL;

	if (maker)
		return add_thread(the, thread, maker->vnode, maker->after);
	return add_thread(the, thread, -1, all_known(the) ? the->plan->emulator_cpus : all);
}

static int add_kind(struct vn_rehoming *the, enum vn_thread_kind kind, hwloc_const_bitmap_t all)
{
	int r = 0;

	for (size_t i = 0; i < the->vm->n_threads && r == 0; i++) {
		const struct vn_thread_sample *thread = &the->vm->threads[i];
		if (thread->kind != kind)
			continue;
		if (kind == VN_THREAD_VCPU)
			r = add_vcpu(the, thread, all);
		else if (kind == VN_THREAD_VHOST || kind == VN_THREAD_IOTHREAD)
			r = add_worker(the, i);
		else
			r = add_other(the, thread, all);
	}
	return r;
}

/* What of the plan's CPUs no thread could have, by what keeps it. */
static int tell_lost(struct vn_rehoming *the)
{
	vn_autoset offline = hwloc_bitmap_dup(the->lost), forbidden = hwloc_bitmap_dup(the->lost);

	if (!offline || !forbidden)
		return -ENOMEM;
	for (size_t i = 0; i < the->host->n_nodes; i++) {
		if (hwloc_bitmap_andnot(offline, offline, the->host->nodes[i].cpus) < 0)
			return -ENOMEM;
	}
	if (hwloc_bitmap_andnot(forbidden, forbidden, offline) < 0)
		return -ENOMEM;
	vn_autofree char *off = vn_set_text(offline), *no = vn_set_text(forbidden);
	if (!off || !no)
		return -ENOMEM;
	if (*off && vn_notes_add(&the->move->notes, "cpus-offline",
			    "CPUs %s of the plan are left out: they are not online", off) < 0)
		return -ENOMEM;
	return *no ? vn_notes_add(&the->move->notes, "cpus-forbidden",
			     "CPUs %s of the plan are left out: its cpuset does not allow them", no)
		   : 0;
}

int vn_rehome_threads(struct vn_rehoming *the)
{
	static const enum vn_thread_kind order[] = {VN_THREAD_VCPU, VN_THREAD_IOTHREAD, VN_THREAD_VHOST,
		VN_THREAD_EMULATOR, VN_THREAD_MIGRATION, VN_THREAD_OTHER};
	vn_autoset all = hwloc_bitmap_alloc();

	if (!all || all_cpus(the, all) < 0)
		return -ENOMEM;
	if (!the->wish->threads)
		return 0;
	the->move->thread_list = calloc(the->vm->n_threads + 1, sizeof(*the->move->thread_list));
	int r = the->move->thread_list ? check_known(the) : -ENOMEM;
	if (r <= 0)
		return r;
	if (the->vm->n_threads == 0) {
		vn_error_input(the->problems, NULL, "its threads could not be read");
		return 0;
	}
	r = 0;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order) && r == 0; i++)
		r = add_kind(the, order[i], all);
	return r == 0 ? tell_lost(the) : r;
}
