/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints the free memory of each node: this machine's, or that of the source named as the only argument.
 *
 *     cc -o free_memory free_memory.c $(pkg-config --cflags --libs vnuma)
 *     ./free_memory
 *     ./free_memory json:other-machine.json
 *
 * Exit status: 0 done, 2 the source is wrong or not there, 3 this machine refuses.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <vnuma.h>

/* All problems, one a line, as FILE:LINE: KEY: TEXT with what is known of it. */
static void print_problems(const struct vn_error *err, int status)
{
	size_t n = vn_error_count(err);

	if (n == 0) /* memory was short even for the error object */
		fprintf(stderr, "free_memory: %s\n", strerror(-status));
	for (size_t i = 0; i < n; i++) {
		fprintf(stderr, "free_memory: ");
		if (vn_error_file(err, i))
			fprintf(stderr, "%s:", vn_error_file(err, i));
		if (vn_error_line(err, i))
			fprintf(stderr, "%u:", vn_error_line(err, i));
		if (vn_error_key(err, i))
			fprintf(stderr, " %s:", vn_error_key(err, i));
		fprintf(stderr, " %s\n", vn_error_text(err, i));
	}
}

static void print_node(const struct vn_host *host, size_t node)
{
	int64_t total = vn_host_node_memory_total(host, node);
	int64_t unused = vn_host_node_memory_free(host, node);

	printf("node %d: ", vn_host_node_id(host, node));
	if (unused == -ENODATA) /* the source does not tell: that is not 0 */
		printf("free memory not known, %" PRId64 " MiB in all\n", total >> 20);
	else
		printf("%" PRId64 " of %" PRId64 " MiB free\n", unused >> 20, total >> 20);
}

int main(int argc, char **argv)
{
	struct vn_host *host = NULL;
	struct vn_error *err = vn_error_new();

	if (argc > 2) {
		fprintf(stderr, "usage: free_memory [SOURCE]\n");
		vn_error_free(err);
		return 2;
	}
	int r = vn_host_open(argc == 2 ? argv[1] : "live", &host, err);
	if (r < 0) {
		int input = vn_error_is_input(err);
		print_problems(err, r);
		vn_error_free(err);
		return input ? 2 : 3;
	}
	for (size_t i = 0; i < vn_host_node_count(host); i++)
		print_node(host, i);
	vn_host_free(host);
	vn_error_free(err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("free_memory: standard output");
		return 3;
	}
	return 0;
}
