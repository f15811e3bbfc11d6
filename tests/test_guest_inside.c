/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest says of its queues is read, set and set back through an agent that a child process plays, with files of its own. It keeps
 * them in memory that it shares with the test, so that what is set can be seen, and changed behind vnuma's back.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../src/base/process.h"
#include "../src/base/text.h"
#include "../src/model/host.h"
#include "../src/guest/guest_qemu.h"
#include "../src/observe/guest_inside.h"
#include "../src/qga/reply.h"
#include "../src/realize/journal.h"
#include "../src/realize/move_guest.h"
#include "../src/realize/move_pin.h"

#define MAX_FILES 24
#define MAC0 "52:54:00:aa:bb:01"
#define MAC1 "52:54:00:aa:bb:02"
#define TX(q) "/sys/class/net/eth0/queues/tx-" #q "/xps_cpus"
#define IRQ(n) "/proc/irq/" #n "/smp_affinity"

struct file {
	char path[96], text[512];
	bool refuses; /* to be written */
};

/* Shared with the child. */
struct agent {
	size_t n;
	struct file files[MAX_FILES];
	char interfaces[512];
	unsigned written;
	unsigned leaves_at; /* it ends at the next file when so many were written; 0: never */
	bool opens_none;
};

/* ---- the agent ---- */

static json_t *failed(const char *why)
{
	return json_pack("{s:{s:s, s:s}}", "error", "class", "GenericError", "desc", why);
}

static json_t *returned(json_t *value)
{
	return json_pack("{s:o}", "return", value);
}

/* Handles are 100 and more; what was written goes into the file as it is, as sysfs takes it. */
static json_t *answer(struct agent *agent, const char *command, const json_t *arguments)
{
	json_int_t handle = json_integer_value(json_object_get(arguments, "handle"));
	struct file *file =
		handle >= 100 && handle - 100 < (json_int_t)agent->n ? &agent->files[handle - 100] : NULL;

	if (strcmp(command, "guest-info") == 0) {
		static const char *const names[] = {"guest-file-open", "guest-file-read", "guest-file-write",
			"guest-file-close", "guest-network-get-interfaces"};
		json_t *list = json_array();
		for (size_t i = 0; i < 5; i++)
			json_array_append_new(list, json_pack("{s:s, s:b}", "name", names[i], "enabled", 1));
		return returned(json_pack("{s:o}", "supported_commands", list));
	}
	if (strcmp(command, "guest-network-get-interfaces") == 0)
		return returned(json_loads(agent->interfaces, 0, NULL));
	if (strcmp(command, "guest-file-open") == 0) {
		if (agent->leaves_at > 0 && agent->written >= agent->leaves_at)
			_exit(0);
		const char *path = json_string_value(json_object_get(arguments, "path"));
		for (size_t i = 0; i < agent->n; i++) {
			if (!agent->opens_none && strcmp(agent->files[i].path, path) == 0)
				return returned(json_integer(100 + (json_int_t)i));
		}
		return failed("failed to open file: No such file or directory");
	}
	if (strcmp(command, "guest-file-read") == 0 && file) {
		vn_autofree char *code = vn_qga_base64(file->text, strlen(file->text));
		return returned(json_pack(
			"{s:i, s:s, s:b}", "count", (int)strlen(file->text), "buf-b64", code, "eof", 1));
	}
	if (strcmp(command, "guest-file-write") == 0 && file) {
		json_auto_t *chunk = json_pack("{s:O, s:i, s:b}", "buf-b64",
			json_object_get(arguments, "buf-b64"), "count", 0, "eof", 1);
		unsigned char bytes[sizeof(file->text)] = "";
		size_t n = 0;
		bool end;
		for (int count = 0; count < 64; count++) { /* the length is in nothing that we are sent */
			json_object_set_new(chunk, "count", json_integer(count));
			if (vn_qga_chunk(chunk, sizeof(bytes) - 1, bytes, &n, &end) == 0)
				break;
		}
		if (!file->refuses)
			snprintf(file->text, sizeof(file->text), "%.*s\n", (int)n, (char *)bytes);
		agent->written++;
		return returned(json_pack("{s:i, s:b}", "count", (int)n, "eof", 0));
	}
	if (strcmp(command, "guest-file-close") == 0 && file)
		return file->refuses && agent->written ? failed("Invalid argument") : returned(json_object());
	return failed("what?");
}

static void serve(int fd, struct agent *agent)
{
	FILE *in = fdopen(fd, "r+");
	char *line = NULL;
	size_t room = 0;

	setvbuf(in, NULL, _IONBF, 0);
	while (getline(&line, &room, in) > 0) {
		json_auto_t *asked = json_loads(line + (line[0] == '\xff'), 0, NULL);
		const char *command = json_string_value(json_object_get(asked, "execute"));
		const json_t *arguments = json_object_get(asked, "arguments");
		if (strcmp(command, "guest-sync-delimited") == 0) {
			fprintf(in, "\xff{\"return\": %lld}\n",
				(long long)json_integer_value(json_object_get(arguments, "id")));
			continue;
		}
		json_auto_t *reply = answer(agent, command, arguments);
		vn_autofree char *text = json_dumps(reply, JSON_COMPACT);
		fprintf(in, "%s\n", text);
	}
	_exit(0);
}

struct guest {
	struct agent *agent;
	pid_t pid;
	struct vn_qga *qga;
	struct vn_vm_sample vm;
};

static void put(struct guest *guest, const char *path, const char *text)
{
	struct agent *agent = guest->agent;
	struct file *file = NULL;

	for (size_t i = 0; i < agent->n; i++)
		file = strcmp(agent->files[i].path, path) == 0 ? &agent->files[i] : file;
	if (!file) {
		assert_true(agent->n < MAX_FILES);
		file = &agent->files[agent->n++];
	}
	snprintf(file->path, sizeof(file->path), "%s", path);
	snprintf(file->text, sizeof(file->text), "%s\n", text);
}

static const char *get(const struct guest *guest, const char *path)
{
	for (size_t i = 0; i < guest->agent->n; i++) {
		if (strcmp(guest->agent->files[i].path, path) == 0)
			return guest->agent->files[i].text;
	}
	return "(none)";
}

static void connect_agent(struct guest *guest)
{
	vn_autoerror err = {0};
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	guest->pid = fork();
	if (guest->pid == 0) {
		close(fds[0]);
		serve(fds[1], guest->agent);
	}
	close(fds[1]);
	assert_int_equal(vn_qga_attach(fds[0], "fake", 5000, -1, &guest->qga, &err), 0);
}

static void disconnect_agent(struct guest *guest)
{
	vn_qga_free(guest->qga);
	guest->qga = NULL;
	kill(guest->pid, SIGKILL);
	waitpid(guest->pid, NULL, 0);
}

/* Two devices, of which the first has two queues; vCPUs of two vnodes in turn. */
static void start(struct guest *guest)
{
	static const char command[] =
		"qemu-system-x86_64 -m 512 -smp 4,sockets=4 -object memory-backend-ram,id=a,size=256M "
		"-object memory-backend-ram,id=b,size=256M -numa node,nodeid=0,cpus=1,cpus=3,memdev=a "
		"-numa node,nodeid=1,cpus=0,cpus=2,memdev=b -netdev tap,id=n,ifname=t,queues=2,vhost=on "
		"-device virtio-net-pci,netdev=n,mq=on,mac=" MAC0 " -netdev tap,id=m,ifname=u "
		"-device virtio-net-pci,netdev=m,mac=" MAC1;
	vn_autoerror err = {0};

	*guest = (struct guest){.agent = mmap(NULL, sizeof(*guest->agent), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
	assert_ptr_not_equal(guest->agent, MAP_FAILED);
	snprintf(guest->agent->interfaces, sizeof(guest->agent->interfaces), "%s",
		"[{\"name\": \"eth0\", \"hardware-address\": \"" MAC0
		"\"}, {\"name\": \"eth1\", \"hardware-address\": \"" MAC1 "\"}]");
	put(guest, "/sys/devices/system/node/node0/cpulist", "0,2");
	put(guest, "/sys/devices/system/node/node1/cpulist", "1,3");
	put(guest, "/proc/interrupts",
		"  27:  0 x virtio1-input.0\n  28:  0 x virtio1-output.0\n"
		"  29:  0 x virtio1-input.1\n  30:  0 x virtio1-output.1\n  31:  0 x virtio0-input.0");
	put(guest, "/sys/bus/virtio/devices/virtio1/net/eth0/address", MAC0);
	put(guest, TX(0), "00000000,00000003");
	put(guest, TX(1), "c");
	put(guest, IRQ(27), "3");
	put(guest, IRQ(28), "3");
	put(guest, IRQ(29), "c");
	put(guest, IRQ(30), "f");
	put(guest, "/proc/version", "Linux version 6.12");
	connect_agent(guest);
	assert_int_equal(vn_guest_from_qemu(command, strlen(command), "x", &guest->vm.guest, &err), 0);
	guest->vm.n_nics = 2;
	guest->vm.nics = calloc(2, sizeof(*guest->vm.nics));
	for (size_t i = 0; i < 2; i++) {
		guest->vm.nics[i].n_queues = i ? 1 : 2;
		guest->vm.nics[i].queues = calloc(2, sizeof(*guest->vm.nics[i].queues));
	}
}

static void end(struct guest *guest)
{
	disconnect_agent(guest);
	vn_vm_sample_clear(&guest->vm);
	munmap(guest->agent, sizeof(*guest->agent));
}

/* ---- reading ---- */

static void look(struct guest *guest, struct vn_guest_inside *ret)
{
	vn_autoerror err = {0};

	if (vn_guest_inside_read(guest->qga, &guest->vm, ret, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	assert_int_equal(err.n, 0);
	assert_int_equal(guest->agent->written, 0);
}

static void assert_setting(
	const struct vn_guest_inside *inside, size_t i, const char *path, const char *before)
{
	assert_true(i < inside->n_settings);
	vn_autofree char *text = vn_set_text(inside->settings[i].before);
	assert_string_equal(inside->settings[i].path, path);
	assert_string_equal(text, before);
}

static void test_reads_all(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoinside inside = {0};

	start(&guest);
	look(&guest, &inside);
	assert_int_equal(inside.notes.n, 0);
	assert_int_equal(inside.n_nodes, 2);
	assert_true(hwloc_bitmap_isset(inside.nodes[1], 3));
	assert_int_equal(inside.n_nics, 1);
	assert_int_equal(inside.nics[0].n_queues, 2);
	assert_int_equal(inside.n_settings, 6);
	assert_setting(&inside, 0, TX(0), "0-1");
	assert_setting(&inside, 1, TX(1), "2-3");
	assert_setting(&inside, 2, IRQ(27), "0-1");
	assert_setting(&inside, 5, IRQ(30), "0-3");
	assert_int_equal(inside.settings[5].queue, 1);
	end(&guest);
}

/* What cannot be known is told, once each, and nothing is made of it. */
static void assert_noted(struct guest *guest, const char *code, size_t n_settings)
{
	vn_autoinside inside = {0};

	look(guest, &inside);
	assert_int_equal(inside.n_settings, n_settings);
	assert_int_equal(inside.notes.n, 1);
	assert_string_equal(inside.notes.v[0].code, code);
	end(guest);
}

static void test_tells_what_it_cannot_read(void **state)
{
	(void)state;
	struct guest guest;

	start(&guest);
	snprintf(guest.agent->interfaces, sizeof(guest.agent->interfaces),
		"[{\"name\": \"eth0\", \"hardware-address\": \"" MAC0
		"\"}, {\"name\": \"br0\", \"hardware-address\": \"" MAC0 "\"}]");
	put(&guest, "/sys/bus/virtio/devices/virtio0/net/br0/address", MAC0); /* so both are a device's own */
	assert_noted(&guest, "guest-nic-unknown", 0);
	start(&guest);
	snprintf(guest.agent->interfaces, sizeof(guest.agent->interfaces), "[]");
	assert_noted(&guest, "guest-nic-unknown", 0);
	start(&guest);
	guest.vm.guest->vifs[0].mac[0] = '\0';
	assert_noted(&guest, "guest-nic-unknown", 0);
	start(&guest);
	put(&guest, TX(0), "not a mask");
	assert_noted(&guest, "guest-queues-unknown", 0);
	start(&guest);
	put(&guest, IRQ(30),
		"1,00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,"
		"00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,"
		"00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,"
		"00000000,00000000"); /* CPU 1024 */
	assert_noted(&guest, "guest-irqs-left", 5);
	start(&guest);
	put(&guest, "/proc/interrupts", "1: virtio1-input.0\n1: virtio1-input.1");
	assert_noted(&guest, "guest-irqs-left", 2);
}

/* A bridge has the address of a device in it; it is no virtio device's. */
static void test_finds_the_device_among_several(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoinside inside = {0};

	start(&guest);
	snprintf(guest.agent->interfaces, sizeof(guest.agent->interfaces),
		"[{\"name\": \"br0\", \"hardware-address\": \"" MAC0
		"\"}, {\"name\": \"eth0\", \"hardware-address\": \"" MAC0 "\"}]");
	look(&guest, &inside);
	assert_int_equal(inside.notes.n, 0);
	assert_int_equal(inside.n_settings, 6);
	assert_setting(&inside, 0, TX(0), "0-1");
	end(&guest);
}

/* Each file belongs to one queue, whatever the guest says: a journal has no path twice. */
static void test_no_file_twice(void **state)
{
	(void)state;
	struct guest guest;

	start(&guest);
	guest.vm.nics[1].n_queues = 2;
	snprintf(guest.agent->interfaces, sizeof(guest.agent->interfaces),
		"[{\"name\": \"eth0\", \"hardware-address\": \"" MAC0
		"\"}, {\"name\": \"eth0\", \"hardware-address\": \"" MAC1 "\"}]");
	assert_noted(&guest, "guest-nic-unknown", 6);
	start(&guest);
	guest.vm.nics[1].n_queues = 2;
	put(&guest, "/sys/class/net/eth1/queues/tx-0/xps_cpus", "3");
	put(&guest, "/sys/class/net/eth1/queues/tx-1/xps_cpus", "c");
	put(&guest, "/sys/bus/virtio/devices/virtio1/net/eth1/address", MAC1);
	assert_noted(&guest, "guest-irqs-left", 8);
}

/* ---- setting ---- */

static struct vn_move *move_of(struct guest *guest)
{
	vn_autoinside inside = {0};
	struct vn_move *move = vn_move_new();

	look(guest, &inside);
	for (size_t i = 0; i < inside.n_settings; i++) {
		inside.settings[i].after = hwloc_bitmap_alloc();
		hwloc_bitmap_set(inside.settings[i].after, inside.settings[i].queue);
		hwloc_bitmap_set(inside.settings[i].after, inside.settings[i].queue + 2);
	}
	move->guest_settings = vn_steal(inside.settings);
	move->n_guest_settings = inside.n_settings;
	inside.n_settings = 0;
	return move;
}

static void test_sets_and_sets_back(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoerror err = {0};
	size_t left = 9;

	start(&guest);
	vn_automove *move = move_of(&guest);
	assert_int_equal(vn_move_guest_set(guest.qga, move, &err), 0);
	assert_string_equal(get(&guest, TX(0)), "5\n");
	assert_string_equal(get(&guest, TX(1)), "a\n");
	assert_string_equal(get(&guest, IRQ(30)), "a\n");
	put(&guest, IRQ(27), "8"); /* by irqbalance, say */
	put(&guest, IRQ(28), "3"); /* as before already */
	assert_int_equal(vn_move_guest_back(guest.qga, move, &left, &err), 0);
	assert_int_equal(left, 0);
	assert_string_equal(get(&guest, TX(0)), "3\n");
	assert_string_equal(get(&guest, IRQ(30)), "f\n");
	assert_string_equal(get(&guest, IRQ(27)), "8\n");
	assert_int_equal(move->notes.n, 1);
	assert_string_equal(move->notes.v[0].code, "guest-changed");
	assert_non_null(strstr(move->notes.v[0].text, "1 of 6 settings"));
	assert_int_equal(err.n, 0);
	end(&guest);
}

static void test_what_is_refused(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoerror err = {0}, ignored = {0};
	size_t left = 0;

	start(&guest);
	vn_automove *move = move_of(&guest);
	guest.agent->files[6].refuses = true;
	assert_string_equal(guest.agent->files[6].path, IRQ(27));
	assert_true(vn_move_guest_set(guest.qga, move, &err) < 0);
	assert_non_null(
		strstr(err.problems[0].text, "/proc/irq/27/smp_affinity inside the guest cannot be set"));
	assert_string_equal(get(&guest, TX(1)), "a\n"); /* queues come first */
	assert_int_equal(vn_move_guest_back(guest.qga, move, &left, &ignored), 0);
	assert_string_equal(get(&guest, TX(1)), "c\n");
	assert_int_equal(vn_move_guest_back(NULL, move, &left, &ignored), 0);
	assert_int_equal(left, 6);
	assert_int_equal(move->notes.n, 1);
	assert_string_equal(move->notes.v[0].code, "guest-left");
	kill(guest.pid, SIGKILL);
	assert_int_equal(vn_move_guest_back(guest.qga, move, &left, &ignored), 0);
	assert_int_equal(left, 6);
	end(&guest);
}

/* An agent out of descriptors, say, refuses each file, and by that tells nothing of what has become of it. */
static void test_an_agent_that_opens_none(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoerror err = {0};
	size_t left = 0;

	start(&guest);
	vn_automove *move = move_of(&guest);
	assert_int_equal(vn_move_guest_set(guest.qga, move, &err), 0);
	guest.agent->opens_none = true;
	assert_true(vn_move_guest_set_later(guest.qga, move, &err) < 0);
	assert_int_equal(vn_move_guest_back(guest.qga, move, &left, &err), 0);
	assert_int_equal(left, 6);
	assert_int_equal(move->notes.n, 1);
	assert_string_equal(move->notes.v[0].code, "guest-left");
	assert_non_null(strstr(move->notes.v[0].text, "No such file")); /* the agent's words */
	guest.agent->opens_none = false;
	assert_int_equal(vn_move_guest_back(guest.qga, move, &left, &err), 0);
	assert_int_equal(left, 0);
	assert_string_equal(get(&guest, TX(1)), "c\n");
	end(&guest);
}

/* What was before the first of two moves is what both go back to, unless the guest has lost what was set. */
static void test_second_move_keeps_the_first(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoerror err = {0};

	start(&guest);
	vn_automove *first = move_of(&guest);
	assert_int_equal(vn_move_guest_set(guest.qga, first, &err), 0);
	guest.agent->written = 0;
	put(&guest, IRQ(27), "f");
	vn_automove *second = move_of(&guest);
	vn_guest_setting_clear(&second->guest_settings[5]); /* that one it leaves alone */
	second->n_guest_settings = 5;
	assert_int_equal(vn_move_guest_keep(second, first, &err), 0);
	assert_int_equal(second->n_guest_settings, 6);
	vn_autofree char *queue = vn_set_text(second->guest_settings[0].before),
			 *lost = vn_set_text(second->guest_settings[2].before),
			 *kept = vn_set_text(second->guest_settings[5].before);
	assert_string_equal(queue, "0-1");
	assert_string_equal(lost, "0-3");
	assert_string_equal(kept, "0-3");
	end(&guest);
}

/* The guest boots anew: what was interrupt 27 is 37, and 27 is a disk's; of 28 there is none. */
static void boot(struct guest *guest)
{
	put(guest, TX(0), "3");
	put(guest, TX(1), "c");
	put(guest, "/proc/interrupts",
		"  27:  0 x virtio0-req.0\n  37:  0 x virtio1-input.0\n  38:  0 x virtio1-output.0\n"
		"  39:  0 x virtio1-input.1\n  40:  0 x virtio1-output.1");
	put(guest, IRQ(37), "3");
	put(guest, IRQ(38), "3");
	put(guest, IRQ(39), "c");
	put(guest, IRQ(40), "c");
	put(guest, IRQ(27), "8");
	put(guest, IRQ(29), "8");
	put(guest, IRQ(30), "8");
	for (size_t i = 0; i < guest->agent->n; i++) {
		if (strcmp(guest->agent->files[i].path, IRQ(28)) == 0)
			snprintf(guest->agent->files[i].path, sizeof(guest->agent->files[i].path), "/none");
	}
	guest->agent->written = 0;
}

/* What only the first move has set is not set again by a second one, nor by one that goes on; undo then has nothing left there. */
/* Another move, which puts all on one CPU. */
static struct vn_move *move_to(struct guest *guest, unsigned cpu)
{
	guest->agent->written = 0;
	struct vn_move *move = move_of(guest);
	for (size_t i = 0; i < move->n_guest_settings; i++)
		hwloc_bitmap_only(move->guest_settings[i].after, cpu);
	return move;
}

/* Killed with its journal written and nothing set: the guest has what the first move set, and that is to go back, or further. */
static void test_second_move_that_set_nothing(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoerror err = {0};
	size_t left = 9;

	start(&guest);
	vn_automove *first = move_of(&guest);
	assert_int_equal(vn_move_guest_set(guest.qga, first, &err), 0);
	vn_automove *second = move_to(&guest, 1), *third = move_to(&guest, 2), *fails = move_to(&guest, 1);
	assert_int_equal(vn_move_guest_keep(second, first, &err), 0);
	assert_int_equal(vn_move_guest_keep(third, second, &err), 0);
	assert_int_equal(vn_move_guest_keep(fails, first, &err), 0);
	assert_int_equal(vn_move_guest_set_later(guest.qga, second, &err), 0);
	assert_string_equal(get(&guest, TX(0)), "2\n");
	assert_int_equal(vn_move_guest_present(fails, fails, &err), 0);
	assert_int_equal(vn_move_guest_back(guest.qga, fails, &left, &err), 0);
	assert_string_equal(get(&guest, TX(0)), "5\n");
	assert_int_equal(vn_move_guest_back(guest.qga, third, &left, &err), 0);
	assert_int_equal(left, 0);
	assert_string_equal(get(&guest, TX(0)), "3\n");
	assert_string_equal(get(&guest, IRQ(30)), "f\n");
	assert_int_equal(third->notes.n, 0);
	assert_int_equal(err.n, 0);
	end(&guest);
}

/* As above, and then a move without --guest: it sets nothing there, fails or not, and undo still knows what the first has set. */
static void test_third_move_without_the_guest(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoerror err = {0};
	size_t left = 9;

	start(&guest);
	vn_automove *first = move_of(&guest);
	assert_int_equal(vn_move_guest_set(guest.qga, first, &err), 0);
	vn_automove *second = move_to(&guest, 1), *third = vn_move_new(), *fails = vn_move_new();
	assert_int_equal(vn_move_guest_keep(second, first, &err), 0);
	assert_int_equal(vn_move_guest_keep(third, second, &err), 0);
	assert_int_equal(vn_move_guest_keep(fails, second, &err), 0);
	assert_int_equal(vn_move_guest_present(fails, third, &err), 0);
	assert_int_equal(vn_move_guest_set(guest.qga, third, &err), 0);
	assert_int_equal(vn_move_guest_back(guest.qga, fails, &left, &err), 0);
	assert_int_equal(guest.agent->written, 0);
	assert_int_equal(vn_move_guest_back(guest.qga, third, &left, &err), 0);
	assert_int_equal(left, 0);
	assert_string_equal(get(&guest, TX(0)), "3\n");
	assert_string_equal(get(&guest, IRQ(30)), "f\n");
	assert_int_equal(third->notes.n + fails->notes.n, 0);
	end(&guest);
}

static void test_what_another_boot_has_is_left(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoerror err = {0};
	size_t left = 9;

	start(&guest);
	vn_automove *first = move_of(&guest);
	assert_int_equal(vn_move_guest_set(guest.qga, first, &err), 0);
	boot(&guest);
	vn_automove *second = move_of(&guest);
	assert_int_equal(vn_move_guest_keep(second, first, &err), 0);
	assert_int_equal(second->n_guest_settings, 10);
	assert_int_equal(vn_move_guest_set(guest.qga, second, &err), 0);
	assert_string_equal(get(&guest, IRQ(37)), "5\n");
	assert_string_equal(get(&guest, IRQ(27)), "8\n");
	boot(&guest);
	assert_int_equal(vn_move_guest_set_later(guest.qga, first, &err), 0);
	assert_string_equal(get(&guest, TX(0)), "5\n");
	assert_string_equal(get(&guest, IRQ(27)), "8\n");
	assert_int_equal(first->notes.n, 1);
	assert_non_null(strstr(first->notes.v[0].text, "4 of 6 settings"));
	assert_int_equal(vn_move_guest_back(guest.qga, first, &left, &err), 0);
	assert_int_equal(left, 0);
	assert_string_equal(get(&guest, TX(0)), "3\n");
	assert_int_equal(first->notes.n, 1);
	assert_non_null(strstr(first->notes.v[0].text, "4 of 6 settings"));
	assert_int_equal(err.n, 0);
	end(&guest);
}

/* What is as it shall be is on record, but neither written nor, of an agent that is silent, left. */
static void test_what_is_right_is_not_written(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoerror err = {0};
	size_t left = 9;

	start(&guest);
	put(&guest, TX(0), "5");
	put(&guest, IRQ(27), "5");
	vn_automove *move = move_of(&guest);
	assert_int_equal(vn_move_guest_keep(move, NULL, &err), 0);
	assert_int_equal(vn_move_guest_set(guest.qga, move, &err), 0);
	assert_int_equal(guest.agent->written, 4);
	assert_true(vn_move_guest_changes(move));
	kill(guest.pid, SIGKILL);
	assert_int_equal(vn_move_guest_back(guest.qga, move, &left, &err), 0);
	assert_int_equal(left, 4);
	assert_non_null(strstr(move->notes.v[0].text, "4 of 4 settings inside"));
	assert_non_null(strstr(move->notes.v[0].text, TX(1) " first: "));
	for (size_t i = 0; i < move->n_guest_settings; i++)
		hwloc_bitmap_copy(move->guest_settings[i].before, move->guest_settings[i].after);
	assert_false(vn_move_guest_changes(move));
	end(&guest);
}

/* The other way round: what is set now goes on the record of what was set before. */
static void test_joins_what_is_on_record(void **state)
{
	(void)state;
	struct guest guest;
	vn_autoerror err = {0};

	start(&guest);
	vn_automove *first = move_of(&guest);
	assert_int_equal(vn_move_guest_set(guest.qga, first, &err), 0);
	guest.agent->written = 0;
	put(&guest, IRQ(27), "f");
	vn_automove *second = move_of(&guest);
	vn_guest_setting_clear(&first->guest_settings[5]); /* that one is new */
	first->n_guest_settings = 5;
	hwloc_bitmap_only(second->guest_settings[0].after, 3);
	assert_int_equal(vn_move_guest_join(first, second), 0);
	assert_int_equal(first->n_guest_settings, 6);
	vn_autofree char *queue = vn_set_text(first->guest_settings[0].before),
			 *other = vn_set_text(first->guest_settings[0].after),
			 *lost = vn_set_text(first->guest_settings[2].before),
			 *added = vn_set_text(first->guest_settings[5].before);
	assert_string_equal(queue, "0-1");
	assert_string_equal(other, "3");
	assert_string_equal(lost, "0-3");
	assert_string_equal(added, "1,3");
	end(&guest);
}

/* ---- a move that fails ---- */

/* A process in the VM's place, and a directory for journals. */
struct scene {
	struct guest guest;
	char directory[64];
	struct vn_state state;
	struct vn_host host;
	struct vn_process process;
};

static void begin_scene(struct scene *scene)
{
	*scene = (struct scene){
		.directory = "/tmp/vnuma-inside.XXXXXX", .state = {.fd = -1}, .host = {.live = true}};
	assert_non_null(mkdtemp(scene->directory));
	assert_int_equal(vn_state_open_at(scene->directory, &scene->state, NULL), 0);
	scene->process.pid = fork();
	if (scene->process.pid == 0) {
		for (;;)
			pause();
	}
	assert_int_equal(vn_process_start_time(scene->process.pid, &scene->process.start_time), 0);
	start(&scene->guest);
}

static void end_scene(struct scene *scene)
{
	vn_autofree char *command = vn_format("rm -rf '%s'", scene->directory);

	end(&scene->guest);
	kill(scene->process.pid, SIGKILL);
	waitpid(scene->process.pid, NULL, 0);
	vn_state_close(&scene->state);
	assert_int_equal(system(command), 0);
}

static struct vn_move *move_in(struct scene *scene)
{
	scene->guest.agent->written = 0;
	struct vn_move *move = move_of(&scene->guest);

	snprintf(move->name, sizeof(move->name), "vm");
	move->process = scene->process;
	move->threads = true;
	move->limits.stall_us = 5000;
	return move;
}

static struct vn_qga *connect_again(void *context)
{
	struct guest *guest = context;

	disconnect_agent(guest);
	guest->agent->leaves_at = 0;
	connect_agent(guest);
	return guest->qga;
}

static int inside_again(void *context, struct vn_move *move, struct vn_qga **ret_agent, struct vn_error *err)
{
	(void)move;
	(void)err;
	*ret_agent = connect_again(context);
	return 0;
}

static void undo_in(struct scene *scene)
{
	struct vn_move_watcher watcher = {.stop_fd = -1, .inside = inside_again, .context = &scene->guest};
	vn_automove *move = NULL;
	vn_autoerror err = {0};

	if (vn_move_undo(&scene->state, &scene->host, &scene->process, true, &watcher, &move, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	assert_false(vn_journal_exists(&scene->state, &scene->process));
	assert_string_equal(get(&scene->guest, TX(0)), "3\n");
	assert_string_equal(get(&scene->guest, TX(1)), "c\n");
}

typedef int run_move(const struct vn_state *, const struct vn_host *, struct vn_move *,
	const struct vn_move_watcher *, struct vn_error *);

/* Its agent leaves after two settings of six. */
static void run_it(struct scene *scene, run_move *run, bool again, size_t problems)
{
	vn_automove *move = move_in(scene);
	vn_autoerror err = {0};
	struct vn_move_watcher watcher = {.stop_fd = -1,
		.agent = scene->guest.qga,
		.again = again ? connect_again : NULL,
		.context = &scene->guest};

	scene->guest.agent->leaves_at = 2;
	assert_true(run(&scene->state, &scene->host, move, &watcher, &err) < 0);
	assert_int_equal(err.n, problems);
	if (problems > 1)
		assert_non_null(strstr(err.problems[1].text, "expected 'vnuma undo' when its agent answers"));
}

static void test_what_is_left_stays_on_record(void **state)
{
	(void)state;
	static run_move *const runs[] = {vn_move_pin, vn_move_run};

	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		vn_automove *record = NULL;
		begin_scene(&scene);
		run_it(&scene, runs[i], false, 2);
		assert_string_equal(get(&scene.guest, TX(0)), "5\n");
		assert_int_equal(vn_journal_read(&scene.state, &scene.process, &record, NULL), 0);
		assert_int_equal(record->phase, VN_MOVE_UNDOING);
		assert_int_equal(record->n_guest_settings, 6);
		assert_int_equal(record->n_threads, 0);
		undo_in(&scene);
		end_scene(&scene);
	}
}

static void test_connects_anew_to_take_back(void **state)
{
	(void)state;
	static run_move *const runs[] = {vn_move_pin, vn_move_run};

	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		begin_scene(&scene);
		run_it(&scene, runs[i], true, 1);
		assert_string_equal(get(&scene.guest, TX(0)), "3\n");
		assert_string_equal(get(&scene.guest, TX(1)), "c\n");
		assert_false(vn_journal_exists(&scene.state, &scene.process));
		end_scene(&scene);
	}
}

/* On the record of an earlier move, of which another queue was set. */
static void test_what_is_left_joins_the_first(void **state)
{
	(void)state;
	static run_move *const runs[] = {vn_move_pin, vn_move_run};

	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		vn_automove *record = NULL;
		vn_autoerror err = {0};
		begin_scene(&scene);
		struct vn_move_watcher watcher = {.stop_fd = -1, .agent = scene.guest.qga};
		vn_automove *first = move_in(&scene);
		for (size_t k = 1; k < first->n_guest_settings; k++)
			vn_guest_setting_clear(&first->guest_settings[k]);
		first->n_guest_settings = 1;
		hwloc_bitmap_only(first->guest_settings[0].after, 1);
		assert_int_equal(vn_move_pin(&scene.state, &scene.host, first, &watcher, &err), 0);
		assert_string_equal(get(&scene.guest, TX(0)), "2\n");
		run_it(&scene, runs[i], false, 2);
		assert_int_equal(vn_journal_read(&scene.state, &scene.process, &record, NULL), 0);
		assert_int_equal(record->phase, VN_MOVE_DONE);
		assert_int_equal(record->n_guest_settings, 6);
		assert_true(hwloc_bitmap_isset(record->guest_settings[0].after, 2));
		undo_in(&scene);
		end_scene(&scene);
	}
}

static void count(void *context)
{
	++*(unsigned *)context;
}

static int told(void *context, const struct vn_move *move, const char *step)
{
	(void)move;
	if (step && strcmp(step, "memory") == 0)
		assert_int_equal(*(unsigned *)context, 1);
	return 0;
}

/* Others want the agent while memory moves. */
static void test_leaves_before_memory(void **state)
{
	(void)state;
	struct scene scene;
	vn_autoerror err = {0};
	unsigned left = 0;

	begin_scene(&scene);
	vn_automove *move = move_in(&scene);
	move->memory = true;
	move->n_homes = 1;
	move->homes = calloc(1, sizeof(*move->homes));
	struct vn_move_watcher watcher = {
		.stop_fd = -1, .agent = scene.guest.qga, .told = told, .leave = count, .context = &left};
	if (vn_move_run(&scene.state, &scene.host, move, &watcher, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	assert_int_equal(left, 1);
	end_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_all),
		cmocka_unit_test(test_tells_what_it_cannot_read),
		cmocka_unit_test(test_finds_the_device_among_several),
		cmocka_unit_test(test_no_file_twice),
		cmocka_unit_test(test_sets_and_sets_back),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_an_agent_that_opens_none),
		cmocka_unit_test(test_second_move_keeps_the_first),
		cmocka_unit_test(test_second_move_that_set_nothing),
		cmocka_unit_test(test_third_move_without_the_guest),
		cmocka_unit_test(test_what_another_boot_has_is_left),
		cmocka_unit_test(test_what_is_right_is_not_written),
		cmocka_unit_test(test_joins_what_is_on_record),
		cmocka_unit_test(test_what_is_left_stays_on_record),
		cmocka_unit_test(test_connects_anew_to_take_back),
		cmocka_unit_test(test_what_is_left_joins_the_first),
		cmocka_unit_test(test_leaves_before_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
