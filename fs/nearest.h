/* SPDX-License-Identifier: MIT */
#ifndef FS_NEAREST_H
#define FS_NEAREST_H

#include <stddef.h>

/* For "did you mean": of several names the one that a mistyped word is nearest to. */
struct mc_nearest {
	const char *word;
	size_t length;    /* of the word */
	const char *name; /* the best so far, or NULL */
	unsigned distance;
};

/* WORD, LENGTH bytes of it, is looked for. */
struct mc_nearest mc_nearest_begin(const char *word, size_t length);

/* Looks at NAME, LENGTH bytes of it. What differs in more than a third of its letters, and
 * in more than one, is not meant; of two that are as
 * near, the first is taken. NAME is kept by its address. */
void mc_nearest_try(struct mc_nearest *nearest, const char *name, size_t length);

#endif
