/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DEMO_MOUNT_H
#define TESTS_DEMO_MOUNT_H

#include "demo_tree.h"

#include <semaphore.h>

/* The demo tree, mounted on a directory of its own and served by threads of the test. */
struct demo_mount {
	struct mc_cloud cloud;
	struct mc_fs *fs;
	char path[64];
	pthread_t thread;
	int result; /* of mc_fs_run() */
	bool ended; /* by the test */
	pthread_t watchdog;
	sem_t over;
};

/* For cmocka's setup and teardown: *STATE is the struct demo_mount. */
int demo_mount(void **state);
#define DEMO_TTL_MS 600000
int demo_mount_with(void **state, int timeout_ms, int ttl_ms);
/* With allow_other. */
int demo_mount_for_all(void **state);
/* Another tree, whose functions of the cloud the test has itself. */
int demo_mount_tree(void **state, const struct mc_directory_type *root);
int demo_unmount(void **state);

/* One of the cloud's texts (its name, what was done last …), as it is now; in a static buffer. */
const char *demo_text(struct demo_mount *mount, const char *text);

/* PATH below the mount point; one of a few static buffers. */
const char *demo_path(const struct demo_mount *mount, const char *path);

/* All of the file at PATH, NUL-terminated; -errno of open or read, else the size. What was read before a failure is in
 * TEXT too. */
ssize_t demo_read(const struct demo_mount *mount, const char *path, char *text, size_t size);

/* One write with open's FLAGS besides O_WRONLY; 0 or -errno. */
int demo_write(const struct demo_mount *mount, const char *path, int flags, const char *text, size_t size);

/* Runs COMMAND in a bash that stands in the mount, and says nothing; its exit status, or -1. */
int demo_shell(const struct demo_mount *mount, const char *command);

/* Whether the last line of `errors` has all of these words; the list ends with NULL. */
bool demo_last_error_has(const struct demo_mount *mount, const char *const *words);

/* Waits until *VALUE is WANTED; fails the test after some seconds. */
void demo_await(atomic_uint *value, unsigned wanted);

#endif
