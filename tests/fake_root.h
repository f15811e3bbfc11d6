/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A folder that a test fills with a /proc and a /sys of its own. */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/base/rootfs.h"

struct fake_root {
	char path[64];
	struct vn_root root;
};

static inline int fake_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static inline void fake_clear(struct fake_root *fake)
{
	vn_root_close(&fake->root);
	nftw(fake->path, fake_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void fake_make(struct fake_root *fake)
{
	*fake = (struct fake_root){.path = "/tmp/vnuma-fake-XXXXXX", .root = {.fd = -1}};
	assert_non_null(mkdtemp(fake->path));
	assert_int_equal(vn_root_open(fake->path, &fake->root, NULL), 0);
}

static inline void fake_folders(const struct fake_root *fake, const char *path, char full[static 256])
{
	snprintf(full, 256, "%s/%s", fake->path, path);
	for (char *slash = strchr(full + strlen(fake->path) + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
}

static inline void fake_put(const struct fake_root *fake, const char *path, const char *text)
{
	char full[256];

	fake_folders(fake, path, full);
	FILE *out = fopen(full, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static inline void fake_link(const struct fake_root *fake, const char *path, const char *target)
{
	char full[256];

	fake_folders(fake, path, full);
	assert_int_equal(symlink(target, full), 0);
}

/* Bytes: a command line has zeros in it. */
static inline void fake_put_bytes(
	const struct fake_root *fake, const char *path, const char *bytes, size_t size)
{
	char full[256];

	fake_folders(fake, path, full);
	FILE *out = fopen(full, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(out);
}
