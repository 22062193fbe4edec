/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_OVERVIEW_H
#define FS_TREE_OVERVIEW_H

#include "fs/tree.h"
#include "mcloud/buffer.h"
#include "mcloud/error.h"
#include "mcloud/exposition.h"
#include "mcloud/region.h"

/* The whole cloud at one moment, and the pictures of it at the root. */
struct mc_overview {
	const char *cloud; /* its name */
	struct mc_region_views regions;
	struct mc_engine_service_list services;
	bool has_nodes; /* the engine may be of several machines: which of them has what is told, too */
	struct mc_engine_node_list nodes; /* as far as they are known */
};

/* From memory. To be cleared also after a failure. */
int mc_overview_take(struct mc_cloud *cloud, struct mc_overview *ret_overview, struct mc_error *error);
void mc_overview_clear(struct mc_overview *overview);

static inline void mc_cleanup_overview(struct mc_overview *overview)
{
	int saved = errno;
	mc_overview_clear(overview);
	errno = saved;
}

enum mc_health { MC_HEALTH_GOOD, MC_HEALTH_CHANGING, MC_HEALTH_BAD, MC_HEALTH_OFF };

/* What a service's state and health check come to, and in a word or two: "running", "unhealthy", "exited (137)". */
enum mc_health mc_overview_health(const struct mc_engine_service *service);
void mc_overview_summary(const struct mc_engine_service *service, char *text, size_t size);
enum mc_health mc_overview_region_health(enum mc_region_state state);

/* The lag behind its master, in seconds with three decimals; "-": it has none, or it is not known. */
void mc_overview_lag(const struct mc_region_view *region, char *text, size_t size);

/* What the service is: its label, else its name. */
const char *mc_overview_kind(const struct mc_engine_service *service);

/* The machine of REGION, "" where there is one only. */
const char *mc_overview_node(const struct mc_region_view *region);
unsigned mc_overview_count_regions(const struct mc_overview *overview, const struct mc_engine_node *node);
enum mc_health mc_overview_node_health(const struct mc_engine_node *node);
/* Its processors and its memory: "4", "7.8 GiB"; "-": it isn't known. */
void mc_overview_node_figures(const struct mc_engine_node *node, char cpus[16], char memory[24]);

/* Whether SERVICE belongs to REGION (NULL: to all of them). */
bool mc_overview_belongs(const struct mc_engine_service *service, const char *region);

/* The table of `status`, and below it that of the machines, where there are several; and the same for programs. */
void mc_status_table(const struct mc_overview *overview, struct mc_buffer *out);
void mc_status_json(const struct mc_overview *overview, struct mc_buffer *out);

/* States of regions, replication, containers and machines, and bytes of images. */
void mc_overview_metrics(const struct mc_overview *overview, struct mc_exposition *exposition);

/* The picture, in the DOT language and as SVG 1.1. */
void mc_topology_dot(const struct mc_overview *overview, struct mc_buffer *out);
void mc_topology_svg(const struct mc_overview *overview, struct mc_buffer *out);
/* A page that shows it, and, as a file in a browser, goes on showing it as it changes. */
void mc_topology_html(const struct mc_overview *overview, struct mc_buffer *out);

/* What is under way, a line each; from memory. */
void mc_transfers_table(
	const struct mc_work_views *works, const struct mc_transfer_views *transfers, struct mc_buffer *out);
/* `show` of the root's `transfers`. */
int mc_transfers_show(struct mc_ask *ask, struct mc_buffer *out);

#endif
