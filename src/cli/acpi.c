/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "acpi_files.h"
#include "planning.h"
#include "cli.h"

/* An address in MiB. */
static int read_address(
	const struct vn_args *args, const char *option, const char *key, uint64_t *ret, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, key};
	uint64_t most = VN_ACPI_ADDRESS_MAX / VN_MIB, mib;
	char seen[VN_QUOTE_MAX];

	if (vn_parse_u64(vn_arg(args, option), most, &mib) < 0)
		return vn_error_input(err, &where, "'%s' seen; expected MiB, up to %llu",
			vn_quote(vn_arg(args, option), seen), (unsigned long long)most);
	*ret = mib * VN_MIB;
	return 0;
}

/* --low-end and --high-start: a machine of the user's own. */
static int read_layout(const struct vn_args *args, struct vn_acpi_options *options, struct vn_error *err)
{
	bool low = vn_arg_given(args, "low-end"), high = vn_arg_given(args, "high-start");
	uint64_t low_end = 0, high_start = 0;
	int r = 0;

	if (!low && !high)
		return 0;
	if (!low || !high)
		return vn_error_input(err, &(struct vn_where){NULL, 0, low ? "--low-end" : "--high-start"},
			"given alone; expected --low-end and --high-start, or none of them");
	const char *other = vn_arg_given(args, "machine") ? "--machine"
			    : vn_arg_given(args, "amd")   ? "--amd"
							  : NULL;
	if (other)
		r = vn_error_input(err, &(struct vn_where){NULL, 0, other},
			"contradicts --low-end and --high-start; expected QEMU's machine or figures");
	int bad_low = read_address(args, "low-end", "--low-end", &low_end, err);
	int bad_high = read_address(args, "high-start", "--high-start", &high_start, err);
	if (r < 0 || bad_low < 0 || bad_high < 0)
		return -EINVAL;
	options->has_layout = true;
	options->layout = vn_acpi_layout_own(low_end, high_start);
	return vn_acpi_layout_check(&options->layout, err);
}

static int read_options(const struct vn_args *args, struct vn_acpi_options *options, struct vn_error *err)
{
	const char *machine = vn_arg(args, "machine"), *order = vn_arg(args, "order");
	char seen[VN_QUOTE_MAX];
	int r = 0;

	if (!vn_arg(args, "output") || !*vn_arg(args, "output"))
		r = vn_error_input(
			err, &(struct vn_where){NULL, 0, "-o"}, "no folder; expected one for the tables");
	options->has_machine = machine;
	if (machine && !vn_acpi_machine_parse(machine, &options->machine))
		r = vn_error_input(err, &(struct vn_where){NULL, 0, "--machine"},
			"'%s' seen; expected q35 or pc", vn_quote(machine, seen));
	if (order && strcmp(order, "vcpu") != 0 && strcmp(order, "vnode") != 0)
		r = vn_error_input(err, &(struct vn_where){NULL, 0, "--order"},
			"'%s' seen; expected vcpu or vnode", vn_quote(order, seen));
	if (order && strcmp(order, "vnode") == 0)
		options->order = VN_ACPI_ORDER_VNODE;
	options->amd = vn_arg_given(args, "amd");
	return read_layout(args, options, err) < 0 ? -EINVAL : r;
}

/* Makes the vnodes that were left open, and finds the homes whose latencies are to be told, as `plan` would. VN_EXIT_NO: there is no plan. */
static int make_vnodes(const struct vn_args *args, struct vn_guest *guest, struct vn_error *err)
{
	struct vn_plan_options options = {0};
	vn_autohost *host = NULL;
	vn_autotaken taken = {0};
	vn_autoplan *plan = NULL;

	int r = vn_args_deadline(args, VN_PLAN_DEADLINE_MS, &options.deadline_ms, err);
	if (r == 0)
		r = vn_args_host(args, &host, err);
	if (r == 0)
		r = vn_args_occupied(
			args, NULL, host, (const struct vn_guest *const[]){guest}, 1, &taken, err);
	options.occupied = taken.occupied;
	if (r == 0)
		r = vn_make_plan(host, &options, &taken.notes, guest, &plan, err);
	if (r != 0 || plan->feasible)
		return r;
	vn_notes_print(&plan->reasons, "no plan");
	return VN_EXIT_NO;
}

/* ---- telling ---- */

static json_t *files_to_json(const char *folder, const struct vn_acpi_file files[static VN_ACPI_FILES])
{
	json_t *list = json_array();

	for (int i = 0; i < VN_ACPI_FILES && list; i++) {
		if (!files[i].table->bytes)
			continue;
		vn_autofree char *path = vn_format("%s/%s", folder, files[i].name);
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:I}", "signature", files[i].signature, "file",
				      path ? path : "", "size", (json_int_t)files[i].table->size));
	}
	return list;
}

static json_t *vnodes_to_json(const struct vn_guest *guest, const struct vn_acpi *acpi)
{
	json_t *list = json_array();

	for (size_t v = 0; v < guest->n_vnodes && list; v++)
		json_array_append_new(
			list, json_pack("{s:I, s:o, s:I, s:o}", "id", (json_int_t)v, "node",
				      acpi->nodes[v] < 0 ? json_null() : json_integer(acpi->nodes[v]),
				      "memory", (json_int_t)vn_acpi_memory_of(&guest->vnodes[v]), "vcpus",
				      vn_json_set(guest->vnodes[v].vcpus)));
	return list;
}

static json_t *ranges_to_json(const struct vn_acpi *acpi)
{
	json_t *list = json_array();

	for (size_t i = 0; i < acpi->n_ranges && list; i++)
		json_array_append_new(
			list, json_pack("{s:I, s:I, s:i, s:b}", "base", (json_int_t)acpi->ranges[i].base,
				      "size", (json_int_t)acpi->ranges[i].size, "vnode",
				      (int)acpi->ranges[i].vnode, "pluggable", acpi->ranges[i].plug));
	return list;
}

static int print_json(const char *folder, const struct vn_acpi_file files[static VN_ACPI_FILES],
	const struct vn_guest *guest, const struct vn_acpi *acpi, struct vn_error *err)
{
	return vn_print_json(json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "schema", "vnuma.acpi/1", "guest",
				     guest->name, "files", files_to_json(folder, files), "vnodes",
				     vnodes_to_json(guest, acpi), "ranges", ranges_to_json(acpi), "warnings",
				     vn_notes_to_json(&guest->notes, &acpi->notes)),
		err);
}

static int print_text(const char *folder, const struct vn_acpi_file files[static VN_ACPI_FILES],
	const struct vn_guest *guest, const struct vn_acpi *acpi, struct vn_error *err)
{
	char size[VN_SIZE_TEXT];

	vn_notes_print(&guest->notes, "warning");
	vn_notes_print(&acpi->notes, "warning");
	for (int i = 0; i < VN_ACPI_FILES; i++) {
		if (files[i].table->bytes)
			printf("%s/%s  %zu bytes\n", folder, files[i].name, files[i].table->size);
	}
	printf("\nvnode  node     memory  vCPUs\n");
	for (size_t v = 0; v < guest->n_vnodes; v++) {
		vn_autofree char *vcpus = vn_set_text(guest->vnodes[v].vcpus);
		char node[16] = "-";
		if (acpi->nodes[v] >= 0)
			snprintf(node, sizeof(node), "%d", acpi->nodes[v]);
		if (!vcpus)
			return vn_error_environment(err, -ENOMEM, "out of memory");
		printf("%5zu  %4s  %9s  %s\n", v, node,
			vn_size_text(vn_acpi_memory_of(&guest->vnodes[v]), size), *vcpus ? vcpus : "-");
	}
	printf("\nmemory                                        size  vnode\n");
	for (size_t i = 0; i < acpi->n_ranges; i++) {
		const struct vn_acpi_range *range = &acpi->ranges[i];
		printf("0x%012" PRIx64 " - 0x%012" PRIx64 "  %14s  %5u%s\n", range->base,
			range->base + range->size, vn_size_text_exact(range->size, size), range->vnode,
			range->plug ? "  to plug in" : "");
	}
	return VN_EXIT_DONE;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autoacpioptions *options = vn_acpi_options_new();
	struct vn_acpi_file files[VN_ACPI_FILES];
	vn_autoguest *guest = NULL;
	vn_autoacpi *acpi = NULL;
	const char *folder = vn_arg(args, "output");

	if (!options)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int bad = read_options(args, options, err);
	int r = vn_args_guest(args, &guest, err); /* all that is wrong, not the first */
	if (r < 0 || bad < 0)
		return r < 0 ? r : bad;
	if (guest->vnodes_open || guest->hmat_of_host)
		r = make_vnodes(args, guest, err);
	if (r == 0)
		r = vn_acpi_build(guest, options, &acpi, err);
	if (r != 0)
		return r;
	vn_acpi_files_of(acpi, files);
	r = vn_acpi_files_write(folder, files, err);
	if (r < 0)
		return r;
	return args->json ? print_json(folder, files, guest, acpi, err)
			  : print_text(folder, files, guest, acpi, err);
}

const struct vn_verb verb_acpi = {
	.name = "acpi",
	.operands = "GUEST",
	.min_operands = 1,
	.max_operands = 1,
	.summary =
		"the tables that tell a guest of its nodes: SRAT, SLIT and HMAT, for a VMM that makes none",
	.details = /* clang-format off */
		"Writes SRAT.aml, SLIT.aml and, for a guest that is told of latencies, HMAT.aml into DIR, all or none; tables of an\n"
		"earlier time are replaced. docs/acpi.md says how a guest gets them. They hold what the guest sees, not where its\n"
		"vnodes live: a host is looked at only for a guest that leaves its vnodes open, and they are then made as 'vnuma\n"
		"plan' makes them, or that wants the host's latencies (vnuma_hmat). 'node' is the number that Linux gives a\n"
		"vnode. A machine of your own has memory up to --low-end and what is left from --high-start on. Exit status 1: there is no room for the guest on that host.", /* clang-format on */
	.options = {{"output", "DIR", "the folder for the tables; made if it is not there", 'o'},
		{"machine", "NAME",
			"whose layout of memory, as QEMU has it: q35 or pc; GUEST's own is the default, or q35",
			.values = "q35 pc"},
		{"amd", NULL, "the guest's CPU is AMD's: near 1 TiB QEMU then lays memory out otherwise"},
		{"low-end", "MIB", "where memory below 4 GiB ends, of another machine"},
		{"high-start", "MIB", "and where it goes on"},
		{"order", "ORDER",
			"of CPUs: vcpu (the default), as QEMU has it, or vnode, so that node numbers are the config's",
			.values = "vcpu vnode"},
		{"host", "SRC",
			"the host to make vnodes for ('vnuma help topology' lists sources); live is the default"},
		VN_OPTION_OCCUPIED, VN_OPTION_DEADLINE,
		{"rehome", NULL, "forget the homes that GUEST names: the tables do not tell of them"},
		{"defaults", NULL, "replace wrong NUMA options by their defaults, with a warning"}},
	.run = run,
};
