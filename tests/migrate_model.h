/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A kernel that moves pages, as far as a migration asks it: what do_pages_move() and do_pages_stat() of mm/migrate.c (Linux 6.12) answer,
 * and how long it takes them, without any memory behind it. Written from what the kernel does, and shares nothing with src/realize.
 */

#include "../src/realize/migrate.h"

#define MODEL_NODES 4
#define MODEL_PID 4711
#define MODEL_ADDRESS UINT64_C(0x7f0000000000)

struct model_page {
	int node; /* or -ENOENT, -EFAULT */
	unsigned head, pages; /* of its folio */
	bool pinned, shared;
	uint64_t busy_until; /* ns */
	bool isolated;
	bool was_there; /* before the move */
};

struct model {
	size_t n;
	struct model_page *v; /* from MODEL_ADDRESS on */
	uint64_t page; /* bytes of each */
	uint64_t room[MODEL_NODES]; /* bytes that are free */
	uint64_t hidden[MODEL_NODES]; /* of these, not to be had after all */
	unsigned forbidden; /* bit for each node */
	bool move_all; /* permitted */
	bool dead, not_permitted;
	uint64_t dies_at_call;
	uint64_t now;
	uint64_t call_ns, ask_ns; /* a call; a page that is asked for */
	double ns_per_byte, huge_ns_per_byte;
	double stuck_ns; /* a page that does not move */
	unsigned noise; /* percent */
	uint64_t seed;
	double pressure; /* negative: not told */
	int looks; /* at the pressure */
	uint64_t pressed_until;
	/* what was seen */
	uint64_t calls, asks, bytes, longest; /* calls that move; pages asked for; bytes that moved; ns */
	uint64_t sent; /* pages of the last call */
	uint64_t futile; /* attempts at folios that do not move */
	uint64_t reserve; /* to be kept free */
	unsigned watched; /* on this node */
	bool reserve_broken;
	uint64_t *call_log; /* ns of each call */
	size_t n_log, log_room;
	size_t *order; /* pages as they were moved */
	size_t n_order, order_room;
};

struct vn_migrate_calls model_calls(struct model *model);
/* n pages of `page` bytes, each a folio, all on node 0, of a kernel of ordinary speed. */
void model_begin(struct model *model, size_t n, uint64_t page, uint64_t seed);
void model_end(struct model *model);
/* Makes [first, first + pages) one folio. */
void model_fold(struct model *model, size_t first, unsigned pages);
uint64_t model_random(struct model *model, uint64_t below);
