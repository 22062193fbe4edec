/* SPDX-License-Identifier: MIT */
#include "fs/tree/rows.h"
#include "fs/tree/text.h"

/* fernet/: the keys that sign the tokens of all regions. */

static int show_fernet_keys(struct mc_ask *ask, struct mc_buffer *out)
{
	int r = mc_fernet_show(ask->cloud, ask->call, out, ask->error);
	return r < 0 ? r : mc_text_check(out, ask->error);
}

static int run_rotate(struct mc_ask *ask, char **words, unsigned n_words)
{
	(void)words, (void)n_words;
	return mc_fernet_rotate(ask->cloud, ask->call, ask->error);
}

static const struct mc_verb verbs[] = {
	MC_VERB("rotate", "", "the staged key becomes the primary one, and a new one is staged, in all regions",
		.run = run_rotate),
	MC_END,
};

static const struct mc_row rows[] = {
	MC_DOCUMENT("keys", 0444, "index, role, fingerprint, age, regions of each key", .terms = {MC_LANE_ENGINE, 1, 0},
		.show = show_fernet_keys),
	MC_CONTROL("ctl", 0600, "rotate", verbs, .terms = {MC_LANE_ENGINE, 3, 0}),
	MC_END,
};

const struct mc_directory_type mc_tree_fernet = {.rows = rows};
