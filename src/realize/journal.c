/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "journal.h"

#include <fcntl.h>
#include <string.h>

#include "../base/checksum.h"
#include "../base/process.h"
#include "../base/text.h"
#include "journal_part.h"

#define JOURNAL_MAX ((size_t)64 << 20) /* bytes; 1024 vCPUs that may use each of 1024 CPUs are below 16 MiB */
#define CHECKSUM "checksum"
#define CHECKSUM_TEXT 17

const char *vn_journal_name(
	const struct vn_process *process, const char *suffix, char ret[static VN_JOURNAL_NAME])
{
	snprintf(ret, VN_JOURNAL_NAME, "%d-%llu%s", process->pid, (unsigned long long)process->start_time,
		suffix);
	return ret;
}

/* ---- the checksum ---- */

/* Of the object as it is, which has none. */
static int reckon(const json_t *json, char ret[static CHECKSUM_TEXT])
{
	vn_autofree char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);

	if (!text)
		return -ENOMEM;
	snprintf(ret, CHECKSUM_TEXT, "%016llx", (unsigned long long)vn_checksum(text, strlen(text)));
	return 0;
}

int vn_journal_seal(json_t *json)
{
	char text[CHECKSUM_TEXT];

	json_object_del(json, CHECKSUM);
	int r = reckon(json, text);
	return r < 0 ? r : json_object_set_new(json, CHECKSUM, json_string(text)) < 0 ? -ENOMEM : 0;
}

/* Takes the checksum out of the object. */
static int check_seal(json_t *json, struct vn_where *where, struct vn_error *err)
{
	json_auto_t *told = json_incref(json_object_get(json, CHECKSUM));
	char right[CHECKSUM_TEXT], quoted[VN_QUOTE_MAX];

	json_object_del(json, CHECKSUM);
	if (reckon(json, right) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (json_is_string(told) && strcmp(json_string_value(told), right) == 0)
		return 0;
	where->key = CHECKSUM;
	return vn_error_input(err, where,
		"%s; expected %s: it was damaged or changed, so nothing of it is used",
		json_is_string(told) ? vn_quote(json_string_value(told), quoted) : "missing", right);
}

/* ---- writing ---- */

static int fill_boot(const struct vn_move *move, json_t *json, struct vn_error *err)
{
	char boot[VN_BOOT_ID];
	int r = vn_boot_id(boot);

	if (r < 0)
		return vn_error_environment(
			err, r, "/proc/sys/kernel/random/boot_id cannot be read: %s", strerror(-r));
	if (*move->boot && strcmp(move->boot, boot) != 0)
		return vn_error_environment(
			err, -EINVAL, "the move of %s was begun in another boot, %s", move->name, move->boot);
	if (json_object_set_new(json, "boot", json_string(boot)) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return 0;
}

/* As it goes to disk, sealed, and known to be readable. */
static int to_text(const struct vn_move *move, const char *path, char **ret_text, struct vn_error *err)
{
	json_auto_t *json = vn_move_to_json(move);
	vn_automove *back = NULL;

	if (!json)
		return vn_error_environment(err, -ENOMEM,
			"%s: cannot be told as JSON: out of memory, or a name or path that is not UTF-8",
			move->name);
	int r = fill_boot(move, json, err);
	if (r == 0)
		r = vn_move_from_json(json, path, &back, err);
	if (r < 0)
		return r;
	char *text = vn_journal_seal(json) == 0 ? json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
	if (!text)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_text = text;
	return 0;
}

int vn_journal_write(const struct vn_state *state, const struct vn_move *move, struct vn_error *err)
{
	char file[VN_JOURNAL_NAME];
	vn_autofree char *path =
		vn_format("%s/%s", state->path, vn_journal_name(&move->process, VN_JOURNAL_MOVE, file));
	vn_autofree char *text = NULL;

	if (!path)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = to_text(move, path, &text, err);
	if (r < 0)
		return r;
	size_t size = strlen(text);
	r = size <= JOURNAL_MAX ? vn_state_put(state, file, text, size, true) : -EFBIG;
	if (r == -ENOSPC)
		return vn_error_environment(
			err, r, "%s: no space left for the journal of %s", state->path, move->name);
	if (r < 0)
		return vn_error_environment(err, r, "%s: cannot be written: %s", path, strerror(-r));
	/* what it told is in the journal, or older */
	unlinkat(state->fd, vn_journal_name(&move->process, VN_JOURNAL_PROGRESS, file), 0);
	return 0;
}

/* ---- reading ---- */

bool vn_journal_exists(const struct vn_state *state, const struct vn_process *process)
{
	char file[VN_JOURNAL_NAME];

	vn_journal_name(process, VN_JOURNAL_MOVE, file);
	return faccessat(state->fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int check_boot(const json_t *json, struct vn_where *where, struct vn_error *err)
{
	const char *told = json_string_value(json_object_get(json, "boot"));
	char boot[VN_BOOT_ID], quoted[VN_QUOTE_MAX];
	int r = vn_boot_id(boot);

	if (r < 0)
		return vn_error_environment(
			err, r, "/proc/sys/kernel/random/boot_id cannot be read: %s", strerror(-r));
	if (!told || strcmp(told, boot) == 0)
		return 0; /* what is missing is told with all else */
	where->key = "boot";
	return vn_error_input(err, where,
		"%s; expected this boot, %s: what it tells of ended with the other one",
		vn_quote(told, quoted), boot);
}

static int check_process(const struct vn_move *move, const struct vn_process *process, struct vn_where *where,
	struct vn_error *err)
{
	const struct vn_process *told = &move->process;

	where->key = "process";
	if (told->pid != process->pid || told->start_time != process->start_time)
		return vn_error_input(err, where,
			"process %d, started at %llu; expected %d, started at %llu, as the file's name says",
			told->pid, (unsigned long long)told->start_time, process->pid,
			(unsigned long long)process->start_time);
	if (told->exe && process->exe && strcmp(told->exe, process->exe) != 0)
		return vn_error_input(
			err, where, "runs %s; expected %s, as the process does", told->exe, process->exe);
	return 0;
}

/* Nothing of it is used before all of it was found right. */
static int from_json(json_t *json, const struct vn_process *process, const char *path,
	struct vn_move **ret_move, struct vn_error *err)
{
	struct vn_where where = {path, 0, NULL};
	vn_automove *move = NULL;
	int r = check_seal(json, &where, err);

	if (r == 0)
		r = check_boot(json, &where, err);
	if (r == 0)
		r = vn_move_from_json(json, path, &move, err);
	if (r == 0)
		r = check_process(move, process, &where, err);
	if (r < 0)
		return r;
	*ret_move = vn_steal(move);
	return 0;
}

int vn_journal_read(const struct vn_state *state, const struct vn_process *process, struct vn_move **ret_move,
	struct vn_error *err)
{
	char file[VN_JOURNAL_NAME];
	vn_autofree char *path =
		vn_format("%s/%s", state->path, vn_journal_name(process, VN_JOURNAL_MOVE, file));
	struct vn_where where = {path, 0, NULL};
	vn_autofree char *text = NULL;
	json_error_t wrong;
	size_t size;
	int r = path ? vn_state_get(state, file, JOURNAL_MAX, &text, &size) : -ENOMEM;

	if (r == -ENOENT)
		return r;
	if (r == -EFBIG)
		return vn_error_input(err, &where, "no file, or too large; expected the journal of a move");
	if (r < 0)
		return vn_error_environment(err, r, "%s/%s: %s", state->path, file, strerror(-r));
	json_auto_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &wrong);
	if (json_is_object(json))
		return from_json(json, process, path, ret_move, err);
	where.line = !json && wrong.line > 0 ? (unsigned)wrong.line : 0;
	return vn_error_input(err, &where, "%s; expected the journal of a move: nothing of it is used",
		json ? "no object" : wrong.text);
}

int vn_journal_remove(const struct vn_state *state, const struct vn_process *process, struct vn_error *err)
{
	/* the journal last: until then, the VM is one that vnuma changed */
	static const char *const suffixes[] = {VN_JOURNAL_PROGRESS, VN_JOURNAL_PAGES, VN_JOURNAL_MOVE};
	char file[VN_JOURNAL_NAME];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (unlinkat(state->fd, vn_journal_name(process, suffixes[i], file), 0) < 0 &&
			errno != ENOENT)
			return vn_error_environment(err, vn_errno(), "%s/%s: cannot be removed: %s",
				state->path, file, strerror(errno));
	}
	return 0;
}
