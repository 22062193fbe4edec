/* SPDX-License-Identifier: MIT */
#include "fs/options.h"

#include "fs/nearest.h"
#include "mcloud/engine.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 16 * 1024, MAX_CLOUD = 32, MAX_SECONDS = 3600 };

enum option_type {
	OPTION_TEXT,    /* char *, malloc'd */
	OPTION_SECONDS, /* int, milliseconds */
	OPTION_SIZE,    /* int64_t, bytes */
	OPTION_COUNT,   /* unsigned */
	OPTION_SWITCH   /* bool, one of two words */
};

/* An option of ours is a row here and a member of struct mc_options. */
struct option {
	const char *name, *argument, *help;
	const char *standard; /* its value where none is given; NULL: none */
	enum option_type type;
	size_t member;                   /* its offset */
	bool (*fits)(const char *value); /* of texts */
	const char *wanted;              /* what is said of one that doesn't */
	double least;                    /* seconds */
	unsigned most;                   /* of a count */
	const char *words[2];            /* for false and true */
	bool is_optional;                /* its value may be left out, and is empty then */
};

static bool is_cloud(const char *value)
{
	size_t length = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length && !value[length] && length <= MAX_CLOUD && *value != '-';
}

static bool is_path(const char *value)
{
	return *value == '/';
}

/* 127.x.0.0: region n gets 127.x.n.1. */
static bool is_base(const char *value)
{
	struct in_addr address;

	return inet_pton(AF_INET, value, &address) == 1 && (ntohl(address.s_addr) & 0xff00ffff) == 0x7f000000;
}

static bool is_suffix(const char *value)
{
	return strchr(value, '=') && *value != '=' && *value != ',';
}

static bool is_on_or_off(const char *value)
{
	return !strcmp(value, "on") || !strcmp(value, "off");
}

static bool is_domain(const char *value)
{
	/* 64 characters is what Keystone takes for a domain's name. */
	return *value && strlen(value) <= 64 && !strpbrk(value, "/\n") && strcasecmp(value, "default") != 0;
}

#define TEXT(name) .type = OPTION_TEXT, .member = offsetof(struct mc_options, name)
#define SECONDS(name) .type = OPTION_SECONDS, .member = offsetof(struct mc_options, name)
#define SIZE(name) .type = OPTION_SIZE, .member = offsetof(struct mc_options, name)
#define COUNT(name) .type = OPTION_COUNT, .member = offsetof(struct mc_options, name)
#define SWITCH(name) .type = OPTION_SWITCH, .member = offsetof(struct mc_options, name)

/* clang-format off */
static const struct option ours[] = {
	{"cloud", "NAME", "name of the cloud (mcloud); several may live side by side", "mcloud", TEXT(cloud), .fits = is_cloud,
	 .wanted = "a cloud's name has small letters, digits and hyphens, 32 at most, and begins with no hyphen"},
	{"engine", "auto|docker|podman|swarm", "what runs the containers (auto: docker); swarm: the engines of all nodes of this one's Docker Swarm", "auto",
	 TEXT(engine), .fits = mc_engine_is_known, .wanted = "the engines are auto, docker, podman and swarm"},
	{"socket", "PATH", "the engine's API socket (/run/docker.sock; with engine=podman, /run/podman/podman.sock)", NULL, TEXT(socket), .fits = is_path,
	 .wanted = "an absolute path is needed"},
	{"engine_certs", "PATH", "a directory with the ca.pem, cert.pem and key.pem by which the engines of other nodes are reached", NULL, TEXT(engine_certs),
	 .fits = is_path, .wanted = "an absolute path is needed"},
	{"base", "127.N.0.0", "where its loopback addresses begin (127.77.0.0): region n has 127.77.n.1", "127.77.0.0", TEXT(base),
	 .fits = is_base, .wanted = "an address 127.N.0.0 is needed"},
	{"ldap_suffix", "DN", "suffix of its LDAP directory (dc=acme,dc=org)", "dc=acme,dc=org", TEXT(ldap_suffix), .fits = is_suffix,
	 .wanted = "a DN is needed, such as dc=acme,dc=org"},
	{"domain", "NAME", "the domain whose users and groups are in that directory (acme)", "acme", TEXT(domain), .fits = is_domain,
	 .wanted = "a domain's name has 1 to 64 characters without slashes, and isn't Default"},
	{"verify", "on|off", "check images that are read as a whole against their hash (on)", "on", SWITCH(verify), .words = {"off", "on"}},
	{"cache", "PATH", "a directory in which copies of the images that are read are kept, for later reads (none)", NULL, TEXT(cache),
	 .fits = is_path, .wanted = "an absolute path is needed"},
	{"cache_size", "SIZE", "how much room these may take, in bytes, or with K, M, G or T (10G)", "10G", SIZE(cache_size)},
	{"ttl", "SECONDS", "how old an answer of a service may be that is shown (1)", "1", SECONDS(ttl_ms), .least = 0},
	{"timeout", "SECONDS", "how long a service may take for an answer (10, or api_timeout of clouds.yaml)", NULL, SECONDS(timeout_ms),
	 .least = 0.1},
	{"state_dir", "PATH", "where its secrets, facts and data are kept (/var/lib/mcloudfs)", "/var/lib/mcloudfs", TEXT(state_dir),
	 .fits = is_path, .wanted = "an absolute path is needed"},
	{"release", "NAME", "the release of OpenStack that a new cloud runs; its images are made by `" MC_IMAGES_COMMAND " NAME`", NULL, TEXT(release)},
	{"tls", "on|off", "whether a new cloud has TLS, with a CA of its own: ca.pem (off)", NULL,
	 TEXT(tls), .fits = is_on_or_off, .wanted = "on or off is needed"},
	{"attach", "[NAME]", "show a cloud that is there already: the one of that name in clouds.yaml, or $OS_CLOUD", NULL,
	 TEXT(attach), .is_optional = true},
	{"clouds", "FILE", "the clouds.yaml that is meant (found as openstacksdk finds it)", NULL, TEXT(clouds), .fits = is_path,
	 .wanted = "an absolute path is needed"},
	{"replicate", "manual|auto", "whether a new slave waits for `echo start > replication/ctl` (manual), or begins at once", "manual",
	 SWITCH(replicates), .words = {"manual", "auto"}},
	{"spare", "N", "so many regions to come find a Keystone and a Glance that have loaded (0); each takes some 200 MB", "0", COUNT(spare), .most = 16},
};
/* clang-format on */

static int bad_option_value(const struct option *option, const char *value, const char *wanted, struct mc_error *error)
{
	return mc_error_set(error, EINVAL, "%s=%.100s: %s", option->name, value, wanted);
}

static void *option_member(struct mc_options *options, const struct option *option)
{
	return (char *)options + option->member;
}

static int set_text_option(char **member, const char *value, struct mc_error *error)
{
	char *copy = strdup(value);

	if (!copy)
		return mc_error_set(error, ENOMEM, "out of memory");
	free(*member);
	*member = copy;
	return 0;
}

static int set_seconds_option(int *ret_ms, const struct option *option, const char *value, struct mc_error *error)
{
	char *end = NULL, wanted[64];
	double seconds = isdigit((unsigned char)*value) ? strtod(value, &end) : -1;

	if (!end || *end || value[strspn(value, "0123456789.")] || seconds < option->least || seconds > MAX_SECONDS) {
		snprintf(wanted, sizeof wanted, "%g to %d seconds are possible", option->least, MAX_SECONDS);
		return bad_option_value(option, value, wanted, error);
	}
	*ret_ms = (int)(seconds * 1000 + 0.5);
	return 0;
}

/* Digits, and perhaps a unit of 1,024 or its powers. */
static int set_size_option(int64_t *ret_bytes, const struct option *option, const char *value, struct mc_error *error)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(value, "0123456789");
	const char *unit = value[digits] ? strchr(units, toupper((unsigned char)value[digits])) : NULL;
	int64_t bytes = digits > 0 && digits <= 12 ? strtoll(value, NULL, 10) : 0;
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;

	if (bytes <= 0 || (value[digits] && (!unit || value[digits + 1])) || bytes > INT64_MAX >> shift)
		return bad_option_value(option, value, "a size is needed, such as 500M or 10G", error);
	*ret_bytes = bytes << shift;
	return 0;
}

static int set_count_option(unsigned *ret_count, const struct option *option, const char *value, struct mc_error *error)
{
	char wanted[64];
	unsigned long count = strtoul(value, NULL, 10);

	if (!*value || value[strspn(value, "0123456789")] || strlen(value) > 4 || count > option->most) {
		snprintf(wanted, sizeof(wanted), "a number up to %u is needed", option->most);
		return bad_option_value(option, value, wanted, error);
	}
	*ret_count = (unsigned)count;
	return 0;
}

static int set_switch_option(bool *ret_switch, const struct option *option, const char *value, struct mc_error *error)
{
	char wanted[64];

	for (size_t i = 0; i < MC_COUNT(option->words); i++)
		if (!strcmp(value, option->words[i])) {
			*ret_switch = i == 1;
			return 0;
		}
	snprintf(wanted, sizeof(wanted), "%s or %s is needed", option->words[1], option->words[0]);
	return bad_option_value(option, value, wanted, error);
}

static int set_option(
	struct mc_options *options, const struct option *option, const char *value, struct mc_error *error)
{
	if (option->fits && !option->fits(value))
		return bad_option_value(option, value, option->wanted, error);
	switch (option->type) {
	case OPTION_TEXT:
		return set_text_option(option_member(options, option), value, error);
	case OPTION_SECONDS:
		return set_seconds_option(option_member(options, option), option, value, error);
	case OPTION_SIZE:
		return set_size_option(option_member(options, option), option, value, error);
	case OPTION_COUNT:
		return set_count_option(option_member(options, option), option, value, error);
	case OPTION_SWITCH:
		return set_switch_option(option_member(options, option), option, value, error);
	}
	return 0;
}

/* What goes on to libfuse and the kernel: mount(8), fuse(8). */
static const char *const passed[] = {"ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "async", "sync",
	"dirsync", "noatime", "nodiratime", "allow_other", "auto_unmount",
	"max_read=", "context=", "fscontext=", "defcontext=", "rootcontext="};

/* What is for mount(8), fstab(5) and systemd.mount(5), or is the case anyway. */
static const char *const skipped[] = {"defaults", "auto", "noauto", "nofail", "user", "nouser", "users", "owner",
	"group", "_netdev", "loud", "silent", "atime", "diratime", "relatime", "strictatime", "default_permissions",
	"comment=", "x-", "X-", "subtype=mcloudfs", "user_id=", "group_id="};

/* Whether TEXT is in LIST; items that end with "=" or "-" are beginnings. */
static bool option_is_listed(const char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(list[i]);
		bool begins = list[i][length - 1] == '=' || list[i][length - 1] == '-';
		if (begins ? !strncmp(list[i], text, length) : !strcmp(list[i], text))
			return true;
	}
	return false;
}

int mc_options_init(struct mc_options *options)
{
	int result = 0;

	*options = (struct mc_options){0};
	for (size_t i = 0; i < MC_COUNT(ours) && result == 0; i++)
		if (ours[i].standard)
			result = set_option(options, &ours[i], ours[i].standard, NULL);
	if (result < 0)
		mc_options_clear(options);
	return result;
}

void mc_options_clear(struct mc_options *options)
{
	for (size_t i = 0; i < MC_COUNT(ours); i++)
		if (ours[i].type == OPTION_TEXT)
			free(*(char **)option_member(options, &ours[i]));
	free(options->source);
	free(options->mountpoint);
	mc_buffer_free(&options->mount);
	*options = (struct mc_options){0};
}

/* Adds TEXT to what libfuse gets, which splits at commas again. */
static int pass(struct mc_options *options, const char *text, struct mc_error *error)
{
	if (options->mount.size)
		mc_buffer_text(&options->mount, ",");
	for (; *text; text++) {
		if (*text == ',' || *text == '\\')
			mc_buffer_text(&options->mount, "\\");
		mc_buffer_add(&options->mount, text, 1);
	}
	return options->mount.failed ? mc_error_set(error, ENOMEM, "out of memory") : 0;
}

/* Whether TEXT is one of the words that are switches, which it turns on. */
static bool take_switch(struct mc_options *options, const char *text)
{
	bool *member = !strcmp(text, "nonempty")  ? &options->nonempty
		       : !strcmp(text, "remount") ? &options->remount
						  : NULL;

	if (!strcmp(text, "ro") || !strcmp(text, "rw"))
		options->read_only = text[1] == 'o';
	if (member)
		*member = true;
	return member;
}

/* The first LENGTH bytes of TEXT are the option's name. */
static int unknown_option(const char *text, size_t length, struct mc_error *error)
{
	struct mc_nearest nearest = mc_nearest_begin(text, length);

	for (size_t i = 0; i < MC_COUNT(ours); i++)
		mc_nearest_try(&nearest, ours[i].name, strlen(ours[i].name));
	for (size_t i = 0; i < MC_COUNT(passed); i++)
		mc_nearest_try(&nearest, passed[i], strcspn(passed[i], "="));
	for (size_t i = 0; i < MC_COUNT(skipped); i++)
		mc_nearest_try(&nearest, skipped[i], strcspn(skipped[i], "="));
	if (nearest.name)
		return mc_error_set(error, EINVAL, "unknown option \"%.100s\": did you mean %.*s?", text,
			(int)strcspn(nearest.name, "="), nearest.name);
	return mc_error_set(error, EINVAL, "unknown option \"%.100s\": mcloudfs --help lists those there are", text);
}

static int parse_one(struct mc_options *options, const char *text, struct mc_error *error)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);

	for (size_t i = 0; i < MC_COUNT(ours); i++) {
		if (strlen(ours[i].name) != length || strncmp(ours[i].name, text, length) != 0)
			continue;
		if ((!equals || !equals[1]) && !ours[i].is_optional)
			return mc_error_set(error, EINVAL, "option %s needs a value: %s=%s", ours[i].name, ours[i].name,
				ours[i].argument);
		return set_option(options, &ours[i], equals ? equals + 1 : "", error);
	}
	if (!strncmp(text, "fsname=", 7)) {
		free(options->source);
		options->source = strdup(text + 7);
		return options->source ? 0 : mc_error_set(error, ENOMEM, "out of memory");
	}
	if (take_switch(options, text))
		return 0;
	if (option_is_listed(passed, MC_COUNT(passed), text))
		return pass(options, text, error);
	if (option_is_listed(skipped, MC_COUNT(skipped), text) || options->is_sloppy)
		return 0;
	return unknown_option(text, length, error);
}

/* Whether the option at TEXT goes on with the DN before it. */
static bool continues_dn(const char *text)
{
	static const char *const attributes[] = {"dc=", "ou=", "o=", "c=", "l=", "st=", "cn="};

	return option_is_listed(attributes, MC_COUNT(attributes), text);
}

/* Takes the next option off *TEXT: unescaped, malloc'd. NULL: out of memory. */
static char *next_option(const char **text)
{
	char *option = malloc(strlen(*text) + 1);
	size_t size = 0;
	const char *from = *text;

	if (!option)
		return NULL;
	for (; *from; from++) {
		bool goes_on =
			*from == ',' && size > 12 && !strncmp(option, "ldap_suffix=", 12) && continues_dn(from + 1);
		if (*from == ',' && !goes_on)
			break;
		/* A backslash makes the next character an ordinary one; in a DN it stays, but for a comma. */
		if (*from == '\\' && (from[1] == ',' || from[1] == '\\'))
			from++;
		option[size++] = *from;
	}
	option[size] = '\0';
	*text = *from ? from + 1 : from;
	return option;
}

int mc_options_parse(struct mc_options *options, const char *text, struct mc_error *error)
{
	if (strlen(text) > MAX_OPTIONS)
		return mc_error_set(error, EINVAL, "the options are longer than %d characters", MAX_OPTIONS);
	while (*text) {
		MC_CLEANUP(free_pointer) char *option = next_option(&text);
		if (!option)
			return mc_error_set(error, ENOMEM, "out of memory");
		int result = *option ? parse_one(options, option, error) : 0;
		if (result < 0)
			return result;
	}
	return 0;
}

/* Those without a value, and what isn't behind -o. */
static const struct {
	const char *name, *help;
} others[] = {
	{"allow_other", "other users may enter; secrets stay yours"},
	{"ro", "nothing can be changed"},
	{"nonempty", "what the mount point holds may be hidden"},
	{"-o", "options, as above; commas between them"},
	{"-f", "stay in the foreground"},
	{"-d", "the same, and tell what the kernel asks"},
	{"--print-tree", "print each path a mount can show, and exit"},
	{"--help", "print this, and exit"},
	{"--version", "print the version, and exit"},
};

static bool has_help(const char *name)
{
	bool found = false;

	for (size_t i = 0; i < MC_COUNT(others) && !found; i++)
		found = !strcmp(others[i].name, name);
	return found;
}

void mc_options_help(struct mc_buffer *out)
{
	mc_buffer_text(out, "Usage: mcloudfs [-o OPTION[,OPTION...]] [-f] [-d] MOUNTPOINT\n"
			    "\n"
			    "Shows a small OpenStack cloud as a filesystem. In the mounted directory,\n"
			    "  mkdir regions/Kista            starts a region: its own Keystone, Glance and database\n"
			    "  cat regions/Kista/progress     watches it start\n"
			    "  cat regions/Kista/catalog      shows what it offers\n"
			    "  cat README                     says what all the other files are\n"
			    "  cat errors                     says why something failed\n"
			    "Unmounting (umount MOUNTPOINT) leaves the cloud running; mounting again finds it.\n"
			    "\n"
			    "Options, with their defaults:\n");
	for (size_t i = 0; i < MC_COUNT(ours); i++) {
		int width = 24 - (int)strlen(ours[i].name) - 1;
		mc_buffer_printf(
			out, "  -o %s=%-*s %s\n", ours[i].name, width > 0 ? width : 0, ours[i].argument, ours[i].help);
	}
	for (size_t i = 0; i < MC_COUNT(others); i++)
		mc_buffer_printf(out, "  %s%-*s %s\n", *others[i].name == '-' ? "" : "-o ",
			*others[i].name == '-' ? 27 : 24, others[i].name, others[i].help);
	mc_buffer_text(out,
		"\n"
		"An attached cloud is logged in to by password, token, application credential "
		"(v3applicationcredential),\n"
		"v3totp or v3multifactor. OIDC, SAML, Kerberos and OAuth (v3oidc..., v3saml..., v3kerberos, "
		"v3oauth...) can't be\n"
		"used yet: make an application credential with a client that has them, and attach by that.\n"
		"\n"
		"Also: mount -t mcloudfs mcloud MOUNTPOINT -o OPTION..., and lines of /etc/fstab like\n"
		"  mcloud /mnt/mcloud mcloudfs cloud=mcloud,allow_other 0 0\n");
}

void mc_options_offer(struct mc_buffer *out)
{
	for (size_t i = 0; i < MC_COUNT(ours); i++)
		mc_buffer_printf(out, "%s=\t%s\t%s\n", ours[i].name, ours[i].argument, ours[i].help);
	for (size_t i = 0; i < MC_COUNT(others); i++)
		mc_buffer_printf(out, "%s\t\t%s\n", others[i].name, others[i].help);
	for (size_t i = 0; i < MC_COUNT(passed); i++)
		if (!has_help(passed[i]))
			mc_buffer_printf(out, "%s\t\t\n", passed[i]);
}
