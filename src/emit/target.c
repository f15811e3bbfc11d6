/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "target_part.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define MAX_NUMBER 999u /* of a version's parts: VN_TARGET_VERSION() has three digits for each */

const char *vn_target_name(enum vn_target_kind kind)
{
	static const char *const names[] = {
		[VN_TARGET_QEMU] = "QEMU", [VN_TARGET_LIBVIRT] = "libvirt", [VN_TARGET_XEN] = "Xen"};

	return names[kind];
}

int vn_target_parse(
	const char *text, enum vn_target_kind kind, struct vn_target *ret_target, struct vn_error *err)
{
	static const unsigned defaults[] = {[VN_TARGET_QEMU] = VN_TARGET_QEMU_VERSION,
		[VN_TARGET_LIBVIRT] = VN_TARGET_LIBVIRT_VERSION,
		[VN_TARGET_XEN] = VN_TARGET_XEN_VERSION};
	vn_autofree char *copy = vn_copy(text);
	uint64_t numbers[3] = {0};
	char seen[VN_QUOTE_MAX], *rest = copy, *part;
	size_t n = 0;
	bool good = true;

	if (!text) {
		*ret_target = (struct vn_target){kind, defaults[kind], true};
		return 0;
	}
	if (!copy)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (; good && (part = strsep(&rest, ".")); n++)
		good = n < 3 && vn_parse_u64(part, MAX_NUMBER, &numbers[n]) == 0;
	if (!good || n < 2)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "--target-version"},
			"'%s' seen; expected the version of %s as two or three numbers, such as 9.2 or 9.2.1",
			vn_quote(text, seen), vn_target_name(kind));
	*ret_target = (struct vn_target){kind,
		VN_TARGET_VERSION((unsigned)numbers[0], (unsigned)numbers[1], (unsigned)numbers[2]), false};
	return 0;
}

void vn_target_refuse(struct vn_target_checking *check, const char *format, ...)
{
	struct vn_where where = {check->guest->file, 0, NULL};
	va_list args;

	va_start(args, format);
	check->r = vn_error_input_list(check->err, &where, format, args);
	va_end(args);
}

#define VERSION_TEXT 16

/* "9.2", or "9.2.1". Returns `text`. */
static const char *version_text(unsigned version, char text[static VERSION_TEXT])
{
	unsigned major = version / 1000000 % 10000, minor = version / 1000 % 1000, micro = version % 1000;

	if (micro)
		snprintf(text, VERSION_TEXT, "%u.%u.%u", major, minor, micro);
	else
		snprintf(text, VERSION_TEXT, "%u.%u", major, minor);
	return text;
}

void vn_target_since(struct vn_target_checking *check, unsigned since, const char *what)
{
	char seen[VERSION_TEXT], expected[VERSION_TEXT];

	if (check->target->version < since)
		vn_target_refuse(check, "%s: %s %s does not know that; expected %s or later", what,
			vn_target_name(check->target->kind), version_text(check->target->version, seen),
			version_text(since, expected));
}

/*
 * Linux throws the whole table away unless each node is at 10 from itself and farther from all others (slit_valid() in
 * drivers/acpi/numa/srat.c), and a distance is one byte of the SLIT (ACPI 6.5, section 5.2.17).
 */
static void check_distances(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;

	for (size_t i = 0; i < guest->n_vnodes; i++) {
		for (size_t j = 0; j < guest->n_vnodes; j++) {
			uint32_t distance = guest->vnodes[i].distances[j];
			if (i == j && distance != 10)
				vn_target_refuse(check,
					"vnode %zu is at distance %u from itself; expected 10, or Linux discards all distances",
					i, distance);
			if (i != j && (distance < 11 || distance > 255))
				vn_target_refuse(check,
					"vnode %zu is at distance %u from vnode %zu; expected 11 to 255: 10 is for itself, and Linux discards "
					"all distances otherwise",
					i, distance, j);
		}
	}
}

/* Each vCPU is in one vnode, and the vnodes' memory is the guest's: so it is with all of them. */
static void check_parts(struct vn_target_checking *check)
{
	const struct vn_guest *guest = check->guest;
	vn_autoset seen = hwloc_bitmap_alloc(), twice = hwloc_bitmap_alloc();
	uint64_t memory = 0;

	if (!seen || !twice) {
		check->r = vn_error_environment(check->err, -ENOMEM, "out of memory");
		return;
	}
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		hwloc_bitmap_t vcpus = guest->vnodes[i].vcpus;
		for (int vcpu = hwloc_bitmap_first(vcpus); vcpu >= 0; vcpu = hwloc_bitmap_next(vcpus, vcpu))
			hwloc_bitmap_set(
				hwloc_bitmap_isset(seen, (unsigned)vcpu) ? twice : seen, (unsigned)vcpu);
		memory += guest->vnodes[i].memory;
	}
	vn_autofree char *text = vn_set_text(twice);
	if (!hwloc_bitmap_iszero(twice))
		vn_target_refuse(
			check, "vCPUs %s are in several vnodes; expected each in one", text ? text : "");
	if (hwloc_bitmap_weight(seen) != (int)guest->maxvcpus ||
		hwloc_bitmap_last(seen) + 1 != (int)guest->maxvcpus)
		vn_target_refuse(check, "the vnodes have %d vCPUs; expected each of 0 to %u in one of them",
			hwloc_bitmap_weight(seen), guest->maxvcpus - 1);
	if (memory != guest->memory)
		vn_target_refuse(check,
			"the vnodes have %llu bytes of memory in all; expected the guest's %llu",
			(unsigned long long)memory, (unsigned long long)guest->memory);
}

int vn_target_check(const struct vn_plan *plan, const struct vn_guest *guest, const struct vn_target *target,
	struct vn_error *err)
{
	static void (*const checks[])(struct vn_target_checking *) = {[VN_TARGET_QEMU] = vn_target_check_qemu,
		[VN_TARGET_LIBVIRT] = vn_target_check_libvirt,
		[VN_TARGET_XEN] = vn_target_check_xen};
	struct vn_target_checking check = {plan, guest, target, err, 0};

	check_parts(&check);
	check_distances(&check);
	checks[target->kind](&check);
	return check.r;
}
