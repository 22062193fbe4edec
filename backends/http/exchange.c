/* SPDX-License-Identifier: MIT */
#include "backends/http/exchange.h"

#include "backends/http/tls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* All headers of an answer together; services send some hundred bytes. */
#define MAX_HEADERS (256 << 10)

int mc_http_global_init(void)
{
	/* Nothing of libcurl's optional set-up is needed; TLS is set up by what needs it. */
	return curl_global_init(CURL_GLOBAL_NOTHING) == CURLE_OK ? 0 : -ENOMEM;
}

/* Takes the base URL apart. 0, -EINVAL, -ENOMEM. */
static int set_base(struct mc_http_target *target, const char *url)
{
	char *scheme = NULL, *path = NULL;
	int result = -EINVAL;

	if (curl_url_set(target->base, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
		curl_url_get(target->base, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		(strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
		curl_url_get(target->base, CURLUPART_PATH, &path, 0) == CURLUE_OK) {
		size_t length = strlen(path);
		target->is_https = strcmp(scheme, "https") == 0;
		target->path = strndup(path, length > 0 && path[length - 1] == '/' ? length - 1 : length);
		result = target->path ? 0 : -ENOMEM;
	}
	curl_free(scheme);
	curl_free(path);
	return result;
}

int mc_http_target_init(struct mc_http_target *target, const struct mc_http_options *options)
{
	*target = (struct mc_http_target){.journal = options->journal,
		.proxies = options->proxies,
		.silence_s = options->silence_s,
		.shortcut = options->shortcut,
		.data = options->data};
	target->base = curl_url();
	target->service = strdup(options->service);
	target->place = strdup(options->unix_socket ? options->unix_socket : options->base_url);
	target->unix_socket = options->unix_socket ? strdup(options->unix_socket) : NULL;
	int result = -ENOMEM;
	if (target->base && target->service && target->place && (target->unix_socket || !options->unix_socket))
		result = set_base(target, options->base_url);
	if (result == 0)
		result = mc_http_tls_init(target, &options->tls);
	if (result < 0)
		mc_http_target_clear(target);
	return result;
}

void mc_http_target_clear(struct mc_http_target *target)
{
	curl_url_cleanup(target->base);
	free(target->path);
	free(target->service);
	free(target->place);
	free(target->unix_socket);
	mc_http_tls_clear(target);
	*target = (struct mc_http_target){0};
}

/* Whether METHOD may be sent twice: RFC 9110, section 9.2.2. */
static bool idempotent(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < MC_COUNT(methods); i++)
		if (strcmp(method, methods[i]) == 0)
			return true;
	return false;
}

static void add_escaped(struct mc_buffer *buffer, const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0);

	if (escaped)
		mc_buffer_text(buffer, escaped);
	else
		buffer->failed = -ENOMEM;
	curl_free(escaped);
}

/* A segment "." or ".." would be taken for a step in the path: RFC 3986, section 6.2.2.3. */
static void add_segment(struct mc_buffer *path, const char *segment)
{
	mc_buffer_text(path, "/");
	if (strcmp(segment, ".") == 0)
		mc_buffer_text(path, "%2E");
	else if (strcmp(segment, "..") == 0)
		mc_buffer_text(path, "%2E%2E");
	else
		add_escaped(path, segment);
}

static int add_url_path(struct mc_buffer *path, const struct mc_http_target *target,
	const struct mc_http_request *request, struct mc_error *error)
{
	mc_buffer_text(path, target->path);
	for (const char *const *segment = request->path; segment && *segment; segment++) {
		/* "DELETE /v3/users/" must never come of a user without an id. */
		if (!**segment)
			return mc_error_set(error, EINVAL, "an empty name or id");
		add_segment(path, *segment);
	}
	return 0;
}

static int set_url(struct mc_http_exchange *exchange, const struct mc_http_request *request, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer path = {0}, query = {0};
	bool is_base = !request->path || !*request->path; /* and keeps its slash */

	exchange->url = curl_url_dup(exchange->target->base);
	int result = add_url_path(&path, exchange->target, request, error);
	if (result < 0)
		return result;
	for (const struct mc_http_param *param = request->query; param && param->name; param++) {
		mc_buffer_text(&query, query.size ? "&" : "");
		add_escaped(&query, param->name);
		mc_buffer_text(&query, "=");
		add_escaped(&query, param->value);
	}
	if (path.failed || query.failed || !exchange->url ||
		(!is_base && path.size && curl_url_set(exchange->url, CURLUPART_PATH, path.data, 0) != CURLUE_OK) ||
		(query.size && curl_url_set(exchange->url, CURLUPART_QUERY, query.data, 0) != CURLUE_OK) ||
		curl_easy_setopt(exchange->easy, CURLOPT_CURLU, exchange->url) != CURLE_OK)
		return mc_error_set(error, ENOMEM, "out of memory");
	return 0;
}

/* "METHOD /a/b" as the journal has it: no query, since queries hold names. */
static int set_call(struct mc_http_exchange *exchange, const struct mc_http_request *request, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer call = {0};

	mc_buffer_text(&call, request->call ? request->call : request->method);
	if (!request->call)
		mc_buffer_text(&call, " ");
	for (const char *const *segment = request->path; !request->call && segment && *segment; segment++) {
		mc_buffer_text(&call, "/");
		mc_buffer_text(&call, *segment);
	}
	exchange->call = mc_buffer_steal(&call, NULL);
	return exchange->call ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

static int add_header(struct mc_http_exchange *exchange, const char *name, const char *value, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer line = {0};

	if (!*name || strpbrk(name, "\r\n:; ") || strpbrk(value, "\r\n"))
		return mc_error_set(error, EINVAL, "header %s with a line break", name);
	mc_buffer_text(&line, name);
	/* How curl is told of a header that is there but empty. */
	mc_buffer_text(&line, *value ? ": " : ";");
	mc_buffer_text(&line, value);
	struct curl_slist *headers = line.failed ? NULL : curl_slist_append(exchange->headers, line.data);
	if (!headers)
		return mc_error_set(error, ENOMEM, "out of memory");
	exchange->headers = headers;
	return 0;
}

/* Takes out a header that curl would send by itself. */
static int omit_header(struct mc_http_exchange *exchange, const char *line, struct mc_error *error)
{
	struct curl_slist *headers = curl_slist_append(exchange->headers, line);

	if (!headers)
		return mc_error_set(error, ENOMEM, "out of memory");
	exchange->headers = headers;
	return 0;
}

static int set_headers(struct mc_http_exchange *exchange, const struct mc_http_request *request, struct mc_error *error)
{
	/* Waiting for "100 Continue" costs a second where a server doesn't know of it. */
	int result = request->expects ? add_header(exchange, "Expect", "100-continue", error)
				      : omit_header(exchange, "Expect:", error);

	if (result == 0 && (request->body || request->read_body))
		result = add_header(exchange, "Content-Type",
			request->content_type ? request->content_type : "application/json", error);
	else if (result == 0)
		result = omit_header(exchange, "Content-Type:", error);
	for (const struct mc_http_param *header = request->headers; result == 0 && header && header->name; header++)
		result = add_header(exchange, header->name, header->value, error);
	if (result == 0 && curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers) != CURLE_OK)
		result = mc_error_set(error, ENOMEM, "out of memory");
	return result;
}

/* Whether the answer has no body by its status and yet says that one comes in chunks. A server that does (uWSGI with
 * http-auto-chunked) sends the last chunk behind it, which would be read as the beginning of the next answer on the
 * same connection. */
static bool is_followed_by_rubbish(const struct mc_http_exchange *exchange)
{
	long status = mc_http_exchange_status(exchange);

	return (status == 204 || status == 304) && exchange->received.data &&
	       strcasestr(exchange->received.data, "transfer-encoding:");
}

static size_t take_header(char *line, size_t size, size_t count, void *data)
{
	struct mc_http_exchange *exchange = data;
	size_t length = size * count;

	/* After "100 Continue" comes another answer. */
	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		mc_buffer_drop(&exchange->received, exchange->received.size);
		exchange->begun = true;
		exchange->complete = false;
		exchange->came = 0;
		return length;
	}
	size_t end = length;
	while (end > 0 && (line[end - 1] == '\n' || line[end - 1] == '\r'))
		end--;
	if (end == 0) {
		if (!exchange->complete) /* it is no trailer */
			exchange->came = mc_boot_ms();
		exchange->complete = true;
		exchange->begun = mc_http_exchange_status(exchange) >= 200;
		if (is_followed_by_rubbish(exchange))
			curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 1L);
		if (exchange->on_headers)
			exchange->on_headers(exchange->data);
		return exchange->failed ? 0 : length;
	}
	if (exchange->received.size + end > MAX_HEADERS || memchr(line, '\0', end)) {
		exchange->failed = -EIO;
		return 0;
	}
	mc_buffer_add(&exchange->received, line, end);
	mc_buffer_add(&exchange->received, "\n", 1);
	return length;
}

/* The easy handle's option, remembering in `bad` that one was not taken: a lost option would send the request
 * elsewhere. */
#define SET(option, value) (bad |= curl_easy_setopt(easy, option, value) != CURLE_OK)

static int set_body(CURL *easy, const struct mc_http_request *request, bool copy_body)
{
	bool bad = false, wants_length = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
					 strcmp(request->method, "PATCH") == 0;

	if (request->read_body) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)(request->upload_size >= 0 ? request->upload_size : -1));
		SET(CURLOPT_UPLOAD_BUFFERSIZE, 2L << 20);
	} else if (request->body || wants_length) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(request->body ? request->body_size : 0));
		if (copy_body)
			SET(CURLOPT_COPYPOSTFIELDS, request->body ? request->body : "");
		else
			SET(CURLOPT_POSTFIELDS, request->body ? request->body : "");
	}
	if (strcmp(request->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	return bad ? -ENOMEM : 0;
}

/* An idle connection is asked for a sign of life after this long, and then each second (tcp(7)). What waits for its
 * bytes to be taken is another matter: a server that is busy with the first of them takes its time for the next. */
static long idle_s(const struct mc_http_target *target)
{
	return target->silence_s ? (target->silence_s + 2) / 3 : 15;
}

static int limit_silence(void *data, curl_socket_t fd, curlsocktype purpose)
{
	const struct mc_http_target *target = data;
	int questions = (int)(target->silence_s - idle_s(target));

	(void)purpose;
	return setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &questions, sizeof questions) == 0 ? CURL_SOCKOPT_OK
											   : CURL_SOCKOPT_ERROR;
}

static bool set_keepalive(const struct mc_http_target *target, CURL *easy)
{
	bool bad = false;

	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_TCP_KEEPIDLE, idle_s(target));
	SET(CURLOPT_TCP_KEEPINTVL, target->silence_s ? 1L : 5L);
	if (target->silence_s && !target->unix_socket) {
		SET(CURLOPT_SOCKOPTFUNCTION, limit_silence);
		SET(CURLOPT_SOCKOPTDATA, (void *)(uintptr_t)target);
	}
	return bad;
}

static int set_easy_options(struct mc_http_exchange *exchange, const struct mc_http_request *request)
{
	CURL *easy = exchange->easy;
	bool bad = false;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* nobody waits for a name that is looked up in vain */
	SET(CURLOPT_ERRORBUFFER, exchange->text);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/* A proxy of the environment is for the world outside, not for a service of this cloud. */
	if (!exchange->target->proxies)
		SET(CURLOPT_NOPROXY, "*");
	/* A proxy's words before the server's are no answer. */
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_USERAGENT, "mcloudfs/" MC_VERSION);
	bad |= set_keepalive(exchange->target, easy);
	SET(CURLOPT_BUFFERSIZE, request->on_body ? 512L << 10 : 64L << 10);
	if (exchange->target->unix_socket)
		SET(CURLOPT_UNIX_SOCKET_PATH, exchange->target->unix_socket);
	/* On a reused connection that turns out to be closed curl sends a request again by itself, whatever its method.
	 */
	if (!idempotent(request->method) || request->read_body)
		SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, exchange);
	if (exchange->target->is_https)
		bad |= mc_http_tls_set(exchange->target, easy) < 0;
	if (request->wants_certificate) {
		SET(CURLOPT_CERTINFO, 1L);
		SET(CURLOPT_FRESH_CONNECT, 1L);
	}
	return bad ? -ENOMEM : 0;
}

int mc_http_exchange_init(struct mc_http_exchange *exchange, const struct mc_http_target *target, CURL *easy,
	const struct mc_http_request *request, bool copy_body, struct mc_error *error)
{
	*exchange = (struct mc_http_exchange){.target = target, .easy = easy};
	curl_easy_reset(easy);
	int result = set_call(exchange, request, error);
	if (result == 0)
		result = set_url(exchange, request, error);
	if (result == 0)
		result = set_headers(exchange, request, error);
	if (result == 0 && (set_easy_options(exchange, request) < 0 || set_body(easy, request, copy_body) < 0))
		result = mc_error_set(error, ENOMEM, "out of memory");
	if (result < 0 && error)
		snprintf(error->service, sizeof error->service, "%s", target->service);
	return result;
}

/* A neighbour on the same machine answers at once, or isn't there: no ARP would tell that sooner than after a second.
 */
#define SHORTCUT_MS 300L

void mc_http_exchange_shorten(struct mc_http_exchange *exchange)
{
	const struct mc_http_target *target = exchange->target;
	CURL *easy = exchange->easy;
	struct mc_shortcut shortcut;
	char to[sizeof shortcut.address + 2], link[sizeof shortcut.link + 3];
	bool bad = false;

	if (!target->shortcut || !target->shortcut(target->data, &shortcut))
		return;
	snprintf(to, sizeof to, "::%s", shortcut.address);
	snprintf(link, sizeof link, "if!%s", shortcut.link);
	exchange->connect_to = curl_slist_append(NULL, to);
	if (!exchange->connect_to)
		return;
	SET(CURLOPT_INTERFACE, link);
	SET(CURLOPT_CONNECTTIMEOUT_MS, SHORTCUT_MS);
	/* The last of them: without it, the others do no harm. */
	if (!bad)
		curl_easy_setopt(easy, CURLOPT_CONNECT_TO, exchange->connect_to);
}

bool mc_http_exchange_missed(const struct mc_http_exchange *exchange, CURLcode result)
{
	return exchange->connect_to &&
	       (result == CURLE_COULDNT_CONNECT || result == CURLE_INTERFACE_FAILED ||
		       result == CURLE_OPERATION_TIMEDOUT || result == CURLE_PEER_FAILED_VERIFICATION);
}

void mc_http_exchange_clear(struct mc_http_exchange *exchange)
{
	if (exchange->easy)
		curl_easy_reset(exchange->easy); /* it must not remember what is freed now */
	curl_url_cleanup(exchange->url);
	curl_slist_free_all(exchange->headers);
	curl_slist_free_all(exchange->connect_to);
	free(exchange->call);
	mc_buffer_free(&exchange->received);
	*exchange = (struct mc_http_exchange){0};
}

int mc_http_exchange_status(const struct mc_http_exchange *exchange)
{
	long status = 0;

	if (!exchange->complete || curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
		return 0;
	return (int)status;
}

/* Why the connection could not be made: "Connection refused". */
static const char *os_reason(CURL *easy)
{
	long code = 0;

	if (curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &code) != CURLE_OK || code == 0)
		return "no connection";
	const char *reason = strerrordesc_np((int)code);
	return reason ? reason : "no connection";
}

static int broken(const struct mc_http_exchange *exchange, const char *reason, struct mc_error *error)
{
	if (exchange->begun)
		return mc_error_set(error, EIO, "only half an answer came: %s", reason);
	return mc_error_set(error, ECONNREFUSED, "the connection broke before an answer: %s", reason);
}

static int explain_curl_code(const struct mc_http_exchange *exchange, CURLcode code, struct mc_error *error)
{
	const char *text = exchange->text[0] ? exchange->text : curl_easy_strerror(code);

	if (exchange->failed)
		return mc_error_errno(error, -exchange->failed, "the transfer was broken off");
	/* curl takes a connection that ends between two headers for the end of the answer. */
	if (code == CURLE_OK)
		return broken(exchange, "it ends inside the headers", error);
	int result = mc_http_tls_explain(exchange, code, error);
	if (result < 0)
		return result;
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_PROXY:
		return mc_error_set(error, ECONNREFUSED,
			"the proxy for %s is not found: %s: correct %s_proxy in the "
			"environment",
			exchange->target->place, text, exchange->target->is_https ? "https" : "http");
	case CURLE_COULDNT_CONNECT:
		return mc_error_set(error, ECONNREFUSED, "not reachable at %s: %s", exchange->target->place,
			os_reason(exchange->easy));
	case CURLE_COULDNT_RESOLVE_HOST:
		return mc_error_set(error, ECONNREFUSED, "not reachable at %s: %s", exchange->target->place, text);
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_RECV_ERROR:
		return broken(exchange, text, error);
	case CURLE_PARTIAL_FILE:
		return mc_error_set(error, EIO, "only half an answer came: %s", text);
	case CURLE_OPERATION_TIMEDOUT:
		return mc_error_set(error, ETIMEDOUT, "no connection in time to %s", exchange->target->place);
	case CURLE_FILESIZE_EXCEEDED:
		return mc_error_set(error, EFBIG, "the answer is too long");
	case CURLE_OUT_OF_MEMORY:
		return mc_error_set(error, ENOMEM, "out of memory");
	default:
		return mc_error_set(error, EIO, "the answer makes no sense: %s", text);
	}
}

int mc_http_exchange_result(const struct mc_http_exchange *exchange, CURLcode code, struct mc_error *error)
{
	if (code == CURLE_OK && exchange->complete && !exchange->failed && !exchange->received.failed)
		return 0;
	int result = explain_curl_code(exchange, code, error);
	if (error)
		snprintf(error->service, sizeof error->service, "%s", exchange->target->service);
	return result;
}
