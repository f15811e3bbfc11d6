/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The state directory: what is known of the VMs that vnuma started.
 *
 * /run/vnuma for root, $XDG_RUNTIME_DIR/vnuma for others, $VNUMA_STATE_DIR before both (for tests). Mode
 * 0700, owned by its user: who may write there decides which processes vnuma signals.
 *
 * Theory of operation: one NAME.json per VM, beside it NAME.qmp (QEMU's socket) and NAME.log (what QEMU
 * printed); and sockets of channels that have no path of their own, or were given one there. A record is written to a temporary file, synced and renamed, so that a reader finds the old one
 * or the new one and a full file system leaves nothing behind. The file `lock` is held (flock) from before
 * the name is looked up and the host is read until the start is on record, and while the files of a dead VM
 * are swept: so two starts neither take one name nor plan on the same free memory, and a sweep never takes
 * away the files of a new VM of the same name. It is never held for long.
 */

#include "../model/vm.h"

struct vn_state {
	int fd; /* the directory */
	char *path; /* absolute */
};

/* Opens the directory, made when missing. */
int vn_state_open(struct vn_state *ret_state, struct vn_error *err);

/* Does not make it, for who only reads: where it is missing there is no record. -ENOENT then, and no problem. */
int vn_state_open_existing(struct vn_state *ret_state, struct vn_error *err);

/* As vn_state_open() for a given path. */
int vn_state_open_at(const char *path, struct vn_state *ret_state, struct vn_error *err);
void vn_state_close(struct vn_state *state);
#define vn_autostate vn_cleanup(vn_state_close) struct vn_state

/* Takes the lock, waiting up to `timeout_ms`; it is released when *ret_fd is closed. -ETIMEDOUT. */
int vn_state_lock(const struct vn_state *state, int timeout_ms, int *ret_fd, struct vn_error *err);

/*
 * Writes (or replaces) a file of the directory: a temporary one, renamed when it is whole, mode 0600. Durable: it and the directory
 * are synced. On failure (a negative errno) the old one is still there, but for a failed sync of the directory.
 */
int vn_state_put(const struct vn_state *state, const char *name, const void *data, size_t size, bool durable);

/* The whole of a file of the directory, new, with a 0 behind it. -ENOENT, -ELOOP (a link), -EFBIG (above `max`, or no file). */
int vn_state_get(
	const struct vn_state *state, const char *name, size_t max, char **ret_data, size_t *ret_size);

/* Names of files of the directory. */
struct vn_state_names {
	size_t n;
	char **v; /* numbers in them by their value */
};

void vn_state_names_clear(struct vn_state_names *names);
#define vn_autostatenames vn_cleanup(vn_state_names_clear) struct vn_state_names

/* Those that `is_wanted` says. */
int vn_state_names(const struct vn_state *state, bool (*is_wanted)(const char *name),
	struct vn_state_names *ret_names, struct vn_error *err);

/* Writes (or replaces) the record of a VM. On failure the old one is still there. */
int vn_state_write(const struct vn_state *state, const struct vn_vm *vm, struct vn_error *err);

/* Reads a record. -ENOENT, with a problem of the input, when no VM has this name. */
int vn_state_read(
	const struct vn_state *state, const char *name, struct vn_vm **ret_vm, struct vn_error *err);

struct vn_vm_list {
	size_t n;
	struct vn_vm **v; /* by name */
};

void vn_vm_list_clear(struct vn_vm_list *list);
#define vn_autovmlist vn_cleanup(vn_vm_list_clear) struct vn_vm_list

/* All records. One that cannot be read is added to `broken`, and the others are listed all the same. */
int vn_state_list(const struct vn_state *state, struct vn_vm_list *ret_list, struct vn_error *broken,
	struct vn_error *err);

/* Removes a VM's record, socket and log, and sockets of its channels in the directory, unless the record is of another process by now. */
int vn_state_sweep(const struct vn_state *state, const struct vn_vm *vm, struct vn_error *err);

/* "PATH/NAMESUFFIX", a new string, or NULL. */
char *vn_state_file(const struct vn_state *state, const char *name, const char *suffix);
