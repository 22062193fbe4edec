/* SPDX-License-Identifier: MIT */
#include "backends/attached/rules.h"

#include "backends/attached/format.h"
#include "mcloud/buffer.h"

#include <errno.h>
#include <string.h>

static int auth_key_not_text(struct mc_error *error, const char *key, const struct mc_value *value)
{
	return mc_error_set(
		error, EINVAL, "%.100s is %s, where text belongs: quote it", key, mc_value_kind_name(value));
}

static int odd_key(struct mc_error *error, const char *key)
{
	return mc_error_set(error, EINVAL, "the key %.100s isn't text: quote it", key);
}

int mc_rules_update(struct mc_arena *arena, struct mc_value *old, const struct mc_value *new, struct mc_error *error)
{
	if (!mc_value_is(new, MC_VALUE_MAP))
		return mc_error_set(
			error, EINVAL, "the settings of a cloud are %s, not a mapping", mc_value_kind_name(new));
	for (const struct mc_pair *pair = new->first; pair; pair = pair->next) {
		if (pair->odd)
			return odd_key(error, pair->key);
		if (strcmp(pair->key, "auth") != 0) {
			mc_value_set(arena, old, pair->key, pair->value);
			continue;
		}
		if (pair->value->kind != MC_VALUE_MAP)
			return mc_error_set(
				error, EINVAL, "auth is %s, not a mapping", mc_value_kind_name(pair->value));
		if (mc_value_get(old, "auth"))
			mc_value_update(arena, mc_value_get(old, "auth"), pair->value);
		else
			mc_value_set(arena, old, "auth", mc_value_copy(arena, pair->value));
	}
	return 0;
}

int mc_rules_merge(struct mc_arena *arena, struct mc_value *old, const struct mc_value *new, const char *where,
	struct mc_error *error)
{
	for (const struct mc_pair *pair = new->first; pair; pair = pair->next) {
		struct mc_value *there = pair->odd ? NULL : mc_value_get(old, pair->key);
		if (pair->odd)
			return odd_key(error, pair->key);
		if (!there || pair->value->kind != MC_VALUE_MAP) {
			mc_value_set(arena, old, pair->key, pair->value);
			continue;
		}
		if (there->kind != MC_VALUE_MAP)
			return mc_error_set(error, EINVAL, "%.150s%.100s is a mapping there, and %s in clouds.yaml",
				where, pair->key, mc_value_kind_name(there));
		MC_CLEANUP(buffer) struct mc_buffer path = {0};
		mc_buffer_printf(&path, "%s%s.", where, pair->key);
		/* An alias may show the old one at other places, too. */
		there = mc_value_new(arena, MC_VALUE_MAP, NULL);
		mc_value_update(arena, there, mc_value_get(old, pair->key));
		mc_value_set(arena, old, pair->key, there);
		int r = there ? mc_rules_merge(arena, there, pair->value, path.failed ? "" : path.data, error) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* KEY with each "-" made a "_", in ARENA. */
static const char *normal_key(struct mc_arena *arena, const char *key)
{
	char *copy = mc_arena_text(arena, key, strlen(key));

	for (char *at = copy; at && (at = strchr(at, '-')); at++)
		*at = '_';
	return copy;
}

struct mc_value *mc_rules_normalize(struct mc_arena *arena, const struct mc_value *map, struct mc_error *error)
{
	struct mc_value *normal = mc_value_new(arena, MC_VALUE_MAP, NULL);

	for (const struct mc_pair *pair = map->first; pair && !arena->failed; pair = pair->next) {
		struct mc_value *value = pair->value;
		if (pair->odd) {
			odd_key(error, pair->key);
			return NULL;
		}
		const char *key = normal_key(arena, pair->key);
		bool stays = key && (!strcmp(key, "verbose_level") || !strcmp(key, "api_timeout"));
		if (value->kind == MC_VALUE_MAP) {
			value = mc_rules_normalize(arena, value, error);
			if (!value)
				return NULL;
		} else if (value->kind == MC_VALUE_REAL || (value->kind == MC_VALUE_INTEGER && !stays)) {
			value = mc_value_new(arena, MC_VALUE_TEXT, value->text);
		}
		mc_value_set(arena, normal, key, value);
	}
	return arena->failed ? NULL : normal;
}

/* A token may stand beside `auth`, under two names. */
static void find_token(struct mc_arena *arena, struct mc_value *config)
{
	if (!mc_value_get(mc_value_get(config, "auth"), "token") &&
		!mc_value_holds(mc_value_get(config, "auth_token")) && !mc_value_holds(mc_value_get(config, "token")))
		return;
	struct mc_value *token = mc_value_take(config, "auth_token");
	if (!mc_value_get(config, "token"))
		mc_value_set(arena, config, "token", token ? token : mc_value_new(arena, MC_VALUE_NONE, "None"));
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && !strcmp(text + length - tail, end);
}

/* Old clients had a timeout each; all of them are one. */
static struct mc_value *join_timeouts(struct mc_arena *arena, const struct mc_value *config)
{
	struct mc_value *joined = mc_value_new(arena, MC_VALUE_MAP, NULL), *timeout = NULL;

	for (const struct mc_pair *pair = config->first; pair; pair = pair->next) {
		if (ends_with(pair->key, "timeout") && strcmp(pair->key, "timeout") != 0 &&
			strcmp(pair->key, "api_timeout") != 0)
			timeout = pair->value;
		else
			mc_value_set(arena, joined, pair->key, pair->value);
	}
	if (timeout && timeout->kind != MC_VALUE_NONE)
		mc_value_set(arena, joined, "api_timeout", timeout);
	return joined;
}

/* Each "endpoint_type" in KEY becomes "interface", in ARENA. */
static const char *interface_key(struct mc_arena *arena, const char *key)
{
	static const char old[] = "endpoint_type", new[] = "interface";
	char *copy = mc_arena_text(arena, key, strlen(key));

	for (char *at = copy; at && (at = strstr(at, old)); at += sizeof(new) - 1) {
		memcpy(at, new, sizeof(new) - 1);
		memmove(at + sizeof(new) - 1, at + sizeof(old) - 1, strlen(at + sizeof(old) - 1) + 1);
	}
	return copy;
}

static struct mc_value *rename_interfaces(struct mc_arena *arena, const struct mc_value *config)
{
	struct mc_value *renamed = mc_value_new(arena, MC_VALUE_MAP, NULL);

	for (const struct mc_pair *pair = config ? config->first : NULL; pair; pair = pair->next)
		mc_value_set(arena, renamed,
			ends_with(pair->key, "endpoint_type") ? interface_key(arena, pair->key) : pair->key,
			pair->value);
	return renamed;
}

/* auth_type comes last, and wins. */
static void rename_auth_type(struct mc_arena *arena, struct mc_value *config)
{
	struct mc_value *old = mc_value_take(config, "auth_plugin"), *new = mc_value_take(config, "auth_type");

	if (!new)
		new = old;
	mc_value_set(arena, config, "auth_type", new ? new : mc_value_new(arena, MC_VALUE_NONE, "None"));
}

/* Takes the names of one row out of CONFIG and AUTH; the last that is there goes into AUTH, as the first. */
static int move_auth_key(struct mc_arena *arena, struct mc_value *config, struct mc_value *auth,
	const char *const *names, struct mc_error *error)
{
	const struct mc_value *found = NULL;

	for (const char *const *name = names + 1; *name; name++) {
		for (size_t i = 0; i < 2; i++) {
			const struct mc_value *value = mc_value_take(i ? auth : config, *name);
			if (value && !mc_value_is_scalar(value))
				return auth_key_not_text(error, *name, value);
			found = value ? value : found;
		}
	}
	if (found && found->text[0])
		mc_value_set(arena, auth, names[0], mc_value_new(arena, MC_VALUE_TEXT, found->text));
	return 0;
}

/* What says whom one is, and of what project, belongs into `auth`, as text: its name, and the names that it may have,
 * of which the last wins. */
static int move_names(struct mc_arena *arena, struct mc_value *config, struct mc_error *error)
{
	static const char *const rows[][6] = {
		{"domain_id", "domain_id", "domain-id"},
		{"domain_name", "domain_name", "domain-name"},
		{"user_domain_id", "user_domain_id", "user-domain-id"},
		{"user_domain_name", "user_domain_name", "user-domain-name"},
		{"project_domain_id", "project_domain_id", "project-domain-id"},
		{"project_domain_name", "project_domain_name", "project-domain-name"},
		{"token", "auth-token", "auth_token", "token"},
		{"project_id", "tenant_id", "tenant-id", "project_id", "project-id"},
		{"project_name", "tenant_name", "tenant-name", "project_name", "project-name"},
	};
	struct mc_value *auth = mc_value_get(config, "auth");
	int r = 0;

	for (size_t i = 0; i < MC_COUNT(rows) && r == 0; i++)
		r = move_auth_key(arena, config, auth, rows[i], error);
	return r;
}

/* A domain that is given once is the user's and the project's; without a project it is what one logs in to. */
static void spread_domain(struct mc_arena *arena, struct mc_value *config)
{
	static const struct {
		const char *key, *to[2];
	} rows[] = {
		{"domain_id", {"user_domain_id", "project_domain_id"}},
		{"domain_name", {"user_domain_name", "project_domain_name"}},
	};
	struct mc_value *auth = mc_value_get(config, "auth");

	if (!mc_value_get(auth, "project_id") && !mc_value_get(auth, "project_name"))
		return;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct mc_value *domain = mc_value_take(auth, rows[i].key);
		for (size_t k = 0; k < 2; k++)
			if (domain && !mc_value_get(auth, rows[i].to[k]))
				mc_value_set(arena, auth, rows[i].to[k], domain);
	}
}

static int make_insecure(struct mc_arena *arena, struct mc_value *config, struct mc_error *error)
{
	const struct mc_value *insecure = mc_value_get(config, "insecure");
	bool holds;

	if (!insecure || insecure->kind == MC_VALUE_BOOL)
		return 0;
	if (insecure->kind == MC_VALUE_NONE)
		holds = false;
	else if (insecure->kind == MC_VALUE_TEXT)
		holds = !strcasecmp(insecure->text, "true");
	else
		return mc_error_set(error, EINVAL, "insecure is %s: write true or false", mc_value_kind_name(insecure));
	mc_value_set(arena, config, "insecure", mc_value_new(arena, MC_VALUE_BOOL, holds ? "True" : "False"));
	return 0;
}

static int fill_auth_url(struct mc_arena *arena, const struct mc_value *config, struct mc_error *error)
{
	struct mc_value *auth = mc_value_get(config, "auth");
	const struct mc_value *url = mc_value_get(auth, "auth_url");
	const char *text;

	if (!url)
		return 0;
	if (url->kind != MC_VALUE_TEXT)
		return auth_key_not_text(error, "auth_url", url);
	int r = mc_format(arena, config, "auth_url", url->text, &text, error);
	if (r == 0)
		mc_value_set(arena, auth, "auth_url", mc_value_new(arena, MC_VALUE_TEXT, text));
	return r;
}

int mc_rules_rename(struct mc_arena *arena, struct mc_value **config, struct mc_error *error)
{
	struct mc_value *passcode, *interface, *map = *config;

	find_token(arena, map);
	passcode = mc_value_take(map, "passcode");
	mc_value_set(arena, mc_value_get(map, "auth"), "passcode", passcode);
	map = join_timeouts(arena, map);
	interface = mc_value_take(map, "endpoint_type");
	mc_value_set(arena, map, "interface", interface);
	rename_auth_type(arena, map);
	int r = map ? move_names(arena, map, error) : -ENOMEM;
	map = rename_interfaces(arena, map);
	if (r == 0)
		spread_domain(arena, map);
	if (r == 0)
		r = make_insecure(arena, map, error);
	if (r == 0)
		r = fill_auth_url(arena, map, error);
	*config = map;
	return r;
}

int mc_rules_fill(struct mc_arena *arena, struct mc_value *config, struct mc_error *error)
{
	for (struct mc_pair *pair = config->first; pair; pair = pair->next) {
		const char *text;
		if (pair->value->kind != MC_VALUE_TEXT || !strcmp(pair->key, "password"))
			continue;
		int r = mc_format(arena, config, pair->key, pair->value->text, &text, error);
		if (r < 0)
			return r;
		if (text != pair->value->text)
			pair->value = mc_value_new(arena, MC_VALUE_TEXT, text);
		if (!pair->value)
			return -ENOMEM;
	}
	return 0;
}
