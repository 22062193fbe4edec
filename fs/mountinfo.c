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

/* The last mount at MOUNTPOINT (NULL: anywhere) of DEVICE (NULL: any). 1 or 0; -1: it can't be told. */
static int find(const char *mountpoint, const char *device, struct mc_mountinfo *ret)
{
	char *line = NULL, where[4096];
	size_t size = 0;
	int found = 0;

	FILE *file = fopen(MC_MOUNTINFO, "re");
	if (!file)
		return -1;
	while (getline(&line, &size, file) > 0) {
		struct mc_mountinfo mount;
		if (!parse(line, where, &mount) || (mountpoint && strcmp(where, mountpoint) != 0) ||
			(device && strcmp(mount.device, device) != 0))
			continue;
		*ret = mount;
		found = 1;
	}
	free(line);
	fclose(file);
	return found;
}

bool mc_mountinfo_find(const char *mountpoint, struct mc_mountinfo *ret)
{
	return find(mountpoint, NULL, ret) == 1;
}

bool mc_mountinfo_has(dev_t device)
{
	struct mc_mountinfo mount;
	char wanted[24];

	snprintf(wanted, sizeof wanted, "%u:%u", major(device), minor(device));
	return find(NULL, wanted, &mount) != 0;
}
