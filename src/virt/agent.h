/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The guest agent of a libvirt domain, whose socket libvirtd holds: a stream that behaves as that socket does (qga/qga.h), so that nobody
 * who talks to an agent need know which of the two it is.
 *
 * Theory of operation: a child (child.h) reads a command, one line, has libvirt send it (virDomainQemuAgentCommand()), and writes the reply as
 * a line. libvirt speaks guest-sync with the agent before each command, and lets one caller in at a time (qemuAgentCommandFull(),
 * src/qemu/qemu_agent.c); so guest-sync-delimited, which is for the raw channel and whose reply libvirt could not read, becomes a guest-sync.
 * What the agent refuses comes as an error of libvirt's, and becomes a reply with an error again. Anything else that goes wrong ends the
 * stream, as QEMU ends a socket. Limits of time and size are those of who reads.
 */

#include "child.h"
#include "virt.h"

/*
 * Connects, and has the agent answer once. `stop_fd` ends the wait when it becomes readable (-1: none): -ECANCELED. *ret_child is to be ended by vn_virt_child_end(), which also closes its stream: who hands the
 * stream to another owner gives that a duplicate. -ENOENT: as in virt.h, or the domain has no agent's channel; -ENOTCONN: as there; -ETIMEDOUT: no agent answers,
 * or libvirt does not; -EREMOTEIO; and a problem in libvirt's words.
 */
int vn_virt_agent_open(const struct vn_virt_domain *domain, int stop_fd, struct vn_virt_child *ret_child,
	struct vn_error *err);
