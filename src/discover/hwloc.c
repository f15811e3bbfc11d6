/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * hwloc reads its own XML and its own synthetic descriptions, and vnuma the topology it makes of them (hwloc_topology.c). Both
 * are checked first, as hwloc trusts what it is given: an XML is written anew from what has been checked (hwloc_translate.c),
 * a description is bounded, so that `node:1000000 core:1000000` is a problem and not the end of the memory.
 */
#include "discover.h"

#include <hwloc.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/rootfs.h"
#include "../base/text.h"
#include "hwloc_document.h"
#include "hwloc_topology.h"
#include "hwloc_translate.h"

/* ---- hwloc:FILE ---- */

static int load_text(
	const struct vn_hwloc_text *text, const char *file, struct vn_host **ret_host, struct vn_error *err)
{
	struct vn_where where = {file, 0, NULL};
	vn_autotopology topology = NULL;
	vn_autofree char *source = vn_format("hwloc:%s", file);
	vn_autohost *host = NULL;

	if (!source)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_topology_new(&topology, err);
	if (r < 0)
		return r;
	if (hwloc_topology_set_xmlbuffer(topology, text->xml, (int)text->length) < 0 ||
		hwloc_topology_load(topology) < 0)
		return vn_error_input(err, &where, "hwloc does not accept it; expected what lstopo writes");
	r = vn_topology_host(topology, source, &host, err);
	if (r < 0)
		return r;
	if (text->devices_left_out &&
		vn_notes_add(&host->notes, "devices-left-out",
			"%u PCI device%s in a domain above ffff left out: hwloc cannot hold %s",
			text->devices_left_out, text->devices_left_out == 1 ? "" : "s",
			text->devices_left_out == 1 ? "it" : "them") < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_host = vn_steal(host);
	return 0;
}

int vn_discover_hwloc_text(
	const char *text, const char *file, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autoelement *root = NULL;
	struct vn_hwloc_text checked = {0};
	int r = vn_document_read(text, file, &root, err);

	if (r == 0)
		r = vn_hwloc_translate(root, file, &checked, err);
	if (r < 0)
		return r;
	if (checked.length > INT32_MAX)
		r = vn_error_input(err, &(struct vn_where){file, 0, NULL}, "is larger than hwloc can read");
	else
		r = load_text(&checked, file, ret_host, err);
	free(checked.xml);
	return r;
}

int vn_discover_hwloc(const char *file, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autofree char *text = NULL;
	int r = vn_file_read(file, VN_FILE_MAX, &text, err);
	return r < 0 ? r : vn_discover_hwloc_text(text, file, ret_host, err);
}

/* ---- synthetic:STRING ---- */

#define MAX_DESCRIPTION 4096 /* characters */
#define MAX_PUS                                                                                              \
	8192u /* CONFIG_NR_CPUS is no more on any machine of Linux; and of 65536 hwloc makes a topology in minutes */

static int bad_description(struct vn_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int bad_description(struct vn_error *err, const char *format, ...)
{
	struct vn_where where = {NULL, 0, "synthetic"};
	va_list args;

	va_start(args, format);
	int r = vn_error_input_list(err, &where, format, args);
	va_end(args);
	return r;
}

/*
 * The numbers of CPUs and nodes, `indexes=3,2,1`: hwloc makes a set as wide as the largest, and one object of two with the same
 * number. (A list of other characters, `2*4:1*2` or `core:node`, is a rule that gives each object its own.)
 */
static int check_indexes(const char *text, struct vn_error *err)
{
	static const char key[] = "indexes=";

	for (const char *list = strstr(text, key); list; list = strstr(list, key)) {
		list += strlen(key);
		const char *end = list + strcspn(list, " )");
		bool is_list = strspn(list, "0123456789,") == (size_t)(end - list);
		vn_autoset seen = hwloc_bitmap_alloc();
		if (!seen)
			return vn_error_environment(err, -ENOMEM, "out of memory");
		for (const char *at = list; at < end;) {
			size_t digits = strspn(at, "0123456789");
			uint64_t number = strtoull(at, NULL, 10);
			if (digits && (number > VN_SET_MAX ||
					      (is_list && hwloc_bitmap_isset(seen, (unsigned)number))))
				return bad_description(err,
					"'%.*s' among the indexes; expected numbers up to %u, each once",
					digits < 40 ? (int)digits : 40, at, VN_SET_MAX);
			if (digits && hwloc_bitmap_set(seen, (unsigned)number) < 0)
				return vn_error_environment(err, -ENOMEM, "out of memory");
			at += digits ? digits : 1;
		}
	}
	return 0;
}

/* Multiplies the counts of a description's levels, `pack:2 core:8 2`: hwloc makes that many objects. */
static int check_counts(const char *text, struct vn_error *err)
{
	uint64_t objects = 1;

	for (const char *at = text; *at;) {
		if (*at == '(') { /* attributes */
			at += strcspn(at, ")");
			continue;
		}
		size_t digits = strspn(at, "0123456789");
		bool is_count = digits && (at == text || strchr(" :", at[-1]));
		uint64_t count = is_count ? strtoull(at, NULL, 10) : 1;
		if (count > MAX_PUS || (objects *= count ? count : 1) > MAX_PUS)
			return bad_description(err, "more than %u CPUs; expected at most that many", MAX_PUS);
		at += digits ? digits : 1;
	}
	return 0;
}

int vn_discover_synthetic(const char *description, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autofree char *source = NULL;
	vn_autotopology topology = NULL;

	if (strlen(description) > MAX_DESCRIPTION)
		return bad_description(
			err, "%zu characters; expected at most %d", strlen(description), MAX_DESCRIPTION);
	if (!vn_text_is_printable(description))
		return bad_description(
			err, "a character that cannot be printed; expected such as 'node:2 core:4 pu:2'");
	int r = check_counts(description, err);
	if (r == 0)
		r = check_indexes(description, err);
	if (r < 0)
		return r;
	r = vn_topology_new(&topology, err);
	if (r < 0)
		return r;
	if (hwloc_topology_set_synthetic(topology, description) < 0 || hwloc_topology_load(topology) < 0)
		return bad_description(err,
			"'%.80s' is no description that hwloc understands; expected such as 'node:2 core:4 pu:2' (lstopo --help)",
			description);
	source = vn_format("synthetic:%s", description);
	if (!source)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return vn_topology_host(topology, source, ret_host, err);
}
