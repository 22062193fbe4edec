/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/mark.h"
#include "backends/managed/replication/follow.h"
#include "backends/managed/replication/writes.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/register.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "backends/managed/works.h"
#include "mcloud/directory.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"

/* The starts of regions: of a master, of a slave that stands by, and of one that replicates. Keystone and Glance take
 * longest to load, and need neither each other nor anything else before the first request: so they begin, and the
 * others come up meanwhile. */

static int find_images(struct mc_work *work, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	int r = 0;

	for (const struct mc_service *service = mc_services; service->name && r == 0; service++)
		r = engine->ops->has_image(engine, work->doing, service->image, error);
	return r;
}

static int prepare_engine_network(struct mc_work *work, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	int r = mc_mark_clear(work->region, work->doing, MC_MARK_STOPPED, error); /* from here on it is meant to run */

	return r ? r : engine->ops->prepare(engine, work->doing, error);
}

static int load_keystone(struct mc_work *work, struct mc_error *error)
{
	return mc_service_ensure(work->region, work->doing, &mc_services[MC_KEYSTONE], error);
}

static int load_glance(struct mc_work *work, struct mc_error *error)
{
	return mc_service_ensure(work->region, work->doing, &mc_services[MC_GLANCE], error);
}

static int await_keystone(struct mc_work *work, struct mc_error *error)
{
	return mc_service_await(work->region, work->call, &mc_services[MC_KEYSTONE], error);
}

static int await_glance(struct mc_work *work, struct mc_error *error)
{
	return mc_service_await(work->region, work->call, &mc_services[MC_GLANCE], error);
}

static int start_database(struct mc_work *work, struct mc_error *error)
{
	int r = mc_service_ensure(work->region, work->doing, &mc_services[MC_DATABASE], error);

	return r ? r : mc_service_await(work->region, work->call, &mc_services[MC_DATABASE], error);
}

static int start_memcached(struct mc_work *work, struct mc_error *error)
{
	return mc_service_ensure(work->region, work->doing, &mc_services[MC_MEMCACHED], error);
}

static int start_ldap(struct mc_work *work, struct mc_error *error)
{
	struct mc_directory *directory;
	struct mc_secrets *secrets;
	int r = mc_service_ensure(work->region, work->doing, &mc_services[MC_LDAP], error);

	if (r == 0)
		r = mc_service_await(work->region, work->call, &mc_services[MC_LDAP], error);
	if (r == 0)
		r = mc_cloud_secrets(work->cloud, &secrets, error);
	if (r == 0)
		r = mc_cloud_directory(work->cloud, &directory, error);
	if (r == 0)
		r = mc_directory_prepare(
			directory, work->call, mc_secrets_get(secrets, MC_SECRET_LDAP_KEYSTONE), error);
	return r;
}

static int let_started_region_write(struct mc_work *work, struct mc_error *error)
{
	return mc_region_let_write(work->region, work->call, error);
}

static int set_passwords(struct mc_work *work, struct mc_error *error)
{
	return mc_register_passwords(work->region, work->call, error);
}

static int register_region(struct mc_work *work, struct mc_error *error)
{
	return mc_register_region(work->region, work->call, error);
}

static int probe_login(struct mc_work *work, struct mc_error *error)
{
	return mc_probe_login(work->region, work->call, error);
}

static int mark_served(struct mc_work *work, struct mc_error *error)
{
	return mc_mark_set(work->region, work->doing, MC_MARK_SERVED, error);
}

static int settle_mode(struct mc_work *work, struct mc_error *error)
{
	return mc_replicate_settle_mode(work->region, work->call, error);
}

enum {
	IMAGES,
	NETWORK,
	LOAD_KEYSTONE,
	LOAD_GLANCE,
	DATABASE,
	MEMCACHED,
	LDAP,
	KEYSTONE,
	GLANCE,
	MODE,
	OPEN,
	PASSWORDS,
	CATALOG,
	LOGIN,
	SERVED
};
#define AFTER(step) (1u << (step))
#define AFTER_LOAD (AFTER(LOAD_KEYSTONE) | AFTER(LOAD_GLANCE))

const struct mc_step mc_start_steps[] = {
	[IMAGES] = {"images", "the images are there", 0, find_images},
	[NETWORK] = {"network", "the network is there", AFTER(IMAGES), prepare_engine_network},
	[LOAD_KEYSTONE] = {"load-keystone", "keystone loads", AFTER(NETWORK), load_keystone},
	[LOAD_GLANCE] = {"load-glance", "glance loads", AFTER(NETWORK), load_glance},
	[DATABASE] = {"database", "the database takes queries", AFTER_LOAD, start_database},
	[MEMCACHED] = {"memcached", "memcached runs", AFTER_LOAD, start_memcached},
	[LDAP] = {"ldap", "the directory answers", AFTER_LOAD, start_ldap},
	[KEYSTONE] = {"keystone", "keystone answers", AFTER_LOAD, await_keystone},
	[GLANCE] = {"glance", "glance answers", AFTER_LOAD, await_glance},
	[MODE] = {"mode", "commits wait for slaves where they are meant to", AFTER(DATABASE), settle_mode},
	[OPEN] = {"open", "the database takes writes", AFTER(MODE), let_started_region_write},
	[PASSWORDS] = {"passwords", "the passwords are set", AFTER(OPEN), set_passwords},
	[CATALOG] = {"catalog", "the catalog and the LDAP domain are there", AFTER(OPEN), register_region},
	[LOGIN] = {"login", "the admin has logged in",
		AFTER(KEYSTONE) | AFTER(PASSWORDS) | AFTER(CATALOG) | AFTER(MEMCACHED), probe_login},
	[SERVED] = {"served", "all of it serves", AFTER(GLANCE) | AFTER(LOGIN) | AFTER(LDAP), mark_served},
	{NULL},
};

enum { STANDBY_IMAGES, STANDBY_NETWORK };

const struct mc_step mc_standby_steps[] = {
	[STANDBY_IMAGES] = {"images", "the images are there", 0, find_images},
	[STANDBY_NETWORK] = {"network", "the network is there", AFTER(STANDBY_IMAGES), prepare_engine_network},
	{"database", "the database takes queries", AFTER(STANDBY_NETWORK), start_database},
	{NULL},
};

enum {
	SLAVE_MARK,
	SLAVE_IMAGES,
	SLAVE_NETWORK,
	SLAVE_LOAD_KEYSTONE,
	SLAVE_LOAD_GLANCE,
	SLAVE_DATABASE,
	SLAVE_MEMCACHED,
	SLAVE_LDAP,
	SLAVE_KEYSTONE,
	SLAVE_GLANCE,
	SLAVE_ATTACHED,
	SLAVE_CATALOG,
	SLAVE_CAUGHT_UP,
	SLAVE_LOGIN,
	SLAVE_SERVED
};
#define AFTER_SLAVE_LOAD (AFTER(SLAVE_LOAD_KEYSTONE) | AFTER(SLAVE_LOAD_GLANCE))

const struct mc_step mc_slave_steps[] = {
	[SLAVE_MARK] = {"mark", "it is meant to replicate", 0, mc_replicate_mark},
	[SLAVE_IMAGES] = {"images", "the images are there", 0, find_images},
	[SLAVE_NETWORK] = {"network", "the network is there", AFTER(SLAVE_IMAGES) | AFTER(SLAVE_MARK),
		prepare_engine_network},
	[SLAVE_LOAD_KEYSTONE] = {"load-keystone", "keystone loads", AFTER(SLAVE_NETWORK), load_keystone},
	[SLAVE_LOAD_GLANCE] = {"load-glance", "glance loads", AFTER(SLAVE_NETWORK), load_glance},
	[SLAVE_DATABASE] = {"database", "the database takes queries", AFTER_SLAVE_LOAD, start_database},
	[SLAVE_MEMCACHED] = {"memcached", "memcached runs", AFTER_SLAVE_LOAD, start_memcached},
	[SLAVE_LDAP] = {"ldap", "the directory answers", AFTER_SLAVE_LOAD, start_ldap},
	[SLAVE_KEYSTONE] = {"keystone", "keystone answers", AFTER_SLAVE_LOAD, await_keystone},
	[SLAVE_GLANCE] = {"glance", "glance answers", AFTER_SLAVE_LOAD, await_glance},
	[SLAVE_ATTACHED] = {"replication", "it follows the master", AFTER(SLAVE_DATABASE), mc_replicate_attach},
	[SLAVE_CATALOG] = {"catalog", "the master's catalog has its endpoints", AFTER(SLAVE_MARK), register_region},
	[SLAVE_CAUGHT_UP] = {"position", "it has what the master has", AFTER(SLAVE_ATTACHED) | AFTER(SLAVE_CATALOG),
		mc_replicate_catch_up},
	[SLAVE_LOGIN] = {"login", "the admin has logged in",
		AFTER(SLAVE_KEYSTONE) | AFTER(SLAVE_MEMCACHED) | AFTER(SLAVE_CAUGHT_UP), probe_login},
	[SLAVE_SERVED] = {"served", "all of it serves", AFTER(SLAVE_GLANCE) | AFTER(SLAVE_LOGIN) | AFTER(SLAVE_LDAP),
		mark_served},
	{NULL},
};
