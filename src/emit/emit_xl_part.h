/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts share that write a config of Xen's. Internal to emit/. */

#include "../base/cfg.h"
#include "../model/plan.h"
#include "target.h"

/* What is being written, and from what. */
struct vn_xl_job {
	const struct vn_plan *plan;
	const struct vn_guest *guest;
	const struct vn_target *target;
	const struct vn_cfg *cfg; /* of the text below */
	const char *text;
	size_t size;
	bool own; /* the text is the user's; else made of the guest */
	bool vnodes; /* Xen is told of them */
};

/* Before 4.10 xl has no `type`, which it then passes over, and a guest is PV without `builder`: RELEASE-4.9.0's
 * tools/xl/xl_parse.c, parse_config_data(). Later ones have both. */
static inline const char *vn_xl_type_key(const struct vn_target *target)
{
	return target->version < VN_TARGET_VERSION(4, 10, 0) ? "builder" : "type";
}

/* ---- emit_xl.c ---- */

/* Whether the text's value of a key is not written: another takes its place, or none. */
bool vn_xl_is_replaced(const char *key);

/* Writes a part of the text that stays as it was. */
void vn_xl_copy(const struct vn_xl_job *job, size_t from, size_t to, FILE *out);

/* ---- emit_xl_config.c ---- */

/* What the config of a guest that was none says beside its vnodes. *ret_text is new. -EINVAL for strings that no config takes, or
 * -ENOMEM. */
int vn_xl_make_config(const struct vn_guest *guest, char **ret_text, struct vn_error *err);

/* ---- emit_xl_devices.c ---- */

/*
 * Writes the value of an entry, as it stands in the text but for settings of ours: xl has no such ones for its devices, and refuses
 * some. False: it is no entry with such settings, and nothing was written.
 */
bool vn_xl_write_devices(const struct vn_xl_job *job, const struct vn_cfg_entry *entry, FILE *out);

/* A note for each device that loses something. 0 or -ENOMEM. */
int vn_xl_note_devices(const struct vn_xl_job *job, struct vn_notes *notes);

/* ---- emit_xl_limits.c ---- */

/* Refuses what Xen would refuse of the plan or of the text. 0 or negative. */
int vn_xl_check(const struct vn_xl_job *job, struct vn_error *err);

/* Notes on what Xen has no words for, or does otherwise. 0 or -ENOMEM. */
int vn_xl_note_losses(const struct vn_xl_job *job, struct vn_notes *notes);
