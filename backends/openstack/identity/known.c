/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"
#include "backends/openstack/keystone/keystone.h"

#include <string.h>

/* What one knows without the right to list: oneself, and what one may log in to.
 * https://docs.openstack.org/api-ref/identity/v3/#get-available-project-scopes, #get-available-domain-scopes,
 * #list-groups-to-which-a-user-belongs */

struct known {
	enum mc_identity_kind kind;
	const char *domain; /* of which; NULL: any */
	cJSON *items;       /* by id, so that each is there once */
	bool failed;
};

static void add_known(struct known *known, const char *id, const char *name, const char *domain)
{
	cJSON *item;

	if (!*id || cJSON_HasObjectItem(known->items, id) || (known->domain && strcmp(domain, known->domain) != 0))
		return;
	item = cJSON_AddObjectToObject(known->items, id);
	known->failed |= !item || !cJSON_AddStringToObject(item, "id", id) ||
			 !cJSON_AddStringToObject(item, "name", *name ? name : id) ||
			 (*domain && !cJSON_AddStringToObject(item, "domain_id", domain));
}

static int on_known(void *data, const cJSON *item)
{
	struct known *known = data;

	add_known(known, mc_identity_text(item, "id"), mc_identity_text(item, "name"),
		mc_identity_text(item, "domain_id"));
	return 0;
}

/* The domains of projects that one may log in to: nobody says what they are called. */
static int on_project(void *data, const cJSON *item)
{
	add_known(data, mc_identity_text(item, "domain_id"), "", "");
	return 0;
}

static int ask_scopes(const struct mc_identity *identity, const char *collection,
	int (*on_item)(void *data, const cJSON *item), struct known *known)
{
	return mc_identity_each(
		identity, (const char *const[]){"auth", collection, NULL}, NULL, collection, on_item, known);
}

static const cJSON *part(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int add_domains(const struct mc_identity *identity, const cJSON *token, struct known *known)
{
	const cJSON *own[] = {
		part(part(token, "user"), "domain"), part(part(token, "project"), "domain"), part(token, "domain")};

	for (size_t i = 0; i < MC_COUNT(own); i++)
		add_known(known, mc_identity_text(own[i], "id"), mc_identity_text(own[i], "name"), "");
	int r = ask_scopes(identity, "domains", on_known, known);
	return r < 0 ? r : ask_scopes(identity, "projects", on_project, known);
}

static int add_known_of(const struct mc_identity *identity, const cJSON *token, struct known *known)
{
	const cJSON *user = part(token, "user"), *role;
	const char *id = mc_identity_text(user, "id");

	switch (known->kind) {
	case MC_IDENTITY_DOMAIN:
		return add_domains(identity, token, known);
	case MC_IDENTITY_PROJECT:
		return ask_scopes(identity, "projects", on_known, known);
	case MC_IDENTITY_USER:
		add_known(known, id, mc_identity_text(user, "name"), mc_identity_text(part(user, "domain"), "id"));
		return 0;
	case MC_IDENTITY_GROUP:
		return mc_identity_each(
			identity, (const char *const[]){"users", id, "groups", NULL}, NULL, "groups", on_known, known);
	case MC_IDENTITY_ROLE:
		cJSON_ArrayForEach(role, part(token, "roles"))
			add_known(known, mc_identity_text(role, "id"), mc_identity_text(role, "name"), "");
		return 0;
	}
	return 0;
}

int mc_identity_each_known(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int (*on_item)(void *data, const cJSON *item), void *data)
{
	MC_CLEANUP(free_pointer) char *document = NULL;
	MC_CLEANUP(json) cJSON *items = cJSON_CreateObject();
	struct known known = {.kind = kind, .domain = domain, .items = items};
	const cJSON *item;
	int r = mc_login_document(mc_keystone_login(identity->keystone), identity->call, &document, identity->error);

	if (r < 0)
		return r;
	MC_CLEANUP(json) cJSON *json = cJSON_Parse(document);
	r = add_known_of(identity, part(json, "token"), &known);
	if (r < 0)
		return r;
	if (known.failed || !items)
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	cJSON_ArrayForEach(item, items)
	{
		r = on_item(data, item);
		if (r != 0)
			break;
	}
	return r;
}
