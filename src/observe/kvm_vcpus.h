/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which thread runs which vCPU, as KVM shows it: for VMs whose threads have no names. */

#include <sys/types.h>

#include "../base/rootfs.h"

struct vn_kvm_vcpu {
	int fd; /* of the process */
	unsigned id; /* KVM's; on x86 the APIC id */
	int index; /* as QEMU counts; -1: not known */
};

struct vn_kvm_vcpus {
	size_t n;
	struct vn_kvm_vcpu *v; /* by id */
	int vm_fd; /* -1: none */
};

/* `vcpus`: that the guest has at start; 0: not known. 0, -ESRCH, -EACCES, -ENOMEM. */
int vn_kvm_vcpus_read(const struct vn_root *root, pid_t pid, unsigned vcpus, struct vn_kvm_vcpus *ret_vcpus);
void vn_kvm_vcpus_clear(struct vn_kvm_vcpus *vcpus);
#define vn_autokvm vn_cleanup(vn_kvm_vcpus_clear) struct vn_kvm_vcpus

/* The thread that last ran this vCPU, as debugfs tells since Linux 6.2, where it is mounted and may be read; 0: not told. */
pid_t vn_kvm_vcpu_thread(const struct vn_root *root, pid_t pid, const struct vn_kvm_vcpus *vcpus,
	const struct vn_kvm_vcpu *vcpu);

/* The vCPU in whose KVM_RUN a thread waits; NULL: none, or it is running. */
const struct vn_kvm_vcpu *vn_kvm_vcpu_of(
	const struct vn_root *root, pid_t pid, pid_t tid, const struct vn_kvm_vcpus *vcpus);
