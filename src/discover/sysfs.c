/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "discover.h"

int vn_discover_sysfs(const char *path, struct vn_host **ret_host, struct vn_error *err)
{
	(void)ret_host;
	return vn_error_environment(err, -ENOSYS, "%s: sysfs is not read yet", path);
}
