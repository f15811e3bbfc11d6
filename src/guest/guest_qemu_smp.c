/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * -smp: how many vCPUs, and how they make cores and sockets. What is left out is completed as QEMU does: machine types since 6.2 make
 * cores rather than sockets, those before sockets rather than cores (hw/core/machine-smp.c, and smp_props.prefer_sockets in
 * hw/i386/pc_q35.c and pc_piix.c). One without a version is the newest; a distribution's own does not tell which it follows: that is noted
 * where it matters.
 */
#define _GNU_SOURCE
#include <string.h>

#include "../base/text.h"
#include "guest_qemu_part.h"

struct smp {
	const struct qemu_option *option; /* the last -smp, or NULL */
	uint64_t cpus, maxcpus; /* all are 0 when not told */
	bool prefers_sockets;
	uint64_t drawers, books, sockets, dies, clusters, modules, cores, threads;
};

/* The product of what is told but the three that QEMU completes. At most 1024^5 of them would overflow: each is bounded, and so is
 * the product. */
static uint64_t fixed_levels(const struct smp *smp)
{
	return smp->drawers * smp->books * smp->dies * smp->clusters * smp->modules;
}

static uint64_t or_one(uint64_t number)
{
	return number ? number : 1;
}

/* The levels that nobody completes count as one when they are not told. */
static void complete(struct smp *smp)
{
	uint64_t max = smp->maxcpus ? smp->maxcpus : smp->cpus;

	if (max == 0) {
		smp->sockets = or_one(smp->sockets);
		smp->cores = or_one(smp->cores);
		smp->threads = or_one(smp->threads);
	} else if (smp->prefers_sockets && smp->sockets == 0) {
		smp->cores = or_one(smp->cores);
		smp->threads = or_one(smp->threads);
		smp->sockets = max / (smp->cores * smp->threads * fixed_levels(smp));
	} else if (smp->cores == 0) {
		smp->sockets = or_one(smp->sockets);
		smp->threads = or_one(smp->threads);
		smp->cores = max / (smp->sockets * smp->threads * fixed_levels(smp));
	} else if (smp->sockets == 0) {
		smp->threads = or_one(smp->threads);
		smp->sockets = max / (smp->cores * smp->threads * fixed_levels(smp));
	} else if (smp->threads == 0) {
		smp->threads = max / (smp->sockets * smp->cores * fixed_levels(smp));
	}
	uint64_t total = smp->sockets * smp->cores * smp->threads * fixed_levels(smp);
	smp->maxcpus = max ? max : total;
	smp->cpus = smp->cpus ? smp->cpus : smp->maxcpus;
}

static bool read_levels(struct qemu_reader *r, struct smp *smp)
{
	const struct {
		const char *key;
		uint64_t *level;
		uint64_t fallback;
	} levels[] = {{"cpus", &smp->cpus, 0}, {"maxcpus", &smp->maxcpus, 0}, {"drawers", &smp->drawers, 1},
		{"books", &smp->books, 1}, {"sockets", &smp->sockets, 0}, {"dies", &smp->dies, 1},
		{"clusters", &smp->clusters, 1}, {"modules", &smp->modules, 1}, {"cores", &smp->cores, 0},
		{"threads", &smp->threads, 0}};
	uint64_t product = 1;
	size_t problems = r->problems;

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const struct qemu_option *option = qemu_last(r, "-smp", levels[i].key);
		*levels[i].level = levels[i].fallback;
		if (qemu_number(r, option, levels[i].key, 0, VN_MAX_VCPUS, levels[i].level) &&
			!*levels[i].level) {
			*levels[i].level = levels[i].fallback;
			qemu_note(r, option, "qemu-smp-zero",
				"%s=0 seen, which counts as not told; QEMU 9.0 and later refuse it",
				levels[i].key);
		}
		if (i >= 2 && product <= VN_MAX_VCPUS)
			product *= or_one(*levels[i].level);
	}
	if (product > VN_MAX_VCPUS)
		qemu_problem(r, smp->option, "sockets, cores, threads and so on make more than %u vCPUs",
			VN_MAX_VCPUS);
	return r->problems == problems;
}

static bool check(struct qemu_reader *r, const struct smp *smp)
{
	uint64_t total = smp->sockets * smp->cores * smp->threads * fixed_levels(smp);

	if (smp->cpus > smp->maxcpus) {
		qemu_problem(r, smp->option, "cpus=%llu seen; expected at most maxcpus, %llu",
			(unsigned long long)smp->cpus, (unsigned long long)smp->maxcpus);
		return false;
	}
	if (total == smp->maxcpus)
		return true;
	qemu_problem(r, smp->option,
		"sockets=%llu, cores=%llu, threads=%llu%s make %llu vCPUs; expected %llu, which is %s", /* as QEMU completes */
		(unsigned long long)smp->sockets, (unsigned long long)smp->cores,
		(unsigned long long)smp->threads, fixed_levels(smp) > 1 ? " and what is between them" : "",
		(unsigned long long)total, (unsigned long long)smp->maxcpus,
		vn_keyval_get(&smp->option->keys, "maxcpus") ? "maxcpus" : "cpus");
	return false;
}

/* Whether the machine type makes sockets first. A distribution's own type is taken for a new one, which is noted if it makes a difference. */
static bool prefers_sockets(struct qemu_reader *r, const struct smp *smp)
{
	const struct qemu_option *option = qemu_last(r, "-machine", "type");
	const char *type = option ? vn_keyval_get(&option->keys, "type") : NULL;
	bool differs = smp->option && (smp->cpus > 1 || smp->maxcpus > 1) && !smp->sockets && !smp->cores;
	char seen[VN_QUOTE_MAX];

	if (r->machine == QEMU_MACHINE_OTHER || !type)
		return false;
	if (r->machine_version)
		return r->machine_version < QEMU_VERSION(6, 2);
	if (differs && strchr(type, '-'))
		qemu_note(r, smp->option, "qemu-smp-guessed",
			"of sockets and cores nothing is told, and the machine type %s does not tell which of both it makes: taken for cores, as "
			"types since 6.2 have it",
			vn_quote(type, seen));
	return false;
}

void qemu_read_smp(struct qemu_reader *r)
{
	struct vn_guest *guest = r->guest;
	struct smp smp = {0};

	for (const struct qemu_option *option = NULL; (option = qemu_next(r, "-smp", option));)
		smp.option = option;
	guest->vcpus = guest->maxvcpus = 1;
	if (!read_levels(r, &smp))
		return;
	smp.prefers_sockets = prefers_sockets(r, &smp);
	if (smp.option)
		complete(&smp);
	else
		smp.cpus = smp.maxcpus = smp.sockets = smp.cores = smp.threads = 1;
	if (!check(r, &smp))
		return;
	r->vcpus_known = true;
	guest->vcpus = (unsigned)smp.cpus;
	guest->maxvcpus = (unsigned)smp.maxcpus;
	guest->threads = (unsigned)smp.threads;
	guest->topology =
		(struct vn_guest_topology){.sockets = (unsigned)(smp.drawers * smp.books * smp.sockets),
			.dies = (unsigned)smp.dies,
			.clusters = (unsigned)(smp.clusters * smp.modules),
			.cores = (unsigned)smp.cores,
			.threads = (unsigned)smp.threads};
}

/* Whether each core is in one vnode, and either there at start or not. */
static bool cores_are_whole(const struct vn_guest *guest)
{
	for (unsigned i = 0; i < guest->maxvcpus; i++) {
		if (vn_guest_vnode_of(guest, i) != vn_guest_vnode_of(guest, i - i % guest->threads))
			return false;
	}
	return guest->vcpus % guest->threads == 0;
}

void qemu_settle_threads(struct qemu_reader *r)
{
	struct vn_guest *guest = r->guest;
	const struct qemu_option *option = qemu_last(r, "-smp", "threads");

	if (!r->vcpus_known || guest->threads == 1 ||
		(guest->threads <= VN_MAX_THREADS && cores_are_whole(guest)))
		return;
	if (!option)
		option = qemu_next(r, "-smp", NULL);
	qemu_note(r, option, "smp-threads-apart",
		"threads=%u seen, %s; each vCPU is planned as a core of its own", guest->threads,
		guest->threads > VN_MAX_THREADS
			? "more than a core of any host has"
			: "but the threads of a core are on several nodes, or not all there at start");
	guest->threads = 1; /* what the guest is told stays */
}
