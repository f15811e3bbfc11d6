/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "survey.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "../base/process.h"
#include "blocks.h"
#include "devices.h"
#include "find.h"
#include "host_settings.h"
#include "kernel_workers.h"
#include "monitor_round.h"
#include "nics.h"
#include "vm_threads.h"

#define NS_PER_MS UINT64_C(1000000)

/* ---- time ---- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Waits until `deadline`; -ECANCELED when stop_fd becomes readable first. */
static int wait_until(const struct vn_survey *survey, uint64_t deadline)
{
	struct pollfd stop = {.fd = survey->stop_fd, .events = POLLIN};

	for (;;) {
		uint64_t now = now_ns();
		uint64_t left = now < deadline ? (deadline - now + NS_PER_MS - 1) / NS_PER_MS : 0;
		int n = poll(&stop, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0)
			return -ECANCELED;
		if (left == 0)
			return 0;
	}
}

/* ---- what does not change ---- */

/* A VM that ended is taken out of the list: *n and the pieces behind it move up. */
static void take_out(struct vn_sample *sample, size_t at)
{
	vn_vm_sample_clear(&sample->vms[at]);
	sample->n_vms--;
	memmove(sample->vms + at, sample->vms + at + 1, (sample->n_vms - at) * sizeof(*sample->vms));
}

/* `facts`: what its monitor told; NULL: nothing. */
static int read_vm(const struct vn_survey *survey, const struct vn_host *host,
	const struct vn_monitor_facts *facts, struct vn_vm_sample *vm)
{
	int r = vn_vm_threads_find(survey, facts, vm);

	if (r == 0)
		r = vn_blocks_find(survey, facts, vm);
	if (r == 0)
		r = vn_nics_find(survey, host, vm);
	if (r == 0)
		r = vn_devices_find(survey, host, vm);
	return r;
}

static int read_vms(const struct vn_survey *survey, struct vn_sample *sample)
{
	size_t n = sample->n_vms, i = 0;
	vn_autofree struct vn_monitor_facts *facts = calloc(n + 1, sizeof(*facts));
	int r = facts ? vn_monitors_ask(survey, sample->vms, n, facts) : -ENOMEM;

	for (size_t k = 0; k < n && r == 0; k++) { /* VMs that are taken out keep their facts */
		r = read_vm(survey, sample->host, facts[k].told ? &facts[k] : NULL, &sample->vms[i]);
		if (r == -ESRCH)
			take_out(sample, i);
		else
			i++;
		r = r == -ESRCH ? 0 : r;
	}
	for (size_t k = 0; facts && k < n; k++)
		vn_monitor_facts_clear(&facts[k]);
	return r;
}

/* ---- what happens in the interval ---- */

/* Pages of VMs from *next on, as long as there is time until the next look. */
static int look_at_pages(
	const struct vn_survey *survey, struct vn_sample *sample, size_t *next, uint64_t deadline)
{
	while (*next < sample->n_vms && now_ns() < deadline) {
		struct vn_vm_sample *vm = &sample->vms[(*next)++];
		int r = !vm->aside && (survey->pages || survey->exact) ? vn_blocks_look(survey, vm) : 0;
		if (r < 0 && r != -ESRCH)
			return r; /* one that is gone is dropped at the end: the looks hold on to all */
	}
	return 0;
}

static int watch(const struct vn_survey *survey, struct vn_sample *sample, struct vn_looks *looks)
{
	uint64_t begin = now_ns(), interval = survey->interval_ms * NS_PER_MS;
	size_t next = 0;
	int r = 0;

	for (unsigned k = 1; r == 0 && interval > 0 && k <= survey->looks; k++) {
		uint64_t deadline = begin + interval * k / survey->looks;
		r = look_at_pages(survey, sample, &next, deadline);
		if (r == 0)
			r = wait_until(survey, deadline);
		if (r == 0)
			r = vn_looks_take(looks);
	}
	sample->interval_ns = interval ? now_ns() - begin : 0;
	sample->looks = interval ? survey->looks : 0;
	return r == 0 ? look_at_pages(survey, sample, &next, UINT64_MAX) : r;
}

/* The kernel's own moving of pages during the interval. */
static void count_faults(
	const struct vn_survey *survey, struct vn_host_settings *settings, uint64_t faults, uint64_t migrated)
{
	uint64_t later_faults, later_migrated;

	if (!settings->has_faults)
		return;
	settings->has_faults = vn_settings_faults(survey->root, &later_faults, &later_migrated) == 0 &&
			       later_faults >= faults && later_migrated >= migrated;
	settings->hint_faults = settings->has_faults ? later_faults - faults : 0;
	settings->migrated_pages = settings->has_faults ? later_migrated - migrated : 0;
}

static int watch_all(const struct vn_survey *survey, struct vn_sample *sample)
{
	struct vn_looks *looks = NULL;
	uint64_t faults = 0, migrated = 0;
	int r = vn_devices_count_irqs(survey, sample->vms, sample->n_vms, -1);

	sample->settings.has_faults = vn_settings_faults(survey->root, &faults, &migrated) == 0;
	if (r == 0)
		r = vn_looks_begin(survey, sample->host, sample->vms, sample->n_vms, &looks);
	if (r == 0)
		r = watch(survey, sample, looks);
	vn_looks_free(looks);
	if (r == 0)
		r = vn_devices_count_irqs(survey, sample->vms, sample->n_vms, 1);
	count_faults(survey, &sample->settings, faults, migrated);
	return r;
}

/* Those whose pid is no more theirs: nothing that was read of it meanwhile can be trusted. */
static void drop_ended(const struct vn_survey *survey, struct vn_sample *sample)
{
	for (size_t i = 0; survey->root->live && i < sample->n_vms;) {
		const struct vn_process *process = &sample->vms[i].process;
		int r = vn_process_match(process->pid, process->start_time, NULL);
		if (r == VN_PROCESS_GONE || r == VN_PROCESS_STRANGER)
			take_out(sample, i);
		else
			i++;
	}
}

/* ---- all ---- */

static int take(const struct vn_survey *survey, struct vn_sample *sample, struct vn_error *err)
{
	int r = vn_vms_find(survey, &sample->vms, &sample->n_vms, &sample->gaps, err);

	if (r < 0)
		return r;
	r = vn_settings_read(survey->root, &sample->settings);
	if (r == 0)
		r = read_vms(survey, sample);
	if (r == 0)
		r = watch_all(survey, sample);
	if (r == -ECANCELED)
		return r; /* who stopped it knows */
	if (r < 0)
		return vn_error_environment(err, r, "%s", r == -ENOMEM ? "out of memory" : strerror(-r));
	drop_ended(survey, sample);
	return 0;
}

int vn_survey_take(const struct vn_survey *survey, struct vn_host *host, struct vn_sample **ret_sample,
	struct vn_error *err)
{
	vn_cleanup(vn_kernel_workers_clear) struct vn_kernel_workers workers = {0};
	vn_autosample *sample = vn_sample_new();
	struct vn_survey with_workers = *survey;

	if (!sample || vn_kernel_workers_read(survey->root, &workers) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	with_workers.workers = &workers;
	sample->host = host;
	sample->taken = (int64_t)time(NULL);
	sample->seed = survey->seed;
	sample->pages = survey->exact ? 0 : survey->pages;
	int r = take(&with_workers, sample, err);
	if (r < 0) {
		sample->host = NULL; /* still the caller's */
		return r;
	}
	*ret_sample = vn_steal(sample);
	return 0;
}
