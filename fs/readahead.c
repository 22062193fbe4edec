/* SPDX-License-Identifier: MIT */
#include "fs/readahead.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* "0:39", the device of the last mount at MOUNTPOINT, by proc(5), mountinfo. To stat(2) it would wait for the
 * filesystem itself. */
static int find_device(const char *mountpoint, char device[16])
{
	char *line = NULL, where[4096], number[16];
	size_t size = 0;
	int found = -1;

	FILE *file = fopen("/proc/self/mountinfo", "re");
	while (file && getline(&line, &size, file) > 0) {
		if (sscanf(line, "%*d %*d %15s %*s %4095s", number, where) != 2)
			continue;
		unescape(where);
		if (strcmp(where, mountpoint) != 0)
			continue;
		memcpy(device, number, sizeof number);
		found = 0;
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

void mc_readahead_set(const char *mountpoint, unsigned kib)
{
	char device[16], path[64];

	if (find_device(mountpoint, device) < 0)
		return;
	snprintf(path, sizeof path, "/sys/class/bdi/%s/read_ahead_kb", device);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!dprintf(fd, "%u\n", kib);
	close(fd);
}
