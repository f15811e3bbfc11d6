/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests of every form in, plans for every program out, as others see it: this file includes the public header alone. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/vnuma.h"

static const char config[] =
	"# kept\n"
	"name = \"both\"\nmemory = 2048\nvcpus = 4\nvnodes = 2\nvnuma_vnodemap = [1, 0]\n"
	"disk = [\"/images/both.raw,raw,vda,rw\"]\n";

static const char domain[] =
	"<domain type='kvm'>\n  <name>both</name>\n  <!-- kept -->\n  <memory unit='MiB'>2048</memory>\n"
	"  <vcpu>4</vcpu>\n  <os><type arch='x86_64' machine='q35'>hvm</type></os>\n"
	"  <cpu mode='host-passthrough'>\n    <numa>\n"
	"      <cell id='0' cpus='0-1' memory='1024' unit='MiB'/>\n"
	"      <cell id='1' cpus='2-3' memory='1024' unit='MiB'/>\n"
	"    </numa>\n  </cpu>\n</domain>\n";

/* As /proc/PID/cmdline has it: a 0 behind each word, and thus within. */
static const char words[] = "qemu-system-x86_64\0-name\0guest=both\0-m\0"
			    "2048\0-smp\0"
			    "4\0-numa\0node,cpus=0-1,memdev=a\0"
			    "-numa\0node,cpus=2-3,memdev=b\0-object\0memory-backend-ram,id=a,size=1G\0"
			    "-object\0memory-backend-ram,id=b,size=1G\0-vga\0none";

struct fixture {
	struct vn_host *host;
	struct vn_error *err;
};

static int set_up(void **state)
{
	static struct fixture f;
	char source[4096];

	snprintf(source, sizeof(source), "numactl:%s/lab/shapes/two-nodes.txt", getenv("SRCDIR"));
	f.err = vn_error_new();
	if (vn_host_open(source, &f.host, f.err) < 0)
		fail_msg("%s", vn_error_text(f.err, 0));
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	vn_host_free(f->host);
	vn_error_free(f->err);
	return 0;
}

/* The plan of a guest that these bytes say, which is freed by then: a plan stands by itself. */
static struct vn_plan *plan_of(struct fixture *f, const char *bytes, size_t size)
{
	struct vn_guest *guest = NULL;
	struct vn_plan *plan = NULL;

	if (vn_guest_from_bytes(bytes, size, "a file", &guest, f->err) < 0)
		fail_msg("%s: %s", vn_error_key(f->err, 0), vn_error_text(f->err, 0));
	assert_string_equal(vn_guest_name(guest), "both");
	if (vn_plan_guest(f->host, guest, NULL, &plan, f->err) < 0)
		fail_msg("%s: %s", vn_error_key(f->err, 0), vn_error_text(f->err, 0));
	vn_guest_free(guest);
	assert_int_equal(vn_plan_is_feasible(plan), 1);
	assert_int_equal(vn_plan_vnode_count(plan), 2);
	return plan;
}

static struct vn_written *written(struct fixture *f, const struct vn_plan *plan, const char *form)
{
	struct vn_written *text = NULL;

	if (vn_plan_write(plan, form, NULL, &text, f->err) < 0)
		fail_msg("%s: %s", form, vn_error_text(f->err, 0));
	assert_int_equal(vn_error_count(f->err), 0);
	return text;
}

static void assert_holds(const struct vn_written *text, const char *part)
{
	if (!strstr(vn_written_text(text), part))
		fail_msg("no '%s' in:\n%s", part, vn_written_text(text));
}

static int has_note(const struct vn_written *text, const char *code)
{
	for (size_t i = 0; i < vn_written_note_count(text); i++) {
		assert_non_null(vn_written_note_text(text, i));
		if (strcmp(vn_written_note_code(text, i), code) == 0)
			return 1;
	}
	return 0;
}

/* Each form gives itself back: what nobody asked about is as it was. */
static void test_own_form(void **state)
{
	struct fixture *f = *state;
	const struct {
		const char *bytes;
		size_t size;
		const char *form, *kept, *planned;
	} cases[] = {
		{config, strlen(config), "xl", "# kept\n", "vnuma = [ [\"pnode=1\", \"size=1024\""},
		{domain, strlen(domain), "libvirt", "<!-- kept -->", "<memnode"},
		{words, sizeof(words), "qemu", "-vga none", "host-nodes="},
		{words, sizeof(words), "qemu-json", "\"-vga\"", "host-nodes="},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vn_plan *plan = plan_of(f, cases[i].bytes, cases[i].size);
		struct vn_written *text = written(f, plan, cases[i].form);
		vn_plan_free(plan); /* it needs the plan no more */
		assert_holds(text, cases[i].kept);
		assert_holds(text, cases[i].planned);
		assert_false(has_note(text, "guest-bare"));
		vn_written_free(text);
	}
}

/* What is written is read again, whoever it was for, and gives the same homes. */
static void test_every_form(void **state)
{
	struct fixture *f = *state;
	static const char *const forms[] = {"xl", "libvirt", "qemu"};
	struct vn_plan *plan = plan_of(f, config, strlen(config));

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct vn_written *text = written(f, plan, forms[i]);
		assert_holds(text, "/images/both.raw");
		struct vn_plan *again = plan_of(f, vn_written_text(text), strlen(vn_written_text(text)));
		assert_int_equal(vn_plan_vnode_home(again, 0), 1);
		assert_int_equal(vn_plan_vnode_home(again, 1), 0);
		vn_plan_free(again);
		vn_written_free(text);
	}
	struct vn_written *line = written(f, plan, "qemu");
	assert_true(has_note(line, "pins-left-out"));
	assert_null(vn_written_note_code(line, vn_written_note_count(line)));
	assert_null(vn_written_note_text(line, 99));
	vn_written_free(line);
	vn_plan_free(plan);
}

/* Where disks could be missing, a note says so. */
static void test_bare(void **state)
{
	struct fixture *f = *state;
	struct vn_plan *plan = plan_of(f, config, strlen(config)), *again = NULL;
	char *json = vn_plan_json(plan);

	assert_int_equal(vn_plan_from_text(json, NULL, f->host, &again, f->err), 0);
	struct vn_written *text = written(f, again, "xl");
	assert_true(has_note(text, "guest-bare"));
	vn_written_free(text);
	vn_plan_free(again);
	vn_plan_free(plan);
	free(json);

	struct vn_guest *guest = vn_guest_new();
	assert_int_equal(vn_guest_set_name(guest, "made"), 0);
	assert_int_equal(vn_guest_set_memory(guest, UINT64_C(1) << 30), 0);
	assert_int_equal(vn_plan_guest(f->host, guest, NULL, &plan, f->err), 0);
	text = written(f, plan, "libvirt");
	assert_true(has_note(text, "guest-bare"));
	assert_holds(text, "<name>made</name>");
	vn_written_free(text);
	vn_plan_free(plan);
	vn_guest_free(guest);
}

static void assert_refused(
	const struct vn_plan *plan, const char *form, const char *version, const char *expected)
{
	struct vn_written *untouched = NULL;
	struct vn_error *err = vn_error_new();

	assert_int_equal(vn_plan_write(plan, form, version, &untouched, err), -EINVAL);
	assert_null(untouched);
	assert_true(vn_error_count(err) > 0);
	if (!strstr(vn_error_text(err, 0), expected))
		fail_msg("no '%s' in: %s", expected, vn_error_text(err, 0));
	vn_error_free(err);
	assert_int_equal(vn_plan_write(plan, form, version, &untouched, NULL), -EINVAL);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct vn_plan *plan = plan_of(f, config, strlen(config));

	assert_refused(plan, "json", NULL, "form 'json'; expected qemu, qemu-json, libvirt or xl");
	assert_refused(plan, "", NULL, "form ''");
	assert_refused(plan, "qemu\033[2J", NULL, "expected qemu");
	assert_refused(plan, "qemu", "new", "'new'");
	vn_plan_free(plan);

	struct vn_guest *guest = vn_guest_new();
	assert_int_equal(vn_guest_set_name(guest, "huge"), 0);
	assert_int_equal(vn_guest_set_memory(guest, UINT64_C(1) << 40), 0);
	assert_int_equal(vn_plan_guest(f->host, guest, NULL, &plan, f->err), 0);
	assert_refused(plan, "xl", NULL, "not feasible");
	vn_plan_free(plan);
	vn_guest_free(guest);
	vn_written_free(NULL);
}

/* What a text is goes by its beginning; all that is wrong is told by the form's own words. */
static void test_wrong_guests(void **state)
{
	struct fixture *f = *state;
	static const char nul[] = "name = \"x\"\0memory = 64\n";
	struct vn_guest *guest = NULL;
	char *longest = malloc((8u << 20) + 2);

	assert_int_equal(
		vn_guest_from_text("<domain><name>x</name></domain>", NULL, &guest, f->err), -EINVAL);
	vn_error_clear(f->err);
	assert_int_equal(vn_guest_from_text("qemu-system-x86_64 -m lots", NULL, &guest, f->err), -EINVAL);
	assert_non_null(strstr(vn_error_text(f->err, 0), "lots"));
	vn_error_clear(f->err);
	assert_int_equal(vn_guest_from_bytes(nul, sizeof(nul) - 1, "f", &guest, f->err), -EINVAL);
	assert_non_null(strstr(vn_error_text(f->err, 0), "NUL"));
	vn_error_clear(f->err);
	assert_int_equal(vn_guest_from_bytes("", 0, "f", &guest, NULL), -EINVAL);
	memset(longest, ' ', (8u << 20) + 1);
	longest[0] = '<';
	longest[(8u << 20) + 1] = 0;
	assert_int_equal(vn_guest_from_text(longest, "f", &guest, f->err), -EINVAL);
	assert_string_equal(vn_error_text(f->err, 0), "longer than 8388608 bytes");
	vn_error_clear(f->err);
	free(longest);
	assert_null(guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_own_form, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_form, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bare, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_guests, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
