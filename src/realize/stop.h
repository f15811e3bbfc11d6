/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Ends a VM. */

#include "../model/vm.h"
#include "state.h"

enum vn_stopped {
	VN_STOPPED_DOWN, /* the guest powered off when asked */
	VN_STOPPED_QUIT, /* QEMU was told to quit */
	VN_STOPPED_KILLED, /* QEMU was killed */
	VN_STOPPED_DEAD, /* there was nothing left but its record */
};

struct vn_stop_options {
	int timeout_ms; /* for the guest to power off */
	bool force; /* do not ask the guest */
	int abort_fd; /* readable: stop waiting, leave the VM as it is; -1: none */
};

/*
 * Asks the guest to power off (twice: a guest that is still booting misses the first), then tells QEMU to
 * quit, then kills it; removes its record, socket and log. The process is compared before anything is done: a
 * stranger that has the pid now is not touched, and the record is swept.
 */
int vn_stop(const struct vn_state *state, const struct vn_vm *vm, const struct vn_stop_options *options,
	enum vn_stopped *ret_how, struct vn_error *err);
