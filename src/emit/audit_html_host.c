/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A card for each node: whose its memory is, on its home node or away from it; whose vCPUs ran there; and the VMs that have most of it.
 * Below, the picture of host_svg.h, as an image: its style would be the page's otherwise.
 */
#define _GNU_SOURCE
#include "audit_html_part.h"

#include <string.h>

#include "../model/host_words.h"
#include "../model/settings_text.h"
#include "host_svg.h"

#define LISTED_VMS 6u /* on a card */

/* What a VM has of a node. */
struct tenant {
	const struct vn_vm_audit *vm;
	uint64_t memory, remote; /* bytes */
	double cpus;
};

static int by_memory(const void *a, const void *b)
{
	const struct tenant *x = a, *y = b;
	double more = x->cpus - y->cpus;

	if (x->memory != y->memory)
		return x->memory > y->memory ? -1 : 1;
	if (more < 0 || more > 0)
		return more > 0 ? -1 : 1;
	return x->vm->vm->process.pid < y->vm->vm->process.pid ? -1 : 1;
}

static size_t find_tenants(const struct vn_page *page, unsigned node, struct tenant *tenants)
{
	const struct vn_audit *audit = page->audit;
	size_t n = 0;

	for (size_t i = 0; i < audit->n_vms; i++) {
		const struct vn_vm_audit *vm = &audit->vms[i];
		struct tenant tenant = {.vm = vm,
			.memory = vn_bytes_on(vm->memory, vm->n_memory, node),
			.remote = vn_bytes_off_home(vm, node)};
		if (audit->sample->interval_ns)
			tenant.cpus = (double)vn_time_on(vm->vm, node) / (double)audit->sample->interval_ns;
		tenant.remote = tenant.remote < tenant.memory ? tenant.remote : tenant.memory;
		if (tenant.memory || tenant.cpus >= 0.005)
			tenants[n++] = tenant;
	}
	qsort(tenants, n, sizeof(*tenants), by_memory);
	return n;
}

/* All that is local, all that is not, what is not the VMs', free: from the left. */
static void put_memory(
	const struct vn_page *page, const struct vn_host_node *node, const struct tenant *tenants, size_t n)
{
	double unit = node->memory_total ? 1000 / (double)node->memory_total : 0, at = 0;
	uint64_t of_vms = 0, used = node->has_memory_free ? node->memory_total - node->memory_free : 0;
	char size[VN_SIZE_TEXT];

	vn_page_bar_begin(page, "bar", "memory of the node by VM");
	for (int remote = 0; remote < 2; remote++) {
		for (size_t i = 0; i < n; i++) {
			uint64_t bytes = remote ? tenants[i].remote : tenants[i].memory - tenants[i].remote;
			vn_autofree char *title = vn_format("%s: %s%s", tenants[i].vm->vm->name,
				vn_size_text(bytes, size), remote ? ", away from its home node" : "");
			vn_autofree char *class =
				vn_format("%s%s", remote ? "remote" : "local", i % 2 ? " odd" : "");
			at = vn_page_bar_piece(
				page, at, (double)bytes * unit, class ? class : "", title ? title : "?");
			of_vms += bytes;
		}
	}
	if (used > of_vms) {
		vn_autofree char *title =
			vn_format("in use by others: %s", vn_size_text(used - of_vms, size));
		vn_page_bar_piece(page, at, (double)(used - of_vms) * unit, "other", title ? title : "?");
	}
	vn_page_bar_end(page);
}

static void put_cpus(
	const struct vn_page *page, const struct vn_host_node *node, const struct tenant *tenants, size_t n)
{
	unsigned cpus = vn_set_weight(node->cpus);
	double unit = cpus ? 1000.0 / cpus : 0, at = 0;

	if (cpus == 0 || page->audit->sample->interval_ns == 0)
		return;
	fputs("<div class=\"label\">vCPUs' time</div>", page->out);
	vn_page_bar_begin(page, "bar", "time of the node's CPUs by VM");
	for (size_t i = 0; i < n; i++) {
		vn_autofree char *title =
			vn_format("%s: %.2f of %u CPUs", tenants[i].vm->vm->name, tenants[i].cpus, cpus);
		at = vn_page_bar_piece(page, at, tenants[i].cpus >= 0.005 ? tenants[i].cpus * unit : 0,
			i % 2 ? "cpu odd" : "cpu", title ? title : "?");
	}
	vn_page_bar_end(page);
}

static bool all_have_pages(const struct vn_page *page)
{
	for (size_t i = 0; i < page->audit->n_vms; i++) {
		if (!vn_vm_has_pages(page->audit->vms[i].vm))
			return false;
	}
	return true;
}

static void put_list(const struct vn_page *page, const struct tenant *tenants, size_t n)
{
	char size[VN_SIZE_TEXT], part[VN_SIZE_TEXT];

	fputs("<ul>\n", page->out);
	for (size_t i = 0; i < n && i < LISTED_VMS; i++) {
		fputs("<li><a href=\"#", page->out);
		vn_page_vm_id(page, tenants[i].vm->vm);
		fputs("\">", page->out);
		vn_page_text(page, tenants[i].vm->vm->name);
		fprintf(page->out, "</a> <span>%s", vn_size_text(tenants[i].memory, size));
		if (tenants[i].remote == tenants[i].memory && tenants[i].memory)
			fputs(" <span class=\"remoteink\">away</span>", page->out);
		else if (tenants[i].remote)
			fprintf(page->out, " <span class=\"remoteink\">%s away</span>",
				vn_size_text(tenants[i].remote, part));
		fputs("</span></li>\n", page->out);
	}
	if (n > LISTED_VMS)
		fprintf(page->out, "<li class=\"dim\">and %zu more</li>\n", n - LISTED_VMS);
	if (n == 0)
		fprintf(page->out, "<li class=\"dim\">no VM%s</li>\n",
			all_have_pages(page) ? "" : " of which it is known");
	fputs("</ul>\n", page->out);
}

static void put_node(const struct vn_page *page, const struct vn_host_node *node, struct tenant *tenants)
{
	size_t n = find_tenants(page, node->id, tenants);
	const char *kind = vn_kind_word(node->memory_kind, VN_WORD_BRIEF);
	vn_autofree char *cpus = vn_set_text(node->cpus);
	unsigned n_cpus = vn_set_weight(node->cpus);
	char total[VN_SIZE_TEXT], unused[VN_SIZE_TEXT];

	fprintf(page->out, "<div class=\"card\"><h3>node %u%s%s</h3>\n<div class=\"dim\">", node->id,
		kind ? " · " : "", kind ? kind : "");
	if (n_cpus)
		vn_page_textf(page, "%u CPU%s: %s", n_cpus, n_cpus == 1 ? "" : "s", cpus ? cpus : "?");
	else
		fputs("no CPUs", page->out);
	fputs("</div>\n<div class=\"label\">memory ", page->out);
	fputs(vn_size_text(node->memory_total, total), page->out);
	if (node->has_memory_free)
		fprintf(page->out, ", %s free", vn_size_text(node->memory_free, unused));
	else
		fputs(", how much is free is not known", page->out);
	fputs("</div>", page->out);
	put_memory(page, node, tenants, n);
	put_cpus(page, node, tenants, n);
	put_list(page, tenants, n);
	fputs("</div>\n", page->out);
}

static void put_legend(const struct vn_page *page)
{
	static const char *const marks[][2] = {{"local", "VMs' memory on its home node"},
		{"remote", "VMs' memory away from home"}, {"other", "in use by others"}, {"empty", "free"},
		{"cpu", "vCPUs' time"}};

	fputs("<ul class=\"legend\">", page->out);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		fprintf(page->out,
			"<li><svg viewBox=\"0 0 10 10\" xmlns=\"http://www.w3.org/2000/svg\" "
			"aria-hidden=\"true\"><rect width=\"10\" height=\"10\" class=\"%s\"/></svg>%s</li>",
			marks[i][0], marks[i][1]);
	fputs("</ul>\n", page->out);
}

static void put_settings(const struct vn_page *page)
{
	struct vn_setting settings[VN_SETTINGS_N];

	vn_settings_words(page->audit->sample, settings);
	fputs("<details class=\"vm\"><summary><h3>Settings that bear on VMs</h3></summary>\n<table>\n",
		page->out);
	for (size_t i = 0; i < VN_SETTINGS_N; i++) {
		fputs("<tr><th>", page->out);
		vn_page_text(page, settings[i].name);
		fputs("</th><td>", page->out);
		vn_page_text(page, settings[i].value);
		fputs("</td></tr>\n", page->out);
	}
	fputs("</table></details>\n", page->out);
}

/* RFC 4648. */
static void put_base64(const struct vn_page *page, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		unsigned long word = (unsigned long)bytes[i] << 16;
		word |= i + 1 < n ? (unsigned long)bytes[i + 1] << 8 : 0;
		word |= i + 2 < n ? bytes[i + 2] : 0;
		fputc(digits[word >> 18 & 63], page->out);
		fputc(digits[word >> 12 & 63], page->out);
		fputc(i + 1 < n ? digits[word >> 6 & 63] : '=', page->out);
		fputc(i + 2 < n ? digits[word & 63] : '=', page->out);
	}
}

static int put_picture(const struct vn_page *page)
{
	vn_autofree char *svg = NULL, *totals = vn_host_totals(page->audit->sample->host);
	size_t length = 0;
	FILE *out = open_memstream(&svg, &length);

	if (!out)
		return -ENOMEM;
	int r = vn_host_print_svg(page->audit->sample->host, out);
	if (fclose(out) != 0 || r < 0)
		return -ENOMEM;
	fputs("<details class=\"vm\"><summary><h3>The hardware: cores, memory, distances, devices</h3></summary>\n"
	      "<figure><img alt=\"",
		page->out);
	vn_page_text(page, totals ? totals : "the host");
	fputs("\" src=\"data:image/svg+xml;base64,", page->out);
	put_base64(page, (const unsigned char *)svg, length);
	fputs("\"/></figure></details>\n", page->out);
	return 0;
}

int vn_page_host(const struct vn_page *page)
{
	const struct vn_host *host = page->audit->sample->host;
	vn_autofree struct tenant *tenants = calloc(page->audit->n_vms + 1, sizeof(*tenants));

	if (!tenants)
		return -ENOMEM;
	fputs("<section id=\"host\"><h2>The host</h2>\n", page->out);
	put_legend(page);
	fputs("<div class=\"nodes\">\n", page->out);
	for (size_t i = 0; i < host->n_nodes; i++)
		put_node(page, &host->nodes[i], tenants);
	fputs("</div>\n", page->out);
	if (page->audit->host.n) {
		fputs("<h4>Findings of the host</h4>\n", page->out);
		vn_page_findings(page, &page->audit->host);
	}
	put_settings(page);
	int r = put_picture(page);
	fputs("</section>\n", page->out);
	return r;
}
