/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Either a number of bytes that is a multiple of 1024, or untouched. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/discover/sysfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);
	static const char *const keys[] = {"MemTotal", "MemFree", "Active(file)"};

	if (!text)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		uint64_t bytes = 1;
		int r = vn_meminfo_bytes(text, keys[i], &bytes);
		if (r == 0 ? bytes % 1024 != 0 : bytes != 1)
			abort();
	}
	return 0;
}
