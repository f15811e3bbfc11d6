/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the tests of host sources say of a host. Include after cmocka.h. */

#include <string.h>

#include "../src/model/host.h"

static inline void assert_set(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *text = vn_set_text(set);
	assert_string_equal(text, expected);
}
