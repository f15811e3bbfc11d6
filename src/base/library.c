/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "library.h"

#include <dlfcn.h>
#include <string.h>

int vn_library_load(const char *const *names, const char *what, const struct vn_symbol *symbols, void *calls,
	struct vn_error *err)
{
	void *library = NULL;

	for (const char *const *name = names; *name && !library; name++)
		library = dlopen(*name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library)
		return vn_error_environment(
			err, -ENOENT, "%s needs %s, which is not installed", what, names[0]);
	for (const struct vn_symbol *symbol = symbols; symbol->name; symbol++) {
		void *function = dlsym(library, symbol->name);
		if (!function)
			return vn_error_environment(err, -ENOENT, "%s needs %s with %s(); this one has none",
				what, names[0], symbol->name);
		memcpy((char *)calls + symbol->offset, &function, sizeof(function));
	}
	return 0;
}
