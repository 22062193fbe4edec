/* SPDX-License-Identifier: MIT */
#include "backends/http/clock.h"

#include "mcloud/util.h"

#include <curl/curl.h>

/* An answer's Date is a whole second of the time between the request and the headers. What several answers say of that,
 * together, is known better; but a clock that is being put right may run that much too fast or too slow: chrony's
 * maxslewrate is 8.3 % (chrony.conf(5)). */
#define SLEW 0.1

void mc_http_clock_init(struct mc_http_clock *clock)
{
	*clock = (struct mc_http_clock){0};
	pthread_mutex_init(&clock->lock, NULL);
}

void mc_http_clock_destroy(struct mc_http_clock *clock)
{
	pthread_mutex_destroy(&clock->lock);
}

/* How far it may have gone off between `when` and NOW, either way. */
static double slewed(const struct mc_http_clock *clock, int64_t now)
{
	return now > clock->when ? SLEW * (double)(now - clock->when) / 1000 : 0;
}

/* With the lock held. */
static void learn(struct mc_http_clock *clock, double least, double most, int64_t when)
{
	double slew = slewed(clock, when);

	/* Where the two have nothing in common, the clock was set. */
	if (clock->is_known && least <= clock->most + slew && most >= clock->least - slew) {
		least = least > clock->least - slew ? least : clock->least - slew;
		most = most < clock->most + slew ? most : clock->most + slew;
	}
	clock->least = least;
	clock->most = most;
	clock->when = clock->when > when ? clock->when : when;
	clock->is_known = true;
}

void mc_http_clock_note(struct mc_http_clock *clock, const char *text, int64_t sent, int64_t came)
{
	time_t date = text && came > 0 ? curl_getdate(text, NULL) : -1;

	if (date < 0)
		return;
	/* A time in milliseconds is one more, or almost. */
	MC_LOCKED(&clock->lock)
		learn(clock, (double)date - (double)(came + 1) / 1000, (double)date + 1 - (double)sent / 1000, came);
}

bool mc_http_clock_show(struct mc_http_clock *clock, int64_t now, double *ret_earliest, double *ret_latest)
{
	bool is_known;

	MC_LOCKED(&clock->lock) {
		is_known = clock->is_known;
		if (is_known) {
			*ret_earliest = clock->least + (double)now / 1000 - slewed(clock, now);
			*ret_latest = clock->most + (double)(now + 1) / 1000 + slewed(clock, now);
		}
	}
	return is_known;
}

bool mc_http_clock_ahead(struct mc_http_clock *clock, double *ret_least, double *ret_most)
{
	int64_t now = mc_boot_ms();
	double here = mc_wall_clock();
	bool is_known = mc_http_clock_show(clock, now, ret_least, ret_most);

	if (is_known) {
		*ret_least -= here;
		*ret_most -= here;
	}
	return is_known;
}
