/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What /proc/…/stat and schedstat of a thread tell of its time. */

#include <stdint.h>

/* When it began (field 22) and where it was last (field 39; -1: not told). -EINVAL; -ESRCH when it has ended. */
int vn_thread_stat_parse(const char *text, uint64_t *ret_start_time, int *ret_cpu);

/* Nanoseconds on a CPU and runnable without one: "123 45 6" (kernel/sched: proc_pid_schedstat()). -EINVAL. */
int vn_schedstat_parse(const char *text, uint64_t *ret_run_ns, uint64_t *ret_wait_ns);
