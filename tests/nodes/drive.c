/* SPDX-License-Identifier: MIT */
#include "mcloud/call.h"
#include "mcloud/engine.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* drive SOCKET DIRECTORY CLOUD: the engine of the Swarm whose manager is at SOCKET, with the certificates in DIRECTORY
 * (ca.pem, cert.pem, key.pem). Each line of its input is a command with its arguments, whose answer ends with "= ok" or
 * "= ERRNO SENTENCE"; an event, or a line of a log that is followed, begins with "! ", whenever it comes. */

#define CALL_MS 60000

static struct mc_engine *engine;
static struct mc_engine_follow *followed;

static void on_event(void *data, const struct mc_engine_event *event)
{
	static const char *const kinds[] = {
		[MC_ENGINE_SERVICE] = "service",
		[MC_ENGINE_GONE] = "gone",
		[MC_ENGINE_CONNECTED] = "connected",
		[MC_ENGINE_DISCONNECTED] = "disconnected",
		[MC_ENGINE_NODE] = "node",
	};

	(void)data;
	printf("! %s %s %s%s%s\n", kinds[event->kind], event->name ? event->name : "-",
		event->state ? event->state : "-", event->text ? " " : "", event->text ? event->text : "");
}

static void on_text(void *data, const char *text, size_t size)
{
	(void)data;
	printf("! log %.*s", (int)size, text);
}

static void on_end(void *data)
{
	(void)data;
	printf("! log end\n");
}

static int nodes(struct mc_call *call, char **words, struct mc_error *error)
{
	struct mc_engine_node_list list = {0};
	int r = engine->ops->nodes(engine, call, &list, error);

	(void)words;
	for (size_t i = 0; i < list.count; i++)
		printf("%s %s %s%s%s\n", list.items[i].name, list.items[i].address, list.items[i].state,
			list.items[i].is_here ? " here" : "", list.items[i].takes_regions ? " takes" : "");
	mc_engine_node_list_clear(&list);
	return r;
}

static int list(struct mc_call *call, char **words, struct mc_error *error)
{
	struct mc_engine_service_list all = {0};
	int r = engine->ops->list(engine, call, &all, error);

	(void)words;
	for (size_t i = 0; i < all.count; i++)
		printf("%s %s %s\n", all.items[i].name, all.items[i].node, all.items[i].state);
	mc_engine_service_list_clear(&all);
	return r;
}

/* create NAME NODE IMAGE: something that says "tick" and the file that it was given, again and again, and has a volume.
 */
static int create(struct mc_call *call, char **words, struct mc_error *error)
{
	static const char *const command[] = {
		"sh", "-c", "while :; do echo tick $(cat /etc/given); sleep 0.2; done", NULL};
	static const struct mc_engine_file file = {"/etc/given", 0644, 0, 0, "given", 5};
	char volume[64];
	struct mc_engine_service_spec spec = {.name = words[1],
		.node = words[2],
		.image = words[3],
		.host = words[1],
		.volume = volume,
		.volume_path = "/data",
		.command = command,
		.stop_seconds = 1};

	snprintf(volume, sizeof volume, "%s-data", words[1]);
	return engine->ops->create(engine, call, &spec, &file, 1, error);
}

static int volume(struct mc_call *call, char **words, struct mc_error *error)
{
	return engine->ops->volume_create(engine, call, words[1], words[2], NULL, NULL, error);
}

static int volumes(struct mc_call *call, char **words, struct mc_error *error)
{
	struct mc_engine_volume_list all = {0};
	int r = engine->ops->volume_list(engine, call, &all, error);

	(void)words;
	for (size_t i = 0; i < all.count; i++)
		printf("%s\n", all.items[i].name);
	mc_engine_volume_list_clear(&all);
	return r;
}

static int drop(struct mc_call *call, char **words, struct mc_error *error)
{
	return engine->ops->volume_remove(engine, call, words[1], error);
}

static int start(struct mc_call *call, char **words, struct mc_error *error)
{
	return engine->ops->act(engine, call, words[1], MC_ENGINE_START, NULL, error);
}

static int stop(struct mc_call *call, char **words, struct mc_error *error)
{
	return engine->ops->act(engine, call, words[1], MC_ENGINE_STOP, NULL, error);
}

static int removal(struct mc_call *call, char **words, struct mc_error *error)
{
	return engine->ops->act(engine, call, words[1], MC_ENGINE_REMOVE, NULL, error);
}

/* run NAME ARGV… */
static int run(struct mc_call *call, char **words, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	int code = 0, r = engine->ops->run(engine, call, words[1], (const char *const *)words + 2, &code, &out, error);

	if (r == 0)
		printf("%s(%d)\n", out.data ? out.data : "", code);
	return r;
}

static int upload(struct mc_call *call, char **words, struct mc_error *error)
{
	struct mc_engine_file file = {"/etc/given", 0644, 0, 0, words[2], strlen(words[2])};

	return engine->ops->upload(engine, call, words[1], &file, 1, error);
}

static int stats(struct mc_call *call, char **words, struct mc_error *error)
{
	struct mc_engine_stats now = {0};
	int r = engine->ops->stats(engine, call, words[1], &now, error);

	if (r == 0)
		printf("%s %s\n", now.memory > 0 ? "memory" : "nothing", now.processes > 0 ? "processes" : "none");
	return r;
}

static int top(struct mc_call *call, char **words, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	int r = engine->ops->top(engine, call, words[1], &out, error);

	printf("%s", out.data ? out.data : "");
	return r;
}

static int log_of(struct mc_call *call, char **words, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	int r = engine->ops->log(engine, call, words[1], &out, error);

	printf("%.200s\n", out.data ? out.data : "");
	return r;
}

static int follow(struct mc_call *call, char **words, struct mc_error *error)
{
	(void)call;
	return engine->ops->follow(engine, words[1], on_text, on_end, NULL, &followed, error);
}

static int unfollow(struct mc_call *call, char **words, struct mc_error *error)
{
	(void)call;
	(void)words;
	(void)error;
	engine->ops->unfollow(followed);
	followed = NULL;
	return 0;
}

static int watch(struct mc_call *call, char **words, struct mc_error *error)
{
	(void)call;
	(void)words;
	return engine->ops->watch(engine, on_event, NULL, error);
}

static int clear(struct mc_call *call, char **words, struct mc_error *error)
{
	(void)words;
	return engine->ops->clear(engine, call, error);
}

static const struct {
	const char *name;
	int (*act)(struct mc_call *call, char **words, struct mc_error *error);
	int words;
} commands[] = {
	{"nodes", nodes, 1},
	{"list", list, 1},
	{"create", create, 4},
	{"volume", volume, 3},
	{"volumes", volumes, 1},
	{"drop", drop, 2},
	{"start", start, 2},
	{"stop", stop, 2},
	{"remove", removal, 2},
	{"run", run, 3},
	{"upload", upload, 3},
	{"stats", stats, 2},
	{"top", top, 2},
	{"log", log_of, 2},
	{"follow", follow, 2},
	{"unfollow", unfollow, 1},
	{"watch", watch, 1},
	{"clear", clear, 1},
};

static void obey(char *line)
{
	char *words[32] = {NULL}, *rest = line;
	int count = 0, r = -1;
	struct mc_error error = {0};
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(CALL_MS);

	while (count < 31 && (words[count] = strtok_r(rest, " \n", &rest)))
		count++;
	for (size_t i = 0; i < MC_COUNT(commands); i++)
		if (count >= commands[i].words && !strcmp(words[0], commands[i].name))
			r = commands[i].act(call, words, &error);
	if (r < 0)
		printf("= %s %s\n", mc_error_name(-r), error.message);
	else
		printf("= ok\n");
}

int main(int argc, char **argv)
{
	char line[4096], files[3][4096];
	static const char *const names[] = {"ca.pem", "cert.pem", "key.pem"};

	if (argc != 4) {
		fprintf(stderr, "usage: drive SOCKET DIRECTORY CLOUD\n");
		return 2;
	}
	for (int i = 0; i < 3; i++)
		snprintf(files[i], sizeof files[i], "%s/%s", argv[2], names[i]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	engine = mc_engine_swarm_new(&(struct mc_engine_place){.socket = argv[1],
					     .tls = {.cacert = files[0], .cert = files[1], .key = files[2]}},
		argv[3], NULL, CALL_MS);
	if (!engine)
		return 1;
	while (fgets(line, sizeof line, stdin))
		obey(line);
	engine->ops->free(engine);
	return 0;
}
