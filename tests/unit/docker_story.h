/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DOCKER_STORY_H
#define TESTS_DOCKER_STORY_H

#include "docker_world.h"

#include <pthread.h>
#include <time.h>

/* What handlers in other threads were told, as text. */
struct story {
	pthread_mutex_t lock; /* guards the text */
	pthread_cond_t news;
	struct mc_buffer text;
};

static inline void tell(struct story *story, const char *text, size_t size)
{
	pthread_mutex_lock(&story->lock);
	mc_buffer_add(&story->text, text, size);
	pthread_cond_broadcast(&story->news);
	pthread_mutex_unlock(&story->lock);
}

static inline void assert_story(struct story *story, const char *expected)
{
	struct timespec end;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	pthread_mutex_lock(&story->lock);
	while (story->text.size < strlen(expected) && r == 0)
		r = pthread_cond_timedwait(&story->news, &story->lock, &end);
	assert_string_equal(story->text.data ? story->text.data : "", expected);
	mc_buffer_free(&story->text);
	pthread_mutex_unlock(&story->lock);
}

static inline struct story story_new(void)
{
	return (struct story){.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};
}

static inline void story_free(struct story *story)
{
	mc_buffer_free(&story->text);
	pthread_cond_destroy(&story->news);
	pthread_mutex_destroy(&story->lock);
}

#define EVENT(action, attributes)                                                                                      \
	"{\"Type\":\"container\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"1\",\"Attributes\":{"                   \
	"\"org.mcloudfs.cloud\":\"try\",\"org.mcloudfs.name\":\"svc\",\"name\":\"try-svc\"" attributes "}},"           \
	"\"timeNano\":1795395600500000000}"

static inline void on_event(void *data, const struct mc_engine_event *event)
{
	static const char *const kinds[] = {
		[MC_ENGINE_SERVICE] = "service",
		[MC_ENGINE_GONE] = "gone",
		[MC_ENGINE_CONNECTED] = "connected",
		[MC_ENGINE_DISCONNECTED] = "disconnected",
		[MC_ENGINE_NODE] = "node",
	};
	char text[128];

	int length = snprintf(text, sizeof text, "%s %s %s;", kinds[event->kind], event->name ? event->name : "-",
		event->state ? event->state : "-");
	tell(data, text, (size_t)length);
}

/* `since` is a time: it is left out of what is compared. */
static inline void check_events(void *data, const struct fake_request *request)
{
	static const char filters[] =
		"{\"type\":[\"container\",\"network\"],\"event\":[\"create\",\"rename\",\"update\",\"start\",\"die\","
		"\"died\","
		"\"pause\",\"unpause\",\"destroy\",\"remove\",\"health_status\",\"connect\",\"disconnect\"]}";
	struct world *world = data;
	const char *query = strstr(request->target, "&filters=");
	char expected[1024];

	encode(expected, sizeof expected, "&filters=", filters);
	if (strncmp(request->target, API "/events?since=1", strlen(API "/events?since=1")) != 0 || !query ||
		strcasecmp(query, expected) != 0)
		fake_http_complain(world->server, "events are asked for by %s", request->target);
}

static inline unsigned expect_events(struct world *world, const struct fake_step *how)
{
	struct fake_step step = *how;

	step.method = "GET";
	step.check = check_events;
	step.data = world;
	return fake_http_expect(world->server, &step);
}

#endif
