/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a Linux guest numbers its nodes: by vCPU first, memory alone last, whatever is online. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/plan/plan_make.h"
#include "host_maker.h"

static void assert_set(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *text = vn_set_text(set);

	assert_string_equal(text, expected);
}

static void test_first_vcpu_is_node_0(void **state)
{
	static const struct maker_vnode vnodes[] = {{2048, 0, -1}, {2048, 0, -1}};
	static const unsigned map[] = {1, 0, 1, 0};
	vn_autoguest *guest = make_guest(2, vnodes);
	vn_cleanup(vn_view_clear) struct vn_view view = {0};

	(void)state;
	deal_vcpus(guest, 4, map);
	guest->vnodes[0].distances[1] = guest->vnodes[1].distances[0] = 40;
	assert_int_equal(vn_view_foretell(guest, &view), 0);
	assert_int_equal(view.n_nodes, 2);
	assert_int_equal(view.nodes[0].vnode, 1);
	assert_int_equal(view.nodes[1].vnode, 0);
	assert_set(view.nodes[0].cpus, "0,2");
	assert_set(view.nodes[1].cpus, "1,3");
	assert_int_equal(view.nodes[0].distances[0], 10);
	assert_int_equal(view.nodes[0].distances[1], 40);
}

static void test_memory_alone_comes_last(void **state)
{
	static const struct maker_vnode vnodes[] = {{1, 0, -1}, {2, 0, -1}, {3, 0, -1}, {4, 0, -1}};
	static const unsigned map[] = {3, 1};
	static const unsigned expected[] = {3, 1, 0, 2};
	vn_autoguest *guest = make_guest(4, vnodes);
	vn_cleanup(vn_view_clear) struct vn_view view = {0};

	(void)state;
	deal_vcpus(guest, 2, map);
	for (size_t v = 0; v < 4; v++) { /* every pair its own distance, also by direction */
		for (size_t w = 0; w < 4; w++)
			guest->vnodes[v].distances[w] = v == w ? 10 : (uint32_t)(20 + 10 * v + w);
	}
	assert_int_equal(vn_view_foretell(guest, &view), 0);
	assert_int_equal(view.n_nodes, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(view.nodes[i].id, i);
		assert_int_equal(view.nodes[i].vnode, expected[i]);
		assert_int_equal(view.nodes[i].memory, (expected[i] + 1) * VN_MIB);
		for (unsigned j = 0; j < 4; j++)
			assert_int_equal(view.nodes[i].distances[j],
				i == j ? 10 : 20 + 10 * expected[i] + expected[j]);
	}
}

static void test_vcpus_not_online_number_but_do_not_show(void **state)
{
	static const struct maker_vnode vnodes[] = {{1, 0, -1}, {1, 0, -1}, {1, 0, -1}};
	static const unsigned map[] = {2, 2, 1, 0, 1};
	vn_autoguest *guest = make_guest(3, vnodes);
	vn_cleanup(vn_view_clear) struct vn_view view = {0};

	(void)state;
	deal_vcpus(guest, 5, map);
	guest->vcpus = 1;
	assert_int_equal(vn_view_foretell(guest, &view), 0);
	assert_int_equal(view.nodes[0].vnode, 2);
	assert_int_equal(view.nodes[1].vnode, 1);
	assert_int_equal(view.nodes[2].vnode, 0);
	assert_set(view.nodes[0].cpus, "0");
	assert_set(view.nodes[1].cpus, "");
	assert_set(view.nodes[2].cpus, "");
}

/* Against the rule as the kernel applies it: walk the SRAT as QEMU writes it, number what is new. */
static void test_random_guests(void **unused)
{
	uint64_t state = 4711;

	(void)unused;
	for (unsigned round = 0; round < 2000; round++) {
		struct maker_vnode vnodes[8];
		unsigned n = 1 + maker_pick(&state, 8), n_vcpus = 1 + maker_pick(&state, 20), map[20];
		int number[8], next = 0;
		for (unsigned v = 0; v < n; v++) {
			vnodes[v] = (struct maker_vnode){1 + maker_pick(&state, 9), 0, -1};
			number[v] = -1;
		}
		for (unsigned i = 0; i < n_vcpus; i++) {
			map[i] = maker_pick(&state, n);
			if (number[map[i]] < 0)
				number[map[i]] = next++;
		}
		for (unsigned v = 0; v < n; v++) {
			if (number[v] < 0)
				number[v] = next++;
		}
		vn_autoguest *guest = make_guest(n, vnodes);
		vn_cleanup(vn_view_clear) struct vn_view view = {0};
		deal_vcpus(guest, n_vcpus, map);
		guest->vcpus = 1 + maker_pick(&state, n_vcpus);
		assert_int_equal(vn_view_foretell(guest, &view), 0);
		assert_int_equal(view.n_nodes, n);
		unsigned shown = 0;
		for (unsigned v = 0; v < n; v++) {
			const struct vn_view_node *node = &view.nodes[number[v]];
			assert_int_equal(node->vnode, v);
			assert_int_equal(node->memory, vnodes[v].mib * VN_MIB);
			assert_true(hwloc_bitmap_isincluded(node->cpus, guest->vnodes[v].vcpus));
			shown += vn_set_weight(node->cpus);
		}
		assert_int_equal(shown, guest->vcpus);
	}
}

static void test_numactl_form(void **state)
{
	static const struct maker_vnode vnodes[] = {{2048, 0, -1}, {2048, 0, -1}};
	static const unsigned map[] = {1, 0, 1, 0};
	vn_autoguest *guest = make_guest(2, vnodes);
	vn_cleanup(vn_view_clear) struct vn_view view = {0};
	vn_autofree char *text = NULL;
	size_t size;

	(void)state;
	deal_vcpus(guest, 4, map);
	guest->vnodes[0].distances[1] = guest->vnodes[1].distances[0] = 40;
	assert_int_equal(vn_view_foretell(guest, &view), 0);
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	vn_view_print_numactl(&view, out);
	fclose(out);
	assert_string_equal(text, "available: 2 nodes (0-1)\n"
				  "node 0 cpus: 0 2\n"
				  "node 0 size: 2048 MB\n"
				  "node 1 cpus: 1 3\n"
				  "node 1 size: 2048 MB\n"
				  "node distances:\n"
				  "node   0   1 \n"
				  "  0:  10  40 \n"
				  "  1:  40  10 \n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_vcpu_is_node_0),
		cmocka_unit_test(test_memory_alone_comes_last),
		cmocka_unit_test(test_vcpus_not_online_number_but_do_not_show),
		cmocka_unit_test(test_random_guests),
		cmocka_unit_test(test_numactl_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
