/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "tenants.h"

#include <string.h>

#include "../base/text.h"
#include "plan_from_json.h"

#define SCHEMA "vnuma.plans/1"

void vn_tenants_clear(struct vn_tenants *tenants)
{
	for (size_t i = 0; i < tenants->n; i++) {
		vn_guest_free(tenants->guests[i]);
		vn_plan_free(tenants->plans[i]);
	}
	free(tenants->guests);
	free(tenants->plans);
	*tenants = (struct vn_tenants){0};
}

int vn_tenants_find(const struct vn_tenants *tenants, const char *name)
{
	for (size_t i = 0; i < tenants->n; i++) {
		if (strcmp(tenants->guests[i]->name, name) == 0)
			return (int)i;
	}
	return -ENOENT;
}

void vn_tenants_drop(struct vn_tenants *tenants, size_t i)
{
	vn_guest_free(tenants->guests[i]);
	vn_plan_free(tenants->plans[i]);
	for (; i + 1 < tenants->n; i++) {
		tenants->guests[i] = tenants->guests[i + 1];
		tenants->plans[i] = tenants->plans[i + 1];
	}
	tenants->n--;
}

/* ---- reading ---- */

/* A CPU that an earlier guest has for itself too. */
static void check_claims(
	const struct vn_json_reader *in, const struct vn_tenants *tenants, size_t i, hwloc_bitmap_t claimed)
{
	const struct vn_plan *plan = tenants->plans[i];

	if (!tenants->guests[i]->exclusive_cores)
		return;
	for (unsigned vcpu = 0; vcpu < plan->n_vcpus; vcpu++) {
		if (!hwloc_bitmap_intersects(claimed, plan->vcpu_cpus[vcpu]))
			continue;
		vn_json_problem(in, "exclusive_cores",
			"true; but vCPU %u has CPUs that an earlier guest of this file has for itself", vcpu);
		break;
	}
	for (unsigned vcpu = 0; vcpu < plan->n_vcpus; vcpu++) {
		if (hwloc_bitmap_or(claimed, claimed, plan->vcpu_cpus[vcpu]) < 0)
			vn_json_no_memory(in);
	}
}

struct list {
	const struct vn_host *host;
	struct vn_tenants *tenants; /* room for all */
	json_t *names; /* seen so far, as keys; devices too, which have a colon, unlike names */
	hwloc_bitmap_t claimed; /* by guests with exclusive_cores */
};

/* A device that an earlier guest has, too. */
static void check_devices(
	const struct list *list, const struct vn_json_reader *in, const struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_hostdevs; i++) {
		const char *address = guest->hostdevs[i].address;
		const char *owner = json_string_value(json_object_get(list->names, address));
		if (owner)
			vn_json_problem(in, "hostdevs",
				"device %s is that of '%s', too; expected each device at one guest", address,
				owner);
		else if (json_object_set_new(list->names, address, json_string(guest->name)) < 0)
			vn_json_no_memory(in);
	}
}

static void read_one(struct list *list, const struct vn_json_reader *in)
{
	struct vn_tenants *tenants = list->tenants;
	vn_autoguest *guest = NULL;
	vn_autoplan *plan = NULL;

	vn_plan_read(in, list->host, &guest, &plan);
	if (!guest)
		return;
	if (json_object_get(list->names, guest->name))
		vn_json_problem(in, "guest", "'%s' is there twice; expected once", guest->name);
	else if (json_object_set_new(list->names, guest->name, json_null()) < 0)
		vn_json_no_memory(in);
	check_devices(list, in, guest);
	tenants->guests[tenants->n] = vn_steal(guest);
	tenants->plans[tenants->n++] = vn_steal(plan);
	check_claims(in, tenants, tenants->n - 1, list->claimed);
}

/* Where the plans are: a list of them, and the reader that names its members; NULL where the document is one plan. */
static const json_t *find_list(const struct vn_json_reader *top, const char **ret_key)
{
	const char *schema = json_string_value(json_object_get(top->object, "schema"));

	if (json_is_array(top->object)) {
		*ret_key = "plans";
		if (json_array_size(top->object) <= VN_MAX_TENANTS)
			return top->object;
		vn_json_problem(top, NULL, "a list of %zu plans; expected at most %u",
			json_array_size(top->object), VN_MAX_TENANTS);
		return NULL;
	}
	if (!json_object_get(top->object, "plans"))
		return NULL;
	if (json_object_get(top->object, "schema") && (!schema || strcmp(schema, SCHEMA) != 0))
		vn_json_wrong(top, "schema", "\"" SCHEMA "\"");
	*ret_key = "plans";
	return vn_json_list(top, "plans", VN_MAX_TENANTS);
}

static void read_document(struct list *list, const struct vn_json_reader *top)
{
	const char *key = NULL;
	const json_t *plans = find_list(top, &key);
	size_t n = key ? json_array_size(plans) : 1;

	list->tenants->guests = calloc(n + 1, sizeof(*list->tenants->guests));
	list->tenants->plans = calloc(n + 1, sizeof(*list->tenants->plans));
	if (!list->tenants->guests || !list->tenants->plans || !list->names || !list->claimed) {
		vn_json_no_memory(top);
		return;
	}
	if (!key)
		read_one(list, top);
	for (size_t i = 0; key && i < n; i++) {
		struct vn_json_reader in;
		if (vn_json_member(top, key, plans, i, &in))
			read_one(list, &in);
	}
}

static int read_json(const json_t *json, const char *file, const struct vn_host *host,
	struct vn_tenants *ret_tenants, struct vn_error *err)
{
	struct vn_json_document document = {.file = file, .err = err};
	struct vn_json_reader top = {&document, NULL, NULL, -1, json};
	vn_autotenants tenants = {0};
	json_auto_t *names = json_object();
	vn_autoset claimed = hwloc_bitmap_alloc();
	struct list list = {host, &tenants, names, claimed};

	read_document(&list, &top);
	int r = vn_json_finish(&document);
	if (r < 0)
		return r;
	*ret_tenants = tenants;
	tenants = (struct vn_tenants){0};
	return 0;
}

int vn_tenants_read(const char *text, const char *file, const struct vn_host *host,
	struct vn_tenants *ret_tenants, struct vn_error *err)
{
	json_error_t wrong;
	json_auto_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &wrong);

	if (json)
		return read_json(json, file, host, ret_tenants, err);
	if (json_error_code(&wrong) == json_error_out_of_memory)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (char *p = wrong.text; *p; p++) {
		if (*p < 0x20 || *p >= 0x7f)
			*p = '?';
	}
	struct vn_where where = {file, wrong.line > 0 ? (unsigned)wrong.line : 0, NULL};
	return vn_error_input(
		err, &where, "%s; expected plans as 'vnuma plan --json' prints them", wrong.text);
}

/* ---- counting ---- */

/* What the planner would take to be free of a page size, before any promise. */
static uint64_t free_bytes(const struct vn_host_node *node, uint64_t page)
{
	if (page == 0)
		return node->has_memory_free ? node->memory_free + node->memory_reclaimable
					     : node->memory_total;
	for (size_t i = 0; i < node->n_hugepools; i++) {
		if (node->hugepools[i].size == page)
			return node->hugepools[i].free * page;
	}
	return 0;
}

static uint64_t shortage(const struct vn_host_node *node, const struct vn_occupied_node *taken, uint64_t page)
{
	uint64_t there = free_bytes(node, page), promised = vn_occupied_promised(taken, page);

	return promised > there ? promised - there : 0;
}

static int note_short(
	struct vn_notes *warnings, const char *guest, unsigned node, uint64_t page, uint64_t bytes)
{
	char size[VN_SIZE_TEXT], pages[VN_SIZE_TEXT];
	vn_autofree char *what =
		page ? vn_format("huge pages of %s", vn_size_text(page, pages)) : vn_copy("memory");

	if (!what)
		return -ENOMEM;
	return vn_notes_add(warnings, "occupied-short",
		"'%s' does not fit any more: node %u lacks %s of %s for it", guest, node,
		vn_size_text(bytes, size), what);
}

/* Whether no vnode before it has pages of its size. */
static bool first_of_size(const struct vn_guest *guest, size_t vnode)
{
	for (size_t v = 0; v < vnode; v++) {
		if (vn_vnode_page(guest, v) == vn_vnode_page(guest, vnode))
			return false;
	}
	return true;
}

static int occupy_one(const struct vn_guest *guest, const struct vn_plan *plan, const struct vn_host *host,
	struct vn_occupied *occupied, struct vn_notes *warnings)
{
	size_t n = host->n_nodes;
	vn_autofree uint64_t *before = calloc(n * guest->n_vnodes + 1, sizeof(*before));

	if (!before)
		return -ENOMEM;
	for (size_t k = 0; k < n * guest->n_vnodes; k++)
		before[k] =
			shortage(&host->nodes[k % n], &occupied->nodes[k % n], vn_vnode_page(guest, k / n));
	int r = vn_occupied_add(occupied, host, guest, plan);
	for (size_t k = 0; k < n * guest->n_vnodes && r == 0; k++) {
		uint64_t page = vn_vnode_page(guest, k / n);
		uint64_t after = shortage(&host->nodes[k % n], &occupied->nodes[k % n], page);
		if (after > before[k] && first_of_size(guest, k / n))
			r = note_short(warnings, guest->name, host->nodes[k % n].id, page, after - before[k]);
	}
	return r;
}

int vn_tenants_occupy(const struct vn_tenants *tenants, const struct vn_host *host,
	struct vn_occupied *occupied, struct vn_notes *warnings, struct vn_error *err)
{
	for (size_t i = 0; i < tenants->n; i++) {
		const struct vn_guest *guest = tenants->guests[i];
		int r = occupy_one(guest, tenants->plans[i], host, occupied, warnings);
		if (r == -EINVAL) {
			struct vn_where where = {guest->file, 0, "hugepages"};
			return vn_error_input(err, &where,
				"'%s' brings more page sizes than the %d that can be told apart", guest->name,
				VN_MAX_PAGE_SIZES);
		}
		if (r < 0)
			return vn_error_environment(err, r, "out of memory");
	}
	return 0;
}
