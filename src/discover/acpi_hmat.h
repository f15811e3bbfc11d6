/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The firmware's HMAT, and which node Linux made of each of its proximity domains. */

#include "../model/hmat.h"

#define VN_ACPI_TABLE_MAX (4u << 20) /* bytes; the largest HMAT seen has a few KiB */

/*
 * Reads the bytes of an HMAT (revision 1 or 2); `file` is for messages. `srat` is the SRAT of the same machine, or NULL:
 * then no domain has a node. Each structure that is wrong is a problem. -EINVAL, -ENOMEM.
 */
int vn_acpi_hmat_parse(const unsigned char *hmat, size_t hmat_length, const unsigned char *srat,
	size_t srat_length, const char *file, struct vn_hmat **ret_hmat, struct vn_error *err);
