/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Which memory of a process is used, from a sample of its pages: for kernels without DAMON.
 *
 * Theory of operation: the kernel marks a page idle when asked to (/sys/kernel/mm/page_idle/bitmap, a bit for each page frame,
 * CONFIG_IDLE_PAGE_TRACKING; Documentation/admin-guide/mm/idle_page_tracking.rst) and takes the mark away when it was used. Four pages are drawn
 * of each stretch, at random, from a seed that is always the same. Their frames are told by /proc/PID/pagemap. In four rounds they are marked, and after a
 * quarter of the time it is read which marks are gone. Only pages on the kernel's LRU lists have a mark (not hugetlb), and of a huge page only its
 * first frame: /proc/kpageflags tells both. A stretch without such pages counts as never used. The marks are one for all of the machine: two that
 * look at once see the other's marks as their own, which spoils the order and nothing else. All of these files are root's.
 */

#include "heat.h"

/*
 * Tells of each span how much it is used. `bitmap`: "/sys/kernel/mm/page_idle/bitmap"; `proc`: "/proc". 0; -ECANCELED, -ENOMEM; otherwise
 * a negative errno of what is not there or not allowed.
 */
int vn_idleness_look(
	const char *bitmap, const char *proc, const struct vn_heat_watch *watch, struct vn_heats *ret_heats);
