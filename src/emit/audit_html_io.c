/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's network devices and devices of the host: tables, where it has any. */
#define _GNU_SOURCE
#include "audit_html_part.h"

static void put_text_cell(const struct vn_page *page, const char *text)
{
	fputs("<td>", page->out);
	vn_page_text(page, *text ? text : "–");
	fputs("</td>", page->out);
}

static void put_number_cell(const struct vn_page *page, int number)
{
	if (number >= 0)
		fprintf(page->out, "<td class=\"num\">%d</td>", number);
	else
		fputs("<td class=\"num\">?</td>", page->out);
}

/* "2 queues, vhost workers on CPUs 3, 17" */
static void put_queues(
	const struct vn_page *page, const struct vn_vm_sample *vm, const struct vn_nic_sample *nic)
{
	bool any = false;

	fprintf(page->out, "<td>%zu", nic->n_queues);
	for (size_t i = 0; i < nic->n_queues; i++) {
		ptrdiff_t worker = nic->queues[i].worker;
		if (worker < 0 || (size_t)worker >= vm->n_threads || vm->threads[worker].cpu < 0)
			continue;
		fprintf(page->out, "%s%d", any ? ", " : "; vhost on CPU ", vm->threads[worker].cpu);
		any = true;
	}
	fputs("</td>", page->out);
}

static void put_nics(const struct vn_page *page, const struct vn_vm_sample *vm)
{
	if (vm->n_nics == 0)
		return;
	fputs("<h4>Network</h4><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"network\"><table><thead><tr><th>interface</th>"
	      "<th>bridge</th><th>physical</th><th class=\"num\">node</th><th class=\"num\">vnode</th><th>queues</th></tr>"
	      "</thead><tbody>\n",
		page->out);
	for (size_t i = 0; i < vm->n_nics; i++) {
		const struct vn_nic_sample *nic = &vm->nics[i];
		fputs("<tr>", page->out);
		put_text_cell(page, nic->name);
		put_text_cell(page, nic->bridge);
		put_text_cell(page, nic->physical);
		put_number_cell(page, nic->node);
		put_number_cell(page, nic->vnode);
		put_queues(page, vm, nic);
		fputs("</tr>\n", page->out);
	}
	fputs("</tbody></table></div>\n", page->out);
}

/* CPUs that its interrupts go to, all together. */
static void put_irqs(const struct vn_page *page, const struct vn_device_sample *device)
{
	vn_autoset cpus = hwloc_bitmap_alloc();
	uint64_t count = 0;

	for (size_t i = 0; cpus && i < device->n_irqs; i++) {
		const struct vn_irq_sample *irq = &device->irqs[i];
		count += irq->count;
		if (irq->effective && hwloc_bitmap_weight(irq->effective) >= 0)
			hwloc_bitmap_or(cpus, cpus, irq->effective);
	}
	vn_autofree char *list = cpus && !hwloc_bitmap_iszero(cpus) ? vn_set_text(cpus) : NULL;
	fprintf(page->out, "<td class=\"num\">%zu</td><td>%s</td><td class=\"num\">%llu</td>", device->n_irqs,
		list ? list : "?", (unsigned long long)count);
}

static void put_devices(const struct vn_page *page, const struct vn_vm_sample *vm)
{
	if (vm->n_devices == 0)
		return;
	fputs("<h4>Devices of the host</h4><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"devices\"><table><thead><tr>"
	      "<th>address</th><th class=\"num\">node</th><th class=\"num\">vnode</th><th class=\"num\">IRQs</th>"
	      "<th>go to CPUs</th><th class=\"num\">came</th></tr></thead><tbody>\n",
		page->out);
	for (size_t i = 0; i < vm->n_devices; i++) {
		const struct vn_device_sample *device = &vm->devices[i];
		fputs("<tr>", page->out);
		put_text_cell(page, device->address);
		put_number_cell(page, device->node);
		put_number_cell(page, device->vnode);
		put_irqs(page, device);
		fputs("</tr>\n", page->out);
	}
	fputs("</tbody></table></div>\n", page->out);
}

void vn_page_vm_io(const struct vn_page *page, const struct vn_vm_sample *vm)
{
	put_nics(page, vm);
	put_devices(page, vm);
}
