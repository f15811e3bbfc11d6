/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Figures in JSON are 63 bits wide. Within the limits of the headers all fit:
 *   distance       vCPUs 2^10 * memory 2^26 MiB * distance below 2^8          below 2^44
 *   fragmentation  1024 nodes * (2^26 MiB)^2, with up to 64 TiB on each      at most 2^62
 * No header limits a host's memory, though, so a fragmentation beyond is told as the largest integer, and
 * `fragmentation_saturated` beside it says so. The planner compares the true figures.
 */
#include "plan.h"

#include <math.h>

#include "plan_names.h"
#include "plan_reader.h"

/* Adds a member that may be NULL for want of memory; false then. */
static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

/* The object when all went into it; drops it otherwise. */
static json_t *all_or_none(json_t *object, bool filled)
{
	if (filled)
		return object;
	json_decref(object);
	return NULL;
}

/* Moves `value` (or NULL) to the end of `array` (or NULL). */
static bool append(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) == 0;
}

/* To six digits; what is so large that it has none there (only a plan read back is) as it is. */
static json_t *round_6(double value)
{
	if (value > 1e12)
		return json_real(value);
	return json_real((double)(long long)(value * 1e6 + 0.5) / 1e6);
}

static bool is_wide(vn_i128 value)
{
	return value > INT64_MAX;
}

static json_t *integer(vn_i128 value)
{
	return json_integer(is_wide(value) ? INT64_MAX : (json_int_t)value);
}

json_t *vn_cost_to_json(const struct vn_cost *cost)
{
	json_t *object = json_object();
	bool filled = object && put(object, "spill", integer((vn_i128)cost->spill)) &&
		      put(object, "squeeze", integer((vn_i128)cost->squeeze)) &&
		      put(object, "distance", integer(cost->distance)) &&
		      put(object, "load",
			      round_6((double)cost->load_vcpus /
				      (double)(cost->load_cores ? cost->load_cores : 1))) &&
		      put(object, "load_vcpus", integer((vn_i128)cost->load_vcpus)) &&
		      put(object, "load_cores", integer((vn_i128)cost->load_cores)) &&
		      put(object, "fragmentation", integer(cost->fragmentation));

	if (filled && is_wide(cost->fragmentation))
		filled = put(object, "fragmentation_saturated", json_true());
	return all_or_none(object, filled);
}

static json_t *ids_to_json(const unsigned *ids, size_t n)
{
	json_t *array = json_array();
	bool filled = array != NULL;

	for (size_t i = 0; i < n && filled && ids; i++)
		filled = append(array, json_integer(ids[i]));
	return all_or_none(array, filled);
}

static json_t *distances_to_json(const uint32_t *distances, size_t n)
{
	json_t *array = json_array();
	bool filled = array != NULL;

	for (size_t i = 0; i < n && filled; i++)
		filled = append(array, json_integer(distances[i]));
	return all_or_none(array, filled);
}

static json_t *share_to_json(const struct vn_share *share)
{
	json_t *object = json_object();
	bool filled = object && put(object, "pnode", json_integer(share->pnode)) &&
		      put(object, "memory", integer((vn_i128)share->memory));

	return all_or_none(object, filled);
}

static bool put_shares(json_t *object, const struct vn_plan_vnode *vnode)
{
	json_t *pnodes = json_array(), *shares = json_array();
	bool filled = pnodes && shares;

	for (size_t i = 0; i < vnode->n_shares && filled; i++)
		filled = append(pnodes, json_integer(vnode->shares[i].pnode)) &&
			 append(shares, share_to_json(&vnode->shares[i]));
	bool put_pnodes = put(object, "pnodes", pnodes);
	return put(object, "shares", shares) && put_pnodes && filled;
}

/* How little and how much memory it may have while it runs; of most vnodes both are what they have. */
static bool put_bounds(json_t *object, const struct vn_vnode *vnode)
{
	vn_i128 least = vn_vnode_at_start(vnode);

	return vnode->virtio_mem == 0 ||
	       (put(object, "memory_min", integer(least)) &&
		       put(object, "memory_max", integer(least + vnode->virtio_mem)));
}

static json_t *vnode_to_json(const struct vn_plan *plan, const struct vn_guest *guest, size_t i)
{
	const struct vn_plan_vnode *planned = &plan->vnodes[i];
	const struct vn_vnode *vnode = &guest->vnodes[i];
	json_t *object = json_object();
	bool filled = object && put(object, "id", json_integer((json_int_t)i)) &&
		      put(object, "memory", integer((vn_i128)vnode->memory)) && put_bounds(object, vnode) &&
		      put(object, "vcpus", vn_json_set(vnode->vcpus)) &&
		      put(object, "distances", distances_to_json(vnode->distances, guest->n_vnodes)) &&
		      put(object, "home", json_integer(planned->home)) &&
		      put(object, "home_wanted",
			      vnode->home != (int)planned->home ? json_null() : json_integer(vnode->home)) &&
		      put(object, "hugepages", integer((vn_i128)vn_vnode_page(guest, i))) &&
		      put(object, "memory_policy",
			      json_string(vn_binding_names[vn_plan_binding(plan, guest, i)])) &&
		      put_shares(object, planned) && put(object, "cpus", vn_json_set(planned->cpus));

	return all_or_none(object, filled);
}

static json_t *vnodes_to_json(const struct vn_plan *plan, const struct vn_guest *guest)
{
	json_t *array = json_array();
	bool filled = array != NULL;

	for (size_t i = 0; i < plan->n_vnodes && filled; i++)
		filled = append(array, vnode_to_json(plan, guest, i));
	return all_or_none(array, filled);
}

static json_t *vcpu_to_json(const struct vn_plan *plan, const struct vn_guest *guest, unsigned i)
{
	json_t *object = json_object();
	bool filled = object && put(object, "id", json_integer(i)) &&
		      put(object, "vnode", json_integer(vn_guest_vnode_of(guest, i))) &&
		      put(object, "online", json_boolean(i < guest->vcpus)) &&
		      put(object, "cpus", vn_json_set(plan->vcpu_cpus[i]));

	return all_or_none(object, filled);
}

static json_t *vcpus_to_json(const struct vn_plan *plan, const struct vn_guest *guest)
{
	json_t *array = json_array();
	bool filled = array != NULL;

	for (unsigned i = 0; i < plan->n_vcpus && filled; i++)
		filled = append(array, vcpu_to_json(plan, guest, i));
	return all_or_none(array, filled);
}

static json_t *view_node_to_json(const struct vn_view *view, const struct vn_view_node *node)
{
	json_t *object = json_object();
	bool filled = object && put(object, "id", json_integer(node->id)) &&
		      put(object, "vnode", json_integer(node->vnode)) &&
		      put(object, "cpus", vn_json_set(node->cpus)) &&
		      put(object, "memory", integer((vn_i128)node->memory)) &&
		      put(object, "distances", distances_to_json(node->distances, view->n_nodes));

	return all_or_none(object, filled);
}

static json_t *view_to_json(const struct vn_view *view)
{
	json_t *nodes = json_array();
	bool filled = nodes != NULL;

	for (size_t i = 0; i < view->n_nodes && filled; i++)
		filled = append(nodes, view_node_to_json(view, &view->nodes[i]));
	nodes = all_or_none(nodes, filled);
	json_t *object = json_object();
	return all_or_none(object, put(object, "nodes", nodes));
}

static bool append_notes(json_t *array, const struct vn_notes *notes)
{
	for (size_t i = 0; i < notes->n; i++) {
		json_t *note = json_object();
		bool filled = note && put(note, "code", json_string(notes->v[i].code)) &&
			      put(note, "text", json_string(notes->v[i].text));
		if (!append(array, all_or_none(note, filled)))
			return false;
	}
	return true;
}

json_t *vn_notes_to_json(const struct vn_notes *first, const struct vn_notes *second)
{
	json_t *array = json_array();
	bool filled = array && append_notes(array, first) && (!second || append_notes(array, second));

	return all_or_none(array, filled);
}

static json_t *runner_up_to_json(const struct vn_plan *plan)
{
	json_t *object = json_object();
	bool filled = object && put(object, "homes", ids_to_json(plan->runner_up_homes, plan->n_vnodes)) &&
		      put(object, "cost", vn_cost_to_json(&plan->runner_up_cost)) &&
		      put(object, "decided_by", json_string(vn_level_names[plan->decided_by]));

	return all_or_none(object, filled);
}

static json_t *bound_value(enum vn_level level, const struct vn_cost *bound)
{
	switch (level) {
	case VN_LEVEL_SPILL:
		return integer((vn_i128)bound->spill);
	case VN_LEVEL_SQUEEZE:
		return integer((vn_i128)bound->squeeze);
	case VN_LEVEL_DISTANCE:
		return integer(bound->distance);
	case VN_LEVEL_LOAD:
		return round_6((double)bound->load_vcpus / (double)bound->load_cores);
	case VN_LEVEL_FRAGMENTATION:
		return integer(bound->fragmentation);
	case VN_LEVEL_TIES:
		break;
	}
	return json_null();
}

json_t *vn_bound_to_json(enum vn_level level, const struct vn_cost *bound)
{
	json_t *object = json_object();
	bool filled = object && put(object, "level", json_string(vn_level_names[level])) &&
		      put(object, "value", bound_value(level, bound));

	return all_or_none(object, filled);
}

static json_t *hostdev_to_json(const struct vn_hostdev *hostdev)
{
	json_t *object = json_object();
	bool filled = object && put(object, "address", json_string(hostdev->address)) &&
		      put(object, "vnode", json_integer(hostdev->vnode));

	return all_or_none(object, filled);
}

static json_t *hostdevs_to_json(const struct vn_guest *guest)
{
	json_t *array = json_array();
	bool filled = array != NULL;

	for (size_t i = 0; i < guest->n_hostdevs && filled; i++)
		filled = append(array, hostdev_to_json(&guest->hostdevs[i]));
	return all_or_none(array, filled);
}

/* `cpus` that name all but some ("all,^0") have no end: then `cpus_excluded` lists those. */
static bool put_cpus(json_t *object, hwloc_const_bitmap_t cpus)
{
	vn_autoset excluded = hwloc_bitmap_alloc();
	bool endless = cpus && hwloc_bitmap_weight(cpus) < 0;

	if (!excluded || (endless && hwloc_bitmap_not(excluded, cpus) < 0))
		return false;
	return put(object, "cpus_allowed", cpus && !endless ? vn_json_set(cpus) : json_null()) &&
	       put(object, "cpus_excluded", vn_json_set(excluded));
}

/* What the guest asked for: with it the plan can be counted beside others, and the guest planned again. */
static bool put_wishes(json_t *object, const struct vn_guest *guest)
{
	return put(object, "memory_policy_wanted",
		       json_string(vn_memory_policy_names[guest->memory_policy])) &&
	       put(object, "guest_numa", json_string(vn_guest_numa_names[guest->guest_numa])) &&
	       put(object, "policy", json_string(vn_policy_names[guest->policy])) &&
	       put(object, "exclusive_cores", json_boolean(guest->exclusive_cores)) &&
	       put(object, "threads", json_integer(guest->threads)) && put_cpus(object, guest->cpus) &&
	       put(object, "hostdevs", hostdevs_to_json(guest));
}

/* What there is only with homes. */
static bool put_feasible(json_t *object, const struct vn_plan *plan)
{
	if (!plan->feasible)
		return put(object, "reasons", vn_notes_to_json(&plan->reasons, NULL));
	if (!put(object, "mean_distance",
		    isnan(plan->mean_distance) ? json_null() : round_6(plan->mean_distance)))
		return false;
	if (!plan->optimal && !put(object, "bound", vn_bound_to_json(plan->open_level, &plan->bound)))
		return false;
	return !plan->has_runner_up || put(object, "runner_up", runner_up_to_json(plan));
}

/* Which host the plan is for. As text: a figure of 64 bits is none of JSON's. */
static bool put_host(json_t *object, uint64_t host)
{
	char text[VN_PLAN_HOST_DIGITS + 1];

	snprintf(text, sizeof(text), VN_PLAN_HOST_FORMAT, (unsigned long long)host);
	return host == 0 || put(object, "host", json_string(text));
}

json_t *vn_plan_to_json(const struct vn_plan *plan, const struct vn_guest *guest)
{
	json_t *object = json_object();
	bool filled = object && put(object, "schema", json_string("vnuma.plan/1")) &&
		      put(object, "guest", plan->guest ? json_string(plan->guest) : json_null()) &&
		      put_host(object, plan->host) && put(object, "feasible", json_boolean(plan->feasible)) &&
		      put(object, "optimal", json_boolean(plan->optimal)) &&
		      put(object, "homes", ids_to_json(plan->homes, plan->n_vnodes)) &&
		      put(object, "cost", vn_cost_to_json(&plan->cost)) &&
		      put(object, "memory_policy", json_string(vn_binding_names[plan->binding])) &&
		      put(object, "hugepages", integer((vn_i128)guest->hugepages)) &&
		      put_wishes(object, guest) && put(object, "vnodes", vnodes_to_json(plan, guest)) &&
		      put(object, "vcpus", vcpus_to_json(plan, guest)) &&
		      put(object, "emulator_cpus",
			      plan->emulator_cpus ? vn_json_set(plan->emulator_cpus) : json_array()) &&
		      put(object, "guest_view", view_to_json(&plan->view)) &&
		      put(object, "warnings", vn_notes_to_json(&guest->notes, &plan->warnings)) &&
		      put_feasible(object, plan);

	return all_or_none(object, filled);
}
