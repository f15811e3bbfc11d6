/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "archive_write.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "library.h"
#include "text.h"

#define CALLS(X)                                                                                             \
	X(archive_entry_clear)                                                                               \
	X(archive_entry_free)                                                                                \
	X(archive_entry_new)                                                                                 \
	X(archive_entry_set_filetype)                                                                        \
	X(archive_entry_set_mtime)                                                                           \
	X(archive_entry_set_pathname)                                                                        \
	X(archive_entry_set_perm)                                                                            \
	X(archive_entry_set_size)                                                                            \
	X(archive_entry_set_symlink)                                                                         \
	X(archive_errno)                                                                                     \
	X(archive_error_string)                                                                              \
	X(archive_write_add_filter_bzip2)                                                                    \
	X(archive_write_add_filter_gzip)                                                                     \
	X(archive_write_add_filter_none)                                                                     \
	X(archive_write_add_filter_xz)                                                                       \
	X(archive_write_close)                                                                               \
	X(archive_write_data)                                                                                \
	X(archive_write_free)                                                                                \
	X(archive_write_header)                                                                              \
	X(archive_write_new)                                                                                 \
	X(archive_write_open)                                                                                \
	X(archive_write_set_bytes_in_last_block)                                                             \
	X(archive_write_set_filter_option)                                                                   \
	X(archive_write_set_format_gnutar)

/* clang-format off */
#define POINTER(name) __typeof__(name) *(name);
#define SYMBOL(name) VN_SYMBOL(struct calls, name),
/* clang-format on */

struct calls {
	CALLS(POINTER)
};

struct writer {
	struct calls calls;
	const char *file;
	struct vn_error *err;
	struct archive *archive;
	struct archive_entry *entry;
	int fd;
	int status; /* of the first write that failed: a full disk */
};

enum ending { BZIP2, GZIP, XZ, PLAIN };
static const char *const endings[] = {
	[BZIP2] = ".tar.bz2", [GZIP] = ".tar.gz", [XZ] = ".tar.xz", [PLAIN] = ".tar"};

static int load(struct calls *calls, struct vn_error *err)
{
	static const char *const names[] = {"libarchive.so.13", "libarchive.so", NULL};
	static const struct vn_symbol symbols[] = {CALLS(SYMBOL){0}};
	return vn_library_load(names, "writing an archive", symbols, calls, err);
}

static void close_writer(struct writer *writer)
{
	if (writer->entry)
		writer->calls.archive_entry_free(writer->entry);
	if (writer->archive)
		writer->calls.archive_write_free(writer->archive);
}

/* Which of `endings`, or -1; a name that is nothing but an ending is none. */
static int find_ending(const char *file)
{
	size_t length = strlen(file);

	for (int i = 0; i < (int)(sizeof(endings) / sizeof(endings[0])); i++) {
		size_t n = strlen(endings[i]);
		if (length > n && strcmp(file + length - n, endings[i]) == 0 && file[length - n - 1] != '/')
			return i;
	}
	return -1;
}

static int tell_exists(const char *file, struct vn_error *err)
{
	struct vn_where where = {file, 0, NULL};
	return vn_error_input(err, &where, "exists; expected a name that is free");
}

int vn_archive_write_check(const char *file, struct vn_error *err)
{
	struct vn_where where = {file, 0, NULL};
	struct stat st;
	int r = 0;

	if (find_ending(file) < 0)
		r = vn_error_input(err, &where,
			"ends in no kind of archive; expected .tar.bz2, .tar.gz, .tar.xz or .tar");
	return lstat(file, &st) == 0 ? tell_exists(file, err) : r;
}

/*
 * libarchive's way to the file. A failure is kept, not told to it: libarchive 3.6 loses memory when a write fails
 * (archive_write_client_close is not reached), and what it writes afterwards is dropped here.
 */
static la_ssize_t write_bytes(struct archive *archive, void *data, const void *bytes, size_t length)
{
	struct writer *writer = data;

	(void)archive;
	for (size_t done = 0; done < length && writer->status == 0;) {
		ssize_t n = write(writer->fd, (const char *)bytes + done, length - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			writer->status = -errno;
	}
	return (la_ssize_t)length;
}

/* What went wrong, as a problem. */
static int tell_failure(const struct writer *writer)
{
	int code = writer->status < 0 ? -writer->status : writer->calls.archive_errno(writer->archive);

	if (code == ENOMEM)
		return vn_error_environment(writer->err, -ENOMEM, "out of memory");
	if (code > 0)
		return vn_error_environment(
			writer->err, -code, "%s: cannot be written: %s", writer->file, strerror(code));
	const char *words = writer->calls.archive_error_string(writer->archive);
	return vn_error_environment(writer->err, -EIO, "%s: cannot be written: %s", writer->file,
		words ? words : "libarchive does not say why");
}

/* A libarchive built without a compression would start a program for it, and says so by ARCHIVE_WARN. */
static int add_filter(struct writer *writer, enum ending ending)
{
	const struct calls *calls = &writer->calls;
	int (*const add[])(struct archive *) = {[BZIP2] = calls->archive_write_add_filter_bzip2,
		[GZIP] = calls->archive_write_add_filter_gzip,
		[XZ] = calls->archive_write_add_filter_xz,
		[PLAIN] = calls->archive_write_add_filter_none};

	if (add[ending](writer->archive) != ARCHIVE_OK)
		return vn_error_environment(writer->err, -ENOENT,
			"%s: this machine's libarchive cannot write %s; expected .tar", writer->file,
			endings[ending]);
	/* the time of day would make two archives of the same host differ */
	if (ending == GZIP && calls->archive_write_set_filter_option(
				      writer->archive, "gzip", "timestamp", NULL) < ARCHIVE_WARN)
		return tell_failure(writer);
	return 0;
}

static int write_member(struct writer *writer, const struct vn_member *member)
{
	static const struct {
		unsigned type, mode;
	} kinds[] = {[VN_MEMBER_FOLDER] = {AE_IFDIR, 0755},
		[VN_MEMBER_FILE] = {AE_IFREG, 0644},
		[VN_MEMBER_LINK] = {AE_IFLNK, 0777}};
	const struct calls *calls = &writer->calls;
	size_t size = member->kind == VN_MEMBER_FILE ? member->length : 0;

	calls->archive_entry_clear(writer->entry);
	calls->archive_entry_set_pathname(writer->entry, member->path);
	calls->archive_entry_set_filetype(writer->entry, kinds[member->kind].type);
	calls->archive_entry_set_perm(writer->entry, kinds[member->kind].mode);
	calls->archive_entry_set_mtime(writer->entry, 0, 0);
	calls->archive_entry_set_size(writer->entry, (la_int64_t)size);
	if (member->kind == VN_MEMBER_LINK)
		calls->archive_entry_set_symlink(writer->entry, member->bytes);
	int r = calls->archive_write_header(writer->archive, writer->entry);
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return tell_failure(writer);
	if (size > 0 && calls->archive_write_data(writer->archive, member->bytes, size) != (la_ssize_t)size)
		return tell_failure(writer);
	return 0;
}

static int write_all(struct writer *writer, const struct vn_member *members, size_t n)
{
	const struct calls *calls = &writer->calls;

	writer->archive = calls->archive_write_new();
	writer->entry = calls->archive_entry_new();
	if (!writer->archive || !writer->entry ||
		calls->archive_write_set_format_gnutar(writer->archive) < ARCHIVE_WARN)
		return vn_error_environment(writer->err, -ENOMEM, "out of memory");
	int r = add_filter(writer, (enum ending)find_ending(writer->file));
	calls->archive_write_set_bytes_in_last_block(writer->archive, 1); /* no padding */
	if (r == 0 &&
		calls->archive_write_open(writer->archive, writer, NULL, write_bytes, NULL) != ARCHIVE_OK)
		r = tell_failure(writer);
	for (size_t i = 0; i < n && r == 0 && writer->status == 0; i++)
		r = write_member(writer, &members[i]);
	if (r == 0 && (calls->archive_write_close(writer->archive) != ARCHIVE_OK || writer->status < 0))
		r = tell_failure(writer);
	return r;
}

/* ".NAME.XXXXXX" beside the file. */
static int open_beside(const char *file, char **ret_path, struct vn_error *err)
{
	const char *slash = strrchr(file, '/');
	int folder = slash ? (int)(slash + 1 - file) : 0;
	vn_autofree char *path = vn_format("%.*s.%s.XXXXXX", folder, file, file + folder);
	struct vn_where where = {file, 0, NULL};

	if (!path)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		int status = -errno;
		if (status == -ENOENT || status == -ENOTDIR || status == -ENAMETOOLONG)
			return vn_error_input(err, &where, "cannot be made: %s", strerror(-status));
		return vn_error_environment(err, status, "%s: cannot be made: %s", file, strerror(-status));
	}
	*ret_path = vn_steal(path);
	return fd;
}

/* Unlike rename(2) this never replaces a file that came meanwhile. */
static int give_name(const char *path, const char *file, struct vn_error *err)
{
	if (renameat2(AT_FDCWD, path, AT_FDCWD, file, RENAME_NOREPLACE) == 0)
		return 0;
	/* some file systems (NFS) do not know the flag */
	if (errno == EINVAL && link(path, file) == 0) {
		unlink(path);
		return 0;
	}
	int status = -errno;
	if (status == -EEXIST)
		return tell_exists(file, err);
	return vn_error_environment(err, status, "%s: cannot be made: %s", file, strerror(-status));
}

/* All that was written is on the disk, readable by whom the umask allows. */
static int settle(int fd, const char *file, uint64_t *ret_size, struct vn_error *err)
{
	struct stat st;
	mode_t mask = umask(0);

	umask(mask);
	if (fchmod(fd, 0666 & ~mask) < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0)
		return vn_error_environment(err, -errno, "%s: cannot be written: %s", file, strerror(errno));
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int vn_archive_write(
	const char *file, const struct vn_member *members, size_t n, uint64_t *ret_size, struct vn_error *err)
{
	vn_cleanup(close_writer) struct writer writer = {.file = file, .err = err, .fd = -1};
	vn_autofree char *path = NULL;
	uint64_t size = 0;
	int r = vn_archive_write_check(file, err);

	if (r == 0)
		r = load(&writer.calls, err);
	if (r < 0)
		return r;
	vn_autoclose int fd = open_beside(file, &path, err);
	if (fd < 0)
		return fd;
	writer.fd = fd;
	r = write_all(&writer, members, n);
	if (r == 0)
		r = settle(fd, file, &size, err);
	if (r == 0)
		r = give_name(path, file, err);
	if (r < 0) {
		writer.status = r; /* what libarchive still holds is not written any more */
		unlink(path); /* gone already when the name was given */
		return r;
	}
	*ret_size = size;
	return 0;
}
