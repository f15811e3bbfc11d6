/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What audit, top and dump share: a look at the VMs of this machine, and what it means. */

#include "../base/rootfs.h"
#include "../model/audit.h"
#include "../observe/survey.h"
#include "cli.h"

#define VN_LOOK_INTERVAL_MS 1000u
#define VN_LOOK_LOOKS 4u

/* For the tables of options. */
/* clang-format off: it would put each piece of text on a line of its own */
#define VN_OPTION_LOOK_SAMPLES                                                                               \
	{                                                                                                    \
		"samples", "N", "pages of each block of memory to look at (4096)"                            \
	}
#define VN_OPTION_LOOK_EXACT                                                                                 \
	{                                                                                                    \
		"exact", NULL, "look at every page: exact, and slow for large VMs"                           \
	}
#define VN_OPTION_LOOK_NO_QMP                                                                                \
	{                                                                                                    \
		"no-qmp", NULL, "do not ask any VM's monitor"                                                \
	}
#define VN_OPTION_LOOK_SEED                                                                                  \
	{                                                                                                    \
		"seed", "N", "of the random draw (default: another each time)"                               \
	}
/* clang-format on */

struct vn_look {
	struct vn_survey survey;
	struct vn_root root;
	double threshold; /* 0 to 1 */
};

/*
 * Reads --samples, --exact, --no-qmp, --seed, --interval and --threshold, those that the verb has; the operands are names of
 * VMs. *ret_look is the caller's to close, must stay where it is, and refers to `args`. Its stop_fd is -1.
 */
int vn_look_open(const struct vn_args *args, struct vn_look *ret_look, struct vn_error *err);
void vn_look_close(struct vn_look *look);
#define vn_autolook vn_cleanup(vn_look_close) struct vn_look

/* Takes a look and judges it; the audit owns the sample. From the second on, a VM that is not there any more is no problem, but told. -ECANCELED, and no problem, when stop_fd became readable. */
int vn_look_take(struct vn_look *look, struct vn_audit **ret_audit, struct vn_error *err);

/* Reads a number of an option; `fallback` without it. All that is wrong is told. */
int vn_arg_number(const struct vn_args *args, const char *name, uint64_t least, uint64_t most,
	uint64_t fallback, uint64_t *ret, struct vn_error *err);

/* What an audit makes the exit status: below the threshold, or blind. */
int vn_look_status(const struct vn_audit *audit);

/* Whether text on `out` may be coloured: it is a terminal that can, and NO_COLOR (no-color.org) is not set. */
bool vn_wants_colour(FILE *out);
