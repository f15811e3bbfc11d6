/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: first each field is read for itself, then, when all of them are sound, they are compared with each
 * other (a plan tells many things twice: homes, who is on which vnode, whose CPUs are whose), then with the host
 * (plan_from_host.c). So a plan with a typo is told the typo, not what follows from it.
 */
#define _GNU_SOURCE
#include "plan_from_json.h"

#include <string.h>

#include "../base/text.h"
#include "plan_names.h"
#include "plan_reader.h"
#include "vm.h"

#define SCHEMA "vnuma.plan/1"
#define MAX_HOSTDEVS 64u /* as many as a config may name */
#define MAX_PAGE (UINT64_C(16) << 30)
#define XL_DEFAULT_WEIGHT 256

static bool has_schema(const struct vn_json_reader *in)
{
	const char *schema = json_string_value(json_object_get(in->object, "schema"));

	if (!json_is_object(in->object))
		vn_json_wrong(in, NULL, "an object");
	else if (!schema || strcmp(schema, SCHEMA) != 0)
		vn_json_wrong(in, "schema", "\"" SCHEMA "\"");
	else if (!json_is_true(json_object_get(in->object, "feasible")))
		vn_json_wrong(in, "feasible", "true: only a plan that can be had takes anything");
	else
		return true;
	return false;
}

/* Index of the key's string among the names; `fallback` when it is not told. */
static unsigned maybe_choice(const struct vn_json_reader *in, const char *key, const char *const *names,
	unsigned n, const char *expected, unsigned fallback)
{
	return vn_json_told(in, key) ? vn_json_choice(in, key, names, n, expected) : fallback;
}

static void read_name(struct vn_plan_reader *p)
{
	static const char expected[] = "a guest's name: letters, digits and ._+-, at most 63";

	p->guest->name = vn_json_maybe_text(&p->in, "guest", VN_VM_NAME_MAX, expected);
	if (p->guest->name ? !vn_vm_name_valid(p->guest->name) : !vn_json_told(&p->in, "guest"))
		vn_json_wrong(&p->in, "guest", expected);
	p->plan->guest = vn_copy(p->guest->name);
	if (p->guest->name && !p->plan->guest)
		vn_json_no_memory(&p->in);
}

/* `cpus_allowed`, or all but `cpus_excluded`. */
static void read_cpus(struct vn_plan_reader *p)
{
	vn_autoset allowed = vn_json_maybe_set(&p->in, "cpus_allowed", VN_SET_MAX);
	vn_autoset excluded = vn_json_maybe_set(&p->in, "cpus_excluded", VN_SET_MAX);

	if (allowed && hwloc_bitmap_iszero(allowed))
		vn_json_wrong(&p->in, "cpus_allowed", "one CPU at least, or null for all");
	if (excluded && !hwloc_bitmap_iszero(excluded)) {
		if (allowed)
			vn_json_wrong(&p->in, "cpus_excluded", "an empty list beside 'cpus_allowed'");
		if (hwloc_bitmap_not(excluded, excluded) < 0)
			vn_json_no_memory(&p->in);
		p->guest->cpus = vn_steal(excluded);
	} else {
		p->guest->cpus = vn_steal(allowed);
	}
	p->guest->cpus_where = (struct vn_where){p->guest->file, 0, "cpus_allowed"};
}

static bool is_page_size(uint64_t page)
{
	return page == 0 || (page >= VN_MIN_PAGE && (page & (page - 1)) == 0);
}

static void read_wishes(struct vn_plan_reader *p)
{
	const struct vn_json_reader *in = &p->in;
	struct vn_guest *guest = p->guest;
	uint64_t threads = 1, page = 0;

	guest->weight = XL_DEFAULT_WEIGHT;
	if (vn_json_number(in, "hugepages", 0, MAX_PAGE, "bytes a page, or 0 for ordinary ones", &page) &&
		!is_page_size(page))
		vn_json_wrong(in, "hugepages", "a power of two of at least 4096, or 0 for ordinary pages");
	guest->hugepages = page;
	p->plan->binding = (enum vn_binding)vn_json_choice(
		in, "memory_policy", vn_binding_names, VN_N_BINDINGS, "preferred, strict or interleave");
	guest->memory_policy = (enum vn_memory_policy)maybe_choice(in, "memory_policy_wanted",
		vn_memory_policy_names, VN_N_MEMORY_POLICIES, "preferred or strict",
		p->plan->binding == VN_BINDING_STRICT ? VN_MEMORY_STRICT : VN_MEMORY_PREFERRED);
	guest->guest_numa = (enum vn_guest_numa)maybe_choice(in, "guest_numa", vn_guest_numa_names,
		VN_N_GUEST_NUMA, "auto, on or off",
		p->plan->binding == VN_BINDING_INTERLEAVE ? VN_GUEST_NUMA_OFF : VN_GUEST_NUMA_AUTO);
	guest->policy = (enum vn_policy)maybe_choice(
		in, "policy", vn_policy_names, VN_N_POLICIES, "pack or spread", VN_POLICY_PACK);
	vn_json_maybe_bool(in, "exclusive_cores", &guest->exclusive_cores);
	vn_json_maybe_number(in, "threads", 1, VN_MAX_THREADS, "1 to 8 threads of a core", &threads);
	guest->threads = (unsigned)threads;
	read_cpus(p);
}

/* ---- vnodes ---- */

static void read_distances(const struct vn_json_reader *in, size_t self, size_t n, uint32_t *distances)
{
	const json_t *list = vn_json_list(in, "distances", VN_MAX_VNODES);

	if (list && json_array_size(list) != n)
		vn_json_problem(in, "distances", "a list of %zu; expected %zu, one per vnode",
			json_array_size(list), n);
	for (size_t j = 0; j < json_array_size(list) && j < n; j++) {
		json_int_t told = json_integer_value(json_array_get(list, j));
		json_int_t least = j == self ? VN_DISTANCE_LOCAL : VN_DISTANCE_LOCAL + 1;
		json_int_t most = j == self ? VN_DISTANCE_LOCAL : VN_DISTANCE_UNREACHABLE;
		if (told < least || told > most)
			vn_json_problem(in, "distances", "member %zu is no number from %d to %d", j,
				(int)least, (int)most);
		else
			distances[j] = (uint32_t)told;
	}
}

static void read_share(const struct vn_json_reader *in, struct vn_plan_vnode *vnode)
{
	struct vn_share *share = &vnode->shares[vnode->n_shares++];
	uint64_t pnode = 0;

	vn_json_number(in, "pnode", 0, VN_MAX_NODES - 1, "a node of the host", &pnode);
	vn_json_number(in, "memory", 1, VN_MAX_MEMORY, "bytes above 0", &share->memory);
	share->pnode = (unsigned)pnode;
}

static void read_shares(const struct vn_json_reader *in, struct vn_plan_vnode *vnode)
{
	const json_t *list = vn_json_list(in, "shares", VN_MAX_NODES);
	size_t n = json_array_size(list);

	vnode->shares = calloc(n + 1, sizeof(*vnode->shares));
	if (!vnode->shares)
		vn_json_no_memory(in);
	for (size_t i = 0; vnode->shares && i < n; i++) {
		struct vn_json_reader share;
		if (vn_json_member(in, "shares", list, i, &share))
			read_share(&share, vnode);
	}
}

/* A set that must be there; empty when it is not, so that there is one. */
static hwloc_bitmap_t read_set(const struct vn_json_reader *in, const char *key, unsigned max)
{
	hwloc_bitmap_t set = vn_json_maybe_set(in, key, max);

	if (!vn_json_told(in, key))
		vn_json_wrong(in, key, "a list of numbers");
	if (!set && !(set = hwloc_bitmap_alloc()))
		vn_json_no_memory(in);
	return set;
}

/* Where they are not as for all. Plans of before these keys were told have none of them. */
static void read_own_pages(struct vn_plan_reader *p, const struct vn_json_reader *in, struct vn_vnode *vnode)
{
	uint64_t page = p->guest->hugepages;

	if (vn_json_maybe_number(
		    in, "hugepages", 0, MAX_PAGE, "bytes a page, or 0 for ordinary ones", &page) &&
		!is_page_size(page))
		vn_json_wrong(in, "hugepages", "a power of two of at least 4096, or 0 for ordinary pages");
	vnode->has_page = page != p->guest->hugepages;
	vnode->page = page;
	vnode->binding = (enum vn_binding)maybe_choice(in, "memory_policy", vn_binding_names, VN_N_BINDINGS,
		"preferred, strict or interleave", (int)p->plan->binding);
	vnode->has_binding = vnode->binding != p->plan->binding;
}

static void read_vnode(struct vn_plan_reader *p, const struct vn_json_reader *in, size_t i, size_t n)
{
	struct vn_vnode *vnode = &p->guest->vnodes[i];
	struct vn_plan_vnode *planned = &p->plan->vnodes[i];
	uint64_t id = i, home = 0, wanted;

	if (vn_json_number(in, "id", 0, VN_MAX_VNODES - 1, "a vnode's number", &id) && id != i)
		vn_json_problem(in, "id", "%u; expected %zu, its place in the list", (unsigned)id, i);
	vn_json_number(in, "memory", 0, VN_MAX_MEMORY, "bytes, up to 2^46", &vnode->memory);
	vnode->vcpus = read_set(in, "vcpus", VN_MAX_VCPUS - 1);
	vnode->distances = calloc(n, sizeof(*vnode->distances));
	if (vnode->distances)
		read_distances(in, i, n, vnode->distances);
	else
		vn_json_no_memory(in);
	vn_json_number(in, "home", 0, VN_MAX_NODES - 1, "a node of the host", &home);
	vnode->home = -1;
	if (vn_json_maybe_number(
		    in, "home_wanted", 0, VN_MAX_NODES - 1, "a node of the host, or null", &wanted))
		vnode->home = (int)wanted;
	vnode->home_where = (struct vn_where){p->guest->file, 0, "home_wanted"};
	planned->home = p->plan->homes[i] = (unsigned)home;
	read_own_pages(p, in, vnode);
	read_shares(in, planned);
	planned->cpus = read_set(in, "cpus", VN_SET_MAX);
}

static void read_vnodes(struct vn_plan_reader *p)
{
	const json_t *list = vn_json_list(&p->in, "vnodes", VN_MAX_VNODES);
	size_t n = json_array_size(list);

	if (list && n == 0)
		vn_json_wrong(&p->in, "vnodes", "one vnode at least");
	p->guest->vnodes = calloc(n + 1, sizeof(*p->guest->vnodes));
	p->plan->vnodes = calloc(n + 1, sizeof(*p->plan->vnodes));
	p->plan->homes = calloc(n + 1, sizeof(*p->plan->homes));
	if (!p->guest->vnodes || !p->plan->vnodes || !p->plan->homes) {
		vn_json_no_memory(&p->in);
		return;
	}
	p->guest->n_vnodes = p->plan->n_vnodes = n;
	for (size_t i = 0; i < n; i++) {
		struct vn_json_reader vnode;
		if (vn_json_member(&p->in, "vnodes", list, i, &vnode))
			read_vnode(p, &vnode, i, n);
	}
}

/* `homes` says again what each vnode says. */
static void check_homes(struct vn_plan_reader *p)
{
	const json_t *list = vn_json_list(&p->in, "homes", VN_MAX_VNODES);
	size_t n = p->plan->n_vnodes;

	if (list && json_array_size(list) != n)
		vn_json_problem(&p->in, "homes", "a list of %zu; expected %zu, one per vnode",
			json_array_size(list), n);
	for (size_t i = 0; i < json_array_size(list) && i < n; i++) {
		const json_t *told = json_array_get(list, i);
		if (!json_is_integer(told) || json_integer_value(told) != (json_int_t)p->plan->homes[i])
			vn_json_problem(&p->in, "homes", "member %zu is not the home of vnode %zu, %u", i, i,
				p->plan->homes[i]);
	}
}

/* ---- vCPUs ---- */

static void read_vcpu(struct vn_plan_reader *p, const struct vn_json_reader *in, unsigned i)
{
	uint64_t id = i, vnode;
	bool online = true;

	if (vn_json_number(in, "id", 0, VN_MAX_VCPUS - 1, "a vCPU's number", &id) && id != i)
		vn_json_problem(in, "id", "%u; expected %u, its place in the list", (unsigned)id, i);
	vn_json_number(in, "vnode", 0, VN_MAX_VNODES - 1, "a vnode's number", &vnode); /* compared later */
	vn_json_maybe_bool(in, "online", &online);
	if (online && p->guest->vcpus != i)
		vn_json_problem(
			in, "online", "true; expected false, as vCPU %u before it is not online", i - 1);
	p->guest->vcpus += online && p->guest->vcpus == i;
	p->plan->vcpu_cpus[i] = read_set(in, "cpus", VN_SET_MAX);
	if (p->plan->vcpu_cpus[i] && hwloc_bitmap_iszero(p->plan->vcpu_cpus[i]))
		vn_json_wrong(in, "cpus", "one CPU at least");
}

static void read_vcpus(struct vn_plan_reader *p)
{
	const json_t *list = vn_json_list(&p->in, "vcpus", VN_MAX_VCPUS);
	size_t n = json_array_size(list);

	if (list && n == 0)
		vn_json_wrong(&p->in, "vcpus", "one vCPU at least");
	p->plan->vcpu_cpus = calloc(n + 1, sizeof(hwloc_bitmap_t));
	if (!p->plan->vcpu_cpus) {
		vn_json_no_memory(&p->in);
		return;
	}
	p->plan->n_vcpus = p->guest->maxvcpus = (unsigned)n;
	for (unsigned i = 0; i < n; i++) {
		struct vn_json_reader vcpu;
		if (vn_json_member(&p->in, "vcpus", list, i, &vcpu))
			read_vcpu(p, &vcpu, i);
	}
	if (n > 0 && vn_plan_sound(p) && p->guest->vcpus == 0)
		vn_json_problem(&p->in, "vcpus", "none is online; expected the first at least");
}

/* Each vnode says who is on it, each vCPU where it is. */
static void check_partition(const struct vn_plan_reader *p)
{
	const struct vn_guest *guest = p->guest;
	const json_t *list = json_object_get(p->in.object, "vcpus");

	for (unsigned i = 0; i < guest->maxvcpus; i++) {
		json_int_t told = json_integer_value(json_object_get(json_array_get(list, i), "vnode"));
		struct vn_json_reader in = {p->in.document, &p->in, "vcpus", (long)i, NULL};
		if ((size_t)told >= guest->n_vnodes || !hwloc_bitmap_isset(guest->vnodes[told].vcpus, i))
			vn_json_problem(&in, "vnode",
				"%d; expected the vnode that has vCPU %u among its 'vcpus'", (int)told, i);
	}
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		unsigned id;
		hwloc_bitmap_foreach_begin (id, guest->vnodes[v].vcpus) {
			if (id >= guest->maxvcpus)
				vn_json_problem(&p->in, "vnodes",
					"vnode %zu has vCPU %u, which 'vcpus' does not list", v, id);
			else if (vn_guest_vnode_of(guest, id) != (int)v)
				vn_json_problem(&p->in, "vnodes",
					"vCPU %u is on vnodes %d and %zu; expected one", id,
					vn_guest_vnode_of(guest, id), v);
		}
		hwloc_bitmap_foreach_end();
	}
}

static void check_threads(const struct vn_plan_reader *p)
{
	const struct vn_guest *guest = p->guest;
	unsigned threads = guest->threads;

	if (guest->maxvcpus % threads || guest->vcpus % threads)
		vn_json_problem(&p->in, "threads",
			"%u; expected a number that divides the %u vCPUs, of which %u are online", threads,
			guest->maxvcpus, guest->vcpus);
	for (unsigned i = 0; i < guest->maxvcpus; i++) {
		if (vn_guest_vnode_of(guest, i) == vn_guest_vnode_of(guest, i - i % threads))
			continue;
		vn_json_problem(&p->in, "threads", "%u; but vCPUs %u and %u are on different vnodes", threads,
			i - i % threads, i);
		return;
	}
}

/* ---- what is told twice ---- */

static void check_shares(const struct vn_plan_reader *p, const struct vn_json_reader *in, size_t v)
{
	const struct vn_plan_vnode *vnode = &p->plan->vnodes[v];
	const json_t *pnodes = vn_json_maybe_list(in, "pnodes", VN_MAX_NODES);
	vn_autoset seen = hwloc_bitmap_alloc();
	uint64_t sum = 0; /* at most 2^10 times 2^46 */
	bool same = !pnodes || json_array_size(pnodes) == vnode->n_shares;

	if (!seen) {
		vn_json_no_memory(in);
		return;
	}
	for (size_t k = 0; k < vnode->n_shares; k++) {
		unsigned pnode = vnode->shares[k].pnode;
		if (hwloc_bitmap_isset(seen, pnode))
			vn_json_problem(in, "shares", "node %u is there twice; expected once", pnode);
		if (hwloc_bitmap_set(seen, pnode) < 0)
			vn_json_no_memory(in);
		sum += vnode->shares[k].memory;
		same = same &&
		       (!pnodes || json_integer_value(json_array_get(pnodes, k)) == (json_int_t)pnode);
	}
	if (sum != p->guest->vnodes[v].memory)
		vn_json_problem(in, "shares", "the sum is %llu bytes; expected %llu, which is 'memory'",
			(unsigned long long)sum, (unsigned long long)p->guest->vnodes[v].memory);
	if (!same)
		vn_json_wrong(in, "pnodes", "the nodes of 'shares'");
}

static void check_vnode(const struct vn_plan_reader *p, const struct vn_json_reader *in, size_t v)
{
	const struct vn_vnode *vnode = &p->guest->vnodes[v];
	uint64_t page = vn_vnode_page(p->guest, v), unit = page > VN_MIB ? page : VN_MIB;
	vn_autoset cpus = hwloc_bitmap_alloc();
	unsigned vcpu;

	if (vnode->memory % unit)
		vn_json_wrong(in, "memory", page ? "whole huge pages" : "whole MiB");
	if (vnode->memory == 0 && hwloc_bitmap_iszero(vnode->vcpus))
		vn_json_wrong(in, "memory", "some, as the vnode has no vCPU");
	if (vnode->home >= 0 && (unsigned)vnode->home != p->plan->homes[v])
		vn_json_problem(in, "home_wanted", "%d; expected the vnode's home, %u, or null", vnode->home,
			p->plan->homes[v]);
	check_shares(p, in, v);
	hwloc_bitmap_foreach_begin (vcpu, vnode->vcpus) {
		if (!cpus || hwloc_bitmap_or(cpus, cpus, p->plan->vcpu_cpus[vcpu]) < 0)
			vn_json_no_memory(in);
	}
	hwloc_bitmap_foreach_end();
	if (cpus && !hwloc_bitmap_isequal(cpus, p->plan->vnodes[v].cpus))
		vn_json_problem(in, "cpus", "not the CPUs that its vCPUs may use, taken together");
}

static void check_vnodes(struct vn_plan_reader *p)
{
	const json_t *list = json_object_get(p->in.object, "vnodes");

	for (size_t v = 0; v < p->guest->n_vnodes; v++) {
		struct vn_json_reader in = {
			p->in.document, &p->in, "vnodes", (long)v, json_array_get(list, v)};
		check_vnode(p, &in, v);
		p->guest->memory += p->guest->vnodes[v].memory;
	}
	p->guest->maxmem = p->guest->memory;
	if (p->guest->memory == 0 || p->guest->memory > VN_MAX_MEMORY)
		vn_json_problem(&p->in, "vnodes", "their memory is %llu bytes in all; expected 1 to 2^46",
			(unsigned long long)p->guest->memory);
}

/* With exclusive_cores nobody else runs on a CPU: nor do the guest's own other cores. */
static void check_exclusive(const struct vn_plan_reader *p)
{
	vn_autoset taken = hwloc_bitmap_alloc(), core = hwloc_bitmap_alloc();
	bool short_of_memory = !taken || !core;

	for (unsigned i = 0; p->guest->exclusive_cores && !short_of_memory && i < p->plan->n_vcpus; i++) {
		if (i % p->guest->threads == 0) {
			short_of_memory = hwloc_bitmap_or(taken, taken, core) < 0;
			hwloc_bitmap_zero(core);
		}
		if (hwloc_bitmap_intersects(taken, p->plan->vcpu_cpus[i]))
			vn_json_problem(&p->in, "exclusive_cores",
				"true; but vCPU %u may use CPUs of an earlier core's", i);
		short_of_memory |= hwloc_bitmap_or(core, core, p->plan->vcpu_cpus[i]) < 0;
	}
	if (short_of_memory)
		vn_json_no_memory(&p->in);
}

/* ---- devices ---- */

static void read_hostdev(
	struct vn_plan_reader *p, const struct vn_json_reader *in, struct vn_hostdev *hostdev)
{
	static const char expected[] = "a PCI address like 0000:3b:00.0";
	const char *text = json_string_value(json_object_get(in->object, "address"));
	uint64_t vnode = 0;

	hostdev->where = (struct vn_where){p->guest->file, 0, "hostdevs"};
	if (text && vn_pci_is_address(text, strlen(text)))
		memcpy(hostdev->address, text, strlen(text) + 1);
	else
		vn_json_wrong(in, "address", expected);
	for (const struct vn_hostdev *other = p->guest->hostdevs; other < hostdev && *hostdev->address;
		other++) {
		if (strcmp(other->address, hostdev->address) == 0)
			vn_json_problem(in, "address", "%s is there twice; expected once", hostdev->address);
	}
	size_t n = p->guest->n_vnodes;
	vn_json_number(in, "vnode", 0, n ? n - 1 : VN_MAX_VNODES - 1, "one of the vnodes", &vnode);
	hostdev->vnode = (unsigned)vnode;
}

static void read_hostdevs(struct vn_plan_reader *p)
{
	const json_t *list = vn_json_maybe_list(&p->in, "hostdevs", MAX_HOSTDEVS);
	size_t n = json_array_size(list);

	p->guest->hostdevs = calloc(n + 1, sizeof(*p->guest->hostdevs));
	if (!p->guest->hostdevs)
		vn_json_no_memory(&p->in);
	for (size_t i = 0; p->guest->hostdevs && i < n; i++) {
		struct vn_json_reader in;
		p->guest->n_hostdevs = i + 1;
		if (vn_json_member(&p->in, "hostdevs", list, i, &in))
			read_hostdev(p, &in, &p->guest->hostdevs[i]);
	}
}

static void read_plan(struct vn_plan_reader *p)
{
	p->plan->feasible = true;
	vn_json_maybe_bool(&p->in, "optimal", &p->plan->optimal);
	read_name(p);
	read_wishes(p);
	read_vnodes(p);
	if (p->plan->n_vnodes == 0)
		return; /* all else is about them */
	read_vcpus(p);
	read_hostdevs(p);
	p->plan->emulator_cpus = vn_json_told(&p->in, "emulator_cpus")
					 ? vn_json_maybe_set(&p->in, "emulator_cpus", VN_SET_MAX)
					 : hwloc_bitmap_alloc();
	vn_plan_read_told(p);
	if (vn_plan_sound(p)) {
		check_homes(p);
		check_partition(p);
	}
	if (vn_plan_sound(p)) {
		check_threads(p);
		check_vnodes(p);
		check_exclusive(p);
	}
	if (vn_plan_sound(p))
		vn_plan_check_host(p);
}

void vn_plan_read(const struct vn_json_reader *in, const struct vn_host *host, struct vn_guest **ret_guest,
	struct vn_plan **ret_plan)
{
	vn_autoguest *guest = vn_guest_new();
	vn_autoplan *plan = vn_plan_new();
	struct vn_plan_reader p = {*in, host, guest, plan, in->document->problems};

	if (guest)
		guest->file = vn_copy(in->document->file);
	if (!guest || !plan || (in->document->file && !guest->file)) {
		vn_json_no_memory(in);
		return;
	}
	if (has_schema(&p.in))
		read_plan(&p);
	if (!vn_plan_sound(&p))
		return;
	*ret_guest = vn_steal(guest);
	*ret_plan = vn_steal(plan);
}

int vn_plan_from_json(const json_t *json, const struct vn_host *host, const struct vn_where *where,
	struct vn_guest **ret_guest, struct vn_plan **ret_plan, struct vn_error *err)
{
	struct vn_json_document document = {.file = where ? where->file : NULL, .err = err};
	struct vn_json_reader in = {&document, NULL, NULL, -1, json};

	vn_plan_read(&in, host, ret_guest, ret_plan);
	return vn_json_finish(&document);
}
