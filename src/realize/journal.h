/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What vnuma changed of running VMs, and what was before: kept on disk until it is undone or the VM is gone.
 *
 * Theory of operation: in the state directory (state.h), by process, not by name: PID-START.move has a vn_move as JSON with a checksum,
 * PID-START.pages where each page was, PID-START.lock is held (flock) by who is at work on the VM and names its pid, PID-START.progress
 * tells how far that is. The journal is written, synced and renamed, and the directory synced, before the first change; and
 * again at each change of its phase. `before` is what was before vnuma's first move of this process: a second move keeps it, and takes
 * over only new targets, so that undo leads back to what vnuma found. What is of another boot, truncated, or does not add up is
 * refused as a whole: nothing of it is used. Journals of processes that are gone are swept when one is listed.
 *
 * The checksum (64-bit FNV-1a over the JSON without it, in its canonical form: keys sorted, no blanks) finds what was cut, overwritten
 * or edited by hand. It is no proof of who wrote it, and need not be: the directory is its owner's alone, mode 0700, and who may write
 * there may do to the VM whatever a journal could. Behind it every field is checked as if there were none (model/move_from_json.c); a
 * move is checked in the same way before it is written, so that what is on disk can be read back.
 *
 * The lock is the kernel's (flock), not the file: it ends with its holder, however that ends. The pid in the file is for people and
 * for --cancel; it is written after the lock was taken, and believed only while the lock is held and that process lives. A process that
 * forks to go on in the background takes the lock in the child, so that the pid is right. Lock files stay until their VM is gone:
 * sweeping removes them while holding them, and who waited for one that was removed notices (its inode is no longer the file's) and
 * starts over.
 */

#include "../model/move.h"
#include "state.h"

/* Takes the lock of a VM. -EBUSY: who holds it is in the problem. Released when *ret_fd is closed. */
int vn_journal_lock(
	const struct vn_state *state, const struct vn_process *process, int *ret_fd, struct vn_error *err);

/* Who is at work on a VM: its pid, 0 where that cannot be told. -ESRCH: nobody. */
int vn_journal_holder(const struct vn_state *state, const struct vn_process *process, pid_t *ret_pid);

/* Tells that process to stop (SIGTERM). -ESRCH: nobody is at work on the VM. */
int vn_journal_stop(const struct vn_state *state, const struct vn_process *process, struct vn_error *err);

/*
 * Writes (or replaces) it; durable when this returns 0. This boot is written, whether move->boot is filled already or empty; another one
 * is refused.
 */
int vn_journal_write(const struct vn_state *state, const struct vn_move *move, struct vn_error *err);

/* Whether there is one of a process, sound or not. */
bool vn_journal_exists(const struct vn_state *state, const struct vn_process *process);

/* Reads the one of a process. -ENOENT without a problem: there is none. */
int vn_journal_read(const struct vn_state *state, const struct vn_process *process, struct vn_move **ret_move,
	struct vn_error *err);

struct vn_move_list {
	size_t n;
	struct vn_move **v; /* by when they were begun */
};

void vn_move_list_clear(struct vn_move_list *list);
#define vn_automovelist vn_cleanup(vn_move_list_clear) struct vn_move_list

/* All of them, with the progress of those under way; those of processes that are gone are swept. What cannot be read goes to `broken`. */
int vn_journal_list(const struct vn_state *state, struct vn_move_list *ret_list, struct vn_error *broken,
	struct vn_error *err);

/* Removes it: what it tells of was undone. */
int vn_journal_remove(const struct vn_state *state, const struct vn_process *process, struct vn_error *err);

/* How far it is, and in which order: for `vnuma moves`. Not synced; the next journal of the process supersedes it. 0 or a negative errno. */
int vn_journal_progress(const struct vn_state *state, const struct vn_move *move);
