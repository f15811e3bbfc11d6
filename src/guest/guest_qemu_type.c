/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which machine a QEMU command line is of, and what only that one refuses.
 *
 * A machine type with a version (pc-q35-7.2) behaves the same with every QEMU that has it; one without (q35) is the newest of its QEMU, which
 * is not known here. So what depends on the version is refused for types that tell it. Distributions have types of their own
 * (pc-i440fx-rhel7.6.0, pc-i440fx-jammy): their version is not told by the name.
 *
 * Sources: QEMU's hw/i386/pc.c, pc_piix.c, pc_q35.c (max_cpus, numa_mem_supported), hw/core/machine-smp.c; asked of QEMU 7.2.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/parse.h"
#include "../base/qemu_options.h"
#include "../base/text.h"
#include "guest_qemu_part.h"

#define PC_CPUS 255u
#define Q35_CPUS_BEFORE 288u /* of types before pc-q35-8.1 */

static bool begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* ---- the program ---- */

/*
 * A process calls itself what it likes (argv[0]). One that was found by the program it runs may have any name, so words of /proc pass
 * under a name that tells nothing; as a text of no known kind they would have been taken for a config (guest_read.c).
 */
static void check_program(struct qemu_reader *r, const char *name)
{
	enum vn_qemu_program program = vn_qemu_program_of(name, strlen(name));
	char seen[VN_QUOTE_MAX];

	if (!*name || program == VN_QEMU_VM || (program == VN_QEMU_NONE && r->words.zeros))
		return;
	qemu_problem(r, NULL, "'%s' runs no VM; expected qemu-system-x86_64 or the like, qemu-kvm or kvm",
		vn_quote(name, seen));
}

static const char *program_name(const struct qemu_reader *r)
{
	const char *path = r->words.n > r->words.n_assignments ? r->words.v[r->words.n_assignments].text : "";
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- the machine type ---- */

/* "7.2" behind the family's name; 0: none, or a distribution's own way to count. */
static unsigned type_version(const char *text)
{
	vn_autofree char *copy = vn_copy(text);
	char *rest = copy;
	const char *first = rest ? strsep(&rest, ".") : NULL;
	uint64_t major, minor;

	if (!first || !rest || vn_parse_u64(first, 999, &major) < 0 || vn_parse_u64(rest, 999, &minor) < 0)
		return 0;
	return QEMU_VERSION((unsigned)major, (unsigned)minor);
}

static void take_type(struct qemu_reader *r, const char *type)
{
	static const struct {
		const char *start;
		enum qemu_machine machine;
	} families[] = {
		{"pc-q35-", QEMU_MACHINE_Q35}, {"pc-i440fx-", QEMU_MACHINE_PC}, {"pc-", QEMU_MACHINE_PC}};

	if (strcmp(type, "pc") == 0 || strcmp(type, "q35") == 0)
		r->machine = *type == 'p' ? QEMU_MACHINE_PC : QEMU_MACHINE_Q35;
	for (size_t i = 0; i < 3 && r->machine == QEMU_MACHINE_OTHER; i++) {
		if (!begins(type, families[i].start))
			continue;
		r->machine = families[i].machine;
		r->machine_version = type_version(type + strlen(families[i].start));
	}
}

/* Whether it is for another architecture: by the program, or where that tells nothing by a machine that only others have. */
static bool is_other(const char *program, bool pc, const char *type)
{
	static const char *const machines[] = {"virt", "pseries", "s390-ccw-virtio", "sbsa-ref"};

	if (begins(program, "qemu-system-"))
		return !pc;
	for (size_t i = 0; type && i < sizeof(machines) / sizeof(machines[0]); i++) {
		size_t n = strlen(machines[i]);
		if (begins(type, machines[i]) && (!type[n] || type[n] == '-'))
			return true;
	}
	return false;
}

void qemu_read_type(struct qemu_reader *r)
{
	const struct qemu_option *option = qemu_last(r, "-machine", "type");
	const char *type = option ? vn_keyval_get(&option->keys, "type") : NULL, *program = program_name(r);
	bool pc = strcmp(program, "qemu-system-x86_64") == 0 || strcmp(program, "qemu-system-i386") == 0;
	char seen[VN_QUOTE_MAX];

	check_program(r, program);
	if (type)
		take_type(r, type);
	else if (pc) /* its default machine */
		r->machine = QEMU_MACHINE_PC;
	r->x86 = pc || r->machine != QEMU_MACHINE_OTHER;
	r->guest->machine.other = is_other(program, pc, type);
	if (begins(program, "qemu-system-") && !pc &&
		vn_notes_add(&r->guest->notes, "qemu-other-machine",
			"%s: the rules checked here, and how vCPUs are numbered, are those of x86 machines: its own command line can be "
			"given back with its plan, but whether it takes nodes is for QEMU to say",
			vn_quote(program, seen)) < 0)
		r->short_of_memory = true;
}

/* ---- what it refuses ---- */

static void check_vcpus(struct qemu_reader *r)
{
	const struct qemu_option *smp = qemu_next(r, "-smp", NULL);
	unsigned most = 0;

	if (r->machine == QEMU_MACHINE_PC)
		most = PC_CPUS;
	else if (r->machine == QEMU_MACHINE_Q35 && r->machine_version &&
		 r->machine_version < QEMU_VERSION(8, 1))
		most = Q35_CPUS_BEFORE;
	if (most && r->vcpus_known && r->guest->maxvcpus > most)
		qemu_problem(r, smp, "%u vCPUs; expected at most %u, as this machine type takes no more%s",
			r->guest->maxvcpus, most,
			r->machine == QEMU_MACHINE_PC ? " (q35 does)" : " (one of 8.1 does)");
}

static void check_levels(struct qemu_reader *r)
{
	static const char *const keys[] = {"drawers", "books", "clusters"};

	for (size_t i = 0; i < 3 && r->x86; i++) {
		const struct qemu_option *option = qemu_last(r, "-smp", keys[i]);
		uint64_t n;
		const char *text = option ? vn_keyval_get(&option->keys, keys[i]) : NULL;
		if (text && vn_qemu_number(text, VN_MAX_VCPUS, &n) == 0 && n > 1)
			qemu_problem(r, option,
				"%s=%llu seen; expected none, as x86 machines do not have them", keys[i],
				(unsigned long long)n);
	}
}

/* QEMU 5.1 took mem= away from the machine types that came with it. */
static void check_mem(struct qemu_reader *r)
{
	if (r->machine == QEMU_MACHINE_OTHER || r->machine_version <= QEMU_VERSION(5, 0))
		return;
	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-numa", option));) {
		const char *of = vn_keyval_get(&option->keys, "type");
		if (of && strcmp(of, "node") == 0 && vn_keyval_get(&option->keys, "mem"))
			qemu_problem(r, option,
				"mem seen; expected memdev=ID, as this machine type takes no other (those up to 5.0 do)");
	}
}

void qemu_check_type(struct qemu_reader *r)
{
	check_vcpus(r);
	check_levels(r);
	check_mem(r);
}
