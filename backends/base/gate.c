/* SPDX-License-Identifier: MIT */
#include "backends/base/gate.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mc_gate_waiter {
	struct mc_gate_waiter *next;
	int fd;      /* eventfd */
	bool is_let; /* under the owner's lock */
};

static int poll_for_news(int fd, int call_fd, int64_t deadline)
{
	struct pollfd descriptors[] = {{.fd = fd, .events = POLLIN}, {.fd = call_fd, .events = POLLIN}};
	int timeout = -1;

	if (deadline >= 0) {
		int64_t left = deadline - mc_now_ms();
		timeout = left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
	}
	int r = poll(descriptors, 2, timeout);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static void leave_gate(struct mc_gate *gate, struct mc_gate_waiter *waiter)
{
	struct mc_gate_waiter **at = &gate->waiters;

	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	if (waiter->fd >= 0)
		close(waiter->fd);
	free(waiter);
}

int mc_gate_wait(struct mc_gate *gate, mc_mutex *lock, struct mc_call *call, int64_t deadline)
{
	struct mc_gate_waiter *waiter = malloc(sizeof *waiter);

	if (!waiter)
		return -ENOMEM;
	*waiter = (struct mc_gate_waiter){.next = gate->waiters, .fd = eventfd(0, EFD_CLOEXEC)};
	int call_fd = call ? mc_call_fd(call) : -1;
	int result = waiter->fd < 0 ? -errno : call && call_fd < 0 ? call_fd : 0;

	gate->waiters = waiter;
	while (result == 0 && !waiter->is_let) {
		mc_mutex_unlock(lock);
		result = poll_for_news(waiter->fd, call_fd, deadline);
		mc_mutex_lock(lock);
		if (!waiter->is_let && call && mc_call_cancelled(call))
			result = -EINTR;
	}
	result = waiter->is_let ? 0 : result;
	leave_gate(gate, waiter);
	return result;
}

void mc_gate_open(struct mc_gate *gate)
{
	for (struct mc_gate_waiter *waiter = gate->waiters; waiter; waiter = waiter->next) {
		if (waiter->is_let)
			continue;
		waiter->is_let = true;
		(void)!eventfd_write(waiter->fd, 1);
	}
}
