/* SPDX-License-Identifier: MIT */
#include "backends/attached/clouds_yaml.h"

#include "backends/attached/json_check.h"
#include "backends/attached/scalar.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* libyaml's allocator is a set of functions that it calls by name, and these take their place: what it frees, or
 * leaves behind when it grows, is wiped. */
void *yaml_malloc(size_t size);
void *yaml_realloc(void *pointer, size_t size);
void yaml_free(void *pointer);

void *yaml_malloc(size_t size)
{
	return malloc(size ? size : 1);
}

void yaml_free(void *pointer)
{
	if (pointer)
		explicit_bzero(pointer, malloc_usable_size(pointer));
	free(pointer);
}

void *yaml_realloc(void *pointer, size_t size)
{
	size_t old = pointer ? malloc_usable_size(pointer) : 0;
	void *new = yaml_malloc(size);

	if (!new)
		return NULL;
	if (pointer)
		memcpy(new, pointer, old < size ? old : size);
	yaml_free(pointer);
	return new;
}

/* Each anchor of the document; `value` is NULL until its end: an alias before that would be inside of itself. */
struct anchor {
	const char *name;
	struct mc_value *value;
	struct anchor *next;
};

struct reader {
	yaml_parser_t parser;
	struct mc_arena *arena;
	struct mc_scalars *scalars;
	struct anchor *anchors;
	const char *name;
	struct mc_error *error;
	size_t values;
	bool json;
};

/* A mapping while it is read: what `<<` brings comes first, whatever comes after it in the file. */
struct mapping {
	struct mc_value *merged, *own;
	size_t line;
};

static int wrong_yaml(const struct reader *reader, size_t line, const char *what)
{
	return mc_error_set(reader->error, EINVAL, "%s, line %zu: %s", reader->name, line + 1, what);
}

static int no_memory(const struct reader *reader)
{
	if (reader->arena->failed == -E2BIG)
		return mc_error_set(reader->error, EINVAL, "%s: the file is too large", reader->name);
	return mc_error_set(reader->error, ENOMEM, "out of memory");
}

static int next_event(struct reader *reader, yaml_event_t *event)
{
	if (yaml_parser_parse(&reader->parser, event))
		return 0;
	const yaml_parser_t *parser = &reader->parser;
	if (parser->error == YAML_MEMORY_ERROR)
		return mc_error_set(reader->error, ENOMEM, "out of memory");
	size_t line = parser->error == YAML_READER_ERROR ? parser->mark.line : parser->problem_mark.line;
	return wrong_yaml(reader, line, parser->problem ? parser->problem : "this is no YAML");
}

static void mc_cleanup_event(yaml_event_t *event)
{
	yaml_event_delete(event);
}

/* "tag:yaml.org,2002:int" is "int"; other tags stay as they are. */
static const char *tag_name(const yaml_char_t *tag)
{
	static const char prefix[] = "tag:yaml.org,2002:";
	const char *text = (const char *)tag;

	return text && !strncmp(text, prefix, sizeof(prefix) - 1) ? text + sizeof(prefix) - 1 : text;
}

/* What PyYAML constructs and no key of ours may have. NULL: it isn't such. */
static const char *strange_name(const char *tag)
{
	static const struct {
		const char *tag, *name;
	} strange[] = {{"binary", "binary data"}, {"timestamp", "a time of day"}, {"set", "a set"}, {"omap", "an omap"},
		{"pairs", "a list of pairs"}};

	for (size_t i = 0; tag && i < MC_COUNT(strange); i++)
		if (!strcmp(tag, strange[i].tag))
			return strange[i].name;
	return NULL;
}

/* A scalar with a tag that says what it is. */
static int tagged_scalar(struct reader *reader, const yaml_event_t *event, struct mc_value **ret_value)
{
	static const struct {
		const char *tag;
		enum mc_value_kind kind;
	} tags[] = {
		{"int", MC_VALUE_INTEGER}, {"float", MC_VALUE_REAL}, {"bool", MC_VALUE_BOOL}, {"null", MC_VALUE_NONE}};
	const char *tag = tag_name(event->data.scalar.tag), *word = (const char *)event->data.scalar.value;
	const char *strange = strange_name(tag), *ignored;

	if (!strcmp(tag, "str")) {
		*ret_value = mc_value_text(reader->arena, word);
		return 0;
	}
	if (strange) {
		*ret_value = mc_value_new(reader->arena, MC_VALUE_STRANGE, strange);
		return 0;
	}
	struct mc_value *value = mc_scalar_yaml(reader->scalars, reader->arena, word, &ignored);
	for (size_t i = 0; value && i < MC_COUNT(tags); i++) {
		if (strcmp(tag, tags[i].tag) != 0 || value->kind != tags[i].kind)
			continue;
		*ret_value = value;
		return 0;
	}
	return wrong_yaml(reader, event->start_mark.line, "this tag can't be understood, or doesn't fit its value");
}

static int read_scalar(struct reader *reader, const yaml_event_t *event, struct mc_value **ret_value)
{
	const char *word = (const char *)event->data.scalar.value, *looks = NULL;
	bool plain = event->data.scalar.plain_implicit;

	if (memchr(word, '\0', event->data.scalar.length))
		return wrong_yaml(reader, event->start_mark.line, "this text has a NUL in it");
	if (reader->json && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		*ret_value = mc_scalar_json(reader->arena, word, &looks);
	else if (plain)
		*ret_value = mc_scalar_yaml(reader->scalars, reader->arena, word, &looks);
	else if (event->data.scalar.tag)
		return tagged_scalar(reader, event, ret_value);
	else
		*ret_value = mc_value_text(reader->arena, word);
	if (looks)
		return mc_error_set(reader->error, EINVAL, "%s, line %zu: this looks like %s: quote it", reader->name,
			event->start_mark.line + 1, looks);
	return 0;
}

static int read_alias(struct reader *reader, const yaml_event_t *event, unsigned level, struct mc_value **ret_value)
{
	const struct anchor *anchor = reader->anchors;

	while (anchor && strcmp(anchor->name, (const char *)event->data.alias.anchor) != 0)
		anchor = anchor->next;
	if (!anchor)
		return wrong_yaml(reader, event->start_mark.line, "nothing before this has the name of this alias");
	if (!anchor->value)
		return wrong_yaml(reader, event->start_mark.line, "this alias is inside of what it names");
	if (level + anchor->value->depth > MC_CLOUDS_MAX_DEPTH)
		return wrong_yaml(reader, event->start_mark.line, "this is nested too deeply");
	*ret_value = anchor->value;
	return 0;
}

static int new_anchor(struct reader *reader, const yaml_event_t *event, struct anchor **ret_anchor)
{
	const yaml_char_t *name = event->type == YAML_SCALAR_EVENT           ? event->data.scalar.anchor
				  : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
				  : event->type == YAML_MAPPING_START_EVENT  ? event->data.mapping_start.anchor
									     : NULL;

	*ret_anchor = NULL;
	if (!name)
		return 0;
	size_t count = 0;
	for (const struct anchor *anchor = reader->anchors; anchor; anchor = anchor->next, count++)
		if (!strcmp(anchor->name, (const char *)name))
			return wrong_yaml(reader, event->start_mark.line, "this anchor's name was used before");
	if (count > MC_CLOUDS_MAX_KEYS)
		return wrong_yaml(reader, event->start_mark.line, "there are too many anchors");
	struct anchor *anchor = mc_arena_alloc(reader->arena, sizeof(*anchor));
	if (!anchor)
		return no_memory(reader);
	anchor->name = mc_arena_text(reader->arena, (const char *)name, strlen((const char *)name));
	if (!anchor->name)
		return no_memory(reader);
	anchor->next = reader->anchors;
	reader->anchors = *ret_anchor = anchor;
	return 0;
}

static int read_value(struct reader *reader, const yaml_event_t *event, unsigned level, struct mc_value **ret_value);

/* The values up to the end of the list. */
static int read_list(struct reader *reader, unsigned level, struct mc_value **ret_value)
{
	struct mc_value *list = mc_value_new(reader->arena, MC_VALUE_LIST, NULL);

	for (;;) {
		MC_CLEANUP(event) yaml_event_t event = {0};
		struct mc_value *value = NULL;
		int r = next_event(reader, &event);
		if (r < 0)
			return r;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		r = read_value(reader, &event, level, &value);
		if (r < 0)
			return r;
		mc_value_add(reader->arena, list, value);
	}
	*ret_value = list;
	return 0;
}

/* `<<: *map`, or a list of them, of which the first wins. */
static int merge(struct reader *reader, const struct mapping *mapping, const struct mc_value *value)
{
	const struct mc_value *maps[64];
	size_t count = 0;

	if (mc_value_is(value, MC_VALUE_MAP)) {
		mc_value_update(reader->arena, mapping->merged, value);
		return 0;
	}
	if (!mc_value_is(value, MC_VALUE_LIST))
		return wrong_yaml(reader, mapping->line, "<< needs a mapping, or a list of mappings");
	for (const struct mc_pair *pair = value->first; pair; pair = pair->next) {
		if (!mc_value_is(pair->value, MC_VALUE_MAP) || count == MC_COUNT(maps))
			return wrong_yaml(
				reader, mapping->line, "<< needs a mapping, or a list of at most 64 mappings");
		maps[count++] = pair->value;
	}
	while (count)
		mc_value_update(reader->arena, mapping->merged, maps[--count]);
	return 0;
}

/* A pair whose key is in EVENT. */
static int read_pair(struct reader *reader, const struct mapping *mapping, const yaml_event_t *event, unsigned level)
{
	MC_CLEANUP(event) yaml_event_t after = {0};
	struct mc_value *key = NULL, *value = NULL;
	bool plain = event->type == YAML_SCALAR_EVENT && event->data.scalar.plain_implicit;
	const char *word = plain ? (const char *)event->data.scalar.value : "";
	int r = 0;

	/* The two words that mean something else as a key. */
	if (!strcmp(word, "<<") || !strcmp(word, "="))
		key = mc_value_text(reader->arena, word);
	else
		r = read_value(reader, event, level, &key);
	if (r == 0 && key && !mc_value_is_scalar(key))
		r = wrong_yaml(reader, event->start_mark.line, "this can't be a key");
	if (r == 0)
		r = next_event(reader, &after);
	if (r == 0)
		r = read_value(reader, &after, level, &value);
	if (r < 0)
		return r;
	if (!key || !value)
		return no_memory(reader);
	if (!strcmp(word, "<<"))
		return merge(reader, mapping, value);
	if (key->kind == MC_VALUE_TEXT)
		mc_value_set(reader->arena, mapping->own, key->text, value);
	else
		mc_value_set_odd(reader->arena, mapping->own, key->text, value);
	if (mapping->own->count + mapping->merged->count > MC_CLOUDS_MAX_KEYS)
		return wrong_yaml(reader, mapping->line, "this mapping has too many keys");
	return 0;
}

static int read_map(struct reader *reader, size_t line, unsigned level, struct mc_value **ret_value)
{
	const struct mapping mapping = {.merged = mc_value_new(reader->arena, MC_VALUE_MAP, NULL),
		.own = mc_value_new(reader->arena, MC_VALUE_MAP, NULL),
		.line = line};

	if (!mapping.merged || !mapping.own)
		return no_memory(reader);
	for (;;) {
		MC_CLEANUP(event) yaml_event_t event = {0};
		int r = next_event(reader, &event);
		if (r < 0)
			return r;
		if (event.type == YAML_MAPPING_END_EVENT)
			break;
		r = read_pair(reader, &mapping, &event, level);
		if (r < 0)
			return r;
	}
	*ret_value = mapping.own;
	if (!mapping.merged->first)
		return 0;
	mc_value_update(reader->arena, mapping.merged, mapping.own);
	*ret_value = mapping.merged;
	return 0;
}

static int read_collection(
	struct reader *reader, const yaml_event_t *event, unsigned level, struct mc_value **ret_value)
{
	bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
	const char *tag = tag_name(is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag);
	const char *strange = strange_name(tag);

	if (level >= MC_CLOUDS_MAX_DEPTH)
		return wrong_yaml(reader, event->start_mark.line, "this is nested too deeply");
	if (tag && !strange && strcmp(tag, "!") != 0 && strcmp(tag, is_list ? "seq" : "map") != 0)
		return wrong_yaml(
			reader, event->start_mark.line, "this tag can't be understood, or doesn't fit its value");
	int r = is_list ? read_list(reader, level + 1, ret_value)
			: read_map(reader, event->start_mark.line, level + 1, ret_value);
	if (r == 0 && strange)
		*ret_value = mc_value_new(reader->arena, MC_VALUE_STRANGE, strange);
	return r;
}

/* LEVEL: how many lists and mappings are around it. */
static int read_value(struct reader *reader, const yaml_event_t *event, unsigned level, struct mc_value **ret_value)
{
	struct anchor *anchor;
	int r = new_anchor(reader, event, &anchor);

	if (r < 0)
		return r;
	if (++reader->values > MC_CLOUDS_MAX_VALUES)
		return wrong_yaml(reader, event->start_mark.line, "there are too many values");
	if (event->type == YAML_ALIAS_EVENT)
		r = read_alias(reader, event, level, ret_value);
	else if (event->type == YAML_SCALAR_EVENT)
		r = read_scalar(reader, event, ret_value);
	else
		r = read_collection(reader, event, level, ret_value);
	if (r == 0 && !*ret_value)
		return no_memory(reader);
	if (anchor)
		anchor->value = *ret_value;
	return r;
}

/* The only document of the stream. */
static int read_yaml_stream(struct reader *reader, struct mc_value **ret_value)
{
	bool found = false;

	*ret_value = mc_value_new(reader->arena, MC_VALUE_NONE, "None");
	for (;;) {
		MC_CLEANUP(event) yaml_event_t event = {0};
		int r = next_event(reader, &event);
		if (r < 0)
			return r;
		switch (event.type) {
		case YAML_STREAM_END_EVENT:
			return reader->arena->failed ? no_memory(reader) : 0;
		case YAML_ALIAS_EVENT:
		case YAML_SCALAR_EVENT:
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT:
			if (found)
				return wrong_yaml(reader, event.start_mark.line, "a second document begins here");
			found = true;
			r = read_value(reader, &event, 0, ret_value);
			if (r < 0)
				return r;
			break;
		case YAML_NO_EVENT:
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			break;
		}
	}
}

/* YAML reads nearly all JSON, and more. */
static int check_json(const struct reader *reader, const char *text)
{
	const char *end;
	size_t line = 0;

	if (mc_json_check(text, &end))
		return 0;
	for (const char *at = text; at < end && *at; at++)
		line += *at == '\n';
	return wrong_yaml(reader, line, "this is no JSON");
}

static int check_utf8(const struct reader *reader, const char *text, size_t size)
{
	size_t line = 0;

	for (size_t at = 0; at < size;) {
		size_t length = mc_utf8_sequence(text + at);
		if (!length || !text[at] || length > size - at)
			return wrong_yaml(reader, line, "this is no text in UTF-8");
		line += text[at] == '\n';
		at += length;
	}
	return 0;
}

int mc_clouds_parse(struct mc_arena *arena, const char *text, size_t size, bool json, const char *name,
	struct mc_value **ret_value, struct mc_error *error)
{
	struct reader reader = {.arena = arena, .name = name, .error = error, .json = json};

	*ret_value = NULL;
	if (size > MC_CLOUDS_MAX_BYTES)
		return mc_error_set(
			error, EINVAL, "%s: the file is larger than %d MiB", name, MC_CLOUDS_MAX_BYTES / (1024 * 1024));
	int r = check_utf8(&reader, text, size);
	if (r == 0 && json)
		r = check_json(&reader, text);
	if (r < 0)
		return r;
	reader.scalars = mc_scalars_new();
	if (!reader.scalars || !yaml_parser_initialize(&reader.parser)) {
		mc_scalars_free(reader.scalars);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
	r = read_yaml_stream(&reader, ret_value);
	yaml_parser_delete(&reader.parser);
	mc_scalars_free(reader.scalars);
	if (r < 0)
		*ret_value = NULL;
	return r;
}
