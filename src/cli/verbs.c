/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs, in the order in which they are listed. Help, manual pages (man/manual.c) and completions (completions/completion.c) are
 * made of this table. */

#include "cli.h"

extern const struct vn_verb verb_acpi, verb_audit, verb_dump, verb_free, verb_gather, verb_io, verb_list,
	verb_move, verb_moves, verb_numad, verb_plan, verb_resize, verb_run, verb_show, verb_simulate,
	verb_stop, verb_top, verb_topology, verb_undo, verb_verify;

const struct vn_verb *const vn_verbs[] = {
	&verb_topology,
	&verb_free,
	&verb_gather,
	&verb_plan,
	&verb_acpi,
	&verb_run,
	&verb_list,
	&verb_show,
	&verb_stop,
	&verb_verify,
	&verb_audit,
	&verb_top,
	&verb_dump,
	&verb_move,
	&verb_moves,
	&verb_undo,
	&verb_io,
	&verb_resize,
	&verb_numad,
	&verb_simulate,
	NULL,
};
