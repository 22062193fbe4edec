/* SPDX-License-Identifier: MIT */
#include "mcloud/engine.h"

#include <stdlib.h>
#include <string.h>

void mc_engine_service_clear(struct mc_engine_service *service)
{
	free(service->name);
	free(service->id);
	free(service->image);
	free(service->health);
	free(service->address);
	free(service->ports);
	free(service->region);
	free(service->kind);
	*service = (struct mc_engine_service){0};
}

void mc_engine_service_list_clear(struct mc_engine_service_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		mc_engine_service_clear(&list->items[i]);
	free(list->items);
	*list = (struct mc_engine_service_list){0};
}

static void volume_clear(struct mc_engine_volume *volume)
{
	for (struct mc_engine_label *label = volume->labels; label && label->name; label++) {
		free((void *)(uintptr_t)label->name);
		free((void *)(uintptr_t)label->value);
	}
	free(volume->labels);
	free(volume->name);
}

void mc_engine_volume_list_clear(struct mc_engine_volume_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		volume_clear(&list->items[i]);
	free(list->items);
	*list = (struct mc_engine_volume_list){0};
}

const char *mc_engine_volume_label(const struct mc_engine_volume *volume, const char *name)
{
	for (const struct mc_engine_label *label = volume->labels; label && label->name; label++)
		if (strcmp(label->name, name) == 0)
			return label->value;
	return NULL;
}
