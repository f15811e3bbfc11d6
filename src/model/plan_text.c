/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../base/text.h"
#include "numactl_form.h"
#include "plan.h"
#include "plan_names.h"

static void print_set(hwloc_const_bitmap_t set, FILE *out)
{
	vn_autofree char *text = set ? vn_set_text(set) : NULL;

	fputs(text && *text ? text : "-", out);
}

/* A set in a column of its own, never cut. */
static void print_set_column(hwloc_const_bitmap_t set, int width, FILE *out)
{
	vn_autofree char *text = set ? vn_set_text(set) : NULL;

	fprintf(out, "%-*s", width, text && *text ? text : "-");
}

static int set_width(hwloc_const_bitmap_t set, int least)
{
	vn_autofree char *text = set ? vn_set_text(set) : NULL;
	int width = text ? (int)strlen(text) : 0;

	return width > least ? width : least;
}

static void print_spilled(const struct vn_plan_vnode *vnode, enum vn_binding binding, FILE *out)
{
	char size[VN_SIZE_TEXT];

	for (size_t i = 0; i < vnode->n_shares; i++) {
		if (vnode->shares[i].pnode == vnode->home)
			continue;
		fprintf(out, "%5s  %10s  of it on node %u%s\n", "",
			vn_size_text(vnode->shares[i].memory, size), vnode->shares[i].pnode,
			binding == VN_BINDING_INTERLEAVE ? ", page by page" : "");
	}
}

static void print_vnodes(const struct vn_plan *plan, const struct vn_guest *guest, FILE *out)
{
	char size[VN_SIZE_TEXT];
	int width = 5;

	for (size_t i = 0; i < plan->n_vnodes; i++)
		width = set_width(guest->vnodes[i].vcpus, width);
	fprintf(out, "%5s  %10s  %-*s  %4s  %s\n", "vnode", "memory", width, "vCPUs", "node", "on CPUs");
	for (size_t i = 0; i < plan->n_vnodes; i++) {
		fprintf(out, "%5zu  %10s  ", i, vn_size_text(guest->vnodes[i].memory, size));
		print_set_column(guest->vnodes[i].vcpus, width, out);
		fprintf(out, "  %4u  ", plan->vnodes[i].home);
		print_set(plan->vnodes[i].cpus, out);
		fputc('\n', out);
		print_spilled(&plan->vnodes[i], vn_plan_binding(plan, guest, i), out);
	}
}

/* Only worth a table when vCPUs of one vnode differ. */
static void print_vcpus(const struct vn_plan *plan, const struct vn_guest *guest, FILE *out)
{
	if (!guest->exclusive_cores)
		return;
	fprintf(out, "\n%5s  %s\n", "vCPU", "on CPUs (a core of its own)");
	for (unsigned i = 0; i < plan->n_vcpus; i++) {
		fprintf(out, "%5u  ", i);
		print_set(plan->vcpu_cpus[i], out);
		fputc('\n', out);
	}
}

static void print_notes(const char *title, const struct vn_notes *notes, FILE *out)
{
	for (size_t i = 0; i < notes->n; i++)
		fprintf(out, "%s: %s [%s]\n", title, notes->v[i].text, notes->v[i].code);
}

static const char *binding_text(enum vn_binding binding)
{
	static const char *const texts[] = {
		"preferred: on its node, elsewhere only under pressure",
		"strict: on the nodes named and nowhere else",
		"interleaved over the nodes named",
	};

	return texts[binding];
}

/* Whether some of its memory is not where its vCPUs live. */
static bool lives_beside(const struct vn_plan_vnode *vnode)
{
	bool beside = false;

	for (size_t i = 0; i < vnode->n_shares; i++)
		beside |= vnode->shares[i].pnode != vnode->home;
	return beside;
}

/* A line a vnode, where the guest itself says how memory is tied. */
static void print_policies(const struct vn_plan *plan, const struct vn_guest *guest, FILE *out)
{
	for (size_t v = 0; v < plan->n_vnodes; v++) {
		const struct vn_vnode *vnode = &guest->vnodes[v];
		vn_autofree char *nodes =
			vnode->has_binding && vnode->nodes ? vn_set_text(vnode->nodes) : NULL;
		char size[VN_SIZE_TEXT];
		fprintf(out, "memory policy of vnode %zu: %s", v,
			binding_text(vn_plan_binding(plan, guest, v)));
		if (nodes)
			fprintf(out, ", by its own wish: %s", nodes);
		if (lives_beside(&plan->vnodes[v]) && !hwloc_bitmap_iszero(vnode->vcpus))
			fprintf(out, "; its vCPUs on node %u", plan->homes[v]);
		if (vn_vnode_page(guest, v))
			fprintf(out, "; huge pages of %s", vn_size_text(vn_vnode_page(guest, v), size));
		fputc('\n', out);
	}
}

static void print_memory(const struct vn_plan *plan, const struct vn_guest *guest, FILE *out)
{
	char size[VN_SIZE_TEXT];

	bool own = false;

	for (size_t v = 0; v < plan->n_vnodes; v++)
		own |= guest->vnodes[v].has_binding;
	if (own) {
		print_policies(plan, guest, out);
		return;
	}
	fprintf(out, "memory policy: %s", binding_text(plan->binding));
	if (guest->hugepages)
		fprintf(out, "; huge pages of %s", vn_size_text(guest->hugepages, size));
	fputc('\n', out);
}

void vn_gap_print(
	const struct vn_cost *cost, enum vn_level open_level, const struct vn_cost *bound, FILE *out)
{
	double percent = vn_cost_gap(cost, open_level, bound);
	const char *level = vn_level_names[open_level];

	if (open_level == VN_LEVEL_TIES)
		fputs("none costs less, some may have lower node numbers", out);
	else if (percent >= 0)
		fprintf(out, "its %s is proven to be within %.2f%% of the best possible", level, percent);
	else if (open_level <= VN_LEVEL_DISTANCE)
		fprintf(out, "whether one without %s exists is open", level);
	else
		fprintf(out, "how much better its %s could be is open", level);
}

static void print_head(const struct vn_plan *plan, const struct vn_guest *guest, FILE *out)
{
	fprintf(out, "%s: ", plan->guest ? plan->guest : "guest");
	if (!plan->feasible || plan->optimal) {
		/* that no other vnodes would do better was not proven */
		bool made = guest->vnodes_open && plan->n_vnodes > 1;
		fputs(!plan->feasible ? "there is no room for it\n"
			: made        ? "the best plan there is for these vnodes\n"
				      : "the best plan there is\n",
			out);
		return;
	}
	fputs("the best plan found in the time given; ", out);
	vn_gap_print(&plan->cost, plan->open_level, &plan->bound, out);
	fputc('\n', out);
}

void vn_plan_print(const struct vn_plan *plan, const struct vn_guest *guest, FILE *out)
{
	print_head(plan, guest, out);
	if (plan->feasible) {
		fputc('\n', out);
		print_vnodes(plan, guest, out);
		print_vcpus(plan, guest, out);
		fputc('\n', out);
		print_memory(plan, guest, out);
		fprintf(out, "\nwhat `numactl --hardware` will say in the guest (a little less memory: its "
			     "kernel keeps some):\n");
		vn_view_print_numactl(&plan->view, out);
	}
	if (guest->notes.n + plan->warnings.n + plan->reasons.n > 0)
		fputc('\n', out);
	print_notes("reason", &plan->reasons, out);
	print_notes("warning", &guest->notes, out);
	print_notes("warning", &plan->warnings, out);
}

static uint32_t view_distance(const void *view, size_t i, size_t j)
{
	return ((const struct vn_view *)view)->nodes[i].distances[j];
}

void vn_view_print_numactl(const struct vn_view *view, FILE *out)
{
	vn_autofree unsigned *ids = calloc(view->n_nodes + 1, sizeof(*ids));

	if (!ids)
		return;
	for (size_t i = 0; i < view->n_nodes; i++)
		ids[i] = view->nodes[i].id;
	vn_numactl_print_available(ids, view->n_nodes, out);
	for (size_t i = 0; i < view->n_nodes; i++) {
		const struct vn_view_node *node = &view->nodes[i];
		vn_numactl_print_cpus(node->id, node->cpus, out);
		vn_numactl_print_size(node->id, "size", true, node->memory, out);
	}
	vn_numactl_print_distances(ids, view->n_nodes, view_distance, view, out);
}
