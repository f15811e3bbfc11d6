/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "warn.h"

#include "../base/text.h"

/* "node 3", "nodes 0,2-3". */
static char *name_nodes(hwloc_const_bitmap_t nodes)
{
	vn_autofree char *list = vn_set_text(nodes);

	return list ? vn_format("node%s %s", hwloc_bitmap_weight(nodes) == 1 ? "" : "s", list) : NULL;
}

static int warn_free_unknown(
	const struct vn_host *host, const struct vn_guest *guest, struct vn_notes *warnings)
{
	vn_autoset nodes = hwloc_bitmap_alloc();

	if (!nodes || guest->hugepages != 0)
		return nodes ? 0 : -ENOMEM;
	for (size_t i = 0; i < host->n_nodes; i++) {
		if (!host->nodes[i].has_memory_free && host->nodes[i].memory_total > 0 &&
			hwloc_bitmap_set(nodes, host->nodes[i].id) < 0)
			return -ENOMEM;
	}
	if (hwloc_bitmap_iszero(nodes))
		return 0;
	vn_autofree char *names = name_nodes(nodes);
	if (!names)
		return -ENOMEM;
	return vn_notes_add(warnings, "free-unknown",
		"how much memory is free on %s is not known: all of it is taken to be free", names);
}

static int warn_distances(const struct vn_host *host, struct vn_notes *warnings)
{
	bool unknown = false, unreachable = false;

	for (size_t i = 0; i < host->n_nodes && host->n_nodes > 1; i++) {
		const uint32_t *row = host->nodes[i].distances;
		for (size_t j = 0; j < host->n_nodes; j++) {
			unknown |= !row || row[j] == VN_DISTANCE_UNKNOWN;
			unreachable |= row && row[j] >= VN_DISTANCE_UNREACHABLE;
		}
	}
	if (unknown) {
		int r = vn_notes_add(warnings, "distances-unknown",
			"not all distances between the host's nodes are known: %u is assumed for each "
			"missing one",
			VN_DISTANCE_ASSUMED);
		if (r < 0)
			return r;
	}
	if (unreachable)
		return vn_notes_add(warnings, "distance-unreachable",
			"the firmware calls some nodes unreachable from others (%u): they count as very far, "
			"not as "
			"forbidden",
			VN_DISTANCE_UNREACHABLE);
	return 0;
}

/* A guest that believes in more threads of a core than the host's have. */
static int warn_threads(const struct vn_host *host, const struct vn_guest *guest, struct vn_notes *warnings)
{
	unsigned threads = vn_host_threads(host);

	if (threads == 0 || guest->threads <= threads)
		return 0;
	return vn_notes_add(warnings, "threads-untrue",
		"threads = %u, but a core of this host has %u: the guest takes vCPUs for threads of one core that have none "
		"to share, and squeeze counts %u of them as one. threads = %u would tell it the truth",
		guest->threads, threads, guest->threads, threads);
}

int vn_warn_input(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *guest, struct vn_notes *warnings)
{
	(void)instance;
	int r = warn_free_unknown(host, guest, warnings);
	if (r >= 0)
		r = warn_distances(host, warnings);
	if (r >= 0)
		r = warn_threads(host, guest, warnings);
	return r;
}

/* vCPUs of this guest that are planned on a place. */
static uint64_t vcpus_on(
	const struct vn_instance *in, const struct vn_plan *plan, const struct vn_place *place)
{
	uint64_t vcpus = 0;

	for (size_t v = 0; v < in->n_parts; v++)
		vcpus += plan->homes[v] == place->id ? in->parts[v].cores : 0;
	return vcpus;
}

/* A source that does not tell cores from threads: worth a word only where it would make a difference. */
static int warn_cores(const struct vn_instance *in, const struct vn_plan *plan, struct vn_notes *warnings)
{
	for (size_t i = 0; i < in->n_places; i++) {
		const struct vn_place *place = &in->places[i];
		uint64_t vcpus = vcpus_on(in, plan, place);
		if (vcpus == 0 || place->load + vcpus <= place->cores / 2 ||
			place->load + vcpus > place->cores)
			continue;
		int r = vn_notes_add(warnings, "cores-unknown",
			"node %u: %llu vCPU%s on %llu CPUs; the host's source does not tell which of these share a core, so "
			"some may have to",
			place->id, (unsigned long long)place->load + vcpus,
			place->load + vcpus == 1 ? "" : "s", (unsigned long long)place->cores);
		if (r < 0)
			return r;
	}
	return 0;
}

/* vCPUs, not cores' worth. */
static uint64_t threads_on(
	const struct vn_instance *in, const struct vn_plan *plan, const struct vn_place *place)
{
	uint64_t vcpus = 0;

	for (size_t v = 0; v < in->n_parts; v++)
		vcpus += plan->homes[v] == place->id ? in->parts[v].vcpus : 0;
	return vcpus;
}

/* More vCPUs than cores, but not than CPUs: each still has a thread, and shares its core with another. */
static int warn_siblings(const struct vn_instance *in, const struct vn_plan *plan,
	const struct vn_place *place, uint64_t cpus, struct vn_notes *warnings)
{
	uint64_t vcpus = threads_on(in, plan, place), needs = place->load + (vcpus + 1) / 2;
	bool can_tell =
		in->groups[0].threads == 1 && cpus == 2 * place->cores && vcpus > 1 && needs <= place->cores;

	return vn_notes_add(warnings, "smt-squeeze",
		"node %u: %llu vCPU%s of this guest and %llu that run there already on %llu core%s of %llu CPUs: "
		"some vCPUs will share a core with another (SMT siblings), and each then runs slower%s",
		place->id, (unsigned long long)vcpus, vcpus == 1 ? "" : "s", (unsigned long long)place->load,
		(unsigned long long)place->cores, place->cores == 1 ? "" : "s", (unsigned long long)cpus,
		can_tell
			? ". The guest does not know which: threads = 2 with exclusive_cores = 1 would tell it the truth"
			: "");
}

static int warn_squeeze(const struct vn_instance *in, const struct vn_host *host, const struct vn_plan *plan,
	struct vn_notes *warnings)
{
	for (size_t i = 0; i < in->n_places; i++) {
		const struct vn_place *place = &in->places[i];
		uint64_t vcpus = vcpus_on(in, plan, place), cpus = vn_set_weight(in->groups[0].cpus[i]);
		int r = 0;
		if (vcpus == 0 || place->load + vcpus <= place->cores)
			continue;
		if (host->cores_known && place->load + threads_on(in, plan, place) <= cpus)
			r = warn_siblings(in, plan, place, cpus, warnings);
		else
			r = vn_notes_add(warnings, "squeeze",
				"node %u: %llu vCPU%s of this guest and %llu that run there already share %llu "
				"core%s: more than it has CPUs (%llu), so some will wait for others",
				place->id, (unsigned long long)vcpus, vcpus == 1 ? "" : "s",
				(unsigned long long)place->load, (unsigned long long)place->cores,
				place->cores == 1 ? "" : "s", (unsigned long long)cpus);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A guest told of no NUMA that fits no one node. Parts that differ by a page are even. */
static int warn_interleaved(
	const struct vn_plan *plan, const struct vn_guest *guest, struct vn_notes *warnings)
{
	const struct vn_plan_vnode *vnode = &plan->vnodes[0];
	uint64_t most = 0, least = UINT64_MAX, grain = guest->hugepages > VN_MIB ? guest->hugepages : VN_MIB;
	vn_autoset all = hwloc_bitmap_alloc();
	vn_autoset full = hwloc_bitmap_alloc();
	char away[VN_SIZE_TEXT], part[VN_SIZE_TEXT];

	for (size_t i = 0; i < vnode->n_shares; i++) {
		most = vnode->shares[i].memory > most ? vnode->shares[i].memory : most;
		least = vn_min(vnode->shares[i].memory, least);
	}
	for (size_t i = 0; i < vnode->n_shares; i++) {
		bool is_full = most - vnode->shares[i].memory > grain;
		if (!all || !full || hwloc_bitmap_set(all, vnode->shares[i].pnode) < 0 ||
			(is_full && hwloc_bitmap_set(full, vnode->shares[i].pnode) < 0))
			return -ENOMEM;
	}
	vn_autofree char *names = name_nodes(all);
	vn_autofree char *small = name_nodes(full);
	if (!names || !small)
		return -ENOMEM;
	int r = vn_notes_add(warnings, "spill",
		"%s of the guest's memory does not fit its home, node %u, so the kernel deals it out page by page over "
		"%s: %s%s on each",
		vn_size_text(plan->cost.spill, away), vnode->home, names, most - least > 0 ? "at least " : "",
		vn_size_text(least, part));
	if (r < 0 || hwloc_bitmap_iszero(full))
		return r;
	return vn_notes_add(warnings, "interleave-uneven",
		"no nodes have room for even parts: once %s %s full, the kernel takes what would be there from other nodes, "
		"by its own order of nearness",
		small, hwloc_bitmap_weight(full) == 1 ? "is" : "are");
}

static int warn_spill(const struct vn_instance *in, const struct vn_plan *plan, const struct vn_guest *guest,
	struct vn_notes *warnings)
{
	if (plan->binding == VN_BINDING_INTERLEAVE)
		return warn_interleaved(plan, guest, warnings);
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		const struct vn_plan_vnode *vnode = &plan->vnodes[v];
		vn_autoset away = hwloc_bitmap_alloc();
		uint64_t bytes = 0;
		if (!away)
			return -ENOMEM;
		if (in->parts[v].dealt > 0)
			continue;
		for (size_t i = 0; i < vnode->n_shares; i++) {
			if (vnode->shares[i].pnode == vnode->home)
				continue;
			bytes += vnode->shares[i].memory;
			if (hwloc_bitmap_set(away, vnode->shares[i].pnode) < 0)
				return -ENOMEM;
		}
		if (bytes == 0)
			continue;
		char size[VN_SIZE_TEXT];
		vn_autofree char *names = name_nodes(away);
		if (!names)
			return -ENOMEM;
		int r = vn_notes_add(warnings, "spill",
			"vnode %zu: %s of its memory does not fit its home, node %u, and goes to %s", v,
			vn_size_text(bytes, size), vnode->home, names);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t planned_on(const struct vn_plan *plan, unsigned id)
{
	uint64_t bytes = 0;

	for (size_t v = 0; v < plan->n_vnodes; v++) {
		for (size_t i = 0; i < plan->vnodes[v].n_shares; i++)
			bytes += plan->vnodes[v].shares[i].pnode == id ? plan->vnodes[v].shares[i].memory : 0;
	}
	return bytes;
}

static int warn_cached(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, const struct vn_plan *plan, struct vn_notes *warnings)
{
	for (size_t i = 0; i < host->n_nodes && guest->hugepages == 0; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		uint64_t planned = planned_on(plan, node->id);
		uint64_t idle = vn_excess(
			node->memory_free, occupied ? vn_occupied_promised(&occupied->nodes[i], 0) : 0);
		if (!node->has_memory_free || planned <= idle)
			continue;
		char size[VN_SIZE_TEXT];
		int r = vn_notes_add(warnings, "memory-cached",
			"node %u: %s of the memory planned there is page cache now, which the kernel has to "
			"give up first",
			node->id, vn_size_text(planned - idle, size));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Bytes that vnodes at home there may grow by, and how many of them; of pages of one size. */
static uint64_t growth_on(
	const struct vn_plan *plan, const struct vn_guest *guest, unsigned id, uint64_t page, unsigned *ret_n)
{
	uint64_t bytes = 0;

	*ret_n = 0;
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		uint64_t growth = vn_vnode_device(&guest->vnodes[v]) - guest->vnodes[v].plugged;
		if (plan->homes[v] != id || vn_vnode_page(guest, v) != page || growth == 0)
			continue;
		bytes += growth;
		++*ret_n;
	}
	return bytes;
}

/* What vnodes may grow by is planned nowhere: they get it if it is there when they ask. */
static int warn_growth(const struct vn_instance *in, const struct vn_plan *plan, const struct vn_guest *guest,
	struct vn_notes *warnings)
{
	for (size_t k = 0; k < in->n_pools; k++) {
		for (size_t i = 0; i < in->n_places; i++) {
			unsigned id = in->places[i].id, n;
			uint64_t growth = growth_on(plan, guest, id, in->pages[k], &n), planned = 0;
			char more[VN_SIZE_TEXT], rest[VN_SIZE_TEXT];
			for (size_t v = 0; v < plan->n_vnodes; v++)
				for (size_t s = 0; s < plan->vnodes[v].n_shares &&
						   vn_vnode_page(guest, v) == in->pages[k];
					s++)
					planned += plan->vnodes[v].shares[s].pnode == id
							   ? plan->vnodes[v].shares[s].memory
							   : 0;
			uint64_t room = vn_excess(vn_whole_room(in, k, i), planned);
			if (growth <= room)
				continue;
			int r = vn_notes_add(warnings, "growth-not-reserved",
				"node %u: %u vnode%s at home there may grow by %s, and beside what is planned it has room for %s: nothing is "
				"kept for that, and 'vnuma resize' refuses what is not free by then",
				id, n, n == 1 ? "" : "s", vn_size_text(growth, more),
				vn_size_text(room, rest));
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Whether all pairs of vnodes are told the same distance. */
static bool told_alike(const struct vn_guest *guest)
{
	bool alike = true;

	for (size_t v = 0; v < guest->n_vnodes; v++) {
		for (size_t w = 0; w < guest->n_vnodes; w++)
			alike &= v == w || guest->vnodes[v].distances[w] ==
						   guest->vnodes[0].distances[guest->n_vnodes > 1 ? 1 : 0];
	}
	return alike;
}

/*
 * A contradiction is one of order: a pair of vnodes that the guest is told is nearer than another, and lives
 * further apart. The figures themselves need not agree (10/20 is what everybody gets by default), and vnodes
 * told to be remote that share a node harm nobody by that alone.
 */
static int warn_contradiction(const struct vn_instance *in, const struct vn_guest *guest, const size_t *homes,
	struct vn_notes *warnings)
{
	size_t n = in->n_parts, pairs = n * n;

	if (guest->vnodes_open || told_alike(guest)) /* what vnuma tells, it takes from the homes */
		return 0;

	for (size_t a = 0; a < pairs; a++) {
		size_t i = a / n, j = a % n;
		for (size_t b = 0; b < pairs && i != j; b++) {
			size_t k = b / n, l = b % n;
			if (k == l || guest->vnodes[i].distances[j] >= guest->vnodes[k].distances[l])
				continue;
			uint32_t near = vn_distance(in, homes[i], homes[j]),
				 far = vn_distance(in, homes[k], homes[l]);
			if (near <= far)
				continue;
			return vn_notes_add(warnings, "vdistance-contradicts",
				"the guest is told that vnodes %zu and %zu (distance %u) are nearer than %zu "
				"and %zu (%u), "
				"but they live further apart (%u, not %u)",
				i, j, guest->vnodes[i].distances[j], k, l, guest->vnodes[k].distances[l],
				near, far);
		}
	}
	return 0;
}

int vn_warn_disturbed(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_occupied *occupied, struct vn_plan *plan)
{
	vn_autoset own = hwloc_bitmap_alloc(), shared = hwloc_bitmap_alloc();

	if (!guest->exclusive_cores || !occupied)
		return 0;
	if (!own || !shared)
		return -ENOMEM;
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		if (hwloc_bitmap_or(own, own, plan->vnodes[v].cpus) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < host->n_cpus; i++) {
		if (occupied->sharing[i] > 0 && hwloc_bitmap_isset(own, host->cpus[i].id) &&
			hwloc_bitmap_set(shared, host->cpus[i].id) < 0)
			return -ENOMEM;
	}
	if (hwloc_bitmap_iszero(shared))
		return 0;
	vn_autofree char *cpus = vn_set_text(shared);
	if (!cpus)
		return -ENOMEM;
	return vn_notes_add(&plan->warnings, "cores-shared",
		"exclusive_cores: CPUs %s are for this guest alone from now on, but guests that were there before may run on them, "
		"too, until they are planned anew beside this one",
		cpus);
}

int vn_warn_plan(const struct vn_instance *instance, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const size_t *homes, struct vn_plan *plan)
{
	struct vn_notes *warnings = &plan->warnings;
	int r = warn_squeeze(instance, host, plan, warnings);

	if (r >= 0 && !host->cores_known)
		r = warn_cores(instance, plan, warnings);
	if (r >= 0)
		r = warn_spill(instance, plan, guest, warnings);
	if (r >= 0)
		r = vn_warn_dealt(instance, host, guest, homes, warnings);
	if (r >= 0)
		r = warn_cached(host, guest, options ? options->occupied : NULL, plan, warnings);
	if (r >= 0)
		r = warn_growth(instance, plan, guest, warnings);
	if (r >= 0)
		r = warn_contradiction(instance, guest, homes, warnings);
	return r < 0 ? r : vn_warn_launch(instance, host, guest, options, homes, plan);
}

/* "node 0: 3 GiB, node 1: 4 GiB (the first 16 nodes)". */
static char *list_rooms(const struct vn_instance *in, size_t pool)
{
	char *text = vn_copy("");

	for (size_t i = 0; i < in->n_places && i < 16 && text; i++) {
		char size[VN_SIZE_TEXT];
		vn_autofree char *before = text;
		text = vn_format("%s%snode %u: %s", before, i > 0 ? ", " : "", in->places[i].id,
			vn_size_text(vn_whole_room(in, pool, i), size));
	}
	if (text && in->n_places > 16) {
		vn_autofree char *before = text;
		text = vn_format("%s and so on", before);
	}
	return text;
}

static int reason_memory(const struct vn_instance *in, const struct vn_host *host, size_t pool, uint64_t need,
	uint64_t have, const char *help, struct vn_notes *reasons)
{
	char needed[VN_SIZE_TEXT], there[VN_SIZE_TEXT], lacking[VN_SIZE_TEXT], size[VN_SIZE_TEXT];
	uint64_t page = in->pages[pool];
	vn_autofree char *rooms = list_rooms(in, pool);
	vn_autofree char *kind = page == 0 ? vn_copy("ordinary memory")
					   : vn_format("huge pages of %s", vn_size_text(page, size));
	const char *limited =
		!host->allowed_nodes ? ""
		: host->live
			? "; nodes outside this process's cpuset count as having none"
			: "; nodes outside the cpuset of the process that read the host count as having none";

	if (!rooms || !help || !kind)
		return -ENOMEM;
	vn_size_texts_apart(need, have, needed, there);
	return vn_notes_add(reasons, "memory-short",
		"%s %s (%llu bytes) in %s, and the host has %s of %s free: %s (%llu bytes) short (%s%s). %s",
		in->n_groups == 1 ? "the guest needs" : "these guests need", needed, (unsigned long long)need,
		kind, there, page == 0 ? "it" : "them", vn_size_text(need - have, lacking),
		(unsigned long long)(need - have), rooms, limited, help);
}

static int reason_pool(const struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, size_t pool, struct vn_notes *reasons)
{
	uint64_t need = 0, have = 0;

	for (size_t v = 0; v < in->n_parts; v++)
		need += in->parts[v].pool == pool ? vn_part_memory(&in->parts[v]) : 0;
	for (size_t i = 0; i < in->n_places; i++)
		have += vn_whole_room(in, pool, i);
	if (need <= have)
		return 0;
	vn_autofree char *help = vn_memory_help(in, host, guest, options, pool, need, have);
	return reason_memory(in, host, pool, need, have, help, reasons);
}

/* Why a guest may use none of the CPUs: the end of "no node of the host has an online CPU". */
static const char *no_cpu_words(const struct vn_host *host, const struct vn_guest *guest)
{
	bool any = false, allowed = false;

	for (size_t i = 0; i < host->n_nodes; i++) {
		hwloc_const_bitmap_t cpus = host->nodes[i].cpus;
		any |= !hwloc_bitmap_iszero(cpus);
		allowed |= !host->allowed_cpus || hwloc_bitmap_intersects(cpus, host->allowed_cpus);
	}
	if (!any)
		return "";
	if (!allowed)
		return host->live ? " that this process is allowed to use"
				  : " that the process that read the host was allowed to use";
	if (guest->cpus)
		return " that this guest may use (`cpus`), that the cpuset allows and that no other guest has for itself";
	return host->isolated_cpus && !hwloc_bitmap_iszero(host->isolated_cpus)
		       ? " for it: they are isolated (such go to guests whose `cpus` name them), or guests with "
			 "exclusive_cores have them"
		       : " left: guests with exclusive_cores have them for themselves";
}

static int reason_no_cpu(const struct vn_instance *in, const struct vn_host *host, size_t g,
	const struct vn_guest *guest, struct vn_notes *reasons)
{
	for (size_t i = 0; i < in->n_places; i++) {
		if (in->groups[g].cores[i] > 0)
			return 0;
	}
	bool named = in->n_groups > 1 && guest->name;
	bool isolated = guest->cpus && !vn_guest_names_cpus(guest) && host->isolated_cpus &&
			!hwloc_bitmap_iszero(host->isolated_cpus);
	return vn_notes_add(reasons, "no-cpu", "no node of the host has an online CPU%s%s%s%s",
		no_cpu_words(host, guest), named ? ": " : "", named ? guest->name : "",
		isolated ? " (isolated ones only go to guests whose `cpus` name them by number)" : "");
}

static int reason_cgroup(
	const struct vn_host *host, const struct vn_guest *const *guests, size_t n, struct vn_notes *reasons)
{
	char needed[VN_SIZE_TEXT], there[VN_SIZE_TEXT], lacking[VN_SIZE_TEXT];
	uint64_t need = 0, have = host->cgroup_memory;

	for (size_t g = 0; g < n; g++)
		need += guests[g]->hugepages == 0 ? guests[g]->memory
						  : 0; /* huge pages are not charged to memory.max */
	if (!host->has_cgroup_memory || need <= have)
		return 0;
	return vn_notes_add(reasons, "cgroup-memory",
		"%s %s (%llu bytes) in ordinary memory, and the memory.max of the cgroups of %s leaves %s: %s (%llu bytes) "
		"short. What would help: raise that limit (systemd: MemoryMax=), start the guest from a cgroup without one, "
		"or ask for that much less",
		n == 1 ? "the guest needs" : "these guests need", vn_size_text(need, needed),
		(unsigned long long)need, host->live ? "this process" : "the process that read the host",
		vn_size_text(have, there), vn_size_text(need - have, lacking),
		(unsigned long long)(need - have));
}

/* A function is passed through to one QEMU. */
static int reason_devices(
	const struct vn_guest *guest, const struct vn_occupied *occupied, struct vn_notes *reasons)
{
	int r = 0;

	for (size_t i = 0; i < guest->n_hostdevs && occupied && r >= 0; i++) {
		const char *address = guest->hostdevs[i].address;
		const char *owner = vn_occupied_device(occupied, address, guest->name);
		if (owner)
			r = vn_notes_add(reasons, "device-taken",
				"device %s, which %s%s%s wants, is given to '%s' already. What would help: another "
				"device (another virtual function of the same, where it has them), or stop '%s'",
				address, guest->name ? "'" : "", guest->name ? guest->name : "the guest",
				guest->name ? "'" : "", owner, owner);
	}
	return r;
}

int vn_reason_refused(const struct vn_host *host, const struct vn_guest *const *guests, size_t n,
	const struct vn_occupied *occupied, struct vn_notes *reasons)
{
	int r = reason_cgroup(host, guests, n, reasons);

	for (size_t g = 0; g < n && r >= 0; g++)
		r = reason_devices(guests[g], occupied, reasons);
	return r;
}

int vn_reason_resources(const struct vn_instance *instance, const struct vn_host *host,
	const struct vn_guest *const *guests, const struct vn_plan_options *options, struct vn_notes *reasons)
{
	int r = 0;

	for (size_t k = 0; k < instance->n_pools && r >= 0; k++)
		r = reason_pool(instance, host, guests[0], options, k, reasons);
	bool enough = reasons->n == 0;
	for (size_t g = 0; g < instance->n_groups && enough && r >= 0; g++)
		r = vn_reason_dealt(instance, g, guests[g], reasons);
	for (size_t g = 0; g < instance->n_groups && r >= 0; g++)
		r = reason_no_cpu(instance, host, g, guests[g], reasons);
	return r < 0 ? r
		     : vn_reason_refused(
			       host, guests, instance->n_groups, options ? options->occupied : NULL, reasons);
}

/* Cores' worth of vCPUs, of guests that want cores for themselves or of the others. */
static uint64_t cores_needed(const struct vn_instance *in, bool exclusive)
{
	uint64_t need = 0;

	for (size_t v = 0; v < in->n_parts; v++)
		need += in->groups[in->parts[v].group].exclusive == exclusive ? in->parts[v].cores : 0;
	return need;
}

/* "node 0: 3 of 4, node 1: 0 of 4" (the first 16 nodes with cores). */
static char *list_free_cores(const struct vn_instance *in)
{
	char *text = vn_copy("");

	for (size_t i = 0; i < in->n_places && i < 16 && text; i++) {
		const struct vn_place *place = &in->places[i];
		if (place->cores == 0)
			continue;
		vn_autofree char *before = text;
		text = vn_format("%s%snode %u: %llu of %llu", before, *before ? ", " : "", place->id,
			(unsigned long long)vn_excess(place->cores, place->load),
			(unsigned long long)place->cores);
	}
	return text;
}

static int reason_cores(const struct vn_instance *instance, struct vn_notes *reasons)
{
	uint64_t own = cores_needed(instance, true), shared = cores_needed(instance, false), have = 0;
	vn_autofree char *cores = list_free_cores(instance);
	vn_autofree char *others =
		shared ? vn_format(" and %llu by the others, for which they must leave room,",
				 (unsigned long long)shared)
		       : vn_copy("");

	if (!cores || !others)
		return -ENOMEM;
	for (size_t i = 0; i < instance->n_places; i++)
		have += vn_excess(instance->places[i].cores, instance->places[i].load);
	return vn_notes_add(reasons, "cores-short",
		"exclusive_cores: %llu cores are wanted by guests for themselves%s all those of a vnode on one "
		"node; free cores: %s. What would help: %s",
		(unsigned long long)own, shared ? others : ",", cores,
		own + shared > have
			? "fewer vCPUs, fewer neighbours, or exclusive_cores = 0"
			: "smaller vnodes, or none with a home of the user's, as there are enough in all but "
			  "not where the vnodes could live");
}

int vn_reason_not_found(const struct vn_instance *instance, bool proven, struct vn_notes *reasons)
{
	if (proven)
		return reason_cores(instance, reasons);
	return vn_notes_add(reasons, "deadline",
		"no plan was found in the time given, nor was it proven that there is none");
}
