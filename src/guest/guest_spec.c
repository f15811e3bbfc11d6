/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "guest_spec.h"

#include <string.h>

#include "../base/text.h"

void guest_spec_problem(struct guest_spec *spec, const char *seen, const char *expected)
{
	guest_problem(spec->r, spec->line, spec->key, "entry %zu: \"%.60s\" seen; expected %s", spec->index,
		seen, expected);
	spec->failed = true;
}

void guest_spec_ignore(struct guest_spec *spec, const char *name)
{
	vn_notes_add(&spec->r->guest->notes, "option-ignored",
		"line %u: %s: entry %zu: %s: vnuma does not use it", spec->line, spec->key, spec->index,
		name);
}

char *guest_spec_split(char *part)
{
	char *equals = strchr(part, '=');

	if (equals)
		*equals++ = 0;
	return equals;
}

char *guest_spec_trim(char *part)
{
	part += strspn(part, " \t");
	for (size_t n = strlen(part); n && strchr(" \t", part[n - 1]); n--)
		part[n - 1] = 0;
	return part;
}

bool guest_spec_is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

size_t guest_spec_count(
	struct guest_reader *r, const char *key, size_t max, const struct vn_cfg_entry **ret_entry)
{
	const struct vn_cfg_entry *entry = vn_cfg_find(r->cfg, key);

	if (!entry)
		return 0;
	bool good = entry->value.type == VN_CFG_LIST && entry->value.n <= max;
	for (size_t i = 0; good && i < entry->value.n; i++)
		good = entry->value.items[i].type == VN_CFG_STRING;
	if (!good) {
		vn_autofree char *text = vn_cfg_value_text(&entry->value);
		guest_problem(
			r, entry->line, key, "%s seen; expected a list of at most %zu strings", text, max);
		return 0;
	}
	*ret_entry = entry;
	return entry->value.n;
}
