/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * An explanation is reckoned anew from host, guest and plan, never handed on by the search: what the search passed over it does
 * not remember. What each vnode got is read off the plan (explain_vnodes.c). Why it does not live elsewhere is found by moving
 * that vnode alone and comparing what both cost (explain_neighbour.c). What would make the plan better is found by changing one
 * thing of the task and solving it again (explain_better.c), so nothing is promised that was not tried.
 */
#include "explain_part.h"

#include <string.h>

#include "../model/plan_names.h"
#include "dealt.h"

void vn_explain_say(FILE *out, const char *lead, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vn_autofree char *text = vn_format_list(format, args);
	va_end(args);
	size_t indent = strlen(lead), column = indent;
	const char *word = text;
	fputs(lead, out);
	while (word && *word) {
		size_t length = strcspn(word, " ");
		if (word != text && column + 1 + length > VN_EXPLAIN_COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (word != text) {
			fputc(' ', out);
			column++;
		}
		fwrite(word, 1, length, out);
		column += length;
		word += length + (word[length] == ' ');
	}
	fputc('\n', out);
}

const char *vn_explain_pages(uint64_t page, char buffer[static VN_PAGES_TEXT])
{
	char size[VN_SIZE_TEXT];

	if (page == 0)
		snprintf(buffer, VN_PAGES_TEXT, "ordinary memory");
	else
		snprintf(buffer, VN_PAGES_TEXT, "huge pages of %s", vn_size_text(page, size));
	return buffer;
}

static vn_i128 device_pulls(const struct vn_instance *in, const size_t *homes)
{
	return vn_pulls(in, homes) - vn_dealt_distance(in, homes);
}

unsigned long long vn_explain_mean(
	const struct vn_instance *in, const size_t *homes, const struct vn_cost *cost)
{
	vn_i128 vcpus = 0, mib = 0;

	for (size_t v = 0; v < in->n_parts; v++) {
		vcpus += (vn_i128)in->parts[v].vcpus;
		mib += (vn_i128)(vn_part_memory(&in->parts[v]) / VN_MIB);
	}
	vn_i128 all = vcpus * mib;
	vn_i128 sum = cost->distance - device_pulls(in, homes);
	return all > 0 ? (unsigned long long)((sum * 10 + all / 2) / all) : 0;
}

static void distance_loss(
	const struct vn_explained *e, const size_t *homes, const struct vn_cost *its, char *text, size_t size)
{
	const struct vn_cost *mine = &e->plan->cost;
	unsigned long long x = vn_explain_mean(&e->in, homes, its),
			   y = vn_explain_mean(&e->in, e->homes, mine);
	vn_i128 more = its->distance - mine->distance;

	if (x > y)
		snprintf(text, size, "mean distance to memory %llu.%llu instead of %llu.%llu", x / 10, x % 10,
			y / 10, y % 10);
	else if (device_pulls(&e->in, homes) > device_pulls(&e->in, e->homes))
		snprintf(text, size, "further from its device%s (distance sum %.4g%% higher)",
			e->guest->n_hostdevs == 1 ? "" : "s",
			100 * (double)more / (double)(mine->distance > 0 ? mine->distance : 1));
	else /* too near for a decimal */
		snprintf(text, size,
			"mean distance to memory higher by less than a tenth (sum of vCPUs * MiB * distance: "
			"%lld more)",
			(long long)more);
}

static void load_loss(const struct vn_cost *its, const struct vn_cost *mine, char *text, size_t size)
{
	snprintf(text, size,
		"the node with the highest load would have %llu vCPUs on %llu cores instead of %llu on %llu",
		(unsigned long long)its->load_vcpus, (unsigned long long)its->load_cores,
		(unsigned long long)mine->load_vcpus, (unsigned long long)mine->load_cores);
}

void vn_explain_loss(const struct vn_explained *e, const size_t *homes, const struct vn_cost *its,
	enum vn_level level, char *text, size_t size)
{
	const struct vn_cost *mine = &e->plan->cost;
	char a[VN_SIZE_TEXT], b[VN_SIZE_TEXT];

	switch (level) {
	case VN_LEVEL_SPILL:
		vn_size_texts_apart(its->spill, mine->spill, a, b);
		snprintf(text, size, "%s would not fit at home, instead of %s", a, b);
		break;
	case VN_LEVEL_SQUEEZE:
		snprintf(text, size, "%llu vCPU%s more than cores, instead of %llu",
			(unsigned long long)its->squeeze, its->squeeze == 1 ? "" : "s",
			(unsigned long long)mine->squeeze);
		break;
	case VN_LEVEL_DISTANCE:
		distance_loss(e, homes, its, text, size);
		break;
	case VN_LEVEL_LOAD:
		load_loss(its, mine, text, size);
		break;
	case VN_LEVEL_FRAGMENTATION:
		snprintf(text, size, "%s",
			e->in.policy == VN_POLICY_PACK
				? "what stays free would be in smaller pieces (policy = pack)"
				: "what stays free would be less even (policy = spread)");
		break;
	case VN_LEVEL_TIES:
		snprintf(text, size, "the same in all that counts: the lower number was taken");
		break;
	}
}

/* ---- the levels ---- */

static bool has_dealt(const struct vn_instance *in)
{
	bool any = false;

	for (size_t v = 0; v < in->n_parts; v++)
		any |= in->parts[v].dealt > 0;
	return any;
}

static void explain_spill(const struct vn_explained *e)
{
	const struct vn_plan *plan = e->plan;
	FILE *out = e->out;
	char size[VN_SIZE_TEXT];

	if (plan->cost.spill == 0)
		vn_explain_say(out, "  spill          ",
			"none: each vnode's memory is all on its home node%s",
			has_dealt(&e->in) ? ", but for what the guest itself wants on others" : "");
	else if (plan->binding == VN_BINDING_INTERLEAVE)
		vn_explain_say(out, "  spill          ",
			"%s more than its home holds, so all is dealt out in turn over %zu nodes: the home gets no more than the others",
			vn_size_text(plan->cost.spill, size), plan->vnodes[0].n_shares);
	else
		vn_explain_say(out, "  spill          ",
			"%s on other nodes than home, the nearest that had room",
			vn_size_text(plan->cost.spill, size));
}

static void explain_squeeze(const struct vn_plan *plan, FILE *out)
{
	if (plan->cost.squeeze == 0)
		vn_explain_say(out, "  squeeze        ", "none: there is a core for every vCPU");
	else
		vn_explain_say(out, "  squeeze        ",
			"%llu vCPU%s more than there are cores, so some share one",
			(unsigned long long)plan->cost.squeeze, plan->cost.squeeze == 1 ? "" : "s");
}

unsigned long long vn_explain_real_mean(const struct vn_explained *e)
{
	vn_i128 sum = 0, all = 0;

	for (size_t v = 0; v < e->in.n_parts; v++) {
		for (size_t w = 0; w < e->plan->n_vnodes; w++) {
			const struct vn_plan_vnode *vnode = &e->plan->vnodes[w];
			for (size_t k = 0; k < vnode->n_shares; k++) {
				int at = vn_host_node_index(e->host, vnode->shares[k].pnode);
				vn_i128 weight = (vn_i128)e->in.parts[v].vcpus *
						 (vn_i128)(vnode->shares[k].memory / VN_MIB);
				sum += weight * vn_distance(&e->in, e->homes[v], (size_t)at);
				all += weight;
			}
		}
	}
	return all > 0 ? (unsigned long long)((sum * 10 + all / 2) / all) : 0;
}

static void explain_distance(const struct vn_explained *e)
{
	unsigned long long mean = vn_explain_mean(&e->in, e->homes, &e->plan->cost),
			   real = vn_explain_real_mean(e);
	char spilled[80] = "";

	if (e->plan->cost.spill > 0)
		snprintf(spilled, sizeof(spilled), " if all were at home, %llu.%llu with what is not",
			real / 10, real % 10);
	vn_explain_say(e->out, "  distance       ",
		"from a vCPU to the guest's memory on average %llu.%llu%s (10 = all local)", mean / 10,
		mean % 10, spilled);
}

/* The node whose load is the highest: the first whose figures are those of the plan. */
static void explain_load(const struct vn_explained *e)
{
	char before[64] = "";

	for (size_t i = 0; i < e->in.n_places; i++) {
		const struct vn_place *place = &e->in.places[i];
		uint64_t vcpus = place->load;
		for (size_t v = 0; v < e->in.n_parts; v++)
			vcpus += e->homes[v] == i ? e->in.parts[v].cores : 0;
		if (place->cores != e->plan->cost.load_cores || vcpus != e->plan->cost.load_vcpus)
			continue;
		if (place->load > 0)
			snprintf(before, sizeof(before), " (%llu of them ran there before)",
				(unsigned long long)place->load);
		vn_explain_say(e->out, "  load           ",
			"highest on node %u: %llu vCPU%s on %llu core%s%s", place->id,
			(unsigned long long)vcpus, vcpus == 1 ? "" : "s", (unsigned long long)place->cores,
			place->cores == 1 ? "" : "s", before);
		return;
	}
	vn_explain_say(e->out, "  load           ", "none");
}

static void explain_levels(const struct vn_explained *e)
{
	fputs("\nWhat it came to, the most important first:\n", e->out);
	explain_spill(e);
	explain_squeeze(e->plan, e->out);
	explain_distance(e);
	explain_load(e);
	vn_explain_say(e->out, "  fragmentation  ", "%s",
		e->in.policy == VN_POLICY_PACK ? "packed, so that what stays free is in large pieces"
					       : "spread, so that something stays free everywhere");
}

/* ---- the runner-up, the proof ---- */

static void print_homes(const unsigned *homes, size_t n, FILE *out)
{
	for (size_t v = 0; v < n; v++)
		fprintf(out, "%s%u", v > 0 ? ", " : "", homes[v]);
}

/* Why none is told. */
static const char *no_runner_up(const struct vn_explained *e)
{
	bool open = false;

	for (size_t v = 0; v < e->in.n_parts; v++)
		open |= e->in.parts[v].fixed < 0;
	if (!open)
		return "All of them were given, so there was nothing to choose.";
	if (!e->options || !e->options->runner_up)
		return "The next best was not looked for: guests that are planned together are weighed all "
		       "at once, not one by one.";
	if (!e->plan->optimal)
		return "No other choice of homes was looked for: there was not time to.";
	return "No choice of homes was found that costs more: those that were tried cost the same, or there are "
	       "no others. Of equal ones the lowest node numbers were taken.";
}

static int explain_runner_up(const struct vn_explained *e)
{
	const struct vn_plan *plan = e->plan;
	vn_autofree size_t *homes = calloc(plan->n_vnodes + 1, sizeof(*homes));
	char loss[160];

	if (!homes)
		return -ENOMEM;
	if (plan->n_vnodes == 1)
		fputs("\nThe home: ", e->out);
	else
		fprintf(e->out, "\nAll homes together, of vnodes 0 to %zu: ", plan->n_vnodes - 1);
	print_homes(plan->homes, plan->n_vnodes, e->out);
	fputc('\n', e->out);
	if (!plan->has_runner_up) {
		vn_explain_say(e->out, "  ", "%s", no_runner_up(e));
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return 0;
	}
	for (size_t v = 0; v < plan->n_vnodes; v++)
		homes[v] = (size_t)vn_host_node_index(e->host, plan->runner_up_homes[v]);
	fputs("  next best: ", e->out);
	print_homes(plan->runner_up_homes, plan->n_vnodes, e->out);
	fputc('\n', e->out);
	vn_explain_loss(e, homes, &plan->runner_up_cost, plan->decided_by, loss, sizeof(loss));
	vn_explain_say(e->out, "  ",
		"It loses by %s: %s. Homes that cost exactly the same are not counted; of those the lowest node "
		"numbers were taken.",
		vn_level_names[plan->decided_by], loss);
	return 0;
}

static void explain_proof(const struct vn_plan *plan, FILE *out)
{
	double percent = plan->optimal ? 0 : vn_cost_gap(&plan->cost, plan->open_level, &plan->bound);

	fputc('\n', out);
	if (plan->optimal)
		vn_explain_say(out, "", "It is proven that no homes are better.");
	else if (plan->open_level == VN_LEVEL_TIES)
		vn_explain_say(out, "",
			"The time was up before it was proven that these are the lowest node numbers among equal "
			"plans. Nothing costs less.");
	else if (percent >= 0)
		vn_explain_say(out, "",
			"The time was up before it was proven that no homes are better. All before %s is proven; "
			"in %s no homes can be better by more than %.2f%% of the best possible.",
			vn_level_names[plan->open_level], vn_level_names[plan->open_level], percent);
	else
		vn_explain_say(out, "",
			"The time was up before it was proven that no homes are better. All before %s is proven; "
			"whether homes without any %s exist is open.",
			vn_level_names[plan->open_level], vn_level_names[plan->open_level]);
}

/* ---- the front ---- */

static int explain_feasible(struct vn_explained *e)
{
	e->homes = calloc(e->in.n_parts + 1, sizeof(*e->homes));
	if (!e->homes)
		return -ENOMEM;
	for (size_t v = 0; v < e->in.n_parts; v++)
		e->homes[v] = (size_t)vn_host_node_index(e->host, e->plan->homes[v]);
	vn_explain_vnodes(e);
	int r = vn_explain_neighbours(e);
	if (r < 0)
		return r;
	explain_levels(e);
	vn_explain_left(e);
	r = explain_runner_up(e);
	if (r < 0)
		return r;
	explain_proof(e->plan, e->out);
	return vn_explain_better(e);
}

static int explain_infeasible(const struct vn_explained *e)
{
	fputs("There is no plan:\n", e->out);
	for (size_t i = 0; i < e->plan->reasons.n; i++)
		vn_explain_say(e->out, "  - ", "%s", e->plan->reasons.v[i].text);
	int r = vn_explain_short(e);
	return r < 0 ? r : vn_explain_better(e);
}

void vn_plan_explain(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const struct vn_plan *plan, FILE *out)
{
	struct vn_explained e = {host, guest, options, plan, .out = out};
	int r = vn_instance_make(host, &guest, 1, options, &e.in);

	if (r >= 0)
		r = plan->feasible ? explain_feasible(&e) : explain_infeasible(&e);
	if (r < 0)
		fprintf(out, "out of memory\n");
	free(e.homes);
	vn_instance_clear(&e.in);
}
