/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/proxy.h"

#include "backends/cloud/model.h"
#include "backends/managed/machines.h"
#include "backends/managed/names.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "backends/recipes/images.h"
#include "backends/recipes/templates.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <string.h>

const struct mc_service mc_proxy = {.name = "proxy",
	.prefix = "proxy",
	.is_here = true,
	.images = {MC_IMAGES_KEYSTONE}, /* which has nginx */
	.command = (const char *const[]){"/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/proxy/nginx.conf", NULL},
	.port = 3306,
	.published = true,
	.stop_seconds = 5,
	.files = (const struct mc_recipe_file[]){{"/etc/proxy/nginx.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID,
							 "proxy/nginx.conf.in", mc_template_proxy_nginx_conf},
		{0}}};

bool mc_region_has_proxy(const struct mc_region *region)
{
	return *region->machine.name;
}

/* Whether another machine has it, as a daemon was there: 1, 0, or -errno. */
static int is_distant(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	struct mc_engine_service found = {0};
	char name[MC_SERVICE_NAME_MAX];
	int r, is_here = 1;

	mc_service_name(&mc_proxy, region->name, name);
	r = engine->ops->look(engine, call, name, &found, error);
	if (r == 0 && found.node)
		is_here = mc_machine_is_here(region->cloud, found.node, error);
	mc_engine_service_clear(&found);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return is_here < 0 ? is_here : !is_here;
}

int mc_proxy_ensure(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r;

	if (!mc_region_has_proxy(region))
		return 0;
	r = is_distant(region, call, error);
	if (r > 0)
		r = mc_service_remove(region, call, &mc_proxy, error);
	return r ? r : mc_service_ensure(region, call, &mc_proxy, error);
}

int mc_proxy_fetch(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	int r = mc_region_has_proxy(region) ? is_distant(region, call, error) : 0;

	if (r <= 0)
		return r;
	r = engine->ops->has_image(engine, call, mc_service_image(region, &mc_proxy), error);
	return r ? r : mc_proxy_ensure(region, call, error);
}
