/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A plan as a QEMU command line. Pure. docs/recipe.md tells what each option is for. */

#include "../model/plan.h"
#include "argv.h"
#include "../model/io_spread.h"
#include "target.h"

struct vn_qemu_options {
	const char *binary; /* argv[0]; NULL: qemu-system-x86_64 */
	const char *accel; /* "kvm" or "tcg" */
	const char *qmp_path; /* socket QEMU listens on, or NULL: none */
	const char *serial_path; /* file for the first serial port, or NULL: none */
	const char *
		channel_folder; /* where channels without a path get their sockets; NULL: VN_CHANNEL_FOLDER, with a note */
	bool paused; /* -S */
	unsigned
		version; /* of QEMU: VN_TARGET_VERSION(); 0: VN_TARGET_QEMU_VERSION. Nothing that came later is asked for */
	struct vn_notes *notes; /* what it cannot carry as wished is told here; or NULL */
};

/* Builds the whole command line. */
int vn_emit_qemu(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_qemu_options *options, struct vn_argv *ret_argv, struct vn_error *err);

/*
 * The command line that the guest was read from (VN_FORM_QEMU, guest->text) with the plan in it, all else as it was. Of the options only
 * `version` and `notes` count.
 */
int vn_emit_qemu_line(const struct vn_plan *plan, const struct vn_guest *guest,
	const struct vn_qemu_options *options, struct vn_argv *ret_argv, struct vn_error *err);

/*
 * The nodes that a vnode's memory policy names: those that the guest's wish fixed, to the letter; else all of its
 * shares' when strict or interleaved; when preferred, one: the home, or where its memory begins when the home has
 * none. Adds to `nodes`; 0 or -ENOMEM.
 */
int vn_policy_nodes(
	const struct vn_plan *plan, const struct vn_guest *guest, size_t vnode, hwloc_bitmap_t nodes);

/* The identifiers of a vnode's backends: of its memory at start, and of its memory device. */
#define VN_QEMU_RAM_ID "ram%zu"
#define VN_QEMU_PLUGGED_ID "plug%zu"

/* That of its virtio-mem device itself. */
#define VN_QEMU_VIRTIO_MEM_ID "vmem%zu"

/* Whether the guest is told of nodes. */
static inline bool vn_qemu_tells_numa(const struct vn_guest *guest)
{
	return guest->guest_numa != VN_GUEST_NUMA_OFF;
}
