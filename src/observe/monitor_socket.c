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
 * through /proc/self/fd, which also takes paths that are too long for sockaddr_un once something stands before them. Who runs QEMU may
 * have put anything there, a link to a socket of the host's, say, and connecting to that with our privileges is harm enough. So the
 * path is not followed out of QEMU's root, the socket there must belong to QEMU's user (who could connect to it himself, then), and one of QEMU's descriptors must
 * be the socket that listens at that path by the kernel's list.
 * That it was this process that answered, the kernel tells afterwards (SO_PEERCRED, of the time of listen(2)).
 */
#define _GNU_SOURCE
#include "monitor_socket.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "../base/text.h"

#define MAX_NET_UNIX (64u << 20)
#define LISTENS 0x10000u /* __SO_ACCEPTCON */

/* Whether a line of `n` bytes is of a socket at `path`. */
static bool read_socket(
	const char *line, size_t n, const char *path, unsigned *flags, unsigned *state, uint64_t *inode)
{
	size_t length = strlen(path);
	int at = 0;

	if (n <= length || strncmp(line + n - length, path, length) != 0)
		return false;
	/* Fields of fixed width. NOLINTNEXTLINE(cert-err34-c) */
	int fields = sscanf(line, "%*[0-9a-f]: %*8[0-9A-F] %*8[0-9A-F] %8x %*4[0-9A-F] %2x %19" SCNu64 " %n",
		flags, state, inode, &at);
	return fields == 3 && at > 0 && (size_t)at == n - length;
}

bool vn_monitor_is_used(const char *net_unix, const char *path, uint64_t *ret_listener)
{
	bool used = false;

	*ret_listener = 0;
	for (const char *line = net_unix; *line; line += *line == '\n') {
		size_t n = strcspn(line, "\n");
		unsigned flags = 0, state = 0;
		uint64_t inode = 0;
		if (read_socket(line, n, path, &flags, &state, &inode)) {
			if (flags & LISTENS)
				*ret_listener = inode;
			used |= (flags & LISTENS) == 0 && (state == 2 || state == 3);
		}
		line += n;
	}
	return used;
}

static int check_unused(const struct vn_root *root, const char *file, const char *path, uint64_t *listener)
{
	vn_autofree unsigned char *text = NULL;
	size_t length;
	int r = vn_root_read_bytes(root, file, MAX_NET_UNIX, &text, &length);

	if (r < 0)
		return r;
	return vn_monitor_is_used((const char *)text, path, listener) ? -EBUSY : 0;
}

/* Whether one of its descriptors is the socket of this number. */
static int check_own(const struct vn_root *root, pid_t pid, uint64_t socket)
{
	vn_cleanup(vn_names_free) char **fds = NULL;
	char folder[64], wanted[48];

	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", socket);
	snprintf(folder, sizeof(folder), "proc/%d/fd", pid);
	int r = vn_root_list(root, folder, &fds);
	if (r < 0)
		return r;
	for (size_t i = 0; fds[i]; i++) {
		vn_autofree char *path = vn_format("%s/%s", folder, fds[i]), *target = NULL;
		if (!path)
			return -ENOMEM;
		if (vn_root_link(root, path, &target) == 0 && strcmp(target, wanted) == 0)
			return 0;
	}
	return -EADDRINUSE;
}

/* In QEMU's network namespace, and in ours when it is another; and it is QEMU that listens. */
static int check_nobody(const struct vn_root *root, pid_t pid, const char *path)
{
	vn_autofree char *theirs = NULL, *ours = NULL;
	uint64_t listener = 0, ignored;
	char file[64];

	snprintf(file, sizeof(file), "proc/%d/net/unix", pid);
	int r = check_unused(root, file, path, &listener);
	if (r < 0)
		return r;
	snprintf(file, sizeof(file), "proc/%d/ns/net", pid);
	if (vn_root_link(root, file, &theirs) < 0 || vn_root_link(root, "proc/self/ns/net", &ours) < 0 ||
		strcmp(theirs, ours) != 0)
		r = check_unused(root, "proc/self/net/unix", path, &ignored);
	if (r < 0)
		return r;
	return listener ? check_own(root, pid, listener) : -ENOENT;
}

/*
 * What is at the path as QEMU sees it. Its links are its own to make, and must not lead out of its root; a relative path is not
 * followed out of its working directory.
 */
static int open_there(pid_t pid, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
		.resolve = (*path == '/' ? RESOLVE_IN_ROOT : RESOLVE_BENEATH) | RESOLVE_NO_MAGICLINKS};
	char folder[32];

	snprintf(folder, sizeof(folder), "/proc/%d/%s", pid, *path == '/' ? "root" : "cwd");
	vn_autoclose int from = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return vn_errno();
	long fd = syscall(SYS_openat2, from, path, &how, sizeof(how));
	return fd < 0 ? vn_errno() : (int)fd;
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
	vn_autoclose int file = open_there(pid, path);
	if (file < 0)
		return file;
	if (fstat(file, &st) < 0)
		return vn_errno();
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (st.st_uid != vm->uid)
		return -EADDRINUSE;
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
