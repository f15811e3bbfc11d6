/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan_names.h"

const char *const vn_level_names[VN_N_LEVELS] = {[VN_LEVEL_SPILL] = "spill",
	[VN_LEVEL_SQUEEZE] = "squeeze",
	[VN_LEVEL_DISTANCE] = "distance",
	[VN_LEVEL_LOAD] = "load",
	[VN_LEVEL_FRAGMENTATION] = "fragmentation",
	[VN_LEVEL_TIES] = "ties"};

const char *const vn_binding_names[VN_N_BINDINGS] = {[VN_BINDING_PREFERRED] = "preferred",
	[VN_BINDING_STRICT] = "strict",
	[VN_BINDING_INTERLEAVE] = "interleave"};

const char *const vn_memory_policy_names[VN_N_MEMORY_POLICIES] = {
	[VN_MEMORY_PREFERRED] = "preferred", [VN_MEMORY_STRICT] = "strict"};

const char *const vn_policy_names[VN_N_POLICIES] = {[VN_POLICY_PACK] = "pack", [VN_POLICY_SPREAD] = "spread"};

const char *const vn_guest_numa_names[VN_N_GUEST_NUMA] = {
	[VN_GUEST_NUMA_AUTO] = "auto", [VN_GUEST_NUMA_ON] = "on", [VN_GUEST_NUMA_OFF] = "off"};
