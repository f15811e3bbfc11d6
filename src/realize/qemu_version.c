/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: QMP's query-version would tell the same, but only of a QEMU that has its command line already. So a child of its
 * own is asked, which prints a line and ends (QEMU's version() in softmmu/vl.c). The program may be a script around QEMU, and may do
 * anything: it is its own session, and what is left of that when the answer is there, too long or too late, is killed.
 */
#define _GNU_SOURCE
#include "qemu_version.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/parse.h"
#include "../base/text.h"
#include "../emit/target.h"
#include "spawn.h"

#define MAX_PART 999u /* VN_TARGET_VERSION() has three digits for each */

/* ---- what it says ---- */

/* One number of a version, behind which the text goes on. */
static bool take_part(const char **text, unsigned *ret)
{
	size_t digits = strspn(*text, "0123456789");
	vn_autofree char *part = strndup(*text, digits);
	uint64_t number;

	if (!part || vn_parse_u64(part, MAX_PART, &number) < 0)
		return false;
	*text += digits;
	*ret = (unsigned)number;
	return true;
}

/*
 * Behind the number: " (Debian 1:7.2+dfsg-7)", "(Debian 1:2.11+dfsg-1ubuntu7)" without a blank before 2.12, ", Copyright" before 2.9,
 * "-rc1", "-dirty", "+ds" of builds from a repository; a blank.
 */
static bool ends_number(char c)
{
	return c == 0 || strchr(" \t\r\n(,-+~", c);
}

int vn_qemu_version_parse(const char *text, unsigned *ret_version)
{
	static const char start[] = "QEMU emulator version ";
	unsigned parts[3] = {0};
	const char *line = text;

	/* before it there may be what a loader or a script complains of */
	while (*line && strncmp(line, start, sizeof(start) - 1) != 0)
		line = vn_next_line(line);
	if (!*line)
		return -EINVAL;
	line += sizeof(start) - 1;
	line += *line == 'v'; /* git's tag, in builds from a repository */
	if (!take_part(&line, &parts[0]) || *line++ != '.' || !take_part(&line, &parts[1]))
		return -EINVAL;
	if (*line == '.' && (line++, !take_part(&line, &parts[2])))
		return -EINVAL;
	if (!ends_number(*line) || parts[0] == 0)
		return -EINVAL;
	*ret_version = VN_TARGET_VERSION(parts[0], parts[1], parts[2]);
	return 0;
}

/* ---- asking ---- */

/* Reads up to the end of what it says. -ETIMEDOUT, -ECANCELED, -EFBIG. */
static int read_answer(int fd, int abort_fd, char text[static VN_QEMU_ANSWER_MAX + 1])
{
	int64_t deadline = vn_now_ms() + VN_QEMU_ANSWER_MS;
	size_t n = 0;

	for (;;) {
		struct pollfd ready[2] = {{fd, POLLIN, 0}, {abort_fd, POLLIN, 0}};
		int r = poll(ready, 2, vn_left_ms(deadline));
		if (r < 0 && errno != EINTR)
			return vn_errno();
		if (r == 0)
			return -ETIMEDOUT;
		if (r > 0 && ready[1].revents)
			return -ECANCELED;
		if (r < 0 || !ready[0].revents)
			continue;
		ssize_t got = read(fd, text + n, VN_QEMU_ANSWER_MAX - n);
		if (got < 0)
			return vn_errno();
		n += (size_t)got;
		text[n] = 0;
		if (got == 0)
			return 0;
		if (n == VN_QEMU_ANSWER_MAX)
			return -EFBIG;
	}
}

/* The child and whatever it has started. It was not waited for, so its number is still its own. */
static void end_session(struct vn_child *child)
{
	if (child->pid > 0)
		kill(-child->pid, SIGKILL); /* none: it has not come as far as to make its session */
	vn_spawn_kill(child);
}

static int ask(const char *path, int abort_fd, char *text, struct vn_error *err)
{
	vn_autofree char *program = vn_copy(path);
	char *argv[] = {program, (char[]){"-version"}, NULL};
	struct vn_child child = {0};
	int ends[2];

	if (!program || pipe2(ends, O_CLOEXEC) < 0)
		return vn_error_environment(err, program ? vn_errno() : -ENOMEM, "no pipe: %s",
			program ? strerror(errno) : "out of memory");
	vn_autoclose int answer = ends[0], question = ends[1];
	int r = vn_spawn(argv, question, &child, err);
	if (r < 0)
		return r;
	close(question); /* or the answer had no end */
	question = -1;
	r = vn_spawn_go(&child, path, err);
	if (r == 0 && (r = read_answer(answer, abort_fd, text)) < 0)
		vn_error_environment(err, r, "'%s -version': %s", path,
			r == -ETIMEDOUT   ? "no answer in time"
			: r == -EFBIG     ? "too long an answer"
			: r == -ECANCELED ? "interrupted"
					  : strerror(-r));
	end_session(&child);
	return r;
}

int vn_qemu_version(const char *path, int abort_fd, unsigned *ret_version, struct vn_error *err)
{
	char text[VN_QEMU_ANSWER_MAX + 1] = "", seen[VN_QUOTE_MAX];

	int r = ask(path, abort_fd, text, err);
	if (r < 0)
		return r;
	if (vn_qemu_version_parse(text, ret_version) < 0)
		return vn_error_environment(err, -EPROTO,
			"'%s -version' answers '%s'; expected 'QEMU emulator version' and a number", path,
			vn_quote(text, seen));
	return 0;
}
