/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_ENGINE_H
#define MCLOUD_ENGINE_H

#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/journal.h"
#include "mcloud/reach.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a region needs of something that runs containers. One engine object serves one cloud: it sees, and touches, only
 * what carries that cloud's label. Names are the cloud's own ("keystone-Kista", "ldap"); how they are called inside the
 * engine, which network they share and where a volume lies is the engine's business. Every function that takes a call
 * waits at most that long; all are safe in any thread and idempotent: making what is there, or removing what is not, is
 * success. */

struct mc_engine_label {
	const char *name,
		*value; /* short names: "region", "number"; the engine prefixes them. Lists end with a NULL name */
};

/* A service that is made with this label, as a spare, becomes another later (adopt): one whose name is the label's
 * value, a hyphen, and its region's name. All its other labels stay. */
#define MC_ENGINE_SPARE "spare"

struct mc_engine_file {
	const char *path; /* absolute, inside the container; missing directories are made, owned as the file, and open
			     to whom it is */
	unsigned mode, uid, gid;
	const void *data;
	size_t size;
};

struct mc_engine_service_spec {
	const char *name;
	const char *node;  /* the machine that it is to run on, of those of `nodes`; NULL: here */
	const char *host;  /* the name by which the others reach it: one DNS label, 63 bytes at most */
	const char *alias; /* another such name, which may have dots; NULL: none */
	const struct mc_engine_label *labels; /* "region", "kind", "number", … */
	const char *image;
	const char *const *command;       /* argv; NULL: the image's own */
	bool is_root;                     /* whoever the image's user is */
	const char *volume, *volume_path; /* NULL: none; a volume's name is the cloud's own as well */
	const char *volume_device;        /* as volume_create has it */
	const char *source, *source_path; /* likewise: one that it can only read */
	const char *source_device;
	const char *folder, *folder_path;   /* a directory of its machine, made if it is missing; NULL: none */
	const char *sockets, *sockets_path; /* as volume and its path: one without data, which services meet in */
	const char *host_address;           /* where its port is published on its machine; NULL: it is not */
	unsigned short port, host_port;     /* HOST_PORT 0: as PORT */
	const char *const *health;          /* argv; NULL: none */
	unsigned health_interval_ms;        /* failures in the first 2 minutes don't make it unhealthy */
	unsigned stop_seconds;
};

/* How a service is doing; strings are owned by the info. */
struct mc_engine_service {
	char *name, *id, *image;
	char *health;          /* starting healthy unhealthy; NULL: no check, or it has never run */
	char *address, *ports; /* "": none */
	char *node;            /* the machine that it runs on; NULL: here, and the engine knows no others */
	char *link;            /* the interface of this machine behind which ADDRESS is; NULL: it isn't known */
	char *region, *kind;   /* of its labels; region NULL: shared by all */
	/* created running paused restarting exited dead; or unreachable: its machine can't be asked, and the rest is as
	 * it was seen last */
	char state[16];
	double created, started; /* seconds since 1970; 0: never */
	int exit_code;
	unsigned restarts;
	bool is_detached; /* somebody has taken it out of the cloud's network */
	bool is_spare;    /* it was made as a spare, and still is one */
};

struct mc_engine_service_list {
	struct mc_engine_service *items;
	size_t count;
};

struct mc_engine_volume {
	char *name;
	double created;
	struct mc_engine_label *labels; /* owned; ends with a NULL name */
};

struct mc_engine_volume_list {
	struct mc_engine_volume *items;
	size_t count;
};

/* A machine that services can run on. */
struct mc_engine_node {
	char *name, *address, *version; /* of its engine; "": it isn't known */
	/* ready; down: the others of the cluster miss it; unreachable: its engine doesn't answer, and its services may
	 * well run */
	char state[12];
	bool is_here, takes_regions; /* it is not being emptied, nor put aside */
	unsigned cpus;
	uint64_t memory; /* bytes */
};

struct mc_engine_node_list {
	struct mc_engine_node *items;
	size_t count;
};

#define MC_ENGINE_LEASE_MAX 127

/* Which daemon may change the cloud, where several machines could have one: a thing that all machines of the engine
 * agree on, and that is changed only from the version that was seen. When a daemon may take it, or has lost it, is not
 * the engine's to say. */
struct mc_engine_lease {
	char holder[MC_ENGINE_LEASE_MAX + 1]; /* who has it, or, where `run` is "", has given it back */
	char run[MC_ENGINE_LEASE_MAX + 1];    /* which daemon of the holder's */
	char host[MC_ENGINE_LEASE_MAX + 1];   /* the name of the holder's machine */
	char here[MC_ENGINE_LEASE_MAX + 1];   /* an id of this machine's, which none of the others has */
	char id[MC_ENGINE_LEASE_MAX + 1];     /* the engine's own */
	uint64_t version;                     /* each change makes it another one; 0: there is no lease */
};

enum mc_engine_lease_action {
	MC_ENGINE_LEASE_LOOK, /* fills in the lease as it is now */
	MC_ENGINE_LEASE_PUT,  /* `holder` and `run` are so from now on, if `version` is that which was looked at */
	MC_ENGINE_LEASE_DROP  /* there is none any more, whoever has it */
};

struct mc_engine_stats {
	double cpu_percent;                                                               /* of one core, now */
	double cpu_seconds;                                                               /* since its start */
	uint64_t memory, memory_limit, net_received, net_sent, block_read, block_written; /* bytes */
	unsigned processes;
};

enum mc_engine_action {
	MC_ENGINE_START,
	MC_ENGINE_STOP,
	MC_ENGINE_RESTART,
	MC_ENGINE_KILL,
	MC_ENGINE_PAUSE,
	MC_ENGINE_UNPAUSE,
	MC_ENGINE_REMOVE
};

enum mc_engine_event_kind {
	MC_ENGINE_SERVICE,      /* `name` changed: look at it again */
	MC_ENGINE_GONE,         /* `name` was removed */
	MC_ENGINE_CONNECTED,    /* events flow (again): list everything, some may have been missed */
	MC_ENGINE_DISCONNECTED, /* the engine can't be reached; it is tried again until it can */
	MC_ENGINE_NODE,         /* machine `name` is in `state` now: list what runs there, some may have been missed */
};

struct mc_engine_event {
	enum mc_engine_event_kind kind;
	const char *name; /* of the service or machine, else NULL */
	const char *id;   /* where only this is known of the service, instead of its name; else NULL */
	/* The state that the event itself tells ("running", "exited", "paused"), or NULL where a look is needed; valid
	 * with its exit code at once, without another question. */
	const char *state;
	const char *health; /* likewise */
	const char *text;   /* of a machine: a sentence on what is being done to it; NULL: nothing to be told */
	int exit_code;
	double when; /* seconds since 1970 */
};

struct mc_engine;
struct mc_engine_follow;

struct mc_engine_ops {
	const char *name; /* "docker" */
	void (*free)(struct mc_engine *engine);

	/* "20.10.24 (API 1.41)" in *RET_VERSION, malloc'd. */
	int (*version)(struct mc_engine *, struct mc_call *, char **ret_version, struct mc_error *);

	/* The machines, this one among them, at first. Without a call they are told from memory, at once; -EAGAIN: it
	 * isn't known yet which there are. NULL: the engine is of one machine. */
	int (*nodes)(struct mc_engine *, struct mc_call *, struct mc_engine_node_list *ret, struct mc_error *);

	/* Does ACTION to the cloud's lease. -EBUSY: it has changed since it was looked at, and was left as it is;
	 * -EHOSTUNREACH: those who have to agree can't be reached; -EEXIST: something of its name isn't the cloud's.
	 * After another failure a change may be made yet. NULL: the engine is of one machine. */
	int (*lease)(struct mc_engine *, struct mc_call *, enum mc_engine_lease_action, struct mc_engine_lease *,
		struct mc_error *);

	/* 0: the image is there; -ENOENT with a sentence that says how to get it. */
	int (*has_image)(struct mc_engine *, struct mc_call *, const char *image, struct mc_error *);

	/* What all services of the cloud need in common (a network). Removing is -EBUSY while one uses it. */
	int (*prepare)(struct mc_engine *, struct mc_call *, struct mc_error *);
	int (*clear)(struct mc_engine *, struct mc_call *, struct mc_error *);

	/* A volume is on NODE (as in struct mc_engine_service_spec; an engine of one machine ignores it). Its content
	 * is the directory DEVICE of that machine (NULL: the engine keeps it), and stays there when
	 * the volume is removed; an empty one gets what the image of the first service that has the volume has in its
	 * place. volume_create is -EEXIST if one of that name is there already (in this cloud: with whatever labels),
	 * -EBUSY if somebody else's is, its content isn't DEVICE's, or it is on another node. */
	int (*volume_create)(struct mc_engine *, struct mc_call *, const char *name, const char *node,
		const struct mc_engine_label *, const char *device, struct mc_error *);
	int (*volume_list)(struct mc_engine *, struct mc_call *, struct mc_engine_volume_list *ret, struct mc_error *);
	int (*volume_remove)(struct mc_engine *, struct mc_call *, const char *name, struct mc_error *);

	/* Makes a service with its files in it, not yet running; -EEXIST if there is one of that name, -EBUSY if the
	 * engine has something of that name that isn't the cloud's, or has it on another node. It has its files or
	 * isn't there, also after kill -9. */
	int (*create)(struct mc_engine *, struct mc_call *, const struct mc_engine_service_spec *,
		const struct mc_engine_file *files, size_t n_files, struct mc_error *);

	/* The spare SPARE, which runs, gets FILES, and then is the service NAME, wholly or not at all: a spare whose
	 * files were put into it in vain can be adopted again. -ENOENT: there is no such spare, or it doesn't run;
	 * -EEXIST, -EBUSY: as of create. An engine that has no spares refuses their creation by -EOPNOTSUPP. */
	int (*adopt)(struct mc_engine *, struct mc_call *, const char *spare, const char *name,
		const struct mc_engine_file *files, size_t n_files, struct mc_error *);

	/* Puts a service, running or not, back into the network of the cloud, where others reach it as HOST and, if
	 * that isn't NULL, as ALIAS. Success where it is in it. */
	int (*attach)(struct mc_engine *, struct mc_call *, const char *name, const char *host, const char *alias,
		struct mc_error *);

	/* SIGNAL: for KILL, "SIGKILL", "HUP", "9"; NULL: SIGKILL. STOP asks and, after the service's stop_seconds,
	 * kills. START of a port that somebody else has: -EADDRINUSE; of one whose network is gone: -ENONET. PAUSE of
	 * what doesn't run and so on: -EBUSY. REMOVE takes a running one too. No such service: -ENOENT (REMOVE: 0). */
	int (*act)(struct mc_engine *, struct mc_call *, const char *name, enum mc_engine_action, const char *signal,
		struct mc_error *);

	/* Files into a service, running or not; each is there wholly or not at all. */
	int (*upload)(struct mc_engine *, struct mc_call *, const char *name, const struct mc_engine_file *files,
		size_t n_files, struct mc_error *);

	/* Runs ARGV inside a running service and waits for its end; its exit code in *RET_CODE, output (both streams,
	 * may be NULL; -EFBIG past 16 MiB). A cancelled call leaves the command running. */
	int (*run)(struct mc_engine *, struct mc_call *, const char *name, const char *const *argv, int *ret_code,
		struct mc_buffer *output, struct mc_error *);

	int (*list)(struct mc_engine *, struct mc_call *, struct mc_engine_service_list *ret, struct mc_error *);
	/* One service in *RET (to be cleared with mc_engine_service_clear()). */
	int (*look)(struct mc_engine *, struct mc_call *, const char *name, struct mc_engine_service *ret,
		struct mc_error *);
	int (*inspect)(struct mc_engine *, struct mc_call *, const char *name, char **ret_json, struct mc_error *);
	/* All of its log that the engine keeps (the last 4 to 8 MB), each line with an RFC 3339 time in front, to OUT.
	 */
	int (*log)(struct mc_engine *, struct mc_call *, const char *name, struct mc_buffer *out, struct mc_error *);
	int (*stats)(
		struct mc_engine *, struct mc_call *, const char *name, struct mc_engine_stats *ret, struct mc_error *);
	/* A table of its processes: a line of titles, then one a process, columns separated by blanks. */
	int (*top)(struct mc_engine *, struct mc_call *, const char *name, struct mc_buffer *out, struct mc_error *);

	/* Its log from now on, as lines with times, until unfollow: ON_TEXT in a thread of the engine's own, with whole
	 * lines; ON_END when the service has ended or the engine is gone. unfollow may not be called from the handlers;
	 * after it no handler runs. */
	int (*follow)(struct mc_engine *, const char *name, void (*on_text)(void *data, const char *text, size_t size),
		void (*on_end)(void *data), void *data, struct mc_engine_follow **ret, struct mc_error *);
	void (*unfollow)(struct mc_engine_follow *);

	/* Starts telling what happens; HANDLER runs in a thread of the engine's own and doesn't wait for long. Once
	 * only; ends with free(). It begins with CONNECTED or DISCONNECTED. */
	int (*watch)(struct mc_engine *, void (*handler)(void *data, const struct mc_engine_event *), void *data,
		struct mc_error *);
};

struct mc_engine {
	const struct mc_engine_ops *ops;
};

/* Where an engine is reached, and as whom. */
struct mc_engine_place {
	const char *socket; /* of a Unix socket the absolute path or "unix:///PATH"; or "tcp://HOST:PORT" (IPv6 in
			       brackets), which is always https */
	struct mc_tls tls;  /* for tcp: cacert, cert and key, as DOCKER_CERT_PATH has them in ca.pem, cert.pem and
			       key.pem (docs.docker.com/engine/security/protect-access); the rest is not looked at */
	bool encrypts; /* what services of several machines say to each other; an engine of one machine ignores it */
};

/* The Docker Engine API at PLACE (copied), for the cloud CLOUD. TIMEOUT_MS bounds calls of the engine's own
 * (re-connection). Succeeds also while the engine isn't there: its calls say ECONNREFUSED; and where PLACE is none:
 * they say EINVAL, with a sentence. NULL: out of memory. */
struct mc_engine *mc_engine_docker_new(
	const struct mc_engine_place *place, const char *cloud, struct mc_journal *journal, int timeout_ms);

/* The engines of all nodes of a Docker Swarm as one, of which the one at PLACE is a manager; each other one is reached
 * where the node's label "org.mcloudfs.engine" says ("tcp://…", "unix://…"), or else at tcp://ADDRESS:2376, with
 * PLACE's certificate. Otherwise as mc_engine_docker_new(). */
struct mc_engine *mc_engine_swarm_new(
	const struct mc_engine_place *place, const char *cloud, struct mc_journal *journal, int timeout_ms);

/* Whether NAME is an engine's (backends/engine/engines.c), or "auto": the first of them. */
bool mc_engine_is_known(const char *name);
/* The place CHOSEN, or (NULL) where the engine NAME is when nothing else is said; NULL: it is not known. */
const char *mc_engine_socket(const char *name, const char *chosen);
/* The engine NAME, as its own function makes it. NULL also when it is not known. */
struct mc_engine *mc_engine_new(const char *name, const struct mc_engine_place *place, const char *cloud,
	struct mc_journal *journal, int timeout_ms);

/* 0 or -ENOMEM. */
int mc_engine_service_copy(struct mc_engine_service *ret, const struct mc_engine_service *service);
void mc_engine_service_clear(struct mc_engine_service *service);
void mc_engine_service_list_clear(struct mc_engine_service_list *list);
void mc_engine_volume_list_clear(struct mc_engine_volume_list *list);
void mc_engine_node_clear(struct mc_engine_node *node);
void mc_engine_node_list_clear(struct mc_engine_node_list *list);

/* The value of label NAME, or NULL. */
const char *mc_engine_volume_label(const struct mc_engine_volume *volume, const char *name);

#endif
