/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of /proc/PID/maps and numa_maps: a process of anybody's may be called QEMU and map what it likes. */
#include <stdlib.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/observe/neighbours.h"
#include "../src/observe/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = malloc(size + 1);
	vn_autopolicy policy = {0};
	struct vn_area area = {0};
	struct vn_present present;
	uint64_t address;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (vn_maps_line(text, &area) == 0 && area.size == 0)
		abort();
	vn_numa_maps_present(text, &present);
	vn_is_vcpu(text);
	vn_numa_maps_line(text, &address, &policy);
	return 0;
}
