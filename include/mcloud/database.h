/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_DATABASE_H
#define MCLOUD_DATABASE_H

#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/journal.h"
#include "mcloud/util.h"

#include <errno.h>
#include <stdbool.h>

/* One region's MariaDB over TCP. */
struct mc_database;

struct mc_database_options {
	const char *service; /* "mysql-Kista" */
	const char *host;    /* an address */
	unsigned short port;
	const char *user; /* NULL: root */
	const char *password;
	/* It is spoken to by TLS only, and only if it shows a certificate for HOST of this CA, in PEM; NULL: without.
	 */
	const char *ca_pem;
	struct mc_journal *journal;
};

struct mc_database *mc_database_new(const struct mc_database_options *options);
void mc_database_free(struct mc_database *database);

/* 0 when it takes queries. */
int mc_database_ping(struct mc_database *database, struct mc_call *call, struct mc_error *error);

/* Sets the local password of user NAME in domain Default of the keystone database. HASH is what Keystone stores
 * (bcrypt, "$2b$…"). Where it is set already, no row is locked. -ENOENT: no such user. */
int mc_database_set_password(
	struct mc_database *database, struct mc_call *call, const char *name, const char *hash, struct mc_error *error);

/* The functions below write in the keystone database. It fails with -EBUSY in one that takes no writes now, if the
 * connection is not that of root, whom nothing keeps from writing: so that nothing is ever written anywhere but in the
 * master's.
 */

/* Rows of the keystone database, for before its Keystone serves (there, requests would say the same much later). Each
 * is made if it is not there, else brought to say this. The schema is that of Keystone 22 (Zed). */

/* An endpoint of service TYPE ("image"), which is named NAME, in REGION: both are made as well. INTERFACE "public",
 * "internal" or "admin". */
int mc_database_put_endpoint(struct mc_database *database, struct mc_call *call, const char *region, const char *type,
	const char *name, const char *interface, const char *url, struct mc_error *error);
int mc_database_put_domain(struct mc_database *database, struct mc_call *call, const char *name,
	const char *description, struct mc_error *error);
/* A setting of domain NAME's own configuration; VALUE is text. IS_SECRET: the API never shows it.
 * https://docs.openstack.org/keystone/latest/admin/configuration.html#domain-specific-configuration */
int mc_database_put_domain_option(struct mc_database *database, struct mc_call *call, const char *name,
	const char *group, const char *option, const char *value, bool is_secret, struct mc_error *error);

/* Who logs in, with which role in which project; all by name, user and project in domain Default. */
struct mc_database_login {
	const char *user, *project, *role;
};

/* Puts back what of LOGIN, and of its domain, is missing or disabled; a user that is new has no password yet. Where
 * nothing is missing, no row is locked: a write that waits for a slave holds locks, and that slave may wait for this
 * region to serve. -EEXIST when something that goes by nearly the same name is in the way. */
int mc_database_restore_login(struct mc_database *database, struct mc_call *call, const struct mc_database_login *login,
	struct mc_error *error);
/* In *RET_LACKS whether domain NAME has to be made one that is found in LDAP: 0: no, 1: it isn't there, or has neither
 * a driver nor people of its own; 2: it has no driver, but people. */
int mc_database_lacks_driver(struct mc_database *database, struct mc_call *call, const char *domain,
	unsigned long *ret_lacks, struct mc_error *error);

/* Runs STATEMENTS (recipe.h: mc_recipe_names_sql()) in the keystone database, as root, if it takes names for the same
 * that are not: one that an earlier version has made. They are replicated. Ids that were given stay as they are. */
int mc_database_tell_names_apart(
	struct mc_database *database, struct mc_call *call, const char *statements, struct mc_error *error);

/* The caches that all Keystones of this database, or of a replica, have of the rows above are not believed any longer.
 * To be called when they are written. */
int mc_database_renew_cache(struct mc_database *database, struct mc_call *call, struct mc_error *error);

/* How many images the glance database of the region holds, in whatever state and of whatever project. */
int mc_database_count_images(
	struct mc_database *database, struct mc_call *call, unsigned long *ret_count, struct mc_error *error);

/* Sets ATTRIBUTE (disk_format or container_format; else -EINVAL) of image ID in the glance database of the region, of
 * an image that has its content. -EBUSY: there is none such now. Nothing of that database is replicated. */
int mc_database_set_image_format(struct mc_database *database, struct mc_call *call, const char *id,
	const char *attribute, const char *value, struct mc_error *error);

MC_DEFINE_CLEANUP(database, struct mc_database *, mc_database_free);

#endif
