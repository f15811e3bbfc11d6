/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "neighbours.h"

#include <limits.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "memory_areas.h"
#include "policy.h"
#include "qemu_process.h"
#include "threads.h"

#define NAMED_AT_MOST 8 /* processes in a note */

/* Processes that a note is about. */
struct about {
	unsigned n;
	pid_t pids[NAMED_AT_MOST], last;
};

struct survey {
	const struct vn_root *root;
	const struct vn_host *host;
	struct vn_occupied *occupied;
	unsigned turn; /* of vCPUs that may run on several nodes */
	uint64_t unplaced; /* bytes that will come to a node that nobody knows */
	struct about of_unplaced, unreadable, unnamed;
};

/* ---- lines ---- */

/* A number in hexadecimal up to `end`. */
static bool read_hex(const char **p, char end, uint64_t *ret)
{
	char *rest;

	if (!strchr("0123456789abcdef", **p) || !**p)
		return false;
	errno = 0;
	unsigned long long number = strtoull(*p, &rest, 16);
	if (errno || *rest != end)
		return false;
	*ret = number;
	*p = rest + 1;
	return true;
}

/* What is behind `fields` more fields, up to the line's end. */
static const char *skip_fields(const char *p, unsigned fields)
{
	for (; fields > 0; fields--) {
		p += strcspn(p, " \n");
		p += strspn(p, " ");
	}
	return p;
}

/* Shared memory has names of its own: memfd_create(2), shm_open(3), MAP_SHARED without a file, shmget(2), PR_SET_VMA_ANON_NAME. */
static bool is_nameless(const char *name)
{
	static const char *const memory[] = {"/memfd:", "/dev/shm/", "/dev/zero", "/SYSV", "[anon"};

	if (*name == '\n' || !*name)
		return true;
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
		if (strncmp(name, memory[i], strlen(memory[i])) == 0)
			return true;
	}
	return false;
}

/* What has a driver behind it. Pools of huge pages and DAX are memory, though they are mounted, or are, below /dev. */
static bool is_device(const char *name)
{
	static const char *const memory[] = {"/dev/shm", "/dev/zero", "/dev/huge", "/dev/dax"};

	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
		if (strncmp(name, memory[i], strlen(memory[i])) == 0)
			return false;
	}
	return strncmp(name, "/dev/", 5) == 0 || strncmp(name, "/sys/", 5) == 0 ||
	       strncmp(name, "anon_inode:", 11) == 0;
}

/* "fe:01 1234": of which file. What is not written so stays 0. */
static void read_file_of(const char *p, struct vn_area *area)
{
	uint64_t major, minor;
	size_t digits;
	char number[24];

	if (!read_hex(&p, ':', &major) || !read_hex(&p, ' ', &minor))
		return;
	digits = strspn(p, "0123456789");
	snprintf(number, sizeof(number), "%.*s", (int)(digits < 23 ? digits : 23), p);
	if (vn_parse_u64(number, UINT64_MAX, &area->inode) == 0)
		area->file_system = major << 32 | (minor & UINT32_MAX);
}

/* fs/proc/task_mmu.c, show_vma_header_prefix(). */
int vn_maps_line(const char *line, struct vn_area *ret_area)
{
	uint64_t start, end;

	if (!read_hex(&line, '-', &start) || !read_hex(&line, ' ', &end) || end <= start ||
		strcspn(line, " \n") != 4)
		return -EINVAL;
	const char *name = skip_fields(line, 4), *offset = skip_fields(line, 1);
	struct vn_area area = {.start = start,
		.size = end - start,
		.writable = line[0] == 'r' && line[1] == 'w',
		.executable = line[2] == 'x',
		.shared = line[3] == 's',
		.nameless = is_nameless(name),
		.device = is_device(name)};
	if (read_hex(&offset, ' ', &area.offset))
		read_file_of(offset, &area);
	*ret_area = area;
	return 0;
}

void vn_numa_maps_present(const char *line, struct vn_present *ret_present)
{
	struct vn_present present = {0};

	for (const char *p = skip_fields(line, 2); *p && *p != '\n'; p = skip_fields(p, 1)) {
		size_t length = strcspn(p, " \n");
		const char *equals = memchr(p, '=', length);
		char number[24];
		uint64_t value;
		if (length == 4 && strncmp(p, "huge", 4) == 0)
			present.huge = true;
		if (!equals)
			continue;
		snprintf(number, sizeof(number), "%.*s", (int)(p + length - equals - 1), equals + 1);
		if (vn_parse_u64(number, UINT64_MAX / 1024, &value) != 0)
			continue;
		if (strncmp(p, "kernelpagesize_kB=", 18) == 0)
			present.page = value * 1024;
		else if (p[0] == 'N' && p[1] >= '0' && p[1] <= '9')
			present.pages += value;
	}
	*ret_present = present;
}

bool vn_is_vcpu(const char *comm)
{
	if (strncmp(comm, "CPU ", 4) != 0)
		return false;
	size_t digits = strspn(comm + 4, "0123456789");
	const char *kind = comm + 4 + digits;
	return digits > 0 && (strcmp(kind, "/KVM") == 0 || strcmp(kind, "/TCG") == 0);
}

/* ---- memory ---- */

static void name(struct about *about, pid_t pid)
{
	if (about->n > 0 && about->last == pid)
		return;
	if (about->n < NAMED_AT_MOST)
		about->pids[about->n] = pid;
	about->last = pid;
	about->n++;
}

static void leave_unplaced(struct survey *s, pid_t pid, uint64_t bytes)
{
	s->unplaced += bytes;
	name(&s->of_unplaced, pid);
}

/* Nodes of the policy that the host has; of one without nodes, the only node there is. */
static size_t find_nodes(const struct survey *s, const struct vn_mem_policy *policy, size_t *nodes)
{
	size_t n = 0;

	for (size_t i = 0; i < s->host->n_nodes; i++) {
		if (s->host->n_nodes == 1 || hwloc_bitmap_isset(policy->nodes, s->host->nodes[i].id))
			nodes[n++] = i;
	}
	return n;
}

/* An area with a policy, of which `present` is there. */
static int count_area(struct survey *s, pid_t pid, const struct vn_area *area,
	const struct vn_mem_policy *policy, const struct vn_present *present)
{
	if (present->page > 0 && present->pages >= area->size / present->page)
		return 0;
	vn_autofree size_t *nodes = calloc(s->host->n_nodes + 1, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	size_t n = find_nodes(s, policy, nodes);
	uint64_t coming = area->size - present->pages * present->page,
		 page = present->huge ? present->page : 0;
	bool placed = n > 0 && (!present->huge || page > 0);
	for (size_t i = 0; i < n && placed; i++) {
		if (vn_occupied_promise(&s->occupied->nodes[nodes[i]], page, coming / n) < 0)
			leave_unplaced(s, pid, coming / n);
	}
	if (!placed)
		leave_unplaced(s, pid, coming);
	return 0;
}

static int count_areas(
	struct survey *s, pid_t pid, const struct vn_areas *areas, const struct vn_numa_lines *lines)
{
	int r = 0;

	for (size_t i = 0; i < areas->n && r == 0; i++) {
		const struct vn_area *area = &areas->v[i];
		const char *line = vn_numa_line_of(lines, area->start);
		vn_autopolicy policy = {0};
		struct vn_present present;
		uint64_t start;
		if (!area->writable || area->size < VN_AREA_LEAST || !line ||
			vn_numa_maps_line(line, &start, &policy) < 0)
			continue;
		vn_numa_maps_present(line, &present);
		if (area->nameless || present.huge)
			r = count_area(s, pid, area, &policy, &present);
	}
	return r;
}

/* What changed between the two readings is passed over. */
static int count_memory(struct survey *s, pid_t pid)
{
	vn_autoareas areas = {0};
	vn_autolines lines = {0};
	int r = vn_areas_read(s->root, pid, &areas);

	if (r == 0)
		r = vn_numa_lines_read(s->root, pid, &lines);
	if (r == 0)
		return count_areas(s, pid, &areas, &lines);
	if (r != -ENOMEM && r != -ESRCH)
		name(&s->unreadable, pid);
	return r == -ENOMEM ? r : 0;
}

/* ---- vCPUs ---- */

static void count_vcpu(struct survey *s, hwloc_const_bitmap_t cpus)
{
	size_t n = 0, nth;

	for (size_t i = 0; i < s->host->n_nodes; i++)
		n += hwloc_bitmap_intersects(s->host->nodes[i].cpus, cpus) != 0;
	if (n == 0)
		return;
	nth = n == 1 ? 0 : s->turn++ % n;
	for (size_t i = 0; i < s->host->n_nodes; i++) {
		if (hwloc_bitmap_intersects(s->host->nodes[i].cpus, cpus) && nth-- == 0)
			s->occupied->nodes[i].load++;
	}
}

static int count_thread(struct survey *s, pid_t pid, const char *tid, unsigned *vcpus)
{
	vn_autofree char *path = vn_format("proc/%d/task/%s/status", pid, tid), *text = NULL;
	struct vn_thread_seen thread = {0};
	int r = path ? vn_root_read(s->root, path, &text) : -ENOMEM;

	if (r == 0)
		r = vn_status_parse(text, &thread);
	if (r == 0 && vn_is_vcpu(thread.comm)) {
		count_vcpu(s, thread.cpus);
		++*vcpus;
	}
	hwloc_bitmap_free(thread.cpus);
	return r == -ENOMEM ? r : 0;
}

static int count_threads(struct survey *s, pid_t pid)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	char path[64];
	unsigned vcpus = 0;

	snprintf(path, sizeof(path), "proc/%d/task", pid);
	int r = vn_root_list(s->root, path, &names);
	for (size_t i = 0; r == 0 && names[i]; i++)
		r = count_thread(s, pid, names[i], &vcpus);
	if (r == 0 && vcpus == 0)
		name(&s->unnamed, pid);
	return r == -ENOMEM ? r : 0;
}

/* ---- processes ---- */

static bool is_ours(pid_t pid, const pid_t *ours, size_t n_ours)
{
	for (size_t i = 0; i < n_ours; i++) {
		if (ours[i] == pid)
			return true;
	}
	return false;
}

/* "process 12", "processes 12, 13 and 2 more"; NULL: no memory. */
static char *name_processes(const struct about *about)
{
	vn_autofree char *text = vn_format("process%s", about->n == 1 ? "" : "es");

	for (unsigned i = 0; text && i < about->n && i < NAMED_AT_MOST; i++) {
		char *longer = vn_format("%s%s %d", text, i > 0 ? "," : "", about->pids[i]);
		free(text);
		text = longer;
	}
	if (text && about->n > NAMED_AT_MOST)
		return vn_format("%s and %u more", text, about->n - NAMED_AT_MOST);
	return vn_steal(text);
}

static int add_note(struct vn_notes *notes, const char *code, const struct about *about, const char *before,
	const char *what)
{
	if (about->n == 0)
		return 0;
	vn_autofree char *processes = name_processes(about);
	return processes ? vn_notes_add(notes, code, "%s%s: %s", before, processes, what) : -ENOMEM;
}

static int tell(const struct survey *s, struct vn_notes *notes)
{
	char size[VN_SIZE_TEXT];
	vn_autofree char *coming = vn_format(
		"%s of its memory is still to come, and no policy says to which node: it is not counted as taken",
		vn_size_text(s->unplaced, size));
	int r = coming ? add_note(notes, "others-unplaced", &s->of_unplaced, "QEMU started by others, ",
				 coming)
		       : -ENOMEM;

	if (r == 0)
		r = add_note(notes, "others-unreadable", &s->unreadable, "QEMU started by others, ",
			"its memory cannot be looked at without privilege, so what it has not touched yet counts as free");
	if (r == 0)
		r = add_note(notes, "others-vcpus", &s->unnamed, "QEMU started by others, ",
			"none of its threads is named as a vCPU (-name debug-threads=on), so its load is not counted");
	return r;
}

int vn_neighbours_add(const struct vn_root *root, const struct vn_host *host, const pid_t *ours,
	size_t n_ours, struct vn_occupied *occupied, struct vn_notes *notes)
{
	struct survey s = {.root = root, .host = host, .occupied = occupied};
	vn_cleanup(vn_names_free) char **names = NULL;
	int r = vn_root_list(root, "proc", &names);

	if (r != 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && names[i]; i++) {
		uint64_t pid;
		bool sure;
		if (vn_parse_u64(names[i], INT_MAX, &pid) != 0 || is_ours((pid_t)pid, ours, n_ours) ||
			!vn_is_qemu(root, (pid_t)pid, &sure))
			continue;
		r = count_threads(&s, (pid_t)pid);
		if (r == 0)
			r = count_memory(&s, (pid_t)pid);
	}
	return r == 0 ? tell(&s, notes) : r;
}
