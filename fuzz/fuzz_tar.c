/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes are either an archive whose files can be read, or one problem; and what is read is a host that comes back from
 * JSON, or problems.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/archive.h"
#include "../src/base/text.h"
#include "../src/discover/sysfs.h"
#include "read_back.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Everything in the tree, by the calls that the readers make. */
static void visit(const struct vn_root *root, const char *path, unsigned depth)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	vn_autofree char *text = NULL, *target = NULL;
	vn_autofree unsigned char *bytes = NULL;
	size_t length = 0;

	if (vn_root_read(root, path, &text) == 0 &&
		(vn_root_read_bytes(root, path, VN_FILE_MAX, &bytes, &length) < 0 || strlen(text) > length))
		abort();
	if (vn_root_link(root, path, &target) == 0 && !*target)
		abort();
	if (target || depth > 8 || vn_root_list(root, path, &names) < 0)
		return;
	for (char **name = names; *name; name++) {
		vn_autofree char *below = vn_format("%s/%s", path, *name);
		if (!below || strchr(*name, '/') || strcmp(*name, "..") == 0)
			abort();
		visit(root, below, depth + 1);
	}
}

/* Mutated headers would all fail their checksum: it is made right, so that what is behind it is tried too. */
static void mend_checksums(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 512 <= size;) {
		uint8_t *header = data + at;
		char digits[13] = {0};
		unsigned sum = 0;
		memset(header + 148, ' ', 8);
		for (size_t i = 0; i < 512; i++)
			sum += header[i];
		if (sum == 8 * ' ') { /* a block of zeros */
			memset(header + 148, 0, 8);
			return;
		}
		snprintf((char *)header + 148, 7, "%06o", sum);
		memcpy(digits, header + 124, 12);
		unsigned long long length = strtoull(digits, NULL, 8);
		if (length > size)
			return;
		at += 512 + (length + 511) / 512 * 512;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	vn_autofree uint8_t *data = malloc(size + 1);
	memcpy(data, bytes, size);
	if (size >= 512 && memcmp(data + 257, "ustar", 5) == 0)
		mend_checksums(data, size);
	vn_autoerror err = {0};
	vn_autoroot root = {.fd = -1, .path = strdup("fuzz")};
	vn_autohost *host = NULL;
	int r = vn_archive_read_bytes(data, size, "fuzz", &root.tree, &err);

	if ((r == 0) != (root.tree != NULL) || err.n != (r < 0))
		abort();
	if (r < 0)
		return 0;
	visit(&root, ".", 0);
	r = vn_sysfs_host(&root, "tar:fuzz", &host, &err);
	if ((r == 0) != (host != NULL) || (r == 0) != (err.n == 0))
		abort();
	if (host)
		must_read_back(host);
	return 0;
}
