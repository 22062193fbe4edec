/* SPDX-License-Identifier: MIT */
#include "backends/recipes/recipe.h"

#include "backends/recipes/templates.h"
#include "mcloud/buffer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 31

const char *mc_recipe_names_sql(void)
{
	return mc_template_database_names;
}

/* Whether TEXT begins with a @NAME@, whose name is then in NAME. */
static bool read_name(const char *text, char name[NAME_MAX_LENGTH + 1])
{
	size_t length = 0;

	if (text[0] != '@' || !isupper((unsigned char)text[1]))
		return false;
	while (isupper((unsigned char)text[1 + length]) || isdigit((unsigned char)text[1 + length]) ||
		text[1 + length] == '_')
		length++;
	if (text[1 + length] != '@' || length > NAME_MAX_LENGTH)
		return false;
	memcpy(name, text + 1, length);
	name[length] = '\0';
	return true;
}

static bool is_plain(const char *value)
{
	for (const char *c = value; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
			    strchr("._:/,=+{}-&", *c)))
			return false;
	return true;
}

int mc_recipe_render(const char *text, const char *(*look_up)(void *data, const char *name), void *data,
	char **ret_text, char *ret_bad, size_t bad_size)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	char name[NAME_MAX_LENGTH + 1];

	while (*text) {
		const char *value;

		if (!read_name(text, name)) {
			size_t plain = 1 + strcspn(text + 1, "@");

			mc_buffer_add(&out, text, plain);
			text += plain;
			continue;
		}
		value = look_up(data, name);
		if (!value || !is_plain(value)) {
			snprintf(ret_bad, bad_size, value ? "the value of %s needs escaping" : "nobody knows %s", name);
			return -EINVAL;
		}
		mc_buffer_text(&out, value);
		text += strlen(name) + 2;
	}
	mc_buffer_text(&out, "");
	*ret_text = mc_buffer_steal(&out, NULL);
	if (!*ret_text)
		snprintf(ret_bad, bad_size, "out of memory");
	return *ret_text ? 0 : -ENOMEM;
}
