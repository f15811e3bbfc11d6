/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <string.h>

#include "library.h"
#include "parse.h"
#include "rootfs.h"

/* Headers, padding and long names come on top of the contents; libarchive allows each name a MiB. */
#define STREAM_MAX (2 * (int64_t)VN_ARCHIVE_CONTENT)
#define READ_SIZE (64u << 10)
#define TAR_BLOCK 512
#define TOLD_NAME 200 /* bytes of a name that a message has room for */

#define CALLS(X)                                                                                             \
	X(archive_entry_filetype)                                                                            \
	X(archive_entry_hardlink)                                                                            \
	X(archive_entry_pathname)                                                                            \
	X(archive_entry_size)                                                                                \
	X(archive_entry_symlink)                                                                             \
	X(archive_errno)                                                                                     \
	X(archive_error_string)                                                                              \
	X(archive_filter_bytes)                                                                              \
	X(archive_filter_count)                                                                              \
	X(archive_read_data)                                                                                 \
	X(archive_read_free)                                                                                 \
	X(archive_read_header_position)                                                                      \
	X(archive_read_new)                                                                                  \
	X(archive_read_next_header)                                                                          \
	X(archive_read_open_fd)                                                                              \
	X(archive_read_open_memory)                                                                          \
	X(archive_read_support_filter_bzip2)                                                                 \
	X(archive_read_support_filter_gzip)                                                                  \
	X(archive_read_support_filter_xz)                                                                    \
	X(archive_read_support_filter_zstd)                                                                  \
	X(archive_read_support_format_tar)

/* clang-format off */
#define POINTER(name) __typeof__(name) *(name);
#define SYMBOL(name) VN_SYMBOL(struct calls, name),
/* clang-format on */

struct calls {
	CALLS(POINTER)
};

struct reader {
	struct calls calls;
	struct archive *archive;
	const char *file;
	struct vn_error *err;
	struct vn_tree *tree;
	char *lead; /* the leading folder, "" for none; NULL: not known yet; owned */
	size_t members;
	uint64_t content; /* bytes of all members so far */
	size_t room;
	char *bytes; /* of one file, `room` at most; owned */
};

static int load(struct calls *calls, struct vn_error *err)
{
	static const char *const names[] = {"libarchive.so.13", "libarchive.so", NULL};
	static const struct vn_symbol symbols[] = {CALLS(SYMBOL){0}};
	return vn_library_load(names, "reading an archive", symbols, calls, err);
}

static void close_reader(struct reader *reader)
{
	if (reader->archive)
		reader->calls.archive_read_free(reader->archive);
	vn_tree_free(reader->tree);
	free(reader->lead);
	free(reader->bytes);
}

static int no_memory(struct vn_error *err)
{
	return vn_error_environment(err, -ENOMEM, "out of memory");
}

/* A problem of a member. Its name is told only when a terminal may see it, and a reader its end. */
static int refuse(const struct reader *reader, const char *name, const char *what)
{
	bool told = name && strnlen(name, TOLD_NAME + 1) <= TOLD_NAME && vn_text_is_printable(name);
	struct vn_where where = {reader->file, 0, told ? name : NULL};

	if (told)
		return vn_error_input(reader->err, &where, "%s", what);
	return vn_error_input(reader->err, &where, "member %zu: %s", reader->members, what);
}

/* libarchive's own words; they may quote the archive. */
static int refuse_archive(const struct reader *reader)
{
	const char *words = reader->calls.archive_error_string(reader->archive);
	struct vn_where where = {reader->file, 0, NULL};

	if (reader->calls.archive_errno(reader->archive) == ENOMEM)
		return no_memory(reader->err);
	if (!words || !vn_text_is_printable(words))
		words = "libarchive refuses it";
	if (reader->members == 0)
		return vn_error_input(reader->err, &where,
			"is no tar archive that can be read: %s; expected tar, plain or compressed with bzip2, "
			"gzip, xz or zstd",
			words);
	return vn_error_input(reader->err, &where, "is damaged or cut off after %zu member%s: %s",
		reader->members, reader->members == 1 ? "" : "s", words);
}

/* A libarchive built without a compression would start a program for it, and says so by ARCHIVE_WARN. */
static void enable_filter(struct reader *reader, int (*enable)(struct archive *))
{
	struct archive *probe = reader->calls.archive_read_new();
	if (probe && enable(probe) == ARCHIVE_OK)
		enable(reader->archive);
	if (probe)
		reader->calls.archive_read_free(probe);
}

static int open_reader(struct reader *reader)
{
	int r = load(&reader->calls, reader->err);

	if (r < 0)
		return r;
	reader->archive = reader->calls.archive_read_new();
	reader->tree = vn_tree_new();
	if (!reader->archive || !reader->tree ||
		reader->calls.archive_read_support_format_tar(reader->archive) < ARCHIVE_WARN)
		return no_memory(reader->err);
	enable_filter(reader, reader->calls.archive_read_support_filter_bzip2);
	enable_filter(reader, reader->calls.archive_read_support_filter_gzip);
	enable_filter(reader, reader->calls.archive_read_support_filter_xz);
	enable_filter(reader, reader->calls.archive_read_support_filter_zstd);
	return 0;
}

static const char *check_name(const char *name)
{
	if (!name || !vn_text_is_printable(name))
		return "its name is no plain text; expected names without control characters";
	if (strlen(name) >= PATH_MAX)
		return "its name is too long; expected a path";
	if (*name == '/')
		return "is an absolute path; expected paths below one folder";
	for (const char *part = name; *part; part += strspn(part, "/")) {
		size_t length = strcspn(part, "/");
		if (length == 2 && memcmp(part, "..", 2) == 0)
			return "leads out of the archive by '..'; expected paths below one folder";
		part += length;
	}
	return NULL;
}

/* Over "./" and "//". */
static const char *skip_dots(const char *name)
{
	for (;;) {
		if (*name == '/')
			name++;
		else if (name[0] == '.' && (name[1] == '/' || !name[1]))
			name++;
		else
			return name;
	}
}

static bool is_kept(const char *path)
{
	size_t length = strcspn(path, "/");
	return (length == 3 && memcmp(path, "sys", 3) == 0) || (length == 4 && memcmp(path, "proc", 4) == 0);
}

/* The part of a name below the leading folder, *ret_path; NULL for what is not kept. */
static int find_path(struct reader *reader, const char *name, const char **ret_path)
{
	const char *top = skip_dots(name);
	size_t length = is_kept(top) ? 0 : strcspn(top, "/");
	const char *path = length ? skip_dots(top + length) : top;

	*ret_path = NULL;
	if (!is_kept(path))
		return 0;
	if (!reader->lead) {
		reader->lead = strndup(top, length);
		if (!reader->lead)
			return no_memory(reader->err);
	}
	if (strncmp(reader->lead, top, length) != 0 || reader->lead[length])
		return refuse(reader, name,
			"lies below another folder than those before; expected one host in an archive");
	*ret_path = path;
	return 0;
}

static int tell_add(struct reader *reader, const char *name, int r)
{
	switch (r) {
	case 0:
		return 0;
	case -ENOMEM:
		return no_memory(reader->err);
	case -EEXIST:
		return refuse(reader, name, "is there twice; expected each member once");
	case -ENOTDIR:
		return refuse(reader, name, "lies below a member that is no folder");
	case -ENOSPC:
		return refuse(reader, name, "is one folder too many; expected a host's /sys and /proc");
	default:
		return refuse(reader, name, "has a name that is no path");
	}
}

/* Reads the member's data: exactly as much as its header promised, or the archive is cut off. */
static int add_file(struct reader *reader, struct archive_entry *entry, const char *name, const char *path)
{
	size_t size = (size_t)reader->calls.archive_entry_size(entry), length = 0;

	if (size > VN_FILE_MAX)
		return tell_add(reader, name, vn_tree_add_file(reader->tree, path, NULL, size));
	if (size > reader->room) {
		free(reader->bytes);
		reader->room = size > READ_SIZE ? VN_FILE_MAX : READ_SIZE;
		reader->bytes = malloc(reader->room);
		if (!reader->bytes)
			return no_memory(reader->err);
	}
	while (length < size) {
		ssize_t n = reader->calls.archive_read_data(
			reader->archive, reader->bytes + length, size - length);
		if (n < 0)
			return refuse_archive(reader);
		if (n == 0)
			break;
		length += (size_t)n;
	}
	return tell_add(reader, name, vn_tree_add_file(reader->tree, path, reader->bytes, length));
}

/* A second name of a file that came before. */
static int add_hard_link(struct reader *reader, const char *name, const char *path, const char *target)
{
	const char *target_path = NULL;
	const unsigned char *bytes = NULL;
	size_t length = 0;

	if (check_name(target))
		return refuse(reader, name, "is a hard link to what is not in the archive");
	if (!path)
		return 0;
	int r = find_path(reader, target, &target_path);
	if (r < 0)
		return r;
	r = target_path ? vn_tree_file(reader->tree, target_path, &bytes, &length) : -ENOENT;
	if (r < 0)
		return refuse(reader, name, "is a hard link to what is not in the archive before it");
	return tell_add(reader, name, vn_tree_add_file(reader->tree, path, bytes, length));
}

static int add_sym_link(struct reader *reader, const char *name, const char *path, const char *target)
{
	if (!target || !*target || !vn_text_is_printable(target) || strlen(target) >= PATH_MAX)
		return refuse(reader, name, "is a symbolic link to no plain path");
	return path ? tell_add(reader, name, vn_tree_add_link(reader->tree, path, target)) : 0;
}

static int count_member(struct reader *reader, struct archive_entry *entry, const char *name)
{
	int64_t size = reader->calls.archive_entry_size(entry);
	int64_t stream = reader->calls.archive_filter_bytes(reader->archive, 0);

	if (reader->members > VN_ARCHIVE_MEMBERS)
		return refuse(reader, name, "is one member too many; expected at most 200000");
	if (size < 0 || (uint64_t)size > VN_ARCHIVE_CONTENT - reader->content || stream > STREAM_MAX)
		return refuse(reader, name,
			"makes the archive larger than 512 MiB; expected a host's /sys and /proc");
	reader->content += (uint64_t)size;
	return 0;
}

static int add_member(struct reader *reader, struct archive_entry *entry)
{
	const char *name = reader->calls.archive_entry_pathname(entry), *path = NULL;
	const char *hard = reader->calls.archive_entry_hardlink(entry);
	const char *wrong = check_name(name);

	reader->members++;
	if (wrong)
		return refuse(reader, name, wrong);
	int r = count_member(reader, entry, name);
	if (r == 0)
		r = find_path(reader, name, &path);
	if (r < 0)
		return r;
	if (hard)
		return add_hard_link(reader, name, path, hard);
	switch (reader->calls.archive_entry_filetype(entry)) {
	case AE_IFREG:
		return path ? add_file(reader, entry, name, path) : 0;
	case AE_IFDIR:
		return path ? tell_add(reader, name, vn_tree_add_folder(reader->tree, path)) : 0;
	case AE_IFLNK:
		return add_sym_link(reader, name, path, reader->calls.archive_entry_symlink(entry));
	default:
		return refuse(reader, name,
			"is a device, a pipe or a socket; expected files, folders and symbolic links");
	}
}

/* Two blocks of zeros end an archive. libarchive does without them; but then a part may be missing. */
static int check_end(const struct reader *reader)
{
	const struct calls *calls = &reader->calls;
	struct vn_where where = {reader->file, 0, NULL};

	if (calls->archive_filter_bytes(reader->archive, 0) <
		calls->archive_read_header_position(reader->archive) + TAR_BLOCK)
		return vn_error_input(reader->err, &where,
			"is cut off after %zu member%s: it has no end mark", reader->members,
			reader->members == 1 ? "" : "s");
	if (reader->members == 0)
		return vn_error_input(reader->err, &where, "is an archive without members");
	if (!reader->lead)
		return vn_error_input(reader->err, &where,
			"holds no sys/ folder; expected an archive by 'vnuma gather' or hwloc-gather-topology");
	return 0;
}

static int read_members(struct reader *reader)
{
	struct archive_entry *entry;

	/* the file itself counts as one; two compressions are for hiding how large it is */
	if (reader->calls.archive_filter_count(reader->archive) > 2)
		return refuse(reader, NULL, "is compressed more than once; expected one compression");
	for (;;) {
		int r = reader->calls.archive_read_next_header(reader->archive, &entry);
		if (r == ARCHIVE_EOF)
			return check_end(reader);
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN) /* ARCHIVE_RETRY: a header's checksum is wrong */
			return refuse_archive(reader);
		r = add_member(reader, entry);
		if (r < 0)
			return r;
	}
}

static int finish(struct reader *reader, int opened, struct vn_tree **ret_tree)
{
	int r = opened < ARCHIVE_WARN ? refuse_archive(reader) : read_members(reader);
	if (r == 0)
		*ret_tree = vn_steal(reader->tree);
	return r;
}

int vn_archive_read(int fd, const char *file, struct vn_tree **ret_tree, struct vn_error *err)
{
	vn_cleanup(close_reader) struct reader reader = {.file = file, .err = err};
	int r = open_reader(&reader);

	if (r < 0)
		return r;
	return finish(&reader, reader.calls.archive_read_open_fd(reader.archive, fd, READ_SIZE), ret_tree);
}

int vn_archive_read_bytes(
	const void *bytes, size_t length, const char *file, struct vn_tree **ret_tree, struct vn_error *err)
{
	vn_cleanup(close_reader) struct reader reader = {.file = file, .err = err};
	int r = open_reader(&reader);

	if (r < 0)
		return r;
	return finish(
		&reader, reader.calls.archive_read_open_memory(reader.archive, bytes, length), ret_tree);
}
