/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Shared libraries that only some calls need, loaded when first used: linked in, libxml2 and libarchive would triple the
 * time in which `vnuma topology` starts (measured: 0.5 ms without, 1.8 ms with both).
 *
 * The caller has a struct of function pointers, declared with the library's own header, and a table that names them:
 *
 *     struct archive_calls { __typeof__(archive_read_new) *archive_read_new; };
 *     static const struct vn_symbol symbols[] = {VN_SYMBOL(struct archive_calls, archive_read_new), {0}};
 */

#include "error.h"

struct vn_symbol {
	const char *name;
	size_t offset; /* of the pointer in the caller's struct */
};

#define VN_SYMBOL(table, function)                                                                           \
	{                                                                                                    \
#function, offsetof(table, function)                                                         \
	}

/*
 * Fills the pointers of `calls`. `names` are file names to try in turn ("libarchive.so.13"), ending in NULL; `what` says what
 * the library is needed for. The library stays loaded until the process ends (its own state may outlive our use).
 * -ENOENT, a problem of the environment, when no such library is there, or it lacks a function.
 */
int vn_library_load(const char *const *names, const char *what, const struct vn_symbol *symbols, void *calls,
	struct vn_error *err);
