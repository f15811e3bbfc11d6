/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Which words of a QEMU command line are options, and which their values: who reads one and who writes it anew must take it apart alike.
 */

#include <stdint.h>

#include "words.h"

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
 * Reads a whole number as QEMU does: decimal, 0x1f, and 017, which is 15. No sign, no blank. -EINVAL, or -ERANGE above `max`; *ret is untouched
 * then.
 */
int vn_qemu_number(const char *text, uint64_t max, uint64_t *ret);
