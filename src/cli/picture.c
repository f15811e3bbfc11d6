/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that a verb is to write (`--svg FILE`): whole, or not at all. */
#define _GNU_SOURCE
#include "cli.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "../emit/host_svg.h"

/* A file name for a message: nothing in it may act on the terminal. */
static const char *shown(const char *path)
{
	return vn_text_is_printable(path) ? path : "a name that cannot be printed";
}

/* What is to be written, and for which option. */
struct writer {
	const char *option, *path;
	int (*print)(const void *what, FILE *out);
	const void *what;
};

static int failed(const struct writer *writer, const char *what, struct vn_error *err)
{
	int status = errno ? -errno : -EIO;
	return vn_error_environment(err, status, "%s %s: %s: %s", writer->option, shown(writer->path), what,
		strerrordesc_np(-status));
}

/* Onto a stream that is closed here: what is not written whole is an error. */
static int print(const struct writer *writer, FILE *out, struct vn_error *err)
{
	int r = writer->print(writer->what, out);

	errno = 0;
	bool bad = ferror(out) != 0;
	if (fclose(out) != 0 || bad)
		return failed(writer, "cannot write it", err);
	return r < 0 ? vn_error_environment(err, r, "%s: out of memory", writer->option) : 0;
}

/* The rights a new file gets: a temporary one has fewer. The umask can only be read by setting it; here no thread runs. */
static int give_usual_rights(int fd)
{
	mode_t mask = umask(0);
	umask(mask);
	return fchmod(fd, 0666 & ~mask);
}

/* Writes the open temporary file; it is gone afterwards, or in the place of `path`. */
static int fill_and_rename(
	const struct writer *writer, const char *path, const char *temporary, FILE *out, struct vn_error *err)
{
	int r = print(writer, out, err);

	if (r == 0 && rename(temporary, path) < 0)
		r = failed(writer, "cannot put it there", err);
	if (r < 0)
		unlink(temporary);
	return r;
}

static int write_beside(const struct writer *writer, const char *path, struct vn_error *err)
{
	/* hidden, in the same folder: what a kill half-way leaves lies in nobody's sight */
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	vn_autofree char *temporary = vn_format("%.*s.%s.XXXXXX", (int)(name - path), path, name);
	int fd = temporary ? mkostemp(temporary, O_CLOEXEC) : -1;

	if (fd < 0)
		return failed(writer, "cannot make a file in its folder", err);
	FILE *out = give_usual_rights(fd) == 0 ? fdopen(fd, "w") : NULL;
	if (!out) {
		int r = failed(writer, "cannot write a file in its folder", err);
		close(fd);
		unlink(temporary);
		return r;
	}
	return fill_and_rename(writer, path, temporary, out, err);
}

int vn_write_whole(const char *option, const char *path, int (*function)(const void *what, FILE *out),
	const void *what, struct vn_error *err)
{
	struct writer writer = {option, path, function, what};
	struct vn_where where = {NULL, 0, option};
	struct stat st;

	if (!*path)
		return vn_error_input(err, &where, "no file name; expected a file, or - for standard output");
	if (strcmp(path, "-") == 0) {
		int r = function(what, stdout);
		return r < 0 ? vn_error_environment(err, r, "%s: out of memory", option) : 0;
	}
	/* What is no plain file (/dev/stdout, a pipe) is written to: a rename would put a file in its place. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		FILE *out = S_ISDIR(st.st_mode) ? (errno = EISDIR, NULL) : fopen(path, "we");
		return out ? print(&writer, out, err) : failed(&writer, "cannot open it", err);
	}
	/* The file that a symbolic link names, not the link, is what is replaced. */
	vn_autofree char *real = realpath(path, NULL);
	return write_beside(&writer, real ? real : path, err);
}

static int print_picture(const void *host, FILE *out)
{
	return vn_host_print_svg(host, out);
}

int vn_write_picture(const struct vn_host *host, const char *path, struct vn_error *err)
{
	return vn_write_whole("--svg", path, print_picture, host, err);
}
