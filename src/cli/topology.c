/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

#include "../emit/host_dot.h"
#include "../emit/host_numactl.h"
#include "../emit/host_xml.h"

static void print_text(const struct vn_host *host, FILE *out)
{
	vn_host_print(host, false, out);
}

/* The forms of --format; a new one is a line here and a word in the texts below. */
static const struct form {
	const char *name;
	void (*print)(const struct vn_host *host, FILE *out); /* NULL: JSON, which --json asks for as well */
} forms[] = {
	{"text", print_text},
	{"json", NULL},
	{"xml", vn_host_print_xml},
	{"numactl", vn_host_print_numactl},
	{"dot", vn_host_print_dot},
};

#define FORMS "text, json, xml, numactl or dot"

/*
 * The picture is all that --svg gives, and only the text has a longer form: what would be ignored is refused. One error,
 * which names the option that cannot be with the others.
 */
static int refuse_contradiction(const struct vn_args *args, const char *form, struct vn_error *err)
{
	struct vn_where svg = {NULL, 0, "--svg"}, all = {NULL, 0, "--all"};
	const char *other = args->json                     ? "--json"
			    : vn_arg_given(args, "format") ? "--format"
			    : vn_arg_given(args, "all")    ? "--all"
							   : NULL;

	if (vn_arg_given(args, "svg") && other)
		return vn_error_input(err, &svg, "contradicts %s; expected one of them", other);
	if (vn_arg_given(args, "all") && strcmp(form, "text") != 0)
		return vn_error_input(err, &all,
			"contradicts %s; expected one of them: only the text is folded",
			args->json ? "--json" : "--format");
	return 0;
}

static int read_form(const struct vn_args *args, const struct form **ret_form, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--format"};
	const char *name = vn_arg(args, "format");

	if (!name)
		name = args->json ? "json" : "text";
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(name, forms[i].name) != 0)
			continue;
		if (args->json && forms[i].print)
			return vn_error_input(
				err, &where, "'%s' contradicts --json; expected one of them", name);
		*ret_form = &forms[i];
		return refuse_contradiction(args, name, err);
	}
	return vn_error_input(err, &where, "'%s'; expected " FORMS, name);
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autohost *host = NULL;
	const struct form *form = NULL;
	int bad_form = read_form(args, &form, err); /* all that is wrong, not the first */
	int r = vn_args_host(args, &host, err);

	if (bad_form < 0 || r < 0)
		return bad_form < 0 ? bad_form : r;
	if (vn_arg_given(args, "svg"))
		return vn_write_picture(host, vn_arg(args, "svg"), err);
	if (!form->print)
		return vn_print_json(vn_host_to_json(host), err);
	if (vn_arg_given(args, "all") && form->print == print_text)
		vn_host_print(host, true, stdout);
	else
		form->print(host, stdout);
	return VN_EXIT_DONE;
}

const struct vn_verb verb_topology = {
	.name = "topology",
	.operands = "",
	.summary = "nodes, CPUs, memory, huge pages, distances and devices of a host",
	.details =
		"SRC is one of: live (this host; the default), sysfs:DIR (a copy of another host's /sys and /proc),\n"
		"tar:FILE (the same in an archive, as 'vnuma gather' makes it), numactl:FILE (the output of\n"
		"'numactl --hardware'), hwloc:FILE (XML of hwloc, 'lstopo FILE.xml'), synthetic:STRING (a host in\n"
		"hwloc's words, 'node:2 core:4 pu:2'), json:FILE (the output of 'vnuma topology --json').\n"
		"FORM xml is '<topology><cells>' as proposed for libvirt in 2007 (what libvirt prints today\n"
		"differs), to schema/topology.rng; numactl is what 'numactl --hardware' prints; dot is a graph\n"
		"for graphviz.",
	.options = {{"host", "SRC", "where the host is read from"},
		{"format", "FORM", "text (the default), json, xml, numactl or dot",
			.values = "text json xml numactl dot"},
		{"svg", "FILE", "a picture of the host into FILE (-: standard output), and nothing else"},
		{"all", NULL, "in text: each node and each device in a line of its own, no list cut"}},
	.run = run,
};
