/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* From a sample to an audit: pure, and the same for the same sample. */

#include "../model/audit.h"

#define VN_THRESHOLD_DEFAULT 0.90

/* Judges all VMs of `sample`, which must outlive the audit. `threshold`: 0 to 1. 0 or -ENOMEM. */
int vn_judge(const struct vn_sample *sample, double threshold, struct vn_audit **ret_audit);
