/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Hosts, what occupies them, and guests, for timing the planner: real machines' and such as are built. Everything that fails
 * asserts. */

#include "../../src/plan/plan_make.h"
#include "../host_maker.h"

#define BENCH_HOSTS 64

struct bench_host {
	char name[64];
	struct vn_host *host;
};

/* The hosts of `shared` (hwloc/ and numactl/ in its data/) that can be read, by name. How many. */
size_t bench_shared_hosts(const char *shared, struct bench_host hosts[static BENCH_HOSTS]);

/* Hosts of 16, 32 and 64 nodes, with distances of real machines' kinds. How many. */
size_t bench_built_hosts(struct bench_host hosts[static BENCH_HOSTS]);

enum bench_state { BENCH_EMPTY, BENCH_HALF, BENCH_UNEVEN, BENCH_STATES };
extern const char *const bench_state_names[];

struct vn_occupied *bench_occupy(const struct vn_host *host, enum bench_state state, uint64_t *random);

enum bench_family { BENCH_EQUAL, BENCH_TWO_SIZES, BENCH_DISTINCT, BENCH_TIGHT, BENCH_FAMILIES };
extern const char *const bench_family_names[];

/* A guest of m vnodes that asks for no more memory than there is. NULL when the host has no room for m vnodes of a MiB. */
struct vn_guest *bench_guest(const struct vn_host *host, const struct vn_occupied *occupied, size_t m,
	enum bench_family family, uint64_t *random);

/* MiB of ordinary pages left on a node, and cores without load. */
uint64_t bench_room(const struct vn_host *host, const struct vn_occupied *occupied, size_t i);
uint64_t bench_cores(const struct vn_host *host, const struct vn_occupied *occupied, size_t i);
