/* SPDX-License-Identifier: MIT */
#include "fs/tree/clouds_yaml.h"

#include "fs/tree/client.h"

#include <string.h>
#include <yaml.h>

/* The emitter owns an event from yaml_emitter_emit() on, also when that fails; `ok` remembers the first failure. */
struct writer {
	yaml_emitter_t emitter;
	bool ok;
};

static int to_buffer(void *data, unsigned char *bytes, size_t size)
{
	struct mc_buffer *out = data;
	mc_buffer_add(out, bytes, size);
	return !out->failed;
}

static void emit(struct writer *writer, yaml_event_t *event, int made)
{
	if (made && !writer->ok)
		yaml_event_delete(event);
	writer->ok = writer->ok && made && yaml_emitter_emit(&writer->emitter, event);
}

static void mapping(struct writer *writer)
{
	yaml_event_t event;
	emit(writer, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
}

static void mapping_end(struct writer *writer)
{
	yaml_event_t event;
	emit(writer, &event, yaml_mapping_end_event_initialize(&event));
}

static void emit_scalar(struct writer *writer, const char *text, yaml_scalar_style_t how)
{
	yaml_event_t event;
	emit(writer, &event,
		yaml_scalar_event_initialize(
			&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1, how));
}

/* Values are quoted, so that no name or password reads as a number, a truth value or a date. */
static void pair(struct writer *writer, const char *key, const char *value)
{
	emit_scalar(writer, key, YAML_PLAIN_SCALAR_STYLE);
	emit_scalar(writer, value, YAML_SINGLE_QUOTED_SCALAR_STYLE);
}

static void sequence(struct writer *writer)
{
	yaml_event_t event;
	emit(writer, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
}

static void sequence_end(struct writer *writer)
{
	yaml_event_t event;
	emit(writer, &event, yaml_sequence_end_event_initialize(&event));
}

void mc_clouds_yaml_braces(const char *text, struct mc_buffer *out)
{
	for (; *text; text++) {
		mc_buffer_add(out, text, 1);
		if (*text == '{' || *text == '}')
			mc_buffer_add(out, text, 1);
	}
}

/* Outside of auth, what stands in braces is the name of another value: a brace of the text is written twice. */
static void formatted_pair(struct writer *writer, const char *key, const char *value)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	mc_clouds_yaml_braces(value, &text);
	if (text.failed)
		writer->ok = false;
	else
		pair(writer, key, text.data ? text.data : "");
}

/* Words with commas between them, as a list. */
static void words(struct writer *writer, const char *key, const char *list)
{
	emit_scalar(writer, key, YAML_PLAIN_SCALAR_STYLE);
	sequence(writer);
	for (const char *end; *list; list = *end ? end + 1 : end) {
		end = list + strcspn(list, ",");
		MC_CLEANUP(free_pointer) char *word = strndup(list, (size_t)(end - list));
		if (word)
			emit_scalar(writer, word, YAML_SINGLE_QUOTED_SCALAR_STYLE);
		writer->ok = writer->ok && word;
	}
	sequence_end(writer);
}

static void auth(struct writer *writer, const struct mc_client_settings *settings)
{
	emit_scalar(writer, "auth", YAML_PLAIN_SCALAR_STYLE);
	mapping(writer);
	for (size_t i = 0; i < settings->n_auth; i++)
		if (!strcmp(settings->auth[i].name, "auth_methods"))
			words(writer, settings->auth[i].name, settings->auth[i].text);
		else
			pair(writer, settings->auth[i].name, settings->auth[i].text);
	mapping_end(writer);
}

static void values(struct writer *writer, const struct mc_client_region *region)
{
	for (size_t i = 0; i < region->n_values; i++)
		formatted_pair(writer, region->values[i].name, region->values[i].text);
}

/* By its name, or as a mapping where something holds for it only. */
static void write_region(struct writer *writer, const struct mc_client_region *region)
{
	if (!region->n_values) {
		emit_scalar(writer, region->name, YAML_SINGLE_QUOTED_SCALAR_STYLE);
		return;
	}
	mapping(writer);
	pair(writer, "name", region->name);
	emit_scalar(writer, "values", YAML_PLAIN_SCALAR_STYLE);
	mapping(writer);
	values(writer, region);
	mapping_end(writer);
	mapping_end(writer);
}

static void regions(struct writer *writer, const struct mc_client_settings *settings)
{
	if (!settings->n_regions)
		return;
	if (!settings->regions[0].name) {
		values(writer, settings->regions);
		return;
	}
	emit_scalar(writer, "regions", YAML_PLAIN_SCALAR_STYLE);
	sequence(writer);
	for (size_t i = 0; i < settings->n_regions; i++)
		write_region(writer, &settings->regions[i]);
	sequence_end(writer);
}

static void tls(struct writer *writer, const struct mc_client_settings *settings)
{
	if (settings->cacert)
		formatted_pair(writer, "cacert", settings->cacert);
	if (settings->cert)
		formatted_pair(writer, "cert", settings->cert);
	if (settings->key)
		formatted_pair(writer, "key", settings->key);
	if (settings->verify)
		return;
	emit_scalar(writer, "verify", YAML_PLAIN_SCALAR_STYLE);
	emit_scalar(writer, "false", YAML_PLAIN_SCALAR_STYLE); /* the truth value, not a text */
}

static void document(struct writer *writer, const struct mc_client_settings *settings)
{
	yaml_event_t event;
	emit(writer, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(writer, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	mapping(writer);
	emit_scalar(writer, "clouds", YAML_PLAIN_SCALAR_STYLE);
	mapping(writer);
	emit_scalar(writer, settings->cloud, YAML_SINGLE_QUOTED_SCALAR_STYLE);
	mapping(writer);
	pair(writer, "auth_type", settings->auth_type);
	auth(writer, settings);
	regions(writer, settings);
	pair(writer, "identity_api_version", "3");
	if (settings->interface)
		pair(writer, "interface", settings->interface);
	tls(writer, settings);
	mapping_end(writer);
	mapping_end(writer);
	mapping_end(writer);
	emit(writer, &event, yaml_document_end_event_initialize(&event, 1));
	emit(writer, &event, yaml_stream_end_event_initialize(&event));
}

int mc_clouds_yaml(const struct mc_client_settings *settings, struct mc_buffer *out)
{
	struct writer writer = {.ok = true};
	if (!yaml_emitter_initialize(&writer.emitter))
		return -ENOMEM;
	yaml_emitter_set_output(&writer.emitter, to_buffer, out);
	yaml_emitter_set_unicode(&writer.emitter, 1);
	yaml_emitter_set_width(&writer.emitter, -1);
	document(&writer, settings);
	bool memory = writer.emitter.error == YAML_MEMORY_ERROR || out->failed;
	yaml_emitter_delete(&writer.emitter);
	return writer.ok ? 0 : memory ? -ENOMEM : -EIO;
}
