/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/replication/follow.h"
#include "backends/managed/replication/writes.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/proxy.h"
#include "backends/managed/services/register.h"
#include "backends/managed/services/renewal.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "backends/managed/upgrade/jobs.h"
#include "backends/managed/works.h"
#include "backends/recipes/release.h"
#include "mcloud/directory.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"

/* The starts of regions: of a master, of a slave that stands by, and of one that replicates. Services that take long to
 * load need neither each other nor anything else before the first request: so they begin, and the others come up
 * meanwhile. */

int mc_start_find_images(struct mc_work *work, unsigned release, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	int r = 0;

	for (const struct mc_service *service = mc_services; service->name && r == 0; service++) {
		const char *image = service->images[release];

		r = engine->ops->has_image(engine, work->doing, image, error);
		if (r == -ENOENT)
			mc_error_set(error, ENOENT,
				"image %s is missing in the engine; `" MC_IMAGES_COMMAND " %s` makes it", image,
				mc_release_name(release));
	}
	return r;
}

static int find_images(struct mc_work *work, struct mc_error *error)
{
	return mc_start_find_images(work, mc_fact_edition(work->region).release, error);
}

static int prepare_engine_network(struct mc_work *work, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	int r = mc_fact_clear(work->region, MC_FACT_STOPPED, error); /* from here on it is meant to run */

	return r ? r : engine->ops->prepare(engine, work->doing, error);
}

static int load_service(struct mc_work *work, const void *subject, struct mc_error *error)
{
	int r = mc_service_ensure(work->region, work->doing, subject, error);

	if (r == 0 && subject == &mc_services[MC_DATABASE])
		r = mc_proxy_ensure(work->region, work->doing, error);
	/* One that runs already is not believed if its certificate has ended meanwhile. */
	if (r == 0 && mc_service_has_tls(work->cloud, subject))
		mc_certificates_keep(work->cloud);
	return r;
}

/* What Keystone will look for in the directory. */
static int prepare_directory(struct mc_work *work, struct mc_error *error)
{
	struct mc_directory *directory;
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(work->cloud, &secrets, error);

	if (r == 0)
		r = mc_cloud_directory(work->cloud, &directory, error);
	if (r == 0)
		r = mc_directory_prepare(
			directory, work->call, mc_secrets_get(secrets, MC_SECRET_LDAP_KEYSTONE), error);
	return r;
}

static int bring_to_serve(struct mc_work *work, const void *subject, struct mc_error *error)
{
	const struct mc_service *service = subject;
	int r = service->words.loads ? 0 : load_service(work, service, error);

	if (r == 0)
		r = mc_service_await(work->region, work->call, service, error);
	if (r == 0 && service->protocol == MC_PROTOCOL_LDAP)
		r = prepare_directory(work, error);
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

static int note_served(struct mc_work *work, struct mc_error *error)
{
	return mc_fact_set(work->region, MC_FACT_SERVED, error);
}

static int enforce_mode(struct mc_work *work, struct mc_error *error)
{
	return mc_replicate_enforce_mode(work->region, work->call, error);
}

/* The services of a region on their way up; by service, the bit of the step after which it serves. */
struct ascent {
	struct mc_steps *steps;
	bool stands_by; /* only those run that do in a region that stands by */
	unsigned serves[MC_SERVICES_MAX];
	unsigned all;
};

static bool takes_part(const struct ascent *ascent, const struct mc_service *service)
{
	return service->stands_by || !ascent->stands_by;
}

/* The services whose bits are in KINDS. */
static unsigned served_by(const struct ascent *ascent, unsigned kinds)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < MC_SERVICES_MAX; i++)
		bits |= kinds & MC_BIT(i) ? ascent->serves[i] : 0;
	return bits;
}

/* Gives the bits of the steps. */
static unsigned add_loads(struct ascent *ascent, unsigned after)
{
	unsigned bits = 0;

	for (const struct mc_service *service = mc_services; service->name; service++)
		if (service->words.loads && takes_part(ascent, service))
			bits |= mc_steps_add_on(ascent->steps, service->words.load_step, service->words.loads, after,
				load_service, service);
	return bits;
}

/* Steps after which those serve that were LOADED before, or the others. */
static void add_serves(struct ascent *ascent, bool loaded, unsigned after)
{
	for (const struct mc_service *service = mc_services; service->name; service++) {
		unsigned bit, needs = loaded ? after : after | served_by(ascent, service->needs);

		if ((service->words.loads != NULL) != loaded || !takes_part(ascent, service))
			continue;
		bit = mc_steps_add_on(
			ascent->steps, service->name, service->words.serves, needs, bring_to_serve, service);
		ascent->serves[mc_service_index(service)] = bit;
		ascent->all |= bit;
	}
}

static void add_services(struct ascent *ascent, unsigned after)
{
	unsigned loads = add_loads(ascent, after);

	if (loads)
		after = loads;
	add_serves(ascent, false, after);
	add_serves(ascent, true, after);
}

/* A login asks Keystone, which asks whom it needs. */
static unsigned add_login(struct ascent *ascent, unsigned after)
{
	unsigned kinds = MC_BIT(MC_KEYSTONE) | mc_services[MC_KEYSTONE].needs;

	return mc_steps_add(
		ascent->steps, "login", "the admin has logged in", served_by(ascent, kinds) | after, probe_login);
}

void mc_start_steps(struct mc_steps *steps)
{
	struct ascent ascent = {.steps = steps};
	unsigned images = mc_steps_add(steps, "images", "the images are there", 0, find_images);
	unsigned network = mc_steps_add(steps, "network", "the network is there", images, prepare_engine_network);
	unsigned mode, open, passwords, catalog, login;

	add_services(&ascent, network);
	mode = mc_steps_add(steps, "mode", "commits wait for slaves where they are meant to",
		ascent.serves[MC_DATABASE], enforce_mode);
	open = mc_steps_add(steps, "open", "the database takes writes", mode, let_started_region_write);
	passwords = mc_steps_add(steps, "passwords", "the passwords are set", open, set_passwords);
	catalog = mc_steps_add(steps, "catalog", "the catalog and the LDAP domain are there", open, register_region);
	login = add_login(&ascent, passwords | catalog);
	mc_steps_add(steps, "served", "all of it serves", ascent.all | login, note_served);
}

void mc_standby_steps(struct mc_steps *steps)
{
	struct ascent ascent = {.steps = steps, .stands_by = true};
	unsigned images = mc_steps_add(steps, "images", "the images are there", 0, find_images);
	unsigned network = mc_steps_add(steps, "network", "the network is there", images, prepare_engine_network);

	add_services(&ascent, network);
}

void mc_slave_steps(struct mc_steps *steps)
{
	struct ascent ascent = {.steps = steps};
	unsigned mark = mc_steps_add(steps, "mark", "it is meant to replicate", 0, mc_replicate_intend);
	unsigned images = mc_steps_add(steps, "images", "the images are there", 0, find_images);
	unsigned network =
		mc_steps_add(steps, "network", "the network is there", images | mark, prepare_engine_network);
	unsigned attached, catalog, caught_up, login;

	add_services(&ascent, network);
	attached = mc_steps_add(
		steps, "replication", "it follows the master", ascent.serves[MC_DATABASE], mc_replicate_attach);
	catalog = mc_steps_add(steps, "catalog", "the master's catalog has its endpoints", mark, register_region);
	caught_up = mc_steps_add(
		steps, "position", "it has what the master has", attached | catalog, mc_replicate_catch_up);
	login = add_login(&ascent, caught_up);
	mc_steps_add(steps, "served", "all of it serves", ascent.all | login, note_served);
}

static int upgrade_schemas(struct mc_work *work, struct mc_error *error)
{
	return mc_upgrade_run_job(work->region, work->call, MC_UPGRADE_SCHEMAS, error);
}

static int upgrade_own_schema(struct mc_work *work, struct mc_error *error)
{
	return mc_upgrade_run_job(work->region, work->call, MC_UPGRADE_OWN, error);
}

unsigned mc_upgraded_steps(struct mc_steps *steps, struct mc_region *region, unsigned after)
{
	bool is_master = mc_region_is_master(region), stands_by = mc_region_stands_by(region);
	struct ascent ascent = {.steps = steps, .stands_by = stands_by};
	unsigned network = mc_steps_add(steps, "network", "the network is there", after, prepare_engine_network);
	unsigned database = mc_steps_add_on(steps, "database", "the new database takes queries", network,
		bring_to_serve, &mc_services[MC_DATABASE]);
	unsigned ready = mc_steps_add(steps, "schemas", "its schemas are the new release's", database,
		is_master ? upgrade_schemas : upgrade_own_schema);

	if (!is_master && !stands_by) { /* Keystone's schema comes from its master */
		ready = mc_steps_add(steps, "replication", "it follows the master", ready, mc_replicate_attach);
		ready = mc_steps_add(steps, "position", "it has what the master has", ready, mc_replicate_catch_up);
	}
	add_services(&ascent, ready);
	return stands_by ? ascent.all : ascent.all | add_login(&ascent, 0);
}

_Static_assert(8 + 2 * MC_SERVICES_MAX <= MC_STEPS_MAX, "a start has room for all services");
