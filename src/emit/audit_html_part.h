/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the parts of the page share. Internal to emit/. */

#include "../base/text.h"
#include "../model/audit_known.h"
#include "xml.h"

struct vn_page {
	const struct vn_audit *audit;
	FILE *out;
};

/* The first line up to <body>, with style and policy; the end with the script (audit_html_page.c). */
void vn_page_begin(const struct vn_page *page, const char *title);
void vn_page_end(const struct vn_page *page);

/* Text, escaped. */
void vn_page_text(const struct vn_page *page, const char *text);
void vn_page_textf(const struct vn_page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A bar as wide as its place, of 1000 units. */
void vn_page_bar_begin(const struct vn_page *page, const char *class, const char *label);
/* A piece of it `units` wide at `at`; `title` is its tooltip. Returns where it ends. */
double vn_page_bar_piece(
	const struct vn_page *page, double at, double units, const char *class, const char *title);
void vn_page_bar_end(const struct vn_page *page);

/* Where in the page a VM is: the value of an id or, behind #, a link. */
void vn_page_vm_id(const struct vn_page *page, const struct vn_vm_sample *vm);

void vn_page_findings(const struct vn_page *page, const struct vn_findings *findings);

/* The nodes with what each VM has of them; the hardware as a picture (audit_html_host.c). 0 or -ENOMEM. */
int vn_page_host(const struct vn_page *page);

/* All about a VM, folded unless `open` (audit_html_vm.c, audit_html_io.c). */
void vn_page_vm(const struct vn_page *page, const struct vn_vm_audit *vm, bool open);
void vn_page_vm_io(const struct vn_page *page, const struct vn_vm_sample *vm);
