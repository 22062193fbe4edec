/* SPDX-License-Identifier: MIT */
#include "fs/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Any -o string is taken, with values in their ranges, or refused with a sentence. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mc_options options;
	struct mc_error error = {0};
	char *text = malloc(size + 1);

	check(text && mc_options_init(&options) == 0);
	memcpy(text, data, size);
	text[size] = '\0';
	int result = mc_options_parse(&options, text, &error);
	check(result == 0 || (result == -EINVAL && *error.message));
	check(options.ttl_ms >= 0 && options.ttl_ms <= 3600000);
	/* 0: none was given. */
	check(!options.timeout_ms || (options.timeout_ms >= 100 && options.timeout_ms <= 3600000));
	check(*options.cloud && strlen(options.cloud) <= 32 && !strpbrk(options.cloud, "/. \n"));
	check(!strncmp(options.base, "127.", 4) && *options.state_dir == '/');
	check(!options.mount.size || options.mount.data[options.mount.size - 1] != ',' ||
		strchr(options.mount.data, '\\'));
	mc_options_clear(&options);
	free(text);
	return 0;
}
