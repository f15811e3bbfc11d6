/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: locality is the sum over vCPUs of a vCPU's share of the VM's CPU time, times the share of its vnode's present
 * pages that are on the node it ran on; for a vCPU that ran on several, weighed by its time on each. Since the vCPUs of a vnode have
 * the same pages, that is
 *
 *     L = sum over vnodes v of weight(v) * R(v),    R(v) = sum over nodes n of on(v, n) * present pages of v on n / present pages of v
 *
 * with on(v, n) the share of time that v's vCPUs spent on n. A page of v on n scores on(v, n), between 0 and 1, and R(v) is the mean
 * score of v's present pages. Vnodes with vCPUs but no memory, and memory that nobody touched yet, have no pages to be near to: they
 * count in neither weight nor sum.
 *
 * Interval: each block's pages were drawn by themselves. Of block b with n(b) pages asked, of which the share x(b) is present with the
 * mean score p(b), p(b) has Wilson's interval [l(b), u(b)] of n(b) x(b) pages (vn_mean_interval), between the least and the most that a
 * page can score. R = sum of W(b) p(b), W(b) = S(b) x(b) / sum of S x, S the size in bytes. Intervals of independent parts are joined by the method of variance estimates recovery (G. Y. Zou,
 * W. Huang, X. Zhang, "A note on confidence interval estimation for a linear function of binomial proportions", Computational
 * Statistics & Data Analysis 53, 2009):
 *
 *     low = R - sqrt(sum of (W (p - l))^2 + z^2 sum of (S / sum of S x)^2 (p - R)^2 x (1 - x) / n),    high likewise with u - p
 *
 * The second sum is what the weights W add, which are estimates themselves (the delta method; it is 0 for one block, and where all is
 * present). L is joined of the R(v) the same way, without such a term: the weights are times, not samples.
 */
#include "locality.h"

#include <math.h>
#include <string.h>

#define Z99 2.5758293035489004 /* the normal distribution's two-sided 99% point */

struct block_score {
	double present; /* share of pages asked */
	struct vn_share_interval mean; /* score of those present */
};

/* The least and the most that a page can score: between these its mean lies, and no page varies more than from one to the other. */
static void range_of(const struct vn_case *the, const double *on, double *ret_low, double *ret_high)
{
	*ret_low = 1;
	*ret_high = 0;
	for (size_t i = 0; i < the->host->n_nodes; i++) {
		*ret_low = fmin(*ret_low, on[i]);
		*ret_high = fmax(*ret_high, on[i]);
	}
}

static struct block_score score_block(
	const struct vn_case *the, const struct vn_block_sample *block, const double *on)
{
	const struct vn_residency *residency = &block->residency;
	uint64_t pages = 0;
	double sum = 0, low, high;

	for (size_t i = 0; i < residency->n_nodes; i++) {
		int node = vn_case_index(the->host, residency->nodes[i].node);
		pages += residency->nodes[i].pages;
		sum += node >= 0 ? on[node] * (double)residency->nodes[i].pages : 0;
	}
	range_of(the, on, &low, &high);
	double mean = pages ? fmax(low, fmin(high, sum / (double)pages)) : low, width = high - low;
	struct vn_share_interval part =
		width <= 0 ? (struct vn_share_interval){0, 0, 0}
			   : vn_mean_interval((mean - low) / width, pages, residency->exact);
	return (struct block_score){(double)pages / (double)residency->asked,
		{mean, low + width * part.low, low + width * part.high}};
}

static struct vn_share_interval widen(double share, double below, double above)
{
	return (struct vn_share_interval){share, fmax(0, share - sqrt(below)), fmin(1, share + sqrt(above))};
}

struct vn_share_interval vn_locality_of(const struct vn_case *the, size_t at, const double *on)
{
	const struct vn_vm_sample *vm = the->vm;
	double present = the->vnodes[at].present, share = 0, below = 0, above = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < vm->n_blocks; i++) {
			const struct vn_block_sample *block = &vm->blocks[i];
			if (the->n_vnodes > 1 && block->vnode != (int)at)
				continue;
			struct block_score s = score_block(the, block, on);
			double size = (double)block->size / present, weight = size * s.present;
			if (pass == 0) {
				share += weight * s.mean.share;
				continue;
			}
			double x = s.present, off = s.mean.share - share;
			double asked = (double)block->residency.asked;
			double drift = x <= 0 || block->residency.exact
					       ? 0
					       : Z99 * Z99 * size * size * off * off * x * (1 - x) / asked;
			below += pow(weight * (s.mean.share - s.mean.low), 2) + drift;
			above += pow(weight * (s.mean.high - s.mean.share), 2) + drift;
		}
	}
	return widen(fmin(1, share), below, above);
}

/* In bytes by node, of a vector of them. */
static int list_memory(
	const struct vn_case *the, const double *memory, struct vn_node_bytes **ret_v, size_t *ret_n)
{
	struct vn_node_bytes *list = calloc(the->host->n_nodes + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*ret_n = 0;
	for (size_t i = 0; i < the->host->n_nodes; i++) {
		if (memory[i] >= 0.5)
			list[(*ret_n)++] =
				(struct vn_node_bytes){the->host->nodes[i].id, (uint64_t)llround(memory[i])};
	}
	*ret_v = list;
	return 0;
}

static int judge_vnode(const struct vn_case *the, size_t at, struct vn_vnode_audit *vnode)
{
	const struct vn_case_vnode *from = &the->vnodes[at];
	bool known = true, alone = the->host->n_nodes == 1;

	vnode->home = from->home >= 0 ? (int)vn_case_id(the, from->home) : -1;
	vnode->home_by = from->home_by;
	vnode->spread = from->loose;
	vnode->size = from->size;
	for (size_t i = 0; i < the->n_vcpus; i++)
		vnode->cpus += the->vcpus[i].vnode == (int)at ? the->vcpus[i].cpus : 0;
	vnode->has_local = from->n_vcpus > 0 && from->has_place && from->has_memory && from->present > 0;
	if (vnode->has_local) {
		vnode->local = vn_locality_of(the, at, from->on);
		double mean = vn_case_mean(the, from->on, from->memory, &known);
		vnode->mean_distance = known ? mean : 0;
	}
	if (alone && from->n_vcpus > 0) {
		vnode->has_local = true;
		vnode->local = (struct vn_share_interval){1, 1, 1};
		vnode->mean_distance = VN_DISTANCE_LOCAL;
	}
	return list_memory(the, from->memory, &vnode->memory, &vnode->n_memory);
}

/* What has to be known of a vnode before anything can be said of the VM. */
static bool is_unknown(const struct vn_case_vnode *vnode)
{
	if (vnode->weight <= 0 || vnode->n_vcpus == 0)
		return false;
	return !vnode->has_place || (!vnode->has_memory && vnode->size > 0);
}

static void join_vnodes(struct vn_case *the)
{
	struct vn_vm_audit *audit = the->audit;
	double weights = 0, share = 0, below = 0, above = 0, distance = 0;
	bool known = !the->has_strays, distances = true;

	for (size_t v = 0; v < the->n_vnodes; v++) {
		known &= !is_unknown(&the->vnodes[v]);
		weights += audit->vnodes[v].has_local ? the->vnodes[v].weight : 0;
	}
	if (!known || weights <= 0)
		return;
	for (size_t v = 0; v < the->n_vnodes; v++) {
		const struct vn_vnode_audit *vnode = &audit->vnodes[v];
		double weight = vnode->has_local ? the->vnodes[v].weight / weights : 0;
		share += weight * vnode->local.share;
		below += pow(weight * (vnode->local.share - vnode->local.low), 2);
		above += pow(weight * (vnode->local.high - vnode->local.share), 2);
		distance += weight * vnode->mean_distance;
		distances &= weight <= 0 || vnode->mean_distance > 0;
	}
	audit->reach = 0;
	for (size_t v = 0; v < the->n_vnodes; v++) {
		double weight = audit->vnodes[v].has_local ? the->vnodes[v].weight / weights : 0;
		audit->reach += weight / the->vnodes[v].dealt_over;
	}
	audit->has_locality = true;
	audit->locality = widen(fmin(1, share), below, above);
	audit->mean_distance = distances ? distance : 0;
}

/* Memory whose vnode is not known counts as the VM's all the same. */
static int sum_memory(const struct vn_case *the)
{
	const struct vn_vm_sample *vm = the->vm;
	struct vn_vm_audit *audit = the->audit;
	vn_autofree double *memory = calloc(the->host->n_nodes + 1, sizeof(*memory));
	double remote = 0, present = 0;

	if (!memory)
		return -ENOMEM;
	for (size_t i = 0; i < vm->n_blocks; i++) {
		const struct vn_residency *residency = &vm->blocks[i].residency;
		for (size_t k = 0; vm->blocks[i].has_residency && k < residency->n_nodes; k++) {
			int node = vn_case_index(the->host, residency->nodes[k].node);
			double bytes = (double)vm->blocks[i].size * (double)residency->nodes[k].pages /
				       (double)residency->asked;
			memory[node >= 0 ? (size_t)node : the->host->n_nodes] += bytes;
			present += bytes;
		}
	}
	for (size_t v = 0; v < the->n_vnodes; v++) {
		const struct vn_case_vnode *vnode = &the->vnodes[v];
		for (size_t n = 0; n < the->host->n_nodes && audit->vnodes[v].has_local; n++)
			remote += the->host->n_nodes > 1 ? vnode->memory[n] * (1 - vnode->on[n]) : 0;
	}
	audit->present = (uint64_t)llround(present);
	audit->remote = (uint64_t)llround(fmax(0, remote));
	return list_memory(the, memory, &audit->memory, &audit->n_memory);
}

static int tell_unjudged(const struct vn_case *the)
{
	struct vn_vm_audit *audit = the->audit;
	bool memory = false, threads = the->n_vcpus == 0;
	int r = 0;

	if (audit->has_locality)
		return 0;
	for (size_t v = 0; v < the->n_vnodes; v++) {
		memory |= the->vnodes[v].size > 0 && !the->vnodes[v].has_memory;
		threads |= the->vnodes[v].n_vcpus > 0 && !the->vnodes[v].has_place;
	}
	if (memory)
		r = vn_notes_add(&audit->unjudged, "memory-unknown",
			"where its memory is could not be read, so whether it is remote was not judged");
	if (threads && r == 0)
		r = vn_notes_add(&audit->unjudged, "threads-unknown",
			"where its vCPUs run is not known, so their placement was not judged");
	if (the->has_strays && r == 0)
		r = vn_notes_add(&audit->unjudged, "vnodes-unknown",
			"which of its memory or vCPUs are of which vnode is not known, so locality was not judged");
	return r;
}

int vn_locality(struct vn_case *the)
{
	struct vn_vm_audit *audit = the->audit;
	int r = 0;

	audit->vm = the->vm;
	audit->reach = 1;
	audit->vnodes = calloc(the->n_vnodes, sizeof(*audit->vnodes));
	if (!audit->vnodes)
		return -ENOMEM;
	audit->n_vnodes = the->n_vnodes;
	for (size_t v = 0; v < the->n_vnodes && r == 0; v++)
		r = judge_vnode(the, v, &audit->vnodes[v]);
	for (size_t i = 0; i < the->n_vcpus; i++) {
		const struct vn_thread_sample *thread = the->vcpus[i].thread;
		audit->cpus += the->vcpus[i].cpus;
		audit->waited += thread->has_times ? vn_case_cpus(the, thread->wait_ns) : 0;
		audit->migrations += thread->migrations;
	}
	if (the->host->n_nodes == 1) {
		audit->has_locality = the->n_vcpus > 0;
		audit->locality = (struct vn_share_interval){1, 1, 1};
		audit->mean_distance = VN_DISTANCE_LOCAL;
	} else
		join_vnodes(the);
	if (r == 0)
		r = sum_memory(the);
	return r == 0 ? tell_unjudged(the) : r;
}
