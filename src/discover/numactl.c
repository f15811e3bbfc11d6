/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of `numactl --hardware`.
 *
 * Theory of operation: one pass over the lines, each of which must be one that numactl prints (numactl.c,
 * hardware()):
 *
 *     available: 2 nodes (0-1)
 *     node 0 cpus: 0 1                  (no numbers: a node without CPUs)
 *     node 0 size: 4031 MB              (0: a node without memory)
 *     node 0 free: 3997 MB              (or `<not available>`, or no such line)
 *     node distances:                   (or `No distance information available.`, or nothing)
 *     node   0   1
 *       0:  10  20
 *       1:  20  10
 *
 * Blanks separate words; how many does not matter, for texts come through mails and web pages. Nothing is
 * guessed: a line that is none of these is a problem, and all problems are told, up to a limit. Only after
 * the last line is it known whether the parts agree (check_*). Older versions of numactl print a column of
 * zeros for each id that no node has; those columns and rows are dropped.
 */
#define _GNU_SOURCE
#include "discover.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define MAX_PROBLEMS 20
#define MAX_MB (UINT64_C(1) << 30) /* 2^50 bytes, above any node there is */
#define MAX_WORD 48

enum section { SECTION_NODES, SECTION_HEADER, SECTION_ROWS, SECTION_END };

/* What has been told of a node, line numbers counted from 1; 0: not told. */
struct told {
	unsigned first, cpus, size, free;
	bool size_wrong; /* which has been told */
};

struct reader {
	const char *file;
	unsigned line;
	struct vn_error *err;
	size_t problems;
	struct vn_host *host;
	enum section section;
	unsigned available; /* its line */
	uint64_t count; /* as `available` says */
	hwloc_bitmap_t listed; /* as `available` says */
	hwloc_bitmap_t cpus; /* of all nodes so far */
	struct told told[VN_MAX_NODES]; /* by node id */
	unsigned distances_line;
	size_t n_columns;
	unsigned columns[VN_MAX_NODES]; /* node ids in the table's order */
	unsigned row_lines[VN_MAX_NODES]; /* by node id */
	uint32_t *matrix; /* by row's node id, then column: VN_MAX_NODES rows of n_columns; owned */
};

static void reader_clear(struct reader *r)
{
	vn_host_free(r->host);
	hwloc_bitmap_free(r->listed);
	hwloc_bitmap_free(r->cpus);
	free(r->matrix);
}

__attribute__((format(printf, 4, 5))) static int problem_at(
	struct reader *r, unsigned line, const char *key, const char *format, ...)
{
	struct vn_where where = {r->file, line, key};
	vn_autofree char *text = NULL;
	va_list args;

	if (r->problems++ >= MAX_PROBLEMS)
		return -EINVAL;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return vn_error_input(r->err, &where, "%s", text ? text : "wrong");
}

#define problem(r, key, ...) problem_at(r, (r)->line, key, __VA_ARGS__)

/* The next word of *p, cut off at MAX_WORD characters (no valid word is that long); false at the end of the
 * line. */
static bool next_word(const char **p, char word[static MAX_WORD])
{
	*p += strspn(*p, " \t");
	size_t length = strcspn(*p, " \t"), kept = length < MAX_WORD - 1 ? length : MAX_WORD - 1;
	memcpy(word, *p, kept);
	word[kept] = '\0';
	*p += length;
	return length > 0;
}

/* Whether the line's next words are `words`, blank by blank; *p moves behind them. */
static bool skip_words(const char **p, const char *words)
{
	const char *at = *p;
	char want[MAX_WORD], have[MAX_WORD];

	while (next_word(&words, want)) {
		if (!next_word(&at, have) || strcmp(want, have) != 0)
			return false;
	}
	*p = at;
	return true;
}

static bool at_end(const char *p)
{
	return p[strspn(p, " \t")] == '\0';
}

static struct vn_host_node *find_node(const struct reader *r, unsigned id)
{
	for (size_t i = 0; i < r->host->n_nodes; i++) {
		if (r->host->nodes[i].id == id)
			return &r->host->nodes[i];
	}
	return NULL;
}

static struct vn_host_node *find_or_add_node(struct reader *r, unsigned id)
{
	struct vn_host *host = r->host;
	struct vn_host_node *node = find_node(r, id);
	if (node)
		return node;
	struct vn_host_node *grown = reallocarray(host->nodes, host->n_nodes + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	host->nodes = grown;
	node = &grown[host->n_nodes];
	*node = vn_host_node_init(id);
	node->cpus = hwloc_bitmap_alloc();
	if (!node->cpus)
		return NULL;
	host->n_nodes++;
	r->told[id].first = r->line;
	return node;
}

/* `4 nodes (0-3)`, behind `available:`. */
static int read_available(struct reader *r, const char *p)
{
	char word[MAX_WORD], quoted[VN_QUOTE_MAX];
	const char *rest = p + strspn(p, " \t");

	if (r->available)
		return problem(r, "available", "told in line %u already; expected the output of one run",
			r->available);
	r->available = r->line;
	if (!next_word(&p, word) || vn_parse_u64(word, VN_MAX_NODES, &r->count) < 0 ||
		!skip_words(&p, "nodes"))
		return problem(r, "available", "'%s'; expected 'N nodes (LIST)', at most %u nodes",
			vn_quote(rest, quoted), VN_MAX_NODES);
	p += strspn(p, " \t");
	size_t length = strcspn(p, " \t");
	if (length < 2 || p[0] != '(' || p[length - 1] != ')' || !at_end(p + length))
		return problem(r, "available", "'%s'; expected 'N nodes (LIST)'", vn_quote(rest, quoted));
	vn_autofree char *list = strndup(p + 1, length - 2);
	if (!list)
		return -ENOMEM;
	int status = vn_set_parse(list, &r->listed);
	if (status == -EINVAL)
		return problem(r, "available", "'%s'; expected a list of node numbers like 0-3,8",
			vn_quote(list, quoted));
	return status;
}

static int read_cpu(struct reader *r, struct vn_host_node *node, const char *word)
{
	char quoted[VN_QUOTE_MAX];
	uint64_t id;

	if (vn_parse_u64(word, VN_SET_MAX, &id) < 0)
		return problem(r, "cpus", "'%s' in node %u; expected CPU numbers up to %u",
			vn_quote(word, quoted), node->id, VN_SET_MAX);
	if (hwloc_bitmap_isset(node->cpus, (unsigned)id))
		return problem(r, "cpus", "CPU %u twice in node %u; expected once", (unsigned)id, node->id);
	if (hwloc_bitmap_isset(r->cpus, (unsigned)id))
		return problem(r, "cpus", "CPU %u in node %u is in another node too; expected one node",
			(unsigned)id, node->id);
	if (hwloc_bitmap_set(node->cpus, (unsigned)id) < 0 || hwloc_bitmap_set(r->cpus, (unsigned)id) < 0)
		return -ENOMEM;
	return 0;
}

static int read_cpus(struct reader *r, struct vn_host_node *node, const char *p)
{
	char word[MAX_WORD];

	while (next_word(&p, word)) {
		int status = read_cpu(r, node, word);
		if (status < 0)
			return status;
	}
	return 0;
}

/* `3997 MB`, or `<not available>` where numactl could not find out (*ret_known is false then). */
static int read_size(
	struct reader *r, unsigned id, const char *key, const char *p, bool *ret_known, uint64_t *ret)
{
	char word[MAX_WORD], quoted[VN_QUOTE_MAX];
	const char *rest = p + strspn(p, " \t");
	uint64_t mb;

	if (skip_words(&p, "<not available>") && at_end(p)) {
		*ret_known = false;
		return 0;
	}
	if (!next_word(&p, word) || vn_parse_u64(word, MAX_MB, &mb) < 0 || !skip_words(&p, "MB") ||
		!at_end(p))
		return problem(r, key, "'%s' of node %u; expected a number of MB up to %llu",
			vn_quote(rest, quoted), id, (unsigned long long)MAX_MB);
	*ret_known = true;
	*ret = mb << 20;
	return 0;
}

static int read_node_size(struct reader *r, struct vn_host_node *node, const char *p)
{
	bool known = true;
	int status = read_size(r, node->id, "size", p, &known, &node->memory_total);
	if (status == 0 && !known)
		return problem(r, "size", "not available for node %u; expected a number of MB", node->id);
	return status;
}

/* `node 0 cpus: ...`, behind `node`. */
static int read_node(struct reader *r, const char *p)
{
	char word[MAX_WORD], key[MAX_WORD], quoted[VN_QUOTE_MAX];
	const char *rest = p + strspn(p, " \t");
	uint64_t id;

	if (!next_word(&p, word) || vn_parse_u64(word, VN_MAX_NODES - 1, &id) < 0)
		return problem(r, "node", "'%s'; expected a node number up to %u", vn_quote(rest, quoted),
			VN_MAX_NODES - 1);
	struct told *told = &r->told[id];
	next_word(&p, key);
	unsigned *line = strcmp(key, "cpus:") == 0   ? &told->cpus
			 : strcmp(key, "size:") == 0 ? &told->size
			 : strcmp(key, "free:") == 0 ? &told->free
						     : NULL;
	if (!line)
		return problem(r, "node", "'%s'; expected 'cpus:', 'size:' or 'free:' of node %s",
			vn_quote(key, quoted), word);
	struct vn_host_node *node = find_or_add_node(r, (unsigned)id);
	if (!node)
		return -ENOMEM;
	if (*line)
		return problem(r, "node", "'%s' of node %s told in line %u already; expected once", key, word,
			*line);
	*line = r->line;
	if (line == &told->cpus)
		return read_cpus(r, node, p);
	if (line == &told->size) {
		int status = read_node_size(r, node, p);
		told->size_wrong = status < 0;
		return status;
	}
	return read_size(r, node->id, "free", p, &node->has_memory_free, &node->memory_free);
}

static int read_header(struct reader *r, const char *p)
{
	char word[MAX_WORD], quoted[VN_QUOTE_MAX];
	vn_autoset seen = hwloc_bitmap_alloc();
	const char *rest = p + strspn(p, " \t");
	uint64_t id;

	r->section = SECTION_ROWS;
	if (!seen)
		return -ENOMEM;
	if (!skip_words(&p, "node"))
		return problem(r, "node distances", "'%s'; expected 'node' and the node numbers",
			vn_quote(rest, quoted));
	while (next_word(&p, word)) {
		if (vn_parse_u64(word, VN_MAX_NODES - 1, &id) < 0)
			return problem(r, "node distances", "'%s'; expected a node number up to %u",
				vn_quote(word, quoted), VN_MAX_NODES - 1);
		if (hwloc_bitmap_isset(seen, (unsigned)id))
			return problem(r, "node distances", "column of node %s twice; expected once", word);
		hwloc_bitmap_set(seen, (unsigned)id);
		r->columns[r->n_columns++] = (unsigned)id;
	}
	if (r->n_columns == 0)
		return problem(r, "node distances", "no columns; expected the node numbers");
	r->matrix = calloc(VN_MAX_NODES * r->n_columns, sizeof(*r->matrix));
	return r->matrix ? 0 : -ENOMEM;
}

static int read_distance(struct reader *r, unsigned row, size_t column, const char *word)
{
	char quoted[VN_QUOTE_MAX];
	unsigned to = r->columns[column];
	uint64_t distance;

	if (vn_parse_u64(word, VN_DISTANCE_UNREACHABLE, &distance) < 0)
		return problem(r, "node distances",
			"'%s' from node %u to %u; expected a distance of 1 to 255", vn_quote(word, quoted),
			row, to);
	if (distance == 0 && r->told[row].first && r->told[to].first)
		return problem(r, "node distances", "0 from node %u to %u; expected a distance of 1 to 255",
			row, to);
	r->matrix[row * r->n_columns + column] = (uint32_t)distance;
	return 0;
}

/* `  0:  10  20`. */
static int read_row(struct reader *r, const char *p)
{
	char word[MAX_WORD], quoted[VN_QUOTE_MAX];
	const char *rest = p + strspn(p, " \t");
	size_t n = 0;
	uint64_t id;

	next_word(&p, word);
	size_t length = strlen(word);
	if (length > 0 && word[length - 1] == ':')
		word[length - 1] = '\0';
	else
		word[0] = '\0';
	if (vn_parse_u64(word, VN_MAX_NODES - 1, &id) < 0)
		return problem(r, NULL, "'%s'; expected a row of the distance table, 'N: 10 20 ...'",
			vn_quote(rest, quoted));
	if (!r->matrix)
		return 0; /* the header was wrong, and that has been told */
	if (r->row_lines[id])
		return problem(r, "node distances", "row of node %s told in line %u already; expected once",
			word, r->row_lines[id]);
	r->row_lines[id] = r->line;
	for (char value[MAX_WORD]; next_word(&p, value); n++) {
		int status = n < r->n_columns ? read_distance(r, (unsigned)id, n, value) : 0;
		if (status < 0)
			return status;
	}
	if (n != r->n_columns)
		return problem(r, "node distances", "%zu distances in the row of node %s; expected %zu", n,
			word, r->n_columns);
	return 0;
}

static int begin_distances(struct reader *r, enum section section)
{
	if (r->distances_line)
		return problem(
			r, "node distances", "told in line %u already; expected once", r->distances_line);
	r->distances_line = r->line;
	r->section = section;
	return 0;
}

/* A line without its end-of-line characters. */
static int read_line(struct reader *r, const char *p)
{
	char quoted[VN_QUOTE_MAX];
	const char *line = p + strspn(p, " \t");

	if (*line == '\0' || *line == '#')
		return 0;
	if (r->section == SECTION_HEADER)
		return read_header(r, p);
	if (skip_words(&p, "available:"))
		return read_available(r, p);
	if (skip_words(&p, "node distances:") && at_end(p))
		return begin_distances(r, SECTION_HEADER);
	if (skip_words(&p, "No distance information available.") && at_end(p))
		return begin_distances(r, SECTION_END);
	p = line;
	if (r->section == SECTION_ROWS && line[0] >= '0' && line[0] <= '9')
		return read_row(r, p);
	if (!skip_words(&p, "node"))
		return problem(
			r, NULL, "'%s'; expected a line of 'numactl --hardware'", vn_quote(line, quoted));
	if (r->section != SECTION_NODES)
		return problem(r, "node", "a line of a node behind the distances; expected it ahead of them");
	return read_node(r, p);
}

static int read_lines(struct reader *r, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		size_t kept = length > 0 && text[length - 1] == '\r' ? length - 1 : length;
		vn_autofree char *line = strndup(text, kept);
		if (!line)
			return -ENOMEM;
		r->line++;
		if (read_line(r, line) == -ENOMEM)
			return -ENOMEM;
		text += length + (text[length] == '\n');
	}
	return 0;
}

static void check_available(struct reader *r)
{
	if (!r->available) {
		problem_at(r, 0, "available", "no such line; expected 'available: N nodes (LIST)'");
		return;
	}
	if (!r->listed)
		return; /* the line was wrong, and that has been told */
	if (vn_set_weight(r->listed) != r->count)
		problem_at(r, r->available, "available",
			"%u nodes but %u in the list; expected the same number", (unsigned)r->count,
			vn_set_weight(r->listed));
	for (int id = hwloc_bitmap_first(r->listed); id >= 0; id = hwloc_bitmap_next(r->listed, id)) {
		if (id >= (int)VN_MAX_NODES || !r->told[id].first)
			problem_at(r, r->available, "available",
				"node %d is in the list; expected lines 'node %d ...'", id, id);
	}
	for (size_t i = 0; i < r->host->n_nodes; i++) {
		unsigned id = r->host->nodes[i].id;
		if (!hwloc_bitmap_isset(r->listed, id))
			problem_at(r, r->told[id].first, "node", "node %u is not in the list of line %u", id,
				r->available);
	}
}

static void check_nodes(struct reader *r)
{
	for (size_t i = 0; i < r->host->n_nodes; i++) {
		const struct vn_host_node *node = &r->host->nodes[i];
		const struct told *told = &r->told[node->id];
		if (!told->cpus)
			problem_at(r, told->first, "cpus",
				"none told of node %u; expected a line 'node %u cpus:'", node->id, node->id);
		if (!told->size)
			problem_at(r, told->first, "size",
				"none told of node %u; expected a line 'node %u size: N MB'", node->id,
				node->id);
		if (told->size && !told->size_wrong && told->free && node->has_memory_free &&
			node->memory_free > node->memory_total)
			problem_at(r, told->free, "free",
				"%llu MB of node %u; expected at most its size, %llu MB",
				(unsigned long long)(node->memory_free >> 20), node->id,
				(unsigned long long)(node->memory_total >> 20));
	}
}

static bool has_column(const struct reader *r, unsigned id)
{
	for (size_t i = 0; i < r->n_columns; i++) {
		if (r->columns[i] == id)
			return true;
	}
	return false;
}

/* Ids that no node has may only have zeros (see above). */
static void check_strangers(struct reader *r, unsigned row)
{
	for (size_t i = 0; i < r->n_columns; i++) {
		unsigned column = r->columns[i];
		uint32_t distance = r->matrix[row * r->n_columns + i];
		if (distance == 0 || (r->told[row].first && r->told[column].first))
			continue;
		problem_at(r, r->row_lines[row], "node distances",
			"%u from node %u to %u; expected only nodes of the list", distance, row, column);
	}
}

static void check_distances(struct reader *r)
{
	if (r->section == SECTION_HEADER)
		problem_at(r, r->distances_line, "node distances", "no table follows; expected one");
	if (!r->matrix)
		return;
	for (size_t i = 0; i < r->host->n_nodes; i++) {
		unsigned id = r->host->nodes[i].id;
		if (!has_column(r, id))
			problem_at(r, r->distances_line, "node distances",
				"no column of node %u; expected one", id);
		if (!r->row_lines[id])
			problem_at(r, r->distances_line, "node distances", "no row of node %u; expected one",
				id);
	}
	for (unsigned id = 0; id < VN_MAX_NODES; id++) {
		if (r->row_lines[id])
			check_strangers(r, id);
	}
}

static int take_distances(struct reader *r)
{
	struct vn_host *host = r->host;

	for (size_t i = 0; r->matrix && i < host->n_nodes; i++) {
		struct vn_host_node *node = &host->nodes[i];
		node->distances = calloc(host->n_nodes, sizeof(*node->distances));
		if (!node->distances)
			return -ENOMEM;
		for (size_t c = 0; c < r->n_columns; c++) {
			const struct vn_host_node *to = find_node(r, r->columns[c]);
			if (to)
				node->distances[to - host->nodes] = r->matrix[node->id * r->n_columns + c];
		}
	}
	return 0;
}

static int take_cpus(struct reader *r)
{
	struct vn_host *host = r->host;

	host->cpus = calloc(vn_set_weight(r->cpus) + 1, sizeof(*host->cpus));
	if (!host->cpus)
		return -ENOMEM;
	for (int id = hwloc_bitmap_first(r->cpus); id >= 0; id = hwloc_bitmap_next(r->cpus, id)) {
		struct vn_host_cpu *cpu = &host->cpus[host->n_cpus++];
		*cpu = vn_host_cpu_init((unsigned)id);
		cpu->online = true;
	}
	return 0;
}

static int read_host(struct reader *r, const char *text)
{
	r->host->source = vn_format("numactl:%s", r->file);
	if (!r->host->source || !r->cpus || read_lines(r, text) < 0)
		return vn_error_environment(r->err, -ENOMEM, "out of memory");
	check_available(r);
	check_nodes(r);
	check_distances(r);
	if (r->problems > MAX_PROBLEMS) {
		struct vn_where where = {r->file, 0, NULL};
		vn_error_input(r->err, &where, "%zu more problems", r->problems - MAX_PROBLEMS);
	}
	if (r->problems)
		return -EINVAL;
	if (take_distances(r) < 0 || take_cpus(r) < 0)
		return vn_error_environment(r->err, -ENOMEM, "out of memory");
	return vn_host_finish(r->host, r->err);
}

int vn_discover_numactl(const char *text, const char *file, struct vn_host **ret_host, struct vn_error *err)
{
	vn_autofree struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	r->file = file;
	r->err = err;
	r->host = vn_host_new();
	r->cpus = hwloc_bitmap_alloc();
	int status = r->host ? read_host(r, text) : vn_error_environment(err, -ENOMEM, "out of memory");
	if (status == 0)
		*ret_host = vn_steal(r->host);
	reader_clear(r);
	return status;
}
