/* SPDX-License-Identifier: MIT */
#include "mcloud/engine.h"

#include "mcloud/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void mc_engine_service_clear(struct mc_engine_service *service)
{
	free(service->name);
	free(service->id);
	free(service->image);
	free(service->health);
	free(service->address);
	free(service->link);
	free(service->node);
	free(service->ports);
	free(service->region);
	free(service->kind);
	*service = (struct mc_engine_service){0};
}

int mc_engine_service_copy(struct mc_engine_service *ret, const struct mc_engine_service *service)
{
	bool failed = false;

	*ret = *service;
	ret->name = mc_copy_text(service->name, &failed);
	ret->id = mc_copy_text(service->id, &failed);
	ret->image = mc_copy_text(service->image, &failed);
	ret->health = mc_copy_text(service->health, &failed);
	ret->address = mc_copy_text(service->address, &failed);
	ret->node = mc_copy_text(service->node, &failed);
	ret->link = mc_copy_text(service->link, &failed);
	ret->ports = mc_copy_text(service->ports, &failed);
	ret->region = mc_copy_text(service->region, &failed);
	ret->kind = mc_copy_text(service->kind, &failed);
	if (failed)
		mc_engine_service_clear(ret);
	return failed ? -ENOMEM : 0;
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

void mc_engine_node_clear(struct mc_engine_node *node)
{
	free(node->name);
	free(node->address);
	free(node->version);
	*node = (struct mc_engine_node){0};
}

void mc_engine_node_list_clear(struct mc_engine_node_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		mc_engine_node_clear(&list->items[i]);
	free(list->items);
	*list = (struct mc_engine_node_list){0};
}

const char *mc_engine_volume_label(const struct mc_engine_volume *volume, const char *name)
{
	for (const struct mc_engine_label *label = volume->labels; label && label->name; label++)
		if (strcmp(label->name, name) == 0)
			return label->value;
	return NULL;
}
