/* SPDX-License-Identifier: MIT */
#include "backends/attached/clouds_yaml.h"
#include "backends/attached/json_check.h"
#include "mcloud/attached.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Any file and any environment is a configuration, or is refused with a sentence; within bounds. Input: the file, and
 * behind the first NUL variables of the environment, a NUL between them. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_VARIABLES = 16 };

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* A tree is as deep as it says, and no deeper than allowed; its mappings hold each key once. */
static void check_tree(const struct mc_value *value, unsigned level)
{
	size_t count = 0;

	check(value && level <= MC_CLOUDS_MAX_DEPTH && value->depth <= MC_CLOUDS_MAX_DEPTH);
	for (const struct mc_pair *pair = value->first; pair; pair = pair->next, count++) {
		check(pair->value->depth < value->depth);
		check(value->kind == MC_VALUE_LIST || pair->odd || mc_value_get(value, pair->key) == pair->value);
	}
	check(count == value->count);
	/* One way down: with aliases there may be very many. */
	if (value->first)
		check_tree(value->last->value, level + 1);
	check(mc_value_is_scalar(value) == (value->kind < MC_VALUE_STRANGE) && *mc_value_kind_name(value));
}

static void parse(const char *text, size_t size, bool json)
{
	MC_CLEANUP(arena) struct mc_arena arena = {.limit = MC_CLOUDS_MAX_TREE};
	struct mc_error error = {0};
	struct mc_value *value;
	const char *end;
	int r = mc_clouds_parse(&arena, text, size, json, "it", &value, &error);

	check(r == 0 ? value != NULL : r == -EINVAL && !value && *error.message);
	check(arena.used <= arena.limit);
	if (r == 0)
		check_tree(value, 0);
	check(mc_json_check(text, &end) || (end >= text && end <= text + strlen(text)));
}

static void load(const char *path, char **environment)
{
	const struct mc_attached_source source = {
		.clouds_file = path, .environment = environment, .vendors = "/nonexistent"};
	MC_CLEANUP(attached) struct mc_attached_config *config = NULL;
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_error error = {0};
	int r = mc_attached_load(&source, &config, &error);

	if (r < 0) {
		check((r == -EINVAL || r == -ENOENT) && *error.message && !config);
		return;
	}
	check(config->auth.auth_url && config->auth.methods && config->auth.type && config->cloud && config->region);
	check(config->identity.service_type && config->image.service_type && config->timeout_ms >= 0);
	check(config->verify || !config->cacert);
	check(mc_attached_print(config, &out) == 0 && out.size == strlen(out.data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[32], home[] = "HOME=/nonexistent";
	char *environment[MAX_VARIABLES + 2] = {home};
	char *text = malloc(size + 1);
	size_t variables = 1;

	if (fd < 0)
		fd = memfd_create("clouds", MFD_CLOEXEC);
	check(text && fd >= 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	memcpy(text, data, size);
	text[size] = '\0';
	size_t length = strlen(text);
	parse(text, length, false);
	parse(text, length, true);
	check(ftruncate(fd, 0) == 0 && pwrite(fd, text, length, 0) == (ssize_t)length);
	for (size_t at = length + 1; at < size && variables <= MAX_VARIABLES; at += strlen(text + at) + 1)
		if (!strncmp(text + at, "OS_", 3))
			environment[variables++] = text + at;
	load(path, environment);
	free(text);
	return 0;
}
