/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An agent that has one file, /motd, of one line; what is written to it is refused. */
#define _GNU_SOURCE
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_libvirt.h"

static int has(const char *command, const char *what)
{
	return strstr(command, what) != NULL;
}

static char *answer(const char *command)
{
	if (has(command, "\"guest-sync\"")) {
		const char *id = strstr(command, "\"id\":");
		char *reply = NULL;
		return asprintf(&reply, "{\"return\":%lld}", id ? strtoll(id + 5, NULL, 10) : -1) < 0 ? NULL
												      : reply;
	}
	if (has(command, "guest-sync-delimited"))
		abort(); /* libvirt could not read the reply */
	if (has(command, "guest-file-open") && has(command, "\"/motd\"") && has(command, "\"r\""))
		return strdup("{\"return\":1000}");
	if (has(command, "guest-file-read"))
		return strdup("{\"return\":{\"count\":3,\"buf-b64\":\"aGkK\",\"eof\":true}}");
	if (has(command, "guest-file-close"))
		return strdup("{\"return\":{}}");
	fake_fail(VIR_ERR_INTERNAL_ERROR,
		"internal error: unable to execute QEMU agent command 'guest-file-open': failed to open file: no");
	return NULL;
}

char *virDomainQemuAgentCommand(virDomainPtr domain, const char *command, int timeout, unsigned int flags)
{
	char *mood = fake_read("agent");
	int code = 0;

	(void)domain;
	if (timeout <= 0 || timeout > 10 || flags != 0)
		abort();
	if (mood && strcmp(mood, "silent") == 0)
		code = fake_fail(
			VIR_ERR_AGENT_UNRESPONSIVE, "Guest agent is not responding: it is not connected");
	else if (mood && strcmp(mood, "none") == 0)
		code = fake_fail(VIR_ERR_ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured");
	else if (mood && strcmp(mood, "ends") == 0 && !has(command, "guest-sync"))
		code = fake_fail(VIR_ERR_AGENT_UNRESPONSIVE, "it disappeared");
	while (mood && strcmp(mood, "hangs") == 0 && !has(command, "guest-sync"))
		pause();
	free(mood);
	return code < 0 ? NULL : answer(command);
}
