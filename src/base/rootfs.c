/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "rootfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "archive.h"
#include "parse.h"
#include "text.h"

#define FIRST_READ 4096 /* bytes; nearly every file of sysfs is a line */

/* What every open of ours adds. openat2 refuses O_NOCTTY together with O_PATH, which opens no terminal
 * anyway. */
static int common_flags(int flags)
{
	return flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY);
}

static int open_in_root(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)common_flags(flags),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? vn_errno() : (int)fd;
}

/* Kernels before 5.6 answer ENOSYS; the system call filters of older container runtimes answer EPERM. */
static bool lacks_openat2(int status)
{
	return status == -ENOSYS || status == -EPERM;
}

static int open_path(const struct vn_root *root, const char *path, int flags)
{
	int fd = open_in_root(root->fd, path, flags);
	if (!root->live || !lacks_openat2(fd))
		return fd;
	fd = openat(root->fd, path, common_flags(flags));
	return fd < 0 ? vn_errno() : fd;
}

int vn_root_open_path(const struct vn_root *root, const char *path, int flags)
{
	return root->tree ? -ENOTSUP : open_path(root, path, flags);
}

/* A root that others may have filled must not be read without the kernel's help against its symbolic links.
 */
static int check_confinement(const struct vn_root *root, struct vn_error *err)
{
	vn_autoclose int probe = open_in_root(root->fd, ".", O_PATH);
	if (root->live || !lacks_openat2(probe))
		return 0;
	return vn_error_environment(err, -ENOSYS,
		"%s: this kernel has no openat2 (Linux 5.6), so the tree's symbolic links could lead out of "
		"it; "
		"expected a newer kernel, or --host live",
		root->path);
}

int vn_root_open(const char *path, struct vn_root *ret_root, struct vn_error *err)
{
	struct vn_where where = {path, 0, NULL};
	vn_autoroot root = {.fd = -1, .live = strcmp(path, "/") == 0, .path = vn_copy(path)};

	if (!root.path)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	root.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0) {
		int status = vn_errno();
		if (status == -EACCES)
			return vn_error_environment(err, status, "%s: no permission to open it", path);
		return vn_error_input(err, &where, "%s; expected a directory", strerror(-status));
	}
	int r = check_confinement(&root, err);
	if (r < 0)
		return r;
	*ret_root = root;
	root = (struct vn_root){.fd = -1};
	return 0;
}

int vn_root_open_archive(const char *file, struct vn_root *ret_root, struct vn_error *err)
{
	vn_autoroot root = {.fd = -1, .path = vn_copy(file)};
	vn_autoclose int fd = vn_file_open(file, err);

	if (fd < 0)
		return fd;
	if (!root.path)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_archive_read(fd, file, &root.tree, err);
	if (r < 0)
		return r;
	*ret_root = root;
	root = (struct vn_root){.fd = -1};
	return 0;
}

void vn_root_close(struct vn_root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	vn_tree_free(root->tree);
	free(root->path);
	*root = (struct vn_root){.fd = -1};
}

/*
 * Reads until the end. `told` is the size that fstat tells, 0 when nobody asked: just that of a file on a disk, which saves the
 * read that finds its end; a page for most files of sysfs, nothing for those of procfs, which are then read until there is no
 * more.
 */
static int read_all(int fd, size_t told, size_t max, char **ret_text, size_t *ret_length)
{
	vn_autofree char *text = NULL;
	size_t length = 0, room = 0, first_room = told && told < FIRST_READ ? told + 2 : FIRST_READ;

	while (!told || length != told) {
		if (room - length < 2) {
			room = room ? room * 2 : first_room;
			char *grown = realloc(text, room);
			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		ssize_t n = read(fd, text + length, room - length - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vn_errno();
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > max)
			return -EFBIG;
	}
	text[length] = '\0';
	*ret_text = vn_steal(text);
	*ret_length = length;
	return 0;
}

/* Makes text of bytes that end in a NUL of ours, or tells -EINVAL. */
static int check_text(char *bytes, size_t length)
{
	while (length > 0 && bytes[length - 1] == '\0')
		length--;
	return memchr(bytes, '\0', length) ? -EINVAL : 0;
}

/* A foreign tree may hold a device or a pipe under any name. */
static int check_regular(int fd, size_t *ret_told)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return vn_errno();
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO; /* as opening a socket says */
	*ret_told = (size_t)st.st_size;
	return 0;
}

static int read_from_disk(const struct vn_root *root, const char *path, size_t max, unsigned char **ret_bytes,
	size_t *ret_length)
{
	char *bytes;
	size_t told = 0;
	/* O_NONBLOCK: a named pipe in a foreign tree must not hold us up */
	vn_autoclose int fd = open_path(root, path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return fd;
	/* What the kernel itself shows below /sys and /proc is known to be files; asking each costs as much as reading it.
	 * A folder refuses to be read. */
	int r = root->live ? 0 : check_regular(fd, &told);
	if (r == 0)
		r = read_all(fd, told, max, &bytes, ret_length);
	if (r == 0)
		*ret_bytes = (unsigned char *)bytes;
	return r;
}

static int read_from_tree(const struct vn_tree *tree, const char *path, size_t max, unsigned char **ret_bytes,
	size_t *ret_length)
{
	const unsigned char *bytes;
	size_t length;
	int r = vn_tree_file(tree, path, &bytes, &length);

	if (r < 0)
		return r;
	if (length > max)
		return -EFBIG;
	unsigned char *copy = malloc(length + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, length + 1); /* the tree keeps a NUL behind each */
	*ret_bytes = copy;
	*ret_length = length;
	return 0;
}

int vn_root_read_bytes(const struct vn_root *root, const char *path, size_t max, unsigned char **ret_bytes,
	size_t *ret_length)
{
	if (root->tree)
		return read_from_tree(root->tree, path, max, ret_bytes, ret_length);
	return read_from_disk(root, path, max, ret_bytes, ret_length);
}

int vn_root_read(const struct vn_root *root, const char *path, char **ret_text)
{
	vn_autofree unsigned char *bytes = NULL;
	size_t length;
	int r = vn_root_read_bytes(root, path, VN_FILE_MAX, &bytes, &length);

	if (r == 0)
		r = check_text((char *)bytes, length);
	if (r != 0)
		return r;
	*ret_text = (char *)vn_steal(bytes);
	return 0;
}

int vn_root_read_u64(const struct vn_root *root, const char *path, uint64_t *ret)
{
	vn_autofree char *text = NULL;
	int r = vn_root_read(root, path, &text);

	if (r != 0)
		return r;
	size_t length = strlen(text);
	if (length > 0 && text[length - 1] == '\n')
		text[length - 1] = '\0';
	return vn_parse_u64(text, UINT64_MAX, ret);
}

static int compare_names(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* Room for `n` names and the NULL is there; doubled when n is the next power of two. */
static int append_name(char ***names, size_t *n, const char *name)
{
	if (*n > 0 && (*n & (*n - 1)) == 0) {
		char **grown = reallocarray(*names, *n * 2 + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*names = grown;
	}
	(*names)[*n] = strdup(name);
	(*names)[*n + 1] = NULL;
	return (*names)[(*n)++] ? 0 : -ENOMEM;
}

static int read_names(DIR *directory, char ***ret_names)
{
	vn_cleanup(vn_names_free) char **names = calloc(2, sizeof(*names));
	size_t n = 0;

	if (!names)
		return -ENOMEM;
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		if (!entry && errno)
			return vn_errno();
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int r = append_name(&names, &n, entry->d_name);
		if (r < 0)
			return r;
	}
	qsort(names, n, sizeof(*names), compare_names);
	*ret_names = vn_steal(names);
	return 0;
}

int vn_root_list(const struct vn_root *root, const char *path, char ***ret_names)
{
	if (root->tree)
		return vn_tree_list(root->tree, path, ret_names);
	int fd = open_path(root, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	DIR *directory = fdopendir(fd);
	if (!directory) {
		int status = vn_errno();
		close(fd);
		return status;
	}
	int r = read_names(directory, ret_names);
	closedir(directory);
	return r;
}

void vn_names_free(char ***names)
{
	for (char **name = *names; name && *name; name++)
		free(*name);
	free(*names);
	*names = NULL;
}

/* The length of the target, or a negative errno: -EINVAL when it is no link. */
static ssize_t read_link(const struct vn_root *root, const char *path, char *target, size_t room)
{
	ssize_t n;

	if (root->live) { /* nothing to be kept in: no need to open it first */
		n = readlinkat(root->fd, path, target, room);
		return n < 0 ? vn_errno() : n;
	}
	vn_autoclose int fd = open_path(root, path, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	n = readlinkat(fd, "", target, room);
	if (n < 0) /* ENOENT: not a symbolic link (readlinkat(2), since 2.6.39) */
		return errno == ENOENT ? -EINVAL : vn_errno();
	return n;
}

static int link_on_disk(const struct vn_root *root, const char *path, char **ret_target)
{
	char target[PATH_MAX];
	ssize_t n = read_link(root, path, target, sizeof(target) - 1);

	if (n < 0)
		return (int)n;
	target[n] = '\0';
	char *copy = strdup(target);
	if (!copy)
		return -ENOMEM;
	*ret_target = copy;
	return 0;
}

int vn_root_link(const struct vn_root *root, const char *path, char **ret_target)
{
	const char *target;

	if (!root->tree)
		return link_on_disk(root, path, ret_target);
	int r = vn_tree_link(root->tree, path, &target);
	if (r < 0)
		return r;
	char *copy = strdup(target);
	if (!copy)
		return -ENOMEM;
	*ret_target = copy;
	return 0;
}

int vn_root_link_name(const struct vn_root *root, const char *path, char **ret_name)
{
	vn_autofree char *target = NULL;
	int r = vn_root_link(root, path, &target);

	if (r < 0)
		return r;
	const char *slash = strrchr(target, '/');
	char *name = strdup(slash ? slash + 1 : target);
	if (!name)
		return -ENOMEM;
	*ret_name = name;
	return 0;
}

static int cannot_read(const char *path, int status, struct vn_error *err)
{
	struct vn_where where = {path, 0, NULL};

	switch (status) {
	case -EACCES:
	case -EPERM:
		return vn_error_environment(err, status, "%s: no permission to read it", path);
	case -ENOMEM:
		return vn_error_environment(err, status, "out of memory");
	case -EIO:
		return vn_error_environment(err, status, "%s: the disk could not read it", path);
	default:
		vn_error_input(err, &where, "cannot be read: %s", strerror(-status));
		return status;
	}
}

/* Pipes are welcome: `--host numactl:<(ssh host numactl --hardware)`. */
static int check_kind(const char *path, struct vn_error *err)
{
	struct vn_where where = {path, 0, NULL};
	struct stat st;

	if (stat(path, &st) < 0)
		return cannot_read(path, vn_errno(), err);
	if (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode))
		return 0;
	return vn_error_input(err, &where, "is a %s; expected a file",
		S_ISDIR(st.st_mode)    ? "directory"
		: S_ISSOCK(st.st_mode) ? "socket"
				       : "device");
}

int vn_file_open(const char *path, struct vn_error *err)
{
	int r = check_kind(path, err);

	if (r < 0)
		return r;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? cannot_read(path, vn_errno(), err) : fd;
}

int vn_file_read_bytes(
	const char *path, size_t max, char **ret_bytes, size_t *ret_length, struct vn_error *err)
{
	struct vn_where where = {path, 0, NULL};
	vn_autoclose int fd = vn_file_open(path, err);

	if (fd < 0)
		return fd;
	int r = read_all(fd, 0, max, ret_bytes, ret_length);
	if (r == -EFBIG) {
		vn_error_input(err, &where, "is longer than %zu bytes; expected a smaller file", max);
		return r;
	}
	return r < 0 ? cannot_read(path, r, err) : 0;
}

int vn_file_read(const char *path, size_t max, char **ret_text, struct vn_error *err)
{
	struct vn_where where = {path, 0, NULL};
	vn_autofree char *text = NULL;
	size_t length = 0;

	int r = vn_file_read_bytes(path, max, &text, &length, err);
	if (r < 0)
		return r;
	if (check_text(text, length) < 0)
		return vn_error_input(err, &where, "holds a NUL byte; expected text");
	*ret_text = vn_steal(text);
	return 0;
}
