/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the verbs about running VMs share. */

#include "../model/occupied.h"
#include "../model/vm.h"
#include "../realize/state.h"
#include "cli.h"

/* The record of the VM that the first operand names. */
int vn_args_vm(
	const struct vn_args *args, struct vn_state *ret_state, struct vn_vm **ret_vm, struct vn_error *err);

/*
 * "dead" (its process is gone, or another has its pid), "starting", or as QEMU says: "running", "paused", "failed" (its
 * accelerator gave up), "silent" (it does not answer), "unknown" (we may not look at its process).
 */
const char *vn_vm_state(const struct vn_vm *vm);

/* The plan's homes as "1 0", a new string, or NULL. */
char *vn_vm_homes_text(const struct vn_vm *vm);

/* SIGINT, SIGTERM and SIGHUP as a readable descriptor from now on, instead of our end. Or negative errno. */
int vn_signals_open(void);

/*
 * What the VMs on record take of each of the host's nodes: vCPUs by their planned CPUs, and the memory they were promised
 * and have not touched yet, which the kernel still counts as free. 
 */
int vn_occupied_read(const struct vn_state *state, const struct vn_host *host,
	struct vn_occupied **ret_occupied, struct vn_error *err);
