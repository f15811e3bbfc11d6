/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The second and third dialects of vnodes, and what is refused of them. The first: test_guest.c. */
#include "guest_asserts.h"

#define NAME "name = \"g\"\n"

static void test_second(void **state)
{
	(void)state;
	/* to the letter as in the thread of 2007 */
	vn_autoguest *g =
		read_good(NAME "vnode = 2\nvcpu = [0-1:0, 2-3:1]\nmemory = [128:0, 128:1]\n", false);
	assert_int_equal(g->memory, 256 * VN_MIB);
	assert_int_equal(g->vcpus, 4);
	assert_int_equal(g->n_vnodes, 2);
	assert_false(g->vnodes_open);
	for (unsigned v = 0; v < 2; v++) {
		assert_int_equal(g->vnodes[v].memory, 128 * VN_MIB);
		assert_int_equal(g->vnodes[v].home, v);
		assert_int_equal(vn_guest_vnode_of(g, 2 * v), v);
		assert_int_equal(vn_guest_vnode_of(g, 2 * v + 1), v);
		assert_int_equal(g->vnodes[v].distances[!v], 20);
	}
	/* the number is that of the lists, homes may be open, vCPUs too */
	vn_autoguest *open = read_good(NAME "vcpus = 5\nmemory = [100, \"28:3\"]\n", false);
	assert_int_equal(open->n_vnodes, 2);
	assert_int_equal(open->vnodes[0].home, -1);
	assert_int_equal(open->vnodes[1].home, 3);
	assert_int_equal(open->vnodes[1].memory, 28 * VN_MIB);
	assert_int_equal(vn_guest_vnode_of(open, 2), 0);
	assert_int_equal(vn_guest_vnode_of(open, 3), 1);
	assert_string_equal(open->vnodes[1].home_where.key, "memory");
	/* memory may be one number */
	vn_autoguest *even = read_good(NAME "vnode = 2\nvcpu = [\"0,2\", \"1,3\"]\nmemory = 101\n", false);
	assert_int_equal(even->vnodes[0].memory, 51 * VN_MIB);
	assert_int_equal(vn_guest_vnode_of(even, 2), 0);
	vn_autoguest *old = read_good(NAME "vnode = 1\nmemory = 64\n", false);
	assert_false(old->vnodes_open);
	assert_int_equal(old->n_vnodes, 1);
}

static void test_wrong_second(void **state)
{
	(void)state;
	assert_problems(NAME "vnode = 2\nvcpu = [0-1:0, 2-3:1]\nmemory = [128:1, 128:x]\n",
		"4 memory: [128:1, 128:x] seen; vnode 0: its memory on node 1; expected node 0, where 'vcpu' has its vCPUs (line 3): "
		"a vnode has one home\n"
		"4 memory: [128:1, 128:x] seen; vnode 1: 'x'; expected a node of the host\n");
	/* crossed: each vnode's own line, and the one that says otherwise */
	assert_problems(NAME "vnode = 2\nvcpu = [0-1:0,\n 2-3:1]\nmemory = [128:1,\n 128:0]\n",
		"5 memory: [128:1, 128:0] seen; vnode 0: its memory on node 1; expected node 0, where 'vcpu' has its vCPUs (line 3): "
		"a vnode has one home\n"
		"6 memory: [128:1, 128:0] seen; vnode 1: its memory on node 0; expected node 1, where 'vcpu' has its vCPUs (line 4): "
		"a vnode has one home\n");
	assert_problems(NAME "vnode = 3\nvcpu = [0-1:0, 2-3:1]\nmemory = 300\n",
		"3 vcpu: [0-1:0, 2-3:1] seen; expected a list of 3, one for each vnode, such as [0-1:0, 2-3:1]\n");
	assert_problems(NAME "vnode = 2\nvcpu = [0-1:0, 1-3:1]\nmemory = 300\n",
		"3 vcpu: [0-1:0, 1-3:1] seen; vCPU 1 is on vnode 0 and on vnode 1; expected each on one\n");
	assert_problems(NAME "vnode = 2\nvcpu = [0:0, 2-3:1]\nmemory = 300\n",
		"3 vcpu: [0:0, 2-3:1] seen; vCPUs 0,2-3 are on vnodes; expected each of the 4, from 0 on\n");
	assert_problems(NAME "vnode = 0\nmemory = 300\n",
		"2 vnode: 0 seen; expected the number of vnodes, 1 to 32\n");
	assert_problems(NAME "vnode = 2\nvcpu = [0:0, 1:1]\n", "0 memory: missing; expected MiB\n");
	assert_problems(NAME "vnode = 2\nvcpu = [0:0, [1]]\nmemory = 9\n",
		"3 vcpu: [0:0, [1]] seen; vnode 1: '[1]'; expected vCPUs, a colon, and the host's node\n");
	assert_problems(
		NAME "memory = []\n", "2 memory: [] seen; expected a list of 1 to 32, one for each vnode\n");
}

static void test_third(void **state)
{
	(void)state;
	vn_autoguest *g =
		read_good(NAME "vnuma = [[\"pnode=1\", \"size=512\", \"vcpus=1,3\", \"vdistances=10,40\"],\n"
			       "[\"pnode=0\", \"size=256\", \"vcpus=0,2\", \"vdistances=40,10\"]]\n",
			false);
	assert_int_equal(g->memory, 768 * VN_MIB);
	assert_int_equal(g->maxmem, 768 * VN_MIB);
	assert_int_equal(g->vcpus, 4);
	assert_int_equal(g->vnodes[0].home, 1);
	assert_int_equal(g->vnodes[0].memory, 512 * VN_MIB);
	assert_int_equal(vn_guest_vnode_of(g, 2), 1);
	assert_int_equal(g->vnodes[1].distances[0], 40);
	/* all but the size may be left out; a vnode without vCPUs has memory only */
	vn_autoguest *bare = read_good(NAME "vcpus = 3\nvnuma = [[\"size=8\"], [\"size=9\"]]\n", false);
	assert_int_equal(bare->vnodes[1].home, -1);
	assert_int_equal(vn_guest_vnode_of(bare, 2), 1);
	vn_autoguest *slim = read_good(NAME "vnuma = [[\"size=8\", \"vcpus=0-1\"], [\"size=9\"]]\n", false);
	assert_int_equal(vn_set_weight(slim->vnodes[1].vcpus), 0);
}

static void test_wrong_third(void **state)
{
	(void)state;
	assert_problems(NAME
		"memory = 1000\nvnuma = [[\"size=512\", \"vcpus=0-1\", \"vdistances=10,20,30\"],\n"
		"[\"size=256\", \"vcpus=2\", \"vdistances=20\"]]\n",
		"3 vnuma: [[\"size=512\", \"vcpus=0-1\", \"vdistances=10,20,30\"], [\"size=25… seen; vnode 0: 3 vdistances; "
		"expected 2, one to each vnode\n"
		"4 vnuma: [[\"size=512\", \"vcpus=0-1\", \"vdistances=10,20,30\"], [\"size=25… seen; vnode 1: 1 vdistances; "
		"expected 2, one to each vnode\n"
		"3 vnuma: [[\"size=512\", \"vcpus=0-1\", \"vdistances=10,20,30\"], [\"size=25… seen; the vnodes have 768 MiB; "
		"expected 1000 MiB, which is 'memory'\n");
	assert_problems(NAME "vnuma = [[\"vcpus=0\", \"pnode=1\", \"pnode=2\", \"colour=3\"]]\n",
		"2 vnuma: [[\"vcpus=0\", \"pnode=1\", \"pnode=2\", \"colour=3\"]] seen; vnode 0: 'pnode=2'; expected each setting "
		"once\n"
		"2 vnuma: [[\"vcpus=0\", \"pnode=1\", \"pnode=2\", \"colour=3\"]] seen; vnode 0: 'colour'; expected pnode=, size=, "
		"vcpus= or vdistances=\n"
		"2 vnuma: vnode 0: no size; expected \"size=MIB\"\n");
	assert_problems(NAME "vnuma = [[\"size=5\", \"vdistances=11\"]]\n",
		"2 vnuma: [[\"size=5\", \"vdistances=11\"]] seen; vnode 0: '11'; expected 10 to itself\n");
	assert_problems(NAME "vnuma = [[\"size=5\", \"vcpus=0-2000\"]]\n",
		"2 vnuma: [[\"size=5\", \"vcpus=0-2000\"]] seen; vnode 0: '0-2000'; expected vCPUs such as 0-3,8, up to 1023\n");
	assert_problems(NAME "vnuma = 4\n",
		"2 vnuma: 4 seen; expected a list of 1 to 32 lists, one for each vnode\n");
	assert_problems(NAME "vnuma = [[\"size=0\"], [\"size=4\", \"vcpus=0\"]]\n",
		"2 vnuma: [[\"size=0\"], [\"size=4\", \"vcpus=0\"]] seen; vnode 0 has neither memory nor a vCPU at start; expected "
		"one of them\n");
}

static void test_one_dialect_at_a_time(void **state)
{
	(void)state;
	assert_problems(NAME "memory = 100\nvnodes = 2\nvnode = 2\n",
		"3 vnodes: seen beside 'vnode' of line 4; expected vnodes in one way: vnodes and vn…, or vnode and vcpu, or vnuma\n");
	assert_problems(NAME "vnuma = [[\"size=8\"]]\nvnumamem = [8]\n",
		"3 vnumamem: seen beside 'vnuma' of line 2; expected vnodes in one way: vnodes and vn…, or vnode and vcpu, or vnuma\n");
	assert_problems(NAME "vnuma = [[\"size=8\"]]\nvcpu = [0:1]\n",
		"3 vcpu: seen beside 'vnuma' of line 2; expected vnodes in one way: vnodes and vn…, or vnode and vcpu, or vnuma\n");
}

static void test_defaults(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(NAME
		"memory = 10\nvcpus = 2\nvnuma = [[\"pnode=a\", \"size=4\"], [\"vdistances=20,9\", \"size=5\"]]\n",
		true);
	assert_int_equal(g->n_vnodes, 2);
	assert_int_equal(g->vnodes[0].home, -1);
	assert_int_equal(g->vnodes[0].memory, 5 * VN_MIB);
	assert_int_equal(g->vnodes[1].distances[1], 10);
	assert_int_equal(g->notes.n, 3);
	assert_true(vn_notes_has(&g->notes, "option-replaced"));
}

/* What configs of Xen's have, and vnuma takes as it is meant or passes over. */
static void test_other_keys_of_xen(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(NAME "memory = 64\ncpu_weight = 512\ncpus_soft = \"0-3\"\nnomigrate = 1\n"
					 "disk = ['phy:/dev/vg/x1,xvda,w', 'file:/iso/a.iso,hdc:cdrom,r']\n"
					 "cpus = \"nodes:0-2,4,^node:1\"\n",
		false);
	assert_int_equal(g->notes.n, 2);
	assert_true(vn_notes_has(&g->notes, "keys-unused"));
	assert_true(vn_notes_has(&g->notes, "weight-not-applied"));
	assert_int_equal(g->weight, 512);
	assert_string_equal(g->disks[0].path, "/dev/vg/x1");
	assert_false(g->disks[0].readonly);
	assert_string_equal(g->disks[1].path, "/iso/a.iso");
	assert_true(g->disks[1].readonly);
	vn_autofree char *nodes = vn_set_text(g->nodes);
	assert_string_equal(nodes, "0,2,4");
	assert_null(g->cpus);
	assert_problems(NAME "memory = 64\ncpus = \"0-3,nodes:1\"\n",
		"3 cpus: \"0-3,nodes:1\" seen; expected nodes alone, such as \"nodes:0-1\", or CPUs alone\n");
	assert_problems(NAME "memory = 64\ncpus = \"^node:1\"\n",
		"3 cpus: \"^node:1\" seen; expected nodes alone, such as \"nodes:0-1\", or CPUs alone\n");
	assert_problems(NAME "memory = 64\ndisk = ['phy:vg/x1,xvda,w']\n",
		"3 disk: entry 0: \"vg/x1\" seen; expected the target as an absolute path\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_wrong_second),
		cmocka_unit_test(test_third),
		cmocka_unit_test(test_wrong_third),
		cmocka_unit_test(test_one_dialect_at_a_time),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_other_keys_of_xen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
