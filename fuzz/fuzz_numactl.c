/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text is either a host that hangs together, or problems: never neither, never both. A host comes back from JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "read_back.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autoerror err = {0};
	vn_autohost *host = NULL;
	char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	int r = vn_discover_numactl(text, "fuzz", &host, &err);
	free(text);
	if ((r == 0) != (host != NULL) || (r == 0) != (err.n == 0))
		abort();
	if (host)
		must_read_back(host);
	return 0;
}
