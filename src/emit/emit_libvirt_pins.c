/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <vcpu>, <iothreads>, <cputune>: which CPUs each thread may use. Where disks could have iothreads and nobody asked for any, there is one
 * for each vnode with vCPUs, and the disks are spread over them. The nth iothread is that of the nth such vnode, however many there are:
 * of more threads a vnode has several, and its disks take turns; of fewer some serve disks of two. A guest that was no domain may ask for
 * a number, but which disk has which is settled here all the same.
 *
 * From libvirt 10.0 on a disk may have several, and then each serves the queues that the vCPUs of its vnode use (disk_queues.h):
 * <iothreads> in its <driver> (docs/formatdomain.rst; src/conf/schemas/domaincommon.rng, diskDriverIothreads). Each queue of `queues` is
 * there once. It needs QEMU 9.0.
 */
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "disk_queues.h"
#include "emit_libvirt_part.h"

#define HAS_QUEUE_MAPPING VN_TARGET_VERSION(10, 0, 0)

static const char *const before_iothreads[] = {
	"memory", "currentMemory", "memoryBacking", "vcpu", "vcpus", NULL};
static const char *const before_cputune[] = {"name", "uuid", "genid", "title", "description", "metadata",
	"maxMemory", "memory", "currentMemory", "memoryBacking", "blkiotune", "memtune", "vcpu", "vcpus",
	"iothreads", "iothreadids", NULL};

/* ---- iothreads ---- */

bool domain_is_virtio_disk(const struct domain_writer *w, size_t element)
{
	size_t target = vn_markup_child(w->doc, element, "target");
	const char *device = vn_markup_get(w->doc, element, "device");

	return strcmp(w->doc->elements[element].name, "disk") == 0 &&
	       domain_has(w, target, "bus", "virtio") &&
	       (!device || strcmp(device, "disk") == 0 || strcmp(device, "lun") == 0);
}

bool domain_is_virtio_scsi(const struct domain_writer *w, size_t element)
{
	const char *model = vn_markup_get(w->doc, element, "model");

	return strcmp(w->doc->elements[element].name, "controller") == 0 &&
	       domain_has(w, element, "type", "scsi") && model && strncmp(model, "virtio", 6) == 0;
}

static bool wants_iothread(const struct domain_writer *w, size_t element)
{
	size_t driver = vn_markup_child(w->doc, element, "driver");

	return (domain_is_virtio_disk(w, element) || domain_is_virtio_scsi(w, element)) &&
	       !vn_markup_get(w->doc, driver, "iothread") &&
	       vn_markup_child(w->doc, driver, "iothreads") == VN_MARKUP_NONE; /* a mapping of queues */
}

/* The guest's disk of an element, by its path; NULL: none. */
static const struct vn_disk *find_disk(const struct domain_writer *w, size_t element)
{
	size_t source = vn_markup_child(w->doc, element, "source");
	const char *path = vn_markup_get(w->doc, source, "file");

	if (!path)
		path = vn_markup_get(w->doc, source, "dev");
	for (size_t i = 0; path && i < w->guest->n_disks; i++) {
		if (strcmp(w->guest->disks[i].path, path) == 0)
			return &w->guest->disks[i];
	}
	return NULL;
}

int domain_disk_wish(const struct domain_writer *w, size_t element)
{
	const struct vn_disk *disk = find_disk(w, element);

	return disk ? disk->vnode : -1;
}

/* Whether several iothreads are to serve it: a command line says so. */
static bool is_dealt(const struct domain_writer *w, size_t element)
{
	const struct vn_disk *disk = find_disk(w, element);

	return disk && disk->dealt;
}

size_t domain_busy_place(const struct domain_writer *w, unsigned vnode)
{
	size_t i = 0;

	while (i < w->n_busy && w->busy[i] != vnode)
		i++;
	return i;
}

size_t domain_disk_place(const struct domain_writer *w, size_t element, size_t nth)
{
	int wish = domain_disk_wish(w, element);
	size_t place = wish < 0 ? w->n_busy : domain_busy_place(w, (unsigned)wish);

	return place < w->n_busy ? place : w->n_busy ? nth % w->n_busy : 0;
}

static void set_iothread(struct domain_writer *w, size_t element, size_t thread)
{
	size_t driver = vn_markup_child(w->doc, element, "driver");
	vn_autofree char *number = vn_format("%zu", thread);
	bool disk = domain_is_virtio_disk(w, element);

	if (driver != VN_MARKUP_NONE) {
		vn_xml_edit_set(&w->edit, driver, "iothread", number);
		return;
	}
	vn_autofree char *block = vn_format("<driver %siothread='%zu'/>", disk ? "name='qemu' " : "", thread);
	if (block)
		vn_xml_edit_inside(&w->edit, element, block);
	else
		w->edit.short_of_memory = true;
}

/* How many there are to be, when nobody has settled that in a domain. */
static size_t n_threads(const struct domain_writer *w)
{
	return w->guest->iothreads ? w->guest->iothreads : w->n_busy;
}

/* The thread, from 0, of the next disk or queue of a busy vnode: it has had `turn` so far. */
static size_t thread_of(const struct domain_writer *w, size_t place, size_t turn)
{
	size_t n = n_threads(w);

	if (n == 0 || w->n_busy == 0) /* nobody asks then; clang's analyzer cannot know */
		return 0;
	if (n <= place)
		return place % n;
	return place + turn % ((n - place - 1) / w->n_busy + 1) * w->n_busy;
}

/* ---- queues of disks ---- */

static void deal_queues(struct domain_writer *w)
{
	bool same = true;

	if (w->version < HAS_QUEUE_MAPPING || w->n_busy < 2)
		return;
	w->queue_vnodes = calloc(vn_disk_queues(w->guest), sizeof(*w->queue_vnodes));
	if (!w->queue_vnodes || vn_disk_queue_vnodes(w->guest, &w->plan->view, w->queue_vnodes, &same) < 0)
		w->edit.short_of_memory = true;
}

/* A disk that nobody wants to be served from one vnode, with as many queues as there are vCPUs, if it says how many. */
static bool maps_queues(const struct domain_writer *w, size_t element)
{
	const char *queues = vn_markup_get(w->doc, vn_markup_child(w->doc, element, "driver"), "queues");
	uint64_t n;

	return w->queue_vnodes && domain_is_virtio_disk(w, element) &&
	       (domain_disk_wish(w, element) < 0 || is_dealt(w, element)) &&
	       (!queues || (vn_parse_u64(queues, UINT32_MAX, &n) == 0 && n == vn_disk_queues(w->guest)));
}

static void put_mapping(const struct domain_writer *w, FILE *out)
{
	fputs("<iothreads>\n", out);
	for (size_t i = 0; i < n_threads(w); i++) {
		size_t turns[VN_MAX_VNODES] = {0}, n = 0;
		for (unsigned q = 0; q < vn_disk_queues(w->guest); q++) {
			size_t place = domain_busy_place(w, w->queue_vnodes[q]);
			if (place == w->n_busy || thread_of(w, place, turns[place]++) != i)
				continue;
			if (n++ == 0)
				fprintf(out, "\t<iothread id='%zu'>\n", i + 1);
			fprintf(out, "\t\t<queue id='%u'/>\n", q);
		}
		if (n > 0)
			fputs("\t</iothread>\n", out);
	}
	fputs("</iothreads>", out);
}

static void map_queues(struct domain_writer *w, size_t element)
{
	size_t driver = vn_markup_child(w->doc, element, "driver");
	vn_autofree char *queues = vn_format("%u", vn_disk_queues(w->guest));
	struct domain_block block;

	if (!domain_block_open(w, &block))
		return;
	put_mapping(w, block.out);
	if (driver != VN_MARKUP_NONE) {
		vn_xml_edit_set(&w->edit, driver, "queues", queues);
		domain_block_put(w, &block, driver, NULL, NULL);
		return;
	}
	struct domain_block whole;
	if (fclose(block.out) != 0 || !domain_block_open(w, &whole)) {
		w->edit.short_of_memory = true;
		free(block.text);
		return;
	}
	fprintf(whole.out, "<driver name='qemu' queues='%s'>\n", queues ? queues : "");
	domain_put_wrapped(whole.out, block.text);
	fputs("\n</driver>", whole.out);
	free(block.text);
	domain_block_put(w, &whole, element, NULL, NULL);
}

static bool has_iothreads(const struct domain_writer *w)
{
	return vn_markup_child(w->doc, 0, "iothreads") != VN_MARKUP_NONE ||
	       vn_markup_child(w->doc, 0, "iothreadids") != VN_MARKUP_NONE;
}

static void put_count(struct domain_writer *w)
{
	vn_autofree char *block = vn_format("<iothreads>%zu</iothreads>", n_threads(w));
	size_t anchor = VN_MARKUP_NONE;

	for (size_t i = 0; before_iothreads[i]; i++) {
		size_t found = vn_markup_child(w->doc, 0, before_iothreads[i]);
		anchor = found == VN_MARKUP_NONE ? anchor : found;
	}
	if (!block)
		w->edit.short_of_memory = true;
	else if (anchor != VN_MARKUP_NONE)
		vn_xml_edit_after(&w->edit, anchor, block);
	else
		vn_xml_edit_inside(&w->edit, 0, block);
}

void domain_write_iothreads(struct domain_writer *w)
{
	size_t devices = vn_markup_child(w->doc, 0, "devices"), n = 0, mapped = 0, joined = 0,
	       turns[VN_MAX_VNODES] = {0};

	if (has_iothreads(w) || w->n_busy == 0)
		return;
	deal_queues(w);
	for (size_t i = vn_markup_child(w->doc, devices, NULL); i != VN_MARKUP_NONE;
		i = vn_markup_next(w->doc, i, NULL)) {
		if (wants_iothread(w, i)) {
			if (maps_queues(w, i)) {
				map_queues(w, i);
				mapped++;
			} else {
				size_t place = domain_disk_place(w, i, n);
				set_iothread(w, i, thread_of(w, place, turns[place]++) + 1);
				joined += is_dealt(w, i) && n_threads(w) > 1;
			}
			n++;
		}
	}
	if (mapped)
		vn_notes_add(w->notes, "disk-queues",
			"queues of disks are dealt out to iothreads, as Linux 6.12 shares them among vCPUs: QEMU has that from 9.0 "
			"on");
	if (joined)
		vn_notes_add(w->notes, "disk-queues-joined",
			"%zu disks whose queues are dealt out to I/O threads are served by one each: libvirt has it otherwise from 10.0 on, "
			"where vCPUs are on several vnodes",
			joined);
	if (n > 0 || w->guest->iothreads)
		put_count(w);
}

/* Whether iothreads are there, or were put there. */
static size_t count_iothreads(const struct domain_writer *w)
{
	size_t devices = vn_markup_child(w->doc, 0, "devices");

	if (has_iothreads(w) || w->guest->iothreads)
		return w->guest->iothreads;
	for (size_t i = vn_markup_child(w->doc, devices, NULL); i != VN_MARKUP_NONE;
		i = vn_markup_next(w->doc, i, NULL)) {
		if (wants_iothread(w, i))
			return w->n_busy;
	}
	return 0;
}

/* ---- pins ---- */

/* A pin that is there is set, any other added to what will be put in. */
static void pin(struct domain_writer *w, size_t cputune, const char *name, const char *attribute,
	uint64_t number, hwloc_const_bitmap_t cpus, FILE *out)
{
	size_t element = attribute ? domain_numbered(w, cputune, name, attribute, number)
				   : vn_markup_child(w->doc, cputune, name);
	vn_autofree char *text = cpus ? vn_set_text(cpus) : NULL;

	if (!cpus || hwloc_bitmap_iszero(cpus))
		return; /* nothing that a thread could run on was planned: left as it is */
	w->edit.short_of_memory |= !text;
	if (element != VN_MARKUP_NONE)
		domain_set_set(w, element, "cpuset", cpus);
	else if (attribute)
		fprintf(out, "<%s %s='%llu' cpuset='%s'/>\n", name, attribute, (unsigned long long)number,
			text ? text : "");
	else
		fprintf(out, "<%s cpuset='%s'/>\n", name, text ? text : "");
}

/* The iothreads' numbers: <iothreadids> names some, the others get the lowest that are free. */
static void list_iothreads(const struct domain_writer *w, size_t n, uint64_t *ids)
{
	size_t list = vn_markup_child(w->doc, 0, "iothreadids"), k = 0, named;

	for (size_t i = vn_markup_child(w->doc, list, "iothread"); i != VN_MARKUP_NONE && k < n;
		i = vn_markup_next(w->doc, i, "iothread")) {
		const char *text = vn_markup_get(w->doc, i, "id");
		if (text && vn_parse_u64(text, UINT32_MAX, &ids[k]) == 0)
			k++;
	}
	named = k;
	for (uint64_t id = 1; k < n; id++) {
		bool taken = false;
		for (size_t i = 0; i < named && !taken; i++)
			taken = ids[i] == id;
		if (!taken)
			ids[k++] = id;
	}
}

static void pin_iothreads(struct domain_writer *w, size_t cputune, FILE *out)
{
	size_t n = w->n_busy > 0 ? count_iothreads(w) : 0;
	vn_autofree uint64_t *ids = calloc(n + 1, sizeof(*ids));

	if (!ids) {
		w->edit.short_of_memory = true;
		return;
	}
	list_iothreads(w, n, ids);
	for (size_t i = 0; i < n; i++)
		pin(w, cputune, "iothreadpin", "iothread", ids[i],
			w->plan->vnodes[w->busy[i % w->n_busy]].cpus, out);
}

static void remove_pins(struct domain_writer *w, size_t cputune)
{
	for (size_t i = vn_markup_child(w->doc, cputune, "vcpupin"); i != VN_MARKUP_NONE;
		i = vn_markup_next(w->doc, i, "vcpupin")) {
		const char *text = vn_markup_get(w->doc, i, "vcpu");
		uint64_t vcpu;
		if (text && vn_parse_u64(text, UINT32_MAX, &vcpu) == 0 && vcpu >= w->plan->n_vcpus)
			vn_xml_edit_remove(&w->edit, i);
	}
}

void domain_write_pins(struct domain_writer *w)
{
	size_t cputune = vn_markup_child(w->doc, 0, "cputune"), vcpu = vn_markup_child(w->doc, 0, "vcpu");
	struct domain_block block;

	if (domain_has(w, vcpu, "placement", "auto"))
		vn_xml_edit_set(&w->edit, vcpu, "placement", "static");
	if (!domain_block_open(w, &block))
		return;
	remove_pins(w, cputune);
	for (unsigned i = 0; i < w->plan->n_vcpus; i++)
		pin(w, cputune, "vcpupin", "vcpu", i, w->plan->vcpu_cpus[i], block.out);
	pin(w, cputune, "emulatorpin", NULL, 0, w->plan->emulator_cpus, block.out);
	pin_iothreads(w, cputune, block.out);
	domain_block_put(w, &block, cputune, "cputune", before_cputune);
}
