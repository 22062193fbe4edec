/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/mark.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "HOST/BOOT/PID/START": the boot id of the kernel and the start of the process in clock ticks since then tell it from
 * any other that comes to have its number. */

#define PART_MAX 64

/* The first word of a file, "" when it can't be read. */
static void read_word(const char *path, char word[PART_MAX])
{
	FILE *file = fopen(path, "re");

	word[0] = '\0';
	if (!file)
		return;
	if (fgets(word, PART_MAX, file))
		word[strcspn(word, " \n")] = '\0';
	fclose(file);
}

/* Field 22 of /proc/PID/stat, proc(5), behind the name, which may hold anything. 0: no such process. */
static unsigned long long start_time(long pid)
{
	char path[PART_MAX], line[1024];
	unsigned long long start = 0;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t size = fread(line, 1, sizeof line - 1, file);
	fclose(file);
	line[size] = '\0';
	const char *at = strrchr(line, ')');
	for (int field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at && sscanf(at, "%llu", &start) == 1 ? start : 0;
}

/* The machine, and its time since the last boot. */
struct here {
	char host[PART_MAX], boot[PART_MAX];
};

static struct here look_here(void)
{
	struct here here;

	if (gethostname(here.host, sizeof here.host) < 0)
		here.host[0] = '\0';
	here.host[sizeof here.host - 1] = '\0';
	here.host[strcspn(here.host, "/")] = '\0';
	read_word("/proc/sys/kernel/random/boot_id", here.boot);
	return here;
}

void mc_glance_make_mark(char mark[MC_GLANCE_MARK_MAX + 1])
{
	struct here here = look_here();

	snprintf(mark, MC_GLANCE_MARK_MAX + 1, "%s/%s/%ld/%llu", here.host, here.boot, (long)getpid(),
		start_time(getpid()));
}

bool mc_glance_mark_is_dead(const char *value)
{
	struct here here = look_here(), there;
	unsigned long long start;
	long pid;

	if (strlen(value) > MC_GLANCE_MARK_MAX ||
		sscanf(value, "%63[^/]/%63[^/]/%ld/%llu", there.host, there.boot, &pid, &start) != 4)
		return false;
	/* Of another machine nothing is known here. */
	if (strcmp(here.host, there.host) != 0)
		return false;
	return strcmp(here.boot, there.boot) != 0 || start_time(pid) != start;
}
