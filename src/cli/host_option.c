/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include "../discover/discover.h"

int vn_args_host(const struct vn_args *args, struct vn_host **ret_host, struct vn_error *err)
{
	const char *source = vn_arg(args, "host");
	return vn_discover(source ? source : "live", ret_host, err);
}
