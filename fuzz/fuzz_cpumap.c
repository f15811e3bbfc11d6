/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mask is refused, or holds no number that it could not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/discover/sysfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);
	vn_autoset set = NULL;

	if (!text)
		return 0;
	if (vn_mask_parse(text, &set) < 0) {
		if (set)
			abort();
		return 0;
	}
	if (hwloc_bitmap_last(set) > (int)VN_SET_MAX || vn_set_weight(set) > 4 * size)
		abort();
	return 0;
}
