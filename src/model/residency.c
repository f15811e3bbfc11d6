/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "residency.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define Z99 2.5758293035489004 /* the normal distribution's two-sided 99% point */

void vn_residency_clear(struct vn_residency *residency)
{
	free(residency->nodes);
	*residency = (struct vn_residency){0};
}

int vn_residency_count(struct vn_residency *residency, unsigned node)
{
	size_t i = 0;

	while (i < residency->n_nodes && residency->nodes[i].node < node)
		i++;
	if (i == residency->n_nodes || residency->nodes[i].node != node) {
		struct vn_node_count *grown =
			reallocarray(residency->nodes, residency->n_nodes + 1, sizeof(*residency->nodes));
		if (!grown)
			return -ENOMEM;
		memmove(grown + i + 1, grown + i, (residency->n_nodes - i) * sizeof(*grown));
		grown[i] = (struct vn_node_count){node, 0};
		residency->nodes = grown;
		residency->n_nodes++;
	}
	residency->nodes[i].pages++;
	return 0;
}

/*
 * Wilson's score interval (E. B. Wilson, "Probable inference, the law of succession, and statistical
 * inference", JASA 22, 1927): sound for small counts too, where the textbook interval collapses to a point at
 * 0 hits.
 */
struct vn_share_interval vn_mean_interval(double mean, uint64_t asked, bool exact)
{
	double n = (double)asked, p = mean;

	if (asked == 0)
		return (struct vn_share_interval){0, 0, 1};
	if (exact)
		return (struct vn_share_interval){p, p, p};
	double z2 = Z99 * Z99, centre = (p + z2 / (2 * n)) / (1 + z2 / n);
	double half = Z99 / (1 + z2 / n) * sqrt(fmax(0, p * (1 - p)) / n + z2 / (4 * n * n));
	double low = p <= 0 ? 0 : centre - half, high = p >= 1 ? 1 : centre + half;
	return (struct vn_share_interval){p, fmax(0, low), fmin(1, high)};
}

struct vn_share_interval vn_share_interval(uint64_t hits, uint64_t asked, bool exact)
{
	return vn_mean_interval(asked ? (double)hits / (double)asked : 0, asked, exact);
}
