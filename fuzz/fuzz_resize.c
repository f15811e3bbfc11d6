/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A size on the command line (up to the first newline), then what a monitor answers to query-memory-devices: what comes of both is within the
 * device, whatever is asked. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/realize/resize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check(const struct vn_memory_device *device, const struct vn_resize_wish *wish)
{
	const uint64_t fixed = UINT64_C(1) << 28;
	vn_autoerror err = {0};
	uint64_t requested = 0;

	must(device->block > 0 && device->size <= device->most && device->requested <= device->most);
	int r = vn_resize_reckon(device, 0, fixed, wish, &requested, &err);
	must(r == 0 ? requested <= device->most : r == -EINVAL && err.n > 0);
	if (r == 0 && wish->sign == '=')
		must(fixed + requested == wish->bytes);
	if (r == 0 && wish->sign == '+')
		must(requested - device->requested == wish->bytes);
	if (r == 0 && wish->sign == '-')
		must(device->requested - requested == wish->bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vn_memory_device device = {0};
	struct vn_resize_wish wish = {0};
	vn_autoerror err = {0};
	const uint8_t *end = memchr(data, '\n', size);
	vn_autofree char *text = strndup((const char *)data, end ? (size_t)(end - data) : size);

	must(text);
	int r = vn_resize_parse(text, &wish, &err);
	must(r == 0 ? err.n == 0 : r == -EINVAL && err.n == 1);
	json_auto_t *answer =
		end ? json_loadb((const char *)end, size - (size_t)(end - data), 0, NULL) : NULL;
	if (answer && vn_memory_device_read(answer, "vmem0", &device) == 0 && r == 0)
		check(&device, &wish);
	return 0;
}
