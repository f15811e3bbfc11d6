/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The System Locality Information Table: the distance from each vnode to each, a byte each; 255 is unreachable. */
#include "acpi.h"

#define REVISION 1

int vn_acpi_add_slit(
	const struct vn_guest *guest, const struct vn_acpi_options *options, struct vn_acpi *acpi)
{
	vn_acpi_begin(&acpi->slit, "SLIT", REVISION, &options->oem);
	vn_acpi_add(&acpi->slit, guest->n_vnodes, 8);
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < guest->n_vnodes; j++)
			vn_acpi_add(&acpi->slit, guest->vnodes[i].distances[j], 1);
	}
	return vn_acpi_end(&acpi->slit);
}
