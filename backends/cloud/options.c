/* SPDX-License-Identifier: MIT */
#include "backends/cloud/options.h"

#include "mcloud/region.h"

#include <stdlib.h>
#include <string.h>

/* A cloud's own copy of its options. */

static char *copy_option(const char *text)
{
	return text ? strdup(text) : NULL;
}

void mc_cloud_options_free(struct mc_cloud_options *options)
{
	free((char *)(uintptr_t)options->name);
	free((char *)(uintptr_t)options->engine);
	free((char *)(uintptr_t)options->socket);
	free((char *)(uintptr_t)options->base);
	free((char *)(uintptr_t)options->ldap_suffix);
	free((char *)(uintptr_t)options->domain);
	free((char *)(uintptr_t)options->state_dir);
	free((char *)(uintptr_t)options->release);
}

void mc_cloud_options_copy(struct mc_cloud_options *to, const struct mc_cloud_options *from)
{
	*to = *from;
	to->name = copy_option(from->name);
	to->engine = copy_option(from->engine);
	to->socket = copy_option(from->socket);
	to->base = copy_option(from->base);
	to->ldap_suffix = copy_option(from->ldap_suffix);
	to->domain = copy_option(from->domain);
	to->release = copy_option(from->release);
	to->state_dir = realpath(from->state_dir, NULL); /* as labels tell it, whatever links lead there */
	if (!to->state_dir)
		to->state_dir = copy_option(from->state_dir);
}
