/* SPDX-License-Identifier: MIT */
#include "backends/attached/loader.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Variables that only choose: alone they make no cloud. */
static const char *const selectors[] = {
	"OS_CLOUD", "OS_REGION_NAME", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLOUD_NAME"};

/* Variables of tests and logs begin so. */
static const char *const others[] = {"OS_TEST", "OS_STD", "OS_LOG"};

static bool begins(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

/* "OS_AUTH_URL=…" sets auth_url. *RET_MORE: it does more than choose. */
static int take_variable(struct mc_loader *loader, struct mc_value *cloud, const char *variable, bool *ret_more)
{
	const char *equals = strchr(variable, '=');
	bool chooses = false;

	if (!equals || !begins(variable, "OS_"))
		return 0;
	for (size_t i = 0; i < MC_COUNT(others); i++)
		if (begins(variable, others[i]))
			return 0;
	char *name = mc_arena_text(loader->arena, variable, (size_t)(equals - variable));
	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < MC_COUNT(selectors); i++)
		chooses |= !strcmp(name, selectors[i]);
	for (const char *at = variable; *at;) {
		size_t length = mc_utf8_sequence(at);
		if (!length)
			return mc_error_set(
				loader->error, EINVAL, "%.100s in the environment isn't text in UTF-8", name);
		at += length;
	}
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	mc_value_set(loader->arena, cloud, name + strlen("OS_"), mc_value_text(loader->arena, equals + 1));
	*ret_more |= !chooses;
	return 0;
}

/* The cloud that the environment's variables make, if they do. */
static int add_envvars(struct mc_loader *loader)
{
	struct mc_value *cloud = mc_loader_defaults(loader->arena);
	bool more = false;

	for (char *const *at = loader->source->environment; at && *at; at++) {
		int r = take_variable(loader, cloud, *at, &more);
		if (r < 0)
			return r;
	}
	if (!more)
		return 0;
	mc_value_set(loader->arena, loader->clouds, loader->envvars, cloud);
	if (!loader->chosen)
		loader->chosen = loader->envvars;
	return 0;
}

static int not_a_map(struct mc_loader *loader, const char *path, const char *what, const struct mc_value *value)
{
	return mc_error_set(
		loader->error, EINVAL, "%s: %s is %s, not a mapping", path, what, mc_value_kind_name(value));
}

static void note_file(struct mc_loader *loader, const char *path)
{
	if (path)
		mc_value_add(loader->arena, loader->files, mc_value_text(loader->arena, path));
}

/* The tree of clouds.yaml, with secure.yaml merged into it; *RET_PATH is its path, for sentences. */
static int read_files(struct mc_loader *loader, struct mc_value **ret_tree, const char **ret_path)
{
	const struct mc_attached_source *source = loader->source;
	const char *secure_path, *first = mc_environment(source->environment, "OS_CLIENT_CONFIG_FILE");
	struct mc_value *secure;
	int r;

	*ret_path = source->clouds_file;
	if (source->clouds_file)
		r = mc_files_read(loader->arena, source->clouds_file, ret_tree, loader->error);
	else
		r = mc_files_search(loader->arena, source->environment, "clouds", first, loader->warnings, ret_tree,
			ret_path, loader->error);
	if (r < 0)
		return r;
	note_file(loader, *ret_path);
	r = mc_files_search(loader->arena, source->environment, "secure",
		mc_environment(source->environment, "OS_CLIENT_SECURE_FILE"), loader->warnings, &secure, &secure_path,
		loader->error);
	if (r < 0)
		return r;
	note_file(loader, secure_path);
	/* An empty file is as none. */
	if (mc_value_is(*ret_tree, MC_VALUE_NONE))
		*ret_tree = mc_value_new(loader->arena, MC_VALUE_MAP, NULL);
	if (!mc_value_is(*ret_tree, MC_VALUE_MAP))
		return not_a_map(loader, *ret_path ? *ret_path : "clouds.yaml", "all of it", *ret_tree);
	if (!mc_value_holds(secure))
		return 0;
	if (secure->kind != MC_VALUE_MAP)
		return not_a_map(loader, secure_path, "all of it", secure);
	r = mc_rules_merge(loader->arena, *ret_tree, secure, "", loader->error);
	return r < 0 && !loader->arena->failed ? mc_error_context(loader->error, "%s", secure_path) : r;
}

/* A value that isn't set to nothing. */
static const char *given(const struct mc_loader *loader, const char *name)
{
	const char *value = mc_environment(loader->source->environment, name);

	return value && *value ? value : NULL;
}

int mc_loader_read(struct mc_loader *loader)
{
	const char *path, *name = mc_environment(loader->source->environment, "OS_CLOUD_NAME");
	struct mc_value *tree;
	int r = read_files(loader, &tree, &path);

	if (r < 0)
		return r;
	loader->clouds = mc_value_get(tree, "clouds");
	if (loader->clouds && loader->clouds->kind != MC_VALUE_MAP)
		return not_a_map(loader, path, "clouds", loader->clouds);
	if (!loader->clouds)
		loader->clouds = mc_value_new(loader->arena, MC_VALUE_MAP, NULL);
	loader->envvars = name ? name : "envvars";
	if (mc_value_get(loader->clouds, loader->envvars))
		return mc_error_set(loader->error, EINVAL,
			"%s has a cloud \"%.100s\", which is the name of the environment's: give one of them another, "
			"by OS_CLOUD_NAME",
			path, loader->envvars);
	loader->chosen = given(loader, "OS_CLOUD");
	r = add_envvars(loader);
	if (r < 0)
		return r;
	if (!(loader->chosen && *loader->chosen) && loader->clouds && loader->clouds->count == 1)
		loader->chosen = loader->clouds->first->key;
	return loader->arena->failed ? -ENOMEM : 0;
}
