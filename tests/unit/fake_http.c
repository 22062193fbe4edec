/* SPDX-License-Identifier: MIT */
#include "fake_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_http_request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_STEPS 256
#define MAX_CONNECTIONS 4096
#define MAX_REQUESTS 8192

struct step {
	struct fake_step what;
	int left; /* uses; -1: any number */
	struct mc_buffer pushed;
	bool ended, broken;
};

struct connection {
	struct fake_http *server;
	unsigned number;
	int fd;   /* -1: closed */
	int wake; /* eventfd: something was pushed, or the server ends */
	pthread_t thread;
};

struct fake_http {
	int listener;
	char url[64], directory[32], socket[64];
	pthread_t thread;

	pthread_mutex_t lock; /* guards everything below; a leaf */
	pthread_cond_t news;
	bool stopping;
	unsigned n_steps, n_connections, n_closed, n_requests, permits;
	struct step *steps[MAX_STEPS];
	struct connection *connections[MAX_CONNECTIONS];
	struct fake_request *requests[MAX_REQUESTS];
	struct mc_buffer complaints;
};

void fake_http_complain(struct fake_http *server, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	pthread_mutex_lock(&server->lock);
	mc_buffer_printf(&server->complaints, "  %s\n", text);
	pthread_mutex_unlock(&server->lock);
	free(text);
}

static void check_request(struct fake_http *server, const struct fake_step *step, const struct fake_request *request)
{
	if (step->body && strcmp(step->body, request->body) != 0)
		fake_http_complain(server, "%s %s has the body %s instead of %s", request->method, request->target,
			request->body, step->body);
	if (step->json && !fake_request_is_json(request, step->json))
		fake_http_complain(server, "%s %s has the body %s instead of the JSON %s", request->method,
			request->target, request->body, step->json);
	if (step->header && !fake_request_has_line(request, step->header))
		fake_http_complain(server, "%s %s has no header \"%s\" but\n%s", request->method, request->target,
			step->header, request->headers);
	if (step->check)
		step->check(step->data, request);
}

static bool fits(const struct step *step, const struct fake_request *request)
{
	return step->left != 0 && (!step->what.method || strcmp(step->what.method, request->method) == 0) &&
	       (!step->what.target || fake_request_is_target(request, step->what.target));
}

/* The step for the request, one use of it taken; NULL with a complaint. */
static struct step *take_step(struct fake_http *server, const struct fake_request *request)
{
	struct step *found = NULL;

	pthread_mutex_lock(&server->lock);
	for (unsigned i = 0; i < server->n_steps && !found; i++)
		if (fits(server->steps[i], request))
			found = server->steps[i];
	if (found && found->left > 0)
		found->left--;
	pthread_mutex_unlock(&server->lock);
	if (!found)
		fake_http_complain(server, "unexpected %s %s %s", request->method, request->target, request->body);
	return found;
}

static void keep_request(struct fake_http *server, struct fake_request *request)
{
	pthread_mutex_lock(&server->lock);
	if (server->n_requests == MAX_REQUESTS)
		abort();
	server->requests[server->n_requests++] = request;
	pthread_cond_broadcast(&server->news);
	pthread_mutex_unlock(&server->lock);
}

/* False: the server is ending. */
static bool wait_release(struct fake_http *server)
{
	pthread_mutex_lock(&server->lock);
	while (server->permits == 0 && !server->stopping)
		pthread_cond_wait(&server->news, &server->lock);
	bool released = server->permits > 0;
	server->permits -= released;
	pthread_mutex_unlock(&server->lock);
	return released;
}

static void wait_client_gone(int fd)
{
	char bytes[512];

	while (recv(fd, bytes, sizeof bytes, 0) > 0)
		;
}

/* Waits until something was pushed; false: the client has gone. */
static bool wait_pushed(const struct connection *connection)
{
	struct pollfd fds[] = {{.fd = connection->fd, .events = POLLRDHUP}, {.fd = connection->wake, .events = POLLIN}};
	eventfd_t pushed;

	if (poll(fds, 2, -1) < 0 && errno != EINTR)
		return false;
	eventfd_read(connection->wake, &pushed);
	return fds[0].revents == 0;
}

static bool send_pushed(const struct connection *connection, struct step *step)
{
	struct fake_http *server = connection->server;

	for (;;) {
		pthread_mutex_lock(&server->lock);
		bool ended = step->ended || server->stopping, broken = step->broken || server->stopping;
		struct mc_buffer bytes = step->pushed;
		step->pushed = (struct mc_buffer){0};
		pthread_mutex_unlock(&server->lock);
		bool sent = bytes.size == 0 || fake_send_chunk(connection->fd, bytes.data, bytes.size);
		mc_buffer_free(&bytes);
		if (!sent || (ended && broken))
			return false;
		if (ended)
			return fake_send(connection->fd, "0\r\n\r\n", 5);
		if (!wait_pushed(connection))
			return false;
	}
}

/* Answers; false: the connection is to be closed. */
static bool answer(const struct connection *connection, struct step *step, const struct fake_request *request)
{
	int fd = connection->fd;
	const struct fake_step *what = &step->what;

	if (what->held && !wait_release(connection->server))
		return false;
	if (what->how == FAKE_HANG)
		wait_client_gone(fd);
	if (what->how == FAKE_HANG || what->how == FAKE_DROP)
		return false;
	if (what->how == FAKE_RAW) {
		fake_send(fd, what->answer, what->answer_size ? what->answer_size : strlen(what->answer));
		return false;
	}
	if (!fake_send_head(what, fd))
		return false;
	if (strcmp(request->method, "HEAD") != 0 &&
		!(what->how == FAKE_STREAM ? send_pushed(connection, step) : fake_send_body(what, fd)))
		return false;
	return !what->closes && !what->early && !what->quiet_close && what->how != FAKE_CLOSE;
}

/* One request and its answer; false: the connection is over. */
static bool serve_one(struct connection *connection)
{
	struct fake_http *server = connection->server;
	struct fake_request *request = fake_request_read_head(connection->fd);

	if (!request)
		return false;
	request->connection = connection->number;
	struct step *step = take_step(server, request);
	bool early = step && step->what.early;
	if (!early && !fake_request_read_body(connection->fd, request)) {
		fake_request_free(request);
		return false;
	}
	if (step)
		check_request(server, &step->what, request);
	keep_request(server, request);
	return step && answer(connection, step, request);
}

static void *serve(void *data)
{
	struct connection *connection = data;
	struct fake_http *server = connection->server;

	while (serve_one(connection))
		;
	pthread_mutex_lock(&server->lock);
	close(connection->fd);
	connection->fd = -1;
	server->n_closed++;
	pthread_cond_broadcast(&server->news);
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

static void *accept_all(void *data)
{
	struct fake_http *server = data;

	for (;;) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return NULL;
		/* Does nothing to a unix socket. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		struct connection *connection = calloc(1, sizeof *connection);
		pthread_mutex_lock(&server->lock);
		if (!connection || server->n_connections == MAX_CONNECTIONS)
			abort();
		*connection = (struct connection){.server = server,
			.number = server->n_connections,
			.fd = fd,
			.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
		server->connections[server->n_connections++] = connection;
		if (server->stopping)
			shutdown(fd, SHUT_RDWR);
		if (pthread_create(&connection->thread, NULL, serve, connection) != 0)
			abort();
		pthread_mutex_unlock(&server->lock);
	}
}

static struct fake_http *start(struct fake_http *server, const struct sockaddr *address, socklen_t size)
{
	server->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->listener < 0 || bind(server->listener, address, size) < 0 || listen(server->listener, 1024) < 0)
		fail_msg("fake server: %s", strerror(errno));
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->news, NULL);
	if (pthread_create(&server->thread, NULL, accept_all, server) != 0)
		fail_msg("fake server: no thread");
	return server;
}

struct fake_http *fake_http_new_tcp(void)
{
	struct fake_http *server = calloc(1, sizeof *server);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;

	assert_non_null(server);
	start(server, (const struct sockaddr *)&address, sizeof address);
	if (getsockname(server->listener, (struct sockaddr *)&address, &size) < 0)
		fail_msg("fake server: %s", strerror(errno));
	snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	return server;
}

struct fake_http *fake_http_new_unix(void)
{
	struct fake_http *server = calloc(1, sizeof *server);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	assert_non_null(server);
	snprintf(server->directory, sizeof server->directory, "/tmp/fake-http-XXXXXX");
	if (!mkdtemp(server->directory))
		fail_msg("fake server: %s", strerror(errno));
	snprintf(server->socket, sizeof server->socket, "%s/socket", server->directory);
	snprintf(server->url, sizeof server->url, "http://localhost");
	snprintf(address.sun_path, sizeof address.sun_path, "%s", server->socket);
	return start(server, (const struct sockaddr *)&address, sizeof address);
}

static void stop_threads(struct fake_http *server)
{
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	for (unsigned i = 0; i < server->n_connections; i++)
		if (server->connections[i]->fd >= 0)
			shutdown(server->connections[i]->fd, SHUT_RDWR);
	pthread_cond_broadcast(&server->news);
	pthread_mutex_unlock(&server->lock);
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < server->n_connections; i++) {
		pthread_join(server->connections[i]->thread, NULL);
		close(server->connections[i]->wake);
		free(server->connections[i]);
	}
	close(server->listener);
}

static void free_step(struct fake_http *server, struct step *step)
{
	if (step->left > 0)
		mc_buffer_printf(&server->complaints, "  %s %s was not asked (%d left)\n",
			step->what.method ? step->what.method : "*", step->what.target ? step->what.target : "*",
			step->left);
	free((void *)(uintptr_t)step->what.method);
	free((void *)(uintptr_t)step->what.target);
	free((void *)(uintptr_t)step->what.body);
	free((void *)(uintptr_t)step->what.json);
	free((void *)(uintptr_t)step->what.header);
	free((void *)(uintptr_t)step->what.headers);
	if (!step->what.answer_size && !step->what.is_echo)
		free((void *)(uintptr_t)step->what.answer);
	mc_buffer_free(&step->pushed);
	free(step);
}

void fake_http_free(struct fake_http *server)
{
	stop_threads(server);
	for (unsigned i = 0; i < server->n_steps; i++)
		free_step(server, server->steps[i]);
	for (unsigned i = 0; i < server->n_requests; i++)
		fake_request_free(server->requests[i]);
	if (server->socket[0]) {
		unlink(server->socket);
		rmdir(server->directory);
	}
	struct mc_buffer complaints = server->complaints;
	pthread_mutex_destroy(&server->lock);
	pthread_cond_destroy(&server->news);
	free(server);
	if (complaints.size > 0)
		fail_msg("the fake server complains:\n%s", complaints.data);
}

const char *fake_http_url(const struct fake_http *server)
{
	return server->url;
}

const char *fake_http_socket(const struct fake_http *server)
{
	return server->socket[0] ? server->socket : NULL;
}

static const char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

unsigned fake_http_expect(struct fake_http *server, const struct fake_step *what)
{
	struct step *step = calloc(1, sizeof *step);

	assert_non_null(step);
	*step = (struct step){.what = *what, .left = what->times ? what->times : 1};
	step->what.method = copy(what->method);
	step->what.target = copy(what->target);
	step->what.body = copy(what->body);
	step->what.json = copy(what->json);
	step->what.header = copy(what->header);
	step->what.headers = copy(what->headers);
	if (!what->answer_size && !what->is_echo)
		step->what.answer = copy(what->answer);
	pthread_mutex_lock(&server->lock);
	assert_true(server->n_steps < MAX_STEPS);
	unsigned number = server->n_steps++;
	server->steps[number] = step;
	pthread_mutex_unlock(&server->lock);
	return number;
}

void fake_http_release(struct fake_http *server, unsigned count)
{
	pthread_mutex_lock(&server->lock);
	server->permits += count;
	pthread_cond_broadcast(&server->news);
	pthread_mutex_unlock(&server->lock);
}

/* With the lock held. */
static void wake_streams(struct fake_http *server)
{
	for (unsigned i = 0; i < server->n_connections; i++)
		eventfd_write(server->connections[i]->wake, 1);
}

void fake_http_push(struct fake_http *server, unsigned step, const void *bytes, size_t size)
{
	pthread_mutex_lock(&server->lock);
	mc_buffer_add(&server->steps[step]->pushed, bytes, size);
	wake_streams(server);
	pthread_mutex_unlock(&server->lock);
}

void fake_http_push_end(struct fake_http *server, unsigned step, bool broken)
{
	pthread_mutex_lock(&server->lock);
	server->steps[step]->ended = true;
	server->steps[step]->broken = broken;
	wake_streams(server);
	pthread_mutex_unlock(&server->lock);
}

static void wait_count(struct fake_http *server, const unsigned *counter, unsigned count, const char *what)
{
	struct timespec end;
	int result = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	pthread_mutex_lock(&server->lock);
	while (*counter < count && result == 0)
		result = pthread_cond_timedwait(&server->news, &server->lock, &end);
	unsigned got = *counter;
	pthread_mutex_unlock(&server->lock);
	if (got < count)
		fail_msg("waited for %u %s, got %u", count, what, got);
}

void fake_http_wait_requests(struct fake_http *server, unsigned count)
{
	wait_count(server, &server->n_requests, count, "requests");
}

void fake_http_wait_closed(struct fake_http *server, unsigned count)
{
	wait_count(server, &server->n_closed, count, "closed connections");
}

unsigned fake_http_requests(struct fake_http *server)
{
	pthread_mutex_lock(&server->lock);
	unsigned count = server->n_requests;
	pthread_mutex_unlock(&server->lock);
	return count;
}

unsigned fake_http_connections(struct fake_http *server)
{
	pthread_mutex_lock(&server->lock);
	unsigned count = server->n_connections;
	pthread_mutex_unlock(&server->lock);
	return count;
}

const struct fake_request *fake_http_request(struct fake_http *server, unsigned number)
{
	pthread_mutex_lock(&server->lock);
	const struct fake_request *request = number < server->n_requests ? server->requests[number] : NULL;
	pthread_mutex_unlock(&server->lock);
	if (!request)
		fail_msg("there was no request %u", number);
	return request;
}
