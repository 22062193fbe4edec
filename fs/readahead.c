/* SPDX-License-Identifier: MIT */
#include "fs/readahead.h"

#include "fs/mountinfo.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void mc_readahead_set(const char *mountpoint, unsigned kib)
{
	struct mc_mountinfo mount;
	char path[64];

	if (!mc_mountinfo_find(mountpoint, &mount))
		return;
	snprintf(path, sizeof path, "/sys/class/bdi/%s/read_ahead_kb", mount.device);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!dprintf(fd, "%u\n", kib);
	close(fd);
}
