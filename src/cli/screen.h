/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A terminal that is drawn on as a whole. ncurses is loaded when a screen is opened (base/library.h), and everybody else lives without
 * it; a vnuma that was built without its header has no screen.
 */

#include "../base/error.h"

struct vn_screen;

enum vn_screen_ink {
	VN_SCREEN_PLAIN,
	VN_SCREEN_BOLD,
	VN_SCREEN_DIM,
	VN_SCREEN_BAR, /* reversed: a heading, the line that is chosen */
	VN_SCREEN_BAD,
	VN_SCREEN_WARN,
	VN_SCREEN_MILD,
};

/* Keys that are no character. */
enum vn_screen_key {
	VN_KEY_NONE = -1,
	VN_KEY_UP = 0x1000,
	VN_KEY_DOWN,
	VN_KEY_PAGE_UP,
	VN_KEY_PAGE_DOWN,
	VN_KEY_HOME,
	VN_KEY_END,
	VN_KEY_LEFT,
	VN_KEY_RIGHT,
	VN_KEY_ENTER,
	VN_KEY_ESCAPE,
	VN_KEY_RESIZE,
	VN_KEY_OTHER,
};

/* Takes the terminal over. -ENOTTY, -ENOENT (no ncurses), a problem of the environment. */
int vn_screen_open(struct vn_screen **ret_screen, struct vn_error *err);

/* Gives it back as it was. */
void vn_screen_close(struct vn_screen *screen);
static inline void vn_screen_closep(struct vn_screen **screen)
{
	vn_screen_close(*screen);
}
#define vn_autoscreen vn_cleanup(vn_screen_closep) struct vn_screen

void vn_screen_size(const struct vn_screen *screen, int *ret_rows, int *ret_columns);
void vn_screen_clear(struct vn_screen *screen);

/* Text from a cell on, cut at the right edge; `columns` >= 0: in so many cells, cut or filled up. Returns the column behind it. */
int vn_screen_put(
	struct vn_screen *screen, int row, int column, int columns, enum vn_screen_ink ink, const char *text);

/* What was put since, onto the terminal. */
void vn_screen_show(struct vn_screen *screen);

/* A key that was pressed: a character, a vn_screen_key; VN_KEY_NONE when there is none. Does not wait. */
int vn_screen_key(struct vn_screen *screen);
