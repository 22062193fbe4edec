/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"
#include "fs/handle.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Requests that wait: for news, for a region, for a service; and how such a wait ends. */

/* A thread that opens and reads a file, and what came of it. */
struct reader {
	struct demo_mount *mount;
	const char *path;
	pthread_t thread;
	atomic_uint reading, done;
	ssize_t result; /* bytes, or -errno */
	char text[128];
};

static void on_signal(int number)
{
	(void)number;
}

static void *run_reader(void *data)
{
	struct reader *reader = data;
	int fd = open(demo_path(reader->mount, reader->path), O_RDONLY | O_CLOEXEC);

	atomic_store(&reader->reading, 1);
	ssize_t got = fd < 0 ? -1 : read(fd, reader->text, sizeof reader->text - 1);
	reader->result = got < 0 ? -errno : got;
	if (fd >= 0)
		close(fd);
	atomic_store(&reader->done, 1);
	return NULL;
}

static void start_reader(struct reader *reader, struct demo_mount *mount, const char *path)
{
	pthread_attr_t attributes;

	memset(reader, 0, sizeof *reader);
	reader->mount = mount;
	reader->path = path;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	assert_int_equal(pthread_create(&reader->thread, &attributes, run_reader, reader), 0);
	pthread_attr_destroy(&attributes);
}

static ssize_t join_reader(struct reader *reader)
{
	pthread_join(reader->thread, NULL);
	return reader->result;
}

/* Requests that the daemon has taken and not answered. */
static unsigned waiting(struct demo_mount *mount)
{
	unsigned count = 0;

	pthread_mutex_lock(&mount->fs->lock);
	for (struct mc_handle *handle = mount->fs->handles; handle; handle = handle->next)
		count += atomic_load(&handle->references) > 1;
	pthread_mutex_unlock(&mount->fs->lock);
	return count;
}

/* Waits until COUNT open files have a read that isn't answered. */
static void await_waiting(struct demo_mount *mount, unsigned count)
{
	for (int i = 0; i < 30000 && waiting(mount) != count; i++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(waiting(mount), count);
}

/* Signals until the reader is through: the first signal may come before it is in the kernel. */
static void interrupt(struct reader *reader)
{
	while (!atomic_load(&reader->done)) {
		pthread_kill(reader->thread, SIGUSR1);
		(void)poll(NULL, 0, 1);
	}
}

static void test_stream(void **state)
{
	struct demo_mount *mount = *state;
	struct reader reader;
	char got[64] = "";
	int fd = open(demo_path(mount, "news"), O_RDONLY | O_NONBLOCK);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof got), -1);
	assert_int_equal(errno, EAGAIN);
	start_reader(&reader, mount, "news");
	await_waiting(mount, 1);
	demo_tell(mount->fs, &mount->cloud, "first\n");
	assert_int_equal(join_reader(&reader), 6);
	assert_string_equal(reader.text, "first\n");
	assert_int_equal(read(fd, got, 3), 3);
	assert_int_equal(read(fd, got + 3, sizeof got - 3), 3);
	assert_string_equal(got, "first\n");
	/* Blocking again, by fcntl. */
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	pthread_mutex_lock(&mount->cloud.lock);
	mount->cloud.news_over = true;
	pthread_mutex_unlock(&mount->cloud.lock);
	assert_int_equal(read(fd, got, sizeof got), 0);
	close(fd);
}

/* Readers may go back a little, as head(1) does with what it has read and not used, and leave out what comes. */
static void test_stream_seek(void **state)
{
	struct demo_mount *mount = *state;
	char got[MC_STREAM_BEHIND] = "", line[101] = "";
	int fd = open(demo_path(mount, "news"), O_RDONLY | O_NONBLOCK);

	demo_tell(mount->fs, &mount->cloud, "first\nsecond\nthird\n");
	assert_int_equal(read(fd, got, sizeof got), 19);
	assert_int_equal(lseek(fd, -13, SEEK_CUR), 6);
	assert_int_equal(read(fd, got, 7), 7);
	assert_memory_equal(got, "second\n", 7);
	assert_int_equal(read(fd, got, sizeof got), 6);
	assert_memory_equal(got, "third\n", 6);
	assert_int_equal(read(fd, got, sizeof got), -1);
	assert_int_equal(errno, EAGAIN);
	/* What is to be left out is waited for. */
	assert_int_equal(lseek(fd, 6, SEEK_CUR), 25);
	demo_tell(mount->fs, &mount->cloud, "fou");
	assert_int_equal(read(fd, got, sizeof got), -1);
	assert_int_equal(errno, EAGAIN);
	demo_tell(mount->fs, &mount->cloud, "rth\nfifth\n");
	assert_int_equal(read(fd, got, sizeof got), 7);
	assert_memory_equal(got, "\nfifth\n", 7);
	/* What was read long ago is gone. */
	memset(line, 'x', sizeof line - 1);
	for (size_t size = 0; size < MC_STREAM_BEHIND; size += sizeof line - 1) {
		demo_tell(mount->fs, &mount->cloud, line);
		assert_int_equal(read(fd, got, sizeof got), sizeof line - 1);
	}
	assert_int_equal(pread(fd, got, sizeof got, 0), -1);
	assert_int_equal(errno, ESPIPE);
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"\tread\tnews\tESPIPE\t", "the last 8192 bytes", NULL}));
	close(fd);
}

static void test_poll(void **state)
{
	struct demo_mount *mount = *state;
	struct epoll_event event = {.events = EPOLLIN};
	int fd = open(demo_path(mount, "news"), O_RDONLY | O_NONBLOCK), set = epoll_create1(EPOLL_CLOEXEC);
	struct pollfd descriptor = {.fd = fd, .events = POLLIN};
	char got[64] = "";

	assert_int_equal(poll(&descriptor, 1, 0), 0);
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(epoll_wait(set, &event, 1, 0), 0);
	demo_tell(mount->fs, &mount->cloud, "news\n");
	assert_int_equal(poll(&descriptor, 1, 10000), 1);
	assert_int_equal(descriptor.revents, POLLIN);
	assert_int_equal(epoll_wait(set, &event, 1, 10000), 1);
	assert_int_equal(read(fd, got, sizeof got), 5);
	assert_string_equal(got, "news\n");
	assert_int_equal(poll(&descriptor, 1, 0), 0);
	pthread_mutex_lock(&mount->cloud.lock);
	mount->cloud.news_over = true;
	pthread_mutex_unlock(&mount->cloud.lock);
	mc_fs_wake(mount->fs);
	assert_int_equal(poll(&descriptor, 1, 10000), 1);
	assert_int_equal(read(fd, got, sizeof got), 0);
	/* Everything else is always ready. */
	int value = open(demo_path(mount, "name"), O_RDONLY);
	descriptor = (struct pollfd){.fd = value, .events = POLLIN | POLLOUT};
	assert_int_equal(poll(&descriptor, 1, 10000), 1);
	close(value);
	close(set);
	close(fd);
}

static void test_events(void **state)
{
	struct demo_mount *mount = *state;
	struct mc_error error = {.code = ENOSPC, .service = "engine", .message = "no \"room\""};
	const struct mc_cloud_event event = {
		.kind = MC_CLOUD_FAILURE, .region = "Kista", .text = "create", .error = &error, .when = 1e9};
	char got[512] = "";
	int fd = open(demo_path(mount, "events"), O_RDONLY | O_NONBLOCK);

	assert_int_equal(read(fd, got, sizeof got), -1);
	mc_fs_event(mount->fs, &event);
	/* Lines that are longer than a read go on in the next one. */
	for (ssize_t size = 0, n; (n = read(fd, got + size, 7)) > 0; size += n)
		;
	assert_string_equal(got,
		"{\"time\":\"2001-09-09T01:46:40.000Z\",\"event\":\"failure\",\"region\":\"Kista\",\"text\":\"create\","
		"\"error\":{\"errno\":\"ENOSPC\",\"service\":\"engine\",\"message\":\"no \\\"room\\\"\"}}\n");
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"2001-09-09T01:46:40.000Z\tregion\tregions/Kista\tENOSPC\tengine", NULL}));
	for (int i = 0; i < 5000; i++)
		mc_fs_event(mount->fs, &event);
	ssize_t size = read(fd, got, sizeof got - 1);
	assert_true(size > 0);
	got[size] = '\0';
	assert_non_null(strstr(got, "{\"event\":\"lost\",\"events\":904}\n"));
	close(fd);
}

/* What waits for news ends by any signal. */
static void test_interrupt(void **state)
{
	struct demo_mount *mount = *state;
	struct reader reader;

	start_reader(&reader, mount, "news");
	await_waiting(mount, 1);
	interrupt(&reader);
	assert_int_equal(join_reader(&reader), -EINTR);
	/* That is worth no line in `errors`. */
	MC_CLEANUP(buffer) struct mc_buffer errors = {0};
	mc_errors_show(mount->fs, &errors);
	assert_int_equal(errors.size, 0);
}

/* A value that a service is asked for ends by any signal, but not before a tenth of a second has gone: programs that
 * get signals all the time must be able to read what is there. */
static void test_interrupted_service(void **state)
{
	struct demo_mount *mount = *state;
	struct reader reader;

	start_reader(&reader, mount, "slow");
	demo_await(&mount->cloud.slow_now, 1);
	pthread_kill(reader.thread, SIGUSR1);
	assert_int_equal(join_reader(&reader), -EINTR);
	demo_await(&mount->cloud.slow_now, 0);
	demo_gate(&mount->cloud, true);
	for (int i = 0; i < 50; i++) {
		start_reader(&reader, mount, "slow");
		for (int k = 0; k < 20 && !atomic_load(&reader.done); k++)
			pthread_kill(reader.thread, SIGUSR1);
		assert_int_equal(join_reader(&reader), 8);
	}
}

/* One that ignores a signal first, and then is killed. */
static void test_signal_and_kill(void **state)
{
	struct demo_mount *mount = *state;
	const char *path = demo_path(mount, "slow-dir/x");
	struct stat values;
	pid_t child = fork();

	if (child == 0)
		_exit(stat(path, &values) < 0);
	demo_await(&mount->cloud.slow_now, 1);
	assert_int_equal(kill(child, SIGUSR1), 0);
	(void)poll(NULL, 0, 300); /* that nothing happens can only be seen by waiting */
	assert_int_equal(atomic_load(&mount->cloud.slow_now), 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	demo_await(&mount->cloud.slow_now, 0);
}

/* What a service is asked for ends when the asker is killed: what runs, and what is queued behind it and never runs. */
static void test_kill(void **state)
{
	struct demo_mount *mount = *state;
	const char *path = demo_path(mount, "slow");
	pid_t children[12];

	for (size_t i = 0; i < MC_COUNT(children); i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(open(path, O_RDONLY) < 0);
	}
	demo_await(&mount->cloud.slow_now, 8);
	for (size_t i = 0; i < MC_COUNT(children); i++) {
		int status = 0;
		assert_int_equal(kill(children[i], SIGKILL), 0);
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFSIGNALED(status));
	}
	demo_await(&mount->cloud.slow_now, 0);
}

static void test_settled(void **state)
{
	struct demo_mount *mount = *state;
	struct reader reader;
	char text[64];

	atomic_store(&mount->cloud.settled, 1);
	start_reader(&reader, mount, "wait");
	await_waiting(mount, 1);
	int fd = open(demo_path(mount, "wait"), O_RDONLY | O_NONBLOCK);
	assert_int_equal(read(fd, text, sizeof text), -1);
	assert_int_equal(errno, EAGAIN);
	mc_fs_wake(mount->fs);
	assert_int_equal(atomic_load(&reader.done), 0);
	atomic_store(&mount->cloud.settled, 0);
	mc_fs_wake(mount->fs);
	assert_int_equal(join_reader(&reader), 6);
	assert_string_equal(reader.text, "ready\n");
	/* A failure is told first, and then is one. */
	atomic_store(&mount->cloud.settled, 2);
	assert_int_equal(demo_read(mount, "wait", text, sizeof text), -EIO);
	assert_string_equal(text, "failed: no room\n");
	close(fd);
}

static void test_region(void **state)
{
	struct demo_mount *mount = *state;
	struct reader reader;
	char text[64];

	atomic_store(&mount->cloud.serving, 1);
	start_reader(&reader, mount, "catalog");
	assert_int_equal(open(demo_path(mount, "catalog"), O_RDONLY | O_NONBLOCK), -1);
	assert_int_equal(errno, EAGAIN);
	interrupt(&reader);
	assert_int_equal(join_reader(&reader), -EINTR);
	start_reader(&reader, mount, "catalog");
	mc_fs_wake(mount->fs);
	atomic_store(&mount->cloud.serving, 0);
	mc_fs_wake(mount->fs);
	assert_int_equal(join_reader(&reader), sizeof reader.text - 1);
	atomic_store(&mount->cloud.serving, -EAGAIN);
	assert_int_equal(demo_read(mount, "catalog", text, sizeof text), -EAGAIN);
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"\topen\tcatalog\tEAGAIN\t", "the region is stopped", NULL}));
}

/* What hangs holds up neither another lane, nor what is answered from memory. */
static void test_lanes(void **state)
{
	struct demo_mount *mount = *state;
	struct reader readers[24];
	struct stat values;
	char text[64];

	for (size_t i = 0; i < MC_COUNT(readers); i++)
		start_reader(&readers[i], mount, "slow");
	demo_await(&mount->cloud.slow_now, 8);
	assert_int_equal(demo_read(mount, "quick", text, sizeof text), 5);
	assert_int_equal(demo_read(mount, "name", text, sizeof text), 5);
	assert_int_equal(stat(demo_path(mount, "slow"), &values), 0);
	assert_int_equal(demo_write(mount, "ctl", 0, "start\n", 6), 0);
	demo_gate(&mount->cloud, true);
	for (size_t i = 0; i < MC_COUNT(readers); i++) {
		assert_int_equal(join_reader(&readers[i]), 8);
		assert_string_equal(readers[i].text, "at last\n");
	}
}

/* A service that doesn't answer within the deadline. */
static void test_timeout(void **state)
{
	struct demo_mount *mount = *state;
	char text[64];

	assert_int_equal(demo_read(mount, "slow", text, sizeof text), -ETIMEDOUT);
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"\topen\tslow\tETIMEDOUT\t", "the service doesn't answer", NULL}));
}

enum { CROWD = 1000 };

static void test_crowd(void **state)
{
	struct demo_mount *mount = *state;
	struct reader *crowd = calloc(CROWD, sizeof *crowd);
	struct stat values;
	char text[64];

	assert_non_null(crowd);
	for (int i = 0; i < CROWD; i++)
		start_reader(&crowd[i], mount, "news");
	await_waiting(mount, CROWD);
	assert_int_equal(mc_lanes_threads(mount->fs->lanes), 0);
	assert_int_equal(stat(demo_path(mount, "ctl"), &values), 0);
	assert_int_equal(demo_read(mount, "name", text, sizeof text), 5);
	interrupt(&crowd[500]);
	assert_int_equal(atomic_load(&crowd[499].done), 0);
	demo_tell(mount->fs, &mount->cloud, "all\n");
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(join_reader(&crowd[i]), i == 500 ? -EINTR : 4);
	free(crowd);
}

/* SIGTERM while readers wait for news, for a region and for a service: all are answered, all threads end (teardown
 * joins them). */
static void test_end(void **state)
{
	struct demo_mount *mount = *state;
	struct reader readers[40];
	static const char *const paths[] = {"news", "slow", "wait", "events"};
	int polled = open(demo_path(mount, "news"), O_RDONLY);
	struct pollfd descriptor = {.fd = polled, .events = POLLIN};

	assert_int_equal(poll(&descriptor, 1, 1), 0); /* with 0 the kernel wouldn't wait for news */
	atomic_store(&mount->cloud.settled, 1);
	for (size_t i = 0; i < MC_COUNT(readers); i++)
		start_reader(&readers[i], mount, paths[i % MC_COUNT(paths)]);
	demo_await(&mount->cloud.slow_now, 8);
	await_waiting(mount, 31);
	mount->ended = true;
	pthread_kill(mount->thread, SIGTERM);
	for (size_t i = 0; i < MC_COUNT(readers); i++)
		assert_true(join_reader(&readers[i]) < 0);
	close(polled);
}

static int setup(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
	return demo_mount(state);
}

static int impatient_setup(void **state)
{
	return demo_mount_with(state, 100, DEMO_TTL_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stream, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_stream_seek, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_poll, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_events, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_interrupt, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_kill, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_interrupted_service, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_signal_and_kill, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_settled, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_region, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_lanes, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_timeout, impatient_setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_crowd, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_end, setup, demo_unmount),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
