/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The host's settings that bear on VMs, in words: for the page, for `dump`. */

#include "sample.h"

#define VN_SETTINGS_N 8u
#define VN_SETTING_TEXT 80

struct vn_setting {
	const char *name; /* "kernel.numa_balancing" */
	char value[VN_SETTING_TEXT];
};

/* Fills all VN_SETTINGS_N of them; what is not known has "not known". */
void vn_settings_words(const struct vn_sample *sample, struct vn_setting ret[static VN_SETTINGS_N]);
