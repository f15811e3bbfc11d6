/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Scope-bound clean-up (GCC and Clang `cleanup` attribute): a variable so marked is released on every way
 * out. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define vn_cleanup(fn) __attribute__((cleanup(fn)))

static inline void vn_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void vn_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void vn_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define vn_autofree vn_cleanup(vn_freep)
#define vn_autoclose vn_cleanup(vn_closep)
#define vn_autofclose vn_cleanup(vn_fclosep)

/* Hands a pointer over to the caller and forgets it here, so that its clean-up frees nothing. */
#define vn_steal(pointer)                                                                                    \
	({                                                                                                   \
		__typeof__(pointer) vn_stolen_ = (pointer);                                                  \
		(pointer) = NULL;                                                                            \
		vn_stolen_;                                                                                  \
	})
