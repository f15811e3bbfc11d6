/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HMAT of a host read from JSON, as vn_hmat_to_json() prints it. */
#include "host_from_json.h"

#include <string.h>

#define DOMAIN_EXPECTED "a proximity domain"

static int compare_domains(const void *a, const void *b)
{
	uint32_t x = ((const struct vn_hmat_domain *)a)->domain,
		 y = ((const struct vn_hmat_domain *)b)->domain;
	return (x > y) - (x < y);
}

static bool is_known(const struct vn_hmat *hmat, uint32_t domain)
{
	struct vn_hmat_domain key = {.domain = domain};
	return hmat->n_domains && bsearch(&key, hmat->domains, hmat->n_domains, sizeof(key), compare_domains);
}

static void read_domain(const struct vn_json_reader *in, struct vn_hmat_domain *domain)
{
	uint64_t number = 0, node = 0;

	vn_json_number(in, "domain", 0, UINT32_MAX, DOMAIN_EXPECTED, &number);
	bool told = vn_json_maybe_number(in, "node", 0, VN_MAX_NODES - 1, "a node number, or null", &node);
	*domain = (struct vn_hmat_domain){(uint32_t)number, told ? (int)node : -1};
}

static void read_domains(const struct vn_json_reader *in, struct vn_hmat *hmat)
{
	const json_t *list = vn_json_maybe_list(in, "domains", VN_JSON_MAX_ITEMS);
	size_t n = json_array_size(list);

	hmat->domains = calloc(n + 1, sizeof(*hmat->domains));
	if (!hmat->domains) {
		vn_json_no_memory(in);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct vn_json_reader domain;
		if (vn_json_member(in, "domains", list, i, &domain))
			read_domain(&domain, &hmat->domains[hmat->n_domains++]);
	}
	if (hmat->n_domains > 1)
		qsort(hmat->domains, hmat->n_domains, sizeof(*hmat->domains), compare_domains);
	for (size_t i = 1; i < hmat->n_domains; i++) {
		if (hmat->domains[i].domain == hmat->domains[i - 1].domain)
			vn_json_problem(in, "domains", "domain %u is there twice; expected once",
				hmat->domains[i].domain);
	}
}

/* Index of the first member that is no domain of `domains`; the list's length when all are. */
static size_t first_unknown(const json_t *list, const struct vn_hmat *hmat)
{
	size_t i = 0;

	for (; i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		json_int_t number = json_integer_value(value);
		if (!json_is_integer(value) || number < 0 || number > UINT32_MAX ||
			!is_known(hmat, (uint32_t)number))
			break;
	}
	return i;
}

/* A list of domains that `domains` names; NULL when it is wrong. */
static uint32_t *read_axis(
	const struct vn_json_reader *in, const char *key, const struct vn_hmat *hmat, size_t *ret_n)
{
	const json_t *list = vn_json_list(in, key, VN_JSON_MAX_ITEMS);
	size_t n = json_array_size(list), unknown = first_unknown(list, hmat);

	if (!list)
		return NULL;
	if (unknown < n) {
		vn_json_problem(in, key, "member %zu; expected a domain of the HMAT's 'domains'", unknown);
		return NULL;
	}
	uint32_t *axis = calloc(n + 1, sizeof(*axis));
	if (!axis) {
		vn_json_no_memory(in);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		axis[i] = (uint32_t)json_integer_value(json_array_get(list, i));
	*ret_n = n;
	return axis;
}

/* null, "unreachable", or a number above 0. */
static bool read_value(const json_t *value, uint64_t *ret)
{
	json_int_t number = json_integer_value(value);

	if (json_is_null(value))
		*ret = VN_HMAT_UNKNOWN;
	else if (json_is_string(value) && strcmp(json_string_value(value), "unreachable") == 0)
		*ret = VN_HMAT_UNREACHABLE;
	else if (json_is_integer(value) && number > 0)
		*ret = (uint64_t)number;
	else
		return false;
	return true;
}

/* The rows must be there, all of them of the right length, before room is made for their values. */
static bool check_shape(
	const struct vn_json_reader *in, const json_t *rows, const struct vn_hmat_matrix *matrix)
{
	char key[32];

	if (json_array_size(rows) != matrix->n_initiators) {
		vn_json_problem(in, "values", "%zu rows; expected one for each of %zu initiators",
			json_array_size(rows), matrix->n_initiators);
		return false;
	}
	for (size_t i = 0; i < matrix->n_initiators; i++) {
		const json_t *row = json_array_get(rows, i);
		if (json_is_array(row) && json_array_size(row) == matrix->n_targets)
			continue;
		snprintf(key, sizeof(key), "values[%zu]", i);
		vn_json_problem(
			in, key, "expected a list of one value for each of %zu targets", matrix->n_targets);
		return false;
	}
	return true;
}

static void read_values(const struct vn_json_reader *in, struct vn_hmat_matrix *matrix)
{
	const json_t *rows = vn_json_list(in, "values", VN_JSON_MAX_ITEMS);
	size_t ni = matrix->n_initiators, nt = matrix->n_targets;
	char key[64];

	if (!rows || !check_shape(in, rows, matrix))
		return;
	matrix->values = calloc(ni * nt + 1, sizeof(*matrix->values));
	if (!matrix->values) {
		vn_json_no_memory(in);
		return;
	}
	for (size_t i = 0; i < ni * nt; i++) {
		if (read_value(json_array_get(json_array_get(rows, i / nt), i % nt), &matrix->values[i]))
			continue;
		snprintf(key, sizeof(key), "values[%zu][%zu]", i / nt, i % nt);
		vn_json_problem(in, key, "expected a number above 0, null or \"unreachable\"");
	}
}

static void read_matrix(
	const struct vn_json_reader *in, const struct vn_hmat *hmat, struct vn_hmat_matrix *matrix)
{
	const char *types[VN_HMAT_TYPES];
	uint64_t hierarchy = 0;

	for (unsigned t = 0; t < VN_HMAT_TYPES; t++)
		types[t] = vn_hmat_type_text((enum vn_hmat_type)t);
	matrix->type = (enum vn_hmat_type)vn_json_choice(
		in, "type", types, VN_HMAT_TYPES, "access-, read- or write-, and latency or bandwidth");
	vn_json_number(in, "hierarchy", 0, 15, "0 to 15", &hierarchy);
	matrix->hierarchy = (unsigned)hierarchy;
	matrix->initiators = read_axis(in, "initiators", hmat, &matrix->n_initiators);
	matrix->targets = read_axis(in, "targets", hmat, &matrix->n_targets);
	if (matrix->initiators && matrix->targets)
		read_values(in, matrix);
}

static void read_cache(
	const struct vn_json_reader *in, const struct vn_hmat *hmat, struct vn_hmat_cache *cache)
{
	uint64_t domain = 0, levels = 0, level = 0, associativity = 0, write_policy = 0, line_size = 0;

	if (vn_json_number(in, "domain", 0, UINT32_MAX, DOMAIN_EXPECTED, &domain) &&
		!is_known(hmat, (uint32_t)domain))
		vn_json_wrong(in, "domain", "a domain of the HMAT's 'domains'");
	vn_json_number(in, "size", 0, VN_HMAT_MAX, "bytes", &cache->size);
	vn_json_maybe_number(in, "levels", 0, 15, "0 to 15", &levels);
	vn_json_maybe_number(in, "level", 0, 15, "0 to 15", &level);
	vn_json_maybe_number(in, "associativity", 0, 15, "0 to 15", &associativity);
	vn_json_maybe_number(in, "write_policy", 0, 15, "0 to 15", &write_policy);
	vn_json_maybe_number(in, "line_size", 0, UINT16_MAX, "bytes", &line_size);
	cache->domain = (uint32_t)domain;
	cache->levels = (unsigned)levels;
	cache->level = (unsigned)level;
	cache->associativity = (unsigned)associativity;
	cache->write_policy = (unsigned)write_policy;
	cache->line_size = (unsigned)line_size;
}

static void read_parts(const struct vn_json_reader *in, struct vn_hmat *hmat)
{
	const json_t *matrices = vn_json_maybe_list(in, "matrices", VN_JSON_MAX_ITEMS);
	const json_t *caches = vn_json_maybe_list(in, "caches", VN_JSON_MAX_ITEMS);
	size_t n_matrices = json_array_size(matrices), n_caches = json_array_size(caches);
	struct vn_json_reader member;

	hmat->matrices = calloc(n_matrices + 1, sizeof(*hmat->matrices));
	hmat->caches = calloc(n_caches + 1, sizeof(*hmat->caches));
	if (!hmat->matrices || !hmat->caches) {
		vn_json_no_memory(in);
		return;
	}
	for (size_t i = 0; i < n_matrices; i++) {
		if (vn_json_member(in, "matrices", matrices, i, &member))
			read_matrix(&member, hmat, &hmat->matrices[hmat->n_matrices++]);
	}
	for (size_t i = 0; i < n_caches; i++) {
		if (vn_json_member(in, "caches", caches, i, &member))
			read_cache(&member, hmat, &hmat->caches[hmat->n_caches++]);
	}
}

void vn_json_hmat(const struct vn_json_reader *top, struct vn_host *host)
{
	struct vn_json_reader in;
	uint64_t revision = 0;

	if (!vn_json_told(top, "hmat") || !vn_json_object(top, "hmat", &in))
		return;
	host->hmat = calloc(1, sizeof(*host->hmat));
	if (!host->hmat) {
		vn_json_no_memory(top);
		return;
	}
	vn_json_number(&in, "revision", 1, 255, "the table's revision", &revision);
	host->hmat->revision = (unsigned)revision;
	read_domains(&in, host->hmat);
	read_parts(&in, host->hmat);
}
