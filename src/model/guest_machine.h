/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a guest is beside vCPUs, memory and devices, as far as more than one form can say it. Nothing is planned by it. */

#include <stdbool.h>

struct vn_guest_machine {
	char *type; /* a machine of QEMU's, see vn_machine_is_known(); NULL: nothing was said. All strings are owned */
	bool foreign; /* it is neither of the pc family nor of q35's: `type` is NULL then */
	char *cpu; /* a model as QEMU calls it, without features: host, max, EPYC; NULL: nothing was said */
	char *uuid; /* as 8-4-4-4-12 hexadecimal digits */
	char *emulator; /* the absolute path of QEMU */
	char *loader; /* the absolute path of firmware: in flash, or, if `rom`, as a BIOS */
	char *nvram; /* the absolute path of the firmware's variables */
	char *os; /* what a domain's <os> boots where it is not hvm: linux, xen, xenpvh; NULL: hvm */
	bool rom;
	bool tcg; /* QEMU runs it by itself, without KVM */
	bool other; /* of another architecture than x86: its own text alone can say it */
	bool shared; /* its memory is for other processes to map, too: vhost-user, virtiofsd */
};

/* A CPU model is made of these. */
#define VN_MACHINE_CPU_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

void vn_machine_clear(struct vn_guest_machine *machine);

/* Into an object that owns nothing. False when memory is short; then it holds part of it. */
bool vn_machine_copy(struct vn_guest_machine *to, const struct vn_guest_machine *from);

/* pc, q35, pc-q35-7.2, pc-i440fx-7.2: machines of every QEMU for x86, not those that a distribution has made. */
bool vn_machine_is_known(const char *type);

/* Whether it has PCI Express: q35, and when nothing was said. */
bool vn_machine_is_q35(const struct vn_guest_machine *machine);

/* 123e4567-e89b-12d3-a456-426614174000 */
bool vn_machine_is_uuid(const char *text);
