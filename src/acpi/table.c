/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH_AT 4
#define CHECKSUM_AT 9

static bool make_room(struct vn_acpi_table *table, size_t size)
{
	if (table->room - table->size >= size)
		return true;
	size_t room = 2 * table->room + 1024;
	unsigned char *bytes = table->short_of_memory ? NULL : realloc(table->bytes, room);
	if (!bytes) {
		table->short_of_memory = true;
		return false;
	}
	table->bytes = bytes;
	table->room = room;
	return true;
}

void vn_acpi_add(struct vn_acpi_table *table, uint64_t value, unsigned size)
{
	if (!make_room(table, size))
		return;
	for (unsigned i = 0; i < size; i++)
		table->bytes[table->size++] = (unsigned char)(value >> 8 * i);
}

void vn_acpi_add_zeros(struct vn_acpi_table *table, unsigned size)
{
	while (size-- > 0)
		vn_acpi_add(table, 0, 1);
}

/* `size` bytes of a text, blanks behind its end. */
static void add_text(struct vn_acpi_table *table, const char *text, size_t size)
{
	for (; size > 0; size--)
		vn_acpi_add(table, *text ? (unsigned char)*text++ : ' ', 1);
}

void vn_acpi_begin(struct vn_acpi_table *table, const char signature[static 4], unsigned revision,
	const struct vn_acpi_oem *oem)
{
	add_text(table, signature, 4);
	vn_acpi_add(table, 0, 4); /* the length, … */
	vn_acpi_add(table, revision, 1);
	vn_acpi_add(table, 0, 1); /* … and the checksum, which are not known yet */
	add_text(table, oem->id, 6);
	add_text(table, oem->table, 8);
	vn_acpi_add(table, oem->revision, 4);
	add_text(table, "VNUM", 4); /* who wrote it, and in which version of his */
	vn_acpi_add(table, 1, 4);
}

int vn_acpi_end(struct vn_acpi_table *table)
{
	unsigned char sum = 0;

	if (table->short_of_memory)
		return -ENOMEM;
	for (unsigned i = 0; i < 4; i++)
		table->bytes[LENGTH_AT + i] = (unsigned char)(table->size >> 8 * i);
	for (size_t i = 0; i < table->size; i++)
		sum = (unsigned char)(sum + table->bytes[i]);
	table->bytes[CHECKSUM_AT] = (unsigned char)-sum;
	return 0;
}

void vn_acpi_table_clear(struct vn_acpi_table *table)
{
	free(table->bytes);
	*table = (struct vn_acpi_table){0};
}
