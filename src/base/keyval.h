/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The value of one of QEMU's options, in either of its forms: `driver,key=value,flag,key=a,,b` or a JSON object. Both are read
 * into one list of keys and values, so that who looks for a key need not know how it was written:
 *
 *     written                                      pairs
 *     node,cpus=0-3,cpus=8,memdev=m                (type)=node cpus=0-3 cpus=8 memdev=m      with "type" as the implied key
 *     socket,path=a,,b,server,nowait               (backend)=socket path=a,b server=on nowait=on; get("wait") is "off"
 *     {"id": "m", "share": true, "size": 4096}     id=m share=on size=4096
 *     {"host-nodes": [0, 3]}                       host-nodes=0 host-nodes=3
 *     {"file": {"name": "a"}, "map": [{"t": 1}]}   file.name=a map.0.t=1                     as QEMU's own dotted keys
 *
 * Sources: QEMU's util/qemu-option.c, util/keyval.c.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#define VN_KEYVAL_SIZE_MAX                                                                                   \
	(128u << 10) /* bytes of an option's value: what Linux takes for one argument (MAX_ARG_STRLEN) */
#define VN_KEYVAL_PAIRS_MAX 4096u
#define VN_KEYVAL_KEY_MAX 255u /* bytes */
#define VN_KEYVAL_DEPTH_MAX 8u /* of JSON */

struct vn_keyval_pair {
	char *key; /* owned */
	char *value; /* owned; "on" of a flag and of JSON's true, "off" of false, empty of null */
	bool flag; /* nothing but the key was written */
	bool implied; /* nothing but the value was written, of the implied key */
};

struct vn_keyval {
	json_t *json; /* owned; NULL: it was not written as JSON */
	size_t n;
	struct vn_keyval_pair *v; /* in the order written */
};

/*
 * Reads `text`; JSON when it begins with '{'. `implied` is the key of a first value without one; NULL: there is none, it would be
 * a flag. `where` is for messages. -EINVAL (JSON that is none, that ends too early or has a key twice; an empty key; beyond the
 * limits), -ENOMEM; `ret_keyval` is then untouched.
 */
int vn_keyval_parse(const char *text, const char *implied, const struct vn_where *where,
	struct vn_keyval *ret_keyval, struct vn_error *err);
void vn_keyval_clear(struct vn_keyval *keyval);
#define vn_autokeyval vn_cleanup(vn_keyval_clear) struct vn_keyval

/* The value of a key, the last one where there are several, as with QEMU; NULL: none. A flag `nokey` is key=off. */
const char *vn_keyval_get(const struct vn_keyval *keyval, const char *key);

/* The pairs of a key one by one, in the order written: the one behind `previous` (NULL: the first), or NULL. */
const struct vn_keyval_pair *vn_keyval_next(
	const struct vn_keyval *keyval, const char *key, const struct vn_keyval_pair *previous);

/*
 * Gives a key one value, a JSON string, number or boolean, in the place of those it had, or behind all; NULL takes the key away.
 * Not for dotted keys. Takes `value` over in any case. 0, -EINVAL or -ENOMEM.
 */
int vn_keyval_set(struct vn_keyval *keyval, const char *key, json_t *value);

/* The text again, in the form that was read: reads back equal. New string, or NULL when memory is short. */
char *vn_keyval_text(const struct vn_keyval *keyval);
