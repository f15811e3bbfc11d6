/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the text is split by the very reader that read it, so each key is known with where it stands. Keys are
 * then gone through in order: what is between them is copied, a key that Xen is to be told has its value replaced, a key of a
 * dialect that is not Xen's is taken out with its line. What Xen must be told and nobody wrote yet comes at the end.
 *
 * What Xen wants: xl.cfg(5); that only HVM guests have vNUMA, that sizes sum to maxmem, that there are as many vdistances as
 * vnodes: libxl (tools/libs/light/libxl_vnuma.c) and tools/xl/xl_parse.c (parse_vnuma_config), Xen 4.17.
 */
#define _GNU_SOURCE
#include "emit_xl.h"

#include <string.h>

#include "../base/cfg.h"
#include "../base/text.h"

/* Keys of the dialects that Xen does not know: told in Xen's own words now. Other keys of ours stay, xl passes them over, and the
 * next plan wants them. */
static const char *const replaced[] = {
	"vnodes", "vnumamem", "vdistance", "vnuma_vcpumap", "vnuma_vnodemap", "vnode", "vcpu", NULL};

/* What Xen is told, in this order where it is new. */
enum setting { MEMORY, MAXMEM, VCPUS, MAXVCPUS, TYPE, CPUS, VNUMA, N_SETTINGS };
static const char *const keys[N_SETTINGS] = {
	"memory", "maxmem", "vcpus", "maxvcpus", "type", "cpus", "vnuma"};

struct writer {
	const struct vn_plan *plan;
	const struct vn_guest *guest;
	FILE *out;
	char *values[N_SETTINGS]; /* owned; NULL: is not to be told */
	bool told[N_SETTINGS];
	bool vnodes; /* it is told of them */
};

static void writer_clear(struct writer *w)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		free(w->values[i]);
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
	const struct vn_vnode *vnode = &w->guest->vnodes[v];

	fprintf(out, "%s[\"pnode=%u\", \"size=%llu\"", v ? ",\n          " : " ", w->plan->homes[v],
		(unsigned long long)(vnode->memory / VN_MIB));
	if (!hwloc_bitmap_iszero(vnode->vcpus)) {
		fputs(", \"vcpus=", out);
		print_set(out, vnode->vcpus);
		putc('"', out);
	}
	fputs(", \"vdistances=", out);
	for (size_t j = 0; j < w->guest->n_vnodes; j++)
		fprintf(out, "%s%u", j ? "," : "", vnode->distances[j]);
	fputs("\"]", out);
}

static void print_vnuma(const struct writer *w, FILE *out)
{
	putc('[', out);
	for (size_t v = 0; v < w->guest->n_vnodes; v++)
		print_vnode(w, v, out);
	fputs(" ]", out);
}

/* A list with the CPUs of each vCPU; wrapped, as a guest may have hundreds. */
static void print_cpus(const struct writer *w, FILE *out)
{
	putc('[', out);
	for (unsigned i = 0; i < w->plan->n_vcpus; i++) {
		fputs(i == 0 ? " \"" : i % 8 == 0 ? ",\n          \"" : ", \"", out);
		print_set(out, w->plan->vcpu_cpus[i]);
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

static int make_values(struct writer *w, bool has_type)
{
	const struct vn_guest *guest = w->guest;
	uint64_t all = guest->memory / VN_MIB;
	bool vnodes = w->vnodes;
	uint64_t most = vnodes ? all : guest->maxmem / VN_MIB; /* with vNUMA both are the sum of its sizes */

	w->values[MEMORY] = vn_format("%llu", (unsigned long long)all);
	w->values[MAXMEM] = vn_format("%llu", (unsigned long long)most);
	w->values[VCPUS] = vn_format("%u", guest->vcpus);
	w->values[MAXVCPUS] = vn_format("%u", guest->maxvcpus);
	w->values[CPUS] = print_value(w, print_cpus);
	w->told[TYPE] =
		has_type ||
		!vnodes; /* a guest without type is PV for xl, which cannot have vNUMA: check_type() */
	w->values[TYPE] = vn_copy("\"hvm\"");
	w->values[VNUMA] = vnodes ? print_value(w, print_vnuma) : NULL;
	for (size_t i = 0; i < VNUMA; i++) {
		if (!w->values[i])
			return -ENOMEM;
	}
	return vnodes && !w->values[VNUMA] ? -ENOMEM : 0;
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
		fprintf(w->out, "%s = %s\n", keys[i], w->values[i]);
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
	size_t n = entry->value_end - entry->value_begin;

	if (entry->value.type == VN_CFG_LIST || !entry->value.text)
		return strlen(value) == n && memcmp(text + entry->value_begin, value, n) == 0;
	size_t quoted = *value == '"', length = strlen(value) - 2 * quoted;
	return strlen(entry->value.text) == length && memcmp(entry->value.text, value + quoted, length) == 0;
}

static void write_entries(struct writer *w, const char *text, size_t size, const struct vn_cfg *cfg)
{
	size_t at = 0;

	for (size_t i = 0; i < cfg->n; i++) {
		const struct vn_cfg_entry *entry = &cfg->entries[i];
		enum setting setting = setting_of(entry->key);
		const char *value = setting < N_SETTINGS ? w->values[setting] : NULL;
		if (setting == TYPE || (setting == N_SETTINGS && !is_replaced(entry->key)))
			continue;
		fwrite(text + at, 1, entry->begin - at, w->out);
		at = entry->begin;
		if (value && says_same(text, entry, value)) {
			w->told[setting] = true;
		} else if (value) {
			fwrite(text + at, 1, entry->value_begin - at, w->out);
			fputs(value, w->out);
			at = entry->value_end;
			w->told[setting] = true;
		} else {
			at = skip_entry(text, entry);
		}
	}
	fwrite(text + at, 1, size - at, w->out);
	if (size > 0 && text[size - 1] != '\n')
		putc('\n', w->out);
	print_missing(w);
}

/* ---- a guest that was no config ---- */

/* Inside double quotes. A backslash escapes in both kinds of quotes: tools/libs/util/libxlu_cfg.c (xlu__cfgl_dequote). */
static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
}

static void print_string(FILE *out, const char *key, const char *text)
{
	if (!text)
		return;
	fprintf(out, "%s = \"", key);
	print_escaped(out, text);
	fputs("\"\n", out);
}

/* a to z, then aa, ab, as Linux names disks (drivers/block/xen-blkfront.c, encode_disk_name()). */
static const char *disk_letters(size_t index, char letters[static 8])
{
	size_t at = 7;

	letters[at] = 0;
	for (size_t n = index + 1; n > 0 && at > 0; n = (n - 1) / 26)
		letters[--at] = (char)('a' + (n - 1) % 26);
	return letters + at;
}

static void print_disks(const struct vn_guest *guest, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < guest->n_disks; i++) {
		if (guest->disks[i].foreign)
			continue;
		fprintf(out, "%s\"format=%s,vdev=xvd%s,access=%s,target=", n++ ? ",\n         " : "disk = [ ",
			guest->disks[i].format, disk_letters(i, (char[8]){0}),
			guest->disks[i].readonly ? "ro" : "rw");
		print_escaped(out, guest->disks[i].path);
		putc('"', out);
	}
	fputs(n ? " ]\n" : "", out);
}

static void print_vifs(const struct vn_guest *guest, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < guest->n_vifs; i++) {
		const struct vn_vif *vif = &guest->vifs[i];
		if (vif->foreign)
			continue;
		fprintf(out, "%s\"", n++ ? ", " : "vif = [ ");
		if (*vif->mac)
			fprintf(out, "mac=%s%s", vif->mac, vif->bridge ? "," : "");
		if (vif->bridge)
			fprintf(out, "bridge=%s", vif->bridge);
		putc('"', out);
	}
	fputs(n ? " ]\n" : "", out);
}

static void print_pci(const struct vn_guest *guest, FILE *out)
{
	for (size_t i = 0; i < guest->n_hostdevs; i++)
		fprintf(out, "%s\"%s\"%s", i ? ", " : "pci = [ ", guest->hostdevs[i].address,
			i + 1 == guest->n_hostdevs ? " ]\n" : "");
}

/* What a config says beside its vnodes. */
static char *make_config(const struct vn_guest *guest)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_string(out, "name", guest->name);
	print_string(out, "uuid", guest->machine.uuid);
	print_string(out, "kernel", guest->kernel);
	print_string(out, "ramdisk", guest->ramdisk);
	print_string(out, "extra", guest->extra);
	print_disks(guest, out);
	print_vifs(guest, out);
	print_pci(guest, out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- all of it ---- */

static int note_losses(const struct writer *w, struct vn_notes *notes)
{
	const struct vn_guest *guest = w->guest;
	const struct vn_plan *plan = w->plan;
	int r = 0;

	for (size_t v = 0; v < guest->n_vnodes && r >= 0; v++) {
		if (vn_vnode_page(guest, v) == 0)
			continue;
		r = vn_notes_add(notes, "xl-hugepages",
			"xl.cfg has no key for huge pages: Xen takes the largest that it finds free, by itself");
		break;
	}
	if (r >= 0 && plan->cost.spill > 0)
		r = vn_notes_add(notes, "xl-spill",
			"a vnode of Xen's has one node only: Xen itself decides where the memory goes that its node has no room for");
	if (r >= 0 && (guest->threads > 1 || guest->topology.sockets > 1 || guest->topology.threads > 1))
		r = vn_notes_add(notes, "xl-threads",
			"xl.cfg has no keys for sockets, cores and threads: this guest is told of none");
	if (r >= 0 && guest->hmat)
		r = vn_notes_add(notes, "xl-hmat",
			"Xen has no HMAT for guests: latencies and bandwidths are not told");
	if (r >= 0 && w->vnodes)
		r = vn_notes_add(
			notes, "xl-no-migration", "Xen neither saves nor migrates a guest that has vnuma");
	return r;
}

/* Xen's words for the type of a guest: `type`, or `builder` where that is missing. Without either it is HVM, as we write then. */
static int check_type(const struct writer *w, const struct vn_cfg *cfg, struct vn_error *err)
{
	const struct vn_cfg_entry *type = vn_cfg_find(cfg, "type"), *builder = vn_cfg_find(cfg, "builder");
	const struct vn_cfg_entry *entry = type ? type : builder;

	if (!w->vnodes || !entry || !entry->value.text || strcmp(entry->value.text, "hvm") == 0)
		return 0;
	struct vn_where where = {w->guest->file, entry->line, entry->key};
	return vn_error_input(err, &where,
		"\"%s\" seen; expected \"hvm\", as Xen has vNUMA for no other guests (guest_numa = \"off\" is told of none)",
		entry->value.text);
}

static int write_all(struct writer *w, const char *text, size_t size, struct vn_error *err)
{
	vn_autocfg cfg = {0};

	int r = vn_cfg_parse(text, w->guest->file, &cfg, err);
	if (r < 0)
		return r;
	/* One vnode is what every guest has: `vnuma` would tell it nothing, and take its migration away. */
	w->vnodes = w->guest->guest_numa != VN_GUEST_NUMA_OFF &&
		    (w->guest->n_vnodes > 1 || vn_cfg_find(&cfg, "vnuma"));
	r = check_type(w, &cfg, err);
	if (r < 0)
		return r;
	r = make_values(w, vn_cfg_find(&cfg, "type") || vn_cfg_find(&cfg, "builder"));
	if (r < 0)
		return vn_error_environment(err, r, "out of memory");
	write_entries(w, text, size, &cfg);
	return 0;
}

int vn_emit_xl(const struct vn_plan *plan, const struct vn_guest *guest, struct vn_notes *notes,
	char **ret_text, struct vn_error *err)
{
	vn_cleanup(writer_clear) struct writer w = {.plan = plan, .guest = guest};
	bool own = guest->form == VN_FORM_CFG && guest->text;
	vn_autofree char *made = own ? NULL : make_config(guest), *text = NULL;
	size_t size = 0;

	if (!plan->feasible)
		return vn_error_input(err, NULL, "there is no plan to write");
	w.out = open_memstream(&text, &size);
	if ((!own && !made) || !w.out)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = write_all(&w, own ? guest->text : made, own ? guest->text_size : strlen(made), err);
	bool good = fclose(w.out) == 0;
	w.out = NULL;
	if (r < 0)
		return r;
	if (!good || note_losses(&w, notes) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_text = vn_steal(text);
	return 0;
}
