/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What libvirt says of its domains. The library is loaded when it is asked, and only to read. */

#include "../base/error.h"

/*
 * The XML of a running domain as it is now. `uri`: NULL for libvirt's own choice (qemu:///system for root). *ret_xml is new.
 * -ENOENT: there is no such domain, it does not run, or there is no libvirt to ask: a problem of the environment, in libvirt's words.
 */
int vn_libvirt_xml(const char *uri, const char *name, char **ret_xml, struct vn_error *err);
