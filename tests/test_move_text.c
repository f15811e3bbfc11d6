/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A move in words: what stands in which line, and that lines fit a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/model/move_text.h"
#include "move_maker.h"
#include "text_asserts.h"

#define COLUMNS 80

static struct vn_move *make(void)
{
	json_auto_t *json = json_loads(move_sample, JSON_REJECT_DUPLICATES, NULL);
	struct vn_move *move = NULL;

	assert_int_equal(vn_move_from_json(json, "a.move", &move, NULL), 0);
	return move;
}

__attribute__((noinline)) static char *text_of(
	void (*print)(const struct vn_move *move, FILE *out), const struct vn_move *move)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(move, out);
	fclose(out);
	return text;
}

static void assert_fits(const char *text)
{
	for (size_t n; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n > COLUMNS)
			fail_msg("%zu columns: %.*s", n, (int)n, text);
	}
}

static void steps_are_by_vnode(void **state)
{
	(void)state;
	vn_automove *move = make();
	/* QEMU maps the later block below the earlier one */
	move->ranges[0].vnode = 1;
	move->ranges[2].vnode = 0;
	move->limits.rate = UINT64_C(1000000000000);
	vn_autofree char *text = text_of(vn_move_print_steps, move);
	assert_fits(text);
	assert_has(text, "db (process 4711): vnode 0 to node 2, vnode 1 to node 0\n");
	assert_has(text, "  guest's eth0 tx-1        CPUs (none) -> 0,2\n");
	assert_has(text, "  guest's interrupt 27     CPUs 1 -> 0,2\n");
	assert_has(text, "\n  vCPU 0                   CPUs 0-3 -> 4\n");
	assert_has(text, "\n  vhost worker 0           CPUs 7, as they are\n");
	assert_has(text, "\n  interrupt 33             CPUs 0 -> 4\n");
	const char *first = strstr(text, "memory of vnode 0");
	assert_non_null(first);
	const char *last = strstr(first, "memory of vnode 1"); /* behind it */
	assert_non_null(last);
	assert_null(strstr(last, "memory of vnode 0"));
	assert_has(text, "\n  in all ");
	assert_has(text, "\n                           no call longer than 5 ms, at most 1000000 MB/s\n");
}

/* Nothing is promised that the kernel would refuse. */
static void what_is_pinned_is_not_promised(void **state)
{
	(void)state;
	vn_automove *move = make();
	assert_int_equal(vn_notes_add(&move->notes, "devices-pin-memory", "it has 1 device of the host"), 0);
	vn_autofree char *text = text_of(vn_move_print_steps, move);
	assert_fits(text);
	assert_has(text, " elsewhere\n");
	assert_has(text, ", as a rule pinned: then none of it moves\n");
	assert_null(strstr(text, " to move\n"));
	assert_null(strstr(text, "below 1 s"));
}

/* Only vCPUs that leave, by a move of memory, most of which is elsewhere and pinned. */
static void vcpus_are_not_to_leave_what_is_pinned(void **state)
{
	(void)state;
	vn_automove *move = make();
	for (size_t i = 0; i < move->n_blocks;
		i++) { /* most is not there: of virtio-mem, say, that is not plugged */
		if (move->blocks[i].n_before == 0)
			continue;
		move->blocks[i].n_before = 1;
		move->blocks[i].before[0].bytes = move->blocks[i].size / 16;
		move->blocks[i].before[0].node = 3;
	}
	uint64_t all = vn_move_to_go(move);
	assert_true(all > 0);
	assert_false(vn_move_strands(move, all)); /* no device */
	assert_int_equal(vn_notes_add(&move->notes, "devices-pin-memory", "it has 1 device of the host"), 0);
	assert_true(vn_move_strands(move, all));
	assert_false(vn_move_strands(move, all / 2)); /* the rest would move */
	move->memory = false; /* --vcpus-now */
	assert_false(vn_move_strands(move, all));
	move->memory = true;
	for (size_t i = 0; i < move->n_threads; i++)
		hwloc_bitmap_copy(move->thread_list[i].before, move->thread_list[i].after);
	assert_false(vn_move_strands(move, all)); /* they are there already */
}

static void what_is_there_is_told(void **state)
{
	(void)state;
	vn_automove *move = make();
	move->n_ranges = 1;
	move->ranges[0].node = 1;
	move->blocks[1].n_before = 1;
	vn_autofree char *text = text_of(vn_move_print_steps, move);
	assert_has(text, "\n  memory of vnode 0        512 MiB to node 1, there already\n");
	assert_has(text, "\n  in all                   nothing to move, as far as a sample tells\n");
	move->progress = (struct vn_move_progress){.total = 4096, .there = 4096};
	vn_autofree char *report = text_of(vn_move_print_report, move);
	assert_has(report, "db: no memory moved\n");
	vn_autofree char *progress = text_of(vn_move_print_progress, move);
	assert_string_equal(progress, "0 B moved");
}

/* Not as a note: nothing is wrong. */
static void report_tells_why_nobody_looked(void **state)
{
	(void)state;
	vn_automove *move = make();
	move->order = VN_ORDER_ADDRESS;
	assert_int_equal(vn_notes_add(&move->notes, "look-left-out", "by address: so little"), 0);
	vn_autofree char *text = text_of(vn_move_print_report, move);
	assert_has(text, "the longest call 5.0 ms\n  by address: so little\n");
	vn_autofree char *notes = text_of(vn_move_print_notes, move);
	assert_has_not(notes, "by address");
	assert_has(notes, "policy-stays");
	move->phase = VN_MOVE_UNDOING;
	vn_autofree char *back = text_of(vn_move_print_report, move);
	assert_has_not(back, "by address");
}

static void report_tells_what_stayed(void **state)
{
	(void)state;
	vn_automove *move = make();
	vn_autofree char *text = text_of(vn_move_print_report, move);
	assert_fits(text);
	assert_has(text, "db: 3 threads on their new CPUs\n");
	assert_has(text,
		"db: 8 KiB moved in 1.0 s (0 MB/s), the longest call 5.0 ms\n  hottest first (idleness)\n");
	for (unsigned reason = 0; reason < VN_STAYED_N; reason++) {
		vn_autofree char *name = vn_format(" stayed (%s)", vn_stayed_name((enum vn_stayed)reason));
		assert_has(text, name);
	}
	move->phase = VN_MOVE_UNDOING;
	move->threads =
		false; /* the last move was one of memory alone: undo brings threads back all the same */
	vn_autofree char *back = text_of(vn_move_print_report, move);
	assert_has(back, "db: 3 threads on their CPUs again\n");
	assert_has_not(back, "hottest");
	for (size_t i = 0; i < move->n_threads; i++)
		assert_int_equal(
			hwloc_bitmap_copy(move->thread_list[i].after, move->thread_list[i].before), 0);
	vn_autofree char *same = text_of(vn_move_print_report, move);
	assert_has(same, "db: 3 threads: CPUs as before\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_by_vnode),
		cmocka_unit_test(what_is_pinned_is_not_promised),
		cmocka_unit_test(vcpus_are_not_to_leave_what_is_pinned),
		cmocka_unit_test(what_is_there_is_told),
		cmocka_unit_test(report_tells_why_nobody_looked),
		cmocka_unit_test(report_tells_what_stayed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
