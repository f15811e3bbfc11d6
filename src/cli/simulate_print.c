/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "../base/text.h"
#include "../emit/plot_svg.h"
#include "simulate.h"

static uint64_t share(uint64_t part, uint64_t whole, uint64_t scale)
{
	return whole ? (part * scale + whole / 2) / whole : 0;
}

/* ---- text ---- */

static const char *gib(uint64_t mib, char buffer[static VN_SIZE_TEXT])
{
	return vn_size_text(mib * VN_MIB, buffer);
}

static void print_head(const struct vn_simulation *s, FILE *out)
{
	char memory[VN_SIZE_TEXT], median[VN_SIZE_TEXT];

	fprintf(out,
		"host    %zu node%s, %" PRIu64 " cores, %s, as if nothing ran on it; at most %" PRIu64
		" vCPUs (%u.%02u a core)\n",
		s->stock->n, s->stock->n == 1 ? "" : "s", s->stock->cores, gib(s->stock->mib, memory),
		vn_replay_limit(s->stock, s->overcommit), s->overcommit / 100, s->overcommit % 100);
	fprintf(out,
		"trace   %s; %zu guests arrive, half of them with up to %u vCPUs, half with up to %s\n\n",
		s->source, s->trace->n_guests, s->trace->median_vcpus, gib(s->trace->median_mib, median));
}

static void print_row(const struct vn_simulation *s, size_t k, FILE *out)
{
	const struct vn_replay *r = &s->replays[k];
	char stranded[VN_SIZE_TEXT], left[VN_SIZE_TEXT];
	uint64_t guests = share(r->accepted, r->arrivals, 10000), time = (r->accepted_time + 50) / 100;

	fprintf(out,
		"%-13s %8zu %5" PRIu64 ".%02" PRIu64 " %% %7" PRIu64 ".%02" PRIu64 " %% %6" PRIu64
		".%03" PRIu64 " %6" PRIu64 ".%03" PRIu64 " %7" PRIu64 ".%03" PRIu64 " %5" PRIu64
		" %10s %9s %6d\n",
		r->rule->name, r->accepted, guests / 100, guests % 100, time / 100, time % 100,
		r->distance / 1000, r->distance % 1000, s->common[k] / 1000, s->common[k] % 1000,
		r->squeeze_mean / 1000, r->squeeze_mean % 1000, r->squeeze_max,
		gib(r->stranded_mean, stranded), gib(r->free_mean, left), 0);
}

static void print_times(const struct vn_simulation *s, FILE *out)
{
	fprintf(out, "\n%-13s %12s %12s %12s\n", "planning", "median", "99%", "total");
	for (size_t k = 0; k < s->n; k++) {
		const struct vn_replay *r = &s->replays[k];
		fprintf(out, "%-13s %9.1f us %9.1f us %10.2f s\n", r->rule->name, (double)r->p50_ns / 1e3,
			(double)r->p99_ns / 1e3, (double)r->total_ns / 1e9);
		if (r->unproven)
			fprintf(out,
				"%-13s %zu of its plans were not proven best in time: another run may differ\n",
				"", r->unproven);
	}
}

void vn_simulation_print(const struct vn_simulation *s, FILE *out)
{
	print_head(s, out);
	fprintf(out, "%-13s %17s %12s %10s %10s %11s %5s %10s %9s %6s\n", "policy", "guests accepted",
		"vCPU time", "distance", "in common", "squeeze", "most", "stranded", "free", "moves");
	for (size_t k = 0; k < s->n; k++)
		print_row(s, k, out);
	fprintf(out,
		"\nvCPU time  of all that was asked for, the share that was accepted: guests weighted by vCPUs and time\n"
		"distance   mean access distance of accepted guests, weighted by vCPUs and time; 10 is local\n"
		"in common  the same over the %zu guests that every policy here accepted\n"
		"squeeze    vCPUs that shared a core: mean over time, and the most\n"
		"stranded   free memory on nodes that could not take the median guest whole, of all free: means over time\n"
		"moves      no policy moves a guest that runs\n",
		s->n_common);
	print_times(s, out);
}

/* ---- JSON ---- */

static json_t *thousandths(uint64_t value)
{
	return json_real((double)value / 1000);
}

static json_t *replay_to_json(const struct vn_simulation *s, size_t k)
{
	const struct vn_replay *r = &s->replays[k];

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:i}", "policy",
		r->rule->name, "arrivals", (json_int_t)r->arrivals, "accepted", (json_int_t)r->accepted,
		"rejected", (json_int_t)r->rejected, "rejected_by_limit", (json_int_t)r->rejected_by_limit,
		"acceptance", json_real((double)share(r->accepted, r->arrivals, 1000000) / 1e6),
		"acceptance_vcpu_time", json_real((double)r->accepted_time / 1e6), "mean_distance",
		thousandths(r->distance), "mean_distance_common", thousandths(s->common[k]), "squeeze_mean",
		thousandths(r->squeeze_mean), "squeeze_max", (json_int_t)r->squeeze_max, "stranded_mean",
		(json_int_t)r->stranded_mean * (json_int_t)VN_MIB, "free_mean",
		(json_int_t)r->free_mean * (json_int_t)VN_MIB, "moves", 0);
}

static json_t *time_to_json(const struct vn_replay *r)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I}", "policy", r->rule->name, "p50_ns",
		(json_int_t)r->p50_ns, "p99_ns", (json_int_t)r->p99_ns, "total_ns", (json_int_t)r->total_ns,
		"unproven", (json_int_t)r->unproven);
}

json_t *vn_simulation_to_json(const struct vn_simulation *s)
{
	json_t *policies = json_array(), *times = json_array();
	const struct vn_trace *trace = s->trace;

	for (size_t k = 0; k < s->n; k++) {
		json_array_append_new(policies, replay_to_json(s, k));
		json_array_append_new(times, time_to_json(&s->replays[k]));
	}
	return json_pack("{s:s, s:{s:I, s:I, s:I, s:I}, s:{s:s, s:I, s:I, s:i, s:I}, s:o, s:I, s:o, s:o}",
		"schema", "vnuma.simulate/1", "host", "nodes", (json_int_t)s->stock->n, "cores",
		(json_int_t)s->stock->cores, "memory", (json_int_t)s->stock->mib * (json_int_t)VN_MIB,
		"vcpus_at_most", (json_int_t)vn_replay_limit(s->stock, s->overcommit), "trace", "source",
		s->source, "events", (json_int_t)trace->n_events, "guests", (json_int_t)trace->n_guests,
		"median_vcpus", (int)trace->median_vcpus, "median_memory",
		(json_int_t)trace->median_mib * (json_int_t)VN_MIB, "overcommit",
		json_real(s->overcommit / 100.0), "accepted_by_all", (json_int_t)s->n_common, "policies",
		policies, "timing", times);
}

/* ---- CSV ---- */

int vn_simulation_print_csv(const void *simulation, FILE *out)
{
	const struct vn_simulation *s = simulation;

	fputs("event,time,policy,guests,accepted,rejected,mean_distance,squeeze,free_mib,stranded_mib\n",
		out);
	for (size_t k = 0; k < s->n; k++) {
		for (size_t i = 0; i < s->replays[k].n_samples; i++) {
			const struct vn_replay_sample *p = &s->replays[k].samples[i];
			fprintf(out,
				"%zu,%" PRIu64 ",%s,%zu,%zu,%zu,%" PRIu64 ".%03" PRIu64 ",%" PRIu64
				",%" PRIu64 ",%" PRIu64 "\n",
				p->event, p->time, s->replays[k].rule->name, p->guests, p->accepted,
				p->rejected, p->distance / 1000, p->distance % 1000, p->squeeze, p->free,
				p->stranded);
		}
	}
	return 0;
}

/* ---- plot ---- */

enum { ACCEPTANCE, DISTANCE, SQUEEZE, STRANDED, PANELS };

/* Thousandths of the panel's unit. */
static uint64_t value_of(const struct vn_replay_sample *p, int panel)
{
	switch (panel) {
	case ACCEPTANCE:
		return share(p->accepted, p->accepted + p->rejected, 100000);
	case DISTANCE:
		return p->distance_mean ? p->distance_mean : 10000; /* nobody was there: nobody is far */
	case SQUEEZE:
		return p->squeeze_mean;
	default:
		return p->stranded_mean * 1000 / 1024;
	}
}

static int fill_line(
	const struct vn_replay *replay, int panel, struct vn_plot_line *line, uint64_t **ret_values)
{
	uint64_t *values = calloc(2 * replay->n_samples + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < replay->n_samples; i++) {
		values[i] = replay->samples[i].time;
		values[replay->n_samples + i] = value_of(&replay->samples[i], panel);
	}
	*line = (struct vn_plot_line){replay->n_samples, values, values + replay->n_samples};
	*ret_values = values;
	return 0;
}

int vn_simulation_print_svg(const void *simulation, FILE *out)
{
	const struct vn_simulation *s = simulation;
	struct vn_plot_line lines[PANELS][VN_SIMULATE_RULES];
	uint64_t *values[PANELS][VN_SIMULATE_RULES] = {{NULL}};
	const char *names[VN_SIMULATE_RULES];
	struct vn_plot_panel panels[PANELS] = {
		{"Guests accepted", "percent of all that arrived so far", lines[ACCEPTANCE]},
		{"Mean access distance", "mean so far, weighted by vCPUs; 10 is local", lines[DISTANCE]},
		{"Squeeze", "vCPUs that share a core, mean so far", lines[SQUEEZE]},
		{"Stranded memory", "GiB free where the median guest does not fit, mean so far",
			lines[STRANDED]}};
	char memory[VN_SIZE_TEXT];
	int r = 0;

	for (size_t k = 0; k < s->n; k++) {
		names[k] = s->replays[k].rule->name;
		for (int p = 0; p < PANELS && r == 0; p++)
			r = fill_line(&s->replays[k], p, &lines[p][k], &values[p][k]);
	}
	vn_autofree char *title = vn_format("%zu guests on %zu nodes, %" PRIu64 " cores, %s",
		s->trace->n_guests, s->stock->n, s->stock->cores, gib(s->stock->mib, memory));
	vn_autofree char *subtitle = vn_format("host: %s; trace: %s; at most %u.%02u vCPUs a core",
		s->host->source ? s->host->source : "?", s->source, s->overcommit / 100, s->overcommit % 100);
	if (!title || !subtitle)
		r = -ENOMEM;
	if (r == 0)
		r = vn_plot_print_svg(&(struct vn_plot){title, subtitle, s->n, names, PANELS, panels}, out);
	for (size_t k = 0; k < s->n; k++) {
		for (int p = 0; p < PANELS; p++)
			free(values[p][k]);
	}
	return r;
}
