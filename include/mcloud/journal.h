/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_JOURNAL_H
#define MCLOUD_JOURNAL_H

#include "mcloud/buffer.h"
#include "mcloud/exposition.h"

/* The last 1,000 backend calls, and counts of all of them. Safe in any thread. */
struct mc_journal;

struct mc_journal *mc_journal_new(void);
void mc_journal_free(struct mc_journal *journal);

/* BACKEND "keystone-Kista", CALL "GET /v3/auth/catalog" (copied, cut to 160 bytes; the caller has left out queries and
 * whatever is secret), STATUS an HTTP status or a negative errno, MS the time it took. */
void mc_journal_add(struct mc_journal *journal, const char *backend, const char *call, int status, double ms);

/* Lines "TIME BACKEND CALL STATUS MS", oldest first. */
void mc_journal_show(struct mc_journal *journal, struct mc_buffer *out);

/* What was counted of the backends of REGION is forgotten: it is gone. Takes NULL. */
void mc_journal_forget(struct mc_journal *journal, const char *region);

/* mcloudfs_backend_calls_total, …_failures_total and …_seconds_total by backend, and how long they took by service and
 * region. */
void mc_journal_expose(struct mc_journal *journal, struct mc_exposition *exposition);

#endif
