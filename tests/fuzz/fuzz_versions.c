/* SPDX-License-Identifier: MIT */
#include "backends/openstack/discovery/url.h"
#include "backends/openstack/discovery/version.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A URL in the first line, and what it answers: whatever that is, what is asked next is at the same place. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const char *from, const char *to)
{
	MC_CLEANUP(curlu) CURLU *a = mc_url_parse(NULL, from);
	MC_CLEANUP(curlu) CURLU *b = mc_url_parse(NULL, to);

	if (!a || !b || !mc_url_same_place(a, b, true))
		abort();
}

static void check_choices(const char *url, const char *project_id)
{
	struct mc_version_choices choices;
	struct mc_error error = {0};
	int r = mc_version_choose(url, project_id, 2, &choices, &error);

	if (r < 0 ? !error.message[0] || choices.found || choices.ask[0] : !choices.found == !choices.ask[0])
		abort();
	if (choices.found)
		check_place(url, choices.found);
	for (size_t i = 0; i < MC_COUNT(choices.ask); i++)
		if (choices.ask[i])
			check_place(url, choices.ask[i]);
	mc_version_choices_clear(&choices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t length = end ? (size_t)(end - data) : size;
	MC_CLEANUP(free_pointer) char *url = strndup((const char *)data, length);
	/* Exactly as long as it is: what reads past its end is caught. */
	size_t body_size = end ? size - length - 1 : 0;
	MC_CLEANUP(free_pointer) char *body = malloc(body_size ? body_size : 1);

	if (body_size)
		memcpy(body, end + 1, body_size);
	check_choices(url, NULL);
	check_choices(url, "p");
	for (unsigned major = 2; major < 4; major++) {
		MC_CLEANUP(free_pointer) char *found = NULL, *appended = mc_version_append(url, major, NULL);
		struct mc_error error = {0};
		int r = mc_version_find(body, body_size, url, major == 2 ? "p" : NULL, major, &found, &error);
		if (r == 0 ? !found : found || !error.message[0])
			abort();
		if (found)
			check_place(url, found);
		if (appended)
			check_place(url, appended);
	}
	MC_CLEANUP(free_pointer) char *location = strndup(body, body_size);
	MC_CLEANUP(free_pointer) char *to = mc_version_redirect(url, location);
	if (to)
		check_place(url, to);
	return 0;
}
