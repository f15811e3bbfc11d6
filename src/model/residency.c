/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "residency.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OUTSIDE_EACH 0.005 /* the chance that the truth is below the interval, and that it is above it */
#define HALVINGS 48
#define FRACTION_MOST 1000

void vn_residency_clear(struct vn_residency *residency)
{
	free(residency->nodes);
	*residency = (struct vn_residency){0};
}

int vn_residency_add(struct vn_residency *residency, unsigned node, uint64_t pages)
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
	residency->nodes[i].pages += pages;
	return 0;
}

uint64_t vn_residency_present(const struct vn_residency *residency)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < residency->n_nodes; i++)
		pages += residency->nodes[i].pages;
	return pages;
}

static double log_gamma(double x)
{
	int sign; /* lgamma() would write it to a global */

	return lgamma_r(x, &sign);
}

/*
 * The regularized incomplete beta function I_x(a, b), where x is no larger than its mean: by its continued fraction (NIST DLMF
 * 8.17.22), reckoned from the front as Lentz does. It is the chance of `a` hits or more of a + b - 1 draws with chance x each.
 */
static double incomplete_beta(double x, double a, double b)
{
	const double tiny = 1e-300;
	double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x)) / a;
	double c = 1, d = 1 - (a + b) * x / (a + 1), value;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	value = d;
	for (int m = 1; m < FRACTION_MOST; m++) {
		double before = value;
		for (int odd = 0; odd < 2; odd++) {
			double t = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
				       : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
			c = 1 + t / c;
			d = 1 + t * d;
			c = fabs(c) < tiny ? tiny : c;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			value *= c * d;
		}
		if (fabs(value - before) < 1e-12 * fabs(value))
			break;
	}
	return front * value;
}

/* The share with which `hits` or more of `asked` would come with a chance of OUTSIDE_EACH. */
static double lower_bound(double hits, double asked)
{
	double low = 0, high = hits / asked;

	for (int i = 0; hits > 0 && i < HALVINGS; i++) {
		double middle = (low + high) / 2;
		if (incomplete_beta(middle, hits, asked - hits + 1) < OUTSIDE_EACH)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/*
 * The exact interval of C. J. Clopper and E. S. Pearson ("The use of confidence or fiducial limits illustrated in the case of the
 * binomial", Biometrika 26, 1934): it holds the truth in 99% of samples or more, whatever the truth is. Wilson's, which is
 * shorter, does not where the share is small: of 4096 pages, with a share of 0.04%, it fails in 2.6%.
 */
static struct vn_share_interval interval_of(double hits, double asked, bool exact)
{
	double p = asked > 0 ? hits / asked : 0;

	if (asked <= 0)
		return (struct vn_share_interval){0, 0, 1};
	if (exact)
		return (struct vn_share_interval){p, p, p};
	return (struct vn_share_interval){p, lower_bound(hits, asked), 1 - lower_bound(asked - hits, asked)};
}

struct vn_share_interval vn_share_interval(uint64_t hits, uint64_t asked, bool exact)
{
	return interval_of((double)hits, (double)asked, exact);
}

struct vn_share_interval vn_mean_interval(double mean, uint64_t asked, bool exact)
{
	return interval_of(mean * (double)asked, (double)asked, exact);
}
