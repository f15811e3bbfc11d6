/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: text is one run of `key=value`, `key` or, first, `value`, split at single commas. JSON is read by jansson
 * and kept, and its scalars become pairs under dotted keys; members of a list of scalars keep the list's own key, which makes
 * [0, 3] the same as the key given twice.
 */
#define _GNU_SOURCE
#include "keyval.h"

#include <string.h>

#include "text.h"

struct reader {
	const struct vn_where *where;
	struct vn_keyval keyval;
	struct vn_error *err;
};

/* Takes `key` and `value` over; NULL of either is want of memory. */
static int add_pair(struct reader *r, char *key, char *value, bool flag, bool implied)
{
	struct vn_keyval *keyval = &r->keyval;
	int status = key && value ? 0 : -ENOMEM;

	if (status == 0 && keyval->n == VN_KEYVAL_PAIRS_MAX)
		status = vn_error_input(r->err, r->where, "more than %u keys", VN_KEYVAL_PAIRS_MAX);
	if (status == 0 && (keyval->n & (keyval->n + 1)) == 0) { /* full at 0, 1, 3, 7, ... */
		struct vn_keyval_pair *grown = reallocarray(keyval->v, keyval->n * 2 + 1, sizeof(*grown));
		if (grown)
			keyval->v = grown;
		else
			status = -ENOMEM;
	}
	if (status < 0) {
		free(key);
		free(value);
		return status;
	}
	keyval->v[keyval->n++] = (struct vn_keyval_pair){key, value, flag, implied};
	return 0;
}

/* ---- text ---- */

/* A value up to the next single comma; *p is then behind that, or at the end. */
static char *take_value(const char **p)
{
	char *value = malloc(strlen(*p) + 1);
	size_t n = 0;

	for (; value && **p; (*p)++) {
		if (**p == ',') {
			(*p)++;
			if (**p != ',')
				break;
		}
		value[n++] = **p;
	}
	if (value)
		value[n] = 0;
	return value;
}

static int read_text(struct reader *r, const char *p, const char *implied)
{
	char seen[VN_QUOTE_MAX];

	for (int status = 0; *p && status == 0; implied = NULL) {
		size_t n = strcspn(p, "=,");
		if (n == 0)
			return vn_error_input(r->err, r->where, "no key before \"%s\"; expected key=value",
				vn_quote(p, seen));
		if (n > VN_KEYVAL_KEY_MAX && (p[n] == '=' || !implied))
			return vn_error_input(r->err, r->where, "a key of %zu bytes; expected at most %u", n,
				VN_KEYVAL_KEY_MAX);
		if (p[n] != '=' && implied) {
			status = add_pair(r, vn_copy(implied), take_value(&p), false, true);
			if (status < 0)
				return status;
			continue;
		}
		char *key = strndup(p, n);
		bool flag = p[n] != '=';
		p += n + (p[n] != 0);
		status = add_pair(r, key, flag ? vn_copy("on") : take_value(&p), flag, false);
		if (status < 0)
			return status;
	}
	return 0;
}

/* ---- JSON ---- */

/* A scalar as the text form has it; new string, or NULL. */
static char *scalar_text(const json_t *value)
{
	if (json_is_string(value))
		return vn_copy(json_string_value(value));
	if (json_is_boolean(value))
		return vn_copy(json_is_true(value) ? "on" : "off");
	return json_is_null(value) ? vn_copy("") : json_dumps(value, JSON_ENCODE_ANY);
}

static bool is_scalar(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static int flatten(struct reader *r, const json_t *value, const char *key, unsigned depth);

static int flatten_list(struct reader *r, const json_t *list, const char *key, unsigned depth)
{
	int status = 0;

	for (size_t i = 0; status == 0 && i < json_array_size(list); i++) {
		const json_t *member = json_array_get(list, i);
		vn_autofree char *own = is_scalar(member) ? vn_copy(key) : vn_format("%s.%zu", key, i);
		status = own ? flatten(r, member, own, depth) : -ENOMEM;
	}
	return status;
}

/* Adds the pairs of a value whose key is `key`; NULL: of the whole. */
static int flatten(struct reader *r, const json_t *value, const char *key, unsigned depth)
{
	void *member;
	int status = 0;

	if (depth > VN_KEYVAL_DEPTH_MAX)
		return vn_error_input(r->err, r->where, "JSON nested more than %u deep", VN_KEYVAL_DEPTH_MAX);
	if (key && strlen(key) > VN_KEYVAL_KEY_MAX)
		return vn_error_input(r->err, r->where, "a key of %zu bytes; expected at most %u",
			strlen(key), VN_KEYVAL_KEY_MAX);
	if (is_scalar(value))
		return add_pair(r, vn_copy(key), scalar_text(value), false, false);
	if (json_is_array(value))
		return flatten_list(r, value, key, depth + 1);
	for (member = json_object_iter((json_t *)(uintptr_t)value); member && status == 0;
		member = json_object_iter_next((json_t *)(uintptr_t)value, member)) {
		const char *name = json_object_iter_key(member);
		if (!*name)
			return vn_error_input(r->err, r->where, "an empty key in JSON");
		vn_autofree char *own = key ? vn_format("%s.%s", key, name) : vn_copy(name);
		status = own ? flatten(r, json_object_iter_value(member), own, depth + 1) : -ENOMEM;
	}
	return status;
}

static int read_json(struct reader *r, const char *text)
{
	json_error_t error;
	char seen[VN_QUOTE_MAX];

	r->keyval.json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (r->keyval.json)
		return flatten(r, r->keyval.json, NULL, 0);
	if (json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (json_error_code(&error) == json_error_premature_end_of_input)
		return vn_error_input(r->err, r->where,
			"the JSON ends after %zu bytes within an object; is it cut?", strlen(text));
	return vn_error_input(
		r->err, r->where, "no good JSON at byte %d: %s", error.position, vn_quote(error.text, seen));
}

int vn_keyval_parse(const char *text, const char *implied, const struct vn_where *where,
	struct vn_keyval *ret_keyval, struct vn_error *err)
{
	struct reader r = {.where = where, .err = err};
	size_t size = strlen(text);

	if (size > VN_KEYVAL_SIZE_MAX)
		return vn_error_input(err, where, "%zu bytes; expected at most %u", size, VN_KEYVAL_SIZE_MAX);
	int status = *text == '{' ? read_json(&r, text) : read_text(&r, text, implied);
	if (status == -ENOMEM)
		vn_error_environment(err, -ENOMEM, "out of memory");
	if (status < 0) {
		vn_keyval_clear(&r.keyval);
		return status;
	}
	*ret_keyval = r.keyval;
	return 0;
}

static void drop_pairs(struct vn_keyval *keyval)
{
	for (size_t i = 0; i < keyval->n; i++) {
		free(keyval->v[i].key);
		free(keyval->v[i].value);
	}
	free(keyval->v);
	keyval->v = NULL;
	keyval->n = 0;
}

void vn_keyval_clear(struct vn_keyval *keyval)
{
	drop_pairs(keyval);
	json_decref(keyval->json);
	keyval->json = NULL;
}

/* ---- asking ---- */

/* `nokey` without a value. */
static bool is_refusal(const struct vn_keyval_pair *pair, const char *key)
{
	return pair->flag && strncmp(pair->key, "no", 2) == 0 && strcmp(pair->key + 2, key) == 0;
}

const char *vn_keyval_get(const struct vn_keyval *keyval, const char *key)
{
	for (size_t i = keyval->n; i > 0; i--) {
		const struct vn_keyval_pair *pair = &keyval->v[i - 1];
		if (strcmp(pair->key, key) == 0)
			return pair->value;
		if (is_refusal(pair, key))
			return "off";
	}
	return NULL;
}

const struct vn_keyval_pair *vn_keyval_next(
	const struct vn_keyval *keyval, const char *key, const struct vn_keyval_pair *previous)
{
	size_t i = previous ? (size_t)(previous - keyval->v) + 1 : 0;

	for (; i < keyval->n; i++) {
		if (strcmp(keyval->v[i].key, key) == 0)
			return &keyval->v[i];
	}
	return NULL;
}

/* ---- changing ---- */

static int set_json(struct vn_keyval *keyval, const char *key, json_t *value)
{
	struct reader r = {0};
	vn_autoerror ignored = {0};

	if (!value)
		json_object_del(keyval->json, key); /* that it was not there is no failure */
	else if (json_object_set(keyval->json, key, value) < 0)
		return -ENOMEM;
	r.err = &ignored;
	int status = flatten(&r, keyval->json, NULL, 0);
	if (status < 0) {
		drop_pairs(&r.keyval);
		return status;
	}
	drop_pairs(keyval);
	keyval->v = r.keyval.v;
	keyval->n = r.keyval.n;
	return 0;
}

/* The first pair of the key takes the value, the others go. */
static int set_text(struct vn_keyval *keyval, const char *key, const json_t *value)
{
	vn_autofree char *text = value ? scalar_text(value) : NULL;
	struct reader r = {.keyval = *keyval};
	size_t n = 0;

	if (value && !text)
		return -ENOMEM;
	for (size_t i = 0; i < keyval->n; i++) {
		struct vn_keyval_pair *pair = &keyval->v[i];
		bool same = strcmp(pair->key, key) == 0;
		if ((same || is_refusal(pair, key)) && !(same && text)) {
			free(pair->key);
			free(pair->value);
			continue;
		}
		if (same) {
			free(pair->value);
			pair->value = vn_steal(text);
			pair->flag = false;
			value = NULL;
		}
		keyval->v[n++] = *pair;
	}
	r.keyval.n = keyval->n = n;
	if (!value)
		return 0;
	int status = add_pair(&r, vn_copy(key), vn_steal(text), false, false);
	*keyval = r.keyval;
	return status;
}

int vn_keyval_set(struct vn_keyval *keyval, const char *key, json_t *value)
{
	int status = -EINVAL;
	size_t n = strlen(key);

	if (n > 0 && n <= VN_KEYVAL_KEY_MAX && !strpbrk(key, "=,") && (!value || is_scalar(value)))
		status = keyval->json ? set_json(keyval, key, value) : set_text(keyval, key, value);
	json_decref(value);
	return status;
}

/* ---- writing ---- */

static void print_value(const char *value, FILE *out)
{
	for (; *value; value++) {
		if (*value == ',')
			putc(',', out);
		putc(*value, out);
	}
}

/* Without its key, a value with '=' in its first part would be taken for key and value; an empty one, for nothing. */
static bool may_be_implied(const struct vn_keyval_pair *pair, size_t index)
{
	return pair->implied && index == 0 && *pair->value && *pair->value != ',' &&
	       pair->value[strcspn(pair->value, "=,")] != '=' && *pair->value != '{';
}

char *vn_keyval_text(const struct vn_keyval *keyval)
{
	char *text = NULL;
	size_t size = 0;

	if (keyval->json)
		return json_dumps(keyval->json, JSON_COMPACT);
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (size_t i = 0; i < keyval->n; i++) {
		const struct vn_keyval_pair *pair = &keyval->v[i];
		if (i)
			putc(',', out);
		if (!may_be_implied(pair, i))
			fputs(pair->key, out);
		if (!pair->flag && !may_be_implied(pair, i))
			putc('=', out);
		if (!pair->flag)
			print_value(pair->value, out);
	}
	bool failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
