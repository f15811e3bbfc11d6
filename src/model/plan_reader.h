/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the plan's reader share. Internal to model/. */

#include "json_reader.h"
#include "plan.h"

/* The key `host` of a plan: an identity of 64 bits. */
#define VN_PLAN_HOST_DIGITS 16
#define VN_PLAN_HOST_FORMAT "%016llx"

struct vn_plan_reader {
	struct vn_json_reader in; /* the plan's object */
	const struct vn_host *host;
	struct vn_guest *guest; /* being filled */
	struct vn_plan *plan;
	size_t before; /* problems of the document before this plan */
};

/* Whether nothing was wrong with this plan yet: what it says can be compared. */
static inline bool vn_plan_sound(const struct vn_plan_reader *p)
{
	return p->in.document->status != -ENOMEM && p->in.document->problems == p->before;
}

/* plan_told_from_json.c: what the plan tells beside homes and CPUs, each where it is there: costs, the bound, the runner-up, the
 * guest's view, warnings. The vnodes are known. */
void vn_plan_read_told(struct vn_plan_reader *p);

/* plan_from_host.c: whether all of the plan, which is sound, is of this host. */
void vn_plan_check_host(const struct vn_plan_reader *p);
