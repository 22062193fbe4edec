/* SPDX-License-Identifier: MIT */
#include "backends/managed/upgrade/upgrade.h"
#include "mcloud/error.h"
#include "mcloud/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Which region may be upgraded, and when. Kista is the master, Solna its slave; releases are numbers, of which 0 is the
 * newest. */

#define KISTA .name = "Kista", .master = "Kista", .is_master = true, .is_settled = true
#define SOLNA .name = "Solna", .master = "Kista", .is_settled = true

static void who_may_be_upgraded(void **state)
{
	static const struct {
		const char *what;
		struct mc_upgrade_facts facts;
		int code;
		const char *says;
	} rows[] = {
		{"a master", {KISTA, .release = 1, .at_master = 1}, 0, ""},
		{"a master that is it already", {KISTA, .release = 0, .at_master = 0}, EBUSY, "already"},
		{"a master, to what is older", {KISTA, .release = 0, .at_master = 0, .wanted = 1}, EINVAL, "older"},
		{"a slave after its master", {SOLNA, .release = 1, .at_master = 0}, 0, ""},
		{"a slave before its master", {SOLNA, .release = 1, .at_master = 1}, EBUSY,
			"`echo upgrade > regions/Kista/ctl`"},
		{"a slave that is it already", {SOLNA, .release = 0, .at_master = 0}, EBUSY, "already"},
		{"a slave that is newer than its master", {SOLNA, .release = 0, .at_master = 1, .wanted = 1}, EINVAL,
			"older"},
		{"one that is stopped", {KISTA, .release = 1, .at_master = 1, .is_stopped = true}, EAGAIN,
			"`echo start > regions/Kista/ctl`"},
		{"one that has failed",
			{.name = "Kista", .master = "Kista", .is_master = true, .release = 1, .at_master = 1}, EAGAIN,
			"`echo repair > regions/Kista/ctl`"},
		{"while another is at work", {KISTA, .release = 1, .at_master = 1, .busy = "Solna"}, EBUSY,
			"cat regions/Solna/wait"},
		{"with a slave that does not follow", {KISTA, .release = 1, .at_master = 1, .strayed = "Solna"}, EBUSY,
			"see regions/Solna/error"},
		{"what can't be is said before what isn't now", {KISTA, .release = 0, .at_master = 0, .busy = "Solna"},
			EBUSY, "already"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct mc_error error = {0};
		int r = mc_upgrade_check(&rows[i].facts, &error);

		if (r != -rows[i].code || !strstr(error.message, rows[i].says))
			fail_msg("%s: %d, %s", rows[i].what, r, error.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_be_upgraded),
	};

	return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
