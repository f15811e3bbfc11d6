/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cores of a node: a box each, its hardware threads in it, those that share an L3 cache within an outline. */
#include "host_svg_part.h"

#include <string.h>

#define NUMBER_SIZE 11

static int leader(const struct vn_host_cpu *cpu)
{
	int first = cpu->siblings ? hwloc_bitmap_first(cpu->siblings) : -1;
	return first < 0 || !cpu->online ? (int)cpu->id : first;
}

static int compare_groups(const struct vn_host_cpu *a, const struct vn_host_cpu *b)
{
	if (a->online != b->online)
		return a->online ? -1 : 1;
	if (!a->online)
		return 0;
	if (a->package != b->package)
		return a->package < b->package ? -1 : 1;
	if (a->die != b->die)
		return a->die < b->die ? -1 : 1;
	return a->l3 == b->l3 ? 0 : a->l3 < b->l3 ? -1 : 1;
}

static int compare_cpus(const void *left, const void *right)
{
	const struct vn_host_cpu *a = *(const struct vn_host_cpu *const *)left;
	const struct vn_host_cpu *b = *(const struct vn_host_cpu *const *)right;
	int groups = compare_groups(a, b);

	if (groups != 0)
		return groups;
	if (leader(a) != leader(b))
		return leader(a) < leader(b) ? -1 : 1;
	return a->id == b->id ? 0 : a->id < b->id ? -1 : 1;
}

static bool belongs(const struct vn_host_cpu *cpu, const struct vn_host_node *node)
{
	return cpu->online ? hwloc_bitmap_isset(node->cpus, cpu->id) : cpu->node == (int)node->id;
}

/* Where each core is a group of its own, outlines around them would tell nothing. */
static void drop_useless_groups(struct vn_pic_node *node)
{
	bool useful = false;

	for (size_t i = 0; i < node->n_groups; i++)
		useful |= node->groups[i].n > 1;
	if (!useful && node->n_groups > 1) {
		node->groups[0].n = node->n_cores;
		node->n_groups = 1;
	}
}

int vn_pic_find_cores(struct vn_pic *pic, struct vn_pic_node *node)
{
	const struct vn_host *host = pic->host;

	for (size_t i = 0; i < host->n_cpus; i++)
		node->n_cpus += belongs(&host->cpus[i], node->node);
	node->cpus = calloc(node->n_cpus + 1, sizeof(void *));
	node->cores = calloc(node->n_cpus + 1, sizeof(*node->cores));
	node->groups = calloc(node->n_cpus + 1, sizeof(*node->groups));
	if (!node->cpus || !node->cores || !node->groups)
		return -ENOMEM;
	for (size_t i = 0, n = 0; i < host->n_cpus; i++) {
		if (belongs(&host->cpus[i], node->node))
			node->cpus[n++] = &host->cpus[i];
	}
	qsort(node->cpus, node->n_cpus, sizeof(void *), compare_cpus);
	for (size_t i = 0; i < node->n_cpus; i++) {
		bool new_group = i == 0 || compare_groups(node->cpus[i - 1], node->cpus[i]) != 0;
		bool new_core = new_group || leader(node->cpus[i - 1]) != leader(node->cpus[i]);
		if (new_core)
			node->cores[node->n_cores++].first = i;
		if (new_group)
			node->groups[node->n_groups++].first = node->n_cores - 1;
		node->cores[node->n_cores - 1].n++;
		node->groups[node->n_groups - 1].n += new_core;
		pic->any_offline |= !node->cpus[i]->online;
	}
	drop_useless_groups(node);
	pic->any_groups |= node->n_groups > 1;
	return 0;
}

void vn_pic_size_cores(struct vn_pic *pic)
{
	const struct vn_host *host = pic->host;
	size_t threads = 1;
	char widest[16];

	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t c = 0; c < pic->nodes[i].n_cores; c++)
			threads = pic->nodes[i].cores[c].n > threads ? pic->nodes[i].cores[c].n : threads;
	}
	snprintf(widest, sizeof(widest), "%u", host->n_cpus ? host->cpus[host->n_cpus - 1].id : 0);
	pic->cpus_across = threads > 4 ? 4 : (int)threads;
	int rows = ((int)threads + pic->cpus_across - 1) / pic->cpus_across;
	if (pic->numbers) {
		int width = vn_svg_width(widest, vn_pic_font(NUMBER_SIZE)) + 4;
		pic->cpu_w = width < 20 ? 20 : width;
		pic->cpu_h = 18;
	} else {
		pic->cpu_w = pic->cpus_across > 1 ? 4 : 7;
		pic->cpu_h = 8;
	}
	pic->core_pad = host->cores_known ? 2 : 1;
	pic->core_w = pic->cpus_across * (pic->cpu_w + 1) - 1 + 2 * pic->core_pad;
	pic->core_h = rows * (pic->cpu_h + 1) - 1 + 2 * pic->core_pad;
}

static bool isolated(const struct vn_pic *pic, const struct vn_host_cpu *cpu)
{
	return pic->host->isolated_cpus && hwloc_bitmap_isset(pic->host->isolated_cpus, cpu->id);
}

static void draw_cpu(const struct vn_pic *pic, const struct vn_host_cpu *cpu, struct vn_svg_area area)
{
	const char *class = !cpu->online ? "off" : isolated(pic, cpu) ? "iso" : "cpu";
	struct vn_svg_font font = {cpu->online ? "num" : "dim", NUMBER_SIZE, false, VN_SVG_MIDDLE};

	vn_svg_rect(pic->out, area, class, NULL);
	if (pic->numbers)
		vn_svg_textf(pic->out, area.x + area.w / 2, area.y + area.h - 5, area.w, font, "%u", cpu->id);
	if (isolated(pic, cpu)) { /* not by colour alone */
		struct vn_svg_area bar = {area.x, area.y + area.h - 2, area.w, 2};
		vn_svg_rect(pic->out, bar, "isobar", NULL);
	}
}

static char *core_title(
	const struct vn_pic *pic, const struct vn_pic_node *node, const struct vn_pic_core *core)
{
	const struct vn_host_cpu *first = node->cpus[core->first];
	vn_autoset cpus = hwloc_bitmap_alloc();

	for (size_t i = 0; cpus && i < core->n; i++)
		hwloc_bitmap_set(cpus, node->cpus[core->first + i]->id);
	vn_autofree char *list = cpus ? vn_set_text(cpus) : NULL;
	vn_autofree char *package = first->package >= 0 ? vn_format(", package %d", first->package) : NULL;
	vn_autofree char *die = first->die >= 0 ? vn_format(", die %d", first->die) : NULL;
	vn_autofree char *l3 = first->l3 >= 0 ? vn_format(", L3 of CPU %d", first->l3) : NULL;
	return vn_format("CPU%s %s%s%s%s%s%s", core->n == 1 ? "" : "s", list ? list : "?",
		first->online ? "" : ", offline", isolated(pic, first) ? ", isolated" : "",
		package ? package : "", die ? die : "", l3 ? l3 : "");
}

static void draw_core(const struct vn_pic *pic, const struct vn_pic_node *node,
	const struct vn_pic_core *core, int x, int y)
{
	struct vn_svg_area area = {x, y, pic->core_w, pic->core_h};

	if (!pic->out)
		return;
	vn_autofree char *title = core_title(pic, node, core);
	vn_svg_rect(pic->out, area, "core", title);
	for (size_t i = 0; i < core->n; i++) {
		struct vn_svg_area cpu = {x + pic->core_pad + (int)i % pic->cpus_across * (pic->cpu_w + 1),
			y + pic->core_pad + (int)i / pic->cpus_across * (pic->cpu_h + 1), pic->cpu_w,
			pic->cpu_h};
		/* a core with fewer CPUs than others: the last one fills its row */
		if (i + 1 == core->n)
			cpu.w = x + pic->core_w - pic->core_pad - cpu.x;
		draw_cpu(pic, node->cpus[core->first + i], cpu);
	}
}

/* A group's cores, at most `across` beside each other; returns the area it takes. */
static struct vn_svg_area draw_group(const struct vn_pic *pic, const struct vn_pic_node *node,
	const struct vn_pic_group *group, int across, int x, int y, bool draw)
{
	int gap = pic->numbers ? 3 : 2, pad = node->n_groups > 1 ? 4 : 0, n = (int)group->n;
	int columns = n < across ? n : across;
	columns = columns < 1 ? 1 : columns;
	int rows = (n + columns - 1) / columns;
	struct vn_svg_area area = {x, y, columns * (pic->core_w + gap) - gap + 2 * pad,
		rows * (pic->core_h + gap) - gap + 2 * pad};

	if (!draw)
		return area;
	if (pad && node->cpus[node->cores[group->first].first]->online)
		vn_svg_rect(pic->out, area, "l3", NULL);
	for (int i = 0; i < n; i++)
		draw_core(pic, node, &node->cores[group->first + (size_t)i],
			x + pad + i % columns * (pic->core_w + gap),
			y + pad + i / columns * (pic->core_h + gap));
	return area;
}

/* Groups one behind the other like words in lines. */
static int flow(const struct vn_pic *pic, const struct vn_pic_node *node, int across, int x, int y, int width,
	bool draw)
{
	int gap = pic->numbers ? 5 : 4, at_x = 0, at_y = 0, line = 0;

	for (size_t i = 0; i < node->n_groups; i++) {
		struct vn_svg_area area = draw_group(pic, node, &node->groups[i], across, 0, 0, false);
		if (at_x > 0 && at_x + area.w > width) {
			at_y += line + gap;
			at_x = line = 0;
		}
		if (draw)
			draw_group(pic, node, &node->groups[i], across, x + at_x, y + at_y, true);
		at_x += area.w + gap;
		line = area.h > line ? area.h : line;
	}
	return at_y + line;
}

/* How many cores beside each other in a group make the node the least high. */
int vn_pic_draw_cores(const struct vn_pic *pic, const struct vn_pic_node *node, int x, int y, int width)
{
	int gap = pic->numbers ? 3 : 2, pad = node->n_groups > 1 ? 8 : 0;
	int most = (width - pad + gap) / (pic->core_w + gap), best = 1, height = INT32_MAX;

	if (node->n_cores == 0)
		return 0;
	best = most < 1 ? 1 : most;
	if (node->n_groups > 1) {
		for (int across = best; across >= 1; across--) {
			int h = flow(pic, node, across, x, y, width, false);
			if (h < height) {
				height = h;
				best = across;
			}
		}
	}
	return flow(pic, node, best, x, y, width, pic->out != NULL);
}
