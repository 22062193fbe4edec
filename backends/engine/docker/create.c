/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A container is created as CLOUD-NAME.new, gets its files, and is renamed to CLOUD-NAME: labels can't change
 * afterwards, a name can. So a container of the right name has its files, whoever was killed meanwhile. The name by
 * which others reach it is a network alias and doesn't depend on the container's. */

#define START_PERIOD_NS (120e9) /* so long a health check that fails doesn't make a service "unhealthy" */
#define HEALTH_TIMEOUT_NS (10e9)

/* A full disk is worse than a log that doesn't go back for ever: `log` shows the last 4 to 8 MB of what a service
 * wrote. */
#define LOG_SIZE "4m"
#define LOG_FILES "2"

#define SELDOM_NS (86400e9)

/* [FIRST, WORD, …]; FIRST may be NULL. */
static cJSON *words(const char *first, const char *const *argv)
{
	cJSON *list = cJSON_CreateArray();
	bool failed = first && !cJSON_AddItemToArray(list, cJSON_CreateString(first));

	for (const char *const *word = argv; *word; word++)
		failed = failed || !cJSON_AddItemToArray(list, cJSON_CreateString(*word));
	if (!failed)
		return list;
	cJSON_Delete(list);
	return NULL;
}

/* Podman has a timer of systemd's run it, and mc_docker_checks_run() does so anyway. */
static cJSON *health_check(const struct mc_docker *docker, const struct mc_engine_service_spec *spec)
{
	double interval = atomic_load(&docker->is_podman) ? SELDOM_NS : spec->health_interval_ms * 1e6;
	cJSON *json = cJSON_CreateObject();
	int failed = 0;

	mc_docker_put(json, "Test", words("CMD", spec->health), &failed);
	mc_docker_put(json, "Interval", cJSON_CreateNumber(interval), &failed);
	mc_docker_put(json, "Timeout", cJSON_CreateNumber(HEALTH_TIMEOUT_NS), &failed);
	mc_docker_put(json, "StartPeriod", cJSON_CreateNumber(START_PERIOD_NS), &failed);
	mc_docker_put(json, "Retries", cJSON_CreateNumber(3), &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* {"5000/tcp": VALUE}; takes VALUE over. */
static cJSON *by_port(const struct mc_engine_service_spec *spec, cJSON *value)
{
	cJSON *json = cJSON_CreateObject();
	char port[16];
	int failed = 0;

	snprintf(port, sizeof port, "%hu/tcp", spec->port);
	mc_docker_put(json, port, value, &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

static cJSON *port_bindings(const struct mc_engine_service_spec *spec)
{
	cJSON *bindings = cJSON_CreateArray(), *binding = cJSON_CreateObject();
	char port[16];
	int failed = 0;

	snprintf(port, sizeof port, "%u", (unsigned)(spec->host_port ? spec->host_port : spec->port));
	mc_docker_put(binding, "HostIp", cJSON_CreateString(spec->host_address), &failed);
	mc_docker_put(binding, "HostPort", cJSON_CreateString(port), &failed);
	if (!cJSON_AddItemToArray(bindings, binding)) {
		cJSON_Delete(binding);
		failed = -ENOMEM;
	}
	if (!failed)
		return by_port(spec, bindings);
	cJSON_Delete(bindings);
	return NULL;
}

/* "VOLUME:PATH:z": what the image has at that path becomes the content of a volume that is empty, and its owner the
 * volume's; z: where SELinux is on, containers may use a directory of the host. */
static void add_bind(cJSON *list, const char *source, const char *path, const char *options, int *failed)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	mc_buffer_printf(&text, "%s:%s:%s", source, path, options);
	if (text.failed || !cJSON_AddItemToArray(list, cJSON_CreateString(text.data)))
		*failed = -ENOMEM;
}

static void add_volume(const struct mc_docker *docker, cJSON *list, const char *volume, const char *path,
	const char *options, int *failed)
{
	MC_CLEANUP(free_pointer) char *source = mc_docker_engine_name(docker, volume, "");

	if (source)
		add_bind(list, source, path, options, failed);
	else
		*failed = -ENOMEM;
}

static cJSON *binds(const struct mc_docker *docker, const struct mc_engine_service_spec *spec)
{
	cJSON *list = cJSON_CreateArray();
	int failed = 0;

	if (spec->volume)
		add_volume(docker, list, spec->volume, spec->volume_path, "z", &failed);
	if (spec->source)
		add_volume(docker, list, spec->source, spec->source_path, "ro,z", &failed);
	if (spec->sockets)
		add_volume(docker, list, spec->sockets, spec->sockets_path, "z", &failed);
	if (spec->folder)
		add_bind(list, spec->folder, spec->folder_path, "z", &failed);
	if (!failed)
		return list;
	cJSON_Delete(list);
	return NULL;
}

static cJSON *log_config(void)
{
	cJSON *json = cJSON_CreateObject(), *options = cJSON_CreateObject();
	int failed = 0;

	mc_docker_put(options, "max-size", cJSON_CreateString(LOG_SIZE), &failed);
	mc_docker_put(options, "max-file", cJSON_CreateString(LOG_FILES), &failed);
	mc_docker_put(json, "Type", cJSON_CreateString("json-file"), &failed);
	mc_docker_put(json, "Config", options, &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* https://docs.kernel.org/networking/ip-sysctl.html */
static cJSON *sysctls(void)
{
	static const struct {
		const char *name, *value;
	} settings[] = {
		/* A peer that is cut off is given up after 6 s, not 15 minutes. A database whose slave comes back
		 * before that waits for the end of its former connection, and serves nobody meanwhile. */
		{"net.ipv4.tcp_retries2", "4"},
		/* So who waits for an answer may have been given up by the peer without hearing of it. He asks after 5
		 * s, and is told, or gives up after 10 s, not 2 hours. */
		{"net.ipv4.tcp_keepalive_time", "5"},
		{"net.ipv4.tcp_keepalive_intvl", "1"},
		{"net.ipv4.tcp_keepalive_probes", "5"},
		/* The directory serves at 389, and isn't root. Docker's default, not podman's. */
		{"net.ipv4.ip_unprivileged_port_start", "0"},
	};
	cJSON *json = cJSON_CreateObject();
	int failed = 0;

	for (size_t i = 0; i < MC_COUNT(settings); i++)
		mc_docker_put(json, settings[i].name, cJSON_CreateString(settings[i].value), &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

static cJSON *host_config(const struct mc_docker *docker, const struct mc_engine_service_spec *spec)
{
	cJSON *json = cJSON_CreateObject(), *restart = cJSON_CreateObject();
	int failed = 0;

	mc_docker_put(json, "Sysctls", sysctls(), &failed);
	/* The region decides when something is started again, and the tree shows that it died. */
	mc_docker_put(restart, "Name", cJSON_CreateString("no"), &failed);
	mc_docker_put(json, "RestartPolicy", restart, &failed);
	mc_docker_put(json, "Init", cJSON_CreateTrue(), &failed);
	mc_docker_put(json, "NetworkMode", cJSON_CreateString(docker->cloud), &failed);
	mc_docker_put(json, "LogConfig", log_config(), &failed);
	if (spec->host_address)
		mc_docker_put(json, "PortBindings", port_bindings(spec), &failed);
	if (spec->volume || spec->source || spec->sockets || spec->folder)
		mc_docker_put(json, "Binds", binds(docker, spec), &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* {"EndpointsConfig": {CLOUD: {"Aliases": [HOST, ALIAS]}}} */
static cJSON *networking(const struct mc_docker *docker, const struct mc_engine_service_spec *spec)
{
	cJSON *json = cJSON_CreateObject(), *all = cJSON_CreateObject();
	int failed = 0;

	mc_docker_put(all, docker->cloud, mc_docker_endpoint(spec->host, spec->alias), &failed);
	mc_docker_put(json, "EndpointsConfig", all, &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

static cJSON *container_json(const struct mc_docker *docker, const struct mc_engine_service_spec *spec)
{
	cJSON *json = cJSON_CreateObject();
	int failed = 0;

	mc_docker_put(json, "Image", cJSON_CreateString(spec->image), &failed);
	if (spec->command)
		mc_docker_put(json, "Cmd", words(NULL, spec->command), &failed);
	if (spec->is_root)
		mc_docker_put(json, "User", cJSON_CreateString("0:0"), &failed);
	mc_docker_put(json, "Labels", mc_docker_labels(docker, spec->name, spec->labels), &failed);
	if (strlen(spec->name) < 64) /* the kernel's limit for a host name */
		mc_docker_put(json, "Hostname", cJSON_CreateString(spec->host), &failed);
	mc_docker_put(json, "StopTimeout", cJSON_CreateNumber(spec->stop_seconds), &failed);
	if (spec->health)
		mc_docker_put(json, "Healthcheck", health_check(docker, spec), &failed);
	if (spec->port)
		mc_docker_put(json, "ExposedPorts", by_port(spec, cJSON_CreateObject()), &failed);
	mc_docker_put(json, "HostConfig", host_config(docker, spec), &failed);
	mc_docker_put(json, "NetworkingConfig", networking(docker, spec), &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* Says whose the container is that has the name we want: -EEXIST when it is service NAME's after all. */
static int name_taken(struct mc_docker *docker, struct mc_call *call, const char *engine_name, const char *name,
	struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *json = NULL;

	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("containers", engine_name, "json"));
	if (mc_docker_json(docker, call, &ask, &json, NULL, "can't look") < 0)
		return mc_docker_error(error, EBUSY, "the container name %s is taken", engine_name);
	mc_docker_settle_container(json);
	const cJSON *labels = mc_docker_member(json, "Config", "Labels");
	const char *cloud = mc_docker_text(labels, MC_DOCKER_LABEL_CLOUD);
	if (strcmp(cloud, docker->cloud) == 0 && strcmp(mc_docker_text(labels, MC_DOCKER_LABEL_NAME), name) == 0)
		return mc_docker_error(error, EEXIST, "cloud %s has a container %s already", docker->cloud, name);
	return mc_docker_error(error, EBUSY, "the container name %s is taken by %s%s (image %s)", engine_name,
		*cloud ? "cloud " : "somebody else's container", cloud,
		mc_docker_text(mc_docker_member(json, "Config", NULL), "Image"));
}

/* Makes CLOUD-NAME.new; REF gets its id. */
static int post_container(struct mc_docker *docker, struct mc_call *call, const struct mc_engine_service_spec *spec,
	struct mc_docker_ref *ref, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	MC_CLEANUP(free_pointer) char *name = mc_docker_engine_name(docker, spec->name, MC_DOCKER_UNFINISHED);

	if (!name)
		return mc_docker_error(error, ENOMEM, "no memory");
	mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("containers", "create"));
	ask.http.query = (struct mc_http_param[]){{"name", name}, {NULL, NULL}};
	mc_docker_ask_body(&ask, container_json(docker, spec));
	int r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0)
		return r;
	if (response.status == 404 && response.body.data && strcasestr(response.body.data, "image"))
		return mc_docker_error(error, ENOENT,
			"%s can't be made: image %s is missing in the engine; " MC_IMAGES_MAKER " makes "
			"it",
			spec->name, spec->image);
	if (response.status == 409)
		return name_taken(docker, call, name, "", error);
	if (response.status != 201 && response.status != 200)
		return mc_docker_fail(&response, error, "can't make %s", spec->name);
	json = cJSON_ParseWithLength(response.body.data ? response.body.data : "", response.body.size);
	const char *id = mc_docker_text(json, "Id");
	if (!*id || strlen(id) >= sizeof ref->id)
		return mc_docker_error(error, EIO, "the engine doesn't tell the id of the new %s", spec->name);
	memcpy(ref->id, id, strlen(id) + 1);
	return 0;
}

int mc_docker_rename(
	struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(free_pointer) char *name = mc_docker_engine_name(docker, ref->name, "");

	if (!name)
		return mc_docker_error(error, ENOMEM, "no memory");
	mc_docker_ask_container(&ask, "POST", ref, "rename");
	ask.http.query = (struct mc_http_param[]){{"name", name}, {NULL, NULL}};
	int r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0 || (response.status >= 200 && response.status < 300))
		return r;
	if (response.status == 409)
		return name_taken(docker, call, name, ref->name, error);
	return mc_docker_fail(&response, error, "can't give %s its name", ref->name);
}

static int make_missing_volume(struct mc_docker *docker, struct mc_call *call, const char *volume,
	const struct mc_engine_label *labels, const char *device, struct mc_error *error)
{
	int r = mc_docker_volume_create(&docker->engine, call, volume, NULL, labels, device, error);

	return r == -EEXIST ? 0 : r;
}

/* The caller holds the name. */
static int create_container(struct mc_docker *docker, struct mc_call *call, const struct mc_engine_service_spec *spec,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct mc_docker_ref ref = {.name = spec->name};

	int r = mc_docker_find(docker, call, spec->name, &ref, error);
	if (r == 0)
		return mc_docker_error(error, EEXIST, "cloud %s has a container %s already", docker->cloud, spec->name);
	if (r == -ENOENT)
		r = mc_docker_sweep(docker, call, spec->name, error);
	if (r == 0)
		r = mc_docker_check_spare(docker, spec->labels, error);
	if (r == 0)
		r = mc_docker_prepare(&docker->engine, call, error);
	/* Ours, or there is none of that name: else the engine would mount somebody else's. */
	if (r == 0 && spec->volume)
		r = make_missing_volume(docker, call, spec->volume, spec->labels, spec->volume_device, error);
	if (r == 0 && spec->source)
		r = make_missing_volume(docker, call, spec->source, spec->labels, spec->source_device, error);
	if (r == 0 && spec->sockets)
		r = make_missing_volume(docker, call, spec->sockets, NULL, NULL, error);
	if (r == 0)
		r = post_container(docker, call, spec, &ref, error);
	if (r < 0)
		return r;
	r = mc_docker_put_files(docker, call, &ref, files, n_files, error);
	if (r == 0)
		r = mc_docker_rename(docker, call, &ref, error);
	if (r < 0) {
		/* Also when the asker has gone or its time is over. Anything that can't be removed now is removed by
		 * the next create, remove or clear. */
		MC_CLEANUP(call) struct mc_call *own = mc_call_new(docker->timeout_ms);
		if (own)
			mc_docker_remove(docker, own, &ref, NULL);
	}
	return r;
}

int mc_docker_create(struct mc_engine *engine, struct mc_call *call, const struct mc_engine_service_spec *spec,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);

	if (!mc_docker_name_ok(spec->name) || !mc_docker_labels_ok(spec->labels))
		return mc_docker_error(
			error, EINVAL, "\"%s\" can't be a container's name, or its labels' names are bad", spec->name);
	int r = mc_docker_hold(docker, call, spec->name, error);
	if (r < 0)
		return r;
	r = create_container(docker, call, spec, files, n_files, error);
	mc_docker_release(docker, spec->name);
	return mc_docker_result(r, error);
}
