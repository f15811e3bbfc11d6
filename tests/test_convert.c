/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests that become another form: what is refused where a guess would do harm, and that what the guest is stays as it is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "convert_maker.h"

/* The text, on two nodes of 4 cores and 4 GiB, as another form; NULL when it is refused. All problems as "LINE KEY: TEXT" lines. */
static char *convert(const char *text, enum vn_emit_form form, const char *version, char **ret_problems)
{
	vn_autoerror err = {0};
	struct vn_notes notes = {0};
	char *out = NULL;

	int r = convert_on(2, text, form, version, &notes, &out, &err);
	assert_true(r == 0 ? !err.n : r == -EINVAL && !out);
	*ret_problems = vn_copy("");
	for (size_t i = 0; i < err.n; i++) {
		char *more = vn_format("%s%u %s: %s\n", *ret_problems, err.problems[i].line,
			err.problems[i].key, err.problems[i].text);
		free(*ret_problems);
		*ret_problems = more;
	}
	vn_notes_clear(&notes);
	return out;
}

static char *converted(const char *text, enum vn_emit_form form)
{
	vn_autofree char *problems = NULL;
	char *out = convert(text, form, NULL, &problems);
	assert_string_equal(problems, "");
	assert_non_null(out);
	return out;
}

static void assert_refused(const char *text, enum vn_emit_form form, const char *expected)
{
	vn_autofree char *problems = NULL;
	vn_autofree char *out = convert(text, form, NULL, &problems);
	assert_string_equal(problems, expected);
	assert_null(out);
}

#define QEMU "qemu-system-x86_64 -name guest=g -m 1G -smp 2 "

#define NO_FORMAT(target)                                                                                       \
	" without a format; expected format=raw or format=qcow2 with its -drive, as 'qemu-img info' tells it: " \
	"QEMU looks into the image, " target " does not, and a wrong format destroys what is in it\n"

static void test_a_format_that_is_not_told(void **state)
{
	(void)state;
	static const char text[] =
		QEMU "-drive file=/x.qcow2,if=virtio \\\n-hda /a.img \\\n-drive file=/d,if=none,id=d \\\n"
		     "-device virtio-blk-pci,drive=d -drive file=/r,format=raw,if=virtio \\\n/last";
	assert_refused(text, VN_EMIT_LIBVIRT,
		"1 disk: '/x.qcow2'" NO_FORMAT("libvirt") "2 disk: '/a.img'" NO_FORMAT(
			"libvirt") "3 disk: '/d'" NO_FORMAT("libvirt") "5 disk: '/last'" NO_FORMAT("libvirt"));
	vn_autofree char *problems = NULL;
	vn_autofree char *none = convert(text, VN_EMIT_XL, NULL, &problems);
	assert_null(none);
	assert_has(problems, "1 disk: '/x.qcow2'" NO_FORMAT("Xen"));
	vn_autofree char *own = converted(text, VN_EMIT_QEMU); /* says what it said */
	assert_has(own, "-drive file=/x.qcow2,if=virtio ");
	assert_has(own, "-hda /a.img ");
	assert_has_not(own, "/x.qcow2,format");
}

static void test_a_format_that_is_told(void **state)
{
	(void)state;
	static const char text[] =
		QEMU "-drive file=/q,if=virtio,driver=qcow2 -drive file=/v,if=virtio,format=vdi "
		     "-blockdev driver=file,node-name=f,filename=/f -device virtio-blk-pci,drive=f";
	vn_autofree char *domain = converted(text, VN_EMIT_LIBVIRT);
	assert_has(domain, "type='qcow2' iothread='1'/>\n      <source file='/q'/>");
	assert_has(domain, "type='raw' iothread='1'/>\n      <source file='/f'/>");
	assert_has_not(domain, "'/v'"); /* left out, which is told */
	vn_autofree char *xl = converted(text, VN_EMIT_XL);
	assert_has(xl, "format=qcow2,vdev=");
	assert_has_not(xl, "/v");
	/* libvirt's own default, and xl's */
	vn_autofree char *line = converted(
		"<domain type='kvm'><name>g</name><memory unit='GiB'>1</memory><devices>"
		"<disk type='file'><source file='/d'/><target dev='vda'/></disk></devices></domain>",
		VN_EMIT_QEMU);
	assert_has(line, "format=raw,readonly=off,file=/d ");
	vn_autofree char *of_xl =
		converted("name='g'\nmemory=512\nvcpus=1\ndisk=['/c,,xvda,rw']\n", VN_EMIT_LIBVIRT);
	assert_has(of_xl, "type='raw' iothread='1'/>\n      <source file='/c'/>");
}

/* A node "raw" over one of qcow2 is the qcow2 image's disk, and not the image. */
static void test_formats_over_others(void **state)
{
	(void)state;
	static const struct {
		const char *line, *format; /* NULL: left out */
	} cases[] = {
		{"-blockdev driver=raw,node-name=t,file=q -blockdev driver=qcow2,node-name=q,file=f -blockdev "
		 "driver=file,node-name=f,filename=/f -device virtio-blk-pci,drive=t",
			"qcow2"},
		{"-blockdev driver=raw,node-name=t,file.driver=vmdk,file.file.driver=file,file.file.filename=/f -device virtio-blk-pci,drive=t",
			NULL},
		{"-blockdev driver=qcow2,node-name=t,file.driver=qcow2,file.file.driver=file,file.file.filename=/f -device "
		 "virtio-blk-pci,drive=t",
			NULL},
		{"-blockdev driver=qcow2,node-name=t,file.driver=file,file.filename=/f,backing.driver=vmdk -device "
		 "virtio-blk-pci,drive=t",
			"qcow2"},
		{"-drive if=virtio,driver=raw,file.driver=qcow2,file.file.driver=file,file.file.filename=/f",
			"qcow2"},
		{"-drive if=virtio,driver=raw,file.driver=host_device,file.filename=/f", "raw"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autofree char *text = vn_format(QEMU "%s", cases[i].line);
		vn_autofree char *out = converted(text, VN_EMIT_LIBVIRT);
		vn_autofree char *driver =
			vn_format("<driver name='qemu' type='%s' iothread='1'/>\n      <source file='/f'/>",
				cases[i].format ? cases[i].format : "");
		if (cases[i].format)
			assert_has(out, driver);
		else
			assert_has_not(out, "<disk");
	}
}

static void test_another_architecture(void **state)
{
	(void)state;
	static const char text[] = "qemu-system-aarch64 -M virt -m 64 -smp 2",
			  kvm[] = "kvm -machine virt-9.0 -m 64",
			  domain[] = "<domain type='kvm'><name>g</name><memory unit='GiB'>1</memory>"
				     "<os><type arch='aarch64' machine='virt'>hvm</type></os></domain>";
	static const char line_refused[] =
		"0 --to: a machine of another architecture than x86; expected --to qemu, which gives the command line back "
		"with its plan, as other forms are made for x86 alone\n";
	static const char domain_refused[] =
		"0 --to: a machine of another architecture than x86; expected --to libvirt, which gives the domain back with "
		"its plan, as other forms are made for x86 alone\n";
	assert_refused(text, VN_EMIT_LIBVIRT, line_refused);
	assert_refused(text, VN_EMIT_XL, line_refused);
	assert_refused(kvm, VN_EMIT_LIBVIRT, line_refused);
	assert_refused(domain, VN_EMIT_QEMU, domain_refused);
	assert_refused(domain, VN_EMIT_XL, domain_refused);
	vn_autofree char *own = converted(text, VN_EMIT_QEMU);
	assert_has(own, "qemu-system-aarch64 \\\n\t-M virt,");
	vn_autofree char *same = converted(domain, VN_EMIT_LIBVIRT);
	assert_has(same, "arch='aarch64' machine='virt'");
}

static void test_types_for_xen(void **state)
{
	(void)state;
	static const char domain[] =
		"<domain type='xen'><name>g</name><memory unit='GiB'>1</memory><vcpu>2</vcpu><os><type>%s</type></os>"
		"%s</domain>";
	static const struct {
		const char *os, *type;
	} types[] = {{" hvm\n", "type = \"hvm\"\n"}, {"linux", NULL}, {"xen", NULL},
		{"xenpvh", "type = \"pvh\"\n"}};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		vn_autofree char *text =
			vn_format(domain, types[i].os, ""); /* one vnode, or xl would be told of it */
		vn_autofree char *out = converted(text, VN_EMIT_XL);
		if (types[i].type)
			assert_has(out, types[i].type);
		else
			assert_has_not(out, "type = ");
		assert_has_not(out, "vnuma");
	}
	vn_autofree char *line = converted(QEMU, VN_EMIT_XL);
	assert_has(line, "type = \"hvm\"\n");
	vn_autofree char *problems = NULL, *old = convert(QEMU, VN_EMIT_XL, "4.9", &problems);
	assert_has(old, "builder = \"hvm\"\n");
	vn_autofree char *own = converted("name='g'\nmemory=512\nvcpus=1\n", VN_EMIT_XL);
	assert_has_not(own, "type"); /* as it was */
	vn_autofree char *several = vn_format(domain, "linux",
		"<cpu><numa><cell id='0' cpus='0' memory='512' unit='MiB'/><cell id='1' cpus='1' memory='512' unit='MiB'/></numa></cpu>");
	assert_refused(several, VN_EMIT_XL,
		"0 os/type: 'linux' seen; expected hvm, as Xen has vNUMA for no other guests\n");
}

static void test_names_of_disks(void **state)
{
	(void)state;
	vn_autofree char *out = converted(QEMU
		"-machine pc -drive file=/v,if=virtio,format=raw -drive file=/i,if=ide,format=raw -drive file=rel "
		"-drive file=/w,if=virtio,format=raw -drive file=/j,if=ide,format=raw "
		"-drive file=/s,if=none,id=s,format=raw -device scsi-hd,drive=s",
		VN_EMIT_LIBVIRT);
	assert_has(out, "<source file='/v'/>\n      <target dev='vda' bus='virtio'/>");
	assert_has(out, "<source file='/i'/>\n      <target dev='hda' bus='ide'/>");
	assert_has(out, "<source file='/w'/>\n      <target dev='vdb' bus='virtio'/>");
	assert_has(out, "<source file='/j'/>\n      <target dev='hdb' bus='ide'/>");
	assert_has(out, "<source file='/s'/>\n      <target dev='sda' bus='scsi'/>");
}

/* What QEMU has where nothing is told: on x86 the machine pc, TCG, and the model qemu64. */
static void test_machines_and_accelerators(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *type, *machine, *cpu;
	} cases[] = {{"qemu-system-x86_64", "qemu", "pc", "<model>qemu64</model>"},
		{"qemu-system-x86_64 -enable-kvm -M q35", "kvm", "q35", "mode='host-passthrough'"},
		{"qemu-system-x86_64 -accel tcg -cpu host", "qemu", "pc", "mode='maximum'"},
		{"qemu-system-x86_64 -accel tcg,thread=multi -cpu EPYC", "qemu", "pc", "<model>EPYC</model>"},
		{"qemu-system-x86_64 -machine accel=kvm:tcg", "kvm", "pc", "mode='host-passthrough'"},
		{"qemu-system-x86_64 -machine accel=tcg:kvm", "qemu", "pc", "qemu64"},
		{"qemu-system-x86_64 -accel accel=kvm -accel tcg", "kvm", "pc", "mode='host-passthrough'"},
		{"qemu-system-x86_64 -enable-kvm -machine accel=tcg", "qemu", "pc", "qemu64"},
		{"qemu-system-x86_64 -machine accel=tcg -enable-kvm", "kvm", "pc", "mode='host-passthrough'"},
		{"/usr/libexec/qemu-kvm", "kvm", "pc", "mode='host-passthrough'"},
		{"kvm -machine accel=tcg", "qemu", "pc", "qemu64"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autofree char *text = vn_format("%s -m 1G -smp 2", cases[i].line);
		vn_autofree char *out = converted(text, VN_EMIT_LIBVIRT);
		vn_autofree char *type = vn_format("<domain type='%s'>", cases[i].type),
				 *machine = vn_format("machine='%s'>", cases[i].machine);
		assert_has(out, type);
		assert_has(out, machine);
		assert_has(out, cases[i].cpu);
	}
	vn_autofree char *line = converted(
		"<domain type='qemu'><name>g</name><memory unit='GiB'>1</memory></domain>", VN_EMIT_QEMU);
	assert_has(line, "-accel tcg,");
}

#define UUID "123e4567-e89b-12d3-a456-426614174000"

static void test_a_uuid_of_a_config(void **state)
{
	(void)state;
	static const char text[] = "name='g'\nmemory=512\nuuid='" UUID "'\n",
			  wrong[] = "name='g'\nmemory=512\nuuid='123e4567'\n";
	vn_autofree char *domain = converted(text, VN_EMIT_LIBVIRT);
	assert_has(domain, "<uuid>" UUID "</uuid>");
	vn_autofree char *line = converted(text, VN_EMIT_QEMU);
	assert_has(line, "-uuid " UUID " ");
	vn_autofree char *own = converted(text, VN_EMIT_XL);
	assert_has(own, "\nuuid='" UUID "'\n");
	vn_autoerror err = {0};
	struct vn_guest *guest = NULL;
	assert_int_equal(vn_guest_read(wrong, strlen(wrong), "g", false, &guest, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_int_equal(err.problems[0].line, 3);
	assert_string_equal(err.problems[0].key, "uuid");
	assert_string_equal(
		err.problems[0].text, "\"123e4567\" seen; expected hexadecimal digits such as " UUID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_format_that_is_not_told),
		cmocka_unit_test(test_a_format_that_is_told),
		cmocka_unit_test(test_formats_over_others),
		cmocka_unit_test(test_another_architecture),
		cmocka_unit_test(test_types_for_xen),
		cmocka_unit_test(test_names_of_disks),
		cmocka_unit_test(test_machines_and_accelerators),
		cmocka_unit_test(test_a_uuid_of_a_config),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
