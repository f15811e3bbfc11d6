/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule.h"

const struct vn_rule *const vn_rules[] = {
	&vn_rule_ours,
	&vn_rule_first_fit,
	&vn_rule_fewest_nodes,
	&vn_rule_random,
	NULL,
};
