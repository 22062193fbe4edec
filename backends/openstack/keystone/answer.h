/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_KEYSTONE_ANSWER_H
#define BACKENDS_OPENSTACK_KEYSTONE_ANSWER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reading what Keystone says; all of it is outside input. */

/* Longest JSON answer that is parsed as a whole. */
#define MC_KEYSTONE_ANSWER_LIMIT ((size_t)16 << 20)

/* BODY as a JSON object: NULL in *RET for an empty one. 0, -EFBIG, -EBADMSG (not an object, or something behind it). */
int mc_keystone_answer_parse(const char *body, size_t size, cJSON **ret);

/* Keystone's own words of an error answer, {"error": {"message": …}}, cut to fit; "" when there are none. */
void mc_keystone_answer_message(const char *body, size_t size, char *text, size_t text_size);

/* How long the token of a login's answer lives, from its issued_at to its expires_at. 0 or -EBADMSG. */
int mc_keystone_answer_lifetime(const cJSON *answer, int64_t *ret_ms);

/* Whether TOKEN can be one: one word of printable ASCII, not endless. */
bool mc_keystone_answer_is_token(const char *token);

#endif
