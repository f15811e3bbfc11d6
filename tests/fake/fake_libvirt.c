/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "fake_libvirt.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static virError last;
static char last_text[512];

char *fake_read(const char *file)
{
	const char *folder = getenv("VNUMA_FAKE_LIBVIRT");
	char path[4096];
	char *text = NULL;
	size_t room = 0;

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "", file);
	FILE *in = fopen(path, "re");
	if (!in)
		return NULL;
	if (getdelim(&text, &room, '\0', in) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(in);
	if (text && *text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	return text;
}

void fake_write(const char *file, const char *how, const char *text)
{
	const char *folder = getenv("VNUMA_FAKE_LIBVIRT");
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "", file);
	FILE *out = fopen(path, how);
	if (!out)
		abort();
	fputs(text, out);
	fclose(out);
}

/* What is read whole under the new name is never there under both. */
static void fake_rename(const char *file, const char *to)
{
	char *text = fake_read(file), path[4096];

	fake_write(to, "we", text ? text : "");
	free(text);
	snprintf(path, sizeof(path), "%s/%s", getenv("VNUMA_FAKE_LIBVIRT"), file);
	unlink(path);
}

int fake_fail(int code, const char *text)
{
	snprintf(last_text, sizeof(last_text), "%s", text);
	last = (virError){.code = code, .message = last_text};
	return -1;
}

static int is_there(const char *file)
{
	char *text = fake_read(file);

	free(text);
	return text != NULL;
}

virErrorPtr virGetLastError(void)
{
	return last.code ? &last : NULL;
}

void virSetErrorFunc(void *data, virErrorFunc function)
{
	(void)data;
	(void)function;
}

static const char *opened; /* the URI, while a process of src/virt/ has its one question */

static virConnectPtr open_it(const char *uri)
{
	opened = uri ? uri : getenv("LIBVIRT_DEFAULT_URI");
	if (is_there("crash"))
		_exit(3);
	while (is_there("hang"))
		pause();
	if (uri && strcmp(uri, "fake:///nobody") == 0) {
		fake_fail(VIR_ERR_NO_CONNECT, "nobody\nlistens\tthere \xc3\xa4 \xff");
		return NULL;
	}
	return (virConnectPtr)&last;
}

virConnectPtr virConnectOpen(const char *uri)
{
	return open_it(uri);
}

virConnectPtr virConnectOpenReadOnly(const char *uri)
{
	return open_it(uri);
}

char *virConnectGetURI(virConnectPtr connection)
{
	(void)connection;
	return strdup(opened ? opened : "qemu:///system");
}

static virDomainPtr look_up(const char *uuid)
{
	char *has = fake_read("uuid");
	int found = is_there("xml") && (!uuid || !has || strcmp(uuid, has) == 0);

	free(has);
	if (!found)
		fake_fail(VIR_ERR_NO_DOMAIN, "Domain not found");
	return found ? (virDomainPtr)&last : NULL;
}

virDomainPtr virDomainLookupByName(virConnectPtr connection, const char *name)
{
	(void)connection;
	(void)name;
	return look_up(NULL);
}

virDomainPtr virDomainLookupByUUIDString(virConnectPtr connection, const char *uuid)
{
	(void)connection;
	return look_up(uuid);
}

int virDomainIsActive(virDomainPtr domain)
{
	(void)domain;
	return 1;
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)
{
	(void)domain;
	(void)flags;
	return fake_read("xml");
}

int virDomainGetNumaParameters(
	virDomainPtr domain, virTypedParameterPtr params, int *nparams, unsigned int flags)
{
	char *nodes = fake_read("nodes");

	(void)domain;
	if (flags != VIR_DOMAIN_AFFECT_LIVE || *nparams < 2)
		abort();
	*nparams = 2;
	params[0] = (virTypedParameter){.field = VIR_DOMAIN_NUMA_MODE, .type = VIR_TYPED_PARAM_INT};
	params[1] = (virTypedParameter){.field = VIR_DOMAIN_NUMA_NODESET, .type = VIR_TYPED_PARAM_STRING};
	params[1].value.s = nodes ? nodes : strdup("");
	return 0;
}

/* Whether a change is refused; otherwise it is logged. */
static int refuses(const char *what, const char *value)
{
	char *why = fake_read("refuse"), line[256];
	int refused = why != NULL;

	if (refused)
		fake_fail(VIR_ERR_OPERATION_INVALID, why);
	free(why);
	snprintf(line, sizeof(line), "%s %s%s\n", what, value, refused ? " refused" : "");
	fake_write("log", "ae", line);
	return refused;
}

static void write_cgroups(const char *nodes)
{
	char *files = fake_read("cgroups"), *rest = files, *file;

	while ((file = strsep(&rest, "\n")))
		fake_write(file, "we", nodes);
	free(files);
}

int virDomainSetNumaParameters(
	virDomainPtr domain, virTypedParameterPtr params, int nparams, unsigned int flags)
{
	(void)domain;
	if (flags != VIR_DOMAIN_AFFECT_LIVE || nparams != 1 ||
		strcmp(params[0].field, VIR_DOMAIN_NUMA_NODESET) != 0)
		abort();
	if (refuses("nodes", params[0].value.s))
		return -1;
	fake_write("nodes", "we", params[0].value.s);
	write_cgroups(params[0].value.s);
	return 0;
}

int virDomainUpdateDeviceFlags(virDomainPtr domain, const char *xml, unsigned int flags)
{
	(void)domain;
	if (flags != VIR_DOMAIN_AFFECT_LIVE)
		abort();
	if (refuses("device", ""))
		return -1;
	fake_write("device", "we", xml);
	char *then = fake_read("xml-then");
	if (then)
		fake_write("xml", "we", then);
	free(then);
	then = fake_read("then");
	if (then && strcmp(then, "ends") == 0)
		fake_rename("xml", "xml-ended");
	else if (then)
		fake_rename("then", then);
	free(then);
	return 0;
}
