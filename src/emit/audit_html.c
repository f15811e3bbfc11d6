/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page from top to bottom: the verdict, the host, the list of VMs, each VM, what could not be read. */
#define _GNU_SOURCE
#include "audit_html.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "../model/host_words.h"
#include "audit_html_part.h"

#define OPEN_VMS 3u /* unfolded at first: the worst */

static void put_header(const struct vn_page *page, const char *title)
{
	const struct vn_sample *sample = page->audit->sample;
	vn_autofree char *totals = vn_host_totals(sample->host);
	time_t taken = (time_t)sample->taken;
	struct tm tm;
	char when[40] = "at a time not known";

	if (gmtime_r(&taken, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	fputs("<a class=\"skip\" href=\"#vms\">to the VMs</a>\n<header><h1>", page->out);
	vn_page_text(page, title);
	fputs("</h1>\n<p>", page->out);
	vn_page_text(page, totals ? totals : "?");
	fprintf(page->out, "</p>\n<p class=\"dim\">%s; ", when);
	if (sample->pages)
		fprintf(page->out, "%u page%s of each block looked at, seed %" PRIu64 ", intervals of 99%%; ",
			sample->pages, sample->pages == 1 ? "" : "s", sample->seed);
	else
		fputs("all pages looked at; ", page->out);
	if (sample->interval_ns)
		fprintf(page->out, "threads during %.1f s", (double)sample->interval_ns / 1e9);
	else
		fputs("threads once", page->out);
	fputs("</p></header>\n<main>\n", page->out);
}

/* ---- the list ---- */

/* A figure with what it is sorted by; unknown is sorted last. */
static void put_figure(
	const struct vn_page *page, bool known, double value, const char *text, const char *class)
{
	if (known)
		fprintf(page->out, "<td class=\"num%s\" data-v=\"%.6g\">%s</td>", class, value, text);
	else
		fprintf(page->out, "<td class=\"num%s\" data-v=\"\">?</td>", class);
}

static void put_row_findings(const struct vn_page *page, const struct vn_vm_audit *vm)
{
	int worst = vn_findings_worst(&vm->findings);
	double cost = 0;

	for (size_t i = 0; i < vm->findings.n; i++)
		cost += vm->findings.v[i].cost;
	fprintf(page->out, "<td data-v=\"%.6g\">", (worst + 1) * 1e6 + cost);
	if (worst >= 0) {
		const char *severity = vn_severity_name((enum vn_severity)worst);
		fprintf(page->out, "<span class=\"badge %s\">%s</span> <code>%s</code>", severity, severity,
			vm->findings.v[0].code);
		if (vm->findings.n > 1)
			fprintf(page->out, " <span class=\"dim\">+%zu</span>", vm->findings.n - 1);
	} else {
		fputs("<span class=\"dim\">–</span>", page->out);
	}
	fputs("</td>", page->out);
}

static void put_row(const struct vn_page *page, const struct vn_vm_audit *vm)
{
	bool times = vn_vm_has_times(vm->vm), pages = vn_vm_has_pages(vm->vm);
	bool below = vm->below;
	vn_autoset homes = vn_vm_homes(vm);
	vn_autofree char *nodes = homes && !hwloc_bitmap_iszero(homes) ? vn_set_text(homes) : NULL;
	char text[VN_SIZE_TEXT];

	fputs("<tr data-vm=\"", page->out);
	vn_page_vm_id(page, vm->vm);
	fprintf(page->out, "\" data-n=\"%zu\"><td class=\"name\"><a href=\"#", vm->findings.n);
	vn_page_vm_id(page, vm->vm);
	fputs("\">", page->out);
	vn_page_text(page, vm->vm->name);
	fprintf(page->out, "</a></td><td class=\"wide\">%s</td>", vn_manager_name(vm->vm->manager));
	put_figure(page, vm->has_locality, vm->locality.share, vn_interval_text(&vm->locality, text),
		below ? " remoteink" : "");
	put_figure(page, pages, (double)vm->present, vn_size_text(vm->present, text), " wide");
	put_figure(page, vm->has_locality, (double)vm->remote, vn_size_text(vm->remote, text), "");
	put_figure(page, times, vm->cpus, vn_cpus_text(vm->cpus, text), " wide");
	put_figure(page, times, vm->waited, vn_cpus_text(vm->waited, text), " wide");
	fprintf(page->out, "<td class=\"wide\">%s</td>", nodes ? nodes : "?");
	put_row_findings(page, vm);
	fputs("</tr>\n", page->out);
}

static void put_list(const struct vn_page *page)
{
	fputs("<section id=\"vms\"><h2>VMs, the worst first</h2>\n"
	      "<div class=\"tools\" id=\"tools\" hidden=\"hidden\"><label>Find <input type=\"search\" id=\"filter\"/></label>"
	      "<label><input type=\"checkbox\" id=\"only\"/> only with findings</label>"
	      "<span class=\"dim\" id=\"count\" role=\"status\"></span></div>\n"
	      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"VMs\"><table id=\"list\"><thead><tr><th>VM</th>"
	      "<th class=\"wide\">manager</th><th class=\"num\">local</th><th class=\"num wide\">memory</th>"
	      "<th class=\"num\">remote</th><th class=\"num wide\">CPUs</th><th class=\"num wide\">wait</th>"
	      "<th class=\"wide\">home</th><th>findings</th></tr></thead><tbody>\n",
		page->out);
	for (size_t i = 0; i < page->audit->n_vms; i++)
		put_row(page, &page->audit->vms[i]);
	fputs("</tbody></table></div></section>\n", page->out);
}

/* ---- gaps ---- */

static int put_gaps(const struct vn_page *page)
{
	vn_autofree struct vn_gap *gaps = NULL;
	size_t n = 0;
	int r = vn_audit_gaps(page->audit, &gaps, &n);

	if (r < 0 || n == 0)
		return r;
	fputs("<section id=\"gaps\"><h2>Not read</h2>\n<ul>\n", page->out);
	for (size_t i = 0; i < n; i++) {
		fputs("<li>", page->out);
		if (gaps[i].n_vms == 1 && !gaps[i].of_host)
			vn_page_textf(page, "%s: ", gaps[i].first->name);
		else if (gaps[i].n_vms > 1)
			vn_page_textf(page, "%zu VMs: ", gaps[i].n_vms);
		vn_page_text(page, gaps[i].text);
		if (gaps[i].n_alike)
			vn_page_textf(page, " (and %zu more like this)", gaps[i].n_alike);
		fputs("</li>\n", page->out);
	}
	fputs("</ul></section>\n", page->out);
	return 0;
}

int vn_audit_print_html(const struct vn_audit *audit, FILE *out)
{
	const struct vn_page page = {audit, out};
	vn_autofree char *title = vn_audit_verdict(audit);

	if (!title)
		return -ENOMEM;
	vn_page_begin(&page, title);
	put_header(&page, title);
	int r = vn_page_host(&page);
	if (r < 0)
		return r;
	if (audit->n_vms) {
		put_list(&page);
		fputs("<section id=\"details\"><h2>Each VM</h2>\n", out);
		for (size_t i = 0; i < audit->n_vms; i++)
			vn_page_vm(&page, &audit->vms[i], i < OPEN_VMS && audit->vms[i].findings.n > 0);
		fputs("</section>\n", out);
	}
	r = put_gaps(&page);
	fputs("</main>\n<footer>vnuma " VN_VERSION "; what each finding means: docs/findings.md</footer>\n",
		out);
	vn_page_end(&page);
	return r;
}
