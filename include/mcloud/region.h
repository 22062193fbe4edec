/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_REGION_H
#define MCLOUD_REGION_H

#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/directory.h"
#include "mcloud/engine.h"
#include "mcloud/error.h"
#include "mcloud/identity.h"
#include "mcloud/identity_objects.h"
#include "mcloud/image.h"
#include "mcloud/journal.h"
#include "mcloud/transfer.h"

#include <stdbool.h>
#include <stddef.h>

/* The cloud: its regions, their services, and what all regions share. A cache of what the engine says, rebuilt by
 * mc_cloud_open() and kept by the engine's events; questions about it are answered from memory and never wait. Safe in
 * any thread. */
struct mc_cloud;

struct mc_cloud_options {
	const char *name;             /* "mcloud" */
	const char *engine;           /* "auto", "docker" */
	const char *socket;           /* NULL: the engine's usual one */
	const char *engine_certs;     /* a directory with ca.pem, cert.pem and key.pem, by which engines that are
					 reached by TLS and this client of theirs know each other; NULL: none */
	const char *base;             /* "127.77.0.0" */
	const char *ldap_suffix;      /* "dc=acme,dc=org" */
	const char *domain;           /* "acme" */
	const char *state_dir;        /* where the cloud's secrets, facts and data lie */
	const char *release;          /* "epoxy": what a new cloud's regions run; NULL: the default */
	struct mc_image_cache *cache; /* of images, outliving the cloud; NULL: none */
	const char *tls; /* "on", "off": whether Keystone and Glance are reached by https only; NULL: as the
			    cloud was made, and a new one is not */
	bool read_only;  /* nothing is changed: no work is begun or gone on with */
	unsigned spare;  /* so many regions to come have services that have loaded */
	bool replicates; /* slaves that have never served begin to replicate when they start */
	int ttl_ms, timeout_ms;
};

enum mc_region_state {
	MC_REGION_STARTING,
	MC_REGION_STANDBY,
	MC_REGION_SEEDING,
	MC_REGION_UPGRADING,
	MC_REGION_READY,
	MC_REGION_DEGRADED,
	MC_REGION_FAILED,
	MC_REGION_STOPPING,
	MC_REGION_STOPPED
};

const char *mc_region_state_name(enum mc_region_state state);

/* Whether STATE lasts until somebody does something: not STARTING, SEEDING, UPGRADING or
 * STOPPING. */
bool mc_region_state_settled(enum mc_region_state state);

enum mc_region_role { MC_REGION_MASTER, MC_REGION_SLAVE };

const char *mc_region_role_name(enum mc_region_role role);

/* How the master's database gets to a region (mcloud/replication.h). */
enum mc_replication_state {
	MC_REPLICATION_NONE,    /* a master, or a slave that stands by */
	MC_REPLICATION_SEEDING, /* it is being brought up */
	MC_REPLICATION_RUNNING,
	MC_REPLICATION_STOPPED, /* by command */
	MC_REPLICATION_BROKEN,  /* something keeps it from running */
	MC_REPLICATION_DIVERGED /* it has transactions that the master has not */
};

const char *mc_replication_state_name(enum mc_replication_state state);

#define MC_NODE_NAME_MAX 63    /* of a machine (RFC 1123, section 2.1) */
#define MC_NODE_ADDRESS_MAX 45 /* of IPv4 or IPv6, as text */

/* A region as it is now; strings are owned by the view. */
struct mc_region_view {
	char *name, *address, *error; /* error: why failed or degraded and what to do; "" when all is well */
	char *node;                   /* the machine that it runs on; "": this one, where a cloud has one only */
	char *auth_url;               /* of its Keystone, for everybody; "": of a cloud that is there already */
	enum mc_region_role role;
	char *master;                          /* whom it replicates; NULL: the master itself, or nobody yet */
	enum mc_replication_state replication; /* as last seen */
	double lag;                            /* seconds behind the master; negative: not known */
	bool is_incomplete;                    /* acknowledges, and may lack what was acknowledged before */
	enum mc_region_state state;
	unsigned number, services_up, services;
	const char *release;     /* of OpenStack ("epoxy"); a constant string; NULL: that is the cloud's own business */
	const char *upgrade;     /* the release that it could be upgraded to now; likewise; NULL: none */
	double created, changed; /* seconds since 1970 */
	struct mc_glance_counts images;
};

struct mc_region_views {
	struct mc_region_view *items;
	size_t count;
};

/* What happened, for the `events` stream and the kernel's caches. */
enum mc_cloud_event_kind {
	MC_CLOUD_REGION_ADDED,
	MC_CLOUD_REGION_CHANGED,
	MC_CLOUD_REGION_GONE,
	MC_CLOUD_SERVICE_ADDED,
	MC_CLOUD_SERVICE_CHANGED,
	MC_CLOUD_SERVICE_GONE,
	MC_CLOUD_STEP,        /* a step of a region's start (or stop …) began or ended */
	MC_CLOUD_FAILURE,     /* something failed that no request waits for: `error` */
	MC_CLOUD_ENGINE,      /* the engine came or went: `text` */
	MC_CLOUD_NODE,        /* machine `node`: `text` is its state, or what is being done to it */
	MC_CLOUD_REPLICATION, /* a slave's replication: `text` is its new state */
	MC_CLOUD_ROLE,        /* a region's role: `text` is "master" or "slave" */
	MC_CLOUD_COPY,        /* an image on its way into `region`: `text` */
	MC_CLOUD_PROGRESS,    /* work on a region goes on, without a step being done: `text` */
	MC_CLOUD_SPARE,       /* a spare waits for a region: `text` */
	MC_CLOUD_SEEN,        /* for those who wait for mc_cloud_is_seen(); no news to a user */
};

struct mc_cloud_event {
	enum mc_cloud_event_kind kind;
	const char *region;  /* or NULL */
	const char *service; /* or NULL */
	const char *node;    /* or NULL */
	const char *text;    /* "starting", "running", "exited (137)", … */
	const struct mc_error *error;
	double when; /* seconds since 1970 */
};

/* Opens the cloud and finds what is there. Succeeds also while the engine can't be reached (then it comes with an
 * event). Events go to HANDLER from now on, from any thread, one at a time, with no lock of the cloud held. */
int mc_cloud_open(const struct mc_cloud_options *options, struct mc_journal *journal,
	void (*handler)(void *data, const struct mc_cloud_event *event), void *data, struct mc_cloud **ret_cloud,
	struct mc_error *error);
/* Ends all threads; the cloud's containers go on running. */
void mc_cloud_close(struct mc_cloud *cloud);

const struct mc_cloud_options *mc_cloud_options(const struct mc_cloud *cloud);
/* NULL: nothing of this cloud runs in an engine of ours. */
struct mc_engine *mc_cloud_engine(struct mc_cloud *cloud);
/* The journal that the cloud was opened with. */
struct mc_journal *mc_cloud_journal(struct mc_cloud *cloud);

/* Whether all that it has may be asked for. False for a cloud that is there already while it is looked at for the first
 * time; MC_CLOUD_SEEN ends that. */
bool mc_cloud_is_seen(const struct mc_cloud *cloud);

/* Whether anything of it may be changed through this mount, now: 0; -EROFS: it is mounted read-only; -EBUSY: another
 * machine's daemon has the cloud, or may have it. Asks nobody. Who has begun before it changed stops by himself. */
int mc_cloud_may_change(struct mc_cloud *cloud, struct mc_error *error);

int mc_cloud_regions(struct mc_cloud *cloud, struct mc_region_views *ret_views); /* by number; 0 or -ENOMEM */
void mc_region_views_clear(struct mc_region_views *views);
/* -ENOENT: no such region. */
int mc_cloud_region(struct mc_cloud *cloud, const char *name, struct mc_region_view *ret_view);
void mc_region_view_clear(struct mc_region_view *view);
/* The master's name, malloc'd, or NULL. */
char *mc_cloud_master(struct mc_cloud *cloud);

int mc_cloud_services(struct mc_cloud *cloud, struct mc_engine_service_list *ret_list);
int mc_cloud_service(struct mc_cloud *cloud, const char *name, struct mc_engine_service *ret_service);

/* Does ACTION to the service NAME; what that has made of it is known, and told, when this returns. Errors are the
 * engine's; -EBUSY also where its network was removed: its region is repaired then. */
int mc_cloud_act(struct mc_cloud *cloud, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *error);

/* Whether the cloud's engine is of several machines; constant. */
bool mc_cloud_has_machines(const struct mc_cloud *cloud);
/* The machines of the cloud's engine, which is asked where it hasn't told yet, or not lately. -EOPNOTSUPP: it is of one
 * only. */
int mc_cloud_nodes(struct mc_cloud *cloud, struct mc_engine_node_list *ret_list, struct mc_error *error);
/* The same as far as they are known, from memory. -EOPNOTSUPP: it is of one only; -EAGAIN: it has never told. */
int mc_cloud_known_nodes(struct mc_cloud *cloud, struct mc_engine_node_list *ret_list, struct mc_error *error);

/* The life of a region. All return as soon as the work has begun; `progress` and events tell the rest. */
/* On the machine NODE, or (NULL) where the fewest regions are. -ENOENT: there is no such machine; -EBUSY: it takes no
 * regions; -EHOSTUNREACH: it is down, or can't be reached. */
int mc_region_create(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, const char *node, struct mc_error *error);
enum mc_region_verb { MC_REGION_START, MC_REGION_STOP, MC_REGION_RESTART, MC_REGION_REPAIR, MC_REGION_DESTROY };
int mc_region_command(struct mc_cloud *cloud, const char *name, enum mc_region_verb verb, struct mc_error *error);
/* Takes the region, and with a master the slaves after it, to RELEASE, or (NULL) the one that the cloud was mounted
 * for. What fails leaves it as it was. -EBUSY: it is that already; -EINVAL: there is no such release, or it is older;
 * -EAGAIN, -EBUSY: not now. */
int mc_region_upgrade(struct mc_cloud *cloud, const char *name, const char *release, struct mc_error *error);
/* rmdir: -ENOTEMPTY while the region holds images, -EBUSY for a master with slaves; waits until nothing is left. */
int mc_region_remove(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error);

/* Whether the region NAME (NULL: the master) can be asked now: 0; 1: it is on its way there, ask again after the next
 * MC_CLOUD_REGION_CHANGED; -EAGAIN: it is stopped or stands by; -EIO: it failed; -ENOENT: there is none. A degraded
 * region is 0: its services answer, or not, for themselves. */
int mc_region_serving(struct mc_cloud *cloud, const char *name, struct mc_error *error);

/* A new reference to the backend of region NAME (NULL: the master); to be dropped by its _unref. */
int mc_cloud_keystone(
	struct mc_cloud *cloud, const char *name, struct mc_keystone **ret_keystone, struct mc_error *error);
int mc_cloud_glance(struct mc_cloud *cloud, const char *name, struct mc_glance **ret_glance, struct mc_error *error);
/* The directory; lives as long as the cloud. -EAGAIN while no region has ever been started. */
int mc_cloud_directory(struct mc_cloud *cloud, struct mc_directory **ret_directory, struct mc_error *error);

/* Images on their way into the cloud. */
struct mc_transfers *mc_cloud_transfers(struct mc_cloud *cloud);

/* A region's work, of which DONE of TOTAL steps are done. */
struct mc_work_view {
	char *region;
	const char *doing; /* "starting", a constant string */
	unsigned done, total;
	double seconds; /* since it began */
};
struct mc_work_views {
	struct mc_work_view *items;
	size_t count;
};
/* Of all regions that have work under way; 0 or -ENOMEM. */
int mc_cloud_works(struct mc_cloud *cloud, struct mc_work_views *ret_views);
void mc_work_views_clear(struct mc_work_views *views);

static inline void mc_cleanup_work_views(struct mc_work_views *views)
{
	int saved = errno;
	mc_work_views_clear(views);
	errno = saved;
}

/* Lines of `progress` of a region's last start or other work, from line FROM on; *RET_DONE: no more will come. Gives
 * the next FROM. */
size_t mc_region_progress(struct mc_cloud *cloud, const char *name, size_t from, struct mc_buffer *out, bool *ret_done);

/* Copies image ID of region FROM to region TO (mc_glance_copy()), in the background: MC_CLOUD_COPY and
 * mc_image_progress() tell the rest. -EINVAL: no such region, or the same; -EAGAIN: TO doesn't serve; -EBUSY: the image
 * is being copied already, or too many others are. */
int mc_image_replicate(
	struct mc_cloud *cloud, const char *from, const char *id, const char *to, struct mc_error *error);
/* Adds what the last copy of image ID of region FROM has told, from byte AT on, to OUT; gives the next AT. *RET_DONE:
 * no more will come, and *RET_RESULT is how it went: 0 (also without a copy) or -errno. */
size_t mc_image_progress(struct mc_cloud *cloud, const char *from, const char *id, size_t at, struct mc_buffer *out,
	bool *ret_done, int *ret_result);

/* The certificate, in PEM, of the CA by which the cloud's services are believed, malloc'd; NULL: they have no TLS, or
 * there never was a region. */
char *mc_cloud_ca(struct mc_cloud *cloud);
/* Whether Keystone and Glance of a cloud that is made here are reached by https only. */
bool mc_cloud_has_tls(const struct mc_cloud *cloud);

/* The password of the mount's admin login, malloc'd, for `openrc` and `clouds.yaml`. */
char *mc_cloud_admin_password(struct mc_cloud *cloud);

/* SECRET is that of the thing with id ID, which its service tells this once: kept in memory only, until it is dropped
 * or the cloud is closed, and wiped then. 0 or -ENOMEM. */
int mc_cloud_keep_secret(struct mc_cloud *cloud, const char *id, const char *secret);
/* A copy, malloc'd, for mc_free_secret(); NULL: it isn't kept, or out of memory. */
char *mc_cloud_kept_secret(struct mc_cloud *cloud, const char *id);
void mc_cloud_drop_secret(struct mc_cloud *cloud, const char *id);

/* Beside the kinds of identity, for the next three functions: enum mc_identity_kind goes before. */
enum mc_partial_kind { MC_PARTIAL_REGIONS = MC_IDENTITY_ROLE + 1, MC_PARTIAL_KINDS };

/* Of KIND in PLACE (struct mc_identity tells what that is) not all could be listed, for REASON, or, NULL, all. The
 * first of each kind is an MC_CLOUD_FAILURE. */
void mc_cloud_note_partial(struct mc_cloud *cloud, unsigned kind, const char *place, const struct mc_error *reason);
/* The last such reason, malloc'd; NULL: there is none. */
char *mc_cloud_partial(struct mc_cloud *cloud, unsigned kind, const char *place);
/* Whether there is one in any place. */
bool mc_cloud_is_partial(struct mc_cloud *cloud, unsigned kind);

/* Fernet keys. What a region's Keystone holds is asked of each in turn, for as long as the cloud's timeout; one
 * that doesn't answer is not shown as a holder. -EINTR: CALL was cancelled meanwhile. */
int mc_fernet_show(struct mc_cloud *cloud, struct mc_call *call, struct mc_buffer *out, struct mc_error *error);
int mc_fernet_rotate(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error);

#endif
