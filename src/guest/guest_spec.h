/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* One string of a config's device list, being taken apart at its commas (not for other folders). */

#include "guest_reader.h"

struct guest_spec {
	struct guest_reader *r;
	unsigned line;
	const char *key; /* "disk", "vif", "pci" or "channel" */
	size_t index;
	bool failed;
};

/* Adds a problem of the string. */
void guest_spec_problem(struct guest_spec *spec, const char *seen, const char *expected);

/* Notes what only xl makes something of. */
void guest_spec_ignore(struct guest_spec *spec, const char *name);

/* Splits "name=value" in place; returns the value, or NULL when there is no '='. */
char *guest_spec_split(char *part);

/* Without the blanks around it; in place. */
char *guest_spec_trim(char *part);

/* Whether a name is in a list that ends in NULL. */
bool guest_spec_is_one_of(const char *name, const char *const *names);

/* How many strings a device list has, of `max` at most; 0 when there is none, or it is no such list: then a problem is added. */
size_t guest_spec_count(
	struct guest_reader *r, const char *key, size_t max, const struct vn_cfg_entry **ret_entry);
