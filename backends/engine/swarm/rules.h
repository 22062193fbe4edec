/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_ENGINE_SWARM_RULES_H
#define BACKENDS_ENGINE_SWARM_RULES_H

#include "mcloud/engine.h"

#include <cjson/cJSON.h>

/* What a manager's answers mean (docs.docker.com/reference/api/engine/version/v1.41: SystemInfo, Node), and what
 * follows from it. All of it is pure. */

#define MC_SWARM_LABEL "org.mcloudfs.engine"
#define MC_SWARM_PORT "2376"

/* A node as the manager tells of it. */
struct mc_swarm_fact {
	char *id, *name, *address, *version, *architecture;
	char *label; /* where its engine is said to be; "": nothing is said */
	char availability[12];
	bool is_up, is_here;
	unsigned cpus;
	uint64_t memory;
};

struct mc_swarm_facts {
	struct mc_swarm_fact *items;
	size_t count;
};

void mc_swarm_fact_clear(struct mc_swarm_fact *fact);
void mc_swarm_facts_clear(struct mc_swarm_facts *facts);

/* Whether the engine at SOCKET, whose INFO this is, is a manager that works, and its id in *RET_ID (INFO's). -EAGAIN:
 * not yet, as it has just been started; else -EOPNOTSUPP, -EACCES, -EHOSTUNREACH, -EIO with a sentence. */
int mc_swarm_check(const cJSON *info, const char *socket, const char **ret_id, struct mc_error *error);
/* -EHOSTUNREACH with a sentence, if what a manager SAID of a question for its nodes is that it has no leader; else 0.
 */
int mc_swarm_check_quorum(const char *said, const char *socket, struct mc_error *error);

/* The nodes of a /nodes answer, the one with the id HERE first. Of several of one name the one with the first id has
 * it, and the others have a piece of their ids behind it; what a node was before it left and joined again, by the same
 * name and address, is left out. 0, -ENOMEM; -EBADMSG: HERE
 * isn't in it, or it is no list. */
int mc_swarm_facts_of(const cJSON *nodes, const char *here, struct mc_swarm_facts *ret);

/* "ready", "down" or "unreachable"; IS_REACHED: whether the node's engine answers. */
const char *mc_swarm_state(const struct mc_swarm_fact *fact, bool is_reached);

/* Where the engine of FACT, which is not here, is. -EINVAL with a sentence, and RET "": nowhere, by what is said of it.
 */
int mc_swarm_socket(const struct mc_swarm_fact *fact, char ret[static 300], struct mc_error *error);

/* Whether something can be made on a node in STATE; ARCHITECTURE is that of here. -EBUSY, -EHOSTUNREACH, -EOPNOTSUPP
 * with a sentence. */
int mc_swarm_may_run(
	const struct mc_swarm_fact *fact, const char *state, const char *architecture, struct mc_error *error);

/* What came of asking NODE for something: 0 (it has it), -ENOENT, or why it isn't known. */
struct mc_swarm_answer {
	const char *node;
	int result;
};

/* Which of ANSWERS has WHAT, in *RET. -ENOENT: those that could be asked have not, and what the others have is known of
 * old, or theirs to tell when they are back; -EHOSTUNREACH: none could be asked; with a sentence. */
int mc_swarm_decide(
	const struct mc_swarm_answer *answers, size_t count, const char *what, size_t *ret, struct mc_error *error);

#endif
