/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: a guest made by setters is a draft: a struct vn_guest of which only what was set says anything, without
 * vnodes or with vnodes that have no distances yet (no complete guest is so). When it is to be planned, it is written down as a
 * config and read by the one reader there is, so that it is completed and checked by the same rules as any other guest, and every
 * problem is told by the config's keys. What stands in the text came through the setters: numbers, a name that was checked, and
 * addresses that were. Homes are put in afterwards, as a config tells all of them or none.
 */
#include "api.h"

#include <string.h>

#include "../guest/guest_cfg.h"
#include "../model/plan_names.h"

bool vn_api_guest_is_draft(const struct vn_guest *guest)
{
	return guest->n_vnodes == 0 || !guest->vnodes[0].distances;
}

static void write_figures(const struct vn_guest *draft, uint64_t memory, unsigned vcpus, FILE *out)
{
	uint64_t kib = draft->hugepages >> 10;

	if (draft->name)
		fprintf(out, "name = \"%s\"\n", draft->name);
	if (memory)
		fprintf(out, "memory = %llu\n", (unsigned long long)(memory / VN_MIB));
	if (vcpus)
		fprintf(out, "vcpus = %u\n", vcpus);
	if (draft->threads > 1)
		fprintf(out, "threads = %u\n", draft->threads);
	if (kib)
		fprintf(out, "hugepages = \"%llu%c\"\n", (unsigned long long)(kib % 1024 ? kib : kib / 1024),
			kib % 1024 ? 'K' : 'M');
	fprintf(out, "exclusive_cores = %d\n", draft->exclusive_cores);
	fprintf(out, "policy = \"%s\"\n", vn_policy_names[draft->policy]);
	fprintf(out, "guest_numa = \"%s\"\n", vn_guest_numa_names[draft->guest_numa]);
}

static void write_devices(const struct vn_guest *draft, FILE *out)
{
	fprintf(out, "pci = [");
	for (size_t i = 0; i < draft->n_hostdevs; i++)
		fprintf(out, "%s\"%s,vnode=%u\"", i ? ", " : "", draft->hostdevs[i].address,
			draft->hostdevs[i].vnode);
	fprintf(out, "]\n");
}

static void write_vnodes(const struct vn_guest *draft, unsigned vcpus, FILE *out)
{
	fprintf(out, "vnodes = %zu\nvnumamem = [", draft->n_vnodes);
	for (size_t i = 0; i < draft->n_vnodes; i++)
		fprintf(out, "%s%llu", i ? ", " : "", (unsigned long long)(draft->vnodes[i].memory / VN_MIB));
	fprintf(out, "]\nvnuma_vcpumap = [");
	for (unsigned i = 0; i < vcpus; i++)
		fprintf(out, "%s%d", i ? ", " : "", vn_guest_vnode_of(draft, i));
	fprintf(out, "]\n");
}

/* What the text could not say: a vCPU on no vnode, or a vnode's vCPU that the guest does not have. */
static int check_vcpus(const struct vn_guest *draft, unsigned vcpus, struct vn_error *err)
{
	const struct vn_where where = {NULL, 0, "vnuma_vcpumap"};
	int r = 0;

	for (unsigned i = 0; i < vcpus && r == 0; i++) {
		if (vn_guest_vnode_of(draft, i) < 0)
			r = vn_error_input(err, &where,
				"vCPU %u is on no vnode; expected each of the %u on one", i, vcpus);
	}
	for (size_t v = 0; v < draft->n_vnodes; v++) {
		int last = hwloc_bitmap_last(draft->vnodes[v].vcpus);
		if (last >= 0 && (unsigned)last >= vcpus)
			r = vn_error_input(
				err, &where, "vnode %zu has vCPU %d; expected 0 to %u", v, last, vcpus - 1);
	}
	return r;
}

/* The draft as a config; where it says nothing of all vCPUs or all memory, they are what its vnodes have. */
static int write_draft(const struct vn_guest *draft, char **ret_text, struct vn_error *err)
{
	vn_autofree char *text = NULL;
	size_t size = 0;
	uint64_t sum = 0;
	unsigned n = 0;

	for (size_t v = 0; v < draft->n_vnodes; v++) {
		sum += draft->vnodes[v].memory;
		n += vn_set_weight(draft->vnodes[v].vcpus);
	}
	unsigned vcpus = draft->vcpus ? draft->vcpus : n ? n : 1;
	int r = draft->n_vnodes ? check_vcpus(draft, vcpus, err) : 0;
	if (r < 0)
		return r;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	write_figures(draft, draft->memory ? draft->memory : sum, vcpus, out);
	write_devices(draft, out);
	if (draft->n_vnodes)
		write_vnodes(draft, vcpus, out);
	bool failed = ferror(out);
	if (fclose(out) != 0 || failed)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_text = vn_steal(text);
	return 0;
}

/* Lines of a text that nobody saw help nobody. */
static void forget_lines(struct vn_guest *guest)
{
	for (size_t i = 0; i < guest->n_hostdevs; i++)
		guest->hostdevs[i].where.line = 0;
}

static int complete(const struct vn_guest *draft, struct vn_guest **ret_guest, struct vn_error *err)
{
	vn_autofree char *text = NULL;
	vn_autoguest *guest = NULL;
	vn_autoerror problems = {0};

	int r = write_draft(draft, &text, err);
	if (r < 0)
		return r;
	r = vn_guest_from_cfg(text, NULL, false, &guest, &problems);
	for (size_t i = 0; i < problems.n; i++)
		problems.problems[i].line = 0;
	if (r < 0)
		return vn_api_settle(r, &problems, err);
	forget_lines(guest);
	for (size_t v = 0; v < draft->n_vnodes; v++) {
		guest->vnodes[v].home = draft->vnodes[v].home;
		guest->vnodes[v].home_where = (struct vn_where){NULL, 0, "vnuma_vnodemap"};
	}
	guest->cpus = hwloc_bitmap_dup(draft->cpus);
	guest->cpus_where = (struct vn_where){NULL, 0, "cpus"};
	if (draft->cpus && !guest->cpus)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_guest = vn_steal(guest);
	return 0;
}

int vn_api_guest_whole(const struct vn_guest *guest, struct vn_guest **ret_guest, struct vn_error *err)
{
	if (vn_api_guest_is_draft(guest))
		return complete(guest, ret_guest, err);
	vn_autoguest *copy = vn_guest_copy(guest);
	if (!copy)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_guest = vn_steal(copy);
	return 0;
}
