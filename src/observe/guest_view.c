/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest_view.h"

#include "../base/text.h"
#include "../model/guest.h"

#define CODE "guest-view"
#define KEPT_BY_KERNEL(memory) ((memory) / 16 + 64 * VN_MIB)

static int compare_cpus(
	unsigned id, const json_t *told, const struct vn_host_node *seen, struct vn_notes *mismatches)
{
	vn_autoset cpus = hwloc_bitmap_alloc();
	size_t i;
	json_t *cpu;

	if (!cpus)
		return -ENOMEM;
	json_array_foreach (told, i, cpu) {
		if (!json_is_integer(cpu) || json_integer_value(cpu) < 0 ||
			json_integer_value(cpu) > VN_SET_MAX)
			return -EINVAL;
		hwloc_bitmap_set(cpus, (unsigned)json_integer_value(cpu));
	}
	if (hwloc_bitmap_isequal(cpus, seen->cpus))
		return 0;
	vn_autofree char *told_text = vn_set_text(cpus);
	vn_autofree char *seen_text = vn_set_text(seen->cpus);
	return vn_notes_add(
		mismatches, CODE, "node %u: CPUs %s seen; foretold: %s", id, seen_text, told_text);
}

static int compare_memory(
	unsigned id, uint64_t told, const struct vn_host_node *seen, struct vn_notes *mismatches)
{
	char told_text[VN_SIZE_TEXT], seen_text[VN_SIZE_TEXT];

	if (seen->memory_total <= told && seen->memory_total + KEPT_BY_KERNEL(told) >= told)
		return 0;
	return vn_notes_add(mismatches, CODE, "node %u: %s seen; foretold: %s less what its kernel keeps", id,
		vn_size_text(seen->memory_total, seen_text), vn_size_text(told, told_text));
}

static int compare_distances(
	unsigned id, const json_t *told, const struct vn_host_node *seen, struct vn_notes *mismatches)
{
	size_t j;
	json_t *distance;

	json_array_foreach (told, j, distance) {
		if (!json_is_integer(distance))
			return -EINVAL;
		if (json_integer_value(distance) == (json_int_t)seen->distances[j])
			continue;
		int r = vn_notes_add(mismatches, CODE, "node %u to %zu: distance %u seen; foretold: %lld", id,
			j, seen->distances[j], (long long)json_integer_value(distance));
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_node(const json_t *told, const struct vn_host *seen, struct vn_notes *mismatches)
{
	const json_t *id_json = json_object_get(told, "id"), *memory = json_object_get(told, "memory");
	const json_t *cpus = json_object_get(told, "cpus"), *distances = json_object_get(told, "distances");

	if (!json_is_integer(id_json) || json_integer_value(id_json) < 0 || !json_is_integer(memory) ||
		!json_is_array(cpus) || !json_is_array(distances) ||
		json_array_size(distances) != seen->n_nodes)
		return -EINVAL;
	unsigned id = (unsigned)json_integer_value(id_json);
	int index = vn_host_node_index(seen, id);
	if (index < 0)
		return vn_notes_add(mismatches, CODE, "node %u: not there; foretold: a node", id);
	const struct vn_host_node *node = &seen->nodes[index];
	int r = compare_cpus(id, cpus, node, mismatches);
	if (r == 0)
		r = compare_memory(id, (uint64_t)json_integer_value(memory), node, mismatches);
	return r < 0 ? r : compare_distances(id, distances, node, mismatches);
}

int vn_guest_view_compare(const json_t *plan, const struct vn_host *seen, struct vn_notes *mismatches)
{
	const json_t *nodes = json_object_get(json_object_get(plan, "guest_view"), "nodes");
	size_t i;
	json_t *node;

	if (!json_is_array(nodes))
		return -EINVAL;
	if (json_array_size(nodes) != seen->n_nodes)
		return vn_notes_add(mismatches, CODE, "%zu nodes seen; foretold: %zu", seen->n_nodes,
			json_array_size(nodes));
	json_array_foreach (nodes, i, node) {
		int r = compare_node(node, seen, mismatches);
		if (r < 0)
			return r;
	}
	return 0;
}
