/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "move_guest.h"

#include <string.h>

#include "../base/mask.h"
#include "../base/text.h"

static struct vn_guest_setting *find(const struct vn_move *move, const char *path)
{
	for (size_t i = 0; i < move->n_guest_settings; i++) {
		if (strcmp(move->guest_settings[i].path, path) == 0)
			return &move->guest_settings[i];
	}
	return NULL;
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
	return to->before && to->after ? 0 : -ENOMEM;
}

int vn_move_guest_keep(struct vn_move *move, const struct vn_move *first, struct vn_error *err)
{
	int r = 0;

	for (size_t i = 0; first && i < first->n_guest_settings && r == 0; i++) {
		const struct vn_guest_setting *from = &first->guest_settings[i];
		struct vn_guest_setting *own = find(move, from->path);
		if (!own)
			r = copy_setting(move, from);
		/* what the guest has by now is not what we set: then that was lost, or is somebody else's */
		else if (hwloc_bitmap_isequal(own->before, from->after) &&
			 hwloc_bitmap_copy(own->before, from->before) < 0)
			r = -ENOMEM;
	}
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}

int vn_move_guest_present(struct vn_move *move, const struct vn_move *first, struct vn_error *err)
{
	for (size_t i = 0; i < first->n_guest_settings; i++) {
		const struct vn_guest_setting *set = &first->guest_settings[i];
		struct vn_guest_setting *own = find(move, set->path);
		if (own && hwloc_bitmap_isequal(own->before, set->before) &&
			hwloc_bitmap_copy(own->before, set->after) < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	return 0;
}

int vn_move_guest_join(struct vn_move *first, const struct vn_move *move)
{
	int r = 0;

	for (size_t i = 0; i < move->n_guest_settings && r == 0; i++) {
		const struct vn_guest_setting *from = &move->guest_settings[i];
		struct vn_guest_setting *own = find(first, from->path);
		if (!own)
			r = copy_setting(first, from);
		else if ((!hwloc_bitmap_isequal(from->before, own->after) &&
				 hwloc_bitmap_copy(own->before, from->before) < 0) ||
			 hwloc_bitmap_copy(own->after, from->after) < 0)
			r = -ENOMEM;
	}
	return r;
}

static int set_one(struct vn_qga *agent, const char *path, hwloc_const_bitmap_t cpus, struct vn_error *err)
{
	vn_autofree char *mask = vn_mask_text(cpus);

	return mask ? vn_qga_write_file(agent, path, mask, err)
		    : vn_error_environment(err, -ENOMEM, "out of memory");
}

int vn_move_guest_set(struct vn_qga *agent, const struct vn_move *move, struct vn_error *err)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < move->n_guest_settings; i++) {
			const struct vn_guest_setting *setting = &move->guest_settings[i];
			vn_autoerror problem = {0};
			if (vn_guest_path_is_xps(setting->path) != (pass == 0))
				continue;
			int r = set_one(agent, setting->path, setting->after, &problem);
			if (r < 0)
				return vn_error_environment(err, r, "%s inside the guest cannot be set: %s",
					setting->path, problem.n ? problem.problems[0].text : strerror(-r));
		}
	}
	return 0;
}

enum outcome { BACK, CHANGED, LEFT };

static enum outcome set_back(
	struct vn_qga *agent, const struct vn_guest_setting *setting, struct vn_error *problem)
{
	vn_autofree char *text = NULL;
	vn_autoset now = NULL;

	if (vn_qga_read_file(agent, setting->path, &text, problem) < 0)
		return LEFT;
	if (vn_mask_parse(text, &now) < 0)
		return CHANGED;
	if (hwloc_bitmap_isequal(now, setting->before))
		return BACK;
	if (!hwloc_bitmap_isequal(now, setting->after))
		return CHANGED;
	return set_one(agent, setting->path, setting->before, problem) < 0 ? LEFT : BACK;
}

int vn_move_guest_back(struct vn_qga *agent, struct vn_move *move, size_t *ret_left, struct vn_error *err)
{
	vn_autoerror problem = {0};
	size_t changed = 0, left = 0, n = move->n_guest_settings;
	int r = 0;

	vn_notes_drop(&move->notes, "guest-changed");
	vn_notes_drop(&move->notes, "guest-left");
	for (size_t i = 0; i < n; i++) {
		enum outcome outcome = agent ? set_back(agent, &move->guest_settings[i], &problem) : LEFT;
		changed += outcome == CHANGED;
		left += outcome == LEFT;
	}
	if (changed > 0)
		r = vn_notes_add(&move->notes, "guest-changed",
			"%zu of %zu settings inside the guest are left as they are: somebody there has changed them since, or it has "
			"booted anew",
			changed, n);
	if (left > 0 && r == 0)
		r = vn_notes_add(&move->notes, "guest-left",
			"%zu of %zu settings inside the guest may still be as the move made them, %s first: %s",
			left, n, move->guest_settings[0].path,
			problem.n ? problem.problems[0].text : "its agent cannot be asked");
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	*ret_left = left;
	return 0;
}
