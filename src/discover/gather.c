/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a table says what goes into the archive; nothing else can. Its names are given one by one wherever a
 * folder also holds what must stay out: `topology` has `ppin`, a processor's serial number (Linux,
 * Documentation/ABI/testing/sysfs-devices-system-cpu); a network interface has its MAC address, a disk its serial number:
 * of those only the names are taken, as empty folders.
 */
#define _GNU_SOURCE
#include "gather.h"

#include <limits.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "collect.h"

#define LABEL "host" /* the leading folder, instead of the host's name */
#define NODE "sys/devices/system/node"
#define CPU "sys/devices/system/cpu"
#define PCI "sys/bus/pci/devices/*"
#define COUNTS "nr_hugepages free_hugepages surplus_hugepages"

static const struct {
	const char *folder, *leaves;
	enum vn_collect_how how;
} table[] = {
	{NODE, "online possible has_cpu has_memory has_normal_memory has_high_memory has_generic_initiator",
		VN_COLLECT_COPY},
	{NODE, "node[0-9]*", VN_COLLECT_NAME},
	{NODE "/node[0-9]*", "cpulist cpumap distance meminfo", VN_COLLECT_COPY},
	{NODE "/node[0-9]*/hugepages/hugepages-*", COUNTS, VN_COLLECT_COPY},
	{NODE "/node[0-9]*/access[0-9]*/initiators", "read_* write_* node[0-9]*", VN_COLLECT_COPY},
	{NODE "/node[0-9]*/memory_side_cache/index*", "indexing line_size size write_policy address_mode",
		VN_COLLECT_COPY},
	{CPU, "online offline possible present isolated nohz_full", VN_COLLECT_COPY},
	{CPU, "cpu[0-9]*", VN_COLLECT_NAME},
	{CPU "/cpu[0-9]*", "online", VN_COLLECT_COPY},
	{CPU "/cpu[0-9]*", "node[0-9]*", VN_COLLECT_NAME}, /* links: where an offline CPU is */
	{CPU "/cpu[0-9]*/topology",
		"physical_package_id die_id cluster_id core_id book_id drawer_id core_cpus core_cpus_list "
		"thread_siblings thread_siblings_list cluster_cpus cluster_cpus_list die_cpus die_cpus_list "
		"package_cpus package_cpus_list core_siblings core_siblings_list book_siblings "
		"book_siblings_list drawer_siblings drawer_siblings_list",
		VN_COLLECT_COPY},
	{CPU "/cpu[0-9]*/cache/index*",
		"id level type size shared_cpu_list shared_cpu_map coherency_line_size number_of_sets "
		"physical_line_partition ways_of_associativity",
		VN_COLLECT_COPY},
	{"sys/kernel/mm/hugepages/hugepages-*", COUNTS, VN_COLLECT_COPY},
	{"sys/kernel/mm/mempolicy/weighted_interleave", "node[0-9]* auto", VN_COLLECT_COPY},
	{"sys/devices/virtual/memory_tiering/memory_tier[0-9]*", "nodelist", VN_COLLECT_COPY},
	{PCI, "class vendor device numa_node local_cpulist local_cpus irq driver physfn virtfn[0-9]*",
		VN_COLLECT_COPY},
	{PCI "/msi_irqs", "[0-9]*", VN_COLLECT_COPY},
	{PCI "/msi_irqs", "[0-9]*", VN_COLLECT_NAME}, /* folders before Linux 3.14 */
	{PCI "/net", "*", VN_COLLECT_NAME},
	{PCI "/block", "*", VN_COLLECT_NAME},
	{PCI "/nvme", "nvme*", VN_COLLECT_NAME},
	{PCI "/nvme/nvme*", "nvme*n*", VN_COLLECT_NAME},
	{PCI "/virtio*/net", "*", VN_COLLECT_NAME},
	{PCI "/virtio*/block", "*", VN_COLLECT_NAME},
	{PCI "/virtio*/host*/target*/**/block", "*", VN_COLLECT_NAME},
	{PCI "/ata*/host*/target*/**/block", "*", VN_COLLECT_NAME},
	{PCI "/host*/**/block", "*", VN_COLLECT_NAME},
	{"sys/class/net", "*", VN_COLLECT_COPY},
	{"sys/class/block", "*", VN_COLLECT_COPY},
	{"sys/class/nvme", "*", VN_COLLECT_COPY},
	{"sys/bus/dax/devices/*", "target_node numa_node size driver", VN_COLLECT_COPY},
	{"sys/firmware/acpi/tables", "HMAT SRAT SLIT", VN_COLLECT_COPY},
	{"proc", "meminfo", VN_COLLECT_COPY},
	{"proc/sys/kernel", "numa_balancing", VN_COLLECT_COPY},
	{"proc/driver/nvidia/gpus/*", "numa_status", VN_COLLECT_COPY},
};

static int open_source(const char *source, struct vn_root *ret_root, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--host"};

	if (strcmp(source, "live") == 0)
		return vn_root_open("/", ret_root, err);
	if (strncmp(source, "sysfs:", 6) == 0 && source[6])
		return vn_root_open(source + 6, ret_root, err);
	if (strncmp(source, "tar:", 4) == 0 && source[4])
		return vn_root_open_archive(source + 4, ret_root, err);
	return vn_error_input(
		err, &where, "'%s' has no files to gather; expected live, sysfs:DIR or tar:FILE", source);
}

/* The interrupt that this member tells of, or 0: `irq` holds a number, `msi_irqs/` has one file or folder for each. */
static uint64_t irq_of(const struct vn_member *member)
{
	const char *name = strrchr(member->path, '/');
	uint64_t number;

	if (!name || member->kind == VN_MEMBER_LINK || strncmp(member->path, "sys/", 4) != 0)
		return 0;
	static const char folder[] = "/msi_irqs";
	size_t length = (size_t)(name - member->path);
	if (length > sizeof(folder) && memcmp(name - (sizeof(folder) - 1), folder, sizeof(folder) - 1) == 0)
		return vn_parse_u64(name + 1, INT_MAX, &number) == 0 ? number : 0;
	if (strcmp(name, "/irq") != 0 || member->kind != VN_MEMBER_FILE)
		return 0;
	vn_autofree char *text = strndup(member->bytes, member->length);
	if (!text)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return vn_parse_u64(text, INT_MAX, &number) == 0 ? number : 0;
}

static int collect_irqs(struct vn_collection *collection)
{
	size_t n = collection->n; /* what is added here tells of no more */

	for (size_t i = 0; i < n; i++) {
		char folder[48];
		uint64_t number = irq_of(&collection->members[i]);
		if (number == 0)
			continue;
		snprintf(folder, sizeof(folder), "proc/irq/%llu", (unsigned long long)number);
		int r = vn_collect(
			collection, folder, "smp_affinity_list effective_affinity_list", VN_COLLECT_COPY);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Of proc/self/status only what this process may use: the rest is about the process. */
static int collect_allowed(struct vn_collection *collection)
{
	static const char *const keys[] = {"Cpus_allowed_list:", "Mems_allowed_list:"};
	vn_autofree char *text = NULL, *kept = vn_copy("");
	int r = vn_root_read(collection->root, "proc/self/status", &text);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (const char *line = text; *line; line = vn_next_line(line)) {
		int length = (int)strcspn(line, "\n");
		for (size_t i = 0; i < 2 && kept; i++) {
			if (strncmp(line, keys[i], strlen(keys[i])) != 0)
				continue;
			char *longer = vn_format("%s%.*s\n", kept, length, line);
			free(kept);
			kept = longer;
		}
	}
	if (!kept)
		return -ENOMEM;
	return *kept ? vn_collect_text(collection, "proc/self/status", kept) : 0;
}

/*
 * Of an interface whose name is its MAC address (`enx0123456789ab`, systemd.net-naming-scheme(7)) nothing may go out, and of one
 * that belongs to no device (a tap, named by a customer) nothing is needed.
 */
static bool tells_too_much(const struct vn_member *member, bool *ret_mac)
{
	static const char mac[] = "/net/enx";
	const char *texts[] = {member->path, member->kind == VN_MEMBER_LINK ? member->bytes : ""};

	for (size_t i = 0; i < 2; i++) {
		for (const char *at = strstr(texts[i], mac); at; at = strstr(at + 1, mac)) {
			size_t digits = strspn(at + strlen(mac), "0123456789abcdefABCDEF");
			char end = at[strlen(mac) + digits];
			if (digits == 12 && (end == '\0' || end == '/'))
				return *ret_mac = true;
		}
	}
	return strncmp(member->path, "sys/class/net/", 14) == 0 && member->kind == VN_MEMBER_LINK &&
	       strstr(member->bytes, "/virtual/");
}

static void leave_out_private(struct vn_collection *collection)
{
	size_t kept = 0;

	for (size_t i = 0; i < collection->n; i++) {
		struct vn_member *member = &collection->members[i];
		bool mac = false;
		if (!tells_too_much(member, &mac)) {
			collection->members[kept++] = *member;
			continue;
		}
		collection->after_mac += mac && member->kind == VN_MEMBER_LINK;
		free(member->path);
		free(member->bytes);
	}
	collection->n = kept;
}

static int collect(struct vn_collection *collection, struct vn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) && r == 0; i++)
		r = vn_collect(collection, table[i].folder, table[i].leaves, table[i].how);
	if (r == 0)
		r = collect_irqs(collection);
	if (r == 0)
		r = collect_allowed(collection);
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	vn_collection_sort(collection);
	leave_out_private(collection);
	return 0;
}

/* An archive of nothing is no help to anybody. */
static int check_host(const struct vn_collection *collection, struct vn_error *err)
{
	struct vn_where where = {collection->root->path, 0, NULL};

	for (size_t i = 0; i < collection->n; i++) {
		if (strncmp(collection->members[i].path, CPU "/", strlen(CPU "/")) == 0)
			return 0;
	}
	return vn_error_input(err, &where, "holds no " CPU "; expected a copy of a host's /sys and /proc");
}

static int note_losses(const struct vn_collection *collection, struct vn_notes *notes)
{
	int r = 0, s = 0, t = 0, u = 0;

	if (collection->denied)
		r = vn_notes_add(notes, "no-permission",
			"%zu file%s left out for lack of permission (%s%s): gather as root to have %s",
			collection->denied, collection->denied == 1 ? "" : "s",
			collection->first_denied ? collection->first_denied : "?",
			collection->denied == 1 ? "" : ", …", collection->denied == 1 ? "it" : "them");
	if (collection->unreadable)
		s = vn_notes_add(notes, "not-readable", "%zu file%s left out that could not be read (%s%s)",
			collection->unreadable, collection->unreadable == 1 ? "" : "s",
			collection->first_unreadable ? collection->first_unreadable : "?",
			collection->unreadable == 1 ? "" : ", …");
	if (collection->unprintable)
		t = vn_notes_add(notes, "unprintable-names",
			"%zu entries left out whose names no terminal may see", collection->unprintable);
	if (collection->after_mac)
		u = vn_notes_add(notes, "names-left-out",
			"%zu network interface%s left out, whose name is a MAC address",
			collection->after_mac, collection->after_mac == 1 ? "" : "s");
	return r < 0 ? r : s < 0 ? s : t < 0 ? t : u;
}

/* Puts the paths below the leading folder, and counts. */
static int label_members(struct vn_collection *collection, struct vn_gathered *gathered)
{
	for (size_t i = 0; i < collection->n; i++) {
		struct vn_member *member = &collection->members[i];
		char *path = vn_format(LABEL "/%s", member->path);
		if (!path)
			return -ENOMEM;
		free(member->path);
		member->path = path;
		++*(member->kind == VN_MEMBER_FILE       ? &gathered->files
			: member->kind == VN_MEMBER_LINK ? &gathered->links
							 : &gathered->folders);
	}
	return note_losses(collection, &gathered->notes);
}

void vn_gathered_clear(struct vn_gathered *gathered)
{
	vn_notes_clear(&gathered->notes);
	*gathered = (struct vn_gathered){0};
}

int vn_gather(const char *source, const char *file, struct vn_gathered *ret, struct vn_error *err)
{
	vn_autoroot root = {.fd = -1};
	vn_autocollection collection = {.root = &root};
	vn_cleanup(vn_gathered_clear) struct vn_gathered gathered = {0};
	/* before the long work, and with the problems of the source */
	int r = vn_archive_write_check(file, err), s = open_source(source, &root, err);

	if (r < 0 || s < 0)
		return r < 0 ? r : s;
	r = collect(&collection, err);
	if (r == 0)
		r = check_host(&collection, err);
	if (r < 0)
		return r;
	if (label_members(&collection, &gathered) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	r = vn_archive_write(file, collection.members, collection.n, &gathered.size, err);
	if (r < 0)
		return r;
	*ret = gathered;
	gathered = (struct vn_gathered){0};
	return 0;
}
