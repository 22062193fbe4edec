/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/certificates.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/renewal.h"
#include "backends/managed/services/table.h"
#include "backends/managed/sight.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"
#include "tls_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Certificates of a Glance, which is a server in this process, over months of a clock that the test sets. */

#define DAY 86400
#define HOURS_MS ((int64_t)6 * 3600 * 1000)
#define MINUTE_MS ((int64_t)60 * 1000)

static _Atomic int64_t now_ms = 1000000;
static _Atomic double wall = 1.8e9;
int64_t __wrap_mc_now_ms(void);
double __wrap_mc_wall_clock(void);
void __wrap_mc_cloud_await_until(struct mc_cloud *cloud, int64_t until_ms);

int64_t __wrap_mc_now_ms(void)
{
	return now_ms;
}

double __wrap_mc_wall_clock(void)
{
	return wall;
}

static pthread_cond_t news = PTHREAD_COND_INITIALIZER; /* with the cloud's lock */
static unsigned rests;
static int64_t rests_until;

/* The keeper rests: that is news, and nothing but news ends it. */
void __wrap_mc_cloud_await_until(struct mc_cloud *cloud, int64_t until_ms)
{
	rests++;
	rests_until = until_ms;
	pthread_cond_broadcast(&news);
	pthread_cond_wait(&cloud->idle, &cloud->lock);
}

static char address[16];
static struct tls_server *glance;
static struct tls_identity *identity;
static char *uploaded;
static unsigned uploads, reloads, failures;
static int upload_result;

static void show(const char *pem)
{
	if (glance)
		tls_server_free(glance);
	if (identity)
		tls_identity_free(identity);
	identity = tls_identity_read(pem);
	glance = tls_server_new(
		&(struct tls_setup){.identity = identity, .address = address, .port = mc_services[MC_GLANCE].port});
}

static int upload(struct mc_engine *engine, struct mc_call *call, const char *name, const struct mc_engine_file *files,
	size_t n_files, struct mc_error *error)
{
	(void)engine, (void)call;
	assert_string_equal(name, "glance-Kista");
	assert_int_equal(n_files, 2);
	assert_string_equal(files[0].path, "/etc/glance/server.pem");
	assert_int_equal(files[0].mode, 0400);
	assert_string_equal(files[1].path, "/etc/glance/ca.pem");
	uploads++;
	if (upload_result < 0)
		return mc_error_set(error, -upload_result, "no room");
	mc_free_secret(uploaded);
	uploaded = strndup(files[0].data, files[0].size);
	return 0;
}

/* What nginx does. */
static int run(struct mc_engine *engine, struct mc_call *call, const char *name, const char *const *argv, int *ret_code,
	struct mc_buffer *output, struct mc_error *error)
{
	(void)engine, (void)call, (void)name, (void)output, (void)error;
	assert_string_equal(argv[0], "/usr/sbin/nginx");
	*ret_code = 0;
	reloads++;
	show(uploaded);
	return 0;
}

static void take_event(void *data, const struct mc_cloud_event *event)
{
	(void)data;
	if (event->kind == MC_CLOUD_FAILURE) {
		failures++;
		assert_non_null(strstr(event->error->message, "no room"));
	}
}

static const struct mc_engine_ops ops = {.upload = upload, .run = run};
static const struct mc_cloud_kind kind = {.look = mc_sight_look};
static struct mc_engine engine = {.ops = &ops};

/* Once the keeper has rested N times: until then it is at work, and what it counts is its own. */
static void await_rest(struct mc_cloud *cloud, unsigned n, int64_t expected_ms)
{
	MC_LOCKED(&cloud->lock) {
		while (rests < n)
			pthread_cond_wait(&news, &cloud->lock);
		assert_int_equal(rests, n);
		assert_int_equal(rests_until - now_ms, expected_ms);
	}
}

/* So much later by both clocks. */
static void move_on(struct mc_cloud *cloud, int64_t ms, double days)
{
	MC_LOCKED(&cloud->lock) {
		now_ms += ms;
		wall = wall + days * DAY;
		pthread_cond_broadcast(&cloud->idle);
	}
}

static void close_keeper(struct mc_cloud *cloud)
{
	MC_LOCKED(&cloud->lock) {
		cloud->is_closing = true;
		mc_call_cancel(cloud->renewing);
		pthread_cond_broadcast(&cloud->idle);
		while (cloud->threads)
			pthread_cond_wait(&cloud->idle, &cloud->lock);
		assert_null(cloud->renewing);
	}
}

static void begin(struct mc_cloud *cloud)
{
	const struct mc_certificate_names names = {address, "glance-Kista"};
	char directory[] = "/tmp/mcloudfs-renewal.XXXXXX", file[64];
	MC_CLEANUP(secret) char *pem = NULL;

	/* its own: tests run side by side */
	snprintf(address, sizeof(address), "127.%d.%d.1", 130 + getpid() / 250 % 100, 2 + getpid() % 250);
	snprintf(cloud->regions[0]->address, sizeof(cloud->regions[0]->address), "%s", address);
	assert_non_null(mkdtemp(directory));
	assert_int_equal(mc_secrets_open(directory, "lab", true, &cloud->secrets, NULL), 0);
	assert_int_equal(mc_secrets_set_ca(cloud->secrets, "lab", NULL), 0);
	snprintf(file, sizeof(file), "%s/lab.json", directory);
	unlink(file);
	rmdir(directory);
	assert_int_equal(mc_secrets_issue(cloud->secrets, &names, wall, &pem, NULL), 0);
	show(pem);
}

static void end(struct mc_cloud *cloud)
{
	tls_server_free(glance);
	tls_identity_free(identity);
	mc_free_secret(uploaded);
	mc_secrets_free(cloud->secrets);
}

static void test_months(void **state)
{
	struct mc_engine_service service = {.name = (char[]){"glance-Kista"}, .state = "running"};
	struct mc_region region = {.name = "Kista", .number = 1, .references = 1}, *regions[] = {&region};
	struct mc_cloud cloud = {.kind = &kind,
		.handler = take_event,
		.engine = &engine,
		.has_tls = true,
		.telling = PTHREAD_MUTEX_INITIALIZER,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.idle = PTHREAD_COND_INITIALIZER,
		.regions = regions,
		.n_regions = 1,
		.services = {&service, 1}};

	(void)state;
	region.cloud = &cloud;
	begin(&cloud);
	/* A new one has two months. */
	mc_certificates_keep(&cloud);
	await_rest(&cloud, 1, HOURS_MS);
	move_on(&cloud, HOURS_MS, 59);
	await_rest(&cloud, 2, HOURS_MS);
	assert_int_equal(uploads, 0);
	/* A month before its end it is renewed, once, and then nothing is done for two more. */
	move_on(&cloud, HOURS_MS, 1.1);
	await_rest(&cloud, 3, HOURS_MS);
	assert_int_equal(uploads, 1);
	assert_int_equal(reloads, 1);
	move_on(&cloud, HOURS_MS, 59);
	await_rest(&cloud, 4, HOURS_MS);
	assert_int_equal(uploads, 1);
	/* What can't be done is told, and tried again soon. */
	upload_result = -EIO;
	move_on(&cloud, HOURS_MS, 1.1);
	await_rest(&cloud, 5, MINUTE_MS);
	assert_int_equal(failures, 1);
	assert_int_equal(reloads, 1);
	upload_result = 0;
	move_on(&cloud, MINUTE_MS, 0);
	await_rest(&cloud, 6, HOURS_MS);
	assert_int_equal(reloads, 2);
	/* A start has it look at once. */
	wall = wall + 61 * DAY;
	mc_certificates_keep(&cloud);
	await_rest(&cloud, 7, HOURS_MS);
	assert_int_equal(reloads, 3);
	assert_int_equal(failures, 1);
	close_keeper(&cloud);
	end(&cloud);
}

/* Nobody keeps anything of a cloud without TLS, or of one that is only looked at. */
static void test_nothing_to_keep(void **state)
{
	struct mc_cloud cloud = {.lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

	(void)state;
	mc_certificates_keep(&cloud);
	assert_null(cloud.renewing);
	cloud.has_tls = cloud.options.read_only = true;
	mc_certificates_keep(&cloud);
	assert_null(cloud.renewing);
	assert_int_equal(cloud.threads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_nothing_to_keep),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
