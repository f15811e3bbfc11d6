/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a VM: from a /proc written here, of this very process, and of real QEMUs, which are asked themselves what is true. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_root.h"
#include "live_qemu.h"
#include "../src/base/text.h"
#include "../src/observe/blocks.h"
#include "../src/observe/memory_areas.h"
#include "../src/observe/monitor_facts.h"
#include "../src/observe/page_sample.h"

#define MIB VN_MIB

/* Process 100; `resident` in pages. */
static void place_make(struct fake_root *place, const char *maps, const char *numa_maps, const char *statm)
{
	fake_make(place);
	fake_put(place, "proc/100/maps", maps);
	fake_put(place, "proc/100/numa_maps", numa_maps);
	fake_put(place, "proc/100/statm", statm);
}

static struct vn_guest *guest_of(const char *line)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};

	assert_int_equal(vn_guest_from_qemu(line, strlen(line), "line", &guest, &err), 0);
	assert_int_equal(vn_guest_set_text(guest, VN_FORM_QEMU, line, strlen(line)), 0);
	return guest;
}

/* What is found of a VM of that command line, in a place of these files. */
static struct vn_vm_sample find(const char *line, const char *maps, const char *numa_maps, const char *statm)
{
	vn_cleanup(fake_clear) struct fake_root place;
	struct vn_vm_sample vm = {.process.pid = 100, .guest = guest_of(line)};

	place_make(&place, maps, numa_maps, statm);
	struct vn_survey survey = live_survey(&place.root);
	assert_int_equal(vn_blocks_find(&survey, NULL, &vm), 0);
	return vm;
}

#define TWO                                                                                                    \
	"qemu-system-x86_64 -m 512 -smp 2 -object memory-backend-ram,id=a,size=256M,host-nodes=0,policy=bind " \
	"-object memory-backend-ram,id=b,size=256M,host-nodes=1,policy=bind "                                  \
	"-numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b"
#define SMALL "60000 5000 3000 0 0 0 0\n"
#define LARGE "900000 800000 3000 0 0 0 0\n"
#define MAPS_HEAD "55d000000000-55d000800000 r-xp 00000000 fe:01 1234 /usr/bin/qemu-system-x86_64\n"
#define NUMA_HEAD                                                                                            \
	"55d000000000 default file=/usr/bin/qemu-system-x86_64 mapped=700 N0=700 kernelpagesize_kB=4\n"

/* Equal sizes, and the lower one is the first: only the policies tell. */
#define TWO_MAPS                                                                                             \
	MAPS_HEAD "7f0000000000-7f0010000000 rw-p 00000000 00:00 0 \n"                                       \
		  "7f0010000000-7f0010001000 ---p 00000000 00:00 0 \n"                                       \
		  "7f0020000000-7f0030000000 rw-p 00000000 00:00 0 \n"                                       \
		  "7f0040000000-7f0050000000 rw-s 00000000 00:05 7 /dev/vfio/12\n"
#define TWO_NUMA                                                                                             \
	NUMA_HEAD "7f0000000000 bind:0 anon=4 dirty=4 N0=4 kernelpagesize_kB=4\n"                            \
		  "7f0010000000 default\n"                                                                   \
		  "7f0020000000 bind:1\n"

static void test_policies_tell_blocks_apart(void **state)
{
	(void)state;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = find(TWO, TWO_MAPS, TWO_NUMA, SMALL);
	assert_int_equal(vm.n_blocks, 2);
	assert_int_equal(vm.blocks[0].address, 0x7f0000000000);
	assert_int_equal(vm.blocks[0].vnode, 0);
	assert_string_equal(vm.blocks[0].id, "a");
	assert_int_equal(vm.blocks[0].tied_by, VN_TOLD_BY_COMMAND);
	assert_int_equal(vm.blocks[0].policy_by, VN_TOLD_BY_KERNEL);
	assert_string_equal(vm.blocks[0].policy.text, "bind:0");
	assert_false(vm.blocks[0].shared);
	assert_int_equal(vm.blocks[1].vnode, 1);
	assert_int_equal(vm.blocks[1].size, 256 * MIB);
	assert_true(vm.has_policy);
	assert_string_equal(vm.policy.text, "default");
	assert_int_equal(vm.gaps.n, 0);
}

/* Of much memory numa_maps is not walked: the order is what is left, and the policy is what was asked for. */
static void test_large_process_is_not_walked(void **state)
{
	(void)state;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = find(TWO, TWO_MAPS, TWO_NUMA, LARGE);
	assert_int_equal(vm.n_blocks, 2);
	assert_int_equal(vm.blocks[1].vnode, 0); /* made first, and so the highest */
	assert_int_equal(vm.blocks[1].tied_by, VN_TOLD_BY_BEHAVIOUR);
	assert_int_equal(vm.blocks[1].policy_by, VN_TOLD_BY_COMMAND);
	assert_string_equal(vm.blocks[1].policy.text, "bind:0");
	assert_true(vm.has_policy);
}

/* Cut by madvise, mbind; and joined with a stack below. */
static void test_areas_are_joined(void **state)
{
	static const char line[] =
		"qemu-system-x86_64 -m 384 -smp 2 -object memory-backend-ram,id=a,size=256M "
		"-object memory-backend-ram,id=b,size=128M -numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b";
	static const char maps[] = MAPS_HEAD "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \n"
					     "7f0004000000-7f0006000000 r--p 00000000 00:00 0 \n"
					     "7f0006000000-7f0010000000 rw-p 00000000 00:00 0 \n"
					     "7f0010000000-7f0010001000 ---p 00000000 00:00 0 \n"
					     "7f001f800000-7f0028000000 rw-p 00000000 00:00 0 \n"
					     "7f0028000000-7f0028001000 ---p 00000000 00:00 0 \n";
	static const char numa[] =
		NUMA_HEAD "7f0000000000 bind:0\n7f0004000000 default\n7f0006000000 bind:1\n"
			  "7f0010000000 default\n7f001f800000 interleave:0-1\n";

	(void)state;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = find(line, maps, numa, SMALL);
	assert_int_equal(vm.n_blocks, 2);
	/* the piece that was made read-only is no memory that is looked for: nothing is as large */
	assert_int_equal(vm.blocks[0].address, 0);
	assert_int_equal(vm.blocks[1].address, 0x7f0020000000);
	assert_int_equal(vm.blocks[1].vnode, 1);
	assert_string_equal(vm.blocks[1].policy.text, "interleave:0-1");
	assert_true(vn_notes_has(&vm.gaps, "memory-not-found"));
}

static void test_files(void **state)
{
	static const char line[] =
		"qemu-system-x86_64 -m 256 -smp 2 -object memory-backend-memfd,id=a,size=128M,share=on "
		"-object memory-backend-memfd,id=b,size=128M,share=on -numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b";
	static const char maps[] = MAPS_HEAD
		"7f0000000000-7f0004000000 rw-s 00000000 00:01 77 /memfd:memory-backend-memfd (deleted)\n"
		"7f0004000000-7f0006000000 r--s 04000000 00:01 77 /memfd:memory-backend-memfd (deleted)\n"
		"7f0006000000-7f0008000000 rw-s 06000000 00:01 77 /memfd:memory-backend-memfd (deleted)\n"
		"7f0008000000-7f0010000000 rw-s 00000000 00:01 76 /memfd:memory-backend-memfd (deleted)\n";
	static const char numa[] =
		NUMA_HEAD "7f0000000000 default\n7f0004000000 bind:1\n7f0006000000 default\n"
			  "7f0008000000 default\n";

	(void)state;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = find(line, maps, numa, SMALL);
	assert_int_equal(vm.n_blocks, 2);
	assert_int_equal(vm.blocks[0].address, 0x7f0000000000);
	assert_int_equal(vm.blocks[0].vnode, 1);
	assert_int_equal(vm.blocks[0].tied_by, VN_TOLD_BY_BEHAVIOUR);
	assert_true(vm.blocks[0].shared && vm.blocks[0].policies_differ);
	assert_string_equal(vm.blocks[0].policy.text, "default");
	assert_int_equal(vm.blocks[1].vnode, 0);
	assert_false(vm.blocks[1].policies_differ);
}

static void test_one_piece_for_all_nodes(void **state)
{
	static const char line[] =
		"qemu-system-x86_64 -m 256 -smp 2 -numa node,cpus=0,mem=64M -numa node,cpus=1,mem=192M";
	static const char maps[] = MAPS_HEAD "7f0000000000-7f0010000000 rw-p 00000000 00:00 0 \n";
	static const char numa[] = NUMA_HEAD "7f0000000000 default\n";

	(void)state;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = find(line, maps, numa, SMALL);
	assert_int_equal(vm.n_blocks, 2);
	assert_int_equal(vm.blocks[0].size, 64 * MIB);
	assert_int_equal(vm.blocks[0].vnode, 0);
	assert_int_equal(vm.blocks[1].address, 0x7f0004000000);
	assert_int_equal(vm.blocks[1].size, 192 * MIB);
	assert_int_equal(vm.blocks[1].vnode, 1);
}

static void test_huge_pages_are_seen(void **state)
{
	static const char maps[] =
		MAPS_HEAD "7f0000000000-7f0010000000 rw-p 00000000 00:0f 9 /dev/hugepages/x (deleted)\n";
	static const char numa[] = NUMA_HEAD
		"7f0000000000 bind:0 file=/dev/hugepages/x\\040(deleted) huge anon=3 dirty=3 N0=2 N1=1 kernelpagesize_kB=2048\n";
	vn_autoareas areas = {0};
	vn_autolines lines = {0};
	struct vn_residency residency = {0};

	(void)state;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm =
		find("qemu-system-x86_64 -m 256 -mem-path /dev/hugepages", maps, numa, SMALL);
	assert_int_equal(vm.n_blocks, 1);
	assert_int_equal(vm.blocks[0].page, 2 * MIB);
	assert_int_equal(vm.blocks[0].vnode, 0);
	assert_int_equal(vn_areas_parse(maps, &areas), 0);
	assert_int_equal(vn_numa_lines_parse(strdup(numa), &lines), 0);
	assert_int_equal(vn_numa_lines_count(&lines, &areas, 0x7f0000000000, 256 * MIB, &residency), 0);
	assert_int_equal(residency.asked, 65536);
	assert_int_equal(residency.n_nodes, 2);
	assert_int_equal(residency.nodes[0].pages, 1024);
	assert_int_equal(residency.nodes[1].pages, 512);
	assert_int_equal(residency.absent, 64000);
	vn_residency_clear(&residency);
	/* areas that reach beyond the range cannot be divided */
	assert_int_equal(vn_numa_lines_count(&lines, &areas, 0x7f0000000000, 128 * MIB, &residency), -ENOENT);
}

static void test_record_and_facts_tell_addresses(void **state)
{
	vn_cleanup(fake_clear) struct fake_root place;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {.process.pid = 100};
	struct vn_monitor_block known[] = {{"b", 256 * MIB, 4096, 0x7f0000000000, -1},
		{"a", 256 * MIB, 4096, 0x7f0020000000, -1}, {"plugged", 512 * MIB, 4096, 0, -1}};
	struct vn_monitor_facts facts = {.n_blocks = 3, .blocks = known};

	(void)state;
	place_make(&place, TWO_MAPS, TWO_NUMA, SMALL);
	struct vn_survey survey = live_survey(&place.root);
	vm.guest = guest_of(TWO);
	assert_int_equal(vn_blocks_find(&survey, &facts, &vm), 0);
	assert_int_equal(vm.n_blocks, 3);
	assert_string_equal(vm.blocks[0].id, "plugged");
	assert_int_equal(vm.blocks[0].vnode, -1);
	assert_int_equal(vm.blocks[0].tied_by, VN_TOLD_BY_NOTHING);
	assert_int_equal(vm.blocks[1].vnode, 1);
	assert_int_equal(vm.blocks[1].tied_by, VN_TOLD_BY_QMP);
	assert_int_equal(vm.blocks[2].vnode, 0);
	vn_vm_sample_clear(&vm);

	vm.process.pid = 100;
	vm.record = vn_vm_new();
	vm.record->backends = calloc(1, sizeof(*vm.record->backends));
	vm.record->n_backends = 1;
	vm.record->backends[0] = (struct vn_vm_backend){
		.vnode = 0, .id = "ram0", .memory = 256 * MIB, .address = 0x7f0020000000};
	assert_int_equal(vn_blocks_find(&survey, NULL, &vm), 0);
	assert_int_equal(vm.n_blocks, 1);
	assert_int_equal(vm.blocks[0].address, 0x7f0020000000);
	assert_int_equal(vm.blocks[0].tied_by, VN_TOLD_BY_RECORD);
}

static void test_gone_and_nonsense(void **state)
{
	vn_cleanup(fake_clear) struct fake_root place;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {.process.pid = 101};

	(void)state;
	place_make(&place, "nonsense\n7f00-7e00 rw-p\n\n", "7f0000000000\nzz\n", "x");
	struct vn_survey survey = live_survey(&place.root);
	assert_int_equal(vn_blocks_find(&survey, NULL, &vm), -ESRCH);
	vm.process.pid = 100;
	assert_int_equal(vn_blocks_find(&survey, NULL, &vm), 0);
	assert_int_equal(vm.n_blocks, 0);
}

/* ---- the real thing ---- */

/* Where the monitor says that a block is: QEMU 7.2 does not list addresses, but it translates those of the guest. */
static uint64_t true_address(struct live_qemu *q, const char *id)
{
	vn_autofree char *mtree = NULL, *wanted = vn_format(", ram): %s", id), *answer = NULL;

	assert_int_equal(vn_qmp_human(q->qmp, "info mtree -f", &mtree, NULL), 0);
	for (char *at = mtree; (at = strstr(at, wanted)); at++) {
		char *line = at, *behind = at + strlen(wanted);
		if (!strchr(" \r\n", *behind))
			continue;
		while (line > mtree && line[-1] != '\n')
			line--;
		unsigned long long first = strtoull(line, NULL, 16), offset = 0;
		if (strncmp(behind, " @", 2) == 0)
			offset = strtoull(behind + 2, NULL, 16);
		vn_autofree char *command = vn_format("gpa2hva 0x%llx", first);
		assert_int_equal(vn_qmp_human(q->qmp, command, &answer, NULL), 0);
		const char *is = strstr(answer, " is 0x");
		return is ? strtoull(is + 4, NULL, 16) - offset : 0;
	}
	return 0;
}

/* Each block's address and vnode is as QEMU says. */
static void check_live(const char *words, const char *const *ids, const int *vnodes, size_t n)
{
	vn_cleanup(live_stop) struct live_qemu q;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {0};
	vn_autoroot root = {.fd = -1};

	if (!live_start(&q, words))
		skip();
	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = live_survey(&root);
	live_sample(&q, &vm);
	assert_int_equal(vn_blocks_find(&survey, NULL, &vm), 0);
	assert_int_equal(vm.gaps.n, 0);
	assert_int_equal(vm.n_blocks, n);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		uint64_t truth = true_address(&q, ids[i]);
		assert_int_not_equal(truth, 0);
		while (k < n && vm.blocks[k].address != truth)
			k++;
		assert_true(k < n);
		assert_int_equal(vm.blocks[k].vnode, vnodes[i]);
		assert_int_equal(vm.blocks[k].policy_by, VN_TOLD_BY_KERNEL);
	}
	assert_int_equal(vn_blocks_look(&survey, &vm), 0);
	for (size_t i = 0; i < n; i++) {
		struct vn_residency sampled = vm.blocks[i].residency;
		vm.blocks[i].residency = (struct vn_residency){0};
		assert_true(vm.blocks[i].has_residency && sampled.has_details);
		assert_int_equal(sampled.asked, 4096);
		vn_residency_clear(&sampled);
	}
	survey.exact = true;
	assert_int_equal(vn_blocks_look(&survey, &vm), 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(vm.blocks[i].residency.exact);
		assert_int_equal(vm.blocks[i].residency.asked, vm.blocks[i].size / 4096);
	}
	assert_int_equal(vm.gaps.n, 0);
}

#define OBJECT(kind, id, rest) " -object memory-backend-" kind ",id=" id ",size=64M" rest
#define NODES2 " -numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b"

static void test_live_anonymous(void **state)
{
	(void)state;
	check_live("-S -accel tcg -m 128 -smp 2" OBJECT("ram", "a", "") OBJECT("ram", "b", "") NODES2,
		(const char *const[]){"a", "b"}, (const int[]){0, 1}, 2);
}

static void test_live_reversed(void **state)
{
	(void)state;
	check_live("-S -accel tcg -m 128 -smp 2" OBJECT("ram", "b", "")
			   OBJECT("ram", "a", ",policy=bind,host-nodes=0") NODES2,
		(const char *const[]){"a", "b"}, (const int[]){0, 1}, 2);
}

static void test_live_memfd(void **state)
{
	(void)state;
	check_live(
		"-S -accel tcg -m 256 -smp 4 -name x,debug-threads=on" OBJECT("memfd", "a", "") OBJECT(
			"memfd", "b", ",share=on") OBJECT("memfd", "c", ",share=off") OBJECT("ram", "d",
			",share=on") " -numa node,cpus=0,memdev=d -numa node,cpus=1,memdev=c -numa node,cpus=2,memdev=b -numa node,cpus=3,memdev=a",
		(const char *const[]){"d", "c", "b", "a"}, (const int[]){0, 1, 2, 3}, 4);
}

static void test_live_plain(void **state)
{
	(void)state;
	check_live("-S -accel tcg -m 128", (const char *const[]){"pc.ram"}, (const int[]){0}, 1);
}

static void test_live_path(void **state)
{
	(void)state;
	check_live("-S -accel tcg -m 128 -mem-path /dev/shm", (const char *const[]){"pc.ram"},
		(const int[]){0}, 1);
}

static void test_live_dimms(void **state)
{
	(void)state;
	check_live("-S -accel tcg -m size=128M,slots=4,maxmem=1G -smp 2" OBJECT("ram", "a", "") OBJECT(
			   "ram", "b", "") NODES2 OBJECT("ram", "c", "") " -device pc-dimm,memdev=c,node=1",
		(const char *const[]){"a", "b", "c"}, (const int[]){0, 1, 1}, 3);
}

/* Somebody without privilege looks at a process of root's: what was not read is said, with what it takes. In a child: 0 is good. */
static int look_unprivileged(void)
{
	pid_t parent = getppid();
	struct vn_vm_sample vm = {.process.pid = parent, .guest = guest_of("kvm -m 64")};
	vn_autoroot root = {.fd = -1};

	if (setgid(65534) < 0 || setuid(65534) < 0 || vn_root_open("/", &root, NULL) < 0)
		return 1;
	struct vn_survey survey = live_survey(&root);
	if (vn_blocks_find(&survey, NULL, &vm) != 0 || vm.n_blocks != 1 || vm.blocks[0].address != 0)
		return 2;
	if (vm.gaps.n != 1 || strcmp(vm.gaps.v[0].code, "maps-unreadable") != 0)
		return 3;
	if (!strstr(vm.gaps.v[0].text, "as user 0, or with CAP_SYS_PTRACE"))
		return 4;
	vm.blocks[0].address = 0x1000; /* as a record would tell */
	vm.process.start_time = 1;
	if (vn_blocks_look(&survey, &vm) != 0 || vm.gaps.n != 2 ||
		strcmp(vm.gaps.v[1].code, "pages-unreadable") != 0)
		return 5;
	vn_vm_sample_clear(&vm);
	return 0;
}

static void test_without_privilege(void **state)
{
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(look_unprivileged());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies_tell_blocks_apart),
		cmocka_unit_test(test_large_process_is_not_walked),
		cmocka_unit_test(test_areas_are_joined),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_one_piece_for_all_nodes),
		cmocka_unit_test(test_huge_pages_are_seen),
		cmocka_unit_test(test_record_and_facts_tell_addresses),
		cmocka_unit_test(test_gone_and_nonsense),
		cmocka_unit_test(test_without_privilege),
		cmocka_unit_test(test_live_anonymous),
		cmocka_unit_test(test_live_reversed),
		cmocka_unit_test(test_live_memfd),
		cmocka_unit_test(test_live_plain),
		cmocka_unit_test(test_live_path),
		cmocka_unit_test(test_live_dimms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
