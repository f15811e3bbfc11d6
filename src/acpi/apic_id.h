/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The local APIC ids of a guest's vCPUs. */

#include <stdint.h>

#include "../model/guest.h"

/*
 * An id has a field of bits for each level, thread lowest, then core, die, socket; each as wide as the number of its members
 * needs, so that ids may have gaps (Intel SDM volume 3A, section 9.9.1; QEMU's include/hw/i386/topology.h). vCPUs fill the levels in
 * that order.
 */
uint32_t vn_acpi_apic_id(const struct vn_guest_topology *topology, unsigned threads, unsigned vcpu);
