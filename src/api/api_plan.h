/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the public functions of planning share. */

#include "../plan/plan_make.h"
#include "api.h"

/* Whether it is of this host, by the host's identity. Reading one of another would go beyond its ends. */
bool vn_api_is_of_host(const struct vn_occupied *occupied, const struct vn_host *host);
