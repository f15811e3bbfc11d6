/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The CPUs of a home are taken by groups that share an L3 cache; a home whose caches are not known, or that has one, is one
 * group. The vCPUs of a vnode fill one group's free cores before the next: threads that work on the same memory then find it in
 * the same cache. The group taken is the smallest that holds all that are left, or else the one with the most free cores.
 *
 * With `exclusive_cores` each guest core gets a host core of its group for itself, all threads of it: vCPU i of a guest core the
 * i-th thread, so that the guest's siblings are siblings, or all of them when the guest core is one vCPU. Otherwise each vCPU may
 * use all CPUs of its group and the host's scheduler finds it one; vCPUs that no group has a free core for may use all of the
 * home: pressed into one group they would wait for each other while the rest of the node idles.
 *
 * Of what else runs on a node the number is known (load), and the group where a plan confined it to one. What is not confined may
 * be anywhere: it counts evenly on all groups. Exclusive cores are taken from the end of what is left, so that guests planned one
 * after the other do not all meet on the first cores: where n vCPUs run already, the first n cores of the group are left alone.
 */
#include "pin.h"

struct cache {
	hwloc_bitmap_t left; /* usable CPUs whose cores are not given away */
	hwloc_bitmap_t all; /* usable CPUs */
	uint64_t cores, load; /* in all; of these wanted by others */
	uint64_t given; /* to this guest */
};

/* The caches of one home. */
struct home {
	const struct vn_host *host;
	hwloc_const_bitmap_t wanted; /* CPUs that others need some of; or NULL */
	size_t n;
	struct cache *caches;
};

static void home_clear(struct home *h)
{
	for (size_t i = 0; i < h->n; i++) {
		hwloc_bitmap_free(h->caches[i].left);
		hwloc_bitmap_free(h->caches[i].all);
	}
	free(h->caches);
}

/* The usable CPUs of one core. */
static int core_of(const struct vn_host *host, unsigned cpu, hwloc_const_bitmap_t usable, hwloc_bitmap_t core)
{
	const struct vn_host_cpu *that = vn_host_cpu(host, cpu);

	if (!that || !that->siblings || !host->cores_known)
		return hwloc_bitmap_only(core, cpu);
	if (hwloc_bitmap_and(core, that->siblings, usable) < 0)
		return -ENOMEM;
	return hwloc_bitmap_set(core, cpu);
}

/*
 * Takes the next core from `left`, as a new set: `wanted`, one that others need, or else one that they do not, as long as there
 * is such a one. -EBUSY: none is left.
 */
static int take_core(const struct home *h, hwloc_bitmap_t left, bool wanted, hwloc_bitmap_t *ret_core)
{
	vn_autoset core = hwloc_bitmap_alloc(), rather = hwloc_bitmap_dup(left);

	if (!core || !rather)
		return -ENOMEM;
	if (h->wanted && (wanted ? hwloc_bitmap_and(rather, left, h->wanted)
				 : hwloc_bitmap_andnot(rather, left, h->wanted)) < 0)
		return -ENOMEM;
	int cpu = hwloc_bitmap_first(hwloc_bitmap_iszero(rather) ? left : rather);
	if (cpu < 0)
		return -EBUSY;
	if (core_of(h->host, (unsigned)cpu, left, core) < 0 || hwloc_bitmap_andnot(left, left, core) < 0)
		return -ENOMEM;
	*ret_core = vn_steal(core);
	return 0;
}

/* Adds the group of a CPU and takes its CPUs out of `rest`. */
static int add_cache(struct home *h, hwloc_bitmap_t rest, const struct vn_occupied *occupied)
{
	const struct vn_host_cpu *first = vn_host_cpu(h->host, (unsigned)hwloc_bitmap_first(rest));
	struct cache *cache = &h->caches[h->n];
	vn_autoset all = hwloc_bitmap_alloc();
	unsigned id;

	if (!all)
		return -ENOMEM;
	hwloc_bitmap_foreach_begin (id, rest) {
		const struct vn_host_cpu *cpu = vn_host_cpu(h->host, id);
		if ((!first || !cpu || cpu->l3 == first->l3) && hwloc_bitmap_set(all, id) < 0)
			return -ENOMEM;
	}
	hwloc_bitmap_foreach_end();
	cache->left = hwloc_bitmap_dup(all);
	if (!cache->left || hwloc_bitmap_andnot(rest, rest, all) < 0) {
		hwloc_bitmap_free(cache->left);
		return -ENOMEM;
	}
	cache->cores = vn_host_cores(h->host, all);
	const struct vn_host_cpu *lowest =
		first && first->l3 >= 0 ? vn_host_cpu(h->host, (unsigned)first->l3) : NULL;
	cache->load = occupied && lowest ? occupied->l3_load[lowest - h->host->cpus] : 0;
	cache->all = vn_steal(all);
	h->n++;
	return 0;
}

/* Spreads the load that no group has over all of them, and leaves the first cores of each alone. */
static int spread_load(struct home *h, uint64_t load, bool exclusive)
{
	uint64_t confined = 0;

	for (size_t i = 0; i < h->n; i++)
		confined += h->caches[i].load;
	uint64_t floating = vn_excess(load, confined);
	for (size_t i = 0; i < h->n; i++) {
		struct cache *cache = &h->caches[i];
		uint64_t more = floating / (h->n - i);
		cache->load += more;
		floating -= more;
		for (uint64_t k = 0; k < cache->load && exclusive && !hwloc_bitmap_iszero(cache->left); k++) {
			vn_autoset core = NULL;
			int r = take_core(h, cache->left, true, &core);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int home_make(const struct vn_host *host, hwloc_const_bitmap_t usable, uint64_t load, bool exclusive,
	const struct vn_occupied *occupied, struct home *h)
{
	vn_autoset rest = hwloc_bitmap_dup(usable);
	int r = 0;

	*h = (struct home){.host = host, .wanted = occupied ? occupied->wanted : NULL};
	if (rest)
		h->caches = calloc(vn_set_weight(rest) + 1, sizeof(*h->caches));
	if (!rest || !h->caches)
		return -ENOMEM;
	while (r >= 0 && !hwloc_bitmap_iszero(rest))
		r = add_cache(h, rest, occupied);
	return r < 0 ? r : spread_load(h, load, exclusive);
}

static uint64_t free_cores(const struct cache *cache)
{
	return vn_excess(cache->cores, cache->load + cache->given);
}

/* The group that the next of `wanted` guest cores go to; NULL: none has a free core. */
static struct cache *choose_cache(const struct home *h, uint64_t wanted, bool exclusive)
{
	struct cache *best = NULL;
	uint64_t best_free = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct cache *cache = &h->caches[i];
		uint64_t here =
			exclusive
				? (hwloc_bitmap_iszero(cache->left) ? 0 : vn_host_cores(h->host, cache->left))
				: free_cores(cache);
		bool holds = here >= wanted, held = best_free >= wanted;
		if (here > 0 &&
			(!best || (holds && (!held || here < best_free)) || (!held && here > best_free))) {
			best = cache;
			best_free = here;
		}
	}
	return best;
}

/* CPU number `i` of a core, for a vCPU that shares it with others of its guest core. */
static int one_thread(hwloc_const_bitmap_t core, unsigned i, hwloc_bitmap_t *ret)
{
	unsigned n = (unsigned)hwloc_bitmap_weight(core);
	int cpu = hwloc_bitmap_first(core);
	vn_autoset set = hwloc_bitmap_alloc();

	for (i %= n; i > 0; i--)
		cpu = hwloc_bitmap_next(core, cpu);
	if (!set || hwloc_bitmap_set(set, (unsigned)cpu) < 0)
		return -ENOMEM;
	*ret = vn_steal(set);
	return 0;
}

/* What the vCPUs of one guest core may use: `core` is theirs alone, or NULL, and then the `cpus`. */
static int give(struct vn_plan *plan, const unsigned *vcpus, unsigned n, hwloc_const_bitmap_t core,
	hwloc_const_bitmap_t cpus)
{
	for (unsigned i = 0; i < n; i++) {
		int r = 0;
		if (core && n > 1)
			r = one_thread(core, i, &plan->vcpu_cpus[vcpus[i]]);
		else
			plan->vcpu_cpus[vcpus[i]] = hwloc_bitmap_dup(core ? core : cpus);
		if (r < 0 || !plan->vcpu_cpus[vcpus[i]])
			return -ENOMEM;
	}
	return 0;
}

/* The vCPUs of one vnode, guest core by guest core. */
static int pin_vnode(const struct vn_instance *in, const struct vn_guest *guest, size_t v, size_t place,
	struct home *h, struct vn_plan *plan)
{
	unsigned vcpus[64], n = 0, vcpu, threads = in->groups[0].threads;
	uint64_t wanted = in->parts[v].cores;
	bool exclusive = guest->exclusive_cores;
	struct cache *cache = NULL;

	for (vcpu = 0; vcpu < guest->maxvcpus; vcpu++) {
		if (!hwloc_bitmap_isset(guest->vnodes[v].vcpus, vcpu))
			continue;
		vcpus[n++] = vcpu;
		if (n < threads && hwloc_bitmap_next(guest->vnodes[v].vcpus, (int)vcpu) >= 0)
			continue;
		vn_autoset core = NULL;
		if (!cache || (exclusive ? hwloc_bitmap_iszero(cache->left) : free_cores(cache) == 0))
			cache = choose_cache(h, wanted, exclusive);
		int r = exclusive ? (cache ? take_core(h, cache->left, false, &core) : -EBUSY) : 0;
		if (r >= 0)
			r = give(plan, vcpus, n, core,
				cache && !exclusive ? cache->all : in->groups[0].cpus[place]);
		if (r < 0)
			return r;
		if (cache)
			cache->given++;
		wanted -= wanted > 0;
		n = 0;
	}
	return 0;
}

static int pin_place(const struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, const size_t *homes, size_t place, struct vn_plan *plan)
{
	vn_cleanup(home_clear) struct home h = {0};
	bool lived_in = false;

	for (size_t v = 0; v < in->n_parts; v++)
		lived_in |= homes[v] == place && in->parts[v].vcpus > 0;
	if (!lived_in)
		return 0;
	int r = home_make(host, in->groups[0].cpus[place], in->places[place].load, guest->exclusive_cores,
		occupied, &h);
	for (size_t v = 0; v < in->n_parts && r >= 0; v++) {
		if (homes[v] == place)
			r = pin_vnode(in, guest, v, place, &h, plan);
	}
	return r;
}

/* Keeps QEMU's other threads off the cores that the guest's vCPUs have for themselves, where it may use others. */
static int leave_vcpus_alone(struct vn_plan *plan)
{
	vn_autoset rest = hwloc_bitmap_dup(plan->emulator_cpus);

	if (!rest)
		return -ENOMEM;
	for (unsigned vcpu = 0; vcpu < plan->n_vcpus; vcpu++) {
		if (hwloc_bitmap_andnot(rest, rest, plan->vcpu_cpus[vcpu]) < 0)
			return -ENOMEM;
	}
	return hwloc_bitmap_iszero(rest) ? 0 : hwloc_bitmap_copy(plan->emulator_cpus, rest);
}

int vn_pin_emulator(const struct vn_instance *instance, const size_t *homes, struct vn_plan *plan)
{
	hwloc_bitmap_zero(plan->emulator_cpus);
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		if (instance->parts[v].vcpus > 0 && hwloc_bitmap_or(plan->emulator_cpus, plan->emulator_cpus,
							    instance->groups[0].cpus[homes[v]]) < 0)
			return -ENOMEM;
	}
	return instance->groups[0].exclusive ? leave_vcpus_alone(plan) : 0;
}

/* A vnode's CPUs are those of its vCPUs. */
static int join_sets(const struct vn_guest *guest, struct vn_plan *plan)
{
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		plan->vnodes[v].cpus = hwloc_bitmap_alloc();
		if (!plan->vnodes[v].cpus)
			return -ENOMEM;
	}
	for (unsigned vcpu = 0; vcpu < guest->maxvcpus; vcpu++) {
		int vnode = vn_guest_vnode_of(guest, vcpu);
		if (vnode < 0)
			continue;
		hwloc_bitmap_t cpus = plan->vnodes[vnode].cpus;
		if (hwloc_bitmap_or(cpus, cpus, plan->vcpu_cpus[vcpu]) < 0)
			return -ENOMEM;
	}
	return 0;
}

int vn_pin_plan(const struct vn_instance *instance, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, const size_t *homes, struct vn_plan *plan)
{
	int r = 0;

	plan->vcpu_cpus = calloc(guest->maxvcpus, sizeof(hwloc_bitmap_t));
	plan->emulator_cpus = hwloc_bitmap_alloc();
	if (!plan->vcpu_cpus || !plan->emulator_cpus)
		return -ENOMEM;
	plan->n_vcpus = guest->maxvcpus;
	for (size_t i = 0; i < instance->n_places && r >= 0; i++)
		r = pin_place(instance, host, guest, occupied, homes, i, plan);
	for (unsigned vcpu = 0; vcpu < guest->maxvcpus && r >= 0; vcpu++) { /* of no vnode: nowhere */
		if (!plan->vcpu_cpus[vcpu] && !(plan->vcpu_cpus[vcpu] = hwloc_bitmap_alloc()))
			r = -ENOMEM;
	}
	if (r >= 0)
		r = join_sets(guest, plan);
	return r < 0 ? r : vn_pin_emulator(instance, homes, plan);
}
