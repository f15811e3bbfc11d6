/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A move in words, at 80 columns: what is to be done, how far it is, what came of it. */

#include <stdio.h>

#include "move.h"

/* Bytes that are to go, as far as the sample of before the move tells. */
uint64_t vn_move_to_go(const struct vn_move *move);

/*
 * Whether it would take vCPUs away from memory that a device has pinned, and that so stays: `pinned` bytes of the process are (vn_process_pinned()),
 * nine tenths or more of what there is of the memory that is to be somewhere, and over half of that is elsewhere.
 */
bool vn_move_strands(const struct vn_move *move, uint64_t pinned);

/* Every step, with bytes and about how long it takes: for --dry-run, and said before it begins. */
void vn_move_print_steps(const struct vn_move *move, FILE *out);

/* What was moved, how long it took, what stayed and why. */
void vn_move_print_report(const struct vn_move *move, FILE *out);

/* "1.2 GiB of 3.9 GiB, 812 MB/s, 3 s left": in one line without an end, for a terminal and for `moves`. */
void vn_move_print_progress(const struct vn_move *move, FILE *out);

/* Notes with what to do, one paragraph each. */
void vn_move_print_notes(const struct vn_move *move, FILE *out);
