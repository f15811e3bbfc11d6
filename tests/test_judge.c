/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Homes, locality and its interval, sums, order: what the judge makes of a sample, apart from findings. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "judge_asserts.h"

static void assert_near(double a, double b)
{
	if (fabs(a - b) > 1e-6)
		fail_msg("%f is not %f", a, b);
}

static void assert_home(const struct vn_vm_audit *vm, size_t vnode, int home, enum vn_home_by by)
{
	assert_true(vnode < vm->n_vnodes);
	assert_int_equal(vm->vnodes[vnode].home, home);
	assert_int_equal(vm->vnodes[vnode].home_by, by);
}

static void a_healthy_vm_has_nothing(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	add_healthy(sample, "vm", 100, 0);
	add_healthy(sample, "other", 200, 1);
	vn_autoaudit *audit = judge(sample);
	const struct vn_vm_audit *vm = judged(audit, "vm");

	assert_codes(&vm->findings, "");
	assert_codes(&judged(audit, "other")->findings, "");
	assert_codes(&audit->host, "");
	assert_true(vm->has_locality);
	assert_near(vm->locality.share, 1);
	assert_true(vm->locality.low > 0.99 && vm->locality.low < 1);
	assert_near(vm->locality.high, 1);
	assert_near(vm->mean_distance, 10);
	assert_near(vm->cpus, 3.6);
	assert_int_equal(vm->present, HEALTHY_MIB * VN_MIB);
	assert_int_equal(vm->remote, 0);
	assert_int_equal(vm->n_memory, 1);
	assert_int_equal(vm->memory[0].bytes, HEALTHY_MIB * VN_MIB);
	assert_int_equal(vm->unjudged.n, 0);
	assert_int_equal(audit->n_below, 0);
}

static void two_vnodes_are_judged_apart(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	add_healthy_pair(sample, "vm", 100);
	vn_autoaudit *audit = judge(sample);
	const struct vn_vm_audit *vm = judged(audit, "vm");

	assert_codes(&vm->findings, "");
	assert_near(vm->locality.share, 1);
	assert_home(vm, 0, 0, VN_HOME_BY_AFFINITY);
	assert_home(vm, 1, 1, VN_HOME_BY_AFFINITY);
	assert_int_equal(vm->n_memory, 2);
	assert_int_equal(vm->remote, 0);
}

/* DESIGN's sum by hand: vCPU 0 took 600 of 900 ms, 400 on node 0 and 200 on node 1; vCPU 1 took 300, all on node 1. Memory: 75% on 0. */
static void locality_is_the_sum_of_the_design(void **state)
{
	(void)state;
	struct maker_vnode vnode = {1024, 2, -1};
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(1, &vnode));
	block_also_on(sample_block(vm, 0, 1024, 0), 1, 25);
	thread_also_on(sample, sample_thread(sample, vm, VN_THREAD_VCPU, 0, "0-15", 0, 600, 30), 4, 200);
	sample_thread(sample, vm, VN_THREAD_VCPU, 1, "0-15", 5, 300, 0);
	vn_autoaudit *audit = judge(sample);
	const struct vn_vm_audit *found = judged(audit, "vm");
	double share = 6.0 / 9 * (4.0 / 6 * 0.75 + 2.0 / 6 * 0.25) + 3.0 / 9 * 0.25;
	double on_1 = 5.0 / 9;

	assert_near(found->locality.share, share);
	assert_near(found->mean_distance, 10 * share + 20 * (1 - share));
	assert_near(found->cpus, 0.9);
	assert_near(found->waited, 0.03);
	assert_int_equal(found->migrations, 1);
	/* what is not on the node of those who use it: 75% weighed by the time on node 1, 25% by that on node 0 */
	assert_near((double)found->remote / (1024.0 * VN_MIB), 0.75 * on_1 + 0.25 * (1 - on_1));
	assert_int_equal(audit->n_below, 1);
}

static void idle_vcpus_weigh_the_same(void **state)
{
	(void)state;
	struct maker_vnode vnode = {1024, 4, -1};
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(1, &vnode));
	sample_block(vm, 0, 1024, 0);
	for (int i = 0; i < 4; i++)
		sample_thread(sample, vm, VN_THREAD_VCPU, i, "0-15", i < 3 ? 0 : 4, 0, 0);
	vn_autoaudit *audit = judge(sample);

	assert_near(judged(audit, "vm")->locality.share, 0.75);
}

/* The intervals of vnodes, joined by hand: sqrt of the sum of squares of weighed half widths. */
static void intervals_are_carried_through(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = add_healthy_pair(sample, "vm", 100);
	block_also_on(&vm->blocks[0], 1, 10);
	vm->threads[2].run_ns = vm->threads[3].run_ns = 300 * UINT64_C(1000000); /* weights 3/4, 1/4 */
	vn_autoaudit *audit = judge(sample);
	const struct vn_vm_audit *found = judged(audit, "vm");
	struct vn_share_interval a = vn_share_interval(3600, 4000, false),
				 b = vn_share_interval(4000, 4000, false);
	double share = 0.75 * 0.9 + 0.25;

	assert_near(found->vnodes[0].local.low, a.low);
	assert_near(found->vnodes[0].local.high, a.high);
	assert_near(found->locality.share, share);
	assert_near(found->locality.low, share - hypot(0.75 * (a.share - a.low), 0.25 * (b.share - b.low)));
	assert_near(found->locality.high, share + 0.75 * (a.high - a.share));
}

static double uniform(uint64_t *state)
{
	return (double)(maker_random(state) >> 11) / 9007199254740992.0;
}

/* Draws pages of a block: each is absent, or on node 0, with these chances. */
static void draw(struct vn_block_sample *block, unsigned pages, double present, double on_0, uint64_t *state)
{
	struct vn_residency *residency = &block->residency;

	residency->asked = pages;
	residency->absent = 0;
	residency->n_nodes = 2;
	residency->nodes[0] = (struct vn_node_count){0, 0};
	residency->nodes[1] = (struct vn_node_count){1, 0};
	for (unsigned i = 0; i < pages; i++) {
		if (uniform(state) >= present)
			residency->absent++;
		else
			residency->nodes[uniform(state) < on_0 ? 0 : 1].pages++;
	}
}

/* One vnode of two blocks that differ in presence and place, and one of one; vCPUs on both nodes. The truth is outside of the 99%
 * interval in no more than 20 of 1000 trials; a sound interval is so with a chance of over 99.8%. */
static void intervals_hold(void **state)
{
	(void)state;
	struct maker_vnode vnodes[] = {{3072, 2, -1}, {1024, 1, -1}};
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(2, vnodes));
	uint64_t seed = 88172645463325252u;
	unsigned outside = 0;
	sample_block(vm, 0, 1024, 0);
	sample_block(vm, 0, 2048, 0);
	sample_block(vm, 1, 1024, 0);
	sample_vcpu(sample, vm, 0, 0, 800);
	sample_vcpu(sample, vm, 1, 4, 200);
	sample_vcpu(sample, vm, 2, 5, 500);
	double present = 1 * 0.3 + 2 * 0.8, on_0 = 1 * 0.3 * 0.95 + 2 * 0.8 * 0.2;
	double truth = 800.0 / 1500 * (on_0 / present) + 200.0 / 1500 * (1 - on_0 / present) +
		       500.0 / 1500 * (1 - 0.02);

	for (unsigned i = 0; i < 1000; i++) {
		draw(&vm->blocks[0], 400, 0.3, 0.95, &seed);
		draw(&vm->blocks[1], 400, 0.8, 0.2, &seed);
		draw(&vm->blocks[2], 400, 1, 0.02, &seed);
		vn_autoaudit *audit = judge(sample);
		const struct vn_share_interval *locality = &audit->vms[0].locality;
		outside += truth < locality->low || truth > locality->high;
		assert_true(locality->high - locality->low < 0.2);
	}
	print_message("outside: %u of 1000\n", outside);
	assert_true(outside <= 20);
}

/* One vnode, one block all at home and one all away, half of each present: only how much is present of each is uncertain. */
static void intervals_hold_where_only_presence_is_unsure(void **state)
{
	(void)state;
	struct maker_vnode vnode = {2048, 1, -1};
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(1, &vnode));
	uint64_t seed = 1181783497276652981u;
	unsigned outside = 0;
	sample_block(vm, 0, 1024, 0);
	sample_block(vm, 0, 1024, 0);
	sample_vcpu(sample, vm, 0, 0, 800);

	for (unsigned i = 0; i < 1000; i++) {
		draw(&vm->blocks[0], 400, 0.5, 1, &seed);
		draw(&vm->blocks[1], 400, 0.5, 0, &seed);
		vn_autoaudit *audit = judge(sample);
		outside += audit->vms[0].locality.low > 0.5 || audit->vms[0].locality.high < 0.5;
	}
	print_message("outside: %u of 1000\n", outside);
	assert_true(outside <= 20);
}

static void exact_counts_have_no_interval(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
	block_also_on(&vm->blocks[0], 1, 20);
	vm->blocks[0].residency.exact = true;
	vn_autoaudit *audit = judge(sample);

	assert_near(judged(audit, "vm")->locality.low, 0.8);
	assert_near(judged(audit, "vm")->locality.high, 0.8);
}

static json_t *plan_with_homes(int a, int b)
{
	return json_pack("{s:[i,i]}", "homes", a, b);
}

static void homes_are_known_in_this_order(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(4);
	/* a plan against affinity and policy */
	struct vn_vm_sample *vm = add_healthy_pair(sample, "plan", 100);
	vm->record = vn_vm_new();
	vm->record->plan = plan_with_homes(2, 1);
	/* as planned but for what somebody moved altogether is tested below */
	block_also_on(&vm->blocks[0], 3, 60);
	/* affinity against policy */
	vm = add_healthy(sample, "affinity", 200, 0);
	block_policy(&vm->blocks[0], VN_MODE_BIND, "3");
	/* policy against memory */
	vm = add_healthy(sample, "policy", 300, 0);
	block_policy(&vm->blocks[0], VN_MODE_PREFER, "3");
	keep_on(sample, &vm->threads[0], "4");
	/* memory against time */
	vm = add_healthy(sample, "memory", 400, 0);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &vm->threads[i], "4-11");
	/* time alone: no node has more than half */
	vm = add_healthy(sample, "time", 500, 0);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	block_also_on(&vm->blocks[0], 2, 50);
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &vm->threads[i], "4-11");
	vn_autoaudit *audit = judge(sample);

	assert_home(judged(audit, "plan"), 0, 2, VN_HOME_BY_PLAN);
	assert_home(judged(audit, "plan"), 1, 1, VN_HOME_BY_PLAN);
	assert_home(judged(audit, "affinity"), 0, 0, VN_HOME_BY_AFFINITY);
	assert_home(judged(audit, "policy"), 0, 3, VN_HOME_BY_POLICY);
	assert_home(judged(audit, "memory"), 0, 0, VN_HOME_BY_MEMORY);
	assert_home(judged(audit, "time"), 0, 1, VN_HOME_BY_TIME);
}

static void a_plan_that_was_left_decides_nothing(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(4);
	struct vn_vm_sample *vm = add_healthy_pair(sample, "vm", 100);
	vm->record = vn_vm_new();
	vm->record->plan = plan_with_homes(2, 1);
	vn_autoaudit *audit = judge(sample);

	assert_home(judged(audit, "vm"), 0, 0, VN_HOME_BY_AFFINITY);
	assert_codes(&judged(audit, "vm")->findings, "");
}

/* Homes of a plan for another number of vnodes, or on nodes that are not there, or that are no numbers. */
static void a_plan_that_does_not_fit_is_no_plan(void **state)
{
	(void)state;
	json_t *const plans[] = {plan_with_homes(2, 77), json_pack("{s:[i]}", "homes", 2),
		json_pack("{s:[s,f]}", "homes", "2", 1.5), json_pack("{s:[i,i]}", "homes", -1, -5),
		json_pack("{s:i}", "homes", 2), json_object()};

	for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++) {
		vn_autosample *sample = make_plain_sample(4);
		struct vn_vm_sample *vm = add_healthy_pair(sample, "vm", 100);
		vm->record = vn_vm_new();
		vm->record->plan = plans[i];
		vn_autoaudit *audit = judge(sample);
		assert_home(judged(audit, "vm"), 1, 1, VN_HOME_BY_AFFINITY);
	}
}

static void what_is_not_known_is_not_judged(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	/* pages could not be read */
	struct vn_vm_sample *vm = add_healthy(sample, "pages", 100, 0);
	vm->blocks[0].has_residency = false;
	vm->blocks[0].policy_by = VN_TOLD_BY_NOTHING;
	/* nothing of it could be found at all */
	sample_vm(sample, "nothing", 200, NULL);
	/* memory of two vnodes of which it is not known which is which */
	vm = add_healthy_pair(sample, "strays", 300);
	vm->blocks[0].vnode = vm->blocks[1].vnode = -1;
	/* nothing was touched yet */
	vm = add_healthy(sample, "fresh", 400, 0);
	block_absent(&vm->blocks[0], 100);
	/* which vCPU is which */
	vm = add_healthy_pair(sample, "threads", 500);
	vm->threads[0].index = -1;
	/* half of a guest */
	add_healthy_pair(sample, "half", 600)->blocks[1].has_residency = false;
	for (size_t i = 0; i < sample->n_vms; i++) { /* they share CPUs: that is no matter here */
		for (size_t k = 0; k < sample->vms[i].n_threads; k++)
			sample->vms[i].threads[k].run_ns = 1000;
	}
	vn_autoaudit *audit = judge(sample);

	for (size_t i = 0; i < audit->n_vms; i++) {
		assert_false(audit->vms[i].has_locality);
		assert_codes(&audit->vms[i].findings, "");
	}
	assert_int_equal(audit->n_below, 0);
	assert_true(vn_notes_has(&judged(audit, "pages")->unjudged, "memory-unknown"));
	assert_true(vn_notes_has(&judged(audit, "half")->unjudged, "memory-unknown"));
	assert_true(judged(audit, "half")->vnodes[0].has_local);
	assert_true(vn_notes_has(&judged(audit, "nothing")->unjudged, "threads-unknown"));
	assert_true(vn_notes_has(&judged(audit, "strays")->unjudged, "vnodes-unknown"));
	assert_int_equal(judged(audit, "fresh")->unjudged.n, 0);
	assert_true(vn_notes_has(&judged(audit, "threads")->unjudged, "vnodes-unknown"));
	assert_int_equal(judged(audit, "strays")->present, HEALTHY_MIB * VN_MIB);
}

static void a_guest_of_which_no_line_could_be_read_is_one(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
	vn_guest_free(vm->guest);
	vm->guest = NULL;
	vm->blocks[0].vnode = -1;
	vn_autoaudit *audit = judge(sample);

	assert_near(judged(audit, "vm")->locality.share, 1);
	assert_int_equal(judged(audit, "vm")->vnodes[0].size, HEALTHY_MIB * VN_MIB);
	assert_codes(&judged(audit, "vm")->findings, "");
}

static void one_node_is_local(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(1);
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
	block_policy(&vm->blocks[0], VN_MODE_DEFAULT, "");
	keep_on(sample, &vm->threads[0], "0-7");
	vm = add_healthy(sample, "unread", 200, 0);
	vm->blocks[0].has_residency = false;
	for (size_t i = 0; i < 4; i++)
		vm->threads[i].run_ns = vm->threads[i].times[0].ns = 1000;
	sample->host->numa_balancing = sample->settings.numad = sample->settings.zone_reclaim = 1;
	sample->settings.ksm = sample->settings.ksm_merges_nodes = 1;
	vn_autoaudit *audit = judge(sample);

	for (size_t i = 0; i < 2; i++) {
		assert_true(audit->vms[i].has_locality);
		assert_near(audit->vms[i].locality.share, 1);
		assert_near(audit->vms[i].mean_distance, 10);
		assert_int_equal(audit->vms[i].remote, 0);
		assert_codes(&audit->vms[i].findings, "");
	}
	assert_codes(&audit->host, "");
}

/* 21 one way, 31 the other: from the vCPU's node to the memory's. Unknown: no figure, but a cost that assumes 20. */
static void distances_are_those_of_the_cpu(void **state)
{
	(void)state;
	for (int known = 0; known < 2; known++) {
		vn_autosample *sample = make_plain_sample(2);
		sample->host->nodes[0].distances[1] = known ? 31 : VN_DISTANCE_UNKNOWN;
		sample->host->nodes[1].distances[0] = 21;
		struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
		vm->blocks[0].residency.nodes[0].node = 1;
		vn_autoaudit *audit = judge(sample);
		const struct vn_vm_audit *found = judged(audit, "vm");
		assert_near(found->mean_distance, known ? 31 : 0);
		assert_near(finding(&found->findings, "memory-remote")->cost,
			3.6 * (1 - 10.0 / (known ? 31 : 20)));
		assert_int_equal(found->findings.v[0].severity, VN_SEVERITY_HIGH);
	}
}

/* Memory-only vnodes have no vCPUs to be near to; vnodes without memory have none to be far. */
static void parts_without_the_other_do_not_count(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	struct maker_vnode vnodes[] = {{2048, 2, -1}, {2048, 0, -1}, {0, 2, -1}};
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 100, make_guest(3, vnodes));
	block_policy(sample_block(vm, 0, 2048, 0), VN_MODE_BIND, "0");
	block_policy(sample_block(vm, 1, 2048, 1), VN_MODE_BIND, "1");
	for (unsigned i = 0; i < 4; i++)
		sample_vcpu(sample, vm, (int)i, i < 2 ? i : 2 + i, 900);
	vn_autoaudit *audit = judge(sample);

	assert_true(judged(audit, "vm")->has_locality);
	assert_near(judged(audit, "vm")->locality.share, 1);
	assert_false(judged(audit, "vm")->vnodes[1].has_local);
	assert_false(judged(audit, "vm")->vnodes[2].has_local);
	assert_codes(&judged(audit, "vm")->findings, "");
}

/* Memory behind a node without CPUs: bound there on purpose, its vCPUs on the node nearest to it. */
static void nodes_without_cpus_are_homes_of_memory(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(3);
	hwloc_bitmap_zero(sample->host->nodes[2].cpus);
	sample->host->nodes[0].distances[2] = 30;
	sample->host->nodes[1].distances[2] = 14;
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 1);
	block_policy(&vm->blocks[0], VN_MODE_BIND, "2");
	vm->blocks[0].residency.nodes[0].node = 2;
	for (size_t i = 0; i < 4; i++)
		keep_on(sample, &vm->threads[i], "4-7");
	vn_autoaudit *audit = judge(sample);

	/* by affinity they are at home on node 1, and no memory of theirs is there */
	assert_home(judged(audit, "vm"), 0, 1, VN_HOME_BY_AFFINITY);
	assert_near(judged(audit, "vm")->locality.share, 0);
	assert_near(judged(audit, "vm")->mean_distance, 14);
}

static void the_worst_come_first(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(4);
	add_healthy(sample, "a", 100, 0);
	struct vn_vm_sample *vm = add_healthy(sample, "idle", 50, 1);
	vm->blocks[0].residency.nodes[0].node = 0;
	for (size_t i = 0; i < 4; i++)
		vm->threads[i].run_ns = vm->threads[i].n_times = 0;
	vm = add_healthy(sample, "busy", 300, 2);
	vm->blocks[0].residency.nodes[0].node = 0;
	add_healthy(sample, "b", 90, 3);
	sample_vm(sample, "unknown", 10, NULL);
	vn_autoaudit *audit = judge(sample);
	static const char *const order[] = {"busy", "idle", "b", "a", "unknown"};

	for (size_t i = 0; i < 5; i++)
		assert_string_equal(audit->vms[i].vm->name, order[i]);
	assert_int_equal(audit->n_below, 2);
	assert_int_equal(judged(audit, "idle")->findings.v[0].severity, VN_SEVERITY_NOTICE);
}

static void the_threshold_is_the_users(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
	block_also_on(&vm->blocks[0], 1, 20);

	for (int strict = 0; strict < 2; strict++) {
		vn_autoaudit *audit = NULL;
		assert_int_equal(vn_judge(sample, strict ? 0.9 : 0.7, &audit), 0);
		assert_int_equal(audit->n_below, strict);
		assert_codes(&audit->vms[0].findings, strict ? "memory-spread" : "");
	}
}

/* 85 of 100 pages are at home, seen by samples of two sizes: as with findings, the upper end of the interval decides. */
static void the_interval_decides_who_is_below(void **state)
{
	(void)state;
	for (int sure = 0; sure < 2; sure++) {
		vn_autosample *sample = make_plain_sample(2);
		struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
		if (!sure)
			vm->blocks[0].residency.asked = vm->blocks[0].residency.nodes[0].pages = 100;
		block_also_on(&vm->blocks[0], 1, 15);
		vn_autoaudit *audit = judge(sample);
		assert_near(audit->vms[0].locality.share, 0.85);
		assert_int_equal(audit->n_below, sure);
		assert_int_equal(audit->vms[0].below, sure);
		assert_codes(&audit->vms[0].findings, sure ? "memory-spread" : "");
	}
}

/* Half is all that interleaving over two nodes can give; what is less than nine tenths of that is below. */
static void interleaved_memory_is_measured_by_its_choice(void **state)
{
	(void)state;
	for (unsigned away = 50; away <= 60; away += 10) {
		vn_autosample *sample = make_plain_sample(2);
		struct vn_vm_sample *vm = add_healthy(sample, "vm", 100, 0);
		block_policy(&vm->blocks[0], VN_MODE_INTERLEAVE, "0-1");
		block_also_on(&vm->blocks[0], 1, away);
		vn_autoaudit *audit = judge(sample);
		assert_near(audit->vms[0].reach, 0.5);
		assert_int_equal(audit->n_below, away == 60);
		assert_codes(&audit->vms[0].findings, "memory-interleaved");
		assert_int_equal(audit->vms[0].findings.v[0].severity, VN_SEVERITY_NOTICE);
	}
}

static void nobody_is_there(void **state)
{
	(void)state;
	vn_autosample *sample = make_plain_sample(2);
	vn_autoaudit *audit = judge(sample);

	assert_int_equal(audit->n_vms, 0);
	assert_codes(&audit->host, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_vm_has_nothing),
		cmocka_unit_test(two_vnodes_are_judged_apart),
		cmocka_unit_test(locality_is_the_sum_of_the_design),
		cmocka_unit_test(idle_vcpus_weigh_the_same),
		cmocka_unit_test(intervals_are_carried_through),
		cmocka_unit_test(intervals_hold),
		cmocka_unit_test(intervals_hold_where_only_presence_is_unsure),
		cmocka_unit_test(exact_counts_have_no_interval),
		cmocka_unit_test(homes_are_known_in_this_order),
		cmocka_unit_test(a_plan_that_was_left_decides_nothing),
		cmocka_unit_test(a_plan_that_does_not_fit_is_no_plan),
		cmocka_unit_test(what_is_not_known_is_not_judged),
		cmocka_unit_test(a_guest_of_which_no_line_could_be_read_is_one),
		cmocka_unit_test(one_node_is_local),
		cmocka_unit_test(distances_are_those_of_the_cpu),
		cmocka_unit_test(parts_without_the_other_do_not_count),
		cmocka_unit_test(nodes_without_cpus_are_homes_of_memory),
		cmocka_unit_test(the_worst_come_first),
		cmocka_unit_test(the_threshold_is_the_users),
		cmocka_unit_test(the_interval_decides_who_is_below),
		cmocka_unit_test(interleaved_memory_is_measured_by_its_choice),
		cmocka_unit_test(nobody_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
