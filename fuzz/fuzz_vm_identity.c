/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who a VM is, from any command line and any cgroup: every text that comes of it is short and harmless. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/parse.h"
#include "../src/observe/vm_identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_harmless(const char *text, size_t room)
{
	if (!memchr(text, 0, room) || !vn_text_is_printable(text))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vn_autofree char *text = malloc(size + 1);
	struct vn_vm_sample vm = {0};
	struct vn_words words = {0};

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	vn_identity_from_cgroup(text, &vm);
	if (vn_words_parse(text, size, NULL, &words, NULL) == 0 && words.n > 0) {
		vn_identity_is_probe(&words);
		if (vn_identity_from_words(&words, &vm) < 0)
			abort();
	}
	vn_words_clear(&words);
	must_be_harmless(vm.name, sizeof(vm.name));
	must_be_harmless(vm.uuid, sizeof(vm.uuid));
	must_be_harmless(vm.id, sizeof(vm.id));
	must_be_harmless(vm.cgroup, sizeof(vm.cgroup));
	must_be_harmless(vm.unit, sizeof(vm.unit));
	must_be_harmless(vm.accel, sizeof(vm.accel));
	vn_vm_sample_clear(&vm);
	return 0;
}
