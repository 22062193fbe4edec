/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "backends/cache/cached.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The ring always holds the last RING bytes that came. The request runs READ_AHEAD bytes ahead of the reads; the rest
 * of the ring is for reads that come a little late, for the kernel sends its read-ahead in parallel. */
#define RING ((int64_t)8 << 20)
#define READ_AHEAD ((int64_t)6 << 20)

/* A read so much in front of what is there waits for it rather than make a request of its own. */
#define REACH ((int64_t)4 << 20)

/* How much is hashed, or goes into a copy, at a time. */
#define SLICE ((int64_t)512 << 10)

/* Nobody reads: the connection, and Glance's side of it, is given up after so long. */
#define IDLE_MS 5000

/* A request that breaks off is gone on with; so often without a byte between. */
#define TRIES 3

/* Bytes of the ring that are lent from OFFSET on. */
struct pin {
	struct pin *next;
	struct mc_glance_stream *stream; /* a reference */
	int64_t offset;
};

/* Those who take each byte that comes, beside the reads, in order and each in a thread of its own. */
enum { HASHER, COPIER, TAKERS };

struct taker {
	struct mc_glance_stream *stream; /* these are constant */
	void (*take)(struct mc_glance_stream *stream, int64_t offset, const void *bytes, size_t size);
	bool finishes; /* when all has come, with what is in the ring, though nobody reads any more */
	bool runs;
	pthread_t thread;

	int64_t done; /* it has taken so much; under the stream's lock */
};

struct mc_glance_stream {
	atomic_uint references;
	struct mc_glance *glance; /* these are constant */
	const struct mc_image *image;
	struct mc_hash *hash;
	struct mc_cached *cached;
	struct mc_call *call; /* of its requests; no deadline */
	unsigned char *ring;
	int64_t start;
	pthread_t producer;
	bool has_producer;
	struct taker takers[TAKERS];

	int64_t skip; /* the producer's own: bytes of the answer before what is wanted */

	mc_mutex lock;        /* guards what follows; before that of the hash */
	pthread_cond_t space; /* the producer waits: `target` has grown, a pin has gone, more was taken, or stopping */
	pthread_cond_t content; /* the takers wait: `head` has grown, or ended */
	struct mc_gate news;    /* reads wait: `head` has reached wake_at, all is hashed, or ended */
	int64_t tail, head;     /* what the ring holds; bytes from `head` on are being written up to `tail` + RING */
	int64_t target;         /* how far the request may run now */
	int64_t wake_at;        /* the nearest end that a read waits for */
	struct pin *pins;
	bool stopping, ended;
	int result; /* when ended: 0 all came, -ESTALE stopped or idle, else why it failed */
	struct mc_error error;
};

/* Under the lock: the end of what may be written into the ring now. */
static int64_t writable_end(const struct mc_glance_stream *stream) MC_REQUIRES(stream->lock)
{
	int64_t end = stream->target;

	for (const struct pin *pin = stream->pins; pin; pin = pin->next)
		if (pin->offset + RING < end)
			end = pin->offset + RING;
	for (int i = 0; i < TAKERS; i++)
		if (stream->takers[i].runs && stream->takers[i].done + RING < end)
			end = stream->takers[i].done + RING;
	return end;
}

/* Waits until something may be written: the number of bytes, or -ESTALE. Under the lock. */
static int64_t wait_space(struct mc_glance_stream *stream) MC_REQUIRES(stream->lock)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += IDLE_MS / 1000;
	for (;;) {
		int64_t space = writable_end(stream) - stream->head;
		if (stream->stopping)
			return -ESTALE;
		if (space > 0)
			return space;
		if (pthread_cond_timedwait(&stream->space, &stream->lock, &deadline) == ETIMEDOUT)
			return -ESTALE;
	}
}

static void copy_in(struct mc_glance_stream *stream, int64_t offset, const void *bytes, size_t size)
{
	size_t at = (size_t)(offset % RING), first = size < (size_t)RING - at ? size : (size_t)RING - at;

	memcpy(stream->ring + at, bytes, first);
	memcpy(stream->ring, (const char *)bytes + first, size - first);
}

/* Puts SIZE bytes behind the head, as room becomes free. */
static int put_bytes_in_ring(struct mc_glance_stream *stream, const char *bytes, size_t size)
{
	while (size > 0) {
		mc_mutex_lock(&stream->lock);
		int64_t space = wait_space(stream);
		if (space < 0) {
			mc_mutex_unlock(&stream->lock);
			return (int)space;
		}
		size_t part = (int64_t)size < space ? size : (size_t)space;
		int64_t head = stream->head;
		if (stream->tail < head + (int64_t)part - RING)
			stream->tail = head + (int64_t)part - RING;
		mc_mutex_unlock(&stream->lock);
		copy_in(stream, head, bytes, part);
		MC_LOCKED(&stream->lock) {
			stream->head += (int64_t)part;
			if (stream->head >= stream->wake_at) {
				stream->wake_at = INT64_MAX;
				mc_gate_open(&stream->news);
			}
			pthread_cond_broadcast(&stream->content);
		}
		bytes += part;
		size -= part;
	}
	return 0;
}

static int on_stream_head(void *data, const struct mc_http_response *response)
{
	struct mc_glance_stream *stream = data;

	/* `error` is the producer's until the stream has ended; only it moves the head. */
	return mc_glance_check_content(stream->image, stream->head, response, &stream->skip, &stream->error);
}

static int on_stream_body(void *data, const void *bytes, size_t size)
{
	struct mc_glance_stream *stream = data;
	size_t skipped = stream->skip < (int64_t)size ? (size_t)stream->skip : size;

	int64_t left = stream->image->size - stream->head;

	stream->skip -= (int64_t)skipped;
	size -= skipped;
	if ((int64_t)size <= left)
		return put_bytes_in_ring(stream, (const char *)bytes + skipped, size);
	/* More than the image has: what belongs to it may be right, as its hash will tell; the rest is not wanted. */
	int r = put_bytes_in_ring(stream, (const char *)bytes + skipped, (size_t)left);
	return r < 0 ? r : -ECANCELED;
}

/* One request, from the head to the end of the image. 0: there was an answer and no failure, perhaps too short. */
static int run_request(struct mc_glance_stream *stream)
{
	struct mc_error error = {0};
	char range[64];

	snprintf(range, sizeof range, "bytes=%" PRId64 "-", stream->head);
	const struct mc_openstack_request request = {
		.method = "GET",
		.path = (const char *const[]){"images", stream->image->id, "file", NULL},
		.headers = (const struct mc_http_param[]){{"Range", range}, {NULL, NULL}},
		.on_head = on_stream_head,
		.on_body = on_stream_body,
		.data = stream,
	};
	stream->error = (struct mc_error){0};
	int r = mc_openstack_request(stream->glance->streams, stream->call, &request, NULL, &error);
	if (r < 0 && !stream->error.code)
		stream->error = error;
	return r;
}

/* Whether a transfer that ended so may be gone on with by another request. */
static bool is_broken(int result)
{
	return result == 0 || result == -EIO || result == -ECONNREFUSED;
}

static void *produce(void *data)
{
	struct mc_glance_stream *stream = data;
	int tries = 0, r = 0;

	while (stream->head < stream->image->size && tries < TRIES) {
		int64_t before = stream->head;
		r = run_request(stream);
		if (!is_broken(r))
			break;
		tries = stream->head > before ? 1 : tries + 1;
	}
	if (stream->head < stream->image->size && r == 0)
		r = mc_error_set(&stream->error, EIO, "Glance gave less of the image than it has");
	MC_LOCKED(&stream->lock) {
		stream->result = stream->head == stream->image->size ? 0
				 : stream->stopping                  ? -ESTALE
				 : r == -EBADMSG                     ? -EIO
								     : r;
		stream->ended = true;
		mc_gate_open(&stream->news);
		pthread_cond_broadcast(&stream->content);
	}
	return NULL;
}

/* Under the lock: as much as lies together in the ring and is to be taken next; waits for it. 0: no more will come. */
static size_t wait_content(struct mc_glance_stream *stream, const struct taker *taker) MC_REQUIRES(stream->lock)
{
	while (stream->head == taker->done && !stream->ended && !stream->stopping)
		pthread_cond_wait(&stream->content, &stream->lock);
	if (stream->stopping && !(taker->finishes && stream->head == stream->image->size))
		return 0;
	int64_t size = stream->head - taker->done, at = taker->done % RING;
	if (size > SLICE)
		size = SLICE;
	return (size_t)(size < RING - at ? size : RING - at);
}

static void *run_taker(void *data)
{
	struct taker *taker = data;
	struct mc_glance_stream *stream = taker->stream;

	mc_mutex_lock(&stream->lock);
	for (size_t size; (size = wait_content(stream, taker)) > 0;) {
		int64_t offset = taker->done;
		/* The producer doesn't write over what isn't taken. */
		mc_mutex_unlock(&stream->lock);
		taker->take(stream, offset, stream->ring + offset % RING, size);
		mc_mutex_lock(&stream->lock);
		taker->done += (int64_t)size;
		pthread_cond_signal(&stream->space);
		if (taker->done == stream->image->size)
			mc_gate_open(&stream->news);
	}
	mc_mutex_unlock(&stream->lock);
	return NULL;
}

static void take_into_hash(struct mc_glance_stream *stream, int64_t offset, const void *bytes, size_t size)
{
	mc_hash_feed(stream->hash, offset, bytes, size);
}

static void take_into_copy(struct mc_glance_stream *stream, int64_t offset, const void *bytes, size_t size)
{
	mc_cached_fill(stream->cached, offset, bytes, size);
}

/* Before the producer begins. Without a thread, nothing is taken. */
static void start_taker(struct mc_glance_stream *stream, int which,
	void (*take)(struct mc_glance_stream *stream, int64_t offset, const void *bytes, size_t size))
{
	struct taker *taker = &stream->takers[which];

	taker->stream = stream;
	taker->take = take;
	taker->finishes = which == COPIER;
	taker->done = stream->start;
	taker->runs = pthread_create(&taker->thread, NULL, run_taker, taker) == 0;
}

/* A place among the streams of all readers. */
static bool take_place(struct mc_glance *glance)
{
	MC_HOLD(&glance->lock);
	bool is_free = glance->n_streams < MC_GLANCE_STREAMS;
	glance->n_streams += is_free;
	return is_free;
}

static void give_place(struct mc_glance *glance)
{
	MC_LOCKED(&glance->lock)
		glance->n_streams--;
}

static void init_locks(struct mc_glance_stream *stream)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&stream->lock, NULL);
	pthread_cond_init(&stream->space, &monotonic);
	pthread_cond_init(&stream->content, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int mc_glance_stream_new(struct mc_glance *glance, const struct mc_image *image, int64_t start, struct mc_hash *hash,
	struct mc_cached *cached, struct mc_glance_stream **ret_stream, struct mc_error *error)
{
	*ret_stream = NULL;
	if (!take_place(glance))
		return mc_error_set(error, EAGAIN, "%d streams run already", MC_GLANCE_STREAMS);
	struct mc_glance_stream *stream = calloc(1, sizeof *stream);
	if (!stream) {
		give_place(glance);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	init_locks(stream);
	atomic_init(&stream->references, 1);
	stream->glance = mc_glance_ref(glance);
	stream->image = image;
	stream->start = stream->tail = stream->head = start;
	stream->target = start + READ_AHEAD;
	stream->wake_at = INT64_MAX;
	stream->ring = malloc((size_t)RING);
	stream->call = mc_call_new(-1);
	stream->hash = hash;
	stream->cached = cached;
	/* What has missed something can't be gone on with; what is ahead waits for what it hasn't had. */
	if (stream->ring && stream->call && hash && mc_hash_position(hash) >= start)
		start_taker(stream, HASHER, take_into_hash);
	if (stream->ring && stream->call && cached && mc_cached_filled(cached) >= start &&
		mc_cached_filled(cached) < image->size)
		start_taker(stream, COPIER, take_into_copy);
	if (stream->ring && stream->call)
		stream->has_producer = pthread_create(&stream->producer, NULL, produce, stream) == 0;
	if (!stream->has_producer) {
		mc_glance_stream_unref(stream);
		return mc_error_set(error, ENOMEM, "no thread for a stream");
	}
	*ret_stream = stream;
	return 0;
}

struct mc_glance_stream *mc_glance_stream_ref(struct mc_glance_stream *stream)
{
	atomic_fetch_add(&stream->references, 1);
	return stream;
}

void mc_glance_stream_stop(struct mc_glance_stream *stream)
{
	MC_LOCKED(&stream->lock) {
		stream->stopping = true;
		mc_gate_open(&stream->news);
		pthread_cond_signal(&stream->space);
		pthread_cond_broadcast(&stream->content);
	}
	if (stream->call)
		mc_call_cancel(stream->call);
}

void mc_glance_stream_unref(struct mc_glance_stream *stream)
{
	if (!stream || atomic_fetch_sub(&stream->references, 1) > 1)
		return;
	mc_glance_stream_stop(stream);
	if (stream->has_producer)
		pthread_join(stream->producer, NULL);
	for (int i = 0; i < TAKERS; i++)
		if (stream->takers[i].runs)
			pthread_join(stream->takers[i].thread, NULL);
	give_place(stream->glance);
	mc_glance_unref(stream->glance);
	mc_call_unref(stream->call);
	pthread_cond_destroy(&stream->space);
	pthread_cond_destroy(&stream->content);
	pthread_mutex_destroy(&stream->lock);
	free(stream->ring);
	free(stream);
}

bool mc_glance_stream_covers(struct mc_glance_stream *stream, int64_t offset)
{
	MC_HOLD(&stream->lock);
	bool is_there = offset >= stream->tail && offset < stream->head;
	bool will_be = offset >= stream->head && offset < stream->head + REACH && !stream->ended && !stream->stopping;
	return is_there || will_be;
}

/* Under the lock: waits until the ring has had all up to END. */
static int wait_for(struct mc_glance_stream *stream, struct mc_call *call, int64_t offset, int64_t end,
	struct mc_error *error) MC_REQUIRES(stream->lock)
{
	int64_t deadline = mc_call_remaining_ms(call) < 0 ? -1 : mc_now_ms() + mc_call_remaining_ms(call);

	while (stream->head < end && !stream->ended && !stream->stopping) {
		if (end < stream->wake_at)
			stream->wake_at = end;
		int r = mc_gate_wait(&stream->news, &stream->lock, call, deadline);
		if (r < 0)
			return mc_error_set(error, -r, r == -EINTR ? "interrupted" : "no bytes came in time");
	}
	if (stream->head >= end)
		return offset >= stream->tail ? 0 : -ESTALE;
	if (stream->stopping || stream->result >= 0 || stream->result == -ESTALE)
		return -ESTALE;
	if (error)
		*error = stream->error;
	return stream->result;
}

/* Under the lock: when the last byte has been asked for, waits for the hash, as long as one is made. */
static int wait_hash(struct mc_glance_stream *stream, struct mc_call *call, int64_t end, struct mc_error *error)
	MC_REQUIRES(stream->lock)
{
	const struct taker *hasher = &stream->takers[HASHER];

	if (!hasher->runs || end < stream->image->size)
		return 0;
	while (hasher->done < stream->image->size && !stream->stopping) {
		int r = mc_gate_wait(&stream->news, &stream->lock, call, -1);
		if (r < 0)
			return mc_error_set(error, -r, "interrupted");
	}
	return 0;
}

static void unpin(void *data)
{
	struct pin *pin = data;
	struct mc_glance_stream *stream = pin->stream;

	MC_LOCKED(&stream->lock) {
		for (struct pin **at = &stream->pins; *at; at = &(*at)->next)
			if (*at == pin) {
				*at = pin->next;
				break;
			}
		pthread_cond_signal(&stream->space);
	}
	mc_glance_stream_unref(stream);
	free(pin);
}

/* SIZE bytes at OFFSET as they lie in the ring, which are under PIN. */
static void lend(struct pin *pin, size_t size, struct mc_loan *ret_loan)
{
	struct mc_glance_stream *stream = pin->stream;
	size_t at = (size_t)(pin->offset % RING), first = size < (size_t)RING - at ? size : (size_t)RING - at;

	*ret_loan = (struct mc_loan){
		.parts = {{stream->ring + at, first}, {stream->ring, size - first}},
		.count = first < size ? 2 : 1,
		.give_back = unpin,
		.owner = pin,
	};
}

int mc_glance_stream_read(struct mc_glance_stream *stream, struct mc_call *call, size_t size, int64_t offset,
	struct mc_loan *ret_loan, struct mc_error *error)
{
	int64_t end = offset + (int64_t)size;
	struct pin *pin = malloc(sizeof *pin);

	if (!pin)
		return mc_error_set(error, ENOMEM, "out of memory");
	mc_mutex_lock(&stream->lock);
	int64_t target = end + READ_AHEAD;
	if (target > stream->target) {
		stream->target = target;
		pthread_cond_signal(&stream->space);
	}
	int r = wait_for(stream, call, offset, end, error);
	if (r == 0)
		r = wait_hash(stream, call, end, error);
	if (r == 0 && offset < stream->tail)
		r = -ESTALE;
	if (r == 0) {
		*pin = (struct pin){stream->pins, mc_glance_stream_ref(stream), offset};
		stream->pins = pin;
		lend(pin, size, ret_loan);
	}
	mc_mutex_unlock(&stream->lock);
	if (r < 0)
		free(pin);
	return r;
}
