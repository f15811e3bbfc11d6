/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "move_text.h"

#include <inttypes.h>
#include <string.h>

#include "../base/columns.h"
#include "../base/text.h"

#define WIDTH 80
#define INDENT 4
#define LABEL 24 /* columns of what moves */

/*
 * What one thread of the kernel moves, for an estimate: 3.3 GB/s of 4K pages, 11 GB/s of 2M pages on a two-socket Zen 3
 * (facts on Linux's migration in docs/move.md), cut by half: calls are kept short, and somebody else works, too.
 */
#define RATE_SMALL 1.6e9
#define RATE_HUGE 5.5e9

/* ---- how much, how long ---- */

static const struct vn_move_block *block_of(const struct vn_move *move, const struct vn_move_range *range)
{
	for (size_t i = 0; i < move->n_blocks; i++) {
		const struct vn_move_block *block = &move->blocks[i];
		if (range->address >= block->address && range->address - block->address < block->size)
			return block;
	}
	return NULL;
}

/* What there is of a range, or only what is elsewhere than it should be; it is taken as an average piece of its block. */
static uint64_t range_bytes(const struct vn_move *move, const struct vn_move_range *range, bool elsewhere)
{
	const struct vn_move_block *block = block_of(move, range);
	uint64_t bytes = 0;

	if (!block || block->size == 0)
		return range->size;
	for (size_t i = 0; i < block->n_before; i++)
		bytes += elsewhere && block->before[i].node == range->node ? 0 : block->before[i].bytes;
	return (uint64_t)((double)range->size / (double)block->size * (double)bytes);
}

static uint64_t range_to_go(const struct vn_move *move, const struct vn_move_range *range)
{
	return range_bytes(move, range, true);
}

uint64_t vn_move_to_go(const struct vn_move *move)
{
	uint64_t bytes = 0;

	for (size_t i = 0; move->memory && i < move->n_ranges; i++)
		bytes += range_to_go(move, &move->ranges[i]);
	return bytes;
}

/* By a device of the host, as a rule all of it. */
static bool is_pinned(const struct vn_move *move)
{
	return vn_notes_has(&move->notes, "devices-pin-memory");
}

bool vn_move_strands(const struct vn_move *move, uint64_t pinned)
{
	double all = 0;
	bool leaves = false;

	for (size_t i = 0; i < move->n_ranges; i++)
		all += (double)range_bytes(
			move, &move->ranges[i], false); /* of virtio-mem only what is plugged */
	for (size_t i = 0; i < move->n_threads && !leaves; i++) {
		const struct vn_move_thread *thread = &move->thread_list[i];
		leaves = thread->kind == VN_THREAD_VCPU &&
			 !hwloc_bitmap_isequal(thread->before, thread->after);
	}
	return leaves && is_pinned(move) && (double)pinned >= 0.9 * all &&
	       (double)vn_move_to_go(move) > all / 2;
}

static double seconds_to_go(const struct vn_move *move)
{
	double seconds = 0, all = (double)vn_move_to_go(move);

	for (size_t i = 0; i < move->n_ranges; i++)
		seconds += (double)range_to_go(move, &move->ranges[i]) /
			   (move->ranges[i].page ? RATE_HUGE : RATE_SMALL);
	double capped = move->limits.rate ? all / (double)move->limits.rate : 0;
	return capped > seconds ? capped : seconds;
}

static void print_seconds(double seconds, FILE *out)
{
	if (seconds < 1)
		fputs("below 1 s", out);
	else if (seconds < 120)
		fprintf(out, "about %.0f s", seconds);
	else
		fprintf(out, "about %.0f min", seconds / 60);
}

/* ---- steps ---- */

static const char *kind_text(enum vn_thread_kind kind)
{
	static const char *const texts[] = {[VN_THREAD_VCPU] = "vCPU",
		[VN_THREAD_IOTHREAD] = "iothread",
		[VN_THREAD_VHOST] = "vhost worker",
		[VN_THREAD_EMULATOR] = "emulator",
		[VN_THREAD_MIGRATION] = "migration",
		[VN_THREAD_OTHER] = "other"};
	return texts[kind];
}

static bool same_step(const struct vn_move_thread *a, const struct vn_move_thread *b)
{
	return a->kind == b->kind && hwloc_bitmap_isequal(a->before, b->before) &&
	       hwloc_bitmap_isequal(a->after, b->after);
}

static void print_sets(hwloc_const_bitmap_t before, hwloc_const_bitmap_t after, FILE *out)
{
	vn_autofree char *from = vn_set_text(before), *to = vn_set_text(after);

	if (hwloc_bitmap_isequal(before, after))
		fprintf(out, "CPUs %s, as they are\n", to ? to : "?");
	else
		fprintf(out, "CPUs %s -> %s\n", !from ? "?" : *from ? from : "(none)", to ? to : "?");
}

/* Threads that stand behind each other and go the same way are one line: "vCPU 0-3   CPUs 0-7 -> 8-15". */
static void print_threads(const struct vn_move *move, FILE *out)
{
	for (size_t i = 0, end; i < move->n_threads; i = end) {
		const struct vn_move_thread *thread = &move->thread_list[i];
		char which[48] = "";
		for (end = i + 1; end < move->n_threads && same_step(thread, &move->thread_list[end]);)
			end++;
		int first = thread->index, last = move->thread_list[end - 1].index;
		if (first >= 0 && last > first)
			snprintf(which, sizeof(which), " %d-%d", first, last);
		else if (first >= 0 && thread->kind != VN_THREAD_EMULATOR)
			snprintf(which, sizeof(which), " %d", first);
		else if (end - i > 1)
			snprintf(which, sizeof(which), " (%zu threads)", end - i);
		vn_autofree char *what = vn_format("%s%s", kind_text(thread->kind), which);
		fprintf(out, "  %-*s ", LABEL, what ? what : "?");
		print_sets(thread->before, thread->after, out);
	}
	for (size_t i = 0; i < move->n_irqs; i++) {
		fprintf(out, "  interrupt %-*u ", LABEL - 10, move->irqs[i].number);
		print_sets(move->irqs[i].before, move->irqs[i].after, out);
	}
}

/* "guest's eth0 tx-1", "guest's interrupt 27"; its CPUs are vCPUs. */
static void print_guest_settings(const struct vn_move *move, FILE *out)
{
	for (size_t i = 0; i < move->n_guest_settings; i++) {
		const struct vn_guest_setting *setting = &move->guest_settings[i];
		char what[VN_GUEST_PATH];
		vn_autofree char *label = vn_format("guest's %s", vn_guest_path_short(setting->path, what));
		fprintf(out, "  %-*s ", LABEL, label ? label : "?");
		print_sets(setting->before, setting->after, out);
	}
}

/* By vnode; those of one lie by address. */
static void print_ranges(const struct vn_move *move, FILE *out)
{
	char size[VN_SIZE_TEXT], go[VN_SIZE_TEXT];
	size_t printed = 0;

	for (unsigned vnode = 0; printed < move->n_ranges; vnode++) {
		for (size_t i = 0; i < move->n_ranges; i++) {
			const struct vn_move_range *range = &move->ranges[i];
			if (range->vnode != vnode)
				continue;
			vn_autofree char *what = vn_format("memory of vnode %u", range->vnode);
			uint64_t bytes = range_to_go(move, range);
			fprintf(out, "  %-*s %s to node %u, ", LABEL, what ? what : "?",
				vn_size_text(range->size, size), range->node);
			if (bytes)
				fprintf(out, "about %s %s\n", vn_size_text(bytes, go),
					is_pinned(move) ? "elsewhere" : "to move");
			else
				fputs("there already\n", out);
			printed++;
		}
	}
}

static void print_sum(const struct vn_move *move, FILE *out)
{
	char size[VN_SIZE_TEXT];
	uint64_t bytes = vn_move_to_go(move);

	fprintf(out, "  %-*s ", LABEL, "in all");
	if (bytes == 0) {
		fputs("nothing to move, as far as a sample tells\n", out);
		return;
	}
	fprintf(out, "%s, ", vn_size_text(bytes, size));
	if (is_pinned(move))
		fputs("as a rule pinned: then none of it moves", out);
	else
		print_seconds(seconds_to_go(move), out);
	fputc('\n', out);
	fprintf(out, "  %-*s no call longer than %.3g ms", LABEL, "", move->limits.stall_us / 1e3);
	if (move->limits.rate)
		fprintf(out, ", at most %.0f MB/s", (double)move->limits.rate / 1e6);
	fputc('\n', out);
}

void vn_move_print_steps(const struct vn_move *move, FILE *out)
{
	fprintf(out, "%s (process %d):", move->name, move->process.pid);
	for (size_t i = 0; i < move->n_homes; i++)
		fprintf(out, "%s vnode %zu to node %u", i ? "," : "", i, move->homes[i]);
	fputc('\n', out);
	if (move->threads) {
		print_threads(move, out);
		print_guest_settings(move, out);
	}
	if (!move->memory)
		return;
	print_ranges(move, out);
	print_sum(move, out);
}

/* ---- report ---- */

static double rate_of(const struct vn_move_progress *progress)
{
	return progress->elapsed_ns ? (double)progress->moved / (double)progress->elapsed_ns * 1e9 : 0;
}

void vn_move_print_progress(const struct vn_move *move, FILE *out)
{
	const struct vn_move_progress *progress = &move->progress;
	char moved[VN_SIZE_TEXT], left[VN_SIZE_TEXT];
	double rate = rate_of(progress);

	fprintf(out, "%s moved", vn_size_text(progress->moved, moved));
	if (progress->left)
		fprintf(out, ", %s to look at", vn_size_text(progress->left, left));
	if (rate > 0)
		fprintf(out, ", %.0f MB/s", rate / 1e6);
	if (rate > 0 && progress->left) {
		fputs(", ", out);
		print_seconds((double)progress->left / rate, out);
		fputs(" left", out);
	}
}

static void print_stayed(const struct vn_move_progress *progress, FILE *out)
{
	char size[VN_SIZE_TEXT];

	for (int reason = 0; reason < VN_STAYED_N; reason++) {
		if (progress->stayed[reason] == 0)
			continue;
		vn_autofree char *text = vn_format("%s stayed (%s): %s.",
			vn_size_text(progress->stayed[reason], size), vn_stayed_name((enum vn_stayed)reason),
			vn_stayed_advice((enum vn_stayed)reason));
		fputs("  ", out);
		vn_put_wrapped(text ? text : "?", 2, INDENT, WIDTH, out);
	}
}

static void print_threads_moved(const struct vn_move *move, FILE *out)
{
	const char *name = move->name, *s = move->n_threads == 1 ? "" : "s";
	size_t changed = 0;

	for (size_t i = 0; i < move->n_threads; i++) {
		const struct vn_move_thread *thread = &move->thread_list[i];
		changed += !hwloc_bitmap_isequal(thread->before, thread->after);
	}
	if (changed == 0)
		fprintf(out, "%s: %zu thread%s: CPUs as before\n", name, move->n_threads, s);
	else if (move->phase == VN_MOVE_UNDOING)
		fprintf(out, "%s: %zu thread%s on their CPUs again\n", name, move->n_threads, s);
	else
		fprintf(out, "%s: %zu thread%s on their new CPUs\n", name, move->n_threads, s);
}

/* Why nobody looked which memory is used most: stands with the order, not among the notes. */
static bool is_of_order(const struct vn_note *note)
{
	return strcmp(note->code, "look-left-out") == 0;
}

static void print_order(const struct vn_move *move, FILE *out)
{
	if (!move->order_known || move->phase == VN_MOVE_UNDOING)
		return;
	if (move->order != VN_ORDER_ADDRESS)
		fprintf(out, "  hottest first (%s)\n", vn_move_order_name(move->order));
	for (size_t i = 0; i < move->notes.n; i++) {
		if (!is_of_order(&move->notes.v[i]))
			continue;
		fputs("  ", out);
		vn_put_wrapped(move->notes.v[i].text, 2, INDENT, WIDTH, out);
	}
}

static void print_memory_moved(const struct vn_move *move, FILE *out)
{
	const struct vn_move_progress *progress = &move->progress;
	char moved[VN_SIZE_TEXT], there[VN_SIZE_TEXT], absent[VN_SIZE_TEXT];

	if (progress->moved) {
		fprintf(out, "%s: %s moved in %.1f s (%.0f MB/s), the longest call %.1f ms\n", move->name,
			vn_size_text(progress->moved, moved), (double)progress->elapsed_ns / 1e9,
			rate_of(progress) / 1e6, (double)progress->longest_ns / 1e6);
		print_order(move, out);
	} else
		fprintf(out, "%s: no memory moved\n", move->name);
	fprintf(out, "  %s were there already, %s not touched yet\n", vn_size_text(progress->there, there),
		vn_size_text(progress->absent, absent));
	print_stayed(progress, out);
}

void vn_move_print_report(const struct vn_move *move, FILE *out)
{
	if (move->threads || (move->phase == VN_MOVE_UNDOING && move->n_threads))
		print_threads_moved(move, out);
	if (move->memory && move->progress.total)
		print_memory_moved(move, out);
}

void vn_move_print_notes(const struct vn_move *move, FILE *out)
{
	for (size_t i = 0; i < move->notes.n; i++) {
		const char *code = move->notes.v[i].code;
		bool of_undo = strcmp(code, "guest-left") == 0 || strcmp(code, "guest-changed") == 0;
		if (is_of_order(&move->notes.v[i]) || (move->phase == VN_MOVE_UNDOING && !of_undo))
			continue; /* of those of the move, all are about where it was to be */
		vn_autofree char *text = vn_format("%s [%s]", move->notes.v[i].text, move->notes.v[i].code);
		fputs("  note: ", out);
		vn_put_wrapped(text ? text : "?", 8, INDENT, WIDTH, out);
	}
}
