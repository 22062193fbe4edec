/* SPDX-License-Identifier: MIT */
#include "backends/region/private.h"

#include <string.h>

/* What must be known of a region after the daemon was killed, and can't be seen by looking at its services, lies in the
 * engine as an empty labelled volume: made and removed in one step, it says what was wanted. */

static const char *const mark_names[MC_MARKS] = {
	[MC_MARK_STOPPED] = "stopped",       /* somebody stopped the region: a mount leaves it so */
	[MC_MARK_DESTROYING] = "destroying", /* it is to vanish: a mount goes on with that */
	[MC_MARK_SERVED] = "served",         /* it was ready once: its Keystone is registered, it may hold images */
	[MC_MARK_MASTER] = "master",         /* the region whose database takes the writes */
	[MC_MARK_REPLICA] = "replica",       /* a slave whose replication was begun */
	[MC_MARK_HALTED] = "halted",         /* and stopped by somebody: it stays so */
	[MC_MARK_SEEDING] = "seeding",       /* its copy of the master is not, or not any more, whole */
	[MC_MARK_SEMISYNC] =
		"semisync", /* the master's commits wait for this slave; of a master: and for who was it before */
	[MC_MARK_INCOMPLETE] =
		"incomplete", /* it is so marked since lately, and may lack what was acknowledged before */
	[MC_MARK_GIVEN_UP] =
		"given-up", /* of a dead master: somebody said that what it alone has need not be waited for */
	[MC_MARK_PROMOTED] =
		"promoted", /* it is on its way to be the master: a mount goes on with that, or undoes it */
};

static void volume_name(const struct mc_region *region, enum mc_mark mark, char name[MC_SERVICE_NAME_MAX])
{
	snprintf(name, MC_SERVICE_NAME_MAX, "%s-%s", mark_names[mark], region->name);
}

static void know(struct mc_region *region, enum mc_mark mark, bool is_set)
{
	pthread_mutex_lock(&region->cloud->lock);
	region->marked[mark] = is_set;
	pthread_mutex_unlock(&region->cloud->lock);
}

bool mc_mark_known(struct mc_region *region, enum mc_mark mark)
{
	bool is_set;

	pthread_mutex_lock(&region->cloud->lock);
	is_set = region->marked[mark];
	pthread_mutex_unlock(&region->cloud->lock);
	return is_set;
}

int mc_mark_set(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX], number[12];
	int r;

	volume_name(region, mark, name);
	snprintf(number, sizeof(number), "%u", region->number);
	r = engine->ops->volume_create(engine, call, name,
		(const struct mc_engine_label[]){
			{"mark", mark_names[mark]}, {"region", region->name}, {"number", number}, {NULL, NULL}},
		error);
	if (r < 0 && r != -EEXIST)
		return r;
	know(region, mark, true);
	return 0;
}

int mc_mark_clear(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];

	int r;

	volume_name(region, mark, name);
	r = engine->ops->volume_remove(engine, call, name, error);
	if (r == 0)
		know(region, mark, false);
	return r;
}

int mc_mark_look(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	struct mc_engine_volume_list list = {0};
	char name[MC_SERVICE_NAME_MAX];
	int r = engine->ops->volume_list(engine, call, &list, error);

	if (r < 0)
		return r;
	volume_name(region, mark, name);
	for (size_t i = 0; i < list.count && r == 0; i++)
		r = !strcmp(list.items[i].name, name);
	mc_engine_volume_list_clear(&list);
	return r;
}

int mc_mark_of(const struct mc_engine_volume *volume)
{
	const char *mark = mc_engine_volume_label(volume, "mark");

	for (int i = 0; mark && i < MC_MARKS; i++)
		if (!strcmp(mark, mark_names[i]))
			return i;
	return -1;
}
