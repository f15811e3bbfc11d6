/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A VM's network devices: their taps, vhost workers by queue, and the host's interface under them. */

#include "survey.h"

/* Threads must have been found before. 0, -ENOMEM, -ESRCH; what could not be read is a gap. */
int vn_nics_find(const struct vn_survey *survey, const struct vn_host *host, struct vn_vm_sample *vm);
