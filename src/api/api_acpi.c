/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of the ACPI tables. vn_acpi_options_new(), vn_acpi_options_free() and vn_acpi_free() are the stage's own. */
#include "api.h"

#include <string.h>

#include "../acpi/acpi.h"

/* ---- options ---- */

int vn_acpi_options_set_machine(struct vn_acpi_options *options, const char *machine)
{
	if (!vn_acpi_machine_parse(machine, &options->machine))
		return -EINVAL;
	options->has_machine = true;
	options->has_layout = false;
	return 0;
}

void vn_acpi_options_set_amd(struct vn_acpi_options *options, int amd)
{
	options->amd = amd != 0;
}

int vn_acpi_options_set_memory(struct vn_acpi_options *options, uint64_t low_end, uint64_t high_start)
{
	struct vn_acpi_layout layout = vn_acpi_layout_own(low_end, high_start);
	int r = vn_acpi_layout_check(&layout, NULL);

	if (r < 0)
		return r;
	options->has_layout = true;
	options->layout = layout;
	return 0;
}

void vn_acpi_options_set_vnode_order(struct vn_acpi_options *options, int wanted)
{
	options->order = wanted ? VN_ACPI_ORDER_VNODE : VN_ACPI_ORDER_VCPU;
}

/* Whether it is up to `max` printable characters, as ACPI has it. */
static bool is_oem_text(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	for (size_t i = 0; i < n; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return n <= max;
}

int vn_acpi_options_set_oem(
	struct vn_acpi_options *options, const char *id, const char *table_id, uint32_t revision)
{
	if (!is_oem_text(id, sizeof(options->oem.id) - 1) ||
		!is_oem_text(table_id, sizeof(options->oem.table) - 1))
		return -EINVAL;
	options->oem = (struct vn_acpi_oem){.revision = revision};
	memcpy(options->oem.id, id, strlen(id));
	memcpy(options->oem.table, table_id, strlen(table_id));
	return 0;
}

int vn_acpi_options_add_initiator(struct vn_acpi_options *options, const char *address, unsigned vnode)
{
	struct vn_acpi_initiator initiator = {.vnode = vnode};

	if (vnode >= VN_MAX_VNODES || !vn_acpi_initiator_parse(address, &initiator))
		return -EINVAL;
	if (options->n_initiators == VN_ACPI_MAX_INITIATORS)
		return -E2BIG;
	options->initiators[options->n_initiators++] = initiator;
	return 0;
}

/* ---- tables ---- */

static int build(const struct vn_guest *guest, const struct vn_acpi_options *options,
	struct vn_acpi **ret_acpi, struct vn_error *err)
{
	vn_autoacpioptions *defaults = options ? NULL : vn_acpi_options_new();

	if (!options && !defaults)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return vn_acpi_build(guest, options ? options : defaults, ret_acpi, err);
}

int vn_acpi_of_guest(const struct vn_guest *guest, const struct vn_acpi_options *options,
	struct vn_acpi **ret_acpi, struct vn_error *err)
{
	vn_autoerror collected = {0};
	vn_autoguest *whole = NULL;

	int r = vn_api_guest_whole(guest, &whole, &collected);
	if (r == 0 && whole->vnodes_open)
		r = vn_error_input(&collected, &(struct vn_where){whole->file, 0, "vnodes"},
			"left open; expected vnodes, or the guest's plan, which has made them");
	if (r == 0)
		r = build(whole, options, ret_acpi, &collected);
	return vn_api_settle(r, &collected, err);
}

int vn_acpi_of_plan(const struct vn_plan *plan, const struct vn_acpi_options *options,
	struct vn_acpi **ret_acpi, struct vn_error *err)
{
	vn_autoerror collected = {0};
	int r = !plan->feasible ? vn_error_input(&collected, NULL,
					  "a plan that is not feasible; expected one that is")
				: build(plan->planned, options, ret_acpi, &collected);

	return vn_api_settle(r, &collected, err);
}

const unsigned char *vn_acpi_table(const struct vn_acpi *acpi, const char *signature, size_t *ret_size)
{
	const struct {
		const char *signature;
		const struct vn_acpi_table *table;
	} tables[] = {{"SRAT", &acpi->srat}, {"SLIT", &acpi->slit}, {"HMAT", &acpi->hmat}};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(signature, tables[i].signature) != 0 || !tables[i].table->bytes)
			continue;
		*ret_size = tables[i].table->size;
		return tables[i].table->bytes;
	}
	return NULL;
}

/* ---- what is in them ---- */

int vn_acpi_vnode_node(const struct vn_acpi *acpi, size_t vnode)
{
	return vnode < acpi->n_vnodes ? vn_api_id(acpi->nodes[vnode]) : -ERANGE;
}

size_t vn_acpi_range_count(const struct vn_acpi *acpi)
{
	return acpi->n_ranges;
}

int64_t vn_acpi_range_base(const struct vn_acpi *acpi, size_t range)
{
	return range < acpi->n_ranges ? vn_api_amount(acpi->ranges[range].base) : -ERANGE;
}

int64_t vn_acpi_range_size(const struct vn_acpi *acpi, size_t range)
{
	return range < acpi->n_ranges ? vn_api_amount(acpi->ranges[range].size) : -ERANGE;
}

int vn_acpi_range_vnode(const struct vn_acpi *acpi, size_t range)
{
	return range < acpi->n_ranges ? (int)acpi->ranges[range].vnode : -ERANGE;
}

int vn_acpi_range_is_pluggable(const struct vn_acpi *acpi, size_t range)
{
	return range < acpi->n_ranges ? acpi->ranges[range].plug : -ERANGE;
}

size_t vn_acpi_note_count(const struct vn_acpi *acpi)
{
	return acpi->notes.n;
}

const char *vn_acpi_note_code(const struct vn_acpi *acpi, size_t note)
{
	return vn_api_note_code(&acpi->notes, note);
}

const char *vn_acpi_note_text(const struct vn_acpi *acpi, size_t note)
{
	return vn_api_note_text(&acpi->notes, note);
}
