/* SPDX-License-Identifier: MIT */
#include "writing_world.h"

/* Content that Glance takes by import only: it is staged, and imported from there. */

#define METHODS(list)                                                                                                  \
	"{\"import-methods\":{\"description\":\"Import methods available.\",\"type\":\"array\",\"value\":[" list "]}}"
#define DIRECT "\"web-download\",\"glance-direct\""
#define TASK(status, message) "{\"tasks\":[{\"status\":\"" status "\",\"message\":\"" message "\"}]}"
#define LOOK(status, more) "{\"id\":\"" ID "\",\"status\":\"" status "\"" more "}"

/* A cloud that is there already; its first image gets SIZE bytes. */
static void begin_attached(struct writing *writing, size_t size, int timeout_ms)
{
	memset(writing, 0, sizeof *writing);
	writing->world = setup_way(fake_http_new_tcp(), 0, timeout_ms, true);
	begin_image(writing, size);
}

/* PUT is answered before a byte of the content was sent. */
static void expect_refusal(struct writing *writing, int status, const char *answer)
{
	expect(writing, (struct fake_step){.method = "PUT",
				.target = IMAGE "/file",
				.header = "Expect: 100-continue",
				.body = "",
				.early = true,
				.status = status,
				.answer = answer});
}

static void expect_methods(struct writing *writing, int status, const char *answer)
{
	expect(writing,
		(struct fake_step){.method = "GET", .target = "/v2/info/import", .status = status, .answer = answer});
}

static void expect_stage(struct writing *writing)
{
	expect(writing, (struct fake_step){.method = "PUT",
				.target = IMAGE "/stage",
				.header = "Content-Type: application/octet-stream",
				.check = check_content,
				.data = writing,
				.status = 204});
}

static void expect_import(struct writing *writing, int status, const char *answer)
{
	expect(writing, (struct fake_step){.method = "POST",
				.target = IMAGE "/import",
				.json = "{\"method\":{\"name\":\"glance-direct\"}}",
				.status = status,
				.answer = answer});
}

static void expect_state(struct writing *writing, const char *answer)
{
	expect(writing, (struct fake_step){.method = "GET", .target = IMAGE, .answer = answer});
}

static void expect_tasks(struct writing *writing, int status, const char *answer)
{
	expect(writing,
		(struct fake_step){.method = "GET", .target = IMAGE "/tasks", .status = status, .answer = answer});
}

/* The same, where PUT is refused with STATUS and the content is staged instead. */
static void begin_staged(struct writing *writing, size_t size, int timeout_ms, int status)
{
	begin_attached(writing, size, timeout_ms);
	expect_format(writing, "raw");
	expect_refusal(writing, status, NULL);
	expect_methods(writing, 200, METHODS(DIRECT));
	expect_stage(writing);
}

/* All is well from the import on. */
static void expect_end(struct writing *writing)
{
	expect_import(writing, 202, NULL);
	expect_state(writing, LOOK("active", ""));
	expect_look(writing, "active", writing->size, writing->hash);
	expect_unmark(writing);
}

static void write_and_finish(struct writing *writing)
{
	assert_int_equal(write_all(writing, 100001), 0);
	assert_int_equal(finish(writing), 0);
}

static void test_way(void **state)
{
	(void)state;
	static const int statuses[] = {403, 405, 501};

	for (size_t i = 0; i < MC_COUNT(statuses); i++) {
		struct writing writing;
		begin_staged(&writing, 5 * MIB, 0, statuses[i]);
		expect_end(&writing);
		write_and_finish(&writing);
		end_image(&writing);
		/* The next one goes that way at once. */
		begin_image(&writing, 1000);
		expect_format(&writing, "raw");
		expect_stage(&writing);
		expect_end(&writing);
		write_and_finish(&writing);
		end(&writing);
	}
}

static void check_no_expectation(void *data, const struct fake_request *request)
{
	struct writing *writing = data;

	check_content(data, request);
	if (strcasestr(request->headers, "Expect:"))
		fake_http_complain(writing->world.server, "it waits for what it knows");
}

/* Where PUT was taken once, the next content doesn't wait. */
static void test_taken(void **state)
{
	(void)state;
	struct writing writing;

	begin_attached(&writing, 100000, 0);
	expect_format(&writing, "raw");
	expect(&writing, (struct fake_step){.method = "PUT",
				 .target = IMAGE "/file",
				 .header = "Expect: 100-continue",
				 .check = check_content,
				 .data = &writing,
				 .status = 204});
	expect_look(&writing, "active", writing.size, writing.hash);
	expect_unmark(&writing);
	write_and_finish(&writing);
	end_image(&writing);
	begin_image(&writing, 1000);
	expect_format(&writing, "raw");
	expect(&writing, (struct fake_step){.method = "PUT",
				 .target = IMAGE "/file",
				 .check = check_no_expectation,
				 .data = &writing,
				 .status = 204});
	expect_look(&writing, "active", writing.size, writing.hash);
	expect_unmark(&writing);
	write_and_finish(&writing);
	end(&writing);
}

/* The import takes its time. It is over when Glance has let go of the image: until then it may write back properties.
 */
static void test_wait(void **state)
{
	(void)state;
	struct writing writing;

	begin_staged(&writing, 1000, 0, 405);
	expect_import(&writing, 202, NULL);
	expect_state(&writing, LOOK("uploading", ",\"os_glance_import_task\":\"t\""));
	expect_tasks(&writing, 200, TASK("pending", ""));
	expect_state(&writing, LOOK("importing", ",\"os_glance_failed_import\":\"\""));
	expect_tasks(&writing, 404, NULL); /* an older Glance tells nothing of tasks */
	expect_state(&writing, LOOK("active", ",\"os_glance_import_task\":\"t\""));
	expect_tasks(&writing, 403, NULL);
	expect_state(&writing, LOOK("active", ""));
	expect_look(&writing, "active", writing.size, writing.hash);
	expect_unmark(&writing);
	write_and_finish(&writing);
	end(&writing);
}

static void fail_finish(struct writing *writing, int code, const char *says)
{
	expect_delete(writing);
	assert_int_equal(write_all(writing, 1000), 0);
	assert_int_equal(finish(writing), code);
	assert_int_equal(finish(writing), code);
	if (!strstr(writing->world.error.message, says))
		fail_msg("%s", writing->world.error.message);
}

static void check_failure(struct writing *writing, int code, const char *says)
{
	fail_finish(writing, code, says);
	end(writing);
}

static void test_failures(void **state)
{
	(void)state;
	static const struct {
		const char *look, *tasks, *says;
	} cases[] = {
		{LOOK("queued", ",\"os_glance_failed_import\":\"file\""), TASK("failure", "no room"), "no room"},
		{LOOK("queued", ""), TASK("failure", ""), "queued"},
		{LOOK("killed", ""), "{\"tasks\":[]}", "killed"},
		{LOOK("importing", ",\"os_glance_failed_import\":\"ceph,file\""), NULL, "ceph,file"},
		{LOOK("importing", ""), TASK("failure", "its hash is another"), "its hash is another"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct writing writing;
		begin_staged(&writing, 1000, 0, 403);
		expect_import(&writing, 202, NULL);
		expect_state(&writing, cases[i].look);
		expect_tasks(&writing, cases[i].tasks ? 200 : 404, cases[i].tasks);
		check_failure(&writing, -EIO, cases[i].says);
	}
}

/* Nobody takes the content: the sentence says what was refused, and who can change that. */
static void test_no_way(void **state)
{
	(void)state;
	static const struct {
		int status, info;
		const char *methods;
		int code;
		const char *says;
	} cases[] = {
		{403, 404, NULL, -EACCES, "You may not"},
		{403, 200, METHODS("\"web-download\""), -EACCES, "You may not"},
		{405, 200, METHODS(""), -EOPNOTSUPP, "glance-direct"},
		{501, 200, "{\"import-methods\":[]}", -EOPNOTSUPP, "glance-direct"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct writing writing;
		begin_attached(&writing, 1000, 0);
		expect_format(&writing, "raw");
		expect_refusal(&writing, cases[i].status, "{\"message\":\"You may not\"}");
		expect_methods(&writing, cases[i].info, cases[i].methods);
		check_failure(&writing, cases[i].code, cases[i].says);
	}
}

/* Why it isn't known whether there is another way is more than that there is none. */
static void test_unknown_methods(void **state)
{
	(void)state;
	struct writing writing;

	begin_attached(&writing, 1000, 0);
	expect_format(&writing, "raw");
	expect_refusal(&writing, 403, NULL);
	expect_methods(&writing, 500, "{\"message\":\"Oops\"}");
	check_failure(&writing, -EIO, "Oops");
}

static void test_import_refused(void **state)
{
	(void)state;
	struct writing writing;

	begin_staged(&writing, 1000, 0, 403);
	expect_import(&writing, 403, "{\"message\":\"Not you\"}");
	check_failure(&writing, -EACCES, "Not you");
}

/* Of what is refused for another reason nobody looks for another way. */
static void test_full(void **state)
{
	(void)state;
	struct writing writing;

	begin_attached(&writing, 1000, 0);
	expect_format(&writing, "raw");
	expect_refusal(&writing, 413, "{\"message\":\"over quota\"}");
	check_failure(&writing, -EDQUOT, "over quota");
	begin_attached(&writing, 1000, 0);
	expect_format(&writing, "raw");
	expect_refusal(&writing, 405, NULL);
	expect_methods(&writing, 200, METHODS(DIRECT));
	expect(&writing, (struct fake_step){
				 .method = "PUT", .target = IMAGE "/stage", .status = 413, .answer = "media is full"});
	check_failure(&writing, -ENOSPC, "media is full");
}

/* Where staging is off from one day to the next, the next content goes by PUT. */
static void test_stage_refused(void **state)
{
	(void)state;
	struct writing writing;

	begin_staged(&writing, 1000, 0, 405);
	expect_end(&writing);
	write_and_finish(&writing);
	end_image(&writing);
	begin_image(&writing, 1000);
	expect_format(&writing, "raw");
	expect(&writing, (struct fake_step){.method = "PUT", .target = IMAGE "/stage", .status = 404});
	expect_delete(&writing);
	assert_int_equal(write_all(&writing, 1000), 0);
	assert_int_equal(finish(&writing), -ENOENT);
	end_image(&writing);
	begin_image(&writing, 1000);
	expect_format(&writing, "raw");
	expect_content(&writing);
	expect_look(&writing, "active", writing.size, writing.hash);
	expect_unmark(&writing);
	write_and_finish(&writing);
	end(&writing);
}

/* A proxy takes all of the content before it says that it doesn't: what is still in memory is sent again, else it is
 * for the next try. */
static void test_late_refusal(void **state)
{
	(void)state;
	struct writing writing;

	begin_attached(&writing, 1000, 0);
	expect_format(&writing, "raw");
	expect(&writing, (struct fake_step){.method = "PUT", .target = IMAGE "/file", .status = 405});
	expect_methods(&writing, 200, METHODS(DIRECT));
	expect_stage(&writing);
	expect_end(&writing);
	write_and_finish(&writing);
	end(&writing);

	begin_attached(&writing, 5 * MIB, 0);
	expect_format(&writing, "raw");
	expect(&writing, (struct fake_step){.method = "PUT", .target = IMAGE "/file", .status = 405});
	expect_methods(&writing, 200, METHODS(DIRECT));
	expect_delete(&writing);
	int r = write_all(&writing, 100001);
	assert_true(r == 0 || r == -EAGAIN);
	assert_int_equal(finish(&writing), -EAGAIN);
	assert_non_null(strstr(writing.world.error.message, "write it again"));
	end_image(&writing);
	begin_image(&writing, 5 * MIB);
	expect_format(&writing, "raw");
	expect_stage(&writing);
	expect_end(&writing);
	write_and_finish(&writing);
	end(&writing);
}

/* Glance doesn't answer any more while it imports. */
static void test_hang(void **state)
{
	(void)state;
	struct writing writing;

	begin_staged(&writing, 1000, 300, 405);
	expect_import(&writing, 202, NULL);
	expect(&writing, (struct fake_step){.method = "GET", .target = IMAGE, .how = FAKE_HANG});
	check_failure(&writing, -ETIMEDOUT, "");
}

static void *cancel(void *data)
{
	struct writing *writing = data;

	/* A login, the image, its two formats, PUT, the methods, the stage, the import, two looks. */
	fake_http_wait_requests(writing->world.server, 10);
	mc_call_cancel(writing->world.call);
	return NULL;
}

static void test_interrupted(void **state)
{
	(void)state;
	struct writing writing;
	pthread_t thread;

	begin_staged(&writing, 1000, 0, 405);
	expect_import(&writing, 202, NULL);
	expect(&writing,
		(struct fake_step){.method = "GET", .target = IMAGE, .times = -1, .answer = LOOK("importing", "")});
	expect(&writing, (struct fake_step){.method = "GET", .target = IMAGE "/tasks", .times = -1, .answer = "{}"});
	assert_int_equal(pthread_create(&thread, NULL, cancel, &writing), 0);
	fail_finish(&writing, -EINTR, "");
	pthread_join(thread, NULL);
	end(&writing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_way),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_no_way),
		cmocka_unit_test(test_unknown_methods),
		cmocka_unit_test(test_import_refused),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_stage_refused),
		cmocka_unit_test(test_late_refusal),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
