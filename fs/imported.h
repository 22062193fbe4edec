/* SPDX-License-Identifier: MIT */
#ifndef FS_IMPORTED_H
#define FS_IMPORTED_H

#include "mcloud/buffer.h"
#include "mcloud/error.h"

#include <stdatomic.h>

/* What became of the records of the last import into each directory, as JSON lines. Memory is bounded: of the few
 * directories that were imported into last; of an import with very many records those are left out that did not fail.
 * Safe in any thread; asks nobody. */
struct mc_imported;

struct mc_imported *mc_imported_new(void);
void mc_imported_free(struct mc_imported *imported);

/* For fs/crew.h: the threads of all imports together. */
atomic_uint *mc_imported_hands(struct mc_imported *imported);

/* An import into PLACE (any text that names the directory) begins: what is known of the last one is forgotten, unless
 * another one is under way. 0 or -errno: -EBUSY when too many are, -ENOMEM. */
int mc_imported_begin(struct mc_imported *imported, const char *place);
/* The same of one that had ended already, and goes on: what is known of it stays. */
int mc_imported_go_on(struct mc_imported *imported, const char *place);
void mc_imported_end(struct mc_imported *imported, const char *place);

/* In the order of mc_imported_words. */
enum mc_imported_outcome { MC_IMPORTED_CREATED, MC_IMPORTED_CHANGED, MC_IMPORTED_UNCHANGED, MC_IMPORTED_FAILED };

/* A record has ended. NAME is "" where it has none; ERROR says why it failed, else it is NULL. Of a place that has
 * begun. */
void mc_imported_add(struct mc_imported *imported, const char *place, unsigned long line, const char *name,
	enum mc_imported_outcome outcome, const struct mc_error *error);

/* A JSON object a line, in the order in which they ended: line, name, outcome, and of a failure errno and reason. The
 * last line counts: records, each outcome, and `done`. Nothing where nothing was imported. */
void mc_imported_show(struct mc_imported *imported, const char *place, struct mc_buffer *out);

#endif
