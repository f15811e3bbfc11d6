/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where a VM's guest agent can be talked to: QEMU's socket for it, by the command line. */

#include "survey.h"

/*
 * The path of the socket on which QEMU listens for a client of the guest agent (-device virtserialport,name=org.qemu.guest_agent.0 with
 * its -chardev socket). *ret_path is new. -ENOENT and a reason in *ret_why (a static text) when there is none: no port, or libvirt holds
 * its socket; -ENOMEM.
 */
int vn_agent_path(const struct vn_vm_sample *vm, char **ret_path, const char **ret_why);

/* Reads that of the words of a command line, which a fuzzer may have written. */
int vn_agent_path_parse(
	const char *text, size_t size, const char *file, char **ret_path, const char **ret_why);
