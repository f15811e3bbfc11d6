/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../base/parse.h"
#include "../base/rootfs.h"
#include "../base/text.h"
#include "../simulate/synthetic.h"
#include "cli.h"
#include "simulate.h"

#define MAX_OVERCOMMIT 10000u /* hundredths */

struct request {
	uint64_t seed, n_events, load; /* of --synthetic; percent */
	const struct vn_rule *rule; /* NULL: all */
	unsigned overcommit;
};

static const char *shown(const char *word)
{
	return vn_text_is_printable(word) && strlen(word) <= 64 ? word : "a word too long or not printable";
}

static int read_synthetic(const char *word, struct request *request, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--synthetic"};
	const char *comma = strchr(word, ',');
	vn_autofree char *seed = comma ? strndup(word, (size_t)(comma - word)) : vn_copy("");
	uint64_t n = 0;

	if (!seed)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (vn_parse_u64(seed, UINT64_MAX, &request->seed) < 0 ||
		vn_parse_u64(comma + 1, VN_TRACE_EVENTS_MAX, &n) < 0 || n == 0)
		return vn_error_input(err, &where,
			"'%s' seen; expected SEED,N: two whole numbers, N from 1 to %u events", shown(word),
			VN_TRACE_EVENTS_MAX);
	request->n_events = n;
	return 0;
}

static int read_load(const char *word, bool synthetic, uint64_t *ret, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "--load"};

	if (!synthetic)
		return vn_error_input(err, &where, "only goes with --synthetic");
	if (vn_parse_u64(word, VN_TRACE_LOAD_MAX, ret) < 0 || *ret == 0)
		return vn_error_input(err, &where, "'%s' seen; expected 1 to %u percent of the host",
			shown(word), VN_TRACE_LOAD_MAX);
	return 0;
}

/* `1`, `1.5`, `2.25` in hundredths. */
static int read_overcommit(const char *word, unsigned *ret, struct vn_error *err)
{
	const char *point = strchr(word, '.');
	size_t digits = point ? strlen(point + 1) : 0;
	vn_autofree char *whole = strndup(word, point ? (size_t)(point - word) : strlen(word));
	uint64_t n = 0, rest = 0;

	if (!whole)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	bool ok = vn_parse_u64(whole, MAX_OVERCOMMIT / 100, &n) == 0 &&
		  (!point || (digits <= 2 && vn_parse_u64(point + 1, 99, &rest) == 0));
	uint64_t hundredths = n * 100 + (digits == 1 ? rest * 10 : rest);
	if (!ok || hundredths == 0 || hundredths > MAX_OVERCOMMIT)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "--overcommit"},
			"'%s' seen; expected vCPUs for each core, 0.01 to %u with at most two decimals",
			shown(word), MAX_OVERCOMMIT / 100);
	*ret = (unsigned)hundredths;
	return 0;
}

static int read_policy(const char *word, const struct vn_rule **ret, struct vn_error *err)
{
	if (strcmp(word, "all") == 0)
		return 0;
	for (size_t i = 0; vn_rules[i]; i++) {
		if (strcmp(word, vn_rules[i]->name) != 0)
			continue;
		*ret = vn_rules[i];
		return 0;
	}
	return vn_error_input(err, &(struct vn_where){NULL, 0, "--policy"},
		"'%s' seen; expected ours, first-fit, fewest-nodes, random or all", shown(word));
}

static int read_request(const struct vn_args *args, struct request *ret_request, struct vn_error *err)
{
	const char *trace = vn_arg(args, "trace"), *synthetic = vn_arg(args, "synthetic");
	const char *policy = vn_arg(args, "policy"), *overcommit = vn_arg(args, "overcommit");
	const char *csv = vn_arg(args, "csv"), *svg = vn_arg(args, "svg"), *load = vn_arg(args, "load");

	*ret_request = (struct request){.overcommit = 100, .seed = 1, .load = VN_TRACE_LOAD};
	if (trace && synthetic)
		vn_error_input(err, &(struct vn_where){NULL, 0, "--trace"},
			"contradicts --synthetic; expected one of them");
	if (!trace && !synthetic)
		vn_error_input(err, NULL, "no trace; expected --trace FILE or --synthetic SEED,N");
	if (csv && svg && strcmp(csv, svg) == 0)
		vn_error_input(err, &(struct vn_where){NULL, 0, "--csv"},
			"the same file as --svg; expected another");
	if (synthetic)
		read_synthetic(synthetic, ret_request, err);
	if (load)
		read_load(load, synthetic, &ret_request->load, err);
	if (overcommit)
		read_overcommit(overcommit, &ret_request->overcommit, err);
	if (policy)
		read_policy(policy, &ret_request->rule, err);
	return err->n ? -EINVAL : 0;
}

static int get_trace(const struct vn_args *args, const struct request *request, const struct vn_stock *stock,
	struct vn_trace **ret_trace, char **ret_source, struct vn_error *err)
{
	const char *file = vn_arg(args, "trace");
	vn_autofree char *text = NULL;
	vn_autotrace *trace = NULL;

	int r = file ? vn_file_read(file, VN_TRACE_FILE_MAX, &text, err) : 0;
	if (r == 0)
		r = file ? vn_trace_parse(text, shown(file), &trace, err)
			 : vn_trace_synthesize(
				   stock, request->seed, request->n_events, request->load, &trace, err);
	if (r != 0)
		return r;
	*ret_source = file ? vn_format("%s, %zu events", shown(file), trace->n_events)
			   : vn_format("made up from seed %llu, %zu events that ask for %llu %% of the host",
				     (unsigned long long)request->seed, trace->n_events,
				     (unsigned long long)request->load);
	if (!*ret_source || vn_trace_settle(trace, stock->most_mib, stock->most_cores) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_trace = vn_steal(trace);
	return 0;
}

static void simulation_clear(struct vn_simulation *simulation)
{
	for (size_t k = 0; k < simulation->n; k++)
		vn_replay_clear(&simulation->replays[k]);
}

static int replay_all(const struct request *request, struct vn_simulation *simulation, struct vn_error *err)
{
	struct vn_replay_options options = {.overcommit = request->overcommit, .seed = request->seed};

	for (size_t i = 0; vn_rules[i] && simulation->n < VN_SIMULATE_RULES; i++) {
		if (request->rule && request->rule != vn_rules[i])
			continue;
		int r = vn_replay(simulation->host, simulation->trace, vn_rules[i], &options,
			&simulation->replays[simulation->n], err);
		if (r < 0)
			return r;
		simulation->n++;
	}
	simulation->n_common =
		vn_replay_common(simulation->trace, simulation->replays, simulation->n, simulation->common);
	return 0;
}

/* The files first: a table that was printed says that all went well. */
static int tell(const struct vn_args *args, const struct vn_simulation *simulation, struct vn_error *err)
{
	const char *csv = vn_arg(args, "csv"), *svg = vn_arg(args, "svg");
	bool taken = (csv && strcmp(csv, "-") == 0) || (svg && strcmp(svg, "-") == 0);
	int r = 0;

	if (taken && args->json)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "--json"},
			"contradicts a file on standard output; expected one of them");
	if (csv)
		r = vn_write_whole("--csv", csv, vn_simulation_print_csv, simulation, err);
	if (svg && r == 0)
		r = vn_write_whole("--svg", svg, vn_simulation_print_svg, simulation, err);
	if (r < 0 || taken)
		return r;
	if (args->json)
		return vn_print_json(vn_simulation_to_json(simulation), err);
	vn_simulation_print(simulation, stdout);
	return VN_EXIT_DONE;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autohost *host = NULL;
	vn_autostock *stock = NULL;
	vn_autotrace *trace = NULL;
	vn_autofree char *source = NULL;
	struct request request;

	int bad = read_request(args, &request, err); /* all that is wrong, not the first */
	int r = vn_args_host(args, &host, err);
	if (bad < 0 || r < 0)
		return bad < 0 ? bad : r;
	vn_stock_empty_host(host);
	stock = vn_stock_new(host);
	if (!stock)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	r = get_trace(args, &request, stock, &trace, &source, err);
	if (r < 0)
		return r;
	vn_cleanup(simulation_clear) struct vn_simulation simulation = {.host = host,
		.stock = stock,
		.trace = trace,
		.source = source,
		.overcommit = request.overcommit};
	r = replay_all(&request, &simulation, err);
	return r < 0 ? r : tell(args, &simulation, err);
}

const struct vn_verb verb_simulate = {
	.name = "simulate",
	.operands = "",
	.summary = "guests that come and go, placed by vnuma's rule and by others'",
	.details =
		"Replays a trace of guests on a host as if nothing ran there, once for each policy: ours, first-fit (OpenStack\n"
		"Nova's rule), fewest-nodes (libxl's), random; and tells how many guests had a place, how far their memory was,\n"
		"how many vCPUs shared a core. Nothing is started or changed. docs/simulate.md tells what is counted how.\n"
		"A trace FILE is CSV with the header 'time,event,name,vcpus,memory_mib[,vnodes]', event arrive or depart, time in\n"
		"seconds.",
	.options =
		{{"host", "SRC",
			 "the host ('vnuma help topology' lists sources); live is the default, taken as empty"},
			{"trace", "FILE", "who arrives and departs"},
			{"synthetic", "SEED,N",
				"N made-up events instead, the same for the same seed and host"},
			{"load", "PERCENT",
				"how much of the host they ask for on average; 110 is the default"},
			{"policy", "NAME", "ours, first-fit, fewest-nodes, random or all (the default)",
				.values = "ours first-fit fewest-nodes random all"},
			{"overcommit", "X",
				"vCPUs that the host takes for each of its cores; 1 is the default"},
			{"csv", "FILE", "how things stood, at most 1000 rows a policy (-: standard output)"},
			{"svg", "FILE", "the same as a plot (-: standard output)"}},
	.run = run,
};
