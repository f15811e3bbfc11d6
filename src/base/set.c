/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "set.h"

#include <stdbool.h>
#include <string.h>

#include "text.h"

/* Reads digits at *p up to VN_SET_MAX and moves *p behind them. */
static int parse_member(const char **p, unsigned *ret)
{
	unsigned value = 0;

	if (**p < '0' || **p > '9')
		return -EINVAL;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		value = value * 10 + (unsigned)(**p - '0');
		if (value > VN_SET_MAX)
			return -EINVAL;
	}
	*ret = value;
	return 0;
}

static int parse_range(const char **p, hwloc_bitmap_t set)
{
	unsigned first, last;

	if (parse_member(p, &first) < 0)
		return -EINVAL;
	last = first;
	if (**p == '-') {
		(*p)++;
		if (parse_member(p, &last) < 0 || last < first)
			return -EINVAL;
	}
	return hwloc_bitmap_set_range(set, first, (int)last) < 0 ? -ENOMEM : 0;
}

int vn_set_parse(const char *text, hwloc_bitmap_t *ret_set)
{
	vn_autoset set = hwloc_bitmap_alloc();
	const char *p = text + strspn(text, " \t\n");

	if (!set)
		return -ENOMEM;
	while (*p && !strchr(" \t\n", *p)) {
		int r = parse_range(&p, set);
		if (r < 0)
			return r;
		if (*p == ',') {
			p++;
			if (*p < '0' || *p > '9')
				return -EINVAL;
		} else {
			break;
		}
	}
	if (p[strspn(p, " \t\n")])
		return -EINVAL;
	*ret_set = vn_steal(set);
	return 0;
}

char *vn_set_text(hwloc_const_bitmap_t set)
{
	char *text = NULL;
	return hwloc_bitmap_list_asprintf(&text, set) < 0 ? NULL : text;
}

unsigned vn_set_weight(hwloc_const_bitmap_t set)
{
	int weight = set ? hwloc_bitmap_weight(set) : 0;
	return weight < 0 ? 0 : (unsigned)weight;
}

/* One part between commas: "3", "0-3", or "^1", which takes away. */
static int apply_part(hwloc_bitmap_t set, char *part)
{
	vn_autoset members = NULL;

	part += strspn(part, " \t\r\n");
	for (size_t n = strlen(part); n && strchr(" \t\r\n", part[n - 1]); n--)
		part[n - 1] = 0;
	bool minus = *part == '^';
	int r = vn_set_parse(part + minus, &members);
	if (r < 0)
		return r;
	if (hwloc_bitmap_iszero(members))
		return -EINVAL;
	r = minus ? hwloc_bitmap_andnot(set, set, members) : hwloc_bitmap_or(set, set, members);
	return r < 0 ? -ENOMEM : 0;
}

int vn_set_parse_libvirt(const char *text, hwloc_bitmap_t *ret_set)
{
	vn_autofree char *copy = vn_copy(text);
	vn_autoset set = hwloc_bitmap_alloc();
	char *rest = copy, *part;
	int r = copy && set ? 0 : -ENOMEM;

	while (r == 0 && (part = strsep(&rest, ",")))
		r = apply_part(set, part);
	if (r == 0)
		*ret_set = vn_steal(set);
	return r;
}
