/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit_json.h"

#include "audit_known.h"
#include "plan.h"

static json_t *interval_to_json(bool known, const struct vn_share_interval *interval)
{
	return known ? json_pack("{s:f, s:f, s:f}", "share", interval->share, "low", interval->low, "high",
			       interval->high)
		     : json_null();
}

static json_t *findings_to_json(const struct vn_findings *findings)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < findings->n; i++) {
		const struct vn_finding *finding = &findings->v[i];
		json_t *object = json_pack("{s:s, s:s, s:s?, s:s?, s:f, s:o, s:o}", "code", finding->code,
			"severity", vn_severity_name(finding->severity), "text", finding->text, "fix",
			finding->fix, "cost_cpus", finding->cost, "vnode", vn_json_int(finding->vnode), "tid",
			vn_json_u64(finding->tid > 0, (uint64_t)finding->tid));
		if (json_array_append_new(array, object) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* vCPUs and told distances; null where the command line could not be read. */
static bool put_told(json_t *object, const struct vn_guest *guest, size_t vnode)
{
	bool told = guest && vnode < guest->n_vnodes;
	json_t *distances = told ? json_array() : json_null();

	for (size_t i = 0; told && i < guest->n_vnodes; i++)
		json_array_append_new(distances, json_integer(guest->vnodes[vnode].distances[i]));
	return vn_json_put(object, "vcpus", told ? vn_json_set(guest->vnodes[vnode].vcpus) : json_null()) &&
	       vn_json_put(object, "distances", distances);
}

static json_t *vnode_to_json(const struct vn_vm_audit *vm, size_t i)
{
	const struct vn_vnode_audit *vnode = &vm->vnodes[i];
	bool times = vn_vnode_has_times(vm->vm, i, vm->n_vnodes);
	bool pages = vn_vnode_has_pages(vm->vm, i, vm->n_vnodes);
	json_t *object = json_object();

	bool ok = vn_json_put(object, "id", json_integer((json_int_t)i)) &&
		  vn_json_put(object, "home", vn_json_int(vnode->home)) &&
		  vn_json_put(object, "home_by", vn_json_text(vn_home_by_name(vnode->home_by))) &&
		  vn_json_put(object, "size", vn_json_u64(vnode->size > 0, vnode->size)) &&
		  vn_json_put(object, "memory",
			  pages ? vn_node_bytes_to_json(vnode->memory, vnode->n_memory) : json_null()) &&
		  vn_json_put(object, "local", interval_to_json(vnode->has_local, &vnode->local)) &&
		  vn_json_put(object, "mean_distance",
			  vn_json_real(vnode->mean_distance > 0, vnode->mean_distance)) &&
		  vn_json_put(object, "cpus", vn_json_real(times, vnode->cpus)) &&
		  put_told(object, vm->vm->guest, i);
	if (!ok)
		json_decref(object);
	return ok ? object : NULL;
}

static json_t *vnodes_to_json(const struct vn_vm_audit *vm)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < vm->n_vnodes; i++) {
		if (json_array_append_new(array, vnode_to_json(vm, i)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *vm_to_json(const struct vn_vm_audit *vm)
{
	bool times = vn_vm_has_times(vm->vm), pages = vn_vm_has_pages(vm->vm);
	json_t *object = json_object();

	bool ok =
		vn_json_put(object, "name", json_string(vm->vm->name)) &&
		vn_json_put(object, "pid", json_integer(vm->vm->process.pid)) &&
		vn_json_put(object, "hypervisor", json_string("qemu")) &&
		vn_json_put(object, "locality", vn_json_real(vm->has_locality, vm->locality.share)) &&
		vn_json_put(object, "locality_interval", interval_to_json(vm->has_locality, &vm->locality)) &&
		vn_json_put(
			object, "mean_distance", vn_json_real(vm->mean_distance > 0, vm->mean_distance)) &&
		vn_json_put(object, "cpus", vn_json_real(times, vm->cpus)) &&
		vn_json_put(object, "waited_cpus", vn_json_real(times, vm->waited)) &&
		vn_json_put(object, "migrations", vn_json_u64(times, vm->migrations)) &&
		vn_json_put(object, "present", vn_json_u64(pages, vm->present)) &&
		vn_json_put(object, "remote", vn_json_u64(vm->has_locality, vm->remote)) &&
		vn_json_put(object, "memory",
			pages ? vn_node_bytes_to_json(vm->memory, vm->n_memory) : json_null()) &&
		vn_json_put(object, "vnodes", vnodes_to_json(vm)) && vn_vm_sample_into_json(vm->vm, object) &&
		vn_json_put(object, "unjudged", vn_notes_to_json(&vm->unjudged, NULL)) &&
		vn_json_put(object, "findings", findings_to_json(&vm->findings));
	if (!ok)
		json_decref(object);
	return ok ? object : NULL;
}

static json_t *vms_to_json(const struct vn_audit *audit)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < audit->n_vms; i++) {
		if (json_array_append_new(array, vm_to_json(&audit->vms[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *pools_to_json(const struct vn_host_node *node)
{
	json_t *array = json_array();

	for (size_t i = 0; i < node->n_hugepools; i++)
		json_array_append_new(
			array, json_pack("{s:I, s:I, s:I}", "size", (json_int_t)node->hugepools[i].size,
				       "total", (json_int_t)node->hugepools[i].total, "free",
				       (json_int_t)node->hugepools[i].free));
	return array;
}

/* What of the host stands beside the VMs' figures; all of it is `vnuma topology --json`. */
static json_t *host_to_json(const struct vn_audit *audit)
{
	const struct vn_host *host = audit->sample->host;
	json_t *nodes = json_array();

	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		json_array_append_new(nodes,
			json_pack("{s:i, s:o, s:I, s:o, s:o}", "id", (int)node->id, "cpus",
				vn_json_set(node->cpus), "memory_total", (json_int_t)node->memory_total,
				"memory_free", vn_json_u64(node->has_memory_free, node->memory_free),
				"hugepages", pools_to_json(node)));
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "nodes", nodes, "isolated_cpus",
		host->isolated_cpus ? vn_json_set(host->isolated_cpus) : json_null(), "settings",
		vn_settings_to_json(audit->sample), "findings", findings_to_json(&audit->host));
}

json_t *vn_audit_to_json(const struct vn_audit *audit)
{
	const struct vn_sample *sample = audit->sample;
	json_t *object = json_object();

	bool ok = vn_json_put(object, "schema", json_string("vnuma.audit/1")) &&
		  vn_json_put(object, "taken", json_integer(sample->taken)) &&
		  vn_json_put(object, "interval", json_real((double)sample->interval_ns / 1e9)) &&
		  vn_json_put(object, "looks", json_integer(sample->looks)) &&
		  vn_json_put(object, "exact", json_boolean(sample->pages == 0)) &&
		  vn_json_put(object, "samples", vn_json_u64(sample->pages > 0, sample->pages)) &&
		  vn_json_put(object, "seed", json_integer((json_int_t)sample->seed)) &&
		  vn_json_put(object, "threshold", json_real(audit->threshold)) &&
		  vn_json_put(object, "below_threshold", json_integer((json_int_t)audit->n_below)) &&
		  vn_json_put(object, "host", host_to_json(audit)) &&
		  vn_json_put(object, "vms", vms_to_json(audit)) &&
		  vn_json_put(object, "gaps", vn_notes_to_json(&sample->gaps, NULL));
	if (!ok)
		json_decref(object);
	return ok ? object : NULL;
}
