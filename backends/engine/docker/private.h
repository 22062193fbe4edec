/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_ENGINE_DOCKER_PRIVATE_H
#define BACKENDS_ENGINE_DOCKER_PRIVATE_H

#include "backends/http/http.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>

/* The Docker Engine API, from 1.41 (docs.docker.com/reference/api/engine/version/v1.41; api.c chooses), of which
 * only what podman speaks too is used.
 *
 * What is the cloud's carries two labels: org.mcloudfs.cloud and org.mcloudfs.name. Everything that acts finds the
 * object by them and by its name, and acts on the id it found, so that neither somebody else's container of the same
 * name is touched nor one that was made from an image of ours (`docker commit`) and has the labels from that.
 * Engine-side names are CLOUD-NAME (containers, volumes) and CLOUD (the network). A container whose name ends with
 * ".new" is one whose creation never came to its end: its files may be missing. It is no service, and removed where it
 * is met (mc_docker_sweep()). */

#define MC_DOCKER_LABEL "org.mcloudfs."
#define MC_DOCKER_LABEL_CLOUD MC_DOCKER_LABEL "cloud"
#define MC_DOCKER_LABEL_NAME MC_DOCKER_LABEL "name"
#define MC_DOCKER_NONCE "nonce" /* label of a volume: random, so that of two creators one knows that it was it */
#define MC_DOCKER_UNFINISHED ".new"

#define MC_DOCKER_JSON_LIMIT ((size_t)16 << 20)

/* The network of the cloud. */
enum mc_docker_network {
	MC_DOCKER_BRIDGE,
	MC_DOCKER_OVERLAY,  /* of a Swarm, that all of its engines can put their containers into */
	MC_DOCKER_ELSEWHERE /* such a one, which another engine of the Swarm makes and removes */
};

struct mc_docker_held;
struct mc_docker_watch;

struct mc_docker {
	struct mc_engine engine; /* first: what the ops are given */
	char *cloud, *socket;    /* the place's, for sentences */
	char *url, *cacert, *cert, *key;
	struct mc_error flaw; /* why the place is none; code 0: it is one */
	int timeout_ms;
	enum mc_docker_network network; /* these two are set before the first question */
	bool encrypts;                  /* what goes through an overlay network between machines */
	struct mc_http_options options;
	struct mc_http *http;
	struct mc_http_loop *loop;
	atomic_uint api;        /* version 1.api of the API is spoken; 0: not known yet */
	atomic_bool is_podman;  /* which has another API beside it; known when `api` is */
	atomic_bool has_spares; /* some of its containers are, or were, spares: their labels don't say which service */
	/* The same engine once more, for what no journal is to tell of; NULL: out of memory. */
	struct mc_engine *(*twin)(const struct mc_docker *docker);
	mc_mutex lock; /* guards `held` and `watch`; nothing else is locked while it is */
	pthread_cond_t released;
	struct mc_docker_held *held;
	struct mc_docker_watch *watch;
};

static inline struct mc_docker *mc_docker_of(struct mc_engine *engine)
{
	return (struct mc_docker *)engine;
}

/* --- request.c, json.c: asking and understanding --- */

/* One request. It points into itself: not to be copied. */
struct mc_docker_ask {
	struct mc_http_request http;
	const char *path[12];
	char label[160]; /* for the journal */
	char *text;      /* the body; owned */
	int failed;      /* -ENOMEM, or 0 */
};

/* A container that was found. NAME is the service's and the caller's. */
struct mc_docker_ref {
	char id[72];
	const char *name;
	bool running; /* and not paused */
};

void mc_docker_ask_free(struct mc_docker_ask *ask);
void mc_cleanup_docker_ask(struct mc_docker_ask *ask);

/* PATH: segments, up to a NULL; the strings live as long as the ask. */
void mc_docker_ask(struct mc_docker_ask *ask, const char *method, const char *const *path);
#define MC_DOCKER_PATH(...) ((const char *const[]){__VA_ARGS__, NULL})

/* An ask with the API's version in front, for what isn't sent by mc_docker_send(); as long as the ask lives. */
struct mc_docker_addressed {
	struct mc_http_request http;
	const char *path[13];
	char version[8], label[160];
};

/* --- api.c --- */

/* Finds out the version if it isn't known: -EOPNOTSUPP with a sentence if the engine speaks none that is known here,
 * -EIO if it is no engine. */
int mc_docker_address(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ask *ask,
	struct mc_docker_addressed *ret, struct mc_error *error);
/* Another engine may be there by now. */
void mc_docker_forget_version(struct mc_docker *docker);
/* Whether the answer says that the version is not one of the engine's. */
bool mc_docker_refuses_version(const struct mc_http_response *response);

/* -EOPNOTSUPP with a sentence; SOCKET: where the system's engine is. */
int mc_docker_refuse_rootless(const struct mc_docker *docker, const char *socket, struct mc_error *error);

/* --- clock.c --- */

/* By how many seconds the engine's clock is ahead of ours: from *RET_LEAST to *RET_MOST. Both are 0 on the same
 * machine, and as long as nothing is known. */
void mc_docker_ahead(const struct mc_docker *docker, double *ret_least, double *ret_most);
/* What our clock showed when the engine's showed WHEN, or somewhat less: what isn't known to be news is taken for old.
 * Of 0, which is no time, 0. */
double mc_docker_own_time(const struct mc_docker *docker, double when);

/* --- podman.c --- */

/* Its own API: the oldest that 4 and 5 take, and all that is asked is in it. */
#define MC_DOCKER_LIBPOD "v4.0.0", "libpod"

/* Of the answer of /version. */
bool mc_docker_is_podman(const cJSON *version);
/* -EOPNOTSUPP with a sentence if services can't run in it. */
int mc_docker_check_podman(struct mc_docker *docker, struct mc_call *call, struct mc_error *error);

/* --- checks.c --- */

/* The health checks of a cloud's containers, which are run from here, in each every INTERVAL seconds. HANDLER is told
 * of what they come to in LOOP's thread. */
struct mc_docker_checks;
#define MC_DOCKER_CHECK_S 5
struct mc_docker_checks *mc_docker_checks_new(const struct mc_docker *docker, double interval,
	struct mc_http_loop *loop, void (*handler)(void *data, const struct mc_engine_event *event), void *data);
void mc_docker_checks_free(struct mc_docker_checks *checks);
/* Begins those that are due, of which only a few are under way at once; gives how many. To be called again and again,
 * every MC_DOCKER_CHECKS_MS, by one thread at a time. */
#define MC_DOCKER_CHECKS_MS 1000
unsigned mc_docker_checks_run(struct mc_docker_checks *checks, struct mc_call *call);
/* A container has started: what was told of its health is no longer so. */
void mc_docker_checks_started(struct mc_docker_checks *checks);

/* METHOD /containers/ID[/VERB]; the journal shows the service's name instead of the id. */
void mc_docker_ask_container(
	struct mc_docker_ask *ask, const char *method, const struct mc_docker_ref *ref, const char *verb);
/* Takes JSON over (NULL: out of memory) as the body. */
void mc_docker_ask_body(struct mc_docker_ask *ask, cJSON *json);

/* 0: there was an answer, whatever its status. */
int mc_docker_send(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ask *ask,
	struct mc_http_response *ret_response, struct mc_error *error);
/* As send, for what must be a 2xx: otherwise mc_docker_fail() with the sentence. */
int mc_docker_do(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ask *ask,
	struct mc_http_response *ret_response, struct mc_error *error, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* As do, and parses the answer, which must be an object or an array. */
int mc_docker_json(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ask *ask, cJSON **ret_json,
	struct mc_error *error, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The errno of an answer that isn't 2xx; fills ERROR with "FORMAT…: what the engine says". */
int mc_docker_fail(const struct mc_http_response *response, struct mc_error *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* mc_error_set() in the engine's name. */
int mc_docker_error(struct mc_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Gives R; success leaves no sentence behind of what failed on the way to it. */
static inline int mc_docker_result(int r, struct mc_error *error)
{
	if (r == 0 && error)
		*error = (struct mc_error){0};
	return r;
}

/* {"label": ["org.mcloudfs.cloud=CLOUD", "org.mcloudfs.name=NAME"]}, malloc'd; NAME may be NULL. */
char *mc_docker_filters(const struct mc_docker *docker, const char *name);

/* Of JSON: a string's value, or "" where there is none; members of members; a number within its type's range, else 0.
 */
const char *mc_docker_text(const cJSON *object, const char *name);
const cJSON *mc_docker_member(const cJSON *object, const char *first, const char *second);
double mc_docker_number(const cJSON *object, const char *name);
uint64_t mc_docker_count(const cJSON *object, const char *name);
/* Puts ITEM into OBJECT, or says in *FAILED that memory is out. */
void mc_docker_put(cJSON *object, const char *name, cJSON *item, int *failed);
/* A copy; notes in *FAILED that memory is out. */
char *mc_docker_copy(const char *text, int *failed);

/* Whether NAME can be a service's or volume's: letters, digits, '-', '_' and '.', not ending with MC_DOCKER_UNFINISHED.
 */
bool mc_docker_name_ok(const char *name);
/* CLOUD-NAME + SUFFIX, malloc'd. */
char *mc_docker_engine_name(const struct mc_docker *docker, const char *name, const char *suffix);
/* Whether LABELS (or NULL) leave the engine's own labels alone. */
bool mc_docker_labels_ok(const struct mc_engine_label *labels);
/* {"org.mcloudfs.cloud": CLOUD, "org.mcloudfs.name": NAME, and LABELS}; NULL: out of memory. NAME and LABELS may be
 * NULL. */
cJSON *mc_docker_labels(const struct mc_docker *docker, const char *name, const struct mc_engine_label *labels);

/* --- docker.c: what is held, the network --- */

/* Only one thread creates a service, changes its files, or handles the network (NAME "") at a time. Waits for its turn
 * within CALL, or, without one, gives -EBUSY. */
int mc_docker_hold(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_error *error);
void mc_docker_release(struct mc_docker *docker, const char *name);

int mc_docker_prepare(struct mc_engine *engine, struct mc_call *call, struct mc_error *error);
int mc_docker_clear(struct mc_engine *engine, struct mc_call *call, struct mc_error *error);
int mc_docker_attach(struct mc_engine *engine, struct mc_call *call, const char *name, const char *host,
	const char *alias, struct mc_error *error);
/* {"Aliases": [HOST, ALIAS]}: how a container is in a network (an EndpointConfig). ALIAS may be NULL. NULL: out of
 * memory. */
cJSON *mc_docker_endpoint(const char *host, const char *alias);

/* --- spare.c --- */

/* Whether a container of LABELS was made as a spare, and whether it still is one: once they are settled. */
bool mc_docker_is_made_as_spare(const cJSON *labels);
bool mc_docker_is_spare(const cJSON *labels);
/* The labels of a container become those of the service that it is: a spare that was adopted has had others. */
void mc_docker_settle_labels(cJSON *labels, const char *engine_name, const char *image);
/* The same of a container's description, and of a list of containers. */
void mc_docker_settle_container(cJSON *json);
void mc_docker_settle_list(struct mc_docker *docker, cJSON *containers);
/* -EOPNOTSUPP if these are a spare's, and the engine has none. */
int mc_docker_check_spare(struct mc_docker *docker, const struct mc_engine_label *labels, struct mc_error *error);

/* --- adopt.c --- */

int mc_docker_adopt(struct mc_engine *engine, struct mc_call *call, const char *spare, const char *name,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error);

/* --- service.c, info.c, create.c --- */

/* The container REF becomes that of service REF->name; -EEXIST, -EBUSY as of create. */
int mc_docker_rename(
	struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, struct mc_error *error);

/* The container of service NAME, unfinished ones aside; -ENOENT with a sentence. */
int mc_docker_find(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_docker_ref *ret_ref,
	struct mc_error *error);
/* Containers of service NAME, or of the whole cloud (NULL), as an array; unfinished ones too, copies not. */
int mc_docker_containers(
	struct mc_docker *docker, struct mc_call *call, const char *name, cJSON **ret_json, struct mc_error *error);
bool mc_docker_unfinished(const cJSON *container);
/* Removes what unfinished creations left behind: of NAME, which the caller holds, or of all that nobody holds (NULL).
 */
int mc_docker_sweep(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_error *error);
/* The id of CONTAINER, of such an array, and whether it runs; false for what can't be one. */
bool mc_docker_take_id(const cJSON *container, struct mc_docker_ref *ref);
int mc_docker_remove(
	struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, struct mc_error *error);
int mc_docker_inspect_ref(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	cJSON **ret_json, struct mc_error *error);

int mc_docker_act(struct mc_engine *engine, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *error);
int mc_docker_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_service_list *ret, struct mc_error *error);
int mc_docker_look(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_engine_service *ret,
	struct mc_error *error);
int mc_docker_inspect(
	struct mc_engine *engine, struct mc_call *call, const char *name, char **ret_json, struct mc_error *error);
int mc_docker_create(struct mc_engine *engine, struct mc_call *call, const struct mc_engine_service_spec *spec,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error);

/* Fills RET from an inspect answer: 0, -ENOMEM, or -EBADMSG when it lacks what every container has. */
int mc_docker_info(const cJSON *json, struct mc_engine_service *ret);

/* --- volume.c --- */

int mc_docker_volume_create(struct mc_engine *engine, struct mc_call *call, const char *name, const char *node,
	const struct mc_engine_label *labels, const char *device, struct mc_error *error);
int mc_docker_volume_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_volume_list *ret, struct mc_error *error);
int mc_docker_volume_remove(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_error *error);

/* --- files.c, exec.c, tar.c --- */

int mc_docker_upload(struct mc_engine *engine, struct mc_call *call, const char *name,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error);
/* Into a container that doesn't run. */
int mc_docker_put_files(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error);

int mc_docker_run(struct mc_engine *engine, struct mc_call *call, const char *name, const char *const *argv,
	int *ret_code, struct mc_buffer *output, struct mc_error *error);
/* USER NULL: the image's. */
int mc_docker_exec(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, const char *user,
	const char *const *argv, int *ret_code, struct mc_buffer *output, struct mc_error *error);

struct mc_docker_tar;
/* A tar archive in memory. Paths are stored without their leading '/'. */
struct mc_docker_tar *mc_docker_tar_new(void);
void mc_docker_tar_free(struct mc_docker_tar *tar);
int mc_docker_tar_directory(struct mc_docker_tar *tar, const char *path, const struct mc_engine_file *owner);
/* PATH: what the archive says instead of FILE's own. */
int mc_docker_tar_file(struct mc_docker_tar *tar, const char *path, const struct mc_engine_file *file);
/* Ends it; the bytes belong to the tar. */
int mc_docker_tar_close(struct mc_docker_tar *tar, const void **ret_bytes, size_t *ret_size);
/* Absolute, of components that are neither empty nor "." nor "..", 4,000 bytes at most. */
bool mc_docker_path_ok(const char *path);

/* --- frames.c: the two framings of a container's output --- */

/* "Stream format" of the attach endpoint: 8 bytes (stream, 0, 0, 0, length, big endian), then so many bytes. Starts as
 * { 0 }. */
struct mc_docker_frames {
	unsigned char header[8];
	size_t have;            /* bytes of the header */
	struct mc_buffer frame; /* what has come of a frame that is not complete */
};

#define MC_DOCKER_FRAME_LIMIT ((size_t)4 << 20)

/* Gives ON_FRAME each whole frame: STREAM is 0 to 3 (stdin, stdout, stderr, the engine's own errors). 0, -EBADMSG for
 * what is no frame or one past the limit, -ENOMEM, or what ON_FRAME says if negative. After a failure it takes no more.
 */
int mc_docker_frames_feed(struct mc_docker_frames *frames, const void *bytes, size_t size,
	int (*on_frame)(void *data, unsigned stream, const char *bytes, size_t size), void *data);
void mc_docker_frames_free(struct mc_docker_frames *frames);

/* A log as whole lines: OUT gets them as they become complete. Starts as { .tty = … }. */
struct mc_docker_lines {
	bool tty; /* bytes as they are; else frames */
	struct mc_docker_frames frames;
	struct mc_buffer partial[2]; /* of stdout and stderr */
	struct mc_buffer *out;
};

#define MC_DOCKER_LINE_LIMIT ((size_t)256 << 10) /* a longer line is broken there */

int mc_docker_lines_feed(struct mc_docker_lines *lines, const void *bytes, size_t size);
/* The lines that have no end. */
int mc_docker_lines_end(struct mc_docker_lines *lines);
void mc_docker_lines_free(struct mc_docker_lines *lines);
void mc_cleanup_docker_lines(struct mc_docker_lines *lines);

/* --- log.c, stats.c --- */

int mc_docker_log(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_buffer *out,
	struct mc_error *error);
int mc_docker_follow(struct mc_engine *engine, const char *name,
	void (*on_text)(void *data, const char *text, size_t size), void (*on_end)(void *data), void *data,
	struct mc_engine_follow **ret, struct mc_error *error);
void mc_docker_unfollow(struct mc_engine_follow *follow);
int mc_docker_stats(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_engine_stats *ret,
	struct mc_error *error);
int mc_docker_top(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_buffer *out,
	struct mc_error *error);
/* Of one answer of /containers/ID/stats, all but cpu_percent. */
void mc_docker_stats_parse(const cJSON *json, struct mc_engine_stats *ret);

/* --- events.c --- */

int mc_docker_watch(struct mc_engine *engine, void (*handler)(void *data, const struct mc_engine_event *), void *data,
	struct mc_error *error);
void mc_docker_unwatch(struct mc_docker_watch *watch);

/* An event with its strings inside. */
struct mc_docker_event {
	struct mc_engine_event event;
	char name[256], id[72], health[24];
};

#define MC_DOCKER_EVENT_LIMIT ((size_t)256 << 10)

/* Reads one line of /events: 1: *RET is filled (it points into itself), 0: nothing that matters here, -EBADMSG: it is
 * no event. */
int mc_docker_event_parse(const char *line, size_t size, const char *cloud, struct mc_docker_event *ret);

#endif
