/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A finding in the making: the same thing wrong with several vnodes or threads is one finding, not several. */

#include <hwloc/bitmap.h>

#include "case.h"

#define VN_CLAIM_PARTS 4u /* that are spelled out; the others are counted */

struct vn_claim {
	const char *code;
	size_t n; /* parts */
	double cost, worst; /* of all parts; of the costliest */
	int vnode; /* of the parts; -1: of several, or of none */
	pid_t tid; /* of the costliest part */
	char *text; /* owned */
	char *before, *fix; /* commands: before those of moves, and others; owned, or NULL */
	char *moves; /* "0=1,1=0": of one command; owned, or NULL */
	bool failed; /* memory was short */
};

void vn_claim_clear(struct vn_claim *claim);
#define vn_autoclaim vn_cleanup(vn_claim_clear) struct vn_claim

/* Adds a part: takes `sentence` over, and NULL for a lack of memory. */
void vn_claim_part(struct vn_claim *claim, int vnode, pid_t tid, double cost, char *sentence);

/* Adds a command, which is taken over; NULL: none. */
void vn_claim_fix(struct vn_claim *claim, char *command);

/* The same of one that must come before memory is moved. */
void vn_claim_before(struct vn_claim *claim, char *command);

/* Memory of a vnode has to go to a node, by its id. */
void vn_claim_move(struct vn_claim *claim, size_t vnode, unsigned node);

/* Makes a finding of it, if it has parts. `the`: the VM, NULL: of the host. 0 or -ENOMEM. */
int vn_claim_close(struct vn_claim *claim, const struct vn_case *the, struct vn_findings *findings);

/* Worst first: by cost, then by code. */
void vn_findings_sort(struct vn_findings *findings);
