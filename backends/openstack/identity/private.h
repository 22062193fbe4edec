/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_IDENTITY_PRIVATE_H
#define BACKENDS_OPENSTACK_IDENTITY_PRIVATE_H

#include "backends/openstack/identity/cache.h"
#include "mcloud/identity_wish.h"

#include <cjson/cJSON.h>

/* What the files of identity_*.c share. */

/* "users" and "user". */
const char *mc_identity_collection(enum mc_identity_kind kind);
const char *mc_identity_member_name(enum mc_identity_kind kind);

static inline struct mc_identity_cache *mc_identity_cache_of(const struct mc_identity *identity)
{
	return mc_keystone_identity_cache(identity->keystone);
}

/* mc_keystone_request() of whom IDENTITY asks. */
static inline int mc_identity_request(const struct mc_identity *identity, const char *method, const char *const *path,
	const cJSON *body, cJSON **ret_answer)
{
	return mc_keystone_request(
		identity->keystone, identity->call, method, path, NULL, body, ret_answer, identity->error);
}

/* GET of one object: *RET_ANSWER has it as MEMBER. */
int mc_identity_ask(
	const struct mc_identity *identity, const char *const *path, const char *member, cJSON **ret_answer);
/* The same, pretty-printed, without its "links". */
int mc_identity_print(
	const struct mc_identity *identity, const char *const *path, const char *member, struct mc_buffer *out);

/* So many bytes have TEXTS with their NULs; and each of them is copied to AT, one behind the other, and is that copy
 * then. */
size_t mc_identity_texts_size(const char *const *texts, size_t count);
void mc_identity_texts_copy(const char **texts, size_t count, char *at);

/* Of Keystone's JSON; -EIO when it is none. */
int mc_identity_object_parse(const struct mc_identity *identity, enum mc_identity_kind kind, const cJSON *json,
	struct mc_identity_object **ret_object);

/* A list of them: copies, sorted by id, to be added to only before it is shared. NULL: out of memory. */
struct mc_identity_members *mc_identity_members_new(void);
int mc_identity_members_add(struct mc_identity_members *members, const struct mc_identity_member *member);
void mc_identity_members_sort(struct mc_identity_members *members);
const struct mc_identity_member *mc_identity_members_find(const struct mc_identity_members *members, const char *id);

/* The string of a member of a JSON object, or "". */
const char *mc_identity_text(const cJSON *object, const char *name);

/* JSON of one, as Keystone tells it: 0, -EBADMSG without a name, an id or its roles, -ENOMEM. */
int mc_application_credential_parse(const cJSON *json, struct mc_application_credential **ret_credential);

/* Each item of a list of Keystone's, in "COLLECTION" of the answer; QUERY as in mc_keystone_request(). */
int mc_identity_each(const struct mc_identity *identity, const char *const *path, const char *const *query,
	const char *collection, int (*on_item)(void *data, const cJSON *item), void *data);

/* What an answer that is a list says of what isn't in it. */
struct mc_identity_page {
	bool is_cut;   /* Keystone has more of them */
	bool has_next; /* and gives them on another page */
};

/* The same, for a list that may be cut. */
int mc_identity_each_page(const struct mc_identity *identity, const char *const *path, const char *const *query,
	const char *collection, int (*on_item)(void *data, const cJSON *item), void *data,
	struct mc_identity_page *ret_page);

/* How much of a list came. */
struct mc_identity_extent {
	size_t count; /* objects */
	bool is_cut;  /* Keystone has more of them, and doesn't give them */
};

/* Each object of KIND in DOMAIN (NULL: in any), as Keystone gives it, from all pages that its list has. */
int mc_identity_each_object(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int (*on_item)(void *data, const cJSON *item), void *data, struct mc_identity_extent *ret_extent);

/* Whether Keystone's refusal of a list, RESULT, is one to be content with; and whoever wants to know is told: also that
 * a list was not refused. */
bool mc_identity_is_partial(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, int result);

/* A list of which Keystone gave the first COUNT: whoever wants to know is told. */
void mc_identity_note_cut(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *place, size_t count);

/* Names a list in the cache. Ids hold no blank, and one that is too long only leads to lists that are never found. */
enum { MC_IDENTITY_LIST_MAX = 512 };
const char *mc_identity_list_name(char name[MC_IDENTITY_LIST_MAX], const char *what, const char *id, const char *role);

/* Whoever wants to know is told whether MEMBERS are all of LIST. It has no pages, whatever Keystone says of a next one.
 */
void mc_identity_tell_cut(const struct mc_identity *identity, enum mc_identity_kind kind, const char *list,
	const struct mc_identity_members *members);

/* Asks at PATH whether LIST has ID: 204, or 404 with a reason. */
int mc_identity_check_member(
	const struct mc_identity *identity, const char *const *path, const char *list, const char *id);

/* As mc_identity_each(), of what one knows of that kind without the right to list it: each item has an id, a name and a
 * domain_id. */
int mc_identity_each_known(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int (*on_item)(void *data, const cJSON *item), void *data);

/* PATCH of one object with {"MEMBER": {NAME: VALUE}}; VALUE is taken over, and wiped. */
int mc_identity_patch(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *id, const char *name, cJSON *value);

/* mc_identity_create() with all that WISH has, whose values were checked; what Keystone says of it is in *RET_OBJECT
 * (may be NULL; stays NULL where it was made in the directory). */
int mc_identity_make(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const struct mc_identity_wish *wish, struct mc_identity_object **ret_object);

/* -EINVAL: VALUE is none for ATTRIBUTE, as mc_identity_set() says. */
int mc_identity_check_value(
	const struct mc_identity *identity, enum mc_identity_attribute attribute, const char *value);

/* mc_identity_set() of all in CHANGES (bits as of mc_identity_wish_changes()), by one PATCH where it is Keystone's;
 * *RET_OBJECT as above. The password may be in the message. */
int mc_identity_change(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	const struct mc_identity_wish *wish, unsigned changes, struct mc_identity_object **ret_object);

/* What a book knows of NAME: 1 with a reference in *RET_OBJECT, 0: there is none, -EAGAIN: it has to be asked for. */
int mc_identity_book_look(struct mc_identity_book *book, const char *name, struct mc_identity_object **ret_object);
/* So it is now. */
void mc_identity_book_put(struct mc_identity_book *book, struct mc_identity_object *object);
/* It is not known how it is now. */
void mc_identity_book_forget(struct mc_identity_book *book, const char *name);
/* A question is about to be asked: reads the list, if that is due and nobody does. */
void mc_identity_book_asked(struct mc_identity_book *book, const struct mc_identity *identity,
	enum mc_identity_kind kind, const char *domain);

/* Keystone refused a change with 403: -EPERM when the object is immutable, else what the error says. */
int mc_identity_refused(const struct mc_identity *identity, enum mc_identity_kind kind, const char *id);

/* What is wrong with Keystone's answer, as -EIO. */
int mc_identity_nonsense(const struct mc_identity *identity, const char *what);

/* Whether a change of users or groups of DOMAIN goes to the directory: 1 with *RET_DIRECTORY, 0 to Keystone, -errno. */
int mc_identity_directory(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	struct mc_directory **ret_directory);
/* What to do about RESULT of a change in Keystone: if it is a refusal (403), for the domain has become an LDAP one
 * since it was asked, 1 with *RET_DIRECTORY; else RESULT. */
int mc_identity_redirected(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int result, struct mc_directory **ret_directory);

/* -EPERM when REF is what this program, or a region's services, log in with: a user, a project, a role, or a domain of
 * these. */
int mc_identity_not_login(const struct mc_identity *identity, const struct mc_identity_ref *ref);
/* The same, and -EPERM when REF is the domain that the directory's people are in: for what would make it another. */
int mc_identity_not_needed(const struct mc_identity *identity, const struct mc_identity_ref *ref);

/* The changes in the directory. */
int mc_identity_ldap_create(const struct mc_identity *identity, struct mc_directory *directory,
	enum mc_identity_kind kind, const struct mc_identity_wish *wish);
int mc_identity_ldap_set(const struct mc_identity *identity, struct mc_directory *directory,
	const struct mc_identity_ref *ref, enum mc_identity_attribute attribute, const char *value);
int mc_identity_ldap_rename(const struct mc_identity *identity, struct mc_directory *directory,
	const struct mc_identity_ref *ref, const char *name);
int mc_identity_ldap_delete(
	const struct mc_identity *identity, struct mc_directory *directory, const struct mc_identity_ref *ref);

/* Takes SECRET, and what of it may stand at a cut end, out of the error's message. */
void mc_identity_redact(struct mc_error *error, const char *secret);

#endif
