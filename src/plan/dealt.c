/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Where a user has a vnode's memory interleaved over several nodes, the home decides nothing of where it goes. Linux takes the nodes
 * in turn, in the order of their numbers, a page from each (mm/mempolicy.c, interleave_nid()), so each has the same part, and what
 * does not divide evenly is on the lowest. A part is whole pages here, whole MiB of ordinary ones. Once a node is full, the kernel
 * takes its page from another, by that node's own order of nearness; here the node is passed over, so the others of the set share
 * what it cannot take. Nodes that are not the user's are no choice: when his hold it not all there is no plan.
 *
 * So this memory is settled before any home is looked for. It is taken out of the rooms, the first vnode's first, and the vnode
 * becomes one without memory, whose vCPUs live on one of its nodes. What the vCPUs of its guest pay for the way to it depends on
 * their home alone, as with a device, and is added to their pulls. That is all the search needs to know of it, which is why it
 * remains exact; nothing that counts as spill comes of it either. A vnode without vCPUs lives where its first part is.
 */
#include "dealt.h"

bool vn_is_dealt(const struct vn_vnode *vnode)
{
	return vnode->has_binding && vnode->binding == VN_BINDING_INTERLEAVE && vnode->nodes &&
	       vn_set_weight(vnode->nodes) > 1;
}

static uint64_t grain_of(const struct vn_instance *in, size_t part)
{
	uint64_t page = in->pages[in->parts[part].pool];

	return page > VN_MIB ? page : VN_MIB;
}

/* Grains that a place can take of a part. */
static uint64_t room_for(const struct vn_instance *in, size_t part, size_t place)
{
	if (in->barred[part * in->n_places + place])
		return 0;
	return vn_room(in, in->parts[part].pool, place) / grain_of(in, part);
}

/* Grains that are gone after so many rounds, in each of which every place that has room takes one. */
static uint64_t held_after(const struct vn_instance *in, size_t part, uint64_t rounds)
{
	uint64_t held = 0;

	for (size_t i = 0; i < in->n_places; i++)
		held += vn_min(room_for(in, part, i), rounds);
	return held;
}

/* The most rounds that `grains` are enough for. */
static uint64_t whole_rounds(const struct vn_instance *in, size_t part, uint64_t grains)
{
	uint64_t low = 0, high = grains;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;
		if (held_after(in, part, middle) <= grains)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void deal_part(struct vn_instance *in, size_t part)
{
	const struct vn_part *that = &in->parts[part];
	uint64_t grain = grain_of(in, part), grains = that->dealt / grain;
	uint64_t rounds = whole_rounds(in, part, grains), rest = grains - held_after(in, part, rounds);

	for (size_t i = 0; i < in->n_places; i++) {
		uint64_t room = room_for(in, part, i), here = vn_min(room, rounds);
		bool more = rest > 0 && room > rounds;
		rest -= more;
		in->dealt[part * in->n_places + i] = (here + more) * grain;
		in->rooms[that->pool * in->n_places + i] -= (here + more) * grain;
	}
}

/* Bars a part from all places but the first that has memory of it, if any has. */
static void settle_home(struct vn_instance *in, size_t part)
{
	bool *barred = in->barred + part * in->n_places;
	size_t first = 0;

	while (first < in->n_places && vn_dealt(in, part, first) == 0)
		first++;
	for (size_t i = 0; i < in->n_places && first < in->n_places; i++)
		barred[i] = i != first;
}

/* Adds what the vCPUs of a group pay for its dealt memory from each place. */
static int add_pulls(struct vn_instance *in, const struct vn_group *group)
{
	vn_autofree uint64_t *mib = calloc(in->n_places, sizeof(*mib));

	if (!in->pulls)
		in->pulls = calloc(in->n_parts * in->n_places, sizeof(*in->pulls));
	if (!mib || !in->pulls)
		return -ENOMEM;
	for (size_t w = group->first; w < group->first + group->n; w++) {
		for (size_t j = 0; j < in->n_places; j++)
			mib[j] += vn_dealt(in, w, j) / VN_MIB;
	}
	for (size_t i = 0; i < in->n_places; i++) {
		uint64_t seen = 0;
		for (size_t j = 0; j < in->n_places; j++)
			seen += mib[j] * vn_distance(in, i, j);
		for (size_t v = group->first; v < group->first + group->n; v++)
			in->pulls[v * in->n_places + i] += (int64_t)(in->parts[v].vcpus * seen);
	}
	return 0;
}

/* Deals out the memory of one guest. */
static int deal_group(struct vn_instance *in, const struct vn_group *group, const struct vn_guest *guest)
{
	bool any = false;

	for (size_t v = 0; v < group->n; v++) {
		struct vn_part *part = &in->parts[group->first + v];
		if (!vn_is_dealt(&guest->vnodes[v]))
			continue;
		if (!in->dealt)
			in->dealt = calloc(in->n_parts * in->n_places, sizeof(*in->dealt));
		if (!in->dealt)
			return -ENOMEM;
		part->dealt = part->memory;
		part->memory = part->mib = 0;
		deal_part(in, group->first + v);
		if (part->vcpus == 0 && part->fixed < 0)
			settle_home(in, group->first + v);
		any = true;
	}
	return any ? add_pulls(in, group) : 0;
}

int vn_deal(struct vn_instance *instance, const struct vn_guest *const *guests)
{
	int r = 0;

	for (size_t g = 0; g < instance->n_groups && r >= 0; g++)
		r = deal_group(instance, &instance->groups[g], guests[g]);
	return r;
}

uint64_t vn_deal_lacks(const struct vn_instance *instance, size_t part)
{
	uint64_t left = instance->parts[part].dealt;

	for (size_t i = 0; i < instance->n_places; i++)
		left -= vn_dealt(instance, part, i);
	return left;
}

bool vn_deal_fails(const struct vn_instance *instance)
{
	bool fails = false;

	for (size_t v = 0; v < instance->n_parts; v++)
		fails |= vn_deal_lacks(instance, v) > 0;
	return fails;
}

vn_i128 vn_dealt_distance(const struct vn_instance *instance, const size_t *homes)
{
	vn_i128 sum = 0;

	for (size_t v = 0; v < instance->n_parts && instance->dealt; v++) {
		const struct vn_group *group = &instance->groups[instance->parts[v].group];
		uint64_t seen = 0;
		for (size_t w = group->first; w < group->first + group->n; w++) {
			for (size_t j = 0; j < instance->n_places; j++)
				seen += vn_dealt(instance, w, j) / VN_MIB *
					vn_distance(instance, homes[v], j);
		}
		sum += (vn_i128)instance->parts[v].vcpus * seen;
	}
	return sum;
}
