/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_GLANCE_GLANCE_H
#define BACKENDS_OPENSTACK_GLANCE_GLANCE_H

#include "backends/base/gate.h"
#include "backends/base/hash.h"
#include "backends/openstack/glance/mark.h"
#include "backends/openstack/service.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the files of the Glance backend share. */

/* The property that keeps the time of the file that an image was copied from: "SECONDS.NANOSECONDS" since 1970. */
#define MC_GLANCE_COPIED "mcloudfs_mtime"

/* Bytes that tell every format that mc_glance_format() knows. */
#define MC_GLANCE_FORMAT_BYTES 32774

/* Bytes that tell every format that mc_glance_format_by_end() knows. */
#define MC_GLANCE_FOOTER_BYTES 512

/* Streams at once, of all readers; readers that find no place ask range by range. */
#define MC_GLANCE_STREAMS 48

/* How many images are remembered that were asked for lately, one by one. */
#define MC_GLANCE_RECENT 16

/* An image as it was said to be, good for a while if nothing is changed meanwhile. */
struct mc_glance_recent {
	struct mc_image image;
	int64_t until; /* by mc_now_ms() */
	uint64_t changes;
};

/* An image that should be gone but could not be deleted yet. */
struct mc_glance_condemned {
	char *id;
	int64_t awaited; /* it may still be made until then, by mc_now_ms(): that it isn't there says nothing before */
};

/* How Glance takes content: as yet nobody knows, PUT to the image's file, or staged and imported. */
enum mc_glance_way { MC_GLANCE_WAY_UNKNOWN, MC_GLANCE_WAY_FILE, MC_GLANCE_WAY_IMPORT };

struct mc_glance {
	atomic_uint references;
	struct mc_openstack *api;     /* what is asked about images; these are constant */
	struct mc_openstack *ranges;  /* random reads: kept connections */
	struct mc_openstack *streams; /* whole transfers: each holds a connection for long */
	int ttl_ms, timeout_ms;
	bool may_import;
	char mark[MC_GLANCE_MARK_MAX + 1];
	struct mc_glance_behind behind;
	struct mc_image_cache *cache; /* may be NULL */

	_Atomic enum mc_glance_way way; /* how content was taken last */
	_Atomic int64_t read, written;  /* bytes of images */
	_Atomic int64_t copied;         /* of those read: from copies */

	mc_mutex lock; /* guards what follows; taken last, never held across I/O */
	struct mc_image_list cached;
	int64_t cached_until;         /* by mc_now_ms(); 0: nothing is kept */
	struct mc_glance_counts last; /* of the last list; without the bytes that were read and written */
	struct mc_image_list hidden;  /* good until then, if nothing was changed since */
	int64_t hidden_until;
	uint64_t hidden_changes;
	uint64_t changes; /* made through this object: a list that was begun before one isn't kept */
	struct mc_glance_recent recent[MC_GLANCE_RECENT]; /* a ring */
	unsigned next_recent;
	struct mc_image_writer *writers; /* those whose image exists */
	struct mc_check *checks;         /* of images that are read, or were read whole */
	struct mc_glance_condemned *condemned;
	size_t n_condemned;
	unsigned n_streams;
};

/* request.c */

/* A request below /v2, as by mc_openstack_request(); what isn't a GET changes something. CONTENT_TYPE of the body: NULL
 * is application/json. */
int mc_glance_request(struct mc_glance *glance, struct mc_call *call, const char *method, const char *const *path,
	const char *const *query, const char *content_type, const cJSON *body, cJSON **ret_answer,
	struct mc_error *error);

/* Something was changed through this object: no list from before is shown any more. */
void mc_glance_changed(struct mc_glance *glance);

/* The sentence of a service's error answer (JSON, HTML or plain text) as one line in TEXT; empty when it has none. */
void mc_glance_message(const char *body, size_t body_size, char *text, size_t size);

/* What is Glance's own of its answers. */
extern const struct mc_openstack_api mc_glance_api;

/* image.c */

/* Whether ID may be an image's. */
bool mc_image_is_id(const char *id);
/* 0 or -ENOMEM. */
int mc_image_copy(const struct mc_image *from, struct mc_image *to);
/* One image of an answer. -EIO with ERROR: it isn't one. */
int mc_image_parse(const cJSON *json, struct mc_image *ret_image, struct mc_error *error);

/* list.c */

/* One page: adds its images to LIST; *RET_MORE: there is another one, behind the last of them. */
int mc_glance_parse_page(const cJSON *page, struct mc_image_list *list, bool *ret_more, struct mc_error *error);

/* format.c: the disk_format of content that begins with these bytes. */
const char *mc_glance_format(const void *bytes, size_t size);
/* The same of raw content of TOTAL bytes that ends with these; NULL: its end says nothing. */
const char *mc_glance_format_by_end(const void *bytes, size_t size, int64_t total);

/* write.c. Breaks off the writers that are parked. The glance has one reference, the caller's. */
void mc_glance_free_parked(struct mc_glance *glance);

/* check.c: what is known of IMAGE's content; a reference. NULL: nothing can be said, or out of memory. */
struct mc_check;
struct mc_check *mc_check_of(struct mc_glance *glance, const struct mc_image *image);
/* Takes NULL. */
void mc_check_unref(struct mc_check *check);
/* The glance goes, and nobody reads. */
void mc_checks_free(struct mc_glance *glance);
/* The hash by which it comes to be known; its readers feed it together. */
struct mc_hash *mc_check_hash(struct mc_check *check);
enum mc_hash_state mc_check_state(struct mc_check *check);
/* It was found in another way. */
void mc_check_set(struct mc_check *check, enum mc_hash_state state);
/* SIZE bytes at OFFSET of Glance's are about to be given to somebody. Whether all of the image has been given then. */
bool mc_check_give(struct mc_check *check, int64_t offset, size_t size);
/* The same of bytes that are known to be right, whatever Glance has. */
void mc_check_give_right(struct mc_check *check, int64_t offset, size_t size);
/* Whether all that has been given, and lies in the kernel's pages, is known to be right. */
bool mc_check_is_proven(struct mc_check *check);

/* range.c: SIZE bytes at OFFSET of image ID, all inside it, by range requests. */
int mc_glance_range(struct mc_glance *glance, const struct mc_image *image, struct mc_call *call, void *to, size_t size,
	int64_t offset, struct mc_error *error);

/* What an answer with (part of) the content holds: checks its status and Content-Range. *RET_SKIP: so many bytes of it
 * come before OFFSET. */
int mc_glance_check_content(const struct mc_image *image, int64_t offset, const struct mc_http_response *response,
	int64_t *ret_skip, struct mc_error *error);
/* "bytes 0-4/10"; total -1: "*". */
bool mc_glance_parse_content_range(const char *text, int64_t *ret_first, int64_t *ret_last, int64_t *ret_total);

/* stream.c: the content from START on, as one running request with read-ahead, in a ring of 8 MiB. Reference
 * counted. */
struct mc_glance_stream;

/* IMAGE outlives the stream, as do HASH and CACHED (may be NULL), which take all that comes. */
struct mc_cached;
int mc_glance_stream_new(struct mc_glance *glance, const struct mc_image *image, int64_t start, struct mc_hash *hash,
	struct mc_cached *cached, struct mc_glance_stream **ret_stream, struct mc_error *error);
struct mc_glance_stream *mc_glance_stream_ref(struct mc_glance_stream *stream);
/* The last reference ends it and waits for its threads. */
void mc_glance_stream_unref(struct mc_glance_stream *stream);
/* Ends the request; whoever waits for bytes is told -ESTALE. */
void mc_glance_stream_stop(struct mc_glance_stream *stream);
/* Whether it is or will soon be at OFFSET. */
bool mc_glance_stream_covers(struct mc_glance_stream *stream, int64_t offset);
/* All of SIZE bytes at OFFSET, which end inside the image, lent from the ring: the stream does not write over them
 * before they are given back. -ESTALE: not from this stream. */
int mc_glance_stream_read(struct mc_glance_stream *stream, struct mc_call *call, size_t size, int64_t offset,
	struct mc_loan *ret_loan, struct mc_error *error);

#endif
