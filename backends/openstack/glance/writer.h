/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_GLANCE_WRITER_H
#define BACKENDS_OPENSTACK_GLANCE_WRITER_H

#include "backends/openstack/glance/glance.h"
#include "mcloud/lock.h"

#include <openssl/evp.h>

/* The two sides of an upload: write.c takes what is written, upload.c talks to Glance. Nothing else
 * includes it. */

/* Written bytes lie here until Glance takes them. */
#define MC_WRITER_RING ((int64_t)2 << 20)

/* The hash that Glance makes of new images by default (hashing_algorithm); with another, only the size can be compared.
 */
#define MC_WRITER_HASH "sha512"

/* "SECONDS.NANOSECONDS" */
#define MC_WRITER_COPIED 48

/* An upload: the writing threads put bytes into the ring, the uploader's thread sends them. It is told to Glance's list
 * of writers as long as its image is not done, for its size. */
struct mc_image_writer {
	struct mc_image_writer *next; /* under the glance's lock, */
	bool parked;                  /* as is this: nobody has it open, and it has no reference of the glance */
	struct mc_glance *glance;     /* these are constant */
	char *id;
	struct mc_call *call; /* of the upload; cancelled to break it off */
	bool has_formats;     /* of the image: they are its user's choice */

	/* Owned by whoever is `busy`. */
	EVP_MD_CTX *hash;
	pthread_t uploader;
	bool has_uploader;
	char *disk_format, *container_format; /* what the image is to have, whatever its content; NULL: not said */

	_Atomic int64_t declared; /* size that ftruncate(2) asked for */
	_Atomic int64_t end;      /* what was written; grows under the lock */

	mc_mutex lock;          /* guards what follows; taken last */
	pthread_cond_t content; /* the uploader waits: `end` has grown, or closed or broken */
	struct mc_gate news;    /* writers wait: `sent` has grown, not busy any more, or ended */
	bool busy;              /* one write, or the finish, at a time */
	bool closed;            /* nothing more will be written */
	bool broken;            /* to be broken off */
	bool ended;             /* the uploader has */
	bool finished;          /* all is done, `result` and `error` tell how */
	int64_t sent, progress; /* bytes taken by the uploader; mc_now_ms() when it took some */
	unsigned char *ring;    /* set once, by the first write */
	const char *format;     /* what Glance was told of the content by its beginning; NULL: nothing yet */
	int result;             /* why it can't go on, or 0 */
	struct mc_error error;
	char copied[MC_WRITER_COPIED]; /* what the image keeps as MC_GLANCE_COPIED; "": nothing */
};

/* A writer without an image; NULL: out of memory. */
struct mc_image_writer *mc_writer_new(struct mc_glance *glance);
/* Frees one that has no upload, and whose image is none of its business. Takes NULL. */
void mc_writer_discharge(struct mc_image_writer *writer);
/* With the turn, or before anybody knows it: it is over; R and ERROR tell how. On failure the image goes. */
void mc_writer_conclude(struct mc_image_writer *writer, int r, const struct mc_error *error);
/* Makes the image, without content and format, with the mark of an upload. */
int mc_writer_make_image(
	struct mc_glance *glance, struct mc_call *call, const char *name, char **ret_id, struct mc_error *error);

/* With the turn: starts the uploader's thread, if it doesn't run; it tells the format by what is in the ring. */
int mc_writer_start(struct mc_image_writer *writer, struct mc_error *error);

/* With the turn, after all was stored: corrects the format where the end of the content tells another one. */
int mc_writer_correct_format(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error);

/* With the turn, after all was sent: whether Glance has what was written. */
int mc_writer_compare(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error);

/* Takes the mark of an upload from its image, which keeps what it is to keep. */
int mc_writer_unmark(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error);

#endif
