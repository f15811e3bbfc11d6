/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The tables as files of a folder. */

#include "../acpi/acpi.h"

#define VN_ACPI_FILES 3

struct vn_acpi_file {
	const char *signature, *name; /* "SRAT", "SRAT.aml" */
	const struct vn_acpi_table *table; /* without bytes: there is no such table */
};

void vn_acpi_files_of(const struct vn_acpi *acpi, struct vn_acpi_file files[static VN_ACPI_FILES]);

/*
 * Writes them, all or none: those of an earlier time stay when anything fails, and are replaced or, where there is no such
 * table any more, removed when all went well. The folder is made if it is not there. What is in the way and not ours is left alone, and
 * an error.
 */
int vn_acpi_files_write(
	const char *folder, const struct vn_acpi_file files[static VN_ACPI_FILES], struct vn_error *err);
