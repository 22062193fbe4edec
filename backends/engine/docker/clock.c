/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include "mcloud/util.h"

/* The clock of an engine on another machine, which may be minutes off. */

void mc_docker_ahead(const struct mc_docker *docker, double *ret_least, double *ret_most)
{
	*ret_least = *ret_most = 0;
	/* Behind a Unix socket it is ours. */
	if (!docker->options.unix_socket)
		mc_http_ahead(docker->http, ret_least, ret_most);
}

double mc_docker_own_time(const struct mc_docker *docker, double when)
{
	double least, most;

	mc_docker_ahead(docker, &least, &most);
	return when > 0 ? when - most : when;
}
