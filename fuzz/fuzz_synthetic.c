/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any description is either a host that prints and reads back, or one problem. */
#include <stdint.h>

#include "read_back.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* hwloc 2.9 itself does not free what it notes of nodes in brackets. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libhwloc.so";
}

/* hwloc's time grows with the square of the objects: thousands of them, which are allowed, would only be slow. */
static bool is_large(const char *text)
{
	uint64_t product = 1;

	for (size_t digits; *text; text += digits ? digits : 1) {
		digits = strspn(text, "0123456789");
		if (digits > 3)
			return true;
		product *= digits && atoi(text) ? (uint64_t)atoi(text) : 1;
		if (product > 2000)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);
	vn_autoerror err = {0};
	vn_autohost *host = NULL;

	if (!text || is_large(text))
		return 0;
	int r = vn_discover_synthetic(text, &host, &err);
	if ((r == 0) != (host != NULL) || (r == 0) != (err.n == 0) || (r < 0 && !err.input))
		abort();
	if (host)
		must_read_back(host);
	return 0;
}
