/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* An audit for programs; docs/audit.md lists the keys. */

#include <jansson.h>

#include "audit.h"

/*
 * `"schema": "vnuma.audit/1"`: sizes in bytes, times in seconds, sets as lists of integers, shares from 0 to 1. What is not known is
 * null, never 0. NULL when memory is short.
 */
json_t *vn_audit_to_json(const struct vn_audit *audit);

/* Parts of it (sample_json.c): what was read of a VM, added to `object`, and of the host. False, or NULL, when memory is short. */
bool vn_vm_sample_into_json(const struct vn_vm_sample *vm, json_t *object);
json_t *vn_settings_to_json(const struct vn_sample *sample);

/* Bytes by node as {"0": 4096}. */
json_t *vn_node_bytes_to_json(const struct vn_node_bytes *memory, size_t n);

/* Adds a value that may be NULL when memory is short; it is taken over. */
static inline bool vn_json_put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

/* null unless it is known. */
static inline json_t *vn_json_u64(bool known, uint64_t number)
{
	return known ? json_integer((json_int_t)number) : json_null();
}

static inline json_t *vn_json_int(int number)
{
	return number >= 0 ? json_integer(number) : json_null();
}

static inline json_t *vn_json_real(bool known, double number)
{
	return known ? json_real(number) : json_null();
}

/* null for the empty text and NULL. */
static inline json_t *vn_json_text(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}
