/* SPDX-License-Identifier: MIT */
#include "backends/http/http.h"

#include "backends/http/clock.h"
#include "backends/http/exchange.h"
#include "backends/http/tls.h"
#include "mcloud/lock.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONNECTIONS 8
#define BODY_LIMIT ((size_t)256 << 20)

/* A handle that was not needed for so long is closed. */
#define IDLE_MS 60000

/* A service that says Retry-After again and again is believed so often. */
#define RETRIES 8
#define RETRY_MIN_MS 100

/* A connection: the multi handle keeps it between requests, the easy handle runs one request at a time. */
struct handle {
	CURLM *multi;
	CURL *easy;
	int64_t used;                /* mc_now_ms() of its last request */
	struct handle *next, **prev; /* while it is busy */
};

struct mc_http {
	atomic_uint references;
	struct mc_http_target target;
	struct mc_http_clock clock;
	/* A semaphore of the handles that are not in use, made or not: who waits for one can be woken by a cancelled
	 * call too. */
	int free_fd;
	atomic_uint drops;   /* of mc_http_drop() */
	mc_mutex lock;       /* guards idle, n_idle and busy; a leaf */
	struct handle *busy; /* a list */
	unsigned n_idle, connections;
	struct handle *idle[]; /* a stack, so that the warm ones are used again */
};

static void handle_free(struct handle *handle)
{
	if (!handle)
		return;
	if (handle->easy)
		curl_easy_cleanup(handle->easy);
	if (handle->multi)
		curl_multi_cleanup(handle->multi);
	free(handle);
}

static struct handle *handle_new(void)
{
	struct handle *handle = calloc(1, sizeof *handle);

	if (!handle)
		return NULL;
	handle->multi = curl_multi_init();
	handle->easy = curl_easy_init();
	if (handle->multi && handle->easy && curl_multi_setopt(handle->multi, CURLMOPT_MAXCONNECTS, 1L) == CURLM_OK)
		return handle;
	handle_free(handle);
	return NULL;
}

struct mc_http *mc_http_new(const struct mc_http_options *options)
{
	unsigned connections = options->connections ? options->connections : CONNECTIONS;
	struct mc_http *http = calloc(1, sizeof *http + connections * sizeof(struct handle *));

	if (!http || mc_http_global_init() < 0) {
		free(http);
		return NULL;
	}
	atomic_init(&http->references, 1);
	http->connections = connections;
	http->free_fd = eventfd(connections, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	if (http->free_fd < 0 || mc_http_target_init(&http->target, options) < 0) {
		if (http->free_fd >= 0)
			close(http->free_fd);
		curl_global_cleanup();
		free(http);
		return NULL;
	}
	mc_http_clock_init(&http->clock);
	pthread_mutex_init(&http->lock, NULL);
	return http;
}

struct mc_http *mc_http_ref(struct mc_http *http)
{
	atomic_fetch_add(&http->references, 1);
	return http;
}

void mc_http_unref(struct mc_http *http)
{
	if (!http || atomic_fetch_sub(&http->references, 1) > 1)
		return;
	for (unsigned i = 0; i < http->n_idle; i++)
		handle_free(http->idle[i]);
	close(http->free_fd);
	mc_http_clock_destroy(&http->clock);
	pthread_mutex_destroy(&http->lock);
	mc_http_target_clear(&http->target);
	curl_global_cleanup();
	free(http);
}

/* Waits for a handle's turn: 0, -EINTR, -ETIMEDOUT. */
static int wait_free(struct mc_http *http, struct mc_call *call)
{
	for (;;) {
		eventfd_t one;
		int result = mc_call_check(call);
		if (result < 0)
			return result;
		if (eventfd_read(http->free_fd, &one) == 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		int fd = mc_call_fd(call);
		if (fd < 0)
			return fd;
		struct pollfd fds[] = {{.fd = http->free_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
		if (poll(fds, MC_COUNT(fds), mc_call_remaining_ms(call)) < 0 && errno != EINTR)
			return -errno;
	}
}

static void give_back(struct mc_http *http, struct handle *handle)
{
	struct handle *old = NULL;

	if (handle) {
		handle->used = mc_now_ms();
		MC_LOCKED(&http->lock) {
			*handle->prev = handle->next;
			if (handle->next)
				handle->next->prev = handle->prev;
			http->idle[http->n_idle++] = handle;
			if (handle->used - http->idle[0]->used > IDLE_MS) {
				old = http->idle[0];
				http->n_idle--;
				for (unsigned i = 0; i < http->n_idle; i++)
					http->idle[i] = http->idle[i + 1];
			}
		}
	}
	handle_free(old);
	/* Can't fail: the count never grows past the handles. */
	(void)!eventfd_write(http->free_fd, 1);
}

static int take_handle(struct mc_http *http, struct mc_call *call, struct handle **ret_handle)
{
	struct handle *handle = NULL;
	int result = wait_free(http, call);

	if (result < 0)
		return result;
	MC_LOCKED(&http->lock) {
		if (http->n_idle > 0)
			handle = http->idle[--http->n_idle];
	}
	if (!handle)
		handle = handle_new();
	if (!handle) {
		give_back(http, NULL);
		return -ENOMEM;
	}
	MC_LOCKED(&http->lock) {
		handle->next = http->busy;
		handle->prev = &http->busy;
		if (handle->next)
			handle->next->prev = &handle->next;
		http->busy = handle;
	}
	*ret_handle = handle;
	return 0;
}

void mc_http_drop(struct mc_http *http)
{
	atomic_fetch_add(&http->drops, 1);
	MC_LOCKED(&http->lock) {
		for (struct handle *handle = http->busy; handle; handle = handle->next)
			curl_multi_wakeup(handle->multi);
	}
}

/* Whether all that was under way when DROPS was read was dropped since: -ECANCELED, or 0. */
static int check_dropped(const struct mc_http *http, unsigned drops)
{
	return atomic_load(&http->drops) == drops ? 0 : -ECANCELED;
}

/* One exchange as the callbacks of curl see it. */
struct transfer {
	struct mc_http_exchange exchange;
	const struct mc_http_request *request;
	struct mc_http_response *response;
	size_t body_limit;
	bool sent;      /* read_body was asked: the request can't be repeated */
	bool missed;    /* nobody was there where the shortcut leads: it isn't taken again */
	unsigned drops; /* when the request came in */
};

static size_t take_response_body(char *bytes, size_t size, size_t count, void *data)
{
	struct transfer *transfer = data;
	const struct mc_http_request *request = transfer->request;
	struct mc_buffer *body = &transfer->response->body;
	size_t length = size * count;

	if (request->on_body && mc_http_exchange_status(&transfer->exchange) / 100 == 2) {
		transfer->exchange.failed = request->on_body(request->data, bytes, length);
		return transfer->exchange.failed ? 0 : length;
	}
	if (length > transfer->body_limit - body->size) {
		transfer->exchange.failed = -EFBIG;
		return 0;
	}
	mc_buffer_add(body, bytes, length);
	transfer->exchange.failed = body->failed;
	return body->failed ? 0 : length;
}

/* All headers of an answer have come. */
static void take_head(void *data)
{
	struct transfer *transfer = data;
	const struct mc_http_response head = {
		.status = mc_http_exchange_status(&transfer->exchange), .headers = transfer->exchange.received};

	if (head.status / 100 == 2)
		transfer->exchange.failed = transfer->request->on_head(transfer->request->data, &head);
}

static size_t read_request_body(char *to, size_t size, size_t count, void *data)
{
	struct transfer *transfer = data;
	ssize_t length = transfer->request->read_body(transfer->request->data, to, size * count);

	transfer->sent = true;
	if (length >= 0)
		return (size_t)length;
	transfer->exchange.failed = (int)length;
	return CURL_READFUNC_ABORT;
}

static int set_callbacks(struct transfer *transfer, CURL *easy)
{
	CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_response_body);

	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	if (code == CURLE_OK && transfer->request->read_body)
		code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_request_body);
	if (code == CURLE_OK && transfer->request->read_body)
		code = curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
	/* An answer that says that it is too long is not even begun. */
	if (code == CURLE_OK && !transfer->request->on_body)
		code = curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)transfer->body_limit);
	return code == CURLE_OK ? 0 : -ENOMEM;
}

/* Of a request that was dropped: whether it may have been done. */
static int say_if_sent(struct handle *handle)
{
	long size = 0;

	return curl_easy_getinfo(handle->easy, CURLINFO_REQUEST_SIZE, &size) == CURLE_OK && size == 0 ? -ECANCELED
												      : -ECONNABORTED;
}

/* Runs the handle's request to its end, the deadline, or cancellation. 0: *RET_CODE says how it ended. */
static int drive(
	const struct mc_http *http, struct handle *handle, struct mc_call *call, unsigned drops, CURLcode *ret_code)
{
	int running = 0, left = 0, fd = mc_call_fd(call), result = fd < 0 ? fd : 0;

	if (result == 0 && curl_multi_add_handle(handle->multi, handle->easy) != CURLM_OK)
		return -ENOMEM;
	while (result == 0) {
		struct curl_waitfd cancelled = {.fd = fd, .events = CURL_WAIT_POLLIN};
		if (curl_multi_perform(handle->multi, &running) != CURLM_OK)
			result = -EIO;
		if (result < 0 || running == 0)
			break;
		result = mc_call_check(call);
		if (result == 0 && check_dropped(http, drops) < 0)
			result = say_if_sent(handle);
		int ms = mc_call_remaining_ms(call);
		if (result == 0 && curl_multi_poll(handle->multi, &cancelled, 1, ms < 0 ? 60000 : ms, NULL) != CURLM_OK)
			result = -EIO;
	}
	CURLMsg *message = curl_multi_info_read(handle->multi, &left);
	if (result == 0 && message && message->msg == CURLMSG_DONE)
		*ret_code = message->data.result;
	else if (result == 0)
		result = -EIO;
	curl_multi_remove_handle(handle->multi, handle->easy);
	return result;
}

static int say(const struct mc_http *http, int result, struct mc_error *error)
{
	switch (-result) {
	case EINTR:
		mc_error_set(error, EINTR, "interrupted");
		break;
	case ECANCELED:
	case ECONNABORTED:
		mc_error_set(error, -result, "nobody waits for it any more");
		break;
	case ETIMEDOUT:
		mc_error_set(error, ETIMEDOUT, "no answer in time from %s", http->target.place);
		break;
	default:
		mc_error_errno(error, -result, "the request was not sent");
		break;
	}
	if (error)
		snprintf(error->service, sizeof error->service, "%s", http->target.service);
	return result;
}

static int64_t transfer_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* After how many milliseconds the service asks to come again; -1: it doesn't. */
static int retry_after(const struct transfer *transfer)
{
	int status = transfer->response->status;
	curl_off_t seconds = 0;

	if (transfer->sent || (status != 429 && status != 503))
		return -1;
	MC_CLEANUP(free_pointer) char *header = mc_http_response_header(transfer->response, "Retry-After");
	if (!header || curl_easy_getinfo(transfer->exchange.easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK)
		return -1;
	int ms = seconds > 3600 ? 3600000 : (int)seconds * 1000;
	return ms < RETRY_MIN_MS ? RETRY_MIN_MS : ms;
}

static int exchange_on(struct mc_http *http, struct handle *handle, struct mc_call *call, struct transfer *transfer,
	struct mc_error *error)
{
	struct mc_http_exchange *exchange = &transfer->exchange;
	struct mc_http_response *response = transfer->response;
	CURLcode code = CURLE_OK;
	int64_t begin = transfer_clock_ns(), sent = mc_boot_ms();

	int result = mc_http_exchange_init(exchange, &http->target, handle->easy, transfer->request, false, error);
	if (result < 0)
		return result;
	if (set_callbacks(transfer, handle->easy) < 0)
		return say(http, -ENOMEM, error);
	if (transfer->request->on_head) {
		exchange->on_headers = take_head;
		exchange->data = transfer;
	}
	if (!transfer->missed)
		mc_http_exchange_shorten(exchange);
	result = drive(http, handle, call, transfer->drops, &code);
	if (result == 0 && mc_http_exchange_missed(exchange, code)) {
		transfer->missed = true;
		return 0;
	}
	if (result == 0)
		result = mc_http_exchange_result(exchange, code, error);
	else
		say(http, result, error);
	response->status = mc_http_exchange_status(exchange);
	response->headers = exchange->received;
	exchange->received = (struct mc_buffer){0};
	MC_CLEANUP(free_pointer) char *date = mc_http_response_header(response, "Date");
	mc_http_clock_note(&http->clock, date, sent, exchange->came);
	if (transfer->request->wants_certificate)
		mc_http_tls_take_certificate(exchange, &response->certificate);
	if (http->target.journal)
		mc_journal_add(http->target.journal, http->target.service, exchange->call,
			result < 0 ? result : response->status, (double)(transfer_clock_ns() - begin) / 1e6);
	return result;
}

/* *RET_RETRY_MS as retry_after() says. */
static int exchange_once(struct mc_http *http, struct mc_call *call, const struct mc_http_request *request,
	unsigned drops, struct mc_http_response *response, int *ret_retry_ms, struct mc_error *error)
{
	struct transfer transfer = {.request = request,
		.response = response,
		.body_limit = request->body_limit ? request->body_limit : BODY_LIMIT,
		.drops = drops};
	struct handle *handle;

	int result = take_handle(http, call, &handle);
	if (result < 0)
		return say(http, result, error);
	result = check_dropped(http, drops);
	if (result < 0) {
		give_back(http, handle);
		return say(http, result, error);
	}
	result = exchange_on(http, handle, call, &transfer, error);
	if (transfer.missed) {
		mc_http_exchange_clear(&transfer.exchange);
		result = exchange_on(http, handle, call, &transfer, error);
	}
	if (result == 0)
		*ret_retry_ms = retry_after(&transfer);
	mc_http_exchange_clear(&transfer.exchange);
	give_back(http, handle);
	if (result < 0)
		mc_http_response_free(response);
	return result;
}

/* Whether to come again as the service asks: 0 after the wait, 1: there is no time for it, -errno: cancelled meanwhile.
 */
static int wait_retry(struct mc_call *call, int ms)
{
	int left = mc_call_remaining_ms(call);

	if (ms < 0 || (left >= 0 && ms >= left))
		return 1;
	return mc_call_pause(call, ms);
}

int mc_http_perform(struct mc_http *http, struct mc_call *call, const struct mc_http_request *request,
	struct mc_http_response *ret_response, struct mc_error *error)
{
	unsigned drops = atomic_load(&http->drops);
	int retry_ms = -1;

	*ret_response = (struct mc_http_response){0};
	for (unsigned retries = 0;; retries++) {
		int result = exchange_once(http, call, request, drops, ret_response, &retry_ms, error);
		int again = result < 0 || retries == RETRIES ? 1 : wait_retry(call, retry_ms);
		if (again == 1)
			return result;
		mc_http_response_free(ret_response);
		if (again < 0)
			return say(http, again, error);
	}
}

bool mc_http_ahead(struct mc_http *http, double *ret_least, double *ret_most)
{
	return mc_http_clock_ahead(&http->clock, ret_least, ret_most);
}

void mc_http_response_free(struct mc_http_response *response)
{
	mc_buffer_free(&response->body);
	mc_buffer_free(&response->headers);
	mc_buffer_free(&response->certificate);
	response->status = 0;
}

void mc_cleanup_http_response(struct mc_http_response *response)
{
	int saved = errno;

	mc_http_response_free(response);
	errno = saved;
}

char *mc_http_response_header(const struct mc_http_response *response, const char *name)
{
	size_t length = strlen(name);

	if (!response->headers.data)
		return NULL;
	for (const char *line = response->headers.data; *line; line = strchr(line, '\n') + 1) {
		if (strncasecmp(line, name, length) != 0 || line[length] != ':')
			continue;
		const char *value = line + length + 1, *end = strchr(value, '\n');
		value += strspn(value, " \t");
		while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		return strndup(value, (size_t)(end - value));
	}
	return NULL;
}
