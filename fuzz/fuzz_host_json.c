/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text is either a host that hangs together, or problems: never neither, never both. What a host prints reads back to
 * what prints the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/discover/discover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vn_host *read_or_abort(const char *text, bool may_fail)
{
	vn_autoerror err = {0};
	struct vn_host *host = NULL;
	int r = vn_discover_json_text(text, "fuzz", &host, &err);

	if ((r == 0) != (host != NULL) || (r == 0) != (err.n == 0) || (r < 0 && !may_fail))
		abort();
	for (size_t i = 0; i < err.n; i++) {
		for (const char *p = err.problems[i].text; *p; p++) {
			if (*p < 0x20 || *p >= 0x7f)
				abort(); /* a terminal could act on it */
		}
	}
	return host;
}

static char *dump(const struct vn_host *host)
{
	json_auto_t *json = vn_host_to_json(host);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	if (!text)
		abort();
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);
	vn_autohost *host = text ? read_or_abort(text, true) : NULL;

	if (!host)
		return 0;
	if (host->live)
		abort();
	vn_autofree char *once = dump(host);
	vn_autohost *back = read_or_abort(once, false);
	vn_autofree char *twice = dump(back);
	if (strcmp(once, twice) != 0)
		abort();
	return 0;
}
