/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "sysfs.h"

#include <limits.h>
#include <string.h>

#include "../base/mask.h"
#include "../base/parse.h"
#include "../base/text.h"

#define MAX_KB (UINT64_C(1) << 40) /* 2^50 bytes */

static int add_problem(struct vn_sysfs *sysfs, const char *path, const char *text)
{
	vn_autofree char *full = NULL;
	const char *root = sysfs->root.path;
	size_t length = strlen(root);

	if (asprintf(&full, "%s%s%s", root, length && root[length - 1] == '/' ? "" : "/", path) < 0)
		full = NULL;
	if (sysfs->root.live)
		return vn_error_environment(sysfs->err, -EIO, "%s: %s", full ? full : path, text);
	struct vn_where where = {full ? full : path, 0, NULL};
	return vn_error_input(sysfs->err, &where, "%s", text);
}

int vn_sysfs_problem(struct vn_sysfs *sysfs, const char *path, const char *format, ...)
{
	char text[256];
	va_list args;

	if (sysfs->problems++ >= VN_SYSFS_MAX_PROBLEMS)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* values seen may come from somebody else's tree: nothing of them may act on a terminal */
	for (char *p = text; *p; p++) {
		if (*p < 0x20 || *p >= 0x7f)
			*p = '?';
	}
	return add_problem(sysfs, path, text);
}

void vn_sysfs_tell_rest(struct vn_sysfs *sysfs)
{
	char text[64];

	if (sysfs->problems <= VN_SYSFS_MAX_PROBLEMS)
		return;
	snprintf(text, sizeof(text), "%zu more problems", sysfs->problems - VN_SYSFS_MAX_PROBLEMS);
	add_problem(sysfs, "", text);
}

void vn_sysfs_leave_out(struct vn_left_out *left_out, const char *path)
{
	if (left_out->n++ == 0)
		snprintf(left_out->first, sizeof(left_out->first), "%s", path);
}

int vn_left_out_note(
	const struct vn_left_out *left_out, const char *code, const char *what, struct vn_notes *notes)
{
	bool one = left_out->n == 1;

	if (left_out->n == 0)
		return 0;
	return vn_notes_add(notes, code, "%zu %s%s left out, as such numbers cannot be true: %s%s",
		left_out->n, what, one ? "" : "s", left_out->first, one ? "" : " and others");
}

int vn_sysfs_unreadable(struct vn_sysfs *sysfs, const char *path, int status)
{
	switch (status) {
	case -ENOMEM:
		return vn_error_environment(sysfs->err, status, "out of memory");
	case -EACCES:
	case -EPERM:
		return vn_error_environment(sysfs->err, status, "%s/%s: no permission to read it",
			sysfs->root.live ? "" : sysfs->root.path, path);
	case -EINVAL:
		return vn_sysfs_problem(sysfs, path, "holds a NUL byte; expected text");
	case -ENXIO:
		return vn_sysfs_problem(sysfs, path, "is a device, a pipe or a socket; expected a file");
	case -EISDIR:
		return vn_sysfs_problem(sysfs, path, "is a directory; expected a file");
	case -EFBIG:
		return vn_sysfs_problem(
			sysfs, path, "is longer than %u bytes; expected a smaller file", VN_FILE_MAX);
	default:
		return vn_sysfs_problem(sysfs, path, "cannot be read: %s", strerror(-status));
	}
}

int vn_sysfs_read(struct vn_sysfs *sysfs, const char *path, char **ret_text)
{
	int r = vn_root_read(&sysfs->root, path, ret_text);

	if (r == 0 || r == -ENOENT)
		return r;
	return r == -ENOTDIR ? -ENOENT : vn_sysfs_unreadable(sysfs, path, r);
}

static int read_one_set(struct vn_sysfs *sysfs, const char *path,
	int (*parse)(const char *, hwloc_bitmap_t *), const char *expected, hwloc_bitmap_t *ret_set)
{
	vn_autofree char *text = NULL;
	int r = vn_sysfs_read(sysfs, path, &text);

	if (r < 0)
		return r;
	r = parse(text, ret_set);
	if (r == -ENOMEM)
		return vn_error_environment(sysfs->err, r, "out of memory");
	text[strcspn(text, "\n")] = '\0';
	return r < 0 ? vn_sysfs_problem(sysfs, path, "'%.60s'; expected %s", text, expected) : 0;
}

int vn_sysfs_read_set(struct vn_sysfs *sysfs, const char *directory, const char *list, const char *mask,
	hwloc_bitmap_t *ret_set)
{
	char path[VN_PATH_TEXT];

	snprintf(path, sizeof(path), "%s/%s", directory, list);
	int r = read_one_set(sysfs, path, vn_set_parse, "a list of numbers like 0-3,8", ret_set);
	if (r != -ENOENT || !mask)
		return r;
	snprintf(path, sizeof(path), "%s/%s", directory, mask);
	return read_one_set(sysfs, path, vn_mask_parse, "a mask like 00000000,0000010f", ret_set);
}

int vn_sysfs_read_id(struct vn_sysfs *sysfs, const char *path, int *ret)
{
	vn_autofree char *text = NULL;
	uint64_t value;
	int r = vn_sysfs_read(sysfs, path, &text);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	size_t length = strlen(text);
	if (length > 0 && text[length - 1] == '\n')
		text[length - 1] = '\0';
	r = vn_parse_u64(text[0] == '-' ? text + 1 : text, INT_MAX, &value);
	if (r == -EINVAL)
		return vn_sysfs_problem(sysfs, path, "'%.60s'; expected a number", text);
	*ret = r < 0 || text[0] == '-' ? -1 : (int)value;
	return 0;
}

int vn_sysfs_list_ids(struct vn_sysfs *sysfs, const char *directory, const char *prefix, uint64_t max,
	hwloc_bitmap_t *ret_ids)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	vn_autoset ids = hwloc_bitmap_alloc();
	char path[VN_PATH_TEXT];
	size_t length = strlen(prefix);
	int r = vn_root_list(&sysfs->root, directory, &names);

	if (r == -ENOENT || r == -ENOTDIR)
		return -ENOENT;
	if (r < 0)
		return vn_sysfs_unreadable(sysfs, directory, r);
	if (!ids)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	for (char **name = names; *name; name++) {
		const char *digits = *name + length;
		uint64_t id;
		if (strncmp(*name, prefix, length) != 0 || (digits[0] == '0' && digits[1]))
			continue; /* the kernel writes no leading zeros */
		r = vn_parse_u64(digits, max, &id);
		if (r == -ERANGE) {
			snprintf(path, sizeof(path), "%s/%.64s", directory, *name);
			vn_sysfs_leave_out(&sysfs->numbers, path);
		}
		if (r < 0)
			continue; /* cpufreq, cpuidle */
		if (hwloc_bitmap_set(ids, (unsigned)id) < 0)
			return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	}
	*ret_ids = vn_steal(ids);
	return 0;
}

/* The line's text behind `KEY:` and blanks, or NULL when it is another key's. */
static const char *match_key(const char *line, const char *key)
{
	size_t length = strlen(key);

	if (strncmp(line, "Node ", 5) == 0) {
		line += 5;
		line += strspn(line, "0123456789");
		line += strspn(line, " ");
	}
	if (strncmp(line, key, length) != 0 || line[length] != ':')
		return NULL;
	return line + length + 1 + strspn(line + length + 1, " \t");
}

int vn_meminfo_bytes(const char *text, const char *key, uint64_t *ret_bytes)
{
	for (const char *line = text; *line; line = vn_next_line(line)) {
		const char *value = match_key(line, key);
		if (!value)
			continue;
		char number[24];
		size_t digits = strspn(value, "0123456789");
		uint64_t kb;
		if (digits >= sizeof(number) || strncmp(value + digits, " kB", 3) != 0 ||
			(value[digits + 3] && value[digits + 3] != '\n'))
			return -EINVAL;
		memcpy(number, value, digits);
		number[digits] = '\0';
		if (vn_parse_u64(number, MAX_KB, &kb) < 0)
			return -EINVAL;
		*ret_bytes = kb * 1024;
		return 0;
	}
	return -ENOENT;
}
