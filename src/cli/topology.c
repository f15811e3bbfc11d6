/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

#include "../emit/host_dot.h"

/* Whether JSON is asked for, by --json or --format; a negative errno for a format that is none. */
static int wants_json(const struct vn_args *args, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--format"};
	const char *format = vn_arg(args, "format");

	if (!format)
		return args->json;
	if (strcmp(format, "json") == 0)
		return true;
	if ((strcmp(format, "text") == 0 || strcmp(format, "dot") == 0) && args->json)
		return vn_error_input(err, &where, "'%s' contradicts --json; expected one of them", format);
	if (strcmp(format, "text") == 0 || strcmp(format, "dot") == 0)
		return false;
	if (strcmp(format, "xml") == 0 || strcmp(format, "numactl") == 0)
		return vn_error_input(err, &where,
			"this version does not write '%s' yet; expected text, json or dot", format);
	return vn_error_input(err, &where, "'%s'; expected text, json or dot", format);
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autohost *host = NULL;
	int json = wants_json(args, err);
	int r = vn_args_host(args, &host, err);

	if (json < 0 || r < 0)
		return json < 0 ? json : r;
	if (vn_arg_given(args, "svg"))
		return vn_write_picture(host, vn_arg(args, "svg"), err);
	if (json)
		return vn_print_json(vn_host_to_json(host), err);
	if (vn_arg_given(args, "format") && strcmp(vn_arg(args, "format"), "dot") == 0)
		vn_host_print_dot(host, stdout);
	else
		vn_host_print(host, vn_arg_given(args, "all"), stdout);
	return VN_EXIT_DONE;
}

const struct vn_verb verb_topology = {
	.name = "topology",
	.operands = "",
	.summary = "nodes, CPUs, memory, huge pages, distances and devices of a host",
	.details = "SRC is one of: live (this host; the default), sysfs:DIR (a copy of another host's /sys "
		   "and /proc),\n"
		   "numactl:FILE (the output of 'numactl --hardware').",
	.options = {{"host", "SRC", "where the host is read from"},
		{"format", "FORM", "text (the default), json, or dot (a graph for graphviz)"},
		{"svg", "FILE", "a picture of the host into FILE (-: standard output), and nothing else"},
		{"all", NULL, "in text: each node and each device in a line of its own"}},
	.run = run,
};
