/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "backends/managed/replication/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cloud that is made up, to be broken: plan.c decides as it does in the daemon, and all else is a model: machines and
 * the network between them, databases that replicate, the daemon's steps, its facts on disk, and clients. Time is
 * virtual, chance is one generator with a seed: the same seed and the same faults are the same run, word by word. */

#define REGIONS 50
#define NODES 10
#define NOBODY MC_PLAN_NOBODY

/* events.c: chance, time and what is said */

enum event_kind { EVENT_WRITE, EVENT_PUMP, EVENT_ACK, EVENT_APPLY, EVENT_TICK, EVENT_FAULT, EVENT_MEND, EVENT_KINDS };
enum task_kind { TASK_KEEPER = EVENT_KINDS, TASK_MOUNT, TASK_ACT };

struct event {
	int64_t when; /* ms */
	uint64_t number;
	unsigned kind;
	uint32_t who, what, which;
};

struct queue {
	struct event *events;
	size_t count, room;
};

struct chance {
	uint64_t state;
};

uint64_t chance_next(struct chance *chance);
uint32_t chance_below(struct chance *chance, uint32_t n);
bool chance_percent(struct chance *chance, unsigned percent);

/* database.c: a transaction, known by its number in sim.transactions; 0 is none */

struct transaction {
	uint32_t previous, sequence, domain;
};
/* The last transaction of each domain, which are the regions. */
struct position {
	uint32_t at[REGIONS];
};

enum process { PROCESS_EXITED, PROCESS_RUNS, PROCESS_PAUSED };

struct database {
	enum process process;
	bool is_open, waits, acknowledges; /* read_only off; rpl_semi_sync_master_enabled, …_slave_enabled */
	bool is_connected_acknowledging;   /* what it told its master when it connected */
	bool is_configured, knows_received, is_applying, is_pumping;
	size_t source;
	enum mc_replica_thread receiver, applier;
	unsigned error;
	const char *message;
	struct position written, applied, received, oldest;
	uint32_t settled;                /* of its own writes: no client waits for this or an earlier one */
	uint32_t generation, connection; /* how often it began, and connected */
};

/* faults.c */

enum fault_kind {
	FAULT_KILL,
	FAULT_PAUSE,
	FAULT_NODE,
	FAULT_CUT,
	FAULT_CUT_ONE_WAY,
	FAULT_ISOLATE,
	FAULT_SPLIT,
	FAULT_CUT_FROM_DAEMON,
	FAULT_LOSS,
	FAULT_DELAY,
	FAULT_CLOCK,
	FAULT_DAEMON,
	FAULTS,
	/* what people do meanwhile */
	ACT_PROMOTE = FAULTS,
	ACT_RESCUE, /* the master does not answer: promotes whoever is told to be the one */
	ACT_ASYNC,
	ACT_SEMISYNC,
	ACT_ASYNC_ONE,
	ACT_SEMISYNC_ONE,
	ACT_HALT,
	ACT_START,
	ACT_RESYNC,
	ACT_REPAIR,
	ACT_REPLACE, /* destroyed, and another one made */
	ACT_SYNC,
	ACT_KINDS
};

struct fault {
	int64_t when;
	unsigned kind;
	uint32_t a, b, ms;
	uint32_t step; /* not at that time, but at this question of the next promotion; 0: at that time */
	bool is_left_out;
};

#define FAULTS_MOST 20000
#define ARMED_MOST 16

/* run.c: the rules broken on purpose, in the model and in what plan.c is told */

enum mutation {
	MUTATION_NONE,
	MUTATION_NO_FENCE,
	MUTATION_ANY_SLAVE,
	MUTATION_NO_GOAL,
	MUTATION_UNREACHABLE_IS_DEAD,
	MUTATION_STILL_RECEIVES,
	MUTATION_COMES_BACK_OPEN,
	MUTATION_NEVER_INCOMPLETE,
	MUTATION_COUNTS_EVERYBODY,
	MUTATION_MOUNT_GOES_ON,
	MUTATION_DONE_TOO_EARLY,
	MUTATION_NEVER_FOLLOWS,
	MUTATION_ACKNOWLEDGES_ANYBODY,
	MUTATION_UNCOUNTS_UNTOLD,
	MUTATIONS
};
struct mutation_row {
	const char *what;
	uint64_t seed; /* of a run that shows it, to be quick: tried first, and then those after it */
	size_t faults; /* of which it needs more than others; 0: no */
};
extern const struct mutation_row mutations[MUTATIONS];

struct link {
	unsigned cuts, loss, delay; /* how many, percent, ms */
};

struct node {
	bool is_up;
	unsigned rate; /* of its clock, in percent */
};

enum mode { MODE_ASYNC, MODE_SOME, MODE_SEMISYNC };

struct figures {
	uint64_t faults, acts, events, writes, acknowledged, promoted[2], over_unreachable, refused, undone, finished,
		syncs, mounts, resyncs, told_lost, waited;
};

struct sim {
	/* what is set before it begins */
	uint64_t seed;
	enum mutation mutation;
	bool tells;
	struct fault *faults;
	size_t n_faults;
	size_t n_nodes;
	enum mode mode;

	struct chance chance;
	int64_t now;
	uint64_t n_events;
	struct queue world, tasks;

	struct node nodes[NODES];
	struct link links[NODES][NODES];
	struct database databases[REGIONS];
	struct transaction *transactions;
	uint32_t n_transactions, transactions_room;

	/* the daemon: facts are on disk, but for is_master, which is its belief */
	struct mc_facts facts[REGIONS];
	bool master_fact[REGIONS], is_replica[REGIONS], is_to_realign[REGIONS];
	bool is_mounted, is_killed, is_promoting, is_healing, is_quiet;
	size_t running; /* whose promotion is under way */
	bool is_compared[REGIONS];
	struct mc_observed observed[REGIONS];
	char names[REGIONS][8];
	size_t armed[ARMED_MOST];
	uint32_t armed_steps[ARMED_MOST], n_armed;

	/* the truth, for the invariants */
	size_t holder;              /* whose database was let write last */
	bool is_left_open[REGIONS]; /* it could not be reached when another one took over */
	bool is_forsaken[REGIONS];  /* it was given up by name: what it goes on acknowledging is not counted */
	struct position safe, told;
	size_t asked;
	char violation[256];

	uint64_t digest; /* of the journal */
	char *journal;
	size_t journal_size, journal_room;
	struct figures figures;
};

/* events.c */
void sim_say(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_violate(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void queue_put(struct sim *sim, struct queue *queue, struct event event);
struct event queue_take(struct queue *queue);
void sim_after(struct sim *sim, int64_t ms, unsigned kind, size_t who, uint32_t what, uint32_t which);
/* Lets MS pass in the world, while the daemon waits. */
void sim_pass(struct sim *sim, int64_t ms);

/* world.c: machines and the network */
size_t node_of(const struct sim *sim, size_t region);
bool is_linked(const struct sim *sim, size_t from, size_t to);
bool is_linked_both_ways(const struct sim *sim, size_t a, size_t b);
/* Whether a message gets there, and how long it takes. */
bool sim_send(struct sim *sim, size_t from, size_t to, int64_t *ret_ms);
void world_write(struct sim *sim);

/* database.c */
bool transaction_has(const struct sim *sim, uint32_t transaction, uint32_t other);
bool position_has(const struct sim *sim, const struct position *position, const struct position *other);
void position_text(const struct sim *sim, const struct position *position, char text[MC_GTID_MAX]);
void database_start(struct sim *sim, size_t region);
void database_kill(struct sim *sim, size_t region);
void database_write(struct sim *sim, size_t region);
void database_pump(struct sim *sim, size_t region, uint32_t connection);
void database_ack(struct sim *sim, size_t region, uint32_t transaction, uint32_t connection);
void database_apply(struct sim *sim, size_t region, uint32_t generation);
void database_tick(struct sim *sim, size_t region);
void database_settle(struct sim *sim, size_t region, uint32_t transaction);
void database_disconnect(struct sim *sim, size_t region);
bool database_commits_wait(const struct sim *sim, size_t region);

/* statements.c: what the daemon asks of a database */
typedef int (*statement)(struct sim *sim, size_t region, const void *argument);
/* 0 or more, -ETIMEDOUT: not answered, though it may have been done; -EINTR: the daemon was killed. */
int sim_ask(struct sim *sim, size_t region, statement run, const void *argument);
int statement_nothing(struct sim *sim, size_t region, const void *argument);
int statement_observe(struct sim *sim, size_t region, const void *argument);
int statement_fence(struct sim *sim, size_t region, const void *argument);
int statement_unfence(struct sim *sim, size_t region, const void *argument);
int statement_start(struct sim *sim, size_t region, const void *argument);
int statement_stop(struct sim *sim, size_t region, const void *argument);
int statement_deafen(struct sim *sim, size_t region, const void *argument);
int statement_reconnect(struct sim *sim, size_t region, const void *argument);
int statement_leave(struct sim *sim, size_t region, const void *argument);
int statement_demote(struct sim *sim, size_t region, const void *argument); /* struct position, or NULL */
int statement_follow(struct sim *sim, size_t region, const void *argument); /* size_t */
int statement_forget(struct sim *sim, size_t region, const void *argument);
int statement_load(struct sim *sim, size_t region, const void *argument); /* size_t */
int statement_apply_received(struct sim *sim, size_t region, const void *argument);
int statement_set_waits(struct sim *sim, size_t region, const void *argument); /* bool */
int statement_set_acknowledges(struct sim *sim, size_t region, const void *argument);
int statement_has(struct sim *sim, size_t region, const void *argument); /* char *, a position; 1 or 0 */
/* Takes the process of a region's database by the engine of its node. */
int sim_kill_database(struct sim *sim, size_t region);
bool sim_engine_answers(const struct sim *sim, size_t region);
/* One step of the daemon on its own machine. */
int sim_step(struct sim *sim);
int sim_keep(struct sim *sim, bool *fact, bool value);

/* follow.c */
void sim_facts(const struct sim *sim, struct mc_facts facts[REGIONS]);
size_t sim_master(const struct sim *sim);
void sim_picture(struct sim *sim, struct mc_facts facts[REGIONS], struct mc_picture *ret_picture);
int sim_look(struct sim *sim, size_t region);
void sim_look_at_all(struct sim *sim, size_t who);
int follow_keep_received(struct sim *sim, size_t region);
int follow_rejoin(struct sim *sim, size_t region);
int follow_attach(struct sim *sim, size_t region);
int follow_uncount(struct sim *sim, size_t region);
int follow_count(struct sim *sim, size_t region);
int follow_enforce_mode(struct sim *sim, size_t region);
int follow_let_write(struct sim *sim, size_t region);
/* Compares the rows with the master's once in each run of its replication, if both are at one position: -EBUSY if they
 * differ. */
int follow_compare(struct sim *sim, size_t region, size_t master);
int follow_bring_back(struct sim *sim, size_t region);

/* promote.c */
int promote_region(struct sim *sim, size_t region, bool is_resumed);
int promote_tidy(struct sim *sim);
void promote_mount(struct sim *sim);

/* acts.c */
/* The keeper comes to REGION. */
void act_keep(struct sim *sim, size_t region);
void act_do(struct sim *sim, const struct fault *act);
void act_sync(struct sim *sim, size_t region);
void act_heal(struct sim *sim);

/* faults.c */
void faults_make(struct sim *sim, size_t count);
void faults_apply(struct sim *sim, size_t index);
void faults_mend(struct sim *sim, size_t who, size_t index);
void faults_step(struct sim *sim);
void faults_mend_all(struct sim *sim);

/* check.c */
void check_opened(struct sim *sim, size_t region);
bool check_is_promised(const struct sim *sim, size_t region);
void check_failed_over(struct sim *sim, size_t region);
void check_acknowledged(struct sim *sim, size_t region, uint32_t transaction);
/* Whether all is as it should be when nothing is broken. */
bool check_is_well(struct sim *sim, char *why, size_t size);
void check_end(struct sim *sim);

/* run.c */
struct run {
	uint64_t seed;
	size_t faults;
	enum mutation mutation;
	bool tells;
	const struct fault *script; /* instead of what is drawn; as many as FAULTS */
};
/* Faults with all that people do beside them; whether the invariants held. The caller frees. */
bool sim_run(struct sim *sim, const struct run *run);
/* With as few faults as still violate an invariant. */
void sim_shrink(struct sim *sim, const struct run *run);
void sim_free(struct sim *sim);

#endif
