/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose monitor is asked, and what is made of the answers: of a real QEMU, and of children that answer nonsense or nothing. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "live_qemu.h"
#include "../src/base/clock.h"
#include "../src/observe/blocks.h"
#include "../src/observe/monitor_places.h"
#include "../src/observe/monitor_round.h"
#include "../src/observe/monitor_socket.h"
#include "../src/observe/told_blocks.h"

/* ---- where ---- */

static void assert_path(const char *line, const char *path)
{
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {.guest = vn_guest_new()};
	vn_autoplaces places = {0};

	assert_int_equal(vn_guest_set_text(vm.guest, VN_FORM_QEMU, line, strlen(line)), 0);
	assert_int_equal(vn_monitor_places_read(&vm, &places), 0);
	assert_int_equal(places.n, path != NULL);
	if (path)
		assert_string_equal(places.v[0].path, path);
}

/* Whether QEMU may hold back its machine until a client comes to this monitor. */
static void assert_waits(const char *line, bool waits)
{
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {.guest = vn_guest_new()};
	vn_autoplaces places = {0};

	assert_int_equal(vn_guest_set_text(vm.guest, VN_FORM_QEMU, line, strlen(line)), 0);
	assert_int_equal(vn_monitor_places_read(&vm, &places), 0);
	assert_int_equal(places.n, 1);
	assert_int_equal(places.v[0].may_wait, waits);
}

static void test_who_waits(void **state)
{
	(void)state;
	assert_waits("qemu -qmp unix:/run/a,server=on,wait=off", false);
	assert_waits("qemu -qmp unix:/run/a,server,nowait", false);
	assert_waits("qemu -qmp unix:/run/a,server=on", true);
	assert_waits("qemu -qmp unix:/run/a,server=on,wait=on", true);
	assert_waits("qemu -qmp unix:/run/a,server=on,wait=off,wait=on", true);
	assert_waits("qemu -mon m,mode=control -chardev socket,id=m,path=/b,server=on", true);
	assert_waits("qemu -mon m,mode=control -chardev socket,id=m,path=/b,server=on,wait=off", false);
}

static void test_paths(void **state)
{
	(void)state;
	assert_path("qemu -qmp unix:/run/a,server=on,wait=off", "/run/a");
	assert_path("qemu -qmp unix:/run/a,server,nowait", "/run/a");
	assert_path("qemu -qmp-pretty unix:/run/a,,b,server=on", "/run/a,b");
	assert_path("qemu -qmp unix:/run/a", NULL); /* it connects, and does not listen */
	assert_path("qemu -qmp tcp:localhost:4444,server=on", NULL);
	assert_path("qemu -mon chardev=m,mode=control -chardev socket,id=m,path=/run/b,server=on", "/run/b");
	assert_path("qemu -chardev socket,id=m,path=/run/b,server=on,wait=off -mon m,mode=control", "/run/b");
	assert_path("qemu -chardev socket,id=m,path=/run/b,server=on -mon m,mode=readline", NULL);
	assert_path("qemu -chardev socket,id=m,fd=7,server=on -mon m,mode=control", NULL);
	assert_path("qemu -chardev socket,id=m,path=/run/b,server=on,abstract=on -mon m,mode=control", NULL);
	assert_path("qemu -chardev pty,id=m,path=/run/b,server=on -mon m,mode=control", NULL);
	assert_path("qemu -chardev socket,id=n,path=/run/n,server=on -mon m,mode=control", NULL);
	assert_path("qemu -qmp", NULL);
	assert_path("qemu", NULL);
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {.record = vn_vm_new()};
	vn_autoplaces places = {0};
	vm.record->qmp_path = strdup("/run/own");
	assert_int_equal(vn_monitor_places_read(&vm, &places), 0);
	assert_int_equal(places.n, 1);
	assert_string_equal(places.v[0].path, "/run/own");
	assert_false(places.v[0].may_wait);
}

#define HEAD "Num       RefCount Protocol Flags    Type St Inode Path\n"
#define LISTENS "0000000000000000: 00000002 00000000 00010000 0001 01 72501 /run/vm/qmp\n"
#define OTHER "0000000000000000: 00000003 00000000 00000000 0001 03 12345 /run/vm/qmp2\n"
#define NAMELESS "0000000000000000: 00000003 00000000 00000000 0001 03 12346\n"

static void assert_used(const char *text, bool used, bool listens)
{
	uint64_t listener;

	assert_int_equal(vn_monitor_is_used(text, "/run/vm/qmp", &listener), used);
	assert_int_equal(listener, listens ? 72501 : 0);
}

static void test_who_is_connected(void **state)
{
	(void)state;
	assert_used(HEAD OTHER NAMELESS LISTENS, false, true);
	assert_used(HEAD LISTENS "0000000000000000: 00000003 00000000 00000000 0001 03 72777 /run/vm/qmp\n",
		true, true);
	assert_used(HEAD LISTENS "0000000000000000: 00000002 00000000 00000000 0001 02     0 /run/vm/qmp\n",
		true, true);
	assert_used(HEAD OTHER, false, false);
	assert_used(HEAD "0: 00000003 00000000 00010000 0001 01 1 /x/run/vm/qmp\n", false, false);
	assert_used("", false, false);
	assert_used("/run/vm/qmp", false, false);
}

/* ---- asking ---- */

static struct vn_survey ask_survey(const struct vn_root *root)
{
	struct vn_survey survey = live_survey(root);

	survey.qmp = true;
	return survey;
}

/* 1: it told its facts, which are added to none; 0: it did not. */
static int ask_one(const struct vn_survey *survey, struct vn_vm_sample *vm, struct vn_monitor_facts *facts)
{
	vn_monitor_facts_clear(facts);
	assert_int_equal(vn_monitors_ask(survey, vm, 1, facts), 0);
	return facts->told;
}

static void test_live(void **state)
{
	vn_cleanup(live_stop) struct live_qemu q;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {0};
	vn_autofacts facts = {0};
	vn_autoroot root = {.fd = -1};

	(void)state;
	if (!live_start(&q,
		    "-S -accel tcg -m 128 -smp 2 -object iothread,id=io7 -object memory-backend-ram,id=a,size=64M "
		    "-object memory-backend-ram,id=b,size=64M -numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b"))
		skip();
	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = ask_survey(&root);
	live_sample(&q, &vm);
	assert_int_equal(ask_one(&survey, &vm, &facts), 0); /* we are connected */
	assert_int_equal(vm.gaps.n, 1);
	assert_non_null(strstr(vm.gaps.v[0].text, "somebody is connected"));
	live_disconnect(&q);
	vn_notes_clear(&vm.gaps);

	vm.manager = VN_MANAGER_LIBVIRT;
	assert_int_equal(ask_one(&survey, &vm, &facts), 0);
	vm.manager = VN_MANAGER_NONE;
	survey.qmp = false;
	assert_int_equal(ask_one(&survey, &vm, &facts), 0);
	assert_int_equal(vm.gaps.n, 0);
	survey.qmp = true;

	int r = 0;
	for (int tries = 0; tries < 200 && r == 0; tries++) { /* until the connection that was ours is gone */
		vn_notes_clear(&vm.gaps);
		r = ask_one(&survey, &vm, &facts);
		if (r == 0)
			usleep(10000);
	}
	assert_int_equal(r, 1);
	assert_int_equal(facts.n_threads, 3);
	assert_int_equal(facts.threads[1].kind, VN_THREAD_VCPU);
	assert_int_equal(facts.threads[1].index, 1);
	assert_int_equal(facts.threads[2].kind, VN_THREAD_IOTHREAD);
	assert_string_equal(facts.threads[2].id, "io7");
	assert_int_equal(facts.n_blocks, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(facts.blocks[i].size, 64 * VN_MIB);
		assert_int_equal(facts.blocks[i].page, 4096);
	}
	assert_int_equal(vn_blocks_find(&survey, &facts, &vm), 0);
	assert_int_equal(vm.n_blocks, 2);
	if (facts.blocks[0].address) /* QEMU 8.0 and later */
		assert_int_equal(vm.blocks[0].tied_by, VN_TOLD_BY_QMP);

	vm.process.pid =
		getpid(); /* it is not we who listen there; once more, QEMU has to find that we left */
	bool told = false;
	for (int tries = 0; tries < 200 && !told; tries++) {
		vn_notes_clear(&vm.gaps);
		assert_int_equal(ask_one(&survey, &vm, &facts), 0);
		assert_int_equal(vm.gaps.n, 1);
		told = strstr(vm.gaps.v[0].text, "another process") != NULL;
		if (!told)
			usleep(10000);
	}
	assert_true(told);
}

/* A child that listens, and answers each line with the next of `answers`; NULL: with nothing. */
struct child {
	char folder[32], path[48];
	pid_t pid;
	int *clients; /* that it has taken up; shared with it */
};

/* An answer that ends with this is sent without end: byte by byte, or as fast as it is read. */
#define SLOWLY "\001"
#define FOR_EVER "\002"

static void send_slowly(int fd, const char *text)
{
	while (write(fd, text, 1) == 1)
		usleep(10000);
}

static void send_for_ever(int fd, const char *text, size_t size)
{
	char many[65536];
	size_t n = sizeof(many) / size;

	for (size_t i = 0; i < n; i++)
		memcpy(many + i * size, text, size);
	while (write(fd, many, n * size) > 0)
		;
}

static void answer(int fd, const char *const *answers)
{
	char byte;

	for (; answers && *answers; answers++) {
		size_t size = strlen(*answers);
		if ((*answers)[size - 1] == *SLOWLY)
			send_slowly(fd, *answers);
		else if ((*answers)[size - 1] == *FOR_EVER)
			send_for_ever(fd, *answers, size - 1);
		else if (write(fd, *answers, size) < 0)
			return;
		while (read(fd, &byte, 1) == 1 && byte != '\n')
			;
	}
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
}

/* `boxed`: its folder is its root. */
static void child_start_in(struct child *child, const char *const *answers, bool boxed)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int ready[2];
	char byte = 0;

	*child = (struct child){.folder = "/tmp/vnuma-child-XXXXXX"};
	assert_non_null(mkdtemp(child->folder));
	snprintf(child->path, sizeof(child->path), "%s/qmp", child->folder);
	strcpy(address.sun_path, boxed ? "/qmp" : child->path);
	child->clients = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(child->clients != MAP_FAILED);
	assert_int_equal(pipe(ready), 0);
	child->pid = fork();
	if (child->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if ((boxed && chroot(child->folder) < 0) ||
			bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0 ||
			write(ready[1], &byte, 1) != 1)
			_exit(1);
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			int client = accept(fd, NULL, NULL);
			++*child->clients;
			answer(client, answers);
		}
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

static void child_start(struct child *child, const char *const *answers)
{
	child_start_in(child, answers, false);
}

static void child_stop(struct child *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	if (child->clients)
		munmap(child->clients, sizeof(int));
	unlink(child->path);
	rmdir(child->folder);
}

/* Asks the child as if it were QEMU. 1: it told its facts; else 0, and the gap is copied. */
static int ask(const char *const *answers, struct vn_monitor_facts *facts, char gap[static 512])
{
	vn_cleanup(child_stop) struct child child;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {
		.record = vn_vm_new(), .manager = VN_MANAGER_VNUMA, .uid = getuid()};
	vn_autoroot root = {.fd = -1};

	child_start(&child, answers);
	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = ask_survey(&root);
	vm.process.pid = child.pid;
	vm.record->qmp_path = strdup(child.path);
	int64_t began = vn_now_ms();
	int r = ask_one(&survey, &vm, facts);
	assert_true(vn_now_ms() - began < 5000); /* far from for ever, on any machine */
	snprintf(gap, 512, "%s", vm.gaps.n ? vm.gaps.v[0].text : "");
	assert_int_equal(vm.gaps.n, r == 0);
	return r;
}

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n"
#define NO_DEVICES "{\"return\": [], \"id\": 6}\n"
#define READY GREETING, "{\"return\": {}, \"id\": 1}\n"

static void assert_gap(const char *const *answers, const char *says)
{
	vn_autofacts facts = {0};
	char gap[512];

	assert_int_equal(ask(answers, &facts, gap), 0);
	assert_int_equal(facts.n_threads + facts.n_blocks, 0);
	if (!strstr(gap, says))
		fail_msg("'%s' is not in '%s'", says, gap);
}

static void test_bad_answers(void **state)
{
	(void)state;
	assert_gap(NULL, "did not answer in time");
	assert_gap((const char *const[]){"HTTP/1.0 400\n", NULL}, "not QEMU's protocol");
	assert_gap((const char *const[]){READY, "{\"return\": 7, \"id\": 2}\n", NULL}, "not understood");
	assert_gap((const char *const[]){READY,
			   "{\"return\": [{\"thread-id\": -3, \"cpu-index\": 0}], \"id\": 2}\n", NULL},
		"not understood");
	assert_gap((const char *const[]){READY, "{\"return\": [], \"id\": 2}\n",
			   "{\"return\": [{\"thread-id\": 1e3}], \"id\": 3}\n", NULL},
		"not understood");
	assert_gap((const char *const[]){READY,
			   "{\"error\": {\"class\": \"x\\u001b[31m\", \"desc\": \"y\"}, \"id\": 2}\n", NULL},
		"x\\x1b[31m");
	assert_gap(
		(const char *const[]){READY, "{\"return\": [], \"id\": 2}\n", "{\"return\": [], \"id\": 3}\n",
			"{\"return\": [{\"id\": \"a\", \"size\": 0}], \"id\": 4}\n", NULL},
		"not understood");
	assert_gap(
		(const char *const[]){READY, "{\"return\": 1, \"id\": 9}\n", NULL}, "did not answer in time");
}

/* What comes late, or never ends, is waited for no longer than silence. */
static void test_endless_answers(void **state)
{
	(void)state;
	assert_gap((const char *const[]){" " SLOWLY, NULL}, "did not answer in time");
	assert_gap((const char *const[]){READY, " " SLOWLY, NULL}, "did not answer in time");
	assert_gap((const char *const[]){"no line" FOR_EVER, NULL}, "answers without end");
	assert_gap((const char *const[]){GREETING, "[" FOR_EVER, NULL}, "answers without end");
	/* whichever comes first */
	assert_gap((const char *const[]){READY, "{\"event\": \"STOP\", \"data\": {}}\n" FOR_EVER, NULL},
		"asked in vain");
	assert_gap((const char *const[]){GREETING FOR_EVER, NULL}, "asked in vain");
}

/* As QEMU 8.0 and later write it; with a machine that keeps old ids. */
static void test_addresses(void **state)
{
	vn_autofacts facts = {0};
	char gap[512];

	(void)state;
	assert_int_equal(
		ask((const char *const[]){READY,
			    "{\"return\": [{\"thread-id\": 12, \"cpu-index\": 0}], \"id\": 2}\n",
			    "{\"return\": [], \"id\": 3}\n",
			    "{\"return\": [{\"id\": \"ram0\", \"size\": 1073741824}, {\"id\": \"h\\n\", \"size\": 4096}], \"id\": 4}\n",
			    "{\"return\": \"              Block Name    PSize              Offset               Used              Total                HVA  RO\\r\\n"
			    "           /objects/ram0    2 MiB  0x0000000000000000 0x0000000040000000 0x0000000040000000 0x00007f1234000000  rw\\r\\n"
			    "                 pc.bios    4 KiB  0x0000000040000000 0x0000000000040000 0x0000000000040000 0x00007f5678000000  ro\\r\\n\", \"id\": 5}\n",
			    NO_DEVICES, NULL},
			&facts, gap),
		1);
	assert_int_equal(facts.n_threads, 1);
	assert_int_equal(facts.threads[0].tid, 12);
	assert_int_equal(facts.n_blocks, 2);
	assert_int_equal(facts.blocks[0].address, 0x7f1234000000);
	assert_int_equal(facts.blocks[0].page, 2 * VN_MIB);
	assert_string_equal(facts.blocks[1].id, "h\\x0a");
	assert_int_equal(facts.blocks[1].address, 0);
}

/* As a monitor with pretty=on writes it. */
static void test_pretty_answers(void **state)
{
	vn_autofacts facts = {0};
	char gap[512];

	(void)state;
	assert_int_equal(
		ask(
			(const char *const[]){
				"{\r\n    \"QMP\": {\r\n        \"version\": {\r\n        }\r\n    }\r\n}\r\n",
				"{\r\n    \"return\": {\r\n    },\r\n    \"id\": 1\r\n}\r\n",
				"{\r\n    \"return\": [\r\n        {\r\n            \"thread-id\": 12,\r\n            \"cpu-index\": 0\r\n"
				"        }\r\n    ],\r\n    \"id\": 2\r\n}\r\n",
				"{\r\n    \"return\": [\r\n    ],\r\n    \"id\": 3\r\n}\r\n{\r\n    \"event\": \"STOP\"\r\n}\r\n",
				"{\r\n    \"return\": [\r\n    ],\r\n    \"id\": 4\r\n}\r\n",
				"{\r\n    \"return\": \"\",\r\n    \"id\": 5\r\n}\r\n", NO_DEVICES, NULL},
			&facts, gap),
		1);
	assert_int_equal(facts.n_threads, 1);
	assert_int_equal(facts.threads[0].tid, 12);
}

/* One that is pretty, and the first is taken: the second is asked. Both are there as the command line orders them. */
static void test_second_monitor(void **state)
{
	vn_cleanup(live_stop) struct live_qemu q;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {0};
	vn_autofacts facts = {0};
	vn_autoroot root = {.fd = -1};
	char words[256], second[64];

	(void)state;
	snprintf(second, sizeof(second), "/tmp/vnuma-second-%d", (int)getpid());
	snprintf(words, sizeof(words),
		"-S -accel tcg -m 32 -mon chardev=two,mode=control,pretty=on "
		"-chardev socket,id=two,path=%s,server=on,wait=off",
		second);
	if (!live_start(&q, words))
		skip();
	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = ask_survey(&root);
	live_sample(&q, &vm);
	assert_int_equal(ask_one(&survey, &vm, &facts), 1); /* we are still connected to the first */
	assert_int_equal(vm.gaps.n, 0);
	assert_int_equal(facts.n_threads, 1);
	unlink(second);
}

/* Devices tell to which vnode their memory belongs; what they tell of nothing that is known is left. */
static void test_memory_devices(void **state)
{
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {0};
	static const char line[] =
		"kvm -m 64,slots=4,maxmem=1G -smp 2 -numa node,cpus=0,mem=32M -numa node,cpus=1,mem=32M";
	vn_autofacts facts = {0};
	vn_autotold told = {0};
	char gap[512];

	(void)state;
	assert_int_equal(
		ask((const char *const[]){READY, "{\"return\": [], \"id\": 2}\n",
			    "{\"return\": [], \"id\": 3}\n",
			    "{\"return\": [{\"id\": \"m1\", \"size\": 33554432}, {\"id\": \"m2\", \"size\": 8388608}, "
			    "{\"id\": \"m3\", \"size\": 4194304}], \"id\": 4}\n",
			    "{\"return\": \"\", \"id\": 5}\n",
			    "{\"return\": [{\"type\": \"dimm\", \"data\": {\"memdev\": \"/objects/m1\", \"node\": 1}}, "
			    "{\"type\": \"virtio-mem\", \"data\": {\"memdev\": \"/objects/m2\", \"node\": 7}}, "
			    "{\"type\": \"dimm\", \"data\": {\"memdev\": \"/objects/gone\", \"node\": 0}}, "
			    "{\"type\": \"virtio-pmem\", \"data\": {\"memdev\": \"/objects/m3\"}}, 7], \"id\": 6}\n",
			    NULL},
			&facts, gap),
		1);
	assert_int_equal(facts.blocks[0].vnode, 1);
	assert_int_equal(facts.blocks[1].vnode, 7);
	assert_int_equal(facts.blocks[2].vnode, -1);
	assert_int_equal(vn_guest_from_qemu(line, strlen(line), "line", &vm.guest, NULL), 0);
	assert_int_equal(vn_guest_set_text(vm.guest, VN_FORM_QEMU, line, strlen(line)), 0);
	assert_int_equal(vn_told_blocks_read(&vm, &facts, &told), 0);
	assert_int_equal(told.n, 4); /* that of all vnodes, and what was plugged in */
	assert_int_equal(told.v[1].vnode, 1);
	assert_int_equal(told.v[2].vnode, -1); /* it has no such vnode */
	assert_int_equal(told.v[3].vnode, -1);
}

static int run_command(struct live_qemu *q, const char *command, const char *arguments)
{
	json_auto_t *object = json_loads(arguments, 0, NULL);

	assert_non_null(object);
	return vn_qmp_execute(q->qmp, command, object, NULL, NULL);
}

/* A DIMM that is plugged into a real QEMU. */
static void test_hot_plug(void **state)
{
	static const char backend[] =
		"{\"qom-type\": \"memory-backend-ram\", \"id\": \"late\", \"size\": 134217728}";
	static const char dimm[] =
		"{\"driver\": \"pc-dimm\", \"id\": \"d\", \"memdev\": \"late\", \"node\": 1}";
	vn_cleanup(live_stop) struct live_qemu q;
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {0};
	vn_autofacts facts = {0};
	vn_autoroot root = {.fd = -1};
	int told = 0;

	(void)state;
	if (!live_start(&q,
		    "-S -accel tcg -m 64,slots=2,maxmem=1G -smp 2 -object memory-backend-ram,id=a,size=32M "
		    "-object memory-backend-ram,id=b,size=32M -numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b"))
		skip();
	assert_int_equal(run_command(&q, "object-add", backend), 0);
	assert_int_equal(run_command(&q, "device_add", dimm), 0);
	live_disconnect(&q);
	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = ask_survey(&root);
	live_sample(&q, &vm);
	for (int tries = 0; tries < 200 && !told; tries++) {
		vn_notes_clear(&vm.gaps);
		told = ask_one(&survey, &vm, &facts);
		if (!told)
			usleep(10000);
	}
	assert_int_equal(told, 1);
	assert_int_equal(vn_blocks_find(&survey, &facts, &vm), 0);
	assert_int_equal(vm.n_blocks, 3);
	for (size_t i = 0; i < 3; i++) {
		bool late = strcmp(vm.blocks[i].id, "late") == 0;
		assert_int_equal(vm.blocks[i].size, (late ? 128 : 32) * VN_MIB);
		if (late)
			assert_int_equal(vm.blocks[i].vnode, 1);
	}
}

/* Until QEMU 7.2 there are no addresses; a figure where they would be is none, and blocks that we were not told of are left out. */
static void test_no_addresses(void **state)
{
	vn_autofacts facts = {0};
	char gap[512];

	(void)state;
	assert_int_equal(
		ask((const char *const[]){READY, "{\"return\": [], \"id\": 2}\n",
			    "{\"return\": [], \"id\": 3}\n",
			    "{\"return\": [{\"id\": \"ram0\", \"size\": 1073741824}, {\"id\": \"ram1\", \"size\": 4096}], \"id\": 4}\n",
			    "{\"return\": \"              Block Name    PSize              Offset               Used              Total\\r\\n"
			    "                    ram0    1 GiB  0x0000000000000000 0x0000000040000000 0x0000000040000000\\r\\n"
			    "                    ram1    4 KiB  0x0000000040000000 0x0000000000001000 0x0000000000001000 0x00007f5678000000\\r\\n"
			    "    /rom@etc/acpi/tables    4 KiB  0x0000000001080000 0x0000000000020000 0x0000000000200000\\r\\n\", \"id\": 5}\n",
			    NO_DEVICES, NULL},
			&facts, gap),
		1);
	assert_int_equal(facts.n_blocks, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(facts.blocks[i].address, 0);
	assert_int_equal(facts.blocks[0].page, 1024 * VN_MIB);
	assert_int_equal(facts.blocks[1].page, 4096);
}

/* Built without HMP. */
static void test_no_human_monitor(void **state)
{
	vn_autofacts facts = {0};
	char gap[512];

	(void)state;
	assert_int_equal(
		ask((const char *const[]){READY, "{\"return\": [], \"id\": 2}\n",
			    "{\"return\": [], \"id\": 3}\n",
			    "{\"return\": [{\"id\": \"ram0\", \"size\": 4096}], \"id\": 4}\n",
			    "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}, \"id\": 5}\n",
			    NO_DEVICES, NULL},
			&facts, gap),
		1);
	assert_int_equal(facts.n_blocks, 1);
	assert_int_equal(facts.blocks[0].page, 0);
}

/* ---- many ---- */

#define MANY 150 /* that hang; more than are asked at once */

/* A child with a socket for each of MANY VMs, which it never takes a client from. */
static void many_start(struct child *child, struct vn_vm_sample *vms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int ready[2];
	char byte = 0;

	*child = (struct child){.folder = "/tmp/vnuma-child-XXXXXX"};
	assert_non_null(mkdtemp(child->folder));
	for (size_t i = 0; i < MANY; i++) {
		vms[i] = (struct vn_vm_sample){
			.record = vn_vm_new(), .manager = VN_MANAGER_VNUMA, .uid = getuid()};
		assert_true(asprintf(&vms[i].record->qmp_path, "%s/%zu", child->folder, i) > 0);
	}
	assert_int_equal(pipe(ready), 0);
	child->pid = fork();
	if (child->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (size_t i = 0; i < MANY; i++) {
			int fd = socket(AF_UNIX, SOCK_STREAM, 0);
			snprintf(address.sun_path, sizeof(address.sun_path), "%s", vms[i].record->qmp_path);
			if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
				_exit(1);
		}
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	for (size_t i = 0; i < MANY; i++)
		vms[i].process.pid = child->pid;
}

/* However many hang, all together are waited for no longer than some are; and those that do answer are heard. */
static void test_many_that_hang(void **state)
{
	static const char *const answers[] = {READY, "{\"return\": [], \"id\": 2}\n",
		"{\"return\": [], \"id\": 3}\n", "{\"return\": [], \"id\": 4}\n",
		"{\"return\": \"\", \"id\": 5}\n", NO_DEVICES, NULL};
	vn_cleanup(child_stop) struct child child;
	vn_autoroot root = {.fd = -1};
	struct vn_vm_sample vms[MANY + 1];
	struct vn_monitor_facts facts[MANY + 1] = {0};
	struct child many;

	(void)state;
	many_start(&many, vms);
	child_start(&child, answers);
	vms[MANY] = (struct vn_vm_sample){.record = vn_vm_new(),
		.manager = VN_MANAGER_VNUMA,
		.process.pid = child.pid,
		.uid = getuid()};
	vms[MANY].record->qmp_path = strdup(child.path);
	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = ask_survey(&root);
	int64_t began = vn_now_ms();
	assert_int_equal(vn_monitors_ask(&survey, vms, MANY + 1, facts), 0);
	assert_true(vn_now_ms() - began < 5000); /* one after another it is 15 s */
	for (size_t i = 0; i <= MANY; i++) {
		bool told = facts[i].told;
		assert_int_equal(vms[i].gaps.n, !told);
		if (i < MANY)
			assert_true(!told && (strstr(vms[i].gaps.v[0].text, "did not answer in time") ||
						     strstr(vms[i].gaps.v[0].text, "name this VM")));
		if (i < MANY)
			unlink(vms[i].record->qmp_path);
		vn_monitor_facts_clear(&facts[i]);
		vn_vm_sample_clear(&vms[i]);
	}
	many.path[0] = '\0';
	child_stop(&many);
}

/* How many have connected to a child before this very call, which is one more. It takes up one after another. */
static int connections(const struct child *child)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	vn_autoclose int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	strcpy(address.sun_path, child->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(read(fd, &byte, 1), 1);
	return *child->clients - 1;
}

/* Asks a process for a monitor that is at `path` by its command line, and expects a gap. */
static void assert_not_asked(pid_t pid, const char *path, const char *says)
{
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {
		.record = vn_vm_new(), .manager = VN_MANAGER_VNUMA, .process.pid = pid, .uid = getuid()};
	vn_autoroot root = {.fd = -1};
	vn_autofacts facts = {0};

	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = ask_survey(&root);
	vm.record->qmp_path = strdup(path);
	assert_int_equal(ask_one(&survey, &vm, &facts), 0);
	assert_int_equal(vm.gaps.n, 1);
	if (!strstr(vm.gaps.v[0].text, says))
		fail_msg("'%s' is not in '%s'", says, vm.gaps.v[0].text);
}

/* A path that was its own when it began to listen, and is somebody else's now. */
static void lead_astray(const struct child *child, const char *target)
{
	char real[64];

	snprintf(real, sizeof(real), "%s/real", child->folder);
	assert_int_equal(rename(child->path, real), 0);
	assert_int_equal(symlink(target, child->path), 0);
	unlink(real);
}

/* Whoever else listens is not to notice anything, wherever a command line or a link leads. */
static void test_strangers(void **state)
{
	static const char *const answers[] = {GREETING, NULL};
	vn_cleanup(child_stop) struct child stranger, child, boxed;

	(void)state;
	child_start(&stranger, answers);
	child_start(&child, answers);
	child_start_in(&boxed, answers, geteuid() == 0);
	assert_not_asked(getpid(), stranger.path, "another process");
	if (geteuid() == 0) {
		lead_astray(&boxed, stranger.path); /* there is no such thing in its root */
		assert_not_asked(boxed.pid, "/qmp", "nobody listens");
		lead_astray(&child, stranger.path);
		assert_int_equal(chown(stranger.path, 65534, 65534), 0);
		assert_not_asked(child.pid, child.path, "another process");
	}
	assert_int_equal(connections(&stranger), 0);
}

static void test_nobody_listens(void **state)
{
	vn_cleanup(vn_vm_sample_clear) struct vn_vm_sample vm = {
		.record = vn_vm_new(), .process.pid = getpid()};
	vn_autoroot root = {.fd = -1};
	vn_autofacts facts = {0};

	(void)state;
	assert_int_equal(vn_root_open("/", &root, NULL), 0);
	struct vn_survey survey = ask_survey(&root);
	vm.record->qmp_path = strdup("/nonexistent/qmp");
	assert_int_equal(ask_one(&survey, &vm, &facts), 0);
	assert_int_equal(vm.gaps.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_who_waits),
		cmocka_unit_test(test_who_is_connected),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_endless_answers),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_pretty_answers),
		cmocka_unit_test(test_second_monitor),
		cmocka_unit_test(test_memory_devices),
		cmocka_unit_test(test_hot_plug),
		cmocka_unit_test(test_no_addresses),
		cmocka_unit_test(test_no_human_monitor),
		cmocka_unit_test(test_many_that_hang),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_nobody_listens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
