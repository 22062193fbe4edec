/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Copies HTML or plain text without its tags and with single blanks; the few entities that webob makes are undone. */
static void plain_text(const char *from, size_t from_size, char *to, size_t to_size)
{
	static const struct {
		const char *entity, *text;
	} entities[] = {
		{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&#x27;", "'"}, {"&amp;", "&"}};
	size_t n = 0;
	bool is_tag = false;

	for (size_t i = 0; i < from_size && n + 1 < to_size; i++) {
		char c = from[i];
		if (c == '<' || is_tag) {
			is_tag = c != '>';
			c = ' ';
		}
		for (size_t e = 0; c == '&' && e < MC_COUNT(entities); e++) {
			size_t length = strlen(entities[e].entity);
			if (from_size - i >= length && !memcmp(from + i, entities[e].entity, length)) {
				c = entities[e].text[0];
				i += length - 1;
				break;
			}
		}
		if (isspace((unsigned char)c) || iscntrl((unsigned char)c))
			c = ' ';
		if (c != ' ' || (n > 0 && to[n - 1] != ' '))
			to[n++] = c;
	}
	while (n > 0 && (to[n - 1] == ' ' || to[n - 1] == '.'))
		n--;
	to[n] = '\0';
}

/* Takes "404 Not Found " away from in front, as often as it is there: pages have it as title and as heading. */
static void drop_status_line(char *text, const char *title)
{
	size_t length = strlen(title);

	while (length > 0 && !strncmp(text, title, length))
		memmove(text, text + length + strspn(text + length, " "),
			strlen(text + length + strspn(text + length, " ")) + 1);
}

void mc_glance_message(const char *body, size_t body_size, char *text, size_t size)
{
	text[0] = '\0';
	if (!body || body_size == 0)
		return;
	if (body_size > 64 << 10)
		body_size = 64 << 10;
	MC_CLEANUP(json) cJSON *json = cJSON_ParseWithLength(body, body_size);
	const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "message"));
	if (message) {
		plain_text(message, strlen(message), text, size);
		return;
	}
	plain_text(body, body_size, text, size);
	/* A page says "404 Not Found" as its title and again as its heading, before what is of interest. */
	if (strspn(text, "0123456789") == 3 && text[3] == ' ') {
		char *again = strstr(text + 4, (char[]){text[0], text[1], text[2], ' ', '\0'});
		if (again) {
			MC_CLEANUP(free_pointer) char *title = strndup(text, (size_t)(again - text));
			if (title)
				drop_status_line(text, title);
		}
	}
}

static const struct mc_openstack_status statuses[] = {
	/* The image, not the login, is in the way. */
	{403, NULL, "protected", EPERM},
	{403, NULL, "read-only", EPERM},
	{403, NULL, "reserved", EPERM},
	{403, NULL, "may not be removed", EPERM},
	{403, NULL, "only replaced for a queued image", EPERM},
	{410, NULL, NULL, ENOENT},
	/* One status for three things: the store's disk, Glance's limits and Keystone's limits. */
	{413, NULL, "media is full", ENOSPC},
	{413, NULL, "No space", ENOSPC},
	{507, NULL, NULL, ENOSPC},
	{0},
};

const struct mc_openstack_api mc_glance_api = {
	.version = "v2", .answer_limit = (size_t)256 << 20, .statuses = statuses, .message = mc_glance_message};

void mc_glance_changed(struct mc_glance *glance)
{
	MC_LOCKED(&glance->lock) {
		glance->changes++;
		glance->cached_until = 0;
	}
}

int mc_glance_request(struct mc_glance *glance, struct mc_call *call, const char *method, const char *const *path,
	const char *const *query, const char *content_type, const cJSON *body, cJSON **ret_answer,
	struct mc_error *error)
{
	const struct mc_openstack_request request = {
		.method = method, .path = path, .query = query, .content_type = content_type, .body = body};
	int r = mc_openstack_request(glance->api, call, &request, ret_answer, error);

	/* Also after a failure: nobody knows what it has done. */
	if (strcmp(method, "GET") != 0)
		mc_glance_changed(glance);
	return r;
}
