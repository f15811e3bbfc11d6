/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "migrate.h"

#include <inttypes.h>

#include "migrate_kernel.h"
#include "migrate_trial.h"

#define PASSES 8u
#define MS UINT64_C(1000000)
#define LONG_PASS (1000 * MS) /* in which a guest may have touched what was absent */

static inline void clear_migration(struct vn_migration *m)
{
	hwloc_bitmap_free(m->forbidden);
	hwloc_bitmap_free(m->full);
	free(m->pages);
}

/* Windows that are gone through together. */
struct windows {
	size_t n;
	struct vn_window *v;
};

static inline void clear_trial(struct vn_trial *trial)
{
	free(trial->ranges);
}

static inline void clear_windows(struct windows *windows)
{
	vn_windows_free(windows->v, windows->n);
}

/* ---- what is asked ---- */

static int check_range(const struct vn_move_range *range, uint64_t page, struct vn_error *err)
{
	uint64_t unit = range->page ? range->page : page;

	if (range->page % page || range->address % unit || range->size % unit ||
		range->address + range->size < range->address)
		return vn_error_input(err, NULL,
			"memory at 0x%" PRIx64 ", %" PRIu64
			" bytes, node %u: expected whole pages of %" PRIu64 " bytes",
			range->address, range->size, range->node, unit);
	if (range->node > VN_SET_MAX / 2)
		return vn_error_input(err, NULL, "node %u: expected at most %u", range->node, VN_SET_MAX / 2);
	return 0;
}

static int check(const struct vn_migrate *job, uint64_t page, struct vn_error *err)
{
	int r = 0;

	if (job->pid <= 0) /* 0 would be ourselves */
		r = vn_error_input(err, NULL, "process %d: expected a number above 0", job->pid);
	for (size_t i = 0; i < job->n_ranges; i++) {
		if (check_range(&job->ranges[i], page, err) < 0)
			r = -EINVAL;
	}
	return r;
}

/* ---- progress ---- */

static int tell(void *context)
{
	struct vn_migration *m = context;

	m->progress->elapsed_ns = m->calls->now_ns(m->calls->context) - m->begun_ns;
	m->progress->paused_ns = m->pace.paused_ns;
	return m->job->told ? m->job->told(m->job->context, m->progress) : 0;
}

static int begin(struct vn_migration *m)
{
	const struct vn_move_limits *limits = m->job->limits;
	uint64_t budget = (limits->stall_us ? limits->stall_us : VN_STALL_US_DEFAULT) * UINT64_C(1000);

	m->forbidden = hwloc_bitmap_alloc();
	m->full = hwloc_bitmap_alloc();
	m->pages = calloc(1, sizeof(*m->pages));
	if (!m->forbidden || !m->full || !m->pages)
		return -ENOMEM;
	m->begun_ns = m->calls->now_ns(m->calls->context);
	vn_batch_begin(&m->batch[VN_MEASURE_ORDINARY], budget, m->page, 16 * m->page);
	vn_batch_begin(&m->batch[VN_MEASURE_THP], budget, VN_PIECE, VN_PIECE);
	vn_batch_begin(&m->batch[VN_MEASURE_HUGETLB], budget, 1, 1); /* one page, of whatever size */
	m->pace = (struct vn_pace){
		.calls = m->calls, .limits = limits, .stop_fd = m->job->stop_fd, .tell = tell, .context = m};
	vn_pace_begin(&m->pace);
	for (size_t i = 0; i < m->job->n_ranges; i++)
		m->progress->total += m->job->ranges[i].size;
	m->progress->left = m->progress->total;
	return 0;
}

/* ---- passes ---- */

/* What may yet move, in pages. */
static unsigned movable(const struct vn_window *window)
{
	const struct vn_window_counts *counts = &window->counts;

	return counts->stayed[VN_STAYED_BUSY] + counts->stayed[VN_STAYED_TARGET_FULL] +
	       counts->stayed[VN_STAYED_NO_HUGE_PAGE] + counts->stayed[VN_STAYED_UNKNOWN];
}

static int run_pass(struct vn_migration *m, const struct windows *windows, bool absent)
{
	int r = 0;

	hwloc_bitmap_zero(m->forbidden);
	hwloc_bitmap_zero(m->full);
	m->progress->passes++;
	for (size_t i = 0; i < windows->n && r == 0; i++) {
		struct vn_window *window = &windows->v[i];
		if (!window->looked || movable(window) || (absent && window->counts.absent))
			r = vn_window_run(m, window);
		if (r == 0) /* of a window in which nothing was to be moved nothing was told yet */
			r = vn_pace_sleep(&m->pace, 0);
		if (r == 0)
			r = tell(m);
	}
	return r;
}

/* Whether another pass can move more, or tell what is busy from what is pinned. */
static bool again(
	const struct vn_migration *m, const struct windows *windows, unsigned passes, uint64_t moved)
{
	uint64_t bytes = 0;
	bool undecided = false;

	if (passes >= PASSES)
		return false;
	for (size_t i = 0; i < windows->n; i++) {
		const struct vn_window *window = &windows->v[i];
		bytes += movable(window) * vn_window_page(m, window);
		undecided = undecided || (window->stuck && window->tries < VN_PINNED_TRIES);
	}
	if (undecided)
		return true;
	return bytes > 0 && bytes >= m->progress->total / 1000 && (moved > 0 || passes < 3);
}

static uint64_t wait_after(unsigned passes)
{
	return passes == 1 ? 100 * MS : passes == 2 ? 300 * MS : 1000 * MS;
}

static int run_passes(struct vn_migration *m, const struct windows *windows)
{
	bool absent = false;

	for (unsigned passes = 1;; passes++) {
		uint64_t moved = m->progress->moved;
		uint64_t begun = m->calls->now_ns(m->calls->context);
		int r = run_pass(m, windows, absent);
		if (r < 0)
			return r;
		bool was_long = m->calls->now_ns(m->calls->context) - begun > LONG_PASS;
		absent = passes == 1 && m->progress->absent && was_long;
		if (again(m, windows, passes, m->progress->moved > moved ? m->progress->moved - moved : 0))
			r = vn_pace_sleep(&m->pace, wait_after(passes));
		else if (!absent)
			return 0;
		if (r < 0)
			return r;
	}
}

static bool is_open(const struct vn_migration *m, const struct windows *sample)
{
	for (size_t i = 0; i < sample->n; i++) {
		if (vn_trial_judge(m, sample->v, sample->n, sample->v[i].suspect) == VN_TRIAL_OPEN)
			return true;
	}
	return false;
}

/* The samples of the suspects, in passes until all is known of them; then the windows that need not be tried are marked. */
static int run_trial(struct vn_migration *m, const struct windows *windows)
{
	struct windows sample = {0, windows->v};

	while (sample.n < windows->n && windows->v[sample.n].is_sample)
		sample.n++;
	for (unsigned passes = 1; sample.n > 0; passes++) {
		int r = run_pass(m, &sample, false);
		if (r == 0 && (passes >= VN_PINNED_TRIES || !is_open(m, &sample)))
			break;
		if (r == 0)
			r = vn_pace_sleep(&m->pace, wait_after(passes));
		if (r < 0)
			return r;
	}
	for (size_t i = sample.n; i < windows->n; i++) {
		struct vn_window *window = &windows->v[i];
		window->is_pinned = window->suspect >= 0 &&
				    vn_trial_judge(m, sample.v, sample.n, window->suspect) == VN_TRIAL_PINNED;
	}
	return 0;
}

int vn_migrate_run(const struct vn_migrate *job, struct vn_move_progress *progress, struct vn_error *err)
{
	struct vn_migrate_kernel kernel;
	struct vn_migrate_calls of_kernel = vn_migrate_kernel_calls(&kernel, job->stop_fd);
	vn_cleanup(clear_migration) struct vn_migration m = {.job = job,
		.calls = job->calls ? job->calls : &of_kernel,
		.progress = progress,
		.err = err,
		.page = (uint64_t)sysconf(_SC_PAGESIZE)};
	vn_cleanup(clear_windows) struct windows windows = {0};
	vn_cleanup(clear_trial) struct vn_trial trial = {0};
	struct vn_migrate arranged = *job;

	*progress = (struct vn_move_progress){0};
	int r = check(job, m.page, err);
	if (r < 0)
		return r;
	r = begin(&m);
	if (r == 0)
		r = vn_trial_arrange(job, m.page, &trial);
	if (r == 0) {
		arranged.ranges = trial.ranges;
		arranged.n_ranges = trial.n;
		m.job = &arranged;
		r = vn_windows_cut(&arranged, m.page, trial.n_sample, &windows.v, &windows.n);
	}
	if (r == 0)
		r = run_trial(&m, &windows);
	if (r == 0)
		r = run_passes(&m, &windows);
	if (r == -ENOMEM)
		return vn_error_environment(err, r, "out of memory");
	int told = m.pages ? tell(&m) : 0;
	return r < 0 ? r : told < 0 ? told : 0;
}
