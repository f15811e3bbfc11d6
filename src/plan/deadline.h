/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The time by which a search has to end. */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct vn_deadline {
	bool set;
	struct timespec at;
};

/* That many milliseconds from now; 0: never. */
static inline struct vn_deadline vn_deadline_in(unsigned ms)
{
	struct vn_deadline deadline = {.set = ms > 0};

	clock_gettime(CLOCK_MONOTONIC, &deadline.at);
	deadline.at.tv_sec += ms / 1000;
	deadline.at.tv_nsec += (long)(ms % 1000) * 1000000;
	return deadline;
}

static inline bool vn_deadline_passed(const struct vn_deadline *deadline)
{
	struct timespec now;

	if (!deadline->set)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int64_t)now.tv_sec - deadline->at.tv_sec) * 1000000000 + now.tv_nsec -
		       deadline->at.tv_nsec >=
	       0;
}
