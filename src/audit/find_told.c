/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest is told of nodes, against how it lives. */
#include "../base/text.h"
#include "claim.h"
#include "cost.h"
#include "findings.h"

#define TOLD_NEAR 15u /* less is told of nodes that are nearly one; nobody's default */
#define FAR 20u /* the host's own distance from here on is far */

static int find_untold(struct vn_case *the)
{
	vn_autoclaim claim = {.code = "guest-without-vnuma"};
	const struct vn_case_vnode *vnode = &the->vnodes[0];
	vn_autoset nodes = hwloc_bitmap_alloc();
	bool known = true;
	double cost = 0;

	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; i < the->n_vcpus; i++) {
		const struct vn_case_vcpu *vcpu = &the->vcpus[i];
		if (vnode->has_memory && vcpu->has_place)
			cost += vn_cost_of_distance(
				vcpu->cpus, vn_case_mean(the, vcpu->on, vnode->memory, &known));
		if (hwloc_bitmap_or(nodes, nodes, vcpu->may) < 0)
			return -ENOMEM;
	}
	for (size_t n = 0; n < the->host->n_nodes; n++) {
		if (vnode->memory[n] > 0 && hwloc_bitmap_set(nodes, (unsigned)n) < 0)
			return -ENOMEM;
	}
	if (hwloc_bitmap_weight(nodes) < 2)
		return 0;
	vn_autofree char *list = vn_case_ids(the, nodes);
	vn_claim_part(&claim, -1, 0, cost,
		list ? vn_format(
			       "its %zu vCPUs and its memory span nodes %s, but it is told of one node: its kernel cannot keep what works "
			       "together near; give it vnodes at its next start (vnuma plan)",
			       the->n_vcpus, list)
		     : NULL);
	return vn_claim_close(&claim, the, &the->audit->findings);
}

/* Somebody's choice; what it leaves to be had is said, and what it is measured by. */
static int find_interleaved(struct vn_case *the)
{
	vn_autoclaim claim = {.code = "memory-interleaved"};

	for (size_t v = 0; v < the->n_vnodes; v++) {
		const struct vn_case_vnode *vnode = &the->vnodes[v];
		if (vnode->dealt_over < 2 || vnode->n_vcpus == 0)
			continue;
		vn_claim_part(&claim, (int)v, 0, 0,
			vn_format(
				"vnode %zu's memory is interleaved over %u nodes by choice, so no more than %.0f%% of it can be near a vCPU; "
				"where latency counts more than bandwidth, bind it to one node at its next start",
				v, vnode->dealt_over, 100.0 / vnode->dealt_over));
	}
	return vn_claim_close(&claim, the, &the->audit->findings);
}

/* Interleaved although it would fit a node is what somebody chose; so is all that vnuma planned. */
static bool is_untold(const struct vn_case *the)
{
	const struct vn_case_vnode *vnode = &the->vnodes[0];
	uint64_t largest = 0;
	unsigned cpus = 0;

	if (!the->vm->guest || the->n_vnodes != 1 || !vnode->loose || the->vm->record || the->n_vcpus == 0)
		return false;
	for (size_t i = 0; i < the->host->n_nodes; i++) {
		const struct vn_host_node *node = &the->host->nodes[i];
		unsigned has = vn_set_weight(node->cpus);
		largest = node->memory_total > largest ? node->memory_total : largest;
		cpus = has > cpus ? has : cpus;
	}
	return !vnode->dealt || vnode->size > largest || the->n_vcpus > cpus;
}

/* Distance between the homes of two vnodes, as far as the host tells. */
static double lives(const struct vn_case *the, size_t v, size_t w, bool *known)
{
	return vn_case_distance(the, (size_t)the->vnodes[v].home, (size_t)the->vnodes[w].home, known);
}

/* Homes that somebody decided on, or that memory shows; not a guess by time, and not one that vCPUs float about. */
static bool homes_stand(const struct vn_case *the)
{
	for (size_t v = 0; v < the->n_vnodes; v++) {
		const struct vn_case_vnode *vnode = &the->vnodes[v];
		if (vnode->home < 0 || vnode->loose || vnode->elsewhere || vnode->misplaced ||
			vnode->home_by == VN_HOME_BY_TIME)
			return false;
	}
	return true;
}

/* A pair that is told nearer than this one, and lives farther apart; or the pair itself is told near and lives far. NULL: neither. */
static char *contradiction(const struct vn_case *the, size_t v, size_t w)
{
	const struct vn_vnode *vnodes = the->vm->guest->vnodes;
	bool known = true;
	double far = lives(the, v, w, &known);

	if (known && vnodes[v].distances[w] < TOLD_NEAR && far >= FAR)
		return vn_format(
			"vnodes %zu and %zu are told to be %u apart, but live on nodes %u and %u, %.0f apart",
			v, w, vnodes[v].distances[w], vn_case_id(the, the->vnodes[v].home),
			vn_case_id(the, the->vnodes[w].home), far);
	for (size_t a = 0; a < the->n_vnodes; a++) {
		for (size_t b = 0; b < the->n_vnodes; b++) {
			bool both = true;
			if (a == b || vnodes[v].distances[w] >= vnodes[a].distances[b])
				continue;
			double other = lives(the, a, b, &both);
			if (known && both && far > other)
				return vn_format(
					"vnodes %zu and %zu are told to be nearer (%u) than %zu and %zu (%u), but live farther apart (%.0f, not %.0f)",
					v, w, vnodes[v].distances[w], a, b, vnodes[a].distances[b], far,
					other);
		}
	}
	return NULL;
}

/* Both ways of a pair are one thing. */
static int find_lies(struct vn_case *the)
{
	vn_autoclaim claim = {.code = "vnuma-lies"};

	for (size_t v = 0; v < the->n_vnodes; v++) {
		for (size_t w = v + 1; w < the->n_vnodes; w++) {
			char *text = contradiction(the, v, w);
			if (!text)
				text = contradiction(the, w, v);
			if (text)
				vn_claim_part(&claim, -1, 0, 0, text);
		}
	}
	return vn_claim_close(&claim, the, &the->audit->findings);
}

int vn_find_told(struct vn_case *the)
{
	if (is_untold(the))
		return find_untold(the);
	int r = find_interleaved(the);
	if (r < 0)
		return r;
	if (the->n_vnodes > 1 && homes_stand(the))
		return find_lies(the);
	return 0;
}
