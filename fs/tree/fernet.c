/* SPDX-License-Identifier: MIT */
#include "fs/tree.h"
#include "fs/tree/text.h"

/* fernet/: the keys that sign the tokens of all regions. */

static int show_fernet_keys(struct mc_ask *ask, struct mc_buffer *out)
{
	int r = mc_fernet_show(ask->cloud, out, ask->error);
	return r < 0 ? r : mc_text_check(out, ask->error);
}

static int run_rotate(struct mc_ask *ask, char **words, unsigned n_words)
{
	(void)words, (void)n_words;
	return mc_fernet_rotate(ask->cloud, ask->call, ask->error);
}

static const struct mc_verb verbs[] = {
	{"rotate", "", "the staged key becomes the primary one, and a new one is staged, in all regions", 0, 0,
		run_rotate, NULL},
	{.name = NULL},
};

/* clang-format off */
static const struct mc_row rows[] = {
	{.name = "keys", .kind = MC_KIND_DOCUMENT, .mode = 0444, .help = "index, role, fingerprint, age, regions of each key",
	 .lane = MC_LANE_ENGINE, .show = show_fernet_keys},
	{.name = "ctl", .kind = MC_KIND_CONTROL, .mode = 0600, .help = "rotate", .lane = MC_LANE_ENGINE, .patience = 3, .verbs = verbs},
	{.name = NULL},
};
/* clang-format on */

const struct mc_directory_type mc_tree_fernet = {.rows = rows};
