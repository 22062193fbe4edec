/* SPDX-License-Identifier: MIT */
#include "fs/mountinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Undoes the escapes of /proc/self/mountinfo: a blank is \040. In place. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++, to++) {
		unsigned code = 0;
		if (*text == '\\' && sscanf(text + 1, "%3o", &code) == 1) {
			*to = (char)code;
			text += 3;
		} else {
			*to = *text;
		}
	}
	*to = '\0';
}

/* The fields that are there in any number end with a hyphen; behind it is the type. */
static bool parse(const char *line, char where[4096], struct mc_mountinfo *ret)
{
	const char *optional_end = strstr(line, " - ");

	if (!optional_end || sscanf(line, "%*d %*d %15s %*s %4095s", ret->device, where) != 2 ||
		sscanf(optional_end, " - %63s", ret->type) != 1)
		return false;
	unescape(where);
	return true;
}

bool mc_mountinfo_find(const char *mountpoint, struct mc_mountinfo *ret)
{
	char *line = NULL, where[4096];
	size_t size = 0;
	bool found = false;

	FILE *file = fopen(MC_MOUNTINFO, "re");
	while (file && getline(&line, &size, file) > 0) {
		struct mc_mountinfo mount;
		if (!parse(line, where, &mount) || strcmp(where, mountpoint) != 0)
			continue;
		*ret = mount;
		found = true;
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

bool mc_mountinfo_has(dev_t device)
{
	FILE *file = fopen(MC_MOUNTINFO, "re");
	unsigned major, minor;
	char *line = NULL;
	size_t size = 0;
	bool found = !file;

	while (!found && getline(&line, &size, file) > 0)
		found = sscanf(line, "%*u %*u %u:%u", &major, &minor) == 2 && makedev(major, minor) == device;
	free(line);
	if (file)
		fclose(file);
	return found;
}
