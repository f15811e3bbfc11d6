/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command line says that no other form is told. Options are looked up as a whole, those with keys of interest key by key:
 * "-object/iothread/id" is the key of an option of one type. Drives, block nodes and network backends belong to the device that names them:
 * what is left out of them is told only where the device itself is carried over.
 */
#include <string.h>

#include "../base/keyval.h"
#include "../base/parse.h"
#include "../base/qemu_options.h"
#include "../base/text.h"
#include "left_out_part.h"

#define TO_ANY (TO_LIBVIRT | TO_XEN)

/* A name that ends in a slash: with all of its keys. Values: see left_out_part.h. */
static const struct vn_left_rule rules[] = {
	{"-name/guest", TO_ANY, NULL}, {"-name/debug-threads", TO_ANY, NULL}, {"-m/", TO_ANY, NULL},
	{"-smp/", TO_ANY, NULL}, /* Xen: a note of its own */
	{"-numa/", TO_ANY, NULL}, /* Xen: a note of its own of HMAT */
	{"-uuid", TO_ANY, NULL}, {"-kernel", TO_ANY, NULL}, {"-initrd", TO_ANY, NULL},
	{"-append", TO_ANY, NULL}, {"-enable-kvm", TO_ANY, NULL}, {"-accel", TO_ANY, "|kvm|"},
	{"-accel", TO_LIBVIRT, "|tcg|"}, {"-machine/accel", TO_LIBVIRT, "|tcg|"},
	{"-machine/accel", TO_ANY, "|kvm|"}, {"-machine/memory-backend", TO_ANY, NULL},
	{"-machine/hmat", TO_ANY, NULL}, {"-mem-path", TO_ANY, NULL}, /* its pages */
	{"-mem-prealloc", TO_ANY, NULL},
	{"-nodefaults", TO_ANY, NULL}, /* what libvirt and Xen see to themselves */
	{"-no-user-config", TO_ANY, NULL}, {"-nodefconfig", TO_ANY, NULL}, {"-daemonize", TO_ANY, NULL},
	{"-pidfile", TO_ANY, NULL}, {"-sandbox", TO_ANY, NULL}, {"-S", TO_ANY, NULL},
	{"-display", TO_ANY, "|none|"},
	{"-object/thread-context/", TO_ANY, NULL}, /* libvirt has its own way, Xen takes memory itself */
	{"-object/iothread/qom-type", TO_ANY, NULL}, {"-object/iothread/id", TO_ANY, NULL},
	{"-hda", TO_ANY, NULL}, {"-hdb", TO_ANY, NULL}, {"-hdc", TO_ANY, NULL}, {"-hdd", TO_ANY, NULL},
	{"", TO_ANY, NULL}, /* a disk image */
};

/* Keys of backends of memory. share is the machine's or a cell's, see look_at_memory(). */
static const char *const memory_keys[] = {"qom-type", "id", "size", "host-nodes", "policy", "hugetlb",
	"hugetlbsize", "mem-path", "prealloc", "prealloc-threads", "prealloc-context", "share", "reserve",
	NULL};
static const char *const drive_keys[] = {"if", "id", "file", "format", "readonly", "read-only", "media",
	"index", "bus", "unit", "driver", "node-name", "file.driver", "file.filename", "filename",
	"auto-read-only", "file.node-name", NULL};
static const char *const netdev_keys[] = {"type", "id", "ifname", "br", "queues", "vhost", "script",
	"downscript", "model", "mac", "macaddr", "netdev", "fd", "fds", "vhostfd", "vhostfds", NULL};
/* Of a channel: its port, and its character device. */
static const char *const port_keys[] = {"driver", "id", "chardev", "name", "bus", "nr", NULL};
static const char *const chardev_keys[] = {"backend", "id", "path", "server", "wait", "nowait", NULL};
/* Where devices are is new: told together. What I/O threads there are is the plan's, and of queues as many as vCPUs. */
static const char *const device_keys[] = {"driver", "id", "drive", "netdev", "host", "mac", "mq", "vectors",
	"iothread", "num-queues", "memdev", "node", "numa_node", "block-size", "requested-size", NULL};
static const char *const place_keys[] = {"bus", "addr", "unit", "channel", "scsi-id", "lun", NULL};
/* What a PC has for buses is made anew. */
static const char *const bridges[] = {"pxb", "pxb-pcie", "pcie-root-port", "ioh3420", "pci-bridge",
	"pcie-pci-bridge", "i82801b11-bridge", "x3130-upstream", "xio3130-downstream", "virtio-scsi-pci",
	"ich9-ahci", NULL};

static bool is_one_of(const char *name, const char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool is_carried(const struct vn_left_out *left, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		size_t n = strlen(rules[i].name);
		bool all = n > 0 && rules[i].name[n - 1] == '/';
		if ((rules[i].to & left->to) &&
			(strcmp(name, rules[i].name) == 0 || (all && strncmp(name, rules[i].name, n) == 0)) &&
			vn_left_has_value(&rules[i], value))
			return true;
	}
	return false;
}

/* ---- the command line ---- */

struct line_option {
	struct vn_qemu_option of;
	struct vn_keyval keys;
	size_t word;
	unsigned line;
};

struct line {
	struct vn_left_out *left;
	struct vn_words words;
	size_t n;
	struct line_option *v;
};

static void clear(struct line *line)
{
	for (size_t i = 0; i < line->n; i++)
		vn_keyval_clear(&line->v[i].keys);
	free(line->v);
	vn_words_clear(&line->words);
}

static int split(struct line *line, struct vn_error *err)
{
	const struct vn_guest *guest = line->left->guest;
	struct vn_where where = {guest->file, 0, NULL};

	int r = vn_words_parse(guest->text, guest->text_size, guest->file, &line->words, err);
	if (r < 0)
		return r;
	line->v = calloc(line->words.n + 1, sizeof(*line->v));
	if (!line->v)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t at = line->words.n_assignments + 1; at < line->words.n;) {
		struct line_option *option = &line->v[line->n++];
		option->word = at;
		option->line = where.line = line->words.v[at].line;
		at = vn_qemu_option_at(&line->words, at, &option->of);
		if (!option->of.keyed || !option->of.value)
			continue;
		r = vn_keyval_parse(option->of.value, option->of.implied, &where, &option->keys, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The device that names a backend; NULL: none. */
static const struct line_option *user_of(const struct line *line, const char *key, const char *id)
{
	for (size_t i = 0; id && i < line->n; i++) {
		const char *seen = vn_keyval_get(&line->v[i].keys, key);
		if (strcmp(line->v[i].of.name, "-device") == 0 && seen && strcmp(seen, id) == 0)
			return &line->v[i];
	}
	return NULL;
}

/* ---- options with keys ---- */

static void tell_keys(struct line *line, const struct line_option *option, const char *const *carried)
{
	for (size_t i = 0; i < option->keys.n; i++) {
		const char *key = option->keys.v[i].key;
		if (!is_one_of(key, carried))
			vn_left_add(line->left, option->line, "%s %.60s=", option->of.name, key);
	}
}

static void tell_all(struct line *line, const struct line_option *option)
{
	static const char *const kinds[] = {"driver", "qom-type", "type", "if", "backend"};
	const char *kind = NULL;
	char seen[VN_QUOTE_MAX];

	for (size_t i = 0; i < 5 && !kind; i++)
		kind = vn_keyval_get(&option->keys, kinds[i]);
	if (!kind)
		kind = option->of.value;
	vn_left_add(line->left, option->line, "%s%s%s", *option->of.name ? option->of.name : "disk image",
		kind ? " " : "", kind ? vn_quote(kind, seen) : "");
}

/* Whether the model of an interface or the bus of a disk is what another form has, too. */
static bool model_is_carried(const struct vn_left_out *left, const char *driver)
{
	static const char *const models[] = {"e1000e", "igb", "vmxnet3", "e1000", "rtl8139", "pcnet",
		"ne2k_pci", "vfio-pci", "scsi-hd", "ide-hd", NULL};

	return strncmp(driver, "virtio-", 7) == 0 || (left->to == TO_LIBVIRT && is_one_of(driver, models)) ||
	       strcmp(driver, "vfio-pci") == 0;
}

static bool is_number(const char *text, uint64_t number)
{
	uint64_t seen;

	return vn_parse_u64(text, UINT64_MAX, &seen) == 0 && seen == number;
}

static void look_at_device(struct line *line, const struct line_option *option)
{
	const char *driver = vn_keyval_get(&option->keys, "driver");
	bool placed = false;

	if (!driver || is_one_of(driver, bridges) ||
		(strncmp(driver, "virtio-serial", 13) == 0 && line->left->guest->n_channels > 0))
		return;
	if (strcmp(driver, "virtserialport") == 0 && vn_left_is_carried_device(line->left, option->word)) {
		tell_keys(line, option, port_keys);
		return;
	}
	bool dimm = strcmp(driver, "pc-dimm") == 0 ||
		    (strncmp(driver, "virtio-mem", 10) == 0 && line->left->to != TO_XEN);
	if (!dimm && !vn_left_is_carried_device(line->left, option->word)) {
		tell_all(line, option);
		return;
	}
	if (!dimm && !model_is_carried(line->left, driver))
		vn_left_add(line->left, option->line, "-device %.60s (it is virtio there)", driver);
	for (size_t i = 0; i < option->keys.n; i++) {
		const char *key = option->keys.v[i].key;
		placed |= is_one_of(key, place_keys);
		if (strcmp(key, "num-queues") == 0 && line->left->to == TO_LIBVIRT &&
			!is_number(option->keys.v[i].value, line->left->guest->vcpus))
			vn_left_add(line->left, option->line, "-device %.60s,num-queues=", driver);
		if (!is_one_of(key, device_keys) && !is_one_of(key, place_keys) &&
			strncmp(key, "iothread-vq-mapping", 19) != 0)
			vn_left_add(line->left, option->line, "-device %s,%.60s=", driver, key);
	}
	if (placed)
		vn_left_add(line->left, option->line, "addresses of devices");
}

/* Firmware that is in the guest; a drive of a device; or a disk by itself. */
static void look_at_drive(struct line *line, const struct line_option *option)
{
	const struct vn_guest_machine *machine = &line->left->guest->machine;
	const char *interface = vn_keyval_get(&option->keys, "if"),
		   *file = vn_keyval_get(&option->keys, "file");
	const struct line_option *user = user_of(line, "drive", vn_keyval_get(&option->keys, "id"));
	bool flash = interface && strcmp(interface, "pflash") == 0;
	bool known = file && ((machine->loader && strcmp(machine->loader, file) == 0) ||
				     (machine->nvram && strcmp(machine->nvram, file) == 0));

	if (flash ? known && line->left->to == TO_LIBVIRT
		  : vn_left_is_carried_device(line->left, option->word) ||
				(user && vn_left_is_carried_device(line->left, user->word)))
		tell_keys(line, option, drive_keys);
	else if (!user)
		tell_all(line, option);
}

static void look_at_netdev(struct line *line, const struct line_option *option)
{
	const char *type = vn_keyval_get(&option->keys, "type");
	const struct line_option *user = user_of(line, "netdev", vn_keyval_get(&option->keys, "id"));

	if (type && strcmp(type, "none") == 0)
		return;
	if (vn_left_is_carried_device(line->left, user ? user->word : option->word))
		tell_keys(line, option, netdev_keys);
	else if (!user)
		tell_all(line, option);
}

/* What a DIMM's memory has of its own, as one is written for each vnode, and like it; and memory that is shared. */
static void look_at_memory(struct line *line, const struct line_option *option, const char *type)
{
	const struct vn_guest *guest = line->left->guest;
	const struct line_option *dimm = user_of(line, "memdev", vn_keyval_get(&option->keys, "id"));
	const char *share = vn_keyval_get(&option->keys, "share"),
		   *node = dimm ? vn_keyval_get(&dimm->keys, "node") : NULL;
	bool shared = share ? is_one_of(share, (const char *const[]){"on", "yes", "true", "y", NULL})
			    : strcmp(type, "memory-backend-memfd") == 0;
	vn_autoset nodes = hwloc_bitmap_alloc();
	uint64_t vnode = 0;

	tell_keys(line, option, memory_keys);
	if (shared && (line->left->to == TO_LIBVIRT ? dimm && !guest->machine.shared : share != NULL))
		vn_left_add(
			line->left, option->line, "-object %.60s%s share=on", type, dimm ? " of a DIMM" : "");
	for (const struct vn_keyval_pair *pair = NULL;
		nodes && (pair = vn_keyval_next(&option->keys, "host-nodes", pair));) {
		vn_autoset some = NULL;
		if (vn_set_parse(pair->value, &some) < 0 || hwloc_bitmap_or(nodes, nodes, some) < 0)
			return;
	}
	line->left->short_of_memory |= !nodes;
	if (dimm && nodes && !hwloc_bitmap_iszero(nodes) && !guest->rehomed &&
		((node && vn_parse_u64(node, UINT32_MAX, &vnode) < 0) ||
			!vn_left_is_tied_to(line->left, vnode, nodes)))
		vn_left_add(line->left, option->line, "-object %.60s of a DIMM host-nodes=", type);
}

static void look_at_object(struct line *line, const struct line_option *option)
{
	const char *type = vn_keyval_get(&option->keys, "qom-type");

	if (type && strncmp(type, "memory-backend-", 15) == 0) {
		look_at_memory(line, option, type);
		return;
	}
	for (size_t i = 0; type && i < option->keys.n; i++) {
		vn_autofree char *name = vn_format("-object/%.60s/%.60s", type, option->keys.v[i].key);
		line->left->short_of_memory |= !name;
		if (name && !is_carried(line->left, name, option->keys.v[i].value)) {
			tell_all(line, option);
			return;
		}
	}
}

/* The machine's type is carried where the guest has it. */
static void look_at_machine(struct line *line, const struct line_option *option)
{
	const char *type = line->left->guest->machine.type;
	char seen[VN_QUOTE_MAX];

	for (size_t i = 0; i < option->keys.n; i++) {
		const struct vn_keyval_pair *pair = &option->keys.v[i];
		vn_autofree char *name = vn_format("-machine/%.60s", pair->key);
		line->left->short_of_memory |= !name;
		bool in_guest = strcmp(pair->key, "type") == 0 && line->left->to == TO_LIBVIRT && type &&
				strcmp(type, pair->value) == 0;
		if (name && !in_guest && !is_carried(line->left, name, pair->value))
			vn_left_add(line->left, option->line, "-machine %.60s=%s", pair->key,
				vn_quote(pair->value, seen));
	}
}

/* ---- options as a whole ---- */

/* That of a channel which is carried over, or any other. */
static void look_at_chardev(struct line *line, const struct line_option *option)
{
	struct line_option of = *option;
	vn_autokeyval keys = {0};

	int r = option->of.value ? vn_keyval_parse(option->of.value, "backend", NULL, &keys, NULL) : -EINVAL;
	line->left->short_of_memory |= r == -ENOMEM;
	const struct line_option *user = user_of(line, "chardev", vn_keyval_get(&keys, "id"));
	const char *wait = vn_keyval_get(&keys, "wait");
	if (!user || !vn_left_is_carried_device(line->left, user->word)) {
		tell_all(line, option);
		return;
	}
	of.keys = keys; /* borrowed */
	tell_keys(line, &of, chardev_keys);
	if (!wait || is_one_of(wait, (const char *const[]){"on", "yes", "true", "y", NULL}))
		vn_left_add(line->left, option->line, "-chardev wait=on");
}

static void look_at_others(struct line *line, const struct line_option *option)
{
	const struct vn_guest_machine *machine = &line->left->guest->machine;
	const char *name = option->of.name, *value = option->of.value, *cpu = machine->cpu;
	bool libvirt = line->left->to == TO_LIBVIRT;
	char seen[VN_QUOTE_MAX];

	if (strcmp(name, "-cpu") == 0 && libvirt && value && cpu && strncmp(value, cpu, strlen(cpu)) == 0) {
		if (value[strlen(cpu)])
			vn_left_add(
				line->left, option->line, "-cpu %s", vn_quote(value + strlen(cpu) + 1, seen));
		return;
	}
	if (strcmp(name, "-bios") == 0 && libvirt && machine->rom)
		return;
	if (is_one_of(name, (const char *const[]){"", "-hda", "-hdb", "-hdc", "-hdd", NULL}) &&
		!vn_left_is_carried_device(line->left, option->word)) {
		tell_all(line, option);
		return;
	}
	if (option->keys.n == 0) {
		if (!is_carried(line->left, name, value))
			tell_all(line, option);
		return;
	}
	for (size_t i = 0; i < option->keys.n; i++) {
		vn_autofree char *key = vn_format("%s/%.60s", name, option->keys.v[i].key);
		line->left->short_of_memory |= !key;
		if (key && !is_carried(line->left, key, option->keys.v[i].value))
			vn_left_add(line->left, option->line, "%s %.60s=", name, option->keys.v[i].key);
	}
}

static void look_at(struct line *line, const struct line_option *option)
{
	const char *name = option->of.name;

	if (!name) /* none is without; clang's analyzer cannot know */
		return;
	if (strcmp(name, "-device") == 0)
		look_at_device(line, option);
	else if (strcmp(name, "-drive") == 0)
		look_at_drive(line, option);
	else if (strcmp(name, "-blockdev") == 0)
		tell_keys(line, option, drive_keys);
	else if (strcmp(name, "-netdev") == 0 || strcmp(name, "-nic") == 0 || strcmp(name, "-net") == 0)
		look_at_netdev(line, option);
	else if (strcmp(name, "-object") == 0)
		look_at_object(line, option);
	else if (strcmp(name, "-chardev") == 0)
		look_at_chardev(line, option);
	else if (strcmp(name, "-machine") == 0)
		look_at_machine(line, option);
	else
		look_at_others(line, option);
}

int vn_left_line(struct vn_left_out *left, struct vn_error *err)
{
	vn_cleanup(clear) struct line line = {.left = left};

	int r = split(&line, err);
	if (r < 0)
		return r;
	if (line.words.zeros)
		left->place = "word";
	for (size_t i = 0; i < line.n; i++)
		look_at(&line, &line.v[i]);
	return 0;
}
