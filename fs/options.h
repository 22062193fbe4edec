/* SPDX-License-Identifier: MIT */
#ifndef FS_OPTIONS_H
#define FS_OPTIONS_H

#include "mcloud/buffer.h"
#include "mcloud/error.h"

#include <stdbool.h>
#include <stdint.h>

/* The command line of the daemon: mcloudfs [-o OPTION[,OPTION…]] [-f] [-d] [SOURCE] MOUNTPOINT, as a user and as
 * mount.fuse3(8) write it; or mount.mcloudfs SOURCE MOUNTPOINT [-sfnv] [-o OPTION[,OPTION…]], as mount(8) does. */
struct mc_options {
	char *socket;       /* NULL: the engine's usual one */
	char *engine_certs; /* NULL: none */
	char *cloud, *engine, *base, *ldap_suffix, *domain, *state_dir;
	char *release;         /* NULL: the default */
	char *tls;             /* "on", "off"; NULL: as the cloud was made */
	char *attach, *clouds; /* the cloud of which file is shown; attach NULL: none, it is one that is made here; "":
				  the one that openstacksdk would take */
	char *cache;           /* NULL: no copies of images are kept */
	int64_t cache_size;    /* bytes */
	bool verify, read_only, replicates;
	unsigned spare;            /* so many regions to come have services that have loaded */
	bool nonempty;             /* what the mount point holds may be hidden */
	bool remount;              /* of a mount that is there */
	int ttl_ms, timeout_ms;    /* timeout_ms 0: not said */
	char *source, *mountpoint; /* source NULL: none was given */
	struct mc_buffer mount;    /* what the kernel and libfuse get, "ro,allow_other" */
	bool foreground, debug, help, version, print_tree;
	bool print_options, print_clouds; /* for the shells' completion */
	bool by_mount;                    /* called as mount.TYPE: the exit status is one of mount(8)'s */
	bool only_checks;                 /* mount -f: all but the mount itself */
	bool is_sloppy;                   /* mount -s: an unknown option is passed over */
	bool print_cloud;                 /* --print-cloud [NAME [REGION]]: in mountpoint, or source and mountpoint */
};

/* The defaults. 0 or -ENOMEM. */
int mc_options_init(struct mc_options *options);
void mc_options_clear(struct mc_options *options);

/* One -o string. A comma inside a value is written "\,"; that of an LDAP suffix need not be
 * ("ldap_suffix=dc=acme,dc=org"). -EINVAL with a sentence that a user understands. */
int mc_options_parse(struct mc_options *options, const char *text, struct mc_error *error);

/* The whole command line. One whose program is called mount.TYPE is mount(8)'s. */
int mc_options_command_line(struct mc_options *options, int argc, char **argv, struct mc_error *error);

/* Whether something is to be printed, and nothing mounted. */
bool mc_options_only_print(const struct mc_options *options);

/* A command line that mount(8) makes, "External helpers". */
int mc_options_mount_line(struct mc_options *options, int argc, char **argv, struct mc_error *error);

/* What --help prints. */
void mc_options_help(struct mc_buffer *out);

/* For the shells' completion, what may stand behind -o: name (with "=", where it has a value), words or a name for the
 * value, and help; between tabs, a line each. And what may stand in its place, which begins with "-". */
void mc_options_offer(struct mc_buffer *out);

#endif
