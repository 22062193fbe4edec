/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAKE_HTTP_H
#define TESTS_FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/* A scripted HTTP/1.1 server in this process: it checks the requests it gets and gives canned answers, good and bad.
 * Each connection has a thread, so requests may be answered in parallel. A test makes steps with fake_http_expect() and
 * ends with fake_http_free(), which fails it if something came that no step expected or if a step was left over. */
struct fake_http;

enum fake_how {
	FAKE_LENGTH, /* with Content-Length */
	FAKE_CHUNKED,
	FAKE_CLOSE,  /* without a length: the body ends where the connection does */
	FAKE_RAW,    /* `answer` is all that is sent, status line and all; then the connection closes */
	FAKE_HANG,   /* no answer, until the client goes away */
	FAKE_DROP,   /* no answer: the connection closes */
	FAKE_STREAM, /* headers at once, then chunks by fake_http_push() until fake_http_push_end() */
};

struct fake_request {
	const char *method, *target; /* "GET", "/v3/users?name=x" as on the wire */
	const char *headers;         /* lines "Name: value\r\n" */
	const char *body;            /* NUL-terminated */
	size_t body_size;
	unsigned connection; /* counted from 0 */
};

/* A request is given to the first step, in the order of their making, that is not used up and whose method and target
 * fit; what else the step says about it is then checked. The strings are copied, an `answer` with a size, or of
 * `check`, is not: it lives as long as the server. */
struct fake_step {
	const char *method; /* NULL: any */
	const char *target; /* path and query as on the wire; NULL: any */
	const char *body;   /* the exact body; NULL: any */
	const char *json;   /* the body compared as JSON, order of members aside; NULL: any */
	const char *header; /* a line that must be there, "X-Auth-Token: secret"; NULL: none */
	void (*check)(void *data,
		const struct fake_request *request); /* in the connection's thread; says fake_http_complain() */
	void *data;
	int times; /* how often it is used; 0: once; -1: any number, none too */

	enum fake_how how;
	bool held;           /* answers after fake_http_release() */
	bool early;          /* answers before it has read the body, and closes */
	bool closes;         /* says Connection: close and does so */
	bool quiet_close;    /* closes after the answer without having said so */
	int status;          /* 0: 200 */
	const char *headers; /* more lines "Name: value\r\n" */
	const char *answer;  /* NULL: empty */
	size_t answer_size;  /* 0: strlen(answer) */
	bool is_echo;        /* `answer` is what `check` has written there */
	size_t answer_total; /* not 0: `answer` again and again, to so many bytes in all */
	size_t cut;          /* not 0: so many bytes of the body are sent, then the connection closes */
};

struct fake_http *fake_http_new_tcp(void);
struct fake_http *fake_http_new_unix(void);
void fake_http_free(struct fake_http *server);

/* "http://127.0.0.1:PORT", or for a unix socket "http://localhost" and the socket's path (NULL for TCP). */
const char *fake_http_url(const struct fake_http *server);
const char *fake_http_socket(const struct fake_http *server);

/* Gives the step's number, for push. */
unsigned fake_http_expect(struct fake_http *server, const struct fake_step *step);

/* Lets COUNT held answers go, those that wait and those to come. */
void fake_http_release(struct fake_http *server, unsigned count);

/* Bytes for the FAKE_STREAM of that step: what was pushed before it opened comes first. The end is proper (last chunk),
 * or with BROKEN the connection just closes. */
void fake_http_push(struct fake_http *server, unsigned step, const void *bytes, size_t size);
void fake_http_push_end(struct fake_http *server, unsigned step, bool broken);

/* Wait for news; a test that waits longer than 20 s fails. Requests are counted when they have come in whole. */
void fake_http_wait_requests(struct fake_http *server, unsigned count);
void fake_http_wait_closed(struct fake_http *server, unsigned count); /* connections that have ended */

unsigned fake_http_requests(struct fake_http *server);
unsigned fake_http_connections(struct fake_http *server); /* accepted ever */
/* Request NUMBER, counted from 0; lives as long as the server. */
const struct fake_request *fake_http_request(struct fake_http *server, unsigned number);

/* The test will fail, from any thread. */
void fake_http_complain(struct fake_http *server, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
