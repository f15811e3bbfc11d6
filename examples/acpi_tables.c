/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the ACPI tables that tell a guest of its nodes, as a VMM does that builds them itself: prints where the guest's memory is and
 * how large each table is, and writes the tables' bytes, one behind the other, to a file if one is named.
 *
 *     cc -o acpi_tables acpi_tables.c $(pkg-config --cflags --libs vnuma)
 *     ./acpi_tables guest.cfg
 *     ./acpi_tables guest.cfg tables.bin
 *
 * The guest has vnodes; one that leaves them to the planner is planned first (plan_guest.c) and then given to vn_acpi_of_plan().
 *
 * Exit status: 0 done, 2 the guest is wrong or not there, 3 this machine refuses.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <vnuma.h>

#define MAX_GUEST (1u << 20) /* bytes of a config that this example reads */

/* All problems, one a line, as FILE:LINE: KEY: TEXT with what is known of it. */
static void print_problems(const struct vn_error *err, int status)
{
	size_t n = vn_error_count(err);

	if (n == 0) /* memory was short even for the error object */
		fprintf(stderr, "acpi_tables: %s\n", strerror(-status));
	for (size_t i = 0; i < n; i++) {
		fprintf(stderr, "acpi_tables: ");
		if (vn_error_file(err, i))
			fprintf(stderr, "%s:", vn_error_file(err, i));
		if (vn_error_line(err, i))
			fprintf(stderr, "%u:", vn_error_line(err, i));
		if (vn_error_key(err, i))
			fprintf(stderr, " %s:", vn_error_key(err, i));
		fprintf(stderr, " %s\n", vn_error_text(err, i));
	}
}

/* The guest in that file; 0, or a negative errno. */
static int read_guest(const char *path, struct vn_guest **ret_guest, struct vn_error *err)
{
	static char text[MAX_GUEST + 1];
	FILE *file = fopen(path, "r");

	if (!file)
		return -errno;
	size_t n = fread(text, 1, MAX_GUEST, file);
	int failed = ferror(file);
	fclose(file);
	if (failed)
		return -EIO;
	text[n] = '\0';
	return vn_guest_from_text(text, path, ret_guest, err);
}

static void print_ranges(const struct vn_acpi *acpi)
{
	for (size_t i = 0; i < vn_acpi_range_count(acpi); i++) {
		int64_t base = vn_acpi_range_base(acpi, i), size = vn_acpi_range_size(acpi, i);
		printf("0x%09" PRIx64 " to 0x%09" PRIx64 ": vnode %d%s\n", (uint64_t)base,
			(uint64_t)(base + size - 1), vn_acpi_range_vnode(acpi, i),
			vn_acpi_range_is_pluggable(acpi, i) ? ", to be plugged in" : "");
	}
	for (size_t i = 0; i < vn_acpi_note_count(acpi); i++)
		fprintf(stderr, "note: %s\n", vn_acpi_note_text(acpi, i));
}

/* Each table that there is, on `out` as well if that is not NULL; 0, or a negative errno. */
static int write_tables(const struct vn_acpi *acpi, FILE *out)
{
	static const char *const signatures[] = {"SRAT", "SLIT", "HMAT"};

	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		size_t size = 0;
		const unsigned char *table = vn_acpi_table(acpi, signatures[i], &size);

		if (!table) /* a guest that is told of no latencies has no HMAT */
			continue;
		printf("%s: %zu bytes\n", signatures[i], size);
		if (out && fwrite(table, 1, size, out) != size)
			return -EIO;
	}
	return 0;
}

static int make_tables(const char *guest_path, const char *tables_path, struct vn_error *err)
{
	struct vn_guest *guest = NULL;
	struct vn_acpi *acpi = NULL;
	FILE *out = NULL;

	int r = read_guest(guest_path, &guest, err);
	if (r == 0)
		r = vn_acpi_of_guest(guest, NULL, &acpi, err);
	if (r == 0 && tables_path && !(out = fopen(tables_path, "w")))
		r = -errno;
	if (r == 0) {
		print_ranges(acpi);
		r = write_tables(acpi, out);
	}
	if (out && fclose(out) != 0 && r == 0)
		r = -errno;
	vn_acpi_free(acpi);
	vn_guest_free(guest);
	return r;
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: acpi_tables GUEST [FILE]\n");
		return 2;
	}
	struct vn_error *err = vn_error_new();
	int r = make_tables(argv[1], argc == 3 ? argv[2] : NULL, err);
	if (r < 0) {
		/* without a problem told, it was one of the files */
		int input = vn_error_is_input(err) || (vn_error_count(err) == 0 && r == -ENOENT);
		print_problems(err, r);
		vn_error_free(err);
		return input ? 2 : 3;
	}
	vn_error_free(err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("acpi_tables: standard output");
		return 3;
	}
	return 0;
}
