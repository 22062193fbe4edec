/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/copy.h"

#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/table.h"
#include "backends/recipes/recipe.h"
#include "mcloud/engine.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <string.h>

/* What the database's own client programs do inside a slave's container: a copy of the master, and the end of a relay
 * log. */

/* What each script begins with. Its options ($1) go with it, as do those that one left which was killed with its
 * container. One that an earlier daemon began may run still: that goes on to its end first. */
#define BEGIN                                                                                                          \
	"set -o pipefail; options=$1; said=$(mktemp) || exit 1; trap 'rm -f \"$options\" \"$said\"' EXIT\n"            \
	"find /run/mysqld -name 'copy-*.cnf' -mmin +10 -delete\n"                                                      \
	"exec 9>/run/mysqld/copy.lock && flock 9 || exit 1\n"

/* What goes to another database goes to that of the certificate. The own one is known by the container's loopback
 * address, which no certificate is for. */
static const char tls_options[] = "ssl-verify-server-cert=OFF\n[client]\nssl-ca=" MC_MYSQL_FOLDER "/" MC_CA_FILE
				  "\n[mysqldump]\nssl-verify-server-cert=ON\n";

/* The programs' options, with the root password that all regions share: in a file, as others could see arguments and
 * environment. HOST: of the database that is copied. */
static int upload_options(struct mc_region *slave, const char *host, struct mc_call *call, const char *service,
	const char *path, struct mc_error *error)
{
	struct mc_engine *engine = slave->cloud->engine;
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_secrets *secrets;
	struct mc_engine_file file = {.path = path, .mode = 0600, .uid = MC_MYSQL_UID, .gid = MC_MYSQL_UID};
	int r = mc_cloud_secrets(slave->cloud, &secrets, error);

	if (r < 0)
		return r;
	/* the password is of hexadecimal digits, and a host's name has nothing to quote */
	mc_buffer_printf(&text, "[client]\nuser=root\npassword=%s\n[mysqldump]\nhost=%s\n[mysql]\nhost=127.0.0.1\n",
		mc_secrets_get(secrets, MC_SECRET_DB_ROOT), host);
	if (mc_service_has_tls(slave->cloud, &mc_services[MC_DATABASE]))
		mc_buffer_text(&text, tls_options);
	if (text.failed)
		return mc_error_set(error, ENOMEM, "out of memory");
	file.data = text.data;
	file.size = text.size;
	r = engine->ops->upload(engine, call, service, &file, 1, error);
	explicit_bzero(text.data, text.size);
	return r;
}

/* Runs SCRIPT in the slave's container; WHAT could not be done, if it fails. */
static int run_copy_script(struct mc_region *slave, const char *host, struct mc_call *call, const char *script,
	const char *what, struct mc_error *error)
{
	char service[MC_SERVICE_NAME_MAX], number[2 * 8 + 1], path[64];
	const char *const argv[] = {"bash", "-c", script, "copy", path, NULL};
	struct mc_engine *engine = slave->cloud->engine;
	MC_CLEANUP(buffer) struct mc_buffer output = {0};
	int code = 0, r = mc_random_hex(number, 8);

	if (r < 0)
		return mc_error_set(error, -r, "no random number for the name of a file");
	snprintf(path, sizeof(path), "/run/mysqld/copy-%s.cnf", number);
	mc_service_name(&mc_services[MC_DATABASE], slave->name, service);
	r = upload_options(slave, host, call, service, path, error);
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
	static const char script[] =
		BEGIN "{ echo 'SET sql_log_bin = 0;'; mariadb-dump --defaults-file=\"$options\""
		      " --single-transaction --gtid --master-data=1 --hex-blob --databases keystone; } |"
		      " mariadb --defaults-file=\"$options\"";
	char host[MC_HOST_MAX];

	mc_service_host(master, &mc_services[MC_DATABASE], host);
	return run_copy_script(slave, host, call, script, "could not be given a copy of the master's database", error);
}

int mc_copy_apply_received(struct mc_region *slave, struct mc_call *call, struct mc_error *error)
{
	/* Transactions keep their ids, so those that were applied are told apart. Some things are said that are no
	 * failures: that the log ends before ids of other domains that the position has, and, of a server that was
	 * killed, that its last event, or the head of its last file, is not whole: what was not received to its end was
	 * acknowledged to nobody. A file that is not in the index yet is not the server's. */
	static const char script[] = BEGIN
		"sql() { mariadb --defaults-file=\"$options\" \"$@\"; }\n"
		"cd /var/lib/mysql || exit 1\n"
		"logs=(); [[ ! -e relaylog.index ]] || mapfile -t logs <relaylog.index\n"
		"for i in \"${!logs[@]}\"; do [[ -s ${logs[i]} ]] || unset \"logs[i]\"; done\n"
		"((${#logs[@]})) || exit 0\n"
		"position=$(sql -Nse 'SELECT @@GLOBAL.gtid_slave_pos') || exit 1\n"
		"mariadb-binlog --no-defaults ${position:+\"--start-position=$position\"} \"${logs[@]}\" "
		"2>\"$said\" | sql\n"
		"ended=(\"${PIPESTATUS[@]}\"); grep -v -e 'never reached expected GTID state' -e 'Event truncated' "
		"-e 'Could not read entry at offset' -e 'Failed reading header' \"$said\" | grep ERROR && exit 1\n"
		"exit \"${ended[1]}\"";
	char host[MC_HOST_MAX];

	mc_service_host(slave, &mc_services[MC_DATABASE], host);
	return run_copy_script(slave, host, call, script, "could not apply what it had received", error);
}
