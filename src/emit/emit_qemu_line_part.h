/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts share that write a guest's own QEMU command line anew. Internal to emit/. */

#include "../base/keyval.h"
#include "../base/qemu_options.h"
#include "emit_qemu_part.h"

/* One option, as it was and as it will be. */
struct vn_own_option {
	size_t first, behind; /* its words: from `first` up to, not including, `behind` */
	struct vn_qemu_option of;
	struct vn_keyval keys; /* of options whose keys are of interest */
	char *text; /* what its value is to be; owned; NULL: as it was */
	bool drop; /* it is not written */
	bool used; /* a thread context that a backend had before anything was changed */
};

/* A command line being written anew. */
struct vn_own_line {
	struct vn_qemu_line line; /* line.argv: the words that are new */
	struct vn_words words;
	size_t n;
	struct vn_own_option *v;
};

/* The option of that name behind `previous` (NULL: the first), or NULL. */
struct vn_own_option *vn_own_next(struct vn_own_line *own, const char *name, struct vn_own_option *previous);

/* The last one of that name that has the key, or NULL. */
struct vn_own_option *vn_own_last(struct vn_own_line *own, const char *name, const char *key);

/* The object with that id, or NULL. */
struct vn_own_option *vn_own_object(struct vn_own_line *own, const char *id);

/* Gives the option's key a value, or takes it away (NULL). */
void vn_own_set(struct vn_own_line *own, struct vn_own_option *option, const char *key, const char *value);

/* ---- emit_qemu_line_memory.c ---- */

/* Binds all memory: of nodes, of the guest as a whole, of memory devices. */
void vn_own_bind(struct vn_own_line *own);
