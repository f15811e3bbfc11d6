/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "top_view.h"

#include <stdlib.h>
#include <string.h>

void vn_top_clear(struct vn_top *top)
{
	free(top->rows);
	*top = (struct vn_top){0};
}

static const struct vn_top_row *find_row(const struct vn_top *top, const struct vn_process *process)
{
	for (size_t i = 0; i < top->n_rows; i++) {
		if (top->rows[i].pid == process->pid && top->rows[i].start_time == process->start_time)
			return &top->rows[i];
	}
	return NULL;
}

int vn_top_update(struct vn_top *top, const struct vn_audit *audit)
{
	struct vn_top_row *rows = calloc(audit->n_vms + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < audit->n_vms; i++) {
		const struct vn_vm_audit *vm = &audit->vms[i];
		const struct vn_process *process = &vm->vm->process;
		const struct vn_top_row *before = find_row(top, process);
		vn_autoset homes = vn_vm_homes(vm);
		rows[i] = (struct vn_top_row){.vm = vm,
			.pid = process->pid,
			.start_time = process->start_time,
			.place = i,
			.home = homes ? hwloc_bitmap_first(homes) : -1,
			.migrations = vm->migrations + (before ? before->migrations : 0)};
	}
	free(top->rows);
	top->rows = rows;
	top->n_rows = audit->n_vms;
	top->audit = audit;
	vn_top_sort_rows(top);
	return 0;
}

size_t vn_top_chosen(const struct vn_top *top)
{
	for (size_t i = 0; i < top->n_rows; i++) {
		if (top->rows[i].pid == top->chosen && top->rows[i].start_time == top->chosen_start)
			return i;
	}
	return 0;
}

static void choose(struct vn_top *top, size_t row)
{
	if (top->n_rows == 0)
		return;
	row = row < top->n_rows ? row : top->n_rows - 1;
	top->chosen = top->rows[row].pid;
	top->chosen_start = top->rows[row].start_time;
}

/* What a key does to a place in something of `n` places, of which `shown` are seen at once. */
static size_t moved(size_t place, size_t n, size_t shown, int key)
{
	switch (key) {
	case VN_KEY_UP:
		return place ? place - 1 : 0;
	case VN_KEY_DOWN:
		return place + 1 < n ? place + 1 : place;
	case VN_KEY_PAGE_UP:
		return place > shown ? place - shown : 0;
	case VN_KEY_PAGE_DOWN:
		return place + shown < n ? place + shown : n ? n - 1 : 0;
	case VN_KEY_HOME:
		return 0;
	case VN_KEY_END:
		return n ? n - 1 : 0;
	default:
		return place;
	}
}

static void sort_by(struct vn_top *top, int key)
{
	static const struct {
		int key;
		enum vn_top_sort sort;
	} keys[] = {{'f', VN_TOP_BY_WORST}, {'v', VN_TOP_BY_NAME}, {'h', VN_TOP_BY_HOME},
		{'l', VN_TOP_BY_LOCAL}, {'r', VN_TOP_BY_REMOTE}, {'m', VN_TOP_BY_MEMORY},
		{'n', VN_TOP_BY_MIGRATIONS}, {'c', VN_TOP_BY_CPU}, {'w', VN_TOP_BY_WAIT}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].key != key)
			continue;
		/* the same key again turns the order round */
		top->reverse = top->sort == keys[i].sort && !top->reverse;
		top->sort = keys[i].sort;
		vn_top_sort_rows(top);
	}
}

static bool key_of_page(struct vn_top *top, int key, int shown)
{
	if (key == 'q' || key == VN_KEY_ESCAPE || key == VN_KEY_LEFT || key == VN_KEY_ENTER)
		top->page = false;
	else
		top->page_first = moved(top->page_first, SIZE_MAX / 2, (size_t)shown, key);
	return true;
}

bool vn_top_key(struct vn_top *top, const struct vn_screen *screen, int key)
{
	int rows, columns;

	vn_screen_size(screen, &rows, &columns);
	int shown = rows > 8 ? rows - 8 : 1;
	if (top->help) {
		top->help = false;
		return true;
	}
	if (key == '?') {
		top->help = true;
		return true;
	}
	if (top->page)
		return key_of_page(top, key, shown);
	if (key == 'q')
		return false;
	if (key == VN_KEY_ENTER || key == VN_KEY_RIGHT) {
		top->page = top->n_rows > 0;
		top->page_first = 0;
		choose(top, vn_top_chosen(top));
		return true;
	}
	sort_by(top, key);
	size_t now = vn_top_chosen(top), then = moved(now, top->n_rows, (size_t)shown, key);
	if (then != now)
		choose(top, then);
	return true;
}

static void draw_help(struct vn_screen *screen)
{
	static const char *const lines[] = {"vnuma top: what the columns mean", "",
		"  NHN     home node: where most of its memory, or its plan, is",
		"  N%L     locality: share of vCPUs' time and memory that meet on a node",
		"  NRMEM   memory that is remote from the vCPUs that use it, MiB",
		"  MEM     guest memory that is there, MiB",
		"  NMIG    moves of vCPUs from node to node, since top began",
		"  CPU     CPUs' worth of time that its vCPUs ran",
		"  WAIT    the same that they waited for a CPU",
		"  FINDING the worst, by what it costs; Enter tells all", "",
		"sort: f finding, v VM, h NHN, l N%L, r NRMEM, m MEM, n NMIG, c CPU, w WAIT;",
		"      the same key again turns the order round",
		"move: arrows, Page Up, Page Down, Home, End; Enter: about a VM; q: back", "",
		"any key: back"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		vn_screen_put(screen, (int)i, 0, -1, i ? VN_SCREEN_PLAIN : VN_SCREEN_BOLD, lines[i]);
}

void vn_top_draw(struct vn_top *top, struct vn_screen *screen)
{
	vn_screen_clear(screen);
	if (top->help)
		draw_help(screen);
	else if (!top->audit)
		vn_screen_put(screen, 0, 0, -1, VN_SCREEN_DIM, "vnuma top: the first look takes a moment");
	else if (top->page && top->n_rows)
		vn_top_draw_page(top, screen);
	else
		vn_top_draw_list(top, screen);
	vn_screen_show(screen);
}
