/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>

/* How a spare (spare.c) becomes a service: the files are in it before it has the name. */

/* The caller holds both names. */
static int adopt_spare(struct mc_docker *docker, struct mc_call *call, const char *spare, const char *name,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct mc_docker_ref ref = {0}, found;

	int r = mc_docker_find(docker, call, name, &found, error);
	if (r == 0)
		return mc_docker_error(error, EEXIST, "cloud %s has a container %s already", docker->cloud, name);
	if (r == -ENOENT)
		r = mc_docker_find(docker, call, spare, &ref, error);
	if (r < 0)
		return r;
	if (!ref.running)
		return mc_docker_error(error, ENOENT, "the spare %s doesn't run", spare);
	r = mc_docker_put_files(docker, call, &ref, files, n_files, error);
	ref.name = name;
	return r ? r : mc_docker_rename(docker, call, &ref, error);
}

int mc_docker_adopt(struct mc_engine *engine, struct mc_call *call, const char *spare, const char *name,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);

	int r = mc_docker_hold(docker, call, spare, error);
	if (r < 0)
		return r;
	r = mc_docker_hold(docker, call, name, error);
	if (r == 0) {
		r = adopt_spare(docker, call, spare, name, files, n_files, error);
		mc_docker_release(docker, name);
	}
	mc_docker_release(docker, spare);
	return mc_docker_result(r, error);
}
