/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where a vnode is at home, and whether it can be at home anywhere. */

#include "case.h"

/* Fills home, home_by and loose of each vnode. 0 or -ENOMEM. */
int vn_homes_find(struct vn_case *the);
