/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_PRIVATE_H
#define BACKENDS_CLOUD_PRIVATE_H

#include "backends/recipes/recipe.h"
#include "mcloud/database.h"
#include "mcloud/replication.h"

#include <pthread.h>
#include <stdio.h>

#define MC_REGION_NAME_MAX 63

/* The cloud's secrets, made once, kept in state_dir (secrets.c). All are hex or base64url, so that no format needs
 * escaping. */
struct mc_secrets;

/* What a piece of work does, one line each; the work is done when all are. Found again by looking after a crash, so
 * each is idempotent. */
struct mc_work;
struct mc_step {
	const char *name; /* a word, for events and messages */
	const char *done; /* what is true after it, for `progress` */
	unsigned needs;   /* bits of the steps (by index) that come before */
	int (*run)(struct mc_work *work, struct mc_error *error);
};

/* Facts about a region that must survive the daemon (mark.c); what they say: */
enum mc_mark {
	MC_MARK_STOPPED,
	MC_MARK_DESTROYING,
	MC_MARK_SERVED,
	MC_MARK_MASTER,
	MC_MARK_REPLICA,
	MC_MARK_HALTED,
	MC_MARK_SEEDING,
	MC_MARK_SEMISYNC,
	MC_MARK_INCOMPLETE,
	MC_MARK_ESTRANGED,
	MC_MARK_GIVEN_UP,
	MC_MARK_PROMOTED,
	MC_MARKS
};

/* A region. Fields below `lock` of the cloud unless they say otherwise. */
struct mc_region {
	struct mc_cloud *cloud; /* constant, as are name, number, address, created */
	char name[MC_REGION_NAME_MAX + 1];
	char address[16];
	unsigned number;
	double created;
	unsigned references;
	double changed;
	enum mc_region_state state;
	char *error;                               /* why failed or degraded; NULL: all is well */
	bool is_stopped, is_failed, is_destroying; /* what state is made of, with the services and `work` */
	bool is_master;
	bool is_replica;                       /* a slave that is past standby (MC_MARK_REPLICA) */
	bool is_kept;                          /* its facts are on disk: it may have marks */
	bool marked[MC_MARKS];                 /* as they are on disk */
	struct mc_error outcome;               /* of the last work that failed; code 0: the last one succeeded */
	enum mc_replication_state replication; /* as the watch has seen it last */
	double lag;                            /* likewise; negative: not known */
	char trouble[256];                     /* why replication is broken */
	char reviewed[128], harmless[64];      /* of its own writing: what was looked into, and is maintenance */
	bool is_compared;                      /* its rows with the master's, since its replication runs (drift.c) */
	int64_t compare_at;                    /* mc_now_ms(): that could not be told before, and is tried again then */
	int64_t compared_ms;                   /* so long took the last comparison */
	struct mc_database *watched;           /* the watch's alone */
	struct mc_work *work;                  /* under way, or NULL */
	bool ran;                              /* it served when the engine was seen last */
	bool is_unsure;                        /* it may be marked as the master, and must not be so */
	bool is_pushing;                       /* Fernet keys are on their way */
	bool lacks_keys;                       /* it has not taken the last ones, or that isn't known */
	struct mc_call *tending;               /* of mc_region_tend(), or NULL */
	struct mc_call *restoring;             /* of mc_region_restore(), or NULL */
	int64_t restore_at;                    /* mc_now_ms(): it failed, and is to be tried again; 0: it did not */
	char **progress;                       /* lines of the last work */
	size_t n_progress;
	struct mc_keystone *keystone; /* constant once the region is listed; NULL: the cloud's secrets are lost */
	struct mc_glance *glance;
};

struct mc_cloud {
	struct mc_cloud_options options; /* constant; strings are owned */
	struct mc_journal *journal;
	struct mc_engine *engine;
	void (*handler)(void *data, const struct mc_cloud_event *event);
	void *data;

	/* Lock order: telling or facts, then lock. Only `facts` is held across I/O, of a file. */
	pthread_mutex_t facts;      /* one change of a region's facts at a time */
	pthread_mutex_t telling;    /* one event at a time to the handler */
	pthread_mutex_t lock;       /* guards all below */
	pthread_cond_t idle;        /* broadcast when work has ended, a service has changed, `threads` falls to 0 */
	struct mc_region **regions; /* by number */
	size_t n_regions;
	struct mc_engine_service_list services;
	bool is_connected, is_resumed, is_closing, is_looking;
	struct mc_call *watching;   /* of mc_replication_watch(), or NULL */
	struct mc_call *keeping;    /* of mc_fernet_keep(), or NULL */
	struct mc_region *promoted; /* is to become the master; NULL: no promotion is under way */
	unsigned opening;           /* databases that are just being let write: a promotion waits for them */
	double refreshed;           /* wall clock: events from before it are already in */
	unsigned threads;           /* of mc_cloud_spawn() */
	struct mc_secrets *secrets; /* NULL until they are needed; then constant until the cloud is empty */
	struct mc_directory *directory;
	struct mc_cloud_copy *copies; /* of images (images.c), newest first */
	int copying;                  /* so many of them run */
};

/* work.c: steps run as much at once as their needs allow, each in a thread of its own. */
enum mc_work_kind { MC_WORK_START, MC_WORK_STOP, MC_WORK_RESTART, MC_WORK_DESTROY, MC_WORK_REPLICATE, MC_WORK_PROMOTE };

struct mc_work {
	struct mc_cloud *cloud; /* these are constant */
	struct mc_region *region;
	enum mc_work_kind kind;
	struct mc_call
		*doing; /* of what is asked of the engine: not cancelled, as what was begun there is done anyway */
	struct mc_call *call; /* cancelled when a step has failed, the cloud closes, or the region is to be destroyed */
	int64_t begun;        /* mc_now_ms() */
	const struct mc_step *steps; /* the table that runs; changes between tables only */
	unsigned n_steps;
	pthread_mutex_t lock; /* guards what follows; stands after the cloud's locks */
	pthread_cond_t news;
	unsigned started, done, failed, ended, unborn; /* bits of steps; ended: in either way */
	struct mc_error error;                         /* of the first failure */
	char goal[MC_GTID_MAX];                        /* of a promotion: what has to be applied; "": not known */
	struct mc_region *former;                      /* whose role has moved; a reference, or NULL */
	bool is_living;                                /* and it is all that the former master has written */
};

/* Begins KIND's steps for REGION in the background; -EBUSY while other work is under way (its name in the sentence). */
int mc_work_begin(struct mc_region *region, enum mc_work_kind kind, struct mc_error *error);

/* Waits for the end of the region's work, and gives its failure; gives up only with the asker, for the work goes on. */
int mc_work_await(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* start.c, destroy.c, promote.c: the tables; they end with a NULL name. */
extern const struct mc_step mc_start_steps[], mc_standby_steps[], mc_slave_steps[], mc_stop_steps[], mc_destroy_steps[],
	mc_promote_steps[];

/* In the background, for a region that serves: keys in step, leftovers of uploads that a killed daemon began removed.
 */
void mc_region_tend(struct mc_region *region);

/* Runs FUNCTION(DATA) in a thread that mc_cloud_close() waits for. -EAGAIN: no more threads. */
int mc_cloud_spawn(struct mc_cloud *cloud, void (*function)(void *data), void *data);

/* model.c, cloud.c, life.c */
struct mc_region *mc_region_ref(struct mc_region *region);
void mc_region_unref(struct mc_region *region);
void mc_cleanup_region(struct mc_region **region);
struct mc_region *mc_region_find(
	struct mc_cloud *cloud, const char *name); /* a reference, or NULL; NAME NULL: the master */
/* Puts a new region into the list; its services' clients are made. NULL: out of memory. A reference. */
struct mc_region *mc_region_list(struct mc_cloud *cloud, const char *name, unsigned number, double created);
void mc_region_unlist(struct mc_region *region);
/* Whether all services that it should have run, and the engine finds nothing wrong with them. Call with the lock. */
bool mc_region_is_well(const struct mc_region *region);
/* Derives the state again and tells if it changed. */
void mc_region_settle(struct mc_region *region);
void mc_cloud_tell(struct mc_cloud *cloud, const struct mc_cloud_event *event);
/* Waits for a broadcast of `idle`, or 100 ms: there is none of a call that is cancelled. Call with the lock. */
void mc_cloud_await_news(struct mc_cloud *cloud);
void mc_cloud_fail(struct mc_cloud *cloud, const char *region, const struct mc_error *error);
/* options.c: TO gets strings of its own, and state_dir without links in it. */
void mc_cloud_options_copy(struct mc_cloud_options *to, const struct mc_cloud_options *from);
void mc_cloud_options_free(struct mc_cloud_options *options);

/* adopt.c: what the marks say of each region's part in replication. */
void mc_cloud_assign_roles(struct mc_cloud *cloud);
/* Each volume (container) of the cloud carries the state_dir that it was made with, under this label. */
#define MC_LABEL_STATE_DIR "state_dir"
/* The engine is gone: the regions that serve, or did until its end came, are started again when it is back. */
void mc_cloud_note_running(struct mc_cloud *cloud);
/* -EBUSY when one of VOLUMES was made with another state_dir. */
int mc_cloud_check_owner(struct mc_cloud *cloud, const struct mc_engine_volume_list *volumes, struct mc_error *error);
/* Lists regions and services; the first time that succeeds, goes on with what was under way in each region. */
int mc_cloud_find_all(struct mc_cloud *cloud, struct mc_error *error);
/* Lists the services and brings the model in step. CALL NULL: within the cloud's own time. */
int mc_cloud_refresh(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error);
/* Address of number N (0: what is shared): 127.77.N.1 for base 127.77.0.0. */
void mc_cloud_address(const struct mc_cloud *cloud, unsigned n, char address[16]);
/* A new connection to the region's database as its root, by the caller to be freed. */
int mc_region_database(struct mc_region *region, struct mc_database **ret_database, struct mc_error *error);
/* The same, its statements told to JOURNAL; NULL: to nobody. */
int mc_region_database_journal(struct mc_region *region, struct mc_journal *journal, struct mc_database **ret_database,
	struct mc_error *error);
/* A connection as Keystone: it can write in the master's database only. For all writes to the keystone database. */
int mc_region_keystone_database(struct mc_region *region, struct mc_database **ret_database, struct mc_error *error);
/* The secrets; -EACCES if there are none. They live as long as the cloud. */
int mc_cloud_secrets(struct mc_cloud *cloud, struct mc_secrets **ret_secrets, struct mc_error *error);
/* The same for the first region: they are made if there are none. */
int mc_cloud_make_secrets(struct mc_cloud *cloud, struct mc_secrets **ret_secrets, struct mc_error *error);

/* mark.c: what is known of regions for good. Marks of a region whose facts are not on disk: -ENOENT. */
int mc_mark_set(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error);
int mc_mark_clear(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error);
/* 1: set, 0: not. It asks nobody. */
int mc_mark_look(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error);
/* The same. */
bool mc_mark_known(struct mc_region *region, enum mc_mark mark);
/* Which mark a volume is that a cloud of version 0.1 has, or -1. */
int mc_mark_of(const struct mc_engine_volume *volume);
/* Lists the regions that have facts, with their marks. */
int mc_marks_read(struct mc_cloud *cloud, struct mc_error *error);
/* From here on the region, with its marks as they are in memory, is there for every daemon to come. */
int mc_marks_keep(struct mc_region *region, struct mc_error *error);
/* It is there no more. */
int mc_marks_forget(struct mc_region *region, struct mc_error *error);

/* How often the engine asks a service whether it is healthy. */
#define MC_HEALTH_INTERVAL_MS 5000

/* service.c: "keystone-Kista", "ldap" into NAME. */
#define MC_SERVICE_NAME_MAX (MC_REGION_NAME_MAX + 16)
void mc_service_name(enum mc_service_kind kind, const char *region, char name[MC_SERVICE_NAME_MAX]);
/* The name by which other containers reach it: the service's own, or, where that is too long for a DNS label (RFC 1035,
 * section 2.3.4), one with the region's number, which is no other region's service's. */
#define MC_HOST_MAX 64
void mc_service_host(const struct mc_region *region, enum mc_service_kind kind, char host[MC_HOST_MAX]);
/* The service's volume, of which the region's state_dir has the content (facts.h); one that the engine has itself is
 * left as it is. -EIO: the service had data, and they are gone. */
int mc_service_make_volume(
	struct mc_region *region, struct mc_call *call, enum mc_service_kind kind, struct mc_error *error);
/* The volume and all data in it are gone. */
int mc_service_remove_volume(
	struct mc_region *region, struct mc_call *call, enum mc_service_kind kind, struct mc_error *error);
/* -EBUSY when data of a former region of that name are there, which a new one would take for its own. */
int mc_service_check_free(struct mc_region *region, struct mc_error *error);
/* Makes it if it isn't there, starts, unpauses or restarts it as needed. */
int mc_service_ensure(
	struct mc_region *region, struct mc_call *call, enum mc_service_kind kind, struct mc_error *error);
/* Asks PROBE again and again until it gives 0 (-> 0) or the service has ended (-EIO, with its last words) or the call
 * is over. */
int mc_service_await(struct mc_region *region, struct mc_call *call, enum mc_service_kind kind,
	int (*probe)(struct mc_region *region, struct mc_call *call, struct mc_error *error), struct mc_error *error);
/* "http://ADDRESS:PORT", and for the other containers "http://NAME:PORT". */
void mc_service_url(const struct mc_region *region, enum mc_service_kind kind, bool is_public, char *url, size_t size);

/* The address under which the service's port is reached from the host. */
void mc_service_address(const struct mc_region *region, enum mc_service_kind kind, char address[16]);

/* probe.c: whether a service serves, asked from outside as a client would. */
int mc_probe_database(struct mc_region *region, struct mc_call *call, struct mc_error *error);
/* Whether the engine says that its database runs. */
bool mc_probe_runs(struct mc_region *region);
/* Whether its database answers at all, within MC_REGION_ANSWER_MS. */
bool mc_probe_answers(struct mc_region *region);
int mc_probe_keystone(struct mc_region *region, struct mc_call *call, struct mc_error *error);
/* A login by password, as every client's first request. */
int mc_probe_login(struct mc_region *region, struct mc_call *call, struct mc_error *error);
int mc_probe_glance(struct mc_region *region, struct mc_call *call, struct mc_error *error);
int mc_probe_ldap(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* register.c: what a region's Keystone must know. Idempotent. */
int mc_register_passwords(struct mc_region *region, struct mc_call *call, struct mc_error *error);
int mc_register_region(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* replicate.c: what a slave's start has more than a master's. Idempotent. */
int mc_replicate_mark(struct mc_work *work, struct mc_error *error);
int mc_replicate_attach(struct mc_work *work, struct mc_error *error);
int mc_replicate_catch_up(struct mc_work *work, struct mc_error *error);
/* A slave whose database has come up, or whose master has changed, follows the master of now again, where that is
 * possible without losing anything of its own. */
int mc_replicate_rejoin(struct mc_region *region, struct mc_call *call, struct mc_error *error);
/* What REGION has received, and not applied before both threads of its replication ended, is applied: the server would
 * throw it away at their next start, to ask a master again who may be dead, and was told that it is safe here. */
int mc_replicate_keep_received(struct mc_region *region, struct mc_call *call, struct mc_error *error);
/* The slave is forgotten by its master, where that can be reached. */
int mc_replicate_leave(struct mc_work *work, struct mc_error *error);
/* Commits wait for SLAVE from now on. It is incomplete until the watch has seen that it has caught up with those that
 * did not wait for it. */
int mc_replicate_count(struct mc_region *slave, struct mc_call *call, struct mc_error *error);
/* What SLAVE alone has acknowledged is about to go, with it, its copy or its mode: it acknowledges no more, and others
 * that count are incomplete until they have caught up. To be called before; leaves SLAVE's own marks. */
int mc_replicate_uncount(struct mc_region *slave, struct mc_call *call, struct mc_error *error);
/* The commits of REGION, a master, wait for slaves if one of them is so marked. */
int mc_replicate_settle_mode(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* copy.c: a copy of the master's keystone database as it is at one moment, with its position, into the slave's. */
int mc_copy_load(struct mc_region *slave, struct mc_region *master, struct mc_call *call, struct mc_error *error);
/* What the slave's stopped replication has received, and not applied, is applied. */
int mc_copy_apply_received(struct mc_region *slave, struct mc_call *call, struct mc_error *error);

/* observe.c: how long a database may take to say what it has. */
#define MC_REGION_ANSWER_MS 3000
/* A position of DATABASE, to TO. -EIO: it is longer than that has room for. */
int mc_region_position(struct mc_database *database, struct mc_call *call, enum mc_gtid_kind kind, char to[MC_GTID_MAX],
	struct mc_error *error);

/* role.c: the master's role goes from FORMER (NULL: it has gone before) to REGION, or nothing has changed. */
int mc_role_move(struct mc_region *region, struct mc_region *former, struct mc_call *call, struct mc_error *error);
/* After that, the other marks: the former master is a slave, which counts in semisync if it IS_LIVING; whoever has not
 * all of GOAL, a position ("": not known), is incomplete. Idempotent. */
int mc_role_mark(
	struct mc_region *region, const char *goal, bool is_living, struct mc_call *call, struct mc_error *error);
/* A promotion of REGION whose role has not moved never was. */
int mc_role_withdraw(struct mc_region *region, struct mc_call *call, struct mc_error *error);
/* The same, or the rest of what was to be marked, for all promotions that left a mark and don't run. */
int mc_role_tidy(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error);

/* promote.c: lets REGION's database take writes, and makes it follow nobody, if the region is the master; waits for the
 * end of a promotion that may change that. */
int mc_promote_open(struct mc_region *region, struct mc_call *call, struct mc_error *error);
/* A promotion whose role has moved, and which an earlier daemon was in the middle of, goes on, if the region's services
 * are all there (IS_UP); else its marks are brought to their end, and the region is started. */
int mc_promote_resume(struct mc_region *region, bool is_up, struct mc_error *error);
/* For the watch: a promotion that could not be brought to its end when it was due. */
void mc_promote_tidy(struct mc_cloud *cloud, struct mc_call *call);
/* How a promotion to REGION ends whose steps have given RESULT: what was begun is undone, or stands. */
void mc_promote_finish(struct mc_region *region, int result);

/* restore.c: in the background, for a region whose database has come up or whose master has changed: a master's is let
 * write, a slave's follows the master. What can't be done now is told as a failure, and tried again by the watch. */
void mc_region_restore(struct mc_region *region);
/* The same for who sees that it is needed, again and again: not soon after it has failed, and not of what is dead. */
void mc_region_restore_again(struct mc_region *region);
/* Waits until nothing of this is under way, or for the call's end. */
void mc_region_await_restored(struct mc_region *region, struct mc_call *call);

/* watch.c: from now on somebody looks at each slave's replication every second, as long as there is one. */
void mc_replication_watch(struct mc_cloud *cloud);
/* Looks now, where something has just changed. */
void mc_replication_inspect(struct mc_region *region);
/* replication.c: how the slave REGION is doing, by its DATABASE and that of its MASTER, which need not answer. RET_SEEN
 * may be NULL. */
struct mc_observed;
int mc_replication_examine(struct mc_region *region, struct mc_database *database, struct mc_database *master,
	struct mc_call *call, struct mc_replication *ret, struct mc_observed *ret_seen, struct mc_error *error);

/* drift.c: compares a slave's rows with the master's, once whenever its replication has begun to run. 1: they differ.
 */
int mc_drift_look(struct mc_region *region, struct mc_region *master, const struct mc_replication *now);
/* The same for a promotion, if it was not done. IS_FENCED: the master writes no more, so it is done only if it was
 * quick before, for writers wait. -EBUSY: they differ. */
int mc_drift_check(struct mc_region *region, struct mc_region *master, bool is_fenced, struct mc_error *error);

/* life.c: -EBUSY when REGION is the master of others: whom its slaves replicate must stay. */
int mc_region_check_slaves(struct mc_region *region, struct mc_error *error);

/* image_format.c: the way behind REGION's Glance to its database, for mc_glance_new(). */
int mc_region_behind_glance(struct mc_region *region, struct mc_glance_behind *ret_behind);

/* images.c: with the lock, breaks off all copies of images; frees them, when no thread is left. */
void mc_images_cancel(struct mc_cloud *cloud);
void mc_images_free(struct mc_cloud *cloud);

/* secrets.c */
enum mc_secret {
	MC_SECRET_ADMIN,
	MC_SECRET_DB_ROOT,
	MC_SECRET_DB_KEYSTONE,
	MC_SECRET_DB_GLANCE,
	MC_SECRET_GLANCE,
	MC_SECRET_LDAP_ADMIN,
	MC_SECRET_LDAP_KEYSTONE,
	MC_SECRETS
};

struct mc_key {
	unsigned index; /* 0: staged; the highest: primary */
	char text[45];  /* 32 bytes in base64url (the Fernet specification's key format) */
	double created;
};

/* Reads DIRECTORY/CLOUD.json; with MAKE, makes and writes it when there is none; else *RET is NULL then. */
int mc_secrets_open(
	const char *directory, const char *cloud, bool make, struct mc_secrets **ret_secrets, struct mc_error *error);
void mc_secrets_free(struct mc_secrets *secrets);
const char *mc_secrets_get(const struct mc_secrets *secrets, enum mc_secret secret);
/* Copies of the keys, by index. Credential keys don't rotate. */
size_t mc_secrets_fernet(struct mc_secrets *secrets, struct mc_key *keys, size_t n_keys);
size_t mc_secrets_credential(struct mc_secrets *secrets, struct mc_key *keys, size_t n_keys);
/* Replaces the Fernet keys and writes the file. */
int mc_secrets_set_fernet(struct mc_secrets *secrets, const struct mc_key *keys, size_t n_keys, struct mc_error *error);
int mc_secrets_new_key(struct mc_key *key, unsigned index);
/* Removes the file when the cloud's last region goes; writes it again when a first one comes. */
int mc_secrets_forget(struct mc_secrets *secrets, struct mc_error *error);
int mc_secrets_keep(struct mc_secrets *secrets, struct mc_error *error);
/* {SSHA} of a secret, for slapd's rootpw; HASH holds 64. */
int mc_secrets_ssha(const char *secret, char hash[64]);

#define MC_FERNET_KEYS 5 /* as max_active_keys of keystone.conf */

/* fernet.c: the key files of a Keystone container; n_fernet of them are Fernet keys, the rest credential keys. Gives
 * how many. */
struct mc_key_files {
	struct mc_key keys[2 * MC_FERNET_KEYS];
	struct mc_engine_file files[2 * MC_FERNET_KEYS];
	char paths[2 * MC_FERNET_KEYS][64];
	size_t n_fernet;
};
size_t mc_fernet_files(struct mc_secrets *secrets, struct mc_key_files *ret_files);
/* In the background, until each region that runs has them: keys that a Keystone could not take before. */
void mc_fernet_keep(struct mc_cloud *cloud);
/* Brings the keys of a running Keystone in step with the cloud's. What fails is tried again in the background. */
int mc_fernet_push(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
