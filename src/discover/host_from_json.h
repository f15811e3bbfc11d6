/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Reading a host from JSON: what its parts (host, devices, HMAT) share. Internal to discover/. */

#include "../model/host.h"
#include "../model/json_reader.h"

#define VN_JSON_MAX_AMOUNT VN_MAX_AMOUNT
#define VN_JSON_MAX_ITEMS 65536u /* members of a list of objects */

/* Devices below nodes[].devices and devices_without_node; `nodes` is the list of nodes, host->nodes in its order. */
void vn_json_devices(const struct vn_json_reader *top, const json_t *nodes, struct vn_host *host);

/* The key `hmat`, when it is told. */
void vn_json_hmat(const struct vn_json_reader *top, struct vn_host *host);
