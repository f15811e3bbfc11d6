/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "talk.h"

#include <string.h>

#include "../base/library.h"
#include "../base/parse.h"
#include "../base/text.h"

#define SYMBOL(name) VN_SYMBOL(struct vn_virt_calls, name),

/* libvirt would print every error itself. */
static void say_nothing(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

const char *vn_virt_words(const struct vn_virt_talk *talk, char buffer[static VN_VIRT_WORDS])
{
	virErrorPtr error = talk->calls.virGetLastError();

	snprintf(buffer, VN_VIRT_WORDS, "%s",
		error && error->message && *error->message ? error->message : "libvirt does not say why");
	for (char *p = buffer; *p; p++) {
		if ((unsigned char)*p < ' ')
			*p = ' ';
	}
	/* what was cut may end within a character */
	for (char *p = buffer; !vn_text_is_printable(buffer) && *p; p++) {
		if ((unsigned char)*p > '~')
			*p = '?';
	}
	return buffer;
}

/* A connection that broke while the domain was looked up says nothing of the domain. */
static int refused(const struct vn_virt_talk *talk, const char *name, struct vn_error *err)
{
	char seen[VN_QUOTE_MAX], words[VN_VIRT_WORDS];
	virErrorPtr error = talk->calls.virGetLastError();
	int status = error && error->code == VIR_ERR_NO_DOMAIN ? -ENOENT : -ENOTCONN;

	return vn_error_environment(err, status, "libvirt has no running domain '%s' to tell of: %s",
		vn_quote(name, seen), vn_virt_words(talk, words));
}

int vn_virt_talk_begin(
	const struct vn_virt_domain *of, bool writes, struct vn_virt_talk *ret, struct vn_error *err)
{
	static const char *const names[] = {"libvirt.so.0", "libvirt.so", NULL};
	static const struct vn_symbol symbols[] = {VN_VIRT_CALLS(SYMBOL){0}};
	struct vn_virt_talk talk = {0};
	const char *name = of->uuid ? of->uuid : of->name;
	char seen[VN_QUOTE_MAX];

	int r = vn_library_load(names, "asking libvirt", symbols, &talk.calls, err);
	if (r < 0)
		return r;
	talk.calls.virSetErrorFunc(NULL, say_nothing);
	talk.connection =
		writes ? talk.calls.virConnectOpen(of->uri) : talk.calls.virConnectOpenReadOnly(of->uri);
	if (!talk.connection)
		return refused(&talk, name, err);
	talk.domain = of->uuid ? talk.calls.virDomainLookupByUUIDString(talk.connection, of->uuid)
			       : talk.calls.virDomainLookupByName(talk.connection, of->name);
	if (!talk.domain)
		return refused(&talk, name, err);
	int active = talk.calls.virDomainIsActive(talk.domain);
	if (active < 0)
		return refused(&talk, name, err);
	if (active == 0)
		return vn_error_environment(
			err, -ENOENT, "libvirt's domain '%s' does not run", vn_quote(name, seen));
	*ret = talk;
	return 0;
}
