/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "../emit/dump.h"

#include <limits.h>
#include <string.h>

#include "../acpi/layout.h"
#include "../base/words.h"
#include "look.h"
#include "vms.h"

struct ranges {
	size_t n;
	struct vn_dump_ranges *v;
};

static void ranges_clear(struct ranges *ranges)
{
	for (size_t i = 0; ranges->v && i < ranges->n; i++)
		free(ranges->v[i].v);
	free(ranges->v);
}

/*
 * The machine that a command line asks for, where it is one whose layout is known: -machine, -M, or QEMU's default (pc). A limit of
 * memory below 4 GiB changes the layout, and is set seldom.
 */
static bool find_machine(const struct vn_vm_sample *vm, enum vn_acpi_machine *ret_machine)
{
	const struct vn_guest *guest = vm->guest;
	vn_autowords words = {0};
	const char *machine = "pc";

	if (!guest || guest->form != VN_FORM_QEMU || !guest->text ||
		vn_words_parse(guest->text, guest->text_size, "", &words, NULL) < 0)
		return false;
	const char *program = words.n > words.n_assignments ? words.v[words.n_assignments].text : "";
	/* qemu-kvm and kvm do not say which machine they are of: on other hosts than x86 their machine is none of these */
	if (strstr(program, "system-") && !strstr(program, "system-x86_64") &&
		!strstr(program, "system-i386"))
		return false;
	for (size_t i = 0; i + 1 < words.n; i++) {
		const char *option = words.v[i].text;
		if (strcmp(option, "-machine") == 0 || strcmp(option, "--machine") == 0 ||
			strcmp(option, "-M") == 0)
			machine = words.v[i + 1].text;
	}
	machine += strncmp(machine, "type=", 5) == 0 ? 5 : 0;
	size_t length = strcspn(machine, ",");
	if (strstr(machine, "max-ram-below-4g"))
		return false;
	if (memmem(machine, length, "q35", 3))
		*ret_machine = VN_ACPI_Q35;
	else if (strncmp(machine, "pc", 2) == 0)
		*ret_machine = VN_ACPI_PC;
	else
		return false;
	return true;
}

static int fill_ranges(const struct vn_vm_sample *vm, struct vn_dump_ranges *ret)
{
	struct vn_acpi_range found[VN_ACPI_MAX_RANGES];
	vn_autoerror ignored = {0};
	enum vn_acpi_machine machine;

	if (!find_machine(vm, &machine))
		return 0;
	struct vn_acpi_layout layout = vn_acpi_layout_qemu(machine, vn_acpi_memory(vm->guest));
	int n = vn_acpi_ranges(vm->guest, &layout, found, &ignored);
	if (n <= 0)
		return 0;
	ret->v = calloc((size_t)n, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		if (!found[i].plug)
			ret->v[ret->n++] =
				(struct vn_dump_range){found[i].base, found[i].size, found[i].vnode};
	}
	return 0;
}

static int find_ranges(const struct vn_audit *audit, struct ranges *ret)
{
	ret->v = calloc(audit->n_vms + 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	ret->n = audit->n_vms;
	for (size_t i = 0; i < audit->n_vms; i++) {
		if (fill_ranges(audit->vms[i].vm, &ret->v[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autolook look = {.root = {.fd = -1}};
	vn_autoaudit *audit = NULL;
	vn_cleanup(ranges_clear) struct ranges ranges = {0};
	int r = vn_look_open(args, &look, err);

	if (r < 0)
		return r;
	vn_autoclose int signals = vn_signals_open();
	look.survey.stop_fd = signals < 0 ? -1 : signals;
	r = vn_look_take(&look, &audit, err);
	if (r == -ECANCELED)
		return vn_error_environment(err, r, "interrupted");
	if (r < 0)
		return r;
	if (find_ranges(audit, &ranges) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (args->json)
		return vn_print_json(vn_dump_to_json(audit, ranges.v), err);
	vn_dump_print(audit, ranges.v, stdout);
	return VN_EXIT_DONE;
}

const struct vn_verb verb_dump = {
	.name = "dump",
	.operands = "[VM...]",
	.max_operands = INT_MAX,
	.summary = "nodes, VMs, pages, vnodes and ranges, as Xen's debug key u has them",
	.details =
		"Of each node memory, CPUs and distances; of each VM pages by node, its vnodes with their home nodes and ranges of\n"
		"guest-physical memory, and the vnode of each vCPU. Pages are estimates (\"about\") without --exact. Homes are\n"
		"told with how they are known. Ranges are known of QEMU's machines pc and q35.",
	.options = {VN_OPTION_LOOK_SAMPLES, VN_OPTION_LOOK_EXACT,
		{"interval", "MS", "how long to look at threads (1000); 0: once, without times"},
		VN_OPTION_LOOK_NO_QMP, VN_OPTION_LOOK_SEED},
	.run = run,
};
