/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_DIRECTORY_LDAP_H
#define BACKENDS_DIRECTORY_LDAP_H

#include "mcloud/directory.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <ldap.h>
#include <pthread.h>
#include <stdbool.h>

/* What the files of this folder share: LDAP (RFC 4511) operations that keep to a call's deadline and cancellation. */

struct mc_ldap_connection;

struct mc_directory {
	char *url, *suffix, *users_dn, *groups_dn, *bind_dn, *password;
	char *ca_pem; /* NULL: without TLS */
	struct mc_journal *journal;
	mc_mutex lock; /* guards idle and n_idle; the last in any order, nothing is called while it is held */
	struct mc_ldap_connection *idle;
	unsigned n_idle;
};

/* A connection that is bound as the administrator, and in use by one thread. */
struct mc_ldap_connection {
	struct mc_ldap_connection *next; /* in directory->idle */
	LDAP *ld;
	int fd;       /* owned by ld; non-blocking */
	int writable; /* an epoll descriptor, readable when a full send buffer has room again */
	bool reused;  /* served a request before: the server may have closed it meanwhile */
};

/* connection.c. A bound connection, a kept one if FRESH is false and there is one that is still open. */
int mc_ldap_acquire(struct mc_directory *directory, struct mc_call *call, bool fresh,
	struct mc_ldap_connection **ret_connection, struct mc_error *error);
/* Keeps it for the next request. Only when nothing is outstanding on it; otherwise free it. */
void mc_ldap_release(struct mc_directory *directory, struct mc_ldap_connection *connection);
void mc_ldap_connection_free(struct mc_ldap_connection *connection);
MC_DEFINE_CLEANUP(ldap_connection, struct mc_ldap_connection *, mc_ldap_connection_free);

/* The next message of the answer to MESSAGE_ID: its type (LDAP_RES_...), -ECONNREFUSED when the connection broke,
 * -EINTR, -ETIMEDOUT. */
int mc_ldap_receive(
	struct mc_ldap_connection *connection, struct mc_call *call, int message_id, LDAPMessage **ret_message);

enum mc_ldap_kind {
	MC_LDAP_SEARCH,
	MC_LDAP_COMPARE,
	MC_LDAP_ADD,
	MC_LDAP_MODIFY,
	MC_LDAP_DELETE,
	MC_LDAP_RENAME,
	MC_LDAP_PASSWORD,
};

struct mc_ldap_request {
	enum mc_ldap_kind kind;
	const char *dn;
	LDAPMod **mods;                   /* add, modify */
	const char *new_rdn, *new_parent; /* rename; the parent may be NULL: stays where it is */
	bool keep_old_rdn;                /* rename */
	const char *attribute;            /* compare */
	struct berval value;              /* compare; the new password */
	int scope;                        /* search, in pages (RFC 2696) */
	const char *filter;               /* search; NULL: any entry */
	const char *const *attributes;    /* search; NULL: all user attributes */
	/* search: gets each entry. Anything but 0 ends the search with it. */
	int (*entry)(void *data, LDAP *ld, LDAPMessage *entry, struct mc_error *error);
	void *data;
};

/* One operation and its answer. 0: resultCode was success; of a compare, also compareFalse. Otherwise what
 * mc_ldap_errno() says, or -EINTR, -ETIMEDOUT, -ECONNREFUSED. RET_CODE (may be NULL) gets the resultCode, or a negative
 * code of libldap where the server gave none. A kept connection that turns out to be closed is made anew once, if the
 * request can't have been carried out, or only asks. */
int mc_ldap_perform(struct mc_directory *directory, struct mc_call *call, const struct mc_ldap_request *request,
	int *ret_code, struct mc_error *error);

/* An attribute of a new entry, or a change of one. */
struct mc_ldap_change {
	int operation; /* LDAP_MOD_ADD, LDAP_MOD_DELETE, LDAP_MOD_REPLACE */
	const char *attribute;
	const char *values[3]; /* up to the first NULL; none at all: all that are there */
};

enum { MC_LDAP_CHANGES = 8 };

/* MC_LDAP_ADD or MC_LDAP_MODIFY of DN with N changes, MC_LDAP_CHANGES at most. As mc_ldap_perform(). */
int mc_ldap_change(struct mc_directory *directory, struct mc_call *call, enum mc_ldap_kind kind, const char *dn,
	const struct mc_ldap_change *changes, size_t n, int *ret_code, struct mc_error *error);

/* Has the server hash PASSWORD and keep it as that of DN (RFC 3062). As mc_ldap_perform(). */
int mc_ldap_password(struct mc_directory *directory, struct mc_call *call, const char *dn, const char *password,
	struct mc_error *error);

/* error.c. The errno, positive, for a resultCode (RFC 4511, section 4.1.9) or an error of libldap; 0 for success. */
int mc_ldap_errno(int code);

/* Sets ERROR as from the directory. Gives -CODE. */
int mc_ldap_fail(struct mc_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* names.c. ATTRIBUTE=VALUE as an RDN, and below PARENT as a DN (RFC 4514). -EINVAL: VALUE is empty or not UTF-8, PARENT
 * is no DN. Malloc'd. */
int mc_ldap_rdn(const char *attribute, const char *value, char **ret_rdn, struct mc_error *error);
int mc_ldap_dn(const char *parent, const char *attribute, const char *value, char **ret_dn, struct mc_error *error);
/* The filter (ATTRIBUTE=VALUE), RFC 4515. */
int mc_ldap_filter(const char *attribute, const char *value, char **ret_filter, struct mc_error *error);
/* Whether A and B name the same entry, as far as case, blanks and escapes go; whether DN lies directly below PARENT.
 * False for what is no DN. */
bool mc_ldap_same(const char *a, const char *b);
bool mc_ldap_is_below(const char *dn, const char *parent);
/* How many RDNs DN has; -EINVAL. */
int mc_ldap_depth(const char *dn);
/* The attribute and the value of the first RDN of DN; a multi-valued one is -EINVAL. Malloc'd. */
int mc_ldap_first_rdn(const char *dn, char **ret_attribute, char **ret_value, struct mc_error *error);

#endif
