/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages are counted in the system's ordinary ones, whatever size they have, as Xen does: figures of VMs can be compared. They are
 * estimates unless every page was looked at, and then said to be.
 */
#define _GNU_SOURCE
#include "dump.h"

#include <inttypes.h>
#include <string.h>

#include "../base/columns.h"
#include "../base/text.h"
#include "../model/audit_known.h"
#include "../model/settings_text.h"

#define PAGE 4096u
#define SCREEN 80

static bool is_exact(const struct vn_vm_sample *vm)
{
	for (size_t i = 0; i < vm->n_blocks; i++) {
		if (vm->blocks[i].has_residency && !vm->blocks[i].residency.exact)
			return false;
	}
	return true;
}

/* ---- the host ---- */

static void print_nodes(const struct vn_host *host, FILE *out)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		vn_autofree char *cpus = vn_set_text(node->cpus);
		fprintf(out, "node %u: size %" PRIu64 " pages", node->id, node->memory_total / PAGE);
		if (node->has_memory_free)
			fprintf(out, ", free %" PRIu64, node->memory_free / PAGE);
		fputs("\n  CPUs ", out);
		vn_put_wrapped(cpus && *cpus ? cpus : "none", 7, 7, SCREEN, out);
		for (size_t k = 0; k < node->n_hugepools; k++) {
			char size[VN_SIZE_TEXT];
			fprintf(out, "  huge pages of %s: %" PRIu64 ", free %" PRIu64 "\n",
				vn_size_text_exact(node->hugepools[k].size, size), node->hugepools[k].total,
				node->hugepools[k].free);
		}
		fputs("  distances", out);
		for (size_t j = 0; j < host->n_nodes; j++)
			fprintf(out, " %u", node->distances[j]);
		fputc('\n', out);
	}
}

/* ---- a VM ---- */

static void print_ranges(const struct vn_dump_ranges *ranges, unsigned vnode, FILE *out)
{
	for (size_t i = 0; i < ranges->n; i++) {
		const struct vn_dump_range *range = &ranges->v[i];
		if (range->vnode == vnode)
			fprintf(out, "      %016" PRIx64 " - %016" PRIx64 "\n", range->base,
				range->base + range->size - 1);
	}
}

static void print_vnode(const struct vn_vm_audit *vm, size_t i, FILE *out)
{
	const struct vn_vnode_audit *vnode = &vm->vnodes[i];

	fprintf(out, "    vnode %zu - pnode ", i);
	if (vnode->home >= 0)
		fprintf(out, "%d", vnode->home);
	else
		fputc('?', out);
	if (vnode->size)
		fprintf(out, " (%" PRIu64 " MiB)", vnode->size / VN_MIB);
	if (vnode->home_by != VN_HOME_UNKNOWN)
		fprintf(out, ", by %s", vn_home_by_name(vnode->home_by));
	fputs("\n", out);
	if (!vn_vnode_has_pages(vm->vm, i, vm->n_vnodes)) {
		fputs("      pages: not read\n", out);
		return;
	}
	for (size_t k = 0; k < vnode->n_memory; k++)
		fprintf(out, "      node %u: %" PRIu64 "\n", vnode->memory[k].node,
			vnode->memory[k].bytes / PAGE);
}

/* "1 0 1 0": the vnode of each vCPU. */
static void print_vcpus(const struct vn_vm_audit *vm, FILE *out)
{
	const struct vn_guest *guest = vm->vm->guest;
	vn_autofree char *text = NULL;
	size_t length = 0;
	FILE *list = guest ? open_memstream(&text, &length) : NULL;

	if (!list)
		return;
	for (unsigned i = 0; i < guest->maxvcpus; i++) {
		int vnode = vn_guest_vnode_of(guest, i);
		if (vnode >= 0)
			fprintf(list, "%s%d", i ? " " : "", vnode);
		else
			fprintf(list, "%s?", i ? " " : "");
	}
	if (fclose(list) != 0)
		return;
	fputs("    vnode of each vCPU: ", out);
	vn_put_wrapped(text, 24, 6, SCREEN, out);
}

/* "    vCPU 3: node 1, may use 4-7" */
static void print_threads(const struct vn_vm_sample *vm, FILE *out)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vn_thread_sample *thread = &vm->threads[i];
		vn_autofree char *cpus = thread->cpus ? vn_set_text(thread->cpus) : NULL;
		if (thread->kind != VN_THREAD_VCPU)
			continue;
		vn_autofree char *index = thread->index >= 0 ? vn_format("%d", thread->index) : vn_copy("?");
		vn_autofree char *last = thread->cpu >= 0 ? vn_format("%d", thread->cpu) : vn_copy("?");
		vn_autofree char *text = vn_format("vCPU %s: last on CPU %s, may use %s", index ? index : "?",
			last ? last : "?", cpus && *cpus ? cpus : "?");
		fputs("    ", out);
		vn_put_wrapped(text ? text : "?", 4, 6, SCREEN, out);
	}
}

static void print_vm(const struct vn_vm_audit *vm, const struct vn_dump_ranges *ranges, FILE *out)
{
	bool pages = vn_vm_has_pages(vm->vm);
	vn_autofree char *head = pages ? vn_format("VM %s, process %d (total: %s%" PRIu64 ")", vm->vm->name,
						 (int)vm->vm->process.pid, is_exact(vm->vm) ? "" : "about ",
						 vm->present / PAGE)
				       : vn_format("VM %s, process %d (pages could not be read)",
						 vm->vm->name, (int)vm->vm->process.pid);

	vn_put_wrapped(head ? head : "?", 0, 2, SCREEN, out);
	for (size_t k = 0; pages && k < vm->n_memory; k++)
		fprintf(out, "  node %u: %" PRIu64 "\n", vm->memory[k].node, vm->memory[k].bytes / PAGE);
	fprintf(out, "  %zu vnode%s\n", vm->n_vnodes, vm->n_vnodes == 1 ? "" : "s");
	for (size_t i = 0; i < vm->n_vnodes; i++) {
		print_vnode(vm, i, out);
		print_ranges(ranges, (unsigned)i, out);
	}
	print_vcpus(vm, out);
	print_threads(vm->vm, out);
}

static void print_settings(const struct vn_sample *sample, FILE *out)
{
	struct vn_setting settings[VN_SETTINGS_N];

	vn_settings_words(sample, settings);
	fputs("settings:\n", out);
	for (size_t i = 0; i < VN_SETTINGS_N; i++)
		fprintf(out, "  %-24s %s\n", settings[i].name, settings[i].value);
}

void vn_dump_print(const struct vn_audit *audit, const struct vn_dump_ranges *ranges, FILE *out)
{
	fprintf(out, "pages are of %u bytes\n", PAGE);
	print_nodes(audit->sample->host, out);
	print_settings(audit->sample, out);
	fputs("memory of each VM:\n", out);
	for (size_t i = 0; i < audit->n_vms; i++)
		print_vm(&audit->vms[i], &ranges[i], out);
}

/* ---- JSON ---- */

static json_t *pages_to_json(bool known, const struct vn_node_bytes *memory, size_t n)
{
	json_t *object = known ? json_object() : json_null();
	char node[16];

	for (size_t i = 0; known && i < n; i++) {
		snprintf(node, sizeof(node), "%u", memory[i].node);
		json_object_set_new(object, node, json_integer((json_int_t)(memory[i].bytes / PAGE)));
	}
	return object;
}

static json_t *ranges_to_json(const struct vn_dump_ranges *ranges, unsigned vnode)
{
	json_t *array = ranges->n ? json_array() : json_null();

	for (size_t i = 0; i < ranges->n; i++) {
		if (ranges->v[i].vnode == vnode)
			json_array_append_new(
				array, json_pack("{s:I, s:I}", "base", (json_int_t)ranges->v[i].base, "size",
					       (json_int_t)ranges->v[i].size));
	}
	return array;
}

static json_t *unless_negative(int number)
{
	return number >= 0 ? json_integer(number) : json_null();
}

static json_t *vnodes_to_json(const struct vn_vm_audit *vm, const struct vn_dump_ranges *ranges)
{
	json_t *array = json_array();

	for (size_t i = 0; i < vm->n_vnodes; i++) {
		const struct vn_vnode_audit *vnode = &vm->vnodes[i];
		bool known = vn_vnode_has_pages(vm->vm, i, vm->n_vnodes);
		json_array_append_new(
			array, json_pack("{s:i, s:o, s:I, s:o, s:o}", "id", (int)i, "pnode",
				       unless_negative(vnode->home), "size", (json_int_t)vnode->size, "pages",
				       pages_to_json(known, vnode->memory, vnode->n_memory), "ranges",
				       ranges_to_json(ranges, (unsigned)i)));
	}
	return array;
}

static json_t *vm_to_json(const struct vn_vm_audit *vm, const struct vn_dump_ranges *ranges)
{
	const struct vn_guest *guest = vm->vm->guest;
	bool known = vn_vm_has_pages(vm->vm);
	json_t *vcpus = guest ? json_array() : json_null();

	for (unsigned i = 0; guest && i < guest->maxvcpus; i++)
		json_array_append_new(vcpus, unless_negative(vn_guest_vnode_of(guest, i)));
	return json_pack("{s:s, s:i, s:b, s:o, s:o, s:o}", "name", vm->vm->name, "pid",
		(int)vm->vm->process.pid, "exact", is_exact(vm->vm), "pages",
		pages_to_json(known, vm->memory, vm->n_memory), "vnodes", vnodes_to_json(vm, ranges),
		"vcpu_vnodes", vcpus);
}

json_t *vn_dump_to_json(const struct vn_audit *audit, const struct vn_dump_ranges *ranges)
{
	const struct vn_host *host = audit->sample->host;
	json_t *nodes = json_array(), *vms = json_array();

	for (size_t i = 0; i < host->n_nodes; i++) {
		const struct vn_host_node *node = &host->nodes[i];
		json_t *unused = node->has_memory_free ? json_integer((json_int_t)(node->memory_free / PAGE))
						       : json_null();
		json_array_append_new(
			nodes, json_pack("{s:i, s:o, s:I, s:o}", "id", (int)node->id, "cpus",
				       vn_json_set(node->cpus), "pages",
				       (json_int_t)(node->memory_total / PAGE), "pages_free", unused));
	}
	for (size_t i = 0; i < audit->n_vms; i++)
		json_array_append_new(vms, vm_to_json(&audit->vms[i], &ranges[i]));
	return json_pack("{s:s, s:i, s:o, s:o}", "schema", "vnuma.dump/1", "page", (int)PAGE, "nodes", nodes,
		"vms", vms);
}
