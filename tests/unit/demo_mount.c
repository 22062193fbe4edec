/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct run {
	struct demo_mount *mount;
	sem_t ready;
};

static void is_ready(void *data)
{
	struct run *run = data;

	sem_post(&run->ready);
}

static void *run_mount(void *data)
{
	struct run *run = data;
	struct demo_mount *mount = run->mount;

	mount->result = mc_fs_run(mount->fs, is_ready, run, NULL);
	return NULL;
}

/* Server and client are one process: when the server is stuck, or dies, the client would wait in the kernel for ever.
 * Breaking the connection off ends that wait. */
static char broken_off[64];

static void break_off(void)
{
	(void)umount2(broken_off, MNT_FORCE);
	(void)umount2(broken_off, MNT_DETACH);
}

static void on_crash(int number)
{
	break_off();
	signal(number, SIG_DFL);
	raise(number);
}

extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

enum { TEST_SECONDS = 60 };

static void *run_watchdog(void *data)
{
	struct demo_mount *mount = data;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TEST_SECONDS;
	while (sem_timedwait(&mount->over, &until) < 0) {
		if (errno != ETIMEDOUT)
			continue;
		fprintf(stderr, "the test takes more than %d s: its mount is broken off\n", TEST_SECONDS);
		break_off();
		break;
	}
	return NULL;
}

static int start_watchdog(struct demo_mount *mount)
{
	snprintf(broken_off, sizeof broken_off, "%s", mount->path);
	signal(SIGSEGV, on_crash);
	signal(SIGABRT, on_crash);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(break_off);
	sem_init(&mount->over, 0, 0);
	return pthread_create(&mount->watchdog, NULL, run_watchdog, mount);
}

static int mount_tree(
	void **state, const struct mc_directory_type *root, int timeout_ms, int ttl_ms, const char *options)
{
	struct demo_mount *mount = calloc(1, sizeof *mount);
	struct run *run = calloc(1, sizeof *run);
	struct mc_error error = {0};

	if (!mount || !run)
		abort();
	demo_init(&mount->cloud);
	snprintf(mount->path, sizeof mount->path, "/tmp/mcloudfs-test-XXXXXX");
	if (!mkdtemp(mount->path))
		return -1;
	mount->fs = mc_fs_new(&(struct mc_fs_config){.root = root,
		.ttl_ms = ttl_ms,
		.timeout_ms = timeout_ms,
		.uid = getuid(),
		.gid = getgid(),
		.mountpoint = mount->path,
		.debug = getenv("DEMO_DEBUG")});
	mc_fs_attach(mount->fs, &mount->cloud, NULL);
	if (mc_fs_mount(mount->fs, options, &error) < 0) {
		fprintf(stderr, "%s\n", error.message);
		return -1;
	}
	run->mount = mount;
	sem_init(&run->ready, 0, 0);
	if (start_watchdog(mount) || pthread_create(&mount->thread, NULL, run_mount, run))
		return -1;
	while (sem_wait(&run->ready) < 0 && errno == EINTR)
		;
	sem_destroy(&run->ready);
	free(run);
	*state = mount;
	return 0;
}

#define OPTIONS "fsname=demo,subtype=mcloudfs"

int demo_mount_with(void **state, int timeout_ms, int ttl_ms)
{
	return mount_tree(state, &demo_root, timeout_ms, ttl_ms, OPTIONS);
}

int demo_mount_for_all(void **state)
{
	return mount_tree(state, &demo_root, 30000, DEMO_TTL_MS, OPTIONS ",allow_other");
}

int demo_mount_tree(void **state, const struct mc_directory_type *root)
{
	return mount_tree(state, root, 30000, DEMO_TTL_MS, OPTIONS);
}

int demo_mount(void **state)
{
	return demo_mount_with(state, 30000, DEMO_TTL_MS);
}

int demo_unmount(void **state)
{
	struct demo_mount *mount = *state;

	demo_gate(&mount->cloud, true);
	/* A test that has failed may have left readers behind. */
	if (!mount->ended && umount2(mount->path, 0) < 0)
		pthread_kill(mount->thread, SIGTERM);
	pthread_join(mount->thread, NULL);
	sem_post(&mount->over);
	pthread_join(mount->watchdog, NULL);
	sem_destroy(&mount->over);
	int result = mount->result;
	mc_fs_free(mount->fs);
	(void)rmdir(mount->path);
	demo_clear(&mount->cloud);
	free(mount);
	return result;
}

const char *demo_text(struct demo_mount *mount, const char *text)
{
	static _Thread_local char buffer[256];

	pthread_mutex_lock(&mount->cloud.lock);
	snprintf(buffer, sizeof buffer, "%s", text);
	pthread_mutex_unlock(&mount->cloud.lock);
	return buffer;
}

const char *demo_path(const struct demo_mount *mount, const char *path)
{
	static _Thread_local char buffers[4][512];
	static _Thread_local unsigned next;
	char *buffer = buffers[next++ % 4];

	snprintf(buffer, sizeof buffers[0], "%s/%s", mount->path, path);
	return buffer;
}

ssize_t demo_read(const struct demo_mount *mount, const char *path, char *text, size_t size)
{
	int fd = open(demo_path(mount, path), O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0 && done < size - 1) {
		got = read(fd, text + done, size - 1 - done);
		if (got > 0)
			done += (size_t)got;
	}
	int saved = errno;
	text[done] = '\0';
	if (fd >= 0)
		close(fd);
	return got < 0 ? -saved : (ssize_t)done;
}

int demo_write(const struct demo_mount *mount, const char *path, int flags, const char *text, size_t size)
{
	int fd = open(demo_path(mount, path), O_WRONLY | O_CLOEXEC | flags, 0644);
	ssize_t done = fd < 0 ? -1 : write(fd, text, size);
	int saved = errno;

	if (fd >= 0)
		close(fd);
	return done < 0 ? -saved : 0;
}

int demo_shell(const struct demo_mount *mount, const char *command)
{
	const char *const words[] = {
		"bash", "-c", "cd \"$0\" && exec bash -c \"$1\" 2>/dev/null", mount->path, command, NULL};
	int status;
	pid_t child;

	if (posix_spawnp(&child, words[0], NULL, NULL, (char *const *)(uintptr_t)words, environ) != 0 ||
		waitpid(child, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool demo_last_error_has(const struct demo_mount *mount, const char *const *words)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	mc_errors_show(mount->fs, &text);
	if (!text.size)
		return false;
	text.data[text.size - 1] = '\0';
	const char *last = strrchr(text.data, '\n');
	last = last ? last + 1 : text.data;
	for (; *words; words++)
		if (!strstr(last, *words)) {
			fprintf(stderr, "\"%s\" is not in: %s\n", *words, last);
			return false;
		}
	return true;
}

void demo_await(atomic_uint *value, unsigned wanted)
{
	for (int i = 0; i < 10000; i++) {
		if (atomic_load(value) == wanted)
			return;
		/* Looks again and again, since there is nobody who could tell. */
		(void)poll(NULL, 0, 1);
	}
	fail_msg("%u is awaited, it stays %u", wanted, atomic_load(value));
}

bool mc_cloud_is_seen(const struct mc_cloud *cloud)
{
	return !atomic_load(&cloud->unseen);
}

int mc_cloud_may_change(struct mc_cloud *cloud, struct mc_error *error)
{
	return atomic_load(&cloud->is_lost) ? mc_error_set(error, EBUSY, "another machine has it") : 0;
}
