/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An upload that nobody finishes must not stay. One that this process could not delete is remembered, hidden, and tried
 * again; one of a process that has died is known by its mark "HOST/BOOT/PID/START": the boot id of the kernel and the
 * start of the process in clock ticks since then tell it from any other that comes to have its number. */

#define PART_MAX 64

/* A request whose answer was lost takes effect within so long, or never. */
#define LOST_SECONDS 120

/* Who gives up an upload waits so long for its deletion; then it is done later. */
#define DISCARD_MS 2000

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

bool mc_glance_is_condemned(const struct mc_glance *glance, const char *id)
{
	for (size_t i = 0; i < glance->n_condemned; i++)
		if (!strcmp(glance->condemned[i].id, id))
			return true;
	return false;
}

static void condemn(struct mc_glance *glance, const char *id, int64_t awaited)
{
	char *copy = strdup(id);

	MC_LOCKED(&glance->lock) {
		struct mc_glance_condemned *condemned =
			copy ? realloc(glance->condemned, (glance->n_condemned + 1) * sizeof *condemned) : NULL;
		if (condemned) {
			glance->condemned = condemned;
			condemned[glance->n_condemned++] =
				(struct mc_glance_condemned){.id = mc_steal(&copy), .awaited = awaited};
		}
	}
	free(copy); /* without memory to remember it, the next mount finds it by its mark */
}

/* It is gone now, or it wasn't there; in that case it stays condemned as long as it is awaited. */
static void forgive(struct mc_glance *glance, const char *id, bool was_there)
{
	char *gone = NULL;

	MC_LOCKED(&glance->lock) {
		for (size_t i = 0; i < glance->n_condemned && !gone; i++) {
			struct mc_glance_condemned *condemned = &glance->condemned[i];
			if (!strcmp(condemned->id, id) && (was_there || condemned->awaited <= mc_now_ms())) {
				gone = condemned->id;
				*condemned = glance->condemned[--glance->n_condemned];
			}
		}
	}
	free(gone);
}

/* Whether Glance takes deletions. */
static bool remove_condemned(struct mc_glance *glance, struct mc_call *call, const char *id)
{
	int r = mc_glance_delete(glance, call, id, NULL);

	if (r < 0 && r != -ENOENT)
		return false;
	forgive(glance, id, r == 0);
	return true;
}

void mc_glance_expect_lost(struct mc_glance *glance, const char *id)
{
	condemn(glance, id, mc_now_ms() + INT64_C(1000) * LOST_SECONDS);
}

void mc_glance_condemn(struct mc_glance *glance, const char *id)
{
	condemn(glance, id, 0);
}

void mc_glance_discard(struct mc_glance *glance, const char *id)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(DISCARD_MS);

	mc_glance_condemn(glance, id);
	if (call)
		remove_condemned(glance, call, id);
}

void mc_glance_retry_discards(struct mc_glance *glance, struct mc_call *call)
{
	bool goes_on = true;

	/* From the last one on, whose place the one behind it may take. */
	for (size_t left = SIZE_MAX; goes_on;) {
		pthread_mutex_lock(&glance->lock);
		left = left < glance->n_condemned ? left : glance->n_condemned;
		MC_CLEANUP(free_pointer) char *id = left ? strdup(glance->condemned[--left].id) : NULL;
		pthread_mutex_unlock(&glance->lock);
		goes_on = id && remove_condemned(glance, call, id);
	}
}

static bool is_left_over(struct mc_glance *glance, const struct mc_image *image)
{
	if (!image->upload)
		return false;
	if (strcmp(image->upload, glance->mark) != 0)
		return mc_glance_mark_is_dead(image->upload);
	pthread_mutex_lock(&glance->lock);
	bool is_known = mc_glance_writer_of(glance, image->id);
	pthread_mutex_unlock(&glance->lock);
	return !is_known && image->created < mc_wall_clock() - LOST_SECONDS;
}

int mc_glance_sweep(struct mc_glance *glance, struct mc_call *call, struct mc_error *error)
{
	struct mc_image_list list = {0};

	mc_glance_changed(glance);
	int r = mc_glance_list(glance, call, &list, error);
	for (size_t i = 0; r == 0 && i < list.count; i++) {
		const struct mc_image *image = &list.items[i];
		if (!is_left_over(glance, image))
			continue;
		r = mc_glance_delete(glance, call, image->id, error);
		if (r == -ENOENT)
			r = 0;
		if (r < 0)
			mc_error_context(error, "the unfinished upload of %s", image->name);
	}
	mc_image_list_clear(&list);
	return r;
}
