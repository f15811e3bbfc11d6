/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any text is either a host that prints and reads back, or problems that a terminal may show: never neither, never both. */
#include <stdint.h>

#include "read_back.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);
	vn_autoerror err = {0};
	vn_autohost *host = NULL;
	int r = text ? vn_discover_hwloc_text(text, "fuzz", &host, &err) : -ENOMEM;

	if ((r == 0) != (host != NULL) || (r == 0) != (err.n == 0) || (r < 0 && !err.input))
		abort();
	for (size_t i = 0; i < err.n; i++) {
		for (const char *p = err.problems[i].text; *p; p++) {
			if (*p < 0x20 || *p >= 0x7f)
				abort();
		}
	}
	if (host)
		must_read_back(host);
	return 0;
}
