/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_TEXT_H
#define FS_TREE_TEXT_H

#include "mcloud/buffer.h"
#include "mcloud/error.h"

#include <stddef.h>

/* Texts of others inside a text of ours: each function adds TEXT (NULL: nothing) in the escaping of one language. */

/* One word of a POSIX shell, always in single quotes. */
void mc_text_shell(struct mc_buffer *out, const char *text);

/* Content or a quoted attribute of XML 1.0; what no XML may hold (control characters, bytes that are not UTF-8) becomes
 * U+FFFD. */
void mc_text_xml(struct mc_buffer *out, const char *text);

/* A quoted string of the DOT language, with its quotes. */
void mc_text_dot(struct mc_buffer *out, const char *text);

/* A field of a line of fields: blanks that part fields or lines, and the backslash, are shown in octal ("\011"), as in
 * /proc/mounts. */
void mc_text_field(struct mc_buffer *out, const char *text);

/* JSON of SIZE bytes, pretty-printed, with a newline. Text that is not JSON, or over 64 MiB: -EIO with a sentence that
 * names WHAT. */
int mc_text_json(struct mc_buffer *out, const char *json, size_t size, const char *what, struct mc_error *error);

/* 0, or -ENOMEM with ERROR filled if OUT ran out of memory. */
int mc_text_check(const struct mc_buffer *out, struct mc_error *error);

#endif
