/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests that others started, as a /proc written here shows them: their load, and memory that is still to come. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../src/observe/neighbours.h"
#include "host_maker.h"
#include "fake_root.h"

#define GIB 1024u /* in MiB */

static void put_process(
	const struct fake_root *fake, int pid, const char *comm, const char *maps, const char *numa_maps)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/comm", pid);
	fake_put(fake, path, comm);
	snprintf(path, sizeof(path), "proc/%d/maps", pid);
	fake_put(fake, path, maps);
	snprintf(path, sizeof(path), "proc/%d/numa_maps", pid);
	fake_put(fake, path, numa_maps);
}

static void put_thread(const struct fake_root *fake, int pid, int tid, const char *comm, const char *cpus)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "proc/%d/task/%d/status", pid, tid);
	snprintf(text, sizeof(text),
		"Name:\t%s\nState:\tS (sleeping)\nCpus_allowed:\tff\nCpus_allowed_list:\t%s\n", comm, cpus);
	fake_put(fake, path, text);
}

static void survey(struct fake_root *fake, const struct vn_host *host, const pid_t *ours, size_t n_ours,
	struct vn_occupied *occupied, struct vn_notes *notes)
{
	if (fake->root.fd < 0)
		assert_int_equal(vn_root_open(fake->path, &fake->root, NULL), 0);
	assert_int_equal(vn_neighbours_add(&fake->root, host, ours, n_ours, occupied, notes), 0);
}

static struct vn_host *two_nodes(void)
{
	return make_host(2, (struct maker_node[]){{4, 64 * GIB}, {4, 64 * GIB}}, 1, 20);
}

static uint64_t promised(const struct vn_occupied *occupied, size_t node, uint64_t page)
{
	return vn_occupied_promised(&occupied->nodes[node], page) / VN_MIB;
}

/* 4 GiB bound to node 1, of which 1 GiB is there; 1 GiB preferred on node 0, untouched; 2 GiB interleaved, a quarter there. */
#define MAPS                                                                                                               \
	"55d000000000-55d000800000 r-xp 00000000 fe:01 1234                       /usr/bin/qemu-system-x86_64\n"           \
	"7f0000000000-7f0100000000 rw-p 00000000 00:00 0 \n"                                                               \
	"7f0200000000-7f0240000000 rw-s 00000000 00:01 99                         /memfd:memory-backend-memfd (deleted)\n" \
	"7f0300000000-7f0380000000 rw-p 00000000 00:00 0 \n"                                                               \
	"7f0400000000-7f0440000000 rw-s 00000000 00:05 7                          /dev/vfio/12\n"                          \
	"7f0500000000-7f0540000000 rw-s 00000000 fe:01 77                         /srv/pmem.img\n"                         \
	"7f0600000000-7f0640000000 ---p 00000000 00:00 0 \n"                                                               \
	"7f0700000000-7f0703f00000 rw-p 00000000 00:00 0 \n"                                                               \
	"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n"
#define NUMA_MAPS                                                                                            \
	"55d000000000 default file=/usr/bin/qemu-system-x86_64 mapped=700 N0=700 kernelpagesize_kB=4\n"      \
	"7f0000000000 bind:1 anon=262144 dirty=262144 active=0 N1=262144 kernelpagesize_kB=4\n"              \
	"7f0200000000 prefer:0 file=/memfd:memory-backend-memfd\\040(deleted)\n"                             \
	"7f0300000000 interleave:0-1 anon=131072 dirty=131072 N0=65536 N1=65536 kernelpagesize_kB=4\n"       \
	"7f0400000000 bind:1 file=/dev/vfio/12\n"                                                            \
	"7f0500000000 bind:1 file=/srv/pmem.img\n"                                                           \
	"7f0600000000 bind:1\n"                                                                              \
	"7f0700000000 bind:1\n"                                                                              \
	"7ffc00000000 default stack anon=5 dirty=5 N0=5 kernelpagesize_kB=4\n"

static void test_memory_to_come(void **state)
{
	(void)state;
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_autohost *host = two_nodes();
	vn_autooccupied *occupied = vn_occupied_new(host);
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};

	fake_make(&fake);
	put_process(&fake, 100, "qemu-system-x86\n", MAPS, NUMA_MAPS);
	put_thread(&fake, 100, 100, "qemu-system-x86", "0-7");
	put_thread(&fake, 100, 101, "CPU 0/KVM", "4-7");
	put_process(&fake, 200, "bash\n", MAPS, NUMA_MAPS); /* not a guest, whatever it maps */
	put_thread(&fake, 200, 201, "CPU 0/KVM", "4-7");
	fake_put(&fake, "proc/self/comm", "qemu-system-x86\n");
	fake_put(&fake, "proc/uptime", "1 2\n");
	survey(&fake, host, NULL, 0, occupied, &notes);
	assert_int_equal(promised(occupied, 0, 0), GIB + 768);
	assert_int_equal(promised(occupied, 1, 0), 3 * GIB + 768);
	assert_int_equal(occupied->nodes[0].load, 0);
	assert_int_equal(occupied->nodes[1].load, 1);
	assert_int_equal(notes.n, 0);
	survey(&fake, host, (const pid_t[]){7, 100}, 2, occupied,
		&notes); /* counted otherwise: nothing is added */
	assert_int_equal(occupied->nodes[1].load, 1);
	assert_int_equal(promised(occupied, 1, 0), 3 * GIB + 768);
}

static void test_memory_without_a_policy(void **state)
{
	static const char maps[] = "7f0000000000-7f0100000000 rw-p 00000000 00:00 0 \n"
				   "7f0200000000-7f0240000000 rw-p 00000000 00:00 0 [anon:ram]\n";
	static const char numa_maps[] = "7f0000000000 default anon=262144 N1=262144 kernelpagesize_kB=4\n"
					"7f0200000000 local anon=262144 N1=262144 kernelpagesize_kB=4\n";

	(void)state;
	for (unsigned nodes = 1; nodes <= 2; nodes++) {
		vn_cleanup(fake_clear) struct fake_root fake;
		vn_autohost *host =
			make_host(nodes, (struct maker_node[]){{4, 64 * GIB}, {4, 64 * GIB}}, 1, 20);
		vn_autooccupied *occupied = vn_occupied_new(host);
		vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};
		fake_make(&fake);
		put_process(&fake, 100, "kvm\n", maps, numa_maps);
		put_thread(&fake, 100, 101, "CPU 0/TCG", "0");
		survey(&fake, host, NULL, 0, occupied, &notes);
		assert_int_equal(promised(occupied, 0, 0),
			nodes == 1 ? 3 * GIB : 0); /* there it can only come to the one */
		assert_int_equal(notes.n, nodes == 1 ? 0 : 1);
		if (nodes == 1)
			continue;
		assert_int_equal(promised(occupied, 1, 0), 0);
		assert_string_equal(notes.v[0].code, "others-unplaced");
		assert_non_null(strstr(notes.v[0].text, "process 100: 3 GiB of its memory"));
	}
}

static void test_huge_pages(void **state)
{
	static const char maps[] =
		"7f0000000000-7f0100000000 rw-s 00000000 00:0f 5 /dev/hugepages/vm (deleted)\n"
		"7f0200000000-7f0280000000 rw-s 00000000 00:0f 6 /memfd:ram (deleted)\n";
	static const char numa_maps[] =
		"7f0000000000 bind:0 file=/dev/hugepages/vm\\040(deleted) huge dirty=512 N0=512 kernelpagesize_kB=2048\n"
		"7f0200000000 bind:1 file=/memfd:ram\\040(deleted) huge\n";
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_autohost *host = two_nodes();
	vn_autooccupied *occupied = vn_occupied_new(host);
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};

	(void)state;
	fake_make(&fake);
	put_process(&fake, 100, "qemu-kvm\n", maps, numa_maps);
	put_thread(&fake, 100, 101, "CPU 0/KVM", "0");
	survey(&fake, host, NULL, 0, occupied, &notes);
	assert_int_equal(promised(occupied, 0, 2 * VN_MIB), 3 * GIB);
	assert_int_equal(promised(occupied, 0, 0) + promised(occupied, 1, 0), 0);
	assert_int_equal(promised(occupied, 1, 2 * VN_MIB),
		0); /* of what size they are is not told before the first */
	assert_int_equal(notes.n, 1);
	assert_non_null(strstr(notes.v[0].text, "2 GiB"));
}

static void test_load(void **state)
{
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_autohost *host = two_nodes();
	vn_autooccupied *occupied = vn_occupied_new(host);
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};

	(void)state;
	fake_make(&fake);
	put_process(&fake, 100, "qemu-system-x86\n", "", "");
	put_thread(&fake, 100, 101, "CPU 0/KVM", "0-7"); /* floating ones: in turn */
	put_thread(&fake, 100, 102, "CPU 1/KVM", "0-7");
	put_thread(&fake, 100, 103, "CPU 2/KVM", "0-7");
	put_thread(&fake, 100, 104, "CPU 3/KVM", "2");
	put_thread(&fake, 100, 105, "IO mon_iothread", "0-7");
	put_thread(&fake, 100, 106, "CPU x/KVM", "0");
	put_thread(&fake, 100, 107, "CPU 4/KVM", "77"); /* nowhere that we know of */
	for (int pid = 300; pid < 310; pid++) {
		put_process(&fake, pid, "qemu-system-x86\n", "", "");
		put_thread(&fake, pid, pid, "qemu-system-x86", "0-7");
	}
	survey(&fake, host, NULL, 0, occupied, &notes);
	assert_int_equal(occupied->nodes[0].load, 3);
	assert_int_equal(occupied->nodes[1].load, 1);
	assert_int_equal(notes.n, 1);
	assert_string_equal(notes.v[0].code, "others-vcpus");
	assert_non_null(
		strstr(notes.v[0].text, "processes 300, 301, 302, 303, 304, 305, 306, 307 and 2 more:"));
}

/* What is not there is a process that ended; what is there and cannot be read is told. */
static void test_what_cannot_be_read(void **state)
{
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_autohost *host = two_nodes();
	vn_autooccupied *occupied = vn_occupied_new(host);
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};

	(void)state;
	fake_make(&fake);
	fake_put(&fake, "proc/100/comm", "qemu-system-x86\n"); /* gone since */
	fake_put(&fake, "proc/200/comm", "qemu-system-x86\n");
	put_thread(&fake, 200, 201, "CPU 0/KVM", "0");
	fake_put(&fake, "proc/200/maps/is-a-folder", ""); /* root may read everything else */
	survey(&fake, host, NULL, 0, occupied, &notes);
	assert_int_equal(occupied->nodes[0].load, 1);
	assert_int_equal(notes.n, 1);
	assert_string_equal(notes.v[0].code, "others-unreadable");
	assert_non_null(strstr(notes.v[0].text, "process 200:"));
}

/* Given another name with `-name process=`. */
static void test_a_name_of_its_own(void **state)
{
	vn_cleanup(fake_clear) struct fake_root fake;
	vn_autohost *host = two_nodes();
	vn_autooccupied *occupied = vn_occupied_new(host);
	vn_cleanup(vn_notes_clear) struct vn_notes notes = {0};
	char link[128];

	(void)state;
	fake_make(&fake);
	put_process(&fake, 100, "web-server\n", MAPS, NUMA_MAPS);
	put_thread(&fake, 100, 101, "CPU 0/KVM", "4");
	snprintf(link, sizeof(link), "%s/proc/100/exe", fake.path);
	assert_int_equal(symlink("/usr/bin/qemu-system-x86_64", link), 0);
	survey(&fake, host, NULL, 0, occupied, &notes);
	assert_int_equal(occupied->nodes[1].load, 1);
	assert_int_equal(promised(occupied, 1, 0), 3 * GIB + 768);
}

static void test_lines(void **state)
{
	static const char *const wrong[] = {"", "\n", "7f00-", "7f00-7e00 rw-p 0 0 0\n",
		"7f00-7f00 rw-p 0 0 0\n", "xyz-7f rw-p\n", "7f00 7f01 rw-p 0 00:00 0\n", "1-2 rw 0 00:00 0\n",
		"ffffffffffffffffff-1 rw-p 0 00:00 0\n", "-1-2 rw-p 0 00:00 0\n"};
	struct vn_area area;
	struct vn_present present;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(vn_maps_line(wrong[i], &area), -EINVAL);
	assert_int_equal(vn_maps_line("1000-3000 rw-p 00000000 00:00 0", &area), 0);
	assert_true(area.start == 0x1000 && area.size == 0x2000 && area.writable && area.nameless);
	assert_int_equal(vn_maps_line("1000-3000 r--p 00000000 00:00 0 /lib/x\n", &area), 0);
	assert_false(area.writable || area.nameless);
	vn_numa_maps_present("7f00 default N0=3 N12=4 anon=7 active=0 kernelpagesize_kB=64\n", &present);
	assert_true(present.pages == 7 && present.page == 65536 && !present.huge);
	vn_numa_maps_present(
		"7f00 prefer (many):0-1 file=/N0=9 huge N0=99999999999999999999999 N1=x =\n", &present);
	assert_true(present.pages == 0 && present.page == 0 && present.huge);
	vn_numa_maps_present("", &present);
	assert_true(present.pages == 0);
	assert_true(vn_is_vcpu("CPU 0/KVM") && vn_is_vcpu("CPU 511/TCG"));
	assert_false(vn_is_vcpu("CPU /KVM") || vn_is_vcpu("CPU 0/KVMx") || vn_is_vcpu("kworker/0:1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_to_come),
		cmocka_unit_test(test_memory_without_a_policy),
		cmocka_unit_test(test_huge_pages),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_what_cannot_be_read),
		cmocka_unit_test(test_a_name_of_its_own),
		cmocka_unit_test(test_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
