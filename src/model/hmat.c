/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hmat.h"

#include <string.h>

void vn_hmat_free(struct vn_hmat *hmat)
{
	if (!hmat)
		return;
	for (size_t i = 0; i < hmat->n_matrices; i++) {
		free(hmat->matrices[i].initiators);
		free(hmat->matrices[i].targets);
		free(hmat->matrices[i].values);
	}
	free(hmat->matrices);
	free(hmat->caches);
	free(hmat->domains);
	free(hmat);
}

/* A list of `n` entries anew; never NULL but when memory is short. */
static void *copy_list(const void *from, size_t n, size_t size)
{
	void *copy = calloc(n + 1, size);

	if (copy && n)
		memcpy(copy, from, n * size);
	return copy;
}

static bool copy_matrix(struct vn_hmat_matrix *to, const struct vn_hmat_matrix *from)
{
	*to = *from;
	to->initiators = copy_list(from->initiators, from->n_initiators, sizeof(*to->initiators));
	to->targets = copy_list(from->targets, from->n_targets, sizeof(*to->targets));
	to->values = copy_list(from->values, from->n_initiators * from->n_targets, sizeof(*to->values));
	return to->initiators && to->targets && to->values;
}

struct vn_hmat *vn_hmat_copy(const struct vn_hmat *from)
{
	vn_autohmat *to = calloc(1, sizeof(*to));

	if (!to)
		return NULL;
	*to = *from;
	to->n_matrices = 0;
	to->matrices = calloc(from->n_matrices + 1, sizeof(*to->matrices));
	to->caches = copy_list(from->caches, from->n_caches, sizeof(*to->caches));
	to->domains = copy_list(from->domains, from->n_domains, sizeof(*to->domains));
	bool good = to->matrices && to->caches && to->domains;
	while (good && to->n_matrices < from->n_matrices) {
		good = copy_matrix(&to->matrices[to->n_matrices], &from->matrices[to->n_matrices]);
		to->n_matrices++;
	}
	return good ? vn_steal(to) : NULL;
}

const char *vn_hmat_type_text(enum vn_hmat_type type)
{
	static const char *const texts[VN_HMAT_TYPES] = {"access-latency", "read-latency", "write-latency",
		"access-bandwidth", "read-bandwidth", "write-bandwidth"};
	return type < VN_HMAT_TYPES ? texts[type] : NULL;
}

int vn_hmat_node(const struct vn_hmat *hmat, uint32_t domain)
{
	for (size_t i = 0; i < hmat->n_domains; i++) {
		if (hmat->domains[i].domain == domain)
			return hmat->domains[i].node;
	}
	return -1;
}

static json_t *numbers_to_json(const uint32_t *numbers, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < n; i++)
		json_array_append_new(list, json_integer(numbers[i]));
	return list;
}

static json_t *value_to_json(uint64_t value)
{
	if (value == VN_HMAT_UNKNOWN)
		return json_null();
	return value == VN_HMAT_UNREACHABLE ? json_string("unreachable") : json_integer((json_int_t)value);
}

/* A row an initiator, a column a target. */
static json_t *values_to_json(const struct vn_hmat_matrix *matrix)
{
	json_t *rows = json_array();

	for (size_t i = 0; rows && i < matrix->n_initiators; i++) {
		json_t *row = json_array();
		for (size_t j = 0; row && j < matrix->n_targets; j++)
			json_array_append_new(row, value_to_json(matrix->values[i * matrix->n_targets + j]));
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *matrix_to_json(const struct vn_hmat_matrix *matrix)
{
	return json_pack("{s:s, s:i, s:o, s:o, s:o}", "type", vn_hmat_type_text(matrix->type), "hierarchy",
		(int)matrix->hierarchy, "initiators",
		numbers_to_json(matrix->initiators, matrix->n_initiators), "targets",
		numbers_to_json(matrix->targets, matrix->n_targets), "values", values_to_json(matrix));
}

static json_t *cache_to_json(const struct vn_hmat_cache *cache)
{
	return json_pack("{s:I, s:I, s:i, s:i, s:i, s:i, s:i}", "domain", (json_int_t)cache->domain, "size",
		(json_int_t)cache->size, "levels", (int)cache->levels, "level", (int)cache->level,
		"associativity", (int)cache->associativity, "write_policy", (int)cache->write_policy,
		"line_size", (int)cache->line_size);
}

static json_t *domain_to_json(const struct vn_hmat_domain *domain)
{
	return json_pack("{s:I, s:o}", "domain", (json_int_t)domain->domain, "node",
		domain->node < 0 ? json_null() : json_integer(domain->node));
}

json_t *vn_hmat_to_json(const struct vn_hmat *hmat)
{
	json_t *domains = json_array(), *matrices = json_array(), *caches = json_array();

	for (size_t i = 0; domains && i < hmat->n_domains; i++)
		json_array_append_new(domains, domain_to_json(&hmat->domains[i]));
	for (size_t i = 0; matrices && i < hmat->n_matrices; i++)
		json_array_append_new(matrices, matrix_to_json(&hmat->matrices[i]));
	for (size_t i = 0; caches && i < hmat->n_caches; i++)
		json_array_append_new(caches, cache_to_json(&hmat->caches[i]));
	json_t *object = json_pack("{s:i, s:o, s:o, s:o}", "revision", (int)hmat->revision, "domains",
		domains, "matrices", matrices, "caches", caches);
	/* an element that memory was short for is missing: such an object must not be told as the table */
	if (object && json_array_size(domains) == hmat->n_domains &&
		json_array_size(matrices) == hmat->n_matrices && json_array_size(caches) == hmat->n_caches)
		return object;
	json_decref(object);
	return NULL;
}
