/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

void vn_host_print(const struct vn_host *host, FILE *out)
{
	fprintf(out, "%zu nodes\n", host->n_nodes);
}

void vn_host_free_print(const struct vn_host *host, hwloc_const_bitmap_t cells, FILE *out)
{
	(void)cells;
	fprintf(out, "%zu nodes\n", host->n_nodes);
}
