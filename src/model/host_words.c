/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "host_words.h"

#include <string.h>

#include "../base/text.h"

const char *vn_kind_word(enum vn_memory_kind kind, enum vn_word_length length)
{
	static const char *const words[][2] = {[VN_MEMORY_HBM] = {"HBM", "HBM"},
		[VN_MEMORY_CXL] = {"CXL", "CXL memory"},
		[VN_MEMORY_PERSISTENT] = {"persistent", "persistent memory"},
		[VN_MEMORY_GPU] = {"GPU", "GPU memory"},
		[VN_MEMORY_SLOW] = {"slow", "slower than DRAM"}};
	return kind < sizeof(words) / sizeof(words[0]) ? words[kind][length] : NULL;
}

const struct vn_memory_access *vn_told_access(const struct vn_host_node *node)
{
	for (int class = 1; class >= 0; class --) {
		const struct vn_memory_access *access = &node->access[class];
		if (access->read_latency || access->read_bandwidth)
			return access;
	}
	return NULL;
}

const char *vn_bandwidth_text(uint64_t mb_per_second, char buffer[static VN_BANDWIDTH_TEXT])
{
	if (mb_per_second >= 1000)
		snprintf(buffer, VN_BANDWIDTH_TEXT, "%.1f GB/s", (double)mb_per_second / 1000);
	else
		snprintf(buffer, VN_BANDWIDTH_TEXT, "%llu MB/s", (unsigned long long)mb_per_second);
	return buffer;
}

/* Source of the codes: PCI Code and ID Assignment Specification, section 1. */
const char *vn_device_word(const struct vn_host_device *device)
{
	static const struct {
		uint32_t code, mask;
		const char *word;
	} words[] = {{0x010000, 0xff0000, "storage"}, {0x020000, 0xff0000, "network"},
		{0x030000, 0xff0000, "display"}, {0x120000, 0xff0000, "accelerator"},
		{0x050200, 0xffff00, "CXL memory"}, {0x0b4000, 0xffff00, "coprocessor"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((device->class_code & words[i].mask) == words[i].code)
			return words[i].word;
	}
	return NULL;
}

char *vn_device_names(const struct vn_host_device *device)
{
	char *text = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < device->n_names; i++)
		fprintf(stream, "%s%s", i ? " " : "", device->names[i]);
	if (device->driver && strcmp(device->driver, "vfio-pci") == 0)
		fprintf(stream, "%s(vfio-pci)", device->n_names ? " " : "");
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

hwloc_bitmap_t vn_cpus_packages(const struct vn_host *host, hwloc_const_bitmap_t cpus)
{
	hwloc_bitmap_t packages = hwloc_bitmap_alloc();

	for (size_t i = 0; packages && i < host->n_cpus; i++) {
		if (!hwloc_bitmap_isset(cpus, host->cpus[i].id))
			continue;
		/* a set is as wide as its largest number; no package has one like that */
		if (host->cpus[i].package < 0 || host->cpus[i].package > (int)VN_SET_MAX) {
			hwloc_bitmap_zero(packages);
			return packages;
		}
		hwloc_bitmap_set(packages, (unsigned)host->cpus[i].package);
	}
	return packages;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

char *vn_host_totals(const struct vn_host *host)
{
	vn_autoset online = hwloc_bitmap_alloc();
	uint64_t total = 0, unused = 0;
	bool free_known = true;
	char size[VN_SIZE_TEXT], free_size[VN_SIZE_TEXT];

	for (size_t i = 0; online && i < host->n_cpus; i++) {
		if (host->cpus[i].online)
			hwloc_bitmap_set(online, host->cpus[i].id);
	}
	vn_autoset packages = online ? vn_cpus_packages(host, online) : NULL;
	if (!packages)
		return NULL;
	for (size_t i = 0; i < host->n_nodes; i++) {
		total += host->nodes[i].memory_total;
		unused += host->nodes[i].memory_free;
		free_known &= host->nodes[i].has_memory_free;
	}
	unsigned cpus = vn_set_weight(online), cores = vn_host_cores(host, online),
		 p = vn_set_weight(packages);
	vn_autofree char *in_packages = p ? vn_format(" in %u package%s", p, plural(p)) : vn_copy("");
	vn_autofree char *in_cores =
		host->cores_known ? vn_format(" in %u core%s", cores, plural(cores)) : vn_copy("");
	vn_size_text(unused, free_size);
	return vn_format("%zu node%s%s, %u CPU%s%s, %s memory%s%s%s", host->n_nodes, plural(host->n_nodes),
		in_packages ? in_packages : "", cpus, plural(cpus), in_cores ? in_cores : "",
		vn_size_text(total, size), free_known ? ", " : "", free_known ? free_size : "",
		free_known ? " free" : "");
}
