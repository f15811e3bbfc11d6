/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list is refused, or is the set whose own text reads back to it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);
	vn_autoset set = NULL, again = NULL;

	if (!text)
		return 0;
	if (vn_set_parse(text, &set) < 0) {
		if (set)
			abort();
		return 0;
	}
	vn_autofree char *printed = vn_set_text(set);
	if (!printed || vn_set_parse(printed, &again) < 0 || !hwloc_bitmap_isequal(set, again))
		abort();
	if (hwloc_bitmap_last(set) > (int)VN_SET_MAX)
		abort();
	return 0;
}
