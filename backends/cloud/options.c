/* SPDX-License-Identifier: MIT */
#include "backends/cloud/options.h"

#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdlib.h>

/* A cloud's own copy of its options. */

void mc_cloud_options_free(struct mc_cloud_options *options)
{
	free((char *)(uintptr_t)options->name);
	free((char *)(uintptr_t)options->engine);
	free((char *)(uintptr_t)options->socket);
	free((char *)(uintptr_t)options->engine_certs);
	free((char *)(uintptr_t)options->base);
	free((char *)(uintptr_t)options->ldap_suffix);
	free((char *)(uintptr_t)options->domain);
	free((char *)(uintptr_t)options->state_dir);
	free((char *)(uintptr_t)options->release);
	free((char *)(uintptr_t)options->tls);
}

int mc_cloud_options_copy(struct mc_cloud_options *to, const struct mc_cloud_options *from)
{
	bool failed = false;

	*to = *from;
	to->name = mc_copy_text(from->name, &failed);
	to->engine = mc_copy_text(from->engine, &failed);
	to->socket = mc_copy_text(from->socket, &failed);
	to->engine_certs = mc_copy_text(from->engine_certs, &failed);
	to->base = mc_copy_text(from->base, &failed);
	to->ldap_suffix = mc_copy_text(from->ldap_suffix, &failed);
	to->domain = mc_copy_text(from->domain, &failed);
	to->tls = mc_copy_text(from->tls, &failed);
	to->release = mc_copy_text(from->release, &failed);
	to->state_dir = realpath(from->state_dir, NULL); /* as labels tell it, whatever links lead there */
	if (!to->state_dir)
		to->state_dir = mc_copy_text(from->state_dir, &failed);
	return failed ? -ENOMEM : 0;
}
