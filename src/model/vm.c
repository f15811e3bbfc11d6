/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm.h"

struct vn_vm *vn_vm_new(void)
{
	return calloc(1, sizeof(struct vn_vm));
}

void vn_vm_free(struct vn_vm *vm)
{
	if (!vm)
		return;
	for (size_t i = 0; i < vm->n_backends; i++) {
		hwloc_bitmap_free(vm->backends[i].policy_nodes);
		hwloc_bitmap_free(vm->backends[i].nodes);
	}
	free(vm->backends);
	for (size_t i = 0; i < vm->n_threads; i++)
		hwloc_bitmap_free(vm->threads[i].cpus);
	free(vm->threads);
	json_decref(vm->plan);
	free(vm->process.exe);
	free(vm->qmp_path);
	free(vm->log_path);
	free(vm->name);
	free(vm);
}

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool vn_vm_name_valid(const char *name)
{
	size_t n = 0;

	for (; name[n]; n++) {
		if (n >= VN_VM_NAME_MAX)
			return false;
		if (!is_word(name[n]) && (n == 0 || (name[n] != '.' && name[n] != '+' && name[n] != '-')))
			return false;
	}
	return n > 0;
}

const char *vn_thread_kind_name(enum vn_thread_kind kind)
{
	static const char *const names[] = {"vcpu", "iothread", "vhost", "emulator", "migration", "other"};
	return names[kind];
}
