/* SPDX-License-Identifier: MIT */
#include "backends/managed/lease_rules.h"

#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Who may take the lease, and when: a table of what is seen, and daemons on machines that sleep, die, come back, and
 * can't be reached, with clocks of their own. */

#define ME "me"
#define NOW ((int64_t)1000000)

/* --- what is seen --- */

/* What a daemon knows: m it misses a lease, l it is late, h it has had it, w it watches version 7 since PATIENCE, W and
 * 1 ms longer. What it sees: the holder, run, version. What is due: p put, w wait, r refused. */
static const struct {
	const char *what, *knows, *holder, *run;
	uint64_t version;
	char due;
} rows[] = {
	{"there never was one", "", "", "", 0, 'p'},
	{"nor was one when it came late", "l", "", "", 0, 'p'},
	{"it was removed by hand: somebody may have it", "m", "", "", 0, 'w'},
	{"and what is known may be old", "ml", "", "", 0, 'r'},
	{"its own", "h", ME, "1", 7, 'p'},
	{"its own, that it doesn't know it has", "", ME, "1", 7, 'p'},
	{"its own, late", "l", ME, "1", 7, 'p'},
	{"of the daemon before it", "", ME, "0", 7, 'p'},
	{"of the daemon before it, late", "l", ME, "0", 7, 'p'},
	{"given back by the daemon before it, late", "l", ME, "", 7, 'p'},
	{"somebody with its name took it", "h", ME, "2", 7, 'r'},
	{"another one's, seen first", "", "you", "2", 7, 'w'},
	{"another one's, for a while", "w", "you", "2", 7, 'w'},
	{"another one's, for long", "W", "you", "2", 7, 'p'},
	{"another one lives", "W", "you", "2", 8, 'r'},
	{"another one lives, and is seen soon", "w", "you", "2", 8, 'r'},
	{"another one has given it back", "", "you", "", 7, 'p'},
	{"another one gives it back while it is watched", "w", "you", "", 8, 'p'},
	{"another one had it, which comes late", "l", "you", "", 7, 'r'},
	{"another one has it, which comes late", "lW", "you", "2", 7, 'r'},
	{"another one took it", "h", "you", "2", 7, 'r'},
	{"another one took it, and gave it back", "h", "you", "", 7, 'r'},
	{"another one took it, long ago", "hW", "you", "2", 7, 'r'},
	{"it is gone", "h", "", "", 0, 'r'},
	{"what is watched is gone", "w", "", "", 0, 'p'},
	{"what is watched is gone, and was missed", "mw", "", "", 0, 'r'},
};

static void test_rows(void **state)
{
	static const char deeds[] = {[MC_LEASE_PUT] = 'p', [MC_LEASE_WAIT] = 'w', [MC_LEASE_REFUSED] = 'r'};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct mc_lease_facts facts = {.holder = ME,
			.run = "1",
			.is_missed = strchr(rows[i].knows, 'm'),
			.is_late = strchr(rows[i].knows, 'l'),
			.had = strchr(rows[i].knows, 'h'),
			.is_watching = strpbrk(rows[i].knows, "wW"),
			.version = 7,
			.since = NOW - MC_LEASE_PATIENCE_MS - (strchr(rows[i].knows, 'W') ? 1 : 0)};
		struct mc_engine_lease seen = {.version = rows[i].version};

		snprintf(seen.holder, sizeof(seen.holder), "%s", rows[i].holder);
		snprintf(seen.run, sizeof(seen.run), "%s", rows[i].run);
		char due = deeds[mc_lease_decide(&facts, &seen, NOW)];
		if (due != rows[i].due)
			fail_msg("%s: %c is due, not %c", rows[i].what, due, rows[i].due);
	}
}

/* From when it was begun, not from when it was known. */
static void test_time(void **state)
{
	struct mc_lease_facts facts = {.run = "1"};

	(void)state;
	assert_false(mc_lease_is_had(&facts, 0));
	assert_false(mc_lease_is_had(&facts, NOW));
	mc_lease_note_put(&facts, NOW);
	assert_true(facts.had);
	assert_true(mc_lease_is_had(&facts, NOW + MC_LEASE_HOLD_MS - 1));
	assert_false(mc_lease_is_had(&facts, NOW + MC_LEASE_HOLD_MS));
	mc_lease_note_put(&facts, NOW + MC_LEASE_RENEW_MS);
	assert_true(mc_lease_is_had(&facts, NOW + MC_LEASE_HOLD_MS));
}

/* --- the machines --- */

#define DAEMONS 3
#define PENDING 8
#define LIMP_MS (4 * (int64_t)1000) /* what was sent while it was had is done so soon */

enum sent { NOTHING, LOOK, ANSWER, PUT, CONFIRMED, OUTRUN };

struct message {
	enum sent what;
	struct mc_engine_lease lease; /* of PUT: what is to be; of ANSWER: what there was */
	int64_t at, begun;            /* when it comes, in true time; when its asker began, by his clock */
	unsigned daemon, run;
};

struct daemon {
	struct mc_lease_facts facts;
	double rate; /* of its clock */
	int64_t offset, paused_until, next, last_had;
	unsigned run;
	bool lives, is_cut, asks, is_refused;
};

struct world {
	struct mc_engine_lease lease; /* as those who agree have it */
	struct daemon daemons[DAEMONS];
	struct message messages[DAEMONS * PENDING];
	int64_t now; /* true time */
	uint64_t random, version;
	unsigned runs, takings;
	bool is_quiet;
	int holder; /* the last one that was seen to have it; -1: none yet */
};

static uint64_t draw(struct world *world, uint64_t below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return world->random % below;
}

static int64_t clock_of(const struct world *world, const struct daemon *daemon)
{
	return daemon->offset + (int64_t)((double)world->now * daemon->rate);
}

/* Most come at once; some take longer than anybody waits for them. */
static int64_t delay(struct world *world)
{
	return draw(world, 10) || world->is_quiet ? (int64_t)draw(world, 300) : (int64_t)draw(world, 40000);
}

static void send_message(struct world *world, struct message message)
{
	message.at = world->now + delay(world);
	for (size_t i = 0; i < MC_COUNT(world->messages); i++)
		if (world->messages[i].what == NOTHING) {
			world->messages[i] = message;
			return;
		}
}

/* Another daemon comes up on that machine. */
static void begin(struct world *world, unsigned i)
{
	struct daemon *daemon = &world->daemons[i];
	bool was_there = daemon->run;

	daemon->facts = (struct mc_lease_facts){.is_missed = was_there};
	daemon->run = ++world->runs;
	snprintf(daemon->facts.holder, sizeof(daemon->facts.holder), "machine %u", i);
	snprintf(daemon->facts.run, sizeof(daemon->facts.run), "%u", daemon->run);
	daemon->lives = true;
	daemon->asks = daemon->is_refused = false;
	daemon->next = world->now;
}

static bool may_change(const struct world *world, const struct daemon *daemon)
{
	return daemon->lives && !daemon->is_refused && mc_lease_is_had(&daemon->facts, clock_of(world, daemon));
}

/* At those who agree. */
static void serve(struct world *world, const struct message *message)
{
	struct message answer = *message;

	if (world->daemons[message->daemon].is_cut && draw(world, 4)) /* some were on their way */
		return;
	if (message->what == LOOK) {
		answer.what = ANSWER;
		answer.lease = world->lease;
	} else if (message->lease.version != world->lease.version) {
		answer.what = OUTRUN;
	} else {
		world->lease = message->lease;
		world->lease.version = ++world->version;
		answer.what = CONFIRMED;
	}
	send_message(world, answer);
}

static void hear(struct world *world, const struct message *message)
{
	struct daemon *daemon = &world->daemons[message->daemon];
	struct message put = {.what = PUT, .daemon = message->daemon, .run = message->run};
	int64_t now = clock_of(world, daemon);

	if (message->run != daemon->run || !daemon->lives || daemon->is_cut)
		return;
	daemon->asks = false;
	daemon->next = world->now + 1000;
	if (message->what == CONFIRMED) {
		mc_lease_note_put(&daemon->facts, message->begun);
		daemon->next = world->now + MC_LEASE_RENEW_MS;
	}
	if (message->what != ANSWER)
		return;
	put.lease = message->lease;
	put.begun = now;
	memcpy(put.lease.holder, daemon->facts.holder, sizeof(put.lease.holder));
	memcpy(put.lease.run, daemon->facts.run, sizeof(put.lease.run));
	switch (mc_lease_decide(&daemon->facts, &message->lease, now)) {
	case MC_LEASE_PUT:
		daemon->asks = true;
		send_message(world, put);
		break;
	case MC_LEASE_REFUSED:
		daemon->is_refused = true;
		daemon->next = world->now + 3000; /* somebody mounts it again */
		break;
	case MC_LEASE_WAIT:
		break;
	}
}

/* What befalls a machine: it sleeps, dies, comes back, is cut off, or gives the lease back. */
static void befall(struct world *world, unsigned i)
{
	struct daemon *daemon = &world->daemons[i];

	switch (draw(world, 8)) {
	case 0:
		daemon->lives = false;
		daemon->next = world->now + (int64_t)draw(world, 60000);
		break;
	case 1:
		daemon->is_cut = true;
		break;
	case 2:
	case 3:
	case 4:
		daemon->is_cut = false;
		break;
	case 5:
		daemon->paused_until = world->now + (int64_t)draw(world, 60000);
		break;
	case 6:
		if (may_change(world, daemon) && world->lease.version && draw(world, 4) == 0) {
			struct message put = {.what = PUT, .lease = world->lease, .daemon = i, .run = daemon->run};

			memcpy(put.lease.holder, daemon->facts.holder, sizeof(put.lease.holder));
			*put.lease.run = '\0';
			daemon->lives = false; /* it changes nothing from here on */
			daemon->last_had = 0;  /* nor is anything under way */
			daemon->next = world->now + 1000;
			if (!strcmp(world->lease.run, daemon->facts.run))
				send_message(world, put);
		}
		break;
	default:
		break;
	}
}

static void run_daemon(struct world *world, unsigned i)
{
	struct daemon *daemon = &world->daemons[i];

	/* One that sleeps has a clock that goes on. */
	if (world->now < daemon->next || world->now < daemon->paused_until)
		return;
	if (!daemon->lives || daemon->is_refused) {
		begin(world, i);
	} else if (!daemon->asks || world->now > daemon->next + 10000) { /* no answer comes any more */
		daemon->asks = true;
		daemon->next = world->now;
		send_message(world,
			(struct message){
				.what = LOOK, .daemon = i, .run = daemon->run, .begun = clock_of(world, daemon)});
	}
}

static void check(struct world *world, uint64_t seed)
{
	for (int i = 0; i < DAEMONS; i++) {
		struct daemon *daemon = &world->daemons[i];

		if (!may_change(world, daemon))
			continue;
		for (int j = 0; j < DAEMONS; j++)
			if (j != i && world->daemons[j].last_had && world->now - world->daemons[j].last_had < LIMP_MS)
				fail_msg("seed %llu: at %lld ms machine %d may change something %lld ms after machine "
					 "%d",
					(unsigned long long)seed, (long long)world->now, i,
					(long long)(world->now - world->daemons[j].last_had), j);
		daemon->last_had = world->now;
		if (world->holder != i) {
			world->takings++;
			world->holder = i;
		}
	}
}

static void step(struct world *world, uint64_t seed)
{
	world->now += 100;
	for (size_t i = 0; i < MC_COUNT(world->messages); i++) {
		struct message message = world->messages[i];

		if (message.what == NOTHING || message.at > world->now)
			continue;
		if (message.what != LOOK && message.what != PUT &&
			world->now < world->daemons[message.daemon].paused_until)
			continue; /* it lies there until he wakes */
		world->messages[i].what = NOTHING;
		if (message.what == LOOK || message.what == PUT)
			serve(world, &message);
		else
			hear(world, &message);
	}
	for (unsigned i = 0; i < DAEMONS; i++)
		run_daemon(world, i);
	check(world, seed);
}

static void begin_world(struct world *world, uint64_t seed)
{
	*world = (struct world){.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, .holder = -1};
	for (unsigned i = 0; i < DAEMONS; i++) {
		world->daemons[i].rate = 0.9 + (double)draw(world, 3) / 10;
		world->daemons[i].offset = 1000 + (int64_t)draw(world, 600000);
		begin(world, i);
		world->daemons[i].facts.is_missed = false;
		world->daemons[i].next = (int64_t)draw(world, 20000);
	}
}

/* Never two at a time, whatever befalls; and again and again another one. */
static void test_machines(void **state)
{
	unsigned takings = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct world world;

		begin_world(&world, seed);
		while (world.now < 20 * 60 * 1000) {
			if (draw(&world, 100) == 0)
				befall(&world, (unsigned)draw(&world, DAEMONS));
			step(&world, seed);
		}
		takings += world.takings;
	}
	assert_true(takings > 300 * 5);
}

/* When a holder is dead or cut off, and nothing befalls the others any more, one of them has it soon, and keeps it. */
static void test_again(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct world world;
		int64_t since;

		begin_world(&world, seed);
		while (world.now < 5 * 60 * 1000) {
			if (draw(&world, 100) == 0)
				befall(&world, (unsigned)draw(&world, DAEMONS));
			step(&world, seed);
		}
		for (unsigned i = 0; i < DAEMONS; i++) {
			world.daemons[i].is_cut = (int)i == world.holder;
			world.daemons[i].paused_until = 0;
		}
		int cut = world.holder;
		world.is_quiet = true;
		/* what is on its way, up to 40 s, what one waits for, and who is refused, until he tries again */
		since = world.now + 2 * 60 * 1000;
		bool has_it = false;
		while (world.now < since + 30 * 1000) {
			step(&world, seed);
			for (int i = 0; world.now > since && i < DAEMONS; i++)
				has_it |= i != cut && may_change(&world, &world.daemons[i]);
		}
		if (!has_it)
			fail_msg("seed %llu: nobody has it", (unsigned long long)seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
