/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * -numa dist. One direction is enough as long as no pair differs by direction; then all must be told both ways (QEMU's
 * hw/core/numa.c, validate_numa_distance(), complete_init_numa_distance()). What is told twice has its last value.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../model/host.h"
#include "guest_qemu_part.h"

/* told[from][to]; 0: not. */
typedef uint32_t told_distances[VN_MAX_VNODES][VN_MAX_VNODES];

/* Whether there is a -numa dist at all. */
static bool read_told(struct qemu_reader *r, told_distances told)
{
	bool any = false;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		const char *type = vn_keyval_get(&option->keys, "type");
		uint64_t value = 0;
		if (!type || strcmp(type, "dist") != 0)
			continue;
		any = true;
		int from = qemu_vnode(r, option, "src", true), to = qemu_vnode(r, option, "dst", true);
		if (!vn_keyval_get(&option->keys, "val"))
			qemu_problem(r, option, "no val; expected a distance");
		if (from < 0 || to < 0)
			continue;
		bool self = from == to;
		if (qemu_number(r, option, "val", self ? VN_DISTANCE_LOCAL : VN_DISTANCE_LOCAL + 1,
			    self ? VN_DISTANCE_LOCAL : VN_DISTANCE_UNREACHABLE, &value))
			told[from][to] = (uint32_t)value;
	}
	return any;
}

static bool is_asymmetric(const told_distances told, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (told[i][j] && told[j][i] && told[i][j] != told[j][i])
				return true;
		}
	}
	return false;
}

static void set_distances(struct qemu_reader *r, const told_distances told, const struct qemu_option *last)
{
	struct vn_guest *guest = r->guest;
	size_t n = guest->n_vnodes;
	bool asymmetric = is_asymmetric(told, n);

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			if (i == j)
				continue;
			if (!told[i][j] && !told[j][i] && i < j)
				qemu_problem(r, last,
					"no distance between nodes %zu and %zu; expected one of each pair", i,
					j);
			else if (!told[i][j] && told[j][i] && asymmetric)
				qemu_problem(r, last,
					"no distance from node %zu to %zu; expected both of each pair, as one pair differs",
					i, j);
			if (told[i][j] || told[j][i])
				guest->vnodes[i].distances[j] = told[i][j] ? told[i][j] : told[j][i];
		}
	}
}

void qemu_read_distances(struct qemu_reader *r)
{
	told_distances told = {{0}};
	const struct qemu_option *last = NULL;
	size_t problems = r->problems;

	if (!read_told(r, told) || problems != r->problems)
		return;
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));)
		last = vn_keyval_get(&option->keys, "val") ? option : last;
	set_distances(r, told, last);
	if (problems == r->problems && vn_guest_distances_asymmetric(r->guest))
		qemu_note(r, last, "vdistance-asymmetric",
			"distances differ by direction: a Linux guest shows them so, but its scheduler groups nodes as if the "
			"way there and back were one");
}
