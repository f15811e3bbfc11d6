/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What holds of every audit, whatever the sample: thousands of hosts and VMs made at random, with all that can be odd or missing. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "judge_asserts.h"

#define TRIALS 3000u

static bool chance(uint64_t *state, unsigned percent)
{
	return maker_pick(state, 100) < percent;
}

static struct vn_sample *random_host(uint64_t *state)
{
	size_t n = 1 + maker_pick(state, 4);
	struct vn_sample *sample = make_plain_sample(n);
	static const uint32_t distances[] = {VN_DISTANCE_UNKNOWN, 10, 11, 20, 21, 31, 255};

	for (size_t i = 0; i < n; i++) {
		struct vn_host_node *node = &sample->host->nodes[i];
		for (size_t j = 0; j < n; j++)
			node->distances[j] = i == j ? 10 : distances[maker_pick(state, 7)];
		if (i > 0 && chance(state, 10))
			hwloc_bitmap_zero(node->cpus);
		if (chance(state, 10))
			node->memory_total = node->memory_free = 0;
		if (chance(state, 30))
			node->memory_free = maker_pick(state, 4096) * VN_MIB;
		node->has_memory_free = chance(state, 90);
		if (chance(state, 30)) {
			node->hugepools = (struct vn_hugepool *)maker_alloc(1, sizeof(*node->hugepools));
			node->hugepools[0] = (struct vn_hugepool){2 * VN_MIB, maker_pick(state, 3000), 0, 0};
			node->n_hugepools = 1;
		}
	}
	sample->host->numa_balancing = (int)maker_pick(state, 5) - 1;
	sample->settings = (struct vn_host_settings){.zone_reclaim = (int)maker_pick(state, 3) - 1,
		.ksm = (int)maker_pick(state, 3) - 1,
		.ksm_merges_nodes = (int)maker_pick(state, 3) - 1,
		.irqbalance = (int)maker_pick(state, 3) - 1,
		.numad = (int)maker_pick(state, 3) - 1,
		.has_faults = chance(state, 50),
		.hint_faults = maker_pick(state, 3) * 1000};
	sample->looks = maker_pick(state, 6);
	sample->interval_ns = chance(state, 5) ? 0 : sample->interval_ns;
	return sample;
}

/* "", a CPU, the CPUs of a node, or all; of n nodes. */
static void random_cpus(uint64_t *state, size_t n, char *list, size_t room)
{
	unsigned node = maker_pick(state, (unsigned)n);

	switch (maker_pick(state, 8)) {
	case 0:
		snprintf(list, room, "0-%zu", 8 * n - 1);
		break;
	case 1:
		list[0] = 0;
		break;
	case 2:
		snprintf(list, room, "%u", maker_pick(state, (unsigned)(8 * n)));
		break;
	default:
		snprintf(list, room, "%u-%u", 4 * node, 4 * node + 3);
	}
}

static void random_thread(uint64_t *state, struct vn_sample *sample, struct vn_vm_sample *vm,
	enum vn_thread_kind kind, int index)
{
	size_t n = sample->host->n_nodes;
	unsigned cpu = maker_pick(state, (unsigned)(8 * n)),
		 run = chance(state, 20) ? 0 : maker_pick(state, 1000);
	char list[32];

	random_cpus(state, n, list, sizeof(list));
	struct vn_thread_sample *thread =
		sample_thread(sample, vm, kind, index, list, cpu, run, maker_pick(state, 300));
	if (chance(state, 10)) {
		hwloc_bitmap_free(thread->cpus);
		thread->cpus = NULL;
	}
	if (chance(state, 10)) {
		hwloc_bitmap_free(thread->ran_on);
		thread->ran_on = NULL;
	}
	thread->has_times = chance(state, 90);
	if (chance(state, 10))
		thread->n_times = 0;
	if (chance(state, 5) && thread->n_times > 0)
		thread->times[0].node = 900;
	if (chance(state, 5))
		thread->cpu = chance(state, 50) ? -1 : 5000;
	if (chance(state, 5))
		thread->index = chance(state, 50) ? -1 : 1000;
}

static void random_block(uint64_t *state, size_t n, struct vn_vm_sample *vm, int vnode)
{
	static const enum vn_policy_mode modes[] = {VN_MODE_DEFAULT, VN_MODE_DEFAULT, VN_MODE_PREFER,
		VN_MODE_BIND, VN_MODE_BIND, VN_MODE_INTERLEAVE, VN_MODE_LOCAL, VN_MODE_UNKNOWN};
	enum vn_policy_mode mode = modes[maker_pick(state, 8)];
	struct vn_block_sample *block = sample_block(vm, chance(state, 5) ? -1 : vnode, 512,
		maker_pick(state, chance(state, 3) ? 9 : (unsigned)n));
	char nodes[32];

	snprintf(nodes, sizeof(nodes), "%u%s", maker_pick(state, (unsigned)n),
		chance(state, 20) ? ",3,800" : "");
	block_policy(block, mode,
		mode == VN_MODE_DEFAULT || mode == VN_MODE_LOCAL || mode == VN_MODE_UNKNOWN ? "" : nodes);
	if (chance(state, 40))
		block_also_on(block, 9 + maker_pick(state, 2), 20);
	if (chance(state, 50))
		block->residency.nodes[block->residency.n_nodes - 1].node =
			block->residency.n_nodes > 1 ? (unsigned)n : maker_pick(state, (unsigned)n);
	if (chance(state, 20))
		block_absent(block, 50);
	block->page = chance(state, 20) ? 2 * VN_MIB : 0;
	block->residency.swapped = maker_pick(state, 100);
	block->residency.exact = chance(state, 10);
	block->has_residency = chance(state, 95);
	if (chance(state, 3))
		block->residency.asked = block->residency.n_nodes = 0;
	if (chance(state, 5))
		block->policy_by = VN_TOLD_BY_NOTHING;
}

static void random_io(uint64_t *state, struct vn_sample *sample, struct vn_vm_sample *vm)
{
	size_t n = sample->host->n_nodes;
	char list[32];

	if (chance(state, 50)) {
		random_thread(state, sample, vm, VN_THREAD_VHOST, 0);
		sample_nic(vm, (int)maker_pick(state, 3) - 1, 0, maker_pick(state, 4),
			(ptrdiff_t)maker_pick(state, 9) - 1);
		vm->nics[0].queues[0].worker =
			chance(state, 80) ? (ptrdiff_t)vm->n_threads - 1 : vm->nics[0].queues[0].worker;
	}
	if (chance(state, 30))
		random_thread(state, sample, vm, VN_THREAD_IOTHREAD, 1);
	if (chance(state, 30)) {
		struct vn_device_sample *device = sample_device(vm, "0000:3b:00.0",
			(int)maker_pick(state, (unsigned)n + 2) - 1, (int)maker_pick(state, 5) - 1);
		for (unsigned i = maker_pick(state, 3); i > 0; i--) {
			random_cpus(state, n, list, sizeof(list));
			sample_irq(device, 40 + i, list, maker_pick(state, 3) * 1000)->managed =
				chance(state, 20);
		}
	}
}

static void random_vm(uint64_t *state, struct vn_sample *sample, int number)
{
	struct maker_vnode vnodes[3];
	size_t n_vnodes = 1 + maker_pick(state, 3), n = sample->host->n_nodes;
	char name[32], mems[32];
	unsigned vcpus = 0;

	for (size_t v = 0; v < n_vnodes; v++) {
		vnodes[v] = (struct maker_vnode){chance(state, 5)   ? 0
						 : chance(state, 5) ? 40000
								    : 1024,
			maker_pick(state, 4), -1};
		vcpus += vnodes[v].vcpus;
	}
	snprintf(name, sizeof(name), "vm-%d", number);
	struct vn_vm_sample *vm = sample_vm(
		sample, name, 1000 * (number + 1), chance(state, 10) ? NULL : make_guest(n_vnodes, vnodes));
	vm->manager = (enum vn_manager)maker_pick(state, 4);
	vm->name_is_plain = chance(state, 80);
	snprintf(mems, sizeof(mems), "%u", maker_pick(state, (unsigned)n));
	vm->mems = chance(state, 10) ? maker_set(mems) : NULL;
	if (chance(state, 20)) {
		random_cpus(state, n, mems, sizeof(mems));
		vm->cpus = mems[0] ? maker_set(mems) : NULL;
	}
	vm->has_policy = chance(state, 90);
	for (size_t v = 0; v < n_vnodes; v++) {
		for (unsigned b = maker_pick(state, 3); b > 0; b--)
			random_block(state, n, vm, (int)v);
	}
	for (unsigned i = 0; i < vcpus; i++)
		random_thread(state, sample, vm, VN_THREAD_VCPU, (int)i);
	random_io(state, sample, vm);
	if (chance(state, 10)) {
		vm->record = vn_vm_new();
		vm->record->plan = json_pack("{s:[i]}", "homes", (int)maker_pick(state, 5));
	}
}

static void check_findings(const struct vn_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct vn_finding *found = &findings->v[i];
		assert_true(isfinite(found->cost) && found->cost >= 0);
		assert_true(found->text && found->text[0]);
		assert_true(!found->fix || found->fix[0]);
		for (const char *at = found->text; *at; at++)
			assert_true((unsigned char)*at >= 0x20);
		assert_null(strstr(found->text, "nan"));
		if (i == 0)
			continue;
		assert_true(findings->v[i - 1].cost >= found->cost);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(findings->v[k].code, found->code);
	}
}

/* Memory is sent to its home; elsewhere only with vCPUs that home has no cores for, and by that command alone. */
static void check_moves(const struct vn_vm_audit *vm)
{
	static const char mark[] = " --vnode ";

	for (size_t i = 0; i < vm->findings.n; i++) {
		const char *at = vm->findings.v[i].fix ? strstr(vm->findings.v[i].fix, mark) : NULL;
		for (; at; at = strstr(at + 1, mark)) {
			char *end;
			unsigned long vnode = strtoul(at + strlen(mark), &end, 10);
			assert_true(*end == '=' && vnode < vm->n_vnodes);
			char moved[32];
			snprintf(moved, sizeof(moved), "%s%lu=", mark, vnode);
			for (size_t k = 0; k < vm->findings.n; k++)
				assert_true(k == i || !vm->findings.v[k].fix ||
					    !strstr(vm->findings.v[k].fix, moved));
			if (strncmp(vm->findings.v[i].code, "vcpu-", 5) != 0)
				assert_int_equal(strtol(end + 1, NULL, 10), vm->vnodes[vnode].home);
		}
		if (vm->findings.v[i].fix && strstr(vm->findings.v[i].fix, " --to "))
			for (size_t k = 0; k < vm->findings.n; k++)
				assert_true(k == i || !vm->findings.v[k].fix);
	}
}

/* No thread is kept on what the cpuset does not allow, but behind a command that allows it. */
static void check_pins(const struct vn_vm_audit *vm)
{
	static const char mark[] = "taskset -pc ";

	for (size_t i = 0; i < vm->findings.n && vm->vm->cpus; i++) {
		const char *at = vm->findings.v[i].fix ? strstr(vm->findings.v[i].fix, mark) : NULL;
		for (; at && !strstr(vm->findings.v[i].fix, "AllowedCPUs="); at = strstr(at + 1, mark)) {
			char list[256];
			snprintf(list, sizeof(list), "%.*s", (int)strcspn(at + strlen(mark), " "),
				at + strlen(mark));
			hwloc_bitmap_t cpus = maker_set(list);
			assert_true(hwloc_bitmap_isincluded(cpus, vm->vm->cpus));
			hwloc_bitmap_free(cpus);
		}
	}
}

static void check_interval(const struct vn_share_interval *of)
{
	assert_true(of->low >= 0 && of->high <= 1);
	assert_true(of->low <= of->share + 1e-9 && of->share <= of->high + 1e-9);
}

/* By distance no more is lost than the vCPUs' time. */
static void check_cost(const struct vn_vm_audit *vm)
{
	static const char *const by_distance[] = {"memory-remote", "memory-spread", "cpuset-forbids-home",
		"vcpu-off-home", "vcpu-floating", "guest-without-vnuma"};
	double cost = 0;

	for (size_t i = 0; i < vm->findings.n; i++) {
		for (size_t k = 0; k < sizeof(by_distance) / sizeof(*by_distance); k++)
			cost += strcmp(vm->findings.v[i].code, by_distance[k]) == 0 ? vm->findings.v[i].cost
										    : 0;
	}
	assert_true(cost <= vm->cpus + 1e-9);
}

static void check_vm(const struct vn_vm_audit *vm)
{
	check_findings(&vm->findings);
	check_moves(vm);
	check_pins(vm);
	check_cost(vm);
	assert_true(vm->n_vnodes >= 1);
	assert_true(isfinite(vm->cpus) && isfinite(vm->waited));
	assert_true(vm->remote <= vm->present + 1);
	assert_true(vm->mean_distance <= 0 ||
		    (vm->mean_distance >= 10 - 1e-9 && vm->mean_distance <= 255 + 1e-9));
	if (vm->has_locality)
		check_interval(&vm->locality);
	for (size_t v = 0; v < vm->n_vnodes; v++) {
		if (vm->vnodes[v].has_local)
			check_interval(&vm->vnodes[v].local);
	}
}

static void same(const struct vn_findings *a, const struct vn_findings *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_string_equal(a->v[i].text, b->v[i].text);
		assert_true(!a->v[i].fix == !b->v[i].fix);
		if (a->v[i].fix)
			assert_string_equal(a->v[i].fix, b->v[i].fix);
	}
}

static void all_audits_hold(void **state)
{
	(void)state;
	uint64_t seed = 20240607;
	size_t found = 0;

	for (unsigned trial = 0; trial < TRIALS; trial++) {
		vn_autosample *sample = random_host(&seed);
		for (int i = (int)maker_pick(&seed, 4); i > 0; i--)
			random_vm(&seed, sample, i);
		vn_autoaudit *audit = judge(sample);
		vn_autoaudit *again = judge(sample);
		assert_int_equal(audit->n_vms, sample->n_vms);
		check_findings(&audit->host);
		same(&audit->host, &again->host);
		for (size_t i = 0; i < audit->n_vms; i++) {
			check_vm(&audit->vms[i]);
			same(&audit->vms[i].findings, &again->vms[i].findings);
			found += audit->vms[i].findings.n;
		}
	}
	print_message("%zu findings\n", found);
	assert_true(found > TRIALS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_audits_hold)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
