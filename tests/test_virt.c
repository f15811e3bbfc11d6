/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt is asked and told through a library that plays it (fake/fake_libvirt.h), also one that hangs or dies. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../src/base/clock.h"
#include "../src/base/text.h"
#include "../src/model/host.h"
#include "../src/qga/qga.h"
#include "../src/realize/move_numatune.h"
#include "../src/virt/agent.h"
#include "../src/virt/virt.h"

#define UUID "01234567-89ab-cdef-0123-456789abcdef"
#define PATIENT_MS 20000
#define SHORT_MS 300

static char folder[64];

static void put(const char *file, const char *text)
{
	vn_autofree char *path = vn_format("%s/%s", folder, file);
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void take_away(const char *file)
{
	vn_autofree char *path = vn_format("%s/%s", folder, file);

	unlink(path);
}

static char *get(const char *file)
{
	vn_autofree char *path = vn_format("%s/%s", folder, file);
	char text[4096] = "";
	vn_autofclose FILE *in = fopen(path, "re");

	if (in)
		text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	return strdup(text);
}

#define assert_file(file, expected)                                                                          \
	do {                                                                                                 \
		vn_autofree char *seen_ = get(file);                                                         \
		assert_string_equal(seen_, expected);                                                        \
	} while (0)

static int begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test-virt-XXXXXX");
	assert_non_null(mkdtemp(folder));
	setenv("VNUMA_FAKE_LIBVIRT", folder, 1);
	put("xml", "<domain/>");
	put("uuid", UUID);
	put("nodes", "0-1");
	return 0;
}

/* No child is left, either. */
static int end(void **state)
{
	DIR *entries = opendir(folder);

	(void)state;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	for (struct dirent *entry; entries && (entry = readdir(entries));)
		take_away(entry->d_name);
	if (entries)
		closedir(entries);
	rmdir(folder);
	return 0;
}

static const struct vn_virt_domain of_ours = {NULL, NULL, UUID, PATIENT_MS};

static void assert_problem(const struct vn_error *err, const char *text)
{
	assert_int_equal(err->n, 1);
	if (!strstr(err->problems[0].text, text))
		fail_msg("'%s' has no '%s'", err->problems[0].text, text);
}

static void test_asks(void **state)
{
	(void)state;
	const struct vn_virt_domain by_name = {NULL, "db", NULL, PATIENT_MS};
	vn_autofree char *xml = NULL, *nodes = NULL, *none = NULL, *large = NULL;
	vn_autoerror err = {0};

	assert_int_equal(vn_virt_xml(&by_name, &xml, &err), 0);
	assert_string_equal(xml, "<domain/>");
	assert_int_equal(vn_virt_nodes(&of_ours, &nodes, &err), 0);
	assert_string_equal(nodes, "0-1");
	take_away("nodes");
	assert_int_equal(vn_virt_nodes(&of_ours, &none, &err), 0);
	assert_string_equal(none, "");
	vn_autofree char *text = malloc(3000001);
	memset(text, 'x', 3000000);
	text[3000000] = '\0';
	put("xml", text);
	assert_int_equal(vn_virt_xml(&by_name, &large, &err), 0);
	assert_int_equal(strlen(large), 3000000);
	assert_int_equal(err.n, 0);
}

static void test_tells(void **state)
{
	(void)state;
	vn_autoerror err = {0}, refused = {0};
	bool changed = false;

	assert_int_equal(vn_virt_set_nodes(&of_ours, "0-3", &changed, &err), 0);
	assert_true(changed);
	assert_file("nodes", "0-3");
	assert_int_equal(vn_virt_set_nodes(&of_ours, "0-3", &changed, &err), 0); /* it has these */
	assert_false(changed);
	assert_file("log", "nodes 0-3\n");
	assert_int_equal(vn_virt_update_device(&of_ours, "<memory/>", &err), 0);
	assert_file("device", "<memory/>");
	assert_int_equal(err.n, 0);
	put("refuse", "can't change nodeset");
	assert_int_equal(vn_virt_set_nodes(&of_ours, "1", &changed, &refused), -EREMOTEIO);
	assert_problem(&refused, "can't change nodeset");
	assert_false(refused.input);
	assert_file("nodes", "0-3");
	assert_int_equal(vn_virt_update_device(&of_ours, "<memory/>", NULL), -EREMOTEIO);
}

static void test_where_it_was_asked(void **state)
{
	(void)state;
	static const char *const here[] = {"qemu:///system", "qemu+ssh:///system",
		"qemu+unix:///system?socket=/run/far://x", "qemu://", "xen", ""},
				 *const far[] = {"qemu+ssh://far/system",
					 "qemu+tls://me@[fe80::1]:16514/system", "qemu://far"};
	const struct vn_virt_domain there = {"qemu+ssh://far/system", "db", NULL, PATIENT_MS};
	vn_autofree char *uri = NULL, *own = NULL;
	vn_autoerror err = {0};

	unsetenv("LIBVIRT_DEFAULT_URI");
	assert_int_equal(vn_virt_uri(&there, &uri, &err), 0);
	assert_string_equal(uri, "qemu+ssh://far/system");
	assert_int_equal(vn_virt_uri(&of_ours, &own, &err), 0);
	assert_string_equal(own, "qemu:///system");
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++)
		assert_false(vn_virt_uri_has_host(here[i]));
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		assert_true(vn_virt_uri_has_host(far[i]));
}

static void test_nobody_to_ask(void **state)
{
	(void)state;
	const struct vn_virt_domain nobody = {"fake:///nobody", "db", NULL, PATIENT_MS},
				    other = {NULL, NULL, "11111111-89ab-cdef-0123-456789abcdef", PATIENT_MS};
	vn_autoerror err = {0}, missing = {0}, died = {0};
	char *xml = NULL;

	assert_int_equal(vn_virt_xml(&nobody, &xml, &err), -ENOTCONN);
	assert_problem(&err, "no running domain 'db' to tell of: nobody listens there ?? ?");
	assert_int_equal(vn_virt_xml(&other, &xml, &missing), -ENOENT);
	assert_problem(&missing, "Domain not found");
	put("crash", "");
	assert_int_equal(vn_virt_xml(&of_ours, &xml, &died), -EPROTO);
	assert_problem(&died, "its library ended the process");
	assert_null(xml);
}

static void test_hangs(void **state)
{
	(void)state;
	const struct vn_virt_domain hanging = {NULL, NULL, UUID, SHORT_MS};
	vn_autoerror err = {0}, of_agent = {0};
	struct vn_virt_child child = {0};
	vn_autoclose int stop = open("/dev/null", O_RDONLY); /* is readable */
	char *xml = NULL;

	put("hang", "");
	int64_t begun = vn_now_ms();
	assert_int_equal(vn_virt_xml(&hanging, &xml, &err), -ETIMEDOUT);
	assert_problem(&err, "libvirt does not answer within 0.3 s");
	assert_int_equal(vn_virt_agent_open(&hanging, -1, &child, &of_agent), -ETIMEDOUT);
	assert_int_equal(vn_virt_agent_open(&of_ours, stop, &child, &of_agent), -ECANCELED);
	assert_true(vn_now_ms() - begun >= 2 * SHORT_MS && vn_now_ms() - begun < PATIENT_MS);
	assert_int_equal(child.pid, 0);
}

/* ---- the child ---- */

static void list_descriptors(int fd, const void *context)
{
	const char *seen = "none";

	(void)context;
	for (int other = 0; other < 256; other++) {
		if (fcntl(other, F_GETFD) >= 0 && other > STDERR_FILENO && other != fd)
			seen = "some";
	}
	ssize_t written = write(fd, seen, 4);
	(void)written;
	pause();
}

/* A lock that it kept would be kept for as long as it lives. */
static void test_child_has_nothing_of_ours(void **state)
{
	(void)state;
	vn_autoclose int lock = open("/dev/null", O_RDONLY),
			 cloexec = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct vn_virt_child child;
	char seen[64] = "";

	assert_true(lock >= 0 && cloexec >= 0);
	assert_int_equal(vn_virt_child_start(list_descriptors, NULL, &child), 0);
	assert_true(read(child.fd, seen, sizeof(seen) - 1) > 0);
	assert_string_equal(seen, "none");
	pid_t pid = child.pid;
	vn_virt_child_end(&child);
	vn_virt_child_end(&child);
	assert_int_equal(kill(pid, 0), -1);
}

/* ---- the agent ---- */

static struct vn_qga *attach(const struct vn_virt_child *child, int timeout_ms)
{
	struct vn_qga *qga = NULL;
	vn_autoerror err = {0};

	if (vn_qga_attach(
		    fcntl(child->fd, F_DUPFD_CLOEXEC, 0), "through libvirt", timeout_ms, -1, &qga, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	return qga;
}

static void test_agent(void **state)
{
	(void)state;
	vn_autochild child = {0};
	vn_autoerror err = {0}, refused = {0};
	vn_autofree char *text = NULL, *none = NULL;

	assert_int_equal(vn_virt_agent_open(&of_ours, -1, &child, &err), 0);
	vn_autoqga *qga = attach(&child, PATIENT_MS);
	assert_int_equal(vn_qga_read_file(qga, "/motd", &text, &err), 0);
	assert_string_equal(text, "hi\n");
	assert_int_equal(err.n, 0);
	/* it says why, and can be asked on */
	assert_int_equal(vn_qga_write_file(qga, "/motd", "x", &refused), -EREMOTEIO);
	assert_problem(&refused, "guest agent through libvirt: guest-file-open: failed to open file: no");
	assert_int_equal(vn_qga_read_file(qga, "/motd", &none, &err), 0);
}

static void test_agent_that_cannot_be_asked(void **state)
{
	(void)state;
	struct vn_virt_child child = {0};
	vn_autoerror silent = {0}, none = {0}, missing = {0};

	put("agent", "silent");
	assert_int_equal(vn_virt_agent_open(&of_ours, -1, &child, &silent), -ETIMEDOUT);
	assert_problem(&silent, "it is not connected");
	put("agent", "none");
	assert_int_equal(vn_virt_agent_open(&of_ours, -1, &child, &none), -ENOENT);
	assert_problem(&none, "QEMU guest agent is not configured");
	take_away("xml");
	assert_int_equal(vn_virt_agent_open(&of_ours, -1, &child, &missing), -ENOENT);
	assert_problem(&missing, "Domain not found");
	assert_int_equal(child.pid, 0);
}

static void test_agent_that_ends_or_hangs(void **state)
{
	(void)state;
	vn_autochild ends = {0}, hangs = {0};
	vn_autoerror err = {0}, late = {0};
	char *text = NULL;

	put("agent", "ends");
	assert_int_equal(vn_virt_agent_open(&of_ours, -1, &ends, &err), 0);
	vn_autoqga *ending = attach(&ends, PATIENT_MS);
	assert_int_equal(vn_qga_read_file(ending, "/motd", &text, &err), -ECONNRESET);
	put("agent", "hangs");
	assert_int_equal(vn_virt_agent_open(&of_ours, -1, &hangs, &late), 0);
	vn_autoqga *hanging = attach(&hangs, 1000);
	assert_int_equal(vn_qga_read_file(hanging, "/motd", &text, &late), -ETIMEDOUT);
	assert_null(text);
}

/* ---- what a move tells ---- */

static hwloc_bitmap_t set_of(const char *text)
{
	hwloc_bitmap_t set = NULL;

	assert_int_equal(vn_set_parse(text, &set), 0);
	return set;
}

static struct vn_move *new_move(void)
{
	struct vn_move *move = vn_move_new();

	memcpy(move->numatune.domain, UUID, sizeof(UUID));
	move->memory = true;
	move->mems_during = set_of("0-3");
	move->mems_after = set_of("2-3");
	move->cpusets = calloc(1, sizeof(*move->cpusets));
	move->cpusets[0] = (struct vn_move_cpuset){
		strdup("/machine/qemu-1-db.libvirt-qemu/vcpu0"), set_of("0-1"), set_of("0-3"), set_of("2-3")};
	move->n_cpusets = 1;
	return move;
}

static int find_nodes(struct vn_move *move, const struct vn_move *first)
{
	int r = vn_move_numatune_ask(move, first);

	return r < 0 ? r : vn_move_numatune_reckon(move, first);
}

static void set(struct vn_move *move, enum vn_cpuset_step step, bool expected, const char *nodes)
{
	bool changed = !expected;

	assert_int_equal(vn_move_numatune_set(move, step, &changed), 0);
	assert_int_equal(changed, expected);
	assert_file("nodes", nodes);
}

static const char *note_of(const struct vn_move *move, const char *code)
{
	for (size_t i = 0; i < move->notes.n; i++) {
		if (strcmp(move->notes.v[i].code, code) == 0)
			return move->notes.v[i].text;
	}
	return "";
}

static void test_move_tells_libvirt(void **state)
{
	(void)state;
	vn_automove *move = new_move(), *second = new_move();

	assert_int_equal(find_nodes(move, NULL), 0);
	set(move, VN_CPUSET_WIDEN, true, "0-3");
	set(move, VN_CPUSET_NARROW, true, "2-3");
	/* undo leads to what was before the first */
	hwloc_bitmap_free(second->mems_after);
	second->mems_after = set_of("1-2");
	assert_int_equal(find_nodes(second, move), 0);
	set(second, VN_CPUSET_WIDEN, true, "0-3");
	set(second, VN_CPUSET_NARROW, true, "1-3"); /* what one of its cgroups has to keep */
	set(second, VN_CPUSET_BACK, true, "0-1");
	assert_int_equal(move->notes.n + second->notes.n, 0);
	/* where no memory moves, what was told stays known */
	vn_automove *threads = vn_move_new();
	assert_int_equal(find_nodes(threads, second), 0);
	assert_string_equal(threads->numatune.domain, UUID);
	set(threads, VN_CPUSET_BACK, false, "0-1"); /* which it has */
}

static void test_libvirt_refuses(void **state)
{
	(void)state;
	vn_automove *move = new_move(), *unasked = new_move();

	put("refuse", "it requires restrictive mode");
	assert_int_equal(find_nodes(move, NULL), 0);
	set(move, VN_CPUSET_WIDEN, false, "0-1");
	assert_non_null(strstr(note_of(move, "libvirt-not-told"), "nodes 0-3, "));
	assert_non_null(strstr(note_of(move, "libvirt-not-told"), ": it requires restrictive mode"));
	set(move, VN_CPUSET_NARROW, false, "0-1");
	assert_int_equal(move->notes.n, 1); /* the last is what counts */
	assert_non_null(strstr(note_of(move, "libvirt-not-told"), "nodes 2-3, "));
	set(move, VN_CPUSET_BACK, false, "0-1"); /* as it still is: no change, and nothing to refuse */
	assert_int_equal(move->notes.n, 0);
	put("crash", "");
	assert_int_equal(find_nodes(unasked, NULL), 0);
	assert_null(unasked->numatune.before);
	assert_true(vn_notes_has(&unasked->notes, "libvirt-not-told"));
	set(unasked, VN_CPUSET_WIDEN, false, "0-1");
}

/* What undo could not tell it again, it is not told. */
static void test_libvirt_without_nodes(void **state)
{
	(void)state;
	static const struct {
		const char *nodes, *why;
	} cases[] = {
		{"", ": it has no nodes for the domain now"},
		{" ", ": it has no nodes for the domain now"},
		{"0-", ": the nodes that it has now are no list of nodes: '0-'"},
		{"some\tnodes", ": the nodes that it has now are no list of nodes: 'some"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vn_automove *move = new_move();
		put("nodes", cases[i].nodes);
		assert_int_equal(find_nodes(move, NULL), 0);
		assert_null(move->numatune.before);
		set(move, VN_CPUSET_WIDEN, false, cases[i].nodes);
		assert_int_equal(move->notes.n, 1);
		assert_non_null(strstr(note_of(move, "libvirt-not-told"), "nodes 2-3, "));
		assert_non_null(strstr(note_of(move, "libvirt-not-told"), cases[i].why));
		assert_null(strchr(note_of(move, "libvirt-not-told"), '\t'));
	}
}

static void test_cgroups_of_threads(void **state)
{
	(void)state;
	assert_true(vn_cgroup_is_domain_thread("/machine.slice/machine-qemu.scope/libvirt/emulator"));
	assert_true(vn_cgroup_is_domain_thread("/a/vcpu17"));
	assert_true(vn_cgroup_is_domain_thread("/a/iothread1"));
	assert_false(vn_cgroup_is_domain_thread("/a/vcpu"));
	assert_false(vn_cgroup_is_domain_thread("/machine.slice"));
	assert_false(vn_cgroup_is_domain_thread("vcpu1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_asks, begin, end),
		cmocka_unit_test_setup_teardown(test_tells, begin, end),
		cmocka_unit_test_setup_teardown(test_where_it_was_asked, begin, end),
		cmocka_unit_test_setup_teardown(test_nobody_to_ask, begin, end),
		cmocka_unit_test_setup_teardown(test_hangs, begin, end),
		cmocka_unit_test_setup_teardown(test_child_has_nothing_of_ours, begin, end),
		cmocka_unit_test_setup_teardown(test_agent, begin, end),
		cmocka_unit_test_setup_teardown(test_agent_that_cannot_be_asked, begin, end),
		cmocka_unit_test_setup_teardown(test_agent_that_ends_or_hangs, begin, end),
		cmocka_unit_test_setup_teardown(test_move_tells_libvirt, begin, end),
		cmocka_unit_test_setup_teardown(test_libvirt_refuses, begin, end),
		cmocka_unit_test_setup_teardown(test_libvirt_without_nodes, begin, end),
		cmocka_unit_test(test_cgroups_of_threads),
	};
	/* loaded, they are what these names mean */
	if (!dlopen(FAKE_LIBVIRT, RTLD_NOW) || !dlopen(FAKE_LIBVIRT_QEMU, RTLD_NOW)) {
		print_error("%s\n", dlerror());
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
