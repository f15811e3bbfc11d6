/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of the host that a guest has, and their interrupts. */
#define _GNU_SOURCE
#include <stdio.h>

#include "../base/text.h"
#include "claim.h"
#include "cost.h"
#include "findings.h"
#include "fix.h"
#include "near.h"

/* Interrupts of one device that go to CPUs of nodes other than where they should. */
struct strays {
	size_t n;
	uint64_t count;
	bool managed; /* some */
	hwloc_bitmap_t at; /* nodes they go to; owned by the caller */
	hwloc_bitmap_t numbers; /* those that can be moved */
};

static int add_irq(const struct vn_case *the, const struct vn_irq_sample *irq, const struct vn_near *near,
	int except, struct strays *strays)
{
	hwloc_const_bitmap_t cpus =
		irq->effective && !hwloc_bitmap_iszero(irq->effective) ? irq->effective : irq->cpus;
	vn_autoset nodes = hwloc_bitmap_alloc();

	if (!nodes || vn_case_nodes(the->host, cpus, nodes) < 0)
		return -ENOMEM;
	if (irq->count == 0 || hwloc_bitmap_iszero(nodes) || hwloc_bitmap_intersects(nodes, near->fine) ||
		(except >= 0 && hwloc_bitmap_isset(nodes, (unsigned)except)))
		return 0;
	strays->n++;
	strays->count += irq->count;
	strays->managed |= irq->managed;
	if (hwloc_bitmap_or(strays->at, strays->at, nodes) < 0 ||
		(!irq->managed && hwloc_bitmap_set(strays->numbers, irq->number) < 0))
		return -ENOMEM;
	return 0;
}

static int fix_irqs(
	const struct vn_case *the, const struct strays *strays, const struct vn_near *near, char **ret_fix)
{
	vn_autoset cpus = vn_fix_cpus(the, near->homes);
	vn_autofree char *list = cpus ? vn_set_text(cpus) : NULL;
	size_t length;
	unsigned number;

	*ret_fix = NULL;
	if (!list)
		return -ENOMEM;
	if (hwloc_bitmap_iszero(strays->numbers))
		return 0;
	if (hwloc_bitmap_weight(strays->numbers) == 1) {
		*ret_fix = vn_format("echo %s > /proc/irq/%d/smp_affinity_list", list,
			hwloc_bitmap_first(strays->numbers));
		return *ret_fix ? 0 : -ENOMEM;
	}
	FILE *out = open_memstream(ret_fix, &length);
	if (!out)
		return -ENOMEM;
	fputs("(for n in", out);
	hwloc_bitmap_foreach_begin (number, strays->numbers) {
		fprintf(out, " %u", number);
	}
	hwloc_bitmap_foreach_end();
	fprintf(out, "; do echo %s > /proc/irq/$n/smp_affinity_list || exit 1; done)", list);
	return fclose(out) == 0 ? 0 : -ENOMEM;
}

static int claim_irqs(const struct vn_case *the, const struct vn_device_sample *device,
	const struct vn_near *near, const struct strays *strays, struct vn_claim *claim)
{
	vn_autofree char *at = vn_case_ids(the, strays->at);
	vn_autofree char *homes = vn_case_ids(the, near->homes);
	char *fix = NULL;

	if (!at || !homes || fix_irqs(the, strays, near, &fix) < 0)
		return -ENOMEM;
	vn_claim_part(claim, device->vnode, 0,
		vn_case_cpus(the, 1) * VN_REMOTE_IRQ_NS * (double)strays->count,
		vn_format(
			"%zu interrupt%s of device %s go%s to CPUs of node%s %s, its vCPUs are at home on node%s %s: %llu of them came%s%s",
			strays->n, strays->n > 1 ? "s" : "", device->address, strays->n > 1 ? "" : "es",
			hwloc_bitmap_weight(strays->at) > 1 ? "s" : "", at,
			hwloc_bitmap_weight(near->homes) > 1 ? "s" : "", homes,
			(unsigned long long)strays->count,
			strays->managed ? "; those that the kernel manages cannot be moved" : "",
			the->sample->settings.irqbalance == 1 && fix
				? "; irqbalance runs and may move them back, unless it is told not to (--banirq)"
				: ""));
	vn_claim_fix(claim, fix);
	return 0;
}

static uint64_t interrupts(const struct vn_device_sample *device)
{
	uint64_t count = 0;

	for (size_t i = 0; i < device->n_irqs && !device->posted; i++)
		count += device->irqs[i].count;
	return count;
}

static int find_device(struct vn_case *the, const struct vn_device_sample *device, struct vn_claim *remote,
	struct vn_claim *irqs)
{
	vn_autonear near = {0};
	vn_autoset by = hwloc_bitmap_alloc(), at = hwloc_bitmap_alloc(), numbers = hwloc_bitmap_alloc();
	int node = device->node >= 0 ? vn_case_index(the->host, (unsigned)device->node) : -1;
	int vnode = device->vnode >= 0 && (size_t)device->vnode < the->n_vnodes ? device->vnode : -1;
	int r = vn_near_find(the, vnode, &near);
	struct strays strays = {.at = at, .numbers = numbers};
	bool is_remote = false;

	if (!by || !at || !numbers)
		return -ENOMEM;
	if (r <= 0)
		return r;
	if (node >= 0 && vn_case_near(the, node, by) < 0)
		return -ENOMEM;
	is_remote = node >= 0 && !hwloc_bitmap_intersects(by, near.fine);
	for (size_t i = 0; i < device->n_irqs && !device->posted; i++) {
		if (add_irq(the, &device->irqs[i], &near, is_remote ? node : -1, &strays) < 0)
			return -ENOMEM;
	}
	if (is_remote) { /* no command: the VM's memory, which the device has pinned, would not go along to it */
		vn_autofree char *homes = vn_case_ids(the, near.homes);
		vn_claim_part(remote, vnode, 0,
			vn_case_cpus(the, 1) * VN_REMOTE_IRQ_NS * (double)interrupts(device),
			homes ? vn_format(
					"device %s is on node %u, the vCPUs that use it are at home on node%s %s",
					device->address, vn_case_id(the, node),
					hwloc_bitmap_weight(near.homes) > 1 ? "s" : "", homes)
			      : NULL);
	}
	return strays.n > 0 ? claim_irqs(the, device, &near, &strays, irqs) : 0;
}

int vn_find_devices(struct vn_case *the)
{
	vn_autoclaim remote = {.code = "device-remote"}, irqs = {.code = "irq-remote"};
	int r = 0;

	for (size_t i = 0; i < the->vm->n_devices && r == 0; i++)
		r = find_device(the, &the->vm->devices[i], &remote, &irqs);
	if (r == 0)
		r = vn_claim_close(&remote, the, &the->audit->findings);
	return r == 0 ? vn_claim_close(&irqs, the, &the->audit->findings) : r;
}
