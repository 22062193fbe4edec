/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_DIRECTORY_H
#define MCLOUD_DIRECTORY_H

#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/journal.h"

/* The cloud's LDAP directory: people at ou=Users,SUFFIX (inetOrgPerson, named by uid), groups at ou=Groups,SUFFIX
 * (groupOfNames, named by cn). Binds as its administrator. Safe in any thread; a pool of connections, re-made when
 * broken. */
struct mc_directory;

struct mc_directory_options {
	const char *url;    /* "ldap://127.77.0.1:389" */
	const char *suffix; /* "dc=acme,dc=org" */
	const char *bind_dn, *password;
	/* Nothing is said but after StartTLS (RFC 4511, section 4.14), and only to whom shows a certificate for the
	 * URL's host of this CA, in PEM; NULL: without TLS. */
	const char *ca_pem;
	struct mc_journal *journal;
};

struct mc_directory_attribute {
	const char *name;
	const char *const *values; /* NULL-terminated; none at all: the attribute goes away */
};

/* Copies OPTIONS; connects only when first asked. NULL: out of memory, or the suffix is no DN. The process has SIGPIPE
 * ignored: libldap writes to connections that the server may have closed. */
struct mc_directory *mc_directory_new(const struct mc_directory_options *options);
/* No call may be under way. */
void mc_directory_free(struct mc_directory *directory);

/* As given to mc_directory_new(). */
const char *mc_directory_url(const struct mc_directory *directory);

/* 0 when it answers a search of its root DSE. */
int mc_directory_ping(struct mc_directory *directory, struct mc_call *call, struct mc_error *error);

/* Makes the entries that everything else hangs on, if they are not there: SUFFIX, ou=Users, ou=Groups, and the account
 * cn=keystone,SUFFIX with PASSWORD (set anew each time) by which Keystone reads. */
int mc_directory_prepare(
	struct mc_directory *directory, struct mc_call *call, const char *keystone_password, struct mc_error *error);

/* The whole directory as LDIF (RFC 2849) without userPassword, parents first. */
int mc_directory_export(
	struct mc_directory *directory, struct mc_call *call, struct mc_buffer *out, struct mc_error *error);

enum { MC_DIRECTORY_IMPORT_LIMIT = 64 << 20 }; /* bytes */

/* Adds and changes what LDIF of SIZE bytes says, record by record. A record that is there already with all the values
 * it asks for is success. The first bad record ends it: its errno, and its line and DN in ERROR; the records before it
 * stay. */
int mc_directory_import(
	struct mc_directory *directory, struct mc_call *call, const char *ldif, size_t size, struct mc_error *error);

/* People: NAME is the uid as given; escaped here (RFC 4514, 4515). -EEXIST, -ENOENT, -EINVAL as everywhere. */
int mc_directory_user_create(
	struct mc_directory *directory, struct mc_call *call, const char *name, struct mc_error *error);
int mc_directory_user_delete(
	struct mc_directory *directory, struct mc_call *call, const char *name, struct mc_error *error);
int mc_directory_user_rename(struct mc_directory *directory, struct mc_call *call, const char *name,
	const char *new_name, struct mc_error *error);
/* ATTRIBUTE "mail" or "description"; VALUE empty: it goes away. */
int mc_directory_user_set(struct mc_directory *directory, struct mc_call *call, const char *name, const char *attribute,
	const char *value, struct mc_error *error);
/* By the Password Modify operation, RFC 3062. */
int mc_directory_user_password(struct mc_directory *directory, struct mc_call *call, const char *name,
	const char *password, struct mc_error *error);

/* Groups: a groupOfNames must never be empty, so an empty one has the group itself as its only member, which is never
 * shown. */
int mc_directory_group_create(
	struct mc_directory *directory, struct mc_call *call, const char *name, struct mc_error *error);
int mc_directory_group_delete(
	struct mc_directory *directory, struct mc_call *call, const char *name, struct mc_error *error);
int mc_directory_group_rename(struct mc_directory *directory, struct mc_call *call, const char *name,
	const char *new_name, struct mc_error *error);
int mc_directory_group_set(struct mc_directory *directory, struct mc_call *call, const char *name,
	const char *attribute, const char *value, struct mc_error *error);
int mc_directory_member_add(struct mc_directory *directory, struct mc_call *call, const char *group, const char *user,
	struct mc_error *error);
int mc_directory_member_remove(struct mc_directory *directory, struct mc_call *call, const char *group,
	const char *user, struct mc_error *error);

#endif
