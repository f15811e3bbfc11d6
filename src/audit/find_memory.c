/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory and its home. */
#define _GNU_SOURCE
#include <stdio.h>

#include "../base/text.h"
#include "claim.h"
#include "cost.h"
#include "findings.h"
#include "fix.h"
#include "ledger.h"
#include "locality.h"

#define NODES_NAMED 4u
#define SWAPPED_SHARE 0.01 /* of a VM's memory: less is what any kernel does with pages that nobody uses */

struct claims {
	struct vn_claim remote, spread, cpuset, hugepages, unbound;
};

/* "12% on node 0, 88% on node 1": the fullest first. */
static char *list_shares(const struct vn_case *the, const struct vn_case_vnode *vnode)
{
	vn_autofree bool *told = calloc(the->host->n_nodes, sizeof(*told));
	char *text = NULL;
	size_t length, n = 0;
	FILE *out = told ? open_memstream(&text, &length) : NULL;

	if (!out)
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return NULL;
	for (; n < NODES_NAMED; n++) {
		int most = -1;
		for (size_t i = 0; i < the->host->n_nodes; i++) {
			if (!told[i] && vnode->memory[i] > 0 &&
				(most < 0 || vnode->memory[i] > vnode->memory[most]))
				most = (int)i;
		}
		if (most < 0)
			break;
		told[most] = true;
		fprintf(out, "%s%.0f%% on node %u", n > 0 ? ", " : "",
			100 * vnode->memory[most] / vnode->present, vn_case_id(the, most));
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static const struct vn_hugepool *pool_of(const struct vn_host_node *node, uint64_t page)
{
	for (size_t i = 0; i < node->n_hugepools; i++) {
		if (node->hugepools[i].size == page)
			return &node->hugepools[i];
	}
	return NULL;
}

/* Whether any node tells of pools of this size: else nothing is known of them. */
static bool pools_known(const struct vn_case *the, uint64_t page)
{
	for (size_t i = 0; i < the->host->n_nodes; i++) {
		if (pool_of(&the->host->nodes[i], page))
			return true;
	}
	return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* More huge pages at home, from its free memory; not of 1 GiB, which are seldom to be had once a host has run for a while. */
static int fix_pool(struct vn_case *the, struct vn_case_vnode *vnode, uint64_t pages, struct vn_claim *claim)
{
	const struct vn_host_node *node = &the->host->nodes[vnode->home];

	if (!node->has_memory_free || vnode->page >= (UINT64_C(1) << 30) ||
		the->ledger->nodes[vnode->home].grown ||
		(node->memory_free - least(node->memory_free, the->ledger->nodes[vnode->home].promised)) /
				vnode->page <=
			pages)
		return 0;
	const struct vn_hugepool *pool = pool_of(node, vnode->page);
	uint64_t total = pages + (pool ? pool->total : 0);
	char *fix = vn_format(
		"echo %llu > /sys/devices/system/node/node%u/hugepages/hugepages-%llukB/nr_hugepages",
		(unsigned long long)total, node->id, (unsigned long long)(vnode->page / 1024));
	if (!fix)
		return -ENOMEM;
	vn_claim_before(claim, fix);
	vnode->lack = pages;
	return 0;
}

/* What all vnodes at home with this one, and with its page size, ask of the pool there. */
struct pool_need {
	uint64_t all, coming; /* pages: to start there; to come home from elsewhere */
	bool first; /* none before it does */
	bool grows; /* a command of this VM's adds what is lacking */
};

static struct pool_need need_of_pool(const struct vn_case *the, const struct vn_case_vnode *vnode)
{
	struct pool_need need = {.first = true};

	for (size_t v = 0; v < the->n_vnodes; v++) {
		const struct vn_case_vnode *other = &the->vnodes[v];
		if (other->home != vnode->home || other->page != vnode->page || other->loose)
			continue;
		need.first &= other >= vnode;
		need.grows |= other->lack > 0;
		need.all += other->size / vnode->page;
		if (other->has_memory)
			need.coming += (uint64_t)((other->present - other->memory[other->home]) /
						  (double)vnode->page);
	}
	return need;
}

/* Gives the command. Huge pages are written down when all vnodes were looked at: find_pool() reckons for all at once. */
static void come_home(struct vn_case *the, struct vn_case_vnode *vnode, struct vn_claim *claim)
{
	double bytes = vnode->present - vnode->memory[vnode->home];

	if (vn_case_is_pinned(the))
		return;
	if (vnode->page == 0)
		the->ledger->nodes[vnode->home].promised += (uint64_t)bytes;
	vnode->comes = true;
	vn_claim_move(claim, (size_t)(vnode - the->vnodes), vn_case_id(the, vnode->home));
}

static void settle_pools(const struct vn_case *the)
{
	for (size_t v = 0; v < the->n_vnodes; v++) {
		const struct vn_case_vnode *vnode = &the->vnodes[v];
		if (vnode->page == 0 || vnode->home < 0)
			continue;
		struct vn_ledger_node *node = &the->ledger->nodes[vnode->home];
		double bytes = vnode->comes ? vnode->present - vnode->memory[vnode->home] : 0;
		uint64_t pages = (uint64_t)(bytes / (double)vnode->page);
		node->grown |= vnode->lack > 0;
		node->promised += vnode->lack * vnode->page;
		vn_ledger_take_huge(the->ledger, vnode->home, vnode->page, pages);
	}
}

/* Huge pages: its memory is `away` and has no room at home, or the VM could not start there again. 1: told. */
static int find_pool(
	struct vn_case *the, struct vn_case_vnode *vnode, bool away, double cost, struct vn_claim *claim)
{
	const struct vn_host_node *node = &the->host->nodes[vnode->home];
	const struct vn_hugepool *pool = pool_of(node, vnode->page);
	struct pool_need need = need_of_pool(the, vnode);
	uint64_t total = pool ? pool->total : 0, idle = vn_ledger_huge(the->ledger, vnode->home, vnode->page);
	size_t at = (size_t)(vnode - the->vnodes);
	bool stuck = away && !vn_case_is_pinned(the) && need.coming > idle;
	char page[VN_SIZE_TEXT];

	if (!pools_known(the, vnode->page) || (!stuck && (need.all <= total || !need.first || away)))
		return 0;
	uint64_t lack = stuck ? need.coming - idle : need.all - total;
	vn_claim_part(claim, (int)at, 0, cost,
		vn_format(
			"vnode %zu uses huge pages of %s and is at home on node %u, whose pool has %llu of them, %llu free%s: "
			"%llu more are needed for its memory %s%s",
			at, vn_size_text_exact(vnode->page, page), node->id, (unsigned long long)total,
			(unsigned long long)idle,
			pool && idle < pool->free ? " beside what other commands here take" : "",
			(unsigned long long)lack,
			stuck ? "to come home from other nodes" : "to be there when it is started again",
			the->ledger->nodes[vnode->home].grown
				? "; another command here changes a pool of that node: look again after it"
				: ""));
	if (need.first && fix_pool(the, vnode, lack, claim) < 0)
		return -ENOMEM;
	if (stuck && (need.grows || vnode->lack > 0))
		come_home(the, vnode, claim);
	return 1;
}

static uint64_t shared_bytes(const struct vn_case *the, size_t at)
{
	double bytes = 0;

	for (size_t i = 0; i < the->vm->n_blocks; i++) {
		const struct vn_block_sample *block = &the->vm->blocks[i];
		if ((the->n_vnodes == 1 || block->vnode == (int)at) && block->has_residency &&
			block->shared && block->residency.has_details)
			bytes += (double)block->size * (double)block->residency.shared /
				 (double)block->residency.asked;
	}
	return (uint64_t)bytes;
}

/* What stands in the way of a move, or goes on after it; new, empty for nothing. */
static char *caveats(
	const struct vn_case *the, const struct vn_case_vnode *vnode, double bytes, bool *ret_room)
{
	const struct vn_host_node *node = &the->host->nodes[vnode->home];
	uint64_t shared = shared_bytes(the, (size_t)(vnode - the->vnodes));
	uint64_t left = vn_ledger_memory(the->ledger, vnode->home);
	vn_autofree char *policy = vn_case_ids(the, vnode->policy);
	char size[VN_SIZE_TEXT], need[VN_SIZE_TEXT];
	bool against = vnode->has_policy && !hwloc_bitmap_iszero(vnode->policy) &&
		       !hwloc_bitmap_isset(vnode->policy, (unsigned)vnode->home);

	*ret_room = false;
	if (vn_case_is_pinned(the))
		return vn_format(
			"; device %s has it pinned, as a rule all of it: it comes home only when the VM is started anew",
			the->vm->devices[0].address);
	*ret_room = vnode->page > 0 || (double)left >= bytes;
	vn_autofree char *room =
		*ret_room ? vn_copy("")
			  : vn_format("; it cannot come home now: node %u has %s free%s, not %s", node->id,
				    vn_size_text(left, size),
				    the->ledger->nodes[vnode->home].promised > 0
					    ? " beside what other commands here bring there"
					    : "",
				    vn_size_text((uint64_t)bytes, need));
	vn_autofree char *bound =
		against && policy
			? vn_format("; its policy names node%s %s, where pages go that it touches anew",
				  hwloc_bitmap_weight(vnode->policy) > 1 ? "s" : "", policy)
			: vn_copy("");
	vn_autofree char *mapped =
		shared > 0
			? vn_format(
				  "; up to %s may be mapped by other processes, too, and take CAP_SYS_NICE to move",
				  vn_size_text(shared, size))
			: vn_copy("");
	return room && bound && mapped && policy ? vn_format("%s%s%s", room, bound, mapped) : NULL;
}

static int claim_remote(struct vn_case *the, struct vn_case_vnode *vnode, struct vn_share_interval at_home,
	double cost, struct claims *claims)
{
	size_t at = (size_t)(vnode - the->vnodes);
	double bytes = vnode->present - vnode->memory[vnode->home];
	bool remote = false, room;
	char size[VN_SIZE_TEXT];

	for (size_t n = 0; n < the->host->n_nodes; n++)
		remote |= (int)n != vnode->home && vnode->memory[n] >= vnode->present / 2;
	struct vn_claim *claim = remote ? &claims->remote : &claims->spread;
	vn_autofree char *shares = list_shares(the, vnode);
	vn_autofree char *more = caveats(the, vnode, bytes, &room);
	if (!shares || !more)
		return -ENOMEM;
	vn_claim_part(claim, (int)at, 0, cost,
		vn_format(
			"vnode %zu is at home on node %u (by %s), but %.0f%% (99%% interval %.0f%% to %.0f%%) of its %s present is there: %s%s",
			at, vn_case_id(the, vnode->home), vn_home_by_name(vnode->home_by),
			100 * at_home.share, 100 * at_home.low, 100 * at_home.high,
			vn_size_text((uint64_t)vnode->present, size), shares, more));
	if (room && vnode->goes < 0)
		come_home(the, vnode, claim);
	return 0;
}

static bool is_forbidden(const struct vn_case *the, const struct vn_case_vnode *vnode)
{
	return the->vm->mems && !hwloc_bitmap_iszero(the->vm->mems) &&
	       !hwloc_bitmap_isset(the->vm->mems, vn_case_id(the, vnode->home)) &&
	       the->host->nodes[vnode->home].memory_total > 0 &&
	       (vnode->home_by == VN_HOME_BY_PLAN || vnode->home_by == VN_HOME_BY_AFFINITY);
}

static int claim_forbidden(
	struct vn_case *the, struct vn_case_vnode *vnode, bool away, double cost, struct vn_claim *claim)
{
	size_t at = (size_t)(vnode - the->vnodes);
	vn_autofree char *mems = vn_set_text(the->vm->mems);
	double bytes = vnode->present - vnode->memory[vnode->home];
	bool room = vnode->page > 0 || (double)vn_ledger_memory(the->ledger, vnode->home) >= bytes;

	if (!mems)
		return -ENOMEM;
	vn_claim_part(claim, (int)at, 0, cost,
		vn_format(
			"vnode %zu is at home on node %u (by %s), but its cpuset allows memory of node%s %s only%s",
			at, vn_case_id(the, vnode->home), vn_home_by_name(vnode->home_by),
			hwloc_bitmap_weight(the->vm->mems) > 1 ? "s" : "", mems,
			away && vn_case_is_pinned(the)
				? "; what is away is pinned by a device of the host, and comes home only when the VM is started anew"
			: away && !room ? "; the node has no room left for what is away"
					: ""));
	if (away && room && vnode->goes < 0)
		come_home(the, vnode, claim);
	return 0;
}

/* No command lets the cpuset have homes: none that moves memory there, and nothing is taken of them. */
static void stay_away(struct vn_case *the, struct vn_claim *claim)
{
	for (size_t v = 0; v < the->n_vnodes; v++) {
		struct vn_case_vnode *vnode = &the->vnodes[v];
		if (!vnode->comes || !is_forbidden(the, vnode))
			continue;
		if (vnode->page == 0)
			the->ledger->nodes[vnode->home].promised -=
				(uint64_t)(vnode->present - vnode->memory[vnode->home]);
		vnode->comes = false;
	}
	free(claim->moves);
	claim->moves = NULL;
}

/* One cpuset for all vnodes: one command that lets it have all the homes it lacks, first. Without it no move would work. */
static int fix_forbidden(struct vn_case *the, struct vn_claim *claim)
{
	vn_autoset homes = hwloc_bitmap_alloc();
	char *fix = NULL;

	if (!homes)
		return -ENOMEM;
	for (size_t v = 0; v < the->n_vnodes; v++) {
		const struct vn_case_vnode *vnode = &the->vnodes[v];
		if (!vnode->loose && vnode->home >= 0 && is_forbidden(the, vnode) &&
			hwloc_bitmap_set(homes, (unsigned)vnode->home) < 0)
			return -ENOMEM;
	}
	if (claim->n == 0)
		return 0;
	if (vn_fix_cpuset(the, homes, &fix) < 0)
		return -ENOMEM;
	if (!fix)
		stay_away(the, claim);
	vn_claim_before(claim, fix);
	return 0;
}

static bool is_unbound(const struct vn_case *the, const struct vn_case_vnode *vnode)
{
	return vnode->n_vcpus > 0 && !vnode->elsewhere && vnode->has_policy &&
	       hwloc_bitmap_iszero(vnode->policy) && the->host->n_nodes > 1 &&
	       (vnode->home_by == VN_HOME_BY_PLAN || vnode->home_by == VN_HOME_BY_AFFINITY);
}

static void claim_unbound(struct vn_case *the, struct vn_case_vnode *vnode, struct vn_claim *claim)
{
	size_t at = (size_t)(vnode - the->vnodes);
	unsigned id = vn_case_id(the, vnode->home);

	vn_claim_part(claim, (int)at, 0, 0,
		vn_format(
			"vnode %zu is at home on node %u (by %s), but no policy keeps its memory there: pages that are touched "
			"by other threads, or when the node is full, fall elsewhere; start it with policy=preferred (or bind),host-nodes=%u",
			at, id, vn_home_by_name(vnode->home_by), id));
}

static int find_of_vnode(struct vn_case *the, struct vn_case_vnode *vnode, struct claims *claims)
{
	vn_autofree double *home = calloc(the->host->n_nodes, sizeof(*home));
	vn_autofree double *cpus = calloc(the->host->n_nodes, sizeof(*cpus));
	vn_autoset near = hwloc_bitmap_alloc();
	struct vn_share_interval at_home = {1, 1, 1};
	bool known = true, away;
	double cost = 0;

	if (!home || !cpus || !near || vn_case_near(the, vnode->home, near) < 0)
		return -ENOMEM;
	home[vnode->home] = 1;
	if (hwloc_bitmap_first(near) >= 0)
		cpus[hwloc_bitmap_first(near)] = 1;
	if (vnode->has_memory && vnode->present > 0)
		at_home = vn_locality_of(the, (size_t)(vnode - the->vnodes), home);
	for (size_t i = 0; i < the->n_vcpus; i++) {
		if (vnode->has_memory && the->vcpus[i].vnode == vnode - the->vnodes)
			cost += vn_cost_of_distance(
				the->vcpus[i].cpus, vn_case_mean(the, cpus, vnode->memory, &known));
	}
	away = at_home.high < the->threshold;
	vnode->misplaced = away;
	if (is_forbidden(the, vnode))
		return claim_forbidden(the, vnode, away, cost, &claims->cpuset);
	int r = 0;
	if (vnode->page > 0)
		r = find_pool(the, vnode, away, away ? cost : 0, &claims->hugepages);
	if (r < 0 || (r > 0 && away))
		return r < 0 ? r : 0;
	if (away)
		return claim_remote(the, vnode, at_home, cost, claims);
	if (is_unbound(the, vnode))
		claim_unbound(the, vnode, &claims->unbound);
	return 0;
}

int vn_find_memory(struct vn_case *the)
{
	struct claims claims = {{.code = "memory-remote"}, {.code = "memory-spread"},
		{.code = "cpuset-forbids-home"}, {.code = "hugepages-uneven"}, {.code = "vnode-unbound"}};
	struct vn_claim *const all[] = {
		&claims.remote, &claims.spread, &claims.cpuset, &claims.hugepages, &claims.unbound};
	int r = 0;

	for (size_t v = 0; v < the->n_vnodes && r == 0; v++) {
		struct vn_case_vnode *vnode = &the->vnodes[v];
		bool decided = vnode->home_by == VN_HOME_BY_PLAN || vnode->home_by == VN_HOME_BY_POLICY;
		if (vnode->home >= 0 && !vnode->loose && (vnode->n_vcpus > 0 || decided))
			r = find_of_vnode(the, vnode, &claims);
	}
	if (r == 0)
		r = fix_forbidden(the, &claims.cpuset);
	settle_pools(the);
	if (r == 0)
		r = vn_find_barred(the, &claims.cpuset);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (r == 0)
			r = vn_claim_close(all[i], the, &the->audit->findings);
		vn_claim_clear(all[i]);
	}
	return r;
}

int vn_find_swapped(struct vn_case *the)
{
	vn_autoclaim claim = {.code = "memory-swapped"};
	double swapped = 0, total = 0;
	char out[VN_SIZE_TEXT], of[VN_SIZE_TEXT];

	for (size_t i = 0; i < the->vm->n_blocks; i++) {
		const struct vn_block_sample *block = &the->vm->blocks[i];
		const struct vn_residency *residency = &block->residency;
		if (!block->has_residency || !residency->has_details || residency->asked == 0)
			continue;
		total += (double)block->size;
		swapped += (double)block->size * (double)residency->swapped / (double)residency->asked;
	}
	if (total <= 0 || swapped < SWAPPED_SHARE * total)
		return 0;
	vn_claim_part(&claim, -1, 0, 0,
		vn_format(
			"about %s of its %s is swapped out: the guest waits for the disk when it touches that, wherever its homes are",
			vn_size_text((uint64_t)swapped, out), vn_size_text((uint64_t)total, of)));
	return vn_claim_close(&claim, the, &the->audit->findings);
}
