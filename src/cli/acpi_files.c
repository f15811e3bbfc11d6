/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: first it is seen whether each name can be had (nothing there, or a table of ours), then each table is
 * written to a hidden file beside its name, and only when all of them are whole are they renamed. What a rename could still fail of
 * was ruled out before, but for the disk itself.
 */
#define _GNU_SOURCE
#include "acpi_files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/parse.h"
#include "../base/text.h"

#define HEADER 36u
#define CREATOR_AT 28u

struct output {
	const struct vn_acpi_file *file;
	char temporary[32]; /* beside it; empty: none yet */
};

void vn_acpi_files_of(const struct vn_acpi *acpi, struct vn_acpi_file files[static VN_ACPI_FILES])
{
	files[0] = (struct vn_acpi_file){"SRAT", "SRAT.aml", &acpi->srat};
	files[1] = (struct vn_acpi_file){"SLIT", "SLIT.aml", &acpi->slit};
	files[2] = (struct vn_acpi_file){"HMAT", "HMAT.aml", &acpi->hmat};
}

static int failed(const char *folder, const char *name, const char *what, struct vn_error *err)
{
	int status = vn_errno();
	return vn_error_environment(err, status, "-o %s%s%s: %s: %s",
		vn_text_is_printable(folder) ? folder : "a name that cannot be printed", name ? "/" : "",
		name ? name : "", what, strerrordesc_np(-status));
}

/* Nothing is there, or a table of that signature made by us. */
static int check_place(int dir, const char *folder, const struct vn_acpi_file *file, struct vn_error *err)
{
	unsigned char header[HEADER];
	struct stat st;

	if (fstatat(dir, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(folder, file->name, "cannot look at it", err);
	vn_autoclose int fd =
		S_ISREG(st.st_mode) ? openat(dir, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (S_ISREG(st.st_mode) && fd < 0)
		return failed(folder, file->name, "cannot read what is there", err);
	if (fd >= 0 && read(fd, header, sizeof(header)) == (ssize_t)sizeof(header) &&
		memcmp(header, file->signature, 4) == 0 && memcmp(header + CREATOR_AT, "VNUM", 4) == 0)
		return 0;
	return vn_error_input(err, &(struct vn_where){NULL, 0, "-o"},
		"%s is there and no %s of vnuma's; expected a folder without it", file->name,
		file->signature);
}

static int write_all(int fd, const struct vn_acpi_table *table)
{
	for (size_t at = 0; at < table->size;) {
		ssize_t n = write(fd, table->bytes + at, table->size - at);
		if (n < 0)
			return vn_errno();
		at += (size_t)n;
	}
	return fsync(fd) < 0 ? vn_errno() : 0;
}

static int write_temporary(int dir, const char *folder, struct output *output, struct vn_error *err)
{
	char name[sizeof(output->temporary)];

	snprintf(name, sizeof(name), ".%s.%ld", output->file->name, (long)getpid());
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return failed(folder, name, "cannot make it", err);
	memcpy(output->temporary, name, sizeof(name));
	int r = write_all(fd, output->file->table);
	if (close(fd) < 0 && r == 0)
		r = vn_errno();
	errno = -r;
	return r < 0 ? failed(folder, name, "cannot write it", err) : 0;
}

/* In the place of what was there. */
static int put(int dir, const char *folder, struct output *output, struct vn_error *err)
{
	const char *name = output->file->name;

	if (!output->file->table->bytes)
		return unlinkat(dir, name, 0) < 0 && errno != ENOENT
			       ? failed(folder, name, "cannot remove it", err)
			       : 0;
	if (renameat(dir, output->temporary, dir, name) < 0)
		return failed(folder, name, "cannot put it there", err);
	output->temporary[0] = 0;
	return 0;
}

static int write_outputs(
	int dir, const char *folder, struct output outputs[static VN_ACPI_FILES], struct vn_error *err)
{
	int r = 0;

	for (int i = 0; i < VN_ACPI_FILES; i++) {
		int bad = check_place(dir, folder, outputs[i].file, err);
		r = bad < 0 ? bad : r;
	}
	for (int i = 0; i < VN_ACPI_FILES && r == 0; i++) {
		if (outputs[i].file->table->bytes)
			r = write_temporary(dir, folder, &outputs[i], err);
	}
	for (int i = 0; i < VN_ACPI_FILES && r == 0; i++)
		r = put(dir, folder, &outputs[i], err);
	for (int i = 0; i < VN_ACPI_FILES; i++) {
		if (*outputs[i].temporary)
			unlinkat(dir, outputs[i].temporary, 0);
	}
	return r;
}

int vn_acpi_files_write(
	const char *folder, const struct vn_acpi_file files[static VN_ACPI_FILES], struct vn_error *err)
{
	struct output outputs[VN_ACPI_FILES] = {0};

	if (mkdir(folder, 0777) < 0 && errno != EEXIST)
		return failed(folder, NULL, "cannot make the folder", err);
	vn_autoclose int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return failed(folder, NULL, "cannot open the folder", err);
	for (int i = 0; i < VN_ACPI_FILES; i++)
		outputs[i].file = &files[i];
	return write_outputs(dir, folder, outputs, err);
}
