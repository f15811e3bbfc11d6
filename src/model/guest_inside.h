/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the inside of a guest says of its network queues, as its agent told, and what is set there. observe/guest_inside.c reads it,
 * rehome/guest_queues.c reckons, realize/move_guest.c sets. The guest is not trusted: every path is built from parts that were checked.
 */

#include "../base/error.h"
#include "../base/set.h"

#define VN_GUEST_PATH 80u /* bytes of a path of the two forms below, with its end */
#define VN_GUEST_QUEUES_MAX 65536u

/* Which vCPUs send through a queue, or get its interrupts: a file of the guest that holds a mask of its CPUs. */
struct vn_guest_setting {
	char path[VN_GUEST_PATH]; /* /sys/class/net/NAME/queues/tx-N/xps_cpus or /proc/irq/N/smp_affinity */
	unsigned nic, queue; /* of the VM: an index of nics[] of its sample, and the queue pair */
	hwloc_bitmap_t before,
		after; /* owned; `before` of XPS may be empty: no CPU was told to use the queue */
	hwloc_bitmap_t
		earlier; /* what an earlier move had set, and is there until `after` is; owned; NULL: none had */
	/* of the run that has it, and not written down: */
	bool stands; /* nothing is to be set: it is so already, or is an earlier move's and kept for undo alone */
	bool left; /* it could not be set back, and may still be `after` */
};

void vn_guest_setting_clear(struct vn_guest_setting *setting);

/* The paths. `interface` must be one that vn_interface_valid() took. */
void vn_guest_xps_path(const char *interface, unsigned queue, char ret[static VN_GUEST_PATH]);
void vn_guest_irq_path(unsigned number, char ret[static VN_GUEST_PATH]);

/* Whether a path is of the one form, or of any of the two, exactly as those write it. */
bool vn_guest_path_is_xps(const char *path);
bool vn_guest_path_valid(const char *path);

/* What a valid path is of, in few words: "eth0 tx-1", "interrupt 27". Returns `ret`. */
const char *vn_guest_path_short(const char *path, char ret[static VN_GUEST_PATH]);

struct vn_guest_nic {
	unsigned nic; /* an index of nics[] of the sample */
	unsigned n_queues; /* that the guest uses: of these there is a tx-N */
};

struct vn_guest_inside {
	size_t n_nodes;
	hwloc_bitmap_t *nodes; /* CPUs of the guest's node i; NULL: it has no such node; owned */
	size_t n_nics;
	struct vn_guest_nic *nics; /* those with several queues that were found; owned */
	size_t n_settings;
	struct vn_guest_setting
		*settings; /* as they are (`before`); `after` is NULL until it is reckoned; owned */
	struct vn_notes notes;
};

void vn_guest_inside_clear(struct vn_guest_inside *inside);
#define vn_autoinside vn_cleanup(vn_guest_inside_clear) struct vn_guest_inside

/* Appends one; takes `before` over in any case. 0 or -ENOMEM. */
int vn_guest_inside_add(struct vn_guest_inside *inside, const char *path, unsigned nic, unsigned queue,
	hwloc_bitmap_t before);
