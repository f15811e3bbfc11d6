/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan_oracle.h"

#include <assert.h>
#include <string.h>

/* ---- What there is and what is asked for ---- */

static bool is_usable(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, const struct vn_host_cpu *cpu)
{
	bool wished = !guest->cpus || hwloc_bitmap_isset(guest->cpus, cpu->id);
	bool isolated = (!guest->cpus || hwloc_bitmap_last(guest->cpus) < 0) && host->isolated_cpus &&
			hwloc_bitmap_isset(host->isolated_cpus, cpu->id);
	bool allowed = !host->allowed_cpus || hwloc_bitmap_isset(host->allowed_cpus, cpu->id);

	return cpu->online && wished && allowed && !isolated &&
	       !hwloc_bitmap_isset(occupied->claimed, cpu->id);
}

/* A core counts when one of its threads is usable. The first usable one stands for it. */
static bool stands_for_core(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_occupied *occupied, size_t c)
{
	for (size_t k = 0; k <= c; k++) {
		bool usable = false;
		for (size_t g = 0; g < n && host->cpus[k].core == host->cpus[c].core; g++)
			usable |= is_usable(host, guests[g], occupied, &host->cpus[k]);
		if (usable)
			return k == c;
	}
	return false;
}

static int64_t count_cores(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_occupied *occupied, size_t node)
{
	int64_t cores = 0;

	for (size_t c = 0; c < host->n_cpus; c++)
		cores += host->cpus[c].node == (int)host->nodes[node].id &&
			 stands_for_core(host, guests, n, occupied, c);
	return cores;
}

/* Bytes of the page size that are free on a node for all we know. */
static int64_t free_bytes(const struct vn_host_node *node, uint64_t page)
{
	int64_t bytes = 0;

	if (page == 0)
		return (int64_t)(node->has_memory_free ? node->memory_free + node->memory_reclaimable
						       : node->memory_total);
	for (size_t k = 0; k < node->n_hugepools; k++)
		bytes += node->hugepools[k].size == page ? (int64_t)(node->hugepools[k].free * page) : 0;
	return bytes;
}

static size_t find_pool(
	struct oracle *o, const struct vn_host *host, const struct vn_occupied *occupied, uint64_t page)
{
	for (size_t p = 0; p < o->n_pools; p++) {
		if (o->page[p] == page)
			return p;
	}
	size_t p = o->n_pools++;
	o->page[p] = page;
	o->unit[p] = page > VN_MIB ? (int64_t)(page / VN_MIB) : 1;
	for (size_t i = 0; i < o->n; i++) {
		int64_t bytes = free_bytes(&host->nodes[i], page);
		for (size_t k = 0; k < occupied->nodes[i].n_promised; k++) {
			const struct vn_promised *promised = &occupied->nodes[i].promised[k];
			bytes -= promised->page == page ? (int64_t)promised->memory : 0;
		}
		if (bytes < 0 ||
			(host->allowed_nodes && !hwloc_bitmap_isset(host->allowed_nodes, host->nodes[i].id)))
			bytes = 0;
		o->room[p][i] = bytes / (o->unit[p] * (int64_t)VN_MIB);
	}
	return p;
}

static size_t index_of(const struct vn_host *host, int id)
{
	size_t i = 0;

	while (i < host->n_nodes && (int)host->nodes[i].id != id)
		i++;
	return i;
}

static void add_device(struct oracle *o, const struct vn_host *host, const struct vn_hostdev *wish, size_t v)
{
	for (size_t d = 0; d < host->n_devices; d++) {
		if (strcmp(host->devices[d].address, wish->address) != 0)
			continue;
		size_t there = index_of(host, host->devices[d].node);
		for (size_t i = 0; i < o->n && there < o->n; i++)
			o->pull[v][i] += o->vcpus[v] * 1024 * o->distance[i][there];
	}
}

static void add_guest(struct oracle *o, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied)
{
	int64_t threads = guest->threads > 1 ? (int64_t)guest->threads : 1;
	size_t first = o->m;

	for (size_t i = 0; i < o->n; i++)
		o->cores[o->g][i] = count_cores(host, &guest, 1, occupied, i);
	o->exclusive[o->g] = guest->exclusive_cores;
	int64_t most = 0;
	for (size_t i = 0; i < host->n_cpus && host->cores_known; i++) {
		int64_t here = host->cpus[i].siblings ? hwloc_bitmap_weight(host->cpus[i].siblings) : 1;
		most = here > most ? here : most;
	}
	o->untrue |= guest->exclusive_cores && threads > (most > 0 ? most : 1);
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		size_t at = o->m++;
		size_t pool = find_pool(o, host, occupied,
			guest->vnodes[v].has_page ? guest->vnodes[v].page : guest->hugepages);
		assert(at < ORACLE_VNODES && o->n_pools <= ORACLE_POOLS);
		o->guest[at] = o->g;
		o->pool[at] = pool;
		o->mib[at] = (int64_t)(guest->vnodes[v].memory / VN_MIB);
		o->units[at] = o->mib[at] / o->unit[pool];
		o->vcpus[at] = hwloc_bitmap_weight(guest->vnodes[v].vcpus);
		o->wants[at] = (o->vcpus[at] + threads - 1) / threads;
		for (size_t i = 0; i < o->n && guest->vnodes[v].nodes; i++)
			o->barred[at][i] = !hwloc_bitmap_isset(guest->vnodes[v].nodes, host->nodes[i].id);
		o->home[at] = guest->vnodes[v].home < 0 ? -1 : (int64_t)index_of(host, guest->vnodes[v].home);
	}
	for (size_t d = 0; d < guest->n_hostdevs; d++)
		add_device(o, host, &guest->hostdevs[d], first + guest->hostdevs[d].vnode);
	o->g++;
}

static bool pools_hold(const struct oracle *o)
{
	for (size_t p = 0; p < o->n_pools; p++) {
		int64_t left = 0;
		for (size_t i = 0; i < o->n; i++)
			left += o->room[p][i];
		for (size_t v = 0; v < o->m; v++)
			left -= o->pool[v] == p ? o->units[v] : 0;
		if (left < 0)
			return false;
	}
	return true;
}

static bool is_dealt(const struct vn_vnode *vnode)
{
	return vnode->has_binding && vnode->binding == VN_BINDING_INTERLEAVE && vnode->nodes &&
	       hwloc_bitmap_weight(vnode->nodes) > 1;
}

/* Whether none of the nodes that a vnode's memory is tied to has a CPU for it, and others have. */
static bool is_apart(const struct oracle *o, size_t v, const struct vn_vnode *vnode)
{
	int64_t here = 0, all = 0;

	for (size_t i = 0; i < o->n; i++) {
		int64_t cores = o->cores[o->guest[v]][i];
		bool named = vnode->nodes ? !o->barred[v][i] : o->home[v] == (int64_t)i;
		here += named ? cores : 0;
		all += cores;
	}
	return vnode->has_binding && (vnode->nodes || vnode->home >= 0) && o->vcpus[v] > 0 && here == 0 &&
	       all > 0;
}

static void put_unit(struct oracle *o, size_t v, size_t i)
{
	o->room[o->pool[v]][i]--;
	o->units[v]--;
	for (size_t w = 0; w < o->m; w++) {
		for (size_t k = 0; k < o->n && o->guest[w] == o->guest[v]; k++)
			o->pull[w][k] += o->vcpus[w] * o->unit[o->pool[v]] * o->distance[k][i];
	}
}

/* One unit to each node in turn that has room and is not barred. */
static void deal_out(struct oracle *o, size_t v)
{
	bool any = true;

	while (o->units[v] > 0 && any) {
		any = false;
		for (size_t i = 0; i < o->n && o->units[v] > 0; i++) {
			if (o->barred[v][i] || o->room[o->pool[v]][i] == 0)
				continue;
			put_unit(o, v, i);
			any = true;
			if (o->vcpus[v] == 0 && o->home[v] < 0)
				o->home[v] = (int64_t)i;
		}
	}
}

static int64_t nearest_core(const struct oracle *o, size_t v, size_t node)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < o->n; i++) {
		if (o->cores[o->guest[v]][i] > 0 && o->distance[i][node] < least)
			least = o->distance[i][node];
	}
	return least;
}

/* Unit by unit to the node nearest to a core that has room. */
static void fill_up(struct oracle *o, size_t v)
{
	size_t best = 0;

	while (o->units[v] > 0 && best < o->n) {
		best = o->n;
		for (size_t i = 0; i < o->n; i++) {
			if (o->barred[v][i] || o->room[o->pool[v]][i] == 0 ||
				(o->home[v] >= 0 && o->home[v] != (int64_t)i))
				continue;
			if (best == o->n || nearest_core(o, v, i) < nearest_core(o, v, best))
				best = i;
		}
		if (best < o->n)
			put_unit(o, v, best);
	}
}

static void settle(struct oracle *o, size_t v, const struct vn_vnode *vnode)
{
	bool apart = is_apart(o, v, vnode);

	if (!apart && !is_dealt(vnode))
		return;
	if (is_dealt(vnode))
		deal_out(o, v);
	else
		fill_up(o, v);
	o->lacks += o->units[v];
	o->units[v] = o->mib[v] = 0;
	if (apart) {
		o->home[v] = -1;
		memset(o->barred[v], 0, sizeof(o->barred[v]));
	}
}

void oracle_make(struct oracle *o, const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_occupied *occupied)
{
	*o = (struct oracle){.n = host->n_nodes, .spread = guests[0]->policy == VN_POLICY_SPREAD};
	assert(o->n <= ORACLE_NODES && n <= ORACLE_GUESTS);
	for (size_t i = 0; i < o->n; i++) {
		o->load[i] = (int64_t)occupied->nodes[i].load;
		o->any_cores[i] = count_cores(host, guests, n, occupied, i);
		for (size_t j = 0; j < o->n; j++) {
			uint32_t told = host->nodes[i].distances[j];
			o->distance[i][j] = told == VN_DISTANCE_UNKNOWN ? (i == j ? 10 : 20) : told;
		}
	}
	for (size_t g = 0; g < n; g++)
		add_guest(o, host, guests[g], occupied);
	o->roomy = pools_hold(o);
	for (size_t g = 0, at = 0; g < n; g++) {
		for (size_t v = 0; v < guests[g]->n_vnodes; v++, at++)
			settle(o, at, &guests[g]->vnodes[v]);
	}
}

bool oracle_deals(const struct oracle *o)
{
	return o->lacks == 0;
}

bool oracle_has_room(const struct oracle *o)
{
	return o->roomy;
}

bool oracle_refuses(const struct oracle *o)
{
	if (o->untrue)
		return true;
	for (size_t v = 0; v < o->m; v++) {
		const int64_t *cores = o->cores[o->guest[v]];
		int64_t sum = 0, open = 0;
		for (size_t i = 0; i < o->n; i++) {
			sum += cores[i];
			open += o->barred[v][i] ? 0 : cores[i];
		}
		if (o->vcpus[v] > 0 && sum > 0 && open == 0)
			return true;
		if (o->home[v] >= 0 && o->vcpus[v] > 0 && cores[o->home[v]] == 0 && sum > 0)
			return true;
	}
	return false;
}

/* ---- Where memory goes that has no room at home ---- */

struct flow {
	const struct oracle *o;
	size_t pool, n_sources, n_sinks, sources[ORACLE_NODES], sinks[ORACLE_NODES];
	int64_t excess[ORACLE_NODES], left[ORACLE_NODES]; /* by node */
	int64_t cost, best_cost, best_left[ORACLE_NODES];
};

/* Two nodes that differ in name only. */
static bool twins(const struct flow *f, size_t a, size_t b)
{
	const struct oracle *o = f->o;
	bool same = o->room[f->pool][a] == o->room[f->pool][b] && o->any_cores[a] == o->any_cores[b] &&
		    o->load[a] == o->load[b] && o->distance[a][a] == o->distance[b][b] &&
		    o->distance[a][b] == o->distance[b][a];

	for (size_t k = 0; k < o->n; k++)
		same &= k == a || k == b ||
			(o->distance[a][k] == o->distance[b][k] && o->distance[k][a] == o->distance[k][b]);
	for (size_t v = 0; v < o->m; v++)
		same &= o->pull[v][a] == o->pull[v][b];
	return same;
}

static size_t class_of(const struct flow *f, size_t a)
{
	size_t b = 0;

	while (a != b && !twins(f, a, b))
		b++;
	return b;
}

/* What the sources from the i-th on must cost at least. */
static int64_t flow_at_least(const struct flow *f, size_t i)
{
	int64_t sum = 0;

	for (; i < f->n_sources; i++) {
		int64_t nearest = INT64_MAX;
		for (size_t j = 0; j < f->n_sinks; j++) {
			int64_t d = f->o->distance[f->sources[i]][f->sinks[j]];
			if (f->left[f->sinks[j]] > 0 && d < nearest)
				nearest = d;
		}
		sum += f->excess[f->sources[i]] > 0 && nearest < INT64_MAX
			       ? f->excess[f->sources[i]] * nearest
			       : 0;
	}
	return sum;
}

/* All flows, the lexicographically largest first; the first of the cheapest stays. */
static void try_flows(struct flow *f, size_t i, size_t j)
{
	if (f->best_cost < INT64_MAX && f->cost + flow_at_least(f, i) >= f->best_cost)
		return;
	if (i == f->n_sources) {
		f->best_cost = f->cost;
		memcpy(f->best_left, f->left, sizeof(f->left));
		return;
	}
	size_t s = f->sources[i];
	if (j == f->n_sinks) {
		if (f->excess[s] == 0)
			try_flows(f, i + 1, 0);
		return;
	}
	size_t t = f->sinks[j];
	int64_t most = f->excess[s] < f->left[t] ? f->excess[s] : f->left[t];
	for (int64_t x = most; x >= 0; x--) {
		f->excess[s] -= x;
		f->left[t] -= x;
		f->cost += x * f->o->distance[s][t];
		try_flows(f, i, j + 1);
		f->cost -= x * f->o->distance[s][t];
		f->excess[s] += x;
		f->left[t] += x;
	}
}

static bool sink_after(const struct flow *f, size_t a, size_t b)
{
	if (f->left[a] != f->left[b])
		return f->o->spread ? f->left[a] < f->left[b] : f->left[a] > f->left[b];
	if (class_of(f, a) != class_of(f, b))
		return class_of(f, a) > class_of(f, b);
	return a > b;
}

static bool source_after(const struct flow *f, size_t a, size_t b)
{
	if (class_of(f, a) != class_of(f, b))
		return class_of(f, a) > class_of(f, b);
	if (f->excess[a] != f->excess[b])
		return f->excess[a] < f->excess[b];
	return a > b;
}

static void bubble(struct flow *f, size_t *v, size_t n, bool (*after)(const struct flow *, size_t, size_t))
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j + 1 < n; j++) {
			if (after(f, v[j], v[j + 1])) {
				size_t t = v[j];
				v[j] = v[j + 1];
				v[j + 1] = t;
			}
		}
	}
}

static int64_t squares_of_pool(const struct oracle *o, size_t pool, const int64_t *demand)
{
	struct flow f = {.o = o, .pool = pool, .best_cost = INT64_MAX};
	int64_t sum = 0;

	for (size_t i = 0; i < o->n; i++) {
		if (demand[i] > o->room[pool][i]) {
			f.excess[i] = demand[i] - o->room[pool][i];
			f.sources[f.n_sources++] = i;
		} else {
			f.left[i] = o->room[pool][i] - demand[i];
			f.sinks[f.n_sinks++] = i;
		}
	}
	bubble(&f, f.sources, f.n_sources, source_after);
	bubble(&f, f.sinks, f.n_sinks, sink_after);
	try_flows(&f, 0, 0);
	for (size_t i = 0; i < o->n; i++)
		sum += f.best_left[i] * o->unit[pool] * f.best_left[i] * o->unit[pool];
	return sum;
}

/* ---- The levels ---- */

static bool is_allowed(const struct oracle *o, const size_t *homes)
{
	for (size_t v = 0; v < o->m; v++) {
		if (o->barred[v][homes[v]] || (o->home[v] >= 0 && o->home[v] != (int64_t)homes[v]))
			return false;
		if (o->vcpus[v] > 0 && o->cores[o->guest[v]][homes[v]] == 0)
			return false;
	}
	return true;
}

static int64_t beyond(int64_t a, int64_t b)
{
	return a > b ? a - b : 0;
}

/* Adds squeeze and load of a node; false when somebody who wants cores for himself might not find them there. */
static bool add_cpu_levels(const struct oracle *o, const size_t *homes, size_t i, struct oracle_cost *c)
{
	int64_t own[ORACLE_GUESTS] = {0}, busy = o->load[i];
	bool fits = true;

	for (size_t v = 0; v < o->m; v++) {
		if (homes[v] != i || o->vcpus[v] == 0)
			continue;
		own[o->guest[v]] += o->wants[v];
		busy += o->wants[v];
	}
	int64_t squeeze = beyond(busy, o->any_cores[i]);
	for (size_t g = 0; g < o->g; g++) {
		int64_t more = own[g] > 0 ? beyond(o->load[i] + own[g], o->cores[g][i]) : 0;
		squeeze = more > squeeze ? more : squeeze;
		fits &= !o->exclusive[g] || own[g] == 0 || busy <= o->cores[g][i];
	}
	if (o->any_cores[i] == 0)
		return true;
	c->squeeze += squeeze;
	if (busy * c->load_cores > c->load_vcpus * o->any_cores[i]) {
		c->load_vcpus = busy;
		c->load_cores = o->any_cores[i];
	}
	return fits;
}

static int64_t distance_of(const struct oracle *o, const size_t *homes)
{
	int64_t sum = 0;

	for (size_t v = 0; v < o->m; v++) {
		sum += o->pull[v][homes[v]];
		for (size_t w = 0; w < o->m; w++) {
			if (o->guest[v] == o->guest[w])
				sum += o->vcpus[v] * o->mib[w] * o->distance[homes[v]][homes[w]];
		}
	}
	return sum;
}

bool oracle_cost(const struct oracle *o, const size_t *homes, bool squares, struct oracle_cost *ret)
{
	struct oracle_cost c = {.load_cores = 1};

	if (!is_allowed(o, homes))
		return false;
	for (size_t i = 0; i < o->n; i++) {
		if (!add_cpu_levels(o, homes, i, &c))
			return false;
	}
	for (size_t p = 0; p < o->n_pools; p++) {
		int64_t demand[ORACLE_NODES] = {0};
		for (size_t v = 0; v < o->m; v++)
			demand[homes[v]] += o->pool[v] == p ? o->units[v] : 0;
		for (size_t i = 0; i < o->n; i++)
			c.spill += beyond(demand[i], o->room[p][i]) * o->unit[p] * (int64_t)VN_MIB;
		if (squares)
			c.squares += squares_of_pool(o, p, demand);
	}
	c.distance = distance_of(o, homes);
	*ret = c;
	return true;
}

int oracle_compare(
	const struct oracle *o, const struct oracle_cost *a, const struct oracle_cost *b, bool squares)
{
	const int64_t d[] = {a->spill - b->spill, a->squeeze - b->squeeze, a->distance - b->distance,
		a->load_vcpus * b->load_cores - b->load_vcpus * a->load_cores,
		squares ? (o->spread ? a->squares - b->squares : b->squares - a->squares) : 0};

	for (size_t i = 0; i < 5; i++) {
		if (d[i] != 0)
			return d[i] < 0 ? -1 : 1;
	}
	return 0;
}

static bool next_homes(const struct oracle *o, size_t *homes)
{
	for (size_t v = o->m; v-- > 0;) {
		if (++homes[v] < o->n)
			return true;
		homes[v] = 0;
	}
	return false;
}

bool oracle_best(
	const struct oracle *o, const struct oracle_cost *above, size_t *ret_homes, struct oracle_cost *ret)
{
	size_t homes[ORACLE_VNODES] = {0};
	struct oracle_cost best, cost;
	bool any = false;

	do {
		if (!oracle_cost(o, homes, false, &cost) ||
			(any && oracle_compare(o, &cost, &best, false) > 0) ||
			(above && oracle_compare(o, &cost, above, false) < 0))
			continue;
		oracle_cost(o, homes, true, &cost);
		if ((any && oracle_compare(o, &cost, &best, true) >= 0) ||
			(above && oracle_compare(o, &cost, above, true) <= 0))
			continue;
		any = true;
		best = cost;
		memcpy(ret_homes, homes, sizeof(homes));
	} while (next_homes(o, homes));
	if (any)
		*ret = best;
	return any;
}
