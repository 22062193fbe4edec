/* SPDX-License-Identifier: MIT */
#include "mcloud/call.h"

#include "mcloud/util.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* No lock: `cancelled` is set before `fd` is looked at, and `fd` is set before `cancelled` is looked at, so whichever
 * comes second of cancel and the first mc_call_fd() makes the descriptor readable. */
struct mc_call {
	atomic_uint references;
	atomic_bool cancelled;
	atomic_int fd;            /* eventfd; -1: nobody has asked for it */
	_Atomic int64_t deadline; /* by mc_now_ms(); -1: none */
};

struct mc_call *mc_call_new(int timeout_ms)
{
	struct mc_call *call = calloc(1, sizeof *call);

	if (!call)
		return NULL;
	atomic_init(&call->references, 1);
	atomic_init(&call->fd, -1);
	atomic_init(&call->deadline, timeout_ms < 0 ? -1 : mc_now_ms() + timeout_ms);
	return call;
}

struct mc_call *mc_call_ref(struct mc_call *call)
{
	atomic_fetch_add(&call->references, 1);
	return call;
}

void mc_call_unref(struct mc_call *call)
{
	if (!call || atomic_fetch_sub(&call->references, 1) > 1)
		return;
	int fd = atomic_load(&call->fd);
	if (fd >= 0)
		close(fd);
	free(call);
}

void mc_cleanup_call(struct mc_call **call)
{
	int saved = errno;

	mc_call_unref(*call);
	errno = saved;
}

static void signal_fd(int fd)
{
	/* Fails only when the counter is full, and then the descriptor is readable already. */
	(void)!eventfd_write(fd, 1);
}

void mc_call_cancel(struct mc_call *call)
{
	if (atomic_exchange(&call->cancelled, true))
		return;
	int fd = atomic_load(&call->fd);
	if (fd >= 0)
		signal_fd(fd);
}

bool mc_call_cancelled(const struct mc_call *call)
{
	return atomic_load(&call->cancelled);
}

int mc_call_remaining_ms(const struct mc_call *call)
{
	int64_t deadline = atomic_load(&call->deadline);

	if (deadline < 0)
		return -1;
	int64_t left = deadline - mc_now_ms();
	if (left <= 0)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

void mc_call_extend(struct mc_call *call, int ms)
{
	int64_t deadline = mc_now_ms() + ms, old = atomic_load(&call->deadline);

	while (old >= 0 && old < deadline && !atomic_compare_exchange_weak(&call->deadline, &old, deadline))
		;
}

int mc_call_fd(struct mc_call *call)
{
	int fd = atomic_load(&call->fd), none = -1;

	if (fd >= 0)
		return fd;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (!atomic_compare_exchange_strong(&call->fd, &none, fd)) {
		close(fd);
		return none;
	}
	if (mc_call_cancelled(call))
		signal_fd(fd);
	return fd;
}

int mc_call_check(const struct mc_call *call)
{
	if (mc_call_cancelled(call))
		return -EINTR;
	return mc_call_remaining_ms(call) == 0 ? -ETIMEDOUT : 0;
}

int mc_call_pause(struct mc_call *call, int ms)
{
	int64_t end = mc_now_ms() + ms;
	struct pollfd descriptor = {.fd = mc_call_fd(call), .events = POLLIN};

	if (descriptor.fd < 0)
		return descriptor.fd;
	for (;;) {
		int result = mc_call_check(call);
		int64_t wait = end - mc_now_ms();
		if (result < 0 || wait <= 0)
			return result;
		int left = mc_call_remaining_ms(call);
		if (left >= 0 && left < wait)
			wait = left;
		/* A signal ends poll() early: the loop looks at the clock again. */
		if (poll(&descriptor, 1, (int)wait) < 0 && errno != EINTR)
			return -errno;
	}
}
