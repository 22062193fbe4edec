/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/rules.h"
#include "mcloud/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a manager says, and what follows from it. */

static void assert_says(const struct mc_error *error, const char *part)
{
	if (!strstr(error->message, part))
		fail_msg("\"%s\" doesn't say \"%s\"", error->message, part);
}

/* As Docker 20.10 says it. */
static const struct {
	const char *swarm;
	int result;
	const char *message;
} infos[] = {
	{"{\"NodeID\":\"n1\",\"LocalNodeState\":\"active\",\"ControlAvailable\":true,\"Error\":\"\"}", 0, ""},
	{"{\"NodeID\":\"\",\"LocalNodeState\":\"inactive\",\"ControlAvailable\":false}", -EOPNOTSUPP,
		"the container engine at /s is in no Swarm: make one (docker swarm init)"},
	{"{}", -EOPNOTSUPP, "is in no Swarm"},
	{"{\"NodeID\":\"n2\",\"LocalNodeState\":\"active\",\"ControlAvailable\":false}", -EOPNOTSUPP,
		"is a worker of its Swarm, and only managers know the nodes: run mcloudfs on one of them, or make this "
		"node one "
		"there (docker node promote)"},
	{"{\"NodeID\":\"\",\"LocalNodeState\":\"locked\",\"ControlAvailable\":false}", -EACCES,
		"the Swarm of the container engine at /s is locked: unlock it (docker swarm unlock)"},
	{"{\"NodeID\":\"\",\"LocalNodeState\":\"pending\"}", -EAGAIN, "has not come to its Swarm yet"},
	{"{\"NodeID\":\"\",\"LocalNodeState\":\"error\",\"Error\":\"certificate expired\"}", -EIO,
		"can't take part in its Swarm (certificate expired): mend that"},
	{"{\"NodeID\":\"n1\",\"LocalNodeState\":\"active\",\"ControlAvailable\":true,\"Error\":\"rpc error: code = "
	 "Unknown "
	 "desc = The swarm does not have a leader. It's possible that too few managers are online.\"}",
		-EHOSTUNREACH,
		"has lost its quorum: start its other managers again, or, if they are lost, go on without them"},
	{"{\"NodeID\":\"n1\",\"LocalNodeState\":\"active\",\"ControlAvailable\":true,\"Error\":\"odd\"}", -EIO,
		"does not work: odd"},
};

static void test_info(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(infos); i++) {
		MC_CLEANUP(json) cJSON *info = cJSON_CreateObject();
		struct mc_error error = {0};
		const char *id = NULL;

		cJSON_AddItemToObject(info, "Swarm", cJSON_Parse(infos[i].swarm));
		assert_int_equal(mc_swarm_check(info, "/s", &id, &error), infos[i].result);
		assert_says(&error, infos[i].message);
		if (infos[i].result == 0)
			assert_string_equal(id, "n1");
	}
}

#define NODE(id, name, address, state, more)                                                                           \
	"{\"ID\":\"" id "\",\"Spec\":{\"Labels\":{" more "},\"Availability\":\"active\"},\"Description\":{"            \
	"\"Hostname\":\"" name "\",\"Platform\":{\"Architecture\":\"x86_64\"},\"Resources\":{\"NanoCPUs\":4000000000," \
	"\"MemoryBytes\":8000000000},\"Engine\":{\"EngineVersion\":\"20.10.24\"}},\"Status\":{\"State\":\"" state      \
	"\",\"Addr\":\"" address "\"},\"ManagerStatus\":{\"Addr\":\"10.0.0.9:2377\"}}"

/* What is told of each node: name, address, whether it is up and here. */
static const struct {
	const char *nodes;
	int result;
	const char *told;
} lists[] = {
	{"[" NODE("n2", "b", "10.0.0.2", "ready", "") "," NODE("n1", "a", "10.0.0.1", "ready", "") "]", 0,
		"a 10.0.0.1 up here;b 10.0.0.2 up;"},
	{"[" NODE("n1", "a", "0.0.0.0", "ready", "") "]", 0, "a 10.0.0.9 up here;"},
	{"[" NODE("n1", "a", "127.0.0.1", "ready", "") "," NODE("n3", "c", "10.0.0.3", "down", "") "," NODE(
		 "n4", "d", "10.0.0.4", "unknown", "") "," NODE("n5", "e", "10.0.0.5", "disconnected", "") "]",
		0, "a 10.0.0.9 up here;c 10.0.0.3;d 10.0.0.4 up;e 10.0.0.5;"},
	/* It has left, and joined again: what it was is down for ever. */
	{"[" NODE("n2", "b", "10.0.0.2", "down", "") "," NODE("n1", "a", "10.0.0.1", "ready", "") "," NODE(
		 "n3", "b", "10.0.0.2", "ready", "") "]",
		0, "a 10.0.0.1 up here;b 10.0.0.2 up;"},
	/* It has another's address now, and another name: what it was may be a machine that is still there. */
	{"[" NODE("n2", "b", "10.0.0.2", "down", "") "," NODE("n1", "a", "10.0.0.1", "ready", "") "," NODE(
		 "n3", "c", "10.0.0.2", "ready", "") "]",
		0, "a 10.0.0.1 up here;b 10.0.0.2;c 10.0.0.2 up;"},
	/* Two of one name keep theirs, whoever is here, and up. */
	{"[" NODE("n0123456789", "a", "10.0.0.2", "ready", "") "," NODE("n1", "a", "10.0.0.1", "ready", "") "]", 0,
		"a-n1 10.0.0.1 up here;a 10.0.0.2 up;"},
	{"[" NODE("n1", "a", "10.0.0.1", "ready", "") "," NODE("n2", "b", "10.0.0.2", "down", "") "," NODE(
		 "n3", "b", "10.0.0.3", "ready", "") "]",
		0, "a 10.0.0.1 up here;b 10.0.0.2;b-n3 10.0.0.3 up;"},
	/* No name of a file. */
	{"[" NODE("n1", "../a", "10.0.0.1", "ready", "") "]", 0, "n1 10.0.0.1 up here;"},
	{"[" NODE("n2", "b", "10.0.0.2", "ready", "") "]", -EBADMSG, ""},
	{"[]", -EBADMSG, ""},
	{"{}", -EBADMSG, ""},
	{"[{},1,null]", -EBADMSG, ""},
};

static void test_nodes(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(lists); i++) {
		MC_CLEANUP(json) cJSON *json = cJSON_Parse(lists[i].nodes);
		MC_CLEANUP(buffer) struct mc_buffer told = {0};
		struct mc_swarm_facts facts = {0};

		assert_int_equal(mc_swarm_facts_of(json, "n1", &facts), lists[i].result);
		for (size_t j = 0; j < facts.count; j++)
			mc_buffer_printf(&told, "%s %s%s%s;", facts.items[j].name, facts.items[j].address,
				facts.items[j].is_up ? " up" : "", facts.items[j].is_here ? " here" : "");
		assert_string_equal(told.data ? told.data : "", lists[i].told);
		if (facts.count) {
			assert_int_equal(facts.items[0].cpus, 4);
			assert_int_equal(facts.items[0].memory, 8000000000);
			assert_string_equal(facts.items[0].version, "20.10.24");
			assert_string_equal(facts.items[0].architecture, "x86_64");
			assert_string_equal(facts.items[0].availability, "active");
		}
		mc_swarm_facts_clear(&facts);
	}
}

static char *text(const char *is)
{
	return (char *)(uintptr_t)is;
}

static void test_states(void **state)
{
	(void)state;
	const struct mc_swarm_fact up = {.is_up = true}, down = {.is_up = false};

	assert_string_equal(mc_swarm_state(&up, true), "ready");
	assert_string_equal(mc_swarm_state(&up, false), "unreachable");
	assert_string_equal(mc_swarm_state(&down, false), "down");
	assert_string_equal(mc_swarm_state(&down, true), "down");
}

static const struct {
	const char *label, *address, *socket; /* NULL: it is nonsense */
} places[] = {
	{"", "10.0.0.2", "tcp://10.0.0.2:2376"},
	{"", "2001:db8::2", "tcp://[2001:db8::2]:2376"},
	{"tcp://far.example:1234", "10.0.0.2", "tcp://far.example:1234"},
	{"unix:///run/far.sock", "10.0.0.2", "unix:///run/far.sock"},
	{"", "", NULL},
	{"/run/far.sock", "10.0.0.2", NULL},
	{"far", "10.0.0.2", NULL},
	{"ssh://far", "10.0.0.2", NULL},
	{"tcp://far", "10.0.0.2", NULL},
	{"unix://far", "10.0.0.2", NULL},
};

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(places); i++) {
		const struct mc_swarm_fact fact = {.id = text("n2"),
			.name = text("b"),
			.label = text(places[i].label),
			.address = text(places[i].address)};
		struct mc_error error = {0};
		char socket[300];

		assert_int_equal(mc_swarm_socket(&fact, socket, &error), places[i].socket ? 0 : -EINVAL);
		if (places[i].socket)
			assert_string_equal(socket, places[i].socket);
		else
			assert_says(&error, "docker node update --label-add org.mcloudfs.engine=tcp://");
		if (!places[i].socket)
			assert_string_equal(socket, "");
	}
}

static void test_may_run(void **state)
{
	(void)state;
	static const struct {
		const char *state, *availability, *architecture;
		int result;
		const char *message;
	} cases[] = {
		{"ready", "active", "x86_64", 0, ""},
		{"down", "active", "x86_64", -EHOSTUNREACH,
			"machine b is down: start its engine, or name another machine"},
		{"unreachable", "active", "x86_64", -EHOSTUNREACH,
			"the engine of machine b can't be reached: mend the way"},
		{"ready", "drain", "x86_64", -EBUSY,
			"machine b takes nothing new (its availability is drain): let it take some again (docker node "
			"update "
			"--availability active n2)"},
		{"ready", "pause", "x86_64", -EBUSY, "(its availability is pause)"},
		{"ready", "active", "aarch64", -EOPNOTSUPP,
			"machine b is of the architecture aarch64, and the images here are for x86_64: name another "
			"machine"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_swarm_fact fact = {
			.id = text("n2"), .name = text("b"), .architecture = text(cases[i].architecture)};
		struct mc_error error = {0};

		snprintf(fact.availability, sizeof fact.availability, "%s", cases[i].availability);
		assert_int_equal(mc_swarm_may_run(&fact, cases[i].state, "x86_64", &error), cases[i].result);
		assert_says(&error, cases[i].message);
	}
}

static void test_decisions(void **state)
{
	(void)state;
	static const struct {
		int results[3], result;
		size_t which;
		const char *message;
	} cases[] = {
		{{-ENOENT, 0, -ENOENT}, 0, 1, ""},
		{{-ECONNREFUSED, -ETIMEDOUT, 0}, 0, 2, ""},
		{{0, 0, -ENOENT}, 0, 0, ""},
		{{-ENOENT, -ENOENT, -ENOENT}, -ENOENT, 0, "no machine has a thing"},
		{{-ENOENT, -ECONNREFUSED, -ENOENT}, -ENOENT, 0, "no machine has a thing"},
		{{-EIO, -ECONNREFUSED, -ETIMEDOUT}, -EHOSTUNREACH, 0,
			"whether there is a thing can't be said, as no machine can be asked: a, b, c; mend the way to "
			"them"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct mc_swarm_answer answers[] = {
			{"a", cases[i].results[0]}, {"b", cases[i].results[1]}, {"c", cases[i].results[2]}};
		struct mc_error error = {0};
		size_t which = 0;

		assert_int_equal(mc_swarm_decide(answers, 3, "a thing", &which, &error), cases[i].result);
		assert_int_equal(which, cases[i].which);
		assert_says(&error, cases[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_may_run),
		cmocka_unit_test(test_decisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
