/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/condemned.h"
#include "backends/openstack/glance/import.h"
#include "backends/openstack/glance/mark.h"
#include "backends/openstack/glance/writer.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int mc_writer_make_image(
	struct mc_glance *glance, struct mc_call *call, const char *name, char **ret_id, struct mc_error *error)
{
	static const char *const path[] = {"images", NULL};
	MC_CLEANUP(json) cJSON *body = cJSON_CreateObject(), *answer = NULL;
	struct mc_image image = {0};
	struct mc_error why = {0};
	char id[MC_UUID_SIZE];

	/* The id is chosen here, so that the image can be found again when the answer is lost. */
	if (mc_random_uuid(id) < 0 || !cJSON_AddStringToObject(body, "id", id) ||
		!cJSON_AddStringToObject(body, "name", name) ||
		!cJSON_AddStringToObject(body, MC_GLANCE_MARK, glance->mark))
		return mc_error_set(error, ENOMEM, "out of memory");
	int r = mc_glance_request(glance, call, "POST", path, NULL, NULL, body, &answer, &why);
	if (r == 0)
		r = mc_image_parse(answer, &image, &why);
	if (r < 0 && error)
		*error = why;
	if (r < 0 && !why.http_status)
		mc_glance_expect_lost(glance, id);
	if (r < 0)
		return r;
	*ret_id = mc_steal(&image.id);
	mc_image_clear(&image);
	return 0;
}

/* The upload's body, in the uploader's thread: waits for bytes; 0: all were sent. */
static ssize_t give_bytes(void *data, void *to, size_t size)
{
	struct mc_image_writer *writer = data;

	mc_mutex_lock(&writer->lock);
	while (writer->sent == writer->end && !writer->closed && !writer->broken)
		pthread_cond_wait(&writer->content, &writer->lock);
	int64_t at = writer->sent % MC_WRITER_RING, part = writer->end - writer->sent;
	bool broken = writer->broken;
	mc_mutex_unlock(&writer->lock);
	if (broken)
		return -ECANCELED;
	part = part < MC_WRITER_RING - at ? part : MC_WRITER_RING - at;
	part = part < (int64_t)size ? part : (int64_t)size;
	if (part == 0)
		return 0;
	/* Nobody writes here before `sent` says so. */
	memcpy(to, writer->ring + at, (size_t)part);
	MC_LOCKED(&writer->lock) {
		writer->sent += part;
		writer->progress = mc_now_ms();
		mc_gate_open(&writer->news);
	}
	return (ssize_t)part;
}

/* Glance takes content only for an image whose formats are known. */
static int set_disk_format(struct mc_image_writer *writer, struct mc_error *error)
{
	if (writer->has_formats)
		return 0;
	size_t size;
	MC_LOCKED(&writer->lock)
		size = (size_t)(writer->end < MC_WRITER_RING ? writer->end : MC_WRITER_RING);
	const char *format = size ? mc_glance_format(writer->ring, size) : "raw";
	MC_LOCKED(&writer->lock)
		writer->format = format;
	MC_CLEANUP(json) cJSON *disk = cJSON_CreateString(writer->disk_format ? writer->disk_format : format);
	MC_CLEANUP(json)
	cJSON *container = cJSON_CreateString(writer->container_format ? writer->container_format : "bare");
	if (!disk || !container)
		return mc_error_set(error, ENOMEM, "out of memory");
	int r = mc_glance_set(writer->glance, writer->call, writer->id, "disk_format", disk, error);
	return r < 0 ? r
		     : mc_glance_set(writer->glance, writer->call, writer->id, "container_format", container, error);
}

int mc_writer_correct_format(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	unsigned char footer[MC_GLANCE_FOOTER_BYTES];
	int64_t end = atomic_load(&writer->end);

	if (writer->disk_format || !writer->format || strcmp(writer->format, "raw") != 0 ||
		end < MC_GLANCE_FOOTER_BYTES)
		return 0;
	for (int64_t i = 0; i < MC_GLANCE_FOOTER_BYTES; i++)
		footer[i] = writer->ring[(end - MC_GLANCE_FOOTER_BYTES + i) % MC_WRITER_RING];
	const char *format = mc_glance_format_by_end(footer, sizeof footer, end);
	if (!format)
		return 0;
	int r = mc_glance_set_format(writer->glance, call, writer->id, "disk_format", format, error);
	/* Where that can't be done, it stays what its beginning made of it. */
	return r == -EPERM ? 0 : r;
}

/* To the image's "file" or "stage". Where it isn't known whether that is taken, it is asked before a byte is sent. */
static int send_content(struct mc_image_writer *writer, const char *to, struct mc_error *error)
{
	const struct mc_openstack_request request = {
		.method = "PUT",
		.path = (const char *const[]){"images", writer->id, to, NULL},
		.content_type = "application/octet-stream",
		.read_body = give_bytes,
		.expects = atomic_load(&writer->glance->way) == MC_GLANCE_WAY_UNKNOWN,
		.data = writer,
	};
	int r = mc_openstack_request(writer->glance->streams, writer->call, &request, NULL, error);

	/* An answer before all was sent is a failure, whatever it says. */
	MC_HOLD(&writer->lock);
	if (r == 0 && !(writer->closed && writer->sent == writer->end))
		r = mc_error_set(error, EIO, "Glance ended the upload before its end");
	return r;
}

/* Whether the way, and not what is sent on it, was refused. */
static bool is_way_refused(int http_status, bool is_stage)
{
	/* By policy; by a proxy in front; by who knows no such request. */
	return http_status == 403 || http_status == 405 || http_status == 501 || (is_stage && http_status == 404);
}

static int send_staged(struct mc_image_writer *writer, struct mc_error *error)
{
	struct mc_error why = {0};
	int r = send_content(writer, "stage", &why);

	if (r == 0)
		return mc_writer_import(writer, error);
	if (is_way_refused(why.http_status, true))
		atomic_store(&writer->glance->way, MC_GLANCE_WAY_UNKNOWN);
	*error = why;
	return r;
}

/* What was sent is to be sent again, if all of it is still in the ring. */
static int take_back(struct mc_image_writer *writer, struct mc_error *error)
{
	MC_HOLD(&writer->lock);
	/* A full one may be written over by a writer that has found room in it. */
	if (writer->sent > 0 && writer->end >= MC_WRITER_RING)
		return mc_error_set(error, EAGAIN,
			"Glance takes content by import only, and said so after %" PRId64 " bytes: write it again",
			writer->sent);
	writer->sent = 0;
	writer->progress = mc_now_ms();
	return 0;
}

static int deliver(struct mc_image_writer *writer, struct mc_error *error)
{
	struct mc_glance *glance = writer->glance;
	struct mc_error refusal = {0};

	if (atomic_load(&glance->way) == MC_GLANCE_WAY_IMPORT)
		return send_staged(writer, error);
	int r = send_content(writer, "file", &refusal);
	if (r == 0) {
		atomic_store(&glance->way, MC_GLANCE_WAY_FILE);
		return 0;
	}
	if (!glance->may_import || !is_way_refused(refusal.http_status, false)) {
		*error = refusal;
		return r;
	}
	r = mc_import_offered(glance, writer->call, &refusal, error);
	if (r < 0)
		return r;
	atomic_store(&glance->way, MC_GLANCE_WAY_IMPORT);
	r = take_back(writer, error);
	return r < 0 ? r : send_staged(writer, error);
}

static void *upload(void *data)
{
	struct mc_image_writer *writer = data;
	struct mc_error error = {0};
	int r = set_disk_format(writer, &error);

	if (r == 0)
		r = deliver(writer, &error);
	MC_LOCKED(&writer->lock) {
		if (r < 0 && writer->result == 0) {
			writer->result = r;
			writer->error = error;
		}
		writer->ended = true;
		mc_gate_open(&writer->news);
	}
	mc_glance_changed(writer->glance);
	return NULL;
}

int mc_writer_start(struct mc_image_writer *writer, struct mc_error *error)
{
	if (writer->has_uploader)
		return 0;
	MC_LOCKED(&writer->lock)
		writer->progress = mc_now_ms();
	if (pthread_create(&writer->uploader, NULL, upload, writer) != 0)
		return mc_error_set(error, EAGAIN, "no thread for the upload");
	writer->has_uploader = true;
	return 0;
}

int mc_writer_compare(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
	unsigned size = 0;
	struct mc_image image = {0};
	int r = mc_glance_look(writer->glance, call, writer->id, &image, NULL, error);

	if (r < 0)
		return r;
	if (EVP_DigestFinal_ex(writer->hash, digest, &size) == 1)
		mc_hash_hex(digest, size, hex);
	if (strcmp(image.status, "active") != 0)
		r = mc_error_set(error, EIO, "after the upload the image is not active but %s", image.status);
	else if (image.size != writer->end)
		r = mc_error_set(error, EIO, "Glance has stored %" PRId64 " bytes of %" PRId64, image.size,
			(int64_t)writer->end);
	else if (!strcmp(image.hash_algorithm, MC_WRITER_HASH) && strcmp(image.hash, hex) != 0)
		r = mc_error_set(
			error, EIO, "Glance has stored other bytes than were written: os_hash_value is another");
	mc_image_clear(&image);
	return r;
}

int mc_writer_unmark(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	struct mc_glance_edit edits[2] = {{MC_GLANCE_MARK, NULL}, {MC_GLANCE_COPIED, NULL}};

	mc_mutex_lock(&writer->glance->lock);
	MC_CLEANUP(json) cJSON *copied = *writer->copied ? cJSON_CreateString(writer->copied) : NULL;
	mc_mutex_unlock(&writer->glance->lock);
	edits[1].value = copied;
	return mc_glance_edit(writer->glance, call, writer->id, edits, copied ? 2 : 1, error);
}
