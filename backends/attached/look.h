/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_ATTACHED_LOOK_H
#define BACKENDS_ATTACHED_LOOK_H

#include "backends/openstack/discovery/discovery.h"
#include "mcloud/reach.h"

/* One look at an attached cloud. */

struct mc_attachment;
struct mc_call;
struct mc_catalog;
struct mc_keystone;
struct mc_region;

/* What it has learned so far. */
struct mc_look {
	struct mc_attachment *attachment;
	struct mc_call *call;
	struct mc_discovery discovery;
	struct mc_catalog *catalog;
	char *project_id; /* of the token; NULL: none */
};

/* Its call, with the time for one more question. */
struct mc_call *mc_look_call(struct mc_look *look);

/* services.c: what REGION has of services goes to the attachment, its clients to the region. */
void mc_look_at_region(struct mc_look *look, struct mc_region *region);

struct mc_reach mc_attachment_reach(const struct mc_attachment *attachment);
/* A client of the Keystone at URL with the attachment's login; NULL: out of memory. */
struct mc_keystone *mc_attachment_keystone(struct mc_attachment *attachment, const char *service, const char *url);

#endif
