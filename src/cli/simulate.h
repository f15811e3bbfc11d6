/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What `vnuma simulate` found out, and the forms it is told in (simulate_print.c). */

#include <jansson.h>

#include "../simulate/replay.h"

#define VN_SIMULATE_RULES 8u /* more than there are */

struct vn_simulation {
	const struct vn_host *host;
	const struct vn_stock *stock; /* of the empty host */
	const struct vn_trace *trace;
	const char *source; /* the trace: "seed 1, 100000 events", or a file's name */
	unsigned overcommit; /* hundredths */
	size_t n;
	struct vn_replay replays[VN_SIMULATE_RULES];
	uint64_t common[VN_SIMULATE_RULES]; /* thousandths: mean distance over what all accepted */
	size_t n_common;
};

void vn_simulation_print(const struct vn_simulation *simulation, FILE *out);
json_t *vn_simulation_to_json(const struct vn_simulation *simulation);

/* For vn_write_whole(). */
int vn_simulation_print_csv(const void *simulation, FILE *out);
int vn_simulation_print_svg(const void *simulation, FILE *out);
