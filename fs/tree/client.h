/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_CLIENT_H
#define FS_TREE_CLIENT_H

#include "fs/tree.h"
#include "mcloud/region.h"

#include <stdbool.h>
#include <stddef.h>

/* What the openstack client and openstacksdk are told of a cloud and a login, for openrc and clouds.yaml.
 * https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html */

/* By the name that it has in clouds.yaml. */
struct mc_client_setting {
	const char *name, *text;
};

enum { MC_CLIENT_AUTH_MAX = 32, MC_CLIENT_VALUES_MAX = 12 };

/* A region, and what holds for its services only. */
struct mc_client_region {
	const char *name;                                      /* NULL: nobody names it, and it is the only one */
	struct mc_client_setting values[MC_CLIENT_VALUES_MAX]; /* n_values */
	size_t n_values;
};

/* Texts are UTF-8; NULL: none. */
struct mc_client_settings {
	const char *cloud;                      /* its name */
	const struct mc_client_region *regions; /* n_regions, the default first */
	size_t n_regions;
	const char *auth_type;
	struct mc_client_setting auth[MC_CLIENT_AUTH_MAX]; /* n_auth, each with a text */
	size_t n_auth;
	const char *interface;           /* of the endpoints: public, internal, admin */
	const char *cacert, *cert, *key; /* paths */
	bool verify;                     /* whether the server's certificate is checked */
	const char *address;             /* an address of this machine, which no proxy is to be asked for */
};

/* Settings with what their texts lie in. Starts as { 0 }, and is cleared also after a failure. */
struct mc_client {
	struct mc_client_settings settings;
	struct mc_region_views regions;
	struct mc_client_region *named; /* of the regions */
	char *auth_url, *secret;        /* the secret is wiped */
	char *files[3];                 /* cacert, cert, key */
	struct mc_buffer methods;
};

/* How the region that ASK is about is reached (at the root the cloud: its master), and who logs in there: whoever the
 * mount logs in as. From memory. -EAGAIN: there is no master yet, or no secrets; -ENOENT: there is no such region;
 * -ENOMEM. */
int mc_client_of_mount(struct mc_ask *ask, struct mc_client *client);
/* The same with the application credential ID; SECRET (malloc'd) is taken over, also on failure. */
int mc_client_of_credential(struct mc_ask *ask, const char *id, char *secret, struct mc_client *client);

void mc_client_clear(struct mc_client *client);

/* The settings as a text for a program: what a row's `data` says. 0, -ENOMEM or -EIO (they aren't UTF-8). */
enum mc_client_form { MC_CLIENT_OPENRC, MC_CLIENT_CLOUDS_YAML };
int mc_client_print(
	const struct mc_client *client, enum mc_client_form form, struct mc_buffer *out, struct mc_error *error);

static inline void mc_cleanup_client(struct mc_client *client)
{
	int saved = errno;
	mc_client_clear(client);
	errno = saved;
}

#endif
