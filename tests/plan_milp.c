/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan_milp.h"

/* What x(v,i) x(w,j) costs, both ways. */
static int64_t pair_cost(const struct oracle *o, size_t v, size_t i, size_t w, size_t j)
{
	return o->vcpus[v] * o->mib[w] * o->distance[i][j] + o->vcpus[w] * o->mib[v] * o->distance[j][i];
}

static void write_distance(const struct oracle *o, FILE *out)
{
	for (size_t v = 0; v < o->m; v++) {
		for (size_t i = 0; i < o->n; i++) {
			int64_t alone = o->vcpus[v] * o->mib[v] * o->distance[i][i] + o->pull[v][i];
			fprintf(out, " + %lld x_%zu_%zu\n", (long long)alone, v, i);
			for (size_t w = v + 1; w < o->m; w++) {
				for (size_t j = 0; j < o->n; j++)
					fprintf(out, " + %lld y_%zu_%zu_%zu_%zu\n",
						(long long)pair_cost(o, v, i, w, j), v, i, w, j);
			}
		}
	}
}

static void write_sum(const struct oracle *o, char what, FILE *out)
{
	for (size_t i = 0; i < o->n; i++)
		fprintf(out, " + %c_%zu", what, i);
}

/* Each vnode has one home, and not where the user or the lack of cores forbids it. */
static void write_homes(const struct oracle *o, FILE *out)
{
	for (size_t v = 0; v < o->m; v++) {
		for (size_t i = 0; i < o->n; i++)
			fprintf(out, " + x_%zu_%zu", v, i);
		fprintf(out, " = 1\n");
		for (size_t i = 0; i < o->n; i++) {
			if ((o->vcpus[v] > 0 && o->cores[0][i] == 0) ||
				(o->home[v] >= 0 && o->home[v] != (int64_t)i))
				fprintf(out, " x_%zu_%zu = 0\n", v, i);
		}
	}
}

static void write_nodes(const struct oracle *o, FILE *out)
{
	for (size_t i = 0; i < o->n; i++) {
		int64_t left = o->cores[0][i] - o->load[i];
		for (size_t v = 0; v < o->m; v++)
			fprintf(out, " + %lld x_%zu_%zu", (long long)o->units[v], v, i);
		fprintf(out, " - s_%zu <= %lld\n", i, (long long)o->room[0][i]);
		if (o->cores[0][i] == 0)
			continue;
		for (size_t v = 0; v < o->m; v++)
			fprintf(out, " + %lld x_%zu_%zu", (long long)o->wants[v], v, i);
		fprintf(out, " - q_%zu <= %lld\n", i, (long long)left);
		for (size_t v = 0; v < o->m && o->exclusive[0]; v++)
			fprintf(out, " + %lld x_%zu_%zu", (long long)o->wants[v], v, i);
		if (o->exclusive[0])
			fprintf(out, " <= %lld\n", (long long)(left > 0 ? left : 0));
	}
}

static void write_products(const struct oracle *o, FILE *out)
{
	for (size_t v = 0; v < o->m; v++) {
		for (size_t w = v + 1; w < o->m; w++) {
			for (size_t i = 0; i < o->n; i++) {
				for (size_t j = 0; j < o->n; j++)
					fprintf(out, " + y_%zu_%zu_%zu_%zu", v, i, w, j);
				fprintf(out, " - x_%zu_%zu = 0\n", v, i);
				for (size_t j = 0; j < o->n; j++)
					fprintf(out, " + y_%zu_%zu_%zu_%zu", v, j, w, i);
				fprintf(out, " - x_%zu_%zu = 0\n", w, i);
			}
		}
	}
}

/* Variables are not negative unless said otherwise. */
void write_milp(const struct milp *milp, FILE *out)
{
	const struct oracle *o = &milp->o;

	fprintf(out, "Minimize\n");
	if (milp->level < 3)
		write_sum(o, milp->level == 1 ? 's' : 'q', out);
	else
		write_distance(o, out);
	fprintf(out, "\nSubject To\n");
	write_homes(o, out);
	write_nodes(o, out);
	if (milp->level > 1) {
		write_sum(o, 's', out);
		fprintf(out, " <= %lld\n", (long long)milp->spill);
	}
	if (milp->level > 2) {
		write_sum(o, 'q', out);
		fprintf(out, " <= %lld\n", (long long)milp->squeeze);
		write_products(o, out);
	}
	fprintf(out, "Binary\n");
	for (size_t v = 0; v < o->m; v++) {
		for (size_t i = 0; i < o->n; i++)
			fprintf(out, " x_%zu_%zu\n", v, i);
	}
	fprintf(out, "End\n");
}
