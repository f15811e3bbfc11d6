/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command line says of the machine, for another form: its type, CPU model, firmware, UUID, emulator, and whether its memory is
 * shared. Firmware in flash is two drives, the code at unit 0 and its variables at unit 1 (hw/i386/pc_sysfw.c); drives without a unit
 * are numbered in the order written.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/qemu_options.h"
#include "guest_qemu_part.h"

#define FLASHES 2

static void take(struct qemu_reader *r, char **to, const char *text, size_t n)
{
	free(*to);
	*to = text ? strndup(text, n) : NULL;
	r->short_of_memory |= text && !*to;
}

/* Where nothing is told it is QEMU's default on x86, which q35 has never become (hw/i386/pc_piix.c): an installed guest knows the other
 * by its devices. */
static void read_type(struct qemu_reader *r)
{
	const struct qemu_option *option = qemu_last(r, "-machine", "type");
	const char *type = option ? vn_keyval_get(&option->keys, "type") : NULL;

	if (!type && !r->guest->machine.other)
		type = "pc";

	if (type && vn_machine_is_known(type))
		take(r, &r->guest->machine.type, type, strlen(type));
	else if (type && strstr(type, "q35"))
		take(r, &r->guest->machine.type, "q35", 3);
	else if (type && strncmp(type, "pc", 2) == 0)
		take(r, &r->guest->machine.type, "pc", 2);
	else if (type)
		r->guest->machine.foreign = true;
}

/* By what QEMU tries first of "kvm:tcg". */
static void read_accel(struct qemu_reader *r)
{
	vn_autofree char *accel = NULL;

	r->short_of_memory |= vn_qemu_accel(&r->words, &accel) < 0;
	r->guest->machine.tcg = accel && strcspn(accel, ":") == 3 && strncmp(accel, "tcg", 3) == 0;
}

static void read_cpu(struct qemu_reader *r)
{
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-cpu", option));) {
		size_t n = option->value ? strspn(option->value, VN_MACHINE_CPU_LETTERS) : 0;
		if (n > 0 && (!option->value[n] || option->value[n] == ','))
			take(r, &r->guest->machine.cpu, option->value, n);
	}
}

static void read_flash(struct qemu_reader *r)
{
	struct vn_guest_machine *machine = &r->guest->machine;
	char **const to[FLASHES] = {&machine->loader, &machine->nvram};
	uint64_t next = 0;

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-drive", option));) {
		const char *interface = vn_keyval_get(&option->keys, "if"),
			   *file = vn_keyval_get(&option->keys, "file"),
			   *format = vn_keyval_get(&option->keys, "format");
		if (!interface || strcmp(interface, "pflash") != 0)
			continue;
		uint64_t unit = next;
		qemu_number(r, option, "unit", 0, FLASHES - 1, &unit);
		next = unit + 1;
		if (unit < FLASHES && file && *file == '/' && (!format || strcmp(format, "raw") == 0))
			take(r, to[unit], file, strlen(file));
	}
	const struct qemu_option *bios = qemu_next(r, "-bios", NULL);
	if (bios && bios->value && *bios->value == '/' && !machine->loader) {
		take(r, &machine->loader, bios->value, strlen(bios->value));
		machine->rom = true;
	}
}

bool qemu_backend_is_shared(struct qemu_reader *r, const struct qemu_backend *backend)
{
	const char *type = vn_keyval_get(&backend->option->keys, "qom-type");

	/* memfd is, unless it says otherwise */
	return qemu_switch(r, backend->option, "share", type && strcmp(type, "memory-backend-memfd") == 0);
}

/* Whether every backend that has somebody to use it is shared. */
static bool is_shared(struct qemu_reader *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_backends; i++) {
		if (!r->backends[i].user)
			continue;
		n++;
		if (!qemu_backend_is_shared(r, &r->backends[i]))
			return false;
	}
	return n > 0;
}

void qemu_read_machine(struct qemu_reader *r)
{
	const struct qemu_option *uuid = qemu_next(r, "-uuid", NULL);
	size_t program = r->words.n_assignments;

	read_type(r);
	read_accel(r);
	read_cpu(r);
	read_flash(r);
	if (uuid && uuid->value && vn_machine_is_uuid(uuid->value))
		take(r, &r->guest->machine.uuid, uuid->value, strlen(uuid->value));
	if (r->words.n > program && r->words.v[program].text[0] == '/')
		take(r, &r->guest->machine.emulator, r->words.v[program].text,
			strlen(r->words.v[program].text));
	r->guest->machine.shared = is_shared(r);
}
