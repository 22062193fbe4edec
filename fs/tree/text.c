/* SPDX-License-Identifier: MIT */
#include "fs/tree/text.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { JSON_LIMIT = 64 << 20 };

/* Bytes of the well-formed UTF-8 character at TEXT (RFC 3629); 0: it is not one. */
static size_t utf8_length(const unsigned char *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = text[0] < 0x80       ? 1
			: text[0] >> 5 == 6  ? 2
			: text[0] >> 4 == 14 ? 3
			: text[0] >> 3 == 30 ? 4
					     : 0;
	if (length < 2)
		return length;
	uint32_t point = text[0] & (0x7FU >> length);
	for (size_t i = 1; i < length; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		point = point << 6 | (text[i] & 0x3F);
	}
	bool bad = point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF);
	return bad ? 0 : length;
}

void mc_text_shell(struct mc_buffer *out, const char *text)
{
	mc_buffer_add(out, "'", 1);
	while (text && *text) {
		size_t plain = strcspn(text, "'");
		mc_buffer_add(out, text, plain);
		text += plain;
		if (*text) {
			mc_buffer_text(out, "'\\''");
			text++;
		}
	}
	mc_buffer_add(out, "'", 1);
}

static const char *xml_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* Char of XML 1.0, section 2.2. TEXT is well-formed UTF-8. */
static bool xml_may_hold(const unsigned char *text)
{
	if (text[0] < 0x20)
		return text[0] == '\t' || text[0] == '\n' || text[0] == '\r';
	return !(text[0] == 0xEF && text[1] == 0xBF && text[2] >= 0xBE);
}

void mc_text_xml(struct mc_buffer *out, const char *text)
{
	while (text && *text) {
		const char *entity = xml_entity(*text);
		size_t length = utf8_length((const unsigned char *)text);
		if (entity)
			mc_buffer_text(out, entity);
		else if (length && xml_may_hold((const unsigned char *)text))
			mc_buffer_add(out, text, length);
		else
			mc_buffer_text(out, "\xEF\xBF\xBD");
		text += length ? length : 1;
	}
}

void mc_text_dot(struct mc_buffer *out, const char *text)
{
	mc_buffer_add(out, "\"", 1);
	for (; text && *text; text++) {
		if (*text == '"' || *text == '\\')
			mc_buffer_add(out, "\\", 1);
		if (*text == '\n')
			mc_buffer_text(out, "\\n");
		else
			mc_buffer_add(out, text, 1);
	}
	mc_buffer_add(out, "\"", 1);
}

void mc_text_field(struct mc_buffer *out, const char *text)
{
	for (; text && *text; text++) {
		if (strchr("\t\n\v\f\r\\", *text))
			mc_buffer_printf(out, "\\%03o", (unsigned)*text);
		else
			mc_buffer_add(out, text, 1);
	}
}

int mc_text_json(struct mc_buffer *out, const char *json, size_t size, const char *what, struct mc_error *error)
{
	if (size > JSON_LIMIT)
		return mc_error_set(error, EIO, "%s is too long: %zu bytes", what, size);
	MC_CLEANUP(json) cJSON *value = cJSON_ParseWithLength(json, size);
	if (!value)
		return mc_error_set(error, EIO, "%s is not JSON", what);
	MC_CLEANUP(free_pointer) char *text = cJSON_Print(value);
	if (!text)
		return mc_error_set(error, ENOMEM, "out of memory");
	mc_buffer_text(out, text);
	mc_buffer_add(out, "\n", 1);
	return mc_text_check(out, error);
}

int mc_text_check(const struct mc_buffer *out, struct mc_error *error)
{
	return out->failed ? mc_error_set(error, ENOMEM, "out of memory") : 0;
}
