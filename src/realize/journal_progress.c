/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How far a move is, in a file of its own that is replaced every so often: the journal is synced, and only changes with the phase. It is
 * shown and never acted on, so one that cannot be read is as good as none.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../model/json_reader.h"
#include "../model/move_json.h"
#include "journal_part.h"

#define SCHEMA "vnuma.progress/1"
#define PROGRESS_MAX ((size_t)16 << 10) /* bytes; an exe may be 4 KiB */

int vn_journal_progress(const struct vn_state *state, const struct vn_move *move)
{
	char file[VN_JOURNAL_NAME];
	json_auto_t *json = json_pack("{s:s, s:o, s:I, s:s, s:o, s:o}", "schema", SCHEMA, "process",
		vn_process_to_json(&move->process), "begun", (json_int_t)move->begun, "phase",
		vn_move_phase_name(move->phase), "order", vn_move_order_to_json(move), "progress",
		vn_move_progress_to_json(&move->progress));
	vn_autofree char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text)
		return -ENOMEM;
	vn_journal_name(&move->process, VN_JOURNAL_PROGRESS, file);
	return vn_state_put(state, file, text, strlen(text), false);
}

/* What is in the file into `told`. Whether all of it is sound. */
static bool read_told(const json_t *json, struct vn_move *told)
{
	struct vn_json_document document = {0};
	struct vn_json_reader in = {&document, NULL, NULL, -1, json};
	const char *schema = json_string_value(json_object_get(json, "schema"));
	uint64_t begun = 0;

	vn_process_read(&in, "process", &told->process);
	vn_json_number(&in, "begun", 0, INT64_MAX, "", &begun);
	told->begun = (int64_t)begun;
	told->phase = vn_move_phase_read(&in, "phase");
	vn_move_order_read(&in, "order", told);
	vn_move_progress_read(&in, "progress", &told->progress);
	return document.status == 0 && schema && strcmp(schema, SCHEMA) == 0;
}

void vn_journal_progress_read(const struct vn_state *state, struct vn_move *move)
{
	char file[VN_JOURNAL_NAME];
	vn_autofree char *text = NULL;
	vn_automove *told = vn_move_new();
	size_t size;

	vn_journal_name(&move->process, VN_JOURNAL_PROGRESS, file);
	if (!told || vn_state_get(state, file, PROGRESS_MAX, &text, &size) < 0)
		return;
	json_auto_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json) || !read_told(json, told))
		return;
	if (told->process.pid != move->process.pid || told->process.start_time != move->process.start_time ||
		told->begun != move->begun || told->phase != move->phase)
		return; /* of an earlier move, or of before the journal was last written */
	move->progress = told->progress;
	move->order = told->order;
	move->order_known = told->order_known;
}
