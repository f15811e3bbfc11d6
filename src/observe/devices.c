/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a device's node and interrupts are the host's, read by discover/; what changes while a VM runs, how often an
 * interrupt came and where it may go, is read here (/sys/kernel/irq/N, /proc/irq/N: kernel/irq/irqdesc.c, kernel/irq/proc.c). An
 * interrupt that the IOMMU remaps has a chip whose name begins with IR- (drivers/iommu/{intel,amd}). Whether it is posted right into a
 * running vCPU no file tells; it can be where interrupts are remapped and KVM has its virtual interrupt controller switched on
 * (arch/x86/kvm: enable_apicv, avic). An interrupt that the kernel places itself says so only in debugfs (kernel/irq/debugfs.c).
 */
#define _GNU_SOURCE
#include "devices.h"

#include <stdio.h>
#include <string.h>

#include "../base/parse.h"

/* The text of a file without its newline, made harmless; empty when it cannot be read. */
static void read_text(const struct vn_root *root, const char *path, char ret[static VN_SAMPLE_TEXT])
{
	vn_autofree char *text = NULL;

	ret[0] = 0;
	if (vn_root_read(root, path, &text) == 0)
		vn_sample_text(text, strcspn(text, "\n"), ret, VN_SAMPLE_TEXT);
}

static bool is_switched_on(const struct vn_root *root, const char *path)
{
	char text[VN_SAMPLE_TEXT];

	read_text(root, path, text);
	return strcmp(text, "Y") == 0 || strcmp(text, "1") == 0;
}

static int read_set(const struct vn_root *root, const char *path, hwloc_bitmap_t *ret)
{
	vn_autofree char *text = NULL;

	if (vn_root_read(root, path, &text) < 0)
		return 0;
	text[strcspn(text, "\n")] = 0;
	return vn_set_parse(text, ret) == -ENOMEM ? -ENOMEM : 0;
}

static int read_irq(const struct vn_root *root, struct vn_irq_sample *irq)
{
	vn_autofree char *debug = NULL;
	char path[96];

	snprintf(path, sizeof(path), "sys/kernel/irq/%u/actions", irq->number);
	read_text(root, path, irq->name);
	snprintf(path, sizeof(path), "sys/kernel/irq/%u/chip_name", irq->number);
	read_text(root, path, irq->chip);
	snprintf(path, sizeof(path), "sys/kernel/debug/irq/irqs/%u", irq->number);
	irq->managed = vn_root_read(root, path, &debug) == 0 && strstr(debug, "IRQD_AFFINITY_MANAGED");
	snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", irq->number);
	int r = read_set(root, path, &irq->cpus);
	snprintf(path, sizeof(path), "proc/irq/%u/effective_affinity_list", irq->number);
	return r == 0 ? read_set(root, path, &irq->effective) : r;
}

static int read_device(
	const struct vn_survey *survey, const struct vn_host *host, struct vn_device_sample *device)
{
	const struct vn_host_device *seen = vn_host_device(host, device->address);
	bool remapped = false;

	device->node = seen ? seen->node : -1;
	if (!seen)
		return 0;
	device->irqs = calloc(seen->n_irqs + 1, sizeof(*device->irqs));
	if (!device->irqs)
		return -ENOMEM;
	for (size_t i = 0; i < seen->n_irqs; i++) {
		struct vn_irq_sample *irq = &device->irqs[device->n_irqs++];
		irq->number = seen->irqs[i].number;
		if (read_irq(survey->root, irq) < 0)
			return -ENOMEM;
		remapped |= strncmp(irq->chip, "IR-", 3) == 0;
	}
	device->posted =
		remapped && (is_switched_on(survey->root, "sys/module/kvm_intel/parameters/enable_apicv") ||
				    is_switched_on(survey->root, "sys/module/kvm_amd/parameters/avic"));
	return 0;
}

int vn_devices_find(const struct vn_survey *survey, const struct vn_host *host, struct vn_vm_sample *vm)
{
	const struct vn_guest *guest = vm->guest;

	if (!guest || guest->n_hostdevs == 0)
		return 0;
	vm->devices = calloc(guest->n_hostdevs, sizeof(*vm->devices));
	if (!vm->devices)
		return -ENOMEM;
	for (size_t i = 0; i < guest->n_hostdevs; i++) {
		const struct vn_hostdev *hostdev = &guest->hostdevs[i];
		struct vn_device_sample *device = &vm->devices[vm->n_devices++];
		memcpy(device->address, hostdev->address, sizeof(device->address));
		device->vnode = hostdev->has_vnode ? (int)hostdev->vnode : -1;
		if (read_device(survey, host, device) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* How often it came, on all CPUs: "12,0,3". */
static uint64_t count_irq(const struct vn_root *root, unsigned number)
{
	vn_autofree char *text = NULL;
	char path[64];
	uint64_t sum = 0, count;

	snprintf(path, sizeof(path), "sys/kernel/irq/%u/per_cpu_count", number);
	if (vn_root_read(root, path, &text) < 0)
		return 0;
	text[strcspn(text, "\n")] = 0;
	char *rest = text, *field;
	while ((field = strsep(&rest, ","))) {
		if (vn_parse_u64(field, UINT64_MAX, &count) == 0)
			sum += count;
	}
	return sum;
}

/* Counts are taken off modulo 2^64 first, and come out right when they are added later; what came to less (the device was reset) is 0. */
int vn_devices_count_irqs(const struct vn_survey *survey, struct vn_vm_sample *vms, size_t n, int sign)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t d = 0; d < vms[i].n_devices; d++) {
			struct vn_device_sample *device = &vms[i].devices[d];
			for (size_t k = 0; k < device->n_irqs; k++) {
				struct vn_irq_sample *irq = &device->irqs[k];
				uint64_t count = count_irq(survey->root, irq->number);
				irq->count = sign < 0 ? irq->count - count : irq->count + count;
				if (sign > 0 && irq->count > INT64_MAX)
					irq->count = 0;
			}
		}
	}
	return 0;
}
