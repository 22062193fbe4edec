/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_RECIPES_RECIPE_H
#define BACKENDS_RECIPES_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

/* Files of a region's containers. The images are built by backends/recipes/build; files that hold names or secrets are
 * templates, filled in by the daemon and put into each container before it starts. */

/* The accounts inside the images to whom files belong that are not a recipe's own: Keystone's keys, a slave's copy. */
#define MC_MYSQL_UID 601
#define MC_KEYSTONE_UID 603

/* In which clouds a file is. */
enum mc_recipe_clouds { MC_CLOUDS_ALL, MC_CLOUDS_WITHOUT_TLS, MC_CLOUDS_WITH_TLS };

struct mc_recipe_file {
	const char *path; /* absolute, in the container */
	unsigned mode, uid, gid;
	const char *template_name; /* "keystone/keystone.conf.in" */
	const char *text;          /* with a @NAME@ where a value belongs */
	bool takes_schemas;        /* the statements of all services that have some follow */
	enum mc_recipe_clouds clouds;
	const char *tls_text; /* follows in clouds with TLS, before those statements; NULL: nothing */
};

/* The statements, a line each, by which a Keystone database of an earlier version tells names apart as this version's
 * do. Lines that begin with "--" are comments. */
const char *mc_recipe_names_sql(void);

/* Fills TEXT in: each @NAME@ is replaced by what LOOK_UP gives for NAME. Values are words of letters, digits and
 * ._:/,=+{}-& only, which need no escaping in an INI file, a quoted SQL string or slapd.conf; anything else is -EINVAL,
 * as is a name that LOOK_UP gives NULL for. *RET_TEXT is malloc'd; on failure *RET_BAD (of BAD_SIZE) says what was
 * wrong, without the value. */
int mc_recipe_render(const char *text, const char *(*look_up)(void *data, const char *name), void *data,
	char **ret_text, char *ret_bad, size_t bad_size);

#endif
