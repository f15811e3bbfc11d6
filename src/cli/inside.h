/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * --guest: what of a VM's network queues is set inside it, through its agent. For the verbs that set something of a VM.
 *
 *     vn_inside_open()     connects to the agent
 *     vn_inside_reckon()   asks it, and deals the queues out: the sample has them so from then on, so that workers are placed for that
 *     vn_inside_give()     hands settings and notes over to the move, whose journal keeps them; realize/move.h sets them
 *
 * QEMU's socket for the agent is what is connected to; of a domain of libvirt's, which keeps that to itself, a stream through libvirt that
 * behaves as it does (virt/agent.h). That no agent can be asked stops nobody: it is a note, and `failed`.
 *
 * | code | says |
 * | --- | --- |
 * | guest-agent-missing | QEMU has no socket for an agent, or it cannot be connected to; libvirt has none, or cannot be asked |
 * | guest-agent-silent | no agent answers in time, or somebody else talks to it |
 * | guest-agent-forbids | it does not allow a command that this takes |
 * | guest-agent-failed | what it answers is of no use |
 * | guest-irqbalance-may-undo | irqbalance inside the guest may set its interrupts anew |
 *
 * and those of observe/guest_inside.h, rehome/guest_queues.h.
 */

#include "../model/guest_inside.h"
#include "../model/move.h"
#include "../observe/survey.h"
#include "../qga/qga.h"
#include "../virt/child.h"

struct vn_inside {
	struct vn_qga *agent; /* owned; NULL: none */
	struct vn_virt_child libvirt; /* through which it is talked to; ended with it */
	struct vn_guest_inside guest; /* as it is, and as it shall be; owned */
	bool failed; /* what was asked for is not done, or not all of it: a note says why */
};

/* 0, -ENOMEM, -ECANCELED. `stop_fd`: as in vn_survey. */
int vn_inside_open(const struct vn_survey *survey, const struct vn_vm_sample *vm, struct vn_inside *inside,
	struct vn_error *err);
/* Where there is no agent it does nothing. */
int vn_inside_reckon(struct vn_inside *inside, struct vn_vm_sample *vm, struct vn_error *err);
int vn_inside_give(struct vn_inside *inside, struct vn_move *move, struct vn_error *err);
/* Lets the agent go, and keeps what was found. */
void vn_inside_leave(struct vn_inside *inside);
void vn_inside_close(struct vn_inside *inside);
