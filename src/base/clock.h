/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Deadlines: a point on the monotonic clock, in milliseconds. */

#include <stdint.h>
#include <time.h>

static inline int64_t vn_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is left until `deadline`, as poll(2) wants it: never negative, which would mean "for ever". */
static inline int vn_left_ms(int64_t deadline)
{
	int64_t left = deadline - vn_now_ms();
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}
