/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "move_cpusets.h"

#include <limits.h>
#include <string.h>

#include "../base/directory.h"
#include "../base/parse.h"
#include "../base/process.h"
#include "../base/text.h"
#include "move_numatune.h"
#include "sys.h"

#define DEPTH_MAX 32 /* of cgroups in each other */

/* ---- finding ---- */

static struct vn_move_cpuset *find(const struct vn_move *move, const char *path)
{
	for (size_t i = 0; move && i < move->n_cpusets; i++) {
		if (strcmp(move->cpusets[i].path, path) == 0)
			return &move->cpusets[i];
	}
	return NULL;
}

static int add(struct vn_move *move, const char *path, hwloc_const_bitmap_t before,
	hwloc_const_bitmap_t during, hwloc_const_bitmap_t after)
{
	struct vn_move_cpuset *grown = reallocarray(move->cpusets, move->n_cpusets + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	move->cpusets = grown;
	struct vn_move_cpuset *cpuset = &grown[move->n_cpusets];
	*cpuset = (struct vn_move_cpuset){
		strdup(path), hwloc_bitmap_dup(before), hwloc_bitmap_dup(during), hwloc_bitmap_dup(after)};
	if (cpuset->path && cpuset->before && cpuset->during && cpuset->after) {
		move->n_cpusets++;
		return 0;
	}
	vn_move_cpuset_clear(cpuset);
	return -ENOMEM;
}

/* Whether a cgroup, or one below it, has a process besides the VM. One that cannot be read has. */
static bool has_others(const char *path, pid_t pid, unsigned depth)
{
	vn_autofree char *file = vn_format(VN_CGROUP_MOUNT "%s/cgroup.threads", path), *text = NULL;
	vn_autofree char *folder = vn_format(VN_CGROUP_MOUNT "%s", path);
	char *lines, *line;

	if (depth == DEPTH_MAX || !file || !folder || vn_proc_read(file, &text) < 0)
		return true;
	for (lines = text; (line = strsep(&lines, "\n"));) {
		uint64_t tid, start_time;
		if (*line && (vn_parse_u64(line, INT_MAX, &tid) < 0 ||
				     vn_thread_start_time(pid, (pid_t)tid, &start_time) < 0))
			return true;
	}
	vn_autoclosedir DIR *below = opendir(folder);
	for (struct dirent *entry; below && (entry = readdir(below));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		vn_autofree char *child = vn_format("%s/%s", path, entry->d_name);
		if (!child || has_others(child, pid, depth + 1))
			return true;
	}
	return !below;
}

bool vn_cgroup_is_domain_thread(const char *path)
{
	static const char *const names[] = {"vcpu", "iothread"};
	const char *last = strrchr(path, '/');
	uint64_t number;

	if (last && strcmp(last, "/emulator") == 0)
		return true;
	for (size_t i = 0; last && i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);
		if (strncmp(last + 1, names[i], n) == 0 && vn_parse_u64(last + 1 + n, INT_MAX, &number) == 0)
			return true;
	}
	return false;
}

/* What is looked for. With `told`, libvirt is: it writes all of a domain's threads' cgroups, those too that lack nothing. */
struct search {
	struct vn_move *move;
	const struct vn_move *first;
	bool told;
};

/* A cgroup with a cpuset of its own that lacks a node which the move needs, or that libvirt is to write. */
static int look_at(const struct search *the, const char *path)
{
	struct vn_move *move = the->move;
	vn_autofree char *file = vn_format(VN_CGROUP_MOUNT "%s/cpuset.mems", path), *text = NULL;
	vn_autoset before = NULL, during = hwloc_bitmap_dup(move->mems_during),
		   after = hwloc_bitmap_dup(move->mems_after);
	const struct vn_move_cpuset *was = find(the->first, path);
	bool changes = was || (the->told && vn_cgroup_is_domain_thread(path));

	if (!file || !during || !after)
		return -ENOMEM;
	if (find(move, path) || vn_proc_read(file, &text) < 0 || vn_set_parse(text, &before) < 0)
		return 0;
	if (hwloc_bitmap_iszero(before) || (!changes && hwloc_bitmap_isincluded(during, before)))
		return 0;
	/* also what was at first: the way back is to be open */
	if (hwloc_bitmap_or(during, during, before) < 0 ||
		(was && hwloc_bitmap_or(during, during, was->before) < 0))
		return -ENOMEM;
	if (has_others(path, move->process.pid, 0) && hwloc_bitmap_copy(after, during) < 0)
		return -ENOMEM;
	return add(move, path, was ? was->before : before, during, after);
}

/* The cgroup itself, and all above it but the root, which has none. */
static int look_at_all(const struct search *the, const char *path)
{
	for (const char *end = path; *end;) {
		end += 1 + strcspn(end + 1, "/");
		vn_autofree char *part = strndup(path, (size_t)(end - path));
		int r = part ? look_at(the, part) : -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}

/* The cgroup of version 2 that a task is in: "0::/machine.slice/…". False: none that can be reached from here. */
static bool cgroup_of(char *text, const char **ret_path)
{
	char *lines = text, *line;

	while ((line = strsep(&lines, "\n"))) {
		if (strncmp(line, "0::/", 4) != 0 || strstr(line, "/.."))
			continue;
		*ret_path = line + 3;
		return line[4] != 0;
	}
	return false;
}

/* What an earlier move widened that this one has no need of: undo has to know it still. */
static int keep_earlier(struct vn_move *move, const struct vn_move *first)
{
	for (size_t i = 0; first && i < first->n_cpusets; i++) {
		const struct vn_move_cpuset *was = &first->cpusets[i];
		vn_autoset during = hwloc_bitmap_dup(was->after);
		if (find(move, was->path))
			continue;
		if (!during || hwloc_bitmap_or(during, during, was->before) < 0 ||
			add(move, was->path, was->before, during, was->after) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int look_at_tasks(const struct search *the)
{
	char path[64];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", the->move->process.pid);
	vn_autoclosedir DIR *tasks = opendir(path);
	for (struct dirent *entry; r == 0 && tasks && (entry = readdir(tasks));) {
		vn_autofree char *text = NULL, *file = vn_format("%s/%s/cgroup", path, entry->d_name);
		const char *cgroup;
		if (!file)
			r = -ENOMEM;
		else if (entry->d_name[0] != '.' && vn_proc_read(file, &text) == 0 &&
			 cgroup_of(text, &cgroup))
			r = look_at_all(the, cgroup);
	}
	return r;
}

int vn_move_cpusets_find(struct vn_move *move, const struct vn_move *first, struct vn_error *err)
{
	struct search the = {move, first, false};
	bool widens = move->memory && move->mems_during && move->mems_after;
	int r = widens ? look_at_tasks(&the) : 0;

	if (r == 0)
		r = keep_earlier(move, first);
	if (r == 0)
		r = vn_move_numatune_ask(move, first);
	the.told = move->numatune.before;
	if (r == 0 && widens && the.told)
		r = look_at_tasks(&the);
	if (r == 0)
		r = vn_move_numatune_reckon(move, first);
	return r < 0 ? vn_error_environment(err, r, "out of memory") : 0;
}

/* ---- setting ---- */

static bool has(const char *path, hwloc_const_bitmap_t nodes)
{
	vn_autofree char *file = vn_format(VN_CGROUP_MOUNT "%s/cpuset.mems", path), *text = NULL;
	vn_autoset now = NULL;

	return file && vn_proc_read(file, &text) == 0 && vn_set_parse(text, &now) == 0 &&
	       hwloc_bitmap_isequal(now, nodes);
}

/* What of libvirt's own is to be written, though libvirt took the nodes. */
static int note_left(struct vn_move *move, size_t n, const char *first)
{
	vn_notes_drop(&move->notes, "libvirt-left-cpuset");
	if (n == 0)
		return 0;
	return vn_notes_add(&move->notes, "libvirt-left-cpuset",
		"libvirt has the nodes that it was told, but not all of its cgroups have those that they are to have: written directly "
		"%s %s%s",
		n == 1 ? "is" : "are", first, n == 1 ? "" : " and others");
}

int vn_move_cpusets_set(struct vn_move *move, enum vn_cpuset_step step, struct vn_error *err)
{
	int result = 0;
	size_t n_left = 0;
	const char *first_left = "";
	bool libvirt_changed = false;

	if (vn_move_numatune_set(move, step, &libvirt_changed) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < move->n_cpusets; i++) {
		const struct vn_move_cpuset *cpuset =
			&move->cpusets[step == VN_CPUSET_WIDEN ? i : move->n_cpusets - 1 - i];
		hwloc_const_bitmap_t nodes = step == VN_CPUSET_WIDEN  ? cpuset->during
					     : step == VN_CPUSET_BACK ? cpuset->before
								      : cpuset->after;
		if (libvirt_changed && has(cpuset->path, nodes))
			continue;
		int r = vn_sys_set_cpuset_mems(cpuset->path, nodes);
		if (r == 0 && libvirt_changed && vn_cgroup_is_domain_thread(cpuset->path) && n_left++ == 0)
			first_left = cpuset->path;
		if (r == 0 || r == -ENOENT || r == -ENODEV)
			continue;
		vn_autofree char *list = vn_set_text(nodes);
		vn_error_environment(err, r, "cgroup %s: its cpuset.mems cannot be set to %s: %s",
			cpuset->path, list ? list : "", strerror(-r));
		result = result < 0 ? result : r;
	}
	if (note_left(move, n_left, first_left) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return result;
}
