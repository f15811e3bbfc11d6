/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Memory policies as /proc/PID/numa_maps tells them. */

#include <sys/types.h>

#include "../model/mem_policy.h"
#include "../model/residency.h"

/*
 * Reads a line of numa_maps: the address of the mapping and its policy. The form is mpol_to_str()'s
 * (mm/mempolicy.c): a mode of policy_modes[] (which may hold blanks and parentheses: "prefer (many)"), "="
 * and flags, ":" and nodes. -EINVAL when it is no such line.
 */
int vn_numa_maps_line(const char *line, uint64_t *ret_address, struct vn_mem_policy *ret_policy);

/* Adds the pages of a line (N0=12 N1=3), in units of `unit` bytes, to `residency`. 0 or -ENOMEM. */
int vn_numa_maps_count(const char *line, uint64_t unit, struct vn_residency *residency);

/* The distinct policies of the mappings that [address, address + size) is made of: QEMU binds a backend as
 * one piece. */
int vn_policies_read(pid_t pid, uint64_t address, uint64_t size, struct vn_mem_policy_list *ret_list,
	struct vn_error *err);
