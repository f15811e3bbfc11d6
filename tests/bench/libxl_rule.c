/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libxl_rule.h"

struct candidate {
	uint32_t set;
	uint64_t free_mib, vcpus;
};

/* The next larger number with as many bits set, or 0 beyond n bits. */
static uint32_t next_set(uint32_t set, unsigned n)
{
	uint32_t low = set & -set, carried = set + low;
	uint32_t next = carried | (((set ^ carried) >> 2) / low);

	return next >> n ? 0 : next;
}

static struct candidate weigh(const struct libxl_node *nodes, uint32_t set, unsigned *ret_cpus)
{
	struct candidate c = {.set = set};

	*ret_cpus = 0;
	for (uint32_t rest = set; rest; rest &= rest - 1) {
		const struct libxl_node *node = &nodes[__builtin_ctz(rest)];
		c.free_mib += node->free_mib;
		c.vcpus += node->vcpus;
		*ret_cpus += node->cpus;
	}
	return c;
}

uint32_t libxl_place(const struct libxl_node *nodes, unsigned n, uint64_t mib, unsigned vcpus)
{
	struct candidate best = {0};
	unsigned widest = 1;

	for (unsigned i = 0; i < n && n <= LIBXL_MAX_NODES; i++)
		widest = nodes[i].cpus > widest ? nodes[i].cpus : widest;
	unsigned k = (vcpus + widest - 1) / widest;
	for (k = k > 0 ? k : 1; k <= n && n <= LIBXL_MAX_NODES && !best.set; k++) {
		for (uint32_t set = (1u << k) - 1; set; set = next_set(set, n)) {
			unsigned cpus;
			struct candidate c = weigh(nodes, set, &cpus);
			if (cpus < vcpus || c.free_mib < mib)
				continue;
			if (!best.set || c.vcpus < best.vcpus ||
				(c.vcpus == best.vcpus && c.free_mib > best.free_mib))
				best = c;
		}
	}
	return best.set;
}
