/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: one pass over the lines. A line is split at commas into fields that keep their place, so that a missing
 * one is told by name; no quoting, as no field can hold a comma. Who is there is kept in a table by name (jansson's object, a
 * hash table that does not mind a million of them). A wrong line adds its problem and is left out, and reading goes on; the trace
 * is handed out only when there was none.
 */
#include "trace.h"

#include <jansson.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define MAX_PROBLEMS 20
#define FIELDS 6 /* time,event,name,vcpus,memory_mib,vnodes */

static const char header[] = "time,event,name,vcpus,memory_mib";

struct reader {
	const char *file;
	unsigned line;
	struct vn_error *err;
	size_t problems;
	struct vn_trace *trace;
	json_t *present; /* name -> index of the guest */
	bool has_header, has_vnodes;
	uint64_t time; /* of the line before */
};

/* Problems above the limit are counted, and told of at the end. */
__attribute__((format(printf, 3, 4))) static int problem(
	struct reader *reader, const char *key, const char *format, ...)
{
	struct vn_where where = {reader->file, reader->line, key};
	va_list args;

	if (reader->problems++ >= MAX_PROBLEMS)
		return -EINVAL;
	va_start(args, format);
	int r = vn_error_input_list(reader->err, &where, format, args);
	va_end(args);
	return r;
}

static int out_of_memory(struct reader *reader)
{
	return vn_error_environment(reader->err, -ENOMEM, "out of memory");
}

/* A number of a field, from `min` on. */
static int read_field(
	struct reader *reader, const char *key, const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	char seen[VN_QUOTE_MAX];
	uint64_t number = 0;

	if (vn_parse_u64(text, max, &number) < 0 || number < min)
		return problem(reader, key, "'%s' seen; expected a whole number from %llu to %llu",
			vn_quote(text, seen), (unsigned long long)min, (unsigned long long)max);
	*ret = number;
	return 0;
}

/* As a guest's name in a config. */
static bool is_name(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
	size_t length = strlen(text);

	return length > 0 && length <= VN_NAME_MAX && strspn(text, allowed) == length &&
	       !strchr("._+-", text[0]);
}

/* Splits the line in place; a field that is not there is NULL. Returns how many there are, FIELDS + 1 for more. */
static size_t split(char *line, char *fields[static FIELDS])
{
	size_t n = 0;

	for (size_t i = 0; i < FIELDS; i++)
		fields[i] = NULL;
	for (char *at = line; at; n++) {
		if (n == FIELDS)
			return FIELDS + 1;
		char *comma = strchr(at, ',');
		if (comma)
			*comma++ = '\0';
		fields[n] = at;
		at = comma;
	}
	return n;
}

static int read_header(struct reader *reader, const char *line)
{
	size_t length = strlen(header);
	char seen[VN_QUOTE_MAX];

	reader->has_header = true; /* one complaint is enough */
	if (strncmp(line, header, length) == 0 &&
		(line[length] == '\0' || strcmp(line + length, ",vnodes") == 0)) {
		reader->has_vnodes = line[length] != '\0';
		return 0;
	}
	return problem(reader, NULL, "'%s' seen; expected the header '%s' or '%s,vnodes'",
		vn_quote(line, seen), header, header);
}

static int arrive(struct reader *reader, char *const fields[static FIELDS], uint64_t time)
{
	uint64_t vcpus = 0, mib = 0, vnodes = 0;
	uint32_t index = 0;
	const char *told = fields[5];

	if (json_object_get(reader->present, fields[2]))
		return problem(reader, "name", "'%s' arrives, and is here already", fields[2]);
	int bad = read_field(reader, "vcpus", fields[3] ? fields[3] : "", 1, VN_MAX_VCPUS, &vcpus);
	bad |= read_field(reader, "memory_mib", fields[4] ? fields[4] : "", 1, VN_MAX_MEMORY / VN_MIB, &mib);
	if (told && *told && bad == 0) {
		uint64_t most = vcpus < VN_MAX_VNODES ? vcpus : VN_MAX_VNODES;
		bad = read_field(reader, "vnodes", told, 1, mib < most ? mib : most, &vnodes);
	}
	if (bad)
		return -EINVAL;
	struct vn_trace_guest guest = {
		.vcpus = (unsigned)vcpus, .mib = mib, .vnodes = (unsigned)vnodes, .vnodes_told = vnodes > 0};
	int r = vn_trace_arrive(reader->trace, time, &guest, &index);
	if (r == -E2BIG)
		return problem(reader, NULL, "more than %u events; expected fewer", VN_TRACE_EVENTS_MAX);
	if (r < 0 || json_object_set_new(reader->present, fields[2], json_integer(index)) < 0)
		return out_of_memory(reader);
	return 0;
}

static int depart(struct reader *reader, char *const fields[static FIELDS], uint64_t time)
{
	static const char *const names[FIELDS] = {[3] = "vcpus", [4] = "memory_mib", [5] = "vnodes"};
	const json_t *index = json_object_get(reader->present, fields[2]);
	int bad = 0;

	for (size_t i = 3; i < FIELDS; i++) {
		char seen[VN_QUOTE_MAX];
		if (fields[i] && *fields[i])
			bad = problem(reader, names[i], "'%s' seen; expected nothing, as the guest departs",
				vn_quote(fields[i], seen));
	}
	if (!index)
		return problem(reader, "name", "'%s' departs, and is not here", fields[2]);
	if (bad)
		return bad;
	int r = vn_trace_depart(reader->trace, time, (uint32_t)json_integer_value(index));
	if (r == -E2BIG)
		return problem(reader, NULL, "more than %u events; expected fewer", VN_TRACE_EVENTS_MAX);
	if (r < 0)
		return out_of_memory(reader);
	json_object_del(reader->present, fields[2]);
	return 0;
}

static int read_line(struct reader *reader, char *line)
{
	char *fields[FIELDS], seen[VN_QUOTE_MAX];
	uint64_t time = reader->time;
	size_t n = split(line, fields), most = reader->has_vnodes ? FIELDS : FIELDS - 1;

	if (n > most || n < 3)
		return problem(reader, NULL, "%s%zu fields; expected %zu, as in the header, or 3 to depart",
			n > FIELDS ? "more than " : "", n > FIELDS ? (size_t)FIELDS : n, most);
	int bad = read_field(reader, "time", fields[0], 0, VN_TRACE_TIME_MAX, &time);
	if (bad == 0 && time < reader->time)
		bad = problem(reader, "time",
			"%llu seen; expected at least %llu, the time of the event before",
			(unsigned long long)time, (unsigned long long)reader->time);
	reader->time = time > reader->time ? time : reader->time;
	bool arrives = strcmp(fields[1], "arrive") == 0;
	if (!arrives && strcmp(fields[1], "depart") != 0)
		bad = problem(
			reader, "event", "'%s' seen; expected arrive or depart", vn_quote(fields[1], seen));
	if (!is_name(fields[2]))
		bad = problem(reader, "name",
			"'%s' seen; expected up to %d letters, digits, '.', '_', '+', '-', a letter or digit first",
			vn_quote(fields[2], seen), VN_NAME_MAX);
	if (bad)
		return bad;
	return arrives ? arrive(reader, fields, time) : depart(reader, fields, time);
}

/* 0, or a negative errno other than -EINVAL, with which reading ends. */
static int read_lines(struct reader *reader, char *text)
{
	for (char *line = text, *end; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		size_t length = strlen(line);
		if (length && line[length - 1] == '\r')
			line[length - 1] = '\0';
		reader->line++;
		if (*line == '\0' || *line == '#')
			continue;
		int r = reader->has_header ? read_line(reader, line) : read_header(reader, line);
		if (r < 0 && r != -EINVAL)
			return r;
	}
	return 0;
}

int vn_trace_parse(const char *text, const char *file, struct vn_trace **ret_trace, struct vn_error *err)
{
	vn_autotrace *trace = vn_trace_new();
	vn_autofree char *copy = strdup(text);
	struct reader reader = {.file = file, .err = err, .trace = trace, .present = json_object()};

	int r = trace && copy && reader.present ? read_lines(&reader, copy) : out_of_memory(&reader);
	json_decref(reader.present);
	if (r < 0)
		return r;
	reader.line = 0;
	if (reader.problems == 0 && trace->n_guests == 0)
		problem(&reader, NULL, "no guest arrives; expected at least one");
	if (reader.problems > MAX_PROBLEMS)
		vn_error_input(err, &(struct vn_where){file, 0, NULL}, "%zu more problems are not listed",
			reader.problems - MAX_PROBLEMS);
	if (reader.problems)
		return -EINVAL;
	*ret_trace = vn_steal(trace);
	return 0;
}
