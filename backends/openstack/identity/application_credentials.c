/* SPDX-License-Identifier: MIT */
#include "mcloud/application_credentials.h"

#include "backends/openstack/identity/private.h"
#include "backends/openstack/keystone/keystone.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

static const char collection[] = "application_credentials", member[] = "application_credential";

/* Of one, or (ID NULL) of all that OWNER has. */
#define PATH(owner, id) ((const char *const[]){"users", owner, collection, id, NULL})

struct search {
	struct mc_identity_cache *cache;
	uint64_t generation;
	int (*on_item)(void *data, const char *id, const char *name); /* NULL: NAME is looked for */
	void *data;
	const char *name;
	struct mc_application_credential *found;
};

/* A list tells as much of each as an answer about it alone. */
static int on_credential(void *data, const cJSON *item)
{
	MC_CLEANUP(application_credential) struct mc_application_credential *credential = NULL;
	struct search *search = data;
	int r = mc_application_credential_parse(item, &credential);

	if (r < 0)
		return r;
	mc_identity_cache_put_credential(search->cache, search->generation, credential);
	if (search->on_item)
		return search->on_item(search->data, credential->id, credential->name);
	if (!search->found && !strcmp(credential->name, search->name))
		search->found = mc_steal(&credential);
	return 0;
}

static struct search new_search(const struct mc_identity *identity)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);

	return (struct search){.cache = cache, .generation = mc_identity_cache_generation(cache)};
}

int mc_application_credential_list(const struct mc_identity *identity, const char *owner,
	int (*on_item)(void *data, const char *id, const char *name), void *data)
{
	struct search search = new_search(identity);

	search.on_item = on_item;
	search.data = data;
	return mc_identity_each(identity, PATH(owner, NULL), NULL, collection, on_credential, &search);
}

int mc_application_credential_find(const struct mc_identity *identity, const char *owner, const char *name,
	struct mc_application_credential **ret_credential)
{
	struct search search = new_search(identity);
	const char *const query[] = {"name", name, NULL};

	search.name = name;
	int r = mc_identity_each(identity, PATH(owner, NULL), query, collection, on_credential, &search);
	MC_CLEANUP(application_credential) struct mc_application_credential *found = search.found;
	if (r < 0)
		return r;
	if (!found)
		return mc_error_set(identity->error, ENOENT, "there is no such application credential");
	*ret_credential = mc_steal(&found);
	return 0;
}

static int parse_answer(
	const struct mc_identity *identity, const cJSON *answer, struct mc_application_credential **ret_credential)
{
	int r = mc_application_credential_parse(cJSON_GetObjectItemCaseSensitive(answer, member), ret_credential);

	if (r == -EBADMSG)
		return mc_identity_nonsense(identity, "an application credential without a name, an id or its roles");
	return r < 0 ? mc_error_set(identity->error, ENOMEM, "out of memory") : 0;
}

int mc_application_credential_get(const struct mc_identity *identity, const char *owner, const char *id,
	struct mc_application_credential **ret_credential)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	uint64_t generation = mc_identity_cache_generation(cache);
	MC_CLEANUP(json) cJSON *answer = NULL;

	*ret_credential = mc_identity_cache_credential(cache, id);
	if (*ret_credential)
		return 0;
	if (identity->recalls)
		return mc_error_set(identity->error, EAGAIN, "it has to be asked for");
	int r = mc_identity_ask(identity, PATH(owner, id), member, &answer);
	if (r == 0)
		r = parse_answer(identity, answer, ret_credential);
	if (r == 0)
		mc_identity_cache_put_credential(cache, generation, *ret_credential);
	return r;
}

int mc_application_credential_json(
	const struct mc_identity *identity, const char *owner, const char *id, struct mc_buffer *out)
{
	return mc_identity_print(identity, PATH(owner, id), member, out);
}

/* Who is logged in, and how: the "token" of *RET_DOCUMENT. */
static int ask_login(const struct mc_identity *identity, cJSON **ret_document, const cJSON **ret_token)
{
	MC_CLEANUP(free_pointer) char *text = NULL;
	int r = mc_login_document(mc_keystone_login(identity->keystone), identity->call, &text, identity->error);

	if (r < 0)
		return r;
	*ret_document = cJSON_Parse(text);
	*ret_token = cJSON_GetObjectItemCaseSensitive(*ret_document, "token");
	return *ret_token ? 0 : mc_error_set(identity->error, ENOMEM, "out of memory");
}

/* Keystone says 403 to whoever is logged in by an application credential, unless that is unrestricted. RESULT. */
static int explain_credential(const struct mc_identity *identity, const cJSON *token, int result)
{
	struct mc_error *error = identity->error;

	if (result != -EACCES || !error || error->http_status != 403 ||
		!cJSON_GetObjectItemCaseSensitive(token, member))
		return result;
	struct mc_error why = *error;
	mc_error_set(
		error, EACCES, "%.360s: mount with a password, or an unrestricted application credential", why.message);
	memcpy(error->service, why.service, sizeof(error->service));
	memcpy(error->request_id, why.request_id, sizeof(error->request_id));
	error->http_status = why.http_status;
	return result;
}

/* Keystone would make one without a project, too, which nobody can use. */
static int check_maker(const struct mc_identity *identity, const struct mc_identity_ref *owner, const cJSON *token)
{
	const cJSON *user = cJSON_GetObjectItemCaseSensitive(token, "user");

	if (strcmp(mc_identity_text(user, "id"), owner->id) != 0)
		return mc_error_set(identity->error, EPERM,
			"nobody but %.120s can make application credentials of that user, and this mount logs in as "
			"%.120s: mount the cloud with the login of %.120s (-o attach=)",
			owner->name, mc_identity_text(user, "name"), owner->name);
	if (!cJSON_GetObjectItemCaseSensitive(token, "project"))
		return mc_error_set(identity->error, EPERM,
			"an application credential is for the project of the login, and this one has none: mount "
			"with a project_name");
	return 0;
}

/* ANSWER is wiped of the secret. */
static int take_secret(const struct mc_identity *identity, const cJSON *answer, char **ret_id, char **ret_secret)
{
	const cJSON *made = cJSON_GetObjectItemCaseSensitive(answer, member);
	const char *id = mc_identity_text(made, "id"), *secret = mc_identity_text(made, "secret");
	bool whole = *id && *secret;

	*ret_id = whole ? strdup(id) : NULL;
	*ret_secret = whole ? strdup(secret) : NULL;
	mc_wipe_json(cJSON_GetObjectItemCaseSensitive(made, "secret"));
	if (!whole)
		return mc_identity_nonsense(identity, "a new application credential without an id or a secret");
	if (*ret_id && *ret_secret)
		return 0;
	free(mc_steal(ret_id));
	mc_free_secret(mc_steal(ret_secret));
	return mc_error_set(identity->error, ENOMEM, "out of memory");
}

static int post_credential(const struct mc_identity *identity, const char *owner, const char *name, cJSON **ret_answer)
{
	MC_CLEANUP(json) cJSON *body = cJSON_CreateObject();
	cJSON *inner = cJSON_AddObjectToObject(body, member);

	if (!cJSON_AddStringToObject(inner, "name", name))
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	return mc_identity_request(identity, "POST", PATH(owner, NULL), body, ret_answer);
}

int mc_application_credential_create(const struct mc_identity *identity, const struct mc_identity_ref *owner,
	const char *name, char **ret_id, char **ret_secret)
{
	MC_CLEANUP(json) cJSON *document = NULL, *answer = NULL;
	const cJSON *token;
	int r = ask_login(identity, &document, &token);

	if (r == 0)
		r = check_maker(identity, owner, token);
	if (r < 0)
		return r;
	r = post_credential(identity, owner->id, name, &answer);
	/* Also after a failure: it may have been made before the answer was lost. */
	mc_identity_cache_forget(mc_identity_cache_of(identity), MC_IDENTITY_USER, owner->id);
	return r < 0 ? explain_credential(identity, token, r) : take_secret(identity, answer, ret_id, ret_secret);
}

int mc_application_credential_delete(const struct mc_identity *identity, const char *owner, const char *id)
{
	MC_CLEANUP(json) cJSON *document = NULL;
	const cJSON *token;
	int r = ask_login(identity, &document, &token);

	if (r < 0)
		return r;
	if (!strcmp(mc_identity_text(cJSON_GetObjectItemCaseSensitive(token, member), "id"), id))
		return mc_error_set(identity->error, EPERM,
			"this mount logs in with that application credential, and would be locked out");
	r = mc_identity_request(identity, "DELETE", PATH(owner, id), NULL, NULL);
	mc_identity_cache_forget(mc_identity_cache_of(identity), MC_IDENTITY_USER, owner);
	return explain_credential(identity, token, r);
}
