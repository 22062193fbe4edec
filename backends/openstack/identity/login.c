/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"
#include "backends/openstack/keystone/keystone.h"
#include "mcloud/util.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What is logged in with is known by name. Keystone knows no two that differ only in case. */

/* What the services of a region log in with, to ask whose a token is, beside their users. */
#define SERVICES_DOMAIN "Default"
static const char services_project[] = "service";

/* In which role all of them do. */
static const char login_role[] = "admin";

/* OWN: of the login; NULL: it is known by its id, or there is none. */
static bool is_own_name(const char *name, const char *own)
{
	return own && !strcasecmp(name, own);
}

static bool is_own_id(const struct mc_identity_ref *ref, const char *own)
{
	return own && ref->id && !strcmp(ref->id, own);
}

/* The login may be known by ids alone. */
static bool is_login_by_id(const struct mc_identity_ref *ref, const struct mc_credentials *own)
{
	if (ref->kind == MC_IDENTITY_USER)
		return is_own_id(ref, own->user_id);
	if (ref->kind == MC_IDENTITY_PROJECT)
		return is_own_id(ref, own->project_id);
	return ref->kind == MC_IDENTITY_DOMAIN &&
	       (is_own_id(ref, own->user_domain_id) || is_own_id(ref, own->project_domain_id) ||
		       is_own_id(ref, own->domain_id));
}

/* Who logs in, as far as that is known. */
struct who {
	struct mc_kept_credentials *kept;
	cJSON *token; /* what Keystone says of it; NULL: the credentials say all */
	struct mc_credentials is;
};

static void mc_cleanup_who(struct who *who)
{
	mc_kept_credentials_unref(who->kept);
	cJSON_Delete(who->token);
}

static const cJSON *child_of(const cJSON *parent, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(parent, name);
}

/* What the credentials leave open: names where they have ids, ids where they have names, and both where all that they
 * have is a token, or the name of something that stands for a user. */
static void fill_in(struct mc_credentials *is, const cJSON *token)
{
	const cJSON *user = child_of(token, "user"), *project = child_of(token, "project");
	const struct {
		const char **text;
		const cJSON *of;
		const char *key;
	} rows[] = {
		{&is->user, user, "name"},
		{&is->user_id, user, "id"},
		{&is->user_domain, child_of(user, "domain"), "name"},
		{&is->user_domain_id, child_of(user, "domain"), "id"},
		{&is->project, project, "name"},
		{&is->project_id, project, "id"},
		{&is->project_domain, child_of(project, "domain"), "name"},
		{&is->project_domain_id, child_of(project, "domain"), "id"},
		{&is->domain_id, child_of(token, "domain"), "id"},
	};

	for (size_t i = 0; i < MC_COUNT(rows); i++)
		if (!*rows[i].text)
			*rows[i].text = cJSON_GetStringValue(child_of(rows[i].of, rows[i].key));
}

/* Keystone is asked by who isn't logged in yet only. 0, or why nobody can log in. */
static int find_who(const struct mc_identity *identity, struct who *who)
{
	struct mc_login *login = mc_keystone_login(identity->keystone);
	MC_CLEANUP(free_pointer) char *document = NULL;

	*who = (struct who){.kept = mc_login_credentials(login)};
	who->is = who->kept->as;
	if (who->is.user && who->is.user_domain && who->is.project && who->is.project_domain)
		return 0;
	int result = mc_login_document(login, identity->call, &document, identity->error);
	if (result < 0)
		return result;
	who->token = cJSON_Parse(document);
	fill_in(&who->is, child_of(who->token, "token"));
	return 0;
}

/* Whether the domain with id DOMAIN is called NAME. 1, 0, -errno. */
static int is_called(const struct mc_identity *identity, const char *domain, const char *name)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	int result = mc_identity_get(identity, MC_IDENTITY_DOMAIN, domain, &object);

	return result < 0 ? result : is_own_name(object->name, name);
}

/* USER as a service: "Glance". */
#define TITLE_MAX 64

static const char *title_of(const char *user, char title[TITLE_MAX])
{
	snprintf(title, TITLE_MAX, "%s", user);
	*title = (char)toupper((unsigned char)*title);
	return title;
}

/* The service's user that is called NAME; NULL: none is. */
static const char *find_services_user(const struct mc_identity *identity, const char *name)
{
	const char *const *user = mc_keystone_services(identity->keystone);

	while (*user && strcasecmp(*user, name) != 0)
		user++;
	return *user;
}

/* Whether REF is called LOGIN in LOGIN_DOMAIN, or IS_SERVICES and in the domain of the services. 1, 0, -errno. */
static int is_login(const struct mc_identity *identity, const struct mc_identity_ref *ref, const char *login,
	const char *login_domain, bool is_services)
{
	int result = 0;

	if (is_own_name(ref->name, login))
		result = is_called(identity, ref->domain, login_domain);
	if (result == 0 && is_services)
		result = is_called(identity, ref->domain, SERVICES_DOMAIN);
	return result;
}

static int refuse_login(const struct mc_identity *identity, const struct mc_identity_ref *ref)
{
	const char *service = find_services_user(identity, ref->name);
	char title[TITLE_MAX];

	if (!service)
		service = *mc_keystone_services(identity->keystone);
	return mc_error_set(identity->error, EPERM, "this mount%s%s%s logs in with the %s %s, and would be locked out",
		service ? ", or a region's " : "", service ? title_of(service, title) : "", service ? "," : "",
		mc_identity_member_name(ref->kind), ref->name);
}

int mc_identity_not_login(const struct mc_identity *identity, const struct mc_identity_ref *ref)
{
	MC_CLEANUP(who) struct who who;
	const struct mc_credentials *own = &who.is;
	int result = find_who(identity, &who);

	if (result < 0)
		return result;
	if (is_login_by_id(ref, own))
		result = 1;
	else if (ref->kind == MC_IDENTITY_DOMAIN)
		result = is_own_name(ref->name, own->user_domain) || is_own_name(ref->name, own->project_domain) ||
			 is_own_name(ref->name, SERVICES_DOMAIN);
	else if (ref->kind == MC_IDENTITY_USER)
		/* An id that is another's tells more than the same name. */
		result = is_login(identity, ref, own->user_id ? NULL : own->user, own->user_domain,
			find_services_user(identity, ref->name) != NULL);
	else if (ref->kind == MC_IDENTITY_PROJECT)
		result = is_login(identity, ref, own->project_id ? NULL : own->project, own->project_domain,
			!strcasecmp(ref->name, services_project));
	else if (ref->kind == MC_IDENTITY_ROLE)
		result = !strcasecmp(ref->name, login_role);
	return result != 1 ? result : refuse_login(identity, ref);
}

int mc_identity_not_needed(const struct mc_identity *identity, const struct mc_identity_ref *ref)
{
	if (ref->kind == MC_IDENTITY_DOMAIN && identity->ldap_domain && !strcasecmp(ref->name, identity->ldap_domain))
		return mc_error_set(identity->error, EPERM,
			"the people of the cloud's LDAP directory are in domain %s, and would be out of reach",
			ref->name);
	return mc_identity_not_login(identity, ref);
}

/* A link to somebody of another domain is called USER@DOMAIN. */
static bool is_user(const char *link, const char *home, const char *user, const char *domain)
{
	size_t length = user ? strlen(user) : 0;

	if (!user || strncasecmp(link, user, length) != 0)
		return false;
	if (!link[length])
		return is_own_name(home, domain);
	return link[length] == '@' && is_own_name(link + length + 1, domain);
}

/* The service's user that the link USER in domain HOME leads to; NULL: none. */
static const char *find_services_link(const struct mc_identity *identity, const char *home, const char *user)
{
	const char *const *service = mc_keystone_services(identity->keystone);

	while (*service && !is_user(user, home, *service, SERVICES_DOMAIN))
		service++;
	return *service;
}

int mc_identity_not_login_grant(
	const struct mc_identity *identity, const char *domain, const char *project, const char *role, const char *user)
{
	MC_CLEANUP(who) struct who who;
	const struct mc_credentials *own = &who.is;
	int result = find_who(identity, &who);

	if (result < 0)
		return result;
	bool is_mounts = is_own_name(domain, own->project_domain) && is_own_name(project, own->project) &&
			 is_user(user, domain, own->user, own->user_domain);
	const char *service = find_services_link(identity, domain, user);
	bool is_services = service && !strcasecmp(domain, SERVICES_DOMAIN) && !strcasecmp(project, services_project);
	char title[TITLE_MAX];

	if (strcasecmp(role, login_role) != 0 || (!is_mounts && !is_services))
		return 0;
	return mc_error_set(identity->error, EPERM,
		"%s%s logs in as %s, with the role %s in the project %s, and would be locked out",
		is_mounts ? "this mount" : "each region's ", is_mounts ? "" : title_of(service, title), user, role,
		project);
}

void mc_identity_forget(struct mc_keystone *keystone)
{
	mc_identity_cache_clear(mc_keystone_identity_cache(keystone));
}
