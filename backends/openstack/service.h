/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_SERVICE_H
#define BACKENDS_OPENSTACK_SERVICE_H

#include "backends/http/http.h"

#include <cjson/cJSON.h>

/* A client of one OpenStack service, with what all of them have in common: paths, the login's token, JSON, errors. A
 * service's own part is its struct mc_openstack_api, and what it asks. Safe in any thread; reference counted. */
struct mc_openstack;
struct mc_login;

/* The errno of a refusal. Rows end with status 0; the first that fits counts. */
struct mc_openstack_status {
	int status;         /* of HTTP */
	const char *method; /* of the request; NULL: any */
	const char *word;   /* that the service's sentence has; NULL: any */
	int code;
};

struct mc_openstack_api {
	const char *version;                        /* the first segment of each path: "v3" */
	size_t answer_limit;                        /* bytes of an answer that is held in memory */
	const struct mc_openstack_status *statuses; /* before those that all services share; NULL: none */
	/* The service's sentence of an error answer, without a full stop, cut to fit; "" when it has none. The body is
	 * outside input. */
	void (*message)(const char *body, size_t size, char *text, size_t text_size);
};

/* SERVICE is its name in errors: "keystone-Kista". HTTP leads to its root, without the version; it is taken over, also
 * on failure. Requests carry the token of LOGIN, of which a reference is taken; NULL: none. API is constant. NULL: out
 * of memory, or HTTP is NULL. */
struct mc_openstack *mc_openstack_new(
	const struct mc_openstack_api *api, const char *service, struct mc_http *http, struct mc_login *login);
/* To be called before the first request: HTTP leads to the API itself, with the version. */
void mc_openstack_set_versioned(struct mc_openstack *service);
struct mc_openstack *mc_openstack_ref(struct mc_openstack *service);
/* Takes NULL. */
void mc_openstack_unref(struct mc_openstack *service);

struct mc_openstack_request {
	const char *method;
	const char *const *path;             /* segments behind the version, NULL-terminated */
	const char *const *query;            /* name and value in turn, NULL-terminated; or NULL */
	const struct mc_http_param *headers; /* two at most; or NULL */
	const char *content_type;            /* of the body; NULL: application/json */
	const cJSON *body;                   /* or NULL */
	/* As in struct mc_http_request. */
	ssize_t (*read_body)(void *data, void *to, size_t size);
	bool expects;
	int (*on_body)(void *data, const void *bytes, size_t size);
	int (*on_head)(void *data, const struct mc_http_response *response);
	void *data;
};

/* REQUEST and its 2xx answer, to be freed in any case. A 401 is answered by one new login and one more try, unless the
 * body was made while it was sent. Errors, with ERROR filled: of a refusal by mc_openstack_errno(), with the service's
 * sentence and the request's id (https://docs.openstack.org/api-guide/compute/faults.html); -EINVAL: more than 16
 * segments or parameters; those of the login (login.h) and of mc_http_perform(), but that -ECONNREFUSED comes of
 * mc_openstack_drop(), too. */
int mc_openstack_ask(struct mc_openstack *service, struct mc_call *call, const struct mc_openstack_request *request,
	struct mc_http_response *ret_response, struct mc_error *error);

/* The same for an answer in JSON: *RET_ANSWER is an object, or NULL for an empty answer. -EIO: it is something else.
 * RET_ANSWER NULL: the answer isn't looked at. */
int mc_openstack_request(struct mc_openstack *service, struct mc_call *call, const struct mc_openstack_request *request,
	cJSON **ret_answer, struct mc_error *error);

/* As mc_http_ahead(). */
bool mc_openstack_ahead(struct mc_openstack *service, double *ret_least, double *ret_most);

/* SERVICE may never answer: who waits for it, or for a login through the same HTTP, is answered at once with
 * -ECONNREFUSED, but for writes of which nothing was sent yet: these go to HEIR. Later requests are not touched. */
void mc_openstack_drop(struct mc_openstack *service, struct mc_openstack *heir);

/* Makes ERROR (may be NULL), of a request that was dropped, one for its asker; MAY_BE_DONE: it was a write, and sent.
 * -ECONNREFUSED. */
int mc_openstack_dropped(struct mc_error *error, bool may_be_done);

/* The errno, positive, of an answer of that STATUS to METHOD with that MESSAGE: by API's rows, then by the table of
 * docs/SEMANTICS.md: 400 EINVAL, 401 and 403 EACCES, 404 ENOENT, 409 to a POST EEXIST, else EBUSY, 413 EDQUOT, any
 * other EIO. */
int mc_openstack_errno(const struct mc_openstack_api *api, const char *method, int status, const char *message);

/* As mc_error_set(), with the service and what RESPONSE (NULL: none) tells of itself. -CODE. */
int mc_openstack_error(const struct mc_openstack *service, const struct mc_http_response *response,
	struct mc_error *error, int code, const char *message);

/* BODY, which is outside input, as a JSON object: NULL in *RET for an empty one. 0, -EBADMSG: it is none, or has
 * something behind it. */
int mc_openstack_parse(const char *body, size_t size, cJSON **ret);

#endif
