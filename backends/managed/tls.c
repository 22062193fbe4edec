/* SPDX-License-Identifier: MIT */
#include "backends/managed/tls.h"

#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/secrets.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* Whether there is a CA: 1, 0; -1: nobody can say, as the secrets are out of reach. */
static int has_ca(struct mc_cloud *cloud)
{
	MC_CLEANUP(free_pointer) char *ca = NULL;
	struct mc_secrets *secrets;

	if (mc_cloud_secrets(cloud, &secrets, NULL) < 0)
		return -1;
	ca = mc_secrets_ca(secrets);
	return ca != NULL;
}

static bool is_empty(struct mc_cloud *cloud)
{
	bool empty;

	MC_LOCKED(&cloud->lock)
		empty = cloud->n_regions == 0;
	return empty;
}

void mc_tls_decide(struct mc_cloud *cloud)
{
	const char *wanted = cloud->options.tls;

	if (mc_cloud_has_machines(cloud))
		wanted = "on";
	cloud->has_tls = wanted ? !strcmp(wanted, "on") : has_ca(cloud) == 1;
}

int mc_tls_check(struct mc_cloud *cloud, struct mc_error *error)
{
	const char *name = cloud->options.name;
	int has = has_ca(cloud);

	if (is_empty(cloud) || has < 0 || cloud->has_tls == has)
		return 0;
	if (has)
		return mc_error_set(error, EINVAL,
			"the cloud %s was made with tls=on, and its URLs are https: mount it with tls=on, or without "
			"tls=",
			name);
	return mc_error_set(error, EINVAL,
		"the cloud %s was made without tls=on, and its URLs are http: mount it with tls=off, or without tls=",
		name);
}

int mc_tls_settle(struct mc_cloud *cloud, struct mc_secrets *secrets, struct mc_error *error)
{
	if (!is_empty(cloud))
		return 0;
	return mc_secrets_set_ca(secrets, cloud->has_tls ? cloud->options.name : NULL, error);
}
