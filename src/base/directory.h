/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A directory stream that is closed on every way out. */

#include <dirent.h>

#include "cleanup.h"

static inline void vn_closedirp(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}
#define vn_autoclosedir vn_cleanup(vn_closedirp)
