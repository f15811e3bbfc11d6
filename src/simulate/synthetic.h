/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Traces made up from a seed: the same on every machine. */

#include "stock.h"
#include "trace.h"

#define VN_TRACE_LOAD                                                                                        \
	110u /* percent: a little more than there is, where policies differ in whom they turn away */
#define VN_TRACE_LOAD_MAX 1000u

/*
 * `n` events of guests that come and go on a host like that of `stock`, at such a rate that they ask for `load` percent of its
 * cores or memory, of which is scarcer, on average. 0, or -ENOMEM; -EINVAL, with a problem, when the host is too small for any guest of the list.
 */
int vn_trace_synthesize(const struct vn_stock *stock, uint64_t seed, size_t n, uint64_t load,
	struct vn_trace **ret_trace, struct vn_error *err);

/* Numbers by splitmix64: a state that is any number, and the next one. */
uint64_t vn_random_next(uint64_t *state);
/* A number below `below` (at most 2^32). */
uint64_t vn_random_below(uint64_t *state, uint64_t below);
