/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "sysfs_tree.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "../base/error.h"

#define TRIES 25u
#define TRY_MS 20

int vn_sysfs_open(const char *folder, struct vn_sysfs_tree *ret_tree)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return vn_errno();
	*ret_tree = (struct vn_sysfs_tree){.fd = fd};
	return 0;
}

void vn_sysfs_close(struct vn_sysfs_tree *tree)
{
	if (tree->fd >= 0)
		close(tree->fd);
	tree->fd = -1;
}

static int put_once(int folder, const char *path, const char *value)
{
	/* sysfs does not mind O_TRUNC; a plain file in its place would keep the rest of a longer value. */
	vn_autoclose int fd = openat(folder, path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return vn_errno();
	ssize_t n = write(fd, value, strlen(value));
	if (n < 0)
		return vn_errno();
	return (size_t)n == strlen(value) ? 0 : -EIO;
}

static int get_once(int folder, const char *path, char value[static VN_SYSFS_VALUE])
{
	vn_autoclose int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return vn_errno();
	ssize_t n = read(fd, value, VN_SYSFS_VALUE - 1);
	if (n < 0)
		return vn_errno();
	value[n] = '\0';
	return 0;
}

static int failed(struct vn_sysfs_tree *tree, const char *path, int r)
{
	if (r < 0)
		snprintf(tree->at, sizeof(tree->at), "%s", path);
	return r;
}

int vn_sysfs_put(struct vn_sysfs_tree *tree, const char *path, const char *value)
{
	int r = put_once(tree->fd, path, value);

	for (unsigned try = 1; r == -EBUSY && try < TRIES; try++) {
		poll(NULL, 0, TRY_MS);
		r = put_once(tree->fd, path, value);
	}
	return failed(tree, path, r);
}

static int get(struct vn_sysfs_tree *tree, const char *path, char value[static VN_SYSFS_VALUE])
{
	int r = get_once(tree->fd, path, value);

	for (unsigned try = 1; r == -EBUSY && try < TRIES; try++) {
		poll(NULL, 0, TRY_MS);
		r = get_once(tree->fd, path, value);
	}
	return failed(tree, path, r);
}

int vn_sysfs_get(struct vn_sysfs_tree *tree, const char *path, char value[static VN_SYSFS_VALUE])
{
	int r = get(tree, path, value);

	if (r == 0)
		value[strcspn(value, "\n")] = '\0';
	return r;
}

int vn_sysfs_set(struct vn_sysfs_tree *tree, const char *path, const char *value)
{
	char now[VN_SYSFS_VALUE];
	int r = vn_sysfs_put(tree, path, value);

	if (r == 0)
		r = vn_sysfs_get(tree, path, now);
	if (r == 0 && strcmp(now, value) != 0)
		r = failed(tree, path, -EIO);
	return r;
}

int vn_sysfs_offers(struct vn_sysfs_tree *tree, const char *path, const char *word)
{
	char value[VN_SYSFS_VALUE], *rest = NULL;
	int r = get(tree, path, value);

	if (r < 0)
		return r;
	for (const char *at = strtok_r(value, " \n", &rest); at; at = strtok_r(NULL, " \n", &rest)) {
		if (strcmp(at, word) == 0)
			return 0;
	}
	return failed(tree, path, -ENOENT);
}
