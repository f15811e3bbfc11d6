/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "move_guest.h"

#include <string.h>

#include "../base/mask.h"
#include "../base/text.h"
#include "journal.h"

static struct vn_guest_setting *find(const struct vn_move *move, const char *path)
{
	for (size_t i = 0; i < move->n_guest_settings; i++) {
		if (strcmp(move->guest_settings[i].path, path) == 0)
			return &move->guest_settings[i];
	}
	return NULL;
}

static bool is_equal(hwloc_const_bitmap_t a, hwloc_const_bitmap_t b)
{
	return a && b && hwloc_bitmap_isequal(a, b);
}

/* Then nothing was set, and nothing is to be set back. */
static bool is_same(const struct vn_guest_setting *setting)
{
	return is_equal(setting->before, setting->after) &&
	       (!setting->earlier || is_equal(setting->earlier, setting->after));
}

/* What is there is of our moves: this one's, or an earlier one's if this one was killed before it set its own. */
static bool is_ours(const struct vn_guest_setting *setting, hwloc_const_bitmap_t now)
{
	return is_equal(now, setting->after) || is_equal(now, setting->earlier);
}

/* A copy of `from` becomes *to. */
static int set_copy(hwloc_bitmap_t *to, hwloc_const_bitmap_t from)
{
	hwloc_bitmap_t copy = hwloc_bitmap_dup(from);

	if (!copy)
		return -ENOMEM;
	hwloc_bitmap_free(*to);
	*to = copy;
	return 0;
}

bool vn_move_guest_changes(const struct vn_move *move)
{
	for (size_t i = 0; i < move->n_guest_settings; i++) {
		if (!is_same(&move->guest_settings[i]))
			return true;
	}
	return false;
}

static int copy_setting(struct vn_move *move, const struct vn_guest_setting *from)
{
	struct vn_guest_setting *grown =
		reallocarray(move->guest_settings, move->n_guest_settings + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	move->guest_settings = grown;
	struct vn_guest_setting *to = &grown[move->n_guest_settings++];
	*to = *from;
	to->before = hwloc_bitmap_dup(from->before);
	to->after = hwloc_bitmap_dup(from->after);
	to->earlier = from->earlier ? hwloc_bitmap_dup(from->earlier) : NULL;
	return to->before && to->after && (!from->earlier || to->earlier) ? 0 : -ENOMEM;
}

/* Of a file that this move does not know: for undo alone. */
static int keep_for_undo(struct vn_move *move, const struct vn_guest_setting *from)
{
	int r = copy_setting(move, from);

	if (r < 0)
		return r;
	struct vn_guest_setting *kept = &move->guest_settings[move->n_guest_settings - 1];
	kept->stands = true;
	return kept->earlier ? 0 : set_copy(&kept->earlier, from->after);
}

int vn_move_guest_keep(struct vn_move *move, const struct vn_move *first, struct vn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < move->n_guest_settings; i++)
		move->guest_settings[i].stands = is_same(&move->guest_settings[i]);
	for (size_t i = 0; first && i < first->n_guest_settings && r == 0; i++) {
		const struct vn_guest_setting *from = &first->guest_settings[i];
		struct vn_guest_setting *own = find(move, from->path);
		if (!own)
			r = keep_for_undo(move, from);
		/* else what the guest has by now is not what we set: then that was lost, or is somebody else's */
		else if (is_ours(from, own->before) && (set_copy(&own->earlier, own->before) < 0 ||
							       set_copy(&own->before, from->before) < 0))
			r = -ENOMEM;
	}
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}

int vn_move_guest_present(struct vn_move *present, const struct vn_move *move, struct vn_error *err)
{
	for (size_t i = 0; i < present->n_guest_settings; i++) {
		struct vn_guest_setting *setting = &present->guest_settings[i];
		const struct vn_guest_setting *own = find(move, setting->path);
		hwloc_const_bitmap_t there = own && own->stands ? setting->after : setting->earlier;
		if (there && set_copy(&setting->before, there) < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
		hwloc_bitmap_free(setting->earlier);
		setting->earlier = NULL;
	}
	return 0;
}

/* What is on record as `own` is now what `from` is to set, or has left. */
static int join_one(struct vn_guest_setting *own, const struct vn_guest_setting *from)
{
	if (!is_ours(own, from->before)) { /* somebody else's: that is to come back */
		hwloc_bitmap_free(own->earlier);
		own->earlier = NULL;
		return set_copy(&own->before, from->before) < 0 ? -ENOMEM
								: set_copy(&own->after, from->after);
	}
	return set_copy(&own->earlier, from->before) < 0 ? -ENOMEM : set_copy(&own->after, from->after);
}

/* Or only what is left of it. */
static int join(struct vn_move *first, const struct vn_move *move, bool only_left)
{
	int r = 0;

	for (size_t i = 0; i < move->n_guest_settings && r == 0; i++) {
		const struct vn_guest_setting *from = &move->guest_settings[i];
		struct vn_guest_setting *own = find(first, from->path);
		if (only_left && !from->left)
			continue;
		if (!own)
			r = copy_setting(first, from);
		else
			r = join_one(own, from);
	}
	return r;
}

int vn_move_guest_join(struct vn_move *first, const struct vn_move *move)
{
	return join(first, move, false);
}

static int set_one(struct vn_qga *agent, const char *path, hwloc_const_bitmap_t cpus, struct vn_error *err)
{
	vn_autofree char *mask = vn_mask_text(cpus);

	return mask ? vn_qga_write_file(agent, path, mask, err)
		    : vn_error_environment(err, -ENOMEM, "out of memory");
}

/*
 * An agent says in words of its own why it refuses. A file that every Linux has tells one that is gone from an agent that by now
 * opens none, and which so says nothing of what the guest has.
 */
static int is_gone(struct vn_qga *agent, struct vn_error *refused)
{
	vn_autofree char *text = NULL;
	vn_autoerror ignored = {0};
	int r = vn_qga_read_file(agent, "/proc/version", &text, &ignored);

	if (r == -EREMOTEIO)
		return r;
	if (r < 0) {
		vn_error_clear(refused);
		vn_error_move(refused, &ignored);
	}
	return r;
}

/* 1 and what a file of the guest has; 0: it is gone, or has no mask any more. */
static int look(struct vn_qga *agent, const char *path, hwloc_bitmap_t *ret_now, struct vn_error *problem)
{
	vn_autofree char *text = NULL;
	vn_autoerror refused = {0};
	int r = vn_qga_read_file(agent, path, &text, &refused);

	if (r == -EREMOTEIO && (r = is_gone(agent, &refused)) == 0)
		return 0; /* it could be opened when it was set */
	if (r < 0)
		vn_error_move(problem, &refused);
	else
		r = vn_mask_parse(text, ret_now) == 0;
	return r;
}

/* As another run of vnuma has left it to be done: 1, or 0 where the guest is not as that found it, nor as it wanted it. */
static int set_later(struct vn_qga *agent, const struct vn_guest_setting *setting, struct vn_error *problem)
{
	vn_autoset now = NULL;
	int r = look(agent, setting->path, &now, problem);

	if (r <= 0)
		return r;
	if (hwloc_bitmap_isequal(now, setting->after))
		return 1;
	if (!hwloc_bitmap_isequal(now, setting->before) && !is_ours(setting, now))
		return 0;
	r = set_one(agent, setting->path, setting->after, problem);
	return r < 0 ? r : 1;
}

/* All, or with `later` those that set_later() sets: *ret_changed are not. */
static int set_all(struct vn_qga *agent, const struct vn_move *move, bool later, size_t *ret_changed,
	struct vn_error *err)
{
	size_t n = move->n_guest_settings;

	for (size_t i = 0; i < 2 * n; i++) {
		bool first_pass = i < n;
		const struct vn_guest_setting *setting = &move->guest_settings[first_pass ? i : i - n];
		vn_autoerror problem = {0};
		if (vn_guest_path_is_xps(setting->path) != first_pass || setting->stands)
			continue;
		int r = later ? set_later(agent, setting, &problem)
			      : set_one(agent, setting->path, setting->after, &problem);
		if (r < 0)
			return vn_error_environment(err, r, "%s inside the guest cannot be set: %s",
				setting->path, problem.n ? problem.problems[0].text : strerror(-r));
		*ret_changed += later && r == 0;
	}
	return 0;
}

int vn_move_guest_set(struct vn_qga *agent, const struct vn_move *move, struct vn_error *err)
{
	size_t changed = 0;

	return set_all(agent, move, false, &changed, err);
}

static int note_changed(struct vn_move *move, size_t changed, size_t n)
{
	if (changed == 0)
		return 0;
	return vn_notes_add(&move->notes, "guest-changed",
		"%zu of %zu settings inside the guest are left as they are: somebody there has changed them since, or it has booted anew",
		changed, n);
}

int vn_move_guest_set_later(struct vn_qga *agent, struct vn_move *move, struct vn_error *err)
{
	size_t changed = 0;
	int r = set_all(agent, move, true, &changed, err);

	if (r < 0)
		return r;
	vn_notes_drop(&move->notes, "guest-changed");
	r = note_changed(move, changed, move->n_guest_settings);
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}

enum outcome { BACK, CHANGED, LEFT };

static enum outcome set_back(
	struct vn_qga *agent, const struct vn_guest_setting *setting, struct vn_error *problem)
{
	vn_autoset now = NULL;
	int r = look(agent, setting->path, &now, problem);

	if (r <= 0)
		return r < 0 ? LEFT : CHANGED;
	if (hwloc_bitmap_isequal(now, setting->before))
		return BACK;
	if (!is_ours(setting, now))
		return CHANGED;
	return set_one(agent, setting->path, setting->before, problem) < 0 ? LEFT : BACK;
}

int vn_move_guest_back(struct vn_qga *agent, struct vn_move *move, size_t *ret_left, struct vn_error *err)
{
	vn_autoerror why = {0};
	const char *first = NULL; /* of those left */
	size_t changed = 0, left = 0, n = 0;

	vn_notes_drop(&move->notes, "guest-changed");
	vn_notes_drop(&move->notes, "guest-left");
	for (size_t i = 0; i < move->n_guest_settings; i++) {
		struct vn_guest_setting *setting = &move->guest_settings[i];
		vn_autoerror problem = {0};
		enum outcome outcome = is_same(setting) ? BACK
				       : agent          ? set_back(agent, setting, &problem)
							: LEFT;
		n += !is_same(setting);
		changed += outcome == CHANGED;
		setting->left = outcome == LEFT;
		if (setting->left && left++ == 0) {
			first = setting->path;
			vn_error_move(&why, &problem);
		}
	}
	int r = note_changed(move, changed, n);
	if (left > 0 && r == 0)
		r = vn_notes_add(&move->notes, "guest-left",
			"%zu of %zu settings inside the guest may still be as the move made them, %s first: %s",
			left, n, first, why.n ? why.problems[0].text : "its agent cannot be asked");
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	*ret_left = left;
	return 0;
}

void vn_move_guest_take_back(
	struct vn_qga *agent, const struct vn_move_watcher *watcher, struct vn_move *move)
{
	vn_autoerror ignored = {0};
	size_t left = 0;

	vn_move_guest_back(agent, move, &left, &ignored);
	if (left == 0 || !watcher->again)
		return;
	agent = watcher->again(watcher->context);
	if (agent)
		vn_move_guest_back(agent, move, &left, &ignored);
}

static size_t count_left(const struct vn_move *move)
{
	size_t n = 0;

	for (size_t i = 0; i < move->n_guest_settings; i++)
		n += move->guest_settings[i].left;
	return n;
}

/* What is left, and nothing else of the move. */
static int record_alone(
	const struct vn_state *state, const struct vn_move *move, size_t n_left, struct vn_error *err)
{
	vn_autofree struct vn_guest_setting *left = calloc(n_left, sizeof(*left));
	struct vn_move record = *move; /* what it points to is the move's */
	size_t n = 0;

	if (!left)
		return -ENOMEM;
	for (size_t i = 0; i < move->n_guest_settings; i++) {
		if (move->guest_settings[i].left)
			left[n++] = move->guest_settings[i];
	}
	record.phase = VN_MOVE_UNDOING;
	record.memory = false;
	record.n_threads = record.n_blocks = record.n_ranges = record.n_irqs = record.n_cpusets = 0;
	record.numatune = (struct vn_move_numatune){0};
	record.guest_settings = left;
	record.n_guest_settings = n;
	return vn_journal_write(state, &record, err);
}

void vn_move_guest_end_record(
	const struct vn_state *state, const struct vn_move *move, struct vn_move *first, struct vn_error *err)
{
	vn_autoerror ignored = {0};
	size_t left = count_left(move);
	int r = 0;

	if (left == 0 && !first) {
		vn_journal_remove(state, &move->process, &ignored);
		return;
	}
	if (first)
		r = join(first, move, true);
	if (first && r == 0)
		r = vn_journal_write(state, first, &ignored);
	else if (r == 0)
		r = record_alone(state, move, left, &ignored);
	if (left > 0)
		vn_error_environment(err, -EREMOTEIO,
			"'%s': %zu settings inside the guest could not be taken back; %s: expected 'vnuma undo' when its agent answers",
			move->name, left,
			r < 0 ? "that could not be written down alone" : "they are on record");
}
