/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../base/text.h"
#include "instance.h"

static const char *const names[] = {"spill", "squeeze", "distance", "load", "fragmentation", "ties"};

/* The distance level as the mean distance of an access, in tenths. */
static unsigned long long mean_tenths(const struct vn_instance *in, vn_i128 distance)
{
	vn_i128 vcpus = 0, mib = 0;

	for (size_t v = 0; v < in->n_parts; v++) {
		vcpus += (vn_i128)in->parts[v].vcpus;
		mib += (vn_i128)in->parts[v].mib;
	}
	vn_i128 all = vcpus * mib;
	return all > 0 ? (unsigned long long)((distance * 10 + all / 2) / all) : 0;
}

static void explain_spill(const struct vn_plan *plan, FILE *out)
{
	char size[VN_SIZE_TEXT];

	if (plan->cost.spill == 0)
		fprintf(out, "none: each vnode's memory is all on its home node\n");
	else
		fprintf(out, "%s on other nodes than home, the nearest that had room\n",
			vn_size_text(plan->cost.spill, size));
}

static void explain_squeeze(const struct vn_plan *plan, FILE *out)
{
	if (plan->cost.squeeze == 0)
		fprintf(out, "none: there is a core for every vCPU\n");
	else
		fprintf(out, "%llu vCPU%s more than there are cores, so some share one\n",
			(unsigned long long)plan->cost.squeeze, plan->cost.squeeze == 1 ? "" : "s");
}

static void explain_distance(const struct vn_instance *in, const struct vn_plan *plan, FILE *out)
{
	unsigned long long mean = mean_tenths(in, plan->cost.distance);

	fprintf(out, "from a vCPU to the guest's memory on average %llu.%llu (10 = all local)\n", mean / 10,
		mean % 10);
}

/* The node whose load is the highest: the first whose figures are those of the plan. */
static void explain_load(const struct vn_instance *in, const struct vn_plan *plan, FILE *out)
{
	for (size_t i = 0; i < in->n_places; i++) {
		const struct vn_place *place = &in->places[i];
		uint64_t vcpus = place->load;
		for (size_t v = 0; v < in->n_parts; v++)
			vcpus += plan->homes[v] == place->id ? in->parts[v].cores : 0;
		if (place->cores != plan->cost.load_cores || vcpus != plan->cost.load_vcpus)
			continue;
		fprintf(out, "highest on node %u: %llu vCPU%s on %llu core%s", place->id,
			(unsigned long long)vcpus, vcpus == 1 ? "" : "s", (unsigned long long)place->cores,
			place->cores == 1 ? "" : "s");
		if (place->load > 0)
			fprintf(out, " (%llu of them ran there before)", (unsigned long long)place->load);
		fputc('\n', out);
		return;
	}
	fputs("none\n", out);
}

static void explain_fragmentation(const struct vn_instance *in, const struct vn_plan *plan, FILE *out)
{
	char size[VN_SIZE_TEXT];

	fprintf(out, "%s; left free:",
		in->policy == VN_POLICY_PACK ? "packed, so that what stays free is in large pieces"
					     : "spread, so that something stays free everywhere");
	for (size_t i = 0; i < in->n_places; i++) {
		uint64_t left = vn_room(in, 0, i);
		for (size_t v = 0; v < plan->n_vnodes; v++) {
			const struct vn_plan_vnode *vnode = &plan->vnodes[v];
			for (size_t k = 0; k < vnode->n_shares; k++)
				left -= vnode->shares[k].pnode == in->places[i].id ? vnode->shares[k].memory
										   : 0;
		}
		fprintf(out, "%s node %u %s", i > 0 ? "," : "", in->places[i].id, vn_size_text(left, size));
	}
	fputc('\n', out);
}

static void explain_difference(const struct vn_instance *in, const struct vn_cost *mine,
	const struct vn_cost *its, enum vn_level level, FILE *out)
{
	char a[VN_SIZE_TEXT], b[VN_SIZE_TEXT];
	unsigned long long x = mean_tenths(in, its->distance), y = mean_tenths(in, mine->distance);

	switch (level) {
	case VN_LEVEL_SPILL:
		fprintf(out, "%s not at home, where this plan has %s", vn_size_text(its->spill, a),
			vn_size_text(mine->spill, b));
		break;
	case VN_LEVEL_SQUEEZE:
		fprintf(out, "%llu vCPUs too many for the cores, where this plan has %llu",
			(unsigned long long)its->squeeze, (unsigned long long)mine->squeeze);
		break;
	case VN_LEVEL_DISTANCE:
		if (x == y) /* too near for a decimal: the sums tell them apart */
			fprintf(out, "distance sum %lld, where this plan has %lld (vCPUs * MiB * distance)",
				(long long)its->distance, (long long)mine->distance);
		else
			fprintf(out, "mean distance %llu.%llu, where this plan has %llu.%llu", x / 10, x % 10,
				y / 10, y % 10);
		break;
	case VN_LEVEL_LOAD:
		fprintf(out,
			"its fullest node has %llu vCPUs on %llu cores, where this plan's has %llu on %llu",
			(unsigned long long)its->load_vcpus, (unsigned long long)its->load_cores,
			(unsigned long long)mine->load_vcpus, (unsigned long long)mine->load_cores);
		break;
	case VN_LEVEL_FRAGMENTATION:
		fprintf(out, "what stays free is %s (sum of squares %.4g MiB^2, where this plan has %.4g)",
			in->policy == VN_POLICY_PACK ? "more scattered" : "less even",
			(double)its->fragmentation, (double)mine->fragmentation);
		break;
	case VN_LEVEL_TIES:
		break;
	}
}

static void print_homes(const unsigned *homes, size_t n, FILE *out)
{
	for (size_t v = 0; v < n; v++)
		fprintf(out, "%s%u", v > 0 ? ", " : "", homes[v]);
}

static void explain_runner_up(const struct vn_instance *in, const struct vn_plan *plan, FILE *out)
{
	fprintf(out, "\nhomes of vnodes 0 to %zu: ", plan->n_vnodes - 1);
	print_homes(plan->homes, plan->n_vnodes, out);
	if (!plan->has_runner_up) {
		bool free = false;
		for (size_t v = 0; v < in->n_parts; v++)
			free |= in->parts[v].fixed < 0;
		fprintf(out, "\n%s\n",
			free ? "No choice of homes is known that costs more: all are alike, and the lowest "
			       "node numbers were "
			       "taken."
			     : "All of them were given, so there was nothing to choose.");
		return;
	}
	fprintf(out, "\nnext best:               ");
	print_homes(plan->runner_up_homes, plan->n_vnodes, out);
	fprintf(out, "\n  loses by %s: ", names[plan->decided_by]);
	explain_difference(in, &plan->cost, &plan->runner_up_cost, plan->decided_by, out);
	fprintf(out, ".\n  Plans that cost exactly the same are not counted; of those the lowest node "
		     "numbers were taken.\n");
}

static void explain_proof(const struct vn_instance *in, const struct vn_plan *plan, FILE *out)
{
	if (plan->optimal) {
		fprintf(out, "\nIt is proven that no homes are better.\n");
		return;
	}
	fprintf(out, "\nThe time was up before it was proven that no homes are better. Open from: %s",
		names[plan->open_level]);
	if (plan->open_level != VN_LEVEL_TIES) {
		fprintf(out, " (no plan can do better than: ");
		explain_difference(in, &plan->cost, &plan->bound, plan->open_level, out);
		fputc(')', out);
	}
	fprintf(out, ".\n");
}

void vn_plan_explain(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, const struct vn_plan *plan, FILE *out)
{
	vn_autoinstance in = {0};

	if (!plan->feasible) {
		fprintf(out, "There is no plan:\n");
		for (size_t i = 0; i < plan->reasons.n; i++)
			fprintf(out, "  %s\n", plan->reasons.v[i].text);
		return;
	}
	if (vn_instance_make(host, &guest, 1, options, &in) < 0) {
		fprintf(out, "out of memory\n");
		return;
	}
	fprintf(out, "What it came to, the most important first:\n  %-14s ", names[0]);
	explain_spill(plan, out);
	fprintf(out, "  %-14s ", names[1]);
	explain_squeeze(plan, out);
	fprintf(out, "  %-14s ", names[2]);
	explain_distance(&in, plan, out);
	fprintf(out, "  %-14s ", names[3]);
	explain_load(&in, plan, out);
	fprintf(out, "  %-14s ", names[4]);
	explain_fragmentation(&in, plan, out);
	explain_runner_up(&in, plan, out);
	explain_proof(&in, plan, out);
}
