/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "mcloud/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request that broke off half-way is gone on with from there, so often. */
#define TRIES 3

/* Digits as a number; false: none, or too many. */
static bool parse_number(const char **text, int64_t *ret)
{
	size_t length = strspn(*text, "0123456789");

	if (length == 0 || length > 18)
		return false;
	*ret = strtoll(*text, NULL, 10);
	*text += length;
	return true;
}

/* RFC 9110, section 14.4. */
bool mc_glance_parse_content_range(const char *text, int64_t *ret_first, int64_t *ret_last, int64_t *ret_total)
{
	if (strncmp(text, "bytes ", 6) != 0)
		return false;
	text += 6;
	if (!parse_number(&text, ret_first) || *text++ != '-' || !parse_number(&text, ret_last) || *text++ != '/')
		return false;
	if (!strcmp(text, "*")) {
		*ret_total = -1;
		return *ret_last >= *ret_first;
	}
	return parse_number(&text, ret_total) && !*text && *ret_last >= *ret_first && *ret_last < *ret_total;
}

int mc_glance_check_content(const struct mc_image *image, int64_t offset, const struct mc_http_response *response,
	int64_t *ret_skip, struct mc_error *error)
{
	int64_t first, last, total;

	*ret_skip = 0;
	if (response->status == 200) {
		/* The service, or something in front of it, has no ranges: all of it comes. */
		*ret_skip = offset;
		return 0;
	}
	if (response->status != 206)
		return mc_error_set(error, EAGAIN, "the image has no content yet");
	MC_CLEANUP(free_pointer) char *range = mc_http_response_header(response, "Content-Range");
	if (!range || !mc_glance_parse_content_range(range, &first, &last, &total))
		return mc_error_set(error, EIO, "a part of the image came without a proper Content-Range");
	if (first != offset || (total >= 0 && total != image->size))
		return mc_error_set(error, EIO,
			"Glance sent another part than was asked for: %s instead of %" PRId64 "- of %" PRId64, range,
			offset, image->size);
	return 0;
}

struct fetch {
	const struct mc_image *image;
	struct mc_error *error;
	char *to;
	int64_t offset; /* of the first byte of `to` */
	size_t size, got;
	int64_t skip; /* so many bytes of the answer come before what is wanted */
	int bad;      /* -errno by on_range_head or of a refusal; a broken transfer without it may be tried again */
};

static int on_range_head(void *data, const struct mc_http_response *response)
{
	struct fetch *fetch = data;

	fetch->bad = mc_glance_check_content(
		fetch->image, fetch->offset + (int64_t)fetch->got, response, &fetch->skip, fetch->error);
	return fetch->bad;
}

static int on_range_body(void *data, const void *bytes, size_t size)
{
	struct fetch *fetch = data;
	size_t skipped = fetch->skip < (int64_t)size ? (size_t)fetch->skip : size;
	size_t left = fetch->size - fetch->got, fits = size - skipped < left ? size - skipped : left;

	fetch->skip -= (int64_t)skipped;
	memcpy(fetch->to + fetch->got, (const char *)bytes + skipped, fits);
	fetch->got += fits;
	/* Bytes behind what was asked for: the service has no ranges. Nothing more is needed of it. */
	return skipped + fits < size ? -ECANCELED : 0;
}

/* One request for what is missing. */
static int fetch_rest(struct mc_glance *glance, struct mc_call *call, struct fetch *fetch, struct mc_error *error)
{
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	char range[64];

	snprintf(range, sizeof range, "bytes=%" PRId64 "-%" PRId64, fetch->offset + (int64_t)fetch->got,
		fetch->offset + (int64_t)fetch->size - 1);
	const struct mc_openstack_request request = {
		.method = "GET",
		.path = (const char *const[]){"images", fetch->image->id, "file", NULL},
		.headers = (const struct mc_http_param[]){{"Range", range}, {NULL, NULL}},
		.on_head = on_range_head,
		.on_body = on_range_body,
		.data = fetch,
	};
	fetch->bad = 0;
	int r = mc_openstack_ask(glance->ranges, call, &request, &response, error);
	if (fetch->bad < 0)
		return mc_error_set(error, -fetch->bad, "%s", fetch->error->message);
	/* There is an answer: a refusal. */
	fetch->bad = response.status ? r : 0;
	return r;
}

int mc_glance_range(struct mc_glance *glance, const struct mc_image *image, struct mc_call *call, void *to, size_t size,
	int64_t offset, struct mc_error *error)
{
	struct mc_error head_error = {0};
	struct fetch fetch = {.image = image, .error = &head_error, .to = to, .offset = offset, .size = size};
	int r = 0;

	for (int tries = 0; tries < TRIES && fetch.got < size; tries++) {
		r = fetch_rest(glance, call, &fetch, error);
		if (fetch.got == size)
			return 0;
		/* An answer that ended early, or a connection that broke, is asked for the rest; a refusal is not. */
		if (fetch.bad < 0 || (r != 0 && r != -EIO && r != -ECONNREFUSED))
			return r;
	}
	if (fetch.got == size)
		return 0;
	return r < 0 ? r
		     : mc_error_set(
			       error, EIO, "Glance gave %zu bytes less of the image than it has", size - fetch.got);
}
