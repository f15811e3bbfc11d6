/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "look.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "../audit/judge.h"
#include "../base/parse.h"
#include "../discover/discover.h"
#include "../guest/guest_qemu.h"
#include "../model/audit_known.h"
#include "../observe/page_sample.h"
#include "../realize/journal.h"
#include "../realize/state.h"
#include "vms.h"
#include "../rehome/guest_queues.h"

#define SEED_MAX ((UINT64_C(1) << 53) - 1) /* what every reader of JSON keeps exactly */
#define INTERVAL_MAX 60000u /* ms */

int vn_arg_number(const struct vn_args *args, const char *name, uint64_t least, uint64_t most,
	uint64_t fallback, uint64_t *ret, struct vn_error *err)
{
	const char *text = vn_arg(args, name);
	char option[32];
	uint64_t number = fallback;

	snprintf(option, sizeof(option), "--%s", name);
	if (text && (vn_parse_u64(text, most, &number) < 0 || number < least))
		return vn_error_input(err, &(struct vn_where){NULL, 0, option},
			"'%s'; expected a number from %" PRIu64 " to %" PRIu64,
			vn_text_is_printable(text) ? text : "?", least, most);
	*ret = number;
	return 0;
}

static bool has_option(const struct vn_args *args, const char *name)
{
	for (size_t i = 0; i < VN_MAX_OPTIONS && args->verb->options[i].name; i++) {
		if (strcmp(args->verb->options[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool is_given(const struct vn_args *args, const char *name)
{
	return has_option(args, name) && vn_arg_given(args, name);
}

static int read_options(const struct vn_args *args, struct vn_look *look, struct vn_error *err)
{
	uint64_t samples = VN_SAMPLES_DEFAULT, interval = VN_LOOK_INTERVAL_MS;
	uint64_t threshold = (uint64_t)(VN_THRESHOLD_DEFAULT * 100 + 0.5), seed = 1;
	struct vn_where where = {NULL, 0, "--samples"};

	if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
		seed &= SEED_MAX;
	if (has_option(args, "samples"))
		vn_arg_number(args, "samples", 1, VN_SAMPLES_MAX, samples, &samples, err);
	if (has_option(args, "seed"))
		vn_arg_number(args, "seed", 0, SEED_MAX, seed, &seed, err);
	if (has_option(args, "interval"))
		vn_arg_number(args, "interval", 0, INTERVAL_MAX, interval, &interval, err);
	if (has_option(args, "threshold"))
		vn_arg_number(args, "threshold", 0, 100, threshold, &threshold, err);
	for (int i = 0; i < args->n_operands; i++) {
		if (!args->operands[i][0])
			vn_error_input(err, NULL, "VM: '' is no VM; expected a name, uuid, id or pid");
	}
	if (is_given(args, "exact") && is_given(args, "samples"))
		vn_error_input(err, &where, "contradicts --exact, which looks at every page");
	look->threshold = (double)threshold / 100;
	look->survey = (struct vn_survey){.root = &look->root,
		.read_guest = vn_guest_from_qemu,
		.interval_ms = (unsigned)interval,
		.looks = interval ? VN_LOOK_LOOKS : 1,
		.pages = (unsigned)samples,
		.exact = is_given(args, "exact"),
		.qmp = !is_given(args, "no-qmp"),
		.seed = seed,
		.n_names = (size_t)args->n_operands,
		.names = (const char *const *)args->operands,
		.stop_fd = -1};
	return err->n ? -EINVAL : 0;
}

int vn_look_open(const struct vn_args *args, struct vn_look *ret_look, struct vn_error *err)
{
	int r = read_options(args, ret_look, err);

	return r < 0 ? r : vn_root_open("/", &ret_look->root, err);
}

void vn_look_close(struct vn_look *look)
{
	if (look->root.path)
		vn_root_close(&look->root);
}

/* The VMs on record; where that cannot be read, a gap says so, and they are VMs like others. */
static int read_records(struct vn_vm_list *ret_list, struct vn_notes *gaps)
{
	vn_autostate state = {.fd = -1};
	vn_autoerror problems = {0}, broken = {0};
	int r = vn_state_open_existing(&state, &problems);

	if (r == -ENOENT)
		return 0; /* no VM of vnuma's has been started */
	if (r == 0)
		r = vn_state_list(&state, ret_list, &broken, &problems);
	if (r == 0 && broken.n == 0)
		return 0;
	const struct vn_error *told = r < 0 ? &problems : &broken;
	return vn_notes_add(gaps, "state-unreadable", "vnuma's records of its own VMs: %s",
		told->n ? told->problems[0].text : "cannot be read");
}

/* Which vCPUs use which queue is the guest's own rule, unless a move has told it another: then that is on record. */
static int know_queues(struct vn_sample *sample)
{
	vn_autostate state = {.fd = -1};
	vn_autoerror ignored = {0}; /* of a journal that is broken 'vnuma moves' tells */
	int r = vn_state_open_existing(&state, &ignored) < 0 ? -ENOENT : 0;

	for (size_t i = 0; i < sample->n_vms && r == 0; i++) {
		vn_automove *move = NULL;
		struct vn_vm_sample *vm = &sample->vms[i];
		if (vm->n_nics > 0 && vn_journal_read(&state, &vm->process, &move, &ignored) == 0)
			r = vn_guest_queues_apply(vm, move->guest_settings, move->n_guest_settings);
	}
	return r == -ENOMEM ? r : 0;
}

/* Moves notes behind others'. */
static int add_notes(struct vn_notes *to, const struct vn_notes *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (vn_notes_add(to, from->v[i].code, "%s", from->v[i].text) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Which VMs vnuma moved. Nothing is swept: who looks changes nothing. A journal that cannot be read is a gap of its VM. */
static int read_moves(struct vn_sample *sample)
{
	vn_autostate state = {.fd = -1};
	vn_autoerror problems = {0};
	int opened = vn_state_open_existing(&state, &problems), r = 0;

	if (opened < 0 && opened != -ENOENT)
		return 0; /* told with the records */
	for (size_t i = 0; i < sample->n_vms && r == 0; i++) {
		struct vn_vm_sample *vm = &sample->vms[i];
		vn_autoerror broken = {0};
		if (opened < 0) {
			vm->moved.known = true; /* nothing was ever written down */
		} else if (vn_vm_moved(&state, &vm->process, &vm->moved, &broken) < 0) {
			const struct vn_problem *told = broken.n ? &broken.problems[0] : NULL;
			r = vn_notes_add(&vm->gaps, "move-unreadable", "whether vnuma moved it: %s%s%s%s%s",
				told && told->file ? told->file : "", told && told->file ? ": " : "",
				told && told->key ? told->key : "", told && told->key ? ": " : "",
				told ? told->text : "cannot be read");
		}
	}
	return r;
}

int vn_look_take(struct vn_look *look, struct vn_audit **ret_audit, struct vn_error *err)
{
	vn_autoaudit *audit = NULL;
	vn_autohost *host = NULL;
	vn_autosample *sample = NULL;
	vn_autovmlist records = {0};
	vn_cleanup(vn_notes_clear) struct vn_notes gaps = {0};
	struct vn_survey survey = look->survey;

	int r = vn_discover("live", &host, err);
	if (r < 0)
		return r;
	if (read_records(&records, &gaps) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	survey.root = &look->root;
	survey.records = (const struct vn_vm *const *)records.v;
	survey.n_records = records.n;
	r = vn_survey_take(&survey, host, &sample, err);
	if (r < 0)
		return r;
	host = NULL; /* the sample's */
	look->survey.names_known = true;
	if (read_moves(sample) < 0 || add_notes(&sample->gaps, &gaps) < 0 || know_queues(sample) < 0 ||
		vn_judge(sample, look->threshold, &audit) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	audit->owned = vn_steal(sample);
	*ret_audit = vn_steal(audit);
	return 0;
}

int vn_look_status(const struct vn_audit *audit)
{
	if (audit->n_below)
		return VN_EXIT_NO;
	return vn_audit_is_blind(audit) ? VN_EXIT_ENVIRONMENT : VN_EXIT_DONE;
}

bool vn_wants_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}
