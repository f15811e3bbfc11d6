/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mask is refused, or holds no number that it could not; what is written of it reads back equal. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/mask.h"

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
	vn_autofree char *again = vn_mask_text(set);
	vn_autoset back = NULL;
	if (!again || vn_mask_parse(again, &back) < 0 || !hwloc_bitmap_isequal(set, back))
		abort();
	return 0;
}
