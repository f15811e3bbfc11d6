/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: `vif` and `pci` are lists of strings, and each string is settings with commas between them. Those that only we
 * know are taken out, and all other bytes stay. Seen on Xen 4.17: of `queues=`, `vhost=` and `type=tap` in a vif xl complains, and goes on
 * without them (tools/xl/xl_parse.c, parse_nic_config()); a pci with `vnode=` it does not start (tools/libs/util/libxlu_pci.c).
 *
 * The settings are looked for in the text, not in what was read of it: an escape in a string stays as it was written. No setting of
 * ours needs one.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "emit_xl_part.h"

/* A setting within a string of the text: what is between two commas, without the blanks around it. */
struct setting {
	const char *text;
	size_t n;
};

static bool begins(const struct setting *setting, const char *words)
{
	size_t n = strlen(words);

	return setting->n >= n && memcmp(setting->text, words, n) == 0;
}

static bool is(const struct setting *setting, const char *words)
{
	return setting->n == strlen(words) && begins(setting, words);
}

/* Whether xl does not know the setting, of a vif or else of a pci. */
static bool is_ours(const struct setting *setting, bool vif)
{
	if (!vif)
		return begins(setting, "vnode=");
	return begins(setting, "queues=") || begins(setting, "vhost=") || is(setting, "type=tap") ||
	       is(setting, "type=user");
}

/* The setting at *at, up to `end`; *at is behind its comma then. */
static struct setting next_setting(const char **at, const char *end)
{
	const char *comma = memchr(*at, ',', (size_t)(end - *at));
	const char *from = *at, *to = comma ? comma : end;

	*at = comma ? comma + 1 : end + 1;
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	return (struct setting){from, (size_t)(to - from)};
}

/* Goes through the settings of one string: what xl knows goes to `kept` as it stands, the others, with commas between, to `taken`. Either
 * may be NULL. Returns how many were taken. */
static size_t sort_settings(
	const struct vn_xl_job *job, const struct vn_cfg_value *item, bool vif, FILE *kept, FILE *taken)
{
	const char *at = job->text + item->begin + 1, *end = job->text + item->end - 1;
	size_t n_kept = 0, n_taken = 0;

	while (at <= end) {
		const char *from = at;
		struct setting setting = next_setting(&at, end);
		bool ours = is_ours(&setting, vif);
		FILE *out = ours ? taken : kept;
		if (n_kept == 0 && n_taken > 0)
			from = setting.text; /* no blanks of the setting that was before it */
		if (out && (ours ? n_taken : n_kept) > 0)
			fputs(ours ? ", " : ",", out);
		if (out)
			fwrite(ours ? setting.text : from, 1, ours ? setting.n : (size_t)(at - 1 - from),
				out);
		n_taken += ours;
		n_kept += !ours;
	}
	return n_taken;
}

/* Whether the entry is a list of devices that may have settings of ours; *ret_vif is which. */
static bool is_device_list(const struct vn_cfg_entry *entry, bool *ret_vif)
{
	*ret_vif = strcmp(entry->key, "vif") == 0;
	return (*ret_vif || strcmp(entry->key, "pci") == 0) && entry->value.type == VN_CFG_LIST;
}

bool vn_xl_write_devices(const struct vn_xl_job *job, const struct vn_cfg_entry *entry, FILE *out)
{
	size_t at = entry->value.begin;
	bool vif;

	if (!is_device_list(entry, &vif))
		return false;
	for (size_t i = 0; i < entry->value.n; i++) {
		const struct vn_cfg_value *item = &entry->value.items[i];
		if (item->type != VN_CFG_STRING)
			continue;
		vn_xl_copy(job, at, item->begin + 1, out);
		sort_settings(job, item, vif, out, NULL);
		at = item->end - 1;
	}
	vn_xl_copy(job, at, entry->value.end, out);
	return true;
}

/* The settings of ours that one string has, in *ret; NULL: it has none. */
static int taken_from(const struct vn_xl_job *job, const struct vn_cfg_value *item, bool vif, char **ret)
{
	vn_autofree char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	*ret = NULL;
	if (!out)
		return -ENOMEM;
	bool some = item->type == VN_CFG_STRING && sort_settings(job, item, vif, NULL, out) > 0;
	if (fclose(out) != 0)
		return -ENOMEM;
	*ret = some ? vn_steal(text) : NULL;
	return 0;
}

static int note_taken(const struct vn_xl_job *job, const struct vn_cfg_entry *entry, struct vn_notes *notes)
{
	bool vif;
	int r = 0;

	if (!is_device_list(entry, &vif))
		return 0;
	for (size_t i = 0; i < entry->value.n && r >= 0; i++) {
		vn_autofree char *taken = NULL;
		r = taken_from(job, &entry->value.items[i], vif, &taken);
		if (taken)
			r = vn_notes_add(notes, vif ? "xl-vif" : "xl-pci",
				"line %u: %s: entry %zu: xl does not know %s: left out%s",
				entry->value.items[i].line, entry->key, i, taken,
				strstr(taken, "queues=") ? "; Xen's drivers agree on queues by themselves"
							 : "");
	}
	return r;
}

/* What the config of a guest that was none could not say of its interfaces, and what is chosen for its channels. */
static int note_made(const struct vn_xl_job *job, struct vn_notes *notes)
{
	int r = 0;

	for (size_t i = 0; i < job->guest->n_vifs && r >= 0; i++) {
		if (job->guest->vifs[i].queues > 1)
			r = vn_notes_add(notes, "xl-vif",
				"interface %zu: xl has no key for its %u queue pairs: Xen's drivers agree on queues by themselves",
				i, job->guest->vifs[i].queues);
	}
	for (size_t i = 0; i < job->guest->n_channels && r >= 0; i++) {
		const struct vn_channel *channel = &job->guest->channels[i];
		vn_autofree char *path = vn_channel_path(channel, i, job->guest->name, NULL);
		if (!path)
			r = -ENOMEM;
		else if (!channel->path)
			r = vn_notes_add(notes, "channel-path-chosen",
				"channel %s: no path is told; chosen: %s. Its folder has to be there when the guest starts",
				channel->name, path);
	}
	return r;
}

int vn_xl_note_devices(const struct vn_xl_job *job, struct vn_notes *notes)
{
	int r = job->own ? 0 : note_made(job, notes);

	for (size_t i = 0; i < job->cfg->n && r >= 0; i++)
		r = note_taken(job, &job->cfg->entries[i], notes);
	for (size_t i = 0; i < job->guest->n_vifs && r >= 0; i++) {
		if (job->guest->vifs[i].type == VN_VIF_USER)
			r = vn_notes_add(notes, "xl-vif-user",
				"interface %zu: Xen has no user networking: xl puts it on its default bridge",
				i);
	}
	return r;
}
