/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's names, cut to 15 characters by the kernel:
 *
 *     CPU 3/KVM, CPU 3/TCG        a vCPU (accel/kvm/kvm-accel-ops.c, accel/tcg/tcg-accel-ops-mttcg.c)
 *     ALL CPUs/TCG                all of them in turn (accel/tcg/tcg-accel-ops-rr.c)
 *     IO iothread0                an iothread (iothread.c); `IO mon_iothread` is the monitor's own (monitor/monitor.c)
 *     live_migration, multifdsend_0, multifdrecv_0, bg_snapshot, return path, fault-default, …     migration until 9.0
 *     mig/src/main, mig/dst/…     the same since 9.1 (migration/migration.h)
 *     vhost-1234                  a worker of vhost, named by the kernel (drivers/vhost/vhost.c)
 */
#define _GNU_SOURCE
#include "thread_kind.h"

#include <string.h>

#include "../base/parse.h"
#include "neighbours.h"

static bool is_migration(const char *comm)
{
	static const char *const names[] = {"live_migration", "multifdsend", "multifdrecv", "mig/",
		"bg_snapshot", "return path", "postcopy/", "fault-default", "get_dirtyrate", "colo ",
		"COLO "};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(comm, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/* The digits of "CPU 12/KVM". */
static int number_of(const char *comm)
{
	char digits[8];
	uint64_t number;

	snprintf(digits, sizeof(digits), "%.*s", (int)strspn(comm + 4, "0123456789"), comm + 4);
	return vn_parse_u64(digits, VN_SET_MAX, &number) == 0 ? (int)number : -1;
}

enum vn_thread_kind vn_thread_kind_of(const char *comm, int *ret_index)
{
	*ret_index = -1;
	if (vn_is_vcpu(comm)) {
		*ret_index = number_of(comm);
		return VN_THREAD_VCPU;
	}
	if (strcmp(comm, "ALL CPUs/TCG") == 0)
		return VN_THREAD_VCPU;
	if (strncmp(comm, "IO ", 3) == 0 && strcmp(comm, "IO mon_iothread") != 0)
		return VN_THREAD_IOTHREAD;
	if (strncmp(comm, "vhost-", 6) == 0 && strspn(comm + 6, "0123456789") == strlen(comm + 6) && comm[6])
		return VN_THREAD_VHOST;
	return is_migration(comm) ? VN_THREAD_MIGRATION : VN_THREAD_OTHER;
}
