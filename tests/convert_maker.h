/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Guests that become another form: include behind cmocka.h. */

#include <string.h>

#include "../src/base/text.h"
#include "../src/emit/emit_plan.h"
#include "../src/guest/guest_read.h"
#include "../src/plan/plan_make.h"
#include "host_maker.h"
#include "text_asserts.h"

/* A guest on `n_nodes` nodes of 4 cores and 4 GiB, as another form in *ret; `version` of what is to take it, NULL: any. */
static inline int convert_on(size_t n_nodes, const char *text, enum vn_emit_form form, const char *version,
	struct vn_notes *notes, char **ret, struct vn_error *err)
{
	static const struct maker_node nodes[] = {{4, 4096}, {4, 4096}, {4, 4096}, {4, 4096}};
	vn_autohost *host = make_host(n_nodes, nodes, 1, 21);
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;
	struct vn_plan_options options = {0};
	struct vn_target target;

	assert_int_equal(vn_guest_read(text, strlen(text), "g", false, &guest, err), 0);
	assert_int_equal(vn_plan_auto(host, guest, &options, &plan, err), 0);
	assert_true(plan->feasible);
	assert_int_equal(vn_target_parse(version, vn_emit_form_target(form), &target, err), 0);
	return vn_emit_plan(plan, guest, form, &target, notes, ret, err);
}
