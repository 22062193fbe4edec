/* SPDX-License-Identifier: MIT */
#include "backends/attached/attachment.h"
#include "backends/cloud/model.h"
#include "backends/openstack/login/login.h"
#include "mcloud/lock.h"

#include <stdlib.h>
#include <string.h>

/* The files of clouds under a running mount: whoever changes a password there is logged in with it. */

static void note_file(const char *path, struct stat *seen)
{
	if (stat(path, seen) < 0)
		*seen = (struct stat){0};
}

int mc_attachment_note_files(struct mc_attachment *attachment)
{
	const struct mc_attached_config *config = attachment->config;

	attachment->seen = calloc(config->n_files + 1, sizeof(*attachment->seen));
	for (size_t i = 0; attachment->seen && i < config->n_files; i++)
		note_file(config->files[i], &attachment->seen[i]);
	return attachment->seen ? 0 : -ENOMEM;
}

/* Whether a file isn't what it was when this was asked last. */
static bool files_have_changed(struct mc_attachment *attachment)
{
	MC_HOLD(&attachment->cloud->facts);
	bool changed = false;

	for (size_t i = 0; i < attachment->config->n_files; i++) {
		struct stat now, *seen = &attachment->seen[i];
		note_file(attachment->config->files[i], &now);
		changed |= now.st_ino != seen->st_ino || now.st_size != seen->st_size ||
			   now.st_mtim.tv_sec != seen->st_mtim.tv_sec || now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec;
		*seen = now;
	}
	return changed;
}

/* A file that makes no sense may be half written: the login goes on with what there is, and `errors` says why. */
int mc_attachment_reload(void *data, bool refused, struct mc_login *login, struct mc_error *error)
{
	struct mc_attachment *attachment = data;
	MC_CLEANUP(attached) struct mc_attached_config *config = NULL;
	struct mc_error reason = {0};

	(void)refused, (void)error;
	if (!files_have_changed(attachment))
		return 0;
	if (mc_attached_load(&attachment->source, &config, &reason) < 0) {
		mc_error_context(&reason, "the cloud's files have changed, and are not used");
		mc_cloud_fail(attachment->cloud, NULL, &reason);
		return 0;
	}
	/* A secret goes to whom it is for. */
	if (strcmp(config->cloud, attachment->config->cloud) != 0 ||
		strcmp(config->auth.auth_url, attachment->config->auth.auth_url) != 0) {
		mc_error_set(
			&reason, EINVAL, "the cloud's files name another cloud, or another auth_url: mount that anew");
		mc_cloud_fail(attachment->cloud, NULL, &reason);
		return 0;
	}
	const struct mc_credentials credentials = mc_attached_credentials(&config->auth);
	return mc_login_change(login, &credentials) < 0 ? -ENOMEM : 0;
}
