/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: everything that comes back is checked: whoever runs the VM may have put anything there. Addresses are in
 * `info ramblock` since QEMU 8.0 (columns HVA and RO of ram_block_format(), softmmu/physmem.c, now system/physmem.c: "memory: Dump HPA
 * and access type of ramblocks", pulled in March 2023); an older one tells sizes only. Machines that keep old ids
 * (x-use-canonical-path-for-ramblock-id) call a backend's block /objects/ID.
 */
#define _GNU_SOURCE
#include "monitor_facts.h"

#include <inttypes.h>
#include <string.h>

#define MAX_ENTRIES 4096u

void vn_monitor_facts_clear(struct vn_monitor_facts *facts)
{
	free(facts->threads);
	free(facts->blocks);
	*facts = (struct vn_monitor_facts){0};
}

/* ---- answers ---- */

static bool read_number(const json_t *object, const char *key, json_int_t most, json_int_t *ret)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > most)
		return false;
	*ret = json_integer_value(value);
	return true;
}

static void read_text(const json_t *object, const char *key, char ret[static VN_SAMPLE_TEXT])
{
	const json_t *value = json_object_get(object, key);

	vn_sample_text(json_is_string(value) ? json_string_value(value) : "",
		json_is_string(value) ? json_string_length(value) : 0, ret, VN_SAMPLE_TEXT);
}

static int append_thread(struct vn_monitor_facts *facts, const struct vn_monitor_thread *thread)
{
	struct vn_monitor_thread *grown = reallocarray(facts->threads, facts->n_threads + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	facts->threads = grown;
	grown[facts->n_threads++] = *thread;
	return 0;
}

/* Entries of an array that are all good. 0, -EPROTO, -ENOMEM. */
static int read_threads(const json_t *array, enum vn_thread_kind kind, struct vn_monitor_facts *facts)
{
	size_t i;
	json_t *entry;
	int r = json_is_array(array) && json_array_size(array) <= MAX_ENTRIES ? 0 : -EPROTO;

	if (r < 0)
		return r;
	json_array_foreach (array, i, entry) {
		struct vn_monitor_thread thread = {.kind = kind, .index = -1};
		json_int_t tid, index = -1;
		if (!read_number(entry, "thread-id", INT32_MAX, &tid) || tid == 0)
			return -EPROTO;
		if (kind == VN_THREAD_VCPU && !read_number(entry, "cpu-index", VN_MAX_VCPUS * 4, &index))
			return -EPROTO;
		thread.tid = (pid_t)tid;
		thread.index = (int)index;
		if (kind == VN_THREAD_IOTHREAD)
			read_text(entry, "id", thread.id);
		r = append_thread(facts, &thread);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_blocks(const json_t *array, struct vn_monitor_facts *facts)
{
	size_t i;
	json_t *entry;

	if (!json_is_array(array) || json_array_size(array) > MAX_ENTRIES)
		return -EPROTO;
	facts->blocks = calloc(json_array_size(array) + 1, sizeof(*facts->blocks));
	if (!facts->blocks)
		return -ENOMEM;
	json_array_foreach (array, i, entry) {
		struct vn_monitor_block *block = &facts->blocks[facts->n_blocks];
		json_int_t size;
		if (!read_number(entry, "size", (json_int_t)VN_MAX_MEMORY, &size) || size == 0)
			return -EPROTO;
		block->size = (uint64_t)size;
		block->vnode = -1;
		read_text(entry, "id", block->id);
		facts->n_blocks++;
	}
	return 0;
}

/* "4 KiB" as 4096 */
static uint64_t read_page(const char *number, const char *unit)
{
	static const char units[] = "KMG";
	const char *at = *unit ? strchr(units, *unit) : NULL;
	uint64_t n = strtoull(number, NULL, 10);

	return at && n < 1024 ? n << (10 * (unsigned)(at - units + 1)) : 0;
}

/* The id of a backend, which may be told as its path among QEMU's objects. */
static const char *id_of(const char *name)
{
	static const char prefix[] = "/objects/";

	return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : name;
}

/* "   ram0    4 KiB  0x… 0x… 0x… 0x00007f… rw": name, page, offset, used, total; then, if it is told, the address. */
static void read_ramblock_line(const char *line, bool has_address, struct vn_monitor_facts *facts)
{
	char name[VN_SAMPLE_TEXT], number[16], unit[8];
	uint64_t total, address = 0;
	/* 16 digits do not overflow. NOLINTNEXTLINE(cert-err34-c) */
	int n = sscanf(line, " %127s %15[0-9] %7s 0x%*16[0-9a-f] 0x%*16[0-9a-f] 0x%16" SCNx64 " 0x%16" SCNx64,
		name, number, unit, &total, &address);

	if (n < 4)
		return;
	const char *id = id_of(name);
	for (size_t i = 0; i < facts->n_blocks; i++) {
		struct vn_monitor_block *block = &facts->blocks[i];
		if (strcmp(block->id, id) != 0)
			continue;
		block->page = read_page(number, unit);
		block->address = n == 5 && has_address ? address : 0;
	}
}

static void read_ramblocks(char *text, struct vn_monitor_facts *facts)
{
	bool has_address = strstr(text, " HVA ") != NULL;

	for (char *line; (line = strsep(&text, "\r\n"));)
		read_ramblock_line(line, has_address, facts);
}

/*
 * [{"type": "dimm", "data": {"memdev": "/objects/m1", "node": 1, …}}]: which vnode has which backend, of devices that were there at start
 * and of those that were plugged in later (qapi/machine.json, MemoryDeviceInfo). Kinds without a node are passed over.
 */
static int read_memory_devices(const json_t *array, struct vn_monitor_facts *facts)
{
	size_t i;
	json_t *entry;

	if (!json_is_array(array) || json_array_size(array) > MAX_ENTRIES)
		return -EPROTO;
	json_array_foreach (array, i, entry) {
		const json_t *data = json_object_get(entry, "data");
		char memdev[VN_SAMPLE_TEXT];
		json_int_t node, requested;
		read_text(data, "memdev", memdev);
		if (!read_number(data, "node", VN_MAX_VNODES - 1, &node))
			continue;
		for (size_t k = 0; k < facts->n_blocks; k++) {
			struct vn_monitor_block *block = &facts->blocks[k];
			if (strcmp(block->id, id_of(memdev)) != 0)
				continue;
			block->vnode = (int)node;
			block->virtio_mem = read_number(data, "requested-size", INT64_MAX, &requested);
			block->requested = block->virtio_mem ? (uint64_t)requested : 0;
		}
	}
	return 0;
}

/* ---- all ---- */

int vn_monitor_facts_read(struct vn_monitor_facts *facts, enum vn_question question, const json_t *answer)
{
	if (question == VN_ASK_CPUS)
		return read_threads(answer, VN_THREAD_VCPU, facts);
	if (question == VN_ASK_IOTHREADS)
		return read_threads(answer, VN_THREAD_IOTHREAD, facts);
	if (question == VN_ASK_MEMDEVS)
		return read_blocks(answer, facts);
	if (question == VN_ASK_MEMORY_DEVICES)
		return read_memory_devices(answer, facts);
	vn_autofree char *text = json_is_string(answer) ? strdup(json_string_value(answer)) : NULL;
	if (!text)
		return json_is_string(answer) ? -ENOMEM : -EPROTO;
	read_ramblocks(text, facts);
	return 0;
}
