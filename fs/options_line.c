/* SPDX-License-Identifier: MIT */
#include "fs/options.h"

#include "fs/nearest.h"

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

/* Of the flags that there are, *RET_NEAREST is what WORD may mean. */
static bool take_flag(struct mc_options *options, const char *word, const char **ret_nearest)
{
	struct mc_nearest nearest = mc_nearest_begin(word, strlen(word));
	const struct {
		const char *name, *short_name;
		bool *flag;
	} flags[] = {
		{"--help", "-h", &options->help},
		{"--version", "-V", &options->version},
		{"--print-tree", NULL, &options->print_tree},
		{"--print-cloud", NULL, &options->print_cloud},
		{"--print-clouds", NULL, &options->print_clouds},
		{"--print-options", NULL, &options->print_options},
		{"--foreground", "-f", &options->foreground},
		{"--debug", "-d", &options->debug},
	};

	for (size_t i = 0; i < MC_COUNT(flags); i++) {
		mc_nearest_try(&nearest, flags[i].name, strlen(flags[i].name));
		if (strcmp(word, flags[i].name) != 0 &&
			(!flags[i].short_name || strcmp(word, flags[i].short_name) != 0))
			continue;
		*flags[i].flag = true;
		return true;
	}
	*ret_nearest = nearest.name;
	return false;
}

static int unknown_argument(const char *word, const char *nearest, struct mc_error *error)
{
	if (nearest)
		return mc_error_set(error, EINVAL, "unknown argument \"%.100s\": did you mean %s?", word, nearest);
	return mc_error_set(error, EINVAL, "unknown argument \"%.100s\": mcloudfs --help lists those there are", word);
}

/* Whether mount(8) has called the program, as mount.TYPE. What only prints is asked by people. */
static bool is_called_by_mount(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL, *name = slash      ? slash + 1
									     : argc > 0 ? argv[0]
											: "";

	return !strncmp(name, "mount.", 6) && !(argc == 2 && !strncmp(argv[1], "--", 2));
}

bool mc_options_only_print(const struct mc_options *options)
{
	return options->help || options->version || options->print_tree || options->print_cloud ||
	       options->print_clouds || options->print_options;
}

int mc_options_command_line(struct mc_options *options, int argc, char **argv, struct mc_error *error)
{
	const char *nearest = NULL;
	bool only_words = false;
	int result = 0;

	if (is_called_by_mount(argc, argv))
		return mc_options_mount_line(options, argc, argv, error);
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
		} else if (!take_flag(options, word, &nearest)) {
			result = unknown_argument(word, nearest, error);
		}
	}
	if (result < 0 || mc_options_only_print(options))
		return result;
	options->foreground |= options->debug;
	if (!options->mountpoint)
		return mc_error_set(error, EINVAL,
			"where to? mcloudfs [-o OPTION[,OPTION...]] MOUNTPOINT; mcloudfs --help says more");
	return 0;
}
