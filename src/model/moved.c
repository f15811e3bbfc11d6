/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "moved.h"

#include <time.h>

#include "../base/text.h"

json_t *vn_moved_to_json(const struct vn_moved *moved)
{
	return vn_was_moved(moved)
		       ? json_pack("{s:s, s:I}", "phase", moved->phase, "begun", (json_int_t)moved->begun)
		       : json_null();
}

char *vn_moved_text(const struct vn_moved *moved)
{
	time_t begun = (time_t)moved->begun;
	struct tm tm;
	char when[32] = "?";

	if (localtime_r(&begun, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	return vn_format("moved by vnuma on %s (%s)", when, moved->phase);
}
