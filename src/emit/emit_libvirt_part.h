/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the domain writer share (not for other folders). */

#include "emit_libvirt.h"
#include "xml.h"
#include "xml_edit.h"

struct domain_writer {
	const struct vn_plan *plan;
	const struct vn_guest *guest;
	const struct vn_markup *doc;
	struct vn_xml_edit edit;
	struct vn_notes *notes;
	unsigned version; /* of the libvirt it is for */
	unsigned *
		queue_vnodes; /* the vnode of each queue that a disk is to have; owned; NULL: queues are not dealt out */
	size_t n_busy;
	unsigned busy[VN_MAX_VNODES]; /* the vnodes that have vCPUs: devices are spread over them */
};

/* A block that is being written; NULL when memory is short. The block is put in, or dropped when empty, by its own function. */
struct domain_block {
	char *text;
	size_t size;
	FILE *out;
};

bool domain_block_open(struct domain_writer *w, struct domain_block *block);
/* Puts what was written last into `parent` (but an empty block nowhere). When there is no such element: behind the root's last child of
 * those that are named in `anchors` (ends in NULL), in `wrapper`. */
void domain_block_put(struct domain_writer *w, struct domain_block *block, size_t parent, const char *wrapper,
	const char *const *anchors);

/* Each line one step deeper. */
void domain_put_wrapped(FILE *out, const char *block);

/* Sets an attribute to a set of numbers, unless it is that set already. */
void domain_set_set(struct domain_writer *w, size_t element, const char *name, hwloc_const_bitmap_t set);

/* The element of a number: `name` in `parent` whose attribute is that number. */
size_t domain_numbered(const struct domain_writer *w, size_t parent, const char *name, const char *attribute,
	uint64_t number);

bool domain_has(const struct domain_writer *w, size_t element, const char *attribute, const char *value);

/* The domain of a guest that was none: all but what the others fill in. NULL when memory is short. */
char *domain_skeleton(const struct vn_guest *guest, struct vn_notes *notes);

void domain_put_devices(struct vn_xml *xml, const struct vn_guest *guest,
	struct vn_notes *notes); /* emit_libvirt_devices.c */
/* `<name attribute='value'/>` */
void domain_put_one(struct vn_xml *xml, const char *name, const char *attribute, const char *value);

void domain_write_cells(struct domain_writer *w); /* emit_libvirt_numa.c */
void domain_write_numatune(struct domain_writer *w);
void domain_put_caches(const struct domain_writer *w, size_t vnode, FILE *out); /* …_hmat.c */
void domain_put_interconnects(const struct domain_writer *w, FILE *out);
void domain_write_iothreads(struct domain_writer *w); /* …_pins.c */
void domain_write_pins(struct domain_writer *w);
void domain_write_expanders(struct domain_writer *w); /* …_pci.c */

/* A vnode's place in `busy`; n_busy: it has no vCPUs. */
size_t domain_busy_place(const struct domain_writer *w, unsigned vnode);

/* The vnode that a disk of the guest's is to be served from, by its path; -1: any. */
int domain_disk_wish(const struct domain_writer *w, size_t element);

/* Which of the busy vnodes the nth disk of those that have an iothread is served from: its place in `busy`. */
size_t domain_disk_place(const struct domain_writer *w, size_t element, size_t nth);

/* Whether a device is a disk (or a SCSI controller) of virtio's, which an iothread can serve. */
bool domain_is_virtio_disk(const struct domain_writer *w, size_t element);
bool domain_is_virtio_scsi(const struct domain_writer *w, size_t element);
