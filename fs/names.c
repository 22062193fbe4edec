/* SPDX-License-Identifier: MIT */
#include "fs/names.h"

#include <errno.h>
#include <string.h>

enum { MARK_LENGTH = 8 };

/* Length of the UTF-8 sequence (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF) that TEXT begins with; 0:
 * none. */
static size_t utf8_sequence(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (byte[0] < 0x80)
		return 1;
	if (byte[0] >= 0xc2 && byte[0] <= 0xdf)
		length = 2;
	else if (byte[0] >= 0xe0 && byte[0] <= 0xef)
		length = 3;
	else if (byte[0] >= 0xf0 && byte[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (byte[0] == 0xe0)
		low = 0xa0;
	else if (byte[0] == 0xed)
		high = 0x9f;
	else if (byte[0] == 0xf0)
		low = 0x90;
	else if (byte[0] == 0xf4)
		high = 0x8f;
	if (byte[1] < low || byte[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (byte[i] < 0x80 || byte[i] > 0xbf)
			return 0;
	return length;
}

bool mc_names_utf8(const char *text)
{
	while (*text) {
		size_t length = utf8_sequence(text);
		if (!length)
			return false;
		text += length;
	}
	return true;
}

/* The character that the escape at TEXT stands for; 0: there is none. */
static char escaped(const char *text)
{
	if (text[0] != '%' || text[1] != '2')
		return 0;
	switch (text[2]) {
	case '5':
		return '%';
	case 'E':
		return '.';
	case 'F':
		return '/';
	default:
		return 0;
	}
}

/* Escapes SAID into FILE, as many whole characters as fit into LIMIT bytes. Whether all of it did. */
static bool escape(const char *said, char *file, size_t limit)
{
	size_t size = 0;
	bool dots = !strcmp(said, ".") || !strcmp(said, "..");

	while (*said) {
		const char *from = said;
		size_t taken = 1, length = 3;
		if (*said == '/') {
			from = "%2F";
		} else if (dots) {
			from = "%2E";
		} else if (escaped(said)) {
			from = "%25";
		} else {
			length = utf8_sequence(said);
			if (!length)
				length = 1;
			taken = length;
		}
		if (size + length > limit)
			break;
		memcpy(file + size, from, length);
		size += length;
		said += taken;
	}
	file[size] = '\0';
	return !*said;
}

void mc_names_file(const char *said, const char *key, char file[MC_NAME_MAX + 1])
{
	if (!*said || !escape(said, file, MC_NAME_MAX))
		mc_names_file_marked(said, key, file);
}

void mc_names_file_marked(const char *said, const char *key, char file[MC_NAME_MAX + 1])
{
	(void)escape(said, file, MC_NAME_MAX - 1 - MARK_LENGTH);
	size_t size = strlen(file);

	file[size++] = '~';
	for (size_t i = 0; key && i < MARK_LENGTH && key[i]; i++)
		file[size++] = key[i] == '/' ? '_' : key[i];
	file[size] = '\0';
}

int mc_names_said(const char *file, char said[MC_NAME_MAX + 1])
{
	char again[MC_NAME_MAX + 1];
	size_t size = 0;

	if (!*file || strlen(file) > MC_NAME_MAX || !mc_names_utf8(file))
		return -EINVAL;
	for (const char *from = file; *from;) {
		char one = escaped(from);
		said[size++] = one ? one : *from;
		from += one ? 3 : 1;
	}
	said[size] = '\0';
	/* One name has one file name, or else two of them would be one object. */
	return escape(said, again, MC_NAME_MAX) && !strcmp(again, file) ? 0 : -EINVAL;
}

bool mc_names_marked(const char *file)
{
	const char *mark = strrchr(file, '~');

	return mark && strlen(mark + 1) <= MARK_LENGTH;
}
