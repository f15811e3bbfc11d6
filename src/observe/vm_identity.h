/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Who a VM is: what its command line and its cgroups tell of its name and of who looks after it. */

#include "../base/words.h"
#include "../model/sample.h"

/* Sets name, uuid, id, accel and the manager that it speaks of from the words of a command line. What is not told stays empty. 0 or -ENOMEM. */
int vn_identity_from_words(const struct vn_words *words, struct vn_vm_sample *vm);

/* Sets cgroup and unit from the text of /proc/PID/cgroup (cgroups(7)). */
void vn_identity_from_cgroup(const char *text, struct vn_vm_sample *vm);

/* Whether the command line is of a QEMU that only answers questions (`-machine none`, as libvirt starts it): no VM. */
bool vn_identity_is_probe(const struct vn_words *words);
