/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest says: a line of its agent, its /proc/interrupts; and a command line that tells where the agent is. Whatever it holds, it is
 * read or refused; names and numbers that come out are safe in a path, and text can be printed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/parse.h"
#include "../src/model/guest_inside.h"
#include "../src/observe/agent_socket.h"
#include "../src/qga/interrupts.h"
#include "../src/qga/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_reply(const json_t *reply)
{
	static const char *const commands[] = {"guest-file-open", "guest-exec", NULL};
	static unsigned char bytes[512];
	vn_autofree struct vn_qga_interfaces *all = calloc(1, sizeof(*all));
	vn_autofree char *missing = NULL;
	size_t n = 0;
	bool end;

	if (!all)
		return;
	if (vn_qga_missing(reply, commands, &missing) == 0 && missing && !vn_text_is_printable(missing))
		abort();
	if (vn_qga_chunk(reply, sizeof(bytes), bytes, &n, &end) == 0) {
		vn_autofree char *code = vn_qga_base64((const char *)bytes, n);
		if (n > sizeof(bytes) || !code || strlen(code) != (n + 2) / 3 * 4)
			abort();
	}
	if (vn_qga_interfaces(reply, all) < 0)
		return;
	for (size_t i = 0; i < all->n; i++) {
		char path[VN_GUEST_PATH];
		vn_guest_xps_path(all->v[i].name, VN_GUEST_QUEUES_MAX - 1, path);
		if (!vn_guest_path_is_xps(path) || strlen(all->v[i].mac) != VN_QGA_MAC - 1)
			abort();
	}
}

static void try_line(const char *line, size_t size)
{
	json_auto_t *reply = NULL;
	int r = vn_qga_parse(line, size, &reply);

	vn_qga_is_sync(line, size, 5);
	if (r == 0)
		try_reply(reply);
	else if (r == -EREMOTEIO && !vn_text_is_printable(json_string_value(reply)))
		abort();
}

static void try_text(const char *text)
{
	vn_autoqgairqs irqs = {0};

	if (vn_guest_path_valid(text) && (strstr(text, "..") == text + 15 || strlen(text) >= VN_GUEST_PATH))
		abort();
	if (vn_qga_irqs_parse(text, &irqs) < 0)
		return;
	for (size_t i = 0; i < irqs.n; i++) {
		char path[VN_GUEST_PATH];
		vn_guest_irq_path(irqs.v[i].number, path);
		if (!vn_guest_path_valid(path) || irqs.v[i].queue > VN_QGA_NUMBER_MAX)
			abort();
	}
}

static void try_command(const char *text, size_t size)
{
	vn_autofree char *path = NULL;
	const char *why = NULL;
	int r = vn_agent_path_parse(text, size, "fuzz", &path, &why);

	if ((r == 0) != (path != NULL) || (r == -ENOENT && !why) || (path && !*path))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	try_line(text, size);
	try_text(text);
	if (size >= 4 && memcmp(text, "qemu", 4) == 0)
		try_command(text, size);
	return 0;
}
