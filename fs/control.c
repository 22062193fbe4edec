/* SPDX-License-Identifier: MIT */
#include "fs/control.h"

#include "fs/nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 16 };

int mc_control_value(const char *bytes, size_t size, char **ret_value, size_t *ret_size, struct mc_error *error)
{
	if (size > MC_WRITE_MAX)
		return mc_error_set(
			error, E2BIG, "%zu bytes are too many: one write takes %d at most", size, MC_WRITE_MAX);
	if (memchr(bytes, '\0', size))
		return mc_error_set(error, EINVAL, "the write has a NUL byte");
	if (size && bytes[size - 1] == '\n')
		size--;
	char *value = malloc(size + 1);
	if (!value)
		return mc_error_set(error, ENOMEM, "out of memory");
	memcpy(value, bytes, size);
	value[size] = '\0';
	*ret_value = value;
	*ret_size = size;
	return 0;
}

/* The words of LINE; more than MAX_WORDS count, but are not kept. */
static unsigned split(char *line, char **words)
{
	unsigned count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (count < MAX_WORDS)
			words[count] = word;
		count++;
	}
	return count;
}

/* "start, stop": for the sentence about an unknown verb. */
static void name_verbs(const struct mc_verb *verbs, struct mc_buffer *out)
{
	for (const struct mc_verb *verb = verbs; verb->name; verb++)
		mc_buffer_printf(out, "%s%s", verb == verbs ? "" : ", ", verb->name);
}

static int unknown_verb(struct mc_ask *ask, const struct mc_verb *verbs, const char *word)
{
	MC_CLEANUP(buffer) struct mc_buffer names = {0};
	struct mc_nearest nearest = mc_nearest_begin(word, strlen(word));

	name_verbs(verbs, &names);
	for (const struct mc_verb *verb = verbs; verb->name; verb++)
		mc_nearest_try(&nearest, verb->name, strlen(verb->name));
	return mc_error_set(ask->error, EINVAL, "\"%.64s\" is no command here: it takes %s%s%s%s", word,
		names.data ? names.data : "none", nearest.name ? "; did you mean " : "",
		nearest.name ? nearest.name : "", nearest.name ? "?" : "");
}

int mc_control_run(struct mc_ask *ask, const struct mc_verb *verbs, char *line)
{
	char *words[MAX_WORDS];

	if (strchr(line, '\n'))
		return mc_error_set(ask->error, EINVAL, "one write is one command, but this one has several lines");
	unsigned count = split(line, words);
	if (!count)
		return mc_error_set(ask->error, EINVAL, "an empty line is no command");
	for (const struct mc_verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, words[0]) != 0)
			continue;
		if (count - 1 < verb->min || count - 1 > verb->max || count > MAX_WORDS)
			return mc_error_set(ask->error, EINVAL, "%s takes %s%s, not %u words", verb->name,
				*verb->arguments ? "" : "nothing", verb->arguments, count - 1);
		ask->verb = verb;
		return verb->run(ask, words + 1, count - 1);
	}
	return unknown_verb(ask, verbs, words[0]);
}

int mc_control_run_lines(struct mc_ask *ask, const struct mc_verb *verbs, char *text)
{
	int result = 0, ms = ask->call ? mc_call_remaining_ms(ask->call) : 0;
	bool several = strchr(text, '\n');
	unsigned number = 0, run = 0;

	for (char *rest = text, *line; result == 0 && (line = strsep(&rest, "\n"));) {
		number++;
		if (!line[strspn(line, " \t")])
			continue;
		if (run++ && ms > 0)
			mc_call_extend(ask->call, ms);
		result = mc_control_run(ask, verbs, line);
	}
	if (!run)
		return mc_error_set(ask->error, EINVAL, "an empty line is no command");
	if (result < 0 && several)
		mc_error_context(ask->error, "line %u", number);
	return result;
}

void mc_control_show(struct mc_ask *ask, const struct mc_verb *verbs, struct mc_buffer *out)
{
	for (const struct mc_verb *verb = verbs; verb->name; verb++) {
		ask->verb = verb;
		if (verb->possible && !verb->possible(ask))
			continue;
		mc_buffer_printf(out, "%s%s%s%s%s\n", verb->name, *verb->arguments ? " " : "", verb->arguments,
			*verb->help ? "    " : "", verb->help);
	}
}
