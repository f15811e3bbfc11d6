/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the live XML of a domain promises. What is there of it is found in the lab (tests/lab/libvirt.t). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/base/text.h"
#include "../src/observe/domain.h"

#define UUID "<uuid>9f4b6512-e73a-4a25-93e8-5307802821ce</uuid>"

static struct vn_vm *read_good(const char *body)
{
	vn_autofree char *xml = vn_format("<domain type='kvm' id='3'>" UUID "%s</domain>", body),
			 *uuid = NULL;
	struct vn_vm *vm = NULL;
	vn_autoerror err = {0};

	int r = vn_domain_promises(xml, "d", &vm, &uuid, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%s\n", err.problems[i].text);
	assert_int_equal(r, 0);
	assert_string_equal(uuid, "9f4b6512-e73a-4a25-93e8-5307802821ce");
	return vm;
}

static void assert_set(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *text = vn_set_text(set);

	assert_string_equal(text, expected);
}

static void test_cells(void **unused)
{
	(void)unused;
	vn_autovm *vm = read_good(
		"<memory unit='KiB'>3145728</memory><cpu><numa>"
		"<cell id='0' cpus='0' memory='1048576' unit='KiB'/><cell id='1' cpus='1' memory='1048577' unit='KiB'/>"
		"<cell id='2' cpus='2' memory='1048576' unit='KiB'/></numa></cpu><numatune>"
		"<memory mode='interleave' nodeset='0-1,4'/><memnode cellid='1' mode='strict' nodeset='2'/>"
		"<memnode cellid='2' mode='restrictive' nodeset='1'/></numatune>");
	assert_int_equal(vm->n_backends, 2); /* of the third cell the kernel tells nothing */
	assert_int_equal(vm->backends[0].binding, VN_BINDING_INTERLEAVE);
	assert_set(vm->backends[0].nodes, "0-1,4");
	assert_int_equal(vm->backends[1].vnode, 1);
	assert_int_equal(vm->backends[1].binding, VN_BINDING_STRICT);
	assert_int_equal(vm->backends[1].memory, 1025 * VN_MIB); /* QEMU gets whole MiB */
	assert_set(vm->backends[1].policy_nodes, "2");
	assert_int_equal(vm->n_threads, 0);
	assert_int_equal(vm->phase, VN_VM_STARTED);
}

static void test_pins(void **unused)
{
	(void)unused;
	vn_autovm *vm =
		read_good("<memory unit='KiB'>1048576</memory><cputune><vcpupin vcpu='0' cpuset='0-1'/>"
			  "<vcpupin vcpu='3' cpuset='4'/><iothreadpin iothread='1' cpuset='5'/>"
			  "<emulatorpin cpuset='0-3'/></cputune>");
	assert_int_equal(vm->n_backends, 0);
	assert_int_equal(vm->n_threads, 4);
	assert_int_equal(vm->threads[1].kind, VN_THREAD_VCPU);
	assert_int_equal(vm->threads[1].index, 3);
	assert_set(vm->threads[1].cpus, "4");
	assert_int_equal(vm->threads[2].kind, VN_THREAD_IOTHREAD);
	assert_int_equal(vm->threads[2].index, 1);
	assert_int_equal(vm->threads[3].kind, VN_THREAD_EMULATOR);
	assert_set(vm->threads[3].cpus, "0-3");
}

static void test_all_memory(void **unused)
{
	(void)unused;
	vn_autovm *vm =
		read_good("<memory unit='KiB'>2048</memory><numatune><memory nodeset='1'/></numatune>");
	assert_int_equal(vm->n_backends, 1);
	assert_int_equal(vm->backends[0].memory, 2 * VN_MIB);
	assert_int_equal(vm->backends[0].binding, VN_BINDING_STRICT);
}

static void assert_refused(const char *xml, const char *expected)
{
	struct vn_vm *vm = NULL;
	char *uuid = NULL;
	vn_autoerror err = {0};

	assert_int_equal(vn_domain_promises(xml, "d", &vm, &uuid, &err), -EINVAL);
	assert_null(vm);
	assert_null(uuid);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].text, expected);
}

static void test_refused(void **unused)
{
	(void)unused;
	assert_refused("<domain>" UUID "<memory>1024</memory></domain>",
		"domain 'd' says nothing of where its memory and threads belong; 'vnuma plan' with '--to libvirt' gives it a "
		"plan");
	assert_refused("<domain><memory>1024</memory></domain>",
		"what libvirt tells of 'd' is no domain with a uuid");
	assert_refused("<network>" UUID "</network>", "what libvirt tells of 'd' is no domain with a uuid");
	assert_refused("<domain>" UUID "<memory unit='GiB'>1</memory></domain>",
		"expected an amount in KiB, as libvirt tells of a running domain");
	assert_refused("<domain>" UUID
		       "<memory>1</memory><cputune><vcpupin vcpu='a' cpuset='1'/></cputune></domain>",
		"expected a number, as libvirt tells of a running domain");
	assert_refused("<domain>" UUID "<memory>1</memory><cputune><emulatorpin/></cputune></domain>",
		"expected a list such as 0-3,8, as libvirt tells of a running domain");
	assert_refused("<domain>" UUID "</domain>",
		"expected an element memory, as libvirt tells of a running domain");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_all_memory),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
