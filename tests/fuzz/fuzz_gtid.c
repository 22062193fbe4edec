/* SPDX-License-Identifier: MIT */
#include "mcloud/replica.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Two positions, a line each. What is one covers itself and the beginning. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *other;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	other = strchr(text, '\n');
	if (other)
		*other++ = '\0';
	if (mc_gtid_covers(text, "") == 1 && mc_gtid_covers(text, text) != 1)
		abort();
	if (other && mc_gtid_covers(text, other) == 1 && mc_gtid_covers(other, text) < 0)
		abort();
	free(text);
	return 0;
}
