/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: QEMU serves one client of a monitor at a time. Whoever else connects is queued by the kernel, and would have
 * to be waited for; and a client that finds its monitor taken would wait for us. So nobody is asked whose socket is in use, and that
 * is known before a connection is made: each socket that was made by accept(2) has its listener's path in /proc/net/unix.
 *
 *     Num       RefCount Protocol Flags    Type St Inode Path
 *     0: 00000002 00000000 00010000 0001 01 1234 /run/vm/qmp      listens: __SO_ACCEPTCON among the flags
 *     0: 00000003 00000000 00000000 0001 03 1235 /run/vm/qmp      connected; 02: not accepted yet
 *
 * (net/unix/af_unix.c, unix_seq_show(); a connection is given the address of its listener in unix_stream_connect(), and is listed in
 * the network namespace of the one who connects.) So both QEMU's namespace and ours are looked at.
 *
 * The path is QEMU's: relative to its working directory, in its mount namespace. It is opened there first, and then connected to
 * through /proc/self/fd, which also takes paths that are too long for sockaddr_un once something stands before them. That it is
 * this process that listens, and not somebody who put another socket there, the kernel tells (SO_PEERCRED, of the time of listen(2)).
 */
#define _GNU_SOURCE
#include "monitor_socket.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../base/text.h"

#define MAX_NET_UNIX (64u << 20)
#define LISTENS 0x10000u /* __SO_ACCEPTCON */

/* Whether a line of `n` bytes is of a socket at `path`. */
static bool read_socket(const char *line, size_t n, const char *path, unsigned *flags, unsigned *state)
{
	size_t length = strlen(path);
	int at = 0;

	if (n <= length || strncmp(line + n - length, path, length) != 0)
		return false;
	/* Fields of fixed width. NOLINTNEXTLINE(cert-err34-c) */
	int fields = sscanf(
		line, "%*[0-9a-f]: %*8[0-9A-F] %*8[0-9A-F] %8x %*4[0-9A-F] %2x %*d %n", flags, state, &at);
	return fields == 2 && at > 0 && (size_t)at == n - length;
}

bool vn_monitor_is_used(const char *net_unix, const char *path, bool *ret_listens)
{
	bool used = false;

	*ret_listens = false;
	for (const char *line = net_unix; *line; line += *line == '\n') {
		size_t n = strcspn(line, "\n");
		unsigned flags = 0, state = 0;
		if (read_socket(line, n, path, &flags, &state)) {
			*ret_listens |= (flags & LISTENS) != 0;
			used |= (flags & LISTENS) == 0 && (state == 2 || state == 3);
		}
		line += n;
	}
	return used;
}

static int check_unused(const struct vn_root *root, const char *file, const char *path, bool *listens)
{
	vn_autofree unsigned char *text = NULL;
	size_t length;
	bool here = false;
	int r = vn_root_read_bytes(root, file, MAX_NET_UNIX, &text, &length);

	if (r < 0)
		return r;
	if (vn_monitor_is_used((const char *)text, path, &here))
		r = -EBUSY;
	*listens |= here;
	return r;
}

/* In QEMU's network namespace, and in ours when it is another. */
static int check_nobody(const struct vn_root *root, pid_t pid, const char *path)
{
	vn_autofree char *theirs = NULL, *ours = NULL;
	bool listens = false;
	char file[64];

	snprintf(file, sizeof(file), "proc/%d/net/unix", pid);
	int r = check_unused(root, file, path, &listens);
	if (r < 0)
		return r;
	snprintf(file, sizeof(file), "proc/%d/ns/net", pid);
	if (vn_root_link(root, file, &theirs) < 0 || vn_root_link(root, "proc/self/ns/net", &ours) < 0 ||
		strcmp(theirs, ours) != 0) {
		bool ignored = false;
		r = check_unused(root, "proc/self/net/unix", path, &ignored);
	}
	return r < 0 ? r : listens ? 0 : -ENOENT;
}

static int check_peer(int fd, pid_t pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return vn_errno();
	return peer.pid == pid ? 0 : -EADDRINUSE;
}

int vn_monitor_connect(const struct vn_survey *survey, const struct vn_vm_sample *vm, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	pid_t pid = vm->process.pid;
	struct stat st;
	int r = survey->root->live ? check_nobody(survey->root, pid, path) : -ENOENT;
	if (r < 0)
		return r;
	vn_autofree char *there = *path == '/' ? vn_format("/proc/%d/root%s", pid, path)
					       : vn_format("/proc/%d/cwd/%s", pid, path);
	if (!there)
		return -ENOMEM;
	vn_autoclose int file = open(there, O_PATH | O_CLOEXEC);
	if (file < 0 || fstat(file, &st) < 0)
		return vn_errno();
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return vn_errno();
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", file);
	r = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? vn_errno()
										: check_peer(fd, pid);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
