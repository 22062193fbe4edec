/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_ENGINE_SWARM_PRIVATE_H
#define BACKENDS_ENGINE_SWARM_PRIVATE_H

#include "backends/engine/docker/private.h"
#include "backends/engine/swarm/rules.h"

/* One engine over those of all nodes of a Swarm. The Swarm says which nodes there are, how they are, and makes the
 * network; the containers are each node's engine's own, as the Swarm's services have no exec, no archive, no stats and
 * no events of containers at a manager, and come up on another node without their volumes. Each node's engine is an
 * mc_engine_docker with connections of its own, so that one that hangs holds up nobody who doesn't ask for it.
 *
 * What can't be asked is not gone: what was seen of it last stays, with the state "unreachable". */

#define MC_SWARM_NODE_MS 5000    /* so long one node may take where all are asked, and half of what the asker has */
#define MC_SWARM_REFRESH_MS 2000 /* so often the manager is asked for the nodes */
#define MC_SWARM_ARRIVAL_MS                                                                                            \
	10000                      /* so long an engine that was just started may take to find its Swarm, or a network \
				    */
#define MC_SWARM_ARRIVAL_PAUSE 250 /* ms */

struct mc_swarm;

/* A node and its engine. It stays until the end: threads may be asking it. */
struct mc_swarm_node {
	struct mc_swarm *swarm;
	struct mc_engine *engine; /* NULL: nowhere, FLAW says why; of the node here it is swarm->local */
	struct mc_error flaw;
	char socket[300];
	bool is_watched; /* the watch's thread's */

	/* Guarded by swarm->lock. */
	struct mc_swarm_fact fact;
	char told[12];       /* the state that was told last; "": none, "gone": that it has left */
	bool is_gone;        /* it has left the Swarm, or its engine is elsewhere by now */
	bool is_unreachable; /* its events don't flow, or it didn't answer */
	bool is_deaf;        /* its events flow, and it didn't say what it has when it was asked last */
	struct mc_engine_service_list seen;
	struct mc_engine_volume_list volumes;
};

enum mc_swarm_kind { MC_SWARM_SERVICE, MC_SWARM_VOLUME };

/* Where something is. */
struct mc_swarm_route {
	struct mc_swarm_route *next;
	struct mc_swarm_node *node;
	enum mc_swarm_kind kind;
	char name[];
};

struct mc_swarm {
	struct mc_engine engine; /* first: what the ops are given */
	struct mc_engine *local; /* the manager */
	char *cloud, *cacert, *cert, *key;
	struct mc_journal *journal;
	int timeout_ms;

	mc_mutex lock; /* guards what is below and in the nodes; nothing else is locked while it is */
	pthread_cond_t news;
	struct mc_swarm_node **nodes; /* all that there ever were, in the manager's order */
	size_t n_nodes;
	struct mc_swarm_route *routes;
	struct mc_error flaw; /* why the last question for the nodes failed; code 0: it didn't */
	int64_t asked;        /* mc_now_ms() of it */
	bool is_known;        /* one has succeeded */
	bool is_watched, is_told, is_stopping;
	struct mc_call *asking; /* borrowed from the watch's thread while it asks */

	/* The watch. */
	pthread_t thread;
	mc_mutex telling; /* held while HANDLER runs, one at a time; taken before `lock` */
	void (*handler)(void *data, const struct mc_engine_event *event);
	void *data;
};

static inline struct mc_swarm *mc_swarm_of(struct mc_engine *engine)
{
	return (struct mc_swarm *)engine;
}

/* --- members.c --- */

/* Asks the manager for the nodes. */
int mc_swarm_refresh(struct mc_swarm *swarm, struct mc_call *call, struct mc_error *error);
/* As refresh, unless the nodes are known well enough. IS_STRICT: what is known from before the manager failed isn't. */
int mc_swarm_know(struct mc_swarm *swarm, struct mc_call *call, bool is_strict, struct mc_error *error);
/* Those that are in the Swarm, malloc'd; NULL: out of memory. */
struct mc_swarm_node **mc_swarm_nodes(struct mc_swarm *swarm, size_t *ret_count);
/* The one called NAME, or (NULL) the one here; NULL: there is none. */
struct mc_swarm_node *mc_swarm_node(struct mc_swarm *swarm, const char *name);
/* Its name, as it is now, malloc'd. */
char *mc_swarm_node_name(struct mc_swarm_node *node);
/* Whether asking it is worth the while; -EHOSTUNREACH or -EINVAL with a sentence otherwise. */
int mc_swarm_reaches(struct mc_swarm_node *node, struct mc_error *error);
void mc_swarm_note_reached(struct mc_swarm_node *node, bool is_reached);
/* As mc_swarm_state(). */
const char *mc_swarm_node_state(const struct mc_swarm_node *node) MC_REQUIRES(node->swarm->lock);
int mc_swarm_list_nodes(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_node_list *ret, struct mc_error *error);
void mc_swarm_node_free(struct mc_swarm_node *node);

/* --- routes.c --- */

void mc_swarm_learn(struct mc_swarm_node *node, enum mc_swarm_kind kind, const char *name);
/* Unless it is on another than NODE by now. */
void mc_swarm_forget(struct mc_swarm_node *node, enum mc_swarm_kind kind, const char *name);
/* NULL: it isn't known. */
struct mc_swarm_node *mc_swarm_known(struct mc_swarm *swarm, enum mc_swarm_kind kind, const char *name);
/* Asks all nodes for NAME: as mc_swarm_decide(). */
int mc_swarm_find(struct mc_swarm *swarm, struct mc_call *call, enum mc_swarm_kind kind, const char *name,
	struct mc_swarm_node **ret, struct mc_error *error);
/* Takes a copy of SERVICE as what was seen last, or out of it (NULL). */
void mc_swarm_remember(struct mc_swarm_node *node, const char *name, const struct mc_engine_service *service);
/* A copy of what was seen last of NAME, as unreachable: 0, -ENOENT, -ENOMEM. */
int mc_swarm_recall(struct mc_swarm_node *node, const char *name, struct mc_engine_service *ret);

/* --- all.c --- */

/* What one node is asked, beside the others, and what came of it. */
struct mc_swarm_asked {
	struct mc_swarm_node *node;
	int result;
	struct mc_error error;
	union {
		struct mc_engine_service service;
		struct mc_engine_service_list services;
		struct mc_engine_volume_list volumes;
	} got; /* by the asker, who also clears it, if the result is 0 */
};

/* Asks all COUNT at once; each within MC_SWARM_NODE_MS, or half of what CALL has: who doesn't answer leaves time for
 * what comes next. ARGUMENT is passed on. */
void mc_swarm_ask(struct mc_call *call, struct mc_swarm_asked *asked, size_t count,
	int (*ask)(struct mc_engine *engine, struct mc_call *call, const void *argument, struct mc_swarm_asked *asked),
	const void *argument);
/* All nodes, to be asked; malloc'd; NULL: out of memory. */
struct mc_swarm_asked *mc_swarm_everyone(struct mc_swarm *swarm, size_t *ret_count);

int mc_swarm_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_service_list *ret, struct mc_error *error);
/* Asks those again who didn't say what they have, and tells of who does now. */
void mc_swarm_ask_again(struct mc_swarm *swarm, struct mc_call *call);
int mc_swarm_volume_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_volume_list *ret, struct mc_error *error);
/* Takes LIST over as what NODE has. */
void mc_swarm_take_volumes(struct mc_swarm_node *node, struct mc_engine_volume_list *list);
int mc_swarm_clear(struct mc_engine *engine, struct mc_call *call, struct mc_error *error);

/* --- act.c --- */

int mc_swarm_create(struct mc_engine *engine, struct mc_call *call, const struct mc_engine_service_spec *spec,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error);
int mc_swarm_volume_create(struct mc_engine *engine, struct mc_call *call, const char *name, const char *node,
	const struct mc_engine_label *labels, const char *device, struct mc_error *error);
int mc_swarm_volume_remove(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_error *error);
/* Calls ASK with the engine that has service NAME, and again with another if it has gone there. */
int mc_swarm_on_node(struct mc_swarm *swarm, struct mc_call *call, const char *name,
	int (*ask)(struct mc_engine *engine, struct mc_call *call, const char *name, void *argument,
		struct mc_error *error),
	void *argument, struct mc_error *error);
int mc_swarm_look(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_engine_service *ret,
	struct mc_error *error);

/* --- lease.c --- */

int mc_swarm_lease(struct mc_engine *engine, struct mc_call *call, enum mc_engine_lease_action action,
	struct mc_engine_lease *lease, struct mc_error *error);

/* --- image.c --- */

/* Brings IMAGE to NODE from here, if it lacks it: 0, or -ENOENT where it is missing here, too. As long as bytes come,
 * CALL's time doesn't end. */
int mc_swarm_bring_image(struct mc_swarm_node *node, struct mc_call *call, const char *image, struct mc_error *error);

/* --- watch.c --- */

int mc_swarm_watch(struct mc_engine *engine, void (*handler)(void *data, const struct mc_engine_event *), void *data,
	struct mc_error *error);
/* Ends the watch's thread. */
void mc_swarm_unwatch(struct mc_swarm *swarm);
/* Tells what is being done to NODE. */
void mc_swarm_tell_text(struct mc_swarm_node *node, const char *text);

#endif
