/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Whose memory a vnode's is, where it has no vCPUs of its own. */

#include "guest.h"

/*
 * The vnode with vCPUs that reaches the memory of this one best: itself where it has some; or else the one with the lowest latency,
 * then the highest bandwidth, as far as the guest's HMAT tells them, then the lowest distance, then the lowest number. -1: none
 * has vCPUs.
 */
int vn_guest_initiator(const struct vn_guest *guest, size_t vnode);
