/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the replies of a guest agent say, each read or refused. All of them are the guest's, which is not trusted. */

#include "qga.h"

/* A line of the agent's: *ret_reply is what it returned, a new reference. -EREMOTEIO: an error, and *ret_reply its "desc" as a JSON string
 * that can be printed; -EPROTO: neither. */
int vn_qga_parse(const char *line, size_t length, json_t **ret_reply);

/* Whether the line ends in the answer to guest-sync-delimited, behind the last 0xFF in it, and has this number. */
bool vn_qga_is_sync(const char *line, size_t length, json_int_t number);

/* guest-info: adds the name of each of `commands` that it does not have, or that is not enabled, to a list "a, b". *ret_missing is new;
 * NULL: none is missing. -EPROTO, -ENOMEM. */
int vn_qga_missing(const json_t *reply, const char *const *commands, char **ret_missing);

/* guest-file-read: the bytes, of at most `room`; *ret_end: there is no more. -EPROTO. */
int vn_qga_chunk(const json_t *reply, size_t room, unsigned char *ret_bytes, size_t *ret_n, bool *ret_end);

/* guest-network-get-interfaces. -EPROTO. */
int vn_qga_interfaces(const json_t *reply, struct vn_qga_interfaces *ret);

/* RFC 4648. A new string; NULL when memory is short. */
char *vn_qga_base64(const char *bytes, size_t n);
