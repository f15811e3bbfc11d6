/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest_machine.h"

#include <stdlib.h>
#include <string.h>

#include "../base/text.h"

void vn_machine_clear(struct vn_guest_machine *machine)
{
	free(machine->type);
	free(machine->cpu);
	free(machine->uuid);
	free(machine->emulator);
	free(machine->loader);
	free(machine->nvram);
	free(machine->os);
	*machine = (struct vn_guest_machine){0};
}

static bool copy(char **to, const char *from)
{
	*to = vn_copy(from);
	return *to || !from;
}

bool vn_machine_copy(struct vn_guest_machine *to, const struct vn_guest_machine *from)
{
	*to = (struct vn_guest_machine){.foreign = from->foreign,
		.rom = from->rom,
		.tcg = from->tcg,
		.other = from->other,
		.shared = from->shared};
	return copy(&to->type, from->type) && copy(&to->cpu, from->cpu) && copy(&to->uuid, from->uuid) &&
	       copy(&to->emulator, from->emulator) && copy(&to->loader, from->loader) &&
	       copy(&to->nvram, from->nvram) && copy(&to->os, from->os);
}

bool vn_machine_is_known(const char *type)
{
	static const char *const families[] = {"pc-q35-", "pc-i440fx-"};
	static const char digits[] = "0123456789";

	if (strcmp(type, "pc") == 0 || strcmp(type, "q35") == 0)
		return true;
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(families[i]), major, minor;
		if (strncmp(type, families[i], n) != 0)
			continue;
		major = strspn(type + n, digits);
		minor = type[n + major] == '.' ? strspn(type + n + major + 1, digits) : 0;
		return major > 0 && minor > 0 && !type[n + major + 1 + minor];
	}
	return false;
}

bool vn_machine_is_q35(const struct vn_guest_machine *machine)
{
	return !machine->type || strstr(machine->type, "q35");
}

bool vn_machine_is_uuid(const char *text)
{
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (!text[i] || (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i])))
			return false;
	}
	return !text[36];
}
