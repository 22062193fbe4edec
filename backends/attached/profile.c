/* SPDX-License-Identifier: MIT */
#include "backends/attached/loader.h"

#include "mcloud/buffer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Debian's package python3-openstacksdk brings these, a file a profile. */
#define VENDORS "/usr/lib/python3/dist-packages/openstack/config/vendors"

static const char *folder_of(const struct mc_loader *loader)
{
	return loader->source->vendors ? loader->source->vendors : VENDORS;
}

static int read_public(struct mc_loader *loader)
{
	const char *path;

	if (loader->vendors)
		return 0;
	int r = mc_files_search(loader->arena, loader->source->environment, "clouds-public", NULL, loader->warnings,
		&loader->vendors, &path, loader->error);
	if (r == 0 && path)
		mc_value_add(loader->arena, loader->files, mc_value_text(loader->arena, path));
	return r;
}

/* What openstacksdk itself has of NAME. *RET_PROFILE is NULL: it has none. */
static int read_vendor(struct mc_loader *loader, const char *name, struct mc_value **ret_profile)
{
	static const char *const suffixes[] = {"json", "yaml"};

	*ret_profile = NULL;
	if (strstr(name, "://") || !strncmp(name, "//", 2))
		return mc_error_set(loader->error, EINVAL,
			"the profile is a URL, which mcloudfs does not fetch: write it into clouds-public.yaml");
	if (access(folder_of(loader), R_OK | X_OK) < 0)
		return mc_error_set(loader->error, EINVAL,
			"the profile %.100s is in no clouds-public.yaml: write it there, or install "
			"python3-openstacksdk, which may know it",
			name);
	for (size_t i = 0; i < MC_COUNT(suffixes) && *name && !strchr(name, '/'); i++) {
		MC_CLEANUP(buffer) struct mc_buffer path = {0};
		struct mc_value *file;
		mc_buffer_printf(&path, "%s/%s.%s", folder_of(loader), name, suffixes[i]);
		if (path.failed)
			return -ENOMEM;
		if (access(path.data, R_OK) < 0)
			continue;
		int r = mc_files_read(loader->arena, path.data, &file, loader->error);
		if (r < 0)
			return r;
		if (mc_value_says(mc_value_get(file, "name"), name))
			*ret_profile = mc_value_copy(loader->arena, mc_value_get(file, "profile"));
	}
	return 0;
}

/* A profile that is no more is refused, one that ends is warned of. */
static int check_status(struct mc_loader *loader, const char *name, struct mc_value *profile)
{
	const struct mc_value *status = mc_value_take(profile, "status"), *message = mc_value_take(profile, "message");
	const char *reason = mc_value_is(message, MC_VALUE_TEXT) ? message->text : "";

	if (mc_value_says(status, "shutdown"))
		return mc_error_set(loader->error, EINVAL, "the profile %.100s is of a cloud that is no more: %.200s",
			name, reason);
	if (mc_value_says(status, "deprecated"))
		mc_warn(loader->arena, loader->warnings, "the profile of this cloud is deprecated", reason);
	return 0;
}

static int use_vendor(struct mc_loader *loader, const char *name, const char *cloud_name, struct mc_value *cloud)
{
	struct mc_value *profile, *other = NULL;
	int r = read_vendor(loader, name, &profile);

	if (r < 0)
		return r;
	if (!mc_value_holds(profile)) {
		mc_warn(loader->arena, loader->warnings, "no profile is known of the name that this cloud has for it",
			cloud_name);
		return 0;
	}
	const struct mc_value *nested = mc_value_take(profile, "profile");
	if (mc_value_holds(nested) && mc_value_is(nested, MC_VALUE_TEXT))
		r = read_vendor(loader, nested->text, &other);
	if (mc_value_holds(other))
		profile = other;
	if (r == 0)
		r = check_status(loader, name, profile);
	return r < 0 ? r : mc_rules_update(loader->arena, cloud, profile, loader->error);
}

int mc_loader_profile(struct mc_loader *loader, const char *name, struct mc_value *cloud, const struct mc_value *ours)
{
	/* "cloud" is the key's old name. */
	const struct mc_value *profile = mc_value_get(ours, "profile");

	profile = profile ? profile : mc_value_get(ours, "cloud");
	if (!mc_value_holds(profile) || mc_value_says(profile, loader->envvars))
		return 0;
	if (profile->kind != MC_VALUE_TEXT)
		return mc_error_set(loader->error, EINVAL, "profile is %s, where text belongs: quote it",
			mc_value_kind_name(profile));
	int r = read_public(loader);
	if (r < 0)
		return r;
	const struct mc_value *known = mc_value_get(mc_value_get(loader->vendors, "public-clouds"), profile->text);
	r = known ? mc_rules_update(loader->arena, cloud, known, loader->error)
		  : use_vendor(loader, profile->text, name, cloud);
	return r < 0 && r != -ENOMEM ? mc_error_context(loader->error, "cloud %.100s", name) : r;
}
