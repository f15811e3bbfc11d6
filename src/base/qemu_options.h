/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Which words of a QEMU command line are options, and which their values: who reads one and who writes it anew must take it apart alike.
 * And what is such a command line, or the process of one, at all.
 */

#include <stdint.h>

#include "words.h"

enum vn_qemu_program {
	VN_QEMU_NONE, /* no program of QEMU's */
	VN_QEMU_TOOL, /* one that runs no VM: "qemu-img", "qemu-x86_64" (which runs one program of another machine) */
	VN_QEMU_VM,
};

/*
 * What a program is by its name, or its path, of `n` bytes. Distributions call the one that runs VMs kvm or qemu-kvm, too; NixOS
 * runs it as .qemu-system-x86_64-wrapped; the kernel's name of its process is cut: "qemu-system-x86".
 */
enum vn_qemu_program vn_qemu_program_of(const char *path, size_t n);

struct vn_qemu_option {
	const char *
		name; /* "-numa": the table's, without a second dash; as written when it is not in the table; "": a disk image */
	bool known; /* in the table, or a disk image */
	bool keyed; /* its value is keys and values, which are of interest here (keyval.h) … */
	const char *implied; /* … and this is the key of a first value without one; NULL: none */
	const char *value; /* of the words; NULL: none belongs to it */
	bool value_missing; /* it takes one, and is the last word */
};

/* The option that word `at` begins; returns the index of the word behind it. */
size_t vn_qemu_option_at(const struct vn_words *words, size_t at, struct vn_qemu_option *ret_option);

/*
 * The accelerators that QEMU tries, one after another: "kvm", "kvm:tcg". -accel may be there several times; without it the last of
 * -machine accel= and -enable-kvm counts, and where nothing is told the program's name: what ends in kvm is there for that, all others
 * run guests by themselves ("tcg"). *ret_accel is new. 0 or -ENOMEM.
 */
int vn_qemu_accel(const struct vn_words *words, char **ret_accel);

/*
 * Reads a whole number as QEMU does: decimal, 0x1f, and 017, which is 15. No sign, no blank. -EINVAL, or -ERANGE above `max`; *ret is untouched
 * then.
 */
int vn_qemu_number(const char *text, uint64_t max, uint64_t *ret);
