/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What holds of every move: thousands of hosts, guests and samples made at random, and the plans that the planner makes of them. Once all is
 * as the move says the judge has nothing to say of places, and the way back leads to where all was.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan_random.h"
#include "rehome_asserts.h"

#define TRIALS 2500u
#define SMALL_PAGE 4096u

/* ---- the sample ---- */

static hwloc_bitmap_t some_cpus(uint64_t *state, const struct vn_host *host)
{
	hwloc_bitmap_t set = random_cpus(state, host, 1 + maker_pick(state, 4));

	if (hwloc_bitmap_iszero(set))
		hwloc_bitmap_set(set, host->cpus[maker_pick(state, (unsigned)host->n_cpus)].id);
	return set;
}

static struct vn_thread_sample *add_thread(uint64_t *state, struct vn_sample *sample, struct vn_vm_sample *vm,
	enum vn_thread_kind kind, int index)
{
	vn_autoset cpus = some_cpus(state, sample->host);
	vn_autofree char *list = vn_set_text(cpus);

	return sample_thread(sample, vm, kind, index, list, (unsigned)hwloc_bitmap_first(cpus),
		maker_pick(state, 1000), 0);
}

static void add_block(uint64_t *state, struct vn_sample *sample, struct vn_vm_sample *vm, size_t v)
{
	const struct vn_host *host = sample->host;
	uint64_t size = vm->guest->vnodes[v].memory;
	struct vn_block_sample *block =
		sample_block(vm, (int)v, size / VN_MIB, maker_pick(state, (unsigned)host->n_nodes));
	uint64_t page = vn_vnode_page(vm->guest, v), pages = size / (page ? page : SMALL_PAGE);

	block->page = page;
	block->residency.exact = true;
	block->residency.asked = block->residency.nodes[0].pages = pages;
	if (maker_once_in(state, 3) && block->residency.nodes[0].node + 1 < host->n_nodes)
		block_also_on(block, (unsigned)host->n_nodes - 1, maker_pick(state, 70));
	if (maker_once_in(state, 4))
		block_absent(block, maker_pick(state, 30));
	for (size_t i = 0; i < block->residency.n_nodes; i++) { /* none without pages */
		if (block->residency.nodes[i].pages == 0)
			block->residency.nodes[i] = block->residency.nodes[--block->residency.n_nodes];
	}
}

static void add_io(uint64_t *state, struct vn_sample *sample, struct vn_vm_sample *vm)
{
	unsigned queues = maker_pick(state, 4), vcpus = vm->guest->vcpus;

	for (unsigned i = maker_pick(state, 3); i > 0; i--)
		add_thread(state, sample, vm, VN_THREAD_IOTHREAD, (int)i);
	for (unsigned q = 0; q < queues && q < vcpus; q++) {
		unsigned first, n;
		add_thread(state, sample, vm, VN_THREAD_VHOST, (int)q);
		vn_queue_vcpus(vcpus, queues < vcpus ? queues : vcpus, q, &first, &n);
		int vnode = maker_once_in(state, 4) ? -1 : vn_guest_vnode_of(vm->guest, first);
		sample_nic(vm, vnode, first, n, (ptrdiff_t)vm->n_threads - 1);
	}
	if (maker_once_in(state, 2)) {
		struct vn_device_sample *device = sample_device(vm, "0000:01:00.0", -1,
			(int)maker_pick(state, (unsigned)vm->guest->n_vnodes + 1) - 1);
		for (unsigned i = 0; i < 3; i++) {
			vn_autoset cpus = some_cpus(state, sample->host);
			vn_autofree char *list = vn_set_text(cpus);
			struct vn_irq_sample *irq =
				sample_irq(device, 40 + i, list, 1 + maker_pick(state, 9));
			hwloc_bitmap_only(irq->effective, (unsigned)hwloc_bitmap_first(cpus));
		}
	}
}

static void add_vm(uint64_t *state, struct vn_sample *sample, struct vn_guest *guest)
{
	struct vn_vm_sample *vm = sample_vm(sample, "vm", 1000, guest);

	for (size_t v = 0; v < guest->n_vnodes; v++) {
		if (guest->vnodes[v].memory > 0)
			add_block(state, sample, vm, v);
	}
	for (unsigned i = 0; i < guest->vcpus; i++)
		add_thread(state, sample, vm, VN_THREAD_VCPU, (int)i);
	add_io(state, sample, vm);
	add_thread(state, sample, vm, VN_THREAD_EMULATOR, 0)->tid = vm->process.pid;
	add_thread(state, sample, vm, VN_THREAD_MIGRATION, -1);
	if (maker_once_in(state, 3)) {
		snprintf(vm->cgroup, sizeof(vm->cgroup), "/machine.slice/vm.scope");
		vm->mems = hwloc_bitmap_alloc();
		for (size_t i = 0; i < vm->n_blocks; i++) {
			for (size_t k = 0; k < vm->blocks[i].residency.n_nodes; k++)
				hwloc_bitmap_set(vm->mems, vm->blocks[i].residency.nodes[k].node);
		}
	}
}

/* ---- what holds ---- */

/* Every byte of every block once, cut where pages may be cut, on a node that the plan has for the vnode. */
static void check_ranges(
	const struct vn_vm_sample *vm, const struct vn_plan *plan, const struct vn_move *move)
{
	size_t at = 0;

	for (size_t i = 0; i < vm->n_blocks; i++) {
		const struct vn_block_sample *block = &vm->blocks[i];
		const struct vn_plan_vnode *vnode = &plan->vnodes[block->vnode];
		uint64_t upto = block->address;
		for (; at < move->n_ranges && move->ranges[at].address < block->address + block->size; at++) {
			const struct vn_move_range *range = &move->ranges[at];
			bool planned = false;
			assert_true(range->address == upto && range->size > 0);
			assert_true(upto == block->address ||
				    upto % (block->page ? block->page : 2 * VN_MIB) == 0);
			for (size_t k = 0; k < vnode->n_shares; k++)
				planned |= vnode->shares[k].pnode == range->node;
			assert_true(planned);
			assert_int_equal(range->vnode, (unsigned)block->vnode);
			upto += range->size;
		}
		assert_true(upto == block->address + block->size);
	}
	assert_int_equal(at, move->n_ranges);
}

static void check_threads(
	const struct vn_vm_sample *vm, const struct vn_plan *plan, const struct vn_move *move)
{
	assert_int_equal(move->n_threads, vm->n_threads);
	for (size_t i = 0; i < move->n_threads; i++) {
		const struct vn_move_thread *thread = &move->thread_list[i];
		assert_false(hwloc_bitmap_iszero(thread->after));
		if (thread->kind == VN_THREAD_VCPU)
			assert_true(hwloc_bitmap_isequal(thread->after, plan->vcpu_cpus[thread->index]));
		if (thread->kind == VN_THREAD_EMULATOR || thread->kind == VN_THREAD_MIGRATION)
			assert_true(hwloc_bitmap_isequal(thread->after, plan->emulator_cpus));
		assert_true(i == 0 || (move->thread_list[i - 1].kind == VN_THREAD_VCPU) >=
					      (thread->kind == VN_THREAD_VCPU));
	}
}

static void check_cpuset(const struct vn_vm_sample *vm, const struct vn_move *move)
{
	for (size_t i = 0; i < move->n_ranges && vm->mems; i++)
		assert_true(hwloc_bitmap_isset(
			move->mems_after ? move->mems_after : vm->mems, move->ranges[i].node));
	if (!move->mems_after)
		return;
	assert_true(vn_notes_has(&move->notes, "cpuset-widened"));
	assert_true(hwloc_bitmap_isincluded(vm->mems, move->mems_during));
	assert_true(hwloc_bitmap_isincluded(move->mems_after, move->mems_during));
}

/* Whether the plan itself ties two vCPUs to one CPU. */
static bool is_squeezed(const struct vn_plan *plan)
{
	bool squeezed = false;

	for (unsigned i = 0; i < plan->n_vcpus; i++) {
		for (unsigned k = 0; k < i; k++)
			squeezed |= hwloc_bitmap_weight(plan->vcpu_cpus[i]) == 1 &&
				    hwloc_bitmap_isequal(plan->vcpu_cpus[i], plan->vcpu_cpus[k]);
	}
	return squeezed;
}

/* Of what the judge may find: what the plan itself could not do better. */
static void check_findings(const struct vn_sample *sample, const struct vn_plan *plan,
	const struct vn_move *move, unsigned trial)
{
	static const char *const places[] = {"vcpu-off-home", "vcpu-floating", "iothread-remote",
		"irq-remote", "cpuset-forbids-home", "vhost-remote", "vhost-on-kicking-cpu", "memory-remote",
		"memory-spread", "vcpu-squeezed"};
	vn_autoaudit *audit = judge(sample);
	const struct vn_findings *findings = &audit->vms[0].findings;

	for (size_t i = 0; i < findings->n; i++) {
		const struct vn_finding *found = &findings->v[i];
		for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++) {
			bool crowded = strncmp(places[k], "vhost-", 6) == 0 ||
				       strcmp(places[k], "iothread-remote") == 0;
			if (strcmp(found->code, places[k]) != 0 ||
				(crowded && vn_notes_has(&move->notes, "workers-off-home")) ||
				(strncmp(places[k], "memory-", 7) == 0 && plan->cost.spill > 0) ||
				(strcmp(places[k], "vcpu-squeezed") == 0 && is_squeezed(plan)))
				continue;
			fail_msg("trial %u: %s: %s", trial, found->code, found->text);
		}
	}
}

struct was {
	hwloc_bitmap_t cpus[MAKER_ROOM];
	uint64_t pages[MAKER_ROOM][16];
};

static void take_down(const struct vn_vm_sample *vm, struct was *was)
{
	*was = (struct was){0};
	for (size_t i = 0; i < vm->n_threads; i++)
		was->cpus[i] = hwloc_bitmap_dup(vm->threads[i].cpus);
	for (size_t i = 0; i < vm->n_blocks; i++) {
		for (size_t k = 0; k < vm->blocks[i].residency.n_nodes; k++)
			was->pages[i][vm->blocks[i].residency.nodes[k].node] +=
				vm->blocks[i].residency.nodes[k].pages;
	}
}

static void assert_back(const struct vn_vm_sample *vm, struct was *was)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		assert_true(hwloc_bitmap_isequal(was->cpus[i], vm->threads[i].cpus));
		hwloc_bitmap_free(was->cpus[i]);
	}
	for (size_t i = 0; i < vm->n_blocks; i++) {
		for (size_t k = 0; k < vm->blocks[i].residency.n_nodes; k++)
			was->pages[i][vm->blocks[i].residency.nodes[k].node] -=
				vm->blocks[i].residency.nodes[k].pages;
		for (size_t k = 0; k < 16; k++)
			assert_int_equal(was->pages[i][k], 0);
	}
}

static void all_moves_hold(void **unused)
{
	uint64_t state = 20261121;
	unsigned done = 0, spilled = 0, widened = 0, crowded = 0;

	(void)unused;
	for (unsigned trial = 0; trial < TRIALS; trial++) {
		vn_autosample *sample = make_sample(random_host(&state, 1, 5));
		vn_autoguest *guest = random_guest(&state, sample->host, 1, 4);
		vn_autoplan *plan =
			guest->vcpus <= 40 && guest->memory > 0 ? plan_of(sample->host, guest) : NULL;
		vn_automove *move = NULL;
		vn_autoerror err = {0};
		struct was was;
		if (!plan || !plan->feasible)
			continue;
		add_vm(&state, sample, vn_steal(guest));
		struct vn_vm_sample *vm = &sample->vms[0];
		take_down(vm, &was);
		int r = vn_rehome(sample, 0, plan, &whole_wish, &move, &err);
		if (r < 0) /* nothing is amiss with any of them */
			fail_msg("trial %u: %s", trial, err.problems[0].text);
		done++;
		spilled += plan->cost.spill > 0;
		widened += move->mems_after != NULL;
		crowded += vn_notes_has(&move->notes, "workers-off-home") ||
			   vn_notes_has(&move->notes, "workers-on-vcpus");
		check_ranges(vm, plan, move);
		check_threads(vm, plan, move);
		check_cpuset(vm, move);
		carry_out(sample, 0, move, false);
		check_findings(sample, plan, move, trial);
		carry_out(sample, 0, move, true);
		assert_back(vm, &was);
	}
	print_message("%u moves: %u spilled, %u with a wider cpuset, %u with crowded workers\n", done,
		spilled, widened, crowded);
	assert_true(done > TRIALS / 4 && spilled > 20 && widened > 50 && crowded > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_moves_hold)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
