/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fix.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define SPELLED_OUT 2u /* commands; more of the kind become a loop */

/* A name that virsh or we could take for an id, a pid or an option is none. */
static bool is_a_name(const struct vn_vm_sample *vm)
{
	const char *name = vm->name;

	return vm->name_is_plain && name[0] && name[0] != '-' && strspn(name, "0123456789") < strlen(name);
}

static bool is_the_only(const struct vn_case *the)
{
	for (size_t i = 0; i < the->sample->n_vms; i++) {
		const struct vn_vm_sample *other = &the->sample->vms[i];
		if (other != the->vm && strcmp(other->name, the->vm->name) == 0)
			return false;
	}
	return true;
}

static bool is_uuid(const char *text)
{
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return text[36] == 0;
}

const char *vn_fix_name(const struct vn_case *the, char buffer[static VN_FIX_NAME])
{
	const struct vn_vm_sample *vm = the->vm;

	if (is_a_name(vm) && is_the_only(the))
		snprintf(buffer, VN_FIX_NAME, "%s", vm->name);
	else if (is_uuid(vm->uuid) && !is_a_name(vm))
		snprintf(buffer, VN_FIX_NAME, "%s", vm->uuid);
	else
		snprintf(buffer, VN_FIX_NAME, "%d", vm->process.pid);
	return buffer;
}

/*
 * One libvirt has a name only once, but there are several: that of the system, and those of users, which only their users reach. virsh
 * takes one or the other by who runs it, so it is told.
 */
const char *vn_fix_domain(const struct vn_case *the, char buffer[static VN_FIX_NAME])
{
	const struct vn_vm_sample *vm = the->vm;

	if (vm->manager != VN_MANAGER_LIBVIRT)
		return NULL;
	if (is_a_name(vm) && is_the_only(the))
		snprintf(buffer, VN_FIX_NAME, "%s", vm->name);
	else if (is_uuid(vm->uuid))
		snprintf(buffer, VN_FIX_NAME, "%s", vm->uuid);
	else
		return NULL;
	return buffer;
}

/* Of nodes, and of those that are allowed (NULL: all); without isolated ones, where others are left. */
static hwloc_bitmap_t cpus_of(
	const struct vn_case *the, hwloc_const_bitmap_t nodes, hwloc_const_bitmap_t allowed)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	unsigned node;

	if (!cpus)
		return NULL;
	hwloc_bitmap_foreach_begin (node, nodes) {
		if (hwloc_bitmap_or(cpus, cpus, the->host->nodes[node].cpus) < 0) {
			hwloc_bitmap_free(cpus);
			return NULL;
		}
	}
	hwloc_bitmap_foreach_end();
	if (allowed && hwloc_bitmap_and(cpus, cpus, allowed) < 0) {
		hwloc_bitmap_free(cpus);
		return NULL;
	}
	hwloc_const_bitmap_t isolated = the->host->isolated_cpus;
	if (isolated && !hwloc_bitmap_isincluded(cpus, isolated) &&
		hwloc_bitmap_andnot(cpus, cpus, isolated) < 0) {
		hwloc_bitmap_free(cpus);
		return NULL;
	}
	return cpus;
}

hwloc_bitmap_t vn_fix_cpus(const struct vn_case *the, hwloc_const_bitmap_t nodes)
{
	return cpus_of(the, nodes, NULL);
}

hwloc_bitmap_t vn_fix_own_cpus(const struct vn_case *the, hwloc_const_bitmap_t nodes)
{
	return cpus_of(the, nodes, the->vm->cpus);
}

/* libvirt's number of an iothread: QEMU's object is "iothread" and it (src/qemu/qemu_command.c). */
static bool iothread_id(const char *name, unsigned *ret_id)
{
	static const char mark[] = "iothread";
	const char *at = strstr(name, mark);
	uint64_t id;

	if (!at || vn_parse_u64(at + strlen(mark), UINT16_MAX, &id) < 0 || id == 0)
		return false;
	*ret_id = (unsigned)id;
	return true;
}

/* The number that a thread goes by in its command; false: there is none. */
static bool number_of(const struct vn_case *the, const struct vn_thread_sample *thread, unsigned *ret)
{
	*ret = (unsigned)thread->tid;
	if (the->vm->manager != VN_MANAGER_LIBVIRT || thread->kind == VN_THREAD_VHOST)
		return thread->tid > 0;
	if (thread->kind == VN_THREAD_IOTHREAD)
		return iothread_id(thread->name, ret);
	*ret = (unsigned)thread->index;
	return thread->kind == VN_THREAD_VCPU && thread->index >= 0;
}

/* The command for thread `which`: a number, or a variable of the shell's. */
static char *pin_one(const struct vn_case *the, enum vn_thread_kind kind, const char *which, const char *cpus)
{
	char buffer[VN_FIX_NAME];
	const char *domain = kind == VN_THREAD_VHOST ? NULL : vn_fix_domain(the, buffer);

	if (domain)
		return vn_format("virsh -c qemu:///system %s %s %s %s --live",
			kind == VN_THREAD_VCPU ? "vcpupin" : "iothreadpin", domain, which, cpus);
	return vn_format("taskset -pc %s %s", cpus, which);
}

static int write_pins(const struct vn_case *the, enum vn_thread_kind kind, const unsigned *numbers, size_t n,
	const char *cpus, char **ret_fix)
{
	char *list = NULL;
	size_t length;
	FILE *out = open_memstream(&list, &length);

	if (!out)
		return -ENOMEM;
	if (n > SPELLED_OUT)
		fprintf(out, "(for n in");
	for (size_t i = 0; i < n; i++) {
		char which[16];
		snprintf(which, sizeof(which), "%u", numbers[i]);
		vn_autofree char *one = n > SPELLED_OUT ? NULL : pin_one(the, kind, which, cpus);
		if (n > SPELLED_OUT)
			fprintf(out, " %u", numbers[i]);
		else
			fprintf(out, "%s%s", i > 0 ? " && " : "", one ? one : "");
	}
	vn_autofree char *all = n > SPELLED_OUT ? pin_one(the, kind, "$n", cpus) : NULL;
	if (n > SPELLED_OUT)
		fprintf(out, "; do %s || exit 1; done)", all ? all : "");
	if (fclose(out) != 0) {
		free(list);
		return -ENOMEM;
	}
	*ret_fix = list;
	return 0;
}

int vn_fix_pin(const struct vn_case *the, const struct vn_thread_sample *const *threads, size_t n,
	hwloc_const_bitmap_t cpus, char **ret_fix)
{
	char buffer[VN_FIX_NAME];
	vn_autofree unsigned *numbers = calloc(n + 1, sizeof(*numbers));
	vn_autofree char *list = vn_set_text(cpus);

	*ret_fix = NULL;
	if (!numbers || !list)
		return -ENOMEM;
	if (n == 0 || hwloc_bitmap_iszero(cpus))
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return 0;
	if (the->vm->manager == VN_MANAGER_LIBVIRT && !vn_fix_domain(the, buffer))
		/* cppcheck-suppress memleak; it does not know the cleanup attribute */
		return 0; /* libvirt would not know of it, and undo it at its next change */
	for (size_t i = 0; i < n; i++) {
		if (!number_of(the, threads[i], &numbers[i]))
			return 0;
	}
	return write_pins(the, threads[0]->kind, numbers, n, list, ret_fix);
}

int vn_fix_emulator(const struct vn_case *the, hwloc_const_bitmap_t cpus, char **ret_fix)
{
	char buffer[VN_FIX_NAME];
	const char *domain = vn_fix_domain(the, buffer);
	vn_autofree char *list = vn_set_text(cpus);

	*ret_fix = NULL;
	if (!list)
		return -ENOMEM;
	if (!domain || hwloc_bitmap_iszero(cpus))
		return 0;
	*ret_fix = vn_format("virsh -c qemu:///system emulatorpin %s %s --live", domain, list);
	return *ret_fix ? 0 : -ENOMEM;
}

/* A unit's name as systemd writes it (systemd.unit(5)), whole. */
static bool is_unit(const char *unit)
{
	size_t length = strlen(unit);
	static const char *const ends[] = {".scope", ".service", ".slice"};
	bool ended = false;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		ended |= length > strlen(ends[i]) && strcmp(unit + length - strlen(ends[i]), ends[i]) == 0;
	for (size_t i = 0; i < length; i++)
		ended &= isalnum((unsigned char)unit[i]) || strchr(":_.\\@-", unit[i]);
	return ended && unit[0] != '-';
}

/* libvirt keeps cpuset.mems for `strict`, where it refuses a change, and for `restrictive`, where QEMU's memory has no policy. */
static bool is_restrictive(const struct vn_case *the)
{
	for (size_t v = 0; v < the->n_vnodes; v++) {
		if (the->vnodes[v].n_blocks == 0)
			return false;
	}
	for (size_t i = 0; i < the->vm->n_blocks; i++) {
		const struct vn_block_sample *block = &the->vm->blocks[i];
		if (block->policy_by == VN_TOLD_BY_NOTHING || block->policy.mode != VN_MODE_DEFAULT)
			return false;
	}
	return true;
}

/* CPUs of libvirt's domains are limited above them, by somebody else. */
int vn_fix_allow(const struct vn_case *the, hwloc_const_bitmap_t cpus, char **ret_fix)
{
	vn_autoset all = hwloc_bitmap_dup(the->vm->cpus);

	*ret_fix = NULL;
	if (!all || hwloc_bitmap_or(all, all, cpus) < 0)
		return -ENOMEM;
	vn_autofree char *list = vn_set_text(all);
	if (!list)
		return -ENOMEM;
	if (the->vm->manager == VN_MANAGER_LIBVIRT || !is_unit(the->vm->unit))
		return 0;
	*ret_fix = vn_format("systemctl set-property --runtime '%s' AllowedCPUs=%s", the->vm->unit, list);
	return *ret_fix ? 0 : -ENOMEM;
}

int vn_fix_cpuset(const struct vn_case *the, hwloc_const_bitmap_t nodes, char **ret_fix)
{
	char buffer[VN_FIX_NAME];
	const char *domain = vn_fix_domain(the, buffer);
	vn_autoset all = hwloc_bitmap_dup(the->vm->mems);
	unsigned node;

	*ret_fix = NULL;
	if (!all)
		return -ENOMEM;
	hwloc_bitmap_foreach_begin (node, nodes) {
		if (hwloc_bitmap_set(all, the->host->nodes[node].id) < 0)
			return -ENOMEM;
	}
	hwloc_bitmap_foreach_end();
	vn_autofree char *list = vn_set_text(all);
	if (!list)
		return -ENOMEM;
	if (domain && is_restrictive(the))
		*ret_fix = vn_format(
			"virsh -c qemu:///system numatune %s --mode restrictive --nodeset %s --live", domain,
			list);
	else if (the->vm->manager != VN_MANAGER_LIBVIRT && is_unit(the->vm->unit))
		*ret_fix = vn_format(
			"systemctl set-property --runtime '%s' AllowedMemoryNodes=%s", the->vm->unit, list);
	else
		return 0;
	return *ret_fix ? 0 : -ENOMEM;
}
