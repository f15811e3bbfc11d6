/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans a guest of so many MiB and vCPUs on this machine ("live") or on that of another source, and prints where it lives best.
 *
 *     cc -o plan_guest plan_guest.c $(pkg-config --cflags --libs vnuma)
 *     ./plan_guest live 8192 4
 *     ./plan_guest json:other-machine.json 65536 16
 *
 * Exit status: 0 there is a plan, 1 there is no room, 2 the arguments are wrong, 3 this machine refuses.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vnuma.h>

/* All problems, one a line, as KEY: TEXT. */
static void print_problems(const struct vn_error *err, int status)
{
	size_t n = vn_error_count(err);

	if (n == 0) /* memory was short even for the error object */
		fprintf(stderr, "plan_guest: %s\n", strerror(-status));
	for (size_t i = 0; i < n; i++) {
		const char *key = vn_error_key(err, i);
		fprintf(stderr, "plan_guest: %s%s%s\n", key ? key : "", key ? ": " : "",
			vn_error_text(err, i));
	}
}

/* A number from 1 to `max` that is the whole text; 0 when it is none. */
static unsigned long long read_number(const char *text, unsigned long long max)
{
	char *end;

	if (*text < '1' || *text > '9')
		return 0;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && number <= max ? number : 0;
}

/* A set as the library tells it: first how many there are, then what they are. */
static void print_cpus(const struct vn_plan *plan, size_t vnode)
{
	int n = vn_plan_vnode_cpus(plan, vnode, NULL, 0);
	unsigned *ids = n > 0 ? calloc((size_t)n, sizeof(*ids)) : NULL;

	if (ids)
		vn_plan_vnode_cpus(plan, vnode, ids, (size_t)n);
	for (int i = 0; ids && i < n; i++)
		printf("%s%u", i ? "," : "", ids[i]);
	free(ids);
}

static void print_plan(const struct vn_plan *plan)
{
	for (size_t v = 0; v < vn_plan_vnode_count(plan); v++) {
		int home = vn_plan_vnode_home(plan, v);
		printf("vnode %zu: node %d, %" PRId64 " of %" PRId64 " MiB there, %d vCPUs on CPUs ", v, home,
			vn_plan_vnode_memory_on(plan, v, (unsigned)home) >> 20,
			vn_plan_vnode_memory(plan, v) >> 20, vn_plan_vnode_vcpus(plan, v, NULL, 0));
		print_cpus(plan, v);
		putchar('\n');
	}
	if (vn_plan_is_feasible(plan))
		printf("mean distance %.1f, %s\n", vn_plan_mean_distance(plan),
			vn_plan_is_optimal(plan) ? "proven to be the best" : "the best found in time");
	for (size_t i = 0; i < vn_plan_warning_count(plan); i++)
		fprintf(stderr, "warning: %s\n", vn_plan_warning_text(plan, i));
	for (size_t i = 0; i < vn_plan_reason_count(plan); i++)
		fprintf(stderr, "no plan: %s\n", vn_plan_reason_text(plan, i));
}

/* A plan for a guest of this size; 0, or a negative errno. */
static int make_plan(
	const char *source, uint64_t memory, unsigned vcpus, struct vn_plan **ret_plan, struct vn_error *err)
{
	struct vn_host *host = NULL;
	struct vn_guest *guest = vn_guest_new();

	int r = guest ? vn_guest_set_name(guest, "guest") : -ENOMEM;
	if (r == 0)
		r = vn_guest_set_memory(guest, memory);
	if (r == 0)
		r = vn_guest_set_vcpus(guest, vcpus);
	if (r == 0)
		r = vn_host_open(source, &host, err);
	if (r == 0)
		r = vn_plan_guest(host, guest, NULL, ret_plan, err);
	vn_host_free(host);
	vn_guest_free(guest);
	return r;
}

int main(int argc, char **argv)
{
	unsigned long long mib = argc == 4 ? read_number(argv[2], 64ull << 20) : 0;
	unsigned long long vcpus = argc == 4 ? read_number(argv[3], 1024) : 0;
	struct vn_plan *plan = NULL;

	if (mib == 0 || vcpus == 0) {
		fprintf(stderr, "usage: plan_guest SOURCE MIB VCPUS\n");
		return 2;
	}
	struct vn_error *err = vn_error_new();
	int r = make_plan(argv[1], mib << 20, (unsigned)vcpus, &plan, err);
	if (r < 0) {
		int input = vn_error_is_input(err);
		print_problems(err, r);
		vn_error_free(err);
		return input ? 2 : 3;
	}
	print_plan(plan);
	int feasible = vn_plan_is_feasible(plan);
	vn_plan_free(plan);
	vn_error_free(err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("plan_guest: standard output");
		return 3;
	}
	return feasible ? 0 : 1;
}
