/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_ATTACHED_H
#define MCLOUD_ATTACHED_H

#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/credentials.h"
#include "mcloud/error.h"
#include "mcloud/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mc_cloud;
struct mc_cloud_event;
struct mc_image_cache;

/* How to reach a cloud that is there already: what clouds.yaml, secure.yaml, clouds-public.yaml and the environment say
 * of it, found and merged as openstacksdk does (openstack.config: OpenStackConfig().get_one(),
 * https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html). All texts are UTF-8; NULL: none. */

/* What is asked for. */
struct mc_attached_source {
	const char *cloud;        /* NULL: OS_CLOUD, the environment's own cloud, or the only one there is */
	const char *region;       /* of the cloud's regions; NULL or empty: the first */
	const char *clouds_file;  /* read in place of the clouds.yaml that would be found; NULL: search */
	char *const *environment; /* as environ(7): OS_*, HOME, XDG_CONFIG_HOME, XDG_CONFIG_DIRS, SNAP_REAL_HOME */
	const char *vendors;      /* folder of openstacksdk's own profiles; NULL: Debian's */
};

/* Who one is. Of an id and a name the id counts. The scope is, in this order, what there is of: domain, project, trust,
 * unscoped, system; a configuration with two of the first four is refused. */
struct mc_attached_auth {
	char *type;       /* auth_type as it is written, "v3password" */
	unsigned methods; /* of enum mc_login_method; several: v3multifactor, in the order of their bits */
	char *auth_url;   /* never NULL; Keystone's URL, with or without a version */
	char *username, *user_id;
	char *user_domain_id, *user_domain_name; /* default_domain_* has been filled in */
	char *password;                          /* secret */
	char *token;                             /* secret */
	char *passcode; /* secret; of totp, and as short-lived as that; NULL: it is to be asked for */
	char *application_credential_id, *application_credential_name;
	char *application_credential_secret; /* secret */
	char *project_id, *project_name;
	char *project_domain_id, *project_domain_name; /* default_domain_* has been filled in */
	char *domain_id, *domain_name;
	char *trust_id;
	char *system_scope; /* only "all" is a scope */
	bool unscoped;      /* no scope, even if the user has a default project */
};

/* One service's own settings, or those of the cloud where it has none. */
struct mc_attached_service {
	char *region_name; /* in the catalog; NULL or empty: any */
	char **interfaces; /* n_interfaces, the best first: public, internal, admin; none: any */
	size_t n_interfaces;
	char *service_type; /* in the catalog: never NULL */
	char *service_name; /* in the catalog; NULL: any */
	char *endpoint;     /* instead of what the catalog has; NULL: the catalog's */
	char *api_version;  /* "3"; NULL: none is asked for */
	bool disabled;      /* has_SERVICE is false: it isn't to be used */
};

struct mc_attached_config {
	char *cloud;    /* its name in the file */
	char *region;   /* the one that this is of; empty: it has none */
	char **regions; /* n_regions: names of those that the configuration knows */
	size_t n_regions;
	struct mc_attached_auth auth;
	struct mc_attached_service identity, image;
	bool verify;        /* whether a server's certificate is checked (insecure > verify > cacert) */
	char *cacert;       /* file or folder of CAs that are believed, and no others; NULL: the system's */
	char *cert, *key;   /* files of a client's certificate and its key; key NULL: both are in cert */
	int64_t timeout_ms; /* of a request (api_timeout); 0: none is given */
	char **files;       /* n_files: paths that were read, some relative: when one changes, so may all this */
	size_t n_files;
	char **warnings; /* n_warnings: sentences without a full stop on what openstacksdk warns of, too */
	size_t n_warnings;
};

/* The configuration, owned by the caller. -ENOENT: there is no such cloud, or there are several and none was chosen;
 * -EINVAL: a file or setting makes no sense, or asks for what mcloudfs has not, which the sentence names;
 * the errno of open(2) or read(2) where clouds_file can't be read; -ENOMEM. No sentence holds a secret. */
int mc_attached_load(
	const struct mc_attached_source *source, struct mc_attached_config **ret_config, struct mc_error *error);

/* The names of the clouds that SOURCE's files and environment have, a line each, in their order. The errors are those
 * of the files. */
int mc_attached_names(const struct mc_attached_source *source, struct mc_buffer *out, struct mc_error *error);

/* Wipes what is secret in it; takes NULL. */
void mc_attached_free(struct mc_attached_config *config);

MC_DEFINE_CLEANUP(attached, struct mc_attached_config *, mc_attached_free);

/* The texts of AUTH, by the names that they have in clouds.yaml; NULL: that one isn't set. False: there is none of
 * INDEX. */
bool mc_attached_setting(
	const struct mc_attached_auth *auth, size_t index, const char **ret_name, const char **ret_text);

/* AUTH as what a login takes; the texts stay AUTH's. */
struct mc_credentials mc_attached_credentials(const struct mc_attached_auth *auth);

/* How long a request may take where nobody says it. */
#define MC_CLOUD_TIMEOUT_MS 10000

/* What a cloud is opened by that is there already. */
struct mc_attached_options {
	struct mc_attached_source source; /* texts are copied; the environment is not */
	int ttl_ms;                       /* as of struct mc_cloud_options */
	int timeout_ms;                   /* likewise; 0: what api_timeout says, else MC_CLOUD_TIMEOUT_MS */
	int patience_ms;                  /* how long the login, and the first look, are waited for */
	struct mc_image_cache *cache;     /* of images, outliving the cloud; NULL: none */
	bool read_only;
};

/* Opens it, and logs in. Succeeds also while it can't be reached, or doesn't let one in: its regions have failed then,
 * say why, and are looked at again and again. What it has, regions and their services, is looked for meanwhile, and
 * mc_cloud_is_seen() when that is known, or after patience_ms.
 * The errors are those of mc_attached_load(). HANDLER as of mc_cloud_open(); for mc_cloud_close(). */
int mc_attached_open(const struct mc_attached_options *options, struct mc_journal *journal,
	void (*handler)(void *data, const struct mc_cloud_event *event), void *data, struct mc_cloud **ret_cloud,
	struct mc_error *error);

/* Whether a login has succeeded yet. */
bool mc_attached_was_in(struct mc_cloud *cloud);

/* As it was when CLOUD was opened; lives as long as that. */
const struct mc_attached_config *mc_attached_config(const struct mc_cloud *cloud);

/* The settings that hold for region NAME, and for no other; NULL: the files say nothing of it, or what can't be used.
 * As they were when CLOUD was opened; they live as long as that. */
const struct mc_attached_config *mc_attached_region_config(struct mc_cloud *cloud, const char *name);

/* What Keystone says of the token in use, as of mc_login_document(): JSON, malloc'd, without a secret. */
int mc_attached_whoami(struct mc_cloud *cloud, struct mc_call *call, char **ret_json, struct mc_error *error);

/* CODE is what a device of the user shows now; it is used at once. Errors are those of the login. */
int mc_attached_log_in(struct mc_cloud *cloud, struct mc_call *call, const char *code, struct mc_error *error);

/* The configuration as one JSON object, each secret as asterisks, with a newline at its end. 0 or -ENOMEM. */
int mc_attached_print(const struct mc_attached_config *config, struct mc_buffer *out);

#endif
