/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/rules.h"

#include "backends/engine/docker/private.h"
#include "backends/engine/place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mc_swarm_fact_clear(struct mc_swarm_fact *fact)
{
	free(fact->id);
	free(fact->name);
	free(fact->address);
	free(fact->version);
	free(fact->architecture);
	free(fact->label);
	*fact = (struct mc_swarm_fact){0};
}

void mc_swarm_facts_clear(struct mc_swarm_facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		mc_swarm_fact_clear(&facts->items[i]);
	free(facts->items);
	*facts = (struct mc_swarm_facts){0};
}

int mc_swarm_check_quorum(const char *said, const char *socket, struct mc_error *error)
{
	if (!strstr(said, "does not have a leader") && !strstr(said, "lost quorum"))
		return 0;
	return mc_docker_error(error, EHOSTUNREACH,
		"the Swarm of the container engine at %.150s has lost its quorum: start its other managers again, or, "
		"if "
		"they are lost, go on without them (docker swarm init --force-new-cluster)",
		socket);
}

int mc_swarm_check(const cJSON *info, const char *socket, const char **ret_id, struct mc_error *error)
{
	const cJSON *swarm = mc_docker_member(info, "Swarm", NULL);
	const char *state = mc_docker_text(swarm, "LocalNodeState"), *said = mc_docker_text(swarm, "Error");

	*ret_id = mc_docker_text(swarm, "NodeID");
	if (!strcmp(state, "pending"))
		return mc_docker_error(error, EAGAIN,
			"the container engine at %.150s has not come to its Swarm yet: wait, or see in its log what it "
			"waits "
			"for",
			socket);
	if (!strcmp(state, "locked"))
		return mc_docker_error(error, EACCES,
			"the Swarm of the container engine at %.150s is locked: unlock it (docker swarm unlock)",
			socket);
	if (!strcmp(state, "error"))
		return mc_docker_error(error, EIO,
			"the container engine at %.150s can't take part in its Swarm (%.150s): mend that, or leave the "
			"Swarm "
			"(docker swarm leave) and join it anew",
			socket, said);
	if (strcmp(state, "active") != 0)
		return mc_docker_error(error, EOPNOTSUPP,
			"the container engine at %.150s is in no Swarm: make one (docker swarm init), or let it join "
			"one as a "
			"manager",
			socket);
	if (!cJSON_IsTrue(mc_docker_member(swarm, "ControlAvailable", NULL)))
		return mc_docker_error(error, EOPNOTSUPP,
			"the container engine at %.150s is a worker of its Swarm, and only managers know the nodes: "
			"run "
			"mcloudfs on one of them, or make this node one there (docker node promote)",
			socket);
	if (mc_swarm_check_quorum(said, socket, error) < 0)
		return -EHOSTUNREACH;
	return *said ? mc_docker_error(error, EIO, "the Swarm of the container engine at %.150s does not work: %.200s",
			       socket, said)
		     : 0;
}

/* The leader of a Swarm doesn't know what others call it by: then it is where it listens for them. */
static char *address_of_node(const cJSON *node, int *failed)
{
	const char *address = mc_docker_text(mc_docker_member(node, "Status", NULL), "Addr");
	const char *listens = mc_docker_text(mc_docker_member(node, "ManagerStatus", NULL), "Addr");
	const char *colon = strrchr(listens, ':');

	if (*address && strcmp(address, "0.0.0.0") != 0 && strcmp(address, "127.0.0.1") != 0 &&
		strcmp(address, "::") != 0)
		return mc_docker_copy(address, failed);
	size_t length = colon ? (size_t)(colon - listens) : 0;
	if (length > 2 && *listens == '[') {
		listens++;
		length -= 2;
	}
	char *copy = strndup(listens, length);
	if (!copy)
		*failed = -ENOMEM;
	return copy;
}

static int take_node(const cJSON *node, const char *here, struct mc_swarm_fact *ret)
{
	const cJSON *description = mc_docker_member(node, "Description", NULL);
	const cJSON *resources = mc_docker_member(description, "Resources", NULL);
	const char *id = mc_docker_text(node, "ID"), *name = mc_docker_text(description, "Hostname");
	uint64_t cpus = mc_docker_count(resources, "NanoCPUs") / 1000000000;
	int failed = 0;

	ret->id = mc_docker_copy(id, &failed);
	ret->name = mc_docker_copy(mc_docker_name_ok(name) ? name : id, &failed);
	ret->address = address_of_node(node, &failed);
	ret->version =
		mc_docker_copy(mc_docker_text(mc_docker_member(description, "Engine", NULL), "EngineVersion"), &failed);
	ret->architecture = mc_docker_copy(
		mc_docker_text(mc_docker_member(description, "Platform", NULL), "Architecture"), &failed);
	ret->label = mc_docker_copy(mc_docker_text(mc_docker_member(node, "Spec", "Labels"), MC_SWARM_LABEL), &failed);
	snprintf(ret->availability, sizeof ret->availability, "%s",
		mc_docker_text(mc_docker_member(node, "Spec", NULL), "Availability"));
	const char *state = mc_docker_text(mc_docker_member(node, "Status", NULL), "State");
	/* unknown: the manager has been away itself, and waits for the node's next sign. */
	ret->is_up = strcmp(state, "ready") == 0 || strcmp(state, "unknown") == 0;
	ret->is_here = strcmp(id, here) == 0;
	ret->cpus = cpus < UINT_MAX ? (unsigned)cpus : 0;
	ret->memory = mc_docker_count(resources, "MemoryBytes");
	return failed;
}

/* Whether A keeps the name that both have: always the same one. What is known of a region's machine is its name: should
 * that become another's when the machine goes down, all that was there would be gone. */
static bool keeps_name(const struct mc_swarm_fact *a, const struct mc_swarm_fact *b)
{
	return strcmp(a->id, b->id) < 0;
}

static int tell_apart(struct mc_swarm_facts *facts)
{
	bool *is_second = calloc(facts->count + 1, sizeof *is_second);
	int r = is_second ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < facts->count; i++)
		for (size_t j = 0; j < facts->count; j++)
			is_second[i] = is_second[i] || (i != j && !strcmp(facts->items[i].name, facts->items[j].name) &&
							       keeps_name(&facts->items[j], &facts->items[i]));
	for (size_t i = 0; r == 0 && i < facts->count; i++) {
		char *name = NULL;

		if (!is_second[i])
			continue;
		if (asprintf(&name, "%s-%.8s", facts->items[i].name, facts->items[i].id) < 0) {
			r = -ENOMEM;
			break;
		}
		free(facts->items[i].name);
		facts->items[i].name = name;
	}
	free(is_second);
	return r;
}

/* Whether AT is what NOW was in the Swarm before. */
static bool is_replaced_by(const struct mc_swarm_fact *at, const struct mc_swarm_fact *now)
{
	return now->is_up && !strcmp(now->name, at->name) && !strcmp(now->address, at->address) &&
	       !strcmp(now->label, at->label);
}

/* Who joins a Swarm again is another node in it, and the one it was stays, down for ever: its engine is the other's. */
static void drop_replaced(struct mc_swarm_facts *facts)
{
	for (size_t i = 0; i < facts->count;) {
		struct mc_swarm_fact *at = &facts->items[i];
		bool is_replaced = false;

		for (size_t j = 0; j < facts->count && !at->is_up && !at->is_here; j++)
			is_replaced = is_replaced || is_replaced_by(at, &facts->items[j]);
		if (!is_replaced) {
			i++;
			continue;
		}
		mc_swarm_fact_clear(at);
		memmove(at, at + 1, (--facts->count - i) * sizeof *at);
	}
}

static size_t own_index(const struct mc_swarm_facts *facts)
{
	size_t i = 0;

	while (i < facts->count && !facts->items[i].is_here)
		i++;
	return i;
}

int mc_swarm_facts_of(const cJSON *nodes, const char *here, struct mc_swarm_facts *ret)
{
	struct mc_swarm_facts facts = {0};
	const cJSON *node;
	int r = cJSON_IsArray(nodes) ? 0 : -EBADMSG;

	if (r == 0)
		facts.items = calloc((size_t)cJSON_GetArraySize(nodes) + 1, sizeof *facts.items);
	if (r == 0 && !facts.items)
		r = -ENOMEM;
	cJSON_ArrayForEach(node, nodes)
	{
		if (r < 0 || !*mc_docker_text(node, "ID"))
			continue;
		r = take_node(node, here, &facts.items[facts.count]);
		facts.count++;
	}
	if (r == 0)
		drop_replaced(&facts);
	size_t first = own_index(&facts);
	if (r == 0)
		r = first < facts.count ? tell_apart(&facts) : -EBADMSG;
	if (r < 0) {
		mc_swarm_facts_clear(&facts);
		return r;
	}
	struct mc_swarm_fact own = facts.items[first];
	memmove(facts.items + 1, facts.items, first * sizeof own);
	facts.items[0] = own;
	*ret = facts;
	return 0;
}

const char *mc_swarm_state(const struct mc_swarm_fact *fact, bool is_reached)
{
	return !fact->is_up ? "down" : is_reached ? "ready" : "unreachable";
}

int mc_swarm_socket(const struct mc_swarm_fact *fact, char ret[static 300], struct mc_error *error)
{
	struct mc_engine_address address;
	/* Whether there is a certificate is another question. */
	struct mc_engine_place place = {.socket = fact->label, .tls.cert = ""};
	bool is_ipv6 = strchr(fact->address, ':');

	*ret = '\0';
	if (*fact->label) {
		if (!strstr(fact->label, "://") || strlen(fact->label) >= 300 ||
			mc_engine_address_of(&place, &address, NULL) < 0)
			return mc_docker_error(error, EINVAL,
				"the label " MC_SWARM_LABEL
				" of machine %.60s is \"%.100s\", which is neither tcp://HOST:PORT nor "
				"unix:///PATH: correct it (docker node update --label-add " MC_SWARM_LABEL
				"=tcp://%s:" MC_SWARM_PORT " %s)",
				fact->name, fact->label, *fact->address ? fact->address : "HOST", fact->id);
		snprintf(ret, 300, "%s", fact->label);
		return 0;
	}
	snprintf(ret, 300, "tcp://%s%s%s:" MC_SWARM_PORT, is_ipv6 ? "[" : "", fact->address, is_ipv6 ? "]" : "");
	place.socket = ret;
	if (mc_engine_address_of(&place, &address, NULL) == 0)
		return 0;
	*ret = '\0';
	return mc_docker_error(error, EINVAL,
		"the Swarm has no address of machine %.60s: say where its engine is (docker node update "
		"--label-add " MC_SWARM_LABEL "=tcp://HOST:" MC_SWARM_PORT " %s)",
		fact->name, fact->id);
}

int mc_swarm_may_run(
	const struct mc_swarm_fact *fact, const char *state, const char *architecture, struct mc_error *error)
{
	if (!strcmp(state, "down"))
		return mc_docker_error(error, EHOSTUNREACH,
			"machine %.60s is down: start its engine, or name another machine", fact->name);
	if (strcmp(state, "ready") != 0)
		return mc_docker_error(error, EHOSTUNREACH,
			"the engine of machine %.60s can't be reached: mend the way to it, or name another machine",
			fact->name);
	if (strcmp(fact->availability, "active") != 0)
		return mc_docker_error(error, EBUSY,
			"machine %.60s takes nothing new (its availability is %s): let it take some again (docker node "
			"update "
			"--availability active %s), or name another machine",
			fact->name, fact->availability, fact->id);
	if (strcmp(fact->architecture, architecture) != 0)
		return mc_docker_error(error, EOPNOTSUPP,
			"machine %.60s is of the architecture %.20s, and the images here are for %.20s: name another "
			"machine",
			fact->name, fact->architecture, architecture);
	return 0;
}

int mc_swarm_decide(
	const struct mc_swarm_answer *answers, size_t count, const char *what, size_t *ret, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer silent = {0};
	bool has_answer = false;

	for (size_t i = 0; i < count; i++)
		if (answers[i].result == 0) {
			*ret = i;
			return 0;
		}
	for (size_t i = 0; i < count; i++) {
		has_answer = has_answer || answers[i].result == -ENOENT;
		if (answers[i].result != -ENOENT)
			mc_buffer_printf(&silent, "%s%.60s", silent.size ? ", " : "", answers[i].node);
	}
	if (silent.failed)
		return mc_docker_error(error, ENOMEM, "no memory");
	if (has_answer || !count)
		return mc_docker_error(error, ENOENT, "no machine has %.200s", what);
	return mc_docker_error(error, EHOSTUNREACH,
		"whether there is %.150s can't be said, as no machine can be asked: %.200s; mend the way to them, or "
		"start their engines",
		what, silent.data);
}
