/* SPDX-License-Identifier: MIT */
#include "fs/tree/log_merge.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The engine's times have nanoseconds, which a double of seconds since 1970 can't hold. */
struct moment {
	double second;
	uint32_t nanosecond;
};

struct cursor {
	const struct mc_log *log;
	const char *line, *end; /* of the next line; at the end of the text: NULL */
	size_t length;          /* of the line, without newline */
	struct moment moment;
};

static bool earlier(struct moment a, struct moment b)
{
	return a.second < b.second || (a.second == b.second && a.nanosecond < b.nanosecond); /* whole seconds: exact */
}

/* The time in front of LINE, to *MOMENT; it stays as it is where there is none. */
static void read_moment(const char *line, size_t length, struct moment *moment)
{
	char whole[48];
	size_t size = 0;
	uint32_t nanosecond = 0, unit = 100000000;
	bool fraction = false;

	for (size_t i = 0; i < length && line[i] != ' '; i++) {
		bool digit = line[i] >= '0' && line[i] <= '9';
		if (line[i] == '.' || (fraction && digit)) {
			fraction = true;
			nanosecond += digit ? (uint32_t)(line[i] - '0') * unit : 0;
			unit /= digit ? 10 : 1;
			continue;
		}
		fraction = false;
		if (size + 1 >= sizeof(whole))
			return;
		whole[size++] = line[i];
	}
	whole[size] = '\0';
	double second = mc_parse_time(whole);
	if (second > 0)
		*moment = (struct moment){second, nanosecond};
}

/* To the line at FROM. */
static void advance(struct cursor *cursor, const char *from)
{
	if (from >= cursor->end) {
		cursor->line = NULL;
		return;
	}
	const char *newline = memchr(from, '\n', (size_t)(cursor->end - from));
	cursor->line = from;
	cursor->length = (size_t)((newline ? newline : cursor->end) - from);
	read_moment(from, cursor->length, &cursor->moment);
}

void mc_log_merge(const struct mc_log *logs, size_t count, struct mc_buffer *out)
{
	int width = 0;
	MC_CLEANUP(free_pointer) struct cursor *cursors = calloc(count ? count : 1, sizeof(*cursors));
	if (!cursors) {
		out->failed = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		int length = (int)strlen(logs[i].name);
		width = length > width ? length : width;
		cursors[i].log = &logs[i];
		if (!logs[i].size) /* its text may be NULL */
			continue;
		cursors[i].end = logs[i].text + logs[i].size;
		advance(&cursors[i], logs[i].text);
	}
	for (;;) {
		struct cursor *next = NULL;
		for (size_t i = 0; i < count; i++)
			if (cursors[i].line && (!next || earlier(cursors[i].moment, next->moment)))
				next = &cursors[i];
		if (!next)
			return;
		mc_buffer_printf(out, "%-*s ", width, next->log->name);
		mc_buffer_add(out, next->line, next->length);
		mc_buffer_add(out, "\n", 1);
		const char *end = next->line + next->length;
		advance(next, end < next->end ? end + 1 : end);
	}
}
