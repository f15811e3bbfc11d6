/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "audit_text.h"

#include <inttypes.h>
#include <string.h>

#include "../base/columns.h"
#include "../base/text.h"
#include "audit_known.h"
#include "host_text.h"

#define NAME_COLUMNS 20
#define TOLD_VMS 10u /* whose findings are told when nobody asked for all */

struct printer {
	const struct vn_audit *audit;
	const struct vn_audit_style *style;
	FILE *out;
};

enum ink { INK_BAD, INK_WARN, INK_MILD, INK_DIM, INK_BOLD };

static void ink(const struct printer *printer, enum ink ink)
{
	static const char *const codes[] = {"31;1", "33", "36", "2", "1"};

	if (printer->style->colour)
		fprintf(printer->out, "\033[%sm", codes[ink]);
}

static void plain(const struct printer *printer)
{
	if (printer->style->colour)
		fputs("\033[0m", printer->out);
}

static enum ink severity_ink(int severity)
{
	static const enum ink inks[] = {INK_DIM, INK_MILD, INK_WARN, INK_BAD};

	return inks[severity < 0 ? 0 : severity];
}

/* ---- the table ---- */

static void print_right(const struct printer *printer, const char *text, size_t columns)
{
	size_t taken = vn_columns(text);

	fprintf(printer->out, " %*s%s", (int)(columns > taken ? columns - taken : 0), "", text);
}

static void print_size(const struct printer *printer, bool known, uint64_t bytes)
{
	char size[VN_SIZE_TEXT];

	print_right(printer, known ? vn_size_text(bytes, size) : "?", 8);
}

static void print_cpus(const struct printer *printer, bool known, double cpus)
{
	char text[VN_SHARE_TEXT];

	print_right(printer, known ? vn_cpus_text(cpus, text) : "?", 5);
}

static void print_row(const struct printer *printer, const struct vn_vm_audit *vm)
{
	bool times = vn_vm_has_times(vm->vm), pages = vn_vm_has_pages(vm->vm);
	bool below = vm->below;
	int worst = vn_findings_worst(&vm->findings);
	vn_autoset homes = vn_vm_homes(vm);
	vn_autofree char *nodes = homes && !hwloc_bitmap_iszero(homes) ? vn_set_text(homes) : NULL;
	char share[VN_SHARE_TEXT];

	vn_put_columns(vm->vm->name, NAME_COLUMNS, printer->out);
	if (below)
		ink(printer, INK_BAD);
	print_right(printer, vm->has_locality ? vn_interval_text(&vm->locality, share) : "?", 11);
	plain(printer);
	print_size(printer, pages, vm->present);
	print_size(printer, vm->has_locality, vm->remote);
	print_cpus(printer, times, vm->cpus);
	print_cpus(printer, times, vm->waited);
	fputs("  ", printer->out);
	vn_put_columns(nodes ? nodes : "?", 7, printer->out);
	fputc(' ', printer->out);
	if (worst >= 0)
		ink(printer, severity_ink(worst));
	fputs(worst >= 0 ? vn_severity_name((enum vn_severity)worst) : "-", printer->out);
	if (worst >= 0)
		plain(printer);
	fputc('\n', printer->out);
}

static void print_table(const struct printer *printer)
{
	if (printer->audit->n_vms == 0)
		return;
	ink(printer, INK_BOLD);
	fprintf(printer->out, "%-*s %11s %8s %8s %5s %5s  %-7s %s", NAME_COLUMNS, "VM", "local", "memory",
		"remote", "CPUs", "wait", "home", "worst");
	plain(printer);
	fputc('\n', printer->out);
	for (size_t i = 0; i < printer->audit->n_vms; i++)
		print_row(printer, &printer->audit->vms[i]);
}

/* ---- findings ---- */

/* A line for each command of the fix: a shell goes on behind `&&`. */
static void print_fix(const struct printer *printer, const char *fix)
{
	const char *label = "    fix: ";

	while (*fix) {
		const char *joint = strstr(fix, " && ");
		size_t length = joint ? (size_t)(joint - fix) + strlen(" &&") : strlen(fix);
		fputs(label, printer->out);
		ink(printer, INK_BOLD);
		fprintf(printer->out, "%.*s", (int)length, fix);
		plain(printer);
		fputc('\n', printer->out);
		fix += length;
		fix += strspn(fix, " ");
		label = "         ";
	}
}

static void print_finding(const struct printer *printer, const struct vn_finding *finding)
{
	ink(printer, severity_ink((int)finding->severity));
	fprintf(printer->out, "  %-6s", vn_severity_name(finding->severity));
	plain(printer);
	fprintf(printer->out, "  %s", finding->code);
	if (finding->cost >= 0.005)
		fprintf(printer->out, ", costs %.2f CPUs", finding->cost);
	fputs("\n    ", printer->out);
	vn_put_wrapped(finding->text ? finding->text : "", 4, 4, VN_SCREEN, printer->out);
	if (finding->fix)
		print_fix(printer, finding->fix);
}

/* "db1 (pid 1234, libvirt)" */
static void print_head(const struct printer *printer, const struct vn_vm_sample *vm)
{
	vn_autofree char *head = vn_format("%s (pid %d%s%s)", vm->name, (int)vm->process.pid,
		vm->manager == VN_MANAGER_NONE ? "" : ", ",
		vm->manager == VN_MANAGER_NONE ? "" : vn_manager_name(vm->manager));

	fputc('\n', printer->out);
	ink(printer, INK_BOLD);
	vn_put_wrapped(head ? head : vm->name, 0, 0, VN_SCREEN, printer->out);
	plain(printer);
}

static void print_findings(const struct printer *printer)
{
	const struct vn_audit *audit = printer->audit;
	size_t told = 0, left = 0, left_vms = 0;

	for (size_t i = 0; i < audit->n_vms; i++) {
		const struct vn_vm_audit *vm = &audit->vms[i];
		if (vm->findings.n == 0)
			continue;
		if (!printer->style->all && told == TOLD_VMS) {
			left += vm->findings.n;
			left_vms++;
			continue;
		}
		told++;
		print_head(printer, vm->vm);
		for (size_t k = 0; k < vm->findings.n; k++)
			print_finding(printer, &vm->findings.v[k]);
	}
	if (left) {
		fprintf(printer->out, "\n%zu more finding%s of %zu VM%s that cost less: ", left,
			left == 1 ? "" : "s", left_vms, left_vms == 1 ? "" : "s");
		fputs("name a VM to see them, or use --html.\n", printer->out);
	}
	if (audit->host.n) {
		fputc('\n', printer->out);
		ink(printer, INK_BOLD);
		fputs("this host", printer->out);
		plain(printer);
		fputc('\n', printer->out);
	}
	for (size_t i = 0; i < audit->host.n; i++)
		print_finding(printer, &audit->host.v[i]);
}

/* ---- what vnuma did ---- */

/* What `vnuma undo` takes it by: its pid where a shell, or vnuma itself, could take its name for something else. */
static char *word_of(const struct vn_audit *audit, const struct vn_vm_sample *vm)
{
	bool named =
		vm->name_is_plain && vm->name[0] != '-' && strspn(vm->name, "0123456789") < strlen(vm->name);

	for (size_t i = 0; i < audit->sample->n_vms; i++) {
		const struct vn_vm_sample *other = &audit->sample->vms[i];
		named = named && (other == vm || strcmp(other->name, vm->name) != 0);
	}
	return named ? vn_copy(vm->name) : vn_format("%d", (int)vm->process.pid);
}

/* VMs that are not where they were started are told as such, whatever is wrong with them. */
static void print_moved(const struct printer *printer)
{
	const char *before = "\n";

	for (size_t i = 0; i < printer->audit->n_vms; i++) {
		const struct vn_vm_sample *vm = printer->audit->vms[i].vm;
		if (!vn_was_moved(&vm->moved))
			continue;
		vn_autofree char *word = word_of(printer->audit, vm), *moved = vn_moved_text(&vm->moved);
		vn_autofree char *text = vn_format("%s: %s", vm->name, moved ? moved : "moved by vnuma");
		fputs(before, printer->out);
		vn_put_wrapped(text ? text : vm->name, 0, 2, VN_SCREEN, printer->out);
		fprintf(printer->out, "    back: vnuma undo %s\n", word ? word : "?");
		before = "";
	}
}

/* ---- what could not be read ---- */

static char *gap_text(const struct vn_gap *gap)
{
	vn_autofree char *whose = NULL, *alike = NULL;

	if (gap->n_vms == 1 && !gap->of_host)
		whose = vn_format("%s: ", gap->first->name);
	else if (gap->n_vms > 1)
		whose = vn_format("%zu VMs: ", gap->n_vms);
	if (gap->n_alike)
		alike = vn_format(" (and %zu more like this)", gap->n_alike);
	return vn_format("%s%s%s", whose ? whose : "", gap->text, alike ? alike : "");
}

static void print_gaps(const struct printer *printer)
{
	vn_autofree struct vn_gap *gaps = NULL;
	size_t n = 0;

	if (vn_audit_gaps(printer->audit, &gaps, &n) < 0 || n == 0)
		return;
	fputs("\nnot read:\n", printer->out);
	for (size_t i = 0; i < n; i++) {
		vn_autofree char *text = gap_text(&gaps[i]);
		fputs("  ", printer->out);
		vn_put_wrapped(text ? text : gaps[i].text, 2, 4, VN_SCREEN, printer->out);
	}
}

/* ---- all ---- */

static void print_verdict(const struct printer *printer)
{
	vn_autofree char *verdict = vn_audit_verdict(printer->audit);

	if (printer->audit->n_vms)
		fputc('\n', printer->out);
	vn_autofree char *sentence = vn_format("%s.", verdict ? verdict : "?");
	vn_put_wrapped(sentence ? sentence : "?", 0, 0, VN_SCREEN, printer->out);
}

static void print_how(const struct printer *printer)
{
	const struct vn_sample *sample = printer->audit->sample;
	vn_autofree char *pages = sample->pages ? vn_format("%u page%s a block, seed %" PRIu64, sample->pages,
							  sample->pages == 1 ? "" : "s", sample->seed)
						: vn_copy("all pages");
	vn_autofree char *text = sample->interval_ns
					 ? vn_format("Looked at: %s; threads during %.1f s.",
						   pages ? pages : "?", (double)sample->interval_ns / 1e9)
					 : vn_format("Looked at: %s; threads once.", pages ? pages : "?");

	if (printer->audit->n_vms == 0)
		return;
	ink(printer, INK_DIM);
	vn_put_wrapped(text ? text : "?", 0, 0, VN_SCREEN, printer->out);
	plain(printer);
}

void vn_audit_print(const struct vn_audit *audit, const struct vn_audit_style *style, FILE *out)
{
	const struct printer printer = {audit, style, out};

	print_table(&printer);
	print_findings(&printer);
	print_moved(&printer);
	print_gaps(&printer);
	print_verdict(&printer);
	print_how(&printer);
}
