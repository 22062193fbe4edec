/* SPDX-License-Identifier: MIT */
#include "fs/request/request.h"

#include "mcloud/lock.h"

#include <signal.h>
#include <stdio.h>

/* What signals do to requests. The kernel tells of a signal of the asker once for each request (FUSE_INTERRUPT), and
 * not which one it was.
 *
 * What waits for news ends by any of them, at once. So does the opening and reading of values and documents, unless it
 * is done within a tenth of a second. All else that a service is asked for ends only when the asker dies, as on a disk:
 * programs whose timers or children signal them are not prepared for a stat(2), or a write to an image, that was
 * interrupted. */

/* Whether a signal ends the asker: then the kernel has put a SIGKILL in the queue of each of its threads, proc(5),
 * SigPnd. Where that can't be seen: true. */
static bool is_dying(pid_t thread)
{
	unsigned long long pending, dying = 0;
	char path[32], line[256];
	bool seen = false;

	snprintf(path, sizeof path, "/proc/%d/status", thread);
	FILE *file = thread > 0 ? fopen(path, "re") : NULL;
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "SigPnd: %llx", &pending) == 1 || sscanf(line, "ShdPnd: %llx", &pending) == 1) {
			dying |= pending & (1ULL << (SIGKILL - 1));
			seen = true;
		}
	if (file)
		fclose(file);
	return !seen || dying;
}

static void retry_cancelled(struct mc_waiter *waiter)
{
	mc_reply_fail(mc_request_of(waiter), -EINTR);
}

void mc_request_interrupt(struct mc_request *request)
{
	MC_LOCKED(&request->lock) {
		request->interrupted = true;
		if (request->ask.call)
			mc_call_cancel(request->ask.call);
	}
	mc_park_cancel(request->fs->park, &request->waiter);
}

/* Ends it wherever it is: what is queued won't run, and nobody but the waker is there to answer it. */
static void end_request(struct mc_request *request)
{
	if (mc_lanes_withdraw(request->fs->lanes, &request->job)) {
		request->waiter.retry = retry_cancelled;
		mc_park_post(request->fs->park, &request->waiter);
	} else {
		mc_request_interrupt(request);
	}
}

/* In a thread of the loop. libfuse holds the request's lock and may call this before fuse_req_interrupt_func() returns,
 * so it must not answer. */
static void on_interrupt(fuse_req_t req, void *data)
{
	struct mc_request *request = data;
	bool first = false;

	if (is_dying(fuse_req_ctx(req)->pid)) {
		end_request(request);
		return;
	}
	mc_park_cancel(request->fs->park, &request->waiter);
	/* The signal that kills may come later, and won't be told. */
	MC_LOCKED(&request->lock) {
		if (!request->signalled) {
			request->signalled = mc_now_ms();
			request->asker = fuse_req_ctx(req)->pid;
			first = true;
		}
	}
	if (first)
		mc_park_tick(request->fs->park, true);
}

void mc_request_watch(struct mc_request *request)
{
	if (request->watched || !request->req)
		return;
	request->watched = true;
	fuse_req_interrupt_func(request->req, on_interrupt, request);
}

void mc_request_unwatch(struct mc_request *request)
{
	if (!request->watched)
		return;
	/* Returns when a running on_interrupt() has, too: it holds the same lock. */
	fuse_req_interrupt_func(request->req, NULL, NULL);
	mc_mutex_lock(&request->lock);
	bool signalled = request->signalled;
	request->signalled = 0;
	mc_mutex_unlock(&request->lock);
	if (signalled)
		mc_park_tick(request->fs->park, false);
}

/* Whether any signal may end it. */
static bool takes_any(const struct mc_request *request)
{
	bool reads = request->operation == MC_OP_OPEN || request->operation == MC_OP_READ;

	return reads && !mc_node_row(request->node)->file;
}

/* Of a signalled request, while nobody holds a lock that keeps it alive: enough to find it again. */
struct suspect {
	const struct mc_request *request;
	int64_t started, signalled;
	pid_t asker;
	bool any;
};

enum { SUSPECTS = 64 };

/* Up to SUSPECTS of the requests in lanes whose askers got signals. */
static size_t find_suspects(struct mc_fs *fs, struct suspect *suspects)
{
	size_t count = 0;

	MC_LOCKED(&fs->lock) {
		for (struct mc_request *request = fs->asks; request && count < SUSPECTS; request = request->next) {
			MC_LOCKED(&request->lock) {
				if (request->signalled && !request->interrupted)
					suspects[count++] = (struct suspect){.request = request,
						.started = request->started,
						.signalled = request->signalled,
						.asker = request->asker,
						.any = takes_any(request)};
			}
		}
	}
	return count;
}

static void end_suspect(struct mc_fs *fs, const struct suspect *suspect)
{
	MC_LOCKED(&fs->lock) {
		struct mc_request *request = fs->asks;
		while (request && (request != suspect->request || request->started != suspect->started))
			request = request->next;
		if (request)
			end_request(request);
	}
}

void mc_request_tick(void *data)
{
	struct mc_fs *fs = data;
	struct suspect suspects[SUSPECTS];
	size_t count = find_suspects(fs, suspects);
	int64_t now = mc_now_ms();

	for (size_t i = 0; i < count; i++) {
		bool late = suspects[i].any && now - suspects[i].signalled >= MC_PARK_TICK_MS;
		if (late || is_dying(suspects[i].asker))
			end_suspect(fs, &suspects[i]);
	}
}
