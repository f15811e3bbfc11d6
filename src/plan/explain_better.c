/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * What could be better: memory away from home, vCPUs that share cores, homes far apart, or that there is no plan at all. For each
 * of these that is so, single changes of every kind are tried: more memory on one node, less load on one node, less memory or
 * fewer vCPUs in one vnode, and changes of the config (homes left open, other pages, vnodes left to us). A change is tried by solving
 * the changed task: first with as much of it as there can be, and when that meets the goal, by halving, with less and less
 * of it. What is told is therefore true, and of each kind the least is told that was found. The time for all of it is limited;
 * when it is up, that is said.
 */
#define _GNU_SOURCE
#include <string.h>

#include "deadline.h"
#include "dealt.h"
#include "explain_part.h"
#include "warn.h"

#define TRY_MS 20 /* one solve */
#define GOAL_MS 250

enum goal { GOAL_FIT, GOAL_HOME, GOAL_CORES, GOAL_NEAR };
enum kind { KIND_ROOM, KIND_LOAD, KIND_LESS, KIND_VCPUS, KIND_HOMES, KIND_PAGES, KIND_SHAPE };
#define N_KINDS 7

struct change {
	enum kind kind;
	size_t at; /* a place, or a vnode */
	uint64_t amount; /* bytes, cores or vCPUs; the page size */
};

struct outcome {
	struct vn_cost cost;
	unsigned long long mean;
	size_t n_vnodes;
};

struct search {
	const struct vn_explained *e;
	enum goal goal;
	struct vn_deadline until;
	bool cut; /* not all was tried */
};

/* ---- one changed task ---- */

/* A place that was changed can change places with none any more; the others of its class still can with each other. */
static void leave_class(struct vn_instance *in, size_t place)
{
	size_t head = in->n_places;

	for (size_t i = 0; i < in->n_places && in->places[place].class == place; i++) {
		if (i == place || in->places[i].class != place)
			continue;
		head = head == in->n_places ? i : head;
		in->places[i].class = head;
	}
	in->places[place].class = place;
}

/* The guest as one vnode, which vn_guest_shape() then divides. */
static int open_vnodes(const struct vn_guest *guest, struct vn_guest *open)
{
	struct vn_vnode *vnode = calloc(1, sizeof(*vnode));

	open->vnodes = vnode;
	if (!vnode)
		return -ENOMEM;
	open->n_vnodes = 1;
	open->vnodes_open = true;
	open->guest_numa = VN_GUEST_NUMA_AUTO;
	*vnode = (struct vn_vnode){.memory = guest->memory,
		.home = -1,
		.vcpus = hwloc_bitmap_alloc(),
		.distances = calloc(1, sizeof(uint32_t))};
	if (!vnode->vcpus || !vnode->distances ||
		hwloc_bitmap_set_range(vnode->vcpus, 0, (int)guest->maxvcpus - 1) < 0)
		return -ENOMEM;
	vnode->distances[0] = VN_DISTANCE_LOCAL;
	return 0;
}

static void close_vnodes(struct vn_guest *open)
{
	for (size_t v = 0; v < open->n_vnodes; v++) {
		hwloc_bitmap_free(open->vnodes[v].vcpus);
		free(open->vnodes[v].distances);
	}
	free(open->vnodes);
}

static int make_shaped(const struct vn_explained *e, struct vn_instance *ret)
{
	struct vn_guest open = *e->guest; /* only its vnodes are made anew and freed */
	const struct vn_guest *guest = &open;

	open.vnodes = NULL;
	open.n_vnodes = 0;
	int r = open_vnodes(e->guest, &open);
	if (r >= 0)
		r = vn_guest_shape(e->host, e->options, &open, NULL);
	if (r >= 0)
		r = vn_instance_make(e->host, &guest, 1, e->options, ret);
	close_vnodes(&open);
	return r;
}

static int make_changed(const struct vn_explained *e, const struct change *change, struct vn_instance *ret)
{
	struct vn_guest other = *e->guest;
	const struct vn_guest *guest = &other;

	if (change->kind == KIND_SHAPE)
		return make_shaped(e, ret);
	if (change->kind == KIND_PAGES)
		other.hugepages = change->amount;
	int r = vn_instance_make(e->host, &guest, 1, e->options, ret);
	if (r < 0)
		return r;
	struct vn_part *part = &ret->parts[change->at];
	switch (change->kind) {
	case KIND_ROOM:
		ret->rooms[change->at] += change->amount;
		leave_class(ret, change->at);
		break;
	case KIND_LOAD:
		ret->places[change->at].load -= change->amount;
		leave_class(ret, change->at);
		break;
	case KIND_LESS:
		part->memory -= change->amount;
		part->mib = part->memory / VN_MIB;
		break;
	case KIND_VCPUS:
		part->vcpus -= change->amount;
		part->cores = (part->vcpus + ret->groups[0].threads - 1) / ret->groups[0].threads;
		break;
	case KIND_HOMES:
		for (size_t v = 0; v < ret->n_parts; v++)
			ret->parts[v].fixed = -1;
		break;
	case KIND_PAGES:
	case KIND_SHAPE:
		break;
	}
	return 0;
}

/* ---- trying ---- */

static bool reached(const struct search *s, const struct vn_cost *cost)
{
	const struct vn_cost *mine = &s->e->plan->cost;

	switch (s->goal) {
	case GOAL_FIT:
		return true;
	case GOAL_HOME:
		return cost->spill == 0;
	case GOAL_CORES:
		return cost->spill <= mine->spill && cost->squeeze == 0;
	case GOAL_NEAR:
		return cost->spill <= mine->spill && cost->squeeze <= mine->squeeze &&
		       cost->distance < mine->distance;
	}
	return false;
}

static bool can_be_solved(const struct vn_instance *in)
{
	uint64_t need = 0, have = 0, cores = 0;

	for (size_t v = 0; v < in->n_parts; v++)
		need += in->parts[v].memory;
	for (size_t i = 0; i < in->n_places; i++) {
		have += vn_room(in, 0, i);
		cores += in->places[i].cores;
	}
	return need <= have && cores > 0 && !vn_deal_fails(in);
}

/* 1: it meets the goal; 0: it does not, or the time is up; -ENOMEM. */
static int try(struct search *s, const struct change *change, struct outcome *ret_outcome)
{
	vn_autoinstance in = {0};
	vn_autosolution solution = {0};

	if (vn_deadline_passed(&s->until)) {
		s->cut = true;
		return 0;
	}
	int r = make_changed(s->e, change, &in);
	if (r < 0 || !can_be_solved(&in))
		return r < 0 ? r : 0;
	r = vn_solve(&in, TRY_MS, false, &solution);
	if (r < 0 || !solution.feasible || !reached(s, &solution.cost))
		return r < 0 ? r : 0;
	*ret_outcome = (struct outcome){
		solution.cost, vn_explain_mean(&in, solution.homes, &solution.cost), in.n_parts};
	return 1;
}

/* The least amount, in units, that meets the goal; change->amount is one that does. */
static int shrink(struct search *s, uint64_t unit, struct change *change, struct outcome *outcome)
{
	uint64_t low = 0, high = change->amount / unit;

	while (high - low > 1) {
		struct change less = *change;
		struct outcome that;
		less.amount = (low + (high - low) / 2) * unit;
		int r = try(s, &less, &that);
		if (r < 0)
			return r;
		if (r == 0) {
			low = less.amount / unit;
			continue;
		}
		high = less.amount / unit;
		*outcome = that;
	}
	change->amount = high * unit;
	return 0;
}

static const struct vn_hugepool *pool_of(const struct vn_host_node *node, uint64_t page)
{
	for (size_t i = 0; i < node->n_hugepools; i++) {
		if (node->hugepools[i].size == page)
			return &node->hugepools[i];
	}
	return NULL;
}

/* How much more room a node could have at all. */
static uint64_t most_room(const struct vn_explained *e, size_t i)
{
	const struct vn_host_node *node = &e->host->nodes[i];
	uint64_t page = e->guest->hugepages, room = vn_whole_room(&e->in, 0, i);

	if (e->host->allowed_nodes && !hwloc_bitmap_isset(e->host->allowed_nodes, node->id))
		return 0;
	if (page > 0 && !vn_page_known(e->host, page))
		return 0;
	if (page == 0)
		return vn_excess(node->memory_total, room);
	const struct vn_hugepool *pool = pool_of(node, page);
	uint64_t busy = pool ? vn_excess(pool->total * page, room) : 0,
		 more = vn_reservable(e->host, e->options, i);
	return busy > more ? busy : more;
}

static uint64_t most(const struct search *s, enum kind kind, size_t at, uint64_t unit)
{
	const struct vn_explained *e = s->e;
	uint64_t all = 0;

	switch (kind) {
	case KIND_ROOM:
		for (size_t v = 0; v < e->in.n_parts; v++)
			all += e->in.parts[v].memory;
		all = vn_min(all, most_room(e, at));
		break;
	case KIND_LOAD:
		all = e->in.places[at].load;
		break;
	case KIND_LESS:
		all = vn_excess(e->in.parts[at].memory, unit);
		break;
	case KIND_VCPUS:
		all = vn_excess(e->in.parts[at].vcpus, 1);
		break;
	case KIND_HOMES:
	case KIND_PAGES:
	case KIND_SHAPE:
		break;
	}
	return all - all % unit;
}

/* Of nodes that could change places with each other one stands for all; but those that are homes are asked all. */
static bool is_worth_asking(const struct vn_explained *e, enum kind kind, size_t at)
{
	if (kind != KIND_ROOM && kind != KIND_LOAD)
		return true;
	bool home = false;
	for (size_t v = 0; v < e->in.n_parts && e->homes; v++)
		home |= e->homes[v] == at;
	return home || e->in.places[at].class == at;
}

/* The least change of a kind that has an amount, over all nodes or vnodes. 1, 0 or -ENOMEM. */
static int least(struct search *s, enum kind kind, struct change *ret_change, struct outcome *ret_outcome)
{
	const struct vn_explained *e = s->e;
	bool memory = kind == KIND_ROOM || kind == KIND_LESS, found = false;
	uint64_t unit = !memory ? 1 : e->guest->hugepages > VN_MIB ? e->guest->hugepages : VN_MIB;
	size_t n = kind == KIND_ROOM || kind == KIND_LOAD ? e->in.n_places : e->in.n_parts;

	for (size_t at = 0; at < n; at++) {
		struct outcome outcome;
		struct change change = {kind, at, most(s, kind, at, unit)};
		if (found) /* only what takes less is of interest from here on */
			change.amount = vn_min(change.amount, ret_change->amount - unit);
		bool ask = change.amount > 0 && is_worth_asking(e, kind, at);
		int r = ask ? try(s, &change, &outcome) : 0;
		if (r > 0)
			r = shrink(s, unit, &change, &outcome) < 0 ? -ENOMEM : 1;
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		*ret_change = change;
		*ret_outcome = outcome;
		found = true;
	}
	return found;
}

/* Other page sizes of the host that every vnode's memory is a multiple of; ordinary ones first. */
static int other_pages(struct search *s, struct change *ret_change, struct outcome *ret_outcome)
{
	const struct vn_explained *e = s->e;
	uint64_t sizes[VN_MAX_POOLS + 1] = {0};
	size_t n = 1;

	for (size_t i = 0; i < e->host->n_nodes; i++) {
		for (size_t k = 0; k < e->host->nodes[i].n_hugepools && n <= VN_MAX_POOLS; k++) {
			size_t j = 0;
			while (j < n && sizes[j] != e->host->nodes[i].hugepools[k].size)
				j++;
			if (j == n)
				sizes[n++] = e->host->nodes[i].hugepools[k].size;
		}
	}
	for (size_t j = 0; j < n; j++) {
		bool whole = sizes[j] != e->guest->hugepages;
		for (size_t v = 0; v < e->in.n_parts && sizes[j] > 0; v++)
			whole &= vn_part_memory(&e->in.parts[v]) % sizes[j] == 0;
		*ret_change = (struct change){KIND_PAGES, 0, sizes[j]};
		int r = whole ? try(s, ret_change, ret_outcome) : 0;
		if (r != 0)
			return r;
	}
	return 0;
}

static int find(struct search *s, enum kind kind, struct change *ret_change, struct outcome *ret_outcome)
{
	const struct vn_explained *e = s->e;
	bool given = false;

	for (size_t v = 0; v < e->in.n_parts; v++)
		given |= e->in.parts[v].fixed >= 0;
	*ret_change = (struct change){.kind = kind};
	switch (kind) {
	case KIND_LESS:
		return s->goal == GOAL_NEAR || s->goal == GOAL_CORES
			       ? 0
			       : least(s, kind, ret_change, ret_outcome);
	case KIND_VCPUS:
		return s->goal == GOAL_CORES || (s->goal == GOAL_FIT && e->guest->exclusive_cores)
			       ? least(s, kind, ret_change, ret_outcome)
			       : 0;
	case KIND_ROOM:
	case KIND_LOAD:
		return least(s, kind, ret_change, ret_outcome);
	case KIND_HOMES:
		return given ? try(s, ret_change, ret_outcome) : 0;
	case KIND_PAGES:
		return other_pages(s, ret_change, ret_outcome);
	case KIND_SHAPE:
		return e->guest->vnodes_open ? 0 : try(s, ret_change, ret_outcome);
	}
	return 0;
}

/* ---- words ---- */

static char *room_words(const struct vn_explained *e, const struct change *change)
{
	const struct vn_host_node *node = &e->host->nodes[change->at];
	uint64_t page = e->guest->hugepages, pages = page ? change->amount / page : 0;
	const struct vn_hugepool *pool = pool_of(node, page);
	char size[VN_SIZE_TEXT], unit[VN_SIZE_TEXT];

	if (page == 0)
		return vn_format("free %s on node %u", vn_size_text_exact(change->amount, size), node->id);
	vn_size_text(page, unit);
	if (change->amount > vn_reservable(e->host, e->options, change->at))
		return vn_format("free %llu of the %s pages in use or promised on node %u",
			(unsigned long long)pages, unit, node->id);
	return vn_format("reserve %llu more page%s of %s on node %u (echo %llu > "
			 "/sys/devices/system/node/node%u/hugepages/hugepages-%llukB/nr_hugepages)",
		(unsigned long long)pages, pages == 1 ? "" : "s", unit, node->id,
		(unsigned long long)(pool ? pool->total : 0) + pages, node->id,
		(unsigned long long)(page / 1024));
}

static char *change_words(const struct vn_explained *e, const struct change *change, size_t n_vnodes)
{
	char size[VN_SIZE_TEXT], pages[VN_PAGES_TEXT];
	const char *s = change->amount == 1 ? "" : "s";

	switch (change->kind) {
	case KIND_ROOM:
		return room_words(e, change);
	case KIND_LOAD:
		return vn_format("%llu core%s worth less load on node %u", (unsigned long long)change->amount,
			change->amount == 1 ? "'s" : "s'", e->in.places[change->at].id);
	case KIND_LESS:
		return vn_format("ask for %s less memory in vnode %zu",
			vn_size_text_exact(change->amount, size), change->at);
	case KIND_VCPUS:
		return vn_format("ask for %llu vCPU%s less in vnode %zu", (unsigned long long)change->amount,
			s, change->at);
	case KIND_HOMES:
		return vn_copy("leave the homes to vnuma (no vnuma_vnodemap)");
	case KIND_PAGES:
		return change->amount == 0 ? vn_copy("use ordinary memory (no `hugepages`)")
					   : vn_format("use %s", vn_explain_pages(change->amount, pages));
	case KIND_SHAPE:
		return vn_format(
			"leave the vnodes to vnuma (no `vnodes`, guest_numa = \"auto\"): %zu vnode%s",
			n_vnodes, n_vnodes == 1 ? "" : "s");
	}
	return NULL;
}

/* What is lost by a change that brings something else: " but …", or nothing. */
static void loss_words(const struct search *s, const struct outcome *outcome, char *text, size_t size)
{
	const struct vn_explained *e = s->e;
	const struct vn_plan *plan = e->plan;
	unsigned long long before = outcome->cost.spill == 0 /* with what spills the outcome's is not known */
					    ? vn_explain_real_mean(e)
					    : vn_explain_mean(&e->in, e->homes, &plan->cost);
	bool squeezed = outcome->cost.squeeze > plan->cost.squeeze, longer = outcome->mean > before;

	text[0] = '\0';
	if (squeezed || longer)
		snprintf(text, size, ", but%s%s", squeezed ? " more vCPUs share cores" : "",
			squeezed && longer ? ", and" : "");
	size_t used = strlen(text);
	if (longer)
		snprintf(text + used, size - used, " mean distance to memory %llu.%llu instead of %llu.%llu",
			outcome->mean / 10, outcome->mean % 10, before / 10, before % 10);
}

static void nearer_words(const struct search *s, const struct outcome *outcome, char *text, size_t size)
{
	const struct vn_explained *e = s->e;
	unsigned long long before = vn_explain_mean(&e->in, e->homes, &e->plan->cost);

	if (outcome->mean < before)
		snprintf(text, size, "mean distance %llu.%llu instead of %llu.%llu", outcome->mean / 10,
			outcome->mean % 10, before / 10, before % 10);
	else
		snprintf(text, size, "%s",
			e->guest->n_hostdevs > 0 ? "it is nearer to its devices"
						 : "it is nearer by less than a tenth of the mean distance");
}

static void effect_words(const struct search *s, const struct outcome *outcome, char *text, size_t size)
{
	char spill[VN_SIZE_TEXT], loss[120];

	switch (s->goal) {
	case GOAL_FIT:
		if (outcome->cost.spill > 0)
			snprintf(text, size, "it fits, with %s away from home",
				vn_size_text(outcome->cost.spill, spill));
		else
			snprintf(text, size, "it fits, each vnode's memory at home");
		break;
	case GOAL_HOME:
		loss_words(s, outcome, loss, sizeof(loss));
		snprintf(text, size, "each vnode's memory is at home%s", loss);
		break;
	case GOAL_CORES:
		loss_words(s, outcome, loss, sizeof(loss));
		snprintf(text, size, "no vCPU shares a core%s", loss);
		break;
	case GOAL_NEAR:
		nearer_words(s, outcome, text, size);
		break;
	}
}

/* What no change of a node can help: the guest is larger than any of them. */
static void say_too_large(const struct vn_explained *e)
{
	uint64_t cores = 0, memory = 0, most_cores = 0, most_memory = 0;
	char need[VN_SIZE_TEXT], have[VN_SIZE_TEXT];

	for (size_t v = 0; v < e->in.n_parts; v++) {
		cores += e->in.parts[v].cores;
		memory += vn_part_memory(&e->in.parts[v]);
	}
	for (size_t i = 0; i < e->in.n_places; i++) {
		uint64_t c = e->in.places[i].cores, m = e->host->nodes[i].memory_total;
		most_cores = c > most_cores ? c : most_cores;
		most_memory = m > most_memory ? m : most_memory;
	}
	if (cores > most_cores)
		vn_explain_say(e->out, "  - ",
			"one node cannot hold it all: it wants %llu cores, and the largest node has %llu",
			(unsigned long long)cores, (unsigned long long)most_cores);
	vn_size_texts_apart(memory, most_memory, need, have);
	if (memory > most_memory)
		vn_explain_say(e->out, "  - ",
			"one node cannot hold it all: it wants %s, and the largest node has %s", need, have);
}

/* Bytes that the vnodes of a place want beyond its room. */
static uint64_t excess_on(const struct vn_explained *e, size_t i)
{
	uint64_t wanted = 0;

	for (size_t v = 0; v < e->in.n_parts; v++)
		wanted += e->homes[v] == i ? e->in.parts[v].memory : 0;
	return vn_excess(wanted, vn_room(&e->in, 0, i));
}

/* When room on no single node brings all memory home: room on all the nodes that are too full, if they could have it. */
static int say_rooms_together(struct search *s)
{
	const struct vn_explained *e = s->e;
	vn_autoinstance in = {0};
	vn_autosolution solution = {0};
	vn_autofree char *text = vn_copy("");
	size_t n = 0;

	int r = vn_instance_make(e->host, &e->guest, 1, e->options, &in);
	for (size_t i = 0; i < e->in.n_places && r >= 0; i++) {
		struct change change = {KIND_ROOM, i, excess_on(e, i)};
		if (change.amount == 0)
			continue;
		if (change.amount > most_room(e, i))
			return 0;
		in.rooms[i] += change.amount;
		leave_class(&in, i);
		vn_autofree char *before = text, *words = room_words(e, &change);
		text = words ? vn_format("%s%s%s", before, n++ > 0 ? ", and " : "", words) : NULL;
		r = text ? 0 : -ENOMEM;
	}
	if (r >= 0 && n > 1)
		r = vn_solve(&in, TRY_MS, false, &solution);
	if (r >= 0 && n > 1 && solution.feasible && solution.cost.spill == 0)
		vn_explain_say(e->out, "  - ", "together: %s: then each vnode's memory is at home", text);
	return r < 0 ? r : 0;
}

/* All kinds, those without an amount first: they take one try each, and the time may be up. */
static int find_all(struct search *s, struct change *changes, struct outcome *outcomes, bool *found)
{
	static const enum kind order[N_KINDS] = {
		KIND_HOMES, KIND_PAGES, KIND_SHAPE, KIND_ROOM, KIND_LOAD, KIND_LESS, KIND_VCPUS};

	for (size_t i = 0; i < N_KINDS; i++) {
		enum kind kind = order[i];
		int r = find(s, kind, &changes[kind], &outcomes[kind]);
		if (r < 0)
			return r;
		found[kind] = r > 0;
	}
	return 0;
}

static int say_changes(struct search *s)
{
	static const char *const titles[] = {
		"What would make room for it",
		"What would bring all memory home",
		"What would give every vCPU a core",
		"What would bring it nearer together",
	};
	struct change changes[N_KINDS];
	struct outcome outcomes[N_KINDS];
	bool found[N_KINDS] = {false}, any = false;

	s->cut = false;
	s->until = vn_deadline_in(GOAL_MS);
	fprintf(s->e->out, "\n%s (single changes, each tried by planning again):\n", titles[s->goal]);
	int r = find_all(s, changes, outcomes, found);
	for (unsigned kind = 0; kind < N_KINDS && r >= 0; kind++) {
		char effect[200];
		if (!found[kind])
			continue;
		vn_autofree char *words = change_words(s->e, &changes[kind], outcomes[kind].n_vnodes);
		if (!words)
			return -ENOMEM;
		effect_words(s, &outcomes[kind], effect, sizeof(effect));
		vn_explain_say(s->e->out, "  - ", "%s: then %s", words, effect);
		any = true;
	}
	if (r < 0)
		return r;
	if (s->goal == GOAL_NEAR)
		say_too_large(s->e);
	if (s->cut)
		fprintf(s->e->out, "  - there was not time to try all; there may be more, or less may do\n");
	else if (!any)
		fprintf(s->e->out, "  - no single change that was tried does it alone\n");
	return s->goal == GOAL_HOME && !found[KIND_ROOM] ? say_rooms_together(s) : 0;
}

static bool is_apart(const struct vn_explained *e)
{
	bool apart = false;

	for (size_t v = 1; v < e->in.n_parts; v++)
		apart |= e->homes[v] != e->homes[0];
	for (size_t v = 0; v < e->in.n_parts; v++) {
		for (size_t i = 0; i < e->in.n_places; i++)
			apart |= vn_pull(&e->in, v, i) < vn_pull(&e->in, v, e->homes[v]);
	}
	return apart;
}

int vn_explain_better(const struct vn_explained *e)
{
	const struct vn_plan *plan = e->plan;
	const bool wanted[] = {!plan->feasible, plan->feasible && plan->cost.spill > 0,
		plan->feasible && plan->cost.squeeze > 0, plan->feasible && is_apart(e)};
	struct search s = {.e = e};
	int r = 0;

	for (unsigned goal = 0; goal < 4 && r == 0; goal++) {
		s.goal = (enum goal)goal;
		if (wanted[goal])
			r = say_changes(&s);
	}
	return r;
}
