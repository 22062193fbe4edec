/* SPDX-License-Identifier: MIT */
#include "backends/attached/loader.h"

#include "mcloud/buffer.h"

#include <errno.h>
#include <string.h>

/* A region as a mapping, at the end of REGIONS. NULL values: none. */
static void add_region(
	struct mc_loader *loader, struct mc_value *regions, struct mc_value *name, struct mc_value *values)
{
	struct mc_value *region = mc_value_new(loader->arena, MC_VALUE_MAP, NULL);

	mc_value_set(loader->arena, region, "name", name);
	mc_value_set(
		loader->arena, region, "values", values ? values : mc_value_new(loader->arena, MC_VALUE_MAP, NULL));
	mc_value_add(loader->arena, regions, region);
}

/* An item of `regions`: a name, or a mapping with `name` and `values` and nothing else. */
static int add_region_item(struct mc_loader *loader, struct mc_value *regions, struct mc_value *item)
{
	if (mc_value_is_scalar(item)) {
		add_region(loader, regions, item, NULL);
		return 0;
	}
	struct mc_value *name = mc_value_get(item, "name"), *values = mc_value_get(item, "values");
	size_t known = (name != NULL) + (values != NULL);
	if (!mc_value_is_scalar(name) || item->count != known || (values && values->kind != MC_VALUE_MAP))
		return mc_error_set(loader->error, EINVAL,
			"an item of regions is a name, or a mapping with name and values and nothing else");
	add_region(loader, regions, name, values);
	return 0;
}

static int add_region_list(struct mc_loader *loader, struct mc_value *regions, const struct mc_value *list)
{
	int r = 0;

	if (list->kind != MC_VALUE_LIST)
		return mc_error_set(loader->error, EINVAL, "regions is %s, not a list", mc_value_kind_name(list));
	for (const struct mc_pair *pair = list->first; pair && r == 0; pair = pair->next)
		r = add_region_item(loader, regions, pair->value);
	return r;
}

/* The names in region_name, between commas. */
static void add_names(struct mc_loader *loader, struct mc_value *regions, const char *names)
{
	for (;;) {
		size_t length = strcspn(names, ",");
		const char *name = mc_arena_text(loader->arena, names, length);
		add_region(loader, regions, mc_value_new(loader->arena, MC_VALUE_TEXT, name), NULL);
		if (!names[length] || loader->arena->failed)
			return;
		names += length + 1;
	}
}

/* Those that the profile of a cloud has, which says nothing of regions itself. */
static int add_of_profile(
	struct mc_loader *loader, const char *name, const struct mc_value *ours, struct mc_value *regions)
{
	struct mc_value *profile = mc_value_new(loader->arena, MC_VALUE_MAP, NULL);
	int r = mc_loader_profile(loader, name, profile, ours);

	if (r < 0)
		return r;
	struct mc_value *list = mc_value_get(profile, "regions"), *one = mc_value_get(profile, "region_name");
	if (mc_value_holds(list))
		return add_region_list(loader, regions, list);
	if (mc_value_holds(one))
		add_region(loader, regions, one, NULL);
	return 0;
}

int mc_loader_regions(struct mc_loader *loader, const char *name, struct mc_value **ret_regions)
{
	const struct mc_value *ours = mc_value_get(loader->clouds, name);
	const struct mc_value *normal = mc_rules_normalize(loader->arena, ours, loader->error);

	*ret_regions = mc_value_new(loader->arena, MC_VALUE_LIST, NULL);
	if (!normal)
		return loader->arena->failed ? -ENOMEM : -EINVAL;
	const struct mc_value *regions = mc_value_get(normal, "regions"), *one = mc_value_get(normal, "region_name");
	if (regions)
		return add_region_list(loader, *ret_regions, regions);
	if (!one)
		return add_of_profile(loader, name, ours, *ret_regions);
	if (one->kind == MC_VALUE_LIST)
		return add_region_list(loader, *ret_regions, one);
	if (one->kind != MC_VALUE_TEXT)
		return mc_error_set(loader->error, EINVAL, "region_name is %s, where text belongs: quote it",
			mc_value_kind_name(one));
	add_names(loader, *ret_regions, one->text);
	return 0;
}

static int no_such_region(struct mc_loader *loader, const char *name, const struct mc_value *regions)
{
	MC_CLEANUP(buffer) struct mc_buffer names = {0};

	for (const struct mc_pair *pair = regions->first; pair; pair = pair->next)
		mc_buffer_printf(
			&names, "%s%.64s", pair == regions->first ? "" : ", ", mc_value_get(pair->value, "name")->text);
	return mc_error_set(loader->error, ENOENT, "cloud %.100s has no region %.100s; it has %.200s", name,
		loader->source->region, names.failed || !names.data ? "" : names.data);
}

int mc_loader_region(
	struct mc_loader *loader, const char *name, const struct mc_value *regions, const struct mc_value **ret_region)
{
	const char *wanted = loader->source->region && *loader->source->region ? loader->source->region : NULL;

	if (!regions->first) {
		struct mc_value *list = mc_value_new(loader->arena, MC_VALUE_LIST, NULL);
		add_region(loader, list, mc_value_text(loader->arena, wanted ? wanted : ""), NULL);
		*ret_region = list && list->first ? list->first->value : NULL;
		return *ret_region ? 0 : -ENOMEM;
	}
	for (const struct mc_pair *pair = regions->first; pair; pair = pair->next) {
		if (wanted && !mc_value_says(mc_value_get(pair->value, "name"), wanted))
			continue;
		*ret_region = pair->value;
		return 0;
	}
	return no_such_region(loader, name, regions);
}
