/* SPDX-License-Identifier: MIT */
#include "backends/managed/holder.h"

#include "mcloud/error.h"
#include "mcloud/region.h"
#include "mcloud/state_dir.h"
#include "mcloud/util.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* STATE_DIR, and the name of the file in it. */
static int open_place(const struct mc_cloud_options *options, char name[static NAME_MAX + 1], struct mc_error *error)
{
	snprintf(name, NAME_MAX + 1, "%s.holder", options->name);
	return mc_state_open(options->state_dir, true, error);
}

int mc_holder_read(const struct mc_cloud_options *options, char ret_id[MC_HOLDER_ID + 1], struct mc_error *error)
{
	char name[NAME_MAX + 1], text[MC_HOLDER_ID + 2];
	int at = open_place(options, name, error), r;
	ssize_t n;

	if (at < 0)
		return at;
	n = mc_state_read(at, name, text, sizeof(text));
	close(at);
	if (n == MC_HOLDER_ID && strspn(text, "0123456789abcdef") == MC_HOLDER_ID) {
		memcpy(ret_id, text, MC_HOLDER_ID + 1);
		return 1;
	}
	if (n < 0 && n != -ENOENT && n != -EFBIG)
		return mc_error_errno(error, (int)-n, "can't read %s/%s", options->state_dir, name);
	r = mc_random_hex(ret_id, MC_HOLDER_ID / 2);
	return r < 0 ? mc_error_set(error, -r, "no random numbers") : 0;
}

int mc_holder_keep(const struct mc_cloud_options *options, const char *id, struct mc_error *error)
{
	char name[NAME_MAX + 1];
	int at = open_place(options, name, error), r;

	if (at < 0)
		return at;
	r = mc_state_write(at, name, id, strlen(id));
	close(at);
	return r < 0 ? mc_error_errno(error, -r, "can't write %s/%s", options->state_dir, name) : 0;
}

void mc_holder_forget(const struct mc_cloud_options *options)
{
	char name[NAME_MAX + 1];
	int at = open_place(options, name, NULL);

	if (at < 0)
		return;
	(void)mc_state_remove(at, name);
	close(at);
}
