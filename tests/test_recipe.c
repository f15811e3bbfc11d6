/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole recipe, part by part, as facts read off the words. */
#include <jansson.h>

#include "../src/emit/disk_queues.h"
#include "../src/emit/iothreads.h"
#include "../src/model/guest_sockets.h"
#include "../src/realize/backend.h"
#include "recipe_guests.h"

struct made {
	struct vn_guest *guest;
	struct vn_argv argv;
	struct vn_notes notes;
};

static void made_clear(struct made *made)
{
	vn_guest_free(made->guest);
	vn_argv_clear(&made->argv);
	vn_notes_clear(&made->notes);
}

static struct made make(const char *name)
{
	struct made made = {0};

	for (size_t i = 0; i < N_RECIPES; i++) {
		if (strcmp(recipes[i].name, name) != 0)
			continue;
		made.guest = recipe_guest(&recipes[i], "/d");
		recipe_argv(&recipes[i], made.guest, &made.notes, &made.argv);
	}
	assert_non_null(made.guest);
	return made;
}
#define automade vn_cleanup(made_clear) struct made

static void test_devices_are_behind_the_bridge_of_their_vnode(void **state)
{
	(void)state;
	automade two = make("two");
	const struct vn_argv *argv = &two.argv;
	assert_option(argv, "-device", "pxb-pcie,id=pxb0", "bus=pcie.0 numa_node=0");
	assert_option(argv, "-device", "pxb-pcie,id=pxb1", "bus=pcie.0 numa_node=1");
	assert_option(argv, "-device", "pcie-root-port,id=port-disk0", "bus=pxb0");
	assert_option(argv, "-device", "pcie-root-port,id=port-disk1", "bus=pxb1");
	assert_option(argv, "-device", "pcie-root-port,id=port-net0", "bus=pxb0");
	assert_option(argv, "-device", "pcie-root-port,id=port-net1", "bus=pxb1");
	assert_option(argv, "-device", "virtio-blk-pci,drive=disk0", "iothread=io0 bus=port-disk0");
	assert_option(argv, "-device", "virtio-blk-pci,drive=disk1", "iothread=io1 bus=port-disk1");
	assert_option(argv, "-device", "virtio-net-pci,netdev=net1", "mq=on vectors=6 bus=port-net1");
	assert_option(argv, "-object", "iothread,id=io0", "");
	assert_option(argv, "-object", "iothread,id=io1", "");
}

static void test_wishes_come_before_turns(void **state)
{
	(void)state;
	automade made = make("wishes");
	assert_option(&made.argv, "-device", "pcie-root-port,id=port-disk0", "bus=pxb1");
	assert_option(&made.argv, "-device", "virtio-blk-pci,drive=disk0", "iothread=io1");
	assert_option(&made.argv, "-device", "pcie-root-port,id=port-net0", "bus=pxb1");
	assert_int_equal(count_words(&made.argv, "-device", "pxb-pcie"), 1); /* vnode 0 has no device left */
	/* as many as asked for, all at the one vnode that serves disks, which take turns */
	assert_int_equal(count_words(&made.argv, "-object", "iothread"), 4);
	assert_option(&made.argv, "-object", "iothread,id=io1-3", "");
	assert_option(&made.argv, "-device", "virtio-blk-pci,drive=disk1", "iothread=io1-1");
	assert_false(vn_notes_has(&made.notes, "iothreads"));
	assert_option(&made.argv, "-object", "memory-backend-ram,id=ram0", "policy=preferred");
	assert_option(&made.argv, "-object", "memory-backend-ram,id=ram1", "host-nodes=0 policy=interleave");
}

/* What a bridge, its ports and what is behind these take ends before the next bridge's. */
static void test_bus_numbers_do_not_collide(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_RECIPES; i++) {
		automade made = make(recipes[i].name);
		unsigned next = 8;
		size_t at = 0;
		const char *bridge;
		while ((bridge = next_word(&made.argv, "-device", "pxb-pcie,", &at))) {
			unsigned vnode, number;
			assert_int_equal(
				sscanf(bridge, "pxb-pcie,id=pxb%u,bus=pcie.0,bus_nr=%u", &vnode, &number), 2);
			assert_true(number >= next);
			vn_autofree char *bus = vn_format("bus=pxb%u", vnode);
			const char *port;
			size_t k = 0;
			for (next = number + 1;
				(port = next_word(&made.argv, "-device", "pcie-root-port,", &k));)
				next += has_part(port, bus) ? 1 : 0;
			assert_true(next <= 256);
		}
	}
}

static void test_ports_are_unique(void **state)
{
	(void)state;
	automade many = make("many");
	vn_autoset chassis = hwloc_bitmap_alloc(), places = hwloc_bitmap_alloc();
	size_t at = 0;
	const char *port;
	while ((port = next_word(&many.argv, "-device", "pcie-root-port,", &at))) {
		unsigned disk, bridge, number, slot, device, function;
		assert_int_equal(
			sscanf(port, "pcie-root-port,id=port-disk%u,bus=pxb%u,chassis=%u,slot=%u,addr=%x.%x",
				&disk, &bridge, &number, &slot, &device, &function),
			6);
		assert_true(number < 256 && device < 32 && function < 8);
		assert_false(hwloc_bitmap_isset(chassis, number));
		assert_false(hwloc_bitmap_isset(places, device * 8 + function));
		hwloc_bitmap_set(chassis, number);
		hwloc_bitmap_set(places, device * 8 + function);
		/* forty ports on 32 slots: the first eight are shared, and their function 0 says so */
		assert_int_equal(has_part(port, "multifunction=on"), function == 0 && device < 8);
	}
	assert_int_equal(hwloc_bitmap_weight(places), 40);
}

static void test_one_node_needs_no_bridges(void **state)
{
	(void)state;
	automade off = make("off");
	assert_int_equal(count_words(&off.argv, "-device", "pxb"), 0);
	assert_int_equal(count_words(&off.argv, "-device", "pcie-root-port"), 0);
	assert_int_equal(count_words(&off.argv, "-numa", ""), 0);
	assert_option(&off.argv, "-device", "virtio-blk-pci,drive=disk0", "iothread=io0");
	assert_option(&off.argv, "-machine", "q35", "memory-backend=ram0");
}

static void test_pages_are_taken_from_near(void **state)
{
	(void)state;
	automade huge = make("huge");
	size_t context = 0, backend = 0;
	assert_option(&huge.argv, "-object", "thread-context,id=tc0", "cpu-affinity=0-3");
	assert_option(&huge.argv, "-object", "memory-backend-memfd,id=ram1",
		"hugetlbsize=2048K prealloc=on prealloc-threads=2 prealloc-context=tc1 host-nodes=0 policy=bind");
	next_word(&huge.argv, "-object", "thread-context,id=tc1", &context);
	next_word(&huge.argv, "-object", "memory-backend-memfd,id=ram1", &backend);
	assert_true(context < backend);
	automade ordinary = make("two");
	assert_int_equal(count_words(&ordinary.argv, "-object", "thread-context"), 0);
}

static void test_older_qemu_has_no_contexts(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of(TWO_VNODES "hugepages='2M'\n");
	struct recipe old = {NULL, NULL, NULL, VN_BINDING_STRICT, VN_TARGET_VERSION(7, 1, 0)};
	vn_autoargv argv = {0};
	recipe_argv(&old, guest, NULL, &argv);
	assert_int_equal(count_words(&argv, "-object", "thread-context"), 0);
	assert_option(&argv, "-object", "memory-backend-memfd,id=ram0", "prealloc=on policy=bind");
}

static void test_pages_of_a_vnode_of_its_own(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of(TWO_VNODES "hugepages='2M'\n");
	struct recipe plain = {NULL, NULL, NULL, VN_BINDING_STRICT, 0};
	vn_autoargv argv = {0};
	guest->vnodes[0].has_page = true; /* ordinary ones */
	guest->vnodes[1].has_page = true;
	guest->vnodes[1].page = UINT64_C(1) << 30;
	recipe_argv(&plain, guest, NULL, &argv);
	assert_option(&argv, "-object", "memory-backend-ram,id=ram0", "size=2048M");
	assert_option(&argv, "-object", "memory-backend-memfd,id=ram1", "hugetlbsize=1048576K");
}

static void test_plugged_memory_is_no_part_of_the_start(void **state)
{
	(void)state;
	automade growth = make("growth");
	assert_option(&growth.argv, "-m", "size=64M", "slots=18 maxmem=512M");
	assert_option(
		&growth.argv, "-object", "memory-backend-ram,id=ram1", "size=32M host-nodes=0 policy=bind");
	assert_option(
		&growth.argv, "-object", "memory-backend-ram,id=plug1", "size=32M host-nodes=0 policy=bind");
	assert_option(&growth.argv, "-device", "pc-dimm,id=dimm1", "memdev=plug1 node=1");
	assert_option(&growth.argv, "-numa", "node,nodeid=1", "memdev=ram1");
	assert_option(&growth.argv, "-smp", "cpus=4", "maxcpus=8");
	assert_int_equal(count_words(&growth.argv, "-numa", "cpu,"), 8);
}

static void test_memory_that_grows_and_shrinks(void **state)
{
	(void)state;
	automade both = make("resizable");
	assert_option(&both.argv, "-m", "size=192M", "maxmem=448M");
	assert_int_equal(count_words(&both.argv, "-m", "size=192M,slots"), 0);
	assert_option(
		&both.argv, "-object", "memory-backend-ram,id=ram0", "size=128M host-nodes=0 policy=bind");
	assert_option(&both.argv, "-object", "memory-backend-ram,id=plug0",
		"size=128M reserve=off host-nodes=0 policy=bind");
	assert_option(&both.argv, "-object", "memory-backend-ram,id=plug1",
		"size=128M reserve=off host-nodes=0 policy=bind");
	assert_option(&both.argv, "-device", "virtio-mem-pci,id=vmem0",
		"memdev=plug0 node=0 block-size=2M requested-size=0M bus=pcie.0");
	assert_option(&both.argv, "-device", "virtio-mem-pci,id=vmem1",
		"memdev=plug1 node=1 block-size=2M requested-size=64M bus=pcie.0");
	automade huge = make("resizable-huge");
	assert_option(&huge.argv, "-object", "memory-backend-memfd,id=plug0",
		"size=128M hugetlb=on hugetlbsize=2048K reserve=off policy=bind");
	assert_option(
		&huge.argv, "-device", "virtio-mem-pci,id=vmem0", "requested-size=0M prealloc=on bus=pcie.0");
	assert_int_equal(count_words(&huge.argv, "-device", "virtio-mem-pci"),
		1); /* vnode 1 has as much as it ever can */
}

static void test_hmat(void **state)
{
	(void)state;
	automade hmat = make("hmat");
	const struct vn_argv *argv = &hmat.argv;
	assert_option(argv, "-machine", "q35", "hmat=on");
	assert_option(argv, "-numa", "node,nodeid=0", "initiator=0");
	assert_option(argv, "-numa", "node,nodeid=2", "initiator=1"); /* who reaches it faster */
	assert_int_equal(count_words(argv, "-numa", "hmat-lb"), 12);
	assert_option(argv, "-numa", "hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-latency",
		"latency=10");
	assert_option(argv, "-numa", "hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-latency",
		"latency=21");
	assert_option(argv, "-numa",
		"hmat-lb,initiator=1,target=0,hierarchy=memory,data-type=access-bandwidth",
		"bandwidth=5120M");
	assert_true(vn_notes_has(&hmat.notes, "hmat-rounded"));
	size_t first = 0, second = 0;
	assert_option(argv, "-numa", "hmat-cache,node-id=2,size=10485760",
		"level=1 associativity=complex policy=write-through line=64");
	next_word(argv, "-numa", "hmat-cache,node-id=2,size=10485760,level=1", &first);
	next_word(argv, "-numa", "hmat-cache,node-id=2,size=20971520,level=2", &second);
	assert_true(first < second && second < argv->n - 1);
}

static void test_topology_of_the_guest(void **state)
{
	(void)state;
	automade dies = make("dies");
	assert_option(&dies.argv, "-smp", "cpus=8", "sockets=1 dies=2 cores=2 threads=2");
	assert_option(&dies.argv, "-numa", "cpu,node-id=1,socket-id=0,die-id=1,core-id=0,thread-id=1", "");
	assert_true(vn_notes_has(&dies.notes, "socket-spans-vnodes"));

	vn_autoguest *guest = guest_of(TWO_VNODES);
	guest->topology = (struct vn_guest_topology){.sockets = 3, .cores = 2}; /* not four vCPUs */
	struct vn_guest_topology of = vn_guest_sockets(guest);
	assert_int_equal(of.sockets, 2);
	assert_int_equal(of.cores, 2);
	guest->topology = (struct vn_guest_topology){.sockets = 4};
	of = vn_guest_sockets(guest);
	assert_int_equal(of.sockets, 4);
	assert_int_equal(of.cores, 1);
	guest->topology = (struct vn_guest_topology){.cores = 1, .clusters = 2};
	of = vn_guest_sockets(guest);
	assert_int_equal(of.sockets, 2);
	assert_int_equal(of.cores, 2);
	assert_int_equal(of.clusters, 1);
	guest->topology = (struct vn_guest_topology){.sockets = 65536, .dies = 65536, .cores = 65536};
	assert_int_equal(vn_guest_sockets(guest).sockets, 2);
}

/* One string: which queue is which vnode's. */
static void assert_queues(const char *cfg, const char *expected, bool everywhere)
{
	vn_autoguest *guest = guest_of(cfg);
	vn_cleanup(vn_view_clear) struct vn_view view = {0};
	unsigned vnodes[64] = {0};
	char seen[65] = "";
	bool same;

	assert_int_equal(vn_view_foretell(guest, &view), 0);
	assert_int_equal(vn_disk_queue_vnodes(guest, &view, vnodes, &same), 0);
	for (unsigned q = 0; q < vn_disk_queues(guest); q++)
		seen[q] = (char)('0' + vnodes[q]);
	assert_string_equal(seen, expected);
	assert_int_equal(same, everywhere);
}

/* Each as a guest of Linux 6.12 said in /sys/block/vda/mq/N/cpu_list. */
static void test_disk_queues_follow_linux(void **state)
{
	(void)state;
	assert_queues("name='g'\nmemory=512\nvcpus=4\nvnodes=2\n", "1100", true);
	assert_queues("name='g'\nmemory=512\nvcpus=8\nvnodes=4\n", "11332200", false);
	assert_queues(
		"name='g'\nmemory=512\nvcpus=6\nvnodes=4\nvnuma_vcpumap=[0,0,1,1,2,2]\n", "112200", false);
}

/* By the rule alone. */
static void test_disk_queues_by_the_rule(void **state)
{
	(void)state;
	assert_queues("name='g'\nmemory=512\nvcpus=4\nvnodes=2\nvnuma_vcpumap=[0,1,1,1]\n", "0111", true);
	assert_queues("name='g'\nmemory=512\nvcpus=4\nvnodes=2\nvnuma_vcpumap=[1,1,1,0]\n", "0111", true);
	assert_queues("name='g'\nmemory=512\nvcpus=4\nvnodes=2\nvnuma_vcpumap=[1,0,1,0]\n", "0011", true);
	assert_queues("name='g'\nmemory=512\nvcpus=3\nvnodes=3\n", "012", true); /* a queue each */
	assert_queues("name='g'\nmemory=512\nvcpus=1\n", "0", true);
	assert_queues("name='g'\nmemory=512\nvcpus=4\nmaxvcpus=8\nvnodes=2\n", "0000",
		true); /* those of vnode 1 come later */
}

static void test_queues_are_dealt_out(void **state)
{
	(void)state;
	automade made = make("queues");
	size_t at = 0, n = 0;
	const char *word;
	while ((word = next_word(&made.argv, "-device", "{", &at))) {
		json_auto_t *device = json_loads(word, 0, NULL);
		char expected[64];
		assert_non_null(device);
		assert_string_equal(json_string_value(json_object_get(device, "driver")), "virtio-blk-pci");
		snprintf(expected, sizeof(expected), "port-disk%zu", n);
		assert_string_equal(json_string_value(json_object_get(device, "bus")), expected);
		assert_int_equal(json_integer_value(json_object_get(device, "num-queues")), 4);
		json_auto_t *mapping = json_loads(
			"[{\"iothread\":\"io0\",\"vqs\":[2,3]},{\"iothread\":\"io1\",\"vqs\":[0,1]}]", 0,
			NULL);
		assert_true(json_equal(json_object_get(device, "iothread-vq-mapping"), mapping));
		n++;
	}
	assert_int_equal(n, 2);
	assert_int_equal(count_words(&made.argv, "-object", "iothread"), 2);
	assert_int_equal(count_words(&made.argv, "-device", "virtio-blk-pci"), 0);
}

/* One string: "io0 io0-1" and so on. */
static void assert_threads(unsigned wanted, const char *serving, const char *expected, const char *of_vnodes)
{
	bool serves[VN_MAX_VNODES] = {false};
	vn_autoiothreads threads = {0};
	char seen[256] = "", name[VN_IOTHREAD_NAME];
	size_t n = 0;

	for (size_t v = 0; serving[v]; v++)
		serves[v] = serving[v] == 'x';
	assert_int_equal(vn_iothreads_deal(wanted, serves, &threads), 0);
	for (size_t t = 0; t < threads.n; t++) {
		assert_int_equal(
			vn_iothread_vnode(vn_iothread_name(&threads.v[t], name)), threads.v[t].vnode);
		n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s%s", t ? " " : "", name);
	}
	assert_string_equal(seen, expected);
	for (unsigned v = 0; serving[v]; v++) {
		for (size_t turn = 0; serves[v] && turn < 2; turn++)
			assert_int_equal(vn_iothread_of(&threads, v, turn), *of_vnodes++ - '0');
	}
}

static void test_iothreads_are_dealt_out(void **state)
{
	(void)state;
	assert_threads(0, "xx", "io0 io1", "0011");
	assert_threads(0, "-x-x", "io1 io3", "0011");
	assert_threads(0, "--", "", "");
	assert_threads(3, "--", "", "");
	assert_threads(2, "xx", "io0 io1", "0011");
	assert_threads(5, "xx", "io0 io0-1 io0-2 io1 io1-1", "0134");
	assert_threads(4, "-x", "io1 io1-1 io1-2 io1-3", "01");
	assert_threads(1, "xxx", "io0", "000000");
	assert_threads(2, "xxx", "io0 io2", "000011");
	assert_threads(3, "xxxx", "io0 io2 io3", "00001122");
	assert_int_equal(vn_iothread_vnode("io31-7"), 31);
	assert_int_equal(vn_iothread_vnode("io32"), -1);
	assert_int_equal(vn_iothread_vnode("io1-"), -1);
	assert_int_equal(vn_iothread_vnode("io"), -1);
	assert_int_equal(vn_iothread_vnode("iothread1"), -1);
}

/* The mapping of a disk; NULL: it has none. */
static json_t *mapping_of(const struct vn_argv *argv, const char *disk)
{
	size_t at = 0;

	for (const char *word; (word = next_word(argv, "-device", "{", &at));) {
		json_auto_t *device = json_loads(word, 0, NULL);
		if (strcmp(json_string_value(json_object_get(device, "drive")), disk) == 0)
			return json_incref(json_object_get(device, "iothread-vq-mapping"));
	}
	return NULL;
}

static void assert_mapping(const struct vn_argv *argv, const char *disk, const char *expected)
{
	json_auto_t *seen = mapping_of(argv, disk), *wanted = json_loads(expected, 0, NULL);

	assert_non_null(wanted);
	if (!json_equal(seen, wanted))
		fail_msg("%s: %s", disk, json_dumps(seen, 0));
}

static void test_as_many_iothreads_as_asked_for(void **state)
{
	(void)state;
	automade threads = make("threads"), queues = make("thread-queues"), one = make("one-thread");

	assert_int_equal(count_words(&threads.argv, "-object", "iothread"), 5);
	assert_option(&threads.argv, "-device", "virtio-blk-pci,drive=disk0", "iothread=io0");
	assert_option(&threads.argv, "-device", "virtio-blk-pci,drive=disk1", "iothread=io1");
	assert_option(&threads.argv, "-device", "virtio-blk-pci,drive=disk2", "iothread=io0-1");
	assert_option(&threads.argv, "-device", "virtio-blk-pci,drive=disk3", "iothread=io1-1");
	assert_int_equal(count_words(&queues.argv, "-object", "iothread"), 5);
	assert_mapping(&queues.argv, "disk0",
		"[{\"iothread\":\"io0\",\"vqs\":[2]},{\"iothread\":\"io0-1\",\"vqs\":[3]},"
		"{\"iothread\":\"io1\",\"vqs\":[0]},{\"iothread\":\"io1-1\",\"vqs\":[1]}]");
	assert_mapping(&queues.argv, "disk2",
		"[{\"iothread\":\"io0\",\"vqs\":[3]},{\"iothread\":\"io0-2\",\"vqs\":[2]},"
		"{\"iothread\":\"io1\",\"vqs\":[0]},{\"iothread\":\"io1-1\",\"vqs\":[1]}]");
	assert_mapping(&one.argv, "disk1", "[{\"iothread\":\"io0\",\"vqs\":[0,1,2,3]}]");
	assert_true(vn_notes_has(&one.notes, "iothreads"));
	assert_false(vn_notes_has(&queues.notes, "iothreads"));
}

/* What `verify` holds QEMU's memory against is what the words say. */
static void test_backends_are_promised_as_they_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_RECIPES; i++) {
		automade made = make(recipes[i].name);
		const unsigned homes[VN_MAX_VNODES] = {0};
		vn_autoplan *plan = plan_of(made.guest, homes, recipes[i].binding, 0);
		vn_autovm *vm = vn_vm_new();
		vn_autoerror err = {0};
		assert_int_equal(vn_backends_plan(plan, made.guest, vm, &err), 0);
		assert_int_equal(vm->n_backends, count_words(&made.argv, "-object", "memory-backend-"));
		for (size_t k = 0; k < vm->n_backends; k++) {
			static const char *const policies[] = {"preferred", "bind", "interleave"};
			const struct vn_vm_backend *backend = &vm->backends[k];
			bool huge = vn_vnode_page(made.guest, backend->vnode) > 0;
			vn_autofree char *start =
				vn_format("memory-backend-%s,id=%s", huge ? "memfd" : "ram", backend->id);
			vn_autofree char *parts = vn_format("size=%lluM policy=%s host-nodes=0",
				(unsigned long long)(backend->memory / VN_MIB), policies[backend->binding]);
			assert_option(&made.argv, "-object", start, parts);
			assert_int_equal(hwloc_bitmap_weight(backend->policy_nodes), 1);
			assert_true(hwloc_bitmap_isset(backend->policy_nodes, 0));
		}
	}
}

static void test_too_many_devices_are_refused(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of(TWO_VNODES);
	const unsigned homes[] = {0, 0};
	vn_autoplan *plan = plan_of(guest, homes, VN_BINDING_STRICT, 0);
	struct vn_qemu_options options = {.accel = "tcg"};
	vn_autoargv argv = {0};
	vn_autoerror err = {0};

	guest->n_disks = 246;
	guest->disks = calloc(guest->n_disks, sizeof(*guest->disks));
	for (size_t i = 0; i < guest->n_disks; i++)
		guest->disks[i] = (struct vn_disk){.path = vn_copy("/d"), .format = "raw", .vnode = -1};
	assert_int_equal(vn_emit_qemu(plan, guest, &options, &argv, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	free(guest->disks[--guest->n_disks].path);
	vn_error_clear(&err);
	assert_int_equal(
		vn_emit_qemu(plan, guest, &options, &argv, &err), 0); /* 245 and two bridges: all there is */
}

static void test_json(void **state)
{
	(void)state;
	vn_autoargv argv = {0};
	vn_autoerror err = {0};
	vn_autofree char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	vn_argv_add(&argv, "%s", "a \"b\"\n");
	vn_argv_add(&argv, "%s", "\xc3\xa9");
	assert_int_equal(vn_argv_print_json(&argv, out, &err), 0);
	fflush(out);
	assert_string_equal(text, "[\n  \"a \\\"b\\\"\\n\",\n  \"\xc3\xa9\"\n]\n");
	vn_argv_add(&argv, "%s", "\xff");
	vn_argv_add(&argv, "%s", "\xfe");
	assert_int_equal(vn_argv_print_json(&argv, out, &err), -EINVAL);
	assert_int_equal(err.n, 2);
	assert_true(err.input);
	fclose(out);
	assert_string_equal(text, "[\n  \"a \\\"b\\\"\\n\",\n  \"\xc3\xa9\"\n]\n"); /* nothing more */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices_are_behind_the_bridge_of_their_vnode),
		cmocka_unit_test(test_wishes_come_before_turns),
		cmocka_unit_test(test_bus_numbers_do_not_collide),
		cmocka_unit_test(test_ports_are_unique),
		cmocka_unit_test(test_one_node_needs_no_bridges),
		cmocka_unit_test(test_pages_are_taken_from_near),
		cmocka_unit_test(test_older_qemu_has_no_contexts),
		cmocka_unit_test(test_pages_of_a_vnode_of_its_own),
		cmocka_unit_test(test_plugged_memory_is_no_part_of_the_start),
		cmocka_unit_test(test_memory_that_grows_and_shrinks),
		cmocka_unit_test(test_hmat),
		cmocka_unit_test(test_topology_of_the_guest),
		cmocka_unit_test(test_disk_queues_follow_linux),
		cmocka_unit_test(test_disk_queues_by_the_rule),
		cmocka_unit_test(test_queues_are_dealt_out),
		cmocka_unit_test(test_iothreads_are_dealt_out),
		cmocka_unit_test(test_as_many_iothreads_as_asked_for),
		cmocka_unit_test(test_backends_are_promised_as_they_are_written),
		cmocka_unit_test(test_too_many_devices_are_refused),
		cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
