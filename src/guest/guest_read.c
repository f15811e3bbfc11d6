/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "guest_read.h"

#include <string.h>

#include "../base/qemu_options.h"
#include "guest_cfg.h"
#include "guest_libvirt.h"
#include "guest_qemu.h"

/* Blanks of a shell's command line: a backslash at a line's end among them. */
static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (strchr(" \t\r\n", *p) || (*p == '\\' && p + 1 < end && p[1] == '\n')))
		p++;
	return p;
}

static const char *skip_word(const char *p, const char *end)
{
	while (p < end && !strchr(" \t\r\n", *p)) /* a 0 is found, too */
		p++;
	return p;
}

/* `LC_ALL=C`: what a shell, or libvirt's log, has before the program. Keys of configs are in lower case. */
static bool is_assignment(const char *p, const char *end)
{
	size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return n > 0 && p + n < end && p[n] == '=';
}

/* One that runs no VM is refused as such later. */
static bool is_qemu(const char *word, size_t n)
{
	return vn_qemu_program_of(word, n) != VN_QEMU_NONE;
}

enum vn_guest_form vn_guest_form_of(const char *text, size_t size)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8 */
	const char *end = text + size, *p = text;

	if (size >= 3 && memcmp(p, mark, 3) == 0)
		p += 3;
	p = skip_blanks(p, end);
	if (p < end && *p == '<')
		return VN_FORM_LIBVIRT;
	while (is_assignment(p, end)) {
		p = skip_word(p, end);
		p = skip_blanks(p + (p < end && !*p), end);
	}
	return is_qemu(p, (size_t)(skip_word(p, end) - p)) ? VN_FORM_QEMU : VN_FORM_CFG;
}

/* By what reads the form; the guest has no text yet. */
static int read_form(enum vn_guest_form form, const char *text, size_t size, const char *file, bool defaults,
	struct vn_guest **ret_guest, struct vn_error *err)
{
	switch (form) {
	case VN_FORM_QEMU:
		return vn_guest_from_qemu(text, size, file, ret_guest, err);
	case VN_FORM_LIBVIRT:
		return vn_guest_from_libvirt(text, file, ret_guest, err);
	case VN_FORM_CFG:
	case VN_FORM_NONE:
		break;
	}
	return vn_guest_from_cfg(text, file, defaults, ret_guest, err);
}

/* ---- what a shell would run ---- */

/* Whether a line of text begins with a program that runs a VM, or with what starts another program and QEMU behind it. */
static bool runs_qemu(const char *p, const char *end)
{
	static const char *const starters[] = {"exec", "sudo", "doas", "env", "nice", "ionice", "nohup",
		"setsid", "taskset", "numactl", "chrt", "systemd-run"};

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	size_t n = (size_t)(skip_word(p, end) - p);
	const char *behind = p + n;
	while (behind < end && (*behind == ' ' || *behind == '\t'))
		behind++;
	if (behind < end && *behind == '=')
		return false; /* a key of a config */
	if (is_qemu(p, n))
		return true;
	for (size_t i = 0; i < sizeof(starters) / sizeof(starters[0]); i++) {
		if (n == strlen(starters[i]) && memcmp(p, starters[i], n) == 0)
			return memmem(p, (size_t)(end - p), "qemu-", 5) ||
			       memmem(p, (size_t)(end - p), " kvm ", 5);
	}
	return false;
}

/* The line of a shell script that runs QEMU, or the first that says that it is a script; 0: it is none. */
static unsigned line_of_script(const char *text, size_t size)
{
	const char *end = text + size;
	unsigned line = 1;

	for (const char *p = text; p < end; line++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop ? stop : end;
		if (runs_qemu(p, stop))
			return line;
		p = stop + (stop < end);
	}
	return size > 2 && memcmp(text, "#!", 2) == 0;
}

static int check_script(const char *text, size_t size, const char *file, struct vn_error *err)
{
	unsigned line = line_of_script(text, size);

	if (line == 0)
		return 0;
	return vn_error_input(err, &(struct vn_where){file, line, NULL},
		"a shell script, or words before QEMU such as sudo or taskset; expected QEMU's command line alone. While the VM runs, "
		"/proc/PID/cmdline has it, which can be given here as it is (to read it: tr '\\0' '\\n' < /proc/PID/cmdline); of a domain, "
		"'virsh domxml-to-native qemu-argv --domain NAME' prints it");
}

int vn_guest_read(const char *text, size_t size, const char *file, bool defaults, struct vn_guest **ret_guest,
	struct vn_error *err)
{
	vn_autoguest *guest = NULL;
	enum vn_guest_form form = vn_guest_form_of(text, size);
	struct vn_where where = {file, 0, NULL};

	if (form != VN_FORM_QEMU && memchr(text, 0, size))
		return vn_error_input(err, &where, "holds a NUL byte; expected text");
	int r = form == VN_FORM_CFG ? check_script(text, size, file, err) : 0;
	if (r < 0)
		return r;
	r = read_form(form, text, size, file, defaults, &guest, err);
	if (r < 0)
		return r;
	if (vn_guest_set_text(guest, form, text, size) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_guest = vn_steal(guest);
	return 0;
}
