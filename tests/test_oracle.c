/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real hosts as we read them beside what hwloc, which shares no code with our reader of trees, makes of the same: node ids,
 * CPUs, memory, distances, and where PCI devices are. Each difference is printed. It has to be in oracle_decisions.txt, with the
 * reason why ours is right; a decision that no difference needs is an error as well.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fnmatch.h>
#include <ftw.h>
#include <glob.h>
#include <hwloc.h>
#include <hwloc/distances.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/base/rootfs.h"
#include "../src/base/text.h"
#include "../src/discover/discover.h"

#define MAX_DECISIONS 200

struct decision {
	char *fixture, *pattern; /* within `text` */
	unsigned used;
};

struct decisions {
	char *text;
	size_t n;
	struct decision list[MAX_DECISIONS];
};

struct comparison {
	const char *fixture;
	struct decisions *decisions;
	const struct vn_host *ours;
	hwloc_topology_t theirs;
	unsigned undecided;
};

/* ---- decisions: `FIXTURE-PATTERN | DIFFERENCE-PATTERN`, in paragraphs below their reason (lines with #) ---- */

static void read_decisions(struct decisions *decisions)
{
	vn_autofree char *path =
		vn_format("%s/tests/oracle_decisions.txt", getenv("SRCDIR") ? getenv("SRCDIR") : ".");
	struct vn_error err = {0};
	char *rest = NULL;
	bool explained = false;

	assert_int_equal(vn_file_read(path, VN_FILE_MAX, &decisions->text, &err), 0);
	for (char *line = strtok_r(decisions->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *bar = strstr(line, " | ");
		if (*line == '#') {
			explained = true;
			continue;
		}
		assert_non_null(bar);
		assert_true(explained); /* a decision has a reason */
		*bar = '\0';
		assert_true(decisions->n < MAX_DECISIONS);
		decisions->list[decisions->n++] = (struct decision){line, bar + 3, 0};
	}
}

static void differ(struct comparison *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void differ(struct comparison *c, const char *format, ...)
{
	va_list args;
	vn_autofree char *text = NULL;
	bool decided = false;

	va_start(args, format);
	assert_true(vasprintf(&text, format, args) >= 0);
	va_end(args);
	for (size_t i = 0; i < c->decisions->n; i++) {
		struct decision *decision = &c->decisions->list[i];
		if (fnmatch(decision->fixture, c->fixture, 0) != 0 ||
			fnmatch(decision->pattern, text, 0) != 0)
			continue;
		decision->used++;
		decided = true;
	}
	c->undecided += !decided;
	printf("# %s%s | %s\n", decided ? "" : "UNDECIDED: ", c->fixture, text);
}

static char *set_text(hwloc_const_bitmap_t set)
{
	if (!set || hwloc_bitmap_iszero(set))
		return strdup("none");
	return vn_set_text(set);
}

static void differ_sets(
	struct comparison *c, const char *what, hwloc_const_bitmap_t ours, hwloc_const_bitmap_t theirs)
{
	vn_autofree char *a = set_text(ours), *b = set_text(theirs);
	differ(c, "%s: ours %s, hwloc %s", what, a, b);
}

/* ---- nodes ---- */

static hwloc_obj_t their_node(const struct comparison *c, unsigned id)
{
	return hwloc_get_numanode_obj_by_os_index(c->theirs, id);
}

static void compare_nodes(struct comparison *c)
{
	vn_autoset ours = hwloc_bitmap_alloc();

	for (size_t i = 0; i < c->ours->n_nodes; i++)
		assert_int_equal(hwloc_bitmap_set(ours, c->ours->nodes[i].id), 0);
	if (!hwloc_bitmap_isequal(ours, hwloc_topology_get_topology_nodeset(c->theirs)))
		differ_sets(c, "nodes", ours, hwloc_topology_get_topology_nodeset(c->theirs));
	for (size_t i = 0; i < c->ours->n_nodes; i++) {
		const struct vn_host_node *node = &c->ours->nodes[i];
		hwloc_obj_t theirs = their_node(c, node->id);
		vn_autofree char *what = vn_format("node %u: CPUs", node->id);
		if (!theirs)
			continue;
		if (!hwloc_bitmap_isequal(node->cpus, theirs->cpuset))
			differ_sets(c, what, node->cpus, theirs->cpuset);
		if (node->memory_total != theirs->attr->numanode.local_memory)
			differ(c, "node %u: memory: ours %llu, hwloc %llu", node->id,
				(unsigned long long)node->memory_total,
				(unsigned long long)theirs->attr->numanode.local_memory);
	}
}

static void compare_cpus(struct comparison *c)
{
	vn_autoset online = hwloc_bitmap_alloc();

	for (size_t i = 0; i < c->ours->n_cpus; i++) {
		if (c->ours->cpus[i].online)
			assert_int_equal(hwloc_bitmap_set(online, c->ours->cpus[i].id), 0);
	}
	if (!hwloc_bitmap_isequal(online, hwloc_topology_get_topology_cpuset(c->theirs)))
		differ_sets(c, "online CPUs", online, hwloc_topology_get_topology_cpuset(c->theirs));
	for (size_t i = 0; i < c->ours->n_cpus; i++) {
		const struct vn_host_cpu *cpu = &c->ours->cpus[i];
		hwloc_obj_t pu = cpu->online ? hwloc_get_pu_obj_by_os_index(c->theirs, cpu->id) : NULL;
		hwloc_obj_t core = pu ? hwloc_get_ancestor_obj_by_type(c->theirs, HWLOC_OBJ_CORE, pu) : NULL;
		vn_autofree char *what = vn_format("CPU %u: siblings", cpu->id);
		if (core && cpu->siblings && !hwloc_bitmap_isequal(cpu->siblings, core->cpuset))
			differ_sets(c, what, cpu->siblings, core->cpuset);
	}
}

static void compare_row(struct comparison *c, const struct hwloc_distances_s *matrix, size_t row)
{
	int mine = vn_host_node_index(c->ours, matrix->objs[row]->os_index);

	for (size_t j = 0; mine >= 0 && j < matrix->nbobjs; j++) {
		int column = vn_host_node_index(c->ours, matrix->objs[j]->os_index);
		uint64_t theirs = matrix->values[row * matrix->nbobjs + j];
		if (column >= 0 && c->ours->nodes[mine].distances[column] != theirs)
			differ(c, "distance %u to %u: ours %u, hwloc %llu", matrix->objs[row]->os_index,
				matrix->objs[j]->os_index, c->ours->nodes[mine].distances[column],
				(unsigned long long)theirs);
	}
}

static void compare_distances(struct comparison *c)
{
	struct hwloc_distances_s *matrix[1] = {NULL};
	unsigned n = 1;
	bool told = c->ours->n_nodes > 1 && c->ours->nodes[0].distances[1] != VN_DISTANCE_UNKNOWN;

	if (hwloc_distances_get_by_name(c->theirs, "NUMALatency", &n, matrix, 0) < 0 || n == 0) {
		if (told)
			differ(c, "distances: ours a matrix, hwloc none");
		return;
	}
	if (!told)
		differ(c, "distances: ours none, hwloc a matrix");
	for (size_t i = 0; told && i < matrix[0]->nbobjs; i++)
		compare_row(c, matrix[0], i);
	hwloc_distances_release(c->theirs, matrix[0]);
}

/* ---- devices ---- */

static const struct vn_host_device *our_device(struct comparison *c, hwloc_obj_t theirs)
{
	const struct hwloc_pcidev_attr_s *pci = &theirs->attr->pcidev;
	vn_autofree char *address =
		vn_format("%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->dev, pci->func);

	for (size_t i = 0; i < c->ours->n_devices; i++) {
		if (strcmp(c->ours->devices[i].address, address) == 0)
			return &c->ours->devices[i];
	}
	differ(c, "device %s: ours not there, hwloc has it", address);
	return NULL;
}

static void compare_code(struct comparison *c, const struct vn_host_device *device, const char *what,
	int ours, unsigned theirs)
{
	if (ours < 0)
		differ(c, "device %s: %s: ours not told, hwloc %04x", device->address, what, theirs);
	else if ((unsigned)ours != theirs)
		differ(c, "device %s: %s: ours %04x, hwloc %04x", device->address, what, (unsigned)ours,
			theirs);
}

static void compare_device(struct comparison *c, hwloc_obj_t theirs)
{
	const struct vn_host_device *ours = our_device(c, theirs);
	hwloc_obj_t place = hwloc_get_non_io_ancestor_obj(c->theirs, theirs);

	if (!ours)
		return;
	if (ours->node >= 0 && !hwloc_bitmap_isset(place->nodeset, (unsigned)ours->node)) {
		vn_autofree char *nodes = set_text(place->nodeset);
		differ(c, "device %s: ours node %d, hwloc %s", ours->address, ours->node, nodes);
	} else if ((ours->node < 0) != (hwloc_bitmap_weight(place->nodeset) != 1)) {
		vn_autofree char *nodes = set_text(place->nodeset);
		differ(c, "device %s: ours %s, hwloc %s", ours->address,
			ours->node < 0 ? "no node" : "one node", nodes);
	}
	if (ours->local_cpus && !hwloc_bitmap_isequal(ours->local_cpus, place->cpuset)) {
		vn_autofree char *what = vn_format("device %s: CPUs", ours->address);
		differ_sets(c, what, ours->local_cpus, place->cpuset);
	}
	compare_code(c, ours, "class", ours->class_code < 0 ? -1 : ours->class_code >> 8,
		theirs->attr->pcidev.class_id);
	compare_code(c, ours, "vendor", ours->vendor, theirs->attr->pcidev.vendor_id);
	compare_code(c, ours, "device", ours->device, theirs->attr->pcidev.device_id);
}

static bool is_function(hwloc_obj_t object)
{
	return object->type == HWLOC_OBJ_PCI_DEVICE ||
	       (object->type == HWLOC_OBJ_BRIDGE &&
		       object->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_PCI);
}

static hwloc_obj_t their_bridge(const struct comparison *c, const char *address)
{
	for (hwloc_obj_t object = NULL; (object = hwloc_get_next_bridge(c->theirs, object));) {
		const struct hwloc_pcidev_attr_s *pci = &object->attr->pcidev;
		vn_autofree char *theirs =
			vn_format("%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->dev, pci->func);
		if (is_function(object) && strcmp(theirs, address) == 0)
			return object;
	}
	return NULL;
}

/* What hwloc leaves out, by its address and class. */
static void compare_left_out(struct comparison *c)
{
	for (size_t i = 0; i < c->ours->n_devices; i++) {
		const struct vn_host_device *ours = &c->ours->devices[i];
		if (!hwloc_get_pcidev_by_busidstring(c->theirs, ours->address) &&
			!their_bridge(c, ours->address))
			differ(c, "device %s: ours class %04x, hwloc not there", ours->address,
				ours->class_code >> 8);
	}
}

static void compare_devices(struct comparison *c)
{
	for (hwloc_obj_t object = NULL; (object = hwloc_get_next_pcidev(c->theirs, object));)
		compare_device(c, object);
	for (hwloc_obj_t object = NULL; (object = hwloc_get_next_bridge(c->theirs, object));) {
		if (is_function(object))
			compare_device(c, object);
	}
	compare_left_out(c);
}

static unsigned compare(struct comparison *c)
{
	compare_nodes(c);
	compare_cpus(c);
	compare_distances(c);
	compare_devices(c);
	printf("# %s: %zu nodes, %zu CPUs, %zu devices compared\n", c->fixture, c->ours->n_nodes,
		c->ours->n_cpus, c->ours->n_devices);
	return c->undecided;
}

/* ---- loading ---- */

static hwloc_topology_t new_topology(void)
{
	hwloc_topology_t topology;

	assert_int_equal(hwloc_topology_init(&topology), 0);
	assert_int_equal(hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED), 0);
	assert_int_equal(hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL), 0);
	return topology;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* hwloc reads a folder, so the oracle's copy is unpacked, by tar. */
static hwloc_topology_t their_tree(const char *archive)
{
	char folder[] = "/tmp/vnuma-oracle.XXXXXX";
	int status;

	assert_non_null(mkdtemp(folder));
	pid_t pid = fork();
	if (pid == 0) {
		execlp("tar", "tar", "-xjf", archive, "-C", folder, "--strip-components=1", NULL);
		_exit(127);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	hwloc_topology_t topology = new_topology();
	assert_int_equal(setenv("HWLOC_FSROOT", folder, 1), 0);
	assert_int_equal(hwloc_topology_load(topology), 0);
	assert_int_equal(unsetenv("HWLOC_FSROOT"), 0);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return topology;
}

/* Debian's hwloc reads no XML of version 3. These fixtures have nothing that version 2 lacks but the number and the infos
 * beside the root: told to be of version 2, they are read. */
static hwloc_topology_t their_xml(const char *file)
{
	vn_autofree char *text = NULL;
	struct vn_error err = {0};

	assert_int_equal(vn_file_read(file, VN_FILE_MAX, &text, &err), 0);
	char *version = strstr(text, "version=\"3.0\"");
	if (version)
		memcpy(version, "version=\"2.0\"", strlen("version=\"2.0\""));
	for (char *info; version && (info = strstr(text, "\n  <info "));)
		memset(info + 1, ' ', strcspn(info + 1, "\n"));
	hwloc_topology_t topology = new_topology();
	assert_int_equal(hwloc_topology_set_xmlbuffer(topology, text, (int)strlen(text) + 1), 0);
	assert_int_equal(hwloc_topology_load(topology), 0);
	return topology;
}

static unsigned compare_file(const char *file, const char *scheme, struct decisions *decisions)
{
	vn_autohost *ours = NULL;
	struct vn_error err = {0};
	vn_autofree char *source = vn_format("%s%s", scheme, file);
	hwloc_topology_t theirs = strcmp(scheme, "tar:") == 0 ? their_tree(file) : their_xml(file);
	struct comparison c = {.fixture = strrchr(file, '/') + 1, .decisions = decisions, .theirs = theirs};

	assert_int_equal(vn_discover(source, &ours, &err), 0);
	c.ours = ours;
	unsigned undecided = compare(&c);
	hwloc_topology_destroy(theirs);
	return undecided;
}

static char *shared(const char *name)
{
	const char *folder = getenv("VNUMA_SHARED"), *source = getenv("SRCDIR");
	return folder ? vn_format("%s/%s", folder, name)
		      : vn_format("%s/../shared/%s", source ? source : ".", name);
}

static unsigned compare_all(const char *pattern, const char *scheme, struct decisions *decisions)
{
	glob_t files = {0};
	unsigned undecided = 0;

	if (glob(pattern, 0, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc; i++)
			undecided += compare_file(files.gl_pathv[i], scheme, decisions);
	}
	globfree(&files);
	return undecided;
}

static void test_own_fixtures(void **state)
{
	(void)state;
	struct decisions decisions = {0};
	vn_autofree char *own =
		vn_format("%s/tests/fixtures/hosts/*.tar.bz2", getenv("SRCDIR") ? getenv("SRCDIR") : ".");

	read_decisions(&decisions);
	assert_int_equal(compare_all(own, "tar:", &decisions), 0);
	free(decisions.text);
}

static void test_real_hosts(void **state)
{
	(void)state;
	struct decisions decisions = {0};
	vn_autofree char *trees = shared("data/hwloc/*.tar.bz2"), *documents = shared("data/hwloc/*.xml");
	vn_autofree char *own =
		vn_format("%s/tests/fixtures/hosts/*.tar.bz2", getenv("SRCDIR") ? getenv("SRCDIR") : ".");
	glob_t any = {0};

	if (glob(trees, 0, NULL, &any) != 0)
		skip();
	globfree(&any);
	read_decisions(&decisions);
	unsigned undecided = compare_all(trees, "tar:", &decisions) +
			     compare_all(documents, "hwloc:", &decisions) +
			     compare_all(own, "tar:", &decisions);
	for (size_t i = 0; i < decisions.n; i++) {
		if (decisions.list[i].used == 0)
			printf("# NOT NEEDED: %s | %s\n", decisions.list[i].fixture,
				decisions.list[i].pattern);
		undecided += decisions.list[i].used == 0;
	}
	free(decisions.text);
	assert_int_equal(undecided, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_fixtures), cmocka_unit_test(test_real_hosts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
