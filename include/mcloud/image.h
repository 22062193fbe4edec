/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_IMAGE_H
#define MCLOUD_IMAGE_H

#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/identity.h"
#include "mcloud/image_cache.h"
#include "mcloud/loan.h"
#include "mcloud/reach.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* The Image API v2 of one region's Glance. Safe in any thread; reference counted.
 * https://docs.openstack.org/api-ref/image/v2/ */
struct mc_glance;

/* What is known of a Glance besides its API. */
struct mc_glance_behind {
	/* Sets ATTRIBUTE, disk_format or container_format, of image ID, which has its content, to VALUE, which Glance
	 * knows: its API never does that. NULL: there is no such way. */
	int (*set_format)(void *data, struct mc_call *call, const char *id, const char *attribute, const char *value,
		struct mc_error *error);
	/* The way that the bytes of images take for now, in *RET; false: as all the rest. NULL: always so. */
	bool (*shortcut)(void *data, struct mc_shortcut *ret);
	void (*free_data)(void *data); /* with the glance; may be NULL */
	void *data;
};

struct mc_glance_options {
	const char *service; /* "glance-Kista" */
	const char *url;     /* "http://127.77.1.1:9292", without /v2 unless reach.has_version */
	struct mc_reach reach;
	struct mc_keystone *keystone; /* where its tokens come from; a reference is taken */
	struct mc_journal *journal;
	struct mc_image_cache *cache; /* where copies of contents are kept, outliving the glance; NULL: nowhere */
	int ttl_ms;
	bool may_import; /* where content isn't taken by PUT, it is staged, and imported by "glance-direct" */
	int timeout_ms;  /* how long an upload may stand still, and a clean-up may take; 0: 10 s */
	struct mc_glance_behind behind; /* its data is the glance's, also when mc_glance_new() fails */
};

/* One image as listed. `name` is its id where it has none. `upload` tells whose unfinished upload it is; NULL: of no
 * mcloudfs. */
struct mc_image {
	char *id, *name, *status, *visibility, *disk_format, *hash_algorithm, *hash, *upload;
	int64_t size; /* 0 before it has its content; of an upload of this process: what has been written */
	double created, updated;
	double copied; /* when the file that it was copied from was changed; 0: not known */
	bool is_protected;
};

struct mc_image_list {
	struct mc_image *items;
	size_t count;
};

struct mc_glance *mc_glance_new(const struct mc_glance_options *options);
struct mc_glance *mc_glance_ref(struct mc_glance *glance);
void mc_glance_unref(struct mc_glance *glance);
MC_DEFINE_CLEANUP(glance, struct mc_glance *, mc_glance_unref);

/* What went through this process since the glance was made, and, as it was last listed, what Glance has. From memory.
 */
struct mc_glance_counts {
	int64_t read, written; /* bytes of images */
	int64_t copied;        /* of those read: from copies, without asking Glance */
	bool is_listed;
	int64_t images, bytes;
};
void mc_glance_counts(struct mc_glance *glance, struct mc_glance_counts *ret_counts);

/* All images that the login may see, other projects' community images among them, oldest first, the hidden ones behind
 * the others, through all pages. For half of ttl_ms, mc_glance_find() answers from
 * it; the kernel may keep that answer for the other half. */
int mc_glance_list(
	struct mc_glance *glance, struct mc_call *call, struct mc_image_list *ret_list, struct mc_error *error);
void mc_image_list_clear(struct mc_image_list *list);
void mc_image_clear(struct mc_image *image);

/* The oldest image of exactly that NAME (an image without a name: of that id), one that isn't hidden first, without
 * listing all. -ENOENT: none. */
int mc_glance_find(struct mc_glance *glance, struct mc_call *call, const char *name, struct mc_image *ret_image,
	struct mc_error *error);
/* Image ID, also one that is hidden from lists; with all its attributes in *RET_JSON (may be NULL). */
int mc_glance_look(struct mc_glance *glance, struct mc_call *call, const char *id, struct mc_image *ret_image,
	cJSON **ret_json, struct mc_error *error);
/* The same without its attributes; of an active image it may be half of ttl_ms old. */
int mc_glance_recall(struct mc_glance *glance, struct mc_call *call, const char *id, struct mc_image *ret_image,
	struct mc_error *error);
/* The same from the list, or an answer, of half of ttl_ms ago at most: nobody is asked. -EAGAIN: it isn't known. */
int mc_glance_remembered(struct mc_glance *glance, const char *id, struct mc_image *ret_image);
/* Sets attribute or property NAME of an image to VALUE; NULL: removes the property. -EPERM: it can't be changed. */
int mc_glance_set(struct mc_glance *glance, struct mc_call *call, const char *id, const char *name, const cJSON *value,
	struct mc_error *error);
/* Gives property NAME, which has VALUE, the name NEW_NAME, in place of another one that may have it, in one step.
 * -ENOENT: there is no property NAME any more. */
int mc_glance_rename_property(struct mc_glance *glance, struct mc_call *call, const char *id, const char *name,
	const char *new_name, const char *value, struct mc_error *error);
/* Sets disk_format or container_format (ATTRIBUTE): by Glance while the image is queued, behind it afterwards. -EINVAL:
 * Glance knows no such format; -EPERM: it can't be changed any more; -EBUSY: the content is on its way. */
int mc_glance_set_format(struct mc_glance *glance, struct mc_call *call, const char *id, const char *attribute,
	const char *value, struct mc_error *error);
/* Several of that in one request, all or nothing. */
struct mc_glance_edit {
	const char *name;
	const cJSON *value;
};
int mc_glance_edit(struct mc_glance *glance, struct mc_call *call, const char *id, const struct mc_glance_edit *edits,
	size_t count, struct mc_error *error);
/* -EPERM while the image is protected. */
int mc_glance_delete(struct mc_glance *glance, struct mc_call *call, const char *id, struct mc_error *error);
/* Image ID is to go, and isn't shown any more: it is deleted at the next opportunity. Asks nobody. */
void mc_glance_condemn(struct mc_glance *glance, const char *id);
/* Whether NAME is an attribute that every image has, as opposed to a property of this one; it is no business of the
 * user's where it is mcloudfs's own mark of an upload or note of a copied file's time, or Glance's own of an import. */
bool mc_glance_is_property(const char *name);

/* Deletes what uploads of daemons that are no more have left behind, and what this one could not delete when it failed.
 * To be called when the service has come up. */
int mc_glance_sweep(struct mc_glance *glance, struct mc_call *call, struct mc_error *error);

/* Tags: https://docs.openstack.org/api-ref/image/v2/#image-tags. ADD false: removes it, -ENOENT if it isn't there. */
int mc_glance_tag(struct mc_glance *glance, struct mc_call *call, const char *id, const char *tag, bool add,
	struct mc_error *error);

/* Members, the projects that an image is shared with: https://docs.openstack.org/api-ref/image/v2/#sharing. All:
 * -ENOENT: there is no such image or member; -EACCES: it is another project's, or not a shared one. */

/* Each member's id and status (pending, accepted, rejected) of IMAGE, whose visibility tells whether it can have some.
 * ON_MEMBER gives 0, or -errno to break it off. */
int mc_glance_members(struct mc_glance *glance, struct mc_call *call, const struct mc_image *image,
	int (*on_member)(void *data, const char *project, const char *status), void *data, struct mc_error *error);
/* -EEXIST: it is one. */
int mc_glance_member_add(
	struct mc_glance *glance, struct mc_call *call, const char *id, const char *project, struct mc_error *error);
int mc_glance_member_remove(
	struct mc_glance *glance, struct mc_call *call, const char *id, const char *project, struct mc_error *error);
/* Adds the status to OUT. */
int mc_glance_member_status(struct mc_glance *glance, struct mc_call *call, const char *id, const char *project,
	struct mc_buffer *out, struct mc_error *error);
/* -EINVAL: there is no such status. */
int mc_glance_member_set_status(struct mc_glance *glance, struct mc_call *call, const char *id, const char *project,
	const char *status, struct mc_error *error);

/* Reading: any offsets in any order; from a verified copy where there is one, and where not, sequential reads come from
 * one running request with read-ahead, which makes the copy, others are range requests on kept connections. VERIFY: the
 * content is compared with its hash as soon as all readers of the image together have got all of it, before the last
 * piece is given; from then on, where it differs, each read is -EIO, until a reader that is made later finds another
 * content. One reader serves one open file; its read may be called by several threads. */
struct mc_image_reader;
int mc_image_reader_new(struct mc_glance *glance, const struct mc_image *image, bool verify,
	struct mc_image_reader **ret_reader, struct mc_error *error);
/* Up to SIZE bytes at OFFSET; fewer only at the end of the image, none behind it. They are lent: to be returned soon,
 * as the stream stops before it would write over them, and before the reader is freed. */
int mc_image_reader_read(struct mc_image_reader *reader, struct mc_call *call, size_t size, int64_t offset,
	struct mc_loan *ret_loan, struct mc_error *error);
/* The same where a copy has it in memory; false: it is to be asked by the former. Doesn't wait. */
bool mc_image_reader_read_now(struct mc_image_reader *reader, size_t size, int64_t offset, struct mc_loan *ret_loan);
/* Whether what is read is known to be right, or isn't to be verified: then somebody may keep it for others. */
bool mc_image_reader_is_proven(struct mc_image_reader *reader);
void mc_image_reader_free(struct mc_image_reader *reader);

/* Writing: an image NAME is made at once, in the state `queued` and marked as an upload of this process; its bytes are
 * streamed as they are written, with bounded memory, as soon as the first of them tell the disk format; the mark goes
 * away when all is well. */
struct mc_image_writer;
int mc_image_writer_new(struct mc_glance *glance, struct mc_call *call, const char *name,
	struct mc_image_writer **ret_writer, struct mc_error *error);
/* The formats that the image gets whatever its content looks like; before anything is written. Copied; NULL: by the
 * content, "bare". */
int mc_image_writer_set_formats(
	struct mc_image_writer *writer, const char *disk, const char *container, struct mc_error *error);
/* The image's id; lives as long as the writer. */
const char *mc_image_writer_id(const struct mc_image_writer *writer);
/* The bytes at OFFSET; what lies between the end of what was written and OFFSET becomes zeros. -ESPIPE when OFFSET is
 * before that end, -EPERM after _finish. Waits while the memory is full and Glance takes bytes, whatever the call's
 * deadline; -ETIMEDOUT when it takes none. */
ssize_t mc_image_writer_write(struct mc_image_writer *writer, struct mc_call *call, const void *bytes, size_t size,
	int64_t offset, struct mc_error *error);
/* How much was written, and the size that was asked for by mc_glance_resize(), whichever is more. */
int64_t mc_image_writer_size(const struct mc_image_writer *writer);
/* Nothing was written and no size asked for: the image stays, queued, to be written by who opens it next. */
int mc_image_writer_leave(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error);
/* Ends the upload and waits until Glance has stored it and its hash is that of what was written. On failure no image is
 * left. Called again, it says again how it went. */
int mc_image_writer_finish(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error);
/* Whether what was written is a preparation only: a few zeros of an image whose size, asked for by mc_glance_resize(),
 * is more. qemu-img makes a file so, closes it, and opens it again to write from its beginning. Then the writer is the
 * glance's: who opens the image for writing gets it by _resume, and nobody may be the end of it. */
bool mc_image_writer_park(struct mc_image_writer *writer);
/* The parked writer of image ID, with nothing written; NULL: there is none. */
struct mc_image_writer *mc_image_writer_resume(struct mc_glance *glance, const char *id);
/* An upload that isn't finished is broken off, and its image deleted. By whoever has the writer to himself. */
void mc_image_writer_give_up(struct mc_image_writer *writer);
/* Frees, and asks nobody: what was neither finished nor given up is broken off, isn't shown any more, and goes when the
 * images are listed next, or, if the glance goes before, when the region's are swept. */
void mc_image_writer_free(struct mc_image_writer *writer);

/* A writer of image ID, which is queued: a parked one, or a new one for an image that was made and never written.
 * -EPERM: it has content; -EBUSY: it is being written. */
int mc_image_writer_open(struct mc_glance *glance, struct mc_call *call, const char *id,
	struct mc_image_writer **ret_writer, struct mc_error *error);

/* Image ID is the copy of a file of that time: the image keeps it. */
int mc_glance_copied(struct mc_glance *glance, struct mc_call *call, const char *id, const struct timespec *mtime,
	struct mc_error *error);

/* ftruncate(2) of image ID while it is written: it gets zeros up to SIZE at the end, if less was written by then.
 * -EPERM: it isn't being written by this process, or has more bytes already. */
int mc_glance_resize(struct mc_glance *glance, const char *id, int64_t size, struct mc_error *error);

/* A copy of image ID of FROM's region, called REGION in TO's catalogue, for TO's region. */
struct mc_image_copy {
	struct mc_glance *from, *to;
	const char *id, *region;
	/* What happens: DONE bytes of SIZE have arrived, as far as that is known. In the thread of the copy. */
	void (*report)(void *data, int64_t done, int64_t size, const char *text);
	void *data;
};

/* Makes COPY, with its name, formats, tags and properties: TO's Glance fetches it by itself, or, where it can't, it is
 * streamed through this process. It is compared with the image by size and hash; on failure none is left. CALL's
 * deadline, if it has one, is put off with each step. *RET_ID: the copy's. -EEXIST: there is an image of that name
 * already; -EAGAIN: the image isn't active. */
int mc_glance_copy(const struct mc_image_copy *copy, struct mc_call *call, char **ret_id, struct mc_error *error);

#endif
