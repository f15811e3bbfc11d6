/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of a QEMU command line share. Internal to emit/. */

#include "../base/text.h"
#include "emit_qemu.h"

/* A command line in the making. */
struct vn_qemu_line {
	const struct vn_plan *plan;
	const struct vn_guest *guest;
	const struct vn_qemu_options *options;
	unsigned version; /* of the QEMU it is for */
	struct vn_argv *argv;
	struct vn_error *err;
};

/* A value inside a QEMU option: commas doubled (QEMU's util/qemu-option.c). New string, or NULL. */
char *vn_qemu_escape(const char *value);

/* Adds a word, with `value` escaped in the place of the format's one %s. */
#define VN_QEMU_ADD_ESCAPED(argv, value, ...)                                                                \
	do {                                                                                                 \
		vn_autofree char *escaped_ = vn_qemu_escape(value);                                          \
		(argv)->short_of_memory |= !escaped_;                                                        \
		vn_argv_add(argv, __VA_ARGS__, escaped_ ? escaped_ : "");                                    \
	} while (0)

/* Tells of something that the command line cannot carry as it was wished; where nobody listens, nothing. */
#define VN_QEMU_NOTE(line, ...)                                                                              \
	do {                                                                                                 \
		struct vn_notes *notes_ = (line)->options->notes;                                            \
		if (notes_ && vn_notes_add(notes_, __VA_ARGS__) < 0)                                         \
			(line)->argv->short_of_memory = true;                                                \
	} while (0)

/* Tells of sockets that span vnodes, as -smp has them. */
void vn_qemu_note_sockets(struct vn_qemu_line *line);

/* ---- emit_qemu_memory.c ---- */

/* Bytes of a vnode that are there at start: all but what memory devices hold. */
uint64_t vn_qemu_memory_at_start(const struct vn_guest *guest, size_t vnode);

#define VN_QEMU_HAS_THREAD_CONTEXT VN_TARGET_VERSION(7, 2, 0)

/* `,KEY=0-3,KEY=8`: QEMU takes several ranges as a repeated key (its visitor for lists of integers). NULL when memory is short. */
char *vn_qemu_ranges(const char *key, hwloc_const_bitmap_t set);

/* QEMU's word for how a vnode's memory is tied. */
const char *vn_qemu_policy(const struct vn_qemu_line *line, size_t vnode);

/* The nodes of a vnode's policy as `,host-nodes=…`. The same. */
char *vn_qemu_host_nodes(const struct vn_qemu_line *line, size_t vnode);

/* `-m`. */
void vn_qemu_add_size(struct vn_qemu_line *line);

/* Thread contexts and backends, a vnode's after the other. */
void vn_qemu_add_backends(struct vn_qemu_line *line);

/* `pc-dimm` devices; they name nodes, so these come first. */
void vn_qemu_add_dimms(struct vn_qemu_line *line);

/* `virtio-mem-pci` devices; `bus` is what says where each is: ",bus=pcie.0", or nothing. */
void vn_qemu_add_virtio_mems(struct vn_qemu_line *line, const char *bus);

/* ---- emit_qemu_numa.c ---- */

/* Nodes, CPUs, distances; and these alone. */
void vn_qemu_add_numa(struct vn_qemu_line *line);
void vn_qemu_add_distances(struct vn_qemu_line *line);

/* ---- emit_qemu_hmat.c ---- */

/* The vnode with vCPUs that reaches the memory of this one best: itself where it has some. -1: none has vCPUs. */
int vn_qemu_initiator(const struct vn_guest *guest, size_t vnode);

/* Latencies, bandwidths and caches. */
void vn_qemu_add_hmat(struct vn_qemu_line *line);

/* ---- emit_qemu_channels.c ---- */

/* The virtio-serial device, its ports and their sockets; `bus` as above. */
void vn_qemu_add_channels(struct vn_qemu_line *line, const char *bus);

/* ---- emit_qemu_devices.c ---- */

/* Bridges, I/O threads, disks, interfaces, functions of the host, channels. 0, or -EINVAL where they are more than there are slots. */
int vn_qemu_add_devices(struct vn_qemu_line *line);
