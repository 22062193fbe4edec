/* SPDX-License-Identifier: MIT */
#include "fs/print.h"

#include "fs/describe.h"
#include "fs/tree.h"
#include "mcloud/attached.h"
#include "mcloud/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --print-cloud: what the clouds' files and the environment come to, for tests and for whoever wonders. */
static int print_cloud(const struct mc_options *options, struct mc_buffer *text, struct mc_error *error)
{
	MC_CLEANUP(attached) struct mc_attached_config *config = NULL;
	const char *first = options->source, *second = options->mountpoint;
	const char *name = first ? first : second;
	const struct mc_attached_source source = {
		.cloud = name && *name ? name : NULL, .region = first ? second : NULL, .environment = environ};
	int r = mc_attached_load(&source, &config, error);

	return r < 0 ? r : mc_attached_print(config, text);
}

/* The clouds that were made here have a file with their secrets each, whose name ends so. */
static void print_made(const char *state_dir, struct mc_buffer *text)
{
	static const char end[] = ".json";
	struct dirent **entries = NULL;
	int count = scandir(state_dir, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		size_t length = strlen(name);
		if (length > strlen(end) && !strcmp(name + length - strlen(end), end))
			mc_buffer_printf(text, "cloud=%.*s\n", (int)(length - strlen(end)), name);
		free(entries[i]);
	}
	free(entries);
}

/* --print-clouds: those that can be mounted, as options. A file of clouds that is wrong is no reason to name none. */
static void print_clouds(const struct mc_options *options, struct mc_buffer *text)
{
	MC_CLEANUP(buffer) struct mc_buffer names = {0};
	const struct mc_attached_source source = {.clouds_file = options->clouds, .environment = environ};
	char *rest;

	print_made(options->state_dir, text);
	if (mc_attached_names(&source, &names, NULL) < 0 || !names.data)
		return;
	rest = names.data;
	for (char *name; (name = strsep(&rest, "\n")) && *name;)
		mc_buffer_printf(text, "attach=%s\n", name);
}

int mc_print(const struct mc_options *options, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	int r = 0;

	if (options->help)
		mc_options_help(&text);
	else if (options->version)
		mc_buffer_text(&text, "mcloudfs " MC_VERSION "\n");
	else if (options->print_cloud)
		r = print_cloud(options, &text, error);
	else if (options->print_clouds)
		print_clouds(options, &text);
	else if (options->print_options)
		mc_options_offer(&text);
	else
		mc_describe(options->attach ? &mc_tree_attached_root : &mc_tree_root, &text);
	if (r < 0 || text.failed)
		return r < 0 ? r : -ENOMEM;
	if (text.size && (fwrite(text.data, 1, text.size, stdout) != text.size || fflush(stdout)))
		return mc_error_errno(error, errno, "standard output can't be written");
	return 0;
}
