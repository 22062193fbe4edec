/* SPDX-License-Identifier: MIT */
#include "fs/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* mount.mcloudfs and mount.fuse.mcloudfs, which mount(8) calls: TYPE in its fstab is what comes behind the first dot.
 */

static int take_flag(struct mc_options *options, int flag, struct mc_error *error)
{
	switch (flag) {
	case 'o':
		return mc_options_parse(options, optarg, error);
	case 's':
		options->is_sloppy = true;
		return 0;
	case 'f':
		options->only_checks = true;
		return 0;
	case 'n': /* there is no mtab */
	case 'v':
	case 't': /* what it was called by says that already */
		return 0;
	case 'N':
		return mc_error_set(error, EINVAL,
			"a cloud can't be mounted in another namespace by -N: nsenter --mount=%.100s mount ... does it",
			optarg);
	default:
		return mc_error_set(error, EINVAL,
			"-%c is none of the options that mount(8) gives: mount.mcloudfs SOURCE MOUNTPOINT [-sfnv] "
			"[-o OPTION[,OPTION...]]",
			optopt);
	}
}

/* -s holds for all of -o, wherever it stands. */
static bool has_sloppy(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "-s"))
			return true;
	return false;
}

int mc_options_mount_line(struct mc_options *options, int argc, char **argv, struct mc_error *error)
{
	int flag, result = 0;

	options->by_mount = true;
	options->is_sloppy = has_sloppy(argc, argv);
	optind = 0; /* getopt(3) begins anew */
	opterr = 0;
	while (result == 0 && (flag = getopt(argc, argv, "sfnvo:t:N:")) != -1)
		result = take_flag(options, flag, error);
	if (result < 0)
		return result;
	if (argc - optind != 2)
		return mc_error_set(error, EINVAL,
			"a source and a mount point are needed: mount.mcloudfs SOURCE MOUNTPOINT [-sfnv] [-o "
			"OPTION[,OPTION...]]");
	free(options->source);
	options->source = strdup(argv[optind]);
	options->mountpoint = strdup(argv[optind + 1]);
	return options->source && options->mountpoint ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}
