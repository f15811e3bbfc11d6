/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "policy.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

/* The mode whose name `text` begins with, up to its end, a flag, a node list or a blank. The longest name
 * wins. */
static enum vn_policy_mode find_mode(const char *text, size_t *ret_length)
{
	enum vn_policy_mode mode = VN_MODE_UNKNOWN;

	*ret_length = strcspn(text, "=: \n");
	for (unsigned i = 0; i < VN_MODE_UNKNOWN; i++) {
		const char *name = vn_policy_mode_name((enum vn_policy_mode)i);
		size_t length = strlen(name);
		if (strncmp(text, name, length) == 0 && strchr("=: \n", text[length]) &&
			(mode == VN_MODE_UNKNOWN || length > *ret_length)) {
			mode = (enum vn_policy_mode)i;
			*ret_length = length;
		}
	}
	return mode;
}

int vn_numa_maps_line(const char *line, uint64_t *ret_address, struct vn_mem_policy *ret_policy)
{
	vn_autopolicy policy = {0};
	char *end;
	size_t length;

	if (!strchr("0123456789abcdef", *line) || !*line)
		return -EINVAL;
	errno = 0;
	unsigned long long address = strtoull(line, &end, 16);
	if (errno || *end != ' ' || end[1] == ' ' || !end[1])
		return -EINVAL;
	const char *text = end + 1;
	policy.mode = find_mode(text, &length);
	if (length == 0)
		return -EINVAL;
	const char *rest = text + length;
	if (*rest == '=')
		rest += strcspn(rest, ": \n");
	vn_autofree char *nodes = *rest == ':' ? strndup(rest + 1, strcspn(rest + 1, " \n")) : strdup("");
	if (!nodes)
		return -ENOMEM;
	int r = vn_set_parse(nodes, &policy.nodes);
	if (r < 0)
		return r;
	size_t all = (size_t)(rest - text) + (*rest == ':' ? 1 + strlen(nodes) : 0);
	snprintf(policy.text, sizeof(policy.text), "%.*s", (int)(all > 63 ? 63 : all), text);
	*ret_address = address;
	*ret_policy = policy;
	policy = (struct vn_mem_policy){0};
	return 0;
}

/* The number behind `key` in the line's fields; false: there is none. *p is behind it then. */
static bool next_number(const char **p, const char *key, uint64_t *ret)
{
	char number[24];

	for (const char *at = *p; (at = strchr(at, ' '));) {
		at++;
		if (strncmp(at, key, strlen(key)) != 0)
			continue;
		at += strlen(key);
		snprintf(number, sizeof(number), "%.*s", (int)strspn(at, "0123456789"), at);
		*p = at;
		if (vn_parse_u64(number, UINT64_MAX / 1024, ret) == 0)
			return true;
	}
	return false;
}

int vn_numa_maps_count(const char *line, uint64_t unit, struct vn_residency *residency)
{
	vn_autofree char *copy = strndup(line, strcspn(line, "\n"));
	const char *p = copy;
	uint64_t kib, node, pages;
	int r = copy ? 0 : -ENOMEM;

	if (r < 0 || !next_number(&p, "kernelpagesize_kB=", &kib))
		return r; /* no page is there */
	for (p = copy; r == 0 && next_number(&p, "N", &node);) {
		const char *behind = p + strspn(p, "0123456789"), *count = *behind == '=' ? behind + 1 : "";
		char number[24];
		snprintf(number, sizeof(number), "%.*s", (int)strspn(count, "0123456789"), count);
		if (node <= VN_SET_MAX && vn_parse_u64(number, UINT64_MAX / 1024, &pages) == 0)
			r = vn_residency_add(residency, (unsigned)node, pages * (kib * 1024 / unit));
	}
	return r;
}

/* Takes the policy over, unless one that reads the same is there. */
static int add_distinct(struct vn_mem_policy_list *list, struct vn_mem_policy *policy)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i].text, policy->text) == 0)
			return 0;
	}
	struct vn_mem_policy *grown = reallocarray(list->v, list->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->v = grown;
	grown[list->n++] = *policy;
	*policy = (struct vn_mem_policy){0};
	return 0;
}

/*
 * Lines are in ascending order and tell only where a mapping starts: the one with the highest start at or
 * below `address` holds it, and each that starts inside the range belongs to it too.
 */
static int collect(FILE *in, uint64_t address, uint64_t size, struct vn_mem_policy_list *list)
{
	vn_autopolicy before = {0};
	vn_autofree char *line = NULL;
	size_t room = 0;
	int r = 0;

	while (r == 0 && getline(&line, &room, in) >= 0) {
		vn_autopolicy policy = {0};
		uint64_t start;
		r = vn_numa_maps_line(line, &start, &policy);
		if (r < 0 || start >= address + size)
			break;
		if (start > address) {
			r = add_distinct(list, &policy);
		} else {
			vn_mem_policy_clear(&before);
			before = policy;
			policy = (struct vn_mem_policy){0};
		}
	}
	if (r == 0 && ferror(in))
		r = -EIO;
	if (r == 0 && before.nodes)
		r = add_distinct(list, &before);
	return r;
}

int vn_policies_read(
	pid_t pid, uint64_t address, uint64_t size, struct vn_mem_policy_list *ret_list, struct vn_error *err)
{
	struct vn_mem_policy_list list = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/numa_maps", pid);
	vn_autofclose FILE *in = fopen(path, "re");
	if (!in)
		return vn_error_environment(err, -errno, "%s: %s", path, strerror(errno));
	int r = collect(in, address, size, &list);
	if (r < 0) {
		vn_mem_policy_list_clear(&list);
		return vn_error_environment(
			err, r, "%s: %s", path, r == -EINVAL ? "a line is not understood" : strerror(-r));
	}
	*ret_list = list;
	return 0;
}
