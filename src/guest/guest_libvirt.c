/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: base/markup.c turns the text into elements; here, and in the files beside this one, each is read by what
 * it means. As with configs a wrong value adds a problem and leaves a harmless fallback, so that every problem is found in one
 * run. What libvirt refuses is refused, so that no plan is made for a domain that will not start; the rules are those of
 * libvirt 9.0 to 11.3 (src/conf/domain_conf.c, numa_conf.c, numatune_conf.c, domain_validate.c, src/qemu/qemu_validate.c).
 *
 * libvirt's sizes are those that QEMU gets: each cell's memory rounded up to MiB (x86), and their sum the guest's whatever <memory>
 * says.
 */
#define _GNU_SOURCE
#include "guest_libvirt.h"

#include <string.h>

#include "../base/text.h"
#include "guest_libvirt_reader.h"

#define XL_DEFAULT_WEIGHT 256 /* what a config has that says nothing */

static void read_name(struct domain_reader *r)
{
	size_t element = vn_markup_child(r->doc, 0, "name");
	const char *name = element == VN_MARKUP_NONE ? NULL : r->doc->elements[element].text;
	char seen[VN_QUOTE_MAX];

	if (!name || !*name) {
		domain_problem(r, element == VN_MARKUP_NONE ? 0 : element, NULL,
			"no name; expected a <name> that is not empty");
		return;
	}
	r->guest->name = strndup(name, VN_NAME_MAX);
	if (!r->guest->name) {
		r->short_of_memory = true;
		return;
	}
	if (strlen(name) <= VN_NAME_MAX && vn_guest_name_is_good(name))
		return;
	for (char *p = r->guest->name; *p; p++) {
		char one[2] = {*p == '.' || *p == '_' || *p == '+' || *p == '-' ? 'x' : *p, 0};
		if (!vn_guest_name_is_good(one))
			*p = '_';
	}
	if (!vn_guest_name_is_good(r->guest->name))
		r->guest->name[0] = 'x';
	vn_notes_add(&r->guest->notes, "name-changed", "line %u: name: '%s' is called '%s' by vnuma",
		r->doc->elements[element].line, vn_quote(name, seen), r->guest->name);
}

/* <vcpus>: vCPUs one by one. The model has the first ones online; which they are matters to nobody but their vnode. */
static unsigned count_enabled(struct domain_reader *r, size_t vcpus)
{
	unsigned n = 0;

	for (size_t i = vn_markup_child(r->doc, vcpus, "vcpu"); i != VN_MARKUP_NONE;
		i = vn_markup_next(r->doc, i, "vcpu")) {
		uint64_t id = 0;
		if (domain_need_number(r, i, "id", 0, r->guest->maxvcpus - 1, &id) &&
			domain_says(r, i, "enabled", "yes")) {
			if (id != n)
				vn_notes_add(&r->guest->notes, "vcpus-in-order",
					"line %u: vcpus: vCPU %llu is online at start and not all before it are; taken as if "
					"the first ones were",
					r->doc->elements[i].line, (unsigned long long)id);
			n++;
		}
	}
	return n;
}

static void read_vcpus(struct domain_reader *r)
{
	struct vn_guest *guest = r->guest;
	size_t element = vn_markup_child(r->doc, 0, "vcpu"), list = vn_markup_child(r->doc, 0, "vcpus");
	static const char *const placements[] = {"static", "auto", NULL};
	size_t told = r->told;
	uint64_t most = 1, now;

	domain_number(r, element, NULL, 1, VN_MAX_VCPUS, &most);
	guest->maxvcpus = (unsigned)most;
	now = most;
	domain_number(r, element, "current", 1, most, &now);
	if (list != VN_MARKUP_NONE)
		now = count_enabled(r, list);
	if (now == 0 && r->told == told)
		domain_problem(r, list, NULL, "no vCPU is enabled; expected one that is, at least");
	guest->vcpus = now ? (unsigned)now : 1;
	r->vcpus_known = r->told == told;
	if (domain_choice(r, element, "placement", placements, 0) == 1)
		vn_notes_add(&guest->notes, "placement-replaced",
			"line %u: vcpu: placement='auto' asks numad; the plan takes its place",
			r->doc->elements[element].line);
	guest->cpus = domain_set(r, element, "cpuset");
	if (guest->cpus)
		guest->cpus_where =
			(struct vn_where){guest->file, r->doc->elements[element].line, "vcpu/@cpuset"};
}

/* libvirt: sockets * dies * clusters * cores * threads are all vCPUs. */
static void read_topology(struct domain_reader *r)
{
	struct vn_guest *guest = r->guest;
	size_t element = vn_markup_find(r->doc, 0, "cpu/topology");
	static const char *const names[] = {"sockets", "dies", "clusters", "cores", "threads"};
	uint64_t values[5] = {0, 1, 1, 0, 0}, product = 1;
	bool good = true;

	if (element == VN_MARKUP_NONE)
		return;
	for (size_t i = 0; i < 5; i++) {
		if (values[i] == 0 || vn_markup_get(r->doc, element, names[i]))
			good &= domain_need_number(r, element, names[i], 1, VN_MAX_VCPUS, &values[i]);
		product *= values[i]; /* at most 2^50 */
	}
	if (!good || !r->vcpus_known)
		return;
	if (product != guest->maxvcpus) {
		domain_problem(r, element, NULL, "%llu vCPUs; expected %u, as <vcpu> has it",
			(unsigned long long)product, guest->maxvcpus);
		return;
	}
	guest->topology = (struct vn_guest_topology){(unsigned)values[0], (unsigned)values[1],
		(unsigned)values[2], (unsigned)values[3], (unsigned)values[4]};
	if (values[4] <= VN_MAX_THREADS && guest->vcpus % values[4] == 0)
		guest->threads = (unsigned)values[4];
	else
		vn_notes_add(&guest->notes, "threads-ignored",
			"line %u: cpu/topology: cores of %llu threads, which the vCPUs at start do not fill or which are "
			"more than %u; each vCPU is planned as a core",
			r->doc->elements[element].line, (unsigned long long)values[4], VN_MAX_THREADS);
}

static void read_memory(struct domain_reader *r)
{
	size_t memory = vn_markup_child(r->doc, 0, "memory"),
	       now = vn_markup_child(r->doc, 0, "currentMemory");
	uint64_t balloon = 0;
	char text[VN_SIZE_TEXT];

	r->memory_known = true;
	if (memory != VN_MARKUP_NONE)
		r->memory_known = domain_size(r, memory, NULL, &r->memory);
	if (domain_size(r, now, NULL, &balloon) && balloon > 0 && balloon < r->memory)
		vn_notes_add(&r->guest->notes, "balloon-ignored",
			"line %u: currentMemory: the guest starts with %s; all of its <memory> is planned, as it may take "
			"it back",
			r->doc->elements[now].line, vn_size_text(balloon, text));
}

/* After the vnodes: guest->memory is what QEMU gets. */
static void read_max_memory(struct domain_reader *r)
{
	size_t element = vn_markup_child(r->doc, 0, "maxMemory");
	uint64_t most = 0, slots;
	char sum[VN_SIZE_TEXT], limit[VN_SIZE_TEXT];

	r->guest->maxmem = r->guest->memory;
	if (element == VN_MARKUP_NONE)
		return;
	bool good = domain_need_number(r, element, "slots", 1, 65535, &slots);
	if (!domain_size(r, element, NULL, &most) || !good || !r->vnodes_known)
		return;
	if (most < r->guest->memory + r->unrequested)
		domain_problem(r, element, NULL, "%s seen; expected at least the guest's memory, %s",
			vn_size_text_exact(most, limit),
			vn_size_text_exact(r->guest->memory + r->unrequested, sum));
	r->guest->maxmem = most - most % VN_MIB;
}

static void read_boot(struct domain_reader *r)
{
	static const char *const names[] = {"kernel", "initrd", "cmdline"};
	char **const to[] = {&r->guest->kernel, &r->guest->ramdisk, &r->guest->extra};
	size_t os = vn_markup_child(r->doc, 0, "os");

	for (size_t i = 0; i < 3; i++) {
		size_t element = vn_markup_child(r->doc, os, names[i]);
		if (element == VN_MARKUP_NONE || !r->doc->elements[element].text)
			continue;
		*to[i] = vn_copy(r->doc->elements[element].text);
		r->short_of_memory |= !*to[i];
	}
}

/* QEMU options that say what the domain says, too: there would be two dialects in one guest. */
static void check_passthrough(struct domain_reader *r)
{
	static const char *const ours[] = {"-numa", "-smp", "-m", NULL};
	char seen[VN_QUOTE_MAX];

	for_each_domain(r, i, "qemu:commandline", "qemu:arg")
	{
		const char *value = vn_markup_get(r->doc, i, "value");
		for (size_t k = 0; value && ours[k]; k++) {
			if (strcmp(value, ours[k]) == 0)
				domain_problem(r, i, "value",
					"'%s' seen; expected it in the domain's own words (<vcpu>, <memory>, <cpu>), not "
					"beside them",
					vn_quote(value, seen));
		}
	}
}

/* What a domain has once, and of which libvirt or the reader here would take the first, or the last, without a word. */
static void check_once(struct domain_reader *r)
{
	static const struct {
		const char *parent, *name; /* "": the domain itself */
	} once[] = {{"", "name"}, {"", "uuid"}, {"", "memory"}, {"", "currentMemory"}, {"", "maxMemory"},
		{"", "memoryBacking"}, {"", "vcpu"}, {"", "vcpus"}, {"", "iothreads"}, {"", "iothreadids"},
		{"", "cputune"}, {"", "numatune"}, {"", "os"}, {"", "features"}, {"", "cpu"}, {"", "devices"},
		{"", "qemu:commandline"}, {"memoryBacking", "hugepages"}, {"memoryBacking", "access"},
		{"memoryBacking", "source"}, {"numatune", "memory"}, {"os", "type"}, {"os", "loader"},
		{"os", "nvram"}, {"os", "kernel"}, {"os", "initrd"}, {"os", "cmdline"}, {"cpu", "model"},
		{"cpu", "topology"}, {"cpu", "numa"}, {"cpu/numa", "interconnects"}, {"devices", "emulator"}};

	for (size_t k = 0; k < sizeof(once) / sizeof(once[0]); k++) {
		size_t parent = *once[k].parent ? vn_markup_find(r->doc, 0, once[k].parent) : 0,
		       first = vn_markup_child(r->doc, parent, once[k].name);
		for (size_t i = first; i != VN_MARKUP_NONE &&
				       (i = vn_markup_next(r->doc, i, once[k].name)) != VN_MARKUP_NONE;)
			domain_problem(r, i, NULL, "seen again; expected it once, and line %u has it",
				r->doc->elements[first].line);
	}
}

static void read_domain(struct domain_reader *r)
{
	if (strcmp(r->doc->elements[0].name, "domain") != 0) {
		domain_problem(r, 0, NULL, "<%.40s> seen; expected <domain>, as 'virsh dumpxml' prints it",
			r->doc->elements[0].name);
		return;
	}
	check_once(r);
	read_name(r);
	read_vcpus(r);
	read_topology(r);
	read_memory(r);
	domain_read_cells(r);
	domain_read_backing(r);
	domain_read_numatune(r);
	domain_read_iothreads(r);
	domain_read_cputune(r);
	domain_read_devices(r);
	read_max_memory(r);
	read_boot(r);
	domain_read_machine(r);
	check_passthrough(r);
}

int vn_guest_from_libvirt(
	const char *text, const char *file, struct vn_guest **ret_guest, struct vn_error *err)
{
	vn_automarkup *doc = NULL;
	vn_autoerror problems = {0};
	vn_autoguest *guest = vn_guest_new();

	if (!guest || (file && !(guest->file = vn_copy(file))))
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int status = vn_markup_read(text, file, &doc, err);
	if (status < 0)
		return status;
	guest->weight = XL_DEFAULT_WEIGHT;
	struct domain_reader r = {.doc = doc, .guest = guest, .err = &problems};
	read_domain(&r);
	if (r.short_of_memory) /* what looks wrong then may be what could not be read */
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (problems.n || problems.input) {
		vn_error_move(err, &problems);
		return -EINVAL;
	}
	*ret_guest = vn_steal(guest);
	return 0;
}
