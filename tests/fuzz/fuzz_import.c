/* SPDX-License-Identifier: MIT */
#include "fs/records.h"

#include "mcloud/buffer.h"
#include "mcloud/util.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const fields[] = {"name", "password", "email", "description", "enabled", NULL};

static void check(bool good)
{
	if (!good)
		abort();
}

/* What a record, a bad one, or none is, as text. */
static void add(struct mc_buffer *seen, int result, const struct mc_record *record, const struct mc_error *error)
{
	if (result == 0)
		return;
	check(record->line > 0);
	mc_buffer_printf(seen, "%d %lu", result, record->line);
	if (result < 0) {
		check(error->code == -result && *error->message);
		mc_buffer_text(seen, error->message);
	}
	for (size_t i = 0; result > 0 && i < MC_COUNT(fields) - 1; i++)
		mc_buffer_printf(seen, "<%s>", record->values[i] ? record->values[i] : "-");
	check(result < 0 || (record->values[0] && *record->values[0]));
}

static void read_in_pieces(const uint8_t *data, size_t size, size_t piece, struct mc_buffer *seen)
{
	struct mc_records *records = mc_records_new("users", fields);
	struct mc_record record;
	struct mc_error error;

	if (!records)
		return;
	for (size_t at = 0, used; at < size && !mc_records_spoilt(records); at += used) {
		size_t part = size - at < piece ? size - at : piece;
		int result = mc_records_next(records, (const char *)data + at, part, &used, &record, &error);
		check(used <= part && used > 0);
		add(seen, result, &record, &error);
	}
	int result = mc_records_end(records, &record, &error);
	add(seen, result, &record, &error);
	mc_records_free(records);
}

/* Whatever is written into an import is read the same, in whatever pieces it comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MC_CLEANUP(buffer) struct mc_buffer whole = {0}, pieces = {0};
	size_t piece = size ? 1 + data[size - 1] % 16u : 1;

	read_in_pieces(data, size, SIZE_MAX, &whole);
	read_in_pieces(data, size, piece, &pieces);
	check(whole.size == pieces.size && (!whole.size || !memcmp(whole.data, pieces.data, whole.size)));
	return 0;
}
