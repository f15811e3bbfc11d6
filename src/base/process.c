/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "process.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>

#include "cleanup.h"
#include "error.h"
#include "parse.h"
#include "text.h"

#define PROC_FILE_MAX (1u << 20)
#define FIELD_STATE 3
#define FIELD_START_TIME 22 /* proc(5) */
#define DELETED " (deleted)"

int vn_stat_parse(const char *text, uint64_t *ret_start_time)
{
	const char *end = strrchr(text, ')');
	vn_autofree char *rest = end && end[1] == ' ' ? strdup(end + 2) : NULL;
	char *fields = rest, *field, state = 0;

	for (unsigned n = FIELD_STATE; (field = fields ? strsep(&fields, " \n") : NULL); n++) {
		if (n == FIELD_STATE && strlen(field) == 1)
			state = *field;
		if (n != FIELD_START_TIME)
			continue;
		uint64_t start_time;
		if (!state || vn_parse_u64(field, UINT64_MAX, &start_time) < 0)
			return -EINVAL;
		if (state == 'Z' || state == 'X')
			return -ESRCH;
		*ret_start_time = start_time;
		return 0;
	}
	return -EINVAL;
}

/* A process that ends while we read: ENOENT at open, ESRCH at read. */
static int proc_errno(void)
{
	return errno == ENOENT ? -ESRCH : vn_errno();
}

int vn_proc_read(const char *path, char **ret_text)
{
	vn_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	vn_autofree char *text = NULL;
	size_t length = 0, room = 0;

	if (fd < 0)
		return proc_errno();
	for (;;) {
		if (room - length < 2) {
			char *grown = room < PROC_FILE_MAX ? realloc(text, room += 4096 + room) : NULL;
			if (!grown)
				return room < PROC_FILE_MAX ? -ENOMEM : -EFBIG;
			text = grown;
		}
		ssize_t n = read(fd, text + length, room - length - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return proc_errno();
		if (n == 0)
			break;
		length += (size_t)n;
	}
	text[length] = '\0';
	*ret_text = vn_steal(text);
	return 0;
}

static int start_time_of(const char *path, uint64_t *ret_start_time)
{
	vn_autofree char *text = NULL;
	int r = vn_proc_read(path, &text);

	return r == 0 ? vn_stat_parse(text, ret_start_time) : r;
}

int vn_process_start_time(pid_t pid, uint64_t *ret_start_time)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return start_time_of(path, ret_start_time);
}

int vn_thread_start_time(pid_t pid, pid_t tid, uint64_t *ret_start_time)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	return start_time_of(path, ret_start_time);
}

void vn_exe_trim(char *target)
{
	size_t length = strlen(target), end = sizeof(DELETED) - 1;

	if (length > end && strcmp(target + length - end, DELETED) == 0)
		target[length - end] = '\0';
}

int vn_process_exe(pid_t pid, char **ret_exe)
{
	char path[64], target[PATH_MAX + sizeof(DELETED)];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return proc_errno();
	target[n] = '\0';
	vn_exe_trim(target);
	char *exe = strdup(target);
	if (!exe)
		return -ENOMEM;
	*ret_exe = exe;
	return 0;
}

/* Adds "NAME: N kB" to *sum; whether there is one. */
static bool add_kib(const char *status, const char *name, uint64_t *sum)
{
	const char *line = strstr(status, name);
	uint64_t kib;

	if (!line)
		return false;
	line += strlen(name);
	line += strspn(line, " \t");
	vn_autofree char *number = strndup(line, strspn(line, "0123456789"));
	if (!number || vn_parse_u64(number, UINT64_MAX / 2048, &kib) < 0)
		return false;
	*sum += kib * 1024;
	return true;
}

int vn_process_pinned(pid_t pid, uint64_t *ret_bytes)
{
	vn_autofree char *status = NULL;
	char path[64];
	uint64_t sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	int r = vn_proc_read(path, &status);
	if (r < 0)
		return r;
	bool locked = add_kib(status, "\nVmLck:", &sum), pinned = add_kib(status, "\nVmPin:", &sum);
	if (!locked && !pinned)
		return -EINVAL;
	*ret_bytes = sum;
	return 0;
}

int vn_process_match(pid_t pid, uint64_t start_time, const char *exe)
{
	vn_autofree char *now = NULL;
	uint64_t started;
	int r = vn_process_start_time(pid, &started);

	if (r == -ESRCH)
		return VN_PROCESS_GONE;
	if (r != 0)
		return r;
	if (started != start_time)
		return VN_PROCESS_STRANGER;
	if (!exe)
		return VN_PROCESS_SAME;
	r = vn_process_exe(pid, &now);
	if (r == -ESRCH)
		return VN_PROCESS_GONE;
	if (r < 0)
		return r;
	return strcmp(now, exe) == 0 ? VN_PROCESS_SAME : VN_PROCESS_STRANGER;
}

int vn_process_open(pid_t pid, uint64_t start_time, const char *exe)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	int r = vn_process_match(pid, start_time, exe);
	if (r == VN_PROCESS_SAME)
		return fd;
	close(fd);
	return r < 0 ? r : -ESRCH;
}

int vn_process_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int vn_boot_id(char ret_boot[static VN_BOOT_ID])
{
	vn_autofree char *text = NULL;
	int r = vn_proc_read("/proc/sys/kernel/random/boot_id", &text);

	if (r < 0)
		return r;
	if (strspn(text, "0123456789abcdef-") != VN_BOOT_ID - 1 || strcmp(text + VN_BOOT_ID - 1, "\n") != 0)
		return -EINVAL;
	memcpy(ret_boot, text, VN_BOOT_ID - 1);
	ret_boot[VN_BOOT_ID - 1] = '\0';
	return 0;
}
