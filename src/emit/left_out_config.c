/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a config says that no other form is told: keys of Xen's that vnuma makes no use of, and bridges for a command line. */
#include <string.h>

#include "../base/cfg.h"
#include "left_out_part.h"

/* All that the guest has of it, and so the writers, or what the plan takes the place of. weight, cap and exclusive_cores have notes of
 * their own where they are left out. */
static const struct vn_left_rule rules[] = {{"name", TO_ALL, NULL}, {"uuid", TO_ALL, NULL},
	{"memory", TO_ALL, NULL}, {"maxmem", TO_ALL, NULL}, {"vcpus", TO_ALL, NULL},
	{"maxvcpus", TO_ALL, NULL}, {"cpus", TO_ALL, NULL}, {"kernel", TO_ALL, NULL},
	{"ramdisk", TO_ALL, NULL}, {"extra", TO_ALL, NULL}, {"disk", TO_ALL, NULL}, {"vif", TO_ALL, NULL},
	{"pci", TO_ALL, NULL}, {"hugepages", TO_ALL, NULL}, {"guest_numa", TO_ALL, NULL},
	{"exclusive_cores", TO_ALL, NULL}, {"weight", TO_ALL, NULL}, {"cap", TO_ALL, NULL},
	{"policy", TO_ALL, NULL}, {"memory_policy", TO_ALL, NULL}, {"threads", TO_ALL, NULL},
	{"vnodes", TO_ALL, NULL}, {"vnumamem", TO_ALL, NULL}, {"vnumamem_min", TO_QEMU | TO_LIBVIRT, NULL},
	{"vnumamem_max", TO_QEMU | TO_LIBVIRT, NULL}, {"vdistance", TO_ALL, NULL},
	{"vnuma_vcpumap", TO_ALL, NULL}, {"vnuma_vnodemap", TO_ALL, NULL}, {"vnuma", TO_ALL, NULL},
	{"vnode", TO_ALL, NULL}, {"vcpu", TO_ALL, NULL},
	{"vnuma_hmat", TO_ALL, NULL}, /* Xen: a note of its own */
	{"vnuma_distance", TO_ALL, NULL}, {"vcpu_to_vnode", TO_ALL, NULL}, {"type", TO_ALL, "|hvm|"},
	{"builder", TO_ALL, "|hvm|"}, {"channel", TO_ALL, NULL}}; /* see look_at_channels() */

static bool is_carried(const struct vn_left_out *left, const struct vn_cfg_entry *entry)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i].name, entry->key) == 0 && (rules[i].to & left->to))
			return vn_left_has_value(&rules[i], entry->value.text);
	}
	return false;
}

/* Those that are not in the guest: none of them is a socket. */
static void look_at_channels(struct vn_left_out *left, const struct vn_cfg_entry *entry)
{
	for (size_t i = 0; entry && i < entry->value.n; i++) {
		if (!vn_left_is_carried_device(left, entry->value.items[i].begin))
			vn_left_add(left, entry->value.items[i].line, "channel connection=pty");
	}
}

int vn_left_config(struct vn_left_out *left, struct vn_error *err)
{
	vn_autocfg cfg = {0};

	int r = vn_cfg_parse(left->guest->text, left->guest->file, &cfg, err);
	for (size_t i = 0; r == 0 && i < cfg.n; i++) {
		if (!is_carried(left, &cfg.entries[i]))
			vn_left_add(left, cfg.entries[i].line, "%s", cfg.entries[i].key);
	}
	look_at_channels(left, vn_cfg_find(&cfg, "channel"));
	const struct vn_cfg_entry *vif = vn_cfg_find(&cfg, "vif");
	for (size_t i = 0; vif && left->to == TO_QEMU && i < left->guest->n_vifs; i++) {
		if (left->guest->vifs[i].bridge)
			vn_left_add(left, vif->line, "vif bridge=");
	}
	return r;
}
