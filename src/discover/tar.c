/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive of another host's /sys and /proc: read into memory, then as any tree of them. */
#include "discover.h"

#include "../base/text.h"
#include "sysfs.h"

int vn_discover_tar(const char *file, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autoroot root = {.fd = -1};
	int r = vn_root_open_archive(file, &root, err);

	if (r < 0)
		return r;
	vn_autofree char *source = vn_format("tar:%s", file);
	if (!source)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return vn_sysfs_host(&root, source, ret_host, err);
}
