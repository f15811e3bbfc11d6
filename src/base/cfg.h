/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The syntax of xl.cfg(5): `key = value` lines, `#` comments, values that are numbers, quoted strings or
 * (nested) lists. Knows nothing of what the keys mean.
 */

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define VN_CFG_MAX (1u << 20) /* bytes; the longest real configs are a few KiB */
#define VN_CFG_MAX_DEPTH 8
#define VN_CFG_MAX_KEYS 1000

enum vn_cfg_type {
	VN_CFG_NUMBER,
	VN_CFG_STRING, /* quoted */
	VN_CFG_WORD, /* bare: the `0-1:0` of the second dialect; no key takes one outside of it */
	VN_CFG_LIST,
	VN_CFG_BROKEN, /* could not be read; its problem has been told */
};

struct vn_cfg_value {
	enum vn_cfg_type type;
	unsigned line;
	size_t begin, end; /* where it stands in the text, quotes and brackets too */
	uint64_t number; /* of a number */
	char *text; /* of a string or word; a number as it was written; owned */
	size_t n;
	struct vn_cfg_value *items; /* of a list; owned */
};

struct vn_cfg_entry {
	char *key;
	unsigned line;
	size_t begin,
		end; /* where it stands in the text: from the key to behind the value, or behind a ';' after it */
	struct vn_cfg_value value;
};

struct vn_cfg {
	size_t n;
	struct vn_cfg_entry *entries; /* in the order written; no key twice */
};

/*
 * Parses `text`. After an error it goes on at the next line that starts with `key =`, so that all are found.
 * *ret_cfg holds what could be read even on failure (-EINVAL, -ENOMEM), so that the caller can find the
 * errors of meaning too; release it with vn_cfg_clear in any case.
 */
int vn_cfg_parse(const char *text, const char *file, struct vn_cfg *ret_cfg, struct vn_error *err);
void vn_cfg_clear(struct vn_cfg *cfg);
#define vn_autocfg vn_cleanup(vn_cfg_clear) struct vn_cfg

const struct vn_cfg_entry *vn_cfg_find(const struct vn_cfg *cfg, const char *key);

/* The value as it would be written, shortened to about 60 bytes, for messages. New string, or NULL. */
char *vn_cfg_value_text(const struct vn_cfg_value *value);
