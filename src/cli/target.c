/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "target.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/rootfs.h"
#include "../base/text.h"
#include "../guest/guest_qemu.h"
#include "../model/plan_from_json.h"
#include "../rehome/as_if_gone.h"
#include "occupied.h"
#include "planning.h"

#define PLAN_FILE_MAX                                                                                        \
	((size_t)16 << 20) /* bytes; a plan of 1024 vCPUs on 128 CPUs each, indented, is 2 MiB */

/* ---- nodes ---- */

static int check_node(
	const struct vn_host *host, unsigned id, const struct vn_where *where, struct vn_error *err)
{
	int index = vn_host_node_index(host, id);

	if (index < 0)
		return vn_error_input(err, where, "node %u seen, which this host has not", id);
	if (host->nodes[index].memory_total == 0)
		return vn_error_input(err, where, "node %u seen, which has no memory", id);
	return 0;
}

static int read_to(const char *text, const struct vn_host *host, struct vn_guest *guest, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--to"};
	vn_autoset nodes = NULL;
	char seen[VN_QUOTE_MAX];
	unsigned id;
	int r = 0;
	bool cpus = false;

	if (vn_set_parse(text, &nodes) < 0 || hwloc_bitmap_iszero(nodes))
		return vn_error_input(err, &where, "'%s' seen; expected nodes of the host, as 2 or 0-1",
			vn_quote(text, seen));
	hwloc_bitmap_foreach_begin (id, nodes) {
		int wrong = check_node(host, id, &where, err);
		r = r < 0 ? r : wrong;
		cpus |= wrong == 0 && !hwloc_bitmap_iszero(host->nodes[vn_host_node_index(host, id)].cpus);
	}
	hwloc_bitmap_foreach_end();
	if (r == 0 && !cpus)
		r = vn_error_input(
			err, &where, "'%s' seen: no CPU is there for the vCPUs", vn_quote(text, seen));
	if (r < 0)
		return r;
	hwloc_bitmap_free(guest->nodes);
	guest->nodes = vn_steal(nodes);
	return 0;
}

/* One "V=NODE"; `told` are the vnodes before it. */
static int read_home(const char *text, const struct vn_host *host, hwloc_bitmap_t told,
	struct vn_guest *guest, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--vnode"};
	const char *equals = strchr(text, '=');
	vn_autofree char *number = equals ? strndup(text, (size_t)(equals - text)) : NULL;
	uint64_t vnode, node;
	char seen[VN_QUOTE_MAX];

	if (!number || vn_parse_u64(number, VN_SET_MAX, &vnode) < 0 ||
		vn_parse_u64(equals + 1, VN_SET_MAX, &node) < 0)
		return vn_error_input(err, &where,
			"'%s' seen; expected the number of a vnode, =, and that of a node",
			vn_quote(text, seen));
	if (vnode >= guest->n_vnodes)
		return vn_error_input(err, &where, "vnode %u seen; expected one of the VM's %zu, from 0",
			(unsigned)vnode, guest->n_vnodes);
	if (hwloc_bitmap_isset(told, (unsigned)vnode))
		return vn_error_input(
			err, &where, "vnode %u seen twice; expected one home for each", (unsigned)vnode);
	if (hwloc_bitmap_set(told, (unsigned)vnode) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	guest->vnodes[vnode].home = (int)node;
	return check_node(host, (unsigned)node, &where, err);
}

static int read_vnodes(const char *text, const struct vn_host *host, const int *homes, size_t n_homes,
	struct vn_guest *guest, struct vn_error *err)
{
	vn_autofree char *copy = strdup(text);
	vn_autoset told = hwloc_bitmap_alloc();
	char *rest = copy, *one;
	int r = copy && told ? 0 : vn_error_environment(err, -ENOMEM, "out of memory");

	for (size_t i = 0; r == 0 && i < guest->n_vnodes; i++)
		guest->vnodes[i].home = i < n_homes ? homes[i] : -1;
	while (r != -ENOMEM && (one = strsep(&rest, ","))) {
		int wrong = read_home(one, host, told, guest, err);
		r = r < 0 ? r : wrong;
	}
	return r;
}

/* ---- plans ---- */

static int read_plan(
	const char *file, const struct vn_host *host, struct vn_plan **ret_plan, struct vn_error *err)
{
	struct vn_where where = {file, 0, NULL};
	vn_autofree char *text = NULL;
	vn_autoguest *guest = NULL;
	json_error_t wrong;
	int r = vn_file_read(file, PLAN_FILE_MAX, &text, err);

	if (r < 0)
		return r;
	json_auto_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &wrong);
	if (!json) {
		where.line = wrong.line > 0 ? (unsigned)wrong.line : 0;
		return vn_error_input(
			err, &where, "%s; expected what 'vnuma plan --json' printed", wrong.text);
	}
	return vn_plan_from_json(json, host, &where, &guest, ret_plan, err);
}

int vn_target_check_options(const struct vn_args *args, struct vn_error *err)
{
	static const char *const names[] = {"to", "vnode", "plan", "best"};
	const char *first = NULL;
	char key[16];
	int r = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!vn_arg_given(args, names[i]))
			continue;
		snprintf(key, sizeof(key), "--%s", names[i]);
		if (first)
			r = vn_error_input(err, &(struct vn_where){NULL, 0, key},
				"contradicts --%s; expected one of them", first);
		else
			first = names[i];
	}
	return r;
}

/* The guest as its command line has it, without the homes that are written there: those are where it is. */
static int read_guest(const struct vn_vm_sample *vm, struct vn_guest **ret_guest, struct vn_error *err)
{
	vn_autoguest *guest = NULL;

	if (!vm->guest || !vm->guest->text)
		return vn_error_environment(err, -ENODATA,
			"'%s': its command line cannot be read, so nothing is known of its vnodes", vm->name);
	int r = vn_guest_from_qemu(vm->guest->text, vm->guest->text_size, vm->name, &guest, err);
	if (r < 0)
		return r;
	vn_guest_forget_homes(guest);
	guest->vnodes_open = false; /* it runs: what it was told is what it has */
	*ret_guest = vn_steal(guest);
	return 0;
}

int vn_target_plan(const struct vn_args *args, const struct vn_state *state, const struct vn_sample *sample,
	size_t vm, const int *homes, size_t n_homes, struct vn_plan **ret_plan, struct vn_error *err)
{
	const char *to = vn_arg(args, "to"), *vnodes = vn_arg(args, "vnode"), *file = vn_arg(args, "plan");
	struct vn_plan_options options = {.deadline_ms = VN_PLAN_DEADLINE_MS};
	vn_autohost *host = NULL;
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;
	vn_autotaken taken = {0};

	if (file)
		return read_plan(file, sample->host, ret_plan, err);
	int r = read_guest(&sample->vms[vm], &guest, err);
	if (r == 0 && to)
		r = read_to(to, sample->host, guest, err);
	if (r == 0 && vnodes)
		r = read_vnodes(vnodes, sample->host, homes, n_homes, guest, err);
	if (r == 0)
		r = vn_rehome_host(sample, vm, &host, err);
	if (r == 0)
		r = vn_taken_running(state, host, sample->vms[vm].process.pid, &taken, err);
	options.occupied = taken.occupied;
	if (r == 0)
		r = vn_make_plan(host, &options, &taken.notes, guest, &plan, err);
	if (r < 0 || !plan)
		return r < 0 ? r : vn_error_environment(err, -ENOMEM, "out of memory");
	plan->planned = plan->planned ? plan->planned : vn_steal(guest);
	*ret_plan = vn_steal(plan);
	return 0;
}
