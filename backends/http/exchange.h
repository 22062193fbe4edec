/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_HTTP_EXCHANGE_H
#define BACKENDS_HTTP_EXCHANGE_H

#include "backends/http/http.h"

#include <curl/curl.h>

/* What http.c and stream.c share: the service that is asked, and one request laid out for curl. Nothing else
 * includes it. */

struct mc_http_target {
	char *service, *unix_socket;
	char *place; /* for errors: the socket's path or the base URL */
	CURLU *base; /* never asked after the start: curl_url_get() may write to it */
	char *path;  /* of the base URL, without a slash at its end */
	struct mc_journal *journal;
	bool is_https, proxies;
	bool (*shortcut)(void *data, struct mc_shortcut *ret); /* as in struct mc_http_options */
	void *data;
	bool insecure, ca_is_folder;
	char *cacert, *ca_pem, *cert, *key; /* as in struct mc_tls */
	const char *const *cures;
	unsigned silence_s; /* as in struct mc_http_options */
};

/* Copies OPTIONS. 0, -EINVAL for a base URL that is none, -ENOMEM. */
int mc_http_target_init(struct mc_http_target *target, const struct mc_http_options *options);
void mc_http_target_clear(struct mc_http_target *target);

struct mc_http_exchange {
	const struct mc_http_target *target;
	CURL *easy; /* borrowed */
	CURLU *url;
	struct curl_slist *headers, *connect_to;
	char *call; /* for the journal */
	char text[CURL_ERROR_SIZE];
	struct mc_buffer received;      /* the headers of the newest answer, as in struct mc_http_response */
	bool begun;                     /* its status line has come */
	bool complete;                  /* all headers of it have come */
	int64_t came;                   /* mc_boot_ms() of that; 0: not yet */
	int failed;                     /* -errno of a callback that broke it off, or 0 */
	void (*on_headers)(void *data); /* all headers of an answer have come; set after init; NULL: nobody cares */
	void *data;
};

/* Sets EASY up for REQUEST, all but what takes the body of the answer. EASY may be an old one: its options are reset,
 * its connections stay. Nothing of REQUEST is needed afterwards but its body, and that is copied with COPY_BODY. 0,
 * -EINVAL or -ENOMEM with ERROR filled. The exchange is to be cleared in any case, after EASY has left its multi
 * handle. */
int mc_http_exchange_init(struct mc_http_exchange *exchange, const struct mc_http_target *target, CURL *easy,
	const struct mc_http_request *request, bool copy_body, struct mc_error *error);
void mc_http_exchange_clear(struct mc_http_exchange *exchange);

/* The target's shortcut, if it has one now, is where EASY will connect to. */
void mc_http_exchange_shorten(struct mc_http_exchange *exchange);
/* Whether RESULT says that nobody could be reached by it, and so nothing was sent. */
bool mc_http_exchange_missed(const struct mc_http_exchange *exchange, CURLcode result);

/* The status of the final answer, 0 as long as there is none. */
int mc_http_exchange_status(const struct mc_http_exchange *exchange);

/* What the end RESULT of the transfer means: 0, or -errno with ERROR filled. */
int mc_http_exchange_result(const struct mc_http_exchange *exchange, CURLcode result, struct mc_error *error);

/* libcurl's one-time set-up. In every _new; safe in any thread. */
int mc_http_global_init(void);

#endif
