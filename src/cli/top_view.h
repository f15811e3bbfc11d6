/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What `vnuma top` shows: the list of VMs, and a page about one. Nothing here waits, or looks at a host. */

#include "../model/audit_known.h"
#include "screen.h"

enum vn_top_sort {
	VN_TOP_BY_WORST, /* the audit's order */
	VN_TOP_BY_NAME,
	VN_TOP_BY_HOME,
	VN_TOP_BY_LOCAL,
	VN_TOP_BY_REMOTE,
	VN_TOP_BY_MEMORY,
	VN_TOP_BY_MIGRATIONS,
	VN_TOP_BY_CPU,
	VN_TOP_BY_WAIT,
};

struct vn_top_row {
	const struct vn_vm_audit *vm; /* of the round */
	pid_t pid;
	uint64_t start_time; /* with the pid, who it is */
	size_t place; /* in the audit's order */
	int home; /* lowest home node; -1: none is known */
	uint64_t migrations; /* of its vCPUs since the first round */
};

struct vn_top {
	const struct vn_audit *audit; /* NULL: none yet */
	unsigned every_ms;
	enum vn_top_sort sort;
	bool reverse, page, help;
	size_t n_rows;
	struct vn_top_row *rows; /* sorted; owned */
	pid_t chosen; /* 0: the first */
	uint64_t chosen_start;
	size_t first; /* row on top of the list */
	size_t page_first; /* line on top of the page */
};

void vn_top_clear(struct vn_top *top);

/* Another round: migrations are added up, the rest is forgotten. 0 or -ENOMEM. */
int vn_top_update(struct vn_top *top, const struct vn_audit *audit);

/* A key. False: leave. */
bool vn_top_key(struct vn_top *top, const struct vn_screen *screen, int key);

void vn_top_draw(struct vn_top *top, struct vn_screen *screen);

/* Parts: where the chosen row is, the list, the page (top_list.c, top_page.c). */
size_t vn_top_chosen(const struct vn_top *top);
void vn_top_sort_rows(struct vn_top *top);
void vn_top_draw_list(struct vn_top *top, struct vn_screen *screen);
void vn_top_draw_page(struct vn_top *top, struct vn_screen *screen);
