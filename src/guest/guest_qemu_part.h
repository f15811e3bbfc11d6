/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the reader of QEMU command lines share (not for other folders): the options, and typed access to their keys. */

#include "../base/keyval.h"
#include "../base/qemu_options.h"
#include "../base/words.h"
#include "guest_qemu.h"

#define QEMU_MAX_PROBLEMS 50u /* told of one command line; the rest is counted */
#define QEMU_MAX_OPTIONS 4096u /* of a command line; a guest of 32 vnodes with a hundred devices has 1500 */
#define QEMU_MAX_NODES 128u /* of the guest and of the host (QEMU's include/sysemu/numa.h, MAX_NODES) */
#define QEMU_RAM_ALIGN 8192u /* bytes that -m is rounded up to (system/vl.c) */

struct qemu_option {
	const char *
		name; /* "-numa": the table's, without a second dash; as written when it is not in the table; "": a disk image */
	bool known;
	const char *value; /* NULL: none belongs to it; of the words */
	unsigned line;
	size_t word; /* that it begins with */
	struct vn_keyval keys; /* of options whose keys are read; empty when they could not be */
	bool unread; /* its keys could not be read, which has been told */
};

/* Memory as -object memory-backend-* describes it. */
struct qemu_backend {
	const struct qemu_option *option;
	const char *id;
	uint64_t size; /* bytes; 0 when it was wrong, which has been told */
	hwloc_bitmap_t nodes; /* of the host; owned; NULL: none named */
	enum vn_binding binding; /* to `nodes` */
	uint64_t page; /* bytes; 0: ordinary pages */
	const char *user; /* option that has it for its memory; NULL: none so far */
};

/* As far as it matters which machine it is. */
#define QEMU_VERSION(major, minor) ((major)*1000u + (minor))
enum qemu_machine { QEMU_MACHINE_OTHER, QEMU_MACHINE_PC, QEMU_MACHINE_Q35 };

struct qemu_reader {
	struct vn_guest *guest; /* being filled; guest->file is set */
	struct vn_error *err;
	struct vn_words words;
	size_t n_options;
	struct qemu_option *options;
	size_t n_backends;
	struct qemu_backend *backends;
	const struct qemu_option *nodes[VN_MAX_VNODES]; /* the -numa node of each vnode */
	bool x86;
	enum qemu_machine machine;
	unsigned machine_version; /* 7002 of pc-q35-7.2; 0: the machine type does not tell */
	uint64_t maxmem; /* bytes, as told; 0: not */
	uint64_t ram; /* bytes at start, as -m says or means them */
	bool ram_told, ram_known,
		vcpus_known; /* what was wrong is not known: nothing is checked against it */
	bool pages_told; /* that memory is no multiple of its huge pages */
	size_t problems;
	bool short_of_memory;
};

/* ---- guest_qemu_options.c ---- */

/* Makes the options of the words, and tells what is wrong with them as such. */
void qemu_split_options(struct qemu_reader *r);

/* Adds a problem of an option; NULL: of the command line. */
void qemu_problem(struct qemu_reader *r, const struct qemu_option *option, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds a note that begins with the option and its line. */
void qemu_note(struct qemu_reader *r, const struct qemu_option *option, const char *code, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/* The options of a name one by one: the one behind `previous` (NULL: the first), or NULL. */
const struct qemu_option *qemu_next(
	const struct qemu_reader *r, const char *name, const struct qemu_option *previous);

/* The last option of a name that has the key, as QEMU merges -m, -smp, -machine and -name; or NULL. */
const struct qemu_option *qemu_last(const struct qemu_reader *r, const char *name, const char *key);

/* A number between min and max. False, and *ret as it was, when the key is not there or wrong (a problem is added then). */
bool qemu_number(struct qemu_reader *r, const struct qemu_option *option, const char *key, uint64_t min,
	uint64_t max, uint64_t *ret);

/* Bytes, as `1536`, `1.5G`, `219136k`; `unit` is what a number without a suffix counts. At most VN_MAX_MEMORY. The same. */
bool qemu_bytes(struct qemu_reader *r, const struct qemu_option *option, const char *key, uint64_t unit,
	uint64_t *ret);

/* Members of all the key's values, `0-3` or `5`, up to `max`; NULL when it is not there, or wrong. */
hwloc_bitmap_t qemu_set(
	struct qemu_reader *r, const struct qemu_option *option, const char *key, unsigned max);

/* on, yes, true, y and off, no, false, n; `fallback` when it is not there, or wrong. */
bool qemu_switch(struct qemu_reader *r, const struct qemu_option *option, const char *key, bool fallback);

/* Index of the key's value in `choices` (ends in NULL); `fallback` when it is not there; -1 when it is wrong. */
int qemu_choice(struct qemu_reader *r, const struct qemu_option *option, const char *key,
	const char *const *choices, int fallback);

/* ---- guest_qemu_type.c, guest_qemu_slots.c ---- */

/* The program and the machine type: r->x86, r->machine, r->machine_version. */
void qemu_read_type(struct qemu_reader *r);

/* Behind the vnodes: what is not for that machine. */
void qemu_check_type(struct qemu_reader *r);

/* The slots of -m, and whether memory devices have one each. */
void qemu_check_slots(struct qemu_reader *r);

/* ---- guest_qemu_smp.c ---- */

void qemu_read_smp(struct qemu_reader *r);

/* Behind the vnodes: cores that are not whole cannot be told in the guest. */
void qemu_settle_threads(struct qemu_reader *r);

/* ---- guest_qemu_memory.c ---- */

void qemu_read_backends(struct qemu_reader *r);

/* The backend that an option names with `key`, for its own use alone; NULL when it is not there or in use (a problem is added). */
struct qemu_backend *qemu_take_backend(
	struct qemu_reader *r, const struct qemu_option *option, const char *key);

/* -m, -machine memory-backend: r->ram, guest->maxmem. */
void qemu_read_ram(struct qemu_reader *r);

/* Ties a vnode to the nodes that its memory's backend names; gives it the backend's pages. */
void qemu_bind_vnode(struct qemu_reader *r, struct vn_vnode *vnode, const struct qemu_backend *backend);

/* -machine memory-backend, -mem-path: the memory of all vnodes that have none of their own. */
void qemu_bind_all(struct qemu_reader *r);

/* DIMMs and the like, behind the vnodes; sums up. */
void qemu_read_dimms(struct qemu_reader *r);
void qemu_settle_memory(struct qemu_reader *r);

/* ---- guest_qemu_numa.c, guest_qemu_distances.c, guest_qemu_hmat.c ---- */

void qemu_read_numa(struct qemu_reader *r); /* vnodes, their memory and vCPUs; or one, left open */
void qemu_read_distances(struct qemu_reader *r);
void qemu_read_hmat(struct qemu_reader *r);

/* The vnode that an option names with `key`; -1 when it is not there, or wrong (a problem is added; also when `must` be there). */
int qemu_vnode(struct qemu_reader *r, const struct qemu_option *option, const char *key, bool must);

/* ---- guest_qemu_disks.c, guest_qemu_devices.c ---- */

/* The vnode of a device by the pxb that it is behind; -1: none. */
int qemu_device_vnode(struct qemu_reader *r, const struct qemu_option *device);
void qemu_read_devices(struct qemu_reader *r); /* host devices, network, buses */
void qemu_read_disks(struct qemu_reader *r);

/* ---- guest_qemu_channels.c ---- */

void qemu_read_channels(struct qemu_reader *r);

/* ---- guest_qemu_machine.c ---- */

void qemu_read_machine(struct qemu_reader *r); /* before disks */
bool qemu_backend_is_shared(struct qemu_reader *r, const struct qemu_backend *backend);

/* A list that grows by one zeroed entry, which is returned; NULL (short_of_memory) on want of memory. */
void *qemu_append(struct qemu_reader *r, void *list, size_t *n, size_t size);
