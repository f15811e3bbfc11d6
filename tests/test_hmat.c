/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HMAT: tables made here by the specification's words, byte by byte, and what must come out of them. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../src/discover/acpi_hmat.h"
#include "../src/discover/discover.h"

struct maker {
	unsigned char bytes[8192];
	size_t length;
};

static void add(struct maker *m, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		m->bytes[m->length++] = (unsigned char)(value >> 8 * i);
}

static void begin(struct maker *m, const char *signature, unsigned revision, size_t header)
{
	memset(m, 0, sizeof(*m));
	memcpy(m->bytes, signature, 4);
	m->bytes[8] = (unsigned char)revision;
	m->length = header;
}

/* Fills in length and checksum. */
static void end(struct maker *m)
{
	unsigned char sum = 0;
	size_t length = m->length;

	m->length = 4;
	add(m, length, 4);
	m->length = length;
	m->bytes[9] = 0;
	for (size_t i = 0; i < length; i++)
		sum = (unsigned char)(sum + m->bytes[i]);
	m->bytes[9] = (unsigned char)-sum;
}

/* A matrix of 2 initiators, domains 7 and 3, and 3 targets, 7, 3 and 9. */
static void add_matrix(struct maker *m, unsigned type, uint64_t base, const uint16_t values[6])
{
	add(m, 1, 4);
	add(m, 32 + 5 * 4 + 6 * 2, 4);
	add(m, type << 8, 4);
	add(m, 2, 4);
	add(m, 3, 4);
	add(m, 0, 4);
	add(m, base, 8);
	add(m, 7, 4);
	add(m, 3, 4);
	add(m, 7, 4);
	add(m, 3, 4);
	add(m, 9, 4);
	for (unsigned i = 0; i < 6; i++)
		add(m, values[i], 2);
}

static void add_cache(struct maker *m, uint32_t domain, uint64_t size, uint32_t attributes)
{
	add(m, 2, 4);
	add(m, 32, 4);
	add(m, domain, 8);
	add(m, size, 8);
	add(m, attributes, 8);
}

static void add_cpu(struct maker *m, uint32_t domain, bool enabled)
{
	add(m, 0 | 16 << 8 | (domain & 255) << 16, 4);
	add(m, enabled, 4);
	add(m, (domain >> 8) << 8, 8);
}

static void add_memory(struct maker *m, uint32_t domain, bool enabled)
{
	add(m, 1 | 40 << 8, 2);
	add(m, domain, 4);
	m->length += 22;
	add(m, enabled, 4);
	m->length += 8;
}

static const uint16_t latencies[6] = {10, 20, 35, 20, 10, 0xffff};

static void make_tables(struct maker *hmat, struct maker *srat)
{
	begin(hmat, "HMAT", 2, 40);
	add_matrix(hmat, 0, 1000, latencies);
	add_cache(hmat, 9, UINT64_C(1) << 34, 1 | 1 << 4 | 1 << 8 | 2 << 12 | 64 << 16);
	end(hmat);
	begin(srat, "SRAT", 3, 48);
	add_memory(srat, 9, true);
	add_cpu(srat, 300, false); /* not enabled: takes no number */
	add_cpu(srat, 7, true);
	add_cpu(srat, 3, true);
	add_cpu(srat, 7, true);
	add_memory(srat, 7, true);
	end(srat);
}

static struct vn_hmat *must_parse(const struct maker *hmat, const struct maker *srat)
{
	struct vn_hmat *parsed = NULL;
	vn_autoerror err = {0};
	int r = vn_acpi_hmat_parse(hmat->bytes, hmat->length, srat ? srat->bytes : NULL,
		srat ? srat->length : 0, "HMAT", &parsed, &err);
	if (r < 0)
		fail_msg("%s", err.n ? err.problems[0].text : "no reason");
	return parsed;
}

static void test_matrix_cache_and_nodes(void **state)
{
	struct maker hmat, srat;
	(void)state;
	make_tables(&hmat, &srat);
	vn_autohmat *parsed = must_parse(&hmat, &srat);
	assert_int_equal(parsed->n_matrices, 1);
	const struct vn_hmat_matrix *m = &parsed->matrices[0];
	assert_int_equal(m->type, VN_HMAT_ACCESS_LATENCY);
	assert_int_equal(m->n_initiators, 2);
	assert_int_equal(m->n_targets, 3);
	assert_int_equal(m->values[0], 10000);
	assert_int_equal(m->values[2], 35000);
	assert_true(m->values[5] == VN_HMAT_UNREACHABLE);
	/* CPUs in the table's order first, memory after them */
	assert_int_equal(vn_hmat_node(parsed, 7), 0);
	assert_int_equal(vn_hmat_node(parsed, 3), 1);
	assert_int_equal(vn_hmat_node(parsed, 9), 2);
	assert_int_equal(vn_hmat_node(parsed, 300), -1);
	assert_int_equal(parsed->n_caches, 1);
	assert_true(parsed->caches[0].size == UINT64_C(1) << 34);
	assert_int_equal(parsed->caches[0].level, 1);
	assert_int_equal(parsed->caches[0].associativity, 1);
	assert_int_equal(parsed->caches[0].write_policy, 2);
	assert_int_equal(parsed->caches[0].line_size, 64);
}

static void test_without_srat_no_node_is_known(void **state)
{
	struct maker hmat, srat;
	(void)state;
	make_tables(&hmat, &srat);
	vn_autohmat *parsed = must_parse(&hmat, NULL);
	assert_int_equal(vn_hmat_node(parsed, 7), -1);
	assert_int_equal(parsed->n_domains, 3);
	srat.bytes[9]++; /* a wrong checksum */
	vn_autohmat *again = must_parse(&hmat, &srat);
	assert_int_equal(vn_hmat_node(again, 7), -1);
}

static void test_units_of_revision_1(void **state)
{
	struct maker hmat;
	(void)state;
	begin(&hmat, "HMAT", 1, 40);
	add_matrix(&hmat, 1, 1, (const uint16_t[]){800, 1, 0, 1, 1, 1});
	add_matrix(&hmat, 4, 10, (const uint16_t[]){20000, 1, 0, 1, 1, 1});
	end(&hmat);
	vn_autohmat *parsed = must_parse(&hmat, NULL);
	assert_int_equal(parsed->matrices[0].values[0], 80000); /* 80 ns, as Linux says of 800 */
	assert_int_equal(parsed->matrices[0].values[2], VN_HMAT_UNKNOWN);
	assert_int_equal(parsed->matrices[1].values[0], 20000);
}

/* Printed as part of a host, and read back from that. */
static void assert_reads_back(struct vn_hmat *hmat)
{
	vn_autohost *host = vn_host_new(), *back = NULL;
	vn_autoerror err = {0};
	host->nodes = calloc(1, sizeof(*host->nodes));
	host->nodes[host->n_nodes++] = vn_host_node_init(0);
	assert_int_equal(vn_host_finish(host, &err), 0);
	host->hmat = hmat;
	json_auto_t *once = vn_host_to_json(host);
	host->hmat = NULL;
	vn_autofree char *text = json_dumps(once, 0);
	if (vn_discover_json_text(text, "dump", &back, &err) < 0)
		fail_msg("%s: %s", err.problems[0].key, err.problems[0].text);
	json_auto_t *twice = vn_host_to_json(back);
	assert_true(json_equal(once, twice));
}

static void test_what_63_bits_do_not_hold(void **state)
{
	struct maker hmat;
	(void)state;
	begin(&hmat, "HMAT", 1, 40);
	/* in 100 ps: the first is 2^63 - 1 ps at most, the second a little more */
	add_matrix(&hmat, 1, INT64_MAX / 100 / 10, (const uint16_t[]){10, 11, 0, 65534, 0xffff, 1});
	add_matrix(&hmat, 4, UINT64_MAX, (const uint16_t[]){1, 2, 0xffff, 0, 1, 1});
	add_cache(&hmat, 9, INT64_MAX, 1);
	add_cache(&hmat, 3, UINT64_C(1) << 63, 1);
	end(&hmat);
	vn_autohmat *parsed = must_parse(&hmat, NULL);
	const uint64_t *latency = parsed->matrices[0].values, *bandwidth = parsed->matrices[1].values;
	assert_true(latency[0] == INT64_MAX / 100 / 10 * 10 * 100);
	assert_int_equal(latency[1], VN_HMAT_UNKNOWN);
	assert_int_equal(latency[3], VN_HMAT_UNKNOWN);
	assert_true(latency[4] == VN_HMAT_UNREACHABLE);
	assert_true(bandwidth[0] == UINT64_MAX / 10);
	assert_int_equal(bandwidth[1], VN_HMAT_UNKNOWN);
	assert_int_equal(parsed->n_caches, 1);
	assert_int_equal(parsed->caches[0].domain, 9);
	assert_int_equal(parsed->n_left_out, 4);
	assert_reads_back(parsed);
	begin(&hmat, "HMAT", 2, 40);
	add_matrix(&hmat, 0, INT64_MAX, (const uint16_t[]){1, 2, 0, 0, 0, 0});
	end(&hmat);
	vn_autohmat *second = must_parse(&hmat, NULL);
	assert_true(second->matrices[0].values[0] == INT64_MAX);
	assert_int_equal(second->matrices[0].values[1], VN_HMAT_UNKNOWN);
	assert_int_equal(second->n_left_out, 1);
	assert_reads_back(second);
}

static void must_refuse(const struct maker *hmat, const char *key, const char *text)
{
	struct vn_hmat *parsed = (struct vn_hmat *)0x1;
	vn_autoerror err = {0};
	int r = vn_acpi_hmat_parse(hmat->bytes, hmat->length, NULL, 0, "table", &parsed, &err);
	assert_int_equal(r, -EINVAL);
	assert_ptr_equal(parsed, (struct vn_hmat *)0x1);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].file, "table");
	assert_string_equal(err.problems[0].key, key);
	assert_string_equal(err.problems[0].text, text);
}

static void test_what_is_wrong_is_told(void **state)
{
	struct maker hmat, srat, wrong;
	(void)state;
	make_tables(&hmat, &srat);
	wrong = hmat;
	wrong.length = 20;
	must_refuse(&wrong, "byte 0", "20 bytes; expected a table of at least 40");
	must_refuse(&srat, "byte 0", "is no HMAT; expected a table with that signature");
	wrong = hmat;
	wrong.length--;
	must_refuse(&wrong, "byte 4", "a length of 136 bytes; expected 40 to 135");
	wrong = hmat;
	wrong.bytes[60]++;
	must_refuse(&wrong, "byte 9", "the checksum does not fit the content");
	wrong = hmat;
	wrong.bytes[8] = 9;
	end(&wrong);
	must_refuse(&wrong, "byte 8", "revision 9; expected 1 or 2");
	wrong = hmat;
	wrong.bytes[40 + 4] = 7;
	end(&wrong);
	must_refuse(&wrong, "byte 44", "a structure of 7 bytes; expected 8 to 96");
	wrong = hmat;
	wrong.bytes[40 + 16] = 4; /* a target more than there is room for */
	end(&wrong);
	must_refuse(&wrong, "byte 40", "a locality structure of 64 bytes; its 2 x 4 values need 72");
	wrong = hmat;
	wrong.bytes[40 + 15] = 0x80;
	end(&wrong);
	must_refuse(&wrong, "byte 52", "2147483650 initiators, 3 targets; expected at most 1024 each");
	wrong = hmat;
	wrong.bytes[40 + 9] = 6;
	end(&wrong);
	must_refuse(&wrong, "byte 49", "data type 6; expected 0 to 5");
	wrong = hmat;
	add(&wrong, 0, 3);
	end(&wrong);
	must_refuse(&wrong, "byte 136", "3 bytes behind the last structure; expected none");
}

/* More domains than Linux has nodes: two matrices of 1024 initiators each, none the same. */
static void test_domains_are_bounded(void **state)
{
	struct maker *m = calloc(1, sizeof(*m));
	(void)state;
	for (unsigned excess = 0; excess < 2; excess++) {
		struct vn_hmat *parsed = NULL;
		vn_autoerror err = {0};
		begin(m, "HMAT", 2, 40);
		for (unsigned half = 0; half < 2; half++) {
			unsigned n = 512 + (half ? excess : 0);
			add(m, 1, 4);
			add(m, 32 + 4 * n, 4);
			add(m, 0, 4);
			add(m, n, 4);
			add(m, 0, 8);
			add(m, 1, 8);
			for (unsigned i = 0; i < n; i++)
				add(m, half * 512 + i, 4);
		}
		end(m);
		int r = vn_acpi_hmat_parse(m->bytes, m->length, NULL, 0, "table", &parsed, &err);
		assert_int_equal(r, excess ? -EINVAL : 0);
		if (excess)
			assert_string_equal(
				err.problems[0].text, "too many proximity domains; expected at most 1024");
		vn_hmat_free(parsed);
	}
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix_cache_and_nodes),
		cmocka_unit_test(test_without_srat_no_node_is_known),
		cmocka_unit_test(test_units_of_revision_1),
		cmocka_unit_test(test_what_63_bits_do_not_hold),
		cmocka_unit_test(test_what_is_wrong_is_told),
		cmocka_unit_test(test_domains_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
