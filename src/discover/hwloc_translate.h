/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* hwloc XML of any version -> checked XML of version 2.0, in the form that hwloc's own small parser reads. Internal. */

#include "hwloc_document.h"

struct vn_hwloc_text {
	char *xml; /* owned */
	size_t length; /* with the NUL, as hwloc_topology_set_xmlbuffer wants it */
	unsigned
		devices_left_out; /* PCI devices whose domain has more than 16 bits: Debian's hwloc cannot hold them */
};

/* All problems of the document are told, up to 20. */
int vn_hwloc_translate(const struct vn_element *root, const char *file, struct vn_hwloc_text *ret_text,
	struct vn_error *err);
