/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the tests of the judge have in common: include behind cmocka.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/audit/judge.h"
#include "sample_maker.h"

#define HEALTHY_MIB 4096u

static inline struct vn_audit *judge(const struct vn_sample *sample)
{
	struct vn_audit *audit = NULL;

	assert_int_equal(vn_judge(sample, VN_THRESHOLD_DEFAULT, &audit), 0);
	return audit;
}

static inline const struct vn_vm_audit *judged(const struct vn_audit *audit, const char *name)
{
	for (size_t i = 0; i < audit->n_vms; i++) {
		if (strcmp(audit->vms[i].vm->name, name) == 0)
			return &audit->vms[i];
	}
	fail_msg("no VM %s", name);
	return NULL;
}

static inline const struct vn_finding *finding(const struct vn_findings *findings, const char *code)
{
	for (size_t i = 0; i < findings->n; i++) {
		if (strcmp(findings->v[i].code, code) == 0)
			return &findings->v[i];
	}
	fail_msg("no finding %s", code);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp((const char *)a, (const char *)b);
}

/* The codes, in the order of the alphabet, a blank between: exactly these. */
static inline void assert_codes(const struct vn_findings *findings, const char *expected)
{
	char codes[32][32] = {0}, all[1024] = "";

	assert_true(findings->n <= 32);
	for (size_t i = 0; i < findings->n; i++)
		memcpy(codes[i], findings->v[i].code, sizeof(codes[i]));
	qsort(codes, findings->n, sizeof(*codes), by_text);
	for (size_t i = 0; i < findings->n; i++) {
		strcat(all, i > 0 ? " " : "");
		strcat(all, codes[i]);
	}
	assert_string_equal(all, expected);
}

/* The findings of the VM "vm", judged now; then the sample is gone. */
static inline void assert_vm_codes(struct vn_sample *sample, const char *expected)
{
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);

	assert_codes(&judged(audit, "vm")->findings, expected);
}

/* The same of its one finding, with its fix; NULL: none. */
static inline void assert_vm_finding(struct vn_sample *sample, const char *code, const char *fix)
{
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);
	const struct vn_findings *findings = &judged(audit, "vm")->findings;

	assert_codes(findings, code);
	if (fix)
		assert_string_equal(findings->v[0].fix ? findings->v[0].fix : "(none)", fix);
	else
		assert_null(findings->v[0].fix);
}

static inline void assert_host_codes(struct vn_sample *sample, const char *expected)
{
	vn_autosample *gone = sample;
	vn_autoaudit *audit = judge(sample);

	assert_codes(&audit->host, expected);
}

/* 4 GiB bound to `node`, 4 vCPUs each on a core of its own there, all busy. Of a plain sample. */
static inline struct vn_vm_sample *add_healthy(
	struct vn_sample *sample, const char *name, pid_t pid, unsigned node)
{
	struct maker_vnode vnode = {HEALTHY_MIB, 4, -1};
	struct vn_vm_sample *vm = sample_vm(sample, name, pid, make_guest(1, &vnode));
	char nodes[8];

	snprintf(nodes, sizeof(nodes), "%u", node);
	block_policy(sample_block(vm, 0, HEALTHY_MIB, node), VN_MODE_BIND, nodes);
	for (unsigned i = 0; i < 4; i++)
		sample_vcpu(sample, vm, (int)i, 4 * node + i, 900);
	return vm;
}

/* 2 vnodes of 2 GiB and 2 vCPUs, vnode i on node i. */
static inline struct vn_vm_sample *add_healthy_pair(struct vn_sample *sample, const char *name, pid_t pid)
{
	struct maker_vnode vnodes[] = {{2048, 2, -1}, {2048, 2, -1}};
	struct vn_vm_sample *vm = sample_vm(sample, name, pid, make_guest(2, vnodes));

	block_policy(sample_block(vm, 0, 2048, 0), VN_MODE_BIND, "0");
	block_policy(sample_block(vm, 1, 2048, 1), VN_MODE_BIND, "1");
	for (unsigned i = 0; i < 4; i++)
		sample_vcpu(sample, vm, (int)i, i < 2 ? i : 2 + i, 900);
	return vm;
}

/* Keeps a thread on other CPUs, and has it run on the first of them. */
static inline void keep_on(struct vn_sample *sample, struct vn_thread_sample *thread, const char *cpus)
{
	hwloc_bitmap_free(thread->cpus);
	thread->cpus = maker_set(cpus);
	thread->cpu = hwloc_bitmap_first(thread->cpus);
	hwloc_bitmap_only(thread->ran_on, (unsigned)thread->cpu);
	if (thread->n_times > 0) {
		thread->n_times = 1;
		thread->times[0].node = (unsigned)vn_host_cpu(sample->host, (unsigned)thread->cpu)->node;
	}
}
