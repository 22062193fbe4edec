/* SPDX-License-Identifier: MIT */
#ifndef FS_PIECES_H
#define FS_PIECES_H

#include "mcloud/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* What one open file has written into a value or a control. A long or many-lined text comes in several write(2)s, each
 * of which has been stored when it returns: what comes behind the part before it makes the value longer. */
struct mc_pieces {
	struct mc_buffer text;   /* what the value is now, as it was written: with the newline at its end */
	int64_t end;             /* where the next piece begins */
	struct mc_buffer before; /* what readers saw before the first piece */
	bool asked, known;       /* `before` was asked for; and is there */
	bool begun;              /* `text` has been stored, and may be gone on with */
	bool stored;             /* the value is another one than `before` */
	bool truncated;          /* to nothing, which has not been stored yet */
	bool refused;            /* as the last piece was, so that what comes behind it has no place */
	bool inside_line;        /* of a control: the last piece had no newline at its end */
};

/* Their content may be secret. */
void mc_pieces_clear(struct mc_pieces *pieces);

#endif
