/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lists of a move: homes, threads, blocks, ranges, interrupts, settings inside the guest, cpusets. */
#define _GNU_SOURCE
#include <limits.h>
#include <string.h>

#include "../base/parse.h"
#include "move_reader.h"

#define MAX_THREADS 65536u
#define MAX_BLOCKS 4096u
#define MAX_RANGES 262144u
#define MAX_IRQS 65536u
#define MAX_GUEST_SETTINGS 65536u
#define MAX_NICS 4096u
#define MAX_CPUSETS 8192u /* one for each vCPU, as libvirt has it, and those above */
#define MAX_INDEX 65535u
#define MAX_PAGE (UINT64_C(16) << 30)
#define NODE "a node of the host"
#define VNODE "a vnode's number"
#define VNODE_OR_NULL "a vnode's number, or null"

/* ---- members ---- */

static int maybe_small(const struct vn_json_reader *in, const char *key, unsigned max, const char *expected)
{
	uint64_t number = vn_move_maybe_number(in, key, 0, max, expected);
	return vn_json_told(in, key) ? (int)number : -1;
}

static void read_thread(const struct vn_json_reader *in, struct vn_move *move, size_t i)
{
	struct vn_move_thread *thread = &move->thread_list[i];
	const char *kinds[VN_THREAD_OTHER + 1];

	for (unsigned kind = 0; kind <= VN_THREAD_OTHER; kind++)
		kinds[kind] = vn_thread_kind_name((enum vn_thread_kind)kind);
	thread->kind = (enum vn_thread_kind)vn_json_choice(in, "kind", kinds, VN_THREAD_OTHER + 1,
		"vcpu, iothread, vhost, emulator, migration or other");
	thread->index = maybe_small(in, "index", MAX_INDEX, "a number, or null");
	thread->tid = (pid_t)vn_move_number(in, "tid", 1, INT_MAX, "a thread id");
	thread->start_time = vn_move_number(in, "start_time", 0, INT64_MAX, "clock ticks since boot, or 0");
	thread->of_kernel = vn_move_bool(in, "of_kernel");
	thread->vnode = maybe_small(in, "vnode", VN_MAX_VNODES - 1, VNODE_OR_NULL);
	vn_move_text(in, "name", true, thread->name);
	thread->before = vn_move_set(in, "before", VN_SET_MAX);
	thread->after = vn_move_set(in, "after", VN_SET_MAX);
}

static uint64_t read_page(const struct vn_json_reader *in)
{
	static const char expected[] = "a power of two of at least 4096, or null for ordinary pages";
	uint64_t page = vn_move_maybe_number(in, "page", VN_MIN_PAGE, MAX_PAGE, expected);

	if ((page & (page - 1)) == 0)
		return page;
	vn_json_wrong(in, "page", expected);
	return 0;
}

static bool is_aligned(uint64_t number, uint64_t page)
{
	return number % (page ? page : VN_MIN_PAGE) == 0;
}

/* Of a block or a range. The address 0 is that of a block that was not found. */
static void read_place(const struct vn_json_reader *in, bool found, uint64_t *ret_address, uint64_t *ret_size,
	uint64_t *ret_page)
{
	*ret_page = read_page(in);
	if (found)
		vn_json_number(in, "address", 1, INT64_MAX, "an address", ret_address);
	else
		*ret_address = vn_move_maybe_number(in, "address", 1, INT64_MAX, "an address, or null");
	if (!is_aligned(*ret_address, *ret_page))
		vn_json_wrong(in, "address", "a multiple of the page");
	if (!vn_json_number(in, "size", VN_MIN_PAGE, VN_MAX_MEMORY, "bytes, up to 2^46", ret_size))
		return;
	if (!is_aligned(*ret_size, *ret_page))
		vn_json_wrong(in, "size", "a multiple of the page");
	else if (*ret_size > (uint64_t)INT64_MAX - *ret_address)
		vn_json_wrong(in, "size", "an end that is an address");
}

static int by_node(const void *a, const void *b)
{
	const struct vn_node_bytes *x = a, *y = b;
	return (x->node > y->node) - (x->node < y->node);
}

/* {"0": 4096}: nodes by number, as they were written. */
static void read_node_bytes(const struct vn_json_reader *in, struct vn_move_block *block)
{
	struct vn_json_reader inner;
	const char *key;
	json_t *value;

	if (!vn_json_object(in, "before", &inner))
		return;
	block->before = calloc(json_object_size(inner.object) + 1, sizeof(*block->before));
	if (!block->before) {
		vn_json_no_memory(in);
		return;
	}
	json_object_foreach (json_object_get(in->object, "before"), key, value) {
		struct vn_node_bytes *bytes = &block->before[block->n_before];
		uint64_t node;
		if (vn_parse_u64(key, VN_MAX_NODES - 1, &node) < 0 || (*key == '0' && key[1])) {
			vn_json_problem(&inner, key, "expected the number of a node");
			continue;
		}
		bytes->node = (unsigned)node;
		bytes->bytes = vn_move_number(&inner, key, 0, VN_MAX_MEMORY, "bytes, up to 2^46");
		block->n_before++;
	}
	qsort(block->before, block->n_before, sizeof(*block->before), by_node);
}

static void read_block(const struct vn_json_reader *in, struct vn_move *move, size_t i)
{
	struct vn_move_block *block = &move->blocks[i];
	const char *modes[VN_MODE_UNKNOWN + 1];

	for (unsigned mode = 0; mode <= VN_MODE_UNKNOWN; mode++)
		modes[mode] = vn_policy_mode_name((enum vn_policy_mode)mode);
	vn_move_text(in, "id", true, block->id);
	block->vnode = maybe_small(in, "vnode", VN_MAX_VNODES - 1, VNODE_OR_NULL);
	read_place(in, false, &block->address, &block->size, &block->page);
	block->shared = vn_move_bool(in, "shared");
	block->policy = (enum vn_policy_mode)vn_json_choice(
		in, "policy", modes, VN_MODE_UNKNOWN + 1, "a memory policy as in numa_maps, or \"unknown\"");
	block->policy_nodes = vn_json_maybe_set(in, "policy_nodes", VN_MAX_NODES - 1);
	if (!json_object_get(in->object, "policy_nodes"))
		vn_json_wrong(in, "policy_nodes", "a list of numbers, or null");
	read_node_bytes(in, block);
}

static void read_range(const struct vn_json_reader *in, struct vn_move *move, size_t i)
{
	struct vn_move_range *range = &move->ranges[i];

	read_place(in, true, &range->address, &range->size, &range->page);
	range->node = (unsigned)vn_move_number(in, "node", 0, VN_MAX_NODES - 1, NODE);
	range->vnode = (unsigned)vn_move_number(in, "vnode", 0, VN_MAX_VNODES - 1, VNODE);
}

static void read_irq(const struct vn_json_reader *in, struct vn_move *move, size_t i)
{
	struct vn_move_irq *irq = &move->irqs[i];

	irq->number = (unsigned)vn_move_number(in, "number", 0, INT_MAX, "an interrupt's number");
	vn_move_text(in, "name", true, irq->name);
	irq->before = vn_move_set(in, "before", VN_SET_MAX);
	irq->after = vn_move_set(in, "after", VN_SET_MAX);
}

/* A path is opened inside the guest, by its agent as root there: none but the two that we write. */
static void read_guest_setting(const struct vn_json_reader *in, struct vn_move *move, size_t i)
{
	static const char expected[] =
		"/sys/class/net/NAME/queues/tx-N/xps_cpus or /proc/irq/N/smp_affinity, of the guest";
	struct vn_guest_setting *setting = &move->guest_settings[i];
	vn_autofree char *path = vn_json_maybe_text(in, "path", VN_GUEST_PATH - 1, expected);

	if (path && vn_guest_path_valid(path))
		memcpy(setting->path, path, strlen(path) + 1);
	else if (path || !vn_json_told(in, "path"))
		vn_json_wrong(in, "path", expected);
	setting->nic = (unsigned)vn_move_number(in, "nic", 0, MAX_NICS - 1, "a network device's number");
	setting->queue =
		(unsigned)vn_move_number(in, "queue", 0, VN_GUEST_QUEUES_MAX - 1, "a queue pair's number");
	setting->before = vn_json_maybe_set(in, "before", VN_MAX_VCPUS - 1);
	if (!vn_json_told(in, "before"))
		vn_json_wrong(in, "before", "a list of numbers");
	setting->after = vn_move_set(in, "after", VN_MAX_VCPUS - 1);
	setting->earlier = vn_json_maybe_set(in, "earlier", VN_MAX_VCPUS - 1);
	if (!json_object_get(in->object, "earlier"))
		vn_json_wrong(in, "earlier", "a list of numbers, or null");
}

/* Nothing that would lead out of the root of the cgroups, or to the root itself. */
static bool is_cgroup(const char *path)
{
	if (*path != '/' || !path[1])
		return false;
	for (const char *p = path; *p; p += strcspn(p + 1, "/") + 1) {
		size_t length = strcspn(p + 1, "/");
		if (length == 0 || (length <= 2 && strncmp(p + 1, "..", length) == 0))
			return false;
	}
	return true;
}

static void read_cpuset(const struct vn_json_reader *in, struct vn_move *move, size_t i)
{
	static const char expected[] = "a cgroup: an absolute path without . and ..";
	struct vn_move_cpuset *cpuset = &move->cpusets[i];

	cpuset->path = vn_json_maybe_text(in, "path", PATH_MAX - 1, expected);
	if (cpuset->path ? !is_cgroup(cpuset->path) : !vn_json_told(in, "path"))
		vn_json_wrong(in, "path", expected);
	cpuset->before = vn_move_set(in, "before", VN_MAX_NODES - 1);
	cpuset->during = vn_move_set(in, "during", VN_MAX_NODES - 1);
	cpuset->after = vn_move_set(in, "after", VN_MAX_NODES - 1);
}

/* Both, or null both: the cpusets allow what is needed. */
static void read_mems(const struct vn_json_reader *in, struct vn_move *move)
{
	static const char *const keys[] = {"mems_during", "mems_after"};
	hwloc_bitmap_t *sets[] = {&move->mems_during, &move->mems_after};

	for (unsigned i = 0; i < 2; i++) {
		const json_t *one = json_object_get(in->object, keys[i]),
			     *other = json_object_get(in->object, keys[1 - i]);
		if (!one || (json_is_null(one) && other && !json_is_null(other)))
			vn_json_wrong(in, keys[i], "a list of nodes, or null as its other half");
		else if (!json_is_null(one))
			*sets[i] = vn_move_set(in, keys[i], VN_MAX_NODES - 1);
	}
	if (move->mems_during && move->mems_after &&
		!hwloc_bitmap_isincluded(move->mems_after, move->mems_during))
		vn_json_problem(in, "mems_after", "has nodes that mems_during lacks");
}

/* ---- lists ---- */

static void read_homes(const struct vn_json_reader *in, struct vn_move *move)
{
	const json_t *list = vn_json_list(in, "homes", VN_MAX_VNODES);
	size_t n = json_array_size(list);

	move->homes = calloc(n + 1, sizeof(*move->homes));
	if (!move->homes) {
		vn_json_no_memory(in);
		return;
	}
	for (; move->n_homes < n; move->n_homes++) {
		const json_t *home = json_array_get(list, move->n_homes);
		json_int_t number = json_integer_value(home);
		if (json_is_integer(home) && number >= 0 && number < VN_MAX_NODES)
			move->homes[move->n_homes] = (unsigned)number;
		else
			vn_json_problem(in, "homes", "member %zu is no node of the host", move->n_homes);
	}
}

/*
 * Room for the members of the list `key`, each read by `read`. Each counts before it is read, so that what it owns is freed with the
 * move.
 */
#define READ_LIST(in, key, max, items, n, read, move)                                                        \
	do {                                                                                                 \
		const json_t *list_ = vn_json_list(in, key, max);                                            \
		size_t n_ = json_array_size(list_);                                                          \
		(items) = calloc(n_ + 1, sizeof(*(items)));                                                  \
		if (!(items))                                                                                \
			vn_json_no_memory(in);                                                               \
		while ((items) && (n) < n_) {                                                                \
			struct vn_json_reader member_;                                                       \
			if (vn_json_member(in, key, list_, (n)++, &member_))                                 \
				read(&member_, move, (n)-1);                                                 \
		}                                                                                            \
	} while (0)

void vn_move_lists_read(const struct vn_json_reader *in, struct vn_move *move)
{
	read_homes(in, move);
	READ_LIST(in, "threads", MAX_THREADS, move->thread_list, move->n_threads, read_thread, move);
	READ_LIST(in, "blocks", MAX_BLOCKS, move->blocks, move->n_blocks, read_block, move);
	READ_LIST(in, "ranges", MAX_RANGES, move->ranges, move->n_ranges, read_range, move);
	READ_LIST(in, "irqs", MAX_IRQS, move->irqs, move->n_irqs, read_irq, move);
	READ_LIST(in, "guest_settings", MAX_GUEST_SETTINGS, move->guest_settings, move->n_guest_settings,
		read_guest_setting, move);
	read_mems(in, move);
	READ_LIST(in, "cpusets", MAX_CPUSETS, move->cpusets, move->n_cpusets, read_cpuset, move);
}

/* ---- what they say together ---- */

struct numbers {
	size_t n;
	uint64_t *v;
};

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Sorts them and tells each that is there more than once. */
static void check_unique(
	const struct vn_json_reader *in, const char *key, const char *what, struct numbers *numbers)
{
	qsort(numbers->v, numbers->n, sizeof(*numbers->v), by_number);
	for (size_t i = 1; i < numbers->n; i++) {
		bool told = i > 1 && numbers->v[i - 2] == numbers->v[i];
		if (numbers->v[i - 1] == numbers->v[i] && !told)
			vn_json_problem(in, key, "%s %llu is there twice; expected once", what,
				(unsigned long long)numbers->v[i]);
	}
}

static void check_vnode(
	const struct vn_json_reader *in, const char *key, size_t i, int vnode, const struct vn_move *move)
{
	if (vnode >= 0 && (size_t)vnode >= move->n_homes && move->n_homes > 0)
		vn_json_problem(in, key, "member %zu is of vnode %d; expected one of the %zu in 'homes'", i,
			vnode, move->n_homes);
}

static void check_threads(const struct vn_json_reader *in, const struct vn_move *move)
{
	vn_autofree uint64_t *tids = calloc(move->n_threads + 1, sizeof(*tids));
	vn_autofree uint64_t *vcpus = calloc(move->n_threads + 1, sizeof(*vcpus));
	struct numbers all = {0, tids}, known = {0, vcpus};

	if (!tids || !vcpus) {
		vn_json_no_memory(in);
		return;
	}
	for (size_t i = 0; i < move->n_threads; i++) {
		const struct vn_move_thread *thread = &move->thread_list[i];
		bool vcpu = thread->kind == VN_THREAD_VCPU;
		if (vcpu && i > 0 && move->thread_list[i - 1].kind != VN_THREAD_VCPU)
			vn_json_problem(in, "threads", "member %zu is a vCPU; expected vCPUs first", i);
		tids[all.n++] = (uint64_t)thread->tid;
		if (vcpu && thread->index >= 0)
			vcpus[known.n++] = (uint64_t)thread->index;
		check_vnode(in, "threads", i, thread->vnode, move);
	}
	check_unique(in, "threads", "tid", &all);
	check_unique(in, "threads", "vCPU", &known);
}

static void check_order(
	const struct vn_json_reader *in, const char *key, size_t i, uint64_t address, uint64_t end_before)
{
	if (address < end_before)
		vn_json_problem(in, key,
			"member %zu begins at %#llx; expected no less than %#llx, the end of the one before",
			i, (unsigned long long)address, (unsigned long long)end_before);
}

/* By address, and nothing overlaps. Blocks that were not found have no place. */
static void check_places(const struct vn_json_reader *in, const struct vn_move *move)
{
	uint64_t end = 0;

	for (size_t i = 0; i < move->n_blocks; i++) {
		const struct vn_move_block *block = &move->blocks[i];
		check_vnode(in, "blocks", i, block->vnode, move);
		if (block->address == 0)
			continue;
		check_order(in, "blocks", i, block->address, end);
		end = block->address + block->size;
	}
	end = 0;
	for (size_t i = 0; i < move->n_ranges; i++) {
		const struct vn_move_range *range = &move->ranges[i];
		check_vnode(in, "ranges", i, (int)range->vnode, move);
		check_order(in, "ranges", i, range->address, end);
		end = range->address + range->size;
	}
}

static void check_irqs(const struct vn_json_reader *in, const struct vn_move *move)
{
	vn_autofree uint64_t *irqs = calloc(move->n_irqs + 1, sizeof(*irqs));
	struct numbers all = {move->n_irqs, irqs};

	if (!irqs)
		vn_json_no_memory(in);
	for (size_t i = 0; irqs && i < move->n_irqs; i++)
		irqs[i] = move->irqs[i].number;
	if (irqs)
		check_unique(in, "irqs", "interrupt", &all);
}

static int by_path(const void *a, const void *b)
{
	const struct vn_guest_setting *const *x = a, *const *y = b;
	return strcmp((*x)->path, (*y)->path);
}

static void check_guest_settings(const struct vn_json_reader *in, const struct vn_move *move)
{
	size_t n = move->n_guest_settings;
	vn_autofree const struct vn_guest_setting **sorted =
		calloc(n + 1, sizeof(const struct vn_guest_setting *));

	if (!sorted) {
		vn_json_no_memory(in);
		return;
	}
	for (size_t i = 0; i < n; i++)
		sorted[i] = &move->guest_settings[i];
	qsort(sorted, n, sizeof(const struct vn_guest_setting *), by_path);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1]->path, sorted[i]->path) == 0)
			vn_json_problem(
				in, "guest_settings", "%s is there twice; expected once", sorted[i]->path);
	}
}

/* What is taken away from a cpuset is moved by the kernel at once, and unthrottled: nothing may be missing while memory moves. */
static void check_cpusets(const struct vn_json_reader *in, const struct vn_move *move)
{
	for (size_t i = 0; i < move->n_cpusets; i++) {
		const struct vn_move_cpuset *cpuset = &move->cpusets[i];
		if (!hwloc_bitmap_isincluded(cpuset->before, cpuset->during) ||
			!hwloc_bitmap_isincluded(cpuset->after, cpuset->during))
			vn_json_problem(in, "cpusets",
				"member %zu lacks nodes in 'during'; expected those of 'before' and 'after'",
				i);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(cpuset->path, move->cpusets[k].path) == 0)
				vn_json_problem(in, "cpusets",
					"members %zu and %zu are of one cgroup; expected one of each", k, i);
		}
	}
}

void vn_move_lists_check(const struct vn_json_reader *in, const struct vn_move *move)
{
	/* threads alone may have gone home, to homes of their own */
	if (move->n_homes == 0 && (move->memory || move->n_ranges > 0))
		vn_json_wrong(in, "homes", "one home at least, as memory is to be moved");
	check_threads(in, move);
	check_places(in, move);
	check_irqs(in, move);
	check_guest_settings(in, move);
	check_cpusets(in, move);
}
