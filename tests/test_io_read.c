/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc and /sys written here show of a VM's network, its devices, and the host's settings. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>
#include <stdio.h>
#include <stdlib.h>

#include "../src/base/text.h"
#include "../src/guest/guest_qemu.h"
#include "../src/observe/devices.h"
#include "../src/observe/host_settings.h"
#include "../src/observe/nics.h"
#include "host_maker.h"
#include "fake_root.h"

#define PID 77

static const struct maker_node two_nodes[] = {{2, 1024}, {2, 1024}};

struct seen {
	struct fake_root fake;
	struct vn_survey survey;
	struct vn_host *host;
	struct vn_vm_sample vm;
};

static void make(struct seen *seen, const char *command)
{
	*seen = (struct seen){.host = make_host(2, two_nodes, 1, 20), .vm = {.process = {.pid = PID}}};
	fake_make(&seen->fake);
	fake_put(&seen->fake, "proc/77/comm", "x\n");
	seen->host->n_devices = 2;
	seen->host->devices = calloc(2, sizeof(*seen->host->devices));
	for (int i = 0; i < 2; i++) {
		struct vn_host_device *device = &seen->host->devices[i];
		*device = vn_host_device_init();
		snprintf(device->address, sizeof(device->address), "0000:%d0:00.0", i + 1);
		device->node = i;
	}
	assert_int_equal(vn_guest_from_qemu(command, strlen(command), "x", &seen->vm.guest, NULL), 0);
}

static const struct vn_survey *survey(struct seen *seen)
{
	seen->survey.root = &seen->fake.root;
	return &seen->survey;
}

static void clear(struct seen *seen)
{
	vn_vm_sample_clear(&seen->vm);
	vn_host_free(seen->host);
	fake_clear(&seen->fake);
}

/* A descriptor of a tap's. */
static void put_tap(const struct fake_root *fake, int fd, const char *name)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "proc/77/fd/%d", fd);
	fake_link(fake, path, "/dev/net/tun");
	snprintf(path, sizeof(path), "proc/77/fdinfo/%d", fd);
	snprintf(text, sizeof(text), "pos:\t0\nflags:\t0100002\niff:\t%s\n", name);
	fake_put(fake, path, text);
}

static void add_workers(struct vn_vm_sample *vm, int n)
{
	vm->threads = calloc((size_t)n, sizeof(*vm->threads));
	for (int i = 0; i < n; i++)
		vm->threads[vm->n_threads++] =
			(struct vn_thread_sample){.kind = VN_THREAD_VHOST, .index = i, .tid = 100 + i};
}

#define TWO_VNODES                                                                                           \
	"qemu-system-x86_64 -smp 4 -m 512 -object memory-backend-ram,id=a,size=256M "                        \
	"-object memory-backend-ram,id=b,size=256M -numa node,memdev=a,cpus=0-1 -numa node,memdev=b,cpus=2-3 "

static void test_taps_and_workers(void **state)
{
	vn_cleanup(clear) struct seen seen;

	(void)state;
	make(&seen,
		TWO_VNODES "-netdev tap,id=x,fds=30:31,vhost=on -device virtio-net-pci,netdev=x,mq=on "
			   "-netdev tap,id=y,ifname=named,script=no,vhost=on -device virtio-net-pci,netdev=y "
			   "-netdev user,id=z -device virtio-net-pci,netdev=z");
	put_tap(&seen.fake, 12, "named");
	put_tap(&seen.fake, 30, "vnet7");
	put_tap(&seen.fake, 31, "vnet7");
	fake_link(&seen.fake, "proc/77/fd/3", "anon_inode:[eventfd]");
	fake_link(&seen.fake, "sys/class/net/vnet7/master", "../../br0");
	fake_put(&seen.fake, "sys/class/net/br0/brif/vnet7", "");
	fake_link(&seen.fake, "sys/class/net/br0/brif/bond0.5", "../../bond0.5");
	fake_link(&seen.fake, "sys/class/net/bond0.5/lower_bond0", "../bond0");
	fake_link(&seen.fake, "sys/class/net/bond0/lower_eth1", "../eth1");
	fake_link(&seen.fake, "sys/class/net/eth1/device", "../../../0000:20:00.0");
	add_workers(&seen.vm, 3);
	assert_int_equal(vn_nics_find(survey(&seen), seen.host, &seen.vm), 0);
	assert_int_equal(seen.vm.n_nics, 3);
	const struct vn_nic_sample *nic = &seen.vm.nics[0];
	assert_string_equal(nic->name, "vnet7");
	assert_string_equal(nic->bridge, "br0");
	assert_string_equal(nic->physical, "eth1");
	assert_string_equal(nic->address, "0000:20:00.0");
	assert_int_equal(nic->node, 1);
	assert_int_equal(nic->n_queues, 2);
	for (int q = 0; q < 2; q++) {
		assert_int_equal(nic->queues[q].vnode, q); /* vCPUs 0-1, 2-3 */
		assert_int_equal(nic->queues[q].first_vcpu, 2 * q);
		assert_int_equal(nic->queues[q].worker, q);
	}
	nic = &seen.vm.nics[1];
	assert_string_equal(nic->name, "named");
	assert_string_equal(nic->physical, "");
	assert_int_equal(nic->node, -1);
	assert_int_equal(nic->queues[0].vnode, -1); /* all vCPUs use a sole queue */
	assert_int_equal(nic->queues[0].n_vcpus, 4);
	assert_int_equal(nic->queues[0].worker, 2);
	assert_false(seen.vm.nics[2].vhost);
	assert_int_equal(seen.vm.nics[2].queues[0].worker, -1);
}

/* More or fewer workers than queue pairs: nobody knows which is whose. */
static void test_workers_that_do_not_fit(void **state)
{
	vn_cleanup(clear) struct seen seen;

	(void)state;
	make(&seen, TWO_VNODES "-netdev tap,id=x,queues=4,vhost=on -device virtio-net-pci,netdev=x");
	add_workers(&seen.vm, 3);
	fake_put(&seen.fake, "proc/77/fd/1", "");
	assert_int_equal(vn_nics_find(survey(&seen), seen.host, &seen.vm), 0);
	for (size_t q = 0; q < 4; q++)
		assert_int_equal(seen.vm.nics[0].queues[q].worker, -1);
	assert_true(vn_notes_has(&seen.vm.gaps, "workers-unknown"));
	assert_int_equal(seen.vm.nics[0].queues[3].vnode, 1);
}

/* Workers of devices come behind those of queues, and are no queue's. */
static void test_workers_of_devices(void **state)
{
	static const char command[] =
		TWO_VNODES "-netdev tap,id=x,queues=2,vhost=on -device virtio-net-pci,netdev=x -device "
			   "vhost-vsock-pci,guest-cid=3";

	(void)state;
	for (int there = 3; there <= 4; there++) {
		struct seen seen;
		make(&seen, command);
		assert_int_equal(vn_guest_set_text(seen.vm.guest, VN_FORM_QEMU, command, strlen(command)), 0);
		add_workers(&seen.vm, there);
		fake_put(&seen.fake, "proc/77/fd/1", "");
		assert_int_equal(vn_nics_find(survey(&seen), seen.host, &seen.vm), 0);
		for (int q = 0; q < 2; q++)
			assert_int_equal(seen.vm.nics[0].queues[q].worker, there == 3 ? q : -1);
		assert_true(vn_notes_has(&seen.vm.gaps, "workers-unknown") == (there == 4));
		clear(&seen);
	}
}

/* Queues that the guest's Linux never sets up, and one that vCPUs of two vnodes share. */
static void test_queues_and_vnodes(void **state)
{
	vn_cleanup(clear) struct seen seen;

	(void)state;
	make(&seen, TWO_VNODES
		"-device pxb-pcie,id=p,numa_node=1,bus_nr=9 -netdev tap,id=x,queues=6 "
		"-device virtio-net-pci,netdev=x -netdev tap,id=y,queues=3 -device virtio-net-pci,netdev=y,bus=p");
	fake_put(&seen.fake, "proc/77/fd/1", "");
	assert_int_equal(vn_nics_find(survey(&seen), seen.host, &seen.vm), 0);
	assert_int_equal(seen.vm.nics[0].queues[3].n_vcpus, 1);
	assert_int_equal(seen.vm.nics[0].queues[5].n_vcpus, 0);
	assert_int_equal(seen.vm.nics[0].queues[5].vnode, -1);
	assert_int_equal(seen.vm.nics[1].vnode, 1);
	assert_int_equal(seen.vm.nics[1].queues[0].vnode, 0); /* vCPUs 0, 1 */
	assert_int_equal(seen.vm.nics[1].queues[1].vnode, 1); /* vCPU 2 */
}

static void test_macvtap(void **state)
{
	vn_cleanup(clear) struct seen seen;

	(void)state;
	make(&seen, "kvm -m 64 -netdev tap,id=x,fd=22,vhost=on,vhostfd=23 -device virtio-net-pci,netdev=x");
	fake_link(&seen.fake, "proc/77/fd/22", "/dev/tap14");
	fake_put(&seen.fake, "sys/class/net/eth0/ifindex", "2\n");
	fake_put(&seen.fake, "sys/class/net/macvtap0/ifindex", "14\n");
	fake_link(&seen.fake, "sys/class/net/macvtap0/lower_eth0", "../eth0");
	fake_link(&seen.fake, "sys/class/net/eth0/device", "../../../0000:10:00.0");
	assert_int_equal(vn_nics_find(survey(&seen), seen.host, &seen.vm), 0);
	assert_string_equal(seen.vm.nics[0].name, "macvtap0");
	assert_string_equal(seen.vm.nics[0].physical, "eth0");
	assert_int_equal(seen.vm.nics[0].node, 0);
	assert_int_equal(seen.vm.nics[0].queues[0].vnode, 0);
}

/* In a network namespace of its own its tap0 is none of ours, which may have one of that name. */
static void test_taps_elsewhere(void **state)
{
	vn_cleanup(clear) struct seen seen;

	(void)state;
	make(&seen, "kvm -m 64 -netdev tap,id=x,ifname=tap0 -device virtio-net-pci,netdev=x "
		    "-netdev tap,id=y,fd=22 -device virtio-net-pci,netdev=y");
	put_tap(&seen.fake, 12, "tap0");
	fake_link(&seen.fake, "proc/77/fd/22", "/dev/tap14");
	fake_link(&seen.fake, "proc/77/ns/net", "net:[4026532000]");
	fake_link(&seen.fake, "proc/self/ns/net", "net:[4026531840]");
	fake_link(&seen.fake, "sys/class/net/tap0/master", "../../br0");
	fake_link(&seen.fake, "sys/class/net/br0/lower_eth0", "../eth0");
	fake_link(&seen.fake, "sys/class/net/eth0/device", "../../../0000:10:00.0");
	fake_put(&seen.fake, "sys/class/net/eth0/ifindex", "14\n");
	assert_int_equal(vn_nics_find(survey(&seen), seen.host, &seen.vm), 0);
	assert_string_equal(seen.vm.nics[0].name, "tap0");
	assert_string_equal(seen.vm.nics[1].name, "");
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(seen.vm.nics[i].bridge, "");
		assert_string_equal(seen.vm.nics[i].physical, "");
		assert_int_equal(seen.vm.nics[i].node, -1);
	}
	assert_true(vn_notes_has(&seen.vm.gaps, "nics-elsewhere"));
}

/* Interfaces that lie on each other in a circle, descriptors that may not be read. */
static void test_odd_interfaces(void **state)
{
	vn_cleanup(clear) struct seen seen;

	(void)state;
	make(&seen, "kvm -m 64 -netdev tap,id=x,ifname=t -device virtio-net-pci,netdev=x");
	put_tap(&seen.fake, 5, "t");
	fake_link(&seen.fake, "sys/class/net/t/master", "../a");
	fake_link(&seen.fake, "sys/class/net/a/lower_b", "../b");
	fake_link(&seen.fake, "sys/class/net/b/lower_a", "../a");
	assert_int_equal(vn_nics_find(survey(&seen), seen.host, &seen.vm), 0);
	assert_string_equal(seen.vm.nics[0].bridge, "a");
	assert_string_equal(seen.vm.nics[0].physical, "");
	clear(&seen);
	make(&seen, "kvm -m 64 -netdev tap,id=x,ifname=t -device virtio-net-pci,netdev=x");
	assert_int_equal(vn_nics_find(survey(&seen), seen.host, &seen.vm), 0);
	assert_true(vn_notes_has(&seen.vm.gaps, "descriptors-unreadable"));
}

static void test_devices(void **state)
{
	vn_cleanup(clear) struct seen seen;

	(void)state;
	make(&seen,
		TWO_VNODES "-device pxb-pcie,id=p,numa_node=1,bus_nr=9 -device vfio-pci,host=20:00.0,bus=p "
			   "-device vfio-pci,host=99:00.0");
	struct vn_host_device *device = &seen.host->devices[1];
	device->n_irqs = 2;
	device->irqs = calloc(2, sizeof(*device->irqs));
	device->irqs[0].number = 40;
	device->irqs[1].number = 41;
	fake_put(&seen.fake, "sys/kernel/irq/40/actions", "vfio-msix[0](0000:20:00.0)\n");
	fake_put(&seen.fake, "sys/kernel/irq/40/chip_name", "IR-PCI-MSIX-0000:20:00.0\n");
	fake_put(&seen.fake, "sys/kernel/irq/40/per_cpu_count", "5,0,7\n");
	fake_put(&seen.fake, "sys/kernel/irq/41/per_cpu_count", "3\n");
	fake_put(&seen.fake, "sys/kernel/debug/irq/irqs/41", "dstate: 0x1\n IRQD_AFFINITY_MANAGED\n");
	fake_put(&seen.fake, "sys/module/kvm_amd/parameters/avic", "Y\n");
	fake_put(&seen.fake, "proc/irq/40/smp_affinity_list", "0-1\n");
	fake_put(&seen.fake, "proc/irq/40/effective_affinity_list", "1\n");
	assert_int_equal(vn_devices_find(survey(&seen), seen.host, &seen.vm), 0);
	assert_int_equal(seen.vm.n_devices, 2);
	const struct vn_device_sample *seen_device = &seen.vm.devices[0];
	assert_string_equal(seen_device->address, "0000:20:00.0");
	assert_int_equal(seen_device->node, 1);
	assert_int_equal(seen_device->vnode, 1);
	assert_true(seen_device->posted);
	assert_int_equal(seen_device->n_irqs, 2);
	assert_string_equal(seen_device->irqs[0].name, "vfio-msix[0](0000:20:00.0)");
	assert_int_equal(hwloc_bitmap_weight(seen_device->irqs[0].cpus), 2);
	assert_int_equal(hwloc_bitmap_first(seen_device->irqs[0].effective), 1);
	assert_false(seen_device->irqs[0].managed);
	assert_true(seen_device->irqs[1].managed);
	assert_null(seen_device->irqs[1].cpus);
	assert_int_equal(seen.vm.devices[1].node, -1);
	assert_int_equal(seen.vm.devices[1].vnode, -1);
	assert_int_equal(vn_devices_count_irqs(&seen.survey, &seen.vm, 1, -1), 0);
	fake_put(&seen.fake, "sys/kernel/irq/40/per_cpu_count", "6,1,10\n");
	fake_put(&seen.fake, "sys/kernel/irq/41/per_cpu_count", "0\n"); /* the device was reset */
	assert_int_equal(vn_devices_count_irqs(&seen.survey, &seen.vm, 1, 1), 0);
	assert_int_equal(seen_device->irqs[0].count, 5);
	assert_int_equal(seen_device->irqs[1].count, 0);
}

static void test_settings(void **state)
{
	vn_cleanup(clear) struct seen seen;
	struct vn_host_settings settings;
	uint64_t faults = 1, migrated = 2;

	(void)state;
	make(&seen, "kvm -m 64");
	assert_int_equal(vn_settings_read(survey(&seen)->root, &settings), 0);
	assert_int_equal(settings.zone_reclaim, -1);
	assert_int_equal(settings.ksm, -1);
	assert_false(settings.has_ksm_sharing);
	assert_int_equal(settings.irqbalance, 0);
	assert_string_equal(settings.thp, "");
	assert_int_equal(vn_settings_faults(seen.survey.root, &faults, &migrated), -ENOENT);
	fake_put(&seen.fake, "proc/sys/vm/zone_reclaim_mode", "1\n");
	fake_put(&seen.fake, "sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	fake_put(&seen.fake, "sys/kernel/mm/transparent_hugepage/defrag", "none\n");
	fake_put(&seen.fake, "sys/kernel/mm/ksm/run", "1\n");
	fake_put(&seen.fake, "sys/kernel/mm/ksm/pages_sharing", "300\n");
	fake_put(&seen.fake, "sys/kernel/mm/ksm/merge_across_nodes", "0\n");
	fake_put(&seen.fake, "proc/500/comm", "irqbalance\n");
	fake_put(&seen.fake, "proc/501/comm", "numad2\n");
	fake_put(&seen.fake, "proc/vmstat",
		"numa_hint_faults_local 9\nnuma_hint_faults 70\nnuma_pages_migrated 5\n");
	assert_int_equal(vn_settings_read(seen.survey.root, &settings), 0);
	assert_int_equal(settings.zone_reclaim, 1);
	assert_string_equal(settings.thp, "madvise");
	assert_string_equal(settings.thp_defrag, "");
	assert_int_equal(settings.ksm, 1);
	assert_true(settings.has_ksm_sharing && settings.ksm_sharing == 300 * (uint64_t)getpagesize());
	assert_int_equal(settings.ksm_merges_nodes, 0);
	assert_int_equal(settings.irqbalance, 1);
	assert_int_equal(settings.numad, 0);
	assert_int_equal(vn_settings_faults(seen.survey.root, &faults, &migrated), 0);
	assert_int_equal(faults, 70);
	assert_int_equal(migrated, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taps_and_workers),
		cmocka_unit_test(test_workers_that_do_not_fit),
		cmocka_unit_test(test_workers_of_devices),
		cmocka_unit_test(test_queues_and_vnodes),
		cmocka_unit_test(test_macvtap),
		cmocka_unit_test(test_taps_elsewhere),
		cmocka_unit_test(test_odd_interfaces),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
