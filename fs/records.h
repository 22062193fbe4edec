/* SPDX-License-Identifier: MIT */
#ifndef FS_RECORDS_H
#define FS_RECORDS_H

#include "mcloud/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Records of a text that comes in pieces: CSV whose first row names the fields (RFC 4180: quotes, commas and newlines
 * in them, CRLF), or JSON lines, an object each. What begins with `{` is JSON. UTF-8, with or without a byte order
 * mark. Asks nobody, and keeps no more than one row. */

enum {
	MC_RECORD_LIMIT = 64 << 10, /* bytes of a row */
	MC_RECORD_FIELDS = 8        /* that there may be */
};

/* A record: its fields in the order of those that it may have. NULL: it says nothing of that one (in CSV an empty field
 * without quotes, in JSON null, or none). Valid until the next is asked for. */
struct mc_record {
	unsigned long line; /* where it begins, from 1 */
	const char *values[MC_RECORD_FIELDS];
};

struct mc_records;

/* FIELDS are those that a record may have, the last is NULL; one without the first is bad. Both live as long as this.
 * WHAT has them: "users", for sentences. NULL: out of memory. */
struct mc_records *mc_records_new(const char *what, const char *const *fields);

/* Wipes what it has kept. Takes NULL. */
void mc_records_free(struct mc_records *records);

/* Takes bytes up to the end of the next record; *RET_USED of them. 1 with *RET_RECORD; 0: all were taken, and none is
 * whole. -EINVAL, -E2BIG: a bad one, with its line in *RET_RECORD and the reason in ERROR, which quotes nothing of it;
 * the next call goes on behind it, unless mc_records_spoilt(): then nothing is taken any more. */
int mc_records_next(struct mc_records *records, const char *bytes, size_t size, size_t *ret_used,
	struct mc_record *ret_record, struct mc_error *error);

/* The text has ended: what is left of it, as by mc_records_next(); what comes next is another text. */
int mc_records_end(struct mc_records *records, struct mc_record *ret_record, struct mc_error *error);

/* Whether the first row of a CSV was refused: what the others mean isn't known then, and none is given any more. */
bool mc_records_spoilt(const struct mc_records *records);

/* A record that was begun is forgotten: the rest of it won't come. What comes next is another text. */
void mc_records_drop(struct mc_records *records);

#endif
