/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists of numbers that stay within the screen. One that fills a line is printed as it is, since every program takes that form.
 * A longer one, of a host that deals its CPUs to the nodes in turn, is printed with the kernel's strides where that takes fewer
 * lines, and what still takes more than two is cut: a host of 8 nodes is to fit one screen. The strides are those of Linux,
 * Documentation/admin-guide/kernel-parameters.rst, "cpu lists": of each group of so many numbers the first so many.
 */
#define _GNU_SOURCE
#include <string.h>

#include "host_text.h"

#define LIST_LINES 2
#define NARROW 30 /* columns: less is no room for a list of several lines */
#define MIN_RUNS 3 /* regular ones: a stride for fewer is not shorter */
#define MIN_SINGLE 5 /* of one number each */
#define BELOW 8 /* where it begins then, on the next line */

/* Lays the text out; behind line `max` (0: none) `mark`, shorter than a line, takes the place of the rest. out NULL: counts only. Returns the lines. */
static unsigned lay_out(const char *text, unsigned indent, unsigned max, const char *mark, FILE *out)
{
	unsigned column = indent, blanks = 0, lines = 1; /* blanks are held back: none may end a line */

	while (*text) {
		unsigned room = VN_SCREEN - (max && lines == max ? (unsigned)strlen(mark) + 1 : 0);
		size_t piece = strcspn(text, ", ");
		if (text[piece] == ',')
			piece++;
		if (column > indent && column + blanks + piece > room) {
			if (lines == max) {
				if (out)
					fprintf(out, " %s", mark);
				break;
			}
			if (out)
				fprintf(out, "\n%*s", (int)indent, "");
			lines++;
			column = indent;
			blanks = 0;
			continue;
		}
		if (out)
			fprintf(out, "%*s%.*s", (int)blanks, "", (int)piece, text);
		column += blanks + (unsigned)piece;
		text += piece;
		blanks = (unsigned)strspn(text, " ");
		text += blanks;
	}
	if (out)
		fputc('\n', out);
	return lines;
}

void vn_print_wrapped(const char *text, unsigned indent, FILE *out)
{
	lay_out(text, indent, 0, "", out);
}

void vn_print_cut(const char *text, unsigned indent, unsigned max, const char *mark, FILE *out)
{
	lay_out(text, indent, lay_out(text, indent, 0, "", NULL) > max ? max : 0, mark, out);
}

/* ---- strides ---- */

struct run {
	unsigned first, length;
};

/* The set's runs of following numbers; NULL when memory is short, or the set has no end. */
static struct run *find_runs(hwloc_const_bitmap_t set, size_t *ret_n)
{
	vn_autofree struct run *runs = calloc(vn_set_weight(set) + 1, sizeof(*runs));
	size_t n = 0;

	for (int i = hwloc_bitmap_first(set); runs && i >= 0;) {
		int end = hwloc_bitmap_next_unset(set, i);
		if (end < 0)
			return NULL;
		runs[n++] = (struct run){(unsigned)i, (unsigned)(end - i)};
		i = hwloc_bitmap_next(set, end);
	}
	*ret_n = n;
	return vn_steal(runs);
}

/* How many of the runs, the first among them, are as long as it and as far from each other as the first two. */
static size_t count_regular(const struct run *runs, size_t n)
{
	size_t count = n < 2 ? n : 2;

	if (n < 2 || runs[1].length != runs[0].length)
		return 1;
	while (count < n && runs[count].length == runs[0].length &&
		runs[count].first - runs[count - 1].first == runs[1].first - runs[0].first)
		count++;
	return count;
}

static char *stride_text(struct vn_stride s)
{
	return vn_format("%u-%u:%u/%u", s.first, s.last, s.used, s.group);
}

/* The whole set with strides where enough runs are regular; *ret_first is the first of them, untouched without one. */
static char *strided(hwloc_const_bitmap_t set, struct vn_stride *ret_first)
{
	size_t n = 0, length = 0;
	char *text = NULL;
	vn_autofree struct run *runs = find_runs(set, &n);
	struct vn_stride first = {0};
	FILE *out = runs ? open_memstream(&text, &length) : NULL;

	for (size_t i = 0, count; out && i < n; i += count) {
		const struct run *run = &runs[i];
		count = count_regular(run, n - i);
		struct vn_stride s = {run->first, run[count - 1].first + run->length - 1, run->length,
			count >= (run->length > 1 ? MIN_RUNS : MIN_SINGLE) ? run[1].first - run->first : 0};
		vn_autofree char *stride = stride_text(s);
		if (i > 0)
			fputc(',', out);
		if (s.group)
			fputs(stride ? stride : "?", out);
		else if (run->length == 1)
			fprintf(out, "%u", run->first);
		else
			fprintf(out, "%u-%u", run->first, run->first + run->length - 1);
		first = first.group ? first : s;
		count = s.group ? count : 1;
	}
	if (!out || fclose(out) != 0) {
		free(text);
		return NULL;
	}
	if (first.group)
		*ret_first = first;
	return text;
}

static char *with_word(char *list, const char *word)
{
	return !list ? NULL : word ? vn_format("%s (%s)", list, word) : vn_copy(list);
}

void vn_print_set(
	hwloc_const_bitmap_t set, const char *word, unsigned indent, struct vn_listing *listing, FILE *out)
{
	vn_autofree char *list = vn_set_text(set), *text = with_word(list, word);
	vn_autofree char *mark = vn_format("… (%s%s--all lists them)", word ? word : "", word ? "; " : "");
	struct vn_stride first = {0};

	if (text && indent + strlen(text) > VN_SCREEN && indent + NARROW > VN_SCREEN) {
		indent = BELOW;
		fprintf(out, "\n%*s", BELOW, "");
	}
	if (text && lay_out(text, indent, 0, "", NULL) > 1) {
		vn_autofree char *strides = strided(set, &first), *other = with_word(strides, word);
		if (first.group && other &&
			lay_out(other, indent, 0, "", NULL) < lay_out(text, indent, 0, "", NULL)) {
			free(text);
			text = vn_steal(other);
			listing->stride = listing->stride.group ? listing->stride : first;
		}
	}
	if (listing->all || !mark)
		vn_print_wrapped(text ? text : "?", indent, out);
	else
		vn_print_cut(text ? text : "?", indent, LIST_LINES, mark, out);
}

void vn_explain_stride(struct vn_listing *listing, FILE *out)
{
	static const char *const ordinals[] = {
		"second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"};
	struct vn_stride s = listing->stride;
	vn_autofree char *text = s.group ? stride_text(s) : NULL;

	if (!text || listing->explained)
		return;
	if (s.used == 1 && s.group <= 8)
		fprintf(out, "%s is every %s one from %u to %u.\n", text, ordinals[s.group - 2], s.first,
			s.last);
	else if (s.used == 1)
		fprintf(out, "%s is the first of every %u from %u to %u.\n", text, s.group, s.first, s.last);
	else
		fprintf(out, "%s is the first %u of every %u from %u to %u.\n", text, s.used, s.group,
			s.first, s.last);
	listing->explained = true;
}
