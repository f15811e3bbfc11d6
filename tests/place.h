/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A folder of the test's own that stands for a root: what a reader would find below /proc and /sys. */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/base/rootfs.h"

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

/* A folder with a `proc` in it. */
struct place {
	char path[64];
	struct vn_root root;
};

static inline void place_make(struct place *place)
{
	*place = (struct place){.path = "/tmp/vnuma-place-XXXXXX", .root = {.fd = -1}};
	assert_non_null(mkdtemp(place->path));
}

static inline void place_clear(struct place *place)
{
	vn_root_close(&place->root);
	nftw(place->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void put(const struct place *place, const char *path, const char *text)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", place->path, path);
	for (char *slash = strchr(full + strlen(place->path) + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	FILE *out = fopen(full, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* The same for bytes: a command line has zeros in it. */
static inline void put_bytes(const struct place *place, const char *path, const char *bytes, size_t size)
{
	char full[256];

	put(place, path, "");
	snprintf(full, sizeof(full), "%s/%s", place->path, path);
	FILE *out = fopen(full, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(out);
}

static inline void put_link(const struct place *place, const char *path, const char *target)
{
	char full[256];

	put(place, path, "");
	snprintf(full, sizeof(full), "%s/%s", place->path, path);
	remove(full);
	assert_int_equal(symlink(target, full), 0);
}

/* Opens it, once all is there. */
static inline const struct vn_root *place_root(struct place *place)
{
	if (place->root.fd < 0)
		assert_int_equal(vn_root_open(place->path, &place->root, NULL), 0);
	return &place->root;
}
