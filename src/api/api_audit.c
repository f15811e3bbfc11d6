/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of audits. */
#define _GNU_SOURCE
#include "api.h"

#include <string.h>

#include "../audit/judge.h"
#include "../discover/discover.h"
#include "../guest/guest_qemu.h"
#include "../model/audit_json.h"
#include "../observe/page_sample.h"
#include "../observe/survey.h"

#define INTERVAL_MAX 60000u
#define LOOKS 4u /* within the interval */

/* ---- options ---- */

struct vn_audit_options {
	unsigned interval_ms, pages;
	uint64_t seed;
	bool exact, monitors;
	double threshold;
	int stop_fd;
	size_t n_names;
	char **names; /* owned */
};

#define DEFAULTS                                                                                             \
	{                                                                                                    \
		.interval_ms = 1000, .pages = VN_SAMPLES_DEFAULT, .seed = 1,                                 \
		.threshold = VN_THRESHOLD_DEFAULT, .stop_fd = -1                                             \
	}

struct vn_audit_options *vn_audit_options_new(void)
{
	static const struct vn_audit_options defaults = DEFAULTS;
	struct vn_audit_options *options = malloc(sizeof(*options));

	if (options)
		*options = defaults;
	return options;
}

void vn_audit_options_free(struct vn_audit_options *options)
{
	if (!options)
		return;
	for (size_t i = 0; i < options->n_names; i++)
		free(options->names[i]);
	free(options->names);
	free(options);
}

void vn_audit_options_set_interval(struct vn_audit_options *options, unsigned ms)
{
	options->interval_ms = ms;
}

void vn_audit_options_set_pages(struct vn_audit_options *options, unsigned pages, uint64_t seed)
{
	options->pages = pages;
	options->seed = seed;
}

void vn_audit_options_set_exact(struct vn_audit_options *options, int wanted)
{
	options->exact = wanted != 0;
}

void vn_audit_options_set_threshold(struct vn_audit_options *options, double threshold)
{
	options->threshold = threshold;
}

void vn_audit_options_set_monitors(struct vn_audit_options *options, int wanted)
{
	options->monitors = wanted != 0;
}

void vn_audit_options_set_stop(struct vn_audit_options *options, int fd)
{
	options->stop_fd = fd;
}

int vn_audit_options_add_vm(struct vn_audit_options *options, const char *name)
{
	if (!*name)
		return -EINVAL;
	char **grown = reallocarray(options->names, options->n_names + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	options->names = grown;
	grown[options->n_names] = strdup(name);
	if (!grown[options->n_names])
		return -ENOMEM;
	options->n_names++;
	return 0;
}

/* ---- looking ---- */

static int check(const struct vn_audit_options *options, struct vn_error *err)
{
	int r = 0;

	if (options->interval_ms > INTERVAL_MAX)
		r = vn_error_input(err, NULL, "an interval of %u ms; expected at most %u",
			options->interval_ms, INTERVAL_MAX);
	if (options->pages == 0 || options->pages > VN_SAMPLES_MAX)
		r = vn_error_input(err, NULL, "%u pages; expected 1 to %u", options->pages, VN_SAMPLES_MAX);
	if (!(options->threshold >= 0 && options->threshold <= 1))
		r = vn_error_input(err, NULL, "a threshold of %g; expected 0 to 1", options->threshold);
	return r;
}

int vn_audit_run(const struct vn_audit_options *given, struct vn_audit **ret_audit, struct vn_error *err)
{
	static const struct vn_audit_options defaults = DEFAULTS;
	const struct vn_audit_options *options = given ? given : &defaults;
	vn_autohost *host = NULL;
	vn_autosample *sample = NULL;
	vn_autoroot root = {.fd = -1};
	struct vn_survey survey = {.root = &root,
		.read_guest = vn_guest_from_qemu,
		.interval_ms = options->interval_ms,
		.looks = options->interval_ms ? LOOKS : 1,
		.pages = options->pages,
		.exact = options->exact,
		.qmp = options->monitors,
		.seed = options->seed,
		.n_names = options->n_names,
		.names = (const char *const *)options->names,
		.stop_fd = options->stop_fd};

	int r = check(options, err);
	if (r == 0)
		r = vn_root_open("/", &root, err);
	if (r == 0)
		r = vn_discover("live", &host, err);
	if (r == 0)
		r = vn_survey_take(&survey, host, &sample, err);
	if (r < 0)
		return r;
	host = NULL; /* the sample's */
	vn_autoaudit *audit = NULL;
	if (vn_judge(sample, options->threshold, &audit) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	audit->owned = vn_steal(sample);
	*ret_audit = vn_steal(audit);
	return 0;
}

char *vn_audit_json(const struct vn_audit *audit)
{
	json_auto_t *json = vn_audit_to_json(audit);
	return json ? json_dumps(json, JSON_INDENT(2)) : NULL;
}

/* ---- VMs ---- */

static const struct vn_vm_audit *vm_of(const struct vn_audit *audit, size_t vm)
{
	return vm < audit->n_vms ? &audit->vms[vm] : NULL;
}

size_t vn_audit_vm_count(const struct vn_audit *audit)
{
	return audit->n_vms;
}

size_t vn_audit_below_count(const struct vn_audit *audit)
{
	return audit->n_below;
}

const char *vn_audit_vm_name(const struct vn_audit *audit, size_t vm)
{
	const struct vn_vm_audit *v = vm_of(audit, vm);
	return v ? v->vm->name : NULL;
}

int64_t vn_audit_vm_pid(const struct vn_audit *audit, size_t vm)
{
	const struct vn_vm_audit *v = vm_of(audit, vm);
	return v ? v->vm->process.pid : -ERANGE;
}

const char *vn_audit_vm_manager(const struct vn_audit *audit, size_t vm)
{
	const struct vn_vm_audit *v = vm_of(audit, vm);
	return v ? vn_manager_name(v->vm->manager) : NULL;
}

int vn_audit_vm_locality(
	const struct vn_audit *audit, size_t vm, double *ret_share, double *ret_low, double *ret_high)
{
	const struct vn_vm_audit *v = vm_of(audit, vm);

	if (!v || !v->has_locality)
		return v ? -ENODATA : -ERANGE;
	if (ret_share)
		*ret_share = v->locality.share;
	if (ret_low)
		*ret_low = v->locality.low;
	if (ret_high)
		*ret_high = v->locality.high;
	return 0;
}

int vn_audit_vm_mean_distance(const struct vn_audit *audit, size_t vm, double *ret_distance)
{
	const struct vn_vm_audit *v = vm_of(audit, vm);

	if (!v || v->mean_distance <= 0)
		return v ? -ENODATA : -ERANGE;
	*ret_distance = v->mean_distance;
	return 0;
}

int64_t vn_audit_vm_memory(const struct vn_audit *audit, size_t vm, unsigned node_id)
{
	const struct vn_vm_audit *v = vm_of(audit, vm);
	bool looked = false;

	if (!v)
		return -ERANGE;
	for (size_t i = 0; i < v->n_memory; i++) {
		if (v->memory[i].node == node_id)
			return (int64_t)v->memory[i].bytes;
	}
	for (size_t i = 0; i < v->vm->n_blocks; i++)
		looked |= v->vm->blocks[i].has_residency;
	return looked ? 0 : -ENODATA;
}

/* ---- findings ---- */

static const struct vn_findings *findings_of(const struct vn_audit *audit, size_t vm)
{
	const struct vn_vm_audit *v = vm_of(audit, vm);
	return vm == VN_AUDIT_HOST ? &audit->host : v ? &v->findings : NULL;
}

static const struct vn_finding *finding_of(const struct vn_audit *audit, size_t vm, size_t finding)
{
	const struct vn_findings *findings = findings_of(audit, vm);
	return findings && finding < findings->n ? &findings->v[finding] : NULL;
}

size_t vn_audit_finding_count(const struct vn_audit *audit, size_t vm)
{
	const struct vn_findings *findings = findings_of(audit, vm);
	return findings ? findings->n : 0;
}

const char *vn_audit_finding_code(const struct vn_audit *audit, size_t vm, size_t finding)
{
	const struct vn_finding *f = finding_of(audit, vm, finding);
	return f ? f->code : NULL;
}

const char *vn_audit_finding_severity(const struct vn_audit *audit, size_t vm, size_t finding)
{
	const struct vn_finding *f = finding_of(audit, vm, finding);
	return f ? vn_severity_name(f->severity) : NULL;
}

const char *vn_audit_finding_text(const struct vn_audit *audit, size_t vm, size_t finding)
{
	const struct vn_finding *f = finding_of(audit, vm, finding);
	return f ? f->text : NULL;
}

const char *vn_audit_finding_fix(const struct vn_audit *audit, size_t vm, size_t finding)
{
	const struct vn_finding *f = finding_of(audit, vm, finding);
	return f ? f->fix : NULL;
}

double vn_audit_finding_cost(const struct vn_audit *audit, size_t vm, size_t finding)
{
	const struct vn_finding *f = finding_of(audit, vm, finding);
	return f ? f->cost : -1;
}

int64_t vn_audit_finding_vnode(const struct vn_audit *audit, size_t vm, size_t finding)
{
	const struct vn_finding *f = finding_of(audit, vm, finding);
	return !f ? -ERANGE : f->vnode < 0 ? -ENODATA : f->vnode;
}

int64_t vn_audit_finding_thread(const struct vn_audit *audit, size_t vm, size_t finding)
{
	const struct vn_finding *f = finding_of(audit, vm, finding);
	return !f ? -ERANGE : f->tid <= 0 ? -ENODATA : f->tid;
}
