/* SPDX-License-Identifier: MIT */
#include "backends/region/private.h"

#include <string.h>

/* What the database's own client programs do inside a slave's container: a copy of the master, and the end of a relay
 * log. */

#define OPTIONS "/run/mysqld/copy.cnf"

/* The programs' options, with the root password that all regions share: in a file, as others could see arguments and
 * environment. HOST: of the database that is copied. */
static int upload_options(
	struct mc_region *slave, const char *host, struct mc_call *call, const char *service, struct mc_error *error)
{
	struct mc_engine *engine = slave->cloud->engine;
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_secrets *secrets;
	struct mc_engine_file file = {.path = OPTIONS, .mode = 0600, .uid = MC_MYSQL_UID, .gid = MC_MYSQL_UID};
	int r = mc_cloud_secrets(slave->cloud, &secrets, error);

	if (r < 0)
		return r;
	/* the password is of hexadecimal digits, and a host's name has nothing to quote */
	mc_buffer_printf(&text, "[client]\nuser=root\npassword=%s\n[mysqldump]\nhost=%s\n[mysql]\nhost=127.0.0.1\n",
		mc_secrets_get(secrets, MC_SECRET_DB_ROOT), host);
	if (text.failed)
		return mc_error_set(error, ENOMEM, "out of memory");
	file.data = text.data;
	file.size = text.size;
	r = engine->ops->upload(engine, call, service, &file, 1, error);
	explicit_bzero(text.data, text.size);
	return r;
}

/* Runs SCRIPT, which reads and removes the options, in the slave's container; WHAT could not be done, if it fails. */
static int run(struct mc_region *slave, const char *host, struct mc_call *call, const char *script, const char *what,
	struct mc_error *error)
{
	const char *const argv[] = {"bash", "-c", script, NULL};
	struct mc_engine *engine = slave->cloud->engine;
	MC_CLEANUP(buffer) struct mc_buffer output = {0};
	char service[MC_SERVICE_NAME_MAX];
	int code = 0, r;

	mc_service_name(MC_DATABASE, slave->name, service);
	r = upload_options(slave, host, call, service, error);
	if (r == 0)
		r = engine->ops->run(engine, call, service, argv, &code, &output, error);
	if (r == 0 && code)
		r = mc_error_set(
			error, EIO, "%s %s: %.300s", service, what, output.size ? output.data : "no reason given");
	return r;
}

int mc_copy_load(struct mc_region *slave, struct mc_region *master, struct mc_call *call, struct mc_error *error)
{
	/* Loaded beside the slave's binary log: it is no transaction of the slave's own. */
	static const char script[] = "trap 'rm -f " OPTIONS "' EXIT; set -o pipefail\n"
				     "{ echo 'SET sql_log_bin = 0;'; mariadb-dump --defaults-file=" OPTIONS
				     " --single-transaction --gtid --master-data=1 --hex-blob --databases keystone; } |"
				     " mariadb --defaults-file=" OPTIONS;
	char host[MC_HOST_MAX];

	mc_service_host(master, MC_DATABASE, host);
	return run(slave, host, call, script, "could not be given a copy of the master's database", error);
}

int mc_copy_apply_received(struct mc_region *slave, struct mc_call *call, struct mc_error *error)
{
	/* Transactions keep their ids, so those that were applied are told apart. Two things are said that are no
	 * failures: that the log ends before ids of other domains that the position has, and, of a server that was
	 * killed, that its last event is not whole: what was not received to its end was acknowledged to nobody. */
	static const char script[] =
		"trap 'rm -f " OPTIONS " \"$said\"' EXIT; set -o pipefail; said=$(mktemp); cd /var/lib/mysql\n"
		"sql() { mariadb --defaults-file=" OPTIONS " \"$@\"; }\n"
		"logs=(relaylog.[0-9]*); [[ -e ${logs[0]} ]] || exit 0\n"
		"position=$(sql -Nse 'SELECT @@GLOBAL.gtid_slave_pos') || exit 1\n"
		"mariadb-binlog --no-defaults ${position:+\"--start-position=$position\"} \"${logs[@]}\" 2>\"$said\" | "
		"sql\n"
		"ended=(\"${PIPESTATUS[@]}\"); grep -v -e 'never reached expected GTID state' -e 'Could not read entry "
		"at offset' "
		"\"$said\" | grep ERROR && exit 1\n"
		"exit \"${ended[1]}\"";
	char host[MC_HOST_MAX];

	mc_service_host(slave, MC_DATABASE, host);
	return run(slave, host, call, script, "could not apply what it had received", error);
}
