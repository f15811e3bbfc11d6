/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: cfg.c turns the text into keys and values; here each key is read by what it means. A
 * wrong value adds a problem and leaves a harmless fallback, so that reading goes on and every problem is
 * found in one run. The guest is handed out only when there was none.
 */
#define _GNU_SOURCE
#include "guest_cfg.h"

#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "guest_reader.h"

#define XL_DEFAULT_WEIGHT 256 /* xl.cfg(5), cpu_weight */

static const char *const known_keys[] = {"name", "memory", "maxmem", "vcpus", "maxvcpus", "cpus", "kernel",
	"ramdisk", "extra", "disk", "vif", "hugepages", "guest_numa", "exclusive_cores", "weight",
	"cpu_weight", "cap", "policy", "memory_policy", "threads", "pci", "vnodes", "vnumamem",
	"vnumamem_min", "vnumamem_max", "vdistance", "vnuma_vcpumap", "vnuma_vnodemap", "vnuma_hmat", "vnuma",
	"vnode", "vcpu", "uuid", "channel",
	/* names that early Xen patches used; guest_numa.c tells today's */
	"vnuma_distance", "vcpu_to_vnode", NULL};

/* Keys of xl.cfg(5), Xen 4.17, that vnuma makes no use of: a Xen config may keep them, a note says that they were not used. */
static const char *const ignored_keys[] = {"acpi", "acpi_firmware", "acpi_laptop_slate", "acpi_s3", "acpi_s4",
	"altp2m", "altp2mhvm", "apic", "argo", "bios", "bios_path_override", "boot", "bootloader",
	"bootloader_args", "builder", "cmdline", "console", "cpuid", "cpus_soft", "description",
	"device_model_args", "device_model_args_hvm", "device_model_args_pv", "device_model_override",
	"device_model_stubdomain_override", "device_model_user", "device_model_version", "device_tree",
	"dm_restrict", "driver_domain", "e820_host", "firmware", "gfx_passthru", "hap", "hdtype", "hpet",
	"init_seclabel", "iomem", "ioports", "irqs", "keymap", "localtime", "max_event_channels",
	"max_grant_frames", "max_grant_version", "max_maptrack_frames", "mca_caps", "mmio_hole", "monitor",
	"ms_vm_genid", "msr_relaxed", "nestedhvm", "nographic", "nomigrate", "nx", "on_crash", "on_poweroff",
	"on_reboot", "on_soft_reset", "on_watchdog", "oos", "opengl", "p9", "pae", "parallel", "passthrough",
	"pci_msitranslate", "pci_permissive", "pci_power_mgmt", "pci_seize", "pool", "pvcalls", "rdm",
	"rdm_mem_boundary", "root", "rtc_timeoffset", "sdl", "seclabel", "serial", "shadow_memory", "smbios",
	"smbios_firmware", "soundhw", "spice", "spiceagent_mouse", "spiceclipboard_sharing",
	"spicedisable_ticketing", "spicehost", "spice_image_compression", "spicepasswd", "spiceport",
	"spice_streaming_video", "spicetls_port", "spiceusbredirection", "spicevdagent", "stdvga",
	"stubdomain_cmdline", "stubdomain_kernel", "stubdomain_memory", "stubdomain_ramdisk",
	"suppress_spurious_page_faults", "timer_mode", "tsc_mode", "type", "usb", "usbctrl", "usbdev",
	"usbdevice", "usbversion", "vdispl", "vendor_device", "vfb", "vga", "videoram", "viridian", "vkb",
	"vkb_device", "vmtrace_buf_kb", "vnc", "vncconsole", "vncdisplay", "vnclisten", "vncpasswd",
	"vncunused", "vpmu", "vpt_align", "vsnd", "vtpm", "vuart", "xen_platform_pci",
	"xend_suspend_evtchn_compat", NULL};

void guest_problem(struct guest_reader *r, unsigned line, const char *key, const char *format, ...)
{
	struct vn_where where = {r->guest->file, line, key};
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, key);
	va_list args;

	if (entry && entry->value.type == VN_CFG_BROKEN)
		return; /* told already */

	va_start(args, format);
	vn_error_input_list(r->err, &where, format, args);
	va_end(args);
}

bool guest_value_number(const struct vn_cfg_value *value, uint64_t max, uint64_t *ret)
{
	if (value->type == VN_CFG_NUMBER && value->number <= max) {
		*ret = value->number;
		return true;
	}
	return value->type == VN_CFG_STRING && vn_parse_u64(value->text, max, ret) == 0;
}

uint64_t guest_number(struct guest_reader *r, const char *key, uint64_t min, uint64_t max, uint64_t fallback)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, key);
	uint64_t number;

	if (!entry)
		return fallback;
	if (guest_value_number(&entry->value, max, &number) && number >= min)
		return number;
	vn_autofree char *text = vn_cfg_value_text(&entry->value);
	guest_problem(r, entry->line, key, "%s seen; expected a number from %llu to %llu", text,
		(unsigned long long)min, (unsigned long long)max);
	return fallback;
}

char *guest_string(struct guest_reader *r, const char *key)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, key);

	if (!entry)
		return NULL;
	if (entry->value.type == VN_CFG_STRING && *entry->value.text) {
		char *copy = vn_copy(entry->value.text);
		r->short_of_memory |= !copy;
		return copy;
	}
	vn_autofree char *text = vn_cfg_value_text(&entry->value);
	guest_problem(r, entry->line, key, "%s seen; expected a quoted string", text);
	return NULL;
}

int guest_choice(struct guest_reader *r, const char *key, const char *const *choices, int fallback)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, key);
	char expected[128] = "";
	size_t n = 0;

	if (!entry)
		return fallback;
	for (int i = 0; choices[i]; i++) {
		if (entry->value.type == VN_CFG_STRING && strcmp(entry->value.text, choices[i]) == 0)
			return i;
		n += (size_t)snprintf(
			expected + n, sizeof(expected) - n, "%s\"%s\"", i ? " or " : "", choices[i]);
	}
	vn_autofree char *text = vn_cfg_value_text(&entry->value);
	guest_problem(r, entry->line, key, "%s seen; expected %s", text, expected);
	return fallback;
}

static bool in_list(const char *const *list, const char *key)
{
	for (; *list; list++) {
		if (strcmp(*list, key) == 0)
			return true;
	}
	return false;
}

/* Edit distance (Levenshtein) up to 2, else 3: enough to guess what a mistyped key was meant to be. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[64];
	size_t n = strlen(b);

	if (n + 1 > sizeof(row) / sizeof(row[0]))
		return 3;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; *a; a++, i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned substituted = diagonal + (*a != b[j - 1]);
			diagonal = row[j];
			unsigned shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
			row[j] = shorter + 1 < substituted ? shorter + 1 : substituted;
		}
	}
	return row[n] < 3 ? row[n] : 3;
}

static const char *nearest_key(const char *key)
{
	const char *nearest = NULL;
	unsigned best = 3;

	for (size_t i = 0; known_keys[i]; i++) {
		unsigned distance = edit_distance(key, known_keys[i]);
		if (distance < best) {
			best = distance;
			nearest = known_keys[i];
		}
	}
	return nearest;
}

static void unknown_key(struct guest_reader *r, const struct vn_cfg_entry *entry)
{
	const char *nearest;

	nearest = nearest_key(entry->key);
	if (nearest)
		guest_problem(
			r, entry->line, entry->key, "no key of a guest config; '%s' is meant?", nearest);
	else
		guest_problem(r, entry->line, entry->key, "no key of a guest config; the README lists them");
}

/* All keys that a config may have for others are named in one note: Xen's have many. */
static void read_unknown_keys(struct guest_reader *r)
{
	vn_autofree char *ignored = NULL;

	for (size_t i = 0; i < r->cfg->n; i++) {
		const struct vn_cfg_entry *entry = &r->cfg->entries[i];
		if (in_list(known_keys, entry->key))
			continue;
		if (!in_list(ignored_keys, entry->key)) {
			unknown_key(r, entry);
			continue;
		}
		vn_autofree char *before = ignored;
		ignored = vn_format("%s%s%s (line %u)", before ? before : "", before ? ", " : "", entry->key,
			entry->line);
		r->short_of_memory |= !ignored;
	}
	if (ignored)
		vn_notes_add(&r->guest->notes, "keys-unused", "vnuma makes no use of: %s", ignored);
}

static void read_name(struct guest_reader *r)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "name");

	if (!entry) {
		guest_problem(r, 0, "name", "missing; expected a quoted string");
		return;
	}
	r->guest->name = guest_string(r, "name");
	if (r->guest->name && !vn_guest_name_is_good(r->guest->name))
		guest_problem(r, entry->line, "name",
			"\"%.80s\" seen; expected 1 to %d letters, digits, '.', '_', '+' or '-', a letter or "
			"digit first",
			r->guest->name, VN_NAME_MAX);
}

/* As libxl has it: tools/libs/light/libxl_uuid.c leaves it to uuid_parse(3). */
static void read_uuid(struct guest_reader *r)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "uuid");
	char seen[VN_QUOTE_MAX];

	r->guest->machine.uuid = guest_string(r, "uuid");
	if (r->guest->machine.uuid && !vn_machine_is_uuid(r->guest->machine.uuid))
		guest_problem(r, entry->line, "uuid",
			"\"%s\" seen; expected hexadecimal digits such as 123e4567-e89b-12d3-a456-426614174000",
			vn_quote(r->guest->machine.uuid, seen));
}

static void read_size(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;
	const uint64_t most = VN_MAX_MEMORY / VN_MIB;
	size_t problems = r->err->n;

	const struct vn_cfg_entry *memory = vn_cfg_find(r->cfg, "memory");
	bool listed = memory && memory->value.type == VN_CFG_LIST; /* told of each vnode: guest_told.c */
	uint64_t mib = r->told.mib && r->told.mib <= most ? r->told.mib : 1;

	if (!memory && r->told.mib == 0 &&
		(r->defaults || !vn_cfg_find(r->cfg, "vnuma"))) /* else told already */
		guest_problem(r, 0, "memory", "missing; expected MiB");
	if (!listed)
		mib = guest_number(r, "memory", 1, most, mib);
	r->memory_known = r->err->n == problems && (!r->told.key || r->told.mib || (memory && !listed));
	guest->memory = mib * VN_MIB;
	guest->maxmem = guest_number(r, "maxmem", mib, most, mib) * VN_MIB;
	problems = r->err->n;
	guest->vcpus = (unsigned)guest_number(r, "vcpus", 1, VN_MAX_VCPUS, r->told.vcpus ? r->told.vcpus : 1);
	guest->maxvcpus = (unsigned)guest_number(r, "maxvcpus", guest->vcpus, VN_MAX_VCPUS, guest->vcpus);
	r->vcpus_known = r->err->n == problems;
}

/* Whole cores only: after a problem each vCPU counts as one, so that nothing else is called wrong for it. */
static void read_threads(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;
	unsigned threads = (unsigned)guest_number(r, "threads", 1, VN_MAX_THREADS, 1);
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "threads");

	if (!r->vcpus_known)
		return;
	guest->threads = threads;
	if (guest->maxvcpus % threads) {
		guest_problem(r, entry->line, "threads",
			"%u seen; expected a number that divides the %u vCPUs%s", threads, guest->maxvcpus,
			guest->maxvcpus > guest->vcpus ? " of 'maxvcpus'" : "");
		guest->threads = 1;
	} else if (guest->vcpus % threads) {
		guest_problem(r, entry->line, "threads",
			"%u seen; expected a number that divides the %u vCPUs of 'vcpus'", threads,
			guest->vcpus);
		guest->threads = 1;
	}
}

/* Adds or takes away ("^3-4") one comma-separated part of `cpus`. */
static int apply_cpus_part(hwloc_bitmap_t set, char *part, bool first)
{
	vn_autoset members = NULL;
	bool minus = part[0] == '^';

	if (strcmp(part, "all") == 0 && first) {
		hwloc_bitmap_fill(set);
		return 0;
	}
	if (vn_set_parse(part + minus, &members) < 0 || hwloc_bitmap_iszero(members))
		return -EINVAL;
	if (minus && first)
		hwloc_bitmap_fill(set);
	return minus ? hwloc_bitmap_andnot(set, set, members) : hwloc_bitmap_or(set, set, members);
}

static bool names_nodes(const char *text)
{
	return strstr(text, "node") != NULL;
}

/* "nodes:0-1,^node:1": all CPUs of nodes, which are where the guest may live then. Nodes and CPUs are not mixed. */
static void read_cpu_nodes(struct guest_reader *r, const struct vn_cfg_entry *entry, const char *text)
{
	vn_autofree char *copy = vn_copy(text);
	vn_autoset nodes = hwloc_bitmap_alloc();
	char *rest = copy, *part;
	bool good = copy && nodes;

	for (bool minus = false; good && (part = strsep(&rest, ","));) {
		vn_autoset some = NULL;
		const char *colon = strchr(part, ':');
		if (colon) { /* what follows without a word of its own goes on with the list */
			minus = part[0] == '^';
			good = strncmp(part + minus, "node:", 5) == 0 ||
			       strncmp(part + minus, "nodes:", 6) == 0;
		} else {
			good = part != copy;
		}
		good = good && vn_set_parse(colon ? colon + 1 : part, &some) == 0 &&
		       !hwloc_bitmap_iszero(some) &&
		       (minus ? hwloc_bitmap_andnot(nodes, nodes, some)
			      : hwloc_bitmap_or(nodes, nodes, some)) >= 0;
	}
	if (!good || hwloc_bitmap_iszero(nodes)) {
		vn_autofree char *seen = vn_cfg_value_text(&entry->value);
		guest_problem(r, entry->line, "cpus",
			"%s seen; expected nodes alone, such as \"nodes:0-1\", or CPUs alone", seen);
		return;
	}
	r->guest->nodes = vn_steal(nodes);
	r->guest->nodes_where = (struct vn_where){r->guest->file, entry->line, "cpus"};
}

/* The form of `cpus` that pins vCPU by vCPU: ["0-3", "4-7"]. */
static bool are_pins(const struct vn_cfg_value *value)
{
	bool all = value->type == VN_CFG_LIST && value->n > 0;

	for (size_t i = 0; all && i < value->n; i++)
		all = value->items[i].type == VN_CFG_STRING || value->items[i].type == VN_CFG_NUMBER;
	return all;
}

/* Whether pins of vCPUs are one CPU each, and no two the same. */
static bool are_one_to_one(const struct vn_cfg_value *pins)
{
	vn_autoset seen = hwloc_bitmap_alloc();
	bool one_to_one = seen && pins->n > 1;

	for (size_t i = 0; one_to_one && i < pins->n; i++) {
		vn_autoset cpus = NULL;
		one_to_one = vn_set_parse(pins->items[i].text, &cpus) == 0 &&
			     hwloc_bitmap_weight(cpus) == 1 && !hwloc_bitmap_intersects(seen, cpus) &&
			     hwloc_bitmap_or(seen, seen, cpus) == 0;
	}
	return one_to_one;
}

/* `cpus` as in xl.cfg(5): "0-3,5", "all", "all,^0", "^0-1". Its per-vCPU list is what a plan makes, and its "node:N" form a home. */
static void read_cpus(struct guest_reader *r)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "cpus");
	vn_autoset set = entry ? hwloc_bitmap_alloc() : NULL;
	vn_autofree char *copy = NULL;
	int status = 0;

	if (!entry)
		return;
	if (are_pins(&entry->value)) {
		vn_notes_add(&r->guest->notes, "pins-replaced",
			"line %u: cpus: a pin for each vCPU; the plan's pins replace them%s", entry->line,
			are_one_to_one(&entry->value)
				? "; the vCPUs were pinned one to one, each to a CPU of its own"
				: "");
		return;
	}
	if (entry->value.type == VN_CFG_STRING || entry->value.type == VN_CFG_NUMBER)
		copy = vn_copy(entry->value.text);
	if (copy && names_nodes(copy)) {
		read_cpu_nodes(r, entry, copy);
		return;
	}
	char *rest = copy, *part;
	for (bool first = true; status == 0 && (part = strsep(&rest, ",")); first = false)
		status = apply_cpus_part(set, part, first);
	if (!copy || status < 0 || hwloc_bitmap_iszero(set)) {
		vn_autofree char *text = vn_cfg_value_text(&entry->value);
		guest_problem(r, entry->line, "cpus",
			"%s seen; expected the host's CPUs as one string, such as \"0-3,8\" or \"all,^0\"",
			text);
		return;
	}
	r->guest->cpus = vn_steal(set);
	r->guest->cpus_where = (struct vn_where){r->guest->file, entry->line, "cpus"};
}

/* A page size: "2M", "1G", "64K". */
static void read_hugepages(struct guest_reader *r)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, "hugepages");
	uint64_t number = 0, unit = 0;

	if (!entry)
		return;
	if (entry->value.type == VN_CFG_STRING) {
		vn_autofree char *digits = vn_copy(entry->value.text);
		size_t n = digits ? strlen(digits) : 0;
		char suffix = n ? digits[n - 1] : 0;
		unit = suffix == 'K' ? 1u << 10 : suffix == 'M' ? 1u << 20 : suffix == 'G' ? 1u << 30 : 0;
		if (n)
			digits[n - 1] = 0;
		if (!unit || vn_parse_u64(digits, 1024 * 1024, &number) < 0)
			number = 0;
	}
	uint64_t size = number * unit;
	if (size >= (64u << 10) && size <= (UINT64_C(16) << 30) && (size & (size - 1)) == 0) {
		r->guest->hugepages = size;
		return;
	}
	vn_autofree char *text = vn_cfg_value_text(&entry->value);
	guest_problem(
		r, entry->line, "hugepages", "%s seen; expected a page size such as \"2M\" or \"1G\"", text);
}

/* `weight`, or xl's word for it. */
static unsigned read_weight(struct guest_reader *r)
{
	const struct vn_cfg_entry *ours = vn_cfg_find(r->cfg, "weight"),
				  *theirs = vn_cfg_find(r->cfg, "cpu_weight");
	unsigned number = (unsigned)guest_number(r, "cpu_weight", 1, 65535, XL_DEFAULT_WEIGHT);
	unsigned weight = (unsigned)guest_number(r, "weight", 1, 65535, number);

	if (ours && theirs && weight != number)
		guest_problem(r, theirs->line, "cpu_weight",
			"%u seen; expected %u, as 'weight' has it in line %u, or one of both keys", number,
			weight, ours->line);
	return weight;
}

static void read_wishes(struct guest_reader *r)
{
	static const char *const numa[] = {"auto", "on", "off", NULL};
	static const char *const policies[] = {"pack", "spread", NULL};
	static const char *const memory_policies[] = {"preferred", "strict", NULL};
	static const char *const hmats[] = {"none", "host", NULL};
	struct vn_guest *guest = r->guest;

	read_cpus(r);
	read_hugepages(r);
	guest->guest_numa = (enum vn_guest_numa)guest_choice(r, "guest_numa", numa, VN_GUEST_NUMA_AUTO);
	guest->exclusive_cores = guest_number(r, "exclusive_cores", 0, 1, 0) == 1;
	guest->weight = read_weight(r);
	guest->cap = (unsigned)guest_number(r, "cap", 0, 100ull * guest->maxvcpus, 0);
	guest->policy = (enum vn_policy)guest_choice(r, "policy", policies, VN_POLICY_PACK);
	guest->memory_policy = (enum vn_memory_policy)guest_choice(r, "memory_policy", memory_policies,
		guest->hugepages ? VN_MEMORY_STRICT : VN_MEMORY_PREFERRED);
	guest->hmat_of_host = guest_choice(r, "vnuma_hmat", hmats, 0) == 1;
	if (guest->weight != XL_DEFAULT_WEIGHT || guest->cap)
		vn_notes_add(&guest->notes, "weight-not-applied",
			"weight and cap are kept in the plan; 'vnuma run' of this version does not apply "
			"them");
}

static void read_boot(struct guest_reader *r)
{
	struct vn_guest *guest = r->guest;

	guest->kernel = guest_string(r, "kernel");
	guest->ramdisk = guest_string(r, "ramdisk");
	guest->extra = guest_string(r, "extra");
	if (!vn_cfg_find(r->cfg, "kernel")) {
		const char *const needy[] = {"ramdisk", "extra"};
		for (size_t i = 0; i < 2; i++) {
			const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, needy[i]);
			if (entry)
				guest_problem(r, entry->line, needy[i],
					"given without 'kernel'; it goes with a kernel only");
		}
	}
}

static void read_guest(struct guest_reader *r)
{
	read_unknown_keys(r);
	guest_read_told(r, &r->told);
	read_name(r);
	read_uuid(r);
	read_size(r);
	read_threads(r);
	read_wishes(r);
	guest_read_numa(r);
	read_boot(r);
	guest_read_disks(r);
	guest_read_vifs(r);
	guest_read_pci(r);
	guest_read_channels(r);
}

int vn_guest_from_cfg(
	const char *text, const char *file, bool defaults, struct vn_guest **ret_guest, struct vn_error *err)
{
	vn_autocfg cfg = {0};
	vn_autoerror problems = {0};
	vn_autoguest *guest = vn_guest_new();

	if (!guest)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (strnlen(text, VN_CFG_MAX + 1) > VN_CFG_MAX)
		return vn_error_input(err, &(struct vn_where){file, 0, NULL},
			"is longer than %u bytes; expected a config", VN_CFG_MAX);
	guest->file = vn_copy(file);
	if (vn_cfg_parse(text, file, &cfg, &problems) == -ENOMEM || (file && !guest->file))
		return vn_error_environment(err, -ENOMEM, "out of memory");
	struct guest_reader r = {.cfg = &cfg, .defaults = defaults, .guest = guest, .err = &problems};
	read_guest(&r);
	guest_told_clear(&r.told);
	if (r.short_of_memory) /* what looks wrong then may be what could not be read */
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (problems.n || problems.input) { /* without `n`: memory was too short to tell them */
		vn_error_move(err, &problems);
		return -EINVAL;
	}
	*ret_guest = vn_steal(guest);
	return 0;
}
