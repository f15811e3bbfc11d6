/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a vCPU of KVM is a file, and its name has KVM's id of the vCPU: /proc/PID/fd/13 -> anon_inode:kvm-vcpu:0
 * (virt/kvm/kvm_main.c, create_vcpu_fd()). Who runs it:
 *
 * - debugfs has it: kvm/PID-FD/vcpuID/pid, FD being the VM's file (kvm_create_vm_debugfs(), vcpu_get_pid()), since Linux 6.2. For
 *   root only, where it is mounted; of a vCPU that has never run it is 0;
 * - a vCPU that is idle waits within ioctl(FD, KVM_RUN), which /proc/PID/task/TID/syscall shows: number and arguments
 *   (fs/proc/base.c, proc_pid_syscall()). Of a thread that is on a CPU the file says "running"; it may be idle another time. Of one
 *   that runs no guest, because that is paused, it shows something else.
 *
 * KVM's id is on x86 the APIC id, which skips numbers where cores or threads are no power of two; it rises with QEMU's index. With
 * as many vCPUs as the guest has at start, the n-th is index n. Elsewhere it is the index (kvm_arch_vcpu_id() in QEMU's target/).
 */
#define _GNU_SOURCE
#include "kvm_vcpus.h"

#include <limits.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/syscall.h>

#include "../base/parse.h"
#include "../base/text.h"

#define MAX_ID 65535u

void vn_kvm_vcpus_clear(struct vn_kvm_vcpus *vcpus)
{
	free(vcpus->v);
	*vcpus = (struct vn_kvm_vcpus){.vm_fd = -1};
}

static int add(struct vn_kvm_vcpus *vcpus, int fd, unsigned id)
{
	struct vn_kvm_vcpu *grown = reallocarray(vcpus->v, vcpus->n + 1, sizeof(*grown));
	size_t i = vcpus->n;

	if (!grown)
		return -ENOMEM;
	vcpus->v = grown;
	for (; i > 0 && grown[i - 1].id > id; i--)
		grown[i] = grown[i - 1];
	grown[i] = (struct vn_kvm_vcpu){fd, id, -1};
	vcpus->n++;
	return 0;
}

static int read_link(const struct vn_root *root, pid_t pid, const char *name, struct vn_kvm_vcpus *vcpus)
{
	static const char vm[] = "anon_inode:kvm-vm", vcpu[] = "anon_inode:kvm-vcpu:";
	vn_autofree char *target = NULL;
	char path[64];
	uint64_t fd, id;

	if (vn_parse_u64(name, INT_MAX, &fd) < 0)
		return 0;
	snprintf(path, sizeof(path), "proc/%d/fd/%d", pid, (int)fd);
	int r = vn_root_link(root, path, &target);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* closed meanwhile */
	if (strcmp(target, vm) == 0 && vcpus->vm_fd < 0)
		vcpus->vm_fd = (int)fd;
	if (strncmp(target, vcpu, sizeof(vcpu) - 1) == 0 &&
		vn_parse_u64(target + sizeof(vcpu) - 1, MAX_ID, &id) == 0)
		return add(vcpus, (int)fd, (unsigned)id);
	return 0;
}

/* Ids without a gap are indexes. */
static void number(struct vn_kvm_vcpus *vcpus, unsigned expected)
{
	bool dense = vcpus->n > 0 && vcpus->v[vcpus->n - 1].id == vcpus->n - 1;

	for (size_t i = 0; i < vcpus->n; i++)
		vcpus->v[i].index = dense || vcpus->n == expected ? (int)i : -1;
}

int vn_kvm_vcpus_read(
	const struct vn_root *root, pid_t pid, unsigned expected, struct vn_kvm_vcpus *ret_vcpus)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	vn_autokvm vcpus = {.vm_fd = -1};
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/fd", pid);
	int r = vn_root_list(root, path, &names);
	for (size_t i = 0; r == 0 && names[i]; i++)
		r = read_link(root, pid, names[i], &vcpus);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	number(&vcpus, expected);
	*ret_vcpus = vcpus;
	vcpus = (struct vn_kvm_vcpus){.vm_fd = -1};
	return 0;
}

pid_t vn_kvm_vcpu_thread(const struct vn_root *root, pid_t pid, const struct vn_kvm_vcpus *vcpus,
	const struct vn_kvm_vcpu *vcpu)
{
	char path[96];
	uint64_t tid;

	snprintf(path, sizeof(path), "sys/kernel/debug/kvm/%d-%d/vcpu%u/pid", pid, vcpus->vm_fd, vcpu->id);
	return vn_root_read_u64(root, path, &tid) == 0 && tid <= INT_MAX ? (pid_t)tid : 0;
}

const struct vn_kvm_vcpu *vn_kvm_vcpu_of(
	const struct vn_root *root, pid_t pid, pid_t tid, const struct vn_kvm_vcpus *vcpus)
{
	vn_autofree char *text = NULL;
	char path[64];
	unsigned long fd, request;
	long call;

	snprintf(path, sizeof(path), "proc/%d/task/%d/syscall", pid, tid);
	if (vn_root_read(root, path, &text) < 0)
		return NULL;
	/* Three numbers of the kernel's. NOLINTNEXTLINE(cert-err34-c) */
	int n = sscanf(text, "%ld 0x%lx 0x%lx", &call, &fd, &request);
	if (n != 3 || call != SYS_ioctl || request != KVM_RUN)
		return NULL;
	for (size_t i = 0; i < vcpus->n; i++) {
		if ((unsigned long)vcpus->v[i].fd == fd)
			return &vcpus->v[i];
	}
	return NULL;
}
