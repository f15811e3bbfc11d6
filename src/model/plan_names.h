/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the choices in a plan are called in JSON: by their number, as many as the VN_N_ says. */

#include "plan.h"

#define VN_N_LEVELS (VN_LEVEL_TIES + 1)
#define VN_N_BINDINGS (VN_BINDING_INTERLEAVE + 1)
#define VN_N_MEMORY_POLICIES (VN_MEMORY_STRICT + 1)
#define VN_N_POLICIES (VN_POLICY_SPREAD + 1)
#define VN_N_GUEST_NUMA (VN_GUEST_NUMA_OFF + 1)

extern const char *const vn_level_names[VN_N_LEVELS]; /* spill, squeeze, … */
extern const char *const vn_binding_names[VN_N_BINDINGS]; /* preferred, strict, interleave */
extern const char *const vn_memory_policy_names[VN_N_MEMORY_POLICIES]; /* preferred, strict */
extern const char *const vn_policy_names[VN_N_POLICIES]; /* pack, spread */
extern const char *const vn_guest_numa_names[VN_N_GUEST_NUMA]; /* auto, on, off */
