/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Looks taken again and again by a thread of its own, so that keys are answered while one lasts. The thread hands each round over and
 * keeps nothing; one that nobody fetched is freed when the next is there.
 */

#include "look.h"

struct vn_rounds;

/* Begins; `look` must outlive it, and its stop_fd is set. A round every `every_ms`. */
int vn_rounds_start(
	struct vn_look *look, unsigned every_ms, struct vn_rounds **ret_rounds, struct vn_error *err);

/* Ends the thread, at once. */
void vn_rounds_stop(struct vn_rounds *rounds);
static inline void vn_rounds_stopp(struct vn_rounds **rounds)
{
	vn_rounds_stop(*rounds);
}
#define vn_autorounds vn_cleanup(vn_rounds_stopp) struct vn_rounds

/* Readable when there is something to fetch. */
int vn_rounds_fd(const struct vn_rounds *rounds);

/* 1: the latest round, now the caller's; 0: there is no new one; negative errno with what went wrong, and no more will come. */
int vn_rounds_fetch(struct vn_rounds *rounds, struct vn_audit **ret_round, struct vn_error *err);
