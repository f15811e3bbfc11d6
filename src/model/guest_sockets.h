/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How a guest's vCPUs make sockets and cores, for all that tell a guest of it: a command line and the APIC ids of its tables must
 * say the same. */

#include "guest.h"

/*
 * Cores of a socket where nothing was said of sockets: the largest socket that divides the guest's cores into equal sockets, none
 * of which spans two vnodes, because Linux takes CPUs of a socket to share a last-level cache and complains when they are on
 * different nodes (arch/x86/kernel/smpboot.c, topology_sane()).
 */
unsigned vn_guest_cores_per_socket(const struct vn_guest *guest);

/*
 * All of the topology, each level at least 1: the guest's own words, where they make exactly its vCPUs, or else sockets as above.
 * Clusters count as cores of their die: no PC has them (QEMU's hw/core/machine-smp.c).
 */
struct vn_guest_topology vn_guest_sockets(const struct vn_guest *guest);
