/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU refuses, of its machines for x86. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../base/keyval.h"
#include "../base/qemu_options.h"
#include "target_part.h"

#define MAX_NODES 128u /* include/sysemu/numa.h; node ids are below */
#define MAX_SLOTS 256u /* of memory devices: ACPI_MAX_RAM_SLOTS */
#define MAX_CPUS_BEFORE 288u /* hw/i386/pc_q35.c, before pc-q35-8.1, which has 1024 */
#define MAX_CPUS_PC 255u /* hw/i386/pc.c, of pc-i440fx */
#define VQ_MAPPING "iothread-vq-mapping"
#define COMPRESSED 0xffffu /* what an entry of HMAT's matrices must stay below */

/* Whether it is a command line that runs already, on a QEMU of which no more is known than that. */
static bool runs_already(const struct vn_target_checking *check)
{
	return check->guest->form == VN_FORM_QEMU && check->target->assumed;
}

/* The version in a machine's name; 0: it has none. */
static unsigned version_of(const char *machine)
{
	const char *digits = machine ? strrchr(machine, '-') : NULL;
	char *end = NULL;

	if (!digits)
		return 0;
	unsigned long major = strtoul(digits + 1, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return VN_TARGET_VERSION(
		(unsigned)(major < 999 ? major : 999), (unsigned)(minor < 999 ? minor : 999), 0);
}

static void check_machine(struct vn_target_checking *check)
{
	const char *type = check->guest->machine.type;
	unsigned since = version_of(type);
	char what[64];

	snprintf(what, sizeof(what), "machine '%.32s'", type ? type : "");
	if (since > 0 && !runs_already(check))
		vn_target_since(check, since, what);
}

static void check_vcpus(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;
	unsigned version = check->target->version, machine = version_of(guest->machine.type);

	if (guest->form == VN_FORM_QEMU && !guest->machine.type)
		return; /* it may be any machine */
	if (machine > 0 && (machine < version || runs_already(check)))
		version = machine;
	else if (runs_already(check))
		return;
	if (vn_machine_is_q35(&guest->machine) && guest->maxvcpus > MAX_CPUS_BEFORE &&
		version < VN_TARGET_VERSION(8, 1, 0))
		vn_target_refuse(check, "%u vCPUs; expected at most %u, as q35 takes no more before QEMU 8.1",
			guest->maxvcpus, MAX_CPUS_BEFORE);
	if (!vn_machine_is_q35(&guest->machine) && guest->maxvcpus > MAX_CPUS_PC)
		vn_target_refuse(check, "%u vCPUs; expected at most %u, as pc takes no more", guest->maxvcpus,
			MAX_CPUS_PC);
}

/* What the devices of the guest's own line want of QEMU. */
struct own_devices {
	bool igb, mapped;
};

static void look_at_device(const char *text, struct own_devices *ret)
{
	vn_autokeyval keys = {0};

	if (vn_keyval_parse(text, "driver", &(struct vn_where){NULL, 0, NULL}, &keys, NULL) < 0)
		return; /* its reader has told */
	for (size_t i = 0; i < keys.n; i++)
		ret->mapped |= strncmp(keys.v[i].key, VQ_MAPPING, strlen(VQ_MAPPING)) == 0;
	const char *driver = vn_keyval_get(&keys, "driver");
	ret->igb |= driver && strcmp(driver, "igb") == 0;
}

/* The line is kept but for what is planned, with devices that an older QEMU may not know. */
static void check_own_devices(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;
	struct own_devices own = {0};
	vn_autowords words = {0};

	if (vn_words_parse(guest->text, guest->text_size, guest->file, &words, NULL) < 0)
		return;
	for (size_t at = words.n_assignments + 1; at < words.n;) {
		struct vn_qemu_option option;
		at = vn_qemu_option_at(&words, at, &option);
		if (option.value && strcmp(option.name, "-device") == 0)
			look_at_device(option.value, &own);
	}
	if (own.mapped)
		vn_target_since(check, VN_TARGET_VERSION(9, 0, 0), "its own -device with " VQ_MAPPING);
	if (own.igb)
		vn_target_since(check, VN_TARGET_VERSION(8, 0, 0), "its own -device igb");
}

static void check_devices(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;
	bool igb = false;

	if (guest->form == VN_FORM_QEMU && guest->text) {
		if (!runs_already(check))
			check_own_devices(check);
		return;
	}
	for (size_t i = 0; i < guest->n_vifs; i++)
		igb |= !guest->vifs[i].foreign && strcmp(guest->vifs[i].model, "igb") == 0;
	if (igb)
		vn_target_since(check, VN_TARGET_VERSION(8, 0, 0), "a card of model igb");
}

static void check_counts(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;
	size_t plugged = 0;

	if (guest->n_vnodes > MAX_NODES)
		vn_target_refuse(check, "%zu vnodes; expected at most %u (QEMU's MAX_NODES)", guest->n_vnodes,
			MAX_NODES);
	for (size_t i = 0; i < guest->n_vnodes; i++)
		plugged += guest->vnodes[i].plugged > 0 && guest->vnodes[i].virtio_mem == 0;
	if (plugged > MAX_SLOTS)
		vn_target_refuse(check, "%zu memory devices; expected at most %u slots", plugged, MAX_SLOTS);
}

/*
 * hw/virtio/virtio-mem.c: virtio_mem_device_realize() wants a device of whole blocks, virtio_mem_set_requested_size() whole blocks of it. A
 * command line that has one says it in its own words.
 */
static void check_virtio_mem(struct vn_target_checking *check, size_t i)
{
	const struct vn_vnode *vnode = &check->guest->vnodes[i];
	uint64_t page = vn_vnode_page(check->guest, i),
		 block = page > VN_VIRTIO_MEM_BLOCK ? page : VN_VIRTIO_MEM_BLOCK;

	if (vnode->virtio_mem == 0 || check->guest->form == VN_FORM_QEMU)
		return;
	vn_target_since(check, VN_TARGET_VERSION(7, 0, 0),
		"memory that grows and shrinks (virtio-mem with prealloc)");
	if (vnode->virtio_mem < vnode->plugged || vnode->virtio_mem % block || vnode->plugged % block)
		vn_target_refuse(check,
			"vnode %zu: %" PRIu64 " bytes requested of a virtio-mem device of %" PRIu64
			"; expected at most as many, and multiples of its blocks, %" PRIu64,
			i, vnode->plugged, vnode->virtio_mem, block);
}

/* A backend is a whole number of its pages (system/physmem.c refuses a file of huge pages that is not), and -m counts in MiB here. */
static void check_memory(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;
	uint64_t at_start = 0;

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		const struct vn_vnode *vnode = &guest->vnodes[i];
		uint64_t page = vn_vnode_page(guest, i), unit = page > VN_MIB ? page : VN_MIB;
		if (vnode->plugged > vnode->memory) {
			vn_target_refuse(check,
				"vnode %zu: memory devices hold %" PRIu64
				" bytes; expected at most its %" PRIu64,
				i, vnode->plugged, vnode->memory);
			continue;
		}
		at_start += vnode->memory - vnode->plugged;
		if (vnode->memory % unit != 0 || vnode->plugged % unit != 0)
			vn_target_refuse(check,
				"vnode %zu: %" PRIu64 " bytes of memory, %" PRIu64
				" of them in a memory device; expected multiples of %" PRIu64,
				i, vnode->memory, vnode->plugged, unit);
		check_virtio_mem(check, i);
		if (vn_binding_lacks_nodes(vnode))
			vn_target_refuse(check,
				"vnode %zu: a policy without nodes; expected host-nodes, which QEMU wants with any policy but "
				"'default' (backends/hostmem.c)",
				i);
	}
	if (at_start == 0)
		vn_target_refuse(check, "all memory is in memory devices; expected some at start");
	if (guest->maxmem < guest->memory)
		vn_target_refuse(check, "maxmem is %" PRIu64 " bytes; expected at least the memory, %" PRIu64,
			guest->maxmem, guest->memory);
}

/* Whether distances are to be said: those that a guest takes when it is told of none need not be, where nodes have been told already. */
static bool tells_distances(const struct vn_guest *guest)
{
	bool other = guest->form != VN_FORM_QEMU;

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < guest->n_vnodes; j++)
			other |= i != j && guest->vnodes[i].distances[j] != 20;
	}
	return guest->n_vnodes > 1 && (other || guest->vnodes_open);
}

/* Since when the words are there that a command line is made of. */
static void check_words(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;
	bool numa = guest->guest_numa != VN_GUEST_NUMA_OFF;
	bool huge = false;

	for (size_t i = 0; i < guest->n_vnodes; i++)
		huge |= vn_vnode_page(guest, i) > 0;
	if (huge)
		vn_target_since(check, VN_TARGET_VERSION(2, 12, 0), "huge pages (memory-backend-memfd)");
	if (!numa)
		vn_target_since(
			check, VN_TARGET_VERSION(5, 0, 0), "guest_numa off (-machine memory-backend=)");
	if (numa && guest->form != VN_FORM_QEMU)
		vn_target_since(
			check, VN_TARGET_VERSION(2, 10, 0), "vCPUs of nodes by their cores (-numa cpu)");
	if (numa && tells_distances(guest))
		vn_target_since(check, VN_TARGET_VERSION(2, 10, 0), "distances (-numa dist)");
	if (numa && guest->hmat)
		vn_target_since(check, VN_TARGET_VERSION(5, 0, 0), "HMAT (-numa hmat-lb)");
	if (guest->topology.dies > 1)
		vn_target_since(check, VN_TARGET_VERSION(4, 1, 0), "dies (-smp dies=)");
}

/* ---- HMAT: hw/core/numa.c ---- */

static bool is_vnode(const struct vn_target_checking *check, uint32_t domain)
{
	return domain < check->guest->n_vnodes;
}

/*
 * An entry holds 16 bits over a base that all entries of a matrix share. Of latencies (nanoseconds) it is the greatest power of ten that
 * divides each; of bandwidths the greatest power of two, and the highest and the lowest bit of them all must fit.
 */
static void check_matrix(struct vn_target_checking *check, const struct vn_hmat_matrix *matrix)
{
	bool latencies = matrix->type <= VN_HMAT_WRITE_LATENCY;
	uint64_t base = UINT64_MAX, most = 0, bits = 0;

	for (size_t i = 0; i < matrix->n_initiators * matrix->n_targets; i++) {
		uint64_t value = matrix->values[i], unit = 1;
		if (value == VN_HMAT_UNKNOWN || value == VN_HMAT_UNREACHABLE)
			continue;
		value = latencies ? value / 1000 + (value % 1000 != 0) : value;
		for (uint64_t rest = value; latencies && rest % 10 == 0; rest /= 10)
			unit *= 10;
		base = unit < base ? unit : base;
		most = value > most ? value : most;
		bits |= value;
	}
	if (!latencies && bits)
		base = bits & -bits;
	if (bits && most / base >= COMPRESSED)
		vn_target_refuse(check,
			"HMAT %s: values up to %" PRIu64 " %s and a common unit of %" PRIu64
			"; expected less than %u times the unit, as entries have 16 bits",
			vn_hmat_type_text(matrix->type), most, latencies ? "ns" : "MB/s", base, COMPRESSED);
}

static void check_domains(struct vn_target_checking *check, const struct vn_hmat_matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_initiators; i++) {
		if (!is_vnode(check, matrix->initiators[i]))
			vn_target_refuse(check, "HMAT %s: initiator %u; expected a vnode",
				vn_hmat_type_text(matrix->type), matrix->initiators[i]);
	}
	for (size_t t = 0; t < matrix->n_targets; t++) {
		if (!is_vnode(check, matrix->targets[t]))
			vn_target_refuse(check, "HMAT %s: target %u; expected a vnode",
				vn_hmat_type_text(matrix->type), matrix->targets[t]);
	}
}

/* Whether some initiator's value of a kind is known for the memory of a vnode. */
static bool is_told(const struct vn_hmat *hmat, uint32_t target, bool latencies)
{
	for (size_t m = 0; m < hmat->n_matrices; m++) {
		const struct vn_hmat_matrix *matrix = &hmat->matrices[m];
		if ((matrix->type <= VN_HMAT_WRITE_LATENCY) != latencies)
			continue;
		for (size_t i = 0; i < matrix->n_initiators * matrix->n_targets; i++) {
			uint64_t value = matrix->values[i];
			if (matrix->targets[i % matrix->n_targets] == target && value != VN_HMAT_UNKNOWN &&
				value != VN_HMAT_UNREACHABLE)
				return true;
		}
	}
	return false;
}

/* The cache of a vnode's memory at a level, but for cache `but`; NULL: none. */
static const struct vn_hmat_cache *find_cache(
	const struct vn_hmat *hmat, uint32_t domain, unsigned level, const struct vn_hmat_cache *but)
{
	for (size_t i = 0; i < hmat->n_caches; i++) {
		const struct vn_hmat_cache *cache = &hmat->caches[i];
		if (cache != but && cache->domain == domain && cache->level == level)
			return cache;
	}
	return NULL;
}

static void check_cache(struct vn_target_checking *check, const struct vn_hmat_cache *cache)
{
	const struct vn_hmat *hmat = check->guest->hmat;

	if (!is_vnode(check, cache->domain)) {
		vn_target_refuse(check, "HMAT cache of domain %u; expected a vnode", cache->domain);
		return;
	}
	if (!is_told(hmat, cache->domain, true) || !is_told(hmat, cache->domain, false))
		vn_target_refuse(check,
			"HMAT cache of vnode %u, whose memory has no latency or no bandwidth; expected both, which QEMU wants before caches",
			cache->domain);
	if (cache->level < 1 || cache->level > 3) {
		vn_target_refuse(check, "HMAT cache of vnode %u: level %u; expected 1 to 3", cache->domain,
			cache->level);
		return;
	}
	if (find_cache(hmat, cache->domain, cache->level, cache))
		vn_target_refuse(check, "HMAT cache of vnode %u: level %u twice; expected once",
			cache->domain, cache->level);
	const struct vn_hmat_cache *below =
		cache->level > 1 ? find_cache(hmat, cache->domain, cache->level - 1, cache) : NULL;
	if (cache->level > 1 && (!below || below->size >= cache->size))
		vn_target_refuse(check,
			"HMAT cache of vnode %u: level %u of %" PRIu64
			" bytes; expected one of level %u that is smaller",
			cache->domain, cache->level, cache->size, cache->level - 1);
}

void vn_target_check_qemu(struct vn_target_checking *check)
{
	const struct vn_hmat *hmat = check->guest->hmat;

	check_counts(check);
	check_machine(check);
	check_vcpus(check);
	check_memory(check);
	check_words(check);
	check_devices(check);
	for (size_t i = 0; hmat && i < hmat->n_matrices; i++) {
		check_domains(check, &hmat->matrices[i]);
		check_matrix(check, &hmat->matrices[i]);
	}
	for (size_t i = 0; hmat && i < hmat->n_caches; i++)
		check_cache(check, &hmat->caches[i]);
}
