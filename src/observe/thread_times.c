/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "thread_times.h"

#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/parse.h"
#include "../base/process.h"
#include "../base/set.h"

#define FIELD_STATE 3
#define FIELD_PROCESSOR 39 /* proc(5) */

/* A decimal number that ends at a blank or the line's end. */
static int read_number(const char *p, uint64_t *ret)
{
	char number[24];

	snprintf(
		number, sizeof(number), "%.*s", (int)strcspn(p, " \n") < 23 ? (int)strcspn(p, " \n") : 23, p);
	return vn_parse_u64(number, UINT64_MAX, ret) == 0 ? 0 : -EINVAL;
}

int vn_thread_stat_parse(const char *text, uint64_t *ret_start_time, int *ret_cpu)
{
	uint64_t start_time, cpu;
	int r = vn_stat_parse(text, &start_time);

	if (r < 0)
		return r;
	const char *p = strrchr(text, ')') + 1; /* vn_stat_parse() found it */
	for (unsigned field = FIELD_STATE - 1; p && field < FIELD_PROCESSOR; field++)
		p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL;
	*ret_cpu = p && read_number(p, &cpu) == 0 && cpu <= VN_SET_MAX ? (int)cpu : -1;
	*ret_start_time = start_time;
	return 0;
}

int vn_schedstat_parse(const char *text, uint64_t *ret_run_ns, uint64_t *ret_wait_ns)
{
	const char *second = strchr(text, ' ');
	uint64_t run, wait;

	if (!second || read_number(text, &run) < 0 || read_number(second + 1, &wait) < 0)
		return -EINVAL;
	*ret_run_ns = run;
	*ret_wait_ns = wait;
	return 0;
}
