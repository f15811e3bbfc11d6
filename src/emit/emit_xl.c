/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the text is split by the very reader that read it, so each key is known with where it stands. Keys are
 * then gone through in order: what is between them is copied, a key that Xen is to be told has its value replaced, a key of a
 * dialect that is not Xen's is taken out with its line. What Xen must be told and nobody wrote yet comes at the end. Devices lose the
 * settings that xl does not know (emit_xl_devices.c); carriage returns go, as its lexer has no name for them
 * (tools/libs/util/libxlu_cfg_l.l).
 *
 * What Xen wants: xl.cfg(5); that only HVM guests have vNUMA, that sizes sum to maxmem, that there are as many vdistances as
 * vnodes: libxl (tools/libs/light/libxl_vnuma.c) and tools/xl/xl_parse.c (parse_vnuma_config), Xen 4.17.
 */
#define _GNU_SOURCE
#include "emit_xl.h"

#include <string.h>

#include "../base/text.h"
#include "emit_xl_part.h"

/* Keys of the dialects that Xen does not know: told in Xen's own words now. Other keys of ours stay, xl passes them over, and the
 * next plan wants them. */
static const char *const replaced[] = {"vnodes", "vnumamem", "vnumamem_min", "vnumamem_max", "vdistance",
	"vnuma_vcpumap", "vnuma_vnodemap", "vnuma_hmat", "vnode", "vcpu", NULL};

/* What Xen is told, in this order where it is new. */
enum setting { MEMORY, MAXMEM, VCPUS, MAXVCPUS, TYPE, CPUS, CPU_WEIGHT, VNUMA, N_SETTINGS };
static const char *const keys[N_SETTINGS] = {
	"memory", "maxmem", "vcpus", "maxvcpus", "type", "cpus", "cpu_weight", "vnuma"};

struct writer {
	struct vn_xl_job job;
	struct vn_cfg cfg; /* of the job; owned */
	FILE *out;
	char *values[N_SETTINGS]; /* owned; NULL: is not to be told */
	bool told[N_SETTINGS];
};

static void writer_clear(struct writer *w)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		free(w->values[i]);
	vn_cfg_clear(&w->cfg);
	if (w->out)
		fclose(w->out);
}

/* ---- values ---- */

static void print_set(FILE *out, hwloc_const_bitmap_t set)
{
	vn_autofree char *text = vn_set_text(set);

	fputs(text ? text : "", out);
}

static void print_vnode(const struct writer *w, size_t v, FILE *out)
{
	const struct vn_vnode *vnode = &w->job.guest->vnodes[v];

	fprintf(out, "%s[\"pnode=%u\", \"size=%llu\"", v ? ",\n          " : " ", w->job.plan->homes[v],
		(unsigned long long)(vnode->memory / VN_MIB));
	if (!hwloc_bitmap_iszero(vnode->vcpus)) {
		fputs(", \"vcpus=", out);
		print_set(out, vnode->vcpus);
		putc('"', out);
	}
	fputs(", \"vdistances=", out);
	for (size_t j = 0; j < w->job.guest->n_vnodes; j++)
		fprintf(out, "%s%u", j ? "," : "", vnode->distances[j]);
	fputs("\"]", out);
}

static void print_vnuma(const struct writer *w, FILE *out)
{
	putc('[', out);
	for (size_t v = 0; v < w->job.guest->n_vnodes; v++)
		print_vnode(w, v, out);
	fputs(" ]", out);
}

/* A list with the CPUs of each vCPU; wrapped, as a guest may have hundreds. */
static void print_cpus(const struct writer *w, FILE *out)
{
	putc('[', out);
	for (unsigned i = 0; i < w->job.plan->n_vcpus; i++) {
		fputs(i == 0 ? " \"" : i % 8 == 0 ? ",\n          \"" : ", \"", out);
		print_set(out, w->job.plan->vcpu_cpus[i]);
		putc('"', out);
	}
	fputs(" ]", out);
}

static char *print_value(const struct writer *w, void (*print)(const struct writer *, FILE *))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print(w, out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Whether the text itself makes it an HVM guest, or another: without a word of it xl's guests are PV. */
static bool has_type(const struct vn_xl_job *job)
{
	return vn_cfg_find(job->cfg, "builder") || vn_cfg_find(job->cfg, vn_xl_type_key(job->target));
}

/* The type of a guest that was no config: without a word xl makes a PV guest of it, which a domain asks for as "linux" or "xen". An own
 * config has what it has, unless it is to have vNUMA, which PV guests cannot. */
static const char *type_of(const struct vn_xl_job *job)
{
	const char *os = job->guest->machine.os;

	if (job->own || job->guest->form == VN_FORM_NONE)
		return job->vnodes ? "\"hvm\"" : NULL;
	if (!os)
		return "\"hvm\"";
	return strcmp(os, "xenpvh") == 0 && job->target->version >= VN_TARGET_VERSION(4, 10, 0) ? "\"pvh\""
												: NULL;
}

static int make_values(struct writer *w)
{
	const struct vn_guest *guest = w->job.guest;
	uint64_t all = guest->memory / VN_MIB;
	bool vnodes = w->job.vnodes, weight = vn_cfg_find(w->job.cfg, "weight");
	uint64_t most = vnodes ? all : guest->maxmem / VN_MIB; /* with vNUMA both are the sum of its sizes */

	w->values[MEMORY] = vn_format("%llu", (unsigned long long)all);
	w->values[MAXMEM] = vn_format("%llu", (unsigned long long)most);
	w->values[VCPUS] = vn_format("%u", guest->vcpus);
	w->values[MAXVCPUS] = vn_format("%u", guest->maxvcpus);
	w->values[CPUS] = print_value(w, print_cpus);
	w->values[CPU_WEIGHT] = weight ? vn_format("%u", guest->weight) : NULL;
	const char *type = type_of(&w->job);
	w->told[TYPE] = has_type(&w->job) || !type;
	w->values[TYPE] = vn_copy(type ? type : "");
	w->values[VNUMA] = vnodes ? print_value(w, print_vnuma) : NULL;
	for (size_t i = 0; i < N_SETTINGS; i++) {
		bool wanted = i == VNUMA ? vnodes : i == CPU_WEIGHT ? weight : true;
		if (wanted && !w->values[i])
			return -ENOMEM;
	}
	return 0;
}

/* ---- text ---- */

static bool is_replaced(const char *key)
{
	for (size_t i = 0; replaced[i]; i++) {
		if (strcmp(key, replaced[i]) == 0)
			return true;
	}
	return false;
}

static enum setting setting_of(const char *key)
{
	size_t i = 0;

	while (i < N_SETTINGS && strcmp(key, keys[i]) != 0)
		i++;
	return (enum setting)i;
}

bool vn_xl_is_replaced(const char *key)
{
	enum setting setting = setting_of(key);

	return is_replaced(key) || (setting < N_SETTINGS && setting != TYPE);
}

/* Whether two settings are told the same. */
static bool is_value(const struct writer *w, enum setting i, enum setting other)
{
	return w->values[i] && w->values[other] && strcmp(w->values[i], w->values[other]) == 0;
}

/* What is new: all that was not in the config. maxvcpus and maxmem only where they say more than vcpus and memory. */
static void print_missing(struct writer *w)
{
	for (size_t i = 0; i < N_SETTINGS; i++) {
		bool needless = (i == MAXVCPUS && is_value(w, MAXVCPUS, VCPUS)) ||
				(i == MAXMEM && is_value(w, MAXMEM, MEMORY));
		if (w->told[i] || !w->values[i] || needless)
			continue;
		fprintf(w->out, "%s = %s\n", i == TYPE ? vn_xl_type_key(w->job.target) : keys[i],
			w->values[i]);
		w->told[i] = true;
	}
}

/* Whether only blanks stand before a place in its line. */
static bool begins_line(const char *text, size_t at)
{
	while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t'))
		at--;
	return at == 0 || text[at - 1] == '\n';
}

/* Behind an entry and what is blank after it, its line's end too if nothing else is there. */
static size_t skip_entry(const char *text, const struct vn_cfg_entry *entry)
{
	size_t end = entry->end;

	while (text[end] == ' ' || text[end] == '\t' || text[end] == '\r')
		end++;
	if (!begins_line(text, entry->begin))
		return entry->end;
	return text[end] == '\n' ? end + 1 : text[end] ? entry->end : end;
}

/* Whether an entry says what `value` says: then it stays as it was written. */
static bool says_same(const char *text, const struct vn_cfg_entry *entry, const char *value)
{
	size_t n = entry->value.end - entry->value.begin;

	if (entry->value.type == VN_CFG_LIST || !entry->value.text)
		return strlen(value) == n && memcmp(text + entry->value.begin, value, n) == 0;
	size_t quoted = *value == '"', length = strlen(value) - 2 * quoted;
	return strlen(entry->value.text) == length && memcmp(entry->value.text, value + quoted, length) == 0;
}

/* Carriage returns are blanks outside of comments, as strings have none. */
void vn_xl_copy(const struct vn_xl_job *job, size_t from, size_t to, FILE *out)
{
	for (size_t i = from; i < to; i++) {
		if (job->text[i] != '\r')
			putc(job->text[i], out);
	}
}

/* That there is to be one vnode: xl passes it over, and without it the next plan might make several, which end the guest's migration. */
static bool is_wish_for_one(const struct vn_xl_job *job, const struct vn_cfg_entry *entry)
{
	return !job->vnodes && (strcmp(entry->key, "vnodes") == 0 || strcmp(entry->key, "vnode") == 0) &&
	       entry->value.type == VN_CFG_NUMBER && entry->value.number == 1;
}

/* One entry, of which all before *at is written. */
static void write_entry(struct writer *w, const struct vn_cfg_entry *entry, size_t *at)
{
	enum setting setting = setting_of(entry->key);
	const char *value = setting < N_SETTINGS ? w->values[setting] : NULL;

	if (setting == TYPE || (setting == CPU_WEIGHT && !value) || is_wish_for_one(&w->job, entry))
		return;
	if (setting == N_SETTINGS && !is_replaced(entry->key)) {
		vn_xl_copy(&w->job, *at, entry->value.begin, w->out);
		*at = vn_xl_write_devices(&w->job, entry, w->out) ? entry->value.end : entry->value.begin;
		return;
	}
	vn_xl_copy(&w->job, *at, entry->begin, w->out);
	*at = entry->begin;
	if (value && says_same(w->job.text, entry, value)) {
		w->told[setting] = true;
	} else if (value) {
		vn_xl_copy(&w->job, *at, entry->value.begin, w->out);
		fputs(value, w->out);
		*at = entry->value.end;
		w->told[setting] = true;
	} else {
		*at = skip_entry(w->job.text, entry);
	}
}

static void write_entries(struct writer *w)
{
	size_t at = 0, size = w->job.size;

	for (size_t i = 0; i < w->job.cfg->n; i++)
		write_entry(w, &w->job.cfg->entries[i], &at);
	vn_xl_copy(&w->job, at, size, w->out);
	if (size > 0 && w->job.text[size - 1] != '\n')
		putc('\n', w->out);
	print_missing(w);
}

/* ---- all of it ---- */

static int write_all(struct writer *w, struct vn_notes *notes, struct vn_error *err)
{
	struct vn_xl_job *job = &w->job;

	int r = vn_cfg_parse(job->text, job->guest->file, &w->cfg, err);
	if (r < 0)
		return r;
	/* One vnode is what every guest has: `vnuma` would tell it nothing, and take its migration away. */
	job->cfg = &w->cfg;
	job->vnodes = job->guest->guest_numa != VN_GUEST_NUMA_OFF &&
		      (job->guest->n_vnodes > 1 || vn_cfg_find(job->cfg, "vnuma"));
	r = vn_xl_check(job, err);
	if (r < 0)
		return r;
	if (make_values(w) < 0 || vn_xl_note_devices(job, notes) < 0 || vn_xl_note_losses(job, notes) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	write_entries(w);
	return 0;
}

int vn_emit_xl(const struct vn_plan *plan, const struct vn_guest *guest, const struct vn_target *target,
	struct vn_notes *notes, char **ret_text, struct vn_error *err)
{
	vn_cleanup(writer_clear) struct writer w = {.job = {.plan = plan, .guest = guest, .target = target}};
	bool own = guest->form == VN_FORM_CFG && guest->text;
	vn_autofree char *made = NULL, *text = NULL;
	size_t size = 0;

	if (!plan->feasible)
		return vn_error_input(err, NULL, "there is no plan to write");
	int r = own ? 0 : vn_xl_make_config(guest, &made, err);
	if (r < 0)
		return r;
	w.out = open_memstream(&text, &size);
	if (!w.out)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	w.job.own = own;
	w.job.text = own ? guest->text : made;
	w.job.size = own ? guest->text_size : strlen(made);
	r = write_all(&w, notes, err);
	bool good = fclose(w.out) == 0;
	w.out = NULL;
	if (r < 0)
		return r;
	if (!good)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_text = vn_steal(text);
	return 0;
}
