/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host as JSON. A key is always there; what the source did not tell is null, never a number made up. A
 * distance that is not known is null too.
 */
#include "host.h"

#include "../base/parse.h"

/* Sets `key` of `object` and takes the value over; false when memory is short (the value may be NULL then).
 */
static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

/* JSON holds UTF-8 only: a path that is none cannot be told. */
static json_t *text_or_null(const char *text)
{
	return text && vn_text_is_printable(text) ? json_string(text) : json_null();
}

static json_t *number_or_null(bool known, uint64_t number)
{
	return known ? json_integer((json_int_t)number) : json_null();
}

/* Frees an object that could not be filled. */
static json_t *all_or_none(json_t *object, bool filled)
{
	if (filled)
		return object;
	json_decref(object);
	return NULL;
}

json_t *vn_json_set(hwloc_const_bitmap_t set)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (int id = set ? hwloc_bitmap_first(set) : -1; ok && id >= 0; id = hwloc_bitmap_next(set, id))
		ok = json_array_append_new(list, json_integer(id)) == 0;
	return all_or_none(list, ok);
}

static json_t *set_or_null(hwloc_const_bitmap_t set)
{
	return set ? vn_json_set(set) : json_null();
}

/* A list of f(&items[i]). */
#define JSON_LIST(items, n, f, ...)                                                                          \
	({                                                                                                   \
		json_t *list_ = json_array();                                                                \
		bool ok_ = list_ != NULL;                                                                    \
		for (size_t i_ = 0; ok_ && i_ < (n); i_++)                                                   \
			ok_ = json_array_append_new(list_, f(&(items)[i_], ##__VA_ARGS__)) == 0;             \
		all_or_none(list_, ok_);                                                                     \
	})

static json_t *pool_to_json(const struct vn_hugepool *pool)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "size", (json_int_t)pool->size, "total",
		(json_int_t)pool->total, "free", (json_int_t)pool->free, "surplus",
		(json_int_t)pool->surplus);
}

static json_t *distances_to_json(const struct vn_host *host, const struct vn_host_node *node)
{
	json_t *object = json_object();
	bool ok = object != NULL;

	for (size_t j = 0; ok && j < host->n_nodes; j++) {
		char id[16];
		uint32_t distance = node->distances[j];
		snprintf(id, sizeof(id), "%u", host->nodes[j].id);
		ok = put(object, id, number_or_null(distance != VN_DISTANCE_UNKNOWN, distance));
	}
	return all_or_none(object, ok);
}

/* A code of PCI, or null for -1. */
static json_t *code_to_json(int32_t code, int digits)
{
	char text[16];

	if (code < 0)
		return json_null();
	snprintf(text, sizeof(text), "0x%0*x", digits, (unsigned)code);
	return json_string(text);
}

static json_t *irq_to_json(const struct vn_host_irq *irq)
{
	json_t *object = json_object();
	bool ok = object && put(object, "irq", json_integer(irq->number)) &&
		  put(object, "cpus", set_or_null(irq->cpus)) &&
		  put(object, "effective_cpus", set_or_null(irq->effective));
	return all_or_none(object, ok);
}

static json_t *name_to_json(char *const *name)
{
	return text_or_null(*name);
}

static json_t *device_to_json(const struct vn_host_device *device)
{
	json_t *object = json_object();
	bool ok = object && put(object, "address", json_string(device->address)) &&
		  put(object, "class", code_to_json(device->class_code, 6)) &&
		  put(object, "vendor", code_to_json(device->vendor, 4)) &&
		  put(object, "device", code_to_json(device->device, 4)) &&
		  put(object, "driver", text_or_null(device->driver)) &&
		  put(object, "name", text_or_null(device->n_names ? device->names[0] : NULL)) &&
		  put(object, "names", JSON_LIST(device->names, device->n_names, name_to_json)) &&
		  put(object, "physical_function",
			  text_or_null(*device->physical_function ? device->physical_function : NULL)) &&
		  put(object, "root", text_or_null(*device->root ? device->root : NULL)) &&
		  put(object, "local_cpus", set_or_null(device->local_cpus)) &&
		  put(object, "irqs", JSON_LIST(device->irqs, device->n_irqs, irq_to_json));
	return all_or_none(object, ok);
}

/* Devices of the node with this id; -1: those whose node the firmware did not tell. */
static json_t *devices_to_json(const struct vn_host *host, int node)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < host->n_devices; i++) {
		if (host->devices[i].node == node)
			ok = json_array_append_new(list, device_to_json(&host->devices[i])) == 0;
	}
	return all_or_none(list, ok);
}

static bool put_number(json_t *object, const char *key, uint64_t number)
{
	return put(object, key, number_or_null(number != 0, number));
}

static json_t *access_to_json(const struct vn_memory_access *access, unsigned class)
{
	json_t *object = json_object();
	bool ok = object && put(object, "class", json_integer(class)) &&
		  put(object, "initiators", vn_json_set(access->initiators)) &&
		  put_number(object, "read_latency", access->read_latency) &&
		  put_number(object, "write_latency", access->write_latency) &&
		  put_number(object, "read_bandwidth", access->read_bandwidth) &&
		  put_number(object, "write_bandwidth", access->write_bandwidth);
	return all_or_none(object, ok);
}

/* The access classes that are told. */
static json_t *accesses_to_json(const struct vn_host_node *node)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (unsigned c = 0; ok && c < VN_ACCESS_CLASSES; c++) {
		if (node->access[c].initiators)
			ok = json_array_append_new(list, access_to_json(&node->access[c], c)) == 0;
	}
	return all_or_none(list, ok);
}

static json_t *id_or_null(int id)
{
	return number_or_null(id >= 0, (uint64_t)id);
}

static json_t *cache_to_json(const struct vn_memory_cache *cache)
{
	json_t *object = json_object();
	bool ok = object && put(object, "level", json_integer(cache->level)) &&
		  put_number(object, "size", cache->size) &&
		  put_number(object, "line_size", cache->line_size) &&
		  put(object, "indexing", id_or_null(cache->indexing)) &&
		  put(object, "write_policy", id_or_null(cache->write_policy));
	return all_or_none(object, ok);
}

static bool put_quality(json_t *object, const struct vn_host_node *node)
{
	return put(object, "memory_kind", text_or_null(vn_memory_kind_text(node->memory_kind))) &&
	       put(object, "memory_tier", id_or_null(node->memory_tier)) &&
	       put(object, "interleave_weight", id_or_null(node->interleave_weight)) &&
	       put(object, "memory_access", accesses_to_json(node)) &&
	       put(object, "memory_side_caches",
		       JSON_LIST(node->memory_caches, node->n_memory_caches, cache_to_json));
}

static bool put_memory(json_t *object, const struct vn_host_node *node)
{
	return put(object, "id", json_integer(node->id)) &&
	       put(object, "memory_total", json_integer((json_int_t)node->memory_total)) &&
	       put(object, "memory_free", number_or_null(node->has_memory_free, node->memory_free)) &&
	       put(object, "memory_reclaimable",
		       number_or_null(node->has_memory_reclaimable, node->memory_reclaimable)) &&
	       put(object, "hugepages", JSON_LIST(node->hugepools, node->n_hugepools, pool_to_json));
}

static json_t *node_to_json(const struct vn_host_node *node, const struct vn_host *host)
{
	json_t *object = json_object();
	bool ok = object && put_memory(object, node) && put_quality(object, node) &&
		  put(object, "cpus", vn_json_set(node->cpus)) &&
		  put(object, "cores", number_or_null(host->cores_known, vn_host_cores(host, node->cpus))) &&
		  put(object, "distances", distances_to_json(host, node)) &&
		  put(object, "devices", devices_to_json(host, (int)node->id));
	return all_or_none(object, ok);
}

static json_t *cpu_to_json(const struct vn_host_cpu *cpu)
{
	json_t *object = json_object();
	bool ok = object && put(object, "id", json_integer(cpu->id)) &&
		  put(object, "online", json_boolean(cpu->online)) &&
		  put(object, "node", id_or_null(cpu->node)) &&
		  put(object, "package", id_or_null(cpu->package)) &&
		  put(object, "die", id_or_null(cpu->die)) &&
		  put(object, "cluster", id_or_null(cpu->cluster)) &&
		  put(object, "core", id_or_null(cpu->core)) && put(object, "l3", id_or_null(cpu->l3)) &&
		  put(object, "siblings", set_or_null(cpu->siblings));
	return all_or_none(object, ok);
}

static json_t *note_to_json(const struct vn_note *note)
{
	return json_pack("{s:s, s:s}", "code", note->code, "text", note->text);
}

json_t *vn_host_to_json(const struct vn_host *host)
{
	json_t *object = json_object();
	bool ok =
		object && put(object, "schema", json_string("vnuma.topology/1")) &&
		put(object, "source", text_or_null(host->source)) &&
		put(object, "live", json_boolean(host->live || host->was_live)) &&
		put(object, "cores_known", json_boolean(host->cores_known)) &&
		put(object, "nodes", JSON_LIST(host->nodes, host->n_nodes, node_to_json, host)) &&
		put(object, "cpus", JSON_LIST(host->cpus, host->n_cpus, cpu_to_json)) &&
		put(object, "allowed_cpus", set_or_null(host->allowed_cpus)) &&
		put(object, "allowed_nodes", set_or_null(host->allowed_nodes)) &&
		put(object, "cgroup_memory", number_or_null(host->has_cgroup_memory, host->cgroup_memory)) &&
		put_number(object, "cgroup_millicpus", host->cgroup_millicpus) &&
		put(object, "offline_nodes", set_or_null(host->offline_nodes)) &&
		put(object, "isolated_cpus", set_or_null(host->isolated_cpus)) &&
		put(object, "nohz_full_cpus", set_or_null(host->nohz_full_cpus)) &&
		put(object, "numa_balancing", id_or_null(host->numa_balancing)) &&
		put(object, "hmat", host->hmat ? vn_hmat_to_json(host->hmat) : json_null()) &&
		put(object, "devices_without_node", devices_to_json(host, -1)) &&
		put(object, "warnings", JSON_LIST(host->notes.v, host->notes.n, note_to_json));
	return all_or_none(object, ok);
}

static json_t *free_node_to_json(const struct vn_host_node *node)
{
	json_t *object = json_object();
	return all_or_none(object, object && put_memory(object, node));
}

json_t *vn_host_free_to_json(const struct vn_host *host, hwloc_const_bitmap_t cells)
{
	json_t *object = json_object(), *nodes = json_array();
	uint64_t total = 0, unused = 0;
	bool all_known = true, ok = object && nodes;

	for (size_t i = 0; ok && i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		if (cells && !hwloc_bitmap_isset(cells, node->id))
			continue;
		total += node->memory_total;
		unused += node->memory_free;
		all_known &= node->has_memory_free;
		ok = json_array_append_new(nodes, free_node_to_json(node)) == 0;
	}
	ok = ok && put(object, "schema", json_string("vnuma.free/1")) &&
	     put(object, "source", text_or_null(host->source)) &&
	     put(object, "memory_total", json_integer((json_int_t)total)) &&
	     put(object, "memory_free", number_or_null(all_known, unused)) &&
	     put(object, "nodes", json_incref(nodes));
	json_decref(nodes);
	return all_or_none(object, ok);
}
