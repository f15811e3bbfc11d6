/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The host as XML: the form of the libvirt thread of 2007, in which each later field is one more attribute or element. Pure. */

#include <stdio.h>

#include "../model/host.h"

/*
 * `<topology><cells num='2'><cell id='0'><cpus num='2'><cpu id='0'/>…</cpus><memory size='2097152'/></cell>…`, to
 * schema/topology.rng, which explains each part. Amounts of memory are in KiB, as in libvirt's capabilities and in that
 * thread (2097152: 2 GiB). Where nodes group (vn_host_levels), `<cells>` stand in `<cells>`, as the thread foresaw; each
 * `<cell>` is the same at any depth. What is not known is left out, never 0.
 */
void vn_host_print_xml(const struct vn_host *host, FILE *out);
