/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the domain reader share (not for other folders): the place, and typed access to elements. */

#include "../base/markup.h"
#include "guest_libvirt.h"

struct domain_reader {
	const struct vn_markup *doc;
	struct vn_guest *guest; /* being filled; guest->file is set */
	struct vn_error *err;
	bool memory_known, vcpus_known,
		vnodes_known; /* false when they were wrong: what depends on them is not checked against them */
	bool iothreads_known; /* guest->iothreads is what the domain says */
	bool has_cells; /* <cpu><numa> is there */
	uint64_t memory; /* <memory>, bytes; 0: not given */
	uint64_t unrequested; /* bytes that memory devices could have and are not asked for at start */
	size_t told; /* problems so far */
	bool short_of_memory;
};

/* Adds a problem about an element, or (unless NULL) an attribute of it. */
void domain_problem(struct domain_reader *r, size_t element, const char *attribute, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* An attribute's value; NULL after a problem when it is not there. */
const char *domain_need(struct domain_reader *r, size_t element, const char *attribute, const char *expected);

/* A number from min to max: an attribute's, or (attribute NULL) what stands in the element. False when it is not there, or wrong: then
 * a problem is added. */
bool domain_number(struct domain_reader *r, size_t element, const char *attribute, uint64_t min, uint64_t max,
	uint64_t *ret);

/* A number that must be there. */
bool domain_need_number(struct domain_reader *r, size_t element, const char *attribute, uint64_t min,
	uint64_t max, uint64_t *ret);

/* The same of bytes, in the unit that attribute `unit` says, KiB when there is none. */
bool domain_size(struct domain_reader *r, size_t element, const char *attribute, uint64_t *ret_bytes);

/* A set in libvirt's form, "0-3,^1,8"; new. NULL when it is not there, or wrong or empty: then a problem is added. */
hwloc_bitmap_t domain_set(struct domain_reader *r, size_t element, const char *attribute);

/* Index of an attribute's value in `choices` (ends in NULL); `fallback` when it is not there, or wrong: then a problem is added. */
int domain_choice(struct domain_reader *r, size_t element, const char *attribute, const char *const *choices,
	int fallback);

/* Whether an attribute is there and has that value. */
bool domain_says(const struct domain_reader *r, size_t element, const char *attribute, const char *value);

/* All elements at a path: for_each_domain(r, i, "devices/disk"). The path's last part may be many, the ones before it are the first. */
#define for_each_domain(r, i, parent, name)                                                                  \
	for (size_t i = vn_markup_child((r)->doc, vn_markup_find((r)->doc, 0, parent), name);                \
		(i) != VN_MARKUP_NONE; (i) = vn_markup_next((r)->doc, i, name))

void domain_read_cells(struct domain_reader *r); /* guest_libvirt_numa.c: after vCPUs, <memory> */
void domain_read_hmat(struct domain_reader *r, size_t n_cells, const size_t *cells); /* …_hmat.c */
void domain_read_backing(struct domain_reader *r); /* …_tune.c: after the vnodes */
void domain_read_numatune(struct domain_reader *r);
void domain_read_cputune(struct domain_reader *r);
void domain_read_machine(struct domain_reader *r); /* …_machine.c: after what is planned by */
void domain_read_iothreads(struct domain_reader *r); /* …_iothreads.c: before what names some */
void domain_read_devices(struct domain_reader *r); /* …_devices.c */
void domain_read_channels(struct domain_reader *r); /* …_channels.c */
void domain_read_memory_devices(struct domain_reader *r); /* …_memory.c */

/* Checks that an attribute that names an iothread names one that is there. */
void domain_check_iothread(struct domain_reader *r, size_t element, const char *attribute);

/* A device that the planner does not see. */
void domain_note_left_out(struct domain_reader *r, size_t element, const char *what);
