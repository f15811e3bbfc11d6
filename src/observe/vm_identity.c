/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: managers put their own names into the command line. libvirt gives -uuid and always a secret called masterKey0
 * or files below …/libvirt/qemu/ (src/qemu/qemu_command.c); Proxmox sockets
 * and a pid file below /var/run/qemu-server that are called after the VM's number (src/PVE/QemuServer.pm). Options are looked for one by one, as QEMU would take them: the last one counts.
 * What they say of a manager is only a claim until the manager confirms it (manager.h). A command line that our reader refuses as a whole still tells who the VM is.
 */
#define _GNU_SOURCE
#include "vm_identity.h"

#include <stdio.h>
#include <string.h>

#include "../base/keyval.h"
#include "../base/qemu_options.h"
#include "../base/text.h"

/* Whether a word is this option, with one dash or two. */
static bool is_option(const char *word, const char *name)
{
	return word[0] == '-' && strcmp(word + 1 + (word[1] == '-'), name) == 0;
}

/* The value behind the last such option; NULL: there is none. */
static const char *last_value(const struct vn_words *words, const char *name)
{
	const char *value = NULL;

	for (size_t i = words->n_assignments + 1; i + 1 < words->n; i++) {
		if (is_option(words->v[i].text, name))
			value = words->v[i + 1].text;
	}
	return value;
}

/* The value of a key in the last option that has it: *ret is new, NULL when none does. 0 or -ENOMEM. */
static int last_key(
	const struct vn_words *words, const char *name, const char *implied, const char *key, char **ret)
{
	vn_autofree char *found = NULL;

	for (size_t i = words->n_assignments + 1; i + 1 < words->n; i++) {
		struct vn_keyval keys = {0};
		if (!is_option(words->v[i].text, name))
			continue;
		int r = vn_keyval_parse(words->v[i + 1].text, implied, NULL, &keys, NULL);
		if (r == -ENOMEM)
			return r;
		const char *value = r == 0 ? vn_keyval_get(&keys, key) : NULL;
		char *copy = value ? strdup(value) : NULL;
		bool failed = value && !copy;
		vn_keyval_clear(&keys);
		if (failed)
			return -ENOMEM;
		if (copy) {
			free(found);
			found = copy;
		}
	}
	*ret = vn_steal(found);
	return 0;
}

static bool has_part(const struct vn_words *words, const char *part)
{
	for (size_t i = words->n_assignments + 1; i < words->n; i++) {
		if (strstr(words->v[i].text, part))
			return true;
	}
	return false;
}

static bool is_plain(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";

	return *text && *text != '-' && !text[strspn(text, plain)];
}

static void set_name(struct vn_vm_sample *vm, const char *name)
{
	vm->name_is_plain = vn_sample_text(name, strlen(name), vm->name, sizeof(vm->name)) && is_plain(name);
}

/* RFC 4122's text form, in lower case; anything else is no uuid. */
static void set_uuid(struct vn_vm_sample *vm, const char *text)
{
	char uuid[sizeof(vm->uuid)];

	for (size_t i = 0; i < sizeof(uuid) - 1; i++) {
		char c = text[i], lower = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? c != '-' : !strchr("0123456789abcdef", lower) || !c)
			return;
		uuid[i] = lower;
	}
	if (text[sizeof(uuid) - 1])
		return;
	uuid[sizeof(uuid) - 1] = 0;
	memcpy(vm->uuid, uuid, sizeof(uuid));
}

/* The number in the first path such as /var/run/qemu-server/104.qmp; *ret_digits 0: there is none. */
static const char *proxmox_id(const struct vn_words *words, size_t *ret_digits)
{
	static const char folder[] = "/run/qemu-server/";
	const char *id = NULL;

	*ret_digits = 0;
	for (size_t i = words->n_assignments + 1; i < words->n && *ret_digits == 0; i++) {
		id = strstr(words->v[i].text, folder);
		id = id ? id + sizeof(folder) - 1 : "";
		*ret_digits = strspn(id, "0123456789");
	}
	return id;
}

static void set_manager(struct vn_vm_sample *vm, const struct vn_words *words)
{
	size_t digits;
	const char *id = proxmox_id(words, &digits);

	if (digits > 0 && digits < sizeof(vm->id)) {
		vm->manager = VN_MANAGER_PROXMOX;
		memcpy(vm->id, id, digits);
	} else if (vm->uuid[0] && (has_part(words, "masterKey0") || has_part(words, "/libvirt/qemu/"))) {
		vm->manager = VN_MANAGER_LIBVIRT;
	}
}

/* QEMU takes the first accelerator of a list that works; a list of several is left open. */
static int set_accel(struct vn_vm_sample *vm, const struct vn_words *words)
{
	vn_autofree char *accel = NULL;
	int r = vn_qemu_accel(words, &accel);

	if (r == 0 && !strchr(accel, ':') && strlen(accel) < sizeof(vm->accel) && is_plain(accel))
		snprintf(vm->accel, sizeof(vm->accel), "%s", accel);
	return r;
}

int vn_identity_from_words(const struct vn_words *words, struct vn_vm_sample *vm)
{
	vn_autofree char *name = NULL;
	const char *uuid = last_value(words, "uuid");
	int r = last_key(words, "name", "guest", "guest", &name);

	if (r < 0)
		return r;
	if (name && *name)
		set_name(vm, name);
	if (uuid)
		set_uuid(vm, uuid);
	set_manager(vm, words);
	return set_accel(vm, words);
}

bool vn_identity_is_probe(const struct vn_words *words)
{
	static const char *const options[] = {"machine", "M"};
	bool probe = false;

	for (size_t i = 0; i < 2; i++) {
		vn_autofree char *type = NULL;
		if (last_key(words, options[i], "type", "type", &type) == 0 && type)
			probe = strcmp(type, "none") == 0;
	}
	return probe;
}

/* The last part of the path that systemd calls a unit of processes. */
static void set_unit(struct vn_vm_sample *vm, const char *path, size_t length)
{
	static const char *const kinds[] = {".scope", ".service"};

	for (size_t at = 0, n; at < length; at += n + 1) {
		n = strcspn(path + at, "/");
		n = n < length - at ? n : length - at;
		for (size_t i = 0; i < 2; i++) {
			size_t end = strlen(kinds[i]);
			if (n > end && memcmp(path + at + n - end, kinds[i], end) == 0)
				vn_sample_text(path + at, n, vm->unit, sizeof(vm->unit));
		}
	}
}

/* "0::/path" is cgroup v2's line; "5:cpuset:/path" that of v1's controller which decides on nodes. */
void vn_identity_from_cgroup(const char *text, struct vn_vm_sample *vm)
{
	for (const char *line = text; *line; line = vn_next_line(line)) {
		size_t length = strcspn(line, "\n");
		const char *names = memchr(line, ':', length),
			   *path = names ? memchr(names + 1, ':', length - (size_t)(names + 1 - line)) : NULL;
		if (!path)
			continue;
		bool cpuset = strncmp(names + 1, "cpuset:", 7) == 0;
		path++;
		if (cpuset || (path - names == 2 && !vm->cgroup[0])) {
			size_t n = length - (size_t)(path - line);
			vn_sample_text(path, n, vm->cgroup, sizeof(vm->cgroup));
			set_unit(vm, path, n);
		}
	}
}
