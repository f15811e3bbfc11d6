/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "migrate_model.h"

#include <assert.h>

uint64_t model_random(struct model *model, uint64_t below)
{
	model->seed = model->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (model->seed >> 33) % below;
}

void model_begin(struct model *model, size_t n, uint64_t page, uint64_t seed)
{
	*model = (struct model){.n = n,
		.page = page,
		.seed = seed * 2654435761u + 1,
		.move_all = true,
		.pressure = -1,
		.now = 1000000,
		.call_ns = 12000,
		.ask_ns = 18,
		.ns_per_byte = 0.3,
		.huge_ns_per_byte = 0.09,
		.stuck_ns = 3700};
	model->v = calloc(n, sizeof(*model->v));
	assert(model->v);
	for (size_t i = 0; i < n; i++)
		model->v[i] = (struct model_page){.head = (unsigned)i, .pages = 1};
	for (size_t i = 0; i < MODEL_NODES; i++)
		model->room[i] = UINT64_C(1) << 40;
}

void model_end(struct model *model)
{
	free(model->v);
	free(model->call_log);
	free(model->order);
}

void model_fold(struct model *model, size_t first, unsigned pages)
{
	for (size_t i = first; i < first + pages; i++) {
		model->v[i].head = (unsigned)first;
		model->v[i].pages = pages;
		model->v[i].node = model->v[first].node;
		model->v[i].shared = model->v[first].shared;
		model->v[i].pinned = model->v[first].pinned;
	}
}

static void note_order(struct model *model, size_t page)
{
	if (model->n_order == model->order_room) {
		model->order_room = 2 * model->order_room + 1024;
		model->order = reallocarray(model->order, model->order_room, sizeof(*model->order));
		assert(model->order);
	}
	model->order[model->n_order++] = page;
}

static void note_call(struct model *model, uint64_t ns)
{
	if (model->n_log == model->log_room) {
		model->log_room = 2 * model->log_room + 64;
		model->call_log = reallocarray(model->call_log, model->log_room, sizeof(*model->call_log));
		assert(model->call_log);
	}
	model->call_log[model->n_log++] = ns;
	if (ns > model->longest)
		model->longest = ns;
}

static struct model_page *page_at(struct model *model, const void *address)
{
	uint64_t at = (uintptr_t)address - MODEL_ADDRESS;

	assert((uintptr_t)address >= MODEL_ADDRESS && at / model->page < model->n && at % model->page == 0);
	return &model->v[at / model->page];
}

static void spend(struct model *model, double ns)
{
	if (model->noise)
		ns *= 1 + (double)model_random(model, model->noise + 1) / 100;
	model->now += (uint64_t)ns;
}

/* One folio. 1: it did not move; -ENOMEM. */
static int migrate_folio(struct model *model, struct model_page *head, int target)
{
	uint64_t bytes = head->pages * model->page;
	bool huge = bytes >= (UINT64_C(2) << 20);

	if (head->pinned || head->busy_until > model->now) {
		model->futile++;
		spend(model, model->stuck_ns); /* several attempts, but nothing is copied */
		return 1;
	}
	if (model->room[target] - model->hidden[target] < bytes && head->pages > 1) {
		for (size_t i = head->head, end = i + head->pages, one = 1; i < end; i++) /* split */
			model_fold(model, i, (unsigned)one);
		int r = 0;
		for (size_t i = (size_t)(head - model->v), end = i + bytes / model->page; i < end && r == 0;
			i++)
			r = migrate_folio(model, &model->v[i], target);
		return r;
	}
	if (model->room[target] - model->hidden[target] < bytes)
		return -ENOMEM;
	model->room[target] -= bytes;
	model->room[head->node] += bytes;
	spend(model, (double)bytes * (huge ? model->huge_ns_per_byte : model->ns_per_byte));
	model->bytes += bytes;
	for (size_t i = head->head, end = i + head->pages; i < end; i++) {
		model->v[i].node = target;
		note_order(model, i);
	}
	return 0;
}

struct list {
	size_t n;
	struct model_page **v;
};

/* What move_pages_and_store_status() does. */
static int flush(
	struct model *model, struct list *list, int target, int *status, size_t start, size_t i, size_t n)
{
	int failed = 0, r = 0;

	if (list->n == 0)
		return 0;
	for (size_t k = 0; k < list->n; k++) {
		if (r == 0)
			r = migrate_folio(model, list->v[k], target);
		if (r > 0) {
			failed++;
			r = 0;
		}
	}
	for (size_t k = 0; k < list->n; k++)
		list->v[k]->isolated = false;
	list->n = 0;
	if (r < 0)
		return r;
	if (failed)
		return failed + (int)(n - i);
	for (size_t k = start; k < i; k++)
		status[k] = target;
	return 0;
}

/* 1: gathered; 0: on the target; or why not. */
static int gather(struct model *model, struct model_page *page, int target, struct list *list)
{
	if (page->node < 0)
		return page->node;
	if (page->node == target)
		return 0;
	if (page->shared && !model->move_all)
		return -EACCES;
	struct model_page *head = &model->v[page->head];
	if (head->isolated)
		return -EBUSY;
	head->isolated = true;
	list->v[list->n++] = head;
	return 1;
}

static int do_move(struct model *model, size_t n, void **pages, const int *nodes, int *status)
{
	struct list list = {0, calloc(n, sizeof(*list.v))};
	int current = -1, r = 0;
	size_t start = 0, i;

	assert(list.v);
	for (i = 0; i < n; i++) {
		assert(nodes[i] == nodes[0]); /* we group by target */
		if (nodes[i] < 0 || nodes[i] >= MODEL_NODES)
			r = -ENODEV;
		else if (model->forbidden >> nodes[i] & 1)
			r = -EACCES;
		if (r < 0)
			break;
		if (current < 0) {
			current = nodes[i];
			start = i;
		}
		int told = gather(model, page_at(model, pages[i]), current, &list);
		if (told > 0)
			continue;
		status[i] = told < 0 ? told : current;
		r = flush(model, &list, current, status, start, i, n);
		if (r) {
			r -= r > 0;
			goto out;
		}
		current = -1;
	}
	int last = flush(model, &list, current, status, start, i, n);
	if (r >= 0)
		r = last;
out:
	for (size_t k = 0; k < list.n; k++)
		list.v[k]->isolated = false;
	free(list.v);
	return r;
}

static int move_pages(void *context, pid_t pid, size_t n, void **pages, const int *nodes, int *status)
{
	struct model *model = context;
	uint64_t begin = model->now;

	assert(pid == MODEL_PID && n > 0);
	if (model->dies_at_call && model->calls + 1 >= model->dies_at_call)
		model->dead = true;
	if (model->dead)
		return -ESRCH;
	if (model->not_permitted)
		return -EPERM;
	if (!nodes) {
		model->asks += n;
		model->now += n * model->ask_ns;
		for (size_t i = 0; i < n; i++)
			status[i] = page_at(model, pages[i])->node;
		return 0;
	}
	model->calls++;
	model->sent = n;
	model->now += model->call_ns + n * 50;
	int r = do_move(model, n, pages, nodes, status);
	note_call(model, model->now - begin);
	if (model->room[model->watched] < model->reserve)
		model->reserve_broken = true;
	return r;
}

static int node_memory(void *context, unsigned node, uint64_t page, uint64_t *ret_free, uint64_t *ret_total)
{
	struct model *model = context;

	(void)page;
	*ret_free = model->room[node];
	*ret_total = UINT64_C(1) << 40;
	return 0;
}

static int pressure(void *context, double *ret_percent)
{
	struct model *model = context;

	model->looks++;
	if (model->pressure < 0)
		return -ENOENT;
	*ret_percent = model->now < model->pressed_until ? model->pressure : 0;
	return 0;
}

static uint64_t now_ns(void *context)
{
	return ((struct model *)context)->now;
}

static int sleep_ns(void *context, uint64_t ns)
{
	struct model *model = context;

	assert(ns <= 250000000);
	model->now += ns;
	return 0;
}

struct vn_migrate_calls model_calls(struct model *model)
{
	return (struct vn_migrate_calls){move_pages, node_memory, pressure, now_ns, sleep_ns, model};
}
