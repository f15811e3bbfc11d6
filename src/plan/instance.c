/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "instance.h"

#include <string.h>

#include "dealt.h"

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Bytes of the guest's page size on a node, before promises. */
static uint64_t pool_bytes(const struct vn_host_node *node, uint64_t hugepages)
{
	if (hugepages == 0) {
		if (!node->has_memory_free)
			return node->memory_total;
		return add_saturated(node->memory_free, node->memory_reclaimable);
	}
	for (size_t i = 0; i < node->n_hugepools; i++) {
		if (node->hugepools[i].size == hugepages)
			return node->hugepools[i].free > VN_MAX_ROOM / hugepages
				       ? VN_MAX_ROOM
				       : node->hugepools[i].free * hugepages;
	}
	return 0;
}

/* `only`: the nodes that all who plan may use; NULL: any. */
static uint64_t room_of(const struct vn_host *host, const struct vn_host_node *node,
	hwloc_const_bitmap_t only, uint64_t hugepages, uint64_t promised)
{
	uint64_t unit = hugepages > VN_MIB ? hugepages : VN_MIB;

	if (only && !hwloc_bitmap_isset(only, node->id))
		return 0;
	if (host->allowed_nodes && !hwloc_bitmap_isset(host->allowed_nodes, node->id))
		return 0;
	uint64_t room = vn_min(vn_excess(pool_bytes(node, hugepages), promised), VN_MAX_ROOM);
	return room - room % unit;
}

uint32_t vn_told_distance(const struct vn_host *host, size_t from, size_t to)
{
	const uint32_t *row = host->nodes[from].distances;
	uint32_t told = row ? row[to] : VN_DISTANCE_UNKNOWN;

	if (told == VN_DISTANCE_UNKNOWN)
		return from == to ? VN_DISTANCE_LOCAL : VN_DISTANCE_ASSUMED;
	return told > VN_DISTANCE_UNREACHABLE ? VN_DISTANCE_UNREACHABLE : told;
}

bool vn_places_alike(const struct vn_instance *in, size_t a, size_t b)
{
	const struct vn_place *p = &in->places[a], *q = &in->places[b];

	if (p->cores != q->cores || p->load != q->load || vn_distance(in, a, a) != vn_distance(in, b, b))
		return false;
	for (size_t k = 0; k < in->n_pools; k++) {
		if (vn_room(in, k, a) != vn_room(in, k, b))
			return false;
	}
	for (size_t g = 0; g < in->n_groups; g++) {
		if (in->groups[g].cores[a] != in->groups[g].cores[b])
			return false;
	}
	for (size_t v = 0; in->pulls && v < in->n_parts; v++) {
		if (vn_pull(in, v, a) != vn_pull(in, v, b))
			return false;
	}
	for (size_t v = 0; in->barred && v < in->n_parts; v++) {
		if (in->barred[v * in->n_places + a] != in->barred[v * in->n_places + b])
			return false;
	}
	return true;
}

/* Whether changing the names of two places would change nothing at all. */
static bool interchangeable(const struct vn_instance *in, size_t a, size_t b)
{
	if (!vn_places_alike(in, a, b) || vn_distance(in, a, b) != vn_distance(in, b, a))
		return false;
	for (size_t k = 0; k < in->n_places; k++) {
		if (k == a || k == b)
			continue;
		if (vn_distance(in, a, k) != vn_distance(in, b, k) ||
			vn_distance(in, k, a) != vn_distance(in, k, b))
			return false;
	}
	return true;
}

/* Being interchangeable is an equivalence (swaps compose), so comparing with the first of each class is
 * enough. */
static void classify(struct vn_instance *in)
{
	for (size_t i = 0; i < in->n_places; i++) {
		in->places[i].class = i;
		for (size_t j = 0; j < i; j++) {
			if (in->places[j].class == j && interchangeable(in, j, i)) {
				in->places[i].class = j;
				break;
			}
		}
	}
}

/* Of those online: those that the cpuset and `cpus` allow and no other guest has for itself. Isolated ones only where `cpus`
 * names them by number ("all" has no end, and names none): the scheduler leaves them alone, so somebody must have meant it. */
static int usable_cpus(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, size_t i, hwloc_bitmap_t *ret)
{
	vn_autoset set = hwloc_bitmap_dup(host->nodes[i].cpus);

	if (!set)
		return -ENOMEM;
	if (host->allowed_cpus && hwloc_bitmap_and(set, set, host->allowed_cpus) < 0)
		return -ENOMEM;
	if (guest->cpus && hwloc_bitmap_and(set, set, guest->cpus) < 0)
		return -ENOMEM;
	if (!vn_guest_names_cpus(guest) && host->isolated_cpus &&
		hwloc_bitmap_andnot(set, set, host->isolated_cpus) < 0)
		return -ENOMEM;
	if (occupied && hwloc_bitmap_andnot(set, set, occupied->claimed) < 0)
		return -ENOMEM;
	*ret = vn_steal(set);
	return 0;
}

static uint64_t count_cores(const struct vn_host *host, hwloc_const_bitmap_t cpus)
{
	return hwloc_bitmap_iszero(cpus) ? 0 : vn_host_cores(host, cpus);
}

/* The pool of a page size, a new one if need be. There is room for one per part, and one more. */
static unsigned pool_of(struct vn_instance *in, uint64_t page)
{
	unsigned k = 0;

	while (k < in->n_pools && in->pages[k] != page)
		k++;
	if (k == in->n_pools)
		in->pages[in->n_pools++] = page;
	return k;
}

static int fill_group(struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, struct vn_group *group)
{
	group->exclusive = guest->exclusive_cores;
	in->exclusive |= guest->exclusive_cores;
	group->threads = guest->threads ? guest->threads : 1;
	group->n = guest->n_vnodes;
	group->pool = pool_of(in, guest->n_vnodes ? vn_vnode_page(guest, 0) : guest->hugepages);
	group->cores = calloc(in->n_places + 1, sizeof(*group->cores));
	group->cpus = calloc(in->n_places + 1, sizeof(hwloc_bitmap_t));
	if (!group->cores || !group->cpus)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_places; i++) {
		int r = usable_cpus(host, guest, occupied, i, &group->cpus[i]);
		if (r < 0)
			return r;
		group->cores[i] = count_cores(host, group->cpus[i]);
	}
	return 0;
}

/* The cores that one guest or another may use, and whether that is the same for all. */
static int join_groups(struct vn_instance *in, const struct vn_host *host)
{
	in->alike = true;
	for (size_t i = 0; i < in->n_places; i++) {
		/* there is a guest. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		in->places[i].cores = in->groups[0].cores[i];
		if (in->n_groups == 1)
			continue;
		vn_autoset all = hwloc_bitmap_dup(in->groups[0].cpus[i]);
		if (!all)
			return -ENOMEM;
		for (size_t g = 1; g < in->n_groups; g++) {
			in->alike &= hwloc_bitmap_isequal(in->groups[g].cpus[i], in->groups[0].cpus[i]);
			if (hwloc_bitmap_or(all, all, in->groups[g].cpus[i]) < 0)
				return -ENOMEM;
		}
		in->places[i].cores = count_cores(host, all);
	}
	return 0;
}

static void fill_places(struct vn_instance *in, const struct vn_host *host, hwloc_const_bitmap_t only,
	const struct vn_occupied *occupied)
{
	for (size_t i = 0; i < in->n_places; i++) {
		const struct vn_occupied_node *taken = occupied ? &occupied->nodes[i] : NULL;
		in->places[i].id = host->nodes[i].id;
		in->places[i].load = taken ? taken->load : 0;
		for (size_t k = 0; k < in->n_pools; k++)
			in->rooms[k * in->n_places + i] = room_of(host, &host->nodes[i], only, in->pages[k],
				taken ? vn_occupied_promised(taken, in->pages[k]) : 0);
		for (size_t j = 0; j < in->n_places; j++)
			in->distances[i * in->n_places + j] = vn_told_distance(host, i, j);
	}
}

static void fill_parts(
	struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest, unsigned g)
{
	struct vn_group *group = &in->groups[g];

	for (size_t v = 0; v < guest->n_vnodes; v++) {
		const struct vn_vnode *vnode = &guest->vnodes[v];
		unsigned pool = pool_of(in, vn_vnode_page(guest, v));
		group->mixed |= pool != group->pool;
		uint64_t vcpus = vn_set_weight(vnode->vcpus);
		in->parts[group->first + v] = (struct vn_part){
			.memory = vnode->memory,
			.mib = vnode->memory / VN_MIB,
			.vcpus = vcpus,
			.cores = (vcpus + group->threads - 1) / group->threads,
			.fixed = vnode->home < 0 ? -1 : vn_host_node_index(host, (unsigned)vnode->home),
			.pool = pool,
			.group = g,
		};
	}
}

static bool names_others(hwloc_const_bitmap_t nodes, unsigned id)
{
	return nodes && !hwloc_bitmap_isset(nodes, id);
}

/* Where the parts must not live, if anybody said so. */
static int bar_places(
	struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest, size_t first)
{
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		if (!guest->nodes && !guest->vnodes[v].nodes)
			continue;
		if (!in->barred)
			in->barred = calloc(in->n_parts * in->n_places + 1, sizeof(*in->barred));
		if (!in->barred)
			return -ENOMEM;
		for (size_t i = 0; i < in->n_places; i++)
			in->barred[(first + v) * in->n_places + i] =
				names_others(guest->nodes, host->nodes[i].id) ||
				names_others(guest->vnodes[v].nodes, host->nodes[i].id);
	}
	return 0;
}

/* Where a device is, as an index of the nodes; -1: not known, or no such device. */
static int place_of_device(const struct vn_host *host, const char *address)
{
	const struct vn_host_device *device = vn_host_device(host, address);

	return device && device->node >= 0 ? vn_host_node_index(host, (unsigned)device->node) : -1;
}

static int add_pulls(
	struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest, size_t first)
{
	for (size_t k = 0; k < guest->n_hostdevs; k++) {
		const struct vn_hostdev *device = &guest->hostdevs[k];
		int at = place_of_device(host, device->address);
		if (at < 0 || device->vnode >= guest->n_vnodes)
			continue;
		if (!in->pulls)
			in->pulls = calloc(in->n_parts * in->n_places, sizeof(*in->pulls));
		if (!in->pulls)
			return -ENOMEM;
		size_t part = first + device->vnode;
		for (size_t i = 0; i < in->n_places; i++)
			in->pulls[part * in->n_places + i] += (int64_t)in->parts[part].vcpus * VN_DEVICE_MIB *
							      vn_distance(in, i, (size_t)at);
	}
	return 0;
}

static int allocate(struct vn_instance *in)
{
	size_t n = in->n_places + 1;

	in->places = calloc(n, sizeof(*in->places));
	in->pages = calloc(in->n_parts + in->n_groups, sizeof(*in->pages));
	in->rooms = calloc((in->n_parts + in->n_groups) * n, sizeof(*in->rooms));
	in->distances = calloc(n * n, sizeof(*in->distances));
	in->parts = calloc(in->n_parts + 1, sizeof(*in->parts));
	in->groups = calloc(in->n_groups, sizeof(*in->groups));
	if (!in->places || !in->pages || !in->rooms || !in->distances || !in->parts || !in->groups)
		return -ENOMEM;
	return 0;
}

int vn_instance_make(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_plan_options *options, struct vn_instance *ret_instance)
{
	const struct vn_occupied *occupied = options ? options->occupied : NULL;
	vn_autoinstance in = {
		.n_places = host->n_nodes,
		.n_groups = n,
		.policy = guests[0]->policy,
		.spanning = n == 1 && guests[0]->guest_numa == VN_GUEST_NUMA_OFF && guests[0]->n_vnodes == 1,
	};
	size_t first = 0;

	for (size_t g = 0; g < n; g++)
		in.n_parts += guests[g]->n_vnodes;
	int r = allocate(&in);
	for (size_t g = 0; g < n && r >= 0; g++) {
		in.groups[g].first = first;
		r = fill_group(&in, host, guests[g], occupied, &in.groups[g]);
		fill_parts(&in, host, guests[g], (unsigned)g);
		first += guests[g]->n_vnodes;
	}
	if (r < 0)
		return r;
	fill_places(&in, host, n == 1 ? guests[0]->nodes : NULL, occupied);
	r = join_groups(&in, host);
	for (size_t g = 0; g < n && r >= 0; g++)
		r = add_pulls(&in, host, guests[g], in.groups[g].first);
	for (size_t g = 0; g < n && r >= 0; g++)
		r = bar_places(&in, host, guests[g], in.groups[g].first);
	if (r >= 0)
		r = vn_deal(&in, host, guests);
	if (r < 0)
		return r;
	classify(&in);
	*ret_instance = in;
	in = (struct vn_instance){0};
	return 0;
}

bool vn_parts_equal(const struct vn_instance *instance, size_t a, size_t b)
{
	const struct vn_part *p = &instance->parts[a], *q = &instance->parts[b];

	if (p->memory != q->memory || p->vcpus != q->vcpus || p->group != q->group || p->pool != q->pool)
		return false;
	if (instance->barred &&
		memcmp(instance->barred + a * instance->n_places, instance->barred + b * instance->n_places,
			instance->n_places * sizeof(*instance->barred)) != 0)
		return false;
	return !instance->pulls ||
	       memcmp(instance->pulls + a * instance->n_places, instance->pulls + b * instance->n_places,
		       instance->n_places * sizeof(*instance->pulls)) == 0;
}

static void group_clear(struct vn_group *group, size_t n_places)
{
	for (size_t i = 0; group->cpus && i < n_places; i++)
		hwloc_bitmap_free(group->cpus[i]);
	free(group->cpus);
	free(group->cores);
}

void vn_instance_clear(struct vn_instance *instance)
{
	for (size_t g = 0; instance->groups && g < instance->n_groups; g++)
		group_clear(&instance->groups[g], instance->n_places);
	free(instance->groups);
	free(instance->places);
	free(instance->pages);
	free(instance->rooms);
	free(instance->distances);
	free(instance->parts);
	free(instance->pulls);
	free(instance->dealt);
	free(instance->barred);
	*instance = (struct vn_instance){0};
}
