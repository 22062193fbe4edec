/* SPDX-License-Identifier: MIT */
#include "fs/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>

struct mc_metrics {
	struct {
		atomic_ullong count, failed, nanoseconds;
	} operations[MC_OPERATIONS];
	struct {
		atomic_ullong hits, misses;
	} caches[MC_CACHES];
};

static const char *const operation_names[] = {
	[MC_OP_LOOKUP] = "lookup",
	[MC_OP_GETATTR] = "getattr",
	[MC_OP_SETATTR] = "setattr",
	[MC_OP_READLINK] = "readlink",
	[MC_OP_MKNOD] = "mknod",
	[MC_OP_MKDIR] = "mkdir",
	[MC_OP_UNLINK] = "unlink",
	[MC_OP_RMDIR] = "rmdir",
	[MC_OP_SYMLINK] = "symlink",
	[MC_OP_RENAME] = "rename",
	[MC_OP_LINK] = "link",
	[MC_OP_OPEN] = "open",
	[MC_OP_CREATE] = "create",
	[MC_OP_READ] = "read",
	[MC_OP_WRITE] = "write",
	[MC_OP_FLUSH] = "flush",
	[MC_OP_RELEASE] = "release",
	[MC_OP_FSYNC] = "fsync",
	[MC_OP_FALLOCATE] = "fallocate",
	[MC_OP_OPENDIR] = "opendir",
	[MC_OP_READDIR] = "readdir",
	[MC_OP_READDIRPLUS] = "readdirplus",
	[MC_OP_RELEASEDIR] = "releasedir",
	[MC_OP_STATFS] = "statfs",
	[MC_OP_GETXATTR] = "getxattr",
	[MC_OP_LISTXATTR] = "listxattr",
	[MC_OP_SETXATTR] = "setxattr",
	[MC_OP_REMOVEXATTR] = "removexattr",
	[MC_OP_POLL] = "poll",
};

_Static_assert(MC_COUNT(operation_names) == MC_OPERATIONS, "each operation has a name");

static const char *const cache_names[] = {
	[MC_CACHE_ATTRIBUTES] = "attributes",
	[MC_CACHE_LISTINGS] = "listings",
	[MC_CACHE_NAMES] = "names",
};

const char *mc_operation_name(enum mc_operation operation)
{
	return operation_names[operation];
}

struct mc_metrics *mc_metrics_new(void)
{
	return calloc(1, sizeof(struct mc_metrics));
}

void mc_metrics_free(struct mc_metrics *metrics)
{
	free(metrics);
}

void mc_metrics_operation(struct mc_metrics *metrics, enum mc_operation operation, bool failed, int64_t nanoseconds)
{
	atomic_fetch_add_explicit(&metrics->operations[operation].count, 1, memory_order_relaxed);
	if (failed)
		atomic_fetch_add_explicit(&metrics->operations[operation].failed, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(
		&metrics->operations[operation].nanoseconds, (unsigned long long)nanoseconds, memory_order_relaxed);
}

void mc_metrics_cache(struct mc_metrics *metrics, enum mc_cache cache, bool hit)
{
	atomic_fetch_add_explicit(
		hit ? &metrics->caches[cache].hits : &metrics->caches[cache].misses, 1, memory_order_relaxed);
}

void mc_metrics_expose(struct mc_metrics *metrics, struct mc_exposition *to)
{
	mc_expose_family(to, "mcloudfs_operations_total", "counter", "Requests of the kernel, by operation.");
	for (int i = 0; i < MC_OPERATIONS; i++)
		mc_expose_count(
			to, MC_LABELS({"operation", operation_names[i]}), atomic_load(&metrics->operations[i].count));
	mc_expose_family(
		to, "mcloudfs_operation_failures_total", "counter", "Requests that ended with an errno, by operation.");
	for (int i = 0; i < MC_OPERATIONS; i++)
		mc_expose_count(
			to, MC_LABELS({"operation", operation_names[i]}), atomic_load(&metrics->operations[i].failed));
	mc_expose_family(to, "mcloudfs_operation_seconds_total", "counter",
		"Time from the kernel's request to the answer, by operation.");
	for (int i = 0; i < MC_OPERATIONS; i++)
		mc_expose_number(to, MC_LABELS({"operation", operation_names[i]}),
			(double)atomic_load(&metrics->operations[i].nanoseconds) / 1e9);
	mc_expose_family(
		to, "mcloudfs_cache_hits_total", "counter", "Questions answered from what was kept, by cache.");
	for (int i = 0; i < MC_CACHES; i++)
		mc_expose_count(to, MC_LABELS({"cache", cache_names[i]}), atomic_load(&metrics->caches[i].hits));
	mc_expose_family(to, "mcloudfs_cache_misses_total", "counter",
		"Questions that a service had to be asked for, by cache.");
	for (int i = 0; i < MC_CACHES; i++)
		mc_expose_count(to, MC_LABELS({"cache", cache_names[i]}), atomic_load(&metrics->caches[i].misses));
}
