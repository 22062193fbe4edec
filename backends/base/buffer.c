/* SPDX-License-Identifier: MIT */
#include "mcloud/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mc_buffer_free(struct mc_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct mc_buffer){0};
}

/* Room for SIZE more bytes and the NUL. */
static int reserve(struct mc_buffer *buffer, size_t size)
{
	size_t needed, capacity = buffer->capacity ? buffer->capacity : 64;

	if (buffer->failed)
		return buffer->failed;
	if (__builtin_add_overflow(buffer->size, size, &needed) || ++needed > SIZE_MAX / 2)
		return buffer->failed = -ENOMEM;
	if (buffer->data && needed <= buffer->capacity)
		return 0;
	while (capacity < needed)
		capacity *= 2;
	char *data = realloc(buffer->data, capacity);
	if (!data)
		return buffer->failed = -ENOMEM;
	buffer->data = data;
	buffer->capacity = capacity;
	buffer->data[buffer->size] = '\0';
	return 0;
}

void mc_buffer_add(struct mc_buffer *buffer, const void *data, size_t size)
{
	if (reserve(buffer, size) < 0)
		return;
	if (size > 0)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	buffer->data[buffer->size] = '\0';
}

void mc_buffer_text(struct mc_buffer *buffer, const char *text)
{
	mc_buffer_add(buffer, text, strlen(text));
}

void mc_buffer_printf(struct mc_buffer *buffer, const char *format, ...)
{
	va_list arguments, again;

	if (reserve(buffer, 0) < 0)
		return;
	va_start(arguments, format);
	va_copy(again, arguments);
	size_t room = buffer->capacity - buffer->size;
	int length = vsnprintf(buffer->data + buffer->size, room, format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length >= room && reserve(buffer, (size_t)length) == 0)
		vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, again);
	va_end(again);
	if (length < 0)
		buffer->failed = -ENOMEM;
	if (!buffer->failed)
		buffer->size += (size_t)length;
	buffer->data[buffer->size] = '\0';
}

void mc_buffer_drop(struct mc_buffer *buffer, size_t size)
{
	if (!buffer->data)
		return;
	if (size > buffer->size)
		size = buffer->size;
	buffer->size -= size;
	memmove(buffer->data, buffer->data + size, buffer->size + 1);
}

size_t mc_buffer_take(struct mc_buffer *buffer, void *to, size_t size)
{
	if (size > buffer->size)
		size = buffer->size;
	if (size)
		memcpy(to, buffer->data, size);
	mc_buffer_drop(buffer, size);
	return size;
}

char *mc_buffer_steal(struct mc_buffer *buffer, size_t *ret_size)
{
	if (reserve(buffer, 0) < 0) {
		mc_buffer_free(buffer);
		return NULL;
	}
	char *data = buffer->data;
	if (ret_size)
		*ret_size = buffer->size;
	*buffer = (struct mc_buffer){0};
	return data;
}
