/* SPDX-License-Identifier: MIT */
#include "backends/http/exchange.h"

#include "mcloud/lock.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* How long a stream may take to connect. */
#define CONNECT_MS 10000L

enum stream_state { NEW, RUNNING, STOPPING, STOPPED };

struct mc_http_stream {
	struct mc_http_loop *loop;
	struct mc_http_stream *next; /* in loop->streams; guarded by loop->lock */
	enum stream_state state;     /* guarded by loop->lock */

	/* The loop's thread alone, once the stream has been started. */
	struct mc_http_target target;
	struct mc_http_exchange exchange;
	struct mc_http_stream_handler handler;
	void *data;
	CURL *easy;
	int64_t begin; /* mc_now_ms() */
	bool added, opened;
};

struct mc_http_loop {
	pthread_t thread;
	CURLM *multi;  /* the thread alone, but for curl_multi_wakeup() */
	mc_mutex lock; /* guards what is below; a leaf: no handler runs under it */
	pthread_cond_t stopped;
	struct mc_http_stream *streams;
	bool ending;
};

static void stream_free(struct mc_http_stream *stream)
{
	if (!stream)
		return;
	if (stream->easy) {
		mc_http_exchange_clear(&stream->exchange);
		curl_easy_cleanup(stream->easy);
	}
	mc_http_target_clear(&stream->target);
	free(stream);
}

static void journal(const struct mc_http_stream *stream, int status)
{
	if (stream->target.journal)
		mc_journal_add(stream->target.journal, stream->target.service, stream->exchange.call, status,
			(double)(mc_now_ms() - stream->begin));
}

static void take_headers(void *data)
{
	struct mc_http_stream *stream = data;
	int status = mc_http_exchange_status(&stream->exchange);

	/* Not "100 Continue", and not the trailer of a chunked answer. */
	if (stream->opened || status < 200)
		return;
	stream->opened = true;
	journal(stream, status);
	if (stream->handler.on_open)
		stream->handler.on_open(stream->data, status);
}

static size_t take_stream_body(char *bytes, size_t size, size_t count, void *data)
{
	struct mc_http_stream *stream = data;

	if (mc_http_exchange_status(&stream->exchange) / 100 == 2)
		stream->handler.on_data(stream->data, bytes, size * count);
	return size * count;
}

static void detach_easy_handle(struct mc_http_stream *stream)
{
	if (stream->added)
		curl_multi_remove_handle(stream->loop->multi, stream->easy);
	stream->added = false;
}

static void end_transfer(struct mc_http_stream *stream, CURLcode code)
{
	int result = mc_http_exchange_result(&stream->exchange, code, NULL);
	if (!stream->opened)
		journal(stream, result);
	detach_easy_handle(stream);
	stream->handler.on_end(stream->data, result);
}

static void begin_transfer(struct mc_http_stream *stream)
{
	stream->begin = mc_now_ms();
	stream->added = curl_multi_add_handle(stream->loop->multi, stream->easy) == CURLM_OK;
	if (!stream->added)
		stream->handler.on_end(stream->data, -ENOMEM);
}

/* Its owner, having stopped it, frees the stream as soon as it is told. */
static void tell_stopped(struct mc_http_stream *stream)
{
	struct mc_http_loop *loop = stream->loop;

	detach_easy_handle(stream);
	MC_LOCKED(&loop->lock) {
		stream->state = STOPPED;
		pthread_cond_broadcast(&loop->stopped);
	}
}

/* A stream that is to begin (then it is RUNNING now) or to stop; NULL: none. */
static struct mc_http_stream *next_change(struct mc_http_loop *loop, bool *ret_begin, bool *ret_ending)
{
	struct mc_http_stream *stream;

	MC_LOCKED(&loop->lock) {
		for (stream = loop->streams; stream && stream->state != NEW && stream->state != STOPPING;)
			stream = stream->next;
		*ret_begin = stream && stream->state == NEW;
		if (*ret_begin)
			stream->state = RUNNING;
		*ret_ending = loop->ending;
	}
	return stream;
}

/* False: the loop is ending. */
static bool follow_changes(struct mc_http_loop *loop)
{
	for (;;) {
		bool new, ending;
		struct mc_http_stream *stream = next_change(loop, &new, &ending);
		if (ending || !stream)
			return !ending;
		if (new)
			begin_transfer(stream);
		else
			tell_stopped(stream);
	}
}

static void *run_transfers(void *data)
{
	struct mc_http_loop *loop = data;

	while (follow_changes(loop)) {
		int running, left;
		curl_multi_perform(loop->multi, &running);
		for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &left));) {
			char *stream = NULL;
			CURLcode code = message->data.result;
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &stream);
			end_transfer((struct mc_http_stream *)(void *)stream, code);
		}
		curl_multi_poll(loop->multi, NULL, 0, 60000, NULL);
	}
	return NULL;
}

/* The thread takes no signals: they are the daemon's. */
static int start_thread(struct mc_http_loop *loop)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&loop->thread, NULL, run_transfers, loop);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -code;
}

struct mc_http_loop *mc_http_loop_new(void)
{
	struct mc_http_loop *loop = calloc(1, sizeof *loop);

	if (!loop || mc_http_global_init() < 0) {
		free(loop);
		return NULL;
	}
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->stopped, NULL);
	loop->multi = curl_multi_init();
	if (loop->multi && start_thread(loop) == 0)
		return loop;
	curl_multi_cleanup(loop->multi);
	pthread_cond_destroy(&loop->stopped);
	pthread_mutex_destroy(&loop->lock);
	curl_global_cleanup();
	free(loop);
	return NULL;
}

void mc_http_loop_free(struct mc_http_loop *loop)
{
	if (!loop)
		return;
	MC_LOCKED(&loop->lock)
		loop->ending = true;
	curl_multi_wakeup(loop->multi);
	pthread_join(loop->thread, NULL);
	while (loop->streams) {
		struct mc_http_stream *stream = loop->streams;
		loop->streams = stream->next;
		detach_easy_handle(stream);
		stream_free(stream);
	}
	curl_multi_cleanup(loop->multi);
	pthread_cond_destroy(&loop->stopped);
	pthread_mutex_destroy(&loop->lock);
	curl_global_cleanup();
	free(loop);
}

/* All options of the stream's handle. 0 or -errno with ERROR filled. */
static int prepare_transfer(
	struct mc_http_stream *stream, const struct mc_http_request *request, struct mc_error *error)
{
	stream->easy = curl_easy_init();
	if (!stream->easy)
		return mc_error_set(error, ENOMEM, "out of memory");
	int result = mc_http_exchange_init(&stream->exchange, &stream->target, stream->easy, request, true, error);
	if (result < 0)
		return result;
	stream->exchange.on_headers = take_headers;
	stream->exchange.data = stream;
	if (curl_easy_setopt(stream->easy, CURLOPT_WRITEFUNCTION, take_stream_body) != CURLE_OK ||
		curl_easy_setopt(stream->easy, CURLOPT_WRITEDATA, stream) != CURLE_OK ||
		curl_easy_setopt(stream->easy, CURLOPT_PRIVATE, stream) != CURLE_OK ||
		curl_easy_setopt(stream->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) != CURLE_OK ||
		curl_easy_setopt(stream->easy, CURLOPT_FRESH_CONNECT, 1L) != CURLE_OK ||
		curl_easy_setopt(stream->easy, CURLOPT_FORBID_REUSE, 1L) != CURLE_OK)
		return mc_error_set(error, ENOMEM, "out of memory");
	return 0;
}

int mc_http_stream_start(struct mc_http_loop *loop, const struct mc_http_options *options,
	const struct mc_http_request *request, const struct mc_http_stream_handler *handler, void *data,
	struct mc_http_stream **ret_stream, struct mc_error *error)
{
	struct mc_http_stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return mc_error_set(error, ENOMEM, "out of memory");
	*stream = (struct mc_http_stream){.loop = loop, .handler = *handler, .data = data};
	int result = mc_http_target_init(&stream->target, options);
	if (result < 0)
		mc_error_errno(error, -result, "bad address %s", options->base_url);
	else
		result = prepare_transfer(stream, request, error);
	if (result < 0) {
		stream_free(stream);
		return result;
	}
	/* Handlers may run before this function returns: they find the stream known. */
	*ret_stream = stream;
	MC_LOCKED(&loop->lock) {
		stream->next = loop->streams;
		loop->streams = stream;
	}
	curl_multi_wakeup(loop->multi);
	return 0;
}

/* With the lock held. */
static bool is_stopped(const struct mc_http_stream *stream) MC_REQUIRES(stream->loop->lock)
{
	return stream->state == STOPPED;
}

void mc_http_stream_stop(struct mc_http_stream *stream)
{
	struct mc_http_loop *loop = stream->loop;
	struct mc_http_stream **link;

	MC_LOCKED(&loop->lock) {
		if (stream->state != NEW) {
			stream->state = STOPPING;
			curl_multi_wakeup(loop->multi);
			while (!is_stopped(stream))
				pthread_cond_wait(&loop->stopped, &loop->lock);
		}
		for (link = &loop->streams; *link != stream;)
			link = &(*link)->next;
		*link = stream->next;
	}
	stream_free(stream);
}
