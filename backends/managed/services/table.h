/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_TABLE_H
#define BACKENDS_MANAGED_SERVICES_TABLE_H

#include "backends/recipes/recipe.h"
#include "backends/recipes/release.h"

#include <stdbool.h>

/* The services of a region, a row each. All that others know of a service they have from here; docs/adding.md says how
 * one is added. */

struct mc_call;
struct mc_database;
struct mc_error;

/* The rows that are known by their names, because something is done with them that is done with no other: so much of
 * mc_services. */
enum mc_service_kind { MC_DATABASE, MC_MEMCACHED, MC_KEYSTONE, MC_GLANCE, MC_LDAP };

/* How it is spoken to, and so how it is asked whether it serves. */
enum mc_protocol { MC_PROTOCOL_NONE, MC_PROTOCOL_SQL, MC_PROTOCOL_HTTP, MC_PROTOCOL_LDAP };

/* What is told of it, as sentences for `progress` and for messages. */
struct mc_service_words {
	const char *load_step, *loads; /* NULL: it is there at once */
	const char *serves, *stopped, *gone;
	const char *missed; /* what else is so while it doesn't serve, behind that; NULL: nothing */
};

/* What it offers in Keystone's catalog; TYPE NULL: nothing. */
struct mc_service_endpoint {
	const char *type, *name; /* "image", "glance" */
	const char *path;        /* behind its URL */
};

/* Its part of the region's database; USER NULL: none. */
struct mc_service_schema {
	const char *user; /* whose password is the secret "db_USER", in templates DB_NAME_PASSWORD */
	const char *sql;  /* a template: the statements that make the user and what is his, at each of its starts */
};

/* What users keep in it, for which a region isn't removed; NOUN NULL: nothing. */
struct mc_service_goods {
	const char *noun; /* "image": of one */
	int (*count)(
		struct mc_database *database, struct mc_call *call, unsigned long *ret_count, struct mc_error *error);
};

/* How it ends TLS, where a cloud has that; FOLDER NULL: it has none. */
struct mc_service_tls {
	const char *folder; /* of MC_CERTIFICATE_FILE and MC_CA_FILE in the container */
	unsigned uid;       /* whose they are */
	bool is_always;     /* it needs one also in a cloud that has no CA: then its own, which nobody has to believe */
	/* A command after which a new certificate is shown, NULL-terminated; NULL: it is restarted for that. */
	const char *const *reload;
	const char *const *health; /* instead of that of its row, which would speak no TLS; NULL: it is as good */
	unsigned short near_port;  /* where it ends TLS of whoever knows the container's own address; 0: at its port */
};

#define MC_CERTIFICATE_FILE "server.pem" /* with its key */
#define MC_CA_FILE "ca.pem"
#define MC_MYSQL_FOLDER "/etc/mysql" /* of these two in the database's container */

struct mc_service {
	const char *name;   /* "keystone": of its steps and labels; in capitals, of its values in templates */
	const char *prefix; /* of its containers' names: "mysql" of mysql-Kista; of one that is shared, the whole */
	bool is_shared;     /* by all regions; it goes with the last one */
	bool stands_by;     /* it runs in a slave that stands by, too */
	bool is_here;       /* on the daemon's machine, wherever its region is */
	/* Bits, by MC_BIT(), of rows above: who has to serve before it is started, unless it loads; and to end after
	 * it.
	 */
	unsigned needs;

	const char *images[MC_RELEASES_MAX]; /* by release */
	const char *const *command;          /* argv, NULL-terminated; NULL: the image's own */
	const char *volume;                  /* where its data lie in the container; NULL: it has none */
	const char *sockets;   /* where the volume of MC_MEMCACHED's socket lies in the container; NULL: nowhere */
	unsigned short port;   /* 0: it listens on none */
	bool published;        /* on the region's address, too */
	unsigned stop_seconds; /* that a clean end may take */
	bool has_keys;         /* Keystone's, as files */
	/* The file of its container that it waits for when it has loaded, and then for SIGCONT: it can be a spare
	 * (spare.h). NULL: it can't. */
	const char *waits_for;
	struct mc_service_tls tls;
	const char *const *health;          /* a command that succeeds when it serves, NULL-terminated */
	const struct mc_recipe_file *files; /* the last has no path; NULL: none */

	enum mc_protocol protocol;
	const char *probe; /* by HTTP: the path that answers below 500 when it serves */
	struct mc_service_endpoint endpoint;
	const char *account; /* its user in Keystone, an admin in the project of services, whose password is the secret
				of that name, in templates NAME_PASSWORD; NULL: none */
	struct mc_service_schema schema;
	struct mc_service_goods goods;
	struct mc_service_words words;
};

#define MC_BIT(kind) (1u << (kind))

/* At most so many rows. */
#define MC_SERVICES_MAX 12

/* The last has no name. */
extern const struct mc_service mc_services[];

/* The number of SERVICE's row. */
static inline unsigned mc_service_index(const struct mc_service *service)
{
	return (unsigned)(service - mc_services);
}

#endif
