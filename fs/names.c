/* SPDX-License-Identifier: MIT */
#include "fs/names.h"

#include "mcloud/util.h"

#include <errno.h>
#include <string.h>

enum { MARK_LENGTH = 8 };

bool mc_names_utf8(const char *text)
{
	while (*text) {
		size_t length = mc_utf8_sequence(text);
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

/* Bytes of the character that TEXT begins with; what is none counts as one. */
static size_t character(const char *text)
{
	size_t length = mc_utf8_sequence(text);

	return length ? length : 1;
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
			taken = length = character(said);
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
	for (size_t length, used = 0; key && *key && (length = character(key)) <= MARK_LENGTH - used; key += length) {
		memcpy(file + size, *key == '/' ? "_" : key, length);
		size += length;
		used += length;
	}
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
