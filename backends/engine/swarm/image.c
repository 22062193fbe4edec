/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/private.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An image goes from the engine here to a node's: what GET /images/NAME/get gives is what POST /images/load takes. What
 * is under way lies in a pair of sockets, whose buffer bounds it. */

#define STALL_MS 60000   /* a transfer in which nothing comes for so long has failed */
#define UNPACK_MS 600000 /* what the engine may take from the last byte on */
#define TELL_MS 1000

struct transfer {
	struct mc_swarm_node *node;
	const char *image;
	struct mc_call *call, *getting; /* the asker's, and the reader's own, which ends with the transfer */
	int in, out;                    /* of the pair */
	pthread_t thread;
	atomic_int got; /* how the reading ended; set before `in` is shut down */
	struct mc_error error;
	uint64_t bytes;
	int64_t told; /* mc_now_ms() */
};

static int put_bytes(void *data, const void *bytes, size_t size)
{
	struct transfer *transfer = data;

	for (const char *at = bytes; size > 0;) {
		ssize_t sent = send(transfer->in, at, size, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return -EPIPE; /* nobody loads it any more */
		if (sent > 0) {
			at += sent;
			size -= (size_t)sent;
		}
	}
	return 0;
}

static void *get_image(void *data)
{
	struct transfer *transfer = data;
	struct mc_docker *local = mc_docker_of(transfer->node->swarm->local);
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};

	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("images", "get"));
	/* A name has slashes, which a path would not keep. */
	ask.http.query = (struct mc_http_param[]){{"names", transfer->image}, {NULL, NULL}};
	ask.http.on_body = put_bytes;
	ask.http.data = transfer;
	int r = mc_docker_do(local, transfer->getting, &ask, &response, &transfer->error,
		"the engine here does not give image %s", transfer->image);
	atomic_store(&transfer->got, r);
	shutdown(transfer->in, SHUT_WR);
	return NULL;
}

static void tell_progress(struct transfer *transfer)
{
	char text[200];

	if (mc_now_ms() - transfer->told < TELL_MS)
		return;
	transfer->told = mc_now_ms();
	snprintf(text, sizeof text, "gets image %.120s: %llu MB so far", transfer->image,
		(unsigned long long)(transfer->bytes / 1000000));
	mc_swarm_tell_text(transfer->node, text);
}

static ssize_t take_image_bytes(void *data, void *to, size_t size)
{
	struct transfer *transfer = data;
	struct pollfd fds[] = {
		{.fd = transfer->out, .events = POLLIN}, {.fd = mc_call_fd(transfer->call), .events = POLLIN}};

	if (fds[1].fd < 0)
		return fds[1].fd;
	while (!fds[0].revents) {
		int left = mc_call_remaining_ms(transfer->call), r = mc_call_check(transfer->call);

		if (r < 0)
			return r;
		if (poll(fds, MC_COUNT(fds), left) < 0 && errno != EINTR)
			return -errno;
	}
	ssize_t got = recv(transfer->out, to, size, 0);
	if (got < 0)
		return -errno;
	if (got == 0) {
		mc_call_extend(transfer->call, UNPACK_MS);
		return atomic_load(&transfer->got) < 0 ? -EPIPE : 0; /* half an image is none */
	}
	mc_call_extend(transfer->call, STALL_MS);
	transfer->bytes += (uint64_t)got;
	tell_progress(transfer);
	return got;
}

/* The engine says 200 before it begins, and what went wrong afterwards in a line of its answer. */
static int check_loaded(
	const struct transfer *transfer, const struct mc_http_response *response, struct mc_error *error)
{
	const char *said = response->body.data ? strstr(response->body.data, "\"error\":") : NULL;
	MC_CLEANUP(free_pointer) char *name = mc_swarm_node_name(transfer->node);
	int code = said && strcasestr(said, "no space left") ? ENOSPC : EIO;

	if (response->status == 200 && !said)
		return 0;
	if (response->status != 200)
		return mc_docker_fail(
			response, error, "machine %s does not take image %s", name ? name : "", transfer->image);
	return mc_docker_error(error, code, "machine %s does not take image %s: %.200s", name ? name : "",
		transfer->image, said + strlen("\"error\":"));
}

static int load_image(struct transfer *transfer, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};

	mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("images", "load"));
	ask.http.query = (struct mc_http_param[]){{"quiet", "1"}, {NULL, NULL}};
	ask.http.content_type = "application/x-tar";
	ask.http.read_body = take_image_bytes;
	ask.http.upload_size = -1;
	ask.http.data = transfer;
	int r = mc_docker_send(mc_docker_of(transfer->node->engine), transfer->call, &ask, &response, error);
	return r < 0 ? r : check_loaded(transfer, &response, error);
}

static int start_sender(struct transfer *transfer)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&transfer->thread, NULL, get_image, transfer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -code;
}

static int transfer_image(struct transfer *transfer, struct mc_error *error)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return mc_docker_error(error, errno, "image %s can't be sent: %s", transfer->image, strerror(errno));
	transfer->in = pair[0];
	transfer->out = pair[1];
	transfer->getting = mc_call_new(-1);
	int r = transfer->getting ? start_sender(transfer) : -ENOMEM;
	if (r < 0) {
		mc_docker_error(error, -r, "image %s can't be sent", transfer->image);
	} else {
		r = load_image(transfer, error);
		/* Whoever still sends is to stop. */
		shutdown(transfer->out, SHUT_RDWR);
		mc_call_cancel(transfer->getting);
		pthread_join(transfer->thread, NULL);
		/* Where the image could not be had, that is why it could not be sent. */
		int got = atomic_load(&transfer->got);
		if (r < 0 && got < 0 && got != -EPIPE && got != -EINTR) {
			r = got;
			if (error)
				*error = transfer->error;
		}
	}
	mc_call_unref(transfer->getting);
	close(pair[0]);
	close(pair[1]);
	return r;
}

/* The caller has the node's name of the image for itself. */
static int bring(struct mc_swarm_node *node, struct mc_call *call, const char *image, struct mc_error *error)
{
	struct mc_engine *local = node->swarm->local;
	struct transfer transfer = {.node = node, .image = image, .call = call};

	int r = node->engine->ops->has_image(node->engine, call, image, error);
	if (r != -ENOENT)
		return r;
	r = local->ops->has_image(local, call, image, error);
	if (r < 0)
		return r;
	r = transfer_image(&transfer, error);
	if (r == 0)
		r = node->engine->ops->has_image(node->engine, call, image, error);
	mc_swarm_tell_text(node, NULL);
	return r;
}

/* Who waits for another's transfer has the time that it has. */
static int await_turn(struct mc_docker *docker, struct mc_call *call, const char *held, struct mc_error *error)
{
	for (;;) {
		int r = mc_docker_hold(docker, NULL, held, error);

		if (r != -EBUSY)
			return r;
		mc_call_extend(call, STALL_MS);
		r = mc_call_pause(call, 50);
		if (r < 0)
			return mc_docker_error(error, -r, "gave up waiting for %s to come to another machine", held);
	}
}

int mc_swarm_bring_image(struct mc_swarm_node *node, struct mc_call *call, const char *image, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(node->engine);
	char held[300];

	int r = node->engine->ops->has_image(node->engine, call, image, error);
	if (r != -ENOENT)
		return r;
	/* No container has a blank in its name. */
	snprintf(held, sizeof held, "image %.250s", image);
	r = await_turn(docker, call, held, error);
	if (r < 0)
		return r;
	r = bring(node, call, image, error);
	mc_docker_release(docker, held);
	return mc_docker_result(r, error);
}
