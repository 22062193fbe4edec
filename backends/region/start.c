/* SPDX-License-Identifier: MIT */
#include "backends/region/private.h"

/* The start of a master region. All containers come up side by side: Keystone and Glance take longest to load, and need
 * neither each other nor the database before the first request. */

static int find_images(struct mc_work *work, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	int r = 0;

	for (enum mc_service_kind kind = 0; kind < MC_SERVICE_KINDS && r == 0; kind++)
		r = engine->ops->has_image(engine, work->doing, mc_recipe_get(kind)->image, error);
	return r;
}

static int make_network(struct mc_work *work, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	int r = mc_mark_clear(work->region, work->doing, MC_MARK_STOPPED, error); /* from here on it is meant to run */

	return r ? r : engine->ops->prepare(engine, work->doing, error);
}

static int bring_up(struct mc_work *work, enum mc_service_kind kind,
	int (*probe)(struct mc_region *, struct mc_call *, struct mc_error *), struct mc_error *error)
{
	int r = mc_service_ensure(work->region, work->doing, kind, error);

	return r || !probe ? r : mc_service_await(work->region, work->call, kind, probe, error);
}

static int start_database(struct mc_work *work, struct mc_error *error)
{
	return bring_up(work, MC_DATABASE, mc_probe_database, error);
}

static int start_memcached(struct mc_work *work, struct mc_error *error)
{
	return bring_up(work, MC_MEMCACHED, NULL, error);
}

static int start_keystone(struct mc_work *work, struct mc_error *error)
{
	return bring_up(work, MC_KEYSTONE, mc_probe_keystone, error);
}

static int start_glance(struct mc_work *work, struct mc_error *error)
{
	return bring_up(work, MC_GLANCE, mc_probe_glance, error);
}

static int start_ldap(struct mc_work *work, struct mc_error *error)
{
	struct mc_directory *directory;
	struct mc_secrets *secrets;
	int r = bring_up(work, MC_LDAP, mc_probe_ldap, error);

	if (r == 0)
		r = mc_cloud_secrets(work->cloud, &secrets, error);
	if (r == 0)
		r = mc_cloud_directory(work->cloud, &directory, error);
	if (r == 0)
		r = mc_directory_prepare(
			directory, work->call, mc_secrets_get(secrets, MC_SECRET_LDAP_KEYSTONE), error);
	return r;
}

static int set_passwords(struct mc_work *work, struct mc_error *error)
{
	return mc_register_passwords(work->region, work->call, error);
}

static int register_region(struct mc_work *work, struct mc_error *error)
{
	return mc_register_region(work->region, work->call, error);
}

static int log_in(struct mc_work *work, struct mc_error *error)
{
	return mc_probe_login(work->region, work->call, error);
}

static int mark_served(struct mc_work *work, struct mc_error *error)
{
	return mc_mark_set(work->region, work->doing, MC_MARK_SERVED, error);
}

enum { IMAGES, NETWORK, KEYSTONE, GLANCE, DATABASE, MEMCACHED, LDAP, PASSWORDS, CATALOG, LOGIN, SERVED };
#define AFTER(step) (1u << (step))

const struct mc_step mc_start_steps[] = {
	[IMAGES] = {"images", "the images are there", 0, find_images},
	[NETWORK] = {"network", "the network is there", AFTER(IMAGES), make_network},
	[KEYSTONE] = {"keystone", "keystone answers", AFTER(NETWORK), start_keystone},
	[GLANCE] = {"glance", "glance answers", AFTER(NETWORK), start_glance},
	[DATABASE] = {"database", "the database takes queries", AFTER(NETWORK), start_database},
	[MEMCACHED] = {"memcached", "memcached runs", AFTER(NETWORK), start_memcached},
	[LDAP] = {"ldap", "the directory answers", AFTER(NETWORK), start_ldap},
	[PASSWORDS] = {"passwords", "the passwords are set", AFTER(DATABASE), set_passwords},
	[CATALOG] = {"catalog", "the catalog and the LDAP domain are there", AFTER(DATABASE), register_region},
	[LOGIN] = {"login", "the admin has logged in",
		AFTER(KEYSTONE) | AFTER(PASSWORDS) | AFTER(CATALOG) | AFTER(MEMCACHED), log_in},
	[SERVED] = {"served", "all of it serves", AFTER(GLANCE) | AFTER(LOGIN) | AFTER(LDAP), mark_served},
	{NULL},
};
