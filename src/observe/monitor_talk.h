/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* One conversation with a QMP server, in which nothing is waited for: many can be held at once. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define VN_TALK_WHY 256u /* bytes */

/* What is asked, in this order. None of it changes anything. */
enum vn_question {
	VN_ASK_CPUS, /* query-cpus-fast */
	VN_ASK_IOTHREADS, /* query-iothreads */
	VN_ASK_MEMDEVS, /* query-memdev */
	VN_ASK_RAMBLOCKS, /* info ramblock, a text; may be refused */
	VN_ASK_MEMORY_DEVICES, /* query-memory-devices; may be refused */
	VN_QUESTIONS
};

struct vn_monitor_talk {
	int fd; /* connected, does not block; owned; -1: none */
	bool greeted;
	unsigned replies; /* the first is that of the negotiation */
	char *buffer; /* received, not yet read */
	size_t length, capacity, received; /* bytes; received in all */
	char why[VN_TALK_WHY]; /* it failed: well-formed text for people */
};

/* Reads an answer, which is borrowed. 0; -EPROTO: it is not understood; -ENOMEM. */
typedef int vn_answer_reader(enum vn_question question, const json_t *answer, void *data);

/* Asks everything. `fd` is taken over in any case. 0, or a negative errno with a reason in talk->why. */
int vn_monitor_talk_begin(struct vn_monitor_talk *talk, int fd);

/*
 * Reads what has arrived (once poll(2) says that something has). 1: all is answered; 0: not yet; a negative errno with a reason in
 * talk->why: it is over. -ENOMEM without one.
 */
int vn_monitor_talk_go_on(struct vn_monitor_talk *talk, vn_answer_reader *read_answer, void *data);

void vn_monitor_talk_end(struct vn_monitor_talk *talk);
