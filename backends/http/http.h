/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_HTTP_HTTP_H
#define BACKENDS_HTTP_HTTP_H

#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/journal.h"
#include "mcloud/reach.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* HTTP to one service, over connections that are kept and reused: up to `connections` requests at once, others wait for
 * a free one (within their deadline, woken by cancellation). Safe in any thread. */
struct mc_http;

struct mc_http_options {
	const char *service;     /* for errors and the journal: "keystone-Kista" */
	const char *base_url;    /* "http://127.77.1.1:5000", or https; its path is kept in front of each request's */
	const char *unix_socket; /* NULL: TCP */
	unsigned connections;    /* at most; 0: 8 */
	struct mc_tls tls;       /* copied */
	unsigned silence_s; /* an idle peer that acknowledges nothing for so long (5 at least) is given up; 0: 60 s */
	bool proxies;       /* those of the environment are used: http_proxy, https_proxy, no_proxy (curl(1)) */
	struct mc_journal *journal; /* may be NULL; outlives the mc_http */
	/* Asked before each request: whether there is a shortcut, in *RET. Where no connection can be made by it, there
	 * is one to the URL's host. NULL: there is never one. DATA outlives the mc_http. */
	bool (*shortcut)(void *data, struct mc_shortcut *ret);
	void *data;
};

/* A name and a value; lists end with a NULL name. Values are escaped by the receiver, never by the caller. */
struct mc_http_param {
	const char *name, *value;
};

struct mc_http_response;

struct mc_http_request {
	const char *method;      /* "GET" … */
	const char *const *path; /* segments, NULL-terminated: {"v3", "users", id, NULL}; each is percent-encoded. None:
				    the base URL as it is */
	const struct mc_http_param *query;   /* or NULL */
	const struct mc_http_param *headers; /* or NULL; a value with CR or LF is -EINVAL */
	const char *content_type;            /* of the body; NULL: application/json */
	const void *body;                    /* or NULL */
	size_t body_size;
	/* A body that is made while it is sent (chunked, or `upload_size` bytes if not negative): gives bytes, 0 at the
	 * end, -errno to break the request off. Called in the calling thread. */
	ssize_t (*read_body)(void *data, void *to, size_t size);
	int64_t upload_size;
	/* Of such a body: nothing of it is asked for before the server wants it ("100 Continue", RFC 9110, section
	 * 10.1.1), or, where it knows nothing of that, a second has gone by. */
	bool expects;
	/* Takes the bytes of a 2xx answer as they come, instead of response.body: 0, or -errno to break it off. Called
	 * in the calling thread. */
	int (*on_body)(void *data, const void *bytes, size_t size);
	/* Asked once when the headers of a 2xx answer are there, before on_body: status and headers of RESPONSE are
	 * set. 0 to go on, or -errno to break it off. NULL: not asked. */
	int (*on_head)(void *data, const struct mc_http_response *response);
	void *data;
	bool wants_certificate; /* the server's, by https, into response.certificate: over a new connection */
	size_t body_limit;      /* of response.body, -EFBIG past it; 0: 256 MiB */
	const char *call;       /* for the journal; NULL: method and path */
};

struct mc_http_response {
	int status;
	struct mc_buffer body;
	struct mc_buffer headers;     /* "Name: value\n" as received, of the final answer */
	struct mc_buffer certificate; /* PEM; empty where none was wanted, or none was shown */
};

struct mc_http *mc_http_new(const struct mc_http_options *options);
void mc_http_unref(struct mc_http *http);
struct mc_http *mc_http_ref(struct mc_http *http);

/* One request and its answer, whatever its status (a redirect is an answer, and never followed): 0. Otherwise ERROR is
 * filled:
 * -ECONNREFUSED (not reachable, or the connection broke before an answer; an idempotent request on a kept connection
 * that turns out to be broken is sent once more on a new one), -ETIMEDOUT, -EINTR, -EFBIG, -EIO (what came is no HTTP,
 * or half an answer, or the server is not to be trusted: the sentence says why, and the cure),
 * -EINVAL (an empty path segment, a line break in a header), what a callback said. 429 and 503 with Retry-After are
 * tried again while the call's deadline allows it (not for read_body). */
int mc_http_perform(struct mc_http *http, struct mc_call *call, const struct mc_http_request *request,
	struct mc_http_response *ret_response, struct mc_error *error);

/* Nobody waits any more for the service as it is: all requests that are under way end at once, with -ECONNABORTED, or
 * with -ECANCELED if nothing of them was sent. Later ones are not touched. */
void mc_http_drop(struct mc_http *http);

/* By how many seconds the service's clock is ahead of CLOCK_REALTIME here, as the headers Date of its answers so far
 * have shown: between *RET_LEAST and *RET_MOST. They are about a second apart; less after several answers, more after
 * one that was long under way, and the longer ago the last one is. False: nothing is known, and they are left alone. */
bool mc_http_ahead(struct mc_http *http, double *ret_least, double *ret_most);

void mc_http_response_free(struct mc_http_response *response);
void mc_cleanup_http_response(struct mc_http_response *response);

/* The value of a header (any case) in malloc'd memory, or NULL. */
char *mc_http_response_header(const struct mc_http_response *response, const char *name);

/* Streams that may be silent for hours (events, followed logs): one thread serves all of them. */
struct mc_http_loop;
struct mc_http_stream;

struct mc_http_stream_handler {
	void (*on_open)(void *data, int status);                     /* the answer's headers have come; may be NULL */
	void (*on_data)(void *data, const void *bytes, size_t size); /* of a 2xx answer */
	void (*on_end)(void *data, int result); /* 0: the end, -errno: broken; nothing comes after it */
};

struct mc_http_loop *mc_http_loop_new(void);
/* Ends and frees all its streams too: no handler runs after the return, their on_end is not called, and they must not
 * be stopped any more. */
void mc_http_loop_free(struct mc_http_loop *loop);

/* Starts REQUEST (no body callbacks) on a connection of its own; the handler is called in the loop's thread. */
int mc_http_stream_start(struct mc_http_loop *loop, const struct mc_http_options *options,
	const struct mc_http_request *request, const struct mc_http_stream_handler *handler, void *data,
	struct mc_http_stream **ret_stream, struct mc_error *error);

/* Ends and frees it. After the return no handler runs any more. To be called once for each started stream, after its
 * on_end too; not from a handler. */
void mc_http_stream_stop(struct mc_http_stream *stream);

#endif
