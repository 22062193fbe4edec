/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_IDENTITY_OBJECTS_H
#define MCLOUD_IDENTITY_OBJECTS_H

#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/directory.h"
#include "mcloud/error.h"
#include "mcloud/identity.h"

#include <stdbool.h>
#include <stddef.h>

/* Domains, projects, users, groups and roles, who belongs to what and who may do what: over one Keystone, and over the
 * directory for the users and groups of the domain that lives there. Answers are reused for the Keystone's ttl_ms; what
 * is changed through here is forgotten at once. Names are the service's own, UTF-8. All functions give 0 or -errno with
 * the context's error filled. */

enum mc_identity_kind {
	MC_IDENTITY_DOMAIN,
	MC_IDENTITY_PROJECT,
	MC_IDENTITY_USER,
	MC_IDENTITY_GROUP,
	MC_IDENTITY_ROLE
};

/* Whom the functions ask, for whom. Lives on the stack of one operation. */
struct mc_identity {
	struct mc_keystone *keystone; /* a reference, dropped by mc_cleanup_identity() */
	struct mc_call *call;
	struct mc_error *error;
	/* The directory below SUFFIX, asked for only when it is needed; NULL: domains that live in LDAP can't be
	 * changed. */
	int (*directory)(void *data, struct mc_directory **ret_directory, struct mc_error *error);
	void *data;
	const char *suffix;
	const char *ldap_domain; /* the name of the domain whose people they are; NULL: none is kept from going */
	/* Lists that Keystone refuses tell what is known without (oneself, and what one may log in to), and this is
	 * told why; or, with REASON NULL, that a list is whole. PLACE is the domain's id (NULL: in none), or the name
	 * of a list of members (mc_identity_members_place()). Its data is `data`. NULL: what is refused stays
	 * refused. */
	void (*partial)(void *data, enum mc_identity_kind kind, const char *place, const struct mc_error *reason);
	int timeout_ms; /* how long each page of a list may take; 0: all of them together as long as the call */
	bool recalls;   /* mc_identity_get() gives what is remembered, or -EAGAIN, and asks nobody */
};

static inline void mc_cleanup_identity(struct mc_identity *identity)
{
	int saved = errno;
	mc_keystone_unref(identity->keystone);
	errno = saved;
}

/* Which object. `domain` is the id of the domain that it belongs to; NULL for domains and roles. */
struct mc_identity_ref {
	enum mc_identity_kind kind;
	const char *domain, *id, *name;
};

/* What Keystone says of one object; never changes. Strings are "" where it says nothing. */
struct mc_identity_object {
	enum mc_identity_kind kind;
	bool enabled, immutable;
	const char *id, *name, *domain, *description, *email;
};

/* -EPERM when the grant of ROLE in PROJECT to USER, both of DOMAIN (all by name), is one that the mount or a region's
 * services log in with; else 0. */
int mc_identity_not_login_grant(const struct mc_identity *identity, const char *domain, const char *project,
	const char *role, const char *user);

struct mc_identity_object *mc_identity_object_ref(struct mc_identity_object *object);
void mc_identity_object_unref(struct mc_identity_object *object);
MC_DEFINE_CLEANUP(identity_object, struct mc_identity_object *, mc_identity_object_unref);

/* Names and ids of all objects of that kind (in DOMAIN, where they have one), each given to ON_ITEM as it comes; what
 * that gives when it is not 0 ends the list and is given. Projects that act as domains are not among them. */
int mc_identity_list(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int (*on_item)(void *data, const char *id, const char *name), void *data);

/* By its exact name (Keystone itself compares without regard to case). -ENOENT. */
int mc_identity_find(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const char *name, struct mc_identity_object **ret_object);
int mc_identity_get(const struct mc_identity *identity, enum mc_identity_kind kind, const char *id,
	struct mc_identity_object **ret_object);

/* Keystone's answer to the question for that object, pretty-printed; without its "links", which say where the Keystone
 * is that was asked: the same object is the same in each region. */
int mc_identity_json(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *id, struct mc_buffer *out);

/* An enabled one of that name; users without a password. -EEXIST, also when there is one whose name differs by case
 * only. */
int mc_identity_create(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, const char *name);

enum mc_identity_attribute { MC_IDENTITY_DESCRIPTION, MC_IDENTITY_EMAIL, MC_IDENTITY_ENABLED, MC_IDENTITY_PASSWORD };
enum { MC_IDENTITY_ATTRIBUTES = MC_IDENTITY_PASSWORD + 1 };

/* What OBJECT has there, as mc_identity_set() takes it; lives as long as OBJECT. "" of the password, which nobody
 * tells. */
static inline const char *mc_identity_attribute_text(
	const struct mc_identity_object *object, enum mc_identity_attribute attribute)
{
	switch (attribute) {
	case MC_IDENTITY_DESCRIPTION:
		return object->description;
	case MC_IDENTITY_EMAIL:
		return object->email;
	case MC_IDENTITY_ENABLED:
		return object->enabled ? "true" : "false";
	case MC_IDENTITY_PASSWORD:
		break;
	}
	return "";
}

/* Changes that would lock this program itself out are -EPERM: of the user it logs in as, with project and domains: the
 * name, `enabled` to false, removal; and the password. */

/* VALUE of `enabled` is "true" or "false", of `description` UTF-8, of the others one line of it: else -EINVAL. -EPERM:
 * what is immutable, or what LDAP has no place for. A password is in no message. */
int mc_identity_set(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	enum mc_identity_attribute attribute, const char *value);

/* -EEXIST: the name is taken. A user of an LDAP domain keeps its grants, though Keystone gives it another id then. */
int mc_identity_rename(const struct mc_identity *identity, const struct mc_identity_ref *ref, const char *name);

/* With its grants. A domain: -ENOTEMPTY while it has projects, users or groups; disabled first, and enabled again
 * should it stay. */
int mc_identity_delete(const struct mc_identity *identity, const struct mc_identity_ref *ref);

/* Forgets all that was learned of KEYSTONE: something was changed behind its back, by an import into the directory. */
void mc_identity_forget(struct mc_keystone *keystone);

/* Where a domain's users and groups live. ELSEWHERE: in an LDAP directory that isn't the cloud's. */
enum mc_identity_driver { MC_IDENTITY_SQL, MC_IDENTITY_LDAP, MC_IDENTITY_ELSEWHERE };
int mc_identity_driver(const struct mc_identity *identity, const char *domain, enum mc_identity_driver *ret_driver);

/* Somebody who holds a role or belongs to a group; a group that somebody belongs to. */
struct mc_identity_member {
	const char *id, *name;
	const char *domain, *domain_name; /* domain_name is "" where `domain` is the list's own */
};

struct mc_identity_members {
	const struct mc_identity_member *items; /* by id */
	size_t count;
	bool is_cut; /* Keystone has more, and doesn't list them */
};

struct mc_identity_members *mc_identity_members_ref(struct mc_identity_members *members);
void mc_identity_members_unref(struct mc_identity_members *members);
MC_DEFINE_CLEANUP(identity_members, struct mc_identity_members *, mc_identity_members_unref);

/* A role in a project or a domain. `home` is the domain of the project, or that domain: its people need no domain name.
 */
struct mc_identity_scope {
	enum mc_identity_kind kind; /* MC_IDENTITY_PROJECT or MC_IDENTITY_DOMAIN */
	const char *id, *role, *home;
};

/* The users or groups (KIND) that the role was given to in just this scope: nothing inherited, nobody through a group.
 * One who isn't there any more is called by the id. */
int mc_identity_grants(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, struct mc_identity_members **ret_members);
/* Whether the role was given to that user or group; only that one is asked for. 0, or -ENOENT: no. */
int mc_identity_is_granted(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const char *id);
int mc_identity_grant(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const struct mc_identity_member *member);
int mc_identity_revoke(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const char *id);

/* The users of a group (REF is a group), or the groups of a user (REF is a user). */
int mc_identity_members(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	struct mc_identity_members **ret_members);
/* What `partial` calls these two lists, malloc'd; NULL: out of memory. */
char *mc_identity_members_place(const struct mc_identity_ref *ref);
char *mc_identity_grants_place(const struct mc_identity_scope *scope, enum mc_identity_kind kind);
/* Whether USER belongs to GROUP, both by id. 0, or -ENOENT: no. */
int mc_identity_is_member(const struct mc_identity *identity, const char *group, const char *user);
int mc_identity_member_add(
	const struct mc_identity *identity, const struct mc_identity_ref *group, const struct mc_identity_member *user);
int mc_identity_member_remove(
	const struct mc_identity *identity, const struct mc_identity_ref *group, const struct mc_identity_member *user);

#endif
