/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "not_permitted.h"

#include <unistd.h>

int vn_tell_not_permitted(struct vn_vm_sample *vm, const char *code, const char *what, const char *capability)
{
	if (vm->uid == geteuid())
		return vn_notes_add(&vm->gaps, code, "%s: not permitted; with %s it can", what, capability);
	return vn_notes_add(&vm->gaps, code, "%s: not permitted; as user %u, or with %s, it can", what,
		(unsigned)vm->uid, capability);
}
