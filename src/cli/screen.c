/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "screen.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "../base/columns.h"
#include "../base/library.h"

#ifdef VN_HAVE_NCURSES
#define NCURSES_NOMACROS
#define NCURSES_OPAQUE 1
#include <ncurses.h>

struct ncurses_calls {
	__typeof__(newterm) *newterm;
	__typeof__(delscreen) *delscreen;
	__typeof__(endwin) *endwin;
	__typeof__(newwin) *newwin;
	__typeof__(cbreak) *cbreak;
	__typeof__(noecho) *noecho;
	__typeof__(curs_set) *curs_set;
	__typeof__(keypad) *keypad;
	__typeof__(nodelay) *nodelay;
	__typeof__(set_escdelay) *set_escdelay;
	__typeof__(has_colors) *has_colors;
	__typeof__(start_color) *start_color;
	__typeof__(use_default_colors) *use_default_colors;
	__typeof__(init_pair) *init_pair;
	__typeof__(getmaxx) *getmaxx;
	__typeof__(getmaxy) *getmaxy;
	__typeof__(werase) *werase;
	__typeof__(wmove) *wmove;
	__typeof__(wattrset) *wattrset;
	__typeof__(waddnstr) *waddnstr;
	__typeof__(wrefresh) *wrefresh;
	__typeof__(wgetch) *wgetch;
	__typeof__(wresize) *wresize;
	__typeof__(clearok) *clearok;
};

#define CALL(name) VN_SYMBOL(struct ncurses_calls, name)
static const struct vn_symbol symbols[] = {CALL(newterm), CALL(delscreen), CALL(endwin), CALL(newwin),
	CALL(cbreak), CALL(noecho), CALL(curs_set), CALL(keypad), CALL(nodelay), CALL(set_escdelay),
	CALL(has_colors), CALL(start_color), CALL(use_default_colors), CALL(init_pair), CALL(getmaxx),
	CALL(getmaxy), CALL(werase), CALL(wmove), CALL(wattrset), CALL(waddnstr), CALL(wrefresh),
	CALL(wgetch), CALL(wresize), CALL(clearok), {0}};

static const char *const names[] = {"libncursesw.so.6", "libncursesw.so", NULL};

struct vn_screen {
	struct ncurses_calls calls;
	SCREEN *terminal;
	WINDOW *window;
	bool coloured;
};

/* The characters that we print are UTF-8 whatever the locale says; ncurses asks the locale. */
static void speak_utf8(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static void set_up(struct vn_screen *screen)
{
	const struct ncurses_calls *calls = &screen->calls;
	const char *no = getenv("NO_COLOR");

	calls->cbreak();
	calls->noecho();
	calls->curs_set(0);
	calls->keypad(screen->window, TRUE);
	calls->nodelay(screen->window, TRUE);
	calls->set_escdelay(25); /* ms: Esc alone shall not take a second */
	if ((no && *no) || !calls->has_colors() || calls->start_color() == ERR)
		return;
	short ground = calls->use_default_colors() == OK ? -1 : COLOR_BLACK;
	calls->init_pair(1, COLOR_RED, ground);
	calls->init_pair(2, COLOR_YELLOW, ground);
	calls->init_pair(3, COLOR_CYAN, ground);
	screen->coloured = true;
}

int vn_screen_open(struct vn_screen **ret_screen, struct vn_error *err)
{
	vn_autofree struct vn_screen *screen = calloc(1, sizeof(*screen));

	if (!screen)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return vn_error_environment(err, /* cppcheck-suppress memleak ; freed by its clean-up */
			-ENOTTY, "a full screen needs a terminal; 'vnuma audit --watch' prints to anything");
	int r = vn_library_load(names, "a full screen", symbols, &screen->calls, err);
	if (r < 0)
		return r;
	speak_utf8();
	screen->terminal = screen->calls.newterm(NULL, stdout, stdin);
	if (!screen->terminal)
		return vn_error_environment(
			err, -ENOTTY, "the terminal (TERM) is not known, or cannot show a full screen");
	screen->window = screen->calls.newwin(0, 0, 0, 0);
	if (!screen->window) {
		screen->calls.endwin();
		return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	set_up(screen);
	*ret_screen = vn_steal(screen);
	return 0;
}

void vn_screen_close(struct vn_screen *screen)
{
	if (!screen)
		return;
	screen->calls.endwin();
	screen->calls.delscreen(screen->terminal);
	free(screen);
}

void vn_screen_size(const struct vn_screen *screen, int *ret_rows, int *ret_columns)
{
	*ret_rows = screen->calls.getmaxy(screen->window);
	*ret_columns = screen->calls.getmaxx(screen->window);
}

void vn_screen_clear(struct vn_screen *screen)
{
	screen->calls.werase(screen->window);
}

static chtype attribute(const struct vn_screen *screen, enum vn_screen_ink ink)
{
	static const chtype mono[] = {A_NORMAL, A_BOLD, A_DIM, A_REVERSE, A_BOLD, A_BOLD, A_NORMAL};
	static const unsigned char pairs[] = {0, 0, 0, 0, 1, 2, 3};
	chtype pair =
		screen->coloured ? (chtype)pairs[ink] << 8 : 0; /* COLOR_PAIR(n), which is a function here */

	return mono[ink] | pair;
}

int vn_screen_put(
	struct vn_screen *screen, int row, int column, int columns, enum vn_screen_ink ink, const char *text)
{
	int rows, width;

	vn_screen_size(screen, &rows, &width);
	if (row < 0 || row >= rows || column < 0 || column >= width)
		return column;
	int room = width - column;
	size_t wanted = columns >= 0 ? (size_t)columns : vn_columns(text);
	if (wanted > (size_t)room)
		wanted = (size_t)room;
	vn_autofree char *cut = vn_in_columns(text, wanted);
	screen->calls.wmove(screen->window, row, column);
	screen->calls.wattrset(screen->window, (int)attribute(screen, ink));
	if (cut)
		screen->calls.waddnstr(screen->window, cut, -1);
	screen->calls.wattrset(screen->window, A_NORMAL);
	return column + (int)wanted;
}

void vn_screen_show(struct vn_screen *screen)
{
	screen->calls.wrefresh(screen->window);
}

int vn_screen_key(struct vn_screen *screen)
{
	static const struct {
		int code, key;
	} keys[] = {{KEY_UP, VN_KEY_UP}, {KEY_DOWN, VN_KEY_DOWN}, {KEY_PPAGE, VN_KEY_PAGE_UP},
		{KEY_NPAGE, VN_KEY_PAGE_DOWN}, {KEY_HOME, VN_KEY_HOME}, {KEY_END, VN_KEY_END},
		{KEY_LEFT, VN_KEY_LEFT}, {KEY_RIGHT, VN_KEY_RIGHT}, {KEY_ENTER, VN_KEY_ENTER},
		{'\n', VN_KEY_ENTER}, {'\r', VN_KEY_ENTER}, {27, VN_KEY_ESCAPE},
		{KEY_BACKSPACE, VN_KEY_ESCAPE}, {127, VN_KEY_ESCAPE}, {KEY_RESIZE, VN_KEY_RESIZE}};
	int code = screen->calls.wgetch(screen->window);

	if (code == ERR)
		return VN_KEY_NONE;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].code == code)
			return keys[i].key;
	}
	return code < 256 ? code : VN_KEY_OTHER;
}

#else /* built without ncurses */

int vn_screen_open(struct vn_screen **ret_screen, struct vn_error *err)
{
	(void)ret_screen;
	return vn_error_environment(err, -ENOENT,
		"this vnuma was built without ncurses and has no full screen; 'vnuma audit --watch' needs none");
}

void vn_screen_close(struct vn_screen *screen)
{
	(void)screen;
}

void vn_screen_size(const struct vn_screen *screen, int *ret_rows, int *ret_columns)
{
	(void)screen;
	*ret_rows = *ret_columns = 0;
}

void vn_screen_clear(struct vn_screen *screen)
{
	(void)screen;
}

int vn_screen_put(
	struct vn_screen *screen, int row, int column, int columns, enum vn_screen_ink ink, const char *text)
{
	(void)screen;
	(void)row;
	(void)columns;
	(void)ink;
	(void)text;
	return column;
}

void vn_screen_show(struct vn_screen *screen)
{
	(void)screen;
}

int vn_screen_key(struct vn_screen *screen)
{
	(void)screen;
	return VN_KEY_NONE;
}

#endif
