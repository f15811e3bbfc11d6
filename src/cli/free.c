/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

/* Reads CELLS and checks that the host has each of them. */
static int read_cells(
	const char *text, const struct vn_host *host, hwloc_bitmap_t *ret_cells, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "CELLS"};
	vn_autoset cells = NULL, unknown = hwloc_bitmap_alloc();
	int r = vn_set_parse(text, &cells);

	if (r == -ENOMEM || !unknown)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (r < 0 || hwloc_bitmap_iszero(cells))
		return vn_error_input(err, &where, "'%s'; expected a list of node numbers like 0-3,8", text);
	hwloc_bitmap_copy(unknown, cells);
	for (size_t i = 0; i < host->n_nodes; i++)
		hwloc_bitmap_clr(unknown, host->nodes[i].id);
	if (!hwloc_bitmap_iszero(unknown)) {
		vn_autofree char *names = vn_set_text(unknown);
		return vn_error_input(err, &where,
			"the host has no node %s; 'vnuma topology' lists those it has", names ? names : text);
	}
	*ret_cells = vn_steal(cells);
	return 0;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autohost *host = NULL;
	vn_autoset cells = NULL;
	int r = vn_args_host(args, &host, err);

	if (r == 0 && args->n_operands == 1)
		r = read_cells(args->operands[0], host, &cells, err);
	if (r < 0)
		return r;
	if (args->json)
		return vn_print_json(vn_host_free_to_json(host, cells), err);
	vn_host_free_print(host, cells, stdout);
	return VN_EXIT_DONE;
}

const struct vn_verb verb_free = {
	.name = "free",
	.operands = "[CELLS]",
	.max_operands = 1,
	.summary = "free memory and free huge pages of nodes",
	.details = "CELLS is a list of node numbers like 0-3,8; all nodes without it.",
	.options = {{"host", "SRC", "where the host is read from ('vnuma help topology')"}},
	.run = run,
};
