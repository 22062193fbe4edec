/* SPDX-License-Identifier: MIT */
#include "fs/tree/client.h"
#include "mcloud/attached.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What clients are told of a cloud that was made here (it has an engine), and of one that is attached. */

struct mc_node {
	const char *region;
};

struct mc_cloud {
	struct mc_engine *engine;
	struct mc_attached_config config, *own;
	size_t n_regions;
	bool has_secrets, has_tls;
};

static struct mc_cloud cloud;
static struct mc_error error;
static struct mc_node root, solna = {"Solna"}, nowhere = {"Nowhere"};

const char *mc_ask_key(const struct mc_ask *ask, enum mc_key key)
{
	assert_int_equal(key, MC_KEY_REGION);
	return ask->node->region;
}

static struct mc_region_view regions[] = {
	{.name = (char[]){"Kista"},
		.address = (char[]){"127.77.1.1"},
		.auth_url = (char[]){"http://127.77.1.1:5000/v3"},
		.role = MC_REGION_MASTER},
	{.name = (char[]){"Solna"},
		.address = (char[]){"127.77.2.1"},
		.auth_url = (char[]){"http://127.77.2.1:5000/v3"},
		.role = MC_REGION_SLAVE},
};

int mc_cloud_regions(struct mc_cloud *of, struct mc_region_views *ret_views)
{
	*ret_views = (struct mc_region_views){regions, of->n_regions};
	return 0;
}

void mc_region_views_clear(struct mc_region_views *views)
{
	*views = (struct mc_region_views){0};
}

const struct mc_cloud_options *mc_cloud_options(const struct mc_cloud *of)
{
	static const struct mc_cloud_options options = {.name = "mcloud"};

	(void)of;
	return &options;
}

struct mc_engine *mc_cloud_engine(struct mc_cloud *of)
{
	return of->engine;
}

char *mc_cloud_admin_password(struct mc_cloud *of)
{
	return of->has_secrets ? strdup("hush") : NULL;
}

bool mc_cloud_has_tls(const struct mc_cloud *of)
{
	return of->has_tls;
}

char *mc_fs_path(const struct mc_fs *fs, const char *name)
{
	char *path;

	(void)fs;
	return asprintf(&path, "/mnt/a cloud/%s", name) < 0 ? NULL : path;
}

const struct mc_attached_config *mc_attached_config(const struct mc_cloud *of)
{
	return &of->config;
}

/* Of Kista the files say nothing of its own. */
const struct mc_attached_config *mc_attached_region_config(struct mc_cloud *of, const char *region)
{
	return strcmp(region, "Solna") == 0 ? of->own : NULL;
}

static struct mc_ask ask(struct mc_node *node)
{
	error = (struct mc_error){0};
	return (struct mc_ask){.cloud = &cloud, .node = node, .error = &error};
}

static int make_own(void **state)
{
	(void)state;
	cloud = (struct mc_cloud){.engine = (struct mc_engine *)(void *)&cloud, .n_regions = 2, .has_secrets = true};
	return 0;
}

static char *interfaces[] = {(char[]){"internal"}};

static const struct mc_cloud attached = {.n_regions = 2,
	.config = {.cloud = (char[]){"prod"},
		.auth = {.type = (char[]){"v3multifactor"},
			.methods = MC_LOGIN_PASSWORD | MC_LOGIN_TOTP,
			.auth_url = (char[]){"https://prod/identity"},
			.username = (char[]){"john"},
			.password = (char[]){"hush"}},
		.identity = {.interfaces = interfaces, .n_interfaces = 1},
		.cacert = (char[]){"/ca.pem"},
		.key = (char[]){"key.pem"},
		.verify = true}};

static int make_attached(void **state)
{
	(void)state;
	cloud = attached;
	return 0;
}

/* The auth as "NAME=TEXT ". */
static void check_auth(const struct mc_client *client, const char *type, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer auth = {0};

	assert_string_equal(client->settings.auth_type, type);
	for (size_t i = 0; i < client->settings.n_auth; i++)
		mc_buffer_printf(&auth, "%s=%s ", client->settings.auth[i].name, client->settings.auth[i].text);
	assert_string_equal(auth.data, expected);
}

static void test_own(void **state)
{
	(void)state;
	MC_CLEANUP(client) struct mc_client client = {0}, here = {0};
	struct mc_ask at = ask(&root), at_solna = ask(&solna);

	assert_int_equal(mc_client_of_mount(&at, &client), 0);
	check_auth(&client, "password",
		"auth_url=http://127.77.1.1:5000/v3 username=admin password=hush project_name=admin "
		"user_domain_name=Default project_domain_name=Default ");
	assert_string_equal(client.settings.cloud, "mcloud");
	assert_string_equal(client.settings.interface, "public");
	assert_string_equal(client.settings.address, "127.77.1.1");
	assert_true(client.settings.verify);
	/* Of a region: that one, which is the default. */
	assert_int_equal(mc_client_of_credential(&at_solna, "c1", strdup("quiet"), &here), 0);
	check_auth(&here, "v3applicationcredential",
		"auth_url=http://127.77.2.1:5000/v3 application_credential_id=c1 application_credential_secret=quiet ");
	assert_int_equal(here.settings.n_regions, 2);
	assert_string_equal(here.settings.regions[0].name, "Solna");
	assert_string_equal(here.settings.regions[1].name, "Kista");
}

/* One whose services are reached by https only: its CA is in the mount. */
static void test_own_with_tls(void **state)
{
	(void)state;
	MC_CLEANUP(client) struct mc_client client = {0}, plain = {0};
	struct mc_ask at = ask(&solna);

	assert_int_equal(mc_client_of_mount(&at, &plain), 0);
	assert_null(plain.settings.cacert);
	cloud.has_tls = true;
	assert_int_equal(mc_client_of_mount(&at, &client), 0);
	assert_string_equal(client.settings.auth[0].text, "http://127.77.2.1:5000/v3");
	assert_string_equal(client.settings.cacert, "/mnt/a cloud/ca.pem");
	assert_true(client.settings.verify);
}

static void test_attached(void **state)
{
	(void)state;
	MC_CLEANUP(client) struct mc_client client = {0}, other = {0};
	struct mc_ask at = ask(&root);

	assert_int_equal(mc_client_of_mount(&at, &client), 0);
	check_auth(&client, "v3multifactor",
		"auth_methods=v3password,v3totp auth_url=https://prod/identity username=john password=hush ");
	assert_string_equal(client.settings.cloud, "prod");
	assert_string_equal(client.settings.interface, "internal");
	assert_string_equal(client.settings.cacert, "/ca.pem");
	/* From where it was mounted, for who reads it elsewhere. */
	assert_int_equal(client.settings.key[0], '/');
	assert_string_equal(strrchr(client.settings.key, '/'), "/key.pem");
	assert_null(client.settings.address);
	assert_int_equal(mc_client_of_credential(&at, "c1", strdup("quiet"), &other), 0);
	check_auth(&other, "v3applicationcredential",
		"auth_url=https://prod/identity application_credential_id=c1 application_credential_secret=quiet ");
	assert_string_equal(other.settings.regions[0].name, "Kista");
}

static void check_values(const struct mc_client_region *region, const char *name, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer values = {0};

	if (name)
		assert_string_equal(region->name, name);
	else
		assert_null(region->name);
	mc_buffer_text(&values, "");
	for (size_t i = 0; i < region->n_values; i++)
		mc_buffer_printf(&values, "%s=%s ", region->values[i].name, region->values[i].text);
	assert_string_equal(values.data ? values.data : "", expected);
}

/* A region's services are where its own settings say. */
static void test_values(void **state)
{
	char *own_interfaces[] = {(char[]){"admin"}};
	struct mc_attached_config own = {.region = (char[]){"Solna"},
		.identity = {.service_type = (char[]){"identity"}, .interfaces = interfaces, .n_interfaces = 1},
		.image = {.service_type = (char[]){"picture"},
			.interfaces = own_interfaces,
			.n_interfaces = 1,
			.region_name = (char[]){"north"},
			.endpoint = (char[]){"https://solna/image/v2"}}};
	(void)state;
	MC_CLEANUP(client) struct mc_client client = {0}, alone = {0};
	struct mc_ask at = ask(&root), at_solna = ask(&solna);

	cloud.own = &own;
	assert_int_equal(mc_client_of_mount(&at_solna, &client), 0);
	assert_int_equal(client.settings.n_regions, 2);
	check_values(&client.settings.regions[0], "Solna",
		"image_endpoint_override=https://solna/image/v2 image_service_type=picture image_interface=admin "
		"image_region_name=north ");
	check_values(&client.settings.regions[1], "Kista", "");
	/* Where nobody names a region, the mount calls it as the cloud; the catalog doesn't. */
	cloud.own = NULL;
	cloud.n_regions = 1;
	cloud.config.image.service_name = (char[]){"glance"};
	assert_int_equal(mc_client_of_mount(&at, &alone), 0);
	check_values(&alone.settings.regions[0], NULL, "image_service_name=glance ");
}

/* A login that says that it wants no scope gets none. */
static void test_unscoped(void **state)
{
	(void)state;
	MC_CLEANUP(client) struct mc_client client = {0};
	struct mc_ask at = ask(&root);

	cloud.config.auth = (struct mc_attached_auth){.type = (char[]){"v3password"},
		.methods = MC_LOGIN_PASSWORD,
		.auth_url = (char[]){"https://prod"},
		.unscoped = true};
	assert_int_equal(mc_client_of_mount(&at, &client), 0);
	check_auth(&client, "v3password", "auth_url=https://prod unscoped=True ");
}

/* Before anybody has logged in no region is the master; the first is as good. */
static void test_no_master(void **state)
{
	(void)state;
	MC_CLEANUP(client) struct mc_client client = {0};
	struct mc_ask at = ask(&root);

	regions[0].role = MC_REGION_SLAVE;
	int r = mc_client_of_mount(&at, &client);
	regions[0].role = MC_REGION_MASTER;
	assert_int_equal(r, 0);
	assert_string_equal(client.settings.regions[0].name, "Kista");
}

static void test_nobody(void **state)
{
	(void)state;
	MC_CLEANUP(client) struct mc_client lost = {0}, secretless = {0}, empty = {0};
	struct mc_ask at = ask(&nowhere), at_root = ask(&root);

	assert_int_equal(mc_client_of_credential(&at, "c1", strdup("quiet"), &lost), -ENOENT);
	cloud.has_secrets = false;
	assert_int_equal(mc_client_of_mount(&at_root, &secretless), -EAGAIN);
	cloud.n_regions = 0;
	assert_int_equal(mc_client_of_mount(&at_root, &empty), -EAGAIN);
	assert_string_equal(error.message, "the cloud has no master region yet: mkdir regions/NAME makes one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_own, make_own),
		cmocka_unit_test_setup(test_own_with_tls, make_own),
		cmocka_unit_test_setup(test_attached, make_attached),
		cmocka_unit_test_setup(test_values, make_attached),
		cmocka_unit_test_setup(test_unscoped, make_attached),
		cmocka_unit_test_setup(test_no_master, make_attached),
		cmocka_unit_test_setup(test_nobody, make_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
