/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* libvirt's own library and one domain, as the child (child.h) has them. Nothing is closed: the child ends. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "../base/error.h"
#include "virt.h"

/* clang-format off: a line each */
#define VN_VIRT_CALLS(CALL)                                                                                  \
	CALL(virConnectOpen)                                                                                 \
	CALL(virConnectOpenReadOnly)                                                                         \
	CALL(virConnectGetURI)                                                                               \
	CALL(virDomainLookupByName)                                                                          \
	CALL(virDomainLookupByUUIDString)                                                                    \
	CALL(virDomainIsActive)                                                                              \
	CALL(virDomainGetXMLDesc)                                                                            \
	CALL(virDomainGetNumaParameters)                                                                     \
	CALL(virDomainSetNumaParameters)                                                                     \
	CALL(virDomainUpdateDeviceFlags)                                                                     \
	CALL(virSetErrorFunc)                                                                                \
	CALL(virGetLastError)
#define VN_VIRT_FIELD(name) __typeof__(name) *(name);
/* clang-format on */

struct vn_virt_calls {
	VN_VIRT_CALLS(VN_VIRT_FIELD)
};

struct vn_virt_talk {
	struct vn_virt_calls calls;
	virConnectPtr connection;
	virDomainPtr domain; /* runs */
};

/* Loads the library, connects, looks the domain up. -ENOENT, -ENOTCONN: as in virt.h, in libvirt's words. */
int vn_virt_talk_begin(
	const struct vn_virt_domain *of, bool writes, struct vn_virt_talk *ret, struct vn_error *err);

#define VN_VIRT_WORDS 400

/* What libvirt said last, cut short, as one line of text that can be printed. Returns `buffer`. */
const char *vn_virt_words(const struct vn_virt_talk *talk, char buffer[static VN_VIRT_WORDS]);
