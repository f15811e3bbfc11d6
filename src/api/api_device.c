/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of a host's devices. */
#include "api.h"

static const struct vn_host_device *device_at(const struct vn_host *host, size_t index)
{
	return index < host->n_devices ? &host->devices[index] : NULL;
}

static const struct vn_host_irq *irq_at(const struct vn_host *host, size_t device, size_t irq)
{
	const struct vn_host_device *d = device_at(host, device);
	return d && irq < d->n_irqs ? &d->irqs[irq] : NULL;
}

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

size_t vn_host_device_count(const struct vn_host *host)
{
	return host->n_devices;
}

const char *vn_host_device_address(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? d->address : NULL;
}

int vn_host_device_node(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? vn_api_id(d->node) : -ERANGE;
}

int vn_host_device_class_code(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? vn_api_id(d->class_code) : -ERANGE;
}

int vn_host_device_vendor(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? vn_api_id(d->vendor) : -ERANGE;
}

int vn_host_device_product(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? vn_api_id(d->device) : -ERANGE;
}

const char *vn_host_device_driver(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? d->driver : NULL;
}

int vn_host_device_name_count(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? (int)d->n_names : -ERANGE;
}

const char *vn_host_device_name(const struct vn_host *host, size_t device, size_t name)
{
	const struct vn_host_device *d = device_at(host, device);
	return d && name < d->n_names ? d->names[name] : NULL;
}

const char *vn_host_device_physical_function(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? text_or_null(d->physical_function) : NULL;
}

const char *vn_host_device_root(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? text_or_null(d->root) : NULL;
}

int vn_host_device_cpus(const struct vn_host *host, size_t device, unsigned *ret_ids, size_t max)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? vn_api_set(d->local_cpus, ret_ids, max) : -ERANGE;
}

int vn_host_device_irq_count(const struct vn_host *host, size_t device)
{
	const struct vn_host_device *d = device_at(host, device);
	return d ? (int)d->n_irqs : -ERANGE;
}

int vn_host_device_irq_number(const struct vn_host *host, size_t device, size_t irq)
{
	const struct vn_host_irq *i = irq_at(host, device, irq);
	return i ? (int)i->number : -ERANGE;
}

int vn_host_device_irq_cpus(
	const struct vn_host *host, size_t device, size_t irq, unsigned *ret_ids, size_t max)
{
	const struct vn_host_irq *i = irq_at(host, device, irq);
	return i ? vn_api_set(i->cpus, ret_ids, max) : -ERANGE;
}

int vn_host_device_irq_effective_cpus(
	const struct vn_host *host, size_t device, size_t irq, unsigned *ret_ids, size_t max)
{
	const struct vn_host_irq *i = irq_at(host, device, irq);
	return i ? vn_api_set(i->effective, ret_ids, max) : -ERANGE;
}
