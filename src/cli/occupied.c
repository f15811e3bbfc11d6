/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reckons what others take of the host, so that the next plan does not give it away again: the VMs on record, by what they
 * were promised and have not touched yet (what they have touched is missing from the host's free memory already), the guests
 * of other launchers, by what /proc shows of them, and the guests of a file of plans, by all that they were promised.
 */
#include "occupied.h"

#include <string.h>

#include "../base/process.h"
#include "../base/rootfs.h"
#include "../model/plan_from_json.h"
#include "../model/vm.h"
#include "../observe/neighbours.h"
#include "../observe/page_sample.h"

#define FILE_MAX_BYTES ((size_t)64 << 20) /* a plan of 1024 vCPUs on 128 CPUs each, indented, is 2 MiB */

void vn_taken_clear(struct vn_taken *taken)
{
	vn_occupied_free(taken->occupied);
	vn_tenants_clear(&taken->tenants);
	vn_notes_clear(&taken->notes);
	taken->occupied = NULL;
}

/* Of a vCPU that may use several nodes, the first is counted. */
static int node_of_cpus(const struct vn_host *host, const json_t *cpus)
{
	const json_t *first = json_array_get(cpus, 0);

	for (size_t i = 0; json_is_integer(first) && i < host->n_nodes; i++) {
		if (hwloc_bitmap_isset(host->nodes[i].cpus, (unsigned)json_integer_value(first)))
			return (int)i;
	}
	return -1;
}

static void add_load(const struct vn_vm *vm, const struct vn_host *host, struct vn_occupied *occupied)
{
	const json_t *vcpus = json_object_get(vm->plan, "vcpus");

	for (size_t i = 0; i < vm->vcpus; i++) {
		int node = node_of_cpus(host, json_object_get(json_array_get(vcpus, i), "cpus"));
		if (node >= 0)
			occupied->nodes[node].load++;
	}
}

/* Bytes of what the backend's guest is to have that no page was taken for yet. All of it when that cannot be seen: better too careful. */
static uint64_t untouched(const struct vn_vm *vm, const struct vn_vm_backend *backend)
{
	struct vn_residency seen = {0};

	if (backend->address == 0 || vn_residency_sample(vm->process.pid, backend->address, backend->memory,
					     VN_SAMPLES_DEFAULT, 1, &seen, NULL) < 0)
		return backend->requested;
	uint64_t absent = (uint64_t)((double)seen.absent / (double)seen.asked * (double)backend->memory),
		 unplugged = backend->memory - backend->requested;
	vn_residency_clear(&seen);
	return absent > unplugged ? absent - unplugged : 0;
}

static void add_promised(const struct vn_vm *vm, const struct vn_host *host, struct vn_occupied *occupied)
{
	json_int_t told = json_integer_value(json_object_get(vm->plan, "hugepages"));
	uint64_t page = told > 0 ? (uint64_t)told : 0;

	for (size_t i = 0; i < vm->n_backends; i++) {
		const struct vn_vm_backend *backend = &vm->backends[i];
		unsigned id, n = vn_set_weight(backend->policy_nodes);
		uint64_t share = untouched(vm, backend) / (n ? n : 1);
		hwloc_bitmap_foreach_begin (id, backend->policy_nodes) {
			int node = vn_host_node_index(host, id);
			if (node >= 0)
				vn_occupied_promise(&occupied->nodes[node], page, share);
		}
		hwloc_bitmap_foreach_end();
	}
}

/* The vCPUs of a VM as its plan has them; its memory is another matter. False when this vnuma cannot read the plan. */
static bool add_planned_vcpus(
	const struct vn_vm *vm, const struct vn_host *host, struct vn_occupied *occupied)
{
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;

	if (vn_plan_from_json(vm->plan, host, NULL, &guest, &plan, NULL) < 0)
		return false;
	for (size_t v = 0; v < plan->n_vnodes; v++)
		plan->vnodes[v].n_shares = 0;
	return vn_occupied_add(occupied, host, guest, plan) == 0;
}

static void drop(struct vn_tenants *tenants, const char *name)
{
	int i = vn_tenants_find(tenants, name);

	if (i >= 0)
		vn_tenants_drop(tenants, (size_t)i);
}

/* What is being reckoned, and for whom. */
struct reckoning {
	const struct vn_host *host;
	const struct vn_guest *const *guests; /* being planned: they do not count against themselves */
	size_t n;
	pid_t but; /* nor does this process; 0: none */
	struct vn_taken *taken;
	size_t n_ours;
	pid_t *ours; /* processes of the VMs on record that run; owned */
};

static void reckoning_clear(struct reckoning *reckoning)
{
	free(reckoning->ours);
}

static bool is_planned(const struct reckoning *reckoning, const char *name)
{
	for (size_t i = 0; i < reckoning->n; i++) {
		if (strcmp(reckoning->guests[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* A guest that is planned again: `how` it comes, and what of it is left out. */
static int note_self(
	const struct reckoning *reckoning, const char *name, const char *how, struct vn_error *err)
{
	if (vn_notes_add(&reckoning->taken->notes, "occupied-self", "'%s' %s", name, how) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return 0;
}

/* A VM that runs; what the file says of it counts no more. */
static int count_vm(struct reckoning *reckoning, const struct vn_vm *vm, struct vn_error *err)
{
	struct vn_taken *taken = reckoning->taken;
	pid_t *grown = reallocarray(reckoning->ours, reckoning->n_ours + 1, sizeof(*grown));

	if (!grown)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	reckoning->ours = grown;
	grown[reckoning->n_ours++] = vm->process.pid;
	if (vm->process.pid == reckoning->but)
		return 0;

	drop(&taken->tenants, vm->name);
	if (is_planned(reckoning, vm->name))
		return note_self(reckoning, vm->name,
			"runs already: it is not counted against itself, but the memory it has touched is not free",
			err);
	if (!add_planned_vcpus(vm, reckoning->host, taken->occupied))
		add_load(vm, reckoning->host, taken->occupied);
	add_promised(vm, reckoning->host, taken->occupied);
	return 0;
}

static int count_running(struct reckoning *reckoning, const struct vn_state *state, struct vn_error *err)
{
	vn_autovmlist list = {0};
	vn_autoerror broken = {0};
	int r = vn_state_list(state, &list, &broken, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		const struct vn_process *process = &list.v[i]->process;
		if (vn_process_match(process->pid, process->start_time, NULL) == VN_PROCESS_SAME)
			r = count_vm(reckoning, list.v[i], err);
	}
	return r;
}

/* Guests that others started on this machine. */
static int count_others(struct reckoning *reckoning, struct vn_error *err)
{
	vn_autoroot root = {.fd = -1};
	int r = vn_root_open("/", &root, err);
	pid_t *grown = reallocarray(reckoning->ours, reckoning->n_ours + 1, sizeof(*grown));

	if (!grown)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	reckoning->ours = grown;
	if (reckoning->but)
		grown[reckoning->n_ours++] = reckoning->but;
	if (r != 0)
		return r;
	r = vn_neighbours_add(&root, reckoning->host, reckoning->ours, reckoning->n_ours,
		reckoning->taken->occupied, &reckoning->taken->notes);
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}

int vn_taken_running(const struct vn_state *state, const struct vn_host *host, pid_t but,
	struct vn_taken *ret_taken, struct vn_error *err)
{
	vn_autotaken taken = {.occupied = vn_occupied_new(host)};
	vn_cleanup(reckoning_clear) struct reckoning reckoning = {.host = host, .but = but, .taken = &taken};
	int r = taken.occupied ? count_running(&reckoning, state, err)
			       : vn_error_environment(err, -ENOMEM, "out of memory");

	if (r == 0)
		r = count_others(&reckoning, err);
	if (r < 0)
		return r;
	*ret_taken = taken;
	taken = (struct vn_taken){0};
	return 0;
}

/* The state directory's VMs. A user without one has none. */
static int count_live(struct reckoning *reckoning, struct vn_error *err)
{
	vn_autostate state = {.fd = -1};
	vn_autoerror problems = {0};
	int r = vn_state_open(&state, &problems);

	if (r == 0)
		return count_running(reckoning, &state, err);
	if (r == -ENOENT)
		return 0;
	r = vn_notes_add(&reckoning->taken->notes, "state-unreadable",
		"running VMs are not taken into account: %s", problems.n ? problems.problems[0].text : "?");
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}

static int read_file(const struct reckoning *reckoning, const char *file, struct vn_error *err)
{
	struct vn_tenants *tenants = &reckoning->taken->tenants;
	vn_autofree char *text = NULL;
	int r = vn_file_read(file, FILE_MAX_BYTES, &text, err);

	if (r == 0)
		r = vn_tenants_read(text, file, reckoning->host, tenants, err);
	for (size_t i = 0; r == 0 && i < reckoning->n; i++) {
		const char *name = reckoning->guests[i]->name;
		if (vn_tenants_find(tenants, name) < 0)
			continue;
		drop(tenants, name);
		r = note_self(reckoning, name,
			"is in the file of --occupied too: it is not counted against itself", err);
	}
	return r;
}

enum source { SOURCE_NONE, SOURCE_LIVE, SOURCE_FILE };

static int read_source(
	const struct vn_args *args, const struct vn_host *host, enum source *ret_source, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--occupied"};
	const char *value = vn_arg(args, "occupied");

	if (!value)
		*ret_source = host->live ? SOURCE_LIVE : SOURCE_NONE;
	else if (strcmp(value, "none") == 0)
		*ret_source = SOURCE_NONE;
	else if (strcmp(value, "live") != 0)
		*ret_source = SOURCE_FILE;
	else if (host->live)
		*ret_source = SOURCE_LIVE;
	else
		return vn_error_input(err, &where,
			"'live' seen, but the host is not this machine; expected a file of plans, or none");
	return 0;
}

int vn_args_occupied(const struct vn_args *args, const struct vn_state *state, const struct vn_host *host,
	const struct vn_guest *const *guests, size_t n, struct vn_taken *ret_taken, struct vn_error *err)
{
	vn_autotaken taken = {0};
	vn_cleanup(reckoning_clear) struct reckoning reckoning = {
		.host = host, .guests = guests, .n = n, .taken = &taken};
	enum source source = SOURCE_NONE;
	int r = read_source(args, host, &source, err);

	if (r < 0)
		return r;
	if (source != SOURCE_NONE && !(taken.occupied = vn_occupied_new(host)))
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (source == SOURCE_FILE)
		r = read_file(&reckoning, vn_arg(args, "occupied"), err);
	if (r == 0 && source != SOURCE_NONE && host->live)
		r = state ? count_running(&reckoning, state, err) : count_live(&reckoning, err);
	if (r == 0 && source != SOURCE_NONE && host->live)
		r = count_others(&reckoning, err);
	if (r == 0 && source == SOURCE_FILE)
		r = vn_tenants_occupy(&taken.tenants, host, taken.occupied, &taken.notes, err);
	if (r < 0)
		return r;
	*ret_taken = taken;
	taken = (struct vn_taken){0};
	return 0;
}
