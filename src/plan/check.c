/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A plan is read back against host, guest and load, from the contract (DESIGN section 4) alone. Nothing here
 * calls the planner or shares code with it: what both would get wrong together could not be found. So
 * everything is worked out anew and plainly, node by node, from ids. What is checked is that the plan is
 * sound and that its figures are true. That no better homes exist is not (that is the search itself), except
 * for the spill, whose ways must be the cheapest: there a cycle of moves that lowers the distance is looked
 * for, which exists exactly when they are not. Memory whose nodes its user has settled is dealt out here once more, and
 * what is left of each node's room is all that the rest may have.
 */
#include "plan_make.h"

#include <string.h>

struct check {
	const struct vn_host *host;
	const struct vn_guest *guest;
	const struct vn_occupied *occupied;
	const struct vn_plan *plan;
	hwloc_bitmap_t *usable; /* per node */
	uint64_t page; /* the size of pages whose memory is looked at */
	uint64_t *capacity, *asked, *kept,
		*stored; /* per node, bytes: of that pool; of vnodes at home; of these kept; in all */
	uint64_t *
		dealt; /* per vnode and node, bytes: of memory that its user deals out; they are no part of `capacity` */
	vn_i128 fragmentation; /* of the pools looked at */
	uint64_t *busy; /* per node: cores' worth of the plan's vCPUs */
	bool bad;
	struct vn_error *err;
};

#define wrong(c, ...) ((c)->bad = true, (void)vn_error_environment((c)->err, -EINVAL, "plan: " __VA_ARGS__))

static void check_clear(struct check *c)
{
	for (size_t i = 0; c->usable && i < c->host->n_nodes; i++)
		hwloc_bitmap_free(c->usable[i]);
	free(c->usable);
	free(c->capacity);
	free(c->asked);
	free(c->kept);
	free(c->stored);
	free(c->dealt);
	free(c->busy);
}

/* Index of a node by id; n_nodes when there is none. */
static size_t find(const struct check *c, unsigned id)
{
	size_t i = 0;

	while (i < c->host->n_nodes && c->host->nodes[i].id != id)
		i++;
	return i;
}

static uint64_t capacity_of(const struct check *c, size_t i)
{
	const struct vn_host_node *node = &c->host->nodes[i];
	uint64_t page = c->page, promised = 0;
	unsigned __int128 bytes = 0;

	for (size_t k = 0; c->occupied && k < c->occupied->nodes[i].n_promised; k++) {
		if (c->occupied->nodes[i].promised[k].page == page)
			promised = c->occupied->nodes[i].promised[k].memory;
	}
	if (c->host->allowed_nodes && !hwloc_bitmap_isset(c->host->allowed_nodes, node->id))
		return 0;
	if (c->guest->nodes && !hwloc_bitmap_isset(c->guest->nodes, node->id))
		return 0;
	if (page == 0 && node->has_memory_free)
		bytes = (unsigned __int128)node->memory_free + node->memory_reclaimable;
	else if (page == 0)
		bytes = node->memory_total;
	for (size_t k = 0; k < node->n_hugepools && page != 0; k++) {
		if (node->hugepools[k].size == page)
			bytes = (unsigned __int128)node->hugepools[k].free * page;
	}
	bytes = bytes > promised ? bytes - promised : 0;
	if (bytes > UINT64_C(1) << 53) /* no pool counts for more */
		bytes = UINT64_C(1) << 53;
	uint64_t grain = page > (1u << 20) ? page : 1u << 20;
	return (uint64_t)bytes / grain * grain;
}

/* Whether the vnode's pages are of the size that is looked at. */
static bool has_pages(const struct check *c, size_t v)
{
	return vn_vnode_page(c->guest, v) == c->page;
}

static uint64_t cores_on(const struct check *c, size_t i)
{
	return vn_host_cores(c->host, c->usable[i]);
}

/* Whether its user wants the vnode's memory on the node, should he want it on certain ones. */
static bool is_named(const struct check *c, size_t v, size_t i)
{
	const struct vn_vnode *wish = &c->guest->vnodes[v];
	unsigned id = c->host->nodes[i].id;

	if (c->guest->nodes && !hwloc_bitmap_isset(c->guest->nodes, id))
		return false;
	return wish->nodes ? hwloc_bitmap_isset(wish->nodes, id)
			   : wish->home < 0 || (unsigned)wish->home == id;
}

/* Whether its memory is tied to nodes without a CPU for its vCPUs, so that these live elsewhere. */
static bool is_apart(const struct check *c, size_t v)
{
	const struct vn_vnode *wish = &c->guest->vnodes[v];
	bool here = false, elsewhere = false;

	for (size_t i = 0; i < c->host->n_nodes; i++) {
		here |= is_named(c, v, i) && cores_on(c, i) > 0;
		elsewhere |= cores_on(c, i) > 0;
	}
	bool named = wish->nodes || wish->home >= 0;
	/* <numatune> is of memory alone */
	bool kept = c->guest->form == VN_FORM_LIBVIRT && c->guest->nodes && !named && !wish->has_binding;
	return ((wish->has_binding && named) || kept) && !hwloc_bitmap_iszero(wish->vcpus) && !here &&
	       elsewhere;
}

/* Whether its user has its memory interleaved over several nodes. */
static bool is_interleaved(const struct check *c, size_t v)
{
	const struct vn_vnode *wish = &c->guest->vnodes[v];

	return wish->has_binding && wish->binding == VN_BINDING_INTERLEAVE && wish->nodes &&
	       hwloc_bitmap_weight(wish->nodes) > 1;
}

/* Whether none of its memory is anything to its home. */
static bool is_dealt(const struct check *c, size_t v)
{
	return is_interleaved(c, v) || is_apart(c, v);
}

/* Whether its memory is to be at home, in pages of the size that is looked at. */
static bool is_of(const struct check *c, size_t v)
{
	return has_pages(c, v) && !is_dealt(c, v);
}

static uint64_t grain_of(const struct check *c)
{
	return c->page > 1u << 20 ? c->page : 1u << 20;
}

/* The first vnode from `v` on whose pages are of a size that none before it has; n_vnodes: there is none. */
static size_t next_size(const struct check *c, size_t v)
{
	for (; v < c->guest->n_vnodes; v++) {
		size_t before = 0;
		while (before < v && vn_vnode_page(c->guest, before) != vn_vnode_page(c->guest, v))
			before++;
		if (before == v)
			break;
	}
	return v;
}

static uint32_t way(const struct check *c, size_t from, size_t to)
{
	const uint32_t *row = c->host->nodes[from].distances;

	if (!row || row[to] == VN_DISTANCE_UNKNOWN)
		return from == to ? 10 : 20;
	return row[to] < 255 ? row[to] : 255;
}

/* Bytes that the node can have of a vnode whose memory is dealt out, beside what it has already. */
static uint64_t space_for(const struct check *c, size_t v, size_t i)
{
	uint64_t has = c->dealt[v * c->host->n_nodes + i];

	if (!is_named(c, v, i) || c->capacity[i] <= has)
		return 0;
	return c->capacity[i] - has;
}

/*
 * Deals a vnode's memory out as its user wants it: all of its nodes that have space get the same, as often as one of them fills up,
 * and what is less than a grain for each goes to the lowest.
 */
static void deal(struct check *c, size_t v)
{
	uint64_t *dealt = c->dealt + v * c->host->n_nodes, grain = grain_of(c);
	uint64_t left = c->guest->vnodes[v].memory, open;

	memset(dealt, 0, c->host->n_nodes * sizeof(*dealt));
	do {
		uint64_t least = UINT64_MAX;
		open = 0;
		for (size_t i = 0; i < c->host->n_nodes; i++) {
			uint64_t space = space_for(c, v, i);
			open += space > 0;
			least = space > 0 && space < least ? space : least;
		}
		uint64_t each = open > 0 ? left / grain / open * grain : 0;
		each = each < least ? each : least;
		for (size_t i = 0; i < c->host->n_nodes; i++) {
			uint64_t here = each > 0 ? each : grain;
			if (space_for(c, v, i) == 0 || left < here)
				continue;
			dealt[i] += here;
			left -= here;
		}
	} while (open > 0 && left >= grain);
}

/* How far the nearest usable CPU is from a node's memory. */
static uint32_t way_to(const struct check *c, size_t node)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < c->host->n_nodes; i++)
		least = cores_on(c, i) > 0 && way(c, i, node) < least ? way(c, i, node) : least;
	return least;
}

/* What the node that it prefers does not take: on the guest's other nodes, those nearest to that one first. */
static void fill_others(struct check *c, size_t v, uint64_t left)
{
	uint64_t *dealt = c->dealt + v * c->host->n_nodes;
	size_t home = find(c, (unsigned)c->guest->vnodes[v].home);

	for (uint32_t distance = 0; distance <= 255 && home < c->host->n_nodes; distance++) {
		for (size_t i = 0; i < c->host->n_nodes; i++) {
			bool open =
				!c->guest->nodes || hwloc_bitmap_isset(c->guest->nodes, c->host->nodes[i].id);
			if (!open || i == home || way(c, home, i) != distance)
				continue;
			uint64_t space = c->capacity[i] < left ? c->capacity[i] : left;
			dealt[i] += space;
			left -= space;
		}
	}
}

/* Puts memory on the nodes that it is tied to, and that are none for vCPUs: as much as fits on those nearest to CPUs, and so on. */
static void fill(struct check *c, size_t v)
{
	uint64_t *dealt = c->dealt + v * c->host->n_nodes, left = c->guest->vnodes[v].memory;

	memset(dealt, 0, c->host->n_nodes * sizeof(*dealt));
	for (uint32_t distance = 0; distance <= 255; distance++) {
		for (size_t i = 0; i < c->host->n_nodes; i++) {
			uint64_t space = way_to(c, i) == distance ? space_for(c, v, i) : 0;
			dealt[i] += space < left ? space : left;
			left -= space < left ? space : left;
		}
	}
	const struct vn_vnode *wish = &c->guest->vnodes[v];
	if (left > 0 && wish->binding == VN_BINDING_PREFERRED && wish->has_binding && !wish->nodes)
		fill_others(c, v, left);
}

/* Looks at the memory of that page size from now on. */
static void turn_to(struct check *c, uint64_t page)
{
	size_t bytes = c->host->n_nodes * sizeof(uint64_t);

	c->page = page;
	for (size_t i = 0; i < c->host->n_nodes; i++)
		c->capacity[i] = capacity_of(c, i);
	memset(c->asked, 0, bytes);
	memset(c->kept, 0, bytes);
	memset(c->stored, 0, bytes);
	for (size_t v = 0; v < c->guest->n_vnodes; v++) {
		if (!has_pages(c, v) || !is_dealt(c, v))
			continue;
		if (is_interleaved(c, v))
			deal(c, v);
		else
			fill(c, v);
		for (size_t i = 0; i < c->host->n_nodes; i++)
			c->capacity[i] -= c->dealt[v * c->host->n_nodes + i];
	}
}

static uint64_t load_on(const struct check *c, size_t i)
{
	return c->occupied ? c->occupied->nodes[i].load : 0;
}

static int check_make(struct check *c)
{
	size_t n = c->host->n_nodes;

	c->usable = calloc(n, sizeof(hwloc_bitmap_t));
	c->capacity = calloc(n, sizeof(*c->capacity));
	c->asked = calloc(n, sizeof(*c->asked));
	c->kept = calloc(n, sizeof(*c->kept));
	c->stored = calloc(n, sizeof(*c->stored));
	c->dealt = calloc(c->guest->n_vnodes * n + 1, sizeof(*c->dealt));
	c->busy = calloc(n, sizeof(*c->busy));
	if (!c->usable || !c->capacity || !c->asked || !c->kept || !c->stored || !c->dealt || !c->busy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		c->usable[i] = hwloc_bitmap_dup(c->host->nodes[i].cpus);
		if (!c->usable[i])
			return -ENOMEM;
		if (c->host->allowed_cpus)
			hwloc_bitmap_and(c->usable[i], c->usable[i], c->host->allowed_cpus);
		if (c->guest->cpus)
			hwloc_bitmap_and(c->usable[i], c->usable[i], c->guest->cpus);
		bool named = c->guest->cpus && hwloc_bitmap_weight(c->guest->cpus) >= 0; /* not "all,^0" */
		if (!named && c->host->isolated_cpus)
			hwloc_bitmap_andnot(c->usable[i], c->usable[i], c->host->isolated_cpus);
		if (c->occupied)
			hwloc_bitmap_andnot(c->usable[i], c->usable[i], c->occupied->claimed);
	}
	return 0;
}

/* Whether a node that the guest is kept to has a usable CPU. */
static bool has_cpus(const struct check *c)
{
	bool any = false;

	for (size_t i = 0; i < c->host->n_nodes; i++)
		any |= cores_on(c, i) > 0 &&
		       (!c->guest->nodes || hwloc_bitmap_isset(c->guest->nodes, c->host->nodes[i].id));
	return any;
}

/* Homes exist, are the user's where he named them, and have CPUs where they are needed. */
static void check_homes(struct check *c)
{
	for (size_t v = 0; v < c->guest->n_vnodes; v++) {
		const struct vn_vnode *wish = &c->guest->vnodes[v];
		unsigned home = c->plan->homes[v];
		size_t i = find(c, home);
		if (i == c->host->n_nodes) {
			wrong(c, "vnode %zu: its home, node %u, does not exist", v, home);
			continue;
		}
		if (c->plan->vnodes[v].home != home)
			wrong(c, "vnode %zu: two homes: %u and %u", v, home, c->plan->vnodes[v].home);
		bool apart = is_apart(c, v); /* what was asked for was so for its memory */
		if ((wish->nodes && !hwloc_bitmap_isset(wish->nodes, home) && !apart) ||
			(c->guest->nodes && !hwloc_bitmap_isset(c->guest->nodes, home) &&
				!(apart && !has_cpus(c))))
			wrong(c, "vnode %zu: home is node %u, which is not among those asked for", v, home);
		if (wish->home >= 0 && (unsigned)wish->home != home && !apart)
			wrong(c, "vnode %zu: home is node %u, and node %d was asked for", v, home,
				wish->home);
		if (!hwloc_bitmap_iszero(wish->vcpus) && cores_on(c, i) == 0)
			wrong(c, "vnode %zu: its home, node %u, has no usable CPU", v, home);
	}
}

/* Where a vnode's memory is to be first: the node that it prefers although vCPUs cannot live there, or else its home. */
static size_t first_of(const struct check *c, size_t v)
{
	const struct vn_vnode *wish = &c->guest->vnodes[v];
	bool preferred =
		is_apart(c, v) && wish->binding == VN_BINDING_PREFERRED && wish->has_binding && !wish->nodes;

	return find(c, preferred ? (unsigned)wish->home : c->plan->vnodes[v].home);
}

/* One vnode's shares: of existing nodes, whole pages, home first, then ever farther, all of the memory. */
static void check_shares_of(struct check *c, size_t v)
{
	const struct vn_plan_vnode *vnode = &c->plan->vnodes[v];
	size_t home = find(c, vnode->home), first = first_of(c, v), before = SIZE_MAX;
	uint64_t sum = 0, page = c->page ? c->page : 4096;

	for (size_t k = 0; k < vnode->n_shares; k++) {
		size_t i = find(c, vnode->shares[k].pnode);
		uint64_t bytes = vnode->shares[k].memory;
		if (i == c->host->n_nodes) {
			wrong(c, "vnode %zu: memory on node %u, which does not exist", v,
				vnode->shares[k].pnode);
			continue;
		}
		if (c->guest->vnodes[v].nodes &&
			!hwloc_bitmap_isset(c->guest->vnodes[v].nodes, vnode->shares[k].pnode))
			wrong(c, "vnode %zu: memory on node %u, which is not among those asked for", v,
				vnode->shares[k].pnode);
		if (bytes == 0 || bytes % page != 0 || bytes > c->guest->vnodes[v].memory)
			wrong(c, "vnode %zu: %llu bytes on node %u", v, (unsigned long long)bytes,
				vnode->shares[k].pnode);
		for (size_t l = 0; l < k; l++) {
			if (vnode->shares[l].pnode == vnode->shares[k].pnode)
				wrong(c, "vnode %zu: node %u is named twice", v, vnode->shares[k].pnode);
		}
		if (i == first && k > 0)
			wrong(c, "vnode %zu: node %u is not the first of its nodes", v,
				c->host->nodes[first].id);
		if (before != SIZE_MAX && before != first && way(c, first, i) < way(c, first, before))
			wrong(c, "vnode %zu: its spilled memory is not in order of distance", v);
		before = i;
		sum += bytes;
		if (is_dealt(c, v) && bytes != c->dealt[v * c->host->n_nodes + i])
			wrong(c, "vnode %zu: %llu bytes on node %u, of memory that is dealt out", v,
				(unsigned long long)bytes, vnode->shares[k].pnode);
		c->stored[i] += is_dealt(c, v) ? 0 : bytes;
		c->kept[i] += i == home && !is_dealt(c, v) ? bytes : 0;
	}
	c->asked[home] += is_dealt(c, v) ? 0 : c->guest->vnodes[v].memory;
	if (sum != c->guest->vnodes[v].memory)
		wrong(c, "vnode %zu: %llu bytes are placed of %llu", v, (unsigned long long)sum,
			(unsigned long long)c->guest->vnodes[v].memory);
}

static uint64_t kept_of(const struct vn_plan_vnode *vnode)
{
	uint64_t bytes = 0;

	for (size_t k = 0; k < vnode->n_shares; k++)
		bytes += vnode->shares[k].pnode == vnode->home ? vnode->shares[k].memory : 0;
	return bytes;
}

/* Nodes hold what is stored. */
static void check_room(struct check *c)
{
	for (size_t i = 0; i < c->host->n_nodes; i++) {
		if (c->stored[i] > c->capacity[i])
			wrong(c, "node %u: %llu bytes are planned, %llu are there", c->host->nodes[i].id,
				(unsigned long long)c->stored[i], (unsigned long long)c->capacity[i]);
	}
}

/* Homes hold as much as they can, and the highest vnode of a full home spills first. */
static void check_homes_first(struct check *c)
{
	for (size_t i = 0; i < c->host->n_nodes; i++) {
		if (c->kept[i] != (c->asked[i] < c->capacity[i] ? c->asked[i] : c->capacity[i]))
			wrong(c, "node %u: memory spills that has room at home", c->host->nodes[i].id);
	}
	for (size_t v = 0; v < c->plan->n_vnodes; v++) {
		const struct vn_plan_vnode *low = &c->plan->vnodes[v];
		for (size_t w = v + 1; w < c->plan->n_vnodes; w++) {
			const struct vn_plan_vnode *high = &c->plan->vnodes[w];
			if (is_of(c, v) && is_of(c, w) && low->home == high->home &&
				kept_of(low) < c->guest->vnodes[v].memory && kept_of(high) > 0)
				wrong(c, "vnode %zu spills before vnode %zu does", v, w);
		}
	}
}

/* The bytes that vnodes at home on i keep on j. */
static uint64_t sent(const struct check *c, size_t i, size_t j)
{
	uint64_t bytes = 0;

	for (size_t v = 0; v < c->plan->n_vnodes; v++) {
		const struct vn_plan_vnode *vnode = &c->plan->vnodes[v];
		for (size_t k = 0; k < vnode->n_shares && is_of(c, v) && vnode->home == c->host->nodes[i].id;
			k++)
			bytes += vnode->shares[k].pnode == c->host->nodes[j].id ? vnode->shares[k].memory : 0;
	}
	return bytes;
}

/*
 * Lets spilled memory look for a cheaper place. price[j] is the least change of distance at which a byte on j
 * can be found another place, by moving some home's spilled byte from j to k (and so on from k), ending where
 * room is left. A byte that would rather be elsewhere by more than the price difference is a saving. Prices
 * settle after as many rounds as there are nodes, unless there is a saving.
 */
static bool lower_prices(const struct check *c, int64_t *price)
{
	bool lowered = false;

	for (size_t i = 0; i < c->host->n_nodes; i++) {
		for (size_t j = 0; j < c->host->n_nodes && c->asked[i] > c->kept[i]; j++) {
			if (j == i || sent(c, i, j) == 0)
				continue;
			for (size_t k = 0; k < c->host->n_nodes; k++) {
				if (k == i || k == j || c->capacity[k] == 0 || c->asked[k] > c->capacity[k])
					continue;
				int64_t step = (int64_t)way(c, i, k) - way(c, i, j);
				if (price[k] + step < price[j]) {
					price[j] = price[k] + step;
					lowered = true;
				}
			}
		}
	}
	return lowered;
}

static int check_spill_ways(struct check *c)
{
	size_t n = c->host->n_nodes, rounds = 0;
	vn_autofree int64_t *price = calloc(n, sizeof(*price));
	bool saving = false;

	if (!price)
		return -ENOMEM;
	for (size_t j = 0; j < n; j++)
		price[j] = c->stored[j] < c->capacity[j] ? 0 : INT32_MAX;
	while (rounds <= n && lower_prices(c, price))
		rounds++;
	saving = rounds > n; /* a cycle of savings */
	for (size_t j = 0; j < n; j++) /* or a byte that leaves room behind and is better off */
		saving |= price[j] < 0;
	if (saving)
		wrong(c, "memory spills farther than it must");
	return 0;
}

/* The bytes of the `most` largest capacities within `reach` of the home, the home left out. */
static uint64_t best_of(const struct check *c, size_t home, uint32_t reach, size_t most)
{
	uint64_t sum = 0, last = UINT64_MAX;
	size_t taken = 0;

	while (taken < most) {
		uint64_t next = 0;
		size_t times = 0;
		for (size_t i = 0; i < c->host->n_nodes; i++) {
			if (i == home || way(c, home, i) > reach || c->capacity[i] >= last ||
				c->capacity[i] < next)
				continue;
			times = c->capacity[i] == next ? times + 1 : 1;
			next = c->capacity[i];
		}
		if (next == 0)
			break;
		for (; times > 0 && taken < most; times--, taken++)
			sum += next;
		last = next;
	}
	return sum;
}

/*
 * Whether `n` nodes within `reach` of the home, the home being one of them when it has room, could hold the memory in parts that
 * differ by a grain at most.
 */
static bool fits_evenly(const struct check *c, size_t home, uint32_t reach, uint64_t n)
{
	uint64_t grain = grain_of(c), grains = (c->guest->vnodes[0].memory + grain - 1) / grain;
	uint64_t least = grains / n, more = grains % n, enough = 0, ample = 0;

	for (size_t i = 0; i < c->host->n_nodes; i++) {
		uint64_t here = c->capacity[i] / grain;
		if (here == 0 || (i != home && way(c, home, i) > reach))
			continue;
		if (i == home && here < least)
			return false;
		enough += here >= least;
		ample += here > least;
	}
	return enough >= n && ample >= more;
}

/* Whether any nodes could hold even parts; if so, that no fewer and no nearer ones could than those told. */
static bool check_even(struct check *c, size_t home, uint32_t reach)
{
	const struct vn_plan_vnode *vnode = &c->plan->vnodes[0];
	uint64_t n = vnode->n_shares, fewest = 1;
	uint64_t part = n > 0 ? (c->guest->vnodes[0].memory + n - 1) / n : 0;

	while (fewest <= c->host->n_nodes && !fits_evenly(c, home, UINT32_MAX, fewest))
		fewest++;
	if (n == 0 || fewest > c->host->n_nodes)
		return false;
	if (n > fewest)
		wrong(c, "its memory is on more nodes than it needs");
	if (reach > 0 && fits_evenly(c, home, reach - 1, n))
		wrong(c, "its memory is farther away than it needs to be");
	for (size_t i = 0; i < c->host->n_nodes; i++) {
		if (i == home || c->stored[i] > 0 || c->capacity[i] < part + grain_of(c))
			continue;
		for (size_t j = 0; j < c->host->n_nodes; j++) {
			if (j != home && c->stored[j] > 0 && way(c, home, i) < way(c, home, j))
				wrong(c, "node %u is left out, and farther ones have memory of it",
					c->host->nodes[i].id);
		}
	}
	return true;
}

/* No nodes hold even parts: then the fewest that hold all of it, the farthest of them as near as can be. */
static void check_uneven(struct check *c, size_t home, uint32_t reach, size_t others)
{
	uint64_t memory = c->guest->vnodes[0].memory;
	uint64_t away = memory > c->capacity[home] ? memory - c->capacity[home] : 0;

	if (others > 1 && best_of(c, home, UINT32_MAX, others - 1) >= away)
		wrong(c, "its memory is on more nodes than it needs");
	if (reach > 0 && best_of(c, home, reach - 1, others) >= away)
		wrong(c, "its memory is farther away than it needs to be");
}

/* A guest told of one node: its memory is dealt out evenly, as the kernel will, and where a node is full to the others. */
static void check_interleave(struct check *c)
{
	const struct vn_plan_vnode *vnode = &c->plan->vnodes[0];
	size_t home = find(c, vnode->home), others = 0;
	uint64_t most = 0, least = UINT64_MAX, level = UINT64_MAX;
	uint32_t reach = 0;

	for (size_t k = 0; k < vnode->n_shares; k++) {
		size_t i = find(c, vnode->shares[k].pnode);
		uint64_t bytes = vnode->shares[k].memory;
		most = bytes > most ? bytes : most;
		least = bytes < least ? bytes : least;
		level = c->capacity[i] > bytes && bytes < level ? bytes : level;
		others += i != home;
		reach = i != home && way(c, home, i) > reach ? way(c, home, i) : reach;
	}
	if (c->capacity[home] > 0 && c->stored[home] == 0)
		wrong(c, "its home has room, and none of its memory");
	if (level != UINT64_MAX && most - level > grain_of(c))
		wrong(c, "its memory is not dealt out evenly");
	bool possible = check_even(c, home, reach), even = most - least <= grain_of(c);
	if (possible && !even)
		wrong(c, "its memory is not in even parts, and could be");
	else if (!even)
		check_uneven(c, home, reach, others);
}

/* A device given to the guest counts as a GiB that its vnode's vCPUs use, on the device's node, where that is known. */
static vn_i128 devices_of(const struct check *c, const unsigned *homes)
{
	vn_i128 sum = 0;

	for (size_t k = 0; k < c->guest->n_hostdevs; k++) {
		const struct vn_hostdev *given = &c->guest->hostdevs[k];
		for (size_t d = 0; d < c->host->n_devices && given->vnode < c->guest->n_vnodes; d++) {
			const struct vn_host_device *device = &c->host->devices[d];
			if (device->node < 0 || strcmp(device->address, given->address) != 0)
				continue;
			size_t at = find(c, (unsigned)device->node);
			if (at < c->host->n_nodes)
				sum += (vn_i128)vn_set_weight(c->guest->vnodes[given->vnode].vcpus) * 1024 *
				       way(c, find(c, homes[given->vnode]), at);
		}
	}
	return sum;
}

/* What the vCPUs of a vnode are worth in cores: `threads` of them share one. */
static uint64_t worth(const struct check *c, size_t v)
{
	uint64_t vcpus = vn_set_weight(c->guest->vnodes[v].vcpus);

	return vcpus / c->guest->threads + (vcpus % c->guest->threads != 0);
}

static vn_i128 distance_of(const struct check *c, const unsigned *homes)
{
	vn_i128 sum = devices_of(c, homes);

	for (size_t v = 0; v < c->guest->n_vnodes; v++) {
		vn_i128 vcpus = vn_set_weight(c->guest->vnodes[v].vcpus);
		size_t from = find(c, homes[v]);
		for (size_t w = 0; w < c->guest->n_vnodes; w++) {
			for (size_t i = 0; i < c->host->n_nodes && is_dealt(c, w); i++)
				sum += vcpus * (vn_i128)(c->dealt[w * c->host->n_nodes + i] >> 20) *
				       way(c, from, i);
			if (!is_dealt(c, w))
				sum += vcpus * (vn_i128)(c->guest->vnodes[w].memory >> 20) *
				       way(c, from, find(c, homes[w]));
		}
	}
	return sum;
}

/* Squeeze and load of some homes; load as the plan would tell it. */
static void weigh_cores(const struct check *c, const unsigned *homes, struct vn_cost *cost)
{
	cost->load_cores = 1;
	for (size_t i = 0; i < c->host->n_nodes; i++) {
		uint64_t cores = cores_on(c, i), busy = load_on(c, i);
		for (size_t v = 0; v < c->guest->n_vnodes; v++)
			busy += homes[v] == c->host->nodes[i].id ? worth(c, v) : 0;
		if (cores == 0)
			continue;
		cost->squeeze += busy > cores ? busy - cores : 0;
		if ((vn_i128)busy * (vn_i128)cost->load_cores > (vn_i128)cost->load_vcpus * (vn_i128)cores) {
			cost->load_vcpus = busy;
			cost->load_cores = cores;
		}
	}
}

static uint64_t spill_of(struct check *c, const unsigned *homes)
{
	uint64_t spill = 0;

	for (size_t first = next_size(c, 0); first < c->guest->n_vnodes; first = next_size(c, first + 1)) {
		turn_to(c, vn_vnode_page(c->guest, first));
		for (size_t v = 0; v < c->guest->n_vnodes; v++)
			c->asked[find(c, homes[v])] += is_of(c, v) ? c->guest->vnodes[v].memory : 0;
		for (size_t i = 0; i < c->host->n_nodes; i++)
			spill += c->asked[i] > c->capacity[i] ? c->asked[i] - c->capacity[i] : 0;
	}
	return spill;
}

static void compare_costs(
	struct check *c, const char *whose, const struct vn_cost *told, const struct vn_cost *found)
{
	if (told->spill != found->spill)
		wrong(c, "%s: spill is told as %llu, and is %llu", whose, (unsigned long long)told->spill,
			(unsigned long long)found->spill);
	if (told->squeeze != found->squeeze)
		wrong(c, "%s: squeeze is told as %llu, and is %llu", whose, (unsigned long long)told->squeeze,
			(unsigned long long)found->squeeze);
	if (told->distance != found->distance)
		wrong(c, "%s: distance is told as %lld, and is %lld", whose, (long long)told->distance,
			(long long)found->distance);
	if (told->load_vcpus != found->load_vcpus || told->load_cores != found->load_cores)
		wrong(c, "%s: load is told as %llu of %llu, and is %llu of %llu", whose,
			(unsigned long long)told->load_vcpus, (unsigned long long)told->load_cores,
			(unsigned long long)found->load_vcpus, (unsigned long long)found->load_cores);
	if (told->fragmentation != found->fragmentation)
		wrong(c, "%s: fragmentation is not what it is told as", whose);
}

static void check_cost(struct check *c)
{
	struct vn_cost found = {.spill = spill_of(c, c->plan->homes),
		.distance = distance_of(c, c->plan->homes),
		.fragmentation = c->fragmentation};

	weigh_cores(c, c->plan->homes, &found);
	compare_costs(c, "cost", &c->plan->cost, &found);
}

/* The runner-up is worse, at the level named. What it spills is not known here, hence nor what it leaves
 * behind. */
static void check_runner_up(struct check *c)
{
	const struct vn_plan *plan = c->plan;
	enum vn_level level;

	if (!plan->has_runner_up)
		return;
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		if (find(c, plan->runner_up_homes[v]) == c->host->n_nodes) {
			wrong(c, "runner-up: node %u does not exist", plan->runner_up_homes[v]);
			return;
		}
	}
	struct vn_cost found = {.spill = spill_of(c, plan->runner_up_homes),
		.distance = distance_of(c, plan->runner_up_homes),
		.fragmentation = plan->runner_up_cost.fragmentation};
	weigh_cores(c, plan->runner_up_homes, &found);
	compare_costs(c, "runner-up", &plan->runner_up_cost, &found);
	if (vn_cost_compare(&plan->cost, &plan->runner_up_cost, c->guest->policy, &level) >= 0)
		wrong(c, "the runner-up is no worse");
	else if (level != plan->decided_by)
		wrong(c, "the runner-up loses at another level than is told");
}

/* The usable threads of the core that a CPU is of; the CPU alone where cores are not known. New; NULL: no memory. */
static hwloc_bitmap_t whole_core(const struct check *c, int cpu, size_t home)
{
	const struct vn_host_cpu *that = vn_host_cpu(c->host, (unsigned)cpu);
	hwloc_bitmap_t core = hwloc_bitmap_alloc();

	if (core && c->host->cores_known && that && that->siblings)
		hwloc_bitmap_and(core, that->siblings, c->usable[home]);
	if (core)
		hwloc_bitmap_set(core, (unsigned)cpu);
	return core;
}

/* A core of its own: all usable threads of it, or one of them when its guest core has several vCPUs; nobody else has any. */
static void check_exclusive(struct check *c, unsigned vcpu, size_t home)
{
	hwloc_const_bitmap_t cpus = c->plan->vcpu_cpus[vcpu];
	vn_autoset core = whole_core(c, hwloc_bitmap_first(cpus), home);
	unsigned threads = c->guest->threads;

	if (!core || !hwloc_bitmap_isincluded(cpus, core))
		wrong(c, "vCPU %u: its CPUs are of more than one core", vcpu);
	else if (threads == 1 && !hwloc_bitmap_isequal(cpus, core))
		wrong(c, "vCPU %u: a CPU of its core is missing", vcpu);
	for (unsigned other = 0; core && other < vcpu; other++) {
		bool together = vn_guest_vnode_of(c->guest, other) == vn_guest_vnode_of(c->guest, vcpu) &&
				hwloc_bitmap_intersects(c->plan->vcpu_cpus[other], core) && threads > 1;
		if (!together && hwloc_bitmap_intersects(core, c->plan->vcpu_cpus[other]))
			wrong(c, "vCPUs %u and %u share a core", other, vcpu);
	}
}

/* No core has more of the guest's vCPUs than a guest core has threads. */
static void check_threads(struct check *c, unsigned vcpu, size_t home)
{
	vn_autoset core = whole_core(c, hwloc_bitmap_first(c->plan->vcpu_cpus[vcpu]), home);
	unsigned there = 0;

	for (unsigned other = 0; core && other < c->plan->n_vcpus; other++)
		there += hwloc_bitmap_intersects(core, c->plan->vcpu_cpus[other]) != 0;
	if (there > c->guest->threads)
		wrong(c, "vCPU %u: %u vCPUs on its core, of which there should be %u", vcpu, there,
			c->guest->threads);
}

/* All of the home, or all of it that shares one L3 cache. */
static void check_shared(struct check *c, unsigned vcpu, size_t home)
{
	hwloc_const_bitmap_t cpus = c->plan->vcpu_cpus[vcpu];
	const struct vn_host_cpu *first = vn_host_cpu(c->host, (unsigned)hwloc_bitmap_first(cpus));
	int cpu;

	if (hwloc_bitmap_isequal(cpus, c->usable[home]))
		return;
	for (cpu = hwloc_bitmap_first(c->usable[home]); cpu >= 0;
		cpu = hwloc_bitmap_next(c->usable[home], cpu)) {
		const struct vn_host_cpu *that = vn_host_cpu(c->host, (unsigned)cpu);
		bool same = first && that && first->l3 >= 0 && that->l3 == first->l3;
		if (same != (hwloc_bitmap_isset(cpus, (unsigned)cpu) != 0)) {
			wrong(c, "vCPU %u: it may use neither all of its home nor one L3 cache's CPUs", vcpu);
			return;
		}
	}
}

static void check_vcpus(struct check *c)
{
	for (unsigned vcpu = 0; vcpu < c->plan->n_vcpus; vcpu++) {
		int vnode = vn_guest_vnode_of(c->guest, vcpu);
		hwloc_const_bitmap_t cpus = c->plan->vcpu_cpus[vcpu];
		if (vnode < 0)
			continue;
		size_t home = find(c, c->plan->homes[vnode]);
		if (!cpus || hwloc_bitmap_iszero(cpus) || !hwloc_bitmap_isincluded(cpus, c->usable[home])) {
			wrong(c, "vCPU %u: its CPUs are not those of its home, node %u", vcpu,
				c->plan->homes[vnode]);
		} else if (c->guest->exclusive_cores) {
			check_exclusive(c, vcpu, home);
			check_threads(c, vcpu, home);
		} else {
			check_shared(c, vcpu, home);
		}
	}
	for (size_t v = 0; v < c->plan->n_vnodes && c->guest->exclusive_cores; v++)
		c->busy[find(c, c->plan->homes[v])] += worth(c, v);
	for (size_t i = 0; i < c->host->n_nodes && c->guest->exclusive_cores; i++) {
		if (c->busy[i] > 0 && c->busy[i] + load_on(c, i) > cores_on(c, i))
			wrong(c, "node %u: more vCPUs than cores", c->host->nodes[i].id);
	}
}

/* Sets that follow from the vCPUs' ones. */
static int check_sets(struct check *c)
{
	vn_autoset emulator = hwloc_bitmap_alloc();
	vn_autoset own = hwloc_bitmap_alloc();

	if (!emulator || !own)
		return -ENOMEM;
	for (size_t v = 0; v < c->plan->n_vnodes; v++) {
		hwloc_bitmap_zero(own);
		for (unsigned vcpu = 0; vcpu < c->plan->n_vcpus; vcpu++) {
			if (hwloc_bitmap_isset(c->guest->vnodes[v].vcpus, vcpu))
				hwloc_bitmap_or(own, own, c->plan->vcpu_cpus[vcpu]);
		}
		if (!c->plan->vnodes[v].cpus || !hwloc_bitmap_isequal(own, c->plan->vnodes[v].cpus))
			wrong(c, "vnode %zu: its CPUs are not those of its vCPUs", v);
		if (!hwloc_bitmap_iszero(own))
			hwloc_bitmap_or(emulator, emulator, c->usable[find(c, c->plan->homes[v])]);
	}
	hwloc_bitmap_zero(own);
	for (unsigned vcpu = 0; vcpu < c->plan->n_vcpus && c->guest->exclusive_cores; vcpu++)
		hwloc_bitmap_or(own, own, c->plan->vcpu_cpus[vcpu]);
	if (!hwloc_bitmap_isincluded(emulator, own))
		hwloc_bitmap_andnot(emulator, emulator, own);
	if (!c->plan->emulator_cpus || !hwloc_bitmap_isequal(emulator, c->plan->emulator_cpus))
		wrong(c, "the emulator's CPUs are not those of the homes that its vCPUs leave");
	return 0;
}

static void check_binding(struct check *c)
{
	bool alone = c->guest->guest_numa == VN_GUEST_NUMA_OFF && c->guest->n_vnodes == 1;
	enum vn_binding expected =
		c->guest->memory_policy == VN_MEMORY_STRICT ? VN_BINDING_STRICT : VN_BINDING_PREFERRED;

	if (alone && !is_dealt(c, 0) && c->plan->vnodes[0].n_shares > 0 &&
		kept_of(&c->plan->vnodes[0]) < c->guest->vnodes[0].memory)
		expected = VN_BINDING_INTERLEAVE;
	if (c->plan->binding != expected)
		wrong(c, "the memory policy is not the one asked for");
}

/* The guest's number of a vnode: how many vnodes have a lower first vCPU; those without any come last, in
 * their order. */
static unsigned number_of(const struct vn_guest *guest, size_t v)
{
	unsigned number = 0, mine = (unsigned)hwloc_bitmap_first(guest->vnodes[v].vcpus);

	for (size_t w = 0; w < guest->n_vnodes; w++) { /* none: -1, the largest unsigned */
		unsigned its = (unsigned)hwloc_bitmap_first(guest->vnodes[w].vcpus);
		number += its < mine || (its == mine && w < v);
	}
	return number;
}

static void check_view(struct check *c)
{
	const struct vn_view *view = &c->plan->view;

	if (view->n_nodes != c->guest->n_vnodes) {
		wrong(c, "the guest would see %zu nodes and has %zu", view->n_nodes, c->guest->n_vnodes);
		return;
	}
	for (size_t v = 0; v < c->guest->n_vnodes; v++) {
		const struct vn_vnode *vnode = &c->guest->vnodes[v];
		unsigned number = number_of(c->guest, v);
		const struct vn_view_node *node = &view->nodes[number];
		if (node->id != number || node->vnode != v || node->memory != vnode->memory)
			wrong(c, "guest node %u is not vnode %zu", number, v);
		if (hwloc_bitmap_last(node->cpus) >= (int)c->guest->vcpus)
			wrong(c, "guest node %u: a vCPU that is not online", number);
		for (unsigned vcpu = 0; vcpu < c->guest->maxvcpus; vcpu++) {
			bool there = vcpu < c->guest->vcpus && hwloc_bitmap_isset(vnode->vcpus, vcpu);
			if (there != !!hwloc_bitmap_isset(node->cpus, vcpu))
				wrong(c, "guest node %u: vCPU %u", number, vcpu);
		}
		for (size_t w = 0; w < c->guest->n_vnodes; w++) {
			if (node->distances[number_of(c->guest, w)] != vnode->distances[w])
				wrong(c, "guest node %u: its distance to vnode %zu", number, w);
		}
	}
}

/* The memory of the page size that is looked at. */
static int check_pool(struct check *c)
{
	for (size_t v = 0; v < c->plan->n_vnodes; v++) {
		if (has_pages(c, v))
			check_shares_of(c, v);
	}
	if (c->bad)
		return 0;
	for (size_t i = 0; i < c->host->n_nodes; i++) {
		vn_i128 left =
			c->capacity[i] > c->stored[i] ? (vn_i128)((c->capacity[i] - c->stored[i]) >> 20) : 0;
		c->fragmentation += left * left;
	}
	check_room(c);
	if (c->plan->binding == VN_BINDING_INTERLEAVE) {
		check_interleave(c);
		return 0;
	}
	check_homes_first(c);
	return check_spill_ways(c);
}

static int check_memory(struct check *c)
{
	int r = 0;

	for (size_t v = next_size(c, 0); v < c->guest->n_vnodes && r >= 0; v = next_size(c, v + 1)) {
		turn_to(c, vn_vnode_page(c->guest, v));
		r = check_pool(c);
	}
	return r;
}

static int check_feasible(struct check *c)
{
	if (c->plan->n_vnodes != c->guest->n_vnodes || c->plan->n_vcpus != c->guest->maxvcpus) {
		wrong(c, "%zu vnodes and %u vCPUs, and the guest has %zu and %u", c->plan->n_vnodes,
			c->plan->n_vcpus, c->guest->n_vnodes, c->guest->maxvcpus);
		return 0;
	}
	check_homes(c);
	if (c->bad)
		return 0;
	check_binding(c);
	int r = check_memory(c);
	if (r < 0)
		return r;
	check_cost(c);
	check_runner_up(c);
	check_vcpus(c);
	return check_sets(c);
}

int vn_plan_check(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const struct vn_plan *plan, struct vn_error *err)
{
	vn_cleanup(check_clear) struct check c = {.host = host,
		.guest = guest,
		.occupied = options ? options->occupied : NULL,
		.plan = plan,
		.err = err};
	int r = check_make(&c);

	if (r >= 0 && plan->feasible)
		r = check_feasible(&c);
	else if (r >= 0 && plan->reasons.n == 0)
		wrong(&c, "there is none, and no reason is given");
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	check_view(&c);
	return c.bad ? -EINVAL : 0;
}
