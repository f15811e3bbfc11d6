/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Starts a guest on its plan. */

#include "../model/host.h"
#include "../model/vm.h"
#include "state.h"

struct vn_launch_options {
	const char *accel; /* "kvm", "tcg", or NULL: kvm where /dev/kvm opens */
	const char *serial_path; /* file for the first serial port, or NULL */
	int abort_fd; /* readable: give up, and leave nothing behind; -1: none */
	int *lock; /* the state's lock when the caller has it, closed once the start is on record; or NULL */
	struct vn_notes *
		notes; /* what its command line cannot carry as wished, told also when the start fails; or NULL */
};

/*
 * Starts QEMU paused, places its memory and threads as planned, lets it run and watches its first moments.
 * When this returns 0 the guest runs on its plan and its record is written; *ret_vm is that record. After any
 * failure nothing is left: no process, no record, no file. A host that is not live is refused.
 *
 * QEMU is asked for its version, and gets the recipe of that; one that does not answer as QEMU does, that of 7.2.
 */
int vn_launch(const struct vn_state *state, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan *plan, const struct vn_launch_options *options, struct vn_vm **ret_vm,
	struct vn_error *err);

/* The path of the QEMU to run: $VNUMA_QEMU, else qemu-system-x86_64 in PATH, else /usr/libexec/qemu-kvm.
 * -ENOENT. */
int vn_qemu_find(char **ret_path, struct vn_error *err);

/*
 * Makes a name free: a VM that lives keeps it (a problem of the input), the record of a dead one is swept. vn_launch does
 * this too; a caller that plans first wants to know before. The lock must be held.
 */
int vn_launch_claim(const struct vn_state *state, const char *name, struct vn_error *err);
