/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Processes, told apart from later ones with the same pid.
 *
 * The kernel hands a pid out again; what it does not repeat is the pair of pid and start time, and the
 * executable tells the odd case of a clock tick in which one process ended and another began. A process that
 * has ended but was not waited for (a zombie) counts as gone: it holds no memory and runs no thread.
 */

#include <stdint.h>
#include <sys/types.h>

enum vn_process_match {
	VN_PROCESS_SAME,
	VN_PROCESS_GONE, /* no process has this pid */
	VN_PROCESS_STRANGER, /* another one has it now */
};

/*
 * Reads the text of /proc/PID/stat, or of a thread: the start time in clock ticks since boot (field 22). The command's name may hold
 * blanks and parentheses, so fields are counted from the last ')'. -ESRCH of a zombie; -EINVAL when it is no such text.
 */
int vn_stat_parse(const char *text, uint64_t *ret_start_time);

/* Start time of a process; -ESRCH when there is none (or only a zombie). */
int vn_process_start_time(pid_t pid, uint64_t *ret_start_time);

/* The same of a thread of a process. */
int vn_thread_start_time(pid_t pid, pid_t tid, uint64_t *ret_start_time);

/* Takes the " (deleted)" off a target of /proc/PID/exe: an upgrade replaces the file of a running QEMU, and it still is the same process. */
void vn_exe_trim(char *target);

/* Target of /proc/PID/exe as a new string, so trimmed. -ESRCH, -EACCES, -ENOMEM. */
int vn_process_exe(pid_t pid, char **ret_exe);

/*
 * Bytes of it that may not leave memory: VmLck and VmPin of /proc/PID/status. What VFIO has pinned counts as the one, of iommufd as the other; what
 * mlock(2) holds counts, too, and can be moved. -ESRCH, -EINVAL when neither is told.
 */
int vn_process_pinned(pid_t pid, uint64_t *ret_bytes);

/* Whether `pid` still is the process that started then and runs `exe` (NULL: whatever it runs). Or negative
 * errno. */
int vn_process_match(pid_t pid, uint64_t start_time, const char *exe);

/*
 * A pidfd of that very process: opened first, then compared, so that what is signalled through it is what was
 * compared. -ESRCH when it is gone or a stranger.
 */
int vn_process_open(pid_t pid, uint64_t start_time, const char *exe);

/* pidfd_send_signal(2). */
int vn_process_signal(int pidfd, int signal);

#define VN_BOOT_ID 37 /* room for 8-4-4-4-12 digits */

/* Which boot of the host this is: pids and start times of another one mean nothing. 0, or a negative errno. */
int vn_boot_id(char ret_boot[static VN_BOOT_ID]);

/* Reads a small file of /proc whole. New string; negative errno (-ESRCH where the kernel says ENOENT or
 * ESRCH). */
int vn_proc_read(const char *path, char **ret_text);
