/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The runs of a page map: two numbers each, in groups of seven bits. */
#include "page_map_part.h"

#define RUN_MAX 20u /* bytes of two numbers of 64 bits */
#define GROUP 7u

static size_t put_number(unsigned char *to, uint64_t number)
{
	size_t n = 0;

	for (; number >> GROUP; number >>= GROUP)
		to[n++] = (unsigned char)(number | 1u << GROUP);
	to[n++] = (unsigned char)number;
	return n;
}

static int make_room(struct vn_page_bytes *bytes)
{
	if (bytes->n > VN_PAGE_MAP_MAX)
		return -EFBIG;
	if (bytes->room - bytes->n >= RUN_MAX)
		return 0;
	size_t room = bytes->room + bytes->room / 2 + 4096;
	unsigned char *grown = realloc(bytes->v, room);
	if (!grown)
		return -ENOMEM;
	bytes->v = grown;
	bytes->room = room;
	return 0;
}

int vn_page_runs_close(struct vn_page_runs *runs)
{
	struct vn_page_bytes *bytes = runs->bytes;
	int r = runs->open.n ? make_room(bytes) : 0;

	if (r < 0 || runs->open.n == 0)
		return r;
	bytes->n += put_number(bytes->v + bytes->n, runs->open.n);
	bytes->n += put_number(bytes->v + bytes->n, (uint64_t)runs->open.node + 1);
	runs->open.n = 0;
	return 0;
}

int vn_page_runs_add(struct vn_page_runs *runs, int node, uint64_t n)
{
	int r = runs->open.node != node ? vn_page_runs_close(runs) : 0;

	if (r < 0)
		return r;
	runs->open.node = node;
	runs->open.n += n;
	return 0;
}

/* In as few groups as it needs, and no more than 64 bits. */
static int take_number(const unsigned char **at, const unsigned char *end, uint64_t *ret)
{
	uint64_t number = 0;

	for (unsigned shift = 0; *at < end && shift < 64; shift += GROUP) {
		unsigned char byte = *(*at)++;
		uint64_t group = byte & ((1u << GROUP) - 1);
		if (shift > 64 - GROUP && group >> (64 - shift))
			return -EINVAL;
		number |= group << shift;
		if (byte >> GROUP)
			continue;
		if (byte == 0 && shift > 0)
			return -EINVAL;
		*ret = number;
		return 0;
	}
	return -EINVAL;
}

int vn_page_run_next(const unsigned char **at, const unsigned char *end, struct vn_page_run *ret_run)
{
	uint64_t n, node;

	if (take_number(at, end, &n) < 0 || n == 0 || take_number(at, end, &node) < 0 || node > VN_MAX_NODES)
		return -EINVAL;
	*ret_run = (struct vn_page_run){n, (int)node - 1};
	return 0;
}
