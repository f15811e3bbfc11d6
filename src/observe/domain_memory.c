/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "domain_memory.h"

#include <string.h>

#include "../base/markup.h"
#include "../base/parse.h"
#include "../base/set.h"
#include "../base/text.h"
#include "../model/guest.h"

struct reader {
	const struct vn_markup *xml;
	struct vn_error *err;
};

static int wrong(const struct reader *r, size_t element, const char *expected)
{
	vn_autofree char *path = vn_markup_path(r->xml, element);
	struct vn_where where = {NULL, r->xml->elements[element].line, path};

	return vn_error_input(r->err, &where, "expected %s, as libvirt tells of a running domain", expected);
}

/* The text of an element within the device; NULL: none. */
static const char *text_of(const struct reader *r, size_t device, const char *path, size_t *ret_element)
{
	size_t at = vn_markup_find(r->xml, device, path);

	if (ret_element)
		*ret_element = at;
	return at == VN_MARKUP_NONE ? NULL : r->xml->elements[at].text;
}

/* In KiB, which is all that libvirt itself writes (virDomainMemoryTargetDefFormat(), src/conf/domain_conf.c). */
static int read_bytes(const struct reader *r, size_t device, const char *path, uint64_t *ret)
{
	size_t at;
	const char *text = text_of(r, device, path, &at);
	const char *unit = at == VN_MARKUP_NONE ? NULL : vn_markup_get(r->xml, at, "unit");
	vn_autofree char *expected = vn_format("<%s> in KiB", strchr(path, '/') + 1);
	uint64_t kib;

	if (!text || !unit || strcmp(unit, "KiB") != 0 || vn_parse_u64(text, VN_MAX_MEMORY >> 10, &kib) < 0)
		return wrong(r, at == VN_MARKUP_NONE ? device : at, expected ? expected : "");
	*ret = kib << 10;
	return 0;
}

static int read_cell(const struct reader *r, size_t device, unsigned *ret)
{
	const char *text = text_of(r, device, "target/node", NULL);
	uint64_t number = 0;

	if (text && vn_parse_u64(text, VN_MAX_VNODES - 1, &number) < 0)
		return wrong(r, device, "a <node> that is a cell's number");
	*ret = (unsigned)number;
	return 0;
}

static int read_alias(const struct reader *r, size_t device, char *ret, size_t room)
{
	size_t at = vn_markup_child(r->xml, device, "alias");
	const char *name = at == VN_MARKUP_NONE ? NULL : vn_markup_get(r->xml, at, "name");

	if (!name || !*name || strlen(name) >= room || !vn_text_is_printable(name))
		return wrong(r, device, "an <alias> with a name");
	memcpy(ret, name, strlen(name) + 1);
	return 0;
}

static int read_nodes(const struct reader *r, size_t device, hwloc_bitmap_t *ret)
{
	size_t at;
	const char *text = text_of(r, device, "source/nodemask", &at);
	int status = text ? vn_set_parse(text, ret) : 0;

	return status == -EINVAL ? wrong(r, at, "a list of nodes such as 0-3,8") : status;
}

static int read_device(const struct reader *r, size_t device, struct vn_domain_memory *ret)
{
	const struct vn_markup_element *whole = &r->xml->elements[device];
	size_t requested;
	int status = read_cell(r, device, &ret->cell);

	if (status == 0)
		status = read_alias(r, device, ret->alias, sizeof(ret->alias));
	if (status == 0)
		status = read_bytes(r, device, "target/size", &ret->most);
	if (status == 0)
		status = read_bytes(r, device, "target/block", &ret->block);
	if (status == 0)
		status = read_bytes(r, device, "target/requested", &ret->requested);
	if (status == 0)
		status = read_bytes(r, device, "target/current", &ret->current);
	if (status == 0)
		status = read_nodes(r, device, &ret->nodes);
	if (status < 0)
		return status;
	if (ret->block == 0 || ret->requested > ret->most || ret->current > ret->most)
		return wrong(r, device, "a <block> above 0, and no more requested, or there, than <size>");
	text_of(r, device, "target/requested", &requested);
	ret->requested_begin = r->xml->elements[requested].begin - whole->begin;
	ret->requested_end = r->xml->elements[requested].end - whole->begin;
	ret->xml = strndup(r->xml->text + whole->begin, whole->end - whole->begin);
	return ret->xml ? 0 : -ENOMEM;
}

static int read_all(const struct reader *r, struct vn_domain_memories *memories)
{
	size_t devices = vn_markup_find(r->xml, 0, "devices");

	for (size_t i = vn_markup_child(r->xml, devices, "memory"); i != VN_MARKUP_NONE;
		i = vn_markup_next(r->xml, i, "memory")) {
		const char *model = vn_markup_get(r->xml, i, "model");
		if (!model || strcmp(model, "virtio-mem") != 0)
			continue;
		struct vn_domain_memory *grown =
			reallocarray(memories->v, memories->n + 1, sizeof(*memories->v));
		if (!grown)
			return -ENOMEM;
		memories->v = grown;
		grown[memories->n] = (struct vn_domain_memory){0};
		int status = read_device(r, i, &grown[memories->n++]);
		if (status < 0)
			return status;
	}
	return 0;
}

int vn_domain_memories_read(const char *xml, struct vn_domain_memories *ret, struct vn_error *err)
{
	vn_automarkup *doc = NULL;
	vn_automemories memories = {0};
	int r = vn_markup_read(xml, "its domain", &doc, err);

	if (r < 0)
		return r;
	r = read_all(&(struct reader){doc, err}, &memories);
	if (r == -ENOMEM)
		return vn_error_environment(err, r, "out of memory");
	if (r < 0)
		return r;
	*ret = memories;
	memories = (struct vn_domain_memories){0};
	return 0;
}

void vn_domain_memories_clear(struct vn_domain_memories *memories)
{
	for (size_t i = 0; i < memories->n; i++) {
		hwloc_bitmap_free(memories->v[i].nodes);
		free(memories->v[i].xml);
	}
	free(memories->v);
	*memories = (struct vn_domain_memories){0};
}

const struct vn_domain_memory *vn_domain_memory_of(
	const struct vn_domain_memories *memories, unsigned cell, size_t *ret_n)
{
	const struct vn_domain_memory *found = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < memories->n; i++) {
		if (memories->v[i].cell == cell && (*ret_n)++ == 0)
			found = &memories->v[i];
	}
	return *ret_n == 1 ? found : NULL;
}

char *vn_domain_memory_xml(const struct vn_domain_memory *memory, uint64_t requested)
{
	return vn_format("%.*s<requested unit='KiB'>%llu</requested>%s", (int)memory->requested_begin,
		memory->xml, (unsigned long long)(requested >> 10), memory->xml + memory->requested_end);
}
