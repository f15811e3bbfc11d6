/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* From homes to a plan: shares of memory, CPUs of every thread, warnings. */

#include "solve.h"

/* A plan of `guest` before anything is sought: its view and the warnings on what it asks for. 0 or -ENOMEM. */
int vn_plan_begin(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *guest, struct vn_plan **ret_plan);

/* `instance` is of this one guest. 0 or a negative errno. */
int vn_plan_fill(const struct vn_instance *instance, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const struct vn_solution *solution, struct vn_plan *plan);
