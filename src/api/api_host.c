/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of a host as a whole. */
#include "api.h"

#include "../discover/discover.h"

const char *vn_version(void)
{
	return VN_VERSION;
}

int vn_api_set(hwloc_const_bitmap_t set, unsigned *ret_ids, size_t max)
{
	size_t n = 0;

	if (!set)
		return -ENODATA;
	for (int id = hwloc_bitmap_first(set); id >= 0 && n < max; id = hwloc_bitmap_next(set, id))
		ret_ids[n++] = (unsigned)id;
	return (int)vn_set_weight(set);
}

int vn_host_open(const char *source, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autoerror collected = {0};
	return vn_api_settle(vn_discover(source, ret_host, &collected), &collected, err);
}

int vn_host_refresh(struct vn_host *host, struct vn_error *err)
{
	vn_autoerror collected = {0};
	return vn_api_settle(vn_discover_refresh(host, &collected), &collected, err);
}

const char *vn_host_source(const struct vn_host *host)
{
	return host->source;
}

int vn_host_is_live(const struct vn_host *host)
{
	return host->live;
}

char *vn_host_json(const struct vn_host *host)
{
	json_auto_t *json = vn_host_to_json(host);
	return json ? json_dumps(json, JSON_INDENT(2)) : NULL;
}

int vn_host_allowed_cpus(const struct vn_host *host, unsigned *ret_ids, size_t max)
{
	return vn_api_set(host->allowed_cpus, ret_ids, max);
}

int vn_host_allowed_nodes(const struct vn_host *host, unsigned *ret_ids, size_t max)
{
	return vn_api_set(host->allowed_nodes, ret_ids, max);
}

int vn_host_offline_nodes(const struct vn_host *host, unsigned *ret_ids, size_t max)
{
	return vn_api_set(host->offline_nodes, ret_ids, max);
}

size_t vn_host_note_count(const struct vn_host *host)
{
	return host->notes.n;
}

const char *vn_host_note_code(const struct vn_host *host, size_t note)
{
	return vn_api_note_code(&host->notes, note);
}

const char *vn_host_note_text(const struct vn_host *host, size_t note)
{
	return vn_api_note_text(&host->notes, note);
}
