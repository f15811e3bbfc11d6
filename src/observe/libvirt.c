/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

#include "../base/library.h"
#include "../base/text.h"

/* clang-format off: a line each */
#define CALLS(CALL)                                                                                          \
	CALL(virConnectOpenReadOnly)                                                                         \
	CALL(virConnectClose)                                                                                \
	CALL(virDomainLookupByName)                                                                          \
	CALL(virDomainIsActive)                                                                              \
	CALL(virDomainGetXMLDesc)                                                                            \
	CALL(virDomainFree)                                                                                  \
	CALL(virSetErrorFunc)                                                                                \
	CALL(virGetLastErrorMessage)
#define FIELD(name) __typeof__(name) *name;
#define SYMBOL(name) VN_SYMBOL(struct calls, name),
/* clang-format on */

struct calls {
	CALLS(FIELD)
};

/* libvirt would print every error itself. */
static void say_nothing(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static int refused(const struct calls *libvirt, const char *name, struct vn_error *err)
{
	char seen[VN_QUOTE_MAX];

	return vn_error_environment(err, -ENOENT, "libvirt has no running domain '%s' to tell of: %.200s",
		vn_quote(name, seen), libvirt->virGetLastErrorMessage());
}

static int read_xml(const struct calls *libvirt, virConnectPtr connection, const char *name, char **ret_xml,
	struct vn_error *err)
{
	virDomainPtr domain = libvirt->virDomainLookupByName(connection, name);
	char seen[VN_QUOTE_MAX];
	int r = 0;

	if (!domain)
		return refused(libvirt, name, err);
	char *xml = NULL;
	if (libvirt->virDomainIsActive(domain) != 1)
		r = vn_error_environment(
			err, -ENOENT, "libvirt's domain '%s' does not run", vn_quote(name, seen));
	else if (!(xml = libvirt->virDomainGetXMLDesc(domain, 0)))
		r = refused(libvirt, name, err);
	libvirt->virDomainFree(domain);
	if (r == 0)
		*ret_xml = xml;
	return r;
}

int vn_libvirt_xml(const char *uri, const char *name, char **ret_xml, struct vn_error *err)
{
	static const char *const names[] = {"libvirt.so.0", "libvirt.so", NULL};
	static const struct vn_symbol symbols[] = {CALLS(SYMBOL){0}};
	struct calls libvirt = {0};

	int r = vn_library_load(names, "asking libvirt", symbols, &libvirt, err);
	if (r < 0)
		return r;
	libvirt.virSetErrorFunc(NULL, say_nothing);
	virConnectPtr connection = libvirt.virConnectOpenReadOnly(uri);
	if (!connection)
		return refused(&libvirt, name, err);
	r = read_xml(&libvirt, connection, name, ret_xml, err);
	libvirt.virConnectClose(connection);
	return r;
}
