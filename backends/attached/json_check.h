/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_JSON_CHECK_H
#define ATTACHED_JSON_CHECK_H

#include <stdbool.h>

/* Whether TEXT, which is UTF-8, has the grammar of JSON (RFC 8259) but for its words and numbers, which any letters,
 * digits and signs may be here, and the nesting that clouds_yaml.h allows. It is read by the YAML parser then, which
 * takes more. Nothing is copied. *RET_WRONG is where it ends to be JSON. */
bool mc_json_check(const char *text, const char **ret_wrong);

#endif
