/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What could not be read of a VM for want of privilege, and what grants it. */

#include "../model/sample.h"

/*
 * A gap of the VM's: `what` ("its memory could not be read") is not permitted, and with `capability` it is. Its own user is named where
 * that is another than ours: who is that already lacks a capability that QEMU has, or QEMU cannot be looked into by its like
 * (ptrace_may_access(), kernel/ptrace.c). 0 or -ENOMEM.
 */
int vn_tell_not_permitted(
	struct vn_vm_sample *vm, const char *code, const char *what, const char *capability);
