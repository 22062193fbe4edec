/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/condemned.h"
#include "backends/openstack/glance/import.h"
#include "backends/openstack/glance/writer.h"

#include "mcloud/util.h"

#include <inttypes.h>
#include <string.h>

/* An image of one region's Glance made again in another's: that one fetches it by itself, or, where it can't, the bytes
 * go through here. https://docs.openstack.org/glance/latest/admin/interoperable-image-import.html, "glance-download" */

/* Nobody tells how an import goes; it is asked so often. */
#define POLL_MS 250

/* Each step may take so long. */
#define STEP_MS 60000

#define BLOCK ((size_t)1 << 20)

/* What takes longer tells so often how far it is. */
#define TELL_MS 2000

struct copying {
	const struct mc_image_copy *copy;
	struct mc_call *call;
	struct mc_image image;
	cJSON *attributes;
	int64_t told; /* mc_now_ms() of the last report */
};

static const char fetches[] = "the region's Glance fetches it by itself";

static void report_bytes_done(struct copying *copying, int64_t done, const char *text)
{
	copying->told = mc_now_ms();
	copying->copy->report(copying->copy->data, done, copying->image.size, text);
}

static int add_strings(cJSON *object, const char *const *pairs, struct mc_error *error)
{
	for (; object && pairs[0]; pairs += 2)
		if (!cJSON_AddStringToObject(object, pairs[0], pairs[1]))
			object = NULL;
	return object ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

static int ask_import(struct copying *copying, const char *id, struct mc_error *error)
{
	const struct mc_image_copy *copy = copying->copy;
	const char *const path[] = {"images", id, "import", NULL};
	const char *const pairs[] = {"name", "glance-download", "glance_region", copy->region, "glance_image_id",
		copy->id, "glance_service_interface", "internal", NULL};
	MC_CLEANUP(json) cJSON *body = cJSON_CreateObject();
	int r = add_strings(cJSON_AddObjectToObject(body, "method"), pairs, error);

	return r < 0 ? r : mc_glance_request(copy->to, copying->call, "POST", path, NULL, NULL, body, NULL, error);
}

/* 1: it goes on, 0: it has succeeded, or why it failed. */
static int look_at_import(struct copying *copying, const char *id, struct mc_error *error)
{
	struct mc_import_task task;
	int r = mc_import_task(copying->copy->to, copying->call, id, &task, error);

	if (r < 0)
		return r;
	if (!*task.status)
		return mc_error_set(error, EIO, "it says nothing of its import");
	if (!strcmp(task.status, "success"))
		return 0;
	if (!strcmp(task.status, "failure"))
		return mc_error_set(error, EIO, "its import failed: %s", *task.message ? task.message : "no reason");
	return 1;
}

static int await_import(struct copying *copying, const char *id, struct mc_error *error)
{
	int64_t until = mc_now_ms() + MC_IMPORT_MS + copying->image.size / MC_IMPORT_SLOW_BYTES_PER_MS;
	int r;

	while ((r = look_at_import(copying, id, error)) == 1) {
		if (mc_now_ms() > until)
			return mc_error_set(error, ETIMEDOUT, "its import does not end");
		r = mc_call_pause(copying->call, POLL_MS);
		if (r < 0)
			return mc_error_set(error, -r, "the copy was broken off");
		mc_call_extend(copying->call, STEP_MS);
		if (mc_now_ms() - copying->told >= TELL_MS)
			report_bytes_done(copying, 0, fetches);
	}
	return r;
}

/* Whether the copy has what the image has. */
static int compare_copy(struct copying *copying, const char *id, struct mc_error *error)
{
	const struct mc_image *image = &copying->image;
	struct mc_image made = {0};
	int r = mc_glance_look(copying->copy->to, copying->call, id, &made, NULL, error);

	if (r < 0)
		return r;
	if (strcmp(made.status, "active") != 0)
		r = mc_error_set(error, EIO, "the copy is not active but %s", made.status);
	else if (made.size != image->size)
		r = mc_error_set(
			error, EIO, "the copy has %" PRId64 " bytes of %" PRId64, made.size, (int64_t)image->size);
	else if (*image->hash && !strcmp(made.hash_algorithm, image->hash_algorithm) &&
		 strcmp(made.hash, image->hash) != 0)
		r = mc_error_set(error, EIO, "the copy differs from its image: os_hash_value is another");
	mc_image_clear(&made);
	return r;
}

static bool is_wanted(const cJSON *item)
{
	static const struct {
		const char *name, *usual;
	} attributes[] = {{"min_disk", "0"}, {"min_ram", "0"}, {"visibility", "\"shared\""}, {"tags", "[]"}};
	MC_CLEANUP(free_pointer) char *text = cJSON_PrintUnformatted(item);

	for (size_t i = 0; i < MC_COUNT(attributes); i++)
		if (!strcmp(item->string, attributes[i].name))
			return !text || strcmp(text, attributes[i].usual) != 0;
	/* An image without a name was called by its id until now, which is not the copy's. */
	if (!strcmp(item->string, "name"))
		return cJSON_IsNull(item);
	return cJSON_IsString(item) && mc_glance_is_property(item->string);
}

/* What belongs to an image beside its bytes, its name and its formats. Not whether it is protected: a copy is its
 * owner's to delete. */
static int give_attributes(struct copying *copying, const char *id, struct mc_error *error)
{
	const cJSON *item;
	int r = 0;

	cJSON_ArrayForEach(item, copying->attributes)
	{
		mc_call_extend(copying->call, STEP_MS);
		if (r == 0 && is_wanted(item))
			r = mc_glance_set(copying->copy->to, copying->call, id, item->string, item, error);
	}
	return r;
}

static const char *format_of(const struct copying *copying, const char *attribute)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(copying->attributes, attribute));
}

static int set_formats(struct copying *copying, const char *id, struct mc_error *error)
{
	static const char *const formats[] = {"disk_format", "container_format"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < MC_COUNT(formats); i++) {
		const cJSON *format = cJSON_GetObjectItemCaseSensitive(copying->attributes, formats[i]);
		if (cJSON_IsString(format))
			r = mc_glance_set(copying->copy->to, copying->call, id, formats[i], format, error);
	}
	return r;
}

static int import(struct copying *copying, char **ret_id, struct mc_error *error)
{
	struct mc_glance *to = copying->copy->to;
	MC_CLEANUP(free_pointer) char *id = NULL;
	int r = mc_writer_make_image(to, copying->call, copying->image.name, &id, error);

	if (r < 0)
		return r;
	r = set_formats(copying, id, error);
	if (r == 0)
		r = ask_import(copying, id, error);
	if (r == 0) {
		report_bytes_done(copying, 0, fetches);
		r = await_import(copying, id, error);
	}
	if (r == 0)
		r = compare_copy(copying, id, error);
	if (r == 0)
		r = give_attributes(copying, id, error);
	if (r == 0)
		r = mc_glance_set(to, copying->call, id, MC_GLANCE_MARK, NULL, error);
	if (r < 0)
		mc_glance_discard(to, id);
	else
		*ret_id = mc_steal(&id);
	return r;
}

static int write_loan(struct copying *copying, struct mc_image_writer *writer, const struct mc_loan *loan,
	int64_t offset, struct mc_error *error)
{
	for (int i = 0; i < loan->count; offset += (int64_t)loan->parts[i++].iov_len) {
		ssize_t n = mc_image_writer_write(
			writer, copying->call, loan->parts[i].iov_base, loan->parts[i].iov_len, offset, error);
		if (n < 0)
			return (int)n;
	}
	return 0;
}

static int pump(
	struct copying *copying, struct mc_image_reader *reader, struct mc_image_writer *writer, struct mc_error *error)
{
	const int64_t size = copying->image.size;
	int tenths = 0;

	for (int64_t at = 0; at < size;) {
		MC_CLEANUP(loan) struct mc_loan loan = {0};
		mc_call_extend(copying->call, STEP_MS);
		int r = mc_image_reader_read(reader, copying->call, BLOCK, at, &loan, error);
		if (r == 0)
			r = write_loan(copying, writer, &loan, at, error);
		if (r < 0)
			return r;
		at += (int64_t)mc_loan_size(&loan);
		bool is_due = at < size && mc_now_ms() - copying->told >= TELL_MS;
		for (; at < size && at / (size / 10 + 1) > tenths; tenths++)
			is_due = true;
		if (is_due)
			report_bytes_done(copying, at, "on its way");
	}
	mc_call_extend(copying->call, STEP_MS);
	return mc_image_writer_finish(writer, copying->call, error);
}

static int stream(struct copying *copying, char **ret_id, struct mc_error *error)
{
	struct mc_image_reader *reader = NULL;
	struct mc_image_writer *writer = NULL;
	struct mc_glance *to = copying->copy->to;
	int r = mc_image_reader_new(copying->copy->from, &copying->image, true, &reader, error);

	if (r == 0)
		r = mc_image_writer_new(to, copying->call, copying->image.name, &writer, error);
	if (r == 0)
		r = mc_image_writer_set_formats(
			writer, format_of(copying, "disk_format"), format_of(copying, "container_format"), error);
	if (r == 0)
		r = pump(copying, reader, writer, error);
	MC_CLEANUP(free_pointer) char *id = r == 0 ? strdup(mc_image_writer_id(writer)) : NULL;
	if (r == 0 && !id)
		r = mc_error_set(error, ENOMEM, "out of memory");
	if (r < 0 && writer)
		mc_image_writer_give_up(writer);
	mc_image_writer_free(writer);
	mc_image_reader_free(reader);
	if (r < 0)
		return r;
	r = compare_copy(copying, id, error);
	if (r == 0)
		r = give_attributes(copying, id, error);
	if (r < 0)
		mc_glance_discard(to, id);
	else
		*ret_id = mc_steal(&id);
	return r;
}

/* What is there, and whether there is a place for it. */
static int prepare_image_copy(struct copying *copying, struct mc_error *error)
{
	const struct mc_image_copy *copy = copying->copy;
	struct mc_image other = {0};
	int r = mc_glance_look(copy->from, copying->call, copy->id, &copying->image, &copying->attributes, error);

	if (r == 0 && strcmp(copying->image.status, "active") != 0)
		r = mc_error_set(error, EAGAIN, "the image is not active but %s", copying->image.status);
	if (r < 0)
		return r;
	r = mc_glance_find(copy->to, copying->call, copying->image.name, &other, error);
	mc_image_clear(&other);
	if (r == 0)
		return mc_error_set(error, EEXIST, "the other region has an image of that name");
	return r == -ENOENT ? 0 : r;
}

int mc_glance_copy(const struct mc_image_copy *copy, struct mc_call *call, char **ret_id, struct mc_error *error)
{
	struct copying copying = {.copy = copy, .call = call};
	struct mc_error why = {0};

	*ret_id = NULL;
	int r = prepare_image_copy(&copying, error);
	if (r == 0) {
		r = import(&copying, ret_id, &why);
		if (r < 0 && !mc_call_cancelled(call)) {
			MC_CLEANUP(buffer) struct mc_buffer text = {0};
			mc_buffer_printf(&text, "streamed, for the region's Glance can't fetch it: %s", why.message);
			report_bytes_done(&copying, 0, text.data ? text.data : "streamed");
			mc_call_extend(call, STEP_MS);
			r = stream(&copying, ret_id, error);
		} else if (r < 0 && error) {
			*error = why;
		}
	}
	mc_image_clear(&copying.image);
	cJSON_Delete(copying.attributes);
	return r;
}
