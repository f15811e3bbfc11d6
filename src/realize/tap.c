/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "tap.h"

#include <string.h>

#include "../base/text.h"
#include "sys.h"

/* " \ net0: index=0,type=tap,ifname=tap0,script=no,downscript=no" */
char *vn_tap_ifname(const char *text, const char *id)
{
	static const char key[] = ",ifname=";
	vn_autofree char *copy = strdup(text);
	char *rest = copy, *line;

	while (rest && (line = strsep(&rest, "\r\n"))) {
		line += strspn(line, " \\");
		size_t length = strlen(id);
		if (strncmp(line, id, length) != 0 || line[length] != ':')
			continue;
		char *name = strstr(line, key);
		if (name)
			return strndup(name + sizeof(key) - 1, strcspn(name + sizeof(key) - 1, ","));
	}
	return NULL;
}

static int attach(const char *info, size_t index, const struct vn_vif *vif, struct vn_error *err)
{
	char id[32];
	snprintf(id, sizeof(id), "net%zu", index);
	vn_autofree char *ifname = vn_tap_ifname(info, id);

	if (!ifname)
		return vn_error_environment(
			err, -EPROTO, "QEMU's monitor: 'info network' tells no interface of %s", id);
	int r = vn_sys_bridge_add(vif->bridge, ifname);
	if (r < 0)
		return vn_error_environment(err, r, "interface %s: cannot be added to bridge %s: %s", ifname,
			vif->bridge, strerror(-r));
	r = vn_sys_link_up(ifname);
	if (r < 0)
		return vn_error_environment(
			err, r, "interface %s: cannot be set up: %s", ifname, strerror(-r));
	return 0;
}

int vn_taps_attach(struct vn_qmp *qmp, const struct vn_guest *guest, struct vn_error *err)
{
	vn_autofree char *info = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < guest->n_vifs; i++) {
		if (guest->vifs[i].type != VN_VIF_TAP || !guest->vifs[i].bridge)
			continue;
		if (!info)
			r = vn_qmp_human(qmp, "info network", &info, err);
		if (r == 0)
			r = attach(info, i, &guest->vifs[i], err);
	}
	return r;
}
