/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All about a VM: who it is, what is wrong, where each vnode's memory is, where its threads run. */
#define _GNU_SOURCE
#include "audit_html_part.h"

#include <string.h>

#define LISTED_THREADS 96u
#define LISTED_NODES 16u /* of the host: beyond, only nodes that the VM has to do with */

static void put_fact(const struct vn_page *page, const char *what, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(page->out, "<li><b>%s</b> ", what);
	vn_page_text(page, value);
	fputs("</li>", page->out);
}

static void put_facts(const struct vn_page *page, const struct vn_vm_audit *vm)
{
	const struct vn_vm_sample *sample = vm->vm;
	char size[VN_SIZE_TEXT], figure[VN_SHARE_TEXT], waited[VN_SHARE_TEXT];
	vn_autofree char *pid = vn_format("%d", (int)sample->process.pid);
	vn_autofree char *distance =
		vm->mean_distance > 0 ? vn_format("%.1f (10: local)", vm->mean_distance) : NULL;
	vn_autofree char *vcpus = sample->guest ? vn_format("%u", sample->guest->vcpus) : NULL;
	bool times = vn_vm_has_times(sample);
	vn_autofree char *cpus = times ? vn_format("%s, waited for %s", vn_cpus_text(vm->cpus, figure),
						 vn_cpus_text(vm->waited, waited))
				       : NULL;
	vn_autofree char *moves = times ? vn_format("%u", vm->migrations) : NULL;

	vn_autofree char *moved = vn_was_moved(&sample->moved) ? vn_moved_text(&sample->moved) : NULL;

	fputs("<ul class=\"facts\">", page->out);
	put_fact(page, "pid", pid);
	put_fact(page, "manager", vn_manager_name(sample->manager));
	put_fact(page, "changed", moved);
	put_fact(page, "id", sample->id);
	put_fact(page, "uuid", sample->uuid);
	put_fact(page, "accelerator", sample->accel);
	put_fact(page, "vCPUs", vcpus);
	put_fact(page, "memory", sample->guest ? vn_size_text(sample->guest->memory, size) : NULL);
	put_fact(page, "mean distance", distance);
	put_fact(page, "CPUs used", cpus);
	put_fact(page, "moves between nodes", moves);
	put_fact(page, "policy of the process", sample->has_policy ? sample->policy.text : NULL);
	put_fact(page, *sample->unit ? "unit" : "cgroup", *sample->unit ? sample->unit : sample->cgroup);
	fputs("</ul>\n", page->out);
}

/* ---- memory ---- */

static bool has_to_do(const struct vn_page *page, const struct vn_vm_audit *vm, unsigned node)
{
	if (page->audit->sample->host->n_nodes <= LISTED_NODES ||
		vn_bytes_on(vm->memory, vm->n_memory, node) > 0 || vn_time_on(vm->vm, node) > 0)
		return true;
	for (size_t i = 0; i < vm->n_vnodes; i++) {
		if (vm->vnodes[i].home == (int)node)
			return true;
	}
	return false;
}

static void put_cell(
	const struct vn_page *page, const struct vn_vnode_audit *vnode, unsigned node, bool known)
{
	uint64_t bytes = vn_bytes_on(vnode->memory, vnode->n_memory, node), all = 0;
	bool home = vnode->home == (int)node;
	char size[VN_SIZE_TEXT];

	for (size_t i = 0; i < vnode->n_memory; i++)
		all += vnode->memory[i].bytes;
	fprintf(page->out, "<td class=\"num mem%s\">",
		bytes && !home && vnode->home >= 0 ? " remoteink" : "");
	fputs(!known ? "?" : bytes ? vn_size_text(bytes, size) : "–", page->out);
	if (home)
		fputs(" <span class=\"dim\" title=\"home node\">⌂</span>", page->out);
	if (known && all) {
		vn_page_bar_begin(page, "bar thin", "share of the vnode's memory");
		vn_page_bar_piece(page, 0, 1000 * (double)bytes / (double)all,
			home || vnode->home < 0 ? "local" : "remote", vn_size_text(bytes, size));
		vn_page_bar_end(page);
	}
	fputs("</td>", page->out);
}

static void put_vnode(const struct vn_page *page, const struct vn_vm_audit *vm, size_t i)
{
	const struct vn_vnode_audit *vnode = &vm->vnodes[i];
	const struct vn_host *host = page->audit->sample->host;
	const struct vn_guest *guest = vm->vm->guest;
	bool known = vn_vnode_has_pages(vm->vm, i, vm->n_vnodes);
	vn_autofree char *vcpus = guest && i < guest->n_vnodes ? vn_set_text(guest->vnodes[i].vcpus) : NULL;
	char size[VN_SIZE_TEXT], share[VN_SHARE_TEXT];

	fprintf(page->out, "<tr><th scope=\"row\">vnode %zu</th><td>%s</td><td class=\"num\">%s</td>", i,
		vcpus && *vcpus ? vcpus : "–", vnode->size ? vn_size_text(vnode->size, size) : "?");
	for (size_t k = 0; k < host->n_nodes; k++) {
		if (has_to_do(page, vm, host->nodes[k].id))
			put_cell(page, vnode, host->nodes[k].id, known);
	}
	fprintf(page->out, "<td class=\"num\">%s</td><td class=\"wide\">%s</td></tr>\n",
		vnode->has_local ? vn_interval_text(&vnode->local, share) : "?",
		vnode->home_by ? vn_home_by_name(vnode->home_by) : "?");
}

static void put_vnodes(const struct vn_page *page, const struct vn_vm_audit *vm)
{
	const struct vn_host *host = page->audit->sample->host;

	fputs("<h4>Memory</h4><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"memory\"><table><thead><tr>"
	      "<th>vnode</th><th>vCPUs</th><th class=\"num\">size</th>",
		page->out);
	for (size_t k = 0; k < host->n_nodes; k++) {
		if (has_to_do(page, vm, host->nodes[k].id))
			fprintf(page->out, "<th class=\"num\">node %u</th>", host->nodes[k].id);
	}
	fputs("<th class=\"num\">local</th><th class=\"wide\">home known by</th></tr></thead><tbody>\n",
		page->out);
	for (size_t i = 0; i < vm->n_vnodes; i++)
		put_vnode(page, vm, i);
	fputs("</tbody></table></div>\n", page->out);
}

/* ---- threads ---- */

static void put_set(const struct vn_page *page, hwloc_const_bitmap_t set, const char *class)
{
	vn_autofree char *text = set && hwloc_bitmap_weight(set) >= 0 ? vn_set_text(set) : NULL;

	fprintf(page->out, "<td%s>", class);
	vn_page_text(page, text && *text ? text : "?");
	fputs("</td>", page->out);
}

/* Nodes where it ran; those that are not its home stand out. */
static void put_nodes(const struct vn_page *page, const struct vn_thread_sample *thread, int home)
{
	bool first = true;

	fputs("<td>", page->out);
	for (size_t i = 0; thread->has_times && i < thread->n_times; i++) {
		const struct vn_node_time *time = &thread->times[i];
		if (time->ns == 0)
			continue;
		bool away = home >= 0 && home != (int)time->node;
		fprintf(page->out, "%s<span%s>%u</span>", first ? "" : ", ",
			away ? " class=\"remoteink\"" : "", time->node);
		first = false;
	}
	fputs(!thread->has_times ? "?</td>" : first ? "–</td>" : "</td>", page->out);
}

static void put_time(const struct vn_page *page, const struct vn_thread_sample *thread, uint64_t ns)
{
	uint64_t interval = page->audit->sample->interval_ns;

	if (thread->has_times && interval)
		fprintf(page->out, "<td class=\"num\">%.0f%%</td>", 100 * (double)ns / (double)interval);
	else
		fputs("<td class=\"num\">?</td>", page->out);
}

static void put_thread(
	const struct vn_page *page, const struct vn_vm_audit *vm, const struct vn_thread_sample *thread)
{
	int vnode = vn_thread_vnode(vm->vm, thread);
	int home = vnode >= 0 && (size_t)vnode < vm->n_vnodes ? vm->vnodes[vnode].home : -1;

	if (vm->n_vnodes == 1 && thread->kind == VN_THREAD_VCPU)
		home = vm->vnodes[0].home;
	fprintf(page->out, "<tr><th scope=\"row\">%s", vn_thread_kind_name(thread->kind));
	if (thread->index >= 0)
		fprintf(page->out, " %d", thread->index);
	fputs("</th><td class=\"wide\">", page->out);
	vn_page_text(page, thread->name);
	fputs("</td>", page->out);
	put_set(page, thread->cpus, "");
	put_set(page, thread->has_times ? thread->ran_on : NULL, " class=\"wide\"");
	put_nodes(page, thread, home);
	put_time(page, thread, thread->run_ns);
	put_time(page, thread, thread->wait_ns);
	if (thread->has_times)
		fprintf(page->out, "<td class=\"num\">%u</td></tr>\n", thread->migrations);
	else
		fputs("<td class=\"num\">?</td></tr>\n", page->out);
}

static void put_threads(const struct vn_page *page, const struct vn_vm_audit *vm)
{
	size_t told = 0, left = 0, others = 0;

	if (vm->vm->n_threads == 0)
		return;
	fputs("<h4>Threads</h4><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"threads\"><table><thead><tr>"
	      "<th>thread</th><th class=\"wide\">name</th><th>may use CPUs</th><th class=\"wide\">ran on CPUs</th>"
	      "<th>ran on nodes</th><th class=\"num\">ran</th><th class=\"num\">waited</th><th class=\"num\">moves</th>"
	      "</tr></thead><tbody>\n",
		page->out);
	for (size_t i = 0; i < vm->vm->n_threads; i++) {
		const struct vn_thread_sample *thread = &vm->vm->threads[i];
		if (thread->kind == VN_THREAD_OTHER)
			others++;
		else if (told == LISTED_THREADS)
			left++;
		else
			put_thread(page, vm, thread), told++;
	}
	fputs("</tbody></table></div>\n", page->out);
	if (left)
		fprintf(page->out, "<p class=\"dim\">and %zu more; all are in vnuma audit --json</p>\n",
			left);
	if (others)
		fprintf(page->out, "<p class=\"dim\">and %zu other thread%s of QEMU's</p>\n", others,
			others == 1 ? "" : "s");
}

void vn_page_vm(const struct vn_page *page, const struct vn_vm_audit *vm, bool open)
{
	int worst = vn_findings_worst(&vm->findings);
	char share[VN_SHARE_TEXT];

	fputs("<details class=\"vm\" id=\"", page->out);
	vn_page_vm_id(page, vm->vm);
	fprintf(page->out, "\"%s>\n<summary><h3>", open ? " open=\"open\"" : "");
	vn_page_text(page, vm->vm->name);
	fprintf(page->out, "</h3> <span%s>%s</span>", vm->below ? " class=\"remoteink\"" : "",
		vm->has_locality ? vn_interval_text(&vm->locality, share) : "locality not known");
	fputs(vm->has_locality ? " <span class=\"dim\">local</span>" : "", page->out);
	if (worst >= 0) {
		const char *severity = vn_severity_name((enum vn_severity)worst);
		fprintf(page->out, " <span class=\"badge %s\">%s</span>", severity, severity);
	}
	fputs("</summary>\n", page->out);
	put_facts(page, vm);
	if (vm->findings.n)
		vn_page_findings(page, &vm->findings);
	put_vnodes(page, vm);
	put_threads(page, vm);
	vn_page_vm_io(page, vm->vm);
	fputs("</details>\n", page->out);
}
