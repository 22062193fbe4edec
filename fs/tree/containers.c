/* SPDX-License-Identifier: MIT */
#include "fs/tree/follow.h"
#include "fs/tree/rows.h"
#include "fs/tree/text.h"

#include <stdlib.h>
#include <string.h>

/* Values come from the model and never wait; documents and commands ask the engine. */
static int show_container_value(struct mc_ask *ask, struct mc_buffer *out);
static int show_log(struct mc_ask *ask, struct mc_buffer *out);
static int show_stats(struct mc_ask *ask, struct mc_buffer *out);
static int show_top(struct mc_ask *ask, struct mc_buffer *out);
static int show_inspect(struct mc_ask *ask, struct mc_buffer *out);
static int show_region(struct mc_ask *ask, struct mc_buffer *out);
static bool has_region(struct mc_ask *ask);

static const struct mc_verb verbs[];

/* What show_container_value() shows. */
enum container_value {
	CONTAINER_STATE,
	CONTAINER_HEALTH,
	CONTAINER_IMAGE,
	CONTAINER_ID,
	CONTAINER_ADDRESS,
	CONTAINER_PORTS,
	CONTAINER_STARTED,
	CONTAINER_RESTARTS,
	CONTAINER_EXIT_CODE
};

static const struct mc_row container_rows[] = {
	MC_VALUE("state", 0444, "created, running, paused, restarting, exited, dead, unreachable",
		.show = show_container_value, .data = CONTAINER_STATE),
	MC_VALUE("health", 0444, "starting, healthy, unhealthy; none: it has no check", .show = show_container_value,
		.data = CONTAINER_HEALTH),
	MC_VALUE("image", 0444, "what it was made of", .show = show_container_value, .data = CONTAINER_IMAGE),
	MC_VALUE("id", 0444, "the engine's", .show = show_container_value, .data = CONTAINER_ID),
	MC_VALUE(
		"address", 0444, "in the cloud's own network", .show = show_container_value, .data = CONTAINER_ADDRESS),
	MC_VALUE("ports", 0444, "as reached from the host", .show = show_container_value, .data = CONTAINER_PORTS),
	MC_VALUE("started", 0444, "when it last started; -: never", .show = show_container_value,
		.data = CONTAINER_STARTED),
	MC_VALUE("restarts", 0444, "how often the engine has restarted it", .show = show_container_value,
		.data = CONTAINER_RESTARTS),
	MC_VALUE("exit_code", 0444, "of its last run", .show = show_container_value, .data = CONTAINER_EXIT_CODE),
	MC_DOCUMENT("log", 0444, "all of its log, with times", .terms = {MC_LANE_ENGINE, 1, 0}, .show = show_log),
	MC_STREAM("log.follow", 0444, "its log from now on", &mc_follow_stream, .terms = {MC_LANE_ENGINE, 1, 0},
		.unlisted = true),
	MC_DOCUMENT(
		"stats", 0444, "cpu, memory, network, block I/O", .terms = {MC_LANE_ENGINE, 1, 0}, .show = show_stats),
	MC_DOCUMENT("top", 0444, "its processes", .terms = {MC_LANE_ENGINE, 1, 0}, .show = show_top),
	MC_DOCUMENT(
		"inspect.json", 0600, "the engine's own answer", .terms = {MC_LANE_ENGINE, 1, 0}, .show = show_inspect),
	MC_CONTROL("ctl", 0600, "start, stop, restart, kill, pause, unpause", verbs, .terms = {MC_LANE_ENGINE, 6, 0}),
	MC_LINK("region", 0777, "whose it is", .show = show_region, .present = has_region),
	MC_END,
};

static void mc_cleanup_service(struct mc_engine_service *service)
{
	int saved = errno;
	mc_engine_service_clear(service);
	errno = saved;
}

static int look_at_container(struct mc_ask *ask, struct mc_engine_service *ret_service)
{
	const char *name = mc_ask_key(ask, MC_KEY_CONTAINER);
	int r = mc_cloud_service(ask->cloud, name, ret_service);
	if (r == -ENOENT)
		return mc_error_set(ask->error, ENOENT, "there is no container %s", name);
	return r < 0 ? mc_error_errno(ask->error, -r, "can't look at container %s", name) : 0;
}

static void add_text(struct mc_buffer *out, const char *text, const char *none)
{
	mc_buffer_text(out, text && *text ? text : none);
}

static void add_service_value(
	struct mc_buffer *out, const struct mc_engine_service *service, enum container_value value)
{
	char time[32] = "-";
	switch (value) {
	case CONTAINER_STATE:
		add_text(out, service->state, "");
		break;
	case CONTAINER_HEALTH:
		add_text(out, service->health, "none");
		break;
	case CONTAINER_IMAGE:
		add_text(out, service->image, "");
		break;
	case CONTAINER_ID:
		add_text(out, service->id, "");
		break;
	case CONTAINER_ADDRESS:
		add_text(out, service->address, "-");
		break;
	case CONTAINER_PORTS:
		add_text(out, service->ports, "-");
		break;
	case CONTAINER_STARTED:
		if (service->started > 0)
			mc_format_time(service->started, time, sizeof(time));
		mc_buffer_text(out, time);
		break;
	case CONTAINER_RESTARTS:
		mc_buffer_printf(out, "%u", service->restarts);
		break;
	case CONTAINER_EXIT_CODE:
		mc_buffer_printf(out, "%d", service->exit_code);
		break;
	}
}

static int show_container_value(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(service) struct mc_engine_service service = {0};
	int r = look_at_container(ask, &service);
	if (r == 0)
		add_service_value(out, &service, (enum container_value)mc_ask_data(ask));
	return r;
}

static int show_log(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_engine *engine = mc_cloud_engine(ask->cloud);
	int r = engine->ops->log(engine, ask->call, mc_ask_key(ask, MC_KEY_CONTAINER), out, ask->error);
	return r < 0 ? r : mc_text_check(out, ask->error);
}

static int show_stats(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_engine *engine = mc_cloud_engine(ask->cloud);
	struct mc_engine_stats stats = {0};
	int r = engine->ops->stats(engine, ask->call, mc_ask_key(ask, MC_KEY_CONTAINER), &stats, ask->error);
	if (r < 0)
		return r;
	const struct {
		const char *name;
		uint64_t bytes;
	} sizes[] = {{"memory", stats.memory}, {"memory limit", stats.memory_limit}, {"received", stats.net_received},
		{"sent", stats.net_sent}, {"read", stats.block_read}, {"written", stats.block_written}};
	mc_buffer_printf(
		out, "%-13s %15.2f %%\n%-13s %15u\n", "cpu:", stats.cpu_percent, "processes:", stats.processes);
	for (size_t i = 0; i < MC_COUNT(sizes); i++) {
		int pad = 12 - (int)strlen(sizes[i].name);
		mc_buffer_printf(out, "%s:%*s %15llu B\n", sizes[i].name, pad, "", (unsigned long long)sizes[i].bytes);
	}
	return mc_text_check(out, ask->error);
}

static int show_top(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_engine *engine = mc_cloud_engine(ask->cloud);
	int r = engine->ops->top(engine, ask->call, mc_ask_key(ask, MC_KEY_CONTAINER), out, ask->error);
	return r < 0 ? r : mc_text_check(out, ask->error);
}

static int show_inspect(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_engine *engine = mc_cloud_engine(ask->cloud);
	MC_CLEANUP(free_pointer) char *json = NULL;
	int r = engine->ops->inspect(engine, ask->call, mc_ask_key(ask, MC_KEY_CONTAINER), &json, ask->error);
	return r ? r : mc_text_json(out, json, strlen(json), "the engine's answer", ask->error);
}

static int show_region(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(service) struct mc_engine_service service = {0};
	int r = look_at_container(ask, &service);
	if (r == 0 && (!service.region || !*service.region))
		r = mc_error_set(ask->error, ENOENT, "container %s belongs to all regions", service.name);
	if (r == 0)
		mc_buffer_printf(out, "../../regions/%s", service.region);
	return r;
}

static bool has_region(struct mc_ask *ask)
{
	MC_CLEANUP(service) struct mc_engine_service service = {0};
	return look_at_container(ask, &service) == 0 && service.region && *service.region;
}

/* A signal follows the verb. */
static int act_on_container(struct mc_ask *ask, char **words, unsigned n_words)
{
	enum mc_engine_action action = (enum mc_engine_action)ask->verb->data;
	return mc_cloud_act(ask->cloud, ask->call, mc_ask_key(ask, MC_KEY_CONTAINER), action, n_words ? words[0] : NULL,
		ask->error);
}

static bool is_down(const struct mc_engine_service *service)
{
	return strcmp(service->state, "exited") == 0 || strcmp(service->state, "created") == 0 ||
	       strcmp(service->state, "dead") == 0;
}

static bool container_allows(struct mc_ask *ask)
{
	MC_CLEANUP(service) struct mc_engine_service service = {0};
	(void)look_at_container(ask, &service);
	switch ((enum mc_engine_action)ask->verb->data) {
	case MC_ENGINE_START:
		return is_down(&service);
	case MC_ENGINE_STOP:
	case MC_ENGINE_KILL:
		return !is_down(&service);
	case MC_ENGINE_PAUSE:
		return strcmp(service.state, "running") == 0;
	case MC_ENGINE_UNPAUSE:
		return strcmp(service.state, "paused") == 0;
	case MC_ENGINE_RESTART:
	case MC_ENGINE_REMOVE:
		break;
	}
	return true;
}

static const struct mc_verb verbs[] = {
	MC_VERB("start", "", "run it", .run = act_on_container, .possible = container_allows, .data = MC_ENGINE_START),
	MC_VERB("stop", "", "ask it to end, and kill it when it takes too long", .run = act_on_container,
		.possible = container_allows, .data = MC_ENGINE_STOP),
	MC_VERB("restart", "", "stop, then start", .run = act_on_container, .data = MC_ENGINE_RESTART),
	MC_VERB("kill", "[SIGNAL]", "send it SIGKILL, or another signal", .max = 1, .run = act_on_container,
		.possible = container_allows, .data = MC_ENGINE_KILL),
	MC_VERB("pause", "", "freeze all its processes", .run = act_on_container, .possible = container_allows,
		.data = MC_ENGINE_PAUSE),
	MC_VERB("unpause", "", "let them go on", .run = act_on_container, .possible = container_allows,
		.data = MC_ENGINE_UNPAUSE),
	MC_END,
};

static const struct mc_directory_type container = {.rows = container_rows};

static int list_cloud_containers(struct mc_ask *ask, struct mc_entries *entries)
{
	struct mc_engine_service_list services = {0};
	int r = mc_cloud_services(ask->cloud, &services);
	for (size_t i = 0; r == 0 && i < services.count; i++) {
		const struct mc_engine_service *service = &services.items[i];
		double when = service->started > service->created ? service->started : service->created;
		mc_entries_add(entries, service->name, service->name, NULL,
			&(struct mc_attributes){.size = -1, .mtime = when});
	}
	mc_engine_service_list_clear(&services);
	return r < 0 || entries->failed ? mc_error_set(ask->error, ENOMEM, "out of memory") : 0;
}

static const struct mc_row container_row =
	MC_DIRECTORY("CONTAINER", 0555, "one container; regions make and remove them", &container);

const struct mc_directory_type mc_tree_containers = {
	.key = MC_KEY_CONTAINER,
	.entry = &container_row,
	.list = list_cloud_containers,
};
