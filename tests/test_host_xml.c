/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host as XML and as numactl's text: what is written, to the letter, and that the schema holds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <libxml/relaxng.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/emit/host_numactl.h"
#include "../src/emit/host_xml.h"
#include "text_asserts.h"

static char *print(const struct vn_host *host, void (*printer)(const struct vn_host *, FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	printer(host, out);
	fclose(out);
	return text;
}

static void be_quiet(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

/* Whether the schema takes this text; what is no XML at all fails the test. */
static bool is_valid(const char *text)
{
	vn_autofree char *path =
		vn_format("%s/schema/topology.rng", getenv("SRCDIR") ? getenv("SRCDIR") : ".");
	xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt(path);
	xmlRelaxNGPtr schema = xmlRelaxNGParse(parser);
	xmlDocPtr document = xmlReadMemory(text, (int)strlen(text), "test", NULL, XML_PARSE_NONET);

	assert_non_null(schema);
	assert_non_null(document);
	xmlRelaxNGValidCtxtPtr validator = xmlRelaxNGNewValidCtxt(schema);
	xmlRelaxNGSetValidErrors(validator, be_quiet, be_quiet, NULL);
	int r = xmlRelaxNGValidateDoc(validator, document);
	assert_true(r >= 0);
	xmlRelaxNGFreeValidCtxt(validator);
	xmlFreeDoc(document);
	xmlRelaxNGFree(schema);
	xmlRelaxNGFreeParserCtxt(parser);
	return r == 0;
}

static hwloc_bitmap_t set_of(const char *list)
{
	hwloc_bitmap_t set = NULL;
	assert_int_equal(vn_set_parse(list, &set), 0);
	return set;
}

/* Nodes of 2 GiB with these ids and CPUs; nothing else is known. */
static struct vn_host *make_host(size_t n, const unsigned *ids, const char *const *cpus)
{
	struct vn_host *host = vn_host_new();

	host->source = strdup("test");
	host->nodes = calloc(n, sizeof(*host->nodes));
	host->cpus = calloc(64, sizeof(*host->cpus));
	host->n_nodes = n;
	for (size_t i = 0; i < n; i++) {
		struct vn_host_node *node = &host->nodes[i];
		*node = vn_host_node_init(ids[i]);
		node->memory_total = UINT64_C(2) << 30;
		node->cpus = set_of(cpus[i]);
		node->distances = calloc(n, sizeof(*node->distances));
		for (int id = hwloc_bitmap_first(node->cpus); id >= 0;
			id = hwloc_bitmap_next(node->cpus, id)) {
			host->cpus[host->n_cpus] = vn_host_cpu_init((unsigned)id);
			host->cpus[host->n_cpus++].online = true;
		}
	}
	assert_int_equal(vn_host_check(host, NULL), 0);
	return host;
}

/* The example of the thread (Daniel Veillard, 6 September 2007), blank for blank but for the indentation. */
static void test_the_form_of_2007(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, (unsigned[]){0, 1}, (const char *const[]){"0-1", "2-3"});
	vn_autofree char *text = print(host, vn_host_print_xml);
	assert_string_equal(text, "<topology>\n"
				  "  <cells num='2'>\n"
				  "    <cell id='0'>\n"
				  "      <cpus num='2'>\n"
				  "        <cpu id='0'/>\n"
				  "        <cpu id='1'/>\n"
				  "      </cpus>\n"
				  "      <memory size='2097152'/>\n"
				  "    </cell>\n"
				  "    <cell id='1'>\n"
				  "      <cpus num='2'>\n"
				  "        <cpu id='2'/>\n"
				  "        <cpu id='3'/>\n"
				  "      </cpus>\n"
				  "      <memory size='2097152'/>\n"
				  "    </cell>\n"
				  "  </cells>\n"
				  "</topology>\n");
	assert_true(is_valid(text));
}

static void add_memory(struct vn_host_node *node)
{
	node->has_memory_free = node->has_memory_reclaimable = true;
	node->memory_free = 0; /* known to be none, which is not unknown */
	node->memory_reclaimable = 5 << 20;
	node->memory_kind = VN_MEMORY_HBM;
	node->memory_tier = 3;
	node->interleave_weight = 7;
	node->n_hugepools = 1;
	node->hugepools = calloc(1, sizeof(*node->hugepools));
	node->hugepools[0] = (struct vn_hugepool){2 << 20, 5, 3, 1};
	node->access[0] = (struct vn_memory_access){set_of("1,8"), 70, 0, 12000, 9000};
	node->access[1].initiators = set_of("");
	node->n_memory_caches = 2;
	node->memory_caches = calloc(2, sizeof(*node->memory_caches));
	node->memory_caches[0] = (struct vn_memory_cache){1, 1 << 20, 64, 0, 1};
	node->memory_caches[1] = (struct vn_memory_cache){2, 1000, 0, -1, -1};
}

static void add_devices(struct vn_host *host)
{
	static const unsigned classes[] = {0x020000, 0x010802, 0x030000, 0x010400};
	static const char *const names[] = {"eth0", "nvme0n1", "card<0>", "cciss!c0d0"};

	host->devices = calloc(4, sizeof(*host->devices));
	host->n_devices = 4;
	for (size_t i = 0; i < 4; i++) {
		struct vn_host_device *device = &host->devices[i];
		*device = vn_host_device_init();
		snprintf(device->address, sizeof(device->address), "0000:3b:00.%zu", i);
		device->class_code = classes[i];
		device->vendor = 0x8086;
		device->device = 0x0d57;
		device->node = i == 3 ? -1 : 0;
		device->n_names = 1;
		device->names = calloc(1, sizeof(*device->names));
		device->names[0] = strdup(names[i]);
	}
	host->devices[2].class_code = host->devices[2].vendor = host->devices[2].device = -1; /* not told */
	struct vn_host_device *nic = &host->devices[0];
	strcpy(nic->physical_function, "0000:3b:00.1");
	strcpy(nic->root, "pci0000:3a");
	nic->driver = strdup("a&b'\"\x1b\xff");
	nic->local_cpus = set_of("0-1");
	nic->n_irqs = 1;
	nic->irqs = calloc(1, sizeof(*nic->irqs));
	nic->irqs[0] = (struct vn_host_irq){33, set_of("0-1"), NULL};
}

static void add_hmat(struct vn_host *host)
{
	struct vn_hmat *hmat = host->hmat = calloc(1, sizeof(*hmat));

	hmat->revision = 2;
	hmat->n_domains = 2;
	hmat->domains = calloc(2, sizeof(*hmat->domains));
	hmat->domains[0] = (struct vn_hmat_domain){0, 1};
	hmat->domains[1] = (struct vn_hmat_domain){4000000000, -1};
	hmat->n_matrices = 1;
	struct vn_hmat_matrix *matrix = hmat->matrices = calloc(1, sizeof(*matrix));
	*matrix = (struct vn_hmat_matrix){VN_HMAT_READ_LATENCY, 0, 1, 3, calloc(1, sizeof(uint32_t)),
		calloc(3, sizeof(uint32_t)), calloc(3, sizeof(uint64_t))};
	for (uint32_t i = 0; i < 3; i++)
		matrix->targets[i] = i;
	matrix->values[0] = 100000;
	matrix->values[1] = VN_HMAT_UNKNOWN;
	matrix->values[2] = VN_HMAT_UNREACHABLE;
	hmat->n_caches = 1;
	hmat->caches = calloc(1, sizeof(*hmat->caches));
	hmat->caches[0] = (struct vn_hmat_cache){4000000000, 8192, 2, 1, 1, 1, 64};
}

/* A host that tells all there is to tell. */
static void test_everything_that_can_be_told(void **state)
{
	(void)state;
	vn_autohost *host = make_host(3, (unsigned[]){0, 1, 8}, (const char *const[]){"0-1", "2", ""});
	for (size_t i = 0; i < 9; i++)
		host->nodes[i / 3].distances[i % 3] = i == 7 ? 0 : i / 3 == i % 3 ? 10 : 20;
	host->cpus[0] = (struct vn_host_cpu){0, true, 0, 1, 2, 3, 4, 0, set_of("0-1")};
	host->cpus[host->n_cpus++] = vn_host_cpu_init(5); /* offline */
	host->cpus[host->n_cpus] = vn_host_cpu_init(6); /* in no node */
	host->cpus[host->n_cpus++].online = true;
	add_memory(&host->nodes[2]);
	add_devices(host);
	add_hmat(host);
	host->offline_nodes = set_of("4");
	host->allowed_cpus = set_of("0");
	host->isolated_cpus = set_of("1");
	host->nohz_full_cpus = set_of(""); /* known to be none */
	vn_notes_add(&host->notes, "a-note", "so & so");
	assert_int_equal(vn_host_check(host, NULL), 0);

	vn_autofree char *text = print(host, vn_host_print_xml);
	static const char *const parts[] = {
		"<cpu id='0' package='1' die='2' cluster='3' core='4' l3='0' siblings='0-1'/>\n",
		"<cpu id='1'/>\n", "<cell id='8'>\n      <cpus num='0'/>\n",
		"<memory size='2097152' free='0' reclaimable='5120' kind='hbm' tier='3' interleave_weight='7'/>\n",
		"<pages size='2048' unit='KiB' total='5' free='3' surplus='1'/>\n",
		"<cache level='1' size='1024' unit='KiB' line='64' associativity='direct' policy='writethrough'/>\n",
		"<cache level='2' size='1000' unit='bytes'/>\n",
		"<access class='0' initiators='1,8'>\n"
		"        <latency type='read' value='70' unit='ns'/>\n"
		"        <bandwidth type='read' value='12000' unit='MB/s'/>\n"
		"        <bandwidth type='write' value='9000' unit='MB/s'/>\n",
		"<access class='1' initiators=''/>\n",
		/* the distance from node 8 to node 1 is not known */
		"<distances>\n        <sibling id='0' value='20'/>\n        <sibling id='8' value='10'/>\n",
		"<devices num='3'>\n",
		"<device address='0000:3b:00.0' class='0x020000' vendor='0x8086' device='0x0d57'"
		" driver='a&amp;b&apos;&quot;\xef\xbf\xbd\xef\xbf\xbd' physical_function='0000:3b:00.1' root='pci0000:3a'"
		" local_cpus='0-1'>\n          <interface name='eth0'/>\n"
		"          <irq number='33' cpus='0-1'/>\n        </device>\n",
		"<disk dev='/dev/nvme0n1'/>\n", "<attached name='card&lt;0&gt;'/>\n",
		"<hmat revision='2'>\n    <domain id='0' cell='1'/>\n    <domain id='4000000000'/>\n",
		"<matrix type='read-latency' hierarchy='0' unit='ps'>\n      <initiator domain='0'>\n"
		"        <target domain='0' value='100000'/>\n        <target domain='2' value='unreachable'/>\n",
		"<cache domain='4000000000' level='1' levels='2' size='8' unit='KiB' line='64'"
		" associativity='direct' policy='writeback'/>\n",
		"<unplaced cpus='6'>\n    <devices num='1'>\n", "<disk dev='/dev/cciss/c0d0'/>\n",
		"<offline cpus='5' cells='4'/>\n  <allowed cpus='0'/>\n  <isolated cpus='1'/>\n"
		"  <note code='a-note'>so &amp; so</note>\n</topology>\n"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_has(text, parts[i]);
	assert_true(is_valid(text));
}

/* Characters that XML cannot hold, in a text that is well-formed UTF-8. */
static void test_no_text_breaks_the_document(void **state)
{
	(void)state;
	static const char *const texts[] = {"Gr\xc3\xbc\xc3\x9f"
					    "e",
		"\xef\xbf\xbf", "\xed\xa0\x80", "\xe0\x80\xaf", "]]>", "\t\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		vn_autohost *host = make_host(1, (unsigned[]){0}, (const char *const[]){"0"});
		vn_notes_add(&host->notes, "note", "%s", texts[i]);
		vn_autofree char *text = print(host, vn_host_print_xml);
		assert_true(is_valid(text));
		if (i == 0)
			assert_has(text, texts[0]);
	}
}

static void test_cells_within_cells(void **state)
{
	(void)state;
	vn_autohost *host = make_host(4, (unsigned[]){1, 2, 3, 4}, (const char *const[]){"0", "1", "2", "3"});
	for (int i = 0; i < 4; i++)
		host->cpus[i].package = i / 2;
	vn_autofree char *packages = print(host, vn_host_print_xml);
	assert_has(packages,
		"  <cells num='2'>\n    <cells num='2' level='package' id='0'>\n      <cell id='1'>\n");
	assert_has(
		packages, "    </cells>\n    <cells num='2' level='package' id='1'>\n      <cell id='3'>\n");
	assert_true(is_valid(packages));

	for (size_t i = 0; i < 16; i++)
		host->nodes[i / 4].distances[i % 4] = i / 4 == i % 4 ? 10 : i / 8 == i % 4 / 2 ? 12 : 20;
	for (int i = 0; i < 4; i++)
		host->cpus[i].package = -1;
	vn_autofree char *distances = print(host, vn_host_print_xml);
	assert_has(distances, "<cells num='2' level='distance' id='1' distance='12'>\n      <cell id='3'>\n");
	assert_true(is_valid(distances));
}

/* Sparse ids, no CPUs, no memory, free memory not known, distances of three digits; see numactl_form.h for the source. */
static void test_numactl_to_the_letter(void **state)
{
	(void)state;
	vn_autohost *host =
		make_host(4, (unsigned[]){0, 1, 8, 100}, (const char *const[]){"0-1", "2,5", "", "7"});
	for (size_t i = 0; i < 16; i++)
		host->nodes[i / 4].distances[i % 4] = i / 4 == i % 4 ? 10 : i % 4 == 3 ? 254 : 9;
	host->nodes[0].distances[1] = 0; /* not known */
	host->nodes[0].memory_total -= 1;
	host->nodes[0].has_memory_free = true;
	host->nodes[0].memory_free = (5 << 20) - 1;
	host->nodes[1].memory_total = 0;
	host->nodes[1].has_memory_free = true;
	host->cpus[host->n_cpus++] = vn_host_cpu_init(9); /* offline: in no line */
	vn_autofree char *text = print(host, vn_host_print_numactl);
	assert_string_equal(text, "available: 4 nodes (0-1,8,100)\n"
				  "node 0 cpus: 0 1\n"
				  "node 0 size: 2047 MB\n"
				  "node 0 free: 4 MB\n"
				  "node 1 cpus: 2 5\n"
				  "node 1 size: 0 MB\n"
				  "node 1 free: 0 MB\n"
				  "node 8 cpus:\n"
				  "node 8 size: 2048 MB\n"
				  "node 8 free: <not available>\n"
				  "node 100 cpus: 7\n"
				  "node 100 size: 2048 MB\n"
				  "node 100 free: <not available>\n"
				  "node distances:\n"
				  "node   0   1   8  100 \n"
				  "  0:  10   0   9  254 \n"
				  "  1:   9  10   9  254 \n"
				  "  8:   9   9  10  254 \n"
				  " 100:   9   9   9  10 \n");
	host->nodes[3].distances[0] = VN_DISTANCE_UNKNOWN;
	vn_autofree char *without = print(host, vn_host_print_numactl);
	assert_string_equal(strstr(without, "node 100 free"),
		"node 100 free: <not available>\nNo distance information available.\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_form_of_2007),
		cmocka_unit_test(test_everything_that_can_be_told),
		cmocka_unit_test(test_no_text_breaks_the_document),
		cmocka_unit_test(test_cells_within_cells),
		cmocka_unit_test(test_numactl_to_the_letter),
	};
	int failures = cmocka_run_group_tests(tests, NULL, NULL);
	xmlRelaxNGCleanupTypes();
	xmlCleanupParser();
	return failures;
}
