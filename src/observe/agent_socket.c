/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a port of a virtio-serial device is the agent's by its name (qga/main.c looks for
 * /dev/virtio-ports/org.qemu.guest_agent.0, which udev names by that), and names the character device that QEMU joins it to:
 *
 *     -chardev socket,id=qga0,path=/run/vm/qga.sock,server=on,wait=off
 *     -device virtserialport,chardev=qga0,name=org.qemu.guest_agent.0
 *
 * One that has no path but a descriptor (fd=) was opened by libvirt, which listens for the agent itself and lets nobody else in
 * (qemuAgentOpen(), src/qemu/qemu_agent.c of libvirt); the same holds of a path below its folders, as it is connected already. Such an agent
 * is asked through libvirt (virt/agent.h).
 */
#define _GNU_SOURCE
#include "agent_socket.h"

#include <string.h>

#include "../base/keyval.h"
#include "../base/qemu_options.h"
#include "../base/text.h"
#include "../base/words.h"

#define PORT "org.qemu.guest_agent.0"

static bool is(const struct vn_keyval *keys, const char *key, const char *value)
{
	const char *has = vn_keyval_get(keys, key);

	return has && strcmp(has, value) == 0;
}

/* The character device of the agent's port, if this is that. */
static int read_device(const char *value, char **chardev)
{
	vn_autokeyval keys = {0};

	if (*chardev || vn_keyval_parse(value, "driver", NULL, &keys, NULL) < 0)
		return 0;
	const char *id = vn_keyval_get(&keys, "chardev");
	if (!id || !is(&keys, "driver", "virtserialport") || !is(&keys, "name", PORT))
		return 0;
	*chardev = strdup(id);
	return *chardev ? 0 : -ENOMEM;
}

struct found {
	char *path; /* owned */
	const char *why;
};

static int read_chardev(const char *value, const char *id, struct found *found)
{
	vn_autokeyval keys = {0};

	if (found->path || vn_keyval_parse(value, "backend", NULL, &keys, NULL) < 0 || !is(&keys, "id", id))
		return 0;
	const char *path = vn_keyval_get(&keys, "path");
	bool listens = is(&keys, "server", "on") || is(&keys, "server", "yes") ||
		       is(&keys, "server", "true") || is(&keys, "server", "y");
	if (!is(&keys, "backend", "socket"))
		found->why = "its agent's port is not joined to a socket";
	else if (vn_keyval_get(&keys, "fd"))
		found->why =
			"its agent's socket was handed over to QEMU open, as libvirt does, which talks to it alone";
	else if (!path || !*path || !listens || is(&keys, "abstract", "on"))
		found->why = "QEMU does not listen for its agent's client at a path";
	else {
		found->path = strdup(path);
		return found->path ? 0 : -ENOMEM;
	}
	return 0;
}

int vn_agent_path_parse(
	const char *text, size_t size, const char *file, char **ret_path, const char **ret_why)
{
	vn_autowords words = {0};
	vn_autofree char *chardev = NULL;
	struct found found = {.why = "its command line has no port for a guest agent (" PORT ")"};
	int r = vn_words_parse(text, size, file, &words, NULL);

	if (r == -ENOMEM)
		return r;
	/* a port may stand before or behind its character device */
	for (unsigned pass = 0; r == 0 && pass < 2; pass++) {
		struct vn_qemu_option option;
		for (size_t at = words.n_assignments + 1; r == 0 && at < words.n;) {
			at = vn_qemu_option_at(&words, at, &option);
			if (option.value && pass == 0 && strcmp(option.name, "-device") == 0)
				r = read_device(option.value, &chardev);
			else if (option.value && pass == 1 && chardev && strcmp(option.name, "-chardev") == 0)
				r = read_chardev(option.value, chardev, &found);
		}
		if (pass == 0 && chardev)
			found.why = "the character device of its agent's port is not on its command line";
	}
	if (r == -ENOMEM) {
		free(found.path);
		return r;
	}
	if (!found.path) {
		*ret_why = found.why;
		return -ENOENT;
	}
	*ret_path = found.path;
	return 0;
}

int vn_agent_path(const struct vn_vm_sample *vm, char **ret_path, const char **ret_why)
{
	const struct vn_guest *guest = vm->guest;

	if (guest && guest->form == VN_FORM_QEMU && guest->text)
		return vn_agent_path_parse(guest->text, guest->text_size, guest->file, ret_path, ret_why);
	*ret_why = "its command line could not be read";
	return -ENOENT;
}
