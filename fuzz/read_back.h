/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* For all targets that read a host: what is printed of it as JSON reads back to what prints the same. */

#include <stdlib.h>
#include <string.h>

#include "../src/discover/discover.h"

static inline char *dump_host(const struct vn_host *host)
{
	json_auto_t *json = vn_host_to_json(host);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	if (!text)
		abort();
	return text;
}

static inline void must_read_back(const struct vn_host *host)
{
	vn_autofree char *once = dump_host(host);
	vn_autoerror err = {0};
	vn_autohost *back = NULL;
	if (vn_discover_json_text(once, "dump", &back, &err) < 0) {
		for (size_t i = 0; i < err.n; i++)
			fprintf(stderr, "%s: %s\n", err.problems[i].key ? err.problems[i].key : "",
				err.problems[i].text);
		abort();
	}
	vn_autofree char *twice = dump_host(back);
	if (strcmp(once, twice) != 0)
		abort();
}
