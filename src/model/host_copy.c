/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: every struct is copied as it stands, so that what is added to it later is not forgotten, and then each of its
 * pointers is replaced by a copy of what it points to, before anything can fail: what is freed is never the first's.
 */
#include "host_copy.h"

#include <string.h>

#include "../base/text.h"

/* *set becomes a copy of itself; NULL stays. False when memory is short. */
static bool own_set(hwloc_bitmap_t *set)
{
	hwloc_const_bitmap_t from = *set;

	*set = from ? hwloc_bitmap_dup(from) : NULL;
	return !from || *set;
}

static bool own_text(char **text)
{
	const char *from = *text;

	*text = vn_copy(from);
	return !from || *text;
}

/* The same of an array; one without members becomes NULL. */
static bool own_array(void **array, size_t n, size_t size)
{
	const void *from = *array;

	*array = from && n > 0 ? calloc(n, size) : NULL;
	if (*array)
		memcpy(*array, from, n * size);
	return !from || n == 0 || *array;
}

static bool own_node(struct vn_host_node *node, size_t n_nodes)
{
	bool whole = own_set(&node->cpus);

	for (size_t c = 0; c < VN_ACCESS_CLASSES; c++)
		whole &= own_set(&node->access[c].initiators);
	whole &= own_array((void **)&node->hugepools, node->n_hugepools, sizeof(*node->hugepools));
	whole &=
		own_array((void **)&node->memory_caches, node->n_memory_caches, sizeof(*node->memory_caches));
	return whole & own_array((void **)&node->distances, n_nodes, sizeof(*node->distances));
}

static bool own_device(struct vn_host_device *device)
{
	size_t n_names = device->n_names, n_irqs = device->n_irqs;
	char **const names = device->names;
	struct vn_host_irq *const irqs = device->irqs;
	bool whole = own_set(&device->local_cpus) & own_text(&device->driver);

	device->n_names = device->n_irqs = 0;
	device->names = n_names > 0 ? calloc(n_names, sizeof(*device->names)) : NULL;
	device->irqs = n_irqs > 0 ? calloc(n_irqs, sizeof(*device->irqs)) : NULL;
	whole &= (n_names == 0 || device->names) && (n_irqs == 0 || device->irqs);
	for (size_t i = 0; i < n_names && device->names; i++) {
		device->names[device->n_names] = names[i];
		whole &= own_text(&device->names[device->n_names++]);
	}
	for (size_t i = 0; i < n_irqs && device->irqs; i++) {
		struct vn_host_irq *irq = &device->irqs[device->n_irqs++];
		*irq = irqs[i];
		whole &= own_set(&irq->cpus) & own_set(&irq->effective);
	}
	return whole;
}

static bool own_lists(const struct vn_host *from, struct vn_host *copy)
{
	bool whole = true;

	copy->nodes = calloc(from->n_nodes + 1, sizeof(*copy->nodes));
	copy->cpus = calloc(from->n_cpus + 1, sizeof(*copy->cpus));
	copy->devices = calloc(from->n_devices + 1, sizeof(*copy->devices));
	if (!copy->nodes || !copy->cpus || !copy->devices)
		return false;
	for (size_t i = 0; i < from->n_nodes; i++) {
		copy->nodes[i] = from->nodes[i];
		copy->n_nodes++;
		whole &= own_node(&copy->nodes[i], from->n_nodes);
	}
	for (size_t i = 0; i < from->n_cpus; i++) {
		copy->cpus[i] = from->cpus[i];
		copy->n_cpus++;
		whole &= own_set(&copy->cpus[i].siblings);
	}
	for (size_t i = 0; i < from->n_devices; i++) {
		copy->devices[i] = from->devices[i];
		copy->n_devices++;
		whole &= own_device(&copy->devices[i]);
	}
	return whole;
}

int vn_host_copy(const struct vn_host *from, struct vn_host **ret_copy)
{
	vn_autohost *copy = vn_host_new();

	if (!copy)
		return -ENOMEM;
	*copy = *from;
	copy->n_nodes = copy->n_cpus = copy->n_devices = 0;
	copy->nodes = NULL;
	copy->cpus = NULL;
	copy->devices = NULL;
	copy->notes = (struct vn_notes){0};
	copy->hmat = from->hmat ? vn_hmat_copy(from->hmat) : NULL;
	bool whole = own_text(&copy->source) & own_text(&copy->root) & own_set(&copy->allowed_cpus) &
		     own_set(&copy->allowed_nodes) & own_set(&copy->offline_nodes) &
		     own_set(&copy->isolated_cpus) & own_set(&copy->nohz_full_cpus);
	whole &= own_lists(from, copy) && (copy->hmat || !from->hmat);
	if (!whole || vn_notes_copy(&copy->notes, &from->notes) < 0)
		return -ENOMEM;
	*ret_copy = vn_steal(copy);
	return 0;
}
