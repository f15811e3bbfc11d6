/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "verify.h"

#include <string.h>

#include "../base/text.h"
#include "page_sample.h"

void vn_vm_seen_clear(struct vn_vm_seen *seen)
{
	for (size_t i = 0; i < seen->n_backends; i++) {
		vn_mem_policy_list_clear(&seen->backends[i].policies);
		vn_residency_clear(&seen->backends[i].residency);
	}
	free(seen->backends);
	vn_threads_clear(&seen->threads);
	*seen = (struct vn_vm_seen){0};
}

static const struct vn_thread_seen *find_thread(const struct vn_vm_seen *seen, pid_t tid)
{
	for (size_t i = 0; i < seen->threads.n; i++) {
		if (seen->threads.v[i].tid == tid)
			return &seen->threads.v[i];
	}
	return NULL;
}

static int observe_backend(const struct vn_vm *vm, size_t i, unsigned samples, uint64_t seed,
	struct vn_backend_seen *seen, struct vn_error *err)
{
	const struct vn_vm_backend *backend = &vm->backends[i];
	pid_t pid = vm->process.pid;

	if (backend->address == 0)
		return 0; /* vn_vm_compare tells */
	int r = vn_policies_read(pid, backend->address, backend->memory, &seen->policies, err);
	if (r < 0)
		return r;
	return vn_residency_sample(
		pid, backend->address, backend->memory, samples, seed + i, &seen->residency, err);
}

/* vhost workers were threads of the kernel before Linux 6.4, and can be again: those are not among QEMU's
 * threads. */
static int observe_vhost(const struct vn_vm *vm, struct vn_vm_seen *seen, struct vn_error *err)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		pid_t tid = vm->threads[i].tid;
		if (vm->threads[i].kind != VN_THREAD_VHOST || find_thread(seen, tid))
			continue;
		int r = vn_threads_add(&seen->threads, tid);
		if (r == -ESRCH)
			continue;
		if (r < 0)
			return vn_error_environment(err, r, "thread %d: %s", tid, strerror(-r));
		struct vn_thread_seen *added = &seen->threads.v[seen->threads.n - 1];
		if (strncmp(added->comm, "vhost-", 6) != 0) { /* the id was given to somebody else */
			hwloc_bitmap_free(added->cpus);
			seen->threads.n--;
		}
	}
	return 0;
}

int vn_vm_observe(const struct vn_vm *vm, unsigned samples, uint64_t seed, struct vn_vm_seen *ret_seen,
	struct vn_error *err)
{
	vn_autoseen seen = {0};

	seen.backends = calloc(vm->n_backends + 1, sizeof(*seen.backends));
	if (!seen.backends)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_threads_read(vm->process.pid, &seen.threads, err);
	if (r == 0)
		r = observe_vhost(vm, &seen, err);
	for (; r == 0 && seen.n_backends < vm->n_backends; seen.n_backends++)
		r = observe_backend(vm, seen.n_backends, samples, seed, &seen.backends[seen.n_backends], err);
	if (r < 0)
		return r;
	*ret_seen = seen;
	seen = (struct vn_vm_seen){0};
	return 0;
}

static bool policy_kept(const struct vn_vm_backend *backend, const struct vn_mem_policy *policy)
{
	if (!hwloc_bitmap_isequal(policy->nodes, backend->policy_nodes))
		return false;
	switch (backend->binding) {
	case VN_BINDING_PREFERRED: /* newer QEMUs ask for the second where the kernel has it; of one node it
				      is the same */
		return policy->mode == VN_MODE_PREFER || policy->mode == VN_MODE_PREFER_MANY;
	case VN_BINDING_STRICT:
		return policy->mode == VN_MODE_BIND;
	case VN_BINDING_INTERLEAVE:
		return policy->mode == VN_MODE_INTERLEAVE;
	}
	return false;
}

static int compare_policies(const struct vn_vm_backend *backend, const struct vn_mem_policy_list *policies,
	struct vn_notes *mismatches)
{
	static const char *const names[] = {[VN_BINDING_PREFERRED] = "prefer",
		[VN_BINDING_STRICT] = "bind",
		[VN_BINDING_INTERLEAVE] = "interleave"};
	vn_autofree char *planned = vn_set_text(backend->policy_nodes);

	for (size_t i = 0; i < policies->n; i++) {
		if (policy_kept(backend, &policies->v[i]))
			continue;
		int r = vn_notes_add(mismatches, "policy-differs",
			"vnode %u: %s memory has policy %s; planned: %s:%s", backend->vnode,
			policies->n > 1 ? "some of its" : "its", policies->v[i].text, names[backend->binding],
			planned ? planned : "");
		if (r < 0)
			return r;
	}
	return 0;
}

/* One node that holds pages of the backend, and should not. */
static int tell_elsewhere(const struct vn_vm_backend *backend, const struct vn_residency *residency,
	const struct vn_node_count *count, struct vn_notes *mismatches)
{
	struct vn_share_interval of = vn_share_interval(count->pages, residency->asked, residency->exact);
	double memory = (double)backend->memory;
	double percent = 100.0 * (double)count->pages / (double)(residency->asked - residency->absent);
	char about[VN_SIZE_TEXT], low[VN_SIZE_TEXT], high[VN_SIZE_TEXT], interval[96] = "";
	vn_autofree char *planned = vn_set_text(backend->nodes);

	if (!residency->exact)
		snprintf(interval, sizeof(interval), ", 99%% interval %s .. %s",
			vn_size_text((uint64_t)(of.low * memory), low),
			vn_size_text((uint64_t)(of.high * memory), high));
	return vn_notes_add(mismatches, "pages-elsewhere",
		"vnode %u: %.*f%% of its present pages (%s%s%s) are on node %u; planned: node%s %s",
		backend->vnode, percent < 1 ? 3 : 1, percent, residency->exact ? "" : "about ",
		vn_size_text((uint64_t)(of.share * memory), about), interval, count->node,
		vn_set_weight(backend->nodes) == 1 ? "" : "s", planned ? planned : "");
}

static int compare_backend(
	const struct vn_vm_backend *backend, const struct vn_backend_seen *seen, struct vn_notes *mismatches)
{
	if (backend->address == 0)
		return vn_notes_add(mismatches, "address-unknown",
			"vnode %u: where its memory is mapped is not on record, so it was not looked at",
			backend->vnode);
	int r = compare_policies(backend, &seen->policies, mismatches);
	for (size_t i = 0; r == 0 && i < seen->residency.n_nodes; i++) {
		const struct vn_node_count *count = &seen->residency.nodes[i];
		if (!hwloc_bitmap_isset(backend->nodes, count->node))
			r = tell_elsewhere(backend, &seen->residency, count, mismatches);
	}
	return r;
}

char *vn_vm_thread_name(const struct vn_vm_thread *thread)
{
	static const char *const names[] = {"vCPU", "iothread", "vhost worker", "emulator"};

	if (thread->kind == VN_THREAD_EMULATOR)
		return vn_format("%s (tid %d)", names[thread->kind], thread->tid);
	return vn_format("%s %u (tid %d)", names[thread->kind], thread->index, thread->tid);
}

static int compare_thread(
	const struct vn_vm_thread *thread, const struct vn_thread_seen *seen, struct vn_notes *mismatches)
{
	vn_autofree char *name = vn_vm_thread_name(thread);
	vn_autofree char *planned = vn_set_text(thread->cpus);

	if (!name || !planned)
		return -ENOMEM;
	if (!seen)
		return vn_notes_add(
			mismatches, "thread-gone", "%s: is gone; planned: on CPUs %s", name, planned);
	if (hwloc_bitmap_isequal(seen->cpus, thread->cpus))
		return 0;
	vn_autofree char *now = vn_set_text(seen->cpus);
	return vn_notes_add(mismatches, "affinity-differs", "%s: may run on CPUs %s; planned: %s", name,
		now ? now : "", planned);
}

static const struct vn_vm_thread *placed_thread(const struct vn_vm *vm, pid_t tid)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		if (vm->threads[i].tid == tid)
			return &vm->threads[i];
	}
	return NULL;
}

/* QEMU starts and ends workers as it likes; they inherit the emulator's CPUs and must be inside them. */
static int compare_others(const struct vn_vm *vm, const struct vn_vm_seen *seen, struct vn_notes *mismatches)
{
	const struct vn_vm_thread *emulator = placed_thread(vm, vm->process.pid);
	vn_autofree char *planned = emulator ? vn_set_text(emulator->cpus) : NULL;

	for (size_t i = 0; emulator && i < seen->threads.n; i++) {
		const struct vn_thread_seen *thread = &seen->threads.v[i];
		if (placed_thread(vm, thread->tid) || hwloc_bitmap_isincluded(thread->cpus, emulator->cpus))
			continue;
		vn_autofree char *now = vn_set_text(thread->cpus);
		int r = vn_notes_add(mismatches, "stray-thread",
			"thread '%s' (tid %d): may run on CPUs %s; planned for all but the placed ones: %s",
			thread->comm, thread->tid, now ? now : "", planned ? planned : "");
		if (r < 0)
			return r;
	}
	return 0;
}

int vn_vm_compare(const struct vn_vm *vm, const struct vn_vm_seen *seen, struct vn_notes *mismatches)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < vm->n_backends && i < seen->n_backends; i++)
		r = compare_backend(&vm->backends[i], &seen->backends[i], mismatches);
	for (size_t i = 0; r == 0 && i < vm->n_threads; i++)
		r = compare_thread(&vm->threads[i], find_thread(seen, vm->threads[i].tid), mismatches);
	return r == 0 ? compare_others(vm, seen, mismatches) : r;
}
