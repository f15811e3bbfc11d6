/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The interrupts of virtio network queues in a guest's /proc/interrupts:
 *
 *                CPU0       CPU1
 *       26:         3          0  PCI-MSIX-0000:00:03.0   1-edge      virtio1-input.0
 *       27:         0          9  PCI-MSIX-0000:00:03.0   2-edge      virtio1-output.0
 *
 * (kernel/irq/proc.c, show_interrupts(); the names are of drivers/net/virtio_net.c, virtnet_find_vqs(), and
 * drivers/virtio/virtio_pci_common.c.) A device with too few vectors shares one, `virtio1-virtqueues`, which is no queue's.
 */

#include <stdbool.h>
#include <stddef.h>

#define VN_QGA_IRQS_MAX 65536u
#define VN_QGA_NUMBER_MAX 65535u /* of a virtio device, of a queue */

struct vn_qga_irq {
	unsigned number; /* of the interrupt */
	unsigned device; /* virtioN */
	unsigned queue;
	bool output;
};

struct vn_qga_irqs {
	size_t n;
	struct vn_qga_irq *v; /* by device, queue, input before output; owned */
};

/* Lines that are of no queue, or not as above, are passed over; an interrupt or a queue that is there twice is -EPROTO. -ENOMEM. */
int vn_qga_irqs_parse(const char *text, struct vn_qga_irqs *ret);
void vn_qga_irqs_clear(struct vn_qga_irqs *irqs);
#define vn_autoqgairqs vn_cleanup(vn_qga_irqs_clear) struct vn_qga_irqs
