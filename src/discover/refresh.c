/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory and huge pages of a host's nodes, read again from the tree that it was discovered in, and the notes that speak of
 * them. All figures are read before the first one is put into place, so that a failure leaves the host as it was; the notes
 * are made last, of the new figures, which change places with the old ones again when that fails.
 */
#include "discover.h"

#include "cgroup.h"
#include "sysfs.h"

static void free_fresh(struct vn_host_node *fresh, size_t n)
{
	for (size_t i = 0; fresh && i < n; i++)
		free(fresh[i].hugepools);
	free(fresh);
}

/* Nodes that are online now; none on a kernel without NUMA. */
static int online_nodes(struct vn_sysfs *sysfs, hwloc_bitmap_t *ret_ids)
{
	vn_autoset ids = NULL, online = NULL;
	int r = vn_sysfs_list_ids(sysfs, VN_NODE_DIRECTORY, "node", VN_MAX_NODES - 1, &ids);

	if (r == 0) {
		r = vn_sysfs_read_set(sysfs, VN_NODE_DIRECTORY, "online", NULL, &online);
		if (r == 0 && hwloc_bitmap_and(ids, ids, online) < 0)
			r = vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	} else if (r == -ENOENT) {
		ids = hwloc_bitmap_alloc();
	}
	if (r < 0 && r != -ENOENT)
		return r;
	if (!ids)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	*ret_ids = vn_steal(ids);
	return 0;
}

static int tell_changed(const struct vn_sysfs *sysfs, hwloc_const_bitmap_t now, hwloc_const_bitmap_t then)
{
	vn_autofree char *is = vn_set_text(now), *was = vn_set_text(then);

	return vn_error_environment(sysfs->err, -ESTALE,
		"%s: the nodes online are now %s, and were %s when the host was discovered; expected the same "
		"nodes: discover it again",
		sysfs->root.path, is && *is ? is : "none", was ? was : "others");
}

/* *ret_single: the kernel shows no nodes, and showed none when the host was read. */
static int check_nodes(struct vn_sysfs *sysfs, const struct vn_host *host, bool *ret_single)
{
	vn_autoset now = NULL, then = hwloc_bitmap_alloc();
	int r = online_nodes(sysfs, &now);

	if (r < 0)
		return r;
	for (size_t i = 0; then && i < host->n_nodes; i++)
		hwloc_bitmap_set(then, host->nodes[i].id);
	if (!then)
		return vn_error_environment(sysfs->err, -ENOMEM, "out of memory");
	*ret_single = hwloc_bitmap_iszero(now) && host->n_nodes == 1 && host->nodes[0].id == 0;
	return *ret_single || hwloc_bitmap_isequal(now, then) ? 0 : tell_changed(sysfs, now, then);
}

static int read_node(struct vn_sysfs *sysfs, bool single, struct vn_host_node *node)
{
	char meminfo[VN_PATH_TEXT], pools[VN_PATH_TEXT];

	if (single)
		return vn_sysfs_node_memory(sysfs, "proc/meminfo", "sys/kernel/mm/hugepages", node);
	snprintf(meminfo, sizeof(meminfo), VN_NODE_DIRECTORY "/node%u/meminfo", node->id);
	snprintf(pools, sizeof(pools), VN_NODE_DIRECTORY "/node%u/hugepages", node->id);
	return vn_sysfs_node_memory(sysfs, meminfo, pools, node);
}

static int read_all(struct vn_sysfs *sysfs, const struct vn_host *host, struct vn_host_node *fresh)
{
	bool single = false;
	int status = check_nodes(sysfs, host, &single);

	for (size_t i = 0; status != -ESTALE && i < host->n_nodes; i++) {
		fresh[i] = vn_host_node_init(host->nodes[i].id);
		int r = read_node(sysfs, single, &fresh[i]);
		status = status < 0 ? status : r;
	}
	vn_sysfs_tell_rest(sysfs);
	return status;
}

#define EXCHANGE(a, b)                                                                                       \
	do {                                                                                                 \
		__typeof__(a) exchanged_ = (a);                                                              \
		(a) = (b);                                                                                   \
		(b) = exchanged_;                                                                            \
	} while (0)

/* What was read changes places with what was there, which is freed with the rest of `fresh`. */
static void exchange(struct vn_host *host, struct vn_host_node *fresh)
{
	for (size_t i = 0; i < host->n_nodes; i++) {
		struct vn_host_node *node = &host->nodes[i];
		EXCHANGE(node->memory_total, fresh[i].memory_total);
		EXCHANGE(node->has_memory_free, fresh[i].has_memory_free);
		EXCHANGE(node->memory_free, fresh[i].memory_free);
		EXCHANGE(node->has_memory_reclaimable, fresh[i].has_memory_reclaimable);
		EXCHANGE(node->memory_reclaimable, fresh[i].memory_reclaimable);
		EXCHANGE(node->n_hugepools, fresh[i].n_hugepools);
		EXCHANGE(node->hugepools, fresh[i].hugepools);
	}
}

static int refresh(struct vn_sysfs *sysfs, struct vn_host_node *fresh)
{
	int r = read_all(sysfs, sysfs->host, fresh);

	if (r < 0)
		return r;
	exchange(sysfs->host, fresh);
	r = vn_sysfs_memory_notes(sysfs);
	if (r < 0)
		exchange(sysfs->host, fresh);
	else
		vn_sysfs_cgroup(sysfs);
	return r;
}

int vn_discover_refresh(struct vn_host *host, struct vn_error *err)
{
	struct vn_where where = {host->source, 0, NULL};
	struct vn_sysfs sysfs = {.root = {.fd = -1}, .host = host, .err = err};

	if (!host->root) {
		vn_error_input(err, &where,
			"the figures of such a source do not change; expected live or sysfs:DIR to read them "
			"again");
		return -EOPNOTSUPP;
	}
	struct vn_host_node *fresh = calloc(host->n_nodes, sizeof(*fresh));
	if (!fresh)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_root_open(host->root, &sysfs.root, err);
	if (r == 0)
		r = refresh(&sysfs, fresh);
	free_fresh(fresh, host->n_nodes);
	vn_root_close(&sysfs.root);
	return r;
}
