/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a VM's queues, workers, iothreads and interrupts are, for people. Each table is as wide as what is in it. */
#define _GNU_SOURCE
#include <string.h>

#include "../base/columns.h"
#include "../base/text.h"
#include "io.h"

#define WIDTH 80
#define INDENT 2
#define WIDEST 28u /* cells of a column */
#define COLUMNS 9u /* of the widest table */
#define UNKNOWN "-"

/* ---- tables ---- */

struct table {
	const char *const *heads; /* the last column is not filled up */
	size_t n_columns, n; /* n: cells */
	char **cells; /* owned; a row after the other; NULL: memory was short */
	bool failed;
};

static void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->n; i++)
		free(table->cells[i]);
	free(table->cells);
}
#define autotable vn_cleanup(table_clear) struct table

/* Takes the text over. */
static void put(struct table *table, char *text)
{
	char **grown = reallocarray(table->cells, table->n + 1, sizeof(*grown));

	if (!grown) {
		free(text);
		table->failed = true;
		return;
	}
	table->cells = grown;
	table->cells[table->n++] = text;
}

static void put_number(struct table *table, int number)
{
	put(table, number >= 0 ? vn_format("%d", number) : vn_copy(UNKNOWN));
}

static void put_set(struct table *table, hwloc_const_bitmap_t set)
{
	put(table, set && !hwloc_bitmap_iszero(set) ? vn_set_text(set) : vn_copy(UNKNOWN));
}

static void print_row(const struct table *table, const size_t *widths, const char *const *cells, FILE *out)
{
	fprintf(out, "%*s", INDENT, "");
	for (size_t c = 0; c + 1 < table->n_columns; c++) {
		vn_put_columns(cells[c] ? cells[c] : "?", widths[c], out);
		fputs("  ", out);
	}
	const char *last = cells[table->n_columns - 1];
	fprintf(out, "%s\n", last ? last : "?");
}

static void print_table(const struct table *table, FILE *out)
{
	size_t widths[COLUMNS] = {0};

	if (table->failed || table->n == 0)
		return;
	for (size_t c = 0; c < table->n_columns; c++)
		widths[c] = strlen(table->heads[c]);
	for (size_t i = 0; i < table->n; i++) {
		size_t has = table->cells[i] ? vn_columns(table->cells[i]) : 1,
		       *width = &widths[i % table->n_columns];
		*width = has > *width ? has : *width;
		*width = *width > WIDEST ? WIDEST : *width;
	}
	print_row(table, widths, table->heads, out);
	for (size_t i = 0; i < table->n; i += table->n_columns)
		print_row(table, widths, (const char *const *)(table->cells + i), out);
}

/* ---- what is in them ---- */

static char *verdict_of(const struct vn_io_place *place)
{
	vn_autofree char *nodes = place->nodes ? vn_set_text(place->nodes) : NULL;
	bool several = vn_set_weight(place->nodes) > 1;

	switch (place->verdict) {
	case VN_IO_HOME:
		return vn_copy("home");
	case VN_IO_ON_VCPU:
		return vn_copy("on its vCPU");
	case VN_IO_ELSEWHERE:
	case VN_IO_FLOATS:
		return vn_format("%s (node%s %s)", vn_io_verdict_name(place->verdict), several ? "s" : "",
			nodes ? nodes : "?");
	case VN_IO_UNKNOWN:
		break;
	}
	return vn_format("unknown: %s", place->why ? place->why : "?");
}

/* Where it was seen to run; or was last. */
static void put_ran(struct table *table, const struct vn_thread_sample *thread)
{
	if (thread && thread->ran_on && !hwloc_bitmap_iszero(thread->ran_on))
		put_set(table, thread->ran_on);
	else
		put_number(table, thread ? thread->cpu : -1);
}

static void put_place(
	struct table *table, const struct vn_io_place *place, const struct vn_thread_sample *ran)
{
	put_set(table, place->cpus);
	put_set(table, place->cpus ? place->nodes : NULL);
	put_ran(table, ran);
	put(table, verdict_of(place));
}

static void print_nic(const struct vn_io_nic *nic, FILE *out)
{
	static const char *const heads[] = {
		"queue", "vCPUs", "vnode", "home", "worker", "CPUs", "nodes", "ran on", "verdict"};
	const struct vn_nic_sample *of = nic->nic;
	autotable table = {.heads = heads, .n_columns = sizeof(heads) / sizeof(*heads)};

	fprintf(out, "\nnetwork interface %s: %s", of->name[0] ? of->name : "(its name is not known)",
		of->vhost ? "vhost" : "no vhost");
	if (of->vnode >= 0)
		fprintf(out, ", vnode %d", of->vnode);
	if (of->bridge[0])
		fprintf(out, ", bridge %s", of->bridge);
	if (of->physical[0])
		fprintf(out, ", on %s", of->physical);
	if (of->physical[0] && of->node >= 0)
		fprintf(out, " of node %d", of->node);
	fputc('\n', out);
	for (size_t q = 0; q < nic->n_queues; q++) {
		const struct vn_io_queue *queue = &nic->queues[q];
		put_number(&table, (int)queue->queue->queue);
		put_set(&table, queue->vcpus);
		put_number(&table, queue->place.vnode);
		put_set(&table, queue->place.home);
		put_number(&table, queue->worker ? queue->worker->tid : -1);
		put_place(&table, &queue->place, queue->worker);
	}
	print_table(&table, out);
}

static void print_threads(const struct vn_io *io, enum vn_thread_kind kind, const char *title, FILE *out)
{
	static const char *const heads[] = {
		"name", "thread", "vnode", "home", "CPUs", "nodes", "ran on", "verdict"};
	autotable table = {.heads = heads, .n_columns = sizeof(heads) / sizeof(*heads)};

	for (size_t i = 0; i < io->n_threads; i++) {
		const struct vn_io_thread *thread = &io->threads[i];
		if (thread->thread->kind != kind)
			continue;
		put(&table, vn_copy(thread->thread->name[0] ? thread->thread->name : UNKNOWN));
		put_number(&table, thread->thread->tid);
		put_number(&table, thread->place.vnode);
		put_set(&table, thread->place.home);
		put_place(&table, &thread->place, thread->thread);
	}
	if (table.n)
		fprintf(out, "\n%s\n", title);
	print_table(&table, out);
	for (size_t i = 0; i < io->n_threads; i++) {
		if (io->threads[i].thread->kind == kind && io->threads[i].disks) {
			vn_autofree char *text =
				vn_format("%s: %s", io->threads[i].thread->name, io->threads[i].disks);
			fprintf(out, "%*s", INDENT, "");
			vn_put_wrapped(text ? text : "?", INDENT, 2 * INDENT, WIDTH, out);
		}
	}
}

static void print_device(const struct vn_io_device *device, FILE *out)
{
	static const char *const heads[] = {"interrupt", "home", "CPUs", "nodes", "placed by", "verdict"};
	const struct vn_device_sample *of = device->device;
	autotable table = {.heads = heads, .n_columns = sizeof(heads) / sizeof(*heads)};

	fprintf(out, "\ndevice %s", of->address);
	if (of->node >= 0)
		fprintf(out, " of node %d", of->node);
	if (of->vnode >= 0)
		fprintf(out, ", vnode %d", of->vnode);
	fputs(device->n_irqs ? "\n" : ": no interrupts\n", out);
	for (size_t i = 0; i < device->n_irqs; i++) {
		const struct vn_io_irq *irq = &device->irqs[i];
		put_number(&table, (int)irq->irq->number);
		put_set(&table, irq->place.home);
		put_set(&table, irq->place.cpus);
		put_set(&table, irq->place.cpus ? irq->place.nodes : NULL);
		put(&table, vn_copy(irq->irq->managed ? "kernel" : "anyone"));
		put(&table, verdict_of(&irq->place));
	}
	print_table(&table, out);
}

/* ---- the end ---- */

static void print_sum(const struct vn_io *io, const char *word, FILE *out)
{
	struct vn_io_count counts = vn_io_counts(io);
	unsigned all = counts.home + counts.away + counts.unknown;

	fputc('\n', out);
	if (all == 0) {
		fputs("No vhost workers, iothreads or interrupts of devices.\n", out);
		return;
	}
	fprintf(out, "%u of %u at home", counts.home, all);
	if (counts.unknown)
		fprintf(out, ", %u not known", counts.unknown);
	fputs(".\n", out);
	if (counts.mended)
		fprintf(out, "'vnuma io %s --set' brings %u thread%s home.\n", word, counts.mended,
			counts.mended == 1 ? "" : "s");
	if (counts.irqs)
		fprintf(out, "'vnuma io %s --set --irqs' brings %u interrupt%s home%s.\n", word, counts.irqs,
			counts.irqs == 1 ? "" : "s", counts.mended ? ", too" : "");
}

void vn_io_print(const struct vn_io *io, const char *word, FILE *out)
{
	fprintf(out, "%s (process %d)\n", io->vm->name, io->vm->process.pid);
	for (size_t i = 0; i < io->n_nics; i++)
		print_nic(&io->nics[i], out);
	print_threads(io, VN_THREAD_VHOST, "vhost workers that are no queue's, as far as is known", out);
	print_threads(io, VN_THREAD_IOTHREAD, "iothreads", out);
	for (size_t i = 0; i < io->n_devices; i++)
		print_device(&io->devices[i], out);
	if (io->notes.n)
		fputc('\n', out);
	for (size_t i = 0; i < io->notes.n; i++) {
		vn_autofree char *text = vn_format("%s [%s]", io->notes.v[i].text, io->notes.v[i].code);
		fputs("note: ", out);
		vn_put_wrapped(text ? text : "?", 6, INDENT, WIDTH, out);
	}
	print_sum(io, word, out);
}
