/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/import.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <string.h>

#define METHOD "glance-direct"

/* Nobody tells how an import goes; it is asked, after pauses that grow from the one to the other. */
#define FIRST_PAUSE_MS 50
#define LAST_PAUSE_MS 2000

/* A property of an image as long as its import has it: it saves the image, with all properties as it has seen them. */
#define LOCK "os_glance_import_task"
/* The stores that did not get it, separated by commas. */
#define FAILED "os_glance_failed_import"

static const char *string_of(const cJSON *object, const char *name)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return value ? value : "";
}

int mc_import_task(struct mc_glance *glance, struct mc_call *call, const char *id, struct mc_import_task *ret_task,
	struct mc_error *error)
{
	const char *const path[] = {"images", id, "tasks", NULL};
	MC_CLEANUP(json) cJSON *answer = NULL;
	int r = mc_glance_request(glance, call, "GET", path, NULL, NULL, NULL, &answer, error);

	*ret_task = (struct mc_import_task){0};
	if (r < 0)
		return r;
	const cJSON *task = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(answer, "tasks"), 0);
	snprintf(ret_task->status, sizeof ret_task->status, "%s", string_of(task, "status"));
	snprintf(ret_task->message, sizeof ret_task->message, "%s", string_of(task, "message"));
	return 0;
}

static bool has_method(const cJSON *answer)
{
	const cJSON *methods = cJSON_GetObjectItemCaseSensitive(answer, "import-methods"), *method;

	cJSON_ArrayForEach(method, cJSON_GetObjectItemCaseSensitive(methods, "value"))
	{
		if (cJSON_IsString(method) && !strcmp(method->valuestring, METHOD))
			return true;
	}
	return false;
}

int mc_import_offered(
	struct mc_glance *glance, struct mc_call *call, const struct mc_error *refusal, struct mc_error *error)
{
	static const char *const path[] = {"info", "import", NULL};
	MC_CLEANUP(json) cJSON *answer = NULL;
	int r = mc_glance_request(glance, call, "GET", path, NULL, NULL, NULL, &answer, error);

	if (r == 0 && has_method(answer))
		return 0;
	/* A Glance before API v2.6 has no imports. */
	if (r < 0 && r != -ENOENT)
		return r;
	int code = refusal->http_status == 403 ? refusal->code : EOPNOTSUPP;
	if (!error)
		return -code;
	*error = *refusal;
	error->code = code;
	snprintf(error->message, sizeof error->message,
		"Glance refuses the upload (%.300s) and offers no import by " METHOD ": ask who runs it %s",
		refusal->message, code == EOPNOTSUPP ? "for one of the two" : "to permit upload_image to this login");
	return -code;
}

static int ask_import(struct mc_image_writer *writer, struct mc_error *error)
{
	const char *const path[] = {"images", writer->id, "import", NULL};
	MC_CLEANUP(json) cJSON *body = cJSON_CreateObject();

	if (!cJSON_AddStringToObject(cJSON_AddObjectToObject(body, "method"), "name", METHOD))
		return mc_error_set(error, ENOMEM, "out of memory");
	return mc_glance_request(writer->glance, writer->call, "POST", path, NULL, NULL, body, NULL, error);
}

/* Of an import that isn't over, by the image's STATUS and the stores that FAILED: 1: it goes on, or why it failed. */
static int judge_import(struct mc_image_writer *writer, const char *status, const char *failed, struct mc_error *error)
{
	bool is_back = !strcmp(status, "queued") || !strcmp(status, "killed");
	struct mc_import_task task;

	/* Who may not ask, or asks an older Glance, knows the image's status only. */
	(void)mc_import_task(writer->glance, writer->call, writer->id, &task, NULL);
	if (!is_back && !*failed && strcmp(task.status, "failure") != 0)
		return 1;
	if (*task.message)
		return mc_error_set(error, EIO, "its import failed: %s", task.message);
	if (*failed)
		return mc_error_set(error, EIO, "its import failed in Glance's stores %.300s", failed);
	return mc_error_set(
		error, EIO, "its import failed, for the image is %s: ask who runs Glance for its log", status);
}

/* 1: it goes on, 0: it has succeeded, or why it failed. */
static int look_at_import(struct mc_image_writer *writer, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *json = NULL;
	struct mc_image image = {0};
	int r = mc_glance_look(writer->glance, writer->call, writer->id, &image, &json, error);

	if (r < 0)
		return r;
	if (strcmp(image.status, "active") != 0 || *string_of(json, LOCK))
		r = judge_import(writer, image.status, string_of(json, FAILED), error);
	mc_image_clear(&image);
	return r;
}

/* It is getting on: whoever waits for the upload goes on waiting. */
static void note_progress(struct mc_image_writer *writer)
{
	MC_LOCKED(&writer->lock) {
		writer->progress = mc_now_ms();
		mc_gate_open(&writer->news);
	}
}

static int await_import(struct mc_image_writer *writer, struct mc_error *error)
{
	int64_t until = mc_now_ms() + MC_IMPORT_MS + atomic_load(&writer->end) / MC_IMPORT_SLOW_BYTES_PER_MS;
	/* Several of them are within the time for which an upload may stand still. */
	int longest = writer->glance->timeout_ms / 4 < LAST_PAUSE_MS ? writer->glance->timeout_ms / 4 : LAST_PAUSE_MS;
	int r;

	for (int pause = FIRST_PAUSE_MS; (r = look_at_import(writer, error)) == 1; pause *= 2) {
		note_progress(writer);
		if (mc_now_ms() > until)
			return mc_error_set(error, ETIMEDOUT, "its import does not end");
		pause = pause < longest ? pause : longest;
		r = mc_call_pause(writer->call, pause);
		if (r < 0)
			return mc_error_set(error, -r, "the upload was broken off");
	}
	return r;
}

int mc_writer_import(struct mc_image_writer *writer, struct mc_error *error)
{
	/* It has its own time, whatever of it the answer about the stage took. */
	note_progress(writer);
	int r = ask_import(writer, error);

	if (r < 0)
		return r;
	note_progress(writer);
	return await_import(writer, error);
}
