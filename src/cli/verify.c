/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "../discover/discover.h"
#include "../guest/guest_libvirt.h"
#include "../observe/domain.h"
#include "../observe/guest_view.h"
#include "../observe/page_sample.h"
#include "../observe/verify.h"
#include "../plan/plan_make.h"
#include "../virt/virt.h"
#include "vms.h"

#define SEED_MAX ((UINT64_C(1) << 53) - 1) /* what every reader of JSON keeps exactly */

struct request {
	unsigned samples; /* 0: all */
	uint64_t seed;
};

static int read_request(const struct vn_args *args, struct request *ret, struct vn_error *err)
{
	const char *samples = vn_arg(args, "samples"), *seed = vn_arg(args, "seed");
	struct vn_where where_samples = {NULL, 0, "--samples"}, where_seed = {NULL, 0, "--seed"};
	uint64_t n = VN_SAMPLES_DEFAULT;
	int r = 0;

	ret->seed = 1;
	if (!seed && getrandom(&ret->seed, sizeof(ret->seed), 0) == sizeof(ret->seed))
		ret->seed &= SEED_MAX;
	if (seed && vn_parse_u64(seed, SEED_MAX, &ret->seed) < 0)
		r = vn_error_input(err, &where_seed, "'%s'; expected a number below 2^53", seed);
	if (samples && strcmp(samples, "all") == 0)
		n = 0;
	else if (samples && (vn_parse_u64(samples, VN_SAMPLES_MAX, &n) < 0 || n == 0))
		r = vn_error_input(err, &where_samples, "'%s'; expected 'all' or a number up to %u", samples,
			VN_SAMPLES_MAX);
	ret->samples = (unsigned)n;
	return r;
}

static json_t *backend_to_json(const struct vn_vm_backend *backend, const struct vn_backend_seen *seen)
{
	const struct vn_residency *residency = &seen->residency;
	json_t *pages = json_object(), *policies = json_array();
	char node[16];

	for (size_t i = 0; i < residency->n_nodes; i++) {
		snprintf(node, sizeof(node), "%u", residency->nodes[i].node);
		json_object_set_new(pages, node, json_integer((json_int_t)residency->nodes[i].pages));
	}
	for (size_t i = 0; i < seen->policies.n; i++)
		json_array_append_new(policies, json_string(seen->policies.v[i].text));
	return json_pack("{s:i, s:I, s:b, s:I, s:I, s:I, s:o, s:o}", "vnode", (int)backend->vnode, "memory",
		(json_int_t)backend->memory, "exact", residency->exact, "asked", (json_int_t)residency->asked,
		"absent", (json_int_t)residency->absent, "unknown", (json_int_t)residency->unknown, "pages",
		pages, "policies", policies);
}

static int print_verify_json(const struct vn_vm *vm, const struct request *request,
	const struct vn_vm_seen *seen, const struct vn_notes *mismatches, struct vn_error *err)
{
	json_t *backends = json_array();

	for (size_t i = 0; i < vm->n_backends; i++)
		json_array_append_new(backends, backend_to_json(&vm->backends[i], &seen->backends[i]));
	return vn_print_json(
		json_pack("{s:s, s:s, s:b, s:I, s:i, s:i, s:o, s:o}", "schema", "vnuma.verify/1", "name",
			vm->name, "matches", mismatches->n == 0, "seed", (json_int_t)request->seed, "samples",
			(int)request->samples, "threads", (int)seen->threads.n, "backends", backends,
			"mismatches", vn_notes_to_json(mismatches, NULL)),
		err);
}

/* "vnode 0: 4096 of 262144 pages asked for, 1021 present: all on node 1" */
static void print_backend(const struct vn_vm_backend *backend, const struct vn_residency *residency)
{
	printf("  vnode %u%s%s: %" PRIu64 " pages %s, %" PRIu64 " present", backend->vnode,
		*backend->device ? ", " : "", backend->device, residency->asked,
		residency->exact ? "looked at, which is all" : "looked at",
		residency->asked - residency->absent);
	for (size_t i = 0; i < residency->n_nodes; i++)
		printf("%s %" PRIu64 " on node %u", i ? "," : ":", residency->nodes[i].pages,
			residency->nodes[i].node);
	if (residency->unknown)
		printf(", %" PRIu64 " the kernel does not tell of", residency->unknown);
	putchar('\n');
}

/* A vnode with a memory device has two backends. */
static size_t count_vnodes(const struct vn_vm *vm)
{
	size_t n = 0;

	for (size_t i = 0; i < vm->n_backends; i++) {
		bool first = true;
		for (size_t k = 0; k < i; k++)
			first &= vm->backends[k].vnode != vm->backends[i].vnode;
		n += first;
	}
	return n;
}

static void print_verify(const struct vn_vm *vm, const struct request *request, const struct vn_vm_seen *seen,
	const struct vn_notes *mismatches)
{
	for (size_t i = 0; i < mismatches->n; i++)
		printf("%s\n", mismatches->v[i].text);
	if (mismatches->n)
		printf("%s: %zu mismatch%s", vm->name, mismatches->n, mismatches->n == 1 ? "" : "es");
	else
		printf("%s: matches its plan", vm->name);
	printf("; %zu threads, %zu vnodes looked at (seed %" PRIu64 ")\n", seen->threads.n, count_vnodes(vm),
		request->seed);
	for (size_t i = 0; i < vm->n_backends; i++)
		print_backend(&vm->backends[i], &seen->backends[i].residency);
}

/* With --guest-view: what the guest's own numactl printed against what was foretold when it was started. */
static int compare_view(
	const struct vn_args *args, const struct vn_vm *vm, struct vn_notes *mismatches, struct vn_error *err)
{
	const char *file = vn_arg(args, "guest-view");
	vn_autofree char *source = file ? vn_format("numactl:%s", file) : NULL;
	vn_autohost *seen = NULL;

	if (!file)
		return 0;
	if (!source)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_discover(source, &seen, err);
	if (r < 0)
		return r;
	r = vn_guest_view_compare(vm->plan, seen, mismatches);
	return r < 0 ? vn_error_environment(
			       err, r, "the record of '%s' holds no guest view that can be read", vm->name)
		     : 0;
}

/* What libvirt started: its live XML is the plan. */
static int find_domain(
	const struct vn_args *args, const char *name, struct vn_vm **ret_vm, struct vn_error *err)
{
	vn_autofree char *xml = NULL, *uuid = NULL;
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = vn_plan_new();
	vn_autovm *vm = NULL;
	struct vn_virt_domain domain = {vn_arg(args, "connect"), name, NULL, VN_VIRT_ANSWER_MS};

	int r = vn_virt_xml(&domain, &xml, err);
	if (r == 0)
		r = vn_domain_promises(xml, name, &vm, &uuid, err);
	if (r == 0)
		r = vn_domain_find(vm, uuid, err);
	if (r == 0 && vn_arg_given(args, "guest-view"))
		r = vn_guest_from_libvirt(xml, "its domain", &guest, err);
	if (r < 0)
		return r;
	if (guest) {
		if (!plan || vn_view_foretell(guest, &plan->view) < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
		vm->plan = vn_plan_to_json(plan, guest);
	}
	*ret_vm = vn_steal(vm);
	return 0;
}

/* A VM of ours, or else a domain of libvirt's; with --connect the latter at once. */
static int find_vm(const struct vn_args *args, struct vn_vm **ret_vm, struct vn_error *err)
{
	vn_autostate state = {.fd = -1};
	vn_autoerror of_ours = {0}, of_libvirt = {0};
	int r = vn_arg(args, "connect") ? -ENOENT : vn_args_vm(args, &state, ret_vm, &of_ours);

	if (r == 0)
		return vn_vm_check_alive(*ret_vm, err);
	if (r == -ENOENT)
		r = find_domain(args, args->operands[0], ret_vm, &of_libvirt);
	if (r < 0) {
		vn_error_move(err, &of_ours);
		vn_error_move(err, &of_libvirt);
	}
	return r;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autovm *vm = NULL;
	vn_autoseen seen = {0};
	vn_cleanup(vn_notes_clear) struct vn_notes mismatches = {0};
	struct request request;

	int r = read_request(args, &request, err);
	if (r == 0)
		r = find_vm(args, &vm, err);
	if (r == 0)
		r = vn_vm_observe(vm, request.samples, request.seed, &seen, err);
	if (r != 0)
		return r;
	if (vn_vm_compare(vm, &seen, &mismatches) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	r = compare_view(args, vm, &mismatches, err);
	if (r < 0)
		return r;
	if (args->json)
		r = print_verify_json(vm, &request, &seen, &mismatches, err);
	else
		print_verify(vm, &request, &seen, &mismatches);
	return r < 0 ? r : mismatches.n ? VN_EXIT_NO : VN_EXIT_DONE;
}

const struct vn_verb verb_verify = {
	.name = "verify",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "a VM's plan against what the kernel says of its pages and threads",
	.details =
		"Pages are looked at by random sampling: the same seed looks at the same pages. Exit status 1: something is\n"
		"not as planned, one line each. VM is one of vnuma's, or else a running domain of libvirt's, whose live XML\n"
		"(numatune, cputune) is the plan then.",
	.options = {{"samples", "N|all", "pages of each vnode to look at (4096)", .values = "all"},
		{"guest-view", "FILE",
			"what `numactl --hardware` printed in the guest: compare it with what was foretold"},
		{"connect", "URI", "ask the libvirt there (qemu:///system), not vnuma's own records"},
		{"seed", "N", "of the random draw (default: another each time, printed)"}},
	.run = run,
};
