/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the verbs share: the table of verbs, their options, their exit status. One file per verb, each with
 * its entry. */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "../base/error.h"
#include "../model/guest.h"
#include "../model/host.h"

enum vn_exit {
	VN_EXIT_DONE = 0,
	VN_EXIT_NO = 1, /* infeasible, below threshold, mismatch */
	VN_EXIT_INPUT = 2, /* bad input or usage */
	VN_EXIT_ENVIRONMENT = 3, /* permission, no QEMU, kernel too old */
};

/* One option of a verb. All verbs also take --json and --help. */
struct vn_option {
	const char *name; /* without the dashes */
	const char *argument; /* metavariable, or NULL for a switch */
	const char *help;
	char letter; /* of its short form, -o VALUE; 0: it has none */
	const char *
		values; /* for completion: words that it may be; one that ends in ':' goes on with a file. NULL: any */
};

#define VN_MAX_OPTIONS 24

/* What --host may be, for completion. */
#define VN_HOST_SOURCES "live sysfs: tar: numactl: hwloc: synthetic: json:"

/* Those that all verbs take. */
#define VN_N_COMMON_OPTIONS 2
extern const struct vn_option vn_common_options[VN_N_COMMON_OPTIONS];

/* A command line after parsing: option i of the verb has values[i] (switches: ""), NULL when not given. */
struct vn_args {
	const struct vn_verb *verb;
	bool json, help;
	const char *values[VN_MAX_OPTIONS];
	int n_operands;
	char **operands;
};

struct vn_verb {
	const char *name;
	const char *operands; /* for the usage line: "GUEST", "[CELLS]", "" */
	int min_operands, max_operands;
	const char *summary; /* one line of `vnuma help` */
	const char *details; /* a paragraph of `vnuma help VERB`, or NULL */
	struct vn_option options[VN_MAX_OPTIONS]; /* ends with a NULL name */
	int (*run)(const struct vn_args *args,
		struct vn_error *err); /* enum vn_exit, or a negative errno with `err` filled */
};

/* The value of an option of this verb, or NULL. Aborts on a name the verb does not have (a bug of ours). */
const char *vn_arg(const struct vn_args *args, const char *name);
bool vn_arg_given(const struct vn_args *args, const char *name);

/* Prints one JSON object on stdout with a newline and drops the reference; NULL is "memory is short". 0 or
 * negative errno. */
int vn_print_json(json_t *object, struct vn_error *err);

/* Reads the host named by --host (default: live). */
int vn_args_host(const struct vn_args *args, struct vn_host **ret_host, struct vn_error *err);

/* Reads the guest config named by the first operand, with --defaults if given. */
int vn_args_guest(const struct vn_args *args, struct vn_guest **ret_guest, struct vn_error *err);

/* The same of another operand, counted from 0. */
int vn_args_guest_at(
	const struct vn_args *args, int operand, struct vn_guest **ret_guest, struct vn_error *err);

/*
 * Writes what `print` makes of `what` to a file, through a temporary one beside it, so that it is there whole or not at all; "-"
 * is standard output. `option` is for messages (picture.c).
 */
int vn_write_whole(const char *option, const char *path, int (*print)(const void *what, FILE *out),
	const void *what, struct vn_error *err);

/* The host as a picture, for --svg. */
int vn_write_picture(const struct vn_host *host, const char *path, struct vn_error *err);

/* The table of verbs, ending in NULL (verbs.c). */
extern const struct vn_verb *const vn_verbs[];
