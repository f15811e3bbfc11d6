/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a command line is written by whoever starts the process, and a fix that names a manager's VM goes to whatever VM
 * the manager has of that name. So the manager is asked, as far as it can be without talking to it: by the pid files that it keeps
 * where only it may write, and which must name this very process.
 *
 *     /run/libvirt/qemu/NAME.pid                  root's: the system's libvirt (src/qemu/qemu_conf.c, stateDir)
 *     /run/user/UID/libvirt/qemu/run/NAME.pid     the user's own libvirt, qemu:///session
 *     /var/run/qemu-server/ID.pid                 root's: Proxmox (src/PVE/QemuServer/Helpers.pm, pidfile_name())
 *
 * "Root's" is what belongs to the owner of the root directory: of a copied tree the numbers mean nothing else.
 */
#define _GNU_SOURCE
#include "manager.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/parse.h"
#include "../base/text.h"

#define PID_TEXT 32 /* bytes of a pid file */

/* Whether a file that belongs to `owner` names the process. */
static bool names_it(const struct vn_root *root, const char *path, uid_t owner, pid_t pid)
{
	char text[PID_TEXT];
	uint64_t told;
	struct stat st;
	vn_autoclose int fd = vn_root_open_path(root, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != owner)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return vn_parse_u64(text, INT_MAX, &told) == 0 && (pid_t)told == pid;
}

static bool is_domain(
	const struct vn_root *root, const struct vn_vm_sample *vm, uid_t super, bool *ret_session)
{
	char path[2 * VN_SAMPLE_TEXT];

	if (strchr(vm->name, '/'))
		return false;
	snprintf(path, sizeof(path), "run/libvirt/qemu/%s.pid", vm->name);
	*ret_session = !names_it(root, path, super, vm->process.pid);
	if (!*ret_session)
		return true;
	snprintf(path, sizeof(path), "run/user/%u/libvirt/qemu/run/%s.pid", (unsigned)vm->uid, vm->name);
	return names_it(root, path, vm->uid, vm->process.pid);
}

int vn_manager_confirm(const struct vn_root *root, struct vn_vm_sample *vm)
{
	enum vn_manager claimed = vm->manager;
	char path[64];
	bool session = false, known = false;
	struct stat st;

	if (claimed != VN_MANAGER_LIBVIRT && claimed != VN_MANAGER_PROXMOX)
		return 0;
	if (root->fd >= 0 && fstat(root->fd, &st) == 0) {
		snprintf(path, sizeof(path), "run/qemu-server/%s.pid", vm->id);
		known = claimed == VN_MANAGER_LIBVIRT ? is_domain(root, vm, st.st_uid, &session)
						      : names_it(root, path, st.st_uid, vm->process.pid);
	}
	if (known) {
		vm->manager = session ? VN_MANAGER_LIBVIRT_SESSION : claimed;
		return 0;
	}
	vm->manager = VN_MANAGER_NONE;
	vm->claims_manager = true;
	vm->id[0] = '\0';
	return vn_notes_add(&vm->gaps, "manager-not-confirmed",
		"its command line is as %s writes them, but no pid file of %s's names it: it counts as nobody's",
		vn_manager_name(claimed), vn_manager_name(claimed));
}
