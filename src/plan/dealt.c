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
 *
 * The same goes for a vnode with vCPUs whose user ties its memory, however, to nodes without a CPU that the guest may use (memory
 * behind CXL, HBM): the memory is there and the vCPUs are not, so they may live on any node, and their pull brings them near. Unless
 * it is interleaved such memory fills one node after the other. Linux begins with the one that is nearest to the CPU that touches
 * it, which is not known before the home is: here, with the one that is nearest to any CPU that the guest may use. What a node that is
 * only preferred has no room for goes to the others that the guest may have memory on, those nearest to the preferred one first.
 */
#include "dealt.h"

bool vn_is_dealt(const struct vn_vnode *vnode)
{
	return vnode->has_binding && vnode->binding == VN_BINDING_INTERLEAVE && vnode->nodes &&
	       vn_set_weight(vnode->nodes) > 1;
}

/* A part whose memory is being settled. */
struct deal {
	struct vn_instance *in;
	size_t part;
	uint64_t grain;
	bool *tied; /* per place: its memory may be there */
	int from; /* the place that others are to be near; -1: any CPU that the guest may use */
};

/* Grains that a place can take. */
static uint64_t room_for(const struct deal *d, size_t place)
{
	return d->tied[place] ? vn_room(d->in, d->in->parts[d->part].pool, place) / d->grain : 0;
}

/* Grains that are gone after so many rounds, in each of which every place that has room takes one. */
static uint64_t held_after(const struct deal *d, uint64_t rounds)
{
	uint64_t held = 0;

	for (size_t i = 0; i < d->in->n_places; i++)
		held += vn_min(room_for(d, i), rounds);
	return held;
}

/* The most rounds that `grains` are enough for. */
static uint64_t whole_rounds(const struct deal *d, uint64_t grains)
{
	uint64_t low = 0, high = grains;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;
		if (held_after(d, middle) <= grains)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void take(const struct deal *d, size_t place, uint64_t grains)
{
	d->in->dealt[d->part * d->in->n_places + place] += grains * d->grain;
	d->in->rooms[d->in->parts[d->part].pool * d->in->n_places + place] -= grains * d->grain;
}

static void deal_evenly(const struct deal *d, uint64_t grains)
{
	uint64_t rounds = whole_rounds(d, grains), rest = grains - held_after(d, rounds);

	for (size_t i = 0; i < d->in->n_places; i++) {
		uint64_t room = room_for(d, i);
		bool more = rest > 0 && room > rounds;
		rest -= more;
		take(d, i, vn_min(room, rounds) + more);
	}
}

/* How far a place is from where it should be near. */
static uint32_t farness(const struct deal *d, size_t place)
{
	if (d->from >= 0)
		return vn_distance(d->in, (size_t)d->from, place);
	const struct vn_group *group = &d->in->groups[d->in->parts[d->part].group];
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < d->in->n_places; i++) {
		if (group->cores[i] > 0 && vn_distance(d->in, i, place) < least)
			least = vn_distance(d->in, i, place);
	}
	return least;
}

/* Returns the grains that there is no room for. */
static uint64_t fill_up(const struct deal *d, uint64_t grains)
{
	size_t n = d->in->n_places;

	for (size_t best = 0; grains > 0 && best < n;) {
		best = n;
		for (size_t i = 0; i < n; i++) {
			if (room_for(d, i) > 0 && (best == n || farness(d, i) < farness(d, best)))
				best = i;
		}
		uint64_t here = best < n ? vn_min(room_for(d, best), grains) : 0;
		grains -= here;
		if (best < n)
			take(d, best, here);
	}
	return grains;
}

/* Of memory that prefers its home: what there is no room for, on whatever other places the guest may have memory. */
static void spill_over(const struct deal *d, uint64_t grains, bool *others)
{
	const struct vn_instance *in = d->in;
	const struct deal rest = {d->in, d->part, d->grain, others, in->parts[d->part].fixed};

	for (size_t i = 0; i < in->n_places; i++)
		others[i] = !d->tied[i] && !(in->barred && in->barred[d->part * in->n_places + i]);
	fill_up(&rest, grains);
}

/* Whether a part has vCPUs, and none of the places that its memory is tied to a CPU for them, which others do have. */
static bool lives_apart(const struct deal *d)
{
	const struct vn_part *that = &d->in->parts[d->part];
	bool there = false, elsewhere = false;

	for (size_t i = 0; i < d->in->n_places; i++) {
		bool cores = d->in->groups[that->group].cores[i] > 0;
		there |= cores && d->tied[i];
		elsewhere |= cores && !d->tied[i];
	}
	return that->vcpus > 0 && !there && elsewhere;
}

/* Lets its vCPUs live wherever there are CPUs for them: on the nodes of the guest, if any of these has some. A home among those without
 * was one for its memory. */
static void free_home(const struct deal *d, const struct vn_host *host, const struct vn_guest *guest)
{
	struct vn_instance *in = d->in;
	size_t part = d->part;
	const struct vn_group *group = &in->groups[in->parts[part].group];
	bool any = false;

	if (in->parts[part].fixed >= 0 && d->tied[in->parts[part].fixed])
		in->parts[part].fixed = -1;
	for (size_t i = 0; i < in->n_places && guest->nodes; i++)
		any |= group->cores[i] > 0 && hwloc_bitmap_isset(guest->nodes, host->nodes[i].id);
	for (size_t i = 0; i < in->n_places && in->barred; i++)
		in->barred[part * in->n_places + i] =
			any && !hwloc_bitmap_isset(guest->nodes, host->nodes[i].id);
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

bool vn_prefers_home(const struct vn_vnode *vnode)
{
	return vnode->has_binding && vnode->binding == VN_BINDING_PREFERRED && !vnode->nodes &&
	       vnode->home >= 0;
}

bool vn_is_kept(const struct vn_guest *guest, const struct vn_vnode *vnode)
{
	return guest->form == VN_FORM_LIBVIRT && guest->nodes && !vnode->has_binding && !vnode->nodes &&
	       vnode->home < 0;
}

/* Whether the user ties the vnode's memory to certain nodes: to those, to the home that he prefers, or to all that are the guest's. */
static bool is_tied(const struct vn_guest *guest, const struct vn_vnode *vnode)
{
	return (vnode->has_binding && (vnode->nodes || vnode->home >= 0)) || vn_is_kept(guest, vnode);
}

/* Puts the memory on the places that it is tied to, one after the other. */
static int settle_memory(const struct deal *d, const struct vn_vnode *vnode)
{
	vn_autofree bool *others = calloc(d->in->n_places, sizeof(*others));
	uint64_t left = d->in->parts[d->part].dealt / d->grain;

	if (!others)
		return -ENOMEM;
	left = fill_up(d, left);
	if (left > 0 && vn_prefers_home(vnode))
		spill_over(d, left, others);
	return 0;
}

/* Of a vnode whose memory is tied. 1: it was settled. 0: that is for its home to do. -ENOMEM. */
static int settle(
	struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest, size_t v, size_t at)
{
	const struct vn_vnode *vnode = &guest->vnodes[v];
	struct vn_part *part = &in->parts[at];
	uint64_t page = in->pages[part->pool];
	vn_autofree bool *tied = calloc(in->n_places, sizeof(*tied));
	const struct deal d = {in, at, page > VN_MIB ? page : VN_MIB, tied, -1};
	int r = 0;

	if (!in->dealt)
		in->dealt = calloc(in->n_parts * in->n_places, sizeof(*in->dealt));
	if (!tied || !in->dealt)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_places; i++)
		tied[i] = !(in->barred && in->barred[at * in->n_places + i]) &&
			  (vnode->nodes || vn_is_kept(guest, vnode) || part->fixed == (int)i);
	bool apart = lives_apart(&d);
	if (!apart && !vn_is_dealt(vnode))
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return 0;
	part->dealt = part->memory;
	part->memory = part->mib = 0;
	if (vn_is_dealt(vnode))
		deal_evenly(&d, part->dealt / d.grain);
	else
		r = settle_memory(&d, vnode);
	if (r < 0)
		return r;
	if (apart)
		free_home(&d, host, guest);
	else if (part->vcpus == 0 && part->fixed < 0)
		settle_home(in, at);
	return 1;
}

/* Settles the memory of one guest. */
static int deal_group(struct vn_instance *in, const struct vn_host *host, const struct vn_group *group,
	const struct vn_guest *guest)
{
	bool any = false;

	for (size_t v = 0; v < group->n; v++) {
		int r = is_tied(guest, &guest->vnodes[v]) ? settle(in, host, guest, v, group->first + v) : 0;
		if (r < 0)
			return r;
		any |= r > 0;
	}
	return any ? add_pulls(in, group) : 0;
}

int vn_deal(struct vn_instance *instance, const struct vn_host *host, const struct vn_guest *const *guests)
{
	int r = 0;

	for (size_t g = 0; g < instance->n_groups && r >= 0; g++)
		r = deal_group(instance, host, &instance->groups[g], guests[g]);
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
