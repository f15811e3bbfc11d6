/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The calls of move_pages(2) for the pages of one window, and what their answers mean. The theory is in migrate.h. */

#include "migrate_window.h"

/* Where the n pages listed in `asked` are, into `answer`, and what that makes of them. */
int vn_send_ask(struct vn_migration *m, unsigned n, unsigned target);

/* Sends what may be transparent huge pages. Their pages are there or stuck then; of all else nothing is decided. */
int vn_send_huge(struct vn_migration *m, struct vn_window *window);

/* Sends what is left, page by page: all pages have a state then that is not left. */
int vn_send_each(struct vn_migration *m, struct vn_window *window);

/* Whether the pages from `at` on are where a transparent huge page may be; whether a page of such a piece is looked at before it is sent. */
bool vn_is_piece(const struct vn_window_pages *pages, unsigned at);
bool vn_is_sampled(unsigned page);
