/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "discover.h"

#include <string.h>

#include "../base/rootfs.h"

/* A tree that stays where it is can be read again; one that a reader unpacked for itself cannot. */
static int discover_tree(const char *root, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autohost *host = NULL;
	int r = vn_discover_sysfs(root, &host, err);

	if (r < 0)
		return r;
	host->root = realpath(root, NULL); /* whatever the process's directory is then */
	if (!host->root)
		return vn_error_environment(err, -errno, "%s: %s", root, strerror(errno));
	*ret_host = vn_steal(host);
	return 0;
}

static int discover_live(const char *unused, struct vn_host **ret_host, struct vn_error *err)
{
	(void)unused;
	return discover_tree("/", ret_host, err);
}

static int discover_numactl_file(const char *file, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autofree char *text = NULL;
	int r = vn_file_read(file, VN_FILE_MAX, &text, err);
	return r < 0 ? r : vn_discover_numactl(text, file, ret_host, err);
}

/* The forms of --host. One that ends in a colon takes what follows it. */
static const struct {
	const char *prefix, *form;
	int (*discover)(const char *rest, struct vn_host **ret_host, struct vn_error *err);
} sources[] = {
	{"live", "live", discover_live},
	{"sysfs:", "sysfs:DIR", discover_tree},
	{"tar:", "tar:FILE", vn_discover_tar},
	{"numactl:", "numactl:FILE", discover_numactl_file},
	{"hwloc:", "hwloc:FILE", vn_discover_hwloc},
	{"synthetic:", "synthetic:STRING", vn_discover_synthetic},
	{"json:", "json:FILE", vn_discover_json},
};

#define FORMS "live, sysfs:DIR, tar:FILE, numactl:FILE, hwloc:FILE, synthetic:STRING or json:FILE"

int vn_discover(const char *source, struct vn_host **ret_host, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--host"};

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		size_t length = strlen(sources[i].prefix);
		bool takes_rest = sources[i].prefix[length - 1] == ':';
		if (strncmp(source, sources[i].prefix, length) != 0 || (!takes_rest && source[length]))
			continue;
		if (takes_rest && !source[length])
			return vn_error_input(
				err, &where, "'%s' names nothing; expected %s", source, sources[i].form);
		return sources[i].discover(source + length, ret_host, err);
	}
	return vn_error_input(err, &where, "'%s' is no source; expected " FORMS, source);
}
