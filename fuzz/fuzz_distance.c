/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A row of distances is refused, or all that it filled is a distance. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/discover/sysfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);
	uint32_t distances[8] = {0};
	const char *wrong = NULL;

	if (!text)
		return 0;
	int n = vn_distances_parse(text, 8, distances, &wrong);
	if ((n < 0) != (wrong != NULL))
		abort();
	for (int i = 0; i < n && i < 8; i++) {
		if (distances[i] == 0 || distances[i] > VN_DISTANCE_UNREACHABLE)
			abort();
	}
	return 0;
}
