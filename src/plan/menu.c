/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the bounds of the search pour memory and vCPUs over the places like a liquid. Parts are no liquid: a place
 * of 64 GiB and 8 cores takes two parts of 20 GiB and 4 vCPUs and not 64 GiB of them. All subsets of the parts still to be placed
 * are looked at once for each set that the search comes by (it places them in one order, so these are few), sorted by memory with
 * the best up to there, and a bound then asks with two look-ups what a place can take at most.
 */
#include "menu.h"

#include <stdlib.h>

bool vn_menus_make(const struct vn_instance *instance, struct vn_menus *ret_menus)
{
	if (instance->n_groups != 1 || instance->n_parts > VN_MENU_PARTS)
		return false;
	struct vn_menu **menus = calloc((size_t)1 << instance->n_parts, sizeof(struct vn_menu *));
	if (!menus)
		return false;
	*ret_menus = (struct vn_menus){instance, menus};
	/* cppcheck-suppress memleak; ret_menus has them */
	return true;
}

static void menu_free(struct vn_menu *menu)
{
	if (menu)
		free(menu->dishes);
	free(menu);
}

void vn_menus_clear(struct vn_menus *menus)
{
	for (size_t set = 0; menus->menus && set < (size_t)1 << menus->in->n_parts; set++)
		menu_free(menus->menus[set]);
	free(menus->menus);
	*menus = (struct vn_menus){0};
}

static int by_have(const void *a, const void *b)
{
	const struct vn_dish *x = a, *y = b;

	return (x->have > y->have) - (x->have < y->have);
}

/* Each subset once, then sorted, with the best of those before. */
static void list_dishes(const struct vn_instance *in, unsigned parts, struct vn_menu *menu)
{
	menu->n = 1;
	for (size_t v = 0; v < in->n_parts; v++) {
		const struct vn_part *part = &in->parts[v];
		size_t before = menu->n;
		if (!(parts >> v & 1))
			continue;
		for (size_t i = 0; i < before; i++) {
			const struct vn_dish *dish = &menu->dishes[i];
			menu->dishes[menu->n++] = (struct vn_dish){
				dish->have + part->mib, dish->have + part->mib, dish->vcpus + part->vcpus};
		}
	}
	qsort(menu->dishes, menu->n, sizeof(*menu->dishes), by_have);
	for (size_t i = 1; i < menu->n; i++) {
		uint64_t before = menu->dishes[i - 1].vcpus;
		menu->dishes[i].vcpus = before > menu->dishes[i].vcpus ? before : menu->dishes[i].vcpus;
	}
}

const struct vn_menu *vn_menus_get(struct vn_menus *menus, unsigned parts)
{
	if (!menus->menus || menus->menus[parts])
		return menus->menus ? menus->menus[parts] : NULL;
	struct vn_menu *menu = calloc(1, sizeof(*menu));
	if (menu)
		menu->dishes = calloc((size_t)1 << __builtin_popcount(parts), sizeof(*menu->dishes));
	if (!menu || !menu->dishes) {
		menu_free(menu);
		return NULL;
	}
	list_dishes(menus->in, parts, menu);
	for (size_t v = 0; v < menus->in->n_parts; v++) {
		if (parts >> v & 1)
			vn_knapsack_add(menu->mib_by_cores, &menus->in->parts[v]);
	}
	menus->menus[parts] = menu;
	return menu;
}

/* The last dish that has no more than that. */
static const struct vn_dish *find_dish(const struct vn_menu *menu, uint64_t mib)
{
	size_t low = 0, high = menu->n;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (menu->dishes[middle].have <= mib)
			low = middle;
		else
			high = middle;
	}
	return &menu->dishes[low];
}

uint64_t vn_menu_mib(const struct vn_menu *menu, uint64_t mib, uint64_t cores)
{
	uint64_t by_cores = cores < VN_MENU_CORES ? menu->mib_by_cores[cores] : UINT64_MAX;

	return vn_min(find_dish(menu, mib)->mib, by_cores);
}

uint64_t vn_menu_vcpus(const struct vn_menu *menu, uint64_t mib)
{
	return find_dish(menu, mib)->vcpus;
}
