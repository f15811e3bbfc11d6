/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the config reader share (not for other folders): the place, and typed access to keys. */

#include "../base/cfg.h"
#include "guest_cfg.h"
#include "guest_told.h"

struct guest_reader {
	const struct vn_cfg *cfg;
	struct guest_told told; /* by the second or third dialect */
	bool defaults; /* replace wrong NUMA options instead of refusing them */
	struct vn_guest *guest; /* being filled; guest->file is set */
	struct vn_error *err;
	bool memory_known, vcpus_known,
		vnodes_known; /* false when they were wrong: what depends on them is not
							 checked against them */
	bool sizes_known; /* the same of each vnode's memory */
	bool short_of_memory;
};

/* Adds a problem at `line` about `key`. */
void guest_problem(struct guest_reader *r, unsigned line, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A number between min and max; `fallback` when the key is not there or wrong (then a problem is added). */
uint64_t guest_number(struct guest_reader *r, const char *key, uint64_t min, uint64_t max, uint64_t fallback);

/* A string, as a new copy; NULL when the key is not there or wrong. */
char *guest_string(struct guest_reader *r, const char *key);

/* Index of the string's value in `choices` (ends in NULL); `fallback` when not there or wrong. */
int guest_choice(struct guest_reader *r, const char *key, const char *const *choices, int fallback);

/* Whether a value is a number (quoted ones count, as in xl) of at most `max`. */
bool guest_value_number(const struct vn_cfg_value *value, uint64_t max, uint64_t *ret);

/* A wrong NUMA option: refused, or with --defaults replaced by its default. */
void guest_wrong(struct guest_reader *r, const struct vn_cfg_entry *entry, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same in a line further down in the option's value. */
void guest_wrong_line(struct guest_reader *r, const struct vn_cfg_entry *entry, unsigned line,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The numbers of a flat list, `want` of them, each at most `max`. NULL (after a problem) when it is anything else. */
uint64_t *guest_numbers(struct guest_reader *r, const struct vn_cfg_entry *entry, size_t want, uint64_t max,
	const char *expected);

/* Puts each vCPU on its vnode, `vnodes[vCPU]`, unless that parts the threads of a core. */
void guest_apply_vcpumap(struct guest_reader *r, const struct vn_cfg_entry *entry, const uint64_t *vnodes);

/* guest_numa.c: memory, vcpus and name are set; fills guest->vnodes. */
void guest_read_numa(struct guest_reader *r);

/* guest_growth.c: how far each vnode's memory may shrink and grow; its memory is known. */
void guest_read_growth(struct guest_reader *r);

/* guest_devices.c */
void guest_read_disks(struct guest_reader *r);
void guest_read_vifs(struct guest_reader *r);
void guest_read_pci(struct guest_reader *r); /* after the vnodes */
void guest_read_channels(struct guest_reader *r); /* guest_channels.c */
