/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "audit_known.h"

#include <math.h>
#include <string.h>

#include "../base/text.h"

int vn_thread_vnode(const struct vn_vm_sample *vm, const struct vn_thread_sample *thread)
{
	if (thread->kind != VN_THREAD_VCPU || thread->index < 0 || !vm->guest)
		return -1;
	return vn_guest_vnode_of(vm->guest, (unsigned)thread->index);
}

bool vn_vnode_has_times(const struct vn_vm_sample *vm, size_t vnode, size_t n_vnodes)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vn_thread_sample *thread = &vm->threads[i];
		if (thread->kind == VN_THREAD_VCPU && thread->has_times &&
			(n_vnodes <= 1 || vn_thread_vnode(vm, thread) == (int)vnode))
			return true;
	}
	return false;
}

bool vn_vm_has_times(const struct vn_vm_sample *vm)
{
	return vn_vnode_has_times(vm, 0, 1);
}

bool vn_vnode_has_pages(const struct vn_vm_sample *vm, size_t vnode, size_t n_vnodes)
{
	for (size_t i = 0; i < vm->n_blocks; i++) {
		const struct vn_block_sample *block = &vm->blocks[i];
		if (block->has_residency && (n_vnodes <= 1 || block->vnode == (int)vnode))
			return true;
	}
	return false;
}

bool vn_vm_has_pages(const struct vn_vm_sample *vm)
{
	return vn_vnode_has_pages(vm, 0, 1);
}

hwloc_bitmap_t vn_vm_homes(const struct vn_vm_audit *vm)
{
	hwloc_bitmap_t homes = hwloc_bitmap_alloc();

	for (size_t i = 0; homes && i < vm->n_vnodes; i++) {
		if (vm->vnodes[i].home >= 0)
			hwloc_bitmap_set(homes, (unsigned)vm->vnodes[i].home);
	}
	return homes;
}

uint64_t vn_bytes_on(const struct vn_node_bytes *memory, size_t n, unsigned node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += memory[i].node == node ? memory[i].bytes : 0;
	return sum;
}

uint64_t vn_bytes_off_home(const struct vn_vm_audit *vm, unsigned node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < vm->n_vnodes; i++) {
		const struct vn_vnode_audit *vnode = &vm->vnodes[i];
		if (vnode->home >= 0 && vnode->home != (int)node)
			sum += vn_bytes_on(vnode->memory, vnode->n_memory, node);
	}
	return sum;
}

uint64_t vn_time_on(const struct vn_vm_sample *vm, unsigned node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vn_thread_sample *thread = &vm->threads[i];
		for (size_t k = 0; thread->kind == VN_THREAD_VCPU && k < thread->n_times; k++)
			sum += thread->times[k].node == node ? thread->times[k].ns : 0;
	}
	return sum;
}

int vn_findings_worst(const struct vn_findings *findings)
{
	int worst = -1;

	for (size_t i = 0; i < findings->n; i++)
		worst = (int)findings->v[i].severity > worst ? (int)findings->v[i].severity : worst;
	return worst;
}

size_t vn_audit_n_findings(const struct vn_audit *audit)
{
	size_t n = audit->host.n;

	for (size_t i = 0; i < audit->n_vms; i++)
		n += audit->vms[i].findings.n;
	return n;
}

/* ---- gaps ---- */

struct gaps {
	size_t n, room;
	struct vn_gap *v;
};

/* Counts one more that says the same; false: none of these does. */
static bool count_same(struct gaps *gaps, const struct vn_note *note, const struct vn_vm_sample *vm)
{
	size_t alike = 0;

	for (size_t i = 0; i < gaps->n; i++) {
		struct vn_gap *gap = &gaps->v[i];
		if (strcmp(gap->code, note->code) != 0)
			continue;
		alike++;
		bool same = strcmp(gap->text, note->text ? note->text : "") == 0;
		if (!same && alike < VN_GAPS_ALIKE)
			continue;
		if (same && vm)
			gap->n_vms++;
		gap->n_alike += !same;
		gap->of_host |= same && !vm;
		gap->first = gap->first || !same ? gap->first : vm;
		return true;
	}
	return false;
}

static int add_gaps(struct gaps *gaps, const struct vn_notes *notes, const struct vn_vm_sample *vm)
{
	for (size_t i = 0; i < notes->n; i++) {
		const struct vn_note *note = &notes->v[i];
		if (count_same(gaps, note, vm))
			continue;
		if (gaps->n == gaps->room) {
			size_t room = gaps->room ? 2 * gaps->room : 8;
			struct vn_gap *grown = reallocarray(gaps->v, room, sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			gaps->v = grown;
			gaps->room = room;
		}
		gaps->v[gaps->n++] = (struct vn_gap){.code = note->code,
			.text = note->text ? note->text : "",
			.of_host = !vm,
			.n_vms = vm ? 1 : 0,
			.first = vm};
	}
	return 0;
}

int vn_audit_gaps(const struct vn_audit *audit, struct vn_gap **ret_gaps, size_t *ret_n)
{
	struct gaps gaps = {0};
	int r = add_gaps(&gaps, &audit->sample->gaps, NULL);

	for (size_t i = 0; r == 0 && i < audit->n_vms; i++) {
		r = add_gaps(&gaps, &audit->vms[i].vm->gaps, audit->vms[i].vm);
		if (r == 0)
			r = add_gaps(&gaps, &audit->vms[i].unjudged, audit->vms[i].vm);
	}
	if (r < 0) {
		free(gaps.v);
		return r;
	}
	*ret_gaps = gaps.v;
	*ret_n = gaps.n;
	return 0;
}

bool vn_audit_is_blind(const struct vn_audit *audit)
{
	/* who sees no VM because they are hidden does not know that there is none */
	bool any_gap = audit->n_vms == 0 && vn_notes_has(&audit->sample->gaps, "proc-hidden");

	for (size_t i = 0; i < audit->n_vms; i++) {
		if (vn_vm_has_pages(audit->vms[i].vm) || audit->vms[i].has_locality)
			return false;
		any_gap |= audit->vms[i].vm->gaps.n > 0;
	}
	return any_gap;
}

/* What is calm must not hide that not all is known. */
static char *calm_part(const struct vn_audit *audit, const char *share)
{
	bool findings = vn_audit_n_findings(audit) > 0;
	size_t unknown = 0;

	for (size_t i = 0; i < audit->n_vms; i++)
		unknown += !audit->vms[i].has_locality;
	vn_autofree char *calm = findings ? vn_format("No VM is known to be less than %s local", share)
					  : vn_format("Nothing wrong was found with %s",
						    audit->n_vms == 1 ? "this VM" : "these VMs");
	if (unknown == 0 || !calm)
		return vn_steal(calm);
	if (unknown == audit->n_vms)
		return vn_format("%s, but it is not known how local %s", calm,
			audit->n_vms == 1 ? "it is" : "they are");
	return vn_format(
		"%s, but of %zu of %zu it is not known how local they are", calm, unknown, audit->n_vms);
}

/* Nor that something else than distance is wrong: "; 3 findings, the worst high". */
static char *calm_verdict(const struct vn_audit *audit, const char *share)
{
	vn_autofree char *calm = calm_part(audit, share);
	size_t n = vn_audit_n_findings(audit);
	int worst = vn_findings_worst(&audit->host);

	for (size_t i = 0; i < audit->n_vms; i++) {
		int of_vm = vn_findings_worst(&audit->vms[i].findings);
		worst = of_vm > worst ? of_vm : worst;
	}
	if (!calm || worst < 0)
		return vn_steal(calm);
	return vn_format("%s; %zu finding%s, %s%s", calm, n, n > 1 ? "s" : "", n > 1 ? "the worst " : "",
		vn_severity_name((enum vn_severity)worst));
}

char *vn_audit_verdict(const struct vn_audit *audit)
{
	char share[VN_SHARE_TEXT];

	vn_share_text(audit->threshold, share);
	if (audit->n_vms == 0)
		return vn_copy("No VM runs here that can be seen");
	if (vn_audit_is_blind(audit))
		return vn_copy("Where the VMs' memory is could not be read");
	if (audit->n_below)
		return vn_format("%zu of %zu VM%s %s less than %s local", audit->n_below, audit->n_vms,
			audit->n_vms == 1 ? "" : "s", audit->n_below == 1 ? "is" : "are", share);
	return calm_verdict(audit, share);
}

/* ---- figures ---- */

/* Rounded down; `always`: with its tenth, but for 0% and 100%. */
static void put_share(double share, bool always, char buffer[static VN_SHARE_TEXT])
{
	double tenths = floor(share * 1000 + 1e-9);
	bool whole = fmod(tenths, always ? 1000 : 10) == 0;

	snprintf(buffer, VN_SHARE_TEXT, "%.*f%%", whole ? 0 : 1, tenths / 10);
}

const char *vn_share_text(double share, char buffer[static VN_SHARE_TEXT])
{
	put_share(share, false, buffer);
	return buffer;
}

const char *vn_interval_text(const struct vn_share_interval *interval, char buffer[static VN_SHARE_TEXT])
{
	double above = interval->high - interval->share, below = interval->share - interval->low;
	double most = 100 * (above > below ? above : below);

	put_share(interval->share, true, buffer);
	if (most >= 0.05) {
		size_t length = strlen(buffer);
		snprintf(buffer + length, VN_SHARE_TEXT - length, " ±%.*f", most < 9.95 ? 1 : 0, most);
	}
	return buffer;
}

const char *vn_cpus_text(double cpus, char buffer[static VN_SHARE_TEXT])
{
	snprintf(buffer, VN_SHARE_TEXT, "%.*f", cpus < 99.95 ? 1 : 0, cpus);
	return buffer;
}
