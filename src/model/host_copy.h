/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A host that can be changed while others read the first: what it would be like if. */

#include "host.h"

/* All of it anew. 0 or -ENOMEM. */
int vn_host_copy(const struct vn_host *from, struct vn_host **ret_copy);
