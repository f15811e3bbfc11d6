/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of writing a plan for the program that runs the guest. */
#include "api.h"

#include "../base/text.h"
#include "../emit/emit_plan.h"

struct vn_written {
	char *text;
	struct vn_notes notes;
};

void vn_written_free(struct vn_written *written)
{
	if (!written)
		return;
	vn_notes_clear(&written->notes);
	free(written->text);
	free(written);
}

static void written_free(struct vn_written **written)
{
	vn_written_free(*written);
}

/* A guest that was made by setters, or that came with a plan read back, has no disks and no interfaces that could be written. */
static int note_bare(const struct vn_guest *guest, struct vn_notes *notes, struct vn_error *err)
{
	if (guest->form != VN_FORM_NONE)
		return 0;
	int r = vn_notes_add(notes, "guest-bare",
		"the guest was not read from a text: what else it has than memory, vCPUs and PCI devices is not known, "
		"and not written");
	return r < 0 ? vn_error_environment(err, -ENOMEM, "out of memory") : 0;
}

static int write_plan(const struct vn_plan *plan, const char *form_name, const char *version,
	struct vn_written **ret_written, struct vn_error *err)
{
	struct vn_target target;
	enum vn_emit_form form;
	char seen[VN_QUOTE_MAX];

	if (!plan->feasible)
		return vn_error_input(err, NULL, "the plan is not feasible; expected one that is");
	if (!vn_emit_form_parse(form_name, &form))
		return vn_error_input(
			err, NULL, "form '%s'; expected " VN_EMIT_FORM_NAMES, vn_quote(form_name, seen));
	int r = vn_target_parse(version, vn_emit_form_target(form), &target, err);
	if (r < 0)
		return r;
	vn_cleanup(written_free) struct vn_written *written = calloc(1, sizeof(*written));
	if (!written)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	r = note_bare(plan->planned, &written->notes, err);
	if (r == 0)
		r = vn_emit_plan(plan, plan->planned, form, &target, &written->notes, &written->text, err);
	if (r == 0)
		*ret_written = vn_steal(written);
	return r;
}

int vn_plan_write(const struct vn_plan *plan, const char *form, const char *version,
	struct vn_written **ret_written, struct vn_error *err)
{
	vn_autoerror collected = {0};
	return vn_api_settle(write_plan(plan, form, version, ret_written, &collected), &collected, err);
}

const char *vn_written_text(const struct vn_written *written)
{
	return written->text;
}

size_t vn_written_note_count(const struct vn_written *written)
{
	return written->notes.n;
}

const char *vn_written_note_code(const struct vn_written *written, size_t note)
{
	return vn_api_note_code(&written->notes, note);
}

const char *vn_written_note_text(const struct vn_written *written, size_t note)
{
	return vn_api_note_text(&written->notes, note);
}
