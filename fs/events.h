/* SPDX-License-Identifier: MIT */
#ifndef FS_EVENTS_H
#define FS_EVENTS_H

#include "fs/tree.h"

/* `events`: one JSON object a line, from the moment of opening on. A reader that was too slow for the ring gets one
 * line that says how many it has missed. */
extern const struct mc_stream_type mc_events_stream;

/* The last 4,096 lines, for all readers. Safe in any thread. */
struct mc_events;

struct mc_events *mc_events_new(void);
void mc_events_free(struct mc_events *events);

/* Adds what happened. Readers are not woken: mc_fs_wake() does that. */
void mc_events_add(struct mc_events *events, const struct mc_cloud_event *event);

/* The sequence number of the next event. */
uint64_t mc_events_next(struct mc_events *events);

/* Adds the lines from sequence number *FROM on that fit into SIZE bytes to TO, and moves *FROM behind them. Bytes; 0:
 * none yet. */
size_t mc_events_read(struct mc_events *events, uint64_t *from, char *to, size_t size);

#endif
