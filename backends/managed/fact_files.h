/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_FACT_FILES_H
#define BACKENDS_MANAGED_FACT_FILES_H

#include "backends/cloud/model.h"
#include "mcloud/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* What a cloud can't learn by looking at its engine, and what no clean-up of the engine may take, on disk:
 *
 *   STATE_DIR/CLOUD/regions/REGION.json    that the region is there, and its facts (`marks`)
 *   STATE_DIR/CLOUD/data/SERVICE/          what is in the volume of a service ("mysql-Kista", "ldap")
 *
 * Each change of a region's facts is one file that is replaced as a whole. The caller sees to it that one at a time
 * changes those of a region. */

struct mc_cloud_options;

/* The facts by name, at most so many. */
#define MC_FACT_FILE_MAX 32

struct mc_fact_file {
	char region[64];
	unsigned number;
	double created;      /* seconds since 1970 */
	char release[32];    /* of OpenStack; "": it was made when there was one only */
	char former[32];     /* the release before, to which it may go back; "": it doesn't */
	unsigned generation; /* of its database's data */
	struct mc_machine machine;
	const char *facts[MC_FACT_FILE_MAX]; /* constant strings, the first n_facts */
	size_t n_facts;
};

/* Gives FOUND each region that is there. KNOWN turns a fact's name into a constant string; what it does not know (NULL)
 * fails the whole with -EIO, as does a file that is damaged: a fact is not guessed. */
int mc_fact_files_read(const struct mc_cloud_options *options, const char *(*known)(const char *fact),
	int (*found)(void *data, const struct mc_fact_file *kept), void *data, struct mc_error *error);
/* Stores KEPT in place of what was known of its region. When it returns 0, it stays so. */
int mc_fact_files_write(
	const struct mc_cloud_options *options, const struct mc_fact_file *kept, struct mc_error *error);
/* The region is forgotten; with the last one, all that is empty goes. */
int mc_fact_files_remove(const struct mc_cloud_options *options, const char *region, struct mc_error *error);

/* Where the data of SERVICE lie, to PATH: 1; 0: there are none, with MAKE: made (1). Only root can give directories to
 * a service, so for others it is always 0: the engine keeps their data. */
int mc_fact_files_data(const struct mc_cloud_options *options, const char *service, bool make, char path[PATH_MAX],
	struct mc_error *error);
/* -EBUSY when there are data of SERVICE; a directory with nothing in it is none. */
int mc_fact_files_check_free(const struct mc_cloud_options *options, const char *service, struct mc_error *error);
/* Deletes the data of SERVICE, if there are any. */
int mc_fact_files_remove_data(const struct mc_cloud_options *options, const char *service, struct mc_error *error);

#endif
