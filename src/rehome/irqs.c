/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interrupts of a VM's devices: to the homes of those who wait for them, as audit/find_devices.c has it. */
#include <string.h>

#include "part.h"

/* Online CPUs of the home of the device's vnode, or of all; not isolated ones, while there are others. */
static int cpus_of(const struct vn_rehoming *the, const struct vn_device_sample *device, hwloc_bitmap_t ret)
{
	vn_autoset vnodes = hwloc_bitmap_alloc();
	bool known = device->vnode >= 0 && (size_t)device->vnode < the->n_vnodes;

	if (!vnodes)
		return -ENOMEM;
	for (size_t v = 0; v < the->n_vnodes; v++) {
		if ((!known || v == (size_t)device->vnode) && hwloc_bitmap_set(vnodes, (unsigned)v) < 0)
			return -ENOMEM;
	}
	if (vn_rehome_near(the, vnodes, ret) < 0)
		return -ENOMEM;
	return vn_rehome_not_isolated(the->host, ret);
}

static int add_irq(struct vn_rehoming *the, const struct vn_irq_sample *irq, hwloc_const_bitmap_t cpus)
{
	struct vn_move *move = the->move;
	struct vn_move_irq *grown = reallocarray(move->irqs, move->n_irqs + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	move->irqs = grown;
	struct vn_move_irq *to = &grown[move->n_irqs++];
	*to = (struct vn_move_irq){.number = irq->number,
		.before = hwloc_bitmap_dup(irq->cpus),
		.after = hwloc_bitmap_dup(cpus)};
	memcpy(to->name, irq->name, sizeof(to->name));
	return to->before && to->after ? 0 : -ENOMEM;
}

static int add_device(struct vn_rehoming *the, const struct vn_device_sample *device)
{
	vn_autoset cpus = hwloc_bitmap_alloc();
	size_t managed = 0, unread = 0;

	if (!cpus || cpus_of(the, device, cpus) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < device->n_irqs; i++) {
		const struct vn_irq_sample *irq = &device->irqs[i];
		bool has = irq->cpus && !hwloc_bitmap_iszero(irq->cpus);
		managed += irq->managed;
		unread += !irq->managed && !has;
		if (!irq->managed && has && add_irq(the, irq, cpus) < 0)
			return -ENOMEM;
	}
	if (managed > 0 && vn_notes_add(&the->move->notes, "irqs-managed",
				   "%zu interrupt%s of device %s stay: the kernel places them itself",
				   managed, managed == 1 ? "" : "s", device->address) < 0)
		return -ENOMEM;
	if (unread > 0 && vn_notes_add(&the->move->notes, "irqs-left",
				  "%zu interrupt%s of device %s stay: where they may go could not be read",
				  unread, unread == 1 ? "" : "s", device->address) < 0)
		return -ENOMEM;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct vn_move_irq *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

int vn_rehome_irqs(struct vn_rehoming *the)
{
	struct vn_move *move = the->move;
	int r = 0;

	for (size_t i = 0; i < the->vm->n_devices && the->wish->irqs && r == 0; i++)
		r = add_device(the, &the->vm->devices[i]);
	if (move->n_irqs > 1)
		qsort(move->irqs, move->n_irqs, sizeof(*move->irqs), by_number);
	return r;
}
