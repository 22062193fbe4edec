/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_MODEL_H
#define BACKENDS_CLOUD_MODEL_H

#include "mcloud/engine.h"
#include "mcloud/error.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replication.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of a cloud and its regions, in memory. */

struct mc_attachment;
struct mc_call;
struct mc_cloud_copy;
struct mc_database;
struct mc_directory;
struct mc_glance;
struct mc_journal;
struct mc_kept_secret;
struct mc_keystone;
struct mc_lease;
struct mc_partial;
struct mc_secrets;
struct mc_transfers;
struct mc_work;
struct mc_work_type;

#define MC_REGION_NAME_MAX 63 /* of one that is made here */
#define MC_AUTH_URL_MAX 80    /* "https://ADDRESS:PORT/v3" */
#define MC_REGION_ID_MAX 255  /* of Keystone's: https://docs.openstack.org/api-ref/identity/v3/#create-region */

/* Facts about a region that must survive the daemon (facts.c); what they say: */
enum mc_fact {
	MC_FACT_STOPPED,
	MC_FACT_DESTROYING,
	MC_FACT_SERVED,
	MC_FACT_MASTER,
	MC_FACT_REPLICA,
	MC_FACT_HALTED,
	MC_FACT_SEEDING,
	MC_FACT_SEMISYNC,
	MC_FACT_INCOMPLETE,
	MC_FACT_ESTRANGED,
	MC_FACT_GIVEN_UP,
	MC_FACT_PROMOTED,
	MC_FACT_SPARED,
	MC_FACTS
};

#define MC_SPARES 255 /* numbers of regions, from 1 on */

/* What a region's containers and its data are of. */
struct mc_edition {
	unsigned release;    /* of OpenStack, by number (recipes/release.h) */
	unsigned generation; /* of the database's data: an upgrade works on a copy, which is the next one */
	bool is_new;         /* it is not known yet whether the region serves with that: if not, it is `former` again */
	unsigned former;     /* the release before; while is_new */
};

/* A machine of the cloud's engine, and where its public services are reached; "": this one, and it has no other. */
struct mc_machine {
	char name[MC_NODE_NAME_MAX + 1], address[MC_NODE_ADDRESS_MAX + 1];
};

/* A region. Fields below `lock` of the cloud unless they say otherwise. */
struct mc_region {
	struct mc_cloud *cloud; /* constant, as are name, number, address, auth_url, created */
	char name[MC_REGION_ID_MAX + 1];
	char address[16];
	char auth_url[MC_AUTH_URL_MAX]; /* of one that is made here */
	unsigned number;
	double created;
	struct mc_machine machine; /* constant, too */
	struct mc_edition edition; /* as it is on disk */
	unsigned upgrade_to;       /* the release that MC_WORK_UPGRADE is to take it to */
	bool is_held_back;         /* its last upgrade failed: the next one isn't begun by itself */
	unsigned references;
	double changed;
	enum mc_region_state state;
	char *error;                               /* why failed or degraded; NULL: all is well */
	bool is_stopped, is_failed, is_destroying; /* what state is made of, with the services and `work` */
	unsigned leaving;                          /* so many are about to destroy it: meanwhile it gets no slaves */
	bool is_master;
	bool is_replica;                       /* a slave that is past standby (MC_FACT_REPLICA) */
	bool is_kept;                          /* its facts are on disk */
	bool facts[MC_FACTS];                  /* as they are on disk */
	struct mc_error outcome;               /* of the last work that failed; code 0: the last one succeeded */
	enum mc_replication_state replication; /* as the watch has seen it last */
	double lag;                            /* likewise; negative: not known */
	char trouble[256];                     /* why replication is broken */
	char reviewed[128], harmless[64];      /* of its own writing: what was looked into, and is maintenance */
	unsigned long runs, compared_run;      /* of its replication, and the one since which its rows were compared */
	int64_t compare_at;                    /* mc_now_ms(): that could not be told before, and is tried again then */
	int64_t compared_ms;                   /* so long took the last comparison */
	struct mc_log_lead log_lead;           /* of a master's binary log */
	struct mc_database *watched;           /* the watch's alone */
	struct mc_work *work;                  /* under way, or NULL */
	bool ran;                              /* it served when the engine, or its machine, was seen last */
	bool is_away;                          /* its machine isn't ready: its services may run, and can't be asked */
	bool has_left;                         /* its machine is none of the cloud's any more */
	bool is_new;                           /* it is being made, and its first work comes */
	bool is_resumed;                       /* what a mount begins with was done for it */
	bool is_cut_off;                       /* it could not be reached at the last review */
	bool is_unsure;                        /* it may be the master on disk, and must not be so */
	bool is_pushing;                       /* Fernet keys are on their way */
	bool lacks_keys;                       /* it has not taken the last ones, or that isn't known */
	struct mc_call *upkeep;                /* of mc_region_keep_up(), or NULL */
	struct mc_call *realigning;            /* of mc_region_realign(), or NULL */
	int64_t realign_at;                    /* mc_now_ms(): it failed, and is to be tried again; 0: it did not */
	int64_t names_at; /* likewise: its names are to be told apart, and could not be; 0: they are */
	char **progress;  /* lines of the last work */
	size_t n_progress;
	/* NULL: there is none (mc_cloud_kind: explain). Of a region that was made here constant once it is listed. */
	struct mc_keystone *keystone;
	struct mc_glance *glance;
};

/* What a kind of cloud knows of its regions, and can do with them; others know of the kind only this. */
struct mc_sight;
struct mc_cloud_kind {
	/* Fills in the address of a region that is new, and makes its clients. */
	void (*equip)(struct mc_region *region);
	/* Fills in what its services are like; call with the lock. */
	void (*look)(const struct mc_region *region, struct mc_sight *sight);
	/* Why a region lacks a client: -errno, with ERROR filled. */
	int (*explain)(struct mc_region *region, struct mc_error *error);
	/* As mc_cloud_may_change(), of a cloud that has a lease; also called with the lock. */
	int (*may_change)(struct mc_cloud *cloud, struct mc_error *error);
	/* The cloud is closed: cancels what its threads do; call with the lock. Then, when these have ended, frees what
	 * is the kind's own. */
	void (*cancel)(struct mc_cloud *cloud);
	void (*shut)(struct mc_cloud *cloud);
};

struct mc_cloud {
	const struct mc_cloud_kind *kind;        /* constant */
	struct mc_cloud_options options;         /* constant; strings are owned */
	const struct mc_work_type *const *works; /* by kind; constant */
	struct mc_journal *journal;
	struct mc_transfers *transfers; /* constant, as are these */
	struct mc_engine *engine;
	struct mc_lease *lease; /* by which one daemon of several machines' may change it; NULL: there is one only */
	void (*handler)(void *data, const struct mc_cloud_event *event);
	void *data;
	bool has_tls; /* of one that is made here: constant once its regions are listed */

	/* Lock order: telling or facts, then lock. Only `facts` is held across I/O, of a file. */
	mc_mutex facts;             /* one change of a region's facts at a time */
	mc_mutex telling;           /* one event at a time to the handler */
	mc_mutex lock;              /* guards all below */
	pthread_cond_t idle;        /* broadcast when work has ended, a service has changed, `threads` falls to 0 */
	struct mc_region **regions; /* by number */
	size_t n_regions;
	struct mc_engine_service_list services;
	bool is_connected, is_resumed, is_closing, is_looking;
	bool is_creating;         /* mc_region_create() is making a region */
	struct mc_call *watching; /* of mc_replication_watch(), or NULL */
	struct mc_call *keeping;  /* of mc_fernet_keep(), or NULL */
	struct mc_call *renewing; /* of mc_certificates_keep(), or NULL */
	struct mc_call *sparing;  /* of mc_spares_keep(), or NULL */
	struct mc_call *finding;  /* of mc_cloud_find(), or NULL */
	int64_t find_at;          /* mc_now_ms(): the engine is asked again what it has; 0: it has said so */
	int64_t spare_at;         /* mc_now_ms(): when it looks at spares again */
	int64_t spare_rest;       /* and not before that */
	bool spares[MC_SPARES];   /* by number: services wait for a region of that, and of spare_release */
	unsigned spare_release;
	bool has_spares;            /* some of the cloud's services are or were spares, or may have been */
	int64_t renew_at;           /* mc_now_ms(): when it looks at certificates again */
	struct mc_region *promoted; /* is to become the master; NULL: no promotion is under way */
	unsigned opening;           /* databases that are just being let write: a promotion waits for them */
	double refreshed;           /* wall clock: events from before it are already in */
	unsigned threads;           /* of mc_cloud_spawn() */
	struct mc_secrets *secrets; /* NULL until they are needed; then constant until the cloud is empty */
	struct mc_directory *directory;
	struct mc_cloud_copy *copies;     /* of images (image_copies.c), newest first */
	int copying;                      /* so many of them run */
	struct mc_kept_secret *kept;      /* that services have told once (kept_secrets.c) */
	struct mc_partial *partial;       /* lists that lack something (cloud.c) */
	bool told[MC_PARTIAL_KINDS];      /* of that kind, that there are such */
	struct mc_attachment *attachment; /* of a cloud that is there already (backends/attached/); else NULL */
	atomic_bool is_unseen;            /* !mc_cloud_is_seen(); guarded by nothing */
};

/* cloud.c: a cloud without regions, for mc_cloud_close(); NULL: out of memory. The rest are as of mc_cloud_open(). */
struct mc_cloud *mc_cloud_new(const struct mc_cloud_kind *kind, const struct mc_cloud_options *options,
	struct mc_journal *journal, void (*handler)(void *data, const struct mc_cloud_event *event), void *data);

/* partial.c */
void mc_partials_free(struct mc_partial *partials);

/* kept_secrets.c; each is wiped */
void mc_kept_secrets_free(struct mc_kept_secret *kept);

/* model.c */
struct mc_region *mc_region_ref(struct mc_region *region);

void mc_region_unref(struct mc_region *region);

void mc_cleanup_region(struct mc_region **region);

struct mc_region *mc_region_find(
	struct mc_cloud *cloud, const char *name); /* a reference, or NULL; NAME NULL: the master */

/* Puts a region, on MACHINE (NULL: here), into the list; its services' clients are made. IS_NEW: it is being made, and
 * starts until its first work begins. NULL: out of memory. A reference. */
struct mc_region *mc_region_list(struct mc_cloud *cloud, const char *name, unsigned number,
	const struct mc_machine *machine, const struct mc_edition *edition, double created, bool is_new);

void mc_region_unlist(struct mc_region *region);

/* Whether it is the master; whether it is a slave that has not begun to replicate. */
bool mc_region_is_master(struct mc_region *region);
bool mc_region_stands_by(struct mc_region *region);

/* Whether all services that it should have run, and the engine finds nothing wrong with them. Call with the lock. */
bool mc_region_is_well(const struct mc_region *region) MC_REQUIRES(region->cloud->lock);

/* Derives the state again and tells if it changed. */
void mc_region_derive(struct mc_region *region);

void mc_cloud_tell(struct mc_cloud *cloud, const struct mc_cloud_event *event);

void mc_cloud_fail(struct mc_cloud *cloud, const char *region, const struct mc_error *error);

/* The same, with the lock, and not a reference. */
struct mc_region *mc_region_find_locked(struct mc_cloud *cloud, const char *name) MC_REQUIRES(cloud->lock);

/* What its state is made of; it holds as long as the lock. Call with that. */
void mc_region_look(const struct mc_region *region, struct mc_sight *sight) MC_REQUIRES(region->cloud->lock);

#endif
