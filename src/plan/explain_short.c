/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is of each page size, and what is short of the guest's. */
#include "explain_part.h"
#include "warn.h"

static int free_of(const struct vn_explained *e, uint64_t page, uint64_t *ret_free)
{
	vn_autoinstance in = {0};
	struct vn_guest other = *e->guest;
	const struct vn_guest *guest = &other;

	other.hugepages = page;
	int r = vn_instance_make(e->host, &guest, 1, e->options, &in);
	*ret_free = 0;
	for (size_t i = 0; r >= 0 && i < in.n_places; i++)
		*ret_free += vn_whole_room(&in, 0, i);
	return r;
}

/* The smallest page size above `from` that a node has pages of, or the guest wants; 0: there is none. */
static uint64_t next_page(const struct vn_explained *e, uint64_t from)
{
	uint64_t next = vn_next_page(e->host, from), mine = e->guest->hugepages;

	return mine > from && (next == 0 || mine < next) ? mine : next;
}

int vn_explain_short(const struct vn_explained *e)
{
	uint64_t page = 0, need = 0;

	for (size_t v = 0; v < e->in.n_parts; v++)
		need += vn_part_memory(&e->in.parts[v]);
	fprintf(e->out, "\n  %-22s  %10s  %10s  %10s\n", "page size", "free", "wanted", "short by");
	do {
		char name[VN_PAGES_TEXT], have[VN_SIZE_TEXT], wanted[VN_SIZE_TEXT], lack[VN_SIZE_TEXT];
		uint64_t free_bytes;
		bool mine = page == e->guest->hugepages;
		int r = free_of(e, page, &free_bytes);
		if (r < 0)
			return r;
		vn_size_texts_apart(free_bytes, need, have, wanted);
		fprintf(e->out, "  %-22s  %10s  %10s  %10s\n", vn_explain_pages(page, name),
			mine ? have : vn_size_text(free_bytes, have), mine ? wanted : "-",
			mine ? vn_size_text(vn_excess(need, free_bytes), lack) : "-");
		page = next_page(e, page);
	} while (page != 0);
	return 0;
}
