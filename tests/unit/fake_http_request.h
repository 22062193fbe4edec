/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAKE_HTTP_REQUEST_H
#define TESTS_FAKE_HTTP_REQUEST_H

#include "fake_http.h"
#include "mcloud/buffer.h"

/* What the fake server reads from a connection: request line and headers, then the body. NULL, false: the client has
 * gone, or said what isn't HTTP. */
struct fake_request *fake_request_read_head(int fd);
bool fake_request_read_body(int fd, struct fake_request *request);
void fake_request_free(struct fake_request *request);

bool fake_request_is_target(const struct fake_request *request, const char *expected);
bool fake_request_is_json(const struct fake_request *request, const char *expected);
bool fake_request_has_line(
	const struct fake_request *request, const char *line); /* a header, the case of letters aside */

/* False: the client has gone. */
bool fake_send(int fd, const void *bytes, size_t size);
bool fake_send_chunk(int fd, const void *bytes, size_t size);
bool fake_send_head(const struct fake_step *step, int fd);
/* False also when the body was to be cut short. */
bool fake_send_body(const struct fake_step *step, int fd);

#endif
