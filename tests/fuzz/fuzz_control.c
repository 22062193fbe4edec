/* SPDX-License-Identifier: MIT */
#include "fs/control.h"

#include <stdlib.h>
#include <string.h>

/* Any write to a control file runs verbs, each with as many words as it takes, or none. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct mc_cloud {
	unsigned runs, least, most;
};

static int run(struct mc_ask *ask, char **words, unsigned n_words)
{
	ask->cloud->runs++;
	if (n_words < ask->cloud->least || n_words > ask->cloud->most)
		abort();
	for (unsigned i = 0; i < n_words; i++)
		if (!*words[i] || strpbrk(words[i], " \t\n"))
			abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mc_verb verbs[] = {
		{"start", "[NAME]", "starts it", 0, 1, run, NULL},
		{"set", "A B", "sets it", 2, 2, run, NULL},
		{"all", "...", "all", 0, 99, run, NULL},
		{0},
	};
	struct mc_cloud cloud = {.most = 15};
	struct mc_error error = {0};
	struct mc_ask ask = {.cloud = &cloud, .error = &error};
	char *value = NULL;
	size_t length = 0;

	int result = mc_control_value((const char *)data, size, &value, &length, &error);
	if (result < 0)
		return error.code == -result && !value ? 0 : (abort(), 1);
	if (strlen(value) != length || length > size || length + 1 < size)
		abort();
	result = mc_control_run_lines(&ask, verbs, value);
	if ((result == 0 && !cloud.runs) || (result < 0 && !*error.message))
		abort();
	free(value);
	return 0;
}
