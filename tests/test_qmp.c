/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The QMP client against a fake on a socketpair (what goes wrong on the wire) and against a real QEMU without
 * a machine. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../src/base/clock.h"
#include "../src/base/text.h"
#include "../src/qmp/qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n"
#define READY GREETING "{\"return\": {}, \"id\": 1}\n"

/* The fake says all it has to say at once: replies carry the ids 1, 2, … that the client is known to use. */
static int attach(const char *script, bool closes, int timeout_ms, struct vn_qmp **qmp, int *server,
	struct vn_error *err)
{
	struct vn_qmp_limits limits = VN_QMP_LIMITS(timeout_ms);
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(write(fds[1], script, strlen(script)), (ssize_t)strlen(script));
	if (closes)
		shutdown(fds[1], SHUT_WR);
	*server = fds[1];
	return vn_qmp_attach(fds[0], "fake", &limits, qmp, err);
}

static void test_returns_come_back(void **state)
{
	(void)state;
	vn_autoqmp *qmp = NULL;
	vn_autoclose int server = -1;
	vn_autoerror err = {0};
	json_auto_t *value = NULL;
	assert_int_equal(
		attach(READY "{\"return\": {\"x\": 5}, \"id\": 2}\n", false, 1000, &qmp, &server, &err), 0);
	json_auto_t *arguments = json_pack("{s:i}", "a", 1);
	assert_int_equal(vn_qmp_execute(qmp, "ask", arguments, &value, &err), 0);
	assert_int_equal(json_integer_value(json_object_get(value, "x")), 5);
	assert_int_equal(err.n, 0);
	char said[512] = "";
	assert_true(read(server, said, sizeof(said) - 1) > 0);
	assert_non_null(strstr(said, "{\"execute\":\"qmp_capabilities\",\"id\":1}\n"));
	assert_non_null(strstr(said, "{\"execute\":\"ask\",\"id\":2,\"arguments\":{\"a\":1}}\n"));
}

static void test_error_reply_names_all(void **state)
{
	(void)state;
	vn_autoqmp *qmp = NULL;
	vn_autoclose int server = -1;
	vn_autoerror err = {0};
	json_t *value = NULL;
	assert_int_equal(
		attach(READY
			"{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no such\"}, \"id\": 2}\n",
			false, 1000, &qmp, &server, &err),
		0);
	assert_int_equal(vn_qmp_execute(qmp, "nonsense", NULL, &value, &err), -EREMOTEIO);
	assert_null(value);
	assert_int_equal(err.n, 1);
	assert_false(err.input);
	assert_string_equal(err.problems[0].text, "QMP fake: nonsense: CommandNotFound: no such");
}

static void test_events_in_between_are_kept(void **state)
{
	(void)state;
	vn_autoqmp *qmp = NULL;
	vn_autoclose int server = -1;
	vn_autoerror err = {0};
	json_auto_t *event = NULL;
	assert_int_equal(
		attach(READY "{\"event\": \"RESUME\"}\n{\"event\": \"STOP\", \"data\": {\"n\": 1}}\n"
			     "{\"return\": {}, \"id\": 1}\n{\"event\": \"STOP\", \"data\": {\"n\": 2}}\n"
			     "{\"return\": {}, \"id\": 2}\n",
			false, 1000, &qmp, &server, &err),
		0);
	assert_int_equal(vn_qmp_execute(qmp, "cont", NULL, NULL, &err), 0);
	for (int n = 1; n <= 2; n++) {
		json_auto_t *stop = NULL;
		assert_int_equal(vn_qmp_wait_event(qmp, "STOP", 0, &stop, &err), 0);
		assert_int_equal(json_integer_value(json_object_get(json_object_get(stop, "data"), "n")), n);
	}
	assert_int_equal(vn_qmp_wait_event(qmp, "STOP", 30, &event, &err), -ETIMEDOUT);
	assert_null(event);
	assert_int_equal(vn_qmp_wait_event(qmp, "RESUME", 0, &event, &err), 0);
	assert_int_equal(err.n, 0);
}

static void test_event_queue_is_bounded(void **state)
{
	(void)state;
	int fds[2];
	struct vn_qmp_limits limits = VN_QMP_LIMITS(5000);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	pid_t child = fork();
	if (child == 0) {
		close(fds[0]);
		FILE *out = fdopen(fds[1], "w");
		fprintf(out, "%s", READY);
		for (int i = 0; i < 1000; i++)
			fprintf(out, "{\"event\": \"E\", \"data\": %d}\n", i);
		fprintf(out, "{\"return\": {}, \"id\": 2}\n");
		fflush(out);
		char byte;
		while (read(fds[1], &byte, 1) > 0)
			;
		_exit(0);
	}
	close(fds[1]);
	vn_autoqmp *qmp = NULL;
	vn_autoerror err = {0};
	json_auto_t *event = NULL;
	assert_int_equal(vn_qmp_attach(fds[0], "fake", &limits, &qmp, &err), 0);
	assert_int_equal(vn_qmp_execute(qmp, "x", NULL, NULL, &err), 0);
	assert_int_equal(vn_qmp_wait_event(qmp, "E", 0, &event, &err), 0);
	assert_int_equal(json_integer_value(json_object_get(event, "data")), 1000 - VN_QMP_EVENTS_MAX);
	vn_qmp_free(qmp);
	qmp = NULL;
	waitpid(child, NULL, 0);
}

static void assert_attach_fails(const char *script, bool closes, int status, const char *says)
{
	struct vn_qmp *qmp = NULL;
	vn_autoclose int server = -1;
	vn_autoerror err = {0};
	assert_int_equal(attach(script, closes, 60, &qmp, &server, &err), status);
	assert_null(qmp);
	assert_int_equal(err.n, 1);
	assert_false(err.input);
	assert_non_null(strstr(err.problems[0].text, says));
}

static void test_wrong_servers_are_told(void **state)
{
	(void)state;
	assert_attach_fails("", false, -ETIMEDOUT, "one client at a time");
	assert_attach_fails("", true, -ECONNRESET, "closed the connection");
	assert_attach_fails("{\"QMP\": {", true, -ECONNRESET, "closed the connection");
	assert_attach_fails("SSH-2.0-OpenSSH\n", false, -EPROTO, "not QEMU's protocol");
	assert_attach_fails("{\"hello\": 1}\n", false, -EPROTO, "not QEMU's protocol");
	assert_attach_fails("[1]\n", false, -EPROTO, "not QEMU's protocol");
	assert_attach_fails("{\"event\": \"STOP\"}\n", false, -EPROTO, "not QEMU's protocol");
	assert_attach_fails(GREETING, false, -ETIMEDOUT, "qmp_capabilities");
	assert_attach_fails(GREETING "\xff\xfe\n", false, -EPROTO, "not QEMU's protocol");
	assert_attach_fails(GREETING "{\"return\": {}, \"id\": 77}\n", false, -ETIMEDOUT, "qmp_capabilities");
}

static void test_silence_costs_no_more_than_the_timeout(void **state)
{
	(void)state;
	vn_autoqmp *qmp = NULL;
	vn_autoclose int server = -1;
	vn_autoerror err = {0};
	assert_int_equal(attach(READY, false, 100, &qmp, &server, &err), 0);
	int64_t start = vn_now_ms();
	assert_int_equal(vn_qmp_execute(qmp, "x", NULL, NULL, &err), -ETIMEDOUT);
	int64_t took = vn_now_ms() - start;
	assert_true(took >= 95 && took < 2000);
	/* Its late answer is not taken for the answer to the next command. */
	static const char late[] = "{\"return\": 1, \"id\": 2}\n{\"return\": 2, \"id\": 3}\n";
	json_auto_t *value = NULL;
	assert_int_equal(write(server, late, strlen(late)), (ssize_t)strlen(late));
	assert_int_equal(vn_qmp_execute(qmp, "y", NULL, &value, &err), 0);
	assert_int_equal(json_integer_value(value), 2);
}

static void test_abort_descriptor_ends_a_wait(void **state)
{
	(void)state;
	vn_autoclose int fd = eventfd(1, EFD_CLOEXEC);
	struct vn_qmp_limits limits = {60000, {fd, -1}};
	struct vn_qmp *qmp = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_qmp_connect("/nonexistent/socket", &limits, &qmp, &err), -ECANCELED);
	assert_null(qmp);
}

static void test_no_socket(void **state)
{
	(void)state;
	struct vn_qmp_limits limits = VN_QMP_LIMITS(50);
	struct vn_qmp *qmp = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_qmp_connect("/nonexistent/socket", &limits, &qmp, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.problems[0].text, "no QEMU listens there"));
	char path[200];
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(vn_qmp_connect(path, &limits, &qmp, &err), -ENAMETOOLONG);
	assert_null(qmp);
}

static void test_message_size_is_bounded(void **state)
{
	(void)state;
	int fds[2];
	struct vn_qmp_limits limits = VN_QMP_LIMITS(20000);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	pid_t child = fork();
	if (child == 0) {
		static char block[65536];
		memset(block, ' ', sizeof(block));
		close(fds[0]);
		while (send(fds[1], block, sizeof(block), MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	close(fds[1]);
	struct vn_qmp *qmp = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_qmp_attach(fds[0], "fake", &limits, &qmp, &err), -EMSGSIZE);
	assert_null(qmp);
	waitpid(child, NULL, 0);
}

static void test_real_qemu(void **state)
{
	(void)state;
	char directory[] = "/tmp/vnuma-qmp.XXXXXX";
	assert_non_null(mkdtemp(directory));
	vn_autofree char *path = vn_format("%s/qmp", directory);
	vn_autofree char *option = vn_format("unix:%s,server=on,wait=off", path);
	pid_t child = fork();
	if (child == 0) {
		execlp("qemu-system-x86_64", "qemu-system-x86_64", "-M", "none", "-display", "none", "-qmp",
			option, NULL);
		_exit(127);
	}
	struct vn_qmp_limits limits = VN_QMP_LIMITS(10000);
	vn_autoqmp *qmp = NULL;
	vn_autoerror err = {0};
	int r = vn_qmp_connect(path, &limits, &qmp, &err), status = 0;
	if (r < 0 && waitpid(child, &status, WNOHANG) == child && WIFEXITED(status) &&
		WEXITSTATUS(status) == 127) {
		rmdir(directory);
		skip();
	}
	assert_int_equal(r, 0);
	json_auto_t *value = NULL;
	assert_int_equal(vn_qmp_execute(qmp, "query-status", NULL, &value, &err), 0);
	assert_true(json_is_true(json_object_get(value, "running")));
	vn_autofree char *text = NULL;
	assert_int_equal(vn_qmp_human(qmp, "info status", &text, &err), 0);
	assert_string_equal(text, "VM status: running\r\n");
	assert_int_equal(vn_qmp_execute(qmp, "no-such-command", NULL, NULL, &err), -EREMOTEIO);
	assert_non_null(strstr(err.problems[0].text, "no-such-command: CommandNotFound: "));

	struct vn_qmp_limits hasty = VN_QMP_LIMITS(200);
	struct vn_qmp *second = NULL;
	assert_int_equal(vn_qmp_connect(path, &hasty, &second, &err), -ETIMEDOUT);

	json_auto_t *event = NULL;
	assert_int_equal(vn_qmp_execute(qmp, "quit", NULL, NULL, &err), 0);
	assert_int_equal(vn_qmp_wait_event(qmp, "SHUTDOWN", 5000, &event, &err), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	unlink(path);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_returns_come_back),
		cmocka_unit_test(test_error_reply_names_all),
		cmocka_unit_test(test_events_in_between_are_kept),
		cmocka_unit_test(test_event_queue_is_bounded),
		cmocka_unit_test(test_wrong_servers_are_told),
		cmocka_unit_test(test_silence_costs_no_more_than_the_timeout),
		cmocka_unit_test(test_abort_descriptor_ends_a_wait),
		cmocka_unit_test(test_no_socket),
		cmocka_unit_test(test_message_size_is_bounded),
		cmocka_unit_test(test_real_qemu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
