/* SPDX-License-Identifier: MIT */
#include "fs/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* Nobody mistypes longer words than there are. */
enum { MAX_LENGTH = 32 };

struct mc_nearest mc_nearest_begin(const char *word, size_t length)
{
	return (struct mc_nearest){.word = word, .length = length, .distance = UINT_MAX};
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many letters are left out, put in, changed, or changed places with their neighbour (optimal string alignment). */
static unsigned distance_of(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][MAX_LENGTH + 1]; /* the row before the last one, the last one, this one; by i % 3 */

	for (unsigned j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a_length; i++) {
		unsigned *row = rows[i % 3], *before = rows[(i + 2) % 3], *long_before = rows[(i + 1) % 3];
		row[0] = i;
		for (unsigned j = 1; j <= b_length; j++) {
			row[j] = least(before[j - 1] + !is_same(a[i - 1], b[j - 1]), least(before[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], long_before[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

void mc_nearest_try(struct mc_nearest *nearest, const char *name, size_t length)
{
	if (!nearest->length || nearest->length > MAX_LENGTH || length > MAX_LENGTH)
		return;
	unsigned distance = distance_of(nearest->word, nearest->length, name, length);
	if (distance > (length < 6 ? 1 : length / 3) || distance >= nearest->distance)
		return;
	nearest->name = name;
	nearest->distance = distance;
}
