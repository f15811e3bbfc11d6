/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a monitor sends until it hangs up: whatever it is, the talk ends, and facts are within their limits. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../src/observe/monitor_facts.h"

#define SENT_MOST 65536u /* bytes; fits into the socket */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_answer(enum vn_question question, const json_t *answer, void *facts)
{
	return vn_monitor_facts_read(facts, question, answer);
}

static void check(const struct vn_monitor_facts *facts)
{
	for (size_t i = 0; i < facts->n_threads; i++) {
		if (facts->threads[i].tid <= 0 || !memchr(facts->threads[i].id, 0, VN_SAMPLE_TEXT))
			abort();
	}
	for (size_t i = 0; i < facts->n_blocks; i++) {
		if (facts->blocks[i].size == 0 || facts->blocks[i].vnode < -1 ||
			facts->blocks[i].vnode >= (int)VN_MAX_VNODES ||
			!memchr(facts->blocks[i].id, 0, VN_SAMPLE_TEXT))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vn_monitor_talk talk = {.fd = -1};
	vn_autofacts facts = {0};
	int ends[2], r = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		abort();
	if (vn_monitor_talk_begin(&talk, ends[0]) < 0)
		abort();
	if (send(ends[1], data, size < SENT_MOST ? size : SENT_MOST, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && size)
		abort();
	shutdown(ends[1], SHUT_WR); /* not closed: what was sent to it is not read */
	while (r == 0)
		r = vn_monitor_talk_go_on(&talk, read_answer, &facts);
	check(&facts);
	if (r < 0 && !*talk.why)
		abort();
	vn_monitor_talk_end(&talk);
	close(ends[1]);
	return 0;
}
