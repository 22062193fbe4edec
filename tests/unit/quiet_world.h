/* SPDX-License-Identifier: MIT */
#ifndef TESTS_QUIET_WORLD_H
#define TESTS_QUIET_WORLD_H

#include "backends/cloud/model.h"
#include "backends/cloud/work.h"

/* What a cloud asks of its kind, of its works and of its handler, where a test has no eye for that. */

static inline void equip_nothing(struct mc_region *region)
{
	(void)region;
}

static inline void look_at_nothing(const struct mc_region *region, struct mc_sight *sight)
{
	(void)region, (void)sight;
}

static inline void cancel_nothing(struct mc_cloud *cloud)
{
	(void)cloud;
}

static inline void shut_nothing(struct mc_cloud *cloud)
{
	(void)cloud;
}

static inline void ignore_event(void *data, const struct mc_cloud_event *event)
{
	(void)data, (void)event;
}

static inline int run_nothing(struct mc_work *work)
{
	(void)work;
	return 0;
}

static inline void finish_nothing(struct mc_work *work, int result)
{
	(void)work, (void)result;
}

static inline void follow_nothing(struct mc_region *region, int result)
{
	(void)region, (void)result;
}

#endif
