/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "backends/cache/cached.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* A read is the next in order when it begins where one of so many of the last ones ended: the kernel has several under
 * way. */
#define LAST_ENDS 8

/* Reads that skip forward, by NEAR bytes at most, are in order too when so many of them come one after the other: so
 * reads go that only want what has fallen out of the page cache. To skip in a stream costs less than another request.
 */
#define NEAR ((int64_t)1 << 20)
#define NEAR_READS 3

/* A stream begins so much before the read that wants it, to have the hash, or the copy, of the whole: the reads before
 * may still be under way. */
#define WHOLE_REACH ((int64_t)4 << 20)

/* A reader that begins with so much wants the rest, too. */
#define EAGER ((int64_t)256 << 10)

/* How much is asked for at a time when only its hash is wanted. */
#define REST ((size_t)4 << 20)

struct mc_image_reader {
	struct mc_glance *glance; /* these are constant */
	struct mc_image image;    /* id, size and hash are set */
	struct mc_check *check;   /* NULL: not to be verified */
	struct mc_hash *hash;     /* the check's, or its own when that one has come to an end; NULL: as above */
	struct mc_hash *own;      /* to be freed */
	struct mc_cached *cached; /* NULL: no copy is kept */
	bool was_bad;             /* its content, when this reader was made */

	mc_mutex lock; /* guards what follows; before those of the stream */
	int64_t ends[LAST_ENDS];
	unsigned next_end, near_reads;
	bool rechecked;
	struct mc_glance_stream *stream; /* the running request, or NULL */
};

int mc_image_reader_new(struct mc_glance *glance, const struct mc_image *image, bool verify,
	struct mc_image_reader **ret_reader, struct mc_error *error)
{
	*ret_reader = NULL;
	if (!strcmp(image->status, "deactivated"))
		return mc_error_set(error, EACCES,
			"the image is deactivated, so nobody reads it: `openstack image set --activate %s`", image->id);
	if (strcmp(image->status, "active") != 0)
		return mc_error_set(error, EAGAIN, "the image is not active but %s", image->status);
	struct mc_image_reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return mc_error_set(error, ENOMEM, "out of memory");
	pthread_mutex_init(&reader->lock, NULL);
	reader->glance = mc_glance_ref(glance);
	reader->image.id = strdup(image->id);
	reader->image.size = image->size;
	reader->cached = mc_cached_of(glance->cache, image->hash_algorithm, image->hash, image->size);
	if (verify)
		reader->check = mc_check_of(glance, image);
	if (reader->check && mc_check_state(reader->check) != MC_HASH_OPEN) {
		reader->was_bad = mc_check_state(reader->check) == MC_HASH_BAD;
		reader->own = mc_hash_new(image->hash_algorithm, image->hash, image->size);
		reader->hash = reader->own;
	} else if (reader->check) {
		reader->hash = mc_check_hash(reader->check);
	}
	if (!reader->image.id) {
		mc_image_reader_free(reader);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	*ret_reader = reader;
	return 0;
}

void mc_image_reader_free(struct mc_image_reader *reader)
{
	if (!reader)
		return;
	mc_glance_stream_unref(reader->stream);
	mc_hash_free(reader->own);
	mc_cached_unref(reader->cached);
	mc_check_unref(reader->check);
	mc_image_clear(&reader->image);
	mc_glance_unref(reader->glance);
	pthread_mutex_destroy(&reader->lock);
	free(reader);
}

/* Under the lock: whether a read at OFFSET goes on where another one ended; notes its END. */
static bool is_in_order(struct mc_image_reader *reader, int64_t offset, int64_t end) MC_REQUIRES(reader->lock)
{
	bool is_next = offset == 0 && end >= EAGER, is_near = false;

	for (size_t i = 0; i < LAST_ENDS && offset > 0; i++) {
		is_next |= reader->ends[i] == offset;
		is_near |= reader->ends[i] > 0 && reader->ends[i] <= offset && offset - reader->ends[i] <= NEAR;
	}
	reader->ends[reader->next_end++ % LAST_ENDS] = end;
	reader->near_reads = is_near ? reader->near_reads + 1 : 0;
	return is_next || reader->near_reads >= NEAR_READS;
}

/* Where a stream for a read at OFFSET begins, so that the hash and the copy of the whole can be gone on with, which
 * stand at POSITION (negative: there is none). *RET_JOINS: one of them is. */
static int64_t join_on(const struct mc_image_reader *reader, int64_t offset, int64_t position, bool *ret_joins)
{
	if (position < 0 || position >= reader->image.size || offset - position > WHOLE_REACH)
		return offset;
	*ret_joins = true;
	return position < offset ? position : offset;
}

static int64_t stream_start(const struct mc_image_reader *reader, int64_t offset, bool *ret_joins)
{
	int64_t hash = join_on(reader, offset, reader->hash ? mc_hash_position(reader->hash) : -1, ret_joins);
	int64_t copy = join_on(reader, offset, reader->cached ? mc_cached_filled(reader->cached) : -1, ret_joins);

	return hash < copy ? hash : copy;
}

/* The stream to read from, as a new reference, or NULL: a range request is better. *RET_OLD: one that has had its time,
 * to be dropped outside of the lock. */
static struct mc_glance_stream *choose_stream(
	struct mc_image_reader *reader, int64_t offset, int64_t end, struct mc_glance_stream **ret_old)
{
	struct mc_glance_stream *stream = NULL;
	bool joins = false;

	MC_LOCKED(&reader->lock) {
		bool in_order = is_in_order(reader, offset, end);
		int64_t start = stream_start(reader, offset, &joins);
		if (reader->stream && mc_glance_stream_covers(reader->stream, offset)) {
			stream = mc_glance_stream_ref(reader->stream);
		} else if (in_order && (joins || end < reader->image.size)) {
			*ret_old = mc_steal(&reader->stream);
			/* Without one (too many run) it goes range by range. */
			if (mc_glance_stream_new(reader->glance, &reader->image, start, reader->hash, reader->cached,
				    &reader->stream, NULL) == 0)
				stream = mc_glance_stream_ref(reader->stream);
		}
	}
	return stream;
}

static void end_stream(struct mc_glance_stream *stream)
{
	if (!stream)
		return;
	/* Others that wait in it go on by themselves. */
	mc_glance_stream_stop(stream);
	mc_glance_stream_unref(stream);
}

/* A stream that failed, or was too slow, is no good for the next read. */
static void drop_stream(struct mc_image_reader *reader, struct mc_glance_stream *stream)
{
	struct mc_glance_stream *old = NULL;

	MC_LOCKED(&reader->lock) {
		if (reader->stream == stream)
			old = mc_steal(&reader->stream);
	}
	end_stream(old);
}

static int read_range(struct mc_image_reader *reader, struct mc_call *call, size_t size, int64_t offset,
	struct mc_loan *ret_loan, struct mc_error *error)
{
	void *to = mc_loan_room(ret_loan, size);

	if (!to)
		return mc_error_set(error, ENOMEM, "out of memory");
	int r = mc_glance_range(reader->glance, &reader->image, call, to, size, offset, error);
	if (r == 0 && reader->hash)
		mc_hash_feed(reader->hash, offset, to, size);
	/* An image that is read in one piece has no stream. */
	if (r == 0 && reader->cached && (int64_t)size == reader->image.size)
		mc_cached_fill(reader->cached, offset, to, size);
	return r;
}

bool mc_image_reader_is_proven(struct mc_image_reader *reader)
{
	return !reader->check || mc_check_is_proven(reader->check);
}

/* Feeds HASH, in order, with what it hasn't had, each piece within a deadline of its own. */
static int hash_rest(struct mc_image_reader *reader, struct mc_call *call, struct mc_hash *hash, struct mc_error *error)
{
	const int64_t size = reader->image.size;
	MC_CLEANUP(free_pointer) char *bytes = malloc(REST);
	int64_t at;

	if (!bytes)
		return mc_error_set(error, ENOMEM, "out of memory");
	while ((at = mc_hash_position(hash)) < size && mc_hash_state(hash) == MC_HASH_OPEN) {
		size_t part = size - at < (int64_t)REST ? (size_t)(size - at) : REST;
		mc_call_extend(call, reader->glance->timeout_ms);
		int r = mc_glance_range(reader->glance, &reader->image, call, bytes, part, at, error);
		if (r < 0)
			return r;
		mc_hash_feed(hash, at, bytes, part);
	}
	return 0;
}

/* Content that was wrong when this reader was made may have been put right. Only its first read asks. */
static int recheck(struct mc_image_reader *reader, struct mc_call *call, struct mc_error *error)
{
	mc_mutex_lock(&reader->lock);
	bool is_first = reader->was_bad && reader->own && !reader->rechecked;
	reader->rechecked = true;
	mc_mutex_unlock(&reader->lock);
	if (!is_first)
		return 0;
	int r = hash_rest(reader, call, reader->own, error);
	if (r == 0 && mc_hash_state(reader->own) == MC_HASH_GOOD)
		mc_check_set(reader->check, MC_HASH_GOOD);
	return r;
}

static int wrong_image_hash(struct mc_error *error)
{
	return mc_error_set(error, EIO, "the content of the image is not that of its os_hash_value");
}

/* Whether SIZE bytes at OFFSET, which have come, may be given. */
static int check_read_range(
	struct mc_image_reader *reader, struct mc_call *call, size_t size, int64_t offset, struct mc_error *error)
{
	if (!reader->check)
		return 0;
	if (reader->own && !reader->was_bad && mc_hash_state(reader->own) == MC_HASH_BAD)
		mc_check_set(reader->check, MC_HASH_BAD);
	int r = 0;
	if (mc_check_state(reader->check) == MC_HASH_OPEN && mc_check_give(reader->check, offset, size))
		r = hash_rest(reader, call, mc_check_hash(reader->check), error);
	if (r < 0)
		return mc_error_context(error, "the image's hash can't be told");
	return mc_check_state(reader->check) == MC_HASH_BAD ? wrong_image_hash(error) : 0;
}

/* What is asked for, from a stream or by a request of its own. */
static int fetch(struct mc_image_reader *reader, struct mc_call *call, size_t size, int64_t offset,
	struct mc_loan *ret_loan, struct mc_error *error)
{
	struct mc_glance_stream *old = NULL;
	int r = -ESTALE;

	struct mc_glance_stream *stream = choose_stream(reader, offset, offset + (int64_t)size, &old);
	end_stream(old);
	if (stream) {
		r = mc_glance_stream_read(stream, call, size, offset, ret_loan, error);
		if (r < 0 && r != -ESTALE && r != -EINTR)
			drop_stream(reader, stream);
		mc_glance_stream_unref(stream);
	}
	return r == -ESTALE ? read_range(reader, call, size, offset, ret_loan, error) : r;
}

/* Glance's own bytes, as far as they aren't known to be wrong. */
static int read_from_glance(struct mc_image_reader *reader, struct mc_call *call, size_t size, int64_t offset,
	struct mc_loan *ret_loan, struct mc_error *error)
{
	MC_CLEANUP(loan) struct mc_loan loan = {0};
	int r = 0;

	if (reader->check && mc_check_state(reader->check) == MC_HASH_BAD) {
		r = recheck(reader, call, error);
		if (r == 0 && mc_check_state(reader->check) == MC_HASH_BAD)
			r = wrong_image_hash(error);
	}
	if (r == 0)
		r = fetch(reader, call, size, offset, &loan, error);
	if (r == 0)
		r = check_read_range(reader, call, size, offset, error);
	if (r < 0)
		return r;
	*ret_loan = loan;
	loan = (struct mc_loan){0};
	return 0;
}

/* SIZE, cut off at the end of the image; 0: there is nothing to be read at OFFSET. */
static size_t inside(const struct mc_image_reader *reader, size_t size, int64_t offset)
{
	int64_t left = reader->image.size > offset ? reader->image.size - offset : 0;

	return (int64_t)size < left ? size : (size_t)left;
}

/* SIZE bytes of a copy, which are right whatever Glance has by now. False: there is none, or, with NOW, not in memory.
 */
static bool read_from_copy(
	struct mc_image_reader *reader, size_t size, int64_t offset, bool now, struct mc_loan *ret_loan)
{
	if (!reader->cached || mc_cached_read(reader->cached, size, offset, now, ret_loan) < 0)
		return false;
	if (reader->check)
		mc_check_give_right(reader->check, offset, size);
	atomic_fetch_add(&reader->glance->copied, (int64_t)size);
	atomic_fetch_add(&reader->glance->read, (int64_t)size);
	return true;
}

bool mc_image_reader_read_now(struct mc_image_reader *reader, size_t size, int64_t offset, struct mc_loan *ret_loan)
{
	*ret_loan = (struct mc_loan){0};
	size = inside(reader, size, offset);
	return size == 0 || read_from_copy(reader, size, offset, true, ret_loan);
}

int mc_image_reader_read(struct mc_image_reader *reader, struct mc_call *call, size_t size, int64_t offset,
	struct mc_loan *ret_loan, struct mc_error *error)
{
	*ret_loan = (struct mc_loan){0};
	size = inside(reader, size, offset);
	if (size == 0 || read_from_copy(reader, size, offset, false, ret_loan))
		return 0;
	int r = read_from_glance(reader, call, size, offset, ret_loan, error);
	if (r == 0)
		atomic_fetch_add(&reader->glance->read, (int64_t)size);
	return r;
}
