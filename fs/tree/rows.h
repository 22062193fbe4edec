/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_ROWS_H
#define FS_TREE_ROWS_H

#include "fs/tree.h"

/* How every row is written: its kind, name, mode, and what it is in a few words; then what a kind has to have (a
 * directory its type, a control its verbs); then, by name, on what terms it is asked (`terms`: lane, patience, needs),
 * its methods, and what tells it from other rows of these (`data`). A table ends with MC_END. */
/* clang-format off */
#define MC_VALUE(row_name, bits, words, ...) MC_ROW(MC_KIND_VALUE, row_name, bits, words, __VA_ARGS__)
#define MC_DOCUMENT(row_name, bits, words, ...) MC_ROW(MC_KIND_DOCUMENT, row_name, bits, words, __VA_ARGS__)
#define MC_LINK(row_name, bits, words, ...) MC_ROW(MC_KIND_LINK, row_name, bits, words, __VA_ARGS__)
#define MC_DIRECTORY(row_name, bits, words, ...) MC_ROW(MC_KIND_DIRECTORY, row_name, bits, words, .directory = __VA_ARGS__)
#define MC_CONTROL(row_name, bits, words, ...) MC_ROW(MC_KIND_CONTROL, row_name, bits, words, .verbs = __VA_ARGS__)
#define MC_STREAM(row_name, bits, words, ...) MC_ROW(MC_KIND_STREAM, row_name, bits, words, .stream = __VA_ARGS__)
#define MC_DATA(row_name, bits, words, ...) MC_ROW(MC_KIND_DATA, row_name, bits, words, .file = __VA_ARGS__)
#define MC_ROW(row_kind, row_name, bits, words, ...) \
	{.name = row_name, .kind = row_kind, .mode = bits, .help = words, __VA_ARGS__}

/* A verb of a control: its name, what follows it, what it does; then, by name, how many words follow it where that isn't
 * none (`min`, `max`), its methods, and what tells it from other verbs of these (`data`). */
#define MC_VERB(verb_name, words_after, words, ...) \
	{.name = verb_name, .arguments = words_after, .help = words, __VA_ARGS__}

#define MC_END {.name = NULL}
/* clang-format on */

#endif
