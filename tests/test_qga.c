/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client of the guest agent against a fake on a socketpair: what an agent answers, and what somebody in the guest might answer in its
 * place. tests/lab/guest_agent.t has the real one.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../src/base/clock.h"
#include "../src/base/text.h"
#include "../src/qga/interrupts.h"
#include "../src/qga/reply.h"

#define SYNC "\xff{\"return\": @}\n" /* @: the number that the client sent */
#define MS 2000

/* ---- the fake ---- */

struct fake {
	int fd; /* the client's end */
	pid_t pid;
};

/* Says each line of the script in answer to one of the client's, with its number in the place of @; then is silent. */
static void serve(int fd, const char *const *script)
{
	FILE *in = fdopen(fd, "r+");
	char *line = NULL;
	size_t room = 0;

	setvbuf(in, NULL, _IONBF, 0);
	for (; *script && getline(&line, &room, in) > 0; script++) {
		const char *number = strstr(line, "\"id\":");
		if (!strchr(*script, '@')) {
			fputs(*script, in);
			continue;
		}
		for (const char *p = *script; *p; p++) {
			if (*p == '@' && number)
				fprintf(in, "%ld", strtol(number + 5, NULL, 10));
			else
				fputc(*p, in);
		}
	}
	while (getline(&line, &room, in) > 0)
		;
	_exit(0);
}

static struct fake start(const char *const *script)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[0]);
		serve(fds[1], script);
	}
	close(fds[1]);
	return (struct fake){fds[0], pid};
}

static void end(const struct fake *fake)
{
	kill(fake->pid, SIGKILL);
	waitpid(fake->pid, NULL, 0);
}

static struct vn_qga *attach(const struct fake *fake)
{
	struct vn_qga *qga = NULL;
	vn_autoerror err = {0};

	if (vn_qga_attach(fake->fd, "fake", MS, -1, &qga, &err) < 0)
		fail_msg("%s", err.problems[0].text);
	return qga;
}

/* ---- what an agent does ---- */

static void test_files_and_interfaces(void **state)
{
	(void)state;
	static const char *const script[] = {
		"{\"return\": 4}\n{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\nrest" SYNC,
		"{\"return\": {\"supported_commands\": [{\"name\": \"guest-file-open\", \"enabled\": true},"
		" {\"name\": \"guest-file-read\", \"enabled\": false}]}}\n",
		"{\"return\": 1000}\n",
		"{\"return\": {\"count\": 2, \"buf-b64\": \"Mwo=\", \"eof\": false}}\n",
		"{\"return\": {\"count\": 0, \"buf-b64\": \"\", \"eof\": true}}\n", "{\"return\": {}}\n",
		"{\"return\": 1001}\n", "{\"return\": {\"count\": 3, \"eof\": false}}\n",
		"{\"error\": {\"class\": \"GenericError\", \"desc\": \"failed to close handle: Invalid argument\"}}\n",
		"{\"return\": [{\"name\": \"lo\", \"hardware-address\": \"00:00:00:00:00:00\"},"
		" {\"name\": \"eth0\", \"hardware-address\": \"52:54:00:AA:bb:01\"}, {\"name\": \"wg0\"},"
		" {\"name\": \"../../x\", \"hardware-address\": \"52:54:00:aa:bb:02\"},"
		" {\"name\": \"..\", \"hardware-address\": \"52:54:00:aa:bb:02\"},"
		" {\"name\": \"eth1\", \"hardware-address\": \"52:54:00:aa:bb\"},"
		" {\"name\": \"a-name-of-16-byte\", \"hardware-address\": \"52:54:00:aa:bb:02\"},"
		" {\"name\": \"a b\", \"hardware-address\": \"52:54:00:aa:bb:02\"}]}\n",
		NULL};
	struct fake fake = start(script);
	vn_autoqga *qga = attach(&fake);
	vn_autoerror forbids = {0}, refuses = {0}, err = {0};
	static const char *const commands[] = {"guest-file-open", "guest-file-read", "guest-exec", NULL};

	assert_int_equal(vn_qga_allows(qga, commands, &forbids), -EPERM);
	assert_string_equal(
		forbids.problems[0].text, "guest agent fake: it does not allow guest-file-read, guest-exec");
	vn_autofree char *text = NULL;
	assert_int_equal(vn_qga_read_file(qga, "/x", &text, &err), 0);
	assert_string_equal(text, "3\n");
	assert_int_equal(vn_qga_write_file(qga, "/x", "f,f", &refuses), -EREMOTEIO);
	assert_string_equal(refuses.problems[0].text,
		"guest agent fake: guest-file-close: failed to close handle: Invalid argument");
	vn_autofree struct vn_qga_interfaces *all = calloc(1, sizeof(*all));
	assert_int_equal(vn_qga_read_interfaces(qga, all, &err), 0);
	assert_int_equal(all->n, 2);
	assert_string_equal(all->v[1].name, "eth0");
	assert_string_equal(all->v[1].mac, "52:54:00:aa:bb:01");
	assert_int_equal(err.n, 0);
	end(&fake);
}

/* ---- what is none ---- */

static void assert_attach_fails(const char *const *script, int timeout_ms, int status, const char *says)
{
	struct fake fake = start(script);
	struct vn_qga *qga = NULL;
	vn_autoerror err = {0};
	int64_t begun = vn_now_ms();

	assert_int_equal(vn_qga_attach(fake.fd, "fake", timeout_ms, -1, &qga, &err), status);
	assert_null(qga);
	assert_true(vn_now_ms() - begun < timeout_ms + 1500);
	assert_int_equal(err.n, 1);
	assert_false(err.input);
	if (!strstr(err.problems[0].text, says))
		fail_msg("'%s' is not in '%s'", says, err.problems[0].text);
	end(&fake);
}

static void test_silence_is_told(void **state)
{
	(void)state;
	static const char silent[] = "no agent runs in the guest, it hangs, or somebody else talks to it";
	assert_attach_fails((const char *[]){NULL}, 100, -ETIMEDOUT, silent);
	assert_attach_fails((const char *[]){"{\"return\": @}\n", NULL}, 100, -ETIMEDOUT, silent);
	assert_attach_fails((const char *[]){"\xff{\"return\": @", NULL}, 100, -ETIMEDOUT, silent);
	assert_attach_fails((const char *[]){"\xff{\"return\": 5}\n", NULL}, 100, -ETIMEDOUT, silent);
	assert_attach_fails((const char *[]){"\xff{\"return\": \"@\"}\n", NULL}, 100, -ETIMEDOUT, silent);
}

static void test_huge_replies_end_it(void **state)
{
	(void)state;
	vn_autofree char *huge = malloc(2 * VN_QGA_REPLY_MAX + 3);
	memset(huge, 'x', 2 * VN_QGA_REPLY_MAX + 2);
	huge[2 * VN_QGA_REPLY_MAX + 2] = '\0';
	assert_attach_fails((const char *[]){huge, NULL}, MS, -EMSGSIZE, "a reply of more than 1024 KiB");
}

/* How reading a file ends with each of these replies to it. The connection is of no use then: nothing is sent any more. */
static void assert_read_fails(const char *opened, const char *read, int status)
{
	const char *const script[] = {SYNC, opened, read, "{\"return\": {}}\n", NULL};
	struct fake fake = start(script);
	vn_autoqga *qga = attach(&fake);
	vn_autoerror err = {0}, after = {0};
	char *text = NULL;

	int r = vn_qga_read_file(qga, "/x", &text, &err);
	if (r != status)
		fail_msg("%s %s: status %d", opened, read ? read : "", r);
	assert_null(text);
	assert_int_equal(err.n, 1);
	if (status != -EREMOTEIO)
		assert_int_equal(vn_qga_write_file(qga, "/x", "1", &after), -ENOTCONN);
	end(&fake);
}

static void test_hostile_replies(void **state)
{
	(void)state;
	static const char *const not_handles[] = {"{\"return\": \"1\"}\n", "{\"return\": 1.5}\n",
		"{\"return\": {}}\n", "{}\n", "[1]\n", "\n", "\x01\x02\xfe\n",
		"{\"return\": 1, \"error\": {}}\n", "{\"error\": \"no\"}\n",
		"{\"return\": 1, \"return\": 2}\n"};
	static const char *const not_chunks[] = {
		"{\"return\": {\"count\": 3, \"buf-b64\": \"Mwo=\", \"eof\": true}}\n",
		"{\"return\": {\"count\": -1, \"buf-b64\": \"\", \"eof\": true}}\n",
		"{\"return\": {\"count\": 0, \"buf-b64\": \"\", \"eof\": false}}\n",
		"{\"return\": {\"count\": 2, \"buf-b64\": \"Mwo\", \"eof\": true}}\n",
		"{\"return\": {\"count\": 2, \"buf-b64\": \"M=o=\", \"eof\": true}}\n",
		"{\"return\": {\"count\": 2, \"buf-b64\": \"Mw o\", \"eof\": true}}\n",
		"{\"return\": {\"count\": 1, \"buf-b64\": \"AA==\", \"eof\": true}}\n", /* a NUL */
		"{\"return\": {\"count\": 2, \"eof\": true}}\n", "{\"return\": [2]}\n"};

	for (size_t i = 0; i < sizeof(not_handles) / sizeof(not_handles[0]); i++)
		assert_read_fails(not_handles[i], NULL, -EPROTO);
	for (size_t i = 0; i < sizeof(not_chunks) / sizeof(not_chunks[0]); i++)
		assert_read_fails("{\"return\": -3}\n", not_chunks[i], -EPROTO);
	assert_read_fails("{\"error\": {\"desc\": \"a\\u001b[2J\"}}\n", NULL, -EREMOTEIO);
	assert_read_fails("{\"error\": {}}\n", NULL, -EREMOTEIO);
}

static void test_errors_are_made_harmless(void **state)
{
	(void)state;
	static const char line[] = "{\"error\": {\"desc\": \"a\\u001b[2J\"}}";
	json_auto_t *said = NULL, *other = NULL;
	assert_int_equal(vn_qga_parse(line, strlen(line), &said), -EREMOTEIO);
	assert_string_equal(json_string_value(said), "an error without a text that can be told");
	static const char good[] = "{\"error\": {\"desc\": \"no such file\"}}";
	assert_int_equal(vn_qga_parse(good, strlen(good), &other), -EREMOTEIO);
	assert_string_equal(json_string_value(other), "no such file");
}

/* Lines that are no answer, without an end, do not hold anybody longer than the timeout, as fast as they may come. */
static void test_flood_ends(void **state)
{
	(void)state;
	struct vn_qga *qga = NULL;
	vn_autoerror err = {0};
	char lines[1 << 16];
	int fds[2];

	for (size_t i = 0; i < sizeof(lines); i += 4)
		memcpy(lines + i, "\xff{}\n", 4);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[0]);
		for (int64_t begun = vn_now_ms();
			vn_now_ms() - begun < 10000;) { /* a failure is to end, too */
			if (send(fds[1], lines, sizeof(lines), MSG_NOSIGNAL) < 0)
				break;
		}
		_exit(0);
	}
	close(fds[1]);
	int64_t begun = vn_now_ms();
	assert_int_equal(vn_qga_attach(fds[0], "fake", 200, -1, &qga, &err), -ETIMEDOUT);
	assert_true(vn_now_ms() - begun < 3000);
	assert_null(qga);
	end(&(struct fake){-1, pid});
}

/* An agent that takes its time with each reply may do so ten times in all. */
static void test_hangs_end_it(void **state)
{
	(void)state;
	static const char *const script[] = {SYNC, "{\"return\": 1}\n", NULL};
	struct fake fake = start(script);
	struct vn_qga *qga = NULL;
	vn_autoerror err = {0};
	char *text = NULL;
	int64_t begun = vn_now_ms();

	assert_int_equal(vn_qga_attach(fake.fd, "fake", 300, -1, &qga, &err), 0);
	assert_int_equal(vn_qga_read_file(qga, "/x", &text, &err), -ETIMEDOUT);
	assert_true(vn_now_ms() - begun < 3000);
	assert_non_null(strstr(err.problems[0].text, "(guest-file-read)"));
	vn_qga_free(qga);
	end(&fake);
}

/* ---- texts ---- */

static void test_base64(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "f", "fo", "foo", "foob", "\xff\xfe\x80?>"};
	static const char *const codes[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "//6APz4="};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		vn_autofree char *code = vn_qga_base64(texts[i], strlen(texts[i]));
		unsigned char back[16];
		size_t n = 99;
		bool eof = false;
		assert_string_equal(code, codes[i]);
		json_auto_t *reply = json_pack(
			"{s:i, s:s, s:b}", "count", (int)strlen(texts[i]), "buf-b64", code, "eof", 1);
		assert_int_equal(vn_qga_chunk(reply, sizeof(back), back, &n, &eof), 0);
		assert_int_equal(n, strlen(texts[i]));
		assert_memory_equal(back, texts[i], n);
		assert_true(eof);
		if (n > 0)
			assert_int_equal(vn_qga_chunk(reply, n - 1, back, &n, &eof), -EPROTO);
	}
}

static void test_interrupts(void **state)
{
	(void)state;
	vn_autoqgairqs irqs = {0};
	static const char text[] =
		"            CPU0       CPU1\n"
		"   0:         45          0   IO-APIC   2-edge      timer\n"
		"  29:          0          2  PCI-MSIX-0000:00:02.0   3-edge      virtio0-input.1\n"
		"  27:          0          2  PCI-MSIX-0000:00:02.0   1-edge      virtio0-input.0\n"
		"  28:          0          4  PCI-MSIX-0000:00:02.0   2-edge      virtio0-output.0\n"
		"  25:          0        133  PCI-MSIX-0000:00:03.0   1-edge      virtio1-virtqueues\n"
		"  31:          0          0  x virtio-input.0\n"
		"  32:          0          0  x virtio01-input.0\n"
		"  33:          0          0  x virtio1-input.0x\n"
		"  34:          0          0  x virtio1-input.99999999999\n"
		"  -5:          0          0  x virtio1-input.7\n"
		"99999999999:   0          0  x virtio1-input.8\n"
		" NMI:          0          0   Non-maskable interrupts virtio1-input.9\n"
		"  35 virtio1-input.1\n";
	assert_int_equal(vn_qga_irqs_parse(text, &irqs), 0);
	assert_int_equal(irqs.n, 3);
	assert_int_equal(irqs.v[0].number, 27);
	assert_false(irqs.v[0].output);
	assert_int_equal(irqs.v[1].number, 28);
	assert_true(irqs.v[1].output);
	assert_int_equal(irqs.v[2].queue, 1);
	struct vn_qga_irqs none = {0};
	assert_int_equal(vn_qga_irqs_parse("1: virtio0-input.0\n2: virtio0-input.0\n", &none), -EPROTO);
	assert_int_equal(vn_qga_irqs_parse("1: virtio0-input.0\n1: virtio0-input.1\n", &none), -EPROTO);
	assert_int_equal(vn_qga_irqs_parse("", &none), 0);
	assert_int_equal(none.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_and_interfaces),
		cmocka_unit_test(test_silence_is_told),
		cmocka_unit_test(test_huge_replies_end_it),
		cmocka_unit_test(test_hostile_replies),
		cmocka_unit_test(test_errors_are_made_harmless),
		cmocka_unit_test(test_flood_ends),
		cmocka_unit_test(test_hangs_end_it),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_interrupts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
