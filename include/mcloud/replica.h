/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_REPLICA_H
#define MCLOUD_REPLICA_H

#include "mcloud/buffer.h"
#include "mcloud/database.h"

/* Replication between two regions' databases, by MariaDB's global transaction ids.
 * https://mariadb.com/kb/en/gtid/ */

/* A GTID position is text, "1-1-34,2-2-5": for each domain the last transaction, as domain, server and sequence number.
 * "" is the beginning. */
#define MC_GTID_MAX 1024

/* Whether POSITION has all that OTHER has: 1 or 0, or -EINVAL when one of them is no position. Servers are no part of
 * the order (gtid_strict_mode), but one number of two servers is two transactions. */
int mc_gtid_covers(const char *position, const char *other);
/* All that one of the two has; -EINVAL: one is no position, or both together are too long for one. */
int mc_gtid_merge(const char *position, const char *other, char ret_both[MC_GTID_MAX]);
/* So much of POSITION as OTHER has, too; -EINVAL likewise. */
int mc_gtid_within(const char *position, const char *other, char ret_part[MC_GTID_MAX]);

/* The same, and all of those domains of which OTHER has nothing. */
int mc_gtid_cut(const char *position, const char *other, char ret_part[MC_GTID_MAX]);
/* What POSITION has of one domain; "": nothing. */
int mc_gtid_of(const char *position, unsigned domain, char ret_part[MC_GTID_MAX]);
/* How many transactions POSITION has of all domains together, by their numbers; -EINVAL: it is no position. */
int mc_gtid_total(const char *position, uint64_t *ret_total);

/* Whether a statement of the binary log ("use `keystone`; OPTIMIZE TABLE `user`") changes no row of no table. */
bool mc_statement_is_maintenance(const char *statement);
/* Whether all that the database has written under DOMAIN beyond KNOWN, a position, is such. Reads its binary log, which
 * waits for commits: not of a master in semisync. */
int mc_database_maintenance(struct mc_database *database, struct mc_call *call, unsigned domain, const char *known,
	bool *ret_is_maintenance, struct mc_error *error);

enum mc_gtid_kind {
	MC_GTID_WRITTEN, /* all that the database has in its binary log */
	MC_GTID_APPLIED, /* what it has applied of its master's */
	MC_GTID_OLDEST,  /* the binary log begins behind this; "": at the beginning of all */
};

/* *RET_POSITION is malloc'd. */
int mc_database_position(struct mc_database *database, struct mc_call *call, enum mc_gtid_kind kind,
	char **ret_position, struct mc_error *error);

/* MariaDB's CR_SSL_CONNECTION_ERROR, of a slave: its master shows no certificate that it believes. */
#define MC_REPLICA_UNTRUSTED 2026

/* What the database says of itself as a slave (SHOW SLAVE STATUS). */
enum mc_replica_thread { MC_REPLICA_NO, MC_REPLICA_CONNECTING, MC_REPLICA_YES };
struct mc_replica_status {
	bool is_configured;                       /* it has a master, whether it follows it or not */
	enum mc_replica_thread receiver, applier; /* "IO" and "SQL" */
	unsigned error;                           /* of MariaDB; 0: none */
	char message[512];                        /* the last error; "": none */
	double seconds_behind;                    /* of whole seconds; negative: not known */
	char master_host[256], received[MC_GTID_MAX];
};

int mc_database_replica_status(struct mc_database *database, struct mc_call *call, struct mc_replica_status *ret_status,
	struct mc_error *error);
/* The answer of a slave to SHOW SLAVE STATUS, or where a master's binary log stands, as JSON. *RET_JSON is malloc'd. */
int mc_database_replica_json(
	struct mc_database *database, struct mc_call *call, bool is_master, char **ret_json, struct mc_error *error);

/* The account of slave NUMBER in the database that is to be its master, with that password from now on. NEEDS_TLS: it
 * can be used by TLS only. */
int mc_database_put_replica_user(struct mc_database *database, struct mc_call *call, unsigned number,
	const char *password, bool needs_tls, struct mc_error *error);
int mc_database_drop_replica_user(
	struct mc_database *database, struct mc_call *call, unsigned number, struct mc_error *error);

/* Where a slave gets what it lacks. */
struct mc_replica_source {
	const char *host; /* of the master, as the slave knows it */
	unsigned short port;
	const char *password; /* of the slave's account there */
	/* In the slave's own files, the CA's certificate, of which HOST has to show one; NULL: without TLS. */
	const char *ca_file;
};

/* From now on the database, slave NUMBER, gets what it lacks from SOURCE; its threads are left stopped. */
int mc_database_follow(struct mc_database *database, struct mc_call *call, unsigned number,
	const struct mc_replica_source *source, struct mc_error *error);

enum mc_replica_action {
	MC_REPLICA_START,
	MC_REPLICA_STOP,
	MC_REPLICA_RECONNECT, /* the receiver only */
	MC_REPLICA_SHUT,      /* Keystone is kept out, whatever it was reading */
	MC_REPLICA_OPEN,      /* and let in again */
	MC_REPLICA_FORGET,    /* the master, all positions and its own binary log: for a new copy */
	MC_REPLICA_ADOPT,     /* after a new copy: its binary log begins where the copy was taken */
	MC_REPLICA_DEAFEN,    /* the receiver stops; what it has received is still applied */
	MC_REPLICA_LEAVE,     /* it has no master any more, and keeps what it has */
	MC_REPLICA_DEMOTE,    /* what it has written as a master counts as applied */
};
int mc_database_replica_act(
	struct mc_database *database, struct mc_call *call, enum mc_replica_action action, struct mc_error *error);

/* Its own writes count as applied, as far as the master that it is to follow has it, too (AT_MASTER): the rest,
 * of maintenance, would be asked of that one in vain. */
int mc_database_demote(
	struct mc_database *database, struct mc_call *call, const char *at_master, struct mc_error *error);

/* From now on no account but root's can write, and what was being written is either done or undone; whoever was
 * connected as Keystone is sent away. -EBUSY: a commit has not come to its end within 3 seconds, as it waits for a
 * slave, and the database takes writes as before. */
int mc_database_fence(struct mc_database *database, struct mc_call *call, struct mc_error *error);
/* Lets them write again. */
int mc_database_unfence(struct mc_database *database, struct mc_call *call, struct mc_error *error);
/* Whether it takes no writes: 1 or 0. */
int mc_database_is_fenced(struct mc_database *database, struct mc_call *call, struct mc_error *error);

/* Waits until POSITION is applied; 1: it is, 0: not within SECONDS. */
int mc_database_await(struct mc_database *database, struct mc_call *call, const char *position, unsigned seconds,
	struct mc_error *error);

/* Whether a commit waits until a slave has received it (master), and whether this slave says that it has. */
int mc_database_set_semisync(
	struct mc_database *database, struct mc_call *call, bool is_master, bool on, struct mc_error *error);
/* Whether this slave is connected to a master that hears of it when it has received a commit: 1 or 0. */
int mc_database_acknowledges(struct mc_database *database, struct mc_call *call, struct mc_error *error);
/* How many slaves are connected to a master that say when they have received a commit. */
int mc_database_acknowledging(
	struct mc_database *database, struct mc_call *call, unsigned long *ret_slaves, struct mc_error *error);
/* 1 or 0. */
int mc_database_semisync(struct mc_database *database, struct mc_call *call, bool is_master, struct mc_error *error);

/* How far the binary log has come, between two counts of what was committed to it since the database came up
 * (Binlog_commits). Each commit takes a number, so that the numbers never fall behind the commits, but in a log that is
 * begun anew (RESET MASTER). https://mariadb.com/kb/en/replication-and-binary-log-status-variables/ */
struct mc_log_count {
	uint64_t commits_before, numbers, commits_after;
};
/* By how much the numbers are ahead of the commits, at the least. {0}: nobody has looked yet. */
struct mc_log_lead {
	bool is_known;
	int64_t least;
};
int mc_database_count_log(
	struct mc_database *database, struct mc_call *call, struct mc_log_count *ret_count, struct mc_error *error);

/* Whether both databases began as copies of the same template: 1 or 0. */
int mc_database_same_origin(
	struct mc_database *database, struct mc_database *other, struct mc_call *call, struct mc_error *error);

/* The tables of Keystone's whose content differs in the two just now, as names with blanks between, to OUT: what is on
 * its way differs, too. */
int mc_database_differences(struct mc_database *database, struct mc_database *other, struct mc_call *call,
	struct mc_buffer *out, struct mc_error *error);
/* The same of both at one position: what differs does so for good. -EAGAIN: they were not at one position. */
int mc_database_compare(struct mc_database *database, struct mc_database *other, struct mc_call *call,
	struct mc_buffer *out, struct mc_error *error);

/* The region's endpoints and the region itself leave the catalog. */
int mc_database_drop_region(
	struct mc_database *database, struct mc_call *call, const char *region, struct mc_error *error);

#endif
