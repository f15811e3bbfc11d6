/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which vCPUs are to use which queue: cases, and all small guests against what must hold of any; and where an agent is. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/mask.h"
#include "../src/base/text.h"
#include "../src/observe/agent_socket.h"
#include "../src/plan/plan_make.h"
#include "../src/rehome/guest_queues.h"

/* A guest by the vnode of each vCPU: "1010". */
static struct vn_guest *guest_of(const char *vnodes)
{
	struct vn_guest *guest = vn_guest_new();

	assert_non_null(guest);
	guest->vcpus = guest->maxvcpus = (unsigned)strlen(vnodes);
	for (const char *v = vnodes; *v; v++) {
		if ((size_t)(*v - '0') >= guest->n_vnodes)
			guest->n_vnodes = (size_t)(*v - '0') + 1;
	}
	guest->vnodes = calloc(guest->n_vnodes, sizeof(*guest->vnodes));
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		guest->vnodes[v].vcpus = hwloc_bitmap_alloc();
		guest->vnodes[v].distances = calloc(guest->n_vnodes, sizeof(*guest->vnodes[v].distances));
	}
	for (unsigned i = 0; i < guest->vcpus; i++)
		hwloc_bitmap_set(guest->vnodes[vnodes[i] - '0'].vcpus, i);
	return guest;
}

/* "1:0,2 0:1,3": vnode and vCPUs of each queue. */
static void assert_dealt(const char *vnodes, unsigned n, const char *expected)
{
	vn_autoguest *guest = guest_of(vnodes);
	struct vn_guest_queue *queues = NULL;
	unsigned too_many = 0;
	char text[256] = "";

	assert_int_equal(vn_guest_queues_deal(guest, n, &queues, &too_many), 0);
	for (unsigned q = 0; q < n; q++) {
		vn_autofree char *vcpus = vn_set_text(queues[q].vcpus);
		size_t at = strlen(text);
		snprintf(text + at, sizeof(text) - at, "%s%d:%s", q ? " " : "", queues[q].vnode, vcpus);
	}
	vn_guest_queues_free(queues, n);
	assert_string_equal(text, expected);
}

static void test_dealt_by_vnodes(void **state)
{
	(void)state;
	assert_dealt("1010", 2, "1:0,2 0:1,3");
	assert_dealt("0101", 2, "0:0,2 1:1,3");
	assert_dealt("0011", 2, "0:0-1 1:2-3"); /* as Linux does */
	assert_dealt("0101", 4, "0:0 0:2 1:1 1:3");
	assert_dealt("000011", 3, "0:0-1 0:2-3 1:4-5");
	assert_dealt("00000011", 3, "0:0-2 0:3-5 1:6-7");
	assert_dealt("0000011", 3, "0:0-2 0:3-4 1:5-6");
	assert_dealt("01", 4, "0:0 1:1 -1: -1:");
	assert_dealt("202", 2, "2:0,2 0:1"); /* vnode 1 has no vCPU */
	assert_dealt("0000", 1, "0:0-3");
}

static void test_too_few(void **state)
{
	(void)state;
	vn_autoguest *guest = guest_of("012");
	struct vn_guest_queue *queues = NULL;
	unsigned vnodes = 0;

	assert_int_equal(vn_guest_queues_deal(guest, 2, &queues, &vnodes), -ERANGE);
	assert_null(queues);
	assert_int_equal(vnodes, 3);
	guest->vcpus = 2; /* the third is plugged in later */
	assert_int_equal(vn_guest_queues_deal(guest, 2, &queues, &vnodes), 0);
	assert_int_equal(hwloc_bitmap_weight(queues[1].vcpus), 1);
	vn_guest_queues_free(queues, 2);
}

/* The least that the queue with most vCPUs can have: by trying all numbers of queues for each vnode. */
static unsigned least_most(const unsigned *vcpus, size_t n_vnodes, unsigned n)
{
	unsigned best = UINT32_MAX;

	if (n_vnodes == 0)
		return 0;
	for (unsigned own = 1; own <= (vcpus[0] ? n : 1); own++) {
		unsigned most = (vcpus[0] + own - 1) / own, taken = vcpus[0] ? own : 0;
		if (taken > n)
			break;
		unsigned rest = least_most(vcpus + 1, n_vnodes - 1, n - taken);
		most = rest > most ? rest : most;
		best = most < best ? most : best;
	}
	return best;
}

static void check_guest(const char *vnodes, unsigned n)
{
	vn_autoguest *guest = guest_of(vnodes);
	struct vn_guest_queue *queues = NULL;
	unsigned counts[8] = {0}, with_vcpus = 0, too_many = 0, most = 0;
	vn_autoset seen = hwloc_bitmap_alloc();

	for (size_t v = 0; v < guest->n_vnodes; v++) {
		counts[v] = vn_set_weight(guest->vnodes[v].vcpus);
		with_vcpus += counts[v] > 0;
	}
	int r = vn_guest_queues_deal(guest, n, &queues, &too_many);
	assert_int_equal(r, n < with_vcpus ? -ERANGE : 0);
	for (unsigned q = 0; q < n && r == 0; q++) {
		assert_false(hwloc_bitmap_intersects(seen, queues[q].vcpus));
		hwloc_bitmap_or(seen, seen, queues[q].vcpus);
		if (queues[q].vnode >= 0) {
			assert_true(hwloc_bitmap_isincluded(
				queues[q].vcpus, guest->vnodes[queues[q].vnode].vcpus));
			assert_false(hwloc_bitmap_iszero(queues[q].vcpus));
		} else
			assert_true(n > guest->vcpus && hwloc_bitmap_iszero(queues[q].vcpus));
		most = vn_set_weight(queues[q].vcpus) > most ? vn_set_weight(queues[q].vcpus) : most;
	}
	if (r == 0) {
		assert_int_equal(hwloc_bitmap_weight(seen), guest->vcpus);
		assert_int_equal(most, least_most(counts, guest->n_vnodes, n));
	}
	vn_guest_queues_free(queues, n);
}

static void test_all_small_guests(void **state)
{
	(void)state;
	for (unsigned length = 1; length <= 6; length++) {
		unsigned all = 1;
		for (unsigned i = 0; i < length; i++)
			all *= 3;
		for (unsigned code = 0; code < all; code++) {
			char vnodes[8] = "";
			for (unsigned i = 0, rest = code; i < length; i++, rest /= 3)
				vnodes[i] = (char)('0' + rest % 3);
			for (unsigned n = 1; n <= 8; n++)
				check_guest(vnodes, n);
		}
	}
}

/* ---- what is to be set ---- */

struct made {
	struct vn_vm_sample vm;
	struct vn_view view;
	struct vn_guest_inside inside;
};

static hwloc_bitmap_t mask(const char *text)
{
	hwloc_bitmap_t set = NULL;

	assert_int_equal(vn_mask_parse(text, &set), 0);
	return set;
}

/* A guest with one device; masks[q] is what the guest has set for queue q, of XPS and of an interrupt. */
static void make(struct made *made, const char *vnodes, unsigned n, const char *const *masks)
{
	char path[VN_GUEST_PATH];

	*made = (struct made){.vm = {.guest = guest_of(vnodes), .n_nics = 1}};
	made->vm.nics = calloc(1, sizeof(*made->vm.nics));
	made->vm.nics->n_queues = n;
	made->vm.nics->queues = calloc(n, sizeof(*made->vm.nics->queues));
	assert_int_equal(vn_view_foretell(made->vm.guest, &made->view), 0);
	made->inside.n_nodes = made->view.n_nodes;
	made->inside.nodes = calloc(made->view.n_nodes, sizeof(*made->inside.nodes));
	for (size_t i = 0; i < made->view.n_nodes; i++)
		made->inside.nodes[i] = hwloc_bitmap_dup(made->view.nodes[i].cpus);
	made->inside.nics = calloc(1, sizeof(*made->inside.nics));
	made->inside.n_nics = 1;
	made->inside.nics[0] = (struct vn_guest_nic){0, n};
	for (unsigned q = 0; q < n; q++) {
		vn_guest_xps_path("eth0", q, path);
		assert_int_equal(vn_guest_inside_add(&made->inside, path, 0, q, mask(masks[q])), 0);
		vn_guest_irq_path(30 + q, path);
		assert_int_equal(vn_guest_inside_add(&made->inside, path, 0, q, mask(masks[q])), 0);
	}
}

static void unmake(struct made *made)
{
	vn_guest_inside_clear(&made->inside);
	vn_view_clear(&made->view);
	vn_vm_sample_clear(&made->vm);
}

static void assert_set(struct made *made, size_t i, const char *path, const char *after)
{
	assert_true(i < made->inside.n_settings);
	vn_autofree char *text = vn_mask_text(made->inside.settings[i].after);
	assert_string_equal(made->inside.settings[i].path, path);
	assert_string_equal(text, after);
}

static void test_sets_and_tells_the_sample(void **state)
{
	(void)state;
	struct made made;

	make(&made, "1010", 2, (const char *[]){"3", "c"});
	assert_int_equal(vn_guest_queues_reckon(&made.vm, &made.view, &made.inside), 0);
	assert_int_equal(made.inside.notes.n, 0);
	assert_int_equal(made.inside.n_settings, 4);
	assert_set(&made, 0, "/sys/class/net/eth0/queues/tx-0/xps_cpus", "5");
	assert_set(&made, 1, "/proc/irq/30/smp_affinity", "5");
	assert_set(&made, 2, "/sys/class/net/eth0/queues/tx-1/xps_cpus", "a");
	assert_set(&made, 3, "/proc/irq/31/smp_affinity", "a");
	assert_int_equal(made.vm.nics->queues[0].vnode, 1);
	assert_int_equal(made.vm.nics->queues[1].vnode, 0);
	assert_int_equal(made.vm.nics->queues[1].n_vcpus, 0); /* no run */
	assert_true(
		vn_queue_uses(&made.vm.nics->queues[1], 3) && !vn_queue_uses(&made.vm.nics->queues[1], 2));
	unmake(&made);
}

/* What the guest has is kept if it is as good; of what is not, and of what one vCPU is in twice or not at all, nothing is. */
static void test_what_is_good_stays(void **state)
{
	(void)state;
	static const struct {
		const char *masks[4], *after[4];
	} cases[] = {
		{{"1", "2", "4", "8"}, {"1", "2", "4", "8"}},
		{{"8", "4", "2", "1"}, {"8", "4", "2", "1"}},
		{{"1", "2", "4", "4"}, {"1", "4", "2", "8"}},
		{{"1", "2", "c", "0"}, {"1", "4", "2", "8"}},
		{{"5", "2", "8", "0"}, {"1", "4", "2", "8"}},
		{{"1", "2", "4", "18"}, {"1", "4", "2", "8"}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made made;
		make(&made, "0101", 4, cases[i].masks);
		assert_int_equal(vn_guest_queues_reckon(&made.vm, &made.view, &made.inside), 0);
		for (unsigned q = 0; q < 4; q++) {
			vn_autofree char *text = vn_mask_text(made.inside.settings[q * 2 + 1].after);
			assert_string_equal(text, cases[i].after[q]);
		}
		unmake(&made);
	}
}

static void assert_left(struct made *made, const char *code)
{
	assert_int_equal(vn_guest_queues_reckon(&made->vm, &made->view, &made->inside), 0);
	assert_int_equal(made->inside.n_settings, 0);
	assert_int_equal(made->inside.notes.n, 1);
	assert_string_equal(made->inside.notes.v[0].code, code);
	assert_null(made->vm.nics->queues[0].vcpus);
	unmake(made);
}

static void assert_left_out(struct made *made, bool expected)
{
	size_t n = made->inside.notes.n;

	assert_int_equal(vn_guest_queues_reckon(&made->vm, &made->view, &made->inside), 0);
	assert_int_equal(vn_guest_queues_left_out(&made->inside), expected);
	if (n > 0)
		assert_int_equal(made->inside.notes.n, n);
	unmake(made);
}

static void test_left_alone(void **state)
{
	(void)state;
	struct made made;

	make(&made, "012", 2, (const char *[]){"1", "2"});
	assert_left(&made, "guest-queues-too-few");
	make(&made, "0000", 2, (const char *[]){"3", "c"});
	assert_left(&made, "guest-nothing-to-set");
	make(&made, "0101", 1, (const char *[]){"f"});
	made.inside.n_nics = 0;
	assert_left(&made, "guest-nothing-to-set");
	make(&made, "0101", 2, (const char *[]){"3", "c"});
	hwloc_bitmap_clr(made.inside.nodes[1], 3);
	assert_left(&made, "guest-view-differs");
	make(&made, "0101", 2, (const char *[]){"3", "c"});
	hwloc_bitmap_free(made.inside.nodes[1]);
	made.inside.nodes[1] = NULL;
	assert_left(&made, "guest-view-differs");
}

/* A device that was not found is no reason to say that there is none; and what is left out is no success. */
static void test_what_is_left_out(void **state)
{
	(void)state;
	static const char *const codes[] = {
		"guest-nic-unknown", "guest-queues-unknown", "guest-queues-too-few", "guest-irqs-left"};
	struct made made;

	make(&made, "0101", 2, (const char *[]){"3", "c"});
	made.inside.n_nics = 0;
	assert_int_equal(vn_notes_add(&made.inside.notes, "guest-nic-unknown", "x"), 0);
	assert_left_out(&made, true);
	make(&made, "0101", 2, (const char *[]){"3", "c"});
	hwloc_bitmap_clr(made.inside.nodes[1], 3);
	assert_left_out(&made, true);
	make(&made, "0000", 2, (const char *[]){"3", "c"});
	assert_left_out(&made, false);
	make(&made, "0101", 2, (const char *[]){"3", "c"});
	assert_left_out(&made, false);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		make(&made, "0101", 2, (const char *[]){"3", "c"});
		assert_int_equal(vn_notes_add(&made.inside.notes, codes[i], "x"), 0);
		assert_left_out(&made, true);
	}
}

static void test_journal_is_believed(void **state)
{
	(void)state;
	struct made made;

	make(&made, "0101", 2, (const char *[]){"3", "c"});
	for (size_t i = 0; i < made.inside.n_settings; i++)
		made.inside.settings[i].after = mask(made.inside.settings[i].queue ? "5" : "2");
	made.inside.settings[3].nic = 7; /* of a device that is gone */
	assert_int_equal(vn_guest_queues_apply(&made.vm, made.inside.settings, made.inside.n_settings), 0);
	assert_int_equal(made.vm.nics->queues[0].vnode, 1);
	assert_int_equal(made.vm.nics->queues[0].first_vcpu, 1);
	assert_int_equal(made.vm.nics->queues[0].n_vcpus, 1);
	assert_int_equal(made.vm.nics->queues[1].vnode, 0);
	unmake(&made);
}

/* ---- masks, and where the agent is ---- */

static void test_masks(void **state)
{
	(void)state;
	static const char *const same[] = {
		"0", "1", "f", "80000000", "1,00000000", "80000001,00000000,0000000f"};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		vn_autoset set = mask(same[i]);
		vn_autofree char *text = vn_mask_text(set);
		assert_string_equal(text, same[i]);
	}
	vn_autoset wide = mask("00000000,0000000F\n");
	vn_autofree char *text = vn_mask_text(wide);
	assert_string_equal(text, "f");
	hwloc_bitmap_t none = NULL;
	static const char *const bad[] = {"", "x", "-1", "123456789", "1,", ",1", "1 ", "1\n2", "1.5"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vn_mask_parse(bad[i], &none), -EINVAL);
}

static void assert_path(const char *options, const char *path, const char *why)
{
	vn_autofree char *text = vn_format("qemu-system-x86_64 -m 1G %s", options), *seen = NULL;
	const char *reason = "";
	int r = vn_agent_path_parse(text, strlen(text), "x", &seen, &reason);

	assert_int_equal(r, path ? 0 : -ENOENT);
	if (path)
		assert_string_equal(seen, path);
	else if (!strstr(reason, why))
		fail_msg("'%s' is not in '%s'", why, reason);
}

#define PORT " -device virtserialport,chardev=g,name=org.qemu.guest_agent.0 "

static void test_where_the_agent_is(void **state)
{
	(void)state;
	assert_path(PORT "-chardev socket,id=g,path=/a,server=on,wait=off", "/a", NULL);
	assert_path("-chardev socket,id=g,path=/a,server,nowait" PORT, "/a", NULL);
	assert_path("-chardev socket,id=o,path=/b,server=on -chardev socket,id=g,path=x/y,server=on" PORT,
		"x/y", NULL);
	assert_path("'{\"a\":1}'", NULL, "no port for a guest agent");
	assert_path(
		"-chardev socket,id=g,path=/a,server=on -device virtserialport,chardev=g,name=com.redhat.spice.0",
		NULL, "no port for a guest agent");
	assert_path("-chardev socket,id=h,path=/a,server=on" PORT, NULL, "is not on its command line");
	assert_path("-chardev socket,id=g,fd=35,server=on,wait=off" PORT, NULL, "as libvirt does");
	assert_path("-chardev socket,id=g,path=/a" PORT, NULL, "does not listen");
	assert_path("-chardev socket,id=g,host=::1,port=5,server=on" PORT, NULL, "does not listen");
	assert_path("-chardev pty,id=g" PORT, NULL, "not joined to a socket");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dealt_by_vnodes),
		cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_all_small_guests),
		cmocka_unit_test(test_sets_and_tells_the_sample),
		cmocka_unit_test(test_what_is_good_stays),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_what_is_left_out),
		cmocka_unit_test(test_journal_is_believed),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_where_the_agent_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
