/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings_text.h"

#include <stdio.h>

#define UNKNOWN "not known"

static void put_number(struct vn_setting *setting, const char *name, int value)
{
	setting->name = name;
	if (value < 0)
		snprintf(setting->value, VN_SETTING_TEXT, UNKNOWN);
	else
		snprintf(setting->value, VN_SETTING_TEXT, "%d", value);
}

static void put_choice(
	struct vn_setting *setting, const char *name, int value, const char *yes, const char *no)
{
	setting->name = name;
	snprintf(setting->value, VN_SETTING_TEXT, "%s", value < 0 ? UNKNOWN : value ? yes : no);
}

static const char *word(const char *text)
{
	return *text ? text : UNKNOWN;
}

void vn_settings_words(const struct vn_sample *sample, struct vn_setting ret[static VN_SETTINGS_N])
{
	const struct vn_host_settings *settings = &sample->settings;
	hwloc_const_bitmap_t isolated = sample->host->isolated_cpus;
	vn_autofree char *cpus = isolated ? vn_set_text(isolated) : NULL;

	put_number(&ret[0], "kernel.numa_balancing", sample->host->numa_balancing);
	put_number(&ret[1], "vm.zone_reclaim_mode", settings->zone_reclaim);
	ret[2].name = "transparent huge pages";
	snprintf(ret[2].value, VN_SETTING_TEXT, "%s (defrag %s, shmem %s)", word(settings->thp),
		word(settings->thp_defrag), word(settings->thp_shmem));
	put_choice(&ret[3], "KSM", settings->ksm, "on", "off");
	put_choice(&ret[4], "KSM across nodes", settings->ksm_merges_nodes, "merges", "does not merge");
	put_choice(&ret[5], "irqbalance", settings->irqbalance, "runs", "does not run");
	put_choice(&ret[6], "numad", settings->numad, "runs", "does not run");
	ret[7].name = "isolated CPUs";
	snprintf(ret[7].value, VN_SETTING_TEXT, "%s", !isolated ? UNKNOWN : cpus && *cpus ? cpus : "none");
}
