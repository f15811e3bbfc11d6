/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * libvirt, asked of one of its running domains, or told to change it. Its library is loaded when it is asked, by a child process that is
 * killed when it takes too long (child.h): nothing here lasts longer than the timeout.
 *
 * What is told to change may still be changed after that time: then a daemon that had answered when we connected took the call and fell
 * silent.
 *
 * Each has, besides its own: -ENOENT (libvirt has no such domain, or it does not run; or no libvirt is installed), -ENOTCONN (its daemon cannot
 * be asked: it may be back in a moment), -ETIMEDOUT (no answer in time), -EREMOTEIO (libvirt says no), -ENOMEM and what fork(2) may say; always
 * one problem of the environment, where there is something to quote in libvirt's words, without a line's end.
 */

#include "../base/error.h"

struct vn_virt_domain {
	const char *uri; /* NULL: libvirt's own choice (qemu:///system for root) */
	const char *name, *uuid; /* it is looked up by the second if that is not NULL */
	int timeout_ms;
};

/* How long a daemon may take whose user waits for it. It answers in milliseconds; one that moves the last few MiB of a domain takes longer. */
#define VN_VIRT_ANSWER_MS 10000

/* Where the domains of the system's libvirt are asked for. What LIBVIRT_DEFAULT_URI says may be another host's. */
#define VN_VIRT_SYSTEM "qemu:///system"
#define VN_VIRT_SESSION "qemu:///session" /* of the user who asks */

/* The XML of the domain as it is now. *ret_xml is new. */
int vn_virt_xml(const struct vn_virt_domain *domain, char **ret_xml, struct vn_error *err);

/*
 * Where libvirt says that it was asked: `virsh uri`, with aliases and defaults of its own settings followed. *ret_uri is new. That of another
 * host names it: vn_virt_uri_has_host().
 */
int vn_virt_uri(const struct vn_virt_domain *domain, char **ret_uri, struct vn_error *err);
bool vn_virt_uri_has_host(const char *uri);

/* The nodes that its <numatune> has now: `virsh numatune`'s numa_nodeset. *ret_nodes is new; empty: it has none. */
int vn_virt_nodes(const struct vn_virt_domain *domain, char **ret_nodes, struct vn_error *err);

/* Sets them, of the domain as it runs. *ret_changed: it had others. Those that it has already are not set again. */
int vn_virt_set_nodes(
	const struct vn_virt_domain *domain, const char *nodes, bool *ret_changed, struct vn_error *err);

/* Changes a device of the domain as it runs, found by what of its XML does not change: `virsh update-device --live`. */
int vn_virt_update_device(const struct vn_virt_domain *domain, const char *xml, struct vn_error *err);
