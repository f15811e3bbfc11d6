/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What is wrong with a VM, and with the host: one function per kind of thing, in the order in which judge.c calls them. Each adds to
 * the->audit->findings. 0 or -ENOMEM.
 *
 * Theory of operation: one cause makes one finding. A finding is the same code for all vnodes or threads that it is true of. What
 * follows from another finding is not told again:
 *
 *  - a vnode that spans nodes because it must or is meant to (home.c) has nothing that is remote, spread, unbound, floating or off
 *    home; if it is the guest's only one, guest-without-vnuma says it all;
 *  - a vCPU that may run at home and elsewhere is floating, not off home, however much it was elsewhere;
 *  - threads and memory are held against the home, not against each other: a vCPU that is kept elsewhere makes its own memory no
 *    remote memory. What both lose is told once: memory costs what would be lost with all vCPUs at home, vCPUs the rest;
 *  - memory that cannot come home is told with what keeps it away: cpuset-forbids-home, or hugepages-uneven, instead of memory-remote
 *    and memory-spread;
 *  - memory without a policy is vnode-unbound only where vCPUs and memory are at home: else it is the pins, or the pages, that are to
 *    be mended first;
 *  - an I/O thread or an interrupt that is where the vnode's vCPUs are is not remote, even if those are off home or floating: it goes
 *    with them; nor is an interrupt that is at its device, where the device itself is remote;
 *  - where vCPUs float or are off home, a vhost worker that shares a CPU with one is told only if both are kept there: else it is the
 *    scheduler's choice, and a new one once they are home;
 *  - a vCPU that waits for the vhost worker it wakes on its own CPU is vhost-on-kicking-cpu, not squeezed;
 *  - on a host of one node nothing is far from anything: only CPUs that are shared, and memory that is swapped, are told.
 *
 * Fixes of one VM agree: memory and threads all go to the homes that vn_homes_find() found. Where home has no cores left for vCPUs, and
 * their memory can follow them, one command moves the vnode elsewhere, and no other is given for it. Fixes of all VMs go together:
 * ledger.h.
 */

#include "claim.h"

int vn_find_vcpus(struct vn_case *the); /* vcpu-off-home, vcpu-floating */
int vn_find_memory(struct vn_case *
		the); /* memory-remote, memory-spread, cpuset-forbids-home, hugepages-uneven, vnode-unbound */
int vn_find_barred(
	struct vn_case *the, struct vn_claim *claim); /* cpuset-forbids-home of CPUs, into a claim */
int vn_find_swapped(struct vn_case *the); /* memory-swapped */
int vn_find_vhost(struct vn_case *the); /* vhost-on-kicking-cpu, vhost-remote */
int vn_find_iothreads(struct vn_case *the); /* iothread-remote */
int vn_find_squeezed(struct vn_case *the); /* vcpu-squeezed */
int vn_find_devices(struct vn_case *the); /* device-remote, irq-remote */
int vn_find_told(struct vn_case *the); /* guest-without-vnuma, memory-interleaved, vnuma-lies */

/* node-nearly-full, kernel-balancing-fights, ksm-merges-nodes, zone-reclaim, numad-runs: of the host, all cases seen. */
int vn_find_host(const struct vn_case *cases, size_t n, struct vn_audit *audit);
