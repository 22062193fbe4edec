/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/condemned.h"
#include "backends/openstack/glance/writer.h"
#include "backends/openstack/glance/writers.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Zeros that fill a hole, at a time. */
#define ZEROS ((size_t)64 << 10)

static void free_writer(struct mc_image_writer *writer)
{
	EVP_MD_CTX_free(writer->hash);
	mc_call_unref(writer->call);
	mc_glance_unref(writer->glance);
	pthread_cond_destroy(&writer->content);
	pthread_mutex_destroy(&writer->lock);
	free(writer->ring);
	free(writer->disk_format);
	free(writer->container_format);
	free(writer->id);
	free(writer);
}

struct mc_image_writer *mc_writer_new(struct mc_glance *glance)
{
	struct mc_image_writer *writer = calloc(1, sizeof *writer);

	if (!writer)
		return NULL;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->content, NULL);
	writer->glance = mc_glance_ref(glance);
	writer->call = mc_call_new(-1);
	writer->hash = EVP_MD_CTX_new();
	if (writer->call && writer->hash &&
		EVP_DigestInit_ex(writer->hash, EVP_get_digestbyname(MC_WRITER_HASH), NULL) == 1)
		return writer;
	free_writer(writer);
	return NULL;
}

int mc_image_writer_new(struct mc_glance *glance, struct mc_call *call, const char *name,
	struct mc_image_writer **ret_writer, struct mc_error *error)
{
	struct mc_image_writer *writer = mc_writer_new(glance);

	*ret_writer = NULL;
	if (!writer)
		return mc_error_set(error, ENOMEM, "out of memory");
	int r = mc_writer_make_image(glance, call, name, &writer->id, error);
	if (r < 0) {
		free_writer(writer);
		return r;
	}
	(void)mc_writer_enlist(writer);
	*ret_writer = writer;
	return 0;
}

int mc_image_writer_set_formats(
	struct mc_image_writer *writer, const char *disk, const char *container, struct mc_error *error)
{
	writer->disk_format = disk ? strdup(disk) : NULL;
	writer->container_format = container ? strdup(container) : NULL;
	if ((disk && !writer->disk_format) || (container && !writer->container_format))
		return mc_error_set(error, ENOMEM, "out of memory");
	return 0;
}

const char *mc_image_writer_id(const struct mc_image_writer *writer)
{
	return writer->id;
}

int mc_glance_resize(struct mc_glance *glance, const char *id, int64_t size, struct mc_error *error)
{
	int r = -EPERM;

	mc_mutex_lock(&glance->lock);
	struct mc_image_writer *writer = mc_glance_writer_of(glance, id);
	if (writer && size >= atomic_load(&writer->end)) {
		atomic_store(&writer->declared, size);
		r = 0;
	}
	mc_mutex_unlock(&glance->lock);
	return r < 0 ? mc_error_set(error, EPERM,
			       writer ? "an image can't get smaller than what was written"
				      : "the content of an image can't be changed")
		     : 0;
}

/* Under the lock: gives what the upload failed with. */
static int failure(struct mc_image_writer *writer, struct mc_error *error) MC_REQUIRES(writer->lock)
{
	if (writer->result < 0 && error)
		*error = writer->error;
	return writer->result;
}

/* Under the lock: waits for the uploader to do something, as long as it does something from time to time. If it
 * doesn't, that is the end. */
static int wait_progress(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
	MC_REQUIRES(writer->lock)
{
	int timeout = writer->glance->timeout_ms;
	int r = mc_gate_wait(&writer->news, &writer->lock, call, writer->progress + timeout);

	if (r == 0 || (r == -ETIMEDOUT && writer->progress + timeout > mc_now_ms()))
		return 0;
	if (r != -ETIMEDOUT)
		return mc_error_set(error, -r, "interrupted");
	if (writer->result == 0)
		writer->result = mc_error_set(&writer->error, ETIMEDOUT, "Glance takes no bytes of the upload");
	return failure(writer, error);
}

/* Becomes the one that writes. */
static int take_turn(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	MC_HOLD(&writer->lock);
	int r = 0;
	while (writer->busy && r == 0)
		r = mc_gate_wait(&writer->news, &writer->lock, call, -1);
	if (r == 0)
		writer->busy = true;
	else
		mc_error_set(error, -r, "interrupted");
	return r;
}

static void end_turn(struct mc_image_writer *writer)
{
	MC_LOCKED(&writer->lock) {
		writer->busy = false;
		mc_gate_open(&writer->news);
	}
}

/* Waits for room in the ring: how many bytes fit together, or -errno. */
static int64_t wait_room(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	int64_t room = 0;
	int r = 0;

	MC_LOCKED(&writer->lock) {
		while (r == 0 && room == 0) {
			r = failure(writer, error);
			room = MC_WRITER_RING - (writer->end - writer->sent);
			if (r == 0 && room == 0)
				r = wait_progress(writer, call, error);
		}
	}
	int64_t at = writer->end % MC_WRITER_RING;
	return r < 0 ? r : room < MC_WRITER_RING - at ? room : MC_WRITER_RING - at;
}

/* Puts bytes behind the end; the turn is the caller's. Gives how many of them were taken if any, else -errno. */
static ssize_t append_bytes_to_ring(
	struct mc_image_writer *writer, struct mc_call *call, const char *bytes, size_t size, struct mc_error *error)
{
	size_t done = 0;

	while (done < size) {
		/* Full before the uploader runs can't be: the format needs less. */
		if (writer->end >= MC_GLANCE_FORMAT_BYTES && mc_writer_start(writer, error) < 0)
			return -EAGAIN;
		int64_t room = wait_room(writer, call, error);
		if (room < 0)
			return done > 0 ? (ssize_t)done : (ssize_t)room;
		size_t part = size - done < (size_t)room ? size - done : (size_t)room;
		memcpy(writer->ring + writer->end % MC_WRITER_RING, bytes + done, part);
		(void)EVP_DigestUpdate(writer->hash, bytes + done, part);
		MC_LOCKED(&writer->lock) {
			if (writer->sent == writer->end)
				writer->progress = mc_now_ms(); /* until now Glance had nothing to take */
			writer->end += (int64_t)part;
			pthread_cond_signal(&writer->content);
		}
		done += part;
	}
	return (ssize_t)done;
}

static int fill_hole(struct mc_image_writer *writer, struct mc_call *call, int64_t end, struct mc_error *error)
{
	static const char zeros[ZEROS];

	while (writer->end < end) {
		int64_t left = end - writer->end;
		ssize_t n =
			append_bytes_to_ring(writer, call, zeros, left < (int64_t)ZEROS ? (size_t)left : ZEROS, error);
		if (n < 0)
			return (int)n;
	}
	return 0;
}

static int prepare_ring(struct mc_image_writer *writer, struct mc_error *error)
{
	if (!writer->ring)
		writer->ring = malloc((size_t)MC_WRITER_RING);
	return writer->ring ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

/* With the turn: whether something may be written at OFFSET. */
static int check_write(struct mc_image_writer *writer, int64_t offset, struct mc_error *error)
{
	MC_HOLD(&writer->lock);
	int r = failure(writer, error);
	if (r == 0 && (writer->finished || writer->closed))
		r = mc_error_set(error, EPERM, "the content of an image can't be changed");
	if (r == 0 && offset < writer->end)
		r = mc_error_set(error, ESPIPE,
			"an image is written from its beginning to its end: offset %" PRId64 " comes after %" PRId64,
			offset, (int64_t)writer->end);
	return r;
}

ssize_t mc_image_writer_write(struct mc_image_writer *writer, struct mc_call *call, const void *bytes, size_t size,
	int64_t offset, struct mc_error *error)
{
	ssize_t r = take_turn(writer, call, error);

	if (r < 0)
		return r;
	r = check_write(writer, offset, error);
	if (r == 0)
		r = prepare_ring(writer, error);
	if (r == 0)
		r = fill_hole(writer, call, offset, error);
	if (r == 0)
		r = append_bytes_to_ring(writer, call, bytes, size, error);
	if (r > 0)
		atomic_fetch_add(&writer->glance->written, r);
	end_turn(writer);
	return r;
}

/* With the turn: nothing more comes; waits until Glance has answered. */
static int close_upload(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	int r = mc_writer_start(writer, error);

	if (r < 0)
		return r;
	MC_LOCKED(&writer->lock) {
		r = failure(writer, error);
		writer->closed = true;
		writer->progress = mc_now_ms();
		pthread_cond_signal(&writer->content);
		while (r == 0 && !writer->ended)
			r = wait_progress(writer, call, error);
		if (r == 0)
			r = failure(writer, error);
	}
	return r;
}

/* With the turn. */
static int finish_upload(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	int r = prepare_ring(writer, error);

	if (r == 0)
		r = fill_hole(writer, call, atomic_load(&writer->declared), error);
	if (r == 0)
		r = close_upload(writer, call, error);
	/* Not within what is left of the call's time, which the upload may have used up. */
	MC_CLEANUP(call) struct mc_call *rest = mc_call_new(writer->glance->timeout_ms);
	if (r == 0 && !rest)
		r = mc_error_set(error, ENOMEM, "out of memory");
	if (r == 0)
		r = mc_writer_compare(writer, rest, error);
	if (r == 0 && !writer->has_formats)
		r = mc_writer_correct_format(writer, rest, error);
	if (r == 0)
		r = mc_writer_unmark(writer, rest, error);
	return r;
}

/* With the turn: ends the uploader's thread. */
static void break_off(struct mc_image_writer *writer)
{
	MC_LOCKED(&writer->lock) {
		writer->broken = !writer->ended;
		pthread_cond_signal(&writer->content);
	}
	mc_call_cancel(writer->call);
	if (writer->has_uploader)
		pthread_join(writer->uploader, NULL);
	writer->has_uploader = false;
}

void mc_writer_conclude(struct mc_image_writer *writer, int r, const struct mc_error *error)
{
	break_off(writer);
	if (r < 0)
		mc_glance_discard(writer->glance, writer->id);
	mc_writer_delist(writer);
	MC_LOCKED(&writer->lock) {
		writer->finished = true;
		writer->result = r;
		writer->error = r < 0 ? *error : (struct mc_error){0};
	}
	free(mc_steal(&writer->ring));
}

int mc_image_writer_finish(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	struct mc_error why = {0};
	int r = take_turn(writer, call, error);

	if (r < 0)
		return r;
	bool finished;
	MC_LOCKED(&writer->lock)
		finished = writer->finished;
	if (!finished) {
		r = finish_upload(writer, call, &why);
		mc_writer_conclude(writer, r, &why);
	}
	MC_LOCKED(&writer->lock)
		r = failure(writer, error);
	end_turn(writer);
	return r;
}

/* With nobody else at it: whether all that was written is zeros, and so few that nothing was sent. */
static bool is_preparation(const struct mc_image_writer *writer)
{
	int64_t end = atomic_load(&writer->end);

	if (writer->has_uploader || writer->closed || writer->result < 0 || end == 0 || end >= MC_GLANCE_FORMAT_BYTES ||
		atomic_load(&writer->declared) <= end)
		return false;
	return writer->ring[0] == 0 && !memcmp(writer->ring, writer->ring + 1, (size_t)end - 1);
}

bool mc_image_writer_park(struct mc_image_writer *writer)
{
	struct mc_glance *glance = writer->glance;
	bool is_idle;

	MC_LOCKED(&writer->lock)
		is_idle = !writer->busy && is_preparation(writer);
	if (!is_idle)
		return false;
	MC_LOCKED(&glance->lock)
		writer->parked = true;
	mc_glance_unref(glance);
	return true;
}

/* Under the glance's lock: it has a reference again, and begins anew. */
static void unpark(struct mc_image_writer *writer) MC_REQUIRES(writer->glance->lock)
{
	mc_glance_ref(writer->glance);
	writer->parked = false;
	atomic_store(&writer->end, 0);
	/* Init of a context that was in use can't fail for want of memory. */
	(void)EVP_DigestInit_ex(writer->hash, EVP_get_digestbyname(MC_WRITER_HASH), NULL);
}

struct mc_image_writer *mc_image_writer_resume(struct mc_glance *glance, const char *id)
{
	MC_HOLD(&glance->lock);
	struct mc_image_writer *writer = mc_glance_writer_of(glance, id);
	if (writer && !writer->parked)
		writer = NULL;
	if (writer)
		unpark(writer);
	return writer;
}

void mc_glance_free_parked(struct mc_glance *glance)
{
	struct mc_image_writer *writer;

	do {
		MC_LOCKED(&glance->lock) {
			writer = glance->writers;
			if (writer)
				unpark(writer);
		}
		mc_image_writer_free(writer);
	} while (writer);
}

void mc_writer_discharge(struct mc_image_writer *writer)
{
	if (!writer)
		return;
	mc_writer_delist(writer);
	free_writer(writer);
}

void mc_image_writer_give_up(struct mc_image_writer *writer)
{
	static const struct mc_error why = {.code = EINTR, .message = "the upload was broken off"};

	if (!writer->finished)
		mc_writer_conclude(writer, -EINTR, &why);
}

void mc_image_writer_free(struct mc_image_writer *writer)
{
	if (!writer)
		return;
	if (!writer->finished) {
		break_off(writer);
		mc_glance_condemn(writer->glance, writer->id);
		mc_writer_delist(writer);
	}
	free_writer(writer);
}
