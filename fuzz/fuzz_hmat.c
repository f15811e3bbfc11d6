/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Either a table whose parts all have their size and that comes back from JSON, or problems. The first two bytes split the input in HMAT and SRAT. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/discover/acpi_hmat.h"
#include "read_back.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sum of all bytes is to be 0: nobody would guess byte 9 to get past the check. */
static void mend_checksum(unsigned char *table, size_t length)
{
	unsigned char sum = 0;

	for (size_t i = 0; i < length; i++)
		sum = (unsigned char)(sum + (i == 9 ? 0 : table[i]));
	if (length > 9)
		table[9] = (unsigned char)-sum;
}

/* As part of a host of one node. Takes the table. */
static void read_back_with(struct vn_hmat *hmat)
{
	vn_autohost *host = vn_host_new();

	if (!host || !(host->nodes = calloc(1, sizeof(*host->nodes))))
		abort();
	host->hmat = hmat;
	host->nodes[host->n_nodes++] = vn_host_node_init(0);
	if (vn_host_finish(host, NULL) < 0)
		abort();
	must_read_back(host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autoerror err = {0};
	vn_autohmat *hmat = NULL;

	if (size < 2)
		return 0;
	size_t split = (size_t)(data[0] | data[1] << 8);
	if (split > size - 2)
		split = size - 2;
	/* copies of their own size, so that a byte read too far is seen */
	vn_autofree unsigned char *a = malloc(split + 1), *b = malloc(size - 2 - split + 1);
	if (!a || !b)
		return 0;
	a = realloc(memcpy(a, data + 2, split), split ? split : 1);
	b = realloc(memcpy(b, data + 2 + split, size - 2 - split), size - 2 - split ? size - 2 - split : 1);
	mend_checksum(a, split);
	mend_checksum(b, size - 2 - split);
	int r = vn_acpi_hmat_parse(a, split, b, size - 2 - split, "fuzz", &hmat, &err);
	if ((r == 0) != (hmat != NULL) || (r == 0) != (err.n == 0))
		abort();
	if (hmat)
		read_back_with(vn_steal(hmat));
	return 0;
}
