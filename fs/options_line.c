/* SPDX-License-Identifier: MIT */
#include "fs/options.h"

#include <stdlib.h>
#include <string.h>

/* The words of the command line. Options may come before and after the directories, as mount.fuse3 writes them. */

static int take_word(struct mc_options *options, const char *word, struct mc_error *error)
{
	char **to = options->mountpoint ? NULL : &options->mountpoint;

	/* The first of two is the source, the second the mount point. */
	if (!to && !options->source) {
		options->source = mc_steal(&options->mountpoint);
		to = &options->mountpoint;
	}
	if (!to)
		return mc_error_set(
			error, EINVAL, "\"%.100s\" is one word too many: a mount point is all that is needed", word);
	*to = strdup(word);
	return *to ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

static bool take_flag(struct mc_options *options, const char *word)
{
	const struct {
		const char *name, *short_name;
		bool *flag;
	} flags[] = {
		{"--help", "-h", &options->help},
		{"--version", "-V", &options->version},
		{"--print-tree", NULL, &options->print_tree},
		{"--print-cloud", NULL, &options->print_cloud},
		{"--foreground", "-f", &options->foreground},
		{"--debug", "-d", &options->debug},
	};

	for (size_t i = 0; i < MC_COUNT(flags); i++) {
		if (strcmp(word, flags[i].name) != 0 &&
			(!flags[i].short_name || strcmp(word, flags[i].short_name) != 0))
			continue;
		*flags[i].flag = true;
		return true;
	}
	return false;
}

int mc_options_command_line(struct mc_options *options, int argc, char **argv, struct mc_error *error)
{
	bool only_words = false;
	int result = 0;

	for (int i = 1; i < argc && result == 0; i++) {
		const char *word = argv[i];
		if (only_words || *word != '-' || !word[1]) {
			result = take_word(options, word, error);
		} else if (!strcmp(word, "--")) {
			only_words = true;
		} else if (!strncmp(word, "-o", 2)) {
			if (!word[2] && i + 1 == argc)
				return mc_error_set(error, EINVAL, "-o needs options behind it");
			result = mc_options_parse(options, word[2] ? word + 2 : argv[++i], error);
		} else if (!take_flag(options, word)) {
			result = mc_error_set(error, EINVAL,
				"unknown argument \"%.100s\": mcloudfs --help lists those there are", word);
		}
	}
	if (result < 0 || options->help || options->version || options->print_tree || options->print_cloud)
		return result;
	options->foreground |= options->debug;
	if (!options->mountpoint)
		return mc_error_set(error, EINVAL,
			"where to? mcloudfs [-o OPTION[,OPTION...]] MOUNTPOINT; mcloudfs --help says more");
	return 0;
}
