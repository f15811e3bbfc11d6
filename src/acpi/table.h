/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The bytes of an ACPI table: little-endian, behind a header of 36 bytes whose length and checksum are filled in at the end.
 * ACPI 6.5, section 5.2.6. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"

/* Who made a table: padded with blanks where it is shorter than the header's field, as ACPICA does. */
struct vn_acpi_oem {
	char id[7]; /* up to 6 bytes */
	char table[9]; /* up to 8 */
	uint32_t revision;
};

struct vn_acpi_table {
	size_t size, room;
	unsigned char *bytes; /* owned; NULL: there is no such table */
	bool short_of_memory;
};

/* A number of 1 to 8 bytes; that many zeros. */
void vn_acpi_add(struct vn_acpi_table *table, uint64_t value, unsigned size);
void vn_acpi_add_zeros(struct vn_acpi_table *table, unsigned size);

/* The header of an empty table. */
void vn_acpi_begin(struct vn_acpi_table *table, const char signature[static 4], unsigned revision,
	const struct vn_acpi_oem *oem);

/* Length and checksum. 0, or -ENOMEM when memory was short for any of the bytes. */
int vn_acpi_end(struct vn_acpi_table *table);

/* Frees the bytes and zeroes the object. */
void vn_acpi_table_clear(struct vn_acpi_table *table);
