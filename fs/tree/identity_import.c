/* SPDX-License-Identifier: MIT */
#include "fs/crew.h"
#include "fs/imported.h"
#include "fs/records.h"
#include "fs/tree/identity.h"
#include "mcloud/identity_wish.h"
#include "mcloud/lock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* users/D/import and projects/D/import: many at once, by several requests side by side. Records are done as they come;
 * what became of each is told by import.result, and at the end by close(2). */

enum {
	HANDS = 16,   /* requests side by side, of all imports */
	DEADLINES = 3 /* of one record: it is some questions */
};

/* What a record may have, the name first, and which attribute the others are. */
static const char *const user_fields[] = {"name", "password", "email", "description", "enabled", NULL};
static const enum mc_identity_attribute user_attributes[] = {
	MC_IDENTITY_PASSWORD, MC_IDENTITY_EMAIL, MC_IDENTITY_DESCRIPTION, MC_IDENTITY_ENABLED};
static const char *const project_fields[] = {"name", "description", "enabled", NULL};
static const enum mc_identity_attribute project_attributes[] = {MC_IDENTITY_DESCRIPTION, MC_IDENTITY_ENABLED};

struct import_kind {
	enum mc_identity_kind kind;
	enum mc_key key;
	const char *plural, *const *fields;
	const enum mc_identity_attribute *attributes; /* of all fields but the name */
};

static const struct import_kind import_kinds[] = {
	[MC_IMPORT_USERS] = {MC_IDENTITY_USER, MC_KEY_USER, "users", user_fields, user_attributes},
	[MC_IMPORT_PROJECTS] = {MC_IDENTITY_PROJECT, MC_KEY_PROJECT, "projects", project_fields, project_attributes},
};

/* An open `import`. */
struct import {
	const struct import_kind *kind;
	struct mc_fs *fs;
	struct mc_cloud *cloud;
	struct mc_node *node; /* lives as long as the open file */
	char *place;          /* for mc_imported_add() */
	struct mc_crew *crew;
	struct mc_identity_book *book;

	mc_mutex lock; /* guards what is below; no other is taken under it, and none is held while somebody is asked */
	bool is_busy;  /* somebody has the records */
	bool rests;    /* all that came is done, and told to have ended: a close(2) was answered */
	struct mc_records *records;
	int64_t next; /* where the next write has to be; -1: anywhere. It isn't 0 when the kernel still knows the size
			 of an earlier import and the file is open for appending */
	unsigned long count, failed;
	unsigned long line; /* of the first that failed */
	char name[64];
	struct mc_error error; /* why */
};

/* A record on its way. */
struct job {
	struct mc_crew_job job; /* first: what the crew sees */
	unsigned long line;
	bool begun;
	struct mc_identity_wish wish;
	size_t size; /* of what the strings below take */
	char strings[];
};

static struct job *job_of(struct mc_crew_job *job)
{
	return (struct job *)job;
}

/* NULL: out of memory. */
static struct job *new_job(const struct import_kind *kind, const struct mc_record *record)
{
	size_t size = 0;

	for (size_t i = 0; kind->fields[i]; i++)
		size += record->values[i] ? strlen(record->values[i]) + 1 : 0;
	struct job *job = malloc(sizeof(*job) + size);
	if (!job)
		return NULL;
	*job = (struct job){.line = record->line, .size = size};
	char *at = job->strings;
	for (size_t i = 0; kind->fields[i]; i++) {
		if (!record->values[i])
			continue;
		size_t length = strlen(record->values[i]) + 1;
		const char *copy = memcpy(at, record->values[i], length);
		at += length;
		if (i == 0)
			job->wish.name = copy;
		else
			job->wish.values[kind->attributes[i - 1]] = copy;
	}
	job->job.key = job->wish.name;
	return job;
}

/* ERROR is NULL where it didn't fail. */
static void note_outcome(struct import *import, unsigned long line, const char *name, enum mc_imported_outcome outcome,
	const struct mc_error *error)
{
	mc_imported_add(mc_fs_imported(import->fs), import->place, line, name, outcome, error);
	MC_LOCKED(&import->lock) {
		import->count++;
		import->failed += error != NULL;
		if (error && (import->failed == 1 || line < import->line)) {
			import->line = line;
			import->error = *error;
			snprintf(import->name, sizeof(import->name), "%s", name);
			mc_utf8_tidy(import->name);
		}
	}
}

static void end_job(void *data, struct mc_crew_job *ended)
{
	struct import *import = data;
	struct job *job = job_of(ended);
	struct mc_error error = {0};

	if (!job->begun) {
		mc_error_set(&error, EINTR, "the import was broken off before: import it again");
		note_outcome(import, job->line, job->wish.name, MC_IMPORTED_FAILED, &error);
	}
	explicit_bzero(job->strings, job->size);
	free(job);
}

/* In a thread of the crew. */
static void run_record(void *data, struct mc_crew_job *running, struct mc_call *call)
{
	static const enum mc_imported_outcome outcomes[] = {
		[MC_IDENTITY_CREATED] = MC_IMPORTED_CREATED,
		[MC_IDENTITY_CHANGED] = MC_IMPORTED_CHANGED,
		[MC_IDENTITY_UNCHANGED] = MC_IMPORTED_UNCHANGED,
	};
	struct import *import = data;
	struct job *job = job_of(running);
	struct mc_error error = {0};
	struct mc_ask ask = {
		.fs = import->fs, .cloud = import->cloud, .node = import->node, .call = call, .error = &error};
	const char *domain = mc_ask_key(&ask, MC_KEY_DOMAIN);
	enum mc_identity_outcome outcome = MC_IDENTITY_UNCHANGED;
	MC_CLEANUP(identity_object) struct mc_identity_object *changed = NULL;
	MC_CLEANUP(identity) struct mc_identity identity = {0};

	job->begun = true;

	int result = call ? mc_identity_begin_change(&ask, &identity) : mc_error_set(&error, ENOMEM, "out of memory");
	if (result == 0)
		result = mc_identity_ensure(
			&identity, import->kind->kind, domain, &job->wish, import->book, &outcome, &changed);
	if (result < 0) {
		error.code = -result;
		note_outcome(import, job->line, job->wish.name, MC_IMPORTED_FAILED, &error);
		return;
	}
	if (outcome == MC_IDENTITY_CREATED) /* what others were told is old now */
		mc_fs_forget_key(import->fs, MC_KEY_DOMAIN, domain);
	else if (changed)
		mc_fs_forget_key(import->fs, import->kind->key, changed->id);
	note_outcome(import, job->line, job->wish.name, outcomes[outcome], NULL);
}

static void free_import(struct import *import)
{
	mc_crew_dismiss(import->crew);
	mc_identity_book_free(import->book);
	mc_records_free(import->records);
	pthread_mutex_destroy(&import->lock);
	free(import->place);
	free(import);
}

static const struct import_kind *kind_of_import(const struct mc_ask *ask)
{
	return &import_kinds[mc_ask_data(ask)];
}

/* What the directory is called in fs/imported.h: "users of 1a2b…". NULL: out of memory. */
static char *place_of_import(const struct mc_ask *ask)
{
	MC_CLEANUP(buffer) struct mc_buffer place = {0};
	const char *domain = mc_ask_key(ask, MC_KEY_DOMAIN);

	mc_buffer_printf(&place, "%s of %s", kind_of_import(ask)->plural, domain ? domain : "");
	return mc_buffer_steal(&place, NULL);
}

/* NULL: out of memory. */
static struct import *new_import(struct mc_ask *ask)
{
	struct mc_imported *imported = mc_fs_imported(ask->fs);
	struct import *import = calloc(1, sizeof(*import));

	if (!import)
		return NULL;
	pthread_mutex_init(&import->lock, NULL);
	import->kind = kind_of_import(ask);
	import->fs = ask->fs;
	import->cloud = ask->cloud;
	import->node = ask->node;
	import->next = -1;
	import->place = place_of_import(ask);
	import->records = mc_records_new(import->kind->plural, import->kind->fields);
	import->book = mc_identity_book_new();
	import->crew = mc_crew_new(&(struct mc_crew_options){.threads = HANDS,
		.all = mc_imported_hands(imported),
		.most = HANDS,
		.timeout_ms = DEADLINES * mc_cloud_options(ask->cloud)->timeout_ms,
		.run = run_record,
		.end = end_job,
		.data = import});
	if (import->place && import->records && import->book && import->crew)
		return import;
	free_import(import);
	return NULL;
}

/* RESULT of mc_imported_begin() or mc_imported_go_on(). */
static int say_begin(struct mc_ask *ask, int result)
{
	if (result == 0)
		return 0;
	return mc_error_set(ask->error, -result, "%s",
		result == -EBUSY ? "too many imports are under way: wait until one has ended" : "out of memory");
}

/* What close(2) has answered for has ended by then, and not when the kernel gives the file back, some time later. But
 * somebody may have it open still, and write more. */
static int set_rests(struct mc_ask *ask, struct import *import, bool rests)
{
	struct mc_imported *imported = mc_fs_imported(ask->fs);
	bool changes;
	int result = 0;

	MC_LOCKED(&import->lock) {
		changes = import->rests != rests;
		import->rests = rests;
	}
	if (changes && rests)
		mc_imported_end(imported, import->place);
	else if (changes)
		result = say_begin(ask, mc_imported_go_on(imported, import->place));
	if (result < 0)
		MC_LOCKED(&import->lock)
			import->rests = true;
	return result;
}

static int open_identity_import(struct mc_ask *ask, int flags, void **ret_state)
{
	MC_CLEANUP(identity) struct mc_identity identity = {0};

	if ((flags & O_ACCMODE) != O_WRONLY)
		return mc_error_set(ask->error, EPERM, "an import can only be written: read import.result");
	int result = mc_identity_begin_change(ask, &identity);
	if (result < 0)
		return result;
	struct import *import = new_import(ask);
	if (!import)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	result = say_begin(ask, mc_imported_begin(mc_fs_imported(ask->fs), import->place));
	if (result < 0)
		free_import(import);
	else
		*ret_state = import;
	return result;
}

/* RESULT of mc_records_next(): 1: a record, 0: none, -errno: a bad one. 0, or -errno when the whole can't go on. */
static int take_record(
	struct import *import, int result, const struct mc_record *record, struct mc_error *bad, struct mc_error *error)
{
	if (result == 0)
		return 0;
	if (result < 0) {
		note_outcome(import, record->line, record->values[0] ? record->values[0] : "", MC_IMPORTED_FAILED, bad);
		if (!mc_records_spoilt(import->records))
			return 0;
		*error = *bad;
		return mc_error_context(error, "line %lu", record->line);
	}
	struct job *job = new_job(import->kind, record);
	if (!job)
		return mc_error_set(error, ENOMEM, "out of memory");
	result = mc_crew_add(import->crew, &job->job);
	return result < 0 ? mc_error_errno(error, -result, "there is no thread to do it in") : 0;
}

/* The records of BYTES, as long as there is room for them: *RET_USED of them. 0 or -errno. */
static int take_bytes(struct mc_ask *ask, struct import *import, const char *bytes, size_t size, size_t *ret_used)
{
	int result = 0;

	*ret_used = 0;
	while (*ret_used < size && result == 0) {
		struct mc_record record = {0};
		struct mc_error bad = {0};
		size_t used = 0;
		result = mc_crew_await_room(import->crew, ask->call);
		if (result < 0)
			return mc_error_set(ask->error, -result, "the import was interrupted");
		result = mc_records_next(import->records, bytes + *ret_used, size - *ret_used, &used, &record, &bad);
		*ret_used += used;
		result = take_record(import, result, &record, &bad, ask->error);
	}
	return result;
}

/* Whoever has the records gives them back by give_records(). */
static int have_records(struct mc_ask *ask, struct import *import, int64_t offset)
{
	MC_LOCKED(&import->lock) {
		if (import->is_busy)
			return mc_error_set(ask->error, EBUSY, "somebody else is writing this import");
		if (mc_records_spoilt(import->records))
			return mc_error_set(
				ask->error, EINVAL, "the first row of this import was refused: see import.result");
		if (offset >= 0 && import->next >= 0 && offset != import->next)
			return mc_error_set(ask->error, ESPIPE, "an import is written from its beginning to its end");
		import->is_busy = true;
	}
	return 0;
}

static void give_records(struct import *import, int64_t next)
{
	MC_LOCKED(&import->lock) {
		import->is_busy = false;
		import->next = next;
	}
}

static ssize_t write_identity_import(struct mc_ask *ask, void *state, const void *bytes, size_t size, int64_t offset)
{
	struct import *import = state;
	size_t used = 0;
	int result = have_records(ask, import, offset);

	if (result < 0)
		return result;
	result = set_rests(ask, import, false);
	if (result == 0)
		result = take_bytes(ask, import, bytes, size, &used);
	give_records(import, offset + (int64_t)used);
	/* What was taken before an interruption isn't to be written again. */
	return result == -EINTR && used > 0 ? (ssize_t)used : result < 0 ? result : (ssize_t)size;
}

/* All of it has been done. */
static int tell_failures(struct mc_ask *ask, struct import *import)
{
	MC_LOCKED(&import->lock) {
		if (import->failed == 0)
			return 0;
		*ask->error = import->error;
		mc_error_context(ask->error, "line %lu%s%s", import->line, *import->name ? ", " : "", import->name);
		if (import->failed > 1)
			mc_error_context(ask->error,
				"%lu of %lu records failed, all of them are in import.result; the first",
				import->failed, import->count);
		import->failed = import->count = 0;
	}
	return -ask->error->code;
}

/* close(2) of the last descriptor. */
static int flush_identity_import(struct mc_ask *ask, void *state)
{
	struct import *import = state;
	struct mc_record record = {0};
	struct mc_error bad = {0};
	int result = 0;

	if (!mc_records_spoilt(import->records)) {
		result = have_records(ask, import, -1);
		if (result < 0)
			return result;
		int ended = mc_records_end(import->records, &record, &bad);
		result = take_record(import, ended, &record, &bad, ask->error);
		give_records(import, -1);
	}
	if (result == 0)
		result = mc_crew_await_all(import->crew, ask->call);
	if (result == -EINTR)
		return mc_error_set(
			ask->error, EINTR, "the import was interrupted: import it again, what is done stays");
	if (result < 0)
		return result;
	(void)set_rests(ask, import, true);
	return tell_failures(ask, import);
}

/* Its writer was killed: of what it wrote, the records that are whole are done. */
static void drop_identity_import(struct mc_ask *ask, void *state)
{
	struct import *import = state;
	struct mc_error unused = {0};
	struct mc_ask quiet = *ask; /* why it is dropped is told already */

	quiet.error = &unused;
	if (have_records(&quiet, import, -1) == 0) {
		mc_records_drop(import->records);
		give_records(import, -1);
	}
	(void)mc_crew_await_all(import->crew, ask->call);
}

static void release_identity_import(struct mc_fs *fs, void *state)
{
	struct import *import = state;

	/* Of what the crew breaks off it tells before the place is left. */
	mc_crew_dismiss(mc_steal(&import->crew));
	if (!import->rests)
		mc_imported_end(mc_fs_imported(fs), import->place);
	free_import(import);
}

const struct mc_file_type mc_identity_import_file = {
	.open = open_identity_import,
	.write = write_identity_import,
	.flush = flush_identity_import,
	.drop = drop_identity_import,
	.release = release_identity_import,
	.flush_last = true,
	.lane = MC_LANE_TRANSFER, /* a writer waits for those whom it brings */
};

/* `>` truncates before it writes; there is nothing to take away. */
int mc_identity_truncate_import(struct mc_ask *ask, int64_t size)
{
	return size == 0 ? 0 : mc_error_set(ask->error, EINVAL, "an import has no size");
}

int mc_identity_show_imported(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(free_pointer) char *place = place_of_import(ask);

	if (!place)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	mc_imported_show(mc_fs_imported(ask->fs), place, out);
	return out->failed;
}
