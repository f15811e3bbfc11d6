/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <string.h>
#include <sys/stat.h>

#include "../base/text.h"
#include "launch.h"

#define NAME "qemu-system-x86_64"
#define FALLBACK "/usr/libexec/qemu-kvm" /* where Red Hat's systems keep it, outside PATH */

static bool is_program(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The first program of that name in PATH as an absolute path; a new string, or NULL. */
static char *search_path(const char *name)
{
	const char *path = getenv("PATH");
	vn_autofree char *copy = strdup(path ? path : "");
	char *rest = copy, *directory;

	while (rest && (directory = strsep(&rest, ":"))) {
		vn_autofree char *candidate = *directory == '/' ? vn_format("%s/%s", directory, name) : NULL;
		if (candidate && is_program(candidate))
			return vn_steal(candidate);
	}
	return NULL;
}

int vn_qemu_find(char **ret_path, struct vn_error *err)
{
	const char *given = secure_getenv("VNUMA_QEMU");
	const char *path = getenv("PATH");
	char *found = NULL;

	if (given && *given) {
		found = *given == '/' ? (is_program(given) ? strdup(given) : NULL) : search_path(given);
		if (!found)
			return vn_error_environment(err, -ENOENT,
				"VNUMA_QEMU: '%s' is no program; expected an absolute path, or a name in "
				"PATH",
				given);
	} else if (!(found = search_path(NAME)) && is_program(FALLBACK)) {
		found = strdup(FALLBACK);
	}
	if (!found)
		return vn_error_environment(err, -ENOENT,
			"no QEMU: looked for " NAME " in PATH (%s) and for " FALLBACK
			"; Debian has it in the package qemu-system-x86",
			path && *path ? path : "which is empty");
	*ret_path = found;
	return 0;
}
