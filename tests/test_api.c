/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library as others see it: this file includes the public header alone. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../include/vnuma.h"

static const char document[] =
	"{\"source\": \"live\", \"live\": true, \"nodes\": ["
	" {\"id\": 2, \"memory_total\": 4294967296, \"memory_free\": 0, \"memory_reclaimable\": 7,"
	"  \"hugepages\": [{\"size\": 1073741824, \"total\": 3, \"free\": 2, \"surplus\": 1},"
	"                  {\"size\": 2097152, \"total\": 512, \"free\": 0, \"surplus\": 0}],"
	"  \"memory_kind\": \"dram\", \"memory_tier\": 4, \"interleave_weight\": 3,"
	"  \"memory_access\": [{\"class\": 1, \"initiators\": [2], \"read_latency\": 90, \"read_bandwidth\": 80000}],"
	"  \"memory_side_caches\": [{\"level\": 1, \"size\": 4096, \"indexing\": 0}, {\"level\": 2, \"write_policy\": 1}],"
	"  \"cpus\": [4, 5, 70], \"distances\": {\"2\": 10, \"9\": 21}, \"devices\": ["
	"   {\"address\": \"0000:3b:00.1\", \"class\": \"0x020000\", \"vendor\": \"0x8086\", \"device\": \"0x154c\","
	"    \"driver\": \"vfio-pci\", \"names\": [\"eth1\", \"sda\"], \"physical_function\": \"0000:3b:00.0\","
	"    \"root\": \"pci0000:3a\", \"local_cpus\": [4, 5],"
	"    \"irqs\": [{\"irq\": 33, \"cpus\": [4], \"effective_cpus\": null}]}]},"
	" {\"id\": 9, \"memory_total\": 4096, \"cpus\": []}],"
	"\"cpus\": [{\"id\": 4, \"package\": 0, \"die\": 1, \"cluster\": 2, \"core\": 3, \"l3\": 4, \"siblings\": [4, 5]},"
	" {\"id\": 5, \"siblings\": [4, 5]}, {\"id\": 70, \"siblings\": [70]}, {\"id\": 71, \"online\": false}],"
	"\"isolated_cpus\": [5], \"allowed_cpus\": [4], \"offline_nodes\": [3],"
	"\"hmat\": {\"revision\": 2, \"domains\": [{\"domain\": 5, \"node\": 2}, {\"domain\": 6, \"node\": 9}], \"matrices\": ["
	" {\"type\": \"read-latency\", \"hierarchy\": 1, \"initiators\": [5], \"targets\": [5], \"values\": [[1]]},"
	" {\"type\": \"read-latency\", \"hierarchy\": 0, \"initiators\": [5, 6], \"targets\": [6, 5],"
	"  \"values\": [[250000, 90000], [\"unreachable\", null]]}], \"caches\": []},"
	"\"devices_without_node\": [{\"address\": \"0000:00:02.0\"}]}";

static struct vn_host *open_document(void)
{
	char path[] = "/tmp/vnuma-api-XXXXXX", source[64];
	struct vn_host *host = NULL;
	struct vn_error *err = vn_error_new();
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, document, strlen(document)), strlen(document));
	close(fd);
	snprintf(source, sizeof(source), "json:%s", path);
	if (vn_host_open(source, &host, err) < 0)
		fail_msg("%s: %s", vn_error_key(err, 0), vn_error_text(err, 0));
	assert_int_equal(vn_error_count(err), 0);
	unlink(path);
	vn_error_free(err);
	return host;
}

static void test_nodes(void **state)
{
	(void)state;
	struct vn_host *host = open_document();
	assert_int_equal(vn_host_node_count(host), 2);
	assert_int_equal(vn_host_node_id(host, 1), 9);
	assert_int_equal(vn_host_node_index(host, 9), 1);
	assert_int_equal(vn_host_node_index(host, 1), -ENOENT);
	assert_int_equal(vn_host_node_memory_total(host, 0), 4294967296);
	assert_int_equal(vn_host_node_memory_free(host, 0), 0); /* known, and none */
	assert_int_equal(vn_host_node_memory_free(host, 1), -ENODATA);
	assert_int_equal(vn_host_node_memory_reclaimable(host, 0), 7);
	assert_int_equal(vn_host_node_memory_reclaimable(host, 1), -ENODATA);
	assert_string_equal(vn_host_node_kind(host, 0), "dram");
	assert_null(vn_host_node_kind(host, 1));
	assert_int_equal(vn_host_node_tier(host, 0), 4);
	assert_int_equal(vn_host_node_tier(host, 1), -ENODATA);
	assert_int_equal(vn_host_node_interleave_weight(host, 0), 3);
	assert_int_equal(vn_host_node_cores(host, 0), 2);
	assert_int_equal(vn_host_node_pool_count(host, 0), 2);
	assert_int_equal(vn_host_node_pool_page_size(host, 0, 0), 2097152);
	assert_int_equal(vn_host_node_pool_total(host, 0, 1), 3);
	assert_int_equal(vn_host_node_pool_free(host, 0, 1), 2);
	assert_int_equal(vn_host_node_pool_surplus(host, 0, 1), 1);
	assert_int_equal(vn_host_node_pool_total(host, 0, 2), -ERANGE);
	assert_int_equal(vn_host_node_pool_count(host, 1), 0);
	assert_int_equal(vn_host_distance(host, 2, 9), 21);
	assert_int_equal(vn_host_distance(host, 9, 2), -ENODATA);
	assert_int_equal(vn_host_distance(host, 2, 3), -ENOENT);
	assert_int_equal(vn_host_node_access(host, 0, VN_ACCESS_CPU, VN_ACCESS_READ_LATENCY), 90);
	assert_int_equal(vn_host_node_access(host, 0, VN_ACCESS_CPU, VN_ACCESS_READ_BANDWIDTH), 80000);
	assert_int_equal(vn_host_node_access(host, 0, VN_ACCESS_CPU, VN_ACCESS_WRITE_LATENCY), -ENODATA);
	assert_int_equal(vn_host_node_access(host, 0, VN_ACCESS_ANY, VN_ACCESS_WRITE_BANDWIDTH), -ENODATA);
	vn_host_free(host);
}

static void test_memory(void **state)
{
	(void)state;
	struct vn_host *host = open_document();
	assert_int_equal(vn_host_node_cache_count(host, 0), 2);
	assert_int_equal(vn_host_node_cache_count(host, 1), 0);
	assert_int_equal(vn_host_node_cache_count(host, 2), -ERANGE);
	assert_int_equal(vn_host_node_cache_level(host, 0, 1), 2);
	assert_int_equal(vn_host_node_cache_size(host, 0, 0), 4096);
	assert_int_equal(vn_host_node_cache_size(host, 0, 1), -ENODATA);
	assert_int_equal(vn_host_node_cache_size(host, 0, 2), -ERANGE);
	assert_int_equal(vn_host_node_cache_line_size(host, 0, 0), -ENODATA);
	assert_int_equal(vn_host_node_cache_indexing(host, 0, 0), 0);
	assert_int_equal(vn_host_node_cache_indexing(host, 0, 1), -ENODATA);
	assert_int_equal(vn_host_node_cache_write_policy(host, 0, 1), 1);
	assert_int_equal(vn_host_hmat(host, VN_HOST_HMAT_READ_LATENCY, 2, 9), 250000);
	assert_int_equal(vn_host_hmat(host, VN_HOST_HMAT_READ_LATENCY, 2, 2), 90000);
	assert_int_equal(vn_host_hmat(host, VN_HOST_HMAT_READ_LATENCY, 9, 9), -ENXIO);
	assert_int_equal(vn_host_hmat(host, VN_HOST_HMAT_READ_LATENCY, 9, 2), -ENODATA);
	assert_int_equal(vn_host_hmat(host, VN_HOST_HMAT_WRITE_LATENCY, 2, 9), -ENODATA);
	assert_int_equal(vn_host_hmat(host, VN_HOST_HMAT_READ_LATENCY, 2, 3), -ENOENT);
	assert_int_equal(vn_host_hmat(host, (enum vn_host_hmat_figure)6, 2, 9), -EINVAL);
	vn_host_free(host);
}

static void test_sets(void **state)
{
	(void)state;
	struct vn_host *host = open_document();
	unsigned ids[4] = {99, 99, 99, 99};
	assert_int_equal(vn_host_node_cpus(host, 0, NULL, 0), 3);
	assert_int_equal(vn_host_node_cpus(host, 0, ids, 2), 3); /* there are more than were asked for */
	assert_int_equal(ids[0], 4);
	assert_int_equal(ids[1], 5);
	assert_int_equal(ids[2], 99);
	assert_int_equal(vn_host_node_cpus(host, 0, ids, 4), 3);
	assert_int_equal(ids[2], 70);
	assert_int_equal(vn_host_node_cpus(host, 1, ids, 4), 0);
	assert_int_equal(vn_host_node_initiators(host, 0, VN_ACCESS_CPU, ids, 4), 1);
	assert_int_equal(ids[0], 2);
	assert_int_equal(vn_host_node_initiators(host, 0, VN_ACCESS_ANY, ids, 4), -ENODATA);
	assert_int_equal(vn_host_allowed_cpus(host, ids, 4), 1);
	assert_int_equal(ids[0], 4);
	assert_int_equal(vn_host_allowed_nodes(host, ids, 4), -ENODATA);
	assert_int_equal(vn_host_offline_nodes(host, ids, 4), 1);
	assert_int_equal(ids[0], 3);
	vn_host_free(host);
}

static void test_cpus(void **state)
{
	(void)state;
	struct vn_host *host = open_document();
	unsigned ids[4];
	assert_int_equal(vn_host_cpu_count(host), 4);
	assert_int_equal(vn_host_cpu_id(host, 2), 70);
	assert_int_equal(vn_host_cpu_index(host, 70), 2);
	assert_int_equal(vn_host_cpu_index(host, 0), -ENOENT);
	assert_int_equal(vn_host_cpu_node(host, 0), 2);
	assert_int_equal(vn_host_cpu_node(host, 3), -ENODATA);
	assert_int_equal(vn_host_cpu_package(host, 0), 0);
	assert_int_equal(vn_host_cpu_die(host, 0), 1);
	assert_int_equal(vn_host_cpu_cluster(host, 0), 2);
	assert_int_equal(vn_host_cpu_core(host, 0), 3);
	assert_int_equal(vn_host_cpu_l3(host, 0), 4);
	assert_int_equal(vn_host_cpu_l3(host, 1), -ENODATA);
	assert_int_equal(vn_host_cpu_online(host, 0), 1);
	assert_int_equal(vn_host_cpu_online(host, 3), 0);
	assert_int_equal(vn_host_cpu_isolated(host, 1), 1);
	assert_int_equal(vn_host_cpu_isolated(host, 0), 0);
	assert_int_equal(vn_host_cpu_nohz_full(host, 0), -ENODATA);
	assert_int_equal(vn_host_cpu_siblings(host, 1, ids, 4), 2);
	assert_int_equal(ids[1], 5);
	assert_int_equal(vn_host_cpu_siblings(host, 3, ids, 4), -ENODATA);
	vn_host_free(host);
}

static void test_devices(void **state)
{
	(void)state;
	struct vn_host *host = open_document();
	unsigned ids[4];
	assert_int_equal(vn_host_device_count(host), 2);
	assert_string_equal(vn_host_device_address(host, 1), "0000:3b:00.1");
	assert_int_equal(vn_host_device_node(host, 1), 2);
	assert_int_equal(vn_host_device_node(host, 0), -ENODATA);
	assert_int_equal(vn_host_device_class_code(host, 1), 0x020000);
	assert_int_equal(vn_host_device_vendor(host, 1), 0x8086);
	assert_int_equal(vn_host_device_product(host, 1), 0x154c);
	assert_string_equal(vn_host_device_driver(host, 1), "vfio-pci");
	assert_null(vn_host_device_driver(host, 0));
	assert_int_equal(vn_host_device_name_count(host, 1), 2);
	assert_string_equal(vn_host_device_name(host, 1, 1), "sda");
	assert_null(vn_host_device_name(host, 1, 2));
	assert_string_equal(vn_host_device_physical_function(host, 1), "0000:3b:00.0");
	assert_null(vn_host_device_physical_function(host, 0));
	assert_string_equal(vn_host_device_root(host, 1), "pci0000:3a");
	assert_null(vn_host_device_root(host, 0));
	assert_int_equal(vn_host_device_cpus(host, 1, ids, 4), 2);
	assert_int_equal(vn_host_device_cpus(host, 0, ids, 4), -ENODATA);
	assert_int_equal(vn_host_device_irq_count(host, 1), 1);
	assert_int_equal(vn_host_device_irq_number(host, 1, 0), 33);
	assert_int_equal(vn_host_device_irq_number(host, 1, 1), -ERANGE);
	assert_int_equal(vn_host_device_irq_cpus(host, 1, 0, ids, 4), 1);
	assert_int_equal(ids[0], 4);
	assert_int_equal(vn_host_device_irq_effective_cpus(host, 1, 0, ids, 4), -ENODATA);
	vn_host_free(host);
}

static void test_no_such_index(void **state)
{
	(void)state;
	struct vn_host *host = open_document();
	unsigned ids[1];
	const size_t none = (size_t)-1;
	assert_int_equal(vn_host_node_id(host, 2), -ERANGE);
	assert_int_equal(vn_host_node_memory_total(host, none), -ERANGE);
	assert_int_equal(vn_host_node_memory_free(host, none), -ERANGE);
	assert_int_equal(vn_host_node_memory_reclaimable(host, none), -ERANGE);
	assert_null(vn_host_node_kind(host, none));
	assert_int_equal(vn_host_node_tier(host, none), -ERANGE);
	assert_int_equal(vn_host_node_cpus(host, none, ids, 1), -ERANGE);
	assert_int_equal(vn_host_node_cores(host, none), -ERANGE);
	assert_int_equal(vn_host_node_pool_count(host, none), -ERANGE);
	assert_int_equal(vn_host_node_pool_free(host, none, 0), -ERANGE);
	assert_int_equal(vn_host_node_access(host, none, VN_ACCESS_ANY, VN_ACCESS_READ_LATENCY), -ERANGE);
	assert_int_equal(
		vn_host_node_access(host, 0, (enum vn_access_class)2, VN_ACCESS_READ_LATENCY), -EINVAL);
	assert_int_equal(vn_host_node_access(host, 0, VN_ACCESS_ANY, (enum vn_access_figure)9), -EINVAL);
	assert_int_equal(vn_host_cpu_id(host, 4), -ERANGE);
	assert_int_equal(vn_host_cpu_online(host, none), -ERANGE);
	assert_int_equal(vn_host_cpu_isolated(host, none), -ERANGE);
	assert_int_equal(vn_host_cpu_siblings(host, none, ids, 1), -ERANGE);
	assert_null(vn_host_device_address(host, 2));
	assert_int_equal(vn_host_device_class_code(host, none), -ERANGE);
	assert_int_equal(vn_host_device_name_count(host, none), -ERANGE);
	assert_int_equal(vn_host_device_irq_cpus(host, none, 0, ids, 1), -ERANGE);
	assert_null(vn_host_note_code(host, none));
	vn_host_free(host);
	vn_host_free(NULL);
}

static void test_host(void **state)
{
	(void)state;
	struct vn_host *host = open_document();
	assert_string_equal(vn_host_source(host), "live"); /* as the file says */
	assert_int_equal(vn_host_is_live(host), 0);
	char *json = vn_host_json(host);
	assert_non_null(strstr(json, "\"schema\": \"vnuma.topology/1\""));
	free(json);
	int found = 0;
	for (size_t i = 0; i < vn_host_note_count(host); i++) {
		assert_true(strlen(vn_host_note_text(host, i)) > 0);
		found |= strcmp(vn_host_note_code(host, i), "node-without-cpus") == 0;
	}
	assert_int_equal(found, 1);
	struct vn_error *err = vn_error_new();
	assert_int_equal(vn_host_refresh(host, err), -EOPNOTSUPP);
	assert_int_equal(vn_error_count(err), 1);
	assert_int_equal(vn_error_is_input(err), 1);
	assert_int_equal(vn_host_refresh(host, NULL), -EOPNOTSUPP);
	vn_error_free(err);
	vn_host_free(host);
	assert_int_equal(vn_host_open("live", &host, NULL), 0);
	assert_int_equal(vn_host_is_live(host), 1);
	assert_int_equal(vn_host_refresh(host, NULL), 0);
	vn_host_free(host);
}

static void test_errors(void **state)
{
	(void)state;
	struct vn_host *host = NULL;
	struct vn_error *err = vn_error_new();
	assert_int_equal(vn_error_count(err), 0);
	assert_null(vn_error_text(err, 0));
	assert_int_equal(vn_host_open("nowhere", &host, err), -EINVAL);
	assert_null(host);
	assert_int_equal(vn_error_count(err), 1);
	assert_string_equal(vn_error_key(err, 0), "--host");
	assert_null(vn_error_file(err, 0));
	assert_int_equal(vn_error_is_input(err), 1);
	assert_int_equal(vn_host_open("json:/nonexistent/file", &host, err), -ENOENT);
	assert_int_equal(vn_error_count(err), 2); /* added to those that are there */
	assert_string_equal(vn_error_file(err, 1), "/nonexistent/file");
	assert_int_equal(vn_error_line(err, 1), 0);
	assert_null(vn_error_text(err, 2));
	vn_error_clear(err);
	assert_int_equal(vn_error_count(err), 0);
	assert_int_equal(vn_host_open("nowhere", &host, NULL), -EINVAL);
	vn_error_free(err);
	vn_error_free(NULL);
	assert_int_equal(vn_error_count(NULL), 0);
	assert_null(vn_error_text(NULL, 0));
	assert_int_equal(vn_error_is_input(NULL), 0);
}

static void test_version(void **state)
{
	(void)state;
	char numbers[32];
	snprintf(numbers, sizeof(numbers), "%d.%d.%d", VNUMA_VERSION_MAJOR, VNUMA_VERSION_MINOR,
		VNUMA_VERSION_MICRO);
	assert_string_equal(VNUMA_VERSION, numbers);
	assert_string_equal(VNUMA_VERSION,
		vn_version()); /* the header's is written by hand, ours comes from meson.build */
}

/* Runs the example, which lies beside the folder of this program, with `source`; its status and what it printed. */
static int run_example(const char *source, char *ret_text, size_t size)
{
	char self[4096], command[8192];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	assert_true(n > 0);
	self[n] = '\0';
	for (int i = 0; i < 2; i++)
		*strrchr(self, '/') = '\0';
	snprintf(command, sizeof(command), "'%s/examples/free_memory' %s 2>&1", self, source);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t length = fread(ret_text, 1, size - 1, pipe);
	ret_text[length] = '\0';
	int status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_example(void **state)
{
	(void)state;
	char text[8192], path[] = "/tmp/vnuma-api-XXXXXX", source[64];
	assert_int_equal(run_example("", text, sizeof(text)), 0);
	assert_non_null(strstr(text, " MiB free\n"));
	assert_int_equal(run_example("one two", text, sizeof(text)), 2);
	assert_int_equal(run_example("nowhere", text, sizeof(text)), 2);
	assert_non_null(strstr(text, "free_memory:  --host: 'nowhere' is no source"));
	int fd = mkstemp(path);
	snprintf(source, sizeof(source), "json:%s", path);
	dprintf(fd,
		"{\"nodes\": [{\"id\": 3, \"cpus\": [], \"memory_total\": 2097152, \"memory_free\": 1048576},"
		"{\"id\": 5, \"cpus\": [], \"memory_total\": 1048576}]}");
	assert_int_equal(run_example(source, text, sizeof(text)), 0);
	assert_string_equal(text, "node 3: 1 of 2 MiB free\nnode 5: free memory not known, 1 MiB in all\n");
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "{\"nodes\": [{}]}", 15, 0), 15);
	assert_int_equal(run_example(source, text, sizeof(text)), 2);
	int lines = 0;
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 3); /* id, cpus and memory_total are missing: all of it is told */
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_no_such_index),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_example),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
