/* SPDX-License-Identifier: MIT */
#include "fs/request/process.h"

#include <stdio.h>
#include <string.h>

/* PF_SIGNALED of the kernel's include/linux/sched.h: the task ends by a signal. */
enum { SIGNALED = 0x400 };

/* What /proc/ID/stat says behind the name of the program, which may hold anything, in LINE; NULL: there is no such
 * task. */
static const char *read_stat(pid_t id, char *line, int size)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/stat", id);
	FILE *file = id > 0 ? fopen(path, "re") : NULL;
	if (!file)
		return NULL;
	const char *text = fgets(line, size, file);
	fclose(file);
	const char *rest = text ? strrchr(text, ')') : NULL;
	return rest ? rest + 1 : NULL;
}

/* Whose thread it is, from /proc/THREAD/status; 0: it can't be seen. */
static pid_t group_of(pid_t thread)
{
	char path[32], line[256];
	int group = 0;

	snprintf(path, sizeof path, "/proc/%d/status", thread);
	FILE *file = thread > 0 ? fopen(path, "re") : NULL;
	while (file && !group && fgets(line, sizeof line, file))
		(void)sscanf(line, "Tgid: %d", &group);
	if (file)
		fclose(file);
	return group;
}

struct mc_process mc_process_of(pid_t thread)
{
	struct mc_process process = {.id = group_of(thread)};
	char line[1024];
	const char *rest = read_stat(process.id, line, sizeof line);

	/* Field 22; the first one behind the name is 3. */
	if (!rest || sscanf(rest, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			     &process.start) != 1)
		return (struct mc_process){0};
	const char *name = strchr(line, '(') + 1; /* and rest is behind the bracket that closes it */
	size_t size = (size_t)(rest - 1 - name);
	memcpy(process.name, name, size < sizeof process.name ? size : sizeof process.name - 1);
	return process;
}

bool mc_process_same(const struct mc_process *one, const struct mc_process *other)
{
	return one->id && one->id == other->id && one->start == other->start;
}

bool mc_process_killed(pid_t thread)
{
	char line[1024];
	unsigned flags = 0;
	const char *rest = read_stat(thread, line, sizeof line);

	/* Field 9. */
	return rest && sscanf(rest, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && (flags & SIGNALED);
}
