/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest config reader: any text gives a guest or problems, never both, never neither. */
#include <stdint.h>
#include <string.h>

#include "../src/guest/guest_cfg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = strndup((const char *)data, size);

	for (int defaults = 0; defaults < 2; defaults++) {
		vn_autoguest *guest = NULL;
		vn_autoerror err = {0};
		int r = vn_guest_from_cfg(text, "fuzz.cfg", defaults, &guest, &err);
		if ((r == 0) != (guest != NULL) || (r == 0) != (err.n == 0))
			__builtin_trap();
		uint64_t sum = 0;
		for (size_t i = 0; guest && i < guest->n_vnodes; i++)
			sum += guest->vnodes[i].memory;
		if (guest && sum != guest->memory)
			__builtin_trap();
		for (unsigned i = 0; guest && i < guest->maxvcpus; i++) {
			unsigned first = i - i % guest->threads; /* a core is on one vnode */
			if (vn_guest_vnode_of(guest, i) < 0 ||
				vn_guest_vnode_of(guest, i) != vn_guest_vnode_of(guest, first))
				__builtin_trap();
		}
		for (size_t i = 0; guest && i < guest->n_hostdevs; i++) {
			if (guest->hostdevs[i].vnode >= guest->n_vnodes)
				__builtin_trap();
		}
		if (guest && guest->vnodes_open && guest->n_vnodes != 1)
			__builtin_trap();
	}
	return 0;
}
