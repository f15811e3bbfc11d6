/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "idleness.h"

#include <fcntl.h>

#include "../base/error.h"
#include "../base/text.h"

#define PAGES 4u /* drawn of a stretch */
#define ROUNDS 4u
#define AT_ONCE 1024u /* pages, between two questions whether to stop */
#define MOST_ORDER 10u /* 2 MiB is order 9 */

/* Documentation/admin-guide/mm/pagemap.rst */
#define PRESENT (UINT64_C(1) << 63)
#define FRAME ((UINT64_C(1) << 55) - 1)
#define FLAG_LRU (UINT64_C(1) << 5)
#define FLAG_HEAD (UINT64_C(1) << 15)
#define FLAG_TAIL (UINT64_C(1) << 16)

struct probe {
	size_t span;
	uint64_t frame;
	unsigned used; /* rounds */
};

struct look {
	const struct vn_heat_watch *watch;
	uint64_t page; /* bytes */
	uint64_t random;
	int bitmap, pagemap, flags;
	size_t n;
	struct probe *probes;
};

static inline void end_look(struct look *look)
{
	vn_closep(&look->bitmap);
	vn_closep(&look->pagemap);
	vn_closep(&look->flags);
	free(look->probes);
}

/* xorshift64 (G. Marsaglia, Xorshift RNGs, 2003). */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int read_word(int fd, uint64_t index, uint64_t *ret_word)
{
	ssize_t n = pread(fd, ret_word, sizeof(*ret_word), (off_t)(index * sizeof(*ret_word)));

	return n < 0 ? vn_errno() : n == sizeof(*ret_word) ? 0 : -ENXIO;
}

/* ---- frames ---- */

/* The frame that has the mark of `frame`; -ENXIO: none has. */
static int marked_frame(const struct look *look, uint64_t frame, uint64_t *ret_frame)
{
	uint64_t flags, head = frame;
	int r = read_word(look->flags, frame, &flags);

	for (unsigned order = 1; r == 0 && flags & FLAG_TAIL && order <= MOST_ORDER; order++) {
		head = frame & ~((UINT64_C(1) << order) - 1); /* a huge page is aligned to its size */
		r = read_word(look->flags, head, &flags);
	}
	if (r < 0)
		return r;
	if (!(flags & FLAG_LRU) || (head != frame && !(flags & FLAG_HEAD)))
		return -ENXIO;
	*ret_frame = head;
	return 0;
}

static int draw(struct look *look, size_t span)
{
	const struct vn_heat *heat = &look->watch->spans->v[span];
	uint64_t at = heat->address / look->page + next_random(&look->random) % (heat->size / look->page);
	uint64_t entry, frame;
	int r = read_word(look->pagemap, at, &entry);

	if (r < 0 || !(entry & PRESENT))
		return r == -ENXIO ? 0 : r;
	if ((entry & FRAME) == 0)
		return -EPERM; /* it is hidden from those without CAP_SYS_ADMIN */
	r = marked_frame(look, entry & FRAME, &frame);
	if (r < 0)
		return r == -ENXIO ? 0 : r;
	look->probes[look->n++] = (struct probe){.span = span, .frame = frame};
	return 0;
}

static int draw_all(struct look *look)
{
	const struct vn_heats *spans = look->watch->spans;
	int r = 0;

	look->probes = calloc(spans->n * PAGES + 1, sizeof(*look->probes));
	if (!look->probes)
		return -ENOMEM;
	for (size_t i = 0; i < spans->n && r == 0; i++) {
		for (unsigned k = 0; k < PAGES && r == 0 && spans->v[i].size >= look->page; k++)
			r = draw(look, i);
		if (r == 0 && i % (AT_ONCE / PAGES) == 0)
			r = look->watch->wait_ms(look->watch->context, 0);
	}
	return r;
}

/* ---- marks ---- */

static int mark(const struct look *look, struct probe *probe)
{
	uint64_t bit = UINT64_C(1) << probe->frame % 64; /* zeros change nothing */
	ssize_t n = pwrite(look->bitmap, &bit, sizeof(bit), (off_t)(probe->frame / 64 * sizeof(bit)));

	return n < 0 ? vn_errno() : 0;
}

static int read_mark(const struct look *look, struct probe *probe)
{
	uint64_t word;
	int r = read_word(look->bitmap, probe->frame / 64, &word);

	if (r == 0 && !(word >> probe->frame % 64 & 1))
		probe->used++;
	return r;
}

static int each(const struct look *look, int (*act)(const struct look *look, struct probe *probe))
{
	int r = 0;

	for (size_t i = 0; i < look->n && r == 0; i++) {
		r = act(look, &look->probes[i]);
		if (r == 0 && i % AT_ONCE == 0)
			r = look->watch->wait_ms(look->watch->context, 0);
	}
	return r;
}

static int tell(const struct look *look, struct vn_heats *ret_heats)
{
	const struct vn_heats *spans = look->watch->spans;
	vn_autoheats heats = {0};
	size_t at = 0;
	int r = 0;

	for (size_t i = 0; i < spans->n && r == 0; i++) {
		unsigned n = 0, used = 0;
		for (; at < look->n && look->probes[at].span == i; at++, n++)
			used += look->probes[at].used;
		r = vn_heats_add(
			&heats, spans->v[i].address, spans->v[i].size, n ? used * 100 / (n * ROUNDS) : 0);
	}
	if (r < 0)
		return r;
	*ret_heats = heats;
	heats = (struct vn_heats){0};
	return 0;
}

static int open_all(struct look *look, const char *bitmap, const char *proc)
{
	vn_autofree char *pagemap = vn_format("%s/%d/pagemap", proc, (int)look->watch->pid);
	vn_autofree char *flags = vn_format("%s/kpageflags", proc);

	if (!pagemap || !flags)
		return -ENOMEM;
	look->bitmap = open(bitmap, O_RDWR | O_CLOEXEC);
	look->pagemap = look->bitmap < 0 ? -1 : open(pagemap, O_RDONLY | O_CLOEXEC);
	look->flags = look->pagemap < 0 ? -1 : open(flags, O_RDONLY | O_CLOEXEC);
	return look->flags < 0 ? vn_errno() : 0;
}

int vn_idleness_look(
	const char *bitmap, const char *proc, const struct vn_heat_watch *watch, struct vn_heats *ret_heats)
{
	vn_cleanup(end_look) struct look look = {.watch = watch,
		.page = (uint64_t)sysconf(_SC_PAGESIZE),
		.random = UINT64_C(0x766e756d61),
		.bitmap = -1,
		.pagemap = -1,
		.flags = -1};
	int r = open_all(&look, bitmap, proc);

	if (r == 0)
		r = draw_all(&look);
	for (unsigned round = 0; round < ROUNDS && r == 0; round++) {
		r = each(&look, mark);
		if (r == 0)
			r = watch->wait_ms(watch->context, watch->watch_ms / ROUNDS);
		if (r == 0)
			r = each(&look, read_mark);
	}
	return r < 0 ? r : tell(&look, ret_heats);
}
