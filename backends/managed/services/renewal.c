/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/renewal.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/managed/names.h"
#include "backends/managed/services/certificate.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/table.h"
#include "mcloud/call.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <string.h>

#define OFTEN_MS ((int64_t)60 * 1000)
#define SELDOM_MS ((int64_t)6 * 3600 * 1000)
#define RENEW_MS (60 * 1000) /* a service's look, and its renewal */

int64_t mc_certificates_next(double rest, int64_t now_ms)
{
	double ms = rest * 1000;

	return now_ms + (ms < OFTEN_MS ? OFTEN_MS : ms > SELDOM_MS ? SELDOM_MS : (int64_t)ms);
}

/* In how many seconds the service's certificate is due. That one doesn't answer is others' business to tell. */
static double review_service(struct mc_region *region, struct mc_call *call, const struct mc_service *service)
{
	struct mc_error error = {0};
	double rest = 0;
	int r;

	mc_call_extend(call, RENEW_MS);
	if (mc_certificate_look(region, call, service, &rest, NULL) < 0)
		return 0;
	if (rest > 0)
		return rest;
	if (mc_cloud_may_change(region->cloud, NULL) < 0)
		return 0;
	r = mc_certificate_renew(region, call, service, &rest, &error);
	if (r < 0 && r != -EINTR)
		mc_cloud_fail(region->cloud, region->name, &error);
	return r < 0 ? 0 : rest;
}

static double review_region(struct mc_region *region, struct mc_call *call)
{
	double first = (double)SELDOM_MS / 1000;

	for (const struct mc_service *service = mc_services; service->name; service++) {
		if (!mc_service_has_tls(region->cloud, service) || !mc_probe_service_runs(region, service))
			continue;
		double rest = review_service(region, call, service);

		first = rest < first ? rest : first;
	}
	return first;
}

static double review(struct mc_cloud *cloud, struct mc_call *call)
{
	struct mc_region_views views = {0};
	double first = (double)SELDOM_MS / 1000;

	if (mc_cloud_regions(cloud, &views) < 0)
		return 0;
	for (size_t i = 0; i < views.count && !mc_call_cancelled(call); i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, views.items[i].name);
		double rest = region ? review_region(region, call) : first;

		first = rest < first ? rest : first;
	}
	mc_region_views_clear(&views);
	return first;
}

/* Whether it is time; false: the cloud is being closed. */
static bool await_time(struct mc_cloud *cloud, struct mc_call *call)
{
	MC_LOCKED(&cloud->lock) {
		while (mc_now_ms() < cloud->renew_at && !cloud->is_closing && !mc_call_cancelled(call))
			mc_cloud_await_until(cloud, cloud->renew_at);
		cloud->renew_at = INT64_MAX; /* unless somebody asks for it meanwhile */
	}
	return !mc_call_cancelled(call);
}

static void keep_renewed(void *data)
{
	struct mc_cloud *cloud = data;
	struct mc_call *call;

	MC_LOCKED(&cloud->lock)
		call = mc_call_ref(cloud->renewing);
	while (await_time(cloud, call)) {
		int64_t next = mc_certificates_next(review(cloud, call), mc_now_ms());

		MC_LOCKED(&cloud->lock)
			cloud->renew_at = next < cloud->renew_at ? next : cloud->renew_at;
	}
	MC_LOCKED(&cloud->lock)
		mc_call_unref(mc_steal(&cloud->renewing));
	mc_call_unref(call);
}

void mc_certificates_keep(struct mc_cloud *cloud)
{
	if (!cloud->has_tls || cloud->options.read_only)
		return;
	MC_LOCKED(&cloud->lock) {
		cloud->renew_at = 0;
		pthread_cond_broadcast(&cloud->idle);
	}
	mc_cloud_keep(cloud, &cloud->renewing, NULL, keep_renewed);
}
