/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: QEMU makes its character devices before its machine, and one that listens with `wait` (which is the default
 * wherever it is not told otherwise: chardev/char-socket.c, qemu_chr_parse_socket()) keeps it there until the first client comes. Who
 * connects then starts somebody's VM; so each place is told with whether QEMU may be waiting there.
 */
#define _GNU_SOURCE
#include "monitor_places.h"

#include <string.h>

#include "../base/keyval.h"
#include "../base/qemu_options.h"
#include "../base/text.h"
#include "../base/words.h"

/* Names of the character devices that are QMP monitors. */
struct monitors {
	size_t n;
	char *chardevs[VN_MONITORS_MOST]; /* owned */
};

static void monitors_clear(struct monitors *monitors)
{
	for (size_t i = 0; i < monitors->n; i++)
		free(monitors->chardevs[i]);
}

void vn_monitor_places_clear(struct vn_monitor_places *places)
{
	for (size_t i = 0; i < places->n; i++)
		free(places->v[i].path);
	places->n = 0;
}

static int add_place(struct vn_monitor_places *places, const char *path, bool may_wait)
{
	if (places->n == VN_MONITORS_MOST)
		return 0;
	places->v[places->n] = (struct vn_monitor_place){strdup(path), may_wait};
	return places->v[places->n++].path ? 0 : -ENOMEM;
}

static bool is_one_of(const struct vn_keyval *keys, const char *key, const char *const *words)
{
	const char *value = vn_keyval_get(keys, key);
	bool is = false;

	for (; value && *words && !is; words++)
		is = strcmp(value, *words) == 0;
	return is;
}

static bool is_on(const struct vn_keyval *keys, const char *key)
{
	return is_one_of(keys, key, (const char *const[]){"on", "yes", "true", "y", NULL});
}

static bool is_off(const struct vn_keyval *keys, const char *key)
{
	return is_one_of(keys, key, (const char *const[]){"off", "no", "false", "n", NULL});
}

/* Adds the socket of a character device if QEMU listens there and it has a path. */
static int add_socket(struct vn_monitor_places *places, const struct vn_keyval *keys)
{
	const char *path = vn_keyval_get(keys, "path");

	if (!path || !*path || !is_on(keys, "server") || is_on(keys, "abstract"))
		return 0;
	return add_place(places, path, !is_off(keys, "wait"));
}

/* -qmp unix:PATH,server=on,wait=off */
static int read_qmp(const char *value, struct vn_monitor_places *places)
{
	vn_autokeyval keys = {0};

	if (strncmp(value, "unix:", 5) != 0)
		return 0;
	int r = vn_keyval_parse(value + 5, "path", NULL, &keys, NULL);
	return r == 0 ? add_socket(places, &keys) : r == -ENOMEM ? r : 0;
}

/* -mon chardev=ID,mode=control */
static int read_mon(const char *value, struct monitors *monitors)
{
	vn_autokeyval keys = {0};

	if (monitors->n == VN_MONITORS_MOST || vn_keyval_parse(value, "chardev", NULL, &keys, NULL) < 0)
		return 0;
	const char *mode = vn_keyval_get(&keys, "mode"), *id = vn_keyval_get(&keys, "chardev");
	if (!id || !mode || strcmp(mode, "control") != 0)
		return 0;
	monitors->chardevs[monitors->n] = strdup(id);
	return monitors->chardevs[monitors->n++] ? 0 : -ENOMEM;
}

/* -chardev socket,id=ID,path=PATH,server=on,wait=off */
static int read_chardev(const char *value, const struct monitors *monitors, struct vn_monitor_places *places)
{
	vn_autokeyval keys = {0};
	int r = 0;

	if (vn_keyval_parse(value, "backend", NULL, &keys, NULL) < 0)
		return 0;
	const char *backend = vn_keyval_get(&keys, "backend"), *id = vn_keyval_get(&keys, "id");
	if (!backend || !id || strcmp(backend, "socket") != 0)
		return 0;
	for (size_t i = 0; i < monitors->n && r == 0; i++) {
		if (strcmp(monitors->chardevs[i], id) == 0)
			r = add_socket(places, &keys);
	}
	return r;
}

/* -mon may stand before or behind its -chardev. */
static int read_command(const struct vn_guest *guest, struct vn_monitor_places *places)
{
	vn_autowords words = {0};
	vn_cleanup(monitors_clear) struct monitors monitors = {0};
	int r = vn_words_parse(guest->text, guest->text_size, guest->file, &words, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (unsigned pass = 0; pass < 2; pass++) {
		struct vn_qemu_option option;
		for (size_t at = words.n_assignments + 1; r == 0 && at < words.n;) {
			at = vn_qemu_option_at(&words, at, &option);
			if (!option.value)
				continue;
			if (pass == 0 && strncmp(option.name, "-qmp", 4) == 0)
				r = read_qmp(option.value, places);
			else if (pass == 0 && strcmp(option.name, "-mon") == 0)
				r = read_mon(option.value, &monitors);
			else if (pass == 1 && strcmp(option.name, "-chardev") == 0)
				r = read_chardev(option.value, &monitors, places);
		}
	}
	return r;
}

int vn_monitor_places_read(const struct vn_vm_sample *vm, struct vn_monitor_places *ret_places)
{
	vn_cleanup(vn_monitor_places_clear) struct vn_monitor_places places = {0};
	int r = 0;

	if (vm->record && vm->record->qmp_path)
		r = add_place(&places, vm->record->qmp_path, false); /* we never let QEMU wait */
	else if (vm->guest && vm->guest->form == VN_FORM_QEMU)
		r = read_command(vm->guest, &places);
	if (r < 0)
		return r;
	*ret_places = places;
	places.n = 0;
	return 0;
}
