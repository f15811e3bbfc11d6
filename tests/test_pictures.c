/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
/*
 * Pictures of a host: what is in them, and that nothing lies over anything else or outside. Geometry is read back from the
 * output; xmllint and dot judge the languages where they are installed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/discover/discover.h"
#include "../src/emit/host_dot.h"
#include "../src/emit/host_svg.h"
#include "../src/emit/svg.h"
#include "../src/emit/xml.h"
#include "../src/model/guest.h"
#include "host_maker.h"
#include "text_asserts.h"

#define HOSTILE "</text><script>&\"'\\N\x1b[31m\xff\xe2\x80\xae]]>--"

static char *svg_of(const struct vn_host *host)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	assert_int_equal(vn_host_print_svg(host, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), length);
	return text;
}

static char *dot_of(const struct vn_host *host)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	vn_host_print_dot(host, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), length);
	return text;
}

/* `n` nodes of `cores` cores each, 64 GiB, distances 10 and 21. */
static struct vn_host *plain_host(size_t n, unsigned cores, unsigned threads)
{
	vn_autofree struct maker_node *nodes = calloc(n, sizeof(*nodes));

	for (size_t i = 0; i < n; i++)
		nodes[i] = (struct maker_node){cores, 64 << 10};
	struct vn_host *host = make_host(n, nodes, threads, 21);
	host->source = strdup("made by hand");
	for (size_t i = 0; i < n; i++) {
		host->nodes[i].memory_tier = host->nodes[i].interleave_weight = -1;
		host->nodes[i].memory_free /= 2;
	}
	return host;
}

static struct vn_host_device *add_device(struct vn_host *host, int node, uint32_t class, const char *name)
{
	host->devices = reallocarray(host->devices, host->n_devices + 1, sizeof(*host->devices));
	struct vn_host_device *device = &host->devices[host->n_devices++];
	*device = vn_host_device_init();
	snprintf(device->address, sizeof(device->address), "0000:%02x:00.0",
		(unsigned)host->n_devices & 0xffu);
	device->node = node;
	device->class_code = class;
	if (name) {
		device->names = calloc(1, sizeof(char *));
		device->names[device->n_names++] = strdup(name);
	}
	return device;
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

static bool is_there(const char *tool)
{
	vn_autofree char *command = vn_format("command -v %s >/dev/null 2>&1", tool);
	return system(command) == 0;
}

/* The tool reads the text from standard input and must say nothing. */
static void assert_accepted(const char *command, const char *text)
{
	char seen[512] = "", name[] = "/tmp/vnuma-picture-XXXXXX";
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	FILE *file = fdopen(fd, "w");
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	vn_autofree char *line = vn_format("%s <%s 2>&1 >/dev/null", command, name);
	FILE *pipe = popen(line, "r");
	size_t n = fread(seen, 1, sizeof(seen) - 1, pipe);
	int status = pclose(pipe);
	unlink(name);
	if (n > 0 || status != 0)
		fail_msg("%s: status %d: %s", command, status, seen);
}

/* ---- geometry ---- */

struct rect {
	struct vn_svg_area area;
	char class[16];
};

struct rects {
	size_t n;
	struct rect *v;
};

static int number(const char *element, const char *key)
{
	int value, end = 0;
	const char *p = strstr(element, key);
	assert_non_null(p);
	if (sscanf(p + strlen(key), "%d\"%n", &value, &end) != 1 || end == 0)
		fail_msg("no whole number: %.40s", p);
	return value;
}

/* All rectangles, each within the page. Line by line: under ASan, strstr measures the whole text each time. */
static struct rects read_rects(const char *svg)
{
	struct rects rects = {0};
	vn_autofree char *copy = strdup(svg);
	int width, height;

	assert_int_equal(sscanf(strstr(svg, "viewBox"), "viewBox=\"0 0 %d %d\"", &width, &height), 2);
	for (char *rest = copy, *p; (p = strsep(&rest, "\n"));) {
		if (strncmp(p, "<rect ", 6) != 0)
			continue;
		if (rects.n % 1024 == 0)
			rects.v = reallocarray(rects.v, rects.n + 1024, sizeof(*rects.v));
		struct rect *r = &rects.v[rects.n++];
		r->area = (struct vn_svg_area){number(p, " x=\""), number(p, " y=\""), number(p, " width=\""),
			number(p, " height=\"")};
		assert_int_equal(sscanf(strstr(p, "class="), "class=\"%15[a-z0-9]\"", r->class), 1);
		assert_true(r->area.x >= 0 && r->area.y >= 0 && r->area.w > 0 && r->area.h > 0);
		if (r->area.x + r->area.w > width || r->area.y + r->area.h > height)
			fail_msg("outside of %d x %d: %.80s", width, height, p);
	}
	return rects;
}

static bool overlap(struct vn_svg_area a, struct vn_svg_area b)
{
	return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

static bool within(struct vn_svg_area a, struct vn_svg_area b)
{
	return a.x >= b.x && a.y >= b.y && a.x + a.w <= b.x + b.w && a.y + a.h <= b.y + b.h;
}

/* Boxes of that class: as many as expected, none over another, each in one of class `outer` (NULL: anywhere). */
static void assert_boxes(struct rects rects, const char *class, size_t expected, const char *outer)
{
	vn_autofree struct vn_svg_area *own = calloc(rects.n + 1, sizeof(*own));
	vn_autofree struct vn_svg_area *around = calloc(rects.n + 1, sizeof(*around));
	size_t n = 0, n_around = 0;

	for (size_t i = 0; i < rects.n; i++) {
		if (strcmp(rects.v[i].class, class) == 0)
			own[n++] = rects.v[i].area;
		else if (outer && strcmp(rects.v[i].class, outer) == 0)
			around[n_around++] = rects.v[i].area;
	}
	assert_int_equal(n, expected);
	for (size_t i = 0; i < n; i++) {
		bool held = outer == NULL;
		for (size_t j = 0; j < i; j++) {
			if (overlap(own[i], own[j]))
				fail_msg("%s at %d,%d and %d,%d overlap", class, own[i].x, own[i].y, own[j].x,
					own[j].y);
		}
		for (size_t j = 0; j < n_around; j++)
			held |= within(own[i], around[j]);
		if (!held)
			fail_msg("%s at %d,%d is in no %s", class, own[i].x, own[i].y, outer);
	}
}

/* Texts lie within the page: their start, and their end by a wide font's figures. */
static void assert_texts_fit(const char *svg)
{
	int width, height;

	assert_int_equal(sscanf(strstr(svg, "viewBox"), "viewBox=\"0 0 %d %d\"", &width, &height), 2);
	vn_autofree char *copy = strdup(svg);
	for (char *rest = copy, *p; (p = strsep(&rest, "\n"));) {
		if (strncmp(p, "<text ", 6) != 0)
			continue;
		struct vn_svg_font font = {"", number(p, "font-size=\""), false, VN_SVG_START};
		int x = number(p, " x=\""), y = number(p, " y=\"");
		char *title = strstr(p, "</title>"), *text = title ? title + 8 : strchr(p, '>') + 1;
		assert_true(x >= 0 && y > 0 && y < height);
		assert_string_equal(text + strlen(text) - 7, "</text>");
		text[strlen(text) - 7] = '\0';
		if (!strchr(text, '&') && !strstr(p, "text-anchor"))
			assert_true(x + vn_svg_width(text, font) <= width);
	}
}

static const struct shape {
	size_t nodes;
	unsigned cores, threads;
} shapes[] = {{1, 1, 1}, {1, 1, 2}, {1, 1024, 1}, {1, 96, 2}, {2, 8, 2}, {2, 600, 2}, {3, 5, 8}, {4, 13, 4},
	{5, 1, 1}, {7, 20, 2}, {8, 16, 2}, {8, 128, 1}, {12, 4, 2}, {16, 3, 2}, {17, 3, 2}, {64, 8, 1},
	{64, 60, 2}, {130, 2, 1}, {1024, 1, 1}};

static void test_nothing_overlaps_or_lies_outside(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct shape s = shapes[i];
		vn_autohost *host = plain_host(s.nodes, s.cores, s.threads);
		vn_autofree char *svg = svg_of(host);
		struct rects rects = read_rects(svg);
		vn_autofree struct rect *owned = rects.v;
		print_message("%zu nodes of %u cores of %u threads\n", s.nodes, s.cores, s.threads);
		assert_boxes(rects, "node", s.nodes, s.nodes > 16 ? NULL : "group");
		if (s.nodes * s.cores <= 4096)
			assert_boxes(rects, "core", s.nodes * s.cores, "node");
		if (s.nodes * s.cores * s.threads <= 1200)
			assert_boxes(
				rects, "cpu", s.nodes * s.cores * s.threads + (s.threads > 0 ? 2 : 0), NULL);
		assert_boxes(rects, "track", s.nodes, "node");
		assert_texts_fit(svg);
	}
}

static void test_each_part_is_named(void **state)
{
	(void)state;
	vn_autohost *host = plain_host(2, 4, 2);
	add_device(host, 0, 0x020000, "eth0");
	add_device(host, 1, 0x010802, "nvme7n1");
	add_device(host, 1, 0x060400, NULL);
	add_device(host, -1, 0x030000, "card0");
	snprintf(add_device(host, 1, 0x020000, "vf0")->physical_function, VN_PCI_ADDRESS, "0000:01:00.0");
	assert_int_equal(vn_notes_add(&host->notes, "odd", "something %s is odd", "here"), 0);
	vn_autofree char *svg = svg_of(host), *dot = dot_of(host);
	for (unsigned id = 0; id < 16; id++) {
		vn_autofree char *cpu = vn_format(">%u</text>", id);
		assert_has(svg, cpu);
	}
	for (size_t i = 0; i < host->n_devices; i++)
		assert_has(svg, host->devices[i].address);
	static const char *const words[] = {
		">2 nodes in 2 packages, 16 CPUs in 8 cores, 128 GiB memory, 64 GiB free<", ">node 0<",
		">node 1<", ">package 0<", ">package 1<", "64 GiB memory, 32 GiB free",
		"8 CPUs in 4 cores: 0-3,8-11", "<title>CPUs 0,8, package 0</title>", ">network<", "eth0",
		"storage", "nvme7n1", "card0", "and 2 others, 1 of them virtual function", "vf0",
		"something here is odd", "node 0 to node 1: 21", "source: made by hand",
		"full bar is 64 GiB"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_has(svg, words[i]);
	static const char *const in_dot[] = {"label=\"package 0\"", "<B>node 1</B>",
		"64 GiB memory, 32 GiB free", "8 CPUs in 4 cores", "0-3,8-11",
		"n0 -> n1 [label=\"21\", dir=none", "0000:01:00.0", "eth0", "nvme7n1", "card0",
		"and 2 others"};
	for (size_t i = 0; i < sizeof(in_dot) / sizeof(in_dot[0]); i++)
		assert_has(dot, in_dot[i]);
}

static void make_odd(struct vn_host *host)
{
	struct vn_host_node *node = host->nodes;

	node[0].hugepools = calloc(2, sizeof(*node->hugepools));
	node[0].n_hugepools = 2;
	node[0].hugepools[0] = (struct vn_hugepool){2 << 20, 4096, 100, 0};
	node[0].hugepools[1] = (struct vn_hugepool){1 << 30, 8, 3, 0};
	hwloc_bitmap_zero(node[2].cpus);
	hwloc_bitmap_zero(node[3].cpus);
	for (size_t i = 0; i < host->n_cpus; i++) {
		if (host->cpus[i].node >= 2)
			host->cpus[i].online = false;
		if (host->cpus[i].node == 3)
			host->cpus[i].node = -1;
	}
	node[2].memory_kind = VN_MEMORY_HBM;
	node[2].memory_total /= 4;
	node[2].memory_free = 0;
	node[1].memory_total = node[1].memory_free = 0;
	node[3].memory_kind = VN_MEMORY_CXL;
	node[3].has_memory_free = false;
	node[3].id = 250;
	host->isolated_cpus = hwloc_bitmap_alloc();
	hwloc_bitmap_set(host->isolated_cpus, 1);
	node[0].distances[1] = 31;
	node[0].distances[2] = VN_DISTANCE_UNKNOWN;
	node[2].distances[0] = VN_DISTANCE_UNREACHABLE;
}

static void test_odd_nodes(void **state)
{
	(void)state;
	vn_autohost *host = plain_host(4, 2, 1);
	make_odd(host);
	vn_autofree char *svg = svg_of(host), *dot = dot_of(host);
	static const char *const words[] = {">node 250<", ">HBM<", ">CXL<", ">no CPUs<", ">no memory<",
		"offline CPU<", "isolated from the scheduler", "isolated CPUs (isolcpus): 1<",
		"class=\"iso\"", "class=\"isobar\"", "class=\"off\"", "CPU 4, offline",
		"offline CPUs, node not known: 6-7", "huge pages: 100 of 4096 x 2 MiB free",
		"huge pages: 3 of 8 x 1 GiB free", "255: out of reach", "-: not told", "node 0 to node 2: -",
		"node 2 to node 0: 255", "node 0 to node 1: 31", "node 1 to node 0: 21"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_has(svg, words[i]);
	assert_has(dot, "node 250: CXL");
	assert_has(dot, "no CPUs");
	assert_has(dot, "no memory");
	assert_has(dot, "n0 -> n1 [label=\"31\", pen");
	assert_has(dot, "n1 -> n0 [label=\"21\", pen");
	assert_null(strstr(dot, "n0 -> n2 [label"));
	struct rects rects = read_rects(svg);
	vn_autofree struct rect *owned = rects.v;
	assert_boxes(rects, "core", 6, "node");
}

/* Told as in the text: by what class and figures there are, and small ones in MB/s. */
static void test_speeds(void **state)
{
	(void)state;
	vn_autohost *host = plain_host(3, 2, 1);
	host->nodes[0].access[1].read_bandwidth = 90000; /* and no latency; the class below has nothing */
	host->nodes[1].access[0] = (struct vn_memory_access){NULL, 350, 0, 512, 0};
	host->nodes[2].access[1] = (struct vn_memory_access){NULL, 80, 0, 102400, 0};
	vn_autofree char *svg = svg_of(host);
	assert_has(svg, ">reads at 90.0 GB/s<");
	assert_has(svg, ">reads take 350 ns, 512 MB/s<");
	assert_has(svg, ">reads take 80 ns, 102.4 GB/s<");
}

/* Bars are as long as the memory is large, and their parts as large as the parts. */
static void test_memory_is_to_scale(void **state)
{
	(void)state;
	vn_autohost *host = plain_host(4, 2, 1);
	make_odd(host);
	vn_autofree char *svg = svg_of(host);
	struct rects rects = read_rects(svg);
	vn_autofree struct rect *owned = rects.v;
	int track = 0, lengths[4] = {0}; /* used, huge, free of node 0; used of node 2 */
	int bars = 0;
	for (size_t i = 0; i < rects.n; i++) {
		const struct rect *r = &rects.v[i];
		if (strcmp(r->class, "track") == 0) {
			track = r->area.w;
			bars++;
		} else if (bars == 1 && strcmp(r->class, "used") == 0) {
			lengths[0] = r->area.w;
		} else if (bars == 1 && strcmp(r->class, "huge") == 0) {
			lengths[1] = r->area.w;
		} else if (bars == 1 && strcmp(r->class, "free") == 0) {
			lengths[2] = r->area.w;
		} else if (bars == 2 && strcmp(r->class, "used") == 0) {
			lengths[3] = r->area.w;
		}
	}
	assert_int_equal(bars, 3); /* node 1 has no memory */
	assert_int_equal(lengths[0] + lengths[1] + lengths[2], track);
	assert_in_range(lengths[2], track / 2 - 1, track / 2 + 1);
	assert_in_range(lengths[1], track / 4 - 1, track / 4 + 1); /* 8 + 8 of 64 GiB */
	assert_in_range(lengths[3], track / 4 - 1, track / 4 + 1);
}

/* WCAG 2.1, relative luminance. */
static double luminance(unsigned rgb)
{
	double sum = 0;
	static const double weights[] = {0.0722, 0.7152, 0.2126};
	for (unsigned i = 0; i < 3; i++) {
		double c = (rgb >> (8 * i) & 0xff) / 255.0;
		sum += weights[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
	}
	return sum;
}

/* Farther is darker, all the way, and the number stands out of its cell by the 4.5 of WCAG 2.1. */
static void test_heat_map_can_be_read(void **state)
{
	(void)state;
	vn_autohost *host = plain_host(15, 1, 1);
	double last = 2;
	for (size_t i = 0; i < 15; i++) {
		for (size_t j = 0; j < 15; j++)
			host->nodes[i].distances[j] =
				i == j ? 10 : 10 + (unsigned)(i > j ? i - j : j - i) * 3;
	}
	vn_autofree char *svg = svg_of(host);
	const char *p = strstr(svg, "class=\"cell\"");
	for (size_t cell = 0; cell < 15; cell++) {
		unsigned rgb;
		assert_non_null(p);
		assert_int_equal(sscanf(p, "class=\"cell\" fill=\"#%x\"", &rgb), 1);
		const char *text = strstr(p, "<text");
		bool white = strstr(text, "class=\"white\"") &&
			     strstr(text, "class=\"white\"") < strchr(text, '>');
		double l = luminance(rgb), contrast = white ? 1.05 / (l + 0.05) : (l + 0.05) / 0.05;
		if (contrast < 4.5)
			fail_msg("contrast %.2f on #%06x", contrast, rgb);
		assert_true(l < last);
		last = l;
		p = strstr(text, "class=\"cell\"");
	}
}

static struct vn_host *hostile_host(size_t n)
{
	struct vn_host *host = plain_host(n, 2, 1);

	free(host->source);
	host->source = strdup(HOSTILE);
	for (int i = 0; i < 40; i++)
		add_device(host, i % 3 - 1, 0x020000, HOSTILE)->driver = strdup(HOSTILE);
	assert_int_equal(vn_notes_add(&host->notes, "odd", "%s", HOSTILE HOSTILE HOSTILE HOSTILE HOSTILE), 0);
	return host;
}

static void test_hostile_names_are_escaped(void **state)
{
	(void)state;
	for (size_t n = 2; n < 40; n += 18) {
		vn_autohost *host = hostile_host(n);
		vn_autofree char *svg = svg_of(host), *dot = dot_of(host);
		const char *both[] = {svg, dot};
		for (size_t k = 0; k < 2; k++) {
			assert_null(strstr(both[k], "<script"));
			assert_has(both[k], "&lt;script&gt;&amp;&quot;&apos;");
			assert_has(both[k], "\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd");
			for (const char *p = both[k]; *p; p++)
				assert_true(*p == '\n' || ((unsigned char)*p >= 0x20 && *p != 0x7f));
		}
		struct rects rects = read_rects(svg);
		vn_autofree struct rect *owned = rects.v;
		assert_texts_fit(svg);
		if (is_there("xmllint"))
			assert_accepted("xmllint --noout -", svg);
		if (is_there("dot"))
			assert_accepted("dot -Tsvg", dot);
	}
}

static void test_other_programs_accept_it(void **state)
{
	(void)state;
	if (!is_there("xmllint") || !is_there("dot") || !is_there("rsvg-convert")) {
		print_message("no xmllint, dot or rsvg-convert\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && shapes[i].nodes <= 64; i++) {
		vn_autohost *host = plain_host(shapes[i].nodes, shapes[i].cores, shapes[i].threads);
		if (shapes[i].nodes == 4)
			make_odd(host);
		vn_autofree char *svg = svg_of(host), *dot = dot_of(host);
		assert_accepted("xmllint --noout -", svg);
		assert_accepted("rsvg-convert -w 300", svg);
		assert_accepted("dot -Tsvg", dot);
	}
}

static void test_edges_of_many_nodes(void **state)
{
	(void)state;
	vn_autohost *few = plain_host(12, 1, 1), *many = plain_host(13, 1, 1);
	vn_autofree char *all = dot_of(few), *nearest = dot_of(many);
	assert_int_equal(count(all, "[label=\"21\""), 12 * 11 / 2);
	assert_null(strstr(all, "only to the nearest"));
	assert_int_equal(count(nearest, "[label=\"21\""), 13 * 3);
	assert_has(nearest, "only to the nearest nodes of each, at most 3");
}

/* Between two packages of two nodes each, as far from any to any: one edge. */
static void test_equal_edges_between_clusters_are_one(void **state)
{
	(void)state;
	vn_autohost *host = plain_host(4, 1, 1);
	for (size_t i = 0; i < 4; i++) {
		host->cpus[i].package = (int)i / 2;
		host->nodes[i].distances[i ^ 1] = 12;
	}
	vn_autofree char *dot = dot_of(host);
	assert_int_equal(count(dot, "[label=\"12\""), 2);
	assert_int_equal(count(dot, "[label=\"21\""), 1);
	assert_has(dot, "n0 -> n2 [label=\"21\", dir=none, ltail=cluster_0, lhead=cluster_1");
	host->nodes[0].distances[3] = 22;
	vn_autofree char *uneven = dot_of(host);
	assert_int_equal(count(uneven, "[label=\"21\""), 4);
	assert_int_equal(count(uneven, "[label=\"22\""), 1);
	assert_null(strstr(uneven, "ltail"));
}

static void test_l3_groups(void **state)
{
	(void)state;
	vn_autohost *host = plain_host(2, 16, 2);
	for (size_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].l3 = host->cpus[i].core / 4 * 4;
	vn_autofree char *svg = svg_of(host);
	struct rects rects = read_rects(svg);
	vn_autofree struct rect *owned = rects.v;
	assert_boxes(rects, "l3", 8 + 1, NULL); /* and the legend */
	assert_boxes(rects, "core", 32, "l3");
	assert_has(svg, "cores that share an L3 cache");
	assert_has(svg, "L3 of CPU 4");
}

static void test_characters(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t first;
		size_t length;
	} cases[] = {{"a", 'a', 1}, {"", 0, 0}, {"\xc3\xa9", 0xe9, 2}, {"\xe2\x82\xac", 0x20ac, 3},
		{"\xf0\x9f\x98\x80", 0x1f600, 4}, {"\xff", 0xfffd, 1}, {"\xc3", 0xfffd, 1},
		{"\xe2\x82", 0xfffd, 1}, {"\xc0\xaf", 0xfffd, 1}, {"\xed\xa0\x80", 0xfffd, 1},
		{"\xf4\x90\x80\x80", 0xfffd, 1}, {"\xef\xbf\xbe", 0xfffd, 3}, {"\x01", 0xfffd, 1},
		{"\x7f", 0xfffd, 1}, {"\xc2\x9b", 0xfffd, 2}, {"\xe2\x80\xae", 0xfffd, 3}, {"\n", ' ', 1},
		{"\x80", 0xfffd, 1}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *p = cases[i].text;
		assert_int_equal(vn_xml_next(&p), cases[i].first);
		assert_int_equal(p - cases[i].text, cases[i].length);
	}
}

static void test_long_texts_are_cut_or_wrapped(void **state)
{
	(void)state;
	struct vn_svg_font font = {"ink", 10, false, VN_SVG_START};
	vn_autofree char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	vn_svg_text(out, 0, 10, 60, font, "a text that is too long");
	assert_int_equal(vn_svg_wrapped(out, 0, 10, 60, font, 12, 9, "one two three four five"), 3);
	assert_int_equal(vn_svg_wrapped(NULL, 0, 10, 60, font, 12, 2, "one two three four five"), 2);
	assert_int_equal(vn_svg_wrapped(NULL, 0, 10, 20, font, 12, 99, "nowheretobreak"), 6);
	assert_int_equal(vn_svg_wrapped(NULL, 0, 10, 0, font, 12, 99, "abc"), 3);
	assert_int_equal(fclose(out), 0);
	assert_has(text, "<title>a text that is too long</title>a text");
	assert_has(text, "&#8230;</text>");
	assert_has(text, ">one two</text>");
}

static void test_published_machines(void **state)
{
	(void)state;
	char folder[4096]; /* not on the heap: skip() runs no clean-up */
	const char *shared = getenv("VNUMA_SHARED");
	snprintf(folder, sizeof(folder), "%s%s/data/numactl", shared ? shared : getenv("SRCDIR"),
		shared ? "" : "/../shared");
	DIR *dir = opendir(folder);
	if (!dir) {
		print_message("no published machines at %s: set VNUMA_SHARED to read them\n", folder);
		skip();
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		vn_autohost *host = NULL;
		vn_autoerror err = {0};
		vn_autofree char *source = vn_format("numactl:%s/%s", folder, entry->d_name);
		if (!strstr(entry->d_name, ".txt"))
			continue;
		assert_int_equal(vn_discover(source, &host, &err), 0);
		vn_autofree char *svg = svg_of(host), *dot = dot_of(host);
		struct rects rects = read_rects(svg);
		vn_autofree struct rect *owned = rects.v;
		assert_boxes(rects, "node", host->n_nodes, NULL);
		assert_boxes(rects, "core", host->n_cpus, "node");
		assert_texts_fit(svg);
		if (is_there("dot"))
			assert_accepted("dot -Tsvg", dot);
	}
	closedir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_long_texts_are_cut_or_wrapped),
		cmocka_unit_test(test_each_part_is_named),
		cmocka_unit_test(test_odd_nodes),
		cmocka_unit_test(test_speeds),
		cmocka_unit_test(test_memory_is_to_scale),
		cmocka_unit_test(test_l3_groups),
		cmocka_unit_test(test_heat_map_can_be_read),
		cmocka_unit_test(test_nothing_overlaps_or_lies_outside),
		cmocka_unit_test(test_hostile_names_are_escaped),
		cmocka_unit_test(test_edges_of_many_nodes),
		cmocka_unit_test(test_equal_edges_between_clusters_are_one),
		cmocka_unit_test(test_other_programs_accept_it),
		cmocka_unit_test(test_published_machines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
