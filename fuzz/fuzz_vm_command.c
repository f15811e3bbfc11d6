/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines of running VMs: their memory's blocks and their monitor's socket. Whoever starts a process writes them. */
#include <stdlib.h>
#include <string.h>

#include "../src/guest/guest_qemu.h"
#include "../src/observe/monitor_places.h"
#include "../src/observe/told_blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_blocks(const struct vn_vm_sample *vm)
{
	vn_autotold blocks = {0};
	int n = (int)vm->guest->n_vnodes;

	if (vn_told_blocks_read(vm, NULL, &blocks) < 0)
		return;
	for (size_t i = 0; i < blocks.n; i++) {
		if (blocks.v[i].size == 0 || blocks.v[i].vnode < -1 || (n > 0 && blocks.v[i].vnode >= n))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = malloc(size + 1);
	vn_autoplaces places = {0};
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {0};

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (vn_guest_from_qemu(text, size, "fuzz", &vm.guest, NULL) < 0 ||
		vn_guest_set_text(vm.guest, VN_FORM_QEMU, text, size) < 0)
		return 0;
	check_blocks(&vm);
	if (vn_monitor_places_read(&vm, &places) == 0 && places.n > 0 && !*places.v[0].path)
		abort();
	return 0;
}
