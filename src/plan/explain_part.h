/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of an explanation share. Internal to explain*.c. */

#include "../base/text.h"
#include "solve.h"

#define VN_EXPLAIN_COLUMNS 100u

struct vn_explained {
	const struct vn_host *host;
	const struct vn_guest *guest;
	const struct vn_plan_options *options;
	const struct vn_plan *plan;
	struct vn_instance in;
	size_t *homes; /* indices of the plan's homes; owned; NULL when there is no plan */
	FILE *out;
};

/* A paragraph, broken at blanks so that no line is longer than VN_EXPLAIN_COLUMNS (a single word may be): `lead` before the first
 * line, as many blanks before the others. */
void vn_explain_say(FILE *out, const char *lead, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "ordinary memory", "huge pages of 2 MiB". Returns `buffer`. */
#define VN_PAGES_TEXT (VN_SIZE_TEXT + 16)
const char *vn_explain_pages(uint64_t page, char buffer[static VN_PAGES_TEXT]);

/* The mean distance from a vCPU to the guest's memory, in tenths; devices are left out of it. `homes`: indices. */
unsigned long long vn_explain_mean(
	const struct vn_instance *instance, const size_t *homes, const struct vn_cost *cost);

/* The same of the plan, with memory where it is, not where its vnode lives. */
unsigned long long vn_explain_real_mean(const struct vn_explained *e);

/* What `its` costs more than `mine` at that level, as half a sentence: "3 GiB would not be at home (0 B as it is)". */
void vn_explain_loss(const struct vn_explained *e, const size_t *homes, const struct vn_cost *its,
	enum vn_level level, char *text, size_t size);

/* What each vnode got. */
void vn_explain_vnodes(const struct vn_explained *e);

/* What stays free on each node. */
void vn_explain_left(const struct vn_explained *e);

/* Why each vnode does not live on the nearest other node. 0 or -ENOMEM. */
int vn_explain_neighbours(const struct vn_explained *e);

/* What there is of each page size, and what is short. 0 or -ENOMEM. */
int vn_explain_short(const struct vn_explained *e);

/* The least single changes that would make the plan better, or possible; each tried. 0 or -ENOMEM. */
int vn_explain_better(const struct vn_explained *e);
