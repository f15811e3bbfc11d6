/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line from a QMP server: whatever it holds, it is read or refused. */
#include <stddef.h>
#include <stdint.h>

#include "../src/qmp/qmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum vn_qmp_kind kind;
	json_t *message = NULL;

	if (vn_qmp_parse((const char *)data, size, &kind, &message) == 0)
		json_decref(message);
	return 0;
}
