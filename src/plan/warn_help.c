/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * What would make room for guests that the host has not enough memory free for. Each thing is named only where it can work: memory is
 * not asked back from a host that has less in all, pages are reserved only where there is memory to make them of and of a size that
 * the host knows, and another kind of pages is offered only when as much of it is free. Whether the memory in use is other guests' or
 * the kernel's own cannot be told from here.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "warn.h"

static bool is_allowed(const struct vn_host *host, size_t i)
{
	return !host->allowed_nodes || hwloc_bitmap_isset(host->allowed_nodes, host->nodes[i].id);
}

/* Bytes of a node, free or not. The sum over all nodes does not overflow. */
static uint64_t all_of(const struct vn_host *host, size_t i)
{
	return is_allowed(host, i) ? vn_min(host->nodes[i].memory_total, VN_MAX_ROOM) : 0;
}

uint64_t vn_reservable(const struct vn_host *host, const struct vn_plan_options *options, size_t i)
{
	const struct vn_host_node *node = &host->nodes[i];
	const struct vn_occupied *occupied = options ? options->occupied : NULL;
	uint64_t idle = node->memory_free + node->memory_reclaimable;

	if (!is_allowed(host, i))
		return 0;
	if (!node->has_memory_free) { /* all of it is taken to be free, but for the pages that are reserved */
		idle = node->memory_total;
		for (size_t k = 0; k < node->n_hugepools; k++)
			idle = vn_excess(idle, node->hugepools[k].total * node->hugepools[k].size);
	}
	return vn_excess(idle, occupied ? vn_occupied_promised(&occupied->nodes[i], 0) : 0);
}

uint64_t vn_next_page(const struct vn_host *host, uint64_t from)
{
	uint64_t next = 0;

	for (size_t i = 0; i < host->n_nodes; i++) {
		for (size_t k = 0; k < host->nodes[i].n_hugepools; k++) {
			uint64_t size = host->nodes[i].hugepools[k].size;
			if (size > from && (next == 0 || size < next))
				next = size;
		}
	}
	return next;
}

bool vn_page_known(const struct vn_host *host, uint64_t page)
{
	uint64_t first = vn_next_page(host, 0);

	return first == 0 || (page > 0 && vn_next_page(host, page - 1) == page);
}

/* What is short of what. */
struct shortage {
	const struct vn_instance *in;
	const struct vn_host *host;
	const struct vn_plan_options *options;
	const struct vn_guest *guest; /* any of them */
	size_t pool;
	uint64_t page, need, have;
};

/* "a", then "a, or b". */
static int add_help(char **text, char *more)
{
	vn_autofree char *words = more, *before = *text;

	*text = words && before ? vn_format("%s%s%s", before, *before ? ", or " : "", words) : NULL;
	return *text ? 0 : -ENOMEM;
}

/* Whether as much memory of another page size is free, and the vnodes can be made of such pages. 1, 0 or -ENOMEM. */
static int fits_pages(const struct shortage *s, uint64_t page)
{
	vn_autoinstance in = {0};
	struct vn_guest other = *s->guest;
	const struct vn_guest *guest = &other;
	uint64_t need = 0, have = 0;

	other.hugepages = page;
	int r = vn_instance_make(s->host, &guest, 1, s->options, &in);
	if (r < 0)
		return r;
	for (size_t v = 0; v < s->in->n_parts; v++) {
		const struct vn_part *part = &s->in->parts[v];
		bool mine = part->pool == s->pool;
		if (mine && page > 0 && vn_part_memory(part) % page != 0)
			return 0;
		need += mine || s->in->pages[part->pool] == page ? vn_part_memory(part) : 0;
	}
	for (size_t i = 0; i < in.n_places; i++)
		have += vn_whole_room(&in, 0, i);
	return need <= have;
}

/* Ordinary memory, and every other page size that the host knows. */
static int help_other_pages(const struct shortage *s, char **text)
{
	char size[VN_SIZE_TEXT];
	uint64_t page = 0;
	int r = 0;

	do {
		int fits = page == s->page ? 0 : fits_pages(s, page);
		if (fits < 0)
			return fits;
		if (fits > 0)
			r = add_help(text,
				page == 0 ? vn_copy("use ordinary memory (no `hugepages`)")
					  : vn_format("use huge pages of %s", vn_size_text(page, size)));
		page = vn_next_page(s->host, page);
	} while (page != 0 && r >= 0);
	return r;
}

/* "2 MiB and 1 GiB". */
static char *list_pages(const struct vn_host *host)
{
	char *text = vn_copy("");

	for (uint64_t page = vn_next_page(host, 0); page != 0 && text; page = vn_next_page(host, page)) {
		char size[VN_SIZE_TEXT];
		vn_autofree char *before = text;
		text = vn_format("%s%s%s", before, *before ? " and " : "", vn_size_text(page, size));
	}
	return text;
}

/* *ret_more: how many pages more could be reserved. */
static int help_pages(const struct shortage *s, char **text, uint64_t *ret_more)
{
	uint64_t lack = s->need - s->have, pages = (lack + s->page - 1) / s->page, more = 0, busy = 0;

	for (size_t i = 0; i < s->host->n_nodes; i++) {
		const struct vn_host_node *node = &s->host->nodes[i];
		uint64_t all = 0;
		for (size_t k = 0; k < node->n_hugepools && is_allowed(s->host, i); k++)
			all += node->hugepools[k].size == s->page ? node->hugepools[k].total : 0;
		busy += vn_excess(all, vn_whole_room(s->in, s->pool, i) / s->page);
		more += vn_reservable(s->host, s->options, i) / s->page;
	}
	int r = 0;
	*ret_more = more;
	if (more >= pages)
		r = add_help(text,
			vn_format("reserve %llu more page%s "
				  "(/sys/devices/system/node/node*/hugepages/hugepages-%llukB/nr_hugepages)",
				(unsigned long long)pages, pages == 1 ? "" : "s",
				(unsigned long long)(s->page / 1024)));
	if (r >= 0 && busy >= pages)
		r = add_help(text, vn_format("free %llu of these pages (in use or promised: %llu)",
					   (unsigned long long)pages, (unsigned long long)busy));
	return r;
}

/* Memory that others use, if that is enough. */
static int help_ordinary(const struct shortage *s, char **text)
{
	uint64_t lack = s->need - s->have, busy = 0, reserved = 0;
	char size[VN_SIZE_TEXT];

	for (size_t i = 0; i < s->host->n_nodes; i++) {
		const struct vn_host_node *node = &s->host->nodes[i];
		uint64_t all = vn_excess(all_of(s->host, i), vn_whole_room(s->in, s->pool, i)), pages = 0;
		for (size_t k = 0; k < node->n_hugepools; k++)
			pages += vn_min(node->hugepools[k].total * node->hugepools[k].size, all - pages);
		busy += all - pages;
		reserved += pages;
	}
	if (busy + reserved < lack)
		return 0;
	return add_help(text, vn_format("free %s on the host (%s)", vn_size_text_exact(lack, size),
				      busy >= lack ? "stop or move other guests"
						   : "its huge pages hold memory that is missing"));
}

/* How much more is wanted than the host has in all, or that it has none of such pages. Empty: neither is so. */
static char *too_small(const struct shortage *s)
{
	char all_text[VN_SIZE_TEXT], size[VN_SIZE_TEXT];
	uint64_t all = 0;

	for (size_t i = 0; i < s->host->n_nodes; i++)
		all += all_of(s->host, i);
	if (s->need > all) {
		uint64_t lack = s->need - all + VN_MIB - 1;
		return vn_format("The host is too small: with nothing else on it, it has %s, %s too little. ",
			vn_size_text(all, all_text), vn_size_text_exact(lack - lack % VN_MIB, size));
	}
	if (s->page == 0 || vn_page_known(s->host, s->page))
		return vn_copy("");
	vn_autofree char *known = list_pages(s->host);
	return known ? vn_format("The host knows no pages of that size, only of %s. ", known) : NULL;
}

/* What the vnodes that want pages of the kind need at least: one each, or a MiB. */
static uint64_t least_of(const struct shortage *s)
{
	uint64_t unit = s->page > VN_MIB ? s->page : VN_MIB, least = 0;

	for (size_t v = 0; v < s->in->n_parts; v++)
		least += s->in->parts[v].pool == s->pool && vn_part_memory(&s->in->parts[v]) > 0 ? unit : 0;
	return least;
}

char *vn_memory_help(const struct vn_instance *in, const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, size_t pool, uint64_t need, uint64_t have)
{
	const struct shortage s = {in, host, options, guest, pool, in->pages[pool], need, have};
	vn_autofree char *small = too_small(&s);
	char *text = vn_copy(""), size[VN_SIZE_TEXT];
	uint64_t more = 0;
	int r = small && text ? 0 : -ENOMEM;

	if (r >= 0 && s.page == 0)
		r = help_ordinary(&s, &text);
	if (r >= 0 && s.page > 0 && vn_page_known(host, s.page))
		r = help_pages(&s, &text, &more);
	if (r >= 0)
		r = help_other_pages(&s, &text);
	if (r >= 0 && have >= least_of(&s))
		r = add_help(&text, vn_format("ask for %s less", vn_size_text_exact(need - have, size)));
	vn_autofree char *helps = text;
	if (r < 0)
		return NULL;
	if (*helps)
		return vn_format("%sWhat would help: %s", small, helps);
	return *small ? vn_copy(small)
		      : vn_format(
				"No one thing would help: the nodes have memory free for %llu more of these pages only",
				(unsigned long long)more);
}
