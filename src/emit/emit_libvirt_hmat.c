/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <interconnects> of <numa>, and <cache> of a cell: what a guest that was no domain is told of latencies, bandwidths and memory-side caches
 * (docs/formatdomain.rst; libvirt 6.6). What is here is what our reader and libvirt take: latencies in whole ns, whole MiB/s, initiators
 * with vCPUs, and figures of a cache only where there is one (virDomainNumaDefValidate() in src/conf/numa_conf.c). The rest is told.
 */
#include <inttypes.h>

#include "emit_libvirt_part.h"

#define MOST_LEVELS 3u /* of memory-side caches: QEMU's hmat-cache */
#define MOST_NS                                                                                              \
	65534000u /* what the reader takes (guest_libvirt_hmat.c): what QEMU's 16 bits over a base can tell */
#define PS_PER_NS 1000u

/* What of the table cannot be told to libvirt, each counted. */
struct hmat_left_out {
	unsigned unreachable, initiators, caches, rounded;
};

static bool is_vnode(const struct domain_writer *w, uint32_t domain)
{
	return domain < w->guest->n_vnodes;
}

static const struct vn_hmat_cache *find_cache(const struct domain_writer *w, uint32_t vnode, unsigned level)
{
	const struct vn_hmat *hmat = w->guest->hmat;

	for (size_t i = 0; i < hmat->n_caches; i++) {
		if (hmat->caches[i].domain == vnode && hmat->caches[i].level == level)
			return &hmat->caches[i];
	}
	return NULL;
}

/* Whether a vnode has a cache of each level up to this one: libvirt refuses gaps. */
static bool has_levels(const struct domain_writer *w, uint32_t vnode, unsigned highest)
{
	bool all = highest <= MOST_LEVELS;

	for (unsigned level = 1; level <= highest && all; level++)
		all = find_cache(w, vnode, level);
	return all;
}

void domain_put_caches(const struct domain_writer *w, size_t vnode, FILE *out)
{
	static const char *const associativities[] = {"none", "direct", "full"};
	static const char *const policies[] = {"none", "writeback", "writethrough"};

	for (unsigned level = 1; w->guest->hmat && has_levels(w, (uint32_t)vnode, level); level++) {
		const struct vn_hmat_cache *cache = find_cache(w, (uint32_t)vnode, level);
		if (!cache) /* there is one; clang's analyzer cannot know */
			return;
		fprintf(out,
			"\t\t<cache level='%u' associativity='%s' policy='%s'>\n"
			"\t\t\t<size value='%" PRIu64
			"' unit='KiB'/>\n\t\t\t<line value='%u' unit='B'/>\n\t\t</cache>\n",
			level, associativities[cache->associativity < 3 ? cache->associativity : 0],
			policies[cache->write_policy < 3 ? cache->write_policy : 0],
			(cache->size >> 10) + (cache->size % 1024 != 0), cache->line_size);
	}
}

static void put_value(const struct domain_writer *w, const struct vn_hmat_matrix *matrix, size_t i, size_t t,
	struct hmat_left_out *left_out, FILE *out)
{
	static const char *const types[] = {"access", "read", "write"};
	uint64_t value = matrix->values[i * matrix->n_targets + t];
	bool latency = matrix->type <= VN_HMAT_WRITE_LATENCY;
	uint64_t told = latency ? value / PS_PER_NS + (value % PS_PER_NS != 0) : value;

	if (value == VN_HMAT_UNKNOWN || !is_vnode(w, matrix->targets[t]))
		return;
	if (value == VN_HMAT_UNREACHABLE || told > (latency ? MOST_NS : UINT32_MAX)) {
		left_out->unreachable++;
		return;
	}
	if (matrix->hierarchy > 0 && !has_levels(w, matrix->targets[t], matrix->hierarchy)) {
		left_out->caches++;
		return;
	}
	left_out->rounded += latency && value % PS_PER_NS != 0;
	fprintf(out, "\t\t<%s initiator='%u' target='%u'", latency ? "latency" : "bandwidth",
		matrix->initiators[i], matrix->targets[t]);
	if (matrix->hierarchy > 0)
		fprintf(out, " cache='%u'", matrix->hierarchy);
	fprintf(out, " type='%s' value='%" PRIu64 "'%s/>\n", types[matrix->type % 3], told,
		latency ? "" : " unit='MiB'");
}

static void note_left_out(const struct domain_writer *w, const struct hmat_left_out *left_out)
{
	if (left_out->unreachable)
		vn_notes_add(w->notes, "hmat-unreachable",
			"%u values say that memory cannot be reached, or take too many digits: libvirt has no word for that, they are left "
			"out",
			left_out->unreachable);
	if (left_out->initiators)
		vn_notes_add(w->notes, "hmat-initiator",
			"%u initiators have no vCPUs: libvirt knows only cells with vCPUs as such, they are left out",
			left_out->initiators);
	if (left_out->caches)
		vn_notes_add(w->notes, "hmat-cache",
			"%u values are of memory-side caches that are not told of: libvirt refuses them, they are left out",
			left_out->caches);
	if (left_out->rounded)
		vn_notes_add(w->notes, "hmat-rounded",
			"%u latencies are rounded up to whole nanoseconds, as libvirt has them",
			left_out->rounded);
}

void domain_put_interconnects(const struct domain_writer *w, FILE *out)
{
	const struct vn_hmat *hmat = w->guest->hmat;
	struct hmat_left_out left_out = {0};

	if (!hmat || hmat->n_matrices == 0)
		return;
	fputs("\t<interconnects>\n", out);
	for (size_t m = 0; m < hmat->n_matrices; m++) {
		const struct vn_hmat_matrix *matrix = &hmat->matrices[m];
		for (size_t i = 0; i < matrix->n_initiators; i++) {
			if (!is_vnode(w, matrix->initiators[i]) ||
				domain_busy_place(w, matrix->initiators[i]) == w->n_busy) {
				left_out.initiators++;
				continue;
			}
			for (size_t t = 0; t < matrix->n_targets; t++)
				put_value(w, matrix, i, t, &left_out, out);
		}
	}
	fputs("\t</interconnects>\n", out);
	note_left_out(w, &left_out);
}
