/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a migration asks of the kernel, asked of the kernel. */

#include "migrate.h"

struct vn_migrate_kernel {
	int stop_fd;
	int flags; /* MPOL_MF_MOVE_ALL until that was refused */
};

/* `kernel` is the calls' context and has to live as long as they do. */
struct vn_migrate_calls vn_migrate_kernel_calls(struct vn_migrate_kernel *kernel, int stop_fd);
