/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "instance.h"

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

static uint64_t room_of(
	const struct vn_host *host, const struct vn_host_node *node, uint64_t hugepages, uint64_t promised)
{
	uint64_t unit = hugepages > VN_MIB ? hugepages : VN_MIB;

	if (host->allowed_nodes && !hwloc_bitmap_isset(host->allowed_nodes, node->id))
		return 0;
	uint64_t room = vn_min(vn_excess(pool_bytes(node, hugepages), promised), VN_MAX_ROOM);
	return room - room % unit;
}

static uint32_t told_distance(const struct vn_host *host, size_t from, size_t to)
{
	const uint32_t *row = host->nodes[from].distances;
	uint32_t told = row ? row[to] : VN_DISTANCE_UNKNOWN;

	if (told == VN_DISTANCE_UNKNOWN)
		return from == to ? VN_DISTANCE_LOCAL : VN_DISTANCE_ASSUMED;
	return told > VN_DISTANCE_UNREACHABLE ? VN_DISTANCE_UNREACHABLE : told;
}

/* Whether changing the names of two places would change nothing at all. */
static bool interchangeable(const struct vn_instance *in, size_t a, size_t b)
{
	const struct vn_place *p = &in->places[a], *q = &in->places[b];

	if (p->room != q->room || p->cores != q->cores || p->load != q->load)
		return false;
	if (vn_distance(in, a, a) != vn_distance(in, b, b) || vn_distance(in, a, b) != vn_distance(in, b, a))
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
 * names CPUs: the scheduler leaves them alone, so somebody must have meant it. */
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
	if (!guest->cpus && host->isolated_cpus && hwloc_bitmap_andnot(set, set, host->isolated_cpus) < 0)
		return -ENOMEM;
	if (occupied && hwloc_bitmap_andnot(set, set, occupied->claimed) < 0)
		return -ENOMEM;
	*ret = vn_steal(set);
	return 0;
}

static int fill_places(struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied)
{
	for (size_t i = 0; i < in->n_places; i++) {
		struct vn_place *place = &in->places[i];
		int r = usable_cpus(host, guest, occupied, i, &in->cpus[i]);
		if (r < 0)
			return r;
		place->id = host->nodes[i].id;
		place->cores = hwloc_bitmap_iszero(in->cpus[i]) ? 0 : vn_host_cores(host, in->cpus[i]);
		place->load = occupied ? occupied->nodes[i].load : 0;
		place->room = room_of(host, &host->nodes[i], guest->hugepages,
			occupied ? vn_occupied_promised(&occupied->nodes[i], guest->hugepages) : 0);
		for (size_t j = 0; j < in->n_places; j++)
			in->distances[i * in->n_places + j] = told_distance(host, i, j);
	}
	classify(in);
	return 0;
}

static void fill_parts(struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest)
{
	for (size_t v = 0; v < in->n_parts; v++) {
		const struct vn_vnode *vnode = &guest->vnodes[v];
		in->parts[v] = (struct vn_part){
			.memory = vnode->memory,
			.mib = vnode->memory / VN_MIB,
			.vcpus = vn_set_weight(vnode->vcpus),
			.fixed = vnode->home < 0 ? -1 : vn_host_node_index(host, (unsigned)vnode->home),
		};
	}
}

int vn_instance_make(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_instance *ret_instance)
{
	size_t n = host->n_nodes;
	vn_autoinstance in = {
		.n_places = n,
		.n_parts = guest->n_vnodes,
		.policy = guest->policy,
		.exclusive = guest->exclusive_cores,
		.spanning = guest->guest_numa == VN_GUEST_NUMA_OFF && guest->n_vnodes == 1,
	};

	in.places = calloc(n, sizeof(*in.places));
	in.cpus = calloc(n, sizeof(hwloc_bitmap_t));
	in.distances = calloc(n * n, sizeof(*in.distances));
	in.parts = calloc(in.n_parts, sizeof(*in.parts));
	if (!in.places || !in.cpus || !in.distances || !in.parts)
		return -ENOMEM;
	int r = fill_places(&in, host, guest, options ? options->occupied : NULL);
	if (r < 0)
		return r;
	fill_parts(&in, host, guest);
	*ret_instance = in;
	in = (struct vn_instance){0};
	return 0;
}

void vn_instance_clear(struct vn_instance *instance)
{
	for (size_t i = 0; instance->cpus && i < instance->n_places; i++)
		hwloc_bitmap_free(instance->cpus[i]);
	free(instance->cpus);
	free(instance->places);
	free(instance->distances);
	free(instance->parts);
	*instance = (struct vn_instance){0};
}
