/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The QEMU command line: each option from the plan it is made of, and the rule that maps network queues to
 * vnodes. */
#include "emit_maker.h"
#include "text_asserts.h"

/* The command line with one option a line; the caller frees it. */
static char *command(const char *cfg, const unsigned *homes, enum vn_binding binding, uint64_t spill)
{
	vn_autoguest *guest = guest_of(cfg);
	vn_autoplan *plan = plan_of(guest, homes, binding, spill);
	struct vn_qemu_options options = {
		.accel = "kvm", .qmp_path = "/run/a,b/q.sock", .serial_path = "/tmp/s", .paused = true};
	vn_autoargv argv = {0};
	vn_autoerror err = {0};
	assert_int_equal(vn_emit_qemu(plan, guest, &options, &argv, &err), 0);
	assert_null(argv.v[argv.n]);

	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	vn_argv_print(&argv, out);
	fclose(out);
	return text;
}

static void test_backends_are_bound_to_their_homes(void **state)
{
	(void)state;
	vn_autofree char *preferred = command(TWO_VNODES, (unsigned[]){3, 1}, VN_BINDING_PREFERRED, 512);
	assert_has(preferred,
		"-object memory-backend-ram,id=ram0,size=2048M,host-nodes=3,policy=preferred \\\n");
	assert_has(preferred,
		"-object memory-backend-ram,id=ram1,size=2048M,host-nodes=1,policy=preferred \\\n");
	assert_has(preferred, "-numa node,nodeid=1,memdev=ram1 \\\n");
	vn_autofree char *strict = command(TWO_VNODES, (unsigned[]){3, 1}, VN_BINDING_STRICT, 512);
	assert_has(strict, "id=ram0,size=2048M,host-nodes=3,host-nodes=7,policy=bind \\\n");
	vn_autofree char *huge =
		command(TWO_VNODES "hugepages='2M'\n", (unsigned[]){3, 1}, VN_BINDING_STRICT, 0);
	assert_has(huge, "memory-backend-memfd,id=ram0,size=2048M,hugetlb=on,hugetlbsize=2048K,prealloc=on,"
			 "prealloc-threads=2,prealloc-context=tc0,host-nodes=3,policy=bind");
}

static void test_old_guests_are_told_of_no_nodes(void **state)
{
	(void)state;
	vn_autofree char *text = command("name='g'\nmemory=4096\nvcpus=2\nguest_numa='off'\n",
		(unsigned[]){6}, VN_BINDING_INTERLEAVE, 2048);
	assert_has(text, "-machine q35,memory-backend=ram0 \\\n");
	assert_has(text, "host-nodes=6-7,policy=interleave");
	assert_has_not(text, "-numa");
}

static void test_sockets_stay_inside_vnodes(void **state)
{
	(void)state;
	vn_autofree char *runs = command(TWO_VNODES, (unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(runs, "-smp cpus=4,maxcpus=4,sockets=2,cores=2,threads=1 \\\n");
	assert_has(runs, "-numa cpu,node-id=1,socket-id=1,core-id=0,thread-id=0 \\\n");
	vn_autofree char *mixed =
		command(TWO_VNODES "vnuma_vcpumap=[1,0,1,0]\n", (unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(mixed, "sockets=4,cores=1,threads=1");
	assert_has(mixed, "-numa cpu,node-id=1,socket-id=2,core-id=0,thread-id=0 \\\n");
	vn_autofree char *uneven =
		command(TWO_VNODES "vnuma_vcpumap=[0,0,0,1]\n", (unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(uneven, "sockets=4,cores=1,threads=1");
	vn_autofree char *memory_only =
		command(TWO_VNODES "vnuma_vcpumap=[0,0,0,0]\n", (unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(memory_only, "sockets=1,cores=4,threads=1");
	vn_autofree char *memory_first =
		command(TWO_VNODES "vnuma_vcpumap=[1,1,1,1]\n", (unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(memory_first, "sockets=1,cores=4,threads=1");
}

static void test_threads_share_a_core(void **state)
{
	(void)state;
	vn_autofree char *text = command("name='g'\nmemory=4096\nvcpus=12\nthreads=2\nvnodes=2\n",
		(unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(text, "-smp cpus=12,maxcpus=12,sockets=2,cores=3,threads=2 \\\n");
	assert_has(text, "-cpu host,topoext=on \\\n");
	assert_has(text, "-numa cpu,node-id=0,socket-id=0,core-id=2,thread-id=1 \\\n"); /* vCPU 5 */
	assert_has(text, "-numa cpu,node-id=1,socket-id=1,core-id=0,thread-id=0 \\\n"); /* vCPU 6 */
	vn_autofree char *mixed = command(TWO_VNODES "threads=2\nvnuma_vcpumap=[1,1,0,0]\n",
		(unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(mixed, "sockets=2,cores=1,threads=2");
	assert_has(mixed, "-numa cpu,node-id=0,socket-id=1,core-id=0,thread-id=1 \\\n");
	vn_autofree char *uneven = command("name='g'\nmemory=4096\nvcpus=6\nthreads=2\nvnodes=2\n",
		(unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(uneven, "sockets=3,cores=1,threads=2");
	vn_autofree char *none = command(TWO_VNODES, (unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(none, "-cpu host \\\n");
}

static void test_vnodes_without_memory_have_no_backend(void **state)
{
	(void)state;
	vn_autofree char *text =
		command(TWO_VNODES "vnumamem=[0,4096]\n", (unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(text, "-numa node,nodeid=0 \\\n");
	assert_has(text, "-numa node,nodeid=1,memdev=ram1 \\\n");
	assert_has_not(text, "ram0");
}

static void test_growth(void **state)
{
	(void)state;
	vn_autofree char *text = command(TWO_VNODES "maxmem=8192\nmaxvcpus=6\nvnuma_vcpumap=[0,0,0,1,1,1]\n",
		(unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(text, "-m size=4096M,slots=16,maxmem=8192M \\\n");
	assert_has(text, "cpus=4,maxcpus=6,sockets=2,cores=3");
	assert_has(text, "-numa cpu,node-id=1,socket-id=1,core-id=2,thread-id=0 \\\n");
}

static void test_devices(void **state)
{
	(void)state;
	vn_autofree char *text =
		command(TWO_VNODES "disk=['format=raw,target=/a,b','/c,qcow2,vdb,ro','/"
				   "d']\nvif=['','bridge=br0,queues=2','vifname=t1,vhost=0']\n"
				   "pci=['3b:00.0','0000:5e:00.1,vnode=1']\n"
				   "kernel='/k'\nextra='a=\"b\" c'\n",
			(unsigned[]){0, 1}, VN_BINDING_PREFERRED, 0);
	assert_has(text, "-drive if=none,id=disk0,format=raw,readonly=off,file=/a,,b \\\n");
	assert_has(text, "format=qcow2,readonly=on,file=/c \\\n");
	assert_has(text, "-device virtio-blk-pci,drive=disk0,iothread=io0,bus=port-disk0 \\\n");
	assert_has(text, "-device virtio-blk-pci,drive=disk1,iothread=io1,bus=port-disk1 \\\n");
	assert_has(text, "-device virtio-blk-pci,drive=disk2,iothread=io0,bus=port-disk2 \\\n");
	assert_has(text, "-netdev user,id=net0 \\\n");
	assert_has(text, "-netdev tap,id=net1,script=no,downscript=no,vhost=on,queues=2 \\\n");
	assert_has(text, "mq=on,vectors=6,bus=port-net1 \\\n");
	assert_has(text, "-netdev tap,id=net2,ifname=t1,script=no,downscript=no,vhost=off,queues=1 \\\n");
	assert_has(text, "-device vfio-pci,host=0000:3b:00.0,id=hostdev0,bus=port-hostdev0 \\\n");
	assert_has(text, "-device vfio-pci,host=0000:5e:00.1,id=hostdev1,bus=port-hostdev1 \\\n");
	assert_has(text, "-append 'a=\"b\" c' \\\n");
	assert_has(text, "socket,id=qmp0,server=on,wait=off,path=/run/a,,b/q.sock \\\n");
	assert_has(text, "-S\n");
}

static void test_shell_quoting(void **state)
{
	(void)state;
	vn_autoargv argv = {0};
	vn_argv_add(&argv, "x");
	vn_argv_add(&argv, "%s", "it's");
	vn_argv_add(&argv, "%s", "");
	vn_argv_add(&argv, "$(a)`b`\\");
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	vn_argv_print(&argv, out);
	fclose(out);
	assert_string_equal(text, "x 'it'\\''s' '' '$(a)`b`\\'\n");
	free(text);
}

static void assert_queue(unsigned vcpus, unsigned queues, unsigned queue, unsigned first, unsigned count)
{
	unsigned seen_first, seen_count;
	vn_queue_vcpus(vcpus, queues, queue, &seen_first, &seen_count);
	assert_int_equal(seen_first, first);
	assert_int_equal(seen_count, count);
}

static void test_queues_follow_virtio_net(void **state)
{
	(void)state;
	assert_queue(4, 4, 3, 3, 1);
	assert_queue(4, 1, 0, 0, 4);
	assert_queue(8, 3, 0, 0, 3); /* 8 = 3 + 3 + 2 */
	assert_queue(8, 3, 1, 3, 3);
	assert_queue(8, 3, 2, 6, 2);
	assert_queue(2, 4, 3, 1, 1); /* more queues than vCPUs: they wrap */

	vn_autoguest *guest = guest_of(TWO_VNODES
		"vnuma_vcpumap=[1,1,1,0]\nvif=['type=tap','type=tap,queues=2','type=tap,queues=2','type=tap,queues=4']\n");
	assert_int_equal(vn_vif_vnode(guest, 0), 0);
	assert_int_equal(vn_queue_vnode(guest, 0, 0), 0); /* a sole one is at its interface */
	assert_int_equal(vn_queue_vnode(guest, 1, 0), 1);
	assert_int_equal(vn_queue_vnode(guest, 1, 1), 1); /* one vCPU of each vnode: the interface's own */
	assert_int_equal(vn_queue_vnode(guest, 2, 1), 0);
	assert_int_equal(vn_queue_vnode(guest, 3, 3), 0);
	guest->vifs[0].vnode = 1;
	assert_int_equal(vn_queue_vnode(guest, 0, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backends_are_bound_to_their_homes),
		cmocka_unit_test(test_old_guests_are_told_of_no_nodes),
		cmocka_unit_test(test_sockets_stay_inside_vnodes),
		cmocka_unit_test(test_threads_share_a_core),
		cmocka_unit_test(test_vnodes_without_memory_have_no_backend),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_shell_quoting),
		cmocka_unit_test(test_queues_follow_virtio_net),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
