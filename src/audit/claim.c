/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "claim.h"

#include <stdio.h>
#include <string.h>

#include "../base/text.h"
#include "cost.h"
#include "fix.h"

void vn_claim_clear(struct vn_claim *claim)
{
	free(claim->text);
	free(claim->before);
	free(claim->fix);
	free(claim->moves);
	*claim = (struct vn_claim){0};
}

/* Appends `more`, which is taken over, behind a text and what stands between. */
static void append(struct vn_claim *claim, char **text, const char *between, char *more)
{
	vn_autofree char *before = *text, *added = more;

	*text = vn_format("%s%s%s", before ? before : "", before ? between : "", added ? added : "");
	claim->failed |= !*text || !added;
}

void vn_claim_part(struct vn_claim *claim, int vnode, pid_t tid, double cost, char *sentence)
{
	if (claim->n == 0 || cost > claim->worst) {
		claim->worst = cost;
		claim->tid = tid;
	}
	claim->vnode = claim->n == 0 || claim->vnode == vnode ? vnode : -1;
	claim->cost += cost;
	if (claim->n++ < VN_CLAIM_PARTS || !sentence)
		append(claim, &claim->text, "; ", sentence);
	else
		free(sentence);
}

void vn_claim_fix(struct vn_claim *claim, char *command)
{
	if (command)
		append(claim, &claim->fix, " && ", command);
}

void vn_claim_before(struct vn_claim *claim, char *command)
{
	if (command)
		append(claim, &claim->before, " && ", command);
}

void vn_claim_move(struct vn_claim *claim, size_t vnode, unsigned node)
{
	append(claim, &claim->moves, ",", vn_format("%zu=%u", vnode, node));
}

static void join_fixes(struct vn_claim *claim, const struct vn_case *the)
{
	vn_autofree char *after = claim->fix;

	claim->fix = vn_steal(claim->before);
	if (claim->moves && the) {
		char name[VN_FIX_NAME];
		vn_claim_fix(
			claim, vn_format("vnuma move %s --vnode %s", vn_fix_name(the, name), claim->moves));
	}
	vn_claim_fix(claim, vn_steal(after));
}

int vn_claim_close(struct vn_claim *claim, const struct vn_case *the, struct vn_findings *findings)
{
	if (claim->n == 0)
		return claim->failed ? -ENOMEM : 0;
	if (claim->n > VN_CLAIM_PARTS)
		append(claim, &claim->text, "; ",
			vn_format("and %zu more of the kind", claim->n - VN_CLAIM_PARTS));
	join_fixes(claim, the);
	struct vn_finding *grown =
		claim->failed ? NULL : reallocarray(findings->v, findings->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	findings->v = grown;
	struct vn_finding *finding = &grown[findings->n++];
	*finding = (struct vn_finding){.severity = vn_cost_severity(claim->cost),
		.cost = claim->cost,
		.vnode = claim->vnode,
		.tid = claim->tid};
	finding->text = vn_steal(claim->text);
	finding->fix = vn_steal(claim->fix);
	snprintf(finding->code, sizeof(finding->code), "%s", claim->code);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct vn_finding *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost > y->cost ? -1 : 1;
	int codes = strcmp(x->code, y->code);
	if (codes != 0)
		return codes;
	return x->vnode != y->vnode ? (x->vnode > y->vnode) - (x->vnode < y->vnode)
				    : (x->tid > y->tid) - (x->tid < y->tid);
}

void vn_findings_sort(struct vn_findings *findings)
{
	if (findings->n > 1)
		qsort(findings->v, findings->n, sizeof(*findings->v), compare);
}
