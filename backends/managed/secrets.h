/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SECRETS_H
#define BACKENDS_MANAGED_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

struct mc_certificate_names;
struct mc_error;
struct mc_service;

/* The cloud's secrets, made once, kept in state_dir (secrets.c). All are hex or base64url, so that no format needs
 * escaping. */
struct mc_secrets;

enum mc_secret { MC_SECRET_ADMIN, MC_SECRET_DB_ROOT, MC_SECRET_LDAP_ADMIN, MC_SECRET_LDAP_KEYSTONE, MC_SECRETS };

struct mc_key {
	unsigned index; /* 0: staged; the highest: primary */
	char text[45];  /* 32 bytes in base64url (the Fernet specification's key format) */
	double created;
};

/* Reads DIRECTORY/CLOUD.json; with MAKE, makes and writes it when there is none; else *RET is NULL then. A service that
 * the file knows nothing of, as it is new, gets what it lacks. */
int mc_secrets_open(
	const char *directory, const char *cloud, bool make, struct mc_secrets **ret_secrets, struct mc_error *error);

void mc_secrets_free(struct mc_secrets *secrets);

const char *mc_secrets_get(const struct mc_secrets *secrets, enum mc_secret secret);

/* The password of SERVICE's user in the database, and in Keystone; "": it has none. */
const char *mc_secrets_schema(const struct mc_secrets *secrets, const struct mc_service *service);

const char *mc_secrets_account(const struct mc_secrets *secrets, const struct mc_service *service);

/* Copies of the keys, by index. Credential keys don't rotate. */
size_t mc_secrets_fernet(struct mc_secrets *secrets, struct mc_key *keys, size_t n_keys);

size_t mc_secrets_credential(struct mc_secrets *secrets, struct mc_key *keys, size_t n_keys);

/* Replaces the Fernet keys and writes the file. */
int mc_secrets_set_fernet(struct mc_secrets *secrets, const struct mc_key *keys, size_t n_keys, struct mc_error *error);

int mc_secrets_new_key(struct mc_key *key, unsigned index);

/* The certificate of the cloud's CA in PEM, malloc'd; NULL: the cloud has none. */
char *mc_secrets_ca(struct mc_secrets *secrets);

/* Of a cloud without a region: it has a CA from here on, which tells of CLOUD, or (NULL) none, and the file says so. */
int mc_secrets_set_ca(struct mc_secrets *secrets, const char *cloud, struct mc_error *error);

/* As mc_certificate_make(), by the CA, whose key nobody else gets to see. -ENOENT: there is none. */
int mc_secrets_issue(struct mc_secrets *secrets, const struct mc_certificate_names *names, double now, char **ret_pem,
	struct mc_error *error);

/* Removes the file when the cloud's last region goes; writes it again when a first one comes. */
int mc_secrets_forget(struct mc_secrets *secrets, struct mc_error *error);

int mc_secrets_keep(struct mc_secrets *secrets, struct mc_error *error);

#endif
