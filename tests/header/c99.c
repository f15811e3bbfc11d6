/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public header as strict C99 sees it; compiled with -pedantic, never run. */
#include <vnuma.h>

int main(void)
{
	struct vn_host *host = 0;
	struct vn_error *err = vn_error_new();
	int r = vn_host_open("live", &host, err);
	vn_host_free(host);
	vn_error_free(err);
	return r < 0;
}
