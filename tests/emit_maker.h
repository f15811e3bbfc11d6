/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* For tests of what is written: a guest from a few lines of config, a plan by hand, and words taken apart. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../src/base/text.h"
#include "../src/emit/emit_qemu.h"
#include "../src/guest/guest_cfg.h"
#include "../src/plan/plan_make.h"

#define TWO_VNODES "name='g'\nmemory=4096\nvcpus=4\nvnodes=2\n"

static inline struct vn_guest *guest_of(const char *cfg)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};

	assert_int_equal(vn_guest_from_cfg(cfg, "g.cfg", false, &guest, &err), 0);
	return guest;
}

/* Vnode i on pnode homes[i] and its vCPUs on CPUs 10 * homes[i] + 0-3, and `spill` MiB of vnode 0 on pnode 7. */
static inline struct vn_plan *plan_of(
	const struct vn_guest *guest, const unsigned *homes, enum vn_binding binding, uint64_t spill)
{
	struct vn_plan *plan = vn_plan_new();

	assert_non_null(plan);
	plan->guest = vn_copy(guest->name);
	plan->feasible = true;
	plan->binding = binding;
	plan->n_vnodes = guest->n_vnodes;
	plan->vnodes = calloc(guest->n_vnodes, sizeof(*plan->vnodes));
	for (size_t i = 0; i < guest->n_vnodes; i++) {
		struct vn_plan_vnode *v = &plan->vnodes[i];
		v->home = homes[i];
		v->shares = calloc(2, sizeof(*v->shares));
		v->n_shares = spill && i == 0 ? 2 : 1;
		v->shares[0] =
			(struct vn_share){homes[i], guest->vnodes[i].memory - (i ? 0 : spill * VN_MIB)};
		v->shares[1] = (struct vn_share){7, spill * VN_MIB};
		v->cpus = hwloc_bitmap_alloc();
		if (!hwloc_bitmap_iszero(guest->vnodes[i].vcpus))
			hwloc_bitmap_set_range(v->cpus, 10 * homes[i], (int)(10 * homes[i] + 3));
	}
	assert_int_equal(vn_view_foretell(guest, &plan->view), 0);
	return plan;
}

/* The next word after `option` at *at or later that begins with `start`; NULL: no more. */
static inline const char *next_word(
	const struct vn_argv *argv, const char *option, const char *start, size_t *at)
{
	for (; *at + 1 < argv->n; ++*at) {
		if (strcmp(argv->v[*at], option) == 0 && strncmp(argv->v[*at + 1], start, strlen(start)) == 0)
			return argv->v[++*at];
	}
	return NULL;
}

static inline size_t count_words(const struct vn_argv *argv, const char *option, const char *start)
{
	size_t n = 0, at = 0;

	while (next_word(argv, option, start, &at))
		n++;
	return n;
}

/* Whether `word` has the part `key=value` between commas. */
static inline int has_part(const char *word, const char *part)
{
	size_t length = strlen(part);

	for (const char *p = strchr(word, ','); p; p = strchr(p, ',')) {
		if (strncmp(++p, part, length) == 0 && (p[length] == ',' || p[length] == 0))
			return 1;
	}
	return 0;
}

/* There is exactly one word after `option` that is `start` or begins with it and a comma; it has all the `parts` (blanks between). */
static inline void assert_option(
	const struct vn_argv *argv, const char *option, const char *start, const char *parts)
{
	size_t at = 0, length = strlen(start);
	const char *word, *found = NULL;

	while ((word = next_word(argv, option, start, &at))) {
		if (word[length] != ',' && word[length] != 0)
			continue;
		if (found)
			fail_msg("%s %s: twice", option, start);
		found = word;
	}
	if (!found)
		fail_msg("%s %s: not there", option, start);
	vn_autofree char *copy = vn_copy(parts);
	char *rest = copy, *part;
	while ((part = strsep(&rest, " "))) {
		if (*part && !has_part(found, part))
			fail_msg("%s %s: no '%s'", option, found, part);
	}
}
