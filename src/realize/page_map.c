/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A page map written; the theory is in page_map.h. Each section is made in both resolutions at once, so that nothing is asked twice. */
#define _GNU_SOURCE
#include "page_map.h"

#include <string.h>

#include "../base/checksum.h"
#include "../base/process.h"
#include "../base/text.h"
#include "journal_part.h"
#include "page_map_part.h"
#include "sys.h"

#define BATCH 4096u /* pages a call: it holds the process's lock for less than a millisecond */

/* A section to be written. */
struct piece {
	struct vn_page_section
		as; /* unit: of `fine`; runs: what an earlier map tells, or NULL: to be asked */
	uint64_t coarse; /* bytes that a page of the coarse runs stands for */
	size_t fine_bytes, coarse_bytes;
};

struct maker {
	const struct vn_move *move;
	const struct vn_page_map_calls *calls;
	uint64_t asked, of; /* pages, to be asked for */
	size_t n;
	struct piece *pieces; /* by address; owned */
	struct vn_page_bytes fine, coarse; /* of all pieces, one after the other */
	bool too_fine; /* `fine` was given up */
	void *pages[BATCH]; /* room */
	int status[BATCH];
};

/* How many pages of a piece of 2 MiB are on which node. */
struct tally {
	uint32_t pages[VN_MAX_NODES];
	int first, last; /* nodes that have any; last -1: none */
	unsigned ties; /* pieces so far of which several nodes had most */
};

/* A piece in the making. */
struct feed {
	struct maker *maker;
	const struct piece *piece;
	struct vn_page_runs fine, coarse;
	uint64_t address; /* of the next page */
	struct tally tally; /* of the coarse page that it is in */
};

/* ---- runs ---- */

static void count(struct tally *tally, int node, uint64_t n)
{
	if (node < 0)
		return;
	tally->pages[node] += (uint32_t)n;
	if (tally->last < 0 || node < tally->first)
		tally->first = node;
	if (node > tally->last)
		tally->last = node;
}

/*
 * The node that has most; -1: none has any. Where several have, each in turn: memory dealt out page by page is led back to all of its
 * nodes. All counts are 0 again.
 */
static int take_most(struct tally *tally)
{
	uint32_t most = 0;
	unsigned n = 0;
	int result = -1;

	for (int node = tally->first; node <= tally->last; node++) {
		n = tally->pages[node] > most ? 1 : n + (most > 0 && tally->pages[node] == most);
		most = tally->pages[node] > most ? tally->pages[node] : most;
	}
	unsigned turn = n > 1 ? tally->ties++ % n : 0;
	for (int node = tally->first; node <= tally->last; node++) {
		if (tally->pages[node] == most && n > 0 && turn-- == 0)
			result = node;
		tally->pages[node] = 0;
	}
	tally->first = 0;
	tally->last = -1;
	return result;
}

/* The finer resolution is too much: the coarse one is left. */
static int give_up_fine(struct maker *maker)
{
	maker->too_fine = true;
	free(maker->fine.v);
	maker->fine = (struct vn_page_bytes){0};
	return 0;
}

static int add_fine(struct feed *feed, int node, uint64_t n)
{
	int r = feed->maker->too_fine ? 0 : vn_page_runs_add(&feed->fine, node, n);
	return r == -EFBIG ? give_up_fine(feed->maker) : r;
}

static int close_both(struct feed *feed)
{
	int r = feed->maker->too_fine ? 0 : vn_page_runs_close(&feed->fine);

	if (r == -EFBIG)
		r = give_up_fine(feed->maker);
	return r < 0 ? r : vn_page_runs_close(&feed->coarse);
}

/* Adds `n` pages on a node to both. */
static int add_pages(struct feed *feed, int node, uint64_t n)
{
	const struct piece *piece = feed->piece;
	uint64_t unit = piece->as.unit, all = vn_page_section_end(&piece->as);
	int r = add_fine(feed, node, n);

	while (n > 0 && r == 0) {
		uint64_t end = (feed->address / piece->coarse + 1) * piece->coarse;
		end = end < all ? end : all;
		uint64_t here = (end - 1) / unit - feed->address / unit + 1;
		here = here < n ? here : n;
		count(&feed->tally, node, here);
		n -= here;
		uint64_t next = (feed->address / unit + here) * unit;
		feed->address = next < all ? next : all;
		if (feed->address == end)
			r = vn_page_runs_add(&feed->coarse, take_most(&feed->tally), 1);
	}
	return r;
}

/* What an earlier map tells. */
static int add_earlier(struct feed *feed)
{
	const struct vn_page_section *from = &feed->piece->as;
	const unsigned char *at = from->runs, *end = at + from->n_bytes;
	struct vn_page_run run;
	int r = 0;

	while (r == 0 && vn_page_run_next(&at, end, &run) == 0)
		r = add_pages(feed, run.node, run.n);
	return r;
}

/* Asks for up to BATCH pages. */
static int ask_batch(struct feed *feed)
{
	struct maker *maker = feed->maker;
	const struct vn_page_map_calls *calls = maker->calls;
	uint64_t unit = feed->piece->as.unit, left = vn_page_section_end(&feed->piece->as) - feed->address;
	size_t n = left / unit < BATCH ? (size_t)(left / unit) : BATCH;

	for (size_t i = 0; i < n; i++) {
		maker->pages[i] = (void *)(uintptr_t)(feed->address + i * unit);
		maker->status[i] = -EIO; /* what is left untouched is not known, and led nowhere */
	}
	int r = calls->ask(calls->context, maker->move->process.pid, n, maker->pages, maker->status);
	for (size_t i = 0, same; i < n && r == 0; i += same) {
		int status = maker->status[i];
		for (same = 1; i + same < n && maker->status[i + same] == status;)
			same++;
		r = add_pages(feed, status >= 0 && status < VN_MAX_NODES ? status : -1, same);
	}
	maker->asked += n;
	return r == 0 && calls->told ? calls->told(calls->context, maker->asked, maker->of) : r;
}

static int make_piece(struct maker *maker, struct piece *piece)
{
	size_t fine = maker->fine.n, coarse = maker->coarse.n;
	struct feed feed = {maker, piece, {&maker->fine, {0}}, {&maker->coarse, {0}}, piece->as.address,
		{.first = 0, .last = -1}};
	int r = piece->as.runs ? add_earlier(&feed) : 0;

	while (r == 0 && feed.address < vn_page_section_end(&piece->as))
		r = ask_batch(&feed);
	if (r == 0)
		r = close_both(&feed);
	piece->fine_bytes = maker->fine.n - fine; /* means nothing once it is too fine */
	piece->coarse_bytes = maker->coarse.n - coarse;
	return r;
}

/* ---- pieces: what an earlier map has, and the rest of the ranges ---- */

static int by_address(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	return (x->as.address > y->as.address) - (x->as.address < y->as.address);
}

static void add_piece(struct maker *maker, const struct vn_page_section *as)
{
	struct piece *piece = &maker->pieces[maker->n++];

	piece->as = *as;
	piece->coarse = as->unit > VN_PAGE_MAP_COARSE ? as->unit : VN_PAGE_MAP_COARSE;
}

/* The parts of a range from *at on that no section has; `k` is the first section that ends behind *at. */
static void add_gaps(struct maker *maker, const struct vn_move_range *range,
	const struct vn_page_section *sections, size_t n, size_t *k, uint64_t *at)
{
	uint64_t end = range->address + range->size;
	struct vn_page_section as = {.page = range->page,
		.unit = range->page ? range->page : (uint64_t)sysconf(_SC_PAGESIZE),
		.vnode = range->vnode};

	*at = *at > range->address ? *at : range->address;
	while (*at < end) {
		while (*k < n && vn_page_section_end(&sections[*k]) <= *at)
			(*k)++;
		uint64_t next = *k < n && sections[*k].address < end ? sections[*k].address : end;
		if (next > *at) {
			as.address = *at;
			as.size = next - *at;
			add_piece(maker, &as);
		}
		*at = next < end ? vn_page_section_end(&sections[*k]) : end;
	}
}

/* Pages of a range that begin where an earlier map's section ends must still be whole ones. */
static bool pieces_are_whole(const struct maker *maker)
{
	for (size_t i = 0; i < maker->n; i++) {
		const struct vn_page_section *as = &maker->pieces[i].as;
		if (!as->runs && (as->address % as->unit || as->size % as->unit))
			return false;
	}
	return true;
}

static int find_pieces(
	struct maker *maker, const struct vn_page_section *sections, size_t n, struct vn_error *err)
{
	const struct vn_move *move = maker->move;
	uint64_t at = 0;

	/* a section splits a range at most once */
	maker->pieces = calloc(2 * n + move->n_ranges + 1, sizeof(*maker->pieces));
	if (!maker->pieces)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		add_piece(maker, &sections[i]);
	for (size_t i = 0, k = 0; i < move->n_ranges; i++)
		add_gaps(maker, &move->ranges[i], sections, n, &k, &at);
	qsort(maker->pieces, maker->n, sizeof(*maker->pieces), by_address);
	if (!pieces_are_whole(maker))
		return vn_error_environment(err, -EINVAL,
			"process %d: its memory is not in whole pages of its kind, or mapped otherwise than at the first move",
			move->process.pid);
	return 0;
}

/* ---- the file ---- */

static void put_header(unsigned char *to, const struct maker *maker, const char *boot, size_t runs)
{
	memcpy(to, VN_PAGE_MAP_MAGIC,
		sizeof(VN_PAGE_MAP_MAGIC)); /* the 0 at its end makes room for the version */
	vn_page_put(to + VN_PAGE_MAP_AT_VERSION, 4, VN_PAGE_MAP_VERSION);
	vn_page_put(to + VN_PAGE_MAP_AT_SECTIONS, 4, maker->n);
	vn_page_put(to + VN_PAGE_MAP_AT_PID, 8, (uint64_t)maker->move->process.pid);
	vn_page_put(to + VN_PAGE_MAP_AT_START, 8, maker->move->process.start_time);
	memcpy(to + VN_PAGE_MAP_AT_BOOT, boot, strlen(boot) + 1);
	vn_page_put(to + VN_PAGE_MAP_AT_RUNS, 8, runs);
}

static void put_section(unsigned char *to, const struct piece *piece, bool fine)
{
	vn_page_put(to, 8, piece->as.address);
	vn_page_put(to + 8, 8, piece->as.size);
	vn_page_put(to + 16, 8, piece->as.page);
	vn_page_put(to + 24, 8, fine ? piece->as.unit : piece->coarse);
	vn_page_put(to + 32, 8, piece->as.vnode);
	vn_page_put(to + 40, 8, fine ? piece->fine_bytes : piece->coarse_bytes);
}

/* In the finer resolution, if that is small enough. */
static int write_file(const struct vn_state *state, const struct maker *maker, struct vn_error *err)
{
	size_t table = VN_PAGE_MAP_HEADER + maker->n * VN_PAGE_MAP_SECTION;
	bool fine = !maker->too_fine && table + maker->fine.n <= VN_PAGE_MAP_MAX - VN_PAGE_MAP_CHECKSUM;
	const struct vn_page_bytes *runs = fine ? &maker->fine : &maker->coarse;
	size_t size = table + runs->n;
	char file[VN_JOURNAL_NAME], boot[VN_BOOT_ID];
	int r = vn_boot_id(boot);

	vn_journal_name(&maker->move->process, VN_JOURNAL_PAGES, file);
	if (r == 0 && size > VN_PAGE_MAP_MAX - VN_PAGE_MAP_CHECKSUM)
		r = -EFBIG;
	vn_autofree unsigned char *data = r == 0 ? calloc(1, size + VN_PAGE_MAP_CHECKSUM) : NULL;
	if (r == 0 && !data)
		r = -ENOMEM;
	if (r == 0) {
		put_header(data, maker, boot, runs->n);
		for (size_t i = 0; i < maker->n; i++)
			put_section(
				data + VN_PAGE_MAP_HEADER + i * VN_PAGE_MAP_SECTION, &maker->pieces[i], fine);
		if (runs->n)
			memcpy(data + table, runs->v, runs->n);
		vn_page_put(data + size, VN_PAGE_MAP_CHECKSUM, vn_checksum(data, size));
		r = vn_state_put(state, file, data, size + VN_PAGE_MAP_CHECKSUM, true);
	}
	return r < 0 ? vn_error_environment(
			       err, r, "%s/%s: cannot be written: %s", state->path, file, strerror(-r))
		     : 0;
}

static int make_all(struct maker *maker, struct vn_error *err)
{
	const struct vn_process *process = &maker->move->process;
	int r = 0;

	for (size_t i = 0; i < maker->n; i++) {
		const struct vn_page_section *as = &maker->pieces[i].as;
		maker->of += as->runs ? 0 : as->size / as->unit;
	}
	for (size_t i = 0; i < maker->n && r == 0; i++)
		r = make_piece(maker, &maker->pieces[i]);
	if (r == 0) { /* its pid may have become another one's while we asked */
		int match = vn_process_match(process->pid, process->start_time, process->exe);
		r = match < 0 ? match : match == VN_PROCESS_SAME ? 0 : -ESRCH;
	}
	if (r == 0)
		return 0;
	if (r == -ECANCELED)
		return vn_error_environment(err, r,
			"stopped while it was asked where the pages of process %d are; none has moved",
			process->pid);
	return vn_error_environment(err, r, "process %d: where its pages are cannot be written down: %s",
		process->pid,
		r == -EPERM   ? "not permitted (same user, or CAP_SYS_PTRACE, is needed)"
		: r == -ESRCH ? "it is gone"
		: r == -EFBIG ? "they lie too scattered"
			      : strerror(-r));
}

static int ask_kernel(void *context, pid_t pid, size_t n, void **pages, int *status)
{
	(void)context;
	int r = vn_sys_move_pages(pid, n, pages, NULL, status, 0);
	return r < 0 ? r : 0;
}

int vn_page_map_write(const struct vn_state *state, const struct vn_move *move,
	const struct vn_page_map_calls *calls, struct vn_error *err)
{
	const struct vn_page_map_calls all = {
		calls->ask ? calls->ask : ask_kernel, calls->told, calls->context};
	vn_autofree char *data = NULL;
	vn_autofree struct vn_page_section *sections = NULL;
	vn_autofree struct maker *maker = calloc(1, sizeof(*maker));
	size_t n = 0;
	int r = 0;

	if (!maker)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*maker = (struct maker){.move = move, .calls = &all};
	if (vn_journal_exists(state, &move->process))
		r = vn_page_map_load(state, &move->process, &data, &sections, &n, err);
	if (r == 0 || r == -ENOENT)
		r = find_pieces(maker, sections, n, err);
	if (r == 0)
		r = make_all(maker, err);
	if (r == 0)
		r = write_file(state, maker, err);
	free(maker->pieces);
	free(maker->fine.v);
	free(maker->coarse.v);
	return r;
}
