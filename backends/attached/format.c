/* SPDX-License-Identifier: MIT */
#include "backends/attached/format.h"

#include <errno.h>
#include <string.h>

/* Values may hold values that hold values: each is short. */
enum { MAX_TEXT = 64 * 1024 };

struct output {
	char *text; /* NULL: only its length is wanted */
	size_t length;
};

static void put_output(struct output *output, const char *text, size_t length)
{
	if (output->text)
		memcpy(output->text + output->length, text, length);
	output->length += length;
}

static int bad_format(struct mc_error *error, const char *key, const char *what)
{
	return mc_error_set(error, EINVAL, "%.100s: %s", key, what);
}

/* The name between braces at *TEXT, which moves behind them. */
static int field(struct output *output, const struct mc_value *config, const char *key, const char **text,
	struct mc_error *error)
{
	char name[128];
	size_t length = strcspn(*text, "{}[].!:");

	if ((*text)[length] != '}' || !length || length >= sizeof(name) || strspn(*text, "0123456789") == length)
		return bad_format(error, key,
			"a brace begins a key's name, as in {region_name}; write a brace of the text twice");
	memcpy(name, *text, length);
	name[length] = '\0';
	const struct mc_value *value = mc_value_get(config, name);
	/* What is in braces may be a piece of a password: it isn't told. */
	if (!mc_value_is_scalar(value))
		return bad_format(error, key,
			value ? "a key's name in braces is that of a list or mapping"
			      : "no key has the name that stands in braces; write a brace of the text twice");
	put_output(output, value->text, strlen(value->text));
	*text += length + 1;
	return 0;
}

static int render(
	struct output *output, const struct mc_value *config, const char *key, const char *text, struct mc_error *error)
{
	while (*text) {
		size_t length = strcspn(text, "{}");
		put_output(output, text, length);
		text += length;
		if (!*text)
			break;
		if (text[0] == text[1]) {
			put_output(output, text, 1);
			text += 2;
			continue;
		}
		if (*text == '}')
			return bad_format(
				error, key, "a brace ends that wasn't begun; write a brace of the text twice");
		text++;
		int r = field(output, config, key, &text, error);
		if (r < 0)
			return r;
		if (output->length > MAX_TEXT)
			break;
	}
	return output->length > MAX_TEXT ? bad_format(error, key, "this is too long") : 0;
}

int mc_format(struct mc_arena *arena, const struct mc_value *config, const char *key, const char *text,
	const char **ret_text, struct mc_error *error)
{
	struct output output = {0};

	*ret_text = text;
	if (!strpbrk(text, "{}"))
		return 0;
	int r = render(&output, config, key, text, error);
	if (r < 0)
		return r;
	output.text = mc_arena_alloc(arena, output.length + 1);
	output.length = 0;
	if (!output.text)
		return mc_error_set(error, ENOMEM, "out of memory");
	*ret_text = output.text;
	return render(&output, config, key, text, error);
}
