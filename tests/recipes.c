/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usage: recipes: the names of the recipes; recipes NAME FOLDER: its command line, a NUL behind each word. For qemu_accepts.t. */
#include "recipe_guests.h"

int main(int argc, char **argv)
{
	for (size_t i = 0; i < N_RECIPES; i++) {
		if (argc == 1)
			puts(recipes[i].name);
		if (argc != 3 || strcmp(argv[1], recipes[i].name) != 0)
			continue;
		vn_autoguest *guest = recipe_guest(&recipes[i], argv[2]);
		vn_autoargv words = {0};
		recipe_argv(&recipes[i], guest, NULL, &words);
		for (size_t k = 0; k < words.n; k++)
			fwrite(words.v[k], 1, strlen(words.v[k]) + 1, stdout);
		return 0;
	}
	return argc == 1 ? 0 : 2;
}
