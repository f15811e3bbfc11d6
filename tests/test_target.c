/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What targets refuse is refused before: each rule by a guest that breaks it and nothing else. */
#include "recipe_guests.h"

static struct vn_target qemu(unsigned major, unsigned minor)
{
	return (struct vn_target){VN_TARGET_QEMU, VN_TARGET_VERSION(major, minor, 0)};
}

static struct vn_target libvirt(unsigned major, unsigned minor)
{
	return (struct vn_target){VN_TARGET_LIBVIRT, VN_TARGET_VERSION(major, minor, 0)};
}

static struct vn_target xen(void)
{
	return (struct vn_target){VN_TARGET_XEN, VN_TARGET_XEN_VERSION};
}

/* Checks the guest; `expected` is part of the one problem, or NULL where it is taken. */
static void assert_check(const struct vn_guest *guest, struct vn_target target, const char *expected)
{
	const unsigned homes[VN_MAX_VNODES] = {0};
	vn_autoplan *plan = plan_of(guest, homes, VN_BINDING_STRICT, 0);
	vn_autoerror err = {0};
	int r = vn_target_check(plan, guest, &target, &err);

	if (!expected) {
		if (r != 0)
			fail_msg("refused: %s", err.n ? err.problems[0].text : "?");
		return;
	}
	assert_int_equal(r, -EINVAL);
	if (err.n != 1)
		fail_msg("%zu problems, the first '%s', the last '%s'; expected one with '%s'", err.n,
			err.problems[0].text, err.problems[err.n - 1].text, expected);
	assert_true(err.input);
	if (!strstr(err.problems[0].text, expected))
		fail_msg("no '%s' in '%s'", expected, err.problems[0].text);
}

static void test_versions(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "9", "9.", ".2", "9.2.1.0", "9.2-rc1", "v9.2", "9.2.", " 9.2",
		"+9.2", "9.1000", "9..2", "4294967296.0"};
	struct vn_target target = {0};
	vn_autoerror err = {0};

	assert_int_equal(vn_target_parse("9.2", VN_TARGET_QEMU, &target, &err), 0);
	assert_int_equal(target.version, 9002000);
	assert_int_equal(vn_target_parse("10.0.1", VN_TARGET_LIBVIRT, &target, &err), 0);
	assert_int_equal(target.version, 10000001);
	assert_int_equal(target.kind, VN_TARGET_LIBVIRT);
	assert_int_equal(vn_target_parse(NULL, VN_TARGET_XEN, &target, &err), 0);
	assert_int_equal(target.version, VN_TARGET_XEN_VERSION);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(vn_target_parse(bad[i], VN_TARGET_QEMU, &target, &err), -EINVAL);
		assert_int_equal(err.n, i + 1);
		assert_string_equal(err.problems[i].key, "--target-version");
	}
	assert_int_equal(target.version, VN_TARGET_XEN_VERSION); /* untouched */
}

static void test_recipes_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_RECIPES; i++) {
		vn_autoguest *guest = recipe_guest(&recipes[i], "/d");
		assert_check(guest, qemu(7, 2), NULL);
		assert_check(guest, qemu(10, 0), NULL);
		assert_check(guest, libvirt(9, 0), NULL);
	}
	vn_autoguest *guest = guest_of(TWO_VNODES);
	assert_check(guest, xen(), NULL);
}

static void test_distances(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of(TWO_VNODES);
	guest->vnodes[0].distances[1] = 10;
	assert_check(guest, qemu(7, 2), "vnode 0 is at distance 10 from vnode 1");
	assert_check(guest, libvirt(9, 0), "expected 11 to 255");
	assert_check(guest, xen(), "expected 11 to 255");
	guest->vnodes[0].distances[1] = 256;
	assert_check(guest, qemu(7, 2), "distance 256");
	guest->vnodes[0].distances[1] = 255;
	assert_check(guest, qemu(7, 2), NULL);
	assert_check(guest, libvirt(3, 9), "libvirt 3.9 does not know that; expected 3.10 or later");
	guest->vnodes[0].distances[1] = 20;
	assert_check(guest, libvirt(3, 9), NULL);
	guest->vnodes[1].distances[1] = 11;
	assert_check(guest, qemu(7, 2), "vnode 1 is at distance 11 from itself");
	guest->vnodes[1].distances[1] = 21; /* its neighbour is nearer, too */
	vn_autoerror err = {0};
	const unsigned homes[] = {0, 0};
	vn_autoplan *plan = plan_of(guest, homes, VN_BINDING_STRICT, 0);
	struct vn_target target = xen();
	assert_int_equal(vn_target_check(plan, guest, &target, &err), -EINVAL);
	assert_int_equal(err.n, 2); /* all that is wrong is told */
}

static void test_parts(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of(TWO_VNODES);
	guest->vnodes[0].memory += VN_MIB;
	assert_check(guest, qemu(7, 2), "bytes of memory in all");
	guest->vnodes[0].memory -= VN_MIB;
	hwloc_bitmap_set(guest->vnodes[1].vcpus, 0);
	assert_check(guest, xen(), "vCPUs 0 are in several vnodes");
	hwloc_bitmap_clr(guest->vnodes[1].vcpus, 0);
	hwloc_bitmap_clr(guest->vnodes[1].vcpus, 2);
	assert_check(guest, libvirt(9, 0), "the vnodes have 3 vCPUs; expected each of 0 to 3");
}

static void test_memory(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of(TWO_VNODES "hugepages='2M'\n");
	guest->vnodes[0].memory += VN_MIB;
	guest->vnodes[1].memory -= VN_MIB;
	guest->vnodes[1].has_page = true;
	assert_check(guest, qemu(7, 2), "expected multiples of 2097152");
	assert_check(guest, libvirt(9, 0), "whole pages");
	guest->vnodes[0].has_page = true;
	assert_check(guest, qemu(7, 2), NULL);
	guest->vnodes[0].plugged = guest->vnodes[0].memory + VN_MIB;
	assert_check(guest, qemu(7, 2), "memory devices hold");
	guest->vnodes[0].plugged = guest->vnodes[0].memory;
	assert_check(guest, qemu(7, 2), NULL);
	guest->vnodes[1].plugged = guest->vnodes[1].memory;
	assert_check(guest, qemu(7, 2), "expected some at start");
	guest->vnodes[1].plugged = 0;
	guest->vnodes[1].has_binding = true;
	assert_check(guest, qemu(7, 2), "a policy without nodes");
	assert_check(guest, libvirt(9, 0), "a policy without nodes");
	guest->vnodes[1].has_binding = false;
	guest->maxmem = guest->memory - VN_MIB;
	assert_check(guest, qemu(7, 2), "maxmem");
}

static void test_counts(void **state)
{
	(void)state;
	vn_autoguest *many = guest_of("name='g'\nmemory=4096\nvcpus=289\n");
	assert_check(many, qemu(8, 0), "q35 takes no more before QEMU 8.1");
	assert_check(many, qemu(8, 1), NULL);
	assert_check(many, xen(), "expected at most 128");
	vn_autoguest *full = guest_of("name='g'\nmemory=4096\nvcpus=288\n");
	assert_check(full, qemu(7, 2), NULL);
	vn_autoguest *hvm = guest_of("name='g'\nmemory=4096\nvcpus=128\n");
	assert_check(hvm, xen(), NULL);
}

/* A command line that runs already is taken as it is where nobody said which QEMU it is for. */
static void test_machines(void **state)
{
	(void)state;
	struct vn_target assumed = qemu(7, 2);
	assumed.assumed = true;
	vn_autoguest *guest = guest_of("name='g'\nmemory=4096\nvcpus=300\n");
	guest->machine.type = strdup("pc-q35-9.0");
	assert_check(guest, qemu(9, 0), NULL);
	assert_check(guest, qemu(8, 2),
		"machine 'pc-q35-9.0': QEMU 8.2 does not know that; expected 9.0 or later");
	guest->form = VN_FORM_QEMU;
	assert_check(guest, qemu(8, 2), "machine 'pc-q35-9.0'");
	assert_check(guest, assumed, NULL);
	strcpy(guest->machine.type, "pc-q35-8.0");
	assert_check(guest, qemu(9, 0), "q35 takes no more before QEMU 8.1");
	assert_check(guest, assumed, "q35 takes no more before QEMU 8.1");
	strcpy(guest->machine.type, "q35");
	assert_check(guest, qemu(7, 2), "q35 takes no more before QEMU 8.1");
	assert_check(guest, qemu(8, 1), NULL);
	assert_check(guest, assumed, NULL);
	strcpy(guest->machine.type, "pc");
	assert_check(guest, qemu(9, 0), "300 vCPUs; expected at most 255, as pc takes no more");
	vn_autoguest *small = guest_of("name='g'\nmemory=4096\nvcpus=2\n");
	small->machine.type = strdup("pc-i440fx-8.1");
	assert_check(small, qemu(8, 0), "machine 'pc-i440fx-8.1'");
	assert_check(small, qemu(8, 1), NULL);
}

static void test_devices(void **state)
{
	(void)state;
	struct vn_target assumed = qemu(7, 2);
	assumed.assumed = true;
	vn_autoguest *igb = guest_of("name='g'\nmemory=128\nvcpus=2\nvif=['type=user,model=e1000e']\n");
	assert_check(igb, qemu(7, 2), NULL);
	strcpy(igb->vifs[0].model, "igb");
	assert_check(igb, qemu(7, 2), "a card of model igb: QEMU 7.2 does not know that; expected 8.0");
	assert_check(igb, assumed, "a card of model igb");
	assert_check(igb, qemu(8, 0), NULL);
	static const struct {
		const char *line, *problem;
		unsigned since;
	} cases[] = {
		{"qemu -device igb,netdev=n", "its own -device igb", 8},
		{"qemu --device '{\"driver\":\"virtio-blk-pci\",\"iothread-vq-mapping\":[{\"iothread\":\"t\"}]}'",
			"iothread-vq-mapping", 9},
		{"qemu -device virtio-blk-pci,iothread-vq-mapping.0.iothread=t", "iothread-vq-mapping", 9},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autoguest *line = guest_of("name='g'\nmemory=128\nvcpus=2\n");
		free(line->text);
		line->text = NULL;
		assert_int_equal(
			vn_guest_set_text(line, VN_FORM_QEMU, cases[i].line, strlen(cases[i].line)), 0);
		assert_check(line, qemu(cases[i].since - 1, 9), cases[i].problem);
		assert_check(line, qemu(cases[i].since, 0), NULL);
		assert_check(line, assumed, NULL);
	}
}

static void test_older_versions(void **state)
{
	(void)state;
	vn_autoguest *dies = guest_of("name='g'\nmemory=128\nvcpus=8\nvnodes=2\n");
	adorn_dies(dies);
	assert_check(
		dies, qemu(4, 0), "dies (-smp dies=): QEMU 4.0 does not know that; expected 4.1 or later");
	assert_check(dies, libvirt(6, 0), "dies");
	vn_autoguest *off = guest_of("name='g'\nmemory=128\nvcpus=8\nguest_numa='off'\n");
	assert_check(off, qemu(4, 2), "memory-backend=");
	vn_autoguest *hmat = guest_of("name='g'\nmemory=192\nvcpus=4\nvnodes=3\nvnuma_vcpumap=[0,0,1,1]\n");
	assert_check(hmat, libvirt(6, 5), "a cell without vCPUs");
	adorn_hmat(hmat);
	assert_check(hmat, qemu(4, 2), "HMAT");
	vn_autoguest *two = guest_of(TWO_VNODES "maxmem=8192\n");
	assert_check(two, (struct vn_target){VN_TARGET_LIBVIRT, VN_TARGET_VERSION(1, 2, 13)},
		"libvirt 1.2.13 does not know that; expected 1.2.14 or later");
}

/* XML has no other text. */
static void test_paths_of_domains(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of(TWO_VNODES "disk=['/d/a.img,raw,vda']\nkernel='/k'\n");
	guest->disks[0].path[3] = '\xff';
	assert_check(guest, libvirt(9, 0), "disk '/d/?.img'; expected UTF-8 without control characters");
	assert_check(guest, qemu(7, 2), NULL);
	guest->form = VN_FORM_LIBVIRT; /* stays in its own XML */
	assert_check(guest, libvirt(9, 0), NULL);
	guest->form = VN_FORM_CFG;
	guest->disks[0].path[3] = '\t';
	assert_check(guest, libvirt(9, 0), NULL);
	guest->kernel[1] = 1;
	assert_check(guest, libvirt(9, 0), "kernel '/?'");
}

/* Distances are refused where they would be written, not where there are none to write. */
static void test_distances_of_older_versions(void **state)
{
	(void)state;
	vn_autoguest *one = guest_of("name='g'\nmemory=128\nvcpus=2\nvnodes=1\n"),
		     *two = guest_of(TWO_VNODES);
	assert_check(one, qemu(2, 9), "vCPUs of nodes by their cores (-numa cpu)");
	assert_check(one, qemu(2, 10), NULL);
	two->form = VN_FORM_QEMU; /* that has its nodes */
	assert_check(two, qemu(2, 9), NULL);
	two->vnodes[0].distances[1] = 21;
	assert_check(two, qemu(2, 9), "distances (-numa dist): QEMU 2.9 does not know that; expected 2.10");
	two->vnodes[0].distances[1] = 20;
	two->vnodes_open = true; /* they are made, and told with their distances */
	assert_check(two, qemu(2, 9), "distances (-numa dist)");
}

static void test_older_versions_of_all(void **state)
{
	(void)state;
	struct vn_target old = {VN_TARGET_XEN, VN_TARGET_VERSION(4, 5, 0)};
	vn_autoguest *two = guest_of(TWO_VNODES);
	assert_check(two, old, "vNUMA");
}

static void test_hmat_has_16_bits(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of("name='g'\nmemory=192\nvcpus=4\nvnodes=3\nvnuma_vcpumap=[0,0,1,1]\n");
	adorn_hmat(guest);
	uint64_t *latencies = guest->hmat->matrices[0].values, *bandwidths = guest->hmat->matrices[1].values;
	latencies[0] = 65534 * 1000;
	assert_check(guest, qemu(7, 2), NULL);
	latencies[0] = 65535 * 1000;
	assert_check(guest, qemu(7, 2), "HMAT access-latency: values up to 65535 ns and a common unit of 1");
	latencies[0] = 10000;
	bandwidths[0] = 65535;
	assert_check(guest, qemu(7, 2), "HMAT access-bandwidth");
	bandwidths[0] = 65534;
	assert_check(guest, qemu(7, 2), NULL);
	bandwidths[0] = UINT64_C(5120) * 64000; /* all are multiples of 512 */
	assert_check(guest, qemu(7, 2),
		"HMAT access-bandwidth: values up to 327680000 MB/s and a common unit of 512");
}

static void test_hmat_caches(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of("name='g'\nmemory=192\nvcpus=4\nvnodes=3\nvnuma_vcpumap=[0,0,1,1]\n");
	adorn_hmat(guest);
	struct vn_hmat_cache *second = &guest->hmat->caches[0], *first = &guest->hmat->caches[1];
	first->size = second->size;
	assert_check(guest, qemu(7, 2), "expected one of level 1 that is smaller");
	first->size = second->size / 2;
	second->level = 4;
	assert_check(guest, qemu(7, 2), "level 4; expected 1 to 3");
	second->level = 2;
	second->domain = 7;
	assert_check(guest, qemu(7, 2), "HMAT cache of domain 7");
	second->domain = 2;
	guest->hmat->matrices[0].targets[2] = 1; /* no latency of vnode 2 */
	guest->hmat->n_caches = 2;
	guest->hmat->caches[0].level = 1;
	guest->hmat->n_caches = 1;
	assert_check(guest, qemu(7, 2), "no latency or no bandwidth");
	guest->hmat->n_caches = 0;
	guest->hmat->matrices[0].targets[2] = 3;
	assert_check(guest, qemu(7, 2), "target 3; expected a vnode");
}

static void test_xen(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of(TWO_VNODES);
	guest->maxmem += VN_MIB;
	assert_check(guest, xen(), "cannot be ballooned up");
	guest->maxmem -= VN_MIB;
	guest->vnodes[0].memory += 4096;
	guest->vnodes[1].memory -= 4096;
	guest->vnodes[1].memory += 4096 - VN_MIB;
	guest->vnodes[0].memory += VN_MIB - 4096;
	assert_check(guest, xen(), NULL);
	const unsigned far[] = {0, 64};
	vn_autoplan *plan = plan_of(guest, far, VN_BINDING_STRICT, 0);
	struct vn_target target = xen();
	vn_autoerror err = {0};
	assert_int_equal(vn_target_check(plan, guest, &target, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_non_null(strstr(err.problems[0].text, "node 64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_recipes_are_taken),
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_older_versions),
		cmocka_unit_test(test_distances_of_older_versions),
		cmocka_unit_test(test_paths_of_domains),
		cmocka_unit_test(test_older_versions_of_all),
		cmocka_unit_test(test_hmat_has_16_bits),
		cmocka_unit_test(test_hmat_caches),
		cmocka_unit_test(test_xen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
