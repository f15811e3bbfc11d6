/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "resize.h"

#include <poll.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/parse.h"
#include "../base/text.h"

#define LOOK_MS 250 /* between two questions, should an event be lost, and two looks at who wants it to end */

int vn_resize_parse(const char *text, struct vn_resize_wish *ret_wish, struct vn_error *err)
{
	static const char units[] = "KMGT";
	size_t n = strlen(text);
	const char *unit = n > 2 ? strchr(units, text[n - 1]) : NULL;
	vn_autofree char *digits = n > 2 ? strndup(text + 1, n - 2) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	char seen[VN_QUOTE_MAX];
	uint64_t number;

	if (n > 2 && !digits)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = unit && strchr("+-=", text[0]) ? vn_parse_u64(digits, UINT64_MAX >> shift, &number) : -EINVAL;
	if (r < 0)
		return vn_error_input(err, NULL,
			"'%s' seen; expected a sign and a size, such as +512M, -2G or =3G%s",
			vn_quote(text, seen), r == -ERANGE ? ", below 16 EiB" : "");
	if (number == 0 && text[0] != '=')
		return vn_error_input(
			err, NULL, "'%s' changes nothing; expected a size above 0", vn_quote(text, seen));
	*ret_wish = (struct vn_resize_wish){text[0], number << shift};
	return 0;
}

/* ---- QEMU ---- */

static bool read_bytes(const json_t *data, const char *key, uint64_t *ret)
{
	const json_t *value = json_object_get(data, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(value);
	return true;
}

int vn_memory_device_read(const json_t *answer, const char *id, struct vn_memory_device *ret_device)
{
	size_t i;
	json_t *entry;

	if (!json_is_array(answer))
		return -EPROTO;
	json_array_foreach (answer, i, entry) {
		const json_t *data = json_object_get(entry, "data");
		const char *type = json_string_value(json_object_get(entry, "type")),
			   *seen = json_string_value(json_object_get(data, "id"));
		struct vn_memory_device device = {0};
		if (!type || strcmp(type, "virtio-mem") != 0 || !seen || strcmp(seen, id) != 0)
			continue;
		if (!read_bytes(data, "block-size", &device.block) ||
			!read_bytes(data, "max-size", &device.most) ||
			!read_bytes(data, "requested-size", &device.requested) ||
			!read_bytes(data, "size", &device.size) || device.block == 0 ||
			device.requested > device.most || device.size > device.most ||
			strlen(id) >= sizeof(device.id))
			return -EPROTO;
		memcpy(device.id, id, strlen(id) + 1);
		*ret_device = device;
		return 0;
	}
	return -ENOENT;
}

int vn_memory_device_ask(
	struct vn_qmp *qmp, const char *id, struct vn_memory_device *ret_device, struct vn_error *err)
{
	json_auto_t *answer = NULL;
	int r = vn_qmp_execute(qmp, "query-memory-devices", NULL, &answer, err);

	if (r < 0)
		return r;
	r = vn_memory_device_read(answer, id, ret_device);
	if (r == -ENOENT)
		return vn_error_environment(
			err, r, "QEMU has no virtio-mem device '%s': it was unplugged", id);
	return r < 0 ? vn_error_environment(err, r,
			       "QEMU's answer to query-memory-devices does not tell sizes of '%s' that can be",
			       id)
		     : 0;
}

/* ---- how much ---- */

/* Bytes of the vnode after the change; UINT64_MAX where they are more, 0 where they are less than none. */
static uint64_t sum_of(uint64_t now, const struct vn_resize_wish *wish)
{
	if (wish->sign == '=')
		return wish->bytes;
	if (wish->sign == '-')
		return wish->bytes < now ? now - wish->bytes : 0;
	return wish->bytes < UINT64_MAX - now ? now + wish->bytes : UINT64_MAX;
}

int vn_resize_reckon(const struct vn_memory_device *device, unsigned vnode, uint64_t fixed,
	const struct vn_resize_wish *wish, uint64_t *ret_requested, struct vn_error *err)
{
	uint64_t now = fixed + device->requested, to = sum_of(now, wish), most = fixed + device->most;
	uint64_t apart = to > now ? to - now : now - to;
	char now_text[VN_SIZE_TEXT], bound[VN_SIZE_TEXT], change[VN_SIZE_TEXT];
	int r = 0;

	vn_size_text_exact(now, now_text);
	vn_size_text_exact(wish->bytes, change);
	if (to < fixed)
		r = vn_error_input(err, NULL,
			"vnode %u: %c%s seen; it is to have %s now and can have %s at least", vnode,
			wish->sign, change, now_text, vn_size_text_exact(fixed, bound));
	if (to > most)
		r = vn_error_input(err, NULL,
			"vnode %u: %c%s seen; it is to have %s now and can have %s at most", vnode,
			wish->sign, change, now_text, vn_size_text_exact(most, bound));
	if (wish->sign == '=' ? r == 0 && apart % device->block : wish->bytes % device->block)
		r = vn_error_input(err, NULL,
			"vnode %u: %c%s seen; expected %s multiple of %s, the device's blocks", vnode,
			wish->sign, change,
			wish->sign == '=' ? "a size that differs from what it is to have now by a" : "a",
			vn_size_text_exact(device->block, bound));
	if (r == 0)
		*ret_requested = to - fixed;
	return r;
}

/* ---- effects ---- */

int vn_resize_request(struct vn_qmp *qmp, const char *id, uint64_t requested, struct vn_error *err)
{
	vn_autofree char *path = vn_format("/machine/peripheral/%s", id);
	json_auto_t *arguments = json_pack("{s:s?, s:s, s:I}", "path", path, "property", "requested-size",
		"value", (json_int_t)requested);

	if (!path || !arguments)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return vn_qmp_execute(qmp, "qom-set", arguments, NULL, err);
}

static bool is_readable(int fd)
{
	struct pollfd at = {fd, POLLIN, 0}; /* poll(2) skips a negative one */

	return poll(&at, 1, 0) > 0;
}

int vn_resize_wait(struct vn_qmp *qmp, struct vn_memory_device *device, int timeout_ms, int stop_fd,
	struct vn_error *err)
{
	int64_t deadline = vn_now_ms() + timeout_ms;
	char id[sizeof(device->id)];

	memcpy(id, device->id, sizeof(id));
	for (;;) {
		json_auto_t *event = NULL;
		int left = vn_left_ms(deadline);
		int r = vn_memory_device_ask(qmp, id, device, err);
		if (r < 0 || device->size == device->requested)
			return r;
		if (is_readable(stop_fd))
			return -ECANCELED;
		if (left <= 0)
			return -ETIMEDOUT;
		r = vn_qmp_wait_event(
			qmp, "MEMORY_DEVICE_SIZE_CHANGE", left < LOOK_MS ? left : LOOK_MS, &event, err);
		if (r < 0 && r != -ETIMEDOUT)
			return r;
	}
}
