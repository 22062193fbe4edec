/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_LOG_MERGE_H
#define FS_TREE_LOG_MERGE_H

#include "mcloud/buffer.h"

#include <stddef.h>

/* The log of one container: lines, each with an RFC 3339 time and a blank in front. */
struct mc_log {
	const char *name, *text;
	size_t size;
};

/* Adds all lines of LOGS to OUT by time, each with its container's name, padded to the longest, in front. Lines of one
 * log keep their order; one without a time belongs to the moment of the line before it. The last line may lack its
 * newline. */
void mc_log_merge(const struct mc_log *logs, size_t count, struct mc_buffer *out);

#endif
