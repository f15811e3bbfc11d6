/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests from QEMU command lines: what is read, what is refused (every problem, its line, its option), what is noted. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "../src/base/rootfs.h"
#include "../src/base/text.h"
#include "../src/guest/guest_qemu.h"
#include "../src/guest/guest_read.h"

#define QEMU "qemu-system-x86_64 "
#define GIB (1024 * VN_MIB)
/* Two nodes of 128 MiB, without vCPUs told */
#define AB "-m 256 -object memory-backend-ram,id=a,size=128M -object memory-backend-ram,id=b,size=128M "
#define NODES AB "-numa node,memdev=a -numa node,memdev=b "

static struct vn_guest *read_bytes(const char *text, size_t size)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};
	int r = vn_guest_read(text, size, "dir/g.args", false, &guest, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%u: %s: %s\n", err.problems[i].line, err.problems[i].key, err.problems[i].text);
	assert_int_equal(r, 0);
	assert_int_equal(guest->form, VN_FORM_QEMU);
	assert_int_equal(guest->text_size, size);
	assert_memory_equal(guest->text, text, size + 1);
	return guest;
}

static struct vn_guest *read_good(const char *text)
{
	return read_bytes(text, strlen(text));
}

/* All problems as "LINE OPTION: TEXT" lines. */
static void assert_problems_of(const char *text, size_t size, const char *expected)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};
	vn_autofree char *all = vn_copy("");
	assert_int_equal(vn_guest_read(text, size, "g.args", false, &guest, &err), -EINVAL);
	assert_null(guest);
	assert_true(err.input);
	for (size_t i = 0; i < err.n; i++) {
		assert_string_equal(err.problems[i].file, "g.args");
		char *more = vn_format("%s%u %s: %s\n", all, err.problems[i].line,
			err.problems[i].key ? err.problems[i].key : "", err.problems[i].text);
		free(all);
		all = more;
	}
	assert_string_equal(all, expected);
}

static void assert_problems(const char *text, const char *expected)
{
	assert_problems_of(text, strlen(text), expected);
}

/* "CODE|CODE|". */
static void assert_notes(const struct vn_guest *guest, const char *expected)
{
	vn_autofree char *all = vn_copy("");
	for (size_t i = 0; i < guest->notes.n; i++) {
		char *more = vn_format("%s%s|", all, guest->notes.v[i].code);
		free(all);
		all = more;
	}
	assert_string_equal(all, expected);
}

static void assert_set(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *text = set ? vn_set_text(set) : vn_copy("NULL");
	assert_string_equal(text, expected);
}

/* ---- vCPUs and memory ---- */

static void test_nothing_said(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(QEMU "-display none");
	assert_string_equal(g->name, "g");
	assert_int_equal(g->memory, 128 * VN_MIB);
	assert_int_equal(g->maxmem, 128 * VN_MIB);
	assert_int_equal(g->maxvcpus, 1);
	assert_int_equal(g->n_vnodes, 1);
	assert_true(g->vnodes_open);
	assert_set(g->vnodes[0].vcpus, "0");
	assert_null(g->vnodes[0].nodes);
	assert_int_equal(g->vnodes[0].home, -1);
	assert_int_equal(g->vnodes[0].distances[0], 10);
	assert_int_equal(g->weight, 256);
	assert_int_equal(g->memory_policy, VN_MEMORY_PREFERRED);
	assert_notes(g, "");
}

static void assert_smp(const char *smp, unsigned vcpus, unsigned maxvcpus, const unsigned levels[static 5])
{
	vn_autofree char *text =
		vn_format("kvm -smp %s", smp); /* which may be of a machine that has clusters */
	vn_autoguest *g = read_good(text);
	assert_int_equal(g->vcpus, vcpus);
	assert_int_equal(g->maxvcpus, maxvcpus);
	assert_int_equal(g->topology.sockets, levels[0]);
	assert_int_equal(g->topology.dies, levels[1]);
	assert_int_equal(g->topology.clusters, levels[2]);
	assert_int_equal(g->topology.cores, levels[3]);
	assert_int_equal(g->threads, levels[4]);
}

/* Cores before sockets, threads last, as QEMU has it since 6.2 (hw/core/machine-smp.c). */
static void test_smp_is_completed(void **state)
{
	(void)state;
	assert_smp("6", 6, 6, (unsigned[]){1, 1, 1, 6, 1});
	assert_smp("cpus=4,maxcpus=8", 4, 8, (unsigned[]){1, 1, 1, 8, 1});
	assert_smp("maxcpus=8", 8, 8, (unsigned[]){1, 1, 1, 8, 1});
	assert_smp("8,sockets=2", 8, 8, (unsigned[]){2, 1, 1, 4, 1});
	assert_smp("8,cores=2", 8, 8, (unsigned[]){4, 1, 1, 2, 1});
	assert_smp("8,threads=2", 8, 8, (unsigned[]){1, 1, 1, 4, 2});
	assert_smp("8,cores=2,threads=2", 8, 8, (unsigned[]){2, 1, 1, 2, 2});
	assert_smp("8,sockets=2,cores=2", 8, 8, (unsigned[]){2, 1, 1, 2, 2});
	assert_smp("sockets=2,cores=3", 6, 6, (unsigned[]){2, 1, 1, 3, 1});
	assert_smp("2,sockets=2,dies=2,clusters=2,cores=2,threads=2,maxcpus=32", 2, 32,
		(unsigned[]){2, 2, 2, 2, 2});
	assert_smp("16,drawers=2,books=2,modules=2,cores=1", 16, 16, (unsigned[]){8, 1, 2, 1, 1});
	assert_smp("2 -smp maxcpus=4 -smp 3,sockets=4", 3, 4, (unsigned[]){4, 1, 1, 1, 1});
}

/* QEMU up to 8.2 takes it for what is not told (docs/about/removed-features.rst). */
static void test_smp_zero(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(QEMU "-smp 0,sockets=2,cores=3,threads=0");
	assert_int_equal(g->vcpus, 6);
	assert_int_equal(g->threads, 1);
	assert_notes(g, "qemu-smp-zero|qemu-smp-zero|");
	vn_autoguest *one = read_good(QEMU "-smp 0");
	assert_int_equal(one->vcpus, 1);
}

/* As strtoull() with base 0, which is QEMU's; sizes have no octal form. */
static void test_numbers_of_other_bases(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(QEMU "-smp 0x10,sockets=010 -m 0x200");
	assert_int_equal(g->vcpus, 16);
	assert_int_equal(g->topology.sockets, 8);
	assert_int_equal(g->memory, 512 * VN_MIB);
	vn_autoguest *nodes = read_good(
		QEMU "-smp 2 -m 0200 -object memory-backend-ram,id=a,size=0x8000000 "
		     "-object memory-backend-ram,id=b,size=0x48M -numa node,memdev=a,nodeid=0x0,cpus=0x0 "
		     "-numa node,memdev=b,nodeid=01,cpus=0x1-01 -numa dist,src=0x0,dst=1,val=0x1e");
	assert_int_equal(nodes->vnodes[0].memory, 128 * VN_MIB);
	assert_int_equal(nodes->vnodes[1].memory, 72 * VN_MIB);
	assert_int_equal(nodes->vnodes[0].distances[1], 30);
	assert_set(nodes->vnodes[1].vcpus, "1");
	vn_autoguest *bytes = read_good(QEMU "-m 0x1000000a"); /* ends in no decimal digit: bytes */
	assert_int_equal(bytes->memory, 257 * VN_MIB);
	assert_problems(QEMU "-m 128.5",
		"1 -m: size=128.5 seen; expected a size such as 512M or 4G, at most 64 TiB\n");
	vn_autoguest *point = read_good(QEMU "-m 128.0"), *half = read_good(QEMU "-m 128.5M");
	assert_int_equal(point->memory, 128 * VN_MIB);
	assert_int_equal(half->memory, 129 * VN_MIB);
	assert_problems(QEMU "-smp 0x,sockets=08,cores=0x1g,threads=0xfffffffffffffffff",
		"1 -smp: cpus=0x seen; expected a number from 0 to 1024\n"
		"1 -smp: sockets=08 seen; expected a number from 0 to 1024\n"
		"1 -smp: cores=0x1g seen; expected a number from 0 to 1024\n"
		"1 -smp: threads=0xfffffffffffffffff seen; expected a number from 0 to 1024\n");
}

/* What depends on the machine type, and on its version where it tells that. */
static void test_machines(void **state)
{
	(void)state;
	static const char cpus[] =
		"1 -smp: 256 vCPUs; expected at most 255, as this machine type takes no more (q35 does)\n";
	assert_problems(QEMU "-smp 1,maxcpus=256", cpus);
	assert_problems(QEMU "-machine pc-i440fx-9.0 -smp 256", cpus);
	assert_problems("kvm -M pc -smp 256", cpus);
	assert_problems(QEMU "-M pc-q35-8.0 -smp 289",
		"1 -smp: 289 vCPUs; expected at most 288, as this machine type takes no more (one of 8.1 does)\n");
	static const char *const good[] = {QEMU "-smp 255", QEMU "-M pc-q35-8.0 -smp 288",
		QEMU "-M pc-q35-8.1 -smp 289", QEMU "-M q35 -smp 512", "kvm -smp 256",
		"qemu-system-aarch64 -smp 4,clusters=2,maxcpus=4",
		QEMU "-M pc-q35-rhel9.2.0 -m 64 -numa node,mem=64",
		QEMU "-M pc-q35-5.0 -m 64 -numa node,mem=64", QEMU "-M pc -m 64 -numa node,mem=64",
		QEMU "-smp 4,clusters=1"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		vn_autoguest *g = read_good(good[i]);
		assert_notes(g, i == 5 ? "qemu-other-machine|" : "");
	}
	assert_problems(QEMU "-smp 4,clusters=2,books=0x2",
		"1 -smp: books=2 seen; expected none, as x86 machines do not have them\n"
		"1 -smp: clusters=2 seen; expected none, as x86 machines do not have them\n");
	assert_problems(QEMU "-M pc-i440fx-5.1 -m 64 -numa node,mem=64",
		"1 -numa: mem seen; expected memdev=ID, as this machine type takes no other (those up to 5.0 do)\n");
}

static void test_slots(void **state)
{
	(void)state;
#define DIMM "-object memory-backend-ram,id=d,size=64M -device pc-dimm,memdev=d "
	assert_problems(QEMU "-m 128,slots=2",
		"1 -m: slots without maxmem; expected both: how much memory there may be in all\n");
	assert_problems(QEMU "-m 128,slots=2,maxmem=128M",
		"1 -m: slots, and maxmem is the memory at start; expected more, or no slots\n");
	assert_problems(
		QEMU "-m 128,slots=257,maxmem=1G", "1 -m: slots=257 seen; expected a number from 0 to 256\n");
	assert_problems(QEMU "-m 128,maxmem=1G " DIMM,
		"1 -device: more memory devices than -m has slots, 0; expected a slot for each\n");
	assert_problems(QEMU "-m 128,slots=1,maxmem=1G " DIMM
			     "-object memory-backend-ram,id=e,size=64M -device nvdimm,memdev=e",
		"1 -device: more memory devices than -m has slots, 1; expected a slot for each\n");
	assert_problems(QEMU
		"-m 128 -object memory-backend-ram,id=d,size=64M -device virtio-mem-pci,memdev=d",
		"1 -device: -m has no maxmem; expected one, as memory devices want room there\n");
	vn_autoguest *none = read_good(QEMU "-m 128,maxmem=1G"),
		     *zero = read_good(QEMU "-m 128,slots=0,maxmem=128M");
	assert_int_equal(none->maxmem, GIB);
	assert_notes(zero, "");
}

static void test_nodes_come_first(void **state)
{
	(void)state;
	assert_problems(QEMU AB
		"-smp 2,sockets=2 -numa node,memdev=a \\\n-numa cpu,node-id=1,socket-id=0 -numa dist,src=0,dst=1,val=20 \\\n"
		"-numa node,memdev=b",
		"2 -numa: node-id=1 seen before that node is told, on line 3; expected the node first\n"
		"2 -numa: dst=1 seen before that node is told, on line 3; expected the node first\n");
	vn_autoguest *g = read_good(QEMU AB
		"-smp 2,sockets=2 -numa node,memdev=a -numa cpu,node-id=0,socket-id=0 -numa node,memdev=b "
		"-numa cpu,node-id=1,socket-id=1");
	assert_set(g->vnodes[1].vcpus, "1");
}

static void test_smp_is_refused(void **state)
{
	(void)state;
	assert_problems(QEMU "-smp 4,sockets=3",
		"1 -smp: sockets=3, cores=1, threads=1 make 3 vCPUs; expected 4, which is cpus\n");
	assert_problems(QEMU "-smp 8,maxcpus=4", "1 -smp: cpus=8 seen; expected at most maxcpus, 4\n");
	assert_problems(QEMU "-smp x,cores=1025,threads=-1",
		"1 -smp: cpus=x seen; expected a number from 0 to 1024\n"
		"1 -smp: cores=1025 seen; expected a number from 0 to 1024\n"
		"1 -smp: threads=-1 seen; expected a number from 0 to 1024\n");
	assert_problems("kvm "
			"-smp sockets=1024,dies=1024,clusters=1024,cores=1024,modules=1024,threads=1024",
		"1 -smp: sockets, cores, threads and so on make more than 1024 vCPUs\n");
}

static void test_threads_that_are_no_whole_cores(void **state)
{
	(void)state;
	vn_autoguest *apart = read_good(QEMU AB "-smp 4,threads=2 -numa node,memdev=a,cpus=0,cpus=2 "
						"-numa node,memdev=b,cpus=1,cpus=3");
	assert_int_equal(apart->threads, 1);
	assert_int_equal(apart->topology.sockets, 1); /* what the guest is told stays */
	assert_int_equal(apart->topology.threads, 2);
	assert_notes(apart, "smp-threads-apart|");
	vn_autoguest *late = read_good(QEMU "-smp 3,maxcpus=4,threads=2");
	assert_int_equal(late->threads, 1);
	assert_notes(late, "smp-threads-apart|");
	vn_autoguest *many = read_good(QEMU "-smp 16,threads=16");
	assert_int_equal(many->threads, 1);
	assert_notes(many, "smp-threads-apart|");
}

static void assert_memory(const char *options, uint64_t memory, uint64_t maxmem)
{
	vn_autofree char *text = vn_format(QEMU "%s", options);
	vn_autoguest *g = read_good(text);
	assert_int_equal(g->memory, memory);
	assert_int_equal(g->maxmem, maxmem);
	assert_int_equal(g->vnodes[0].memory, memory);
}

static void test_memory(void **state)
{
	(void)state;
	assert_memory("-m 512", 512 * VN_MIB, 512 * VN_MIB);
	assert_memory("-m 512M", 512 * VN_MIB, 512 * VN_MIB);
	assert_memory("-m size=219136k", 214 * VN_MIB, 214 * VN_MIB);
	assert_memory("-m 1.5G,slots=2,maxmem=4g", 1536 * VN_MIB, 4 * GIB);
	assert_memory("-m 1G -m slots=4,maxmem=2T", GIB, 2048 * GIB);
	assert_memory("-m 0", 128 * VN_MIB, 128 * VN_MIB);
	assert_memory("-m 1073741824B", GIB, GIB);
	assert_memory("-m 1G -m 2G", 2 * GIB, 2 * GIB);
	vn_autoguest *g = read_good(QEMU "-m 1048577k");
	assert_int_equal(g->memory, 1025 * VN_MIB);
	assert_notes(g, "qemu-memory-rounded|");
	assert_string_equal(g->notes.v[0].text,
		"memory is planned in whole MiB: 1016 KiB more than the command line says");
	assert_problems(
		QEMU "-m 1G,maxmem=2048", "1 -m: maxmem=2 KiB seen; expected at least the 1 GiB at start\n");
	static const char *const wrong[] = {"1X", "-1", "1MM", "", "x", "1e3", "0x", "0x1.5M", "0x1X",
		"0x400000000000001", "128.5", "100T", "99999999999999999999", "1."};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		vn_autofree char
			*text = vn_format(QEMU "-m size=%s", wrong[i]),
			*problem = vn_format(
				"1 -m: size=%s seen; expected a size such as 512M or 4G, at most 64 TiB\n",
				wrong[i]);
		assert_problems(text, problem);
	}
}

/* ---- backends ---- */

static void test_memory_backend_of_the_machine(void **state)
{
	(void)state;
	vn_autoguest *open =
		read_good(QEMU "-object memory-backend-ram,id=m,size=256M -machine q35,memory-backend=m");
	assert_int_equal(open->memory, 256 * VN_MIB); /* -m may be left out */
	assert_true(open->vnodes_open);
	assert_false(open->vnodes[0].has_binding);

	vn_autoguest *bound =
		read_good(QEMU "-m 256 -machine q35 -object memory-backend-ram,id=m,size=256M,policy=bind,"
			       "host-nodes=0-1,host-nodes=5 -machine memory-backend=m");
	assert_false(bound->vnodes_open);
	assert_true(bound->vnodes[0].has_binding);
	assert_int_equal(bound->vnodes[0].binding, VN_BINDING_STRICT);
	assert_set(bound->vnodes[0].nodes, "0-1,5");
	assert_int_equal(bound->vnodes[0].home, -1);

	vn_autoguest *one = read_good(
		QEMU "-m 256 \\\n -object "
		     "'{\"qom-type\":\"memory-backend-ram\",\"id\":\"m\",\"size\":268435456,\"policy\":"
		     "\"preferred\",\"host-nodes\":[3]}' -machine memory-backend=m");
	assert_int_equal(one->vnodes[0].binding, VN_BINDING_PREFERRED);
	assert_int_equal(one->vnodes[0].home, 3);
	assert_null(one->vnodes[0].nodes); /* some may lie elsewhere */
	assert_int_equal(one->vnodes[0].home_where.line, 2);
	assert_string_equal(one->vnodes[0].home_where.key, "-object");
}

static void test_backends_are_refused(void **state)
{
	(void)state;
	assert_problems(QEMU "-m 128 -object memory-backend-ram,id=m,size=256M -machine memory-backend=m",
		"1 -machine: 256 MiB of memory, but -m says 128 MiB; expected the same\n");
	assert_problems(QEMU "-machine memory-backend=x",
		"1 -machine: memory-backend=x seen; no -object memory-backend-* has that id\n");
	assert_problems(QEMU
		"-object memory-backend-ram,size=1G \\\n -object memory-backend-ram,id=a \\\n"
		" -object memory-backend-ram,id=a,size=1G \\\n -object memory-backend-ram,id=b,size=0 \\\n"
		" -object memory-backend-file,id=c,size=1G",
		"1 -object: no id; expected one that -numa or -machine can name\n"
		"2 -object: a has no size\n"
		"3 -object: id=a seen twice; expected each object once\n"
		"4 -object: size=0 seen; expected memory\n"
		"5 -object: c has no mem-path\n");
	assert_problems(QEMU "-object ''", "1 -object: no qom-type; expected such as memory-backend-ram\n");
	assert_problems(QEMU "-object memory-backend-ram,id=a,size=1G,host-nodes=0 \\\n"
			     "-object memory-backend-ram,id=b,size=1G,policy=bind \\\n"
			     "-object memory-backend-ram,id=c,size=1G,policy=near,host-nodes=0 \\\n"
			     "-object memory-backend-ram,id=d,size=1G,policy=bind,host-nodes=128",
		"1 -object: host-nodes without a policy; expected policy=bind, preferred or interleave with it\n"
		"2 -object: policy=bind without host-nodes; expected the host's nodes with it\n"
		"3 -object: policy=near seen; expected one of default, preferred, bind, interleave\n"
		"4 -object: host-nodes=128 seen; expected numbers from 0 to 127, such as 0-3\n");
}

static void assert_page(const char *options, uint64_t page, const char *notes)
{
	vn_autofree char *text = vn_format(QEMU "-m 2G %s", options);
	vn_autoguest *g = read_good(text);
	assert_int_equal(vn_vnode_page(g, 0), page);
	assert_int_equal(g->memory_policy, page ? VN_MEMORY_STRICT : VN_MEMORY_PREFERRED);
	assert_notes(g, notes);
}

static void test_pages(void **state)
{
	(void)state;
#define FILE_AT(path) "-machine memory-backend=m -object memory-backend-file,id=m,size=2G,mem-path=" path
#define MEMFD "-machine memory-backend=m -object memory-backend-memfd,id=m,size=2G"
	assert_page(FILE_AT("/dev/hugepages1G/libvirt/qemu/-1-x"), GIB, "");
	assert_page(FILE_AT("/dev/hugepages2M/x"), 2 * VN_MIB, "");
	assert_page(FILE_AT("/mnt/hugepages-1048576kB"), GIB, "");
	assert_page(FILE_AT("/mnt/hugetlbfs-2M"), 2 * VN_MIB, "");
	assert_page(FILE_AT("/dev/hugepages"), 2 * VN_MIB, "qemu-page-size-assumed|");
	assert_page(FILE_AT("/dev/hugepages/3M"), 2 * VN_MIB, "qemu-page-size-assumed|");
	assert_page(FILE_AT("/dev/shm/a"), 0, "");
	assert_page(FILE_AT("/tmp/a"), 0, "qemu-page-size-unknown|");
	assert_page(MEMFD, 0, "");
	assert_page(MEMFD ",hugetlb=on", 2 * VN_MIB, "qemu-page-size-assumed|");
	assert_page(MEMFD ",hugetlb=on,hugetlbsize=1G", GIB, "");
	assert_page(MEMFD ",hugetlb=off,hugetlbsize=1G", 0, "");
	assert_page("-mem-path /dev/hugepages1G -mem-prealloc", GIB, "");
#undef FILE_AT
#undef MEMFD
	assert_problems(QEMU "-m 2000M \\\n-mem-path /dev/hugepages1G",
		"2 -mem-path: node 0 gets 2000 MiB; expected a multiple of its huge pages, 1 GiB\n");
	assert_problems(QEMU
		"-m 129 \\\n-object memory-backend-memfd,id=m,size=129M,hugetlb=on -machine memory-backend=m",
		"2 -object: 129 MiB of memory; expected a multiple of its huge pages, 2 MiB\n");
	assert_problems(QEMU
		"-m 128,slots=1,maxmem=1G -object memory-backend-memfd,id=m,size=128M,hugetlb=on -machine memory-backend=m "
		"-object memory-backend-ram,id=d,size=1M -device pc-dimm,memdev=d",
		"0 : node 0 gets 129 MiB; expected a multiple of its huge pages, 2 MiB\n");
	assert_problems(QEMU "-m 2G -object memory-backend-memfd,id=m,size=2G,hugetlb=maybe,hugetlbsize=3M",
		"1 -object: hugetlb=maybe seen; expected on or off\n");
	assert_problems(QEMU "-m 2G -object memory-backend-memfd,id=m,size=2G,hugetlb=on,hugetlbsize=3M",
		"1 -object: hugetlbsize=3145728 seen; expected the size of a huge page such as 2M or 1G\n");
}

/* ---- nodes ---- */

static void test_nodes(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(QEMU
		"-m 4G -smp 6 -object memory-backend-ram,id=a,size=1G "
		"-object memory-backend-memfd,id=b,size=2G,hugetlb=on,hugetlbsize=1G,host-nodes=2,policy=interleave "
		"-object memory-backend-ram,id=c,size=1G -numa node,nodeid=2,memdev=c "
		"-numa node,nodeid=0,cpus=0-1,cpus=5,memdev=a -numa node,nodeid=1,cpus=2-4,memdev=b");
	assert_int_equal(g->n_vnodes, 3);
	assert_false(g->vnodes_open);
	assert_set(g->vnodes[0].vcpus, "0-1,5");
	assert_set(g->vnodes[1].vcpus, "2-4");
	assert_set(g->vnodes[2].vcpus, "");
	assert_int_equal(g->vnodes[1].memory, 2 * GIB);
	assert_int_equal(g->memory, 4 * GIB);
	assert_int_equal(vn_vnode_page(g, 0), 0);
	assert_int_equal(vn_vnode_page(g, 1), GIB);
	assert_int_equal(g->vnodes[1].binding, VN_BINDING_INTERLEAVE);
	assert_int_equal(g->vnodes[1].home, 2);
	assert_false(g->vnodes[0].has_binding);
	assert_int_equal(g->vnodes[0].distances[2], 20);
	assert_notes(g, "");
}

static void test_nodes_of_old_machines(void **state)
{
	(void)state;
	vn_autoguest *g = read_good("kvm -m 1G -smp 2 -numa node,mem=512,cpus=1 -numa node,mem=0.5G,cpus=0 "
				    "-mem-path /dev/hugepages2M");
	assert_int_equal(g->vnodes[0].memory, 512 * VN_MIB);
	assert_int_equal(g->vnodes[1].memory, 512 * VN_MIB);
	assert_set(g->vnodes[0].vcpus, "1");
	assert_int_equal(g->hugepages, 2 * VN_MIB);

	vn_autoguest *backend = read_good("kvm -m 1G -machine memory-backend=m -object "
					  "memory-backend-ram,id=m,size=1G,host-nodes=0,policy=bind "
					  "-numa node,mem=256 -numa node,mem=768");
	assert_int_equal(backend->vnodes[1].home, 0);
	assert_set(backend->vnodes[0].nodes, "0");
}

static void test_vcpus_that_no_node_has(void **state)
{
	(void)state;
	vn_autoguest *by_sockets = read_good(QEMU NODES "-smp 8,sockets=4");
	assert_set(by_sockets->vnodes[0].vcpus, "0-1,4-5");
	assert_set(by_sockets->vnodes[1].vcpus, "2-3,6-7");
	assert_notes(by_sockets, "");
	vn_autoguest *one_socket = read_good(QEMU NODES "-smp 8");
	assert_set(one_socket->vnodes[0].vcpus, "0-7");
	vn_autoguest *some = read_good(QEMU AB "-smp 4 -numa node,memdev=a -numa node,memdev=b,cpus=1-2");
	assert_set(some->vnodes[0].vcpus, "0,3");
	assert_notes(some, "qemu-vcpus-left-out|");
	assert_string_equal(some->notes.v[0].text,
		"line 1: -numa: no node has vCPU 0,3; as QEMU does, with a warning, node 0 is taken");
}

static void test_numa_cpu(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(QEMU NODES
		"-smp 16,sockets=2,dies=2,cores=2,threads=2 -numa cpu,node-id=1,socket-id=0,die-id=1 "
		"-numa cpu,node-id=0,socket-id=0,die-id=0 -numa cpu,node-id=0,socket-id=1,core-id=1 "
		"-numa cpu,node-id=1,socket-id=1,core-id=0,thread-id=0 "
		"-numa cpu,node-id=1,socket-id=1,core-id=0,thread-id=1");
	assert_set(g->vnodes[0].vcpus, "0-3,10-11,14-15");
	assert_set(g->vnodes[1].vcpus, "4-9,12-13");
	assert_notes(g, "");
	assert_problems(QEMU NODES
		"-smp 2 \\\n -numa cpu,node-id=0,core-id=7 \\\n -numa cpu,socket-id=0 \\\n -numa cpu,node-id=2 \\\n"
		" -numa cpu,node-id=0 \\\n -numa cpu,node-id=1,core-id=1",
		"2 -numa: core-id=7 seen; expected a number from 0 to 1\n"
		"3 -numa: no node-id; expected a node\n"
		"4 -numa: node-id=2 seen; expected one of the nodes, 0 to 1\n"
		"6 -numa: vCPU 1 is in node 0 already; expected each in one node\n");
}

static void test_nodes_are_refused(void **state)
{
	(void)state;
	assert_problems(QEMU AB "\\\n-numa node,memdev=a,cpus=0-4 \\\n-numa node,memdev=b,cpus=1 -smp 4",
		"2 -numa: cpus=0-4 seen; expected vCPUs from 0 to 3, as -smp has them\n");
	assert_problems(QEMU AB
		"\\\n-numa node,memdev=a,cpus=0-3 \\\n-numa node,memdev=b,cpus=1-2,cpus=x -smp 4",
		"3 -numa: cpus=x seen; expected numbers from 0 to 65535, such as 0-3\n");
	assert_problems(QEMU AB "\\\n-numa node,memdev=a,cpus=0-3 \\\n-numa node,memdev=b,cpus=1-2 -smp 4",
		"3 -numa: vCPU 1-2 is in node 0 already; expected each in one node\n");
	assert_problems(QEMU AB "\\\n-numa node,memdev=a \\\n-numa node,memdev=a",
		"3 -numa: memdev=a seen, which -numa has, too; expected memory of its own\n");
	assert_problems(QEMU AB "\\\n-numa node,memdev=x \\\n-numa node,memdev=b",
		"2 -numa: memdev=x seen; no -object memory-backend-* has that id\n");
	assert_problems(QEMU AB "\\\n-numa node,memdev=a \\\n-numa node,mem=128",
		"3 -numa: mem seen, but memdev on line 2; expected one of them for all nodes\n");
	assert_problems(QEMU AB "-numa node,memdev=a,mem=128M -numa node,memdev=b",
		"1 -numa: memdev and mem seen; expected one of them\n");
	assert_problems(QEMU AB "-numa node,memdev=a -numa node",
		"1 -m: the memory of the nodes sums to 128 MiB; expected 256 MiB, which is -m\n");
	assert_problems(QEMU
		"-m 128 -smp 2,maxcpus=3 -object memory-backend-ram,id=a,size=128M -numa node,memdev=a,cpus=0-1 "
		"-numa node,cpus=2",
		"1 -numa: node 1 has neither memory nor a vCPU at start; expected one of them\n");
	assert_problems(QEMU "-m 256 -numa node",
		"1 -numa: no node has memory; expected memdev=ID of each that has\n");
	assert_problems(QEMU AB "-numa node,memdev=a,nodeid=1",
		"1 -numa: node 0 is missing; expected nodes 0 to 0 without a gap\n");
	assert_problems(QEMU AB "-numa node,memdev=a,nodeid=0 -numa node,nodeid=0,memdev=b",
		"1 -numa: node 0 is told on line 1, too; expected each once\n");
	assert_problems(QEMU AB "-numa node,memdev=a,nodeid=128 -numa node,memdev=b",
		"1 -numa: nodeid=128 seen; expected a number from 0 to 127\n");
	assert_problems(QEMU AB
		"-object memory-backend-ram,id=m,size=256M -machine memory-backend=m -numa node,memdev=a "
		"-numa node,memdev=b",
		"1 -machine: memory-backend seen, but -numa memdev on line 1; expected one of them\n");
	assert_problems(QEMU "-numa dist,src=0,dst=1,val=20 -numa knot -numa cpus=3",
		"1 -numa: dist without any -numa node; expected the nodes first\n"
		"1 -numa: type=knot seen; expected one of node, cpu, dist, hmat-lb, hmat-cache\n"
		"1 -numa: no type; expected node, cpu, dist, hmat-lb or hmat-cache\n");
	assert_problems(
		QEMU "-numa ''", "1 -numa: no type; expected node, cpu, dist, hmat-lb or hmat-cache\n");
	assert_problems(
		QEMU "-numa '{}'", "1 -numa: no type; expected node, cpu, dist, hmat-lb or hmat-cache\n");
	vn_autofree char *many = vn_copy(QEMU);
	for (unsigned i = 0; i < 33; i++) {
		char *more = vn_format("%s-numa node,mem=1M ", many);
		free(many);
		many = more;
	}
	assert_problems(many, "1 -numa: 33 nodes; expected at most 32\n");
}

static void test_distances(void **state)
{
	(void)state;
	vn_autoguest *one_way =
		read_good(QEMU NODES "-numa dist,src=1,dst=0,val=21 -numa dist,src=0,dst=0,val=10");
	assert_int_equal(one_way->vnodes[0].distances[1], 21);
	assert_int_equal(one_way->vnodes[1].distances[0], 21);
	assert_int_equal(one_way->vnodes[0].distances[0], 10);
	vn_autoguest *both =
		read_good(QEMU NODES "-numa dist,src=1,dst=0,val=21 -numa dist,src=0,dst=1,val=255");
	assert_int_equal(both->vnodes[0].distances[1], 255);
	assert_int_equal(both->vnodes[1].distances[0], 21);
	assert_notes(both, "vdistance-asymmetric|");
	assert_problems(QEMU NODES
		"\\\n-numa dist,src=0,dst=1,val=10 \\\n-numa dist,src=0,dst=0,val=11 \\\n"
		"-numa dist,src=0,dst=2,val=20 \\\n-numa dist,dst=1 \\\n-numa dist,src=0,dst=1,val=256",
		"2 -numa: val=10 seen; expected a number from 11 to 255\n"
		"3 -numa: val=11 seen; expected a number from 10 to 10\n"
		"4 -numa: dst=2 seen; expected one of the nodes, 0 to 1\n"
		"5 -numa: no src; expected a node\n"
		"5 -numa: no val; expected a distance\n"
		"6 -numa: val=256 seen; expected a number from 11 to 255\n");
	assert_problems(QEMU NODES "-numa dist,src=0,dst=0,val=10",
		"1 -numa: no distance between nodes 0 and 1; expected one of each pair\n");
#define THREE QEMU "-m 3 -numa node,mem=1 -numa node,mem=1 -numa node,mem=1 "
	assert_problems(THREE
		"-numa dist,src=0,dst=1,val=20 -numa dist,src=1,dst=0,val=21 -numa dist,src=0,dst=2,val=20 "
		"-numa dist,src=2,dst=1,val=20",
		"1 -numa: no distance from node 1 to 2; expected both of each pair, as one pair differs\n"
		"1 -numa: no distance from node 2 to 0; expected both of each pair, as one pair differs\n");
}

/* ---- the HMAT ---- */

#define HMAT QEMU AB "-smp 2 -machine q35,hmat=on -numa node,memdev=a,cpus=0-1 "
#define LB "-numa hmat-lb,hierarchy=memory,"

static void test_hmat(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(HMAT
		"-numa node,memdev=b,initiator=0 " LB
		"initiator=0,target=0,data-type=access-latency,latency=5 " LB
		"initiator=0,target=1,data-type=access-latency,latency=10 " LB
		"initiator=0,target=1,data-type=access-bandwidth,bandwidth=200M "
		"-numa hmat-cache,node-id=1,size=10K,level=1,associativity=direct,policy=write-back,line=8 "
		"-numa hmat-cache,node-id=1,size=20K,level=2");
	assert_non_null(g->hmat);
	assert_int_equal(g->hmat->n_matrices, 2);
	const struct vn_hmat_matrix *latency = &g->hmat->matrices[0], *bandwidth = &g->hmat->matrices[1];
	assert_int_equal(latency->type, VN_HMAT_ACCESS_LATENCY);
	assert_int_equal(latency->n_initiators, 1);
	assert_int_equal(latency->n_targets, 2);
	assert_int_equal(latency->values[0], 5000);
	assert_int_equal(latency->values[1], 10000);
	assert_int_equal(bandwidth->type, VN_HMAT_ACCESS_BANDWIDTH);
	assert_int_equal(bandwidth->values[0], VN_HMAT_UNKNOWN);
	assert_int_equal(bandwidth->values[1], 200);
	assert_int_equal(g->hmat->n_domains, 2);
	assert_int_equal(g->hmat->n_caches, 2);
	assert_int_equal(g->hmat->caches[0].levels, 2);
	assert_int_equal(g->hmat->caches[0].size, 10240);
	assert_int_equal(g->hmat->caches[0].associativity, 1);
	assert_int_equal(g->hmat->caches[0].write_policy, 1);
	assert_int_equal(g->hmat->caches[0].line_size, 8);
	assert_int_equal(g->hmat->caches[1].level, 2);
	vn_autoguest *initiator = read_good(HMAT "-numa node,memdev=b,initiator=0");
	assert_null(initiator->hmat);
}

static void test_hmat_is_refused(void **state)
{
	(void)state;
	assert_problems(QEMU AB "-numa node,memdev=a,initiator=1 \\\n-numa node,memdev=b",
		"1 -numa: speaks of an HMAT; expected -machine hmat=on with it\n"
		"1 -numa: initiator=1 seen of a node with vCPUs; expected itself\n");
	assert_problems(HMAT "-numa node,memdev=b,initiator=1 \\\n" LB
			     "initiator=1,target=0,data-type=read-latency,latency=1 \\\n" LB
			     "initiator=0,target=2,data-type=read-latency,latency=1 \\\n" LB
			     "initiator=0,target=0,data-type=read-latency,bandwidth=1M \\\n" LB
			     "initiator=0,target=0,data-type=read-bandwidth,bandwidth=1K \\\n" LB
			     "initiator=0,target=0,data-type=read-latency,latency=1 \\\n" LB
			     "initiator=0,target=0,data-type=read-latency,latency=2 \\\n"
			     "-numa hmat-lb,initiator=0,target=0,data-type=speed \\\n"
			     "-numa hmat-cache,node-id=0,size=1K,level=4 \\\n-numa hmat-cache,node-id=0",
		"1 -numa: initiator=1 seen; expected a node with vCPUs\n"
		"2 -numa: initiator=1 seen; expected a node with vCPUs\n"
		"3 -numa: target=2 seen; expected one of the nodes, 0 to 1\n"
		"4 -numa: bandwidth seen; expected latency, as data-type says\n"
		"4 -numa: no latency\n"
		"5 -numa: bandwidth=1024 seen; expected a multiple of 1M\n"
		"7 -numa: read-latency from node 0 to 0 is told twice\n"
		"8 -numa: data-type=speed seen; expected one of access-latency, read-latency, write-latency, "
		"access-bandwidth, read-bandwidth, write-bandwidth\n"
		"8 -numa: no hierarchy\n"
		"9 -numa: level=4 seen; expected a number from 1 to 3\n"
		"10 -numa: expected size and level of the cache\n");
}

/* ---- devices ---- */

#define PXB                                                                                                                           \
	"-device pxb-pcie,id=p0,bus_nr=100,bus=pcie.0,numa_node=0 -device '{\"driver\":\"pxb-pcie\",\"id\":\"p1\",\"numa_node\":1}' " \
	"-device pcie-root-port,id=r1,bus=p1 -device x3130-upstream,id=u1,bus=r1 -device xio3130-downstream,id=d1,bus=u1 "            \
	"-device virtio-scsi-pci,id=scsi0,bus=r1 "

static void test_devices(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(QEMU NODES PXB
		"-device vfio-pci,host=3B:00.0,bus=d1 -device vfio-pci,sysfsdev=/sys/bus/pci/devices/10000:01:00.1 "
		"-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 "
		"-netdev tap,id=n0,ifname=tap7,queues=4,vhost=on,script=no -device virtio-net-pci,netdev=n0,bus=r1,mac=52:54:00:00:00:01,mq=on "
		"-netdev '{\"type\":\"tap\",\"fds\":\"3:4\",\"vhost\":true,\"vhostfds\":\"5:6\",\"id\":\"n1\"}' "
		"-device '{\"driver\":\"virtio-net-pci\",\"netdev\":\"n1\",\"bus\":\"pcie.0\"}' "
		"-netdev user,id=n2 -nic bridge,br=br0,mac=52:54:00:00:00:02 -nic none -net nic -net user "
		"-object iothread,id=t0 -object '{\"qom-type\":\"iothread\",\"id\":\"t1\"}'");
	assert_int_equal(g->n_hostdevs, 2);
	assert_string_equal(g->hostdevs[0].address, "0000:3b:00.0");
	assert_int_equal(g->hostdevs[0].vnode, 1);
	assert_string_equal(g->hostdevs[1].address, "10000:01:00.1");
	assert_int_equal(g->hostdevs[1].vnode, 0);
	assert_int_equal(g->n_vifs, 4);
	assert_int_equal(g->vifs[0].type, VN_VIF_TAP);
	assert_int_equal(g->vifs[0].queues, 4);
	assert_true(g->vifs[0].vhost);
	assert_string_equal(g->vifs[0].ifname, "tap7");
	assert_string_equal(g->vifs[0].mac, "52:54:00:00:00:01");
	assert_int_equal(g->vifs[0].vnode, 1);
	assert_int_equal(g->vifs[1].queues, 2);
	assert_true(g->vifs[1].vhost);
	assert_int_equal(g->vifs[1].vnode, -1);
	assert_string_equal(g->vifs[2].bridge, "br0");
	assert_string_equal(g->vifs[2].mac, "52:54:00:00:00:02");
	assert_int_equal(g->vifs[3].type, VN_VIF_USER);
	assert_int_equal(g->iothreads, 2);
	assert_notes(g, "qemu-mediated-device|qemu-netdev-unused|");
}

/* As QEMU 7.2 completes them, asked by query-hotpluggable-cpus. */
static void test_sockets_of_old_machine_types(void **state)
{
	(void)state;
	static const struct {
		const char *type, *smp;
		unsigned sockets, dies, cores, threads;
		bool guessed;
	} cases[] = {{"pc-q35-6.1", "4", 4, 1, 1, 1, false}, {"pc-q35-6.2", "4", 1, 1, 4, 1, false},
		{"pc-i440fx-6.1", "4,maxcpus=8", 8, 1, 1, 1, false},
		{"pc-q35-6.1", "8,threads=2", 4, 1, 1, 2, false},
		{"pc-q35-6.2", "8,threads=2", 1, 1, 4, 2, false},
		{"pc-q35-6.1", "8,dies=2", 4, 2, 1, 1, false}, {"pc-q35-6.1", "8,cores=2", 4, 1, 2, 1, false},
		{"pc-q35-6.1", "8,sockets=2", 2, 1, 4, 1, false},
		{"pc-q35-6.1", "8,sockets=2,cores=2", 2, 1, 2, 2, false}, {"q35", "4", 1, 1, 4, 1, false},
		{"pc-1.0", "4", 4, 1, 1, 1, false}, {"pc-i440fx-rhel7.6.0", "4", 1, 1, 4, 1, true},
		{"pc-i440fx-jammy", "4,cores=4", 1, 1, 4, 1, false},
		{"pc-i440fx-jammy", "1", 1, 1, 1, 1, false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autofree char *text = vn_format(QEMU "-M %s -m 64 -smp %s", cases[i].type, cases[i].smp);
		vn_autoguest *g = read_good(text);
		assert_int_equal(g->topology.sockets, cases[i].sockets);
		assert_int_equal(g->topology.dies, cases[i].dies);
		assert_int_equal(g->topology.cores, cases[i].cores);
		assert_int_equal(g->topology.threads, cases[i].threads);
		assert_int_equal(vn_notes_has(&g->notes, "qemu-smp-guessed"), cases[i].guessed);
	}
}

static void test_disks(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(QEMU NODES PXB
		"-drive file=/a,,b.img,if=none,id=d0,format=raw,readonly=on -device virtio-blk-pci,drive=d0,bus=p0 "
		"-blockdev '{\"driver\":\"host_device\",\"filename\":\"/dev/vg/x\",\"node-name\":\"s1\"}' "
		"-blockdev '{\"driver\":\"qcow2\",\"file\":\"s1\",\"node-name\":\"f1\",\"read-only\":true}' "
		"-device '{\"driver\":\"scsi-hd\",\"drive\":\"f1\",\"bus\":\"scsi0.0\"}' "
		"-blockdev driver=raw,node-name=f2,file.driver=file,file.filename=/c -device nvme,drive=f2 "
		"-blockdev driver=nbd,node-name=net,server.type=unix,server.path=/s -device virtio-blk-pci,drive=net "
		"-drive file=/cd.iso,media=cdrom -drive file=/f,if=none,id=cd -device ide-cd,drive=cd "
		"-drive if=pflash,file=/fw -drive file=/v,if=virtio,format=qcow2 -hda /h /image");
	static const struct {
		const char *path, *format;
		bool readonly;
		int vnode;
	} expected[] = {{"/a,b.img", "raw", true, 0}, {"/dev/vg/x", "qcow2", true, 1},
		{"/c", "raw", false, -1}, {"net", "raw", false, -1}, {"/v", "qcow2", false, -1},
		{"/h", "", false, -1}, {"/image", "", false, -1}};
	assert_int_equal(g->n_disks, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_string_equal(g->disks[i].path, expected[i].path);
		assert_string_equal(g->disks[i].format, expected[i].format);
		assert_int_equal(g->disks[i].readonly, expected[i].readonly);
		assert_int_equal(g->disks[i].vnode, expected[i].vnode);
	}
	vn_autoguest *served = read_good(QEMU
		"-object iothread,id=io1 -object iothread,id=io2 -drive file=/a,if=none,id=a -drive file=/b,if=none,id=b "
		"-drive file=/c,if=none,id=c -drive file=/d,if=none,id=d -device virtio-scsi-pci,id=s,iothread=io2 "
		"-device virtio-blk-pci,drive=a,iothread=io1 -device scsi-hd,drive=b,bus=s.0 -device virtio-blk-pci,drive=c "
		"-device virtio-blk-pci,drive=d,iothread=a-name-of-thirty-two-characters-");
	static const char *const iothreads[] = {"io1", "io2", "", ""};
	assert_int_equal(served->n_disks, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(served->disks[i].iothread, iothreads[i]);
	vn_autoguest *circle = read_good(QEMU
		"-blockdev raw,node-name=a,file=b -blockdev raw,node-name=b,file=a -device nvme,drive=a "
		"-device pcie-root-port,id=x,bus=y -device pcie-root-port,id=y,bus=x -device nvme,bus=x,drive=b");
	assert_int_equal(circle->n_disks, 2);
	assert_int_equal(circle->disks[1].vnode, -1);
}

static void test_devices_are_refused(void **state)
{
	(void)state;
	assert_problems(QEMU NODES
		"\\\n-device vfio-pci \\\n-device vfio-pci,host=3b:00 \\\n-device vfio-pci,host=3b:00.0 \\\n"
		"-device vfio-pci,host=0000:3b:00.0 \\\n-device pxb-pcie,id=p,numa_node=2 \\\n-netdev tap,queues=2 \\\n"
		"-nic tap,queues=257 \\\n-device virtio-blk-pci,drive=d",
		"2 -device: no host; expected a PCI function such as 0000:3b:00.0\n"
		"3 -device: host=3b:00 seen; expected a PCI function such as 0000:3b:00.0\n"
		"5 -device: host=0000:3b:00.0 seen twice; expected each function once\n"
		"6 -device: numa_node=2 seen; expected one of the nodes, 0 to 1\n"
		"7 -netdev: no id; expected one that a -device can name\n"
		"8 -nic: queues=257 seen; expected a number from 1 to 256\n"
		"9 -device: drive=d seen; no -drive or -blockdev has that name\n");
}

static void test_plugged_memory(void **state)
{
	(void)state;
#define D "-object memory-backend-ram,id=d,size=512M "
	vn_autoguest *dimm = read_good(QEMU "-m 1G,slots=2,maxmem=2G " D "-device pc-dimm,memdev=d,id=x");
	assert_int_equal(dimm->memory, 1536 * VN_MIB);
	assert_int_equal(dimm->maxmem, 2 * GIB);
	assert_int_equal(dimm->vnodes[0].plugged, 512 * VN_MIB);
	assert_false(dimm->vnodes_open);
	vn_autoguest *second = read_good(
		QEMU AB "-m 256,slots=2,maxmem=2G " D
			"-numa node,memdev=a,cpus=0 -numa node,memdev=b -device pc-dimm,memdev=d,node=1");
	assert_int_equal(second->vnodes[1].memory, 640 * VN_MIB);
	assert_int_equal(second->vnodes[1].plugged, 512 * VN_MIB);
	vn_autoguest *virtio =
		read_good(QEMU "-m 1G,maxmem=2G " D "-device virtio-mem-pci,memdev=d,requested-size=128M");
	assert_int_equal(virtio->vnodes[0].plugged, 128 * VN_MIB);
	assert_int_equal(virtio->vnodes[0].virtio_mem, 512 * VN_MIB);
	assert_notes(virtio, "qemu-virtio-mem|");
	vn_autoguest *nvdimm = read_good(QEMU "-m 1G,slots=1,maxmem=2G " D "-device nvdimm,memdev=d");
	assert_int_equal(nvdimm->memory, GIB);
	assert_notes(nvdimm, "qemu-nvdimm|");
	vn_autoguest *apart = read_good(QEMU
		"-m 1G,slots=1,maxmem=2G -object memory-backend-ram,id=d,size=512M,host-nodes=1,policy=bind "
		"-device pc-dimm,memdev=d");
	assert_notes(apart, "qemu-dimm-apart|");
	vn_guest_forget_homes(apart);
	assert_notes(apart, "");
	assert_problems(QEMU "-m 1G,slots=1,maxmem=1280M " D "-device pc-dimm,memdev=d",
		"1 -m: maxmem=1280 MiB seen; expected at least 1536 MiB, with the memory of devices\n");
	assert_problems(QEMU
		"-m 1G,slots=3,maxmem=4G " D
		"-device pc-dimm,memdev=d,node=1 \\\n-device pc-dimm,memdev=d \\\n-device pc-dimm",
		"1 -device: node=1 seen; expected one of the nodes, 0 to 0\n"
		"2 -device: memdev=d seen, which -device has, too; expected memory of its own\n"
		"3 -device: no memdev; expected the memory of the device\n");
#undef D
}

/* ---- the line itself ---- */

static void assert_name(const char *file, const char *options, const char *name, const char *notes)
{
	vn_autofree char *text = vn_format(QEMU "%s", options);
	vn_autoguest *g = NULL;
	assert_int_equal(vn_guest_read(text, strlen(text), file, false, &g, NULL), 0);
	assert_string_equal(g->name, name);
	assert_notes(g, notes);
}

static void test_names(void **state)
{
	(void)state;
	assert_name("x", "-name guest=web,debug-threads=on", "web", "");
	assert_name("x", "-name web,process=q", "web", "");
	assert_name("x", "-name 'my web/1'", "my-web-1", "name-changed|");
	assert_name("x", "-name '.\xc3\xa4'", "qemu", "name-changed|");
	assert_name("dir/web.args", "", "web", "");
	assert_name("web", "", "web", "");
	assert_name("dir/.args", "", "args", "");
	assert_name("/proc/17/cmdline", "", "qemu-17", "");
	assert_name(NULL, "", "qemu", "");
	assert_name("x", "-name a123456789b123456789c123456789d123456789e123456789f123456789g123456789",
		"a123456789b123456789c123456789d123456789e123456789f123456789g12", "name-changed|");
	assert_problems(QEMU "-name 'a\x1b[31m'",
		"1 -name: guest=a?[31m seen; expected UTF-8 without control characters\n");
	assert_problems(
		QEMU "-name 'a\xff'", "1 -name: guest=a? seen; expected UTF-8 without control characters\n");
}

static void test_programs(void **state)
{
	(void)state;
	static const char *const others[] = {
		"qemu-img", "qemu-nbd", "qemu-io", "qemu-storage-daemon", "qemu-x86_64", "qemu-x"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		vn_autofree char *text = vn_format("/usr/bin/%s -m 64", others[i]);
		vn_autofree char *expected = vn_format(
			"0 : '%s' runs no VM; expected qemu-system-x86_64 or the like, qemu-kvm or kvm\n",
			others[i]);
		assert_problems(text, expected);
	}
	vn_autoguest *arm = read_good("/usr/bin/qemu-system-aarch64 -M virt -m 64 -smp 2");
	assert_notes(arm, "qemu-other-machine|");
	vn_autoguest *rhel = read_good("/usr/libexec/qemu-kvm -m 64");
	assert_notes(rhel, "");
	vn_autoguest *nix = read_good("/nix/store/x/bin/.qemu-system-x86_64-wrapped -m 64");
	assert_notes(nix, "");

	/* who finds a process knows its program, whatever that calls itself; but not that of a tool */
	static const char process[] = "web-1\0-nodefaults", image[] = "qemu-img\0-nodefaults";
	vn_autoguest *found = NULL, *tool = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_guest_from_qemu(process, sizeof(process), "f", &found, &err), 0);
	assert_int_equal(vn_guest_from_qemu(image, sizeof(image), "f", &tool, &err), -EINVAL);
	assert_null(tool);
}

/* What a shell would run is one error, and no config with hundred of them. */
static void test_scripts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned line; /* 0: a config */
	} cases[] = {
		{"#!/bin/sh\nmem=4G\n\nexec qemu-system-x86_64 -m $mem\n", 4},
		{"#!/bin/bash\n. ./run.inc\n", 1},
		{"sudo qemu-system-x86_64 -m 64", 1},
		{"# my guest\nqemu-system-x86_64 -m 64", 2},
		{"mem=4G\n  taskset -c 0-3 /usr/bin/qemu-system-x86_64 \\\n  -m 64", 2},
		{"numactl -N 1 kvm -m 64", 1},
		{"env A=b qemu-kvm -m 64", 1},
		{"name='g'\nmemory=64\nkvm = 1\n", 0},
		{"exec = 'qemu-system-x86_64'\n", 0},
		{"# qemu-system-x86_64\nmemory = 64\n", 0},
		{"sudo\n", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vn_guest *guest = NULL;
		vn_autoerror err = {0};
		vn_guest_read(cases[i].text, strlen(cases[i].text), "g.args", false, &guest, &err);
		assert_null(guest);
		bool script = strstr(err.problems[0].text, "a shell script, or words before QEMU") != NULL;
		if (script != (cases[i].line > 0) ||
			(script && (err.n != 1 || err.problems[0].line != cases[i].line)))
			fail_msg("case %zu: line %u: %s", i, err.problems[0].line, err.problems[0].text);
	}
}

static void test_options(void **state)
{
	(void)state;
	/* flags take no word, others take what stands there */
	vn_autoguest *g =
		read_good(QEMU "--nodefaults -S --smp 2 -append -smp -kernel k -initrd i -enable-kvm -m 1G");
	assert_int_equal(g->vcpus, 2);
	assert_int_equal(g->memory, GIB);
	assert_string_equal(g->extra, "-smp");
	assert_string_equal(g->kernel, "k");
	assert_string_equal(g->ramdisk, "i");
	assert_notes(g, "");
	vn_autoguest *unknown =
		read_good(QEMU "-frob a -m 1G \\\n -frob -smp 2 -preconfig -set device.x.y=z");
	assert_int_equal(unknown->memory, GIB);
	assert_int_equal(unknown->vcpus, 2);
	assert_int_equal(unknown->n_disks, 0);
	assert_notes(
		unknown, "qemu-option-unknown|qemu-option-unknown|qemu-option-not-followed|qemu-preconfig|");
	assert_string_equal(unknown->notes.v[0].text,
		"line 1: -frob: no option of QEMU's that is known here; it is kept with its value, 'a'");
	assert_problems(QEMU "-readconfig f \\\n -append x -version -smp",
		"2 -smp: no value behind it; expected one\n"
		"2 -append: given without -kernel; it goes with a kernel only\n"
		"1 -readconfig: more options are in a file that is not read here; expected them on the command line\n"
		"2 -version: QEMU answers and ends; expected the command line of a guest\n");
	assert_problems(QEMU "-m ,1G -name a -numa node,mem=1,,cpus=0 -object '{\"id\":1,\"id\":2}' -smp 2;",
		"1 : ';' without quotes: the shell would end the command there; expected plain words, quoted where need be\n");
	assert_problems(QEMU "-m ,1G -object '{\"id\":1,\"id\":2}'",
		"1 -m: no key before \",1G\"; expected key=value\n"
		"1 -object: no good JSON at byte 12: duplicate object key near '\"id\"'\n");
}

static void test_lines_of_proc(void **state)
{
	(void)state;
	static const char line[] =
		"/usr/bin/qemu-system-x86_64\0-name\0guest=p\0-m\0size=1G\0-append\0a $b;\0-kernel\0k\0-smp\0"
		"2";
	vn_autoguest *g = read_bytes(line, sizeof(line));
	assert_string_equal(g->name, "p");
	assert_string_equal(g->extra, "a $b;");
	assert_int_equal(g->vcpus, 2);
	assert_problems_of(line, sizeof(line) - 1,
		"0 : no NUL byte behind the last word: it is cut; expected all of /proc/PID/cmdline\n");
	assert_problems_of(line, sizeof(line) - 2, "10 -smp: no value behind it; is the command line cut?\n");

	vn_autofree char *page = malloc(VN_GUEST_TEXT_MAX);
	memset(page, 'x', 4097);
	memcpy(page, line, sizeof(line));
	memcpy(page + sizeof(line), "-uuid\0", 6);
	page[4096] = 0;
	assert_problems_of(page, 4096,
		"0 : cut after 4096 bytes, which is all that Linux before 4.2 tells of a command line; expected all of it\n");
	page[4095] = 0;
	vn_autoguest *whole = read_bytes(page, 4096);
	assert_notes(whole, "qemu-line-of-a-page|");
	memcpy(page + sizeof(line), "-object\0{\"a\":\"", 14);
	page[4095] = 'x';
	assert_problems_of(page, 4096,
		"0 : cut after 4096 bytes, which is all that Linux before 4.2 tells of a command line; expected all of it\n"
		"12 -object: the JSON ends after 4004 bytes within an object; is it cut?\n");
}

static void test_many_problems_are_counted(void **state)
{
	(void)state;
	vn_autofree char *text = malloc(100 + 60 * 20);
	vn_autoguest *guest = NULL;
	vn_autoerror err = {0};
	strcpy(text, QEMU);
	for (unsigned i = 0; i < 60; i++)
		strcat(text, "-device vfio-pci ");
	assert_int_equal(vn_guest_read(text, strlen(text), "f", false, &guest, &err), -EINVAL);
	assert_int_equal(err.n, 51);
	assert_string_equal(err.problems[50].text, "10 more problems");
}

/* ---- libvirt's ---- */

/* "FILE: memory/maxvcpus | VCPUS MiB[ NODES policy][ pPAGE] | ..." */
static char *summary(const struct vn_guest *guest, const char *file)
{
	static const char *const policies[] = {"preferred", "bind", "interleave"};
	char *all = vn_format("%.*s: %llu/%u", (int)strcspn(file, "."), file,
		(unsigned long long)(guest->memory / VN_MIB), guest->maxvcpus);
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		const struct vn_vnode *vnode = &guest->vnodes[i];
		vn_autofree char *vcpus = vn_set_text(vnode->vcpus),
				 *nodes = vnode->nodes         ? vn_set_text(vnode->nodes)
					  : vnode->has_binding ? vn_format("%d", vnode->home)
							       : NULL;
		char *more = vn_format("%s | %s %llu%s%s%s%s", all, vcpus,
			(unsigned long long)(vnode->memory / VN_MIB), nodes ? " " : "", nodes ? nodes : "",
			nodes ? " " : "", nodes ? policies[vnode->binding] : "");
		free(all);
		all = more;
		if (vn_vnode_page(guest, i)) {
			more = vn_format(
				"%s p%llu", all, (unsigned long long)(vn_vnode_page(guest, i) / VN_MIB));
			free(all);
			all = more;
		}
	}
	return all;
}

static void test_command_lines_of_libvirt(void **state)
{
	static const char *const expected[] = {"cpu-numa1: 214/16 | 0-7 107 | 8-15 107",
		"cpu-numa2: 214/16 | 0-7 107 | 8-15 107", "cputune-numatune: 128/6 | 0-5 128 0-3 bind",
		"hugepages-numa-nodeset: 4096/4 | 0 1024 p1024 | 1 1024 p2 | 2 1024 p1024 | 3 1024 p1024",
		"numad: 214/2 | 0-1 214 0-3 interleave",
		"numatune-distances: 12288/12 | 0,11 2048 | 1,10 2048 | 2,9 2048 | 3,8 2048 | 4,7 2048 | 5-6 2048",
		"numatune-memnode: 24105/32 | 0 20 3 preferred | 1-27,29 645 0-3 bind | 28,30-31 23440 0,2 bind",
		"pcie-expander-bus: 214/16 | 0-7 107 | 8-15 107"};
	const size_t n = sizeof(expected) / sizeof(expected[0]);
	const char *shared = getenv("VNUMA_SHARED");
	glob_t found = {0};
	(void)state;
	char *pattern = vn_format("%s/data/libvirt/*.args", shared ? shared : "/nowhere");
	int none = glob(pattern, 0, NULL, &found);
	free(pattern); /* skip() does not come back */
	if (none)
		skip();
	assert_int_equal(found.gl_pathc, n);
	for (size_t i = 0; i < n; i++) {
		vn_autofree char *text = NULL;
		vn_autoguest *guest = NULL;
		vn_autoerror err = {0};
		size_t size = 0;
		assert_int_equal(
			vn_file_read_bytes(found.gl_pathv[i], VN_GUEST_TEXT_MAX, &text, &size, &err), 0);
		assert_int_equal(vn_guest_read(text, size, found.gl_pathv[i], false, &guest, &err), 0);
		vn_autofree char *seen = summary(guest, strrchr(found.gl_pathv[i], '/') + 1);
		assert_string_equal(seen, expected[i]);
		assert_notes(guest, "");
		assert_int_equal(guest->iothreads, i == 2 ? 2 : 0);
		for (size_t j = 0; i == 5 && j < guest->n_vnodes; j++) {
			for (size_t k = 0; k < guest->n_vnodes; k++) /* as the nodes stood in a row */
				assert_int_equal(guest->vnodes[j].distances[k],
					j == k ? 10 : 11 + 10 * (j > k ? j - k : k - j));
		}
		assert_int_equal(guest->n_vifs, i == 7 ? 32 : 0);
		for (size_t k = 0; k < guest->n_vifs; k++)
			assert_int_equal(guest->vifs[k].vnode, 0);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said),
		cmocka_unit_test(test_smp_is_completed),
		cmocka_unit_test(test_smp_is_refused),
		cmocka_unit_test(test_smp_zero),
		cmocka_unit_test(test_numbers_of_other_bases),
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_nodes_come_first),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_threads_that_are_no_whole_cores),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_memory_backend_of_the_machine),
		cmocka_unit_test(test_backends_are_refused),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_nodes_of_old_machines),
		cmocka_unit_test(test_vcpus_that_no_node_has),
		cmocka_unit_test(test_numa_cpu),
		cmocka_unit_test(test_nodes_are_refused),
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_hmat),
		cmocka_unit_test(test_hmat_is_refused),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_sockets_of_old_machine_types),
		cmocka_unit_test(test_disks),
		cmocka_unit_test(test_devices_are_refused),
		cmocka_unit_test(test_plugged_memory),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_lines_of_proc),
		cmocka_unit_test(test_many_problems_are_counted),
		cmocka_unit_test(test_command_lines_of_libvirt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
