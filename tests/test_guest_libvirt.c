/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests from libvirt domains: what each element becomes, what is refused and with which words, and libvirt's own cases. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/guest/guest_libvirt.h"

#define HEAD "<domain type='kvm'>\n<name>g</name>\n" /* lines 1 and 2 */
#define SIZE "<memory unit='MiB'>1024</memory>\n<vcpu>4</vcpu>\n" /* lines 3 and 4 */
#define TWO                                                                                                  \
	"<cpu><numa>\n<cell cpus='0-1' memory='524288'/>\n<cell cpus='2-3' memory='512' unit='M'/>\n</numa></cpu>\n" /* 5 to 8 */
#define TAIL "</domain>\n"

static struct vn_guest *read_good(const char *text)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};
	int r = vn_guest_from_libvirt(text, "g.xml", &guest, &err);
	for (size_t i = 0; i < err.n; i++)
		print_error("%u: %s: %s\n", err.problems[i].line, err.problems[i].key, err.problems[i].text);
	assert_int_equal(r, 0);
	return guest;
}

/* All problems as "LINE KEY: TEXT" lines. */
static void assert_problems(const char *text, const char *expected)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};
	vn_autofree char *all = vn_copy("");
	assert_int_equal(vn_guest_from_libvirt(text, "g.xml", &guest, &err), -EINVAL);
	assert_null(guest);
	assert_true(err.input);
	for (size_t i = 0; i < err.n; i++) {
		assert_string_equal(err.problems[i].file, "g.xml");
		char *more = vn_format("%s%u %s: %s\n", all, err.problems[i].line,
			err.problems[i].key ? err.problems[i].key : "-", err.problems[i].text);
		free(all);
		all = more;
	}
	assert_string_equal(all, expected);
}

static void assert_notes(const struct vn_guest *guest, const char *expected)
{
	vn_autofree char *all = vn_copy("");
	for (size_t i = 0; i < guest->notes.n; i++) {
		char *more = vn_format("%s%s%s", all, i ? " " : "", guest->notes.v[i].code);
		free(all);
		all = more;
	}
	assert_string_equal(all, expected);
}

static void assert_set(hwloc_const_bitmap_t set, const char *expected)
{
	vn_autofree char *text = set ? vn_set_text(set) : vn_copy("none");
	assert_string_equal(text, expected);
}

static void test_the_least(void **state)
{
	(void)state;
	vn_autoguest *g = read_good("<domain><name>a</name><memory>1025</memory></domain>");
	assert_string_equal(g->name, "a");
	assert_int_equal(g->memory, 2 * VN_MIB);
	assert_int_equal(g->maxmem, 2 * VN_MIB);
	assert_int_equal(g->maxvcpus, 1);
	assert_true(g->vnodes_open);
	assert_int_equal(g->n_vnodes, 1);
	assert_int_equal(g->memory_policy, VN_MEMORY_PREFERRED);
	assert_int_equal(g->weight, 256);
	assert_null(g->nodes);
	assert_notes(g, "memory-rounded");
}

static void test_units(void **state)
{
	(void)state;
	static const struct {
		const char *memory;
		uint64_t bytes;
	} cases[] = {{" unit='b'>1048576", 1}, {" unit='bytes'>1048577", 2}, {" unit='KB'>1000", 1},
		{" unit='k'>3072", 3}, {" unit='MB'>2", 2}, {" unit='m'>2", 2}, {" unit='MiB'>2", 2},
		{" unit='GiB'>1", 1024}, {" unit='GB'>1", 954}, {" unit='TiB'>1", 1024 * 1024},
		{">\n 2048", 2}, {" unit=''>2048", 2}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autofree char *text =
			vn_format("<domain><name>a</name><memory%s</memory></domain>", cases[i].memory);
		vn_autoguest *g = read_good(text);
		assert_int_equal(g->memory, cases[i].bytes * VN_MIB);
	}
	assert_problems(HEAD "<memory unit='Kib'>5</memory><currentMemory unit='xB'>5</currentMemory>" TAIL,
		"3 currentMemory/@unit: 'xB' seen; expected b, KiB, MiB, GiB, TiB, KB, MB, …\n");
	assert_problems(HEAD "<memory unit='EiB'>5</memory>" TAIL,
		"3 memory: '5' seen; expected a number of EiB, at most 64 TiB\n");
}

static void test_cells(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(HEAD
		"<memory>1</memory><maxMemory slots='4' unit='GiB'>4</maxMemory><vcpu current='2' cpuset='0-7,^3'>6</vcpu>"
		"<cpu><topology sockets='3' cores='1' threads='2'/><numa>"
		"<cell id='1' cpus='2,3' memory='1025'><distances><sibling id='0' value='21'/></distances></cell>"
		"<cell id='0' cpus='0-1' memory='2' unit='MiB'><distances><sibling id='0' value='10'/></distances></cell>"
		"<cell id='2' memory='1' unit='GiB'/></numa></cpu>" TAIL);
	assert_false(g->vnodes_open);
	assert_int_equal(g->n_vnodes, 3);
	assert_int_equal(g->vnodes[0].memory, 2 * VN_MIB);
	assert_int_equal(g->vnodes[1].memory, 2 * VN_MIB);
	assert_int_equal(g->memory, 1028 * VN_MIB);
	assert_int_equal(g->maxmem, 4096 * VN_MIB);
	assert_set(g->vnodes[0].vcpus, "0-1,4-5");
	assert_set(g->vnodes[1].vcpus, "2-3");
	assert_set(g->vnodes[2].vcpus, "");
	assert_set(g->cpus, "0-2,4-7");
	assert_int_equal(g->cpus_where.line, 3);
	assert_int_equal(g->vcpus, 2);
	assert_int_equal(g->maxvcpus, 6);
	assert_int_equal(g->threads, 2);
	assert_int_equal(g->topology.sockets, 3);
	assert_int_equal(g->vnodes[0].distances[1], 21); /* the way back */
	assert_int_equal(g->vnodes[1].distances[0], 21);
	assert_int_equal(g->vnodes[0].distances[2], 20);
	assert_int_equal(g->vnodes[0].home, -1);
	assert_notes(g, "vcpus-in-no-cell memory-rounded");
}

static void test_wrong_cells(void **state)
{
	(void)state;
	assert_problems(HEAD SIZE
		"<cpu><topology sockets='1' cores='2' threads='1'/><numa>\n"
		"<cell cpus='0-1,9' memory='1024'/>\n<cell cpus='1-2' memory='0'/>\n<cell cpus='3'/>\n"
		"<cell cpus='x' memory='1k'/></numa></cpu>" TAIL,
		"5 cpu/topology: 2 vCPUs; expected 4, as <vcpu> has it\n"
		"6 cpu/numa/cell[1]/@cpus: vCPU 9 seen; expected 0 to 3, as <vcpu> is 4\n"
		"7 cpu/numa/cell[2]/@memory: 0 seen; expected some memory, as QEMU takes no backend of 0 bytes\n"
		"7 cpu/numa/cell[2]/@cpus: vCPU 1 is in another cell, too; expected each in one\n"
		"8 cpu/numa/cell[3]/@memory: missing; expected the cell's memory\n"
		"9 cpu/numa/cell[4]/@memory: '1k' seen; expected a number of KiB, at most 64 TiB\n"
		"9 cpu/numa/cell[4]/@cpus: 'x' seen, which is no set; expected numbers such as '0-3,8' or '0-3,^1'\n");
	assert_problems(HEAD SIZE
		"<cpu><numa>\n<cell id='0' memory='1024'/><cell id='0' memory='1024'/>"
		"<cell id='7' memory='1024'/><cell id='-1' memory='1024'/></numa></cpu>" TAIL,
		"6 cpu/numa/cell[2]/@id: cell 0 is there twice, first in line 6; expected each id once\n"
		"6 cpu/numa/cell[3]/@id: 7 seen; expected 0 to 3, each once: libvirt takes no gaps, and none that does not "
		"start from 0\n"
		"6 cpu/numa/cell[4]/@id: '-1' seen; expected a number from 0 to 4294967295\n");
	assert_problems(HEAD SIZE "<cpu><numa/></cpu>" TAIL,
		"5 cpu/numa: no <cell>; expected one, at least, or no <numa>\n");
	assert_problems(HEAD "<vcpu>2000</vcpu>" TAIL,
		"3 vcpu: '2000' seen; expected a number from 1 to 1024\n"
		"1 domain: no memory; expected <memory>, or <cpu><numa> with cells\n");
}

#define DISTANCES(siblings)                                                                                  \
	HEAD SIZE "<cpu><numa>\n<cell cpus='0-1' memory='524288'><distances>\n" siblings                     \
		  "</distances></cell><cell cpus='2-3' memory='524288'/></numa></cpu>" TAIL

static void test_wrong_distances(void **state)
{
	(void)state;
	assert_problems(
		DISTANCES(
			"<sibling id='2' value='10'/><sibling id='1' value='9'/><sibling id='1' value='256'/>\n"
			"<sibling id='0' value='11'/><sibling id='1' value='10'/><sibling value='20'/>\n"
			"<sibling id='1' value='20'/><sibling id='1' value='20'/><sibling id='1' value='30'/>"),
		"7 cpu/numa/cell[1]/distances/sibling[1]/@id: 2 seen in cell 0; expected a cell, 0 to 1\n"
		"7 cpu/numa/cell[1]/distances/sibling[2]/@value: '9' seen; expected a number from 10 to 255\n"
		"7 cpu/numa/cell[1]/distances/sibling[3]/@value: '256' seen; expected a number from 10 to 255\n"
		"8 cpu/numa/cell[1]/distances/sibling[4]/@value: 11 seen from cell 0 to 0; expected 10, as it is the cell itself\n"
		"8 cpu/numa/cell[1]/distances/sibling[5]/@value: 10 seen from cell 0 to 1; expected 11 to 255 (with 10 or less "
		"Linux drops the whole table)\n"
		"8 cpu/numa/cell[1]/distances/sibling[6]/@id: missing; expected a number from 0 to 4294967295\n"
		"9 cpu/numa/cell[1]/distances/sibling[9]/@value: 30 seen from cell 0 to 1, which was 20 before; expected one\n");
}

static void test_numatune(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(HEAD SIZE TWO
		"<numatune>\n<memnode cellid='1' mode='preferred' nodeset='3'/><memory nodeset='0-3,^1'/></numatune>" TAIL);
	assert_set(g->nodes, "0,2-3");
	assert_int_equal(g->nodes_where.line, 10);
	assert_int_equal(g->memory_policy, VN_MEMORY_STRICT);
	assert_false(g->vnodes[0].has_binding);
	assert_true(g->vnodes[1].has_binding);
	assert_int_equal(g->vnodes[1].binding, VN_BINDING_PREFERRED);
	assert_int_equal(g->vnodes[1].home, 3);
	assert_null(g->vnodes[1].nodes); /* any, under pressure */
	assert_int_equal(g->vnodes[1].home_where.line, 10);
	assert_int_equal(g->vnodes[0].home, -1);

	vn_autoguest *outside =
		read_good(HEAD SIZE TWO "<numatune><memory mode='preferred' nodeset='0,3'/>"
					"<memnode cellid='0' mode='strict' nodeset='1-2'/></numatune>" TAIL);
	assert_null(outside->nodes);
	assert_set(outside->vnodes[0].nodes, "1-2");
	assert_int_equal(outside->vnodes[0].home, -1);
	assert_set(outside->vnodes[1].nodes, "0,3");
	assert_int_equal(outside->memory_policy, VN_MEMORY_PREFERRED);

	vn_autoguest *interleaved =
		read_good(HEAD SIZE "<numatune><memory mode='interleave' nodeset='0-1'/></numatune>" TAIL);
	assert_false(interleaved->vnodes_open);
	assert_int_equal(interleaved->vnodes[0].binding, VN_BINDING_INTERLEAVE);
	assert_set(interleaved->vnodes[0].nodes, "0-1");

	vn_autoguest *home =
		read_good(HEAD SIZE "<numatune><memory mode='preferred' nodeset='2'/></numatune>" TAIL);
	assert_false(home->vnodes_open);
	assert_null(home->nodes);
	assert_int_equal(home->vnodes[0].home, 2);

	vn_autoguest *by_numad = read_good(HEAD
		"<memory>4096</memory><vcpu placement='auto'>2</vcpu><numatune><memory mode='strict'/></numatune>" TAIL);
	assert_true(by_numad->vnodes_open);
	assert_notes(by_numad, "placement-replaced placement-replaced");
}

static void test_wrong_numatune(void **state)
{
	(void)state;
	assert_problems(HEAD SIZE TWO
		"<numatune><memory mode='restrictive' nodeset='0,^0'/>\n"
		"<memnode cellid='2' mode='strict' nodeset='0'/><memnode mode='strict' nodeset='0'/>\n"
		"<memnode cellid='0' mode='restrictive' nodeset='0'/>"
		"<memnode cellid='0' mode='restrictive' nodeset='0'/>\n"
		"<memnode cellid='1' mode='strict' nodeset='1'/><memnode/></numatune>" TAIL,
		"9 numatune/memory/@nodeset: '0,^0' seen, which is empty; expected numbers such as '0-3,8' or '0-3,^1'\n"
		"10 numatune/memnode[1]/@cellid: 2 seen; expected a cell, 0 to 1\n"
		"10 numatune/memnode[2]/@cellid: missing; expected a number from 0 to 4294967295\n"
		"11 numatune/memnode[4]/@cellid: 0 is there twice; expected one <memnode> for each cell\n"
		"12 numatune/memnode[5]/@mode: 'strict' seen, and 'restrictive' in <memory>; expected 'restrictive' in both or "
		"none\n"
		"12 numatune/memnode[6]/@nodeset: missing; expected nodes of the host\n"
		"12 numatune/memnode[6]/@cellid: missing; expected a number from 0 to 4294967295\n");
	assert_problems(HEAD SIZE "<numatune><memnode cellid='0' mode='strict' nodeset='0'/></numatune>" TAIL,
		"5 numatune/memnode: seen without any cell of the guest's; expected <cpu><numa> with it\n");
	assert_problems(HEAD SIZE TWO "<numatune><memory placement='auto'/>"
				      "<memnode cellid='0' mode='strict' nodeset='0'/></numatune>" TAIL,
		"9 numatune/memnode: seen with placement='auto' in <memory>; expected one of them\n");
	assert_problems(HEAD SIZE "<numatune><memory mode='often'/></numatune>" TAIL,
		"5 numatune/memory/@mode: 'often' seen; expected strict, preferred, interleave or restrictive\n"
		"5 numatune/memory/@nodeset: missing; expected nodes of the host, or placement='auto'\n");
}

static void test_pages(void **state)
{
	(void)state;
	vn_autoguest *g =
		read_good(HEAD SIZE TWO "<memoryBacking><hugepages><page size='1' unit='M' nodeset='1'/>"
					"<page size='2048'/></hugepages></memoryBacking>" TAIL);
	assert_int_equal(vn_vnode_page(g, 0), 2 << 20);
	assert_int_equal(vn_vnode_page(g, 1), 1 << 20);
	assert_int_equal(g->memory_policy, VN_MEMORY_STRICT);
	vn_autoguest *plain = read_good(HEAD SIZE "<memoryBacking><hugepages/></memoryBacking>" TAIL);
	assert_int_equal(plain->hugepages, 2 << 20);
	assert_notes(plain, "hugepages-default");
	vn_autoguest *ordinary = read_good(
		HEAD SIZE "<memoryBacking><hugepages><page size='4'/></hugepages></memoryBacking>" TAIL);
	assert_int_equal(ordinary->hugepages, 0);
	assert_int_equal(ordinary->memory_policy, VN_MEMORY_PREFERRED);

	assert_problems(HEAD SIZE TWO
		"<memoryBacking><hugepages>\n<page size='3' unit='M' nodeset='0'/>"
		"<page size='2048' nodeset='0,2'/>\n<page size='2048'/><page size='1' unit='G'/>"
		"<page size='4' nodeset='0'/></hugepages></memoryBacking>" TAIL,
		"10 memoryBacking/hugepages/page[1]/@size: 3072 KiB seen; expected a page size such as 2048 or 1048576 KiB\n"
		"10 memoryBacking/hugepages/page[2]/@nodeset: node 2 seen; expected cells of the guest's, 0 to 1\n"
		"11 memoryBacking/hugepages/page[4]: a second page size without nodeset, after line 11; expected one\n"
		"11 memoryBacking/hugepages/page[5]/@nodeset: cell 0 has pages of two sizes; expected one <page> for it\n");
	assert_problems(HEAD SIZE TWO
		"<memoryBacking><hugepages><page size='1' unit='G'/></hugepages></memoryBacking>" TAIL,
		"9 memoryBacking/hugepages: cell 0 has 512 MiB; expected a multiple of its huge pages, 1 GiB\n"
		"9 memoryBacking/hugepages: cell 1 has 512 MiB; expected a multiple of its huge pages, 1 GiB\n");
}

static void test_hmat(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(HEAD SIZE
		"<cpu><numa><cell cpus='0-3' memory='512' unit='M'/>"
		"<cell memory='512' unit='M'><cache level='1' associativity='direct' policy='writeback'>"
		"<size value='10' unit='KiB'/><line value='8' unit='B'/></cache></cell><interconnects>"
		"<latency initiator='0' target='0' type='access' value='5'/>"
		"<latency initiator='0' target='1' cache='1' type='read' value='7'/>"
		"<bandwidth initiator='0' target='0' type='access' value='204800' unit='KiB'/></interconnects></numa></cpu>" TAIL);
	assert_non_null(g->hmat);
	assert_int_equal(g->hmat->n_matrices, 3);
	assert_int_equal(g->hmat->matrices[0].type, VN_HMAT_ACCESS_LATENCY);
	assert_int_equal(g->hmat->matrices[0].values[0], 5000);
	assert_int_equal(g->hmat->matrices[0].values[1], VN_HMAT_UNKNOWN);
	assert_int_equal(g->hmat->matrices[1].type, VN_HMAT_READ_LATENCY);
	assert_int_equal(g->hmat->matrices[1].hierarchy, 1);
	assert_int_equal(g->hmat->matrices[1].values[1], 7000);
	assert_int_equal(g->hmat->matrices[2].values[0], 200);
	assert_int_equal(g->hmat->n_caches, 1);
	assert_int_equal(g->hmat->caches[0].domain, 1);
	assert_int_equal(g->hmat->caches[0].size, 10240);
	assert_int_equal(g->hmat->caches[0].line_size, 8);
	assert_int_equal(g->hmat->caches[0].associativity, 1);
	assert_int_equal(g->hmat->caches[0].write_policy, 1);
	assert_int_equal(g->hmat->caches[0].levels, 1);

	assert_problems(HEAD SIZE
		"<cpu><numa><cell cpus='0-3' memory='512' unit='M'/>"
		"<cell memory='512' unit='M'><cache level='2' associativity='some' policy='none'><size value='1'/></cache>"
		"</cell><interconnects>\n<latency initiator='1' target='0' type='access' value='5'/>"
		"<latency initiator='0' target='2' type='x' value='0'/>\n"
		"<bandwidth initiator='0' target='0' cache='1' type='access' value='100'/>\n"
		"<latency initiator='0' target='0' type='read' value='1'/><latency initiator='0' target='0' type='read' value='1'/>"
		"</interconnects></numa></cpu>" TAIL,
		"5 cpu/numa/cell[2]/cache/@associativity: 'some' seen; expected none, direct or full\n"
		"5 cpu/numa/cell[2]/cache: no <line>; expected one\n"
		"6 cpu/numa/interconnects/latency[1]/@initiator: 1 seen, which has no vCPU; expected a cell that has\n"
		"6 cpu/numa/interconnects/latency[2]/@target: '2' seen; expected a number from 0 to 1\n"
		"6 cpu/numa/interconnects/latency[2]/@type: 'x' seen; expected access, read or write\n"
		"6 cpu/numa/interconnects/latency[2]/@value: '0' seen; expected a number from 1 to 65534000\n"
		"7 cpu/numa/interconnects/bandwidth/@value: 100 KiB/s seen; expected whole MiB/s, as QEMU takes nothing else\n"
		"8 cpu/numa/interconnects/latency[4]: cell 0 to 0 is there twice; expected each once of a type\n");
}

#define EXPANDER                                                                                                 \
	"<controller type='pci' index='1' model='pcie-expander-bus'><target busNr='250'><node>1</node></target>" \
	"<address type='pci' bus='0x00' slot='4'/></controller><controller type='pci' index='0x2' "              \
	"model='pcie-root-port'><address type='pci' bus='0x01'/></controller>"

static void test_devices(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(HEAD SIZE TWO
		"<iothreads>2</iothreads><maxMemory slots='1' unit='G'>8</maxMemory><devices>" EXPANDER
		"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/a,b'/><target dev='vda' bus='virtio'/>"
		"<address type='pci' bus='0x02' slot='0'/></disk>"
		"<disk type='block'><source dev='/dev/x'/><target dev='vdb' bus='virtio'/><readonly/></disk>"
		"<disk type='file' device='cdrom'><target dev='sda'/></disk><disk type='network'><source name='r/b'/></disk>"
		"<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><model type='virtio'/>"
		"<driver name='vhost' queues='4'/></interface><interface type='user'/>"
		"<interface type='network'><source network='default'/><driver name='qemu'/></interface><interface type='vdpa'/>"
		"<hostdev mode='subsystem' type='pci'><source><address domain='0x0001' bus='0x3B' slot='2' function='0x7'/></source>"
		"<address type='pci' bus='2'/></hostdev><hostdev type='usb'/>"
		"<memory model='dimm'><target><size unit='MiB'>1</size><node>1</node></target></memory>"
		"<memory model='nvdimm'><source><path>/x</path></source><target><size>1048576</size><node>1</node></target></memory>"
		"</devices>" TAIL);
	assert_int_equal(g->n_disks, 2);
	assert_string_equal(g->disks[0].path, "/a,b");
	assert_string_equal(g->disks[0].format, "qcow2");
	assert_int_equal(g->disks[0].vnode, 1);
	assert_int_equal(g->disks[1].vnode, -1);
	assert_true(g->disks[1].readonly);
	assert_int_equal(g->n_vifs, 3);
	assert_string_equal(g->vifs[0].bridge, "br0");
	assert_string_equal(g->vifs[0].mac, "52:54:00:00:00:01");
	assert_int_equal(g->vifs[0].queues, 4);
	assert_true(g->vifs[0].vhost);
	assert_int_equal(g->vifs[1].type, VN_VIF_USER);
	assert_int_equal(g->vifs[2].type, VN_VIF_TAP);
	assert_false(g->vifs[2].vhost);
	assert_int_equal(g->n_hostdevs, 1);
	assert_string_equal(g->hostdevs[0].address, "0001:3b:02.7");
	assert_int_equal(g->hostdevs[0].vnode, 1);
	assert_int_equal(g->iothreads, 2);
	assert_int_equal(g->vnodes[1].memory, 513 * VN_MIB);
	assert_int_equal(g->vnodes[1].plugged, VN_MIB);
	assert_int_equal(g->memory, 1025 * VN_MIB);
	assert_int_equal(g->maxmem, 8192 * VN_MIB);
	assert_notes(g, "device-left-out device-left-out device-left-out");

	assert_problems(HEAD SIZE TWO
		"<devices>\n<memory model='dimm'><target><size>1024</size></target></memory>\n"
		"<memory model='dimm'><target><size>1024</size><node>2</node></target></memory>\n"
		"<controller type='pci' index='1'><target><node>2</node></target></controller>\n"
		"<interface type='user'><driver queues='0'/></interface>"
		"<hostdev type='pci'><source><address bus='0x100' slot='0' function='0'/></source></hostdev></devices>" TAIL,
		"12 devices/controller/target/node: '2' seen; expected a number from 0 to 1\n"
		"13 devices/interface/driver/@queues: '0' seen; expected a number from 1 to 256\n"
		"13 devices/hostdev/source/address/@bus: '0x100' seen; expected 0 to 0xff\n"
		"10 devices/memory[1]: no <node>; expected the cell that its memory is of\n"
		"10 devices/memory[1]: seen without <maxMemory>; expected it, with slots, beside <memory>\n"
		"11 devices/memory[2]/target/node: '2' seen; expected a number from 0 to 1\n"
		"11 devices/memory[2]: seen without <maxMemory>; expected it, with slots, beside <memory>\n");
}

#define PLUGGABLE "<maxMemory slots='4' unit='GiB'>8</maxMemory>" SIZE TWO "<devices>"

static void test_memory_devices(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(HEAD PLUGGABLE
		"<memory model='virtio-mem'><source><nodemask>2-3</nodemask><pagesize unit='KiB'>4</pagesize></source>"
		"<target><size unit='GiB'>1</size><node>1</node><block unit='MiB'>2</block><requested unit='MiB'>256</requested>"
		"</target></memory>"
		"<memory model='dimm'><source><nodemask>2-3</nodemask></source>"
		"<target><size unit='MiB'>128</size><node>1</node></target></memory>"
		"<memory model='virtio-mem'><target><size unit='MiB'>64</size><node>0</node><block unit='MiB'>2</block></target>"
		"</memory></devices>" TAIL);
	assert_int_equal(g->vnodes[0].memory, 512 * VN_MIB);
	assert_int_equal(g->vnodes[0].plugged, 0);
	assert_int_equal(g->vnodes[1].memory, (512 + 256 + 128) * VN_MIB);
	assert_int_equal(g->vnodes[1].plugged, (256 + 128) * VN_MIB);
	assert_int_equal(g->vnodes[0].virtio_mem, 64 * VN_MIB);
	assert_int_equal(g->memory, (1024 + 256 + 128) * VN_MIB);
	assert_int_equal(g->maxmem, 8192 * VN_MIB);
	assert_null(g->vnodes[0].nodes);
	assert_null(g->vnodes[1].nodes); /* the cell's other memory may be elsewhere */
	assert_false(g->vnodes[1].has_binding);
	assert_notes(g, "virtio-mem-requested memory-device-apart memory-device-apart virtio-mem-requested");
	assert_non_null(strstr(g->notes.v[1].text, "bound to node 2-3 of the host, its cell 1 to none;"));
	vn_guest_forget_homes(g); /* then it goes where its cell does */
	assert_notes(g, "virtio-mem-requested virtio-mem-requested");

	/* without cells <memory> has what they could have; libvirt's cell is what is left */
	vn_autoguest *plain = read_good(HEAD
		"<maxMemory slots='4' unit='GiB'>8</maxMemory>" SIZE
		"<devices><memory model='virtio-mem'><target><size unit='MiB'>512</size><node>0</node><block unit='MiB'>2</block>"
		"<requested unit='MiB'>128</requested></target></memory></devices>" TAIL);
	assert_false(plain->vnodes_open);
	assert_int_equal(plain->memory, (512 + 128) * VN_MIB);
	assert_int_equal(plain->vnodes[0].plugged, 128 * VN_MIB);
}

static void test_memory_devices_apart(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(HEAD
		"<numatune><memory mode='strict' nodeset='0-2'/>"
		"<memnode cellid='0' mode='strict' nodeset='1'/></numatune>"
		"<memoryBacking><hugepages><page size='2' unit='MiB' nodeset='0'/></hugepages></memoryBacking>" PLUGGABLE
		"<memory model='dimm'><source><nodemask>1</nodemask><pagesize unit='MiB'>2</pagesize></source>"
		"<target><size unit='MiB'>128</size><node>0</node></target></memory>"
		"<memory model='dimm'><source><nodemask>2</nodemask><pagesize unit='GiB'>1</pagesize></source>"
		"<target><size unit='MiB'>128</size><node>0</node></target></memory>"
		"<memory model='dimm'><source><nodemask>3</nodemask><pagesize unit='MiB'>2</pagesize></source>"
		"<target><size unit='MiB'>128</size><node>1</node></target></memory></devices>" TAIL);
	assert_notes(g, "memory-device-pages memory-device-apart memory-device-pages memory-device-apart");
	assert_non_null(strstr(g->notes.v[1].text, "bound to node 2 of the host, its cell 0 is tied to 1;"));
	assert_non_null(strstr(g->notes.v[2].text, "pages of 2 MiB, its cell 1 ordinary ones;"));
	assert_non_null(strstr(g->notes.v[3].text, "its cell 1 is kept within <numatune>'s;"));
	assert_set(g->vnodes[0].nodes, "1");
	assert_null(g->vnodes[1].nodes);
}

static void test_memory_devices_refused(void **state)
{
	(void)state;
	assert_problems(HEAD PLUGGABLE
		"\n<memory model='foo' access='x'/>"
		"\n<memory model='dimm' discard='x'><source><nodemask>0,^0</nodemask><pagesize>3</pagesize></source>"
		"<target><size>0</size><node>0</node></target></memory>"
		"\n<memory model='virtio-mem'><target><size>2048</size><node>0</node></target></memory>"
		"\n<memory model='virtio-mem'><target><size>8192</size><node>0</node><block>3072</block><requested>8193</requested>"
		"</target></memory>"
		"\n<memory model='virtio-mem'><target><size>8192</size><node>0</node><block>4</block><requested>5</requested>"
		"</target></memory>"
		"\n<memory model='sgx-epc'><target><size>1</size></target></memory></devices>" TAIL,
		"10 devices/memory[1]/@model: 'foo' seen; expected dimm, virtio-mem, nvdimm, virtio-pmem or sgx-epc\n"
		"10 devices/memory[1]/@access: 'x' seen; expected shared or private\n"
		"11 devices/memory[2]/@discard: 'x' seen; expected yes or no\n"
		"11 devices/memory[2]: no <size>; expected the memory it has\n"
		"11 devices/memory[2]/source/pagesize: 3 KiB seen; expected a page size such as 2048 or 1048576 KiB\n"
		"11 devices/memory[2]/source/nodemask: '0,^0' seen, which is empty; expected numbers such as '0-3,8' or '0-3,^1'\n"
		"12 devices/memory[3]: no <block>; expected the blocks that memory is added in\n"
		"13 devices/memory[4]/target/block: 3 MiB seen; expected a power of two, 2 MiB at least\n"
		"13 devices/memory[4]/target/requested: 8193 KiB seen; expected at most the device's <size>, 8 MiB\n"
		"14 devices/memory[5]/target/block: 4 KiB seen; expected a power of two, 2 MiB at least\n"
		"14 devices/memory[5]/target/requested: 5 KiB seen; expected a multiple of its blocks, 4 KiB\n");
	/* what a device could have must fit, too */
	assert_problems(HEAD
		"<maxMemory slots='4' unit='GiB'>2</maxMemory>" SIZE TWO
		"<devices><memory model='virtio-mem'><target><size unit='GiB'>2</size><node>0</node><block unit='MiB'>2</block>"
		"</target></memory></devices>" TAIL,
		"3 maxMemory: 2 GiB seen; expected at least the guest's memory, 3 GiB\n");
}

static void test_iothreads(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(HEAD SIZE
		"<iothreads>3</iothreads><iothreadids><iothread id='2'/><iothread id='9'/></iothreadids>"
		"<cputune><iothreadpin iothread='9' cpuset='0'/><iothreadpin iothread='1' cpuset='0'/><emulatorpin cpuset='1'/>"
		"</cputune><devices><disk><driver iothread='1'/></disk></devices>" TAIL);
	assert_int_equal(g->iothreads, 3);
	vn_autoguest *named =
		read_good(HEAD SIZE "<iothreadids><iothread id='2'/><iothread id='9'/></iothreadids>" TAIL);
	assert_int_equal(named->iothreads, 2);
	assert_problems(HEAD SIZE
		"<iothreads>3</iothreads><iothreadids><iothread id='2'/><iothread id='9'/></iothreadids>\n"
		"<cputune><iothreadpin iothread='3' cpuset='0'/>\n<iothreadpin iothread='2' cpuset='0'/>\n"
		"<iothreadpin iothread='2' cpuset='1'/>\n<iothreadpin cpuset='1'/><iothreadpin iothread='1'/></cputune>\n"
		"<devices><disk><driver iothread='4'/></disk></devices>" TAIL,
		"6 cputune/iothreadpin[1]/@iothread: iothread 3 seen; expected one that <iothreads> makes: it is 3\n"
		"8 cputune/iothreadpin[3]/@iothread: a second pin of the same, after line 7; expected one\n"
		"9 cputune/iothreadpin[4]/@iothread: missing; expected the number of an iothread\n"
		"9 cputune/iothreadpin[5]/@cpuset: missing; expected CPUs of the host\n"
		"10 devices/disk/driver/@iothread: iothread 4 seen; expected one that <iothreads> makes: it is 3\n");
	assert_problems(HEAD SIZE
		"<cputune><emulatorpin cpuset='0'/>\n<emulatorpin cpuset='1'/>\n<emulatorpin/>"
		"<iothreadpin iothread='1' cpuset='0'/></cputune>" TAIL,
		"6 cputune/emulatorpin[2]: a second pin of the same, after line 5; expected one\n"
		"7 cputune/emulatorpin[3]/@cpuset: missing; expected CPUs of the host\n"
		"7 cputune/emulatorpin[3]: a second pin of the same, after line 5; expected one\n"
		"7 cputune/iothreadpin/@iothread: iothread 1 seen; expected one that <iothreads> makes: it is 0\n");
	assert_problems(HEAD SIZE
		"<iothreads>1</iothreads><devices><disk>\n<driver iothread='1'><iothreads><iothread id='2'/><iothread/></iothreads>"
		"</driver></disk></devices>" TAIL,
		"6 devices/disk/driver/@iothread: seen beside <iothreads>; expected one of them\n"
		"6 devices/disk/driver/iothreads/iothread[1]/@id: iothread 2 seen; expected one that <iothreads> makes: it is 1\n"
		"6 devices/disk/driver/iothreads/iothread[2]/@id: missing; expected the number of an iothread\n");
	assert_problems(HEAD SIZE
		"<iothreadids><iothread id='0'/><iothread/><iothread id='1'/>\n<iothread id='1'/></iothreadids>" TAIL,
		"5 iothreadids/iothread[1]/@id: '0' seen; expected a number from 1 to 4294967295\n"
		"5 iothreadids/iothread[2]/@id: missing; expected a number from 1 to 4294967295\n"
		"6 iothreadids/iothread[4]/@id: 1 is there twice, first in line 5; expected each once\n");
}

static void test_words_that_libvirt_refuses(void **state)
{
	(void)state;
	assert_problems(HEAD SIZE
		"<memoryBacking><access mode='foo'/><source type='x'/><allocation mode='y'/></memoryBacking>"
		"<cpu><numa>\n<cell cpus='0-3' memory='1' memAccess='foo' discard='on'>\n<distances/></cell></numa></cpu>" TAIL,
		"6 cpu/numa/cell/@memAccess: 'foo' seen; expected shared or private\n"
		"6 cpu/numa/cell/@discard: 'on' seen; expected yes or no\n"
		"7 cpu/numa/cell/distances: no <sibling>; expected one, at least, or no <distances>: libvirt's schema has none that is "
		"empty\n"
		"5 memoryBacking/access/@mode: 'foo' seen; expected shared or private\n"
		"5 memoryBacking/source/@type: 'x' seen; expected file, anonymous or memfd\n"
		"5 memoryBacking/allocation/@mode: 'y' seen; expected immediate or ondemand\n");
	/* blanks before a number are none of it, and those behind it are: libvirt 9.0 says so */
	vn_autoguest *g = read_good(HEAD "<memory> 2048</memory><vcpu>\n 2</vcpu>" TAIL);
	assert_int_equal(g->maxvcpus, 2);
	assert_problems(HEAD "<memory>2048 </memory><vcpu>2\n</vcpu>" TAIL,
		"3 vcpu: '2?' seen; expected a number from 1 to 1024\n"
		"3 memory: '2048 ' seen; expected a number of KiB, at most 64 TiB\n");
}

static void test_what_is_there_twice(void **state)
{
	(void)state;
	assert_problems(
		"<domain type='kvm'><name>a</name>\n<name>b</name><memory unit='GiB'>1</memory>\n<memory unit='GiB'>2</memory>"
		"<vcpu>2</vcpu><os><type>hvm</type>\n<type>linux</type></os><numatune/>\n<numatune/>\n<numatune/><cputune/>"
		"<cputune/><cpu mode='host-model'/>\n<cpu><topology sockets='2' cores='1' threads='1'/></cpu><os/></domain>",
		"2 name[2]: seen again; expected it once, and line 1 has it\n"
		"3 memory[2]: seen again; expected it once, and line 2 has it\n"
		"6 cputune[2]: seen again; expected it once, and line 6 has it\n"
		"5 numatune[2]: seen again; expected it once, and line 4 has it\n"
		"6 numatune[3]: seen again; expected it once, and line 4 has it\n"
		"7 os[2]: seen again; expected it once, and line 3 has it\n"
		"7 cpu[2]: seen again; expected it once, and line 6 has it\n"
		"4 os[1]/type[2]: seen again; expected it once, and line 3 has it\n");
}

static void test_the_rest(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(
		"<domain type='xen'><name>a b/é</name><memory unit='M'>64</memory>"
		"<currentMemory unit='M'>32</currentMemory><vcpu>2</vcpu><os><type arch='aarch64' machine='virt'>hvm</type>"
		"<kernel>/k</kernel><initrd>/i</initrd><cmdline>a=b &amp; c</cmdline></os>"
		"<cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='1'/></cputune></domain>");
	assert_string_equal(g->name, "a_b___");
	assert_string_equal(g->kernel, "/k");
	assert_string_equal(g->ramdisk, "/i");
	assert_string_equal(g->extra, "a=b & c");
	assert_notes(g, "name-changed balloon-ignored pins-replaced hypervisor-other machine-other");

	assert_problems("<network><name>x</name></network>",
		"1 network: <network> seen; expected <domain>, as 'virsh dumpxml' prints it\n");
	assert_problems("<domain><memory>x</memory><vcpu current='3'>2</vcpu></domain>",
		"1 domain: no name; expected a <name> that is not empty\n"
		"1 vcpu/@current: '3' seen; expected a number from 1 to 2\n"
		"1 memory: 'x' seen; expected a number of KiB, at most 64 TiB\n");
	assert_problems(HEAD SIZE
		"<cputune>\n<vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset=''/></cputune>\n"
		"<qemu:commandline xmlns:qemu='x'><qemu:arg value='-numa'/></qemu:commandline>" TAIL,
		"6 cputune/vcpupin[2]/@cpuset: '' seen, which is no set; expected numbers such as '0-3,8' or '0-3,^1'\n"
		"6 cputune/vcpupin[2]/@vcpu: 0 is pinned twice; expected one <vcpupin> for each\n"
		"7 qemu:commandline/qemu:arg/@value: '-numa' seen; expected it in the domain's own words (<vcpu>, <memory>, <cpu>), "
		"not beside them\n");
}

static void test_pins(void **state)
{
	static const struct {
		const char *pins, *text;
	} cases[] = {
		{"<vcpupin vcpu='1' cpuset='3'/><vcpupin vcpu='0' cpuset='1'/>",
			"line 1: cputune: 2 pins, which the plan's replace; the vCPUs were pinned one to one, each to a CPU of its "
			"own"},
		{"<vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='1'/>",
			"line 1: cputune: 2 pins, which the plan's replace"},
		{"<vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='2-3'/>",
			"line 1: cputune: 2 pins, which the plan's replace"},
		{"<vcpupin vcpu='0' cpuset='1'/>", "line 1: cputune: 1 pin, which the plan's replace"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_autofree char *text = vn_format(
			"<domain type='kvm'><name>g</name><memory unit='M'>64</memory><vcpu>2</vcpu>"
			"<os><type>hvm</type></os><cputune>%s</cputune></domain>",
			cases[i].pins);
		vn_autoguest *g = read_good(text);
		assert_notes(g, "pins-replaced");
		assert_string_equal(g->notes.v[0].text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_least),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_wrong_cells),
		cmocka_unit_test(test_wrong_distances),
		cmocka_unit_test(test_numatune),
		cmocka_unit_test(test_wrong_numatune),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_hmat),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_memory_devices),
		cmocka_unit_test(test_memory_devices_apart),
		cmocka_unit_test(test_memory_devices_refused),
		cmocka_unit_test(test_iothreads),
		cmocka_unit_test(test_words_that_libvirt_refuses),
		cmocka_unit_test(test_what_is_there_twice),
		cmocka_unit_test(test_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
