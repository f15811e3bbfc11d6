/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sources: the table is QEMU's qemu-options.hx, of 7.2 (each was asked of that program), a newer one, and what older versions had; how
 * words become options, QEMU's system/vl.c, lookup_opt().
 */
#define _GNU_SOURCE
#include "qemu_options.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "keyval.h"
#include "parse.h"
#include "text.h"

static bool begins(const char *name, size_t n, const char *start)
{
	size_t length = strlen(start);

	return n >= length && memcmp(name, start, length) == 0;
}

enum vn_qemu_program vn_qemu_program_of(const char *path, size_t n)
{
	const char *slash = memrchr(path, '/', n), *name = slash ? slash + 1 : path;

	n -= (size_t)(name - path);
	if (begins(name, n, ".")) {
		name++;
		n--;
	}
	if (begins(name, n, "qemu-system-") || begins(name, n, "qemu-kvm") ||
		(n == 3 && begins(name, n, "kvm")))
		return VN_QEMU_VM;
	return n > 5 && begins(name, n, "qemu-") ? VN_QEMU_TOOL : VN_QEMU_NONE;
}

/* Whose keys are read, and the key of a value without one. */
static const struct {
	const char *name, *implied, *alias;
} read_options[] = {{"-name", "guest"}, {"-machine", "type", "-M"}, {"-m", "size"}, {"-smp", "cpus"},
	{"-numa", "type"}, {"-object", "qom-type"}, {"-device", "driver"}, {"-drive", NULL},
	{"-blockdev", "driver"}, {"-netdev", "type"}, {"-nic", "type"}, {"-net", "type"}};

/* All others that take a value. */
static const char *const with_value[] = {"-accel", "-acpitable", "-action", "-add-fd", "-append", "-audio",
	"-audiodev", "-balloon", "-bios", "-blockdev", "-boot", "-bootp", "-bt", "-cdrom", "-chardev",
	"-chroot", "-clock", "-compat", "-cpu", "-D", "-d", "-debugcon", "-dfilter", "-display", "-drive",
	"-dtb", "-dump-vmstate", "-echr", "-fda", "-fdb", "-fsdev", "-fw_cfg", "-g", "-gdb", "-global",
	"-hda", "-hdachs", "-hdb", "-hdc", "-hdd", "-icount", "-incoming", "-initrd", "-iscsi", "-k",
	"-kernel", "-kvm-shadow-memory", "-L", "-loadvm", "-mem-path", "-mon", "-monitor", "-msg",
	"-mtdblock", "-option-rom", "-overcommit", "-parallel", "-pflash", "-pidfile", "-plugin", "-prom-env",
	"-qmp", "-qmp-pretty", "-qtest", "-qtest-log", "-readconfig", "-realtime", "-redir", "-rotate",
	"-rtc", "-run-with", "-runas", "-sandbox", "-sd", "-seed", "-semihosting-config", "-serial", "-set",
	"-shim", "-smb", "-smbios", "-soundhw", "-spice", "-startdate", "-tb-size", "-tftp", "-tpmdev",
	"-trace", "-usbdevice", "-uuid", "-vga", "-virtfs", "-virtioconsole", "-vnc", "-watchdog",
	"-watchdog-action", "-writeconfig", "-xen-domid", NULL};

static const char *const without_value[] = {"-S", "-alt-grab", "-async-teardown", "-audio-help", "-ctrl-grab",
	"-curses", "-daemonize", "-enable-fips", "-enable-kvm", "-enable-sync-profile", "-full-screen", "-h",
	"-help", "-jitdump", "-localtime", "-mem-prealloc", "-no-acpi", "-no-fd-bootchk", "-no-frame",
	"-no-hpet", "-no-kvm", "-no-kvm-irqchip", "-no-kvm-pit", "-no-kvm-pit-reinjection", "-no-quit",
	"-no-reboot", "-no-shutdown", "-no-user-config", "-nodefaults", "-nodefconfig", "-nographic",
	"-old-param", "-one-insn-per-tb", "-only-migratable", "-perfmap", "-portrait", "-preconfig",
	"-rtc-td-hack", "-s", "-sdl", "-semihosting", "-show-cursor", "-singlestep", "-snapshot", "-tdf",
	"-usb", "-version", "-virtfs_synth", "-win2k-hack", "-xen-attach", "-xen-create",
	"-xen-domid-restrict", NULL};

static const char *in_list(const char *const *list, const char *name)
{
	for (; *list; list++) {
		if (strcmp(*list, name) == 0)
			return *list;
	}
	return NULL;
}

/* What the table says of a word. Whether a value follows: 1, 0; -1: not known. */
static int look_up(const char *word, struct vn_qemu_option *option)
{
	for (size_t i = 0; i < sizeof(read_options) / sizeof(read_options[0]); i++) {
		if (strcmp(word, read_options[i].name) == 0 ||
			(read_options[i].alias && strcmp(word, read_options[i].alias) == 0)) {
			option->name = read_options[i].name;
			option->implied = read_options[i].implied;
			option->keyed = true;
			return 1;
		}
	}
	if ((option->name = in_list(with_value, word)))
		return 1;
	if ((option->name = in_list(without_value, word)))
		return 0;
	option->name = word;
	return -1;
}

/* What follows an option that is not known is its value unless it looks like an option. */
size_t vn_qemu_option_at(const struct vn_words *words, size_t at, struct vn_qemu_option *ret_option)
{
	const char *word = words->v[at++].text, *next = at < words->n ? words->v[at].text : NULL;

	*ret_option = (struct vn_qemu_option){.name = "", .known = true};
	if (*word != '-' || !word[1]) { /* QEMU: a disk image */
		ret_option->value = word;
		return at;
	}
	int takes = look_up(word + (strncmp(word, "--", 2) == 0 && word[2]), ret_option);
	ret_option->known = takes >= 0;
	ret_option->value_missing = takes == 1 && !next;
	if (next && (takes == 1 || (takes < 0 && *next != '-')))
		ret_option->value = words->v[at++].text;
	return at;
}

/* Puts what an option tells into the place of *accel, or behind it. 0 or -ENOMEM. */
static int tell_accel(char **accel, bool behind, const char *told, size_t n)
{
	char *text = vn_format("%s%s%.*s", behind ? *accel : "", behind ? ":" : "", (int)n, told);

	if (!text)
		return -ENOMEM;
	free(*accel);
	*accel = text;
	return 0;
}

/* configure_accelerators() and qemu_init() in QEMU's system/vl.c; -enable-kvm is -machine accel=kvm. */
int vn_qemu_accel(const struct vn_words *words, char **ret_accel)
{
	vn_autofree char *own = NULL, *of_machine = NULL;
	const char *program = words->n > words->n_assignments ? words->v[words->n_assignments].text : "";
	size_t n = strlen(program);
	int r = 0;

	for (size_t at = words->n_assignments + 1; at < words->n && r == 0;) {
		struct vn_qemu_option option;
		vn_autokeyval keys = {0};
		at = vn_qemu_option_at(words, at, &option);
		const char *value = option.value;
		if (strcmp(option.name, "-enable-kvm") == 0) {
			r = tell_accel(&of_machine, false, "kvm", 3);
		} else if (strcmp(option.name, "-accel") == 0 && value) {
			value += strncmp(value, "accel=", 6) == 0 ? 6 : 0;
			r = tell_accel(&own, own != NULL, value, strcspn(value, ","));
		} else if (strcmp(option.name, "-machine") == 0 && value) {
			r = vn_keyval_parse(value, option.implied, NULL, &keys, NULL) == -ENOMEM ? -ENOMEM
												 : 0;
			value = vn_keyval_get(&keys, "accel");
			if (value)
				r = tell_accel(&of_machine, false, value, strlen(value));
		}
	}
	if (r == 0 && !own && !of_machine)
		r = tell_accel(&own, false, n >= 3 && strcmp(program + n - 3, "kvm") == 0 ? "kvm" : "tcg", 3);
	if (r == 0)
		*ret_accel = own ? vn_steal(own) : vn_steal(of_machine);
	return r;
}

/* util/cutils.c, qemu_strtou64() with base 0, which is strtoull()'s. */
int vn_qemu_number(const char *text, uint64_t max, uint64_t *ret)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned base = hex ? 16 : 8;
	uint64_t number = 0;

	if (text[0] != '0' || !text[1])
		return vn_parse_u64(text, max, ret);
	text += hex ? 2 : 1;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned digit = *text >= '0' && *text <= '9'     ? (unsigned)(*text - '0')
				 : isxdigit((unsigned char)*text) ? (unsigned)((*text | 0x20) - 'a') + 10
								  : base;
		if (digit >= base)
			return -EINVAL;
		if (number > (UINT64_MAX - digit) / base)
			return -ERANGE;
		number = number * base + digit;
	}
	if (number > max)
		return -ERANGE;
	*ret = number;
	return 0;
}
