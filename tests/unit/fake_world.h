/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAKE_WORLD_H
#define TESTS_FAKE_WORLD_H

#include "fake_http.h"
#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/journal.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* How the worlds of the tests that face a fake server end. */

/* No secret may have got into the journal or the last error. */
static inline void check_secrets(struct mc_journal *journal, const struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};

	mc_journal_show(journal, &out);
	assert_true(!out.data || !strstr(out.data, "secret"));
	assert_null(strstr(error->message, "secret"));
}

/* The last, when all that uses them has gone. JOURNAL may be NULL. */
static inline void end_world(struct fake_http *server, struct mc_call *call, struct mc_journal *journal)
{
	mc_call_unref(call);
	mc_journal_free(journal);
	fake_http_free(server);
}

#endif
