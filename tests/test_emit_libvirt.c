/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plan as a libvirt domain: what is filled in, what is left alone byte by byte, and that planning the result again changes nothing.
 * With libvirt's schema and the program xmllint each result is also validated.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../src/base/text.h"
#include "../src/emit/emit_libvirt_part.h"
#include "../src/guest/guest_read.h"
#include "../src/plan/plan_make.h"
#include "host_maker.h"
#include "text_asserts.h"

#define SCHEMA "/usr/share/libvirt/schemas/domain.rng"

static struct vn_guest *guest_of(const char *text)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};
	int r = vn_guest_read(text, strlen(text), "g.xml", false, &guest, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%u: %s: %s\n%s\n", err.problems[i].line, err.problems[i].key,
			err.problems[i].text, text);
	assert_int_equal(r, 0);
	return guest;
}

static unsigned version; /* of libvirt; 0: the default */
static bool rehome; /* what the domain says of nodes is forgotten */

/* Four nodes of 4 cores and 4 GiB. */
static char *planned(const char *text, struct vn_notes *notes)
{
	static const struct maker_node nodes[] = {{4, 4096}, {4, 4096}, {4, 4096}, {4, 4096}};
	vn_autohost *host = make_host(4, nodes, 1, 21);
	vn_autoguest *guest = guest_of(text);
	vn_autoplan *plan = NULL;
	vn_autoerror err = {0};
	struct vn_plan_options options = {0};
	struct vn_target target = {VN_TARGET_LIBVIRT, version ? version : VN_TARGET_LIBVIRT_VERSION};
	struct vn_notes dropped = {0};
	char *out = NULL;
	if (rehome)
		vn_guest_forget_homes(guest);
	assert_int_equal(vn_plan_auto(host, guest, &options, &plan, &err), 0);
	assert_true(plan->feasible);
	int r = vn_emit_libvirt(plan, guest, &target, notes ? notes : &dropped, &out, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%s\n", err.problems[i].text);
	assert_int_equal(r, 0);
	vn_notes_clear(&dropped);
	return out;
}

static void assert_valid(const char *text)
{
	char name[] = "/tmp/vnuma-domain-XXXXXX";
	if (access(SCHEMA, R_OK) != 0 || system("command -v xmllint >/dev/null") != 0)
		return;
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	vn_autofree char *command =
		vn_format("xmllint --noout --relaxng " SCHEMA " %s >/dev/null 2>&1", name);
	int status = system(command);
	unlink(name);
	if (status != 0)
		fail_msg("libvirt's schema refuses:\n%s", text);
}

/* The domain of the plan, which is valid and, planned again, the same. */
static char *domain_of(const char *text, struct vn_notes *notes)
{
	char *once = planned(text, notes);
	vn_autofree char *twice = planned(once, NULL);
	assert_string_equal(twice, once);
	assert_valid(once);
	return once;
}

/* All lines of `old` that are not in `lost` (whole lines, one after the other) are in `new`, in their order. */
static void assert_lines_kept(const char *old, const char *new, const char *lost)
{
	const char *at = new;
	while (*old) {
		size_t n = strcspn(old, "\n");
		vn_autofree char *line = vn_format("%.*s\n", (int)n, old);
		const char *found = strstr(at, line);
		if (lost && strncmp(lost, line, strlen(line)) == 0)
			lost += strlen(line);
		else if (!found)
			fail_msg("line '%s' is not kept in:\n%s", line, new);
		else
			at = found + strlen(line) - 1;
		old += n + (old[n] == '\n');
	}
	assert_true(!lost || !*lost);
}

#define OPEN                                                                                                 \
	"<?xml version='1.0' encoding='UTF-8'?>\n"                                                           \
	"<!-- mine -->\n"                                                                                    \
	"<domain type=\"kvm\">\n"                                                                            \
	"    <name>g</name>\n"                                                                               \
	"    <metadata><my:x xmlns:my='urn:x'>a  <my:y/></my:x></metadata>\n"                                \
	"    <memory unit='GiB'>6</memory>\n"                                                                \
	"    <vcpu placement=\"auto\">6</vcpu> <!-- six -->\n"                                               \
	"    <os><type arch='x86_64' machine='q35'>hvm</type></os>\n"                                        \
	"    <clock   offset='utc'/>\n"

static void test_open_vnodes_become_cells(void **state)
{
	(void)state;
	static const char text[] = OPEN "    <devices/>\n</domain>\n<!-- end -->\n";
	vn_autofree char *out = domain_of(text, NULL);
	assert_lines_kept(text, out, "    <vcpu placement=\"auto\">6</vcpu> <!-- six -->\n");
	assert_has(out, "    <vcpu placement=\"static\">6</vcpu> <!-- six -->\n"
			"    <cputune>\n"
			"        <vcpupin vcpu='0' cpuset='0-3'/>\n"
			"        <vcpupin vcpu='1' cpuset='0-3'/>\n"
			"        <vcpupin vcpu='2' cpuset='0-3'/>\n"
			"        <vcpupin vcpu='3' cpuset='4-7'/>\n"
			"        <vcpupin vcpu='4' cpuset='4-7'/>\n"
			"        <vcpupin vcpu='5' cpuset='4-7'/>\n"
			"        <emulatorpin cpuset='0-7'/>\n"
			"    </cputune>\n"
			"    <numatune>\n"
			"        <memnode cellid='0' mode='preferred' nodeset='0'/>\n"
			"        <memnode cellid='1' mode='preferred' nodeset='1'/>\n"
			"    </numatune>\n"
			"    <os>");
	assert_has(out, "</os>\n"
			"    <cpu>\n"
			"        <numa>\n"
			"            <cell id='0' cpus='0-2' memory='3145728' unit='KiB'>\n"
			"                <distances>\n"
			"                    <sibling id='0' value='10'/>\n"
			"                    <sibling id='1' value='21'/>\n"
			"                </distances>\n"
			"            </cell>\n");
	assert_has(out,
		"        </numa>\n    </cpu>\n    <clock   offset='utc'/>\n    <devices/>\n</domain>\n<!-- end -->\n");
}

static void test_one_vnode(void **state)
{
	(void)state;
	static const char head[] =
		"<domain type='kvm'><name>g</name><memory unit='GiB'>1</memory><vcpu>2</vcpu>",
			  tail[] = "<os><type>hvm</type></os><devices/></domain>";
	vn_autofree char *plain = vn_format("%s%s", head, tail);
	vn_autofree char *none = domain_of(plain, NULL);
	vn_autofree char *expected =
		vn_format("%s<cputune><vcpupin vcpu='0' cpuset='0-3'/><vcpupin vcpu='1' cpuset='0-3'/>"
			  "<emulatorpin cpuset='0-3'/></cputune><numatune>"
			  "<memory mode='preferred' nodeset='0'/></numatune>%s",
			head, tail);
	assert_string_equal(none, expected);

	vn_autofree char *by_numad = vn_format(
		"%s<numatune><memory placement='auto' mode=\"strict\"/></numatune><memoryBacking/>%s", head,
		tail);
	vn_autofree char *answered = domain_of(by_numad, NULL);
	assert_has(answered, "<numatune><memory mode=\"strict\" nodeset='0'/></numatune>");

	vn_autofree char *wide = vn_format("%s<numatune><memory nodeset='2-3'/></numatune>%s", head, tail);
	vn_autofree char *narrowed = domain_of(wide, NULL);
	assert_has(narrowed, "<memory nodeset='2'/>");
	assert_has(narrowed, "<vcpupin vcpu='0' cpuset='8-11'/>");

	vn_autofree char *mixed =
		vn_format("%s<numatune><memory mode='interleave' nodeset='2,3'/></numatune>%s", head, tail);
	vn_autofree char *kept = domain_of(mixed, NULL);
	assert_has(kept, "<memory mode='interleave' nodeset='2,3'/>");
}

#define CELLS                                                                                                \
	"<domain type='kvm'>\n"                                                                              \
	"  <name>g</name>\n"                                                                                 \
	"  <vcpu>4</vcpu>\n"                                                                                 \
	"  <cputune>\n"                                                                                      \
	"    <shares>2048</shares>\n"                                                                        \
	"    <vcpupin vcpu=\"1\" cpuset='0,1,2-3'/>\n"                                                       \
	"    <vcpupin cpuset='0' vcpu='7'/>\n"                                                               \
	"    <emulatorpin cpuset='15'/>\n"                                                                   \
	"  </cputune>\n"                                                                                     \
	"  <numatune>\n"                                                                                     \
	"    <memnode cellid='1' mode='strict' nodeset='3'/>\n"                                              \
	"  </numatune>\n"                                                                                    \
	"  <os><type>hvm</type></os>\n"                                                                      \
	"  <cpu>\n"                                                                                          \
	"    <numa>\n"                                                                                       \
	"      <cell id='1' cpus='2' memory='1' unit='GiB'/>\n"                                              \
	"      <cell id='0' cpus='0-1' memory='1000000'/>\n"                                                 \
	"    </numa>\n"                                                                                      \
	"  </cpu>\n"                                                                                         \
	"  <devices/>\n"                                                                                     \
	"</domain>\n"

static void test_a_socket_over_two_cells_is_told(void **state)
{
	(void)state;
	struct vn_notes notes = {0};
	vn_autofree char *out = planned(
		"<domain type='kvm'><name>g</name><memory unit='GiB'>6</memory><vcpu>6</vcpu><os><type>hvm</type>"
		"</os><cpu><topology sockets='1' cores='6' threads='1'/></cpu></domain>",
		&notes);
	assert_has(out, "<topology sockets='1' cores='6' threads='1'/><numa><cell id='0' cpus='0-2'");
	assert_true(vn_notes_has(&notes, "socket-spans-cells"));
	vn_notes_clear(&notes);
}

static void test_given_cells_stay(void **state)
{
	(void)state;
	vn_autofree char *out = domain_of(CELLS, NULL);
	assert_lines_kept(CELLS, out,
		"    <vcpupin vcpu=\"1\" cpuset='0,1,2-3'/>\n"
		"    <vcpupin cpuset='0' vcpu='7'/>\n"
		"    <emulatorpin cpuset='15'/>\n"
		"      <cell id='0' cpus='0-1' memory='1000000'/>\n");
	assert_has(out, "<cell id='0' cpus='0-1,3' memory='1000000'/>"); /* the vCPU in no cell */
	assert_has(out,
		"<memnode cellid='1' mode='strict' nodeset='3'/>\n    <memnode cellid='0' mode='preferred' nodeset='");
	assert_has(out, "<vcpupin vcpu='2' cpuset='12-15'/>");
	assert_has(out, "    <shares>2048</shares>\n    <vcpupin vcpu=\"1\" cpuset='");
	assert_has_not(out, "vcpu='7'");
	assert_has_not(out, "<emulatorpin cpuset='15'/>");
}

static void test_restrictive(void **state)
{
	(void)state;
	vn_autofree char *out = domain_of(
		"<domain type='kvm'><name>g</name><memory>1</memory><vcpu>2</vcpu><numatune><memory mode='restrictive' nodeset='0-3'/>"
		"</numatune><os><type>hvm</type></os><cpu><numa><cell cpus='0-1' memory='1048576'/></numa></cpu>"
		"</domain>",
		NULL);
	assert_has(out,
		"<memory mode='restrictive' nodeset='0-3'/><memnode cellid='0' mode='restrictive' nodeset='0'/>");
}

#define DIMM                                                                                                          \
	"<domain type='kvm'><name>g</name><maxMemory slots='4' unit='GiB'>8</maxMemory><memory unit='GiB'>2</memory>" \
	"<vcpu>2</vcpu>%s<os><type>hvm</type></os><cpu><numa><cell cpus='0' memory='1048576'/>"                       \
	"<cell cpus='1' memory='1048576'/></numa></cpu><devices><memory model='dimm'><source><nodemask>2</nodemask>"  \
	"</source><target><size unit='GiB'>1</size><node>1</node></target></memory></devices></domain>"

static void test_memory_devices_stay(void **state)
{
	(void)state;
	vn_autofree char *text = vn_format(DIMM, "");
	vn_autofree char *out = domain_of(text, NULL);
	assert_has(out,
		"<memory model='dimm'><source><nodemask>2</nodemask></source><target><size unit='GiB'>1</size>");
	assert_has(
		out, "<memnode cellid='1' mode='preferred' nodeset='0'/>"); /* its cell is not tied to it */

	vn_autofree char *tied =
		vn_format(DIMM, "<numatune><memnode cellid='1' mode='strict' nodeset='3'/></numatune>");
	vn_autofree char *apart = domain_of(tied, NULL);
	assert_has(apart, "<nodemask>2</nodemask>");
	assert_has(apart, "<memnode cellid='1' mode='strict' nodeset='3'/>");

	rehome = true;
	vn_autofree char *moved = planned(tied, NULL);
	rehome = false;
	assert_has(moved, "<memnode cellid='1' mode='preferred' nodeset='0'/>");
	assert_has(moved, "<nodemask>0</nodemask>");
}

#define DEVICES                                                                                              \
	"    <devices>\n"                                                                                    \
	"        <disk type='file' device='disk'>\n"                                                         \
	"            <driver name='qemu' type='qcow2'/>\n"                                                   \
	"            <source file='/a'/>\n"                                                                  \
	"            <target dev='vda' bus='virtio'/>\n"                                                     \
	"        </disk>\n"                                                                                  \
	"        <disk type='file' device='disk'>\n"                                                         \
	"            <source file='/b'/>\n"                                                                  \
	"            <target dev='vdb' bus='virtio'/>\n"                                                     \
	"            <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>\n"          \
	"        </disk>\n"                                                                                  \
	"        <disk type='file' device='cdrom'>\n"                                                        \
	"            <target dev='sda' bus='sata'/>\n"                                                       \
	"        </disk>\n"                                                                                  \
	"        <controller type='pci' index='3' model='pcie-root-port'/>\n"                                \
	"        <interface type='user'>\n"                                                                  \
	"            <model type='virtio'/>\n"                                                               \
	"        </interface>\n"                                                                             \
	"        <interface type='user'>\n"                                                                  \
	"            <model type='virtio'/>\n"                                                               \
	"        </interface>\n"                                                                             \
	"        <interface type='user'>\n"                                                                  \
	"            <model type='rtl8139'/>\n"                                                              \
	"        </interface>\n"                                                                             \
	"    </devices>\n"                                                                                   \
	"</domain>\n"

static void test_devices_are_spread(void **state)
{
	(void)state;
	vn_autofree char *out = domain_of(OPEN DEVICES, NULL);
	assert_lines_kept(OPEN DEVICES, out,
		"    <vcpu placement=\"auto\">6</vcpu> <!-- six -->\n"
		"            <driver name='qemu' type='qcow2'/>\n");
	assert_has(out, "<!-- six -->\n    <iothreads>2</iothreads>\n    <cputune>\n");
	assert_has(out,
		"        <iothreadpin iothread='1' cpuset='0-3'/>\n        <iothreadpin iothread='2' cpuset='4-7'/>\n");
	assert_has(out, "<driver name='qemu' type='qcow2' iothread='1'/>");
	assert_has(out,
		"function='0x0'/>\n            <driver name='qemu' iothread='2'/>\n        </disk>\n"); /* kept its address */
	assert_has(out,
		"        <controller type='pci' index='4' model='pcie-expander-bus'>\n"
		"            <model name='pxb-pcie'/>\n"
		"            <target busNr='253'>\n"
		"                <node>0</node>\n"
		"            </target>\n"
		"        </controller>\n"
		"        <controller type='pci' index='5' model='pcie-root-port'>\n"
		"            <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>\n");
	assert_has(out, "<target busNr='251'>\n                <node>1</node>");
	assert_has(out,
		"<model type='virtio'/>\n            <address type='pci' domain='0x0000' bus='0x06' slot");
	assert_has(out, "<model type='rtl8139'/>\n        </interface>");
}

static void test_queues_are_dealt_out(void **state)
{
	(void)state;
	struct vn_notes notes = {0};
	version = VN_TARGET_VERSION(9, 10, 0);
	vn_autofree char *before = planned(OPEN DEVICES, &notes);
	assert_has_not(before, "<queue");
	assert_false(vn_notes_has(&notes, "disk-queues"));
	version = VN_TARGET_VERSION(10, 0, 0);
	vn_autofree char *out = planned(OPEN DEVICES, &notes);
	vn_autofree char *again = planned(out, NULL);
	version = 0;
	assert_string_equal(again, out);
	assert_true(vn_notes_has(&notes, "disk-queues"));
	assert_has(out, "    <iothreads>2</iothreads>\n");
	/* of two equal nodes Linux takes the second first */
	assert_has(out, "            <driver name='qemu' type='qcow2' queues='6'>\n"
			"                <iothreads>\n"
			"                    <iothread id='1'>\n"
			"                        <queue id='3'/>\n"
			"                        <queue id='4'/>\n"
			"                        <queue id='5'/>\n"
			"                    </iothread>\n"
			"                    <iothread id='2'>\n"
			"                        <queue id='0'/>\n");
	assert_has(out, "            <driver name='qemu' queues='6'>\n                <iothreads>\n");
	vn_notes_clear(&notes);
}

static void test_iothreads_of_the_user(void **state)
{
	(void)state;
	vn_autofree char *out = domain_of(
		"<domain type='kvm'><name>g</name><memory unit='GiB'>1</memory><vcpu>1</vcpu><iothreads>3</iothreads><iothreadids>"
		"<iothread id='2'/></iothreadids><os><type machine='pc'>hvm</type></os><devices><disk type='file'>"
		"<source file='/a'/><target dev='vda' bus='virtio'/></disk></devices></domain>",
		NULL);
	assert_has(out, "<iothreadpin iothread='2' cpuset='0-3'/><iothreadpin iothread='1' cpuset='0-3'/>"
			"<iothreadpin iothread='3' cpuset='0-3'/>");
	assert_has_not(out, "iothread='1'/></disk>");
}

static void test_a_config_becomes_a_domain(void **state)
{
	(void)state;
	struct vn_notes notes = {0};
	vn_autofree char *out = planned(
		"name='g'\nmemory=2048\nmaxmem=4096\nvcpus=4\nmaxvcpus=8\nthreads=2\nvnodes=2\nkernel='/k'\nextra='a<b'\n"
		"vnuma_vnodemap=[3,1]\nweight=100\ndisk=['/d,qcow2,xvda,r','/dev/sdb,,xvdb,w']\n"
		"vif=['bridge=br0,queues=2,mac=52:54:00:00:00:01','type=user','vifname=t0']\npci=['3b:00.1']\n"
		"memory_policy='preferred'\n",
		&notes);
	assert_true(vn_notes_has(&notes, "weight-not-applied"));
	assert_true(vn_notes_has(&notes, "mac-by-libvirt"));
	assert_has(out,
		"<maxMemory slots='16' unit='KiB'>4194304</maxMemory>\n  <memory unit='KiB'>2097152</memory>");
	assert_has(out, "<vcpu placement='static' current='4'>8</vcpu>\n  <iothreads>2</iothreads>");
	assert_has(out, "<cmdline>a&lt;b</cmdline>");
	assert_has(out, "<topology sockets='2' cores='2' threads='2'/>");
	assert_has(out, "<cell id='1' cpus='4-7' memory='1048576' unit='KiB'>");
	assert_has(out, "<memnode cellid='0' mode='preferred' nodeset='3'/>");
	assert_has(out,
		"<disk type='block' device='disk'>\n      <driver name='qemu' type='raw' iothread='2'/>");
	assert_has(out, "<target dev='t0' managed='no'/>");
	assert_has(out, "<driver name='vhost' queues='2'/>");
	assert_has(out, "<address domain='0x0000' bus='0x3b' slot='0x00' function='0x1'/>");
	vn_autofree char *again = planned(out, NULL);
	assert_string_equal(again, out);
	assert_valid(out);
	vn_notes_clear(&notes);
}

static void test_pages_of_a_config(void **state)
{
	(void)state;
	struct vn_notes notes = {0};
	vn_autoguest *guest = guest_of("name='g'\nmemory=1024\nvcpus=2\nvnodes=2\nhugepages='2M'\n");
	vn_autofree char *all = domain_skeleton(guest, &notes);
	assert_has(all, "<hugepages>\n      <page size='2048' unit='KiB'/>\n    </hugepages>");
	guest->vnodes[1].has_page = true;
	vn_autofree char *own = domain_skeleton(guest, &notes);
	assert_has(own,
		"<page size='2048' unit='KiB' nodeset='0'/>\n      <page size='4' unit='KiB' nodeset='1'/>");
	vn_notes_clear(&notes);
}

static void test_what_libvirt_cannot_say(void **state)
{
	(void)state;
	static const struct maker_node nodes[] = {{4, 4096}, {4, 4096}};
	vn_autohost *host = make_host(2, nodes, 1, 21);
	vn_autoguest *guest = guest_of("name='g'\nmemory=1024\nvcpus=2\nvnodes=2\nvnumamem=[1024,0]\n");
	vn_autoplan *plan = NULL;
	vn_autoerror err = {0};
	struct vn_plan_options options = {0};
	struct vn_target target = {VN_TARGET_LIBVIRT, VN_TARGET_LIBVIRT_VERSION};
	struct vn_notes notes = {0};
	char *text = NULL;
	assert_int_equal(vn_plan_auto(host, guest, &options, &plan, &err), 0);
	assert_int_equal(vn_emit_libvirt(plan, guest, &target, &notes, &text, &err), -EINVAL);
	assert_null(text);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].text,
		"vnode 1 has no memory at start; expected some, as each cell of libvirt's has");
}

/* What was no domain, planned; planned again, it is the same. */
static char *converted(const char *text, struct vn_notes *notes)
{
	char *out = planned(text, notes);
	vn_autofree char *again = planned(out, NULL);
	assert_string_equal(again, out);
	assert_valid(out);
	return out;
}

static void test_memory_to_be_added_wants_a_cell(void **state)
{
	(void)state;
	vn_autofree char *max = converted("name='g'\nmemory=1024\nmaxmem=2048\nvcpus=2\nvnodes=1\n", NULL);
	assert_has(max, "<cell id='0' cpus='0-1' memory='1048576' unit='KiB'>");
	assert_has(max, "<numatune>\n    <memnode cellid='0' mode='preferred' nodeset='0'/>\n  </numatune>");
	vn_autofree char *plugged =
		converted("qemu-system-x86_64 -name g -M q35 -m 1G,slots=2,maxmem=4G -smp 2 "
			  "-object memory-backend-ram,id=d,size=512M -device pc-dimm,memdev=d",
			NULL);
	assert_has(plugged, "<cell id='0' cpus='0-1' memory='1048576' unit='KiB'>");
	assert_has(plugged, "<memory unit='KiB'>1572864</memory>");
	assert_has(plugged, "<memnode cellid='0' ");
	vn_autofree char *plain = converted("name='g'\nmemory=1024\nvcpus=2\nvnodes=1\n", NULL);
	assert_has_not(plain, "<numa>");
}

#define LINE                                                                                                 \
	"qemu-system-x86_64 -name g -M q35 -m 2G -smp 4,sockets=4 "                                          \
	"-object memory-backend-ram,id=a,size=1G -object memory-backend-ram,id=b,size=512M "                 \
	"-object memory-backend-ram,id=c,size=512M -numa node,nodeid=0,cpus=0-1,memdev=a "                   \
	"-numa node,nodeid=1,cpus=2-3,memdev=b -numa node,nodeid=2,memdev=c "

static void test_iothreads_of_a_line(void **state)
{
	(void)state;
	static const char disks[] = LINE
		"-object iothread,id=x -object iothread,id=y -object iothread,id=z -device pxb-pcie,id=p1,bus_nr=90,numa_node=1 "
		"-drive file=/a,if=none,id=a,format=raw -device virtio-blk-pci,drive=a,iothread=z "
		"-drive file=/b,if=none,id=b,format=raw -device virtio-blk-pci,drive=b,iothread=z,bus=p1 "
		"-drive file=/c,if=none,id=c,format=raw -device virtio-blk-pci,drive=c,iothread=z";
	vn_autofree char *out = converted(disks, NULL);
	assert_has(out, "<iothreads>3</iothreads>");
	assert_has(out, "<driver name='qemu' type='raw' iothread='1'/>\n      <source file='/a'/>");
	assert_has(out, "<driver name='qemu' type='raw' iothread='2'/>\n      <source file='/b'/>");
	assert_has(out, "<driver name='qemu' type='raw' iothread='3'/>\n      <source file='/c'/>");
	assert_has(out, "<iothreadpin iothread='3' cpuset='0-3'/>");
	version = VN_TARGET_VERSION(10, 0, 0);
	vn_autofree char *dealt = planned(disks, NULL); /* not in the schema of 9.0 */
	version = 0;
	assert_has(dealt, "<iothread id='1'>");
	assert_has(dealt, "<iothread id='3'>"); /* takes turns with the first */
	assert_has(dealt, "<driver name='qemu' type='raw' iothread='2'/>\n      <source file='/b'/>");
	vn_autofree char *one = converted(LINE
		"-object iothread,id=x -drive file=/a,if=virtio,format=raw -drive file=/b,if=virtio,format=raw",
		NULL);
	assert_has(one, "<iothreads>1</iothreads>");
	assert_has(one, "<driver name='qemu' type='raw' iothread='1'/>\n      <source file='/b'/>");
}

/* The device that begins with `device` is behind the expander of the vnode. */
static void assert_behind(const char *domain, const char *device, unsigned vnode)
{
	unsigned port = 0, expander = 0, node = VN_MAX_VNODES;
	const char *at = strstr(domain, device);
	assert_non_null(at);
	at = strstr(at, "<address type='pci' ");
	assert_int_equal(sscanf(at ? at : "", "<address type='pci' domain='0x0000' bus='%x'", &port), 1);
	vn_autofree char *root = vn_format("<controller type='pci' index='%u' model='pcie-root-port'>", port);
	at = strstr(domain, root);
	assert_non_null(at);
	at = strstr(at, "<address type='pci' ");
	assert_int_equal(sscanf(at ? at : "", "<address type='pci' domain='0x0000' bus='%x'", &expander), 1);
	vn_autofree char *bus =
		vn_format("<controller type='pci' index='%u' model='pcie-expander-bus'>", expander);
	at = strstr(domain, bus);
	assert_non_null(at);
	at = strstr(at, "<node>");
	assert_int_equal(sscanf(at ? at : "", "<node>%u<", &node), 1);
	assert_int_equal(node, vnode);
}

static void test_devices_stay_behind_their_vnodes(void **state)
{
	(void)state;
	vn_autofree char *out = converted(LINE
		"-device pxb-pcie,id=p1,bus_nr=90,numa_node=1 -device pxb-pcie,id=p2,bus_nr=120,numa_node=2 "
		"-netdev user,id=n0 -device virtio-net-pci,netdev=n0,bus=p1,mac=52:54:00:00:00:01 "
		"-netdev user,id=n1 -device virtio-net-pci,netdev=n1,bus=p2,mac=52:54:00:00:00:02 "
		"-netdev user,id=n2 -device virtio-net-pci,netdev=n2,mac=52:54:00:00:00:03 "
		"-drive file=/a,if=none,id=a,format=raw -device virtio-blk-pci,drive=a,bus=p1 "
		"-drive file=/b,if=none,id=b,format=raw -device virtio-blk-pci,drive=b,bus=p2 "
		"-device vfio-pci,host=3b:00.1,bus=p2",
		NULL);
	assert_behind(out, "<mac address='52:54:00:00:00:01'/>", 1);
	assert_behind(out, "<mac address='52:54:00:00:00:02'/>", 2);
	assert_behind(out, "<mac address='52:54:00:00:00:03'/>", 0);
	assert_behind(out, "<source file='/a'/>", 1);
	assert_behind(out, "<source file='/b'/>", 2); /* without vCPUs: its iothread is elsewhere */
	assert_behind(out, "<hostdev ", 2);

	struct vn_notes notes = {0};
	vn_autofree char *old =
		planned("qemu-system-x86_64 -name g -M pc -m 2G -smp 2,sockets=2 "
			"-object memory-backend-ram,id=a,size=1G -object memory-backend-ram,id=b,size=1G "
			"-numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b "
			"-device pxb,id=p1,bus_nr=90,numa_node=1 -netdev user,id=n0 "
			"-device virtio-net-pci,netdev=n0,bus=p1,mac=52:54:00:00:00:01",
			&notes);
	assert_has_not(old, "expander");
	assert_true(vn_notes_has(&notes, "devices-not-spread"));
	vn_notes_clear(&notes);
}

static void test_queues_of_a_line(void **state)
{
	(void)state;
	static const char line[] = LINE
		"-device pxb-pcie,id=p1,bus_nr=90,numa_node=1 -drive file=/a,if=none,id=a,format=raw "
		"-object iothread,id=x -object iothread,id=y "
		"-device '{\"driver\":\"virtio-blk-pci\",\"drive\":\"a\",\"bus\":\"p1\",\"num-queues\":4,"
		"\"iothread-vq-mapping\":[{\"iothread\":\"x\",\"vqs\":[0,1]},{\"iothread\":\"y\",\"vqs\":[2,3]}]}'";
	struct vn_notes notes = {0};
	version = VN_TARGET_VERSION(10, 0, 0);
	vn_autofree char *out = planned(line, &notes);
	vn_autofree char *again = planned(out, NULL);
	version = 0;
	assert_string_equal(again, out);
	assert_has(out, "<driver name='qemu' type='raw' queues='4'>");
	assert_has(out, "<iothread id='2'>");
	assert_behind(out, "<source file='/a'/>", 1);
	assert_false(vn_notes_has(&notes, "disk-queues-joined"));
	vn_autofree char *before = converted(line, &notes);
	assert_has(before, "<driver name='qemu' type='raw' iothread='2'/>");
	assert_true(vn_notes_has(&notes, "disk-queues-joined"));
	vn_notes_clear(&notes);
}

#define HMAT                                                                                                            \
	LINE "-machine hmat=on -numa hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-latency,latency=5 " \
	     "-numa hmat-lb,initiator=1,target=2,hierarchy=memory,data-type=read-bandwidth,bandwidth=300M "             \
	     "-numa hmat-lb,initiator=1,target=2,hierarchy=first-level,data-type=write-latency,latency=7 "              \
	     "-numa hmat-cache,node-id=2,size=10K,level=1,associativity=complex,policy=write-through,line=8 "

static void test_an_hmat_becomes_interconnects(void **state)
{
	(void)state;
	struct vn_notes notes = {0};
	vn_autofree char *out = converted(HMAT, &notes);
	assert_has(out,
		"        </distances>\n        <cache level='1' associativity='full' policy='writethrough'>\n"
		"          <size value='10' unit='KiB'/>\n          <line value='8' unit='B'/>\n        </cache>\n"
		"      </cell>\n      <interconnects>\n");
	assert_has(out, "<latency initiator='0' target='0' type='access' value='5'/>");
	assert_has(out, "<bandwidth initiator='1' target='2' type='read' value='300' unit='MiB'/>");
	assert_has(out, "<latency initiator='1' target='2' cache='1' type='write' value='7'/>");
	assert_false(vn_notes_has(&notes, "hmat-rounded"));
	vn_autoguest *line = guest_of(HMAT), *domain = guest_of(out);
	assert_int_equal(domain->hmat->n_matrices, line->hmat->n_matrices);
	for (size_t m = 0; m < line->hmat->n_matrices; m++) {
		const struct vn_hmat_matrix *a = &line->hmat->matrices[m], *b = &domain->hmat->matrices[m];
		assert_int_equal(a->type, b->type);
		assert_int_equal(a->hierarchy, b->hierarchy);
		assert_memory_equal(
			a->values, b->values, a->n_initiators * a->n_targets * sizeof(*a->values));
	}
	assert_int_equal(domain->hmat->n_caches, 1);
	assert_memory_equal(
		&domain->hmat->caches[0], &line->hmat->caches[0], sizeof(domain->hmat->caches[0]));
	vn_notes_clear(&notes);
}

static void test_figures_that_libvirt_has_no_word_for(void **state)
{
	(void)state;
	uint64_t values[] = {1500, VN_HMAT_UNREACHABLE, VN_HMAT_UNKNOWN, 8000};
	uint32_t domains[] = {0, 1};
	struct vn_hmat_matrix matrices[] = {{VN_HMAT_READ_LATENCY, 0, 2, 2, domains, domains, values},
		{VN_HMAT_READ_LATENCY, 1, 1, 2, domains, domains, values}};
	struct vn_hmat hmat = {.n_matrices = 2, .matrices = matrices};
	vn_autoguest *guest = guest_of("name='g'\nmemory=1024\nvcpus=2\nvnodes=2\n");
	struct vn_notes notes = {0};
	struct domain_writer w = {.guest = guest, .notes = &notes, .n_busy = 1, .busy = {0}};
	struct domain_block block;
	assert_true(domain_block_open(&w, &block));
	guest->hmat = &hmat;
	domain_put_interconnects(&w, block.out);
	guest->hmat = NULL;
	fclose(block.out);
	assert_string_equal(block.text,
		"\t<interconnects>\n"
		"\t\t<latency initiator='0' target='0' type='read' value='2'/>\n\t</interconnects>\n");
	assert_true(vn_notes_has(&notes, "hmat-unreachable"));
	assert_true(vn_notes_has(&notes, "hmat-initiator"));
	assert_true(vn_notes_has(&notes, "hmat-cache"));
	assert_true(vn_notes_has(&notes, "hmat-rounded"));
	free(block.text);
	vn_notes_clear(&notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_vnodes_become_cells),
		cmocka_unit_test(test_one_vnode),
		cmocka_unit_test(test_a_socket_over_two_cells_is_told),
		cmocka_unit_test(test_given_cells_stay),
		cmocka_unit_test(test_restrictive),
		cmocka_unit_test(test_memory_devices_stay),
		cmocka_unit_test(test_devices_are_spread),
		cmocka_unit_test(test_queues_are_dealt_out),
		cmocka_unit_test(test_iothreads_of_the_user),
		cmocka_unit_test(test_a_config_becomes_a_domain),
		cmocka_unit_test(test_memory_to_be_added_wants_a_cell),
		cmocka_unit_test(test_iothreads_of_a_line),
		cmocka_unit_test(test_devices_stay_behind_their_vnodes),
		cmocka_unit_test(test_queues_of_a_line),
		cmocka_unit_test(test_an_hmat_becomes_interconnects),
		cmocka_unit_test(test_figures_that_libvirt_has_no_word_for),
		cmocka_unit_test(test_pages_of_a_config),
		cmocka_unit_test(test_what_libvirt_cannot_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
