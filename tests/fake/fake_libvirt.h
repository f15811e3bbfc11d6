/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A libvirt of one domain, in a folder that $VNUMA_FAKE_LIBVIRT names:
 *
 * | file | has |
 * | --- | --- |
 * | xml | the domain's XML; without it there is no such domain |
 * | uuid | its uuid; without it, it has every one |
 * | nodes | of its <numatune>; set by virDomainSetNumaParameters(), unless there is ... |
 * | cgroups | lines, each a file in the folder that gets these nodes, too: the cpuset.mems of the domain's threads |
 * | refuse | ... why what is told to change is refused |
 * | device | the last XML that virDomainUpdateDeviceFlags() got; xml-then, where it is, takes the place of xml |
 * | then | what comes after that call: "ends", the domain; "hang", "crash": that file, and this is no more |
 * | log | a line for each call that changes something |
 * | hang, crash | connecting takes for ever, or ends the process |
 * | agent | "silent", "none": why the guest's agent cannot be asked; "ends", "hangs": what it does when asked for more than a sync |
 */

/* The text of a file of that folder, new; NULL: it is not there. */
char *fake_read(const char *file);
void fake_write(const char *file, const char *how, const char *text);

/* Makes it what libvirt said last; returns -1. */
int fake_fail(int code, const char *text);
