/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_BUFFER_H
#define MCLOUD_BUFFER_H

#include "mcloud/util.h"

#include <errno.h>
#include <stddef.h>

/* Bytes that grow. Starts as { 0 }; running out of memory is remembered in `failed`, so that a writer checks once, at
 * the end. `data` is NUL-terminated behind `size` bytes whenever it is not NULL. */
struct mc_buffer {
	char *data;
	size_t size, capacity;
	int failed; /* -ENOMEM, or 0 */
};

void mc_buffer_free(struct mc_buffer *buffer);
void mc_buffer_add(struct mc_buffer *buffer, const void *data, size_t size);
void mc_buffer_text(struct mc_buffer *buffer, const char *text);
void mc_buffer_printf(struct mc_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes away the first SIZE bytes. */
void mc_buffer_drop(struct mc_buffer *buffer, size_t size);

/* Moves the first SIZE bytes, or all if there are fewer, to TO; gives how many. */
size_t mc_buffer_take(struct mc_buffer *buffer, void *to, size_t size);

/* The bytes, NUL-terminated, owned by the caller; the buffer is empty afterwards. NULL: out of memory. */
char *mc_buffer_steal(struct mc_buffer *buffer, size_t *ret_size);

static inline void mc_cleanup_buffer(struct mc_buffer *buffer)
{
	int saved = errno;
	mc_buffer_free(buffer);
	errno = saved;
}

#endif
