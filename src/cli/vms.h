/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the verbs about running VMs share. */

#include "../model/moved.h"
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

/*
 * Whether vnuma moved the VM that is this process, by its journal. One that cannot be read is a problem, and leaves *ret_moved alone: a
 * negative errno.
 */
int vn_vm_moved(const struct vn_state *state, const struct vn_process *process, struct vn_moved *ret_moved,
	struct vn_error *err);

/* Whether the VM's process is there, and past its start. All that is wrong is the environment's. */
int vn_vm_check_alive(const struct vn_vm *vm, struct vn_error *err);

/* The plan's homes as "1 0", a new string, or NULL. */
char *vn_vm_homes_text(const struct vn_vm *vm);

/* SIGINT, SIGTERM and SIGHUP as a readable descriptor from now on, instead of our end. Or negative errno. */
int vn_signals_open(void);
