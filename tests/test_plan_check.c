/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The check must refuse every plan that is bent, in whatever field. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../src/plan/plan_make.h"
#include "host_maker.h"

static void keep(struct vn_plan *plan)
{
	(void)plan;
}

static void move_home(struct vn_plan *plan)
{
	plan->homes[0] = 1 - plan->homes[0];
}

static void move_home_wholly(struct vn_plan *plan)
{
	plan->homes[0] = plan->vnodes[0].home = 1;
}

static void invent_home(struct vn_plan *plan)
{
	plan->homes[0] = plan->vnodes[0].home = 77;
}

static void lose_memory(struct vn_plan *plan)
{
	plan->vnodes[0].shares[0].memory -= VN_MIB;
}

static void gain_memory(struct vn_plan *plan)
{
	plan->vnodes[0].shares[0].memory += VN_MIB;
}

static void drop_share(struct vn_plan *plan)
{
	plan->vnodes[2].n_shares--;
}

static void split_page(struct vn_plan *plan)
{
	plan->vnodes[2].shares[0].memory -= 1;
	plan->vnodes[2].shares[1].memory += 1;
}

static void swap_shares(struct vn_plan *plan)
{
	struct vn_share first = plan->vnodes[2].shares[0];
	plan->vnodes[2].shares[0] = plan->vnodes[2].shares[1];
	plan->vnodes[2].shares[1] = first;
}

static void spill_farther(struct vn_plan *plan)
{
	plan->vnodes[2].shares[1].pnode = 3;
}

static void spill_more(struct vn_plan *plan)
{
	plan->vnodes[2].shares[0].memory -= VN_MIB;
	plan->vnodes[2].shares[1].memory += VN_MIB;
}

static void spill_nowhere(struct vn_plan *plan)
{
	plan->vnodes[2].shares[1].pnode = 55;
}

static void bend_spill(struct vn_plan *plan)
{
	plan->cost.spill += 1;
}

static void bend_squeeze(struct vn_plan *plan)
{
	plan->cost.squeeze += 1;
}

static void bend_distance(struct vn_plan *plan)
{
	plan->cost.distance -= 1;
}

static void bend_load(struct vn_plan *plan)
{
	plan->cost.load_vcpus += 1;
}

static void bend_fragmentation(struct vn_plan *plan)
{
	plan->cost.fragmentation += 1;
}

static void bend_runner_up(struct vn_plan *plan)
{
	plan->runner_up_cost.distance += 1;
}

static void praise_runner_up(struct vn_plan *plan)
{
	memcpy(plan->runner_up_homes, plan->homes, plan->n_vnodes * sizeof(*plan->homes));
	plan->runner_up_cost = plan->cost;
}

static void mistake_level(struct vn_plan *plan)
{
	plan->decided_by = plan->decided_by == VN_LEVEL_LOAD ? VN_LEVEL_SPILL : VN_LEVEL_LOAD;
}

static void free_vcpu(struct vn_plan *plan)
{
	hwloc_bitmap_fill(plan->vcpu_cpus[1]);
}

static void strand_vcpu(struct vn_plan *plan)
{
	hwloc_bitmap_zero(plan->vcpu_cpus[1]);
}

static void narrow_vcpu(struct vn_plan *plan)
{
	hwloc_bitmap_singlify(plan->vcpu_cpus[1]);
}

static void bend_vnode_cpus(struct vn_plan *plan)
{
	hwloc_bitmap_set(plan->vnodes[1].cpus, 63);
}

static void bend_emulator(struct vn_plan *plan)
{
	hwloc_bitmap_set(plan->emulator_cpus, 63);
}

static void bend_binding(struct vn_plan *plan)
{
	plan->binding = VN_BINDING_INTERLEAVE;
}

static void bend_view_vnode(struct vn_plan *plan)
{
	plan->view.nodes[0].vnode = 1;
}

static void bend_view_cpus(struct vn_plan *plan)
{
	hwloc_bitmap_set(plan->view.nodes[0].cpus, 4);
}

static void bend_view_memory(struct vn_plan *plan)
{
	plan->view.nodes[1].memory += VN_MIB;
}

static void bend_view_distance(struct vn_plan *plan)
{
	plan->view.nodes[1].distances[0]++;
}

static void forget_reason(struct vn_plan *plan)
{
	plan->feasible = false;
}

/* Nodes 0 and 1 with CPUs, 2 near and 3 far without; three vnodes of which the last spills to node 2. */
static struct vn_host *bent_host(void)
{
	static const struct maker_node nodes[] = {{4, 100}, {4, 50}, {0, 64}, {0, 64}};
	struct vn_host *host = make_host(4, nodes, 2, 20);

	for (size_t i = 0; i < 2; i++) {
		host->nodes[i].distances[2] = host->nodes[2].distances[i] = 15;
		host->nodes[i].distances[3] = host->nodes[3].distances[i] = 30;
	}
	return host;
}

static void test_bent_plans(void **state)
{
	static void (*const bends[])(struct vn_plan *) = {move_home, move_home_wholly, invent_home,
		lose_memory, gain_memory, drop_share, split_page, swap_shares, spill_farther, spill_more,
		spill_nowhere, bend_spill, bend_squeeze, bend_distance, bend_load, bend_fragmentation,
		bend_runner_up, praise_runner_up, mistake_level, free_vcpu, strand_vcpu, narrow_vcpu,
		bend_vnode_cpus, bend_emulator, bend_binding, bend_view_vnode, bend_view_cpus,
		bend_view_memory, bend_view_distance, forget_reason};
	static const struct maker_vnode vnodes[] = {{60, 2, 0}, {40, 1, -1}, {60, 1, -1}};

	(void)state;
	for (size_t i = 0; i <= sizeof(bends) / sizeof(bends[0]); i++) {
		vn_autohost *host = bent_host();
		vn_autoguest *guest = make_guest(3, vnodes);
		vn_autoplan *plan = NULL;
		vn_autoerror err = {0};
		const struct vn_plan_options options = {.runner_up = true};
		guest->memory_policy = VN_MEMORY_STRICT;
		assert_int_equal(vn_plan_make(host, guest, &options, &plan, NULL), 0);
		assert_int_equal(plan->cost.spill, 10 * VN_MIB);
		assert_int_equal(plan->vnodes[2].n_shares, 2);
		assert_true(plan->has_runner_up);
		if (i == 0) {
			keep(plan);
			assert_int_equal(vn_plan_check(host, guest, NULL, plan, &err), 0);
			assert_int_equal(err.n, 0);
			continue;
		}
		bends[i - 1](plan);
		if (vn_plan_check(host, guest, NULL, plan, &err) != -EINVAL)
			fail_msg("bend %zu was not noticed", i - 1);
		assert_true(err.n > 0);
		assert_false(err.input); /* our mistake, never the user's */
	}
}

static void share_core(struct vn_plan *plan)
{
	hwloc_bitmap_copy(plan->vcpu_cpus[0], plan->vcpu_cpus[1]);
}

static void leave_sibling(struct vn_plan *plan)
{
	hwloc_bitmap_singlify(plan->vcpu_cpus[0]);
}

static void take_two_cores(struct vn_plan *plan)
{
	hwloc_bitmap_set_range(plan->vcpu_cpus[1], 2, 3);
}

static void test_bent_exclusive_plans(void **state)
{
	static void (*const bends[])(struct vn_plan *) = {share_core, leave_sibling, take_two_cores};
	static const struct maker_vnode vnodes[] = {{10, 2, -1}};

	(void)state;
	for (size_t i = 0; i < sizeof(bends) / sizeof(bends[0]); i++) {
		vn_autohost *host = bent_host();
		vn_autoguest *guest = make_guest(1, vnodes);
		vn_autoplan *plan = NULL;
		guest->exclusive_cores = true;
		assert_int_equal(vn_plan_make(host, guest, NULL, &plan, NULL), 0);
		assert_int_equal(vn_plan_check(host, guest, NULL, plan, NULL), 0);
		bends[i](plan);
		assert_int_equal(vn_plan_check(host, guest, NULL, plan, NULL), -EINVAL);
	}
}

/* A guest of one node must not be strewn over more nodes than needed, nor farther. */
static void test_bent_interleave(void **state)
{
	static const struct maker_vnode vnodes[] = {{140, 2, 0}};
	vn_autohost *host = bent_host();
	vn_autoguest *guest = make_guest(1, vnodes);
	vn_autoplan *plan = NULL;

	(void)state;
	guest->guest_numa = VN_GUEST_NUMA_OFF;
	assert_int_equal(vn_plan_make(host, guest, NULL, &plan, NULL), 0);
	assert_int_equal(plan->binding, VN_BINDING_INTERLEAVE);
	assert_int_equal(vn_plan_check(host, guest, NULL, plan, NULL), 0);
	assert_int_equal(plan->vnodes[0].shares[1].pnode, 2);
	plan->vnodes[0].shares[1].pnode = 3;
	assert_int_equal(vn_plan_check(host, guest, NULL, plan, NULL), -EINVAL);
	plan->vnodes[0].shares[1].pnode = 2;
	plan->vnodes[0].shares[0].memory += 2 * VN_MIB; /* the home first, as the kernel does not */
	plan->vnodes[0].shares[1].memory -= 2 * VN_MIB;
	assert_int_equal(vn_plan_check(host, guest, NULL, plan, NULL), -EINVAL);
}

/* Memory that the guest itself has dealt out, beside a vnode whose memory is at home. */
static void test_bent_dealt(void **state)
{
	static const struct maker_vnode vnodes[] = {{61, 2, -1}, {10, 2, -1}};

	(void)state;
	for (unsigned bend = 0; bend < 6; bend++) {
		vn_autohost *host = bent_host();
		vn_autoguest *guest = make_guest(2, vnodes);
		vn_autoplan *plan = NULL;
		guest->vnodes[0].nodes = hwloc_bitmap_alloc();
		hwloc_bitmap_set_range(guest->vnodes[0].nodes, 1, 2);
		guest->vnodes[0].has_binding = true;
		guest->vnodes[0].binding = VN_BINDING_INTERLEAVE;
		assert_int_equal(vn_plan_make(host, guest, NULL, &plan, NULL), 0);
		assert_int_equal(plan->homes[0], 1);
		assert_int_equal(plan->homes[1], 1);
		struct vn_share *shares = plan->vnodes[0].shares;
		assert_int_equal(plan->vnodes[0].n_shares, 2);
		assert_int_equal(shares[0].memory, 31 * VN_MIB); /* the lowest has what is over */
		assert_int_equal(shares[1].memory, 30 * VN_MIB);
		if (bend == 1)
			shares[0].memory -= VN_MIB, shares[1].memory += VN_MIB;
		if (bend == 2)
			plan->vnodes[0].n_shares = 1, shares[0].memory = 61 * VN_MIB;
		if (bend == 3)
			shares[1].pnode = 3;
		if (bend == 4) /* as if all of it were at home */
			plan->cost.distance -= 4 * 30 * 5;
		if (bend == 5)
			plan->cost.spill = 30 * VN_MIB;
		assert_int_equal(vn_plan_check(host, guest, NULL, plan, NULL), bend ? -EINVAL : 0);
	}
}

/* A host of up to six nodes, often tight, and a guest of one vnode that may need several of them. */
static struct vn_plan *random_interleave(
	uint64_t *seed, struct vn_host **ret_host, struct vn_guest **ret_guest)
{
	struct maker_node nodes[6];
	size_t n = 2 + maker_random(seed) % 5;
	uint64_t span = 1 + maker_random(seed) % 40, all = 0;
	struct vn_plan *plan = NULL;

	for (size_t i = 0; i < n; i++) {
		nodes[i] = (struct maker_node){4, maker_random(seed) % 4 ? maker_random(seed) % span : span};
		all += nodes[i].free_mib;
	}
	struct vn_host *host = *ret_host = make_host(n, nodes, 1, 20);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++)
			host->nodes[i].distances[j] = host->nodes[j].distances[i] =
				11 + (uint32_t)(maker_random(seed) % 3);
	}
	int home = maker_random(seed) % 3 ? -1 : (int)(maker_random(seed) % n);
	struct vn_guest *guest = *ret_guest =
		make_guest(1, &(struct maker_vnode){1 + maker_random(seed) % (all + 1), 2, home});
	guest->guest_numa = VN_GUEST_NUMA_OFF;
	guest->policy = maker_random(seed) % 2 ? VN_POLICY_PACK : VN_POLICY_SPREAD;
	assert_int_equal(vn_plan_make(host, guest, NULL, &plan, NULL), 0);
	return plan;
}

static void test_random_interleave(void **state)
{
	uint64_t seed = 42, interleaved = 0, uneven = 0;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		vn_autohost *host = NULL;
		vn_autoguest *guest = NULL;
		vn_autoerror err = {0};
		vn_autoplan *plan = random_interleave(&seed, &host, &guest);
		int r = vn_plan_check(host, guest, NULL, plan, &err);
		for (size_t k = 0; k < err.n; k++)
			print_error("instance %u: %s\n", i, err.problems[k].text);
		assert_int_equal(r, 0);
		if (!plan->feasible || plan->binding != VN_BINDING_INTERLEAVE)
			continue;
		interleaved++;
		uneven += vn_notes_has(&plan->warnings, "interleave-uneven");
		struct vn_plan_vnode *vnode = &plan->vnodes[0];
		if (vnode->n_shares < 2 || vnode->shares[1].memory < 4 * VN_MIB)
			continue;
		vnode->shares[0].memory += 3 * VN_MIB;
		vnode->shares[1].memory -= 3 * VN_MIB;
		assert_int_equal(vn_plan_check(host, guest, NULL, plan, NULL), -EINVAL);
	}
	assert_true(interleaved > 500 && uneven > 50 && uneven < interleaved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bent_plans),
		cmocka_unit_test(test_bent_exclusive_plans),
		cmocka_unit_test(test_bent_interleave),
		cmocka_unit_test(test_bent_dealt),
		cmocka_unit_test(test_random_interleave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
