/* SPDX-License-Identifier: MIT */
#include "fs/notify.h"

#include "fs/thread.h"
#include "mcloud/lock.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdlib.h>

struct notice {
	struct notice *next;
	uint64_t ino;
};

struct mc_notify {
	mc_mutex lock; /* guards all but session; no other lock is taken while it is held */
	pthread_cond_t news;
	struct notice *first, **end;
	struct fuse_session *session;
	bool started, stopping;
	bool pages; /* constant */
	pthread_t thread;
};

struct mc_notify *mc_notify_new(bool pages)
{
	struct mc_notify *notify = calloc(1, sizeof *notify);

	if (!notify)
		return NULL;
	pthread_mutex_init(&notify->lock, NULL);
	pthread_cond_init(&notify->news, NULL);
	notify->end = &notify->first;
	notify->pages = pages;
	return notify;
}

/* Waits for the next one; NULL: the end. With the lock held. */
static struct notice *take_notice(struct mc_notify *notify) MC_REQUIRES(notify->lock)
{
	while (!notify->first && !notify->stopping)
		pthread_cond_wait(&notify->news, &notify->lock);
	if (notify->stopping)
		return NULL;
	struct notice *notice = notify->first;
	notify->first = notice->next;
	if (!notify->first)
		notify->end = &notify->first;
	return notice;
}

/* Errors don't matter: -ENOENT says that the kernel has forgotten already, anything else that the mount is going. An
 * offset below 0 leaves the pages alone: content that is cached never changes, but may turn out to be wrong. */
static void invalidate_inode(const struct mc_notify *notify, const struct notice *notice)
{
	(void)fuse_lowlevel_notify_inval_inode(notify->session, notice->ino, notify->pages ? 0 : -1, 0);
}

static void *send_notices(void *data)
{
	struct mc_notify *notify = data;

	mc_mutex_lock(&notify->lock);
	for (struct notice *notice; (notice = take_notice(notify));) {
		mc_mutex_unlock(&notify->lock);
		invalidate_inode(notify, notice);
		free(notice);
		mc_mutex_lock(&notify->lock);
	}
	mc_mutex_unlock(&notify->lock);
	return NULL;
}

int mc_notify_start(struct mc_notify *notify, struct fuse_session *session)
{
	notify->session = session;
	int result = mc_thread_start(&notify->thread, "mc-notify", send_notices, notify);
	notify->started = result == 0;
	return result;
}

void mc_notify_stop(struct mc_notify *notify)
{
	MC_LOCKED(&notify->lock) {
		notify->stopping = true;
		pthread_cond_signal(&notify->news);
	}
	if (notify->started)
		pthread_join(notify->thread, NULL);
	notify->started = false;
}

void mc_notify_free(struct mc_notify *notify)
{
	if (!notify)
		return;
	while (notify->first) {
		struct notice *notice = notify->first;
		notify->first = notice->next;
		free(notice);
	}
	pthread_cond_destroy(&notify->news);
	pthread_mutex_destroy(&notify->lock);
	free(notify);
}

void mc_notify_add(struct mc_notify *notify, uint64_t ino)
{
	struct notice *notice = malloc(sizeof *notice);

	/* Without memory the kernel learns it when its time-out is over. */
	if (!notice)
		return;
	notice->next = NULL;
	notice->ino = ino;
	MC_LOCKED(&notify->lock) {
		*notify->end = notice;
		notify->end = &notice->next;
		pthread_cond_signal(&notify->news);
	}
}
