/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of VMs, with columns that are called as esxtop calls them. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/columns.h"
#include "../base/text.h"
#include "top_view.h"

#define NODES_SHOWN 4u
#define NAME_LEAST 16
#define NAME_MOST 40

/* ---- order ---- */

/* The most is first, and what is not known last: figures below 0. */
static double figure(const struct vn_top_row *row, enum vn_top_sort sort)
{
	const struct vn_vm_audit *vm = row->vm;
	bool times = vn_vm_has_times(vm->vm);

	switch (sort) {
	case VN_TOP_BY_HOME:
		return row->home >= 0 ? 1e6 - row->home : -1;
	case VN_TOP_BY_LOCAL: /* the least is first */
		return vm->has_locality ? 1 - vm->locality.share : -1;
	case VN_TOP_BY_REMOTE:
		return vm->has_locality ? (double)vm->remote : -1;
	case VN_TOP_BY_MEMORY:
		return vn_vm_has_pages(vm->vm) ? (double)vm->present : -1;
	case VN_TOP_BY_MIGRATIONS:
		return times ? (double)row->migrations : -1;
	case VN_TOP_BY_CPU:
		return times ? vm->cpus : -1;
	case VN_TOP_BY_WAIT:
		return times ? vm->waited : -1;
	case VN_TOP_BY_WORST:
	case VN_TOP_BY_NAME:
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b, void *context)
{
	const struct vn_top_row *x = a, *y = b;
	const struct vn_top *top = context;
	double p = figure(x, top->sort), q = figure(y, top->sort);
	int sign = top->reverse ? -1 : 1;

	int names = top->sort == VN_TOP_BY_NAME ? strcmp(x->vm->vm->name, y->vm->vm->name) : 0;
	if (names != 0)
		return names < 0 ? -sign : sign;
	if ((p < 0) != (q < 0))
		return p < 0 ? 1 : -1;
	if (p > q || p < q)
		return p > q ? -sign : sign;
	return (x->place > y->place ? 1 : -1) * (top->sort == VN_TOP_BY_WORST ? sign : 1);
}

void vn_top_sort_rows(struct vn_top *top)
{
	if (top->n_rows)
		qsort_r(top->rows, top->n_rows, sizeof(*top->rows), compare, top);
}

/* ---- head ---- */

static void draw_title(const struct vn_top *top, struct vn_screen *screen, int columns)
{
	const struct vn_audit *audit = top->audit;
	time_t taken = (time_t)audit->sample->taken;
	struct tm tm;
	char when[16] = "?", share[VN_SHARE_TEXT];

	if (localtime_r(&taken, &tm))
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	vn_autofree char *text =
		vn_format("vnuma top  %s  %zu VM%s, %zu below %s local, %zu finding%s", when, audit->n_vms,
			audit->n_vms == 1 ? "" : "s", audit->n_below, vn_share_text(audit->threshold, share),
			vn_audit_n_findings(audit), vn_audit_n_findings(audit) == 1 ? "" : "s");
	vn_screen_put(screen, 0, 0, columns, VN_SCREEN_BOLD, text ? text : "?");
}

/* "node 0   12.0 of 128 GiB free, vCPUs 6.6 of 16 CPUs" */
static int draw_nodes(const struct vn_top *top, struct vn_screen *screen, int row)
{
	const struct vn_sample *sample = top->audit->sample;
	const struct vn_host *host = sample->host;

	for (size_t i = 0; i < host->n_nodes && i < NODES_SHOWN; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		uint64_t ns = 0;
		char unused[VN_SIZE_TEXT], total[VN_SIZE_TEXT];
		for (size_t k = 0; k < top->audit->n_vms; k++)
			ns += vn_time_on(top->audit->vms[k].vm, node->id);
		vn_size_text(node->memory_free, unused);
		vn_autofree char *text =
			vn_format("node %-3u %9s free of %9s, vCPUs use %5.1f of %u CPUs", node->id,
				node->has_memory_free ? unused : "?", vn_size_text(node->memory_total, total),
				sample->interval_ns ? (double)ns / (double)sample->interval_ns : 0,
				vn_set_weight(node->cpus));
		vn_screen_put(screen, row++, 0, -1, VN_SCREEN_PLAIN, text ? text : "?");
	}
	if (host->n_nodes > NODES_SHOWN) {
		vn_autofree char *text = vn_format("and %zu more nodes", host->n_nodes - NODES_SHOWN);
		vn_screen_put(screen, row++, 0, -1, VN_SCREEN_DIM, text ? text : "?");
	}
	return row;
}

/* ---- rows ---- */

/* Right-aligned in `columns`, with a blank before; returns the next column. */
static int put_right(
	struct vn_screen *screen, int row, int column, int columns, enum vn_screen_ink ink, const char *text)
{
	int taken = (int)vn_columns(text), pad = columns > taken ? columns - taken : 0;
	vn_autofree char *padded = vn_format(" %*s%s", pad, "", text);

	return vn_screen_put(screen, row, column, columns + 1, ink, padded ? padded : "?");
}

static int put_mib(
	struct vn_screen *screen, int row, int column, enum vn_screen_ink ink, bool known, uint64_t bytes)
{
	vn_autofree char *text = known ? vn_format("%" PRIu64, bytes / VN_MIB) : NULL;

	return put_right(screen, row, column, 7, ink, text ? text : "?");
}

static int put_cpus(
	struct vn_screen *screen, int row, int column, enum vn_screen_ink ink, bool known, double cpus)
{
	vn_autofree char *text = known ? vn_format("%.*f", cpus < 99.5 ? 2 : 0, cpus) : NULL;

	return put_right(screen, row, column, 5, ink, text ? text : "?");
}

static int put_finding(
	struct vn_screen *screen, int row, int column, bool chosen, const struct vn_vm_audit *vm)
{
	static const enum vn_screen_ink inks[] = {
		VN_SCREEN_DIM, VN_SCREEN_MILD, VN_SCREEN_WARN, VN_SCREEN_BAD};
	int worst = vn_findings_worst(&vm->findings);
	enum vn_screen_ink ink = chosen ? VN_SCREEN_BAR : worst >= 0 ? inks[worst] : VN_SCREEN_DIM;

	return vn_screen_put(screen, row, column, -1, ink, worst >= 0 ? vm->findings.v[0].code : "-");
}

static void draw_row(
	struct vn_screen *screen, int row, int name_columns, const struct vn_top_row *what, bool chosen)
{
	const struct vn_vm_audit *vm = what->vm;
	bool times = vn_vm_has_times(vm->vm), pages = vn_vm_has_pages(vm->vm);
	enum vn_screen_ink ink = chosen ? VN_SCREEN_BAR : VN_SCREEN_PLAIN;
	bool below = vm->below;
	vn_autoset homes = vn_vm_homes(vm);
	vn_autofree char *home = homes && !hwloc_bitmap_iszero(homes) ? vn_set_text(homes) : NULL;
	vn_autofree char *short_home = vn_in_columns(home ? home : "?", 4);
	vn_autofree char *local = vm->has_locality ? vn_format("%.0f", 100 * vm->locality.share) : NULL;
	vn_autofree char *moves = times ? vn_format("%" PRIu64, what->migrations) : NULL;

	int x = vn_screen_put(screen, row, 0, name_columns, ink, vm->vm->name);
	x = put_right(screen, row, x, 4, ink, short_home ? short_home : "?");
	x = put_right(screen, row, x, 4, below && !chosen ? VN_SCREEN_BAD : ink, local ? local : "?");
	x = put_mib(screen, row, x, ink, vm->has_locality, vm->remote);
	x = put_mib(screen, row, x, ink, pages, vm->present);
	x = put_right(screen, row, x, 5, ink, moves ? moves : "?");
	x = put_cpus(screen, row, x, ink, times, vm->cpus);
	x = put_cpus(screen, row, x, ink, times, vm->waited);
	x = vn_screen_put(screen, row, x, 1, ink, " ");
	x = put_finding(screen, row, x, chosen, vm);
	if (chosen)
		vn_screen_put(screen, row, x, 1024, VN_SCREEN_BAR, "");
}

static void draw_heading(const struct vn_top *top, struct vn_screen *screen, int row, int name_columns)
{
	static const struct {
		const char *name;
		enum vn_top_sort sort;
		int columns;
	} fields[] = {{"NHN", VN_TOP_BY_HOME, 4}, {"N%L", VN_TOP_BY_LOCAL, 4}, {"NRMEM", VN_TOP_BY_REMOTE, 7},
		{"MEM", VN_TOP_BY_MEMORY, 7}, {"NMIG", VN_TOP_BY_MIGRATIONS, 5}, {"CPU", VN_TOP_BY_CPU, 5},
		{"WAIT", VN_TOP_BY_WAIT, 5}};
	const enum vn_screen_ink inks[] = {VN_SCREEN_DIM, VN_SCREEN_BAR};

	int x = vn_screen_put(screen, row, 0, name_columns, inks[top->sort == VN_TOP_BY_NAME], "VM");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		x = vn_screen_put(screen, row, x, 1, VN_SCREEN_DIM, " ");
		vn_autofree char *text = i ? vn_format("%*s", fields[i].columns, fields[i].name)
					   : vn_format("%-*s", fields[i].columns, fields[i].name);
		x = vn_screen_put(screen, row, x, fields[i].columns, inks[top->sort == fields[i].sort],
			text ? text : "?");
	}
	x = vn_screen_put(screen, row, x, 1, VN_SCREEN_DIM, " ");
	vn_screen_put(screen, row, x, -1, inks[top->sort == VN_TOP_BY_WORST], "FINDING");
}

void vn_top_draw_list(struct vn_top *top, struct vn_screen *screen)
{
	int rows, columns, row = 1;

	vn_screen_size(screen, &rows, &columns);
	int name_columns = columns - 80 + NAME_LEAST;
	name_columns = name_columns < NAME_LEAST  ? NAME_LEAST
		       : name_columns > NAME_MOST ? NAME_MOST
						  : name_columns;
	draw_title(top, screen, columns);
	if (rows >= 16)
		row = draw_nodes(top, screen, row) + 1;
	draw_heading(top, screen, row++, name_columns);
	size_t shown = rows - row - 1 > 0 ? (size_t)(rows - row - 1) : 1, chosen = vn_top_chosen(top);
	if (chosen < top->first)
		top->first = chosen;
	if (chosen >= top->first + shown)
		top->first = chosen - shown + 1;
	if (top->first + shown > top->n_rows)
		top->first = top->n_rows > shown ? top->n_rows - shown : 0;
	for (size_t i = top->first; i < top->n_rows && i < top->first + shown; i++)
		draw_row(screen, row++, name_columns, &top->rows[i], i == chosen);
	if (top->n_rows == 0)
		vn_screen_put(screen, row, 0, -1, VN_SCREEN_DIM, "no VM runs here that can be seen");
	vn_autofree char *foot =
		vn_format("Enter: all about it  f v h l r m n c w: sort  ?: help  q: leave   every %u s",
			top->every_ms / 1000);
	vn_screen_put(screen, rows - 1, 0, -1, VN_SCREEN_DIM, foot ? foot : "?");
}
