/* SPDX-License-Identifier: MIT */
#ifndef FS_ERRORS_H
#define FS_ERRORS_H

#include "mcloud/buffer.h"
#include "mcloud/error.h"

/* `errors`: the last 256 failures, as sentences. Safe in any thread. */
struct mc_errors;

struct mc_errors *mc_errors_new(void);
void mc_errors_free(struct mc_errors *errors);

/* OPERATION "mkdir", PATH from the mount point; both are copied. WHEN in seconds since 1970; 0: now. */
void mc_errors_add(
	struct mc_errors *errors, double when, const char *operation, const char *path, const struct mc_error *error);

/* One line each, oldest first: time, operation, path, errno's name, service, HTTP status, request id, message; by tabs,
 * "-" for what there isn't. */
void mc_errors_render(struct mc_errors *errors, struct mc_buffer *out);

#endif
