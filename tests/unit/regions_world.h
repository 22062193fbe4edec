/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_REGIONS_WORLD_H
#define TESTS_UNIT_REGIONS_WORLD_H

#include "fs/listing.h"
#include "fs/tree/region_docs.h"
#include "no_attached.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A cloud of two regions, as regions.c and region_docs.c see it. */
struct mc_node {
	const char *region, *type, *interface, *container;
	const struct mc_row *row; /* set where a row is asked */
};

struct mc_cloud {
	struct mc_engine *engine;
	enum mc_region_state state; /* of Kista, the first one */
	enum mc_region_role role;   /* of Kista; Solna has the other */
	const char *reason, *progress;
	bool progress_done, no_secrets;
	const char *catalog;
	unsigned catalogs, tokens, fresh_tokens;
	enum mc_region_verb verb;
	const char *commanded, *created, *removed;
	const char *node;                  /* of Kista; NULL: there is one machine */
	const char *upgrade, *upgraded_to; /* what Kista can be upgraded to; what it was told to be */
};

static struct mc_cloud cloud;
static struct mc_error error;
const struct mc_directory_type mc_tree_images, mc_tree_images_by_id, mc_tree_domains, mc_tree_project_domains,
	mc_tree_user_domains, mc_tree_group_domains, mc_tree_roles, mc_tree_replication;

const char *mc_ask_key(const struct mc_ask *ask, enum mc_key key)
{
	if (key == MC_KEY_REGION || key == MC_KEY_CONTAINER)
		return key == MC_KEY_REGION ? ask->node->region : ask->node->container;
	return key == MC_KEY_ENDPOINT_TYPE ? ask->node->type : ask->node->interface;
}

const struct mc_row *mc_node_row(const struct mc_node *node)
{
	return node->row;
}

const char *mc_region_state_name(enum mc_region_state state)
{
	static const char *const names[] = {
		"starting", "standby", "seeding", "upgrading", "ready", "degraded", "failed", "stopping", "stopped"};
	return names[state];
}

const char *mc_region_role_name(enum mc_region_role role)
{
	return role == MC_REGION_MASTER ? "master" : "slave";
}

bool mc_region_state_settled(enum mc_region_state state)
{
	return state != MC_REGION_STARTING && state != MC_REGION_SEEDING && state != MC_REGION_UPGRADING &&
	       state != MC_REGION_STOPPING;
}

void mc_region_view_clear(struct mc_region_view *view)
{
	free(view->name);
	free(view->node);
	free(view->address);
	free(view->auth_url);
	free(view->error);
	*view = (struct mc_region_view){0};
}

int mc_cloud_region(struct mc_cloud *c, const char *name, struct mc_region_view *ret)
{
	bool first = strcmp(name, "Kista") == 0;
	if (!first && strcmp(name, "Solna") != 0)
		return -ENOENT;
	*ret = (struct mc_region_view){.name = strdup(name),
		.node = strdup(first && c->node ? c->node : ""),
		.address = strdup(first ? "127.77.1.1" : "127.77.2.1"),
		.auth_url = strdup(first ? "http://127.77.1.1:5000/v3" : "http://127.77.2.1:5000/v3"),
		.error = strdup(first ? c->reason : ""),
		.role = first == (c->role == MC_REGION_MASTER) ? MC_REGION_MASTER : MC_REGION_SLAVE,
		.state = first ? c->state : MC_REGION_READY,
		.upgrade = first ? c->upgrade : NULL,
		.created = 1795392000,
		.changed = 1795392060};
	return 0;
}

int mc_cloud_regions(struct mc_cloud *c, struct mc_region_views *ret)
{
	ret->items = calloc(2, sizeof(*ret->items));
	ret->count = 2;
	assert_int_equal(mc_cloud_region(c, "Kista", &ret->items[0]), 0);
	return mc_cloud_region(c, "Solna", &ret->items[1]);
}

void mc_region_views_clear(struct mc_region_views *views)
{
	for (size_t i = 0; i < views->count; i++)
		mc_region_view_clear(&views->items[i]);
	free(views->items);
	*views = (struct mc_region_views){0};
}

int mc_cloud_services(struct mc_cloud *c, struct mc_engine_service_list *ret)
{
	static const char *const names[][2] = {
		{"ldap", NULL}, {"mysql-Kista", "Kista"}, {"glance-Kista", "Kista"}, {"mysql-Solna", "Solna"}};
	(void)c;
	ret->items = calloc(MC_COUNT(names), sizeof(*ret->items));
	ret->count = MC_COUNT(names);
	for (size_t i = 0; i < MC_COUNT(names); i++) {
		ret->items[i].name = strdup(names[i][0]);
		ret->items[i].region = names[i][1] ? strdup(names[i][1]) : NULL;
	}
	return 0;
}

void mc_engine_service_list_clear(struct mc_engine_service_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].region);
	}
	free(list->items);
	*list = (struct mc_engine_service_list){0};
}

bool mc_cloud_has_machines(const struct mc_cloud *c)
{
	(void)c;
	return false;
}

int mc_cloud_known_nodes(struct mc_cloud *c, struct mc_engine_node_list *ret, struct mc_error *e)
{
	(void)c, (void)ret;
	return mc_error_set(e, EOPNOTSUPP, "one machine");
}

void mc_engine_node_list_clear(struct mc_engine_node_list *list)
{
	assert_int_equal(list->count, 0);
}

char *mc_name_to_file(const char *name, const char *key)
{
	char *file;
	assert_ptr_equal(name, key);
	return asprintf(&file, "file of %s", name) < 0 ? NULL : file;
}

bool mc_cloud_has_tls(const struct mc_cloud *of)
{
	(void)of;
	return false;
}

char *mc_fs_path(const struct mc_fs *fs, const char *name)
{
	(void)fs;
	return strdup(name);
}

const struct mc_cloud_options *mc_cloud_options(const struct mc_cloud *c)
{
	static const struct mc_cloud_options options = {.name = "mcloud"};
	(void)c;
	return &options;
}

struct mc_engine *mc_cloud_engine(struct mc_cloud *c)
{
	return c->engine;
}

char *mc_cloud_admin_password(struct mc_cloud *c)
{
	return c->no_secrets ? NULL : strdup("se'cret");
}

int mc_region_create(struct mc_cloud *c, struct mc_call *call, const char *name, const char *node, struct mc_error *e)
{
	(void)call, (void)node;
	c->created = name;
	return strcmp(name, "kista") == 0 ? mc_error_set(e, EEXIST, "there is a region Kista") : 0;
}

int mc_region_remove(struct mc_cloud *c, struct mc_call *call, const char *name, struct mc_error *e)
{
	(void)call, (void)e;
	c->removed = name;
	return 0;
}

int mc_region_command(struct mc_cloud *c, const char *name, enum mc_region_verb verb, struct mc_error *e)
{
	(void)e;
	c->commanded = name;
	c->verb = verb;
	return 0;
}

int mc_region_upgrade(struct mc_cloud *c, const char *name, const char *release, struct mc_error *e)
{
	(void)e;
	c->commanded = name;
	c->upgraded_to = release ? release : "the default";
	return 0;
}

size_t mc_region_progress(struct mc_cloud *c, const char *name, size_t from, struct mc_buffer *out, bool *ret_done)
{
	assert_string_equal(name, "Kista");
	mc_buffer_text(out, c->progress + from);
	*ret_done = c->progress_done;
	return strlen(c->progress);
}

int mc_cloud_keystone(struct mc_cloud *c, const char *name, struct mc_keystone **ret, struct mc_error *e)
{
	(void)c, (void)e;
	assert_string_equal(name, "Kista");
	*ret = (struct mc_keystone *)&cloud;
	return 0;
}

void mc_keystone_unref(struct mc_keystone *keystone)
{
	(void)keystone;
}

int mc_keystone_catalog(struct mc_keystone *keystone, struct mc_call *call, char **ret_json, struct mc_error *e)
{
	(void)keystone, (void)call;
	cloud.catalogs++;
	if (!cloud.catalog)
		return mc_error_set(e, ETIMEDOUT, "Keystone doesn't answer");
	*ret_json = strdup(cloud.catalog);
	return 0;
}

int mc_keystone_token(
	struct mc_keystone *keystone, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *e)
{
	(void)keystone, (void)call, (void)e;
	cloud.tokens++;
	cloud.fresh_tokens += fresh;
	*ret_token = strdup("gAAAA");
	return 0;
}

static int fake_log(
	struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_buffer *out, struct mc_error *e)
{
	(void)engine, (void)call;
	if (strcmp(name, "glance-Kista") == 0)
		return mc_error_set(e, cloud.reason[0] ? EIO : ENOENT, "no log of %s", name);
	mc_buffer_printf(out, "2026-11-23T01:00:00Z I am %s\n", name);
	return 0;
}

static const struct mc_engine_ops ops = {.log = fake_log};
static struct mc_engine engine = {&ops};

#endif
