/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests that become another form: what is carried over, and that everything else is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "convert_maker.h"

static const char left[] = "conversion-leaves-out";

/* The text, on four nodes of 4 cores and 4 GiB; the note of what is left out in *ret_note, NULL: none. */
static char *converted(const char *text, enum vn_emit_form form, char **ret_note)
{
	vn_autoerror err = {0};
	struct vn_notes notes = {0};
	char *out = NULL;

	assert_int_equal(convert_on(4, text, form, NULL, &notes, &out, &err), 0);
	*ret_note = NULL;
	for (size_t i = 0; i < notes.n; i++) {
		if (strcmp(notes.v[i].code, left) != 0)
			continue;
		assert_null(*ret_note); /* one note has it all */
		*ret_note = vn_copy(notes.v[i].text);
	}
	vn_notes_clear(&notes);
	return out;
}

#define UUID "123e4567-e89b-12d3-a456-426614174000"

#define CARRIED                                                                                              \
	"<domain type='kvm' xmlns:q='urn:q'><name>g</name><uuid>" UUID "</uuid>"                             \
	"<memory unit='GiB'>2</memory><vcpu placement='static'>6</vcpu>"                                     \
	"<memoryBacking><access mode='shared'/><source type='memfd'/></memoryBacking>"                       \
	"<os><type arch='x86_64' machine='%s'>hvm</type>"                                                    \
	"<loader readonly='yes' type='pflash'>/fw,code</loader><nvram>/fw.vars</nvram></os>"                 \
	"<features><acpi/></features><cpu mode='custom' match='exact'><model>EPYC</model>"                   \
	"<topology sockets='3' cores='1' threads='2'/><numa><cell cpus='0-2' memory='1' unit='GiB'/>"        \
	"<cell cpus='3-5' memory='1' unit='GiB'/></numa></cpu><devices><emulator>/opt/qemu-kvm</emulator>"   \
	"<disk type='file' device='disk'><source file='/a'/><target dev='sda' bus='%s'/></disk>"             \
	"<disk type='file' device='disk'><source file='/b'/><target dev='sdb' bus='scsi'/></disk>"           \
	"<interface type='user'><model type='e1000'/></interface>"                                           \
	"<interface type='user'><model type='e1000e'/></interface></devices></domain>"

static void test_a_domain_is_carried(void **state)
{
	(void)state;
	vn_autofree char *note = NULL, *text = vn_format(CARRIED, "pc-q35-7.2", "sata");
	vn_autofree char *out = converted(text, VN_EMIT_QEMU, &note);
	assert_null(note);
	assert_has(out, "/opt/qemu-kvm \\\n");
	assert_has(out, "-machine pc-q35-7.2 ");
	assert_has(out, "-cpu EPYC ");
	assert_has(out, "-uuid " UUID " ");
	/* threads of a core are in two cells: planned as cores, and told as they were */
	assert_has(out, "-smp cpus=6,maxcpus=6,sockets=3,cores=1,threads=2 ");
	assert_has(out, "-numa cpu,node-id=1,socket-id=1,core-id=0,thread-id=1 ");
	assert_has(out, "memory-backend-memfd,id=ram0,size=1024M,share=on,host-nodes=0");
	assert_has(out, "if=pflash,unit=0,format=raw,readonly=on,file=/fw,,code");
	assert_has(out, "if=pflash,unit=1,format=raw,file=/fw.vars");
	assert_has(out, "-device ide-hd,drive=disk0,bus=ide.0 ");
	assert_has(out, "-device virtio-scsi-pci,id=scsi0,iothread=io1,bus=pcie.0 ");
	assert_has(out, "-device scsi-hd,drive=disk1,bus=scsi0.0 ");
	assert_has(out, "-device e1000,netdev=net0,mac=");
	assert_has(out, ",bus=pcie.0 "); /* no Express device */
	assert_has(out, ",bus=port-net1 ");
	assert_has_not(out, "iothread,id=io0");

	free(note);
	free(text);
	text = vn_format(CARRIED, "pc", "ide");
	vn_autofree char *old = converted(text, VN_EMIT_QEMU, &note);
	assert_null(note);
	assert_has(old, "-machine pc ");
	assert_has(old, "-device ide-hd,drive=disk0,bus=ide.0,unit=0 ");
	assert_has_not(old, "pxb");
	assert_has_not(old, "pcie");
}

static void test_a_domain_goes_and_comes_back(void **state)
{
	(void)state;
	vn_autofree char *note = NULL, *text = vn_format(CARRIED, "pc-q35-7.2", "sata");
	vn_autofree char *line = converted(text, VN_EMIT_QEMU, &note);
	free(note);
	vn_autofree char *back = converted(line, VN_EMIT_LIBVIRT, &note);
	assert_has(back, "<uuid>" UUID "</uuid>");
	assert_has(back, "machine='pc-q35-7.2'");
	assert_has(back, "<loader readonly='yes' type='pflash'>/fw,code</loader>");
	assert_has(back, "<nvram>/fw.vars</nvram>");
	assert_has(back, "<model>EPYC</model>");
	assert_has(back, "<topology sockets='3' cores='1' threads='2'/>");
	assert_has(back, "<access mode='shared'/>");
	assert_has(back, "<emulator>/opt/qemu-kvm</emulator>");
	assert_has(back, "<target dev='sda' bus='sata'/>");
	assert_has(back, "<target dev='sdb' bus='scsi'/>");
	assert_has(back, "<controller type='scsi' index='0' model='virtio-scsi'");
	assert_has(back, "<model type='e1000e'/>");
	assert_non_null(note); /* where the devices were */
	assert_has(note, "addresses of devices (lines ");
	assert_has_not(note, "-cpu");
	assert_has_not(note, "pflash");
}

static void test_what_a_domain_loses_is_told(void **state)
{
	(void)state;
	static const char text[] =
		"<domain type='xen'>\n<name>g</name><metadata><a/></metadata>\n<memory unit='GiB'>1</memory><vcpu>2</vcpu>\n"
		"<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type>\n<loader secure='yes' type='pflash'>/c</loader></os>\n"
		"<cpu mode='host-model'><feature name='x'/></cpu><clock offset='utc'/>\n"
		"<devices><disk type='network'><source name='p/i'/></disk>\n<disk device='cdrom'/>\n"
		"<disk type='file'><driver cache='none'/><source file='/a'/><target dev='a' bus='usb'/>\n<address/></disk>\n"
		"<interface type='bridge'><source bridge='b'/></interface>\n<serial type='pty'/>\n<serial type='pty'/>"
		"<serial type='pty'/><serial type='pty'/><serial type='pty'/><hostdev type='usb'/>\n<nothing-known/></devices></domain>";
	vn_autofree char *note = NULL;
	vn_autofree char *out = converted(text, VN_EMIT_QEMU, &note);
	assert_non_null(note);
	assert_string_equal(note,
		"not carried over into the command line: @type='xen' (line 1), metadata (line 2), os/@firmware='efi' (line 4), "
		"os/loader/@secure (line 5), cpu/@mode='host-model' (line 6), cpu/feature (line 6), clock (line 6), "
		"devices/disk type='network' (line 7), devices/disk device='cdrom' (line 8), "
		"devices/disk/driver/@cache='none' (line 9), devices/disk/target/@bus='usb' (line 9), addresses of devices (line 10), "
		"devices/interface/source (line 11), devices/serial type='pty' (lines 12, 13, 13, 13 and 1 more), "
		"devices/hostdev type='usb' (line 13), devices/nothing-known (line 14)");
	free(note);
	vn_autofree char *same = converted(text, VN_EMIT_LIBVIRT, &note);
	assert_null(note); /* in its own form it loses nothing */
	assert_has(same, "<nothing-known/>");
}

static void test_empty_values(void **state)
{
	(void)state;
	vn_autofree char *note = NULL;
	vn_autofree char *out = converted(
		"<domain type=''><name>g</name><memory unit='GiB'>1</memory></domain>", VN_EMIT_QEMU, &note);
	assert_string_equal(note, "not carried over into the command line: @type='' (line 1)");
	free(note);
	vn_autofree char *line = converted("kvm -accel '' -display ''", VN_EMIT_LIBVIRT, &note);
	assert_string_equal(note, "not carried over into the domain: -accel  (line 1), -display  (line 1)");
}

#define QEMU "qemu-system-x86_64 -name guest=g -machine q35,accel=kvm -cpu host -m 1G -smp 2 "

static void test_what_a_command_line_loses_is_told(void **state)
{
	(void)state;
	vn_autofree char *note = NULL;
	vn_autofree char *plain =
		converted(QEMU "-nodefaults -display none -drive file=/a,if=virtio,format=raw "
			       "-netdev user,id=n -device virtio-net-pci,netdev=n",
			VN_EMIT_LIBVIRT, &note);
	assert_null(note);
	assert_has(plain, "<source file='/a'/>");
	vn_autofree char *queues = converted(QEMU
		"-drive file=/a,if=none,id=a,format=raw -device virtio-blk-pci,drive=a,num-queues=2 "
		"-drive file=/b,if=none,id=b,format=raw \\\n-device virtio-blk-pci,drive=b,num-queues=1",
		VN_EMIT_LIBVIRT, &note);
	assert_string_equal(
		note, "not carried over into the domain: -device virtio-blk-pci,num-queues= (line 2)");
	free(note);

	vn_autofree char *out = converted(QEMU
		"-blockdev driver=rbd,node-name=r,pool=p -device virtio-blk-pci,drive=r \\\n"
		"-drive file=rel.img \\\n-drive file=/v,format=vmdk,if=virtio \\\n-drive file=/h,format=raw \\\n"
		"-netdev vhost-user,id=u,chardev=c -device virtio-net-pci,netdev=u \\\n"
		"-drive file=/a,if=none,id=a,format=raw,cache=none -device nvme,drive=a,serial=7 \\\n"
		"-device qemu-xhci -machine usb=off -rtc base=localtime -what ever",
		VN_EMIT_LIBVIRT, &note);
	assert_non_null(note);
	assert_string_equal(note,
		"not carried over into the domain: -blockdev pool= (line 1), -device virtio-blk-pci (line 1), "
		"-drive file=rel.img (line 2), -drive virtio (line 3), -device virtio-net-pci (line 5), -drive cache= (line 6), "
		"-device nvme (it is virtio there) (line 6), -device nvme,serial= (line 6), -device qemu-xhci (line 7), "
		"-machine usb=off (line 7), -rtc base=localtime (line 7), -what ever (line 7)");
	assert_has(out, "<source file='/h'/>");
	assert_has(out, "<source file='/a'/>");
	assert_has_not(out, "rel.img");
	assert_has_not(out, "'/v'");
	assert_has_not(out, "<interface");
}

static void test_what_a_config_loses_is_told(void **state)
{
	(void)state;
	static const char text[] =
		"name='g'\nmemory=512\nvcpus=1\ntype='hvm'\nserial='pty'\nvif=['bridge=b']\nbios='ovmf'\nvnuma_hmat='host'\n";
	vn_autofree char *note = NULL;
	vn_autofree char *line = converted(text, VN_EMIT_QEMU, &note);
	assert_string_equal(note,
		"not carried over into the command line: serial (line 5), bios (line 7), vif bridge= (line 6)");
	free(note);
	vn_autofree char *domain = converted(text, VN_EMIT_LIBVIRT, &note);
	assert_string_equal(note, "not carried over into the domain: serial (line 5), bios (line 7)");
	free(note);
	vn_autofree char *own = converted(text, VN_EMIT_XL, &note);
	assert_null(note);
	assert_has(own, "serial='pty'");
}

static void test_a_guest_for_xen(void **state)
{
	(void)state;
	vn_autofree char *note = NULL, *text = vn_format(CARRIED, "pc", "ide");
	vn_autofree char *out = converted(text, VN_EMIT_XL, &note);
	assert_has(out, "uuid = \"" UUID "\"");
	assert_has(note, "os/type/@machine='pc' (line 1), os/loader (line 1), os/nvram (line 1)");
	assert_has(note, "cpu/model (line 1)");
	assert_has(note, "devices/interface/model/@type='e1000e'");
}

static void test_memory_devices_become_dimms(void **state)
{
	(void)state;
	vn_autofree char *note = NULL;
	vn_autofree char *out =
		converted(QEMU "-m 1G,slots=2,maxmem=4G -object memory-backend-ram,id=d,size=512M "
			       "-device pc-dimm,memdev=d",
			VN_EMIT_LIBVIRT, &note);
	assert_null(note);
	assert_has(out,
		"<maxMemory slots='16' unit='KiB'>4194304</maxMemory>\n  <memory unit='KiB'>1572864</memory>");
	assert_has(out,
		"<memory model='dimm'>\n      <target>\n        <size unit='KiB'>524288</size>\n        <node>0</node>");
}

static void test_shared_memory_of_some(void **state)
{
	(void)state;
	static const char line[] =
		"qemu-system-x86_64 -name g -machine q35 -cpu host -smp 2 -m 1G,slots=2,maxmem=4G \\\n"
		"-object memory-backend-memfd,id=a,size=512M,share=on \\\n"
		"-object memory-backend-ram,id=b,size=512M \\\n"
		"-object memory-backend-%s,id=d,size=512M -device pc-dimm,memdev=d,node=0 \\\n"
		"-numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b";
	vn_autofree char *note = NULL, *private = vn_format(line, "ram"), *memfd = vn_format(line, "memfd");
	vn_autofree char *one = converted(private, VN_EMIT_LIBVIRT, &note);
	assert_null(note);
	assert_has(one, "<memoryBacking>\n    <source type='memfd'/>\n  </memoryBacking>");
	assert_has(one, "<cell id='0' cpus='0' memory='524288' unit='KiB' memAccess='shared'>");
	assert_has(one, "<cell id='1' cpus='1' memory='524288' unit='KiB'>");
	assert_has(one, "<memory model='dimm' access='private'>");
	vn_autofree char *two = converted(memfd, VN_EMIT_LIBVIRT, &note);
	assert_string_equal(note,
		"not carried over into the domain: -object memory-backend-memfd of a DIMM share=on (line 4)");
	free(note);
	vn_autofree char *xl =
		converted("qemu-system-x86_64 -name g -machine q35 -smp 2 -m 1G "
			  "-object memory-backend-memfd,id=a,size=1G,share=on -numa node,memdev=a",
			VN_EMIT_XL, &note);
	assert_has(note, "-object memory-backend-memfd share=on (line 1)");
}

static void test_what_a_dimm_has_of_its_own(void **state)
{
	(void)state;
	vn_autofree char *note = NULL;
	vn_autofree char *line = converted(QEMU
		"-m 1G,slots=2,maxmem=4G -object memory-backend-ram,id=a,size=1G,host-nodes=1,policy=bind -numa node,memdev=a "
		"-object memory-backend-ram,id=d,size=512M,host-nodes=3,policy=bind -device pc-dimm,memdev=d "
		"-object memory-backend-ram,id=e,size=512M,host-nodes=1,policy=bind -device pc-dimm,memdev=e",
		VN_EMIT_LIBVIRT, &note);
	assert_string_equal(note,
		"not carried over into the domain: -object memory-backend-ram of a DIMM host-nodes= (line 1)");
	free(note);
	static const char domain[] =
		"<domain type='kvm'><name>g</name><maxMemory slots='4' unit='GiB'>4</maxMemory><memory unit='MiB'>1280</memory>"
		"<vcpu>2</vcpu><numatune><memnode cellid='0' mode='strict' nodeset='1'/></numatune><os><type>hvm</type></os><cpu><numa>"
		"<cell cpus='0-1' memory='1' unit='GiB'/></numa></cpu><devices>\n"
		"<memory model='dimm' access='shared'><source><nodemask>1</nodemask></source><target><size unit='MiB'>128</size>"
		"<node>0</node></target></memory>\n"
		"<memory model='dimm' access='private' discard='yes'><source>\n<nodemask>2</nodemask></source><target>"
		"<size unit='MiB'>128</size><node>0</node></target></memory></devices></domain>";
	vn_autofree char *back = converted(domain, VN_EMIT_QEMU, &note);
	assert_has(note, "devices/memory/@access='shared' (line 2)");
	assert_has(note, "devices/memory/@discard='yes' (line 3)");
	assert_has(note, "devices/memory/source/nodemask (line 4)");
	assert_has_not(note, "private");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_domain_is_carried),
		cmocka_unit_test(test_a_domain_goes_and_comes_back),
		cmocka_unit_test(test_what_a_domain_loses_is_told),
		cmocka_unit_test(test_empty_values),
		cmocka_unit_test(test_what_a_command_line_loses_is_told),
		cmocka_unit_test(test_what_a_config_loses_is_told),
		cmocka_unit_test(test_a_guest_for_xen),
		cmocka_unit_test(test_memory_devices_become_dimms),
		cmocka_unit_test(test_shared_memory_of_some),
		cmocka_unit_test(test_what_a_dimm_has_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
