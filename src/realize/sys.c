/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "sys.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "../base/text.h"

static inline void cpu_freep(cpu_set_t **set)
{
	if (*set)
		CPU_FREE(*set);
}
#define auto_cpu_set vn_cleanup(cpu_freep) cpu_set_t

/*
 * The kernel refuses a mask shorter than its own (EINVAL), and no call tells how long that is: VN_SET_MAX is
 * beyond any kernel's CONFIG_NR_CPUS. Longer masks are fine.
 */
static cpu_set_t *new_cpu_set(size_t *ret_size)
{
	cpu_set_t *set = CPU_ALLOC(VN_SET_MAX + 1);
	*ret_size = CPU_ALLOC_SIZE(VN_SET_MAX + 1);
	if (set)
		CPU_ZERO_S(*ret_size, set);
	return set;
}

int vn_sys_get_affinity(pid_t tid, hwloc_bitmap_t cpus)
{
	size_t size;
	auto_cpu_set *set = new_cpu_set(&size);

	if (!set)
		return -ENOMEM;
	if (sched_getaffinity(tid, size, set) < 0)
		return -errno;
	hwloc_bitmap_zero(cpus);
	for (unsigned cpu = 0; cpu <= VN_SET_MAX; cpu++) {
		if (CPU_ISSET_S(cpu, size, set) && hwloc_bitmap_set(cpus, cpu) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int set_affinity(pid_t tid, hwloc_const_bitmap_t cpus)
{
	size_t size;
	auto_cpu_set *set = new_cpu_set(&size);
	unsigned cpu;

	if (!set)
		return -ENOMEM;
	if (hwloc_bitmap_last(cpus) < 0 || hwloc_bitmap_last(cpus) > (int)VN_SET_MAX)
		return -EINVAL; /* empty, or without end */
	hwloc_bitmap_foreach_begin (cpu, cpus) {
		CPU_SET_S(cpu, size, set);
	}
	hwloc_bitmap_foreach_end();
	return sched_setaffinity(tid, size, set) < 0 ? -errno : 0;
}

int vn_sys_set_affinity(pid_t tid, hwloc_const_bitmap_t cpus)
{
	vn_autoset now = hwloc_bitmap_alloc();
	int r = now ? set_affinity(tid, cpus) : -ENOMEM;

	if (r == 0)
		r = vn_sys_get_affinity(tid, now);
	if (r < 0)
		return r;
	return hwloc_bitmap_isequal(now, cpus) ? 0 : -ENODEV;
}

/* One write(2): that is what files of procfs and cgroupfs take as one value. */
static int write_file(const char *path, const char *text)
{
	vn_autoclose int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return vn_errno();
	return write(fd, text, strlen(text)) < 0 ? vn_errno() : 0;
}

static int write_set(const char *path, hwloc_const_bitmap_t set)
{
	vn_autofree char *list = vn_set_text(set);
	vn_autofree char *line = list ? vn_format("%s\n", list) : NULL;

	return path && line ? write_file(path, line) : -ENOMEM;
}

int vn_sys_set_irq_affinity(unsigned irq, hwloc_const_bitmap_t cpus)
{
	vn_autofree char *path = vn_format("/proc/irq/%u/smp_affinity_list", irq);

	return write_set(path, cpus);
}

int vn_sys_set_cpuset_mems(const char *cgroup, hwloc_const_bitmap_t nodes)
{
	vn_autofree char *path = vn_format(VN_CGROUP_MOUNT "%s/cpuset.mems", cgroup);

	return write_set(path, nodes);
}

static int interface_ioctl(unsigned long request, struct ifreq *request_data)
{
	vn_autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return ioctl(fd, request, request_data) < 0 ? -errno : 0;
}

static int set_name(struct ifreq *request, const char *name)
{
	if (strlen(name) >= sizeof(request->ifr_name))
		return -ENAMETOOLONG;
	memcpy(request->ifr_name, name, strlen(name) + 1);
	return 0;
}

int vn_sys_bridge_add(const char *bridge, const char *ifname)
{
	struct ifreq request = {0};
	int r = set_name(&request, bridge);

	if (r < 0)
		return r;
	request.ifr_ifindex = (int)if_nametoindex(ifname);
	if (request.ifr_ifindex == 0)
		return -ENODEV;
	return interface_ioctl(SIOCBRADDIF, &request);
}

int vn_sys_link_up(const char *ifname)
{
	struct ifreq request = {0};
	int r = set_name(&request, ifname);

	if (r == 0)
		r = interface_ioctl(SIOCGIFFLAGS, &request);
	if (r < 0)
		return r;
	request.ifr_flags |= IFF_UP;
	return interface_ioctl(SIOCSIFFLAGS, &request);
}

int vn_sys_move_pages(pid_t pid, size_t n, void **pages, const int *nodes, int *status, int flags)
{
	if (pid <= 0)
		return -ESRCH; /* the kernel would take 0 for ourselves */
	long r = syscall(SYS_move_pages, pid, n, pages, nodes, status, flags);
	return r < 0 ? vn_errno() : r > INT_MAX ? INT_MAX : (int)r;
}
