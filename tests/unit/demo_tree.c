/* SPDX-License-Identifier: MIT */
#include "demo_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void demo_init(struct mc_cloud *cloud)
{
	*cloud = (struct mc_cloud){.name = "demo", .many = 10, .present = true, .file_mode = 0400};
	pthread_mutex_init(&cloud->lock, NULL);
	pthread_cond_init(&cloud->opened, NULL);
	cloud->file = calloc(1, DEMO_FILE);
	if (!cloud->file)
		abort();
}

void demo_clear(struct mc_cloud *cloud)
{
	free(cloud->file);
	pthread_cond_destroy(&cloud->opened);
	pthread_mutex_destroy(&cloud->lock);
}

void demo_gate(struct mc_cloud *cloud, bool open)
{
	pthread_mutex_lock(&cloud->lock);
	cloud->gate_open = open;
	pthread_cond_broadcast(&cloud->opened);
	pthread_mutex_unlock(&cloud->lock);
}

void demo_tell(struct mc_fs *fs, struct mc_cloud *cloud, const char *text)
{
	pthread_mutex_lock(&cloud->lock);
	size_t size = strlen(text);
	if (cloud->news_size + size <= sizeof cloud->news) {
		memcpy(cloud->news + cloud->news_size, text, size);
		cloud->news_size += size;
	}
	pthread_mutex_unlock(&cloud->lock);
	mc_fs_wake(fs);
}

/* The one function of the cloud that the core of fs/ calls. */
int mc_region_serving(struct mc_cloud *cloud, const char *name, struct mc_error *error)
{
	int serving = atomic_load(&cloud->serving);
	(void)name;
	return serving < 0 ? mc_error_set(error, -serving, "the region is stopped") : serving;
}

static int show_name(struct mc_ask *ask, struct mc_buffer *out)
{
	pthread_mutex_lock(&ask->cloud->lock);
	mc_buffer_text(out, ask->cloud->name);
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int store_name(struct mc_ask *ask, const char *value, size_t size)
{
	if (size >= sizeof ask->cloud->name)
		return mc_error_set(ask->error, EINVAL, "a name of %zu bytes is too long", size);
	pthread_mutex_lock(&ask->cloud->lock);
	memcpy(ask->cloud->name, value, size + 1);
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int show_text(struct mc_ask *ask, struct mc_buffer *out)
{
	pthread_mutex_lock(&ask->cloud->lock);
	mc_buffer_text(out, ask->cloud->text);
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int store_text(struct mc_ask *ask, const char *value, size_t size)
{
	atomic_fetch_add(&ask->cloud->stores, 1);
	if (strstr(value, "bad") || (!size && atomic_load(&ask->cloud->not_empty)))
		return mc_error_set(ask->error, EINVAL, size ? "that is bad" : "it can't be empty");
	pthread_mutex_lock(&ask->cloud->lock);
	memcpy(ask->cloud->text, value, size + 1);
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int show_doc(struct mc_ask *ask, struct mc_buffer *out)
{
	(void)ask;
	for (int i = 0; i < 20000; i++)
		mc_buffer_printf(out, "line %d\n", i);
	return 0;
}

static int show_broken(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_text(out, "half of it");
	mc_error_set(ask->error, EIO, "the service has failed");
	ask->error->http_status = 503;
	return -EIO;
}

static void remember(struct mc_ask *ask, const char *what, const char *word)
{
	pthread_mutex_lock(&ask->cloud->lock);
	snprintf(ask->cloud->last, sizeof ask->cloud->last, "%s %s", what, word);
	pthread_mutex_unlock(&ask->cloud->lock);
}

static int run_start(struct mc_ask *ask, char **words, unsigned n_words)
{
	remember(ask, "start", n_words ? words[0] : "");
	return 0;
}

static int run_set(struct mc_ask *ask, char **words, unsigned n_words)
{
	(void)n_words;
	remember(ask, words[0], words[1]);
	return 0;
}

static int run_busy(struct mc_ask *ask, char **words, unsigned n_words)
{
	(void)words;
	(void)n_words;
	return mc_error_set(ask->error, EBUSY, "not now");
}

static bool never(struct mc_ask *ask)
{
	(void)ask;
	return false;
}

static const struct mc_verb verbs[] = {
	{"start", "[NAME]", "starts it", 0, 1, run_start, NULL},
	{"set", "NAME VALUE", "sets it", 2, 2, run_set, NULL},
	{"busy", "", "can't be done now", 0, 0, run_busy, never},
	{0},
};

/* A stream tells the news from the beginning on. */
static int open_news(struct mc_ask *ask, void **ret_state)
{
	(void)ask;
	*ret_state = calloc(1, sizeof(size_t));
	return *ret_state ? 0 : -ENOMEM;
}

static ssize_t read_news(struct mc_fs *fs, void *state, void *to, size_t size)
{
	struct mc_cloud *cloud = fs->cloud;
	size_t *at = state;
	ssize_t got = -EAGAIN;
	pthread_mutex_lock(&cloud->lock);
	if (*at < cloud->news_size) {
		if (size > cloud->news_size - *at)
			size = cloud->news_size - *at;
		memcpy(to, cloud->news + *at, size);
		*at += size;
		got = (ssize_t)size;
	} else if (cloud->news_over) {
		got = 0;
	}
	pthread_mutex_unlock(&cloud->lock);
	return got;
}

static void close_news(struct mc_fs *fs, void *state)
{
	(void)fs;
	free(state);
}

static const struct mc_stream_type news = {open_news, read_news, close_news};

/* Waits at the gate as a backend waits for a service: within the call. */
static int show_slow(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_cloud *cloud = ask->cloud;
	int result = 0;
	atomic_fetch_add(&cloud->slow_now, 1);
	pthread_mutex_lock(&cloud->lock);
	bool open = cloud->gate_open;
	pthread_mutex_unlock(&cloud->lock);
	while (!open && result == 0) {
		struct pollfd descriptor = {.fd = mc_call_fd(ask->call), .events = POLLIN};
		(void)poll(&descriptor, 1, 5);
		result = mc_call_check(ask->call);
		pthread_mutex_lock(&cloud->lock);
		open = cloud->gate_open;
		pthread_mutex_unlock(&cloud->lock);
	}
	atomic_fetch_sub(&cloud->slow_now, 1);
	mc_buffer_text(out, "at last");
	return open ? 0 : mc_error_set(ask->error, -result, "the service doesn't answer");
}

static int has_settled(struct mc_ask *ask)
{
	return atomic_load(&ask->cloud->settled) == 1;
}

static int show_wait(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_text(out, atomic_load(&ask->cloud->settled) == 2 ? "failed: no room\n" : "ready\n");
	return 0;
}

static int wait_end(struct mc_ask *ask)
{
	return atomic_load(&ask->cloud->settled) == 2 ? mc_error_set(ask->error, EIO, "the region failed") : 0;
}

static bool is_present(struct mc_ask *ask)
{
	return atomic_load(&ask->cloud->present);
}

static int show_key(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_text(out, mc_ask_key(ask, MC_KEY_USER));
	return 0;
}

static int show_link(struct mc_ask *ask, struct mc_buffer *out)
{
	(void)ask;
	mc_buffer_text(out, "../../name");
	return 0;
}

static const struct mc_row thing_rows[] = {
	{.name = "id", .kind = MC_KIND_VALUE, .mode = 0444, .show = show_key},
	{.name = "up", .kind = MC_KIND_LINK, .mode = 0777, .show = show_link},
	{0},
};

static const struct mc_directory_type thing = {.rows = thing_rows};
static const struct mc_row thing_entry = {
	.name = "THING", .kind = MC_KIND_DIRECTORY, .mode = 0755, .directory = &thing};

static int list_things(struct mc_ask *ask, struct mc_entries *entries)
{
	atomic_fetch_add(&ask->cloud->lists, 1);
	pthread_mutex_lock(&ask->cloud->lock);
	for (unsigned i = 0; i < ask->cloud->n_things; i++)
		mc_entries_add(entries, ask->cloud->things[i].name, ask->cloud->things[i].key, NULL, NULL);
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

/* With the lock held. */
static struct demo_thing *find_locked(struct mc_cloud *cloud, const char *name)
{
	for (unsigned i = 0; i < cloud->n_things; i++)
		if (!strcasecmp(cloud->things[i].name, name))
			return &cloud->things[i];
	return NULL;
}

/* Finds names in any case, as MariaDB does. */
static int find_thing(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	atomic_fetch_add(&ask->cloud->finds, 1);
	pthread_mutex_lock(&ask->cloud->lock);
	struct demo_thing *found = find_locked(ask->cloud, name);
	if (found) {
		ret->name = strdup(found->name);
		ret->key = strdup(found->key);
	}
	pthread_mutex_unlock(&ask->cloud->lock);
	return found ? 0 : -ENOENT;
}

static int make_thing(struct mc_ask *ask, const char *name)
{
	struct mc_cloud *cloud = ask->cloud;
	int result = 0;
	pthread_mutex_lock(&cloud->lock);
	if (find_locked(cloud, name)) {
		result = mc_error_set(ask->error, EEXIST, "there is a thing of that name");
	} else if (cloud->n_things == DEMO_THINGS || strlen(name) >= sizeof cloud->things[0].name) {
		result = mc_error_set(ask->error, ENOSPC, "no room");
	} else {
		struct demo_thing *made = &cloud->things[cloud->n_things++];
		snprintf(made->name, sizeof made->name, "%s", name);
		snprintf(made->key, sizeof made->key, "%08ukey", cloud->next_key++);
	}
	pthread_mutex_unlock(&cloud->lock);
	return result;
}

static int remove_thing(struct mc_ask *ask)
{
	struct mc_cloud *cloud = ask->cloud;
	const char *key = mc_ask_key(ask, MC_KEY_USER);
	int result = -ENOENT;
	pthread_mutex_lock(&cloud->lock);
	for (unsigned i = 0; i < cloud->n_things; i++) {
		if (strcmp(cloud->things[i].key, key) != 0)
			continue;
		cloud->things[i] = cloud->things[--cloud->n_things];
		result = 0;
		break;
	}
	pthread_mutex_unlock(&cloud->lock);
	return result;
}

static int rename_thing(struct mc_ask *ask, struct mc_node *to, const char *name, unsigned flags)
{
	struct mc_cloud *cloud = ask->cloud;
	const char *key = mc_ask_key(ask, MC_KEY_USER);
	int result = -ENOENT;
	(void)to;
	(void)flags;
	pthread_mutex_lock(&cloud->lock);
	for (unsigned i = 0; i < cloud->n_things; i++) {
		if (strcmp(cloud->things[i].key, key) != 0)
			continue;
		snprintf(cloud->things[i].name, sizeof cloud->things[i].name, "%s", name);
		result = 0;
	}
	pthread_mutex_unlock(&cloud->lock);
	return result;
}

static const struct mc_directory_type things = {.key = MC_KEY_USER,
	.entry = &thing_entry,
	.list = list_things,
	.find = find_thing,
	.make = make_thing,
	.remove = remove_thing,
	.rename = rename_thing};

/* The same through a lane, without `find`. */
static const struct mc_directory_type listed_things = {.key = MC_KEY_USER,
	.entry = &thing_entry,
	.terms.lane = MC_LANE_KEYSTONE,
	.list = list_things,
	.make = make_thing,
	.remove = remove_thing};

/* Once more, with names that the kernel may keep for a while. */
static const struct mc_directory_type leased_things = {.key = MC_KEY_USER,
	.entry = &thing_entry,
	.terms.lane = MC_LANE_KEYSTONE,
	.leases_names = true,
	.list = list_things};

static const struct mc_row link_entry;

static int list_links(struct mc_ask *ask, struct mc_entries *entries)
{
	pthread_mutex_lock(&ask->cloud->lock);
	for (unsigned i = 0; i < ask->cloud->n_links; i++)
		mc_entries_add(entries, ask->cloud->links[i], ask->cloud->links[i], NULL, NULL);
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int make_link(struct mc_ask *ask, const char *name, const char *target, struct mc_node *pointed)
{
	struct mc_cloud *cloud = ask->cloud;
	const char *key = pointed ? mc_node_key(pointed, MC_KEY_USER) : NULL;

	if (!key)
		return mc_error_set(ask->error, EINVAL, "%s is no thing", target);
	pthread_mutex_lock(&cloud->lock);
	snprintf(cloud->linked_key, sizeof cloud->linked_key, "%s", key);
	snprintf(cloud->links[cloud->n_links++ % DEMO_THINGS], sizeof cloud->links[0], "%s", name);
	pthread_mutex_unlock(&cloud->lock);
	return 0;
}

static int remove_link(struct mc_ask *ask)
{
	pthread_mutex_lock(&ask->cloud->lock);
	ask->cloud->n_links = 0;
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static const struct mc_row link_entry = {
	.name = "LINK", .kind = MC_KIND_LINK, .mode = 0777, .show = show_link, .remove = remove_link};
static const struct mc_directory_type links = {.key = MC_KEY_MEMBER,
	.entry = &link_entry,
	.terms.lane = MC_LANE_KEYSTONE,
	.list = list_links,
	.link = make_link};

/* A directory whose service doesn't answer. */
static int find_slowly(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	int result = show_slow(ask, &out);
	(void)name;
	(void)ret;
	return result < 0 ? result : -ENOENT;
}

static const struct mc_directory_type slow_things = {
	.key = MC_KEY_USER, .entry = &thing_entry, .terms.lane = MC_LANE_KEYSTONE, .find = find_slowly};

static const struct mc_row root_rows[] = {
	{.name = "name",
		.is_early = true,
		.kind = MC_KIND_VALUE,
		.mode = 0644,
		.help = "its name",
		.show = show_name,
		.store = store_name},
	{.name = "text",
		.kind = MC_KIND_VALUE,
		.mode = 0644,
		.help = "a long text",
		.terms.lane = MC_LANE_GLANCE,
		.show = show_text,
		.store = store_text},
	{.name = "secret", .kind = MC_KIND_VALUE, .mode = 0200, .help = "only written", .store = store_name},
	{.name = "doc", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "many lines", .show = show_doc},
	{.name = "broken",
		.kind = MC_KIND_DOCUMENT,
		.mode = 0444,
		.help = "fails",
		.terms.lane = MC_LANE_KEYSTONE,
		.show = show_broken},
	{.name = "ctl", .kind = MC_KIND_CONTROL, .mode = 0600, .help = "commands", .verbs = verbs},
	{.name = "news", .kind = MC_KIND_STREAM, .mode = 0444, .help = "what happens", .stream = &news},
	{.name = "events",
		.kind = MC_KIND_STREAM,
		.mode = 0444,
		.help = "what happens",
		.stream = &mc_events_stream,
		.unlisted = true},
	{.name = "slow",
		.kind = MC_KIND_VALUE,
		.mode = 0444,
		.help = "waits",
		.terms.lane = MC_LANE_KEYSTONE,
		.show = show_slow},
	{.name = "slow-dir", .kind = MC_KIND_DIRECTORY, .mode = 0555, .help = "waits", .directory = &slow_things},
	{.name = "quick",
		.kind = MC_KIND_VALUE,
		.mode = 0444,
		.help = "doesn't",
		.terms.lane = MC_LANE_GLANCE,
		.show = show_name},
	{.name = "wait",
		.kind = MC_KIND_DOCUMENT,
		.mode = 0444,
		.help = "until it has settled",
		.show = show_wait,
		.awaits = has_settled,
		.at_end = wait_end},
	{.name = "catalog",
		.kind = MC_KIND_DOCUMENT,
		.mode = 0444,
		.help = "of the region",
		.terms.lane = MC_LANE_KEYSTONE,
		.terms.needs = MC_NEEDS_REGION,
		.show = show_doc},
	{.name = "maybe",
		.kind = MC_KIND_VALUE,
		.mode = 0444,
		.help = "comes and goes",
		.show = show_name,
		.present = is_present},
	{.name = "things", .kind = MC_KIND_DIRECTORY, .mode = 0755, .help = "things", .directory = &things},
	{.name = "listed",
		.kind = MC_KIND_DIRECTORY,
		.mode = 0755,
		.help = "the same things",
		.directory = &listed_things},
	{.name = "leased",
		.kind = MC_KIND_DIRECTORY,
		.mode = 0755,
		.help = "the same things",
		.directory = &leased_things},
	{.name = "many", .kind = MC_KIND_DIRECTORY, .mode = 0555, .help = "many entries", .directory = &demo_many},
	{.name = "found",
		.kind = MC_KIND_DIRECTORY,
		.mode = 0555,
		.help = "the same, one by one",
		.directory = &demo_found},
	{.name = "links", .kind = MC_KIND_DIRECTORY, .mode = 0755, .help = "links to things", .directory = &links},
	{.name = "files", .kind = MC_KIND_DIRECTORY, .mode = 0755, .help = "one file", .directory = &demo_files},
	{0},
};

const struct mc_directory_type demo_root = {.rows = root_rows};
