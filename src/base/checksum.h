/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A checksum against accidents: what was cut short, overwritten, or edited by hand. Not against somebody who means it, who reckons it
 * anew: files that must be safe from such are kept where nobody else may write.
 */

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bits, of the bytes in order: Fowler, Noll and Vo, draft-eastlake-fnv. */
static inline uint64_t vn_checksum(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	return sum;
}
