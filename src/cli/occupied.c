/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reckons what the VMs on record take of the host, so that the next plan does not give it away again. */
#include "../base/process.h"
#include "../observe/residency.h"
#include "vms.h"

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

/* Bytes of the backend that no page was taken for yet. All of it when that cannot be seen: better too careful. */
static uint64_t untouched(const struct vn_vm *vm, const struct vn_vm_backend *backend)
{
	struct vn_residency seen = {0};

	if (backend->address == 0 || vn_residency_sample(vm->process.pid, backend->address, backend->memory,
					     VN_SAMPLES_DEFAULT, 1, &seen, NULL) < 0)
		return backend->memory;
	uint64_t bytes = (uint64_t)((double)seen.absent / (double)seen.asked * (double)backend->memory);
	vn_residency_clear(&seen);
	return bytes;
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

int vn_occupied_read(const struct vn_state *state, const struct vn_host *host,
	struct vn_occupied **ret_occupied, struct vn_error *err)
{
	vn_autovmlist list = {0};
	vn_autoerror broken = {0};
	vn_autooccupied *occupied = vn_occupied_new(host);
	int r = occupied ? vn_state_list(state, &list, &broken, err)
			 : vn_error_environment(err, -ENOMEM, "out of memory");

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		const struct vn_vm *vm = list.v[i];
		if (vn_process_match(vm->process.pid, vm->process.start_time, NULL) != VN_PROCESS_SAME)
			continue;
		add_load(vm, host, occupied);
		add_promised(vm, host, occupied);
	}
	*ret_occupied = vn_steal(occupied);
	return 0;
}
