/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_RECIPES_RECIPE_H
#define BACKENDS_RECIPES_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

/* What runs in a region's containers: image, files, ports and health check of each kind of service. The images are
 * built by backends/recipes/build; files that hold names or secrets are templates, filled in by the daemon and put into
 * each container before it starts. */
enum mc_service_kind { MC_DATABASE, MC_MEMCACHED, MC_KEYSTONE, MC_GLANCE, MC_LDAP, MC_SERVICE_KINDS };

/* The accounts inside the images to whom files belong that are not a recipe's own: Keystone's keys, a slave's copy. */
#define MC_MYSQL_UID 601
#define MC_KEYSTONE_UID 603

struct mc_recipe_file {
	const char *path; /* absolute, in the container */
	unsigned mode, uid, gid;
	const char *template_name; /* "keystone/keystone.conf.in" */
	const char *text;          /* with a @NAME@ where a value belongs */
};

struct mc_recipe {
	const char *service; /* "keystone" */
	const char *prefix;  /* of its containers' names: "mysql" of mysql-Kista; "ldap" is a whole name */
	const char *image;
	const char *volume;  /* where its data lie in the container; NULL: it has none */
	const char *sockets; /* where the volume lies in the container that memcached's socket is in; NULL: nowhere */
	unsigned short port; /* 0: it listens on none */
	bool published;      /* on the region's address, too */
	const char *const *health; /* a command that succeeds when it serves requests, NULL-terminated */
	unsigned stop_seconds;     /* that a clean end may take */
	const struct mc_recipe_file *files;
	size_t n_files;
};

const struct mc_recipe *mc_recipe_get(enum mc_service_kind kind);

/* The statements, a line each, by which a Keystone database of an earlier version tells names apart as this version's
 * do. Lines that begin with "--" are comments. */
const char *mc_recipe_names_sql(void);

/* Fills TEXT in: each @NAME@ is replaced by what LOOK_UP gives for NAME. Values are words of letters, digits and
 * ._:/,=+{}- only, which need no escaping in an INI file, a quoted SQL string or slapd.conf; anything else is -EINVAL,
 * as is a name that LOOK_UP gives NULL for. *RET_TEXT is malloc'd; on failure *RET_BAD (of BAD_SIZE) says what was
 * wrong, without the value. */
int mc_recipe_render(const char *text, const char *(*look_up)(void *data, const char *name), void *data,
	char **ret_text, char *ret_bad, size_t bad_size);

#endif
