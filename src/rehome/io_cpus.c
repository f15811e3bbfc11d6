/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: an I/O thread that is kept on the CPU of the vCPU that kicks it waits for that vCPU, and that one for it. So of
 * these the first that has any: CPUs of the home that are left to the emulator, without those that its kickers are tied to; CPUs of the
 * home that others of this guest's vCPUs have, likewise; those left to the emulator of other homes; and then whatever is left.
 */
#include "io_cpus.h"

#include "../base/set.h"

/* a of b, without c, where that is anything: 1. */
static int choose(hwloc_const_bitmap_t a, hwloc_const_bitmap_t b, hwloc_const_bitmap_t c, hwloc_bitmap_t ret)
{
	if (hwloc_bitmap_and(ret, a, b) < 0 || (c && hwloc_bitmap_andnot(ret, ret, c) < 0))
		return -ENOMEM;
	return !hwloc_bitmap_iszero(ret);
}

int vn_rehome_io_cpus(const struct vn_io_room *room, hwloc_bitmap_t ret_cpus, size_t *ret_way)
{
	const struct {
		hwloc_const_bitmap_t of, in, but;
	} ways[] = {{room->left, room->near, room->tied}, {room->all, room->near, room->tied},
		{room->left, room->left, room->tied}, {room->left, room->near, NULL},
		{room->all, room->near, NULL}, {room->left, room->left, NULL}};
	int r = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways) && r == 0; i++) {
		r = choose(ways[i].of, ways[i].in, ways[i].but, ret_cpus);
		if (r > 0)
			*ret_way = i;
	}
	return r;
}

int vn_rehome_tell_io(
	struct vn_notes *notes, const struct vn_thread_sample *thread, size_t way, hwloc_const_bitmap_t cpus)
{
	vn_autofree char *list = vn_set_text(cpus);

	if (!list)
		return -ENOMEM;
	if (way == 0)
		return 0;
	return vn_notes_add(notes, way == 1 ? "workers-on-vcpus" : "workers-off-home",
		way == 1
			? "thread %d (%s) shares CPUs %s with vCPUs: no other CPU of their home is left to it"
			: "thread %d (%s) goes to CPUs %s: at home there is none that is not the vCPU's that kicks it",
		thread->tid, thread->name, list);
}
