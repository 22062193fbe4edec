/* SPDX-License-Identifier: MIT */
#include "fs/tree/log_merge.h"
#include "fs/tree/text.h"
#include "mcloud/catalog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each is one field of a line, whatever the catalog says. */
static void check_endpoints(const struct mc_catalog *catalog)
{
	size_t count;
	const struct mc_catalog_endpoint *endpoints = mc_catalog_endpoints(catalog, &count);
	for (size_t i = 0; i < count; i++) {
		const struct mc_catalog_endpoint *at = &endpoints[i];
		const char *const fields[] = {at->type, at->name, at->region, at->interface, at->url};
		MC_CLEANUP(buffer) struct mc_buffer line = {0};
		for (size_t f = 0; f < MC_COUNT(fields); f++)
			mc_text_field(&line, fields[f]);
		if (!*at->type || !*at->interface || !*at->url || strpbrk(line.data, "\t\r\n") ||
			!mc_catalog_find(catalog, at->type, at->region, at->interface))
			abort();
	}
}

/* The first byte parts the rest into two logs; a merge loses no byte of them but adds names and a last newline. */
static void merge(const char *text, size_t size)
{
	size_t half = size ? (size_t)(unsigned char)text[0] * size / 256 : 0;
	const struct mc_log logs[] = {{"one", text, half}, {"three", text + half, size - half}};
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	mc_log_merge(logs, 2, &out);
	if (out.size < size || (out.size && out.data[out.size - 1] != '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	MC_CLEANUP(buffer) struct mc_buffer pretty = {0}, xml = {0};
	struct mc_error error = {0};
	const char *text = (const char *)data;
	int r = mc_catalog_parse(text, size, &catalog, &error);
	if (r == 0) {
		check_endpoints(catalog);
		if (mc_text_json(&pretty, text, size, "it", &error) < 0)
			abort();
	} else if (r != -EIO || catalog || !*error.message) {
		abort();
	}
	merge(text, size);
	MC_CLEANUP(free_pointer) char *copy = strndup(text, size);
	mc_text_xml(&xml, copy);
	return 0;
}
