/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/condemned.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* Giving up an upload takes so long at most; what can't be deleted by then is deleted later. */
#define DISCARD_MS 2000

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
	condemn(glance, id, mc_now_ms() + INT64_C(1000) * MC_GLANCE_LOST_SECONDS);
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
		mc_mutex_lock(&glance->lock);
		left = left < glance->n_condemned ? left : glance->n_condemned;
		MC_CLEANUP(free_pointer) char *id = left ? strdup(glance->condemned[--left].id) : NULL;
		mc_mutex_unlock(&glance->lock);
		goes_on = id && remove_condemned(glance, call, id);
	}
}
