/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include "../base/text.h"
#include "../discover/gather.h"
#include "../model/plan.h"

static int print_json(
	const char *source, const char *file, const struct vn_gathered *gathered, struct vn_error *err)
{
	return vn_print_json(
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "schema", "vnuma.gather/1", "source",
			source, "file", file, "files", (json_int_t)gathered->files, "links",
			(json_int_t)gathered->links, "folders", (json_int_t)gathered->folders, "size",
			(json_int_t)gathered->size, "warnings", vn_notes_to_json(&gathered->notes, NULL)),
		err);
}

static void print(const char *file, const struct vn_gathered *gathered)
{
	char size[VN_SIZE_TEXT];

	printf("%s: %zu files, %zu links, %zu folders; %s\n", file, gathered->files, gathered->links,
		gathered->folders, vn_size_text(gathered->size, size));
	for (size_t i = 0; i < gathered->notes.n; i++)
		printf("note: %s\n", gathered->notes.v[i].text);
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_cleanup(vn_gathered_clear) struct vn_gathered gathered = {0};
	const char *source = vn_arg(args, "host"), *file = args->operands[0];

	source = source ? source : "live";
	int r = vn_gather(source, file, &gathered, err);
	if (r < 0)
		return r;
	if (args->json)
		return print_json(source, file, &gathered, err);
	print(file, &gathered);
	return VN_EXIT_DONE;
}

const struct vn_verb verb_gather = {
	.name = "gather",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "this host as an archive, for a bug report: --host tar:FILE reads it back",
	.details =
		"FILE is new and ends in .tar.bz2, .tar.gz, .tar.xz or .tar. In it: nodes, CPUs, caches, memory and huge page\n"
		"counts, distances, memory tiers and weights, the firmware's tables HMAT, SRAT and SLIT (which only root may\n"
		"read), PCI and dax devices with their drivers and interrupts, the *names* of network interfaces and disks (you\n"
		"may have chosen them: look with 'tar -tf FILE'), and which CPUs and nodes this process may use.\n"
		"Not in it: serial numbers, MAC addresses, the host's name, users, command lines; nor who made it when.\n"
		"SRC is one of: live (this host; the default), sysfs:DIR, tar:FILE.",
	.options = {{"host", "SRC", "what is gathered", .values = "live sysfs: tar:"}},
	.run = run,
};
