/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public calls of an audit, on a QEMU that the test starts; where there is none to start, what holds without. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../include/vnuma.h"
#include "live_qemu.h"

static void test_arguments(void **state)
{
	struct vn_error *err = vn_error_new();
	struct vn_audit *audit = NULL;

	(void)state;
	struct vn_audit_options *options = vn_audit_options_new();
	assert_non_null(options);
	vn_audit_options_set_interval(options, 60001);
	vn_audit_options_set_pages(options, 0, 1);
	vn_audit_options_set_threshold(options, 1.5);
	assert_int_equal(vn_audit_run(options, &audit, err), -EINVAL);
	assert_int_equal(vn_error_count(err), 3);
	assert_int_equal(vn_audit_options_add_vm(options, ""), -EINVAL);
	assert_true(vn_error_is_input(err));
	assert_null(audit);
	vn_error_free(err);
	vn_audit_free(NULL);
	vn_audit_options_free(options);
	vn_audit_options_free(NULL);
}

static void test_names_and_stop(void **state)
{
	struct vn_audit_options *options = vn_audit_options_new();
	struct vn_audit *audit = NULL;
	int ends[2];

	(void)state;
	vn_audit_options_set_interval(options, 0);
	assert_int_equal(vn_audit_options_add_vm(options, "no VM has this name"), 0);
	assert_int_equal(vn_audit_run(options, &audit, NULL), -ENOENT);
	vn_audit_options_free(options);

	options = vn_audit_options_new();
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	vn_audit_options_set_interval(options, 60000);
	vn_audit_options_set_stop(options, ends[0]);
	assert_int_equal(vn_audit_run(options, &audit, NULL), -ECANCELED);
	assert_null(audit);
	close(ends[0]);
	close(ends[1]);
	vn_audit_options_free(options);
}

static size_t find_vm(const struct vn_audit *audit, int64_t pid)
{
	for (size_t vm = 0; vm < vn_audit_vm_count(audit); vm++) {
		if (vn_audit_vm_pid(audit, vm) == pid)
			return vm;
	}
	fail_msg("the VM is not there");
	return 0;
}

static void test_a_vm(void **state)
{
	struct vn_audit *audit = NULL;
	double share = -1, low = -1, high = -1;

	(void)state;
	struct live_qemu qemu;
	if (!live_start(&qemu, "-m 64 -S -name guest=of-the-api"))
		skip();
	struct vn_audit_options *options = vn_audit_options_new();
	assert_non_null(options);
	vn_audit_options_set_interval(options, 50);
	vn_audit_options_set_pages(options, 500, 7);
	vn_audit_options_set_exact(options, 1);
	vn_audit_options_set_monitors(options, 1);
	vn_audit_options_set_threshold(options, 0);
	assert_int_equal(vn_audit_options_add_vm(options, "of-the-api"), 0);
	assert_int_equal(vn_audit_run(options, &audit, NULL), 0);
	vn_audit_options_free(options);
	assert_int_equal(vn_audit_vm_count(audit), 1);
	assert_int_equal(vn_audit_below_count(audit), 0);
	size_t vm = find_vm(audit, qemu.pid), beyond = vn_audit_vm_count(audit);
	assert_true(vn_audit_finding_cost(audit, beyond, 0) < 0);
	assert_int_equal(vn_audit_finding_vnode(audit, beyond, 0), -ERANGE);
	assert_int_equal(vn_audit_finding_thread(audit, beyond, 0), -ERANGE);
	for (size_t i = 0; i < vn_audit_finding_count(audit, vm); i++) {
		assert_true(vn_audit_finding_cost(audit, vm, i) >= 0);
		assert_true(vn_audit_finding_vnode(audit, vm, i) >= 0 ||
			    vn_audit_finding_vnode(audit, vm, i) == -ENODATA);
		assert_true(vn_audit_finding_thread(audit, vm, i) > 0 ||
			    vn_audit_finding_thread(audit, vm, i) == -ENODATA);
	}
	assert_string_equal(vn_audit_vm_name(audit, vm), "of-the-api");
	assert_string_equal(vn_audit_vm_manager(audit, vm), "none");
	assert_int_equal(vn_audit_vm_locality(audit, beyond, &share, &low, &high), -ERANGE);
	assert_true(share < 0);
	if (vn_audit_vm_locality(audit, vm, &share, &low, &high) == 0)
		assert_true(low <= share && share <= high && low >= 0 && high <= 1);
	assert_int_equal(vn_audit_vm_memory(audit, vm, 1023), 0);
	assert_int_equal(vn_audit_vm_memory(audit, beyond, 0), -ERANGE);
	assert_null(vn_audit_vm_name(audit, beyond));
	assert_null(vn_audit_finding_code(audit, vm, vn_audit_finding_count(audit, vm)));
	for (size_t i = 0; i < vn_audit_finding_count(audit, VN_AUDIT_HOST); i++)
		assert_non_null(vn_audit_finding_text(audit, VN_AUDIT_HOST, i));
	char *text = vn_audit_json(audit);
	json_t *json = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "schema")), "vnuma.audit/1");
	json_decref(json);
	free(text);
	vn_audit_free(audit);
	live_stop(&qemu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_names_and_stop),
		cmocka_unit_test(test_a_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
