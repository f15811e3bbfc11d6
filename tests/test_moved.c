/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* That a VM was moved is told in every form of an audit, of no other VM, and not where it is not known. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../src/emit/audit_html.h"
#include "../src/emit/audit_prometheus.h"
#include "../src/model/audit_json.h"
#include "../src/model/audit_text.h"
#include "audit_maker.h"
#include "text_asserts.h"

static void print_text(const struct vn_audit *audit, FILE *out)
{
	vn_audit_print(audit, &(struct vn_audit_style){0}, out);
}

static void print_metrics(const struct vn_audit *audit, FILE *out)
{
	assert_true(vn_audit_print_prometheus(audit, out) >= 0);
}

static void print_page(const struct vn_audit *audit, FILE *out)
{
	assert_true(vn_audit_print_html(audit, out) >= 0);
}

__attribute__((noinline)) static char *text_of(
	void (*print)(const struct vn_audit *audit, FILE *out), const struct vn_audit *audit)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(audit, out);
	fclose(out);
	return text;
}

static struct vn_vm_sample *find(struct vn_sample *sample, const char *name)
{
	for (size_t i = 0; i < sample->n_vms; i++) {
		if (strcmp(sample->vms[i].name, name) == 0)
			return &sample->vms[i];
	}
	fail();
	return NULL;
}

static void test_told(void **state)
{
	(void)state;
	vn_autosample *sample = made_three();
	for (size_t i = 0; i < sample->n_vms; i++)
		sample->vms[i].moved.known = true;
	find(sample, "db1")->moved = (struct vn_moved){true, "stopped", 1700000000};
	find(sample, "build")->moved = (struct vn_moved){.phase = "done"}; /* not known */
	vn_autoaudit *audit = make_audit(sample, 0.9);
	vn_autofree char *text = text_of(print_text, audit);
	assert_has(text, "\ndb1: moved by vnuma on 2023-11-14 22:13 (stopped)\n    back: vnuma undo db1\n");
	assert_has_not(text, "web-frontend: moved");
	assert_has_not(text, "build: moved");
	vn_autofree char *metrics = text_of(print_metrics, audit);
	assert_has(metrics, "\nvnuma_vm_moved{vm=\"db1\"} 1\n");
	assert_has(metrics, "\nvnuma_vm_moved{vm=\"web-frontend\"} 0\n");
	assert_has_not(metrics, "vnuma_vm_moved{vm=\"build\"}");
	vn_autofree char *page = text_of(print_page, audit);
	assert_has(page, "moved by vnuma on 2023-11-14 22:13 (stopped)");
	json_auto_t *json = vn_audit_to_json(audit), *vms = json_incref(json_object_get(json, "vms"));
	size_t i, n = 0;
	json_t *vm;
	json_array_foreach (vms, i, vm) {
		json_t *moved = json_object_get(vm, "moved");
		assert_non_null(moved);
		n += json_is_object(moved);
		if (json_is_object(moved))
			assert_int_equal(json_integer_value(json_object_get(moved, "begun")), 1700000000);
	}
	assert_int_equal(n, 1);
}

/* What undo is given is what a shell, and vnuma, take for this VM and no other. */
static void test_named(void **state)
{
	(void)state;
	static const char *const names[] = {"-x", "123", "twin", "a b"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		vn_autosample *sample = made_three();
		struct vn_vm_sample *vm = find(sample, "db1");
		vm->moved = (struct vn_moved){true, "done", 1700000000};
		snprintf(vm->name, sizeof(vm->name), "%s", names[i]);
		vm->name_is_plain = names[i][1] != ' ';
		if (strcmp(names[i], "twin") == 0)
			strcpy(find(sample, "build")->name, "twin");
		vn_autoaudit *audit = make_audit(sample, 0.9);
		vn_autofree char *text = text_of(print_text, audit);
		vn_autofree char *command = vn_format("back: vnuma undo %d\n", (int)vm->process.pid);
		assert_has(text, command);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_named),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
