/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of an audit is known and how its figures are told; that gaps are told once. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../src/model/audit_known.h"
#include "audit_maker.h"

static void test_shares(void **state)
{
	char text[VN_SHARE_TEXT];
	struct vn_share_interval narrow = {0.897, 0.879, 0.915}, exact = {1, 1, 1}, wide = {0.5, 0.3, 0.7};

	(void)state;
	assert_string_equal(vn_share_text(0.9, text), "90%");
	assert_string_equal(vn_share_text(0.89999, text), "89.9%"); /* never rounded up to what it is not */
	assert_string_equal(vn_share_text(0.99999, text), "99.9%");
	assert_string_equal(vn_share_text(1, text), "100%");
	assert_string_equal(vn_share_text(0, text), "0%");
	assert_string_equal(vn_interval_text(&narrow, text), "89.7% ±1.8");
	assert_string_equal(vn_interval_text(&exact, text), "100%");
	assert_string_equal(vn_interval_text(&wide, text), "50.0% ±20");
	assert_string_equal(vn_cpus_text(3.94, text), "3.9");
	assert_string_equal(vn_cpus_text(120.4, text), "120");
}

static void test_known(void **state)
{
	vn_autosample *three = made_three(), *unknown = made_unknown();
	vn_autoaudit *audit = make_audit(three, 0.9), *blind = make_audit(unknown, 0.9);

	(void)state;
	assert_true(vn_vm_has_times(&three->vms[0]));
	assert_true(vn_vnode_has_pages(&three->vms[0], 1, 2));
	assert_false(vn_vnode_has_pages(&three->vms[0], 2, 3));
	assert_false(vn_vm_has_times(&unknown->vms[0]));
	assert_false(vn_vm_has_pages(&unknown->vms[0]));
	assert_false(vn_audit_is_blind(audit));
	assert_true(vn_audit_is_blind(blind));
	blind->vms[1].has_locality = true; /* as on a host of one node */
	assert_false(vn_audit_is_blind(blind));
	three->vms[0].blocks[1].has_residency = false;
	assert_false(vn_vnode_has_pages(&three->vms[0], 1, 2));
	assert_true(vn_vm_has_pages(&three->vms[0]));
}

/* An audit of nothing, or of VMs that have no pages yet, is not blind: nothing was refused. */
static void test_not_blind(void **state)
{
	vn_autosample *none = made_none(), *unknown = made_unknown();
	vn_autoaudit *nothing = make_audit(none, 0.9), *early = make_audit(unknown, 0.9);

	(void)state;
	for (size_t i = 0; i < unknown->n_vms; i++)
		vn_notes_clear(&unknown->vms[i].gaps);
	assert_false(vn_audit_is_blind(nothing));
	assert_false(vn_audit_is_blind(early));
	assert_int_equal(vn_notes_add(&none->gaps, "proc-hidden", "others' processes are hidden"), 0);
	assert_true(vn_audit_is_blind(nothing));
}

static void test_gaps(void **state)
{
	vn_autosample *sample = made_three();
	vn_autoaudit *audit = make_audit(sample, 0.9);
	vn_autofree struct vn_gap *gaps = NULL;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(vn_notes_add(&sample->vms[i].gaps, "same", "one text"), 0);
		assert_int_equal(vn_notes_add(&sample->vms[i].gaps, "other", "text %zu", i), 0);
		assert_int_equal(vn_notes_add(&sample->vms[i].gaps, "other", "text %zu again", i), 0);
	}
	assert_int_equal(vn_audit_gaps(audit, &gaps, &n), 0);
	assert_int_equal(n, 1 + 1 + VN_GAPS_ALIKE);
	assert_string_equal(gaps[0].code, "irqs-unread");
	assert_true(gaps[0].of_host);
	assert_string_equal(gaps[1].text, "one text");
	assert_int_equal(gaps[1].n_vms, 3);
	assert_int_equal(gaps[n - 1].n_alike, 6 - VN_GAPS_ALIKE);
	for (size_t i = 2; i < n; i++)
		assert_string_equal(gaps[i].code, "other");
}

static void test_figures(void **state)
{
	vn_autosample *sample = made_three();
	vn_autoaudit *audit = make_audit(sample, 0.9);
	const struct vn_vm_audit *db = &audit->vms[0];
	vn_autoset homes = vn_vm_homes(db);
	uint64_t away = vn_bytes_off_home(db, 0) + vn_bytes_off_home(db, 1);

	(void)state;
	assert_string_equal(db->vm->name, "db1");
	assert_int_equal(hwloc_bitmap_weight(homes), 2);
	assert_int_equal(away, db->remote);
	assert_int_equal(vn_time_on(db->vm, 0), vn_time_on(db->vm, 1));
	assert_int_equal(vn_time_on(db->vm, 7), 0);
	assert_int_equal(vn_findings_worst(&db->findings), VN_SEVERITY_HIGH);
	assert_int_equal(vn_findings_worst(&audit->host), -1);
	assert_int_equal(vn_audit_n_findings(audit), 3);
}

static void verdict_is(const struct vn_audit *audit, const char *expected)
{
	vn_autofree char *verdict = vn_audit_verdict(audit);

	assert_string_equal(verdict, expected);
}

/* "Nothing wrong" is not said of what could not be seen. */
static void test_verdict(void **state)
{
	vn_autosample *three = made_three(), *one = made_calm(), *unknown = made_unknown(),
		      *none = made_none();
	vn_autoaudit *ill = make_audit(three, 0.9), *well = make_audit(one, 0.9),
		     *blind = make_audit(unknown, 0.9), *nothing = make_audit(none, 0.9);

	(void)state;
	verdict_is(ill, "2 of 3 VMs are less than 90% local");
	ill->n_below = 0;
	verdict_is(ill, "No VM is known to be less than 90% local; 3 findings, the worst high");
	ill->vms[1].has_locality = false;
	verdict_is(ill,
		"No VM is known to be less than 90% local, but of 1 of 3 it is not known how local they are; 3 findings, the worst high");
	verdict_is(well, "Nothing wrong was found with this VM");
	well->vms[0].has_locality = false;
	verdict_is(well, "Nothing wrong was found with this VM, but it is not known how local it is");
	verdict_is(blind, "Where the VMs' memory is could not be read");
	verdict_is(nothing, "No VM runs here that can be seen");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_shares), cmocka_unit_test(test_known),
		cmocka_unit_test(test_not_blind), cmocka_unit_test(test_gaps), cmocka_unit_test(test_figures),
		cmocka_unit_test(test_verdict)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
