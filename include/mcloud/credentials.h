/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_CREDENTIALS_H
#define MCLOUD_CREDENTIALS_H

#include <stdbool.h>

/* How one logs in. */
enum mc_login_method {
	MC_LOGIN_PASSWORD = 1,               /* in clouds.yaml password, v3password */
	MC_LOGIN_TOKEN = 2,                  /* token, v3token */
	MC_LOGIN_APPLICATION_CREDENTIAL = 4, /* v3applicationcredential */
	MC_LOGIN_TOTP = 8,                   /* v3totp */
};

/* Who logs in to what at a Keystone, and how. Members that aren't needed are NULL; of an id and a name the id counts.
 * The scope is, in this order, what there is of: domain, project, trust, unscoped, system; an application credential
 * brings its own. https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management */
struct mc_credentials {
	unsigned methods; /* of enum mc_login_method; several: all of them at once (v3multifactor) */
	const char *user, *user_id;
	const char *user_domain, *user_domain_id;
	const char *password; /* secret */
	const char *token;    /* secret */
	const char *passcode; /* secret, and for one login only; NULL: it is to be asked for */
	const char *application_credential, *application_credential_id;
	const char *application_credential_secret; /* secret */
	const char *project, *project_id;
	const char *project_domain, *project_domain_id;
	const char *domain, *domain_id;
	const char *trust_id;
	const char *system_scope; /* only "all" is a scope */
	bool unscoped;            /* no scope, even if the user has a default project */
};

#endif
