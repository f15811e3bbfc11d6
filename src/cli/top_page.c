/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All about one VM: lines of text first, of which those are drawn that the screen has room for. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <string.h>

#include "../base/columns.h"
#include "../base/text.h"
#include "top_view.h"

#define NODES_SHOWN 8u

/* A line begins with the letter of its ink. */
static const char ink_letters[] = {[VN_SCREEN_PLAIN] = ' ',
	[VN_SCREEN_BOLD] = 'b',
	[VN_SCREEN_DIM] = 'd',
	[VN_SCREEN_BAR] = 'B',
	[VN_SCREEN_BAD] = 'h',
	[VN_SCREEN_WARN] = 'm',
	[VN_SCREEN_MILD] = 'l'};

static void write_lines(FILE *out, enum vn_screen_ink ink, int columns, const char *text, size_t indent)
{
	vn_autofree char *wrapped = NULL;
	size_t length = 0;
	FILE *lines = open_memstream(&wrapped, &length);

	if (!lines)
		return;
	fprintf(lines, "%*s", (int)indent, "");
	vn_put_wrapped(text, indent, indent, columns > 20 ? (size_t)columns : 20, lines);
	if (fclose(lines) != 0)
		return;
	for (char *line = wrapped, *end; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		fprintf(out, "%c%.*s\n", ink_letters[ink], (int)(end - line), line);
		if (!*end)
			break;
	}
}

static void write_facts(FILE *out, const struct vn_vm_audit *vm, int columns)
{
	const struct vn_vm_sample *sample = vm->vm;
	char share[VN_SHARE_TEXT], memory[VN_SIZE_TEXT], remote[VN_SIZE_TEXT];
	vn_autofree char *who = vn_format("%s  pid %d%s%s%s%s", sample->name, (int)sample->process.pid,
		sample->manager ? ", " : "", sample->manager ? vn_manager_name(sample->manager) : "",
		*sample->accel ? ", " : "", sample->accel);
	vn_autofree char *what = vn_format("local %s, %s there, %s remote%s",
		vm->has_locality ? vn_interval_text(&vm->locality, share) : "?",
		vn_vm_has_pages(sample) ? vn_size_text(vm->present, memory) : "?",
		vm->has_locality ? vn_size_text(vm->remote, remote) : "?",
		vn_vm_has_times(sample) ? "" : "; times of vCPUs not known");

	write_lines(out, VN_SCREEN_BOLD, columns, who ? who : "?", 0);
	write_lines(out, VN_SCREEN_PLAIN, columns, what ? what : "?", 0);
	vn_autofree char *moved = vn_was_moved(&sample->moved) ? vn_moved_text(&sample->moved) : NULL;
	if (moved)
		write_lines(out, VN_SCREEN_PLAIN, columns, moved, 0);
	fputs(" \n", out);
}

static void write_findings(FILE *out, const struct vn_findings *findings, int columns)
{
	static const enum vn_screen_ink inks[] = {
		VN_SCREEN_DIM, VN_SCREEN_MILD, VN_SCREEN_WARN, VN_SCREEN_BAD};

	for (size_t i = 0; i < findings->n; i++) {
		const struct vn_finding *finding = &findings->v[i];
		vn_autofree char *cost =
			finding->cost >= 0.005 ? vn_format(", costs %.2f CPUs", finding->cost) : NULL;
		vn_autofree char *head = vn_format(
			"%s  %s%s", vn_severity_name(finding->severity), finding->code, cost ? cost : "");
		write_lines(out, inks[finding->severity], columns, head ? head : finding->code, 0);
		write_lines(out, VN_SCREEN_PLAIN, columns, finding->text ? finding->text : "", 2);
		if (finding->fix)
			write_lines(out, VN_SCREEN_BOLD, columns, finding->fix, 2);
	}
	if (findings->n)
		fputs(" \n", out);
}

/* Nodes that get a column: the first, and the rest is told as "others". */
static void write_vnodes(FILE *out, const struct vn_host *host, const struct vn_vm_audit *vm)
{
	size_t shown = host->n_nodes < NODES_SHOWN ? host->n_nodes : NODES_SHOWN;
	char size[VN_SIZE_TEXT], share[VN_SHARE_TEXT];

	fprintf(out, "%c%-6s %4s %11s", ink_letters[VN_SCREEN_DIM], "vnode", "home", "local");
	for (size_t k = 0; k < shown; k++)
		fprintf(out, " %*s %u", host->nodes[k].id < 10 ? 7 : 6, "node", host->nodes[k].id);
	fputs(shown < host->n_nodes ? "    others\n" : "\n", out);
	for (size_t i = 0; i < vm->n_vnodes; i++) {
		const struct vn_vnode_audit *vnode = &vm->vnodes[i];
		bool known = vn_vnode_has_pages(vm->vm, i, vm->n_vnodes);
		const char *local = vnode->has_local ? vn_interval_text(&vnode->local, share) : "?";
		uint64_t rest = 0;
		fprintf(out, " %-6zu ", i);
		fprintf(out, vnode->home >= 0 ? "%4d " : "   ? ", vnode->home);
		fprintf(out, "%*s%s", (int)(11 - vn_columns(local)), "", local);
		for (size_t k = 0; k < vnode->n_memory; k++)
			rest += vnode->memory[k].bytes;
		for (size_t k = 0; k < shown; k++) {
			uint64_t bytes = vn_bytes_on(vnode->memory, vnode->n_memory, host->nodes[k].id);
			rest -= bytes;
			fprintf(out, " %9s", !known ? "?" : bytes ? vn_size_text(bytes, size) : "-");
		}
		if (shown < host->n_nodes)
			fprintf(out, " %9s", !known ? "?" : vn_size_text(rest, size));
		fputc('\n', out);
	}
	fputs(" \n", out);
}

static void write_percent(FILE *out, const struct vn_thread_sample *thread, uint64_t ns, uint64_t interval)
{
	if (thread->has_times && interval)
		fprintf(out, " %4.0f%%", 100 * (double)ns / (double)interval);
	else
		fputs("     ?", out);
}

static void write_threads(
	FILE *out, const struct vn_sample *sample, const struct vn_vm_sample *vm, int columns)
{
	size_t others = 0;

	if (vm->n_threads)
		fprintf(out, "%c%-13s %7s %5s %5s %5s %4s  %s\n", ink_letters[VN_SCREEN_DIM], "thread", "tid",
			"ran", "wait", "moves", "CPU", "may use");
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vn_thread_sample *thread = &vm->threads[i];
		if (thread->kind == VN_THREAD_OTHER) {
			others++;
			continue;
		}
		vn_autofree char *index = thread->index >= 0 ? vn_format(" %d", thread->index) : NULL;
		vn_autofree char *name =
			vn_format("%s%s", vn_thread_kind_name(thread->kind), index ? index : "");
		vn_autofree char *cpus = thread->cpus && hwloc_bitmap_weight(thread->cpus) >= 0
						 ? vn_set_text(thread->cpus)
						 : NULL;
		vn_autofree char *cut =
			vn_in_columns(cpus ? cpus : "?", columns > 60 ? (size_t)columns - 48 : 12);
		fprintf(out, " %-13s %7d", name ? name : "?", (int)thread->tid);
		write_percent(out, thread, thread->run_ns, sample->interval_ns);
		write_percent(out, thread, thread->wait_ns, sample->interval_ns);
		fprintf(out, thread->has_times ? " %5u" : "     ?", thread->migrations);
		fprintf(out, thread->cpu >= 0 ? " %4d" : "    ?", thread->cpu);
		fprintf(out, "  %s\n", cut ? cut : "?");
	}
	if (others)
		fprintf(out, "%cand %zu others of QEMU's\n", ink_letters[VN_SCREEN_DIM], others);
}

static void write_gaps(FILE *out, const struct vn_notes *gaps, int columns)
{
	if (gaps->n)
		fputs(" \ndnot read:\n", out);
	for (size_t i = 0; i < gaps->n; i++)
		write_lines(out, VN_SCREEN_DIM, columns, gaps->v[i].text ? gaps->v[i].text : "", 2);
}

static enum vn_screen_ink ink_of(char letter)
{
	for (size_t i = 0; i < sizeof(ink_letters); i++) {
		if (ink_letters[i] == letter)
			return (enum vn_screen_ink)i;
	}
	return VN_SCREEN_PLAIN;
}

/* Those from top->page_first on, which is kept within them. */
static void draw_lines(struct vn_top *top, struct vn_screen *screen, char *text, int rows)
{
	size_t n = 0, shown = rows > 1 ? (size_t)rows - 1 : 1, line = 0;

	for (const char *p = text; *p; p++)
		n += *p == '\n';
	if (top->page_first + shown > n)
		top->page_first = n > shown ? n - shown : 0;
	for (char *p = text, *end; *p; p = end + 1, line++) {
		end = strchr(p, '\n');
		if (!end)
			break;
		*end = 0;
		if (line >= top->page_first && line < top->page_first + shown)
			vn_screen_put(screen, (int)(line - top->page_first), 0, -1, ink_of(*p), p + 1);
	}
}

void vn_top_draw_page(struct vn_top *top, struct vn_screen *screen)
{
	const struct vn_vm_audit *vm = top->rows[vn_top_chosen(top)].vm;
	const struct vn_sample *sample = top->audit->sample;
	vn_autofree char *text = NULL;
	size_t length = 0;
	int rows, columns;

	vn_screen_size(screen, &rows, &columns);
	FILE *out = open_memstream(&text, &length);
	if (!out)
		return;
	write_facts(out, vm, columns);
	write_findings(out, &vm->findings, columns);
	write_vnodes(out, sample->host, vm);
	write_threads(out, sample, vm->vm, columns);
	write_gaps(out, &vm->vm->gaps, columns);
	if (fclose(out) != 0)
		return;
	draw_lines(top, screen, text, rows);
	vn_screen_put(screen, rows - 1, 0, -1, VN_SCREEN_DIM, "arrows: scroll  q: back  ?: help");
}
