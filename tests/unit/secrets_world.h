/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SECRETS_WORLD_H
#define TESTS_SECRETS_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A directory in which the cloud `lab` keeps its secrets, of the whole test, and their file. */

static char directory[64], file[128];

static inline int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/mcloudfs-secrets.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(file, sizeof(file), "%s/lab.json", directory);
	return 0;
}

static inline int remove_directory(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(directory);
}

#endif
