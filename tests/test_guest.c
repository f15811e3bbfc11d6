/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest config: what is completed, what is refused (every problem, its line, its key), what --defaults
 * replaces. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../src/base/text.h"
#include "guest_asserts.h"
#include "../src/base/cfg.h"

#define BASE "name = \"g\"\nmemory = 4096\nvcpus = 4\n" /* lines 1 to 3 */

static void test_missing_parts_are_completed(void **state)
{
	(void)state;
	vn_autoguest *one = read_good("name='a'\nmemory=100\n", false);
	assert_int_equal(one->vcpus, 1);
	assert_int_equal(one->n_vnodes, 1);
	assert_int_equal(one->vnodes[0].memory, 100 * VN_MIB);
	assert_int_equal(one->vnodes[0].home, -1);
	assert_int_equal(one->memory_policy, VN_MEMORY_PREFERRED);

	vn_autoguest *three = read_good("name='a'\nmemory=100\nvcpus=5\nvnodes=3\nhugepages='1M'\n", false);
	assert_int_equal(three->vnodes[0].memory, 34 * VN_MIB);
	assert_int_equal(three->vnodes[2].memory, 33 * VN_MIB);
	assert_int_equal(vn_guest_vnode_of(three, 1), 0);
	assert_int_equal(vn_guest_vnode_of(three, 2), 1);
	assert_int_equal(vn_guest_vnode_of(three, 4), 2);
	assert_int_equal(three->vnodes[0].distances[2], 20);
	assert_int_equal(three->memory_policy, VN_MEMORY_STRICT);
}

#define GROWS "name='a'\nmemory=1024\nvcpus=2\nvnodes=2\n" /* lines 1 to 4 */

static void test_memory_that_grows_and_shrinks(void **state)
{
	(void)state;
	vn_autoguest *both = read_good(
		GROWS "vnumamem=[384,640]\nvnumamem_min=[128,512]\nvnumamem_max=[640,640]\n", false);
	assert_int_equal(both->vnodes[0].memory, 384 * VN_MIB);
	assert_int_equal(both->vnodes[0].plugged, 256 * VN_MIB);
	assert_int_equal(both->vnodes[0].virtio_mem, 512 * VN_MIB);
	assert_int_equal(both->vnodes[1].plugged, 128 * VN_MIB);
	assert_int_equal(both->vnodes[1].virtio_mem, 128 * VN_MIB);
	assert_int_equal(both->memory, 1024 * VN_MIB);
	assert_int_equal(both->maxmem, 1280 * VN_MIB);
	assert_int_equal(both->notes.n, 0);
	vn_autoguest *most = read_good(GROWS "maxmem=4096\nvnumamem_max=[514,512]\n", false);
	assert_int_equal(most->vnodes[0].plugged, 0);
	assert_int_equal(most->vnodes[0].virtio_mem, 2 * VN_MIB);
	assert_int_equal(most->vnodes[1].virtio_mem, 0); /* it can have what it has, and needs no device */
	assert_int_equal(most->maxmem, 4096 * VN_MIB);
	assert_string_equal(most->notes.v[0].code, "growth-not-whole-blocks");
	assert_int_equal(vn_guest_growth(most), 2 * VN_MIB);
	vn_autoguest *huge =
		read_good("name='a'\nmemory=4096\nvnodes=1\nhugepages='1G'\nvnumamem_min=[1024]\n", false);
	assert_int_equal(huge->vnodes[0].virtio_mem, 3072 * VN_MIB);
}

static void test_wrong_bounds(void **state)
{
	(void)state;
	assert_problems(GROWS "vnumamem_min=[514,0]\nvnumamem_max=[513,256]\n",
		"5 vnumamem_min: [514, 0] seen; vnode 0: 514 MiB; expected at most the 512 MiB that it has at start\n"
		"6 vnumamem_max: [513, 256] seen; vnode 0: 513 MiB, which is 1 MiB from what it has at start; expected a multiple of 2 MiB, "
		"the blocks of virtio-mem\n"
		"5 vnumamem_min: [514, 0] seen; vnode 1: 0 MiB; expected at least 1 MiB, as it is a node with memory from the start\n"
		"6 vnumamem_max: [513, 256] seen; vnode 1: 256 MiB; expected at least the 512 MiB that it has at start\n");
	assert_problems(GROWS "vnumamem_min=[512]\nvnumamem_max=5\n",
		"5 vnumamem_min: [512] seen; expected 2 numbers of MiB, one per vnode\n"
		"6 vnumamem_max: 5 seen; expected 2 numbers of MiB, one per vnode\n");
	assert_problems(GROWS "vnumamem_min=[64,512]\n",
		"5 vnumamem_min: [64, 512] seen; vnode 0: 64 MiB; expected at least 128 MiB, as Linux boots in vnode 0\n");
	assert_problems(GROWS "maxmem=1100\nvnumamem_max=[768,512]\n",
		"5 maxmem: 1100 MiB seen; expected at least 1280 MiB, the sum of 'vnumamem_max'\n");
	assert_problems(GROWS "vnumamem=[0,1024]\nvnuma_vcpumap=[0,1]\nvnumamem_max=[512,1024]\n",
		"7 vnumamem_max: [512, 1024] seen; vnode 0: has 0 MiB at start; expected at least 128 MiB of one that can grow\n");
	assert_problems(
		"name='a'\nmemory=4096\nvnodes=1\nhugepages='1G'\nvnumamem_min=[3072]\nvnumamem_max=[4608]\n",
		"6 vnumamem_max: [4608] seen; vnode 0: 4608 MiB, which is 512 MiB from what it has at start; expected a multiple of 1024 MiB, "
		"its huge pages\n");
	/* what a wrong vnumamem would bring along is not told */
	assert_problems(GROWS "vnumamem=[1,2]\nvnumamem_max=[3,4]\n",
		"5 vnumamem: [1, 2] seen; the sum is 3 MiB; expected 1024 MiB, which is 'memory'\n");
	assert_problems("name='a'\nmemory=256\nvnumamem_max=[256]\n",
		"3 vnumamem_max: [256] seen; 'vnodes' is missing, which it goes with\n");
	assert_problems("name='a'\nvcpu=[0:0]\nvnode=1\nmemory=[128:0]\nvnumamem_min=[128]\n",
		"5 vnumamem_min: seen beside 'vcpu' of line 2; expected vnodes in one way: vnodes and vn…, or vnode and vcpu, or vnuma\n");
	vn_autoguest *replaced = read_good(GROWS "vnumamem_max=[513,512]\n", true);
	assert_int_equal(replaced->vnodes[0].virtio_mem, 0);
	assert_int_equal(replaced->maxmem, replaced->memory);
	assert_string_equal(replaced->notes.v[0].code, "option-replaced");
}

static void test_rc9(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(BASE "vnodes = 2\nvnumamem = [2048, 2048]\nvdistance = [10, 40, 40, 10]\n"
					 "vnuma_vcpumap = [1, 0, 1, 0]\nvnuma_vnodemap = [1, 0]\n",
		false);
	assert_int_equal(g->vnodes[0].home, 1);
	assert_int_equal(g->vnodes[1].home, 0);
	assert_int_equal(g->vnodes[0].distances[1], 40);
	assert_int_equal(vn_guest_vnode_of(g, 0), 1);
	assert_int_equal(vn_guest_vnode_of(g, 3), 0);
	assert_int_equal(g->notes.n, 0);
}

#define RCBIG                                                                                                \
	"memory = 16384\nvcpus = 4\nname = \"rcbig\"\nvnodes = 4\nvnumamem = [10,10]\n"                      \
	"vnuma_distance = [10, 30, 10, 30]\nvcpu_to_vnode = [0, 0, 1, 1]\n"

static void test_first_example_of_the_thread(void **state)
{
	(void)state;
	assert_problems(RCBIG,
		"5 vnumamem: [10, 10] seen; expected 4 numbers of MiB, one per vnode\n"
		"6 vnuma_distance: [10, 30, 10, 30] seen; no option of this name; it is called 'vdistance', "
		"and its values are too few or too many for that\n"
		"7 vcpu_to_vnode: [0, 0, 1, 1] seen; no option of this name; it is called 'vnuma_vcpumap'\n");

	vn_autoguest *g = read_good(RCBIG, true);
	assert_int_equal(g->n_vnodes, 4);
	assert_int_equal(g->notes.n, 3);
	static const char *const named[] = {"vnumamem", "vnuma_distance", "vcpu_to_vnode"};
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(g->notes.v[i].code, "option-replaced");
		assert_non_null(strstr(g->notes.v[i].text, named[i]));
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(g->vnodes[i].memory, 4096 * VN_MIB);
		assert_int_equal(vn_guest_vnode_of(g, i), i);
		for (unsigned j = 0; j < 4; j++)
			assert_int_equal(g->vnodes[i].distances[j], i == j ? 10 : 20);
	}
}

static void test_distance_forms(void **state)
{
	(void)state;
	vn_autoguest *two = read_good(BASE "vnodes=3\nvdistance=[10,30]\n", false);
	assert_int_equal(two->vnodes[2].distances[0], 30);
	vn_autoguest *rows = read_good(BASE "vnodes=2\nvdistance=[[10,21],[31,10]]\n", false);
	assert_int_equal(rows->vnodes[0].distances[1], 21);
	assert_int_equal(rows->vnodes[1].distances[0], 31);
	assert_int_equal(rows->notes.n, 1);
	assert_string_equal(rows->notes.v[0].code, "vdistance-asymmetric");
	vn_autoguest *far = read_good(BASE "vnodes=2\nvdistance=[10,255]\n", false);
	assert_int_equal(far->vnodes[0].distances[1], 255);
	vn_autoguest *single = read_good(BASE "vnodes=1\nvdistance=[10]\n", false);
	assert_int_equal(single->vnodes[0].distances[0], 10);
}

static void test_wrong_distances(void **state)
{
	(void)state;
	assert_problems(BASE "vnodes=2\nvdistance=[10, 9]\n",
		"5 vdistance: [10, 9] seen; vnode 0 to 1 is 9; expected 11 to 255 (with 10 or less Linux "
		"drops the whole table)\n");
	assert_problems(BASE "vnodes=2\nvdistance=[10, 256]\n",
		"5 vdistance: [10, 256] seen; vnode 0 to 1 is 256; expected 11 to 255 (with 10 or less Linux "
		"drops the whole "
		"table)\n");
	assert_problems(BASE "vnodes=2\nvdistance=[10, 10]\n",
		"5 vdistance: [10, 10] seen; vnode 0 to 1 is 10; expected 11 to 255 (with 10 or less Linux "
		"drops the whole "
		"table)\n");
	assert_problems(BASE "vnodes=2\nvdistance=[11, 20]\n",
		"5 vdistance: [11, 20] seen; vnode 0 to itself is 11; expected 10\n");
	assert_problems(BASE "vnodes=2\nvdistance=[10, 20, 20]\n",
		"5 vdistance: [10, 20, 20] seen; expected 2 values (same node, other node) or 4 (2 x 2, flat "
		"or in rows)\n");
	assert_problems(BASE "vnodes=2\nvdistance=[[10, 20], [20]]\n",
		"5 vdistance: [[10, 20], [20]] seen; expected 2 values (same node, other node) or 4 (2 x 2, "
		"flat or in rows)\n");
	assert_problems(BASE "vnodes=2\nvdistance=20\n", "5 vdistance: 20 seen; expected 2 values (same "
							 "node, other node) or 4 (2 x 2, flat or in rows)\n");
}

static void test_wrong_numa_options_are_all_found(void **state)
{
	(void)state;
	assert_problems(BASE
		"vnodes = 2\nvnumamem = [2048, 1024]\nvnuma_vcpumap = [0, 1, 2, 0]\nvnuma_vnodemap = [0]\n",
		"5 vnumamem: [2048, 1024] seen; the sum is 3072 MiB; expected 4096 MiB, which is 'memory'\n"
		"6 vnuma_vcpumap: [0, 1, 2, 0] seen; entry 2 is 2; expected 4 vnode numbers (0 to 1), one "
		"per vCPU\n"
		"7 vnuma_vnodemap: [0] seen; expected 2 node numbers of the host, one per vnode\n");
	assert_problems(BASE "vnodes = 2\nvnumamem = [4096, 0]\nvnuma_vcpumap = [0, 1, 1]\n",
		"6 vnuma_vcpumap: [0, 1, 1] seen; expected 4 vnode numbers (0 to 1), one per vCPU\n");
	assert_problems(BASE "vnodes = 2\nvnumamem = [4097, -1]\n",
		"5 vnumamem: [4097, -1] seen; entry 1 is -1; expected 2 numbers of MiB, one per vnode\n");
	assert_problems(BASE "vnodes = 33\n", "4 vnodes: 33 seen; expected 1 to 32\n");
	assert_problems(BASE "vnodes = 0\n", "4 vnodes: 0 seen; expected 1 to 32\n");
	assert_problems("name='a'\nmemory=2\nvnodes=3\n",
		"3 vnodes: 3 seen; expected 1 to 2 (each vnode needs 1 MiB)\n");
	assert_problems(BASE "vnumamem = [2048, 2048]\n",
		"4 vnumamem: [2048, 2048] seen; 'vnodes' is missing, which it goes with\n");
	assert_problems(BASE "vnodes = 2\nguest_numa = \"off\"\n",
		"5 guest_numa: \"off\" seen with 2 vnodes; expected one vnode\n");
	assert_problems(BASE "vnodes = 2\nhugepages = \"1G\"\nvnumamem = [1536, 2560]\n",
		"6 vnumamem: vnode 0 gets 1536 MiB; expected a multiple of its huge pages, 1 GiB\n"
		"6 vnumamem: vnode 1 gets 2560 MiB; expected a multiple of its huge pages, 1 GiB\n");
	assert_problems("name='a'\nvcpus=1\nmemory=1025\nhugepages = \"1G\"\n",
		"3 memory: vnode 0 gets 1025 MiB; expected a multiple of its huge pages, 1 GiB\n");
}

static void test_wrong_common_keys(void **state)
{
	(void)state;
	assert_problems("vcpus = 0\n", "0 name: missing; expected a quoted string\n"
				       "0 memory: missing; expected MiB\n"
				       "1 vcpus: 0 seen; expected a number from 1 to 1024\n");
	assert_problems("name = \"../x\"\nmemory = 99999999999999999999\n",
		"2 memory: 99999999999999999999… is above 18446744073709551615\n"
		"1 name: \"../x\" seen; expected 1 to 63 letters, digits, '.', '_', '+' or '-', a letter or "
		"digit first\n");
	assert_problems(BASE "memroy = 5\nfoo = 1\nvnuma = []\n",
		"4 memroy: no key of a guest config; 'memory' is meant?\n"
		"5 foo: no key of a guest config; the README lists them\n"
		"6 vnuma: [] seen; expected a list of 1 to 32 lists, one for each vnode\n");
	assert_problems(BASE
		"policy = \"stack\"\nhugepages = \"3M\"\ncpus = \"0-\"\nmaxmem = 100\nextra = \"x\"\n",
		"7 maxmem: 100 seen; expected a number from 4096 to 67108864\n"
		"6 cpus: \"0-\" seen; expected the host's CPUs as one string, such as \"0-3,8\" or "
		"\"all,^0\"\n"
		"5 hugepages: \"3M\" seen; expected a page size such as \"2M\" or \"1G\"\n"
		"4 policy: \"stack\" seen; expected \"pack\" or \"spread\"\n"
		"8 extra: given without 'kernel'; it goes with a kernel only\n");
}

static void test_syntax_errors_are_all_found(void **state)
{
	(void)state;
	assert_problems("name = \"g\nmemory = 4096\nvcpus = [1, 2\nmaxvcpus = 8\n",
		"1 name: the string that starts with \" does not end on its line\n"
		"3 vcpus: the list that starts here has no end; expected ']'\n");
	assert_problems(BASE "vcpus = 5\n", "4 vcpus: given twice; the first is in line 3\n");
	assert_problems(BASE "kernel \"x\"\n= 3\nextra = @\n",
		"4 -: '\"' behind 'kernel'; expected '='\n"
		"5 -: '='; expected 'key = value'\n"
		"6 extra: '@'; expected a number, a quoted string or a list\n");
	assert_problems(BASE "maxmem = 08192\nmaxvcpus = 8 9\n",
		"4 maxmem: 08192 starts with 0, which xl reads as octal; write it without\n"
		"5 maxvcpus: '9' behind the value; expected the end of the line\n");
	assert_problems(BASE "disk = [[[[[[[[[1]]]]]]]]]\nextra = \"\\q\"\n",
		"4 disk: lists nested more than 8 deep\n5 extra: '\\' before 'q'; expected \\\\, \\', \\\", "
		"\\n or \\t\n");
	assert_problems(BASE "vnodes = 2\nvnumamem = [ 1, 2",
		"5 vnumamem: the list that starts here has no end; expected ']'\n");
}

static void test_garbage_is_cut_short(void **state)
{
	(void)state;
	char text[4096];
	memset(text, 0, sizeof(text));
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "=\n", 2);
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_guest_from_cfg(text, "g.cfg", false, &guest, &err), -EINVAL);
	assert_in_range(err.n, 2, 60);
}

static void test_devices(void **state)
{
	(void)state;
	vn_autoguest *g =
		read_good(BASE "disk = [\"/a.img,qcow2,vda,ro\", \"format=raw, vdev=vdb, target=/dev/b,c\"]\n"
			       "vif = [\"\", \"bridge=br0,queues=2,mac=52:54:00:12:34:56\", "
			       "\"type=tap,vifname=t0,vhost=0\"]\n",
			false);
	assert_int_equal(g->n_disks, 2);
	assert_string_equal(g->disks[0].path, "/a.img");
	assert_string_equal(g->disks[0].format, "qcow2");
	assert_true(g->disks[0].readonly);
	assert_string_equal(g->disks[1].path, "/dev/b,c");
	assert_false(g->disks[1].readonly);
	assert_int_equal(g->n_vifs, 3);
	assert_int_equal(g->vifs[0].type, VN_VIF_USER);
	assert_int_equal(g->vifs[1].type, VN_VIF_TAP);
	assert_int_equal(g->vifs[1].queues, 2);
	assert_true(g->vifs[1].vhost);
	assert_false(g->vifs[2].vhost);
	assert_problems(BASE "disk = [\"a.img\", \"\", \"/x,vmdk\"]\nvif = [\"mac=01:00:00:00:00:01\", "
			     "\"bridge=a/b\", \"x\"]\n",
		"4 disk: entry 0: \"a.img\" seen; expected the target as an absolute path\n"
		"4 disk: entry 1: \"\" seen; expected a target, the absolute path of an image or block device\n"
		"4 disk: entry 2: \"vmdk\" seen; expected the format raw or qcow2\n"
		"5 vif: entry 0: \"01:00:00:00:00:01\" seen; expected a unicast MAC address such as "
		"52:54:00:12:34:56\n"
		"5 vif: entry 1: \"a/b\" seen; expected one interface name of 1 to 15 letters, digits, '.', "
		"'_' or '-'\n"
		"5 vif: entry 2: \"x\" seen; expected name=value\n");
	assert_problems(
		BASE "disk = \"/a\"\n", "4 disk: \"/a\" seen; expected a list of at most 64 strings\n");
}

/* What xl knows of a device and we make no use of is noted, and no error. */
static void test_devices_of_xl(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(BASE
		"disk = ['/a.iso,,hdc,cdrom', 'file:/b.iso,hdd:cdrom,w', ',,hdb,cdrom', ',hda:cdrom',\n"
		"'script=block-x, discard,devtype=cdrom, target=/c.iso', 'devtype=disk,target=/d']\n"
		"vif = ['model=e1000,mtu=9000,trusted,bridge=br0']\n",
		false);
	static const char *const notes[] = {
		"line 4: disk: entry 2: a drive with no disc in it: vnuma does not use it",
		"line 4: disk: entry 3: a drive with no disc in it: vnuma does not use it",
		"line 5: disk: entry 4: script: vnuma does not use it",
		"line 5: disk: entry 4: discard: vnuma does not use it",
		"line 6: vif: entry 0: model: vnuma does not use it",
		"line 6: vif: entry 0: mtu: vnuma does not use it",
		"line 6: vif: entry 0: trusted: vnuma does not use it",
	};
	assert_int_equal(g->n_disks, 4);
	assert_string_equal(g->disks[2].path, "/c.iso");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(g->disks[i].readonly, i < 3);
	assert_int_equal(g->notes.n, 7);
	for (size_t i = 0; i < 7; i++)
		assert_string_equal(g->notes.v[i].text, notes[i]);
	assert_problems(BASE
		"disk = ['/a,cdroms', ',,hda', '/a,raw,hda,w,x', 'devtype=tape,target=/x']\nvif = ['untrusted=1']\n",
		"4 disk: entry 0: \"cdroms\" seen; expected the format raw or qcow2\n"
		"4 disk: entry 1: \"\" seen; expected a target, the absolute path of an image or block device\n"
		"4 disk: entry 2: \"x\" seen; expected target, format, vdev, access\n"
		"4 disk: entry 3: \"devtype\" seen; expected target=, format=, access=, vdev=, backendtype= or devtype=\n"
		"5 vif: entry 0: \"untrusted\" seen; expected mac=, bridge=, vifname=, type=, queues= or vhost=\n");
}

static void test_weight_in_both_words(void **state)
{
	(void)state;
	vn_autoguest *theirs = read_good(BASE "cpu_weight = 300\n", false);
	vn_autoguest *both = read_good(BASE "cpu_weight = 300\nweight = 300\n", false);

	assert_int_equal(theirs->weight, 300);
	assert_int_equal(both->weight, 300);
	assert_problems(BASE "cpu_weight = 300\nweight = 301\n",
		"4 cpu_weight: 300 seen; expected 301, as 'weight' has it in line 5, or one of both keys\n");
}

static void test_cpus(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(BASE "cpus = \"0-7,^2-3,10\"\n", false);
	vn_autofree char *text = vn_set_text(g->cpus);
	assert_string_equal(text, "0-1,4-7,10");
	vn_autoguest *all = read_good(BASE "cpus = \"all,^0\"\n", false);
	assert_false(hwloc_bitmap_isset(all->cpus, 0));
	assert_true(hwloc_bitmap_isset(all->cpus, 4000));
}

static void test_hotpluggable_vcpus_belong_to_vnodes(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(BASE "maxvcpus = 6\nvnodes = 2\nvnuma_vcpumap = [0,0,0,0,1,1]\n", false);
	assert_int_equal(g->vcpus, 4);
	assert_int_equal(vn_guest_vnode_of(g, 5), 1);
	assert_problems(BASE "maxvcpus = 6\nvnodes = 2\nvnuma_vcpumap = [0,0,1,1]\n",
		"6 vnuma_vcpumap: [0, 0, 1, 1] seen; expected 6 vnode numbers (0 to 1), one per possible "
		"vCPU\n");
}

static void test_threads_are_whole_cores(void **state)
{
	(void)state;
	vn_autoguest *one = read_good(BASE, false);
	assert_int_equal(one->threads, 1);
	vn_autoguest *g = read_good("name='a'\nmemory=100\nvcpus=12\nthreads=2\nvnodes=4\n", false);
	assert_int_equal(g->threads, 2);
	static const int vnode_of[] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3}; /* 6 cores: 2, 2, 1, 1 */
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(vn_guest_vnode_of(g, i), vnode_of[i]);
	vn_autoguest *more =
		read_good(BASE "maxvcpus=8\nthreads=4\nvnodes=2\nvnuma_vcpumap=[1,1,1,1,0,0,0,0]\n", false);
	assert_int_equal(vn_guest_vnode_of(more, 0), 1);

	assert_problems(
		BASE "threads=3\n", "4 threads: 3 seen; expected a number that divides the 4 vCPUs\n");
	assert_problems(BASE "threads=8\nmaxvcpus=8\n",
		"4 threads: 8 seen; expected a number that divides the 4 vCPUs of 'vcpus'\n");
	assert_problems(BASE "threads=4\nmaxvcpus=6\n",
		"4 threads: 4 seen; expected a number that divides the 6 vCPUs of 'maxvcpus'\n");
	assert_problems(BASE "threads=9\n", "4 threads: 9 seen; expected a number from 1 to 8\n");
	assert_problems(BASE "threads=0\n", "4 threads: 0 seen; expected a number from 1 to 8\n");
	assert_problems(BASE "threads=2\nvnodes=2\nvnuma_vcpumap=[0,0,1,0]\n",
		"6 vnuma_vcpumap: [0, 0, 1, 0] seen; vCPUs 2 and 3 are threads of one core, on vnodes 1 and 0; "
		"expected one vnode ('threads' is 2)\n");
	vn_autoguest *replaced = read_good(BASE "threads=2\nvnodes=2\nvnuma_vcpumap=[0,1,1,0]\n", true);
	assert_int_equal(vn_guest_vnode_of(replaced, 1), 0);
	assert_int_equal(vn_guest_vnode_of(replaced, 2), 1);
	assert_true(vn_notes_has(&replaced->notes, "option-replaced"));
}

static void test_vnodes_are_left_open(void **state)
{
	(void)state;
	static const struct {
		const char *cfg;
		bool open;
	} cases[] = {{"", true}, {"guest_numa='on'\n", true}, {"guest_numa='off'\n", false},
		{"vnodes=1\n", false}, {"vnodes=2\n", false}, {"guest_numa='on'\nvnodes=1\n", false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autofree char *text = vn_format(BASE "%s", cases[i].cfg);
		vn_autoguest *g = read_good(text, false);
		assert_int_equal(g->vnodes_open, cases[i].open);
		assert_true(!g->vnodes_open || g->n_vnodes == 1);
	}
	/* an option that was there, even when it had to be replaced, is not nothing */
	vn_autoguest *replaced = read_good(BASE "vnuma_vnodemap=[0]\n", true);
	assert_false(replaced->vnodes_open);
}

static void test_vnodes_without_memory(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(BASE "vnodes=2\nvnumamem=[0, 4096]\n", false);
	assert_int_equal(g->vnodes[0].memory, 0);
	assert_int_equal(g->vnodes[1].memory, 4096 * VN_MIB);
	vn_autoguest *huge = read_good(BASE "vnodes=2\nvnumamem=[4096, 0]\nhugepages='1G'\n", false);
	assert_int_equal(huge->vnodes[1].memory, 0);

	assert_problems(BASE "vnodes=2\nvnumamem=[0, 0]\n",
		"5 vnumamem: [0, 0] seen; the sum is 0 MiB; expected 4096 MiB, which is 'memory'\n");
	assert_problems(BASE "vnodes=2\nvnumamem=[4096, 0]\nvnuma_vcpumap=[0,0,0,0]\n",
		"5 vnumamem: [4096, 0] seen; vnode 1 has neither memory nor a vCPU at start; expected one of them\n");
	/* Linux does not bring a node online that has vCPUs to come and nothing else */
	assert_problems(BASE "maxvcpus=6\nvnodes=2\nvnumamem=[4096, 0]\nvnuma_vcpumap=[0,0,0,0,1,1]\n",
		"6 vnumamem: [4096, 0] seen; vnode 1 has neither memory nor a vCPU at start; expected one of them\n");
	vn_autoguest *replaced =
		read_good(BASE "vnodes=2\nvnumamem=[4096, 0]\nvnuma_vcpumap=[0,0,0,0]\n", true);
	assert_int_equal(replaced->vnodes[1].memory, 2048 * VN_MIB);
	/* nobody asked for a vnode without memory here */
	assert_problems(BASE "vnodes=3\nhugepages='2G'\n",
		"4 vnodes: vnode 1 gets no memory; expected at most as many vnodes as the memory has huge pages\n");
}

static void test_pci(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(BASE
		"vnodes=2\npci=['0000:3B:00.0', '0000:5e:00.1, vnode=1', '3c:00.0', '10000:01:00.7,vnode=0']\n",
		false);
	static const char *const addresses[] = {
		"0000:3b:00.0", "0000:5e:00.1", "0000:3c:00.0", "10000:01:00.7"};
	assert_int_equal(g->n_hostdevs, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(g->hostdevs[i].address, addresses[i]);
		assert_int_equal(g->hostdevs[i].vnode, i == 1);
		assert_string_equal(g->hostdevs[i].where.file, "g.cfg");
		assert_int_equal(g->hostdevs[i].where.line, 5);
		assert_string_equal(g->hostdevs[i].where.key, "pci");
	}
	assert_int_equal(g->notes.n, 0);

	vn_autoguest *xl = read_good(BASE
		"pci=['3b:00.0@1d,permissive=1,msitranslate=0,seize=1,power_mgmt=1,rdm_policy=strict','3b:00.1,permissive']\n",
		false);
	assert_int_equal(xl->n_hostdevs, 2);
	assert_int_equal(xl->notes.n, 7);
	assert_string_equal(xl->notes.v[6].text, "line 4: pci: entry 1: permissive: vnuma does not use it");

	assert_problems(BASE
		"vnodes=2\npci=['', '0000:3b:00', '3b:00.*', '0000:3g:00.0', '3b:00.0@', '3b:00.0,vnode=2',\n"
		"'3b:00.1,vnode', '3b:00.2,vnode=-1', '3b:00.3,node=1', '0000:3B:00.0', '00003b:00.0']\n",
		"5 pci: entry 0: \"\" seen; expected a PCI function such as 0000:3b:00.0 or 3b:00.0\n"
		"5 pci: entry 1: \"0000:3b:00\" seen; expected a PCI function such as 0000:3b:00.0 or 3b:00.0\n"
		"5 pci: entry 2: \"3b:00.*\" seen; expected a PCI function such as 0000:3b:00.0 or 3b:00.0\n"
		"5 pci: entry 3: \"0000:3g:00.0\" seen; expected a PCI function such as 0000:3b:00.0 or 3b:00.0\n"
		"5 pci: entry 4: \"3b:00.0@\" seen; expected a PCI function such as 0000:3b:00.0 or 3b:00.0\n"
		"5 pci: entry 5: \"2\" seen; expected a vnode, 0 to 1\n"
		"6 pci: entry 6: \"\" seen; expected a vnode, 0 to 1\n"
		"6 pci: entry 7: \"-1\" seen; expected a vnode, 0 to 1\n"
		"6 pci: entry 8: \"node\" seen; expected vnode=, or what xl knows: permissive, msitranslate, seize, "
		"power_mgmt, rdm_policy=\n"
		"6 pci: entry 9: \"0000:3b:00.0\" seen; expected each function once\n"
		"6 pci: entry 10: \"00003b:00.0\" seen; expected a PCI function such as 0000:3b:00.0 or 3b:00.0\n");
	/* against a number of vnodes that is wrong itself nothing is measured */
	assert_problems(BASE "vnodes=33\npci=['3b:00.0,vnode=7']\n", "4 vnodes: 33 seen; expected 1 to 32\n");
	vn_autoguest *replaced = read_good(BASE "pci=['3b:00.0,vnode=7']\n", true);
	assert_int_equal(replaced->hostdevs[0].vnode, 0);
	assert_true(vn_notes_has(&replaced->notes, "option-replaced"));
}

static void test_pins(void **state)
{
	(void)state;
	vn_autoguest *one = read_good(BASE "cpus=[\"3\", 1]\n", false);
	assert_string_equal(one->notes.v[0].text,
		"line 4: cpus: a pin for each vCPU; the plan's pins replace them; the vCPUs were pinned one to one, each to a "
		"CPU of its own");
	for (unsigned i = 0; i < 3; i++) {
		static const char *const pins[] = {"[\"3\", \"0-1\"]", "[\"3\", \"3\"]", "[\"3\", \"all\"]"};
		vn_autofree char *text = vn_format(BASE "cpus=%s\n", pins[i]);
		vn_autoguest *g = read_good(text, false);
		assert_string_equal(g->notes.v[0].text,
			"line 4: cpus: a pin for each vCPU; the plan's pins replace them");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_parts_are_completed),
		cmocka_unit_test(test_memory_that_grows_and_shrinks),
		cmocka_unit_test(test_wrong_bounds),
		cmocka_unit_test(test_rc9),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_first_example_of_the_thread),
		cmocka_unit_test(test_distance_forms),
		cmocka_unit_test(test_wrong_distances),
		cmocka_unit_test(test_wrong_numa_options_are_all_found),
		cmocka_unit_test(test_wrong_common_keys),
		cmocka_unit_test(test_syntax_errors_are_all_found),
		cmocka_unit_test(test_garbage_is_cut_short),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_devices_of_xl),
		cmocka_unit_test(test_weight_in_both_words),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_hotpluggable_vcpus_belong_to_vnodes),
		cmocka_unit_test(test_threads_are_whole_cores),
		cmocka_unit_test(test_vnodes_are_left_open),
		cmocka_unit_test(test_vnodes_without_memory),
		cmocka_unit_test(test_pci),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
