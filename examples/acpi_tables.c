/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a VMM does that makes no NUMA tables itself: reads a guest's config, has its SRAT, SLIT and HMAT made, and would copy the
 * bytes into the guest's memory. Here they are files SRAT.aml, … in the current folder, and the ranges of memory are printed.
 *
 *     cc -o acpi_tables acpi_tables.c $(pkg-config --cflags --libs vnuma)
 *     ./acpi_tables guest.cfg                 # memory as QEMU's q35 has it
 *     ./acpi_tables guest.cfg 3328 4096       # up to 3328 MiB, and on from 4096 MiB
 *     iasl -d SRAT.aml
 *
 * Exit status: 0 done, 2 the arguments or the config are wrong, 3 this machine refuses.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vnuma.h>

#define MAX_CONFIG (1u << 20)

/* All problems, one a line, as FILE:LINE: KEY: TEXT with what is known of it. */
static void print_problems(const struct vn_error *err, int status)
{
	size_t n = vn_error_count(err);

	if (n == 0) /* memory was short even for the error object */
		fprintf(stderr, "acpi_tables: %s\n", strerror(-status));
	for (size_t i = 0; i < n; i++) {
		const char *file = vn_error_file(err, i), *key = vn_error_key(err, i);
		fprintf(stderr, "acpi_tables: %s%s", file ? file : "", file ? ":" : "");
		if (vn_error_line(err, i))
			fprintf(stderr, "%u:", vn_error_line(err, i));
		fprintf(stderr, "%s%s%s%s\n", file ? " " : "", key ? key : "", key ? ": " : "",
			vn_error_text(err, i));
	}
}

/* A text file as a new string; NULL when it cannot be read. */
static char *read_text(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = in ? malloc(MAX_CONFIG + 1) : NULL;

	if (text) {
		size_t n = fread(text, 1, MAX_CONFIG, in);
		text[n] = '\0';
		if (ferror(in)) {
			free(text);
			text = NULL;
		}
	}
	if (in)
		fclose(in);
	return text;
}

/* A number of MiB that is the whole text; 0 when it is none. */
static uint64_t read_mib(const char *text)
{
	char *end;

	if (*text < '1' || *text > '9')
		return 0;
	errno = 0;
	unsigned long long mib = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && mib < 1ull << 32 ? mib << 20 : 0;
}

/* The options for a machine of one's own; NULL, which is q35, without figures. */
static int read_options(int argc, char **argv, struct vn_acpi_options **ret_options)
{
	if (argc == 2)
		return 0;
	struct vn_acpi_options *options = vn_acpi_options_new();
	if (!options)
		return -ENOMEM;
	int r = vn_acpi_options_set_memory(options, read_mib(argv[2]), read_mib(argv[3]));
	if (r < 0) {
		vn_acpi_options_free(options);
		return r;
	}
	*ret_options = options;
	return 0;
}

/* A VMM would copy the bytes into the guest's memory, and put their address into its XSDT. */
static int write_table(const struct vn_acpi *acpi, const char *signature)
{
	size_t size = 0;
	const unsigned char *bytes = vn_acpi_table(acpi, signature, &size);
	char name[16];

	if (!bytes) /* an HMAT is only for guests that are told of latencies */
		return 0;
	snprintf(name, sizeof(name), "%s.aml", signature);
	FILE *out = fopen(name, "wb");
	size_t written = out ? fwrite(bytes, 1, size, out) : 0;
	if (!out || fclose(out) != 0 || written != size) {
		perror(name);
		return -EIO;
	}
	printf("%s: %zu bytes\n", name, size);
	return 0;
}

static int write_tables(const struct vn_acpi *acpi)
{
	const char *const signatures[] = {"SRAT", "SLIT", "HMAT"};
	int r = 0;

	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]) && r == 0; i++)
		r = write_table(acpi, signatures[i]);
	for (size_t i = 0; i < vn_acpi_range_count(acpi) && r == 0; i++)
		printf("0x%09" PRIx64 ", %" PRId64 " KiB: vnode %d%s\n",
			(uint64_t)vn_acpi_range_base(acpi, i), vn_acpi_range_size(acpi, i) >> 10,
			vn_acpi_range_vnode(acpi, i),
			vn_acpi_range_is_pluggable(acpi, i) ? ", to plug in" : "");
	for (size_t i = 0; i < vn_acpi_note_count(acpi); i++)
		fprintf(stderr, "acpi_tables: %s\n", vn_acpi_note_text(acpi, i));
	return r;
}

int main(int argc, char **argv)
{
	struct vn_acpi_options *options = NULL;
	struct vn_guest *guest = NULL;
	struct vn_acpi *acpi = NULL;

	if ((argc != 2 && argc != 4) || read_options(argc, argv, &options) < 0) {
		fprintf(stderr, "usage: acpi_tables CONFIG [LOW_END HIGH_START]      both in MiB\n");
		return 2;
	}
	char *text = read_text(argv[1]);
	if (!text) {
		perror(argv[1]);
		vn_acpi_options_free(options);
		return 3;
	}
	struct vn_error *err = vn_error_new();
	int r = vn_guest_from_text(text, argv[1], &guest, err);
	if (r == 0)
		r = vn_acpi_of_guest(guest, options, &acpi, err);
	int status = r == 0 ? 0 : vn_error_is_input(err) ? 2 : 3;
	if (r < 0)
		print_problems(err, r);
	else if (write_tables(acpi) < 0)
		status = 3;
	vn_acpi_free(acpi);
	vn_guest_free(guest);
	vn_acpi_options_free(options);
	vn_error_free(err);
	free(text);
	return status;
}
