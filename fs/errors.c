/* SPDX-License-Identifier: MIT */
#include "fs/errors.h"

#include "mcloud/lock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEPT = 256 };

struct mc_errors {
	mc_mutex lock; /* guards all; a leaf */
	char *lines[KEPT];
	unsigned long added;
};

struct mc_errors *mc_errors_new(void)
{
	struct mc_errors *errors = calloc(1, sizeof *errors);

	if (errors)
		pthread_mutex_init(&errors->lock, NULL);
	return errors;
}

void mc_errors_free(struct mc_errors *errors)
{
	if (!errors)
		return;
	for (unsigned i = 0; i < KEPT; i++)
		free(errors->lines[i]);
	pthread_mutex_destroy(&errors->lock);
	free(errors);
}

/* TEXT in one field of one line: what would end the field or the line is shown as a blank, and what isn't UTF-8 (a name
 * that was refused for that) as question marks. */
static void add_field(struct mc_buffer *line, const char *text)
{
	size_t from = line->size;

	mc_buffer_text(line, text && *text ? text : "-");
	for (size_t i = from, length; i < line->size; i += length ? length : 1) {
		length = mc_utf8_sequence(line->data + i);
		if (!length)
			line->data[i] = '?';
		else if ((unsigned char)line->data[i] < ' ' || line->data[i] == 0x7f)
			line->data[i] = ' ';
	}
}

void mc_errors_add(
	struct mc_errors *errors, double when, const char *operation, const char *path, const struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer line = {0};
	char text[32], status[16] = "";

	if (error->http_status)
		snprintf(status, sizeof status, "%d", error->http_status);
	mc_format_time(when > 0 ? when : mc_wall_clock(), text, sizeof text);
	const char *const fields[] = {text, operation, path, mc_error_name(error->code),
		*error->service ? error->service : "mcloudfs", status, error->request_id, error->message};
	for (size_t i = 0; i < MC_COUNT(fields); i++) {
		if (i)
			mc_buffer_text(&line, "\t");
		add_field(&line, fields[i]);
	}
	mc_buffer_text(&line, "\n");
	char *steal = mc_buffer_steal(&line, NULL);
	if (!steal)
		return;
	char *old;
	MC_LOCKED(&errors->lock) {
		char **slot = &errors->lines[errors->added++ % KEPT];
		old = *slot;
		*slot = steal;
	}
	free(old);
}

void mc_errors_render(struct mc_errors *errors, struct mc_buffer *out)
{
	MC_LOCKED(&errors->lock) {
		unsigned long from = errors->added > KEPT ? errors->added - KEPT : 0;
		for (unsigned long i = from; i < errors->added; i++)
			mc_buffer_text(out, errors->lines[i % KEPT]);
	}
}
