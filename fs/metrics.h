/* SPDX-License-Identifier: MIT */
#ifndef FS_METRICS_H
#define FS_METRICS_H

#include "mcloud/exposition.h"

#include <stdbool.h>
#include <stdint.h>

/* What the daemon counts of itself. Safe in any thread, without a lock. */
struct mc_metrics;

/* What the kernel asks for, by libfuse's names. */
enum mc_operation {
	MC_OP_LOOKUP,
	MC_OP_GETATTR,
	MC_OP_SETATTR,
	MC_OP_READLINK,
	MC_OP_MKNOD,
	MC_OP_MKDIR,
	MC_OP_UNLINK,
	MC_OP_RMDIR,
	MC_OP_SYMLINK,
	MC_OP_RENAME,
	MC_OP_LINK,
	MC_OP_OPEN,
	MC_OP_CREATE,
	MC_OP_READ,
	MC_OP_WRITE,
	MC_OP_FLUSH,
	MC_OP_RELEASE,
	MC_OP_FSYNC,
	MC_OP_FALLOCATE,
	MC_OP_OPENDIR,
	MC_OP_READDIR,
	MC_OP_READDIRPLUS,
	MC_OP_RELEASEDIR,
	MC_OP_STATFS,
	MC_OP_GETXATTR,
	MC_OP_LISTXATTR,
	MC_OP_SETXATTR,
	MC_OP_REMOVEXATTR,
	MC_OP_POLL,
	MC_OPERATIONS
};

/* What fs/ keeps for a while. */
enum mc_cache { MC_CACHE_ATTRIBUTES, MC_CACHE_LISTINGS, MC_CACHE_NAMES, MC_CACHES };

const char *mc_operation_name(enum mc_operation operation);

struct mc_metrics *mc_metrics_new(void);
void mc_metrics_free(struct mc_metrics *metrics);
void mc_metrics_operation(struct mc_metrics *metrics, enum mc_operation operation, bool failed, int64_t nanoseconds);
void mc_metrics_cache(struct mc_metrics *metrics, enum mc_cache cache, bool hit);

void mc_metrics_expose(struct mc_metrics *metrics, struct mc_exposition *exposition);

#endif
