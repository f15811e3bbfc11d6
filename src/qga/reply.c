/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "reply.h"

#include <stdint.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define DELIMITER '\xff'
#define DESC_MAX 256u /* bytes of an error's text that are told */
#define COMMANDS_MAX 4096u

/* ---- a reply ---- */

/* What an error says, if that can be printed and is no novel. */
static json_t *description(const json_t *error)
{
	const char *text = json_string_value(json_object_get(error, "desc"));
	bool fit = text && *text && strlen(text) <= DESC_MAX && vn_text_is_printable(text);

	return json_string(fit ? text : "an error without a text that can be told");
}

int vn_qga_parse(const char *line, size_t length, json_t **ret_reply)
{
	json_auto_t *message = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *error = json_object_get(message, "error");
	json_t *value = json_object_get(message, "return");

	if (json_is_object(error) && !value) {
		*ret_reply = description(error);
		return *ret_reply ? -EREMOTEIO : -EPROTO;
	}
	if (!value || error)
		return -EPROTO;
	*ret_reply = json_incref(value);
	return 0;
}

bool vn_qga_is_sync(const char *line, size_t length, json_int_t number)
{
	const char *mark = length ? memrchr(line, DELIMITER, length) : NULL;
	json_t *reply = NULL;

	if (!mark || vn_qga_parse(mark + 1, length - (size_t)(mark + 1 - line), &reply) < 0) {
		json_decref(reply);
		return false;
	}
	bool is = json_is_integer(reply) && json_integer_value(reply) == number;
	json_decref(reply);
	return is;
}

/* ---- guest-info ---- */

static bool is_enabled(const json_t *list, const char *command)
{
	size_t i;
	json_t *entry;

	json_array_foreach (list, i, entry) {
		const char *name = json_string_value(json_object_get(entry, "name"));
		if (name && strcmp(name, command) == 0)
			return json_is_true(json_object_get(entry, "enabled"));
	}
	return false;
}

int vn_qga_missing(const json_t *reply, const char *const *commands, char **ret_missing)
{
	const json_t *list = json_object_get(reply, "supported_commands");
	vn_autofree char *missing = NULL;

	if (!json_is_array(list) || json_array_size(list) > COMMANDS_MAX)
		return -EPROTO;
	for (; *commands; commands++) {
		if (is_enabled(list, *commands))
			continue;
		char *longer = vn_format("%s%s%s", missing ? missing : "", missing ? ", " : "", *commands);
		if (!longer)
			return -ENOMEM;
		free(missing);
		missing = longer;
	}
	*ret_missing = vn_steal(missing);
	return 0;
}

/* ---- files ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Strict: whole quads, no blanks, '=' at the end alone. */
static int decode(const char *text, size_t length, size_t room, unsigned char *ret, size_t *ret_n)
{
	size_t n = 0;

	if (length % 4)
		return -EPROTO;
	for (size_t i = 0; i < length; i += 4) {
		uint32_t value = 0;
		size_t pad = 0;
		if (i + 4 == length)
			pad = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
		for (size_t k = 0; k < 4; k++) {
			int d = k + pad < 4 ? digit(text[i + k]) : 0;
			if (d < 0)
				return -EPROTO;
			value = value << 6 | (uint32_t)d;
		}
		for (size_t k = 0; k + pad < 3; k++) {
			if (n == room)
				return -EPROTO;
			ret[n++] = (unsigned char)(value >> (16 - 8 * k));
		}
	}
	*ret_n = n;
	return 0;
}

int vn_qga_chunk(const json_t *reply, size_t room, unsigned char *ret_bytes, size_t *ret_n, bool *ret_end)
{
	const json_t *text = json_object_get(reply, "buf-b64"), *count = json_object_get(reply, "count"),
		     *eof = json_object_get(reply, "eof");
	size_t n;

	if (!json_is_string(text) || !json_is_integer(count) || !json_is_boolean(eof))
		return -EPROTO;
	if (decode(json_string_value(text), json_string_length(text), room, ret_bytes, &n) < 0 ||
		json_integer_value(count) != (json_int_t)n)
		return -EPROTO;
	*ret_n = n;
	*ret_end = json_is_true(eof);
	return 0;
}

char *vn_qga_base64(const char *bytes, size_t n)
{
	char *text = malloc((n + 2) / 3 * 4 + 1), *at = text;

	for (size_t i = 0; text && i < n; i += 3) {
		uint32_t value = (uint32_t)(unsigned char)bytes[i] << 16;
		if (i + 1 < n)
			value |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
		if (i + 2 < n)
			value |= (unsigned char)bytes[i + 2];
		*at++ = digits[value >> 18];
		*at++ = digits[value >> 12 & 63];
		*at++ = '=';
		*at++ = '=';
		if (i + 1 < n)
			at[-2] = digits[value >> 6 & 63];
		if (i + 2 < n)
			at[-1] = digits[value & 63];
	}
	if (text)
		*at = '\0';
	return text;
}

/* ---- interfaces ---- */

/* "52:54:00:12:34:56", to lower case. */
static bool read_mac(const char *text, char ret[VN_QGA_MAC])
{
	char mac[VN_QGA_MAC] = "";

	if (strlen(text) != VN_QGA_MAC - 1)
		return false;
	for (size_t i = 0; i < VN_QGA_MAC - 1; i++) {
		char c = text[i];
		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		if (i % 3 == 2 ? c != ':' : !strchr("0123456789abcdef", c))
			return false;
		mac[i] = c;
	}
	memcpy(ret, mac, sizeof(mac));
	return true;
}

int vn_qga_interfaces(const json_t *reply, struct vn_qga_interfaces *ret)
{
	struct vn_qga_interfaces all = {0};
	size_t i;
	json_t *entry;

	if (!json_is_array(reply))
		return -EPROTO;
	json_array_foreach (reply, i, entry) {
		const char *name = json_string_value(json_object_get(entry, "name"));
		const char *mac = json_string_value(json_object_get(entry, "hardware-address"));
		struct vn_qga_interface *to = &all.v[all.n];
		if (all.n == VN_QGA_INTERFACES_MAX)
			break;
		if (!name || !mac || !vn_interface_valid(name) || !read_mac(mac, to->mac))
			continue;
		memcpy(to->name, name, strlen(name) + 1);
		all.n++;
	}
	*ret = all;
	return 0;
}
