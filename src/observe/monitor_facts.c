/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: four questions, all of which QEMU answers from what it has at hand; none changes anything. Everything that
 * comes back is checked: whoever runs the VM may have put anything there. Addresses are in `info ramblock` since QEMU 8.0 (columns
 * HVA and RO, system/physmem.c, ram_block_format()); an older one tells sizes only. Machines that keep old ids
 * (x-use-canonical-path-for-ramblock-id) call a backend's block /objects/ID.
 */
#define _GNU_SOURCE
#include "monitor_facts.h"

#include <inttypes.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/text.h"
#include "../qmp/qmp.h"
#include "monitor_socket.h"

#define ALL_MS 280 /* from the greeting to the last answer */
#define GREETING_MS 100 /* each of greeting and negotiation */
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

/* "   ram0    4 KiB  0x… 0x… 0x… 0x00007f… rw": name, page, offset, used, total; then, if it is told, the address. */
static void read_ramblock_line(const char *line, bool has_address, struct vn_monitor_facts *facts)
{
	static const char prefix[] = "/objects/";
	char name[VN_SAMPLE_TEXT], number[16], unit[8];
	uint64_t total, address = 0;
	/* 16 digits do not overflow. NOLINTNEXTLINE(cert-err34-c) */
	int n = sscanf(line, " %127s %15[0-9] %7s 0x%*16[0-9a-f] 0x%*16[0-9a-f] 0x%16" SCNx64 " 0x%16" SCNx64,
		name, number, unit, &total, &address);

	if (n < 4)
		return;
	const char *id = strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : name;
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

/* ---- questions ---- */

static int execute(
	struct vn_qmp *qmp, int64_t deadline, const char *command, json_t **ret, struct vn_error *err)
{
	vn_qmp_set_timeout(qmp, vn_left_ms(deadline));
	return vn_qmp_execute(qmp, command, NULL, ret, err);
}

static int ask_all(struct vn_qmp *qmp, int64_t deadline, struct vn_monitor_facts *facts, struct vn_error *err)
{
	json_auto_t *cpus = NULL, *iothreads = NULL, *memdevs = NULL;
	vn_autofree char *ramblocks = NULL;
	int r = execute(qmp, deadline, "query-cpus-fast", &cpus, err);

	if (r == 0)
		r = read_threads(cpus, VN_THREAD_VCPU, facts);
	if (r == 0)
		r = execute(qmp, deadline, "query-iothreads", &iothreads, err);
	if (r == 0)
		r = read_threads(iothreads, VN_THREAD_IOTHREAD, facts);
	if (r == 0)
		r = execute(qmp, deadline, "query-memdev", &memdevs, err);
	if (r == 0)
		r = read_blocks(memdevs, facts);
	if (r < 0)
		return r;
	vn_qmp_set_timeout(qmp, vn_left_ms(deadline));
	if (vn_qmp_human(qmp, "info ramblock", &ramblocks, NULL) ==
		0) /* built without HMP: no addresses then */
		read_ramblocks(ramblocks, facts);
	return 0;
}

static int tell_gap(struct vn_vm_sample *vm, int status, const struct vn_error *err)
{
	const char *why = status == -EBUSY                   ? "somebody is connected to it"
			  : status == -EPERM                 ? "it is another process that listens there"
			  : status == -EPROTO && err->n == 0 ? "what it answered is not understood"
			  : err->n > 0                       ? err->problems[0].text
							     : strerror(-status);
	char text[2 * VN_SAMPLE_TEXT];

	if (status == -EACCES || (status == -EPERM && err->n > 0))
		return vn_notes_add(&vm->gaps, "monitor-not-asked",
			"its QMP socket was not asked: not permitted; as user %u, or with CAP_SYS_PTRACE and CAP_DAC_OVERRIDE, it can",
			(unsigned)vm->uid);
	vn_sample_text(why, strlen(why), text, sizeof(text));
	return vn_notes_add(&vm->gaps, "monitor-not-asked", "its QMP socket was not asked: %s", text);
}

/* A manager wants its monitor for itself, even if it has not come yet. */
static bool may_ask(const struct vn_survey *survey, const struct vn_vm_sample *vm)
{
	return survey->qmp && survey->root->live &&
	       (vm->manager == VN_MANAGER_NONE || vm->manager == VN_MANAGER_VNUMA);
}

static int ask(const struct vn_survey *survey, const struct vn_vm_sample *vm, const char *path,
	struct vn_monitor_facts *facts, struct vn_error *err)
{
	int64_t deadline = vn_now_ms() + ALL_MS;
	struct vn_qmp_limits limits = {GREETING_MS, {survey->stop_fd, -1}};
	vn_autoqmp *qmp = NULL;
	int fd = vn_monitor_connect(survey, vm, path);
	if (fd < 0)
		return fd;
	int r = vn_qmp_attach(fd, path, &limits, &qmp, err);
	return r < 0 ? r : ask_all(qmp, deadline, facts, err);
}

int vn_monitor_ask(
	const struct vn_survey *survey, struct vn_vm_sample *vm, struct vn_monitor_facts *ret_facts)
{
	vn_autofacts facts = {0};
	vn_autoerror err = {0};
	vn_autofree char *path = NULL;

	if (!may_ask(survey, vm))
		return 0;
	int r = vn_monitor_path(vm, &path);
	if (r == 0)
		r = ask(survey, vm, path, &facts, &err);
	else if (r == -ENOENT)
		return 0; /* it has none */
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return r == -ECANCELED || r == -ESRCH ? 0 : tell_gap(vm, r, &err);
	*ret_facts = facts;
	facts = (struct vn_monitor_facts){0};
	return 1;
}
