/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host from JSON: there and back byte for byte, little documents written by hand, and all that can be wrong. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "../src/base/text.h"
#include "../src/discover/discover.h"
#include "host_asserts.h"

static char *dump(const struct vn_host *host)
{
	json_auto_t *json = vn_host_to_json(host);
	assert_non_null(json);
	char *text = json_dumps(json, JSON_INDENT(2));
	assert_non_null(text);
	return text;
}

/* Reads a document in which quotes are written ' for legibility. */
static int read_text(const char *text, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autofree char *json = strdup(text);
	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return vn_discover_json_text(json, "t.json", ret_host, err);
}

static struct vn_host *accept(const char *text)
{
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	if (read_text(text, &host, &err) < 0)
		fail_msg("%s: %s: %s", text, err.problems[0].key, err.problems[0].text);
	assert_int_equal(err.n, 0);
	return host;
}

/* What is printed of `host` reads back to what prints the same, and cannot be acted on. */
static void assert_round_trip(const struct vn_host *host, const char *what)
{
	vn_autofree char *once = dump(host);
	vn_autohost *back = NULL;
	vn_autoerror err = {0};
	if (vn_discover_json_text(once, "back.json", &back, &err) < 0)
		fail_msg("%s: %s: %s", what, err.problems[0].key, err.problems[0].text);
	vn_autofree char *twice = dump(back);
	if (strcmp(once, twice) != 0)
		fail_msg("%s: printed again it differs", what);
	assert_false(back->live);
	assert_int_equal(back->was_live, host->live || host->was_live);
}

static void round_trip_of(const char *source)
{
	vn_autohost *host = NULL;
	vn_autoerror err = {0};
	if (vn_discover(source, &host, &err) < 0)
		fail_msg("%s: %s", source, err.problems[0].text);
	assert_round_trip(host, source);
}

static void test_live(void **state)
{
	(void)state;
	round_trip_of("live");
}

static char data_path[4096]; /* not on the heap: skip() runs no clean-up */

static DIR *open_data(const char *folder)
{
	const char *shared = getenv("VNUMA_SHARED");
	snprintf(data_path, sizeof(data_path), "%s%s/data/%s", shared ? shared : getenv("SRCDIR"),
		shared ? "" : "/../shared", folder);
	DIR *directory = opendir(data_path);
	if (!directory) {
		print_message("no machines' data at %s: set VNUMA_SHARED to read them\n", data_path);
		skip();
	}
	return directory;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);
	return n > k && strcmp(name + n - k, end) == 0;
}

static void test_numactl_texts(void **state)
{
	(void)state;
	DIR *directory = open_data("numactl");
	int seen = 0;
	for (const struct dirent *entry; (entry = readdir(directory));) {
		if (!ends_in(entry->d_name, ".txt"))
			continue;
		vn_autofree char *source = vn_format("numactl:%s/%s", data_path, entry->d_name);
		round_trip_of(source);
		seen++;
	}
	closedir(directory);
	assert_true(seen >= 10);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void round_trip_of_archive(const char *name)
{
	char base[] = "/tmp/vnuma-json-XXXXXX";
	assert_non_null(mkdtemp(base));
	vn_autofree char *unpack = vn_format("tar -C %s -xjf '%s/%s' 2>&1", base, data_path, name);
	assert_int_equal(system(unpack), 0);
	DIR *directory = opendir(base);
	assert_non_null(directory);
	for (const struct dirent *entry; (entry = readdir(directory));) {
		if (entry->d_name[0] == '.')
			continue;
		vn_autofree char *source = vn_format("sysfs:%s/%s", base, entry->d_name);
		round_trip_of(source);
	}
	closedir(directory);
	nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void test_gathered_trees(void **state)
{
	(void)state;
	DIR *directory = open_data("hwloc");
	int seen = 0;
	for (const struct dirent *entry; (entry = readdir(directory));) {
		if (!ends_in(entry->d_name, ".tar.bz2"))
			continue;
		round_trip_of_archive(entry->d_name);
		seen++;
	}
	closedir(directory);
	assert_true(seen >= 10);
}

/* Every key there is, none of them null: two nodes out of order, an offline CPU, a VF, an HMAT. */
static const char everything[] =
	"{'schema': 'vnuma.topology/1', 'source': 'tar:big.tar.bz2', 'live': true, 'cores_known': true,"
	"'nodes': ["
	" {'id': 5, 'memory_total': 4294967296, 'memory_free': 0, 'memory_reclaimable': 0,"
	"  'hugepages': [{'size': 1073741824, 'total': 3, 'free': 2, 'surplus': 1},"
	"                {'size': 2097152, 'total': 512, 'free': 512, 'surplus': 0}],"
	"  'memory_kind': 'hbm', 'memory_tier': 4, 'interleave_weight': 3,"
	"  'memory_access': [{'class': 0, 'initiators': [2, 5], 'read_latency': 90, 'write_latency': 91,"
	"    'read_bandwidth': 80000, 'write_bandwidth': 40000},"
	"   {'class': 1, 'initiators': [2], 'read_latency': 100, 'write_latency': null,"
	"    'read_bandwidth': 1, 'write_bandwidth': 2}],"
	"  'memory_side_caches': [{'level': 2, 'size': 1024, 'line_size': 64, 'indexing': 0, 'write_policy': 1},"
	"                         {'level': 1, 'size': null, 'line_size': null, 'indexing': null,"
	"                          'write_policy': null}],"
	"  'cpus': [], 'cores': 0, 'distances': {'2': 20, '5': 10}, 'devices': []},"
	" {'id': 2, 'memory_total': 8192, 'memory_free': 100, 'memory_reclaimable': 200, 'hugepages': [],"
	"  'memory_kind': 'dram', 'memory_tier': 0, 'interleave_weight': 255, 'memory_access': [],"
	"  'memory_side_caches': [], 'cpus': [0, 1, 65535], 'cores': 2, 'distances': {'5': 21, '2': 10},"
	"  'devices': ["
	"   {'address': '0000:3b:10.1', 'class': '0x020000', 'vendor': '0x8086', 'device': '0x154c',"
	"    'driver': 'vfio-pci', 'name': 'eth1', 'names': ['eth1', 'sda'],"
	"    'physical_function': '0000:3b:00.0', 'root': 'pci0000:3a', 'local_cpus': [0, 1],"
	"    'irqs': [{'irq': 201, 'cpus': [1], 'effective_cpus': []},"
	"             {'irq': 2147483647, 'cpus': null, 'effective_cpus': null},"
	"             {'irq': 7, 'cpus': [0, 1], 'effective_cpus': [1]}]},"
	"   {'address': '0000:3b:00.0', 'class': '0x020000', 'vendor': '0x8086', 'device': '0x1572',"
	"    'driver': null, 'name': null, 'names': [], 'physical_function': null, 'root': null,"
	"    'local_cpus': null, 'irqs': []}]}],"
	"'cpus': ["
	" {'id': 65535, 'online': true, 'node': 2, 'package': 1, 'die': 2, 'cluster': 3, 'core': 4, 'l3': 5,"
	"  'siblings': [65535]},"
	" {'id': 1, 'online': true, 'node': 2, 'package': 0, 'die': 0, 'cluster': 0, 'core': 0, 'l3': 0,"
	"  'siblings': [0, 1]},"
	" {'id': 0, 'online': true, 'node': 2, 'package': 0, 'die': 0, 'cluster': 0, 'core': 0, 'l3': 0,"
	"  'siblings': [1, 0]},"
	" {'id': 9, 'online': false, 'node': null, 'package': null, 'die': null, 'cluster': null,"
	"  'core': null, 'l3': null, 'siblings': null}],"
	"'allowed_cpus': [0, 1], 'allowed_nodes': [2], 'cgroup_memory': 5, 'cgroup_millicpus': 1500, 'offline_nodes': [7, 1023], 'isolated_cpus': [1],"
	"'nohz_full_cpus': [0],"
	"'hmat': {'revision': 2, 'domains': [{'domain': 4294967295, 'node': 5}, {'domain': 0, 'node': null}],"
	" 'matrices': [{'type': 'write-bandwidth', 'hierarchy': 1, 'initiators': [0],"
	"   'targets': [4294967295, 0], 'values': [[123456, 'unreachable']]},"
	"  {'type': 'access-latency', 'hierarchy': 0, 'initiators': [0], 'targets': [0], 'values': [[null]]},"
	"  {'type': 'read-latency', 'hierarchy': 0, 'initiators': [], 'targets': [], 'values': []}],"
	" 'caches': [{'domain': 0, 'size': 65536, 'levels': 1, 'level': 1, 'associativity': 1,"
	"   'write_policy': 2, 'line_size': 65535}]},"
	"'devices_without_node': [{'address': '10000:01:00.0', 'class': '0x010802', 'vendor': '0x0000',"
	" 'device': '0x0000', 'driver': 'nvme', 'name': 'nvme0n1', 'names': ['nvme0n1'],"
	" 'physical_function': null, 'root': 'pci10000:00', 'local_cpus': [], 'irqs': []}],"
	"'warnings': [{'code': 'distances-odd', 'text': 'as somebody found – once'}]}";

static void assert_devices(const struct vn_host *host)
{
	assert_int_equal(host->n_devices, 3);
	const struct vn_host_device *pf = &host->devices[0], *vf = &host->devices[1];
	assert_string_equal(pf->address, "0000:3b:00.0");
	assert_null(pf->driver);
	assert_null(pf->local_cpus);
	assert_string_equal(vf->physical_function, "0000:3b:00.0");
	assert_string_equal(vf->root, "pci0000:3a");
	assert_int_equal(vf->node, 2);
	assert_int_equal(vf->class_code, 0x020000);
	assert_int_equal(vf->device, 0x154c);
	assert_int_equal(vf->n_names, 2);
	assert_string_equal(vf->names[1], "sda");
	assert_int_equal(vf->n_irqs, 3);
	assert_int_equal(vf->irqs[0].number, 7);
	assert_set(vf->irqs[0].effective, "1");
	assert_int_equal(vf->irqs[2].number, 2147483647);
	assert_null(vf->irqs[2].cpus);
	assert_int_equal(host->devices[2].node, -1);
}

static void test_every_field(void **state)
{
	(void)state;
	vn_autohost *host = accept(everything);
	assert_true(host->was_live);
	assert_false(host->live);
	assert_string_equal(host->source, "tar:big.tar.bz2");
	assert_int_equal(host->nodes[0].id, 2);
	assert_int_equal(host->nodes[0].distances[1], 21);
	assert_int_equal(host->nodes[1].distances[0], 20);
	const struct vn_host_node *hbm = &host->nodes[1];
	assert_int_equal(hbm->memory_kind, VN_MEMORY_HBM);
	assert_true(hbm->has_memory_free && hbm->memory_free == 0);
	assert_true(hbm->hugepools[0].size == 2097152 && hbm->hugepools[1].surplus == 1);
	assert_int_equal(hbm->memory_tier, 4);
	assert_int_equal(hbm->access[0].write_bandwidth, 40000);
	assert_int_equal(hbm->access[1].write_latency, 0);
	assert_set(hbm->access[0].initiators, "2,5");
	assert_int_equal(hbm->memory_caches[0].level, 1);
	assert_int_equal(hbm->memory_caches[0].indexing, -1);
	assert_int_equal(hbm->memory_caches[1].line_size, 64);
	assert_int_equal(host->n_cpus, 4);
	assert_int_equal(host->cpus[1].node, 2);
	assert_false(host->cpus[2].online);
	assert_int_equal(host->cpus[3].cluster, 3);
	assert_set(host->offline_nodes, "7,1023");
	assert_true(host->has_cgroup_memory);
	assert_int_equal(host->cgroup_memory, 5);
	assert_int_equal(host->cgroup_millicpus, 1500);
	assert_set(host->isolated_cpus, "1");
	assert_int_equal(vn_hmat_node(host->hmat, UINT32_MAX), 5);
	assert_true(host->hmat->matrices[0].values[1] == VN_HMAT_UNREACHABLE);
	assert_true(host->hmat->matrices[0].values[0] == 123456);
	assert_true(host->hmat->matrices[1].values[0] == VN_HMAT_UNKNOWN);
	assert_int_equal(host->hmat->caches[0].line_size, 65535);
	assert_devices(host);
	assert_int_equal(host->notes.n, 1); /* those of the file, and no others */
	assert_round_trip(host, "everything");
}

static void test_order_of_keys_does_not_matter(void **state)
{
	(void)state;
	vn_autohost *host = accept(everything);
	vn_autofree char *once = dump(host);
	json_auto_t *json = json_loads(once, 0, NULL);
	vn_autofree char *sorted = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
	vn_autohost *again = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_discover_json_text(sorted, "s.json", &again, &err), 0);
	vn_autofree char *twice = dump(again);
	assert_string_equal(once, twice);
}

static void test_little_is_needed(void **state)
{
	(void)state;
	vn_autohost *host = accept(
		"{'nodes': [{'id': 3, 'cpus': [2, 5], 'memory_total': 1024, 'distances': {'3': 10, '1': 21}},"
		"{'id': 1, 'cpus': [], 'memory_total': 0, 'devices': [{'address': '0000:00:02.0', 'name': 'eth0'}]}]}");
	assert_string_equal(host->source, "json:t.json");
	assert_int_equal(host->n_cpus, 2);
	assert_int_equal(host->cpus[1].id, 5);
	assert_int_equal(host->cpus[1].node, 3);
	assert_true(host->cpus[1].online);
	assert_int_equal(host->cpus[1].package, -1);
	assert_false(host->nodes[0].has_memory_free);
	assert_int_equal(host->nodes[1].distances[0], 21);
	assert_int_equal(host->nodes[0].distances[1], VN_DISTANCE_UNKNOWN);
	assert_int_equal(host->nodes[0].memory_tier, -1);
	assert_string_equal(host->devices[0].names[0], "eth0");
	assert_int_equal(host->devices[0].node, 1);
	assert_null(host->allowed_cpus);
	assert_null(host->hmat);
	assert_false(host->was_live);
	assert_true(vn_notes_has(&host->notes, "cores-unknown")); /* notes are made, for none were given */
	assert_true(vn_notes_has(&host->notes, "distances-missing"));
	assert_true(vn_notes_has(&host->notes, "node-empty"));
	assert_round_trip(host, "little");
}

#define NODE(more) "{'nodes': [{'id': 0, 'cpus': [0, 1], 'memory_total': 1024" more "}]"
#define POOL(keys)                                                                                           \
	"{'nodes': [{'id': 0, 'cpus': [0, 1], 'memory_total': 1048576, 'hugepages': [{" keys "}]}]}"
#define HOST(more) NODE("") ", " more "}"
#define DEVICE(more) HOST("'devices_without_node': [{'address': '0000:00:02.0'" more "}]")
#define HMAT(more) HOST("'hmat': {'revision': 2, 'domains': [{'domain': 0}], " more "}")
#define MATRIX(more) HMAT("'matrices': [{'type': 'read-latency', 'hierarchy': 0, " more "}]")
#define AMOUNT_TOO_LARGE "1152921504606846977"

static void test_what_is_left_out(void **state)
{
	(void)state;
	vn_autohost *known =
		accept("{'nodes': [{'id': 0, 'cpus': [0, 1], 'memory_total': 1, 'cores': 1}],"
		       "'cpus': [{'id': 0, 'siblings': [0, 1]}, {'id': 1, 'siblings': [0, 1]}]}");
	assert_true(known->cores_known); /* all siblings are there */
	vn_autohost *half = accept(HOST("'cpus': [{'id': 0, 'siblings': [0, 1, 7]}, {'id': 1}]"));
	assert_false(half->cores_known); /* CPU 1 does not tell, and contradicts nobody */
	vn_autohost *mute = accept("{'source': null, 'nodes': [{'id': 0, 'cpus': [], 'memory_total': 1}],"
				   "'cpus': [], 'warnings': []}");
	assert_null(mute->source);
	assert_int_equal(mute->notes.n, 0);
	assert_int_equal(mute->n_cpus, 0);
	assert_round_trip(mute, "no source");
	vn_autohost *codes = accept(DEVICE(", 'class': null, 'vendor': '0x0000'"));
	assert_int_equal(codes->devices[0].class_code, -1);
	assert_int_equal(codes->devices[0].vendor, 0);
	assert_int_equal(codes->devices[0].device, -1);
	assert_round_trip(codes, "codes of a device");
	vn_autohost *later = accept("{'nodes': [{'id': 0, 'cpus': [0], 'memory_total': 1, 'colour': 'red'}],"
				    "'smell': {'of': ['oil']}}");
	assert_int_equal(later->n_nodes, 1); /* keys of a later version are passed over */
}

static const struct {
	const char *text, *key, *told; /* told: a part of the problem's text */
} wrong[] = {
	{"[1, 2]", NULL, "a list of 2; expected an object"},
	{"{}", "nodes", "missing; expected a list"},
	{"{'nodes': []}", "nodes", "no nodes"},
	{"{'schema': 'vnuma.plan/1'}", "schema", "\"vnuma.plan/1\"; expected \"vnuma.topology/1\""},
	{"{'schema': 1}", "schema", "1; expected"},
	{"{'nodes': {}}", "nodes", "an object; expected a list"},
	{"{'nodes': [7]}", "nodes[0]", "7; expected an object"},
	{"{'nodes': [{'cpus': [], 'memory_total': 1}]}", "nodes[0].id", "missing; expected a node number"},
	{"{'nodes': [{'id': 0, 'memory_total': 1}]}", "nodes[0].cpus", "missing; expected a list of CPU"},
	{"{'nodes': [{'id': 0, 'cpus': []}]}", "nodes[0].memory_total", "missing; expected bytes"},
	{"{'nodes': [{'id': 1024, 'cpus': [], 'memory_total': 1}]}", "nodes[0].id", "1024; expected"},
	{"{'nodes': [{'id': -1, 'cpus': [], 'memory_total': 1}]}", "nodes[0].id", "-1; expected"},
	{"{'nodes': [{'id': 0, 'cpus': [], 'memory_total': -1}]}", "nodes[0].memory_total", "-1"},
	{"{'nodes': [{'id': 0, 'cpus': [], 'memory_total': 1.5}]}", "nodes[0].memory_total", "1.5"},
	{"{'nodes': [{'id': 0, 'cpus': [], 'memory_total': '1'}]}", "nodes[0].memory_total", "\"1\""},
	{"{'nodes': [{'id': 0, 'cpus': [], 'memory_total': " AMOUNT_TOO_LARGE "}]}", "nodes[0].memory_total",
		AMOUNT_TOO_LARGE},
	{"{'nodes': [{'id': 2, 'cpus': [], 'memory_total': 1}, {'id': 2, 'cpus': [], 'memory_total': 1}]}",
		"nodes[1].id", "node 2 is there twice"},
	{"{'nodes': [{'id': 2, 'cpus': [4], 'memory_total': 1}, {'id': 3, 'cpus': [4], 'memory_total': 1}]}",
		"nodes[1].cpus", "CPU 4 is in node 2 too"},
	{"{'nodes': [{'id': 0, 'cpus': [65536], 'memory_total': 1}]}", "nodes[0].cpus", "65536; expected"},
	{"{'nodes': [{'id': 0, 'cpus': [1, 1], 'memory_total': 1}]}", "nodes[0].cpus", "each once"},
	{"{'nodes': [{'id': 0, 'cpus': '0-3', 'memory_total': 1}]}", "nodes[0].cpus", "\"0-3\"; expected"},
	{NODE(", 'memory_free': true") "}", "nodes[0].memory_free",
		"true; expected bytes up to 2^60, or null"},
	{NODE(", 'memory_free': 1025") "}", "nodes[0].memory_free", "1025; expected at most the 1024"},
	{"{'nodes': [{'id': 0, 'cpus': [], 'memory_total': 9223372036854775807, 'memory_free': 1}]}",
		"nodes[0].memory_total", "9223372036854775807; expected bytes up to 2^60"},
	{NODE(", 'interleave_weight': 0") "}", "nodes[0].interleave_weight", "0; expected 1 to 255, or null"},
	{NODE(", 'interleave_weight': 256") "}", "nodes[0].interleave_weight", "256; expected 1 to 255"},
	{NODE(", 'memory_kind': 'ram'") "}", "nodes[0].memory_kind", "null, dram, hbm, cxl"},
	{NODE(", 'memory_tier': -1") "}", "nodes[0].memory_tier", "-1"},
	{POOL("'size': 0, 'total': 1, 'free': 1"), "nodes[0].hugepages[0].size",
		"0; expected bytes a page: a power"},
	{POOL("'size': 3, 'total': 1, 'free': 1"), "nodes[0].hugepages[0].size",
		"3; expected bytes a page: a power"},
	{POOL("'size': 2048, 'total': 1, 'free': 1"), "nodes[0].hugepages[0].size", "at least 4096"},
	{POOL("'size': 12288, 'total': 1, 'free': 1"), "nodes[0].hugepages[0].size", "12288; expected"},
	{POOL("'size': 65536, 'total': 17592186044417, 'free': 1"), "nodes[0].hugepages[0].total",
		"17592186044417 pages of 65536 bytes; expected at most 2^60 bytes"},
	{POOL("'size': 65536, 'total': 1, 'free': 2"), "nodes[0].hugepages[0].free",
		"2; expected at most the 1"},
	{POOL("'size': 65536, 'total': 1, 'free': 1, 'surplus': 2"), "nodes[0].hugepages[0].surplus",
		"2; expected at most the 1"},
	{POOL("'size': 65536, 'total': 1, 'free': 1}, {'size': 65536, 'total': 1, 'free': 1"),
		"nodes[0].hugepages[1].size", "twice"},
	{NODE(", 'memory_access': [{'class': 2, 'initiators': []}]") "}", "nodes[0].memory_access[0].class",
		"2"},
	{NODE(", 'memory_access': [{'class': 0, 'initiators': []}, {'class': 0, 'initiators': []}]") "}",
		"nodes[0].memory_access[1].class", "twice"},
	{NODE(", 'memory_access': [{'class': 0}]") "}", "nodes[0].memory_access[0].initiators", "missing"},
	{NODE(", 'memory_access': [{'class': 0, 'initiators': [0], 'read_latency': 0}]") "}",
		"nodes[0].memory_access[0].read_latency", "0; expected nanoseconds above 0"},
	{NODE(", 'memory_side_caches': [{'level': 1}, {'level': 1}]") "}",
		"nodes[0].memory_side_caches[1].level", "twice"},
	{NODE(", 'cores': 3, 'cores_known': true") "}", "nodes[0].cores", "3; expected null"},
	{NODE(", 'distances': [10]") "}", "nodes[0].distances", "a list of 1; expected an object"},
	{NODE(", 'distances': {'0': 0}") "}", "nodes[0].distances.0", "0; expected a distance of 1 to 255"},
	{NODE(", 'distances': {'0': 256}") "}", "nodes[0].distances.0", "256; expected a distance"},
	{NODE(", 'distances': {'7': 20}") "}", "nodes[0].distances.7", "no such node"},
	{NODE(", 'distances': {'00': 20}") "}", "nodes[0].distances.00", "no such node"},
	{NODE(", 'distances': {'\\u001b[2J': 20}") "}", "nodes[0].distances.?[2J", "no such node"},
	{HOST("'cpus': 5"), "cpus", "5; expected a list"},
	{HOST("'cpus': [{'id': 0}]"), "nodes[0].cpus", "1; expected CPUs that"},
	{HOST("'cpus': [{'id': 0}, {'id': 1}, {'id': 1}]"), "cpus[2].id", "CPU 1 is there twice"},
	{HOST("'cpus': [{'id': 0}, {'id': 1, 'node': 3}]"), "cpus[1].node", "3; expected the node that has"},
	{HOST("'cpus': [{'id': 0, 'node': null}, {'id': 1}]"), "cpus[0].node", "null; expected the node"},
	{HOST("'cpus': [{'id': 0, 'node': -1}, {'id': 1}]"), "cpus[0].node", "-1; expected a node number"},
	{HOST("'cpus': [{'id': 0}, {'id': 1, 'online': false}]"), "cpus[1].online", "node 0 has CPU 1"},
	{HOST("'cpus': [{'id': 0}, {'id': 1}, {'id': 2, 'online': false, 'node': 7}]"), "cpus[2].node",
		"7; expected a node of 'nodes'"},
	{HOST("'cpus': [{'id': 0}, {'id': 1, 'online': 0}]"), "cpus[1].online", "0; expected true or false"},
	{HOST("'cpus': [{'id': 0}, {'id': 1, 'core': 2147483648}]"), "cpus[1].core", "2147483648"},
	{HOST("'cpus': [{'id': 0, 'siblings': [0]}, {'id': 1, 'siblings': [0, 1]}]"), "cpus[1].siblings",
		"a list of 2; expected this CPU among them, and the same list from each"},
	{HOST("'cpus': [{'id': 1, 'siblings': [1]}, {'id': 0, 'siblings': [0, 1]}]"), "cpus[1].siblings",
		"a list of 2"},
	{HOST("'cpus': [{'id': 0, 'siblings': [1]}, {'id': 1, 'siblings': [1]}]"), "cpus[0].siblings",
		"a list of 1"},
	{HOST("'cores_known': 1"), "cores_known", "1; expected true or false"},
	{HOST("'live': 'yes'"), "live", "\"yes\"; expected true or false"},
	{HOST("'source': 'a\\u001b[31m'"), "source", "\\u001B[31m"},
	{HOST("'cgroup_memory': -1"), "cgroup_memory", "-1; expected bytes"},
	{HOST("'cgroup_millicpus': 0"), "cgroup_millicpus", "0; expected thousandths of a CPU"},
	{HOST("'offline_nodes': [0]"), "offline_nodes", "0; expected no node of 'nodes'"},
	{HOST("'isolated_cpus': [null]"), "isolated_cpus", "null; expected a list of numbers"},
	{HOST("'warnings': [{'code': 'A b', 'text': 'x'}]"), "warnings[0].code", "lower case"},
	{HOST("'warnings': [{'code': 'a'}]"), "warnings[0].text", "missing"},
	{HOST("'warnings': [{'code': 'a', 'text': 'two\\nlines'}]"), "warnings[0].text",
		"expected a sentence"},
	{HOST("'devices_without_node': [{}]"), "devices_without_node[0].address", "missing"},
	{HOST("'devices_without_node': [{'address': 'eth0'}]"), "devices_without_node[0].address", "eth0"},
	{HOST("'devices_without_node': [{'address': '0000:00:02.0'}, {'address': '0000:00:02.0'}]"),
		"devices_without_node[1].address", "twice"},
	{DEVICE(", 'class': '0x02'"), "devices_without_node[0].class", "0x and 6 digits"},
	{DEVICE(", 'vendor': 32902"), "devices_without_node[0].vendor", "32902; expected a code"},
	{DEVICE(", 'names': ['a'], 'name': 'b'"), "devices_without_node[0].name", "the first of 'names'"},
	{DEVICE(", 'names': ['a'], 'name': null"), "devices_without_node[0].name",
		"null; expected the first"},
	{DEVICE(", 'names': [null]"), "devices_without_node[0].names[0]", "expected a name"},
	{DEVICE(", 'root': ''"), "devices_without_node[0].root", "\"\"; expected"},
	{DEVICE(", 'irqs': [{'irq': 1}, {'irq': 1}]"), "devices_without_node[0].irqs",
		"irq 1 is there twice"},
	{DEVICE(", 'irqs': [{'irq': -1}]"), "devices_without_node[0].irqs[0].irq", "-1"},
	{HOST("'hmat': []"), "hmat", "a list of 0; expected an object"},
	{HOST("'hmat': {}"), "hmat.revision", "missing"},
	{HOST("'hmat': {'revision': 1, 'domains': [{'domain': 1}, {'domain': 1}]}"), "hmat.domains", "twice"},
	{HMAT("'caches': [{'domain': 7, 'size': 1}]"), "hmat.caches[0].domain", "7; expected a domain of"},
	{HMAT("'caches': [{'domain': 0, 'size': 1, 'level': 16}]"), "hmat.caches[0].level", "16"},
	{HMAT("'matrices': [{'type': 'speed', 'hierarchy': 0, 'initiators': [], 'targets': [], 'values': []}]"),
		"hmat.matrices[0].type", "\"speed\"; expected"},
	{MATRIX("'initiators': [1], 'targets': [0], 'values': [[1]]"), "hmat.matrices[0].initiators",
		"member 0"},
	{MATRIX("'initiators': [0], 'targets': [0], 'values': []"), "hmat.matrices[0].values", "0 rows"},
	{MATRIX("'initiators': [0], 'targets': [0], 'values': [[1, 2]]"), "hmat.matrices[0].values[0]",
		"one value"},
	{MATRIX("'initiators': [0], 'targets': [0], 'values': [[0]]"), "hmat.matrices[0].values[0][0]",
		"above 0"},
	{MATRIX("'initiators': [0], 'targets': [0], 'values': [['far']]"), "hmat.matrices[0].values[0][0]",
		"unreachable"},
};

static void test_what_is_wrong_is_told_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct vn_host *host = NULL;
		vn_autoerror err = {0};
		assert_int_equal(read_text(wrong[i].text, &host, &err), -EINVAL);
		assert_null(host);
		assert_true(err.input);
		const struct vn_problem *problem = err.problems;
		if (err.n != 1 || !problem->text || strcmp(problem->file, "t.json") != 0 ||
			strcmp(problem->key ? problem->key : "-", wrong[i].key ? wrong[i].key : "-") != 0 ||
			!strstr(problem->text, wrong[i].told))
			fail_msg("%s: %zu problems, the first: %s: %s", wrong[i].text, err.n, problem->key,
				problem->text);
		for (const char *p = problem->text; *p; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
	}
}

static void test_cores_contradict(void **state)
{
	(void)state;
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	assert_int_equal(read_text("{'nodes': [{'id': 0, 'cpus': [0, 1], 'memory_total': 1, 'cores': 2}],"
				   "'cpus': [{'id': 0, 'siblings': [0, 1]}, {'id': 1, 'siblings': [0, 1]}]}",
				 &host, &err),
		-EINVAL);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].key, "nodes[0].cores");
	assert_string_equal(err.problems[0].text, "2; expected 1, by the siblings of its CPUs");
}

static void test_syntax(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned line;
	} texts[] = {{"", 1}, {"{\n'nodes': [\n", 3}, {"{'a': 1, 'a': 2}", 1},
		{"{\n'a': 99999999999999999999}", 2}, {"{'nodes': []} trailing", 1}, {"\n\n{'a': '\xff'}", 3},
		{"{'a': '\\u0000'}", 1}, {"null", 1}, {"{'a': 'b\tc'}", 1}, {"\x1b[31m", 1}};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vn_host *host = NULL;
		vn_autoerror err = {0};
		assert_int_equal(read_text(texts[i].text, &host, &err), -EINVAL);
		assert_int_equal(err.n, 1);
		assert_string_equal(err.problems[0].file, "t.json");
		assert_int_equal(err.problems[0].line, texts[i].line);
		assert_true(ends_in(err.problems[0].text, "; expected JSON"));
		for (const char *p = err.problems[0].text; *p; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
	}
}

static void test_deep_nesting(void **state)
{
	(void)state;
	size_t depth = 1000000;
	vn_autofree char *text = malloc(depth + 1);
	memset(text, '[', depth);
	text[depth] = '\0';
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_discover_json_text(text, "deep.json", &host, &err), -EINVAL);
	assert_int_equal(err.n, 1);
}

static void test_all_problems_are_told(void **state)
{
	(void)state;
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	assert_int_equal(
		read_text("{'nodes': [{'id': 0, 'cpus': [0], 'memory_total': -5, 'distances': {'9': 10}},"
			  "{'id': 'x', 'cpus': [0]}], 'live': 3, 'hmat': 1, 'warnings': 2}",
			&host, &err),
		-EINVAL);
	assert_int_equal(err.n, 7);
	vn_error_clear(&err);
	json_auto_t *nodes = json_array();
	for (int i = 0; i < 30; i++)
		json_array_append_new(nodes, json_integer(i));
	json_auto_t *json = json_pack("{s:O}", "nodes", nodes);
	vn_autofree char *text = json_dumps(json, 0);
	assert_int_equal(vn_discover_json_text(text, "many.json", &host, &err), -EINVAL);
	assert_int_equal(err.n, 21);
	assert_string_equal(err.problems[19].key, "nodes[19]");
	assert_string_equal(err.problems[20].text, "10 more problems");
	assert_string_equal(err.problems[20].file, "many.json");
}

static void test_a_long_value_is_cut(void **state)
{
	(void)state;
	char text[4096];
	struct vn_host *host = NULL;
	vn_autoerror err = {0};
	int n = snprintf(text, sizeof(text), "{\"nodes\": \"");
	for (int i = 0; i < 600; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "\xe2\x82\xac");
	snprintf(text + n, sizeof(text) - (size_t)n, "\"}");
	assert_int_equal(vn_discover_json_text(text, "long.json", &host, &err), -EINVAL);
	assert_true(strlen(err.problems[0].text) < 100);
}

static void test_files(void **state)
{
	(void)state;
	char path[] = "/tmp/vnuma-json-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	const char text[] = "{\"nodes\": [{\"id\": 4, \"cpus\": [1], \"memory_total\": 5}]}\n";
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	vn_autofree char *source = vn_format("json:%s", path);
	vn_autohost *host = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_discover(source, &host, &err), 0);
	assert_string_equal(host->source, source);
	assert_int_equal(host->nodes[0].id, 4);
	struct vn_host *none = NULL;
	assert_int_equal(ftruncate(fd, (off_t)65 << 20), 0); /* a hole of NUL bytes */
	assert_true(vn_discover(source, &none, &err) < 0);
	assert_true(err.input);
	assert_non_null(strstr(err.problems[0].text, "is longer than"));
	close(fd);
	unlink(path);
	vn_error_clear(&err);
	assert_int_equal(vn_discover(source, &none, &err), -ENOENT);
	assert_int_equal(err.n, 1);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_numactl_texts),
		cmocka_unit_test(test_gathered_trees),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_order_of_keys_does_not_matter),
		cmocka_unit_test(test_little_is_needed),
		cmocka_unit_test(test_what_is_left_out),
		cmocka_unit_test(test_what_is_wrong_is_told_exactly),
		cmocka_unit_test(test_cores_contradict),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_all_problems_are_told),
		cmocka_unit_test(test_a_long_value_is_cut),
		cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
