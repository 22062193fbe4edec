/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DEMO_TREE_H
#define TESTS_DEMO_TREE_H

#include "fs/fs.h"

#include <pthread.h>
#include <stdatomic.h>

/* A small tree with one of everything, for tests of the session. It stands in for the cloud. */

enum { DEMO_THINGS = 16, DEMO_FILE = 1 << 20, DEMO_TEXT = 1 << 17 };

struct demo_thing {
	char name[64], key[32];
};

struct mc_cloud {
	pthread_mutex_t lock; /* guards all but the atomics */
	pthread_cond_t opened;
	char name[128];                        /* of the value `name` */
	char last[256];                        /* what was done last: "start", "set x" … */
	struct demo_thing things[DEMO_THINGS]; /* in `things` */
	unsigned n_things, next_key;
	char links[DEMO_THINGS][64];
	unsigned n_links;
	char linked_key[32]; /* key of what the last link pointed to */
	bool gate_open;      /* `slow` answers */
	char news[16384];    /* what `news` has told */
	size_t news_size;
	bool news_over;
	char *file; /* content of files/NAME */
	size_t file_size;
	char file_name[64];
	bool file_there;
	mode_t file_mode;
	struct timespec copied; /* of what the file is a copy */
	char property[64];
	char text[DEMO_TEXT];     /* of the value `text`, which takes all but "bad" */
	atomic_uint stores;       /* into it */
	atomic_bool not_empty;    /* and nothing empty */
	atomic_int serving;       /* what mc_region_serving() says */
	atomic_bool is_lost;      /* what mc_cloud_may_change() says */
	atomic_bool unseen;       /* what mc_cloud_is_seen() denies */
	atomic_int settled;       /* what `wait` has settled to: 1 not yet, 0 well, 2 failed */
	atomic_bool present;      /* whether `maybe` is there */
	atomic_uint many;         /* entries of `many` */
	atomic_uint list_ms;      /* their list takes so long */
	atomic_uint lists, finds; /* how often they were asked for */
	atomic_uint slow_now;     /* methods of `slow` that are running */
	atomic_uint releases, flushes, drops;
};

extern const struct mc_directory_type demo_root, demo_files, demo_many, demo_found;

void demo_init(struct mc_cloud *cloud);
void demo_clear(struct mc_cloud *cloud);
/* Opens or shuts the gate that `slow` waits at. */
void demo_gate(struct mc_cloud *cloud, bool open);
void demo_tell(struct mc_fs *fs, struct mc_cloud *cloud, const char *text);

#endif
