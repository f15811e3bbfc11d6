/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a finding costs, in CPUs' worth of time that is lost now.
 *
 * Theory of operation: the SLIT gives the time of an access relative to a local one, which is 10 (ACPI 6.5, section 5.2.17). Work that
 * takes a CPU's whole time at the mean distance d would have taken 10/d of it had all of its memory been local: 1 - 10/d of the time is
 * lost. That holds to the letter for a program that does nothing but wait for memory; one that computes in its caches loses less, none
 * loses more. So the cost is what a mend can win at most. It puts findings in order and tells a busy VM from an idle one, which loses
 * nothing wherever its memory is; it does not foretell a run time.
 *
 * Time spent waiting for a CPU is lost as it stands. Where only events are counted (interrupts, faults) each is taken for a fixed time
 * of the order that is measured on two-socket machines; the figures below only have to be right to a factor of a few.
 */

#include "../model/audit.h"

/* Bounds of the severities, in CPUs. Below LOW nobody could measure it: a hundredth of one CPU. */
#define VN_COST_LOW 0.01
#define VN_COST_MEDIUM 0.1
#define VN_COST_HIGH 0.5

/* What a busy thread loses while its core's other thread is busy, too: two make about 1.2 of one, so each has 0.6. */
#define VN_SMT_LOSS 0.4

#define VN_REMOTE_IRQ_NS 1000.0 /* waking a CPU of another node, and fetching what the interrupt brought */
#define VN_HINT_FAULT_NS                                                                                     \
	1000.0 /* a fault of NUMA balancing, with the guest's mapping torn down and made again */
#define VN_MIGRATED_PAGE_NS 3000.0 /* a page of 4 KiB: copied at 3.3 GB/s, unmapped, mapped */

/* Of a distance that is not told, or that cannot be (two nodes 10 apart): as the planner takes it. */
#define VN_COST_DISTANCE 20u

static inline double vn_cost_of_distance(double cpus, double distance)
{
	return distance > VN_DISTANCE_LOCAL ? cpus * (1 - VN_DISTANCE_LOCAL / distance) : 0;
}

static inline enum vn_severity vn_cost_severity(double cost)
{
	if (cost >= VN_COST_HIGH)
		return VN_SEVERITY_HIGH;
	if (cost >= VN_COST_MEDIUM)
		return VN_SEVERITY_MEDIUM;
	return cost >= VN_COST_LOW ? VN_SEVERITY_LOW : VN_SEVERITY_NOTICE;
}
