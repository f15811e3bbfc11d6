/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest is told of nodes: which memory and which vCPUs each has, and how far they are from each other. */
#include "../model/guest_sockets.h"
#include "emit_qemu_part.h"

static void add_node(struct vn_qemu_line *line, size_t vnode)
{
	vn_autofree char *memdev = vn_qemu_memory_at_start(line->guest, vnode)
					   ? vn_format(",memdev=" VN_QEMU_RAM_ID, vnode)
					   : vn_copy("");
	vn_autofree char *initiator = NULL;
	int best = line->guest->hmat ? vn_qemu_initiator(line->guest, vnode) : -1;

	/* With HMAT, each node has one (QEMU's hw/core/machine.c, numa_validate_initiator()). */
	initiator = best >= 0 ? vn_format(",initiator=%d", best) : vn_copy("");
	line->argv->short_of_memory |= !memdev || !initiator;
	vn_argv_add(line->argv, "-numa");
	vn_argv_add(
		line->argv, "node,nodeid=%zu%s%s", vnode, memdev ? memdev : "", initiator ? initiator : "");
}

/* QEMU numbers vCPUs with the thread fastest, then core, die, socket (include/hw/i386/topology.h, x86_topo_ids_from_idx()). */
static void add_cpus(struct vn_qemu_line *line)
{
	struct vn_guest_topology of = vn_guest_sockets(line->guest);
	unsigned threads = of.threads;

	for (unsigned i = 0; i < line->guest->maxvcpus; i++) {
		unsigned core = i / threads, die = core / of.cores;
		vn_autofree char *die_id = of.dies > 1 ? vn_format(",die-id=%u", die % of.dies) : vn_copy("");
		line->argv->short_of_memory |= !die_id;
		vn_argv_add(line->argv, "-numa");
		vn_argv_add(line->argv, "cpu,node-id=%d,socket-id=%u%s,core-id=%u,thread-id=%u",
			vn_guest_vnode_of(line->guest, i), die / of.dies, die_id ? die_id : "",
			core % of.cores, i % threads);
	}
}

void vn_qemu_add_distances(struct vn_qemu_line *line)
{
	const struct vn_guest *guest = line->guest;

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < guest->n_vnodes; j++) {
			if (i == j)
				continue;
			vn_argv_add(line->argv, "-numa");
			vn_argv_add(line->argv, "dist,src=%zu,dst=%zu,val=%u", i, j,
				guest->vnodes[i].distances[j]);
		}
	}
}

void vn_qemu_add_numa(struct vn_qemu_line *line)
{
	for (size_t i = 0; i < line->guest->n_vnodes; i++)
		add_node(line, i);
	add_cpus(line);
	vn_qemu_add_distances(line);
}
