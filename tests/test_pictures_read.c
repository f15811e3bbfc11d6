/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pictures, as a reader gets them: the SVG is parsed again and its boxes, texts and colours are held against the host. Nothing
 * of src/emit/ but the two printers is used, so an error in its measuring cannot hide itself: widths of text are those of a real
 * font (DejaVu Sans), contrast is that of WCAG 2.1.
 */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "../src/base/parse.h"
#include "../src/base/rootfs.h"
#include "../src/base/text.h"
#include "../src/discover/discover.h"
#include "../src/emit/host_dot.h"
#include "../src/emit/host_svg.h"

#define MAX_MARKS 20000

struct mark {
	char class[16], fill[8];
	int x, y, w, h; /* of a text: what it covers */
	char *text; /* of a text: as shown; of a rectangle: its tooltip; owned, or NULL */
	char *whole; /* of a text that was cut: all of it; owned, or NULL */
};

struct picture {
	int width, height;
	size_t n_rects, n_texts;
	struct mark *rects, *texts;
	char *words; /* every text and tooltip, one a line; owned */
};

/* ---- reading a picture ---- */

/* Thousandths of an em, rounded up, of the characters from blank to tilde. Measured in DejaVu Sans 2.37. */
static const short advances[2][95] = {
	{318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337, 637, 637, 637, 637,
		637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 531, 1000, 685, 687, 699, 771, 632,
		576, 775, 752, 295, 295, 656, 558, 863, 749, 788, 604, 788, 695, 635, 611, 732, 685, 989, 686,
		611, 686, 391, 337, 391, 838, 500, 500, 613, 635, 550, 635, 616, 353, 635, 634, 278, 278, 580,
		278, 975, 634, 612, 635, 635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637,
		838},
	/* bold: */ {349, 457, 521, 838, 696, 1002, 873, 307, 458, 458, 523, 838, 380, 416, 380, 366, 696,
		696, 696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 581, 1000, 774, 763,
		734, 831, 684, 684, 821, 837, 373, 373, 775, 638, 996, 837, 851, 733, 851, 771, 721, 683, 813,
		774, 1104, 771, 725, 726, 458, 366, 458, 838, 500, 500, 675, 716, 593, 716, 679, 436, 716,
		712, 343, 343, 666, 343, 1042, 712, 688, 716, 716, 494, 596, 479, 712, 652, 924, 646, 652,
		583, 712, 366, 712, 838}};

static int text_width(const char *text, int size, bool heavy)
{
	int sum = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p >= 32 && *p < 127)
			sum += advances[heavy][*p - 32];
		else if (*p >= 0xc0) /* the first byte of another character: none of ours is wider */
			sum += 1000;
	}
	return (sum * size + 999) / 1000;
}

static int number_of(xmlNode *element, const char *name)
{
	xmlChar *text = xmlGetProp(element, (const xmlChar *)name);
	uint64_t value = 0;

	if (!text || vn_parse_u64((const char *)text, 10000000, &value) < 0)
		fail_msg("line %ld: %s=\"%s\"; expected a number of pixels", xmlGetLineNo(element), name,
			text ? (const char *)text : "(none)");
	xmlFree(text);
	return (int)value;
}

static void copy_property(xmlNode *element, const char *name, char *to, size_t size)
{
	xmlChar *text = xmlGetProp(element, (const xmlChar *)name);

	snprintf(to, size, "%s", text ? (const char *)text : "");
	xmlFree(text);
}

/* The texts of an element's own <title>, and what is beside it. */
static void read_words(xmlNode *element, char **ret_title, char **ret_rest)
{
	size_t length = 0;
	FILE *rest = open_memstream(ret_rest, &length);

	*ret_title = NULL;
	for (xmlNode *child = element->children; child; child = child->next) {
		xmlChar *text = xmlNodeGetContent(child);
		if (child->type == XML_ELEMENT_NODE && strcmp((const char *)child->name, "title") == 0)
			*ret_title = strdup((const char *)text);
		else
			fputs((const char *)text, rest);
		xmlFree(text);
	}
	fclose(rest);
}

static void read_rect(struct picture *picture, xmlNode *element)
{
	struct mark *mark = &picture->rects[picture->n_rects++];
	vn_autofree char *rest = NULL;

	assert_true(picture->n_rects < MAX_MARKS);
	copy_property(element, "class", mark->class, sizeof(mark->class));
	copy_property(element, "fill", mark->fill, sizeof(mark->fill));
	mark->x = number_of(element, "x");
	mark->y = number_of(element, "y");
	mark->w = number_of(element, "width");
	mark->h = number_of(element, "height");
	read_words(element, &mark->text, &rest);
}

static void read_text(struct picture *picture, xmlNode *element)
{
	struct mark *mark = &picture->texts[picture->n_texts++];
	int size = number_of(element, "font-size"), x = number_of(element, "x"), y = number_of(element, "y");
	char anchor[16], weight[16];

	assert_true(picture->n_texts < MAX_MARKS);
	assert_in_range(size, 7, 40);
	copy_property(element, "class", mark->class, sizeof(mark->class));
	copy_property(element, "text-anchor", anchor, sizeof(anchor));
	copy_property(element, "font-weight", weight, sizeof(weight));
	read_words(element, &mark->whole, &mark->text);
	mark->w = text_width(mark->text, size, strcmp(weight, "bold") == 0);
	mark->x = strcmp(anchor, "middle") == 0 ? x - mark->w / 2
		  : strcmp(anchor, "end") == 0  ? x - mark->w
						: x;
	mark->y = y - size * 3 / 4; /* a capital's height; what hangs below the line is left out */
	mark->h = size * 3 / 4;
}

/* Only what a picture needs: no script, no link, nothing loaded, nothing that acts. */
static void read_element(struct picture *picture, xmlNode *element, FILE *words)
{
	static const char *const known[] = {
		"svg", "title", "style", "rect", "text", "g", "line", "path", "defs", "pattern", "desc"};
	const char *name = (const char *)element->name;
	bool is_known = false;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		is_known |= strcmp(name, known[i]) == 0;
	if (!is_known)
		fail_msg("element <%s>", name);
	for (xmlAttr *a = element->properties; a; a = a->next) {
		const char *key = (const char *)a->name;
		assert_true(
			strncmp(key, "on", 2) != 0 && strcmp(key, "href") != 0 && strcmp(key, "style") != 0);
	}
	if (strcmp(name, "rect") == 0)
		read_rect(picture, element);
	if (strcmp(name, "text") == 0)
		read_text(picture, element);
	if (strcmp(name, "title") == 0 || strcmp(name, "text") == 0) {
		xmlChar *text = xmlNodeGetContent(element);
		fprintf(words, "%s\n", (const char *)text);
		xmlFree(text);
	}
	for (xmlNode *child = element->children; child; child = child->next) {
		if (child->type == XML_ELEMENT_NODE)
			read_element(picture, child, words);
	}
}

static char *print_svg(const struct vn_host *host, size_t *ret_length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_length);

	assert_int_equal(vn_host_print_svg(host, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), *ret_length);
	return text;
}

static struct picture draw(const struct vn_host *host)
{
	struct picture picture = {.rects = calloc(MAX_MARKS, sizeof(struct mark)),
		.texts = calloc(MAX_MARKS, sizeof(struct mark))};
	size_t length = 0, words_length = 0;
	char box[64], expected[64];
	vn_autofree char *text = print_svg(host, &length);
	xmlDoc *doc = xmlReadMemory(text, (int)length, "picture.svg", NULL, XML_PARSE_NONET);

	assert_non_null(doc);
	assert_null(doc->intSubset);
	for (size_t i = 0; i < length; i++)
		assert_true(text[i] == '\n' || ((unsigned char)text[i] >= 32 && text[i] != 127));
	xmlNode *root = xmlDocGetRootElement(doc);
	assert_string_equal((const char *)root->name, "svg");
	assert_string_equal((const char *)root->ns->href, "http://www.w3.org/2000/svg");
	copy_property(root, "viewBox", box, sizeof(box));
	picture.width = number_of(root, "width");
	picture.height = number_of(root, "height");
	snprintf(expected, sizeof(expected), "0 0 %d %d", picture.width, picture.height);
	assert_string_equal(box, expected);
	FILE *words = open_memstream(&picture.words, &words_length);
	read_element(&picture, root, words);
	fclose(words);
	xmlFreeDoc(doc);
	return picture;
}

static void picture_clear(struct picture *picture)
{
	for (size_t i = 0; i < picture->n_rects; i++)
		free(picture->rects[i].text);
	for (size_t i = 0; i < picture->n_texts; i++) {
		free(picture->texts[i].text);
		free(picture->texts[i].whole);
	}
	free(picture->rects);
	free(picture->texts);
	free(picture->words);
}
#define autopicture vn_cleanup(picture_clear) struct picture

/* ---- what holds of every picture ---- */

static bool is(const struct mark *mark, const char *class)
{
	return strcmp(mark->class, class) == 0;
}

static bool inside(const struct mark *a, const struct mark *b)
{
	return a->x >= b->x && a->y >= b->y && a->x + a->w <= b->x + b->w && a->y + a->h <= b->y + b->h;
}

static bool overlap(const struct mark *a, const struct mark *b)
{
	return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h && b->y < a->y + a->h;
}

static void assert_on_page(const struct picture *picture)
{
	struct mark page = {.w = picture->width, .h = picture->height};

	assert_in_range(picture->width, 600, 2000);
	for (size_t i = 0; i < picture->n_rects; i++) {
		assert_true(picture->rects[i].w > 0 && picture->rects[i].h > 0);
		if (!inside(&picture->rects[i], &page))
			fail_msg("%s at %d,%d leaves the page", picture->rects[i].class, picture->rects[i].x,
				picture->rects[i].y);
	}
	for (size_t i = 0; i < picture->n_texts; i++) {
		if (!inside(&picture->texts[i], &page))
			fail_msg("'%s' leaves the page", picture->texts[i].text);
	}
}

static void sort_by_y(struct mark *marks, size_t n);

/* No two boxes of a class overlap, but those of `nests` may hold each other. */
static void assert_apart(const struct picture *picture, const char *class, bool nests)
{
	struct mark *marks = calloc(picture->n_rects + 1, sizeof(*marks));
	size_t n = 0;
	int tallest = 0;

	for (size_t i = 0; i < picture->n_rects; i++) {
		if (strncmp(picture->rects[i].class, class, strlen(class)) != 0)
			continue;
		marks[n++] = picture->rects[i];
		tallest = picture->rects[i].h > tallest ? picture->rects[i].h : tallest;
	}
	sort_by_y(marks, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n && marks[j].y < marks[i].y + tallest; j++) {
			if (!overlap(&marks[i], &marks[j]))
				continue;
			if (nests && (inside(&marks[i], &marks[j]) || inside(&marks[j], &marks[i])))
				continue;
			fail_msg("two boxes '%s' overlap, at %d,%d and %d,%d", class, marks[i].x, marks[i].y,
				marks[j].x, marks[j].y);
		}
	}
	free(marks);
}

static int by_y(const void *left, const void *right)
{
	const struct mark *a = left, *b = right;
	return a->y != b->y ? a->y - b->y : a->x - b->x;
}

static void sort_by_y(struct mark *marks, size_t n)
{
	if (n)
		qsort(marks, n, sizeof(*marks), by_y);
}

/* Each box of `inner` lies in one of `outer`, unless it is an entry of the legend, which is below all nodes. */
static void assert_held(const struct picture *picture, const char *inner, const char *outer)
{
	int last = 0;

	for (size_t i = 0; i < picture->n_rects; i++) {
		if (is(&picture->rects[i], "node") && picture->rects[i].y + picture->rects[i].h > last)
			last = picture->rects[i].y + picture->rects[i].h;
	}
	for (size_t i = 0, at = 0; i < picture->n_rects; i++) {
		const struct mark *mark = &picture->rects[i];
		if (is(mark, outer))
			at = i; /* what holds a box is drawn before it */
		if (!is(mark, inner) || mark->y >= last)
			continue;
		if (!is(&picture->rects[at], outer) || !inside(mark, &picture->rects[at]))
			fail_msg("a box '%s' at %d,%d is in no '%s'", inner, mark->x, mark->y, outer);
	}
}

/* No text runs into another, and none over the edge of the smallest box that its beginning lies in. */
static void assert_texts_apart(const struct picture *picture)
{
	static const char *const boxes[] = {"node", "group", "group2", "dev", "badge", "cpu", "iso", "off"};
	struct mark *texts = calloc(picture->n_texts + 1, sizeof(*texts));

	memcpy(texts, picture->texts, picture->n_texts * sizeof(*texts));
	sort_by_y(texts, picture->n_texts);
	for (size_t i = 0; i < picture->n_texts; i++) {
		for (size_t j = i + 1; j < picture->n_texts && texts[j].y < texts[i].y + texts[i].h; j++) {
			if (overlap(&texts[i], &texts[j]))
				fail_msg("'%s' runs into '%s'", texts[i].text, texts[j].text);
		}
	}
	free(texts);
	for (size_t i = 0; i < picture->n_texts; i++) {
		const struct mark *text = &picture->texts[i], *smallest = NULL;
		struct mark middle = {.x = text->x + text->w / 2, .y = text->y + text->h / 2, .w = 1, .h = 1};
		for (size_t j = 0; j < picture->n_rects; j++) {
			const struct mark *box = &picture->rects[j];
			bool holds = false;
			for (size_t k = 0; k < sizeof(boxes) / sizeof(boxes[0]); k++)
				holds |= is(box, boxes[k]);
			if (holds && inside(&middle, box) && (!smallest || box->w < smallest->w))
				smallest = box;
		}
		if (smallest && !inside(text, smallest))
			fail_msg("'%s' runs out of its box '%s'", text->text, smallest->class);
	}
}

static bool has_text(const struct picture *picture, const char *text)
{
	for (size_t i = 0; i < picture->n_texts; i++) {
		if (strcmp(picture->texts[i].text, text) == 0)
			return true;
	}
	return false;
}

/* The box of a node: the one that its name is written in. */
static const struct mark *box_of(const struct picture *picture, unsigned id)
{
	vn_autofree char *name = vn_format("node %u", id);
	const struct mark *found = NULL;

	for (size_t i = 0; i < picture->n_texts; i++) {
		if (strcmp(picture->texts[i].text, name) != 0)
			continue;
		for (size_t j = 0; j < picture->n_rects; j++) {
			if (is(&picture->rects[j], "node") &&
				inside(&picture->texts[i], &picture->rects[j])) {
				assert_null(found); /* named once */
				found = &picture->rects[j];
			}
		}
	}
	if (!found)
		fail_msg("no box for node %u", id);
	return found;
}

/* CPUs that the node's box names: in tooltips of its cores. */
static void assert_cpus_named(const struct picture *picture, const struct vn_host_node *node)
{
	const struct mark *box = box_of(picture, node->id);
	vn_autoset named = hwloc_bitmap_alloc(), all = hwloc_bitmap_dup(node->cpus);
	size_t boxes = 0;

	for (size_t i = 0; i < picture->n_rects; i++) {
		const struct mark *mark = &picture->rects[i];
		boxes += inside(mark, box) && (is(mark, "cpu") || is(mark, "iso"));
		if (!is(mark, "core") || !inside(mark, box) || strstr(mark->text, "offline"))
			continue;
		assert_non_null(mark->text);
		vn_autofree char *list = strdup(mark->text + strcspn(mark->text, " ") + 1);
		for (char *p = list; *p; p++) {
			if (p[0] == ',' && p[1] == ' ')
				*p = '\0';
			if (!*p)
				break;
		}
		vn_autoset cpus = NULL;
		assert_int_equal(vn_set_parse(list, &cpus), 0);
		assert_false(hwloc_bitmap_intersects(named, cpus));
		hwloc_bitmap_or(named, named, cpus);
	}
	assert_true(hwloc_bitmap_isequal(named, all));
	assert_int_equal(boxes, vn_set_weight(all));
}

/* Used, huge and free pages in proportion, up to a pixel each; all of it in proportion to the largest node. */
static void assert_bar(const struct picture *picture, const struct vn_host *host, size_t index)
{
	const struct vn_host_node *node = &host->nodes[index];
	const struct mark *box = box_of(picture, node->id), *track = NULL;
	uint64_t largest = 0;
	int all = 0, unused = 0;

	for (size_t i = 0; i < host->n_nodes; i++)
		largest = host->nodes[i].memory_total > largest ? host->nodes[i].memory_total : largest;
	for (size_t i = 0; i < picture->n_rects; i++) {
		const struct mark *mark = &picture->rects[i];
		if (!inside(mark, box))
			continue;
		if (is(mark, "track"))
			track = mark;
		if (is(mark, "used") || is(mark, "all") || is(mark, "huge") || is(mark, "free")) {
			assert_true(inside(mark, track));
			all += mark->w;
			unused += is(mark, "free") ? mark->w : 0;
		}
	}
	if (node->memory_total == 0) {
		assert_null(track);
		return;
	}
	double full = track->w, share = (double)node->memory_total / (double)largest;
	assert_true(fabs(all - share * full) <= 1.01);
	if (node->has_memory_free && node->memory_free <= node->memory_total)
		assert_true(
			fabs(unused - all * (double)node->memory_free / (double)node->memory_total) <= 1.51);
}

static void assert_devices_named(const struct picture *picture, const struct vn_host *host)
{
	for (size_t i = 0; i < host->n_devices; i++) {
		if (!strstr(picture->words, host->devices[i].address))
			fail_msg("device %s is not named", host->devices[i].address);
	}
}

/* ---- the heat map ---- */

static double linear(unsigned part)
{
	double c = part / 255.0;
	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* Relative luminance, WCAG 2.1. */
static double luminance(const char *fill)
{
	unsigned r, g, b;

	assert_int_equal(sscanf(fill, "#%2x%2x%2x", &r, &g, &b), 3);
	return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/* The number in a cell, which must be there and stand out 4.5:1 (WCAG 2.1, AA for small text). */
static const struct mark *cell_number(const struct picture *picture, const struct mark *cell)
{
	for (size_t i = 0; i < picture->n_texts; i++) {
		const struct mark *text = &picture->texts[i];
		if ((!is(text, "black") && !is(text, "white")) || !overlap(text, cell))
			continue;
		if (!inside(text, cell))
			fail_msg("number %s is wider than its cell of %d", text->text, cell->w);
		double back = luminance(cell->fill), front = is(text, "white") ? 1 : 0;
		double ratio = (fmax(back, front) + 0.05) / (fmin(back, front) + 0.05);
		if (ratio < 4.5)
			fail_msg("%s on %s: contrast %.2f", text->text, cell->fill, ratio);
		return text;
	}
	fail_msg("no number in a cell");
	return NULL;
}

/* All cells are there, row by row, with the right number; of two distances the farther is darker. */
static void assert_heat(const struct picture *picture, const struct vn_host *host, bool numbers)
{
	size_t n = 0;
	double shade[256];

	for (size_t i = 0; i < 256; i++)
		shade[i] = -1;
	for (size_t i = 0; i < picture->n_rects && n < host->n_nodes * host->n_nodes; i++) {
		const struct mark *cell = &picture->rects[i];
		if (!is(cell, "cell"))
			continue;
		uint32_t d = host->nodes[n / host->n_nodes].distances[n % host->n_nodes];
		n++;
		if (numbers) {
			vn_autofree char *expected = d ? vn_format("%u", d) : strdup("-");
			assert_string_equal(cell_number(picture, cell)->text, expected);
		}
		if (d > 0 && d < 255)
			shade[d] = luminance(cell->fill);
	}
	assert_int_equal(n, host->n_nodes * host->n_nodes);
	double before = 2;
	for (size_t d = 1; d < 255; d++) {
		if (shade[d] >= 0) {
			assert_true(shade[d] < before);
			before = shade[d];
		}
	}
}

/* Everything that holds of any host with at most `detailed` CPUs. */
static void assert_sound(const struct vn_host *host, const struct picture *picture)
{
	static const char *const classes[] = {"node", "core", "cpu", "dev", "badge", "cell", "l3"};

	assert_on_page(picture);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		assert_apart(picture, classes[i], false);
	assert_apart(picture, "group", true);
	assert_held(picture, "core", "node");
	assert_held(picture, "cpu", "core");
	assert_held(picture, "off", "core");
	assert_held(picture, "iso", "core");
	assert_held(picture, "track", "node");
	assert_texts_apart(picture);
	for (size_t i = 0; i < host->n_nodes; i++) {
		assert_cpus_named(picture, &host->nodes[i]);
		assert_bar(picture, host, i);
	}
	assert_devices_named(picture, host);
}

/* ---- the graph ---- */

static char *print_dot(const struct vn_host *host)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	vn_host_print_dot(host, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), length);
	return text;
}

/* Graphviz takes it without a word. False where there is no graphviz. */
static bool graphviz_takes(const char *text)
{
	char name[] = "/tmp/vnuma-dot-XXXXXX";
	int fd = mkstemp(name);

	if (system("command -v dot >/dev/null 2>&1") != 0) {
		close(fd);
		unlink(name);
		return false;
	}
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	vn_autofree char *command = vn_format("dot -Tsvg %s 2>&1 >/dev/null", name);
	FILE *out = popen(command, "r");
	char said[400] = "";
	size_t length = fread(said, 1, sizeof(said) - 1, out);
	int status = pclose(out);
	unlink(name);
	if (length || status != 0)
		fail_msg("dot, status %d: %s", status, said);
	return true;
}

/* ---- hosts ---- */

/* Nodes of equal size; CPU c of node i is i * cpus + c, `threads` to a core, `per_package` nodes to a package. */
static struct vn_host *make_host(unsigned nodes, unsigned cpus, unsigned threads, unsigned per_package)
{
	struct vn_host *host = vn_host_new();

	host->source = strdup("test");
	host->cores_known = threads > 0;
	host->nodes = calloc(nodes, sizeof(*host->nodes));
	host->cpus = calloc((size_t)nodes * cpus + 1, sizeof(*host->cpus));
	for (unsigned i = 0; i < nodes; i++) {
		struct vn_host_node *node = &host->nodes[host->n_nodes++];
		*node = vn_host_node_init(i);
		node->cpus = hwloc_bitmap_alloc();
		node->memory_total = (uint64_t)(32 + i % 5) << 30;
		node->has_memory_free = true;
		node->memory_free = node->memory_total / (i % 7 + 1);
		node->distances = calloc(nodes, sizeof(uint32_t));
		for (unsigned j = 0; j < nodes; j++)
			node->distances[j] = i == j ? 10
					     : per_package && i / per_package == j / per_package
						     ? 12
						     : 21 + (i ^ j);
		for (unsigned c = 0; c < cpus; c++) {
			struct vn_host_cpu *cpu = &host->cpus[host->n_cpus++];
			*cpu = vn_host_cpu_init(i * cpus + c);
			cpu->online = true;
			cpu->node = (int)i;
			cpu->package = per_package ? (int)(i / per_package) : -1;
			hwloc_bitmap_set(node->cpus, cpu->id);
			if (!threads)
				continue;
			unsigned first = i * cpus + c / threads * threads;
			cpu->core = (int)(c / threads);
			cpu->l3 = (int)(i * cpus + c / 16 * 16);
			cpu->siblings = hwloc_bitmap_alloc();
			hwloc_bitmap_set_range(cpu->siblings, first, (int)(first + threads - 1));
		}
	}
	return host;
}

static void finish_host(struct vn_host *host)
{
	vn_autoerror err = {0};

	if (vn_host_finish(host, &err) < 0)
		fail_msg("%s", err.n ? err.problems[0].text : "?");
}

static struct vn_host_device *add_device(
	struct vn_host *host, const char *address, int node, uint32_t class_code)
{
	host->devices = realloc(host->devices, (host->n_devices + 1) * sizeof(*host->devices));
	struct vn_host_device *device = &host->devices[host->n_devices++];
	*device = vn_host_device_init();
	snprintf(device->address, sizeof(device->address), "%s", address);
	device->node = node;
	device->class_code = class_code;
	return device;
}

static void name_device(struct vn_host_device *device, const char *name)
{
	device->names = realloc(device->names, (device->n_names + 1) * sizeof(*device->names));
	device->names[device->n_names++] = strdup(name);
}

/* ---- tests ---- */

static void test_sizes(void **state)
{
	static const struct {
		unsigned nodes, cpus, threads, per_package;
		bool numbers;
	} sizes[] = {{1, 1, 1, 1, true}, {1, 4, 2, 1, true}, {2, 8, 2, 1, true}, {2, 3, 0, 0, true},
		{4, 104, 2, 2, true}, {8, 32, 4, 2, true}, {8, 32, 1, 4, true}, {12, 6, 2, 3, true},
		{16, 16, 8, 8, true}, {17, 4, 2, 0, true}, {64, 8, 2, 8, true}, {64, 16, 0, 8, true}};
	(void)state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		vn_autohost *host =
			make_host(sizes[i].nodes, sizes[i].cpus, sizes[i].threads, sizes[i].per_package);
		print_message("# %u nodes of %u CPUs\n", sizes[i].nodes, sizes[i].cpus);
		finish_host(host);
		autopicture picture = draw(host);
		assert_sound(host, &picture);
		if (sizes[i].nodes > 1)
			assert_heat(&picture, host, sizes[i].numbers);
		if (sizes[i].nodes <= 16) {
			for (size_t c = 0; c < host->n_cpus; c++) {
				vn_autofree char *number = vn_format("%u", host->cpus[c].id);
				assert_true(has_text(&picture, number));
			}
		}
	}
}

/* Wide nodes: cores without numbers, the CPUs in words. */
static void test_wide(void **state)
{
	(void)state;
	vn_autohost *one = make_host(1, 2048, 2, 1), *two = make_host(2, 1024, 1, 1);

	finish_host(one);
	finish_host(two);
	autopicture first = draw(one);
	assert_sound(one, &first);
	assert_non_null(strstr(first.words, "0-2047"));
	autopicture second = draw(two);
	assert_sound(two, &second);
	assert_non_null(strstr(second.words, "1024-2047"));
}

static void test_odd_nodes(void **state)
{
	(void)state;
	vn_autohost *host = make_host(6, 4, 2, 2);
	static const unsigned ids[] = {0, 1, 40, 250, 1000, 1023};

	for (size_t i = 0; i < 6; i++)
		host->nodes[i].id = ids[i];
	for (size_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].node = (int)ids[i / 4];
	host->nodes[2].memory_total = 0; /* no memory */
	host->nodes[2].memory_free = 0;
	host->nodes[3].memory_kind = VN_MEMORY_HBM;
	host->nodes[3].has_memory_free = false;
	host->nodes[4].memory_kind = VN_MEMORY_CXL;
	host->nodes[5].memory_kind = VN_MEMORY_PERSISTENT;
	hwloc_bitmap_zero(host->nodes[5].cpus); /* no CPU */
	for (size_t i = 20; i < 24; i++)
		host->cpus[i].online = false;
	host->isolated_cpus = hwloc_bitmap_alloc();
	hwloc_bitmap_set_range(host->isolated_cpus, 4, 5);
	host->nodes[0].distances[1] = 0; /* not told */
	host->nodes[1].distances[2] = 255; /* out of reach */
	host->nodes[2].distances[1] = 99; /* not the same both ways */
	finish_host(host);
	host->cpus[20].node = host->cpus[21].node = 0;
	host->cpus[22].node = host->cpus[23].node = -1;
	autopicture picture = draw(host);
	assert_sound(host, &picture);
	assert_heat(&picture, host, true);
	static const char *const words[] = {"no memory", "no CPUs", "HBM", "CXL", "persistent", "offline CPU",
		"CPU 20, offline", "CPU 21, offline", "CPUs 4-5, isolated", "isolated CPUs (isolcpus): 4-5",
		"offline CPUs, node not known: 22-23", "255: out of reach", "-: not told"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strstr(picture.words, words[i]))
			fail_msg("'%s' is not told", words[i]);
	}
	vn_autofree char *dot = print_dot(host);
	graphviz_takes(dot);
	assert_non_null(strstr(dot, "n1 -> n40 [label=\"255\"")); /* one edge each way */
	assert_non_null(strstr(dot, "n40 -> n1 [label=\"99\""));
}

/* Huge pages have their own tone, in proportion. */
static void test_hugepages(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, 2, 1, 1);
	struct vn_host_node *node = &host->nodes[0];

	node->memory_total = 64ull << 30;
	node->memory_free = 16ull << 30;
	node->n_hugepools = 2;
	node->hugepools = calloc(2, sizeof(*node->hugepools));
	node->hugepools[0] = (struct vn_hugepool){.size = 2 << 20, .total = 8192, .free = 100};
	node->hugepools[1] = (struct vn_hugepool){.size = 1 << 30, .total = 16, .free = 3};
	finish_host(host);
	autopicture picture = draw(host);
	assert_sound(host, &picture);
	const struct mark *box = box_of(&picture, 0);
	int huge = 0, track = 0;
	for (size_t i = 0; i < picture.n_rects; i++) {
		if (inside(&picture.rects[i], box)) {
			huge += is(&picture.rects[i], "huge") ? picture.rects[i].w : 0;
			track += is(&picture.rects[i], "track") ? picture.rects[i].w : 0;
		}
	}
	assert_true(fabs(huge - track / 2.0) <= 1);
	assert_non_null(strstr(picture.words, "100 of 8192 x 2 MiB"));
	assert_non_null(strstr(picture.words, "3 of 16 x 1 GiB"));
}

/* Figures that no machine has: nothing negative, nothing outside. */
static void test_extremes(void **state)
{
	(void)state;
	vn_autohost *host = make_host(3, 2, 1, 0);

	host->nodes[0].memory_total = UINT64_MAX;
	host->nodes[0].memory_free = UINT64_MAX;
	host->nodes[1].memory_total = 1;
	host->nodes[1].memory_free = UINT64_MAX;
	host->nodes[2].memory_total = 1ull << 40;
	host->nodes[2].n_hugepools = 1;
	host->nodes[2].hugepools = calloc(1, sizeof(struct vn_hugepool));
	host->nodes[2].hugepools[0] =
		(struct vn_hugepool){.size = UINT64_MAX, .total = UINT64_MAX, .free = UINT64_MAX};
	host->nodes[0].distances[1] = UINT32_MAX;
	host->nodes[1].distances[0] = 1000000;
	host->nodes[1].distances[2] = 65535;
	finish_host(host);
	autopicture picture = draw(host);
	assert_on_page(&picture);
	assert_apart(&picture, "node", false);
	assert_texts_apart(&picture);
	vn_autofree char *dot = print_dot(host);
	graphviz_takes(dot);
}

static const char *const hostile[] = {"<script>alert(1)</script>", "]]><svg onload=\"x\">", "&amp;&#0;&lt;",
	"\"' onclick='x", "\x1b]0;title\x07\x1b[2J", "\xff\xfe\x80 broken", "\xe2\x80\xae reversed",
	"\xc0\xbc", "\\N\\l\\G\\\"", "-->", "<B>bold</B>",
	"#<=>+^~#<=>+^~#<=>+^~#<=>+^~#<=>+^~#<=>+^~#<=>+^~#<=>+^~#<=>+^~"
	"#<=>+^~#<=>+^~#<=>+^~#<=>+^~#<=>+^~",
	"DOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQ"
	"DOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQDOGQ",
	""};
#define N_HOSTILE (sizeof(hostile) / sizeof(hostile[0]))

static void assert_harmless(const struct vn_host *host)
{
	autopicture picture = draw(host); /* checks elements, attributes and bytes */
	assert_sound(host, &picture);
	vn_autofree char *dot = print_dot(host);
	for (const char *p = dot; *p; p++)
		assert_true(*p == '\n' || ((unsigned char)*p >= 32 && *p != 127));
	graphviz_takes(dot);
}

static void test_hostile_names(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, 4, 2, 1);
	vn_autofree char *endless = malloc(100001);

	memset(endless, 'W', 100000);
	endless[100000] = '\0';
	for (size_t i = 0; i < N_HOSTILE; i++) {
		char address[VN_PCI_ADDRESS];
		snprintf(address, sizeof(address), "0000:%02x:00.0", (unsigned)i);
		struct vn_host_device *device = add_device(host, address, (int)(i % 3) - 1, 0x020000);
		name_device(device, hostile[i]);
		device->driver = strdup(hostile[i]);
	}
	name_device(add_device(host, "0000:ff:00.0", 0, 0x010000), endless);
	vn_notes_add(&host->notes, "hostile", "%s %s", hostile[0], hostile[4]);
	vn_notes_add(&host->notes, "hostile", "%s", endless);
	finish_host(host);
	for (size_t i = 0; i < N_HOSTILE; i++) {
		free(host->source);
		host->source = strdup(hostile[i]);
		assert_harmless(host);
	}
	free(host->source);
	host->source = strdup(endless);
	assert_harmless(host);
	autopicture picture = draw(host);
	assert_non_null(strstr(picture.words, hostile[0])); /* told as it is, not dropped */
}

/* Hundreds of devices: some, and how many others; none is lost. */
static void test_many_devices(void **state)
{
	(void)state;
	vn_autohost *host = make_host(2, 4, 2, 1);

	for (unsigned i = 0; i < 300; i++) {
		char address[VN_PCI_ADDRESS], name[16];
		snprintf(address, sizeof(address), "%04x:%02x:00.0", i % 3, i);
		snprintf(name, sizeof(name), "ens%uf0np0", i);
		struct vn_host_device *device = add_device(host, address, (int)(i % 3) - 1, 0x020000);
		name_device(device, name);
		if (i >= 90)
			snprintf(
				device->physical_function, sizeof(device->physical_function), "0000:00:00.0");
	}
	finish_host(host);
	autopicture picture = draw(host);
	assert_sound(host, &picture);
	assert_non_null(strstr(picture.words, "and 92 others, 70 of them virtual functions"));
	vn_autofree char *dot = print_dot(host);
	graphviz_takes(dot);
}

/* As many nodes as Linux knows; the picture stays small. */
static void test_most_nodes(void **state)
{
	(void)state;
	vn_autohost *host = make_host(VN_MAX_NODES, 1, 0, 0);

	for (unsigned i = 0; i < VN_MAX_NODES; i++) {
		for (unsigned j = 0; j < VN_MAX_NODES; j++)
			host->nodes[i].distances[j] = i == j ? 10 : i / 8 == j / 8 ? 12 : 20;
	}
	finish_host(host);
	size_t length = 0;
	vn_autofree char *text = print_svg(host, &length);
	assert_in_range(length, 100000, 20000000);
	xmlDoc *doc = xmlReadMemory(text, (int)length, "picture.svg", NULL, XML_PARSE_NONET | XML_PARSE_HUGE);
	assert_non_null(doc);
	xmlFreeDoc(doc);
}

static void test_graphs(void **state)
{
	static const unsigned sizes[][3] = {
		{1, 4, 1}, {2, 4, 1}, {4, 4, 2}, {8, 4, 2}, {12, 2, 4}, {13, 2, 1}, {64, 2, 8}};
	bool any = true;
	(void)state;

	for (size_t i = 0; any && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		vn_autohost *host = make_host(sizes[i][0], sizes[i][1], 2, sizes[i][2]);
		finish_host(host);
		vn_autofree char *dot = print_dot(host);
		for (unsigned n = 0; n < sizes[i][0]; n++) {
			vn_autofree char *node = vn_format("<B>node %u</B>", n);
			assert_non_null(strstr(dot, node));
		}
		assert_int_equal(strstr(dot, "only to the nearest") != NULL, sizes[i][0] > 12);
		any = graphviz_takes(dot);
	}
	if (!any) {
		print_message("graphviz is not here\n");
		skip();
	}
}

/* What machines of the shared data print, drawn. */
static void test_real_hosts(void **state)
{
	const char *shared = getenv("VNUMA_SHARED"), *source = getenv("SRCDIR");
	char pattern[4096]; /* not on the heap: skip() runs no clean-up */
	glob_t files = {0};
	(void)state;

	snprintf(pattern, sizeof(pattern), "%s%s/data/numactl/*.txt",
		shared   ? shared
		: source ? source
			 : ".",
		shared ? "" : "/../shared");
	if (glob(pattern, 0, NULL, &files) != 0) {
		print_message("no %s\n", pattern);
		skip();
	}
	for (size_t i = 0; i < files.gl_pathc; i++) {
		vn_autofree char *name = vn_format("numactl:%s", files.gl_pathv[i]);
		vn_autohost *host = NULL;
		assert_int_equal(vn_discover(name, &host, NULL), 0);
		print_message("# %s\n", name);
		autopicture picture = draw(host);
		assert_sound(host, &picture);
		assert_heat(&picture, host, true);
		vn_autofree char *dot = print_dot(host);
		graphviz_takes(dot);
	}
	globfree(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_odd_nodes),
		cmocka_unit_test(test_hugepages),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_many_devices),
		cmocka_unit_test(test_most_nodes),
		cmocka_unit_test(test_graphs),
		cmocka_unit_test(test_real_hosts),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	xmlCleanupParser();
	return r;
}
